/* Reports in an aggregator's file, from their arrival to their batch. */
#include "aggregate/aggregate.h"
#include "registry/sql.h"

#include <stdlib.h>
#include <string.h>

static void wipe_free(uint8_t **memory, size_t len)
{
    if (*memory != NULL)
        sotto_wipe(*memory, len);
    free(*memory);
    *memory = NULL;
}

void agg_report_free(agg_report *report)
{
    free(report->bytes);
    wipe_free(&report->verify_state, report->state_size);
    wipe_free(&report->out_share, report->share_size);
    free(report->verifier);
    *report = (agg_report){0};
}

static sotto_span move(sotto_span from, uint8_t **to)
{
    sotto_span out = {*to, from.len};
    if (from.len > 0)
        memcpy(*to, from.ptr, from.len);
    *to += from.len;
    return out;
}

sotto_status agg_report_copy(agg_report *out, const sotto_split_report *r, sotto_diag *diag)
{
    *out = (agg_report){.r = *r};
    out->bytes = malloc(r->public_share.len + r->share[0].len + r->share[1].len + 1);
    if (out->bytes == NULL)
        return sotto_diag_set(diag, SOTTO_ERR(HQ, NO_MEMORY), "no memory for a report");
    uint8_t *at = out->bytes;
    out->r.public_share = move(r->public_share, &at);
    for (size_t i = 0; i < SOTTO_SPLIT_PARTIES; i++)
        out->r.share[i] = move(r->share[i], &at);
    return SOTTO_OK;
}

static void bind_span(sql *s, sotto_span bytes)
{
    sql_blob(s, bytes.len > 0 ? (const void *)bytes.ptr : "", bytes.len);
}

/* Which of the two rules it breaks, for the reason that the sender gets. */
static sotto_status told_conflict(hq_registry *db, const agg_report *report, sotto_diag *diag)
{
    sql s = sql_begin(db, "SELECT 1 FROM report WHERE id = ?1", NULL);
    sql_blob(&s, report->r.id, sizeof report->r.id);
    bool same_id = sql_row(&s);
    (void)!sql_end(&s);
    if (diag != NULL)
        *diag = (sotto_diag){0};
    return sotto_diag_set(diag, SOTTO_ERR(HQ, CONFLICT), "%s",
                          same_id ? "replayed: a report with this id was taken before"
                                  : "this terminal's period was reported before");
}

sotto_status agg_store_put(hq_registry *db, const agg_report *report, sotto_diag *diag)
{
    const sotto_split_report *r = &report->r;
    sql s = sql_begin(db,
                      "INSERT INTO report(id, task, device, seq, release, period_day, state, why, request,"
                      " message, public_share, leader, helper)"
                      " VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)",
                      diag);
    sql_blob(&s, r->id, sizeof r->id);
    sql_blob(&s, r->digest, sizeof r->digest);
    sql_text(&s, r->device);
    sql_i64(&s, (int64_t)r->seq);
    sql_i64(&s, (int64_t)r->release_version);
    sql_i64(&s, r->period_day);
    sql_i64(&s, report->state);
    sql_text(&s, report->why);
    sql_blob(&s, report->request, sizeof report->request);
    sql_blob(&s, report->message, sizeof report->message);
    bind_span(&s, r->public_share);
    bind_span(&s, r->share[0]);
    bind_span(&s, r->share[1]);
    sotto_status status = sql_run(&s);
    if (sotto_status_cause(status) == SOTTO_CAUSE_CONFLICT)
        return told_conflict(db, report, diag);
    return status;
}

sotto_status agg_store_find(hq_registry *db, const uint8_t *id, agg_report *out, sotto_diag *diag)
{
    *out = (agg_report){0};
    sql s = sql_begin(db, "SELECT state, why, request, message, task FROM report WHERE id = ?1", diag);
    sql_blob(&s, id, AGG_ID_BYTES);
    bool found = sql_row(&s);
    if (found) {
        out->state = (enum agg_state)sql_get_i64(&s, 0);
        sql_get_text(&s, 1, out->why, sizeof out->why);
        sql_get_bytes(&s, 2, out->request, sizeof out->request);
        sql_get_bytes(&s, 3, out->message, sizeof out->message);
        sql_get_bytes(&s, 4, out->r.digest, sizeof out->r.digest);
    }
    sotto_status status = sql_end(&s);
    return status == SOTTO_OK && !found ? SOTTO_ERR(HQ, NOT_FOUND) : status;
}

static sotto_status take_waiting(sql *s, agg_report *out, sotto_diag *diag)
{
    sotto_split_report r = {0};
    sql_get_bytes(s, 0, r.id, sizeof r.id);
    sql_get_bytes(s, 1, r.digest, sizeof r.digest);
    sql_get_text(s, 2, r.device, sizeof r.device);
    r.seq = (uint64_t)sql_get_i64(s, 3);
    r.release_version = (uint64_t)sql_get_i64(s, 4);
    r.period_day = (int32_t)sql_get_i64(s, 5);
    r.public_share = sql_get_span(s, 6);
    r.share[0] = sql_get_span(s, 7);
    r.share[1] = sql_get_span(s, 8);
    sotto_status status = agg_report_copy(out, &r, diag);
    out->row = sql_get_i64(s, 9);
    return status;
}

#define WAITING_COLUMNS                                                                                      \
    "SELECT id, task, device, seq, release, period_day, public_share, leader, helper, rowid FROM report"
/* What was set aside keeps its reason while it is tried again, and so its place behind all others. */
#define FRESH " WHERE state = 0 AND why = ''"
#define ASIDE " WHERE state = 0 AND why <> '' AND (task, rowid) > (?2, ?3)"

sotto_status agg_store_waiting(hq_registry *db, const agg_place *aside, agg_report out[static AGG_JOB],
                               size_t *count, sotto_diag *diag)
{
    static const char fresh[] = WAITING_COLUMNS FRESH " AND task = (SELECT task FROM report" FRESH
                                                      " ORDER BY rowid LIMIT 1) ORDER BY rowid LIMIT ?1";
    static const char again[] = WAITING_COLUMNS ASIDE
        " AND task = (SELECT task FROM report" ASIDE " ORDER BY task, rowid LIMIT 1) ORDER BY rowid LIMIT ?1";
    sotto_status status = SOTTO_OK;
    *count = 0;
    sql s = sql_begin(db, aside == NULL ? fresh : again, diag);
    sql_i64(&s, AGG_JOB);
    if (aside != NULL) {
        sql_blob(&s, aside->digest, sizeof aside->digest);
        sql_i64(&s, aside->row);
    }
    while (status == SOTTO_OK && *count < AGG_JOB && sql_row(&s)) {
        status = take_waiting(&s, &out[*count], diag);
        *count += status == SOTTO_OK;
    }
    sotto_status ended = sql_end(&s);
    return ended != SOTTO_OK ? ended : status;
}

sotto_status agg_store_set_aside(hq_registry *db, const uint8_t *id, const char *why, sotto_diag *diag)
{
    sql s = sql_begin(db, "UPDATE report SET why = ?2 WHERE id = ?1 AND state = 0", diag);
    sql_blob(&s, id, AGG_ID_BYTES);
    sql_text(&s, why);
    return sql_run(&s);
}

sotto_status agg_store_set_aside_task(hq_registry *db, const uint8_t *digest, const char *why,
                                      uint64_t *count, sotto_diag *diag)
{
    sql s = sql_begin(db, "UPDATE report SET why = ?2 WHERE task = ?1 AND state = 0", diag);
    sql_blob(&s, digest, SOTTO_SHA256_BYTES);
    sql_text(&s, why);
    sotto_status status = sql_run(&s);
    *count = status == SOTTO_OK ? (uint64_t)sqlite3_changes(db->db) : 0;
    return status;
}

sotto_status agg_store_judged(hq_registry *db, const agg_report *report, sotto_diag *diag)
{
    bool verified = report->state == AGG_VERIFIED;
    sql s = sql_begin(db,
                      "UPDATE report SET state = ?2, why = ?3, out_share = CASE WHEN ?2 = 1 THEN ?4 END,"
                      " public_share = NULL, leader = NULL, helper = NULL WHERE id = ?1",
                      diag);
    sql_blob(&s, report->r.id, sizeof report->r.id);
    sql_i64(&s, report->state);
    sql_text(&s, report->why);
    sql_blob(&s, verified ? (const void *)report->out_share : "", verified ? report->share_size : 0);
    return sql_run(&s);
}

/* ---- batches ---- */

sotto_status agg_store_shares(hq_registry *db, const uint8_t *batch, agg_share_visit visit, void *ctx,
                              sotto_diag *diag)
{
    uint8_t id[AGG_ID_BYTES];
    sotto_status visited = SOTTO_OK;
    sql s = sql_begin(db, "SELECT id, period_day, out_share FROM report WHERE batch = ?1 ORDER BY id", diag);
    sql_blob(&s, batch, AGG_ID_BYTES);
    while (visited == SOTTO_OK && sql_row(&s)) {
        sql_get_bytes(&s, 0, id, sizeof id);
        visited = visit(ctx, id, (int32_t)sql_get_i64(&s, 1), sql_get_span(&s, 2));
    }
    sotto_status status = sql_end(&s);
    return status != SOTTO_OK ? status : visited;
}

sotto_status agg_store_take_one(hq_registry *db, const agg_batch *batch, const uint8_t *id, sotto_diag *diag)
{
    sql s = sql_begin(db, "UPDATE report SET state = 3, batch = ?2 WHERE id = ?3 AND task = ?1 AND state = 1",
                      diag);
    sql_blob(&s, batch->digest, sizeof batch->digest);
    sql_blob(&s, batch->id, sizeof batch->id);
    sql_blob(&s, id, AGG_ID_BYTES);
    sotto_status status = sql_run(&s);
    if (status == SOTTO_OK && sqlite3_changes(db->db) != 1)
        return sotto_diag_set(diag, SOTTO_ERR(HQ, CONFLICT),
                              "a report of the batch was never verified here, or is in another batch");
    return status;
}

sotto_status agg_store_take_all(hq_registry *db, const agg_batch *batch, uint64_t *count, sotto_diag *diag)
{
    sql s = sql_begin(db,
                      "UPDATE report SET state = 3, batch = ?2 WHERE task = ?1 AND state = 1"
                      " AND period_day BETWEEN ?3 AND ?4",
                      diag);
    sql_blob(&s, batch->digest, sizeof batch->digest);
    sql_blob(&s, batch->id, sizeof batch->id);
    sql_i64(&s, batch->first_day);
    sql_i64(&s, batch->last_day);
    sotto_status status = sql_run(&s);
    *count = status == SOTTO_OK ? (uint64_t)sqlite3_changes(db->db) : 0;
    return status;
}
