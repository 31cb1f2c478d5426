#include "store_priv.h"

#include <assert.h>

static const char *const SQL[STATEMENTS] = {
#define X(name, sql) [STATEMENT_##name] = sql,
    SOTTO_STORE_STATEMENTS(X)
#undef X
};

sqlite3_stmt *sotto_store_take(sotto_store *store, enum statement which, sotto_status *status,
                               sotto_diag *diag)
{
    sqlite3_stmt **slot = &store->statements[which];
    *status = SOTTO_OK;
    if (*slot == NULL) {
        int rc = sqlite3_prepare_v3(store->db, SQL[which], -1, SQLITE_PREPARE_PERSISTENT, slot, NULL);
        if (rc != SQLITE_OK) {
            *status = sotto_store_broke(store, rc, "prepare a statement", diag);
            return NULL;
        }
    }
    if (sqlite3_stmt_busy(*slot)) {
        *status = sotto_diag_set(diag, SOTTO_ERR(STORE, CONFLICT), "a walk inside a walk of the same kind");
        return NULL;
    }
    return *slot;
}

void sotto_store_release(sqlite3_stmt *statement)
{
    (void)sqlite3_reset(statement);          /* repeats the error of the last step, which was told already */
    (void)sqlite3_clear_bindings(statement); /* they point to memory of callers */
}

sotto_status sotto_store_run(sotto_store *store, sqlite3_stmt *statement, const char *what, sotto_diag *diag)
{
    int rc = sqlite3_step(statement);
    assert(rc != SQLITE_ROW);
    sotto_status status = rc == SQLITE_DONE ? SOTTO_OK : sotto_store_broke(store, rc, what, diag);
    sotto_store_release(statement);
    return status;
}

sotto_status sotto_store_step_row(sotto_store *store, sqlite3_stmt *statement, bool *row, const char *what,
                                  sotto_diag *diag)
{
    int rc = sqlite3_step(statement);
    *row = rc == SQLITE_ROW;
    if (*row)
        return SOTTO_OK;
    sotto_status status = rc == SQLITE_DONE ? SOTTO_OK : sotto_store_broke(store, rc, what, diag);
    sotto_store_release(statement);
    return status;
}

sotto_status sotto_store_exec(sqlite3 *db, const char *sql, const char *what, sotto_diag *diag)
{
    int rc = sqlite3_exec(db, sql, NULL, NULL, NULL);
    return rc == SQLITE_OK ? SOTTO_OK : sotto_store_error(db, rc, what, diag);
}

sotto_status sotto_store_query_i64(sqlite3 *db, const char *sql, int64_t *out, sotto_diag *diag)
{
    sqlite3_stmt *statement = NULL;
    *out = 0;
    int rc = sqlite3_prepare_v2(db, sql, -1, &statement, NULL);
    if (rc == SQLITE_OK)
        rc = sqlite3_step(statement);
    if (rc == SQLITE_ROW)
        *out = sqlite3_column_int64(statement, 0);
    (void)sqlite3_finalize(statement);
    return rc == SQLITE_ROW ? SOTTO_OK : sotto_store_error(db, rc, "be asked about itself", diag);
}
