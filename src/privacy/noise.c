/*
 * Exact discrete Laplace noise after Canonne, Kamath, Steinke, "The Discrete Gaussian for Differential
 * Privacy" (2020), algorithms 1 and 2. Only uniform integers by rejection and comparisons: no rounding that
 * could tell a neighbouring data set apart (Mironov 2012), and the same answer on every CPU for the same
 * entropy bytes.
 */
#include "sotto/privacy.h"

#include <assert.h>

enum {
    POOL_BYTES = 64,
    /* A draw takes some twenty bytes. A source that is stuck would loop for ever: a good one needs more than
     * this with a probability below 2^-1000. */
    POOLS_MAX = 256
};

/* Entropy in pieces, so that one draw costs one system call. The first failure sticks. */
struct bits {
    const sotto_entropy *entropy;
    uint8_t pool[POOL_BYTES];
    size_t at;
    unsigned pools;
    sotto_status status;
};

static uint8_t next_byte(struct bits *bits)
{
    if (bits->status != SOTTO_OK)
        return 0;
    if (bits->at == POOL_BYTES) {
        bits->at = 0;
        if (++bits->pools > POOLS_MAX)
            bits->status = SOTTO_ERR(PRIVACY, INTERNAL);
        else
            bits->status = bits->entropy->fill(bits->entropy->ctx, bits->pool, POOL_BYTES);
        if (bits->status != SOTTO_OK)
            return 0;
    }
    return bits->pool[bits->at++];
}

/* Uniform on 0 .. n - 1, n >= 1: the fewest whole bytes that hold n - 1, the surplus high bits cleared, drawn
 * again until below n (two tries on average at worst). No modulo, so no bias. */
static uint64_t uniform(struct bits *bits, uint64_t n)
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
static bool bernoulli_exp(struct bits *bits, uint64_t u, uint64_t t)
{
    uint64_t k = 1;
    /* t * k < 2^64: k cannot pass the bytes that POOLS_MAX allows. */
    while (uniform(bits, t * k) < u && bits->status == SOTTO_OK)
        k++;
    return k % 2 == 1;
}

/* How many Bernoulli(exp(-1)) succeed before the first that does not. */
static uint64_t geometric_exp(struct bits *bits)
{
    uint64_t v = 0;
    while (bernoulli_exp(bits, 1, 1) && bits->status == SOTTO_OK)
        v++;
    return v;
}

/* Algorithm 2: u + num * v is geometric with parameter 1 - exp(-1 / num); its quotient by den is geometric
 * with 1 - exp(-den / num); the sign is a fair bit, and -0 is drawn again so that 0 does not count twice. */
static int64_t laplace(struct bits *bits, uint64_t num, uint64_t den)
{
    while (bits->status == SOTTO_OK) {
        uint64_t u = uniform(bits, num);
        if (!bernoulli_exp(bits, u, num))
            continue;
        uint64_t v = geometric_exp(bits); /* < 2^15 by POOLS_MAX: the product is < 2^47 */
        int64_t magnitude = (int64_t)((u + num * v) / den);
        bool negative = uniform(bits, 2) == 1;
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
    struct bits bits = {.entropy = entropy, .at = POOL_BYTES, .status = SOTTO_OK};
    int64_t drawn = laplace(&bits, num, den);
    /* Who knows the bytes knows the noise. */
    sotto_wipe(bits.pool, sizeof bits.pool);
    if (bits.status == SOTTO_OK)
        *out = drawn;
    return bits.status;
}
