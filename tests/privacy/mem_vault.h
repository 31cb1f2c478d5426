/* A vault whose root secret is in memory, for tests. */
#ifndef SOTTO_TESTS_PRIVACY_MEM_VAULT_H
#define SOTTO_TESTS_PRIVACY_MEM_VAULT_H

#include "sotto/vault.h"

#include <string.h>

static sotto_status mem_vault_load(void *ctx, uint8_t root[static SOTTO_KEY_BYTES], sotto_diag *diag)
{
    (void)diag;
    memset(root, *(const uint8_t *)ctx, SOTTO_KEY_BYTES);
    return SOTTO_OK;
}

/* The same seed gives the same keys. NULL on failure. */
static inline sotto_vault *mem_vault_open(uint8_t seed)
{
    sotto_key_provider provider = {.ctx = &seed, .name = "memory", .load = mem_vault_load};
    sotto_vault *vault = NULL;
    if (sotto_vault_start(NULL) != SOTTO_OK || sotto_vault_open(&vault, &provider, NULL) != SOTTO_OK)
        return NULL;
    return vault;
}

#endif
