/* What the tests of model share: golden files, a small generator of numbers, hashes, and CRCs put right
 * again. */
#ifndef SOTTO_MODEL_TEST_H
#define SOTTO_MODEL_TEST_H

#include "model_priv.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define GOLDEN_DIR SOTTO_SOURCE_DIR "/tests/data/model/"

typedef struct test_file {
    uint8_t *bytes; /* heap: aligned */
    size_t len;
} test_file;

static inline test_file read_golden(const char *name)
{
    char path[1024];
    test_file f = {.bytes = malloc(1 << 20)};
    snprintf(path, sizeof path, GOLDEN_DIR "%s", name);
    FILE *in = fopen(path, "rb");
    assert_non_null(in);
    assert_non_null(f.bytes);
    f.len = fread(f.bytes, 1, 1 << 20, in);
    assert_in_range(f.len, 1, (1 << 20) - 1);
    fclose(in);
    return f;
}

static inline sotto_span span_of(const test_file *f)
{
    return sotto_span_of(f->bytes, f->len);
}

/* A model and the memory it lives in. */
typedef struct test_model {
    test_file file;
    void *memory;
    const sotto_model *model;
} test_model;

static inline sotto_status load_into(test_model *m, sotto_span file, sotto_diag *diag)
{
    size_t cap = sotto_model_arena_bound(file.len);
    sotto_arena arena;
    m->memory = malloc(cap);
    assert_non_null(m->memory);
    sotto_arena_init(&arena, m->memory, cap);
    return sotto_model_load(&m->model, file, &arena, diag);
}

static inline test_model open_golden(const char *name)
{
    test_model m = {.file = read_golden(name)};
    sotto_diag diag = {.status = SOTTO_OK};
    assert_int_equal(load_into(&m, span_of(&m.file), &diag), SOTTO_OK);
    return m;
}

static inline void close_golden(test_model *m)
{
    free(m->memory);
    free(m->file.bytes);
}

/* xorshift64* (Vigna, "An experimental exploration of Marsaglia's xorshift generators", 2016): the same
 * everywhere. */
static inline uint64_t next_random(uint64_t *state)
{
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    return *state * UINT64_C(0x2545f4914f6cdd1d);
}

/* A key that tries a feature's edges: on a threshold, beside it, missing, zero, infinite, or anything. */
static inline int32_t random_key(const sotto_model *m, size_t feature, uint64_t *state)
{
    uint64_t r = next_random(state);
    uint32_t first = m->first_threshold[feature], n = m->first_threshold[feature + 1] - first;
    int32_t at = n == 0 ? 0 : m->thresholds[first + (r >> 8) % n];
    if (is_category(&m->features[feature]) && r % 8 > 2)
        return sotto_fixed_decimal_key((int64_t)((r >> 8) % 4200) - 100, 1 + (r >> 40) % 2);
    switch (r % 8) {
    case 0:
        return SOTTO_FLOAT_KEY_MISSING;
    case 1:
        return at + 1;
    case 2:
        return at - 1;
    case 3:
        return r >> 40 & 1 ? INT32_C(0x7f800000) : -INT32_C(0x7f800000);
    case 4:
        return 0;
    case 5:
        return sotto_fixed_float_key((uint32_t)(r >> 32));
    default:
        return at;
    }
}

/* FNV-1a over the little-endian bytes of v. */
static inline uint64_t hash_u64(uint64_t hash, uint64_t v)
{
    for (int i = 0; i < 8; i++)
        hash = (hash ^ (v >> (8 * i) & 0xff)) * UINT64_C(0x100000001b3);
    return hash;
}
#define HASH_START UINT64_C(0xcbf29ce484222325)

static inline void put_le(uint8_t *at, uint64_t v, size_t width)
{
    for (size_t i = 0; i < width; i++)
        at[i] = (uint8_t)(v >> (8 * i));
}

static inline uint64_t get_le(const uint8_t *at, size_t width)
{
    uint64_t v = 0;
    for (size_t i = width; i-- > 0;)
        v = v << 8 | at[i];
    return v;
}

/* What an attacker would do: the checksum fits again. */
static inline void fix_crc(uint8_t *file, size_t len)
{
    if (len >= 4)
        put_le(file + len - 4, sotto_crc32(0, sotto_span_of(file, len - 4)), 4);
}

/* Where a section's bytes are. */
static inline uint8_t *find_section(const test_file *f, const char *type, size_t *len)
{
    size_t count = (size_t)get_le(f->bytes + 12, 4);
    for (size_t i = 0; i < count; i++) {
        const uint8_t *entry = f->bytes + FRAME_BYTES + i * ENTRY_BYTES;
        if (memcmp(entry, type, 4) != 0)
            continue;
        *len = (size_t)get_le(entry + 12, 4);
        return f->bytes + get_le(entry + 8, 4);
    }
    return NULL;
}

#endif
