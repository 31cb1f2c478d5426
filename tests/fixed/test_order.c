/* Keys of binary32 numbers: their order is the numbers' order, and a decimal's key is that of the float the C
 * library reads from its text. */
#include "fixed_test.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static float float_of(uint32_t bits)
{
    float f;
    memcpy(&f, &bits, sizeof f);
    return f;
}

static uint32_t bits_of(float f)
{
    uint32_t bits;
    memcpy(&bits, &f, sizeof bits);
    return bits;
}

static void check_pair(uint32_t x, uint32_t y)
{
    int32_t kx = sotto_fixed_float_key(x), ky = sotto_fixed_float_key(y);
    float fx = float_of(x), fy = float_of(y);
    assert_true(isnan(fx) == (kx == SOTTO_FLOAT_KEY_MISSING));
    if (isnan(fx) || isnan(fy)) {
        assert_true(isnan(fx) == isnan(fy) || (isnan(fx) ? kx < ky : ky < kx));
        return;
    }
    assert_true((fx < fy) == (kx < ky));
    assert_true((fx > fy) == (kx > ky));
}

static const uint32_t SPECIAL[] = {
    0x00000000, 0x80000000, 0x00000001, 0x80000001, 0x00000002, 0x007fffff, 0x807fffff, 0x00800000,
    0x80800000, 0x3f7fffff, 0x3f800000, 0x3f800001, 0xbf800000, 0x7f7fffff, 0xff7fffff, 0x7f800000,
    0xff800000, 0x7f800001, 0xff800001, 0x7fc00000, 0xffc00000, 0x7fffffff, 0xffffffff,
};

static void keys_have_the_order_of_the_numbers(void **state)
{
    (void)state;
    for (size_t i = 0; i < SOTTO_COUNT(SPECIAL); i++)
        for (size_t k = 0; k < SOTTO_COUNT(SPECIAL); k++)
            check_pair(SPECIAL[i], SPECIAL[k]);
    uint64_t random = 5;
    for (unsigned i = 0; i < 2000000 / THINNING; i++) {
        uint64_t r = next_random(&random);
        uint32_t x = (uint32_t)r, y = (uint32_t)(r >> 32);
        check_pair(x, y);
        check_pair(x, x + 1);
        check_pair(x, SPECIAL[i % SOTTO_COUNT(SPECIAL)]);
    }
}

static void bits_come_back_from_keys(void **state)
{
    (void)state;
    uint64_t random = 6;
    for (unsigned i = 0; i < 1000000 / THINNING; i++) {
        uint32_t bits = i < SOTTO_COUNT(SPECIAL) ? SPECIAL[i] : (uint32_t)next_random(&random);
        uint32_t back = sotto_fixed_float_bits(sotto_fixed_float_key(bits));
        if (isnan(float_of(bits)))
            assert_true(isnan(float_of(back)));
        else
            assert_true(back == (bits == 0x80000000 ? 0 : bits));
    }
    assert_true(isnan(float_of(sotto_fixed_float_bits(SOTTO_FLOAT_KEY_MISSING))));
    assert_true(isnan(float_of(sotto_fixed_float_bits(INT32_MAX)))); /* no float has this key */
    assert_true(isnan(float_of(sotto_fixed_float_bits(-INT32_MAX))));
}

static void check_decimal(int64_t mantissa, unsigned decimals)
{
    char text[48];
    (void)snprintf(text, sizeof text, "%llde-%u", (long long)mantissa, decimals);
    int32_t expected = sotto_fixed_float_key(bits_of(strtof(text, NULL)));
    if (sotto_fixed_decimal_key(mantissa, decimals) != expected)
        fail_msg("%s: %d, not %d", text, sotto_fixed_decimal_key(mantissa, decimals), expected);
}

static void decimals_read_as_the_c_library_reads_them(void **state)
{
    (void)state;
    static const int64_t EXTREMES[] = {
        0,        1,        9,        10,        16777216,      16777217,       16777218,
        16777219, 33554433, 33554435, INT64_MAX, INT64_MAX - 1, INT64_MAX / 10, INT64_C(999999999999999999)};
    for (unsigned decimals = 0; decimals <= 18; decimals++) {
        for (size_t i = 0; i < SOTTO_COUNT(EXTREMES); i++) {
            check_decimal(EXTREMES[i], decimals);
            check_decimal(-EXTREMES[i], decimals);
        }
        check_decimal(INT64_MIN, decimals);
    }
    uint64_t random = 7;
    for (unsigned i = 0; i < 1000000 / THINNING; i++) {
        uint64_t r = next_random(&random);
        check_decimal((int64_t)next_random(&random) >> (r % 64), (unsigned)(r >> 32) % 19);
    }
}

/* Halfway between two neighbouring floats, and one unit of the decimal to either side. A float k * 2^-s has
 * its halfway point at (2k + 1) * 2^-(s+1), which is the decimal (2k + 1) * 5^(s+1) / 10^(s+1). (No decimal
 * here is small enough to be subnormal: 10^-18 is 2^-60.) */
static void ties_go_to_even(void **state)
{
    (void)state;
    uint64_t random = 8;
    int64_t power_of_five = 5;
    for (unsigned s = 1; s <= 16; s++, power_of_five *= 5)
        for (unsigned i = 0; i < 4000; i++) {
            int64_t odd = (int64_t)(1 << 24 | (next_random(&random) & 0xffffff)) | 1; /* 25 bits: a tie */
            int64_t mantissa;
            if (!sotto_mul_i64(odd, power_of_five, &mantissa))
                continue;
            for (int64_t step = -1; step <= 1; step++) {
                check_decimal(mantissa + step, s);
                check_decimal(-mantissa - step, s);
            }
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_have_the_order_of_the_numbers),
        cmocka_unit_test(bits_come_back_from_keys),
        cmocka_unit_test(decimals_read_as_the_c_library_reads_them),
        cmocka_unit_test(ties_go_to_even),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
