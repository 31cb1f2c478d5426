/* What the independent readings share. */
#ifndef SOTTO_HQ_LEARN_WALKER_H
#define SOTTO_HQ_LEARN_WALKER_H

#include "learn_priv.h"

typedef struct walker_node {
    int32_t left, right; /* below 0 in a leaf */
    uint32_t number;     /* of a leaf, as the source counts */
    uint32_t feature;
    double value; /* threshold, or the leaf */
    bool missing_left, by_category;
    unsigned missing;    /* LightGBM: 0 none, 1 zero, 2 NaN */
    size_t first, count; /* of its categories (LightGBM: words of bits) among the tree's */
} walker_node;

typedef struct walker_tree {
    walker_node *nodes;
    int32_t *categories;
    uint32_t *bits;
    double weight; /* dart */
    size_t output;
} walker_tree;

/* coefficient x value, or `missing` when there is none, is added to an output. */
typedef struct walker_term {
    size_t feature, output;
    double coefficient, missing;
} walker_term;

struct learn_walker {
    size_t trees, features, outputs;
    enum learn_source source;
    walker_tree *tree;
    walker_term *terms;
    size_t term_count;
};

sotto_status learn_walker_load_lightgbm(learn_walker *w, sotto_span file, sotto_diag *diag);
bool learn_walker_left_lightgbm(const walker_tree *t, const walker_node *n, double v);

#endif
