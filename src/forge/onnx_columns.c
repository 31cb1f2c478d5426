/* What stands before the model in the graph: every column of a tensor as a feature and what is done to it. */
#include "onnx.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static sotto_status no_memory(const onnx *o)
{
    return sotto_forge_no_memory(o->diag);
}

static sotto_status unsupported(const onnx *o, const onnx_node *n, const char *attribute, const char *text)
{
    return sotto_onnx_bad(o, n, attribute, SOTTO_ERR(FORGE, UNSUPPORTED), "%s", text);
}

static float apply_step(const onnx_step *s, float x)
{
    switch (s->kind) {
    case STEP_ADD:
        return x + s->a;
    case STEP_SUB:
        return x - s->a;
    case STEP_MUL:
        return x * s->a;
    case STEP_DIV:
        return x / s->a;
    case STEP_SCALE: {
        volatile float moved = x - s->a; /* rounded before it is multiplied, as the runtime does */
        return moved * s->b;
    }
    case STEP_FILL:
        return isnan(x) ? s->a : x;
    case STEP_MIN:
        return x > s->a ? s->a : x;
    case STEP_MAX:
        return x < s->a ? s->a : x;
    case STEP_TRUNC:
    default:
        return truncf(x);
    }
}

float sotto_onnx_apply(const onnx_column *c, float x)
{
    for (size_t i = 0; i < c->step_count; i++)
        x = apply_step(&c->steps[i], x);
    return x;
}

float sotto_onnx_apply_code(const onnx_column *c, uint32_t i)
{
    return sotto_onnx_apply(c, c->code->value[i]);
}

int sotto_onnx_direction(const onnx_column *c)
{
    int direction = 1;
    for (size_t i = 0; i < c->step_count; i++) {
        const onnx_step *s = &c->steps[i];
        float by = s->kind == STEP_MUL || s->kind == STEP_DIV ? s->a : s->kind == STEP_SCALE ? s->b : 1;
        direction *= (by > 0) - (by < 0);
    }
    return direction;
}

const onnx_value *sotto_onnx_value(const onnx *o, sotto_span name)
{
    for (size_t i = 0; i < o->value_count; i++)
        if (sotto_onnx_same(o->values[i].name, name))
            return &o->values[i];
    return NULL;
}

sotto_status sotto_onnx_new_value(onnx *o, sotto_span name, size_t count, onnx_value **out)
{
    o->column_count += count;
    if (count > ONNX_COLUMNS_MAX || o->column_count > ONNX_COLUMNS_ALL_MAX)
        return sotto_diag_at(o->diag, SOTTO_ERR(FORGE, UNSUPPORTED), o->options->file_name, 0,
                             "a tensor of %zu columns", count);
    if (o->value_count == o->value_cap || sotto_onnx_value(o, name) != NULL)
        return sotto_diag_at(o->diag, SOTTO_ERR(FORGE, MALFORMED), o->options->file_name, 0,
                             "two tensors of one name");
    onnx_value *v = &o->values[o->value_count++];
    *v = (onnx_value){.name = name, .count = count, .groups = 1};
    v->columns = sotto_onnx_take(o, count, sizeof *v->columns);
    *out = v;
    return v->columns == NULL ? no_memory(o) : SOTTO_OK;
}

/* ---- Inputs ---- */

static sotto_status name_column(onnx *o, const onnx_input *in, size_t j, bool only)
{
    char name[80];
    sotto_status status = SOTTO_OK;
    forge_forest *f = o->forest;
    int len = 0;
    if (in->columns == 1)
        len = snprintf(name, sizeof name, "%.*s", (int)(in->name.len < 70 ? in->name.len : 70),
                       (const char *)in->name.ptr);
    else if (!only)
        len = snprintf(name, sizeof name, "%.*s_%zu", (int)(in->name.len < 60 ? in->name.len : 60),
                       (const char *)in->name.ptr, j);
    const char *wrong =
        sotto_forge_name_feature(f, o->options, f->feature_count, sotto_span_of(name, (size_t)len), &status);
    if (wrong != NULL)
        return sotto_diag_at(o->diag, status, o->options->file_name, 0, "input %.*s, column %zu: %s",
                             (int)(in->name.len < 60 ? in->name.len : 60), (const char *)in->name.ptr, j,
                             wrong);
    o->input_type[f->feature_count++] = in->type;
    return SOTTO_OK;
}

static sotto_status take_input(onnx *o, const onnx_input *in, bool only)
{
    onnx_value *v = NULL;
    static const int64_t TYPES[] = {ONNX_FLOAT, ONNX_INT64, ONNX_INT32, ONNX_STRING, ONNX_DOUBLE, ONNX_BOOL};
    bool known = false;
    for (size_t i = 0; i < SOTTO_COUNT(TYPES); i++)
        known |= in->type == TYPES[i];
    if (!known || in->columns < 1 ||
        in->columns > (int64_t)(SOTTO_MODEL_FEATURES_MAX - o->forest->feature_count))
        return sotto_diag_at(
            o->diag, SOTTO_ERR(FORGE, UNSUPPORTED), o->options->file_name, 0,
            "input %.*s: numbers or words in 1 to %d columns are needed, and how many must be said",
            (int)(in->name.len < 60 ? in->name.len : 60), (const char *)in->name.ptr,
            SOTTO_MODEL_FEATURES_MAX);
    sotto_status status = sotto_onnx_new_value(o, in->name, (size_t)in->columns, &v);
    for (size_t j = 0; status == SOTTO_OK && j < v->count; j++) {
        v->columns[j].feature = (uint32_t)o->forest->feature_count;
        status = name_column(o, in, j, only);
    }
    return status;
}

sotto_status sotto_onnx_inputs(onnx *o)
{
    size_t real = 0;
    for (size_t i = 0; i < o->input_count; i++)
        real += sotto_onnx_tensor(o, o->inputs[i].name) == NULL;
    o->value_cap = o->input_count + o->node_count;
    o->values = sotto_onnx_take(o, o->value_cap, sizeof *o->values);
    o->input_type = sotto_onnx_take(o, SOTTO_MODEL_FEATURES_MAX, sizeof *o->input_type);
    o->used = sotto_onnx_take(o, SOTTO_MODEL_FEATURES_MAX, 1);
    if (o->values == NULL || o->input_type == NULL || o->used == NULL)
        return no_memory(o);
    sotto_status status = sotto_forge_take_features(o->forest, SOTTO_MODEL_FEATURES_MAX, o->diag);
    o->forest->feature_count = 0;
    for (size_t i = 0; status == SOTTO_OK && i < o->input_count; i++)
        if (sotto_onnx_tensor(o, o->inputs[i].name) == NULL)
            status = take_input(o, &o->inputs[i], real == 1);
    if (status == SOTTO_OK && o->forest->feature_count == 0)
        status = sotto_diag_at(o->diag, SOTTO_ERR(FORGE, MALFORMED), o->options->file_name, 0,
                               "the graph has no inputs");
    return status;
}

/* ---- Nodes ---- */

sotto_status sotto_onnx_first_input(const onnx *o, const onnx_node *n, const onnx_value **x)
{
    *x = n->input_count > 0 ? sotto_onnx_value(o, n->inputs[0]) : NULL;
    return *x == NULL || n->output_count < 1
               ? unsupported(o, n, NULL, "its input is not made of the graph's inputs")
               : SOTTO_OK;
}

/* Copies the column and adds a step to it. */
static sotto_status add_step(onnx *o, const onnx_node *n, const onnx_column *from, const onnx_step *step,
                             onnx_column *out)
{
    *out = *from;
    if (step == NULL)
        return SOTTO_OK;
    if (from->step_count == ONNX_STEPS_MAX)
        return unsupported(o, n, NULL, "too many operations on one column");
    if (!isfinite(step->a) || !isfinite(step->b))
        return unsupported(o, n, NULL, "a constant that is not finite");
    out->steps = sotto_onnx_take(o, from->step_count + 1, sizeof *out->steps);
    if (out->steps == NULL)
        return no_memory(o);
    if (from->step_count > 0)
        memcpy(out->steps, from->steps, from->step_count * sizeof *out->steps);
    out->steps[out->step_count++] = *step;
    return SOTTO_OK;
}

/* One step for every column: a and b have one number, or one a column; b may be NULL (0). */
static sotto_status step_all(onnx *o, const onnx_node *n, enum onnx_step_kind kind, const double *a,
                             size_t a_count, const double *b, size_t b_count)
{
    const onnx_value *x;
    onnx_value *out = NULL;
    sotto_status status = sotto_onnx_first_input(o, n, &x);
    if (status != SOTTO_OK)
        return status;
    size_t count = x->count;
    if ((a_count != 1 && a_count != count) || (b != NULL && b_count != 1 && b_count != count))
        return unsupported(o, n, NULL, "not one constant, and not one a column");
    size_t at = (size_t)(x - o->values);
    status = sotto_onnx_new_value(o, n->outputs[0], count, &out);
    x = &o->values[at];
    if (status == SOTTO_OK)
        out->groups = x->groups;
    for (size_t i = 0; status == SOTTO_OK && i < count; i++) {
        onnx_step step = {kind, (float)a[a_count == 1 ? 0 : i],
                          b == NULL ? 0 : (float)b[b_count == 1 ? 0 : i]};
        status = add_step(o, n, &x->columns[i], &step, &out->columns[i]);
    }
    return status;
}

static sotto_status pass(onnx *o, const onnx_node *n)
{
    const onnx_value *x;
    onnx_value *out = NULL;
    sotto_status status = sotto_onnx_first_input(o, n, &x);
    if (status == SOTTO_OK)
        status = sotto_onnx_new_value(o, n->outputs[0], x->count, &out);
    if (status != SOTTO_OK)
        return status;
    memcpy(out->columns, x->columns, x->count * sizeof *out->columns);
    return SOTTO_OK;
}

static sotto_status cast(onnx *o, const onnx_node *n)
{
    static const double NOTHING[] = {0};
    int64_t to = sotto_onnx_int(n, "to", 0);
    if (to == ONNX_FLOAT)
        return pass(o, n);
    if (to == ONNX_INT64 || to == ONNX_INT32)
        return step_all(o, n, STEP_TRUNC, NOTHING, 1, NULL, 0);
    return unsupported(o, n, "to", "only float32 and integers can be compiled: export with float32 inputs");
}

static sotto_status widen(onnx *o, const onnx_node *n, const char *name, double **out, size_t *count)
{
    const onnx_attribute *a = sotto_onnx_attribute(n, name);
    if (a == NULL || a->float_count == 0)
        return unsupported(o, n, name, "is missing");
    *count = a->float_count;
    *out = sotto_onnx_take(o, *count, sizeof **out);
    for (size_t i = 0; *out != NULL && i < *count; i++)
        (*out)[i] = (double)a->floats[i];
    return *out == NULL ? no_memory(o) : SOTTO_OK;
}

static sotto_status scaler(onnx *o, const onnx_node *n)
{
    double *offset, *scale;
    size_t offsets = 0, scales = 0;
    sotto_status status = widen(o, n, "offset", &offset, &offsets);
    if (status == SOTTO_OK)
        status = widen(o, n, "scale", &scale, &scales);
    return status == SOTTO_OK ? step_all(o, n, STEP_SCALE, offset, offsets, scale, scales) : status;
}

static sotto_status imputer(onnx *o, const onnx_node *n)
{
    double *values;
    size_t count;
    const onnx_attribute *replaced = sotto_onnx_attribute(n, "replaced_value_float");
    if (replaced == NULL || !isnan(replaced->f))
        return unsupported(o, n, "replaced_value_float", "only NaN is replaced by a compiled model");
    sotto_status status = widen(o, n, "imputed_value_floats", &values, &count);
    return status == SOTTO_OK ? step_all(o, n, STEP_FILL, values, count, NULL, 0) : status;
}

static const double *constant(const onnx *o, const onnx_node *n, size_t input, size_t *count)
{
    const onnx_tensor *t = input < n->input_count ? sotto_onnx_tensor(o, n->inputs[input]) : NULL;
    *count = t == NULL ? 0 : t->count;
    return t == NULL || t->count == 0 || (t->type == ONNX_DOUBLE) ? NULL : t->values;
}

static sotto_status arithmetic(onnx *o, const onnx_node *n)
{
    enum onnx_step_kind kind = sotto_span_is(n->op, "Add")   ? STEP_ADD
                               : sotto_span_is(n->op, "Sub") ? STEP_SUB
                               : sotto_span_is(n->op, "Mul") ? STEP_MUL
                                                             : STEP_DIV;
    size_t count;
    const double *c = constant(o, n, 1, &count);
    if (c == NULL)
        return unsupported(o, n, NULL, "its second input must be a constant of float32");
    return step_all(o, n, kind, c, count, NULL, 0);
}

/* Limits are inputs, or attributes before version 11. Either may be absent. */
static sotto_status clip(onnx *o, const onnx_node *n)
{
    size_t low_count, high_count;
    const double *low = constant(o, n, 1, &low_count), *high = constant(o, n, 2, &high_count);
    const onnx_attribute *min = sotto_onnx_attribute(n, "min"), *max = sotto_onnx_attribute(n, "max");
    double limits[2] = {min != NULL ? (double)min->f : -INFINITY, max != NULL ? (double)max->f : INFINITY};
    if (low != NULL)
        limits[0] = low[0];
    if (high != NULL)
        limits[1] = high[0];
    if (!isfinite(limits[0]) || !isfinite(limits[1]) || limits[0] > limits[1] || low_count > 1 ||
        high_count > 1)
        return unsupported(o, n, NULL, "two finite limits are needed");
    sotto_status status = step_all(o, n, STEP_MAX, &limits[0], 1, NULL, 0);
    onnx_value *out = &o->values[o->value_count - 1];
    onnx_step step = {STEP_MIN, (float)limits[1], 0};
    for (size_t i = 0; status == SOTTO_OK && i < out->count; i++) {
        onnx_column from = out->columns[i];
        status = add_step(o, n, &from, &step, &out->columns[i]);
    }
    return status;
}

static sotto_status concat(onnx *o, const onnx_node *n)
{
    size_t count = 0;
    onnx_value *out = NULL;
    bool wide = sotto_onnx_int(n, "axis", 1) == 2;
    for (size_t i = 0; i < n->input_count; i++) {
        const onnx_value *x = sotto_onnx_value(o, n->inputs[i]);
        if (x == NULL || (wide && x->groups > 1) || count > ONNX_COLUMNS_MAX)
            return unsupported(o, n, NULL, "an input is not made of columns of the graph's inputs");
        count += x->count;
    }
    if (n->output_count < 1 || count == 0)
        return unsupported(o, n, NULL, "nothing to join");
    sotto_status status = sotto_onnx_new_value(o, n->outputs[0], count, &out);
    for (size_t i = 0, at = 0; status == SOTTO_OK && i < n->input_count; i++) {
        const onnx_value *x = sotto_onnx_value(o, n->inputs[i]);
        memcpy(out->columns + at, x->columns, x->count * sizeof *x->columns);
        at += x->count;
    }
    return status;
}

static sotto_status extract(onnx *o, const onnx_node *n)
{
    const onnx_value *x;
    onnx_value *out = NULL;
    size_t count;
    const double *index = constant(o, n, 1, &count);
    sotto_status status = sotto_onnx_first_input(o, n, &x);
    if (status == SOTTO_OK &&
        (index == NULL || (sotto_span_is(n->op, "Gather") && sotto_onnx_int(n, "axis", 0) != 1)))
        status = unsupported(o, n, NULL, "columns must be chosen by a constant");
    size_t at = status == SOTTO_OK ? (size_t)(x - o->values) : 0;
    if (status == SOTTO_OK)
        status = sotto_onnx_new_value(o, n->outputs[0], count, &out);
    for (size_t i = 0; status == SOTTO_OK && i < count; i++) {
        if (!(index[i] >= 0 && index[i] < (double)o->values[at].count))
            return unsupported(o, n, NULL, "a column that is not there");
        out->columns[i] = o->values[at].columns[(size_t)index[i]];
    }
    return status;
}

static sotto_status keep_constant(onnx *o, const onnx_node *n)
{
    const onnx_attribute *a = sotto_onnx_attribute(n, "value");
    if (a == NULL || !a->has_tensor || n->output_count < 1)
        return unsupported(o, n, "value", "must be a tensor");
    onnx_tensor *t = &o->tensors[o->tensor_count++]; /* there is room for one a node */
    *t = a->tensor;
    t->name = n->outputs[0];
    return SOTTO_OK;
}

sotto_status sotto_onnx_columns(onnx *o, const onnx_node *n)
{
    static const struct {
        const char *op;
        sotto_status (*columns)(onnx *o, const onnx_node *n);
    } OPS[] = {{"Identity", pass},
               {"Reshape", pass},
               {"Flatten", pass},
               {"Cast", cast},
               {"Scaler", scaler},
               {"Imputer", imputer},
               {"Add", arithmetic},
               {"Sub", arithmetic},
               {"Mul", arithmetic},
               {"Div", arithmetic},
               {"Clip", clip},
               {"Concat", concat},
               {"Gather", extract},
               {"FeatureVectorizer", concat},
               {"Constant", keep_constant},
               {"ArrayFeatureExtractor", extract},
               {"OneHotEncoder", sotto_onnx_one_hot},
               {"LabelEncoder", sotto_onnx_label}};
    for (size_t i = 0; i < SOTTO_COUNT(OPS); i++)
        if (sotto_span_is(n->op, OPS[i].op))
            return OPS[i].columns(o, n);
    return unsupported(o, n, NULL, "this operator cannot be compiled exactly");
}
