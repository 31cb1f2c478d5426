#include "tally_priv.h"

#include <assert.h>
#include <stdio.h>

static const int64_t DAY_S = 86400;
static const int64_t DAY_ZERO = INT64_C(1) << 31; /* days may be negative */

int64_t sotto_tally_day_of(int64_t utc_s)
{
    return sotto_floor_div_i64(utc_s, DAY_S);
}

int64_t sotto_tally_period_of(const sotto_task *task, int64_t day)
{
    return sotto_floor_div_i64(day, task->period_days) * task->period_days;
}

int64_t sotto_tally_sub(uint32_t task_id, int64_t day)
{
    assert(task_id <= INT32_MAX && day >= -DAY_ZERO && day < DAY_ZERO);
    return (int64_t)task_id * (INT64_C(1) << 32) + (day + DAY_ZERO);
}

uint32_t sotto_tally_sub_task(int64_t sub)
{
    return sub < 0 ? 0 : (uint32_t)((uint64_t)sub >> 32);
}

int64_t sotto_tally_sub_day(int64_t sub)
{
    return (int64_t)((uint64_t)sub & UINT32_MAX) - DAY_ZERO;
}

static void day_name(uint32_t task_id, char out[static 40])
{
    (void)snprintf(out, 40, SOTTO_TALLY_NEXT_DAY ".%u", (unsigned)task_id);
}

sotto_status sotto_tally_first_open_day(sotto_store *store, uint32_t task_id, int64_t *day, sotto_diag *diag)
{
    char name[40];
    day_name(task_id, name);
    sotto_status status = sotto_store_get_i64(store, name, day, diag);
    /* A store from before there were several tasks: a floor for all of them. */
    if (sotto_status_cause(status) == SOTTO_CAUSE_NOT_FOUND)
        status = sotto_store_get_i64(store, SOTTO_TALLY_NEXT_DAY, day, diag);
    if (sotto_status_cause(status) != SOTTO_CAUSE_NOT_FOUND)
        return status;
    *day = INT64_MIN;
    return SOTTO_OK;
}

sotto_status sotto_tally_set_open_day(sotto_store *store, uint32_t task_id, int64_t day, sotto_diag *diag)
{
    char name[40];
    day_name(task_id, name);
    return sotto_store_set_i64(store, name, day, diag);
}

/* The record as it is, empty when there is none. */
static sotto_status load(sotto_store *store, const uint8_t *key, int64_t sub, sotto_contribution *out,
                         sotto_diag *diag)
{
    uint8_t memory[CONTRIBUTION_MAX];
    sotto_buf record = sotto_buf_of(memory, sizeof memory);
    sotto_status status = sotto_store_get(store, SOTTO_RECORD_CONTRIBUTION, key, sub, &record, diag);
    out->count = 0;
    if (sotto_status_cause(status) == SOTTO_CAUSE_NOT_FOUND)
        return SOTTO_OK;
    return status == SOTTO_OK ? sotto_contribution_read(out, sotto_buf_span(&record), diag) : status;
}

static sotto_status append(sotto_store *store, const sotto_task *task, const uint8_t *key, int64_t period,
                           const sotto_tally_cells *event, bool *counted, sotto_diag *diag)
{
    uint8_t memory[CONTRIBUTION_MAX];
    sotto_buf record = sotto_buf_of(memory, sizeof memory);
    sotto_contribution part;
    int64_t sub = sotto_tally_sub(task->id, period);
    sotto_status status = load(store, key, sub, &part, diag);
    if (status != SOTTO_OK || part.count + event->count > task->bound)
        return status;
    for (size_t i = 0; i < event->count; i++)
        part.cells[part.count++] = (uint32_t)event->cell[i];
    status = sotto_contribution_write(&part, &record);
    if (status == SOTTO_OK)
        status = sotto_store_put(store, SOTTO_RECORD_CONTRIBUTION, key, sub, sotto_buf_span(&record), diag);
    *counted = status == SOTTO_OK;
    return status;
}

sotto_status sotto_tally_note(sotto_store *store, const sotto_task *task,
                              const uint8_t customer_key[static SOTTO_CUSTOMER_KEY_BYTES],
                              const sotto_tally_cells *event, int64_t at_s, bool *counted, sotto_diag *diag)
{
    assert(event->count <= SOTTO_TABLES_MAX && task->bound <= SOTTO_TASK_BOUND_MAX);
    for (size_t i = 0; i < event->count; i++)
        assert(event->cell[i] < task->cells);
    int64_t period = sotto_tally_period_of(task, sotto_tally_day_of(at_s)), open_from = 0;
    *counted = false;
    sotto_status status = sotto_tally_first_open_day(store, task->id, &open_from, diag);
    if (status != SOTTO_OK || period < open_from || event->count == 0)
        return status;
    return append(store, task, customer_key, period, event, counted, diag);
}
