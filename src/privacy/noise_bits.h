/*
 * Uniform integers and exponential coin flips from bytes of entropy: what both kinds of noise are made of
 * (Canonne, Kamath, Steinke, "The Discrete Gaussian for Differential Privacy", 2020, algorithm 1). Only
 * rejection and comparisons of integers.
 */
#ifndef SOTTO_PRIVACY_NOISE_BITS_H
#define SOTTO_PRIVACY_NOISE_BITS_H

#include "wide.h"

#include "sotto/base.h"

enum {
    NOISE_POOL_BYTES = 64,
    /* A draw takes some twenty bytes. A source that is stuck would loop for ever: a good one needs more than
     * this with a probability below 2^-1000. */
    NOISE_POOLS_MAX = 256
};

/* Entropy in pieces, so that one draw costs one system call. The first failure sticks. */
typedef struct sotto_noise_bits {
    const sotto_entropy *entropy;
    uint8_t pool[NOISE_POOL_BYTES];
    size_t at;
    unsigned pools;
    sotto_status status;
} sotto_noise_bits;

static inline sotto_noise_bits sotto_noise_bits_of(const sotto_entropy *entropy)
{
    return (sotto_noise_bits){.entropy = entropy, .at = NOISE_POOL_BYTES, .status = SOTTO_OK};
}

/* Uniform on 0 .. n - 1, n >= 1. 0 after a failure. */
uint64_t sotto_noise_uniform(sotto_noise_bits *bits, uint64_t n);
/* Bernoulli(exp(-u / t)) for 0 <= u <= t < 2^32, t >= 1. */
bool sotto_noise_bernoulli_exp(sotto_noise_bits *bits, uint64_t u, uint64_t t);
/* The same for any u and 1 <= t < 2^96. */
bool sotto_noise_bernoulli_exp_wide(sotto_noise_bits *bits, sotto_wide u, sotto_wide t);
/* How many Bernoulli(exp(-1)) succeed before the first that does not; < 2^15 by NOISE_POOLS_MAX. */
uint64_t sotto_noise_geometric_exp(sotto_noise_bits *bits);
/* Algorithm 2: discrete Laplace of scale num / den; num < 2^32. */
int64_t sotto_noise_laplace_draw(sotto_noise_bits *bits, uint64_t num, uint64_t den);

#endif
