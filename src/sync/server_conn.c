/* One connection of the server: handshake, request, reply, and again. Every state has a deadline. */
#include <stdlib.h>
#include <string.h>

#include "server_priv.h"

#define SEND_BYTES_A_MS 8 /* the slowest reader that is waited for */
#define DRAIN_MS        2000
#define DRAIN_BYTES     ((size_t)256 * 1024)

static bool is_busy(sotto_status st)
{
    return sotto_status_cause(st) == SOTTO_CAUSE_BUSY;
}

sotto_status conn_open(sotto_server *server, int fd, int door, conn **out)
{
    conn *c = calloc(1, sizeof *c);
    *out = NULL;
    if (c == NULL) {
        sotto_port_close(&fd);
        return SOTTO_ERR(SYNC, NO_MEMORY);
    }
    c->stream.fd = -1;
    c->parser = sotto_http_parser_new(true, server->config.body_max);
    if (c->parser == NULL) {
        sotto_port_close(&fd);
        conn_free(c);
        return SOTTO_ERR(SYNC, NO_MEMORY);
    }
    sotto_status st = sync_stream_open(&c->stream, fd, server->door[door].listener.tls, NULL, NULL, NULL);
    if (st != SOTTO_OK) {
        conn_free(c);
        return st;
    }
    c->peer.listener = door;
    c->state = c->stream.secure ? CONN_HANDSHAKE : CONN_READ;
    server_deadline(server, c, server->config.idle_ms);
    *out = c;
    return SOTTO_OK;
}

void conn_free(conn *c)
{
    sync_stream_close(&c->stream);
    sotto_http_parser_free(c->parser);
    sotto_vec_free(&c->reply.body);
    free(c);
}

/* RFC 9112 section 9.6: a close with bytes unread would make the system reset the connection, and the peer
 * might never see the reply or the alert. */
static void start_drain(sotto_server *server, conn *c)
{
    sync_stream_shutdown(&c->stream);
    c->state = CONN_DRAIN;
    server_deadline(server, c, DRAIN_MS);
}

void conn_start_write(sotto_server *server, conn *c)
{
    size_t total = c->head_len + c->reply.body.len;
    c->state = CONN_WRITE;
    server_deadline(server, c, server->config.idle_ms + (int64_t)(total / SEND_BYTES_A_MS));
}

/* Returns true to go on, false when the socket has to be waited for; *gone when the connection is at its end.
 */
static bool step_handshake(sotto_server *server, conn *c, bool *gone)
{
    sotto_diag diag = {0};
    sotto_status st = sync_stream_handshake(&c->stream, &diag);
    if (st == SOTTO_OK) {
        int listener = c->peer.listener;
        c->peer = c->stream.peer;
        c->peer.listener = listener;
        c->state = CONN_READ;
        server->stats.handshakes++;
        return true;
    }
    if (is_busy(st))
        return false;
    server->stats.refused++;
    sotto_log_event(server->config.log, SOTTO_LOG_WARN, "sync.tls_refused", "listener=%d reason=\"%s\"",
                    c->peer.listener, diag.text);
    if (sotto_status_cause(st) == SOTTO_CAUSE_NETWORK)
        *gone = true;
    else
        start_drain(server, c);
    return !*gone;
}

/* Bytes from the socket into in[]. */
static bool fill(conn *c, bool *gone)
{
    size_t n = 0;
    sotto_status st = sync_stream_read(&c->stream, c->in, sizeof c->in, &n, NULL);
    c->in_at = 0;
    c->in_len = n;
    if (is_busy(st))
        return false;
    /* The end, in the middle of a request or between two: there is nobody to answer. */
    if (st != SOTTO_OK || n == 0)
        *gone = true;
    return !*gone;
}

static void refuse_request(sotto_server *server, conn *c, sotto_status st)
{
    if (sotto_status_cause(st) == SOTTO_CAUSE_RANGE)
        conn_reply_error(c, 413, SOTTO_ERR(SYNC, RANGE), "the request is too long");
    else if (sotto_status_cause(st) == SOTTO_CAUSE_NO_MEMORY)
        conn_reply_error(c, 503, SOTTO_ERR(SYNC, NO_MEMORY), "no memory for this request");
    else
        conn_reply_error(c, 400, SOTTO_ERR(SYNC, MALFORMED), "the request is not HTTP/1.1");
    conn_start_write(server, c);
}

static bool step_read(sotto_server *server, conn *c, bool *gone)
{
    size_t used = 0;
    bool done = false;
    if (c->in_at == c->in_len && !fill(c, gone))
        return false;
    sotto_status st =
        sotto_http_feed(c->parser, sotto_span_of(c->in + c->in_at, c->in_len - c->in_at), &used, &done);
    c->in_at += used;
    c->begun = true;
    if (st != SOTTO_OK) {
        refuse_request(server, c, st);
    } else if (done) {
        server_enqueue(server, c);
    }
    return true;
}

static void next_request(sotto_server *server, conn *c)
{
    sotto_vec_free(&c->reply.body);
    c->begun = false;
    if (c->close_after || server->draining) {
        start_drain(server, c);
        return;
    }
    sotto_http_parser_reset(c->parser);
    c->state = CONN_READ;
    server_deadline(server, c, server->config.idle_ms);
}

static bool step_write(sotto_server *server, conn *c, bool *gone)
{
    sotto_span part = conn_unsent(c);
    if (part.len == 0) {
        next_request(server, c);
        return true;
    }
    size_t n = 0;
    sotto_status st = sync_stream_write(&c->stream, part.ptr, part.len, &n, NULL);
    if (is_busy(st))
        return false;
    c->out_at += n;
    if (st != SOTTO_OK)
        *gone = true;
    return !*gone;
}

static bool step_drain(conn *c, bool *gone)
{
    size_t n = 0;
    /* Below TLS: what comes now is of no interest to it. */
    sotto_status st = sotto_port_recv(c->stream.fd, c->in, sizeof c->in, &n);
    c->stream.wants_write = false;
    if (is_busy(st))
        return false;
    c->drained += n;
    if (st != SOTTO_OK || n == 0 || c->drained > DRAIN_BYTES)
        *gone = true;
    return !*gone;
}

bool conn_step(sotto_server *server, conn *c)
{
    bool gone = false, on = true;
    while (on) {
        switch (c->state) {
        case CONN_HANDSHAKE:
            on = step_handshake(server, c, &gone);
            break;
        case CONN_READ:
            on = step_read(server, c, &gone);
            break;
        case CONN_WRITE:
            on = step_write(server, c, &gone);
            break;
        case CONN_DRAIN:
            on = step_drain(c, &gone);
            break;
        case CONN_READY:
        case CONN_HELD:
        case CONN_LATER:
            return true;
        case CONN_FREE:
            return false;
        }
    }
    return !gone;
}

void conn_stop(sotto_server *server, conn *c)
{
    if (c->state == CONN_READ && !c->begun && c->in_at == c->in_len)
        start_drain(server, c);
}
