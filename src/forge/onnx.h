/* An ONNX file as the compiler sees it (onnx.proto3 and the ai.onnx.ml operators of the ONNX specification).
 */
#ifndef SOTTO_FORGE_ONNX_H
#define SOTTO_FORGE_ONNX_H

#include "forge_priv.h"

enum {
    ONNX_NODES_MAX = 4096,
    ONNX_COLUMNS_MAX = 65536,
    ONNX_STEPS_MAX = 32,
    ONNX_CODES_MAX = 2048, /* keys of one encoder */
    ONNX_ATTRIBUTES_MAX = 64,
    ONNX_COLUMNS_ALL_MAX = 1 << 20, /* of all tensors */
    ONNX_POINTS_MAX = 1 << 22,      /* of a linear model: categories of all columns, for each output */
    ONNX_FLOAT = 1,
    ONNX_INT32 = 6,
    ONNX_INT64 = 7,
    ONNX_STRING = 8,
    ONNX_BOOL = 9,
    ONNX_DOUBLE = 11
};

typedef struct onnx_tensor {
    sotto_span name;
    int64_t type;
    double *values;
    size_t count;
} onnx_tensor;

typedef struct onnx_attribute {
    sotto_span name, s;
    int64_t i;
    float f;
    float *floats;
    int64_t *ints;
    sotto_span *strings;
    size_t float_count, int_count, string_count;
    onnx_tensor tensor;
    bool has_tensor;
} onnx_attribute;

typedef struct onnx_node {
    sotto_span name, op, domain;
    sotto_span *inputs, *outputs;
    size_t input_count, output_count;
    onnx_attribute *attributes;
    size_t attribute_count;
} onnx_node;

typedef struct onnx_input {
    sotto_span name;
    int64_t type, columns; /* columns 0: not said */
} onnx_input;

/* What is done to a value, in the runtime's float32. All are monotone. */
enum onnx_step_kind {
    STEP_ADD,
    STEP_SUB,
    STEP_MUL,
    STEP_DIV,
    STEP_SCALE,
    STEP_FILL,
    STEP_MIN,
    STEP_MAX,
    STEP_TRUNC
};
typedef struct onnx_step {
    enum onnx_step_kind kind;
    float a, b; /* SCALE: (x - a) * b; FILL: a instead of NaN; MIN, MAX: at most, at least a */
} onnx_step;

/* What an encoder makes of a feature's categories: a value each, and `other` of every other category and of
 * none. */
typedef struct onnx_code {
    uint32_t *category; /* each once */
    float *value;
    uint32_t count;
    float other;
} onnx_code;

/* One column of a tensor of the graph: a feature, or the code of its category, and steps. */
typedef struct onnx_column {
    uint32_t feature;
    const onnx_code *code; /* NULL: the feature itself */
    onnx_step *steps;
    size_t step_count;
} onnx_column;

typedef struct onnx_value {
    sotto_span name;
    onnx_column *columns;
    size_t count;
    size_t groups; /* an encoder's columns before: 1 but behind OneHotEncoder of several */
} onnx_value;

typedef struct onnx {
    const sotto_forge_options *options;
    forge_forest *forest;
    void *chunks; /* all memory of the reading, a list */
    onnx_node *nodes;
    size_t node_count;
    onnx_tensor *tensors;
    size_t tensor_count;
    onnx_input *inputs;
    size_t input_count;
    onnx_value *values; /* one a node output and input */
    size_t value_count, value_cap, column_count;
    int64_t *input_type; /* one a feature */
    uint8_t *used;       /* one a feature */
    sotto_diag *diag;
} onnx;

/* Zeroed memory that lives as long as the reading. NULL: none left. */
void *sotto_onnx_take(onnx *o, size_t count, size_t bytes);
void sotto_onnx_free(onnx *o);
/* "node NAME (Op), attribute A: ..."; attribute may be NULL. */
SOTTO_PRINTF(5, 6)
sotto_status sotto_onnx_bad(const onnx *o, const onnx_node *n, const char *attribute, sotto_status status,
                            const char *format, ...);
/* Reads the file's bytes into o. MALFORMED with the byte offset, RANGE, UNSUPPORTED, NO_MEMORY. */
sotto_status sotto_onnx_read(onnx *o, sotto_span file);
/* NULL when it is not there. */
const onnx_attribute *sotto_onnx_attribute(const onnx_node *n, const char *name);
int64_t sotto_onnx_int(const onnx_node *n, const char *name, int64_t absent);
const onnx_tensor *sotto_onnx_tensor(const onnx *o, sotto_span name);
const onnx_value *sotto_onnx_value(const onnx *o, sotto_span name);
bool sotto_onnx_same(sotto_span a, sotto_span b);
/* The columns of the graph's inputs become features. */
sotto_status sotto_onnx_inputs(onnx *o);
/* OneHotEncoder, LabelEncoder (onnx_encode.c). */
sotto_status sotto_onnx_one_hot(onnx *o, const onnx_node *n);
sotto_status sotto_onnx_label(onnx *o, const onnx_node *n);
/* For nodes' own files: the first input, and a new value for the first output. */
sotto_status sotto_onnx_first_input(const onnx *o, const onnx_node *n, const onnx_value **x);
sotto_status sotto_onnx_new_value(onnx *o, sotto_span name, size_t count, onnx_value **out);
/* A node before the model: its output's columns from its inputs'. UNSUPPORTED with the node. */
sotto_status sotto_onnx_columns(onnx *o, const onnx_node *n);
/* What the steps make of x. */
float sotto_onnx_apply(const onnx_column *c, float x);
/* The same of entry i of its code. */
float sotto_onnx_apply_code(const onnx_column *c, uint32_t i);
/* 1, -1: the steps rise, fall; 0: some step is flat. */
int sotto_onnx_direction(const onnx_column *c);
/* The model nodes. */
sotto_status sotto_onnx_trees(onnx *o, const onnx_node *n, const onnx_value *x, bool classifier);
sotto_status sotto_onnx_linear(onnx *o, const onnx_node *n, const onnx_value *x, bool classifier);
/* post_transform: NONE, LOGISTIC, SOFTMAX. */
sotto_status sotto_onnx_transform(const onnx *o, const onnx_node *n, const char **out);
/* How many class labels a classifier has. */
size_t sotto_onnx_classes(const onnx_node *n);

#endif
