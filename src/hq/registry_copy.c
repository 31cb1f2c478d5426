/* A registry moved from one store to another: all of it, in one transaction, or nothing. */
#include "registry_sql.h"

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
    TABLE("release", "version, published_s, tasks", "?1, ?2, ?3", "iib"),
    TABLE("report",
          "rowid, device, chain, seq, sha256, previous, received_s, release, task, period_day, period_days,"
          " epsilon_ueps, bound, alarms, counts, cells, sealed",
          "?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17", "itiibbiiiiiiiiibb"),
    TABLE("alarm", "device, kind, count, first_s, last_s", "?1, ?2, ?3, ?4, ?5", "ttiii"),
    TABLE("absent", "device, chain, seq, sha256, reason, told_s", "?1, ?2, ?3, ?4, ?5, ?6", "tiibti"),
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

static sotto_status copy_office(hq_registry *from, hq_registry *to, sotto_diag *diag)
{
    char name[65] = "";
    int64_t created_s = 0;
    sql s = sql_begin(from, "SELECT name, created_s FROM office", diag);
    if (sql_row(&s)) {
        sql_get_text(&s, 0, name, sizeof name);
        created_s = sql_get_i64(&s, 1);
    }
    sotto_status status = sql_end(&s);
    return status == SOTTO_OK ? registry_put_office(to, name, created_s, diag) : status;
}

/* The office first: of two that do this at once, the second waits here and then finds one. */
static sotto_status copy_all(hq_registry *from, hq_registry *to, sotto_diag *diag)
{
    sotto_status status = copy_office(from, to, diag);
    for (size_t i = 0; i < SOTTO_COUNT(TABLES) && status == SOTTO_OK; i++)
        status = copy_table(from, to, i, diag);
    return status == SOTTO_OK && to->driver->copied != NULL ? to->driver->copied(to, diag) : status;
}

sotto_status hq_registry_move(const char *from_where, const char *to_where, sotto_diag *diag)
{
    hq_registry *from = NULL, *to = NULL;
    sotto_status status = hq_registry_open(&from, from_where, diag);
    if (status == SOTTO_OK)
        status = registry_open_empty(&to, to_where, diag);
    if (status == SOTTO_OK)
        status = sql_transaction(from, diag); /* nobody writes there meanwhile */
    if (status == SOTTO_OK) {
        status = sql_transaction(to, diag);
        if (status == SOTTO_OK)
            status = sql_close(to, copy_all(from, to, diag), diag);
        status = sql_close(from, status, diag);
    }
    hq_registry_close(from);
    hq_registry_close(to);
    return status;
}
