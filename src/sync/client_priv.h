/* The HTTP client inside. */
#ifndef SOTTO_SYNC_CLIENT_PRIV_H
#define SOTTO_SYNC_CLIENT_PRIV_H

#include "tls_priv.h"

enum client_scheme { CLIENT_HTTP, CLIENT_HTTPS, CLIENT_UNIX };

typedef struct client_url {
    enum client_scheme scheme;
    char host[256]; /* name or address, without brackets; the path for unix: */
    char port[8];
    char authority[272]; /* for the Host header */
} client_url;

struct sotto_client {
    client_url url;
    client_url proxy;                                                        /* host "" = none */
    char proxy_authorization[(SOTTO_PROXY_CREDENTIALS_MAX + 2) / 3 * 4 + 1]; /* base64; "" = none */
    sotto_tls *tls;
    sotto_clock clock;
    int64_t timeout_ms;
    size_t body_max;
    uint32_t max_bytes_per_s; /* 0 = no bound */
    uint64_t owed;            /* thousandths of bytes, less than a millisecond's worth */
    int64_t free_at_ms;       /* when what has been read would have come at that rate */
    sync_stream stream;
    bool connected;
    bool used; /* a response came over this connection */
    sotto_http_parser *parser;
    sotto_ticket *ticket; /* the last that came; NULL = none */
};

struct sotto_ticket {
    mbedtls_ssl_session session;
    tls_validity chain; /* of the server, when it showed itself last */
    uint8_t
        shown[SOTTO_SHA256_BYTES]; /* what it was given to: the hash of our certificate, zeros = of none */
    char host[256];
};

/* client_ticket.c. keep: after an answer, when a ticket came with it. judge: after the handshake. */
void client_keep_ticket(sotto_client *c);
SOTTO_MUST_USE sotto_status client_judge_ticket(sotto_client *c, sotto_diag *diag);

/* MALFORMED says what is wrong with it. */
SOTTO_MUST_USE sotto_status client_url_parse(client_url *out, const char *text, sotto_diag *diag);

/* client_proxy.c. set: USAGE, MALFORMED; url NULL or "" = no proxy. open: a connection that ends at c->url;
 * NETWORK, TIMEOUT, PROTOCOL, AUTH (407, 403). */
SOTTO_MUST_USE sotto_status client_proxy_set(sotto_client *c, const char *url, const char *credentials,
                                             sotto_diag *diag);
SOTTO_MUST_USE sotto_status client_proxy_open(const sotto_client *c, int64_t deadline_ms, int *fd,
                                              sotto_diag *diag);

/* sotto_client_request with a bound of its own for the response's body (at most the client's). */
SOTTO_MUST_USE sotto_status client_request(sotto_client *client, const char *method, const char *target,
                                           const char *content_type, sotto_span body, size_t body_max,
                                           const sotto_http_message **response, sotto_diag *diag);
/* The same with header lines of its own, each ended by \r\n; extra may be NULL. No body is sent. */
typedef struct client_ask {
    const char *method, *target, *extra;
    size_t body_max;
} client_ask;
SOTTO_MUST_USE sotto_status client_ask_for(sotto_client *client, const client_ask *ask,
                                           const sotto_http_message **response, sotto_diag *diag);
/* For messages: "https://host:port". */
const char *client_name(const sotto_client *client);
/* What a response that is not a success means: NOT_FOUND for 404, AUTH for 401 and 403, EXISTS for 409, BUSY
 * for 429 and 503, RANGE for 413, MALFORMED for other 4xx, NETWORK for 5xx. Uses the text of an error body,
 * where it has one. */
sotto_status client_refusal(const sotto_client *client, const sotto_http_message *response, sotto_diag *diag);
/* The text of an error body, "" where it has none, without control characters: it ends up in logs. */
#define CLIENT_WORDS_MAX 160
void client_words(const sotto_http_message *response, char out[static CLIENT_WORDS_MAX]);
/* session.c: shows the continuation token and takes over the next one. DENIED, with head office's own word
 * why, when it has stopped this terminal: quarantined or revoked it, or replaced its certificate. */
typedef struct session_answer {
    int64_t retry_after_s;
    bool tell_health; /* head office does not know how this terminal does, whatever it was told before */
} session_answer;
SOTTO_MUST_USE sotto_status session_begin(sotto_client *office, const char *path,
                                          const sotto_entropy *entropy, session_answer *out,
                                          sotto_diag *diag);
/* pack.c: fetches the tag pack that head office has for this terminal, and hands it to serve. DENIED when
 * serve refuses it. */
SOTTO_MUST_USE sotto_status pack_night(const sotto_night_config *config, sotto_night_result *result,
                                       sotto_diag *diag);
/* Seconds of Retry-After (RFC 9110 section 10.2.3, the form in seconds), at most a day; 0 without. */
int64_t client_retry_after_s(const sotto_http_message *response);

#endif
