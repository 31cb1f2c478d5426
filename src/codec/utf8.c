#include "sotto/codec/text.h"

#include "codec_priv.h"

#include <string.h>

/* Well-formed sequences of RFC 3629, section 4: a lead byte fixes the length and the range of the second
 * byte; the others are 80..BF. */
size_t sotto_codec_utf8_sequence(const uint8_t *at, size_t left)
{
    uint8_t lead = at[0], low = 0x80, high = 0xbf;
    size_t len;
    if (lead < 0x80)
        return 1;
    if (lead < 0xc2 || lead > 0xf4)
        return 0; /* a continuation byte, an overlong form, or beyond U+10FFFF */
    len = lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
    if (lead == 0xe0)
        low = 0xa0;
    else if (lead == 0xed)
        high = 0x9f; /* surrogates */
    else if (lead == 0xf0)
        low = 0x90;
    else if (lead == 0xf4)
        high = 0x8f;
    if (left < len || at[1] < low || at[1] > high)
        return 0;
    for (size_t i = 2; i < len; i++)
        if ((at[i] & 0xc0) != 0x80)
            return 0;
    return len;
}

/* Most text is ASCII: eight bytes at a time while no top bit is set. */
static size_t skip_ascii(sotto_span text, size_t at)
{
    uint64_t word;
    for (; text.len - at >= sizeof word; at += sizeof word) {
        memcpy(&word, text.ptr + at, sizeof word);
        if ((word & UINT64_C(0x8080808080808080)) != 0)
            break;
    }
    return at;
}

bool sotto_utf8_valid(sotto_span text, size_t *bad_offset)
{
    size_t at = skip_ascii(text, 0);
    while (at < text.len) {
        size_t len = sotto_codec_utf8_sequence(text.ptr + at, text.len - at);
        if (len == 0) {
            if (bad_offset != NULL)
                *bad_offset = at;
            return false;
        }
        at = skip_ascii(text, at + len);
    }
    return true;
}
