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

static uint32_t find_leaf(const sotto_model *m, const uint16_t *slots, size_t t)
{
    uint32_t at = m->trees[t].root;
    for (unsigned d = m->trees[t].depth; d > 0; d--)
        at = step(m->nodes, slots, at);
    return at;
}

static unsigned max4(unsigned a, unsigned b, unsigned c, unsigned d)
{
    unsigned x = a > b ? a : b, y = c > d ? c : d;
    return x > y ? x : y;
}

/* Four trees side by side: each waits for its own loads, so together they wait once. A leaf reached early is
 * stepped onto itself. */
static int64_t sum_four(const sotto_model *m, const uint16_t *slots, const tree *t)
{
    const node *nodes = m->nodes;
    uint32_t a = t[0].root, b = t[1].root, c = t[2].root, d = t[3].root;
    for (unsigned left = max4(t[0].depth, t[1].depth, t[2].depth, t[3].depth); left > 0; left--) {
        a = step(nodes, slots, a);
        b = step(nodes, slots, b);
        c = step(nodes, slots, c);
        d = step(nodes, slots, d);
    }
    return (int64_t)m->values[a] + m->values[b] + m->values[c] + m->values[d];
}

int64_t sotto_model_margin_q24(const sotto_model *m, const int32_t *keys)
{
    uint16_t slots[SLOTS_MAX];
    fill_slots(m, keys, slots);
    int64_t margin = m->info.bias_q24;
    size_t t = 0;
    for (; t + 4 <= m->info.trees; t += 4)
        margin += sum_four(m, slots, m->trees + t);
    for (; t < m->info.trees; t++)
        margin += m->values[find_leaf(m, slots, t)];
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
    fill_slots(m, keys, slots);
    for (size_t t = 0; t < m->info.trees; t++) {
        uint32_t leaf = find_leaf(m, slots, t);
        out[t] = m->source_ids != NULL ? m->source_ids[leaf] : leaf - m->trees[t].root;
    }
}

int64_t sotto_model_why_q24(const sotto_model *m, const int32_t *keys, int64_t *bias_q24,
                            int64_t *contribution_q24)
{
    uint16_t slots[SLOTS_MAX];
    fill_slots(m, keys, slots);
    for (size_t f = 0; f < m->info.features; f++)
        contribution_q24[f] = 0;
    int64_t margin = m->info.bias_q24;
    for (size_t t = 0; t < m->info.trees; t++) {
        uint32_t at = m->trees[t].root;
        while (!is_leaf(m->nodes, at)) {
            uint32_t next = step(m->nodes, slots, at);
            contribution_q24[m->nodes[at].slot / 2] += (int64_t)m->values[next] - m->values[at];
            at = next;
        }
        margin += m->values[at];
    }
    *bias_q24 = m->expected_q24;
    return margin;
}
