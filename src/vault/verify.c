#include "pem.h"

#include "sotto/codec/text.h"

#include <mbedtls/rsa.h>

sotto_status sotto_vault_verify_result(int error, const char *text, sotto_diag *diag)
{
    if (error == 0)
        return SOTTO_OK;
    if (sotto_status_cause(sotto_vault_mbedtls_status(error)) == SOTTO_CAUSE_NO_MEMORY)
        return sotto_vault_mbedtls_fail(diag, error, "no memory to verify the signature");
    return sotto_diag_set(diag, SOTTO_ERR(VAULT, AUTH), "%s", text);
}

static sotto_status verify_ecdsa(mbedtls_pk_context *key, const uint8_t hash[static SOTTO_SHA256_BYTES],
                                 sotto_span signature, int *error, sotto_diag *diag)
{
    if (!sotto_vault_is_p256(key))
        return sotto_diag_set(diag, SOTTO_ERR(VAULT, UNSUPPORTED), "the key is not ECDSA P-256");
    *error =
        mbedtls_pk_verify(key, MBEDTLS_MD_SHA256, hash, SOTTO_SHA256_BYTES, signature.ptr, signature.len);
    return SOTTO_OK;
}

/* RFC 8017 section 8.1.2 with MGF1 over SHA-256. Signers differ in the salt's length; any is accepted. */
static sotto_status verify_pss(mbedtls_pk_context *key, const uint8_t hash[static SOTTO_SHA256_BYTES],
                               sotto_span signature, int *error, sotto_diag *diag)
{
    const mbedtls_pk_rsassa_pss_options options = {.mgf1_hash_id = MBEDTLS_MD_SHA256,
                                                   .expected_salt_len = MBEDTLS_RSA_SALT_LEN_ANY};
    if (mbedtls_pk_can_do(key, MBEDTLS_PK_RSA) == 0 || mbedtls_pk_get_bitlen(key) < SOTTO_RSA_MIN_BITS)
        return sotto_diag_set(diag, SOTTO_ERR(VAULT, UNSUPPORTED), "the key is not RSA of at least %d bits",
                              (int)SOTTO_RSA_MIN_BITS);
    *error = mbedtls_pk_verify_ext(MBEDTLS_PK_RSASSA_PSS, &options, key, MBEDTLS_MD_SHA256, hash,
                                   SOTTO_SHA256_BYTES, signature.ptr, signature.len);
    return SOTTO_OK;
}

static sotto_status verify_with(enum sotto_sig_scheme scheme, mbedtls_pk_context *key, sotto_span message,
                                sotto_span signature, sotto_diag *diag)
{
    uint8_t hash[SOTTO_SHA256_BYTES];
    int error = -1;
    sotto_status status = sotto_sha256(message, hash);
    if (status != SOTTO_OK)
        return sotto_diag_set(diag, status, "the message cannot be hashed");
    if (signature.len == 0)
        return sotto_diag_set(diag, SOTTO_ERR(VAULT, AUTH), "the signature is empty");
    status = scheme == SOTTO_SIG_ECDSA_P256_SHA256 ? verify_ecdsa(key, hash, signature, &error, diag)
                                                   : verify_pss(key, hash, signature, &error, diag);
    return status != SOTTO_OK
               ? status
               : sotto_vault_verify_result(error, "the signature is not by this key over this message", diag);
}

/* RFC 5480: id-ecPublicKey on secp256r1, then the point as a BIT STRING. */
static sotto_status read_point(sotto_span hex, mbedtls_pk_context *out, sotto_diag *diag)
{
    uint8_t der[] = {
        0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48,
        0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48,
        0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00, [26 + SOTTO_PUBLIC_KEY_BYTES - 1] = 0,
    };
    if (sotto_hex_decode(hex, der + sizeof der - SOTTO_PUBLIC_KEY_BYTES, SOTTO_PUBLIC_KEY_BYTES) != SOTTO_OK)
        return sotto_diag_set(diag, SOTTO_ERR(VAULT, MALFORMED), "the key is neither PEM nor a point in hex");
    int error = mbedtls_pk_parse_public_key(out, der, sizeof der);
    return error == 0 ? SOTTO_OK : sotto_vault_mbedtls_fail(diag, error, "not a point of P-256");
}

static sotto_status read_public(enum sotto_sig_scheme scheme, sotto_span text, mbedtls_pk_context *out,
                                sotto_diag *diag)
{
    if (scheme != SOTTO_SIG_ECDSA_P256_SHA256 && scheme != SOTTO_SIG_RSASSA_PSS_SHA256)
        return sotto_diag_set(diag, SOTTO_ERR(VAULT, USAGE), "no such signature scheme");
    if (scheme == SOTTO_SIG_ECDSA_P256_SHA256 && text.len == 2 * SOTTO_PUBLIC_KEY_BYTES)
        return read_point(text, out, diag);
    return sotto_vault_read_public(text, out, diag);
}

sotto_status sotto_public_verify(enum sotto_sig_scheme scheme, sotto_span public_key, sotto_span message,
                                 sotto_span signature, sotto_diag *diag)
{
    mbedtls_pk_context key;
    if (scheme == SOTTO_SIG_ED25519)
        return sotto_vault_ed25519_verify(public_key, message, signature, diag);
    mbedtls_pk_init(&key);
    sotto_status status = read_public(scheme, public_key, &key, diag);
    if (status == SOTTO_OK)
        status = verify_with(scheme, &key, message, signature, diag);
    mbedtls_pk_free(&key);
    return status;
}

/* mbedTLS writes DER at the end of the buffer, always in the same form: an EC point uncompressed. */
static sotto_status key_id(const mbedtls_pk_context *key, uint8_t id[static SOTTO_SHA256_BYTES],
                           sotto_diag *diag)
{
    uint8_t der[SOTTO_PEM_MAX];
    int len = mbedtls_pk_write_pubkey_der(key, der, sizeof der);
    if (len < 0)
        return sotto_vault_mbedtls_fail(diag, len, "the public key cannot be written");
    return sotto_sha256(sotto_span_of(der + sizeof der - (size_t)len, (size_t)len), id);
}

sotto_status sotto_public_id(enum sotto_sig_scheme scheme, sotto_span public_key,
                             uint8_t id[static SOTTO_SHA256_BYTES], sotto_diag *diag)
{
    mbedtls_pk_context key;
    uint8_t raw[SOTTO_ED25519_KEY_BYTES];
    if (scheme == SOTTO_SIG_ED25519) {
        sotto_status read = sotto_vault_ed25519_key(public_key, raw, diag);
        return read == SOTTO_OK ? sotto_sha256(sotto_span_of(raw, sizeof raw), id) : read;
    }
    mbedtls_pk_init(&key);
    sotto_status status = read_public(scheme, public_key, &key, diag);
    if (status == SOTTO_OK)
        status = key_id(&key, id, diag);
    mbedtls_pk_free(&key);
    return status;
}
