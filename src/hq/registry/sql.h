/*
 * SQL for the registry's own files: statements whose first error sticks, and transactions. What is asked is
 * written once, in the SQL that SQLite and PostgreSQL share; what differs stands behind a driver, one for
 * each store (sqlite.c, postgres.c).
 *
 * The shared SQL: parameters ?1, ?2 in the order in which they are bound; integers are 64 bits; text compares
 * by its bytes; ON CONFLICT names its columns before DO UPDATE; IS DISTINCT FROM; no rowid but report's.
 */
#ifndef SOTTO_HQ_REGISTRY_SQL_H
#define SOTTO_HQ_REGISTRY_SQL_H

#include "registry/registry.h"

#include <sqlite3.h>

typedef struct sql_driver sql_driver;

/* A statement of SQLite that stays compiled: its literal's address is its name. */
typedef struct sql_kept {
    const char *text;
    sqlite3_stmt *stmt;
    bool busy; /* between sql_begin and sql_end */
} sql_kept;
enum { SQL_KEPT_MAX = 64 };

struct hq_registry {
    const sql_driver *driver;
    sqlite3 *db; /* SQLite's */
    sql_kept kept[SQL_KEPT_MAX];
    size_t kept_count;
    bool watched;         /* SQLite: before it is used, its file is asked whether it was moved away */
    struct pg_line *line; /* PostgreSQL's */
    bool batch;           /* between hq_registry_batch_begin and _end: transactions are savepoints of one */
};

/* One statement. Bind in order, then step; sql_end gives the status of all of it. */
typedef struct sql {
    hq_registry *registry;
    void *stmt;          /* the driver's */
    sotto_status status; /* SOTTO_OK until something failed */
    int at;              /* last parameter bound */
    bool walk;           /* many rows: the visitor may run other statements, and no time-out ends it */
    sotto_diag *diag;
} sql;

/* text, a literal: it must stay. */
sql sql_begin(hq_registry *registry, const char *text, sotto_diag *diag);
sql sql_begin_walk(hq_registry *registry, const char *text, sotto_diag *diag);
void sql_text(sql *s, const char *text); /* texts and blobs must stay until sql_end */
void sql_i64(sql *s, int64_t value);
void sql_blob(sql *s, const void *bytes, size_t len); /* NULL is NULL */
bool sql_row(sql *s);                                 /* steps: true when there is a row */
int64_t sql_get_i64(sql *s, int column);              /* 0 for NULL */
/* Exactly len bytes, otherwise the statement fails as CORRUPT. */
void sql_get_bytes(sql *s, int column, void *out, size_t len);
sotto_span sql_get_span(sql *s, int column); /* until the next step; empty for NULL */
/* Cut to cap. */
void sql_get_text(sql *s, int column, char *out, size_t cap);
SOTTO_MUST_USE sotto_status sql_end(sql *s);
/* Runs the statement to its end and gives its status; *changes: rows that it put, changed or removed. */
SOTTO_MUST_USE sotto_status sql_run(sql *s);
SOTTO_MUST_USE sotto_status sql_run_changes(sql *s, int64_t *changes);

SOTTO_MUST_USE sotto_status sql_exec(hq_registry *registry, const char *text, sotto_diag *diag);
/* A write transaction. */
SOTTO_MUST_USE sotto_status sql_transaction(hq_registry *registry, sotto_diag *diag);
/* The same, and nobody else changes this device's row, code, certificates or session until it ends: what is
 * read of them stays true. The device need not exist. */
SOTTO_MUST_USE sotto_status sql_transaction_of(hq_registry *registry, const char *device, sotto_diag *diag);
/* Commits when status is SOTTO_OK, takes everything back otherwise; gives the first failure. */
SOTTO_MUST_USE sotto_status sql_close(hq_registry *registry, sotto_status status, sotto_diag *diag);
/* Its next token is taken whatever it had, a quarantine ends, and how it does is not known: whichever machine
 * calls next is another one, as far as anybody can tell. */
SOTTO_MUST_USE sotto_status sql_forget_session(hq_registry *registry, const char *device, sotto_diag *diag);
/* Up to which row of report all that will ever be there is there: another writer may hold a lower number
 * than one that can be read already. */
SOTTO_MUST_USE sotto_status sql_horizon(hq_registry *registry, int64_t *row, sotto_diag *diag);

/* ---- behind it ---- */

struct sql_driver {
    void (*prepare)(sql *s, const char *text);
    void (*bind_text)(sql *s, const char *text);
    void (*bind_i64)(sql *s, int64_t value);
    void (*bind_blob)(sql *s, const void *bytes, size_t len);
    bool (*step)(sql *s);
    int64_t (*get_i64)(sql *s, int column);
    sotto_span (*get_span)(sql *s, int column);
    int64_t (*changes)(sql *s);
    void (*end)(sql *s);
    sotto_status (*exec)(hq_registry *registry, const char *text, sotto_diag *diag);
    sotto_status (*begin)(hq_registry *registry, sotto_diag *diag);
    sotto_status (*commit)(hq_registry *registry, sotto_diag *diag);
    void (*rollback)(hq_registry *registry);
    sotto_status (*lock)(hq_registry *registry, const char *device, sotto_diag *diag);
    sotto_status (*horizon)(hq_registry *registry, int64_t *row, sotto_diag *diag);
    /* After rows with their numbers came from another store; NULL: nothing is left to do. */
    sotto_status (*copied)(hq_registry *registry, sotto_diag *diag);
    void (*close)(hq_registry *registry);
};
/* The members that every driver has, by functions of their names. */
#define SQL_DRIVER_STEPS                                                                                     \
    .prepare = prepare, .bind_text = bind_text, .bind_i64 = bind_i64, .bind_blob = bind_blob, .step = step,  \
    .get_i64 = get_i64, .get_span = get_span, .changes = changes, .end = end, .exec = exec, .begin = begin,  \
    .commit = commit, .rollback = rollback, .lock = lock, .horizon = horizon
extern const sql_driver sql_sqlite, sql_postgres;

/* Keeps the first failure. */
void sql_fail(sql *s, sotto_status status);
sotto_status sqlite_status(sqlite3 *db, int rc, sotto_diag *diag);
/* An empty registry object of a store. */
hq_registry *registry_new(const sql_driver *driver, sotto_diag *diag);

/* A store (hq_registry_open, hq_registry_create): files, and postgresql:// */
typedef struct registry_store {
    const char *const *prefixes; /* of `where`, NULL-ended; NULL = any */
    sotto_status (*open)(hq_registry *registry, const char *where, sotto_diag *diag);
    sotto_status (*create)(hq_registry *registry, const char *where, sotto_diag *diag);
    const sql_driver *driver;
} registry_store;
extern const registry_store registry_sqlite, registry_postgres;
/* Where a file's registry is. Any but HERE refuses whoever has it open or opens it; it is on the disk, so
 * that it holds for every process. */
enum registry_mark { REGISTRY_HERE, REGISTRY_MOVING, REGISTRY_MOVED };
/* Opens a file for whoever moves it away: one that is not moved yet is marked MOVING, on the disk, when this
 * returns. *found: what it was marked before. */
SOTTO_MUST_USE sotto_status registry_file_take(hq_registry **out, const char *path, enum registry_mark *found,
                                               sotto_diag *diag);
/* Of a file that was taken, in a write transaction. */
SOTTO_MUST_USE sotto_status registry_file_marked(hq_registry *registry, enum registry_mark *mark,
                                                 sotto_diag *diag);
SOTTO_MUST_USE sotto_status registry_file_mark(hq_registry *registry, enum registry_mark mark,
                                               sotto_diag *diag);
/* A store with the schema and nothing in it yet, made when it is not there. */
SOTTO_MUST_USE sotto_status registry_open_empty(hq_registry **out, const char *where, sotto_diag *diag);
/* EXISTS when there is one. */
SOTTO_MUST_USE sotto_status registry_put_office(hq_registry *registry, const char *name, int64_t created_s,
                                                sotto_diag *diag);

#endif
