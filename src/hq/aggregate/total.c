/* What a batch adds up to: one party's sum with its own noise, sealed to the collector; and the collector's
 * end of it. */
#include "aggregate/aggregate.h"

#include <stdlib.h>
#include <string.h>

enum { INFO_BYTES = 14 + SOTTO_SHA256_BYTES + 1, AAD_MAX = 96 };

static void info_of(const uint8_t *digest, unsigned party, uint8_t info[static INFO_BYTES])
{
    memcpy(info, "sotto total 1 ", 14);
    memcpy(info + 14, digest, SOTTO_SHA256_BYTES);
    info[INFO_BYTES - 1] = (uint8_t)party;
}

/* The collector takes two totals together only when both are over the same reports of the same batch. */
static sotto_status aad_of(const agg_batch *batch, sotto_buf *out)
{
    sotto_cbor_writer w = sotto_cbor_writer_of(out);
    sotto_cbor_put_array(&w, 3);
    sotto_cbor_put_bytes(&w, sotto_span_of(batch->id, sizeof batch->id));
    sotto_cbor_put_uint(&w, batch->count);
    sotto_cbor_put_bytes(&w, sotto_span_of(batch->reports, sizeof batch->reports));
    return sotto_cbor_writer_end(&w);
}

/* ---- noise ---- */

/* Each party adds the whole noise: the total stays private although the other one may tell all it has. The
 * scale is that of mode A: bound / epsilon, since a customer moves a batch's cells by at most bound (L1) in
 * each period that it paid for; or, for Gaussian noise, the variance that makes rho of the L2 norm. That is
 * of one period: k of them under one draw would cost k^2 rho, and the ledger has debited k rho (add_all). */
static sotto_status draw(const aggregator *a, const sotto_split_task *task, int64_t *out)
{
    uint64_t num, den;
    if (task->gaussian)
        return sotto_budget_variance(task->rho_nano, task->l2_squared, &num, &den)
                   ? sotto_noise_gaussian(&a->entropy, num, den, out)
                   : SOTTO_ERR(HQ, RANGE);
    sotto_budget_scale(task->epsilon_ueps, task->bound, &num, &den);
    return sotto_noise_laplace(&a->entropy, num, den, out);
}

static sotto_status add_noise(const aggregator *a, const agg_task *task, uint8_t *sum, sotto_diag *diag)
{
    size_t cells = task->task.cells;
    int64_t *noise = calloc(cells, sizeof *noise);
    if (noise == NULL)
        return sotto_diag_set(diag, SOTTO_ERR(HQ, NO_MEMORY), "no memory for noise");
    sotto_status status = SOTTO_OK;
    for (size_t i = 0; i < cells && status == SOTTO_OK; i++)
        status = draw(a, &task->task, &noise[i]);
    if (status != SOTTO_OK)
        (void)sotto_diag_set(diag, status, "no noise could be drawn, so nothing is given out");
    else
        status = sotto_prio3_agg_add(&task->prio3, sum, noise, cells, diag);
    sotto_wipe(noise, cells * sizeof *noise);
    free(noise);
    return status;
}

/* ---- sum ---- */

struct adding {
    const agg_task *task;
    agg_batch *batch;
    uint8_t *sum;
    sotto_sha256_stream *hash;
    sotto_diag *diag;
};

static sotto_status add_share(void *ctx, const uint8_t *id, int32_t period_day, sotto_span share)
{
    struct adding *adding = ctx;
    agg_batch *b = adding->batch;
    b->first_day = b->count == 0 || period_day < b->first_day ? period_day : b->first_day;
    b->last_day = b->count == 0 || period_day > b->last_day ? period_day : b->last_day;
    b->count++;
    sotto_status status = sotto_sha256_update(adding->hash, sotto_span_of(id, AGG_ID_BYTES));
    return status == SOTTO_OK ? sotto_prio3_agg_update(&adding->task->prio3, adding->sum, share, adding->diag)
                              : status;
}

static sotto_status add_all(const aggregator *a, const agg_task *task, agg_batch *batch, uint8_t *sum,
                            sotto_diag *diag)
{
    struct adding adding = {.task = task, .batch = batch, .sum = sum, .diag = diag};
    batch->count = 0;
    sotto_prio3_agg_init(&task->prio3, sum);
    sotto_status status = sotto_sha256_begin(&adding.hash);
    if (status != SOTTO_OK)
        return status;
    status = agg_store_shares(a->db, batch->id, add_share, &adding, diag);
    sotto_status hashed = sotto_sha256_end(adding.hash, batch->reports);
    if (status == SOTTO_OK)
        status = hashed;
    if (status == SOTTO_OK && batch->count < task->task.smallest_batch)
        status = sotto_diag_set(diag, SOTTO_ERR(HQ, CONFLICT),
                                "%llu reports are fewer than the task's smallest batch of %u",
                                (unsigned long long)batch->count, (unsigned)task->task.smallest_batch);
    if (status == SOTTO_OK && task->task.gaussian && batch->first_day != batch->last_day)
        status = sotto_diag_set(diag, SOTTO_ERR(HQ, CONFLICT),
                                "Gaussian noise covers one period, and the batch holds several: "
                                "name one with --from and --to");
    return status;
}

static sotto_status seal(const aggregator *a, const agg_task *task, agg_batch *batch, const uint8_t *sum,
                         sotto_diag *diag)
{
    uint8_t info[INFO_BYTES], aad_bytes[AAD_MAX];
    sotto_buf aad = sotto_buf_of(aad_bytes, sizeof aad_bytes);
    size_t size = sotto_prio3_agg_share_size(&task->prio3);
    uint8_t *bytes = malloc(size + SOTTO_HPKE_OVERHEAD);
    if (bytes == NULL)
        return sotto_diag_set(diag, SOTTO_ERR(HQ, NO_MEMORY), "no memory for a total");
    sotto_buf out = sotto_buf_of(bytes, size + SOTTO_HPKE_OVERHEAD);
    info_of(task->digest, a->role, info);
    sotto_status status = aad_of(batch, &aad);
    if (status == SOTTO_OK)
        status = sotto_hpke_seal(a->collector, sotto_span_of(info, sizeof info), sotto_buf_span(&aad),
                                 sotto_span_of(sum, size), &a->entropy, &out);
    if (status == SOTTO_OK) {
        sotto_vec_init(&batch->share[0], AGG_TOTAL_ROOM);
        status = sotto_vec_put(&batch->share[0], out.ptr, out.len);
    }
    free(bytes);
    return status == SOTTO_OK ? status : sotto_diag_set(diag, status, "the total could not be sealed");
}

sotto_status agg_total_make(const aggregator *a, const agg_task *task, agg_batch *batch, sotto_diag *diag)
{
    size_t size = sotto_prio3_agg_share_size(&task->prio3);
    uint8_t *sum = malloc(size);
    if (sum == NULL)
        return sotto_diag_set(diag, SOTTO_ERR(HQ, NO_MEMORY), "no memory for a total");
    sotto_status status = add_all(a, task, batch, sum, diag);
    if (status == SOTTO_OK)
        status = add_noise(a, task, sum, diag);
    if (status == SOTTO_OK)
        status = seal(a, task, batch, sum, diag);
    sotto_wipe(sum, size);
    free(sum);
    return status;
}

/* ---- the collector's end ---- */

sotto_status agg_total_open(const agg_task *task, const agg_batch *batch,
                            const uint8_t private_key[static SOTTO_HPKE_PRIVATE_BYTES], int64_t *cells,
                            sotto_diag *diag)
{
    uint8_t info[INFO_BYTES], aad_bytes[AAD_MAX];
    sotto_buf aad = sotto_buf_of(aad_bytes, sizeof aad_bytes), plain[SOTTO_SPLIT_PARTIES];
    sotto_span shares[SOTTO_SPLIT_PARTIES];
    size_t size = sotto_prio3_agg_share_size(&task->prio3);
    uint8_t *memory = malloc(SOTTO_SPLIT_PARTIES * size);
    if (memory == NULL)
        return sotto_diag_set(diag, SOTTO_ERR(HQ, NO_MEMORY), "no memory for a total");
    sotto_status status = aad_of(batch, &aad);
    for (unsigned i = 0; i < SOTTO_SPLIT_PARTIES && status == SOTTO_OK; i++) {
        plain[i] = sotto_buf_of(memory + i * size, size);
        info_of(task->digest, i, info);
        status = sotto_hpke_open(private_key, sotto_span_of(info, sizeof info), sotto_buf_span(&aad),
                                 sotto_vec_span(&batch->share[i]), &plain[i]);
        shares[i] = sotto_buf_span(&plain[i]);
        if (status != SOTTO_OK)
            (void)sotto_diag_set(diag, status, "the %s's total is not one of this batch",
                                 agg_role_name((enum agg_role)i));
    }
    if (status == SOTTO_OK)
        status = sotto_prio3_unshard_signed(&task->prio3, shares, SOTTO_SPLIT_PARTIES, cells, diag);
    free(memory);
    return status;
}
