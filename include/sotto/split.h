/*
 * split: reports of mode B. A terminal's exact, clipped cells are cut into two shares (Prio3SumVec), each
 * sealed to one aggregator (HPKE), and signed as one message that head office's collector can check and pass
 * on, but not read. Layout: docs/formats/split.md. Who sees what: docs/privacy.md.
 *
 * Part of the room privacy: call sotto_vault_start once before. No function keeps state; all go through
 * vault: one thread at a time.
 */
#ifndef SOTTO_SPLIT_H
#define SOTTO_SPLIT_H

#include "sotto/base.h"
#include "sotto/hpke.h"
#include "sotto/prio3.h"
#include "sotto/privacy.h"
#include "sotto/vault.h"

#define SOTTO_SPLIT_PARTIES    2   /* 0 is the leader, 1 the helper */
#define SOTTO_SPLIT_TASK_MAX   320 /* bytes of an encoded task */
#define SOTTO_SPLIT_DEVICE_MAX 64

/* Everything about a task that terminal and aggregators must agree on. Its encoding is hashed into what the
 * shares are sealed for and proven for: who holds another value can open and verify nothing. */
typedef struct sotto_split_task {
    uint32_t task_id;
    uint32_t cells;          /* 1 .. SOTTO_TASK_CELLS_MAX */
    uint32_t cell_bits;      /* 1 .. 32: a cell is cut off at 2^cell_bits - 1 */
    bool gaussian;           /* which noise the aggregators add */
    uint64_t epsilon_ueps;   /* of one report, 1 .. */
    uint64_t delta_e12;      /* Gaussian: delta times 10^12; else 0 */
    uint64_t rho_nano;       /* Gaussian: zCDP of one report, times 10^9; else 0 */
    uint64_t l2_squared;     /* Gaussian: square of the L2 norm that a customer moves the cells by; else 0 */
    uint32_t bound;          /* counts a customer and period (L1), 1 .. */
    uint32_t period_days;    /* 1 .. 31 */
    uint32_t smallest_batch; /* reports, 1 .. */
    uint8_t meaning[SOTTO_SHA256_BYTES]; /* of its cells: sotto_task_meaning */
    uint8_t key[SOTTO_SPLIT_PARTIES][SOTTO_HPKE_PUBLIC_BYTES];
} sotto_split_task;

/* What a task of mode B in a tasks file comes to. USAGE for a task of mode A. A smallest batch of 0 counts as
 * 1. RANGE also when its report would have more than SOTTO_REPORT_MAX bytes. *out is zeros on failure. */
SOTTO_MUST_USE sotto_status sotto_split_task_of(sotto_split_task *out, const sotto_tasks *tasks,
                                                const sotto_task *task, sotto_diag *diag);
/* Appends the encoding. RANGE for a field out of its range; NO_SPACE. */
SOTTO_MUST_USE sotto_status sotto_split_task_write(const sotto_split_task *task, sotto_buf *out,
                                                   sotto_diag *diag);
/* MALFORMED, TRUNCATED, RANGE, UNSUPPORTED (a later version); *out is zeros then. */
SOTTO_MUST_USE sotto_status sotto_split_task_read(sotto_split_task *out, sotto_span encoded,
                                                  sotto_diag *diag);
/* SHA-256 of the encoding: the task's name among the aggregators. */
SOTTO_MUST_USE sotto_status sotto_split_task_digest(const sotto_split_task *task,
                                                    uint8_t digest[static SOTTO_SHA256_BYTES],
                                                    sotto_diag *diag);
/* Its Prio3SumVec: cells values of 0 .. 2^cell_bits - 1, two aggregators, the shortest proof. */
SOTTO_MUST_USE sotto_status sotto_split_prio3(const sotto_split_task *task, sotto_prio3 *out,
                                              sotto_diag *diag);
/* Bytes of each report of the task, whatever it counts; more than SOTTO_REPORT_MAX: it cannot be sent. 0 for
 * a task out of its ranges. */
size_t sotto_split_report_size(const sotto_split_task *task);

/* Context of the task's proofs: what sotto_prio3_* are called with. */
#define SOTTO_SPLIT_CTX_BYTES (14 + SOTTO_SHA256_BYTES)
void sotto_split_ctx(const uint8_t digest[static SOTTO_SHA256_BYTES],
                     uint8_t ctx[static SOTTO_SPLIT_CTX_BYTES]);

/* Makes the report: head->cells[0 .. cells) are the exact counts, cut off here to 0 .. 2^cell_bits - 1.
 * head's task id, epsilon, bound, period_days and cell_count must be the task's (USAGE). Draws the report's
 * id, the shares' randomness and two ephemeral keys from entropy: sealing twice gives two different reports,
 * so the bytes are to be kept and sent again as they are. Appends sotto_split_report_size(task) bytes. RANGE:
 * a field of head, or the size; NO_SPACE, NO_MEMORY, what entropy says. out is unchanged on failure. Counts
 * and shares are wiped from memory in any case; head's cells are the caller's. */
SOTTO_MUST_USE sotto_status sotto_report_split(const sotto_split_task *task, const sotto_report *head,
                                               const sotto_vault *vault, const sotto_entropy *entropy,
                                               sotto_buf *out, sotto_diag *diag);

/* One report as collector and aggregators know it. */
typedef struct sotto_split_report {
    char device[SOTTO_SPLIT_DEVICE_MAX + 1];
    uint64_t seq;
    uint64_t release_version;
    int32_t period_day;
    uint8_t digest[SOTTO_SHA256_BYTES];  /* of its task */
    uint8_t id[SOTTO_PRIO3_NONCE_BYTES]; /* random: names the report, and the nonce of its proof */
    sotto_span public_share;
    sotto_span share[SOTTO_SPLIT_PARTIES]; /* sealed; empty where a party does not have it */
} sotto_split_report;

/* Whether these bytes are a report of mode B at all (those of mode A begin otherwise). */
bool sotto_split_is(sotto_span sealed);
/* Verifies the terminal's signature, then reads: *head gets what mode A's report has too, without cells; the
 * spans of *out point into sealed. The shares are neither opened nor judged. AUTH: wrong signature;
 * MALFORMED, TRUNCATED, RANGE, UNSUPPORTED, NO_MEMORY; both are zeros then. A report has one form: any
 * changed byte is refused. */
SOTTO_MUST_USE sotto_status sotto_split_open(sotto_split_report *out, sotto_report *head, sotto_span sealed,
                                             const uint8_t public_key[static SOTTO_PUBLIC_KEY_BYTES],
                                             sotto_diag *diag);
/* The same for bytes that were verified before and kept since. */
SOTTO_MUST_USE sotto_status sotto_split_read(sotto_split_report *out, sotto_report *head, sotto_span sealed,
                                             sotto_diag *diag);
/* Opens the share of one aggregator and appends it. AUTH: it was sealed for another key, task, device,
 * number, release, period, id or public share than report says. TRUNCATED, MALFORMED, NO_SPACE, RANGE; out is
 * unchanged then. */
SOTTO_MUST_USE sotto_status sotto_split_share_open(const sotto_split_report *report, unsigned party,
                                                   const uint8_t private_key[static SOTTO_HPKE_PRIVATE_BYTES],
                                                   sotto_buf *out, sotto_diag *diag);

#endif
