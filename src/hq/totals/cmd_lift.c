/* lift: how well the model in use orders customers, from a score x outcome histogram. */
#include "commands.h"
#include "office/json.h"
#include "totals/asked.h"
#include "totals/histogram.h"

#include <math.h>
#include <stdio.h>

typedef struct lift {
    hq_histogram h; /* without offers whose score was not known any more */
    double unknown_shown, shown;
    const sotto_dimension *score;
    hq_figure auc, gain;
    double contacts, deviations;
} lift;

static const sotto_table *table_of(const sotto_task *task)
{
    for (size_t i = 0; i < task->table_count; i++)
        if (sotto_table_dimension(&task->table[i], SOTTO_DIMENSION_SCORE) != NULL &&
            sotto_table_dimension(&task->table[i], SOTTO_DIMENSION_OUTCOME) != NULL)
            return &task->table[i];
    return NULL;
}

static bool is_wanted(const sotto_task *task)
{
    return table_of(task) != NULL;
}

/* Other dimensions are summed over. */
static void read_histogram(const hq_sums *s, lift *out)
{
    const hq_cut cut = hq_cut_of(table_of(&s->task));
    const size_t at = (size_t)hq_cut_find(&cut, SOTTO_DIMENSION_SCORE);
    out->score = &cut.table->dimension[at];
    out->h.bins = out->score->named + 1; /* the last bin of the dimension is "unknown" */
    for (size_t row = 0; row < cut.rows; row++) {
        const size_t bin = hq_cut_bin(&cut, row, at), shown = hq_cut_cell(&cut, row, SOTTO_OUTCOME_SHOWN),
                     taken = hq_cut_cell(&cut, row, SOTTO_OUTCOME_TAKEN);
        if (bin >= out->h.bins) {
            out->unknown_shown += (double)s->count[shown];
            continue;
        }
        out->h.shown[bin] += (double)s->count[shown];
        out->h.taken[bin] += (double)s->count[taken];
        out->h.shown_variance[bin] += hq_sums_variance(s, shown);
        out->h.taken_variance[bin] += hq_sums_variance(s, taken);
        out->shown += (double)s->count[shown];
    }
}

/* Whether the rate's interval meets the scores of the bin. */
static const char *verdict(const lift *l, size_t bin, const hq_figure *rate)
{
    double low = bin > 0 ? (double)l->score->edges_e6[bin - 1] / 1e6 : 0;
    double high = bin < l->score->named ? (double)l->score->edges_e6[bin] / 1e6 : 1;
    if (!isfinite(rate->value))
        return "too few to say";
    return rate->high < low ? "fewer than said" : rate->low > high ? "more than said" : "as said";
}

static bool bin_withheld(const hq_sums *s, const lift *l, size_t bin)
{
    const int64_t count[] = {(int64_t)l->h.shown[bin], (int64_t)l->h.taken[bin]};
    return hq_withheld(&s->task, count, SOTTO_COUNT(count));
}

static void print_figure(const char *name, const hq_figure *f, double unit, const char *sign)
{
    if (isfinite(f->value))
        printf("%s %.4g%s (%.4g .. %.4g)\n", name, f->value * unit, sign, f->low * unit, f->high * unit);
    else
        printf("%s too few to say\n", name);
}

static void print_lift(const hq_sums *s, const hq_asked *a, const lift *l)
{
    char name[80];
    if (!hq_sums_head(s, a->confidence_ppm))
        return;
    printf("Intervals are of the noise alone: what the figures of exactly these offers are without it.\n\n");
    print_figure("Area under the ROC curve, of bins:", &l->auc, 1, "");
    (void)snprintf(name, sizeof name, "Takers among the best %.4g %% of offers:", l->contacts * 100);
    print_figure(name, &l->gain, 100, " %");
    printf("\n  %-20s %9s %9s  %s\n", "SCORE", "SHOWN", "TAKEN", "TAKEN OF SHOWN");
    for (size_t i = 0; i < l->h.bins; i++) {
        char label[96];
        const hq_figure rate = hq_histogram_rate(&l->h, i, l->deviations);
        sotto_dimension_label(l->score, i, label, sizeof label);
        if (bin_withheld(s, l, i))
            printf("  %-20s withheld: fewer than %u\n", label, (unsigned)s->task.smallest_batch);
        else if (isfinite(rate.value))
            printf("  %-20s %9.0f %9.0f  %6.2f %% (%5.2f .. %5.2f)  %s\n", label, l->h.shown[i],
                   l->h.taken[i], rate.value * 100, rate.low * 100, rate.high * 100, verdict(l, i, &rate));
        else
            printf("  %-20s %9.0f %9.0f  too few to say\n", label, l->h.shown[i], l->h.taken[i]);
    }
    printf("  %-20s %9.0f            not in these figures\n", "unknown", l->unknown_shown);
}

static void put_figure(sotto_json_writer *w, const char *name, const char *low, const char *high,
                       const hq_figure *f)
{
    hq_json_number(w, name, f->value);
    hq_json_number(w, low, f->low);
    hq_json_number(w, high, f->high);
}

static void put_bin(sotto_json_writer *w, const hq_sums *s, const lift *l, size_t bin)
{
    char label[96];
    const bool withheld = bin_withheld(s, l, bin);
    const hq_figure rate = hq_histogram_rate(&l->h, bin, l->deviations);
    sotto_dimension_label(l->score, bin, label, sizeof label);
    sotto_json_obj(w);
    sotto_json_name(w, "score");
    sotto_json_cstr(w, label);
    sotto_json_name(w, "withheld");
    sotto_json_bool(w, withheld);
    if (!withheld) {
        sotto_json_name(w, "shown");
        sotto_json_i64(w, (int64_t)l->h.shown[bin]);
        sotto_json_name(w, "taken");
        sotto_json_i64(w, (int64_t)l->h.taken[bin]);
        put_figure(w, "rate", "rate_low", "rate_high", &rate);
        sotto_json_name(w, "calibration");
        sotto_json_cstr(w, verdict(l, bin, &rate));
    }
    sotto_json_obj_end(w);
}

static sotto_status put_lift(const hq_sums *s, const hq_asked *a, const lift *l, sotto_diag *diag)
{
    hq_json json;
    sotto_status status = hq_json_begin(&json, 4096 + l->h.bins * 1024, diag);
    if (status != SOTTO_OK)
        return status;
    sotto_json_obj(&json.w);
    hq_sums_head_json(&json.w, s, a->confidence_ppm);
    put_figure(&json.w, "auc", "auc_low", "auc_high", &l->auc);
    hq_json_number(&json.w, "contacts", l->contacts);
    put_figure(&json.w, "gain", "gain_low", "gain_high", &l->gain);
    sotto_json_name(&json.w, "unknown_shown");
    sotto_json_i64(&json.w, (int64_t)l->unknown_shown);
    sotto_json_name(&json.w, "bins");
    sotto_json_arr(&json.w);
    for (size_t i = 0; i < l->h.bins; i++)
        put_bin(&json.w, s, l, i);
    sotto_json_arr_end(&json.w);
    sotto_json_obj_end(&json.w);
    return hq_json_print(&json, diag);
}

/* ctx: int64_t, the per cent that can be contacted. */
static sotto_status say(hq_sums *s, const hq_asked *a, void *ctx, sotto_diag *diag)
{
    double contacts = (double)*(const int64_t *)ctx / 100;
    lift l = {.contacts = contacts, .deviations = hq_sums_deviations(s, a->confidence_ppm)};
    read_histogram(s, &l);
    l.auc = hq_histogram_auc(&l.h, l.deviations);
    l.gain = hq_histogram_gain(&l.h, contacts, l.deviations);
    if (a->as_json)
        return put_lift(s, a, &l, diag);
    print_lift(s, a, &l);
    return SOTTO_OK;
}

int hq_cmd_lift(int argc, char **argv)
{
    hq_asked a = {0};
    int64_t contacts = 38;
    const hq_option options[] = {HQ_ASKED_OPTIONS(a),
                                 {"--contacts", HQ_NUMBER, &contacts, .min = 1, .max = 99}};
    if (!hq_options(argc, argv, options, SOTTO_COUNT(options)))
        return 2;
    return hq_asked_run(&a, is_wanted, "histogram of score and outcome", say, &contacts);
}
