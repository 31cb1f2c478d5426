/* Unsigned integers of 128 bits for exact comparisons: not every target has the type. */
#ifndef SOTTO_PRIVACY_WIDE_H
#define SOTTO_PRIVACY_WIDE_H

#include <stdbool.h>
#include <stdint.h>

typedef struct sotto_wide {
    uint64_t high, low;
} sotto_wide;

static inline sotto_wide sotto_wide_of(uint64_t v)
{
    return (sotto_wide){0, v};
}

static inline sotto_wide sotto_wide_mul(uint64_t a, uint64_t b)
{
    uint64_t a1 = a >> 32, a0 = a & UINT32_MAX, b1 = b >> 32, b0 = b & UINT32_MAX;
    uint64_t low = a0 * b0, middle = a1 * b0 + (low >> 32); /* at most 2^64 - 2^32: no carry */
    uint64_t other = a0 * b1 + (middle & UINT32_MAX);
    return (sotto_wide){a1 * b1 + (middle >> 32) + (other >> 32), other << 32 | (low & UINT32_MAX)};
}

/* a * b modulo 2^128; the caller knows that it fits. */
static inline sotto_wide sotto_wide_scale(sotto_wide a, uint64_t b)
{
    sotto_wide product = sotto_wide_mul(a.low, b);
    product.high += a.high * b;
    return product;
}

/* a >= b */
static inline bool sotto_wide_reaches(sotto_wide a, sotto_wide b)
{
    return a.high != b.high ? a.high > b.high : a.low >= b.low;
}

static inline sotto_wide sotto_wide_sub(sotto_wide a, sotto_wide b)
{
    return (sotto_wide){a.high - b.high - (a.low < b.low), a.low - b.low};
}

#endif
