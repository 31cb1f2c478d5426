/* cbor: the deterministic subset of RFC 8949 (section 4.2.1) that reports use: integers, byte and text
 * strings, arrays, maps with integer keys. */
#ifndef SOTTO_CODEC_CBOR_H
#define SOTTO_CODEC_CBOR_H

#include "sotto/base.h"

#define SOTTO_CBOR_DEPTH_MAX 16 /* containers inside each other, when writing */

/* Writer into a bounded buffer; definite lengths; the first failure sticks (NO_SPACE, MALFORMED for text that
 * is not UTF-8, RANGE when nested too deep). Containers take exactly the count announced: _end gives USAGE
 * when one is not full. */
typedef struct sotto_cbor_writer {
    sotto_buf *out;
    sotto_status status;
    unsigned depth;
    uint64_t left[SOTTO_CBOR_DEPTH_MAX]; /* items that the open containers still take */
} sotto_cbor_writer;

sotto_cbor_writer sotto_cbor_writer_of(sotto_buf *out);
void sotto_cbor_put_uint(sotto_cbor_writer *w, uint64_t v);
void sotto_cbor_put_int(sotto_cbor_writer *w, int64_t v);
void sotto_cbor_put_bytes(sotto_cbor_writer *w, sotto_span v);
void sotto_cbor_put_text(sotto_cbor_writer *w, sotto_span v);
void sotto_cbor_put_array(sotto_cbor_writer *w, uint64_t count);
void sotto_cbor_put_map(sotto_cbor_writer *w, uint64_t pairs);
void sotto_cbor_put_tag(sotto_cbor_writer *w, uint64_t tag);
SOTTO_MUST_USE sotto_status sotto_cbor_writer_end(const sotto_cbor_writer *w);

/* Reader: shortest forms and definite lengths only, every byte used; errors stick (0 and empty spans from
 * then on), and _end's diag has the offset of the bad item. MALFORMED (another type or form), TRUNCATED,
 * RANGE (more than max). Spans point into the input. Containers are not followed: whether a count is the
 * expected one is for the caller to judge. */
typedef struct sotto_cbor_reader {
    sotto_span in;
    size_t at;
    sotto_status status;
} sotto_cbor_reader;

sotto_cbor_reader sotto_cbor_reader_of(sotto_span in);
uint64_t sotto_cbor_get_uint(sotto_cbor_reader *r, uint64_t max);
int64_t sotto_cbor_get_int(sotto_cbor_reader *r);
sotto_span sotto_cbor_get_bytes(sotto_cbor_reader *r, size_t max);
sotto_span sotto_cbor_get_text(sotto_cbor_reader *r, size_t max); /* UTF-8 checked */
uint64_t sotto_cbor_get_array(sotto_cbor_reader *r, uint64_t max);
uint64_t sotto_cbor_get_map(sotto_cbor_reader *r, uint64_t max);
uint64_t sotto_cbor_get_tag(sotto_cbor_reader *r);
/* Fails unless the next item is this unsigned integer: the key of a map with fixed keys. */
void sotto_cbor_want_uint(sotto_cbor_reader *r, uint64_t v);
SOTTO_MUST_USE sotto_status sotto_cbor_reader_end(const sotto_cbor_reader *r, sotto_diag *diag);

#endif
