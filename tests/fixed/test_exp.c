/* Sigmoid and exponential against long double, over their whole range: the errors that the header promises,
 * and that neither ever turns back. By default every 61st margin and all those around a table's border;
 * SOTTO_EXHAUSTIVE=1 looks at each of the 400 million. */
#include "fixed_test.h"

#include <math.h>
#include <stdlib.h>

#define ONE_Q24 16777216.0L
#define ONE_Q30 1073741824.0L
/* The header's bounds: measured over every margin (0.8601 and 0.6765), rounded up. */
#define EXP_BOUND_ULP     0.87L
#define SIGMOID_BOUND_ULP 0.68L

static const int64_t END_Q24 = INT64_C(25) << 24;

static int64_t stride(void)
{
    return getenv("SOTTO_EXHAUSTIVE") != NULL ? 1 : 61 * THINNING;
}

static void check_at(int64_t t_q24)
{
    long double e = expl(-(long double)t_q24 / ONE_Q24);
    assert_true(fabsl((long double)sotto_fixed_exp_neg_q30(-t_q24) - e * ONE_Q30) < EXP_BOUND_ULP);
    assert_true(fabsl((long double)sotto_fixed_sigmoid_q30(t_q24) - ONE_Q30 / (1 + e)) < SIGMOID_BOUND_ULP);
}

static void errors_are_as_promised(void **state)
{
    (void)state;
    for (int64_t t = 0; t <= END_Q24; t += stride())
        check_at(t);
}

/* Each function falls (or rises) from every margin looked at to the next one, and the two halves of the
 * sigmoid mirror each other. */
static void both_are_monotone(void **state)
{
    (void)state;
    uint32_t e = SOTTO_PROB_ONE_Q30, s = SOTTO_PROB_ONE_Q30 / 2;
    for (int64_t t = 0; t <= END_Q24; t += stride()) {
        uint32_t e_now = sotto_fixed_exp_neg_q30(-t), s_now = sotto_fixed_sigmoid_q30(t);
        assert_true(e_now <= e && s_now >= s);
        assert_true(sotto_fixed_sigmoid_q30(-t) == SOTTO_PROB_ONE_Q30 - s_now);
        e = e_now;
        s = s_now;
    }
}

/* Where the table's index or the power of two changes: 64 borders for each factor of two. Sixteen steps on
 * either side, one by one. */
static void borders_are_seamless(void **state)
{
    (void)state;
    const int64_t borders = 25 * 64 * 3 / 2;
    for (int64_t i = 0; i <= borders; i += THINNING == 1 ? 1 : 3) {
        int64_t border = (int64_t)((long double)i / 64 * logl(2) * ONE_Q24);
        int64_t first = border < 16 ? 0 : border - 16;
        uint32_t e = sotto_fixed_exp_neg_q30(-first), s = sotto_fixed_sigmoid_q30(first);
        for (int64_t t = first; t <= border + 16; t++) {
            check_at(t);
            assert_true(sotto_fixed_exp_neg_q30(-t) <= e && sotto_fixed_sigmoid_q30(t) >= s);
            e = sotto_fixed_exp_neg_q30(-t);
            s = sotto_fixed_sigmoid_q30(t);
        }
    }
}

static void the_ends_are_exact(void **state)
{
    (void)state;
    assert_int_equal(sotto_fixed_sigmoid_q30(0), SOTTO_PROB_ONE_Q30 / 2);
    assert_int_equal(sotto_fixed_exp_neg_q30(0), SOTTO_PROB_ONE_Q30);
    static const int64_t FAR[] = {INT64_C(24) << 24, (INT64_C(24) << 24) + 1, INT64_C(1) << 40,
                                  INT64_C(1) << 62};
    for (size_t i = 0; i < SOTTO_COUNT(FAR); i++) {
        assert_int_equal(sotto_fixed_exp_neg_q30(-FAR[i]), 0);
        assert_int_equal(sotto_fixed_sigmoid_q30(FAR[i]), SOTTO_PROB_ONE_Q30);
        assert_int_equal(sotto_fixed_sigmoid_q30(-FAR[i]), 0);
    }
    assert_int_equal(sotto_fixed_sigmoid_q30(INT64_MAX), SOTTO_PROB_ONE_Q30);
    assert_int_equal(sotto_fixed_sigmoid_q30(INT64_MIN), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(errors_are_as_promised),
        cmocka_unit_test(both_are_monotone),
        cmocka_unit_test(borders_are_seamless),
        cmocka_unit_test(the_ends_are_exact),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
