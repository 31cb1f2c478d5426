/* forge: compilers from the usual tools' model files to .sotto, and the proof that the result is the trained
 * model. Head office only. No function keeps state: different threads may compile at once. */
#ifndef SOTTO_FORGE_H
#define SOTTO_FORGE_H

#include "sotto/base.h"
#include "sotto/codec.h"
#include "sotto/model.h"
#include "sotto/tags.h"

/* The recipe file (docs/formats/recipe.md): which tags, product attributes and times, by which transform,
 * become which feature. */
typedef struct sotto_recipe {
    sotto_feature *features; /* arena */
    size_t count;
} sotto_recipe;
/* Reads and checks a recipe against a dictionary. MALFORMED, RANGE, NOT_FOUND (tag, choice), CONFLICT (kind
 * or purpose), NO_SPACE, NO_MEMORY; with the JSON path. */
SOTTO_MUST_USE sotto_status sotto_recipe_load(sotto_recipe *out, sotto_span json, const char *name,
                                              const sotto_dictionary *d, sotto_arena *arena,
                                              sotto_diag *diag);

/* What is compiled, and how. */
typedef struct sotto_forge_options {
    const char *file_name;              /* of the source, for messages */
    const char *model_name;             /* at most 64 bytes of UTF-8 */
    const sotto_recipe *recipe;         /* NULL: features are plain columns */
    const sotto_dictionary *dictionary; /* NULL, or the recipe's: for words that the source encodes */
    const uint8_t *source_sha256;       /* 32 bytes, kept in the model; NULL: not known */
    double max_error; /* what the margin (of clusters: a distance) may be off by; 0: anything. Where the
                         margin is the answer (identity link) and can be beyond 1, and for distances, times
                         the largest magnitude: |bias| and each tree's largest |leaf|, added; of clusters, the
                         reach of a coordinate. The scale is always the finest at which every value fits 32
                         bits, at most 2^24: a bound that passes this is RANGE. Not looked at by combine. */
} sotto_forge_options;

typedef struct sotto_forge_report {
    size_t trees, nodes, leaves, features, thresholds, terms, clusters;
    int64_t margin_error_q24;  /* bound: the largest leaf rounding of each tree, summed, half a unit a term,
                                  and the bias's; of clusters: of a distance */
    int64_t error_allowed_q24; /* what max_error came to; INT64_MAX: anything */
    size_t bytes;
    unsigned scale_bits; /* of leaves and biases: 24, or fewer where one is too large for that */
} sotto_forge_report;

/* XGBoost JSON or UBJSON, 1.x to 3.x: gbtree, dart and gblinear; one output with logistic, identity or log
 * link, several with softmax; numeric splits, splits by categories, missing values; num_parallel_tree.
 * Features are named as in the file (or f0, f1, ...); with a recipe, each must be one of the recipe's, and
 * features without names are the recipe's in its order. The margin is bias + sum of leaves; bias is what
 * XGBoost makes of base_score, in its float32. The attribute best_iteration, when present, cuts the trees;
 * all attributes are kept as provenance.
 *
 * Appends the model to out, after loading it once as a terminal would. Heap only while it runs. Errors, with
 * the JSON path or the tree and node: MALFORMED, RANGE (a number that is not a finite float32, a leaf beyond
 * 2^23), UNSUPPORTED (what would not score exactly as there), NOT_FOUND and CONFLICT (recipe), NO_MEMORY. out
 * keeps its length then. */
SOTTO_MUST_USE sotto_status sotto_forge_xgboost(sotto_span file, const sotto_forge_options *options,
                                                sotto_vec *out, sotto_forge_report *report, sotto_diag *diag);
/* A file of XGBoost's as strict JSON: UBJSON is turned into text, NaN and infinities (which XGBoost writes
 * where a number is of no use) into empty lists, which no number can be read from. *file is replaced when it
 * must be; text (freed by the caller in any case) then holds it. */
SOTTO_MUST_USE sotto_status sotto_forge_xgboost_json(sotto_span *file, sotto_vec *text, const char *file_name,
                                                     sotto_diag *diag);

/* ONNX as scikit-learn's exporters write it: one TreeEnsembleClassifier or -Regressor, LinearClassifier or
 * -Regressor, and before it Scaler, Imputer, OneHotEncoder, Concat, choice of columns and arithmetic with
 * constants (docs/learning.md). Trees: every float32 goes where the runtime's float32 arithmetic sends it,
 * since the steps before a threshold are monotone and are undone by search. An input of several columns has
 * features f0, f1, ... (or the recipe's, in order). Errors name node and attribute: MALFORMED, RANGE,
 * UNSUPPORTED, NOT_FOUND and CONFLICT (recipe), NO_MEMORY. */
SOTTO_MUST_USE sotto_status sotto_forge_onnx(sotto_span file, const sotto_forge_options *options,
                                             sotto_vec *out, sotto_forge_report *report, sotto_diag *diag);
/* Scorecards and linear models, CSV or JSON (docs/formats/scorecard.md): the bins of a feature become a tree
 * with a leaf each, numbered as they stand (in order of their values), coefficients linear terms. Errors with
 * the line or the JSON path: MALFORMED, RANGE, NOT_FOUND and CONFLICT (recipe), UNSUPPORTED, NO_MEMORY. */
SOTTO_MUST_USE sotto_status sotto_forge_scorecard(sotto_span file, const sotto_forge_options *options,
                                                  sotto_vec *out, sotto_forge_report *report,
                                                  sotto_diag *diag);
/* k-means centroids, CSV or JSON (docs/formats/kmeans.md). Errors likewise. */
SOTTO_MUST_USE sotto_status sotto_forge_kmeans(sotto_span file, const sotto_forge_options *options,
                                               sotto_vec *out, sotto_forge_report *report, sotto_diag *diag);

/* LightGBM text, versions 2 to 4: numeric splits with its three kinds of missing values and float64
 * thresholds, splits by categories; objectives with one output or softmax. Leaves are numbered as LightGBM's
 * pred_leaf does. Keys of such a model come from sotto_model_key. Errors as above, with the line or the tree
 * and node; linear trees and random forests (average_output) are UNSUPPORTED. */
SOTTO_MUST_USE sotto_status sotto_forge_lightgbm(sotto_span text, const sotto_forge_options *options,
                                                 sotto_vec *out, sotto_forge_report *report,
                                                 sotto_diag *diag);

/* Two models, compiled before, as one of two steps (link VALUE or VALUE_EXP): its margin is the probability
 * of the first (logistic link, calibrated or not) times the amount of the second (identity or log link).
 * Trees, terms, thresholds and reasons are theirs; a feature of the same name in both must come from the same
 * source, and is one. Where only one compared float64, the other's thresholds become those float64 that send
 * every value the same way. Values of both stand at the coarser of their scales, which the report's error (of
 * an expected value, whatever the row) counts. options: file_name is the propensity's, recipe is not looked
 * at. Appends to out, after loading it once; out keeps its length on failure. Of the loader's causes, with
 * the file; UNSUPPORTED (another kind, link or number of outputs; terms beside thresholds of float64),
 * CONFLICT (a feature that is made otherwise), RANGE (too many trees or features), NO_MEMORY. */
SOTTO_MUST_USE sotto_status sotto_forge_combine(sotto_span propensity, sotto_span amount,
                                                const char *amount_name, const sotto_forge_options *options,
                                                sotto_vec *out, sotto_forge_report *report, sotto_diag *diag);

/* What goes between margin and probability (docs/formats/model.md, CALI). */
typedef struct sotto_calibration {
    enum sotto_calibration_kind kind; /* NONE takes an old one away */
    int64_t slope_q24, offset_q24;    /* PLATT: 1 .. 2^30, -2^30 .. 2^30 */
    size_t points;                    /* ISOTONIC: 1 .. SOTTO_CALIBRATION_POINTS_MAX */
    const int64_t *margin_q24;        /* ascending, within +-2^32 */
    const uint32_t *p_q30;            /* never falling, 0 .. 2^30 */
} sotto_calibration;
#define SOTTO_CALIBRATION_POINTS_MAX 4096

/* The same model with that calibration instead of the one it had. provenance: lines
 * "sotto.calibration...=value" that take the place of such lines. Appends to out, after loading it once; out
 * keeps its length when it fails. Of the loader's causes, and NO_MEMORY; RANGE when the provenance does not
 * fit. */
SOTTO_MUST_USE sotto_status sotto_forge_calibrate(sotto_span model, const sotto_calibration *calibration,
                                                  sotto_span provenance, sotto_vec *out, sotto_diag *diag);

#endif
