/*
 * One connection to PostgreSQL: begun, lost and taken up again, and never waited for without an end. libpq's
 * asynchronous half is used throughout: a server that is gone must not hold up a worker that has thousands of
 * terminals to tell "come later".
 */
#include "registry/postgres.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CONNECT_MS     10000 /* of one try */
#define FIRST_MS       15000 /* a program that begins waits so long, over all tries */
#define PATIENCE_MS    100   /* later: so long for each request that wants the line */
#define PAUSE_FIRST_MS 500
#define PAUSE_MAX_MS   15000
#define ASK_MS         45000 /* longer than statement_timeout: the server speaks first */

/* What a session is: found by name and nowhere else (no table that a stranger put into "public"); nothing
 * waits for ever; COMMIT means the disk. */
static const char SESSION[] =
    "SET client_encoding TO 'UTF8'; SET search_path TO sotto, pg_temp; SET client_min_messages TO warning;"
    "SET statement_timeout TO 30000; SET lock_timeout TO 20000;"
    "SET idle_in_transaction_session_timeout TO 60000; SET jit TO off;"
    "SET default_transaction_isolation TO 'read committed'; SET bytea_output TO 'hex';"
    "SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = "
    "'off'";

static int64_t now_ms(const pg_line *line)
{
    return line->clock.mono_ms(line->clock.ctx);
}

static sotto_status away(const pg_line *line, sotto_diag *diag)
{
    return sotto_diag_at(diag, SOTTO_ERR(HQ, IO), line->name, 0,
                         "the database does not answer: it is tried again by itself");
}

static void be_silent(void *ctx, const char *message)
{
    (void)ctx, (void)message; /* libpq would print it */
}

/* ---- the name ---- */

static const char *option(const PQconninfoOption *options, const char *keyword)
{
    for (; options->keyword != NULL; options++)
        if (strcmp(options->keyword, keyword) == 0)
            return options->val != NULL ? options->val : "";
    return "";
}

/* libpq's own message about a URL repeats it, with the password: it is not shown. */
static sotto_status name_line(pg_line *line, sotto_diag *diag)
{
    char *why = NULL;
    PQconninfoOption *options = PQconninfoParse(line->url, &why);
    PQfreemem(why);
    if (options == NULL)
        return sotto_diag_set(diag, SOTTO_ERR(HQ, USAGE),
                              "the store's name is not a URL such as postgresql://USER@HOST:5432/DATABASE");
    const char *port = option(options, "port");
    (void)snprintf(line->name, sizeof line->name, "postgresql://%s%s%s%s/%s", option(options, "host"),
                   port[0] != '\0' ? ":" : "", port, "", option(options, "dbname"));
    PQconninfoFree(options);
    return SOTTO_OK;
}

/* ---- connecting ---- */

static void drop(pg_line *line)
{
    PQfinish(line->conn);
    line->conn = NULL;
    line->connecting = line->ready = false;
    line->prepared_count = 0;
}

static void fail_try(pg_line *line)
{
    drop(line);
    line->pause_ms = line->pause_ms == 0 ? PAUSE_FIRST_MS : line->pause_ms * 2;
    if (line->pause_ms > PAUSE_MAX_MS)
        line->pause_ms = PAUSE_MAX_MS;
    line->next_try_ms = now_ms(line) + line->pause_ms;
}

/* Ours first: what the URL says counts. */
static void begin_try(pg_line *line)
{
    static const char *const keywords[] = {"application_name",
                                           "keepalives_idle",
                                           "keepalives_interval",
                                           "keepalives_count",
                                           "tcp_user_timeout",
                                           "dbname",
                                           NULL};
    const char *const values[] = {"sotto-hq", "20", "5", "3", "30000", line->url, NULL};
    line->conn = PQconnectStartParams(keywords, values, 1);
    line->connecting = true;
    line->give_up_ms = now_ms(line) + CONNECT_MS;
    (void)PQsetNoticeProcessor(line->conn, be_silent, NULL);
}

static sotto_status wait_socket(const pg_line *line, short events, int64_t until_ms)
{
    struct pollfd fd = {.fd = PQsocket(line->conn), .events = events};
    int64_t left = until_ms - now_ms(line);
    if (fd.fd < 0)
        return SOTTO_ERR(HQ, IO);
    int n = poll(&fd, 1, left < 0 ? 0 : left > 60000 ? 60000 : (int)left);
    if (n < 0 && errno != EINTR)
        return SOTTO_ERR(HQ, IO);
    return n == 0 && now_ms(line) >= until_ms ? SOTTO_ERR(HQ, TIMEOUT) : SOTTO_OK;
}

/* The server's words, for one line of a log whose values stand in double quotes. */
static void quote(const char *text, char *out, size_t cap)
{
    (void)snprintf(out, cap, "%s", text != NULL ? text : "no reason");
    out[strcspn(out, "\r\n")] = '\0';
    for (char *at = out; *at != '\0'; at++)
        *at = *at == '"' ? '\'' : *at;
}

static sotto_status refused(const pg_line *line, sotto_diag *diag)
{
    if (PQconnectionNeedsPassword(line->conn) || PQconnectionUsedPassword(line->conn))
        return sotto_diag_at(diag, SOTTO_ERR(HQ, DENIED), line->name, 0,
                             "the database does not let us in: is the password in PGPASSFILE or the service "
                             "file right?");
    char text[160];
    quote(PQerrorMessage(line->conn), text, sizeof text);
    return sotto_diag_at(diag, SOTTO_ERR(HQ, IO), line->name, 0, "%s", text);
}

/* Goes on with a try until until_ms: OK = connected, TIMEOUT = not yet. */
static sotto_status go_on(pg_line *line, int64_t until_ms, sotto_diag *diag)
{
    for (;;) {
        PostgresPollingStatusType state =
            PQstatus(line->conn) == CONNECTION_BAD ? PGRES_POLLING_FAILED : PQconnectPoll(line->conn);
        if (state == PGRES_POLLING_OK)
            return SOTTO_OK;
        if (state == PGRES_POLLING_FAILED)
            return refused(line, diag);
        if (now_ms(line) >= line->give_up_ms)
            return away(line, diag);
        sotto_status status = wait_socket(line, state == PGRES_POLLING_READING ? POLLIN : POLLOUT, until_ms);
        if (status != SOTTO_OK)
            return status;
    }
}

static sotto_status set_up(pg_line *line, sotto_diag *diag)
{
    line->connecting = false;
    line->ready = true;
    sotto_status status =
        PQsetnonblocking(line->conn, 1) == 0 ? pg_exec(line, SESSION, diag) : away(line, diag);
    if (status == SOTTO_OK)
        line->pause_ms = 0;
    return status;
}

static sotto_status connect_within(pg_line *line, int64_t patience_ms, sotto_diag *diag)
{
    int64_t now = now_ms(line);
    if (line->conn == NULL && now < line->next_try_ms)
        return away(line, diag);
    if (line->conn == NULL)
        begin_try(line);
    sotto_status status = line->conn != NULL ? go_on(line, now + patience_ms, diag) : away(line, diag);
    if (sotto_status_cause(status) == SOTTO_CAUSE_TIMEOUT)
        return away(line, diag); /* the next request goes on with it */
    if (status == SOTTO_OK)
        status = set_up(line, diag);
    if (status != SOTTO_OK)
        fail_try(line);
    return status;
}

sotto_status pg_line_ready(pg_line *line, sotto_diag *diag)
{
    if (line->ready && PQstatus(line->conn) == CONNECTION_OK)
        return SOTTO_OK;
    if (line->in_transaction)
        return away(line, diag);
    if (line->ready)
        drop(line);
    sotto_status status = connect_within(line, PATIENCE_MS, diag);
    /* That the database refuses us is no word about the terminal that asked. */
    return sotto_status_cause(status) == SOTTO_CAUSE_DENIED ? SOTTO_ERR(HQ, IO) : status;
}

/* A server that is just being started is waited for; one that says no is not. */
static sotto_status connect_first(pg_line *line, sotto_diag *diag)
{
    int64_t until_ms = now_ms(line) + FIRST_MS;
    for (;;) {
        sotto_diag why = {0};
        sotto_status status = connect_within(line, CONNECT_MS, &why);
        if (sotto_status_cause(status) != SOTTO_CAUSE_IO || now_ms(line) + PAUSE_FIRST_MS >= until_ms) {
            if (status != SOTTO_OK && diag != NULL)
                *diag = why;
            return status;
        }
        (void)poll(NULL, 0, PAUSE_FIRST_MS);
        line->next_try_ms = 0;
    }
}

sotto_status pg_line_open(pg_line **out, const char *url, sotto_diag *diag)
{
    pg_line *line = calloc(1, sizeof *line);
    *out = line;
    if (line == NULL || (line->url = strdup(url)) == NULL)
        return sotto_diag_set(diag, SOTTO_ERR(HQ, NO_MEMORY), "no memory for the registry");
    line->clock = sotto_port_clock();
    sotto_status status = name_line(line, diag);
    return status == SOTTO_OK ? connect_first(line, diag) : status;
}

void pg_line_close(pg_line *line)
{
    if (line == NULL)
        return;
    drop(line);
    if (line->url != NULL)
        sotto_wipe(line->url, strlen(line->url));
    free(line->url);
    free(line);
}

/* ---- asking ---- */

/* Classes of PostgreSQL's appendix A, "PostgreSQL Error Codes". Ours are those of a wrong question; what is
 * not named here is the database's, and may pass (a server behind it that went in the midst has many names).
 */
static sotto_status translate(const char *state)
{
    static const struct {
        const char *prefix;
        sotto_status status;
    } classes[] = {{"23", SOTTO_ERR(HQ, CONFLICT)},   {"40", SOTTO_ERR(HQ, CONFLICT)},
                   {"53100", SOTTO_ERR(HQ, FULL)},    {"53200", SOTTO_ERR(HQ, NO_MEMORY)},
                   {"53", SOTTO_ERR(HQ, BUSY)},       {"55", SOTTO_ERR(HQ, BUSY)},
                   {"57014", SOTTO_ERR(HQ, BUSY)},    {"57", SOTTO_ERR(HQ, IO)},
                   {"08", SOTTO_ERR(HQ, NETWORK)},    {"25006", SOTTO_ERR(HQ, IO)},
                   {"25P03", SOTTO_ERR(HQ, BUSY)},    {"58", SOTTO_ERR(HQ, IO)},
                   {"42501", SOTTO_ERR(HQ, IO)},      {"42", SOTTO_ERR(HQ, INTERNAL)},
                   {"22", SOTTO_ERR(HQ, INTERNAL)},   {"XX001", SOTTO_ERR(HQ, CORRUPT)},
                   {"XX002", SOTTO_ERR(HQ, CORRUPT)}, {"HV", SOTTO_ERR(HQ, NETWORK)}};
    for (size_t i = 0; i < SOTTO_COUNT(classes); i++)
        if (strncmp(state, classes[i].prefix, strlen(classes[i].prefix)) == 0)
            return classes[i].status;
    return SOTTO_ERR(HQ, IO);
}

/* The message's first line only: its detail repeats values. */
static sotto_status judge(pg_line *line, const PGresult *result, sotto_diag *diag)
{
    ExecStatusType status = PQresultStatus(result);
    if (status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK)
        return SOTTO_OK;
    const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    char text[160];
    quote(PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY), text, sizeof text);
    if (PQstatus(line->conn) != CONNECTION_OK || state == NULL)
        return away(line, diag);
    return sotto_diag_at(diag, translate(state), line->name, 0, "%s (%s)", text, state);
}

static sotto_status flush(pg_line *line, int64_t until_ms)
{
    int left;
    while ((left = PQflush(line->conn)) == 1) {
        sotto_status status = wait_socket(line, POLLIN | POLLOUT, until_ms);
        if (status != SOTTO_OK || PQconsumeInput(line->conn) == 0)
            return status != SOTTO_OK ? status : SOTTO_ERR(HQ, IO);
    }
    return left == 0 ? SOTTO_OK : SOTTO_ERR(HQ, IO);
}

static sotto_status next_result(pg_line *line, int64_t until_ms, PGresult **out)
{
    while (PQisBusy(line->conn)) {
        sotto_status status = wait_socket(line, POLLIN, until_ms);
        if (status != SOTTO_OK)
            return status;
        if (PQconsumeInput(line->conn) == 0)
            return SOTTO_ERR(HQ, IO);
    }
    *out = PQgetResult(line->conn);
    return SOTTO_OK;
}

/* All answers to what was sent: the first that failed, or the last. */
static sotto_status take_results(pg_line *line, int64_t timeout_ms, PGresult **out, sotto_diag *diag)
{
    int64_t until_ms = now_ms(line) + timeout_ms;
    sotto_status first = SOTTO_OK, status = flush(line, until_ms);
    PGresult *result = NULL;
    *out = NULL;
    while (status == SOTTO_OK && (status = next_result(line, until_ms, &result)) == SOTTO_OK &&
           result != NULL) {
        if (first == SOTTO_OK) {
            PQclear(*out);
            *out = result;
            first = judge(line, result, diag);
        } else {
            PQclear(result);
        }
    }
    if (status != SOTTO_OK) { /* what it may still say belongs to a question that was given up */
        PQclear(*out);
        *out = NULL;
        drop(line);
        return away(line, diag);
    }
    if (first != SOTTO_OK) {
        PQclear(*out);
        *out = NULL;
    }
    return first != SOTTO_OK || *out != NULL ? first : away(line, diag);
}

static sotto_status sent(pg_line *line, int done, sotto_diag *diag)
{
    if (done == 1)
        return SOTTO_OK;
    if (PQstatus(line->conn) != CONNECTION_OK)
        return away(line, diag);
    return sotto_diag_at(diag, SOTTO_ERR(HQ, INTERNAL), line->name, 0, "the question could not be sent");
}

/* The connection's own name for a text, which it has then been told; -1 = none. */
static sotto_status prepare(pg_line *line, const pg_question *q, int *number, sotto_diag *diag)
{
    char name[16];
    PGresult *result = NULL;
    for (*number = 0; *number < (int)line->prepared_count; ++*number)
        if (line->prepared[*number] == q->text)
            return SOTTO_OK;
    assert(line->prepared_count < PG_PREPARED_MAX); /* the registry has fewer texts */
    char *text = strdup(q->text);
    if (text == NULL)
        return sotto_diag_set(diag, SOTTO_ERR(HQ, NO_MEMORY), "no memory for a question");
    for (char *at = text; *at != '\0'; at++)
        *at = *at == '?' ? '$' : *at;
    (void)snprintf(name, sizeof name, "s%d", *number);
    sotto_status status = sent(line, PQsendPrepare(line->conn, name, text, q->count, q->type), diag);
    free(text);
    if (status == SOTTO_OK)
        status = take_results(line, ASK_MS, &result, diag);
    PQclear(result);
    if (status == SOTTO_OK)
        line->prepared[line->prepared_count++] = q->text;
    return status;
}

sotto_status pg_ask(pg_line *line, const pg_question *q, bool keep, int64_t timeout_ms, PGresult **out,
                    sotto_diag *diag)
{
    char name[16];
    int number = -1;
    *out = NULL;
    sotto_status status = pg_line_ready(line, diag);
    if (status == SOTTO_OK && keep)
        status = prepare(line, q, &number, diag);
    if (status != SOTTO_OK)
        return status;
    (void)snprintf(name, sizeof name, "s%d", number);
    int done =
        number >= 0
            ? PQsendQueryPrepared(line->conn, name, q->count, q->value, q->length, q->format, 1)
            : PQsendQueryParams(line->conn, q->text, q->count, q->type, q->value, q->length, q->format, 1);
    status = sent(line, done, diag);
    return status == SOTTO_OK ? take_results(line, timeout_ms > 0 ? timeout_ms : ASK_MS, out, diag) : status;
}

sotto_status pg_exec(pg_line *line, const char *text, sotto_diag *diag)
{
    PGresult *result = NULL;
    sotto_status status = pg_line_ready(line, diag);
    if (status == SOTTO_OK)
        status = sent(line, PQsendQuery(line->conn, text), diag);
    if (status == SOTTO_OK)
        status = take_results(line, ASK_MS, &result, diag);
    PQclear(result);
    return status;
}
