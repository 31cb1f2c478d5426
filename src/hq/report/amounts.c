/* Amounts, counts and ranks: how far off, tenth by tenth of what was said. */
#include "report/report.h"

#include <math.h>
#include <stdlib.h>

static int compare_numbers(const void *a, const void *b)
{
    const double *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

/* The one answer with the least mean absolute error. */
static sotto_status median_of(const double *values, size_t n, double *out, sotto_diag *diag)
{
    double *sorted = eval_array(n, sizeof *sorted, diag);
    if (sorted == NULL)
        return diag->status;
    for (size_t i = 0; i < n; i++)
        sorted[i] = values[i];
    qsort(sorted, n, sizeof *sorted, compare_numbers);
    *out = sorted[n / 2];
    free(sorted);
    return SOTTO_OK;
}

static void make_figures(report *r, double median)
{
    report_amounts *a = &r->amounts;
    size_t rows = r->scored.rows;
    double n = (double)rows, squares = 0, all = 0;
    for (size_t i = 0; i < rows; i++) {
        a->said += r->answer[i] / n;
        a->happened += r->happened[i] / n;
    }
    for (size_t i = 0; i < rows; i++) {
        double off = r->answer[i] - r->happened[i], from_mean = r->happened[i] - a->happened;
        squares += off * off;
        all += from_mean * from_mean;
        a->mae += fabs(off) / n;
        a->mae_constant += fabs(r->happened[i] - median) / n;
    }
    a->rmse = sqrt(squares / n);
    a->rmse_constant = sqrt(all / n);
    a->explained = all > 0 ? 1 - squares / all : (double)NAN;
}

/* Rows order[first .. first + n), of falling answers. */
static report_decile decile_of(const report *r, const size_t *order, size_t n)
{
    report_decile d = {.rows = n};
    double squares = 0, rows = (double)n;
    for (size_t i = 0; i < n; i++) {
        d.said += r->answer[order[i]] / rows;
        d.happened += r->happened[order[i]] / rows;
        d.error += fabs(r->answer[order[i]] - r->happened[order[i]]) / rows;
    }
    for (size_t i = 0; i < n; i++)
        squares += (r->happened[order[i]] - d.happened) * (r->happened[order[i]] - d.happened);
    double variance = n > 1 ? squares / (rows - 1) / rows : (double)NAN;
    d.interval = eval_normal(d.happened, variance, eval_z(r->o->confidence));
    return d;
}

sotto_status report_judge_amounts(report *r, sotto_diag *diag)
{
    size_t *order = NULL, rows = r->scored.rows;
    double median = 0;
    sotto_status status = median_of(r->happened, rows, &median, diag);
    if (status == SOTTO_OK)
        status = eval_order(r->answer, rows, &order, diag);
    if (status == SOTTO_OK)
        make_figures(r, median);
    for (size_t k = REPORT_DECILES; status == SOTTO_OK && k-- > 0;) {
        size_t first = k * rows / REPORT_DECILES, end = (k + 1) * rows / REPORT_DECILES;
        if (end > first)
            r->amounts.decile[r->amounts.deciles++] = decile_of(r, order + first, end - first);
    }
    free(order);
    return status;
}

static void draw_deciles(const report *r, page *p)
{
    const report_amounts *a = &r->amounts;
    double x[REPORT_DECILES], y[REPORT_DECILES], low[REPORT_DECILES], high[REPORT_DECILES],
        error[REPORT_DECILES], number[REPORT_DECILES], ends[2];
    for (size_t i = 0; i < a->deciles; i++) {
        x[i] = a->decile[i].said;
        y[i] = a->decile[i].happened;
        low[i] = a->decile[i].interval.low;
        high[i] = a->decile[i].interval.high;
        error[i] = a->decile[i].error;
        number[i] = (double)i + 1;
    }
    ends[0] = x[0];
    ends[1] = x[a->deciles - 1];
    const page_series dots[] = {
        {.name = "what happened",
         .shape = PAGE_DOTS,
         .count = a->deciles,
         .x = x,
         .y = y,
         .low = low,
         .high = high},
        {.name = "as was said", .shape = PAGE_DASHED, .count = 2, .x = ends, .y = ends}};
    const page_series errors = {
        .name = "mean absolute error", .shape = PAGE_TRACK, .count = a->deciles, .x = number, .y = error};
    page_plot plot = {
        .title = "What was said and what happened",
        .words = "Rows in tenths by what was said: the mean of each, with its interval. On the line the "
                 "two agree.",
        .x = {.name = "said"},
        .y = {.name = "happened"},
        .series = dots,
        .series_count = 2};
    page_pair_begin(p);
    page_draw(p, &plot);
    plot = (page_plot){.title = "Error by tenths",
                       .words = "From the tenth with the least answers (1) to that with the greatest.",
                       .x = {.name = "tenth of the rows, by what was said"},
                       .y = {.name = "mean absolute error"},
                       .series = &errors,
                       .series_count = 1};
    page_draw(p, &plot);
    page_pair_end(p);
}

static void table_deciles(const report *r, page *p)
{
    static const char *const HEADS[] = {"tenth",    "rows",     "said",
                                        "happened", "interval", "mean absolute error"};
    char cell[6][64];
    page_table_begin(p, "Tenths by what was said", PAGE_FIGURES, HEADS, SOTTO_COUNT(HEADS));
    for (size_t i = 0; i < r->amounts.deciles; i++) {
        const report_decile *d = &r->amounts.decile[i];
        (void)snprintf(cell[0], sizeof cell[0], "%zu", i + 1);
        (void)snprintf(cell[1], sizeof cell[1], "%zu", d->rows);
        (void)snprintf(cell[2], sizeof cell[2], "%.6g", d->said);
        (void)snprintf(cell[3], sizeof cell[3], "%.6g", d->happened);
        (void)snprintf(cell[4], sizeof cell[4], isnan(d->interval.low) ? "–" : "%.5g to %.5g",
                       d->interval.low, d->interval.high);
        (void)snprintf(cell[5], sizeof cell[5], "%.6g", d->error);
        const char *const cells[] = {cell[0], cell[1], cell[2], cell[3], cell[4], cell[5]};
        page_table_row(p, cells, SOTTO_COUNT(cells));
    }
    page_table_end(p);
}

void report_page_amounts(const report *r, page *p)
{
    const report_amounts *a = &r->amounts;
    char rows[128];
    report_rows_name(r, rows, sizeof rows);
    page_say(p,
             "This model says how much \"%s\" is%s. Its answers are off by %.6g on average; the best single "
             "answer "
             "for every row would be off by %.6g. It said %.6g on average, and %.6g happened. It is judged "
             "here on %s.",
             r->label, r->info->link == SOTTO_LINK_EXP ? " (e to the power of its score)" : "", a->mae,
             a->mae_constant, a->said, a->happened, rows);
    page_section(p, "How far off its answers are");
    if (a->explained > 0)
        page_say(p,
                 "Root of the mean squared error %.6g (the mean for every row: %.6g), so that it explains "
                 "%.1f %% of the variance.",
                 a->rmse, a->rmse_constant, 100 * a->explained);
    else
        page_say(p,
                 "Root of the mean squared error %.6g. The mean for every row has %.6g: it explains nothing.",
                 a->rmse, a->rmse_constant);
    draw_deciles(r, p);
    table_deciles(r, p);
}

enum { DECIMALS = 8 };

void report_json_amounts(const report *r, sotto_json_writer *w)
{
    const report_amounts *a = &r->amounts;
    eval_json_str(w, "judged_as", "amount");
    eval_json_u64(w, "output", r->output);
    learn_json_real(w, "rmse", a->rmse, DECIMALS);
    learn_json_real(w, "rmse_constant", a->rmse_constant, DECIMALS);
    learn_json_real(w, "mae", a->mae, DECIMALS);
    learn_json_real(w, "mae_constant", a->mae_constant, DECIMALS);
    learn_json_real(w, "explained", a->explained, DECIMALS);
    learn_json_real(w, "said", a->said, DECIMALS);
    learn_json_real(w, "happened", a->happened, DECIMALS);
    sotto_json_name(w, "tenths");
    sotto_json_arr(w);
    for (size_t i = 0; i < a->deciles; i++) {
        const report_decile *d = &a->decile[i];
        eval_figure happened = {.name = "happened", .value = d->happened, .interval = d->interval};
        sotto_json_obj(w);
        eval_json_u64(w, "rows", d->rows);
        learn_json_real(w, "said", d->said, DECIMALS);
        eval_json(w, &happened);
        learn_json_real(w, "mae", d->error, DECIMALS);
        sotto_json_obj_end(w);
    }
    sotto_json_arr_end(w);
}
