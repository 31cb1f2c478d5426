/* The arithmetic below the error bars: never below the true value, and hardly above it. */
#include "upward.h"

#include "drbg.h"

#include <math.h>
#include <setjmp.h>

#include <cmocka.h>

static double value(sotto_up a)
{
    return ldexp((double)a.m, (int)a.e);
}

static bool is_close(double got, double expected)
{
    return fabs(got - expected) <= 1e-15 * fabs(expected);
}

static bool is_normal(sotto_up a)
{
    return a.m == 0 || a.m >> 63 == 1;
}

static sotto_up random_up(struct drbg *g)
{
    uint8_t bytes[9];
    uint64_t v = 0;
    (void)drbg_fill(g, bytes, sizeof bytes);
    for (int i = 0; i < 8; i++)
        v = v << 8 | bytes[i];
    return sotto_up_of(v >> bytes[8] % 64, bytes[8] - 128);
}

static void integers_are_exact(void **state)
{
    (void)state;
    for (uint64_t a = 0; a < 50; a++)
        for (uint64_t b = 0; b < 50; b++) {
            sotto_up product = sotto_up_mul(sotto_up_of(a, 0), sotto_up_of(b, 0));
            sotto_up sum = sotto_up_add(sotto_up_of(a, 0), sotto_up_of(b, 0));
            sotto_up expected = sotto_up_of(a * b, 0), expected_sum = sotto_up_of(a + b, 0);
            assert_true(product.m == expected.m && (product.m == 0 || product.e == expected.e));
            assert_true(sum.m == expected_sum.m && (sum.m == 0 || sum.e == expected_sum.e));
            assert_int_equal(sotto_up_greater(sotto_up_of(a, 0), sotto_up_of(b, 0)), a > b);
            if (b == 0)
                continue;
            sotto_up back = sotto_up_div(expected, b);
            assert_true(value(back) == (double)a);
        }
}

/* Against the machine's own arithmetic, which is exact enough to see any mistake but the last bits. */
static void results_are_close(void **state)
{
    (void)state;
    struct drbg g = drbg_of(3);
    for (int n = 0; n < 20000; n++) {
        sotto_up a = random_up(&g), b = random_up(&g);
        sotto_up product = sotto_up_mul(a, b), sum = sotto_up_add(a, b);
        uint64_t d = b.m >> (b.m % 63);
        assert_true(is_normal(product) && is_normal(sum));
        assert_true(is_close(value(product), value(a) * value(b)));
        assert_true(is_close(value(sum), value(a) + value(b)));
        if (d > 0)
            assert_true(is_close(value(sotto_up_div(a, d)), value(a) / (double)d));
        if (a.m != 0 && b.m != 0)
            assert_int_equal(sotto_up_greater(a, b), a.e > b.e || (a.e == b.e && a.m > b.m));
    }
}

/* Where the last bit is cut off, the result is the next one above. */
static void rounding_is_upwards(void **state)
{
    (void)state;
    for (uint64_t d = 3; d < 2000; d += 2) {
        sotto_up third = sotto_up_div(sotto_up_of(1, 0), d), one = sotto_up_mul(third, sotto_up_of(d, 0));
        assert_true(sotto_up_greater(one, sotto_up_of(1, 0)));
        assert_true(sotto_up_greater(sotto_up_of(UINT64_C(1) << 63 | 1 << 12, -63), one));
        sotto_up wide = sotto_up_div(sotto_up_of(1, 0), d << 40 | 1);
        assert_true(sotto_up_greater(sotto_up_mul(wide, sotto_up_of(d << 40 | 1, 0)), sotto_up_of(1, 0)));
    }
    const sotto_up most = sotto_up_of(UINT64_MAX, 0), one = sotto_up_of(1, 0);
    assert_true(sotto_up_greater(sotto_up_add(most, sotto_up_of(1, -200)), most));
    sotto_up two_64 = sotto_up_add(most, one);
    assert_true(two_64.m == UINT64_C(1) << 63 && two_64.e == 1);
    /* (2^64 - 1)^2 = 2^128 - 2^65 + 1 */
    sotto_up square = sotto_up_mul(most, most);
    assert_true(square.m == UINT64_MAX && square.e == 64);
}

static void powers(void **state)
{
    (void)state;
    assert_true(value(sotto_up_power(sotto_up_of(3, 0), 13)) == 1594323);
    assert_true(value(sotto_up_power(sotto_up_of(7, 0), 0)) == 1);
    assert_int_equal(sotto_up_power(sotto_up_of(0, 0), 5).m, 0);
    sotto_up tenth = sotto_up_div(sotto_up_of(1, 0), 10);
    assert_true(is_close(value(sotto_up_power(tenth, 100)), 1e-100));
    sotto_up tiny = sotto_up_power(tenth, UINT64_C(1) << 40);
    assert_true(is_normal(tiny) && tiny.e < -INT64_C(3652000000000) && tiny.e > -INT64_C(3653000000000));
}

int main(void)
{
    static const struct CMUnitTest TESTS[] = {
        cmocka_unit_test(integers_are_exact), cmocka_unit_test(results_are_close),
        cmocka_unit_test(rounding_is_upwards), cmocka_unit_test(powers)};
    return cmocka_run_group_tests(TESTS, NULL, NULL);
}
