/*
 * The night: ended periods become reports. For each, in one transaction: walk the contributions, debit each
 * customer or leave them out, add exact noise once, seal, append to the outbox, delete what was counted, move
 * the first open day. Until the commit nothing has happened; after it everything has.
 */
#include "tally_priv.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum { PERIODS_MAX = 62 };

/* Memory for one period, taken once for all of them. */
struct work {
    sotto_store *store;
    const sotto_tally_config *config;
    sotto_diag *diag;
    int64_t period;
    uint64_t behind, left_out, debited_ueps;
    sotto_contribution part;
    int64_t cells[SOTTO_TASK_CELLS_MAX];
    uint8_t sealed[SOTTO_REPORT_MAX];
};

/* Cells of this task, at most its bound: an earlier release may have had more of either. */
static void clip(sotto_contribution *part, const sotto_task *task)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < part->count && kept < task->bound; i++)
        if (part->cells[i] < task->cells)
            part->cells[kept++] = part->cells[i];
    part->count = kept;
}

/* True when the customer can pay; the ledger is debited then, before the report exists. */
static sotto_status debit(struct work *work, const uint8_t *key, bool *paid)
{
    const sotto_task *task = work->config->task;
    uint64_t cost = sotto_budget_cost_ueps(task->epsilon_ueps, work->part.count, task->bound);
    sotto_ledger ledger;
    sotto_status status = sotto_ledger_get(work->store, key, &ledger, work->diag);
    *paid = status == SOTTO_OK && ledger.spent_ueps <= task->lifetime_ueps &&
            cost <= task->lifetime_ueps - ledger.spent_ueps;
    if (!*paid)
        return status;
    if (ledger.spent_ueps == 0)
        ledger.since_day = (int32_t)work->period;
    ledger.spent_ueps += cost;
    work->debited_ueps += cost;
    return sotto_ledger_put(work->store, key, &ledger, work->diag);
}

static sotto_status count_customer(void *ctx, const uint8_t *key, sotto_span record)
{
    struct work *work = ctx;
    bool paid = false;
    sotto_status status = sotto_contribution_read(&work->part, record, work->config->task->id, work->diag);
    if (status != SOTTO_OK)
        return status;
    clip(&work->part, work->config->task);
    if (work->part.count == 0)
        return SOTTO_OK;
    status = debit(work, key, &paid);
    if (status != SOTTO_OK)
        return status;
    work->behind += paid;
    work->left_out += !paid;
    for (uint32_t i = 0; paid && i < work->part.count; i++)
        work->cells[work->part.cells[i]]++;
    return SOTTO_OK;
}

/* Scale bound / epsilon: one customer moves the cells by at most bound in all (L1), so this is
 * epsilon-private for a whole contribution (Dwork, McSherry, Nissim, Smith 2006) and proportionally less for
 * a smaller one. */
static sotto_status add_noise(struct work *work)
{
    const sotto_task *task = work->config->task;
    uint64_t num, den;
    sotto_budget_scale(task->epsilon_ueps, task->bound, &num, &den);
    for (size_t i = 0; i < task->cells; i++) {
        int64_t noise = 0;
        sotto_status status = sotto_noise_laplace(work->config->entropy, num, den, &noise);
        if (status != SOTTO_OK)
            return sotto_diag_set(work->diag, status, "no noise could be drawn, so nothing leaves");
        work->cells[i] = sotto_add_sat_i64(work->cells[i], noise);
    }
    return SOTTO_OK;
}

static void describe(const struct work *work, sotto_report *report)
{
    const sotto_tally_config *config = work->config;
    report->task_id = config->task->id;
    report->release_version = config->release_version;
    report->period_day = (int32_t)work->period;
    report->period_days = config->task->period_days;
    report->epsilon_ueps = config->task->epsilon_ueps;
    report->bound = config->task->bound;
    report->cells = work->cells;
    report->cell_count = config->task->cells;
}

static sotto_status seal(struct work *work, uint64_t *seq, sotto_buf *sealed)
{
    sotto_report report = {.seq = 0};
    describe(work, &report);
    sotto_status status =
        sotto_span_to_str(sotto_span_str(work->config->device), report.device, sizeof report.device);
    if (status != SOTTO_OK)
        return sotto_diag_set(work->diag, SOTTO_ERR(TALLY, USAGE), "the device id has more than 64 bytes");
    status = sotto_store_outbox_head(work->store, &report.seq, report.previous, work->diag);
    if (status == SOTTO_OK)
        status = sotto_report_seal(&report, work->config->vault, sealed, work->diag);
    *seq = report.seq;
    return status;
}

static sotto_status append(struct work *work, uint64_t seq, sotto_span sealed)
{
    sotto_outbox_entry entry = {.seq = seq, .sealed_s = work->config->now_s};
    sotto_audit_note note = {.task = work->config->task,
                             .period_day = (int32_t)work->period,
                             .behind = work->behind,
                             .left_out = work->left_out,
                             .bytes = sealed.len};
    sotto_status status = sotto_audit_note_write(&note, entry.note, sizeof entry.note);
    if (status != SOTTO_OK)
        return sotto_diag_set(work->diag, status, "the audit's line of the report does not fit");
    return sotto_store_outbox_append(work->store, &entry, sealed, work->diag);
}

/* Deletes every contribution before `day`: those just counted, and what an earlier task with other periods
 * left. */
static sotto_status drop_before(struct work *work, int64_t day)
{
    for (;;) {
        int64_t sub = 0;
        sotto_status status = sotto_store_first_sub(work->store, SOTTO_RECORD_CONTRIBUTION, &sub, work->diag);
        if (sotto_status_cause(status) == SOTTO_CAUSE_NOT_FOUND || (status == SOTTO_OK && sub >= day))
            return SOTTO_OK;
        if (status == SOTTO_OK)
            status = sotto_store_drop_all(work->store, SOTTO_RECORD_CONTRIBUTION, sub, work->diag);
        if (status != SOTTO_OK)
            return status;
    }
}

static sotto_status advance(struct work *work, int64_t day)
{
    sotto_status status = drop_before(work, day);
    if (status == SOTTO_OK)
        status = sotto_store_set_i64(work->store, SOTTO_TALLY_NEXT_DAY, day, work->diag);
    return status;
}

static sotto_status report_period(struct work *work, uint64_t *seq)
{
    sotto_buf sealed = sotto_buf_of(work->sealed, sizeof work->sealed);
    memset(work->cells, 0, sizeof work->cells);
    work->behind = work->left_out = work->debited_ueps = 0;
    sotto_status status = sotto_store_each(work->store, SOTTO_RECORD_CONTRIBUTION, work->period,
                                           count_customer, work, work->diag);
    if (status == SOTTO_OK)
        status = add_noise(work);
    if (status == SOTTO_OK)
        status = seal(work, seq, &sealed);
    if (status == SOTTO_OK)
        status = append(work, *seq, sotto_buf_span(&sealed));
    if (status == SOTTO_OK)
        status = advance(work, work->period + work->config->task->period_days);
    return status;
}

static sotto_status close_period(struct work *work, sotto_tally_result *result)
{
    uint64_t seq = 0;
    sotto_status status = sotto_store_begin(work->store, work->diag);
    if (status != SOTTO_OK)
        return status;
    status = report_period(work, &seq);
    if (status == SOTTO_OK)
        status = sotto_store_commit(work->store, work->diag);
    else
        sotto_store_rollback(work->store);
    if (status != SOTTO_OK)
        return status;
    result->reports++;
    result->last_seq = seq;
    result->customers += work->behind;
    result->spent_out += work->left_out;
    result->debited_ueps += work->debited_ueps;
    return SOTTO_OK;
}

/* A store that never closed a period begins with its oldest contribution, or with the running period when
 * there is none. */
static sotto_status begin_periods(struct work *work, int64_t running, int64_t *open_from)
{
    int64_t oldest = 0;
    sotto_status status = sotto_store_first_sub(work->store, SOTTO_RECORD_CONTRIBUTION, &oldest, work->diag);
    if (status != SOTTO_OK && sotto_status_cause(status) != SOTTO_CAUSE_NOT_FOUND)
        return status;
    *open_from = status == SOTTO_OK && oldest < running ? oldest : running;
    return sotto_store_set_i64(work->store, SOTTO_TALLY_NEXT_DAY, *open_from, work->diag);
}

/* Skips periods that are too many to report (a clock that jumped, a terminal that was off for long): their
 * events are deleted uncounted, and nobody pays for them. */
static sotto_status skip_old(struct work *work, int64_t first, int64_t running, int64_t *period,
                             sotto_tally_result *result)
{
    int64_t days = work->config->task->period_days;
    *period = first;
    if ((running - first) / days <= PERIODS_MAX)
        return SOTTO_OK;
    *period = running - PERIODS_MAX * days;
    result->skipped_periods = (uint64_t)((*period - first) / days);
    sotto_status status = sotto_store_begin(work->store, work->diag);
    if (status != SOTTO_OK)
        return status;
    status = advance(work, *period);
    if (status == SOTTO_OK)
        return sotto_store_commit(work->store, work->diag);
    sotto_store_rollback(work->store);
    return status;
}

static sotto_status close_all(struct work *work, sotto_tally_result *result)
{
    const sotto_task *task = work->config->task;
    int64_t running = sotto_tally_period_of(task, sotto_tally_day_of(work->config->now_s)), open_from = 0;
    sotto_status status = sotto_tally_first_open_day(work->store, &open_from, work->diag);
    if (status == SOTTO_OK && open_from == INT64_MIN)
        status = begin_periods(work, running, &open_from);
    if (status != SOTTO_OK)
        return status;
    /* A task with longer periods than the one before it begins with its first whole period. */
    int64_t first = sotto_tally_period_of(task, open_from);
    if (first < open_from)
        first += task->period_days;
    if (first >= running)
        return SOTTO_OK; /* also when the clock was set back: a closed period is never opened again */
    status = skip_old(work, first, running, &work->period, result);
    for (; status == SOTTO_OK && work->period < running; work->period += task->period_days)
        status = close_period(work, result);
    return status;
}

static bool is_usable(const sotto_tally_config *config)
{
    const sotto_task *task = config->task;
    return task->cells >= 1 && task->cells <= SOTTO_TASK_CELLS_MAX && task->bound >= 1 &&
           task->bound <= TALLY_BOUND_MAX && task->epsilon_ueps >= 1 && task->period_days >= 1 &&
           sotto_tally_day_of(config->now_s) <= INT32_MAX - 366 && sotto_tally_day_of(config->now_s) >= 0;
}

sotto_status sotto_tally_close(sotto_store *store, const sotto_tally_config *config,
                               sotto_tally_result *result, sotto_diag *diag)
{
    *result = (sotto_tally_result){0};
    if (!is_usable(config))
        return sotto_diag_set(diag, SOTTO_ERR(TALLY, RANGE), "the task or the clock is out of its range");
    struct work *work = calloc(1, sizeof *work);
    if (work == NULL)
        return sotto_diag_set(diag, SOTTO_ERR(TALLY, NO_MEMORY), "no memory for the tally");
    work->store = store;
    work->config = config;
    work->diag = diag;
    sotto_status status = close_all(work, result);
    if (status == SOTTO_OK && result->skipped_periods > 0)
        (void)sotto_diag_set(diag, SOTTO_OK, "%llu periods were too old and were dropped uncounted",
                             (unsigned long long)result->skipped_periods);
    sotto_wipe(work, sizeof *work); /* true counts */
    free(work);
    return status;
}
