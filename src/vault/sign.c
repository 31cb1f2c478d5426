/* Keys that metadata is signed with, beyond P-256: what RSA signs, how Ed25519 is written. Only head office
 * signs so; a terminal's program does not hold this. */
#include "pem.h"

#include "sotto/codec/text.h"

#include <mbedtls/pem.h>
#include <mbedtls/psa_util.h>
#include <string.h>

/* RFC 8410 section 4: SubjectPublicKeyInfo, the key as a BIT STRING. */
static const uint8_t ED25519_HEAD[] = {0x30, 0x2a, 0x30, 0x05, 0x06, 0x03,
                                       0x2b, 0x65, 0x70, 0x03, 0x21, 0x00};

static bool read_ed25519(const char *text, uint8_t out[static SOTTO_ED25519_KEY_BYTES])
{
    mbedtls_pem_context pem;
    size_t used, len = 0;
    const uint8_t *der = NULL;
    mbedtls_pem_init(&pem);
    if (mbedtls_pem_read_buffer(&pem, "-----BEGIN PUBLIC KEY-----", "-----END PUBLIC KEY-----",
                                (const unsigned char *)text, NULL, 0, &used) == 0)
        der = mbedtls_pem_get_buffer(&pem, &len);
    bool is = der != NULL && len == sizeof ED25519_HEAD + SOTTO_ED25519_KEY_BYTES &&
              memcmp(der, ED25519_HEAD, sizeof ED25519_HEAD) == 0;
    if (is)
        memcpy(out, der + sizeof ED25519_HEAD, SOTTO_ED25519_KEY_BYTES);
    mbedtls_pem_free(&pem);
    return is;
}

sotto_status sotto_public_ed25519_hex(sotto_span pem, char out[static SOTTO_ED25519_HEX])
{
    char text[SOTTO_PEM_MAX];
    uint8_t key[SOTTO_ED25519_KEY_BYTES];
    out[0] = '\0';
    if (sotto_span_to_str(pem, text, sizeof text) != SOTTO_OK || !read_ed25519(text, key))
        return SOTTO_ERR(VAULT, MALFORMED);
    sotto_hex_encode(sotto_span_of(key, sizeof key), out, SOTTO_ED25519_HEX);
    return SOTTO_OK;
}

/* RFC 8017 section 8.1.1; the salt is as long as the hash, which is what other TUF tools expect. */
static sotto_status rsa_sign(mbedtls_pk_context *key, sotto_span message,
                             uint8_t signature[static SOTTO_ANY_SIGNATURE_MAX], size_t *len, sotto_diag *diag)
{
    uint8_t hash[SOTTO_SHA256_BYTES];
    if (mbedtls_pk_get_bitlen(key) < SOTTO_RSA_MIN_BITS)
        return sotto_diag_set(diag, SOTTO_ERR(VAULT, UNSUPPORTED), "an RSA key has at least %d bits here",
                              (int)SOTTO_RSA_MIN_BITS);
    sotto_status status = sotto_sha256(message, hash);
    if (status != SOTTO_OK)
        return sotto_diag_set(diag, status, "the message cannot be hashed");
    int error =
        mbedtls_pk_sign_ext(MBEDTLS_PK_RSASSA_PSS, key, MBEDTLS_MD_SHA256, hash, sizeof hash, signature,
                            SOTTO_ANY_SIGNATURE_MAX, len, mbedtls_psa_get_random, MBEDTLS_PSA_RANDOM_STATE);
    return error == 0 ? SOTTO_OK : sotto_vault_mbedtls_fail(diag, error, "the key does not sign");
}

sotto_status sotto_private_sign(const char *key_pem, sotto_span message,
                                uint8_t signature[static SOTTO_ANY_SIGNATURE_MAX], size_t *len,
                                sotto_diag *diag)
{
    mbedtls_pk_context key;
    mbedtls_pk_init(&key);
    *len = 0;
    sotto_status status = sotto_vault_read_key(key_pem, &key, diag);
    bool rsa = status == SOTTO_OK && mbedtls_pk_can_do(&key, MBEDTLS_PK_RSA) != 0;
    if (rsa)
        status = rsa_sign(&key, message, signature, len, diag);
    mbedtls_pk_free(&key);
    return status != SOTTO_OK || rsa
               ? status
               : sotto_keypair_sign(key_pem, message, signature, SOTTO_ANY_SIGNATURE_MAX, len, diag);
}
