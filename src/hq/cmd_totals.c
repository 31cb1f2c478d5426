/* totals: the sums as a table with bars, or as JSON. */
#include "hq_priv.h"

#include <stdio.h>
#include <string.h>

#define BAR_CELLS 24

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
    if (cell->rate_ppm < 0)
        printf("  %22s", "too few to say");
    else
        printf("  %6.2f %% (%5.1f ..%5.1f)", cell->rate_ppm / 1e4, cell->rate_low_ppm / 1e4,
               cell->rate_high_ppm / 1e4);
}

static void print_row(const hq_totals *t, size_t campaign, size_t segment, int width, int64_t largest)
{
    char line[BAR_CELLS + 1];
    const hq_cell *cell = cell_of(t, campaign, segment);
    bar(cell->count[SOTTO_OUTCOME_SHOWN], cell->half_width, largest, line);
    printf("%-*s %-12.12s %8lld %8lld  +-%-6llu", width,
           segment == 0 || t->offers.segment_count == 0 ? t->offers.campaigns[campaign] : "",
           segment_name(&t->offers, segment), (long long)cell->count[SOTTO_OUTCOME_SHOWN],
           (long long)cell->count[SOTTO_OUTCOME_TAKEN], (unsigned long long)cell->half_width);
    print_rate(cell);
    printf("  %s\n", line);
}

static void print_head(const hq_totals *t)
{
    char first[11], last[11], epsilon[32];
    hq_day_format(t->first_day, first);
    hq_day_format(t->last_day, last);
    (void)sotto_fixed_format_decimal((int64_t)t->task.epsilon_ueps, 6, epsilon, sizeof epsilon);
    printf("Task %s (%u): epsilon %s a report, at most %u events a customer and period of %u day%s.\n",
           t->task.name, (unsigned)t->task.id, epsilon, (unsigned)t->task.bound,
           (unsigned)t->task.period_days, t->task.period_days == 1 ? "" : "s");
    if (t->reports == 0)
        printf("No reports yet; %llu terminals are enrolled.\n", (unsigned long long)t->devices_enrolled);
    else
        printf("%llu report%s from %llu of %llu terminal%s, periods from %s to %s, %llu missing.\n",
               (unsigned long long)t->reports, t->reports == 1 ? "" : "s", (unsigned long long)t->devices,
               (unsigned long long)t->devices_enrolled, t->devices_enrolled == 1 ? "" : "s", first, last,
               (unsigned long long)t->periods_missing);
    printf("Error bars: %.4g %% of the time the truth is within +- of each count.\n\n",
           t->confidence_ppm / 1e4);
}

void hq_totals_print(const hq_totals *t)
{
    int width = 8;
    for (size_t c = 0; c < t->offers.campaign_count; c++)
        if ((int)strlen(t->offers.campaigns[c]) > width)
            width = (int)strlen(t->offers.campaigns[c]);
    print_head(t);
    printf("%-*s %-12s %8s %8s  %-8s  %22s  SHOWN\n", width, "CAMPAIGN", "SEGMENT", "SHOWN", "TAKEN", "ERROR",
           "TAKEN OF SHOWN");
    int64_t largest = largest_of(t);
    for (size_t c = 0; c < t->offers.campaign_count; c++)
        for (size_t g = 0; g < t->offers.segment_count + 2; g++)
            if (is_listed(&t->offers, g))
                print_row(t, c, g, width, largest);
}

/* ---- JSON ---- */

static void put_u64(sotto_json_writer *w, const char *name, uint64_t value)
{
    sotto_json_name(w, name);
    sotto_json_u64(w, value);
}

static void put_rate(sotto_json_writer *w, const char *name, int32_t ppm)
{
    sotto_json_name(w, name);
    if (ppm < 0)
        sotto_json_null(w);
    else
        sotto_json_decimal(w, ppm, 6);
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
    sotto_json_name(w, "shown");
    sotto_json_i64(w, cell->count[SOTTO_OUTCOME_SHOWN]);
    sotto_json_name(w, "taken");
    sotto_json_i64(w, cell->count[SOTTO_OUTCOME_TAKEN]);
    put_u64(w, "plus_minus", cell->half_width);
    put_rate(w, "rate", cell->rate_ppm);
    put_rate(w, "rate_low", cell->rate_low_ppm);
    put_rate(w, "rate_high", cell->rate_high_ppm);
    sotto_json_obj_end(w);
}

static void put_head(sotto_json_writer *w, const hq_totals *t)
{
    put_u64(w, "task", t->task.id);
    sotto_json_name(w, "name");
    sotto_json_cstr(w, t->task.name);
    sotto_json_name(w, "segment_tag");
    sotto_json_cstr(w, t->offers.segment_tag);
    sotto_json_name(w, "confidence_percent");
    sotto_json_decimal(w, t->confidence_ppm, 4);
    sotto_json_name(w, "epsilon");
    sotto_json_decimal(w, (int64_t)t->task.epsilon_ueps, 6);
    put_u64(w, "bound", t->task.bound);
    put_u64(w, "period_days", t->task.period_days);
    put_u64(w, "reports", t->reports);
    put_u64(w, "devices", t->devices);
    put_u64(w, "devices_enrolled", t->devices_enrolled);
    put_u64(w, "periods_missing", t->periods_missing);
    sotto_json_name(w, "from");
    t->reports > 0 ? hq_json_day(w, t->first_day) : sotto_json_null(w);
    sotto_json_name(w, "to");
    t->reports > 0 ? hq_json_day(w, t->last_day) : sotto_json_null(w);
}

sotto_status hq_totals_json(const hq_totals *t, sotto_diag *diag)
{
    hq_json json;
    size_t rows = t->offers.campaign_count * (t->offers.segment_count + 2);
    sotto_status status = hq_json_begin(&json, 4096 + rows * 1024, diag);
    if (status != SOTTO_OK)
        return status;
    sotto_json_obj(&json.w);
    put_head(&json.w, t);
    sotto_json_name(&json.w, "rows");
    sotto_json_arr(&json.w);
    for (size_t c = 0; c < t->offers.campaign_count; c++)
        for (size_t g = 0; g < t->offers.segment_count + 2; g++)
            if (is_listed(&t->offers, g))
                put_row(&json.w, t, c, g);
    sotto_json_arr_end(&json.w);
    sotto_json_obj_end(&json.w);
    return hq_json_print(&json, diag);
}

/* ---- the command ---- */

typedef struct asked {
    const char *dir, *from, *to, *confidence;
    int64_t task;
    bool as_json;
} asked;

/* Percent with up to four digits behind the point: 95, 99.9. */
static sotto_status read_confidence(const char *text, uint32_t *ppm, sotto_diag *diag)
{
    int64_t value = 0;
    sotto_status status = sotto_fixed_parse_decimal(sotto_span_str(text), 4, &value);
    if (status != SOTTO_OK || value < 500000 || value > 999999)
        return sotto_diag_set(diag, SOTTO_ERR(HQ, USAGE), "--confidence takes percent from 50 to 99.9999");
    *ppm = (uint32_t)value;
    return SOTTO_OK;
}

static sotto_status read_request(const asked *a, hq_totals_request *request, sotto_diag *diag)
{
    *request =
        (hq_totals_request){.task_id = (uint32_t)a->task, .first_day = INT32_MIN, .last_day = INT32_MAX};
    sotto_status status = read_confidence(a->confidence, &request->confidence_ppm, diag);
    if (status == SOTTO_OK && a->from != NULL)
        status = hq_day_parse(a->from, &request->first_day, diag);
    if (status == SOTTO_OK && a->to != NULL)
        status = hq_day_parse(a->to, &request->last_day, diag);
    if (status == SOTTO_OK && request->first_day > request->last_day)
        status = sotto_diag_set(diag, SOTTO_ERR(HQ, USAGE), "--from is after --to");
    return status;
}

static sotto_status make(const asked *a, hq_totals *out, sotto_diag *diag)
{
    hq_registry *registry = NULL;
    hq_repo repo = {0};
    hq_totals_request request;
    sotto_status status = read_request(a, &request, diag);
    if (status == SOTTO_OK)
        status = hq_office_registry(a->dir, &registry, diag);
    if (status == SOTTO_OK)
        status = hq_repo_read(&repo, a->dir, diag);
    if (status == SOTTO_OK)
        status = hq_totals_make(out, registry, repo.role[HQ_ROLE_TARGETS].version, &request, diag);
    hq_repo_free(&repo);
    hq_registry_close(registry);
    return status;
}

int hq_cmd_totals(int argc, char **argv)
{
    sotto_diag diag = {0};
    asked a = {.confidence = "95"};
    hq_totals totals = {0};
    const hq_option options[] = {{"--dir", HQ_TEXT, &a.dir, .required = true},
                                 {"--task", HQ_NUMBER, &a.task, .min = 1, .max = INT32_MAX},
                                 {"--from", HQ_TEXT, &a.from, .required = false},
                                 {"--to", HQ_TEXT, &a.to, .required = false},
                                 {"--confidence", HQ_TEXT, &a.confidence, .required = false},
                                 {"--json", HQ_FLAG, &a.as_json, .required = false}};
    if (!hq_options(argc, argv, options, SOTTO_COUNT(options)))
        return 2;
    sotto_status status = make(&a, &totals, &diag);
    if (status == SOTTO_OK && a.as_json)
        status = hq_totals_json(&totals, &diag);
    else if (status == SOTTO_OK)
        hq_totals_print(&totals);
    hq_totals_free(&totals);
    return status == SOTTO_OK ? 0 : hq_fail(status, &diag);
}
