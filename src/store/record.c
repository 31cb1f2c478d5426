#include "store_priv.h"

#include <assert.h>

/* Takes a statement whose first parameters are kind, sub and key (key may be NULL: not bound). */
static sqlite3_stmt *take(sotto_store *store, enum statement which, enum sotto_record kind, int64_t sub,
                          const uint8_t *key, sotto_status *status, sotto_diag *diag)
{
    assert(kind >= SOTTO_RECORD_PROFILE && kind <= SOTTO_RECORD_PACKED);
    sqlite3_stmt *statement = sotto_store_take(store, which, status, diag);
    if (statement == NULL)
        return NULL;
    int rc = sqlite3_bind_int(statement, 1, (int)kind);
    if (rc == SQLITE_OK && sqlite3_bind_parameter_count(statement) >= 2)
        rc = sqlite3_bind_int64(statement, 2, sub);
    if (rc == SQLITE_OK && key != NULL)
        rc = sqlite3_bind_blob(statement, 3, key, SOTTO_CUSTOMER_KEY_BYTES, SQLITE_STATIC);
    if (rc == SQLITE_OK)
        return statement;
    *status = sotto_store_broke(store, rc, "bind a value", diag);
    sotto_store_release(statement);
    return NULL;
}

static sotto_span column_span(sqlite3_stmt *statement, int column)
{
    const void *bytes = sqlite3_column_blob(statement, column); /* NULL for no bytes */
    int len = sqlite3_column_bytes(statement, column);
    return (sotto_span){.ptr = bytes, .len = bytes == NULL ? 0 : (size_t)len};
}

sotto_status sotto_store_get(sotto_store *store, enum sotto_record kind,
                             const uint8_t key[static SOTTO_CUSTOMER_KEY_BYTES], int64_t sub, sotto_buf *out,
                             sotto_diag *diag)
{
    sotto_status status;
    bool row = false;
    sqlite3_stmt *statement = take(store, STATEMENT_RECORD_GET, kind, sub, key, &status, diag);
    if (statement == NULL)
        return status;
    status = sotto_store_step_row(store, statement, &row, "read a record", diag);
    if (status != SOTTO_OK)
        return status;
    if (!row)
        return sotto_diag_set(diag, SOTTO_ERR(STORE, NOT_FOUND), "no such record");
    sotto_span bytes = column_span(statement, 0);
    if (sotto_buf_put(out, bytes.ptr, bytes.len) != SOTTO_OK)
        status = sotto_diag_set(diag, SOTTO_ERR(STORE, NO_SPACE), "a record of %zu bytes, room for %zu",
                                bytes.len, out->cap - out->len);
    sotto_store_release(statement);
    return status;
}

sotto_status sotto_store_put(sotto_store *store, enum sotto_record kind,
                             const uint8_t key[static SOTTO_CUSTOMER_KEY_BYTES], int64_t sub,
                             sotto_span bytes, sotto_diag *diag)
{
    sotto_status status = sotto_store_may_change(store, diag);
    if (status != SOTTO_OK)
        return status;
    sqlite3_stmt *statement = take(store, STATEMENT_RECORD_PUT, kind, sub, key, &status, diag);
    if (statement == NULL)
        return status;
    const void *ptr = bytes.len > 0 ? (const void *)bytes.ptr : ""; /* NULL would be SQL's NULL */
    int rc = sqlite3_bind_blob64(statement, 4, ptr, bytes.len, SQLITE_STATIC);
    if (rc == SQLITE_OK)
        return sotto_store_run(store, statement, "write a record", diag);
    sotto_store_release(statement);
    return sotto_store_broke(store, rc, "write a record", diag);
}

static sotto_status run_drop(sotto_store *store, enum statement which, enum sotto_record kind,
                             const uint8_t *key, int64_t sub, bool *dropped, sotto_diag *diag)
{
    sotto_status status = sotto_store_may_change(store, diag);
    if (status != SOTTO_OK)
        return status;
    sqlite3_stmt *statement = take(store, which, kind, sub, key, &status, diag);
    if (statement == NULL)
        return status;
    status = sotto_store_run(store, statement, "delete a record", diag);
    *dropped = status == SOTTO_OK && sqlite3_changes(store->db) > 0;
    return status;
}

sotto_status sotto_store_drop(sotto_store *store, enum sotto_record kind,
                              const uint8_t key[static SOTTO_CUSTOMER_KEY_BYTES], int64_t sub,
                              sotto_diag *diag)
{
    bool dropped = false;
    sotto_status status = run_drop(store, STATEMENT_RECORD_DROP, kind, key, sub, &dropped, diag);
    if (status == SOTTO_OK && !dropped)
        return sotto_diag_set(diag, SOTTO_ERR(STORE, NOT_FOUND), "no such record");
    return status;
}

sotto_status sotto_store_drop_all(sotto_store *store, enum sotto_record kind, int64_t sub, sotto_diag *diag)
{
    bool dropped = false;
    return run_drop(store, STATEMENT_RECORD_DROP_ALL, kind, NULL, sub, &dropped, diag);
}

/* Smallest sub >= from. */
static sotto_status next_sub(sotto_store *store, enum sotto_record kind, int64_t from, bool *found,
                             int64_t *sub, sotto_diag *diag)
{
    sotto_status status;
    *found = false;
    sqlite3_stmt *statement = take(store, STATEMENT_RECORD_NEXT_SUB, kind, from, NULL, &status, diag);
    if (statement == NULL)
        return status;
    status = sotto_store_step_row(store, statement, found, "look for a record", diag);
    if (*found) {
        *sub = sqlite3_column_int64(statement, 0);
        sotto_store_release(statement);
    }
    return status;
}

sotto_status sotto_store_next_sub(sotto_store *store, enum sotto_record kind, int64_t from, int64_t *sub,
                                  sotto_diag *diag)
{
    bool found;
    *sub = 0;
    sotto_status status = next_sub(store, kind, from, &found, sub, diag);
    if (status == SOTTO_OK && !found)
        return sotto_diag_set(diag, SOTTO_ERR(STORE, NOT_FOUND), "no record of that kind");
    return status;
}

sotto_status sotto_store_first_sub(sotto_store *store, enum sotto_record kind, int64_t *sub, sotto_diag *diag)
{
    return sotto_store_next_sub(store, kind, INT64_MIN, sub, diag);
}

/* The key of the table begins with kind and sub, so the few subs in use are visited one by one. */
static sotto_status forget_kind(sotto_store *store, enum sotto_record kind, const uint8_t *key, bool *any,
                                sotto_diag *diag)
{
    bool found;
    int64_t sub = INT64_MIN;
    sotto_status status = next_sub(store, kind, sub, &found, &sub, diag);
    while (status == SOTTO_OK && found) {
        bool dropped = false;
        status = run_drop(store, STATEMENT_RECORD_DROP, kind, key, sub, &dropped, diag);
        *any = *any || dropped;
        if (status != SOTTO_OK || sub == INT64_MAX)
            break;
        status = next_sub(store, kind, sub + 1, &found, &sub, diag);
    }
    return status;
}

static sotto_status forget_all(sotto_store *store, const uint8_t *key, sotto_diag *diag)
{
    static const enum sotto_record FORGOTTEN[] = {SOTTO_RECORD_PROFILE, SOTTO_RECORD_COUNTERS,
                                                  SOTTO_RECORD_CONTRIBUTION, SOTTO_RECORD_HISTORY,
                                                  SOTTO_RECORD_PACKED};
    bool any = false;
    sotto_status status = SOTTO_OK;
    for (size_t i = 0; i < SOTTO_COUNT(FORGOTTEN) && status == SOTTO_OK; i++)
        status = forget_kind(store, FORGOTTEN[i], key, &any, diag);
    if (status == SOTTO_OK && !any)
        return sotto_diag_set(diag, SOTTO_ERR(STORE, NOT_FOUND), "nothing is stored about this customer");
    return status;
}

sotto_status sotto_store_forget(sotto_store *store, const uint8_t key[static SOTTO_CUSTOMER_KEY_BYTES],
                                sotto_diag *diag)
{
    bool own = !store->in_transaction;
    sotto_status status = own ? sotto_store_begin(store, diag) : SOTTO_OK;
    if (status != SOTTO_OK)
        return status;
    status = forget_all(store, key, diag);
    store->truncate_log = store->truncate_log || status == SOTTO_OK;
    if (!own)
        return status;
    if (status == SOTTO_OK)
        return sotto_store_commit(store, diag);
    sotto_store_rollback(store);
    return status;
}

sotto_status sotto_store_each(sotto_store *store, enum sotto_record kind, int64_t sub,
                              sotto_store_visit visit, void *ctx, sotto_diag *diag)
{
    sotto_status status;
    sqlite3_stmt *statement = take(store, STATEMENT_RECORD_EACH, kind, sub, NULL, &status, diag);
    if (statement == NULL)
        return status;
    bool row = false;
    while ((status = sotto_store_step_row(store, statement, &row, "walk its records", diag)) == SOTTO_OK &&
           row) {
        sotto_span key = column_span(statement, 0);
        status = key.len == SOTTO_CUSTOMER_KEY_BYTES
                     ? visit(ctx, key.ptr, column_span(statement, 1))
                     : sotto_store_broke(store, SQLITE_CORRUPT, "read a key", diag);
        if (status != SOTTO_OK) {
            sotto_store_release(statement);
            break;
        }
    }
    return status;
}

sotto_status sotto_store_count(sotto_store *store, enum sotto_record kind, uint64_t *count, sotto_diag *diag)
{
    sotto_status status;
    bool row = false;
    *count = 0;
    sqlite3_stmt *statement = take(store, STATEMENT_RECORD_COUNT, kind, 0, NULL, &status, diag);
    if (statement == NULL)
        return status;
    status = sotto_store_step_row(store, statement, &row, "count its records", diag);
    if (row) {
        *count = (uint64_t)sqlite3_column_int64(statement, 0);
        sotto_store_release(statement);
    }
    return status;
}
