#include "fixed_priv.h"

#include <assert.h>
#include <string.h>

/* Appends a digit to a negative number: the negative range is the larger one, so that INT64_MIN needs no
 * exception. */
static bool push_digit(int64_t *negated, unsigned digit)
{
    return sotto_mul_i64(*negated, 10, negated) && sotto_sub_i64(*negated, digit, negated);
}

static bool is_digit(uint8_t c)
{
    return c >= '0' && c <= '9';
}

/* [-] digits [. digits]; *point is the number of digits behind the point. */
static bool has_form(sotto_span text, size_t *point)
{
    size_t at = text.len > 0 && text.ptr[0] == '-';
    size_t whole = at;
    while (at < text.len && is_digit(text.ptr[at]))
        at++;
    *point = 0;
    if (at == whole)
        return false;
    if (at == text.len)
        return true;
    if (text.ptr[at++] != '.')
        return false;
    while (at + *point < text.len && is_digit(text.ptr[at + *point]))
        ++*point;
    return *point > 0 && at + *point == text.len;
}

sotto_status sotto_fixed_parse_decimal(sotto_span text, unsigned decimals, int64_t *mantissa)
{
    assert(decimals <= 18);
    size_t point;
    if (!has_form(text, &point))
        return SOTTO_ERR(FIXED, MALFORMED);
    if (point > decimals)
        return SOTTO_ERR(FIXED, RANGE);
    int64_t negated = 0, value;
    bool fits = true;
    for (size_t i = 0; i < text.len; i++)
        if (is_digit(text.ptr[i]))
            fits = fits && push_digit(&negated, (unsigned)(text.ptr[i] - '0'));
    for (size_t i = point; i < decimals; i++)
        fits = fits && push_digit(&negated, 0);
    value = negated;
    if (text.ptr[0] != '-')
        fits = fits && sotto_sub_i64(0, negated, &value);
    if (!fits)
        return SOTTO_ERR(FIXED, RANGE);
    *mantissa = value;
    return SOTTO_OK;
}

/* Digits of v, at least `least` of them, ended where `end` points; returns where they begin. */
static char *digits_before(char *end, uint64_t v, unsigned least)
{
    for (unsigned n = 0; v > 0 || n < least; n++, v /= 10)
        *--end = (char)('0' + v % 10);
    return end;
}

static size_t copy_out(const char *from, size_t len, char *out, size_t cap)
{
    assert(len < cap);
    (void)cap;
    memcpy(out, from, len);
    out[len] = '\0';
    return len;
}

size_t sotto_fixed_format_decimal(int64_t mantissa, unsigned decimals, char *out, size_t cap)
{
    assert(decimals <= 18);
    char text[24], *end = text + sizeof text;
    char *at = digits_before(end, sotto_fixed_magnitude(mantissa), decimals + 1);
    if (decimals > 0) {
        size_t whole = (size_t)(end - at) - decimals;
        memmove(at - 1, at, whole);
        at--;
        at[whole] = '.';
    }
    if (mantissa < 0)
        *--at = '-';
    return copy_out(at, (size_t)(end - at), out, cap);
}

size_t sotto_fixed_format_q(int64_t v, unsigned q, char *out, size_t cap)
{
    assert(q <= 30);
    char text[56], *point = text + 24, *end = point;
    uint64_t whole = sotto_fixed_magnitude(v) >> q, mask = (UINT64_C(1) << q) - 1;
    char *at = digits_before(point, whole, 1);
    if (v < 0)
        *--at = '-';
    /* Each turn makes one digit and takes one factor of two from the denominator: at most q turns. rest <
     * 2^30, ten times it fits. */
    for (uint64_t rest = sotto_fixed_magnitude(v) & mask; rest != 0; rest &= mask) {
        if (end == point)
            *end++ = '.';
        rest *= 10;
        *end++ = (char)('0' + (rest >> q));
    }
    return copy_out(at, (size_t)(end - at), out, cap);
}
