#include "sotto/codec/json.h"

#include "codec_priv.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { DEPTH_MAX = 64 };

sotto_json_writer sotto_json_writer_of(sotto_buf *out)
{
    return (sotto_json_writer){.out = out, .status = SOTTO_OK, .fresh = true};
}

static void fail(sotto_json_writer *w, sotto_status status)
{
    if (w->status == SOTTO_OK)
        w->status = status;
}

static void put(sotto_json_writer *w, const void *bytes, size_t len)
{
    if (w->status == SOTTO_OK)
        w->status = sotto_buf_put(w->out, bytes, len);
}

/* Before every value and every name: the comma, when something stands before it. A second value outside all
 * containers is a bug of the caller. */
static void begin(sotto_json_writer *w)
{
    if (!w->fresh && w->depth == 0)
        fail(w, SOTTO_ERR(CODEC, USAGE));
    if (!w->fresh)
        put(w, ",", 1);
    w->fresh = false;
}

static void put_scalar(sotto_json_writer *w, const char *text)
{
    begin(w);
    put(w, text, strlen(text));
}

static void open_container(sotto_json_writer *w, const char *bracket)
{
    if (w->depth == DEPTH_MAX) {
        fail(w, SOTTO_ERR(CODEC, RANGE));
        return;
    }
    put_scalar(w, bracket);
    w->depth++;
    w->fresh = true;
}

static void close_container(sotto_json_writer *w, const char *bracket)
{
    if (w->depth == 0) {
        fail(w, SOTTO_ERR(CODEC, USAGE));
        return;
    }
    w->depth--;
    w->fresh = false;
    put(w, bracket, 1);
}

void sotto_json_obj(sotto_json_writer *w)
{
    open_container(w, "{");
}

void sotto_json_obj_end(sotto_json_writer *w)
{
    close_container(w, "}");
}

void sotto_json_arr(sotto_json_writer *w)
{
    open_container(w, "[");
}

void sotto_json_arr_end(sotto_json_writer *w)
{
    close_container(w, "]");
}

/* What RFC 8259, section 7, makes us escape: quote, backslash, control characters. NULL = the byte may stand
 * as it is. */
static const char *escape_of(uint8_t c, char out[static 7])
{
    static const char SHORT[] = "\"\\\b\f\n\r\t", LETTER[] = "\"\\bfnrt";
    const char *found = c != 0 ? strchr(SHORT, c) : NULL;
    if (found != NULL)
        (void)snprintf(out, 7, "\\%c", LETTER[found - SHORT]);
    else if (c < 0x20)
        (void)snprintf(out, 7, "\\u%04x", c);
    else
        return NULL;
    return out;
}

static void put_quoted(sotto_json_writer *w, sotto_span text)
{
    size_t start = 0, at = 0;
    put(w, "\"", 1);
    while (at < text.len && w->status == SOTTO_OK) {
        char room[7];
        size_t len = sotto_codec_utf8_sequence(text.ptr + at, text.len - at);
        const char *instead = len == 0 ? "\xef\xbf\xbd" : escape_of(text.ptr[at], room);
        if (instead != NULL) {
            put(w, text.ptr + start, at - start);
            put(w, instead, strlen(instead));
        }
        at += len == 0 ? 1 : len;
        if (instead != NULL)
            start = at;
    }
    if (text.len > start)
        put(w, text.ptr + start, text.len - start);
    put(w, "\"", 1);
}

void sotto_json_name(sotto_json_writer *w, const char *name)
{
    begin(w);
    put_quoted(w, sotto_span_str(name));
    put(w, ":", 1);
    w->fresh = true;
}

void sotto_json_str(sotto_json_writer *w, sotto_span text)
{
    begin(w);
    put_quoted(w, text);
}

void sotto_json_cstr(sotto_json_writer *w, const char *text)
{
    sotto_json_str(w, sotto_span_str(text));
}

void sotto_json_i64(sotto_json_writer *w, int64_t v)
{
    char text[24];
    (void)snprintf(text, sizeof text, "%" PRId64, v);
    put_scalar(w, text);
}

void sotto_json_u64(sotto_json_writer *w, uint64_t v)
{
    char text[24];
    (void)snprintf(text, sizeof text, "%" PRIu64, v);
    put_scalar(w, text);
}

void sotto_json_bool(sotto_json_writer *w, bool v)
{
    put_scalar(w, v ? "true" : "false");
}

void sotto_json_null(sotto_json_writer *w)
{
    put_scalar(w, "null");
}

void sotto_json_decimal(sotto_json_writer *w, int64_t mantissa, unsigned decimals)
{
    if (decimals > 18) {
        fail(w, SOTTO_ERR(CODEC, RANGE));
        return;
    }
    char digits[24], text[32];
    uint64_t magnitude = mantissa < 0 ? 0 - (uint64_t)mantissa : (uint64_t)mantissa;
    int n = snprintf(digits, sizeof digits, "%0*" PRIu64, (int)decimals + 1, magnitude);
    int whole = n - (int)decimals;
    (void)snprintf(text, sizeof text, "%s%.*s%s%s", mantissa < 0 ? "-" : "", whole, digits,
                   decimals > 0 ? "." : "", digits + whole);
    put_scalar(w, text);
}

void sotto_json_raw(sotto_json_writer *w, sotto_span json)
{
    if (json.len == 0) {
        fail(w, SOTTO_ERR(CODEC, USAGE));
        return;
    }
    begin(w);
    put(w, json.ptr, json.len);
}

sotto_status sotto_json_writer_end(const sotto_json_writer *w)
{
    if (w->status != SOTTO_OK)
        return w->status;
    return w->depth == 0 && !w->fresh ? SOTTO_OK : SOTTO_ERR(CODEC, USAGE);
}
