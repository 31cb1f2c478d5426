/* What the compilers share: a forest as the source has it, its layout in the file, and the writer. */
#ifndef SOTTO_FORGE_PRIV_H
#define SOTTO_FORGE_PRIV_H

#include "sotto/forge.h"

enum {
    FORGE_NODES_MAX = 1 << 24, /* docs/formats/model.md section 2 */
    FORGE_DEPTH_MAX = 512,     /* section 5 */
    FORGE_BINS_MAX = 65534,    /* section 3 */
    FORGE_NONE = -1
};

/* A node as the source has it. */
typedef struct forge_node {
    int32_t left, right; /* source numbers; FORGE_NONE in a leaf */
    uint32_t feature;
    int32_t key; /* of the threshold t: left when x < t */
    bool missing_left;
    float leaf;   /* in a leaf */
    double cover; /* how much of the training data came here, >= 0 */
} forge_node;

typedef struct forge_tree {
    forge_node *nodes; /* heap; number 0 is the root */
    uint32_t count;
} forge_tree;

typedef struct forge_forest {
    forge_tree *trees; /* heap */
    size_t tree_count;
    sotto_feature *features; /* heap */
    size_t feature_count;
    float bias;           /* margin before any tree, as the source computes it */
    sotto_vec provenance; /* name=value lines */
} forge_forest;

void sotto_forge_forest_init(forge_forest *f);
void sotto_forge_forest_free(forge_forest *f);
/* Take zeroed arrays. NO_MEMORY. */
sotto_status sotto_forge_take_trees(forge_forest *f, size_t count, sotto_diag *diag);
sotto_status sotto_forge_take_features(forge_forest *f, size_t count, sotto_diag *diag);
sotto_status sotto_forge_take_nodes(forge_tree *t, uint32_t count, sotto_diag *diag);
sotto_status sotto_forge_no_memory(sotto_diag *diag);

/* The forest in the order of the file: breadth first, thresholds sorted and numbered. */
typedef struct forge_layout {
    size_t node_count;
    uint32_t *source; /* node_count: the source's number of each node */
    uint32_t *child;  /* node_count: index of the left child, own index in a leaf */
    uint32_t *root;   /* tree_count + 1 */
    uint16_t *depth;  /* tree_count */
    int32_t *value;   /* node_count, q24 */
    size_t cut_count;
    uint64_t *cuts;      /* ascending: feature in the upper half, key in the lower one, biased to unsigned */
    uint32_t *first_cut; /* feature_count + 1 */
    size_t leaves;
    int64_t bias_q24;
    int64_t margin_error_q24;
} forge_layout;

/* Fills f->features[].bins too. MALFORMED (a node reached twice, a child that is not there), UNSUPPORTED (too
 * deep, too many thresholds), RANGE (a leaf too large), NO_MEMORY; each names tree and node. The layout may
 * be freed in any case. */
sotto_status sotto_forge_layout_make(forge_layout *l, forge_forest *f, const char *file_name,
                                     sotto_diag *diag);
void sotto_forge_layout_free(forge_layout *l);
/* Part of making: integer leaves, expected values and the bound of the margin's error. */
sotto_status sotto_forge_values(forge_layout *l, const forge_forest *f, const char *file_name,
                                sotto_diag *diag);
/* Index of a node's threshold among those of its feature. It must be there. */
uint32_t sotto_forge_cut_index(const forge_layout *l, const forge_node *n);
int32_t sotto_forge_cut_key(uint64_t cut);
/* "tree 3, node 17 of FILE: ..." */
SOTTO_PRINTF(6, 7)
sotto_status sotto_forge_bad_node(sotto_diag *diag, sotto_status status, const char *file_name, size_t tree,
                                  uint32_t node, const char *format, ...);

/* Appends the file to out and loads it once, as a terminal would. out keeps its length on failure. */
sotto_status sotto_forge_write(const forge_forest *f, const forge_layout *l, const sotto_forge_options *o,
                               sotto_vec *out, sotto_diag *diag);

/* One tree of XGBoost's JSON. */
sotto_status sotto_forge_xgboost_tree(sotto_json_node json, size_t feature_count, forge_tree *out,
                                      sotto_diag *diag);

/* The float32 nearest to a decimal number's text. false when the text is no number or is out of range. */
bool sotto_forge_parse_float(sotto_span text, float *out);
int32_t sotto_forge_float_key(float v);

#endif
