/* What a customer's privacy has cost so far (docs/formats/store.md, "Ledger"). */
#include "tally_priv.h"

#include <assert.h>

enum { LEDGER_VERSION_1 = 1, LEDGER_VERSION = 2, TASK_TOLD = 1 };

/* ---- the record ---- */

static void read_tasks(sotto_cursor *c, sotto_ledger *out)
{
    uint8_t count = sotto_cursor_u8(c);
    if (count > LEDGER_TASKS_MAX) {
        (void)sotto_cursor_fail(c, SOTTO_ERR(TALLY, CORRUPT));
        return;
    }
    for (out->count = 0; out->count < count; out->count++) {
        sotto_ledger_task *t = &out->task[out->count];
        t->id = sotto_cursor_u32(c);
        t->spent = sotto_cursor_u64(c);
        uint8_t flags = sotto_cursor_u8(c);
        t->told = (flags & TASK_TOLD) != 0;
        if (flags > TASK_TOLD)
            (void)sotto_cursor_fail(c, SOTTO_ERR(TALLY, CORRUPT));
    }
}

sotto_status sotto_ledger_read(sotto_span record, sotto_ledger *out, sotto_diag *diag)
{
    sotto_cursor c = sotto_cursor_of(record);
    uint8_t version = sotto_cursor_u8(&c);
    if (c.status == SOTTO_OK && (version < LEDGER_VERSION_1 || version > LEDGER_VERSION))
        return sotto_diag_set(diag, SOTTO_ERR(TALLY, UNSUPPORTED),
                              "a ledger of version %u, made by another program", version);
    out->spent_ueps = sotto_cursor_u64(&c);
    out->since_day = sotto_cursor_i32(&c);
    if (version == LEDGER_VERSION) {
        out->spent_rho_nano = sotto_cursor_u64(&c);
        read_tasks(&c, out);
    }
    if (sotto_cursor_end(&c) == SOTTO_OK)
        return SOTTO_OK;
    *out = (sotto_ledger){0};
    return sotto_diag_at_offset(diag, SOTTO_ERR(TALLY, CORRUPT), "ledger", sotto_cursor_offset(&c),
                                "the record is damaged");
}

sotto_status sotto_ledger_get(sotto_store *store, const uint8_t *key, sotto_ledger *out, sotto_diag *diag)
{
    uint8_t memory[LEDGER_MAX];
    sotto_buf record = sotto_buf_of(memory, sizeof memory);
    *out = (sotto_ledger){0};
    sotto_status status = sotto_store_get(store, SOTTO_RECORD_LEDGER, key, 0, &record, diag);
    if (sotto_status_cause(status) == SOTTO_CAUSE_NOT_FOUND)
        return SOTTO_OK;
    return status != SOTTO_OK ? status : sotto_ledger_read(sotto_buf_span(&record), out, diag);
}

static sotto_status write_tasks(const sotto_ledger *ledger, sotto_buf *record)
{
    sotto_status status = sotto_put_u8(record, (uint8_t)ledger->count);
    for (size_t i = 0; i < ledger->count && status == SOTTO_OK; i++) {
        status = sotto_put_u32(record, ledger->task[i].id);
        if (status == SOTTO_OK)
            status = sotto_put_u64(record, ledger->task[i].spent);
        if (status == SOTTO_OK)
            status = sotto_put_u8(record, ledger->task[i].told ? TASK_TOLD : 0);
    }
    return status;
}

sotto_status sotto_ledger_put(sotto_store *store, const uint8_t *key, const sotto_ledger *ledger,
                              sotto_diag *diag)
{
    uint8_t memory[LEDGER_MAX];
    sotto_buf record = sotto_buf_of(memory, sizeof memory);
    assert(ledger->count <= LEDGER_TASKS_MAX);
    sotto_status status = sotto_put_u8(&record, LEDGER_VERSION);
    if (status == SOTTO_OK)
        status = sotto_put_u64(&record, ledger->spent_ueps);
    if (status == SOTTO_OK)
        status = sotto_put_u32(&record, (uint32_t)ledger->since_day);
    if (status == SOTTO_OK)
        status = sotto_put_u64(&record, ledger->spent_rho_nano);
    if (status == SOTTO_OK)
        status = write_tasks(ledger, &record);
    if (status == SOTTO_OK)
        status = sotto_store_put(store, SOTTO_RECORD_LEDGER, key, 0, sotto_buf_span(&record), diag);
    return status;
}

/* ---- renewal ---- */

static void forgive(uint64_t *spent, uint64_t amount)
{
    *spent -= *spent < amount ? *spent : amount;
}

/* floor(part * amount / whole), bit by bit since the product may not fit: forgiving less is always safe.
 * amount <= whole < 2^62. */
static uint64_t share_of(uint64_t part, uint64_t amount, uint64_t whole)
{
    uint64_t quotient = 0, rest = 0;
    assert(whole >= 1 && amount <= whole && whole < UINT64_C(1) << 62);
    for (int bit = 63; bit >= 0; bit--) {
        rest = 2 * rest + (part >> bit & 1) * amount; /* < 3 * whole */
        quotient = 2 * quotient + rest / whole;
        rest %= whole;
    }
    return quotient;
}

void sotto_ledger_renew(sotto_ledger *ledger, const sotto_tasks *tasks, int64_t day)
{
    const sotto_budget_policy *p = &tasks->budget;
    if (p->renew_days == 0 || (ledger->spent_ueps == 0 && ledger->spent_rho_nano == 0) ||
        day - ledger->since_day < (int64_t)p->renew_days)
        return;
    uint64_t times = (uint64_t)(day - ledger->since_day) / p->renew_days;
    ledger->since_day += (int32_t)(times * p->renew_days);
    /* More often than this forgives everything anyway. */
    uint64_t enough = p->lifetime_ueps / p->renew_ueps + 1;
    for (uint64_t i = 0; i < times && i < enough; i++) {
        forgive(&ledger->spent_ueps, p->renew_ueps);
        forgive(&ledger->spent_rho_nano, share_of(p->lifetime_rho_nano, p->renew_ueps, p->lifetime_ueps));
        for (size_t k = 0; k < ledger->count; k++) {
            const sotto_task *task = sotto_tasks_find(tasks, ledger->task[k].id);
            uint64_t quota = task == NULL                          ? 0
                             : task->noise == SOTTO_NOISE_GAUSSIAN ? task->quota_rho_nano
                                                                   : task->quota_ueps;
            forgive(&ledger->task[k].spent, share_of(quota, p->renew_ueps, p->lifetime_ueps));
        }
    }
    for (size_t k = 0; k < ledger->count; k++)
        ledger->task[k].told = false;
}

/* ---- debit ---- */

static sotto_ledger_task *entry_of(sotto_ledger *ledger, uint32_t id)
{
    for (size_t i = 0; i < ledger->count; i++)
        if (ledger->task[i].id == id)
            return &ledger->task[i];
    return NULL;
}

/* Entries of tasks that the release has no more make room: only the share between tasks is forgotten with
 * them, never what was spent in all. */
static sotto_ledger_task *make_entry(sotto_ledger *ledger, const sotto_tasks *tasks, uint32_t id)
{
    sotto_ledger_task *entry = entry_of(ledger, id);
    if (entry != NULL)
        return entry;
    size_t kept = 0;
    for (size_t i = 0; i < ledger->count; i++)
        if (sotto_tasks_find(tasks, ledger->task[i].id) != NULL)
            ledger->task[kept++] = ledger->task[i];
    assert(kept < LEDGER_TASKS_MAX); /* at most SOTTO_TASKS_MAX tasks, and this one is not among them */
    ledger->count = kept + 1;
    ledger->task[kept] = (sotto_ledger_task){.id = id};
    return &ledger->task[kept];
}

static uint64_t telling_costs(const sotto_task *task)
{
    return task->has_left_out ? sotto_task_cost(task, 1, 1) : 0;
}

/* What must stay for tasks that have not yet counted the customer as left out. */
static uint64_t reserved(sotto_ledger *ledger, const sotto_tasks *tasks, enum sotto_task_noise noise)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < tasks->count; i++) {
        const sotto_ledger_task *entry = entry_of(ledger, tasks->task[i].id);
        if (tasks->task[i].noise == noise && (entry == NULL || !entry->told))
            sum += telling_costs(&tasks->task[i]);
    }
    return sum;
}

static uint64_t left(uint64_t whole, uint64_t a, uint64_t b)
{
    return a > whole || b > whole - a ? 0 : whole - a - b;
}

enum sotto_debit sotto_ledger_debit(sotto_ledger *ledger, const sotto_tasks *tasks, const sotto_task *task,
                                    const sotto_lost *lost, uint64_t cost, uint64_t *debited)
{
    bool gaussian = task->noise == SOTTO_NOISE_GAUSSIAN;
    sotto_ledger_task *entry = make_entry(ledger, tasks, task->id);
    uint64_t *spent = gaussian ? &ledger->spent_rho_nano : &ledger->spent_ueps;
    uint64_t gone = gaussian ? lost->rho_nano : lost->ueps;
    uint64_t whole = gaussian ? tasks->budget.lifetime_rho_nano : tasks->budget.lifetime_ueps;
    uint64_t quota = gaussian ? task->quota_rho_nano : task->quota_ueps, tell = telling_costs(task);
    uint64_t in_all = left(whole, *spent, gone), in_quota = left(quota, entry->spent, 0);
    enum sotto_debit result = SOTTO_DEBIT_LEFT_OUT;
    *debited = 0;
    if (cost <= left(in_all, reserved(ledger, tasks, task->noise), 0) &&
        cost <= left(in_quota, entry->told ? 0 : tell, 0)) {
        *debited = cost;
        result = SOTTO_DEBIT_PAID;
    } else if (tell > 0 && !entry->told && tell <= in_all && tell <= in_quota) {
        *debited = tell;
        entry->told = true;
        result = SOTTO_DEBIT_TOLD;
    }
    *spent += *debited;
    entry->spent += *debited;
    return result;
}
