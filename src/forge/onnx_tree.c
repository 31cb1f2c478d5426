/* A tree ensemble as trees of this compiler.
 *
 * What stands before a threshold (Scaler, Imputer, arithmetic with constants) is a monotone function g of one
 * feature in float32. So g(x) <= t holds for all x up to some float32, or from some float32 on: that float32
 * is found by halving the 2^32 of them, and the comparison is then exact for every x. */
#include "onnx_ensemble.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const int64_t KEY_END = 0x7f800000; /* of infinity */
enum { NODES_PER_SOURCE = 8, NODES_ALWAYS = 65536 };

static sotto_status bad(const onnx_ensemble *e, const char *attribute, const char *text)
{
    return sotto_onnx_bad(e->o, e->node, attribute, SOTTO_ERR(FORGE, MALFORMED), "%s", text);
}

/* ---- One comparison as a threshold of the feature ---- */

/* Is y <= t (or y < t) true? NaN: never. */
static bool holds(bool or_equal, float y, float t)
{
    return or_equal ? y <= t : y < t;
}

static float key_value(int64_t key)
{
    uint32_t bits = sotto_fixed_float_bits((int32_t)key);
    float v;
    memcpy(&v, &bits, sizeof v);
    return v;
}

/* The first key of a value, in order, for which the comparison is not what it is at -infinity; KEY_END + 1
 * when there is none. */
static int64_t turning_point(const onnx_column *c, bool or_equal, float t, bool *at_first)
{
    int64_t low = -KEY_END, high = KEY_END + 1;
    *at_first = holds(or_equal, sotto_onnx_apply(c, key_value(-KEY_END)), t);
    while (low < high) {
        int64_t middle = low + (high - low) / 2;
        if (holds(or_equal, sotto_onnx_apply(c, key_value(middle)), t) == *at_first)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* A node that sends `yes` where y <= t (or <) holds, before its children are known. */
typedef struct split {
    enum compare { BELOW, UPTO, SAME } compare; /* of a code */
    int64_t key;
    bool yes_left;
    bool missing_yes;
    bool constant, constant_yes; /* the same for every value but a missing one */
} split;

static bool compares(enum compare compare, float y, float t)
{
    return compare == SAME ? y >= t && y <= t : holds(compare == UPTO, y, t);
}

/* What the steps make of each entry of the column's code, and behind them of every other category: once a
 * column and not once a node. */
static sotto_status fold_column(onnx_ensemble *e, size_t column, size_t *left)
{
    const onnx_column *c = &e->x->columns[column];
    if (c->code->count >= *left)
        return sotto_onnx_bad(e->o, e->node, "nodes_featureids", SOTTO_ERR(FORGE, UNSUPPORTED),
                              "too many categories of all encoded columns together");
    *left -= c->code->count + 1;
    float *values = sotto_onnx_take(e->o, (size_t)c->code->count + 1, sizeof *values);
    if (values == NULL)
        return sotto_forge_no_memory(e->o->diag);
    for (uint32_t i = 0; i < c->code->count; i++)
        values[i] = sotto_onnx_apply_code(c, i);
    values[c->code->count] = sotto_onnx_apply(c, c->code->other);
    e->folded[column] = values;
    return SOTTO_OK;
}

static sotto_status fold_codes(onnx_ensemble *e)
{
    size_t left = ONNX_POINTS_MAX;
    sotto_status status = SOTTO_OK;
    e->folded = sotto_onnx_take(e->o, e->x->count, sizeof *e->folded);
    if (e->folded == NULL)
        return sotto_forge_no_memory(e->o->diag);
    for (size_t i = 0; status == SOTTO_OK && i < e->count; i++) {
        if (e->modes[i] == LEAF)
            continue;
        size_t column = (size_t)e->features[i];
        if (e->x->columns[column].code != NULL && e->folded[column] == NULL)
            status = fold_column(e, column, &left);
    }
    return status;
}

/* Of a code: categories whose value compares otherwise than `other` become the set. */
static split code_split(const onnx_ensemble *e, uint32_t source, enum compare compare)
{
    const float *values = e->folded[e->features[source]], t = e->values[source];
    uint32_t count = e->x->columns[e->features[source]].code->count;
    bool without = compares(compare, values[count], t), differs = false;
    for (uint32_t i = 0; i < count; i++)
        differs |= compares(compare, values[i], t) != without;
    return (split){.compare = compare,
                   .yes_left = without,
                   .missing_yes = without,
                   .constant = !differs,
                   .constant_yes = without};
}

static sotto_status make_split(onnx_ensemble *e, uint32_t i, bool or_equal, bool missing_tracks, split *out)
{
    const onnx_column *c = &e->x->columns[e->features[i]];
    float t = e->values[i];
    bool first = false;
    if (c->code != NULL) {
        *out = code_split(e, i, or_equal ? UPTO : BELOW);
        return SOTTO_OK;
    }
    float filled = sotto_onnx_apply(c, NAN);
    if (sotto_onnx_direction(c) == 0)
        return sotto_onnx_bad(e->o, e->node, "nodes_featureids", SOTTO_ERR(FORGE, UNSUPPORTED),
                              "column %lld was multiplied with 0", (long long)e->features[i]);
    int64_t key = turning_point(c, or_equal, t, &first);
    *out = (split){.key = key,
                   .yes_left = first,
                   .missing_yes = isnan(filled) ? missing_tracks : holds(or_equal, filled, t),
                   .constant = key > KEY_END};
    if (out->constant) { /* below -infinity is nothing */
        out->key = -KEY_END;
        out->yes_left = !first;
    }
    return SOTTO_OK;
}

static sotto_status use(onnx_ensemble *e, uint32_t feature, enum sotto_feature_kind kind)
{
    if (sotto_forge_use_feature(e->o->forest, feature, kind, e->o->used))
        return SOTTO_OK;
    return sotto_onnx_bad(e->o, e->node, "nodes_featureids", SOTTO_ERR(FORGE, UNSUPPORTED),
                          "feature %s is compared as a number and as categories",
                          e->o->forest->features[feature].name);
}

/* ---- Trees ---- */

static sotto_status new_nodes(onnx_ensemble *e, uint32_t n, uint32_t *first)
{
    if (e->left_to_make < n)
        return sotto_onnx_bad(e->o, e->node, "nodes_modes", SOTTO_ERR(FORGE, UNSUPPORTED),
                              "nodes that several lead to make the trees too large");
    e->left_to_make -= n;
    if (e->out->count + n > e->cap) {
        size_t cap = 2 * (e->cap + n);
        forge_node *more = realloc(e->out->nodes, cap * sizeof *more);
        if (more == NULL)
            return sotto_forge_no_memory(e->o->diag);
        e->out->nodes = more;
        e->cap = cap;
    }
    *first = e->out->count;
    e->out->count += n;
    return SOTTO_OK;
}

static sotto_status grow(onnx_ensemble *e, uint32_t source, uint32_t at, unsigned depth);

/* A leaf's weight of this output; 0 when it has none. */
static void put_leaf(onnx_ensemble *e, uint32_t source, uint32_t at)
{
    onnx_weight wanted = {e->trees[source], e->ids[source], e->output, 0};
    const onnx_weight *w =
        bsearch(&wanted, e->weights, e->weight_count, sizeof wanted, sotto_onnx_compare_weights);
    e->out->nodes[at] = (forge_node){.left = FORGE_NONE,
                                     .right = FORGE_NONE,
                                     .number = (uint32_t)e->ids[source],
                                     .leaf = w == NULL ? 0 : w->value / e->divide,
                                     .cover = 1};
}

static sotto_status put_set(const onnx_ensemble *e, uint32_t source, const split *s, int64_t *key)
{
    forge_sets *sets = &e->o->forest->sets;
    const onnx_code *code = e->x->columns[e->features[source]].code;
    const float *values = e->folded[e->features[source]], t = e->values[source];
    sotto_status status = sotto_forge_new_set(sets, e->o->diag);
    for (uint32_t i = 0; status == SOTTO_OK && i < code->count; i++)
        if (compares(s->compare, values[i], t) != s->yes_left)
            status = sotto_forge_add_category(sets, code->category[i], e->o->diag);
    *key = (int64_t)sets->count - 1;
    return status;
}

/* The test of a split at `at`; *yes and *no are its children, made. */
static sotto_status put_split(onnx_ensemble *e, uint32_t source, uint32_t at, const split *s, uint32_t *yes,
                              uint32_t *no)
{
    const onnx_column *c = &e->x->columns[e->features[source]];
    uint32_t first = 0;
    forge_node n = {.number = (uint32_t)e->ids[source], .feature = c->feature, .key = s->key};
    sotto_status status =
        use(e, c->feature, c->code != NULL ? SOTTO_FEATURE_CATEGORY_CUT : SOTTO_FEATURE_NUMBER);
    if (status == SOTTO_OK && c->code != NULL)
        status = put_set(e, source, s, &n.key);
    if (status == SOTTO_OK)
        status = new_nodes(e, 2, &first);
    if (status != SOTTO_OK)
        return status;
    n.left = (int32_t)first;
    n.right = (int32_t)first + 1;
    n.missing_left = s->missing_yes == s->yes_left;
    *yes = s->yes_left ? first : first + 1;
    *no = s->yes_left ? first + 1 : first;
    e->out->nodes[at] = n;
    return SOTTO_OK;
}

/* y == t: not below it, and not above. `below` and what is above share a child, which is made twice. */
static sotto_status grow_equal(onnx_ensemble *e, uint32_t source, uint32_t at, uint32_t equal, uint32_t other,
                               bool missing_equal, unsigned depth)
{
    split below, upto;
    uint32_t yes = 0, no = 0, yes2 = 0, no2 = 0;
    sotto_status status = make_split(e, source, false, false, &below);
    if (status == SOTTO_OK)
        status = make_split(e, source, true, missing_equal, &upto);
    if (status == SOTTO_OK && e->x->columns[e->features[source]].code != NULL) {
        split s = code_split(e, source, SAME);
        if (s.constant)
            return grow(e, s.constant_yes ? equal : other, at, depth);
        status = put_split(e, source, at, &s, &yes, &no);
        if (status == SOTTO_OK)
            status = grow(e, equal, yes, depth + 1);
        return status == SOTTO_OK ? grow(e, other, no, depth + 1) : status;
    }
    if (status == SOTTO_OK)
        status = put_split(e, source, at, &below, &yes, &no);
    if (status == SOTTO_OK)
        status = grow(e, other, yes, depth + 1);
    if (status == SOTTO_OK)
        status = put_split(e, source, no, &upto, &yes2, &no2);
    if (status == SOTTO_OK)
        status = grow(e, equal, yes2, depth + 2);
    return status == SOTTO_OK ? grow(e, other, no2, depth + 2) : status;
}

static sotto_status grow_split(onnx_ensemble *e, uint32_t source, uint32_t at, uint32_t on_true,
                               uint32_t on_false, unsigned depth)
{
    enum onnx_mode mode = e->modes[source];
    bool tracks = e->missing != NULL && e->missing[source] != 0, turned = mode == GTE || mode == GT;
    bool missing_equal = mode == NEQ ? false : tracks; /* NaN != t holds */
    split s;
    uint32_t yes = 0, no = 0;
    if (mode == EQ || mode == NEQ)
        return grow_equal(e, source, at, mode == EQ ? on_true : on_false, mode == EQ ? on_false : on_true,
                          missing_equal, depth);
    /* y >= t is the other side of y < t; a missing value is on neither. */
    sotto_status status = make_split(e, source, mode == LEQ || mode == GT, turned ? !tracks : tracks, &s);
    if (status != SOTTO_OK)
        return status;
    uint32_t yes_child = turned ? on_false : on_true, no_child = turned ? on_true : on_false;
    if (s.constant && e->x->columns[e->features[source]].code != NULL)
        return grow(e, s.constant_yes ? yes_child : no_child, at, depth);
    status = put_split(e, source, at, &s, &yes, &no);
    if (status == SOTTO_OK)
        status = grow(e, yes_child, yes, depth + 1);
    return status == SOTTO_OK ? grow(e, no_child, no, depth + 1) : status;
}

/* The source's node becomes node `at`. As deep as a tree may be. */
static sotto_status grow(onnx_ensemble *e, uint32_t source, uint32_t at, unsigned depth)
{
    if (e->modes[source] == LEAF) {
        put_leaf(e, source, at);
        return SOTTO_OK;
    }
    if (e->on_path[source] || depth > FORGE_DEPTH_MAX)
        return sotto_onnx_bad(e->o, e->node, "nodes_truenodeids",
                              e->on_path[source] ? SOTTO_ERR(FORGE, MALFORMED)
                                                 : SOTTO_ERR(FORGE, UNSUPPORTED),
                              e->on_path[source] ? "tree %lld, node %lld leads to itself"
                                                 : "tree %lld, node %lld: deeper than 512",
                              (long long)e->trees[source], (long long)e->ids[source]);
    const onnx_place *yes = sotto_onnx_find(e, e->trees[source], e->true_ids[source]),
                     *no = sotto_onnx_find(e, e->trees[source], e->false_ids[source]);
    e->on_path[source] = 1;
    sotto_status status = grow_split(e, source, at, yes->index, no->index, depth);
    e->on_path[source] = 0;
    return status;
}

static sotto_status grow_tree(onnx_ensemble *e, uint32_t root, int64_t output, uint16_t to)
{
    forge_forest *f = e->o->forest;
    uint32_t at = 0;
    e->out = &f->trees[f->tree_count++];
    e->out->output = to;
    e->cap = 0;
    e->output = output;
    sotto_status status = new_nodes(e, 1, &at);
    return status == SOTTO_OK ? grow(e, root, at, 0) : status;
}

typedef struct outputs {
    size_t count;                            /* of the compiled model */
    int64_t source[SOTTO_MODEL_OUTPUTS_MAX]; /* the source's id of each */
} outputs;

/* Trees in the order of the file, each once for every output that its leaves have weights of. */
static sotto_status grow_tree_outputs(onnx_ensemble *e, uint32_t root, const outputs *out, size_t *made)
{
    sotto_status status = SOTTO_OK;
    for (size_t k = 0; status == SOTTO_OK && k < out->count; k++) {
        if (!e->gives[e->run[root] * (size_t)SOTTO_MODEL_OUTPUTS_MAX + (size_t)out->source[k]])
            continue;
        if (++*made > SOTTO_MODEL_TREES_MAX)
            return sotto_onnx_bad(e->o, e->node, "nodes_treeids", SOTTO_ERR(FORGE, UNSUPPORTED),
                                  "more than %d trees (a tree counts once for each output)",
                                  SOTTO_MODEL_TREES_MAX);
        status = grow_tree(e, root, out->source[k], (uint16_t)k);
    }
    return status;
}

/* A tree's root is its first node, which no other leads to. */
static sotto_status grow_trees(onnx_ensemble *e, const outputs *out)
{
    size_t made = 0;
    e->left_to_make = NODES_ALWAYS + NODES_PER_SOURCE * e->count * out->count;
    sotto_status status = sotto_forge_take_trees(e->o->forest, SOTTO_MODEL_TREES_MAX, e->o->diag);
    e->o->forest->tree_count = 0;
    for (size_t i = 0; status == SOTTO_OK && i < e->count; i++) {
        if (i > 0 && e->trees[i] == e->trees[i - 1])
            continue;
        if (e->child[i])
            return bad(e, "nodes_nodeids", "a tree whose first node is not its root");
        status = grow_tree_outputs(e, (uint32_t)i, out, &made);
    }
    return status;
}

/* Every output that has a weight. */
static sotto_status find_outputs(const onnx_ensemble *e, size_t classes, outputs *out)
{
    bool seen[SOTTO_MODEL_OUTPUTS_MAX] = {false};
    out->count = 0;
    for (size_t i = 0; i < e->weight_count; i++)
        seen[e->weights[i].output] = true;
    for (size_t k = 0; k < SOTTO_MODEL_OUTPUTS_MAX; k++)
        if (k < classes || seen[k])
            out->source[out->count++] = (int64_t)k;
    return SOTTO_OK;
}

static bool only_one(const onnx_ensemble *e)
{
    for (size_t i = 1; i < e->weight_count; i++)
        if (e->weights[i].output != e->weights[0].output)
            return false;
    return true;
}

/* base_values: none, one, or one an output of the source. */
static sotto_status read_bases(onnx_ensemble *e, const outputs *out, size_t classes)
{
    const onnx_attribute *a = sotto_onnx_attribute(e->node, "base_values");
    forge_forest *f = e->o->forest;
    size_t n = a == NULL ? 0 : a->float_count;
    if (n == 0)
        return SOTTO_OK;
    if (n != out->count && !(n == classes && out->count == 1 && classes > 1))
        return sotto_onnx_bad(e->o, e->node, "base_values", SOTTO_ERR(FORGE, UNSUPPORTED),
                              "%zu of them for %zu outputs", n, out->count);
    for (size_t i = 0; i < out->count; i++) {
        float v = a->floats[n == out->count ? i : (size_t)out->source[i]];
        if (!isfinite(v))
            return bad(e, "base_values", "not a finite number");
        f->bias[i] = (double)v;
    }
    return SOTTO_OK;
}

static bool all_positive(const onnx_ensemble *e)
{
    for (size_t i = 0; i < e->weight_count; i++)
        if (e->weights[i].value < 0)
            return false;
    return true;
}

/* The link of a classifier. One score for two classes is that of the second (ONNX Runtime's
 * tree_ensemble_aggregator.h); two scores of two classes that are shares of votes are told by the second. */
static sotto_status classifier_link(onnx_ensemble *e, const char *transform, size_t classes, outputs *out)
{
    forge_forest *f = e->o->forest;
    bool one = only_one(e) && classes == 2;
    if (one)
        *out = (outputs){.count = 1, .source = {e->weights[0].output}};
    if (strcmp(transform, "NONE") == 0 && !one && classes == 2 && out->count == 2)
        *out = (outputs){.count = 1, .source = {1}};
    if (one && strcmp(transform, "LOGISTIC") == 0 && all_positive(e))
        return sotto_onnx_bad(
            e->o, e->node, "post_transform", SOTTO_ERR(FORGE, UNSUPPORTED),
            "LOGISTIC of one score whose weights are all positive: the runtime takes it for a "
            "probability");
    if (one && strcmp(transform, "SOFTMAX") == 0)
        return sotto_onnx_bad(e->o, e->node, "post_transform", SOTTO_ERR(FORGE, UNSUPPORTED),
                              "SOFTMAX of one score");
    f->link = strcmp(transform, "SOFTMAX") == 0    ? SOTTO_LINK_SOFTMAX
              : strcmp(transform, "LOGISTIC") == 0 ? SOTTO_LINK_LOGISTIC
              : all_positive(e)                    ? SOTTO_LINK_PROBABILITY
                                                   : SOTTO_LINK_IDENTITY;
    return SOTTO_OK;
}

static sotto_status regressor_link(onnx_ensemble *e, const char *transform, size_t trees)
{
    const onnx_attribute *a = sotto_onnx_attribute(e->node, "aggregate_function");
    bool average = a != NULL && sotto_span_is(a->s, "AVERAGE");
    if (a != NULL && !average && !sotto_span_is(a->s, "SUM"))
        return sotto_onnx_bad(e->o, e->node, "aggregate_function", SOTTO_ERR(FORGE, UNSUPPORTED),
                              "SUM and AVERAGE can be compiled");
    e->divide = average ? (double)trees : 1;
    if (strcmp(transform, "SOFTMAX") == 0)
        return sotto_onnx_bad(e->o, e->node, "post_transform", SOTTO_ERR(FORGE, UNSUPPORTED),
                              "SOFTMAX of a regressor");
    e->o->forest->link = strcmp(transform, "LOGISTIC") == 0 ? SOTTO_LINK_LOGISTIC : SOTTO_LINK_IDENTITY;
    return SOTTO_OK;
}

sotto_status sotto_onnx_trees(onnx *o, const onnx_node *n, const onnx_value *x, bool classifier)
{
    onnx_ensemble e = {.o = o, .node = n, .x = x, .divide = 1};
    outputs out = {.count = 0};
    const char *transform = "NONE";
    size_t trees = 0,
           classes = classifier ? sotto_onnx_classes(n) : (size_t)sotto_onnx_int(n, "n_targets", 1);
    if (classes < 1 || classes > SOTTO_MODEL_OUTPUTS_MAX)
        return sotto_onnx_bad(o, n, NULL, SOTTO_ERR(FORGE, UNSUPPORTED), "%zu classes or targets", classes);
    sotto_status status = sotto_onnx_ensemble(&e, classifier, &trees);
    if (status == SOTTO_OK)
        status = sotto_onnx_transform(o, n, &transform);
    if (status == SOTTO_OK)
        status = find_outputs(&e, classes, &out);
    if (status == SOTTO_OK && out.count > classes)
        status = bad(&e, classifier ? "class_ids" : "target_ids", "more outputs than classes or targets");
    if (status == SOTTO_OK)
        status =
            classifier ? classifier_link(&e, transform, classes, &out) : regressor_link(&e, transform, trees);
    o->forest->outputs = out.count;
    if (status == SOTTO_OK)
        status = read_bases(&e, &out, classes);
    if (status == SOTTO_OK)
        status = fold_codes(&e);
    return status == SOTTO_OK ? grow_trees(&e, &out) : status;
}
