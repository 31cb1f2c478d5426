/* The tail of a sum of discrete Laplace draws, exactly but for rounding upwards. */
#ifndef SOTTO_PRIVACY_LAPLACE_TAIL_H
#define SOTTO_PRIVACY_LAPLACE_TAIL_H

#include "upward.h"

typedef struct sotto_tail {
    uint64_t draws;
    sotto_up a;           /* at least exp(-den / num) */
    sotto_up odds;        /* (1 - a) / a */
    sotto_up first_share; /* of i = 1, see laplace_tail.c */
    sotto_up inverse_q;   /* (1 + a) / a */
} sotto_tail;

/* num, den in 1 .. 2^32 - 1, draws in 1 .. 2^20; takes time in proportion to draws, as does every tail. */
void sotto_tail_prepare(sotto_tail *tail, uint64_t num, uint64_t den, uint64_t draws);
/* An upper bound of P[S >= t], t >= 1. */
sotto_up sotto_tail_at(const sotto_tail *tail, uint64_t t);

#endif
