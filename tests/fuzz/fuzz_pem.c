/* Keys, requests and certificates in PEM come from terminals that want to enrol, from head office and from
 * TUF metadata: whatever they hold, reading gives a status, and what is read keeps its promises. */
#include "fuzz.h"

#include <string.h>

#include "sotto/vault.h"

static void read_cert(sotto_span pem)
{
    sotto_cert_info info;
    sotto_diag diag = {0};
    sotto_status status = sotto_cert_read(pem, &info, &diag);
    require(status == diag.status);
    require(memchr(info.common_name, '\0', sizeof info.common_name) != NULL);
}

/* A request that is accepted names a key that can be read again. */
static void read_csr(sotto_span pem)
{
    char public_pem[SOTTO_PEM_MAX];
    sotto_span message = sotto_span_str("m"), signature = sotto_span_str("0");
    if (sotto_csr_check(pem, public_pem, NULL) != SOTTO_OK) {
        require(public_pem[0] == '\0');
        return;
    }
    sotto_status status = sotto_public_verify(SOTTO_SIG_ECDSA_P256_SHA256, sotto_span_str(public_pem),
                                              message, signature, NULL);
    require(sotto_status_cause(status) == SOTTO_CAUSE_AUTH);
}

/* A signature of two bytes is nobody's. */
static void read_public(sotto_span pem)
{
    sotto_span message = sotto_span_str("m"), signature = sotto_span_str("0");
    require(sotto_public_verify(SOTTO_SIG_ECDSA_P256_SHA256, pem, message, signature, NULL) != SOTTO_OK);
    require(sotto_public_verify(SOTTO_SIG_RSASSA_PSS_SHA256, pem, message, signature, NULL) != SOTTO_OK);
    require(sotto_public_verify(SOTTO_SIG_ED25519, pem, message, signature, NULL) != SOTTO_OK);
}

static void read_private(sotto_span pem)
{
    char public_pem[SOTTO_PEM_MAX];
    char *text = malloc(pem.len + 1);
    require(text != NULL);
    if (sotto_span_to_str(pem, text, pem.len + 1) == SOTTO_OK &&
        sotto_keypair_public_pem(text, public_pem, NULL) == SOTTO_OK)
        require(strstr(public_pem, "PRIVATE") == NULL);
    free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    sotto_span pem = {data, size};
    require(sotto_vault_start(NULL) == SOTTO_OK);
    read_cert(pem);
    read_csr(pem);
    read_public(pem);
    read_private(pem);
    return 0;
}
