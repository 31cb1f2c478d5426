/* What the learning commands share. Head office only: heap, floats and standard output are allowed here. */
#ifndef SOTTO_HQ_LEARN_LEARN_H
#define SOTTO_HQ_LEARN_LEARN_H

#include "sotto/base.h"
#include "sotto/codec.h"
#include "sotto/fixed.h"
#include "sotto/forge.h"
#include "sotto/model.h"
#include "sotto/port.h"
#include "sotto/tags.h"
#include "sotto/vault.h"

#include <stdio.h>

/* ---- Saying (say.c) ---- */

/* Prints the diagnosis of a failure to standard error. Returns the exit code. */
int learn_finish(sotto_status status, const sotto_diag *diag);
/* A bar on standard error while that is a terminal; nothing otherwise. done == total ends it. */
void learn_progress(const char *what, size_t done, size_t total);
/* 41188 -> "41,188", into out. Returns out. */
const char *learn_grouped(uint64_t v, char out[static 32]);
/* Flushes standard output. IO when anything written there was lost. */
sotto_status learn_flush(sotto_diag *diag);
/* v with that many digits, as JSON; null when it is not finite. */
void learn_json_real(sotto_json_writer *w, const char *name, double v, unsigned decimals);
/* Prints what a writer made and a newline. */
sotto_status learn_json_print(const sotto_json_writer *w, sotto_diag *diag);

/* ---- What a command reads (input.c) ---- */

/* Dictionary, recipe and model of a command, and the memory they live in. All zero = empty. */
typedef struct learn_input {
    void *memory;
    sotto_arena arena;
    sotto_dictionary *dictionary; /* NULL: none given */
    const char *beside;           /* its path when only a recipe was given; else NULL */
    bool has_recipe;
    sotto_recipe recipe;
    sotto_vec model_file;
    void *model_memory;
    const sotto_model *model; /* NULL: none opened */
} learn_input;
sotto_status learn_input_init(learn_input *in, sotto_diag *diag);
void learn_input_free(learn_input *in);
/* Paths may be NULL. A recipe without a dictionary takes dictionary.json in its folder and says so on
 * standard error; USAGE when none is there. */
sotto_status learn_input_read(learn_input *in, const char *dictionary, const char *recipe, sotto_diag *diag);
sotto_status learn_input_model(learn_input *in, const char *path, sotto_diag *diag);
/* Loads what stands in model_file. */
sotto_status learn_input_load(learn_input *in, sotto_diag *diag);
/* What a model is called when no name was given: its file's name without folder and ending. */
void learn_model_name(const char *given, const char *path, char *out, size_t cap);
/* Whole file; bytes are taken from the heap. */
sotto_status learn_read_file(const char *path, sotto_vec *out, sotto_diag *diag);
/* Sets diag->where to path when nothing more exact is there. */
sotto_status learn_place(sotto_status status, const char *path, sotto_diag *diag);

/* ---- A table of features (table.c, field.c) ---- */

/* How to read rows. features + dictionary: a TAG feature comes from the column called by its tag's id, by the
 * dictionary and the recipe, as a terminal computes it; without a dictionary, and for other features, from
 * the column of the feature's name, as a number. */
typedef struct learn_plan {
    const sotto_model *model; /* keys as this model wants them; NULL: of float32 */
    const sotto_feature *features;
    size_t feature_count;
    const sotto_dictionary *dictionary; /* NULL: every column holds the feature itself */
    const char *label;                  /* NULL: no label */
    const char *weight;                 /* NULL: every row weighs 1 */
    const char *target; /* NULL, or a column of numbers from least to most, whole ones if so */
    double target_least, target_most;
    bool target_whole;
    const char *group;       /* NULL, or a column by whose words rows belong together; they stand together */
    bool label_optional;     /* read without labels when the table has no such column */
    const char *positive;    /* NULL: 1, yes, true against 0, no, false */
    const char *names;       /* NULL, or the header that the table lacks: "a,b,c" */
    const char *today;       /* YYYY-MM-DD or NULL */
    const char *date_column; /* NULL: "date" when the table has it */
} learn_plan;
typedef struct learn_table {
    size_t rows, features;
    int32_t *keys; /* rows x features, order keys */
    double
        *values; /* rows x features, as the table has them; NULL unless the plan's model compares float64 */
    uint8_t *labels;  /* rows, 0 or 1; NULL without a label */
    float *weights;   /* rows, 0 to 1e6; NULL unless the plan names their column */
    float *targets;   /* likewise */
    uint32_t *groups; /* rows, from 0 on without a gap; likewise */
    size_t group_count;
    size_t positives;
} learn_table;
/* NOT_FOUND (a column that is needed), MALFORMED, RANGE (a field, with file and line; never its value). */
sotto_status learn_table_read(learn_table *t, const learn_plan *plan, const char *path, sotto_diag *diag);
void learn_table_free(learn_table *t);
float learn_key_float(int32_t key);
/* A number of a table as the key of the model's feature; without a model (NULL), or when it compares float32,
 * that of the nearest float32. "" is missing. false when it is no number. */
bool learn_field_key(const sotto_model *m, size_t feature, sotto_span text, int32_t *key);
/* The number as float64; NaN when it is missing. Only for texts that learn_field_key took. */
double learn_field_value(sotto_span text);
bool learn_field_label(sotto_span text, const char *positive, uint8_t *out);
bool learn_field_date(sotto_span text, int32_t *day);
/* A column's name as a tag's id: lower case, other characters become '_', at most 64. */
void learn_column_id(sotto_span name, char out[static 65]);

/* ---- Held-out rows (split.c) ---- */

enum learn_split_kind { LEARN_SPLIT_RANDOM, LEARN_SPLIT_TIME };
typedef struct learn_split {
    enum learn_split_kind kind;
    int64_t seed;
    int64_t holdout_percent; /* 0..90 */
} learn_split;
const char *learn_split_name(enum learn_split_kind kind);
bool learn_split_find(const char *name, enum learn_split_kind *out);
bool learn_split_held_out(const learn_split *s, size_t row, size_t rows);
/* Of the rows that are trained on: one in ten, for early stopping only (the last tenth in time order). */
bool learn_split_watched(const learn_split *s, size_t row, size_t rows);

/* What a row is for. */
enum learn_use { LEARN_JUDGED = 0, LEARN_TRAINED, LEARN_WATCHED, LEARN_LEFT_OUT };
/* Folds of cross-validation. RANDOM: by a hash of seed and row, each row judged once. TIME (rolling origin):
 * count + 1 blocks in the rows' order; fold k is trained on the blocks up to k and judged by the next one,
 * the rest is left out. */
typedef struct learn_folds {
    enum learn_split_kind kind;
    int64_t seed;
    size_t count;
} learn_folds;
/* pool[row] is not 0: the row takes part. use: one learn_use a row. */
void learn_folds_use(const learn_folds *f, size_t fold, const uint8_t *pool, size_t rows, uint8_t *use);
/* Of the rows that are TRAINED one in ten becomes WATCHED: by a hash, or the last ones. */
void learn_watch(enum learn_split_kind kind, int64_t seed, size_t rows, uint8_t *use);
/* A draw of SplitMix64; also a hash of (seed, number) when given two of them. */
uint64_t learn_mix(uint64_t v);

/* ---- Figures (metric.c) ---- */

/* Area under the ROC curve, ties count half (Mann-Whitney U by ranks). NAN when a class is empty or memory is
 * out. */
double learn_auc(const double *score, const uint8_t *label, size_t n);
/* Mean of -ln p(label) by the margin. */
double learn_logloss(const double *margin, const uint8_t *label, size_t n);
/* Standard error of the area (DeLong, DeLong and Clarke-Pearson 1988, by mid-ranks: Sun and Xu 2014). NAN as
 * above, and when a class has one row. */
double learn_auc_error(const double *score, const uint8_t *label, size_t n);
/* Share of the positives among the best `contacted` (0..1) of the rows; equal scores are taken in parts. NAN
 * when there are none. */
double learn_reach(const double *score, const uint8_t *label, size_t n, double contacted);
/* Mean of (p - label)^2. */
double learn_brier(const double *p, const uint8_t *label, size_t n);
/* Expected calibration error: rows sorted by p in `bins` groups of equal size, the mean of |mean p - share of
 * positives| by the groups' sizes (Naeini, Cooper and Hauskrecht 2015). */
double learn_ece(const double *p, const uint8_t *label, size_t n, size_t bins);
double learn_probability_of(double margin); /* 1 / (1 + e^-margin) */
/* Mean of -ln p(label) by probabilities, held within 2^-31 of 0 and 1. */
double learn_logloss_of(const double *p, const uint8_t *label, size_t n);

/* ---- XGBoost (booster.c; booster_none.c says UNSUPPORTED) ---- */

typedef struct learn_settings {
    int64_t rounds, depth, seed, early_stop, threads;
    double eta, min_child_weight, subsample, colsample, lambda;
    double
        positive_weight; /* of a positive row; 0: balanced, as many times as there are more negative ones */
    const int8_t *monotone; /* one a feature: 1 never falls with it, -1 never rises, 0 free; NULL: all free */
    bool quiet;
    bool watch;  /* judge every round by the rows that are watched, but do not stop by them */
    bool by_auc; /* ... by the area under the ROC curve, not by log loss */
    /* NULL: yes or no, from the table's labels; else XGBoost's word for what to learn from its targets, */
    const char *objective;
    double base_score; /* where that starts, */
    size_t classes;    /* and how many there are: 1, or of several classes */
} learn_settings;
typedef struct learn_pair {
    const char *name;
    char value[256];
} learn_pair;

bool learn_booster_there(void);
typedef struct learn_booster learn_booster;
/* Trains on the rows where use[row] is 1; stops early by those where it is 2. names: one a feature. */
sotto_status learn_booster_train(learn_booster **out, const learn_table *t, const uint8_t *use,
                                 const sotto_feature *features, const learn_settings *s, sotto_diag *diag);
sotto_status learn_booster_load(learn_booster **out, sotto_span json, sotto_diag *diag);
size_t learn_booster_trees(const learn_booster *b); /* that count: up to the best round */
/* With watch: what each round brought, the smaller the better (the area is negated). settings.rounds entries;
 * NULL otherwise. */
const double *learn_booster_curve(const learn_booster *b);
sotto_status learn_booster_set(learn_booster *b, const learn_pair *attributes, size_t n, sotto_diag *diag);
/* Writes the model's JSON to a file; *bytes is its size. */
sotto_status learn_booster_save(learn_booster *b, const char *path, size_t *bytes, sotto_diag *diag);
sotto_status learn_booster_json(learn_booster *b, sotto_vec *out, sotto_diag *diag);
/* Margins of rows [first, first + n): out n floats. */
sotto_status learn_booster_margins(learn_booster *b, const learn_table *t, size_t first, size_t n, float *out,
                                   sotto_diag *diag);
/* Those of several outputs, row after row: out n x outputs floats. */
sotto_status learn_booster_outputs(learn_booster *b, const learn_table *t, size_t first, size_t n,
                                   size_t outputs, float *out, sotto_diag *diag);
/* Leaves, n x trees, as XGBoost numbers them. */
sotto_status learn_booster_leaves(learn_booster *b, const learn_table *t, size_t first, size_t n,
                                  size_t trees, uint32_t *out, sotto_diag *diag);
void learn_booster_free(learn_booster *b); /* NULL allowed */

/* ---- Independent readings of trained models, in floats (learn_walker*.c) ---- */

enum learn_source {
    LEARN_SOURCE_XGBOOST,
    LEARN_SOURCE_LIGHTGBM,
    LEARN_SOURCE_ONNX,
    LEARN_SOURCE_SCORECARD,
    LEARN_SOURCE_KMEANS
};
/* What can be compiled, and what reads it a second time for the proof (source.c). */
typedef struct learn_source_kind {
    const char *name; /* of --from */
    sotto_status (*compile)(sotto_span file, const sotto_forge_options *options, sotto_vec *out,
                            sotto_forge_report *report, sotto_diag *diag);
    enum learn_source walker;
} learn_source_kind;
const learn_source_kind *learn_source_named(const char *name); /* NULL: no such kind */
/* By what the file begins with or holds. NULL: it may be anything. */
const learn_source_kind *learn_source_guess(sotto_span file);
/* Trees of a model; the leaf that clusters have is none. */
size_t learn_trees_of(const sotto_model_info *info);
/* "trees", "linear", ...; "logistic", ... */
const char *learn_kind_name(const sotto_model_info *info);
const char *learn_link_name(enum sotto_model_link link);
typedef struct learn_walker learn_walker;
/* A source that is read a second time. */
typedef struct learn_origin {
    enum learn_source source;
    sotto_span file;
    const char *name;
    const sotto_dictionary *dictionary; /* NULL, or what words that the source encodes mean */
} learn_origin;
sotto_status learn_walker_load(learn_walker **out, const learn_origin *origin, const sotto_model *m,
                               sotto_diag *diag);
void learn_walker_free(learn_walker *w);
/* What a reading makes of one row. */
typedef struct learn_walked {
    uint32_t *leaves;                     /* one a tree, as the source counts them */
    double sums[SOTTO_MODEL_OUTPUTS_MAX]; /* leaves and terms of each output, exact to a double (at most 4,096
                                             floats); of clusters minus the squared distance */
    double
        sizes[SOTTO_MODEL_OUTPUTS_MAX];  /* the same of their magnitudes; infinite: nothing can be compared */
    double own[SOTTO_MODEL_OUTPUTS_MAX]; /* ONNX: what the runtime's float32 adds up to; else NAN */
    double gap;                          /* of clusters: how much farther the second nearest is; else 0 */
} learn_walked;
/* x: one value a feature, NaN = missing. Not for two threads at a time. */
void learn_walker_row(const learn_walker *w, const double *x, learn_walked *out);

/* ---- Proof of a compiled model (proof.c) ---- */

typedef struct learn_proof {
    size_t rows, trees, leaves_differ; /* trees: whose leaves were compared; 0 when the source has none */
    size_t differs_row, differs_tree;  /* the first of those, and what each had there */
    uint32_t leaf_ours, leaf_theirs;
    double margin_difference; /* largest |integer - exact sum of float leaves| over the rows, bias left out */
    double tool_difference; /* largest |integer - the float32 sum of the source's runtime|; NAN: not known */
    const char *tool;       /* "XGBoost's own", ...; NULL: not compared */
    bool by_tool;           /* leaves were compared with XGBoost's own too */
    size_t near; /* clusters: rows whose two nearest centroids are closer than what rounding allows */
    size_t held; /* rows that no bound is promised for: terms or coordinates out of reach */
    bool has_auc;
    size_t held_out;
    double auc_float, auc_integer, logloss_float, logloss_integer;
} learn_proof;
/* INTERNAL when a margin is further from the exact sum of the source's leaves and terms than the model's
 * bound, or from XGBoost's own by more than that and the rounding of its float32 sum: naming row and output.
 * Leaves that differ are counted. */
sotto_status learn_prove(learn_proof *p, const sotto_model *m, const learn_origin *origin,
                         const learn_table *t, const learn_split *split, sotto_diag *diag);

/* ---- What training left in a model (provenance.c) ---- */

/* The value of a provenance line "name=value", copied; "" when it is not there. */
void learn_provenance(const sotto_model *m, const char *name, char *out, size_t cap);
/* What the command line says (NULL: nothing), else what training left in the model; "" when neither did. */
void learn_choose(const char *given, const sotto_model *m, const char *name, char out[static 256]);
/* The same of a number (below 0: not given); otherwise when neither says one. */
int64_t learn_choose_number(int64_t given, const sotto_model *m, const char *name, int64_t otherwise);
/* Without the folder: a path of this machine is nobody else's business. */
const char *learn_file_name(const char *path);

/* ---- Sub-commands of model ---- */
int learn_cmd_compile(int argc, char **argv);
int learn_cmd_combine(int argc, char **argv);
int learn_cmd_predict(int argc, char **argv);
int learn_cmd_check(int argc, char **argv);
int learn_cmd_features(int argc, char **argv);
int learn_cmd_calibrate(int argc, char **argv);

#endif
