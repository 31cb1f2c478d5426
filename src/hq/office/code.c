/*
 * One-time codes: 80 random bits in Crockford's base 32 (crockford.com/base32.html: no I, L, O, U), 16
 * characters in groups of four. 80 bits cannot be guessed over a network within the days a code lives, so the
 * registry keeps a plain SHA-256 of it and no salt.
 */
#include "office/code.h"

#include <string.h>

static const char DIGITS[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
static const char LABEL[] = "sotto enrolment code"; /* keeps these hashes apart from any other SHA-256 */

enum { CODE_CHARS = HQ_CODE_BYTES * 8 / 5 };

void hq_code_format(const uint8_t secret[static HQ_CODE_BYTES], char out[static HQ_CODE_TEXT])
{
    size_t at = 0;
    for (size_t i = 0; i < CODE_CHARS; i++) {
        size_t bit = i * 5, byte = bit / 8;
        unsigned pair = (unsigned)secret[byte] << 8;
        if (byte + 1 < HQ_CODE_BYTES)
            pair |= secret[byte + 1];
        if (i > 0 && i % 4 == 0)
            out[at++] = '-';
        out[at++] = DIGITS[(pair >> (11 - bit % 8)) & 31];
    }
    out[at] = '\0';
}

/* 0..31, or -1. */
static int digit_of(uint8_t c)
{
    if (c >= 'a' && c <= 'z')
        c = (uint8_t)(c - 'a' + 'A');
    if (c == 'O')
        c = '0';
    if (c == 'I' || c == 'L')
        c = '1';
    const char *found = c == '\0' ? NULL : strchr(DIGITS, c);
    return found == NULL ? -1 : (int)(found - DIGITS);
}

sotto_status hq_code_parse(sotto_span text, uint8_t secret[static HQ_CODE_BYTES], sotto_diag *diag)
{
    size_t chars = 0;
    memset(secret, 0, HQ_CODE_BYTES);
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] == '-' || text.ptr[i] == ' ')
            continue;
        int digit = digit_of(text.ptr[i]);
        if (digit < 0 || chars == CODE_CHARS)
            return sotto_diag_set(diag, SOTTO_ERR(HQ, MALFORMED), "a code has %d letters and digits",
                                  CODE_CHARS);
        for (size_t b = 0; b < 5; b++) {
            size_t bit = chars * 5 + b;
            unsigned one = ((unsigned)digit >> (4 - b)) & 1u;
            secret[bit / 8] = (uint8_t)(secret[bit / 8] | (one << (7 - bit % 8)));
        }
        chars++;
    }
    if (chars != CODE_CHARS)
        return sotto_diag_set(diag, SOTTO_ERR(HQ, MALFORMED), "a code has %d letters and digits", CODE_CHARS);
    return SOTTO_OK;
}

sotto_status hq_code_hash(const uint8_t secret[static HQ_CODE_BYTES], uint8_t out[static SOTTO_SHA256_BYTES])
{
    uint8_t message[sizeof LABEL + HQ_CODE_BYTES];
    memcpy(message, LABEL, sizeof LABEL);
    memcpy(message + sizeof LABEL, secret, HQ_CODE_BYTES);
    sotto_status status = sotto_sha256(sotto_span_of(message, sizeof message), out);
    sotto_wipe(message, sizeof message);
    return status;
}
