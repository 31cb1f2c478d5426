/* A TLS 1.3 configuration: authority, own certificate and key, what may be negotiated. */
#include <mbedtls/error.h>
#include <mbedtls/psa_util.h>
#include <stdlib.h>
#include <string.h>

#include "tls_priv.h"

#define TICKETS_A_HANDSHAKE 1

/* mbedTLS wants PEM with its NUL counted. The copy of a key is wiped. */
static char *with_nul(sotto_span text, sotto_diag *diag)
{
    char *copy = malloc(text.len + 1);
    if (copy == NULL) {
        (void)sotto_diag_set(diag, SOTTO_ERR(SYNC, NO_MEMORY), "no memory for TLS");
        return NULL;
    }
    if (text.len > 0)
        memcpy(copy, text.ptr, text.len);
    copy[text.len] = '\0';
    return copy;
}

static sotto_status parse_certificates(mbedtls_x509_crt *out, sotto_span pem, const char *what,
                                       sotto_diag *diag)
{
    char *text = with_nul(pem, diag);
    if (text == NULL)
        return SOTTO_ERR(SYNC, NO_MEMORY);
    int ret = mbedtls_x509_crt_parse(out, (const unsigned char *)text, pem.len + 1);
    free(text);
    if (ret != 0)
        return sotto_diag_set(diag, SOTTO_ERR(SYNC, MALFORMED),
                              "%s is not PEM certificates (mbedTLS -0x%04x)", what, (unsigned)-ret);
    return SOTTO_OK;
}

static sotto_status parse_key(sotto_tls *tls, sotto_span pem, sotto_diag *diag)
{
    char *text = with_nul(pem, diag);
    if (text == NULL)
        return SOTTO_ERR(SYNC, NO_MEMORY);
    int ret = mbedtls_pk_parse_key(&tls->key, (const unsigned char *)text, pem.len + 1, NULL, 0,
                                   mbedtls_psa_get_random, MBEDTLS_PSA_RANDOM_STATE);
    sotto_wipe(text, pem.len + 1);
    free(text);
    if (ret == 0)
        ret =
            mbedtls_pk_check_pair(&tls->own.pk, &tls->key, mbedtls_psa_get_random, MBEDTLS_PSA_RANDOM_STATE);
    else
        return sotto_diag_set(diag, SOTTO_ERR(SYNC, MALFORMED), "the key is not a PEM key (mbedTLS -0x%04x)",
                              (unsigned)-ret);
    if (ret != 0)
        return sotto_diag_set(diag, SOTTO_ERR(SYNC, AUTH), "the key is not the certificate's");
    return SOTTO_OK;
}

static sotto_status set_identity(sotto_tls *tls, const sotto_tls_identity *identity, sotto_diag *diag)
{
    if (identity->certificate_pem.len == 0)
        return tls->server ? sotto_diag_set(diag, SOTTO_ERR(SYNC, USAGE), "a server needs a certificate")
                           : SOTTO_OK;
    sotto_status st = parse_certificates(&tls->own, identity->certificate_pem, "the own certificate", diag);
    if (st == SOTTO_OK)
        st = parse_key(tls, identity->key_pem, diag);
    if (st == SOTTO_OK && mbedtls_ssl_conf_own_cert(&tls->conf, &tls->own, &tls->key) != 0)
        st = sotto_diag_set(diag, SOTTO_ERR(SYNC, NO_MEMORY), "no memory for TLS");
    return st;
}

static sotto_status set_authority(sotto_tls *tls, const sotto_tls_identity *identity, sotto_diag *diag)
{
    bool needed = !tls->server || identity->peer_must_identify;
    mbedtls_ssl_conf_authmode(&tls->conf, needed ? MBEDTLS_SSL_VERIFY_REQUIRED : MBEDTLS_SSL_VERIFY_NONE);
    if (!needed)
        return SOTTO_OK;
    sotto_status st = parse_certificates(&tls->authority, identity->authority_pem, "the authority", diag);
    if (st == SOTTO_OK)
        mbedtls_ssl_conf_ca_chain(&tls->conf, &tls->authority, NULL);
    return st;
}

static sotto_status set_protocol(sotto_tls *tls, sotto_span ticket_seed, sotto_diag *diag)
{
    int end = tls->server ? MBEDTLS_SSL_IS_SERVER : MBEDTLS_SSL_IS_CLIENT;
    int ret = mbedtls_ssl_config_defaults(&tls->conf, end, MBEDTLS_SSL_TRANSPORT_STREAM,
                                          MBEDTLS_SSL_PRESET_DEFAULT);
    if (ret != 0)
        return sotto_diag_set(diag, SOTTO_ERR(SYNC, INTERNAL), "TLS defaults failed (mbedTLS -0x%04x)",
                              (unsigned)-ret);
    mbedtls_ssl_conf_min_tls_version(&tls->conf, MBEDTLS_SSL_VERSION_TLS1_3);
    mbedtls_ssl_conf_max_tls_version(&tls->conf, MBEDTLS_SSL_VERSION_TLS1_3);
    mbedtls_ssl_conf_rng(&tls->conf, mbedtls_psa_get_random, MBEDTLS_PSA_RANDOM_STATE);
    if (tls->server) {
        mbedtls_ssl_conf_new_session_tickets(&tls->conf, TICKETS_A_HANDSHAKE);
        return tls_ticket_setup(tls, ticket_seed, diag);
    }
    mbedtls_ssl_conf_session_tickets(&tls->conf, MBEDTLS_SSL_SESSION_TICKETS_ENABLED);
    mbedtls_ssl_conf_tls13_enable_signal_new_session_tickets(
        &tls->conf, MBEDTLS_SSL_TLS1_3_SIGNAL_NEW_SESSION_TICKETS_ENABLED);
    return SOTTO_OK;
}

sotto_status sotto_tls_new(sotto_tls **out, bool server, const sotto_tls_identity *identity, sotto_diag *diag)
{
    *out = NULL;
    sotto_tls *tls = calloc(1, sizeof *tls);
    if (tls == NULL)
        return sotto_diag_set(diag, SOTTO_ERR(SYNC, NO_MEMORY), "no memory for TLS");
    tls->server = server;
    tls->peer_must_identify = server && identity->peer_must_identify;
    tls->clock = identity->clock;
    mbedtls_ssl_config_init(&tls->conf);
    mbedtls_x509_crt_init(&tls->authority);
    mbedtls_x509_crt_init(&tls->own);
    mbedtls_pk_init(&tls->key);
    sotto_status st = set_protocol(tls, identity->ticket_seed, diag);
    if (st == SOTTO_OK)
        st = set_authority(tls, identity, diag);
    if (st == SOTTO_OK)
        st = set_identity(tls, identity, diag);
    if (st == SOTTO_OK)
        *out = tls;
    else
        sotto_tls_free(tls);
    return st;
}

void sotto_tls_free(sotto_tls *tls)
{
    if (tls == NULL)
        return;
    tls_ticket_free(tls);
    mbedtls_ssl_config_free(&tls->conf);
    mbedtls_x509_crt_free(&tls->authority);
    mbedtls_x509_crt_free(&tls->own);
    mbedtls_pk_free(&tls->key);
    free(tls);
}
