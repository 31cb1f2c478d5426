/* totals: the sums as a table with bars, or as JSON. */
#include "commands.h"
#include "office/json.h"
#include "totals/asked.h"
#include "totals/totals.h"

#include <stdio.h>
#include <string.h>

enum { BAR_CELLS = 24, LABEL_MAX = 400 };

static const char *segment_name(const hq_offers *offers, size_t segment)
{
    if (segment < offers->segment_count)
        return offers->segments[segment];
    return segment == offers->segment_count ? "other" : "all";
}

/* A task without segments has "other" alone, which says the same as "all". */
static bool is_listed(const hq_offers *offers, size_t segment)
{
    return offers->segment_count > 0 || segment == offers->segment_count + 1;
}

static const hq_cell *cell_of(const hq_totals *t, size_t campaign, size_t segment)
{
    return &t->cell[campaign * (t->offers.segment_count + 2) + segment];
}

/* '#' is there whatever the noise did, '.' may be noise. */
static void bar(int64_t count, uint64_t half_width, int64_t largest, char out[static BAR_CELLS + 1])
{
    double unit = largest > 0 ? (double)BAR_CELLS / (double)largest : 0;
    double low = ((double)count - (double)half_width) * unit,
           high = ((double)count + (double)half_width) * unit;
    size_t at = 0;
    for (; at < BAR_CELLS && (double)at + 0.5 < high; at++)
        out[at] = (double)at + 0.5 < low ? '#' : '.';
    out[at] = '\0';
}

static int64_t largest_of(const hq_totals *t)
{
    int64_t largest = 0;
    for (size_t i = 0; i < t->offers.campaign_count * (t->offers.segment_count + 2); i++) {
        int64_t top =
            sotto_add_sat_i64(t->cell[i].count[SOTTO_OUTCOME_SHOWN], (int64_t)t->cell[i].half_width);
        largest = top > largest ? top : largest;
    }
    return largest;
}

static void print_rate(const hq_cell *cell)
{
    if (cell->rate.ppm < 0)
        printf("  %22s", "too few to say");
    else
        printf("  %6.2f %% (%5.1f ..%5.1f)", cell->rate.ppm / 1e4, cell->rate.low_ppm / 1e4,
               cell->rate.high_ppm / 1e4);
}

static void print_row(const hq_totals *t, size_t campaign, size_t segment, int width, int64_t largest)
{
    char line[BAR_CELLS + 1];
    const hq_cell *cell = cell_of(t, campaign, segment);
    printf("%-*s %-12.12s ", width,
           segment == 0 || t->offers.segment_count == 0 ? t->offers.campaigns[campaign] : "",
           segment_name(&t->offers, segment));
    if (cell->withheld) {
        printf("withheld: fewer than %u\n", (unsigned)t->sums.task.smallest_batch);
        return;
    }
    bar(cell->count[SOTTO_OUTCOME_SHOWN], cell->half_width, largest, line);
    printf("%8lld %8lld  +-%-6llu", (long long)cell->count[SOTTO_OUTCOME_SHOWN],
           (long long)cell->count[SOTTO_OUTCOME_TAKEN], (unsigned long long)cell->half_width);
    print_rate(cell);
    printf("  %s\n", line);
}

static void print_offers(const hq_totals *t)
{
    int width = 8;
    for (size_t c = 0; c < t->offers.campaign_count; c++)
        if ((int)strlen(t->offers.campaigns[c]) > width)
            width = (int)strlen(t->offers.campaigns[c]);
    printf("%-*s %-12s %8s %8s  %-8s  %22s  SHOWN\n", width, "CAMPAIGN", "SEGMENT", "SHOWN", "TAKEN", "ERROR",
           "TAKEN OF SHOWN");
    int64_t largest = largest_of(t);
    for (size_t c = 0; c < t->offers.campaign_count; c++)
        for (size_t g = 0; g < t->offers.segment_count + 2; g++)
            if (is_listed(&t->offers, g))
                print_row(t, c, g, width, largest);
}

/* ---- any other table ---- */

static void take_row(const hq_sums *s, const hq_cut *cut, size_t row, int64_t count[static SOTTO_STEPS])
{
    for (size_t i = 0; i < cut->columns; i++)
        count[i] = s->count[hq_cut_cell(cut, row, i)];
}

static uint64_t width_at(hq_totals *t, size_t cell)
{
    uint64_t width = 0;
    return hq_sums_width(&t->sums, &cell, 1, t->confidence_ppm, &width) == SOTTO_OK ? width : UINT64_MAX;
}

static void print_dimensions(const sotto_table *table)
{
    for (size_t i = 0; i < table->dimensions; i++)
        printf("%s%s", i > 0 ? " x " : "",
               table->dimension[i].kind == SOTTO_DIMENSION_TAG
                   ? table->dimension[i].tag
                   : sotto_dimension_name(table->dimension[i].kind));
    putchar('\n');
}

static void print_table(hq_totals *t, const sotto_table *table)
{
    const hq_cut cut = hq_cut_of(table);
    print_dimensions(table);
    printf("  %-40s", "");
    for (size_t i = 0; i < cut.columns; i++) {
        char label[96] = "count";
        if (cut.across >= 0)
            sotto_dimension_label(&table->dimension[cut.across], i, label, sizeof label);
        printf(" %10s", label);
    }
    printf("  ERROR\n");
    for (size_t row = 0; row < cut.rows; row++) {
        char label[LABEL_MAX];
        int64_t count[SOTTO_STEPS];
        hq_cut_label(&cut, row, label, sizeof label);
        take_row(&t->sums, &cut, row, count);
        printf("  %-40s", label);
        if (hq_withheld(&t->sums.task, count, cut.columns)) {
            printf(" withheld: fewer than %u\n", (unsigned)t->sums.task.smallest_batch);
            continue;
        }
        for (size_t i = 0; i < cut.columns; i++)
            printf(" %10lld", (long long)count[i]);
        printf("  +-%llu\n", (unsigned long long)width_at(t, hq_cut_cell(&cut, row, 0)));
    }
}

/* Cell 0: the bias of every figure of this task. */
static void print_left_out(hq_totals *t)
{
    if (t->sums.task.has_left_out && t->sums.reports > 0)
        printf("Left out: %lld customers +-%llu were told of in these periods as not counted any more, their "
               "budget being spent.\n",
               (long long)t->sums.count[0], (unsigned long long)width_at(t, 0));
}

static void print(hq_totals *t)
{
    if (!hq_sums_head(&t->sums, t->confidence_ppm))
        return;
    print_left_out(t);
    for (size_t i = 0; i < t->sums.task.table_count; i++) {
        putchar('\n');
        if (&t->sums.task.table[i] == t->offers.table)
            print_offers(t);
        else
            print_table(t, &t->sums.task.table[i]);
    }
}

/* ---- JSON ---- */

static void put_count(sotto_json_writer *w, const char *name, int64_t count, bool withheld)
{
    sotto_json_name(w, name);
    withheld ? sotto_json_null(w) : sotto_json_i64(w, count);
}

static void put_row(sotto_json_writer *w, const hq_totals *t, size_t campaign, size_t segment)
{
    const hq_cell *cell = cell_of(t, campaign, segment);
    sotto_json_obj(w);
    sotto_json_name(w, "campaign");
    sotto_json_cstr(w, t->offers.campaigns[campaign]);
    sotto_json_name(w, "segment");
    if (segment == t->offers.segment_count + 1)
        sotto_json_null(w);
    else
        sotto_json_cstr(w, segment_name(&t->offers, segment));
    put_count(w, "shown", cell->count[SOTTO_OUTCOME_SHOWN], cell->withheld);
    put_count(w, "taken", cell->count[SOTTO_OUTCOME_TAKEN], cell->withheld);
    hq_json_u64(w, "plus_minus", cell->half_width);
    hq_json_rate(w, "rate", cell->withheld ? -1 : cell->rate.ppm);
    hq_json_rate(w, "rate_low", cell->withheld ? -1 : cell->rate.low_ppm);
    hq_json_rate(w, "rate_high", cell->withheld ? -1 : cell->rate.high_ppm);
    if (cell->withheld) {
        sotto_json_name(w, "withheld");
        sotto_json_bool(w, true);
    }
    sotto_json_obj_end(w);
}

static void put_offers(sotto_json_writer *w, const hq_totals *t)
{
    sotto_json_name(w, "rows");
    sotto_json_arr(w);
    for (size_t c = 0; c < t->offers.campaign_count; c++)
        for (size_t g = 0; g < t->offers.segment_count + 2; g++)
            if (is_listed(&t->offers, g))
                put_row(w, t, c, g);
    sotto_json_arr_end(w);
}

static void put_bins(sotto_json_writer *w, const hq_cut *cut, size_t row)
{
    for (size_t i = 0; i < cut->table->dimensions; i++) {
        const sotto_dimension *d = &cut->table->dimension[i];
        char label[96];
        if ((int)i == cut->across)
            continue;
        sotto_dimension_label(d, hq_cut_bin(cut, row, i), label, sizeof label);
        sotto_json_name(w, d->kind == SOTTO_DIMENSION_TAG ? d->tag : sotto_dimension_name(d->kind));
        sotto_json_cstr(w, label);
    }
}

static void put_table_row(sotto_json_writer *w, hq_totals *t, const hq_cut *cut, size_t row)
{
    int64_t count[SOTTO_STEPS];
    take_row(&t->sums, cut, row, count);
    bool withheld = hq_withheld(&t->sums.task, count, cut->columns);
    sotto_json_obj(w);
    sotto_json_name(w, "of");
    sotto_json_obj(w);
    put_bins(w, cut, row);
    sotto_json_obj_end(w);
    for (size_t i = 0; i < cut->columns; i++) {
        char label[96] = "count";
        if (cut->across >= 0)
            sotto_dimension_label(&cut->table->dimension[cut->across], i, label, sizeof label);
        put_count(w, label, count[i], withheld);
    }
    hq_json_u64(w, "plus_minus", width_at(t, hq_cut_cell(cut, row, 0)));
    if (withheld) {
        sotto_json_name(w, "withheld");
        sotto_json_bool(w, true);
    }
    sotto_json_obj_end(w);
}

static void put_tables(sotto_json_writer *w, hq_totals *t)
{
    sotto_json_name(w, "tables");
    sotto_json_arr(w);
    for (size_t i = 0; i < t->sums.task.table_count; i++) {
        const hq_cut cut = hq_cut_of(&t->sums.task.table[i]);
        sotto_json_arr(w);
        for (size_t row = 0; row < cut.rows; row++)
            put_table_row(w, t, &cut, row);
        sotto_json_arr_end(w);
    }
    sotto_json_arr_end(w);
}

static sotto_status print_json(hq_totals *t, sotto_diag *diag)
{
    hq_json json;
    size_t rows = t->sums.task.cells + t->offers.campaign_count * (t->offers.segment_count + 2);
    sotto_status status = hq_json_begin(&json, 4096 + rows * 1536, diag);
    if (status != SOTTO_OK)
        return status;
    sotto_json_obj(&json.w);
    hq_sums_head_json(&json.w, &t->sums, t->confidence_ppm);
    if (t->sums.task.has_left_out) {
        put_count(&json.w, "left_out", t->sums.count[0], false);
        hq_json_u64(&json.w, "left_out_plus_minus", width_at(t, 0));
    }
    if (t->offers.table != NULL) {
        sotto_json_name(&json.w, "segment_tag");
        sotto_json_cstr(&json.w, t->offers.segment_tag);
        put_offers(&json.w, t);
    }
    put_tables(&json.w, t);
    sotto_json_obj_end(&json.w);
    return hq_json_print(&json, diag);
}

/* ---- the command ---- */

static sotto_status say(const hq_asked *a, uint32_t task, sotto_diag *diag)
{
    hq_totals totals;
    const hq_totals_request request = {.task_id = task,
                                       .first_day = a->first_day,
                                       .last_day = a->last_day,
                                       .confidence_ppm = a->confidence_ppm,
                                       .collected = a->collected};
    sotto_status status = hq_totals_make(&totals, a->registry, a->newest_release, &request, diag);
    if (status == SOTTO_OK && a->as_json)
        status = print_json(&totals, diag);
    else if (status == SOTTO_OK)
        print(&totals);
    hq_totals_free(&totals);
    return status;
}

int hq_cmd_totals(int argc, char **argv)
{
    sotto_diag diag = {0};
    hq_asked a = {0};
    uint32_t task[SOTTO_TASKS_MAX] = {0};
    size_t count = 1;
    const hq_option options[] = {HQ_ASKED_OPTIONS(a)};
    if (!hq_options(argc, argv, options, SOTTO_COUNT(options)))
        return 2;
    sotto_status status = hq_asked_open(&a, &diag);
    task[0] = (uint32_t)a.task;
    if (status == SOTTO_OK && a.task == 0)
        status = a.collected != NULL ? hq_collected_tasks(a.collected, task, &count, &diag)
                                     : hq_sums_tasks(a.registry, a.newest_release, task, &count, &diag);
    for (size_t i = 0; i < count && status == SOTTO_OK; i++) {
        if (i > 0 && !a.as_json)
            putchar('\n');
        status = say(&a, task[i], &diag);
    }
    hq_asked_close(&a);
    return status == SOTTO_OK ? 0 : hq_fail(status, &diag);
}
