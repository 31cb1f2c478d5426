/* A seeded random search over a small grid (Bergstra and Bengio, "Random search for hyper-parameter
 * optimization", 2012). Every draw is trained for all rounds on folds inside the pool; the number of rounds
 * is where the mean curve of the folds is best, so that no fold chooses its own. */
#include "learn/train.h"

#include <math.h>
#include <stdlib.h>

enum { DRAW_SALT = 4242 };

static double pick(uint64_t *state, const double *values, size_t n)
{
    *state = learn_mix(*state);
    return values[*state % n];
}

static void draw(learn_settings *s, uint64_t *state)
{
    static const double DEPTHS[] = {2, 3, 4, 5, 6, 8}, ETAS[] = {0.02, 0.03, 0.05, 0.07, 0.1, 0.15};
    static const double WEIGHTS[] = {1, 2, 5, 10, 20, 50, 100}, SHARES[] = {0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1};
    static const double LAMBDAS[] = {0.1, 1, 3, 10, 30};
    s->depth = (int64_t)pick(state, DEPTHS, SOTTO_COUNT(DEPTHS));
    s->eta = pick(state, ETAS, SOTTO_COUNT(ETAS));
    s->min_child_weight = pick(state, WEIGHTS, SOTTO_COUNT(WEIGHTS));
    s->subsample = pick(state, SHARES, SOTTO_COUNT(SHARES));
    s->colsample = pick(state, SHARES, SOTTO_COUNT(SHARES));
    s->lambda = pick(state, LAMBDAS, SOTTO_COUNT(LAMBDAS));
}

/* One row of a fold that judges says nothing; one that trains needs both classes. */
static sotto_status check_fold(const learn_job *job, const uint8_t *use, size_t fold, sotto_diag *diag)
{
    size_t count[4][2] = {{0}};
    for (size_t row = 0; row < job->table->rows; row++)
        count[use[row]][job->table->labels[row]]++;
    for (int c = 0; c < 2; c++)
        if (count[LEARN_TRAINED][c] == 0 || count[LEARN_WATCHED][c] + count[LEARN_JUDGED][c] == 0)
            return sotto_diag_set(diag, SOTTO_ERR(HQ, RANGE),
                                  "fold %zu of the search has rows of one class only: the table is too small",
                                  fold + 1);
    return SOTTO_OK;
}

/* Adds a fold's curve to sum. */
static sotto_status add_curve(double *sum, const learn_job *job, uint8_t *use, const learn_settings *s,
                              sotto_diag *diag)
{
    learn_booster *b = NULL;
    for (size_t row = 0; row < job->table->rows; row++)
        if (use[row] == LEARN_JUDGED)
            use[row] = LEARN_WATCHED;
    sotto_status status = learn_booster_train(&b, job->table, use, job->recipe->features, s, diag);
    for (int64_t i = 0; status == SOTTO_OK && i < s->rounds; i++)
        sum[i] += learn_booster_curve(b)[i] / LEARN_TUNE_FOLDS;
    learn_booster_free(b);
    return status;
}

/* Room of a search. */
typedef struct searching {
    const learn_job *job;
    const uint8_t *pool;
    const learn_search *search;
    uint8_t *use;  /* rows */
    double *curve; /* rounds */
} searching;

/* The best mean of the folds and after how many rounds it comes. */
static sotto_status try_one(const searching *w, learn_settings *s, double *score, sotto_diag *diag)
{
    learn_folds folds = {.kind = w->search->kind, .seed = w->search->seed + 1, .count = LEARN_TUNE_FOLDS};
    sotto_status status = SOTTO_OK;
    learn_settings run = *s;
    run.watch = run.quiet = true;
    run.by_auc = !w->search->by_logloss;
    run.early_stop = 0;
    for (int64_t i = 0; i < s->rounds; i++)
        w->curve[i] = 0;
    for (size_t fold = 0; status == SOTTO_OK && fold < LEARN_TUNE_FOLDS; fold++) {
        learn_folds_use(&folds, fold, w->pool, w->job->table->rows, w->use);
        status = check_fold(w->job, w->use, fold, diag);
        if (status == SOTTO_OK)
            status = add_curve(w->curve, w->job, w->use, &run, diag);
    }
    int64_t best = 0;
    for (int64_t i = 1; i < s->rounds; i++)
        best = w->curve[i] < w->curve[best] ? i : best;
    *score = w->curve[best];
    s->rounds = best + 1;
    return status;
}

static sotto_status search_all(const searching *w, learn_settings *s, double *score, sotto_diag *diag)
{
    uint64_t state = learn_mix((uint64_t)w->search->seed + DRAW_SALT);
    const learn_settings given = *s;
    sotto_status status = SOTTO_OK;
    *score = INFINITY;
    for (int64_t i = 0; status == SOTTO_OK && i < w->search->tries; i++) {
        learn_settings candidate = given;
        double got = INFINITY;
        if (i > 0)
            draw(&candidate, &state);
        status = try_one(w, &candidate, &got, diag);
        if (status == SOTTO_OK && got < *score) {
            *s = candidate;
            *score = got;
        }
        if (!given.quiet)
            learn_progress("searching", (size_t)i + 1, (size_t)w->search->tries);
    }
    s->early_stop = 0; /* the rounds have been chosen */
    *score = w->search->by_logloss ? *score : -*score;
    return status;
}

sotto_status learn_tune(learn_settings *s, double *score, const learn_job *job, const uint8_t *pool,
                        const learn_search *search, sotto_diag *diag)
{
    searching w = {.job = job, .pool = pool, .search = search};
    w.use = malloc(job->table->rows);
    w.curve = calloc((size_t)s->rounds, sizeof *w.curve);
    sotto_status status = SOTTO_OK;
    if (w.use == NULL || w.curve == NULL)
        status = hq_no_memory(diag);
    else
        status = search_all(&w, s, score, diag);
    free(w.use);
    free(w.curve);
    return status;
}
