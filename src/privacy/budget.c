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
