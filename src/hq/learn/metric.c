/* How good a score is: area under the ROC curve, and logarithmic loss. */
#include "learn/learn.h"

#include <math.h>
#include <stdlib.h>

typedef struct scored {
    double score;
    uint8_t label;
} scored;

static int compare_scores(const void *a, const void *b)
{
    double x = ((const scored *)a)->score, y = ((const scored *)b)->score;
    return (x > y) - (x < y);
}

/* Sum of the positives' ranks (from 1), equal scores sharing their middle rank. */
static double sum_ranks(const scored *sorted, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n;) {
        size_t end = i, positives = 0;
        for (; end < n && !(sorted[end].score > sorted[i].score); end++)
            positives += sorted[end].label;
        sum += (double)positives * ((double)(i + 1) + (double)end) / 2;
        i = end;
    }
    return sum;
}

double learn_auc(const double *score, const uint8_t *label, size_t n)
{
    size_t positives = 0;
    scored *sorted = n == 0 ? NULL : malloc(n * sizeof *sorted);
    for (size_t i = 0; sorted != NULL && i < n; i++) {
        sorted[i] = (scored){.score = score[i], .label = label[i]};
        positives += label[i];
    }
    if (sorted == NULL || positives == 0 || positives == n) {
        free(sorted);
        return NAN;
    }
    qsort(sorted, n, sizeof *sorted, compare_scores);
    double p = (double)positives, u = sum_ranks(sorted, n) - p * (p + 1) / 2;
    free(sorted);
    return u / (p * ((double)n - p));
}

/* -ln(1 / (1 + e^-m)) = ln(1 + e^-m), without overflow for large |m|. */
double learn_logloss(const double *margin, const uint8_t *label, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++) {
        double m = label[i] ? margin[i] : -margin[i];
        sum += m > 0 ? log1p(exp(-m)) : -m + log1p(exp(m));
    }
    return n == 0 ? NAN : sum / (double)n;
}

double learn_probability_of(double margin)
{
    return 1 / (1 + exp(-margin));
}

double learn_logloss_of(const double *p, const uint8_t *label, size_t n)
{
    static const double EDGE = 1.0 / 2147483648.0; /* half a unit of 2^-30 */
    double sum = 0;
    for (size_t i = 0; i < n; i++) {
        double likely = label[i] ? p[i] : 1 - p[i];
        sum -= log(likely < EDGE ? EDGE : likely);
    }
    return n == 0 ? NAN : sum / (double)n;
}

double learn_brier(const double *p, const uint8_t *label, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += (p[i] - label[i]) * (p[i] - label[i]);
    return n == 0 ? NAN : sum / (double)n;
}

/* Rows and their labels by ascending score. NULL when there are none, or memory is out. */
static scored *sort_rows(const double *score, const uint8_t *label, size_t n)
{
    scored *sorted = n == 0 ? NULL : malloc(n * sizeof *sorted);
    for (size_t i = 0; sorted != NULL && i < n; i++)
        sorted[i] = (scored){.score = score[i], .label = label[i]};
    if (sorted != NULL)
        qsort(sorted, n, sizeof *sorted, compare_scores);
    return sorted;
}

double learn_ece(const double *p, const uint8_t *label, size_t n, size_t bins)
{
    scored *sorted = sort_rows(p, label, n);
    double sum = 0;
    for (size_t bin = 0; sorted != NULL && bin < bins; bin++) {
        double difference = 0;
        for (size_t i = n * bin / bins; i < n * (bin + 1) / bins; i++)
            difference += sorted[i].score - sorted[i].label;
        sum += fabs(difference);
    }
    double error = sorted == NULL ? NAN : sum / (double)n;
    free(sorted);
    return error;
}

double learn_reach(const double *score, const uint8_t *label, size_t n, double contacted)
{
    scored *sorted = sort_rows(score, label, n);
    double left = contacted * (double)n, reached = 0, positives = 0;
    for (size_t end = n; sorted != NULL && end > 0;) {
        size_t start = end;
        double hits = 0;
        for (; start > 0 && !(sorted[start - 1].score < sorted[end - 1].score); start--)
            hits += sorted[start - 1].label;
        double taken = fmin(left, (double)(end - start));
        reached += hits * taken / (double)(end - start);
        positives += hits;
        left -= taken;
        end = start;
    }
    free(sorted);
    return positives > 0 ? reached / positives : NAN;
}

/* Sums and squares of the placement of the rows of one class among those of the other: the share of the
 * others that it beats. */
typedef struct placement {
    double n, sum, squares;
} placement;

static void add_placements(placement *to, size_t rows, double share)
{
    to->n += (double)rows;
    to->sum += (double)rows * share;
    to->squares += (double)rows * share * share;
}

static double variance(const placement *p)
{
    return (p->squares - p->sum * p->sum / p->n) / (p->n - 1);
}

double learn_auc_error(const double *score, const uint8_t *label, size_t n)
{
    scored *sorted = sort_rows(score, label, n);
    size_t positives = 0, seen[2] = {0, 0};
    placement by[2] = {{0, 0, 0}, {0, 0, 0}};
    for (size_t i = 0; i < n; i++)
        positives += label[i];
    size_t of[2] = {n - positives, positives};
    for (size_t i = 0; sorted != NULL && of[0] > 0 && of[1] > 0 && i < n;) {
        size_t end = i, tied[2] = {0, 0};
        for (; end < n && !(sorted[end].score > sorted[i].score); end++)
            tied[sorted[end].label]++;
        for (int c = 0; c < 2; c++) /* below it, and half of those equal to it */
            add_placements(&by[c], tied[c], ((double)seen[!c] + (double)tied[!c] / 2) / (double)of[!c]);
        seen[0] += tied[0];
        seen[1] += tied[1];
        i = end;
    }
    free(sorted);
    if (of[0] < 2 || of[1] < 2 || by[0].n < 1)
        return NAN;
    return sqrt(variance(&by[0]) / (double)of[0] + variance(&by[1]) / (double)of[1]);
}
