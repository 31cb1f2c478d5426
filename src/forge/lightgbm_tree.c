/* One tree of LightGBM's text: inner nodes and leaves are numbered apart; a child below zero is leaf ~child
 * (its include/LightGBM/tree.h, src/io/tree.cpp). */
#include "lightgbm.h"

#include <math.h>
#include <string.h>

enum {
    LEAVES,
    CATS,
    FEATURE,
    THRESHOLD,
    DECISION,
    LEFT,
    RIGHT,
    LEAF_VALUE,
    LEAF_COUNT,
    INNER_COUNT,
    BOUNDARIES,
    BITS,
    LINEAR,
    SHRINKAGE
};
_Static_assert(SHRINKAGE + 1 == LIGHTGBM_TREE_KEYS, "one name a key");

/* decision_type: bit 0 categories, bit 1 missing goes left, bits 2 and 3 what is missing. */
enum {
    BY_CATEGORY = 1,
    DEFAULT_LEFT = 2,
    MISSING_SHIFT = 2,
    MISSING_NONE = 0,
    MISSING_ZERO = 1,
    MISSING_NAN = 2
};

void sotto_forge_lightgbm_tree_keys(lightgbm_key keys[static LIGHTGBM_TREE_KEYS])
{
    static const char *const NAMES[LIGHTGBM_TREE_KEYS] = {
        [LEAVES] = "num_leaves",         [CATS] = "num_cat",
        [FEATURE] = "split_feature",     [THRESHOLD] = "threshold",
        [DECISION] = "decision_type",    [LEFT] = "left_child",
        [RIGHT] = "right_child",         [LEAF_VALUE] = "leaf_value",
        [LEAF_COUNT] = "leaf_count",     [INNER_COUNT] = "internal_count",
        [BOUNDARIES] = "cat_boundaries", [BITS] = "cat_threshold",
        [LINEAR] = "is_linear",          [SHRINKAGE] = "shrinkage"};
    for (size_t i = 0; i < LIGHTGBM_TREE_KEYS; i++)
        keys[i] = (lightgbm_key){.name = NAMES[i]};
}

/* The lists of one tree, read side by side. */
typedef struct lists {
    lightgbm_reader *r;
    const lightgbm_key *keys;
    sotto_span rest[LIGHTGBM_TREE_KEYS];
    size_t number; /* of the tree */
    uint32_t inner, leaves;
    int64_t sets;     /* num_cat */
    size_t first_set; /* of this tree among the forest's */
} lists;

static sotto_status bad_item(const lists *l, int key, uint32_t i, sotto_status status, const char *what)
{
    l->r->line = l->keys[key].line;
    return sotto_forge_lightgbm_bad(l->r, status, "tree %zu: %s[%u] %s", l->number, l->keys[key].name,
                                    (unsigned)i, what);
}

static sotto_status next_real(lists *l, int key, uint32_t i, double *out)
{
    sotto_span word;
    if (!sotto_forge_lightgbm_word(&l->rest[key], &word))
        return bad_item(l, key, i, SOTTO_ERR(FORGE, MALFORMED), "is missing");
    if (!sotto_forge_parse_double(word, out))
        return bad_item(l, key, i, SOTTO_ERR(FORGE, RANGE), "is not a finite float64");
    return SOTTO_OK;
}

static sotto_status next_whole(lists *l, int key, uint32_t i, int64_t min, int64_t max, int64_t *out)
{
    sotto_span word;
    if (!sotto_forge_lightgbm_word(&l->rest[key], &word))
        return bad_item(l, key, i, SOTTO_ERR(FORGE, MALFORMED), "is missing");
    if (sotto_parse_i64(word, out) != SOTTO_OK || *out < min || *out > max)
        return bad_item(l, key, i, SOTTO_ERR(FORGE, RANGE), "is out of range");
    return SOTTO_OK;
}

/* Inner nodes come first, leaf i is node inner + i. */
static int32_t node_of(const lists *l, int64_t child)
{
    return child < 0 ? (int32_t)(l->inner + (uint32_t)~child) : (int32_t)child;
}

static sotto_status add_words(lists *l, uint32_t *at, int64_t words)
{
    sotto_status status = sotto_forge_new_set(&l->r->forest->sets, l->r->diag);
    for (int64_t w = 0; status == SOTTO_OK && w < words; w++) {
        int64_t bits = 0;
        status = next_whole(l, BITS, (*at)++, 0, UINT32_MAX, &bits);
        if (status == SOTTO_OK && bits != 0 && w >= FORGE_CATEGORY_END / 32)
            status = bad_item(l, BITS, *at - 1, SOTTO_ERR(FORGE, UNSUPPORTED), "has a category beyond 2^24");
        for (uint32_t bit = 0; status == SOTTO_OK && bit < 32; bit++)
            if (bits >> bit & 1)
                status = sotto_forge_add_category(&l->r->forest->sets, (uint32_t)w * 32 + bit, l->r->diag);
    }
    return status;
}

/* Set k has the words from cat_boundaries[k] to cat_boundaries[k + 1]. */
static sotto_status read_sets(lists *l)
{
    int64_t start = 0, end = 0;
    uint32_t at = 0;
    sotto_span word;
    sotto_status status = SOTTO_OK;
    l->first_set = l->r->forest->sets.count;
    if (l->sets > 0)
        status = next_whole(l, BOUNDARIES, 0, 0, 0, &start);
    for (int64_t k = 0; status == SOTTO_OK && k < l->sets; k++) {
        status = next_whole(l, BOUNDARIES, (uint32_t)k + 1, start, INT32_MAX, &end);
        if (status == SOTTO_OK)
            status = add_words(l, &at, end - start);
        start = end;
    }
    if (status == SOTTO_OK && sotto_forge_lightgbm_word(&l->rest[BITS], &word))
        status = bad_item(l, BITS, at, SOTTO_ERR(FORGE, MALFORMED), "is one too many");
    return status;
}

/* A category of the set goes left, all else and NaN right: the other way round than in a forge_node. */
static sotto_status make_category(lists *l, uint32_t i, double threshold, forge_node *n)
{
    int32_t left = n->left;
    if (!(threshold >= 0 && threshold < (double)l->sets) || threshold != floor(threshold))
        return bad_item(l, THRESHOLD, i, SOTTO_ERR(FORGE, RANGE), "is not the number of a set of categories");
    n->left = n->right;
    n->right = left;
    n->missing_left = true;
    n->key = (int64_t)(l->first_set + (size_t)threshold);
    return SOTTO_OK;
}

/* x <= t is x < the next float64. NaN is 0 where missing values are none or zeros (tree.h,
 * NumericalDecision). */
static void make_number(double threshold, int64_t decision, forge_node *n)
{
    bool compared = decision >> MISSING_SHIFT == MISSING_NONE;
    n->key = sotto_forge_double_key(threshold) + 1;
    n->missing_left = compared ? 0.0 <= threshold : (decision & DEFAULT_LEFT) != 0;
}

/* Zero reaches to 1e-35f (kZeroThreshold); a value between that and the next float32 would become zero. */
static bool beside_zero(double threshold)
{
    float zero = 1e-35F;
    return fabs(threshold) > (double)zero && fabs(threshold) <= (double)nextafterf(zero, 1);
}

static enum sotto_feature_kind kind_of(int64_t decision)
{
    if (decision & BY_CATEGORY)
        return SOTTO_FEATURE_CATEGORY_CUT;
    return decision >> MISSING_SHIFT == MISSING_ZERO ? SOTTO_FEATURE_NUMBER_ZERO : SOTTO_FEATURE_NUMBER;
}

static sotto_status read_inner(lists *l, uint32_t i, forge_node *n)
{
    int64_t feature = 0, decision = 0, left = 0, right = 0;
    double threshold = 0;
    forge_forest *f = l->r->forest;
    int64_t last_leaf = -(int64_t)l->leaves, last_inner = (int64_t)l->inner - 1;
    sotto_status status = next_whole(l, FEATURE, i, 0, (int64_t)f->feature_count - 1, &feature);
    if (status == SOTTO_OK)
        status = next_real(l, THRESHOLD, i, &threshold);
    if (status == SOTTO_OK && l->keys[DECISION].there)
        status = next_whole(l, DECISION, i, 0, (MISSING_NAN << MISSING_SHIFT) + 3, &decision);
    if (status == SOTTO_OK)
        status = next_whole(l, LEFT, i, last_leaf, last_inner, &left);
    if (status == SOTTO_OK)
        status = next_whole(l, RIGHT, i, last_leaf, last_inner, &right);
    if (status == SOTTO_OK && l->keys[INNER_COUNT].there)
        status = next_real(l, INNER_COUNT, i, &n->cover);
    if (status == SOTTO_OK && !(n->cover >= 0))
        status = bad_item(l, INNER_COUNT, i, SOTTO_ERR(FORGE, RANGE), "is negative");
    if (status != SOTTO_OK)
        return status;
    n->number = i;
    n->feature = (uint32_t)feature;
    n->left = node_of(l, left);
    n->right = node_of(l, right);
    if (!sotto_forge_use_feature(f, n->feature, kind_of(decision), l->r->used))
        return bad_item(l, DECISION, i, SOTTO_ERR(FORGE, UNSUPPORTED),
                        "treats a feature otherwise than a node before it");
    if (decision & BY_CATEGORY)
        return make_category(l, i, threshold, n);
    if (kind_of(decision) == SOTTO_FEATURE_NUMBER_ZERO && beside_zero(threshold))
        return bad_item(l, THRESHOLD, i, SOTTO_ERR(FORGE, UNSUPPORTED),
                        "lies between zero and the float32 beside it, which no key can tell apart");
    make_number(threshold, decision, n);
    return SOTTO_OK;
}

static sotto_status read_leaf(lists *l, uint32_t i, forge_node *n)
{
    *n = (forge_node){.left = FORGE_NONE, .right = FORGE_NONE, .number = i};
    sotto_status status = next_real(l, LEAF_VALUE, i, &n->leaf);
    if (status == SOTTO_OK && l->inner > 0 && l->keys[LEAF_COUNT].there)
        status = next_real(l, LEAF_COUNT, i, &n->cover);
    if (status == SOTTO_OK && !(n->cover >= 0))
        status = bad_item(l, LEAF_COUNT, i, SOTTO_ERR(FORGE, RANGE), "is negative");
    return status;
}

/* Nothing may be left of a list: a list too long is another tree's. */
static sotto_status demand_ends(lists *l)
{
    static const int LISTS[] = {FEATURE, THRESHOLD, DECISION, LEFT, RIGHT, LEAF_VALUE, BOUNDARIES};
    sotto_span word;
    for (size_t i = 0; l->inner > 0 && i < SOTTO_COUNT(LISTS); i++)
        if (l->keys[LISTS[i]].there && sotto_forge_lightgbm_word(&l->rest[LISTS[i]], &word))
            return bad_item(l, LISTS[i], l->leaves, SOTTO_ERR(FORGE, MALFORMED), "is one too many");
    return SOTTO_OK;
}

static sotto_status read_counts(lists *l)
{
    int64_t leaves = 0, linear = 0;
    sotto_status status = sotto_forge_lightgbm_whole(l->r, &l->keys[LEAVES], 1, FORGE_NODES_MAX / 2, &leaves);
    if (status == SOTTO_OK && l->keys[CATS].there)
        status = sotto_forge_lightgbm_whole(l->r, &l->keys[CATS], 0, leaves - 1, &l->sets);
    if (status == SOTTO_OK && l->keys[LINEAR].there)
        status = sotto_forge_lightgbm_whole(l->r, &l->keys[LINEAR], 0, 1, &linear);
    if (status == SOTTO_OK && linear != 0)
        status =
            sotto_forge_lightgbm_bad(l->r, SOTTO_ERR(FORGE, UNSUPPORTED),
                                     "tree %zu is linear in its leaves, which cannot be compiled", l->number);
    if (status == SOTTO_OK && (size_t)leaves > 1 + l->keys[LEAF_VALUE].value.len)
        status = bad_item(l, LEAF_VALUE, 0, SOTTO_ERR(FORGE, MALFORMED), "and others are missing");
    l->leaves = (uint32_t)leaves;
    l->inner = l->leaves - 1;
    return status;
}

sotto_status sotto_forge_lightgbm_tree(lightgbm_reader *r, const lightgbm_key *keys, size_t number,
                                       forge_tree *out)
{
    lists l = {.r = r, .keys = keys, .number = number};
    for (size_t i = 0; i < LIGHTGBM_TREE_KEYS; i++)
        l.rest[i] = keys[i].there ? keys[i].value : sotto_span_of(NULL, 0);
    sotto_status status = read_counts(&l);
    if (status == SOTTO_OK)
        status = sotto_forge_take_nodes(out, l.inner + l.leaves, r->diag);
    if (status == SOTTO_OK)
        status = read_sets(&l);
    for (uint32_t i = 0; status == SOTTO_OK && i < l.inner; i++)
        status = read_inner(&l, i, &out->nodes[i]);
    for (uint32_t i = 0; status == SOTTO_OK && i < l.leaves; i++)
        status = read_leaf(&l, i, &out->nodes[l.inner + i]);
    return status == SOTTO_OK ? demand_ends(&l) : status;
}
