/* What the files of this room share: the two records it keeps in the store (docs/formats/store.md). */
#ifndef SOTTO_TALLY_PRIV_H
#define SOTTO_TALLY_PRIV_H

#include "sotto/tally.h"

#define SOTTO_TALLY_NEXT_DAY "tally.next_day"
enum {
    TALLY_BOUND_MAX = 1000,
    /* A version byte, then for each task its id, a count, and the cells: each a varint of at most 5 bytes. */
    CONTRIBUTION_TASKS_MAX = 4,
    CONTRIBUTION_MAX = 1 + CONTRIBUTION_TASKS_MAX * (10 + 5 * TALLY_BOUND_MAX),
    LEDGER_MAX = 32
};

/* First day of the period that holds that day. */
int64_t sotto_tally_period_of(const sotto_task *task, int64_t day);
int64_t sotto_tally_day_of(int64_t utc_s);
/* First day that is still open: "tally.next_day", or INT64_MIN when no period was ever closed. */
SOTTO_MUST_USE sotto_status sotto_tally_first_open_day(sotto_store *store, int64_t *day, sotto_diag *diag);

/* One task's part of a contribution record: cells in order of arrival. */
typedef struct sotto_contribution {
    uint32_t cells[TALLY_BOUND_MAX];
    uint32_t count;
} sotto_contribution;
/* The part of that task; count 0 when there is none. CORRUPT, UNSUPPORTED. */
SOTTO_MUST_USE sotto_status sotto_contribution_read(sotto_contribution *out, sotto_span record,
                                                    uint32_t task_id, sotto_diag *diag);
/* The same record with that task's part replaced; other tasks' parts are kept as they are. */
SOTTO_MUST_USE sotto_status sotto_contribution_write(const sotto_contribution *part, uint32_t task_id,
                                                     sotto_span record, sotto_buf *out, sotto_diag *diag);

typedef struct sotto_ledger {
    uint64_t spent_ueps;
    int32_t since_day; /* of the first debit: what a renewal by policy will count from */
} sotto_ledger;
/* All zero for a customer without a record. CORRUPT, UNSUPPORTED. */
SOTTO_MUST_USE sotto_status sotto_ledger_get(sotto_store *store, const uint8_t *key, sotto_ledger *out,
                                             sotto_diag *diag);
SOTTO_MUST_USE sotto_status sotto_ledger_put(sotto_store *store, const uint8_t *key,
                                             const sotto_ledger *ledger, sotto_diag *diag);

/* What the audit shows of one report. */
typedef struct sotto_audit_note {
    const sotto_task *task;
    int32_t period_day;
    uint64_t behind, left_out;
    size_t bytes;
} sotto_audit_note;
SOTTO_MUST_USE sotto_status sotto_audit_note_write(const sotto_audit_note *note, char *out, size_t cap);

#endif
