/*
 * How far the sum of n independent discrete Laplace draws may lie from 0, in integers, every rounding
 * outwards.
 *
 * Up to EXACT_DRAWS_MAX draws the exact tail (laplace_tail.c) is searched. It is bounded from above, and
 * replaced for more draws, by Chernoff: for 0 < theta < 1 and S the sum at scale s = num / den, P[|S| > w] <=
 * 2 M(theta)^n exp(-theta (w + 1) / s), where M(theta) = E exp(theta X / s). With h(u) = ln(sinh(u) / u),
 * which is convex and even, ln M = -ln(1 - theta^2) + 2 h(1/2s) - h((1-theta)/2s) - h((1+theta)/2s) <= -ln(1
 * - theta^2) = L(theta): the discrete draw's moments are never above those of the continuous one, which need
 * no exponential. So every w + 1 >= s (n L(theta) + ln(2 / beta)) / theta,  beta = 1 - confidence, is safe,
 * and theta only decides how tight it is.
 */
#include "laplace_tail.h"
#include "sotto/privacy.h"

#include <assert.h>

enum {
    EXACT_DRAWS_MAX = 1 << 16,
    SEARCH_BITS = 12, /* the exact bound is met within 2^-12 of itself */
    THETA_BITS = 16,  /* theta = k / 2^16 */
    THETA_ONE = 1 << THETA_BITS,
    LN_SLACK_Q24 = 2 /* two logarithms, each within 1 ulp */
};
static const uint64_t Q32_ONE = (uint64_t)1 << 32;
static const uint64_t DRAWS_MAX = UINT32_MAX;

/* L(k / 2^16) in Q40, rounded up; 1 <= k < 2^16. Below 1/16 the logarithm's fixed point is too coarse:
 * ln(1 / (1 - x)) <= x (2 - x) / (2 (1 - x)) (from ln(1 + y) <= y (2 + y) / (2 (1 + y)), y = x / (1 - x)). */
static int64_t cumulant_q40(uint32_t k)
{
    uint64_t x_q32 = (uint64_t)k * k;
    if (x_q32 >= Q32_ONE >> 4)
        return (sotto_fixed_ln_q24(Q32_ONE) - sotto_fixed_ln_q24(Q32_ONE - x_q32) + LN_SLACK_Q24) * (1 << 16);
    uint64_t rest_q24 = ((2 * Q32_ONE - x_q32) << 24) / (Q32_ONE - x_q32) + 1; /* (2 - x) / (1 - x) < 2.07 */
    /* x < 2^28 in Q32: the Q56 product is below 2^54; halved and in Q40. */
    return (int64_t)(((x_q32 * rest_q24) >> 17) + 1);
}

/* n L(theta) + ln(2 / beta) in Q40; false when it does not fit, which only a bad theta does. */
static bool exponent_q40(uint32_t k, uint64_t draws, int64_t tail_q40, int64_t *out)
{
    int64_t sum;
    return sotto_mul_i64(cumulant_q40(k), (int64_t)draws, &sum) && sotto_add_i64(sum, tail_q40, out);
}

/* What is to be made small: the exponent over theta. The quotient of a convex function and a line through 0
 * has one valley. */
static int64_t steepness(uint32_t k, uint64_t draws, int64_t tail_q40)
{
    int64_t exponent;
    if (k < 1 || k >= THETA_ONE || !exponent_q40(k, draws, tail_q40, &exponent))
        return INT64_MAX;
    return exponent / (int64_t)k;
}

/* Steps halve; those still to come always reach the valley, which lies within one step of the best k so far.
 */
static uint32_t best_theta(uint64_t draws, int64_t tail_q40)
{
    uint32_t k = THETA_ONE / 2;
    for (uint32_t step = THETA_ONE / 4; step > 0; step /= 2) {
        int64_t here = steepness(k, draws, tail_q40);
        if (steepness(k - step, draws, tail_q40) <= here) /* also when both are too large to tell */
            k -= step;
        else if (steepness(k + step, draws, tail_q40) < here)
            k += step;
    }
    return k;
}

/* ceil(num * exponent / (theta * den)), an upper bound; RANGE past 2^54. Two scales, because the product of a
 * large scale and many draws leaves no room for fraction bits. */
static sotto_status width_of(uint32_t k, int64_t exponent, uint64_t num, uint64_t den, uint64_t *out)
{
    int64_t divisor = (int64_t)(k * den); /* theta's 16 bits turn Q40 into Q24 */
    for (unsigned drop = 0; drop <= 16; drop += 16) {
        int64_t scaled;
        int64_t rounded_up = (exponent >> drop) + 1;
        if (sotto_fixed_mul_div(rounded_up, (int64_t)num, divisor, &scaled) != SOTTO_OK ||
            scaled > INT64_MAX / 2)
            continue;
        /* + 1: mul_div rounds to nearest. */
        *out = ((uint64_t)scaled + 1 + (((uint64_t)1 << (24 - drop)) - 1)) >> (24 - drop);
        return SOTTO_OK;
    }
    return SOTTO_ERR(PRIVACY, RANGE);
}

/* w + 1 by Chernoff. */
static sotto_status chernoff(uint64_t num, uint64_t den, uint64_t draws, uint32_t confidence_ppm,
                             uint64_t *out)
{
    int64_t exponent = 0;
    int64_t tail_q40 =
        (sotto_fixed_ln_q24(2000000) - sotto_fixed_ln_q24(1000000 - confidence_ppm) + LN_SLACK_Q24) *
        (1 << 16);
    uint32_t k = best_theta(draws, tail_q40);
    if (!exponent_q40(k, draws, tail_q40, &exponent))
        return SOTTO_ERR(PRIVACY, RANGE);
    return width_of(k, exponent, num, den, out);
}

/* 2 P[S >= t] <= beta, both sides times a million. */
static bool is_enough(const sotto_tail *tail, uint64_t t, uint32_t confidence_ppm)
{
    sotto_up both = sotto_up_mul(sotto_tail_at(tail, t), sotto_up_of(2000000, 0));
    return !sotto_up_greater(both, sotto_up_of(1000000 - confidence_ppm, 0));
}

/* Smallest w + 1 in 1 .. known, where `known` is enough. */
static uint64_t search(uint64_t num, uint64_t den, uint64_t draws, uint32_t confidence_ppm, uint64_t known)
{
    sotto_tail tail;
    uint64_t low = 0, high = known;
    sotto_tail_prepare(&tail, num, den, draws);
    while (high - low > 1 && high - low > high >> SEARCH_BITS) {
        uint64_t middle = low + (high - low) / 2;
        if (is_enough(&tail, middle, confidence_ppm))
            high = middle;
        else
            low = middle;
    }
    return high;
}

sotto_status sotto_noise_half_width(uint64_t num, uint64_t den, uint64_t draws, uint32_t confidence_ppm,
                                    uint64_t *out)
{
    *out = 0;
    if (num < 1 || num > UINT32_MAX || den < 1 || den > UINT32_MAX || draws > DRAWS_MAX ||
        confidence_ppm < 1 || confidence_ppm > 999999)
        return SOTTO_ERR(PRIVACY, RANGE);
    if (draws == 0)
        return SOTTO_OK;
    uint64_t above = 0; /* w + 1 */
    sotto_status status = chernoff(num, den, draws, confidence_ppm, &above);
    if (status != SOTTO_OK)
        return status;
    if (above > 1 && draws <= EXACT_DRAWS_MAX)
        above = search(num, den, draws, confidence_ppm, above);
    *out = above > 0 ? above - 1 : 0;
    return SOTTO_OK;
}
