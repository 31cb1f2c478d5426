/* What an operator may decide when store and witness do not fit: to go on, everybody being charged for what
 * left and is not in the store. */
#include "tally_priv.h"

#include <string.h>

struct work {
    sotto_store *store;
    const sotto_tasks *tasks;
    sotto_diag *diag;
    int64_t today;
    sotto_tally_accepted *out;
};

static uint64_t times(uint64_t a, uint64_t b)
{
    return b != 0 && a > INT64_MAX / b ? INT64_MAX : a * b;
}

static uint64_t difference(uint64_t a, uint64_t b)
{
    return a > b ? a - b : 0;
}

/* ---- without a witness: what every period that this store has not seen could have cost ---- */

static sotto_status take_day(void *ctx, const sotto_outbox_entry *entry, sotto_span sealed)
{
    (void)sealed;
    *(int64_t *)ctx = sotto_tally_day_of(entry->sealed_s);
    return SOTTO_OK;
}

/* Periods over since the store last closed one of this task. A task that it never closed can have begun with
 * events older than its last report: a night closes PERIODS_MAX at most. */
static sotto_status unseen(struct work *work, const sotto_task *task, uint64_t *out)
{
    int64_t running = sotto_tally_period_of(task, work->today), open = 0, more = 0;
    sotto_status status = sotto_tally_first_open_day(work->store, task->id, &open, work->diag);
    if (status == SOTTO_OK && open == INT64_MIN) {
        open = work->today;
        status = sotto_store_outbox_each(work->store, take_day, &open, work->diag);
        more = PERIODS_MAX;
    }
    open = sotto_tally_period_of(task, open);
    *out = (uint64_t)(open < running ? (running - open) / task->period_days : 0) + (uint64_t)more;
    return status;
}

static sotto_status charge_unseen(struct work *work)
{
    sotto_status status = SOTTO_OK;
    for (size_t i = 0; i < work->tasks->count && status == SOTTO_OK; i++) {
        const sotto_task *task = &work->tasks->task[i];
        bool gaussian = task->noise == SOTTO_NOISE_GAUSSIAN;
        uint64_t periods = 0, *sum = gaussian ? &work->out->charged_rho_nano : &work->out->charged_ueps;
        status = unseen(work, task, &periods);
        uint64_t price = sotto_task_cost(task, task->bound, sotto_task_l2_squared(task));
        uint64_t cost = times(price, periods);
        work->out->periods += price > 0 ? periods : 0;
        *sum = cost > INT64_MAX - *sum ? INT64_MAX : *sum + cost;
    }
    return status;
}

/* ---- the decision ---- */

/* Periods that lost reports may have told of are not told again. */
static sotto_status close_the_past(struct work *work)
{
    sotto_status status = SOTTO_OK;
    for (size_t i = 0; i < work->tasks->count && status == SOTTO_OK; i++) {
        const sotto_task *task = &work->tasks->task[i];
        int64_t running = sotto_tally_period_of(task, work->today), open = 0;
        status = sotto_tally_first_open_day(work->store, task->id, &open, work->diag);
        if (status == SOTTO_OK && open < running)
            status = sotto_tally_set_open_day(work->store, task->id, running, work->diag);
    }
    return status;
}

/* The store's own sum of costs goes on from the witness's: the next old copy is measured by it. */
static sotto_status follow(struct work *work, const sotto_witnessed *s, int64_t now_s)
{
    uint64_t sum = 0;
    sotto_status status =
        sotto_tally_add(work->store, SOTTO_TALLY_COST_UEPS, difference(s->mark.cost_ueps, s->store.cost_ueps),
                        &sum, work->diag);
    if (status == SOTTO_OK)
        status = sotto_tally_add(work->store, SOTTO_TALLY_COST_RHO,
                                 difference(s->mark.cost_rho_nano, s->store.cost_rho_nano), &sum, work->diag);
    if (status == SOTTO_OK)
        status = sotto_store_outbox_skip(work->store, s->mark.seq, s->mark.sha256, now_s, work->diag);
    return status;
}

static sotto_status charge(struct work *work, const sotto_witnessed *s, int64_t now_s)
{
    uint64_t sum = 0;
    sotto_status status = SOTTO_OK;
    if (work->out->lost > 0) {
        work->out->charged_ueps = difference(s->mark.cost_ueps, s->store.cost_ueps);
        work->out->charged_rho_nano = difference(s->mark.cost_rho_nano, s->store.cost_rho_nano);
        status = follow(work, s, now_s);
    } else {
        status = charge_unseen(work);
    }
    if (status == SOTTO_OK)
        status = sotto_tally_add(work->store, SOTTO_TALLY_LOST_REPORTS, work->out->lost, &sum, work->diag);
    if (status == SOTTO_OK)
        status =
            sotto_tally_add(work->store, SOTTO_TALLY_LOST_UEPS, work->out->charged_ueps, &sum, work->diag);
    return status == SOTTO_OK ? sotto_tally_add(work->store, SOTTO_TALLY_LOST_RHO,
                                                work->out->charged_rho_nano, &sum, work->diag)
                              : status;
}

static sotto_status change(struct work *work, const sotto_witnessed *s, int64_t now_s)
{
    sotto_status status = sotto_store_set_i64(work->store, SOTTO_TALLY_WITNESSED, 1, work->diag);
    if (status == SOTTO_OK)
        status = charge(work, s, now_s); /* while the first open days are the store's */
    return status == SOTTO_OK ? close_the_past(work) : status;
}

static sotto_status change_at_once(struct work *work, const sotto_witnessed *s, int64_t now_s)
{
    sotto_status status = sotto_store_begin(work->store, work->diag);
    if (status != SOTTO_OK)
        return status;
    status = change(work, s, now_s);
    if (status == SOTTO_OK)
        return sotto_store_commit(work->store, work->diag);
    sotto_store_rollback(work->store);
    return status;
}

sotto_status sotto_tally_accept(sotto_store *store, const sotto_tally_witness *witness,
                                const sotto_tasks *tasks, int64_t now_s, sotto_tally_accepted *out,
                                sotto_diag *diag)
{
    sotto_witnessed s;
    struct work work = {
        .store = store, .tasks = tasks, .diag = diag, .today = sotto_tally_day_of(now_s), .out = out};
    *out = (sotto_tally_accepted){0};
    sotto_status status = sotto_witnessed_look(store, witness, &s, diag);
    if (status != SOTTO_OK || (sotto_witnessed_fits(&s) && s.has_mark))
        return status;
    out->lost = difference(s.mark.seq, s.store.seq);
    status = change_at_once(&work, &s, now_s);
    if (status != SOTTO_OK) {
        *out = (sotto_tally_accepted){0};
        return status;
    }
    if (out->lost == 0)
        s.mark = s.store; /* the store is what counts */
    s.mark.intent = false;
    return witness->save(witness->ctx, &s.mark, diag);
}
