/* What the tests of codec share: cmocka and the whole room. */
#ifndef SOTTO_CODEC_TEST_H
#define SOTTO_CODEC_TEST_H

#include "sotto/codec.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define SPAN(literal) sotto_span_of(literal, sizeof(literal) - 1)

/* A copy of a span that ends where the heap block ends, so that AddressSanitizer sees one byte too many being
 * read. */
static inline uint8_t *tight_copy(sotto_span span)
{
    uint8_t *copy = malloc(span.len > 0 ? span.len : 1);
    assert_non_null(copy);
    if (span.len > 0)
        memcpy(copy, span.ptr, span.len);
    return copy;
}

#endif
