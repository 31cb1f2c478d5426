/*
 * items: what goes with what. Learned at head office: how much more (or less) an item is wanted by somebody
 * who holds others, and how often each is wanted at all, by segment. Either one matrix item x item, or
 * embeddings: two short vectors an item, whose product is the matrix's entry. A part of the model room:
 * validated once, then read-only, re-entrant, integers only, equal to the last bit on every CPU. File:
 * docs/formats/items.md; how it is learned: docs/recommend.md.
 */
#ifndef SOTTO_ITEMS_H
#define SOTTO_ITEMS_H

#include "sotto/base.h"
#include "sotto/codec.h"
#include "sotto/fixed.h"

#define SOTTO_ITEMS_MAX          512 /* items of a file, and items that somebody may hold */
#define SOTTO_ITEMS_SEGMENTS_MAX 64
#define SOTTO_ITEMS_ID_MAX       64 /* bytes of an item's or a segment's name */
#define SOTTO_ITEMS_SOURCE_MAX   4096
#define SOTTO_ITEMS_DIMS_MAX     64 /* of an embedding */
#define SOTTO_ITEMS_ONE_Q15      32768
/* A factor is held between these: no list is turned over by one number. */
#define SOTTO_ITEMS_FACTOR_ONE_Q16 65536
#define SOTTO_ITEMS_FACTOR_MIN_Q16 (SOTTO_ITEMS_FACTOR_ONE_Q16 / 4)
#define SOTTO_ITEMS_FACTOR_MAX_Q16 (SOTTO_ITEMS_FACTOR_ONE_Q16 * 4)

typedef struct sotto_items sotto_items;

/* Arena bytes that loading may take for a file of that many bytes. */
size_t sotto_items_arena_bound(size_t file_bytes);
/* Everything is copied into arena; file may go afterwards. CORRUPT (CRC), MALFORMED, TRUNCATED, RANGE,
 * UNSUPPORTED (newer version) with the byte offset, NO_SPACE: the arena is given back and *out is NULL. */
SOTTO_MUST_USE sotto_status sotto_items_load(const sotto_items **out, sotto_span file, sotto_arena *arena,
                                             sotto_diag *diag);

size_t sotto_items_count(const sotto_items *t); /* 1..SOTTO_ITEMS_MAX */
const char *sotto_items_id(const sotto_items *t, size_t item);
int sotto_items_find(const sotto_items *t, sotto_span id); /* index or -1 */
size_t sotto_items_segments(const sotto_items *t);
int sotto_items_segment_find(const sotto_items *t, sotto_span name); /* index or -1 */
/* Dimensions of the embeddings, 0 = the file is a matrix. */
size_t sotto_items_dims(const sotto_items *t);
/* How it was learned, "name=value" lines. */
const char *sotto_items_source(const sotto_items *t);

/* What an item counts that was bought so many days ago: halves with the file's half-life, 1 from today on.
 * Negative: it is held, nobody knows since when; the file says what that counts. 0..SOTTO_ITEMS_ONE_Q15. */
uint16_t sotto_items_weight_q15(const sotto_items *t, int32_t age_days);

typedef struct sotto_items_held {
    uint16_t item; /* index */
    uint16_t weight_q15;
} sotto_items_held;

/* One customer, made ready once for all items: what is held (the caller's memory, which must stay), and with
 * embeddings the sum of what is held, so that an item costs one product of `dims` numbers. */
typedef struct sotto_items_customer {
    const sotto_items_held *held;
    size_t count;
    int32_t vector_q22[SOTTO_ITEMS_DIMS_MAX];
} sotto_items_customer;
/* held: at most SOTTO_ITEMS_MAX, each item once; count 0: nothing. Time: count x dims. */
void sotto_items_customer_of(const sotto_items *t, const sotto_items_held *held, size_t count,
                             sotto_items_customer *out);
/* How much each item is wanted next by somebody known who holds these (an estimate of a share, Q24; not held
 * within 0 and 1; below 2^40 on either side). Of a matrix: constant[i] + sum of weight x row[held][i], each
 * product rounded to nearest, ties to even. Of embeddings: constant[i] + customer x vector[i], each number of
 * the customer and then the product rounded so. Without anything held: the constants. out: one an item. Time:
 * items x count, or items x dims. */
void sotto_items_scores_q24(const sotto_items *t, const sotto_items_held *held, size_t count, int64_t *out);
/* The same for one item, to the bit. *because (may be NULL; asking it costs count x dims with embeddings) is
 * the place in held of what raised it most, -1 when nothing raised it (the first one on ties). */
int64_t sotto_items_score_q24(const sotto_items *t, const sotto_items_customer *c, size_t item, int *because);
/* Share of customers who want the item next, in a segment, or of all (segment -1). 0..2^30. */
uint32_t sotto_items_popular_q30(const sotto_items *t, int segment, size_t item);
/* score / popularity among all, held within FACTOR_MIN and FACTOR_MAX: what a propensity is multiplied by. */
uint32_t sotto_items_factor_q16(const sotto_items *t, size_t item, int64_t score_q24);
/* The same for somebody of whom only the segment is known (-1: not even that, the factor is 1). */
uint32_t sotto_items_segment_factor_q16(const sotto_items *t, size_t item, int segment);

#endif
