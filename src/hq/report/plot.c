/* The plots of a report. */
#include "report/report.h"

#include <math.h>

enum { WEIGHTS_SHOWN = 15 };

void report_draw_gain(const report *r, page *p)
{
    static const double ENDS[2] = {0, 1};
    char words[256];
    const page_series gain[] = {
        {.name = "this model", .count = REPORT_GAIN_POINTS, .x = r->contact, .y = r->gain},
        {.name = "chance", .shape = PAGE_DASHED, .count = 2, .x = ENDS, .y = ENDS}};
    (void)snprintf(words, sizeof words,
                   "%.3g %% of contacts, the best by score, reach %.1f %% of buyers; %.1f %% reach %.3g %%.",
                   r->o->contacts, 100 * r->reached, 100 * r->share_for_reach, r->o->reach);
    page_plot plot = {
        .title = "Gain: how many buyers do so many contacts reach?",
        .words = words,
        .x = {.name = "share of contacts, best first", .unit = PAGE_PERCENT, .bounded = true, .max = 1},
        .y = {.name = "share of buyers reached", .unit = PAGE_PERCENT, .bounded = true, .max = 1},
        .square = true,
        .series = gain,
        .series_count = 2};
    page_draw(p, &plot);
}

void report_draw_roc(const report *r, page *p)
{
    static const double ENDS[2] = {0, 1};
    char words[256];
    const page_series roc[] = {{.name = "this model", .count = r->roc.points, .x = r->roc.x, .y = r->roc.y},
                               {.name = "chance", .shape = PAGE_DASHED, .count = 2, .x = ENDS, .y = ENDS}};
    (void)snprintf(words, sizeof words,
                   "The area below the curve is %.4f, between %.4f and %.4f at %g %% (DeLong).", r->auc,
                   r->auc_interval.low, r->auc_interval.high, r->o->confidence);
    page_plot plot = {
        .title = "ROC: buyers found against others disturbed",
        .words = words,
        .x = {.name = "share of other customers contacted", .unit = PAGE_PERCENT, .bounded = true, .max = 1},
        .y = {.name = "share of buyers reached", .unit = PAGE_PERCENT, .bounded = true, .max = 1},
        .square = true,
        .series = roc,
        .series_count = 2};
    page_draw(p, &plot);
}

void report_draw_lift(const report *r, page *p)
{
    char words[256];
    const page_series lift = {
        .name = "lift", .count = REPORT_GAIN_POINTS - 1, .x = r->contact + 1, .y = r->lift + 1};
    (void)snprintf(words, sizeof words,
                   "The best 10 %% of contacts hold %.2f times as many buyers as contacts drawn at random.",
                   eval_gain(&r->scored, NULL, 0.1) / 0.1);
    page_plot plot = {
        .title = "Lift: how many times better than chance?",
        .words = words,
        .x = {.name = "share of contacts, best first", .unit = PAGE_PERCENT, .bounded = true, .max = 1},
        .y = {.name = "times what chance reaches"},
        .series = &lift,
        .series_count = 1};
    page_draw(p, &plot);
}

void report_draw_distribution(const report *r, page *p)
{
    const page_series both[] = {
        {.name = "buyers", .count = REPORT_SCORE_BINS, .x = r->score_at, .y = r->score_yes},
        {.name = "others", .count = REPORT_SCORE_BINS, .x = r->score_at, .y = r->score_no}};
    page_plot plot = {
        .title = "Scores of buyers and of others",
        .words = "The further apart the two hills stand, the better the model tells the two. Bins are equal "
                 "in log-odds.",
        .x = {.name = "score, as a probability (logarithmic)", .unit = PAGE_PERCENT, .logarithmic = true},
        .y = {.name = "share of each kind", .unit = PAGE_PERCENT},
        .series = both,
        .series_count = 2};
    page_draw(p, &plot);
}

void report_draw_calibration(const report *r, page *p)
{
    double x[REPORT_BINS_MAX], y[REPORT_BINS_MAX], low[REPORT_BINS_MAX], high[REPORT_BINS_MAX],
        top = 0.1, ends[2] = {0, 0};
    char words[256];
    double z = eval_z(r->o->confidence);
    for (size_t i = 0; i < r->bins; i++) {
        const eval_bin *b = &r->bin[i];
        eval_interval rate = eval_wilson((double)b->positives, (double)b->rows, z);
        x[i] = b->score;
        y[i] = (double)b->positives / (double)b->rows;
        low[i] = rate.low;
        high[i] = rate.high;
        top = fmax(top, fmax(rate.high, b->score));
    }
    top = fmin(1, ceil(top * 10) / 10);
    ends[1] = top;
    const page_series dots[] = {
        {.name = "what happened",
         .shape = PAGE_DOTS,
         .count = r->bins,
         .x = x,
         .y = y,
         .low = low,
         .high = high},
        {.name = "as was said", .shape = PAGE_DASHED, .count = 2, .x = ends, .y = ends}};
    (void)snprintf(words, sizeof words,
                   "%zu groups of about as many rows each; %zu of them lie off the line by more than chance "
                   "(Wilson, %g %%).",
                   r->bins, r->bins_off, r->o->confidence);
    page_plot plot = {.title = "Calibration: do so many buy as the model says?",
                      .words = words,
                      .x = {.name = "said", .unit = PAGE_PERCENT, .bounded = true, .max = top},
                      .y = {.name = "happened", .unit = PAGE_PERCENT, .bounded = true, .max = top},
                      .square = true,
                      .series = dots,
                      .series_count = 2};
    page_draw(p, &plot);
}

/* One plot of order, one of size; the table behind them has the rows' number. */
void report_draw_slices(const report_slices *s, enum page_shape shape, const char *by, page *p)
{
    const char *names[REPORT_SLICES_MAX];
    double auc[REPORT_SLICES_MAX], low[REPORT_SLICES_MAX], high[REPORT_SLICES_MAX];
    double rate[REPORT_SLICES_MAX], rate_low[REPORT_SLICES_MAX], rate_high[REPORT_SLICES_MAX],
        said[REPORT_SLICES_MAX];
    char title[64], rate_title[64];
    for (size_t i = 0; i < s->count; i++) {
        const report_slice *one = &s->slice[i];
        names[i] = one->name;
        auc[i] = one->auc;
        low[i] = one->auc_interval.low;
        high[i] = one->auc_interval.high;
        rate[i] = (double)one->positives / (double)one->rows;
        rate_low[i] = one->rate_interval.low;
        rate_high[i] = one->rate_interval.high;
        said[i] = one->score;
    }
    const page_series order = {.name = "area under the ROC curve",
                               .shape = shape,
                               .count = s->count,
                               .y = auc,
                               .low = low,
                               .high = high};
    const page_series size[] = {{.name = "happened",
                                 .shape = shape,
                                 .count = s->count,
                                 .y = rate,
                                 .low = rate_low,
                                 .high = rate_high},
                                {.name = "said",
                                 .shape = shape == PAGE_TRACK ? PAGE_DASHED : PAGE_DOTS,
                                 .count = s->count,
                                 .y = said}};
    (void)snprintf(title, sizeof title, "Order, %s", by);
    (void)snprintf(rate_title, sizeof rate_title, "Buyers expected and found, %s", by);
    page_plot plot = {.title = title,
                      .words = "Area under the ROC curve within each part, with its interval; 0.5 is chance. "
                               "Parts with fewer than two of a kind have none.",
                      .y = {.name = "area under the ROC curve", .bounded = true, .min = 0.4, .max = 1},
                      .categories = names,
                      .category_count = s->count,
                      .series = &order,
                      .series_count = 1};
    for (size_t i = 0; i < s->count; i++)
        plot.y.min = low[i] < 0.4 ? 0 : plot.y.min;
    page_pair_begin(p);
    page_draw(p, &plot);
    plot.title = rate_title;
    plot.words = "The share of buyers in each part, with its interval, beside the mean score. Where they "
                 "part, probabilities have drifted.";
    plot.y = (page_axis){.name = "share of buyers", .unit = PAGE_PERCENT};
    plot.series = size;
    plot.series_count = 2;
    page_draw(p, &plot);
    page_pair_end(p);
}

void report_draw_weights(const report *r, page *p)
{
    const char *names[WEIGHTS_SHOWN];
    double mean[WEIGHTS_SHOWN];
    char words[384];
    size_t n = r->weights < WEIGHTS_SHOWN ? r->weights : WEIGHTS_SHOWN, idle = 0;
    for (size_t i = 0; i < r->weights; i++)
        idle += !(r->weight[i].mean > 0);
    for (size_t i = 0; i < n; i++) {
        names[i] = r->weight[i].name;
        mean[i] = r->weight[i].mean;
    }
    const page_series bars = {.name = "mean of |reason|", .shape = PAGE_BARS, .count = n, .y = mean};
    (void)snprintf(words, sizeof words,
                   "How far each moves a row's %s on average, from the exact integer reasons that a "
                   "terminal gives too. "
                   "%zu of %zu are shown%s",
                   r->unit, n, r->weights, idle > 0 ? "; some never moved a score." : ".");
    page_plot plot = {.title = "What moves the scores",
                      .words = words,
                      .x = {.name = r->dictionary != NULL ? "tag" : "feature"},
                      .y = {.name = r->unit},
                      .categories = names,
                      .category_count = n,
                      .sideways = true,
                      .series = &bars,
                      .series_count = 1};
    page_draw(p, &plot);
}

void report_draw_scales(const report *r, page *p)
{
    double bits[REPORT_SCALES], bound[REPORT_SCALES], worst[REPORT_SCALES], single[REPORT_SCALES];
    for (size_t i = 0; i < REPORT_SCALES; i++) {
        bits[i] = r->scale[i].bits;
        bound[i] = r->scale[i].bound > 0 ? r->scale[i].bound : (double)NAN;
        worst[i] = r->scale[i].worst > 0 ? r->scale[i].worst : (double)NAN;
        single[i] = r->float32_worst > 0 ? r->float32_worst : (double)NAN;
    }
    const page_series series[] = {{.name = "bound, any row", .count = REPORT_SCALES, .x = bits, .y = bound},
                                  {.name = "largest over the judged rows",
                                   .shape = PAGE_TRACK,
                                   .count = REPORT_SCALES,
                                   .x = bits,
                                   .y = worst},
                                  {.name = "the same leaves summed in float32",
                                   .shape = PAGE_DASHED,
                                   .count = REPORT_SCALES,
                                   .x = bits,
                                   .y = single}};
    page_plot plot = {.title = "What the leaves' scale costs",
                      .words = "Error of a score when leaves are integers of 2^-bits; this model "
                               "has 24. Below the dashed line "
                               "integers are nearer to the exact sum of the leaves than float32 is.",
                      .x = {.name = "bits behind the point", .bounded = true, .min = 8, .max = 24},
                      .y = {.name = "error of a score (logarithmic)", .logarithmic = true},
                      .series = series,
                      .series_count = 3};
    page_draw(p, &plot);
}
