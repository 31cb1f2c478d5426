#include "sotto/base.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void overflow_is_seen(void **state)
{
    (void)state;
    size_t s;
    int64_t v;
    assert_true(sotto_add_size(SIZE_MAX - 1, 1, &s) && s == SIZE_MAX);
    assert_false(sotto_add_size(SIZE_MAX, 1, &s));
    assert_true(sotto_mul_size(SIZE_MAX / 2, 2, &s) && s == SIZE_MAX - 1);
    assert_false(sotto_mul_size(SIZE_MAX / 2 + 1, 2, &s));
    assert_true(sotto_add_i64(INT64_MAX - 1, 1, &v) && v == INT64_MAX);
    assert_false(sotto_add_i64(INT64_MAX, 1, &v));
    assert_true(sotto_sub_i64(-1, INT64_MAX, &v) && v == INT64_MIN);
    assert_false(sotto_sub_i64(-2, INT64_MAX, &v));
    assert_true(sotto_mul_i64(INT64_MIN, 1, &v) && v == INT64_MIN);
    assert_false(sotto_mul_i64(INT64_MIN, -1, &v));
}

static void counters_stop_at_their_ends(void **state)
{
    (void)state;
    assert_int_equal(sotto_add_sat_i64(2, -5), -3);
    assert_true(sotto_add_sat_i64(INT64_MAX, 1) == INT64_MAX);
    assert_true(sotto_add_sat_i64(INT64_MIN, -1) == INT64_MIN);
    assert_true(sotto_add_sat_i64(INT64_MIN, INT64_MAX) == -1);
    assert_int_equal(sotto_add_sat_u32(UINT32_MAX - 1, 1), UINT32_MAX);
    assert_int_equal(sotto_add_sat_u32(UINT32_MAX - 1, 2), UINT32_MAX);
    assert_int_equal(sotto_add_sat_u32(UINT32_MAX, UINT32_MAX), UINT32_MAX);
}

static void division_rounds_down(void **state)
{
    (void)state;
    assert_int_equal(sotto_floor_div_i64(7, 7), 1);
    assert_int_equal(sotto_floor_div_i64(6, 7), 0);
    assert_int_equal(sotto_floor_div_i64(-1, 7), -1);
    assert_int_equal(sotto_floor_div_i64(-7, 7), -1);
    assert_int_equal(sotto_floor_div_i64(-8, 7), -2);
    assert_true(sotto_floor_div_i64(INT64_MIN, 1) == INT64_MIN);
    assert_true(sotto_floor_div_i64(INT64_MIN, INT64_MAX) == -2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(overflow_is_seen),
        cmocka_unit_test(counters_stop_at_their_ends),
        cmocka_unit_test(division_rounds_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
