#include "vault_priv.h"

#include <assert.h>
#include <stdlib.h>

sotto_status sotto_sha256(sotto_span in, uint8_t out[static SOTTO_SHA256_BYTES])
{
    size_t len = 0;
    psa_status_t status = psa_hash_compute(PSA_ALG_SHA_256, in.ptr, in.len, out, SOTTO_SHA256_BYTES, &len);
    assert(status != PSA_SUCCESS || len == SOTTO_SHA256_BYTES);
    return sotto_vault_psa_status(status);
}

struct sotto_sha256_stream {
    psa_hash_operation_t operation;
};

sotto_status sotto_sha256_begin(sotto_sha256_stream **out)
{
    *out = NULL;
    sotto_sha256_stream *s = calloc(1, sizeof *s);
    if (s == NULL)
        return SOTTO_ERR(VAULT, NO_MEMORY);
    s->operation = psa_hash_operation_init();
    psa_status_t status = psa_hash_setup(&s->operation, PSA_ALG_SHA_256);
    if (status != PSA_SUCCESS) {
        free(s);
        return sotto_vault_psa_status(status);
    }
    *out = s;
    return SOTTO_OK;
}

sotto_status sotto_sha256_update(sotto_sha256_stream *s, sotto_span in)
{
    if (in.len == 0)
        return SOTTO_OK;
    return sotto_vault_psa_status(psa_hash_update(&s->operation, in.ptr, in.len));
}

sotto_status sotto_sha256_end(sotto_sha256_stream *s, uint8_t out[static SOTTO_SHA256_BYTES])
{
    size_t len = 0;
    psa_status_t status = psa_hash_finish(&s->operation, out, SOTTO_SHA256_BYTES, &len);
    assert(status != PSA_SUCCESS || len == SOTTO_SHA256_BYTES);
    (void)psa_hash_abort(&s->operation); /* does nothing after a success */
    sotto_wipe(s, sizeof *s);
    free(s);
    return sotto_vault_psa_status(status);
}

/* Gives 0 for a hash this build does not carry. SHA-1 is only for files of SQLCipher 3 and older. */
static psa_algorithm_t hash_of(int hash)
{
    return hash == 256 ? PSA_ALG_SHA_256 : hash == 512 ? PSA_ALG_SHA_512 : 0;
}

/* HMAC pads a short key with zeros (RFC 2104 section 2), so the empty key, which PSA refuses to import, is
 * the same as one zero byte. */
static sotto_status import_hmac(psa_algorithm_t algorithm, sotto_span key, psa_key_id_t *id)
{
    static const uint8_t ZERO[1] = {0};
    if (key.len == 0)
        key = sotto_span_of(ZERO, sizeof ZERO);
    return sotto_vault_import(PSA_KEY_TYPE_HMAC, PSA_KEY_USAGE_SIGN_MESSAGE, algorithm, key, id);
}

static psa_status_t mac_two(psa_key_id_t id, psa_algorithm_t algorithm, sotto_span in1, sotto_span in2,
                            uint8_t *out, size_t cap)
{
    psa_mac_operation_t operation = PSA_MAC_OPERATION_INIT;
    size_t len = 0;
    psa_status_t status = psa_mac_sign_setup(&operation, id, algorithm);
    if (status == PSA_SUCCESS && in1.len > 0)
        status = psa_mac_update(&operation, in1.ptr, in1.len);
    if (status == PSA_SUCCESS && in2.len > 0)
        status = psa_mac_update(&operation, in2.ptr, in2.len);
    if (status == PSA_SUCCESS)
        status = psa_mac_sign_finish(&operation, out, cap, &len);
    (void)psa_mac_abort(&operation);
    assert(status != PSA_SUCCESS || len == cap);
    return status;
}

sotto_status sotto_vault_hmac(int hash, sotto_span key, sotto_span in1, sotto_span in2, uint8_t *out)
{
    psa_algorithm_t algorithm = hash_of(hash);
    psa_key_id_t id = PSA_KEY_ID_NULL;
    if (algorithm == 0)
        return SOTTO_ERR(VAULT, UNSUPPORTED);
    sotto_status status = import_hmac(PSA_ALG_HMAC(algorithm), key, &id);
    if (status != SOTTO_OK)
        return status;
    psa_status_t done = mac_two(id, PSA_ALG_HMAC(algorithm), in1, in2, out, PSA_HASH_LENGTH(algorithm));
    (void)psa_destroy_key(id);
    return sotto_vault_psa_status(done);
}

sotto_status sotto_hmac_sha256(sotto_span key, sotto_span in, uint8_t out[static SOTTO_SHA256_BYTES])
{
    return sotto_vault_hmac(256, key, in, sotto_span_of(NULL, 0), out);
}
