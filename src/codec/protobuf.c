#include "sotto/codec/protobuf.h"

enum { VARINT_BYTES_MAX = 10 };
static const uint64_t NUMBER_MAX = (1u << 29) - 1;

/* At most ten bytes; the tenth holds one bit. */
static uint64_t read_varint(sotto_cursor *c)
{
    uint64_t v = 0;
    for (unsigned i = 0; i < VARINT_BYTES_MAX; i++) {
        uint8_t byte = sotto_cursor_u8(c);
        v |= (uint64_t)(byte & 0x7f) << (7 * i);
        if (i == VARINT_BYTES_MAX - 1 && byte > 1)
            break;
        if ((byte & 0x80) == 0)
            return v;
    }
    (void)sotto_cursor_fail(c, SOTTO_ERR(CODEC, MALFORMED));
    return 0;
}

bool sotto_protobuf_varint(sotto_cursor *list, uint64_t *out)
{
    if (list->status != SOTTO_OK || sotto_cursor_left(list) == 0)
        return false;
    *out = read_varint(list);
    return list->status == SOTTO_OK;
}

static void read_value(sotto_cursor *c, sotto_protobuf_field *f)
{
    uint64_t len;
    switch (f->wire) {
    case SOTTO_PROTOBUF_VARINT:
        f->value = read_varint(c);
        return;
    case SOTTO_PROTOBUF_FIXED64:
        f->value = sotto_cursor_u64(c);
        return;
    case SOTTO_PROTOBUF_FIXED32:
        f->value = sotto_cursor_u32(c);
        return;
    case SOTTO_PROTOBUF_BYTES:
        len = read_varint(c);
        if (len > sotto_cursor_left(c))
            (void)sotto_cursor_fail(c, SOTTO_ERR(CODEC, TRUNCATED));
        else
            f->bytes = sotto_cursor_bytes(c, (size_t)len);
        return;
    default:
        (void)sotto_cursor_fail(c, SOTTO_ERR(CODEC, MALFORMED));
    }
}

bool sotto_protobuf_next(sotto_cursor *message, sotto_protobuf_field *out)
{
    *out = (sotto_protobuf_field){.number = 0};
    if (message->status != SOTTO_OK || sotto_cursor_left(message) == 0)
        return false;
    uint64_t tag = read_varint(message);
    if (message->status == SOTTO_OK && (tag >> 3 == 0 || tag >> 3 > NUMBER_MAX))
        (void)sotto_cursor_fail(message, SOTTO_ERR(CODEC, MALFORMED));
    out->number = (uint32_t)(tag >> 3);
    out->wire = (enum sotto_protobuf_wire)(tag & 7);
    if (message->status == SOTTO_OK)
        read_value(message, out);
    return message->status == SOTTO_OK;
}
