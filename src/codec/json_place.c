/* Where a value stands in its file. The parser keeps no positions, and nobody pays for them until something
 * is wrong: then the value's number in file order is counted in the tree, and the text, which is known to be
 * valid JSON, is walked to the value of that number. */
#include "json_priv.h"

#include <stdio.h>
#include <string.h>

typedef struct level {
    bool object;
    bool want_name;  /* the next string is a name */
    size_t index;    /* of the current element */
    sotto_span name; /* of the current member, as written */
} level;

typedef struct walk {
    sotto_span text;
    size_t at;
    uint64_t line;
    size_t seen; /* values passed; names are not values */
    unsigned depth;
    level levels[SOTTO_JSON_DEPTH_MAX];
} walk;

/* Values before `wanted` in file order are added to *before. */
static bool count_before(yyjson_val *val, const yyjson_val *wanted, size_t *before)
{
    if (val == wanted)
        return true;
    ++*before;
    sotto_json_children children = sotto_json_children_of(val);
    for (yyjson_val *child; (child = sotto_json_children_next(&children)) != NULL;)
        if (count_before(child, wanted, before))
            return true;
    return false;
}

static size_t string_end(sotto_span text, size_t at)
{
    for (at++; at < text.len && text.ptr[at] != '"'; at++)
        at += text.ptr[at] == '\\';
    return at < text.len ? at + 1 : text.len;
}

static size_t scalar_end(sotto_span text, size_t at)
{
    while (at < text.len && strchr(" \t\r\n,]}", text.ptr[at]) == NULL)
        at++;
    return at;
}

static void take_name(walk *w)
{
    level *l = &w->levels[w->depth - 1];
    size_t end = string_end(w->text, w->at);
    l->name = sotto_span_of(w->text.ptr + w->at + 1, end - w->at - 2);
    l->want_name = false;
    w->at = end;
}

/* Passes one byte of structure; false when a value begins here instead. */
static bool pass_structure(walk *w)
{
    uint8_t c = w->text.ptr[w->at];
    level *l = w->depth > 0 ? &w->levels[w->depth - 1] : NULL;
    if (c == '"' && l != NULL && l->want_name) {
        take_name(w);
        return true;
    }
    if (strchr(" \t\r\n,:]}", c) == NULL)
        return false;
    if (c == '\n')
        w->line++;
    if (c == ',' && l != NULL) {
        l->index++;
        l->want_name = l->object;
    }
    if ((c == ']' || c == '}') && w->depth > 0)
        w->depth--;
    w->at++;
    return true;
}

/* Goes into a container, or passes a scalar. */
static void pass_value(walk *w)
{
    uint8_t c = w->text.ptr[w->at];
    w->seen++;
    if (c == '"') {
        w->at = string_end(w->text, w->at);
    } else if (c == '{' || c == '[') {
        if (w->depth < SOTTO_JSON_DEPTH_MAX)
            w->levels[w->depth++] = (level){.object = c == '{', .want_name = c == '{'};
        w->at++;
    } else {
        w->at = scalar_end(w->text, w->at);
    }
}

static void walk_to(walk *w, size_t number)
{
    while (w->at < w->text.len)
        if (!pass_structure(w)) {
            if (w->seen == number)
                return;
            pass_value(w);
        }
}

/* "name: campaigns[2].cap" */
static void write_where(const walk *w, const char *name, sotto_buf *out)
{
    char part[32];
    sotto_status status = sotto_buf_put(out, name, strlen(name));
    if (name[0] != '\0' && w->depth > 0 && status == SOTTO_OK)
        status = sotto_buf_put(out, ": ", 2);
    for (unsigned i = 0; i < w->depth && status == SOTTO_OK; i++) {
        const level *l = &w->levels[i];
        if (l->object) {
            status = sotto_buf_put(out, ".", i > 0);
            if (status == SOTTO_OK)
                status = sotto_buf_put(out, l->name.ptr, l->name.len);
        } else {
            int n = snprintf(part, sizeof part, "[%zu]", l->index);
            status = sotto_buf_put(out, part, (size_t)n);
        }
    }
    if (status != SOTTO_OK) /* no room for the whole path: its beginning says enough, beside the line */
        (void)!sotto_buf_put(out, "...", 3);
}

static void set_place(sotto_json_node node, sotto_diag *diag)
{
    char where[sizeof diag->where] = "";
    size_t before = 0;
    yyjson_val *root = yyjson_doc_get_root(node.doc->doc);
    if (node.val == NULL || !count_before(root, node.val, &before)) {
        (void)snprintf(diag->where, sizeof diag->where, "%s", node.doc->name);
        return;
    }
    walk w = {.text = sotto_span_of(node.doc->text, node.doc->len), .line = 1};
    walk_to(&w, before);
    sotto_buf out = sotto_buf_of(where, sizeof where - 4);
    write_where(&w, node.doc->name, &out);
    (void)!sotto_diag_at(diag, diag->status, where, w.line, "%s", diag->text);
    diag->offset = w.at;
    diag->has_offset = true;
}

sotto_status sotto_json_bad(sotto_json_node node, sotto_diag *diag, sotto_status status, const char *format,
                            ...)
{
    if (diag == NULL)
        return status;
    char text[sizeof diag->text];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);
    (void)!sotto_diag_at(diag, status, "", 0, "%s", text);
    if (node.doc != NULL)
        set_place(node, diag);
    return status;
}
