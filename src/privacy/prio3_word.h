/* What both fields are built on: machine words without branches, and the one operation that differs between
 * 64- and 32-bit processors. PRIO3_NO_INT128 forces the 32-bit way, so that a test can compare them. */
#ifndef SOTTO_PRIO3_WORD_H
#define SOTTO_PRIO3_WORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Tells a checker of constant time that these bytes may be known from here on: each use says why. The check
 * is tests/privacy/prio3_ct.c, which compiles the sources with this macro from valgrind. */
#ifndef PRIO3_DECLASSIFY
#define PRIO3_DECLASSIFY(ptr, len) ((void)(ptr), (void)(len))
#endif

#define PRIO3_INLINE static inline __attribute__((always_inline, unused))
/* For what is long enough to be worth a call where code must be small: it saves half of the code there. */
#ifdef __OPTIMIZE_SIZE__
#define PRIO3_LONG static __attribute__((noinline, unused))
#else
#define PRIO3_LONG PRIO3_INLINE
#endif

/* x, but the optimiser no longer knows anything of it. It would make a branch of what it knows to be 0 or 1;
 * GCC 12 does so at -O1. */
PRIO3_INLINE uint64_t word_opaque(uint64_t x)
{
    __asm__("" : "+r"(x));
    return x;
}

/* All ones when flag is 1, zero when it is 0. */
PRIO3_INLINE uint64_t word_mask(uint64_t flag)
{
    return (uint64_t)0 - word_opaque(flag);
}

/* 1 when a < b. */
PRIO3_INLINE uint64_t word_less(uint64_t a, uint64_t b)
{
    return word_opaque(a < b);
}

PRIO3_INLINE uint64_t word_nonzero(uint64_t x)
{
    return (x | ((uint64_t)0 - x)) >> 63;
}

#if defined(__SIZEOF_INT128__) && !defined(PRIO3_NO_INT128)

/* Two words as one number. */
__extension__ typedef unsigned __int128 word_wide;

PRIO3_INLINE word_wide wide_of(uint64_t low, uint64_t high)
{
    return (word_wide)high << 64 | low;
}
PRIO3_INLINE uint64_t wide_low(word_wide a)
{
    return (uint64_t)a;
}
PRIO3_INLINE uint64_t wide_high(word_wide a)
{
    return (uint64_t)(a >> 64);
}
PRIO3_INLINE word_wide wide_mul(uint64_t a, uint64_t b)
{
    return (word_wide)a * b;
}
/* a + b; the carry (0 or 1) is added to *carry. */
PRIO3_INLINE word_wide wide_add(word_wide a, word_wide b, uint64_t *carry)
{
    word_wide sum = a + b;
    *carry += word_opaque(sum < a);
    return sum;
}
/* a - b; *borrow becomes 0 or 1. */
PRIO3_INLINE word_wide wide_sub(word_wide a, word_wide b, uint64_t *borrow)
{
    *borrow = word_opaque(a < b);
    return a - b;
}

#else

typedef struct word_wide {
    uint64_t low, high;
} word_wide;

PRIO3_INLINE word_wide wide_of(uint64_t low, uint64_t high)
{
    return (word_wide){low, high};
}
PRIO3_INLINE uint64_t wide_low(word_wide a)
{
    return a.low;
}
PRIO3_INLINE uint64_t wide_high(word_wide a)
{
    return a.high;
}
/* Four products of half words. The middle sums stay below 2^64: (2^32 - 1)^2 + 2 (2^32 - 1) = 2^64 - 1. */
PRIO3_INLINE word_wide wide_mul(uint64_t a, uint64_t b)
{
    uint32_t a0 = (uint32_t)a, a1 = (uint32_t)(a >> 32), b0 = (uint32_t)b, b1 = (uint32_t)(b >> 32);
    uint64_t low = (uint64_t)a0 * b0;
    uint64_t middle = (uint64_t)a1 * b0 + (low >> 32);
    uint64_t other = (uint64_t)a0 * b1 + (uint32_t)middle;
    return (word_wide){other << 32 | (uint32_t)low, (uint64_t)a1 * b1 + (middle >> 32) + (other >> 32)};
}
PRIO3_INLINE word_wide wide_add(word_wide a, word_wide b, uint64_t *carry)
{
    uint64_t low = a.low + b.low, middle = a.high + word_less(low, b.low), high = middle + b.high;
    *carry += word_less(middle, a.high) + word_less(high, b.high);
    return (word_wide){low, high};
}
PRIO3_INLINE word_wide wide_sub(word_wide a, word_wide b, uint64_t *borrow)
{
    uint64_t less = word_less(a.low, b.low), middle = a.high - b.high;
    *borrow = word_less(a.high, b.high) | word_less(middle, less);
    return (word_wide){a.low - b.low, middle - less};
}

#endif

/* a + b where the sum is known to fit, or its carry is not wanted. */
PRIO3_INLINE word_wide wide_plus(word_wide a, word_wide b)
{
    uint64_t carry = 0;
    return wide_add(a, b, &carry);
}
PRIO3_INLINE word_wide wide_word(uint64_t a)
{
    return wide_of(a, 0);
}

/* Little-endian, whatever the processor's order. */
PRIO3_INLINE uint64_t word_swap(uint64_t x)
{
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    return x;
#else
    return __builtin_bswap64(x);
#endif
}

PRIO3_INLINE uint64_t word_load(const uint8_t *bytes)
{
    uint64_t x;
    memcpy(&x, bytes, sizeof x);
    return word_swap(x);
}

PRIO3_INLINE void word_store(uint8_t *bytes, uint64_t x)
{
    x = word_swap(x);
    memcpy(bytes, &x, sizeof x);
}

#endif
