/*
 * Field128 of draft-irtf-cfrg-vdaf-20, table "Parameters for the finite fields": integers modulo
 * p = 2^66 * 4611686018427387897 + 1 = 2^128 - 7 * 2^66 + 1, written canonically (below p). Without branches.
 *
 * Multiplication is Montgomery's with R = 2^128 ("Modular Multiplication Without Trial Division", 1985). A
 * "factor" is an element times R: element times factor is an element, factor times factor is a factor, so
 * vectors stay in the form in which they are sent and only constants are converted. The low word of p is 1:
 * the quotient's word is minus the low word of what is reduced, and costs no multiplication.
 */
#ifndef SOTTO_PRIO3_FIELD128_H
#define SOTTO_PRIO3_FIELD128_H

#include "prio3_word.h"

#define FELEM_BYTES 16
#define FELEM_WORDS 2
#define FELEM_P1    UINT64_C(0xffffffffffffffe4) /* high word of p; the low one is 1 */

typedef struct felem {
    uint64_t lo, hi;
} felem;

/* R^2 modulo p. */
#define FELEM_R2 ((felem){UINT64_C(0xfffffffffffffcf1), UINT64_C(0x5587)})

PRIO3_INLINE felem felem_small(uint64_t value)
{
    return (felem){value, 0};
}

PRIO3_INLINE felem felem_zero(void)
{
    return (felem){0, 0};
}

PRIO3_INLINE word_wide felem_wide(felem a)
{
    return wide_of(a.lo, a.hi);
}

PRIO3_INLINE felem felem_of(word_wide a)
{
    return (felem){wide_low(a), wide_high(a)};
}

/* p if flag is 1, 0 if it is 0. */
PRIO3_INLINE word_wide felem_p_if(uint64_t flag)
{
    uint64_t mask = word_mask(flag);
    return wide_of(mask & 1, mask & FELEM_P1);
}

/* a + b - p is either the sum or, when that is negative, p short of it. */
PRIO3_LONG felem felem_add(felem a, felem b)
{
    uint64_t carry = 0, borrow;
    word_wide sum = wide_add(felem_wide(a), felem_wide(b), &carry);
    word_wide rest = wide_sub(sum, wide_of(1, FELEM_P1), &borrow);
    return felem_of(wide_plus(rest, felem_p_if(borrow & (carry ^ 1))));
}

PRIO3_LONG felem felem_sub(felem a, felem b)
{
    uint64_t borrow;
    word_wide rest = wide_sub(felem_wide(a), felem_wide(b), &borrow);
    return felem_of(wide_plus(rest, felem_p_if(borrow)));
}

/* a * b = high * 2^128 + low. No sum here overflows: the product has four words. */
PRIO3_INLINE word_wide felem_product(felem a, felem b, word_wide *low)
{
    word_wide p00 = wide_mul(a.lo, b.lo), p01 = wide_mul(a.lo, b.hi);
    word_wide p10 = wide_mul(a.hi, b.lo), p11 = wide_mul(a.hi, b.hi);
    word_wide middle = wide_plus(wide_word(wide_high(p00)), wide_word(wide_low(p01)));
    middle = wide_plus(middle, wide_word(wide_low(p10)));
    *low = wide_of(wide_low(p00), wide_low(middle));
    word_wide high = wide_plus(p11, wide_word(wide_high(p01)));
    high = wide_plus(high, wide_word(wide_high(p10)));
    return wide_plus(high, wide_word(wide_high(middle)));
}

/* Montgomery's division of t by 2^128, but for t's part above 2^128: it is (*plus) - (*minus), to be added
 * to that part. Subtracting t0 * p clears the low word t0; as p = (2^64 - 28) 2^64 + 1, that adds 28 * t0 to
 * the second word and takes t0 from the third. Then the same for the second word. *plus is below 2^69. */
PRIO3_INLINE void felem_divide(word_wide t, word_wide *plus, word_wide *minus)
{
    word_wide second = wide_plus(wide_mul(wide_low(t), 28), wide_word(wide_high(t)));
    *plus = wide_plus(wide_mul(wide_low(second), 28), wide_word(wide_high(second)));
    *minus = wide_of(wide_low(t), wide_low(second));
}

/* high is at most (p - 1)^2 / 2^128 = 2^128 - 14 * 2^66 + ..., so high + plus fits, and the difference lies
 * between -p and p. */
PRIO3_LONG felem felem_mul(felem a, felem factor)
{
    uint64_t borrow;
    word_wide low, plus, minus, high = felem_product(a, factor, &low);
    felem_divide(low, &plus, &minus);
    word_wide rest = wide_sub(wide_plus(high, plus), minus, &borrow);
    return felem_of(wide_plus(rest, felem_p_if(borrow)));
}

PRIO3_INLINE felem felem_factor(felem a)
{
    return felem_mul(a, FELEM_R2);
}

PRIO3_INLINE felem felem_plain(felem factor)
{
    return felem_mul(factor, felem_small(1));
}

PRIO3_INLINE felem felem_and(felem a, uint64_t mask)
{
    return (felem){a.lo & mask, a.hi & mask};
}

PRIO3_INLINE uint64_t felem_is_zero(felem a)
{
    return word_nonzero(a.lo | a.hi) ^ 1;
}

/* 1 when the words are canonical. */
PRIO3_INLINE uint64_t felem_is_canonical(felem a)
{
    uint64_t borrow;
    (void)wide_sub(felem_wide(a), wide_of(1, FELEM_P1), &borrow);
    return borrow;
}

PRIO3_INLINE felem felem_load(const uint8_t *bytes)
{
    return (felem){word_load(bytes), word_load(bytes + 8)};
}

PRIO3_INLINE void felem_store(uint8_t *bytes, felem a)
{
    word_store(bytes, a.lo);
    word_store(bytes + 8, a.hi);
}

PRIO3_INLINE void felem_words(felem a, uint64_t out[2])
{
    out[0] = a.lo;
    out[1] = a.hi;
}

PRIO3_INLINE felem felem_from_words(const uint64_t words[2])
{
    return (felem){words[0], words[1]};
}

/* A sum of products, reduced once. At most 2^31 products. */
typedef struct felem_acc {
    word_wide low, high;
    uint64_t top;
} felem_acc;

PRIO3_INLINE felem_acc felem_acc_zero(void)
{
    return (felem_acc){wide_word(0), wide_word(0), 0};
}

PRIO3_LONG void felem_acc_add(felem_acc *acc, felem a, felem b)
{
    uint64_t carry = 0;
    word_wide low, high = felem_product(a, b, &low);
    acc->low = wide_add(acc->low, low, &carry);
    /* a product's high part is at most 2^128 - 14 * 2^66, so the carry can be added to it */
    acc->high = wide_add(acc->high, wide_plus(high, wide_word(carry)), &acc->top);
}

/* The sum when one of each product was a factor. What is left above 2^128 is below 2^32, and is folded with
 * 2^128 = 7 * 2^66 - 1 modulo p; p is added first so that nothing is negative. */
PRIO3_LONG felem felem_acc_factors(const felem_acc *acc)
{
    word_wide plus, minus, rest = acc->high;
    uint64_t top = acc->top, borrow;
    felem_divide(acc->low, &plus, &minus);
    rest = wide_add(rest, plus, &top);
    rest = wide_add(rest, wide_of(1, FELEM_P1), &top);
    rest = wide_sub(rest, minus, &borrow);
    top -= borrow;
    felem fold = felem_of(wide_of((uint64_t)0 - top, 28 * top - word_nonzero(top)));
    word_wide once = wide_sub(rest, wide_of(1, FELEM_P1), &borrow);
    return felem_add(felem_of(wide_plus(once, felem_p_if(borrow))), fold);
}

/* The sum of products of two elements. */
PRIO3_LONG felem felem_acc_plain(const felem_acc *acc)
{
    return felem_mul(felem_acc_factors(acc), FELEM_R2);
}

#endif
