/* The three functions of libsodium's utils.c that its Ed25519 calls; the rest of that file (guarded heap, random
 * numbers) is not used. */
#include <stddef.h>

#include "utils.h"

void sodium_memzero(void *const memory, const size_t len)
{
    volatile unsigned char *at = memory;
    for (size_t i = 0; i < len; i++)
        at[i] = 0;
}

int sodium_memcmp(const void *const a, const void *const b, size_t len)
{
    const volatile unsigned char *x = a, *y = b;
    unsigned char different = 0;
    for (size_t i = 0; i < len; i++)
        different |= x[i] ^ y[i];
    return different == 0 ? 0 : -1;
}

int sodium_is_zero(const unsigned char *bytes, const size_t len)
{
    unsigned char any = 0;
    for (size_t i = 0; i < len; i++)
        any |= bytes[i];
    return any == 0;
}
