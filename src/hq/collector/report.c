/*
 * A sealed report, from the bytes that a known device sent to a row of the registry. It must be signed by the
 * report key that the device gave when it enrolled, name that device and the number in the path, and answer a
 * task of a release that was published here. What is only odd (a gap, a chain that does not fit) is kept and
 * raised as an alarm: a report that was refused would be lost for ever, because its noise is drawn once.
 */
#include "collector/collect.h"
#include "office/day.h"
#include "release/bundle.h"

#include "sotto/split.h"

#include <stdlib.h>
#include <string.h>

#define TASK_MEMORY (HQ_REPORT_MEMORY / 2)

/* A terminal whose clock is ahead closes periods too early. A day of grace: its day begins by local time. */
static bool clock_ahead(const sotto_report *report, int64_t now_s)
{
    int64_t end_s = ((int64_t)report->period_day + report->period_days) * HQ_DAY_S;
    return end_s > now_s + 2 * HQ_DAY_S;
}

/* In the order in which a person would want to know. */
static sotto_status check_names(const sotto_report *report, const hq_device *device, uint64_t seq,
                                enum hq_alarm *alarm, sotto_diag *diag)
{
    if (!sotto_span_equal(sotto_span_str(report->device), sotto_span_str(device->id))) {
        *alarm = HQ_ALARM_OTHER_DEVICE;
        return sotto_diag_set(diag, SOTTO_ERR(HQ, DENIED), "the report names another device than its sender");
    }
    if (report->seq != seq) {
        *alarm = HQ_ALARM_NOT_GENUINE;
        return sotto_diag_set(diag, SOTTO_ERR(HQ, MALFORMED), "the report has another number than its path");
    }
    return SOTTO_OK;
}

static bool answers(const sotto_report *report, const sotto_task *task)
{
    return report->task_id == task->id && report->epsilon_ueps == task->epsilon_ueps &&
           report->bound == task->bound && report->period_days == task->period_days &&
           report->cell_count == task->cells &&
           sotto_floor_div_i64(report->period_day, (int64_t)task->period_days) * (int64_t)task->period_days ==
               report->period_day;
}

/* The tasks of a release, which never change once it is published: the fleet reports for one or two releases
 * at a time, so they are read when the release is another than the last report's. */
static sotto_status tasks_of(hq_collector *c, uint64_t release, sotto_diag *diag)
{
    sotto_arena arena;
    sotto_vec json;
    if (c->tasks_release == release && release != 0)
        return SOTTO_OK;
    c->tasks_release = 0;
    sotto_arena_init(&arena, (uint8_t *)c->memory + TASK_MEMORY, HQ_REPORT_MEMORY - TASK_MEMORY);
    sotto_vec_init(&json, HQ_FILE_LIMIT);
    sotto_status status = hq_registry_release_tasks(c->registry, release, &json, diag);
    if (status == SOTTO_OK)
        status = sotto_tasks_load(&c->tasks, sotto_vec_span(&json), "tasks.json", &arena, diag);
    if (status == SOTTO_OK)
        c->tasks_release = release;
    sotto_vec_free(&json);
    return status;
}

static sotto_status no_answer(const sotto_report *report, sotto_diag *diag)
{
    return sotto_diag_set(diag, SOTTO_ERR(HQ, UNSUPPORTED),
                          "the report does not answer the task of release %llu",
                          (unsigned long long)report->release_version);
}

static sotto_status check_task(hq_collector *c, const sotto_report *report, sotto_diag *diag)
{
    sotto_status status = tasks_of(c, report->release_version, diag);
    const sotto_task *task = status == SOTTO_OK ? sotto_tasks_find(&c->tasks, report->task_id) : NULL;
    if (status == SOTTO_OK && (task == NULL || !answers(report, task)))
        status = no_answer(report, diag);
    if (sotto_status_cause(status) == SOTTO_CAUSE_NOT_FOUND) /* of a release, not of the path: not a 404 */
        status = SOTTO_ERR(HQ, UNSUPPORTED);
    return status;
}

/* A report of mode B answers when it was made for the task just as that release defines it. */
static sotto_status load_split_task(hq_collector *c, const sotto_report *report, sotto_split_task *out,
                                    sotto_diag *diag)
{
    sotto_status status = tasks_of(c, report->release_version, diag);
    const sotto_task *task = status == SOTTO_OK ? sotto_tasks_find(&c->tasks, report->task_id) : NULL;
    if (task != NULL)
        return sotto_split_task_of(out, &c->tasks, task, diag);
    return status == SOTTO_OK ? SOTTO_ERR(HQ, UNSUPPORTED) : status;
}

static sotto_status check_split(hq_collector *c, const sotto_report *report, const sotto_split_report *split,
                                size_t size, sotto_diag *diag)
{
    sotto_split_task task;
    uint8_t digest[SOTTO_SHA256_BYTES];
    sotto_status status = load_split_task(c, report, &task, diag);
    if (status == SOTTO_OK)
        status = sotto_split_task_digest(&task, digest, diag);
    int cause = sotto_status_cause(status);
    bool missing = cause == SOTTO_CAUSE_NOT_FOUND || cause == SOTTO_CAUSE_UNSUPPORTED;
    if (status != SOTTO_OK && !missing)
        return status;
    if (missing ||
        sotto_floor_div_i64(report->period_day, (int64_t)task.period_days) * (int64_t)task.period_days !=
            report->period_day ||
        memcmp(digest, split->digest, sizeof digest) != 0 || size != sotto_split_report_size(&task))
        return no_answer(report, diag);
    return SOTTO_OK;
}

static bool is_its_fault(sotto_status status)
{
    switch (sotto_status_cause(status)) {
    case SOTTO_CAUSE_AUTH:
    case SOTTO_CAUSE_CORRUPT:
    case SOTTO_CAUSE_MALFORMED:
    case SOTTO_CAUSE_RANGE:
    case SOTTO_CAUSE_TRUNCATED:
    case SOTTO_CAUSE_UNSUPPORTED:
        return true;
    default:
        return false;
    }
}

/* Everything that can be said about the report itself. alarm: what to raise when it fails by the report's own
 * fault; HQ_ALARM_COUNT when memory or our disk failed, which must not accuse a terminal. */
static sotto_status open_report(hq_collector *c, const hq_device *device, uint64_t seq, sotto_span sealed,
                                sotto_report *report, enum hq_alarm *alarm, sotto_diag *diag)
{
    sotto_arena cells;
    sotto_arena_init(&cells, c->memory, TASK_MEMORY);
    *alarm = HQ_ALARM_NOT_GENUINE;
    sotto_split_report split;
    bool two = sotto_split_is(sealed);
    sotto_status status = two ? sotto_split_open(&split, report, sealed, device->report_key, diag)
                              : sotto_report_open(report, sealed, device->report_key, &cells, diag);
    if (status == SOTTO_OK) {
        status = check_names(report, device, seq, alarm, diag);
    } else if (!is_its_fault(status)) {
        *alarm = HQ_ALARM_COUNT;
    } else if (sotto_status_cause(status) == SOTTO_CAUSE_CORRUPT) {
        status = SOTTO_ERR(HQ, MALFORMED); /* the registry's CORRUPT is another matter: code_of */
    }
    if (status != SOTTO_OK)
        return status;
    status = two ? check_split(c, report, &split, sealed.len, diag) : check_task(c, report, diag);
    *alarm =
        sotto_status_cause(status) == SOTTO_CAUSE_UNSUPPORTED ? HQ_ALARM_UNKNOWN_RELEASE : HQ_ALARM_COUNT;
    return status;
}

void hq_collect_tell(const hq_collector *c, const hq_device *device, uint64_t seq, unsigned alarms)
{
    for (unsigned i = 0; i < HQ_ALARM_COUNT; i++) {
        if ((alarms & (1u << i)) == 0)
            continue;
        HQ_ADD(c->metrics, alarm[i], 1);
        sotto_log_event(c->log, SOTTO_LOG_WARN, "report.alarm", "device=%s seq=%llu alarm=%s", device->id,
                        (unsigned long long)seq, hq_alarm_name((enum hq_alarm)i));
    }
}

void hq_collect_accuse(hq_collector *c, const hq_device *device, uint64_t seq, enum hq_alarm alarm)
{
    hq_collect_tell(c, device, seq, 1u << alarm);
    /* The answer to the terminal is the same whether or not this could be written down. */
    (void)!hq_registry_alarm_raise(c->registry, device->id, alarm, c->clock.utc_s(c->clock.ctx), NULL);
}

/* The collector's memory is the next report's: what this one counted is kept beside it. */
static sotto_status keep_cells(hq_pending *out, sotto_diag *diag)
{
    size_t bytes = out->report.cell_count * sizeof *out->cells;
    out->cells = malloc(bytes + 1);
    if (out->cells == NULL)
        return sotto_diag_set(diag, SOTTO_ERR(HQ, NO_MEMORY), "no memory for a report");
    if (bytes > 0)
        memcpy(out->cells, out->report.cells, bytes);
    out->report.cells = out->cells;
    return SOTTO_OK;
}

sotto_status hq_collect_open(hq_collector *c, const hq_device *device, uint64_t seq, sotto_span sealed,
                             hq_pending *out, sotto_diag *diag)
{
    enum hq_alarm alarm;
    *out = (hq_pending){.device = *device, .sealed = sealed, .received_s = c->clock.utc_s(c->clock.ctx)};
    sotto_status status = open_report(c, device, seq, sealed, &out->report, &alarm, diag);
    if (status != SOTTO_OK) {
        out->final = alarm != HQ_ALARM_COUNT;
        if (out->final)
            hq_collect_accuse(c, device, seq, alarm);
        return status;
    }
    out->clock_ahead = clock_ahead(&out->report, out->received_s);
    status = sotto_sha256(sealed, out->sha256);
    return status == SOTTO_OK ? keep_cells(out, diag) : status;
}
