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
    int16_t *row;       /* count x count: row of what is held, column of what is wanted */
    int32_t *constant_q24;
    uint32_t *popular_q30; /* (1 + segments) x count, all customers first */
};

#endif
