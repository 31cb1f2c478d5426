/* Uplift: what a treatment changes, and for whom. */
#include "evaluate/evaluate.h"

#include <math.h>
#include <stdlib.h>

sotto_status eval_trial_init(eval_trial *t, sotto_diag *diag)
{
    return eval_order(t->score, t->rows, &t->order, diag);
}

void eval_trial_free(eval_trial *t)
{
    free(t->order);
    t->order = NULL;
}

/* Weights and weighted outcomes, [0] of control, [1] of treated. */
typedef struct sums {
    double n[2], outcome[2];
} sums;

/* Adds the rows order[at..] of one score; returns where the next score starts. */
static size_t add_tie(const eval_trial *t, const double *weight, size_t at, sums *s)
{
    double score = t->score[t->order[at]];
    for (; at < t->rows && !(t->score[t->order[at]] < score); at++) {
        size_t row = t->order[at];
        double w = weight == NULL ? 1 : weight[row];
        s->n[t->treated[row]] += w;
        s->outcome[t->treated[row]] += w * t->outcome[row];
    }
    return at;
}

static double size_of(const sums *s)
{
    return s->n[0] + s->n[1];
}

static sums all_rows(const eval_trial *t, const double *weight)
{
    sums s = {.n = {0, 0}};
    for (size_t at = 0; at < t->rows;)
        at = add_tie(t, weight, at, &s);
    return s;
}

/* before + part * (after - before): the rows of one score are taken in equal parts. */
static sums between(const sums *before, const sums *after, double part)
{
    sums s = *before;
    for (int arm = 0; arm < 2; arm++) {
        s.n[arm] += part * (after->n[arm] - before->n[arm]);
        s.outcome[arm] += part * (after->outcome[arm] - before->outcome[arm]);
    }
    return s;
}

double eval_uplift_of_best(const eval_trial *t, const double *weight, double share)
{
    sums total = all_rows(t, weight), s = {.n = {0, 0}}, before = s;
    double room = share * size_of(&total);
    for (size_t at = 0; at < t->rows && size_of(&s) < room;) {
        before = s;
        at = add_tie(t, weight, at, &s);
    }
    if (size_of(&s) > room)
        s = between(&before, &s, (room - size_of(&before)) / (size_of(&s) - size_of(&before)));
    return s.outcome[1] / s.n[1] - s.outcome[0] / s.n[0];
}

double eval_kept(const eval_trial *t, const double *weight, double share)
{
    return share * eval_uplift_of_best(t, weight, share) / eval_uplift_of_best(t, weight, 1);
}

/* Before any control stands among the rows, there is nothing to take away. */
static double gained(const sums *s)
{
    return s->n[0] > 0 ? s->outcome[1] - s->outcome[0] * s->n[1] / s->n[0] : s->outcome[1];
}

double eval_qini(const eval_trial *t, const double *weight)
{
    sums s = {.n = {0, 0}};
    double area = 0, height = 0, size = 0;
    for (size_t at = 0; at < t->rows;) {
        at = add_tie(t, weight, at, &s);
        area += (size_of(&s) - size) * (height + gained(&s)) / 2;
        size = size_of(&s);
        height = gained(&s);
    }
    return (area / size - height / 2) / s.n[1];
}
