#include "store_priv.h"

sotto_status sotto_store_may_change(const sotto_store *store, sotto_diag *diag)
{
    if (store->broken)
        return sotto_diag_set(diag, SOTTO_ERR(STORE, CONFLICT),
                              "an error came before: the transaction can only be rolled back");
    return SOTTO_OK;
}

static sotto_status run(sotto_store *store, enum statement which, const char *what, sotto_diag *diag)
{
    sotto_status status;
    sqlite3_stmt *statement = sotto_store_take(store, which, &status, diag);
    return statement == NULL ? status : sotto_store_run(store, statement, what, diag);
}

sotto_status sotto_store_begin(sotto_store *store, sotto_diag *diag)
{
    if (store->in_transaction)
        return sotto_diag_set(diag, SOTTO_ERR(STORE, CONFLICT), "a transaction is open already");
    sotto_status status = run(store, STATEMENT_BEGIN, "begin a transaction", diag);
    store->in_transaction = status == SOTTO_OK;
    return status;
}

/* What was forgotten must not stay in the log. The records are gone even when this fails; it is tried again
 * after the next commit. */
static sotto_status truncate_log(sotto_store *store, sotto_diag *diag)
{
    int rc = sqlite3_wal_checkpoint_v2(store->db, "main", SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
    if (rc != SQLITE_OK)
        return sotto_store_error(store->db, rc, "truncate its log (the change itself is kept)", diag);
    store->truncate_log = false;
    return SOTTO_OK;
}

sotto_status sotto_store_commit(sotto_store *store, sotto_diag *diag)
{
    if (!store->in_transaction)
        return sotto_diag_set(diag, SOTTO_ERR(STORE, CONFLICT), "no transaction is open");
    sotto_status status = sotto_store_may_change(store, diag);
    if (status == SOTTO_OK)
        status = run(store, STATEMENT_COMMIT, "commit", diag);
    if (status != SOTTO_OK) {
        sotto_store_rollback(store);
        return status;
    }
    store->in_transaction = false;
    return store->truncate_log ? truncate_log(store, diag) : SOTTO_OK;
}

void sotto_store_rollback(sotto_store *store)
{
    if (!store->in_transaction)
        return;
    /* After some errors SQLite has rolled back already. */
    if (!sqlite3_get_autocommit(store->db))
        (void)run(store, STATEMENT_ROLLBACK, "roll back", NULL);
    store->in_transaction = false;
    store->broken = false;
}
