/* A decision is the same whether products are ranked all at once, one at a time, or some of both: on shelves
 * of many sizes, for many customers. */
#include "decide_test.h"

#include <stdio.h>

enum { TREES = 60, MEMORY = 8 << 20, CUSTOMERS = 40 };

static fixture f;
static uint8_t memory[MEMORY];

/* As many products as campaigns; some are not for the young. */
static void print_shelf(sotto_vec *catalogue, sotto_vec *policy, size_t count)
{
    assert_int_equal(sotto_vec_printf(catalogue, "{\"version\":1,\"currency\":\"EUR\",\"products\":["),
                     SOTTO_OK);
    assert_int_equal(sotto_vec_printf(policy, "%s", POLICY_HEAD), SOTTO_OK);
    for (size_t i = 0; i < count; i++) {
        const char *comma = i == 0 ? "" : ",";
        assert_int_equal(sotto_vec_printf(catalogue,
                                          "%s{\"id\":\"p%zu\",\"risk\":1,\"value\":%zu,\"attributes\":{"
                                          "\"rate\":%zu,\"months\":%zu}}",
                                          comma, i, 10 + i % 90, i % 5, i % 24),
                         SOTTO_OK);
        assert_int_equal(sotto_vec_printf(policy,
                                          "%s{\"number\":%zu,\"id\":\"c%zu\",\"product\":\"p%zu\",\"who\":{"
                                          "\">=\":[{\"var\":\"age\"},%zu]}," WORDS,
                                          comma, i + 1, i, i, i % 3 * 20),
                         SOTTO_OK);
    }
    assert_int_equal(sotto_vec_printf(catalogue, "]}"), SOTTO_OK);
    assert_int_equal(sotto_vec_printf(policy, "%s", POLICY_TAIL), SOTTO_OK);
}

static const sotto_plan *open_shelf(size_t count, sotto_arena *arena)
{
    sotto_vec catalogue, policy;
    sotto_vec_init(&catalogue, 1 << 20);
    sotto_vec_init(&policy, 1 << 20);
    print_shelf(&catalogue, &policy, count);
    sotto_plan_sources sources = sources_of(&f);
    sources.catalogue = sotto_vec_span(&catalogue);
    sources.policy = sotto_vec_span(&policy);
    size_t bound = sotto_plan_arena_bound(&sources);
    void *part = sotto_arena_take(arena, bound);
    sotto_arena own;
    assert_non_null(part);
    sotto_arena_init(&own, part, bound);
    const sotto_plan *plan;
    if (sotto_plan_load(&plan, &sources, &own, &f.diag) != SOTTO_OK)
        fail_msg("%s: %s", f.diag.where, f.diag.text);
    sotto_vec_free(&catalogue);
    sotto_vec_free(&policy);
    return plan;
}

static void customer(size_t i)
{
    char number[24];
    set_tag(&f, "consent", "1");
    set_tag(&f, "risk_grade", "5");
    set_tag(&f, "segment", i % 3 == 0 ? "young" : i % 3 == 1 ? "mid" : "old");
    (void)snprintf(number, sizeof number, "%zu", 18 + i * 7 % 60);
    set_tag(&f, "age", number);
    (void)snprintf(number, sizeof number, "%zu", i * 997 % 20000);
    set_tag(&f, "balance", number);
}

static void decide(const sotto_plan *plan, size_t seed, sotto_arena *arena, sotto_decision *out)
{
    sotto_decide_request r = {
        .profile = &f.profile, .counters = &f.counters, .now_s = NOON_S, .offers_max = 5, .seed = seed};
    size_t mark = sotto_arena_mark(arena);
    void *scratch = sotto_arena_take(arena, sotto_decide_scratch_size(plan));
    assert_non_null(scratch);
    sotto_decide(plan, &r, scratch, out);
    sotto_arena_reset(arena, mark);
}

static void test_same_with_and_without_ranking(void **state)
{
    static const size_t SHELVES[] = {1, 4, 5, 17, 100, SOTTO_CAMPAIGNS_MAX};
    static sotto_decision ranked, alone;
    (void)state;
    fixture_open(&f, TREES);
    for (size_t i = 0; i < SOTTO_COUNT(SHELVES); i++) {
        sotto_arena arena;
        sotto_arena_init(&arena, memory, sizeof memory);
        const sotto_plan *with = open_shelf(SHELVES[i], &arena);
        assert_non_null(with->ranking);
        sotto_plan without = *with; /* as with too little memory */
        without.ranking = NULL;
        for (size_t c = 0; c < CUSTOMERS; c++) {
            customer(c);
            decide(with, c, &arena, &ranked);
            decide(&without, c, &arena, &alone);
            assert_true(ranked.offer_count > 0);
            assert_memory_equal(&ranked, &alone, sizeof ranked);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_same_with_and_without_ranking)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
