#include "store_priv.h"

#include <errno.h>

static sotto_status io_cause(sqlite3 *db, int rc)
{
    int error = db != NULL ? sqlite3_system_errno(db) : 0;
    if (rc == SQLITE_IOERR_NOMEM)
        return SOTTO_ERR(STORE, NO_MEMORY);
    if (error == ENOSPC || error == EDQUOT)
        return SOTTO_ERR(STORE, FULL);
    if (error == EACCES || error == EPERM || error == EROFS)
        return SOTTO_ERR(STORE, DENIED);
    return SOTTO_ERR(STORE, IO);
}

static sotto_status translate(sqlite3 *db, int rc)
{
    switch (rc & 0xff) {
    case SQLITE_FULL:
        return SOTTO_ERR(STORE, FULL);
    case SQLITE_IOERR:
    case SQLITE_CANTOPEN:
        return io_cause(db, rc);
    case SQLITE_NOMEM:
        return SOTTO_ERR(STORE, NO_MEMORY);
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return SOTTO_ERR(STORE, BUSY);
    case SQLITE_READONLY:
    case SQLITE_PERM:
        return SOTTO_ERR(STORE, DENIED);
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB: /* a page whose HMAC does not fit; at the first page open tells AUTH instead */
    case SQLITE_ERROR:  /* SQLCipher reports a bad page so too; the SQL itself is fixed and tested */
        return SOTTO_ERR(STORE, CORRUPT);
    case SQLITE_TOOBIG:
        return SOTTO_ERR(STORE, RANGE);
    default:
        return SOTTO_ERR(STORE, INTERNAL);
    }
}

sotto_status sotto_store_error(sqlite3 *db, int rc, const char *what, sotto_diag *diag)
{
    return sotto_diag_set(diag, translate(db, rc), "the store could not %s: %s", what, sqlite3_errstr(rc));
}

sotto_status sotto_store_broke(sotto_store *store, int rc, const char *what, sotto_diag *diag)
{
    if (store->in_transaction)
        store->broken = true;
    return sotto_store_error(store->db, rc, what, diag);
}
