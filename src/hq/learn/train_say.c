/* What training says: the model's provenance, and the report as text and JSON. */
#include "learn/train.h"

#include <assert.h>
#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

enum { JSON_BYTES = 256 << 10, PAIRS_MAX = 48 };
static const double NORMAL_95 = 1.959963985; /* 97.5 % quantile of the normal distribution */

/* ---- Provenance ---- */

typedef struct pairs {
    learn_pair pair[PAIRS_MAX];
    size_t n;
} pairs;

static void add_pair(pairs *p, const char *name, const char *value)
{
    assert(p->n < PAIRS_MAX);
    p->pair[p->n].name = name;
    (void)snprintf(p->pair[p->n++].value, sizeof p->pair->value, "%s", value == NULL ? "" : value);
}

static void add_number(pairs *p, const char *name, double value)
{
    char text[40];
    (void)snprintf(text, sizeof text, "%.10g", value);
    add_pair(p, name, text);
}

/* "income=up job=down"; with more than fit, the first ones and "...": the trees themselves obey all. */
static void add_monotone(pairs *p, const hq_list *list)
{
    char text[sizeof p->pair->value - 8] = "";
    size_t len = 0, i = 0;
    for (; i < list->count && len + strlen(list->item[i]) + 2 < sizeof text; i++)
        len += (size_t)snprintf(text + len, sizeof text - len, "%s%s", i == 0 ? "" : " ", list->item[i]);
    if (list->count > 0)
        add_pair(p, "sotto.monotone", text);
    if (i < list->count)
        (void)snprintf(p->pair[p->n - 1].value + len, 8, " ...");
}

static void add_settings(pairs *p, const learn_settings *s)
{
    add_number(p, "sotto.seed", (double)s->seed);
    add_number(p, "sotto.rounds", (double)s->rounds);
    add_number(p, "sotto.depth", (double)s->depth);
    add_number(p, "sotto.early_stop", (double)s->early_stop);
    add_number(p, "sotto.eta", s->eta);
    add_number(p, "sotto.min_child_weight", s->min_child_weight);
    add_number(p, "sotto.subsample", s->subsample);
    add_number(p, "sotto.colsample", s->colsample);
    add_number(p, "sotto.lambda", s->lambda);
    if (s->positive_weight > 0)
        add_number(p, "sotto.class_weight", s->positive_weight);
    else
        add_pair(p, "sotto.class_weight", "balanced");
}

static void add_cv(pairs *p, const learn_outcome *r)
{
    static const char *const NAMES[2][2] = {{"sotto.cv_random_auc", "sotto.cv_random_logloss"},
                                            {"sotto.cv_time_auc", "sotto.cv_time_logloss"}};
    double error;
    for (int kind = 0; kind < 2; kind++) {
        const learn_cv *cv = &r->cv[kind];
        if (!r->has_cv[kind])
            continue;
        add_number(p, NAMES[kind][0], learn_cv_mean(cv, offsetof(learn_figures, auc), &error));
        add_number(p, NAMES[kind][1], learn_cv_mean(cv, offsetof(learn_figures, logloss), &error));
    }
}

static void add_figures(pairs *p, const learn_outcome *r)
{
    const learn_figures *f = &r->split_figures[r->split.kind];
    add_number(p, "sotto.rows_trained", (double)f->trained);
    add_number(p, "sotto.rows_held_out", (double)f->held_out);
    if (f->held_out > 0) {
        add_number(p, "sotto.auc", f->auc);
        add_number(p, "sotto.auc_error", f->auc_error);
        add_number(p, "sotto.logloss", f->logloss);
    }
    add_cv(p, r);
}

/* Every setting goes into the model: who compiles it later can find the held-out rows again. */
sotto_status learn_train_stamp(learn_booster *b, const learn_train_options *o, const learn_outcome *r,
                               sotto_diag *diag)
{
    pairs *p = calloc(1, sizeof *p);
    if (p == NULL)
        return hq_no_memory(diag);
    add_pair(p, "sotto.data", learn_file_name(o->data));
    add_pair(p, "sotto.label", o->label);
    add_pair(p, "sotto.positive", o->positive);
    add_pair(p, "sotto.today", o->today);
    add_pair(p, "sotto.date_column", o->date_column);
    add_pair(p, "sotto.split", learn_split_name(r->split.kind));
    add_number(p, "sotto.holdout", (double)r->split.holdout_percent);
    add_settings(p, &r->settings);
    add_monotone(p, &o->monotone);
    if (o->weight != NULL)
        add_pair(p, "sotto.weight", o->weight);
    if (o->tries > 0) {
        add_number(p, "sotto.tune", (double)o->tries);
        add_pair(p, "sotto.tune_by", o->tune_by);
        add_number(p, "sotto.tune_score", r->tuned);
    }
    if (o->folds > 0)
        add_number(p, "sotto.cv", (double)o->folds);
    add_figures(p, r);
    sotto_status status = learn_booster_set(b, p->pair, p->n, diag);
    free(p);
    return status;
}

/* ---- Text ---- */

static void print_split(const learn_train_options *o, const char *name, const learn_figures *f)
{
    char trained[32], held_out[32];
    if (f->held_out == 0)
        return;
    printf("  %-6s split: trained on %s rows, %zu trees; on %s held-out rows AUC %.4f (95 %%: %.4f to %.4f), "
           "log "
           "loss %.4f\n",
           name, learn_grouped(f->trained, trained), f->trees, learn_grouped(f->held_out, held_out), f->auc,
           f->auc - NORMAL_95 * f->auc_error, fmin(1, f->auc + NORMAL_95 * f->auc_error), f->logloss);
    printf("    the best %g %% hold %.1f %% of the positives; as integers AUC %.4f, log loss %.4f, %.1f %%\n",
           o->contacted, 100 * f->reach, f->auc_integer, f->logloss_integer, 100 * f->reach_integer);
}

static void print_settings(const learn_settings *s)
{
    printf("depth %d, eta %g, %d rounds, min-child-weight %g, subsample %g, colsample %g, lambda %g\n",
           (int)s->depth, s->eta, (int)s->rounds, s->min_child_weight, s->subsample, s->colsample, s->lambda);
}

static void print_mean(const learn_cv *cv, const char *what, size_t of_float, size_t of_integer, double unit)
{
    double error, ignored, mean = learn_cv_mean(cv, of_float, &error);
    printf("  mean %s %.4f +- %.4f, as integers %.4f\n", what, unit * mean, unit * error,
           unit * learn_cv_mean(cv, of_integer, &ignored));
}

static void print_cv(const learn_train_options *o, const learn_cv *cv)
{
    char trained[32], held_out[32];
    printf("%zu folds, %s:\n", cv->folds.count,
           cv->folds.kind == LEARN_SPLIT_TIME ? "rolling in time" : "random");
    for (size_t i = 0; i < cv->folds.count; i++) {
        const learn_figures *f = &cv->fold[i];
        printf("  fold %2zu: %s trained, %s judged: AUC %.4f, log loss %.4f, best %g %% hold %.1f %%\n",
               i + 1, learn_grouped(f->trained, trained), learn_grouped(f->held_out, held_out), f->auc,
               f->logloss, o->contacted, 100 * f->reach);
        if (o->tries > 0) {
            fputs("           ", stdout);
            print_settings(&cv->settings[i]);
        }
    }
    print_mean(cv, "AUC", offsetof(learn_figures, auc), offsetof(learn_figures, auc_integer), 1);
    print_mean(cv, "log loss", offsetof(learn_figures, logloss), offsetof(learn_figures, logloss_integer), 1);
    print_mean(cv, "% of the positives", offsetof(learn_figures, reach),
               offsetof(learn_figures, reach_integer), 100);
}

static void print_slice(const learn_job *job, const char *name, const learn_slice *s, bool reference)
{
    printf("  %-12s %8zu rows, %5.1f %% positive, AUC %.4f", name, s->rows,
           s->rows == 0 ? 0 : 100.0 * (double)s->positives / (double)s->rows, s->auc);
    if (!reference)
        printf("; PSI of the score %.2f, of %s %.2f, %zu inputs beyond %.2f", s->psi_score,
               job->recipe->features[s->input].name, s->psi_input, s->moved, LEARN_PSI_WARNS);
    putchar('\n');
}

static void print_drift(const learn_job *job, const learn_drift *d)
{
    char name[32];
    printf("drift, by a model of the earlier rows:\n");
    print_slice(job, "at that time", &d->reference, true);
    for (size_t i = 0; i < LEARN_SLICES; i++) {
        (void)snprintf(name, sizeof name, "later, %zu/%d", i + 1, LEARN_SLICES);
        print_slice(job, name, &d->slices[i], false);
    }
    if (d->slices[0].psi_score > LEARN_PSI_WARNS || d->slices[0].moved > 0)
        printf(
            "  WARNING: beyond %.2f the rows are not those that the model was trained on; the figures of the "
            "random split do not hold for them\n",
            LEARN_PSI_WARNS);
}

static sotto_status say_text(const learn_train_options *o, const learn_job *job, const learn_outcome *r,
                             sotto_diag *diag)
{
    char rows[32], positives[32], size[32];
    const learn_table *t = job->table;
    printf("%s rows, %s of them positive (%.2f %%), %zu features\n", learn_grouped(t->rows, rows),
           learn_grouped(t->positives, positives), 100.0 * (double)t->positives / (double)t->rows,
           t->features);
    if (o->tries > 0) {
        printf("the search's best of %d (%s %.4f in folds of the training rows): ", (int)o->tries, o->tune_by,
               r->tuned);
        print_settings(&r->settings);
    }
    for (int kind = 0; kind < 2; kind++)
        print_split(o, learn_split_name((enum learn_split_kind)kind), &r->split_figures[kind]);
    for (int kind = 0; kind < 2; kind++)
        if (r->has_cv[kind])
            print_cv(o, &r->cv[kind]);
    if (r->has_drift)
        print_drift(job, &r->drift);
    printf("model of the %s split, %zu trees: %s (%s bytes)\n", learn_split_name(r->split.kind),
           r->split_figures[r->split.kind].trees, o->out, learn_grouped(r->bytes, size));
    return learn_flush(diag);
}

/* ---- JSON ---- */

static void json_u64(sotto_json_writer *w, const char *name, uint64_t v)
{
    sotto_json_name(w, name);
    sotto_json_u64(w, v);
}

static void json_figures(sotto_json_writer *w, const learn_figures *f)
{
    json_u64(w, "trained", f->trained);
    json_u64(w, "held_out", f->held_out);
    json_u64(w, "positives", f->positives);
    json_u64(w, "trees", f->trees);
    learn_json_real(w, "auc", f->auc, 6);
    learn_json_real(w, "auc_error", f->auc_error, 6);
    learn_json_real(w, "logloss", f->logloss, 6);
    learn_json_real(w, "brier", f->brier, 6);
    learn_json_real(w, "reach", f->reach, 6);
    learn_json_real(w, "auc_integer", f->auc_integer, 6);
    learn_json_real(w, "logloss_integer", f->logloss_integer, 6);
    learn_json_real(w, "reach_integer", f->reach_integer, 6);
}

static void json_settings(sotto_json_writer *w, const learn_settings *s)
{
    sotto_json_name(w, "settings");
    sotto_json_obj(w);
    json_u64(w, "depth", (uint64_t)s->depth);
    json_u64(w, "rounds", (uint64_t)s->rounds);
    learn_json_real(w, "eta", s->eta, 6);
    learn_json_real(w, "min_child_weight", s->min_child_weight, 6);
    learn_json_real(w, "subsample", s->subsample, 6);
    learn_json_real(w, "colsample", s->colsample, 6);
    learn_json_real(w, "lambda", s->lambda, 6);
    sotto_json_obj_end(w);
}

static void json_cv(sotto_json_writer *w, const learn_cv *cv)
{
    double error;
    sotto_json_name(w, cv->folds.kind == LEARN_SPLIT_TIME ? "cv_time" : "cv_random");
    sotto_json_obj(w);
    learn_json_real(w, "auc", learn_cv_mean(cv, offsetof(learn_figures, auc), &error), 6);
    learn_json_real(w, "auc_error", error, 6);
    learn_json_real(w, "auc_integer", learn_cv_mean(cv, offsetof(learn_figures, auc_integer), &error), 6);
    learn_json_real(w, "logloss", learn_cv_mean(cv, offsetof(learn_figures, logloss), &error), 6);
    learn_json_real(w, "logloss_integer", learn_cv_mean(cv, offsetof(learn_figures, logloss_integer), &error),
                    6);
    learn_json_real(w, "reach", learn_cv_mean(cv, offsetof(learn_figures, reach), &error), 6);
    sotto_json_name(w, "folds");
    sotto_json_arr(w);
    for (size_t i = 0; i < cv->folds.count; i++) {
        sotto_json_obj(w);
        json_figures(w, &cv->fold[i]);
        json_settings(w, &cv->settings[i]);
        sotto_json_obj_end(w);
    }
    sotto_json_arr_end(w);
    sotto_json_obj_end(w);
}

static void json_slice(sotto_json_writer *w, const learn_job *job, const learn_slice *s)
{
    sotto_json_obj(w);
    json_u64(w, "rows", s->rows);
    json_u64(w, "positives", s->positives);
    learn_json_real(w, "auc", s->auc, 6);
    learn_json_real(w, "auc_error", s->auc_error, 6);
    learn_json_real(w, "psi_score", s->psi_score, 6);
    learn_json_real(w, "psi_input", s->psi_input, 6);
    sotto_json_name(w, "input");
    sotto_json_cstr(w, job->recipe->features[s->input].name);
    json_u64(w, "inputs_moved", s->moved);
    sotto_json_obj_end(w);
}

static void json_drift(sotto_json_writer *w, const learn_job *job, const learn_drift *d)
{
    sotto_json_name(w, "drift");
    sotto_json_obj(w);
    sotto_json_name(w, "reference");
    json_slice(w, job, &d->reference);
    sotto_json_name(w, "later");
    sotto_json_arr(w);
    for (size_t i = 0; i < LEARN_SLICES; i++)
        json_slice(w, job, &d->slices[i]);
    sotto_json_arr_end(w);
    sotto_json_obj_end(w);
}

static void json_splits(sotto_json_writer *w, const learn_outcome *r)
{
    for (int kind = 0; kind < 2; kind++) {
        if (r->split_figures[kind].held_out == 0)
            continue;
        sotto_json_name(w, learn_split_name((enum learn_split_kind)kind));
        sotto_json_obj(w);
        json_figures(w, &r->split_figures[kind]);
        sotto_json_obj_end(w);
    }
}

static sotto_status say_json(const learn_train_options *o, const learn_job *job, const learn_outcome *r,
                             sotto_diag *diag)
{
    uint8_t *memory = malloc(JSON_BYTES);
    if (memory == NULL)
        return hq_no_memory(diag);
    sotto_buf buf = sotto_buf_of(memory, JSON_BYTES);
    sotto_json_writer w = sotto_json_writer_of(&buf);
    sotto_json_obj(&w);
    json_u64(&w, "rows", job->table->rows);
    json_u64(&w, "positives", job->table->positives);
    json_u64(&w, "features", job->table->features);
    sotto_json_name(&w, "model_split");
    sotto_json_cstr(&w, learn_split_name(r->split.kind));
    json_settings(&w, &r->settings);
    if (o->tries > 0)
        learn_json_real(&w, "tuned", r->tuned, 6);
    json_splits(&w, r);
    for (int kind = 0; kind < 2; kind++)
        if (r->has_cv[kind])
            json_cv(&w, &r->cv[kind]);
    if (r->has_drift)
        json_drift(&w, job, &r->drift);
    json_u64(&w, "bytes", r->bytes);
    sotto_json_name(&w, "file");
    sotto_json_cstr(&w, o->out);
    sotto_json_obj_end(&w);
    sotto_status status = learn_json_print(&w, diag);
    free(memory);
    return status;
}

sotto_status learn_train_say(const learn_train_options *o, const learn_job *job, const learn_outcome *r,
                             sotto_diag *diag)
{
    return o->json ? say_json(o, job, r, diag) : say_text(o, job, r, diag);
}
