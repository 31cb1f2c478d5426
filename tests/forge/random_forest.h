/* Random forests in XGBoost's JSON, with what trained models seldom show: thresholds of every size, numbers
 * in any order, nodes that nothing leads to, long branches, both ways to write a flag and a base score. And
 * their score in plain floats. */
#ifndef SOTTO_RANDOM_FOREST_H
#define SOTTO_RANDOM_FOREST_H

#include "forge_priv.h"

#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { RANDOM_NODES_MAX = 2048, RANDOM_TREES_MAX = 64 };

typedef struct random_node {
    int left, right; /* -1 in a leaf */
    unsigned feature;
    float condition; /* threshold or leaf */
    float cover;
    int missing_left;
    bool by_category;
    uint32_t words[3]; /* categories that go right */
} random_node;

typedef struct random_forest {
    uint64_t state;
    size_t features, trees;
    bool bools, list_score, named;
    bool categories; /* every third feature is split by them */
    struct {
        size_t count;
        random_node nodes[RANDOM_NODES_MAX];
    } tree[RANDOM_TREES_MAX];
} random_forest;

/* xorshift64* (Vigna 2016). */
static inline uint64_t random_next(uint64_t *state)
{
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    return *state * UINT64_C(0x2545f4914f6cdd1d);
}

static inline size_t random_below(random_forest *f, size_t n)
{
    return (size_t)((random_next(&f->state) >> 16) % n);
}

static inline float random_threshold(random_forest *f)
{
    static const float EDGES[] = {0.0F, -0.0F, FLT_MIN,     -FLT_MIN,    FLT_MAX, -FLT_MAX, 1e-45F, -1e-45F,
                                  0.1F, 1.0F,  16777216.0F, 16777215.0F, -1.5F,   3.4e38F,  1e-38F, 0.5F};
    if (random_below(f, 4) == 0)
        return EDGES[random_below(f, SOTTO_COUNT(EDGES))];
    return (float)((double)(int64_t)random_below(f, 2001) - 1000.0) / 8.0F;
}

static inline float random_leaf(random_forest *f)
{
    return (float)((double)random_below(f, 1u << 30) / (1u << 29) - 1.0);
}

/* Numbers 0..n-1 in any order, the root staying 0. */
static inline void shuffle_numbers(random_forest *f, int *numbers, size_t n)
{
    for (size_t i = 0; i < n; i++)
        numbers[i] = (int)i;
    for (size_t i = n; i > 2; i--) {
        size_t k = 1 + random_below(f, i - 1);
        int swap = numbers[i - 1];
        numbers[i - 1] = numbers[k];
        numbers[k] = swap;
    }
}

/* Grows a tree by splitting any leaf, then gives its nodes any numbers; a few numbers stay unused. */
static inline void grow_tree(random_forest *f, size_t t, size_t splits)
{
    static int left_of[RANDOM_NODES_MAX], numbers[RANDOM_NODES_MAX];
    static int leaves[RANDOM_NODES_MAX];
    size_t count = 1, leaf_count = 1, unused = random_below(f, 3);
    leaves[0] = 0;
    memset(left_of, 0xff, sizeof left_of);
    for (size_t s = 0; s < splits; s++) {
        size_t pick = random_below(f, 3) == 0 ? leaf_count - 1 : random_below(f, leaf_count);
        left_of[leaves[pick]] = (int)count;
        leaves[pick] = (int)count;
        leaves[leaf_count++] = (int)count + 1;
        count += 2;
    }
    shuffle_numbers(f, numbers, count + unused);
    f->tree[t].count = count + unused;
    for (size_t i = 0; i < count + unused; i++) {
        random_node *n = &f->tree[t].nodes[numbers[i]];
        bool inner = i < count && left_of[i] >= 0;
        *n = (random_node){.left = inner ? numbers[left_of[i]] : -1,
                           .right = inner ? numbers[left_of[i] + 1] : -1,
                           .feature = inner ? (unsigned)random_below(f, f->features) : 0,
                           .condition = inner ? random_threshold(f) : random_leaf(f),
                           .cover = (float)random_below(f, 1000),
                           .missing_left = (int)random_below(f, 2)};
    }
}

/* Turns the splits of every third feature into splits by categories, at least one a set. */
static inline void add_categories(random_forest *f)
{
    f->categories = true;
    for (size_t t = 0; t < f->trees; t++)
        for (size_t i = 0; i < f->tree[t].count; i++) {
            random_node *n = &f->tree[t].nodes[i];
            n->by_category = n->left >= 0 && n->feature % 3 == 2;
            for (size_t w = 0; n->by_category && w < SOTTO_COUNT(n->words); w++)
                n->words[w] = random_below(f, 4) == 0 ? 0 : (uint32_t)random_next(&f->state);
            n->words[0] |= 4;
        }
}

static inline random_forest *grow_forest(uint64_t seed, size_t features, size_t trees, size_t splits_max)
{
    random_forest *f = calloc(1, sizeof *f);
    assert_non_null(f);
    f->state = seed * UINT64_C(0x9e3779b97f4a7c15) + 1;
    f->features = features;
    f->trees = trees;
    f->bools = random_below(f, 2);
    f->list_score = random_below(f, 2);
    f->named = random_below(f, 2);
    for (size_t t = 0; t < trees; t++)
        grow_tree(f, t, random_below(f, splits_max + 1));
    return f;
}

static inline void put_text(sotto_vec *out, const char *text)
{
    assert_int_equal(sotto_vec_put(out, text, strlen(text)), SOTTO_OK);
}

#define PUT_ARRAY(out, name, count, format, value)                                                           \
    do {                                                                                                     \
        put_text(out, "\"" name "\":[");                                                                     \
        for (size_t i = 0; i < (count); i++)                                                                 \
            assert_int_equal(sotto_vec_printf(out, i == 0 ? format : "," format, value), SOTTO_OK);          \
        put_text(out, "],");                                                                                 \
    } while (0)

/* Lists as XGBoost writes them: nodes with a set, where each begins, how long it is, and all categories. */
static inline void put_sets(const random_forest *f, size_t t, sotto_vec *out)
{
    static const char *const NAMES[] = {"categories_nodes", "categories_segments", "categories_sizes",
                                        "categories"};
    for (size_t list = 0; list < SOTTO_COUNT(NAMES); list++) {
        size_t start = 0;
        const char *comma = "";
        assert_int_equal(sotto_vec_printf(out, "\"%s\":[", NAMES[list]), SOTTO_OK);
        for (size_t i = 0; i < f->tree[t].count; i++) {
            const random_node *n = &f->tree[t].nodes[i];
            size_t size = 0;
            for (size_t c = 0; n->by_category && c < 96; c++) {
                if ((n->words[c / 32] >> c % 32 & 1) == 0)
                    continue;
                size++;
                if (list == 3)
                    assert_int_equal(sotto_vec_printf(out, "%s%zu", comma, c), SOTTO_OK);
                comma = list == 3 ? "," : comma;
            }
            const size_t values[] = {i, start, size};
            if (n->by_category && list < 3) {
                assert_int_equal(sotto_vec_printf(out, "%s%zu", comma, values[list]), SOTTO_OK);
                comma = ",";
            }
            start += size;
        }
        put_text(out, "],");
    }
    const random_node *nodes = f->tree[t].nodes;
    PUT_ARRAY(out, "split_type", f->tree[t].count, "%d", nodes[i].by_category);
}

static inline void put_conditions(const random_forest *f, size_t t, sotto_vec *out)
{
    const random_node *n = f->tree[t].nodes;
    put_text(out, "\"split_conditions\":[");
    for (size_t i = 0; i < f->tree[t].count; i++) {
        put_text(out, i == 0 ? "" : ",");
        if (n[i].by_category)
            put_text(out, "NaN");
        else
            assert_int_equal(sotto_vec_printf(out, "%.9g", (double)n[i].condition), SOTTO_OK);
    }
    put_text(out, "],");
}

static inline void put_tree(const random_forest *f, size_t t, sotto_vec *out)
{
    const random_node *n = f->tree[t].nodes;
    size_t count = f->tree[t].count;
    put_text(out, t == 0 ? "{" : ",{");
    PUT_ARRAY(out, "left_children", count, "%d", n[i].left);
    PUT_ARRAY(out, "right_children", count, "%d", n[i].right);
    PUT_ARRAY(out, "split_indices", count, "%u", n[i].feature);
    put_conditions(f, t, out);
    if (f->categories)
        put_sets(f, t, out);
    PUT_ARRAY(out, "sum_hessian", count, "%.9g", (double)n[i].cover);
    if (f->bools)
        PUT_ARRAY(out, "default_left", count, "%s", n[i].missing_left ? "true" : "false");
    else
        PUT_ARRAY(out, "default_left", count, "%d", n[i].missing_left);
    put_text(out, "\"tree_param\":{\"size_leaf_vector\":\"0\"}}");
}

/* extra: members put before "feature_names", such as "\"attributes\":{...},"; may be "". */
static inline void put_forest(const random_forest *f, const char *extra, sotto_vec *out)
{
    put_text(out, "{\"version\":[1,7,4],\"learner\":{");
    put_text(out, extra);
    put_text(out, "\"feature_names\":[");
    for (size_t i = 0; f->named && i < f->features; i++)
        assert_int_equal(sotto_vec_printf(out, "%s\"column %zu\"", i == 0 ? "" : ",", i), SOTTO_OK);
    put_text(out, "],\"gradient_booster\":{\"name\":\"gbtree\",\"model\":{\"trees\":[");
    for (size_t t = 0; t < f->trees; t++)
        put_tree(f, t, out);
    assert_int_equal(
        sotto_vec_printf(out,
                         "]}},\"learner_model_param\":{\"base_score\":\"%s\",\"num_class\":\"0\","
                         "\"num_feature\":\"%zu\"},\"objective\":{\"name\":\"binary:logistic\"}}}",
                         f->list_score ? "[2.5E-1]" : "2.5E-1", f->features),
        SOTTO_OK);
}

static inline bool random_in_set(const random_node *n, float v)
{
    return v >= 0 && v < 96 && (n->words[(unsigned)v / 32] >> (unsigned)v % 32 & 1) != 0;
}

/* The leaf of one tree in floats: left when x < threshold, NaN where the node says. */
static inline size_t random_leaf_of(const random_forest *f, size_t t, const float *x)
{
    const random_node *n = f->tree[t].nodes;
    size_t at = 0;
    while (n[at].left >= 0) {
        float v = x[n[at].feature];
        bool left = isnan(v)            ? n[at].missing_left != 0
                    : n[at].by_category ? !random_in_set(&n[at], v)
                                        : v < n[at].condition;
        at = (size_t)(left ? n[at].left : n[at].right);
    }
    return at;
}

/* A value that tries a threshold of the forest, its neighbours, or an edge. */
static inline float random_value(random_forest *f, size_t feature)
{
    size_t t = random_below(f, f->trees), i = random_below(f, f->tree[t].count);
    const random_node *n = &f->tree[t].nodes[i];
    float v = n->left >= 0 && n->feature == feature ? n->condition : random_threshold(f);
    if (f->categories && feature % 3 == 2 && random_below(f, 4) != 0)
        v = (float)random_below(f, 110) - 5.0F + (random_below(f, 4) == 0 ? 0.75F : 0.0F);
    switch (random_below(f, 8)) {
    case 0:
        return NAN;
    case 1:
        return nextafterf(v, INFINITY);
    case 2:
        return nextafterf(v, -INFINITY);
    case 3:
        return random_below(f, 2) ? INFINITY : -INFINITY;
    default:
        return v;
    }
}

static inline int32_t key_of(float v)
{
    uint32_t bits;
    memcpy(&bits, &v, sizeof bits);
    return sotto_fixed_float_key(bits);
}

#endif
