#include "sotto/codec/cbor.h"

#include "sotto/codec/text.h"

#include <cbor.h>

sotto_cbor_reader sotto_cbor_reader_of(sotto_span in)
{
    return (sotto_cbor_reader){.in = in, .status = SOTTO_OK};
}

static void fail(sotto_cbor_reader *r, sotto_status status)
{
    if (r->status == SOTTO_OK)
        r->status = status;
}

/* The library looks at one item's head at a time; where the next one begins is reckoned here, so no
 * containers need entering and leaving. */
static bool open_item(sotto_cbor_reader *r, CborType type, CborParser *parser, CborValue *item)
{
    if (r->status != SOTTO_OK)
        return false;
    if (r->at == r->in.len) {
        fail(r, SOTTO_ERR(CODEC, TRUNCATED));
        return false;
    }
    CborError error = cbor_parser_init(r->in.ptr + r->at, r->in.len - r->at, 0, parser, item);
    if (error == CborErrorUnexpectedEOF)
        fail(r, SOTTO_ERR(CODEC, TRUNCATED));
    else if (error != CborNoError || cbor_value_get_type(item) != type)
        fail(r, SOTTO_ERR(CODEC, MALFORMED));
    return r->status == SOTTO_OK;
}

/* Passes the head of the item that opened, which carries `argument`. RFC 8949, section 4.2.1: the shortest
 * form is the only one. */
static bool pass_head(sotto_cbor_reader *r, uint64_t argument)
{
    unsigned info = r->in.ptr[r->at] & 31;
    unsigned shortest = argument < 24            ? (unsigned)argument
                        : argument <= UINT8_MAX  ? 24
                        : argument <= UINT16_MAX ? 25
                        : argument <= UINT32_MAX ? 26
                                                 : 27;
    if (info != shortest) {
        fail(r, SOTTO_ERR(CODEC, MALFORMED));
        return false;
    }
    r->at += 1 + (info < 24 ? 0 : (size_t)1 << (info - 24));
    return true;
}

uint64_t sotto_cbor_get_uint(sotto_cbor_reader *r, uint64_t max)
{
    CborParser parser;
    CborValue item;
    uint64_t v = 0;
    size_t before = r->at;
    if (!open_item(r, CborIntegerType, &parser, &item))
        return 0;
    (void)cbor_value_get_raw_integer(&item, &v);
    if (!cbor_value_is_unsigned_integer(&item))
        fail(r, SOTTO_ERR(CODEC, MALFORMED));
    else if (pass_head(r, v) && v > max)
        fail(r, SOTTO_ERR(CODEC, RANGE));
    if (r->status != SOTTO_OK)
        r->at = before; /* the offset in the message is that of the item */
    return r->status == SOTTO_OK ? v : 0;
}

int64_t sotto_cbor_get_int(sotto_cbor_reader *r)
{
    CborParser parser;
    CborValue item;
    uint64_t raw = 0;
    size_t before = r->at;
    if (!open_item(r, CborIntegerType, &parser, &item))
        return 0;
    (void)cbor_value_get_raw_integer(&item, &raw); /* v, or -1 - v */
    bool negative = cbor_value_is_negative_integer(&item);
    if (pass_head(r, raw) && raw > INT64_MAX)
        fail(r, SOTTO_ERR(CODEC, RANGE));
    if (r->status != SOTTO_OK) {
        r->at = before;
        return 0;
    }
    return negative ? -1 - (int64_t)raw : (int64_t)raw;
}

static sotto_span get_string(sotto_cbor_reader *r, CborType type, size_t max)
{
    CborParser parser;
    CborValue item;
    size_t len = 0, before = r->at;
    if (!open_item(r, type, &parser, &item))
        return (sotto_span){0};
    CborError error = cbor_value_get_string_length(&item, &len);
    if (error == CborErrorDataTooLarge) /* more than a 32-bit machine could hold */
        fail(r, SOTTO_ERR(CODEC, TRUNCATED));
    else if (error != CborNoError) /* indefinite */
        fail(r, SOTTO_ERR(CODEC, MALFORMED));
    else if (pass_head(r, len) && len > r->in.len - r->at)
        fail(r, SOTTO_ERR(CODEC, TRUNCATED));
    else if (r->status == SOTTO_OK && len > max)
        fail(r, SOTTO_ERR(CODEC, RANGE));
    sotto_span v = {.ptr = r->in.ptr + r->at, .len = len};
    if (r->status == SOTTO_OK && type == CborTextStringType && !sotto_utf8_valid(v, NULL))
        fail(r, SOTTO_ERR(CODEC, MALFORMED));
    if (r->status != SOTTO_OK) {
        r->at = before;
        return (sotto_span){0};
    }
    r->at += len;
    return v;
}

sotto_span sotto_cbor_get_bytes(sotto_cbor_reader *r, size_t max)
{
    return get_string(r, CborByteStringType, max);
}

sotto_span sotto_cbor_get_text(sotto_cbor_reader *r, size_t max)
{
    return get_string(r, CborTextStringType, max);
}

static uint64_t get_count(sotto_cbor_reader *r, CborType type, uint64_t max)
{
    CborParser parser;
    CborValue item;
    size_t count = 0, before = r->at;
    if (!open_item(r, type, &parser, &item))
        return 0;
    CborError error = type == CborArrayType ? cbor_value_get_array_length(&item, &count)
                                            : cbor_value_get_map_length(&item, &count);
    if (error == CborErrorDataTooLarge)
        fail(r, SOTTO_ERR(CODEC, RANGE));
    else if (error != CborNoError) /* indefinite */
        fail(r, SOTTO_ERR(CODEC, MALFORMED));
    else if (pass_head(r, count) && count > max)
        fail(r, SOTTO_ERR(CODEC, RANGE));
    if (r->status != SOTTO_OK)
        r->at = before;
    return r->status == SOTTO_OK ? count : 0;
}

uint64_t sotto_cbor_get_array(sotto_cbor_reader *r, uint64_t max)
{
    return get_count(r, CborArrayType, max);
}

uint64_t sotto_cbor_get_map(sotto_cbor_reader *r, uint64_t max)
{
    return get_count(r, CborMapType, max);
}

uint64_t sotto_cbor_get_tag(sotto_cbor_reader *r)
{
    CborParser parser;
    CborValue item;
    CborTag tag = 0;
    if (!open_item(r, CborTagType, &parser, &item))
        return 0;
    (void)cbor_value_get_tag(&item, &tag);
    return pass_head(r, tag) ? tag : 0;
}

void sotto_cbor_want_uint(sotto_cbor_reader *r, uint64_t v)
{
    size_t before = r->at;
    uint64_t got = sotto_cbor_get_uint(r, UINT64_MAX);
    if (r->status == SOTTO_OK && got != v) {
        fail(r, SOTTO_ERR(CODEC, MALFORMED));
        r->at = before;
    }
}

sotto_status sotto_cbor_reader_end(const sotto_cbor_reader *r, sotto_diag *diag)
{
    if (r->status != SOTTO_OK)
        return sotto_diag_at_offset(diag, r->status, NULL, r->at, "CBOR that is not what was expected here");
    if (r->at != r->in.len)
        return sotto_diag_at_offset(diag, SOTTO_ERR(CODEC, MALFORMED), NULL, r->at,
                                    "bytes behind the last item");
    return SOTTO_OK;
}
