/* SQL for the registry's own files: statements whose first error sticks, and transactions. */
#ifndef SOTTO_HQ_REGISTRY_SQL_H
#define SOTTO_HQ_REGISTRY_SQL_H

#include "registry.h"

#include <sqlite3.h>

struct hq_registry {
    sqlite3 *db;
    bool batch; /* between hq_registry_batch_begin and _end: transactions are savepoints of one */
};

/* One statement. Bind in order, then step; sql_end gives the status of all of it. */
typedef struct sql {
    sqlite3 *db;
    sqlite3_stmt *stmt;
    int rc; /* SQLITE_OK until something failed */
    int at; /* last parameter bound */
    sotto_diag *diag;
} sql;

sotto_status sql_status(sqlite3 *db, int rc, sotto_diag *diag);
sql sql_begin(hq_registry *registry, const char *text, sotto_diag *diag);
void sql_text(sql *s, const char *text);
void sql_i64(sql *s, int64_t value);
void sql_blob(sql *s, const void *bytes, size_t len); /* must stay until sql_end */
bool sql_row(sql *s);                                 /* steps: true when there is a row */
int64_t sql_get_i64(sql *s, int column);
/* Exactly len bytes, otherwise the statement fails as CORRUPT. */
void sql_get_bytes(sql *s, int column, void *out, size_t len);
sotto_span sql_get_span(sql *s, int column); /* until the next step */
/* Cut to cap. */
void sql_get_text(sql *s, int column, char *out, size_t cap);
SOTTO_MUST_USE sotto_status sql_end(sql *s);
/* Runs the statement to its end and gives its status. */
SOTTO_MUST_USE sotto_status sql_run(sql *s);

SOTTO_MUST_USE sotto_status sql_exec(hq_registry *registry, const char *text, sotto_diag *diag);
/* A write transaction: the lock is taken at once, so that what is read in it stays true. */
SOTTO_MUST_USE sotto_status sql_transaction(hq_registry *registry, sotto_diag *diag);
/* Commits when status is SOTTO_OK, takes everything back otherwise; gives the first failure. */
SOTTO_MUST_USE sotto_status sql_close(hq_registry *registry, sotto_status status, sotto_diag *diag);

#endif
