/* funnel: how far visits get, from a task of type funnel. */
#include "commands.h"
#include "office/json.h"
#include "totals/asked.h"

#include <stdio.h>
#include <stdlib.h>

enum { LABEL_MAX = 400 };

typedef struct line {
    char label[LABEL_MAX];
    int64_t count[SOTTO_STEPS];
    uint64_t half_width;
    hq_rate rate[SOTTO_STEPS]; /* of the step that it follows; of card in: none */
    bool withheld;
} line;

/* What a step is a part of: an offer that was shown is dismissed or taken. */
static enum sotto_step before(enum sotto_step step)
{
    return step == SOTTO_STEP_SHOWN ? SOTTO_STEP_CARD_IN : SOTTO_STEP_SHOWN;
}

static bool is_funnel(const sotto_task *task)
{
    return task->type == SOTTO_TASK_FUNNEL;
}

/* Rows from..to together. */
static sotto_status make_line(hq_sums *s, const hq_asked *a, const hq_cut *cut, size_t from, size_t to,
                              line *out)
{
    size_t *cell = calloc(cut->rows, sizeof *cell);
    uint64_t joint = 0;
    if (cell == NULL)
        return SOTTO_ERR(HQ, NO_MEMORY);
    for (size_t step = 0; step < SOTTO_STEPS; step++)
        for (size_t row = from; row < to; row++) {
            cell[row - from] = hq_cut_cell(cut, row, step);
            out->count[step] = sotto_add_sat_i64(out->count[step], s->count[cell[row - from]]);
        }
    sotto_status status = hq_sums_width(s, cell, to - from, a->confidence_ppm, &out->half_width);
    if (status == SOTTO_OK)
        status =
            hq_sums_width(s, cell, to - from, a->confidence_ppm + (1000000 - a->confidence_ppm) / 2, &joint);
    free(cell);
    for (size_t step = SOTTO_STEP_SHOWN; step < SOTTO_STEPS; step++)
        out->rate[step] = hq_rate_of(out->count[step], out->count[before((enum sotto_step)step)], joint);
    out->withheld = hq_withheld(&s->task, out->count, SOTTO_STEPS);
    return status;
}

static void print_line(const hq_sums *s, const line *l)
{
    printf("  %-32s", l->label);
    if (l->withheld) {
        printf(" withheld: fewer than %u\n", (unsigned)s->task.smallest_batch);
        return;
    }
    printf(" %8lld  +-%-6llu", (long long)l->count[SOTTO_STEP_CARD_IN], (unsigned long long)l->half_width);
    for (size_t i = SOTTO_STEP_SHOWN; i < SOTTO_STEPS; i++) {
        const hq_rate *r = &l->rate[i];
        printf(" %8lld", (long long)l->count[i]);
        if (r->ppm < 0)
            printf(" %-22s", "(too few to say)");
        else
            printf(" %5.1f %% (%5.1f ..%5.1f)", r->ppm / 1e4, r->low_ppm / 1e4, r->high_ppm / 1e4);
    }
    putchar('\n');
}

static void put_line(sotto_json_writer *w, const line *l)
{
    static const char *const NAMES[] = {"card_in", "shown", "dismissed", "taken"};
    static const char *const RATES[][3] = {{"", "", ""},
                                           {"shown_rate", "shown_rate_low", "shown_rate_high"},
                                           {"dismissed_rate", "dismissed_rate_low", "dismissed_rate_high"},
                                           {"taken_rate", "taken_rate_low", "taken_rate_high"}};
    sotto_json_obj(w);
    sotto_json_name(w, "row");
    sotto_json_cstr(w, l->label);
    sotto_json_name(w, "withheld");
    sotto_json_bool(w, l->withheld);
    for (size_t i = 0; i < SOTTO_STEPS && !l->withheld; i++) {
        sotto_json_name(w, NAMES[i]);
        sotto_json_i64(w, l->count[i]);
        if (i == 0)
            continue;
        hq_json_rate(w, RATES[i][0], l->rate[i].ppm);
        hq_json_rate(w, RATES[i][1], l->rate[i].low_ppm);
        hq_json_rate(w, RATES[i][2], l->rate[i].high_ppm);
    }
    hq_json_u64(w, "plus_minus", l->half_width);
    sotto_json_obj_end(w);
}

/* Each row and, when there are several, all of them. */
static sotto_status say_table(hq_sums *s, const hq_asked *a, const sotto_table *table, sotto_json_writer *w)
{
    const hq_cut cut = hq_cut_of(table);
    sotto_status status = SOTTO_OK;
    for (size_t row = 0; row < cut.rows + (cut.rows > 1) && status == SOTTO_OK; row++) {
        bool all = row == cut.rows;
        line l = {.label = "all"};
        if (!all)
            hq_cut_label(&cut, row, l.label, sizeof l.label);
        status = make_line(s, a, &cut, all ? 0 : row, all ? cut.rows : row + 1, &l);
        if (status == SOTTO_OK)
            w != NULL ? put_line(w, &l) : print_line(s, &l);
    }
    return status;
}

static sotto_status say(hq_sums *s, const hq_asked *a, void *ctx, sotto_diag *diag)
{
    (void)ctx;
    hq_json json = {0};
    sotto_json_writer *w = NULL;
    sotto_status status = SOTTO_OK;
    if (a->as_json) {
        status = hq_json_begin(&json, 4096 + s->task.cells * 1024, diag);
        if (status != SOTTO_OK)
            return status;
        w = &json.w;
        sotto_json_obj(w);
        hq_sums_head_json(w, s, a->confidence_ppm);
        sotto_json_name(w, "rows");
        sotto_json_arr(w);
    } else {
        if (!hq_sums_head(s, a->confidence_ppm))
            return SOTTO_OK;
        printf(
            "Rates: shown of card in, dismissed and taken of shown.\n\n  %-32s %8s  %-8s %8s %-22s %8s %-22s "
            "%8s\n",
            "", "CARD IN", "ERROR", "SHOWN", "", "DISMISSED", "", "TAKEN");
    }
    for (size_t i = 0; i < s->task.table_count && status == SOTTO_OK; i++)
        status = say_table(s, a, &s->task.table[i], w);
    if (status != SOTTO_OK || w == NULL) {
        hq_json_free(&json);
        return status;
    }
    sotto_json_arr_end(w);
    sotto_json_obj_end(w);
    return hq_json_print(&json, diag);
}

int hq_cmd_funnel(int argc, char **argv)
{
    hq_asked a = {0};
    const hq_option options[] = {HQ_ASKED_OPTIONS(a)};
    if (!hq_options(argc, argv, options, SOTTO_COUNT(options)))
        return 2;
    return hq_asked_run(&a, is_funnel, "funnel", say, NULL);
}
