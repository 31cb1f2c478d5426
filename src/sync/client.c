/* The HTTP client: one connection, requests in sequence, every wait bounded by one deadline a request. */
#include <stdlib.h>
#include <string.h>

#include "client_priv.h"

#define DEFAULT_TIMEOUT_MS 30000
#define DEFAULT_BODY_MAX   ((size_t)64 * 1024 * 1024)
#define CHUNK              16384
#define RETRY_MAX_S        86400
#define LATE_ANSWER_MS     500
#define PACE_MS            5 /* shorter pauses are put together */

/* One request as it goes out, and what became of it. */
typedef struct exchange {
    const char *method, *target, *content_type, *extra;
    sotto_span body;
    int64_t deadline_ms;
    bool sent;      /* all of it went out */
    bool answering; /* a byte of the response came */
} exchange;

static int64_t now_ms(const sotto_client *c)
{
    return c->clock.mono_ms(c->clock.ctx);
}

static bool is_busy(sotto_status st)
{
    return sotto_status_cause(st) == SOTTO_CAUSE_BUSY;
}

static void disconnect(sotto_client *c)
{
    if (c->connected)
        sync_stream_close(&c->stream);
    c->connected = false;
    c->used = false;
}

/* Turns a wait's status into words. */
static sotto_status wait_for(sotto_client *c, const exchange *x, const char *doing, sotto_diag *diag)
{
    if (now_ms(c) >= x->deadline_ms)
        return sotto_diag_at(diag, SOTTO_ERR(SYNC, TIMEOUT), c->url.authority, 0,
                             "no progress in time while %s", doing);
    sotto_status st = sotto_port_wait(c->stream.fd, c->stream.wants_write, x->deadline_ms);
    if (sotto_status_cause(st) == SOTTO_CAUSE_TIMEOUT)
        return sotto_diag_at(diag, SOTTO_ERR(SYNC, TIMEOUT), c->url.authority, 0,
                             "no answer in time while %s", doing);
    if (st != SOTTO_OK)
        return sotto_diag_at(diag, SOTTO_ERR(SYNC, NETWORK), c->url.authority, 0,
                             "the connection broke while %s", doing);
    return SOTTO_OK;
}

static sotto_status open_socket(sotto_client *c, int64_t deadline_ms, int *fd, sotto_diag *diag)
{
    if (c->url.scheme == CLIENT_UNIX)
        return sotto_port_connect_unix(c->url.host, deadline_ms, fd, diag);
    if (c->proxy.host[0] != '\0')
        return client_proxy_open(c, deadline_ms, fd, diag);
    return sotto_port_connect_tcp(c->url.host, c->url.port, deadline_ms, fd, diag);
}

static sotto_status connect_now(sotto_client *c, const exchange *x, sotto_diag *diag)
{
    int fd = -1;
    bool secure = c->url.scheme == CLIENT_HTTPS;
    sotto_status st = open_socket(c, x->deadline_ms, &fd, diag);
    if (st != SOTTO_OK)
        return st;
    if (c->max_bytes_per_s > 0 && c->url.scheme != CLIENT_UNIX)
        sync_receive_little(fd, c->max_bytes_per_s / 4);
    st = sync_stream_open(&c->stream, fd, secure ? c->tls : NULL, secure ? c->url.host : NULL,
                          c->ticket != NULL ? &c->ticket->session : NULL, diag);
    if (st != SOTTO_OK)
        return st;
    c->connected = true;
    c->used = false;
    while (is_busy(st = sync_stream_handshake(&c->stream, diag))) {
        st = wait_for(c, x, "setting up TLS", diag);
        if (st != SOTTO_OK)
            break;
    }
    if (st == SOTTO_OK)
        st = client_judge_ticket(c, diag);
    /* A ticket that did not help is not offered again. */
    if (st != SOTTO_OK)
        sotto_ticket_free(sotto_client_take_ticket(c));
    return st;
}

/* A kept-alive connection that the server has closed, or that says something unasked, is not used again. */
static bool still_usable(sotto_client *c)
{
    uint8_t byte;
    size_t n = 0;
    sync_stream_new_turn(&c->stream);
    return is_busy(sync_stream_read(&c->stream, &byte, 1, &n, NULL));
}

static sotto_status send_all(sotto_client *c, const exchange *x, sotto_span bytes, sotto_diag *diag)
{
    size_t at = 0;
    while (at < bytes.len) {
        size_t n = 0;
        sotto_status st = sync_stream_write(&c->stream, bytes.ptr + at, bytes.len - at, &n, diag);
        if (is_busy(st))
            st = wait_for(c, x, "sending", diag);
        if (st != SOTTO_OK)
            return st;
        at += n;
    }
    return SOTTO_OK;
}

static sotto_status send_request(sotto_client *c, exchange *x, sotto_diag *diag)
{
    uint8_t head[SOTTO_HTTP_HEAD_MAX];
    sotto_buf out = sotto_buf_of(head, sizeof head);
    sotto_status st = sotto_http_write_request(&out, x->method, x->target, c->url.authority, x->content_type,
                                               x->body.len, x->extra);
    if (st != SOTTO_OK)
        return sotto_diag_at(diag, st, x->target, 0, "cannot be a request");
    st = send_all(c, x, sotto_buf_span(&out), diag);
    if (st == SOTTO_OK)
        st = send_all(c, x, x->body, diag);
    x->sent = st == SOTTO_OK;
    return st;
}

static sotto_status feed(sotto_client *c, sotto_span bytes, bool *done, sotto_diag *diag)
{
    size_t used = 0;
    sotto_status st = sotto_http_feed(c->parser, bytes, &used, done);
    if (sotto_status_cause(st) == SOTTO_CAUSE_RANGE)
        return sotto_diag_at(diag, SOTTO_ERR(SYNC, RANGE), c->url.authority, 0, "the answer is too long");
    if (sotto_status_cause(st) == SOTTO_CAUSE_NO_MEMORY)
        return sotto_diag_at(diag, st, c->url.authority, 0, "no memory for the answer");
    if (st != SOTTO_OK || (*done && used < bytes.len))
        return sotto_diag_at(diag, SOTTO_ERR(SYNC, PROTOCOL), c->url.authority, 0,
                             "the answer is not HTTP/1.1");
    return SOTTO_OK;
}

/* End of the stream: fine for an answer without a length, too early otherwise. */
static sotto_status feed_end(sotto_client *c, bool *done, sotto_diag *diag)
{
    sotto_status st = sotto_http_finish(c->parser, done);
    if (st == SOTTO_OK && *done)
        return SOTTO_OK;
    return sotto_diag_at(diag, SOTTO_ERR(SYNC, NETWORK), c->url.authority, 0,
                         "the connection was closed before the answer was whole");
}

/* What is not read stays in the kernel's small buffer, and TCP slows the sender down. Nothing is saved up for
 * later: a line that was idle is not used faster. */
static void pace(sotto_client *c, exchange *x, size_t n)
{
    if (c->max_bytes_per_s == 0)
        return;
    int64_t now = now_ms(c);
    c->owed += (uint64_t)n * 1000;
    c->free_at_ms = (c->free_at_ms > now ? c->free_at_ms : now) + (int64_t)(c->owed / c->max_bytes_per_s);
    c->owed %= c->max_bytes_per_s;
    if (c->free_at_ms - now < PACE_MS)
        return;
    sync_pause(c->free_at_ms - now);
    x->deadline_ms += now_ms(c) - now;
}

static sotto_status receive(sotto_client *c, exchange *x, sotto_diag *diag)
{
    uint8_t chunk[CHUNK];
    bool done = false;
    sotto_status st = SOTTO_OK;
    while (st == SOTTO_OK && !done) {
        size_t n = 0;
        st = sync_stream_read(&c->stream, chunk, sizeof chunk, &n, diag);
        if (is_busy(st)) {
            st = wait_for(c, x, "waiting for the answer", diag);
            continue;
        }
        if (st != SOTTO_OK)
            break;
        x->answering = x->answering || n > 0;
        st = n == 0 ? feed_end(c, &done, diag) : feed(c, sotto_span_of(chunk, n), &done, diag);
        pace(c, x, n);
    }
    return st;
}

/* A server may answer (413) and close before it has read everything: a failed send still looks for an answer.
 */
static sotto_status exchange_once(sotto_client *c, exchange *x, sotto_diag *diag)
{
    sotto_diag first = {0};
    sotto_status st = c->connected ? SOTTO_OK : connect_now(c, x, diag);
    if (st != SOTTO_OK)
        return st;
    st = send_request(c, x, &first);
    if (st == SOTTO_OK)
        return receive(c, x, diag);
    if (now_ms(c) + LATE_ANSWER_MS < x->deadline_ms)
        x->deadline_ms = now_ms(c) + LATE_ANSWER_MS;
    if (sotto_status_cause(st) == SOTTO_CAUSE_NETWORK && receive(c, x, NULL) == SOTTO_OK)
        return SOTTO_OK;
    if (diag != NULL)
        *diag = first;
    return st;
}

static bool is_idempotent(const char *method)
{
    return strcmp(method, "GET") == 0 || strcmp(method, "PUT") == 0 || strcmp(method, "HEAD") == 0 ||
           strcmp(method, "DELETE") == 0;
}

static sotto_status fresh_parser(sotto_client *c, const char *method, size_t body_max, sotto_diag *diag)
{
    sotto_http_parser_free(c->parser);
    c->parser = sotto_http_parser_new(false, body_max < c->body_max ? body_max : c->body_max);
    if (c->parser == NULL)
        return sotto_diag_set(diag, SOTTO_ERR(SYNC, NO_MEMORY), "no memory for a request");
    if (strcmp(method, "HEAD") == 0)
        sotto_http_parser_no_body(c->parser);
    return SOTTO_OK;
}

static sotto_status run_exchange(sotto_client *c, exchange *x, size_t body_max,
                                 const sotto_http_message **response, sotto_diag *diag)
{
    const int64_t deadline_ms = now_ms(c) + c->timeout_ms;
    *response = NULL;
    x->deadline_ms = deadline_ms;
    if (c->connected && !still_usable(c))
        disconnect(c);
    bool reused = c->connected && c->used;
    sotto_status st = fresh_parser(c, x->method, body_max, diag);
    if (st == SOTTO_OK)
        st = exchange_once(c, x, diag);
    if (sotto_status_cause(st) == SOTTO_CAUSE_NETWORK && reused && !x->answering &&
        is_idempotent(x->method)) {
        x->deadline_ms = deadline_ms;
        x->sent = false;
        disconnect(c);
        st = fresh_parser(c, x->method, body_max, diag);
        if (st == SOTTO_OK)
            st = exchange_once(c, x, diag);
    }
    if (st != SOTTO_OK) {
        disconnect(c);
        return st;
    }
    *response = sotto_http_message_of(c->parser);
    client_keep_ticket(c);
    c->used = true;
    if (!(*response)->keep_alive || !x->sent)
        disconnect(c);
    return SOTTO_OK;
}

sotto_status client_request(sotto_client *c, const char *method, const char *target, const char *content_type,
                            sotto_span body, size_t body_max, const sotto_http_message **response,
                            sotto_diag *diag)
{
    exchange x = {.method = method, .target = target, .content_type = content_type, .body = body};
    return run_exchange(c, &x, body_max, response, diag);
}

sotto_status client_ask_for(sotto_client *client, const client_ask *ask, const sotto_http_message **response,
                            sotto_diag *diag)
{
    exchange x = {.method = ask->method, .target = ask->target, .extra = ask->extra};
    return run_exchange(client, &x, ask->body_max, response, diag);
}

sotto_status sotto_client_request(sotto_client *client, const char *method, const char *target,
                                  const char *content_type, sotto_span body,
                                  const sotto_http_message **response, sotto_diag *diag)
{
    return client_request(client, method, target, content_type, body, client->body_max, response, diag);
}

sotto_status sotto_client_new(sotto_client **out, const sotto_client_config *config, sotto_diag *diag)
{
    *out = NULL;
    sotto_client *c = calloc(1, sizeof *c);
    if (c == NULL)
        return sotto_diag_set(diag, SOTTO_ERR(SYNC, NO_MEMORY), "no memory for a client");
    c->tls = config->tls;
    c->clock = config->clock;
    c->timeout_ms = config->timeout_ms > 0 ? config->timeout_ms : DEFAULT_TIMEOUT_MS;
    c->body_max = config->body_max > 0 ? config->body_max : DEFAULT_BODY_MAX;
    c->max_bytes_per_s = config->max_bytes_per_s;
    sotto_status st = client_url_parse(&c->url, config->url, diag);
    if (st == SOTTO_OK && c->url.scheme == CLIENT_HTTPS && (c->tls == NULL || c->tls->server))
        st = sotto_diag_at(diag, SOTTO_ERR(SYNC, USAGE), config->url, 0, "https needs a client's TLS");
    if (st == SOTTO_OK)
        st = client_proxy_set(c, config->proxy, config->proxy_credentials, diag);
    if (st == SOTTO_OK && c->max_bytes_per_s > 0 && c->max_bytes_per_s < SOTTO_CLIENT_RATE_MIN)
        st = sotto_diag_at(diag, SOTTO_ERR(SYNC, USAGE), config->url, 0,
                           "fewer than %d bytes a second are a broken line", SOTTO_CLIENT_RATE_MIN);
    if (st == SOTTO_OK)
        *out = c;
    else
        sotto_client_free(c);
    return st;
}

void sotto_client_free(sotto_client *client)
{
    if (client == NULL)
        return;
    if (client->connected)
        sync_stream_shutdown(&client->stream);
    disconnect(client);
    sotto_http_parser_free(client->parser);
    sotto_ticket_free(client->ticket);
    sotto_wipe(client->proxy_authorization, sizeof client->proxy_authorization);
    free(client);
}

const char *client_name(const sotto_client *client)
{
    return client->url.scheme == CLIENT_UNIX ? client->url.host : client->url.authority;
}

int64_t client_retry_after_s(const sotto_http_message *response)
{
    sotto_span text;
    uint64_t seconds;
    if (!sotto_http_header_find(response, "retry-after", &text) ||
        sotto_parse_u64(text, &seconds) != SOTTO_OK)
        return 0;
    return seconds > RETRY_MAX_S ? RETRY_MAX_S : (int64_t)seconds;
}

static sotto_status status_of_code(int code)
{
    switch (code) {
    case 401:
    case 403:
        return SOTTO_ERR(SYNC, AUTH);
    case 404:
        return SOTTO_ERR(SYNC, NOT_FOUND);
    case 409:
        return SOTTO_ERR(SYNC, EXISTS);
    case 413:
        return SOTTO_ERR(SYNC, RANGE);
    case 429:
    case 503:
        return SOTTO_ERR(SYNC, BUSY);
    default:
        return code >= 500   ? SOTTO_ERR(SYNC, NETWORK)
               : code >= 400 ? SOTTO_ERR(SYNC, MALFORMED)
                             : SOTTO_ERR(SYNC, PROTOCOL);
    }
}

void client_words(const sotto_http_message *response, char out[static CLIENT_WORDS_MAX])
{
    sotto_json *doc = NULL;
    sotto_span text = {0};
    out[0] = '\0';
    if (response->body.len > 0 && sotto_json_parse(&doc, response->body, "answer", NULL) == SOTTO_OK) {
        sotto_json_node error = sotto_json_member(sotto_json_root(doc), "error");
        if (sotto_json_get_str(error, "text", &text, NULL) == SOTTO_OK &&
            sotto_span_to_str(text, out, CLIENT_WORDS_MAX) != SOTTO_OK)
            out[0] = '\0';
        for (char *p = out; *p != '\0'; p++)
            *p = (unsigned char)*p < 0x20 || *p == 0x7f ? '?' : *p;
    }
    sotto_json_free(doc);
}

sotto_status client_refusal(const sotto_client *client, const sotto_http_message *response, sotto_diag *diag)
{
    sotto_status st = status_of_code(response->code);
    char words[CLIENT_WORDS_MAX];
    client_words(response, words);
    return sotto_diag_at(diag, st, client_name(client), 0, "answered %d %s%s%s", response->code,
                         sotto_http_reason(response->code), words[0] == '\0' ? "" : ": ", words);
}
