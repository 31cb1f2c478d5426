/* Reading keys, requests and certificates in PEM (RFC 7468) into mbedTLS's objects. The object must have been
 * initialised and is freed by the caller in any case. */
#ifndef SOTTO_VAULT_PEM_H
#define SOTTO_VAULT_PEM_H

#include "vault_priv.h"

#include <mbedtls/pk.h>
#include <mbedtls/x509_crt.h>
#include <mbedtls/x509_csr.h>

enum { SOTTO_RSA_MIN_BITS = 2048 }; /* NIST SP 800-131A revision 2, table 2 */

SOTTO_MUST_USE sotto_status sotto_vault_read_key(const char *pem, mbedtls_pk_context *out, sotto_diag *diag);
SOTTO_MUST_USE sotto_status sotto_vault_read_public(sotto_span pem, mbedtls_pk_context *out,
                                                    sotto_diag *diag);
/* The request's own signature is checked: it proves that the sender holds the private key. */
SOTTO_MUST_USE sotto_status sotto_vault_read_csr(sotto_span pem, mbedtls_x509_csr *out, sotto_diag *diag);
/* The first certificate of a chain. Every certificate in the text must be readable. */
SOTTO_MUST_USE sotto_status sotto_vault_read_cert(sotto_span pem, mbedtls_x509_crt *out, sotto_diag *diag);

/* Seconds since 1970 of a time that mbedTLS has read, so a valid one. */
int64_t sotto_vault_x509_seconds(const mbedtls_x509_time *t);
bool sotto_vault_is_p256(const mbedtls_pk_context *key);
/* What a verification's number means: OK, NO_MEMORY, otherwise AUTH with text. */
SOTTO_MUST_USE sotto_status sotto_vault_verify_result(int error, const char *text, sotto_diag *diag);
bool sotto_vault_is_csr(sotto_span pem);
SOTTO_MUST_USE sotto_status sotto_vault_public_pem(const mbedtls_pk_context *key,
                                                   char out[static SOTTO_PEM_MAX], sotto_diag *diag);
/* 1..64 characters [A-Za-z0-9 ._-], no space at either end. */
SOTTO_MUST_USE sotto_status sotto_vault_check_common_name(const char *name, sotto_diag *diag);

#endif
