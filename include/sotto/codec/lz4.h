/* lz4: LZ4 frames (lz4_Frame_format.md 1.6), content checksum on, and padding by skippable frames, which
 * every LZ4 tool passes over. */
#ifndef SOTTO_CODEC_LZ4_H
#define SOTTO_CODEC_LZ4_H

#include "sotto/base.h"

/* Upper bound of the frame for len bytes of content. */
size_t sotto_lz4_bound(size_t len);
/* Appends one frame. NO_SPACE unless out has sotto_lz4_bound(in.len) bytes free. A 32-bit machine may make
 * other bytes of the same content than a 64-bit one. */
SOTTO_MUST_USE sotto_status sotto_lz4_compress(sotto_span in, sotto_buf *out);
/* Appends a skippable frame (magic 0x184D2A50, zero bytes) so that out->len becomes exactly the smallest of
 * classes[0..n) that holds it. A skippable frame is at least 8 bytes: a length that cannot be reached goes to
 * the next class. RANGE when no class is large enough, NO_SPACE when out->cap is too small; nothing is
 * written then. The classes may stand in any order. */
SOTTO_MUST_USE sotto_status sotto_lz4_pad(sotto_buf *out, const size_t *classes, size_t n);
/* One LZ4 frame with a content checksum, then only skippable frames of zeros (nothing may travel where no
 * reader looks), every byte used. The content is appended to out, up to out->cap (NO_SPACE). CORRUPT,
 * MALFORMED, TRUNCATED, UNSUPPORTED (no checksum, or a dictionary), NO_MEMORY; out->len is unchanged on
 * failure. */
SOTTO_MUST_USE sotto_status sotto_lz4_decompress(sotto_span in, sotto_buf *out, sotto_diag *diag);

#endif
