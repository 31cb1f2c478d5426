/* A writer of .sotto files for the tests of decide, straight from docs/formats/model.md: complete trees whose
 * features, thresholds and leaves come from a seeded generator. */
#ifndef MODEL_WRITER_H
#define MODEL_WRITER_H

#include <string.h>

#include "sotto/model.h"

typedef struct written_feature {
    enum sotto_feature_source source;
    enum sotto_feature_transform transform;
    uint16_t tag_number;
    const char *attribute;
    int32_t argument;
    int64_t low, high; /* thresholds lie between them */
} written_feature;

static inline uint64_t writer_random(uint64_t *state)
{
    uint64_t x = *state; /* xorshift64, Marsaglia 2003 */
    x ^= x << 13;
    x ^= x >> 7;
    x ^= x << 17;
    return *state = x;
}

enum { WRITER_THRESHOLDS = 15 };

static inline void write_fixed(sotto_buf *b, const char *text, size_t bytes)
{
    uint8_t field[64] = {0};
    memcpy(field, text, strlen(text));
    assert_int_equal(sotto_buf_put(b, field, bytes), SOTTO_OK);
}

static inline void write_pad(sotto_buf *b, size_t to)
{
    while (b->len % to != 0)
        assert_int_equal(sotto_put_u8(b, 0), SOTTO_OK);
}

static inline void write_zeros(sotto_buf *b, size_t n)
{
    while (n-- > 0)
        assert_int_equal(sotto_put_u8(b, 0), SOTTO_OK);
}

#define PUT(width, value) assert_int_equal(sotto_put_u##width(b, (uint##width##_t)(value)), SOTTO_OK)

static inline void write_head(sotto_buf *b, size_t features, size_t trees, size_t nodes)
{
    PUT(16, 1);
    PUT(16, 1);
    PUT(8, 24);
    write_zeros(b, 3);
    PUT(32, features);
    PUT(32, features * WRITER_THRESHOLDS);
    PUT(32, trees);
    PUT(32, nodes);
    PUT(64, (uint64_t)(-(INT64_C(3) << 24)));
    PUT(64, trees);
    write_zeros(b, 32);
    write_fixed(b, "written by a test", 64);
    write_zeros(b, 40);
}

static inline void write_feature(sotto_buf *b, const written_feature *f, size_t index)
{
    char name[3] = {(char)('a' + index / 26), (char)('a' + index % 26), 0};
    PUT(8, f->source);
    PUT(8, f->transform);
    PUT(16, f->tag_number);
    PUT(32, f->argument);
    PUT(32, WRITER_THRESHOLDS);
    PUT(32, 0);
    write_fixed(b, name, 64);
    write_fixed(b, f->attribute == NULL ? "" : f->attribute, 32);
}

/* A tree of 2^(depth+1) - 1 nodes in breadth-first order: node k's children are 2k+1 and 2k+2. */
static inline void write_nodes(sotto_buf *b, size_t features, size_t trees, unsigned depth, uint64_t seed)
{
    uint32_t per_tree = (2u << depth) - 1, inner = (1u << depth) - 1;
    for (uint32_t t = 0; t < trees; t++)
        for (uint32_t k = 0; k < per_tree; k++) {
            uint32_t at = t * per_tree + k;
            bool leaf = k >= inner;
            uint64_t slot = writer_random(&seed) % (2 * features),
                     bin = writer_random(&seed) % WRITER_THRESHOLDS;
            PUT(16, leaf ? 0 : slot);
            PUT(16, leaf ? UINT16_MAX : bin);
            PUT(32, leaf ? at : t * per_tree + 1 + 2 * k);
        }
}

/* Returns the file's length. */
static inline size_t write_model(uint8_t *out, size_t cap, const written_feature *features, size_t n,
                                 size_t trees, unsigned depth, uint64_t seed)
{
    static const char *const TYPES[] = {"HEAD", "FEAT", "THRS", "TREE", "NODE", "VALU"};
    size_t nodes = trees * ((2u << depth) - 1);
    size_t lengths[] = {176, n * 112, n * WRITER_THRESHOLDS * 4, trees * 8, nodes * 8, nodes * 4};
    sotto_buf buffer = sotto_buf_of(out, cap), *b = &buffer;
    size_t at = 32 + 16 * SOTTO_COUNT(TYPES);
    write_fixed(b, "SOTTOMDL", 8);
    PUT(16, 1);
    PUT(16, 0);
    PUT(32, SOTTO_COUNT(TYPES));
    PUT(32, 0); /* bytes of the file, below */
    write_zeros(b, 12);
    for (size_t i = 0; i < SOTTO_COUNT(TYPES); i++) {
        at = (at + 15) & ~(size_t)15;
        write_fixed(b, TYPES[i], 4);
        PUT(32, 1);
        PUT(32, at);
        PUT(32, lengths[i]);
        at += lengths[i];
    }
    write_head(b, n, trees, nodes);
    write_pad(b, 16);
    for (size_t i = 0; i < n; i++)
        write_feature(b, &features[i], i);
    write_pad(b, 16);
    for (size_t i = 0; i < n; i++)
        for (int64_t k = 1; k <= WRITER_THRESHOLDS; k++)
            PUT(32, sotto_fixed_decimal_key(
                        (features[i].low * 100 * (WRITER_THRESHOLDS + 1 - k) + features[i].high * 100 * k) /
                            (WRITER_THRESHOLDS + 1),
                        2));
    write_pad(b, 16);
    for (size_t t = 0; t < trees; t++) {
        PUT(32, t * ((2u << depth) - 1));
        PUT(16, depth);
        PUT(16, 0);
    }
    write_pad(b, 16);
    write_nodes(b, n, trees, depth, seed);
    write_pad(b, 16);
    for (size_t i = 0; i < nodes; i++) /* within +-0.05 */
        PUT(32, (int32_t)(writer_random(&seed) % 1677721) - 838860);
    write_pad(b, 8);
    write_zeros(b, 4);
    for (size_t i = 0; i < 4; i++)
        out[16 + i] = (uint8_t)((b->len + 4) >> 8 * i);
    PUT(32, sotto_crc32(0, sotto_buf_span(b)));
    return b->len;
}

#undef PUT

#endif
