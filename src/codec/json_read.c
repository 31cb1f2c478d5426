#include "json_priv.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

sotto_json_children sotto_json_children_of(yyjson_val *container)
{
    sotto_json_children c = {.object = yyjson_is_obj(container)};
    if (c.object)
        (void)yyjson_obj_iter_init(container, &c.obj);
    else
        (void)yyjson_arr_iter_init(container, &c.arr);
    return c;
}

yyjson_val *sotto_json_children_next(sotto_json_children *c)
{
    if (!c->object)
        return yyjson_arr_iter_next(&c->arr);
    c->name = yyjson_obj_iter_next(&c->obj);
    return c->name == NULL ? NULL : yyjson_obj_iter_get_val(c->name);
}

static int compare_names(const void *a, const void *b)
{
    yyjson_val *x = *(yyjson_val *const *)a, *y = *(yyjson_val *const *)b;
    size_t x_len = yyjson_get_len(x), y_len = yyjson_get_len(y);
    if (x_len != y_len)
        return x_len < y_len ? -1 : 1;
    return memcmp(yyjson_get_str(x), yyjson_get_str(y), x_len);
}

/* The later of two equal names next to each other in the sorted list, or NULL. */
static yyjson_val *find_twin(yyjson_val **names, size_t n)
{
    qsort(names, n, sizeof *names, compare_names);
    for (size_t i = 1; i < n; i++)
        if (compare_names(&names[i - 1], &names[i]) == 0)
            return names[i - 1] > names[i] ? names[i - 1] : names[i];
    return NULL;
}

/* Sorting keeps an object of many members from costing the square of their number. */
static sotto_status check_names(const sotto_json *doc, yyjson_val *object, sotto_diag *diag)
{
    enum { FEW = 32 };
    yyjson_val *few[FEW], **names = few, *twin;
    size_t n = yyjson_obj_size(object), i = 0;
    if (n < 2)
        return SOTTO_OK;
    if (n > FEW && (names = calloc(n, sizeof *names)) == NULL)
        return sotto_diag_set(diag, SOTTO_ERR(CODEC, NO_MEMORY), "no memory to check %zu names", n);
    sotto_json_children children = sotto_json_children_of(object);
    while (sotto_json_children_next(&children) != NULL)
        names[i++] = children.name;
    twin = find_twin(names, n);
    if (names != few)
        free(names);
    if (twin == NULL)
        return SOTTO_OK;
    sotto_json_node node = {.doc = doc, .val = yyjson_obj_iter_get_val(twin)};
    return sotto_json_bad(node, diag, SOTTO_ERR(CODEC, MALFORMED), "a member of this name comes twice");
}

/* What the library leaves open: depth and equal names. Recursion is as deep as the document may be. */
static sotto_status check_value(const sotto_json *doc, yyjson_val *val, unsigned depth, sotto_diag *diag)
{
    if (!yyjson_is_ctn(val))
        return SOTTO_OK;
    sotto_json_node node = {.doc = doc, .val = val};
    if (depth == SOTTO_JSON_DEPTH_MAX)
        return sotto_json_bad(node, diag, SOTTO_ERR(CODEC, MALFORMED), "nested more than %d deep",
                              SOTTO_JSON_DEPTH_MAX);
    sotto_status status = yyjson_is_obj(val) ? check_names(doc, val, diag) : SOTTO_OK;
    sotto_json_children children = sotto_json_children_of(val);
    for (yyjson_val *child; status == SOTTO_OK && (child = sotto_json_children_next(&children)) != NULL;)
        status = check_value(doc, child, depth + 1, diag);
    return status;
}

/* A text that ends too early ends in its last line, not behind the newline that closes it. */
static uint64_t line_of(const uint8_t *text, size_t len, size_t offset)
{
    uint64_t line = 1;
    if (offset == len && offset > 0 && text[offset - 1] == '\n')
        offset--;
    for (size_t i = 0; i < offset; i++)
        line += text[i] == '\n';
    return line;
}

static sotto_status refuse(const sotto_json *doc, const yyjson_read_err *err, sotto_diag *diag)
{
    if (err->code == YYJSON_READ_ERROR_MEMORY_ALLOCATION)
        return sotto_diag_at(diag, SOTTO_ERR(CODEC, NO_MEMORY), doc->name, 0,
                             "no memory for %zu bytes of JSON", doc->len);
    size_t offset = err->pos < doc->len ? err->pos : doc->len;
    sotto_status status =
        sotto_diag_at(diag, SOTTO_ERR(CODEC, MALFORMED), doc->name, line_of(doc->text, doc->len, offset),
                      "not JSON at byte %zu: %s", offset, err->msg);
    if (diag != NULL) {
        diag->offset = offset;
        diag->has_offset = true;
    }
    return status;
}

/* One block: the document, the place it keeps, the text. */
static sotto_json *allocate(sotto_span text, const char *name)
{
    size_t head = sizeof(sotto_json) + sizeof(sotto_json_recent);
    sotto_json *doc = malloc(head + text.len);
    if (doc == NULL)
        return NULL;
    memset(doc, 0, head);
    uint8_t *copy = (uint8_t *)doc + head;
    if (text.len > 0)
        memcpy(copy, text.ptr, text.len);
    doc->recent = (sotto_json_recent *)(void *)(doc + 1);
    doc->text = copy;
    doc->len = text.len;
    (void)snprintf(doc->name, sizeof doc->name, "%s", name != NULL ? name : "");
    return doc;
}

static sotto_status parse(sotto_json **out, sotto_span text, size_t most, const char *name, sotto_diag *diag)
{
    *out = NULL;
    if (text.len > most)
        return sotto_diag_at(diag, SOTTO_ERR(CODEC, RANGE), name, 0,
                             "%zu bytes of JSON, where %zu are the most", text.len, most);
    sotto_json *doc = allocate(text, name);
    if (doc == NULL)
        return sotto_diag_at(diag, SOTTO_ERR(CODEC, NO_MEMORY), name, 0, "no memory for %zu bytes of JSON",
                             text.len);
    yyjson_read_err err = {.code = YYJSON_READ_ERROR_EMPTY_CONTENT, .msg = "it is empty", .pos = 0};
    if (text.len > 0) /* without IN_SITU the library copies the text and does not write to it */
        doc->doc =
            yyjson_read_opts((char *)(uintptr_t)doc->text, doc->len, YYJSON_READ_NUMBER_AS_RAW, NULL, &err);
    sotto_status status =
        doc->doc == NULL ? refuse(doc, &err, diag) : check_value(doc, yyjson_doc_get_root(doc->doc), 0, diag);
    if (status != SOTTO_OK) {
        sotto_json_free(doc);
        return status;
    }
    *out = doc;
    return SOTTO_OK;
}

sotto_status sotto_json_parse(sotto_json **out, sotto_span text, const char *name, sotto_diag *diag)
{
    return parse(out, text, SOTTO_JSON_TEXT_MAX, name, diag);
}

sotto_status sotto_json_parse_large(sotto_json **out, sotto_span text, const char *name, sotto_diag *diag)
{
    return parse(out, text, SOTTO_JSON_LARGE_MAX, name, diag);
}

void sotto_json_free(sotto_json *doc)
{
    if (doc == NULL)
        return;
    yyjson_doc_free(doc->doc);
    free(doc);
}

sotto_json_node sotto_json_root(const sotto_json *doc)
{
    return (sotto_json_node){.doc = doc, .val = yyjson_doc_get_root(doc->doc)};
}

static bool is_integer_text(yyjson_val *number)
{
    const char *text = yyjson_get_raw(number);
    for (size_t i = 0; i < yyjson_get_len(number); i++)
        if (text[i] == '.' || text[i] == 'e' || text[i] == 'E')
            return false;
    return true;
}

enum sotto_json_type sotto_json_type(sotto_json_node node)
{
    yyjson_val *val = sotto_json_val(node);
    switch (yyjson_get_type(val)) {
    case YYJSON_TYPE_NULL:
        return SOTTO_JSON_NULL;
    case YYJSON_TYPE_BOOL:
        return SOTTO_JSON_BOOL;
    case YYJSON_TYPE_RAW: /* every number, by YYJSON_READ_NUMBER_AS_RAW */
        return is_integer_text(val) ? SOTTO_JSON_INT : SOTTO_JSON_REAL;
    case YYJSON_TYPE_STR:
        return SOTTO_JSON_STR;
    case YYJSON_TYPE_ARR:
        return SOTTO_JSON_ARR;
    case YYJSON_TYPE_OBJ:
        return SOTTO_JSON_OBJ;
    default:
        return SOTTO_JSON_ABSENT;
    }
}

sotto_json_node sotto_json_member(sotto_json_node obj, const char *name)
{
    return (sotto_json_node){.doc = obj.doc, .val = yyjson_obj_get(sotto_json_val(obj), name)};
}

size_t sotto_json_count(sotto_json_node node)
{
    yyjson_val *val = sotto_json_val(node);
    return yyjson_is_obj(val) ? yyjson_obj_size(val) : yyjson_arr_size(val);
}

/* Moves the document's place to child `index` of a container that has so many. */
static void move_to(sotto_json_recent *recent, yyjson_val *container, size_t index)
{
    if (recent->container != container || recent->index > index) {
        recent->container = container;
        recent->rest = sotto_json_children_of(container);
        recent->child = sotto_json_children_next(&recent->rest);
        recent->index = 0;
    }
    for (; recent->index < index; recent->index++)
        recent->child = sotto_json_children_next(&recent->rest);
}

sotto_json_node sotto_json_member_at(sotto_json_node obj, size_t index, sotto_span *name)
{
    *name = (sotto_span){0};
    if (!yyjson_is_obj(sotto_json_val(obj)) || index >= sotto_json_count(obj))
        return (sotto_json_node){.doc = obj.doc};
    sotto_json_recent *recent = obj.doc->recent;
    move_to(recent, sotto_json_val(obj), index);
    *name = sotto_span_of(yyjson_get_str(recent->rest.name), yyjson_get_len(recent->rest.name));
    return (sotto_json_node){.doc = obj.doc, .val = recent->child};
}

sotto_json_node sotto_json_at(sotto_json_node node, size_t index)
{
    yyjson_val *val = sotto_json_val(node);
    if (index >= sotto_json_count(node))
        return (sotto_json_node){.doc = node.doc};
    if (yyjson_is_arr(val) &&
        unsafe_yyjson_arr_is_flat(val)) /* no containers inside: found by its index alone */
        return (sotto_json_node){.doc = node.doc, .val = yyjson_arr_get(val, index)};
    move_to(node.doc->recent, val, index);
    return (sotto_json_node){.doc = node.doc, .val = node.doc->recent->child};
}
