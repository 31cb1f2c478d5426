/* Certificates of the device authority (RFC 5280). One authority, no level between: pathLenConstraint 0. */
#include "names.h"
#include "pem.h"

#include <mbedtls/oid.h>
#include <mbedtls/platform.h>
#include <mbedtls/psa_util.h>
#include <stdio.h>
#include <string.h>

enum { KEY_ID_BYTES = 20 };
#define LAST_SECOND_OF_9999 INT64_C(253402300799)

/* What a certificate is made from; all of it freed by close_parts. */
typedef struct parts {
    const sotto_cert_request *request;
    mbedtls_pk_context subject;    /* public */
    mbedtls_pk_context issuer_key; /* private */
    mbedtls_x509_crt issuer;       /* empty for an authority, which issues itself */
    sotto_vault_names names;       /* of a server */
    mbedtls_x509write_cert writer;
    sotto_diag *diag;
} parts;

static sotto_status refuse(parts *p, sotto_status status, const char *text)
{
    return sotto_diag_set(p->diag, status, "%s", text);
}

static sotto_status check(parts *p, int error, const char *what)
{
    return error == 0 ? SOTTO_OK : sotto_vault_mbedtls_fail(p->diag, error, what);
}

static bool is_authority(const parts *p)
{
    return p->request->use == SOTTO_CERT_AUTHORITY;
}

/* ---- What was asked for ---- */

static sotto_status check_request(parts *p, bool has_issuer)
{
    const sotto_cert_request *r = p->request;
    if (r->use != SOTTO_CERT_AUTHORITY && r->use != SOTTO_CERT_SERVER && r->use != SOTTO_CERT_DEVICE)
        return refuse(p, SOTTO_ERR(VAULT, USAGE), "no such use of a certificate");
    if (is_authority(p) == has_issuer)
        return refuse(p, SOTTO_ERR(VAULT, USAGE),
                      "an authority signs itself, and every other certificate has an issuer");
    if (r->use != SOTTO_CERT_SERVER && r->name_count != 0)
        return refuse(p, SOTTO_ERR(VAULT, USAGE), "only a server's certificate has names and addresses");
    if (r->not_before_s < 0 || r->not_after_s > LAST_SECOND_OF_9999 || r->not_before_s >= r->not_after_s)
        return refuse(p, SOTTO_ERR(VAULT, RANGE), "the certificate's time must begin before it ends");
    if ((r->serial[0] & 0x80) != 0)
        return refuse(p, SOTTO_ERR(VAULT, USAGE), "the first bit of a serial number is 0");
    return sotto_vault_check_common_name(r->common_name, p->diag);
}

static sotto_status read_subject(parts *p, sotto_span pem)
{
    sotto_status status = SOTTO_OK;
    if (!sotto_vault_is_csr(pem)) {
        status = sotto_vault_read_public(pem, &p->subject, p->diag);
    } else {
        char public_pem[SOTTO_PEM_MAX];
        status = sotto_csr_check(pem, public_pem, p->diag);
        if (status == SOTTO_OK)
            status = sotto_vault_read_public(sotto_span_str(public_pem), &p->subject, p->diag);
    }
    if (status == SOTTO_OK && !sotto_vault_is_p256(&p->subject))
        return refuse(p, SOTTO_ERR(VAULT, UNSUPPORTED), "a certificate's key is ECDSA P-256 here");
    return status;
}

static sotto_status check_issuer(parts *p)
{
    if (p->issuer.MBEDTLS_PRIVATE(ca_istrue) == 0 ||
        mbedtls_x509_crt_check_key_usage(&p->issuer, MBEDTLS_X509_KU_KEY_CERT_SIGN) != 0)
        return refuse(p, SOTTO_ERR(VAULT, USAGE), "the issuer's certificate is not an authority's");
    if (p->request->not_after_s > sotto_vault_x509_seconds(&p->issuer.valid_to))
        return refuse(p, SOTTO_ERR(VAULT, RANGE), "the certificate would outlast its issuer's");
    return SOTTO_OK;
}

/* The private key must belong to the certificate that will name it (or, for an authority, to the subject). */
static sotto_status read_issuer(parts *p, const char *key_pem, const char *cert_pem)
{
    sotto_status status = sotto_vault_read_key(key_pem, &p->issuer_key, p->diag);
    if (status == SOTTO_OK && cert_pem != NULL)
        status = sotto_vault_read_cert(sotto_span_of(cert_pem, strnlen(cert_pem, SOTTO_PEM_MAX)), &p->issuer,
                                       p->diag);
    if (status == SOTTO_OK && cert_pem != NULL)
        status = check_issuer(p);
    if (status != SOTTO_OK)
        return status;
    const mbedtls_pk_context *public_key = cert_pem == NULL ? &p->subject : &p->issuer.pk;
    int error =
        mbedtls_pk_check_pair(public_key, &p->issuer_key, mbedtls_psa_get_random, MBEDTLS_PSA_RANDOM_STATE);
    return sotto_vault_verify_result(error, "the issuer's key does not belong to the issuer's certificate",
                                     p->diag);
}

/* ---- Names, time, number ---- */

/* A copy of one part of a name, with its string type as it is, in front of list (the writer wants the last
 * first). */
static int copy_name_part(const mbedtls_x509_name *from, mbedtls_asn1_named_data **list)
{
    mbedtls_asn1_named_data *copy = mbedtls_calloc(1, sizeof *copy);
    if (copy == NULL)
        return MBEDTLS_ERR_X509_ALLOC_FAILED;
    copy->next = *list;
    *list = copy;
    copy->oid.p = mbedtls_calloc(1, from->oid.len);
    copy->val.p = mbedtls_calloc(1, from->val.len + 1); /* a value may be empty */
    if (copy->oid.p == NULL || copy->val.p == NULL)
        return MBEDTLS_ERR_X509_ALLOC_FAILED;
    memcpy(copy->oid.p, from->oid.p, from->oid.len);
    memcpy(copy->val.p, from->val.p, from->val.len);
    copy->oid.len = from->oid.len;
    copy->oid.tag = from->oid.tag;
    copy->val.len = from->val.len;
    copy->val.tag = from->val.tag;
    return 0;
}

/* The library's own call takes a name as text, which keeps neither string types nor two parts of one kind. */
static int copy_issuer_name(parts *p)
{
    int error = 0;
    for (const mbedtls_x509_name *at = &p->issuer.subject; at != NULL && error == 0; at = at->next)
        error = copy_name_part(at, &p->writer.MBEDTLS_PRIVATE(issuer));
    return error;
}

static sotto_status set_names(parts *p)
{
    char subject[80];
    (void)snprintf(subject, sizeof subject, "CN=%s", p->request->common_name);
    int error = mbedtls_x509write_crt_set_subject_name(&p->writer, subject);
    if (error == 0)
        error = is_authority(p) ? mbedtls_x509write_crt_set_issuer_name(&p->writer, subject)
                                : copy_issuer_name(p);
    return check(p, error, "names");
}

/* "YYYYMMDDhhmmss", which the writer turns into UTCTime or GeneralizedTime (RFC 5280 section 4.1.2.5). */
static void time_digits(int64_t utc_s, char out[static 15])
{
    char text[21];
    size_t n = 0;
    sotto_time_format(utc_s, text);
    for (size_t i = 0; text[i] != '\0' && n < 14; i++)
        if (text[i] >= '0' && text[i] <= '9')
            out[n++] = text[i];
    out[n] = '\0';
}

static sotto_status set_validity(parts *p)
{
    char from[15], to[15];
    time_digits(p->request->not_before_s, from);
    time_digits(p->request->not_after_s, to);
    return check(p, mbedtls_x509write_crt_set_validity(&p->writer, from, to), "validity");
}

/* DER's shortest form has no leading zero bytes (X.690 section 8.3.2); RFC 5280 wants a positive number. */
static sotto_status set_serial(parts *p)
{
    uint8_t serial[sizeof p->request->serial];
    size_t skip = 0;
    memcpy(serial, p->request->serial, sizeof serial);
    while (skip < sizeof serial && serial[skip] == 0)
        skip++;
    if (skip == sizeof serial)
        return refuse(p, SOTTO_ERR(VAULT, USAGE), "a serial number is not 0");
    return check(p, mbedtls_x509write_crt_set_serial_raw(&p->writer, serial + skip, sizeof serial - skip),
                 "serial number");
}

/* ---- Extensions ---- */

/* RFC 7093 section 2, method 1: the leftmost 160 bits of SHA-256 of the key's BIT STRING. (The older SHA-1
 * method is not in this build.) */
static sotto_status key_id(parts *p, const mbedtls_pk_context *key, uint8_t out[static KEY_ID_BYTES])
{
    uint8_t bits[1024], digest[SOTTO_SHA256_BYTES];
    unsigned char *at = bits + sizeof bits; /* written from the end backwards */
    int len = mbedtls_pk_write_pubkey(&at, bits, key);
    if (len < 0)
        return sotto_vault_mbedtls_fail(p->diag, len, "public key");
    sotto_status status = sotto_sha256(sotto_span_of(at, (size_t)len), digest);
    if (status == SOTTO_OK)
        memcpy(out, digest, KEY_ID_BYTES);
    return status;
}

static sotto_status set_extension(parts *p, const char *oid, size_t oid_len, const uint8_t *der, size_t len)
{
    return check(p, mbedtls_x509write_crt_set_extension(&p->writer, oid, oid_len, 0, der, len), "extension");
}

/* subjectKeyIdentifier (RFC 5280 section 4.2.1.2): OCTET STRING of 20 bytes. */
static sotto_status set_subject_key_id(parts *p)
{
    uint8_t der[2 + KEY_ID_BYTES] = {MBEDTLS_ASN1_OCTET_STRING, KEY_ID_BYTES};
    sotto_status status = key_id(p, &p->subject, der + 2);
    if (status != SOTTO_OK)
        return status;
    return set_extension(p, MBEDTLS_OID_SUBJECT_KEY_IDENTIFIER,
                         MBEDTLS_OID_SIZE(MBEDTLS_OID_SUBJECT_KEY_IDENTIFIER), der, sizeof der);
}

/* authorityKeyIdentifier (section 4.2.1.1): SEQUENCE of [0] keyIdentifier, the one in the issuer's own
 * certificate. */
static sotto_status set_authority_key_id(parts *p)
{
    enum { MAX_ID = 64 };
    const mbedtls_x509_buf *given = &p->issuer.subject_key_id;
    uint8_t der[4 + MAX_ID];
    size_t len = KEY_ID_BYTES;
    sotto_status status = SOTTO_OK;
    if (given->len > 0 && given->len <= MAX_ID) {
        len = given->len;
        memcpy(der + 4, given->p, len);
    } else {
        status = key_id(p, is_authority(p) ? &p->subject : &p->issuer.pk, der + 4);
    }
    if (status != SOTTO_OK)
        return status;
    der[0] = MBEDTLS_ASN1_SEQUENCE | MBEDTLS_ASN1_CONSTRUCTED;
    der[1] = (uint8_t)(len + 2);
    der[2] = MBEDTLS_ASN1_CONTEXT_SPECIFIC;
    der[3] = (uint8_t)len;
    return set_extension(p, MBEDTLS_OID_AUTHORITY_KEY_IDENTIFIER,
                         MBEDTLS_OID_SIZE(MBEDTLS_OID_AUTHORITY_KEY_IDENTIFIER), der, len + 4);
}

static sotto_status set_purpose(parts *p, const char *oid, size_t oid_len)
{
    mbedtls_asn1_sequence purpose = {0};
    purpose.buf.tag = MBEDTLS_ASN1_OID;
    purpose.buf.len = oid_len;
    union { /* only read */
        const char *in;
        unsigned char *out;
    } cast = {.in = oid};
    purpose.buf.p = cast.out;
    return check(p, mbedtls_x509write_crt_set_ext_key_usage(&p->writer, &purpose), "extended key usage");
}

static sotto_status set_use(parts *p)
{
    unsigned usage = is_authority(p) ? MBEDTLS_X509_KU_KEY_CERT_SIGN | MBEDTLS_X509_KU_CRL_SIGN
                                     : MBEDTLS_X509_KU_DIGITAL_SIGNATURE;
    sotto_status status = check(
        p, mbedtls_x509write_crt_set_basic_constraints(&p->writer, is_authority(p), is_authority(p) ? 0 : -1),
        "basic constraints");
    if (status == SOTTO_OK)
        status = check(p, mbedtls_x509write_crt_set_key_usage(&p->writer, usage), "key usage");
    if (status != SOTTO_OK || is_authority(p))
        return status;
    if (p->request->use == SOTTO_CERT_SERVER)
        return set_purpose(p, MBEDTLS_OID_SERVER_AUTH, MBEDTLS_OID_SIZE(MBEDTLS_OID_SERVER_AUTH));
    return set_purpose(p, MBEDTLS_OID_CLIENT_AUTH, MBEDTLS_OID_SIZE(MBEDTLS_OID_CLIENT_AUTH));
}

static sotto_status set_server_names(parts *p)
{
    const sotto_cert_request *r = p->request;
    if (r->use != SOTTO_CERT_SERVER)
        return SOTTO_OK;
    sotto_status status = sotto_vault_names_fill(&p->names, r->names, r->name_count, p->diag);
    if (status != SOTTO_OK)
        return status;
    return check(p, mbedtls_x509write_crt_set_subject_alternative_name(&p->writer, p->names.list),
                 "server's names");
}

/* ---- Together ---- */

static sotto_status fill_writer(parts *p)
{
    static sotto_status (*const STEPS[])(parts *) = {
        set_names,        set_validity,       set_serial,          set_use,
        set_server_names, set_subject_key_id, set_authority_key_id};
    mbedtls_x509write_crt_set_version(&p->writer, MBEDTLS_X509_CRT_VERSION_3);
    mbedtls_x509write_crt_set_md_alg(&p->writer, MBEDTLS_MD_SHA256);
    mbedtls_x509write_crt_set_subject_key(&p->writer, &p->subject);
    mbedtls_x509write_crt_set_issuer_key(&p->writer, &p->issuer_key);
    sotto_status status = SOTTO_OK;
    for (size_t i = 0; i < SOTTO_COUNT(STEPS) && status == SOTTO_OK; i++)
        status = STEPS[i](p);
    return status;
}

/* Chains are found by comparing names byte for byte (RFC 5280 section 7.1 allows more, not every reader does
 * it), and an issuer's name went through its text form: what came out must be what stands in the issuer's
 * own. */
static sotto_status check_written(parts *p, const char *pem)
{
    mbedtls_x509_crt made;
    mbedtls_x509_crt_init(&made);
    sotto_status status = sotto_vault_read_cert(sotto_span_str(pem), &made, p->diag);
    const mbedtls_x509_buf *expected = is_authority(p) ? &made.subject_raw : &p->issuer.subject_raw;
    if (status == SOTTO_OK &&
        (made.issuer_raw.len != expected->len || memcmp(made.issuer_raw.p, expected->p, expected->len) != 0))
        status = refuse(p, SOTTO_ERR(VAULT, UNSUPPORTED),
                        "the issuer's name has a form that cannot be written here");
    mbedtls_x509_crt_free(&made);
    return status;
}

static sotto_status issue(parts *p, sotto_span subject_pem, const char *issuer_key_pem,
                          const char *issuer_cert_pem, char out[static SOTTO_PEM_MAX])
{
    sotto_status status = check_request(p, issuer_cert_pem != NULL);
    if (status == SOTTO_OK)
        status = read_subject(p, subject_pem);
    if (status == SOTTO_OK)
        status = read_issuer(p, issuer_key_pem, issuer_cert_pem);
    if (status == SOTTO_OK)
        status = fill_writer(p);
    if (status == SOTTO_OK)
        status = check(p,
                       mbedtls_x509write_crt_pem(&p->writer, (unsigned char *)out, SOTTO_PEM_MAX,
                                                 mbedtls_psa_get_random, MBEDTLS_PSA_RANDOM_STATE),
                       "the certificate cannot be written");
    return status == SOTTO_OK ? check_written(p, out) : status;
}

sotto_status sotto_cert_issue(const sotto_cert_request *request, sotto_span subject_public_pem,
                              const char *issuer_key_pem, const char *issuer_cert_pem,
                              char out[static SOTTO_PEM_MAX], sotto_diag *diag)
{
    parts p = {.request = request, .diag = diag};
    mbedtls_pk_init(&p.subject);
    mbedtls_pk_init(&p.issuer_key);
    mbedtls_x509_crt_init(&p.issuer);
    mbedtls_x509write_crt_init(&p.writer);
    sotto_status status = issue(&p, subject_public_pem, issuer_key_pem, issuer_cert_pem, out);
    mbedtls_x509write_crt_free(&p.writer);
    mbedtls_x509_crt_free(&p.issuer);
    mbedtls_pk_free(&p.issuer_key);
    mbedtls_pk_free(&p.subject);
    if (status != SOTTO_OK)
        out[0] = '\0';
    return status;
}
