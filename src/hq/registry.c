/* The registry as a SQLite file: opening, its schema and the steps between schemas
 * (docs/formats/registry.md).
 */
#include "registry_sql.h"

#include "sotto/port.h"

#include <stdio.h>
#include <string.h>

/* The file's application_id: tells a registry from any other SQLite file. "SHQr". */
#define APPLICATION_ID  0x53485172
#define BUSY_TIMEOUT_MS 10000

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

/* Step i brings a file of user_version i to i + 1. A step that was once released never changes. */
static const char *const MIGRATIONS[] = {SCHEMA_1, SCHEMA_2};
_Static_assert(SOTTO_COUNT(MIGRATIONS) == HQ_REGISTRY_SCHEMA, "one step for each schema");

static sotto_status read_pragma(hq_registry *registry, const char *text, int64_t *value, sotto_diag *diag)
{
    sql s = sql_begin(registry, text, diag);
    *value = sql_row(&s) ? sql_get_i64(&s, 0) : -1;
    return sql_end(&s);
}

static sotto_status one_step(hq_registry *registry, int64_t from, sotto_diag *diag)
{
    char text[48];
    (void)snprintf(text, sizeof text, "PRAGMA user_version = %d", (int)from + 1);
    sotto_status status = sql_exec(registry, MIGRATIONS[from], diag);
    return status == SOTTO_OK ? sql_exec(registry, text, diag) : status;
}

/* All missing steps in one transaction; another process may have done them while we waited for the lock. */
static sotto_status migrate(hq_registry *registry, sotto_diag *diag)
{
    int64_t version;
    sotto_status status = sql_transaction(registry, diag);
    if (status != SOTTO_OK)
        return status;
    status = read_pragma(registry, "PRAGMA user_version", &version, diag);
    for (; status == SOTTO_OK && version < HQ_REGISTRY_SCHEMA; version++)
        status = one_step(registry, version, diag);
    return sql_close(registry, status, diag);
}

static sotto_status check_identity(hq_registry *registry, const char *path, sotto_diag *diag)
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
    if (version > HQ_REGISTRY_SCHEMA)
        return sotto_diag_at(diag, SOTTO_ERR(HQ, UNSUPPORTED), path, 0,
                             "a newer sotto-hq made this registry (schema %lld, this program knows %d)",
                             (long long)version, HQ_REGISTRY_SCHEMA);
    return SOTTO_OK;
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
    return sql_status(registry->db, rc, diag);
}

static hq_registry *registry_new(sotto_diag *diag)
{
    hq_registry *registry = sqlite3_malloc(sizeof *registry);
    if (registry == NULL) {
        (void)sotto_diag_set(diag, SOTTO_ERR(HQ, NO_MEMORY), "no memory for the registry");
        return NULL;
    }
    *registry = (hq_registry){0};
    return registry;
}

sotto_status hq_registry_open(hq_registry **out, const char *path, sotto_diag *diag)
{
    *out = NULL;
    if (!sotto_port_exists(path))
        return sotto_diag_at(diag, SOTTO_ERR(HQ, NOT_FOUND), path, 0, "there is no registry");
    hq_registry *registry = registry_new(diag);
    if (registry == NULL)
        return SOTTO_ERR(HQ, NO_MEMORY);
    sotto_status status = open_file(registry, path, diag);
    /* Before anything is changed in a file that may be somebody else's. */
    if (status == SOTTO_OK)
        status = check_identity(registry, path, diag);
    if (status == SOTTO_OK)
        status = configure(registry, diag);
    if (status == SOTTO_OK)
        status = migrate(registry, diag);
    if (status == SOTTO_OK)
        *out = registry;
    else
        hq_registry_close(registry);
    return status;
}

static sotto_status fill_new(hq_registry *registry, const char *office_name, int64_t now_s, sotto_diag *diag)
{
    sotto_status status = configure(registry, diag);
    if (status == SOTTO_OK)
        status = migrate(registry, diag);
    if (status != SOTTO_OK)
        return status;
    sql s = sql_begin(registry, "INSERT INTO office(name, created_s) VALUES(?1, ?2)", diag);
    sql_text(&s, office_name);
    sql_i64(&s, now_s);
    return sql_run(&s);
}

sotto_status hq_registry_create(const char *path, const char *office_name, int64_t now_s, sotto_diag *diag)
{
    hq_registry *registry = registry_new(diag);
    if (registry == NULL)
        return SOTTO_ERR(HQ, NO_MEMORY);
    /* An empty file is a valid empty database; creating it first gives it its mode, and EXISTS. */
    sotto_status status = sotto_port_create_file(path, sotto_span_of(NULL, 0), 0600, diag);
    if (status == SOTTO_OK)
        status = open_file(registry, path, diag);
    if (status == SOTTO_OK)
        status = fill_new(registry, office_name, now_s, diag);
    hq_registry_close(registry);
    return status;
}

void hq_registry_close(hq_registry *registry)
{
    if (registry == NULL)
        return;
    (void)sqlite3_close(registry->db);
    sqlite3_free(registry);
}

sotto_status hq_registry_office(hq_registry *registry, char name[static 65], sotto_diag *diag)
{
    sql s = sql_begin(registry, "SELECT name FROM office", diag);
    name[0] = '\0';
    if (sql_row(&s))
        sql_get_text(&s, 0, name, 65);
    return sql_end(&s);
}
