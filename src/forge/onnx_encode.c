/* Encoders before the model: a column becomes what each category of its feature stands for (OneHotEncoder,
 * and LabelEncoder, which scikit-learn's OrdinalEncoder is exported as). */
#include "onnx.h"

#include <math.h>

static sotto_status unsupported(const onnx *o, const onnx_node *n, const char *attribute, const char *text)
{
    return sotto_onnx_bad(o, n, attribute, SOTTO_ERR(FORGE, UNSUPPORTED), "%s", text);
}

static bool is_truncated(const onnx_column *c)
{
    return c->step_count == 0 || (c->step_count == 1 && c->steps[0].kind == STEP_TRUNC);
}

/* The word's code among the choices of the feature's tag. */
static sotto_status code_of(const onnx *o, const onnx_node *n, uint32_t feature, const char *attribute,
                            sotto_span word, uint32_t *out)
{
    const sotto_feature *f = &o->forest->features[feature];
    const sotto_dictionary *d = o->options->dictionary;
    int tag = d == NULL || f->source != SOTTO_SOURCE_TAG || f->transform != SOTTO_TRANSFORM_CODE
                  ? -1
                  : sotto_dictionary_find_number(d, f->tag_number);
    if (tag < 0)
        return sotto_onnx_bad(
            o, n, attribute, SOTTO_ERR(FORGE, UNSUPPORTED),
            "feature %s is words: a recipe and a dictionary must make it the code of a choice", f->name);
    const sotto_tag *t = sotto_dictionary_at(d, (size_t)tag);
    for (size_t i = 0; i < t->choice_count; i++)
        if (sotto_span_is(word, t->choices[i])) {
            *out = (uint32_t)i;
            return SOTTO_OK;
        }
    return sotto_onnx_bad(o, n, attribute, SOTTO_ERR(FORGE, CONFLICT), "tag %s has no choice \"%.*s\"", t->id,
                          (int)(word.len < 60 ? word.len : 60), (const char *)word.ptr);
}

/* Entries of an encoder: words, or whole numbers of which one list is there. */
typedef struct entries {
    const char *words_name, *numbers_name;
    const onnx_attribute *words, *numbers;
    size_t count;
} entries;

static entries entries_of(const onnx_node *n, const char *words, const char *numbers)
{
    entries e = {words, numbers, sotto_onnx_attribute(n, words), sotto_onnx_attribute(n, numbers), 0};
    bool by_word = e.words != NULL && e.words->string_count > 0;
    e.count = by_word             ? e.words->string_count
              : e.numbers == NULL ? 0
                                  : e.numbers->int_count + e.numbers->float_count;
    if (!by_word)
        e.words = NULL;
    return e;
}

static sotto_status category_of(const onnx *o, const onnx_node *n, const onnx_column *from, const entries *e,
                                size_t k, uint32_t *out)
{
    if (e->words != NULL)
        return code_of(o, n, from->feature, e->words_name, e->words->strings[k], out);
    bool floats = e->numbers->float_count > 0;
    double v = floats ? (double)e->numbers->floats[k] : (double)e->numbers->ints[k];
    if (!(v >= 0 && v < FORGE_CATEGORY_END) || floor(v) < v)
        return unsupported(o, n, e->numbers_name, "categories are whole numbers from 0 to 2^24 - 1");
    *out = (uint32_t)v;
    return SOTTO_OK;
}

/* An input of the graph as it stands. */
static sotto_status encoded_input(const onnx *o, const onnx_node *n, const onnx_value **x)
{
    sotto_status status = sotto_onnx_first_input(o, n, x);
    for (size_t i = 0; status == SOTTO_OK && i < (*x)->count; i++)
        if ((*x)->columns[i].code != NULL || !is_truncated(&(*x)->columns[i]))
            status = unsupported(o, n, NULL, "it must encode an input as it stands");
    return status;
}

static onnx_code *take_code(onnx *o, size_t count)
{
    onnx_code *c = sotto_onnx_take(o, 1, sizeof *c);
    if (c == NULL)
        return NULL;
    c->category = sotto_onnx_take(o, count, sizeof *c->category);
    c->value = sotto_onnx_take(o, count, sizeof *c->value);
    return c->category == NULL || c->value == NULL ? NULL : c;
}

sotto_status sotto_onnx_one_hot(onnx *o, const onnx_node *n)
{
    const onnx_value *x = NULL;
    onnx_value *out = NULL;
    entries e = entries_of(n, "cats_strings", "cats_int64s");
    sotto_status status = encoded_input(o, n, &x);
    if (status == SOTTO_OK && (e.count == 0 || x->count * e.count > ONNX_COLUMNS_MAX))
        status = unsupported(o, n, "cats_int64s", "no categories, or too many");
    if (status != SOTTO_OK)
        return status;
    size_t at = (size_t)(x - o->values), inputs = x->count;
    status = sotto_onnx_new_value(o, n->outputs[0], inputs * e.count, &out);
    for (size_t i = 0; status == SOTTO_OK && i < inputs * e.count; i++) {
        const onnx_column *from = &o->values[at].columns[i / e.count];
        onnx_code *code = take_code(o, 1);
        if (code == NULL)
            return sotto_forge_no_memory(o->diag);
        code->count = 1;
        code->value[0] = 1;
        out->columns[i] = (onnx_column){.feature = from->feature, .code = code};
        status = category_of(o, n, from, &e, i % e.count, &code->category[0]);
    }
    if (status == SOTTO_OK)
        out->groups = inputs;
    return status;
}

/* ---- LabelEncoder ---- */

/* A float32 holds every whole number up to 2^24. */
static bool as_float(double v, float *out)
{
    *out = (float)v;
    return isfinite(v) && !((double)*out < v) && !((double)*out > v);
}

/* values_int64s with default_int64 (-1), or values_floats with default_float (-0). */
static sotto_status label_values(const onnx *o, const onnx_node *n, size_t count, onnx_code *code)
{
    const onnx_attribute *ints = sotto_onnx_attribute(n, "values_int64s"),
                         *floats = sotto_onnx_attribute(n, "values_floats"),
                         *other_float = sotto_onnx_attribute(n, "default_float");
    bool whole = ints != NULL && ints->int_count > 0;
    const char *name = whole ? "values_int64s" : "values_floats";
    if ((whole ? ints->int_count : floats == NULL ? 0 : floats->float_count) != count)
        return unsupported(o, n, name, "a number for each key is needed: values of words are not read");
    bool good = whole ? as_float((double)sotto_onnx_int(n, "default_int64", -1), &code->other)
                      : as_float(other_float == NULL ? 0 : (double)other_float->f, &code->other);
    if (!good)
        return unsupported(o, n, whole ? "default_int64" : "default_float",
                           "must be a number that a float32 holds");
    for (size_t i = 0; i < count; i++)
        if (!as_float(whole ? (double)ints->ints[i] : (double)floats->floats[i], &code->value[i]))
            return unsupported(o, n, name, "must be numbers that a float32 holds");
    return SOTTO_OK;
}

static sotto_status label_keys(const onnx *o, const onnx_node *n, const onnx_column *from, const entries *e,
                               onnx_code *code)
{
    sotto_status status = SOTTO_OK;
    for (; status == SOTTO_OK && code->count < e->count; code->count++) {
        uint32_t *at = &code->category[code->count];
        status = category_of(o, n, from, e, code->count, at);
        for (uint32_t k = 0; status == SOTTO_OK && k < code->count; k++)
            if (code->category[k] == *at)
                status =
                    sotto_onnx_bad(o, n, e->words != NULL ? e->words_name : e->numbers_name,
                                   SOTTO_ERR(FORGE, MALFORMED), "category %u stands twice", (unsigned)*at);
    }
    return status;
}

/* Float keys are compared as they are: 2.5 is not 2. Only a value that is whole by its source is a category.
 */
static bool is_whole(const onnx *o, const onnx_column *c)
{
    const sotto_feature *f = &o->forest->features[c->feature];
    int64_t type = o->input_type[c->feature];
    return c->step_count > 0 || type == ONNX_INT64 || type == ONNX_INT32 || type == ONNX_STRING ||
           type == ONNX_BOOL ||
           (f->source == SOTTO_SOURCE_TAG && f->transform != SOTTO_TRANSFORM_VALUE &&
            f->transform != SOTTO_TRANSFORM_CHANGE);
}

sotto_status sotto_onnx_label(onnx *o, const onnx_node *n)
{
    const onnx_value *x = NULL;
    onnx_value *out = NULL;
    const onnx_attribute *floats = sotto_onnx_attribute(n, "keys_floats");
    bool by_float = floats != NULL && floats->float_count > 0;
    entries e = entries_of(n, "keys_strings", by_float ? "keys_floats" : "keys_int64s");
    sotto_status status = encoded_input(o, n, &x);
    if (status == SOTTO_OK && (e.count == 0 || e.count > ONNX_CODES_MAX))
        status = unsupported(
            o, n, e.numbers_name,
            "no keys, or too many: keys_strings, keys_int64s and keys_floats are read (ai.onnx.ml "
            "version 2 or 3), not tensors");
    if (status != SOTTO_OK)
        return status;
    size_t at = (size_t)(x - o->values);
    o->column_count += x->count * (e.count - 1); /* an entry takes as much as a column */
    status = sotto_onnx_new_value(o, n->outputs[0], x->count, &out);
    for (size_t i = 0; status == SOTTO_OK && i < out->count; i++) {
        const onnx_column *from = &o->values[at].columns[i];
        onnx_code *code = take_code(o, e.count);
        if (code == NULL)
            return sotto_forge_no_memory(o->diag);
        if (e.words == NULL && !is_whole(o, from))
            return sotto_onnx_bad(
                o, n, e.numbers_name, SOTTO_ERR(FORGE, UNSUPPORTED),
                "feature %s may be no whole number: export it as int64, or let a recipe make it the "
                "code of a choice",
                o->forest->features[from->feature].name);
        out->columns[i] = (onnx_column){.feature = from->feature, .code = code};
        status = label_values(o, n, e.count, code);
        if (status == SOTTO_OK)
            status = label_keys(o, n, from, &e, code);
    }
    return status;
}
