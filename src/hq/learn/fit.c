/* One fit: a model from some rows of a table, and its figures on others, as floats and as integers. */
#include "learn/train.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

sotto_status learn_compile_booster(learn_booster *b, const learn_job *job, learn_input *in, sotto_diag *diag)
{
    sotto_vec json;
    sotto_forge_report report;
    sotto_forge_options options = {
        .file_name = "the trained model", .model_name = "train", .recipe = job->recipe};
    sotto_vec_init(&json, SIZE_MAX / 4);
    sotto_vec_init(&in->model_file, (size_t)1 << 30);
    sotto_status status = learn_booster_json(b, &json, diag);
    if (status == SOTTO_OK)
        status = sotto_forge_xgboost(sotto_vec_span(&json), &options, &in->model_file, &report, diag);
    sotto_vec_free(&json);
    return status == SOTTO_OK ? learn_input_load(in, diag) : status;
}

/* The compiled features may stand in another order than the table's: by name. */
sotto_status learn_order_features(const sotto_model *m, const learn_job *job, size_t *column,
                                  sotto_diag *diag)
{
    size_t n = sotto_model_info_of(m)->features;
    for (size_t i = 0; i < n; i++) {
        size_t k = 0;
        while (k < job->recipe->count &&
               strcmp(job->recipe->features[k].name, sotto_model_feature(m, i)->name) != 0)
            k++;
        if (k == job->recipe->count)
            return sotto_diag_set(diag, SOTTO_ERR(HQ, INTERNAL),
                                  "a feature of the model is not the recipe's");
        column[i] = k;
    }
    return SOTTO_OK;
}

static sotto_status score_integers(const sotto_model *m, const learn_job *job, const uint8_t *use,
                                   double *margin, sotto_diag *diag)
{
    size_t column[SOTTO_MODEL_FEATURES_MAX], n = 0;
    int32_t keys[SOTTO_MODEL_FEATURES_MAX];
    const learn_table *t = job->table;
    sotto_status status = learn_order_features(m, job, column, diag);
    for (size_t row = 0; status == SOTTO_OK && row < t->rows; row++) {
        if (use[row] != LEARN_JUDGED)
            continue;
        for (size_t i = 0; i < sotto_model_info_of(m)->features; i++)
            keys[i] = t->keys[row * t->features + column[i]];
        margin[n++] = (double)sotto_model_margin_q24(m, keys) / 16777216.0;
    }
    return status;
}

/* Room for one judged row each. */
typedef struct judging {
    double *margin, *p;
    uint8_t *label;
    size_t n;
} judging;

static void take_float_figures(judging *j, double contacted, learn_figures *f)
{
    for (size_t i = 0; i < j->n; i++)
        j->p[i] = learn_probability_of(j->margin[i]);
    f->auc = learn_auc(j->margin, j->label, j->n);
    f->auc_error = learn_auc_error(j->margin, j->label, j->n);
    f->logloss = learn_logloss(j->margin, j->label, j->n);
    f->reach = learn_reach(j->margin, j->label, j->n, contacted);
    f->brier = learn_brier(j->p, j->label, j->n);
}

static sotto_status judge(learn_booster *b, const learn_job *job, const uint8_t *use, const float *all,
                          judging *j, learn_figures *f, sotto_diag *diag)
{
    learn_input in = {.memory = NULL};
    for (size_t row = 0; row < job->table->rows; row++)
        if (use[row] == LEARN_JUDGED) {
            j->margin[j->n] = (double)all[row];
            j->label[j->n++] = job->table->labels[row];
            f->positives += job->table->labels[row];
        }
    f->held_out = j->n;
    if (j->n == 0)
        return SOTTO_OK;
    take_float_figures(j, job->contacted, f);
    sotto_status status = learn_compile_booster(b, job, &in, diag);
    if (status == SOTTO_OK)
        status = score_integers(in.model, job, use, j->margin, diag);
    learn_input_free(&in);
    f->auc_integer = learn_auc(j->margin, j->label, j->n);
    f->logloss_integer = learn_logloss(j->margin, j->label, j->n);
    f->reach_integer = learn_reach(j->margin, j->label, j->n, job->contacted);
    return status;
}

static sotto_status measure(learn_booster *b, const learn_job *job, const uint8_t *use, learn_figures *f,
                            double *scores, sotto_diag *diag)
{
    size_t rows = job->table->rows;
    judging j = {
        .margin = calloc(rows, sizeof *j.margin), .p = calloc(rows, sizeof *j.p), .label = calloc(rows, 1)};
    float *all = calloc(rows, sizeof *all);
    sotto_status status = SOTTO_OK;
    if (j.margin == NULL || j.p == NULL || j.label == NULL || all == NULL)
        status = hq_no_memory(diag);
    if (status == SOTTO_OK)
        status = learn_booster_margins(b, job->table, 0, rows, all, diag);
    if (status == SOTTO_OK)
        status = judge(b, job, use, all, &j, f, diag);
    for (size_t row = 0; status == SOTTO_OK && scores != NULL && row < rows; row++)
        scores[row] = (double)all[row];
    free(j.margin);
    free(j.p);
    free(j.label);
    free(all);
    return status;
}

sotto_status learn_fit(learn_booster **out, const learn_job *job, const uint8_t *use, const learn_settings *s,
                       learn_figures *f, double *scores, sotto_diag *diag)
{
    *f = (learn_figures){.trained = 0};
    for (size_t row = 0; row < job->table->rows; row++)
        f->trained += use[row] == LEARN_TRAINED || use[row] == LEARN_WATCHED;
    sotto_status status = learn_booster_train(out, job->table, use, job->recipe->features, s, diag);
    if (status != SOTTO_OK)
        return status;
    f->trees = learn_booster_trees(*out);
    return measure(*out, job, use, f, scores, diag);
}
