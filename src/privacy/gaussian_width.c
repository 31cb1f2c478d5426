/*
 * How far the sum S of n independent discrete Gaussian draws of variance parameter v may lie from 0, in
 * integers, every rounding outwards.
 *
 * Let s^2 = n v. The sum's probabilities are below those of the density: P[S = x] <= C e^(-x^2 / 2 s^2) /
 * sqrt(2 pi s^2). One draw: Poisson's summation gives the norm, the sum of e^(-k^2 / 2 v) over all integers,
 * as sqrt(2 pi v) (1 + 2 e^(-2 pi^2 v)
 * + ...), at least sqrt(2 pi v), so C = 1. One draw more, after j: completing the square leaves a sum of
 * e^(-(k - c)^2 / 2 u) with u = v j / (j + 1) >= v / 2, which by the same formula is at most sqrt(2 pi u) (1
 * + 2 (e^(-2 pi^2 u) + ...)), so C grows by less than 1 + 2.1 e^(-pi^2 v). With v >= 4 that is 1 + 2^-55, and
 * C < 1 + 2^-23 for 2^32 draws.
 *
 * The density falls on both sides of 0, so P[|S| > w] <= 2 C Q(w / s), Q the normal tail, for w >= 0; and
 * Q(z) <= phi(z) 4 / (3 z + sqrt(z^2 + 8)) (Sampford 1953), which is 0.3 % above Q at z = 1.96. So w = ceil(z
 * s) with the smallest z in 2^-12 that this gives. The truth is up to one count smaller. Below v = 4 it is
 * the sub-Gaussian bound 2 exp(-w^2 / 2 s^2) (Canonne, Kamath, Steinke 2020), some 1.4 times as wide, of
 * noise that is a few counts.
 */
#include "sotto/privacy.h"
#include "wide.h"

enum {
    LN_SLACK_Q24 = 8,           /* five logarithms, each within 1 ulp, and C */
    Z_BITS = 12,                /* z = k / 2^12 */
    Z_MAX = 8 << Z_BITS,        /* P[|S| > 8 s] is below 10^-14 */
    TIGHT_FROM = 4,             /* the variance from which C is 1 */
    HALF_LN_2PI_Q24 = 15417230, /* ln(2 pi) / 2 = 0.9189385332, rounded down */
    LN_2_Q24 = 11629079         /* 0.6931471806, rounded down */
};

/* Smallest w with w^2 den 2^24 >= x. */
static uint64_t root_above(sotto_wide x, uint64_t den)
{
    uint64_t low = 0, high = 1; /* low^2 .. < x <= high^2 .. */
    while (!sotto_wide_reaches(sotto_wide_scale(sotto_wide_mul(high, high), den << 24), x))
        low = high, high *= 2;
    while (high - low > 1) {
        uint64_t middle = low + (high - low) / 2;
        if (sotto_wide_reaches(sotto_wide_scale(sotto_wide_mul(middle, middle), den << 24), x))
            high = middle;
        else
            low = middle;
    }
    return high;
}

/* floor(sqrt(v)), v < 2^40. */
static uint64_t root_below(uint64_t v)
{
    uint64_t root = 0;
    for (uint64_t bit = UINT64_C(1) << 20; bit > 0; bit >>= 1)
        if ((root + bit) * (root + bit) <= v)
            root += bit;
    return root;
}

/* ln of 2 phi(z) 4 / (3 z + sqrt(z^2 + 8)) in Q24, too large rather than too small; z = k / 2^12, k <= Z_MAX
 * < 2^16: z^2 / 2 is k^2 / 2 in Q24, exactly but for a half, and the denominator is below 2^18 in Q12. */
static int64_t log_tail_q24(uint64_t k)
{
    const uint64_t bottom_q12 = 3 * k + root_below(k * k + (UINT64_C(8) << (2 * Z_BITS)));
    return 3 * (LN_2_Q24 + 1) - (int64_t)(k * k / 2) - HALF_LN_2PI_Q24 - sotto_fixed_ln_q24(bottom_q12) +
           Z_BITS * (LN_2_Q24 + 1) + LN_SLACK_Q24;
}

/* Square of the smallest z that is enough, in Q24. */
static uint64_t quantile_squared_q24(uint32_t confidence_ppm)
{
    const int64_t beta_q24 = sotto_fixed_ln_q24(1000000 - confidence_ppm) - sotto_fixed_ln_q24(1000000);
    uint64_t low = 0, high = Z_MAX; /* high is enough; low may be */
    while (low < high) {
        uint64_t middle = low + (high - low) / 2;
        if (log_tail_q24(middle) <= beta_q24)
            high = middle;
        else
            low = middle + 1;
    }
    return high * high;
}

/* 2 ln(2 / beta) in Q24. */
static uint64_t sub_gaussian_q24(uint32_t confidence_ppm)
{
    return 2 * (uint64_t)(sotto_fixed_ln_q24(2000000) - sotto_fixed_ln_q24(1000000 - confidence_ppm) +
                          LN_SLACK_Q24);
}

sotto_status sotto_noise_gaussian_half_width(uint64_t num, uint64_t den, uint64_t draws,
                                             uint32_t confidence_ppm, uint64_t *out)
{
    *out = 0;
    if (!sotto_noise_variance_valid(num, den) || draws > UINT32_MAX || confidence_ppm < 1 ||
        confidence_ppm > 999999)
        return SOTTO_ERR(PRIVACY, RANGE);
    /* Squares of at most 2^30 in Q24, draws < 2^32, num < 2^40. */
    const uint64_t squared =
        num / den >= TIGHT_FROM ? quantile_squared_q24(confidence_ppm) : sub_gaussian_q24(confidence_ppm);
    if (draws > 0)
        *out = root_above(sotto_wide_scale(sotto_wide_mul(draws, squared), num), den);
    return SOTTO_OK;
}
