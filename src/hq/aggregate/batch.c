/*
 * The leader's side of a batch. Which reports are in it is written down before the helper hears of it; from
 * then on a kill anywhere, on either side, ends in the same two totals once the collector asks again.
 */
#include "aggregate/aggregate.h"
#include "registry/sql.h"

#include <stdlib.h>
#include <string.h>

static sotto_status put_id(void *ctx, const uint8_t *id, int32_t period_day, sotto_span share)
{
    (void)period_day, (void)share;
    return sotto_vec_put(ctx, id, AGG_ID_BYTES);
}

static sotto_status write_batch(const aggregator *a, const agg_batch *batch, sotto_vec *body,
                                sotto_diag *diag)
{
    agg_message m = {0};
    sotto_vec ids;
    sotto_vec_init(&ids, AGG_BATCH_MAX * AGG_ID_BYTES);
    sotto_status status = agg_store_shares(a->db, batch->id, put_id, &ids, diag);
    if (status == SOTTO_OK)
        status = agg_message_begin(&m, ids.len + 128, diag);
    if (status == SOTTO_OK) {
        sotto_cbor_put_array(&m.w, 3);
        sotto_cbor_put_bytes(&m.w, sotto_span_of(batch->digest, sizeof batch->digest));
        sotto_cbor_put_bytes(&m.w, sotto_span_of(batch->id, sizeof batch->id));
        sotto_cbor_put_bytes(&m.w, sotto_vec_span(&ids));
        status = agg_message_end(&m, body, diag);
    }
    sotto_vec_free(&ids);
    return status;
}

/* The helper's total must be over the very reports of ours. */
static sotto_status read_total(agg_batch *batch, sotto_span answer, sotto_diag *diag)
{
    uint8_t reports[SOTTO_SHA256_BYTES] = {0};
    sotto_cbor_reader r = sotto_cbor_reader_of(answer);
    (void)sotto_cbor_get_array(&r, 3);
    uint64_t count = sotto_cbor_get_uint(&r, AGG_BATCH_MAX);
    agg_read_exact(&r, reports, sizeof reports);
    sotto_span sealed = sotto_cbor_get_bytes(&r, AGG_TOTAL_ROOM);
    sotto_status status = agg_read_end(&r, "the helper's answer about a batch", diag);
    if (status == SOTTO_OK && (count != batch->count || memcmp(reports, batch->reports, sizeof reports) != 0))
        status = sotto_diag_set(diag, SOTTO_ERR(HQ, CONFLICT), "the helper's total is over other reports");
    if (status != SOTTO_OK)
        return status;
    sotto_vec_init(&batch->share[1], AGG_TOTAL_ROOM);
    return sotto_vec_put(&batch->share[1], sealed.ptr, sealed.len);
}

static sotto_status ask_helper(const aggregator *a, agg_batch *batch, sotto_diag *diag)
{
    sotto_vec body, answer;
    sotto_vec_init(&body, AGG_BODY_MAX);
    sotto_vec_init(&answer, AGG_TOTAL_ROOM + 256);
    sotto_status status = write_batch(a, batch, &body, diag);
    if (status == SOTTO_OK)
        status = a->helper.ask(a->helper.ctx, "/v1/batch", sotto_vec_span(&body), &answer, NULL, diag);
    if (status == SOTTO_OK)
        status = read_total(batch, sotto_vec_span(&answer), diag);
    sotto_vec_free(&body);
    sotto_vec_free(&answer);
    return status;
}

/* Own total with its noise is made once, and kept; the helper is asked until it answers. */
static sotto_status close_batch(const aggregator *a, agg_batch *batch, sotto_diag *diag)
{
    sotto_status status = ask_helper(a, batch, diag);
    if (status != SOTTO_OK)
        return status;
    batch->closed = true;
    status = sql_transaction(a->db, diag);
    return status == SOTTO_OK ? sql_close(a->db, agg_store_batch_close(a->db, batch, diag), diag) : status;
}

/* One transaction: either the batch has all of its reports and our noised total, or there is none. */
static sotto_status gather(const aggregator *a, const agg_task *task, agg_batch *batch, sotto_diag *diag)
{
    uint64_t count = 0;
    sotto_status status = agg_store_batch_put(a->db, batch, diag);
    if (status == SOTTO_OK)
        status = agg_store_take_all(a->db, batch, &count, diag);
    if (status == SOTTO_OK && count > AGG_BATCH_MAX) /* the helper could not be asked for it, ever */
        status = sotto_diag_set(diag, SOTTO_ERR(HQ, CONFLICT),
                                "%llu reports are more than the %u of one batch: name fewer periods",
                                (unsigned long long)count, AGG_BATCH_MAX);
    if (status == SOTTO_OK)
        status = agg_total_make(a, task, batch, diag);
    return status == SOTTO_OK ? agg_store_batch_put(a->db, batch, diag) : status;
}

static sotto_status begin_batch(const aggregator *a, const agg_task *task, agg_batch *batch, sotto_diag *diag)
{
    sotto_status status = sql_transaction(a->db, diag);
    return status == SOTTO_OK ? sql_close(a->db, gather(a, task, batch, diag), diag) : status;
}

static sotto_status find_or_begin(const aggregator *a, agg_batch *batch, sotto_diag *diag)
{
    agg_task task;
    agg_batch held;
    sotto_status status = agg_store_task(a->db, batch->digest, &task, diag);
    if (status != SOTTO_OK)
        return status;
    status = agg_store_batch(a->db, batch->id, &held, diag);
    if (sotto_status_cause(status) == SOTTO_CAUSE_NOT_FOUND) {
        status = begin_batch(a, &task, batch, diag);
    } else if (status == SOTTO_OK) {
        bool same = memcmp(held.digest, batch->digest, sizeof held.digest) == 0;
        *batch = held;
        if (!same)
            status = sotto_diag_set(diag, SOTTO_ERR(HQ, CONFLICT), "the batch is one of another task");
    }
    sotto_wipe(&task, sizeof task);
    return status;
}

static sotto_status answer_collector(const agg_batch *batch, sotto_vec *answer, sotto_diag *diag)
{
    agg_message m;
    sotto_status status = agg_message_begin(&m, 2 * AGG_TOTAL_ROOM + 128, diag);
    if (status != SOTTO_OK)
        return status;
    sotto_cbor_put_array(&m.w, 6);
    sotto_cbor_put_uint(&m.w, batch->count);
    sotto_cbor_put_int(&m.w, batch->first_day);
    sotto_cbor_put_int(&m.w, batch->last_day);
    sotto_cbor_put_bytes(&m.w, sotto_span_of(batch->reports, sizeof batch->reports));
    for (size_t i = 0; i < SOTTO_SPLIT_PARTIES; i++)
        sotto_cbor_put_bytes(&m.w, sotto_vec_span(&batch->share[i]));
    return agg_message_end(&m, answer, diag);
}

static sotto_status leader_collect(aggregator *a, sotto_span body, sotto_vec *answer, sotto_diag *diag)
{
    agg_batch batch = {0};
    sotto_cbor_reader r = sotto_cbor_reader_of(body);
    (void)sotto_cbor_get_array(&r, 4);
    agg_read_exact(&r, batch.digest, sizeof batch.digest);
    agg_read_exact(&r, batch.id, sizeof batch.id);
    int64_t from = sotto_cbor_get_int(&r), to = sotto_cbor_get_int(&r);
    if (r.status == SOTTO_OK && (from < INT32_MIN || from > to || to > INT32_MAX))
        r.status = SOTTO_ERR(HQ, RANGE);
    batch.first_day = (int32_t)from;
    batch.last_day = (int32_t)to;
    sotto_status status = agg_read_end(&r, "the request for a total", diag);
    if (status == SOTTO_OK)
        status = find_or_begin(a, &batch, diag);
    if (status == SOTTO_OK && !batch.closed)
        status = close_batch(a, &batch, diag);
    if (status == SOTTO_OK)
        status = answer_collector(&batch, answer, diag);
    agg_batch_free(&batch);
    return status;
}

/* ---- who may ask what ---- */

sotto_status agg_handle(aggregator *a, enum agg_role from, sotto_span target, sotto_span body,
                        sotto_vec *answer, sotto_diag *diag)
{
    static const struct {
        const char *target;
        enum agg_role at, from;
        agg_handler handler;
    } table[] = {{"/v1/reports", AGG_LEADER, AGG_COLLECTOR, agg_leader_reports},
                 {"/v1/collect", AGG_LEADER, AGG_COLLECTOR, leader_collect},
                 {"/v1/task", AGG_HELPER, AGG_LEADER, agg_helper_task},
                 {"/v1/verify", AGG_HELPER, AGG_LEADER, agg_helper_verify},
                 {"/v1/batch", AGG_HELPER, AGG_LEADER, agg_helper_batch}};
    for (size_t i = 0; i < SOTTO_COUNT(table); i++)
        if (table[i].at == a->role && sotto_span_is(target, table[i].target))
            return table[i].from == from ? table[i].handler(a, body, answer, diag)
                                         : sotto_diag_set(diag, SOTTO_ERR(HQ, DENIED),
                                                          "this is not for a %s to ask", agg_role_name(from));
    return sotto_diag_set(diag, SOTTO_ERR(HQ, NOT_FOUND), "a %s does not answer this",
                          agg_role_name(a->role));
}
