/* The registry in PostgreSQL: its statements, as sql.h wants them. */
#include "registry/postgres.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Types of pg_type.dat. */
#define OID_BYTEA 17
#define OID_INT8  20
#define OID_TEXT  25

#define FETCH_ROWS      512
#define WALK_TIMEOUT_MS 3600000
/* Advisory locks: "SHQ" and a number. Writers share the first, so that sql_horizon can wait for all of them.
 */
#define LOCK_WRITERS "5457233"

typedef struct pg_stmt {
    pg_question q;
    char *cursor_text; /* of a walk: DECLARE, with $ for ? */
    char fetch[48];
    PGresult *result;
    int row, rows; /* of result; row: the one that is read */
    bool asked;
    bool own_transaction; /* of a walk, which began it */
} pg_stmt;

static pg_line *line_of(const sql *s)
{
    return s->registry->line;
}

/* ---- binding ---- */

static void prepare(sql *s, const char *text)
{
    pg_stmt *st = calloc(1, sizeof *st);
    s->stmt = st;
    if (st == NULL)
        sql_fail(s, sotto_diag_set(s->diag, SOTTO_ERR(HQ, NO_MEMORY), "no memory for a question"));
    else
        st->q.text = text;
}

static int place(sql *s, Oid type, const void *value, int length, int format)
{
    pg_question *q = &((pg_stmt *)s->stmt)->q;
    int i = q->count++;
    assert(i < PG_PARAMETERS_MAX);
    q->type[i] = type;
    q->value[i] = value;
    q->length[i] = length;
    q->format[i] = format;
    return i;
}

static void bind_text(sql *s, const char *text)
{
    (void)place(s, OID_TEXT, text, 0, 0);
}

/* int8 goes over the line in network order (PostgreSQL manual, "Message Data Types"). */
static void bind_i64(sql *s, int64_t value)
{
    pg_question *q = &((pg_stmt *)s->stmt)->q;
    int i = place(s, OID_INT8, NULL, 8, 1);
    for (unsigned b = 0; b < 8; b++)
        q->number[i][b] = (uint8_t)((uint64_t)value >> (56 - 8 * b));
    q->value[i] = (const char *)q->number[i];
}

static void bind_blob(sql *s, const void *bytes, size_t len)
{
    if (len > INT32_MAX)
        sql_fail(s, sotto_diag_set(s->diag, SOTTO_ERR(HQ, INTERNAL), "too many bytes for a database"));
    else
        (void)place(s, OID_BYTEA, bytes, (int)len, 1);
}

/* ---- transactions ---- */

static sotto_status exec(hq_registry *registry, const char *text, sotto_diag *diag)
{
    return pg_exec(registry->line, text, diag);
}

static sotto_status begin_with(pg_line *line, const char *text, sotto_diag *diag)
{
    assert(!line->in_transaction);
    sotto_status status = pg_exec(line, text, diag);
    line->in_transaction = status == SOTTO_OK;
    return status;
}

/* A line that is lost has taken everything back by itself. */
static void rollback(hq_registry *registry)
{
    pg_line *line = registry->line;
    if (line->ready && PQtransactionStatus(line->conn) != PQTRANS_IDLE)
        (void)!pg_exec(line, "ROLLBACK", NULL);
    line->in_transaction = false;
}

static sotto_status begin(hq_registry *registry, sotto_diag *diag)
{
    sotto_status status =
        begin_with(registry->line, "BEGIN; SELECT pg_advisory_xact_lock_shared(" LOCK_WRITERS ")", diag);
    if (status != SOTTO_OK)
        rollback(registry); /* BEGIN may have gone well, and the lock not */
    return status;
}

/* COMMIT of a transaction that failed says ROLLBACK, and that it went well. */
static sotto_status commit(hq_registry *registry, sotto_diag *diag)
{
    static const pg_question question = {.text = "COMMIT"};
    pg_line *line = registry->line;
    PGresult *result = NULL;
    sotto_status status = pg_ask(line, &question, false, 0, &result, diag);
    if (status == SOTTO_OK && strcmp(PQcmdStatus(result), "COMMIT") != 0)
        status = sotto_diag_at(diag, SOTTO_ERR(HQ, CONFLICT), line->name, 0, "nothing was kept");
    PQclear(result);
    if (status == SOTTO_OK)
        line->in_transaction = false;
    return status;
}

static sotto_status lock(hq_registry *registry, const char *device, sotto_diag *diag)
{
    sql s = sql_begin(registry, "SELECT 1 FROM device WHERE id = ?1 FOR UPDATE", diag);
    sql_text(&s, device);
    return sql_run(&s);
}

/* Numbers are drawn before their rows can be read. When no writer is under way, all that were drawn have
 * their rows or never will. */
static sotto_status horizon(hq_registry *registry, int64_t *row, sotto_diag *diag)
{
    sotto_status status =
        begin_with(registry->line, "BEGIN; SELECT pg_advisory_xact_lock(" LOCK_WRITERS ")", diag);
    if (status == SOTTO_OK) {
        sql s = sql_begin(registry, "SELECT last_value FROM report_arrival", diag);
        *row = sql_row(&s) ? sql_get_i64(&s, 0) : 0;
        status = sql_end(&s);
    }
    return sql_close(registry, status, diag);
}

/* ---- stepping ---- */

static void ask(sql *s)
{
    pg_stmt *st = s->stmt;
    sql_fail(s, pg_ask(line_of(s), &st->q, true, 0, &st->result, s->diag));
    st->rows = st->result != NULL ? PQntuples(st->result) : 0;
    st->row = -1;
}

/* A cursor inside a transaction: memory stays small, and the visitor may ask other things meanwhile. */
static void open_cursor(sql *s)
{
    pg_stmt *st = s->stmt;
    pg_line *line = line_of(s);
    unsigned number = line->cursors++;
    size_t cap = strlen(st->q.text) + 64;
    st->own_transaction = !line->in_transaction;
    (void)snprintf(st->fetch, sizeof st->fetch, "FETCH %d FROM c%u", FETCH_ROWS, number);
    if ((st->cursor_text = malloc(cap)) == NULL) {
        sql_fail(s, sotto_diag_set(s->diag, SOTTO_ERR(HQ, NO_MEMORY), "no memory for a question"));
        return;
    }
    (void)snprintf(st->cursor_text, cap, "DECLARE c%u NO SCROLL CURSOR FOR %s", number, st->q.text);
    for (char *at = st->cursor_text; *at != '\0'; at++)
        *at = *at == '?' ? '$' : *at;
    if (st->own_transaction)
        sql_fail(s, begin_with(line,
                               "BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY;"
                               "SET LOCAL statement_timeout TO 0",
                               s->diag));
    pg_question declare = st->q;
    declare.text = st->cursor_text;
    if (s->status == SOTTO_OK)
        sql_fail(s, pg_ask(line, &declare, false, WALK_TIMEOUT_MS, &st->result, s->diag));
}

static void fetch(sql *s)
{
    pg_stmt *st = s->stmt;
    const pg_question question = {.text = st->fetch};
    PQclear(st->result);
    st->result = NULL;
    sql_fail(s, pg_ask(line_of(s), &question, false, WALK_TIMEOUT_MS, &st->result, s->diag));
    st->rows = st->result != NULL ? PQntuples(st->result) : 0;
    st->row = -1;
}

static bool step(sql *s)
{
    pg_stmt *st = s->stmt;
    if (!st->asked && s->walk)
        open_cursor(s);
    else if (!st->asked)
        ask(s);
    if (s->status == SOTTO_OK && s->walk && (!st->asked || (st->row + 1 == st->rows && st->rows > 0)))
        fetch(s);
    st->asked = true;
    return s->status == SOTTO_OK && ++st->row < st->rows;
}

static sotto_span get_span(sql *s, int column)
{
    const pg_stmt *st = s->stmt;
    if (PQgetisnull(st->result, st->row, column))
        return sotto_span_of(NULL, 0);
    return sotto_span_of(PQgetvalue(st->result, st->row, column),
                         (size_t)PQgetlength(st->result, st->row, column));
}

/* int2, int4 and int8, whatever the expression was. */
static int64_t get_i64(sql *s, int column)
{
    sotto_span bytes = get_span(s, column);
    uint64_t value = bytes.len > 0 && (bytes.ptr[0] & 0x80) != 0 ? UINT64_MAX : 0;
    for (size_t i = 0; i < bytes.len && i < 8; i++)
        value = value << 8 | bytes.ptr[i];
    return (int64_t)value;
}

static int64_t changes(sql *s)
{
    int64_t count = 0;
    const pg_stmt *st = s->stmt;
    const char *text = st->result != NULL ? PQcmdTuples(st->result) : "";
    return sotto_parse_i64(sotto_span_str(text), &count) == SOTTO_OK ? count : 0;
}

static void end(sql *s)
{
    pg_stmt *st = s->stmt;
    if (st == NULL)
        return;
    if (st->own_transaction)
        rollback(s->registry); /* it only read; the cursor goes with it */
    PQclear(st->result);
    free(st->cursor_text);
    free(st);
}

/* Numbers go on after the largest one that came. */
static sotto_status copied(hq_registry *registry, sotto_diag *diag)
{
    return sql_exec(
        registry, "SELECT setval('report_arrival', (SELECT coalesce(max(rowid), 0) + 1 FROM report), false)",
        diag);
}

static void close_line(hq_registry *registry)
{
    pg_line_close(registry->line);
}

const sql_driver sql_postgres = {SQL_DRIVER_STEPS, .copied = copied, .close = close_line};
