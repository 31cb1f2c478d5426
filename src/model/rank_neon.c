/* The inner loops of ranking with Advanced SIMD: every aarch64, and armv7 compiled for it. 16 products a
 * pass. A table of up to 64 values is looked up inside registers, a byte of the values at a time. */
#include "rank_simd.h"

#if defined(__ARM_NEON)
#include <arm_neon.h>

enum { PASS = 16, BLOCK = 16, BLOCKS_MAX = 4 };

/* Where tests/bench/count.sh counts fewer instructions than by the portable set: loading a tree's table into
 * registers must be shared by so many products (docs/figures.md). */
#if defined(__aarch64__)
enum { LEAST = 24 };
#else
enum { LEAST = 48 };
#endif

#define INLINE static inline __attribute__((always_inline))

#if defined(__aarch64__)

/* block[k].val[b]: byte b of the values 16k to 16k + 15. */
typedef struct planes {
    uint8x16x4_t block[BLOCKS_MAX];
} planes;

INLINE planes load_planes(const int32_t *values, size_t blocks)
{
    planes p;
    for (size_t k = 0; k < blocks; k++)
        p.block[k] = vld4q_u8((const uint8_t *)(values + BLOCK * k));
    return p;
}

/* Byte b of 16 values. blocks, here and below: a constant at every call. */
INLINE uint8x16_t look_up(const planes *p, size_t b, uint8x16_t index, size_t blocks)
{
    if (blocks == 1)
        return vqtbl1q_u8(p->block[0].val[b], index);
    if (blocks == 2)
        return vqtbl2q_u8((uint8x16x2_t){{p->block[0].val[b], p->block[1].val[b]}}, index);
    return vqtbl4q_u8(
        (uint8x16x4_t){{p->block[0].val[b], p->block[1].val[b], p->block[2].val[b], p->block[3].val[b]}},
        index);
}

/* Sums of neighbouring bytes, those of a first. */
INLINE uint8x16_t add_pairs(uint8x16_t a, uint8x16_t b)
{
    return vpaddq_u8(a, b);
}

#else

/* byte[b]: byte b of the values 0 to 31, and of those from 32 on. Made as the instruction wants them: four
 * registers in a row, of which the compiler makes one load. */
typedef struct planes {
    uint8x8x4_t byte[4], above[4];
} planes;

INLINE planes load_planes(const int32_t *values, size_t blocks)
{
    planes p;
    uint8x16x4_t block[BLOCKS_MAX];
    for (size_t k = 0; k < blocks; k++)
        block[k] = vld4q_u8((const uint8_t *)(values + BLOCK * k));
    for (size_t b = 0; b < 4; b++)
        for (size_t k = 0; k < blocks; k++) {
            uint8x8x4_t *to = k < 2 ? &p.byte[b] : &p.above[b];
            to->val[k % 2 * 2] = vget_low_u8(block[k].val[b]);
            to->val[k % 2 * 2 + 1] = vget_high_u8(block[k].val[b]);
        }
    return p;
}

INLINE uint8x8_t look_up_half(const planes *p, size_t b, uint8x8_t index, size_t blocks)
{
    if (blocks == 1)
        return vtbl2_u8((uint8x8x2_t){{p->byte[b].val[0], p->byte[b].val[1]}}, index);
    uint8x8_t v = vtbl4_u8(p->byte[b], index);
    return blocks == 2 ? v : vtbx4_u8(v, p->above[b], vsub_u8(index, vdup_n_u8(2 * BLOCK)));
}

INLINE uint8x16_t look_up(const planes *p, size_t b, uint8x16_t index, size_t blocks)
{
    return vcombine_u8(look_up_half(p, b, vget_low_u8(index), blocks),
                       look_up_half(p, b, vget_high_u8(index), blocks));
}

INLINE uint8x16_t add_pairs(uint8x16_t a, uint8x16_t b)
{
    return vcombine_u8(vpadd_u8(vget_low_u8(a), vget_high_u8(a)), vpadd_u8(vget_low_u8(b), vget_high_u8(b)));
}

#endif

INLINE void add_four(int32_t *acc, uint16x8_t low, uint16x8_t high)
{
    uint16x8x2_t v = vzipq_u16(low, high);
    vst1q_s32(acc, vaddq_s32(vld1q_s32(acc), vreinterpretq_s32_u16(v.val[0])));
    vst1q_s32(acc + 4, vaddq_s32(vld1q_s32(acc + 4), vreinterpretq_s32_u16(v.val[1])));
}

/* acc[i] += value[index[i]] of 16 products. */
INLINE void add_values(int32_t *acc, const planes *p, uint8x16_t index, size_t blocks)
{
    uint8x16x2_t low = vzipq_u8(look_up(p, 0, index, blocks), look_up(p, 1, index, blocks));
    uint8x16x2_t high = vzipq_u8(look_up(p, 2, index, blocks), look_up(p, 3, index, blocks));
    add_four(acc, vreinterpretq_u16_u8(low.val[0]), vreinterpretq_u16_u8(high.val[0]));
    add_four(acc + 8, vreinterpretq_u16_u8(low.val[1]), vreinterpretq_u16_u8(high.val[1]));
}

/* For each byte of 2 sets, how many ones stand below the set's lowest: together the trailing zeros. */
INLINE uint8x16_t count_two(const uint64_t *masks, uint64x2_t open)
{
    uint64x2_t set = vandq_u64(vld1q_u64(masks), open);
    uint64x2_t below = vbicq_u64(vaddq_u64(set, vdupq_n_u64(UINT64_MAX)), set);
    return vcntq_u8(vreinterpretq_u8_u64(below));
}

/* Trailing zeros of 16 sets, a byte each. */
INLINE uint8x16_t leaf_numbers(const uint64_t *masks, uint64x2_t open)
{
    uint8x16_t a = add_pairs(count_two(masks, open), count_two(masks + 2, open));
    uint8x16_t b = add_pairs(count_two(masks + 4, open), count_two(masks + 6, open));
    uint8x16_t c = add_pairs(count_two(masks + 8, open), count_two(masks + 10, open));
    uint8x16_t d = add_pairs(count_two(masks + 12, open), count_two(masks + 14, open));
    return add_pairs(add_pairs(a, b), add_pairs(c, d));
}

INLINE void add_masks(int32_t *acc, size_t n, const rank_tree *t, uint64_t open, size_t blocks)
{
    planes p = load_planes(t->leaves, blocks);
    uint64x2_t all_open = vdupq_n_u64(open);
    for (size_t i = 0; i < n; i += PASS)
        add_values(acc + i, &p, leaf_numbers(t->masks + i, all_open), blocks);
}

static void add_by_mask_neon(int32_t *acc, size_t n, const rank_tree *trees, const uint64_t *open,
                             size_t count)
{
    if (n < PASS) {
        sotto_rank_kernels_portable()->add_by_mask(acc, n, trees, open, count);
        return;
    }
    for (size_t i = 0; i < count; i++) {
        if (trees[i].leaf_count <= BLOCK)
            add_masks(acc, n, &trees[i], open[i], 1);
        else if (trees[i].leaf_count <= 2 * BLOCK)
            add_masks(acc, n, &trees[i], open[i], 2);
        else
            add_masks(acc, n, &trees[i], open[i], BLOCKS_MAX);
    }
}

INLINE void add_classes(int32_t *acc, const uint8_t *ids, size_t n, const int32_t *table, size_t blocks)
{
    planes p = load_planes(table, blocks);
    for (size_t i = 0; i < n; i += PASS)
        add_values(acc + i, &p, vld1q_u8(ids + i), blocks);
}

static void add_by_class_neon(int32_t *acc, const uint8_t *const *ids, size_t n,
                              const int32_t (*table)[RANK_CLASSES_MAX], const uint16_t *classes, size_t trees)
{
    if (n < PASS) {
        sotto_rank_kernels_portable()->add_by_class(acc, ids, n, table, classes, trees);
        return;
    }
    for (size_t i = 0; i < trees; i++) {
        if (classes[i] <= BLOCK)
            add_classes(acc, ids[i], n, table[i], 1);
        else if (classes[i] <= 2 * BLOCK)
            add_classes(acc, ids[i], n, table[i], 2);
        else
            add_classes(acc, ids[i], n, table[i], BLOCKS_MAX);
    }
}

const rank_kernels *sotto_rank_kernels_neon(void)
{
    static const rank_kernels KERNELS = {add_by_mask_neon, sotto_rank_fill_table, add_by_class_neon,
                                         sotto_rank_shut_row, LEAST};
    return &KERNELS;
}

#else

const rank_kernels *sotto_rank_kernels_neon(void)
{
    return NULL;
}

#endif
