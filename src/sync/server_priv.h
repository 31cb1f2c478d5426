/* The HTTP server inside: connections as small state machines, moved on by poll. */
#ifndef SOTTO_SYNC_SERVER_PRIV_H
#define SOTTO_SYNC_SERVER_PRIV_H

#include "tls_priv.h"

#define SERVER_LISTENERS_MAX   8
#define SERVER_CONNECTIONS_MAX 500
#define SERVER_IN_BYTES        8192

enum conn_state {
    CONN_FREE,
    CONN_HANDSHAKE,
    CONN_READ,  /* a request is coming, or none yet */
    CONN_WRITE, /* its reply goes out */
    CONN_DRAIN  /* half-closed: what still comes is thrown away, so that the peer gets to read our last words
                 */
};

typedef struct conn {
    enum conn_state state;
    sync_stream stream;
    sotto_http_parser *parser;
    sotto_peer peer;
    int64_t deadline_ms;
    uint8_t in[SERVER_IN_BYTES]; /* received, not yet parsed: in[in_at .. in_len) */
    size_t in_at, in_len;
    uint8_t head[SOTTO_HTTP_HEAD_MAX];
    size_t head_len, out_at; /* out_at counts over head and body */
    sotto_reply reply;
    bool close_after;
    bool has_more;  /* unparsed bytes are left that poll does not know of */
    size_t drained; /* bytes thrown away */
} conn;

struct sotto_server {
    sotto_listener listener[SERVER_LISTENERS_MAX];
    size_t listener_count;
    sotto_handler handler;
    void *ctx;
    size_t connections_max, body_max;
    int64_t idle_ms;
    sotto_clock clock;
    const sotto_log *log;
    conn *conn[SERVER_CONNECTIONS_MAX]; /* [0 .. connections_max), NULL = free place */
    size_t open;
};

/* server_conn.c */
/* Takes fd over. */
SOTTO_MUST_USE sotto_status conn_open(sotto_server *server, int fd, int listener, conn **out);
/* Goes on as far as the socket allows; false when the connection is done and must be freed. */
bool conn_step(sotto_server *server, conn *c);
/* The deadline passed: says so in the log. False: it must be freed. */
bool conn_timeout(const sotto_server *server, const conn *c);
void conn_free(conn *c);

/* server_reply.c: makes head and body ready to be sent. */
void conn_reply_from_handler(sotto_server *server, conn *c);
/* {"error": ...} in place of a reply; the connection ends after it. */
void conn_reply_error(conn *c, int code, sotto_status status, const char *text);
/* The next part to send; len 0 when all is out. */
sotto_span conn_unsent(const conn *c);

#endif
