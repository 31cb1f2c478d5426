/* A second reading of ONNX files (onnx.proto3): every list as doubles. It shares nothing with the compiler
 * but the reader of protobuf's fields, and is only for files that the compiler took. */
#include "learn/walker_graph.h"
#include "office/args.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct chunk {
    struct chunk *next;
    size_t padding;
} chunk;

void *learn_graph_take(walker_graph *g, size_t count, size_t bytes)
{
    size_t size;
    chunk *c = __builtin_mul_overflow(count, bytes, &size) || size > SIZE_MAX / 2
                   ? NULL
                   : calloc(1, sizeof *c + size);
    if (c == NULL)
        return NULL;
    c->next = g->chunks;
    g->chunks = c;
    return c + 1;
}

void learn_walker_graph_free(walker_graph *g)
{
    for (chunk *c = g == NULL ? NULL : g->chunks, *next; c != NULL; c = next) {
        next = c->next;
        free(c);
    }
    free(g);
}

const graph_attribute *learn_graph_attribute(const graph_node *n, const char *name)
{
    for (size_t i = 0; i < n->attribute_count; i++)
        if (sotto_span_is(n->attributes[i].name, name))
            return &n->attributes[i];
    return NULL;
}

double learn_graph_number(const graph_attribute *a, size_t i, double absent)
{
    return a == NULL || i >= a->number_count ? absent : a->numbers[i];
}

/* ---- Lists ---- */

enum width { VARINT = 0, FLOAT32 = 4, INT64 = 8, FLOAT64 = 9, INT32 = 5 };

static double number_of(enum width width, uint64_t bits)
{
    uint32_t low = (uint32_t)bits;
    int32_t low_signed;
    float single;
    double full;
    memcpy(&single, &low, sizeof single);
    memcpy(&low_signed, &low, sizeof low_signed);
    memcpy(&full, &bits, sizeof full);
    return width == FLOAT32   ? (double)single
           : width == FLOAT64 ? full
           : width == INT32   ? (double)low_signed
                              : (double)(int64_t)bits;
}

static bool next_packed(sotto_cursor *c, enum width width, uint64_t *bits)
{
    if (width == VARINT)
        return sotto_protobuf_varint(c, bits);
    size_t left = (size_t)(c->end - c->at), bytes = width == FLOAT32 || width == INT32 ? 4 : 8;
    if (left < bytes)
        return false;
    *bits = bytes == 8 ? sotto_cursor_u64(c) : sotto_cursor_u32(c);
    return true;
}

/* All numbers of a field, packed or one by one, behind `at` of out; out NULL: only counted. */
static size_t gather(sotto_span message, uint32_t field, enum width width, double *out)
{
    sotto_cursor c = sotto_cursor_of(message);
    sotto_protobuf_field f;
    size_t n = 0;
    uint64_t bits = 0;
    while (sotto_protobuf_next(&c, &f)) {
        if (f.number != field)
            continue;
        sotto_cursor packed = sotto_cursor_of(f.bytes);
        bool single = f.wire != SOTTO_PROTOBUF_BYTES;
        bits = f.value;
        while (single || next_packed(&packed, width, &bits)) {
            if (out != NULL)
                out[n] = number_of(width, bits);
            n++;
            if (single)
                break;
        }
    }
    return n;
}

static bool numbers(walker_graph *g, sotto_span message, uint32_t field, enum width width, double **out,
                    size_t *count)
{
    *count = gather(message, field, width, NULL);
    *out = learn_graph_take(g, *count, sizeof **out);
    if (*out != NULL)
        (void)gather(message, field, width, *out);
    return *out != NULL;
}

static bool words(walker_graph *g, sotto_span message, uint32_t field, sotto_span **out, size_t *count)
{
    sotto_protobuf_field f;
    for (int pass = 0; pass < 2; pass++) {
        sotto_cursor c = sotto_cursor_of(message);
        *count = 0;
        while (sotto_protobuf_next(&c, &f))
            if (f.number == field) {
                if (pass == 1)
                    (*out)[*count] = f.bytes;
                (*count)++;
            }
        if (pass == 0 && (*out = learn_graph_take(g, *count, sizeof **out)) == NULL)
            return false;
    }
    return true;
}

static sotto_protobuf_field last_field(sotto_span message, uint32_t number)
{
    sotto_cursor c = sotto_cursor_of(message);
    sotto_protobuf_field f, found = {.number = 0};
    while (sotto_protobuf_next(&c, &f))
        if (f.number == number)
            found = f;
    return found;
}

/* TensorProto: data_type 2 (1 float, 6 int32, 7 int64, 11 double), its list, or raw_data 9. */
static bool tensor(walker_graph *g, sotto_span message, double **out, size_t *count)
{
    static const struct {
        uint64_t type;
        uint32_t field;
        enum width listed, raw;
    } KINDS[] = {
        {1, 4, FLOAT32, FLOAT32}, {6, 5, VARINT, INT32}, {7, 7, VARINT, INT64}, {11, 10, FLOAT64, FLOAT64}};
    uint64_t type = last_field(message, 2).value;
    bool raw = last_field(message, 9).bytes.len > 0;
    for (size_t i = 0; i < SOTTO_COUNT(KINDS); i++)
        if (KINDS[i].type == type)
            return numbers(g, message, raw ? 9 : KINDS[i].field, raw ? KINDS[i].raw : KINDS[i].listed, out,
                           count);
    *count = 0;
    return true;
}

/* AttributeProto: name 1, f 2, i 3, s 4, t 5, floats 7, ints 8, strings 9. */
static bool attribute(walker_graph *g, sotto_span message, graph_attribute *a)
{
    sotto_protobuf_field t = last_field(message, 5);
    a->name = last_field(message, 1).bytes;
    a->word = last_field(message, 4).bytes;
    a->f = number_of(FLOAT32, last_field(message, 2).value);
    a->i = (double)(int64_t)last_field(message, 3).value;
    bool good = words(g, message, 9, &a->words, &a->word_count);
    if (t.number != 0)
        return good && tensor(g, t.bytes, &a->numbers, &a->number_count);
    if (gather(message, 7, FLOAT32, NULL) > 0)
        return good && numbers(g, message, 7, FLOAT32, &a->numbers, &a->number_count);
    return good && numbers(g, message, 8, VARINT, &a->numbers, &a->number_count);
}

/* NodeProto: input 1, output 2, op_type 4, attribute 5. */
static bool node(walker_graph *g, sotto_span message, graph_node *n)
{
    sotto_span *list;
    size_t count;
    n->op = last_field(message, 4).bytes;
    bool good = words(g, message, 1, &n->inputs, &n->input_count) &&
                words(g, message, 2, &n->outputs, &n->output_count) && words(g, message, 5, &list, &count);
    n->attributes = good ? learn_graph_take(g, count, sizeof *n->attributes) : NULL;
    for (size_t i = 0; n->attributes != NULL && good && i < count; i++)
        good = attribute(g, list[i], &n->attributes[n->attribute_count++]);
    return n->attributes != NULL && good;
}

/* ValueInfoProto: name 1, type 2 { tensor_type 1 { shape 2 { dim 1 { dim_value 1 } } } }. */
static void input(sotto_span message, graph_value *v)
{
    v->name = last_field(message, 1).bytes;
    sotto_span shape = last_field(last_field(last_field(message, 2).bytes, 1).bytes, 2).bytes;
    v->count = (size_t)last_field(last_field(shape, 1).bytes, 1).value;
}

static bool same(sotto_span a, sotto_span b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

/* GraphProto: node 1, initializer 5 (TensorProto: name 8), input 11. An initializer may stand among the
 * inputs. */
sotto_status learn_graph_read(walker_graph *g, sotto_span file, sotto_diag *diag)
{
    sotto_span graph = last_field(file, 7).bytes, *list[3];
    size_t count[3];
    static const uint32_t FIELDS[] = {11, 5, 1};
    bool good = true;
    for (size_t i = 0; good && i < 3; i++)
        good = words(g, graph, FIELDS[i], &list[i], &count[i]);
    g->values = good ? learn_graph_take(g, count[0] + count[1] + count[2], sizeof *g->values) : NULL;
    g->nodes = g->values == NULL ? NULL : learn_graph_take(g, count[2], sizeof *g->nodes);
    good = g->nodes != NULL;
    for (size_t i = 0; good && i < count[0]; i++) {
        bool constant = false;
        for (size_t k = 0; k < count[1]; k++)
            constant |= same(last_field(list[0][i], 1).bytes, last_field(list[1][k], 8).bytes);
        if (!constant)
            input(list[0][i], &g->values[g->inputs++]);
    }
    g->value_count = g->inputs;
    for (size_t i = 0; good && i < count[1]; i++) {
        graph_value *v = &g->values[g->value_count++];
        double *constant = NULL;
        v->name = last_field(list[1][i], 8).bytes;
        good = tensor(g, list[1][i], &constant, &v->count);
        v->constant = constant;
    }
    for (size_t i = 0; good && i < count[2]; i++)
        good = node(g, list[2][i], &g->nodes[g->node_count++]);
    return good ? SOTTO_OK : hq_no_memory(diag);
}

sotto_status learn_walker_load_onnx(learn_walker *w, sotto_span file, const char *name, sotto_diag *diag)
{
    w->has_bias = true;
    w->graph = calloc(1, sizeof *w->graph);
    if (w->graph == NULL)
        return hq_no_memory(diag);
    sotto_status status = learn_graph_read(w->graph, file, diag);
    if (status == SOTTO_OK)
        status = learn_graph_plan(w, diag);
    if (status != SOTTO_OK)
        return status;
    status = learn_graph_model(w);
    if (status == SOTTO_OK)
        return SOTTO_OK;
    return sotto_diag_at(diag, status, name, 0, "the second reading finds other trees or outputs in it");
}
