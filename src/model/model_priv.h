/* What the files of model share: the loaded model and the loader's steps. Format: docs/formats/model.md. */
#ifndef SOTTO_MODEL_PRIV_H
#define SOTTO_MODEL_PRIV_H

#include "sotto/model.h"

/* Sizes of docs/formats/model.md. */
enum {
    FRAME_BYTES = 32,
    ENTRY_BYTES = 16,
    TRAILER_BYTES = 8,
    HEAD_BYTES = 176,
    FEAT_BYTES = 112,
    SECTIONS_MAX = 64,
    NODES_MAX = 1 << 24,
    DEPTH_MAX = 512,
    PROVENANCE_MAX = 65536,
    SET_WORDS_MAX = 1 << 24,
    SCALE_MIN = 8,
    BINS_MAX = 65534,
    LEAF_BIN = 65535 /* no slot holds more: a leaf's test always says "left", which is the leaf itself */
};

/* The sections of version 1. X(NAME, 4 characters, needed) */
#define SECTIONS(X)                                                                                          \
    X(HEAD, "HEAD", true)                                                                                    \
    X(FEAT, "FEAT", true)                                                                                    \
    X(THRS, "THRS", true)                                                                                    \
    X(TREE, "TREE", true)                                                                                    \
    X(NODE, "NODE", true)                                                                                    \
    X(VALU, "VALU", true)                                                                                    \
    X(SRCN, "SRCN", false)                                                                                   \
    X(CATS, "CATS", false)                                                                                   \
    X(THRD, "THRD", false)                                                                                   \
    X(OUTS, "OUTS", false)                                                                                   \
    X(CALI, "CALI", false)                                                                                   \
    X(LINR, "LINR", false)                                                                                   \
    X(CLUS, "CLUS", false)                                                                                   \
    X(PROV, "PROV", false)

enum section {
#define X(name, type, needed) SECTION_##name,
    SECTIONS(X)
#undef X
        SECTION_COUNT
};

enum objective {
    OBJECTIVE_MARGIN = SOTTO_LINK_IDENTITY,
    OBJECTIVE_LOGISTIC = SOTTO_LINK_LOGISTIC,
    OBJECTIVE_EXP = SOTTO_LINK_EXP,
    OBJECTIVE_SOFTMAX = SOTTO_LINK_SOFTMAX,
    OBJECTIVE_VALUE = SOTTO_LINK_VALUE,
    OBJECTIVE_VALUE_EXP = SOTTO_LINK_VALUE_EXP,
    OBJECTIVE_PROBABILITY = SOTTO_LINK_PROBABILITY
};

/* These are read in place: the file's layout is the layout in memory. */
typedef struct node {
    uint16_t slot;
    uint16_t bin;
    uint32_t child;
} node;
typedef struct tree {
    uint32_t root;
    uint16_t depth;
    uint16_t output;
} tree;
/* mantissa x 2^-shift times the feature's value is added to an output. */
typedef struct term {
    uint16_t feature, output;
    int16_t shift;
    uint16_t reserved;
    int64_t mantissa;
    int64_t missing_q24; /* added instead when the value is missing */
} term;
/* A value's coordinate: value x mantissa x 2^-shift - offset. */
typedef struct axis {
    int64_t mantissa, offset;
    int16_t shift;
    uint8_t reserved[6];
} axis;
_Static_assert(sizeof(node) == 8 && sizeof(tree) == 8, "the file's layout");
_Static_assert(sizeof(term) == 24 && sizeof(axis) == 24, "the file's layout");
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "files are little-endian and read in place");

/* The same node for small models, relative to itself: pack.c. */
typedef struct packed_node {
    uint8_t slot;
    uint8_t bin;   /* PACKED_LEAF_BIN in a leaf */
    uint16_t skip; /* to the left child; 0 in a leaf */
} packed_node;
enum { PACKED_SLOTS = 256, PACKED_LEAF_BIN = 255 };
_Static_assert(sizeof(packed_node) == 4, "16 to a cache line");

/* CALI, docs/formats/model.md, CALI. */
typedef struct calibration {
    int64_t slope_q24, offset_q24; /* PLATT */
    size_t count;                  /* ISOTONIC: points, read in place */
    const int64_t *margin_q24;
    const uint32_t *p_q30;
} calibration;

struct sotto_model {
    sotto_model_info info;
    enum objective objective;
    /* Only numeric splits, missing values that are NaN, one output and values in q24: what the fastest paths
     * know. */
    bool plain;
    /* One sum of trees whose features all fit slots (score_priv.h): ranked by sets of leaves. Every plain
     * model is. What is not slotted is scored by the reference path (reference.c). */
    bool slotted;
    unsigned shift; /* values are q(24 - shift) */
    size_t thresholds_count;
    int64_t expected_q24; /* bias and the value of every root: where a reason starts */
    const sotto_feature *features;
    const uint32_t *first_threshold; /* one a feature, and the end */
    const int32_t *thresholds;
    const int64_t *wide_thresholds; /* NULL: the source compared float32 */
    const uint32_t *first_set;      /* one a feature, and the end: numbers of its sets of categories */
    const uint32_t *set_start;      /* one a set, and the end: its first word */
    const uint32_t *set_words;
    const int64_t *biases_q24; /* one an output */
    const tree *trees;
    const node *nodes;
    const packed_node *packed; /* NULL: the model does not fit, or the arena had no room */
    const int32_t *values;
    const uint32_t *source_ids; /* NULL: numbered as they stand */
    calibration calibration;
    size_t parts;             /* margins inside: info.outputs, or the two of an expected value */
    const term *terms;        /* info.terms, ascending by output and feature */
    const axis *axes;         /* of clusters: one a feature */
    const int32_t *centroids; /* of clusters: info.clusters x info.features coordinates */
    int unit;                 /* of clusters: a coordinate is an integer times 2^-unit */
    unsigned reach;           /* of clusters: coordinates are within 2^reach */
    sotto_span provenance;
};

/* One load: the file, where its sections are, and what is being made. */
typedef struct loader {
    sotto_span file;                   /* where scoring will read it: aligned */
    sotto_span section[SECTION_COUNT]; /* ptr NULL when absent */
    sotto_arena *arena;
    sotto_model *model;
    sotto_diag *diag;
} loader;

/* Header, trailer and section table. Nothing of the file has been believed before. */
sotto_status sotto_model_read_frame(loader *l);
/* TREE, NODE, VALU, SRCN against HEAD. */
sotto_status sotto_model_read_forest(loader *l);
/* CATS, THRD and OUTS: what a model that is not plain has more. After the features are read. */
sotto_status sotto_model_read_sets(loader *l);
sotto_status sotto_model_read_wide(loader *l);
sotto_status sotto_model_read_outputs(loader *l);
/* CALI; behind HEAD and OUTS. */
sotto_status sotto_model_read_calibration(loader *l);
/* Of a model with calibration: margin -> probability. */
uint32_t sotto_model_calibrated_q30(const sotto_model *m, int64_t margin_q24);
/* LINR and CLUS, after the outputs; and that the kind has what it needs. */
sotto_status sotto_model_read_terms(loader *l);
sotto_status sotto_model_read_clusters(loader *l);
/* Says at which byte of the file the fault is. at points into the file. */
SOTTO_PRINTF(4, 5)
sotto_status sotto_model_bad(const loader *l, const void *at, sotto_status status, const char *format, ...);

/* The reference path: any model, plain or not, straight from the definition. Same contracts as the public
 * functions. */
int64_t sotto_model_reference_margin(const sotto_model *m, const int32_t *keys, size_t output);
void sotto_model_reference_leaves(const sotto_model *m, const int32_t *keys, uint32_t *out);
int64_t sotto_model_reference_why(const sotto_model *m, const int32_t *keys, size_t part, int64_t *bias_q24,
                                  int64_t *contribution_q24);

/* mantissa x 2^-shift times the float32 of a key, in units of 2^-24: exact, then rounded to nearest, ties to
 * even, and held within 2^52. key is not MISSING. */
int64_t sotto_model_product_q24(int64_t mantissa, int shift, int32_t key);
/* The sum of a part's terms; contribution_q24 (may be NULL) gets each added to its feature. */
int64_t sotto_model_sum_terms(const sotto_model *m, const int32_t *keys, size_t part,
                              int64_t *contribution_q24);
/* The nearest centroid, ties to the lowest number, and minus its squared distance; parts may be NULL. */
size_t sotto_model_nearest(const sotto_model *m, const int32_t *keys, int64_t *margin_q24,
                           int64_t *contribution_q24);
/* An expected value from the margins of its two parts, and its reasons. */
int64_t sotto_model_value_q24(const sotto_model *m, const int64_t margins_q24[static 2]);
int64_t sotto_model_value_why(const sotto_model *m, const int32_t *keys, int64_t *bias_q24,
                              int64_t *contribution_q24);
/* sotto_model_bind but for the kinds of model that a shelf is ranked by. */
SOTTO_MUST_USE sotto_status sotto_model_bind_features(const sotto_model *m, const sotto_dictionary *d,
                                                      sotto_diag *diag);
/* What a margin of amounts or expected values says, within 2^52 (2^28 of the unit). */
int64_t sotto_model_amount_q24(const sotto_model *m, int64_t margin_q24);

static inline bool is_value(const sotto_model *m)
{
    return m->objective == OBJECTIVE_VALUE || m->objective == OBJECTIVE_VALUE_EXP;
}

static inline bool is_category(const sotto_feature *f)
{
    return f->kind == SOTTO_FEATURE_CATEGORY || f->kind == SOTTO_FEATURE_CATEGORY_CUT;
}

static inline bool is_leaf(const node *nodes, uint32_t index)
{
    return nodes[index].child == index;
}

/* The category that the float32 of this key (not MISSING) is; NO_CATEGORY when no set can hold it. */
#define NO_CATEGORY UINT32_MAX
uint32_t sotto_model_category(const sotto_feature *f, int32_t key);
/* Whether a set holds a category. set: numbered over all features. */
static inline bool in_set(const sotto_model *m, uint32_t set, uint32_t category)
{
    uint32_t first = m->set_start[set], words = m->set_start[set + 1] - first;
    return category / 32 < words && (m->set_words[first + category / 32] >> category % 32 & 1) != 0;
}
/* A key that the feature takes for missing. */
static inline bool is_missing(const sotto_feature *f, int32_t key)
{
    const int32_t zero_key = 0x0554ad2e; /* of 1e-35f: what LightGBM takes for zero (kZeroThreshold) */
    bool zero = f->kind == SOTTO_FEATURE_NUMBER_ZERO && key >= -zero_key && key <= zero_key;
    return key == SOTTO_FLOAT_KEY_MISSING || zero;
}

/* Sets m->slotted, when everything else is there. */
void sotto_model_slot(sotto_model *m);
/* Sets m->packed where that can be. */
void sotto_model_pack(sotto_model *m, sotto_arena *arena);

#endif
