#include "pem.h"

#include <mbedtls/psa_util.h>
#include <string.h>

/* mbedTLS takes PEM only with a NUL at its end, and anything else for DER; a NUL inside would cut it short.
 */
static sotto_status to_text(sotto_span pem, char out[static SOTTO_PEM_MAX], sotto_diag *diag)
{
    sotto_status status = sotto_span_to_str(pem, out, SOTTO_PEM_MAX);
    if (sotto_status_cause(status) == SOTTO_CAUSE_NO_SPACE)
        return sotto_diag_set(diag, SOTTO_ERR(VAULT, RANGE),
                              "longer than the %d bytes that PEM may have here", SOTTO_PEM_MAX - 1);
    if (status != SOTTO_OK || strstr(out, "-----BEGIN ") == NULL)
        return sotto_diag_set(diag, SOTTO_ERR(VAULT, MALFORMED), "not PEM: there is no BEGIN line");
    return SOTTO_OK;
}

sotto_status sotto_vault_read_key(const char *pem, mbedtls_pk_context *out, sotto_diag *diag)
{
    size_t len = strnlen(pem, SOTTO_PEM_MAX);
    if (len == SOTTO_PEM_MAX || strstr(pem, "-----BEGIN ") == NULL)
        return sotto_diag_set(diag, SOTTO_ERR(VAULT, MALFORMED), "not a private key in PEM");
    int error = mbedtls_pk_parse_key(out, (const unsigned char *)pem, len + 1, NULL, 0,
                                     mbedtls_psa_get_random, MBEDTLS_PSA_RANDOM_STATE);
    return error == 0 ? SOTTO_OK
                      : sotto_vault_mbedtls_fail(diag, error, "not a private key that can be used");
}

sotto_status sotto_vault_read_public(sotto_span pem, mbedtls_pk_context *out, sotto_diag *diag)
{
    char text[SOTTO_PEM_MAX];
    sotto_status status = to_text(pem, text, diag);
    if (status != SOTTO_OK)
        return status;
    int error = mbedtls_pk_parse_public_key(out, (const unsigned char *)text, pem.len + 1);
    return error == 0 ? SOTTO_OK : sotto_vault_mbedtls_fail(diag, error, "not a public key that can be used");
}

/* RFC 2986 section 4.2: the signature is over the DER of CertificationRequestInfo. mbedTLS reads requests but
 * has no call that verifies them, and keeps the signature's fields behind this macro. */
static sotto_status verify_csr(mbedtls_x509_csr *csr, sotto_diag *diag)
{
    mbedtls_md_type_t md = csr->MBEDTLS_PRIVATE(sig_md);
    const mbedtls_x509_buf *signature = &csr->MBEDTLS_PRIVATE(sig);
    uint8_t hash[SOTTO_SHA256_BYTES];
    if (md != MBEDTLS_MD_SHA256)
        return sotto_diag_set(diag, SOTTO_ERR(VAULT, UNSUPPORTED), "a request is signed with SHA-256 here");
    sotto_status status = sotto_sha256(sotto_span_of(csr->cri.p, csr->cri.len), hash);
    if (status != SOTTO_OK)
        return sotto_diag_set(diag, status, "the request cannot be hashed");
    int error = mbedtls_pk_verify_ext(csr->MBEDTLS_PRIVATE(sig_pk), csr->MBEDTLS_PRIVATE(sig_opts), &csr->pk,
                                      md, hash, sizeof hash, signature->p, signature->len);
    return sotto_vault_verify_result(error, "the request's signature is not by the key it names", diag);
}

sotto_status sotto_vault_read_csr(sotto_span pem, mbedtls_x509_csr *out, sotto_diag *diag)
{
    char text[SOTTO_PEM_MAX];
    sotto_status status = to_text(pem, text, diag);
    if (status != SOTTO_OK)
        return status;
    int error = mbedtls_x509_csr_parse(out, (const unsigned char *)text, pem.len + 1);
    if (error != 0)
        return sotto_vault_mbedtls_fail(diag, error, "not a certificate request that can be read");
    if (!sotto_vault_is_p256(&out->pk))
        return sotto_diag_set(diag, SOTTO_ERR(VAULT, UNSUPPORTED), "a request's key is ECDSA P-256 here");
    return verify_csr(out, diag);
}

sotto_status sotto_vault_read_cert(sotto_span pem, mbedtls_x509_crt *out, sotto_diag *diag)
{
    char text[SOTTO_PEM_MAX];
    sotto_status status = to_text(pem, text, diag);
    if (status != SOTTO_OK)
        return status;
    int error = mbedtls_x509_crt_parse(out, (const unsigned char *)text, pem.len + 1);
    return error == 0 ? SOTTO_OK
                      : sotto_vault_mbedtls_fail(diag, error, "not a certificate that can be read");
}

/* By length alone: P-256 is the only curve of 256 bits in this build (toolchain's PSA configuration). */
#if defined(PSA_WANT_ECC_SECP_K1_256) || defined(PSA_WANT_ECC_BRAINPOOL_P_R1_256)
#error "tell the curves of 256 bits apart"
#endif
bool sotto_vault_is_p256(const mbedtls_pk_context *key)
{
    return mbedtls_pk_can_do(key, MBEDTLS_PK_ECDSA) != 0 && mbedtls_pk_get_bitlen(key) == 256;
}

bool sotto_vault_is_csr(sotto_span pem)
{
    static const char WORDS[] = "CERTIFICATE REQUEST-----"; /* also the older "NEW CERTIFICATE REQUEST" */
    return pem.len > 0 && memmem(pem.ptr, pem.len, WORDS, sizeof WORDS - 1) != NULL;
}

sotto_status sotto_vault_public_pem(const mbedtls_pk_context *key, char out[static SOTTO_PEM_MAX],
                                    sotto_diag *diag)
{
    int error = mbedtls_pk_write_pubkey_pem(key, (unsigned char *)out, SOTTO_PEM_MAX);
    if (error == 0)
        return SOTTO_OK;
    out[0] = '\0';
    return sotto_vault_mbedtls_fail(diag, error, "the public key cannot be written");
}

/* These characters mean nothing special in a distinguished name's text form (RFC 4514), so none needs
 * escaping. */
sotto_status sotto_vault_check_common_name(const char *name, sotto_diag *diag)
{
    static const char ALLOWED[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789 ._-";
    enum { MAX_LEN = 64 }; /* ub-common-name, RFC 5280 appendix A.1 */
    size_t len = strnlen(name, MAX_LEN + 1);
    if (len < 1 || len > MAX_LEN)
        return sotto_diag_set(diag, SOTTO_ERR(VAULT, RANGE), "a name has 1 to %d characters", (int)MAX_LEN);
    if (strspn(name, ALLOWED) != len || name[0] == ' ' || name[len - 1] == ' ')
        return sotto_diag_set(diag, SOTTO_ERR(VAULT, MALFORMED),
                              "a name has letters, digits, '.', '_', '-' and spaces between them");
    return SOTTO_OK;
}
