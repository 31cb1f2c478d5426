/*
 * The registry in PostgreSQL: found, made, brought up to date. Steps of the schema run one after the other in
 * one transaction under an advisory lock, so that of several collectors that start together one does it and
 * the others find it done.
 */
#include "registry/postgres.h"

#include <stdio.h>

#define LOCK_SCHEMA "5457232" /* advisory; see LOCK_WRITERS */

/* 0 = there is no registry. */
static sotto_status read_version(hq_registry *registry, int64_t *version, sotto_diag *diag)
{
    *version = 0;
    sql s = sql_begin(registry, "SELECT to_regclass('sotto.schema_version') IS NOT NULL", diag);
    bool there = sql_row(&s) && sql_get_i64(&s, 0) != 0;
    sotto_status status = sql_end(&s);
    if (status != SOTTO_OK || !there)
        return status;
    s = sql_begin(registry, "SELECT max(version) FROM sotto.schema_version", diag);
    *version = sql_row(&s) ? sql_get_i64(&s, 0) : 0;
    return sql_end(&s);
}

static sotto_status check_version(const pg_line *line, int64_t version, sotto_diag *diag)
{
    if (version <= (int64_t)pg_step_count())
        return SOTTO_OK;
    return sotto_diag_at(diag, SOTTO_ERR(HQ, UNSUPPORTED), line->name, 0,
                         "a newer sotto-hq made this registry (schema %lld, this program knows %zu)",
                         (long long)version, pg_step_count());
}

static sotto_status one_step(hq_registry *registry, int64_t from, sotto_diag *diag)
{
    sotto_status status = sql_exec(registry, (const char *)pg_step((size_t)from).ptr, diag);
    if (status != SOTTO_OK)
        return status;
    sql s = sql_begin(registry, "INSERT INTO schema_version(version) VALUES(?1)", diag);
    sql_i64(&s, from + 1);
    return sql_run(&s);
}

static sotto_status all_steps(hq_registry *registry, sotto_diag *diag)
{
    int64_t version = 0;
    sotto_status status = sql_exec(registry, "SELECT pg_advisory_xact_lock(" LOCK_SCHEMA ")", diag);
    if (status == SOTTO_OK)
        status = read_version(registry, &version, diag);
    if (status == SOTTO_OK)
        status = check_version(registry->line, version, diag);
    if (status == SOTTO_OK && version == 0)
        status = sql_exec(registry,
                          "CREATE SCHEMA IF NOT EXISTS sotto;"
                          "CREATE TABLE schema_version (version BIGINT PRIMARY KEY,"
                          " applied TIMESTAMPTZ NOT NULL DEFAULT now())",
                          diag);
    for (; status == SOTTO_OK && version < (int64_t)pg_step_count(); version++)
        status = one_step(registry, version, diag);
    return status;
}

static sotto_status migrate(hq_registry *registry, sotto_diag *diag)
{
    sotto_status status = sql_transaction(registry, diag);
    return status == SOTTO_OK ? sql_close(registry, all_steps(registry, diag), diag) : status;
}

static sotto_status has_office(hq_registry *registry, sotto_diag *diag)
{
    char name[65];
    sotto_status status = hq_registry_office(registry, name, diag);
    if (status == SOTTO_OK && name[0] == '\0')
        status = sotto_diag_at(diag, SOTTO_ERR(HQ, NOT_FOUND), registry->line->name, 0,
                               "there is no head office in this database: sotto-hq init --store, or serve "
                               "--store with the folder of one");
    return status;
}

static sotto_status open_store(hq_registry *registry, const char *where, sotto_diag *diag)
{
    int64_t version = 0;
    sotto_status status = pg_line_open(&registry->line, where, diag);
    if (status == SOTTO_OK)
        status = read_version(registry, &version, diag);
    if (status == SOTTO_OK)
        status = check_version(registry->line, version, diag);
    if (status == SOTTO_OK && version == 0)
        return sotto_diag_at(diag, SOTTO_ERR(HQ, NOT_FOUND), registry->line->name, 0,
                             "there is no registry in this database: sotto-hq init --store, or serve --store "
                             "with the folder of a head office");
    if (status == SOTTO_OK && version < (int64_t)pg_step_count())
        status = migrate(registry, diag);
    return status == SOTTO_OK ? has_office(registry, diag) : status;
}

static sotto_status create_store(hq_registry *registry, const char *where, sotto_diag *diag)
{
    sotto_status status = pg_line_open(&registry->line, where, diag);
    return status == SOTTO_OK ? migrate(registry, diag) : status;
}

static const char *const PREFIXES[] = {"postgresql://", "postgres://", NULL};
const registry_store registry_postgres = {
    .prefixes = PREFIXES, .open = open_store, .create = create_store, .driver = &sql_postgres};
