#include "vault_priv.h"

#include <mbedtls/asn1.h>
#include <mbedtls/base64.h>
#include <mbedtls/bignum.h>
#include <mbedtls/ecp.h>
#include <mbedtls/oid.h>
#include <mbedtls/pem.h>
#include <mbedtls/pk.h>
#include <mbedtls/x509.h>

sotto_status sotto_vault_psa_status(psa_status_t status)
{
    switch (status) {
    case PSA_SUCCESS:
        return SOTTO_OK;
    case PSA_ERROR_INSUFFICIENT_MEMORY:
        return SOTTO_ERR(VAULT, NO_MEMORY);
    case PSA_ERROR_BUFFER_TOO_SMALL:
        return SOTTO_ERR(VAULT, NO_SPACE);
    case PSA_ERROR_INVALID_SIGNATURE:
        return SOTTO_ERR(VAULT, AUTH);
    case PSA_ERROR_NOT_SUPPORTED:
        return SOTTO_ERR(VAULT, UNSUPPORTED);
    case PSA_ERROR_INVALID_ARGUMENT:
        return SOTTO_ERR(VAULT, MALFORMED);
    case PSA_ERROR_INSUFFICIENT_ENTROPY:
        return SOTTO_ERR(VAULT, IO);
    default:
        return SOTTO_ERR(VAULT, INTERNAL);
    }
}

static bool means_no_memory(int high, int low)
{
    return high == MBEDTLS_ERR_PK_ALLOC_FAILED || high == MBEDTLS_ERR_X509_ALLOC_FAILED ||
           high == MBEDTLS_ERR_PEM_ALLOC_FAILED || high == MBEDTLS_ERR_ECP_ALLOC_FAILED ||
           low == MBEDTLS_ERR_ASN1_ALLOC_FAILED || low == MBEDTLS_ERR_MPI_ALLOC_FAILED;
}

static bool means_unsupported(int high, int low)
{
    return high == MBEDTLS_ERR_PK_UNKNOWN_PK_ALG || high == MBEDTLS_ERR_PK_UNKNOWN_NAMED_CURVE ||
           high == MBEDTLS_ERR_PK_FEATURE_UNAVAILABLE || high == MBEDTLS_ERR_PK_PASSWORD_REQUIRED ||
           high == MBEDTLS_ERR_X509_FEATURE_UNAVAILABLE || high == MBEDTLS_ERR_X509_UNKNOWN_VERSION ||
           high == MBEDTLS_ERR_X509_UNKNOWN_SIG_ALG || high == MBEDTLS_ERR_ECP_FEATURE_UNAVAILABLE ||
           low == MBEDTLS_ERR_OID_NOT_FOUND;
}

/* A number is the sum of a high-level code (bits 7..14) and a low-level one (bits 0..6): mbedtls/error.h. */
sotto_status sotto_vault_mbedtls_status(int error)
{
    int high = -(-error & 0xFF80), low = -(-error & 0x007F);
    if (error == 0)
        return SOTTO_OK;
    if (error > 0)
        return SOTTO_ERR(VAULT, MALFORMED); /* parsers of lists: how many could not be read */
    if (means_no_memory(high, low))
        return SOTTO_ERR(VAULT, NO_MEMORY);
    if (means_unsupported(high, low))
        return SOTTO_ERR(VAULT, UNSUPPORTED);
    if (high == MBEDTLS_ERR_X509_BUFFER_TOO_SMALL || low == MBEDTLS_ERR_BASE64_BUFFER_TOO_SMALL)
        return SOTTO_ERR(VAULT, NO_SPACE);
    return SOTTO_ERR(VAULT, MALFORMED);
}

sotto_status sotto_vault_mbedtls_fail(sotto_diag *diag, int error, const char *what)
{
    sotto_status status = sotto_vault_mbedtls_status(error);
    if (error < 0)
        return sotto_diag_set(diag, status, "%s (mbedTLS -0x%04X)", what, (unsigned)-error);
    return sotto_diag_set(diag, status, "%s", what);
}

sotto_status sotto_vault_start(sotto_diag *diag)
{
    psa_status_t status = psa_crypto_init();
    if (status == PSA_SUCCESS)
        return SOTTO_OK;
    return sotto_diag_set(
        diag, sotto_vault_psa_status(status),
        "the crypto library does not start (PSA %ld): the system gives no entropy or memory", (long)status);
}

sotto_status sotto_vault_import(psa_key_type_t type, psa_key_usage_t usage, psa_algorithm_t algorithm,
                                sotto_span bytes, psa_key_id_t *key)
{
    psa_key_attributes_t attributes = PSA_KEY_ATTRIBUTES_INIT;
    psa_set_key_type(&attributes, type);
    psa_set_key_usage_flags(&attributes, usage);
    psa_set_key_algorithm(&attributes, algorithm);
    *key = PSA_KEY_ID_NULL;
    psa_status_t status = psa_import_key(&attributes, bytes.ptr, bytes.len, key);
    psa_reset_key_attributes(&attributes);
    return sotto_vault_psa_status(status);
}
