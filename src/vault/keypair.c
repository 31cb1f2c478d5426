#include "pem.h"

#include <mbedtls/psa_util.h>
#include <string.h>

enum { P256_DER_SIGNATURE_MAX = 72 }; /* SEQUENCE of two INTEGERs of at most 33 bytes: 2 + 2 * (2 + 33) */

static sotto_status draw(void *ctx, unsigned index, uint8_t out[static 32])
{
    const sotto_entropy *entropy = ctx;
    (void)index;
    return entropy->fill(entropy->ctx, out, 32);
}

/* The only key that PSA may hand out again: it is about to be written as PEM. */
static sotto_status scalar_to_pk(const uint8_t scalar[static 32], mbedtls_pk_context *out, sotto_diag *diag)
{
    psa_key_id_t id = PSA_KEY_ID_NULL;
    sotto_status status = sotto_vault_import(PSA_KEY_TYPE_ECC_KEY_PAIR(PSA_ECC_FAMILY_SECP_R1),
                                             PSA_KEY_USAGE_EXPORT | PSA_KEY_USAGE_SIGN_HASH,
                                             PSA_ALG_ECDSA(PSA_ALG_SHA_256), sotto_span_of(scalar, 32), &id);
    if (status != SOTTO_OK)
        return sotto_diag_set(diag, status, "the new key is not accepted");
    int error = mbedtls_pk_copy_from_psa(id, out);
    (void)psa_destroy_key(id);
    return error == 0 ? SOTTO_OK : sotto_vault_mbedtls_fail(diag, error, "the new key cannot be copied");
}

static sotto_status write_key(const uint8_t scalar[static 32], char out[static SOTTO_PEM_MAX],
                              sotto_diag *diag)
{
    mbedtls_pk_context key;
    mbedtls_pk_init(&key);
    sotto_status status = scalar_to_pk(scalar, &key, diag);
    if (status == SOTTO_OK) {
        int error = mbedtls_pk_write_key_pem(&key, (unsigned char *)out, SOTTO_PEM_MAX);
        if (error != 0)
            status = sotto_vault_mbedtls_fail(diag, error, "the new key cannot be written");
    }
    mbedtls_pk_free(&key);
    if (status != SOTTO_OK)
        sotto_wipe(out, SOTTO_PEM_MAX);
    return status;
}

sotto_status sotto_keypair_make(const sotto_entropy *entropy, char out[static SOTTO_PEM_MAX],
                                sotto_diag *diag)
{
    uint8_t scalar[32];
    sotto_entropy source = *entropy;
    out[0] = '\0';
    sotto_status status = sotto_vault_p256_scalar(draw, &source, scalar);
    if (status != SOTTO_OK)
        status = sotto_diag_set(diag, status, "the system gives no entropy for a new key");
    else
        status = write_key(scalar, out, diag);
    sotto_wipe(scalar, sizeof scalar);
    return status;
}

sotto_status sotto_keypair_public_pem(const char *key_pem, char out[static SOTTO_PEM_MAX], sotto_diag *diag)
{
    mbedtls_pk_context key;
    mbedtls_pk_init(&key);
    out[0] = '\0';
    sotto_status status = sotto_vault_read_key(key_pem, &key, diag);
    if (status == SOTTO_OK)
        status = sotto_vault_public_pem(&key, out, diag);
    mbedtls_pk_free(&key);
    return status;
}

static sotto_status sign_with(mbedtls_pk_context *key, sotto_span message, uint8_t *signature, size_t cap,
                              size_t *len, sotto_diag *diag)
{
    uint8_t hash[SOTTO_SHA256_BYTES];
    if (!sotto_vault_is_p256(key))
        return sotto_diag_set(diag, SOTTO_ERR(VAULT, UNSUPPORTED), "only ECDSA P-256 keys sign here");
    if (cap < P256_DER_SIGNATURE_MAX)
        return sotto_diag_set(diag, SOTTO_ERR(VAULT, NO_SPACE), "a signature needs room for %d bytes",
                              (int)P256_DER_SIGNATURE_MAX);
    sotto_status status = sotto_sha256(message, hash);
    if (status != SOTTO_OK)
        return sotto_diag_set(diag, status, "the message cannot be hashed");
    /* With MBEDTLS_ECDSA_DETERMINISTIC this is RFC 6979: no entropy is used up or trusted. */
    int error = mbedtls_pk_sign(key, MBEDTLS_MD_SHA256, hash, sizeof hash, signature, cap, len,
                                mbedtls_psa_get_random, MBEDTLS_PSA_RANDOM_STATE);
    return error == 0 ? SOTTO_OK : sotto_vault_mbedtls_fail(diag, error, "the key does not sign");
}

sotto_status sotto_keypair_sign(const char *key_pem, sotto_span message, uint8_t *signature, size_t cap,
                                size_t *len, sotto_diag *diag)
{
    mbedtls_pk_context key;
    mbedtls_pk_init(&key);
    *len = 0;
    sotto_status status = sotto_vault_read_key(key_pem, &key, diag);
    if (status == SOTTO_OK)
        status = sign_with(&key, message, signature, cap, len, diag);
    mbedtls_pk_free(&key);
    return status;
}
