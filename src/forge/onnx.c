/* ONNX: the graph as a line from the inputs to one model and what may stand behind it. */
#include "onnx.h"

#include <stdlib.h>
#include <string.h>

size_t sotto_onnx_classes(const onnx_node *n)
{
    static const char *const NAMES[] = {"classlabels_int64s", "classlabels_ints", "classlabels_strings"};
    for (size_t i = 0; i < SOTTO_COUNT(NAMES); i++) {
        const onnx_attribute *a = sotto_onnx_attribute(n, NAMES[i]);
        if (a != NULL && a->int_count + a->string_count > 0)
            return a->int_count + a->string_count;
    }
    return 0;
}

sotto_status sotto_onnx_transform(const onnx *o, const onnx_node *n, const char **out)
{
    static const char *const NAMES[] = {"NONE", "LOGISTIC", "SOFTMAX"};
    const onnx_attribute *a = sotto_onnx_attribute(n, "post_transform");
    for (size_t i = 0; i < SOTTO_COUNT(NAMES); i++)
        if (a == NULL || a->s.len == 0 || sotto_span_is(a->s, NAMES[i])) {
            *out = NAMES[i];
            return SOTTO_OK;
        }
    return sotto_onnx_bad(o, n, "post_transform", SOTTO_ERR(FORGE, UNSUPPORTED), "%.*s cannot be compiled",
                          (int)(a->s.len < 40 ? a->s.len : 40), (const char *)a->s.ptr);
}

typedef sotto_status (*compiler)(onnx *o, const onnx_node *n, const onnx_value *x, bool classifier);
typedef struct kind {
    const char *op;
    compiler compile;
    bool classifier;
} kind;

static const kind *model_kind(const onnx_node *n)
{
    static const kind KINDS[] = {{"TreeEnsembleClassifier", sotto_onnx_trees, true},
                                 {"TreeEnsembleRegressor", sotto_onnx_trees, false},
                                 {"LinearClassifier", sotto_onnx_linear, true},
                                 {"LinearRegressor", sotto_onnx_linear, false}};
    for (size_t i = 0; i < SOTTO_COUNT(KINDS); i++)
        if (sotto_span_is(n->op, KINDS[i].op))
            return &KINDS[i];
    return NULL;
}

/* Probabilities that add up to 1 are not changed by dividing them by their sum; others are. */
static sotto_status check_normalizer(const onnx *o, const onnx_node *n)
{
    const onnx_attribute *norm = sotto_onnx_attribute(n, "norm");
    const forge_forest *f = o->forest;
    bool sums_to_one = f->link == SOTTO_LINK_SOFTMAX || f->link == SOTTO_LINK_PROBABILITY ||
                       (f->link == SOTTO_LINK_LOGISTIC && f->outputs == 1);
    if (norm != NULL && sotto_span_is(norm->s, "L1") && sums_to_one)
        return SOTTO_OK;
    return sotto_onnx_bad(o, n, "norm", SOTTO_ERR(FORGE, UNSUPPORTED),
                          "only L1 behind probabilities that add up to 1 changes nothing");
}

/* What stands behind the model only carries its answer on: labels, maps of names, shapes. */
static sotto_status check_behind(const onnx *o, const onnx_node *n)
{
    static const char *const CARRIERS[] = {
        "Identity", "ZipMap",  "Cast",    "Reshape",      "ArrayFeatureExtractor",
        "ArgMax",   "Squeeze", "Flatten", "LabelEncoder", "Constant"};
    if (sotto_span_is(n->op, "Normalizer"))
        return check_normalizer(o, n);
    for (size_t i = 0; i < SOTTO_COUNT(CARRIERS); i++)
        if (sotto_span_is(n->op, CARRIERS[i]))
            return SOTTO_OK;
    return sotto_onnx_bad(o, n, NULL, SOTTO_ERR(FORGE, UNSUPPORTED),
                          model_kind(n) != NULL
                              ? "a second model in the graph"
                              : "this operator behind the model cannot be compiled exactly");
}

static sotto_status compile_model(onnx *o, const onnx_node *n)
{
    const onnx_value *x = n->input_count > 0 ? sotto_onnx_value(o, n->inputs[0]) : NULL;
    if (x == NULL || x->count == 0)
        return sotto_onnx_bad(o, n, NULL, SOTTO_ERR(FORGE, UNSUPPORTED),
                              "its input is not made of the graph's inputs");
    for (size_t i = 0; i < x->count; i++)
        if (o->input_type[x->columns[i].feature] == ONNX_STRING && x->columns[i].code == NULL)
            return sotto_onnx_bad(o, n, NULL, SOTTO_ERR(FORGE, UNSUPPORTED), "feature %s is words",
                                  o->forest->features[x->columns[i].feature].name);
    const kind *k = model_kind(n);
    return k->compile(o, n, x, k->classifier);
}

static sotto_status compile_graph(onnx *o)
{
    bool found = false;
    sotto_status status = sotto_onnx_inputs(o);
    for (size_t i = 0; status == SOTTO_OK && i < o->node_count; i++) {
        const onnx_node *n = &o->nodes[i];
        if (found) {
            status = check_behind(o, n);
        } else if (model_kind(n) != NULL) {
            found = true;
            status = compile_model(o, n);
        } else {
            status = sotto_onnx_columns(o, n);
        }
    }
    if (status == SOTTO_OK && !found)
        status = sotto_diag_at(
            o->diag, SOTTO_ERR(FORGE, UNSUPPORTED), o->options->file_name, 0,
            "the graph has no TreeEnsembleClassifier, TreeEnsembleRegressor, LinearClassifier or "
            "LinearRegressor");
    return status;
}

sotto_status sotto_forge_onnx(sotto_span file, const sotto_forge_options *options, sotto_vec *out,
                              sotto_forge_report *report, sotto_diag *diag)
{
    forge_forest forest;
    sotto_forge_forest_init(&forest);
    onnx o = {.options = options, .forest = &forest, .diag = diag};
    sotto_status status = sotto_forge_check_options(options, diag);
    if (status == SOTTO_OK)
        status = sotto_onnx_read(&o, file);
    if (status == SOTTO_OK)
        status = compile_graph(&o);
    sotto_onnx_free(&o);
    if (status == SOTTO_OK)
        status = sotto_forge_finish(&forest, options, out, report, diag);
    sotto_forge_forest_free(&forest);
    return status;
}
