/* cursor: reading and writing binary formats, little-endian, every step bounded. */
#ifndef SOTTO_CODEC_CURSOR_H
#define SOTTO_CODEC_CURSOR_H

#include "sotto/base.h"

/* A window on input that only narrows. A read past its end is TRUNCATED. After the first failure every read
 * fails with the same status and gives 0, so a sequence of reads may be checked once at its end
 * (sotto_cursor_end). Spans point into the input. */
typedef struct sotto_cursor {
    const uint8_t *start, *at, *end;
    sotto_status status;
} sotto_cursor;

sotto_cursor sotto_cursor_of(sotto_span span);
uint8_t sotto_cursor_u8(sotto_cursor *c);
uint16_t sotto_cursor_u16(sotto_cursor *c);
uint32_t sotto_cursor_u32(sotto_cursor *c);
uint64_t sotto_cursor_u64(sotto_cursor *c);
int32_t sotto_cursor_i32(sotto_cursor *c);
int64_t sotto_cursor_i64(sotto_cursor *c);
/* LEB128, at most 10 bytes, shortest form only (MALFORMED otherwise). */
uint64_t sotto_cursor_uvarint(sotto_cursor *c);
/* Zigzag (Protocol Buffers encoding guide): 0, -1, 1, -2 ... */
int64_t sotto_cursor_svarint(sotto_cursor *c);
/* len bytes in place; a span of length 0 on failure. */
sotto_span sotto_cursor_bytes(sotto_cursor *c, size_t len);
/* A uvarint length <= max (RANGE otherwise), then that many bytes. */
sotto_span sotto_cursor_blob(sotto_cursor *c, size_t max);
size_t sotto_cursor_left(const sotto_cursor *c);
size_t sotto_cursor_offset(const sotto_cursor *c);
/* Marks the cursor failed (when it was not) and returns the status it now has. */
sotto_status sotto_cursor_fail(sotto_cursor *c, sotto_status status);
/* OK only when nothing failed and every byte is used (MALFORMED otherwise). */
SOTTO_MUST_USE sotto_status sotto_cursor_end(const sotto_cursor *c);

/* Writers append to a bounded buffer; NO_SPACE writes nothing. */
SOTTO_MUST_USE sotto_status sotto_put_u8(sotto_buf *b, uint8_t v);
SOTTO_MUST_USE sotto_status sotto_put_u16(sotto_buf *b, uint16_t v);
SOTTO_MUST_USE sotto_status sotto_put_u32(sotto_buf *b, uint32_t v);
SOTTO_MUST_USE sotto_status sotto_put_u64(sotto_buf *b, uint64_t v);
SOTTO_MUST_USE sotto_status sotto_put_uvarint(sotto_buf *b, uint64_t v);
SOTTO_MUST_USE sotto_status sotto_put_svarint(sotto_buf *b, int64_t v);
SOTTO_MUST_USE sotto_status sotto_put_blob(sotto_buf *b, sotto_span v);

/* CRC-32 of ISO-HDLC (reflected 0x04C11DB7, as in zip and PNG); start with crc 0. Detects accidents, not
 * attackers. */
uint32_t sotto_crc32(uint32_t crc, sotto_span bytes);

#endif
