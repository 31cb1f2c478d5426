#include "sotto/base.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FIRST_CAP = 256 };

void sotto_vec_init(sotto_vec *vec, size_t limit)
{
    *vec = (sotto_vec){.limit = limit};
}

/* Room for `more` further bytes; doubling keeps the cost of n appends O(n). */
static sotto_status reserve(sotto_vec *vec, size_t more)
{
    assert(vec->len <= vec->cap && vec->cap <= vec->limit);
    if (more > vec->limit - vec->len)
        return SOTTO_ERR(BASE, RANGE);
    size_t need = vec->len + more;
    if (need <= vec->cap)
        return SOTTO_OK;
    size_t cap = vec->cap > vec->limit / 2 ? vec->limit : vec->cap * 2;
    if (cap < FIRST_CAP)
        cap = vec->limit < FIRST_CAP ? vec->limit : FIRST_CAP;
    if (cap < need)
        cap = need;
    uint8_t *grown = realloc(vec->ptr, cap);
    if (grown == NULL)
        return SOTTO_ERR(BASE, NO_MEMORY);
    vec->ptr = grown;
    vec->cap = cap;
    return SOTTO_OK;
}

sotto_status sotto_vec_put(sotto_vec *vec, const void *bytes, size_t len)
{
    if (len == 0)
        return SOTTO_OK;
    sotto_status status = reserve(vec, len);
    if (status != SOTTO_OK)
        return status;
    memcpy(vec->ptr + vec->len, bytes, len);
    vec->len += len;
    return SOTTO_OK;
}

/* vsnprintf ends with a NUL, which is written but not counted: the vector needs one byte more than the text
 * for a moment. When the limit leaves no room for that byte, the text goes through a buffer of its own. */
static sotto_status print_tight(sotto_vec *vec, size_t len, const char *format, va_list args)
{
    char *text = malloc(len + 1);
    if (text == NULL)
        return SOTTO_ERR(BASE, NO_MEMORY);
    (void)vsnprintf(text, len + 1, format, args);
    sotto_status status = sotto_vec_put(vec, text, len);
    free(text);
    return status;
}

static sotto_status print_in(sotto_vec *vec, size_t len, const char *format, va_list args)
{
    if (vec->limit - vec->len == len)
        return print_tight(vec, len, format, args);
    sotto_status status = reserve(vec, len + 1);
    if (status != SOTTO_OK)
        return status;
    (void)vsnprintf((char *)vec->ptr + vec->len, len + 1, format, args);
    vec->len += len;
    return SOTTO_OK;
}

sotto_status sotto_vec_printf(sotto_vec *vec, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int n = vsnprintf(NULL, 0, format, args);
    va_end(args);
    if (n < 0)
        return SOTTO_ERR(BASE, INTERNAL);
    if ((size_t)n > vec->limit - vec->len)
        return SOTTO_ERR(BASE, RANGE);
    va_start(args, format);
    sotto_status status = print_in(vec, (size_t)n, format, args);
    va_end(args);
    return status;
}

sotto_span sotto_vec_span(const sotto_vec *vec)
{
    return (sotto_span){.ptr = vec->ptr, .len = vec->len};
}

void sotto_vec_free(sotto_vec *vec)
{
    free(vec->ptr);
    sotto_vec_init(vec, vec->limit);
}
