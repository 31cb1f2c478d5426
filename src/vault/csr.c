#include "names.h"
#include "pem.h"

#include <mbedtls/pem.h>
#include <mbedtls/psa_util.h>
#include <stdio.h>

static sotto_status write_csr(mbedtls_pk_context *key, const char *common_name,
                              const mbedtls_x509_san_list *names, char out[static SOTTO_PEM_MAX],
                              sotto_diag *diag)
{
    char subject[80];
    mbedtls_x509write_csr csr;
    (void)snprintf(subject, sizeof subject, "CN=%s", common_name);
    mbedtls_x509write_csr_init(&csr);
    mbedtls_x509write_csr_set_key(&csr, key);
    mbedtls_x509write_csr_set_md_alg(&csr, MBEDTLS_MD_SHA256);
    int error = mbedtls_x509write_csr_set_subject_name(&csr, subject);
    if (error == 0 && names != NULL)
        error = mbedtls_x509write_csr_set_subject_alternative_name(&csr, names);
    if (error == 0)
        error = mbedtls_x509write_csr_pem(&csr, (unsigned char *)out, SOTTO_PEM_MAX, mbedtls_psa_get_random,
                                          MBEDTLS_PSA_RANDOM_STATE);
    mbedtls_x509write_csr_free(&csr);
    return error == 0 ? SOTTO_OK : sotto_vault_mbedtls_fail(diag, error, "the request cannot be written");
}

static sotto_status make(const char *key_pem, const char *common_name, const mbedtls_x509_san_list *names,
                         char out[static SOTTO_PEM_MAX], sotto_diag *diag)
{
    mbedtls_pk_context key;
    out[0] = '\0';
    sotto_status status = sotto_vault_check_common_name(common_name, diag);
    if (status != SOTTO_OK)
        return status;
    mbedtls_pk_init(&key);
    status = sotto_vault_read_key(key_pem, &key, diag);
    if (status == SOTTO_OK && !sotto_vault_is_p256(&key))
        status = sotto_diag_set(diag, SOTTO_ERR(VAULT, UNSUPPORTED), "a request's key is ECDSA P-256 here");
    if (status == SOTTO_OK)
        status = write_csr(&key, common_name, names, out, diag);
    mbedtls_pk_free(&key);
    return status;
}

sotto_status sotto_csr_make(const char *key_pem, const char *common_name, char out[static SOTTO_PEM_MAX],
                            sotto_diag *diag)
{
    return make(key_pem, common_name, NULL, out, diag);
}

sotto_status sotto_csr_make_server(const char *key_pem, const char *common_name, const char *const *names,
                                   size_t name_count, char out[static SOTTO_PEM_MAX], sotto_diag *diag)
{
    sotto_vault_names list;
    out[0] = '\0';
    sotto_status status = sotto_vault_names_fill(&list, names, name_count, diag);
    return status == SOTTO_OK ? make(key_pem, common_name, list.list, out, diag) : status;
}

sotto_status sotto_csr_check(sotto_span csr_pem, char public_pem[static SOTTO_PEM_MAX], sotto_diag *diag)
{
    mbedtls_x509_csr csr;
    public_pem[0] = '\0';
    mbedtls_x509_csr_init(&csr);
    sotto_status status = sotto_vault_read_csr(csr_pem, &csr, diag);
    if (status == SOTTO_OK)
        status = sotto_vault_public_pem(&csr.pk, public_pem, diag);
    mbedtls_x509_csr_free(&csr);
    return status;
}

/* From what was read and checked: of the bytes around it, and of headers inside, nothing comes along. */
sotto_status sotto_csr_copy(sotto_span csr_pem, char out[static SOTTO_PEM_MAX], sotto_diag *diag)
{
    mbedtls_x509_csr csr;
    size_t len = 0;
    out[0] = '\0';
    mbedtls_x509_csr_init(&csr);
    sotto_status status = sotto_vault_read_csr(csr_pem, &csr, diag);
    if (status == SOTTO_OK &&
        mbedtls_pem_write_buffer("-----BEGIN CERTIFICATE REQUEST-----\n",
                                 "-----END CERTIFICATE REQUEST-----\n", csr.raw.p, csr.raw.len,
                                 (unsigned char *)out, SOTTO_PEM_MAX, &len) != 0) {
        out[0] = '\0';
        status = sotto_diag_set(diag, SOTTO_ERR(VAULT, RANGE), "the request is longer than %d bytes",
                                SOTTO_PEM_MAX - 1);
    }
    mbedtls_x509_csr_free(&csr);
    return status;
}
