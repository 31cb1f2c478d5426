/* What the loader and the scores of items share. */
#ifndef SOTTO_MODEL_ITEMS_PRIV_H
#define SOTTO_MODEL_ITEMS_PRIV_H

#include "sotto/items.h"

struct sotto_items {
    size_t count, segments;
    const char **id, **segment;
    const char *source;
    uint32_t decay_q24; /* ln 2 / half-life in days */
    uint16_t held_q15;  /* what an item counts that is held since nobody knows when */
    uint8_t *shift;     /* of each row: an entry is worth entry x 2^-(shift + 9), times 2^24 */
    int16_t *row;       /* count x count: row of what is held, column of what is wanted; NULL: embeddings */
    /* Embeddings: `shift` and `held` of what is held, `wanted_shift` and `wanted` of what is wanted. */
    size_t dims, width; /* 0 = a matrix; bytes of a number: 1 or 2 */
    uint8_t *wanted_shift;
    void *held, *wanted; /* count x dims of int8_t or int16_t */
    int32_t *constant_q24;
    uint32_t *popular_q30; /* (1 + segments) x count, all customers first */
};

/* What customers' vectors count in, and what a number of a vector is worth without its shift. */
enum { ITEMS_HELD_SHIFT_8 = 0, ITEMS_HELD_SHIFT_16 = 8, ITEMS_WANTED_BITS = 8 };

#endif
