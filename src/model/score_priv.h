/* One step of a score, and trees side by side: what scoring a row and ranking share. docs/formats/model.md
 * section 6. */
#ifndef SOTTO_MODEL_SCORE_PRIV_H
#define SOTTO_MODEL_SCORE_PRIV_H

#include "model_priv.h"

enum { SLOTS_MAX = 2 * SOTTO_MODEL_FEATURES_MAX };

/* How many of n ascending thresholds are at most key, by halving: about log2(n) steps without a branch to
 * guess. */
static inline uint32_t count_at_most(const int32_t *thresholds, uint32_t n, int32_t key)
{
    const int32_t *at = thresholds;
    while (n > 1) {
        uint32_t half = n / 2;
        at += at[half - 1] <= key ? half : 0;
        n -= half;
    }
    return (uint32_t)(at - thresholds) + (n == 1 && at[0] <= key);
}

/* The same for packed nodes: a bin is at most 254, so 255 is above every test, and a leaf's test holds for
 * all. */
static inline void narrow_slots(const uint16_t *slots, size_t count, uint8_t *out)
{
    for (size_t i = 0; i < count; i++)
        out[i] = (uint8_t)(slots[i] > PACKED_LEAF_BIN ? PACKED_LEAF_BIN : slots[i]);
}

/* Both slots of feature f, the first for nodes that send a missing value right. */
static inline void fill_slot(const sotto_model *m, size_t f, int32_t key, uint16_t *slots)
{
    uint32_t first = m->first_threshold[f], n = m->first_threshold[f + 1] - first;
    bool missing = key == SOTTO_FLOAT_KEY_MISSING;
    uint16_t bin = (uint16_t)(missing ? 0 : count_at_most(m->thresholds + first, n, key));
    slots[2 * f] = missing ? LEAF_BIN : bin;
    slots[2 * f + 1] = bin;
}

/* The same for every kind of feature. A category is its own slot value; NO_CATEGORY_SLOT is in no set, since
 * those of a slotted model end below it. */
enum { NO_CATEGORY_SLOT = LEAF_BIN - 1, SLOT_WORDS_MAX = NO_CATEGORY_SLOT / 32 };

static inline void fill_slot_of_kind(const sotto_model *m, size_t f, int32_t key, uint16_t *slots)
{
    const sotto_feature *feature = &m->features[f];
    bool missing = is_missing(feature, key), category = is_category(feature);
    if (!missing && !category) {
        fill_slot(m, f, key, slots);
        return;
    }
    uint32_t value = missing ? NO_CATEGORY : sotto_model_category(feature, key);
    slots[2 * f + 1] = (uint16_t)(value < NO_CATEGORY_SLOT ? value
                                  : missing && !category   ? 0
                                                           : NO_CATEGORY_SLOT);
    slots[2 * f] = missing ? LEAF_BIN : slots[2 * f + 1];
}

/* Whether an inner node's test of `slot` against `bin` sends a row right whose slot holds value, for every
 * kind of feature. */
static inline bool fails(const sotto_model *m, uint16_t value, uint16_t slot, uint16_t bin)
{
    size_t f = slot / 2u;
    if (!is_category(&m->features[f]))
        return value > bin;
    return value == LEAF_BIN || in_set(m, m->first_set[f] + bin, value);
}

/* The sum of the leaves of n trees of a slotted model that is not plain, in the model's own units. */
int64_t sotto_score_slotted(const sotto_model *m, const uint16_t *slots, const tree *t, size_t n);

static inline uint32_t step(const node *nodes, const uint16_t *slots, uint32_t at)
{
    node n = nodes[at];
    return n.child + (slots[n.slot] > n.bin);
}

/* Trees side by side: each waits for its own loads, so together they wait once. A leaf reached early is
 * stepped onto itself. Inlined, so that each number of lanes gets its own unrolled loop. */
enum { LANES = 8 };

static inline unsigned start_lanes(const tree *t, size_t lanes, uint32_t *at)
{
    unsigned depth = 0;
    for (size_t i = 0; i < lanes; i++) {
        at[i] = t[i].root;
        depth = t[i].depth > depth ? t[i].depth : depth;
    }
    return depth;
}

static inline void find_leaves(const sotto_model *m, const uint16_t *slots, const tree *t, size_t lanes,
                               uint32_t *at)
{
    for (unsigned left = start_lanes(t, lanes, at); left > 0; left--)
        for (size_t i = 0; i < lanes; i++)
            at[i] = step(m->nodes, slots, at[i]);
}

static inline int64_t sum_values(const sotto_model *m, const uint32_t *at, size_t lanes)
{
    int64_t sum = 0;
    for (size_t i = 0; i < lanes; i++)
        sum += m->values[at[i]];
    return sum;
}

/* The sum of the leaves of n trees. */
static inline int64_t sum_trees(const sotto_model *m, const uint16_t *slots, const tree *t, size_t n)
{
    uint32_t at[LANES];
    int64_t sum = 0;
    size_t i = 0;
    for (; i + LANES <= n; i += LANES) {
        find_leaves(m, slots, t + i, LANES, at);
        sum += sum_values(m, at, LANES);
    }
    for (; i < n; i++) {
        find_leaves(m, slots, t + i, 1, at);
        sum += m->values[at[0]];
    }
    return sum;
}

static inline void find_packed_leaves(const packed_node *nodes, const uint8_t *slots, const tree *t,
                                      size_t lanes, uint32_t *at)
{
    for (unsigned left = start_lanes(t, lanes, at); left > 0; left--)
        for (size_t i = 0; i < lanes; i++) {
            const packed_node *n = &nodes[at[i]];
            at[i] += n->skip + (uint32_t)(slots[n->slot] > n->bin);
        }
}

/* Adds the leaves of the first trees to *sum with vector instructions, where this CPU is faster so. Returns
 * how many trees; 0: none, and *sum is not written. slots: 64 are read. */
size_t sotto_score_simd(const sotto_model *m, const uint8_t *slots, int64_t *sum);

#endif
