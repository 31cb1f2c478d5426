#include "sotto/codec/cursor.h"

#include <assert.h>

sotto_cursor sotto_cursor_of(sotto_span span)
{
    static const uint8_t NOTHING[1];
    const uint8_t *start = span.ptr != NULL ? span.ptr : NOTHING; /* NULL + 0 is not for pointer arithmetic */
    return (sotto_cursor){.start = start, .at = start, .end = start + span.len, .status = SOTTO_OK};
}

sotto_status sotto_cursor_fail(sotto_cursor *c, sotto_status status)
{
    assert(status < 0);
    if (c->status == SOTTO_OK)
        c->status = status;
    return c->status;
}

size_t sotto_cursor_left(const sotto_cursor *c)
{
    return (size_t)(c->end - c->at);
}

size_t sotto_cursor_offset(const sotto_cursor *c)
{
    return (size_t)(c->at - c->start);
}

sotto_status sotto_cursor_end(const sotto_cursor *c)
{
    if (c->status != SOTTO_OK)
        return c->status;
    return c->at == c->end ? SOTTO_OK : SOTTO_ERR(CODEC, MALFORMED);
}

sotto_span sotto_cursor_bytes(sotto_cursor *c, size_t len)
{
    assert(c->at <= c->end);
    if (c->status == SOTTO_OK && len > sotto_cursor_left(c))
        c->status = SOTTO_ERR(CODEC, TRUNCATED);
    if (c->status != SOTTO_OK)
        return (sotto_span){.ptr = c->at, .len = 0};
    sotto_span bytes = {.ptr = c->at, .len = len};
    c->at += len;
    return bytes;
}

static uint64_t read_le(sotto_cursor *c, size_t width)
{
    sotto_span bytes = sotto_cursor_bytes(c, width);
    uint64_t v = 0;
    for (size_t i = bytes.len; i-- > 0;)
        v = v << 8 | bytes.ptr[i];
    return v;
}

uint8_t sotto_cursor_u8(sotto_cursor *c)
{
    return (uint8_t)read_le(c, 1);
}

uint16_t sotto_cursor_u16(sotto_cursor *c)
{
    return (uint16_t)read_le(c, 2);
}

uint32_t sotto_cursor_u32(sotto_cursor *c)
{
    return (uint32_t)read_le(c, 4);
}

uint64_t sotto_cursor_u64(sotto_cursor *c)
{
    return read_le(c, 8);
}

/* Two's complement by GCC's and clang's definition of the conversion. */
int32_t sotto_cursor_i32(sotto_cursor *c)
{
    return (int32_t)sotto_cursor_u32(c);
}

int64_t sotto_cursor_i64(sotto_cursor *c)
{
    return (int64_t)sotto_cursor_u64(c);
}

/* LEB128: seven bits a byte, lowest first, the top bit says that more follow (DWARF 5, section 7.6). The
 * tenth byte holds bit 63 alone, and a last byte of 0 after another would be a longer spelling of the same
 * number: refused, so that equal values have equal bytes. */
uint64_t sotto_cursor_uvarint(sotto_cursor *c)
{
    uint64_t v = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
        uint8_t byte = sotto_cursor_u8(c);
        if (c->status != SOTTO_OK)
            return 0;
        if ((shift == 63 && byte > 1) || (shift > 0 && byte == 0))
            break;
        v |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80)
            return v;
    }
    sotto_cursor_fail(c, SOTTO_ERR(CODEC, MALFORMED));
    return 0;
}

int64_t sotto_cursor_svarint(sotto_cursor *c)
{
    uint64_t v = sotto_cursor_uvarint(c);
    return (int64_t)(v >> 1 ^ (0 - (v & 1)));
}

sotto_span sotto_cursor_blob(sotto_cursor *c, size_t max)
{
    uint64_t len = sotto_cursor_uvarint(c);
    if (c->status == SOTTO_OK && len > max)
        c->status = SOTTO_ERR(CODEC, RANGE);
    return sotto_cursor_bytes(c, c->status == SOTTO_OK ? (size_t)len : 0);
}
