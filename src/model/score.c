/* Scoring: bins once a row, then one comparison and one addition a step. docs/formats/model.md section 6.
 *
 * Ranges: a leaf is an int32 and there are at most 4,096 trees, the bias is within 2^40: a margin is within
 * 2^44. */
#include "model_priv.h"

enum { SLOTS_MAX = 2 * SOTTO_MODEL_FEATURES_MAX };

/* How many of n ascending thresholds are at most key, by halving: about log2(n) steps without a branch to
 * guess. */
static uint32_t count_at_most(const int32_t *thresholds, uint32_t n, int32_t key)
{
    const int32_t *at = thresholds;
    while (n > 1) {
        uint32_t half = n / 2;
        at += at[half - 1] <= key ? half : 0;
        n -= half;
    }
    return (uint32_t)(at - thresholds) + (n == 1 && at[0] <= key);
}

/* slots: 2 a feature are written, the first for nodes that send a missing value right. */
static void fill_slots(const sotto_model *m, const int32_t *keys, uint16_t *slots)
{
    for (size_t f = 0; f < m->info.features; f++) {
        uint32_t first = m->first_threshold[f], n = m->first_threshold[f + 1] - first;
        bool missing = keys[f] == SOTTO_FLOAT_KEY_MISSING;
        uint16_t bin = (uint16_t)(missing ? 0 : count_at_most(m->thresholds + first, n, keys[f]));
        slots[2 * f] = missing ? LEAF_BIN : bin;
        slots[2 * f + 1] = bin;
    }
}

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

int64_t sotto_model_margin_q24(const sotto_model *m, const int32_t *keys)
{
    uint16_t slots[SLOTS_MAX];
    uint32_t at[LANES];
    fill_slots(m, keys, slots);
    int64_t margin = m->info.bias_q24;
    size_t t = 0;
    for (; t + LANES <= m->info.trees; t += LANES) {
        find_leaves(m, slots, m->trees + t, LANES, at);
        margin += sum_values(m, at, LANES);
    }
    for (; t < m->info.trees; t++) {
        find_leaves(m, slots, m->trees + t, 1, at);
        margin += m->values[at[0]];
    }
    return margin;
}

uint32_t sotto_model_probability_q30(const sotto_model *m, int64_t margin_q24)
{
    if (m->objective == OBJECTIVE_LOGISTIC)
        return sotto_fixed_sigmoid_q30(margin_q24);
    /* The margin is the answer: clamped to what a probability can be. */
    int64_t one_q24 = INT64_C(1) << SOTTO_MODEL_SCALE_BITS;
    int64_t p_q24 = margin_q24 < 0 ? 0 : margin_q24 > one_q24 ? one_q24 : margin_q24;
    return (uint32_t)(p_q24 << (30 - SOTTO_MODEL_SCALE_BITS));
}

void sotto_model_leaves(const sotto_model *m, const int32_t *keys, uint32_t *out)
{
    uint16_t slots[SLOTS_MAX];
    uint32_t at[1];
    fill_slots(m, keys, slots);
    for (size_t t = 0; t < m->info.trees; t++) {
        find_leaves(m, slots, m->trees + t, 1, at);
        out[t] = m->source_ids != NULL ? m->source_ids[at[0]] : at[0] - m->trees[t].root;
    }
}

/* The same walk, keeping what each step changed. A leaf's step onto itself changes nothing, whichever feature
 * that is written to. Returns the leaves' sum. */
static inline int64_t explain(const sotto_model *m, const uint16_t *slots, const tree *t, size_t lanes,
                              int64_t *contribution)
{
    uint32_t at[LANES];
    for (unsigned left = start_lanes(t, lanes, at); left > 0; left--)
        for (size_t i = 0; i < lanes; i++) {
            uint32_t next = step(m->nodes, slots, at[i]);
            contribution[m->nodes[at[i]].slot / 2] += (int64_t)m->values[next] - m->values[at[i]];
            at[i] = next;
        }
    return sum_values(m, at, lanes);
}

int64_t sotto_model_why_q24(const sotto_model *m, const int32_t *keys, int64_t *bias_q24,
                            int64_t *contribution_q24)
{
    uint16_t slots[SLOTS_MAX];
    fill_slots(m, keys, slots);
    for (size_t f = 0; f < m->info.features; f++)
        contribution_q24[f] = 0;
    int64_t margin = m->info.bias_q24;
    size_t t = 0;
    for (; t + LANES <= m->info.trees; t += LANES)
        margin += explain(m, slots, m->trees + t, LANES, contribution_q24);
    for (; t < m->info.trees; t++)
        margin += explain(m, slots, m->trees + t, 1, contribution_q24);
    *bias_q24 = m->expected_q24;
    return margin;
}
