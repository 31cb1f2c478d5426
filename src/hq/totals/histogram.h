/*
 * histogram: figures read from noised counts. A score x outcome histogram gives the area under the ROC curve,
 * the gain of contacting the best, and calibration; two histograms of one input give the population stability
 * index. Doubles: for people, behind the exact sums.
 */
#ifndef SOTTO_HQ_TOTALS_HISTOGRAM_H
#define SOTTO_HQ_TOTALS_HISTOGRAM_H

#include "totals/sums.h"

enum { HQ_BINS_MAX = 65 };

typedef struct hq_histogram { /* bins by rising score */
    size_t bins;
    double shown[HQ_BINS_MAX], taken[HQ_BINS_MAX];
    double shown_variance[HQ_BINS_MAX], taken_variance[HQ_BINS_MAX]; /* of the noise */
} hq_histogram;

/* A figure, and between what it would lie without noise. NAN where the counts cannot say. */
typedef struct hq_figure {
    double value, low, high;
} hq_figure;

/* Of a taker and a non-taker drawn at random, how often the taker stands in a higher bin, a tie counting half
 * (Hanley, McNeil 1982). Pairs within a bin are not told apart, so it lies below the scores' own. deviations:
 * half width of the interval in standard deviations of the noise (the delta method, each cell moved by one
 * of its own). */
hq_figure hq_histogram_auc(const hq_histogram *h, double deviations);
/* Share of the takers among the `contacts` (0..1) with the highest scores; within a bin by proportion. */
hq_figure hq_histogram_gain(const hq_histogram *h, double contacts, double deviations);
/* Taken of shown in one bin. */
hq_figure hq_histogram_rate(const hq_histogram *h, size_t bin, double deviations);

typedef struct hq_shares {
    size_t bins;
    double count[HQ_BINS_MAX], variance[HQ_BINS_MAX]; /* of the noise; 0 for exact counts */
} hq_shares;
/* Population stability index: sum of (a - e) ln(a / e) over the shares a and e, half a count added to each
 * bin. value: as read; low: what chance alone (noise, and a sample of that size) gives on average; high: what
 * chance alone stays below, to `deviations`. Second order about equal shares: sum of d^2 / e. */
hq_figure hq_histogram_psi(const hq_shares *expected, const hq_shares *actual, double deviations);

#endif
