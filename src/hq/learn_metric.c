/* How good a score is: area under the ROC curve, and logarithmic loss. */
#include "learn_priv.h"

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
