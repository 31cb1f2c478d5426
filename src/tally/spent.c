/* What budgets have come to: one customer's, and all of them counted, for this terminal's own use. */
#include "tally_priv.h"

#include <string.h>

sotto_status sotto_tally_spent(sotto_store *store,
                               const uint8_t customer_key[static SOTTO_CUSTOMER_KEY_BYTES],
                               uint64_t *spent_ueps, uint64_t *spent_rho_nano, sotto_diag *diag)
{
    sotto_ledger ledger;
    sotto_status status = sotto_ledger_get(store, customer_key, &ledger, diag);
    *spent_ueps = ledger.spent_ueps;
    *spent_rho_nano = ledger.spent_rho_nano;
    return status;
}

typedef struct budget_walk {
    const sotto_tasks *tasks;
    int64_t day;
    sotto_lost lost;
    sotto_diag *diag;
    sotto_tally_budgets *out;
} budget_walk;

/* By the very rule that the night goes by, on a copy. */
static bool can_pay(const budget_walk *walk, const sotto_ledger *ledger)
{
    for (size_t i = 0; i < walk->tasks->count; i++) {
        const sotto_task *task = &walk->tasks->task[i];
        sotto_ledger tried = *ledger;
        uint64_t debited = 0;
        if (task->type != SOTTO_TASK_HEALTH &&
            sotto_ledger_debit(&tried, walk->tasks, task, &walk->lost, sotto_task_cost(task, 1, 1),
                               &debited) == SOTTO_DEBIT_PAID)
            return true;
    }
    return false;
}

static bool draws_on(const sotto_tasks *tasks, enum sotto_task_noise noise)
{
    for (size_t i = 0; i < tasks->count; i++)
        if (tasks->task[i].type != SOTTO_TASK_HEALTH && tasks->task[i].noise == noise)
            return true;
    return false;
}

/* 0 .. 3: quarters of `whole` that are left, rounded down. whole is below 2^61 (docs/formats/tasks.md). */
static size_t quarters_left(uint64_t whole, uint64_t spent, uint64_t lost)
{
    uint64_t gone = lost < whole ? lost : whole;
    gone = spent < whole - gone ? gone + spent : whole;
    uint64_t quarters = whole > 0 ? (whole - gone) * SOTTO_TALLY_QUARTERS / whole : 0;
    return quarters < SOTTO_TALLY_QUARTERS ? (size_t)quarters : SOTTO_TALLY_QUARTERS - 1;
}

static size_t quarter_of(const budget_walk *walk, const sotto_ledger *ledger)
{
    const sotto_budget_policy *p = &walk->tasks->budget;
    size_t laplace = SOTTO_TALLY_QUARTERS - 1, gaussian = laplace;
    if (draws_on(walk->tasks, SOTTO_NOISE_LAPLACE))
        laplace = quarters_left(p->lifetime_ueps, ledger->spent_ueps, walk->lost.ueps);
    if (draws_on(walk->tasks, SOTTO_NOISE_GAUSSIAN))
        gaussian = quarters_left(p->lifetime_rho_nano, ledger->spent_rho_nano, walk->lost.rho_nano);
    return laplace < gaussian ? laplace : gaussian;
}

static sotto_status count_budget(void *ctx, const uint8_t *key, sotto_span record)
{
    static const uint8_t TERMINAL[SOTTO_CUSTOMER_KEY_BYTES]; /* health tasks are charged to nobody's key */
    budget_walk *walk = ctx;
    sotto_ledger ledger = {0};
    if (memcmp(key, TERMINAL, sizeof TERMINAL) == 0)
        return SOTTO_OK;
    sotto_status status = sotto_ledger_read(record, &ledger, walk->diag);
    if (status != SOTTO_OK)
        return status;
    sotto_ledger_renew(&ledger, walk->tasks, walk->day);
    walk->out->charged++;
    if (can_pay(walk, &ledger))
        walk->out->left[quarter_of(walk, &ledger)]++;
    else
        walk->out->nothing_left++;
    return SOTTO_OK;
}

static bool measures_customers(const sotto_tasks *tasks)
{
    for (size_t i = 0; i < tasks->count; i++)
        if (tasks->task[i].type != SOTTO_TASK_HEALTH)
            return true;
    return false;
}

sotto_status sotto_tally_budgets_of(sotto_store *store, const sotto_tasks *tasks, int64_t now_s,
                                    sotto_tally_budgets *out, sotto_diag *diag)
{
    static const sotto_ledger UNSPENT;
    budget_walk walk = {.tasks = tasks, .day = sotto_tally_day_of(now_s), .diag = diag, .out = out};
    *out = (sotto_tally_budgets){0};
    if (!measures_customers(tasks))
        return SOTTO_OK; /* nothing asks for a budget */
    sotto_status status = sotto_tally_lost(store, &walk.lost, diag);
    if (status == SOTTO_OK)
        status = sotto_store_each(store, SOTTO_RECORD_LEDGER, 0, count_budget, &walk, diag);
    if (status != SOTTO_OK) {
        *out = (sotto_tally_budgets){0};
        return status;
    }
    out->nobody_can_pay = !can_pay(&walk, &UNSPENT);
    return SOTTO_OK;
}
