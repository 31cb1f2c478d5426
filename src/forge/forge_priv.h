/* What the compilers share: a forest as the source has it, its layout in the file, and the writer. */
#ifndef SOTTO_FORGE_PRIV_H
#define SOTTO_FORGE_PRIV_H

#include "sotto/forge.h"

enum {
    FORGE_NODES_MAX = 1 << 24, /* docs/formats/model.md section 2 */
    FORGE_DEPTH_MAX = 512,     /* section 5 */
    FORGE_BINS_MAX = 65534,    /* section 3 */
    FORGE_SET_WORDS_MAX = 1 << 24,
    FORGE_SCALE_MIN = 8, /* section 2 */
    FORGE_CATEGORY_END = 1 << 24,
    FORGE_NONE = -1
};

/* A node as the source has it. Left when x < threshold; of a feature of categories: left when the category is
 * not in the set. */
typedef struct forge_node {
    int32_t left, right; /* indices in the tree's nodes; FORGE_NONE in a leaf */
    uint32_t number;     /* as the source numbers it */
    uint32_t feature;
    /* Of the threshold: order key of float32, or of float64 in a wide forest; or number of a set. */
    int64_t key;
    bool missing_left;
    double leaf;  /* in a leaf */
    double cover; /* how much of the training data came here, >= 0 */
} forge_node;

typedef struct forge_tree {
    forge_node *nodes; /* heap; index 0 is the root */
    uint32_t count;
    uint16_t output; /* that it adds to */
} forge_tree;

/* Sets of categories, as the source has them: bits, 32 a word, the last word not zero. */
typedef struct forge_sets {
    uint32_t *words;  /* heap */
    uint32_t *starts; /* heap; count + 1, first word of each */
    size_t count, word_count, word_cap, start_cap;
} forge_sets;

/* A linear term: coefficient x value, or `missing` when there is none. */
typedef struct forge_term {
    uint32_t feature;
    uint16_t output;
    double coefficient, missing;
} forge_term;

/* Centroids in the space that (value - mean) / scale makes. */
typedef struct forge_clusters {
    size_t count;     /* 0: the model is not of clusters */
    double *centroid; /* heap; count x features */
    double *mean;     /* heap; one a feature */
    double *scale;    /* heap; one a feature, not 0 */
} forge_clusters;

/* What a model of two steps is made of; 0 propensity, 1 amount. */
typedef struct forge_value {
    double error_q24[2]; /* of the margins, as they were compiled */
    unsigned shift[2];   /* their scales */
    size_t trees[2];
    double steepest; /* how much the probability rises with its margin, at most */
    /* Of the probability, in units of 2^-24: of the sigmoid, or of a calibration's integers. */
    double rounding;
    double largest; /* magnitude of the amount's margin */
    bool is_exp;    /* the amount is e^ of its margin */
} forge_value;

typedef struct forge_forest {
    forge_tree *trees; /* heap */
    size_t tree_count;
    sotto_feature *features; /* heap */
    size_t feature_count;
    bool wide; /* the source compares float64 */
    forge_sets sets;
    enum sotto_model_link link;
    size_t outputs;    /* margins inside: 1 .. SOTTO_MODEL_OUTPUTS_MAX */
    forge_term *terms; /* heap; ascending by output and feature */
    size_t term_count, term_cap;
    forge_clusters clusters;
    int64_t source_error_q24;             /* what the source itself was off by already */
    double bias[SOTTO_MODEL_OUTPUTS_MAX]; /* margins before any tree, as the source computes them */
    sotto_vec provenance;                 /* name=value lines */
    /* NULL, or: `leaf` of inner nodes is what is expected there, and the error is of a value. */
    const forge_value *value;
    sotto_span calibration; /* of CALI, as it will stand there; ptr NULL: none */
} forge_forest;

/* The largest error of an expected value, in units of 2^-24, when values have scale 2^(24 - shift). */
double sotto_forge_value_error(const forge_value *v, unsigned shift);

/* Adds a term behind the others. NO_MEMORY, RANGE (not finite, beyond 2^1000). */
sotto_status sotto_forge_add_term(forge_forest *f, forge_term term, sotto_diag *diag);
/* A step function of one feature as a balanced tree, out: leaf i (numbered number[i]) for edges[i - 1] <= x <
 * edges[i]; a missing value gets `missing`, numbered missing_number. count leaves, count - 1 edges,
 * ascending. NO_MEMORY. */
typedef struct forge_steps {
    uint32_t feature;
    const float *edges;
    const double *leaf;
    const uint32_t *number;
    uint32_t count;
    double missing;
    uint32_t missing_number;
} forge_steps;
sotto_status sotto_forge_step_tree(forge_tree *out, const forge_steps *s, sotto_diag *diag);
/* The same by categories, each once: leaf i for category[i], `other` (numbered count) for every other value.
 */
typedef struct forge_choices {
    uint32_t feature;
    const uint32_t *category;
    const double *leaf;
    const uint32_t *number;
    uint32_t count;
    double other, missing;
    uint32_t other_number, missing_number;
} forge_choices;
sotto_status sotto_forge_choice_tree(forge_forest *f, forge_tree *out, const forge_choices *c,
                                     sotto_diag *diag);
/* The feature of that name, added (as sotto_forge_name_feature does) when it is new; features were taken with
 * room for *count more. */
sotto_status sotto_forge_find_feature(forge_forest *f, const sotto_forge_options *o, sotto_span name,
                                      size_t capacity, uint32_t *out, const char **wrong);
/* Sorts them; two of one output and feature become MALFORMED. */
sotto_status sotto_forge_sort_terms(forge_forest *f, const char *file_name, sotto_diag *diag);
/* The worst output's rounding, in units of 2^-24. */
double sotto_forge_terms_error(const forge_forest *f);
/* Takes the arrays of count centroids, means 0 and scales 1. NO_MEMORY. */
sotto_status sotto_forge_take_clusters(forge_forest *f, size_t count, sotto_diag *diag);
/* A float64 as mantissa x 2^-shift, the mantissa odd or 0. */
void sotto_forge_split_double(double v, int64_t *mantissa, int *shift);
/* How clusters become integers: coordinates are times 2^unit and within 2^reach. RANGE. */
sotto_status sotto_forge_cluster_unit(const forge_forest *f, const char *file_name, int *unit,
                                      unsigned *reach, sotto_diag *diag);
void sotto_forge_forest_init(forge_forest *f);
void sotto_forge_forest_free(forge_forest *f);
/* Take zeroed arrays. NO_MEMORY. */
sotto_status sotto_forge_take_trees(forge_forest *f, size_t count, sotto_diag *diag);
sotto_status sotto_forge_take_features(forge_forest *f, size_t count, sotto_diag *diag);
sotto_status sotto_forge_take_nodes(forge_tree *t, uint32_t count, sotto_diag *diag);
sotto_status sotto_forge_no_memory(sotto_diag *diag);
/* Starts an empty set, the last one until the next is started; puts a category (below FORGE_CATEGORY_END)
 * into the last set. RANGE (too many words in all), NO_MEMORY. */
sotto_status sotto_forge_new_set(forge_sets *s, sotto_diag *diag);
sotto_status sotto_forge_add_category(forge_sets *s, uint32_t category, sotto_diag *diag);
/* Marks a feature as numbers or categories. false when a node before used it otherwise. */
bool sotto_forge_use_feature(forge_forest *f, uint32_t feature, enum sotto_feature_kind kind, uint8_t *used);
/* Feature i: the recipe's feature of that name (empty: the recipe's i-th), or without a recipe a plain column
 * of that name (empty: "f<i>"). NULL, or what is wrong, with *status. */
const char *sotto_forge_name_feature(forge_forest *f, const sotto_forge_options *o, size_t i, sotto_span name,
                                     sotto_status *status);
/* Adds a name=value line when it is plain text and there is room. NO_MEMORY. */
sotto_status sotto_forge_add_provenance(forge_forest *f, sotto_span name, sotto_span value, sotto_diag *diag);
/* What every compiler ends with: layout, file, and the file read back. */
sotto_status sotto_forge_finish(forge_forest *f, const sotto_forge_options *o, sotto_vec *out,
                                sotto_forge_report *report, sotto_diag *diag);
sotto_status sotto_forge_check_options(const sotto_forge_options *o, sotto_diag *diag);

/* A threshold, or the rank of a set of categories, of a feature. */
typedef struct forge_cut {
    uint32_t feature;
    int64_t key;
} forge_cut;

/* The forest in the order of the file: breadth first, thresholds sorted and numbered. */
typedef struct forge_layout {
    size_t node_count;
    uint32_t *source; /* node_count: the source's number of each node */
    uint32_t *child;  /* node_count: index of the left child, own index in a leaf */
    uint32_t *root;   /* tree_count + 1 */
    uint16_t *depth;  /* tree_count */
    int32_t *value;   /* node_count, q24 */
    size_t cut_count;
    forge_cut *cuts;        /* ascending by feature and key */
    int32_t *threshold;     /* cut_count: what THRS holds of a cut of numbers */
    size_t threshold_count; /* cuts of numbers */
    uint32_t *set_rank;     /* sets.count: each set's place among all, by content; equal sets share it */
    uint32_t *rank_set;     /* a set of each rank */
    uint32_t *first_cut;    /* feature_count + 1 */
    size_t leaves;
    unsigned shift; /* values are q(24 - shift) */
    int64_t bias_q24[SOTTO_MODEL_OUTPUTS_MAX];
    int64_t margin_error_q24;
    int64_t error_allowed_q24;
    int unit; /* of clusters */
    unsigned reach;
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
/* RANGE when the bound passes what the options allow; fills l->error_allowed_q24. */
sotto_status sotto_forge_judge_error(forge_layout *l, const forge_forest *f, const sotto_forge_options *o,
                                     sotto_diag *diag);
/* Index of a node's threshold among those of its feature. It must be there. */
uint32_t sotto_forge_cut_index(const forge_layout *l, const forge_forest *f, const forge_node *n);
/* Order of sets by content, and their ranks: part of making. NO_MEMORY. */
sotto_status sotto_forge_rank_sets(forge_layout *l, const forge_forest *f, sotto_diag *diag);
/* The float32 keys of the cuts of numbers: part of making. NO_MEMORY. */
sotto_status sotto_forge_narrow_cuts(forge_layout *l, const forge_forest *f, sotto_diag *diag);
/* "tree 3, node 17 of FILE: ..." */
SOTTO_PRINTF(6, 7)
sotto_status sotto_forge_bad_node(sotto_diag *diag, sotto_status status, const char *file_name, size_t tree,
                                  uint32_t node, const char *format, ...);

/* Appends the file to out and loads it once, as a terminal would. out keeps its length on failure. */
sotto_status sotto_forge_write(const forge_forest *f, const forge_layout *l, const sotto_forge_options *o,
                               sotto_vec *out, sotto_diag *diag);

/* One tree of XGBoost's JSON. used: one a feature, 0 before any node tested it. */
sotto_status sotto_forge_xgboost_tree(sotto_json_node json, forge_forest *forest, uint8_t *used,
                                      forge_tree *out, sotto_diag *diag);

/* The float32 nearest to a decimal number's text. false when the text is no number or is out of range. */
bool sotto_forge_parse_float(sotto_span text, float *out);
int32_t sotto_forge_float_key(float v);
/* The same for float64. */
bool sotto_forge_parse_double(sotto_span text, double *out);
int64_t sotto_forge_double_key(double v); /* -0 and 0 give 0; NaN INT64_MIN */
double sotto_forge_key_double(int64_t key);

static inline bool sotto_forge_is_category(const sotto_feature *f)
{
    return f->kind == SOTTO_FEATURE_CATEGORY || f->kind == SOTTO_FEATURE_CATEGORY_CUT;
}

#endif
