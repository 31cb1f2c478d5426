#include "sotto/vault.h"

#include <assert.h>
#include <mbedtls/constant_time.h>
#include <mbedtls/platform_util.h>

void sotto_wipe(void *memory, size_t len)
{
    if (len > 0)
        mbedtls_platform_zeroize(memory, len);
}

bool sotto_equal_secret(const void *a, const void *b, size_t len)
{
    assert(len == 0 || (a != NULL && b != NULL));
    return len == 0 || mbedtls_ct_memcmp(a, b, len) == 0;
}
