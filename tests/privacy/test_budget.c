#include "sotto/privacy.h"

#include <setjmp.h>

#include <cmocka.h>

static void rounds_against_the_curator(void **state)
{
    (void)state;
    assert_int_equal(sotto_budget_cost_ueps(1000000, 8, 8), 1000000);
    assert_int_equal(sotto_budget_cost_ueps(1000000, 0, 8), 0);
    assert_int_equal(sotto_budget_cost_ueps(1000000, 1, 3), 333334);
    assert_int_equal(sotto_budget_cost_ueps(1, 1, 1000), 1);
    assert_int_equal(sotto_budget_cost_ueps(0, 5, 8), 0);
    assert_int_equal(sotto_budget_cost_ueps(UINT64_MAX, UINT32_MAX, UINT32_MAX), UINT64_MAX);
    assert_int_equal(sotto_budget_cost_ueps(UINT64_MAX, 1, 2), UINT64_MAX / 2 + 1);
}

/* cost * bound >= epsilon * contribution > (cost - 1) * bound, and no split of a contribution is cheaper than
 * the whole. */
static void is_the_smallest_safe_cost(void **state)
{
    (void)state;
    for (uint64_t epsilon = 1; epsilon < 3000; epsilon += 37)
        for (uint32_t bound = 1; bound < 40; bound++)
            for (uint32_t c = 1; c <= bound; c++) {
                uint64_t cost = sotto_budget_cost_ueps(epsilon, c, bound);
                assert_true(cost * bound >= epsilon * c && (cost - 1) * bound < epsilon * c);
                assert_true(sotto_budget_cost_ueps(epsilon, c - 1, bound) +
                                sotto_budget_cost_ueps(epsilon, 1, bound) >=
                            cost);
            }
}

/* bound / epsilon in lowest terms; a zero stays a zero, and no noise can be drawn by it. */
static void the_scale_is_a_reduced_fraction(void **state)
{
    (void)state;
    static const struct {
        uint64_t epsilon_ueps;
        uint32_t bound;
        uint64_t num, den;
    } cases[] = {{500000, 8, 16, 1},       {1000000, 8, 8, 1}, {1500000, 1, 2, 3}, {7, 1, 1000000, 7},
                 {1, 1000, 1000000000, 1}, {0, 8, 1, 0},       {500000, 0, 0, 1},  {0, 0, 0, 0}};
    for (size_t i = 0; i < SOTTO_COUNT(cases); i++) {
        uint64_t num = 77, den = 77, width;
        sotto_budget_scale(cases[i].epsilon_ueps, cases[i].bound, &num, &den);
        assert_int_equal(num, cases[i].num);
        assert_int_equal(den, cases[i].den);
        sotto_status status = sotto_noise_half_width(num, den, 1, 950000, &width);
        assert_int_equal(sotto_status_cause(status), num == 0 || den == 0 ? SOTTO_CAUSE_RANGE : 0);
    }
}

int main(void)
{
    static const struct CMUnitTest TESTS[] = {cmocka_unit_test(rounds_against_the_curator),
                                              cmocka_unit_test(is_the_smallest_safe_cost),
                                              cmocka_unit_test(the_scale_is_a_reduced_fraction)};
    return cmocka_run_group_tests(TESTS, NULL, NULL);
}
