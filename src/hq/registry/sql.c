#include "registry/sql.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void sql_fail(sql *s, sotto_status status)
{
    if (s->status == SOTTO_OK)
        s->status = status;
}

static sql start(hq_registry *registry, const char *text, bool walk, sotto_diag *diag)
{
    sql s = {.registry = registry, .diag = diag, .walk = walk};
    registry->driver->prepare(&s, text);
    return s;
}

sql sql_begin(hq_registry *registry, const char *text, sotto_diag *diag)
{
    return start(registry, text, false, diag);
}

sql sql_begin_walk(hq_registry *registry, const char *text, sotto_diag *diag)
{
    return start(registry, text, true, diag);
}

void sql_text(sql *s, const char *text)
{
    s->at++;
    if (s->status == SOTTO_OK)
        s->registry->driver->bind_text(s, text);
}

void sql_i64(sql *s, int64_t value)
{
    s->at++;
    if (s->status == SOTTO_OK)
        s->registry->driver->bind_i64(s, value);
}

void sql_blob(sql *s, const void *bytes, size_t len)
{
    s->at++;
    if (s->status == SOTTO_OK)
        s->registry->driver->bind_blob(s, bytes, len);
}

bool sql_row(sql *s)
{
    return s->status == SOTTO_OK && s->registry->driver->step(s);
}

int64_t sql_get_i64(sql *s, int column)
{
    return s->registry->driver->get_i64(s, column);
}

sotto_span sql_get_span(sql *s, int column)
{
    return s->registry->driver->get_span(s, column);
}

void sql_get_bytes(sql *s, int column, void *out, size_t len)
{
    sotto_span found = sql_get_span(s, column);
    if (found.len == len)
        memcpy(out, found.ptr, len);
    else
        sql_fail(s, sotto_diag_at(s->diag, SOTTO_ERR(HQ, CORRUPT), "registry", 0,
                                  "%zu bytes stand where %zu belong", found.len, len));
}

void sql_get_text(sql *s, int column, char *out, size_t cap)
{
    sotto_span found = sql_get_span(s, column);
    size_t len = found.len < cap ? found.len : cap - 1;
    if (len > 0)
        memcpy(out, found.ptr, len);
    out[len] = '\0';
}

sotto_status sql_end(sql *s)
{
    s->registry->driver->end(s);
    s->stmt = NULL;
    return s->status;
}

sotto_status sql_run(sql *s)
{
    int64_t changes;
    return sql_run_changes(s, &changes);
}

sotto_status sql_run_changes(sql *s, int64_t *changes)
{
    while (sql_row(s))
        ;
    *changes = s->status == SOTTO_OK ? s->registry->driver->changes(s) : 0;
    return sql_end(s);
}

sotto_status sql_exec(hq_registry *registry, const char *text, sotto_diag *diag)
{
    return registry->driver->exec(registry, text, diag);
}

/* ---- transactions ---- */

static sotto_status finish(hq_registry *registry, sotto_status status, sotto_diag *diag)
{
    if (status == SOTTO_OK)
        status = registry->driver->commit(registry, diag);
    if (status != SOTTO_OK)
        registry->driver->rollback(registry);
    return status;
}

sotto_status sql_transaction(hq_registry *registry, sotto_diag *diag)
{
    return registry->batch ? sql_exec(registry, "SAVEPOINT one", diag)
                           : registry->driver->begin(registry, diag);
}

sotto_status sql_transaction_of(hq_registry *registry, const char *device, sotto_diag *diag)
{
    sotto_status status = sql_transaction(registry, diag);
    if (status != SOTTO_OK)
        return status;
    status = registry->driver->lock(registry, device, diag);
    return status == SOTTO_OK ? status : sql_close(registry, status, diag);
}

sotto_status sql_close(hq_registry *registry, sotto_status status, sotto_diag *diag)
{
    if (!registry->batch)
        return finish(registry, status, diag);
    if (status == SOTTO_OK)
        return sql_exec(registry, "RELEASE SAVEPOINT one", diag);
    (void)!sql_exec(registry, "ROLLBACK TO SAVEPOINT one; RELEASE SAVEPOINT one", NULL);
    return status;
}

sotto_status hq_registry_batch_begin(hq_registry *registry, sotto_diag *diag)
{
    sotto_status status = sql_transaction(registry, diag);
    registry->batch = status == SOTTO_OK;
    return status;
}

sotto_status hq_registry_batch_end(hq_registry *registry, sotto_status status, sotto_diag *diag)
{
    registry->batch = false;
    return finish(registry, status, diag);
}

sotto_status sql_horizon(hq_registry *registry, int64_t *row, sotto_diag *diag)
{
    return registry->driver->horizon(registry, row, diag);
}

/* ---- registry objects ---- */

hq_registry *registry_new(const sql_driver *driver, sotto_diag *diag)
{
    hq_registry *registry = calloc(1, sizeof *registry);
    if (registry == NULL)
        (void)sotto_diag_set(diag, SOTTO_ERR(HQ, NO_MEMORY), "no memory for the registry");
    else
        registry->driver = driver;
    return registry;
}

void hq_registry_close(hq_registry *registry)
{
    if (registry == NULL)
        return;
    registry->driver->close(registry);
    free(registry);
}
