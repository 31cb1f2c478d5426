/* What the parties of mode B agree on: one encoding of a task, its digest, its Prio3 (docs/formats/split.md).
 */
#include "sotto/split.h"

#include <string.h>

enum { TASK_VERSION = 2, TASK_ITEMS = 15, PERIOD_DAYS_MAX = 31, CELL_BITS_MAX = 32 };

static bool in_range(const sotto_split_task *t)
{
    return t->cells >= 1 && t->cells <= SOTTO_TASK_CELLS_MAX && t->cell_bits >= 1 &&
           t->cell_bits <= CELL_BITS_MAX && t->epsilon_ueps >= 1 && t->bound >= 1 && t->period_days >= 1 &&
           t->period_days <= PERIOD_DAYS_MAX && t->smallest_batch >= 1 &&
           (t->gaussian ? t->rho_nano >= 1 && t->l2_squared >= 1
                        : t->rho_nano == 0 && t->delta_e12 == 0 && t->l2_squared == 0);
}

static sotto_status check(const sotto_split_task *task, sotto_diag *diag)
{
    if (in_range(task))
        return SOTTO_OK;
    return sotto_diag_set(diag, SOTTO_ERR(PRIVACY, RANGE), "a number of the task is out of its range");
}

sotto_status sotto_split_task_of(sotto_split_task *out, const sotto_tasks *tasks, const sotto_task *task,
                                 sotto_diag *diag)
{
    *out = (sotto_split_task){0};
    if (task->mode != SOTTO_MODE_B || !tasks->has_aggregators)
        return sotto_diag_set(diag, SOTTO_ERR(PRIVACY, USAGE), "task %s is not one of two aggregators",
                              task->name);
    *out = (sotto_split_task){.task_id = task->id,
                              .cells = (uint32_t)task->cells,
                              .cell_bits = task->cell_bits,
                              .gaussian = task->noise == SOTTO_NOISE_GAUSSIAN,
                              .epsilon_ueps = task->epsilon_ueps,
                              .bound = task->bound,
                              .period_days = task->period_days,
                              .smallest_batch = task->smallest_batch > 0 ? task->smallest_batch : 1};
    if (out->gaussian) {
        out->delta_e12 = task->delta_e12;
        out->rho_nano = task->rho_nano;
        out->l2_squared = sotto_task_l2_squared(task);
    }
    _Static_assert(sizeof out->key == sizeof tasks->aggregator_key, "leader, helper");
    memcpy(out->key, tasks->aggregator_key, sizeof out->key);
    sotto_status status = sotto_task_meaning(task, out->meaning);
    if (status == SOTTO_OK)
        status = check(out, diag);
    if (status == SOTTO_OK && sotto_split_report_size(out) > SOTTO_REPORT_MAX)
        status = sotto_diag_set(diag, SOTTO_ERR(PRIVACY, RANGE),
                                "%u cells of %u bits make a report of more than %d bytes",
                                (unsigned)out->cells, (unsigned)out->cell_bits, SOTTO_REPORT_MAX);
    if (status != SOTTO_OK)
        *out = (sotto_split_task){0};
    return status;
}

sotto_status sotto_split_task_write(const sotto_split_task *task, sotto_buf *out, sotto_diag *diag)
{
    size_t mark = out->len;
    sotto_status status = check(task, diag);
    if (status != SOTTO_OK)
        return status;
    sotto_cbor_writer w = sotto_cbor_writer_of(out);
    const uint64_t numbers[] = {TASK_VERSION,    task->task_id,     task->cells,
                                task->cell_bits, task->gaussian,    task->epsilon_ueps,
                                task->delta_e12, task->rho_nano,    task->l2_squared,
                                task->bound,     task->period_days, task->smallest_batch};
    sotto_cbor_put_array(&w, TASK_ITEMS);
    for (size_t i = 0; i < SOTTO_COUNT(numbers); i++)
        sotto_cbor_put_uint(&w, numbers[i]);
    sotto_cbor_put_bytes(&w, sotto_span_of(task->meaning, sizeof task->meaning));
    for (size_t i = 0; i < SOTTO_SPLIT_PARTIES; i++)
        sotto_cbor_put_bytes(&w, sotto_span_of(task->key[i], sizeof task->key[i]));
    status = sotto_cbor_writer_end(&w);
    if (status != SOTTO_OK)
        out->len = mark;
    return status == SOTTO_OK ? status : sotto_diag_set(diag, status, "no room for the task's encoding");
}

static void read_bytes(sotto_cbor_reader *r, uint8_t *out, size_t len)
{
    sotto_span bytes = sotto_cbor_get_bytes(r, len);
    if (bytes.len == len)
        memcpy(out, bytes.ptr, len);
    else if (r->status == SOTTO_OK)
        r->status = SOTTO_ERR(PRIVACY, MALFORMED);
}

static void read_numbers(sotto_split_task *t, sotto_cbor_reader *r)
{
    t->task_id = (uint32_t)sotto_cbor_get_uint(r, UINT32_MAX);
    t->cells = (uint32_t)sotto_cbor_get_uint(r, SOTTO_TASK_CELLS_MAX);
    t->cell_bits = (uint32_t)sotto_cbor_get_uint(r, CELL_BITS_MAX);
    t->gaussian = sotto_cbor_get_uint(r, 1) == 1;
    t->epsilon_ueps = sotto_cbor_get_uint(r, INT64_MAX);
    t->delta_e12 = sotto_cbor_get_uint(r, INT64_MAX);
    t->rho_nano = sotto_cbor_get_uint(r, INT64_MAX);
    t->l2_squared = sotto_cbor_get_uint(r, INT64_MAX);
    t->bound = (uint32_t)sotto_cbor_get_uint(r, UINT32_MAX);
    t->period_days = (uint32_t)sotto_cbor_get_uint(r, PERIOD_DAYS_MAX);
    t->smallest_batch = (uint32_t)sotto_cbor_get_uint(r, UINT32_MAX);
}

sotto_status sotto_split_task_read(sotto_split_task *out, sotto_span encoded, sotto_diag *diag)
{
    *out = (sotto_split_task){0};
    sotto_cbor_reader r = sotto_cbor_reader_of(encoded);
    uint64_t items = sotto_cbor_get_array(&r, UINT64_MAX), version = sotto_cbor_get_uint(&r, UINT64_MAX);
    if (r.status == SOTTO_OK && (version != TASK_VERSION || items != TASK_ITEMS))
        return sotto_diag_set(diag, SOTTO_ERR(PRIVACY, UNSUPPORTED),
                              "a task of version %llu is not known here", (unsigned long long)version);
    read_numbers(out, &r);
    read_bytes(&r, out->meaning, sizeof out->meaning);
    for (size_t i = 0; i < SOTTO_SPLIT_PARTIES; i++)
        read_bytes(&r, out->key[i], sizeof out->key[i]);
    sotto_status status = sotto_cbor_reader_end(&r, diag);
    if (status == SOTTO_OK)
        status = check(out, diag);
    if (status != SOTTO_OK)
        *out = (sotto_split_task){0};
    return status;
}

sotto_status sotto_split_task_digest(const sotto_split_task *task, uint8_t digest[static SOTTO_SHA256_BYTES],
                                     sotto_diag *diag)
{
    uint8_t bytes[SOTTO_SPLIT_TASK_MAX];
    sotto_buf encoded = sotto_buf_of(bytes, sizeof bytes);
    sotto_status status = sotto_split_task_write(task, &encoded, diag);
    return status == SOTTO_OK ? sotto_sha256(sotto_buf_span(&encoded), digest) : status;
}

sotto_status sotto_split_prio3(const sotto_split_task *task, sotto_prio3 *out, sotto_diag *diag)
{
    *out = (sotto_prio3){0};
    sotto_status status = check(task, diag);
    if (status != SOTTO_OK)
        return status;
    uint64_t max = (UINT64_C(1) << task->cell_bits) - 1;
    /* At most 4,096 cells of 32 bits: 2^17 field elements. */
    uint32_t chunk = sotto_prio3_best_chunk(task->cells * task->cell_bits);
    return sotto_prio3_sum_vec(out, SOTTO_SPLIT_PARTIES, task->cells, max, chunk, diag);
}

void sotto_split_ctx(const uint8_t digest[static SOTTO_SHA256_BYTES],
                     uint8_t ctx[static SOTTO_SPLIT_CTX_BYTES])
{
    memcpy(ctx, "sotto split 1 ", SOTTO_SPLIT_CTX_BYTES - SOTTO_SHA256_BYTES);
    memcpy(ctx + SOTTO_SPLIT_CTX_BYTES - SOTTO_SHA256_BYTES, digest, SOTTO_SHA256_BYTES);
}
