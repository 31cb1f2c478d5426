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

static void set_number(const char *id, uint64_t n, bool absent)
{
    char text[24];
    (void)snprintf(text, sizeof text, "%llu", (unsigned long long)n);
    set_tag(&f, id, absent ? "" : text);
}

static void random_customer(uint64_t *seed)
{
    static const char *const SEGMENTS[] = {"", "young", "mid", "old"};
    static const char *const DATES[] = {"", "2019-05-06", "2024-02-29", "2026-11-01"};
    set_number("age", 18 + writer_random(seed) % 70, writer_random(seed) % 9 == 0);
    set_number("balance", writer_random(seed) % 20000, writer_random(seed) % 7 == 0);
    set_tag(&f, "segment", SEGMENTS[writer_random(seed) % 4]);
    set_tag(&f, "joined", DATES[writer_random(seed) % 4]);
    set_number("visits", writer_random(seed) % 31, writer_random(seed) % 3 == 0);
    set_number("consent", writer_random(seed) % 5 != 0, false);
    set_number("risk_grade", 1 + writer_random(seed) % 5, writer_random(seed) % 11 == 0);
    set_number("has_card", writer_random(seed) % 2, false);
    sotto_counters_clear(&f.counters);
}

/* Computed once on x86-64; armv7 and aarch64 must give the same. */
static const uint64_t GOLDEN = UINT64_C(0xedf4f8469caa5b1d);

static void test_the_same_on_every_cpu(void **state)
{
    (void)state;
    static const char *const SLOTS[] = {NULL, "idle", "receipt"};
    uint64_t seed = 20261121, hash = UINT64_C(0xcbf29ce484222325);
    unsigned offered = 0, nothing = 0;
    fixture_open(&f, 300);
    load_campaigns(&f, CAMPAIGNS);
    for (int i = 0; i < 4000; i++) {
        if (i % 4 == 0)
            random_customer(&seed);
        sotto_decide_request r = {.profile = writer_random(&seed) % 10 == 0 ? NULL : &f.profile,
                                  .counters = &f.counters,
                                  .now_s = NOON_S + (int64_t)(writer_random(&seed) % 864000),
                                  .utc_offset_min = (int32_t)(writer_random(&seed) % 1440) - 720,
                                  .slot = SLOTS[writer_random(&seed) % 3],
                                  .offers_max = (size_t)(writer_random(&seed) % 4) + 1,
                                  .seed = writer_random(&seed)};
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
