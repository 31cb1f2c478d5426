/* sotto-hq model report: what its files share.
 *
 *   report        the command;             report_rows    the table: rows judged, their scores, slices'
 * columns report_curve  curves and slices;       report_exact   the compiled model against the trained one,
 * step by step report_page   words and plots;         report_json    the same as JSON
 */
#ifndef SOTTO_HQ_REPORT_PRIV_H
#define SOTTO_HQ_REPORT_PRIV_H

#include "evaluate_priv.h"
#include "page.h"

enum {
    REPORT_CURVE_MAX = 256,  /* points of a curve */
    REPORT_GAIN_POINTS = 51, /* every 2 % of contacts */
    REPORT_BINS_MAX = 50,
    REPORT_SCORE_BINS = 24,
    REPORT_SLICES_MAX = 12,
    REPORT_SCALES = 7,
    REPORT_COUNTS_MAX = 16
};

typedef struct report_options {
    const char *model, *table, *source, *dictionary, *label, *positive, *split, *today, *date_column,
        *time_column, *known_column, *instructions, *out;
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

typedef struct report {
    const report_options *o;
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
    double roc_x[REPORT_CURVE_MAX], roc_y[REPORT_CURVE_MAX];
    size_t roc_points;
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
/* Rows [first, first + n) of `order`, which holds indices of judged rows. */
sotto_status report_slice_of(const report *r, const size_t *order, size_t n, report_slice *out,
                             sotto_diag *diag);
sotto_status report_slices_of(report *r, sotto_diag *diag); /* report_slice.c */
sotto_status report_weights(report *r, sotto_diag *diag);   /* report_weight.c */

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
void report_table_targets(const report *r, page *p);
void report_table_counts(const report *r, page *p);
void report_table_made_of(const report *r, page *p);
void report_table_provenance(const report *r, page *p);
void report_table_features(const report *r, page *p);

void report_json(sotto_json_writer *w, const void *report);

#endif
