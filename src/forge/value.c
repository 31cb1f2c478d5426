/* Leaves as integers, what a node expects, and how far the integer margin can be from the source's.
 *
 * A float32 has 24 significant bits, so leaf * 2^24 is exact in a double, and so is what rounding takes off.
 */
#include "forge_priv.h"

#include <math.h>
#include <stdlib.h>

static const double ONE_Q24 = 16777216.0;
static const float LEAF_MAX = 128.0F; /* 2^31 / 2^24 */

/* Nearest, ties to even: the default rounding of IEEE 754, in which this program runs. */
static int32_t round_q24(double v)
{
    return (int32_t)llrint(v * ONE_Q24);
}

/* Fills expected[] of one tree from its last node to its root: children stand behind their parents. Branches
 * that no training row reached count alike. */
static void expect_tree(const forge_layout *l, const forge_tree *tree, uint32_t root, uint32_t end,
                        double *expected)
{
    for (uint32_t i = end; i-- > root;) {
        uint32_t left = l->child[i];
        if (left == i) {
            expected[i - root] = (double)tree->nodes[l->source[i]].leaf;
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
static sotto_status value_tree(forge_layout *l, const forge_tree *tree, size_t t, const char *file_name,
                               double *expected, double *worst, sotto_diag *diag)
{
    uint32_t root = l->root[t], end = l->root[t + 1];
    *worst = 0;
    for (uint32_t i = root; i < end; i++) {
        float leaf = tree->nodes[l->source[i]].leaf;
        if (l->child[i] != i)
            continue;
        if (!(fabsf(leaf) < LEAF_MAX))
            return sotto_forge_bad_node(diag, SOTTO_ERR(FORGE, RANGE), file_name, t, l->source[i],
                                        "a leaf of %g; leaves are between -128 and 128", (double)leaf);
        double exact = (double)leaf * ONE_Q24;
        *worst = fmax(*worst, fabs((double)round_q24((double)leaf) - exact));
    }
    expect_tree(l, tree, root, end, expected);
    for (uint32_t i = root; i < end; i++)
        l->value[i] = round_q24(expected[i - root]);
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
    double bias = (double)f->bias * ONE_Q24;
    l->bias_q24 = llrint(bias);
    double error = fabs((double)l->bias_q24 - bias);
    sotto_status status = SOTTO_OK;
    for (size_t t = 0; status == SOTTO_OK && t < f->tree_count; t++) {
        double worst = 0;
        status = value_tree(l, &f->trees[t], t, file_name, expected, &worst, diag);
        error += worst;
    }
    free(expected);
    /* The sum of at most 4,097 halves was itself rounded: a thousandth covers that many times over. */
    l->margin_error_q24 = (int64_t)ceil(error + (error > 0 ? 0.001 : 0));
    return status;
}
