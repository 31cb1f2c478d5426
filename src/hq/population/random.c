#include "population/population.h"

#include <assert.h>

/* Finaliser of SplitMix64 (Steele, Lea, Flood 2014): makes far apart streams of near numbers. */
static uint64_t mix(uint64_t x)
{
    x += UINT64_C(0x9e3779b97f4a7c15);
    x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
    return x ^ (x >> 31);
}

pop_random pop_random_of(int64_t seed, enum pop_stream stream, uint64_t index)
{
    uint64_t base = mix(mix((uint64_t)seed) ^ (uint64_t)stream);
    pop_random r = {.state = mix(base ^ index), .increment = mix(base + index) | 1};
    (void)pop_next(&r);
    return r;
}

/* PCG-XSH-RR 64/32 (O'Neill, "PCG: A family of simple fast space-efficient statistically good algorithms",
 * 2014). */
uint32_t pop_next(pop_random *r)
{
    uint64_t old = r->state;
    r->state = old * UINT64_C(6364136223846793005) + r->increment;
    uint32_t shifted = (uint32_t)(((old >> 18) ^ old) >> 27), rotation = (uint32_t)(old >> 59);
    return shifted >> rotation | shifted << ((32 - rotation) & 31);
}

/* Values from the incomplete last round of n are drawn again. */
uint32_t pop_below(pop_random *r, uint32_t n)
{
    assert(n >= 1);
    uint32_t reject = (0 - n) % n, v;
    do
        v = pop_next(r);
    while (v < reject);
    return v % n;
}

int64_t pop_between(pop_random *r, int64_t low, int64_t high)
{
    assert(low <= high && high - low < UINT32_MAX);
    return low + pop_below(r, (uint32_t)(high - low + 1));
}

bool pop_chance(pop_random *r, int64_t ppm)
{
    return (int64_t)pop_below(r, POP_MILLION) < ppm;
}

/* The sum of 12 uniforms on [0, 1) has mean 6 and variance 1. */
int32_t pop_bell(pop_random *r, int32_t spread)
{
    int64_t sum = 0;
    for (int i = 0; i < 12; i++)
        sum += pop_next(r) >> 8;
    return (int32_t)(((sum - (INT64_C(6) << 24)) * spread) / (INT64_C(1) << 24));
}

int64_t pop_scale(int64_t median, int32_t z_milli)
{
    int64_t size_milli = z_milli < 0 ? -(int64_t)z_milli : z_milli;
    int64_t size_q24 = ((size_milli < 8000 ? size_milli : 8000) << 24) / 1000;
    int64_t factor_q30 = sotto_fixed_exp_neg_q30(-size_q24), out = 0;
    sotto_status status = z_milli < 0 ? sotto_fixed_mul_div(median, factor_q30, SOTTO_PROB_ONE_Q30, &out)
                                      : sotto_fixed_mul_div(median, SOTTO_PROB_ONE_Q30, factor_q30, &out);
    assert(status == SOTTO_OK);
    return status == SOTTO_OK ? out : median;
}

size_t pop_pick(pop_random *r, const uint32_t *weights, size_t n)
{
    uint32_t total = 0, at;
    for (size_t i = 0; i < n; i++)
        total += weights[i];
    at = pop_below(r, total);
    for (size_t i = 0; i < n; i++) {
        if (at < weights[i])
            return i;
        at -= weights[i];
    }
    return n - 1;
}
