/* Logarithm and logit against long double: every small argument, every power of two with its neighbourhood,
 * every border of the table in every octave, and random arguments. On machines whose long double is a double
 * the reference itself is good to 2^-47, which is nothing here. */
#include "fixed_test.h"

#include <math.h>

#define ONE_Q24 16777216.0L
/* The header's bounds: measured over every integer to 2^30 (0.5029) and a dense sample of the logit (0.5040),
 * rounded up. */
#define LN_BOUND_ULP    0.51L
#define LOGIT_BOUND_ULP 0.51L

static int64_t check_ln(uint64_t v)
{
    int64_t got = sotto_fixed_ln_q24(v);
    assert_true(fabsl((long double)got - logl((long double)v) * ONE_Q24) < LN_BOUND_ULP);
    return got;
}

static void small_integers(void **state)
{
    (void)state;
    assert_int_equal(sotto_fixed_ln_q24(1), 0);
    int64_t before = 0;
    for (uint64_t v = 1; v < 1000000 / THINNING; v++) {
        int64_t now = check_ln(v);
        assert_true(now >= before);
        before = now;
    }
}

/* Around (1 + i/64) * 2^e, where the table's index or the exponent changes: rising, and as exact as
 * elsewhere. */
static void borders_in_every_octave(void **state)
{
    (void)state;
    for (unsigned e = 12; e < 64; e++)
        for (uint64_t i = 0; i < 64; i += THINNING == 1 ? 1 : 5) {
            uint64_t border = (64 + i) << (e - 6);
            int64_t before = check_ln(border - 9);
            for (uint64_t v = border - 8; v <= border + 8; v++) {
                int64_t now = check_ln(v);
                assert_true(now >= before);
                before = now;
            }
        }
    (void)check_ln(UINT64_MAX);
    (void)check_ln(UINT64_MAX - 1);
}

static void random_integers_of_every_size(void **state)
{
    (void)state;
    uint64_t random = 1;
    for (unsigned i = 0; i < 2000000 / THINNING; i++)
        (void)check_ln((next_random(&random) | 1) >> (i % 64) | 1);
}

static int64_t check_logit(uint32_t p_q30)
{
    long double p = p_q30, rest = SOTTO_PROB_ONE_Q30 - p_q30;
    int64_t got = sotto_fixed_logit_q24(p_q30);
    assert_true(fabsl((long double)got - logl(p / rest) * ONE_Q24) < LOGIT_BOUND_ULP);
    assert_true(got == -sotto_fixed_logit_q24(SOTTO_PROB_ONE_Q30 - p_q30));
    return got;
}

static void logit_over_the_whole_range(void **state)
{
    (void)state;
    assert_int_equal(sotto_fixed_logit_q24(SOTTO_PROB_ONE_Q30 / 2), 0);
    int64_t before = INT64_MIN;
    for (uint32_t p = 1; p < SOTTO_PROB_ONE_Q30;
         p += p < 200000 || p > SOTTO_PROB_ONE_Q30 - 200000 ? THINNING : 991 * THINNING) {
        int64_t now = check_logit(p);
        assert_true(now >= before);
        before = now;
    }
    (void)check_logit(SOTTO_PROB_ONE_Q30 - 1);
}

/* The logit undoes the sigmoid as far as the probability's last bit can tell margins apart: d(logit) = dp /
 * (p (1 - p)). */
static void logit_undoes_sigmoid(void **state)
{
    (void)state;
    for (int64_t margin_q24 = -(INT64_C(16) << 24); margin_q24 <= INT64_C(16) << 24;
         margin_q24 += 10007 * THINNING) {
        uint32_t p_q30 = sotto_fixed_sigmoid_q30(margin_q24);
        long double p = p_q30 / 1073741824.0L;
        long double slack_q24 = 0.7L / 64 / (p * (1 - p)) * 1.01L + 1;
        assert_true(fabsl((long double)(sotto_fixed_logit_q24(p_q30) - margin_q24)) <= slack_q24);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(small_integers),
        cmocka_unit_test(borders_in_every_octave),
        cmocka_unit_test(random_integers_of_every_size),
        cmocka_unit_test(logit_over_the_whole_range),
        cmocka_unit_test(logit_undoes_sigmoid),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
