/*
 * privacy: exact noise, budget arithmetic, measurement tasks, and the sealed report as bytes. Integers only;
 * shared by terminal and head office.
 *
 * No function keeps state. Noise, budgets and loaded tasks (read-only) may be used from several threads; what
 * hashes, signs or verifies (meaning, seal, open) goes through vault: one thread at a time.
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
/* Exact discrete Gaussian: P[X = x] proportional to exp(-x^2 / (2 sigma^2)), sigma^2 = num / den (algorithm 3
 * there). den 1 and num < 2^40, or den 2^16 and num < 2^30: what sotto_budget_variance gives. As above. */
SOTTO_MUST_USE sotto_status sotto_noise_gaussian(const sotto_entropy *entropy, uint64_t num, uint64_t den,
                                                 int64_t *out);
bool sotto_noise_variance_valid(uint64_t num, uint64_t den);
/* Half width of the two-sided interval for the sum of `draws` independent draws: a w with
 * P[|sum| > w] <= 1 - confidence, never too small. Up to 65,536 draws it is the smallest one within 1 part in
 * 2,000 (or 1), from the exact distribution of the sum; that takes about a microsecond a draw. More draws:
 * Chernoff's bound with the moment generating function of the continuous Laplace distribution, some 1.4 times
 * as wide, at once. num, den in 1 .. 2^32 - 1, draws in 0 .. 2^32 - 1 (0 gives 0), confidence_ppm in
 * 1 .. 999999: RANGE otherwise and *out is 0. */
SOTTO_MUST_USE sotto_status sotto_noise_half_width(uint64_t num, uint64_t den, uint64_t draws,
                                                   uint32_t confidence_ppm, uint64_t *out);
/* The same for the Gaussian: within 0.1 % and two counts of the smallest at 95 %, 4 % at 50 %, from sigma^2 =
 * 4 on (below that from the sub-Gaussian tail, some 1.4 times as wide). At once for any number of draws. */
SOTTO_MUST_USE sotto_status sotto_noise_gaussian_half_width(uint64_t num, uint64_t den, uint64_t draws,
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

/* ---- zCDP (Bun, Steinke 2016), in 10^-9: what the discrete Gaussian costs ---- */
/* Largest rho with (epsilon, delta) = (rho + 2 sqrt(rho ln(1 / delta)), delta) (proposition 1.3 there),
 * rounded down: 0 when not even 10^-9 fits. epsilon_ueps 1 .. 10^12, delta_e12 1 .. 10^12 - 1 (asserted). */
uint64_t sotto_budget_rho_nano(uint64_t epsilon_ueps, uint64_t delta_e12);
/* The other way, rounded up: what a customer lost who paid rho_nano (up to 10^12) in all. */
uint64_t sotto_budget_epsilon_ueps(uint64_t rho_nano, uint64_t delta_e12);

/* sigma^2 = l2_squared / (2 rho), rounded up: rho-zCDP for counts that one customer moves by at most
 * sqrt(l2_squared) (theorem 14 of Canonne, Kamath, Steinke). l2_squared 1 .. 10^6; false when the noise would
 * pass 2^40. */
bool sotto_budget_variance(uint64_t rho_nano, uint64_t l2_squared, uint64_t *num, uint64_t *den);

/* ---- Measurement tasks (docs/formats/tasks.md), a target of the release ---- */
#define SOTTO_TASK_CELLS_MAX       4096
#define SOTTO_TASKS_MAX            16 /* in a release */
#define SOTTO_TABLES_MAX           32 /* in a task */
#define SOTTO_DIMENSIONS_MAX       6  /* in a table */
#define SOTTO_TASK_BOUND_MAX       1000
#define SOTTO_AGGREGATOR_KEY_BYTES 65 /* P-256, uncompressed point: HPKE's DHKEM(P-256) */

/* What is counted. X(NAME, "name in the file") */
#define SOTTO_TASK_TYPES(X)                                                                                  \
    X(OFFERS, "offer-counts") /* offers shown and taken */                                                   \
    X(FUNNEL, "funnel")       /* steps of a visit: card in, shown, dismissed, taken */                       \
    X(TAGS, "tag-counts")     /* tags of customers who came, once for each table: drift, distributions */    \
    X(HEALTH, "health") /* what befell the terminal itself: nothing of a customer, and no customer pays */
enum sotto_task_type {
#define X(name, text) SOTTO_TASK_##name,
    SOTTO_TASK_TYPES(X)
#undef X
        SOTTO_TASK_TYPE_COUNT
};
const char *sotto_task_type_name(enum sotto_task_type type);

enum sotto_task_mode {
    SOTTO_MODE_A, /* "one-collector": the terminal adds the noise */
    SOTTO_MODE_B  /* "two-aggregators": exact counts as shares; each aggregator adds noise to its sum */
};
enum sotto_task_noise { SOTTO_NOISE_LAPLACE, SOTTO_NOISE_GAUSSIAN };
/* How the vector of cells is proven in mode B. */
enum sotto_task_vdaf { SOTTO_VDAF_NONE, SOTTO_VDAF_SUMVEC };

/* X(NAME, "name in the file") - what tells the cells of a table apart. */
#define SOTTO_DIMENSIONS(X)                                                                                  \
    X(CAMPAIGN, "campaign") /* by name; other campaigns are not counted */                                   \
    X(OUTCOME, "outcome")   /* enum sotto_outcome */                                                         \
    X(STEP, "step")         /* enum sotto_step */                                                            \
    X(ARM, "arm")           /* of an A/B test, by name; last cell: any other, or none */                     \
    X(FIGURE, "figure")     /* enum sotto_figure */                                                          \
    X(HOUR, "hour")         /* local hour of the event, by edges */                                          \
    X(SCORE, "score")       /* propensity when it was offered, by edges; last cell: not known any more */    \
    X(TAG, "tag")           /* a tag, by name or by edges; last cell: any other value, or none */            \
    X(CHANCE, "chance")     /* by which it stood first, by edges; last cell: it was not drawn, or unknown */
enum sotto_dimension_kind {
#define X(name, text) SOTTO_DIMENSION_##name,
    SOTTO_DIMENSIONS(X)
#undef X
        SOTTO_DIMENSION_KIND_COUNT
};
const char *sotto_dimension_name(enum sotto_dimension_kind kind);
enum sotto_outcome { SOTTO_OUTCOME_SHOWN = 0, SOTTO_OUTCOME_TAKEN = 1, SOTTO_OUTCOMES = 2 };
/* X(NAME, "name in figures") - of a terminal, a period. */
#define SOTTO_FIGURES(X)                                                                                     \
    X(STARTED, "started")                 /* serve ran */                                                    \
    X(ENDED, "ended")                     /* in order: what is missing to `started` was cut or killed */     \
    X(RELEASE_TAKEN, "release_taken")     /* a new one is in use */                                          \
    X(RELEASE_REFUSED, "release_refused") /* its signatures or its content did not hold here */              \
    X(REPORT_REFUSED, "report_refused")   /* by head office, for good */                                     \
    X(NIGHT_STOPPED, "night_stopped")     /* periods that are over could not be closed */
enum sotto_figure {
#define X(name, text) SOTTO_FIGURE_##name,
    SOTTO_FIGURES(X)
#undef X
        SOTTO_FIGURE_COUNT
};
enum sotto_step { SOTTO_STEP_CARD_IN, SOTTO_STEP_SHOWN, SOTTO_STEP_DISMISSED, SOTTO_STEP_TAKEN, SOTTO_STEPS };

typedef struct sotto_dimension {
    enum sotto_dimension_kind kind;
    char tag[65];             /* of TAG, else "" */
    const char *const *names; /* of bins that have one; NULL when by edges */
    const int64_t *edges_e6; /* ascending, times 10^6: bin i holds values below edges[i] and not below the one
                                before; NULL when by name */
    size_t named;            /* entries of names or edges */
    size_t bins;             /* cells along this dimension, 1 .. */
} sotto_dimension;
typedef struct sotto_table {
    sotto_dimension dimension[SOTTO_DIMENSIONS_MAX]; /* the first is the slowest index */
    size_t dimensions;
    size_t first_cell, cells;
} sotto_table;

typedef struct sotto_task {
    char name[65];
    uint32_t id; /* stable number, names the task in reports */
    enum sotto_task_type type;
    enum sotto_task_mode mode;
    enum sotto_task_noise noise;
    enum sotto_task_vdaf vdaf; /* NONE in mode A */
    uint32_t cell_bits;    /* mode B: a terminal's count of one cell is cut off at 2^cell_bits - 1; 1..32 */
    uint64_t epsilon_ueps; /* of one report */
    uint64_t delta_e12;    /* Gaussian: delta times 10^12; 0 = pure epsilon (Laplace) */
    uint64_t rho_nano;     /* Gaussian: zCDP of one report, from epsilon and delta, rounded down */
    uint64_t quota_ueps;   /* the most of a customer's budget that this task may use (rho_nano's unit when
                              Gaussian: quota_rho_nano); lifetime when the file names none */
    uint64_t quota_rho_nano;
    uint32_t bound;       /* contribution bound: counts a customer and period, over all cells (L1) */
    uint32_t period_days; /* 1..31; periods start at day 0 of 1970-01-01, UTC */
    /* Counts below it are not shown (A); fewer reports are not opened (B); 0 = any. */
    uint32_t smallest_batch;
    bool has_left_out; /* cell 0 counts customers whose budget is spent, each once */
    const sotto_table *table;
    size_t table_count;
    size_t cells; /* of all tables, and the one for customers left out */
} sotto_task;     /* ranges: docs/formats/tasks.md */

/* One budget a customer, whatever the task. */
typedef struct sotto_budget_policy {
    uint64_t lifetime_ueps;     /* pure epsilon: every Laplace task pays from it */
    uint64_t lifetime_rho_nano; /* zCDP: every Gaussian task pays from it; 0 = there is none */
    uint64_t lifetime_delta_e12;
    uint32_t renew_days; /* 0 = never: the budgets are for life */
    uint64_t renew_ueps; /* so much of what was spent is forgiven each renew_days, from the first debit on */
} sotto_budget_policy;

enum sotto_home_unknown { SOTTO_HOME_UNKNOWN_COUNTS, SOTTO_HOME_UNKNOWN_SKIPPED };
enum sotto_aggregator { SOTTO_AGGREGATOR_LEADER, SOTTO_AGGREGATOR_HELPER, SOTTO_AGGREGATORS };
typedef struct sotto_tasks {
    sotto_budget_policy budget;
    const sotto_task *task;
    size_t count;
    char home_tag[65]; /* text tag with the id of the one terminal that counts a customer; "" = no such tag */
    enum sotto_home_unknown home_unknown; /* what holds for a customer without a value */
    bool has_aggregators;                 /* required by tasks of mode B */
    uint8_t aggregator_key[SOTTO_AGGREGATORS][SOTTO_AGGREGATOR_KEY_BYTES]; /* of HPKE, public */
} sotto_tasks;
/* Reads a tasks file, version 1 or 2. Names and lists live in arena; json may be freed. MALFORMED, RANGE,
 * CONFLICT (an id twice), UNSUPPORTED (a later version, an unknown type, mode, noise or dimension), NO_SPACE,
 * with member and line in diag; *out is zeroed and the arena as before then. */
SOTTO_MUST_USE sotto_status sotto_tasks_load(sotto_tasks *out, sotto_span json, const char *name,
                                             sotto_arena *arena, sotto_diag *diag);
const sotto_task *sotto_tasks_find(const sotto_tasks *tasks, uint32_t id); /* NULL when there is none */
/* Cell number of a table, a bin for each dimension; asserted in range. */
size_t sotto_table_cell(const sotto_table *table, const size_t *bin);
/* The bin of a name; -1 when it is none of them and the dimension has no cell for others. */
int sotto_dimension_by_name(const sotto_dimension *dimension, sotto_span name);
/* The bin of a number times 10^6, for a dimension with edges. */
size_t sotto_dimension_by_value(const sotto_dimension *dimension, int64_t value_e6);
/* What a bin is called: "saver", "other", "0.02 .. 0.05". */
void sotto_dimension_label(const sotto_dimension *dimension, size_t bin, char *out, size_t cap);
/* The first dimension of that kind in the table, or NULL. */
const sotto_dimension *sotto_table_dimension(const sotto_table *table, enum sotto_dimension_kind kind);
/* Whether cell numbers of `earlier`, a task of the same id, mean the same in `task`: all alike, but campaigns
 * may have been appended where they are the slowest index of the only table. */
bool sotto_task_continues(const sotto_task *task, const sotto_task *earlier);

/* SHA-256 of what each cell means: type, tables, dimensions, bins. Two tasks whose cells mean the same have
 * the same, and no others. vault's own errors; *out is zeros then. */
SOTTO_MUST_USE sotto_status sotto_task_meaning(const sotto_task *task,
                                               uint8_t out[static SOTTO_SHA256_BYTES]);

/* ---- What a task costs. An event adds at most one count to each table, so a customer's counts have an L1
 * norm of at most bound and a square of the L2 norm of at most tables * events^2. ---- */
uint32_t sotto_task_events_max(const sotto_task *task); /* counted events a customer and period */
uint64_t sotto_task_l2_squared(const sotto_task *task);
/* What counts of these norms cost, in the budget that the task's noise draws on: micro-epsilon for Laplace,
 * epsilon * l1 / bound; nano-rho for Gaussian, rho * l2^2 / L2^2 (individual zCDP: Feldman, Zrnic 2021).
 * Rounded up. 0 for a task of health figures, which customers do not pay for. */
uint64_t sotto_task_cost(const sotto_task *task, uint32_t l1, uint64_t l2_squared);
/* The noise of one cell. As sotto_noise_laplace and sotto_noise_gaussian. */
SOTTO_MUST_USE sotto_status sotto_task_noise(const sotto_task *task, const sotto_entropy *entropy,
                                             int64_t *out);
/* As sotto_noise_half_width, for the task's own noise. */
SOTTO_MUST_USE sotto_status sotto_task_half_width(const sotto_task *task, uint64_t draws,
                                                  uint32_t confidence_ppm, uint64_t *out);

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
