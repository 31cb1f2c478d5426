/* Leaves as integers, what a node expects, and how far the integer margin can be from the source's.
 *
 * A leaf times a power of two is exact in a double, and so is what rounding takes off (Sterbenz 1974). */
#include "forge_priv.h"

#include <math.h>
#include <stdlib.h>

static const double ONE_Q24 = 16777216.0;
static const double LEAF_MAX = 128.0;   /* at 24 bits: 2^31 / 2^24; twice that for each bit of scale less */
static const double BIAS_MAX = 65536.0; /* likewise */
static const double ERROR_MAX = 0x1p62; /* of an int64_t, with room */
enum { SHIFT_MAX = SOTTO_MODEL_SCALE_BITS - FORGE_SCALE_MIN };

/* Nearest, ties to even: the default rounding of IEEE 754, in which this program runs. */
static int32_t round_value(double v, unsigned shift)
{
    return (int32_t)llrint(ldexp(v, SOTTO_MODEL_SCALE_BITS - (int)shift));
}

/* Fills expected[] of one tree from its last node to its root: children stand behind their parents. Branches
 * that no training row reached count alike. as_it_is: `leaf` holds it in every node. */
static void expect_tree(const forge_layout *l, const forge_tree *tree, uint32_t root, uint32_t end,
                        bool as_it_is, double *expected)
{
    for (uint32_t i = end; i-- > root;) {
        uint32_t left = l->child[i];
        if (left == i || as_it_is) {
            expected[i - root] = tree->nodes[l->source[i]].leaf;
            continue;
        }
        double cover_left = tree->nodes[l->source[left]].cover,
               cover_right = tree->nodes[l->source[left + 1]].cover;
        double share = cover_left + cover_right > 0 ? cover_left / (cover_left + cover_right) : 0.5;
        double a = expected[left - root], b = expected[left + 1 - root];
        expected[i - root] = b + share * (a - b);
    }
}

/* One tree's values; *worst is the largest rounding of a leaf, in units of 2^-24. */
static void value_tree(forge_layout *l, const forge_forest *f, size_t t, double *expected, double *worst)
{
    const forge_tree *tree = &f->trees[t];
    uint32_t root = l->root[t], end = l->root[t + 1];
    *worst = 0;
    for (uint32_t i = root; i < end; i++) {
        if (l->child[i] != i)
            continue;
        double leaf = tree->nodes[l->source[i]].leaf;
        double kept = ldexp(round_value(leaf, l->shift), (int)l->shift);
        *worst = fmax(*worst, fabs(kept - leaf * ONE_Q24));
    }
    expect_tree(l, tree, root, end, f->value != NULL, expected);
    for (uint32_t i = root; i < end; i++)
        l->value[i] = round_value(expected[i - root], l->shift);
}

/* The finest scale, from where it is, at which this leaf fits; all 2^24 are within float32's precision. */
static sotto_status fit_tree(forge_layout *l, const forge_tree *tree, size_t t, const char *file_name,
                             sotto_diag *diag)
{
    for (uint32_t i = l->root[t]; i < l->root[t + 1]; i++) {
        double leaf = fabs(tree->nodes[l->source[i]].leaf);
        if (l->child[i] != i)
            continue;
        if (!(leaf < ldexp(LEAF_MAX, SHIFT_MAX)))
            return sotto_forge_bad_node(diag, SOTTO_ERR(FORGE, RANGE), file_name, t, l->source[i],
                                        "a leaf of %g; leaves are between -%.0f and %.0f", leaf,
                                        ldexp(LEAF_MAX, SHIFT_MAX), ldexp(LEAF_MAX, SHIFT_MAX));
        while (!(leaf * (1 + 1e-9) < ldexp(LEAF_MAX, (int)l->shift)) && l->shift < SHIFT_MAX)
            l->shift++;
        if (!(leaf * (1 + 1e-9) < ldexp(LEAF_MAX, SHIFT_MAX)))
            return sotto_forge_bad_node(diag, SOTTO_ERR(FORGE, RANGE), file_name, t, l->source[i],
                                        "a leaf too large");
    }
    return SOTTO_OK;
}

/* *worst: the largest rounding of a bias, in units of 2^-24. */
static sotto_status value_biases(forge_layout *l, const forge_forest *f, const char *file_name, double *worst,
                                 sotto_diag *diag)
{
    *worst = 0;
    for (size_t i = 0; i < f->outputs; i++) {
        while (!(fabs(f->bias[i]) < ldexp(BIAS_MAX, (int)l->shift)) && l->shift < SHIFT_MAX)
            l->shift++;
        if (!(fabs(f->bias[i]) < ldexp(BIAS_MAX, SHIFT_MAX)))
            return sotto_diag_at(diag, SOTTO_ERR(FORGE, RANGE), file_name, 0, "a bias of %g is too large",
                                 f->bias[i]);
        l->bias_q24[i] = llrint(f->bias[i] * ONE_Q24);
        *worst = fmax(*worst, fabs((double)l->bias_q24[i] - f->bias[i] * ONE_Q24));
    }
    return SOTTO_OK;
}

static size_t largest_tree(const forge_forest *f)
{
    size_t n = 1;
    for (size_t t = 0; t < f->tree_count; t++)
        n = f->trees[t].count > n ? f->trees[t].count : n;
    return n;
}

sotto_status sotto_forge_values(forge_layout *l, const forge_forest *f, const char *file_name,
                                sotto_diag *diag)
{
    double *expected = calloc(largest_tree(f), sizeof *expected);
    if (expected == NULL)
        return sotto_forge_no_memory(diag);
    double error = 0;
    for (size_t k = 0; f->value != NULL && k < 2; k++) /* where inner values fit, too */
        l->shift = f->value->shift[k] > l->shift ? f->value->shift[k] : l->shift;
    sotto_status status = value_biases(l, f, file_name, &error, diag);
    for (size_t t = 0; status == SOTTO_OK && t < f->tree_count; t++)
        status = fit_tree(l, &f->trees[t], t, file_name, diag);
    for (size_t t = 0; status == SOTTO_OK && t < f->tree_count; t++) {
        double worst = 0;
        value_tree(l, f, t, expected, &worst);
        error += worst;
    }
    free(expected);
    error += sotto_forge_terms_error(f) + (double)f->source_error_q24;
    if (f->clusters.count > 0) /* a point and a centroid are each off by half a unit in each feature */
        error = sqrt((double)f->feature_count) * ldexp(1.001, SOTTO_MODEL_SCALE_BITS - l->unit);
    if (f->value != NULL)
        error = sotto_forge_value_error(f->value, l->shift);
    /* The sum of at most 4,097 halves was itself rounded: a thousandth covers that many times over. */
    error += error > 0 ? 0.001 : 0;
    if (status == SOTTO_OK && !(error < ERROR_MAX))
        return sotto_diag_at(diag, SOTTO_ERR(FORGE, RANGE), file_name, 0,
                             "numbers too large to be kept as integers with a stated error");
    l->margin_error_q24 = status == SOTTO_OK ? (int64_t)ceil(error) : 0;
    return status;
}

static double largest_leaf(const forge_layout *l, const forge_tree *tree, size_t t)
{
    double most = 0;
    for (uint32_t i = l->root[t]; i < l->root[t + 1]; i++)
        if (l->child[i] == i)
            most = fmax(most, fabs(tree->nodes[l->source[i]].leaf));
    return most;
}

/* What max_error is a part of. A logistic, log or softmax margin counts as it stands, since e^margin turns
 * its error into a relative one; a probability is at most 1. An amount has a unit of its own. */
static double magnitude(const forge_layout *l, const forge_forest *f)
{
    double sum[SOTTO_MODEL_OUTPUTS_MAX], most = 1;
    if (f->clusters.count > 0)
        return ldexp(1, (int)l->reach - l->unit);
    if (f->link != SOTTO_LINK_IDENTITY)
        return 1;
    for (size_t i = 0; i < f->outputs; i++)
        sum[i] = fabs(f->bias[i]);
    for (size_t t = 0; t < f->tree_count; t++)
        sum[f->trees[t].output] += largest_leaf(l, &f->trees[t], t);
    for (size_t i = 0; i < f->outputs; i++)
        most = fmax(most, sum[i]);
    return most;
}

sotto_status sotto_forge_judge_error(forge_layout *l, const forge_forest *f, const sotto_forge_options *o,
                                     sotto_diag *diag)
{
    l->error_allowed_q24 = INT64_MAX;
    if (!(o->max_error > 0) || f->value != NULL)
        return SOTTO_OK;
    double allowed = o->max_error * magnitude(l, f) * ONE_Q24;
    l->error_allowed_q24 = allowed < 0x1p62 ? (int64_t)allowed : INT64_C(1) << 62;
    if (l->margin_error_q24 <= l->error_allowed_q24)
        return SOTTO_OK;
    return sotto_diag_at(diag, SOTTO_ERR(FORGE, RANGE), o->file_name, 0,
                         "a %s may be off by %.3g, and at most %.3g is allowed (--max-error): values are "
                         "kept in units of 2^-%d, "
                         "the finest in which all of them fit",
                         f->clusters.count > 0 ? "distance" : "margin", (double)l->margin_error_q24 / ONE_Q24,
                         (double)l->error_allowed_q24 / ONE_Q24,
                         f->clusters.count > 0 ? l->unit : (int)(SOTTO_MODEL_SCALE_BITS - l->shift));
}
