/* The loops of ranking for one family of CPUs. */
#ifndef SOTTO_MODEL_RANK_SIMD_H
#define SOTTO_MODEL_RANK_SIMD_H

#include "rank_priv.h"

/* The fastest that this CPU has, found at run time; NULL when the portable loops are the fastest. */
const rank_kernels *sotto_rank_kernels_simd(void);

#endif
