/* The inner loops of ranking with AVX-512 (F and CD, every server since Skylake), chosen at run time. Tables
 * are looked up inside registers: no gather. */
#include "rank_simd.h"

#if defined(__x86_64__)
#include <immintrin.h>

#define AVX512 __attribute__((target("avx512f,avx512cd")))

/* Up to 64 values in four registers; entries that are not there are zero. */
typedef struct table512 {
    __m512i part[4];
} table512;

AVX512 static inline table512 load_table(const int32_t *values, size_t count)
{
    table512 t;
    for (size_t i = 0; i < 4; i++)
        t.part[i] = i * 16 < count ? _mm512_loadu_si512(values + i * 16) : _mm512_setzero_si512();
    return t;
}

/* size: 16, 32 or 64 entries. A constant at every call, so that each becomes a loop of its own. */
AVX512 static inline __m512i look_up(const table512 *t, __m512i index, unsigned size)
{
    if (size == 16)
        return _mm512_permutexvar_epi32(index, t->part[0]);
    __m512i low = _mm512_permutex2var_epi32(t->part[0], index, t->part[1]);
    if (size == 32)
        return low;
    __m512i high = _mm512_permutex2var_epi32(t->part[2], index, t->part[3]);
    return _mm512_mask_blend_epi32(_mm512_test_epi32_mask(index, _mm512_set1_epi32(32)), low, high);
}

/* 63 - (trailing zeros) of 8 sets, by isolating the lowest bit and counting leading zeros. */
AVX512 static inline __m512i leading_zeros_of_lowest(const uint64_t *masks, __m512i open)
{
    __m512i set = _mm512_and_si512(_mm512_loadu_si512(masks), open);
    __m512i lowest = _mm512_and_si512(set, _mm512_sub_epi64(_mm512_setzero_si512(), set));
    return _mm512_lzcnt_epi64(lowest);
}

AVX512 static inline void add_masks(int32_t *acc, const uint64_t *masks, size_t n, uint64_t open,
                                    const table512 *t, unsigned size)
{
    /* The low halves of two vectors of 8 numbers, as one of 16. */
    const __m512i halves = _mm512_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
    const __m512i all_open = _mm512_set1_epi64((long long)open), last = _mm512_set1_epi32(63);
    for (size_t i = 0; i < n; i += 16) {
        __m512i a = leading_zeros_of_lowest(masks + i, all_open);
        __m512i b = leading_zeros_of_lowest(masks + i + 8, all_open);
        __m512i index = _mm512_xor_si512(_mm512_permutex2var_epi32(a, halves, b), last);
        __m512i sum = _mm512_add_epi32(_mm512_loadu_si512(acc + i), look_up(t, index, size));
        _mm512_storeu_si512(acc + i, sum);
    }
}

AVX512 static void add_by_mask_avx512(int32_t *acc, size_t n, const rank_tree *trees, const uint64_t *open,
                                      size_t count)
{
    for (size_t i = 0; i < count; i++) {
        table512 t = load_table(trees[i].leaves, trees[i].leaf_count);
        if (trees[i].leaf_count <= 16)
            add_masks(acc, trees[i].masks, n, open[i], &t, 16);
        else if (trees[i].leaf_count <= 32)
            add_masks(acc, trees[i].masks, n, open[i], &t, 32);
        else
            add_masks(acc, trees[i].masks, n, open[i], &t, 64);
    }
}

AVX512 static void fill_table_avx512(int32_t *table, const rank_tree *t, uint64_t open)
{
    for (size_t i = 0; i < t->classes; i += 16)
        _mm512_storeu_si512(table + i, _mm512_setzero_si512());
    add_by_mask_avx512(table, t->classes, t, &open, 1);
}

AVX512 static inline void add_classes(int32_t *acc, const uint8_t *ids, size_t n, const table512 *t,
                                      unsigned size)
{
    for (size_t i = 0; i < n; i += 16) {
        __m512i index = _mm512_cvtepu8_epi32(_mm_loadu_si128((const __m128i *)(const void *)(ids + i)));
        __m512i sum = _mm512_add_epi32(_mm512_loadu_si512(acc + i), look_up(t, index, size));
        _mm512_storeu_si512(acc + i, sum);
    }
}

AVX512 static void add_by_class_avx512(int32_t *acc, const uint8_t *const *ids, size_t n,
                                       const int32_t (*table)[RANK_CLASSES_MAX], const uint16_t *classes,
                                       size_t trees)
{
    for (size_t i = 0; i < trees; i++) {
        table512 t = load_table(table[i], classes[i]);
        if (classes[i] <= 16)
            add_classes(acc, ids[i], n, &t, 16);
        else if (classes[i] <= 32)
            add_classes(acc, ids[i], n, &t, 32);
        else
            add_classes(acc, ids[i], n, &t, 64);
    }
}

AVX512 static void shut_row_avx512(uint64_t *open, const uint64_t *row, size_t trees)
{
    size_t t = 0;
    for (; t + 8 <= trees; t += 8)
        _mm512_storeu_si512(open + t,
                            _mm512_and_si512(_mm512_loadu_si512(open + t), _mm512_loadu_si512(row + t)));
    for (; t < trees; t++)
        open[t] &= row[t];
}

const rank_kernels *sotto_rank_kernels_avx512(void)
{
    static const rank_kernels KERNELS = {add_by_mask_avx512, fill_table_avx512, add_by_class_avx512,
                                         shut_row_avx512, 0};
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512cd") ? &KERNELS : NULL;
}

#else

const rank_kernels *sotto_rank_kernels_avx512(void)
{
    return NULL;
}

#endif
