/* The loops of ranking for one family of CPUs. */
#ifndef SOTTO_MODEL_RANK_SIMD_H
#define SOTTO_MODEL_RANK_SIMD_H

#include "rank_priv.h"

/* Every CPU has these: other sets leave to them what they do no faster. */
const rank_kernels *sotto_rank_kernels_portable(void);
void sotto_rank_fill_table(int32_t *table, const rank_tree *t, uint64_t open);
void sotto_rank_shut_row(uint64_t *open, const uint64_t *row, size_t trees);
/* Each NULL where this CPU, or what this was compiled for, does not have it. */
const rank_kernels *sotto_rank_kernels_avx512(void);
const rank_kernels *sotto_rank_kernels_avx2(void);
const rank_kernels *sotto_rank_kernels_neon(void);

#endif
