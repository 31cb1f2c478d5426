/* An ONNX graph evaluated row by row: what stands before the model, in the runtime's float32 and beside it in
 * float64, which a linear model's exact sum is taken from. */
#include "learn/walker_graph.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static bool same(sotto_span a, sotto_span b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

/* ---- Rows ---- */

static double constant_at(const graph_value *c, size_t i)
{
    return c->constant[c->count == 1 ? 0 : i];
}

static double attribute_at(const graph_attribute *a, size_t i)
{
    return a->numbers[a->number_count == 1 ? 0 : i];
}

static void pass(const learn_walker *w, const graph_node *n)
{
    (void)w;
    memcpy(n->out->cells, n->in[0]->cells, n->out->count * sizeof *n->out->cells);
}

static void cast(const learn_walker *w, const graph_node *n)
{
    static const double FLOAT_TYPE = 1;
    const graph_attribute *to = learn_graph_attribute(n, "to");
    pass(w, n);
    if (to == NULL || !(to->i > FLOAT_TYPE))
        return;
    for (size_t i = 0; i < n->out->count; i++) {
        n->out->cells[i].f = truncf(n->out->cells[i].f);
        n->out->cells[i].d = trunc(n->out->cells[i].d);
    }
}

static void add(graph_cell *c, double by)
{
    volatile float moved = c->f + (float)by; /* rounded here, whatever comes behind */
    c->f = moved;
    c->d += by;
    c->size += fabs(by);
}

static void multiply(graph_cell *c, double by)
{
    volatile float scaled = c->f * (float)by;
    c->f = scaled;
    c->d *= by;
    c->size *= fabs(by);
}

static void divide(graph_cell *c, double by)
{
    volatile float scaled = c->f / (float)by;
    c->f = scaled;
    c->d /= by;
    c->size /= fabs(by);
}

static void arithmetic(const learn_walker *w, const graph_node *n)
{
    pass(w, n);
    for (size_t i = 0; i < n->out->count; i++) {
        double by = constant_at(n->in[1], i);
        graph_cell *c = &n->out->cells[i];
        if (sotto_span_is(n->op, "Mul"))
            multiply(c, by);
        else if (sotto_span_is(n->op, "Div"))
            divide(c, by);
        else
            add(c, sotto_span_is(n->op, "Sub") ? -by : by);
    }
}

/* Scaler: (x - offset) * scale. */
static void scaler(const learn_walker *w, const graph_node *n)
{
    const graph_attribute *offset = learn_graph_attribute(n, "offset"),
                          *scale = learn_graph_attribute(n, "scale");
    pass(w, n);
    for (size_t i = 0; i < n->out->count; i++) {
        add(&n->out->cells[i], -attribute_at(offset, i));
        multiply(&n->out->cells[i], attribute_at(scale, i));
    }
}

static void imputer(const learn_walker *w, const graph_node *n)
{
    const graph_attribute *values = learn_graph_attribute(n, "imputed_value_floats");
    pass(w, n);
    for (size_t i = 0; i < n->out->count; i++)
        if (isnan(n->out->cells[i].f)) {
            double v = attribute_at(values, i);
            n->out->cells[i] = (graph_cell){(float)v, v, fabs(v), n->out->cells[i].feature};
        }
}

static double limit(const graph_node *n, size_t input, const char *name, double absent)
{
    const graph_attribute *a = learn_graph_attribute(n, name);
    if (input < n->input_count && n->in[input] != NULL && n->in[input]->count > 0)
        return n->in[input]->constant[0];
    return a == NULL ? absent : a->f;
}

static void clip(const learn_walker *w, const graph_node *n)
{
    double low = limit(n, 1, "min", -INFINITY), high = limit(n, 2, "max", INFINITY);
    pass(w, n);
    for (size_t i = 0; i < n->out->count; i++) {
        graph_cell *c = &n->out->cells[i];
        if ((double)c->f < low || (double)c->f > high)
            c->d = (double)(c->f = (float)((double)c->f < low ? low : high));
    }
}

static void concat(const learn_walker *w, const graph_node *n)
{
    size_t at = 0;
    (void)w;
    for (size_t i = 0; i < n->input_count; i++) {
        memcpy(n->out->cells + at, n->in[i]->cells, n->in[i]->count * sizeof *n->out->cells);
        at += n->in[i]->count;
    }
}

static void extract(const learn_walker *w, const graph_node *n)
{
    (void)w;
    for (size_t i = 0; i < n->out->count; i++)
        n->out->cells[i] = n->in[0]->cells[(size_t)n->in[1]->constant[i]];
}

/* The word that a code of the feature's tag stands for; empty when it stands for none. */
static sotto_span word_of(const learn_walker *w, const graph_cell *c)
{
    const sotto_feature *f = sotto_model_feature(w->model, c->feature);
    int tag = w->dictionary == NULL ? -1 : sotto_dictionary_find_number(w->dictionary, f->tag_number);
    const sotto_tag *t = tag < 0 ? NULL : sotto_dictionary_at(w->dictionary, (size_t)tag);
    if (t == NULL || !(c->f >= 0 && c->f < (float)t->choice_count))
        return sotto_span_of(NULL, 0);
    return sotto_span_str(t->choices[(size_t)c->f]);
}

/* Is the cell entry i of a list of words or numbers? Numbers are whole: the runtime casts before it compares.
 */
static bool is_entry(const learn_walker *w, const graph_cell *c, const graph_attribute *words,
                     const graph_attribute *numbers, size_t i)
{
    if (words != NULL && words->word_count > 0) {
        sotto_span word = word_of(w, c);
        return word.len > 0 && same(word, words->words[i]);
    }
    double whole = trunc((double)c->f);
    return !(whole < numbers->numbers[i]) && !(whole > numbers->numbers[i]) && !isnan(whole);
}

static size_t entries(const graph_attribute *words, const graph_attribute *numbers)
{
    return words != NULL && words->word_count > 0 ? words->word_count
           : numbers == NULL                      ? 0
                                                  : numbers->number_count;
}

static void one_hot(const learn_walker *w, const graph_node *n)
{
    const graph_attribute *words = learn_graph_attribute(n, "cats_strings"),
                          *numbers = learn_graph_attribute(n, "cats_int64s");
    size_t count = entries(words, numbers);
    for (size_t i = 0; i < n->out->count; i++) {
        const graph_cell *from = &n->in[0]->cells[i / count];
        bool on = is_entry(w, from, words, numbers, i % count);
        n->out->cells[i] = (graph_cell){on ? 1.0F : 0.0F, on ? 1 : 0, 1, from->feature};
    }
}

/* LabelEncoder: the value of the key that the cell is, else the default. */
static void label(const learn_walker *w, const graph_node *n)
{
    const graph_attribute *words = learn_graph_attribute(n, "keys_strings"),
                          *numbers = learn_graph_attribute(n, "keys_int64s"),
                          *values = learn_graph_attribute(n, "values_int64s"),
                          *whole = learn_graph_attribute(n, "default_int64"),
                          *real = learn_graph_attribute(n, "default_float");
    numbers = numbers == NULL ? learn_graph_attribute(n, "keys_floats") : numbers;
    bool ints = values != NULL && values->number_count > 0;
    values = ints ? values : learn_graph_attribute(n, "values_floats");
    for (size_t i = 0; i < n->out->count; i++) {
        const graph_cell *from = &n->in[0]->cells[i];
        double v = ints ? (whole == NULL ? -1 : whole->i) : real == NULL ? 0 : real->f;
        for (size_t k = 0; k < entries(words, numbers); k++)
            if (is_entry(w, from, words, numbers, k))
                v = values->numbers[k];
        n->out->cells[i] = (graph_cell){(float)v, v, fabs(v), from->feature};
    }
}

/* ---- Sizes ---- */

static size_t size_first(const graph_node *n)
{
    return n->in[0]->count;
}

static size_t size_sum(const graph_node *n)
{
    size_t sum = 0;
    for (size_t i = 0; i < n->input_count; i++)
        sum += n->in[i]->count;
    return sum;
}

static size_t size_chosen(const graph_node *n)
{
    return n->in[1]->count;
}

static size_t size_encoded(const graph_node *n)
{
    return n->in[0]->count *
           entries(learn_graph_attribute(n, "cats_strings"), learn_graph_attribute(n, "cats_int64s"));
}

typedef struct graph_op {
    const char *name;
    size_t (*size)(const graph_node *n);
    void (*run)(const learn_walker *w, const graph_node *n);
} graph_op;

static const graph_op OPS[] = {{"Identity", size_first, pass},
                               {"Reshape", size_first, pass},
                               {"Flatten", size_first, pass},
                               {"Cast", size_first, cast},
                               {"Scaler", size_first, scaler},
                               {"Imputer", size_first, imputer},
                               {"Add", size_first, arithmetic},
                               {"Sub", size_first, arithmetic},
                               {"Mul", size_first, arithmetic},
                               {"Div", size_first, arithmetic},
                               {"Clip", size_first, clip},
                               {"Concat", size_sum, concat},
                               {"FeatureVectorizer", size_sum, concat},
                               {"Gather", size_chosen, extract},
                               {"ArrayFeatureExtractor", size_chosen, extract},
                               {"OneHotEncoder", size_encoded, one_hot},
                               {"LabelEncoder", size_first, label}};

static const graph_op *op_of(const graph_node *n)
{
    for (size_t i = 0; i < SOTTO_COUNT(OPS); i++)
        if (sotto_span_is(n->op, OPS[i].name))
            return &OPS[i];
    return NULL;
}

static graph_value *value_named(walker_graph *g, sotto_span name)
{
    for (size_t i = 0; i < g->value_count; i++)
        if (same(g->values[i].name, name))
            return &g->values[i];
    return NULL;
}

static bool is_model(const graph_node *n)
{
    return learn_graph_attribute(n, "coefficients") != NULL ||
           learn_graph_attribute(n, "nodes_treeids") != NULL;
}

/* The node's inputs, and a value for its first output. false: out of memory, or it is not as the compiler saw
 * it. */
static bool plan_node(walker_graph *g, graph_node *n)
{
    const graph_attribute *constant = learn_graph_attribute(n, "value");
    const graph_op *op = op_of(n);
    n->in = learn_graph_take(g, n->input_count + 2, sizeof(graph_value *));
    for (size_t i = 0; n->in != NULL && i < n->input_count; i++)
        n->in[i] = value_named(g, n->inputs[i]);
    if (n->in == NULL || n->output_count == 0)
        return false;
    n->out = &g->values[g->value_count++];
    n->out->name = n->outputs[0];
    if (sotto_span_is(n->op, "Constant") && constant != NULL) {
        n->out->count = constant->number_count;
        n->out->constant = constant->numbers;
        return true;
    }
    if (op == NULL || n->in[0] == NULL)
        return false;
    n->out->count = op->size(n);
    n->out->cells = learn_graph_take(g, n->out->count, sizeof *n->out->cells);
    return n->out->cells != NULL;
}

sotto_status learn_graph_plan(learn_walker *w, sotto_diag *diag)
{
    walker_graph *g = w->graph;
    bool good = true;
    for (size_t i = 0; good && i < g->inputs; i++) {
        g->values[i].cells = learn_graph_take(g, g->values[i].count, sizeof *g->values[i].cells);
        good = g->values[i].cells != NULL;
    }
    for (size_t i = 0; good && i < g->node_count && g->model == NULL; i++) {
        if (is_model(&g->nodes[i]))
            g->model = &g->nodes[i];
        else
            good = plan_node(g, &g->nodes[i]);
    }
    g->x = good && g->model != NULL ? value_named(g, g->model->inputs[0]) : NULL;
    if (g->x != NULL && g->x->cells != NULL && g->x->count > 0)
        return SOTTO_OK;
    return sotto_diag_set(diag, SOTTO_ERR(HQ, INTERNAL),
                          "the second reading does not know a node of the graph");
}

static void fill_inputs(const learn_walker *w, const double *x)
{
    uint32_t feature = 0;
    for (size_t i = 0; i < w->graph->inputs; i++)
        for (size_t k = 0; k < w->graph->values[i].count && feature < w->features; k++, feature++)
            w->graph->values[i].cells[k] =
                (graph_cell){(float)x[feature], x[feature], fabs(x[feature]), feature};
}

void learn_graph_run(const learn_walker *w, const double *x)
{
    const walker_graph *g = w->graph;
    fill_inputs(w, x);
    for (const graph_node *n = g->nodes; n < g->model; n++)
        if (n->out->cells != NULL)
            op_of(n)->run(w, n);
}

/* ---- The model's answer ---- */

static bool holds(const walker_node *n, float v)
{
    float t = (float)n->value;
    if (n->missing_left && isnan(v))
        return true;
    switch (n->missing) {
    case 0:
        return v <= t;
    case 1:
        return v < t;
    case 2:
        return v >= t;
    case 3:
        return v > t;
    case 4:
        return v >= t && v <= t;
    default:
        return !(v >= t && v <= t);
    }
}

/* The trees' weights are added in float32 too, in the file's order. */
static void add_trees(const learn_walker *w, learn_walked *out)
{
    const graph_cell *x = w->graph->x->cells;
    float own[SOTTO_MODEL_OUTPUTS_MAX] = {0};
    double share = w->graph->average ? (double)w->graph->source_trees : 1;
    for (size_t t = 0; t < w->trees; t++) {
        const walker_tree *tree = &w->tree[t];
        const walker_node *n = tree->nodes;
        while (n->left >= 0 && n->right >= 0)
            n = tree->nodes + (holds(n, x[n->feature].f) ? n->left : n->right);
        out->leaves[t] = n->number;
        out->sums[tree->output] += n->value;
        out->sizes[tree->output] += fabs(n->value);
        own[tree->output] += (float)(n->value * share);
    }
    for (size_t k = 0; k < w->outputs; k++)
        out->own[k] = (double)(own[k] / (float)share + (float)w->bias[k]);
}

/* A value that is missing to the end adds nothing; the runtime has no answer then. */
static void add_columns(const learn_walker *w, learn_walked *out)
{
    const graph_value *x = w->graph->x;
    for (size_t k = 0; k < w->outputs; k++) {
        float own = (float)w->bias[k];
        for (size_t i = 0; i < x->count; i++) {
            double coefficient = w->graph->weights[k * x->count + i];
            const graph_cell *c = &x->cells[i];
            volatile float product = (float)coefficient * c->f;
            own += product;
            if (isnan(c->d) && isnan(c->f))
                continue;
            out->sums[k] += coefficient * c->d;
            out->sizes[k] += fabs(coefficient) * c->size;
        }
        out->own[k] = (double)own;
    }
}

void learn_walker_graph_row(const learn_walker *w, const double *x, learn_walked *out)
{
    learn_graph_run(w, x);
    if (w->graph->weights != NULL)
        add_columns(w, out);
    else
        add_trees(w, out);
}
