/* A second reading of XGBoost's JSON, in plain floats, written to be compared with: it shares nothing with
 * the compiler but the JSON parser. A node goes left when x < threshold; NaN goes where the node says. */
#include "learn_priv.h"

#include <math.h>
#include <stdlib.h>

typedef struct walker_node {
    int32_t left, right;
    uint32_t feature;
    float value; /* threshold, or the leaf */
    bool missing_left;
} walker_node;

struct learn_walker {
    size_t trees;
    walker_node **roots;
};

static float number(sotto_json_node array, size_t i)
{
    sotto_span text = {0};
    char buf[64];
    if (sotto_json_as_number_text(sotto_json_at(array, i), &text, NULL) != SOTTO_OK ||
        sotto_span_to_str(text, buf, sizeof buf) != SOTTO_OK)
        return NAN;
    return strtof(buf, NULL);
}

static int32_t whole(sotto_json_node array, size_t i)
{
    bool flag = false;
    int64_t v = -1;
    sotto_json_node node = sotto_json_at(array, i);
    if (sotto_json_as_bool(node, &flag, NULL) == SOTTO_OK)
        return flag;
    return sotto_json_as_i64(node, INT32_MIN, INT32_MAX, &v, NULL) == SOTTO_OK ? (int32_t)v : -1;
}

static walker_node *read_tree(sotto_json_node json)
{
    sotto_json_node left = sotto_json_member(json, "left_children"),
                    right = sotto_json_member(json, "right_children");
    sotto_json_node condition = sotto_json_member(json, "split_conditions");
    sotto_json_node feature = sotto_json_member(json, "split_indices"),
                    missing = sotto_json_member(json, "default_left");
    size_t count = sotto_json_count(left);
    walker_node *nodes = calloc(count, sizeof *nodes);
    for (size_t i = 0; nodes != NULL && i < count; i++)
        nodes[i] = (walker_node){.left = whole(left, i),
                                 .right = whole(right, i),
                                 .feature = (uint32_t)whole(feature, i),
                                 .value = number(condition, i),
                                 .missing_left = whole(missing, i) == 1};
    return nodes;
}

static sotto_status read_trees(learn_walker *w, sotto_json_node root, size_t trees, sotto_diag *diag)
{
    sotto_json_node booster = sotto_json_member(sotto_json_member(root, "learner"), "gradient_booster");
    sotto_json_node list = sotto_json_member(sotto_json_member(booster, "model"), "trees");
    w->roots = calloc(trees, sizeof(walker_node *));
    for (size_t t = 0; w->roots != NULL && t < trees; t++) {
        w->roots[t] = read_tree(sotto_json_at(list, t));
        w->trees = t + 1;
        if (w->roots[t] == NULL)
            break;
    }
    if (w->roots == NULL || w->trees < trees || w->roots[trees - 1] == NULL)
        return sotto_diag_set(diag, SOTTO_ERR(HQ, NO_MEMORY), "out of memory");
    return SOTTO_OK;
}

/* Only for files that the compiler took: their shape is known to be good. */
sotto_status learn_walker_load(learn_walker **out, sotto_span json, const char *name, size_t trees,
                               sotto_diag *diag)
{
    sotto_json *doc = NULL;
    *out = NULL;
    learn_walker *w = calloc(1, sizeof *w);
    if (w == NULL)
        return sotto_diag_set(diag, SOTTO_ERR(HQ, NO_MEMORY), "out of memory");
    sotto_status status = sotto_json_parse(&doc, json, name, diag);
    if (status == SOTTO_OK)
        status = read_trees(w, sotto_json_root(doc), trees, diag);
    sotto_json_free(doc);
    if (status == SOTTO_OK)
        *out = w;
    else
        learn_walker_free(w);
    return status;
}

void learn_walker_free(learn_walker *w)
{
    if (w == NULL)
        return;
    for (size_t t = 0; t < w->trees; t++)
        free(w->roots[t]);
    free(w->roots);
    free(w);
}

double learn_walker_row(const learn_walker *w, const float *x, uint32_t *leaves)
{
    double sum = 0; /* at most 4,096 floats below 128: a double holds their sum to 2^-33 */
    for (size_t t = 0; t < w->trees; t++) {
        const walker_node *nodes = w->roots[t];
        int32_t at = 0;
        while (nodes[at].left >= 0) {
            float v = x[nodes[at].feature];
            bool left = isnan(v) ? nodes[at].missing_left : v < nodes[at].value;
            at = left ? nodes[at].left : nodes[at].right;
        }
        leaves[t] = (uint32_t)at;
        sum += (double)nodes[at].value;
    }
    return sum;
}
