/* HPKE: any bytes as what was sealed to a known key. Nothing opens but what this key was sealed; what is
 * sealed from the input opens again, and not when a byte of it is changed. */
#include "fuzz.h"

#include "sotto/hpke.h"
#include "sotto/vault.h"

#include <string.h>

enum { CAP = 4096 };

static sotto_status fill(void *ctx, void *buf, size_t len)
{
    (void)ctx;
    memset(buf, 0x31, len);
    return SOTTO_OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t private_key[SOTTO_HPKE_PRIVATE_BYTES], public_key[SOTTO_HPKE_PUBLIC_BYTES];
    static uint8_t opened[CAP], sealed[CAP + SOTTO_HPKE_OVERHEAD];
    static const uint8_t ikm[32] = "thirty-two bytes of key material";
    const sotto_entropy entropy = {.fill = fill};
    sotto_buf out = sotto_buf_of(opened, sizeof opened);
    require(sotto_vault_start(NULL) == SOTTO_OK);
    if (public_key[0] == 0)
        require(sotto_hpke_derive_keypair(sotto_span_of(ikm, sizeof ikm), private_key, public_key) ==
                SOTTO_OK);
    size_t head = size < 4 ? size : 4;
    sotto_span info = sotto_span_of(data, head), rest = sotto_span_of(data + head, size - head);
    require(sotto_hpke_open(private_key, info, info, rest, &out) != SOTTO_OK && out.len == 0);
    if (rest.len > CAP || size % 8 != 0) /* sealing is slow */
        return 0;
    sotto_buf box = sotto_buf_of(sealed, sizeof sealed);
    require(sotto_hpke_seal(public_key, info, rest, rest, &entropy, &box) == SOTTO_OK);
    require(sotto_hpke_open(private_key, info, rest, sotto_buf_span(&box), &out) == SOTTO_OK);
    require(out.len == rest.len && (rest.len == 0 || memcmp(opened, rest.ptr, rest.len) == 0));
    sealed[size * 131 % box.len] ^= (uint8_t)(1u << (size / 8 % 8));
    out.len = 0;
    require(sotto_hpke_open(private_key, info, rest, sotto_buf_span(&box), &out) != SOTTO_OK && out.len == 0);
    return 0;
}
