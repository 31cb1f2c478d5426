/* The HTTP server inside: connections as small state machines, moved on by epoll. */
#ifndef SOTTO_SYNC_SERVER_PRIV_H
#define SOTTO_SYNC_SERVER_PRIV_H

#include "tls_priv.h"

#define SERVER_LISTENERS_MAX   8
#define SERVER_CONNECTIONS_MAX 20000
#define SERVER_IN_BYTES        8192

enum conn_state {
    CONN_FREE, /* done; its memory goes at the end of the round */
    CONN_HANDSHAKE,
    CONN_READ,  /* a request is coming, or none yet */
    CONN_READY, /* a whole request waits for its turn */
    CONN_HELD,  /* answered, but the answer leaves only after the round's commit */
    CONN_LATER, /* its answer comes by sotto_server_answer; nothing is heard of it until then */
    CONN_WRITE, /* its reply goes out */
    CONN_DRAIN  /* half-closed: what still comes is thrown away, so that the peer gets to read our last words
                 */
};

typedef struct conn {
    enum conn_state state;
    size_t place; /* in server->conn */
    sync_stream stream;
    sotto_http_parser *parser;
    sotto_peer peer;
    int64_t deadline_ms, ready_ms;
    unsigned mask;               /* what epoll watches for */
    uint8_t in[SERVER_IN_BYTES]; /* received, not yet parsed: in[in_at .. in_len) */
    size_t in_at, in_len;
    uint8_t head[SOTTO_HTTP_HEAD_MAX];
    size_t head_len, out_at; /* out_at counts over head and body */
    sotto_reply reply;
    bool close_after;
    bool begun;     /* bytes of a request are in the parser */
    size_t drained; /* bytes thrown away */
} conn;

typedef struct server_door {
    sotto_listener listener;
    size_t held; /* connections */
    bool armed;  /* epoll watches it */
} server_door;

struct sotto_server {
    server_door door[SERVER_LISTENERS_MAX];
    size_t door_count;
    sotto_server_config config; /* with its defaults filled in */
    int epoll;
    conn **conn;    /* [0 .. connections_max): the open ones first */
    conn **waiting; /* a ring of connections_max: CONN_READY in the order in which they came */
    conn *held[SOTTO_SERVER_BATCH_MAX];
    size_t held_count, waiting_at, waiting_count, dead_count;
    conn **dead; /* [0 .. connections_max) */
    bool draining;
    int64_t next_deadline_ms; /* no connection's deadline comes before */
    int64_t accept_after_ms;  /* out of descriptors until then */
    sotto_server_stats stats;
};

/* server.c */
int64_t server_now_ms(const sotto_server *server);
/* CONN_READY: to the end of the queue. */
void server_enqueue(sotto_server *server, conn *c);
void server_deadline(sotto_server *server, conn *c, int64_t after_ms);

/* server_conn.c */
/* Takes fd over. */
SOTTO_MUST_USE sotto_status conn_open(sotto_server *server, int fd, int door, conn **out);
/* Goes on as far as the socket allows, at most to CONN_READY; false when the connection is done and must be
 * freed. */
bool conn_step(sotto_server *server, conn *c);
/* The server is closing: whoever is between two requests is told so. */
void conn_stop(sotto_server *server, conn *c);
void conn_free(conn *c);

/* server_reply.c */
/* Calls the handler. False when the answer has to wait: for the commit, or for a later word. */
bool conn_handle(sotto_server *server, conn *c);
/* Makes head and body ready to be sent. */
void conn_finish_reply(sotto_server *server, conn *c);
/* {"error": ...} in place of a reply; the connection ends after it. */
void conn_reply_error(conn *c, int code, sotto_status status, const char *text);
/* 503 with a Retry-After that differs from client to client, so that they do not come back together. */
void conn_reply_busy(sotto_server *server, conn *c);
void conn_start_write(sotto_server *server, conn *c);
/* The next part to send; len 0 when all is out. */
sotto_span conn_unsent(const conn *c);

#endif
