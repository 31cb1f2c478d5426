/* AUC, gain, rates and stability of noised counts. */
#include "totals/histogram.h"

#include <math.h>

typedef double (*statistic)(const hq_histogram *h, double parameter);

/* ---- the delta method: each cell moved by a standard deviation of its noise, to either side ---- */

static double moved(const hq_histogram *h, double *cell, double variance, statistic f, double parameter)
{
    const double deviation = sqrt(variance), kept = *cell;
    if (variance <= 0)
        return 0;
    *cell = kept + deviation;
    double above = f(h, parameter);
    *cell = kept - deviation;
    double below = f(h, parameter);
    *cell = kept;
    return isfinite(above) && isfinite(below) ? (above - below) / 2 : INFINITY;
}

static hq_figure figure(const hq_histogram *h, statistic f, double parameter, double deviations)
{
    hq_histogram copy = *h;
    double value = f(h, parameter), variance = 0;
    for (size_t i = 0; i < h->bins; i++) {
        double shown = moved(&copy, &copy.shown[i], h->shown_variance[i], f, parameter);
        double taken = moved(&copy, &copy.taken[i], h->taken_variance[i], f, parameter);
        variance += shown * shown + taken * taken;
    }
    double half = deviations * sqrt(variance);
    if (!isfinite(value))
        return (hq_figure){NAN, NAN, NAN};
    return (hq_figure){value, fmax(value - half, 0), fmin(value + half, 1)};
}

/* ---- the statistics ---- */

static double auc(const hq_histogram *h, double unused)
{
    double positives = 0, negatives = 0, ordered = 0;
    (void)unused;
    for (size_t i = 0; i < h->bins; i++) {
        double below = h->shown[i] - h->taken[i];
        ordered += h->taken[i] * (negatives + below / 2);
        negatives += below;
        positives += h->taken[i];
    }
    return positives > 0 && negatives > 0 ? ordered / (positives * negatives) : NAN;
}

static double gain(const hq_histogram *h, double contacts)
{
    double shown = 0, taken = 0, reached = 0;
    for (size_t i = 0; i < h->bins; i++) {
        shown += h->shown[i];
        taken += h->taken[i];
    }
    double left = contacts * shown;
    for (size_t i = h->bins; i-- > 0 && left > 0;) {
        double share = h->shown[i] > left ? left / h->shown[i] : 1;
        reached += share * h->taken[i];
        left -= h->shown[i];
    }
    return shown > 0 && taken > 0 ? reached / taken : NAN;
}

static double rate(const hq_histogram *h, double bin)
{
    size_t i = (size_t)bin;
    return h->shown[i] > 0 ? h->taken[i] / h->shown[i] : NAN;
}

hq_figure hq_histogram_auc(const hq_histogram *h, double deviations)
{
    return figure(h, auc, 0, deviations);
}

hq_figure hq_histogram_gain(const hq_histogram *h, double contacts, double deviations)
{
    return figure(h, gain, contacts, deviations);
}

hq_figure hq_histogram_rate(const hq_histogram *h, size_t bin, double deviations)
{
    hq_figure f = figure(h, rate, (double)bin, deviations);
    f.value = isfinite(f.value) ? fmin(fmax(f.value, 0), 1) : f.value;
    return f;
}

/* ---- stability ---- */

static double share_of(const hq_shares *s, size_t bin, double total)
{
    return (fmax(s->count[bin], 0) + 0.5) / (total + 0.5 * (double)s->bins);
}

static double total_of(const hq_shares *s)
{
    double total = 0;
    for (size_t i = 0; i < s->bins; i++)
        total += fmax(s->count[i], 0);
    return total;
}

/* Variance of a bin's share: that of the noise, and a sample's p (1 - p) / n. */
static double share_variance(const hq_shares *s, size_t bin, double share, double total)
{
    double n = fmax(total, 1);
    return s->variance[bin] / (n * n) + share * (1 - share) / n;
}

hq_figure hq_histogram_psi(const hq_shares *expected, const hq_shares *actual, double deviations)
{
    double e_total = total_of(expected), a_total = total_of(actual), psi = 0, mean = 0, squares = 0;
    if (e_total <= 0 || a_total <= 0)
        return (hq_figure){NAN, NAN, NAN};
    for (size_t i = 0; i < expected->bins; i++) {
        double e = share_of(expected, i, e_total), a = share_of(actual, i, a_total);
        double weight = (share_variance(expected, i, e, e_total) + share_variance(actual, i, e, a_total)) / e;
        psi += (a - e) * log(a / e);
        mean += weight;
        squares += weight * weight; /* a squared normal variable has twice its mean's square as variance */
    }
    return (hq_figure){psi, mean, mean + deviations * sqrt(2 * squares)};
}
