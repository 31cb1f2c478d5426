/* Scoring: bins once a row, then one comparison and one addition a step. docs/formats/model.md section 6.
 *
 * Ranges: a leaf is an int32 and there are at most 4,096 trees, the bias is within 2^40: a margin is within
 * 2^44. */
#include "score_priv.h"

static void fill_slots(const sotto_model *m, const int32_t *keys, uint16_t *slots)
{
    for (size_t f = 0; f < m->info.features; f++)
        fill_slot(m, f, keys[f], slots);
}

static int64_t packed_margin(const sotto_model *m, const uint16_t *slots)
{
    uint8_t narrow[PACKED_SLOTS];
    uint32_t at[LANES];
    int64_t sum = 0;
    narrow_slots(slots, 2 * m->info.features, narrow);
    size_t i = sotto_score_simd(m, narrow, &sum);
    for (; i + LANES <= m->info.trees; i += LANES) {
        find_packed_leaves(m->packed, narrow, m->trees + i, LANES, at);
        sum += sum_values(m, at, LANES);
    }
    for (; i < m->info.trees; i++) {
        find_packed_leaves(m->packed, narrow, m->trees + i, 1, at);
        sum += m->values[at[0]];
    }
    return m->info.bias_q24 + sum;
}

/* ---- Slotted models that are not plain ---- */

static bool sets_fit(const sotto_model *m)
{
    size_t sets = m->info.has_categories ? m->first_set[m->info.features] : 0;
    for (size_t i = 0; i < sets; i++)
        if (m->set_start[i + 1] - m->set_start[i] > SLOT_WORDS_MAX)
            return false;
    return true;
}

void sotto_model_slot(sotto_model *m)
{
    m->slotted =
        m->plain || (m->info.kind == SOTTO_MODEL_SUM && m->parts == 1 && m->info.terms == 0 && sets_fit(m));
}

static inline uint32_t step_slotted(const sotto_model *m, const uint16_t *slots, uint32_t at)
{
    const node *n = &m->nodes[at];
    return n->child == at ? at : n->child + fails(m, slots[n->slot], n->slot, n->bin);
}

static inline int64_t walk_slotted(const sotto_model *m, const uint16_t *slots, const tree *t, size_t lanes)
{
    uint32_t at[LANES];
    for (unsigned left = start_lanes(t, lanes, at); left > 0; left--)
        for (size_t i = 0; i < lanes; i++)
            at[i] = step_slotted(m, slots, at[i]);
    return sum_values(m, at, lanes);
}

int64_t sotto_score_slotted(const sotto_model *m, const uint16_t *slots, const tree *t, size_t n)
{
    int64_t sum = 0;
    size_t i = 0;
    for (; i + LANES <= n; i += LANES)
        sum += walk_slotted(m, slots, t + i, LANES);
    for (; i < n; i++)
        sum += walk_slotted(m, slots, t + i, 1);
    return sum;
}

/* Ranges: reference.c. */
static int64_t slotted_margin(const sotto_model *m, const int32_t *keys)
{
    uint16_t slots[SLOTS_MAX];
    for (size_t f = 0; f < m->info.features; f++)
        fill_slot_of_kind(m, f, keys[f], slots);
    return m->info.bias_q24 +
           sotto_score_slotted(m, slots, m->trees, m->info.trees) * (INT64_C(1) << m->shift);
}

int64_t sotto_model_margin_q24(const sotto_model *m, const int32_t *keys)
{
    if (!m->slotted)
        return sotto_model_reference_margin(m, keys, 0);
    if (!m->plain)
        return slotted_margin(m, keys);
    uint16_t slots[SLOTS_MAX];
    fill_slots(m, keys, slots);
    if (m->packed != NULL)
        return packed_margin(m, slots);
    return m->info.bias_q24 + sum_trees(m, slots, m->trees, m->info.trees);
}

uint32_t sotto_model_probability_q30(const sotto_model *m, int64_t margin_q24)
{
    if (m->info.calibration != SOTTO_CALIBRATION_NONE &&
        !is_value(m)) /* of a value it is inside the margin */
        return sotto_model_calibrated_q30(m, margin_q24);
    if (m->objective == OBJECTIVE_LOGISTIC)
        return sotto_fixed_sigmoid_q30(margin_q24);
    /* The margin is the answer: clamped to what a probability can be. */
    int64_t one_q24 = INT64_C(1) << SOTTO_MODEL_SCALE_BITS;
    int64_t p_q24 = margin_q24 < 0 ? 0 : margin_q24 > one_q24 ? one_q24 : margin_q24;
    return (uint32_t)(p_q24 << (30 - SOTTO_MODEL_SCALE_BITS));
}

void sotto_model_leaves(const sotto_model *m, const int32_t *keys, uint32_t *out)
{
    if (!m->plain) {
        sotto_model_reference_leaves(m, keys, out);
        return;
    }
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
    if (!m->plain)
        return sotto_model_why_output_q24(m, keys, 0, bias_q24, contribution_q24);
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
