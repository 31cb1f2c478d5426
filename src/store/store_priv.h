/* What the files of this room share: the open store, its statements, and how SQLite's errors are told. */
#ifndef SOTTO_STORE_PRIV_H
#define SOTTO_STORE_PRIV_H

#include "sotto/store.h"

#include <sqlite3.h>

/* X(NAME, "SQL"): prepared once, when first used. */
#define SOTTO_STORE_STATEMENTS(X)                                                                            \
    X(BEGIN, "BEGIN IMMEDIATE")                                                                              \
    X(COMMIT, "COMMIT")                                                                                      \
    X(ROLLBACK, "ROLLBACK")                                                                                  \
    X(RECORD_GET, "SELECT bytes FROM records WHERE kind = ?1 AND sub = ?2 AND key = ?3")                     \
    X(RECORD_PUT, "INSERT INTO records (kind, sub, key, bytes) VALUES (?1, ?2, ?3, ?4)"                      \
                  " ON CONFLICT DO UPDATE SET bytes = excluded.bytes")                                       \
    X(RECORD_DROP, "DELETE FROM records WHERE kind = ?1 AND sub = ?2 AND key = ?3")                          \
    X(RECORD_EACH, "SELECT key, bytes FROM records WHERE kind = ?1 AND sub = ?2 ORDER BY key")               \
    X(RECORD_DROP_ALL, "DELETE FROM records WHERE kind = ?1 AND sub = ?2")                                   \
    X(RECORD_COUNT, "SELECT count(*) FROM records WHERE kind = ?1")                                          \
    X(RECORD_NEXT_SUB, "SELECT sub FROM records WHERE kind = ?1 AND sub >= ?2 ORDER BY sub LIMIT 1")         \
    X(NAMED_GET, "SELECT value FROM named WHERE name = ?1")                                                  \
    X(NAMED_SET, "INSERT INTO named (name, value) VALUES (?1, ?2)"                                           \
                 " ON CONFLICT DO UPDATE SET value = excluded.value")                                        \
    X(OUTBOX_LAST, "SELECT seq, sha256 FROM outbox ORDER BY seq DESC LIMIT 1")                               \
    X(OUTBOX_APPEND, "INSERT INTO outbox (seq, sealed_s, acked_s, sha256, note, sealed)"                     \
                     " VALUES (?1, ?2, 0, ?3, ?4, ?5)")                                                      \
    X(OUTBOX_WAITING, "SELECT seq, sealed_s, acked_s, sha256, note, sealed FROM outbox WHERE acked_s = 0"    \
                      " ORDER BY seq LIMIT 1")                                                               \
    X(OUTBOX_EACH, "SELECT seq, sealed_s, acked_s, sha256, note, sealed FROM outbox ORDER BY seq")           \
    X(OUTBOX_SUM, "SELECT count(*), coalesce(sum(acked_s = 0), 0), coalesce(sum(acked_s < 0), 0),"           \
                  " max(coalesce(max(acked_s), 0), 0) FROM outbox")                                          \
    X(OUTBOX_UNTOLD, "SELECT seq, sealed_s, acked_s, sha256 FROM outbox WHERE acked_s IN (-3, -1)"           \
                     " ORDER BY seq LIMIT 1")                                                                \
    X(OUTBOX_AGAIN, "UPDATE outbox SET acked_s = 0 WHERE acked_s IN (-4, -3)")                               \
    X(OUTBOX_STATE, "SELECT acked_s, sha256 FROM outbox WHERE seq = ?1")                                     \
    X(OUTBOX_MARK, "UPDATE outbox SET acked_s = ?2 WHERE seq = ?1")

enum statement {
#define X(name, sql) STATEMENT_##name,
    SOTTO_STORE_STATEMENTS(X)
#undef X
        STATEMENTS
};

struct sotto_store {
    sqlite3 *db;
    sotto_port_lock lock;
    sqlite3_stmt *statements[STATEMENTS];
    bool in_transaction;
    bool broken;       /* an error inside the open transaction: it can only be rolled back */
    bool truncate_log; /* something was forgotten: the write-ahead log must not keep it */
};

/* One step of the schema: SQL that leads from the version of its index to the next. */
typedef struct sotto_store_step {
    const char *sql;
} sotto_store_step;
extern const sotto_store_step sotto_store_steps[];
extern const size_t sotto_store_step_count;
enum { SOTTO_STORE_APPLICATION_ID = 0x534f5454 /* "SOTT" */ };
/* Brings db from its user_version to `count`, in one transaction. UNSUPPORTED when it is newer already. */
SOTTO_MUST_USE sotto_status sotto_store_migrate(sqlite3 *db, const sotto_store_step *steps, size_t count,
                                                sotto_diag *diag);

/* Makes a whole new file at path, or none. */
SOTTO_MUST_USE sotto_status sotto_store_create(const char *path, const uint8_t *key, const char *vfs,
                                               sotto_diag *diag);
/* Gives the database its key. */
SOTTO_MUST_USE sotto_status sotto_store_set_key(sqlite3 *db, const uint8_t key[static SOTTO_KEY_BYTES],
                                                sotto_diag *diag);
/* Runs SQL without results. */
SOTTO_MUST_USE sotto_status sotto_store_exec(sqlite3 *db, const char *sql, const char *what,
                                             sotto_diag *diag);
/* First column of the first row. */
SOTTO_MUST_USE sotto_status sotto_store_query_i64(sqlite3 *db, const char *sql, int64_t *out,
                                                  sotto_diag *diag);
/* path + suffix, from sqlite3_malloc; NULL when out of memory. */
char *sotto_store_path_with(const char *path, const char *suffix);

/* The status of an SQLite result; diag says what failed. */
sotto_status sotto_store_error(sqlite3 *db, int rc, const char *what, sotto_diag *diag);
/* The same, and an open transaction can only be rolled back from here on. */
sotto_status sotto_store_broke(sotto_store *store, int rc, const char *what, sotto_diag *diag);

/* A statement ready for binding; NULL when it could not be prepared or is in use by a walk (*status says
 * why). */
sqlite3_stmt *sotto_store_take(sotto_store *store, enum statement which, sotto_status *status,
                               sotto_diag *diag);
/* A step that gives no row; the statement is reset. */
SOTTO_MUST_USE sotto_status sotto_store_run(sotto_store *store, sqlite3_stmt *statement, const char *what,
                                            sotto_diag *diag);
/* A step that may give a row. The caller resets it with sotto_store_release when *row. */
SOTTO_MUST_USE sotto_status sotto_store_step_row(sotto_store *store, sqlite3_stmt *statement, bool *row,
                                                 const char *what, sotto_diag *diag);
void sotto_store_release(sqlite3_stmt *statement);
/* CONFLICT when the open transaction is broken. Every change asks first: SQLite may have rolled back by
 * itself, and a change after that would be a transaction of its own. */
SOTTO_MUST_USE sotto_status sotto_store_may_change(const sotto_store *store, sotto_diag *diag);

/* For SQLCipher, which calls it by this name; and the call that makes the linker keep it. */
sotto_status sotto_store_cipher_start(sotto_diag *diag);

#endif
