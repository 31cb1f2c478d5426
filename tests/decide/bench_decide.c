/* How long one decision takes, in process: the written model of the tests with 300 trees, and policies of
 * some campaigns over a shelf of products. "cold": everything was pushed out of the caches before each
 * decision. Not a test: run by hand on a release build, prints microseconds.
 *
 *   bench_decide [DECISIONS [CAMPAIGNS PRODUCTS [cold]]]      tests/bench/decide runs it for a table */
#include <inttypes.h>
#include <stdio.h>
#include <time.h>

#include "decide_test.h"

enum { TREES = 300, DEPTH = 6, PEOPLE = 64, MEMORY = 32 << 20, EVICT = 48 << 20 };

static fixture f;
static sotto_decision out;
static uint8_t memory[MEMORY], model_file[1 << 20], evict[EVICT];
static volatile uint64_t sink;
static sotto_profile people[PEOPLE];

static int64_t now_ns(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static void make_people(void)
{
    static const char *const SEGMENTS[] = {"young", "mid", "old"};
    uint64_t seed = 5;
    for (size_t i = 0; i < PEOPLE; i++) {
        char number[24];
        assert_int_equal(sotto_profile_init(&people[i], f.dictionary, &f.arena), SOTTO_OK);
        f.profile = people[i];
        set_tag(&f, "consent", "1");
        set_tag(&f, "risk_grade", "5");
        set_tag(&f, "joined", "2020-01-01");
        set_tag(&f, "segment", SEGMENTS[writer_random(&seed) % 3]);
        (void)snprintf(number, sizeof number, "%d", (int)(18 + writer_random(&seed) % 70));
        set_tag(&f, "age", number);
        (void)snprintf(number, sizeof number, "%d", (int)(writer_random(&seed) % 20000));
        set_tag(&f, "balance", number);
    }
}

typedef struct size {
    size_t campaigns, products;
    bool cold, explore;
} size;

/* Each campaign has a rule, caps and a day part; products are spread over the campaigns. */
static void load(const size *z)
{
    sotto_vec catalogue, policy;
    sotto_vec_init(&catalogue, 2 << 20);
    sotto_vec_init(&policy, 1 << 20);
    assert_int_equal(sotto_vec_printf(&catalogue, "{\"version\":1,\"currency\":\"EUR\",\"products\":["),
                     SOTTO_OK);
    assert_int_equal(sotto_vec_printf(&policy, "{%s%s",
                                      z->explore ? "\"exploration\":{\"method\":\"thompson\"}," : "",
                                      POLICY_HEAD + 1),
                     SOTTO_OK);
    for (size_t i = 0; i < z->products; i++) {
        assert_int_equal(
            sotto_vec_printf(&catalogue,
                             "%s{\"id\":\"p%zu\",\"risk\":1,\"value\":%zu,\"attributes\":{\"rate\":%zu,"
                             "\"months\":%zu}}",
                             i == 0 ? "" : ",", i, 10 + i % 90, i % 5, i % 24),
            SOTTO_OK);
    }
    for (size_t i = 0; i < z->campaigns; i++) {
        assert_int_equal(
            sotto_vec_printf(
                &policy,
                "%s{\"number\":%zu,\"id\":\"c%zu\",\"product\":\"p%zu\",\"who\":{\"and\":[{\">=\":[{\"var\":"
                "\"age\"},18]},{\"or\":[{\">\":[{\"var\":\"balance\"},0]},{\"var\":\"has_card\"}]}]},"
                "\"caps\":{\"day\":2,\"week\":4},\"day_parts\":[[\"08:00\",\"19:00\"]]," WORDS,
                i == 0 ? "" : ",", i + 1, i, i * z->products / z->campaigns),
            SOTTO_OK);
    }
    assert_int_equal(sotto_vec_printf(&catalogue, "]}"), SOTTO_OK);
    assert_int_equal(sotto_vec_printf(&policy, "%s", POLICY_TAIL), SOTTO_OK);
    sotto_plan_sources sources = sources_of(&f);
    sources.catalogue = sotto_vec_span(&catalogue);
    sources.policy = sotto_vec_span(&policy);
    if (sotto_plan_load(&f.plan, &sources, &f.arena, &f.diag) != SOTTO_OK)
        fail_msg("%s: %s", f.diag.where, f.diag.text);
    f.scratch = sotto_arena_take(&f.arena, sotto_decide_scratch_size(f.plan));
    assert_non_null(f.scratch);
    sotto_vec_free(&catalogue);
    sotto_vec_free(&policy);
}

static int compare(const void *a, const void *b)
{
    const int64_t *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

static void push_out(void)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < EVICT; i += 64)
        sum += evict[i]++;
    sink = sum;
}

static void measure(const size *z, size_t n)
{
    size_t mark = sotto_arena_mark(&f.arena);
    load(z);
    size_t plan_bytes = sotto_arena_mark(&f.arena) - mark, offers = 0;
    int64_t *took_ns = malloc(n * sizeof *took_ns);
    assert_non_null(took_ns);
    for (size_t i = 0; i < n; i++) {
        sotto_decide_request r = {.profile = &people[i % PEOPLE],
                                  .counters = &f.counters,
                                  .now_s = NOON_S,
                                  .offers_max = 3,
                                  .seed = i};
        if (z->cold)
            push_out();
        int64_t start_ns = now_ns();
        sotto_decide(f.plan, &r, f.scratch, &out);
        took_ns[i] = now_ns() - start_ns;
        offers += out.offer_count;
    }
    qsort(took_ns, n, sizeof *took_ns, compare);
    printf("%3zu campaigns, %4zu products, %d trees%s%s: median %" PRId64 ".%" PRId64 " us, p99 %" PRId64
           ".%" PRId64 " us; %zu offers in %zu decisions; plan and scratch %zu bytes\n",
           z->campaigns, z->products, TREES, z->cold ? ", cold" : "", z->explore ? ", exploring" : "",
           took_ns[n / 2] / 1000, took_ns[n / 2] / 100 % 10, took_ns[n * 99 / 100] / 1000,
           took_ns[n * 99 / 100] / 100 % 10, offers, n, plan_bytes);
    free(took_ns);
    sotto_arena_reset(&f.arena, mark);
}

int main(int argc, char **argv)
{
    size_t n = argc > 1 ? (size_t)strtoul(argv[1], NULL, 10) : 10000;
    if (n == 0)
        return 2;
    sotto_arena_init(&f.arena, memory, sizeof memory);
    assert_int_equal(sotto_dictionary_load(&f.dictionary, sotto_span_str(DICTIONARY), "d", &f.arena, NULL),
                     SOTTO_OK);
    size_t len =
        write_model(model_file, sizeof model_file, FEATURES, SOTTO_COUNT(FEATURES), TREES, DEPTH, 99);
    assert_int_equal(sotto_model_load(&f.model, sotto_span_of(model_file, len), &f.arena, &f.diag), SOTTO_OK);
    sotto_counters_clear(&f.counters);
    make_people();
    static const size SIZES[] = {{8, 8, false, false},     {100, 100, false, false}, {256, 256, false, false},
                                 {100, 50, true, false},   {100, 500, true, false},  {100, 5000, true, false},
                                 {100, 500, false, false}, {100, 500, false, true}};
    for (size_t i = 0; i < SOTTO_COUNT(SIZES) && argc <= 3; i++)
        measure(&SIZES[i], SIZES[i].cold ? n / 10 + 1 : n);
    if (argc > 3) {
        const size asked = {(size_t)strtoul(argv[2], NULL, 10), (size_t)strtoul(argv[3], NULL, 10),
                            argc > 4 && strcmp(argv[4], "cold") == 0, false};
        measure(&asked, n);
    }
    return 0;
}
