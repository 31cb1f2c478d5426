/* The time, signed, for terminals whose clocks cannot be relied on. */
#include "hq_priv.h"

sotto_status hq_collect_time(const hq_collector *c, sotto_span nonce, sotto_vec *answer, sotto_diag *diag)
{
    uint8_t memory[SOTTO_TIME_WORD_MAX];
    sotto_buf out = sotto_buf_of(memory, sizeof memory);
    sotto_time_word word = {.utc_s = c->clock.utc_s(c->clock.ctx)};
    if (nonce.len != 2 * sizeof word.nonce ||
        sotto_hex_decode(nonce, word.nonce, sizeof word.nonce) != SOTTO_OK)
        return sotto_diag_set(diag, SOTTO_ERR(HQ, MALFORMED), "a nonce has 32 hexadecimal digits");
    sotto_status status = sotto_time_sign(&word, c->authority_key, diag);
    if (status == SOTTO_OK)
        status = sotto_time_write(&word, &out);
    return status == SOTTO_OK ? sotto_vec_put(answer, out.ptr, out.len) : status;
}
