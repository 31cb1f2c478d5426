/* sotto-hq model report: what its files share.
 *
 *   report  the command;             rows   the table: rows judged, their scores, slices' columns
 *   curve   curves and slices;       exact  the compiled model against the trained one, step by step
 *   page    words and plots;         json   the same as JSON
 */
#ifndef SOTTO_HQ_REPORT_REPORT_H
#define SOTTO_HQ_REPORT_REPORT_H

#include "evaluate/evaluate.h"
#include "page/page.h"

enum {
    REPORT_CURVE_MAX = 256,  /* points of a curve */
    REPORT_GAIN_POINTS = 51, /* every 2 % of contacts */
    REPORT_BINS_MAX = 50,
    REPORT_SCORE_BINS = 24,
    REPORT_SLICES_MAX = 12,
    REPORT_SCALES = 7,
    REPORT_COUNTS_MAX = 16,
    REPORT_DECILES = 10,
    REPORT_CLASSES_SHOWN = 12
};

typedef struct report_options {
    const char *model, *table, *source, *dictionary, *label, *positive, *split, *today, *date_column,
        *time_column, *known_column, *instructions, *out;
    int64_t output;              /* -1: not given */
    int64_t holdout, seed, bins; /* holdout, seed: -1: as training left them */
    double reach, contacts, confidence;
    bool json;
} report_options;

typedef struct report_slice {
    char name[96];
    size_t rows, positives;
    double score; /* mean */
    double auc;   /* NAN: too few of a class */
    eval_interval auc_interval, rate_interval;
} report_slice;

typedef struct report_slices {
    report_slice slice[REPORT_SLICES_MAX];
    size_t count;
} report_slices;

/* How much a tag (or feature) moves margins: the mean of |contribution| over the rows, from the integer
 * reasons. */
typedef struct report_weight {
    const char *name;
    double mean;
    size_t features;
} report_weight;

/* Leaves kept as integers of 2^-bits. */
typedef struct report_scale {
    unsigned bits;
    double bound; /* of a margin, for any row */
    double worst; /* over the rows */
    double auc;
} report_scale;

/* A line of tests/bench/count.sh. */
typedef struct report_count {
    size_t products;
    char way[16];
    double instructions; /* a candidate and tree, armv7 */
} report_count;

typedef struct report_curve {
    double x[REPORT_CURVE_MAX], y[REPORT_CURVE_MAX];
    size_t points;
} report_curve;

/* What is judged: the answers that a model gives. */
enum report_kind { REPORT_YES_NO, REPORT_CLASSES, REPORT_AMOUNT, REPORT_CLUSTERS };

/* A tenth of the rows, by rising answer. */
typedef struct report_decile {
    size_t rows;
    double said, happened, error; /* means; error: of |said - happened| */
    eval_interval interval;       /* of what happened */
} report_decile;
typedef struct report_amounts {
    double rmse, mae, said, happened;   /* means */
    double rmse_constant, mae_constant; /* of the rows' mean and median for everybody */
    double explained;                   /* 1 - the squared errors' share of the variance */
    report_decile decile[REPORT_DECILES];
    size_t deciles;
} report_amounts;

typedef struct report_class {
    size_t rows, chosen, right; /* that are of it, that were given to it, both */
    double said;                /* mean probability */
    double auc;                 /* one against the rest; NAN: none or all are of it */
    eval_interval auc_interval;
} report_class;
typedef struct report_classes {
    report_class class[SOTTO_MODEL_OUTPUTS_MAX];
    report_curve roc[REPORT_CLASSES_SHOWN];
    size_t confused[REPORT_CLASSES_SHOWN][REPORT_CLASSES_SHOWN]; /* [happened][chosen] */
    double logloss, base_logloss, right;
} report_classes;

typedef struct report_cluster {
    size_t rows;
    double mean, median, far; /* of distances; far: 90 % are nearer */
} report_cluster;
typedef struct report_clusters {
    report_cluster *cluster; /* heap */
    double *feature;         /* heap: mean of each feature in each cluster; NAN: no value there */
    double mean;
    size_t empty;
} report_clusters;

typedef struct report {
    const report_options *o;
    enum report_kind kind;
    const char *unit; /* of a margin: "log-odds", ... */
    size_t output;    /* of several amounts: which one */
    double *answer;   /* judged rows x outputs: probabilities of classes; amounts; distances */
    uint32_t *chosen; /* judged rows: class or cluster */
    double *happened; /* judged rows: the target */
    bool has_scales;  /* leaves were rounded to each scale */
    report_amounts amounts;
    report_classes classes;
    report_clusters clusters;
    const sotto_model *model;
    const sotto_model_info *info;
    const sotto_dictionary *dictionary; /* NULL: none */

    /* Rows. */
    learn_table table;
    char label[256];
    learn_split split;
    bool held_out;          /* else every row of the table is judged */
    bool unseen;            /* by training, as the model itself says */
    size_t *row;            /* of the table, for each judged row */
    eval_scored scored;     /* judged rows by margin: what ranks, calibrated or not */
    eval_scored said;       /* the same by probability */
    double *margin, *score; /* scored.score, said.score */
    uint8_t *judged_label;  /* scored.label */
    double
        sigmoid_worst; /* largest difference of a probability to 1 / (1 + e^-margin); NAN when calibrated */
    size_t positives;
    eval_column time, known;

    /* Curves. */
    report_curve roc;
    double gain[REPORT_GAIN_POINTS], lift[REPORT_GAIN_POINTS], contact[REPORT_GAIN_POINTS];
    eval_bin bin[REPORT_BINS_MAX];
    size_t bins, bins_off;
    double score_at[REPORT_SCORE_BINS], score_yes[REPORT_SCORE_BINS], score_no[REPORT_SCORE_BINS];
    double auc, logloss, brier, base_logloss, mean_score, rate;
    eval_interval auc_interval;
    double share_for_reach; /* contacts that reach o->reach of the buyers */
    double reached;         /* by o->contacts */
    report_slices by_time, by_known;
    report_weight *weight; /* falling */
    size_t weights;

    /* Against the source. */
    bool has_source;
    size_t source_bytes;
    learn_proof proof;
    report_scale scale[REPORT_SCALES];
    double float32_worst; /* of the same leaves summed in float32, to their exact sum */
    report_count count[REPORT_COUNTS_MAX];
    size_t counts;
} report;

/* Reads and scores the table. */
sotto_status report_rows(report *r, sotto_diag *diag);
void report_rows_free(report *r);
/* What to call rows that are judged: "8,170 held-out rows". */
void report_rows_name(const report *r, char *out, size_t cap);

/* Everything that the scores say. */
sotto_status report_curves(report *r, sotto_diag *diag);
void report_roc(report_curve *c, const eval_scored *s, size_t positives);
/* The same of what is neither yes nor no (other.c, classes.c, amounts.c,
 * clusters.c).
 */
sotto_status report_other(report *r, sotto_diag *diag);
sotto_status report_judge_amounts(report *r, sotto_diag *diag);
sotto_status report_judge_classes(report *r, sotto_diag *diag);
sotto_status report_judge_clusters(report *r, sotto_diag *diag);
void report_other_free(report *r);
void report_other_page(const report *r, page *p); /* what was judged, in words, plots and tables */
void report_other_json(const report *r, sotto_json_writer *w);
void report_other_say(const report *r); /* one line of the command's answer */
void report_page_amounts(const report *r, page *p);
void report_page_classes(const report *r, page *p);
void report_page_clusters(const report *r, page *p);
void report_json_amounts(const report *r, sotto_json_writer *w);
void report_json_classes(const report *r, sotto_json_writer *w);
void report_json_clusters(const report *r, sotto_json_writer *w);
sotto_status report_slices_of(report *r, sotto_diag *diag); /* slice.c */
sotto_status report_weights(report *r, sotto_diag *diag);   /* weight.c */

/* CONFLICT: the source is not what the model was compiled from. */
sotto_status report_exact(report *r, sotto_diag *diag);
sotto_status report_counts(report *r, sotto_diag *diag);

sotto_status report_page(const report *r, page *p, sotto_diag *diag);
/* Parts of the page. */
void report_draw_gain(const report *r, page *p);
void report_draw_roc(const report *r, page *p);
void report_draw_lift(const report *r, page *p);
void report_draw_distribution(const report *r, page *p);
void report_draw_calibration(const report *r, page *p);
void report_draw_weights(const report *r, page *p);
void report_draw_scales(const report *r, page *p);
/* shape: PAGE_TRACK for parts that follow one another, PAGE_DOTS for others. */
void report_draw_slices(const report_slices *s, enum page_shape shape, const char *by, page *p);
void report_table_slices(const report_slices *s, const char *caption, page *p);
void report_table_scales(const report *r, page *p);
void report_table_steps(const report *r, page *p);
void report_say_floats(const report *r, page *p);
/* What a score takes elsewhere: a_test is NAN where nobody counted. */
enum { REPORT_TARGETS = 4 };
typedef struct report_target {
    const char *name;
    double a_test; /* instructions, as the bench counted them */
    const char *command;
} report_target;
const report_target *report_target_at(size_t i);
/* Instructions of a score at most; NAN when there is no figure for the target or for such a model. */
double report_target_estimate(const report *r, const report_target *t);
void report_table_targets(const report *r, page *p);
void report_table_counts(const report *r, page *p);
void report_table_made_of(const report *r, page *p);
void report_table_provenance(const report *r, page *p);
void report_table_features(const report *r, page *p);

void report_json(sotto_json_writer *w, const void *report);

/* sotto-hq model report */
int report_cmd(int argc, char **argv);

#endif
