/* The small readers: what they take, their writers give back. The first byte says which reader gets the rest.
 */
#include "fuzz.h"

#include "sotto/codec.h"
#include "sotto/fixed.h"

#include <string.h>

static void integers(sotto_span text)
{
    int64_t i, again;
    uint64_t u;
    char out[24];
    if (sotto_parse_u64(text, &u) == SOTTO_OK && u <= INT64_MAX)
        require(sotto_parse_i64(text, &i) == SOTTO_OK && i == (int64_t)u);
    if (sotto_parse_i64(text, &i) != SOTTO_OK)
        return;
    size_t len = sotto_fixed_format_decimal(i, 0, out, sizeof out);
    require(sotto_parse_i64(sotto_span_of(out, len), &again) == SOTTO_OK && again == i);
}

static void decimals(sotto_span text)
{
    int64_t v, again;
    char out[24];
    unsigned places = text.len > 0 ? text.ptr[0] % 19 : 0;
    if (text.len == 0 ||
        sotto_fixed_parse_decimal(sotto_span_of(text.ptr + 1, text.len - 1), places, &v) != SOTTO_OK)
        return;
    size_t len = sotto_fixed_format_decimal(v, places, out, sizeof out);
    require(sotto_fixed_parse_decimal(sotto_span_of(out, len), places, &again) == SOTTO_OK && again == v);
    (void)sotto_fixed_decimal_key(v, places);
}

/* One value, one spelling: what base64 decodes encodes to the same text. */
static void base64(sotto_span text)
{
    uint8_t bytes[4096];
    char out[6000];
    size_t len;
    if (sotto_base64_decode(text, bytes, sizeof bytes, &len) != SOTTO_OK)
        return;
    require(sotto_base64_encode(sotto_span_of(bytes, len), out, sizeof out) == SOTTO_OK);
    require(sotto_span_is(text, out));
}

static void hex(sotto_span text)
{
    uint8_t bytes[2048];
    char out[4097];
    size_t len = text.len / 2 < sizeof bytes ? text.len / 2 : sizeof bytes;
    if (sotto_hex_decode(text, bytes, len) != SOTTO_OK)
        return;
    sotto_hex_encode(sotto_span_of(bytes, len), out, sizeof out);
    require(strlen(out) == text.len);
}

static void times(sotto_span text)
{
    int64_t t;
    char out[21];
    if (sotto_time_parse(text, &t) != SOTTO_OK)
        return;
    sotto_time_format(t, out);
    require(sotto_span_is(text, out));
}

static void utf8(sotto_span text)
{
    size_t bad;
    if (sotto_utf8_valid(text, &bad))
        return;
    require(bad < text.len && sotto_utf8_valid(sotto_span_of(text.ptr, bad), NULL));
}

/* Any bytes are some sequence of varints and blobs, or an error that stays. */
static void varints(sotto_span bytes)
{
    sotto_cursor c = sotto_cursor_of(bytes);
    while (c.status == SOTTO_OK && sotto_cursor_left(&c) > 0) {
        size_t start = sotto_cursor_offset(&c);
        uint64_t v = sotto_cursor_uvarint(&c);
        uint8_t again[10];
        sotto_buf b = sotto_buf_of(again, sizeof again);
        require(c.status == SOTTO_OK || v == 0);
        require(sotto_put_uvarint(&b, v) == SOTTO_OK);
        if (c.status == SOTTO_OK)
            require(sotto_span_equal(sotto_buf_span(&b),
                                     sotto_span_of(bytes.ptr + start, sotto_cursor_offset(&c) - start)));
        (void)sotto_cursor_blob(&c, (size_t)(v % 16));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static void (*const READERS[])(sotto_span) = {integers, decimals, base64, hex, times, utf8, varints};
    if (size > 0)
        READERS[data[0] % SOTTO_COUNT(READERS)](sotto_span_of(data + 1, size - 1));
    return 0;
}
