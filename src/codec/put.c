#include "sotto/codec/cursor.h"

static sotto_status put_le(sotto_buf *b, uint64_t v, size_t width)
{
    uint8_t bytes[8];
    for (size_t i = 0; i < width; i++)
        bytes[i] = (uint8_t)(v >> (8 * i));
    return sotto_buf_put(b, bytes, width);
}

sotto_status sotto_put_u8(sotto_buf *b, uint8_t v)
{
    return put_le(b, v, 1);
}

sotto_status sotto_put_u16(sotto_buf *b, uint16_t v)
{
    return put_le(b, v, 2);
}

sotto_status sotto_put_u32(sotto_buf *b, uint32_t v)
{
    return put_le(b, v, 4);
}

sotto_status sotto_put_u64(sotto_buf *b, uint64_t v)
{
    return put_le(b, v, 8);
}

sotto_status sotto_put_uvarint(sotto_buf *b, uint64_t v)
{
    uint8_t bytes[10];
    size_t n = 0;
    for (; v >= 0x80; v >>= 7)
        bytes[n++] = (uint8_t)(v | 0x80);
    bytes[n++] = (uint8_t)v;
    return sotto_buf_put(b, bytes, n);
}

sotto_status sotto_put_svarint(sotto_buf *b, int64_t v)
{
    return sotto_put_uvarint(b, (uint64_t)v << 1 ^ (v < 0 ? UINT64_MAX : 0));
}

sotto_status sotto_put_blob(sotto_buf *b, sotto_span v)
{
    size_t before = b->len;
    sotto_status status = sotto_put_uvarint(b, v.len);
    if (status == SOTTO_OK)
        status = sotto_buf_put(b, v.ptr, v.len);
    if (status != SOTTO_OK)
        b->len = before; /* all or nothing */
    return status;
}
