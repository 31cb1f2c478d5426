/* A tree ensemble's lists, read and checked, and what its trees are made with. */
#ifndef SOTTO_FORGE_ONNX_ENSEMBLE_H
#define SOTTO_FORGE_ONNX_ENSEMBLE_H

#include "onnx.h"

enum onnx_mode { LEQ, LT, GTE, GT, EQ, NEQ, LEAF };

typedef struct onnx_place {
    int64_t tree, node;
    uint32_t index;
} onnx_place;

typedef struct onnx_weight {
    int64_t tree, node, output;
    double value;
} onnx_weight;

typedef struct onnx_ensemble {
    onnx *o;
    const onnx_node *node;
    const onnx_value *x;
    size_t count;
    const int64_t *trees, *ids, *features, *true_ids, *false_ids;
    const float *values;
    const int64_t *missing; /* NULL: never true */
    enum onnx_mode *modes;
    onnx_place *places; /* ascending by tree and node */
    onnx_weight *weights;
    size_t weight_count;
    uint8_t *on_path; /* one a node */
    uint8_t *child;   /* one a node: some node leads to it */
    uint32_t *run;    /* one a node: its tree's place in the file */
    uint8_t *gives;   /* trees x SOTTO_MODEL_OUTPUTS_MAX: some leaf has a weight of the output */
    float **folded;   /* one a column: what its code's entries, and behind them all others, become; NULL: no
                         node tests it, or it has no code */
    /* The tree that is being made. */
    forge_tree *out;
    size_t cap, left_to_make;
    int64_t output;
    double divide;
} onnx_ensemble;

/* The node's lists. MALFORMED, UNSUPPORTED, NO_MEMORY with node and attribute. *trees: how many. */
sotto_status sotto_onnx_ensemble(onnx_ensemble *e, bool classifier, size_t *trees);
/* NULL when it is not there. */
const onnx_place *sotto_onnx_find(const onnx_ensemble *e, int64_t tree, int64_t node);
int sotto_onnx_compare_weights(const void *a, const void *b);

#endif
