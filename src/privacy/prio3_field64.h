/*
 * Field64 of draft-irtf-cfrg-vdaf-20, table "Parameters for the finite fields": integers modulo
 * p = 2^64 - 2^32 + 1, written canonically (below p) at all times. Without branches.
 *
 * Both field headers define the same names (felem_*), and one source file includes one of them. "Factors" are
 * the form in which a constant multiplies fastest; in this field they are the elements themselves.
 */
#ifndef SOTTO_PRIO3_FIELD64_H
#define SOTTO_PRIO3_FIELD64_H

#include "prio3_word.h"

#define FELEM_BYTES 8
#define FELEM_WORDS 1
#define FELEM_P     UINT64_C(0xffffffff00000001)
/* 2^64 modulo p. */
#define FELEM_EPSILON UINT64_C(0xffffffff)

typedef struct felem {
    uint64_t w;
} felem;

PRIO3_INLINE felem felem_small(uint64_t value)
{
    return (felem){value};
}

PRIO3_INLINE felem felem_zero(void)
{
    return (felem){0};
}

/* x in 0 .. 2p - 1, its bit 64 in carry: x modulo p. */
PRIO3_INLINE uint64_t felem_once(uint64_t x, uint64_t carry)
{
    uint64_t rest = x - FELEM_P, borrow = word_less(x, FELEM_P);
    uint64_t keep = word_mask(borrow & (carry ^ 1));
    return rest ^ (keep & (rest ^ x));
}

PRIO3_INLINE felem felem_add(felem a, felem b)
{
    uint64_t sum = a.w + b.w, carry = word_less(sum, b.w);
    return (felem){felem_once(sum, carry)};
}

PRIO3_INLINE felem felem_sub(felem a, felem b)
{
    uint64_t rest = a.w - b.w, borrow = word_less(a.w, b.w);
    return (felem){rest - (FELEM_EPSILON & word_mask(borrow))};
}

/* high * 2^64 + low, any two words. With high = h1 * 2^32 + h0, and 2^64 = 2^32 - 1, 2^96 = -1 modulo p:
 * low - h1 + h0 * (2^32 - 1). */
PRIO3_INLINE felem felem_reduce(uint64_t low, uint64_t high)
{
    uint64_t h1 = high >> 32, h0 = high & FELEM_EPSILON;
    uint64_t x = low - h1, borrow = word_less(low, h1);
    x -= FELEM_EPSILON & word_mask(borrow); /* cannot borrow again: x was at least 2^64 - 2^32 */
    uint64_t more = (h0 << 32) - h0;
    x += more;
    uint64_t carry = word_less(x, more);
    x += FELEM_EPSILON & word_mask(carry); /* cannot carry again: x was at most 2^64 - 2^33 */
    return (felem){felem_once(x, 0)};
}

PRIO3_LONG felem felem_mul(felem a, felem factor)
{
    word_wide product = wide_mul(a.w, factor.w);
    return felem_reduce(wide_low(product), wide_high(product));
}

/* An element as a factor, and back. */
PRIO3_INLINE felem felem_factor(felem a)
{
    return a;
}

PRIO3_INLINE felem felem_plain(felem factor)
{
    return factor;
}

/* The element if mask is all ones, zero if it is zero. */
PRIO3_INLINE felem felem_and(felem a, uint64_t mask)
{
    return (felem){a.w & mask};
}

PRIO3_INLINE uint64_t felem_is_zero(felem a)
{
    return word_nonzero(a.w) ^ 1;
}

/* 1 when the words are canonical. */
PRIO3_INLINE uint64_t felem_is_canonical(felem a)
{
    return word_less(a.w, FELEM_P);
}

PRIO3_INLINE felem felem_load(const uint8_t *bytes)
{
    return (felem){word_load(bytes)};
}

PRIO3_INLINE void felem_store(uint8_t *bytes, felem a)
{
    word_store(bytes, a.w);
}

/* The element's words, low first. */
PRIO3_INLINE void felem_words(felem a, uint64_t out[2])
{
    out[0] = a.w;
    out[1] = 0;
}

PRIO3_INLINE felem felem_from_words(const uint64_t words[2])
{
    return (felem){words[0]};
}

/* A sum of products, reduced once. At most 2^31 products. */
typedef struct felem_acc {
    word_wide sum;
    uint64_t top;
} felem_acc;

PRIO3_INLINE felem_acc felem_acc_zero(void)
{
    return (felem_acc){wide_word(0), 0};
}

PRIO3_LONG void felem_acc_add(felem_acc *acc, felem a, felem b)
{
    acc->sum = wide_add(acc->sum, wide_mul(a.w, b.w), &acc->top);
}

/* The sum when one factor of each product was in factor form; 2^128 = -2^32 modulo p. */
PRIO3_LONG felem felem_acc_factors(const felem_acc *acc)
{
    return felem_sub(felem_reduce(wide_low(acc->sum), wide_high(acc->sum)), (felem){acc->top << 32});
}

/* The sum of products of two elements. */
PRIO3_LONG felem felem_acc_plain(const felem_acc *acc)
{
    return felem_acc_factors(acc);
}

#endif
