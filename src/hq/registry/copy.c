/* A registry moved from one store to another: all of it, in one transaction, or nothing. */
#include "registry/sql.h"

#include <stdio.h>
#include <string.h>

/* Columns and their kinds: t text, i integer, b bytes, n bytes or NULL. In the order in which rows refer to
 * each other. */
static const struct {
    const char *select, *insert, *kinds;
} TABLES[] = {
#define TABLE(name, columns, marks, kinds)                                                                   \
    {                                                                                                        \
        "SELECT " columns " FROM " name, "INSERT INTO " name "(" columns ") VALUES(" marks ")", kinds        \
    }
    TABLE("device", "id, state, invited_s, enrolled_s, revoked_s, report_key, chain",
          "?1, ?2, ?3, ?4, ?5, ?6, ?7", "tiiiini"),
    TABLE("code", "device, hash, made_s, expires_s, used_s", "?1, ?2, ?3, ?4, ?5", "tbiii"),
    TABLE("certificate", "sha256, device, issued_s, not_after_s, replaced_s", "?1, ?2, ?3, ?4, ?5", "btiii"),
    TABLE("report_key", "device, public_key, chain", "?1, ?2, ?3", "tbi"),
    TABLE("release", "version, published_s, tasks", "?1, ?2, ?3", "iib"),
    TABLE("report",
          "rowid, device, chain, seq, sha256, previous, received_s, release, task, period_day, period_days,"
          " epsilon_ueps, bound, alarms, counts, cells, sealed",
          "?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17", "itiibbiiiiiiiiibb"),
    TABLE("alarm", "device, kind, count, first_s, last_s", "?1, ?2, ?3, ?4, ?5", "ttiii"),
    TABLE("absent", "device, chain, seq, sha256, reason, told_s", "?1, ?2, ?3, ?4, ?5, ?6", "tiibti"),
    TABLE("health",
          "device, told_s, release, good, failed, why, program, disk_free_mib, waiting, clock_ahead_min",
          "?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10", "tiiiittiii"),
    TABLE("session", "device, token, before, shown_s, quarantined_s", "?1, ?2, ?3, ?4, ?5", "tttii"),
#undef TABLE
};
#define TEXT_MAX    256
#define COLUMNS_MAX 20

/* A value as it stands. Texts here are names and tokens; none is longer than 64 bytes. */
static void pass_on(sql *from, sql *to, int column, char kind, char text[static TEXT_MAX])
{
    sotto_span bytes;
    switch (kind) {
    case 'i':
        sql_i64(to, sql_get_i64(from, column));
        return;
    case 't':
        sql_get_text(from, column, text, TEXT_MAX);
        sql_text(to, text);
        return;
    default:
        bytes = sql_get_span(from, column);
        sql_blob(to, bytes.ptr == NULL && kind == 'b' ? "" : (const void *)bytes.ptr, bytes.len);
        return;
    }
}

static sotto_status copy_table(hq_registry *from, hq_registry *to, size_t table, sotto_diag *diag)
{
    char text[COLUMNS_MAX][TEXT_MAX];
    const char *kinds = TABLES[table].kinds;
    sotto_status put = SOTTO_OK;
    sql in = sql_begin_walk(from, TABLES[table].select, diag);
    while (put == SOTTO_OK && sql_row(&in)) {
        sql out = sql_begin(to, TABLES[table].insert, diag);
        for (int i = 0; kinds[i] != '\0'; i++)
            pass_on(&in, &out, i, kinds[i], text[i]);
        put = sql_run(&out);
    }
    sotto_status status = sql_end(&in);
    return status == SOTTO_OK ? put : status;
}

/* ---- the office ---- */

typedef struct office {
    char name[65]; /* "" = none */
    int64_t created_s;
} office;

static sotto_status read_office(hq_registry *registry, office *out, sotto_diag *diag)
{
    *out = (office){0};
    sql s = sql_begin(registry, "SELECT name, created_s FROM office", diag);
    if (sql_row(&s)) {
        sql_get_text(&s, 0, out->name, sizeof out->name);
        out->created_s = sql_get_i64(&s, 1);
    }
    return sql_end(&s);
}

/* *empty: there is none in `to`. CONFLICT when there is another one. */
static sotto_status compare_offices(hq_registry *from, hq_registry *to, office *ours, bool *empty,
                                    sotto_diag *diag)
{
    office theirs;
    *empty = false;
    sotto_status status = read_office(from, ours, diag);
    if (status == SOTTO_OK)
        status = read_office(to, &theirs, diag);
    if (status != SOTTO_OK)
        return status;
    *empty = theirs.name[0] == '\0';
    if (*empty || (strcmp(ours->name, theirs.name) == 0 && ours->created_s == theirs.created_s))
        return SOTTO_OK;
    return sotto_diag_set(diag, SOTTO_ERR(HQ, CONFLICT), "another head office is in this database");
}

/* ---- moving ---- */

/* The office first: of two that do this at once, the second waits here and then finds one. */
static sotto_status copy_all(hq_registry *from, hq_registry *to, const office *ours, sotto_diag *diag)
{
    sotto_status status = registry_put_office(to, ours->name, ours->created_s, diag);
    for (size_t i = 0; i < SOTTO_COUNT(TABLES) && status == SOTTO_OK; i++)
        status = copy_table(from, to, i, diag);
    return status == SOTTO_OK && to->driver->copied != NULL ? to->driver->copied(to, diag) : status;
}

/* A move that was cut off after `to` had it all is only to be ended. */
static sotto_status fill(hq_registry *from, hq_registry *to, sotto_diag *diag)
{
    office ours;
    bool empty;
    sotto_status status = compare_offices(from, to, &ours, &empty, diag);
    return status == SOTTO_OK && empty ? copy_all(from, to, &ours, diag) : status;
}

/* *mark: what `from` is after it. Whether a COMMIT that failed was kept, nobody knows: then it stays as it
 * is, and so does what another one began. */
static sotto_status fill_whole(hq_registry *from, hq_registry *to, enum registry_mark *mark, sotto_diag *diag)
{
    sotto_status status = sql_transaction(to, diag);
    if (status != SOTTO_OK)
        return status;
    sotto_status filled = fill(from, to, diag);
    status = sql_close(to, filled, diag);
    if (filled == SOTTO_OK)
        *mark = status == SOTTO_OK ? REGISTRY_MOVED : REGISTRY_MOVING;
    return status;
}

static sotto_status check_moved(hq_registry *from, hq_registry *to, sotto_diag *diag)
{
    office ours;
    bool empty;
    sotto_status status = compare_offices(from, to, &ours, &empty, diag);
    if (status == SOTTO_OK && empty)
        status = sotto_diag_set(diag, SOTTO_ERR(HQ, NOT_FOUND),
                                "registry.db was moved into a database before, and this one is empty: name "
                                "the other one, or restore it from its backup");
    return status;
}

/* Holds the file's lock, so that of several movers one is at work. */
static sotto_status move_taken(hq_registry *from, hq_registry *to, enum registry_mark found, bool *moved,
                               sotto_diag *diag)
{
    enum registry_mark mark, after = found;
    sotto_status status = sql_transaction(from, diag);
    if (status != SOTTO_OK)
        return status;
    status = registry_file_marked(from, &mark, diag);
    if (status == SOTTO_OK && mark == REGISTRY_MOVED)
        status = check_moved(from, to, diag);
    else if (status == SOTTO_OK && mark == REGISTRY_HERE)
        status = sotto_diag_set(diag, SOTTO_ERR(HQ, BUSY), "another process gave up moving it: try again");
    if (status != SOTTO_OK || mark == REGISTRY_MOVED)
        return sql_close(from, status, diag);
    sotto_status filled = fill_whole(from, to, &after, diag);
    *moved = filled == SOTTO_OK;
    status = sql_close(from, registry_file_mark(from, after, diag), diag);
    return filled != SOTTO_OK ? filled : status;
}

static sotto_status open_target(hq_registry **to, const char *where, sotto_diag *diag)
{
    sotto_diag why = {0};
    sotto_status status = registry_open_empty(to, where, &why);
    if (sotto_status_cause(status) == SOTTO_CAUSE_EXISTS)
        return hq_registry_open(to, where, diag);
    if (status != SOTTO_OK && diag != NULL)
        *diag = why;
    return status;
}

sotto_status hq_registry_move(const char *from_path, const char *to_where, bool *moved, sotto_diag *diag)
{
    hq_registry *from = NULL, *to = NULL;
    enum registry_mark found = REGISTRY_HERE;
    *moved = false;
    sotto_status status = open_target(&to, to_where, diag); /* a database that is away fences nothing */
    if (status == SOTTO_OK)
        status = registry_file_take(&from, from_path, &found, diag);
    if (status == SOTTO_OK)
        status = move_taken(from, to, found, moved, diag);
    hq_registry_close(from);
    hq_registry_close(to);
    return status;
}

/* ---- a copy ---- */

sotto_status hq_registry_backup(hq_registry *registry, const char *path, sotto_diag *diag)
{
    if (registry->driver != &sql_sqlite)
        return sotto_diag_set(diag, SOTTO_ERR(HQ, UNSUPPORTED), "the registry is in PostgreSQL");
    sql s = sql_begin_walk(registry, "VACUUM INTO ?1", diag); /* one read transaction; nobody waits for it */
    sql_text(&s, path);
    return sql_run(&s);
}
