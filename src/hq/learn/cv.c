/* Cross-validation: folds by a hash, or rolling in time; with a search inside each fold when one is wanted.
 */
#include "learn/train.h"

#include <math.h>
#include <stdlib.h>

static sotto_status check_fold(const learn_job *job, const uint8_t *use, size_t fold, sotto_diag *diag)
{
    size_t count[4][2] = {{0}};
    for (size_t row = 0; row < job->table->rows; row++)
        count[use[row]][job->table->labels[row]]++;
    for (int c = 0; c < 2; c++)
        if (count[LEARN_TRAINED][c] == 0 || count[LEARN_JUDGED][c] == 0)
            return sotto_diag_set(diag, SOTTO_ERR(HQ, RANGE),
                                  "fold %zu has no %s row to %s: fewer folds, or more rows", fold + 1,
                                  c == 0 ? "negative" : "positive",
                                  count[LEARN_TRAINED][c] == 0 ? "train on" : "be judged by");
    return SOTTO_OK;
}

/* use is both the pool of the search and what is trained on: the search sees the training rows only. */
static sotto_status search_fold(learn_settings *s, const learn_job *job, const uint8_t *use,
                                const learn_search *search, uint8_t *pool, sotto_diag *diag)
{
    double score = 0;
    if (search->tries == 0)
        return SOTTO_OK;
    for (size_t row = 0; row < job->table->rows; row++)
        pool[row] = use[row] == LEARN_TRAINED;
    return learn_tune(s, &score, job, pool, search, diag);
}

static sotto_status run_fold(learn_cv *cv, size_t fold, const learn_job *job, const learn_search *search,
                             uint8_t *use, uint8_t *pool, sotto_diag *diag)
{
    size_t rows = job->table->rows;
    learn_booster *b = NULL;
    learn_settings *s = &cv->settings[fold];
    for (size_t row = 0; row < rows; row++)
        pool[row] = 1;
    learn_folds_use(&cv->folds, fold, pool, rows, use);
    sotto_status status = check_fold(job, use, fold, diag);
    if (status == SOTTO_OK)
        status = search_fold(s, job, use, search, pool, diag);
    if (status == SOTTO_OK && s->early_stop > 0)
        learn_watch(cv->folds.kind, cv->folds.seed, rows, use);
    if (status == SOTTO_OK)
        status = learn_fit(&b, job, use, s, &cv->fold[fold], NULL, diag);
    learn_booster_free(b);
    return status;
}

sotto_status learn_cross_validate(learn_cv *cv, const learn_job *job, const learn_settings *s,
                                  const learn_search *search, sotto_diag *diag)
{
    size_t rows = job->table->rows;
    if (cv->folds.count >= rows)
        return sotto_diag_set(diag, SOTTO_ERR(HQ, RANGE), "%zu folds of a table of %zu rows", cv->folds.count,
                              rows);
    learn_search inside = *search;
    inside.kind = cv->folds.kind;
    uint8_t *use = malloc(rows), *pool = malloc(rows);
    sotto_status status = SOTTO_OK;
    if (use == NULL || pool == NULL)
        status = hq_no_memory(diag);
    for (size_t fold = 0; status == SOTTO_OK && fold < cv->folds.count; fold++) {
        cv->settings[fold] = *s;
        cv->settings[fold].quiet = true;
        status = run_fold(cv, fold, job, &inside, use, pool, diag);
        if (!s->quiet)
            learn_progress("cross-validating", fold + 1, cv->folds.count);
    }
    free(use);
    free(pool);
    return status;
}

static double figure(const learn_cv *cv, size_t fold, size_t offset)
{
    return *(const double *)(const void *)((const char *)&cv->fold[fold] + offset);
}

double learn_cv_mean(const learn_cv *cv, size_t offset, double *error)
{
    double n = (double)cv->folds.count, sum = 0, squares = 0;
    for (size_t i = 0; i < cv->folds.count; i++)
        sum += figure(cv, i, offset);
    for (size_t i = 0; i < cv->folds.count; i++)
        squares += pow(figure(cv, i, offset) - sum / n, 2);
    *error = n > 1 ? sqrt(squares / (n - 1) / n) : NAN;
    return sum / n;
}
