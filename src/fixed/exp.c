#include "fixed_priv.h"

#include <assert.h>

#define LOG2_E_Q32    UINT64_C(0x171547653) /* log2(e) */
#define LN_2_Q32      UINT64_C(0xb17217f8)
#define ONE_THIRD_Q32 UINT64_C(0x55555555)

/* Beyond this e^-t is below 2^-34: nothing of it is left in Q32. */
#define T_MAX_Q24 (UINT32_C(24) << 24)

/* e^-r in Q32 for r in [0, ln(2)/64), r in Q38. Taylor to the fourth power, by Horner: 1 - r(1 - r/2(1 -
 * r/3(1 - r/4))). What is cut off is below r^5/120 < 2^-39; the inner terms are kept in Q31, each of whose
 * cuts reaches the result times r < 2^-6. */
static uint64_t exp_small_q32(uint64_t r_q38)
{
    const uint64_t one_q31 = UINT64_C(1) << 31;
    uint64_t third_q38 = (r_q38 * ONE_THIRD_Q32) >> 32;
    uint64_t h_q31 = one_q31 - (r_q38 >> 9); /* Q38 to Q31 is 7, a quarter 2 */
    h_q31 = one_q31 - ((third_q38 * h_q31) >> 38);
    h_q31 = one_q31 - (((r_q38 >> 1) * h_q31) >> 38);
    uint64_t cut_q62 = (r_q38 * h_q31) >> 7; /* below 2^63 before the shift, since r < 2^31.5 in Q38 */
    return ((UINT64_C(1) << 62) - cut_q62 + (UINT64_C(1) << 29)) >> 30;
}

/* e^-t = mantissa * 2^-k with the mantissa in Q63, in (2^62, 2^63]. With y = t * log2(e) = k + i/64 + rest:
 * e^-t = 2^-k * 2^(-i/64) * e^(-rest * ln 2).
 * Relative error below 2^-30.6: the table's 2^-31 at worst, the rest of the way 2^-33. One step of t changes
 * e^-t by 2^-24 of itself, so the mantissa falls strictly from step to step, and what is rounded from it
 * cannot rise: monotone by construction. */
static uint64_t exp_neg_q63(uint32_t t_q24, unsigned *k)
{
    assert(t_q24 <= T_MAX_Q24);
    uint64_t y_q56 = t_q24 * LOG2_E_Q32; /* below 24 * 1.4427 * 2^56 < 2^62 */
    *k = (unsigned)(y_q56 >> 56);
    unsigned i = (unsigned)(y_q56 >> 50 & 63);
    uint64_t rest_q38 = (y_q56 & ((UINT64_C(1) << 50) - 1)) >> 18;
    uint64_t r_q38 = (rest_q38 * LN_2_Q32) >> 32;
    return SOTTO_FIXED_EXP2_Q31[i] * exp_small_q32(r_q38);
}

/* mantissa_q63 * 2^-k in Qq, rounded to nearest. */
static uint64_t scale(uint64_t mantissa_q63, unsigned k, unsigned q)
{
    unsigned shift = 63 - q + k;
    return shift > 63 ? 0 : ((mantissa_q63 >> (shift - 1)) + 1) >> 1;
}

uint32_t sotto_fixed_exp_neg_q30(int64_t x_q24)
{
    assert(x_q24 <= 0);
    if (x_q24 < -(int64_t)T_MAX_Q24)
        return 0;
    unsigned k;
    uint64_t mantissa_q63 = exp_neg_q63((uint32_t)-x_q24, &k);
    return (uint32_t)scale(mantissa_q63, k, 30);
}

/* 1 / (1 + e^-t) for t >= 0, Q30: 2^62 / (2^32 + e^-t in Q32), rounded to nearest. The quotient falls as the
 * divisor grows, and the divisor falls as t grows: monotone. The divisor's error (below 2^-31 e^-t + 2^-33)
 * reaches the result divided by (1 + e^-t)^2. */
static uint32_t sigmoid_half_q30(uint32_t t_q24)
{
    unsigned k;
    uint64_t mantissa_q63 = exp_neg_q63(t_q24, &k);
    uint64_t divisor_q32 = (UINT64_C(1) << 32) + scale(mantissa_q63, k, 32);
    return (uint32_t)(((UINT64_C(1) << 62) + divisor_q32 / 2) / divisor_q32);
}

uint32_t sotto_fixed_sigmoid_q30(int64_t margin_q24)
{
    if (margin_q24 > (int64_t)T_MAX_Q24)
        return SOTTO_PROB_ONE_Q30;
    if (margin_q24 < -(int64_t)T_MAX_Q24)
        return 0;
    if (margin_q24 >= 0)
        return sigmoid_half_q30((uint32_t)margin_q24);
    return SOTTO_PROB_ONE_Q30 - sigmoid_half_q30((uint32_t)-margin_q24);
}
