/* Curves of the judged rows: ROC, gain, lift, calibration, distribution. */
#include "report/report.h"

#include <math.h>
#include <string.h>

/* Points of the ROC curve where scores change; those nearer than this to the one before are left out. */
static const double ROC_STEP = 1.0 / 120;

static void put_roc(report_curve *c, double x, double y)
{
    size_t n = c->points;
    bool last = x >= 1 && y >= 1;
    if (n > 0 && !last && x - c->x[n - 1] < ROC_STEP && y - c->y[n - 1] < ROC_STEP)
        return;
    if (n == REPORT_CURVE_MAX) /* two coordinates of 120 steps each: cannot be, but for the last */
        n--;
    c->x[n] = x;
    c->y[n] = y;
    c->points = n + 1;
}

void report_roc(report_curve *c, const eval_scored *s, size_t positives)
{
    double yes = (double)positives, no = (double)(s->rows - positives);
    size_t got_yes = 0, got_no = 0;
    put_roc(c, 0, 0);
    for (size_t i = 0; i < s->rows; i++) {
        size_t row = s->order[i];
        *(s->label[row] ? &got_yes : &got_no) += 1;
        if (i + 1 == s->rows || s->score[s->order[i + 1]] < s->score[row])
            put_roc(c, (double)got_no / no, (double)got_yes / yes);
    }
}

static void make_gain(report *r)
{
    for (size_t i = 0; i < REPORT_GAIN_POINTS; i++) {
        r->contact[i] = (double)i / (REPORT_GAIN_POINTS - 1);
        r->gain[i] = i == 0 ? 0 : eval_gain(&r->scored, NULL, r->contact[i]);
        r->lift[i] = i == 0 ? (double)NAN : r->gain[i] / r->contact[i];
    }
}

/* The smallest share of contacts that reaches so many of the buyers; gain rises with contacts. */
static double share_for(const report *r, double reach)
{
    double low = 0, high = 1;
    for (int i = 0; i < 30; i++) {
        double middle = (low + high) / 2;
        *(eval_gain(&r->scored, NULL, middle) < reach ? &low : &high) = middle;
    }
    return high;
}

static void make_calibration(report *r)
{
    double z = eval_z(r->o->confidence);
    r->bins = eval_calibrate(&r->said, r->bin, (size_t)r->o->bins);
    for (size_t i = 0; i < r->bins; i++) {
        const eval_bin *b = &r->bin[i];
        eval_interval rate = eval_wilson((double)b->positives, (double)b->rows, z);
        r->bins_off += b->score < rate.low || b->score > rate.high;
    }
}

/* Bins of equal width in log-odds: scores of rare things would all stand in the first bin of their
 * probabilities. */
static void make_distribution(report *r)
{
    const eval_scored *s = &r->scored;
    double low = INFINITY, high = -INFINITY;
    for (size_t i = 0; i < s->rows; i++) {
        double margin = r->margin[i];
        low = fmin(low, margin);
        high = fmax(high, margin);
    }
    double width = high > low ? (high - low) / REPORT_SCORE_BINS : 1;
    for (size_t i = 0; i < s->rows; i++) {
        double at = (r->margin[i] - low) / width;
        size_t bin = at >= REPORT_SCORE_BINS ? REPORT_SCORE_BINS - 1 : (size_t)at;
        if (s->label[i])
            r->score_yes[bin] += 1 / (double)r->positives;
        else
            r->score_no[bin] += 1 / (double)(s->rows - r->positives);
    }
    for (size_t i = 0; i < REPORT_SCORE_BINS; i++)
        r->score_at[i] = 1 / (1 + exp(-(low + ((double)i + 0.5) * width)));
}

static void make_figures(report *r)
{
    const eval_scored *s = &r->scored;
    double rows = (double)s->rows, z = eval_z(r->o->confidence);
    r->auc = eval_auc(s, NULL);
    r->auc_interval = eval_normal(r->auc, eval_auc_variance(s), z);
    r->auc_interval.high = fmin(1, r->auc_interval.high);
    r->logloss = eval_logloss(&r->said, NULL);
    r->brier = eval_brier(&r->said, NULL);
    r->rate = (double)r->positives / rows;
    r->base_logloss = -r->rate * log(r->rate) - (1 - r->rate) * log1p(-r->rate);
    for (size_t i = 0; i < s->rows; i++)
        r->mean_score += r->score[i] / rows;
    r->reached = eval_gain(s, NULL, r->o->contacts / 100);
    r->share_for_reach = share_for(r, r->o->reach / 100);
}

sotto_status report_curves(report *r, sotto_diag *diag)
{
    make_figures(r);
    report_roc(&r->roc, &r->scored, r->positives);
    make_gain(r);
    make_calibration(r);
    make_distribution(r);
    sotto_status status = report_slices_of(r, diag);
    return status == SOTTO_OK ? report_weights(r, diag) : status;
}
