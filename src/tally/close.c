/*
 * The night: ended periods become reports. For each task and period, in one transaction: walk the
 * contributions, debit each customer or leave them out, add exact noise once (mode A) or cut into shares
 * (mode B), seal, append to the outbox, delete what was counted, move the first open day. Until the commit
 * nothing has happened; after it everything has.
 */
#include "tally_priv.h"

#include "sotto/split.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* Memory for one period, taken once for all of them. */
struct work {
    sotto_store *store;
    const sotto_tally_config *config;
    const sotto_task *task;
    sotto_diag *diag;
    sotto_lost lost;
    int64_t period;
    uint64_t behind, left_out, told, debited;
    sotto_contribution part;
    int64_t cells[SOTTO_TASK_CELLS_MAX];
    uint8_t sealed[SOTTO_REPORT_MAX];
};

static const sotto_table *table_of(const sotto_task *task, size_t cell)
{
    for (size_t i = 0; i < task->table_count; i++)
        if (cell >= task->table[i].first_cell && cell - task->table[i].first_cell < task->table[i].cells)
            return &task->table[i];
    return NULL;
}

/* Cells of this task, at most its bound in all and as many events in a table as it allows: an earlier release
 * may have had more of either. */
static void clip(sotto_contribution *part, const sotto_task *task)
{
    uint32_t kept = 0, in_table[SOTTO_TABLES_MAX] = {0}, events = sotto_task_events_max(task);
    for (uint32_t i = 0; i < part->count && kept < task->bound; i++) {
        const sotto_table *table = table_of(task, part->cells[i]);
        if (table != NULL && in_table[table - task->table] < events) {
            in_table[table - task->table]++;
            part->cells[kept++] = part->cells[i];
        }
    }
    part->count = kept;
}

/* The square of the contribution's L2 norm; it is sorted for it (order has no meaning any more). */
static int by_cell(const void *a, const void *b)
{
    uint32_t left = *(const uint32_t *)a, right = *(const uint32_t *)b;
    return (left > right) - (left < right);
}

static uint64_t l2_squared(sotto_contribution *part)
{
    uint64_t sum = 0, run = 0;
    qsort(part->cells, part->count, sizeof part->cells[0], by_cell);
    for (uint32_t i = 0; i < part->count; i++) {
        run = i > 0 && part->cells[i] == part->cells[i - 1] ? run + 1 : 1;
        sum += 2 * run - 1; /* k^2 as a sum of odd numbers */
    }
    return sum;
}

/* The ledger is debited before the report exists. */
static sotto_status debit(struct work *work, const uint8_t *key, enum sotto_debit *what)
{
    const sotto_tasks *tasks = work->config->tasks;
    sotto_ledger ledger;
    uint64_t debited = 0, cost = sotto_task_cost(work->task, work->part.count, l2_squared(&work->part));
    sotto_status status = sotto_ledger_get(work->store, key, &ledger, work->diag);
    if (status != SOTTO_OK)
        return status;
    sotto_ledger_renew(&ledger, tasks, work->period);
    if (ledger.spent_ueps == 0 && ledger.spent_rho_nano == 0)
        ledger.since_day = (int32_t)work->period;
    *what = sotto_ledger_debit(&ledger, tasks, work->task, &work->lost, cost, &debited);
    work->debited += debited;
    return debited > 0 ? sotto_ledger_put(work->store, key, &ledger, work->diag) : SOTTO_OK;
}

static sotto_status count_customer(void *ctx, const uint8_t *key, sotto_span record)
{
    struct work *work = ctx;
    enum sotto_debit what = SOTTO_DEBIT_LEFT_OUT;
    sotto_status status = sotto_contribution_read(&work->part, record, work->diag);
    if (status != SOTTO_OK)
        return status;
    clip(&work->part, work->task);
    if (work->part.count == 0)
        return SOTTO_OK;
    status = debit(work, key, &what);
    if (status != SOTTO_OK)
        return status;
    work->behind += what == SOTTO_DEBIT_PAID;
    work->left_out += what != SOTTO_DEBIT_PAID;
    work->told += what == SOTTO_DEBIT_TOLD;
    if (what == SOTTO_DEBIT_TOLD)
        work->cells[0]++;
    for (uint32_t i = 0; what == SOTTO_DEBIT_PAID && i < work->part.count; i++)
        work->cells[work->part.cells[i]]++;
    return SOTTO_OK;
}

/* Laplace of scale bound / epsilon: one customer moves the cells by at most bound in all (L1), so this is
 * epsilon-private for a whole contribution (Dwork, McSherry, Nissim, Smith 2006) and proportionally less for
 * a smaller one. Gaussian: sotto_budget_variance. */
static sotto_status add_noise(struct work *work)
{
    for (size_t i = 0; i < work->task->cells; i++) {
        int64_t noise = 0;
        sotto_status status = sotto_task_noise(work->task, work->config->entropy, &noise);
        if (status != SOTTO_OK)
            return sotto_diag_set(work->diag, status, "no noise could be drawn, so nothing leaves");
        work->cells[i] = sotto_add_sat_i64(work->cells[i], noise);
    }
    return SOTTO_OK;
}

static void describe(const struct work *work, sotto_report *report)
{
    report->task_id = work->task->id;
    report->release_version = work->config->release_version;
    report->period_day = (int32_t)work->period;
    report->period_days = work->task->period_days;
    report->epsilon_ueps = work->task->epsilon_ueps;
    report->bound = work->task->bound;
    report->cells = work->cells;
    report->cell_count = work->task->cells;
}

/* Mode B: the exact counts, in shares; the aggregators add the noise. */
static sotto_status split(struct work *work, const sotto_report *report, sotto_buf *sealed)
{
    sotto_split_task task;
    sotto_status status = sotto_split_task_of(&task, work->config->tasks, work->task, work->diag);
    return status == SOTTO_OK ? sotto_report_split(&task, report, work->config->vault, work->config->entropy,
                                                   sealed, work->diag)
                              : status;
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
    *seq = report.seq;
    if (status != SOTTO_OK)
        return status;
    if (work->task->mode == SOTTO_MODE_B)
        return split(work, &report, sealed);
    status = add_noise(work);
    return status == SOTTO_OK ? sotto_report_seal(&report, work->config->vault, sealed, work->diag) : status;
}

static sotto_status append(struct work *work, uint64_t seq, sotto_span sealed)
{
    sotto_outbox_entry entry = {.seq = seq, .sealed_s = work->config->now_s};
    sotto_audit_note note = {.task = work->task,
                             .period_day = (int32_t)work->period,
                             .behind = work->behind,
                             .left_out = work->left_out,
                             .told = work->told};
    sotto_status status = sotto_audit_note_write(&note, entry.note, sizeof entry.note);
    if (status != SOTTO_OK)
        return sotto_diag_set(work->diag, status, "the audit's line of the report does not fit");
    return sotto_store_outbox_append(work->store, &entry, sealed, work->diag);
}

/* Deletes every contribution of the task before `day`: those just counted, and what other periods left. */
static sotto_status drop_before(struct work *work, int64_t day)
{
    int64_t end = sotto_tally_sub(work->task->id, day);
    for (;;) {
        int64_t sub = sotto_tally_sub(work->task->id, INT32_MIN);
        sotto_status status =
            sotto_store_next_sub(work->store, SOTTO_RECORD_CONTRIBUTION, sub, &sub, work->diag);
        if (sotto_status_cause(status) == SOTTO_CAUSE_NOT_FOUND || (status == SOTTO_OK && sub >= end))
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
        status = sotto_tally_set_open_day(work->store, work->task->id, day, work->diag);
    return status;
}

/* What this report can cost one customer at most joins the sum that the witness keeps too. */
static sotto_status add_cost(struct work *work, sotto_tally_mark *mark)
{
    const bool gaussian = work->task->noise == SOTTO_NOISE_GAUSSIAN;
    const uint64_t cost = sotto_task_cost(work->task, work->task->bound, sotto_task_l2_squared(work->task));
    sotto_status status = sotto_tally_add(work->store, SOTTO_TALLY_COST_UEPS, gaussian ? 0 : cost,
                                          &mark->cost_ueps, work->diag);
    return status == SOTTO_OK ? sotto_tally_add(work->store, SOTTO_TALLY_COST_RHO, gaussian ? cost : 0,
                                                &mark->cost_rho_nano, work->diag)
                              : status;
}

static sotto_status report_period(struct work *work, sotto_tally_mark *mark)
{
    sotto_buf sealed = sotto_buf_of(work->sealed, sizeof work->sealed);
    memset(work->cells, 0, sizeof work->cells);
    work->behind = work->left_out = work->told = work->debited = 0;
    sotto_status status =
        sotto_store_each(work->store, SOTTO_RECORD_CONTRIBUTION,
                         sotto_tally_sub(work->task->id, work->period), count_customer, work, work->diag);
    if (status == SOTTO_OK)
        status = seal(work, &mark->seq, &sealed);
    if (status == SOTTO_OK)
        status = append(work, mark->seq, sotto_buf_span(&sealed));
    if (status == SOTTO_OK)
        status = sotto_sha256(sotto_buf_span(&sealed), mark->sha256);
    if (status == SOTTO_OK)
        status = add_cost(work, mark);
    if (status == SOTTO_OK)
        status = advance(work, work->period + work->task->period_days);
    return status;
}

/* The witness is told before the commit, and again after it. A cut in between leaves an intent, which fits a
 * store with the report and one without it. */
static sotto_status witness(struct work *work, const sotto_tally_mark *mark)
{
    const sotto_tally_witness *w = work->config->witness;
    if (w == NULL)
        return SOTTO_OK;
    sotto_status status = sotto_store_set_i64(work->store, SOTTO_TALLY_WITNESSED, 1, work->diag);
    return status == SOTTO_OK ? w->save(w->ctx, mark, work->diag) : status;
}

static void count_result(const struct work *work, uint64_t seq, sotto_tally_result *result)
{
    result->reports++;
    result->last_seq = seq;
    result->customers += work->behind;
    result->spent_out += work->left_out;
    result->told += work->told;
    if (work->task->noise == SOTTO_NOISE_GAUSSIAN)
        result->debited_rho_nano += work->debited;
    else
        result->debited_ueps += work->debited;
}

static sotto_status close_period(struct work *work, sotto_tally_result *result)
{
    sotto_tally_mark mark = {.intent = true};
    sotto_status status = sotto_store_begin(work->store, work->diag);
    if (status != SOTTO_OK)
        return status;
    status = report_period(work, &mark);
    if (status == SOTTO_OK)
        status = witness(work, &mark);
    if (status == SOTTO_OK)
        status = sotto_store_commit(work->store, work->diag);
    else
        sotto_store_rollback(work->store);
    if (status != SOTTO_OK)
        return status;
    count_result(work, mark.seq, result);
    mark.intent = false;
    const sotto_tally_witness *w = work->config->witness;
    return w != NULL ? w->save(w->ctx, &mark, work->diag) : SOTTO_OK;
}

/* A task that never closed a period begins with its oldest contribution, or with the running period when
 * there is none. */
static sotto_status begin_periods(struct work *work, int64_t running, int64_t *open_from)
{
    int64_t oldest = 0;
    sotto_status status =
        sotto_store_next_sub(work->store, SOTTO_RECORD_CONTRIBUTION,
                             sotto_tally_sub(work->task->id, INT32_MIN), &oldest, work->diag);
    if (status != SOTTO_OK && sotto_status_cause(status) != SOTTO_CAUSE_NOT_FOUND)
        return status;
    bool any = status == SOTTO_OK && sotto_tally_sub_task(oldest) == work->task->id;
    *open_from = any && sotto_tally_sub_day(oldest) < running ? sotto_tally_sub_day(oldest) : running;
    return sotto_tally_set_open_day(work->store, work->task->id, *open_from, work->diag);
}

/* Skips periods that are too many to report (a clock that jumped, a terminal that was off for long): their
 * events are deleted uncounted, and nobody pays for them. */
static sotto_status skip_old(struct work *work, int64_t first, int64_t running, sotto_tally_result *result)
{
    int64_t days = work->task->period_days;
    work->period = first;
    if ((running - first) / days <= PERIODS_MAX)
        return SOTTO_OK;
    work->period = running - PERIODS_MAX * days;
    result->skipped_periods += (uint64_t)((work->period - first) / days);
    sotto_status status = sotto_store_begin(work->store, work->diag);
    if (status != SOTTO_OK)
        return status;
    status = advance(work, work->period);
    if (status == SOTTO_OK)
        return sotto_store_commit(work->store, work->diag);
    sotto_store_rollback(work->store);
    return status;
}

static sotto_status close_task(struct work *work, sotto_tally_result *result)
{
    const sotto_task *task = work->task;
    int64_t running = sotto_tally_period_of(task, sotto_tally_day_of(work->config->now_s)), open_from = 0;
    sotto_status status = sotto_tally_first_open_day(work->store, task->id, &open_from, work->diag);
    if (status == SOTTO_OK && open_from == INT64_MIN)
        status = begin_periods(work, running, &open_from);
    if (status != SOTTO_OK)
        return status;
    /* A task with longer periods than before begins with its first whole period. */
    int64_t first = sotto_tally_period_of(task, open_from);
    if (first < open_from)
        first += task->period_days;
    if (first >= running)
        return SOTTO_OK; /* also when the clock was set back: a closed period is never opened again */
    status = skip_old(work, first, running, result);
    for (; status == SOTTO_OK && work->period < running; work->period += task->period_days)
        status = close_period(work, result);
    return status;
}

/* Deletes what was counted for tasks that this release does not have: nobody pays for it. */
static sotto_status drop_strangers(struct work *work)
{
    int64_t from = INT64_MIN, sub;
    for (;;) {
        sotto_status status =
            sotto_store_next_sub(work->store, SOTTO_RECORD_CONTRIBUTION, from, &sub, work->diag);
        if (sotto_status_cause(status) == SOTTO_CAUSE_NOT_FOUND)
            return SOTTO_OK;
        if (status != SOTTO_OK)
            return status;
        from = sub + 1;
        if (sotto_tasks_find(work->config->tasks, sotto_tally_sub_task(sub)) == NULL)
            status = sotto_store_drop_all(work->store, SOTTO_RECORD_CONTRIBUTION, sub, work->diag);
        if (status != SOTTO_OK)
            return status;
    }
}

static sotto_status close_all(struct work *work, sotto_tally_result *result)
{
    sotto_status status = SOTTO_OK;
    if (work->config->witness != NULL)
        status = sotto_tally_check(work->store, work->config->witness, work->diag);
    if (status == SOTTO_OK)
        status = sotto_tally_lost(work->store, &work->lost, work->diag);
    if (status == SOTTO_OK)
        status = drop_strangers(work);
    for (size_t i = 0; i < work->config->tasks->count && status == SOTTO_OK; i++) {
        work->task = &work->config->tasks->task[i];
        status = close_task(work, result);
    }
    return status;
}

static bool is_usable(const sotto_task *task)
{
    return task->cells >= 1 && task->cells <= SOTTO_TASK_CELLS_MAX && task->bound >= 1 &&
           task->bound <= SOTTO_TASK_BOUND_MAX && task->epsilon_ueps >= 1 && task->period_days >= 1 &&
           task->id <= INT32_MAX;
}

static bool all_usable(const sotto_tally_config *config)
{
    for (size_t i = 0; i < config->tasks->count; i++)
        if (!is_usable(&config->tasks->task[i]))
            return false;
    return config->tasks->count <= SOTTO_TASKS_MAX && sotto_tally_day_of(config->now_s) <= INT32_MAX - 366 &&
           sotto_tally_day_of(config->now_s) >= 0;
}

sotto_status sotto_tally_close(sotto_store *store, const sotto_tally_config *config,
                               sotto_tally_result *result, sotto_diag *diag)
{
    *result = (sotto_tally_result){0};
    if (!all_usable(config))
        return sotto_diag_set(diag, SOTTO_ERR(TALLY, RANGE), "a task or the clock is out of its range");
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
