#include "vault_priv.h"

#include <assert.h>

enum { AES_BLOCK_BYTES = 16, AES256_KEY_BYTES = 32 };

static psa_status_t run(psa_cipher_operation_t *operation, const uint8_t *iv, const uint8_t *in, size_t len,
                        uint8_t *out)
{
    size_t done = 0, rest = 0;
    psa_status_t status = psa_cipher_set_iv(operation, iv, AES_BLOCK_BYTES);
    if (status == PSA_SUCCESS && len > 0)
        status = psa_cipher_update(operation, in, len, out, len, &done);
    if (status == PSA_SUCCESS)
        status = psa_cipher_finish(operation, out + done, len - done, &rest);
    assert(status != PSA_SUCCESS || done + rest == len);
    return status;
}

sotto_status sotto_vault_aes256_cbc(bool encrypt, const uint8_t key[static 32], const uint8_t iv[static 16],
                                    const uint8_t *in, size_t len, uint8_t *out)
{
    psa_cipher_operation_t operation = PSA_CIPHER_OPERATION_INIT;
    psa_algorithm_t algorithm = PSA_ALG_CBC_NO_PADDING;
    psa_key_id_t id = PSA_KEY_ID_NULL;
    if (len % AES_BLOCK_BYTES != 0)
        return SOTTO_ERR(VAULT, USAGE);
    sotto_status imported =
        sotto_vault_import(PSA_KEY_TYPE_AES, encrypt ? PSA_KEY_USAGE_ENCRYPT : PSA_KEY_USAGE_DECRYPT,
                           algorithm, sotto_span_of(key, AES256_KEY_BYTES), &id);
    if (imported != SOTTO_OK)
        return imported;
    psa_status_t status = encrypt ? psa_cipher_encrypt_setup(&operation, id, algorithm)
                                  : psa_cipher_decrypt_setup(&operation, id, algorithm);
    if (status == PSA_SUCCESS)
        status = run(&operation, iv, in, len, out);
    (void)psa_cipher_abort(&operation);
    (void)psa_destroy_key(id);
    return sotto_vault_psa_status(status);
}
