/* What the files of vault share. PSA and mbedTLS types stay inside this room. */
#ifndef SOTTO_VAULT_PRIV_H
#define SOTTO_VAULT_PRIV_H

#include "sotto/vault.h"

#include <psa/crypto.h>

/* The one translation of PSA's status into this room's. */
sotto_status sotto_vault_psa_status(psa_status_t status);
/* The one translation of mbedTLS's negative numbers (parsers and writers of keys and certificates). */
sotto_status sotto_vault_mbedtls_status(int error);
/* "<what>: mbedTLS -0x3D80" with the status that error means. */
sotto_status sotto_vault_mbedtls_fail(sotto_diag *diag, int error, const char *what);

/* A key in PSA's memory. Usage and algorithm are all that it can then be used for; it cannot be exported. */
SOTTO_MUST_USE sotto_status sotto_vault_import(psa_key_type_t type, psa_key_usage_t usage,
                                               psa_algorithm_t algorithm, sotto_span bytes,
                                               psa_key_id_t *key);
/* HKDF-SHA-256 whose secret is a key that PSA holds. */
SOTTO_MUST_USE sotto_status sotto_vault_hkdf_key(psa_key_id_t secret, sotto_span info, uint8_t *out,
                                                 size_t out_len);

/* One candidate of 32 bytes for a private key of P-256; index counts from 0. */
typedef sotto_status (*sotto_vault_candidate)(void *ctx, unsigned index, uint8_t out[static 32]);
/* Private key by rejection sampling. out is wiped on failure. */
SOTTO_MUST_USE sotto_status sotto_vault_p256_scalar(sotto_vault_candidate next, void *ctx,
                                                    uint8_t out[static 32]);
/* 1 <= scalar < n of P-256, in constant time. */
bool sotto_vault_p256_in_range(const uint8_t scalar[static 32]);

/* Ed25519 (RFC 8032) by libsodium: Mbed TLS 3.6 has none. The key is 64 hex digits (MALFORMED). */
enum { SOTTO_ED25519_KEY_BYTES = 32, SOTTO_ED25519_SIGNATURE_BYTES = 64 };
SOTTO_MUST_USE sotto_status sotto_vault_ed25519_key(sotto_span hex,
                                                    uint8_t out[static SOTTO_ED25519_KEY_BYTES],
                                                    sotto_diag *diag);
SOTTO_MUST_USE sotto_status sotto_vault_ed25519_verify(sotto_span public_hex, sotto_span message,
                                                       sotto_span signature, sotto_diag *diag);

/* The key file's text (docs/formats/keys.md). CORRUPT with what is wrong, never with what it holds. */
enum { SOTTO_KEY_FILE_BYTES = 88 };
SOTTO_MUST_USE sotto_status sotto_vault_key_file_parse(sotto_span text, uint8_t root[static SOTTO_KEY_BYTES],
                                                       sotto_diag *diag);
SOTTO_MUST_USE sotto_status sotto_vault_key_file_format(const uint8_t root[static SOTTO_KEY_BYTES],
                                                        char out[static SOTTO_KEY_FILE_BYTES + 1]);

#endif
