/*
 * chances: what another policy would have had, from noised counts of showings by the band of the chance that
 * they were drawn by (inverse propensity: Horvitz and Thompson 1952). Doubles: for people, behind the exact
 * sums.
 */
#ifndef SOTTO_HQ_EVALUATE_CHANCES_H
#define SOTTO_HQ_EVALUATE_CHANCES_H

#include "totals/histogram.h"

/* Counted events that weigh alike. */
typedef struct hq_term {
    double count, variance; /* as read; of its noise */
    double low, high;       /* weight of each, 1 / chance, lies between; high: INFINITY = nobody knows */
    double share;           /* of it in the sum */
} hq_term;

typedef struct hq_sureness {
    double noise;   /* half width of the noise, in deviations (hq_sums_deviations) */
    double draw;    /* of chance: the normal's quantile */
    double cluster; /* events that may hang on one draw */
} hq_sureness;

/* Sum of count x weight x share. The value takes a band's geometric middle. The interval holds the noise, the
 * width of the bands and what the draws leave to chance, each term with a one-sided width of its own and
 * their squares added (MOVER: Zou and Donner 2008, as Newcombe's method 10). Where a weight is not bounded
 * and the noise cannot explain what was counted there, high is INFINITY; that term is not in the value. */
hq_figure hq_terms_sum(const hq_term *term, size_t terms, const hq_sureness *sure);
/* part / whole of two sums whose intervals each hold; not below 0. NAN where whole may be 0. */
hq_figure hq_terms_ratio(const hq_figure *part, const hq_figure *whole);

#endif
