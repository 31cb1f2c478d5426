/* A small device authority for tests: its key and certificate, and a device's key and request. */
#ifndef SOTTO_VAULT_PKI_TEST_H
#define SOTTO_VAULT_PKI_TEST_H

#include "vault_test.h"

#define DAY_S   INT64_C(86400)
#define BEGIN_S INT64_C(1795219200) /* 2026-11-21T00:00:00Z */

typedef struct test_pki {
    char ca_key[SOTTO_PEM_MAX], ca_public[SOTTO_PEM_MAX], ca_cert[SOTTO_PEM_MAX];
    char key[SOTTO_PEM_MAX], public_key[SOTTO_PEM_MAX], csr[SOTTO_PEM_MAX];
} test_pki;

static inline sotto_cert_request request_of(enum sotto_cert_use use, const char *name)
{
    return (sotto_cert_request){.use = use,
                                .common_name = name,
                                .not_before_s = BEGIN_S,
                                .not_after_s = BEGIN_S + (use == SOTTO_CERT_AUTHORITY ? 3650 : 90) * DAY_S,
                                .serial = {0x01, 0xff, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}};
}

static inline void pki_make(test_pki *pki)
{
    uint8_t first = 1;
    sotto_entropy entropy = {.ctx = &first, .fill = count_up};
    sotto_cert_request authority = request_of(SOTTO_CERT_AUTHORITY, "Sotto device authority");
    assert_ok(sotto_keypair_make(&entropy, pki->ca_key, NULL));
    assert_ok(sotto_keypair_public_pem(pki->ca_key, pki->ca_public, NULL));
    assert_ok(
        sotto_cert_issue(&authority, sotto_span_str(pki->ca_public), pki->ca_key, NULL, pki->ca_cert, NULL));
    assert_ok(sotto_keypair_make(&entropy, pki->key, NULL));
    assert_ok(sotto_keypair_public_pem(pki->key, pki->public_key, NULL));
    assert_ok(sotto_csr_make(pki->key, "kiosk-0001", pki->csr, NULL));
}

#endif
