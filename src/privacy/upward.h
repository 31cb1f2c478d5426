/*
 * Positive numbers m * 2^e with a mantissa of 64 bits; every operation rounds upwards, so a chain of them is
 * an upper bound of what it stands for. All of it in integers: the same bits on every CPU, and no rounding
 * mode to set.
 */
#ifndef SOTTO_PRIVACY_UPWARD_H
#define SOTTO_PRIVACY_UPWARD_H

#include <stdbool.h>
#include <stdint.h>

typedef struct sotto_up {
    uint64_t m; /* 2^63 .. 2^64 - 1, or 0 for zero */
    int64_t e;
} sotto_up;

/* v * 2^e, exactly. */
sotto_up sotto_up_of(uint64_t v, int64_t e);
sotto_up sotto_up_mul(sotto_up a, sotto_up b);
sotto_up sotto_up_add(sotto_up a, sotto_up b);
/* a / d, d >= 1. */
sotto_up sotto_up_div(sotto_up a, uint64_t d);
/* a^n by squaring; each of its steps doubles the relative error, so n * 2^-63 at the end. */
sotto_up sotto_up_power(sotto_up a, uint64_t n);
bool sotto_up_greater(sotto_up a, sotto_up b);

#endif
