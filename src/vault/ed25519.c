/* Verification of Ed25519 (RFC 8032 section 5.1.7). libsodium refuses what a malicious signer could use to
 * have two verifiers disagree: S not below the group's order, R or the key of small order, a key not in its
 * one form. */
#include "vault_priv.h"

#include "sotto/codec/text.h"

#include <crypto_sign_ed25519.h>

sotto_status sotto_vault_ed25519_key(sotto_span hex, uint8_t out[static SOTTO_ED25519_KEY_BYTES],
                                     sotto_diag *diag)
{
    if (hex.len != 2 * SOTTO_ED25519_KEY_BYTES ||
        sotto_hex_decode(hex, out, SOTTO_ED25519_KEY_BYTES) != SOTTO_OK)
        return sotto_diag_set(diag, SOTTO_ERR(VAULT, MALFORMED), "an Ed25519 key is %d hex digits",
                              2 * (int)SOTTO_ED25519_KEY_BYTES);
    return SOTTO_OK;
}

sotto_status sotto_vault_ed25519_verify(sotto_span public_hex, sotto_span message, sotto_span signature,
                                        sotto_diag *diag)
{
    uint8_t key[SOTTO_ED25519_KEY_BYTES];
    sotto_status status = sotto_vault_ed25519_key(public_hex, key, diag);
    if (status != SOTTO_OK)
        return status;
    if (signature.len != SOTTO_ED25519_SIGNATURE_BYTES ||
        crypto_sign_ed25519_verify_detached(signature.ptr, message.ptr, message.len, key) != 0)
        return sotto_diag_set(diag, SOTTO_ERR(VAULT, AUTH),
                              "the signature is not by this Ed25519 key over this message");
    return SOTTO_OK;
}
