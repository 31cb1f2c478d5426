/* What the independent readings share. */
#ifndef SOTTO_HQ_LEARN_WALKER_H
#define SOTTO_HQ_LEARN_WALKER_H

#include "learn/learn.h"

typedef struct walker_node {
    int32_t left, right; /* below 0 in a leaf; ONNX: left when the test holds */
    uint32_t number;     /* of a leaf, as the source counts */
    uint32_t feature;    /* ONNX: column of the model's input */
    double value;        /* threshold, or the leaf */
    bool missing_left, by_category;
    unsigned missing;    /* LightGBM: 0 none, 1 zero, 2 NaN; ONNX: the mode, as walker_mode */
    size_t first, count; /* of its categories (LightGBM: words of bits) among the tree's */
} walker_node;

/* When a leaf of a scorecard is the one. */
typedef struct walker_rule {
    enum walker_rule_kind { RULE_BIN, RULE_CATEGORY, RULE_OTHER, RULE_MISSING } kind;
    double low, high; /* BIN: low <= x < high, both as float32 */
    double category;
} walker_rule;

typedef struct walker_tree {
    walker_node *nodes;
    size_t count;       /* of a flat one */
    walker_rule *rules; /* not NULL: flat, every node is a leaf with a rule */
    int32_t *categories;
    uint32_t *bits;
    double weight; /* dart */
    size_t output;
    uint32_t feature; /* of a flat one */
} walker_tree;

/* coefficient x value, or `missing` when there is none, is added to an output. */
typedef struct walker_term {
    size_t feature, output;
    double coefficient, missing;
} walker_term;

/* Centroids in the space of (value - mean) / scale. */
typedef struct walker_means {
    size_t count;
    double *mean, *scale; /* one a feature */
    double *centroid;     /* count x features */
    double reach;         /* a coordinate farther out is held by the compiled model */
} walker_means;

typedef struct walker_graph walker_graph; /* walker_graph.h */

struct learn_walker {
    size_t trees, features, outputs;
    enum learn_source source;
    const sotto_model *model;           /* names of its features */
    const sotto_dictionary *dictionary; /* NULL, or what words mean */
    walker_tree *tree;
    walker_term *terms;
    size_t term_count;
    bool has_bias; /* the sums hold it: */
    double bias[SOTTO_MODEL_OUTPUTS_MAX];
    bool no_leaves;   /* the source has none to compare: a linear model whose categories became trees */
    size_t roundings; /* of the source's runtime, besides one a tree and term */
    walker_means *means;
    walker_graph *graph;
};

sotto_status learn_walker_load_lightgbm(learn_walker *w, sotto_span file, const char *name, sotto_diag *diag);
bool learn_walker_left_lightgbm(const walker_tree *t, const walker_node *n, double v);

/* Scorecards (walker_card.c). */
sotto_status learn_walker_load_card(learn_walker *w, sotto_span file, const char *name, sotto_diag *diag);
const walker_node *learn_walker_card_leaf(const walker_tree *t, const double *x);

/* k-means (walker_means.c). */
sotto_status learn_walker_load_means(learn_walker *w, sotto_span file, const char *name, sotto_diag *diag);
void learn_walker_means_row(const learn_walker *w, const double *x, learn_walked *out);
void learn_walker_means_free(walker_means *m); /* NULL allowed */

/* ONNX (walker_onnx.c, walker_graph.c). */
sotto_status learn_walker_load_onnx(learn_walker *w, sotto_span file, const char *name, sotto_diag *diag);
void learn_walker_graph_row(const learn_walker *w, const double *x, learn_walked *out);
void learn_walker_graph_free(walker_graph *g); /* NULL allowed */

/* The model's feature of that name; -1: none. */
int learn_walker_feature(const learn_walker *w, sotto_span name);

#endif
