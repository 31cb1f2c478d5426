/* The parts of onnx.proto3 that a compiled model needs, field by field. Numbers in comments' stead: each case
 * names the field of the message that its function reads. */
#include "onnx.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct chunk {
    struct chunk *next;
    size_t padding;
} chunk;

void *sotto_onnx_take(onnx *o, size_t count, size_t bytes)
{
    size_t size;
    if (__builtin_mul_overflow(count, bytes, &size) || size > SIZE_MAX - sizeof(chunk))
        return NULL;
    chunk *c = calloc(1, sizeof *c + size);
    if (c == NULL)
        return NULL;
    c->next = o->chunks;
    o->chunks = c;
    return c + 1;
}

void sotto_onnx_free(onnx *o)
{
    for (chunk *c = o->chunks, *next; c != NULL; c = next) {
        next = c->next;
        free(c);
    }
    o->chunks = NULL;
}

sotto_status sotto_onnx_bad(const onnx *o, const onnx_node *n, const char *attribute, sotto_status status,
                            const char *format, ...)
{
    char text[160];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);
    return sotto_diag_at(o->diag, status, o->options->file_name, 0, "node %.*s (%.*s)%s%s: %s",
                         (int)(n->name.len < 60 ? n->name.len : 60), (const char *)n->name.ptr,
                         (int)(n->op.len < 40 ? n->op.len : 40), (const char *)n->op.ptr,
                         attribute == NULL ? "" : ", ", attribute == NULL ? "" : attribute, text);
}

bool sotto_onnx_same(sotto_span a, sotto_span b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

const onnx_attribute *sotto_onnx_attribute(const onnx_node *n, const char *name)
{
    for (size_t i = 0; i < n->attribute_count; i++)
        if (sotto_span_is(n->attributes[i].name, name))
            return &n->attributes[i];
    return NULL;
}

int64_t sotto_onnx_int(const onnx_node *n, const char *name, int64_t absent)
{
    const onnx_attribute *a = sotto_onnx_attribute(n, name);
    return a == NULL ? absent : a->i;
}

const onnx_tensor *sotto_onnx_tensor(const onnx *o, sotto_span name)
{
    for (size_t i = 0; i < o->tensor_count; i++)
        if (sotto_onnx_same(o->tensors[i].name, name))
            return &o->tensors[i];
    return NULL;
}

/* Where a message went wrong, as an offset in the file. */
typedef struct reading {
    onnx *o;
    const uint8_t *start;
} reading;

static sotto_status ended(const reading *r, const sotto_cursor *c)
{
    if (c->status == SOTTO_OK)
        return SOTTO_OK;
    return sotto_diag_at_offset(r->o->diag, SOTTO_ERR(FORGE, MALFORMED), r->o->options->file_name,
                                (uint64_t)(c->at - r->start), "not an ONNX file, or a damaged one");
}

static sotto_status no_memory(const reading *r)
{
    return sotto_forge_no_memory(r->o->diag);
}

static size_t count_fields(sotto_span message, uint32_t number)
{
    sotto_cursor c = sotto_cursor_of(message);
    sotto_protobuf_field f;
    size_t n = 0;
    while (sotto_protobuf_next(&c, &f))
        n += f.number == number;
    return n;
}

static float to_float(uint32_t bits)
{
    float v;
    memcpy(&v, &bits, sizeof v);
    return v;
}

static double to_double(uint64_t bits)
{
    double v;
    memcpy(&v, &bits, sizeof v);
    return v;
}

/* How many numbers the packed and single fields of that number hold: fixed of `width` bytes, or varints (0).
 */
static size_t count_numbers(sotto_span message, uint32_t number, size_t width)
{
    sotto_cursor c = sotto_cursor_of(message);
    sotto_protobuf_field f;
    size_t n = 0;
    while (sotto_protobuf_next(&c, &f)) {
        if (f.number != number)
            continue;
        if (f.wire != SOTTO_PROTOBUF_BYTES)
            n++;
        else if (width > 0)
            n += f.bytes.len / width;
        else
            for (size_t i = 0; i < f.bytes.len; i++)
                n += (f.bytes.ptr[i] & 0x80) == 0;
    }
    return n;
}

typedef void (*put_number)(void *out, size_t at, uint64_t bits);
static void put_float(void *out, size_t at, uint64_t bits)
{
    ((float *)out)[at] = to_float((uint32_t)bits);
}
static void put_int(void *out, size_t at, uint64_t bits)
{
    ((int64_t *)out)[at] = (int64_t)bits;
}
static void put_float_value(void *out, size_t at, uint64_t bits)
{
    ((double *)out)[at] = (double)to_float((uint32_t)bits);
}
static void put_double_value(void *out, size_t at, uint64_t bits)
{
    ((double *)out)[at] = to_double(bits);
}
static void put_int_value(void *out, size_t at, uint64_t bits)
{
    ((double *)out)[at] = (double)(int64_t)bits;
}

static void unpack(sotto_span packed, size_t width, put_number put, void *out, size_t *n)
{
    sotto_cursor c = sotto_cursor_of(packed);
    uint64_t v;
    if (width == 0)
        while (sotto_protobuf_varint(&c, &v))
            put(out, (*n)++, v);
    for (size_t i = 0; width > 0 && i < packed.len / width; i++)
        put(out, (*n)++, width == 8 ? sotto_cursor_u64(&c) : sotto_cursor_u32(&c));
}

/* What count_numbers counted, into out. */
static size_t read_numbers(sotto_span message, uint32_t number, size_t width, put_number put, void *out)
{
    sotto_cursor c = sotto_cursor_of(message);
    sotto_protobuf_field f;
    size_t n = 0;
    while (sotto_protobuf_next(&c, &f)) {
        if (f.number != number)
            continue;
        if (f.wire == SOTTO_PROTOBUF_BYTES)
            unpack(f.bytes, width, put, out, &n);
        else
            put(out, n++, f.value);
    }
    return n;
}

/* TensorProto: float_data 4, int32_data 5, int64_data 7, raw_data 9, double_data 10. */
static sotto_status read_tensor(const reading *r, sotto_span message, onnx_tensor *t)
{
    sotto_cursor c = sotto_cursor_of(message);
    sotto_protobuf_field f;
    sotto_span raw = sotto_span_of(NULL, 0);
    bool outside = false;
    while (sotto_protobuf_next(&c, &f)) {
        if (f.number == 2)
            t->type = (int64_t)f.value;
        else if (f.number == 8)
            t->name = f.bytes;
        else if (f.number == 9)
            raw = f.bytes;
        else if (f.number == 14)
            outside = f.value != 0;
    }
    sotto_status status = ended(r, &c);
    if (status == SOTTO_OK && outside)
        status = sotto_diag_at(r->o->diag, SOTTO_ERR(FORGE, UNSUPPORTED), r->o->options->file_name, 0,
                               "tensor %.*s is kept in another file",
                               (int)(t->name.len < 60 ? t->name.len : 60), (const char *)t->name.ptr);
    if (status != SOTTO_OK)
        return status;
    bool is_float = t->type == ONNX_FLOAT, is_double = t->type == ONNX_DOUBLE;
    if (!is_float && !is_double && t->type != ONNX_INT64 && t->type != ONNX_INT32)
        return SOTTO_OK; /* no numbers: whoever needs it will say so */
    size_t width = is_float || t->type == ONNX_INT32 ? 4 : 8;
    uint32_t number = is_float ? 4 : is_double ? 10 : t->type == ONNX_INT32 ? 5 : 7;
    size_t packed = is_float || is_double ? width : 0;
    put_number put = is_float ? put_float_value : is_double ? put_double_value : put_int_value;
    t->count = raw.len > 0 ? raw.len / width : count_numbers(message, number, packed);
    t->values = sotto_onnx_take(r->o, t->count, sizeof *t->values);
    if (t->values == NULL)
        return no_memory(r);
    size_t n = 0;
    if (raw.len > 0)
        unpack(raw, width, put, t->values, &n);
    else
        (void)read_numbers(message, number, packed, put, t->values);
    return SOTTO_OK;
}

static sotto_status read_strings(const reading *r, sotto_span message, uint32_t number, sotto_span **out,
                                 size_t *count)
{
    sotto_cursor c = sotto_cursor_of(message);
    sotto_protobuf_field f;
    size_t n = count_fields(message, number);
    *out = sotto_onnx_take(r->o, n, sizeof **out);
    if (*out == NULL)
        return no_memory(r);
    while (sotto_protobuf_next(&c, &f))
        if (f.number == number)
            (*out)[(*count)++] = f.bytes;
    return SOTTO_OK;
}

/* AttributeProto: floats 7, ints 8, strings 9. */
static sotto_status read_attribute(const reading *r, sotto_span message, onnx_attribute *a)
{
    sotto_cursor c = sotto_cursor_of(message);
    sotto_protobuf_field f;
    sotto_span tensor = sotto_span_of(NULL, 0);
    while (sotto_protobuf_next(&c, &f)) {
        if (f.number == 1)
            a->name = f.bytes;
        else if (f.number == 2)
            a->f = to_float((uint32_t)f.value);
        else if (f.number == 3)
            a->i = (int64_t)f.value;
        else if (f.number == 4)
            a->s = f.bytes;
        else if (f.number == 5) {
            tensor = f.bytes;
            a->has_tensor = true;
        }
    }
    sotto_status status = ended(r, &c);
    if (status != SOTTO_OK)
        return status;
    a->floats = sotto_onnx_take(r->o, count_numbers(message, 7, 4), sizeof *a->floats);
    a->ints = sotto_onnx_take(r->o, count_numbers(message, 8, 0), sizeof *a->ints);
    if (a->floats == NULL || a->ints == NULL)
        return no_memory(r);
    a->float_count = read_numbers(message, 7, 4, put_float, a->floats);
    a->int_count = read_numbers(message, 8, 0, put_int, a->ints);
    status = read_strings(r, message, 9, &a->strings, &a->string_count);
    return status == SOTTO_OK && a->has_tensor ? read_tensor(r, tensor, &a->tensor) : status;
}

/* NodeProto: input 1, output 2, name 3, op_type 4, attribute 5, domain 7. */
static sotto_status read_node(const reading *r, sotto_span message, onnx_node *n)
{
    sotto_cursor c = sotto_cursor_of(message);
    sotto_protobuf_field f;
    size_t attributes = count_fields(message, 5);
    if (attributes > ONNX_ATTRIBUTES_MAX)
        return sotto_diag_at(r->o->diag, SOTTO_ERR(FORGE, RANGE), r->o->options->file_name, 0,
                             "a node of %zu attributes", attributes);
    n->attributes = sotto_onnx_take(r->o, attributes, sizeof *n->attributes);
    sotto_status status = n->attributes == NULL ? no_memory(r) : SOTTO_OK;
    while (status == SOTTO_OK && sotto_protobuf_next(&c, &f)) {
        if (f.number == 3)
            n->name = f.bytes;
        else if (f.number == 4)
            n->op = f.bytes;
        else if (f.number == 7)
            n->domain = f.bytes;
        else if (f.number == 5)
            status = read_attribute(r, f.bytes, &n->attributes[n->attribute_count++]);
    }
    if (status == SOTTO_OK)
        status = ended(r, &c);
    if (status == SOTTO_OK)
        status = read_strings(r, message, 1, &n->inputs, &n->input_count);
    if (status == SOTTO_OK)
        status = read_strings(r, message, 2, &n->outputs, &n->output_count);
    for (size_t i = 0; status == SOTTO_OK && i < n->attribute_count; i++)
        for (size_t k = 0; k < i; k++)
            if (sotto_onnx_same(n->attributes[i].name, n->attributes[k].name))
                return sotto_onnx_bad(r->o, n, NULL, SOTTO_ERR(FORGE, MALFORMED),
                                      "an attribute stands twice");
    return status;
}

/* The field of that number that stands last in a message; false when there is none. */
static bool inner(sotto_span message, uint32_t number, sotto_protobuf_field *out)
{
    sotto_cursor c = sotto_cursor_of(message);
    sotto_protobuf_field f;
    bool found = false;
    while (sotto_protobuf_next(&c, &f))
        if (f.number == number) {
            *out = f;
            found = true;
        }
    return found;
}

/* ValueInfoProto: name 1, type 2 { tensor_type 1 { elem_type 1, shape 2 { dim 1 { dim_value 1 } } } }. */
static void read_input(sotto_span message, onnx_input *in)
{
    sotto_protobuf_field f, tensor, dim;
    if (inner(message, 1, &f))
        in->name = f.bytes;
    if (!inner(message, 2, &f) || !inner(f.bytes, 1, &tensor))
        return;
    if (inner(tensor.bytes, 1, &f))
        in->type = (int64_t)f.value;
    if (inner(tensor.bytes, 2, &f) && inner(f.bytes, 1, &dim) && inner(dim.bytes, 1, &f))
        in->columns = (int64_t)f.value;
}

static sotto_status take_lists(const reading *r, sotto_span graph)
{
    onnx *o = r->o;
    size_t nodes = count_fields(graph, 1), tensors = count_fields(graph, 5), inputs = count_fields(graph, 11);
    if (nodes > ONNX_NODES_MAX || tensors > ONNX_NODES_MAX || inputs > SOTTO_MODEL_FEATURES_MAX)
        return sotto_diag_at(o->diag, SOTTO_ERR(FORGE, UNSUPPORTED), o->options->file_name, 0,
                             "%zu nodes, %zu tensors and %zu inputs; at most %d, %d and %d are read", nodes,
                             tensors, inputs, ONNX_NODES_MAX, ONNX_NODES_MAX, SOTTO_MODEL_FEATURES_MAX);
    o->nodes = sotto_onnx_take(o, nodes, sizeof *o->nodes);
    o->tensors = sotto_onnx_take(o, nodes + tensors, sizeof *o->tensors);
    o->inputs = sotto_onnx_take(o, inputs, sizeof *o->inputs);
    return o->nodes == NULL || o->tensors == NULL || o->inputs == NULL ? no_memory(r) : SOTTO_OK;
}

/* GraphProto: node 1, initializer 5, input 11. */
static sotto_status read_graph(const reading *r, sotto_span graph)
{
    onnx *o = r->o;
    sotto_cursor c = sotto_cursor_of(graph);
    sotto_protobuf_field f;
    sotto_status status = take_lists(r, graph);
    while (status == SOTTO_OK && sotto_protobuf_next(&c, &f)) {
        if (f.number == 1)
            status = read_node(r, f.bytes, &o->nodes[o->node_count++]);
        else if (f.number == 5)
            status = read_tensor(r, f.bytes, &o->tensors[o->tensor_count++]);
        else if (f.number == 11)
            read_input(f.bytes, &o->inputs[o->input_count++]);
    }
    return status == SOTTO_OK ? ended(r, &c) : status;
}

/* OperatorSetIdProto: domain 1. */
static bool imports_ml(sotto_span message)
{
    sotto_protobuf_field f;
    return inner(message, 1, &f) && sotto_span_is(f.bytes, "ai.onnx.ml");
}

/* ModelProto: graph 7, opset_import 8. */
sotto_status sotto_onnx_read(onnx *o, sotto_span file)
{
    reading r = {.o = o, .start = file.ptr};
    sotto_cursor c = sotto_cursor_of(file);
    sotto_protobuf_field f, graph = {.number = 0};
    bool ml = false;
    while (sotto_protobuf_next(&c, &f)) {
        if (f.number == 7 && f.wire == SOTTO_PROTOBUF_BYTES)
            graph = f;
        ml |= f.number == 8 && imports_ml(f.bytes);
    }
    sotto_status status = ended(&r, &c);
    if (status == SOTTO_OK && graph.number == 0)
        status = sotto_diag_at(o->diag, SOTTO_ERR(FORGE, MALFORMED), o->options->file_name, 0,
                               "not an ONNX file: it has no graph");
    if (status == SOTTO_OK && !ml)
        status = sotto_diag_at(o->diag, SOTTO_ERR(FORGE, UNSUPPORTED), o->options->file_name, 0,
                               "the file does not import the operators of ai.onnx.ml");
    return status == SOTTO_OK ? read_graph(&r, graph.bytes) : status;
}
