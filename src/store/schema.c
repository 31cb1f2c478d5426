/* The tables (docs/formats/store.md) and the way from each older schema to the next. Steps are never changed,
 * only added: a terminal in the field may stand at any of them. */
#include "store_priv.h"

#include <stdio.h>

const sotto_store_step sotto_store_steps[] = {
    {"CREATE TABLE records (kind INTEGER NOT NULL, sub INTEGER NOT NULL, key BLOB NOT NULL, bytes BLOB NOT "
     "NULL,"
     " PRIMARY KEY (kind, sub, key)) STRICT, WITHOUT ROWID;"
     "CREATE TABLE named (name TEXT NOT NULL PRIMARY KEY, value ANY NOT NULL) STRICT, WITHOUT ROWID;"
     "CREATE TABLE outbox (seq INTEGER NOT NULL PRIMARY KEY, sealed_s INTEGER NOT NULL, acked_s INTEGER NOT "
     "NULL,"
     " sha256 BLOB NOT NULL, note TEXT NOT NULL, sealed BLOB NOT NULL) STRICT;"
     "CREATE INDEX outbox_waiting ON outbox (seq) WHERE acked_s = 0;"},
};
const size_t sotto_store_step_count = SOTTO_COUNT(sotto_store_steps);

static sotto_status run_steps(sqlite3 *db, const sotto_store_step *steps, size_t from, size_t count,
                              sotto_diag *diag)
{
    char versions[96];
    sotto_status status = sotto_store_exec(db, "BEGIN IMMEDIATE", "begin to change its schema", diag);
    for (size_t i = from; i < count && status == SOTTO_OK; i++)
        status = sotto_store_exec(db, steps[i].sql, "change its schema", diag);
    (void)snprintf(versions, sizeof versions, "PRAGMA application_id = %d; PRAGMA user_version = %zu; COMMIT",
                   SOTTO_STORE_APPLICATION_ID, count);
    if (status == SOTTO_OK)
        status = sotto_store_exec(db, versions, "finish the change of its schema", diag);
    if (status != SOTTO_OK && !sqlite3_get_autocommit(db))
        (void)sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
    return status;
}

sotto_status sotto_store_migrate(sqlite3 *db, const sotto_store_step *steps, size_t count, sotto_diag *diag)
{
    int64_t version = 0, application = 0, tables = 0;
    sotto_status status = sotto_store_query_i64(db, "PRAGMA user_version", &version, diag);
    if (status == SOTTO_OK)
        status = sotto_store_query_i64(db, "PRAGMA application_id", &application, diag);
    if (status == SOTTO_OK)
        status = sotto_store_query_i64(db, "SELECT count(*) FROM sqlite_master", &tables, diag);
    if (status != SOTTO_OK)
        return status;
    if (tables > 0 && application != SOTTO_STORE_APPLICATION_ID)
        return sotto_diag_set(diag, SOTTO_ERR(STORE, CORRUPT), "a database, but not a store of Sotto's");
    if (version < 0 || (uint64_t)version > count)
        return sotto_diag_set(diag, SOTTO_ERR(STORE, UNSUPPORTED),
                              "the store has schema %lld, newer than this program's %zu", (long long)version,
                              count);
    return (size_t)version == count ? SOTTO_OK : run_steps(db, steps, (size_t)version, count, diag);
}
