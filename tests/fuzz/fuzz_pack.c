/* Tag packs: any bytes as a pack (a head, then chunks) and as a terminal's statement. What is read holds what
 * the format promises, nothing opens, and a statement that is read is written again as the same. */
#include "fuzz.h"

#include "sotto/pack.h"

#include <string.h>

static void as_pack(sotto_span in)
{
    static uint8_t plain[SOTTO_PACK_PLAIN_MAX], secret[SOTTO_HPKE_PRIVATE_BYTES],
        known[SOTTO_HPKE_PUBLIC_BYTES];
    static const uint8_t ikm[32] = "thirty-two bytes of key material";
    sotto_pack_head head;
    sotto_pack_opener opener;
    sotto_buf out = sotto_buf_of(plain, sizeof plain);
    size_t first = in.len < SOTTO_PACK_HEAD_BYTES ? in.len : SOTTO_PACK_HEAD_BYTES;
    if (known[0] == 0)
        require(sotto_hpke_derive_keypair(sotto_span_of(ikm, sizeof ikm), secret, known) == SOTTO_OK);
    if (sotto_pack_read(&head, sotto_span_of(in.ptr, first), NULL) != SOTTO_OK)
        return;
    require(head.seq > head.base && head.device[0] != '\0' && head.chunks > 0);
    require(head.certificate.ptr + head.certificate.len <= in.ptr + first);
    require(head.signature.ptr + head.signature.len <= in.ptr + first);
    require(sotto_pack_verify(&head, sotto_span_str("no authority"), INT64_C(1) << 40, NULL) != SOTTO_OK);
    if (sotto_pack_open(&opener, &head, secret, NULL) != SOTTO_OK)
        return;
    require(sotto_pack_next(&opener, sotto_span_of(in.ptr + first, in.len - first), &out, NULL) != SOTTO_OK &&
            out.len == 0);
    sotto_pack_close(&opener);
}

static void as_statement(sotto_span in)
{
    static const uint8_t nobody[SOTTO_PUBLIC_KEY_BYTES] = {4};
    uint8_t text[SOTTO_PACK_STATE_MAX];
    sotto_buf out = sotto_buf_of(text, sizeof text);
    sotto_pack_state state, again;
    if (sotto_pack_state_read(&state, in, NULL) != SOTTO_OK)
        return;
    require(sotto_pack_state_check(&state, nobody, NULL) != SOTTO_OK);
    require(sotto_pack_state_write(&state, &out) == SOTTO_OK);
    require(sotto_pack_state_read(&again, sotto_buf_span(&out), NULL) == SOTTO_OK);
    require(memcmp(&state, &again, sizeof state) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    require(sotto_vault_start(NULL) == SOTTO_OK);
    as_pack(sotto_span_of(data, size));
    as_statement(sotto_span_of(data, size));
    return 0;
}
