/* Decisions over a generated set of requests, as one hash: equal on every CPU. */
#include "decide_test.h"

#include <stdio.h>

static fixture f;
static sotto_decision out;

/* FNV-1a, 64 bits (Fowler, Noll, Vo). */
static uint64_t fnv(uint64_t hash, uint64_t value)
{
    for (unsigned i = 0; i < 8; i++)
        hash = (hash ^ (value >> 8 * i & 0xff)) * UINT64_C(0x100000001b3);
    return hash;
}

static uint64_t hash_of(uint64_t hash, const sotto_decision *d, size_t campaigns)
{
    hash = fnv(fnv(hash, d->id), d->offer_count);
    for (size_t i = 0; i < d->offer_count; i++) {
        const sotto_offer *o = &d->offers[i];
        hash = fnv(fnv(fnv(fnv(hash, o->campaign), (uint64_t)o->margin_q24), o->propensity_q30),
                   (uint64_t)o->score);
        for (size_t k = 0; k < o->reason_count; k++)
            hash = fnv(fnv(hash, o->reasons[k].tag), (uint64_t)o->reasons[k].contribution_q24);
    }
    for (size_t i = 0; i < campaigns; i++)
        hash = fnv(hash, d->excluded[i]);
    return fnv(fnv(hash, d->nothing_because), d->profiled);
}

static const char CAMPAIGNS[] =
    "{\"number\":1,\"id\":\"a\",\"product\":\"saver\",\"caps\":{\"day\":1,\"week\":2}," WORDS
    ",\n{\"number\":2,\"id\":\"b\",\"product\":\"term\",\"who\":{\">=\":[{\"var\":\"balance\"},2000]}," WORDS
    ",\n{\"number\":3,\"id\":\"c\",\"product\":\"fund\",\"min_propensity\":0.04," WORDS
    ",\n{\"number\":4,\"id\":\"d\",\"product\":\"card\",\"slots\":[\"idle\"]," WORDS
    ",\n{\"number\":5,\"id\":\"e\",\"product\":\"saver\",\"needs_profile\":false,\"caps\":{\"total\":3}"
    "," WORDS ",\n{\"number\":6,\"id\":\"f\",\"product\":\"term\",\"day_parts\":[[\"08:00\",\"16:00\"]],"
    "\"who\":{\"in\":["
    "{\"var\":\"segment\"},[\"mid\",\"old\"]]}," WORDS;

/* The order of arguments and initialisers is not fixed in C, so each draw is a statement of its own. */
static uint64_t below(uint64_t *seed, uint64_t n)
{
    return writer_random(seed) % n;
}

static void set_number(const char *id, uint64_t n)
{
    char text[24];
    (void)snprintf(text, sizeof text, "%llu", (unsigned long long)n);
    set_tag(&f, id, text);
}

/* Absent once in `absent_of` times. */
static void draw_number(const char *id, uint64_t *seed, uint64_t low, uint64_t n, uint64_t absent_of)
{
    set_number(id, low + below(seed, n));
    if (below(seed, absent_of) == 0)
        set_tag(&f, id, "");
}

static void random_customer(uint64_t *seed)
{
    static const char *const SEGMENTS[] = {"", "young", "mid", "old"};
    static const char *const DATES[] = {"", "2019-05-06", "2024-02-29", "2026-11-01"};
    draw_number("age", seed, 18, 70, 9);
    draw_number("balance", seed, 0, 20000, 7);
    set_tag(&f, "segment", SEGMENTS[below(seed, 4)]);
    set_tag(&f, "joined", DATES[below(seed, 4)]);
    draw_number("visits", seed, 0, 31, 3);
    set_number("consent", below(seed, 5) != 0);
    draw_number("risk_grade", seed, 1, 5, 11);
    set_number("has_card", below(seed, 2));
    sotto_counters_clear(&f.counters);
}

static sotto_decide_request random_request(uint64_t *seed)
{
    static const char *const SLOTS[] = {NULL, "idle", "receipt"};
    sotto_decide_request r = {.profile = &f.profile, .counters = &f.counters};
    if (below(seed, 10) == 0)
        r.profile = NULL;
    r.now_s = NOON_S + (int64_t)below(seed, 864000);
    r.utc_offset_min = (int32_t)below(seed, 1440) - 720;
    r.slot = SLOTS[below(seed, 3)];
    r.offers_max = (size_t)below(seed, 4) + 1;
    r.seed = writer_random(seed);
    return r;
}

/* Computed once on x86-64; armv7 and aarch64 must give the same. */
static const uint64_t GOLDEN = UINT64_C(0x9e10005a02d85bc0);

static void test_the_same_on_every_cpu(void **state)
{
    (void)state;
    uint64_t seed = 20261121, hash = UINT64_C(0xcbf29ce484222325);
    unsigned offered = 0, nothing = 0;
    fixture_open(&f, 300);
    load_campaigns(&f, CAMPAIGNS);
    for (int i = 0; i < 4000; i++) {
        if (i % 4 == 0)
            random_customer(&seed);
        sotto_decide_request r = random_request(&seed);
        sotto_decide(f.plan, &r, f.scratch, &out);
        hash = hash_of(hash, &out, sotto_plan_campaigns(f.plan));
        offered += out.offer_count > 0;
        nothing += out.offer_count == 0;
        if (out.offer_count > 0)
            assert_int_equal(sotto_counters_apply(&f.counters,
                                                  sotto_plan_campaign(f.plan, out.offers[0].campaign)->number,
                                                  SOTTO_EVENT_SHOWN, r.now_s, (int32_t)(r.now_s / 86400)),
                             SOTTO_OK);
    }
    assert_true(offered > 1000 && nothing > 100);
    if (hash != GOLDEN)
        fail_msg("hash 0x%016llx, offered %u, nothing %u", (unsigned long long)hash, offered, nothing);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_the_same_on_every_cpu)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
