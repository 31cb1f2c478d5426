/* Platt's sigmoid and centred isotonic regression, fitted to integer margins. */
#include "learn/calibrate.h"
#include "office/args.h"

#include <math.h>
#include <stdlib.h>

enum { NEWTON_STEPS = 100, HALVINGS = 30 };
static const double ONE_Q24 = 16777216.0, ONE_Q30 = 1073741824.0;
static const int64_t EDGE_Q24 = INT64_C(1) << 32; /* margins beyond it are held there, as in scoring */

static int64_t held(int64_t margin_q24)
{
    return margin_q24 > EDGE_Q24 ? EDGE_Q24 : margin_q24 < -EDGE_Q24 ? -EDGE_Q24 : margin_q24;
}

static size_t count_positives(const uint8_t *label, size_t n)
{
    size_t positives = 0;
    for (size_t i = 0; i < n; i++)
        positives += label[i];
    return positives;
}

static sotto_status wrong_way(sotto_diag *diag)
{
    return sotto_diag_set(diag, SOTTO_ERR(HQ, RANGE),
                          "on these rows a higher margin is not more likely: nothing that grows fits them");
}

/* ---- Platt ---- */

/* Rows, and the targets that stand for 1 and 0: a little inside, so that a perfect split does not run away
 * (Platt, "Probabilistic outputs for support vector machines", 1999). */
typedef struct platt {
    const int64_t *margin_q24;
    const uint8_t *label;
    size_t n;
    double target[2];
} platt;

static double loss(const platt *p, double slope, double offset)
{
    double sum = 0;
    for (size_t i = 0; i < p->n; i++) {
        double x = slope * (double)held(p->margin_q24[i]) / ONE_Q24 + offset;
        sum += fmax(x, 0) + log1p(exp(-fabs(x))) - p->target[p->label[i]] * x;
    }
    return sum;
}

/* One Newton step, halved until it helps (Lin, Lin and Weng, "A note on Platt's probabilistic outputs",
 * 2007). false: no step helps, this is the minimum. */
static bool improve(const platt *p, double *slope, double *offset, double *best)
{
    double g[2] = {0, 0}, h[3] = {1e-12, 0, 1e-12};
    for (size_t i = 0; i < p->n; i++) {
        double m = (double)held(p->margin_q24[i]) / ONE_Q24, q = learn_probability_of(*slope * m + *offset);
        double d = q - p->target[p->label[i]], w = q * (1 - q);
        g[0] += d * m;
        g[1] += d;
        h[0] += w * m * m;
        h[1] += w * m;
        h[2] += w;
    }
    double det = h[0] * h[2] - h[1] * h[1];
    double step[2] = {(h[2] * g[0] - h[1] * g[1]) / det, (h[0] * g[1] - h[1] * g[0]) / det};
    for (int i = 0; isfinite(step[0]) && isfinite(step[1]) && i < HALVINGS; i++) {
        double part = ldexp(1, -i);
        double to[2] = {*slope - part * step[0], *offset - part * step[1]}, got = loss(p, to[0], to[1]);
        if (got >= *best)
            continue;
        bool more = *best - got > 1e-12 * (double)p->n;
        *slope = to[0];
        *offset = to[1];
        *best = got;
        return more;
    }
    return false;
}

sotto_status learn_fit_platt(learn_calibration *out, const int64_t *margin_q24, const uint8_t *label,
                             size_t n, sotto_diag *diag)
{
    double positives = (double)count_positives(label, n), negatives = (double)n - positives;
    platt p = {.margin_q24 = margin_q24, .label = label, .n = n};
    p.target[0] = 1 / (negatives + 2);
    p.target[1] = (positives + 1) / (positives + 2);
    double slope = 0, offset = log((positives + 1) / (negatives + 1)), best = loss(&p, slope, offset);
    for (int i = 0; i < NEWTON_STEPS && improve(&p, &slope, &offset, &best); i++)
        ;
    double s = rint(slope * ONE_Q24), o = rint(offset * ONE_Q24), most = ONE_Q30;
    if (!(s >= 1))
        return wrong_way(diag);
    *out = (learn_calibration){.c = {.kind = SOTTO_CALIBRATION_PLATT,
                                     .slope_q24 = (int64_t)fmin(s, most),
                                     .offset_q24 = (int64_t)fmax(-most, fmin(o, most))}};
    return SOTTO_OK;
}

/* ---- Isotonic ---- */

/* Neighbouring rows that share one probability: counts, and the sum of their margins. */
typedef struct block {
    double rows, positives, margins;
} block;

typedef struct sorted_row {
    int64_t margin_q24;
    uint8_t label;
} sorted_row;

static int compare(const void *a, const void *b)
{
    int64_t x = ((const sorted_row *)a)->margin_q24, y = ((const sorted_row *)b)->margin_q24;
    return (x > y) - (x < y);
}

/* Equal margins start as one block, and at least so many rows do that no more points come out than a model
 * may have. Returns how many blocks. */
static size_t make_blocks(const sorted_row *rows, size_t n, block *blocks)
{
    size_t count = 0, least = n / SOTTO_CALIBRATION_POINTS_MAX + 1;
    for (size_t i = 0; i < n;) {
        block b = {0, 0, 0};
        size_t start = i;
        for (; i < n && (i - start < least || rows[i].margin_q24 == rows[i - 1].margin_q24); i++) {
            b.rows++;
            b.positives += rows[i].label;
            b.margins += (double)rows[i].margin_q24;
        }
        blocks[count++] = b;
    }
    return count;
}

/* Pool adjacent violators (Ayer, Brunk, Ewing, Reid and Silverman 1955): a block that is not more likely than
 * the one before it becomes one with it. */
static size_t pool(block *blocks, size_t n)
{
    size_t top = 0;
    for (size_t i = 0; i < n; i++) {
        block b = blocks[i];
        while (top > 0 && blocks[top - 1].positives * b.rows >= b.positives * blocks[top - 1].rows) {
            top--;
            b.rows += blocks[top].rows;
            b.positives += blocks[top].positives;
            b.margins += blocks[top].margins;
        }
        blocks[top++] = b;
    }
    return top;
}

/* A block's probability stands at its mean margin and straight lines lead from one to the next (Oron and
 * Flournoy, "Centered isotonic regression", 2017): between the first and the last point the probability
 * grows, so that what is ranked by it is ranked as by the margin. Held off 0 and 1 as Platt's targets are. */
static size_t place_points(const block *blocks, size_t n, double rows, learn_calibration *out)
{
    size_t count = 0;
    double least = 1 / (rows + 2);
    for (size_t i = 0; i < n; i++) {
        double p = fmin(1 - least, fmax(least, blocks[i].positives / blocks[i].rows));
        int64_t margin = llrint(blocks[i].margins / blocks[i].rows);
        if (count > 0 && margin <= out->margin_q24[count - 1])
            continue;
        out->margin_q24[count] = margin;
        out->p_q30[count++] = (uint32_t)rint(p * ONE_Q30);
    }
    return count;
}

static sotto_status fit_blocks(learn_calibration *out, sorted_row *rows, block *blocks, size_t n,
                               sotto_diag *diag)
{
    qsort(rows, n, sizeof *rows, compare);
    size_t count = pool(blocks, make_blocks(rows, n, blocks));
    if (count < 2)
        return wrong_way(diag);
    out->margin_q24 = calloc(count, sizeof *out->margin_q24);
    out->p_q30 = calloc(count, sizeof *out->p_q30);
    if (out->margin_q24 == NULL || out->p_q30 == NULL)
        return hq_no_memory(diag);
    out->c = (sotto_calibration){.kind = SOTTO_CALIBRATION_ISOTONIC,
                                 .points = place_points(blocks, count, (double)n, out),
                                 .margin_q24 = out->margin_q24,
                                 .p_q30 = out->p_q30};
    return SOTTO_OK;
}

sotto_status learn_fit_isotonic(learn_calibration *out, const int64_t *margin_q24, const uint8_t *label,
                                size_t n, sotto_diag *diag)
{
    sorted_row *rows = calloc(n + 1, sizeof *rows);
    block *blocks = calloc(n + 1, sizeof *blocks);
    sotto_status status = SOTTO_OK;
    *out = (learn_calibration){.margin_q24 = NULL};
    if (rows == NULL || blocks == NULL)
        status = hq_no_memory(diag);
    for (size_t i = 0; status == SOTTO_OK && i < n; i++)
        rows[i] = (sorted_row){.margin_q24 = held(margin_q24[i]), .label = label[i]};
    if (status == SOTTO_OK)
        status = fit_blocks(out, rows, blocks, n, diag);
    if (status != SOTTO_OK)
        learn_calibration_free(out);
    free(rows);
    free(blocks);
    return status;
}

void learn_calibration_free(learn_calibration *c)
{
    free(c->margin_q24);
    free(c->p_q30);
    *c = (learn_calibration){.margin_q24 = NULL};
}
