/* Head office's word on the time, from any bytes: refused with its place, or a word within what X.509 can
 * say, which reads the same again after it was written. No word of anybody's making passes the check. */
#include "fuzz.h"

#include <string.h>

#include "sotto/sync.h"

#define YEAR_9999_ENDS_S INT64_C(253402300799)

static void check_again(const sotto_time_word *word)
{
    uint8_t memory[SOTTO_TIME_WORD_MAX];
    sotto_time_word again;
    sotto_buf out = sotto_buf_of(memory, sizeof memory);
    require(sotto_time_write(word, &out) == SOTTO_OK);
    require(sotto_time_read(&again, sotto_span_of(out.ptr, out.len), NULL) == SOTTO_OK);
    require(again.utc_s == word->utc_s && again.signature_len == word->signature_len);
    require(memcmp(again.nonce, word->nonce, sizeof word->nonce) == 0);
    require(memcmp(again.signature, word->signature, word->signature_len) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    sotto_time_word word;
    sotto_diag diag = {0};
    require(sotto_vault_start(NULL) == SOTTO_OK);
    sotto_status status = sotto_time_read(&word, sotto_span_of(data, size), &diag);
    if (status != SOTTO_OK) {
        require(diag.status == status && diag.text[0] != '\0');
        return 0;
    }
    require(word.utc_s >= 0 && word.utc_s <= YEAR_9999_ENDS_S);
    require(word.signature_len > 0 && word.signature_len <= sizeof word.signature);
    check_again(&word);
    uint8_t other[SOTTO_TIME_NONCE_BYTES];
    memcpy(other, word.nonce, sizeof other);
    other[0] ^= 1;
    /* The bytes as their own authority: nobody's key. */
    require(sotto_time_check(&word, other, sotto_span_of(data, size), NULL) != SOTTO_OK);
    require(sotto_time_check(&word, word.nonce, sotto_span_of(data, size), NULL) != SOTTO_OK);
    return 0;
}
