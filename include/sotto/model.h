/*
 * model: trees, linear terms, scorecards and clusters as integers. A model is data: validated once by
 * sotto_model_load, then scored without checks, without allocation, in bounded time, re-entrant, equal to the
 * last bit on every CPU. No floating point. Builds without an operating system (base, fixed, codec's cursor
 * and tags are all it needs).
 */
#ifndef SOTTO_MODEL_H
#define SOTTO_MODEL_H

#include "sotto/base.h"
#include "sotto/codec.h"
#include "sotto/fixed.h"
#include "sotto/tags.h"

#define SOTTO_MODEL_FEATURES_MAX 1024
#define SOTTO_MODEL_TREES_MAX    4096
#define SOTTO_MODEL_OUTPUTS_MAX  256
#define SOTTO_MODEL_SCALE_BITS   24 /* margins are integers times 2^-24 */

/* Where a feature's value comes from and how it becomes a number: the recipe, part of the model. */
enum sotto_feature_source {
    SOTTO_SOURCE_COLUMN =
        0, /* a plain column of a table, by name: models without a recipe; cannot be used on a terminal */
    SOTTO_SOURCE_TAG,     /* a tag of the customer */
    SOTTO_SOURCE_PRODUCT, /* a numeric attribute of the product, by name */
    SOTTO_SOURCE_TIME     /* "hour" (0..23), "weekday" (0 = Monday), of the terminal's local time */
};
enum sotto_feature_transform {
    SOTTO_TRANSFORM_VALUE = 0, /* count, flag, amount (with its decimals), product attribute */
    SOTTO_TRANSFORM_CODE,      /* choice -> its code */
    SOTTO_TRANSFORM_AGE_DAYS,  /* date -> today - date */
    SOTTO_TRANSFORM_IS,        /* choice -> 1 when its code is `argument`, else 0 */
    SOTTO_TRANSFORM_CHANGE     /* amount or count -> it less the one of the tag whose number is `argument` */
};
/* How a feature's values are compared. */
enum sotto_feature_kind {
    SOTTO_FEATURE_NUMBER = 0,
    SOTTO_FEATURE_NUMBER_ZERO, /* a number whose zero (at most 1e-35f from 0) is missing too */
    SOTTO_FEATURE_CATEGORY,    /* the category is the whole part; below 0 is none of them */
    SOTTO_FEATURE_CATEGORY_CUT /* the same, cut towards zero: -0.5 is category 0 */
};
typedef struct sotto_feature {
    char name[65]; /* as the training table calls it */
    enum sotto_feature_source source;
    enum sotto_feature_transform transform;
    uint16_t tag_number; /* source TAG */
    char attribute[33];  /* source PRODUCT or TIME */
    int32_t argument;    /* transform IS: the choice code; CHANGE: the other tag's number */
    uint32_t bins;       /* number of thresholds, or of sets of categories */
    enum sotto_feature_kind kind;
} sotto_feature;

typedef struct sotto_model sotto_model;

/* What the margin says. */
enum sotto_model_link {
    SOTTO_LINK_IDENTITY = 0, /* it is the answer: an amount, a rank */
    SOTTO_LINK_LOGISTIC,     /* probability 1 / (1 + e^-margin) */
    SOTTO_LINK_EXP,          /* the answer is e^margin: a count, an amount */
    SOTTO_LINK_SOFTMAX,      /* one margin a class, probability e^margin / sum of e^margin */
    SOTTO_LINK_VALUE,        /* two steps: the margin is a probability times an amount, the expected value */
    SOTTO_LINK_VALUE_EXP,    /* the same, the amount being e^ of its part's margin */
    SOTTO_LINK_PROBABILITY   /* the margin is a probability: a random forest's share of votes */
};

/* What a model is made of. */
enum sotto_model_kind {
    SOTTO_MODEL_SUM = 1, /* trees and linear terms, added */
    SOTTO_MODEL_CLUSTERS /* the nearest of several centroids: the margin is -distance^2, the leaf its number
                          */
};

/* What was fitted between margin and probability on rows that were not trained on. Margins, and so the order
 * of what is ranked, stay as they are. */
enum sotto_calibration_kind {
    SOTTO_CALIBRATION_NONE = 0,
    SOTTO_CALIBRATION_PLATT,   /* the sigmoid of slope x margin + offset */
    SOTTO_CALIBRATION_ISOTONIC /* between points of (margin, probability), straight lines */
};

/* What scoring costs, known at load. */
typedef struct sotto_model_info {
    char name[65];
    enum sotto_model_kind kind;
    size_t features;
    size_t trees; /* leaves that sotto_model_leaves writes: of clusters 1, of linear terms alone 0 */
    size_t nodes, leaves;
    size_t terms;     /* products of a coefficient and a value */
    size_t clusters;  /* 0: not of that kind */
    size_t depth;     /* longest path, in tests */
    size_t steps_max; /* tests of one score at most: the bound of its time */
    size_t outputs;   /* margins of one score: 1, or one a class */
    enum sotto_model_link link;
    enum sotto_calibration_kind calibration;
    bool has_categories;       /* some feature is compared with sets of categories */
    bool has_wide_thresholds;  /* the source compared float64: keys come from sotto_model_key */
    int64_t bias_q24;          /* margin before any tree; of the first output */
    int64_t margin_error_q24;  /* largest possible |integer margin - exact sum of the source's leaves and
                                  terms|, computed when compiled; of clusters: of a distance, not squared */
    size_t bytes;              /* of the file */
    size_t arena_bytes;        /* taken at load */
    uint8_t source_sha256[32]; /* of the file it was compiled from */
} sotto_model_info;

/* Arena bytes that loading may take for a file of that many bytes. */
size_t sotto_model_arena_bound(size_t file_bytes);
/* Validates everything (docs/formats/model.md) and takes what it needs from arena; `file` must outlive the
 * model, which is read-only from then on and may be shared between threads. CORRUPT (CRC), MALFORMED,
 * TRUNCATED, RANGE, UNSUPPORTED (newer version), NO_SPACE, with the byte offset in diag: *out is NULL and the
 * arena as before. */
SOTTO_MUST_USE sotto_status sotto_model_load(const sotto_model **out, sotto_span file, sotto_arena *arena,
                                             sotto_diag *diag);
const sotto_model_info *sotto_model_info_of(const sotto_model *m);
const sotto_feature *sotto_model_feature(const sotto_model *m, size_t index); /* asserted in range */
/* How the source was trained, "name=value" lines; empty when not known. Points into the file. */
sotto_span sotto_model_provenance(const sotto_model *m);

/* ---- Scoring. keys: one sotto_fixed_float_key per feature, SOTTO_FLOAT_KEY_MISSING = missing. ---- */
/* Of the first output. */
int64_t sotto_model_margin_q24(const sotto_model *m, const int32_t *keys);
/* margin -> probability (logistic link; for other links the margin, held within 0 and 1). Never falls as the
 * margin grows, calibrated or not. Error of the arithmetic alone, in units of 2^-30: 0.68 of the sigmoid;
 * with PLATT 8 x (2 + |margin|) more (slope and offset are rounded to 2^-24), with ISOTONIC 1 in all. */
uint32_t sotto_model_probability_q30(const sotto_model *m, int64_t margin_q24);
/* Every output's margin before any tree. out: info.outputs entries. */
void sotto_model_biases_q24(const sotto_model *m, int64_t *out);
/* Every output's margin. out: info.outputs entries. */
void sotto_model_margins_q24(const sotto_model *m, const int32_t *keys, int64_t *out);
/* Probabilities of all outputs from their margins: softmax (each off by at most 4 units of 2^-30), or
 * sotto_model_probability_q30 of each. Both arrays: info.outputs entries. */
void sotto_model_probabilities_q30(const sotto_model *m, const int64_t *margins_q24, uint32_t *out);
/* The key of a float64 by its bits: NaN is missing; the float32 nearest to it, or, where the source compared
 * float64, a key on the same side of every threshold as that float64. */
int32_t sotto_model_key(const sotto_model *m, size_t feature, uint64_t float64_bits);
/* The same for the number mantissa / 10^decimals (0..18), read as the source would read its text. */
int32_t sotto_model_attribute_key(const sotto_model *m, size_t feature, int64_t mantissa, unsigned decimals);
/* The leaf that each tree reaches, numbered as the source model numbers its nodes. out: info.trees entries.
 */
void sotto_model_leaves(const sotto_model *m, const int32_t *keys, uint32_t *out);
/* Margin and its exact additive parts: *bias + sum of contribution[feature] == returned margin. A part is the
 * change of a node's expected value along the path (Saabas 2014), in integers; of a linear term the term
 * itself; of clusters minus the squared distance in that feature; of an expected value each step's share, by
 * the mean of both orders (Shapley 1953). contribution: info.features entries. */
int64_t sotto_model_why_q24(const sotto_model *m, const int32_t *keys, int64_t *bias_q24,
                            int64_t *contribution_q24);
/* The same for one output (below info.outputs). */
int64_t sotto_model_why_output_q24(const sotto_model *m, const int32_t *keys, size_t output,
                                   int64_t *bias_q24, int64_t *contribution_q24);

/* ---- Ranking: one customer, many products. What depends on the products alone is done when the catalogue is
 * loaded; margins are those of sotto_model_margin_q24 to the last bit. ---- */
#define SOTTO_RANK_PRODUCTS_MAX 65535
typedef struct sotto_ranking sotto_ranking;
/* Which inner loops. All give the same margins; BEST is for use, the others for tests and measuring. */
enum sotto_rank_path {
    SOTTO_RANK_BEST = 0,
    SOTTO_RANK_PORTABLE,
    SOTTO_RANK_SIMD,       /* the widest vectors of this CPU; UNSUPPORTED where there are none */
    SOTTO_RANK_SIMD_NARROW /* without AVX-512: AVX2 or Advanced SIMD (NEON); UNSUPPORTED likewise */
};
/* The products of a catalogue. Nothing is kept of what it points to. */
typedef struct sotto_rank_shelf {
    size_t products;                 /* 0 .. SOTTO_RANK_PRODUCTS_MAX */
    const uint16_t *product_feature; /* features that are the product's, each once; all others are the
                                        customer's. None depends on both: no source of a recipe does. */
    size_t product_feature_count;
    const int32_t *product_keys; /* products x product_feature_count */
    enum sotto_rank_path path;
} sotto_rank_shelf;
typedef struct sotto_ranking_info {
    size_t products;
    /* Trees by what a candidate costs: nothing (no product's feature changes them), a class and its value
     * (products are alike to the tree), a set of leaves, a walk from the root (more than 64 leaves; every
     * tree of a model of several outputs, of an expected value, with linear terms, or with a category above
     * 65,503). */
    size_t trees_constant, trees_by_class, trees_by_mask, trees_walked;
    size_t arena_bytes;
} sotto_ranking_info;
/* Arena bytes that preparing may take: 8 a tree and product at most, 48 an inner node (112 with
 * categories), 4 a leaf. */
size_t sotto_model_rank_bound(const sotto_model *m, size_t products, size_t product_features);
/* The model must outlive the ranking, which is read-only after this and may be shared between threads. RANGE
 * (too many products), UNSUPPORTED (path), NO_SPACE: the arena is given back and *out is NULL. */
SOTTO_MUST_USE sotto_status sotto_model_rank_prepare(const sotto_ranking **out, const sotto_model *m,
                                                     const sotto_rank_shelf *shelf, sotto_arena *arena,
                                                     sotto_diag *diag);
const sotto_ranking_info *sotto_model_ranking_info(const sotto_ranking *r);
size_t sotto_model_rank_scratch_size(const sotto_ranking *r);
/* The margin of every product for one customer. customer_keys: info.features entries, of which the products'
 * are not looked at; scratch: sotto_model_rank_scratch_size bytes aligned to 16, contents of no meaning
 * before and after; margin_q24: one a product. No allocation, time bounded by trees x products. */
void sotto_model_rank_q24(const sotto_ranking *r, const int32_t *customer_keys, void *scratch,
                          int64_t *margin_q24);

/* ---- The recipe: from profile, product and time to keys ---- */
/* Whether a feature rests on the tag of that number. */
bool sotto_feature_reads(const sotto_feature *f, uint16_t tag_number);
/* Checks that one feature can be computed from this dictionary. NOT_FOUND (tag), CONFLICT (its kind does not
 * fit the transform, the two tags of a change are not alike, the choice is not there, or a tag is not for
 * marketing), UNSUPPORTED (COLUMN). */
SOTTO_MUST_USE sotto_status sotto_feature_check(const sotto_feature *f, const sotto_dictionary *d,
                                                sotto_diag *diag);
/* The number of a TAG feature that passed the check, exactly: mantissa / 10^decimals. false: missing. */
bool sotto_feature_tag_number(const sotto_feature *f, const sotto_profile *profile, int32_t today,
                              int64_t *mantissa, unsigned *decimals);
/* The key of it, as sotto_model_customer_keys computes it; for training tables. */
int32_t sotto_feature_tag_key(const sotto_feature *f, const sotto_profile *profile, int32_t today);
/* The same for feature i of a model, which may compare float64: sotto_model_key. */
int32_t sotto_model_tag_key(const sotto_model *m, size_t i, const sotto_profile *profile, int32_t today);
/* sotto_feature_check of every feature, and UNSUPPORTED for a model of several outputs (a terminal ranks by
 * one) and for expected values (it ranks by a propensity times the campaign's value; sotto/model_tag.h). */
SOTTO_MUST_USE sotto_status sotto_model_bind(const sotto_model *m, const sotto_dictionary *d,
                                             sotto_diag *diag);
typedef struct sotto_model_moment {
    int32_t today;   /* local date, days since 1970-01-01 */
    uint16_t minute; /* local minute of the day */
} sotto_model_moment;
/* Fills the keys of tag and time features (purpose MARKETING); product features are left alone. profile NULL:
 * tag features are missing. */
void sotto_model_customer_keys(const sotto_model *m, const sotto_profile *profile,
                               const sotto_model_moment *moment, int32_t *keys);
/* Fills the keys of product features; value(ctx, name, &mantissa, &decimals) false = missing. */
typedef bool (*sotto_model_attribute)(void *ctx, const char *name, int64_t *mantissa, unsigned *decimals);
void sotto_model_product_keys(const sotto_model *m, sotto_model_attribute value, void *ctx, int32_t *keys);

#endif
