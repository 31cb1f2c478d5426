/*
 * privacy: exact noise, budget arithmetic, measurement tasks, and the sealed report as bytes. Integers only;
 * shared by terminal and head office.
 */
#ifndef SOTTO_PRIVACY_H
#define SOTTO_PRIVACY_H

#include "sotto/base.h"
#include "sotto/codec.h"
#include "sotto/fixed.h"
#include "sotto/vault.h"

/* ---- Exact discrete Laplace: P[X = x] proportional to exp(-|x| * den / num) (Canonne, Kamath, Steinke 2020,
 * algorithms 1 and 2) ---- */
/* num, den in 1 .. 2^32 - 1 (RANGE otherwise). Takes entropy in pieces of 64 bytes, one for most draws; a
 * source that repeats itself ends in INTERNAL and not in a loop. Entropy failure is passed on; *out is 0
 * after any failure. The time it takes depends on the draw. */
SOTTO_MUST_USE sotto_status sotto_noise_laplace(const sotto_entropy *entropy, uint64_t num, uint64_t den,
                                                int64_t *out);
/* Half width of the two-sided interval for the sum of `draws` independent draws: a w with
 * P[|sum| > w] <= 1 - confidence, never too small. Up to 65,536 draws it is the smallest one within 1 part in
 * 2,000 (or 1), from the exact distribution of the sum; that takes about a microsecond a draw. More draws:
 * Chernoff's bound with the moment generating function of the continuous Laplace distribution, some 1.4 times
 * as wide, at once. num, den in 1 .. 2^32 - 1, draws in 0 .. 2^32 - 1 (0 gives 0), confidence_ppm in
 * 1 .. 999999: RANGE otherwise and *out is 0. */
SOTTO_MUST_USE sotto_status sotto_noise_half_width(uint64_t num, uint64_t den, uint64_t draws,
                                                   uint32_t confidence_ppm, uint64_t *out);

/* ---- Budgets in micro-epsilon (1e-6), unsigned; rounding is always against the curator (up) ---- */
/* What a customer pays whose clipped contribution is `contribution` of at most `bound` in a release at
 * epsilon: ceil(epsilon * contribution / bound). Individual differential privacy for the L1-bounded Laplace
 * mechanism (Ebadi, Sands, Schneider 2015; Cookie Monster, arXiv 2405.16719). bound >= 1 and contribution <=
 * bound (asserted); never overflows. */
uint64_t sotto_budget_cost_ueps(uint64_t epsilon_ueps, uint32_t contribution, uint32_t bound);

/* The scale of the noise of one cell, bound / epsilon, as a reduced fraction for sotto_noise_laplace and
 * sotto_noise_half_width: what the terminal draws by and what head office's error bars rest on. A
 * zero in either (a damaged row) gives a zero, which both refuse with RANGE. */
void sotto_budget_scale(uint64_t epsilon_ueps, uint32_t bound, uint64_t *num, uint64_t *den);

/* ---- Measurement task (docs/formats/tasks.md), a target of the release ---- */
#define SOTTO_TASK_CELLS_MAX 4096
typedef struct sotto_task {
    char name[65];
    uint32_t id;            /* stable number, names the task in reports */
    uint64_t epsilon_ueps;  /* of one report */
    uint64_t lifetime_ueps; /* a customer's budget for life, across all tasks */
    uint32_t bound;         /* contribution bound: counted events a customer and period */
    uint32_t period_days;   /* 1..31; periods start at day 0 of 1970-01-01, UTC */
    char segment_tag[65];   /* choice tag; "" = no segments */
    const char *const *campaigns;
    size_t campaign_count;
    const char *const *segments; /* names of the segment tag's choices; cell "other" is added after them */
    size_t segment_count;
    size_t cells; /* campaigns * (segments + 1) * outcomes */
} sotto_task;     /* ranges: docs/formats/tasks.md */
enum sotto_outcome { SOTTO_OUTCOME_SHOWN = 0, SOTTO_OUTCOME_TAKEN = 1, SOTTO_OUTCOMES = 2 };
/* Reads a tasks file of one task. Names and lists live in arena; json may be freed. MALFORMED, RANGE,
 * UNSUPPORTED (a later version, another type or mode, several tasks), NO_SPACE, with member and line in diag;
 * *out is zeroed and the arena as before then. */
SOTTO_MUST_USE sotto_status sotto_task_load(sotto_task *out, sotto_span json, const char *name,
                                            sotto_arena *arena, sotto_diag *diag);
/* Cell number; campaign and segment as indices (segment == segment_count is "other"); asserted in range. */
size_t sotto_task_cell(const sotto_task *task, size_t campaign, size_t segment, enum sotto_outcome outcome);
int sotto_task_campaign(const sotto_task *task, sotto_span id);  /* index or -1 */
int sotto_task_segment(const sotto_task *task, sotto_span name); /* index; segment_count for any other */

/* ---- Sealed report (docs/formats/report.md): COSE_Sign1 (RFC 9052, ES256) over CBOR, in an LZ4 frame,
 * padded after compression ---- */
#define SOTTO_REPORT_MAX 65536 /* bytes sealed */
typedef struct sotto_report {
    char device[65];
    uint64_t seq;         /* from 1, without gaps */
    uint8_t previous[32]; /* SHA-256 of the sealed bytes of seq - 1; zeros for 1 */
    uint32_t task_id;
    uint64_t release_version;
    int32_t period_day; /* first day of the period, days since 1970-01-01 */
    uint32_t period_days;
    uint64_t epsilon_ueps;
    uint32_t bound;
    const int64_t *cells; /* noised counts */
    size_t cell_count;
} sotto_report;
/* Seals with the vault's report key and appends to out. The length depends on cell_count, epsilon and bound
 * only, which are the task's (the size is that of the worst case of the cells' encoding). Cells are 32 bits
 * wide, 64 when bound / epsilon passes 2^24; values beyond are cut off at the ends. RANGE: device "" or
 * longer than 64, seq, epsilon, bound 0, cell_count 0 or > SOTTO_TASK_CELLS_MAX, period_days not 1..31.
 * NO_SPACE, NO_MEMORY; out is unchanged on failure. */
SOTTO_MUST_USE sotto_status sotto_report_seal(const sotto_report *report, const sotto_vault *vault,
                                              sotto_buf *out, sotto_diag *diag);
/* Opens and verifies; cells into arena. Nothing is parsed before the signature is found good. AUTH for a
 * wrong signature, CORRUPT, MALFORMED, TRUNCATED, RANGE, UNSUPPORTED (a later format), NO_SPACE (arena),
 * NO_MEMORY; *out is zeroed and the arena as before then. A sealed report has one form: any changed byte is
 * refused. Whether seq and previous follow on is the caller's to check, and whether the device is who sent
 * it. */
SOTTO_MUST_USE sotto_status sotto_report_open(sotto_report *out, sotto_span sealed,
                                              const uint8_t public_key[static SOTTO_PUBLIC_KEY_BYTES],
                                              sotto_arena *arena, sotto_diag *diag);

#endif
