/*
 * tally: from counted events to a noised, debited, sealed report. A report, its debits in the ledger and its
 * place in the outbox are one transaction.
 */
#ifndef SOTTO_TALLY_H
#define SOTTO_TALLY_H

#include "sotto/base.h"
#include "sotto/privacy.h"
#include "sotto/store.h"
#include "sotto/vault.h"

/* Counts one event of a consenting customer in the period of at_s. Past the contribution bound it is dropped
 * (*counted false). An event for a period already closed is dropped too. Runs inside the caller's
 * transaction, or as one of its own. cell < task->cells and task->bound <= 1000 (asserted). Store errors;
 * CORRUPT or UNSUPPORTED for a record that this program cannot read: nothing is changed then. Uses some 50 KB
 * of stack. */
SOTTO_MUST_USE sotto_status sotto_tally_note(sotto_store *store, const sotto_task *task,
                                             const uint8_t *customer_key, size_t cell, int64_t at_s,
                                             bool *counted, sotto_diag *diag);

typedef struct sotto_tally_config {
    const sotto_task *task;
    const sotto_vault *vault;
    const sotto_entropy *entropy;
    const char *device; /* device id named in reports */
    uint64_t release_version;
    int64_t now_s; /* periods that ended at or before this are closed */
} sotto_tally_config;
typedef struct sotto_tally_result {
    uint64_t reports;      /* sealed by this call: one for each ended period, also for empty ones */
    uint64_t last_seq;     /* 0 = none */
    uint64_t customers;    /* that stood behind them (never leaves the terminal) */
    uint64_t spent_out;    /* customers left out because their budget was spent (never leaves the terminal) */
    uint64_t debited_ueps; /* over all customers */
    uint64_t skipped_periods; /* too old to report: their events were deleted uncounted, nobody paid */
} sotto_tally_result;
/* Closes every ended period, oldest first, each in its own transaction; at most 62 periods (older ones are
 * dropped: skipped_periods, and told in diag although the call succeeds). On a store that never closed one,
 * periods begin with the oldest contribution, or with the running period when there is none. A clock set back
 * closes nothing and opens nothing. Not inside a transaction of the caller's (CONFLICT). Every contribution
 * before the first open day is deleted with the period that ends there; those of another task id, past the
 * bound, or in cells that the task does not have, count nothing and cost nothing.
 *
 * An error leaves its period open, with nothing debited and no report; result tells of the periods closed
 * before it. RANGE: a clock outside 1970 .. 5.8 million years, or a task that sotto_task_load would refuse;
 * USAGE: a device id of more than 64 bytes; NO_MEMORY; CORRUPT or UNSUPPORTED: a contribution or ledger
 * record that this program cannot read; entropy's and store's own. Takes some 110 KB while it runs (and seals
 * with 170 KB more), whatever the number of customers. */
SOTTO_MUST_USE sotto_status sotto_tally_close(sotto_store *store, const sotto_tally_config *config,
                                              sotto_tally_result *result, sotto_diag *diag);

/* Budget spent by a customer, micro-epsilon; 0 for an unknown one. For the customer's own question and tests;
 * never leaves the terminal. */
SOTTO_MUST_USE sotto_status sotto_tally_spent(sotto_store *store, const uint8_t *customer_key,
                                              uint64_t *spent_ueps, sotto_diag *diag);

#endif
