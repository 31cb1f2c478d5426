/* What another policy would have earned, from what one policy did and the probabilities with which it did it:
 * inverse propensity scores (Horvitz, Thompson, JASA 47, 1952), the same self-normalised (Swaminathan,
 * Joachims, NIPS 2015), direct method and doubly robust (Dudik, Langford, Li, ICML 2011). */
#include "evaluate/evaluate.h"

#include <math.h>
#include <stdlib.h>

static size_t position_of(const eval_logs *l, size_t row)
{
    return l->position == NULL ? 0 : l->position[row];
}

static double target_of(const eval_logs *l, size_t row)
{
    if (l->given != NULL)
        return l->given[row];
    return l->target == NULL ? l->propensity[row]
                             : l->target[l->action[row] * l->positions + position_of(l, row)];
}

double eval_weight(const eval_logs *l, size_t row)
{
    return fmin(target_of(l, row) / l->propensity[row], l->max_weight);
}

/* Rows and rewards by (action, position) of each fold, and of all. */
typedef struct counts {
    size_t cells, folds;
    double *n, *reward; /* (folds + 1) x cells; the last are of all */
} counts;

static sotto_status count_rows(const eval_logs *l, counts *c, int64_t seed, sotto_diag *diag)
{
    c->n = eval_array((c->folds + 1) * c->cells, sizeof *c->n, diag);
    c->reward = eval_array((c->folds + 1) * c->cells, sizeof *c->reward, diag);
    if (c->n == NULL || c->reward == NULL)
        return diag->status;
    for (size_t i = 0; i < l->rows; i++) {
        size_t cell = l->action[i] * l->positions + position_of(l, i);
        size_t fold = (size_t)(eval_hash(seed, i) % c->folds);
        c->n[fold * c->cells + cell] += 1;
        c->reward[fold * c->cells + cell] += l->reward[i];
        c->n[c->folds * c->cells + cell] += 1;
        c->reward[c->folds * c->cells + cell] += l->reward[i];
    }
    return SOTTO_OK;
}

/* Means by cell without one fold's rows, shrunk towards the mean of the position. */
static void fit_fold(const eval_logs *l, const counts *c, size_t fold, double prior, double *mean)
{
    const double *n = c->n + c->folds * c->cells, *reward = c->reward + c->folds * c->cells;
    const double *less_n = c->n + fold * c->cells, *less_reward = c->reward + fold * c->cells;
    for (size_t p = 0; p < l->positions; p++) {
        double all_n = 0, all_reward = 0;
        for (size_t a = p; a < c->cells; a += l->positions) {
            all_n += n[a] - less_n[a];
            all_reward += reward[a] - less_reward[a];
        }
        double base = all_n > 0 ? all_reward / all_n : 0;
        for (size_t a = p; a < c->cells; a += l->positions) {
            double rows = n[a] - less_n[a];
            mean[a] = rows + prior > 0 ? (reward[a] - less_reward[a] + prior * base) / (rows + prior) : base;
        }
    }
}

/* The mean over what the judged policy would do at a position; over what was done when it is the same. */
static void expect_fold(const eval_logs *l, const counts *c, const double *mean, double *expected)
{
    const double *n = c->n + c->folds * c->cells;
    for (size_t p = 0; p < l->positions; p++) {
        double sum = 0, total = 0;
        for (size_t a = p; a < c->cells; a += l->positions) {
            double share = l->target == NULL ? n[a] : l->target[a];
            sum += share * mean[a];
            total += share;
        }
        expected[p] = total > 0 ? sum / total : 0;
    }
}

static void predict_fold(eval_logs *l, size_t fold, size_t folds, int64_t seed, const double *mean,
                         const double *expected)
{
    for (size_t i = 0; i < l->rows; i++) {
        if (eval_hash(seed, i) % folds != fold)
            continue;
        l->model[i] = mean[l->action[i] * l->positions + position_of(l, i)];
        l->expected[i] = expected[position_of(l, i)];
    }
}

sotto_status eval_reward_model(eval_logs *l, double prior, size_t folds, int64_t seed, sotto_diag *diag)
{
    counts c = {.cells = l->actions * l->positions, .folds = folds};
    double *mean = eval_array(c.cells, sizeof *mean, diag);
    double *expected = eval_array(l->positions, sizeof *expected, diag);
    sotto_status status = mean == NULL || expected == NULL ? diag->status : count_rows(l, &c, seed, diag);
    for (size_t fold = 0; status == SOTTO_OK && fold < folds; fold++) {
        fit_fold(l, &c, fold, prior, mean);
        expect_fold(l, &c, mean, expected);
        predict_fold(l, fold, folds, seed, mean, expected);
    }
    free(mean);
    free(expected);
    free(c.n);
    free(c.reward);
    return status;
}

void eval_estimate(const eval_logs *l, const double *weight, double out[static EVAL_ESTIMATES])
{
    double n = 0, weights = 0, rewards = 0, direct = 0, corrections = 0;
    for (size_t i = 0; i < l->rows; i++) {
        double times = weight == NULL ? 1 : weight[i];
        if (!(times > 0))
            continue;
        double w = times * eval_weight(l, i);
        n += times;
        weights += w;
        rewards += w * l->reward[i];
        if (l->model == NULL)
            continue;
        direct += times * l->expected[i];
        corrections += w * (l->reward[i] - l->model[i]);
    }
    out[EVAL_IPS] = rewards / n;
    out[EVAL_SNIPS] = rewards / weights;
    out[EVAL_DM] = l->model == NULL ? NAN : direct / n;
    out[EVAL_DR] = l->model == NULL ? NAN : (direct + corrections) / n;
}

double eval_effective_rows(const eval_logs *l)
{
    double sum = 0, squares = 0;
    for (size_t i = 0; i < l->rows; i++) {
        double w = eval_weight(l, i);
        sum += w;
        squares += w * w;
    }
    return squares > 0 ? sum * sum / squares : 0;
}
