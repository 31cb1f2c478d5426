/* text: UTF-8, hexadecimal, base64, decimal integers. */
#ifndef SOTTO_CODEC_TEXT_H
#define SOTTO_CODEC_TEXT_H

#include "sotto/base.h"

/* True for well-formed UTF-8 (RFC 3629: no surrogates, no overlong forms). bad_offset (may be NULL) gets the
 * first bad byte's offset. */
bool sotto_utf8_valid(sotto_span text, size_t *bad_offset);
/* Lower-case hexadecimal and a NUL; cap must be >= 2 * len + 1 (asserted). */
void sotto_hex_encode(sotto_span bytes, char *out, size_t cap);
/* Exactly out_len bytes from 2 * out_len digits of either case. MALFORMED otherwise, out unspecified. */
SOTTO_MUST_USE sotto_status sotto_hex_decode(sotto_span text, uint8_t *out, size_t out_len);
/* RFC 4648 base64 with padding. encode: NUL-ended, NO_SPACE; decode: strict, *out_len <= cap. */
SOTTO_MUST_USE sotto_status sotto_base64_encode(sotto_span bytes, char *out, size_t cap);
SOTTO_MUST_USE sotto_status sotto_base64_decode(sotto_span text, uint8_t *out, size_t cap, size_t *out_len);
/* Whole-text decimal integers; no sign but '-', no spaces. MALFORMED, RANGE. */
SOTTO_MUST_USE sotto_status sotto_parse_i64(sotto_span text, int64_t *out);
SOTTO_MUST_USE sotto_status sotto_parse_u64(sotto_span text, uint64_t *out);

#endif
