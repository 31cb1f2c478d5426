/* Zero-concentrated differential privacy against (epsilon, delta), in integers, every rounding against the
 * curator. rho-zCDP gives (rho + 2 sqrt(rho ln(1 / delta)), delta) for every delta (Bun, Steinke 2016,
 * proposition 1.3), and rhos add up, also when later questions depend on earlier answers. */
#include "wide.h"

#include "sotto/privacy.h"

#include <assert.h>

enum { LN_SLACK_Q24 = 2 }; /* two logarithms, each within 1 ulp */
static const uint64_t E12 = UINT64_C(1000000000000);

/* ln(1 / delta) in Q24, rounded up. */
static uint64_t log_q24(uint64_t delta_e12)
{
    return (uint64_t)(sotto_fixed_ln_q24(E12) - sotto_fixed_ln_q24(delta_e12) + LN_SLACK_Q24);
}

/* Whether rho + 2 sqrt(rho L) <= epsilon, both in 10^-9: (epsilon - rho)^2 2^24 >= 4 rho L_q24 10^9. With
 * epsilon <= 10^15 < 2^50 the left side is below 2^124; rho <= epsilon and L_q24 < 2^29 keep the right side
 * below 2^111. */
static bool fits(uint64_t rho_nano, uint64_t log, uint64_t epsilon_nano)
{
    if (rho_nano > epsilon_nano)
        return false;
    uint64_t rest = epsilon_nano - rho_nano;
    sotto_wide left = sotto_wide_scale(sotto_wide_mul(rest, rest), 1u << 24);
    sotto_wide right = sotto_wide_mul(4 * rho_nano, log * UINT64_C(1000000000));
    return sotto_wide_reaches(left, right);
}

uint64_t sotto_budget_rho_nano(uint64_t epsilon_ueps, uint64_t delta_e12)
{
    assert(epsilon_ueps >= 1 && epsilon_ueps <= E12 && delta_e12 >= 1 && delta_e12 < E12);
    uint64_t log = log_q24(delta_e12), epsilon_nano = epsilon_ueps * 1000;
    uint64_t low = 0, high = epsilon_nano + 1; /* low fits, high does not */
    while (high - low > 1) {
        uint64_t middle = low + (high - low) / 2;
        if (fits(middle, log, epsilon_nano))
            low = middle;
        else
            high = middle;
    }
    return low;
}

uint64_t sotto_budget_epsilon_ueps(uint64_t rho_nano, uint64_t delta_e12)
{
    assert(rho_nano <= E12 && delta_e12 >= 1 && delta_e12 < E12);
    uint64_t log = log_q24(delta_e12), low = 0, high = E12; /* low does not fit (but for 0), high does */
    if (rho_nano == 0)
        return 0;
    while (high - low > 1) {
        uint64_t middle = low + (high - low) / 2;
        if (fits(rho_nano, log, middle * 1000))
            high = middle;
        else
            low = middle;
    }
    return high;
}

/* ---- the variance of the noise ---- */

enum { FINE_BITS = 16 };
static const uint64_t FINE_BELOW = UINT64_C(1) << 14, VARIANCE_MAX = UINT64_C(1) << 40;

bool sotto_noise_variance_valid(uint64_t num, uint64_t den)
{
    return num >= 1 &&
           ((den == 1 && num < VARIANCE_MAX) || (den == 1 << FINE_BITS && num < FINE_BELOW << FINE_BITS));
}

/* ceil of l2^2 / (2 rho), in 2^-16 while that is small: rounding up is more noise than asked for, never
 * less. l2^2 <= 10^6 and 5 * 10^8 in front of it stay below 2^49. */
bool sotto_budget_variance(uint64_t rho_nano, uint64_t l2_squared, uint64_t *num, uint64_t *den)
{
    *num = 0;
    *den = 1;
    if (rho_nano < 1 || l2_squared < 1 || l2_squared > 1000000)
        return false;
    uint64_t top = l2_squared * UINT64_C(500000000), whole = (top + rho_nano - 1) / rho_nano;
    if (whole >= VARIANCE_MAX)
        return false;
    *num = whole;
    if (whole >= FINE_BELOW - 1)
        return true;
    uint64_t rest =
        top % rho_nano; /* rho_nano <= 10^15: shifted in two steps of 8 bits it stays below 2^58 */
    uint64_t q = top / rho_nano;
    for (unsigned i = 0; i < FINE_BITS; i += 8) {
        q = q << 8 | (rest << 8) / rho_nano;
        rest = (rest << 8) % rho_nano;
    }
    *num = q + (rest != 0);
    *den = UINT64_C(1) << FINE_BITS;
    return true;
}
