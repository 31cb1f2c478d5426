/* TreeEnsembleClassifier and TreeEnsembleRegressor: their lists (ONNX operators of ai.onnx.ml, versions 1 and
 * 3). */
#include "onnx_ensemble.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static sotto_status bad(const onnx_ensemble *e, const char *attribute, const char *text)
{
    return sotto_onnx_bad(e->o, e->node, attribute, SOTTO_ERR(FORGE, MALFORMED), "%s", text);
}

static sotto_status ints(const onnx_ensemble *e, const char *name, size_t count, const int64_t **out)
{
    const onnx_attribute *a = sotto_onnx_attribute(e->node, name);
    if (a == NULL || a->int_count != count)
        return bad(e, name, a == NULL ? "is missing" : "has another length than the other lists");
    *out = a->ints;
    return SOTTO_OK;
}

static sotto_status read_modes(onnx_ensemble *e)
{
    static const char *const NAMES[] = {"BRANCH_LEQ", "BRANCH_LT",  "BRANCH_GTE", "BRANCH_GT",
                                        "BRANCH_EQ",  "BRANCH_NEQ", "LEAF"};
    const onnx_attribute *a = sotto_onnx_attribute(e->node, "nodes_modes");
    if (a == NULL || a->string_count != e->count)
        return bad(e, "nodes_modes", "is missing, or has another length than the other lists");
    for (size_t i = 0; i < e->count; i++) {
        size_t k = 0;
        while (k < SOTTO_COUNT(NAMES) && !sotto_span_is(a->strings[i], NAMES[k]))
            k++;
        if (k == SOTTO_COUNT(NAMES))
            return sotto_onnx_bad(e->o, e->node, "nodes_modes", SOTTO_ERR(FORGE, UNSUPPORTED),
                                  "unknown mode of node %zu", i);
        e->modes[i] = (enum onnx_mode)k;
    }
    return SOTTO_OK;
}

static int compare_places(const void *a, const void *b)
{
    const onnx_place *x = a, *y = b;
    if (x->tree != y->tree)
        return x->tree < y->tree ? -1 : 1;
    return (x->node > y->node) - (x->node < y->node);
}

int sotto_onnx_compare_weights(const void *a, const void *b)
{
    const onnx_weight *x = a, *y = b;
    if (x->tree != y->tree)
        return x->tree < y->tree ? -1 : 1;
    if (x->node != y->node)
        return x->node < y->node ? -1 : 1;
    return (x->output > y->output) - (x->output < y->output);
}

const onnx_place *sotto_onnx_find(const onnx_ensemble *e, int64_t tree, int64_t node)
{
    onnx_place wanted = {tree, node, 0};
    return bsearch(&wanted, e->places, e->count, sizeof wanted, compare_places);
}

static sotto_status index_nodes(onnx_ensemble *e)
{
    for (size_t i = 0; i < e->count; i++)
        e->places[i] = (onnx_place){e->trees[i], e->ids[i], (uint32_t)i};
    qsort(e->places, e->count, sizeof *e->places, compare_places);
    for (size_t i = 1; i < e->count; i++)
        if (compare_places(&e->places[i], &e->places[i - 1]) == 0)
            return bad(e, "nodes_nodeids", "a node's number stands twice in its tree");
    for (size_t i = 0; i < e->count; i++) {
        const onnx_place *yes = sotto_onnx_find(e, e->trees[i], e->true_ids[i]),
                         *no = sotto_onnx_find(e, e->trees[i], e->false_ids[i]);
        if (e->modes[i] == LEAF)
            continue;
        if (yes == NULL || no == NULL)
            return bad(e, yes == NULL ? "nodes_truenodeids" : "nodes_falsenodeids",
                       "a node's child is not there");
        if (e->features[i] < 0 || e->features[i] >= (int64_t)e->x->count)
            return bad(e, "nodes_featureids", "a feature that is not there");
        if (!isfinite(e->values[i]))
            return bad(e, "nodes_values", "a threshold that is not a finite number");
        e->child[yes->index] = e->child[no->index] = 1;
    }
    return SOTTO_OK;
}

static sotto_status read_nodes(onnx_ensemble *e)
{
    const onnx_attribute *ids = sotto_onnx_attribute(e->node, "nodes_nodeids");
    const onnx_attribute *values = sotto_onnx_attribute(e->node, "nodes_values");
    if (sotto_onnx_attribute(e->node, "nodes_values_as_tensor") != NULL)
        return sotto_onnx_bad(e->o, e->node, "nodes_values_as_tensor", SOTTO_ERR(FORGE, UNSUPPORTED),
                              "thresholds of float64: export with float32 inputs");
    e->count = ids == NULL ? 0 : ids->int_count;
    if (e->count == 0 || e->count > FORGE_NODES_MAX || values == NULL || values->float_count != e->count)
        return bad(e, "nodes_values", "not one a node, or too many nodes");
    e->ids = ids->ints;
    e->values = values->floats;
    sotto_status status = ints(e, "nodes_treeids", e->count, &e->trees);
    if (status == SOTTO_OK)
        status = ints(e, "nodes_featureids", e->count, &e->features);
    if (status == SOTTO_OK)
        status = ints(e, "nodes_truenodeids", e->count, &e->true_ids);
    if (status == SOTTO_OK)
        status = ints(e, "nodes_falsenodeids", e->count, &e->false_ids);
    const onnx_attribute *missing = sotto_onnx_attribute(e->node, "nodes_missing_value_tracks_true");
    if (status == SOTTO_OK && missing != NULL && missing->int_count > 0)
        status = ints(e, "nodes_missing_value_tracks_true", e->count, &e->missing);
    e->modes = sotto_onnx_take(e->o, e->count, sizeof *e->modes);
    e->places = sotto_onnx_take(e->o, e->count, sizeof *e->places);
    e->on_path = sotto_onnx_take(e->o, e->count, 1);
    e->child = sotto_onnx_take(e->o, e->count, 1);
    if (status == SOTTO_OK &&
        (e->modes == NULL || e->places == NULL || e->on_path == NULL || e->child == NULL))
        status = sotto_forge_no_memory(e->o->diag);
    if (status == SOTTO_OK)
        status = read_modes(e);
    return status == SOTTO_OK ? index_nodes(e) : status;
}

/* A tree's nodes must stand together. */
static sotto_status count_trees(onnx_ensemble *e, size_t *out)
{
    size_t runs = 0, distinct = 0;
    e->run = sotto_onnx_take(e->o, e->count, sizeof *e->run);
    for (size_t i = 0; e->run != NULL && i < e->count; i++) {
        runs += i == 0 || e->trees[i] != e->trees[i - 1];
        distinct += i == 0 || e->places[i].tree != e->places[i - 1].tree;
        e->run[i] = (uint32_t)runs - 1;
    }
    *out = runs;
    if (e->run == NULL)
        return sotto_forge_no_memory(e->o->diag);
    if (runs != distinct)
        return bad(e, "nodes_treeids", "a tree's nodes do not stand together");
    if (runs > SOTTO_MODEL_TREES_MAX)
        return sotto_onnx_bad(e->o, e->node, "nodes_treeids", SOTTO_ERR(FORGE, UNSUPPORTED),
                              "%zu trees; at most %d are possible", runs, SOTTO_MODEL_TREES_MAX);
    e->gives = sotto_onnx_take(e->o, runs, SOTTO_MODEL_OUTPUTS_MAX);
    return e->gives == NULL ? sotto_forge_no_memory(e->o->diag) : SOTTO_OK;
}

/* class_ or target_ nodeids, treeids, ids, weights. */
static sotto_status read_weights(onnx_ensemble *e, const char *prefix)
{
    char names[4][32];
    static const char *const PARTS[] = {"nodeids", "treeids", "ids", "weights"};
    for (size_t i = 0; i < 4; i++)
        (void)snprintf(names[i], sizeof names[i], "%s_%s", prefix, PARTS[i]);
    const onnx_attribute *weights = sotto_onnx_attribute(e->node, names[3]);
    const int64_t *nodes = NULL, *trees = NULL, *ids = NULL;
    size_t n = weights == NULL ? 0 : weights->float_count;
    if (n == 0 || n > FORGE_NODES_MAX)
        return bad(e, names[3], "no weights of leaves, or too many");
    sotto_status status = ints(e, names[0], n, &nodes);
    if (status == SOTTO_OK)
        status = ints(e, names[1], n, &trees);
    if (status == SOTTO_OK)
        status = ints(e, names[2], n, &ids);
    if (status != SOTTO_OK)
        return status;
    e->weights = sotto_onnx_take(e->o, n, sizeof *e->weights);
    if (e->weights == NULL)
        return sotto_forge_no_memory(e->o->diag);
    e->weight_count = n;
    for (size_t i = 0; i < n; i++) {
        const onnx_place *leaf = sotto_onnx_find(e, trees[i], nodes[i]);
        e->weights[i] = (onnx_weight){trees[i], nodes[i], ids[i], (double)weights->floats[i]};
        if (leaf == NULL || e->modes[leaf->index] != LEAF)
            return bad(e, names[0], "a weight of a node that is not a leaf");
        if (!isfinite(weights->floats[i]))
            return bad(e, names[3], "a weight that is not a finite number");
        if (ids[i] < 0 || ids[i] >= SOTTO_MODEL_OUTPUTS_MAX)
            return bad(e, names[2], "an output that is not there");
        e->gives[e->run[leaf->index] * (size_t)SOTTO_MODEL_OUTPUTS_MAX + (size_t)ids[i]] = 1;
    }
    qsort(e->weights, n, sizeof *e->weights, sotto_onnx_compare_weights);
    for (size_t i = 1; i < n; i++)
        if (sotto_onnx_compare_weights(&e->weights[i], &e->weights[i - 1]) == 0)
            return bad(e, names[3], "two weights of one leaf and output");
    return SOTTO_OK;
}

sotto_status sotto_onnx_ensemble(onnx_ensemble *e, bool classifier, size_t *trees)
{
    sotto_status status = read_nodes(e);
    if (status == SOTTO_OK)
        status = count_trees(e, trees);
    return status == SOTTO_OK ? read_weights(e, classifier ? "class" : "target") : status;
}
