#include "sotto/base.h"

#include <assert.h>
#include <string.h>

sotto_span sotto_span_of(const void *ptr, size_t len)
{
    assert(ptr != NULL || len == 0);
    return (sotto_span){.ptr = ptr, .len = len};
}

sotto_span sotto_span_str(const char *text)
{
    return (sotto_span){.ptr = (const uint8_t *)text, .len = strlen(text)};
}

bool sotto_span_equal(sotto_span a, sotto_span b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

bool sotto_span_is(sotto_span a, const char *text)
{
    return sotto_span_equal(a, sotto_span_str(text));
}

sotto_buf sotto_buf_of(void *ptr, size_t cap)
{
    assert(ptr != NULL || cap == 0);
    return (sotto_buf){.ptr = ptr, .cap = cap, .len = 0};
}

sotto_span sotto_buf_span(const sotto_buf *buf)
{
    return (sotto_span){.ptr = buf->ptr, .len = buf->len};
}

sotto_status sotto_buf_put(sotto_buf *buf, const void *bytes, size_t len)
{
    assert(buf->len <= buf->cap);
    if (len > buf->cap - buf->len)
        return SOTTO_ERR(BASE, NO_SPACE);
    if (len > 0)
        memcpy(buf->ptr + buf->len, bytes, len);
    buf->len += len;
    return SOTTO_OK;
}

sotto_status sotto_span_to_str(sotto_span span, char *out, size_t cap)
{
    assert(cap > 0);
    out[0] = '\0';
    if (span.len >= cap)
        return SOTTO_ERR(BASE, NO_SPACE);
    if (span.len == 0)
        return SOTTO_OK;
    if (memchr(span.ptr, 0, span.len) != NULL)
        return SOTTO_ERR(BASE, MALFORMED);
    memcpy(out, span.ptr, span.len);
    out[span.len] = '\0';
    return SOTTO_OK;
}
