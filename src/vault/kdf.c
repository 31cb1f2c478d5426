#include "vault_priv.h"

/* HKDF (RFC 5869) and PBKDF2 (RFC 8018) run inside PSA's derivation object, which wipes what it held when it
 * is aborted. PSA takes inputs in a fixed order: salt, secret, info; and cost, salt, password. */

static psa_status_t put_bytes(psa_key_derivation_operation_t *operation, psa_key_derivation_step_t step,
                              sotto_span bytes)
{
    static const uint8_t NONE[1] = {0};
    return psa_key_derivation_input_bytes(operation, step, bytes.len == 0 ? NONE : bytes.ptr, bytes.len);
}

/* Takes the output, ends the operation in any case, and leaves no half output behind. */
static sotto_status finish(psa_key_derivation_operation_t *operation, psa_status_t status, uint8_t *out,
                           size_t out_len)
{
    if (status == PSA_SUCCESS && out_len > 0)
        status = psa_key_derivation_output_bytes(operation, out, out_len);
    (void)psa_key_derivation_abort(operation);
    if (status != PSA_SUCCESS)
        sotto_wipe(out, out_len);
    return status == PSA_ERROR_INSUFFICIENT_DATA ? SOTTO_ERR(VAULT, RANGE) : sotto_vault_psa_status(status);
}

sotto_status sotto_hkdf_sha256(sotto_span secret, sotto_span salt, sotto_span info, uint8_t *out,
                               size_t out_len)
{
    psa_key_derivation_operation_t operation = PSA_KEY_DERIVATION_OPERATION_INIT;
    psa_status_t status = psa_key_derivation_setup(&operation, PSA_ALG_HKDF(PSA_ALG_SHA_256));
    if (status == PSA_SUCCESS)
        status = put_bytes(&operation, PSA_KEY_DERIVATION_INPUT_SALT, salt);
    if (status == PSA_SUCCESS)
        status = put_bytes(&operation, PSA_KEY_DERIVATION_INPUT_SECRET, secret);
    if (status == PSA_SUCCESS)
        status = put_bytes(&operation, PSA_KEY_DERIVATION_INPUT_INFO, info);
    return finish(&operation, status, out, out_len);
}

sotto_status sotto_vault_hkdf_key(psa_key_id_t secret, sotto_span info, uint8_t *out, size_t out_len)
{
    psa_key_derivation_operation_t operation = PSA_KEY_DERIVATION_OPERATION_INIT;
    psa_status_t status = psa_key_derivation_setup(&operation, PSA_ALG_HKDF(PSA_ALG_SHA_256));
    if (status == PSA_SUCCESS)
        status = psa_key_derivation_input_key(&operation, PSA_KEY_DERIVATION_INPUT_SECRET, secret);
    if (status == PSA_SUCCESS)
        status = put_bytes(&operation, PSA_KEY_DERIVATION_INPUT_INFO, info);
    return finish(&operation, status, out, out_len);
}

sotto_status sotto_vault_pbkdf2(int hash, sotto_span password, sotto_span salt, uint32_t rounds, uint8_t *out,
                                size_t out_len)
{
    psa_algorithm_t algorithm = hash == 256   ? PSA_ALG_PBKDF2_HMAC(PSA_ALG_SHA_256)
                                : hash == 512 ? PSA_ALG_PBKDF2_HMAC(PSA_ALG_SHA_512)
                                              : 0;
    if (algorithm == 0)
        return SOTTO_ERR(VAULT, UNSUPPORTED);
    if (rounds == 0)
        return SOTTO_ERR(VAULT, USAGE);
    psa_key_derivation_operation_t operation = PSA_KEY_DERIVATION_OPERATION_INIT;
    psa_status_t status = psa_key_derivation_setup(&operation, algorithm);
    if (status == PSA_SUCCESS)
        status = psa_key_derivation_input_integer(&operation, PSA_KEY_DERIVATION_INPUT_COST, rounds);
    if (status == PSA_SUCCESS)
        status = put_bytes(&operation, PSA_KEY_DERIVATION_INPUT_SALT, salt);
    if (status == PSA_SUCCESS)
        status = put_bytes(&operation, PSA_KEY_DERIVATION_INPUT_PASSWORD, password);
    return finish(&operation, status, out, out_len);
}
