/* The inner loops of ranking in portable C, and which set of loops this CPU runs. All sets give the same
 * sums: tests/model/test_rank.c holds each against the short reference. */
#include "rank_simd.h"

#include <string.h>

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

void sotto_rank_fill_table(int32_t *table, const rank_tree *t, uint64_t open)
{
    for (size_t i = 0; i < t->classes; i++)
        table[i] = leaf_at(t->leaves, t->masks[i] & open);
}

static void add_one(int32_t *acc, const uint8_t *ids, size_t n, const int32_t *table)
{
    for (size_t i = 0; i < n; i++)
        acc[i] += table[ids[i]];
}

/* Four classes in one load: loads are what this loop has most of. */
static inline uint32_t four_ids(const uint8_t *ids)
{
    uint32_t v;
    memcpy(&v, ids, sizeof v);
    return v;
}

/* Four trees and four products a pass: each sum is loaded and stored once for four trees. */
static void add_four(int32_t *acc, const uint8_t *const *ids, size_t n,
                     const int32_t (*table)[RANK_CLASSES_MAX])
{
    const uint8_t *a = ids[0], *b = ids[1], *c = ids[2], *d = ids[3];
    for (size_t i = 0; i < n; i += 4) {
        uint32_t x = four_ids(a + i), y = four_ids(b + i), z = four_ids(c + i), w = four_ids(d + i);
        for (unsigned k = 0; k < 4; k++) /* unrolled */
            acc[i + k] += table[0][x >> 8 * k & 0xff] + table[1][y >> 8 * k & 0xff] +
                          table[2][z >> 8 * k & 0xff] + table[3][w >> 8 * k & 0xff];
    }
}

static void add_by_class(int32_t *acc, const uint8_t *const *ids, size_t n,
                         const int32_t (*table)[RANK_CLASSES_MAX], const uint16_t *classes, size_t trees)
{
    (void)classes;
    if (trees == RANK_ABREAST) {
        add_four(acc, ids, n, table);
        return;
    }
    for (size_t t = 0; t < trees; t++)
        add_one(acc, ids[t], n, table[t]);
}

/* The compiler makes of this what the CPU has for it; Advanced SIMD by hand took more instructions, which a
 * shelf of ten products felt. */
void sotto_rank_shut_row(uint64_t *open, const uint64_t *row, size_t trees)
{
    for (size_t t = 0; t < trees; t++)
        open[t] &= row[t];
}

static const rank_kernels PORTABLE = {add_by_mask, sotto_rank_fill_table, add_by_class, sotto_rank_shut_row,
                                      0};

const rank_kernels *sotto_rank_kernels_portable(void)
{
    return &PORTABLE;
}

static const rank_kernels *narrow_kernels(void)
{
    const rank_kernels *avx2 = sotto_rank_kernels_avx2();
    return avx2 != NULL ? avx2 : sotto_rank_kernels_neon();
}

static const rank_kernels *widest_kernels(void)
{
    const rank_kernels *avx512 = sotto_rank_kernels_avx512();
    return avx512 != NULL ? avx512 : narrow_kernels();
}

const rank_kernels *sotto_rank_kernels_of(enum sotto_rank_path path, size_t products)
{
    switch (path) {
    case SOTTO_RANK_BEST: {
        const rank_kernels *widest = widest_kernels();
        return widest != NULL && products >= widest->products_least ? widest : &PORTABLE;
    }
    case SOTTO_RANK_PORTABLE:
        return &PORTABLE;
    case SOTTO_RANK_SIMD:
        return widest_kernels();
    case SOTTO_RANK_SIMD_NARROW:
        return narrow_kernels();
    default:
        return NULL;
    }
}
