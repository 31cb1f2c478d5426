/* TLS inside: one configuration shared by the connections of a thread, and the byte stream that client and
 * server read and write, with or without TLS. Everything is non-blocking; BUSY means: wait for the socket,
 * then call again. */
#ifndef SOTTO_SYNC_TLS_PRIV_H
#define SOTTO_SYNC_TLS_PRIV_H

#include <mbedtls/ssl.h>
#include <psa/crypto.h>

#include "sotto/sync.h"

struct sync_stream;

/* Keys that seal session tickets: the current one and the one before (tls_ticket.c). */
typedef struct tls_ticket_keys {
    psa_key_id_t key[2];   /* of the even and the odd day of the monotonic clock */
    int64_t generation[2]; /* that day; -1 = no key */
    uint8_t seed[SOTTO_KEY_BYTES];
    bool seeded; /* keys are made of the seed and the day; otherwise drawn */
} tls_ticket_keys;

/* What all certificates of a chain allow at once; INT64_MIN, INT64_MAX: none was seen. */
typedef struct tls_validity {
    int64_t from_s, until_s;
} tls_validity;

struct sotto_tls {
    bool server;
    bool peer_must_identify;
    bool time_unknown; /* client: certificates' validity is noted here, to be judged later */
    tls_validity seen;
    sotto_clock clock;
    mbedtls_ssl_config conf;
    mbedtls_x509_crt authority, own;
    mbedtls_pk_context key;
    tls_ticket_keys tickets;
    /* The connection that mbedTLS works for at this moment: its callbacks for tickets do not say. One thread.
     */
    struct sync_stream *active;
};

/* What a peer's certificate was refused for, kept for the message. */
typedef struct tls_problem {
    uint32_t flags; /* MBEDTLS_X509_BADCERT_... */
    int64_t not_before_s, not_after_s;
} tls_problem;

/* What a peer may cost (docs/formats/wire.md, "Bounds"). A turn: whoever has sent so much is told BUSY, so
 * that the caller looks at its clock and at the others, even while there is more. Barren: bytes of which no
 * data came, a whole handshake among them; each byte of data pays for itself and for 63 of its records'
 * framing (the smallest true record has 22). */
#define STREAM_TURN_BYTES   ((size_t)32 * 1024)
#define STREAM_BARREN_BYTES ((size_t)64 * 1024)
#define STREAM_DATA_WORTH   64

typedef struct sync_stream {
    int fd; /* -1 = closed */
    sotto_tls *tls;
    bool secure, ready, wants_write;
    bool verified;   /* the peer showed a certificate in this handshake, and it was judged */
    bool new_ticket; /* client: mbedtls_ssl_get_session would give one */
    size_t turn;     /* bytes taken since BUSY was said last */
    size_t barren;   /* bytes taken that no data has paid for */
    char host[256];  /* client: whom the server must be */
    mbedtls_ssl_context ssl;
    tls_problem problem;
    tls_validity chain; /* of the peer; of the connection before when this one goes on by its ticket */
    sotto_peer peer;    /* server: who it is, once ready */
    sotto_peer ticket;  /* server: who the offered ticket was given to; "" = none */
    int64_t ticket_expires_s, peer_expires_s;
    uint64_t bytes_in, bytes_out; /* of TLS, as the line carries them */
} sync_stream;

/* Takes fd over, also on failure. tls NULL = plain. host: client only. */
SOTTO_MUST_USE sotto_status sync_stream_open(sync_stream *s, int fd, sotto_tls *tls, const char *host,
                                             const mbedtls_ssl_session *resume, sotto_diag *diag);
/* These two say BUSY once a turn at the latest, whatever there is to read: the socket is readable then, and a
 * caller that waits for it goes on at once, others permitting. PROTOCOL when too much came of which nothing
 * comes. */
SOTTO_MUST_USE sotto_status sync_stream_handshake(sync_stream *s, sotto_diag *diag);
/* *n = 0 with OK: the peer ended the stream properly. */
SOTTO_MUST_USE sotto_status sync_stream_read(sync_stream *s, void *buf, size_t cap, size_t *n,
                                             sotto_diag *diag);
SOTTO_MUST_USE sotto_status sync_stream_write(sync_stream *s, const void *buf, size_t len, size_t *n,
                                              sotto_diag *diag);
/* Tells the peer that no more will come; reading goes on. */
void sync_stream_shutdown(sync_stream *s);
/* For who has just looked at the clock: the next read says BUSY only when nothing is there. */
void sync_stream_new_turn(sync_stream *s);
void sync_stream_close(sync_stream *s);

/* tls_verify.c */
int tls_verify_callback(void *stream, mbedtls_x509_crt *crt, int depth, uint32_t *flags);
/* Reads common name, hash and end of validity; false when there is no usable common name. */
bool tls_read_peer(const mbedtls_x509_crt *crt, sotto_peer *peer, int64_t *not_after_s);
/* A server that showed no certificate because a ticket was taken is judged by those it showed before. */
SOTTO_MUST_USE sotto_status tls_judge_resumed(sync_stream *s, const tls_validity *chain, sotto_diag *diag);
/* The one translation of mbedTLS's errors in this room; fills diag. */
sotto_status tls_status(sync_stream *s, int error, sotto_diag *diag);

/* tls_ticket.c: session tickets that remember who the client is: TLS 1.3 itself does not (the certificate is
 * not sent again on resumption). */
SOTTO_MUST_USE sotto_status tls_ticket_setup(sotto_tls *tls, sotto_span seed, sotto_diag *diag);
void tls_ticket_free(sotto_tls *tls);

/* sockets.c: what port has no call for. */
#define SYNC_EPOLL_EVENTS 256
enum { SYNC_READ = 1, SYNC_WRITE = 2, SYNC_SHARED = 4 /* of several processes only one is woken */ };
SOTTO_MUST_USE sotto_status sync_epoll_new(int *epoll);
/* Watches fd for `mask` instead of `before`; 0 = not at all. ptr comes back from sync_epoll_wait. */
SOTTO_MUST_USE sotto_status sync_epoll_set(int epoll, int fd, void *ptr, unsigned before, unsigned mask);
SOTTO_MUST_USE sotto_status sync_epoll_wait(int epoll, void *ready[static SYNC_EPOLL_EVENTS], size_t *count,
                                            int64_t wait_ms);
/* One connection, non-blocking and close-on-exec. BUSY when none waits, FULL without a descriptor or memory
 * for it. */
SOTTO_MUST_USE sotto_status sync_accept(int listener, int *fd);
/* Whether the peer has closed its side, or the connection is broken; what it sent before may lie unread. */
bool sync_is_gone(int fd);
void sync_shutdown_write(int fd);
/* Head and body go out in two writes; Nagle's algorithm would hold the second one back until the first was
 * acknowledged. It does not exist on a Unix socket, where this fails and nothing is lost. */
void sync_no_delay(int fd);
/* The kernel takes in advance no more than about so many bytes that were not read yet. */
void sync_receive_little(int fd, uint32_t bytes);
void sync_pause(int64_t ms);

#endif
