/* How long one decision takes, in process: the written model of the tests with 300 trees, and policies of 8,
 * 100 and 256 campaigns over as many products. Not a test: run by hand on a release build, prints
 * microseconds.
 *
 *   bench_decide [DECISIONS [CAMPAIGNS]] */
#include <inttypes.h>
#include <stdio.h>
#include <time.h>

#include "decide_test.h"

enum { TREES = 300, DEPTH = 6, PEOPLE = 64, MEMORY = 8 << 20 };

static fixture f;
static sotto_decision out;
static uint8_t memory[MEMORY], model_file[1 << 20];
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

/* Each campaign has a product of its own, a rule, caps and a day part. */
static void load(size_t campaigns)
{
    sotto_vec catalogue, policy;
    sotto_vec_init(&catalogue, 1 << 20);
    sotto_vec_init(&policy, 1 << 20);
    assert_int_equal(sotto_vec_printf(&catalogue, "{\"version\":1,\"currency\":\"EUR\",\"products\":["),
                     SOTTO_OK);
    assert_int_equal(sotto_vec_printf(&policy, "%s", POLICY_HEAD), SOTTO_OK);
    for (size_t i = 0; i < campaigns; i++) {
        const char *comma = i == 0 ? "" : ",";
        assert_int_equal(
            sotto_vec_printf(&catalogue,
                             "%s{\"id\":\"p%zu\",\"risk\":1,\"value\":%zu,\"attributes\":{\"rate\":%zu,"
                             "\"months\":%zu}}",
                             comma, i, 10 + i % 90, i % 5, i % 24),
            SOTTO_OK);
        assert_int_equal(
            sotto_vec_printf(
                &policy,
                "%s{\"number\":%zu,\"id\":\"c%zu\",\"product\":\"p%zu\",\"who\":{\"and\":[{\">=\":[{\"var\":"
                "\"age\"},18]},{\"or\":[{\">\":[{\"var\":\"balance\"},0]},{\"var\":\"has_card\"}]}]},"
                "\"caps\":{\"day\":2,\"week\":4},\"day_parts\":[[\"08:00\",\"19:00\"]]," WORDS,
                comma, i + 1, i, i),
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

static void measure(size_t campaigns, size_t n)
{
    size_t mark = sotto_arena_mark(&f.arena);
    load(campaigns);
    size_t plan_bytes = sotto_arena_mark(&f.arena) - mark, offers = 0;
    int64_t *took_ns = malloc(n * sizeof *took_ns);
    assert_non_null(took_ns);
    for (size_t i = 0; i < n; i++) {
        sotto_decide_request r = {.profile = &people[i % PEOPLE],
                                  .counters = &f.counters,
                                  .now_s = NOON_S,
                                  .offers_max = 3,
                                  .seed = i};
        int64_t start_ns = now_ns();
        sotto_decide(f.plan, &r, f.scratch, &out);
        took_ns[i] = now_ns() - start_ns;
        offers += out.offer_count;
    }
    qsort(took_ns, n, sizeof *took_ns, compare);
    printf("%3zu campaigns and products, %d trees: median %" PRId64 ".%" PRId64 " us, p99 %" PRId64
           ".%" PRId64 " us; %zu offers in %zu decisions; plan and scratch %zu bytes\n",
           campaigns, TREES, took_ns[n / 2] / 1000, took_ns[n / 2] / 100 % 10, took_ns[n * 99 / 100] / 1000,
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
    static const size_t SIZES[] = {8, 100, 256};
    for (size_t i = 0; i < SOTTO_COUNT(SIZES) && argc <= 2; i++)
        measure(SIZES[i], n);
    if (argc > 2)
        measure((size_t)strtoul(argv[2], NULL, 10), n);
    return 0;
}
