/* PostgreSQL's library was not there when this program was built: its names are known, and refused. */
#include "registry/sql.h"

static sotto_status refuse(hq_registry *registry, const char *where, sotto_diag *diag)
{
    (void)registry, (void)where;
    return sotto_diag_set(diag, SOTTO_ERR(HQ, UNSUPPORTED),
                          "this sotto-hq was built without PostgreSQL (Debian: libpq-dev)");
}

static void close_nothing(hq_registry *registry)
{
    (void)registry;
}

static const sql_driver NONE = {.close = close_nothing};
static const char *const PREFIXES[] = {"postgresql://", "postgres://", NULL};
const registry_store registry_postgres = {
    .prefixes = PREFIXES, .open = refuse, .create = refuse, .driver = &NONE};
