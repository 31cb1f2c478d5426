/* What an authority elsewhere issued: whether it may serve as what it was asked for; and whose of several
 * authorities a signature is, while one takes over from another. */
#include "pem.h"

#include <mbedtls/oid.h>
#include <stdio.h>
#include <string.h>

#define NAME_MAX_BYTES 256

static sotto_status refuse(sotto_diag *diag, const char *why)
{
    return sotto_diag_set(diag, SOTTO_ERR(VAULT, AUTH), "%s", why);
}

static bool may(const mbedtls_x509_crt *cert, const char *purpose, size_t len)
{
    return mbedtls_x509_crt_check_extended_key_usage(cert, purpose, len) == 0;
}

/* RFC 5280 section 4.2.1.12: an extended key usage that is absent forbids nothing. */
static sotto_status check_server(const mbedtls_x509_crt *cert, sotto_diag *diag)
{
    if (!may(cert, MBEDTLS_OID_SERVER_AUTH, MBEDTLS_OID_SIZE(MBEDTLS_OID_SERVER_AUTH)))
        return refuse(diag, "the certificate's extended key usage has no serverAuth");
    if (!mbedtls_x509_crt_has_ext_type(cert, MBEDTLS_X509_EXT_SUBJECT_ALT_NAME))
        return refuse(diag, "the certificate has no name in subjectAltName, where terminals look for it");
    return SOTTO_OK;
}

/* A terminal writes its own request: under an authority that copies what a request asks for, it must not come
 * by a certificate with which it could pass as head office before the others. */
static sotto_status check_device(const mbedtls_x509_crt *cert, sotto_diag *diag)
{
    if (!mbedtls_x509_crt_has_ext_type(cert, MBEDTLS_X509_EXT_EXTENDED_KEY_USAGE) ||
        !may(cert, MBEDTLS_OID_CLIENT_AUTH, MBEDTLS_OID_SIZE(MBEDTLS_OID_CLIENT_AUTH)))
        return refuse(diag, "the certificate's extended key usage has no clientAuth");
    if (may(cert, MBEDTLS_OID_SERVER_AUTH, MBEDTLS_OID_SIZE(MBEDTLS_OID_SERVER_AUTH)))
        return refuse(diag, "the certificate of a terminal may serve, too: serverAuth");
    if (mbedtls_x509_crt_has_ext_type(cert, MBEDTLS_X509_EXT_SUBJECT_ALT_NAME))
        return refuse(diag, "the certificate of a terminal has a name in subjectAltName, as servers have");
    return SOTTO_OK;
}

/* RFC 5280 sections 4.2.1.3 and 4.2.1.9: an extension that is absent forbids nothing. */
static sotto_status check_leaf(const mbedtls_x509_crt *cert, enum sotto_cert_use use, sotto_diag *diag)
{
    if (cert->MBEDTLS_PRIVATE(ca_istrue) != 0)
        return refuse(diag, "the certificate is an authority's, which could issue others");
    if (mbedtls_x509_crt_check_key_usage(cert, MBEDTLS_X509_KU_DIGITAL_SIGNATURE) != 0)
        return refuse(diag, "the certificate's key usage is not for signatures");
    if (use == SOTTO_CERT_SIGNER)
        return SOTTO_OK;
    return use == SOTTO_CERT_SERVER ? check_server(cert, diag) : check_device(cert, diag);
}

static sotto_status check_use(const mbedtls_x509_crt *cert, enum sotto_cert_use use, sotto_diag *diag)
{
    if (use != SOTTO_CERT_AUTHORITY)
        return check_leaf(cert, use, diag);
    if (cert->MBEDTLS_PRIVATE(ca_istrue) == 0 ||
        mbedtls_x509_crt_check_key_usage(cert, MBEDTLS_X509_KU_KEY_CERT_SIGN) != 0)
        return refuse(diag, "the certificate is not an authority's");
    return SOTTO_OK;
}

sotto_status sotto_cert_check(sotto_span cert_pem, enum sotto_cert_use use, const char *public_pem,
                              sotto_diag *diag)
{
    char own[SOTTO_PEM_MAX];
    mbedtls_x509_crt cert;
    mbedtls_x509_crt_init(&cert);
    sotto_status status = sotto_vault_read_cert(cert_pem, &cert, diag);
    if (status == SOTTO_OK)
        status = sotto_vault_public_pem(&cert.pk, own, diag);
    if (status == SOTTO_OK && strcmp(own, public_pem) != 0)
        status = refuse(diag, "the certificate is for another key");
    if (status == SOTTO_OK)
        status = check_use(&cert, use, diag);
    mbedtls_x509_crt_free(&cert);
    return status;
}

/* As a terminal's library judges it, by subjectAltName. It says so of a chain of which nothing else is asked
 * here. */
static sotto_status check_names(mbedtls_x509_crt *cert, const char *const *names, size_t count,
                                sotto_diag *diag)
{
    for (size_t i = 0; i < count; i++) {
        uint32_t flags = 0;
        (void)mbedtls_x509_crt_verify(cert, NULL, NULL, names[i], &flags, NULL, NULL);
        if ((flags & MBEDTLS_X509_BADCERT_CN_MISMATCH) != 0)
            return sotto_diag_set(diag, SOTTO_ERR(VAULT, AUTH),
                                  "the certificate's subjectAltName does not have '%.64s'", names[i]);
    }
    return SOTTO_OK;
}

sotto_status sotto_cert_check_names(sotto_span cert_pem, const char *const *names, size_t count,
                                    sotto_diag *diag)
{
    mbedtls_x509_crt cert;
    mbedtls_x509_crt_init(&cert);
    sotto_status status = sotto_vault_read_cert(cert_pem, &cert, diag);
    if (status == SOTTO_OK)
        status = check_names(&cert, names, count, diag);
    mbedtls_x509_crt_free(&cert);
    return status;
}

static void address_of(const mbedtls_x509_buf *value, char out[static NAME_MAX_BYTES])
{
    size_t len = 0;
    if (value->len == 4)
        (void)snprintf(out, NAME_MAX_BYTES, "%u.%u.%u.%u", value->p[0], value->p[1], value->p[2],
                       value->p[3]);
    for (size_t i = 0; value->len == 16 && i < 16; i += 2)
        len += (size_t)snprintf(out + len, NAME_MAX_BYTES - len, "%s%x", i == 0 ? "" : ":",
                                (unsigned)value->p[i] << 8 | value->p[i + 1]);
}

/* A name of subjectAltName as a terminal would write it; "" where it is none that one could ask for. */
static void name_of(const mbedtls_x509_buf *entry, char out[static NAME_MAX_BYTES])
{
    mbedtls_x509_subject_alternative_name san;
    out[0] = '\0';
    if (mbedtls_x509_parse_subject_alt_name(entry, &san) != 0)
        return;
    const mbedtls_x509_buf *value = &san.san.unstructured_name;
    if (san.type == MBEDTLS_X509_SAN_DNS_NAME && value->len < NAME_MAX_BYTES)
        (void)snprintf(out, NAME_MAX_BYTES, "%.*s", (int)value->len, (const char *)value->p);
    else if (san.type == MBEDTLS_X509_SAN_IP_ADDRESS)
        address_of(value, out);
    mbedtls_x509_free_subject_alt_name(&san);
}

sotto_status sotto_cert_check_asked(sotto_span cert_pem, sotto_span csr_pem, sotto_diag *diag)
{
    mbedtls_x509_crt cert;
    mbedtls_x509_csr csr;
    mbedtls_x509_crt_init(&cert);
    mbedtls_x509_csr_init(&csr);
    sotto_status status = sotto_vault_read_cert(cert_pem, &cert, diag);
    if (status == SOTTO_OK)
        status = sotto_vault_read_csr(csr_pem, &csr, diag);
    const mbedtls_x509_sequence *at = &csr.subject_alt_names;
    for (; status == SOTTO_OK && at != NULL && at->buf.p != NULL; at = at->next) {
        char text[NAME_MAX_BYTES];
        const char *const names[] = {text};
        name_of(&at->buf, text);
        if (text[0] != '\0')
            status = check_names(&cert, names, 1, diag);
    }
    mbedtls_x509_csr_free(&csr);
    mbedtls_x509_crt_free(&cert);
    return status;
}

static bool holds_at(const mbedtls_x509_crt *cert, int64_t at_s)
{
    return at_s >= sotto_vault_x509_seconds(&cert->valid_from) &&
           at_s <= sotto_vault_x509_seconds(&cert->valid_to);
}

/* Those that are not P-256 sign certificates, and nothing else here. */
static sotto_status find_signer(mbedtls_x509_crt *cert, const uint8_t hash[static SOTTO_SHA256_BYTES],
                                sotto_span signature, int64_t at_s, sotto_diag *diag)
{
    bool lapsed = false;
    for (; cert != NULL; cert = cert->next) {
        if (!sotto_vault_is_p256(&cert->pk) ||
            mbedtls_pk_verify(&cert->pk, MBEDTLS_MD_SHA256, hash, SOTTO_SHA256_BYTES, signature.ptr,
                              signature.len) != 0)
            continue;
        if (holds_at(cert, at_s))
            return SOTTO_OK;
        lapsed = true;
    }
    if (lapsed)
        return sotto_diag_set(diag, SOTTO_ERR(VAULT, EXPIRED),
                              "the authority that signed does not hold then");
    return refuse(diag, "the signature is by no authority that is known here");
}

sotto_status sotto_authority_verify(sotto_span authority_pem, sotto_span message, sotto_span signature,
                                    int64_t at_s, sotto_diag *diag)
{
    uint8_t hash[SOTTO_SHA256_BYTES];
    mbedtls_x509_crt authority;
    mbedtls_x509_crt_init(&authority);
    sotto_status status = sotto_vault_read_cert(authority_pem, &authority, diag);
    if (status == SOTTO_OK)
        status = sotto_sha256(message, hash);
    if (status == SOTTO_OK)
        status = signature.len > 0 ? find_signer(&authority, hash, signature, at_s, diag)
                                   : refuse(diag, "the signature is empty");
    mbedtls_x509_crt_free(&authority);
    return status;
}
