/* XGBoost's two forms of one document as strict JSON. UBJSON: ubjson.org, draft 12 (types, big-endian
 * numbers, strongly typed containers); XGBoost's src/common/json.cc writes it. */
#include "forge_priv.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

enum { DEPTH_MAX = 48, TEXT_MAX = 1 << 30 }; /* what sotto_json_parse_large takes */
static const char NO_NUMBER[] = "[]";

typedef struct reader {
    sotto_span in;
    size_t at;
    sotto_vec *out;
    const char *file_name;
    sotto_diag *diag;
} reader;

static sotto_status bad(const reader *r, const char *what)
{
    return sotto_diag_at_offset(r->diag, SOTTO_ERR(FORGE, MALFORMED), r->file_name, r->at, "UBJSON: %s",
                                what);
}

static sotto_status put(const reader *r, const void *bytes, size_t len)
{
    sotto_status status = sotto_vec_put(r->out, bytes, len);
    if (status == SOTTO_OK)
        return SOTTO_OK;
    if (sotto_status_cause(status) == SOTTO_CAUSE_NO_MEMORY)
        return sotto_forge_no_memory(r->diag);
    return sotto_diag_at_offset(r->diag, SOTTO_ERR(FORGE, RANGE), r->file_name, r->at,
                                "more than %d bytes of text", TEXT_MAX);
}

static sotto_status put_text(const reader *r, const char *text)
{
    return put(r, text, strlen(text));
}

static sotto_status take(reader *r, size_t n, const uint8_t **out)
{
    if (n > r->in.len - r->at)
        return bad(r, "ends too early");
    *out = r->in.ptr + r->at;
    r->at += n;
    return SOTTO_OK;
}

static sotto_status take_marker(reader *r, uint8_t *out)
{
    const uint8_t *at = NULL;
    sotto_status status = take(r, 1, &at);
    while (status == SOTTO_OK && *at == 'N') /* a marker that says nothing */
        status = take(r, 1, &at);
    *out = status == SOTTO_OK ? *at : 0;
    return status;
}

/* Bytes of a number's type, 0 when it is no number. */
static size_t width_of(uint8_t type)
{
    switch (type) {
    case 'i':
    case 'U':
        return 1;
    case 'I':
        return 2;
    case 'l':
    case 'd':
        return 4;
    case 'L':
    case 'D':
        return 8;
    default:
        return 0;
    }
}

static sotto_status take_bits(reader *r, size_t width, uint64_t *out)
{
    const uint8_t *at = NULL;
    sotto_status status = take(r, width, &at);
    *out = 0;
    for (size_t i = 0; status == SOTTO_OK && i < width; i++)
        *out = *out << 8 | at[i];
    return status;
}

static sotto_status take_integer(reader *r, uint8_t type, int64_t *out)
{
    uint64_t bits = 0;
    size_t width = width_of(type);
    if (width == 0 || type == 'd' || type == 'D')
        return bad(r, "a whole number is needed");
    sotto_status status = take_bits(r, width, &bits);
    unsigned spare = 64 - 8 * (unsigned)width;
    *out = type == 'U' ? (int64_t)bits : (int64_t)(bits << spare) >> spare;
    return status;
}

static sotto_status take_length(reader *r, size_t *out)
{
    uint8_t type = 0;
    int64_t v = 0;
    sotto_status status = take_marker(r, &type);
    if (status == SOTTO_OK)
        status = take_integer(r, type, &v);
    if (status == SOTTO_OK && (v < 0 || (uint64_t)v > r->in.len))
        status = bad(r, "a length behind the end");
    *out = (size_t)v;
    return status;
}

/* Nine digits tell all float32 apart, seventeen all float64 (IEEE 754-2019, 5.12.2). */
static sotto_status put_real(const reader *r, double v, int digits)
{
    char text[40];
    if (!isfinite(v))
        return put_text(r, NO_NUMBER);
    (void)snprintf(text, sizeof text, "%.*g", digits, v);
    return put_text(r, text);
}

static sotto_status put_number(reader *r, uint8_t type)
{
    uint64_t bits = 0;
    int64_t whole = 0;
    char text[32];
    if (type != 'd' && type != 'D') {
        sotto_status status = take_integer(r, type, &whole);
        (void)snprintf(text, sizeof text, "%" PRId64, whole);
        return status == SOTTO_OK ? put_text(r, text) : status;
    }
    sotto_status status = take_bits(r, width_of(type), &bits);
    if (status != SOTTO_OK)
        return status;
    uint32_t half = (uint32_t)bits;
    float single;
    double wide;
    memcpy(&single, &half, sizeof single);
    memcpy(&wide, &bits, sizeof wide);
    return type == 'd' ? put_real(r, (double)single, 9) : put_real(r, wide, 17);
}

static sotto_status put_string(reader *r)
{
    size_t len = 0;
    const uint8_t *at = NULL;
    sotto_status status = take_length(r, &len);
    if (status == SOTTO_OK)
        status = take(r, len, &at);
    if (status == SOTTO_OK)
        status = put(r, "\"", 1);
    for (size_t i = 0; status == SOTTO_OK && i < len; i++) {
        char text[8];
        bool escaped = at[i] < 0x20 || at[i] == '"' || at[i] == '\\';
        (void)snprintf(text, sizeof text, "\\u%04x", (unsigned)at[i]);
        status = escaped ? put_text(r, text) : put(r, at + i, 1);
    }
    return status == SOTTO_OK ? put(r, "\"", 1) : status;
}

static sotto_status put_value(reader *r, uint8_t type, unsigned depth);

/* "$ type" and "# count" behind an opening bracket. *count SIZE_MAX: a closing bracket ends it. */
static sotto_status take_shape(reader *r, uint8_t *type, size_t *count)
{
    sotto_status status = SOTTO_OK;
    *type = 0;
    *count = SIZE_MAX;
    if (r->at < r->in.len && r->in.ptr[r->at] == '$') {
        r->at++;
        status = take_marker(r, type);
        if (status == SOTTO_OK && (r->at == r->in.len || r->in.ptr[r->at] != '#' || width_of(*type) == 0))
            status = bad(r, "a typed list without numbers or count");
    }
    if (status == SOTTO_OK && r->at < r->in.len && r->in.ptr[r->at] == '#') {
        r->at++;
        status = take_length(r, count);
    }
    return status;
}

/* True when a container of `count` that has `done` elements ends here; takes its bracket. */
static bool at_end(reader *r, size_t done, size_t count, uint8_t bracket)
{
    if (count != SIZE_MAX)
        return done == count;
    while (r->at < r->in.len && r->in.ptr[r->at] == 'N')
        r->at++;
    if (r->at == r->in.len || r->in.ptr[r->at] != bracket)
        return false;
    r->at++;
    return true;
}

static sotto_status put_list(reader *r, unsigned depth)
{
    uint8_t type = 0, marker = 0;
    size_t count = 0;
    sotto_status status = take_shape(r, &type, &count);
    if (status == SOTTO_OK)
        status = put(r, "[", 1);
    for (size_t i = 0; status == SOTTO_OK && !at_end(r, i, count, ']'); i++) {
        marker = type;
        if (i > 0)
            status = put(r, ",", 1);
        if (status == SOTTO_OK && type == 0)
            status = take_marker(r, &marker);
        if (status == SOTTO_OK)
            status = put_value(r, marker, depth);
    }
    return status == SOTTO_OK ? put(r, "]", 1) : status;
}

static sotto_status put_object(reader *r, unsigned depth)
{
    uint8_t type = 0, marker = 0;
    size_t count = 0;
    sotto_status status = take_shape(r, &type, &count);
    if (status == SOTTO_OK)
        status = put(r, "{", 1);
    for (size_t i = 0; status == SOTTO_OK && !at_end(r, i, count, '}'); i++) {
        marker = type;
        if (i > 0)
            status = put(r, ",", 1);
        if (status == SOTTO_OK)
            status = put_string(r);
        if (status == SOTTO_OK)
            status = put(r, ":", 1);
        if (status == SOTTO_OK && type == 0)
            status = take_marker(r, &marker);
        if (status == SOTTO_OK)
            status = put_value(r, marker, depth);
    }
    return status == SOTTO_OK ? put(r, "}", 1) : status;
}

static sotto_status put_value(reader *r, uint8_t type, unsigned depth)
{
    if (depth == 0)
        return bad(r, "nested too deeply");
    switch (type) {
    case '{':
        return put_object(r, depth - 1);
    case '[':
        return put_list(r, depth - 1);
    case 'S':
        return put_string(r);
    case 'T':
        return put_text(r, "true");
    case 'F':
        return put_text(r, "false");
    case 'Z':
        return put_text(r, "null");
    default:
        return width_of(type) == 0 ? bad(r, "unknown type") : put_number(r, type);
    }
}

static sotto_status from_ubjson(reader *r)
{
    uint8_t type = 0;
    sotto_status status = take_marker(r, &type);
    if (status == SOTTO_OK)
        status = put_value(r, type, DEPTH_MAX);
    if (status == SOTTO_OK && r->at != r->in.len)
        status = bad(r, "bytes behind the end");
    return status;
}

/* Length of a word that XGBoost writes and JSON does not know, 0 when there is none. */
static size_t word_at(sotto_span in, size_t at)
{
    static const char *const WORDS[] = {"NaN", "-NaN", "Infinity", "-Infinity"};
    for (size_t i = 0; i < SOTTO_COUNT(WORDS); i++) {
        size_t len = strlen(WORDS[i]);
        if (len <= in.len - at && memcmp(in.ptr + at, WORDS[i], len) == 0)
            return len;
    }
    return 0;
}

/* Where the first such word at or behind `at` stands, outside of strings; in.len when there is none. */
static size_t find_word(sotto_span in, size_t at, bool *in_string)
{
    for (; at < in.len; at++) {
        uint8_t c = in.ptr[at];
        if (*in_string && c == '\\')
            at++;
        else if (c == '"')
            *in_string = !*in_string;
        else if (!*in_string && (c == 'N' || c == 'I' || c == '-') && word_at(in, at) > 0)
            return at;
    }
    return in.len;
}

/* Spaces keep every other byte where it was, so that messages name the right place. */
static sotto_status without_words(reader *r)
{
    bool in_string = false;
    for (size_t from = 0; from < r->in.len;) {
        size_t at = find_word(r->in, from, &in_string);
        sotto_status status = put(r, r->in.ptr + from, at - from);
        size_t len = at < r->in.len ? word_at(r->in, at) : 0;
        if (status == SOTTO_OK && len > 0)
            status = put_text(r, NO_NUMBER);
        for (size_t i = 2; status == SOTTO_OK && i < len; i++)
            status = put(r, " ", 1);
        if (status != SOTTO_OK)
            return status;
        from = at + len;
    }
    return SOTTO_OK;
}

sotto_status sotto_forge_xgboost_json(sotto_span *file, sotto_vec *text, const char *file_name,
                                      sotto_diag *diag)
{
    bool in_string = false;
    reader r = {.in = *file, .out = text, .file_name = file_name, .diag = diag};
    sotto_vec_init(text, TEXT_MAX);
    bool binary = file->len >= 2 && file->ptr[0] == '{' && memchr("iUIlL$#", file->ptr[1], 7) != NULL;
    if (!binary && find_word(*file, 0, &in_string) >= file->len)
        return SOTTO_OK;
    sotto_status status = binary ? from_ubjson(&r) : without_words(&r);
    if (status == SOTTO_OK)
        *file = sotto_vec_span(text);
    return status;
}
