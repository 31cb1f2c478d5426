#include "registry_sql.h"

#include <stdio.h>
#include <string.h>

static sotto_status translate(int rc)
{
    switch (rc & 0xff) {
    case SQLITE_OK:
    case SQLITE_ROW:
    case SQLITE_DONE:
        return SOTTO_OK;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return SOTTO_ERR(HQ, BUSY);
    case SQLITE_FULL:
        return SOTTO_ERR(HQ, FULL);
    case SQLITE_NOMEM:
        return SOTTO_ERR(HQ, NO_MEMORY);
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        return SOTTO_ERR(HQ, CORRUPT);
    case SQLITE_PERM:
    case SQLITE_READONLY:
    case SQLITE_AUTH:
        return SOTTO_ERR(HQ, DENIED);
    case SQLITE_IOERR:
    case SQLITE_CANTOPEN:
    case SQLITE_PROTOCOL:
        return SOTTO_ERR(HQ, IO);
    case SQLITE_CONSTRAINT:
        return SOTTO_ERR(HQ, CONFLICT);
    case SQLITE_TOOBIG:
        return SOTTO_ERR(HQ, RANGE);
    default:
        return SOTTO_ERR(HQ, INTERNAL);
    }
}

sotto_status sql_status(sqlite3 *db, int rc, sotto_diag *diag)
{
    sotto_status status = translate(rc);
    if (status == SOTTO_OK)
        return status;
    return sotto_diag_at(diag, status, "registry", 0, "%s",
                         db != NULL ? sqlite3_errmsg(db) : "out of memory");
}

sql sql_begin(hq_registry *registry, const char *text, sotto_diag *diag)
{
    sql s = {.db = registry->db, .diag = diag};
    s.rc = sqlite3_prepare_v2(s.db, text, -1, &s.stmt, NULL);
    return s;
}

static void bound(sql *s, int rc)
{
    if (s->rc == SQLITE_OK)
        s->rc = rc;
}

void sql_text(sql *s, const char *text)
{
    bound(s, sqlite3_bind_text(s->stmt, ++s->at, text, -1, SQLITE_TRANSIENT));
}

void sql_i64(sql *s, int64_t value)
{
    bound(s, sqlite3_bind_int64(s->stmt, ++s->at, value));
}

void sql_blob(sql *s, const void *bytes, size_t len)
{
    bound(s, sqlite3_bind_blob64(s->stmt, ++s->at, bytes, len, SQLITE_STATIC));
}

bool sql_row(sql *s)
{
    if (s->rc != SQLITE_OK)
        return false;
    int rc = sqlite3_step(s->stmt);
    if (rc != SQLITE_ROW && rc != SQLITE_DONE)
        s->rc = rc;
    return rc == SQLITE_ROW;
}

int64_t sql_get_i64(sql *s, int column)
{
    return sqlite3_column_int64(s->stmt, column);
}

sotto_span sql_get_span(sql *s, int column)
{
    const void *bytes = sqlite3_column_blob(s->stmt, column);
    return sotto_span_of(bytes, (size_t)sqlite3_column_bytes(s->stmt, column));
}

void sql_get_bytes(sql *s, int column, void *out, size_t len)
{
    sotto_span found = sql_get_span(s, column);
    if (found.len == len)
        memcpy(out, found.ptr, len);
    else
        bound(s, SQLITE_CORRUPT);
}

void sql_get_text(sql *s, int column, char *out, size_t cap)
{
    const unsigned char *text = sqlite3_column_text(s->stmt, column);
    (void)snprintf(out, cap, "%s", text != NULL ? (const char *)text : "");
}

sotto_status sql_end(sql *s)
{
    sotto_status status = sql_status(s->db, s->rc, s->diag);
    (void)sqlite3_finalize(s->stmt); /* repeats the error of the last step */
    s->stmt = NULL;
    return status;
}

sotto_status sql_run(sql *s)
{
    while (sql_row(s))
        ;
    return sql_end(s);
}

sotto_status sql_exec(hq_registry *registry, const char *text, sotto_diag *diag)
{
    return sql_status(registry->db, sqlite3_exec(registry->db, text, NULL, NULL, NULL), diag);
}

/* SQLite ends a transaction itself on some errors; ROLLBACK is then refused, which is right as well. */
static sotto_status finish(hq_registry *registry, sotto_status status, sotto_diag *diag)
{
    if (status == SOTTO_OK)
        status = sql_exec(registry, "COMMIT", diag);
    if (status != SOTTO_OK && sqlite3_get_autocommit(registry->db) == 0)
        (void)sqlite3_exec(registry->db, "ROLLBACK", NULL, NULL, NULL);
    return status;
}

sotto_status sql_transaction(hq_registry *registry, sotto_diag *diag)
{
    return sql_exec(registry, registry->batch ? "SAVEPOINT one" : "BEGIN IMMEDIATE", diag);
}

sotto_status sql_close(hq_registry *registry, sotto_status status, sotto_diag *diag)
{
    if (!registry->batch)
        return finish(registry, status, diag);
    if (status == SOTTO_OK)
        return sql_exec(registry, "RELEASE one", diag);
    (void)!sql_exec(registry, "ROLLBACK TO one; RELEASE one", NULL);
    return status;
}

sotto_status hq_registry_batch_begin(hq_registry *registry, sotto_diag *diag)
{
    sotto_status status = sql_transaction(registry, diag);
    registry->batch = status == SOTTO_OK;
    return status;
}

sotto_status hq_registry_batch_end(hq_registry *registry, sotto_status status, sotto_diag *diag)
{
    registry->batch = false;
    return finish(registry, status, diag);
}
