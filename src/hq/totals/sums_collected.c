/* Sums of what a collector of mode B has opened: its closed batches, each the sum of its reports and a draw
 * of noise of each aggregator. The totals are kept sealed, and opened again with the collector's key. */
#include "aggregate/aggregate.h"
#include "totals/sums.h"

#include <stdlib.h>

struct hq_collected {
    const char *dir;
    hq_registry *db;
    uint8_t key[SOTTO_HPKE_PRIVATE_BYTES];
};

sotto_status hq_collected_open(hq_collected **out, const char *dir, sotto_diag *diag)
{
    agg_party own;
    *out = NULL;
    hq_collected *c = calloc(1, sizeof *c);
    if (c == NULL)
        return sotto_diag_set(diag, SOTTO_ERR(HQ, NO_MEMORY), "no memory for a collector's folder");
    c->dir = dir;
    sotto_status status = sotto_vault_start(diag);
    if (status == SOTTO_OK)
        status = agg_party_own(dir, &own, diag);
    if (status == SOTTO_OK && own.role != AGG_COLLECTOR)
        status =
            sotto_diag_at(diag, SOTTO_ERR(HQ, USAGE), dir, 0,
                          "the party here is a %s: only a collector opens totals", agg_role_name(own.role));
    if (status == SOTTO_OK)
        status = agg_party_hpke(dir, c->key, diag);
    if (status == SOTTO_OK)
        status = agg_party_db(dir, false, &c->db, diag);
    if (status == SOTTO_OK)
        *out = c;
    else
        hq_collected_close(c);
    return status;
}

void hq_collected_close(hq_collected *collected)
{
    if (collected == NULL)
        return;
    hq_registry_close(collected->db);
    sotto_wipe(collected, sizeof *collected);
    free(collected);
}

/* ---- which tasks ---- */

struct listing {
    uint32_t *id;
    size_t count;
};

static sotto_status list_task(void *ctx, const uint8_t *digest, uint32_t task_id)
{
    struct listing *l = ctx;
    (void)digest;
    for (size_t i = 0; i < l->count; i++)
        if (l->id[i] == task_id)
            return SOTTO_OK;
    if (l->count < SOTTO_TASKS_MAX)
        l->id[l->count++] = task_id;
    return SOTTO_OK;
}

static int by_id(const void *a, const void *b)
{
    uint32_t left = *(const uint32_t *)a, right = *(const uint32_t *)b;
    return (left > right) - (left < right);
}

static sotto_status none_here(sotto_diag *diag)
{
    return sotto_diag_set(diag, SOTTO_ERR(HQ, NOT_FOUND),
                          "the collector knows no task of mode B: sotto-hq aggregate task");
}

sotto_status hq_collected_tasks(hq_collected *collected, uint32_t id[static SOTTO_TASKS_MAX], size_t *count,
                                sotto_diag *diag)
{
    struct listing l = {.id = id};
    sotto_status status = agg_store_tasks(collected->db, list_task, &l, diag);
    qsort(id, l.count, sizeof *id, by_id);
    *count = l.count;
    return status == SOTTO_OK && l.count == 0 ? none_here(diag) : status;
}

/* ---- sums ---- */

struct adding {
    hq_sums *out;
    hq_collected *c;
    const hq_sums_request *request;
    agg_task task; /* whose batches are added now: as an earlier release defined it, perhaps */
    bool found, continued;
    int64_t *cells;
    sotto_diag *diag;
};

static void note_batch(hq_sums *out, const agg_batch *b)
{
    out->first_day = out->batches == 0 || b->first_day < out->first_day ? b->first_day : out->first_day;
    out->last_day = out->batches == 0 || b->last_day > out->last_day ? b->last_day : out->last_day;
    out->batches++;
    out->reports += b->count;
}

/* A batch has one total: it cannot be cut at a day. */
static sotto_status add_batch(void *ctx, const agg_batch *b)
{
    struct adding *a = ctx;
    hq_sums *out = a->out;
    if (b->last_day < a->request->first_day || b->first_day > a->request->last_day)
        return SOTTO_OK;
    if (!a->continued || b->first_day < a->request->first_day || b->last_day > a->request->last_day) {
        out->batches_left_out++;
        return SOTTO_OK;
    }
    hq_scale *noise = hq_sums_scale(out, a->task.task.epsilon_ueps, a->task.task.bound);
    if (noise == NULL)
        return sotto_diag_set(a->diag, SOTTO_ERR(HQ, NO_MEMORY),
                              "no memory, or too many kinds of noise in one task");
    sotto_status status = agg_total_open(&a->task, b, a->c->key, a->cells, a->diag);
    for (size_t i = 0; status == SOTTO_OK && i < a->task.task.cells && i < out->task.cells; i++) {
        noise->draws[i] += SOTTO_SPLIT_PARTIES;
        out->count[i] = sotto_add_sat_i64(out->count[i], a->cells[i]);
    }
    if (status == SOTTO_OK)
        note_batch(out, b);
    return status;
}

static sotto_status add_batches(struct adding *a, const uint8_t *digest)
{
    sotto_status status = agg_store_task(a->c->db, digest, &a->task, a->diag);
    if (status == SOTTO_OK)
        a->cells = calloc(a->task.task.cells, sizeof *a->cells);
    if (status == SOTTO_OK && a->cells == NULL)
        status = sotto_diag_set(a->diag, SOTTO_ERR(HQ, NO_MEMORY), "no memory for a total");
    if (status == SOTTO_OK)
        status = agg_store_batches(a->c->db, digest, add_batch, a, a->diag);
    free(a->cells);
    a->cells = NULL;
    return status;
}

/* The newest definition that is wanted stands in *out; *memory is its own. */
static sotto_status begin(struct adding *a, const sotto_task *task, void **memory)
{
    hq_sums *out = a->out;
    if (a->request->wanted != NULL && !a->request->wanted(task))
        return SOTTO_OK;
    a->found = true;
    out->task = *task;
    out->memory = *memory;
    *memory = NULL;
    out->count = calloc(out->task.cells, sizeof *out->count);
    return out->count != NULL ? SOTTO_OK
                              : sotto_diag_set(a->diag, SOTTO_ERR(HQ, NO_MEMORY), "no memory for the sums");
}

/* Newest first: what comes after the first is an earlier release's word on the same cells. */
static sotto_status add_task(void *ctx, const uint8_t *digest, uint32_t task_id)
{
    struct adding *a = ctx;
    void *memory = NULL;
    sotto_tasks tasks = {.count = 0};
    const uint32_t asked = a->found ? a->out->task.id : a->request->task_id;
    if (asked != 0 && task_id != asked)
        return SOTTO_OK;
    sotto_status status = agg_names_load(&tasks, a->c->dir, digest, &memory, a->diag);
    const sotto_task *task = sotto_tasks_find(&tasks, task_id);
    if (status == SOTTO_OK && task == NULL)
        status = sotto_diag_set(a->diag, SOTTO_ERR(HQ, CORRUPT), "the kept tasks file has no such task");
    if (status == SOTTO_OK) {
        a->continued = !a->found || sotto_task_continues(&a->out->task, task);
        status = a->found ? SOTTO_OK : begin(a, task, &memory);
    }
    if (status == SOTTO_OK && a->found)
        status = add_batches(a, digest);
    free(memory);
    return status;
}

sotto_status hq_sums_collected(hq_sums *out, const hq_sums_request *request, sotto_diag *diag)
{
    struct adding a = {.out = out, .c = request->collected, .request = request, .diag = diag};
    *out = (hq_sums){.first_day = 1, .last_day = 0};
    sotto_status status = agg_store_tasks(a.c->db, add_task, &a, diag);
    if (status == SOTTO_OK && !a.found)
        status = sotto_diag_set(diag, SOTTO_ERR(HQ, NOT_FOUND), "the collector knows no %s in mode B",
                                request->what != NULL ? request->what : "such task");
    sotto_wipe(&a.task, sizeof a.task);
    if (status != SOTTO_OK)
        hq_sums_free(out);
    return status;
}
