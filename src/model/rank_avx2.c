/* The inner loops of ranking for x86-64 without AVX-512: AVX2, chosen at run time. 32 products a pass. A
 * table of up to 64 values is looked up inside registers, a byte of the values at a time (no gather:
 * microcode against CVE-2022-40982 made those slow). */
#include "rank_simd.h"

#if defined(__x86_64__)
#include <immintrin.h>

#define AVX2 __attribute__((target("avx2")))
enum { PASS = 32, BLOCK = 16, BLOCKS_MAX = 2 };

/* plane[b][k]: byte b of the values 16k to 16k + 15, in both halves. */
typedef struct planes {
    __m256i plane[4][BLOCKS_MAX];
} planes;

/* Bytes of 16 values, byte 0 of all first. */
AVX2 static inline void load_block(const int32_t *values, planes *p, size_t k)
{
    const __m128i by_byte = _mm_setr_epi8(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
    const __m128i *from = (const __m128i *)(const void *)(values + BLOCK * k);
    __m128i a = _mm_shuffle_epi8(_mm_loadu_si128(from), by_byte);
    __m128i b = _mm_shuffle_epi8(_mm_loadu_si128(from + 1), by_byte);
    __m128i c = _mm_shuffle_epi8(_mm_loadu_si128(from + 2), by_byte);
    __m128i d = _mm_shuffle_epi8(_mm_loadu_si128(from + 3), by_byte);
    __m128i ab = _mm_unpacklo_epi32(a, b), cd = _mm_unpacklo_epi32(c, d);
    p->plane[0][k] = _mm256_broadcastsi128_si256(_mm_unpacklo_epi64(ab, cd));
    p->plane[1][k] = _mm256_broadcastsi128_si256(_mm_unpackhi_epi64(ab, cd));
    ab = _mm_unpackhi_epi32(a, b);
    cd = _mm_unpackhi_epi32(c, d);
    p->plane[2][k] = _mm256_broadcastsi128_si256(_mm_unpacklo_epi64(ab, cd));
    p->plane[3][k] = _mm256_broadcastsi128_si256(_mm_unpackhi_epi64(ab, cd));
}

/* acc[i] += value[index[i]] of 32 products. A byte shuffle gives 0 where bit 7 of its index is set: each
 * block of 16 values answers for its own indices. blocks: a constant at every call, so that each is a loop of
 * its own. */
AVX2 static inline void add_values(int32_t *acc, const planes *p, __m256i index, size_t blocks)
{
    __m256i byte[4];
    for (size_t k = 0; k < blocks; k++) {
        __m256i own = _mm256_xor_si256(index, _mm256_set1_epi8((char)(BLOCK * k)));
        own = _mm256_adds_epu8(own, _mm256_set1_epi8(0x70));
        for (size_t b = 0; b < 4; b++) {
            __m256i v = _mm256_shuffle_epi8(p->plane[b][k], own);
            byte[b] = k == 0 ? v : _mm256_or_si256(byte[b], v);
        }
    }
    __m256i low = _mm256_unpacklo_epi8(byte[0], byte[1]), high = _mm256_unpacklo_epi8(byte[2], byte[3]);
    __m256i a = _mm256_unpacklo_epi16(low, high), b = _mm256_unpackhi_epi16(low, high);
    low = _mm256_unpackhi_epi8(byte[0], byte[1]);
    high = _mm256_unpackhi_epi8(byte[2], byte[3]);
    __m256i c = _mm256_unpacklo_epi16(low, high), d = _mm256_unpackhi_epi16(low, high);
    __m256i *to = (__m256i *)(void *)acc;
    _mm256_storeu_si256(to, _mm256_add_epi32(_mm256_loadu_si256(to), _mm256_permute2x128_si256(a, b, 0x20)));
    to++;
    _mm256_storeu_si256(to, _mm256_add_epi32(_mm256_loadu_si256(to), _mm256_permute2x128_si256(c, d, 0x20)));
    to++;
    _mm256_storeu_si256(to, _mm256_add_epi32(_mm256_loadu_si256(to), _mm256_permute2x128_si256(a, b, 0x31)));
    to++;
    _mm256_storeu_si256(to, _mm256_add_epi32(_mm256_loadu_si256(to), _mm256_permute2x128_si256(c, d, 0x31)));
}

/* 127 + trailing zeros of 8 sets of at most 32 leaves, in the order 0 1 4 5 2 3 6 7: the exponent of the
 * lowest bit as a float32. */
AVX2 static inline __m256i exponents(const uint64_t *masks, __m256i open)
{
    const __m256i *from = (const __m256i *)(const void *)masks;
    __m256 a = _mm256_castsi256_ps(_mm256_and_si256(_mm256_loadu_si256(from), open));
    __m256 b = _mm256_castsi256_ps(_mm256_and_si256(_mm256_loadu_si256(from + 1), open));
    __m256i set = _mm256_castps_si256(_mm256_shuffle_ps(a, b, 0x88));
    __m256i lowest = _mm256_and_si256(set, _mm256_sub_epi32(_mm256_setzero_si256(), set));
    __m256i bits = _mm256_castps_si256(_mm256_cvtepi32_ps(lowest)); /* exact; bit 31 is a negative power */
    return _mm256_srli_epi32(_mm256_slli_epi32(bits, 1), 24);
}

/* Trailing zeros of 32 sets, a byte each. */
AVX2 static inline __m256i leaf_numbers(const uint64_t *masks, __m256i open)
{
    __m256i a = _mm256_packus_epi32(exponents(masks, open), exponents(masks + 8, open));
    __m256i b = _mm256_packus_epi32(exponents(masks + 16, open), exponents(masks + 24, open));
    __m256i all = _mm256_packus_epi16(a, b);
    __m128i even = _mm256_castsi256_si128(all), odd = _mm256_extracti128_si256(all, 1);
    __m256i ordered = _mm256_inserti128_si256(_mm256_castsi128_si256(_mm_unpacklo_epi16(even, odd)),
                                              _mm_unpackhi_epi16(even, odd), 1);
    return _mm256_sub_epi8(ordered, _mm256_set1_epi8(127));
}

AVX2 static inline void add_masks(int32_t *acc, size_t n, const rank_tree *t, uint64_t open, size_t blocks)
{
    planes p;
    const __m256i all_open = _mm256_set1_epi64x((long long)open);
    for (size_t k = 0; k < blocks; k++)
        load_block(t->leaves, &p, k);
    for (size_t i = 0; i < n; i += PASS)
        add_values(acc + i, &p, leaf_numbers(t->masks + i, all_open), blocks);
}

static bool few(const uint16_t *counts, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (counts[i] > BLOCKS_MAX * BLOCK)
            return false;
    return true;
}

AVX2 static void add_by_mask_avx2(int32_t *acc, size_t n, const rank_tree *trees, const uint64_t *open,
                                  size_t count)
{
    uint16_t leaves[RANK_ABREAST];
    for (size_t i = 0; i < count; i++)
        leaves[i] = trees[i].leaf_count;
    if (n < PASS || !few(leaves, count)) {
        sotto_rank_kernels_portable()->add_by_mask(acc, n, trees, open, count);
        return;
    }
    for (size_t i = 0; i < count; i++) {
        if (leaves[i] <= BLOCK)
            add_masks(acc, n, &trees[i], open[i], 1);
        else
            add_masks(acc, n, &trees[i], open[i], BLOCKS_MAX);
    }
}

AVX2 static inline void add_classes(int32_t *acc, const uint8_t *ids, size_t n, const int32_t *table,
                                    size_t blocks)
{
    planes p;
    for (size_t k = 0; k < blocks; k++)
        load_block(table, &p, k);
    for (size_t i = 0; i < n; i += PASS)
        add_values(acc + i, &p, _mm256_loadu_si256((const __m256i *)(const void *)(ids + i)), blocks);
}

AVX2 static void add_by_class_avx2(int32_t *acc, const uint8_t *const *ids, size_t n,
                                   const int32_t (*table)[RANK_CLASSES_MAX], const uint16_t *classes,
                                   size_t trees)
{
    if (n < PASS || !few(classes, trees)) {
        sotto_rank_kernels_portable()->add_by_class(acc, ids, n, table, classes, trees);
        return;
    }
    for (size_t i = 0; i < trees; i++) {
        if (classes[i] <= BLOCK)
            add_classes(acc, ids[i], n, table[i], 1);
        else
            add_classes(acc, ids[i], n, table[i], BLOCKS_MAX);
    }
}

AVX2 static void shut_row_avx2(uint64_t *open, const uint64_t *row, size_t trees)
{
    size_t t = 0;
    for (; t + 4 <= trees; t += 4) {
        __m256i *to = (__m256i *)(void *)(open + t);
        __m256i shut = _mm256_loadu_si256((const __m256i *)(const void *)(row + t));
        _mm256_storeu_si256(to, _mm256_and_si256(_mm256_loadu_si256(to), shut));
    }
    for (; t < trees; t++)
        open[t] &= row[t];
}

const rank_kernels *sotto_rank_kernels_avx2(void)
{
    static const rank_kernels KERNELS = {add_by_mask_avx2, sotto_rank_fill_table, add_by_class_avx2,
                                         shut_row_avx2, 0};
    return __builtin_cpu_supports("avx2") ? &KERNELS : NULL;
}

#else

const rank_kernels *sotto_rank_kernels_avx2(void)
{
    return NULL;
}

#endif
