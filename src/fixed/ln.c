#include "fixed_priv.h"

#include <assert.h>

#define LN_2_Q38 INT64_C(0x2c5c85fdf4)

/* ln(1 + d) for |d| < 2^-6.9, Q38 in and out: the series d - d^2/2 + d^3/3 - d^4/4, by Horner. What is cut
 * off is below d^5/5 < 2^-36.8. Every product is below 2^32 * 2^30 in magnitude. */
static int64_t ln_near_one_q38(int64_t d_q38)
{
    const int64_t half_q30 = 0x20000000, third_q30 = 0x15555555;
    int64_t h_q30 = third_q30 - (d_q38 >> 10); /* 1/3 - d/4: Q38 to Q30 is 8, a quarter 2 */
    h_q30 = half_q30 - ((d_q38 * h_q30) >> 38);
    h_q30 = (INT64_C(1) << 30) - ((d_q38 * h_q30) >> 38);
    return (d_q38 * h_q30) >> 30;
}

/* ln(v) in Q38, error below 2^-31. v = 2^e * m with m in [1, 2); the reciprocal R of the middle of m's 64th
 * of [1, 2) leaves m * R = 1 + d with |d| small, computed exactly; ln(v) = e * ln 2 - ln R + ln(1 + d). Of m
 * the first 32 bits are used: 2^-31 of it at most is cut off, and nothing below v = 2^32. */
static int64_t ln_q38(uint64_t v)
{
    assert(v > 0);
    unsigned lead = (unsigned)__builtin_clzll(v);
    uint64_t m_q31 = v << lead >> 32;
    unsigned i = (unsigned)(m_q31 >> 25 & 63);
    int64_t product_q47 = (int64_t)(m_q31 * SOTTO_FIXED_RECIPROCAL_Q16[i]);
    int64_t d_q38 = sotto_fixed_round_shift(product_q47 - (INT64_C(1) << 47), 9);
    int64_t base_q38 = (63 - (int64_t)lead) * LN_2_Q38 + ((int64_t)SOTTO_FIXED_RECIPROCAL_LN_Q32[i] << 6);
    return base_q38 + ln_near_one_q38(d_q38);
}

int64_t sotto_fixed_ln_q24(uint64_t v)
{
    return sotto_fixed_round_shift(ln_q38(v), 14);
}

int64_t sotto_fixed_logit_q24(uint32_t p_q30)
{
    assert(p_q30 > 0 && p_q30 < SOTTO_PROB_ONE_Q30);
    return sotto_fixed_round_shift(ln_q38(p_q30) - ln_q38(SOTTO_PROB_ONE_Q30 - p_q30), 14);
}
