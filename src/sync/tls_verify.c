/* Judging a peer's certificate by the given clock, and saying in words why a connection was refused. */
#include <mbedtls/oid.h>
#include <string.h>

#include "tls_priv.h"

static int64_t time_of(const mbedtls_x509_time *t)
{
    int64_t days = sotto_time_days_from_civil(t->year, (unsigned)t->mon, (unsigned)t->day);
    return days * 86400 + t->hour * 3600 + t->min * 60 + t->sec;
}

static bool is_name_character(uint8_t c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '_' || c == '-' || c == ' ';
}

/* The first common name. It becomes a key in registries and a word in logs: plain characters only. */
static bool read_common_name(const mbedtls_x509_crt *crt, char out[static 65])
{
    const mbedtls_x509_name *name = &crt->subject;
    while (name != NULL && MBEDTLS_OID_CMP(MBEDTLS_OID_AT_CN, &name->oid) != 0)
        name = name->next;
    out[0] = '\0';
    if (name == NULL || name->val.len == 0 || name->val.len > 64)
        return false;
    for (size_t i = 0; i < name->val.len; i++) {
        if (!is_name_character(name->val.p[i]))
            return false;
    }
    memcpy(out, name->val.p, name->val.len);
    out[name->val.len] = '\0';
    return true;
}

bool tls_read_peer(const mbedtls_x509_crt *crt, sotto_peer *peer, int64_t *not_after_s)
{
    *not_after_s = time_of(&crt->valid_to);
    return sotto_sha256(sotto_span_of(crt->raw.p, crt->raw.len), peer->cert_sha256) == SOTTO_OK &&
           read_common_name(crt, peer->common_name);
}

static void narrow(tls_validity *v, int64_t from_s, int64_t until_s)
{
    v->from_s = from_s > v->from_s ? from_s : v->from_s;
    v->until_s = until_s < v->until_s ? until_s : v->until_s;
}

static sotto_status judge_validity(const sotto_tls *tls, const tls_validity *v, sotto_diag *diag)
{
    char when[21];
    int64_t now_s = tls->clock.utc_s(tls->clock.ctx);
    if (now_s > v->until_s) {
        sotto_time_format(v->until_s, when);
        return sotto_diag_set(diag, SOTTO_ERR(SYNC, EXPIRED), "server certificate expired on %s", when);
    }
    if (now_s < v->from_s) {
        sotto_time_format(v->from_s, when);
        return sotto_diag_set(diag, SOTTO_ERR(SYNC, EXPIRED), "server certificate is not valid before %s",
                              when);
    }
    return SOTTO_OK;
}

void sotto_tls_time_unknown(sotto_tls *tls)
{
    tls->time_unknown = true;
    tls->seen = (tls_validity){INT64_MIN, INT64_MAX};
}

sotto_status sotto_tls_time_known(sotto_tls *tls, sotto_diag *diag)
{
    tls->time_unknown = false;
    return judge_validity(tls, &tls->seen, diag);
}

sotto_status tls_judge_resumed(sync_stream *s, const tls_validity *chain, sotto_diag *diag)
{
    s->chain = *chain;
    if (!s->tls->time_unknown)
        return judge_validity(s->tls, chain, diag);
    narrow(&s->tls->seen, chain->from_s, chain->until_s);
    return SOTTO_OK;
}

/* RFC 5280 section 4.1.2.5, by our clock: mbedTLS has judged by the system's, which a terminal cannot rely
 * on. */
static void judge_time(sync_stream *s, const mbedtls_x509_crt *crt, uint32_t *flags)
{
    int64_t now = s->tls->clock.utc_s(s->tls->clock.ctx);
    narrow(&s->chain, time_of(&crt->valid_from), time_of(&crt->valid_to));
    *flags &= ~(uint32_t)(MBEDTLS_X509_BADCERT_EXPIRED | MBEDTLS_X509_BADCERT_FUTURE);
    if (s->tls->time_unknown) {
        narrow(&s->tls->seen, time_of(&crt->valid_from), time_of(&crt->valid_to));
        return;
    }
    if (now > time_of(&crt->valid_to))
        *flags |= MBEDTLS_X509_BADCERT_EXPIRED;
    if (now < time_of(&crt->valid_from))
        *flags |= MBEDTLS_X509_BADCERT_FUTURE;
}

int tls_verify_callback(void *stream, mbedtls_x509_crt *crt, int depth, uint32_t *flags)
{
    sync_stream *s = stream;
    s->verified = true;
    judge_time(s, crt, flags);
    if (depth == 0 && s->tls->server) {
        sotto_peer peer;
        int64_t unused;
        if (!tls_read_peer(crt, &peer, &unused))
            *flags |= MBEDTLS_X509_BADCERT_OTHER;
    }
    /* RFC 9110 section 4.3.4: names are checked against subjectAltName; without one mbedTLS would fall back
     * to the common name. */
    if (depth == 0 && !s->tls->server &&
        !mbedtls_x509_crt_has_ext_type(crt, MBEDTLS_X509_EXT_SUBJECT_ALT_NAME))
        *flags |= MBEDTLS_X509_BADCERT_CN_MISMATCH;
    if (*flags != 0 && s->problem.flags == 0) {
        s->problem.not_before_s = time_of(&crt->valid_from);
        s->problem.not_after_s = time_of(&crt->valid_to);
    }
    s->problem.flags |= *flags;
    return 0;
}

static sotto_status refused_peer(const sync_stream *s, sotto_diag *diag)
{
    const char *who = s->tls->server ? "client" : "server";
    uint32_t flags = s->problem.flags | mbedtls_ssl_get_verify_result(&s->ssl);
    char when[21];
    if (flags & MBEDTLS_X509_BADCERT_NOT_TRUSTED)
        return sotto_diag_set(diag, SOTTO_ERR(SYNC, AUTH), "%s certificate is not from the trusted authority",
                              who);
    if (flags & MBEDTLS_X509_BADCERT_CN_MISMATCH)
        return sotto_diag_set(diag, SOTTO_ERR(SYNC, AUTH),
                              "%s certificate is for another name than \"%.100s\"", who, s->host);
    if (flags & MBEDTLS_X509_BADCERT_EXPIRED) {
        sotto_time_format(s->problem.not_after_s, when);
        return sotto_diag_set(diag, SOTTO_ERR(SYNC, EXPIRED), "%s certificate expired on %s", who, when);
    }
    if (flags & MBEDTLS_X509_BADCERT_FUTURE) {
        sotto_time_format(s->problem.not_before_s, when);
        return sotto_diag_set(diag, SOTTO_ERR(SYNC, EXPIRED), "%s certificate is not valid before %s", who,
                              when);
    }
    if (flags & (MBEDTLS_X509_BADCERT_KEY_USAGE | MBEDTLS_X509_BADCERT_EXT_KEY_USAGE))
        return sotto_diag_set(diag, SOTTO_ERR(SYNC, AUTH), "%s certificate is not meant for this use", who);
    return sotto_diag_set(diag, SOTTO_ERR(SYNC, AUTH), "%s certificate is refused (reasons 0x%x)", who,
                          (unsigned)flags);
}

/* RFC 8446 section 6.2. mbedTLS has no accessor for the alert it received. */
static sotto_status refused_by_peer(const sync_stream *s, sotto_diag *diag)
{
    const unsigned char *alert = s->ssl.MBEDTLS_PRIVATE(in_msg);
    unsigned number = alert == NULL ? 0 : alert[1];
    switch (number) {
    case MBEDTLS_SSL_ALERT_MSG_CERT_EXPIRED:
        return sotto_diag_set(diag, SOTTO_ERR(SYNC, EXPIRED),
                              "the peer says that our certificate has expired");
    case MBEDTLS_SSL_ALERT_MSG_UNKNOWN_CA:
        return sotto_diag_set(diag, SOTTO_ERR(SYNC, AUTH),
                              "the peer does not trust our certificate's authority");
    case 116: /* certificate_required */
    case MBEDTLS_SSL_ALERT_MSG_NO_CERT:
        return sotto_diag_set(diag, SOTTO_ERR(SYNC, AUTH), "the peer demands a certificate from us");
    case MBEDTLS_SSL_ALERT_MSG_BAD_CERT:
    case MBEDTLS_SSL_ALERT_MSG_UNSUPPORTED_CERT:
    case MBEDTLS_SSL_ALERT_MSG_CERT_REVOKED:
    case MBEDTLS_SSL_ALERT_MSG_CERT_UNKNOWN:
    case MBEDTLS_SSL_ALERT_MSG_ACCESS_DENIED:
        return sotto_diag_set(diag, SOTTO_ERR(SYNC, AUTH), "the peer refuses our certificate (alert %u)",
                              number);
    case MBEDTLS_SSL_ALERT_MSG_PROTOCOL_VERSION:
        return sotto_diag_set(diag, SOTTO_ERR(SYNC, PROTOCOL), "the peer does not speak TLS 1.3");
    default:
        return sotto_diag_set(diag, SOTTO_ERR(SYNC, PROTOCOL), "the peer ended TLS with alert %u", number);
    }
}

sotto_status tls_status(sync_stream *s, int error, sotto_diag *diag)
{
    switch (error) {
    case MBEDTLS_ERR_SSL_WANT_READ:
    case MBEDTLS_ERR_SSL_WANT_WRITE:
        s->wants_write = error == MBEDTLS_ERR_SSL_WANT_WRITE;
        return SOTTO_ERR(SYNC, BUSY);
    case MBEDTLS_ERR_X509_CERT_VERIFY_FAILED:
    case MBEDTLS_ERR_SSL_BAD_CERTIFICATE:
        return refused_peer(s, diag);
    case MBEDTLS_ERR_SSL_FATAL_ALERT_MESSAGE:
        return refused_by_peer(s, diag);
    case MBEDTLS_ERR_SSL_NO_CLIENT_CERTIFICATE:
        return sotto_diag_set(diag, SOTTO_ERR(SYNC, AUTH), "client sent no certificate");
    case MBEDTLS_ERR_SSL_CONN_EOF:
    case MBEDTLS_ERR_SSL_PEER_CLOSE_NOTIFY:
        return sotto_diag_set(diag, SOTTO_ERR(SYNC, NETWORK), "the peer closed the connection early");
    case MBEDTLS_ERR_SSL_INTERNAL_ERROR:
        return sotto_diag_set(diag, SOTTO_ERR(SYNC, NETWORK), "the connection broke");
    case MBEDTLS_ERR_SSL_BAD_PROTOCOL_VERSION:
        return sotto_diag_set(diag, SOTTO_ERR(SYNC, PROTOCOL), "the peer does not speak TLS 1.3");
    case MBEDTLS_ERR_SSL_UNEXPECTED_RECORD: /* stream.c */
        return sotto_diag_set(diag, SOTTO_ERR(SYNC, PROTOCOL), "the peer sends what nothing comes of");
    case MBEDTLS_ERR_SSL_ALLOC_FAILED:
    case MBEDTLS_ERR_X509_ALLOC_FAILED:
        return sotto_diag_set(diag, SOTTO_ERR(SYNC, NO_MEMORY), "no memory for TLS");
    default:
        return sotto_diag_set(diag, SOTTO_ERR(SYNC, PROTOCOL), "TLS failed (mbedTLS -0x%04x)",
                              (unsigned)-error);
    }
}
