#include "report_key.h"

#include <assert.h>

/* Deterministic ECDSA (RFC 6979): no signature depends on the entropy of a freshly booted machine, and the
 * same report signed twice gives the same bytes. A verifier sees ordinary ECDSA. */
#define SIGN_ALGORITHM   PSA_ALG_DETERMINISTIC_ECDSA(PSA_ALG_SHA_256)
#define VERIFY_ALGORITHM PSA_ALG_ECDSA(PSA_ALG_SHA_256)

sotto_status sotto_vault_report_import(const uint8_t scalar[static 32], psa_key_id_t *key)
{
    return sotto_vault_import(PSA_KEY_TYPE_ECC_KEY_PAIR(PSA_ECC_FAMILY_SECP_R1), PSA_KEY_USAGE_SIGN_MESSAGE,
                              SIGN_ALGORITHM, sotto_span_of(scalar, 32), key);
}

sotto_status sotto_vault_report_key_sign(psa_key_id_t key, sotto_span message,
                                         uint8_t signature[static SOTTO_SIGNATURE_BYTES])
{
    size_t len = 0;
    psa_status_t status = psa_sign_message(key, SIGN_ALGORITHM, message.ptr, message.len, signature,
                                           SOTTO_SIGNATURE_BYTES, &len);
    assert(status != PSA_SUCCESS || len == SOTTO_SIGNATURE_BYTES);
    return sotto_vault_psa_status(status);
}

sotto_status sotto_vault_verify_p256(const uint8_t public_key[static SOTTO_PUBLIC_KEY_BYTES],
                                     sotto_span message,
                                     const uint8_t signature[static SOTTO_SIGNATURE_BYTES])
{
    psa_key_id_t key = PSA_KEY_ID_NULL;
    sotto_status status =
        sotto_vault_import(PSA_KEY_TYPE_ECC_PUBLIC_KEY(PSA_ECC_FAMILY_SECP_R1), PSA_KEY_USAGE_VERIFY_MESSAGE,
                           VERIFY_ALGORITHM, sotto_span_of(public_key, SOTTO_PUBLIC_KEY_BYTES), &key);
    if (status != SOTTO_OK)
        return status; /* MALFORMED: not a point of the curve */
    psa_status_t verified =
        psa_verify_message(key, VERIFY_ALGORITHM, message.ptr, message.len, signature, SOTTO_SIGNATURE_BYTES);
    (void)psa_destroy_key(key);
    return sotto_vault_psa_status(verified);
}
