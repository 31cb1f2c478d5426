/*
 * sync: TLS, HTTP over it, the TUF client, and the night's state machine. The only room that includes
 * mbedtls/ssl.h. It sees sealed bytes and signed releases, never a tag: it cannot include tags, store or
 * tally.
 */
#ifndef SOTTO_SYNC_H
#define SOTTO_SYNC_H

#include "sotto/base.h"
#include "sotto/codec.h"
#include "sotto/port.h"
#include "sotto/vault.h"

/* ---- TLS 1.3 (RFC 8446), P-256 / P-384 certificates, AES-GCM or ChaCha20-Poly1305 ---- */
typedef struct sotto_tls sotto_tls; /* configuration and identity, shared by many connections of one thread */

typedef struct sotto_tls_identity {
    sotto_span authority_pem;   /* who may have issued the peer's certificate */
    sotto_span certificate_pem; /* own chain; empty = none (enrolment) */
    sotto_span key_pem;
    bool peer_must_identify; /* server: refuse clients without a certificate */
    sotto_clock clock;       /* certificate validity is judged by this clock */
} sotto_tls_identity;

SOTTO_MUST_USE sotto_status sotto_tls_new(sotto_tls **out, bool server, const sotto_tls_identity *identity,
                                          sotto_diag *diag);
void sotto_tls_free(sotto_tls *tls);

/* ---- HTTP client: one connection, requests in sequence ---- */
typedef struct sotto_client sotto_client;
typedef struct sotto_client_config {
    const char *url;    /* "https://host:port" (tls required), "http://host:port" or "unix:/path" */
    sotto_tls *tls;     /* for https */
    int64_t timeout_ms; /* for connecting and for each request as a whole; default 30000 */
    size_t body_max;    /* largest response body; default 64 MiB */
    sotto_clock clock;
} sotto_client_config;
/* Connects lazily; reconnects once when a kept-alive connection turns out closed before any response byte
 * (idempotent methods only). */
SOTTO_MUST_USE sotto_status sotto_client_new(sotto_client **out, const sotto_client_config *config,
                                             sotto_diag *diag);
void sotto_client_free(sotto_client *client);
/* *response stays valid until the next call. Any HTTP code is OK here; NETWORK, TIMEOUT, AUTH (TLS refused),
 * EXPIRED (certificate), PROTOCOL. */
SOTTO_MUST_USE sotto_status sotto_client_request(sotto_client *client, const char *method, const char *target,
                                                 const char *content_type, sotto_span body,
                                                 const sotto_http_message **response, sotto_diag *diag);

/* ---- HTTP server: a poll loop over listeners, with or without TLS; used by head office and by the
 * terminal's local sockets ---- */
typedef struct sotto_peer {
    int listener;         /* index of the listener it came in by */
    char common_name[65]; /* of its verified certificate; "" without */
    uint8_t cert_sha256[SOTTO_SHA256_BYTES];
} sotto_peer;
typedef struct sotto_reply {
    int code;                 /* 0 = 500 */
    const char *content_type; /* static string; NULL = application/json */
    const char
        *extra;     /* header lines, each ended by \r\n; valid until the handler's next call; may be NULL */
    sotto_vec body; /* filled by the handler; taken over by the server */
} sotto_reply;
typedef void (*sotto_handler)(void *ctx, const sotto_http_message *request, const sotto_peer *peer,
                              sotto_reply *reply);
typedef struct sotto_listener {
    int fd;         /* listening socket, taken over */
    sotto_tls *tls; /* NULL = plain (Unix sockets; never for the network but in tests) */
} sotto_listener;
typedef struct sotto_server_config {
    const sotto_listener *listeners;
    size_t listener_count; /* at most 8 */
    sotto_handler handler;
    void *ctx;
    size_t connections_max; /* default 64; past it new ones wait in the backlog */
    size_t body_max;        /* default 1 MiB */
    int64_t idle_ms; /* a connection without a whole request for so long is closed; default 15000. Counts from
                        accept: slow senders too */
    sotto_clock clock;
    const sotto_log *log;
} sotto_server_config;
typedef struct sotto_server sotto_server;
SOTTO_MUST_USE sotto_status sotto_server_new(sotto_server **out, const sotto_server_config *config,
                                             sotto_diag *diag);
/* Serves for at most wait_ms (-1 = until something happened), then returns; call in a loop until told to
 * stop. */
SOTTO_MUST_USE sotto_status sotto_server_step(sotto_server *server, int64_t wait_ms);
void sotto_server_free(sotto_server *server); /* finishes nothing: closes */

/* ---- TUF client (The Update Framework specification 1.0.x, section 5: the detailed client workflow) ---- */
/* Gets a file by its path below the repository ("timestamp.json", "3.root.json",
 * "targets/<sha256>.model.sotto"); at most max bytes into out. NOT_FOUND when the repository has none. */
typedef sotto_status (*sotto_tuf_fetch)(void *ctx, const char *path, size_t max, sotto_vec *out,
                                        sotto_diag *diag);
typedef struct sotto_tuf_config {
    const char *metadata_dir; /* root.json timestamp.json snapshot.json targets.json: trusted metadata,
                                 unversioned names */
    sotto_tuf_fetch fetch;
    void *fetch_ctx;
    int64_t now_s; /* expiry is judged by this: the caller's floor of time, not a raw clock */
} sotto_tuf_config;
typedef struct sotto_tuf sotto_tuf;
/* Trust on installation: writes root_json as the trusted root after checking its own signatures. EXISTS when
 * there is one. */
SOTTO_MUST_USE sotto_status sotto_tuf_init(const char *metadata_dir, sotto_span root_json, sotto_diag *diag);
/* Loads trusted metadata from metadata_dir without any fetch: offline verification. NOT_FOUND when
 * incomplete. */
SOTTO_MUST_USE sotto_status sotto_tuf_open(sotto_tuf **out, const sotto_tuf_config *config, sotto_diag *diag);
/* The whole workflow 5.3 - 5.6: root rotation, timestamp, snapshot, targets. What was verified before a
 * failure is kept as the workflow says; AUTH (signatures, threshold), EXPIRED, ROLLBACK, CORRUPT (hash,
 * length, mix-and-match), RANGE (endless data). */
SOTTO_MUST_USE sotto_status sotto_tuf_refresh(sotto_tuf *tuf, sotto_diag *diag);
typedef struct sotto_tuf_target {
    char name[128];
    uint64_t length;
    uint8_t sha256[SOTTO_SHA256_BYTES];
} sotto_tuf_target;
uint64_t sotto_tuf_targets_version(const sotto_tuf *tuf); /* 0 = none yet */
size_t sotto_tuf_target_count(const sotto_tuf *tuf);
const sotto_tuf_target *sotto_tuf_target_at(const sotto_tuf *tuf, size_t index);
const sotto_tuf_target *sotto_tuf_target_find(const sotto_tuf *tuf, const char *name); /* NULL when absent */
/* Fetches one target (consistent snapshot path), checks length and hash, writes it to path atomically.
 * Nothing is written on failure. */
SOTTO_MUST_USE sotto_status sotto_tuf_download(sotto_tuf *tuf, const sotto_tuf_target *target,
                                               const char *path, sotto_diag *diag);
/* Checks a file on disk against target: CORRUPT when it differs. */
SOTTO_MUST_USE sotto_status sotto_tuf_check_file(const sotto_tuf_target *target, const char *path,
                                                 sotto_diag *diag);
void sotto_tuf_free(sotto_tuf *tuf);

/*
 * ---- The release on disk: dir/metadata (TUF), dir/<version>/<target> (files of one release), dir/current
 * (text: the version in use) ---- sync writes it; serve reads it and verifies it again, from its own trusted
 * root, before it uses it.
 */
typedef struct sotto_release_update {
    uint64_t version; /* of targets metadata now complete on disk */
    bool changed;     /* a version that was not there before */
    uint64_t bytes;   /* fetched */
} sotto_release_update;
/* Refresh, then download every target of the newest release into dir/<version>.part, then rename to
 * dir/<version>. Interrupted: continues. */
SOTTO_MUST_USE sotto_status sotto_release_fetch(const char *dir, const sotto_tuf_config *config,
                                                sotto_release_update *update, sotto_diag *diag);
/* Verifies dir/<version> against TUF metadata in metadata_dir offline; CORRUPT, AUTH, NOT_FOUND. */
SOTTO_MUST_USE sotto_status sotto_release_verify(const char *dir, uint64_t version,
                                                 const sotto_tuf_config *config, sotto_diag *diag);

/* ---- The night: what `sotto sync` does, over two clients, resumable at any point ---- */
typedef struct sotto_night_config {
    sotto_client *head_office; /* https, both certificates */
    sotto_client *serve; /* unix socket to `sotto serve`: GET /v1/outbox/next, POST /v1/outbox/<seq>/ack, POST
                            /v1/release, POST /v1/night */
    const char *release_dir;
    sotto_clock clock;
    const sotto_log *log;
} sotto_night_config;
typedef struct sotto_night_result {
    uint64_t reports_sent;     /* acknowledged by head office and passed on to serve in this run */
    uint64_t reports_repeated; /* of these, ones head office said it already had */
    uint64_t report_bytes;
    uint64_t release_version; /* now on disk; 0 = none */
    bool release_changed;
} sotto_night_result;
/* Release first, then the night is closed by serve (tally), then the outbox is emptied. A failure of one part
 * does not stop the others; the first failure is returned and result tells what was done. */
SOTTO_MUST_USE sotto_status sotto_night_run(const sotto_night_config *config, sotto_night_result *result,
                                            sotto_diag *diag);

/* ---- Enrolment: one-time code out, certificate in ---- */
typedef struct sotto_enrolment {
    const char *code; /* as typed */
    const char *csr_pem;
    const uint8_t *report_public_key; /* SOTTO_PUBLIC_KEY_BYTES: what reports will be signed with */
} sotto_enrolment;
/* POST /v1/enrol on a client without own certificate; certificate chain PEM into out, and the device id that
 * it names. */
SOTTO_MUST_USE sotto_status sotto_enrol(sotto_client *head_office, const sotto_enrolment *enrolment,
                                        char cert_pem[static SOTTO_PEM_MAX], char device_id[static 65],
                                        sotto_diag *diag);

#endif
