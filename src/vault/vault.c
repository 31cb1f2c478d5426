/* The terminal's vault: one root secret, and everything else derived from it by name (docs/formats/keys.md).
 * The root and the keys used all day lie in PSA's memory, which PSA wipes; this struct holds only handles. */
#include "vault_priv.h"

#include "report_key.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

struct sotto_vault {
    psa_key_id_t root;   /* only derives */
    psa_key_id_t pepper; /* only HMAC-SHA-256 */
    psa_key_id_t report; /* only signs */
};

/* Labels of what this room uses itself; those of callers stand behind a prefix, so the two cannot meet. */
static const char STORE_LABEL[] = "sotto v1 store";
static const char PEPPER_LABEL[] = "sotto v1 pepper";
static const char REPORT_LABEL[] = "sotto v1 report ";
static const char OTHER_LABEL[] = "sotto v1 other ";

sotto_status sotto_vault_create(const sotto_key_provider *provider, const sotto_entropy *entropy,
                                sotto_diag *diag)
{
    uint8_t root[SOTTO_KEY_BYTES];
    sotto_status status = entropy->fill(entropy->ctx, root, sizeof root);
    if (status != SOTTO_OK)
        status = sotto_diag_set(diag, status, "the system gives no entropy for a new key");
    else
        status = provider->create(provider->ctx, root, diag);
    sotto_wipe(root, sizeof root);
    return status;
}

static sotto_status open_root(sotto_vault *vault, const sotto_key_provider *provider, sotto_diag *diag)
{
    uint8_t root[SOTTO_KEY_BYTES];
    sotto_status status = provider->load(provider->ctx, root, diag);
    if (status != SOTTO_OK)
        return status;
    status = sotto_vault_import(PSA_KEY_TYPE_DERIVE, PSA_KEY_USAGE_DERIVE, PSA_ALG_HKDF(PSA_ALG_SHA_256),
                                sotto_span_of(root, sizeof root), &vault->root);
    sotto_wipe(root, sizeof root);
    return status;
}

static sotto_status open_pepper(sotto_vault *vault)
{
    uint8_t pepper[SOTTO_KEY_BYTES];
    sotto_status status =
        sotto_vault_hkdf_key(vault->root, sotto_span_str(PEPPER_LABEL), pepper, sizeof pepper);
    if (status == SOTTO_OK)
        status =
            sotto_vault_import(PSA_KEY_TYPE_HMAC, PSA_KEY_USAGE_SIGN_MESSAGE, PSA_ALG_HMAC(PSA_ALG_SHA_256),
                               sotto_span_of(pepper, sizeof pepper), &vault->pepper);
    sotto_wipe(pepper, sizeof pepper);
    return status;
}

/* Candidate i is HKDF(root, "sotto v1 report " || byte i). */
static sotto_status report_candidate(void *ctx, unsigned index, uint8_t out[static 32])
{
    const sotto_vault *vault = ctx;
    char info[sizeof REPORT_LABEL];
    memcpy(info, REPORT_LABEL, sizeof REPORT_LABEL - 1);
    info[sizeof REPORT_LABEL - 1] = (char)index;
    return sotto_vault_hkdf_key(vault->root, sotto_span_of(info, sizeof info), out, 32);
}

static sotto_status open_report(sotto_vault *vault)
{
    uint8_t scalar[32];
    sotto_status status = sotto_vault_p256_scalar(report_candidate, vault, scalar);
    if (status == SOTTO_OK)
        status = sotto_vault_report_import(scalar, &vault->report);
    sotto_wipe(scalar, sizeof scalar);
    return status;
}

static sotto_status open_all(sotto_vault *vault, const sotto_key_provider *provider, sotto_diag *diag)
{
    sotto_status status = open_root(vault, provider, diag);
    if (status != SOTTO_OK)
        return status;
    status = open_pepper(vault);
    if (status == SOTTO_OK)
        status = open_report(vault);
    return status == SOTTO_OK ? status
                              : sotto_diag_set(diag, status, "the terminal's keys cannot be derived");
}

sotto_status sotto_vault_open(sotto_vault **out, const sotto_key_provider *provider, sotto_diag *diag)
{
    *out = NULL;
    sotto_status status = sotto_vault_start(diag);
    if (status != SOTTO_OK)
        return status;
    sotto_vault *vault = calloc(1, sizeof *vault);
    if (vault == NULL)
        return sotto_diag_set(diag, SOTTO_ERR(VAULT, NO_MEMORY), "no memory for the vault");
    status = open_all(vault, provider, diag);
    if (status != SOTTO_OK) {
        sotto_vault_close(vault);
        return status;
    }
    *out = vault;
    return SOTTO_OK;
}

void sotto_vault_close(sotto_vault *vault)
{
    if (vault == NULL)
        return;
    (void)psa_destroy_key(vault->report); /* 0 = was never made: allowed */
    (void)psa_destroy_key(vault->pepper);
    (void)psa_destroy_key(vault->root);
    free(vault);
}

sotto_status sotto_vault_store_key(const sotto_vault *vault, uint8_t out[static SOTTO_KEY_BYTES])
{
    return sotto_vault_hkdf_key(vault->root, sotto_span_str(STORE_LABEL), out, SOTTO_KEY_BYTES);
}

sotto_status sotto_vault_customer_key(const sotto_vault *vault, sotto_span customer_number,
                                      uint8_t out[static SOTTO_CUSTOMER_KEY_BYTES])
{
    size_t len = 0;
    psa_status_t status = psa_mac_compute(vault->pepper, PSA_ALG_HMAC(PSA_ALG_SHA_256), customer_number.ptr,
                                          customer_number.len, out, SOTTO_CUSTOMER_KEY_BYTES, &len);
    assert(status != PSA_SUCCESS || len == SOTTO_CUSTOMER_KEY_BYTES);
    return sotto_vault_psa_status(status);
}

sotto_status sotto_vault_derive(const sotto_vault *vault, const char *label, uint8_t *out, size_t out_len)
{
    char info[128];
    sotto_buf buf = sotto_buf_of(info, sizeof info);
    sotto_status status = sotto_buf_put(&buf, OTHER_LABEL, sizeof OTHER_LABEL - 1);
    if (status == SOTTO_OK)
        status = sotto_buf_put(&buf, label, strlen(label));
    return status != SOTTO_OK ? SOTTO_ERR(VAULT, RANGE)
                              : sotto_vault_hkdf_key(vault->root, sotto_buf_span(&buf), out, out_len);
}

sotto_status sotto_vault_report_sign(const sotto_vault *vault, sotto_span message,
                                     uint8_t signature[static SOTTO_SIGNATURE_BYTES])
{
    return sotto_vault_report_key_sign(vault->report, message, signature);
}

sotto_status sotto_vault_report_public_key(const sotto_vault *vault,
                                           uint8_t out[static SOTTO_PUBLIC_KEY_BYTES])
{
    size_t len = 0;
    psa_status_t status = psa_export_public_key(vault->report, out, SOTTO_PUBLIC_KEY_BYTES, &len);
    assert(status != PSA_SUCCESS || len == SOTTO_PUBLIC_KEY_BYTES);
    return sotto_vault_psa_status(status);
}
