/* The reference path: every model, straight from docs/formats/model.md. The fast paths are compared with it,
 * and what they do not know (sets of categories, zeros that are missing, several outputs, coarser values)
 * is scored by it. */
#include "model_priv.h"

static const int32_t ONE_KEY = 0x3f800000;
enum { FRACTION_BITS = 23, FLOAT_BIAS = 127 };

/* The whole part of the float32 that has this key; none at 2^24 and above, where no set reaches. */
uint32_t sotto_model_category(const sotto_feature *f, int32_t key)
{
    if (key < 0)
        return f->kind == SOTTO_FEATURE_CATEGORY_CUT && key > -ONE_KEY ? 0 : NO_CATEGORY;
    uint32_t bits = (uint32_t)key;
    uint32_t exponent = bits >> FRACTION_BITS;
    if (exponent < FLOAT_BIAS)
        return 0;
    if (exponent > FLOAT_BIAS + FRACTION_BITS)
        return NO_CATEGORY;
    uint32_t whole = (bits & ((1u << FRACTION_BITS) - 1)) | 1u << FRACTION_BITS;
    return whole >> (FLOAT_BIAS + FRACTION_BITS - exponent);
}

static bool goes_right(const sotto_model *m, const node *n, const int32_t *keys)
{
    size_t feature = n->slot / 2u;
    const sotto_feature *f = &m->features[feature];
    int32_t key = keys[feature];
    if (is_missing(f, key))
        return (n->slot & 1) == 0;
    if (is_category(f))
        return in_set(m, m->first_set[feature] + n->bin, sotto_model_category(f, key));
    return key >= m->thresholds[m->first_threshold[feature] + n->bin];
}

static uint32_t step(const sotto_model *m, uint32_t at, const int32_t *keys)
{
    return m->nodes[at].child + goes_right(m, &m->nodes[at], keys);
}

static uint32_t leaf_of(const sotto_model *m, const tree *t, const int32_t *keys)
{
    uint32_t at = t->root;
    while (!is_leaf(m->nodes, at))
        at = step(m, at, keys);
    return at;
}

/* At most 2^31 x 2^12 trees x 2^16 of scale: within 2^59, and the bias within 2^56. */
static int64_t scaled(const sotto_model *m, int64_t v)
{
    return v * (INT64_C(1) << m->shift);
}

static int64_t part_margin(const sotto_model *m, const int32_t *keys, size_t part)
{
    int64_t sum = 0;
    for (size_t t = 0; t < m->info.trees; t++)
        if (m->trees[t].output == part)
            sum += m->values[leaf_of(m, &m->trees[t], keys)];
    return m->biases_q24[part] + scaled(m, sum) + sotto_model_sum_terms(m, keys, part, NULL);
}

int64_t sotto_model_reference_margin(const sotto_model *m, const int32_t *keys, size_t output)
{
    int64_t margin = 0;
    if (m->info.kind == SOTTO_MODEL_CLUSTERS) {
        (void)sotto_model_nearest(m, keys, &margin, NULL);
        return margin;
    }
    if (!is_value(m))
        return part_margin(m, keys, output);
    return sotto_model_value_q24(m, (const int64_t[2]){part_margin(m, keys, 0), part_margin(m, keys, 1)});
}

void sotto_model_reference_leaves(const sotto_model *m, const int32_t *keys, uint32_t *out)
{
    if (m->info.kind == SOTTO_MODEL_CLUSTERS) {
        out[0] = (uint32_t)sotto_model_nearest(m, keys, NULL, NULL);
        return;
    }
    for (size_t t = 0; t < m->info.trees; t++) {
        uint32_t at = leaf_of(m, &m->trees[t], keys);
        out[t] = m->source_ids != NULL ? m->source_ids[at] : at - m->trees[t].root;
    }
}

/* Returns the leaf's value; every step's change goes to the feature that it tested. */
static int64_t explain(const sotto_model *m, const tree *t, const int32_t *keys, int64_t *contribution_q24)
{
    uint32_t at = t->root;
    while (!is_leaf(m->nodes, at)) {
        uint32_t next = step(m, at, keys);
        contribution_q24[m->nodes[at].slot / 2] += scaled(m, (int64_t)m->values[next] - m->values[at]);
        at = next;
    }
    return m->values[at];
}

/* What a part's margin is expected to be before anything is known. */
static int64_t expected(const sotto_model *m, size_t part)
{
    int64_t sum = 0;
    for (size_t t = 0; t < m->info.trees; t++)
        if (m->trees[t].output == part)
            sum += m->values[m->trees[t].root];
    return m->biases_q24[part] + scaled(m, sum);
}

int64_t sotto_model_reference_why(const sotto_model *m, const int32_t *keys, size_t part, int64_t *bias_q24,
                                  int64_t *contribution_q24)
{
    int64_t sum = 0;
    for (size_t f = 0; f < m->info.features; f++)
        contribution_q24[f] = 0;
    for (size_t t = 0; t < m->info.trees; t++)
        if (m->trees[t].output == part)
            sum += explain(m, &m->trees[t], keys, contribution_q24);
    *bias_q24 = expected(m, part);
    return m->biases_q24[part] + scaled(m, sum) + sotto_model_sum_terms(m, keys, part, contribution_q24);
}

int64_t sotto_model_why_output_q24(const sotto_model *m, const int32_t *keys, size_t output,
                                   int64_t *bias_q24, int64_t *contribution_q24)
{
    int64_t margin = 0;
    if (m->plain)
        return sotto_model_why_q24(m, keys, bias_q24, contribution_q24);
    if (is_value(m))
        return sotto_model_value_why(m, keys, bias_q24, contribution_q24);
    if (m->info.kind != SOTTO_MODEL_CLUSTERS)
        return sotto_model_reference_why(m, keys, output, bias_q24, contribution_q24);
    *bias_q24 = 0;
    (void)sotto_model_nearest(m, keys, &margin, contribution_q24);
    return margin;
}

void sotto_model_biases_q24(const sotto_model *m, int64_t *out)
{
    if (is_value(m)) {
        out[0] = sotto_model_value_q24(m, m->biases_q24);
        return;
    }
    for (size_t i = 0; i < m->info.outputs; i++)
        out[i] = m->biases_q24[i];
}

void sotto_model_margins_q24(const sotto_model *m, const int32_t *keys, int64_t *out)
{
    if (m->info.outputs == 1) {
        out[0] = sotto_model_margin_q24(m, keys);
        return;
    }
    sotto_model_biases_q24(m, out);
    for (size_t t = 0; t < m->info.trees; t++)
        out[m->trees[t].output] += scaled(m, m->values[leaf_of(m, &m->trees[t], keys)]);
    for (size_t i = 0; i < m->info.outputs; i++)
        out[i] += sotto_model_sum_terms(m, keys, i, NULL);
}

/* e^(margin - largest) of each, over their sum. A term is off by at most 1 unit and the sum of 256 of them is
 * at least 2^30, so a quotient is off by little more than its own term. */
static void softmax(const int64_t *margins_q24, size_t n, uint32_t *out)
{
    int64_t most = margins_q24[0];
    uint64_t sum = 0;
    for (size_t i = 1; i < n; i++)
        most = margins_q24[i] > most ? margins_q24[i] : most;
    for (size_t i = 0; i < n; i++) {
        out[i] = sotto_fixed_exp_neg_q30(margins_q24[i] - most);
        sum += out[i];
    }
    for (size_t i = 0; i < n; i++)
        out[i] = (uint32_t)((((uint64_t)out[i] << 30) + sum / 2) / sum);
}

void sotto_model_probabilities_q30(const sotto_model *m, const int64_t *margins_q24, uint32_t *out)
{
    if (m->objective == OBJECTIVE_SOFTMAX) {
        softmax(margins_q24, m->info.outputs, out);
        return;
    }
    for (size_t i = 0; i < m->info.outputs; i++)
        out[i] = sotto_model_probability_q30(m, margins_q24[i]);
}
