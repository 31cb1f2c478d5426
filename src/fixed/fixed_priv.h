/* fixed, private: the tables of the exponential and the logarithm, 640 bytes together. */
#ifndef SOTTO_FIXED_PRIV_H
#define SOTTO_FIXED_PRIV_H

#include "sotto/fixed.h"

/* 2^(-i/64) in Q31. */
extern const uint32_t SOTTO_FIXED_EXP2_Q31[64];

/* R[i] = 1 / (1 + (2i+1)/128) in Q16: the reciprocal of the middle of the i-th of 64 equal parts of [1, 2).
 */
extern const uint16_t SOTTO_FIXED_RECIPROCAL_Q16[64];
/* -ln(R[i] / 2^16) in Q32, of R[i] as rounded. */
extern const uint32_t SOTTO_FIXED_RECIPROCAL_LN_Q32[64];

/* |v|, also of INT64_MIN. */
static inline uint64_t sotto_fixed_magnitude(int64_t v)
{
    return v < 0 ? 0 - (uint64_t)v : (uint64_t)v;
}

#endif
