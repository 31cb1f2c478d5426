#include "sotto/codec/text.h"

#include <assert.h>

void sotto_hex_encode(sotto_span bytes, char *out, size_t cap)
{
    static const char DIGITS[] = "0123456789abcdef";
    assert(cap >= 1 && bytes.len <= (cap - 1) / 2);
    (void)cap;
    for (size_t i = 0; i < bytes.len; i++) {
        out[2 * i] = DIGITS[bytes.ptr[i] >> 4];
        out[2 * i + 1] = DIGITS[bytes.ptr[i] & 15];
    }
    out[2 * bytes.len] = '\0';
}

static int hex_digit(uint8_t c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    uint8_t lower = c | 0x20;
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

sotto_status sotto_hex_decode(sotto_span text, uint8_t *out, size_t out_len)
{
    if (text.len / 2 != out_len || text.len % 2 != 0)
        return SOTTO_ERR(CODEC, MALFORMED);
    for (size_t i = 0; i < out_len; i++) {
        int high = hex_digit(text.ptr[2 * i]), low = hex_digit(text.ptr[2 * i + 1]);
        if (high < 0 || low < 0)
            return SOTTO_ERR(CODEC, MALFORMED);
        out[i] = (uint8_t)(high << 4 | low);
    }
    return SOTTO_OK;
}

static const char BASE64[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

sotto_status sotto_base64_encode(sotto_span bytes, char *out, size_t cap)
{
    size_t groups = bytes.len / 3 + (bytes.len % 3 != 0);
    if (cap == 0 || groups > (cap - 1) / 4)
        return SOTTO_ERR(CODEC, NO_SPACE);
    for (size_t g = 0; g < groups; g++) {
        size_t at = 3 * g, have = bytes.len - at;
        uint32_t v = (uint32_t)bytes.ptr[at] << 16;
        if (have > 1)
            v |= (uint32_t)bytes.ptr[at + 1] << 8;
        if (have > 2)
            v |= bytes.ptr[at + 2];
        out[4 * g] = BASE64[v >> 18];
        out[4 * g + 1] = BASE64[v >> 12 & 63];
        out[4 * g + 2] = have > 1 ? BASE64[v >> 6 & 63] : '=';
        out[4 * g + 3] = have > 2 ? BASE64[v & 63] : '=';
    }
    out[4 * groups] = '\0';
    return SOTTO_OK;
}

static int base64_digit(uint8_t c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* One group of four digits, the last `pad` of which are '='. The bits that padding leaves over must be zero
 * (RFC 4648, section 3.5): one value, one spelling. */
static bool decode_group(const uint8_t *text, size_t pad, uint8_t bytes[static 3])
{
    uint32_t v = 0;
    for (size_t i = 0; i < 4; i++) {
        int digit = i < 4 - pad ? base64_digit(text[i]) : 0;
        if (digit < 0)
            return false;
        v = v << 6 | (uint32_t)digit;
    }
    if ((v & ((1u << (8 * pad)) - 1)) != 0)
        return false;
    for (size_t i = 0; i < 3; i++)
        bytes[i] = (uint8_t)(v >> (16 - 8 * i));
    return true;
}

sotto_status sotto_base64_decode(sotto_span text, uint8_t *out, size_t cap, size_t *out_len)
{
    *out_len = 0;
    if (text.len % 4 != 0)
        return SOTTO_ERR(CODEC, MALFORMED);
    size_t pad = 0;
    while (pad < 2 && pad < text.len && text.ptr[text.len - 1 - pad] == '=')
        pad++;
    size_t total = text.len / 4 * 3 - pad;
    if (total > cap)
        return SOTTO_ERR(CODEC, NO_SPACE);
    for (size_t g = 0; g < text.len / 4; g++) {
        uint8_t bytes[3];
        bool last = g + 1 == text.len / 4;
        if (!decode_group(text.ptr + 4 * g, last ? pad : 0, bytes))
            return SOTTO_ERR(CODEC, MALFORMED);
        for (size_t i = 0; i < 3 - (last ? pad : 0); i++)
            out[3 * g + i] = bytes[i];
    }
    *out_len = total;
    return SOTTO_OK;
}

sotto_status sotto_parse_u64(sotto_span text, uint64_t *out)
{
    uint64_t v = 0;
    bool fits = true;
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] < '0' || text.ptr[i] > '9')
            return SOTTO_ERR(CODEC, MALFORMED);
        uint64_t digit = (uint64_t)(text.ptr[i] - '0');
        fits = fits && !__builtin_mul_overflow(v, (uint64_t)10, &v) && !__builtin_add_overflow(v, digit, &v);
    }
    if (text.len == 0)
        return SOTTO_ERR(CODEC, MALFORMED);
    if (!fits)
        return SOTTO_ERR(CODEC, RANGE);
    *out = v;
    return SOTTO_OK;
}

sotto_status sotto_parse_i64(sotto_span text, int64_t *out)
{
    bool negative = text.len > 0 && text.ptr[0] == '-';
    uint64_t magnitude;
    sotto_status status =
        sotto_parse_u64(sotto_span_of(text.ptr + negative, text.len - negative), &magnitude);
    if (status != SOTTO_OK)
        return status;
    if (magnitude > (uint64_t)INT64_MAX + negative)
        return SOTTO_ERR(CODEC, RANGE);
    *out = negative ? (int64_t)(0 - magnitude) : (int64_t)magnitude;
    return SOTTO_OK;
}
