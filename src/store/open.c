#include "store_priv.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PAGE_BYTES = 4096, DEFAULT_CACHE_KIB = 2048 };

/* As a raw key, x'64 digits': no passphrase, so no derivation (10^10 instructions on a Cortex-A7). */
sotto_status sotto_store_set_key(sqlite3 *db, const uint8_t key[static SOTTO_KEY_BYTES], sotto_diag *diag)
{
    char text[2 + 2 * SOTTO_KEY_BYTES + 2] = "x'";
    sotto_hex_encode(sotto_span_of(key, SOTTO_KEY_BYTES), text + 2, sizeof text - 2);
    text[2 + 2 * SOTTO_KEY_BYTES] = '\'';
    int rc = sqlite3_key(db, text, 3 + 2 * SOTTO_KEY_BYTES);
    sotto_wipe(text, sizeof text);
    return rc == SQLITE_OK ? SOTTO_OK : sotto_store_error(db, rc, "take its key", diag);
}

static sqlite3_int64 file_size(sqlite3 *db)
{
    sqlite3_file *file = NULL;
    sqlite3_int64 size = 0;
    if (sqlite3_file_control(db, "main", SQLITE_FCNTL_FILE_POINTER, &file) != SQLITE_OK || file == NULL ||
        file->pMethods == NULL || file->pMethods->xFileSize(file, &size) != SQLITE_OK)
        return 0;
    return size;
}

/* SQLite takes an empty file for a new database: here it is a store that lost its content. With a log beside
 * it the file may end in the middle of a page (a checkpoint that was cut off); the log then holds that page.
 */
static sotto_status check_size(sqlite3 *db, const char *path, sotto_diag *diag)
{
    sqlite3_int64 size = file_size(db);
    char *log = sotto_store_path_with(path, "-wal");
    if (log == NULL)
        return sotto_diag_set(diag, SOTTO_ERR(STORE, NO_MEMORY), "no memory for a file name");
    bool has_log = sotto_port_exists(log);
    sqlite3_free(log);
    if (size >= PAGE_BYTES && (size % PAGE_BYTES == 0 || has_log))
        return SOTTO_OK;
    return sotto_diag_at(diag, SOTTO_ERR(STORE, CORRUPT), path, 0, "the store is cut off: %lld bytes",
                         (long long)size);
}

/* The first read decrypts the first page: a wrong key cannot get past its HMAC. */
static sotto_status check_key(sqlite3 *db, const char *path, sotto_diag *diag)
{
    int64_t tables = 0;
    sotto_status status = sotto_store_query_i64(db, "SELECT count(*) FROM sqlite_master", &tables, diag);
    if (status != SOTTO_OK && (sqlite3_errcode(db) & 0xff) == SQLITE_NOTADB)
        return sotto_diag_at(diag, SOTTO_ERR(STORE, AUTH), path, 0,
                             "the key is not this store's, or it is not a store");
    if (status == SOTTO_OK && tables == 0)
        return sotto_diag_at(diag, SOTTO_ERR(STORE, CORRUPT), path, 0, "a database without tables");
    if (status != SOTTO_OK)
        return sotto_diag_at(diag, status, path, 0, "the store cannot be read: %s", sqlite3_errmsg(db));
    return SOTTO_OK;
}

/* Exclusive locking keeps the index of the log in memory: no -shm file, and no shared mapping to fail. It
 * must be set before the first read. Memory security (locking and wiping every allocation) costs a third of
 * the speed and fails under a small RLIMIT_MEMLOCK; terminals have no swap, and core dumps are off
 * (sotto_port_harden_process). */
static const char BEFORE_FIRST_READ[] =
    "PRAGMA locking_mode = EXCLUSIVE; PRAGMA cipher_memory_security = OFF";

static sotto_status unlock(sqlite3 *db, const char *path, const uint8_t *key, sotto_diag *diag)
{
    /* Until the key is proven nothing may be written, not even a checkpoint at the end. */
    (void)sqlite3_db_config(db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
    sotto_status status = check_size(db, path, diag);
    if (status == SOTTO_OK)
        status = sotto_store_set_key(db, key, diag);
    if (status == SOTTO_OK)
        status = sotto_store_exec(db, BEFORE_FIRST_READ, "be set up", diag);
    if (status == SOTTO_OK)
        status = check_key(db, path, diag);
    return status;
}

/* Opens path with the key; the file must be there. *db is NULL on failure. */
static sotto_status open_db(sqlite3 **db, const char *path, const uint8_t *key, const char *vfs,
                            sotto_diag *diag)
{
    *db = NULL;
    int rc = sqlite3_open_v2(path, db,
                             SQLITE_OPEN_READWRITE | SQLITE_OPEN_EXRESCODE | SQLITE_OPEN_PRIVATECACHE, vfs);
    sotto_status status =
        rc == SQLITE_OK ? unlock(*db, path, key, diag) : sotto_store_error(*db, rc, "be opened", diag);
    if (status == SOTTO_OK)
        return SOTTO_OK;
    (void)sqlite3_close(*db);
    *db = NULL;
    return status;
}

static sotto_status set_up(sqlite3 *db, uint32_t cache_kib, sotto_diag *diag)
{
    char sql[256];
    (void)snprintf(sql, sizeof sql,
                   "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA secure_delete = ON;"
                   "PRAGMA temp_store = MEMORY; PRAGMA journal_size_limit = 4194304; PRAGMA cache_size = -%u",
                   cache_kib == 0 ? (unsigned)DEFAULT_CACHE_KIB : (unsigned)cache_kib);
    sotto_status status = sotto_store_exec(db, sql, "be set up", diag);
    (void)sqlite3_db_config(db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    (void)sqlite3_db_config(db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
    if (status == SOTTO_OK)
        status = sotto_store_migrate(db, sotto_store_steps, sotto_store_step_count, diag);
    if (status == SOTTO_OK)
        (void)sqlite3_db_config(db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 0, NULL);
    return status;
}

static sotto_status take_lock(sotto_store *store, const char *path, sotto_diag *diag)
{
    char *lock = sotto_store_path_with(path, ".lock");
    if (lock == NULL)
        return sotto_diag_set(diag, SOTTO_ERR(STORE, NO_MEMORY), "no memory for a file name");
    sotto_status status = sotto_port_lock_take(&store->lock, lock, diag);
    sqlite3_free(lock);
    return status;
}

static sotto_status open_locked(sotto_store *store, const sotto_store_config *config, sotto_diag *diag)
{
    sotto_status status = SOTTO_OK;
    if (!sotto_port_exists(config->path)) {
        if (!config->create)
            return sotto_diag_at(diag, SOTTO_ERR(STORE, NOT_FOUND), config->path, 0, "there is no store");
        status = sotto_store_create(config->path, config->key, config->vfs, diag);
    }
    if (status == SOTTO_OK)
        status = open_db(&store->db, config->path, config->key, config->vfs, diag);
    if (status == SOTTO_OK)
        status = set_up(store->db, config->cache_kib, diag);
    return status;
}

sotto_status sotto_store_open(sotto_store **out, sotto_store_config *config, sotto_diag *diag)
{
    *out = NULL;
    sotto_status status = sotto_store_cipher_start(diag);
    sotto_store *store = status == SOTTO_OK ? calloc(1, sizeof *store) : NULL;
    if (status == SOTTO_OK && store == NULL)
        status = sotto_diag_set(diag, SOTTO_ERR(STORE, NO_MEMORY), "no memory for the store");
    if (store != NULL) {
        store->lock.fd = -1;
        status = take_lock(store, config->path, diag);
        if (status == SOTTO_OK)
            status = open_locked(store, config, diag);
    }
    sotto_wipe(config->key, sizeof config->key);
    if (status == SOTTO_OK)
        *out = store;
    else
        sotto_store_close(store);
    return status;
}

void sotto_store_close(sotto_store *store)
{
    if (store == NULL)
        return;
    sotto_store_rollback(store);
    for (size_t i = 0; i < STATEMENTS; i++)
        (void)sqlite3_finalize(store->statements[i]);
    (void)sqlite3_close(store->db);
    sotto_port_lock_drop(&store->lock);
    free(store);
}
