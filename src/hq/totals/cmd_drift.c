/* drift: have the customers who come moved away from those the model was trained on? Each input's histogram
 * against a baseline: an earlier time of the same task, or a table. */
#include "commands.h"
#include "office/json.h"
#include "totals/asked.h"
#include "totals/histogram.h"

#include "sotto/port.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { DRIFTS_MAX = SOTTO_TABLES_MAX * SOTTO_DIMENSIONS_MAX };
static const double PSI_WARNS = 0.2; /* the usual rule: below 0.1 steady, above 0.2 moved */

typedef struct drift {
    const sotto_dimension *dimension;
    hq_shares then, now;
    hq_figure psi;
} drift;

typedef struct drifting {
    drift d[DRIFTS_MAX];
    size_t count;
    int32_t from; /* first day that is compared; before it lies the baseline */
} drifting;

static bool is_input(const sotto_dimension *d)
{
    return (d->kind == SOTTO_DIMENSION_TAG || d->kind == SOTTO_DIMENSION_SCORE) && d->bins <= HQ_BINS_MAX;
}

static bool is_wanted(const sotto_task *task)
{
    for (size_t t = 0; t < task->table_count; t++)
        for (size_t i = 0; i < task->table[t].dimensions; i++)
            if (is_input(&task->table[t].dimension[i]))
                return true;
    return false;
}

/* Column 0 is what a row is about: shown, card in, or the count itself. */
static void read_shares(const hq_sums *s, const hq_cut *cut, size_t dimension, hq_shares *out)
{
    out->bins = cut->table->dimension[dimension].bins;
    for (size_t row = 0; row < cut->rows; row++) {
        const size_t bin = hq_cut_bin(cut, row, dimension), cell = hq_cut_cell(cut, row, 0);
        out->count[bin] += (double)s->count[cell];
        out->variance[bin] += hq_sums_variance(s, cell);
    }
}

static void list_inputs(const hq_sums *now, drifting *out)
{
    for (size_t t = 0; t < now->task.table_count; t++) {
        const hq_cut cut = hq_cut_of(&now->task.table[t]);
        for (size_t i = 0; i < cut.table->dimensions; i++)
            if (is_input(&cut.table->dimension[i])) {
                drift *d = &out->d[out->count++];
                *d = (drift){.dimension = &cut.table->dimension[i]};
                read_shares(now, &cut, i, &d->now);
            }
    }
}

/* ---- a table as the baseline ---- */

static int column_of(const sotto_csv *csv, const char *name)
{
    for (size_t i = 0; i < csv->columns; i++)
        if (sotto_span_is(csv->field[i], name))
            return (int)i;
    return -1;
}

/* What is no number, or no name of a bin, goes where a terminal puts it: into the last one. */
static size_t bin_of(const sotto_dimension *d, sotto_span text)
{
    int64_t value;
    if (d->names != NULL)
        return (size_t)sotto_dimension_by_name(d, text);
    return sotto_fixed_parse_decimal(text, 6, &value) == SOTTO_OK ? sotto_dimension_by_value(d, value)
                                                                  : d->bins - 1;
}

static sotto_status count_rows(sotto_csv *csv, drifting *out, sotto_diag *diag)
{
    int column[DRIFTS_MAX];
    for (size_t i = 0; i < out->count; i++) {
        const sotto_dimension *d = out->d[i].dimension;
        column[i] = d->kind == SOTTO_DIMENSION_TAG ? column_of(csv, d->tag) : -1;
        out->d[i].then.bins = d->bins;
    }
    for (bool more = true;;) {
        sotto_status status = sotto_csv_next(csv, &more, diag);
        if (status != SOTTO_OK || !more)
            return status;
        for (size_t i = 0; i < out->count; i++)
            if (column[i] >= 0)
                out->d[i].then.count[bin_of(out->d[i].dimension, csv->field[column[i]])]++;
    }
}

static sotto_status read_table(const char *path, drifting *out, sotto_diag *diag)
{
    sotto_vec text;
    sotto_csv *csv = malloc(sizeof *csv);
    sotto_vec_init(&text, (size_t)1 << 30);
    sotto_status status = csv != NULL ? sotto_port_read_file(path, &text, diag)
                                      : sotto_diag_set(diag, SOTTO_ERR(HQ, NO_MEMORY), "no memory");
    if (status == SOTTO_OK)
        status = sotto_csv_open(csv, sotto_vec_span(&text), path, 0, diag);
    if (status == SOTTO_OK)
        status = count_rows(csv, out, diag);
    free(csv);
    sotto_vec_free(&text);
    return status;
}

/* ---- an earlier time as the baseline ---- */

static sotto_status sum_days(const hq_asked *a, int32_t first, int32_t last, hq_sums *out, sotto_diag *diag)
{
    const hq_sums_request request = {.task_id = (uint32_t)a->task,
                                     .wanted = is_wanted,
                                     .what = "task that counts a tag or a score",
                                     .first_day = first,
                                     .last_day = last,
                                     .collected = a->collected};
    return hq_sums_make(out, a->registry, a->newest_release, &request, diag);
}

static sotto_status read_baseline(const hq_asked *a, drifting *out, sotto_diag *diag)
{
    hq_sums then = {0};
    drifting earlier = {.count = 0};
    sotto_status status = sum_days(a, INT32_MIN, out->from - 1, &then, diag);
    if (status == SOTTO_OK)
        list_inputs(&then, &earlier);
    for (size_t i = 0; i < earlier.count && i < out->count; i++)
        out->d[i].then = earlier.d[i].now;
    hq_sums_free(&then);
    return status;
}

/* ---- the answer ---- */

static const char *verdict(const hq_figure *psi)
{
    if (!isfinite(psi->value))
        return "too few to say";
    if (psi->value <= psi->high) /* and a drift that would have warned must have been seen */
        return psi->high <= PSI_WARNS ? "as before" : "too few to say";
    return psi->value - psi->low > PSI_WARNS ? "moved" : "moved a little";
}

static const char *name_of(const sotto_dimension *d)
{
    return d->kind == SOTTO_DIMENSION_TAG ? d->tag : sotto_dimension_name(d->kind);
}

static void print_drift(const drifting *all)
{
    printf("\n  %-24s %9s %9s %9s  %s\n", "INPUT", "PSI", "CHANCE", "AT MOST", "");
    for (size_t i = 0; i < all->count; i++) {
        const drift *d = &all->d[i];
        printf("  %-24s ", name_of(d->dimension));
        if (isfinite(d->psi.value))
            printf("%9.4f %9.4f %9.4f  %s\n", d->psi.value, d->psi.low, d->psi.high, verdict(&d->psi));
        else
            printf("%s\n", verdict(&d->psi));
    }
    printf(
        "\nPSI: population stability index. CHANCE: what noise and samples of this size give on average when "
        "nothing moved;\nAT MOST: what they stay below.\n");
}

static sotto_status put_drift(const hq_sums *s, const hq_asked *a, const drifting *all, sotto_diag *diag)
{
    hq_json json;
    sotto_status status = hq_json_begin(&json, 4096 + all->count * 512, diag);
    if (status != SOTTO_OK)
        return status;
    sotto_json_obj(&json.w);
    hq_sums_head_json(&json.w, s, a->confidence_ppm);
    sotto_json_name(&json.w, "inputs");
    sotto_json_arr(&json.w);
    for (size_t i = 0; i < all->count; i++) {
        sotto_json_obj(&json.w);
        sotto_json_name(&json.w, "input");
        sotto_json_cstr(&json.w, name_of(all->d[i].dimension));
        hq_json_number(&json.w, "psi", all->d[i].psi.value);
        hq_json_number(&json.w, "psi_by_chance", all->d[i].psi.low);
        hq_json_number(&json.w, "psi_by_chance_at_most", all->d[i].psi.high);
        sotto_json_name(&json.w, "verdict");
        sotto_json_cstr(&json.w, verdict(&all->d[i].psi));
        sotto_json_obj_end(&json.w);
    }
    sotto_json_arr_end(&json.w);
    sotto_json_obj_end(&json.w);
    return hq_json_print(&json, diag);
}

/* Without --from what is compared begins with the second half of the time that was reported. *enough: there
 * are two halves. */
static sotto_status split_time(hq_asked *a, const char *table, drifting *out, bool *enough, sotto_diag *diag)
{
    hq_sums all = {0};
    out->from = a->first_day;
    *enough = true;
    if (a->from != NULL || table != NULL)
        return SOTTO_OK;
    sotto_status status = sum_days(a, INT32_MIN, a->last_day, &all, diag);
    *enough = status == SOTTO_OK && all.reports > 0 && all.first_day < all.last_day;
    if (*enough)
        out->from = (int32_t)(all.first_day + ((int64_t)all.last_day - all.first_day + 1) / 2);
    a->task = (int64_t)all.task.id; /* the same task for both sides */
    hq_sums_free(&all);
    return status;
}

static sotto_status answer(hq_asked *a, const char *table, sotto_diag *diag)
{
    static drifting all; /* some 800 KB, for one command of one process */
    hq_sums now = {0};
    bool enough = true;
    sotto_status status = split_time(a, table, &all, &enough, diag);
    if (status == SOTTO_OK)
        status = sum_days(a, all.from, a->last_day, &now, diag);
    if (status == SOTTO_OK && enough)
        list_inputs(&now, &all);
    if (status == SOTTO_OK && enough)
        status = table != NULL ? read_table(table, &all, diag) : read_baseline(a, &all, diag);
    const double deviations = status == SOTTO_OK ? hq_sums_deviations(&now, a->confidence_ppm) : 0;
    for (size_t i = 0; i < all.count; i++)
        all.d[i].psi = hq_histogram_psi(&all.d[i].then, &all.d[i].now, deviations);
    if (status == SOTTO_OK && a->as_json)
        status = put_drift(&now, a, &all, diag);
    else if (status == SOTTO_OK) {
        if (hq_sums_head(&now, a->confidence_ppm)) {
            if (enough)
                print_drift(&all);
            else
                printf(
                    "Nothing to compare with yet: fewer than two periods were reported (or give --table).\n");
        }
    }
    all = (drifting){.count = 0};
    hq_sums_free(&now);
    return status;
}

int hq_cmd_drift(int argc, char **argv)
{
    sotto_diag diag = {0};
    hq_asked a = {0};
    const char *table = NULL;
    const hq_option options[] = {HQ_ASKED_OPTIONS(a), {"--table", HQ_TEXT, &table, .required = false}};
    if (!hq_options(argc, argv, options, SOTTO_COUNT(options)))
        return 2;
    sotto_status status = hq_asked_open(&a, &diag);
    if (status == SOTTO_OK)
        status = answer(&a, table, &diag);
    hq_asked_close(&a);
    return status == SOTTO_OK ? 0 : hq_fail(status, &diag);
}
