/* Helpers of tally's tests: a store in a folder that goes away, a vault in memory, a task, entropy that is
 * seeded or gives no noise. */
#ifndef SOTTO_TESTS_TALLY_TEST_H
#define SOTTO_TESTS_TALLY_TEST_H

#include "tally_priv.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define assert_ok(call)           assert_int_equal(call, SOTTO_OK)
#define assert_cause(call, cause) assert_int_equal(sotto_status_cause(call), SOTTO_CAUSE_##cause)

enum { DAY = 20778 };
#define AT(day) (86400 * (int64_t)(day) + 1000)

struct world {
    char folder[64], path[96];
    sotto_store *store;
    sotto_vault *vault;
    uint8_t public_key[SOTTO_PUBLIC_KEY_BYTES];
    const sotto_tally_witness *witness; /* NULL: none */
};

static sotto_status world_load_root(void *ctx, uint8_t root[static SOTTO_KEY_BYTES], sotto_diag *diag)
{
    (void)ctx;
    (void)diag;
    memset(root, 7, SOTTO_KEY_BYTES);
    return SOTTO_OK;
}

/* vfs: name of SQLite's file system, NULL for its own. w->store is NULL on failure. */
static inline sotto_status world_try_open(struct world *w, const char *vfs, sotto_diag *diag)
{
    sotto_store_config config = {.path = w->path, .create = true, .vfs = vfs};
    assert_ok(sotto_vault_store_key(w->vault, config.key));
    return sotto_store_open(&w->store, &config, diag);
}

static inline void world_open_store(struct world *w)
{
    sotto_diag diag = {0};
    if (world_try_open(w, NULL, &diag) != SOTTO_OK)
        fail_msg("open: %s", diag.text);
}

static inline struct world world_make(void)
{
    /* In memory where there is such a place: kills and faults are of processes and calls, not of disks. */
    struct world w = {.folder = "/dev/shm/sotto-tally-XXXXXX"};
    if (access("/dev/shm", W_OK) != 0)
        (void)snprintf(w.folder, sizeof w.folder, "/tmp/sotto-tally-XXXXXX");
    sotto_key_provider provider = {.name = "memory", .load = world_load_root};
    assert_non_null(mkdtemp(w.folder));
    (void)snprintf(w.path, sizeof w.path, "%s/s.db", w.folder);
    assert_ok(sotto_vault_start(NULL));
    assert_ok(sotto_vault_open(&w.vault, &provider, NULL));
    assert_ok(sotto_vault_report_public_key(w.vault, w.public_key));
    world_open_store(&w);
    return w;
}

static inline void world_remove(struct world *w)
{
    sotto_store_close(w->store);
    sotto_vault_close(w->vault);
    DIR *dir = opendir(w->folder);
    assert_non_null(dir);
    for (struct dirent *entry; (entry = readdir(dir)) != NULL;) {
        char path[400];
        (void)snprintf(path, sizeof path, "%s/%s", w->folder, entry->d_name);
        (void)unlink(path);
    }
    closedir(dir);
    assert_int_equal(rmdir(w->folder), 0);
}

/* One table of that many cells, from cell `first` on. */
static inline const sotto_table *table_at(size_t first, size_t cells)
{
    static sotto_table pool[64];
    static size_t used;
    sotto_table *table = &pool[used++ % SOTTO_COUNT(pool)];
    *table = (sotto_table){.first_cell = first, .cells = cells};
    return table;
}

static inline sotto_task task_of(uint64_t epsilon_ueps, uint32_t bound, uint32_t period_days)
{
    return (sotto_task){.name = "offers",
                        .id = 3,
                        .epsilon_ueps = epsilon_ueps,
                        .quota_ueps = 10 * epsilon_ueps,
                        .bound = bound,
                        .period_days = period_days,
                        .table = table_at(0, 18),
                        .table_count = 1,
                        .cells = 18};
}

/* A file of one task, whose quota is all that a customer has. */
static inline sotto_tasks tasks_of(const sotto_task *task)
{
    return (sotto_tasks){
        .budget = {.lifetime_ueps = task->quota_ueps, .lifetime_rho_nano = task->quota_rho_nano},
        .task = task,
        .count = 1};
}

struct customer {
    uint8_t key[SOTTO_CUSTOMER_KEY_BYTES];
};
static inline struct customer customer_of(uint32_t n)
{
    struct customer c = {{(uint8_t)(n >> 24), (uint8_t)(n >> 16), (uint8_t)(n >> 8), (uint8_t)n, 0xc0}};
    return c;
}

static inline bool note(struct world *w, const sotto_task *task, uint32_t n, size_t cell, int64_t day)
{
    bool counted = false;
    const sotto_tally_cells event = {.cell = {cell}, .count = 1};
    assert_ok(sotto_tally_note(w->store, task, customer_of(n).key, &event, AT(day), &counted, NULL));
    return counted;
}

static inline uint64_t spent(struct world *w, uint32_t n)
{
    uint64_t ueps = 0, rho = 0;
    assert_ok(sotto_tally_spent(w->store, customer_of(n).key, &ueps, &rho, NULL));
    return ueps;
}

/* xorshift64*, for tests that need noise and not its quality. */
static sotto_status seeded_fill(void *ctx, void *buf, size_t len)
{
    uint64_t *state = ctx;
    for (uint8_t *out = buf; len > 0; len--) {
        *state ^= *state >> 12, *state ^= *state << 25, *state ^= *state >> 27;
        *out++ = (uint8_t)(*state * UINT64_C(0x2545f4914f6cdd1d) >> 56);
    }
    return SOTTO_OK;
}

/* An epsilon so large that its noise is 0 in every draw of a test: P[noise != 0] = 2 a / (1 + a), a =
 * exp(-1000). */
enum { NOISELESS_PER_EVENT_UEPS = 1000000000 };

static inline sotto_status close_tasks(struct world *w, const sotto_tasks *tasks, int64_t day, uint64_t *seed,
                                       sotto_tally_result *result, sotto_diag *diag)
{
    sotto_entropy entropy = {.ctx = seed, .fill = seeded_fill};
    sotto_tally_config config = {.tasks = tasks,
                                 .vault = w->vault,
                                 .entropy = &entropy,
                                 .witness = w->witness,
                                 .device = "kiosk-1",
                                 .release_version = 9,
                                 .now_s = AT(day)};
    return sotto_tally_close(w->store, &config, result, diag);
}

static inline sotto_status close_at(struct world *w, const sotto_task *task, int64_t day, uint64_t *seed,
                                    sotto_tally_result *result, sotto_diag *diag)
{
    sotto_tasks tasks = tasks_of(task);
    return close_tasks(w, &tasks, day, seed, result, diag);
}

static inline int64_t open_day(struct world *w, uint32_t task)
{
    int64_t day = 0;
    assert_ok(sotto_tally_first_open_day(w->store, task, &day, NULL));
    return day;
}

/* Opens the oldest report that waits, acknowledges it, and gives it. Cells in memory of the caller. */
struct opened {
    sotto_report report;
    sotto_outbox_entry entry;
    uint8_t memory[SOTTO_TASK_CELLS_MAX * 8 + 64];
};

static inline bool take_report(struct world *w, struct opened *out)
{
    sotto_vec sealed;
    sotto_arena arena;
    sotto_vec_init(&sealed, SOTTO_REPORT_MAX);
    sotto_arena_init(&arena, out->memory, sizeof out->memory);
    sotto_status status = sotto_store_outbox_next(w->store, &out->entry, &sealed, NULL);
    if (sotto_status_cause(status) == SOTTO_CAUSE_NOT_FOUND)
        return false;
    assert_ok(status);
    assert_ok(sotto_report_open(&out->report, sotto_vec_span(&sealed), w->public_key, &arena, NULL));
    assert_int_equal(out->report.seq, out->entry.seq);
    assert_int_equal(out->entry.bytes, sealed.len);
    assert_ok(sotto_store_outbox_ack(w->store, out->entry.seq, out->entry.sha256, AT(DAY), NULL));
    sotto_vec_free(&sealed);
    return true;
}

#endif
