/* The second readings, and that of XGBoost's JSON, in plain floats, written to be compared with: it shares
 * nothing with the compiler but the JSON parser. A node goes left when x < threshold, or when x is none of
 * its categories; NaN goes where the node says. */
#include "learn/walker.h"
#include "office/args.h"

#include <math.h>
#include <stdlib.h>

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

static bool read_categories(sotto_json_node json, walker_tree *t)
{
    sotto_json_node node = sotto_json_member(json, "categories_nodes"),
                    first = sotto_json_member(json, "categories_segments"),
                    size = sotto_json_member(json, "categories_sizes"),
                    all = sotto_json_member(json, "categories");
    t->categories = calloc(sotto_json_count(all) + 1, sizeof *t->categories);
    if (t->categories == NULL)
        return false;
    for (size_t i = 0; i < sotto_json_count(all); i++)
        t->categories[i] = whole(all, i);
    for (size_t k = 0; k < sotto_json_count(node); k++) {
        walker_node *n = &t->nodes[whole(node, k)];
        n->by_category = true;
        n->first = (size_t)whole(first, k);
        n->count = (size_t)whole(size, k);
    }
    return true;
}

static bool read_tree(sotto_json_node json, walker_tree *t)
{
    sotto_json_node left = sotto_json_member(json, "left_children"),
                    right = sotto_json_member(json, "right_children");
    sotto_json_node condition = sotto_json_member(json, "split_conditions");
    sotto_json_node feature = sotto_json_member(json, "split_indices"),
                    missing = sotto_json_member(json, "default_left");
    size_t count = sotto_json_count(left);
    t->nodes = calloc(count, sizeof *t->nodes);
    for (size_t i = 0; t->nodes != NULL && i < count; i++)
        t->nodes[i] = (walker_node){.left = whole(left, i),
                                    .right = whole(right, i),
                                    .feature = (uint32_t)whole(feature, i),
                                    .number = (uint32_t)i,
                                    .value = (double)number(condition, i),
                                    .missing_left = whole(missing, i) == 1};
    return t->nodes != NULL && read_categories(json, t);
}

/* gblinear: one coefficient an output and feature, feature after feature; behind them the biases. */
static bool read_weights(learn_walker *w, sotto_json_node weights)
{
    size_t count = w->features * w->outputs;
    w->terms = calloc(count, sizeof *w->terms);
    for (size_t i = 0; w->terms != NULL && i < count; i++)
        w->terms[i] = (walker_term){
            .feature = i / w->outputs, .output = i % w->outputs, .coefficient = (double)number(weights, i)};
    w->term_count = count;
    return w->terms != NULL;
}

static sotto_status read_trees(learn_walker *w, sotto_json_node root, sotto_diag *diag)
{
    sotto_json_node booster = sotto_json_member(sotto_json_member(root, "learner"), "gradient_booster");
    sotto_json_node linear = sotto_json_member(sotto_json_member(booster, "model"), "weights");
    sotto_json_node weights = sotto_json_member(booster, "weight_drop");
    sotto_json_node inner = sotto_json_member(booster, "gbtree");
    sotto_json_node model = sotto_json_member(inner.val != NULL ? inner : booster, "model");
    sotto_json_node list = sotto_json_member(model, "trees"), info = sotto_json_member(model, "tree_info");
    w->tree = calloc(w->trees + 1, sizeof *w->tree);
    bool good = w->tree != NULL && (linear.val == NULL || read_weights(w, linear));
    for (size_t t = 0; good && t < w->trees; t++) {
        good = read_tree(sotto_json_at(list, t), &w->tree[t]);
        w->tree[t].weight = weights.val != NULL ? (double)number(weights, t) : 1;
        w->tree[t].output = info.val != NULL ? (size_t)whole(info, t) : 0;
    }
    return good ? SOTTO_OK : hq_no_memory(diag);
}

static sotto_status load_xgboost(learn_walker *w, sotto_span file, const char *name, sotto_diag *diag)
{
    sotto_json *doc = NULL;
    sotto_vec text;
    sotto_status status = sotto_forge_xgboost_json(&file, &text, name, diag);
    if (status == SOTTO_OK)
        status = sotto_json_parse_large(&doc, file, name, diag);
    sotto_vec_free(&text);
    if (status == SOTTO_OK)
        status = read_trees(w, sotto_json_root(doc), diag);
    sotto_json_free(doc);
    return status;
}

int learn_walker_feature(const learn_walker *w, sotto_span name)
{
    for (size_t i = 0; i < w->features; i++)
        if (sotto_span_is(name, sotto_model_feature(w->model, i)->name))
            return (int)i;
    return -1;
}

static sotto_status load(learn_walker *w, const learn_origin *o, sotto_diag *diag)
{
    switch (o->source) {
    case LEARN_SOURCE_LIGHTGBM:
        return learn_walker_load_lightgbm(w, o->file, o->name, diag);
    case LEARN_SOURCE_ONNX:
        return learn_walker_load_onnx(w, o->file, o->name, diag);
    case LEARN_SOURCE_SCORECARD:
        return learn_walker_load_card(w, o->file, o->name, diag);
    case LEARN_SOURCE_KMEANS:
        return learn_walker_load_means(w, o->file, o->name, diag);
    case LEARN_SOURCE_XGBOOST:
    default:
        return load_xgboost(w, o->file, o->name, diag);
    }
}

/* Only for files that the compiler took: what it has checked, such as that a list is as long as it should be
 * and that children make a tree, is not checked again. */
sotto_status learn_walker_load(learn_walker **out, const learn_origin *origin, const sotto_model *m,
                               sotto_diag *diag)
{
    const sotto_model_info *info = sotto_model_info_of(m);
    *out = NULL;
    learn_walker *w = calloc(1, sizeof *w);
    if (w == NULL)
        return hq_no_memory(diag);
    w->trees = info->trees;
    w->features = info->features;
    w->outputs = info->outputs;
    w->source = origin->source;
    w->model = m;
    w->dictionary = origin->dictionary;
    sotto_status status = load(w, origin, diag);
    if (status == SOTTO_OK && w->trees != info->trees)
        status = sotto_diag_at(diag, SOTTO_ERR(HQ, INTERNAL), origin->name, 0,
                               "the second reading finds %zu trees in it, not %zu", w->trees, info->trees);
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
    for (size_t t = 0; w->tree != NULL && t < w->trees; t++) {
        free(w->tree[t].nodes);
        free(w->tree[t].categories);
        free(w->tree[t].bits);
        free(w->tree[t].rules);
    }
    free(w->tree);
    free(w->terms);
    learn_walker_means_free(w->means);
    learn_walker_graph_free(w->graph);
    free(w);
}

/* XGBoost's src/common/categorical.h: what is no category, or none of these, goes left. */
static bool goes_left(const walker_tree *t, const walker_node *n, double v)
{
    if (isnan(v))
        return n->missing_left;
    if (!n->by_category)
        return v < n->value;
    if (v < 0 || v >= 16777216.0)
        return true;
    for (size_t k = 0; k < n->count; k++)
        if (t->categories[n->first + k] == (int32_t)v)
            return false;
    return true;
}

static const walker_node *leaf_of(const learn_walker *w, const walker_tree *tree, const double *x)
{
    const walker_node *n = tree->nodes;
    if (tree->rules != NULL)
        return learn_walker_card_leaf(tree, x);
    while (n->left >= 0) {
        bool left = w->source == LEARN_SOURCE_LIGHTGBM ? learn_walker_left_lightgbm(tree, n, x[n->feature])
                                                       : goes_left(tree, n, x[n->feature]);
        n = tree->nodes + (left ? n->left : n->right);
    }
    return n;
}

static void add(double v, size_t output, learn_walked *out)
{
    out->sums[output] += v;
    out->sizes[output] += fabs(v);
}

static void add_row(const learn_walker *w, const double *x, learn_walked *out)
{
    for (size_t t = 0; t < w->trees; t++) {
        const walker_tree *tree = &w->tree[t];
        const walker_node *n = leaf_of(w, tree, x);
        out->leaves[t] = n->number;
        add(tree->weight * n->value, tree->output, out);
    }
    for (size_t i = 0; i < w->term_count; i++) {
        const walker_term *t = &w->terms[i];
        add(isnan(x[t->feature]) ? t->missing : t->coefficient * x[t->feature], t->output, out);
    }
}

void learn_walker_row(const learn_walker *w, const double *x, learn_walked *out)
{
    out->gap = 0;
    for (size_t k = 0; k < w->outputs; k++) {
        out->sums[k] = w->has_bias ? w->bias[k] : 0;
        out->sizes[k] = fabs(out->sums[k]);
        out->own[k] = NAN;
    }
    if (w->means != NULL)
        learn_walker_means_row(w, x, out);
    else if (w->graph != NULL)
        learn_walker_graph_row(w, x, out);
    else
        add_row(w, x, out);
}
