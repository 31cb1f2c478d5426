/*
 * The helper: answers the leader. Each answer is one transaction, on the disk before it is given; the same
 * request gets the same answer again, so a leader that was killed anywhere asks once more.
 */
#include "aggregate/aggregate.h"
#include "registry/sql.h"

#include <stdio.h>
#include <string.h>

/* ---- /v1/task: half of a verification key against half ---- */

sotto_status agg_helper_task(aggregator *a, sotto_span body, sotto_vec *answer, sotto_diag *diag)
{
    uint8_t digest[SOTTO_SHA256_BYTES], part[AGG_PART_BYTES], key[SOTTO_PRIO3_VERIFY_KEY_BYTES];
    agg_task task = {0};
    agg_message m;
    sotto_cbor_reader r = sotto_cbor_reader_of(body);
    if (sotto_cbor_get_array(&r, 2) != 2)
        return sotto_diag_set(diag, SOTTO_ERR(HQ, MALFORMED), "the request for a task is not of its form");
    agg_read_exact(&r, digest, sizeof digest);
    agg_read_exact(&r, part, sizeof part);
    sotto_status status = agg_read_end(&r, "the request for a task", diag);
    if (status == SOTTO_OK)
        status = agg_store_task(a->db, digest, &task, diag);
    if (status == SOTTO_OK)
        status = agg_task_key(part, task.part, digest, key);
    if (status == SOTTO_OK)
        status = agg_store_task_key(a->db, &task, key, diag);
    if (status == SOTTO_OK)
        status = agg_message_begin(&m, 64, diag);
    if (status == SOTTO_OK) {
        sotto_cbor_put_array(&m.w, 1);
        sotto_cbor_put_bytes(&m.w, sotto_span_of(task.part, sizeof task.part));
        status = agg_message_end(&m, answer, diag);
    }
    sotto_wipe(&task, sizeof task);
    sotto_wipe(key, sizeof key);
    return status;
}

/* ---- /v1/verify ---- */

struct request {
    agg_task task;
    sotto_split_report r;
    sotto_span verifier; /* the leader's */
    sotto_span bytes;    /* of the whole item */
};

static void read_item(sotto_cbor_reader *r, struct request *request)
{
    size_t from = r->at;
    request->r = (sotto_split_report){0};
    if (sotto_cbor_get_array(r, 8) != 8 && r->status == SOTTO_OK)
        r->status = SOTTO_ERR(HQ, MALFORMED);
    agg_read_about(r, &request->r);
    memcpy(request->r.digest, request->task.digest, sizeof request->r.digest);
    request->r.share[AGG_HELPER] = sotto_cbor_get_bytes(r, SOTTO_REPORT_MAX);
    request->verifier = sotto_cbor_get_bytes(r, SOTTO_REPORT_MAX);
    request->bytes = sotto_span_of(r->in.ptr + from, r->at - from);
}

static sotto_status judge(const aggregator *a, const struct request *request, agg_report *report,
                          sotto_diag *diag)
{
    sotto_diag its = {0};
    const agg_task *task = &request->task;
    sotto_status status = agg_verify_begin(a, task, report, &its);
    if (status == SOTTO_OK) {
        sotto_span own = sotto_span_of(report->verifier, sotto_prio3_verifier_share_size(&task->prio3));
        status = agg_verify_combine(task, request->verifier, own, report->message, &its);
    }
    if (status == SOTTO_OK)
        status = agg_verify_end(task, report, &its);
    agg_judge(report, &status, &its);
    if (status != SOTTO_OK && diag != NULL)
        *diag = its;
    return status;
}

/* Never seen: judged, and kept with what it came to. */
static sotto_status take_new(const aggregator *a, const struct request *request, agg_report *report,
                             sotto_diag *diag)
{
    sotto_status status = agg_report_copy(report, &request->r, diag);
    if (status == SOTTO_OK)
        status = sotto_sha256(request->bytes, report->request);
    if (status == SOTTO_OK)
        status = judge(a, request, report, diag);
    if (status == SOTTO_OK)
        status = agg_store_put(a->db, report, diag);
    return status == SOTTO_OK ? agg_store_judged(a->db, report, diag) : status;
}

/* Another report of the same terminal and period, or the same id with other bytes: refused, nothing kept. */
static void refuse(agg_report *report, const char *why)
{
    report->state = AGG_REFUSED;
    (void)snprintf(report->why, sizeof report->why, "%.*s", (int)sizeof report->why - 1, why);
}

static sotto_status take_item(const aggregator *a, const struct request *request, agg_report *report,
                              sotto_diag *diag)
{
    uint8_t hash[SOTTO_SHA256_BYTES];
    sotto_status status = agg_store_find(a->db, request->r.id, report, diag);
    if (status == SOTTO_OK) {
        status = sotto_sha256(request->bytes, hash);
        if (status == SOTTO_OK && (memcmp(hash, report->request, sizeof hash) != 0 ||
                                   memcmp(report->r.digest, request->task.digest, sizeof hash) != 0))
            refuse(report, "replayed: a report with this id was taken before");
        return status;
    }
    if (sotto_status_cause(status) != SOTTO_CAUSE_NOT_FOUND)
        return status;
    sotto_diag its = {0};
    status = take_new(a, request, report, &its);
    if (sotto_status_cause(status) == SOTTO_CAUSE_CONFLICT) {
        refuse(report, its.text);
        return SOTTO_OK;
    }
    if (status != SOTTO_OK && diag != NULL)
        *diag = its;
    return status;
}

static void write_verdict(sotto_cbor_writer *w, const agg_report *report)
{
    bool refused = report->state == AGG_REFUSED;
    sotto_cbor_put_array(w, 2);
    sotto_cbor_put_uint(w, refused);
    if (refused)
        sotto_cbor_put_text(w, sotto_span_str(report->why));
    else
        sotto_cbor_put_bytes(w, sotto_span_of(report->message, sizeof report->message));
}

static sotto_status take_items(const aggregator *a, struct request *request, sotto_cbor_reader *r,
                               size_t count, agg_message *m, sotto_diag *diag)
{
    sotto_status status = SOTTO_OK;
    for (size_t i = 0; i < count && status == SOTTO_OK; i++) {
        agg_report report = {0};
        read_item(r, request);
        if (r->status != SOTTO_OK)
            break;
        status = take_item(a, request, &report, diag);
        if (status == SOTTO_OK)
            write_verdict(&m->w, &report);
        agg_report_free(&report);
    }
    return status == SOTTO_OK ? agg_read_end(r, "the request to verify", diag) : status;
}

static sotto_status verify(aggregator *a, struct request *request, sotto_cbor_reader *r, agg_message *m,
                           sotto_diag *diag)
{
    uint64_t count = sotto_cbor_get_array(r, AGG_JOB);
    m->w.out = &m->buf;
    sotto_cbor_put_array(&m->w, count);
    sotto_status status = sql_transaction(a->db, diag);
    return status == SOTTO_OK ? sql_close(a->db, take_items(a, request, r, (size_t)count, m, diag), diag)
                              : status;
}

sotto_status agg_helper_verify(aggregator *a, sotto_span body, sotto_vec *answer, sotto_diag *diag)
{
    uint8_t digest[SOTTO_SHA256_BYTES] = {0};
    struct request request = {0};
    agg_message m;
    sotto_cbor_reader r = sotto_cbor_reader_of(body);
    (void)sotto_cbor_get_array(&r, 2);
    agg_read_exact(&r, digest, sizeof digest);
    if (r.status != SOTTO_OK)
        return agg_read_end(&r, "the request to verify", diag);
    sotto_status status = agg_store_task(a->db, digest, &request.task, diag);
    if (status == SOTTO_OK && !request.task.has_key)
        status = sotto_diag_set(diag, SOTTO_ERR(HQ, CONFLICT), "the task has no verification key yet");
    if (status == SOTTO_OK)
        status = agg_message_begin(&m, 64 + AGG_JOB * (AGG_WHY_MAX + 64), diag);
    if (status == SOTTO_OK) {
        status = verify(a, &request, &r, &m, diag);
        sotto_vec unused = {0};
        sotto_status ended = agg_message_end(&m, status == SOTTO_OK ? answer : &unused, NULL);
        status = status == SOTTO_OK ? ended : status;
    }
    sotto_wipe(&request.task, sizeof request.task);
    return status;
}

/* ---- /v1/batch ---- */

static sotto_status answer_batch(const agg_batch *batch, sotto_vec *answer, sotto_diag *diag)
{
    agg_message m;
    sotto_status status = agg_message_begin(&m, AGG_TOTAL_ROOM + 64, diag);
    if (status != SOTTO_OK)
        return status;
    sotto_cbor_put_array(&m.w, 3);
    sotto_cbor_put_uint(&m.w, batch->count);
    sotto_cbor_put_bytes(&m.w, sotto_span_of(batch->reports, sizeof batch->reports));
    sotto_cbor_put_bytes(&m.w, sotto_vec_span(&batch->share[0]));
    return agg_message_end(&m, answer, diag);
}

/* ids: an array, ascending, each once. */
static sotto_status take_ids(const aggregator *a, const agg_batch *batch, sotto_span ids, sotto_diag *diag)
{
    sotto_status status = SOTTO_OK;
    if (ids.len % AGG_ID_BYTES != 0)
        return sotto_diag_set(diag, SOTTO_ERR(HQ, MALFORMED), "the batch's ids are not of their length");
    for (size_t at = 0; at < ids.len && status == SOTTO_OK; at += AGG_ID_BYTES) {
        if (at > 0 && memcmp(ids.ptr + at - AGG_ID_BYTES, ids.ptr + at, AGG_ID_BYTES) >= 0)
            return sotto_diag_set(diag, SOTTO_ERR(HQ, MALFORMED), "the batch's ids are not in order");
        status = agg_store_take_one(a->db, batch, ids.ptr + at, diag);
    }
    return status;
}

static sotto_status make_batch(const aggregator *a, const agg_task *task, agg_batch *batch, sotto_span ids,
                               sotto_diag *diag)
{
    sotto_status status = agg_store_batch_put(a->db, batch, diag);
    if (status == SOTTO_OK)
        status = take_ids(a, batch, ids, diag);
    if (status == SOTTO_OK)
        status = agg_total_make(a, task, batch, diag);
    batch->closed = true;
    return status == SOTTO_OK ? agg_store_batch_close(a->db, batch, diag) : status;
}

static sotto_status find_or_make(aggregator *a, const agg_task *task, agg_batch *batch, sotto_span ids,
                                 sotto_diag *diag)
{
    uint8_t hash[SOTTO_SHA256_BYTES];
    agg_batch held;
    sotto_status status = agg_store_batch(a->db, batch->id, &held, diag);
    if (sotto_status_cause(status) == SOTTO_CAUSE_NOT_FOUND) {
        status = sql_transaction(a->db, diag);
        return status == SOTTO_OK ? sql_close(a->db, make_batch(a, task, batch, ids, diag), diag) : status;
    }
    if (status == SOTTO_OK)
        status = sotto_sha256(ids, hash);
    if (status != SOTTO_OK)
        return status;
    agg_batch_free(batch);
    *batch = held;
    if (memcmp(hash, held.reports, sizeof hash) != 0 || memcmp(task->digest, held.digest, sizeof hash) != 0)
        return sotto_diag_set(diag, SOTTO_ERR(HQ, CONFLICT), "the batch was closed over other reports");
    return SOTTO_OK;
}

sotto_status agg_helper_batch(aggregator *a, sotto_span body, sotto_vec *answer, sotto_diag *diag)
{
    agg_task task = {0};
    agg_batch batch = {0};
    sotto_cbor_reader r = sotto_cbor_reader_of(body);
    if (sotto_cbor_get_array(&r, 3) != 3)
        return sotto_diag_set(diag, SOTTO_ERR(HQ, MALFORMED), "the request for a batch is not of its form");
    agg_read_exact(&r, batch.digest, sizeof batch.digest);
    agg_read_exact(&r, batch.id, sizeof batch.id);
    sotto_span ids = sotto_cbor_get_bytes(&r, AGG_BATCH_MAX * AGG_ID_BYTES);
    sotto_status status = agg_read_end(&r, "the request for a batch", diag);
    if (status == SOTTO_OK)
        status = agg_store_task(a->db, batch.digest, &task, diag);
    if (status == SOTTO_OK)
        status = find_or_make(a, &task, &batch, ids, diag);
    if (status == SOTTO_OK)
        status = answer_batch(&batch, answer, diag);
    agg_batch_free(&batch);
    sotto_wipe(&task, sizeof task);
    return status;
}
