/* The registry as a SQLite file: statements, opening, its schema and the steps between schemas
 * (docs/formats/registry.md).
 */
#include "registry/sql.h"

#include "sotto/port.h"

#include <stdio.h>
#include <string.h>

/* The file's application_id: tells a registry from any other SQLite file. "SHQr". */
#define APPLICATION_ID  0x53485172
#define BUSY_TIMEOUT_MS 10000
/* user_version is the schema, plus this for each step of enum registry_mark: a program that knows no marks
 * takes it for a newer schema, and refuses it too. */
#define MARK 1000000

/* ---- statements ---- */

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
    /* That our disk may not be written is no word about whoever asked. */
    case SQLITE_PERM:
    case SQLITE_READONLY:
    case SQLITE_AUTH:
    case SQLITE_IOERR:
    case SQLITE_CANTOPEN:
    case SQLITE_PROTOCOL:
        return SOTTO_ERR(HQ, IO);
    case SQLITE_CONSTRAINT:
        return SOTTO_ERR(HQ, CONFLICT);
    default:
        return SOTTO_ERR(HQ, INTERNAL);
    }
}

sotto_status sqlite_status(sqlite3 *db, int rc, sotto_diag *diag)
{
    sotto_status status = translate(rc);
    if (status == SOTTO_OK)
        return status;
    return sotto_diag_at(diag, status, "registry", 0, "%s",
                         db != NULL ? sqlite3_errmsg(db) : "out of memory");
}

static void check(sql *s, int rc)
{
    sql_fail(s, sqlite_status(s->registry->db, rc, s->diag));
}

static sotto_status read_version(sqlite3 *db, int64_t *version, sotto_diag *diag)
{
    sqlite3_stmt *stmt = NULL;
    int rc = sqlite3_prepare_v2(db, "PRAGMA user_version", -1, &stmt, NULL);
    if (rc == SQLITE_OK)
        rc = sqlite3_step(stmt);
    *version = rc == SQLITE_ROW ? sqlite3_column_int64(stmt, 0) : 0;
    sotto_status status = sqlite_status(db, rc, diag);
    (void)sqlite3_finalize(stmt);
    return status;
}

/* A report runs the same ten statements as the one before it, and to compile them costs more than to run
 * them. NULL: not compiled yet, or in use by a visitor of its own rows. */
static sqlite3_stmt *take_kept(hq_registry *registry, const char *text)
{
    for (size_t i = 0; i < registry->kept_count; i++) {
        sql_kept *k = &registry->kept[i];
        if (k->text == text && !k->busy) {
            k->busy = true;
            return k->stmt;
        }
    }
    return NULL;
}

static void keep(hq_registry *registry, const char *text, sqlite3_stmt *stmt)
{
    if (stmt != NULL && registry->kept_count < SQL_KEPT_MAX)
        registry->kept[registry->kept_count++] = (sql_kept){.text = text, .stmt = stmt, .busy = true};
}

static int compile(hq_registry *registry, const char *text, sqlite3_stmt **stmt)
{
    *stmt = take_kept(registry, text);
    if (*stmt != NULL)
        return SQLITE_OK;
    int rc = sqlite3_prepare_v3(registry->db, text, -1, SQLITE_PREPARE_PERSISTENT, stmt, NULL);
    keep(registry, text, *stmt);
    return rc;
}

static void let_go(hq_registry *registry, sqlite3_stmt *stmt)
{
    for (size_t i = 0; i < registry->kept_count; i++) {
        if (registry->kept[i].stmt == stmt) {
            (void)sqlite3_reset(stmt);
            (void)sqlite3_clear_bindings(stmt);
            registry->kept[i].busy = false;
            return;
        }
    }
    (void)sqlite3_finalize(stmt);
}

/* A collector that has the file open when it is moved away must not go on with it: what it acknowledged would
 * be nowhere. IO: the terminal keeps its report and comes again. */
static sotto_status check_here(hq_registry *registry, sotto_diag *diag)
{
    static const char query[] = "PRAGMA user_version";
    sqlite3_stmt *stmt = NULL;
    if (!registry->watched)
        return SOTTO_OK;
    int rc = compile(registry, query, &stmt);
    if (rc == SQLITE_OK)
        rc = sqlite3_step(stmt);
    int64_t version = rc == SQLITE_ROW ? sqlite3_column_int64(stmt, 0) : 0;
    sotto_status status = sqlite_status(registry->db, rc, diag);
    let_go(registry, stmt);
    if (status == SOTTO_OK && version >= MARK)
        status = sotto_diag_at(diag, SOTTO_ERR(HQ, IO), "registry", 0,
                               "this registry was moved into a database: start this program anew");
    return status;
}

/* Within a transaction begin has looked, and holds the lock. */
static void prepare(sql *s, const char *text)
{
    hq_registry *registry = s->registry;
    sqlite3_stmt *stmt = NULL;
    if (sqlite3_get_autocommit(registry->db) != 0)
        sql_fail(s, check_here(registry, s->diag));
    if (s->status != SOTTO_OK)
        return;
    check(s, compile(registry, text, &stmt));
    s->stmt = stmt;
}

static void bind_text(sql *s, const char *text)
{
    check(s, sqlite3_bind_text(s->stmt, s->at, text, -1, SQLITE_TRANSIENT));
}

static void bind_i64(sql *s, int64_t value)
{
    check(s, sqlite3_bind_int64(s->stmt, s->at, value));
}

static void bind_blob(sql *s, const void *bytes, size_t len)
{
    check(s, sqlite3_bind_blob64(s->stmt, s->at, bytes, len, SQLITE_STATIC));
}

static bool step(sql *s)
{
    int rc = sqlite3_step(s->stmt);
    check(s, rc);
    return rc == SQLITE_ROW;
}

static int64_t get_i64(sql *s, int column)
{
    return sqlite3_column_int64(s->stmt, column);
}

static sotto_span get_span(sql *s, int column)
{
    const void *bytes = sqlite3_column_blob(s->stmt, column);
    return sotto_span_of(bytes, (size_t)sqlite3_column_bytes(s->stmt, column));
}

static int64_t changes(sql *s)
{
    return sqlite3_changes64(s->registry->db);
}

/* Both repeat the error of the last step. What was bound is the caller's, and gone after this. */
static void end(sql *s)
{
    let_go(s->registry, s->stmt);
}

static sotto_status exec(hq_registry *registry, const char *text, sotto_diag *diag)
{
    return sqlite_status(registry->db, sqlite3_exec(registry->db, text, NULL, NULL, NULL), diag);
}

/* SQLite ends a transaction itself on some errors. */
static void rollback(hq_registry *registry)
{
    if (sqlite3_get_autocommit(registry->db) == 0)
        (void)sqlite3_exec(registry->db, "ROLLBACK", NULL, NULL, NULL);
}

/* The lock of the whole file is taken at once, so that what is read in it stays true. */
static sotto_status begin(hq_registry *registry, sotto_diag *diag)
{
    sotto_status status = exec(registry, "BEGIN IMMEDIATE", diag);
    if (status == SOTTO_OK && (status = check_here(registry, diag)) != SOTTO_OK)
        rollback(registry);
    return status;
}

static sotto_status commit(hq_registry *registry, sotto_diag *diag)
{
    return exec(registry, "COMMIT", diag);
}

static sotto_status lock(hq_registry *registry, const char *device, sotto_diag *diag)
{
    (void)registry, (void)device, (void)diag; /* begin has the file's */
    return SOTTO_OK;
}

/* One writer at a time: rows are numbered in the order in which they can be read. */
static sotto_status horizon(hq_registry *registry, int64_t *row, sotto_diag *diag)
{
    (void)registry, (void)diag;
    *row = INT64_MAX;
    return SOTTO_OK;
}

static void close_file(hq_registry *registry)
{
    for (size_t i = 0; i < registry->kept_count; i++)
        (void)sqlite3_finalize(registry->kept[i].stmt);
    (void)sqlite3_close(registry->db);
}

const sql_driver sql_sqlite = {SQL_DRIVER_STEPS, .close = close_file};

/* ---- schema ---- */

/* Schema 1. The unique constraints on report make counting once a property of the database. */
#define SCHEMA_1                                                                                             \
    "PRAGMA application_id = 1397248370;"                                                                    \
    "CREATE TABLE office (name TEXT NOT NULL, created_s INTEGER NOT NULL) STRICT;"                           \
    "CREATE TABLE device ( "                                                                                 \
    "id TEXT PRIMARY KEY, state INTEGER NOT NULL CHECK (state BETWEEN 0 AND 2), "                            \
    "invited_s INTEGER NOT NULL, enrolled_s INTEGER NOT NULL DEFAULT 0, revoked_s INTEGER NOT NULL DEFAULT " \
    "0, "                                                                                                    \
    "report_key BLOB, chain INTEGER NOT NULL DEFAULT 0) STRICT, WITHOUT ROWID;"                              \
    "CREATE TABLE code ( "                                                                                   \
    "device TEXT PRIMARY KEY REFERENCES device (id), hash BLOB NOT NULL UNIQUE, "                            \
    "made_s INTEGER NOT NULL, expires_s INTEGER NOT NULL, used_s INTEGER NOT NULL DEFAULT 0) "               \
    "STRICT, WITHOUT ROWID;"                                                                                 \
    "CREATE TABLE certificate ( "                                                                            \
    "sha256 BLOB PRIMARY KEY, device TEXT NOT NULL REFERENCES device (id), "                                 \
    "issued_s INTEGER NOT NULL, not_after_s INTEGER NOT NULL, replaced_s INTEGER NOT NULL DEFAULT 0) "       \
    "STRICT, WITHOUT ROWID;"                                                                                 \
    "CREATE INDEX certificate_device ON certificate (device);"                                               \
    "CREATE TABLE release ( "                                                                                \
    "version INTEGER PRIMARY KEY, published_s INTEGER NOT NULL, tasks BLOB NOT NULL) STRICT;"                \
    "CREATE TABLE report ( "                                                                                 \
    "device TEXT NOT NULL REFERENCES device (id), chain INTEGER NOT NULL, seq INTEGER NOT NULL, "            \
    "sha256 BLOB NOT NULL, previous BLOB NOT NULL, received_s INTEGER NOT NULL, "                            \
    "release INTEGER NOT NULL REFERENCES release (version), task INTEGER NOT NULL, "                         \
    "period_day INTEGER NOT NULL, period_days INTEGER NOT NULL, "                                            \
    "epsilon_ueps INTEGER NOT NULL, bound INTEGER NOT NULL, "                                                \
    "alarms INTEGER NOT NULL, counts INTEGER NOT NULL CHECK (counts IN (0, 1)), "                            \
    "cells BLOB NOT NULL, sealed BLOB NOT NULL, UNIQUE (device, chain, seq)) STRICT;"                        \
    "CREATE UNIQUE INDEX report_once ON report (device, chain, task, period_day) WHERE counts = 1;"          \
    "CREATE INDEX report_period ON report (task, period_day);"                                               \
    "CREATE TABLE alarm ( "                                                                                  \
    "device TEXT NOT NULL, kind TEXT NOT NULL, count INTEGER NOT NULL, "                                     \
    "first_s INTEGER NOT NULL, last_s INTEGER NOT NULL, PRIMARY KEY (device, kind)) STRICT, WITHOUT ROWID;"

/* Schema 2: reports that will not come, and the continuation token of each device. */
#define SCHEMA_2                                                                                             \
    "CREATE TABLE absent ( "                                                                                 \
    "device TEXT NOT NULL REFERENCES device (id), chain INTEGER NOT NULL, seq INTEGER NOT NULL, "            \
    "sha256 BLOB NOT NULL, reason TEXT NOT NULL, told_s INTEGER NOT NULL, "                                  \
    "PRIMARY KEY (device, chain, seq)) STRICT, WITHOUT ROWID;"                                               \
    "CREATE TABLE session ( "                                                                                \
    "device TEXT PRIMARY KEY REFERENCES device (id), token TEXT NOT NULL, before TEXT NOT NULL, "            \
    "shown_s INTEGER NOT NULL, quarantined_s INTEGER NOT NULL DEFAULT 0) STRICT, WITHOUT ROWID;"

/* Schema 3: every key that signed reports of a device keeps its chain. Of keys before the one in use an older
 * file knows nothing. */
#define SCHEMA_3                                                                                             \
    "CREATE TABLE report_key ( "                                                                             \
    "device TEXT NOT NULL REFERENCES device (id), public_key BLOB NOT NULL, chain INTEGER NOT NULL, "        \
    "PRIMARY KEY (device, public_key), UNIQUE (device, chain)) STRICT, WITHOUT ROWID;"                       \
    "INSERT INTO report_key(device, public_key, chain) "                                                     \
    "SELECT id, report_key, chain FROM device WHERE report_key IS NOT NULL;"

/* Schema 4: how each device does, as it told last. */
#define SCHEMA_4                                                                                             \
    "CREATE TABLE health ( "                                                                                 \
    "device TEXT PRIMARY KEY REFERENCES device (id), told_s INTEGER NOT NULL, release INTEGER NOT NULL, "    \
    "good INTEGER NOT NULL, failed INTEGER NOT NULL, why TEXT NOT NULL, program TEXT NOT NULL, "             \
    "disk_free_mib INTEGER NOT NULL, waiting INTEGER NOT NULL, clock_ahead_min INTEGER NOT NULL) "           \
    "STRICT, WITHOUT ROWID;"

/* Step i brings a file of user_version i to i + 1. A step that was once released never changes. */
static const char *const MIGRATIONS[] = {SCHEMA_1, SCHEMA_2, SCHEMA_3, SCHEMA_4};
_Static_assert(SOTTO_COUNT(MIGRATIONS) == HQ_REGISTRY_SCHEMA, "one step for each schema");

static sotto_status read_pragma(hq_registry *registry, const char *text, int64_t *value, sotto_diag *diag)
{
    sql s = sql_begin(registry, text, diag);
    *value = sql_row(&s) ? sql_get_i64(&s, 0) : -1;
    return sql_end(&s);
}

static sotto_status put_version(hq_registry *registry, int64_t version, sotto_diag *diag)
{
    char text[48];
    (void)snprintf(text, sizeof text, "PRAGMA user_version = %d", (int)version);
    return sql_exec(registry, text, diag);
}

static sotto_status one_step(hq_registry *registry, int64_t from, sotto_diag *diag)
{
    sotto_status status = sql_exec(registry, MIGRATIONS[from], diag);
    return status == SOTTO_OK ? put_version(registry, from + 1, diag) : status;
}

sotto_status registry_file_marked(hq_registry *registry, enum registry_mark *mark, sotto_diag *diag)
{
    int64_t version = 0;
    sotto_status status = read_version(registry->db, &version, diag);
    *mark = (enum registry_mark)(version / MARK);
    return status;
}

sotto_status registry_file_mark(hq_registry *registry, enum registry_mark mark, sotto_diag *diag)
{
    return put_version(registry, HQ_REGISTRY_SCHEMA + (int64_t)mark * MARK, diag);
}

/* All missing steps in one transaction; another process may have done them while we waited for the lock.
 * taken: NULL, or to be marked MOVING in the same transaction. */
static sotto_status migrate(hq_registry *registry, enum registry_mark *taken, sotto_diag *diag)
{
    int64_t version = 0;
    sotto_status status = sql_transaction(registry, diag);
    if (status != SOTTO_OK)
        return status;
    status = read_version(registry->db, &version, diag);
    enum registry_mark mark = (enum registry_mark)(version / MARK);
    if (mark == REGISTRY_HERE || (taken != NULL && mark == REGISTRY_MOVING))
        for (version %= MARK; status == SOTTO_OK && version < HQ_REGISTRY_SCHEMA; version++)
            status = one_step(registry, version, diag);
    if (status == SOTTO_OK && taken != NULL && mark != REGISTRY_MOVED)
        status = registry_file_mark(registry, REGISTRY_MOVING, diag);
    if (taken != NULL)
        *taken = mark;
    return sql_close(registry, status, diag);
}

static sotto_status check_mark(int64_t mark, const char *path, sotto_diag *diag)
{
    if (mark == REGISTRY_HERE)
        return SOTTO_OK;
    return sotto_diag_at(diag, SOTTO_ERR(HQ, NOT_FOUND), path, 0,
                         mark == REGISTRY_MOVING
                             ? "this registry is being moved into a database: when that was cut off, start "
                               "serve with the same --store again"
                             : "this registry was moved into a database: --store, or the file 'store' beside "
                               "it, says which");
}

static sotto_status check_identity(hq_registry *registry, const char *path, bool take, sotto_diag *diag)
{
    int64_t application, version;
    sotto_status status = read_pragma(registry, "PRAGMA application_id", &application, diag);
    if (status == SOTTO_OK)
        status = read_pragma(registry, "PRAGMA user_version", &version, diag);
    if (status != SOTTO_OK)
        return status;
    if (application != APPLICATION_ID || version < 1)
        return sotto_diag_at(diag, SOTTO_ERR(HQ, CORRUPT), path, 0,
                             "this is not a registry of head office: put the backup in its place");
    if (version % MARK > HQ_REGISTRY_SCHEMA || version / MARK > REGISTRY_MOVED)
        return sotto_diag_at(diag, SOTTO_ERR(HQ, UNSUPPORTED), path, 0,
                             "a newer sotto-hq made this registry (schema %lld, this program knows %d)",
                             (long long)version, HQ_REGISTRY_SCHEMA);
    return take ? SOTTO_OK : check_mark(version / MARK, path, diag);
}

static sotto_status configure(hq_registry *registry, sotto_diag *diag)
{
    (void)sqlite3_extended_result_codes(registry->db, 1);
    (void)sqlite3_busy_timeout(registry->db, BUSY_TIMEOUT_MS);
    (void)sqlite3_db_config(registry->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    /* WAL so that `totals` reads while `serve` writes; FULL because an acknowledgement promises the disk. */
    return sql_exec(registry,
                    "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;"
                    "PRAGMA trusted_schema = OFF;",
                    diag);
}

static sotto_status open_file(hq_registry *registry, const char *path, sotto_diag *diag)
{
    int rc = sqlite3_open_v2(path, &registry->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOFOLLOW, NULL);
    return sqlite_status(registry->db, rc, diag);
}

static sotto_status open_or_take(hq_registry *registry, const char *path, enum registry_mark *taken,
                                 sotto_diag *diag)
{
    if (!sotto_port_exists(path))
        return sotto_diag_at(diag, SOTTO_ERR(HQ, NOT_FOUND), path, 0, "there is no registry");
    sotto_status status = open_file(registry, path, diag);
    /* Before anything is changed in a file that may be somebody else's. */
    if (status == SOTTO_OK)
        status = check_identity(registry, path, taken != NULL, diag);
    if (status == SOTTO_OK)
        status = configure(registry, diag);
    return status == SOTTO_OK ? migrate(registry, taken, diag) : status;
}

static sotto_status open_registry(hq_registry *registry, const char *path, sotto_diag *diag)
{
    sotto_status status = open_or_take(registry, path, NULL, diag);
    registry->watched = true;
    return status;
}

sotto_status registry_file_take(hq_registry **out, const char *path, enum registry_mark *found,
                                sotto_diag *diag)
{
    hq_registry *registry = registry_new(&sql_sqlite, diag);
    *out = NULL;
    if (registry == NULL)
        return SOTTO_ERR(HQ, NO_MEMORY);
    sotto_status status = open_or_take(registry, path, found, diag);
    if (status == SOTTO_OK)
        *out = registry;
    else
        hq_registry_close(registry);
    return status;
}

static sotto_status create_registry(hq_registry *registry, const char *path, sotto_diag *diag)
{
    /* An empty file is a valid empty database; creating it first gives it its mode, and EXISTS. */
    sotto_status status = sotto_port_create_file(path, sotto_span_of(NULL, 0), 0600, diag);
    if (status == SOTTO_OK)
        status = open_file(registry, path, diag);
    if (status == SOTTO_OK)
        status = configure(registry, diag);
    return status == SOTTO_OK ? migrate(registry, NULL, diag) : status;
}

const registry_store registry_sqlite = {
    .open = open_registry, .create = create_registry, .driver = &sql_sqlite};
