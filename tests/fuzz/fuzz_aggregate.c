/* What the parties of mode B are sent: each request to an aggregator, and the helper's answer to the leader.
 * Whatever it is, it is answered or refused with a reason, and what was refused as a whole has changed
 * nothing. The first byte says which. */
#include "fuzz.h"

#include "aggregate/aggregate.h"
#include "registry/sql.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { CELLS = 2, TARGETS = 6 };

static struct parties {
    bool ready;
    uint8_t counter;
    aggregator one[2]; /* leader, helper */
    sotto_split_task task;
    sotto_vault *vault;
    uint8_t sealed[SOTTO_REPORT_MAX];
    sotto_split_report report; /* of a terminal, good; its spans lie in sealed */
    sotto_span answer;         /* the helper's, as the input has it */
} p;

/* The same bytes in every run: so that seeds stay what they are. */
static sotto_status fill(void *ctx, void *out, size_t len)
{
    (void)ctx;
    for (uint8_t *at = out; len > 0; len--)
        *at++ = (uint8_t)(p.counter++ * 37u + 11u);
    return SOTTO_OK;
}

static sotto_status load_root(void *ctx, uint8_t root[static SOTTO_KEY_BYTES], sotto_diag *diag)
{
    (void)ctx, (void)diag;
    memset(root, 9, SOTTO_KEY_BYTES);
    return SOTTO_OK;
}

static sotto_status ask(void *ctx, const char *target, sotto_span body, sotto_vec *answer, bool *answered,
                        sotto_diag *diag)
{
    (void)ctx;
    *answered = true;
    if (strcmp(target, "/v1/verify") == 0)
        return sotto_vec_put(answer, p.answer.ptr, p.answer.len);
    return agg_handle(&p.one[1], AGG_LEADER, sotto_span_str(target), body, answer, diag);
}

static void open_party(unsigned role, const uint8_t key[static SOTTO_HPKE_PRIVATE_BYTES],
                       const uint8_t collector[static SOTTO_HPKE_PUBLIC_BYTES])
{
    char dir[] = "/tmp/sotto-fuzz-XXXXXX", path[64];
    bool added;
    static const sotto_log SILENT = {.fd = -1};
    aggregator *a = &p.one[role];
    require(mkdtemp(dir) != NULL);
    (void)snprintf(path, sizeof path, "%s/aggregate.db", dir);
    *a = (aggregator){.role = role == 0 ? AGG_LEADER : AGG_HELPER,
                      .entropy = {.fill = fill},
                      .helper = {NULL, ask},
                      .log = &SILENT};
    memcpy(a->hpke, key, sizeof a->hpke);
    memcpy(a->collector, collector, sizeof a->collector);
    require(agg_store_open(&a->db, path, true, NULL) == SOTTO_OK);
    require(sqlite3_exec(a->db->db, "PRAGMA synchronous = OFF; PRAGMA journal_mode = MEMORY", NULL, NULL,
                         NULL) == SQLITE_OK);
    require(unlink(path) == 0 && rmdir(dir) == 0); /* it goes with the process */
    require(agg_store_task_add(a->db, &p.task, &a->entropy, &added, NULL) == SOTTO_OK && added);
}

static void seal(void)
{
    static const int64_t CELL[CELLS] = {1, 2};
    const sotto_entropy entropy = {.fill = fill};
    const sotto_key_provider provider = {.name = "memory", .load = load_root};
    sotto_buf out = sotto_buf_of(p.sealed, sizeof p.sealed);
    sotto_report head = {.device = "kiosk-1",
                         .seq = 1,
                         .task_id = 7,
                         .release_version = 1,
                         .period_day = 20000,
                         .period_days = 1,
                         .epsilon_ueps = p.task.epsilon_ueps,
                         .bound = p.task.bound,
                         .cells = CELL,
                         .cell_count = CELLS};
    require(sotto_vault_open(&p.vault, &provider, NULL) == SOTTO_OK);
    require(sotto_report_split(&p.task, &head, p.vault, &entropy, &out, NULL) == SOTTO_OK);
    require(sotto_split_read(&p.report, &head, sotto_buf_span(&out), NULL) == SOTTO_OK);
}

static void set_up(void)
{
    const sotto_entropy entropy = {.fill = fill};
    uint8_t key[3][SOTTO_HPKE_PRIVATE_BYTES], open[3][SOTTO_HPKE_PUBLIC_BYTES];
    require(sotto_vault_start(NULL) == SOTTO_OK);
    for (size_t i = 0; i < 3; i++)
        require(sotto_hpke_keypair(&entropy, key[i], open[i]) == SOTTO_OK);
    p.task = (sotto_split_task){.task_id = 7,
                                .cells = CELLS,
                                .cell_bits = 2,
                                .epsilon_ueps = 1000000,
                                .bound = 2,
                                .period_days = 1,
                                .smallest_batch = 1};
    memcpy(p.task.key[0], open[0], sizeof open[0]);
    memcpy(p.task.key[1], open[1], sizeof open[1]);
    open_party(0, key[0], open[2]);
    open_party(1, key[1], open[2]);
    seal();
    p.ready = true;
}

static void forget(void)
{
    for (unsigned i = 0; i < 2; i++)
        require(sqlite3_exec(p.one[i].db->db, "DELETE FROM report; DELETE FROM batch", NULL, NULL, NULL) ==
                SQLITE_OK);
}

static uint64_t count(const aggregator *a)
{
    uint64_t n[4] = {0}, batches = 0;
    require(agg_store_counts(a->db, n, &batches, NULL) == SOTTO_OK);
    return n[0] + n[1] + n[2] + n[3] + batches;
}

static void ask_party(unsigned target, sotto_span body)
{
    static const struct {
        unsigned party;
        enum agg_role from;
        const char *target;
    } ROUTES[] = {{0, AGG_COLLECTOR, "/v1/reports"},
                  {1, AGG_LEADER, "/v1/task"},
                  {1, AGG_LEADER, "/v1/verify"},
                  {1, AGG_LEADER, "/v1/batch"},
                  {0, AGG_COLLECTOR, "/v1/collect"}};
    aggregator *a = &p.one[ROUTES[target].party];
    sotto_vec answer;
    sotto_diag diag = {0};
    sotto_vec_init(&answer, AGG_BODY_MAX);
    sotto_status status =
        agg_handle(a, ROUTES[target].from, sotto_span_str(ROUTES[target].target), body, &answer, &diag);
    require(status == SOTTO_OK ? answer.len > 0 : diag.text[0] != '\0');
    require(status == SOTTO_OK || target == 4 || count(a) == 0);
    sotto_vec_free(&answer);
}

/* A good report waits at the leader; the input is what the helper says of it. */
static void answer_leader(sotto_span answer)
{
    agg_report report = {0};
    size_t done = 0;
    uint64_t n[4] = {0}, batches;
    sotto_diag diag = {0};
    require(agg_report_copy(&report, &p.report, NULL) == SOTTO_OK);
    require(agg_store_put(p.one[0].db, &report, NULL) == SOTTO_OK);
    agg_report_free(&report);
    p.answer = answer;
    p.one[0].tries = 0; /* one try an input: what failed often is set aside, and that is no failure */
    sotto_status status = agg_leader_work(&p.one[0], &done, &diag);
    require(agg_store_counts(p.one[0].db, n, &batches, NULL) == SOTTO_OK);
    require(status == SOTTO_OK ? done == 1 && n[AGG_WAITING] == 0
                               : diag.text[0] != '\0' && n[AGG_WAITING] == 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!p.ready) {
        set_up();
        answer_leader(sotto_span_of(NULL, 0)); /* the two agree on their key: no input changes it any more */
    }
    if (size < 1)
        return 0;
    forget();
    if (data[0] % TARGETS == TARGETS - 1)
        answer_leader(sotto_span_of(data + 1, size - 1));
    else
        ask_party(data[0] % TARGETS, sotto_span_of(data + 1, size - 1));
    return 0;
}
