#include "store_priv.h"

/* Takes a statement with the name bound. */
static sqlite3_stmt *take(sotto_store *store, enum statement which, const char *name, sotto_status *status,
                          sotto_diag *diag)
{
    sqlite3_stmt *statement = sotto_store_take(store, which, status, diag);
    if (statement == NULL)
        return NULL;
    int rc = sqlite3_bind_text(statement, 1, name, -1, SQLITE_STATIC);
    if (rc == SQLITE_OK)
        return statement;
    *status = sotto_store_broke(store, rc, "bind a name", diag);
    sotto_store_release(statement);
    return NULL;
}

/* The row of a name, of that type; the caller releases *out. */
static sotto_status find(sotto_store *store, const char *name, int type, sqlite3_stmt **out, sotto_diag *diag)
{
    sotto_status status;
    bool row = false;
    *out = take(store, STATEMENT_NAMED_GET, name, &status, diag);
    if (*out == NULL)
        return status;
    status = sotto_store_step_row(store, *out, &row, "read a named value", diag);
    if (status != SOTTO_OK)
        return status;
    if (!row)
        return sotto_diag_set(diag, SOTTO_ERR(STORE, NOT_FOUND), "\"%s\" is not set", name);
    if (sqlite3_column_type(*out, 0) == type)
        return SOTTO_OK;
    sotto_store_release(*out);
    return sotto_diag_set(diag, SOTTO_ERR(STORE, CONFLICT), "\"%s\" is a value of another type", name);
}

sotto_status sotto_store_get_i64(sotto_store *store, const char *name, int64_t *value, sotto_diag *diag)
{
    sqlite3_stmt *statement;
    *value = 0;
    sotto_status status = find(store, name, SQLITE_INTEGER, &statement, diag);
    if (status != SOTTO_OK)
        return status;
    *value = sqlite3_column_int64(statement, 0);
    sotto_store_release(statement);
    return SOTTO_OK;
}

sotto_status sotto_store_get_blob(sotto_store *store, const char *name, sotto_buf *out, sotto_diag *diag)
{
    sqlite3_stmt *statement;
    sotto_status status = find(store, name, SQLITE_BLOB, &statement, diag);
    if (status != SOTTO_OK)
        return status;
    const void *bytes = sqlite3_column_blob(statement, 0);
    size_t len = (size_t)sqlite3_column_bytes(statement, 0);
    if (sotto_buf_put(out, bytes, bytes == NULL ? 0 : len) != SOTTO_OK)
        status = sotto_diag_set(diag, SOTTO_ERR(STORE, NO_SPACE), "\"%s\" has %zu bytes, room for %zu", name,
                                len, out->cap - out->len);
    sotto_store_release(statement);
    return status;
}

static sotto_status set(sotto_store *store, sqlite3_stmt *statement, int bound, sotto_diag *diag)
{
    if (bound == SQLITE_OK)
        return sotto_store_run(store, statement, "write a named value", diag);
    sotto_store_release(statement);
    return sotto_store_broke(store, bound, "write a named value", diag);
}

sotto_status sotto_store_set_i64(sotto_store *store, const char *name, int64_t value, sotto_diag *diag)
{
    sotto_status status = sotto_store_may_change(store, diag);
    if (status != SOTTO_OK)
        return status;
    sqlite3_stmt *statement = take(store, STATEMENT_NAMED_SET, name, &status, diag);
    return statement == NULL ? status : set(store, statement, sqlite3_bind_int64(statement, 2, value), diag);
}

sotto_status sotto_store_set_blob(sotto_store *store, const char *name, sotto_span value, sotto_diag *diag)
{
    sotto_status status = sotto_store_may_change(store, diag);
    if (status != SOTTO_OK)
        return status;
    sqlite3_stmt *statement = take(store, STATEMENT_NAMED_SET, name, &status, diag);
    if (statement == NULL)
        return status;
    const void *ptr = value.len > 0 ? (const void *)value.ptr : "";
    return set(store, statement, sqlite3_bind_blob64(statement, 2, ptr, value.len, SQLITE_STATIC), diag);
}
