/* Any bytes as JSON. What is taken is written again by our own writer, and that text is taken and written to
 * the same bytes; every node can say its place. */
#include "fuzz.h"

#include "sotto/codec.h"

#include <string.h>

static void write_node(sotto_json_writer *w, sotto_json_node node);

static void write_children(sotto_json_writer *w, sotto_json_node node, bool object)
{
    for (size_t i = 0; i < sotto_json_count(node); i++) {
        sotto_span name = {0};
        sotto_json_node child = object ? sotto_json_member_at(node, i, &name) : sotto_json_at(node, i);
        char text[256];
        /* The writer takes names as C strings; a name with a zero byte, or a long one, is left out with its
         * value. */
        if (object && sotto_span_to_str(name, text, sizeof text) != SOTTO_OK)
            continue;
        if (object) {
            require(sotto_json_member(node, text).val == child.val);
            sotto_json_name(w, text);
        }
        write_node(w, child);
    }
}

static void write_node(sotto_json_writer *w, sotto_json_node node)
{
    sotto_span text;
    bool b;
    switch (sotto_json_type(node)) {
    case SOTTO_JSON_NULL:
        sotto_json_null(w);
        break;
    case SOTTO_JSON_BOOL:
        require(sotto_json_as_bool(node, &b, NULL) == SOTTO_OK);
        sotto_json_bool(w, b);
        break;
    case SOTTO_JSON_INT:
    case SOTTO_JSON_REAL:
        require(sotto_json_as_number_text(node, &text, NULL) == SOTTO_OK);
        sotto_json_raw(w, text);
        break;
    case SOTTO_JSON_STR:
        require(sotto_json_as_str(node, &text, NULL) == SOTTO_OK && sotto_utf8_valid(text, NULL));
        sotto_json_str(w, text);
        break;
    case SOTTO_JSON_ARR:
        sotto_json_arr(w);
        write_children(w, node, false);
        sotto_json_arr_end(w);
        break;
    default:
        require(sotto_json_type(node) == SOTTO_JSON_OBJ);
        sotto_json_obj(w);
        write_children(w, node, true);
        sotto_json_obj_end(w);
    }
}

/* Wrong questions: an answer, and a place in the text. */
static void ask(sotto_json_node node, size_t size)
{
    int64_t v;
    sotto_diag diag = {0};
    static const char *const ALLOWED[] = {"a", "b"};
    if (sotto_json_as_i64(node, -5, 5, &v, &diag) != SOTTO_OK)
        require(diag.line >= 1 && diag.offset < size);
    if (sotto_json_as_decimal(node, 3, &v, &diag) != SOTTO_OK)
        require(diag.line >= 1 && diag.offset < size);
    if (sotto_json_only(node, ALLOWED, 2, &diag) != SOTTO_OK)
        require(diag.line >= 1 && diag.offset < size);
    for (size_t i = 0; i < sotto_json_count(node) && i < 8; i++)
        ask(sotto_json_at(node, i), size);
}

static size_t rewrite(const sotto_json *doc, uint8_t *out, size_t cap)
{
    sotto_buf buf = sotto_buf_of(out, cap);
    sotto_json_writer w = sotto_json_writer_of(&buf);
    write_node(&w, sotto_json_root(doc));
    require(sotto_json_writer_end(&w) == SOTTO_OK);
    return buf.len;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    sotto_json *doc, *second;
    sotto_diag diag = {0};
    if (sotto_json_parse(&doc, sotto_span_of(data, size), "fuzz", &diag) != SOTTO_OK) {
        require(doc == NULL && diag.line >= 1 && diag.offset <= size);
        return 0;
    }
    ask(sotto_json_root(doc), size);
    size_t cap = 6 * size + 16; /* at worst each byte becomes \u00xx */
    uint8_t *once = malloc(cap), *twice = malloc(cap);
    require(once != NULL && twice != NULL);
    size_t len = rewrite(doc, once, cap);
    require(sotto_json_parse(&second, sotto_span_of(once, len), NULL, NULL) == SOTTO_OK);
    require(rewrite(second, twice, cap) == len && memcmp(once, twice, len) == 0);
    sotto_vec canonical;
    sotto_vec_init(&canonical, cap);
    (void)!sotto_json_canonical(sotto_json_root(doc), &canonical, NULL);
    sotto_vec_free(&canonical);
    sotto_json_free(second);
    sotto_json_free(doc);
    free(once);
    free(twice);
    return 0;
}
