/* What one party of mode B remembers. The unique constraints make counting once a property of the file. */
#include "aggregate/aggregate.h"
#include "registry/sql.h"

#include <stdlib.h>
#include <string.h>

#define BUSY_TIMEOUT_MS 10000

/* "SHQa". A report's id is unique over all tasks and batches; a terminal has one report a task and period. */
#define SCHEMA                                                                                               \
    "BEGIN IMMEDIATE; PRAGMA application_id = 1397248353; PRAGMA user_version = 1;"                          \
    "CREATE TABLE task (digest BLOB PRIMARY KEY, task_id INTEGER NOT NULL, encoded BLOB NOT NULL,"           \
    " part BLOB NOT NULL, key BLOB) STRICT;"                                                                 \
    "CREATE TABLE report (id BLOB PRIMARY KEY, task BLOB NOT NULL REFERENCES task (digest),"                 \
    " device TEXT NOT NULL, seq INTEGER NOT NULL, release INTEGER NOT NULL, period_day INTEGER NOT NULL,"    \
    " state INTEGER NOT NULL CHECK (state BETWEEN 0 AND 3), why TEXT NOT NULL, request BLOB NOT NULL,"       \
    " message BLOB NOT NULL, public_share BLOB, leader BLOB, helper BLOB, out_share BLOB, batch BLOB,"       \
    " UNIQUE (task, device, period_day)) STRICT;"                                                            \
    "CREATE INDEX report_state ON report (task, state, period_day);"                                         \
    "CREATE INDEX report_batch ON report (batch);"                                                           \
    "CREATE TABLE batch (id BLOB PRIMARY KEY, task BLOB NOT NULL REFERENCES task (digest),"                  \
    " closed INTEGER NOT NULL CHECK (closed IN (0, 1)), count INTEGER NOT NULL, first_day INTEGER NOT NULL," \
    " last_day INTEGER NOT NULL, reports BLOB NOT NULL, own BLOB NOT NULL, helper BLOB NOT NULL) STRICT;"    \
    "CREATE TABLE forwarded (row INTEGER NOT NULL) STRICT; INSERT INTO forwarded VALUES (0); COMMIT;"
#define APPLICATION_ID 1397248353

const char *agg_role_name(enum agg_role role)
{
    static const char *const names[] = {
#define X(name, text) text,
        AGG_ROLES(X)
#undef X
    };
    return role < AGG_ROLE_COUNT ? names[role] : "?";
}

/* ---- the file ---- */

static sotto_status set_up(hq_registry *db, const char *path, bool create, sotto_diag *diag)
{
    (void)sqlite3_extended_result_codes(db->db, 1);
    (void)sqlite3_busy_timeout(db->db, BUSY_TIMEOUT_MS);
    if (create) {
        sotto_status made = sql_exec(db, SCHEMA, diag);
        if (made != SOTTO_OK)
            return made;
    }
    sql s = sql_begin(db, "PRAGMA application_id", diag);
    int64_t application = sql_row(&s) ? sql_get_i64(&s, 0) : -1;
    sotto_status status = sql_end(&s);
    if (status == SOTTO_OK && application != APPLICATION_ID)
        status = sotto_diag_at(diag, SOTTO_ERR(HQ, CORRUPT), path, 0, "this is not an aggregator's file");
    /* FULL: what was answered to a peer is on the disk. secure_delete: shares that are dropped are gone. */
    return status == SOTTO_OK ? sql_exec(db,
                                         "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"
                                         "PRAGMA foreign_keys = ON; PRAGMA trusted_schema = OFF;"
                                         "PRAGMA secure_delete = ON;",
                                         diag)
                              : status;
}

sotto_status agg_store_open(hq_registry **out, const char *path, bool create, sotto_diag *diag)
{
    *out = NULL;
    sotto_status status = SOTTO_OK;
    if (create)
        status = sotto_port_create_file(path, sotto_span_of(NULL, 0), 0600, diag);
    else if (!sotto_port_exists(path))
        status = sotto_diag_at(diag, SOTTO_ERR(HQ, NOT_FOUND), path, 0,
                               "there is no party of mode B here: sotto-hq aggregate init");
    if (status != SOTTO_OK)
        return status;
    hq_registry *db = registry_new(&sql_sqlite, diag);
    if (db == NULL)
        return SOTTO_ERR(HQ, NO_MEMORY);
    int rc = sqlite3_open_v2(path, &db->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOFOLLOW, NULL);
    status = sqlite_status(db->db, rc, diag);
    if (status == SOTTO_OK)
        status = set_up(db, path, create, diag);
    if (status == SOTTO_OK)
        *out = db;
    else
        hq_registry_close(db);
    return status;
}

/* ---- tasks ---- */

sotto_status agg_store_task_add(hq_registry *db, const sotto_split_task *task, const sotto_entropy *entropy,
                                bool *added, sotto_diag *diag)
{
    uint8_t bytes[SOTTO_SPLIT_TASK_MAX], digest[SOTTO_SHA256_BYTES], part[AGG_PART_BYTES];
    sotto_buf encoded = sotto_buf_of(bytes, sizeof bytes);
    sotto_status status = sotto_split_task_write(task, &encoded, diag);
    if (status == SOTTO_OK)
        status = sotto_split_task_digest(task, digest, diag);
    if (status == SOTTO_OK)
        status = entropy->fill(entropy->ctx, part, sizeof part);
    if (status != SOTTO_OK)
        return status;
    sql s = sql_begin(db,
                      "INSERT INTO task(digest, task_id, encoded, part) VALUES(?1, ?2, ?3, ?4)"
                      " ON CONFLICT DO NOTHING",
                      diag);
    sql_blob(&s, digest, sizeof digest);
    sql_i64(&s, task->task_id);
    sql_blob(&s, encoded.ptr, encoded.len);
    sql_blob(&s, part, sizeof part);
    status = sql_run(&s);
    *added = status == SOTTO_OK && sqlite3_changes(db->db) == 1;
    sotto_wipe(part, sizeof part);
    return status;
}

/* Columns digest, encoded, part, key. */
static sotto_status take_task(sql *s, agg_task *out, bool *found, sotto_diag *diag)
{
    sotto_status status = SOTTO_OK;
    *out = (agg_task){0};
    if ((*found = sql_row(s))) {
        status = sotto_split_task_read(&out->task, sql_get_span(s, 1), diag);
        sql_get_bytes(s, 0, out->digest, sizeof out->digest);
        sql_get_bytes(s, 2, out->part, sizeof out->part);
        out->has_key = sql_get_span(s, 3).len > 0;
        if (out->has_key)
            sql_get_bytes(s, 3, out->key, sizeof out->key);
    }
    sotto_status ended = sql_end(s);
    if (ended == SOTTO_OK && status == SOTTO_OK && *found)
        status = sotto_split_prio3(&out->task, &out->prio3, diag);
    return ended != SOTTO_OK ? ended : status;
}

sotto_status agg_store_task(hq_registry *db, const uint8_t *digest, agg_task *out, sotto_diag *diag)
{
    bool found;
    sql s = sql_begin(db, "SELECT digest, encoded, part, key FROM task WHERE digest = ?1", diag);
    sql_blob(&s, digest, SOTTO_SHA256_BYTES);
    sotto_status status = take_task(&s, out, &found, diag);
    if (status == SOTTO_OK && !found)
        return sotto_diag_set(diag, SOTTO_ERR(HQ, NOT_FOUND),
                              "the task, as it is defined there, is not known here: sotto-hq aggregate task");
    return status;
}

sotto_status agg_store_task_by_id(hq_registry *db, uint32_t task_id, agg_task *out, sotto_diag *diag)
{
    bool found;
    sql s = sql_begin(
        db, "SELECT digest, encoded, part, key FROM task WHERE task_id = ?1 ORDER BY rowid DESC LIMIT 1",
        diag);
    sql_i64(&s, task_id);
    sotto_status status = take_task(&s, out, &found, diag);
    if (status == SOTTO_OK && !found)
        return sotto_diag_set(diag, SOTTO_ERR(HQ, NOT_FOUND),
                              "task %u of mode B is not known here: sotto-hq aggregate task",
                              (unsigned)task_id);
    return status;
}

sotto_status agg_store_tasks(hq_registry *db, agg_task_visit visit, void *ctx, sotto_diag *diag)
{
    uint8_t digest[SOTTO_SHA256_BYTES];
    sotto_status visited = SOTTO_OK;
    sql s = sql_begin(db, "SELECT digest, task_id FROM task ORDER BY rowid DESC", diag);
    while (visited == SOTTO_OK && sql_row(&s)) {
        sql_get_bytes(&s, 0, digest, sizeof digest);
        visited = visit(ctx, digest, (uint32_t)sql_get_i64(&s, 1));
    }
    sotto_status status = sql_end(&s);
    return status != SOTTO_OK ? status : visited;
}

sotto_status agg_store_task_key(hq_registry *db, agg_task *task, const uint8_t *key, sotto_diag *diag)
{
    if (task->has_key) {
        if (sotto_equal_secret(task->key, key, sizeof task->key))
            return SOTTO_OK;
        return sotto_diag_set(diag, SOTTO_ERR(HQ, CONFLICT),
                              "the task's verification key was agreed before, with another half");
    }
    sql s = sql_begin(db, "UPDATE task SET key = ?2 WHERE digest = ?1 AND key IS NULL", diag);
    sql_blob(&s, task->digest, sizeof task->digest);
    sql_blob(&s, key, SOTTO_PRIO3_VERIFY_KEY_BYTES);
    sotto_status status = sql_run(&s);
    if (status == SOTTO_OK) {
        memcpy(task->key, key, sizeof task->key);
        task->has_key = true;
    }
    return status;
}

/* ---- batches ---- */

void agg_batch_free(agg_batch *batch)
{
    for (size_t i = 0; i < SOTTO_SPLIT_PARTIES; i++)
        sotto_vec_free(&batch->share[i]);
    *batch = (agg_batch){0};
}

/* The row that the statement stands on. */
static sotto_status read_batch(sql *s, agg_batch *out)
{
    sotto_status put = SOTTO_OK;
    sql_get_bytes(s, 0, out->id, sizeof out->id);
    sql_get_bytes(s, 1, out->digest, sizeof out->digest);
    out->closed = sql_get_i64(s, 2) == 1;
    out->count = (uint64_t)sql_get_i64(s, 3);
    out->first_day = (int32_t)sql_get_i64(s, 4);
    out->last_day = (int32_t)sql_get_i64(s, 5);
    sql_get_bytes(s, 6, out->reports, sizeof out->reports);
    for (int i = 0; i < SOTTO_SPLIT_PARTIES && put == SOTTO_OK; i++) {
        sotto_span bytes = sql_get_span(s, 7 + i);
        sotto_vec_init(&out->share[i], AGG_TOTAL_ROOM);
        put = bytes.len == 0 ? SOTTO_OK : sotto_vec_put(&out->share[i], bytes.ptr, bytes.len);
    }
    return put;
}

static sotto_status take_batch(sql *s, agg_batch *out, bool *found)
{
    sotto_status put = SOTTO_OK;
    *out = (agg_batch){0};
    if ((*found = sql_row(s)))
        put = read_batch(s, out);
    sotto_status status = sql_end(s);
    if (status == SOTTO_OK)
        status = put;
    if (status != SOTTO_OK)
        agg_batch_free(out);
    return status;
}

#define BATCH_COLUMNS "id, task, closed, count, first_day, last_day, reports, own, helper"

sotto_status agg_store_batch(hq_registry *db, const uint8_t *id, agg_batch *out, sotto_diag *diag)
{
    bool found;
    sql s = sql_begin(db, "SELECT " BATCH_COLUMNS " FROM batch WHERE id = ?1", diag);
    sql_blob(&s, id, AGG_ID_BYTES);
    sotto_status status = take_batch(&s, out, &found);
    return status == SOTTO_OK && !found ? SOTTO_ERR(HQ, NOT_FOUND) : status;
}

sotto_status agg_store_batch_open(hq_registry *db, const uint8_t *digest, agg_batch *out, sotto_diag *diag)
{
    bool found;
    sql s = sql_begin(
        db, "SELECT " BATCH_COLUMNS " FROM batch WHERE task = ?1 AND closed = 0 ORDER BY rowid LIMIT 1",
        diag);
    sql_blob(&s, digest, SOTTO_SHA256_BYTES);
    sotto_status status = take_batch(&s, out, &found);
    return status == SOTTO_OK && !found ? SOTTO_ERR(HQ, NOT_FOUND) : status;
}

sotto_status agg_store_batches(hq_registry *db, const uint8_t *digest, agg_batch_visit visit, void *ctx,
                               sotto_diag *diag)
{
    sotto_status visited = SOTTO_OK;
    sql s = sql_begin(db, "SELECT " BATCH_COLUMNS " FROM batch WHERE task = ?1 AND closed = 1 ORDER BY rowid",
                      diag);
    sql_blob(&s, digest, SOTTO_SHA256_BYTES);
    while (visited == SOTTO_OK && sql_row(&s)) {
        agg_batch batch = {0};
        visited = read_batch(&s, &batch);
        if (visited == SOTTO_OK)
            visited = visit(ctx, &batch);
        agg_batch_free(&batch);
    }
    sotto_status status = sql_end(&s);
    return status != SOTTO_OK ? status : visited;
}

static void bind_batch(sql *s, const agg_batch *batch)
{
    sql_blob(s, batch->id, sizeof batch->id);
    sql_blob(s, batch->digest, sizeof batch->digest);
    sql_i64(s, batch->closed);
    sql_i64(s, (int64_t)batch->count);
    sql_i64(s, batch->first_day);
    sql_i64(s, batch->last_day);
    sql_blob(s, batch->reports, sizeof batch->reports);
    for (size_t i = 0; i < SOTTO_SPLIT_PARTIES; i++)
        sql_blob(s, batch->share[i].ptr != NULL ? (const void *)batch->share[i].ptr : "",
                 batch->share[i].len);
}

sotto_status agg_store_batch_put(hq_registry *db, const agg_batch *batch, sotto_diag *diag)
{
    sql s =
        sql_begin(db,
                  "INSERT INTO batch(" BATCH_COLUMNS ") VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)"
                  " ON CONFLICT (id) DO UPDATE SET closed = ?3, count = ?4, first_day = ?5, last_day = ?6,"
                  " reports = ?7, own = ?8, helper = ?9 WHERE closed = 0 AND task = ?2",
                  diag);
    bind_batch(&s, batch);
    sotto_status status = sql_run(&s);
    if (status == SOTTO_OK && sqlite3_changes(db->db) != 1)
        status = sotto_diag_set(diag, SOTTO_ERR(HQ, CONFLICT), "the batch is closed already");
    return status;
}

sotto_status agg_store_batch_close(hq_registry *db, const agg_batch *batch, sotto_diag *diag)
{
    sotto_status status = agg_store_batch_put(db, batch, diag);
    if (status != SOTTO_OK)
        return status;
    sql s = sql_begin(db, "UPDATE report SET out_share = NULL WHERE batch = ?1", diag);
    sql_blob(&s, batch->id, sizeof batch->id);
    return sql_run(&s);
}

/* ---- sums for people, and the collector's place ---- */

sotto_status agg_store_counts(hq_registry *db, uint64_t reports[static 4], uint64_t *batches,
                              sotto_diag *diag)
{
    memset(reports, 0, 4 * sizeof *reports);
    *batches = 0;
    sql s = sql_begin(db, "SELECT state, count(*) FROM report GROUP BY state", diag);
    while (sql_row(&s))
        reports[sql_get_i64(&s, 0) & 3] = (uint64_t)sql_get_i64(&s, 1);
    sotto_status status = sql_end(&s);
    if (status != SOTTO_OK)
        return status;
    s = sql_begin(db, "SELECT count(*) FROM batch WHERE closed = 1", diag);
    if (sql_row(&s))
        *batches = (uint64_t)sql_get_i64(&s, 0);
    return sql_end(&s);
}

sotto_status agg_store_reasons(hq_registry *db, enum agg_state state, agg_why_visit visit, void *ctx,
                               sotto_diag *diag)
{
    char why[AGG_WHY_MAX];
    sql s = sql_begin(
        db, "SELECT why, count(*) FROM report WHERE state = ?1 AND why <> '' GROUP BY why ORDER BY why",
        diag);
    sql_i64(&s, state);
    while (sql_row(&s)) {
        sql_get_text(&s, 0, why, sizeof why);
        visit(ctx, why, (uint64_t)sql_get_i64(&s, 1));
    }
    return sql_end(&s);
}

sotto_status agg_store_forwarded(hq_registry *db, int64_t *row, sotto_diag *diag)
{
    sql s = sql_begin(db, "SELECT row FROM forwarded", diag);
    *row = sql_row(&s) ? sql_get_i64(&s, 0) : 0;
    return sql_end(&s);
}

sotto_status agg_store_set_forwarded(hq_registry *db, int64_t row, sotto_diag *diag)
{
    sql s = sql_begin(db, "UPDATE forwarded SET row = ?1", diag);
    sql_i64(&s, row);
    return sql_run(&s);
}
