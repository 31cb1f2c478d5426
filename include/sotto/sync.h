/*
 * sync: TLS, HTTP over it, the TUF client, and the night's state machine. The only room that includes
 * mbedtls/ssl.h. It sees sealed bytes and signed releases, never a tag: it cannot include tags, store or
 * tally.
 *
 * Call sotto_vault_start once before. For one thread at a time, as vault: the library underneath is built
 * without locks.
 */
#ifndef SOTTO_SYNC_H
#define SOTTO_SYNC_H

#include "sotto/base.h"
#include "sotto/codec.h"
#include "sotto/port.h"
#include "sotto/vault.h"

/* ---- TLS 1.3 (RFC 8446), P-256 / P-384 certificates, AES-GCM or ChaCha20-Poly1305 ---- */
typedef struct sotto_tls sotto_tls; /* configuration and identity, shared by many connections */

typedef struct sotto_tls_identity {
    sotto_span authority_pem;   /* who may have issued the peer's certificate */
    sotto_span certificate_pem; /* own chain; empty = none (enrolment) */
    sotto_span key_pem;
    bool peer_must_identify; /* server: refuse clients without a certificate */
    /* Server: SOTTO_KEY_BYTES that several processes of one machine share, so that each takes the session
     * tickets of the others; empty = keys of its own. */
    sotto_span ticket_seed;
    sotto_clock clock; /* certificate validity is judged by this clock */
} sotto_tls_identity;

/* Spans are copied, the key's copy is wiped; the clock's context must outlive it. MALFORMED: what is no PEM;
 * AUTH: the key is not the certificate's; USAGE: a server without a certificate, or a seed of another length;
 * NO_MEMORY; INTERNAL. *out is NULL on failure. */
SOTTO_MUST_USE sotto_status sotto_tls_new(sotto_tls **out, bool server, const sotto_tls_identity *identity,
                                          sotto_diag *diag);
void sotto_tls_free(sotto_tls *tls); /* after its clients and servers; NULL allowed */

/* ---- Signed time (docs/formats/wire.md, "Time"): what head office's authority says the time is, in answer
 * to a number that was drawn for this one question. The authority's own key signs it; or, where that key lies
 * elsewhere or is not P-256, one to which the authority gave a certificate of this name (no device's: theirs
 * have no spaces). ---- */
#define SOTTO_TIME_NONCE_BYTES 16
#define SOTTO_TIME_SIGNER      "sotto time"
typedef struct sotto_time_word {
    uint8_t nonce[SOTTO_TIME_NONCE_BYTES];
    int64_t utc_s;
    uint8_t signature[SOTTO_DER_SIGNATURE_MAX]; /* DER ECDSA P-256 */
    size_t signature_len;
    char certificate[SOTTO_PEM_MAX]; /* of who signed, and the chain to the authority; "" = the authority */
} sotto_time_word;
/* Signs word->nonce and word->utc_s. UNSUPPORTED when the key is not P-256. */
SOTTO_MUST_USE sotto_status sotto_time_sign(sotto_time_word *word, const char *key_pem, sotto_diag *diag);
/* authority_pem: one or several, while one takes over from another. AUTH when nonce is not the word's, the
 * signature is none of theirs, nor of a time signer of theirs; EXPIRED when the time told lies outside the
 * validity of who signed: a key that has lapsed cannot speak of today. */
SOTTO_MUST_USE sotto_status sotto_time_check(const sotto_time_word *word,
                                             const uint8_t nonce[static SOTTO_TIME_NONCE_BYTES],
                                             sotto_span authority_pem, sotto_diag *diag);
/* As JSON: {"utc_s":N,"nonce":"<hex>","signature":"<hex>"} and "certificate" where there is one, at most
 * SOTTO_TIME_WORD_MAX bytes; NO_SPACE when out is smaller than the word. read checks the form alone:
 * MALFORMED, RANGE (beyond the year 9999), NO_MEMORY, with the member; *word is of no meaning then. */
#define SOTTO_TIME_WORD_MAX                                                                                  \
    (2 * SOTTO_DER_SIGNATURE_MAX + 2 * SOTTO_TIME_NONCE_BYTES + 96 + 2 * SOTTO_PEM_MAX)
SOTTO_MUST_USE sotto_status sotto_time_write(const sotto_time_word *word, sotto_buf *out);
SOTTO_MUST_USE sotto_status sotto_time_read(sotto_time_word *word, sotto_span json, sotto_diag *diag);

/* What sync knows of the time. Until head office has told it in this run, now is the machine's clock, but
 * never before the newest time that was ever told; from then on it is that time and the milliseconds since.
 */
typedef struct sotto_time {
    sotto_clock machine;
    int64_t shift_s; /* rehearsal of another day: added to what head office tells, and in `machine` already */
    int64_t floor_s; /* newest authenticated time, shifted; 0 = none yet */
    int64_t told_s, told_mono_ms;
    bool told; /* in this run */
} sotto_time;
/* Reads the floor from path: decimal seconds and a line's end. A file that is absent or damaged is no floor:
 * whoever can write it has the device's key beside it, and the next authenticated time makes it good. */
void sotto_time_open(sotto_time *time, sotto_clock machine, int64_t shift_s, const char *path);
sotto_clock sotto_time_clock(sotto_time *time); /* *time must outlive it and stay where it is */
/* Takes a checked word over, and writes the floor to path. ROLLBACK (nothing changed) when it lies more than
 * an hour before the floor: head office's clock went back. */
SOTTO_MUST_USE sotto_status sotto_time_take(sotto_time *time, const sotto_time_word *word, const char *path,
                                            sotto_diag *diag);

/* A client whose clock cannot be trusted yet: certificates are then verified but not judged by time, until
 * sotto_tls_time_known, which judges every server certificate seen meanwhile by the clock: EXPIRED. Nothing
 * but the question for the time may be asked in between. */
void sotto_tls_time_unknown(sotto_tls *tls);
SOTTO_MUST_USE sotto_status sotto_tls_time_known(sotto_tls *tls, sotto_diag *diag);

/* A terminal asks for this much at once, of a release's file and of a tag pack: what a broken line costs at
 * most, and what must come within one request's time (docs/operations.md, "Slow lines"). */
#define SOTTO_PIECE_BYTES (256u * 1024)

/* ---- HTTP client: one connection, requests in sequence ---- */
typedef struct sotto_client sotto_client;
typedef struct sotto_client_config {
    const char *url;    /* "https://host:port" (tls required), "http://host:port" or "unix:/path" */
    sotto_tls *tls;     /* for https */
    int64_t timeout_ms; /* for connecting and for each request as a whole; default 30000 */
    size_t body_max;    /* largest response body; default 64 MiB */
    /* Answers are read no faster than this, 0 = as fast as they come; at least SOTTO_CLIENT_RATE_MIN. The
     * time that is waited for it counts towards no deadline. */
    uint32_t max_bytes_per_s;
    /* "http://host:port": https connections are made through this proxy's CONNECT, TLS still ends at url.
     * NULL or "" = none. Its credentials, "user:password" (basic, so the way to the proxy must be trusted
     * with them), are copied; NULL or "" = none. What the proxy refuses is AUTH (403, 407) or NETWORK. */
    const char *proxy, *proxy_credentials;
    sotto_clock clock;
} sotto_client_config;
#define SOTTO_PROXY_CREDENTIALS_MAX 256
#define SOTTO_CLIENT_RATE_MIN       16384 /* twice what the server still waits for */
/* USAGE: no TLS for https, a rate below the least. Connects lazily; reconnects once when a kept-alive
 * connection turns out closed before any response byte (idempotent methods only). */
SOTTO_MUST_USE sotto_status sotto_client_new(sotto_client **out, const sotto_client_config *config,
                                             sotto_diag *diag);
void sotto_client_free(sotto_client *client);
/* *response stays valid until the next call. Any HTTP code is OK here; NETWORK, TIMEOUT, AUTH (TLS refused),
 * EXPIRED (certificate), PROTOCOL. */
SOTTO_MUST_USE sotto_status sotto_client_request(sotto_client *client, const char *method, const char *target,
                                                 const char *content_type, sotto_span body,
                                                 const sotto_http_message **response, sotto_diag *diag);

/* What a server gave a client to be known by, for a while, without its certificate (RFC 8446 section 2.2),
 * and how long the server's own certificates hold: a connection that goes on by a ticket shows none, and is
 * judged by those of the one that it came of. Kept while nothing is open, so that who has to come again
 * within the hour does not cost head office another handshake. In memory only: it opens what the key opens.
 */
typedef struct sotto_ticket sotto_ticket;
/* The client's newest, which it then has no more; NULL: none. The caller frees it. */
sotto_ticket *sotto_client_take_ticket(sotto_client *client);
/* Takes it over (NULL: nothing happens). One of another server's name, or that was given to another
 * certificate than this client shows, is dropped. */
void sotto_client_give_ticket(sotto_client *client, sotto_ticket *ticket);
void sotto_ticket_free(sotto_ticket *ticket); /* NULL is fine */

/* GET /v1/time/<nonce>: the word as head office gave it, unchecked. UNSUPPORTED when it has none to give. */
SOTTO_MUST_USE sotto_status sotto_time_ask(sotto_client *head_office,
                                           const uint8_t nonce[static SOTTO_TIME_NONCE_BYTES],
                                           sotto_time_word *word, sotto_diag *diag);

/* ---- HTTP server: an event loop over listeners, with or without TLS; used by head office and by the
 * terminal's local sockets ---- */
typedef struct sotto_peer {
    int listener;         /* index of the listener it came in by */
    char common_name[65]; /* of its verified certificate; "" without */
    uint8_t cert_sha256[SOTTO_SHA256_BYTES];
} sotto_peer;
typedef struct sotto_reply {
    int code;                 /* 0 = 500 */
    const char *content_type; /* static string; NULL = application/json */
    /* Header lines, each ended by \r\n; valid until the handler's next call; may be NULL. */
    const char *extra;
    sotto_vec body; /* filled by the handler; taken over by the server */
    bool hold;      /* not to be sent before commit (below) has been called at the end of this round */
    /* Not 0: the answer is not known yet. It comes by sotto_server_answer under this number, which the
     * handler draws, within SOTTO_SERVER_LATER_MS; after that the connection is closed. */
    uint64_t later;
} sotto_reply;
#define SOTTO_SERVER_LATER_MS 60000
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
    /* Called when answers of a round are held, at most SOTTO_SERVER_BATCH_MAX: one transaction for all of
     * them. Until it returns, their requests and replies stay where they are, and it may change the replies
     * (code, body, extra). NULL: nothing is ever held. */
    void (*commit)(void *ctx);
    size_t connections_max; /* default 64, at most 20000; past it new ones wait in the backlog */
    size_t body_max;        /* default 1 MiB */
    int64_t idle_ms; /* a connection without a whole request for so long is closed; default 15000. Counts from
                        accept: slow senders too */
    int64_t patience_ms; /* a whole request that has waited longer for its turn gets 503 and a Retry-After;
                            default 5000 */
    bool sheds;          /* 503, too, while more than 15/16 of all places are taken */
    sotto_clock clock;
    const sotto_log *log;
} sotto_server_config;
#define SOTTO_SERVER_BATCH_MAX 128 /* requests of one round */
typedef struct sotto_server sotto_server;
/* The listeners' fds are taken over when it succeeds, and stay the caller's when it fails: USAGE (no listener
 * or more than 8, too many connections, no handler), NO_MEMORY (also: no descriptor left); *out is NULL. The
 * list of listeners is copied; their TLS, ctx and log must outlive the server. */
SOTTO_MUST_USE sotto_status sotto_server_new(sotto_server **out, const sotto_server_config *config,
                                             sotto_diag *diag);
/* Serves for at most wait_ms (-1 = until something happened), then returns; call in a loop until told to
 * stop. What a peer does wrong ends its connection and no more. IO: waiting or accepting failed; what was
 * begun stays as it is, for the next step. */
SOTTO_MUST_USE sotto_status sotto_server_step(sotto_server *server, int64_t wait_ms);
/* The answer to a request whose handler said `later`; between two steps. False when nobody waits under that
 * number any more: for waits also when the peer has closed its side. reply->body is taken over in any case.
 */
bool sotto_server_waits(const sotto_server *server, uint64_t later);
bool sotto_server_answer(sotto_server *server, uint64_t later, sotto_reply *reply);
void sotto_server_free(sotto_server *server); /* finishes nothing: closes */
/* Closes the listeners; requests that have begun are still answered, then their connections end. Step on
 * until stats.open is 0 or patience ends. */
void sotto_server_drain(sotto_server *server);
typedef struct sotto_server_stats {
    size_t open; /* connections now */
    /* Since the start: connections, finished handshakes, refused ones, whole requests, of these answered 503
     * by the server itself, connections ended by a deadline. Bytes: of TLS connections that have ended, with
     * all that TLS adds and without what TCP and IP add. */
    uint64_t accepted, handshakes, refused, requests, shed, timeouts, bytes_in, bytes_out;
} sotto_server_stats;
sotto_server_stats sotto_server_stats_of(const sotto_server *server);

/* ---- TUF client (The Update Framework specification 1.0.x, section 5: the detailed client workflow) ---- */
#define SOTTO_SHA512_BYTES     64
#define SOTTO_TARGET_BYTES_MAX (64u * 1024 * 1024) /* largest target that is fetched */
/* Gets a file by its path below the repository ("timestamp.json", "3.root.json",
 * "targets/<sha256>.model.sotto"; percent-encoded as it stands in a URL); at most max bytes into out, whose
 * limit is max. NOT_FOUND when the repository has none, RANGE when it is longer. */
typedef sotto_status (*sotto_tuf_fetch)(void *ctx, const char *path, size_t max, sotto_vec *out,
                                        sotto_diag *diag);
typedef struct sotto_tuf_config {
    const char *metadata_dir; /* root.json timestamp.json snapshot.json targets.json: trusted metadata,
                                 unversioned names */
    sotto_tuf_fetch fetch;
    void *fetch_ctx;
    int64_t now_s; /* expiry is judged by this: the floor of time where the caller has one */
} sotto_tuf_config;
typedef struct sotto_tuf sotto_tuf;
/* Trust on installation: writes root_json as the trusted root after checking its own signatures. EXISTS when
 * there is one. */
SOTTO_MUST_USE sotto_status sotto_tuf_init(const char *metadata_dir, sotto_span root_json, sotto_diag *diag);
/* Loads trusted metadata from metadata_dir without any fetch. NOT_FOUND without a trusted root; AUTH,
 * MALFORMED when the root is damaged. Other metadata that is absent, damaged or not signed by this root's
 * keys counts as never fetched (sotto_tuf_targets_version then says 0). Expiry is not judged here. */
SOTTO_MUST_USE sotto_status sotto_tuf_open(sotto_tuf **out, const sotto_tuf_config *config, sotto_diag *diag);
/* The whole workflow 5.3 - 5.6: root rotation, timestamp, snapshot, targets. What was verified before a
 * failure is kept as the workflow says; AUTH (signatures, threshold), EXPIRED, ROLLBACK, CORRUPT (hash,
 * length, mix-and-match), RANGE (endless data), or what fetch and the disk say. On failure nothing is lost
 * but the night: the next refresh starts again from what is trusted. */
SOTTO_MUST_USE sotto_status sotto_tuf_refresh(sotto_tuf *tuf, sotto_diag *diag);
typedef struct sotto_tuf_target {
    char name[128];
    uint64_t length;
    uint8_t sha256[SOTTO_SHA256_BYTES];
    uint8_t sha512[SOTTO_SHA512_BYTES];
    bool has_sha256, has_sha512; /* at least one; every one that is there must match */
} sotto_tuf_target;
/* Targets of the top-level role (delegated ones: sotto_tuf_search), without those whose name does not fit or
 * that are listed without a hash known here. */
uint64_t sotto_tuf_targets_version(const sotto_tuf *tuf); /* 0 = none yet */
size_t sotto_tuf_target_count(const sotto_tuf *tuf);
const sotto_tuf_target *sotto_tuf_target_at(const sotto_tuf *tuf, size_t index);
const sotto_tuf_target *sotto_tuf_target_find(const sotto_tuf *tuf, const char *name); /* NULL when absent */
/* Step 5.6.7: looks in the top-level role, then depth first in the roles it delegates to, whose metadata is
 * fetched (and kept in metadata_dir) as needed. NOT_FOUND; AUTH, EXPIRED, CORRUPT of a role on the way end
 * the search. */
SOTTO_MUST_USE sotto_status sotto_tuf_search(sotto_tuf *tuf, const char *name, sotto_tuf_target *out,
                                             sotto_diag *diag);
/* Fetches one target (consistent snapshot path), checks length and hash, writes it to path atomically.
 * RANGE: listed with more than SOTTO_TARGET_BYTES_MAX, or a name too long; CORRUPT: length or hash; USAGE: no
 * way to fetch; what fetch and the disk say. Nothing is written on failure. */
SOTTO_MUST_USE sotto_status sotto_tuf_download(sotto_tuf *tuf, const sotto_tuf_target *target,
                                               const char *path, sotto_diag *diag);
/* Checks a file on disk against target: CORRUPT when it differs. */
SOTTO_MUST_USE sotto_status sotto_tuf_check_file(const sotto_tuf_target *target, const char *path,
                                                 sotto_diag *diag);
void sotto_tuf_free(sotto_tuf *tuf);
/* What a metadata file says about itself, for status lines and tools: its form is checked, its signatures are
 * not (but whether a root is signed by a threshold of its own keys). At most 5 MiB. MALFORMED, UNSUPPORTED,
 * RANGE. */
typedef struct sotto_tuf_info {
    char type[16]; /* root, timestamp, snapshot, targets */
    int64_t version, expires_s;
    size_t signatures;
    bool self_signed;
} sotto_tuf_info;
SOTTO_MUST_USE sotto_status sotto_tuf_info_read(sotto_span metadata, sotto_tuf_info *out, sotto_diag *diag);
/* For makers of metadata: how many of the keys that delegator names for one of its roles have signed a file,
 * and how many must. delegator: a root and one of its four roles, or targets and a role that they delegate
 * to. It is not judged itself. MALFORMED, UNSUPPORTED, RANGE; NOT_FOUND for another role. */
typedef struct sotto_tuf_signers {
    size_t signed_by, needed;
} sotto_tuf_signers;
SOTTO_MUST_USE sotto_status sotto_tuf_count_signers(sotto_span delegator, const char *role,
                                                    sotto_span metadata, sotto_tuf_signers *out,
                                                    sotto_diag *diag);
/* The same two: AUTH when the role's list holds a target that its paths do not allow it. */
SOTTO_MUST_USE sotto_status sotto_tuf_check_paths(sotto_span delegator, const char *role, sotto_span metadata,
                                                  sotto_diag *diag);

/*
 * ---- The release on disk (docs/formats/release.md) ----
 * dir/metadata          what sync trusts: a metadata_dir of the TUF client, with the chain of roots in roots/
 * dir/<version>/        one release: its targets, <role>.role of each team that signs some of them, and
 *                       targets.json, the signed list of them, written last: a release without it is not
 *                       complete
 * dir/current           the version in use, decimal: the one that serve uses
 * dir/previous          the version that serve would go back to
 * sync writes all of it; serve reads it and verifies it again, from its own trusted root, before it uses it.
 */
#define SOTTO_RELEASE_BYTES_MAX (128u * 1024 * 1024) /* of all files of a release */
typedef struct sotto_release_update {
    uint64_t version; /* of targets metadata now complete on disk */
    bool changed;     /* a version that was not there before */
    uint64_t bytes;   /* fetched */
} sotto_release_update;
/* Refresh, then download every target of the newest release into dir/<version>. config->metadata_dir may be
 * NULL: dir/metadata. Interrupted: continues with the files that are not there yet. A file there that differs
 * is fetched again. A target's name must be a plain file name ([A-Za-z0-9._-], not starting with '.', not
 * "targets.json", not ending in ".new" or ".role"): MALFORMED otherwise, and nothing of that release is
 * fetched. Targets of a role that the list delegates to belong to the release where the delegation has a
 * member "version", which the role's list must then have (CORRUPT); AUTH for one that its paths do not allow.
 * FULL before the first byte when the disk would not hold it. *update is written on failure too (version 0
 * when none is complete). */
SOTTO_MUST_USE sotto_status sotto_release_fetch(const char *dir, const sotto_tuf_config *config,
                                                sotto_release_update *update, sotto_diag *diag);
/* Verifies dir/<version> without a network: the root that config->metadata_dir trusts (the caller's own
 * folder, made by sotto_tuf_init) follows the chain in dir/metadata/roots, keeping what it learns;
 * targets.json must be signed by that root's targets keys and have this version; every target must be there
 * with its length and hash. Expiry is not judged: weeks without a line are normal, and freshness was judged
 * when it was fetched. CORRUPT, AUTH, NOT_FOUND. config->fetch is not used. */
SOTTO_MUST_USE sotto_status sotto_release_verify(const char *dir, uint64_t version,
                                                 const sotto_tuf_config *config, sotto_diag *diag);
/* Verifies the signed list in the same way and reads `count` of its targets, each checked in the memory that
 * is handed out: what lies on the disk may be another file a moment later, for sync can write there. files[]
 * are initialised by the caller, whose limits hold (RANGE); on failure all of them are freed. NOT_FOUND when
 * there is no such release, and for one of the first `need` names that is not listed; a later one may be left
 * out of the list, and its file stays empty. CORRUPT for a file that is listed and not there. */
SOTTO_MUST_USE sotto_status sotto_release_read(const char *dir, uint64_t version,
                                               const sotto_tuf_config *config, const char *const *names,
                                               size_t need, size_t count, sotto_vec *files, sotto_diag *diag);
/* The version in dir/current; NOT_FOUND when none was accepted yet, MALFORMED. */
SOTTO_MUST_USE sotto_status sotto_release_current(const char *dir, uint64_t *version, sotto_diag *diag);
/* Writes dir/current and dir/previous (good; 0 = the one that was current before), and removes older releases
 * but these two. */
SOTTO_MUST_USE sotto_status sotto_release_set_current(const char *dir, uint64_t version, uint64_t good,
                                                      sotto_diag *diag);

/* ---- What is worth a word, at both ends: `sotto doctor` and `sotto-hq devices` ---- */
#define SOTTO_DISK_LOW_MIB      64 /* free for the store, less than which events may soon not be kept */
#define SOTTO_CLOCK_OFF_MIN     (24 * 60) /* the machine's clock from the time that head office tells */
#define SOTTO_WAITING_MANY      7         /* reports: a week of a task with a period of a day */
#define SOTTO_SILENT_DAYS       3         /* nights that may fail */
#define SOTTO_RENEWAL_LATE_DAYS 7         /* the same, of a certificate's renewal */
/* A certificate is renewed when a third of its life is left. */
bool sotto_renewal_due(int64_t from_s, int64_t until_s, int64_t now_s);

/* ---- The night: what `sotto sync` does, over two clients, resumable at any point ---- */
typedef struct sotto_night_config {
    sotto_client *head_office; /* https, both certificates */
    sotto_client *serve; /* unix socket to `sotto serve`: GET /v1/outbox/next, POST /v1/outbox/<seq>/ack, POST
                            /v1/release, POST /v1/night */
    const char *release_dir;
    /* Where the continuation token lies (docs/formats/wire.md); NULL: none is shown. */
    const char *session_path;
    /* What head office was told last of releases here; told again when that changes, and when head office
     * asks. NULL: it is told nothing. */
    const char *health_path;
    sotto_entropy entropy; /* for the next token */
    sotto_clock clock;
    const sotto_log *log;
} sotto_night_config;
typedef struct sotto_night_result {
    uint64_t reports_sent;     /* acknowledged by head office and passed on to serve in this run */
    uint64_t reports_repeated; /* of these, ones head office said it already had */
    uint64_t reports_refused;  /* for good: set aside by serve, and head office was told */
    uint64_t report_bytes;
    uint64_t release_version; /* the newest complete on disk; 0 = none known in this run */
    bool release_changed;     /* fetched in this run */
    bool release_accepted;    /* serve took it over in this run */
    bool release_failed;      /* the newest failed its health check there, in this run or before */
    bool quarantined;         /* head office has stopped this terminal */
    bool serve_away;          /* serve does not answer: only a release was fetched */
    uint64_t release_bytes;   /* of metadata and files, as they came over the line */
    uint64_t pack_seq;        /* of the tag pack that serve applied in this run; 0 = none */
    bool night_closed;        /* serve tallied an ended period in this run */
    int64_t retry_after_s;    /* head office asked to be left alone for so long (503); 0 = it did not */
} sotto_night_result;
/* Release first, then the night is closed by serve (tally), then the outbox is
 * emptied, in the order of its sequence, and last a tag pack that waits is fetched. A failure of one part
 * does not stop the others; the first failure is returned and result tells what was done. Nothing is kept
 * between runs but what serve and the disk keep: a run that died anywhere is made good by the next one.
 * DENIED when serve refused the release, EXISTS when head office holds other bytes for a sequence number,
 * BUSY when head office sheds load: it is then asked nothing more in this run. DENIED before anything else
 * when head office has stopped this terminal; its words say why (quarantined, revoked). NOT_FOUND, with
 * serve_away, where nobody answers on serve's socket, and no word in the log, since diag says it: a release
 * comes all the same, since it may be the one that mends serve. A release that serve found unfit on an
 * earlier night is no failure any more: head office has been told. */
SOTTO_MUST_USE sotto_status sotto_night_run(const sotto_night_config *config, sotto_night_result *result,
                                            sotto_diag *diag);

/* ---- When: moments of a night, drawn by hash of the device's name and of the night (its number of days
 * since 1970). The same arguments give the same moment on every machine. RANGE: a name over 64 bytes, or a
 * number outside what is said. ---- */
#define SOTTO_NIGHT_WINDOW_MAX_S 86400
#define SOTTO_NIGHT_PAUSE_MAX_S  3600
/* Seconds into the window, 0 to window_s - 1, at which device begins: fleets spread evenly over it, and no
 * device has the worst moment every night. window_s: 0 (at once) to SOTTO_NIGHT_WINDOW_MAX_S. */
SOTTO_MUST_USE sotto_status sotto_night_start(const char *device, int64_t night, int64_t window_s,
                                              int64_t *delay_s);
/* How long to wait after failure number attempt (from 0): 30 to 60 s, then four times that each time (twice
 * when head office asked), up to SOTTO_NIGHT_PAUSE_MAX_S. retry_after_s (0 = nothing asked) is what head
 * office asked for: never less than it, and later by as much as one's own pause may vary, so that those who
 * were sent away together do not come back together. *pause_s is SOTTO_NIGHT_PAUSE_MAX_S on failure. */
SOTTO_MUST_USE sotto_status sotto_night_pause(const char *device, int64_t night, uint32_t attempt,
                                              int64_t retry_after_s, int64_t *pause_s);
/* Whether a run that ended so may go well later in the same night: NETWORK, TIMEOUT, BUSY. Nobody's waiting
 * helps against the others. */
bool sotto_night_again(sotto_status status);

/* One run after the other, each a pause later (sotto_night_pause), until one goes well or fails in a way that
 * no waiting helps against; or until the next would begin more than give_up_ms after the first. The status
 * and diag are the last run's. */
typedef struct sotto_night_tries {
    const char *device; /* by whose name pauses are drawn; over 64 bytes: the longest pause each time */
    int64_t night, give_up_ms;
    sotto_clock clock;
    void *ctx;
    /* *retry_after_s is 0 before each. */
    sotto_status (*run)(void *ctx, int64_t *retry_after_s, sotto_diag *diag);
    void (*wait)(void *ctx, uint32_t next /* 2 = the second run */, int64_t pause_s);
} sotto_night_tries;
SOTTO_MUST_USE sotto_status sotto_night_until_done(const sotto_night_tries *tries, sotto_diag *diag);

/* ---- Enrolment: one-time code out, certificate in ---- */
typedef struct sotto_enrolment {
    const char *code; /* as typed */
    const char *csr_pem;
    const uint8_t *report_public_key; /* SOTTO_PUBLIC_KEY_BYTES: what reports will be signed with */
} sotto_enrolment;
/* POST /v1/enrol on a client without own certificate; certificate chain PEM into out, and the device id that
 * it names. AUTH: the code is wrong, used or too old (or the server's certificate is); PROTOCOL: the
 * certificate names another device; MALFORMED, RANGE: an answer of another form; the request's own errors,
 * and what head office answered. Both are "" on failure; after NETWORK and TIMEOUT the code may be used up.
 */
SOTTO_MUST_USE sotto_status sotto_enrol(sotto_client *head_office, const sotto_enrolment *enrolment,
                                        char cert_pem[static SOTTO_PEM_MAX], char device_id[static 65],
                                        sotto_diag *diag);

/* POST /v1/renew: a certificate for the device that holds one, certificate_pem, which the answer must name
 * again. Over a client that shows that certificate; or, when it has lapsed, over a client without one
 * (`lapsed`), where the request must be signed by the certificate's own key. AUTH when head office refuses: a
 * new code is needed. BUSY when it asks to be left alone: for *retry_after_s, 0 otherwise.
 */
SOTTO_MUST_USE sotto_status sotto_renew(sotto_client *head_office, const char *csr_pem,
                                        sotto_span certificate_pem, bool lapsed,
                                        char cert_pem[static SOTTO_PEM_MAX], int64_t *retry_after_s,
                                        sotto_diag *diag);

#endif
