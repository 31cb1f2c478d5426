/*
 * Exact discrete Laplace and Gaussian noise after Canonne, Kamath, Steinke, "The Discrete Gaussian for
 * Differential Privacy" (2020), algorithms 1 to 3. Only uniform integers by rejection and comparisons: no
 * rounding that could tell a neighbouring data set apart (Mironov 2012), and the same answer on every CPU for
 * the same entropy bytes.
 */
#include "noise_bits.h"

#include "sotto/privacy.h"

#include <assert.h>

/* Algorithm 2: u + num * v is geometric with parameter 1 - exp(-1 / num); its quotient by den is geometric
 * with 1 - exp(-den / num); the sign is a fair bit, and -0 is drawn again so that 0 does not count twice. */
int64_t sotto_noise_laplace_draw(sotto_noise_bits *bits, uint64_t num, uint64_t den)
{
    while (bits->status == SOTTO_OK) {
        uint64_t u = sotto_noise_uniform(bits, num);
        if (!sotto_noise_bernoulli_exp(bits, u, num))
            continue;
        uint64_t v = sotto_noise_geometric_exp(bits); /* < 2^15 by NOISE_POOLS_MAX: the product is < 2^47 */
        int64_t magnitude = (int64_t)((u + num * v) / den);
        bool negative = sotto_noise_uniform(bits, 2) == 1;
        if (negative && magnitude == 0)
            continue;
        return negative ? -magnitude : magnitude;
    }
    return 0;
}

sotto_status sotto_noise_laplace(const sotto_entropy *entropy, uint64_t num, uint64_t den, int64_t *out)
{
    *out = 0;
    if (num < 1 || num > UINT32_MAX || den < 1 || den > UINT32_MAX)
        return SOTTO_ERR(PRIVACY, RANGE);
    sotto_noise_bits bits = sotto_noise_bits_of(entropy);
    int64_t drawn = sotto_noise_laplace_draw(&bits, num, den);
    /* Who knows the bytes knows the noise. */
    sotto_wipe(bits.pool, sizeof bits.pool);
    if (bits.status == SOTTO_OK)
        *out = drawn;
    return bits.status;
}

/* floor(sqrt(v)) */
static uint64_t root_of(uint64_t v)
{
    uint64_t root = 0;
    for (uint64_t bit = UINT64_C(1) << 31; bit != 0; bit >>= 1)
        if ((root + bit) * (root + bit) <= v)
            root += bit;
    return root;
}

/* Algorithm 3: a discrete Laplace draw y of scale t = floor(sigma) + 1 stays with probability
 * exp(-(|y| - sigma^2 / t)^2 / (2 sigma^2)); with sigma^2 = num / den the exponent is
 * (|y| den t - num)^2 / (2 num den t^2). Ranges: |y| < 2^16 t by the pools; num < 2^40 with den = 1, or num <
 * 2^30 with den = 2^16: the root is below 2^57, the divisor below 2^83. */
static int64_t gaussian(sotto_noise_bits *bits, uint64_t num, uint64_t den)
{
    uint64_t t = root_of(num / den) + 1;
    sotto_wide divisor = sotto_wide_scale(sotto_wide_mul(2 * num * den, t), t);
    while (bits->status == SOTTO_OK) {
        int64_t y = sotto_noise_laplace_draw(bits, t, 1);
        uint64_t at = (uint64_t)(y < 0 ? -y : y) * den * t;
        uint64_t distance = at > num ? at - num : num - at;
        if (sotto_noise_bernoulli_exp_wide(bits, sotto_wide_mul(distance, distance), divisor))
            return y;
    }
    return 0;
}

sotto_status sotto_noise_gaussian(const sotto_entropy *entropy, uint64_t num, uint64_t den, int64_t *out)
{
    *out = 0;
    if (!sotto_noise_variance_valid(num, den))
        return SOTTO_ERR(PRIVACY, RANGE);
    sotto_noise_bits bits = sotto_noise_bits_of(entropy);
    int64_t drawn = gaussian(&bits, num, den);
    sotto_wipe(bits.pool, sizeof bits.pool);
    if (bits.status == SOTTO_OK)
        *out = drawn;
    return bits.status;
}
