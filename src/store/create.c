/*
 * A new store is made beside its place and put there whole: whatever happens, a file at the path is a store,
 * so that opening never has to guess whether an empty or half file is new or what is left of an old one.
 */
#include "store_priv.h"

#include <string.h>

static const size_t NEW_STORE_MAX = 1 << 20; /* a fresh one has some 30 KB */

char *sotto_store_path_with(const char *path, const char *suffix)
{
    return sqlite3_mprintf("%s%s", path, suffix);
}

/* No journal: the file is thrown away when anything fails. */
static sotto_status fill(sqlite3 *db, const uint8_t *key, sotto_diag *diag)
{
    sotto_status status = sotto_store_set_key(db, key, diag);
    if (status == SOTTO_OK)
        status = sotto_store_exec(db, "PRAGMA journal_mode = OFF", "make a new file", diag);
    if (status == SOTTO_OK)
        status = sotto_store_migrate(db, sotto_store_steps, sotto_store_step_count, diag);
    return status;
}

static sotto_status make(const char *draft, const uint8_t *key, const char *vfs, sotto_diag *diag)
{
    sqlite3 *db = NULL;
    int rc = sqlite3_open_v2(
        draft, &db,
        SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_EXRESCODE | SQLITE_OPEN_PRIVATECACHE, vfs);
    sotto_status status =
        rc == SQLITE_OK ? fill(db, key, diag) : sotto_store_error(db, rc, "make a new file", diag);
    rc = sqlite3_close(db);
    if (status == SOTTO_OK && rc != SQLITE_OK)
        status = sotto_store_error(NULL, rc, "finish a new file", diag);
    return status;
}

static sotto_status install(const char *draft, const char *path, sotto_diag *diag)
{
    sotto_vec bytes;
    sotto_vec_init(&bytes, NEW_STORE_MAX);
    sotto_status status = sotto_port_read_file(draft, &bytes, diag);
    if (status == SOTTO_OK)
        status = sotto_port_create_file(path, sotto_vec_span(&bytes), 0600, diag);
    sotto_vec_free(&bytes);
    return status;
}

/* A log without its store would be played into the new one. */
static sotto_status check_no_log(const char *path, sotto_diag *diag)
{
    char *log = sotto_store_path_with(path, "-wal");
    if (log == NULL)
        return sotto_diag_set(diag, SOTTO_ERR(STORE, NO_MEMORY), "no memory for a file name");
    bool there = sotto_port_exists(log);
    sqlite3_free(log);
    if (there)
        return sotto_diag_at(diag, SOTTO_ERR(STORE, CORRUPT), path, 0,
                             "the store is gone but its -wal file is there; restore both or remove it");
    return SOTTO_OK;
}

sotto_status sotto_store_create(const char *path, const uint8_t *key, const char *vfs, sotto_diag *diag)
{
    sotto_status status = check_no_log(path, diag);
    if (status != SOTTO_OK)
        return status;
    char *draft = sotto_store_path_with(path, ".new");
    if (draft == NULL)
        return sotto_diag_set(diag, SOTTO_ERR(STORE, NO_MEMORY), "no memory for a file name");
    if (sotto_port_exists(draft))
        status = sotto_port_remove_file(draft, diag); /* left by an attempt that was cut off */
    if (status == SOTTO_OK)
        status = make(draft, key, vfs, diag);
    if (status == SOTTO_OK)
        status = install(draft, path, diag);
    if (sotto_port_exists(draft) && sotto_port_remove_file(draft, NULL) != SOTTO_OK && status == SOTTO_OK)
        status =
            sotto_diag_at(diag, SOTTO_ERR(STORE, IO), draft, 0, "the draft of the store cannot be removed");
    sqlite3_free(draft);
    return status;
}
