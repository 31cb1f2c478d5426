/* Random models in LightGBM's text, with what trained ones seldom show: thresholds that only float64 tells
 * apart, zeros of every size, sets of categories of any length. And their score in plain doubles. */
#ifndef SOTTO_RANDOM_LIGHTGBM_H
#define SOTTO_RANDOM_LIGHTGBM_H

#include "random_forest.h"

enum { LGB_LEAVES_MAX = 64, LGB_TREES_MAX = 24, LGB_WORDS = 3 };

typedef struct lgb_node {
    int left, right; /* below 0: leaf ~child */
    unsigned feature, decision;
    double threshold;
    uint32_t words[LGB_WORDS];
    unsigned word_count;
} lgb_node;

typedef struct lgb_tree {
    int leaves;
    lgb_node nodes[LGB_LEAVES_MAX];
    double leaf[LGB_LEAVES_MAX];
} lgb_tree;

typedef struct lgb_forest {
    uint64_t state;
    unsigned features; /* feature i: missing none, zero, NaN, or categories, by i % 4 */
    size_t trees, classes;
    lgb_tree tree[LGB_TREES_MAX];
} lgb_forest;

static inline uint64_t lgb_below(lgb_forest *f, uint64_t n)
{
    return (random_next(&f->state) >> 16) % n;
}

/* Near 1,234,567.89 float32 has steps of 1/8: only float64 tells these apart. */
static inline double lgb_threshold(lgb_forest *f)
{
    static const double EDGES[] = {
        0.0,  -0.0,  1.0000000180025095e-35, -1.0000000180025095e-35, 1e-40, 1e300, -1e300, 0.1, 3.4028235e38,
        -0.5, 1e-300};
    switch (lgb_below(f, 4)) {
    case 0:
        return EDGES[lgb_below(f, SOTTO_COUNT(EDGES))];
    case 1:
        return 1234567.0 + (double)lgb_below(f, 400) / 100;
    default:
        return ((double)lgb_below(f, 2001) - 1000) / 8;
    }
}

static inline void lgb_grow_node(lgb_forest *f, lgb_node *n)
{
    n->feature = (unsigned)lgb_below(f, f->features);
    unsigned kind = n->feature % 4;
    n->decision = kind == 3 ? 1 : kind << 2 | (unsigned)lgb_below(f, 2) << 1;
    n->threshold = kind == 3 ? 0 : lgb_threshold(f);
    n->word_count = kind == 3 ? (unsigned)lgb_below(f, LGB_WORDS + 1) : 0;
    for (unsigned w = 0; w < n->word_count; w++)
        n->words[w] = (uint32_t)random_next(&f->state);
}

/* Splits any leaf: the new inner node takes its place, the new leaf gets the next number. */
static inline void lgb_grow_tree(lgb_forest *f, lgb_tree *t, int splits)
{
    t->leaves = 1;
    t->leaf[0] = (double)lgb_below(f, 1000) / 1000;
    for (int s = 0; s < splits; s++) {
        int leaf = (int)lgb_below(f, (uint64_t)t->leaves);
        for (int i = 0; i < s; i++) {
            t->nodes[i].left = t->nodes[i].left == ~leaf ? s : t->nodes[i].left;
            t->nodes[i].right = t->nodes[i].right == ~leaf ? s : t->nodes[i].right;
        }
        lgb_grow_node(f, &t->nodes[s]);
        bool old_left = lgb_below(f, 2);
        t->nodes[s].left = old_left ? ~leaf : ~t->leaves;
        t->nodes[s].right = old_left ? ~t->leaves : ~leaf;
        t->leaf[t->leaves++] = ((double)lgb_below(f, UINT64_C(1) << 40) / (double)(UINT64_C(1) << 39)) - 1;
    }
}

static inline lgb_forest *lgb_grow(uint64_t seed, unsigned features, size_t trees, size_t classes, int splits)
{
    lgb_forest *f = calloc(1, sizeof *f);
    assert_non_null(f);
    f->state = seed * UINT64_C(0x9e3779b97f4a7c15) + 1;
    f->features = features;
    f->trees = trees * classes;
    f->classes = classes;
    for (size_t t = 0; t < f->trees; t++)
        lgb_grow_tree(f, &f->tree[t], (int)lgb_below(f, (uint64_t)splits + 1));
    return f;
}

#define LGB_LIST(out, name, count, format, value)                                                            \
    do {                                                                                                     \
        put_text(out, "\n" name "=");                                                                        \
        for (int i = 0; i < (count); i++)                                                                    \
            assert_int_equal(sotto_vec_printf(out, i == 0 ? format : " " format, value), SOTTO_OK);          \
    } while (0)

static inline void lgb_put_sets(const lgb_tree *t, sotto_vec *out, int sets)
{
    unsigned end = 0;
    assert_int_equal(sotto_vec_printf(out, "\nnum_cat=%d", sets), SOTTO_OK);
    if (sets == 0)
        return;
    put_text(out, "\ncat_boundaries=0");
    for (int i = 0; i + 1 < t->leaves; i++)
        if (t->nodes[i].decision & 1) {
            end += t->nodes[i].word_count;
            assert_int_equal(sotto_vec_printf(out, " %u", end), SOTTO_OK);
        }
    put_text(out, "\ncat_threshold=");
    for (int i = 0; i + 1 < t->leaves; i++)
        for (unsigned w = 0; w < t->nodes[i].word_count; w++)
            assert_int_equal(sotto_vec_printf(out, "%u ", (unsigned)t->nodes[i].words[w]), SOTTO_OK);
}

static inline void lgb_put_tree(lgb_tree *t, size_t number, sotto_vec *out)
{
    int sets = 0;
    for (int i = 0; i + 1 < t->leaves; i++)
        if (t->nodes[i].decision & 1)
            t->nodes[i].threshold = sets++;
    assert_int_equal(sotto_vec_printf(out, "\nTree=%zu\nnum_leaves=%d", number, t->leaves), SOTTO_OK);
    lgb_put_sets(t, out, sets);
    LGB_LIST(out, "split_feature", t->leaves - 1, "%u", t->nodes[i].feature);
    LGB_LIST(out, "threshold", t->leaves - 1, "%.17g", t->nodes[i].threshold);
    LGB_LIST(out, "decision_type", t->leaves - 1, "%u", t->nodes[i].decision);
    LGB_LIST(out, "left_child", t->leaves - 1, "%d", t->nodes[i].left);
    LGB_LIST(out, "right_child", t->leaves - 1, "%d", t->nodes[i].right);
    LGB_LIST(out, "leaf_value", t->leaves, "%.17g", t->leaf[i]);
    LGB_LIST(out, "leaf_count", t->leaves, "%d", i * 7 % 50);
    put_text(out, "\nis_linear=0\nshrinkage=1\n\n");
}

static inline void lgb_put(lgb_forest *f, sotto_vec *out)
{
    assert_int_equal(
        sotto_vec_printf(out,
                         "tree\nversion=v4\nnum_class=%zu\nnum_tree_per_iteration=%zu\nlabel_index=0\n"
                         "max_feature_idx=%u\nobjective=%s\nfeature_names=",
                         f->classes, f->classes, f->features - 1,
                         f->classes > 1 ? "multiclass num_class:3" : "binary sigmoid:1"),
        SOTTO_OK);
    for (unsigned i = 0; i < f->features; i++)
        assert_int_equal(sotto_vec_printf(out, "c%u ", i), SOTTO_OK);
    put_text(out, "\nfeature_infos=none\ntree_sizes=1\n");
    for (size_t t = 0; t < f->trees; t++)
        lgb_put_tree(&f->tree[t], t, out);
    put_text(out, "end of trees\n\nparameters:\n[boosting: gbdt]\n[num_leaves: 31]\n\nend of parameters\n");
}

/* LightGBM's include/LightGBM/tree.h: NumericalDecision and CategoricalDecision. */
static inline bool lgb_goes_left(const lgb_node *n, double v)
{
    unsigned missing = n->decision >> 2;
    if (n->decision & 1) {
        if (isnan(v) || v <= -1 || v >= 2147483648.0)
            return false;
        unsigned category = (unsigned)v;
        return category / 32 < n->word_count && (n->words[category / 32] >> category % 32 & 1) != 0;
    }
    if (isnan(v) && missing != 2)
        v = 0;
    if (missing == 1 && fabs(v) <= (double)1e-35F)
        return (n->decision & 2) != 0;
    if (missing == 2 && isnan(v))
        return (n->decision & 2) != 0;
    return v <= n->threshold;
}

static inline int lgb_leaf_of(const lgb_tree *t, const double *x)
{
    int at = t->leaves == 1 ? ~0 : 0;
    while (at >= 0)
        at = lgb_goes_left(&t->nodes[at], x[t->nodes[at].feature]) ? t->nodes[at].left : t->nodes[at].right;
    return ~at;
}

/* A value that tries a threshold, its neighbours as float64 and as float32, a category, zero, or an edge. */
static inline double lgb_value(lgb_forest *f, unsigned feature)
{
    const lgb_tree *t = &f->tree[lgb_below(f, f->trees)];
    const lgb_node *n = &t->nodes[lgb_below(f, LGB_LEAVES_MAX)];
    double v = n->feature == feature && n->word_count == 0 ? n->threshold : lgb_threshold(f);
    if (feature % 4 == 3 && lgb_below(f, 4) != 0)
        v = (double)lgb_below(f, 100) - 2 + (lgb_below(f, 3) == 0 ? 0.999999999999 : 0);
    switch (lgb_below(f, 9)) {
    case 0:
        return NAN;
    case 1:
        return nextafter(v, INFINITY);
    case 2:
        return nextafter(v, -INFINITY);
    case 3:
        return (double)nextafterf((float)v, INFINITY);
    case 4:
        return lgb_below(f, 2) ? INFINITY : -INFINITY;
    case 5:
        return lgb_below(f, 2) ? 0.0 : 1e-36;
    default:
        return v;
    }
}

#endif
