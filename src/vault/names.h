/* The names of a server's certificate (subjectAltName, RFC 5280 section 4.2.1.6). */
#ifndef SOTTO_VAULT_NAMES_H
#define SOTTO_VAULT_NAMES_H

#include "vault_priv.h"

#include <mbedtls/x509_crt.h>

enum { SOTTO_CERT_NAMES_MAX = 32 };

typedef struct sotto_vault_names {
    mbedtls_x509_san_list list[SOTTO_CERT_NAMES_MAX];
    uint32_t addresses[SOTTO_CERT_NAMES_MAX][4]; /* in network order; words because of their alignment */
} sotto_vault_names;

/* Fills out from DNS names and IP addresses, which must outlive it. USAGE, RANGE, MALFORMED. */
SOTTO_MUST_USE sotto_status sotto_vault_names_fill(sotto_vault_names *out, const char *const *names,
                                                   size_t count, sotto_diag *diag);

#endif
