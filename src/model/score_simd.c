/* One row through sixteen trees at a time with AVX-512, chosen at run time; packed nodes (pack.c), so that a
 * node is one lane and all slots fit one register. The same steps as find_packed_leaves. */
#include "score_priv.h"

#if defined(__x86_64__)
#include <immintrin.h>

/* Without optimisation gathers are macros of the compiler's, and their casts are ours. */
#pragma GCC diagnostic ignored "-Wsign-conversion"

#define AVX512 __attribute__((target("avx512f,avx512bw,avx512vbmi")))
enum { WIDE = 16, SLOTS_WIDE = 64 };

AVX512 static inline __m512i step_wide(const packed_node *nodes, __m512i slots, __m512i at)
{
    __m512i n = _mm512_i32gather_epi32(at, nodes, sizeof *nodes);
    /* The lowest byte is the slot's value; value x 2^24 > bin x 2^24 + slot x 2^16 exactly when value > bin.
     */
    __m512i value = _mm512_slli_epi32(_mm512_permutexvar_epi8(n, slots), 24);
    __mmask16 right = _mm512_cmpgt_epu32_mask(value, _mm512_slli_epi32(n, 16));
    __m512i child = _mm512_add_epi32(at, _mm512_srli_epi32(n, 16));
    return _mm512_mask_add_epi32(child, right, child, _mm512_set1_epi32(1));
}

/* The roots of 16 trees; *depth: of the deepest. */
AVX512 static inline __m512i load_roots(const tree *t, unsigned *depth)
{
    const __m512i even = _mm512_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
    const __m512i odd = _mm512_setr_epi32(1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31);
    __m512i a = _mm512_loadu_si512(t), b = _mm512_loadu_si512(t + WIDE / 2);
    __m512i depths = _mm512_and_si512(_mm512_permutex2var_epi32(a, odd, b), _mm512_set1_epi32(0xffff));
    *depth = _mm512_reduce_max_epu32(depths);
    return _mm512_permutex2var_epi32(a, even, b);
}

AVX512 static int64_t sum_wide(const sotto_model *m, const uint8_t *slots, size_t n)
{
    __m512i all = _mm512_loadu_si512(slots), sum = _mm512_setzero_si512();
    for (size_t i = 0; i < n; i += WIDE) {
        unsigned depth;
        __m512i at = load_roots(m->trees + i, &depth);
        for (; depth > 0; depth--)
            at = step_wide(m->packed, all, at);
        __m512i values = _mm512_i32gather_epi32(at, m->values, sizeof *m->values);
        sum = _mm512_add_epi64(sum, _mm512_cvtepi32_epi64(_mm512_castsi512_si256(values)));
        sum = _mm512_add_epi64(sum, _mm512_cvtepi32_epi64(_mm512_extracti64x4_epi64(values, 1)));
    }
    return _mm512_reduce_add_epi64(sum);
}

/* Those of Intel's CPUs with both extensions have gathers that no microcode slows down (CVE-2022-40982);
 * elsewhere the portable loop is as fast. */
static bool gathers_are_fast(void)
{
    return __builtin_cpu_is("intel") && __builtin_cpu_supports("avx512bf16") &&
           __builtin_cpu_supports("avx512vbmi");
}

size_t sotto_score_simd(const sotto_model *m, const uint8_t *slots, int64_t *sum)
{
    if (2 * m->info.features > SLOTS_WIDE || !gathers_are_fast())
        return 0;
    size_t n = m->info.trees / WIDE * WIDE;
    *sum = sum_wide(m, slots, n);
    return n;
}

#else

size_t sotto_score_simd(const sotto_model *m, const uint8_t *slots, int64_t *sum)
{
    (void)m;
    (void)slots;
    (void)sum;
    return 0;
}

#endif
