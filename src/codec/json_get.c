#include "json_priv.h"

#include "sotto/codec/text.h"

#include <assert.h>
#include <inttypes.h>
#include <string.h>

static const char *type_name(enum sotto_json_type type)
{
    static const char *const NAMES[] = {"nothing",  "null",     "true or false", "an integer",
                                        "a number", "a string", "an array",      "an object"};
    return NAMES[type];
}

static sotto_status wrong_type(sotto_json_node node, const char *wanted, sotto_diag *diag)
{
    return sotto_json_bad(node, diag, SOTTO_ERR(CODEC, MALFORMED), "%s expected, %s found", wanted,
                          type_name(sotto_json_type(node)));
}

static bool is_number(sotto_json_node node)
{
    return yyjson_is_raw(sotto_json_val(node));
}

static sotto_span number_text(sotto_json_node node)
{
    yyjson_val *val = sotto_json_val(node);
    return sotto_span_of(yyjson_get_raw(val), yyjson_get_len(val));
}

sotto_status sotto_json_as_str(sotto_json_node node, sotto_span *out, sotto_diag *diag)
{
    yyjson_val *val = sotto_json_val(node);
    if (!yyjson_is_str(val))
        return wrong_type(node, "a string", diag);
    *out = sotto_span_of(yyjson_get_str(val), yyjson_get_len(val));
    return SOTTO_OK;
}

sotto_status sotto_json_as_i64(sotto_json_node node, int64_t min, int64_t max, int64_t *out, sotto_diag *diag)
{
    int64_t value;
    if (sotto_json_type(node) != SOTTO_JSON_INT)
        return wrong_type(node, "an integer", diag);
    if (sotto_parse_i64(number_text(node), &value) != SOTTO_OK || value < min || value > max)
        return sotto_json_bad(node, diag, SOTTO_ERR(CODEC, RANGE),
                              "an integer outside %" PRId64 " to %" PRId64, min, max);
    *out = value;
    return SOTTO_OK;
}

sotto_status sotto_json_as_bool(sotto_json_node node, bool *out, sotto_diag *diag)
{
    if (!yyjson_is_bool(sotto_json_val(node)))
        return wrong_type(node, "true or false", diag);
    *out = yyjson_get_bool(sotto_json_val(node));
    return SOTTO_OK;
}

sotto_status sotto_json_as_number_text(sotto_json_node node, sotto_span *out, sotto_diag *diag)
{
    if (!is_number(node))
        return wrong_type(node, "a number", diag);
    *out = number_text(node);
    return SOTTO_OK;
}

/* A number's text as negated * 10^power. Kept negative, since that range is the larger one. */
typedef struct decimal {
    int64_t negated;
    int64_t power;
    bool fits;
} decimal;

static void push_digit(decimal *d, unsigned digit)
{
    d->fits = d->fits && sotto_mul_i64(d->negated, 10, &d->negated) &&
              sotto_sub_i64(d->negated, digit, &d->negated);
}

static bool is_digit(uint8_t c)
{
    return c >= '0' && c <= '9';
}

/* "e-12": clamped far beyond what any int64 reaches. */
static int64_t exponent_of(sotto_span text, size_t at)
{
    int64_t value = 0;
    bool negative = false;
    for (; at < text.len; at++) {
        negative |= text.ptr[at] == '-';
        if (is_digit(text.ptr[at]) && value < 1000000)
            value = value * 10 + (text.ptr[at] - '0');
    }
    return negative ? -value : value;
}

/* Zeros are pushed only when another digit follows, so "1.5000000000000000000000" needs no more room than
 * "1.5". */
static decimal scan_decimal(sotto_span text)
{
    decimal d = {.fits = true};
    int64_t zeros = 0;
    bool behind_point = false;
    size_t i = 0;
    for (; i < text.len && (text.ptr[i] | 0x20) != 'e'; i++) {
        behind_point |= text.ptr[i] == '.';
        if (!is_digit(text.ptr[i]))
            continue;
        d.power -= behind_point;
        if (text.ptr[i] == '0') {
            zeros += d.negated != 0;
            continue;
        }
        for (; zeros > 0 && d.fits; zeros--)
            push_digit(&d, 0);
        push_digit(&d, (unsigned)(text.ptr[i] - '0'));
        zeros = 0;
    }
    d.power += zeros + exponent_of(text, i);
    return d;
}

sotto_status sotto_json_as_decimal(sotto_json_node node, unsigned decimals, int64_t *out, sotto_diag *diag)
{
    assert(decimals <= 18);
    if (!is_number(node))
        return wrong_type(node, "a number", diag);
    sotto_span text = number_text(node);
    decimal d = scan_decimal(text);
    int64_t value = 0;
    if (d.negated != 0 || !d.fits) {
        d.power += decimals;
        if (d.power < 0 && d.fits)
            return sotto_json_bad(node, diag, SOTTO_ERR(CODEC, RANGE), "more than %u digits behind the point",
                                  decimals);
        for (; d.power > 0 && d.fits; d.power--)
            push_digit(&d, 0);
        value = d.negated;
        if (text.ptr[0] != '-')
            d.fits = d.fits && sotto_sub_i64(0, d.negated, &value);
    }
    if (!d.fits)
        return sotto_json_bad(node, diag, SOTTO_ERR(CODEC, RANGE), "a number too large for %u decimals",
                              decimals);
    *out = value;
    return SOTTO_OK;
}

sotto_status sotto_json_as_array(sotto_json_node node, size_t min_count, size_t max_count, sotto_diag *diag)
{
    if (!yyjson_is_arr(sotto_json_val(node)))
        return wrong_type(node, "an array", diag);
    size_t n = sotto_json_count(node);
    if (n < min_count || n > max_count)
        return sotto_json_bad(node, diag, SOTTO_ERR(CODEC, RANGE), "an array of %zu, where %zu to %zu may be",
                              n, min_count, max_count);
    return SOTTO_OK;
}

sotto_status sotto_json_as_object(sotto_json_node node, sotto_diag *diag)
{
    return yyjson_is_obj(sotto_json_val(node)) ? SOTTO_OK : wrong_type(node, "an object", diag);
}

/* The member, or an error at the place of the object that should have it. */
static sotto_status required(sotto_json_node obj, const char *name, sotto_json_node *member, sotto_diag *diag)
{
    sotto_status status = sotto_json_as_object(obj, diag);
    if (status != SOTTO_OK)
        return status;
    *member = sotto_json_member(obj, name);
    if (member->val == NULL)
        return sotto_json_bad(obj, diag, SOTTO_ERR(CODEC, MALFORMED), "member \"%s\" is missing", name);
    return SOTTO_OK;
}

sotto_status sotto_json_get_str(sotto_json_node obj, const char *name, sotto_span *out, sotto_diag *diag)
{
    sotto_json_node member;
    sotto_status status = required(obj, name, &member, diag);
    return status == SOTTO_OK ? sotto_json_as_str(member, out, diag) : status;
}

sotto_status sotto_json_get_i64(sotto_json_node obj, const char *name, int64_t min, int64_t max, int64_t *out,
                                sotto_diag *diag)
{
    sotto_json_node member;
    sotto_status status = required(obj, name, &member, diag);
    return status == SOTTO_OK ? sotto_json_as_i64(member, min, max, out, diag) : status;
}

sotto_status sotto_json_get_bool(sotto_json_node obj, const char *name, bool *out, sotto_diag *diag)
{
    sotto_json_node member;
    sotto_status status = required(obj, name, &member, diag);
    return status == SOTTO_OK ? sotto_json_as_bool(member, out, diag) : status;
}

static bool is_among(yyjson_val *name, const char *const *allowed, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (yyjson_equals_str(name, allowed[i]))
            return true;
    return false;
}

sotto_status sotto_json_only(sotto_json_node obj, const char *const *allowed, size_t n, sotto_diag *diag)
{
    sotto_status status = sotto_json_as_object(obj, diag);
    if (status != SOTTO_OK)
        return status;
    sotto_json_children children = sotto_json_children_of(sotto_json_val(obj));
    for (yyjson_val *child; (child = sotto_json_children_next(&children)) != NULL;) {
        if (is_among(children.name, allowed, n))
            continue;
        sotto_json_node node = {.doc = obj.doc, .val = child};
        return sotto_json_bad(node, diag, SOTTO_ERR(CODEC, MALFORMED), "no member of this name belongs here");
    }
    return SOTTO_OK;
}
