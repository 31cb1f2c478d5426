/* What the files of this room share: the records it keeps in the store (docs/formats/store.md). */
#ifndef SOTTO_TALLY_PRIV_H
#define SOTTO_TALLY_PRIV_H

#include "sotto/tally.h"

#define SOTTO_TALLY_NEXT_DAY  "tally.next_day" /* then "." and the task's id */
#define SOTTO_TALLY_WITNESSED "tally.witnessed"
#define SOTTO_TALLY_LOST_UEPS "tally.lost_ueps"
#define SOTTO_TALLY_LOST_RHO  "tally.lost_rho_nano"
#define SOTTO_TALLY_COST_UEPS "tally.cost_ueps" /* of all reports made: see sotto_tally_mark */
#define SOTTO_TALLY_COST_RHO  "tally.cost_rho_nano"
enum {
    /* A version byte, a count, and the cells: each a varint of at most 5 bytes. */
    CONTRIBUTION_MAX = 16 + 5 * SOTTO_TASK_BOUND_MAX,
    PERIODS_MAX = 62, /* of one task that a night closes; older ones are dropped */
    LEDGER_TASKS_MAX = SOTTO_TASKS_MAX,
    LEDGER_MAX = 64 + 16 * LEDGER_TASKS_MAX
};

/* First day of the period that holds that day. */
int64_t sotto_tally_period_of(const sotto_task *task, int64_t day);
int64_t sotto_tally_day_of(int64_t utc_s);
/* Where a task's contributions of a period lie among the records of their kind: together, oldest first. */
int64_t sotto_tally_sub(uint32_t task_id, int64_t day);
uint32_t sotto_tally_sub_task(int64_t sub);
int64_t sotto_tally_sub_day(int64_t sub);
/* First day of the task that is still open, or INT64_MIN when none of its periods was ever closed. */
SOTTO_MUST_USE sotto_status sotto_tally_first_open_day(sotto_store *store, uint32_t task_id, int64_t *day,
                                                       sotto_diag *diag);
SOTTO_MUST_USE sotto_status sotto_tally_set_open_day(sotto_store *store, uint32_t task_id, int64_t day,
                                                     sotto_diag *diag);

/* A customer's counts in one task and period: cells in order of arrival. */
typedef struct sotto_contribution {
    uint32_t cells[SOTTO_TASK_BOUND_MAX];
    uint32_t count;
} sotto_contribution;
/* CORRUPT, UNSUPPORTED: count is 0 then. */
SOTTO_MUST_USE sotto_status sotto_contribution_read(sotto_contribution *out, sotto_span record,
                                                    sotto_diag *diag);
SOTTO_MUST_USE sotto_status sotto_contribution_write(const sotto_contribution *part, sotto_buf *out);

/* What one task took of a customer's budget, and whether it has counted them as left out. */
typedef struct sotto_ledger_task {
    uint32_t id;
    uint64_t spent; /* micro-epsilon, or nano-rho of a Gaussian task */
    bool told;
} sotto_ledger_task;
typedef struct sotto_ledger {
    uint64_t spent_ueps, spent_rho_nano;
    int32_t since_day; /* of the first debit, moved on by each renewal */
    sotto_ledger_task task[LEDGER_TASKS_MAX];
    size_t count;
} sotto_ledger;
/* A ledger record's bytes. CORRUPT, UNSUPPORTED: *out may be half filled. */
SOTTO_MUST_USE sotto_status sotto_ledger_read(sotto_span record, sotto_ledger *out, sotto_diag *diag);
/* All zero for a customer without a record. CORRUPT, UNSUPPORTED. */
SOTTO_MUST_USE sotto_status sotto_ledger_get(sotto_store *store, const uint8_t *key, sotto_ledger *out,
                                             sotto_diag *diag);
SOTTO_MUST_USE sotto_status sotto_ledger_put(sotto_store *store, const uint8_t *key,
                                             const sotto_ledger *ledger, sotto_diag *diag);
/* Forgives what the policy forgives by that day. */
void sotto_ledger_renew(sotto_ledger *ledger, const sotto_tasks *tasks, int64_t day);

enum sotto_debit { SOTTO_DEBIT_PAID, SOTTO_DEBIT_TOLD, SOTTO_DEBIT_LEFT_OUT };
/* What was lost with an old copy of the store that was accepted: everybody is taken to have paid it. */
typedef struct sotto_lost {
    uint64_t ueps, rho_nano;
} sotto_lost;
/* Debits `cost` when the customer can pay it; else, once, what it costs to be counted as left out; else
 * nothing. *debited: what was taken, in the task's own unit. */
enum sotto_debit sotto_ledger_debit(sotto_ledger *ledger, const sotto_tasks *tasks, const sotto_task *task,
                                    const sotto_lost *lost, uint64_t cost, uint64_t *debited);
SOTTO_MUST_USE sotto_status sotto_tally_lost(sotto_store *store, sotto_lost *out, sotto_diag *diag);
/* *out: what is there then. Stops at 2^63 - 1. */
SOTTO_MUST_USE sotto_status sotto_tally_add(sotto_store *store, const char *name, uint64_t more,
                                            uint64_t *out, sotto_diag *diag);

/* The store beside its witness. */
typedef struct sotto_witnessed {
    sotto_tally_mark mark;
    bool has_mark, witnessed; /* the store had a witness before */
    sotto_tally_mark store;   /* what the store says of itself */
} sotto_witnessed;
SOTTO_MUST_USE sotto_status sotto_witnessed_look(sotto_store *store, const sotto_tally_witness *witness,
                                                 sotto_witnessed *out, sotto_diag *diag);
bool sotto_witnessed_fits(const sotto_witnessed *s);

/* What the audit shows of one report. */
typedef struct sotto_audit_note {
    const sotto_task *task;
    int32_t period_day;
    uint64_t behind, left_out, told;
} sotto_audit_note;
SOTTO_MUST_USE sotto_status sotto_audit_note_write(const sotto_audit_note *note, char *out, size_t cap);

#endif
