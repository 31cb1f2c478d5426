/* The inner loops of ranking in portable C, and which set of loops this CPU runs. All sets give the same
 * sums: tests/model/test_rank.c holds each against the short reference. */
#include "rank_simd.h"

static inline int32_t leaf_at(const int32_t *leaves, uint64_t set)
{
    return leaves[(unsigned)__builtin_ctzll(set)];
}

/* Two trees a pass: the sum is loaded and stored once for two. */
static void add_two_masks(int32_t *acc, size_t n, const rank_tree *trees, const uint64_t *open)
{
    const uint64_t *a = trees[0].masks, *b = trees[1].masks, open_a = open[0], open_b = open[1];
    const int32_t *leaves_a = trees[0].leaves, *leaves_b = trees[1].leaves;
    for (size_t i = 0; i < n; i++)
        acc[i] += leaf_at(leaves_a, a[i] & open_a) + leaf_at(leaves_b, b[i] & open_b);
}

static void add_by_mask(int32_t *acc, size_t n, const rank_tree *trees, const uint64_t *open, size_t count)
{
    size_t t = 0;
    for (; t + 2 <= count; t += 2)
        add_two_masks(acc, n, trees + t, open + t);
    for (size_t i = 0; t < count && i < n; i++)
        acc[i] += leaf_at(trees[t].leaves, trees[t].masks[i] & open[t]);
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

static void shut_row(uint64_t *open, const uint64_t *row, size_t trees)
{
    for (size_t t = 0; t < trees; t++)
        open[t] &= row[t];
}

static const rank_kernels PORTABLE = {add_by_mask, add_by_class, shut_row};

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
