/* Reports added up, cell by cell, and the noise in them. */
#include "totals/sums.h"
#include "release/bundle.h"

#include <math.h>
#include <stdlib.h>

typedef struct summing {
    hq_sums *out;
    sotto_diag *diag;
    char device[HQ_DEVICE_ID_MAX]; /* the last one seen: rows come by device */
    int64_t first_days;            /* sum over devices of their first period */
} summing;

/* ---- the task ---- */

sotto_status hq_release_tasks_load(hq_registry *registry, uint64_t version, sotto_tasks *tasks, void **memory,
                                   sotto_diag *diag)
{
    sotto_arena arena;
    sotto_vec json;
    sotto_vec_init(&json, HQ_FILE_LIMIT);
    sotto_status status = hq_registry_release_tasks(registry, version, &json, diag);
    size_t size = (512u << 10) + json.len * 16;
    free(*memory);
    *memory = status == SOTTO_OK ? malloc(size) : NULL;
    if (status == SOTTO_OK && *memory == NULL)
        status = sotto_diag_set(diag, SOTTO_ERR(HQ, NO_MEMORY), "no memory for the task");
    if (status == SOTTO_OK) {
        sotto_arena_init(&arena, *memory, size);
        status = sotto_tasks_load(tasks, sotto_vec_span(&json), "tasks.json", &arena, diag);
    }
    sotto_vec_free(&json);
    return status;
}

static const sotto_task *pick(const sotto_tasks *tasks, const hq_sums_request *request)
{
    for (size_t i = 0; i < tasks->count; i++)
        if ((request->task_id == 0 || tasks->task[i].id == request->task_id) &&
            tasks->task[i].mode == SOTTO_MODE_A &&
            (request->wanted == NULL || request->wanted(&tasks->task[i])))
            return &tasks->task[i];
    return NULL;
}

static sotto_status none_found(const hq_sums_request *request, uint64_t newest, sotto_diag *diag)
{
    const char *what = request->what != NULL ? request->what : "task";
    if (newest == 0)
        return sotto_diag_set(diag, SOTTO_ERR(HQ, NOT_FOUND), "nothing was published yet");
    if (request->task_id == 0)
        return sotto_diag_set(diag, SOTTO_ERR(HQ, NOT_FOUND), "no release has a %s in mode A", what);
    return sotto_diag_set(diag, SOTTO_ERR(HQ, NOT_FOUND), "no release has a task %u that is a %s in mode A",
                          (unsigned)request->task_id, what);
}

static sotto_status find_task(hq_sums *out, hq_registry *registry, uint64_t newest,
                              const hq_sums_request *request, sotto_diag *diag)
{
    for (uint64_t version = newest; version > 0; version--) {
        sotto_tasks tasks = {.count = 0};
        sotto_status status = hq_release_tasks_load(registry, version, &tasks, &out->memory, diag);
        const sotto_task *task = pick(&tasks, request);
        if (task != NULL)
            out->task = *task;
        if (status != SOTTO_OK || task != NULL)
            return status;
    }
    return none_found(request, newest, diag);
}

sotto_status hq_sums_tasks(hq_registry *registry, uint64_t newest_release,
                           uint32_t id[static SOTTO_TASKS_MAX], size_t *count, sotto_diag *diag)
{
    void *memory = NULL;
    sotto_status status = SOTTO_OK;
    *count = 0;
    for (uint64_t version = newest_release; version > 0 && *count == 0 && status == SOTTO_OK; version--) {
        sotto_tasks tasks = {.count = 0};
        status = hq_release_tasks_load(registry, version, &tasks, &memory, diag);
        for (size_t i = 0; i < tasks.count; i++)
            if (tasks.task[i].mode == SOTTO_MODE_A)
                id[(*count)++] = tasks.task[i].id;
    }
    free(memory);
    const hq_sums_request any = {.task_id = 0};
    return status == SOTTO_OK && *count == 0 ? none_found(&any, newest_release, diag) : status;
}

/* ---- sums ---- */

hq_scale *hq_sums_scale(hq_sums *s, uint64_t epsilon_ueps, uint32_t bound)
{
    for (size_t i = 0; i < s->scales; i++)
        if (s->scale[i].epsilon_ueps == epsilon_ueps && s->scale[i].bound == bound)
            return &s->scale[i];
    if (s->scales == HQ_SCALES_MAX)
        return NULL;
    hq_scale *fresh = &s->scale[s->scales];
    *fresh = (hq_scale){.epsilon_ueps = epsilon_ueps, .bound = bound};
    fresh->draws = calloc(s->task.cells, sizeof *fresh->draws);
    if (fresh->draws == NULL)
        return NULL;
    s->scales++;
    return fresh;
}

static void note_device(summing *s, const hq_report_row *row)
{
    hq_sums *out = s->out;
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

/* Campaigns are only ever appended under one task id, so one cell number means the same in all its reports.
 */
static sotto_status add_row(void *ctx, const hq_report_row *row)
{
    summing *s = ctx;
    hq_scale *noise = hq_sums_scale(s->out, row->epsilon_ueps, row->bound);
    if (noise == NULL)
        return sotto_diag_set(s->diag, SOTTO_ERR(HQ, NO_MEMORY),
                              "no memory, or too many kinds of noise in one task");
    for (size_t i = 0; i < row->cell_count && i < s->out->task.cells; i++) {
        noise->draws[i]++;
        s->out->count[i] = sotto_add_sat_i64(s->out->count[i], row->cells[i]);
    }
    note_device(s, row);
    return SOTTO_OK;
}

/* Every period from a device's first one to the last that anybody reported is expected of it. */
static void count_missing(summing *s)
{
    hq_sums *out = s->out;
    int64_t days = (int64_t)out->devices * out->last_day - s->first_days;
    int64_t expected = days / (int64_t)out->task.period_days + (int64_t)out->devices;
    if (out->reports > 0 && expected > (int64_t)out->reports)
        out->periods_missing = (uint64_t)expected - out->reports;
}

static sotto_status count_enrolled(void *ctx, const hq_device *device)
{
    *(uint64_t *)ctx += device->state == HQ_DEVICE_ENROLLED;
    return SOTTO_OK;
}

sotto_status hq_sums_make(hq_sums *out, hq_registry *registry, uint64_t newest_release,
                          const hq_sums_request *request, sotto_diag *diag)
{
    if (request->collected != NULL)
        return hq_sums_collected(out, request, diag);
    *out = (hq_sums){.first_day = 1, .last_day = 0};
    summing s = {.out = out, .diag = diag};
    sotto_status status = find_task(out, registry, newest_release, request, diag);
    if (status == SOTTO_OK) {
        out->count = calloc(out->task.cells, sizeof *out->count);
        if (out->count == NULL)
            status = sotto_diag_set(diag, SOTTO_ERR(HQ, NO_MEMORY), "no memory for the sums");
    }
    const hq_report_filter filter = {
        .task_id = out->task.id, .first_day = request->first_day, .last_day = request->last_day};
    if (status == SOTTO_OK)
        status = hq_registry_devices(registry, count_enrolled, &out->devices_enrolled, diag);
    if (status == SOTTO_OK)
        status = hq_registry_reports(registry, &filter, add_row, &s, diag);
    if (status == SOTTO_OK)
        count_missing(&s);
    else
        hq_sums_free(out);
    return status;
}

void hq_sums_free(hq_sums *sums)
{
    for (size_t i = 0; i < sums->scales; i++)
        free(sums->scale[i].draws);
    free(sums->count);
    free(sums->memory);
    *sums = (hq_sums){0};
}

/* ---- noise ---- */

/* The task with the noise that these reports were drawn with. */
static sotto_task as_drawn(const sotto_task *task, const hq_scale *noise)
{
    sotto_task drawn = *task;
    drawn.epsilon_ueps = noise->epsilon_ueps;
    drawn.bound = noise->bound;
    if (drawn.noise == SOTTO_NOISE_GAUSSIAN)
        drawn.rho_nano = sotto_budget_rho_nano(drawn.epsilon_ueps, drawn.delta_e12);
    return drawn;
}

/* Most cells have as many draws as the one before, and the exact bound takes a microsecond a draw. */
static sotto_status width_of(hq_sums *s, size_t scale, uint64_t draws, uint32_t confidence_ppm, uint64_t *out)
{
    for (size_t i = 0; i < SOTTO_COUNT(s->known); i++) {
        const hq_width *k = &s->known[i];
        if (k->confidence_ppm == confidence_ppm && k->scale == scale && k->draws == draws) {
            *out = k->width;
            return SOTTO_OK;
        }
    }
    const sotto_task task = as_drawn(&s->task, &s->scale[scale]);
    sotto_status status = sotto_task_half_width(&task, draws, confidence_ppm, out);
    if (status == SOTTO_OK)
        s->known[s->next_known++ % SOTTO_COUNT(s->known)] =
            (hq_width){.scale = scale, .draws = draws, .width = *out, .confidence_ppm = confidence_ppm};
    return status;
}

static uint64_t draws_of(const hq_sums *s, size_t scale, const size_t *cell, size_t cells)
{
    uint64_t draws = 0;
    for (size_t i = 0; i < cells; i++)
        draws += s->scale[scale].draws[cell[i]];
    return draws;
}

sotto_status hq_sums_width(hq_sums *sums, const size_t *cell, size_t cells, uint32_t confidence_ppm,
                           uint64_t *out)
{
    uint32_t groups = 0;
    sotto_status status = SOTTO_OK;
    *out = 0;
    for (size_t i = 0; i < sums->scales; i++)
        groups += draws_of(sums, i, cell, cells) > 0;
    for (size_t i = 0; i < sums->scales && status == SOTTO_OK; i++) {
        uint64_t draws = draws_of(sums, i, cell, cells), width = 0;
        if (draws == 0)
            continue;
        uint32_t miss_ppm = (1000000 - confidence_ppm) / groups;
        status = width_of(sums, i, draws, 1000000 - (miss_ppm > 0 ? miss_ppm : 1), &width);
        *out += width;
    }
    return status;
}

/* Discrete Laplace with q = exp(-1 / scale): 2 q / (1 - q)^2. Discrete Gaussian: at most sigma^2 (Canonne,
 * Kamath, Steinke 2020, corollary 9). */
static double variance_of(const sotto_task *task)
{
    uint64_t num = 0, den = 1;
    if (task->noise == SOTTO_NOISE_GAUSSIAN)
        return sotto_budget_variance(task->rho_nano, sotto_task_l2_squared(task), &num, &den)
                   ? (double)num / (double)den
                   : NAN;
    sotto_budget_scale(task->epsilon_ueps, task->bound, &num, &den);
    double rate = (double)den / (double)num, half = sinh(rate / 2);
    return 1 / (2 * half * half); /* the same, without 1 - q, which loses its digits for a large scale */
}

double hq_sums_variance(const hq_sums *sums, size_t cell)
{
    double variance = 0;
    for (size_t i = 0; i < sums->scales; i++) {
        const sotto_task task = as_drawn(&sums->task, &sums->scale[i]);
        variance += (double)sums->scale[i].draws[cell] * variance_of(&task);
    }
    return variance;
}

/* Two-sided quantile of the normal distribution, by bisection of erfc: 60 halvings of 0 .. 10. */
static double normal_quantile(double miss)
{
    double low = 0, high = 10;
    for (int i = 0; i < 60; i++) {
        double middle = (low + high) / 2;
        *(erfc(middle / sqrt(2)) > miss ? &low : &high) = middle;
    }
    return high;
}

double hq_sums_deviations(const hq_sums *sums, uint32_t confidence_ppm)
{
    double miss = (1000000 - confidence_ppm) / 1e6, normal = normal_quantile(miss);
    /* One Laplace draw: P[|X| > t] = exp(-t / b), and its deviation is b sqrt(2). */
    double laplace = sums->task.noise == SOTTO_NOISE_LAPLACE ? -log(miss) / sqrt(2) : 0;
    return normal > laplace ? normal : laplace;
}
