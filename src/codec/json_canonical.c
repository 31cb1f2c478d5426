/* The form of JSON that TUF signs: "Canonical JSON" of the OLPC wiki, as the TUF specification 1.0,
 * section 4.2, names it. Names sorted by code point (for UTF-8 the order of the bytes), no spaces, integers
 * only, and in strings nothing escaped but the quote and the backslash. */
#include "json_priv.h"

#include <stdlib.h>
#include <string.h>

static sotto_status put(sotto_vec *out, const char *text)
{
    return sotto_vec_put(out, text, strlen(text));
}

static sotto_status put_string(yyjson_val *val, sotto_vec *out)
{
    const char *text = yyjson_get_str(val);
    size_t len = yyjson_get_len(val), start = 0;
    sotto_status status = put(out, "\"");
    for (size_t i = 0; i < len && status == SOTTO_OK; i++) {
        if (text[i] != '"' && text[i] != '\\')
            continue;
        status = sotto_vec_put(out, text + start, i - start);
        if (status == SOTTO_OK)
            status = put(out, "\\");
        start = i; /* the byte itself comes with what follows */
    }
    if (status == SOTTO_OK)
        status = sotto_vec_put(out, text + start, len - start);
    return status == SOTTO_OK ? put(out, "\"") : status;
}

static sotto_status put_number(sotto_json_node node, sotto_vec *out, sotto_diag *diag)
{
    if (sotto_json_type(node) != SOTTO_JSON_INT)
        return sotto_json_bad(node, diag, SOTTO_ERR(CODEC, MALFORMED), "canonical JSON has integers only");
    const char *text = yyjson_get_raw(sotto_json_val(node));
    size_t len = yyjson_get_len(sotto_json_val(node));
    return len == 2 && memcmp(text, "-0", 2) == 0 ? put(out, "0") : sotto_vec_put(out, text, len);
}

static sotto_status put_value(sotto_json_node node, sotto_vec *out, sotto_diag *diag);

static sotto_status put_array(sotto_json_node node, sotto_vec *out, sotto_diag *diag)
{
    sotto_json_children children = sotto_json_children_of(sotto_json_val(node));
    const char *before = "[";
    sotto_status status = SOTTO_OK;
    for (yyjson_val *child; status == SOTTO_OK && (child = sotto_json_children_next(&children)) != NULL;) {
        status = put(out, before);
        if (status == SOTTO_OK)
            status = put_value((sotto_json_node){.doc = node.doc, .val = child}, out, diag);
        before = ",";
    }
    if (status == SOTTO_OK)
        status = put(out, before[0] == '[' ? "[]" : "]");
    return status;
}

static int compare_bytes(const void *a, const void *b)
{
    yyjson_val *x = *(yyjson_val *const *)a, *y = *(yyjson_val *const *)b;
    size_t x_len = yyjson_get_len(x), y_len = yyjson_get_len(y);
    int order = memcmp(yyjson_get_str(x), yyjson_get_str(y), x_len < y_len ? x_len : y_len);
    return order != 0 ? order : (x_len > y_len) - (x_len < y_len);
}

static sotto_status put_members(const sotto_json *doc, yyjson_val **names, size_t n, sotto_vec *out,
                                sotto_diag *diag)
{
    sotto_status status = put(out, "{");
    for (size_t i = 0; i < n && status == SOTTO_OK; i++) {
        if (i > 0)
            status = put(out, ",");
        if (status == SOTTO_OK)
            status = put_string(names[i], out);
        if (status == SOTTO_OK)
            status = put(out, ":");
        if (status == SOTTO_OK)
            status =
                put_value((sotto_json_node){.doc = doc, .val = yyjson_obj_iter_get_val(names[i])}, out, diag);
    }
    return status == SOTTO_OK ? put(out, "}") : status;
}

static sotto_status put_object(sotto_json_node node, sotto_vec *out, sotto_diag *diag)
{
    size_t n = sotto_json_count(node), i = 0;
    if (n == 0)
        return put(out, "{}");
    yyjson_val **names = calloc(n, sizeof *names);
    if (names == NULL)
        return SOTTO_ERR(CODEC, NO_MEMORY);
    sotto_json_children children = sotto_json_children_of(sotto_json_val(node));
    while (sotto_json_children_next(&children) != NULL)
        names[i++] = children.name;
    qsort(names, n, sizeof *names, compare_bytes);
    sotto_status status = put_members(node.doc, names, n, out, diag);
    free(names);
    return status;
}

static sotto_status put_value(sotto_json_node node, sotto_vec *out, sotto_diag *diag)
{
    yyjson_val *val = sotto_json_val(node);
    switch (sotto_json_type(node)) {
    case SOTTO_JSON_NULL:
        return put(out, "null");
    case SOTTO_JSON_BOOL:
        return put(out, yyjson_get_bool(val) ? "true" : "false");
    case SOTTO_JSON_STR:
        return put_string(val, out);
    case SOTTO_JSON_ARR:
        return put_array(node, out, diag);
    case SOTTO_JSON_OBJ:
        return put_object(node, out, diag);
    case SOTTO_JSON_ABSENT:
        return sotto_json_bad(node, diag, SOTTO_ERR(CODEC, MALFORMED), "a value expected, nothing found");
    default:
        return put_number(node, out, diag);
    }
}

sotto_status sotto_json_canonical(sotto_json_node node, sotto_vec *out, sotto_diag *diag)
{
    size_t before = out->len;
    sotto_status status = put_value(node, out, diag);
    if (status == SOTTO_OK)
        return SOTTO_OK;
    out->len = before;
    if (sotto_status_cause(status) != SOTTO_CAUSE_MALFORMED) /* the vector's: memory or limit */
        return sotto_json_bad(node, diag, status, "no room for the canonical form");
    return status;
}
