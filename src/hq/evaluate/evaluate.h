/* What the judging commands share. Head office only: heap, doubles and standard output are allowed here.
 *
 *   table    columns of a CSV, by name
 *   stat     intervals: normal, Wilson, Newcombe, bootstrap
 *   say      figures with their intervals, as text and as JSON
 *   metric   AUC, losses, gain, calibration;   rank   MRR, NDCG, HR, customer by customer
 *   qini     uplift curves;   target   models of whom to treat
 *   ope      off-policy estimators;   totals   the same from terminals' totals
 *   buys     files of buys;   bgnbd   who will buy again, and how much
 *   fit      a maximum, by NLopt;   curvature   how sure it is
 *   predictions, uplift, target, policy, value   the commands
 */
#ifndef SOTTO_HQ_EVALUATE_EVALUATE_H
#define SOTTO_HQ_EVALUATE_EVALUATE_H

#include "learn/learn.h"
#include "office/args.h"

/* ---- Columns (table.c) ---- */

enum eval_kind { EVAL_NUMBER, EVAL_LABEL, EVAL_CODE };

/* Different texts, numbered in order of their first appearance. */
typedef struct eval_words eval_words;
size_t eval_words_count(const eval_words *w);
const char *eval_words_at(const eval_words *w, size_t code);
/* -1 when it is not there. */
int64_t eval_words_find(const eval_words *w, const char *text);

typedef struct eval_column {
    const char *name; /* as in the file's header; NULL: not read */
    enum eval_kind kind;
    const char *positive;    /* LABEL: the word that counts as 1; NULL: 1, yes, true against 0, no, false */
    bool optional;           /* may be missing in the file: nothing is set then */
    double *number;          /* NUMBER: one a row, finite */
    uint8_t *label;          /* LABEL: one a row, 0 or 1 */
    uint32_t *code;          /* CODE: one a row, index into words */
    const eval_words *words; /* CODE */
    void *own;               /* of table.c */
} eval_column;

/* Reads these columns of path (CSV with a header; , ; or tab, also .xz). NOT_FOUND (a column), MALFORMED (a
 * field, with file and line, never its value), RANGE. Give back with eval_table_free, also after a failure.
 */
sotto_status eval_table_read(eval_column *columns, size_t count, const char *path, size_t *rows,
                             sotto_diag *diag);
void eval_table_free(eval_column *columns, size_t count);
/* A finite decimal number. */
bool eval_number(sotto_span text, double *out);

/* ---- Chance (stat.c) ---- */

typedef struct eval_interval {
    double low, high; /* NAN: unknown */
} eval_interval;

/* A figure with its interval. */
typedef struct eval_figure {
    const char *name; /* in JSON: a_short_name */
    const char *text; /* in words */
    double value;     /* NAN: cannot be computed from this data */
    eval_interval interval;
    bool percent; /* say it times 100 */
} eval_figure;

/* How intervals are made; the last members of every command's options. */
typedef struct eval_chance {
    int64_t rounds;    /* bootstrap samples; 0: no bootstrap */
    int64_t seed;      /* of the bootstrap, of splits and of ties */
    double confidence; /* percent */
} eval_chance;
/* Versions of clang-format disagree on braces in macros. */
/* clang-format off */
#define EVAL_CHANCE_DEFAULT {.rounds = 1000, .seed = 1, .confidence = 95}
/* "--bootstrap", "--seed", "--confidence". */
#define EVAL_CHANCE_OPTIONS(c)                                                                                         \
    {"--bootstrap", HQ_NUMBER, &(c)->rounds, false, 0, 1000000}, {"--seed", HQ_NUMBER, &(c)->seed, false, 0, INT32_MAX},       \
    {"--confidence", HQ_REAL, &(c)->confidence, false, 50, 99.99}
/* clang-format on */

/* SplitMix64 (Steele, Lea, Flood, "Fast splittable pseudorandom number generators", 2014). */
uint64_t eval_random(uint64_t *state);
/* A hash of (seed, n) with the same finaliser: equal on every machine. */
uint64_t eval_hash(int64_t seed, uint64_t n);
/* z with P(|Z| <= z) = confidence / 100, Z standard normal. */
double eval_z(double confidence);
eval_interval eval_normal(double value, double variance, double z);
/* Score interval of a share (Wilson, JASA 22, 1927). */
eval_interval eval_wilson(double successes, double n, double z);
/* Interval of the difference of two independent shares p1 - p0 (Newcombe, Statist. Med. 17, 1998, method
 * 10). */
eval_interval eval_newcombe(double s1, double n1, double s0, double n0, double z);
/* NULL and a diagnosis when memory is out; count 0 gives a valid pointer. */
void *eval_array(size_t count, size_t size, sotto_diag *diag);

/* Figures of a weighted sample: weight[unit] >= 0 says how often a unit stands in it. Fills out. */
typedef void (*eval_statistic)(void *ctx, const double *weight, double *out);
typedef struct eval_sample {
    size_t units;
    const uint8_t *stratum; /* NULL: one; else units are drawn within their stratum (< 256) */
    eval_statistic statistic;
    void *ctx;
} eval_sample;
/* Values from the sample as it is, intervals by percentiles of resamples (Efron and Tibshirani, 1993, ch.
 * 13); NAN when chance->rounds is 0. */
sotto_status eval_bootstrap(const eval_sample *s, const eval_chance *chance, eval_figure *figures,
                            size_t count, sotto_diag *diag);
/* Percentiles of values, which are sorted; those that are NAN are left out. */
eval_interval eval_percentiles(double *values, size_t n, double confidence);

/* ---- Saying (say.c) ---- */

/* A line: words, value, interval. */
void eval_tell(const eval_figure *f);
/* "name": {"value", "low", "high"}. */
void eval_json(sotto_json_writer *w, const eval_figure *f);
void eval_json_u64(sotto_json_writer *w, const char *name, uint64_t v);
void eval_json_str(sotto_json_writer *w, const char *name, const char *v);

/* A JSON report on the heap, made by fill and printed. */
sotto_status eval_json_report(void (*fill)(sotto_json_writer *w, const void *ctx), const void *ctx,
                              sotto_diag *diag);

/* ---- Predictions (metric.c, rank.c) ---- */

typedef struct eval_scored {
    size_t rows;
    const double *score;
    const uint8_t *label;
    const uint32_t *unit; /* whose weight a row takes: its customer; NULL: its own */
    size_t *order;        /* rows by falling score */
} eval_scored;
/* Rows by falling score, equal ones as they stand; on the heap. */
sotto_status eval_order(const double *score, size_t n, size_t **order, sotto_diag *diag);
/* Fills order. */
sotto_status eval_scored_init(eval_scored *s, sotto_diag *diag);
void eval_scored_free(eval_scored *s);
/* weight NULL: 1 each. Area under the ROC curve, ties half (Mann-Whitney). NAN when a class is empty. */
double eval_auc(const eval_scored *s, const double *weight);
/* The AUC's variance (DeLong, DeLong, Clarke-Pearson, Biometrics 44, 1988). NAN with less than two of a
 * class. */
double eval_auc_variance(const eval_scored *s);
/* Scores are probabilities. Logloss clips them to [1e-15, 1 - 1e-15]. */
double eval_logloss(const eval_scored *s, const double *weight);
double eval_brier(const eval_scored *s, const double *weight);
/* Share of the positives among the best `share` of rows; equal scores are taken in equal parts. */
double eval_gain(const eval_scored *s, const double *weight, double share);

typedef struct eval_bin {
    size_t rows, positives;
    double score; /* mean */
} eval_bin;
/* Bins of about as many rows each, by rising score; rows of one score stay together. Returns how many bins.
 */
size_t eval_calibrate(const eval_scored *s, eval_bin *bins, size_t count);

/* One customer's list. */
typedef struct eval_list {
    double reciprocal;    /* 1 / place of the first positive */
    double reciprocal_at; /* the same, 0 when it stands behind place n */
    double ndcg, hit;     /* at n */
} eval_list;
/* Lists of the customers (unit) with a positive, into out (one a customer). Places by rank (small first) when
 * given, else by falling score; ties by seed. Returns how many lists in *count. */
sotto_status eval_rank(const eval_scored *s, const double *rank, size_t n, int64_t seed, eval_list *out,
                       size_t *count, sotto_diag *diag);

/* ---- Uplift (qini.c) ---- */

/* Rows of one arm and its control. */
typedef struct eval_trial {
    size_t rows;
    const double *score, *outcome;
    const uint8_t *treated;
    size_t *order; /* rows by falling score */
} eval_trial;
sotto_status eval_trial_init(eval_trial *t, sotto_diag *diag);
void eval_trial_free(eval_trial *t);
/* Mean outcome of treated less mean outcome of control, among the best `share` of rows by score. */
double eval_uplift_of_best(const eval_trial *t, const double *weight, double share);
/* share * eval_uplift_of_best(share) / eval_uplift_of_best(1): what of the whole effect remains. */
double eval_kept(const eval_trial *t, const double *weight, double share);
/* Radcliffe ("Using control groups to target on predicted lift", 2007): u = R_t - R_c n_t / n_c after each
 * score, against the share of rows; area between u and the straight line to its end, divided by the number of
 * treated: extra outcome a treated customer, on average over depths. */
double eval_qini(const eval_trial *t, const double *weight);

/* ---- Whom to treat (target.c) ---- */

/* Columns that a model of uplift may use, read as CODE: numbers when every text is one, else one feature a
 * text. */
typedef struct eval_features {
    const eval_column *columns;
    size_t count;
    const size_t *row; /* the table's row of each of the trial's rows */
} eval_features;
bool eval_held_out(int64_t seed, size_t row);
/* The trial's rows as XGBoost reads them; label: the trial's outcome is above 0. */
typedef struct eval_targeting {
    learn_table table;
    sotto_feature *names;
} eval_targeting;
/* RANGE: a column of too many texts. Give back with eval_targeting_free, also after a failure. */
sotto_status eval_targeting_init(eval_targeting *g, const eval_trial *t, const eval_features *f,
                                 sotto_diag *diag);
void eval_targeting_free(eval_targeting *g);
/* DIFFERENCE: a model of the treated less a model of control. PROPENSITY: one model of both, which knows no
 * arm: the order that a bank has without an experiment. TURNED: one model of the effect, control's outcome
 * turned round; for arms of about equal size. */
enum eval_model { EVAL_MODEL_DIFFERENCE, EVAL_MODEL_PROPENSITY, EVAL_MODEL_TURNED, EVAL_MODELS };
/* Trained on the half of the rows that seed does not hold out. score: one for every row. UNSUPPORTED without
 * XGBoost. */
sotto_status eval_targeting_score(const eval_targeting *g, const eval_trial *t, enum eval_model model,
                                  int64_t seed, double *score, sotto_diag *diag);

/* ---- Policies (ope.c) ---- */

typedef struct eval_logs {
    size_t rows, actions, positions;
    const uint32_t *action, *position; /* position NULL: one */
    const double *reward, *propensity;
    double max_weight; /* INFINITY: no clipping */
    /* What the judged policy would do: actions x positions, each position's column sums to 1. NULL: what was
     * done. */
    const double *target;
    const double *given; /* the judged policy's probability of the logged action, by row; NULL: from target */
    double *model;       /* rows: cross-fitted mean reward of the logged action */
    double *expected;    /* rows: the same, over the judged policy's actions */
} eval_logs;
enum { EVAL_IPS, EVAL_SNIPS, EVAL_DM, EVAL_DR, EVAL_ESTIMATES };
/* The judged policy's probability of what was done, over the probability with which it was done. */
double eval_weight(const eval_logs *l, size_t row);
/* Mean reward by (action, position), shrunk towards the position's mean as if by `prior` rows, fitted on the
 * rows of the other of `folds` parts. Sets model and expected (owned by the caller, rows each). */
sotto_status eval_reward_model(eval_logs *l, double prior, size_t folds, int64_t seed, sotto_diag *diag);
/* Of a weighted sample (weight NULL: 1 each). NAN where a model is missing. */
void eval_estimate(const eval_logs *l, const double *weight, double out[static EVAL_ESTIMATES]);
/* Kish's effective number of rows, (sum w)^2 / sum w^2. */
double eval_effective_rows(const eval_logs *l);

/* ---- Value (bgnbd.c, fit.c, curvature.c) ---- */

/* One customer's first period: repeat buys x, time of the last one t_x and length of the period T, both since
 * the first buy, in weeks; the mean of a repeat buy. */
typedef struct eval_buyer {
    double x, t_x, T, mean;
} eval_buyer;
typedef struct eval_bgnbd {
    double r, alpha, a, b;
} eval_bgnbd;
typedef struct eval_spend {
    double p, q, v;
} eval_spend;

/* Fader, Hardie, Lee, "Counting your customers the easy way", Marketing Science 24 (2005), section 4.2. */
double eval_bgnbd_log_likelihood(const eval_bgnbd *m, const eval_buyer *buyers, size_t n);
/* Expected buys in the next `weeks`, the same paper's equation 10. */
double eval_bgnbd_expected(const eval_bgnbd *m, const eval_buyer *buyer, double weeks);
/* Fader, Hardie, Lee, "RFM and CLV: using iso-value curves", J. Marketing Research 42 (2005): gamma-gamma
 * spend; customers with x > 0 and mean > 0 count. */
double eval_spend_log_likelihood(const eval_spend *m, const eval_buyer *buyers, size_t n);
/* NAN where the distribution has no mean (p x + q <= 1). */
double eval_spend_expected(const eval_spend *m, const eval_buyer *buyer);
/* 2F1(a, b; c; z) by its series, 0 <= z < 1. */
double eval_hypergeometric(double a, double b, double c, double z);

enum { EVAL_PARAMETERS_MAX = 4 };
/* Likelihoods are sums of logarithms of gammas, which cancel: beyond these bounds the rounding is larger than
 * what is to be found. */
#define EVAL_PARAMETER_LOW  1e-5
#define EVAL_PARAMETER_HIGH 1e5
/* True when one stands at a bound: the data do not tell it. */
bool eval_at_bound(const double *x, size_t n);
typedef double (*eval_objective)(const double *x, size_t n, void *ctx);
/* A maximum of f over n parameters within the bounds, searched in their logarithms from x (in: start, out:
 * place). UNSUPPORTED without NLopt. */
sotto_status eval_fit(eval_objective f, void *ctx, double *x, size_t n, double *best, sotto_diag *diag);
/* Intervals of a maximum's parameters from the curvature there, in their logarithms. NAN where it is flat
 * and at a bound. */
void eval_curvature(eval_objective f, void *ctx, const double *x, size_t n, double z, eval_interval *out);

/* ---- Buys (buys.c) ---- */

typedef struct eval_buy {
    uint64_t customer;
    int32_t day; /* since 1970-01-01 */
    double value;
} eval_buy;
/* Lines of "customer [number] yyyymmdd pieces value", as CDNOW's two files have them; a first line of words
 * is left out. Appends eval_buy to out. MALFORMED with file and line. */
sotto_status eval_buys_parse(sotto_span text, const char *name, sotto_vec *out, sotto_diag *diag);
/* yyyymmdd or YYYY-MM-DD. */
bool eval_day(sotto_span text, int32_t *day);

/* One customer over both periods. */
typedef struct eval_customer {
    eval_buyer buyer;
    double spend, repeat;           /* first period: everything, and without the first day */
    double later_buys, later_spend; /* second period */
} eval_customer;
/* Buys, sorted here, become customers; buys of one day are one. Those who came after `until` are left out.
 * out: on the heap. */
sotto_status eval_customers(eval_buy *buys, size_t n, int32_t until, eval_customer **out, size_t *count,
                            sotto_diag *diag);

/* ---- Kinds of evaluate ---- */
int eval_cmd_predictions(int argc, char **argv);
int eval_cmd_uplift(int argc, char **argv);
int eval_cmd_policy(int argc, char **argv);
int eval_cmd_policy_totals(int argc, char **argv); /* --totals: totals.c */

#endif
