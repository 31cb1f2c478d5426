#include "tally_priv.h"

#include <assert.h>

static const int64_t DAY_S = 86400;

int64_t sotto_tally_day_of(int64_t utc_s)
{
    return sotto_floor_div_i64(utc_s, DAY_S);
}

int64_t sotto_tally_period_of(const sotto_task *task, int64_t day)
{
    return sotto_floor_div_i64(day, task->period_days) * task->period_days;
}

sotto_status sotto_tally_first_open_day(sotto_store *store, int64_t *day, sotto_diag *diag)
{
    sotto_status status = sotto_store_get_i64(store, SOTTO_TALLY_NEXT_DAY, day, diag);
    if (sotto_status_cause(status) != SOTTO_CAUSE_NOT_FOUND)
        return status;
    *day = INT64_MIN;
    return SOTTO_OK;
}

/* The record as it is, empty when there is none. */
static sotto_status load(sotto_store *store, const uint8_t *key, int64_t period, sotto_buf *record,
                         sotto_diag *diag)
{
    sotto_status status = sotto_store_get(store, SOTTO_RECORD_CONTRIBUTION, key, period, record, diag);
    return sotto_status_cause(status) == SOTTO_CAUSE_NOT_FOUND ? SOTTO_OK : status;
}

static sotto_status append(sotto_store *store, const sotto_task *task, const uint8_t *key, int64_t period,
                           uint32_t cell, bool *counted, sotto_diag *diag)
{
    uint8_t before_memory[CONTRIBUTION_MAX], after_memory[CONTRIBUTION_MAX];
    sotto_buf before = sotto_buf_of(before_memory, sizeof before_memory);
    sotto_buf after = sotto_buf_of(after_memory, sizeof after_memory);
    sotto_contribution part = {.count = 0};
    sotto_status status = load(store, key, period, &before, diag);
    if (status == SOTTO_OK && before.len > 0)
        status = sotto_contribution_read(&part, sotto_buf_span(&before), task->id, diag);
    if (status != SOTTO_OK || part.count >= task->bound)
        return status;
    part.cells[part.count++] = cell;
    status = sotto_contribution_write(&part, task->id, sotto_buf_span(&before), &after, diag);
    if (status == SOTTO_OK)
        status = sotto_store_put(store, SOTTO_RECORD_CONTRIBUTION, key, period, sotto_buf_span(&after), diag);
    *counted = status == SOTTO_OK;
    return status;
}

sotto_status sotto_tally_note(sotto_store *store, const sotto_task *task, const uint8_t *customer_key,
                              size_t cell, int64_t at_s, bool *counted, sotto_diag *diag)
{
    assert(cell < task->cells && task->bound <= TALLY_BOUND_MAX);
    int64_t period = sotto_tally_period_of(task, sotto_tally_day_of(at_s)), open_from = 0;
    *counted = false;
    sotto_status status = sotto_tally_first_open_day(store, &open_from, diag);
    if (status != SOTTO_OK || period < open_from)
        return status;
    return append(store, task, customer_key, period, (uint32_t)cell, counted, diag);
}
