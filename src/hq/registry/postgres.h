/* PostgreSQL behind the registry: one connection and what is asked over it. */
#ifndef SOTTO_HQ_REGISTRY_POSTGRES_H
#define SOTTO_HQ_REGISTRY_POSTGRES_H

#include "registry/sql.h"

#include "sotto/port.h"

#include <libpq-fe.h>

#define PG_PREPARED_MAX   96
#define PG_PARAMETERS_MAX 24

typedef struct pg_line {
    PGconn *conn;    /* NULL = none */
    bool connecting; /* begun, not ready for questions */
    bool ready;
    bool in_transaction; /* that we began: no other connection can go on with it */
    char *url;           /* may hold a password: never shown */
    char name[192];      /* without one: for messages */
    sotto_clock clock;
    int64_t next_try_ms, pause_ms, give_up_ms;
    const char *prepared[PG_PREPARED_MAX]; /* texts that this connection knows as "s<index>" */
    size_t prepared_count;
    unsigned cursors; /* numbers their names */
} pg_line;

/* A question with its parameters, in binary. */
typedef struct pg_question {
    const char *text; /* $1, $2 */
    int count;
    Oid type[PG_PARAMETERS_MAX];
    const char *value[PG_PARAMETERS_MAX];
    int length[PG_PARAMETERS_MAX], format[PG_PARAMETERS_MAX];
    uint8_t number[PG_PARAMETERS_MAX][8];
} pg_question;

/* Connects, waiting at most some seconds. USAGE for a URL that is none, IO when nobody is there, DENIED. */
SOTTO_MUST_USE sotto_status pg_line_open(pg_line **out, const char *url, sotto_diag *diag);
void pg_line_close(pg_line *line); /* NULL allowed */
/* A line that was lost is taken up again, after growing pauses; meanwhile this is IO at once, for whoever
 * asks has others to serve. Inside a transaction it is IO: what was begun is lost with the line. */
SOTTO_MUST_USE sotto_status pg_line_ready(pg_line *line, sotto_diag *diag);
/* Asks and waits. *out is the caller's to clear; NULL on failure. */
SOTTO_MUST_USE sotto_status pg_ask(pg_line *line, const pg_question *question, bool keep, int64_t timeout_ms,
                                   PGresult **out, sotto_diag *diag);
/* Statements without parameters or rows, separated by semicolons. */
SOTTO_MUST_USE sotto_status pg_exec(pg_line *line, const char *text, sotto_diag *diag);

/* The schema's steps as they lie in their files (postgres_steps.c). */
size_t pg_step_count(void);
/* number: from 0; it brings schema number to number + 1. Ends with a NUL that is not part of it. */
sotto_span pg_step(size_t number);

#endif
