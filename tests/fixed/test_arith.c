/* Multiply-and-divide and rounding shift. Where the compiler has 128-bit integers they are the reference;
 * elsewhere the cases with known answers and the identities below stand alone, and the golden hashes tie the
 * machines together. */
#include "fixed_test.h"

static void known_answers(void **state)
{
    (void)state;
    static const struct {
        int64_t a, b, c, expected;
        sotto_status status;
    } CASES[] = {
        {7, 3, 2, 10, SOTTO_OK}, /* 10.5: to even */
        {9, 3, 2, 14, SOTTO_OK}, /* 13.5: to even */
        {-7, 3, 2, -10, SOTTO_OK},
        {-9, 3, 2, -14, SOTTO_OK},
        {1, 1, 3, 0, SOTTO_OK},
        {2, 1, 3, 1, SOTTO_OK},
        {1, 1, INT64_MAX, 0, SOTTO_OK},
        {INT64_MAX, 1, INT64_MAX, 1, SOTTO_OK},
        {INT64_MAX, INT64_MAX, INT64_MAX, INT64_MAX, SOTTO_OK},
        {INT64_MIN, INT64_MAX, INT64_MAX, INT64_MIN, SOTTO_OK},
        {INT64_MIN, 1, 1, INT64_MIN, SOTTO_OK},
        {INT64_MIN, 1, 2, INT64_MIN / 2, SOTTO_OK},
        {INT64_MIN, INT64_MIN, INT64_MAX, 0, SOTTO_ERR(FIXED, RANGE)}, /* 2^63 + 1 and a bit */
        {INT64_MIN, -1, 1, 0, SOTTO_ERR(FIXED, RANGE)},
        {INT64_MAX, 2, 1, 0, SOTTO_ERR(FIXED, RANGE)},
        {INT64_MAX, INT64_MAX, 1, 0, SOTTO_ERR(FIXED, RANGE)},
        {INT64_MAX, 3, 2, 0, SOTTO_ERR(FIXED, RANGE)},
        {INT64_C(6148914691236517205), 3, 2, 0,
         SOTTO_ERR(FIXED, RANGE)}, /* 2^63 - 0.5 rounds up, out of range */
        {INT64_C(-6148914691236517205), 3, 2, INT64_MIN, SOTTO_OK},
        {0, INT64_MIN, 5, 0, SOTTO_OK},
    };
    for (size_t i = 0; i < SOTTO_COUNT(CASES); i++) {
        int64_t got = 77;
        assert_int_equal(sotto_fixed_mul_div(CASES[i].a, CASES[i].b, CASES[i].c, &got), CASES[i].status);
        assert_true(got == (CASES[i].status == SOTTO_OK ? CASES[i].expected : 77));
    }
}

static int64_t of_any_size(uint64_t *random)
{
    uint64_t v = next_random(random);
    return (int64_t)next_random(random) >> (v % 64);
}

/* a * c / c is a, whatever the product's size. */
static void division_undoes_multiplication(void **state)
{
    (void)state;
    uint64_t random = 2;
    for (unsigned i = 0; i < 500000; i++) {
        int64_t a = of_any_size(&random), c = of_any_size(&random) & INT64_MAX, got;
        c += c == 0;
        assert_int_equal(sotto_fixed_mul_div(a, c, c, &got), SOTTO_OK);
        assert_true(got == a);
    }
}

#ifdef __SIZEOF_INT128__
__extension__ typedef __int128 int128;

static bool reference(int64_t a, int64_t b, int64_t c, int64_t *out)
{
    int128 product = (int128)a * b, floor = product / c - (product % c < 0), rest = product - floor * c;
    int128 rounded = floor + (2 * rest > c || (2 * rest == c && (floor & 1) != 0));
    *out = (int64_t)rounded;
    return rounded >= INT64_MIN && rounded <= INT64_MAX;
}

static void agrees_with_wider_integers(void **state)
{
    (void)state;
    uint64_t random = 3;
    for (unsigned i = 0; i < 2000000; i++) {
        int64_t a = of_any_size(&random), b = of_any_size(&random), c = of_any_size(&random) & INT64_MAX;
        int64_t expected, got;
        c += c == 0;
        bool fits = reference(a, b, c, &expected);
        assert_int_equal(sotto_fixed_mul_div(a, b, c, &got), fits ? SOTTO_OK : SOTTO_ERR(FIXED, RANGE));
        assert_true(!fits || got == expected);
    }
}
#endif

static void shift_rounds_ties_to_even(void **state)
{
    (void)state;
    static const int64_t EXPECTED[] = {-2, -2, -2, -1, -1, -1, 0, 0, 0,
                                       0,  0,  1,  1,  1,  2,  2, 2}; /* (-8..8) / 4 */
    for (int64_t v = -8; v <= 8; v++)
        assert_int_equal(sotto_fixed_round_shift(v, 2), EXPECTED[v + 8]);
    assert_true(sotto_fixed_round_shift(INT64_MAX, 0) == INT64_MAX);
    assert_true(sotto_fixed_round_shift(INT64_MIN, 62) == -2);
    assert_true(sotto_fixed_round_shift(INT64_MAX, 62) == 2);
    assert_true(sotto_fixed_round_shift(INT64_MAX, 1) == INT64_C(1) << 62);
    uint64_t random = 4;
    for (unsigned i = 0; i < 200000; i++) {
        int64_t v = of_any_size(&random), expected;
        unsigned n = (unsigned)(next_random(&random) % 63);
        assert_int_equal(sotto_fixed_mul_div(v, 1, INT64_C(1) << n, &expected), SOTTO_OK);
        assert_true(sotto_fixed_round_shift(v, n) == expected);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_answers),
        cmocka_unit_test(division_undoes_multiplication),
#ifdef __SIZEOF_INT128__
        cmocka_unit_test(agrees_with_wider_integers),
#endif
        cmocka_unit_test(shift_rounds_ties_to_even),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
