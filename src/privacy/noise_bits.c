/* Uniform integers and exponential coin flips (noise_bits.h). */
#include "noise_bits.h"

#include <assert.h>

static uint8_t next_byte(sotto_noise_bits *bits)
{
    if (bits->status != SOTTO_OK)
        return 0;
    if (bits->at == NOISE_POOL_BYTES) {
        bits->at = 0;
        if (++bits->pools > NOISE_POOLS_MAX)
            bits->status = SOTTO_ERR(PRIVACY, INTERNAL);
        else
            bits->status = bits->entropy->fill(bits->entropy->ctx, bits->pool, NOISE_POOL_BYTES);
        if (bits->status != SOTTO_OK)
            return 0;
    }
    return bits->pool[bits->at++];
}

/* Uniform on 0 .. n - 1, n >= 1: the fewest whole bytes that hold n - 1, the surplus high bits cleared, drawn
 * again until below n (two tries on average at worst). No modulo, so no bias. */
uint64_t sotto_noise_uniform(sotto_noise_bits *bits, uint64_t n)
{
    assert(n >= 1);
    if (n == 1)
        return 0;
    unsigned width = 64 - (unsigned)__builtin_clzll(n - 1);
    uint64_t mask = UINT64_MAX >> (64 - width);
    uint64_t v;
    do {
        v = 0;
        for (unsigned have = 0; have < width; have += 8)
            v = v << 8 | next_byte(bits);
        v &= mask;
    } while (v >= n && bits->status == SOTTO_OK);
    return v;
}

/* Bernoulli(exp(-u / t)) for 0 <= u <= t < 2^32, t >= 1: algorithm 1 of the paper (after von Neumann and
 * Forsythe). k counts how many of Bernoulli(u / (t k)) succeed in a row; its parity decides. */
bool sotto_noise_bernoulli_exp(sotto_noise_bits *bits, uint64_t u, uint64_t t)
{
    uint64_t k = 1;
    /* t * k < 2^64: k cannot pass the bytes that NOISE_POOLS_MAX allows. */
    while (sotto_noise_uniform(bits, t * k) < u && bits->status == SOTTO_OK)
        k++;
    return k % 2 == 1;
}

/* Whether a uniform draw of 0 .. n - 1 is below u: as sotto_noise_uniform, all 8 bytes of the low half taken
 * where there is a high one. */
static bool uniform_below(sotto_noise_bits *bits, sotto_wide n, sotto_wide u)
{
    sotto_wide v = {0, 0};
    if (n.high == 0) {
        v.low = sotto_noise_uniform(bits, n.low);
        return !sotto_wide_reaches(v, u);
    }
    unsigned width = 64 - (unsigned)__builtin_clzll(n.high);
    do {
        for (unsigned have = 0; have < width; have += 8)
            v.high = v.high << 8 | next_byte(bits);
        v.high &= UINT64_MAX >> (64 - width);
        for (unsigned have = 0; have < 64; have += 8)
            v.low = v.low << 8 | next_byte(bits);
    } while (sotto_wide_reaches(v, n) && bits->status == SOTTO_OK);
    return !sotto_wide_reaches(v, u);
}

/* exp(-u / t) = exp(-1)^q exp(-r / t): a coin for each whole, then algorithm 1 for the rest. */
bool sotto_noise_bernoulli_exp_wide(sotto_noise_bits *bits, sotto_wide u, sotto_wide t)
{
    while (sotto_wide_reaches(u, t)) {
        if (!sotto_noise_bernoulli_exp(bits, 1, 1) || bits->status != SOTTO_OK)
            return false;
        u = sotto_wide_sub(u, t);
    }
    if (t.high == 0 && t.low <= UINT32_MAX)
        return sotto_noise_bernoulli_exp(bits, u.low, t.low);
    uint64_t k = 1;
    while (uniform_below(bits, sotto_wide_scale(t, k), u) && bits->status == SOTTO_OK)
        k++;
    return k % 2 == 1;
}

/* How many Bernoulli(exp(-1)) succeed before the first that does not. */
uint64_t sotto_noise_geometric_exp(sotto_noise_bits *bits)
{
    uint64_t v = 0;
    while (sotto_noise_bernoulli_exp(bits, 1, 1) && bits->status == SOTTO_OK)
        v++;
    return v;
}
