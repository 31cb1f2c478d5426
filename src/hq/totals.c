/*
 * What the reports add up to. A report's cell is a clipped count plus one draw of discrete Laplace noise, so
 * a sum over n reports carries n draws, and the error bar is theirs alone: what was counted is not a sample.
 * Campaigns are only ever appended under one task id, so one cell number means the same in all its reports.
 */
#include "hq_priv.h"

#include <stdlib.h>

#define SCALES_MAX 32 /* different (epsilon, bound) pairs under one task id */

typedef struct scale {
    uint64_t epsilon_ueps;
    uint32_t bound;
    uint64_t *draws; /* by campaign: reports that have it */
} scale;

typedef struct summing {
    hq_totals *out;
    sotto_diag *diag;
    scale scale[SCALES_MAX];
    size_t scales;
    char device[HQ_DEVICE_ID_MAX]; /* the last one seen: rows come by device */
    int64_t first_days;            /* sum over devices of their first period */
} summing;

static size_t row_cells(const hq_offers *offers)
{
    return offers->segment_count + 2;
}

/* The table of that form whose slowest index are campaigns. */
static bool view(const sotto_task *task, hq_offers *out)
{
    for (size_t t = 0; t < task->table_count; t++) {
        const sotto_table *table = &task->table[t];
        const sotto_dimension *d = table->dimension;
        bool tag = table->dimensions == 3 && d[1].kind == SOTTO_DIMENSION_TAG && d[1].names != NULL;
        if ((table->dimensions != 2 && !tag) || d[0].kind != SOTTO_DIMENSION_CAMPAIGN ||
            d[table->dimensions - 1].kind != SOTTO_DIMENSION_OUTCOME)
            continue;
        *out = (hq_offers){.segment_tag = tag ? d[1].tag : "",
                           .campaigns = d[0].names,
                           .campaign_count = d[0].named,
                           .segments = tag ? d[1].names : NULL,
                           .segment_count = tag ? d[1].named : 0,
                           .first_cell = table->first_cell};
        return true;
    }
    return false;
}

/* ---- the task ---- */

static sotto_status load_tasks(hq_totals *out, sotto_span json, sotto_tasks *tasks, sotto_diag *diag)
{
    sotto_arena arena;
    size_t size = (512u << 10) + json.len * 16;
    free(out->memory);
    out->memory = malloc(size);
    if (out->memory == NULL)
        return sotto_diag_set(diag, SOTTO_ERR(HQ, NO_MEMORY), "no memory for the task");
    sotto_arena_init(&arena, out->memory, size);
    return sotto_tasks_load(tasks, json, "tasks.json", &arena, diag);
}

/* The task of that id, or with 0 the first one, that has such a table. */
static bool pick(hq_totals *out, const sotto_tasks *tasks, uint32_t id)
{
    for (size_t i = 0; i < tasks->count; i++)
        if ((id == 0 || tasks->task[i].id == id) && tasks->task[i].mode == SOTTO_MODE_A &&
            view(&tasks->task[i], &out->offers)) {
            out->task = tasks->task[i];
            return true;
        }
    return false;
}

/* The newest release with this task defines its campaigns best: later ones only append. */
static sotto_status find_task(hq_totals *out, hq_registry *registry, uint64_t newest, uint32_t id,
                              sotto_diag *diag)
{
    for (uint64_t version = newest; version > 0; version--) {
        sotto_vec json;
        sotto_tasks tasks = {.count = 0};
        sotto_vec_init(&json, HQ_FILE_LIMIT);
        sotto_status status = hq_registry_release_tasks(registry, version, &json, diag);
        if (status == SOTTO_OK)
            status = load_tasks(out, sotto_vec_span(&json), &tasks, diag);
        sotto_vec_free(&json);
        if (status != SOTTO_OK || pick(out, &tasks, id))
            return status;
    }
    return newest == 0 ? sotto_diag_set(diag, SOTTO_ERR(HQ, NOT_FOUND), "nothing was published yet")
                       : sotto_diag_set(diag, SOTTO_ERR(HQ, NOT_FOUND),
                                        "no release has a task %u of campaign, segment and outcome in mode A",
                                        (unsigned)id);
}

/* ---- sums ---- */

static scale *scale_of(summing *s, const hq_report_row *row)
{
    for (size_t i = 0; i < s->scales; i++)
        if (s->scale[i].epsilon_ueps == row->epsilon_ueps && s->scale[i].bound == row->bound)
            return &s->scale[i];
    if (s->scales == SCALES_MAX)
        return NULL;
    scale *fresh = &s->scale[s->scales];
    *fresh = (scale){.epsilon_ueps = row->epsilon_ueps, .bound = row->bound};
    fresh->draws = calloc(s->out->offers.campaign_count, sizeof *fresh->draws);
    if (fresh->draws == NULL)
        return NULL;
    s->scales++;
    return fresh;
}

static void note_device(summing *s, const hq_report_row *row)
{
    hq_totals *out = s->out;
    if (!sotto_span_equal(sotto_span_str(s->device), sotto_span_str(row->device))) {
        (void)!sotto_span_to_str(sotto_span_str(row->device), s->device, sizeof s->device);
        s->first_days += row->period_day;
        out->devices++;
    }
    if (out->reports == 0 || row->period_day < out->first_day)
        out->first_day = row->period_day;
    if (out->reports == 0 || row->period_day > out->last_day)
        out->last_day = row->period_day;
    out->reports++;
}

static sotto_status add_row(void *ctx, const hq_report_row *row)
{
    summing *s = ctx;
    const hq_offers *offers = &s->out->offers;
    const size_t per_campaign = (offers->segment_count + 1) * SOTTO_OUTCOMES;
    size_t campaigns =
        row->cell_count < offers->first_cell ? 0 : (row->cell_count - offers->first_cell) / per_campaign;
    scale *noise = scale_of(s, row);
    if (noise == NULL)
        return sotto_diag_set(s->diag, SOTTO_ERR(HQ, NO_MEMORY),
                              "no memory, or too many kinds of noise in one task");
    if (campaigns > offers->campaign_count)
        campaigns = offers->campaign_count;
    for (size_t c = 0; c < campaigns; c++) {
        noise->draws[c]++;
        for (size_t g = 0; g <= offers->segment_count; g++) {
            hq_cell *cell = &s->out->cell[c * row_cells(offers) + g];
            for (size_t o = 0; o < SOTTO_OUTCOMES; o++)
                cell->count[o] = sotto_add_sat_i64(
                    cell->count[o], row->cells[offers->first_cell +
                                               (c * (offers->segment_count + 1) + g) * SOTTO_OUTCOMES + o]);
        }
    }
    note_device(s, row);
    return SOTTO_OK;
}

/* Every period from a device's first one to the last that anybody reported is expected of it. */
static void count_missing(summing *s)
{
    hq_totals *out = s->out;
    int64_t days = (int64_t)out->devices * out->last_day - s->first_days;
    int64_t expected = days / (int64_t)out->task.period_days + (int64_t)out->devices;
    if (expected > (int64_t)out->reports)
        out->periods_missing = (uint64_t)expected - out->reports;
}

/* ---- error bars ---- */

/* The task with the noise that these reports were drawn with. */
static sotto_task as_drawn(const sotto_task *task, const scale *noise)
{
    sotto_task drawn = *task;
    drawn.epsilon_ueps = noise->epsilon_ueps;
    drawn.bound = noise->bound;
    if (drawn.noise == SOTTO_NOISE_GAUSSIAN)
        drawn.rho_nano = sotto_budget_rho_nano(drawn.epsilon_ueps, drawn.delta_e12);
    return drawn;
}

/* Draws of several scales: each group gets its share of what may go wrong, and the bounds add up (the union
 * bound). */
static sotto_status half_width(const summing *s, size_t campaign, uint64_t cells, uint32_t confidence_ppm,
                               uint64_t *out)
{
    uint32_t groups = 0;
    *out = 0;
    for (size_t i = 0; i < s->scales; i++)
        groups += s->scale[i].draws[campaign] > 0;
    for (size_t i = 0; i < s->scales; i++) {
        uint64_t draws = s->scale[i].draws[campaign] * cells, width;
        if (draws == 0)
            continue;
        const sotto_task task = as_drawn(&s->out->task, &s->scale[i]);
        uint32_t miss_ppm = (1000000 - confidence_ppm) / groups;
        sotto_status status =
            sotto_task_half_width(&task, draws, 1000000 - (miss_ppm > 0 ? miss_ppm : 1), &width);
        if (status != SOTTO_OK)
            return status;
        *out += width;
    }
    return SOTTO_OK;
}

static int32_t ratio_ppm(int64_t part, int64_t whole)
{
    if (part <= 0)
        return 0;
    if (part >= whole)
        return 1000000;
    /* In a double at the very end, for people: the counts themselves are exact. */
    return (int32_t)((double)part / (double)whole * 1e6 + 0.5);
}

/* Both counts lie within their half widths with the stated confidence together, so the rate lies between the
 * extremes of the rectangle they make. */
static void set_rate(hq_cell *cell, uint64_t width)
{
    const int64_t shown = cell->count[SOTTO_OUTCOME_SHOWN], taken = cell->count[SOTTO_OUTCOME_TAKEN];
    const int64_t w = width > INT64_MAX / 4 ? INT64_MAX / 4 : (int64_t)width;
    cell->rate_ppm = cell->rate_low_ppm = cell->rate_high_ppm = -1;
    if (shown <= w || shown > INT64_MAX / 4)
        return;
    cell->rate_ppm = ratio_ppm(taken, shown);
    cell->rate_low_ppm = ratio_ppm(taken - w, shown + w);
    cell->rate_high_ppm = ratio_ppm(taken + w, shown - w);
}

static sotto_status finish_cell(const summing *s, size_t campaign, uint64_t cells, hq_cell *cell)
{
    uint64_t joint = 0;
    uint32_t confidence = s->out->confidence_ppm;
    sotto_status status = half_width(s, campaign, cells, confidence, &cell->half_width);
    if (status == SOTTO_OK)
        status = half_width(s, campaign, cells, confidence + (1000000 - confidence) / 2, &joint);
    set_rate(cell, joint);
    return status;
}

static sotto_status finish(const summing *s)
{
    const hq_offers *offers = &s->out->offers;
    sotto_status status = SOTTO_OK;
    for (size_t c = 0; c < offers->campaign_count; c++) {
        hq_cell *row = &s->out->cell[c * row_cells(offers)], *all = &row[offers->segment_count + 1];
        for (size_t g = 0; g <= offers->segment_count && status == SOTTO_OK; g++) {
            for (size_t o = 0; o < SOTTO_OUTCOMES; o++)
                all->count[o] = sotto_add_sat_i64(all->count[o], row[g].count[o]);
            status = finish_cell(s, c, 1, &row[g]);
        }
        if (status == SOTTO_OK)
            status = finish_cell(s, c, offers->segment_count + 1, all);
    }
    return status;
}

static sotto_status count_enrolled(void *ctx, const hq_device *device)
{
    *(uint64_t *)ctx += device->state == HQ_DEVICE_ENROLLED;
    return SOTTO_OK;
}

static sotto_status sum_up(summing *s, hq_registry *registry, const hq_totals_request *request)
{
    const hq_report_filter filter = {
        .task_id = s->out->task.id, .first_day = request->first_day, .last_day = request->last_day};
    sotto_status status = hq_registry_devices(registry, count_enrolled, &s->out->devices_enrolled, s->diag);
    if (status == SOTTO_OK)
        status = hq_registry_reports(registry, &filter, add_row, s, s->diag);
    if (status == SOTTO_OK)
        status = finish(s);
    if (s->out->reports > 0)
        count_missing(s);
    for (size_t i = 0; i < s->scales; i++)
        free(s->scale[i].draws);
    return status;
}

sotto_status hq_totals_make(hq_totals *out, hq_registry *registry, uint64_t newest_release,
                            const hq_totals_request *request, sotto_diag *diag)
{
    *out = (hq_totals){.confidence_ppm = request->confidence_ppm, .first_day = 1, .last_day = 0};
    summing s = {.out = out, .diag = diag};
    sotto_status status = find_task(out, registry, newest_release, request->task_id, diag);
    if (status == SOTTO_OK) {
        out->cell = calloc(out->offers.campaign_count * row_cells(&out->offers), sizeof *out->cell);
        status = out->cell != NULL
                     ? sum_up(&s, registry, request)
                     : sotto_diag_set(diag, SOTTO_ERR(HQ, NO_MEMORY), "no memory for the totals");
    }
    if (status != SOTTO_OK)
        hq_totals_free(out);
    return status;
}

void hq_totals_free(hq_totals *totals)
{
    free(totals->cell);
    free(totals->memory);
    *totals = (hq_totals){0};
}
