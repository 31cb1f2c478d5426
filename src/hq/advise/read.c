/* Goals of a policy, and what was counted. */
#include "advise/advise.h"
#include "office/day.h"
#include "totals/asked.h"
#include "totals/totals.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- goals ---- */

static sotto_status read_day(sotto_json_node node, int32_t *day, sotto_diag *diag)
{
    sotto_span text;
    char date[11];
    sotto_status status = sotto_json_as_str(node, &text, diag);
    if (status == SOTTO_OK &&
        (sotto_span_to_str(text, date, sizeof date) != SOTTO_OK || hq_day_parse(date, day, NULL) != SOTTO_OK))
        status = sotto_json_bad(node, diag, SOTTO_ERR(HQ, MALFORMED), "a day is written YYYY-MM-DD");
    return status;
}

static sotto_status read_goal(sotto_json_node campaign, advise_goal *g, sotto_diag *diag)
{
    sotto_span id;
    sotto_json_node goal = sotto_json_member(campaign, "goal"), from = sotto_json_member(campaign, "from");
    *g = (advise_goal){.giver = SIZE_MAX};
    sotto_status status = sotto_json_get_str(campaign, "id", &id, diag);
    if (status == SOTTO_OK && sotto_span_to_str(id, g->id, sizeof g->id) != SOTTO_OK)
        status = sotto_json_bad(campaign, diag, SOTTO_ERR(HQ, RANGE), "the id is too long");
    if (status == SOTTO_OK)
        status = sotto_json_get_i64(goal, "taken", 1, 1000000000, &g->taken, diag);
    if (status == SOTTO_OK)
        status = read_day(sotto_json_member(goal, "by"), &g->by, diag);
    g->has_from = sotto_json_type(from) != SOTTO_JSON_ABSENT;
    return status == SOTTO_OK && g->has_from ? read_day(from, &g->from, diag) : status;
}

static sotto_status read_goals(advise *a, sotto_json_node root, sotto_diag *diag)
{
    sotto_json_node list = sotto_json_member(root, "campaigns");
    sotto_status status = sotto_json_as_array(list, 0, SOTTO_CAMPAIGNS_MAX, diag);
    for (size_t i = 0; status == SOTTO_OK && i < sotto_json_count(list); i++)
        if (sotto_json_type(sotto_json_member(sotto_json_at(list, i), "goal")) != SOTTO_JSON_ABSENT)
            status = read_goal(sotto_json_at(list, i), &a->goal[a->count++], diag);
    if (status == SOTTO_OK && a->count == 0)
        status = sotto_diag_at(diag, SOTTO_ERR(HQ, NOT_FOUND), a->policy, 0, "no campaign has a \"goal\"");
    return status;
}

static sotto_status parse_file(const char *path, sotto_json **doc, sotto_diag *diag)
{
    sotto_vec text;
    sotto_status status = learn_read_file(path, &text, diag);
    if (status == SOTTO_OK)
        status = sotto_json_parse(doc, sotto_vec_span(&text), path, diag);
    sotto_vec_free(&text);
    return status;
}

sotto_status advise_read_goals(advise *a, sotto_diag *diag)
{
    sotto_json *doc = NULL;
    sotto_status status = parse_file(a->policy, &doc, diag);
    if (status == SOTTO_OK)
        status = read_goals(a, sotto_json_root(doc), diag);
    sotto_json_free(doc);
    return status;
}

/* ---- totals ---- */

static void note_counts(advise *a, sotto_span campaign, int64_t shown, int64_t taken, int64_t half_width)
{
    for (size_t i = 0; i < a->count; i++) {
        if (!sotto_span_is(campaign, a->goal[i].id))
            continue;
        a->goal[i].known = true;
        a->goal[i].shown_count = (double)shown;
        a->goal[i].taken_count = (double)taken;
        a->goal[i].noise = (double)half_width / eval_z(a->measured.confidence);
    }
}

/* The row of all segments together, unless it was withheld (a small cohort). */
static sotto_status read_row(advise *a, sotto_json_node row, sotto_diag *diag)
{
    sotto_span campaign;
    int64_t shown = 0, taken = 0, half_width = 0;
    if (sotto_json_type(sotto_json_member(row, "segment")) != SOTTO_JSON_NULL ||
        sotto_json_type(sotto_json_member(row, "withheld")) != SOTTO_JSON_ABSENT)
        return SOTTO_OK;
    sotto_status status = sotto_json_get_str(row, "campaign", &campaign, diag);
    if (status == SOTTO_OK)
        status = sotto_json_get_i64(row, "shown", INT64_MIN, INT64_MAX, &shown, diag);
    if (status == SOTTO_OK)
        status = sotto_json_get_i64(row, "taken", INT64_MIN, INT64_MAX, &taken, diag);
    if (status == SOTTO_OK)
        status = sotto_json_get_i64(row, "plus_minus", 0, INT64_MAX, &half_width, diag);
    if (status == SOTTO_OK)
        note_counts(a, campaign, shown, taken, half_width);
    return status;
}

static sotto_status no_reports(const char *where, sotto_diag *diag)
{
    return sotto_diag_at(diag, SOTTO_ERR(HQ, NOT_FOUND), where, 0, "no terminal has reported yet");
}

static sotto_status read_head(advise *a, sotto_json_node root, sotto_diag *diag)
{
    int64_t confidence = 0, reports = 0;
    sotto_status status = sotto_json_get_i64(root, "reports", 0, INT64_MAX, &reports, diag);
    if (status == SOTTO_OK && reports == 0)
        return no_reports(a->totals, diag);
    if (status == SOTTO_OK)
        status = sotto_json_as_decimal(sotto_json_member(root, "confidence_percent"), 4, &confidence, diag);
    if (status == SOTTO_OK && (confidence < 500000 || confidence > 999999))
        status = sotto_json_bad(sotto_json_member(root, "confidence_percent"), diag, SOTTO_ERR(HQ, RANGE),
                                "must be from 50 to 99.9999");
    a->measured.confidence = (double)confidence / 1e4;
    if (status == SOTTO_OK)
        status = read_day(sotto_json_member(root, "from"), &a->measured.from, diag);
    return status == SOTTO_OK ? read_day(sotto_json_member(root, "to"), &a->measured.to, diag) : status;
}

static bool is_asked_for(const advise *a, sotto_json_node root)
{
    sotto_json_node rows = sotto_json_member(root, "rows");
    int64_t task = 0;
    return sotto_json_type(sotto_json_member(sotto_json_at(rows, 0), "campaign")) == SOTTO_JSON_STR &&
           (a->task == 0 ||
            (sotto_json_get_i64(root, "task", 1, INT32_MAX, &task, NULL) == SOTTO_OK && task == a->task));
}

static sotto_span first_line(sotto_span text)
{
    const uint8_t *end = text.len > 0 ? memchr(text.ptr, '\n', text.len) : NULL;
    return end != NULL ? sotto_span_of(text.ptr, (size_t)(end - text.ptr) + 1) : text;
}

/* `totals --json` prints a line a task: the first that counts campaigns, or --task. */
static sotto_status find_line(const advise *a, sotto_span text, sotto_json **doc, sotto_diag *diag)
{
    while (text.len > 0) {
        sotto_span line = first_line(text);
        sotto_status status = sotto_json_parse(doc, line, a->totals, diag);
        if (status != SOTTO_OK || is_asked_for(a, sotto_json_root(*doc)))
            return status;
        sotto_json_free(*doc);
        *doc = NULL;
        text = sotto_span_of(text.ptr + line.len, text.len - line.len);
    }
    return sotto_diag_at(diag, SOTTO_ERR(HQ, NOT_FOUND), a->totals, 0, "no such task counts campaigns");
}

static sotto_status parse_totals(const advise *a, sotto_json **doc, sotto_diag *diag)
{
    sotto_vec text;
    sotto_status status = learn_read_file(a->totals, &text, diag);
    if (status == SOTTO_OK) {
        status =
            sotto_json_parse(doc, sotto_vec_span(&text), a->totals, diag); /* one task, perhaps laid out */
        if (status != SOTTO_OK &&
            sotto_json_parse(doc, first_line(sotto_vec_span(&text)), a->totals, NULL) == SOTTO_OK) {
            sotto_json_free(*doc);
            *doc = NULL;
            status = find_line(a, sotto_vec_span(&text), doc, diag);
        }
    }
    sotto_vec_free(&text);
    return status;
}

static sotto_status read_file(advise *a, sotto_diag *diag)
{
    sotto_json *doc = NULL;
    int64_t period = 1;
    sotto_status status = parse_totals(a, &doc, diag);
    if (status != SOTTO_OK)
        return status;
    sotto_json_node root = sotto_json_root(doc), rows = sotto_json_member(root, "rows");
    status = read_head(a, root, diag);
    if (status == SOTTO_OK)
        status = sotto_json_get_i64(root, "period_days", 1, 366, &period, diag);
    a->measured.to += (int32_t)period - 1; /* "to" is the first day of the last period */
    if (status == SOTTO_OK)
        status = sotto_json_as_array(rows, 0, SIZE_MAX, diag);
    for (size_t i = 0; status == SOTTO_OK && i < sotto_json_count(rows); i++)
        status = read_row(a, sotto_json_at(rows, i), diag);
    sotto_json_free(doc);
    return status;
}

static void take_totals(advise *a, const hq_totals *t)
{
    const int64_t to = (int64_t)t->sums.last_day + t->sums.task.period_days - 1;
    a->measured = (advise_totals){.from = t->sums.first_day,
                                  .to = to < INT32_MAX ? (int32_t)to : INT32_MAX,
                                  .confidence = t->confidence_ppm / 1e4};
    for (size_t c = 0; c < t->offers.campaign_count; c++) {
        const hq_cell *cell = &t->cell[(c + 1) * (t->offers.segment_count + 2) - 1];
        if (cell->withheld)
            continue;
        note_counts(a, sotto_span_str(t->offers.campaigns[c]), cell->count[SOTTO_OUTCOME_SHOWN],
                    cell->count[SOTTO_OUTCOME_TAKEN], (int64_t)cell->half_width);
    }
}

static sotto_status read_sums(advise *a, sotto_diag *diag)
{
    hq_totals totals = {0};
    hq_asked asked = {.dir = a->dir, .collected_dir = a->collected};
    sotto_status status = hq_asked_open(&asked, diag);
    const hq_totals_request request = {.task_id = (uint32_t)a->task,
                                       .first_day = asked.first_day,
                                       .last_day = asked.last_day,
                                       .confidence_ppm = asked.confidence_ppm,
                                       .collected = asked.collected};
    if (status == SOTTO_OK)
        status = hq_totals_make(&totals, asked.registry, asked.newest_release, &request, diag);
    if (status == SOTTO_OK && totals.sums.reports == 0)
        status = no_reports(a->dir != NULL ? a->dir : a->collected, diag);
    if (status == SOTTO_OK)
        take_totals(a, &totals);
    hq_totals_free(&totals);
    hq_asked_close(&asked);
    return status;
}

sotto_status advise_read_totals(advise *a, sotto_diag *diag)
{
    return a->totals != NULL ? read_file(a, diag) : read_sums(a, diag);
}
