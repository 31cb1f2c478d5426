/* What the parts of `sotto-hq train` share: one fit and its figures, cross-validation, search, drift. */
#ifndef SOTTO_HQ_LEARN_TRAIN_H
#define SOTTO_HQ_LEARN_TRAIN_H

#include "learn/learn.h"
#include "office/args.h"

/* What is trained on. */
typedef struct learn_job {
    const learn_table *table;
    const sotto_recipe *recipe;
    double contacted; /* share of the rows that are contacted, for reach: 0..1 */
} learn_job;

/* Figures on the rows that were judged; by the integer model where the name says so. */
typedef struct learn_figures {
    size_t trained, held_out, positives, trees;
    double auc, auc_error, logloss, brier, reach;
    double auc_integer, logloss_integer, reach_integer;
} learn_figures;

/* Trains on the rows that use says and takes figures on the JUDGED ones (none: only counts), by XGBoost's
 * floats and by the compiled integers. scores: NULL, or one float margin a row of the table. */
sotto_status learn_fit(learn_booster **out, const learn_job *job, const uint8_t *use, const learn_settings *s,
                       learn_figures *f, double *scores, sotto_diag *diag);

/* The model as a terminal will have it, into in (empty before; learn_input_free after). */
sotto_status learn_compile_booster(learn_booster *b, const learn_job *job, learn_input *in, sotto_diag *diag);
/* column[i]: where the table has the model's feature i. */
sotto_status learn_order_features(const sotto_model *m, const learn_job *job, size_t *column,
                                  sotto_diag *diag);

/* ---- Search over settings (tune.c) ---- */

enum { LEARN_TUNE_FOLDS = 3 };
typedef struct learn_search {
    int64_t tries; /* 0: no search */
    int64_t seed;
    enum learn_split_kind kind; /* of the folds that judge: random, or rolling in time */
    bool by_logloss;
} learn_search;
/* Replaces depth, eta, min_child_weight, subsample, colsample, lambda and rounds (at most as many as given)
 * by the best of `tries` draws, the first being what was given; judged by folds within the pool only. score:
 * the mean area (or log loss) of the best. */
sotto_status learn_tune(learn_settings *s, double *score, const learn_job *job, const uint8_t *pool,
                        const learn_search *search, sotto_diag *diag);

/* ---- Cross-validation (cv.c) ---- */

enum { LEARN_FOLDS_MAX = 50 };
typedef struct learn_cv {
    learn_folds folds;
    learn_figures fold[LEARN_FOLDS_MAX];
    learn_settings settings[LEARN_FOLDS_MAX]; /* what each fold's search found */
} learn_cv;
/* cv->folds says how. With a search, every fold is searched anew in its own training rows: no row that judges
 * has had a say. RANGE when a fold has no rows, or rows of one class only. */
sotto_status learn_cross_validate(learn_cv *cv, const learn_job *job, const learn_settings *s,
                                  const learn_search *search, sotto_diag *diag);
/* Mean of one figure over the folds, and its standard error, by the figure's place in learn_figures. */
double learn_cv_mean(const learn_cv *cv, size_t offset, double *error);

/* ---- Drift (drift.c) ---- */

enum { LEARN_SLICES = 5 };
typedef struct learn_slice {
    size_t rows, positives;
    double auc, auc_error;
    double psi_score; /* population stability index of the score against the reference */
    double psi_input; /* of the input that moved most */
    size_t input;     /* which */
    size_t moved;     /* inputs beyond LEARN_PSI_WARNS */
} learn_slice;
typedef struct learn_drift {
    learn_slice reference; /* rows of the training time that were kept out: what the future is measured by */
    learn_slice slices[LEARN_SLICES]; /* the rows behind, in their order */
} learn_drift;
/* Siddiqi, Credit Risk Scorecards, 2006: below 0.10 nothing has changed, beyond 0.25 a lot has. */
#define LEARN_PSI_WARNS 0.25
/* One model, trained on four fifths of the rows before the last `holdout_percent`. */
sotto_status learn_drift_measure(learn_drift *d, const learn_job *job, const learn_settings *s,
                                 int64_t holdout_percent, sotto_diag *diag);
/* Population stability index: sum over ten groups of equal size in `expected` (and one of missing values) of
 * (a - e) ln(a / e); half a row is added to each group. NAN when memory is out or a side is empty. */
double learn_psi(const double *expected, size_t n_expected, const double *actual, size_t n_actual);

/* ---- The command (train.c) and what it says (train_say.c) ---- */

typedef struct learn_train_options {
    const char *data, *dictionary, *recipe, *label, *positive, *out, *split, *today, *date_column, *weight,
        *class_weight, *tune_by, *objective, *group;
    hq_list monotone;
    int64_t holdout, folds, tries;
    double contacted; /* per cent */
    bool time_order, json, help;
    learn_settings settings;
} learn_train_options;
typedef struct learn_outcome {
    learn_split split;
    learn_settings settings; /* of the model: as given, or as found */
    double tuned;            /* score of the search; NAN without one */
    learn_figures split_figures[2];
    bool has_cv[2];
    learn_cv cv[2]; /* random, time */
    bool has_drift;
    learn_drift drift;
    size_t bytes;
} learn_outcome;
/* Whatever else than yes or no is to be learned: goal.h. */
typedef struct learn_goal learn_goal;
sotto_status learn_train_stamp(learn_booster *b, const learn_train_options *o, const learn_outcome *r,
                               sotto_diag *diag);
sotto_status learn_train_say(const learn_train_options *o, const learn_job *job, const learn_outcome *r,
                             sotto_diag *diag);

#endif
