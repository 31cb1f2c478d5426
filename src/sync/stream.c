/* A byte stream over a socket, with or without TLS. */
#include <string.h>

#include "tls_priv.h"

/* mbedTLS's transport callbacks: it takes any negative number as an error of the transport. */
static int bio_send(void *ctx, const unsigned char *buf, size_t len)
{
    sync_stream *s = ctx;
    size_t n = 0;
    sotto_status st = sotto_port_send(s->fd, buf, len, &n);
    s->bytes_out += n;
    if (sotto_status_cause(st) == SOTTO_CAUSE_BUSY)
        return MBEDTLS_ERR_SSL_WANT_WRITE;
    return st == SOTTO_OK ? (int)n : MBEDTLS_ERR_SSL_INTERNAL_ERROR;
}

/* What the socket has, a turn at most. */
static sotto_status take(sync_stream *s, void *buf, size_t cap, size_t *n)
{
    const size_t left = STREAM_TURN_BYTES - s->turn;
    *n = 0;
    sotto_status st = SOTTO_ERR(SYNC, BUSY);
    if (left > 0)
        st = sotto_port_recv(s->fd, buf, cap < left ? cap : left, n);
    s->turn = sotto_status_cause(st) == SOTTO_CAUSE_BUSY ? 0 : s->turn + *n;
    return st;
}

/* Mbed TLS passes over ChangeCipherSpec and warnings inside of its own loop, and comes back only when there
 * is no more to take: so what a peer may send that says nothing is bounded here. It asks for no more than the
 * record at hand needs, so what is left is in the socket and nowhere else. UNEXPECTED_RECORD is DTLS's; none
 * of TLS is mistaken for it. */
static int bio_recv(void *ctx, unsigned char *buf, size_t len)
{
    sync_stream *s = ctx;
    size_t n = 0;
    if (s->barren >= STREAM_BARREN_BYTES)
        return MBEDTLS_ERR_SSL_UNEXPECTED_RECORD;
    sotto_status st = take(s, buf, len, &n);
    s->barren += n;
    s->bytes_in += n;
    if (sotto_status_cause(st) == SOTTO_CAUSE_BUSY)
        return MBEDTLS_ERR_SSL_WANT_READ;
    return st == SOTTO_OK ? (int)n : MBEDTLS_ERR_SSL_INTERNAL_ERROR;
}

static int setup(sync_stream *s, const mbedtls_ssl_session *resume)
{
    int ret = mbedtls_ssl_setup(&s->ssl, &s->tls->conf);
    if (ret == 0 && !s->tls->server)
        ret = mbedtls_ssl_set_hostname(&s->ssl, s->host);
    if (ret == 0 && resume != NULL)
        ret = mbedtls_ssl_set_session(&s->ssl, resume);
    mbedtls_ssl_set_verify(&s->ssl, tls_verify_callback, s);
    mbedtls_ssl_set_bio(&s->ssl, s, bio_send, bio_recv, NULL);
    return ret;
}

sotto_status sync_stream_open(sync_stream *s, int fd, sotto_tls *tls, const char *host,
                              const mbedtls_ssl_session *resume, sotto_diag *diag)
{
    memset(s, 0, sizeof *s);
    s->fd = fd;
    s->tls = tls;
    s->chain = (tls_validity){INT64_MIN, INT64_MAX};
    s->ready = tls == NULL;
    sync_no_delay(fd);
    if (tls == NULL)
        return SOTTO_OK;
    s->secure = true;
    mbedtls_ssl_init(&s->ssl);
    sotto_status st = SOTTO_OK;
    if (host != NULL)
        st = sotto_span_to_str(sotto_span_str(host), s->host, sizeof s->host);
    if (st == SOTTO_OK) {
        int ret = setup(s, resume);
        if (ret != 0)
            st = tls_status(s, ret, diag);
    }
    if (st != SOTTO_OK)
        sync_stream_close(s);
    return st;
}

/* Who the client is: by its certificate, or by the ticket it was given when it showed one. */
static sotto_status identify(sync_stream *s, sotto_diag *diag)
{
    const mbedtls_x509_crt *crt = mbedtls_ssl_get_peer_cert(&s->ssl);
    if (!s->tls->server || !s->tls->peer_must_identify)
        return SOTTO_OK;
    if (crt == NULL) {
        s->peer = s->ticket;
        s->peer_expires_s = s->ticket_expires_s;
    } else if (!tls_read_peer(crt, &s->peer, &s->peer_expires_s)) {
        return sotto_diag_set(diag, SOTTO_ERR(SYNC, AUTH), "client certificate has no usable common name");
    }
    if (s->peer.common_name[0] == '\0')
        return sotto_diag_set(diag, SOTTO_ERR(SYNC, AUTH), "client did not say who it is");
    return SOTTO_OK;
}

/* RFC 8446 section 4.4.4: what follows the server's Finished is encrypted under the application keys.
 * mbedTLS 3.6 stays with the handshake keys until the client's flight is in, so that a refused client could
 * not read the alert that says why (Mbed-TLS issue 10877). Nothing else is sent in between, and mbedTLS sets
 * the same keys again later, so the record counter starts at 0 either way. */
static void use_application_keys(mbedtls_ssl_context *ssl)
{
    mbedtls_ssl_transform *application = ssl->MBEDTLS_PRIVATE(transform_application);
    if (application == NULL || ssl->MBEDTLS_PRIVATE(transform_out) == application)
        return;
    ssl->MBEDTLS_PRIVATE(transform_out) = application;
    memset(ssl->MBEDTLS_PRIVATE(cur_out_ctr), 0, sizeof ssl->MBEDTLS_PRIVATE(cur_out_ctr));
}

/* RFC 8446 section 4.4.2.4: a client without a certificate is told certificate_required. Mbed TLS 3.6 says
 * no_certificate, which TLS 1.3 does not have, so that call of its comes here first (ld --wrap,
 * src/sync/CMakeLists.txt). */
#define NO_CERTIFICATE       MBEDTLS_SSL_ALERT_MSG_NO_CERT
#define CERTIFICATE_REQUIRED 116

void __real_mbedtls_ssl_pend_fatal_alert(mbedtls_ssl_context *ssl, unsigned char alert, int reason);
void __wrap_mbedtls_ssl_pend_fatal_alert(mbedtls_ssl_context *ssl, unsigned char alert, int reason);

void __wrap_mbedtls_ssl_pend_fatal_alert(mbedtls_ssl_context *ssl, unsigned char alert, int reason)
{
    __real_mbedtls_ssl_pend_fatal_alert(ssl, alert == NO_CERTIFICATE ? CERTIFICATE_REQUIRED : alert, reason);
}

sotto_status sync_stream_handshake(sync_stream *s, sotto_diag *diag)
{
    int ret = 0;
    if (s->ready)
        return SOTTO_OK;
    s->tls->active = s;
    /* mbedTLS counts the handshake as over before a server's ticket is written: that happens in the first
     * read or write, when it is known here to whom. */
    while (ret == 0 && !mbedtls_ssl_is_handshake_over(&s->ssl)) {
        ret = mbedtls_ssl_handshake_step(&s->ssl);
        if (ret == 0 && s->tls->server)
            use_application_keys(&s->ssl);
    }
    s->tls->active = NULL;
    if (ret != 0)
        return tls_status(s, ret, diag);
    s->ready = true;
    s->barren = 0;
    return identify(s, diag);
}

/* A ticket is read in two steps, with nothing to wait for in between: Mbed TLS says WANT_READ and holds it.
 */
static int read_past_tickets(sync_stream *s, void *buf, size_t cap)
{
    for (;;) {
        int ret = mbedtls_ssl_read(&s->ssl, buf, cap);
        bool held = ret == MBEDTLS_ERR_SSL_WANT_READ && mbedtls_ssl_check_pending(&s->ssl) != 0;
        if (ret == MBEDTLS_ERR_SSL_RECEIVED_NEW_SESSION_TICKET)
            s->new_ticket = true;
        else if (!held)
            return ret;
    }
}

static void pay(sync_stream *s, size_t data)
{
    size_t worth = data * STREAM_DATA_WORTH; /* data is at most a record's: 16384 */
    s->barren = s->barren > worth ? s->barren - worth : 0;
}

sotto_status sync_stream_read(sync_stream *s, void *buf, size_t cap, size_t *n, sotto_diag *diag)
{
    *n = 0;
    s->wants_write = false;
    if (!s->secure) {
        sotto_status st = take(s, buf, cap, n);
        bool quiet = st == SOTTO_OK || sotto_status_cause(st) == SOTTO_CAUSE_BUSY;
        return quiet ? st : sotto_diag_set(diag, SOTTO_ERR(SYNC, NETWORK), "the connection broke");
    }
    s->tls->active = s;
    int ret = read_past_tickets(s, buf, cap);
    s->tls->active = NULL;
    if (ret >= 0) {
        *n = (size_t)ret;
        pay(s, *n);
        /* 0 is an end without close_notify: somebody may have cut the line there on purpose (RFC 8446
         * section 6.1). */
        return ret > 0 ? SOTTO_OK : tls_status(s, MBEDTLS_ERR_SSL_CONN_EOF, diag);
    }
    /* New keys in the midst (KeyUpdate, RFC 8446 section 4.6.3) and whatever else Mbed TLS 3.6 does not do
     * after a handshake: it says nothing to the peer of it. */
    if (ret == MBEDTLS_ERR_SSL_UNEXPECTED_MESSAGE)
        (void)mbedtls_ssl_send_alert_message(&s->ssl, MBEDTLS_SSL_ALERT_LEVEL_FATAL,
                                             MBEDTLS_SSL_ALERT_MSG_UNEXPECTED_MESSAGE);
    return ret == MBEDTLS_ERR_SSL_PEER_CLOSE_NOTIFY ? SOTTO_OK : tls_status(s, ret, diag);
}

sotto_status sync_stream_write(sync_stream *s, const void *buf, size_t len, size_t *n, sotto_diag *diag)
{
    *n = 0;
    s->wants_write = true;
    if (!s->secure) {
        sotto_status st = sotto_port_send(s->fd, buf, len, n);
        bool quiet = st == SOTTO_OK || sotto_status_cause(st) == SOTTO_CAUSE_BUSY;
        return quiet ? st : sotto_diag_set(diag, SOTTO_ERR(SYNC, NETWORK), "the connection broke");
    }
    s->tls->active = s;
    int ret = mbedtls_ssl_write(&s->ssl, buf, len);
    s->tls->active = NULL;
    if (ret < 0)
        return tls_status(s, ret, diag);
    *n = (size_t)ret;
    return SOTTO_OK;
}

void sync_stream_shutdown(sync_stream *s)
{
    /* Best effort: a full socket buffer is not waited for. */
    if (s->secure)
        (void)mbedtls_ssl_close_notify(&s->ssl);
    if (s->fd >= 0)
        sync_shutdown_write(s->fd);
}

void sync_stream_new_turn(sync_stream *s)
{
    s->turn = 0;
}

void sync_stream_close(sync_stream *s)
{
    if (s->secure)
        mbedtls_ssl_free(&s->ssl);
    s->secure = false;
    s->ready = false;
    if (s->fd >= 0)
        sotto_port_close(&s->fd);
    s->fd = -1;
}
