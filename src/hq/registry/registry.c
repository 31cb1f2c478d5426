/* The registry, wherever it is kept: which store a name means, and the office itself. */
#include "registry/sql.h"

#include <string.h>

/* In the order in which they are asked; the last takes any name as a file's. */
static const registry_store *const STORES[] = {&registry_postgres, &registry_sqlite};

static bool begins(const char *text, const char *const *prefixes)
{
    for (; *prefixes != NULL; prefixes++)
        if (strncmp(text, *prefixes, strlen(*prefixes)) == 0)
            return true;
    return false;
}

static const registry_store *store_of(const char *where)
{
    size_t i = 0;
    while (STORES[i]->prefixes != NULL && !begins(where, STORES[i]->prefixes))
        i++;
    return STORES[i];
}

bool hq_registry_is_url(const char *where)
{
    return store_of(where)->prefixes != NULL;
}

sotto_status hq_registry_open(hq_registry **out, const char *where, sotto_diag *diag)
{
    const registry_store *store = store_of(where);
    hq_registry *registry = registry_new(store->driver, diag);
    *out = NULL;
    if (registry == NULL)
        return SOTTO_ERR(HQ, NO_MEMORY);
    sotto_status status = store->open(registry, where, diag);
    if (status == SOTTO_OK)
        *out = registry;
    else
        hq_registry_close(registry);
    return status;
}

sotto_status registry_put_office(hq_registry *registry, const char *name, int64_t created_s, sotto_diag *diag)
{
    sql s = sql_begin(registry, "INSERT INTO office(name, created_s) VALUES(?1, ?2)", diag);
    sql_text(&s, name);
    sql_i64(&s, created_s);
    sotto_status status = sql_run(&s);
    if (sotto_status_cause(status) == SOTTO_CAUSE_CONFLICT)
        return sotto_diag_set(diag, SOTTO_ERR(HQ, EXISTS), "there is a head office in this database already");
    return status;
}

sotto_status registry_open_empty(hq_registry **out, const char *where, sotto_diag *diag)
{
    const registry_store *store = store_of(where);
    hq_registry *registry = registry_new(store->driver, diag);
    *out = NULL;
    if (registry == NULL)
        return SOTTO_ERR(HQ, NO_MEMORY);
    sotto_status status = store->create(registry, where, diag);
    if (status == SOTTO_OK)
        *out = registry;
    else
        hq_registry_close(registry);
    return status;
}

sotto_status hq_registry_create(const char *where, const char *office_name, int64_t now_s, sotto_diag *diag)
{
    hq_registry *registry = NULL;
    sotto_status status = registry_open_empty(&registry, where, diag);
    if (status == SOTTO_OK)
        status = registry_put_office(registry, office_name, now_s, diag);
    hq_registry_close(registry);
    return status;
}

sotto_status hq_registry_office(hq_registry *registry, char name[static 65], sotto_diag *diag)
{
    sql s = sql_begin(registry, "SELECT name FROM office", diag);
    name[0] = '\0';
    if (sql_row(&s))
        sql_get_text(&s, 0, name, 65);
    return sql_end(&s);
}
