/*
 * tally: from counted events to a noised, debited, sealed report. A report, its debits in the ledger and its
 * place in the outbox are one transaction.
 *
 * No function keeps state but in the store: one thread at a time, the store's.
 */
#ifndef SOTTO_TALLY_H
#define SOTTO_TALLY_H

#include "sotto/base.h"
#include "sotto/privacy.h"
#include "sotto/store.h"
#include "sotto/vault.h"

/* The cells of one event: one in each table of the task that has one for it. */
typedef struct sotto_tally_cells {
    size_t cell[SOTTO_TABLES_MAX];
    size_t count;
} sotto_tally_cells;
/* Counts one event of a consenting customer in the period of at_s. Past the contribution bound it is dropped
 * as a whole (*counted false). An event for a period already closed is dropped too. Runs inside the caller's
 * transaction, or as one of its own. Each cell < task->cells and task->bound <= SOTTO_TASK_BOUND_MAX
 * (asserted). Store errors; CORRUPT or UNSUPPORTED for a record that this program cannot read: nothing is
 * changed then. Uses some 20 KB of stack. */
SOTTO_MUST_USE sotto_status sotto_tally_note(sotto_store *store, const sotto_task *task,
                                             const uint8_t customer_key[static SOTTO_CUSTOMER_KEY_BYTES],
                                             const sotto_tally_cells *event, int64_t at_s, bool *counted,
                                             sotto_diag *diag);

/* ---- The witness: the last report's number and hash, kept outside the store's file. A store that knows less
 * than its witness is an old copy that was put back; the ledger in it would hand out budgets twice. ---- */
typedef struct sotto_tally_mark {
    uint64_t seq; /* of the last report; 0 = there was none yet */
    uint8_t sha256[SOTTO_SHA256_BYTES];
    uint64_t cost_ueps, cost_rho_nano; /* of all reports up to it: the most that one customer can have paid */
    bool intent; /* written before its transaction was committed: the report may or may not exist */
} sotto_tally_mark;
typedef struct sotto_tally_witness {
    void *ctx;
    sotto_status (*load)(void *ctx, sotto_tally_mark *out, sotto_diag *diag); /* NOT_FOUND */
    /* Durable when it returns OK, and whole or as before at any moment. */
    sotto_status (*save)(void *ctx, const sotto_tally_mark *mark, sotto_diag *diag);
} sotto_tally_witness;
/* The witness of a store that never reported: from then on an absent one was lost. Nothing is changed where a
 * report or a witness is known. Errors: the store's and the witness's; call it again. */
SOTTO_MUST_USE sotto_status sotto_tally_begin(sotto_store *store, const sotto_tally_witness *witness,
                                              sotto_diag *diag);
/* OK when store and witness fit. CONFLICT when they do not: the store was put back, or the witness was. */
SOTTO_MUST_USE sotto_status sotto_tally_check(sotto_store *store, const sotto_tally_witness *witness,
                                              sotto_diag *diag);
/* The operator's decision to go on with the store as it is. What left and is not in it, every customer is
 * taken to have paid. Where the witness is ahead of the store it says how many reports that was and what they
 * can have cost. Where it is gone, old, or of another history, nobody knows: every customer is charged for
 * every period that is over and that this store has not closed, of every task of `tasks` (of a task that it
 * never closed, as many as a night can close besides those since its last report). Periods that are over are
 * dropped uncounted, and numbers go on after the last report. Nothing is changed where store and witness fit.
 */
typedef struct sotto_tally_accepted {
    uint64_t lost;    /* reports that left and that this store does not know, by the witness */
    uint64_t periods; /* charged for without a witness */
    uint64_t charged_ueps, charged_rho_nano; /* to every customer, known or yet to come */
} sotto_tally_accepted;
/* The store's number of all that were ever lost, in the same transaction as their cost. */
#define SOTTO_TALLY_LOST_REPORTS "restore.reports"
SOTTO_MUST_USE sotto_status sotto_tally_accept(sotto_store *store, const sotto_tally_witness *witness,
                                               const sotto_tasks *tasks, int64_t now_s,
                                               sotto_tally_accepted *out, sotto_diag *diag);

typedef struct sotto_tally_config {
    const sotto_tasks *tasks;
    const sotto_vault *vault;
    const sotto_entropy *entropy;
    const sotto_tally_witness *witness; /* NULL: an old copy of the store is not noticed */
    const char *device;                 /* device id named in reports */
    uint64_t release_version;
    int64_t now_s; /* periods that ended at or before this are closed */
} sotto_tally_config;
typedef struct sotto_tally_result {
    uint64_t reports;      /* sealed by this call: one for each task and ended period, also for empty ones */
    uint64_t last_seq;     /* 0 = none */
    uint64_t customers;    /* that stood behind them (never leaves the terminal) */
    uint64_t spent_out;    /* customers left out because their budget was spent (never leaves the terminal) */
    uint64_t told;         /* of those: counted as left out, once each */
    uint64_t debited_ueps; /* over all customers, Laplace tasks */
    uint64_t debited_rho_nano; /* over all customers, Gaussian tasks */
    uint64_t skipped_periods;  /* too old to report: their events were deleted uncounted, nobody paid */
} sotto_tally_result;
/* Closes every ended period of every task, in the order of the tasks and oldest first, each in its own
 * transaction; at most 62 periods a task (older ones are dropped: skipped_periods, and told in diag although
 * the call succeeds). On a store that never closed one of a task, its periods begin with the oldest
 * contribution, or with the running period when there is none. A clock set back closes nothing and opens
 * nothing. Not inside a transaction of the caller's (CONFLICT). Every contribution of a task before its first
 * open day is deleted with the period that ends there; those of tasks that the release does not have are
 * deleted, and those past the bound, or in cells that the task does not have, count nothing and cost nothing.
 *
 * A customer pays for a report by what they contributed to it (sotto_task_cost), from one budget for all
 * tasks; who cannot pay, or whose task has used its quota, is left out. The first time a task leaves a
 * customer out it counts that, in its cell 0 and at its price, for which some budget is kept back.
 *
 * An error leaves its period open, with nothing debited and no report; result tells of the periods closed
 * before it. CONFLICT: the witness does not fit, so nothing leaves until an operator decides. RANGE: a clock
 * outside 1970 .. 5.8 million years, or a task that sotto_tasks_load would refuse; USAGE: a device id of more
 * than 64 bytes; NO_MEMORY; CORRUPT or UNSUPPORTED: a contribution or ledger record that this program cannot
 * read; entropy's and store's own. Takes some 110 KB while it runs (and seals with 170 KB more), whatever the
 * number of customers. */
SOTTO_MUST_USE sotto_status sotto_tally_close(sotto_store *store, const sotto_tally_config *config,
                                              sotto_tally_result *result, sotto_diag *diag);

/* Budget spent by a customer, micro-epsilon and nano-rho; 0 for an unknown one. For the customer's own
 * question and tests; never leaves the terminal. */
SOTTO_MUST_USE sotto_status sotto_tally_spent(sotto_store *store,
                                              const uint8_t customer_key[static SOTTO_CUSTOMER_KEY_BYTES],
                                              uint64_t *spent_ueps, uint64_t *spent_rho_nano,
                                              sotto_diag *diag);

/* How far budgets have gone, for the operator of this terminal. Exact numbers of customers: they never leave
 * it. A customer has nothing left when no task could count one more event of theirs at now_s, after whatever
 * the policy forgives by then. Walks the whole ledger: some microseconds a customer. Store errors; CORRUPT or
 * UNSUPPORTED: a record that this program cannot read. *out is zero then. */
#define SOTTO_TALLY_QUARTERS 4
typedef struct sotto_tally_budgets {
    uint64_t charged;      /* customers who ever paid for a report; those since forgotten are among them */
    uint64_t nothing_left; /* of those */
    uint64_t left[SOTTO_TALLY_QUARTERS]; /* the others, by what they have left of their budget: below a
                                            quarter, a half, three quarters, and more; of the scarcer of the
                                            two where tasks draw on both */
    bool nobody_can_pay; /* nor can one who never paid: what an old copy lost (sotto_tally_accept) was all */
} sotto_tally_budgets;
SOTTO_MUST_USE sotto_status sotto_tally_budgets_of(sotto_store *store, const sotto_tasks *tasks,
                                                   int64_t now_s, sotto_tally_budgets *out, sotto_diag *diag);

#endif
