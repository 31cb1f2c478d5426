#include "sotto/privacy.h"

#include <assert.h>

/* ceil(epsilon * contribution / bound) without a product that could overflow:
 * epsilon = q * bound + r gives q * contribution + ceil(r * contribution / bound), and r, contribution <
 * 2^32. */
uint64_t sotto_budget_cost_ueps(uint64_t epsilon_ueps, uint32_t contribution, uint32_t bound)
{
    assert(bound >= 1);
    assert(contribution <= bound);
    uint64_t quotient = epsilon_ueps / bound, rest = epsilon_ueps % bound;
    uint64_t part = rest * contribution;
    /* At most epsilon_ueps, since contribution <= bound. */
    return quotient * contribution + part / bound + (part % bound != 0);
}

static uint64_t greatest_divisor(uint64_t a, uint64_t b)
{
    while (b != 0) {
        uint64_t rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}

void sotto_budget_scale(uint64_t epsilon_ueps, uint32_t bound, uint64_t *num, uint64_t *den)
{
    uint64_t top = (uint64_t)bound * 1000000, divisor = greatest_divisor(top, epsilon_ueps);
    *num = divisor == 0 ? 0 : top / divisor;
    *den = divisor == 0 ? 0 : epsilon_ueps / divisor;
}
