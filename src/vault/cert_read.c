#include "pem.h"

#include "sotto/codec/text.h"

#include <mbedtls/asn1.h>
#include <mbedtls/oid.h>
#include <string.h>

int64_t sotto_vault_x509_seconds(const mbedtls_x509_time *t)
{
    int64_t days = sotto_time_days_from_civil(t->year, (unsigned)t->mon, (unsigned)t->day);
    return days * 86400 + t->hour * 3600 + t->min * 60 + t->sec;
}

static const mbedtls_x509_name *find_common_name(const mbedtls_x509_name *subject)
{
    for (; subject != NULL; subject = subject->next)
        if (MBEDTLS_OID_CMP(MBEDTLS_OID_AT_CN, &subject->oid) == 0)
            return subject;
    return NULL;
}

static bool has_control_characters(const mbedtls_x509_buf *text)
{
    for (size_t i = 0; i < text->len; i++)
        if (text->p[i] < 0x20 || text->p[i] == 0x7f)
            return true;
    return false;
}

static sotto_status take_common_name(const mbedtls_x509_crt *cert, sotto_cert_info *out, sotto_diag *diag)
{
    const mbedtls_x509_name *name = find_common_name(&cert->subject);
    if (name == NULL)
        return SOTTO_OK; /* a bank's own server certificate may have only subjectAltNames */
    if (name->val.len >= sizeof out->common_name)
        return sotto_diag_set(diag, SOTTO_ERR(VAULT, RANGE),
                              "the certificate's name is longer than %zu bytes", sizeof out->common_name - 1);
    if (!sotto_utf8_valid(sotto_span_of(name->val.p, name->val.len), NULL) ||
        has_control_characters(&name->val))
        return sotto_diag_set(diag, SOTTO_ERR(VAULT, MALFORMED),
                              "the certificate's name is not UTF-8 or holds control characters");
    memcpy(out->common_name, name->val.p, name->val.len);
    return SOTTO_OK;
}

static sotto_status take_info(const mbedtls_x509_crt *cert, sotto_cert_info *out, sotto_diag *diag)
{
    out->not_before_s = sotto_vault_x509_seconds(&cert->valid_from);
    out->not_after_s = sotto_vault_x509_seconds(&cert->valid_to);
    sotto_status status = sotto_sha256(sotto_span_of(cert->raw.p, cert->raw.len), out->sha256);
    if (status != SOTTO_OK)
        return sotto_diag_set(diag, status, "the certificate cannot be hashed");
    return take_common_name(cert, out, diag);
}

sotto_status sotto_cert_read(sotto_span cert_pem, sotto_cert_info *out, sotto_diag *diag)
{
    mbedtls_x509_crt cert;
    memset(out, 0, sizeof *out);
    mbedtls_x509_crt_init(&cert);
    sotto_status status = sotto_vault_read_cert(cert_pem, &cert, diag);
    if (status == SOTTO_OK)
        status = take_info(&cert, out, diag);
    mbedtls_x509_crt_free(&cert);
    return status;
}

sotto_status sotto_cert_public_pem(sotto_span cert_pem, char out[static SOTTO_PEM_MAX], sotto_diag *diag)
{
    mbedtls_x509_crt cert;
    out[0] = '\0';
    mbedtls_x509_crt_init(&cert);
    sotto_status status = sotto_vault_read_cert(cert_pem, &cert, diag);
    if (status == SOTTO_OK)
        status = sotto_vault_public_pem(&cert.pk, out, diag);
    mbedtls_x509_crt_free(&cert);
    return status;
}

/* ---- who issued it ---- */

/* The library judges validity by the machine's clock; here it is judged by the caller's. */
static int judge_time(void *ctx, mbedtls_x509_crt *cert, int depth, uint32_t *flags)
{
    const int64_t now_s = *(const int64_t *)ctx;
    (void)depth;
    *flags &= ~(uint32_t)(MBEDTLS_X509_BADCERT_EXPIRED | MBEDTLS_X509_BADCERT_FUTURE);
    if (now_s < sotto_vault_x509_seconds(&cert->valid_from) ||
        now_s > sotto_vault_x509_seconds(&cert->valid_to))
        *flags |= MBEDTLS_X509_BADCERT_EXPIRED;
    return 0;
}

static sotto_status verify_chain(mbedtls_x509_crt *cert, mbedtls_x509_crt *authority, int64_t now_s,
                                 sotto_diag *diag)
{
    uint32_t flags = 0;
    int error = mbedtls_x509_crt_verify(cert, authority, NULL, NULL, &flags, judge_time, &now_s);
    if (error == 0 && flags == 0)
        return SOTTO_OK;
    if (flags == MBEDTLS_X509_BADCERT_EXPIRED)
        return sotto_diag_set(diag, SOTTO_ERR(VAULT, EXPIRED), "the certificate does not hold at that time");
    return sotto_vault_verify_result(error == 0 ? MBEDTLS_ERR_X509_CERT_VERIFY_FAILED : error,
                                     "the certificate does not come from the authority", diag);
}

sotto_status sotto_cert_verify(sotto_span cert_pem, sotto_span authority_pem, int64_t now_s,
                               sotto_cert_info *out, sotto_diag *diag)
{
    mbedtls_x509_crt cert, authority;
    memset(out, 0, sizeof *out);
    mbedtls_x509_crt_init(&cert);
    mbedtls_x509_crt_init(&authority);
    sotto_status status = sotto_vault_read_cert(cert_pem, &cert, diag);
    if (status == SOTTO_OK)
        status = sotto_vault_read_cert(authority_pem, &authority, diag);
    if (status == SOTTO_OK)
        status = verify_chain(&cert, &authority, now_s, diag);
    if (status == SOTTO_OK)
        status = take_info(&cert, out, diag);
    mbedtls_x509_crt_free(&authority);
    mbedtls_x509_crt_free(&cert);
    return status;
}
