/* The model at the end of an ONNX graph, as the operators' text says it (ai.onnx.ml: TreeEnsembleClassifier
 * and -Regressor, LinearClassifier and -Regressor). */
#include "learn/walker_graph.h"

#include <stdlib.h>
#include <string.h>

static size_t classes_of(const graph_node *n)
{
    static const char *const NAMES[] = {"classlabels_int64s", "classlabels_ints", "classlabels_strings"};
    for (size_t i = 0; i < SOTTO_COUNT(NAMES); i++) {
        const graph_attribute *a = learn_graph_attribute(n, NAMES[i]);
        if (a != NULL && a->number_count + a->word_count > 0)
            return a->number_count + a->word_count;
    }
    return 0;
}

static bool attribute_is(const graph_node *n, const char *name, const char *word)
{
    const graph_attribute *a = learn_graph_attribute(n, name);
    return a != NULL && sotto_span_is(a->word, word);
}

/* One score for two classes is that of the second; of two scores the second is the answer, unless they share
 * a softmax. source: the source's number of each of our outputs. */
static size_t outputs_of(const graph_node *n, bool one_score, size_t only, size_t scores, size_t *source)
{
    size_t classes = classes_of(n);
    bool plain =
        !attribute_is(n, "post_transform", "SOFTMAX") &&
        (learn_graph_attribute(n, "coefficients") != NULL || !attribute_is(n, "post_transform", "LOGISTIC"));
    if (classes == 2 && (one_score || (plain && scores == 2))) {
        source[0] = one_score ? only : 1;
        return 1;
    }
    for (size_t k = 0; k < scores; k++)
        source[k] = k;
    return scores;
}

static sotto_status linear(learn_walker *w)
{
    walker_graph *g = w->graph;
    const graph_attribute *c = learn_graph_attribute(g->model, "coefficients"),
                          *b = learn_graph_attribute(g->model, "intercepts");
    size_t columns = g->x->count, rows = c->number_count / columns, source[SOTTO_MODEL_OUTPUTS_MAX];
    if (rows == 0 || rows > SOTTO_MODEL_OUTPUTS_MAX ||
        outputs_of(g->model, rows == 1, 0, rows, source) != w->outputs)
        return SOTTO_ERR(HQ, INTERNAL);
    g->weights = learn_graph_take(g, w->outputs * columns, sizeof *g->weights);
    if (g->weights == NULL)
        return SOTTO_ERR(HQ, NO_MEMORY);
    for (size_t k = 0; k < w->outputs; k++) {
        w->bias[k] = learn_graph_number(b, source[k], 0);
        memcpy(g->weights + k * columns, c->numbers + source[k] * columns, columns * sizeof *g->weights);
    }
    w->no_leaves = true;
    w->roundings = columns + 2 * g->node_count;
    return SOTTO_OK;
}

/* A tree ensemble's lists. */
typedef struct ensemble {
    learn_walker *walker;
    const graph_node *node;
    size_t count; /* nodes */
    const double *tree, *id, *on_true, *on_false;
    size_t weights;
    const double *leaf_tree, *leaf_id, *output, *weight;
    double divide;
    size_t *first, *by_tree; /* one a tree and one more: its weights among by_tree, which numbers them */
} ensemble;

static const double *list_of(const graph_node *n, const char *first, const char *second)
{
    const graph_attribute *a = learn_graph_attribute(n, first);
    a = a == NULL ? learn_graph_attribute(n, second) : a;
    return a == NULL ? NULL : a->numbers;
}

static bool equal(double a, double b)
{
    return !(a < b) && !(a > b);
}

/* Node `id` among [first, end): it mostly stands at its number. */
static int32_t place_of(const ensemble *e, size_t first, size_t end, double id)
{
    double guess = (double)first + id;
    if (guess >= (double)first && guess < (double)end && equal(e->id[(size_t)guess], id))
        return (int32_t)id;
    for (size_t i = first; i < end; i++)
        if (equal(e->id[i], id))
            return (int32_t)(i - first);
    return -1;
}

static unsigned mode_of(sotto_span word)
{
    static const char *const NAMES[] = {"BRANCH_LEQ", "BRANCH_LT", "BRANCH_GTE",
                                        "BRANCH_GT",  "BRANCH_EQ", "BRANCH_NEQ"};
    unsigned k = 0;
    while (k < SOTTO_COUNT(NAMES) && !sotto_span_is(word, NAMES[k]))
        k++;
    return k;
}

/* Nodes [first, end) of the lists as a tree of one output. */
static sotto_status make_tree(const ensemble *e, size_t first, size_t end, walker_tree *t)
{
    const graph_attribute *modes = learn_graph_attribute(e->node, "nodes_modes"),
                          *values = learn_graph_attribute(e->node, "nodes_values"),
                          *features = learn_graph_attribute(e->node, "nodes_featureids"),
                          *missing = learn_graph_attribute(e->node, "nodes_missing_value_tracks_true");
    t->weight = 1;
    t->nodes = calloc(end - first, sizeof *t->nodes);
    if (t->nodes == NULL)
        return SOTTO_ERR(HQ, NO_MEMORY);
    for (size_t i = first; i < end; i++) {
        unsigned mode = mode_of(modes->words[i]);
        bool leaf = mode == 6;
        t->nodes[i - first] = (walker_node){.left = leaf ? -1 : place_of(e, first, end, e->on_true[i]),
                                            .right = leaf ? -1 : place_of(e, first, end, e->on_false[i]),
                                            .number = (uint32_t)e->id[i],
                                            .feature = (uint32_t)features->numbers[i],
                                            .value = leaf ? 0 : values->numbers[i],
                                            .missing = mode,
                                            .missing_left = learn_graph_number(missing, i, 0) > 0};
    }
    return SOTTO_OK;
}

/* Which tree (as they stand) weight i is of: mostly that of the weight before, or the next. `tree`: number of
 * each. */
static size_t tree_of(const ensemble *e, const double *tree, size_t trees, size_t i, size_t guess)
{
    for (size_t k = 0; k < trees; k++)
        if (equal(tree[(guess + k) % trees], e->leaf_tree[i]))
            return (guess + k) % trees;
    return 0;
}

/* Weights by trees. NULL lists: out of memory. */
static bool sort_weights(ensemble *e, size_t trees)
{
    walker_graph *g = e->walker->graph;
    double *tree = learn_graph_take(g, trees, sizeof *tree);
    size_t *of = learn_graph_take(g, e->weights, sizeof *of), n = 0;
    e->first = learn_graph_take(g, trees + 2, sizeof *e->first);
    e->by_tree = learn_graph_take(g, e->weights, sizeof *e->by_tree);
    if (tree == NULL || of == NULL || e->first == NULL || e->by_tree == NULL)
        return false;
    for (size_t i = 0; i < e->count; i++)
        if (i == 0 || !equal(e->tree[i], e->tree[i - 1]))
            tree[n++] = e->tree[i];
    for (size_t i = 0; i < e->weights; i++) {
        of[i] = tree_of(e, tree, trees, i, i == 0 ? 0 : of[i - 1]);
        e->first[of[i] + 2]++;
    }
    for (size_t t = 2; t < trees + 2; t++)
        e->first[t] += e->first[t - 1];
    for (size_t i = 0; i < e->weights; i++)
        e->by_tree[e->first[of[i] + 1]++] = i;
    return true;
}

/* Weights of one output of tree `number`, whose nodes are [first, end); t NULL: only whether there are any.
 */
static bool weigh(const ensemble *e, size_t number, size_t first, size_t end, size_t output, walker_tree *t)
{
    bool any = false;
    for (size_t k = e->first[number]; k < e->first[number + 1]; k++) {
        size_t i = e->by_tree[k];
        if ((size_t)e->output[i] != output)
            continue;
        int32_t at = t == NULL ? -1 : place_of(e, first, end, e->leaf_id[i]);
        any = true;
        if (at >= 0)
            t->nodes[at].value = e->weight[i] / e->divide;
    }
    return any;
}

static sotto_status make_trees(const ensemble *e, const size_t *source)
{
    learn_walker *w = e->walker;
    size_t made = 0, number = 0;
    sotto_status status = SOTTO_OK;
    for (size_t first = 0, end; status == SOTTO_OK && first < e->count; first = end, number++) {
        for (end = first + 1; end < e->count && equal(e->tree[end], e->tree[first]);)
            end++;
        for (size_t k = 0; status == SOTTO_OK && k < w->outputs; k++) {
            if (!weigh(e, number, first, end, source[k], NULL))
                continue;
            if (made == w->trees)
                return SOTTO_ERR(HQ, INTERNAL);
            walker_tree *t = &w->tree[made++];
            t->output = k;
            status = make_tree(e, first, end, t);
            if (status == SOTTO_OK)
                (void)weigh(e, number, first, end, source[k], t);
        }
    }
    return status == SOTTO_OK && made != w->trees ? SOTTO_ERR(HQ, INTERNAL) : status;
}

static size_t count_trees(const ensemble *e)
{
    size_t n = 0;
    for (size_t i = 0; i < e->count; i++)
        n += i == 0 || !equal(e->tree[i], e->tree[i - 1]);
    return n;
}

static sotto_status trees(learn_walker *w)
{
    const graph_node *n = w->graph->model;
    const graph_attribute *base = learn_graph_attribute(n, "base_values"),
                          *weights = learn_graph_attribute(n, "class_weights"),
                          *targets = learn_graph_attribute(n, "n_targets");
    size_t source[SOTTO_MODEL_OUTPUTS_MAX] = {0};
    weights = weights == NULL ? learn_graph_attribute(n, "target_weights") : weights;
    ensemble e = {.walker = w,
                  .node = n,
                  .divide = 1,
                  .count = learn_graph_attribute(n, "nodes_nodeids")->number_count,
                  .tree = list_of(n, "nodes_treeids", "nodes_treeids"),
                  .id = list_of(n, "nodes_nodeids", "nodes_nodeids"),
                  .on_true = list_of(n, "nodes_truenodeids", "nodes_truenodeids"),
                  .on_false = list_of(n, "nodes_falsenodeids", "nodes_falsenodeids"),
                  .weights = weights->number_count,
                  .weight = weights->numbers,
                  .leaf_tree = list_of(n, "class_treeids", "target_treeids"),
                  .leaf_id = list_of(n, "class_nodeids", "target_nodeids"),
                  .output = list_of(n, "class_ids", "target_ids")};
    w->graph->source_trees = count_trees(&e);
    w->graph->average = attribute_is(n, "aggregate_function", "AVERAGE");
    if (w->graph->average)
        e.divide = (double)w->graph->source_trees;
    bool one = true;
    for (size_t i = 0; i < e.weights; i++)
        one &= (size_t)e.output[i] == (size_t)e.output[0];
    size_t classes = classes_of(n), scores = classes > 0 ? classes : targets == NULL ? 1 : (size_t)targets->i;
    if (scores > SOTTO_MODEL_OUTPUTS_MAX ||
        outputs_of(n, one, (size_t)e.output[0], scores, source) != w->outputs)
        return SOTTO_ERR(HQ, INTERNAL);
    for (size_t k = 0; base != NULL && base->number_count > 0 && k < w->outputs; k++)
        w->bias[k] = learn_graph_number(base, base->number_count == w->outputs ? k : source[k], 0);
    w->tree = calloc(w->trees + 1, sizeof *w->tree);
    if (w->tree == NULL || !sort_weights(&e, w->graph->source_trees))
        return SOTTO_ERR(HQ, NO_MEMORY);
    return make_trees(&e, source);
}

sotto_status learn_graph_model(learn_walker *w)
{
    return learn_graph_attribute(w->graph->model, "coefficients") != NULL ? linear(w) : trees(w);
}
