/* The tables hold what fixed_priv.h says, each entry rounded to nearest. */
#include "fixed_priv.h"
#include "fixed_test.h"

#include <math.h>

static void powers_of_two(void **state)
{
    (void)state;
    for (int i = 0; i < 64; i++)
        assert_true(SOTTO_FIXED_EXP2_Q31[i] == (uint32_t)llroundl(exp2l(31 - i / 64.0L)));
}

static void reciprocals_and_their_logarithms(void **state)
{
    (void)state;
    for (int i = 0; i < 64; i++) {
        long double reciprocal = 65536 / (1 + (2 * i + 1) / 128.0L);
        assert_true(SOTTO_FIXED_RECIPROCAL_Q16[i] == (uint16_t)llroundl(reciprocal));
        long double ln = logl(65536.0L / SOTTO_FIXED_RECIPROCAL_Q16[i]) * 4294967296.0L;
        assert_true(SOTTO_FIXED_RECIPROCAL_LN_Q32[i] == (uint32_t)llroundl(ln));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(powers_of_two),
        cmocka_unit_test(reciprocals_and_their_logarithms),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
