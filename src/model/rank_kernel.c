/* The inner loops of ranking in portable C, and which set of loops this CPU runs. All sets give the same
 * sums: tests/model/test_rank.c holds each against the short reference. */
#include "rank_simd.h"

static void add_by_mask(int32_t *acc, const uint64_t *masks, size_t n, uint64_t open, const int32_t *leaves,
                        size_t leaf_count)
{
    (void)leaf_count;
    for (size_t i = 0; i < n; i++)
        acc[i] += leaves[__builtin_ctzll(masks[i] & open)];
}

static void add_one(int32_t *acc, const uint8_t *ids, size_t n, const int32_t *table)
{
    for (size_t i = 0; i < n; i++)
        acc[i] += table[ids[i]];
}

/* Four trees a pass: the sum is loaded and stored once for four. */
static void add_by_class(int32_t *acc, const uint8_t *const *ids, size_t n,
                         const int32_t (*table)[RANK_CLASSES_MAX], const uint16_t *classes, size_t trees)
{
    (void)classes;
    if (trees == RANK_ABREAST) {
        const uint8_t *a = ids[0], *b = ids[1], *c = ids[2], *d = ids[3];
        for (size_t i = 0; i < n; i++)
            acc[i] += table[0][a[i]] + table[1][b[i]] + table[2][c[i]] + table[3][d[i]];
        return;
    }
    for (size_t t = 0; t < trees; t++)
        add_one(acc, ids[t], n, table[t]);
}

static const rank_kernels PORTABLE = {add_by_mask, add_by_class};

const rank_kernels *sotto_rank_kernels_of(enum sotto_rank_path path)
{
    switch (path) {
    case SOTTO_RANK_BEST: {
        const rank_kernels *simd = sotto_rank_kernels_simd();
        return simd != NULL ? simd : &PORTABLE;
    }
    case SOTTO_RANK_PORTABLE:
        return &PORTABLE;
    case SOTTO_RANK_SIMD:
        return sotto_rank_kernels_simd();
    default:
        return NULL;
    }
}
