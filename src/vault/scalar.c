#include "vault_priv.h"

/* Order n of the base point of P-256, big-endian (SEC 2 version 2, section 2.4.2; FIPS 186-4 D.1.2.3). */
static const uint8_t P256_ORDER[32] = {0xff, 0xff, 0xff, 0xff, 0x00, 0x00, 0x00, 0x00, 0xff, 0xff, 0xff,
                                       0xff, 0xff, 0xff, 0xff, 0xff, 0xbc, 0xe6, 0xfa, 0xad, 0xa7, 0x17,
                                       0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51};

/* Subtracts n and keeps only the borrow: it is 1 exactly when scalar < n. No branch looks at the bytes. */
bool sotto_vault_p256_in_range(const uint8_t scalar[static 32])
{
    unsigned borrow = 0, any = 0;
    for (size_t i = sizeof P256_ORDER; i-- > 0;) {
        unsigned difference = (unsigned)scalar[i] - P256_ORDER[i] - borrow;
        borrow = (difference >> 8) & 1u;
        any |= scalar[i];
    }
    return (borrow & (unsigned)(any != 0)) == 1u;
}

/* FIPS 186-5 A.2.2 (key pair by rejection sampling): a candidate of as many random bits as n has is taken
 * when it lies in 1..n-1, so every key is equally likely. A candidate fails once in 2^32, so 8 of them
 * failing means that their source is broken. */
sotto_status sotto_vault_p256_scalar(sotto_vault_candidate next, void *ctx, uint8_t out[static 32])
{
    enum { CANDIDATES = 8 };
    sotto_status status = SOTTO_ERR(VAULT, INTERNAL);
    for (unsigned i = 0; i < CANDIDATES; i++) {
        status = next(ctx, i, out);
        if (status != SOTTO_OK)
            break;
        if (sotto_vault_p256_in_range(out))
            return SOTTO_OK;
        status = SOTTO_ERR(VAULT, INTERNAL);
    }
    sotto_wipe(out, 32);
    return status;
}
