/* How good a score is: order (AUC, gain), size (logarithmic loss, Brier, calibration). */
#include "evaluate/evaluate.h"

#include <math.h>
#include <stdlib.h>

typedef struct keyed {
    double key;
    size_t row;
} keyed;

static int compare_falling(const void *a, const void *b)
{
    const keyed *x = a, *y = b;
    int by_key = (y->key > x->key) - (y->key < x->key);
    return by_key != 0 ? by_key : (x->row > y->row) - (x->row < y->row);
}

sotto_status eval_order(const double *score, size_t n, size_t **order, sotto_diag *diag)
{
    keyed *keys = eval_array(n, sizeof *keys, diag);
    *order = eval_array(n, sizeof **order, diag);
    if (keys == NULL || *order == NULL) {
        free(keys);
        return diag->status;
    }
    for (size_t i = 0; i < n; i++)
        keys[i] = (keyed){score[i], i};
    qsort(keys, n, sizeof *keys, compare_falling);
    for (size_t i = 0; i < n; i++)
        (*order)[i] = keys[i].row;
    free(keys);
    return SOTTO_OK;
}

sotto_status eval_scored_init(eval_scored *s, sotto_diag *diag)
{
    return eval_order(s->score, s->rows, &s->order, diag);
}

void eval_scored_free(eval_scored *s)
{
    free(s->order);
    s->order = NULL;
}

static double weight_of(const eval_scored *s, const double *weight, size_t row)
{
    return weight == NULL ? 1 : weight[s->unit == NULL ? row : s->unit[row]];
}

/* Weights of the rows of one score. */
typedef struct tie {
    double positives, negatives;
} tie;

/* Rows order[at..] of one score; returns where the next score starts. */
static size_t next_tie(const eval_scored *s, const double *weight, size_t at, tie *t)
{
    double score = s->score[s->order[at]];
    *t = (tie){0, 0};
    for (; at < s->rows && !(s->score[s->order[at]] < score); at++) {
        size_t row = s->order[at];
        *(s->label[row] ? &t->positives : &t->negatives) += weight_of(s, weight, row);
    }
    return at;
}

double eval_auc(const eval_scored *s, const double *weight)
{
    double won = 0, positives = 0, negatives = 0;
    tie t;
    for (size_t at = 0; at < s->rows;) {
        at = next_tie(s, weight, at, &t);
        won += t.negatives * (positives + t.positives / 2);
        positives += t.positives;
        negatives += t.negatives;
    }
    return positives > 0 && negatives > 0 ? won / (positives * negatives) : NAN;
}

/* Each positive's share of negatives below it, each negative's share of positives above it; the variance of
 * the AUC is the sum of both samples' variances over their sizes. */
double eval_auc_variance(const eval_scored *s)
{
    double auc = eval_auc(s, NULL), positives = 0, negatives = 0, m = 0, n = 0, v10 = 0, v01 = 0;
    tie t;
    for (size_t i = 0; i < s->rows; i++)
        *(s->label[i] ? &m : &n) += 1;
    if (m < 2 || n < 2)
        return NAN;
    for (size_t at = 0; at < s->rows;) {
        at = next_tie(s, NULL, at, &t);
        double below = (n - negatives - t.negatives / 2) / n, above = (positives + t.positives / 2) / m;
        v10 += t.positives * (below - auc) * (below - auc);
        v01 += t.negatives * (above - auc) * (above - auc);
        positives += t.positives;
        negatives += t.negatives;
    }
    return v10 / (m - 1) / m + v01 / (n - 1) / n;
}

double eval_logloss(const eval_scored *s, const double *weight)
{
    double sum = 0, total = 0;
    for (size_t i = 0; i < s->rows; i++) {
        double w = weight_of(s, weight, i), p = fmin(fmax(s->score[i], 1e-15), 1 - 1e-15);
        sum -= w * (s->label[i] ? log(p) : log1p(-p));
        total += w;
    }
    return sum / total;
}

double eval_brier(const eval_scored *s, const double *weight)
{
    double sum = 0, total = 0;
    for (size_t i = 0; i < s->rows; i++) {
        double w = weight_of(s, weight, i), off = s->score[i] - s->label[i];
        sum += w * off * off;
        total += w;
    }
    return sum / total;
}

double eval_gain(const eval_scored *s, const double *weight, double share)
{
    double total = 0, positives = 0, reached = 0;
    tie t;
    for (size_t i = 0; i < s->rows; i++) {
        total += weight_of(s, weight, i);
        positives += s->label[i] ? weight_of(s, weight, i) : 0;
    }
    double room = share * total;
    for (size_t at = 0; at < s->rows && room > 0;) {
        at = next_tie(s, weight, at, &t);
        double size = t.positives + t.negatives;
        reached += size > room ? t.positives * room / size : t.positives;
        room -= size;
    }
    return positives > 0 ? reached / positives : NAN;
}

/* A score's bin is where the middle of its rows stands. */
size_t eval_calibrate(const eval_scored *s, eval_bin *bins, size_t count)
{
    size_t used = 0, last = count;
    for (size_t end = s->rows, start; end > 0; end = start) {
        double score = s->score[s->order[end - 1]], positives = 0;
        for (start = end; start > 0 && !(s->score[s->order[start - 1]] > score); start--)
            positives += s->label[s->order[start - 1]];
        size_t bin = (2 * s->rows - start - end) * count / (2 * s->rows), rows = end - start;
        if (bin != last)
            bins[used++] = (eval_bin){.rows = 0};
        eval_bin *b = &bins[used - 1];
        b->score = (b->score * (double)b->rows + score * (double)rows) / (double)(b->rows + rows);
        b->rows += rows;
        b->positives += (size_t)positives;
        last = bin;
    }
    return used;
}
