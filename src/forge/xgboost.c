/* XGBoost's JSON, versions 1.x to 3.x: learner, booster, features, trees (its doc/model.schema and
 * doc/tutorials/saving_model). What would not score exactly as there is refused. */
#include "forge_priv.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct reader {
    const sotto_forge_options *options;
    forge_forest *forest;
    sotto_json_node learner, booster, model;
    sotto_json_node weight_drop; /* of dart: a factor a tree */
    bool linear;                 /* gblinear: coefficients, no trees */
    size_t trees_used;
    uint8_t *used; /* one a feature: some node tests it */
    sotto_diag *diag;
} reader;

static sotto_status get_object(const reader *r, sotto_json_node parent, const char *name,
                               sotto_json_node *out)
{
    *out = sotto_json_member(parent, name);
    if (out->val == NULL)
        return sotto_json_bad(parent, r->diag, SOTTO_ERR(FORGE, MALFORMED),
                              "%s is missing: not a model of XGBoost's", name);
    return sotto_json_as_object(*out, r->diag);
}

/* A number that stands as a string, "28". absent: what it is when the member is not there. */
static sotto_status get_count(const reader *r, sotto_json_node parent, const char *name, uint64_t absent,
                              uint64_t *out)
{
    sotto_json_node node = sotto_json_member(parent, name);
    sotto_span text;
    *out = absent;
    if (node.val == NULL)
        return SOTTO_OK;
    sotto_status status = sotto_json_as_str(node, &text, r->diag);
    if (status == SOTTO_OK && sotto_parse_u64(text, out) != SOTTO_OK)
        status = sotto_json_bad(node, r->diag, SOTTO_ERR(FORGE, MALFORMED), "not a number");
    return status;
}

/* What an objective makes of margin and base score (XGBoost's src/objective: PredTransform, ProbToMargin). */
typedef struct objective {
    const char *name;
    enum sotto_model_link link;
    enum base { BASE_AS_IT_IS, BASE_LOGIT, BASE_LOG } base;
} objective;

static const objective OBJECTIVES[] = {
    {"binary:logistic", SOTTO_LINK_LOGISTIC, BASE_LOGIT},
    {"reg:logistic", SOTTO_LINK_LOGISTIC, BASE_LOGIT},
    {"binary:logitraw", SOTTO_LINK_IDENTITY, BASE_AS_IT_IS},
    {"reg:squarederror", SOTTO_LINK_IDENTITY, BASE_AS_IT_IS},
    {"reg:linear", SOTTO_LINK_IDENTITY, BASE_AS_IT_IS},
    {"reg:squaredlogerror", SOTTO_LINK_IDENTITY, BASE_AS_IT_IS},
    {"reg:absoluteerror", SOTTO_LINK_IDENTITY, BASE_AS_IT_IS},
    {"reg:pseudohubererror", SOTTO_LINK_IDENTITY, BASE_AS_IT_IS},
    {"reg:quantileerror", SOTTO_LINK_IDENTITY, BASE_AS_IT_IS},
    {"rank:pairwise", SOTTO_LINK_IDENTITY, BASE_AS_IT_IS},
    {"rank:ndcg", SOTTO_LINK_IDENTITY, BASE_AS_IT_IS},
    {"rank:map", SOTTO_LINK_IDENTITY, BASE_AS_IT_IS},
    {"count:poisson", SOTTO_LINK_EXP, BASE_LOG},
    {"reg:tweedie", SOTTO_LINK_EXP, BASE_LOG},
    {"reg:gamma", SOTTO_LINK_EXP, BASE_LOG},
    {"survival:cox", SOTTO_LINK_EXP, BASE_LOG},
    {"multi:softprob", SOTTO_LINK_SOFTMAX, BASE_AS_IT_IS},
    {"multi:softmax", SOTTO_LINK_SOFTMAX, BASE_AS_IT_IS},
};

static sotto_status find_objective(const reader *r, const objective **out)
{
    sotto_json_node node;
    sotto_span name;
    sotto_status status = get_object(r, r->learner, "objective", &node);
    if (status == SOTTO_OK)
        status = sotto_json_get_str(node, "name", &name, r->diag);
    if (status != SOTTO_OK)
        return status;
    for (size_t i = 0; i < SOTTO_COUNT(OBJECTIVES); i++)
        if (sotto_span_is(name, OBJECTIVES[i].name)) {
            *out = &OBJECTIVES[i];
            return SOTTO_OK;
        }
    return sotto_json_bad(sotto_json_member(node, "name"), r->diag, SOTTO_ERR(FORGE, UNSUPPORTED),
                          "%.*s cannot be compiled", name.len < 40 ? (int)name.len : 40,
                          (const char *)name.ptr);
}

/* In XGBoost's own float32 arithmetic (src/objective/regression_loss.h: -log(1 / p - 1)). false out of range.
 */
static bool base_margin(enum base base, float score, double *out)
{
    switch (base) {
    case BASE_LOGIT:
        *out = (double)-logf(1.0F / score - 1.0F);
        return score > 0.0F && score < 1.0F;
    case BASE_LOG:
        *out = (double)logf(score);
        return score > 0.0F;
    case BASE_AS_IT_IS:
    default:
        *out = (double)score;
        return true;
    }
}

/* The next number of "[5E-1,5E-1]", or all of "5E-1". */
static sotto_span next_score(sotto_span *text)
{
    size_t n = 0;
    while (n < text->len && text->ptr[n] != ',')
        n++;
    sotto_span item = sotto_span_of(text->ptr, n);
    *text = sotto_span_of(text->ptr + n + (n < text->len), text->len - n - (n < text->len));
    return item;
}

/* base_score is "5E-1", or since 3.1 a list, "[5E-1]": one for all outputs, or one each. */
static sotto_status read_bias(reader *r, sotto_json_node param, const objective *o)
{
    sotto_span text;
    forge_forest *f = r->forest;
    sotto_status status = sotto_json_get_str(param, "base_score", &text, r->diag);
    if (status != SOTTO_OK)
        return status;
    if (text.len >= 2 && text.ptr[0] == '[' && text.ptr[text.len - 1] == ']')
        text = sotto_span_of(text.ptr + 1, text.len - 2);
    size_t count = 0;
    float score = 0;
    bool good = true;
    while (good && text.len > 0 && count < f->outputs) {
        good = sotto_forge_parse_float(next_score(&text), &score) &&
               base_margin(o->base, score, &f->bias[count]);
        count++;
    }
    if (!good || text.len > 0 || (count != 1 && count != f->outputs))
        return sotto_json_bad(sotto_json_member(param, "base_score"), r->diag, SOTTO_ERR(FORGE, RANGE),
                              "not a base score of this objective's");
    for (size_t i = count; i < f->outputs; i++)
        f->bias[i] = f->bias[0];
    return SOTTO_OK;
}

/* num_class counts for softmax, num_target for what is not. */
static sotto_status read_outputs(reader *r, sotto_json_node param)
{
    uint64_t classes = 0, targets = 0;
    sotto_status status = get_count(r, param, "num_class", 0, &classes);
    if (status == SOTTO_OK)
        status = get_count(r, param, "num_target", 0, &targets);
    if (status != SOTTO_OK)
        return status;
    bool softmax = r->forest->link == SOTTO_LINK_SOFTMAX;
    uint64_t outputs = softmax ? classes : targets > 1 ? targets : 1, other = softmax ? targets : classes;
    if (outputs < (softmax ? 2 : 1) || outputs > SOTTO_MODEL_OUTPUTS_MAX || other > 1)
        return sotto_json_bad(param, r->diag, SOTTO_ERR(FORGE, UNSUPPORTED),
                              "%s: num_class and num_target do not fit the objective, or are over %d",
                              softmax ? "softmax" : "one output", SOTTO_MODEL_OUTPUTS_MAX);
    r->forest->outputs = (size_t)outputs;
    return SOTTO_OK;
}

static sotto_status take_features(const reader *r, sotto_json_node names)
{
    forge_forest *f = r->forest;
    bool named = sotto_json_count(names) > 0;
    if (!named && r->options->recipe != NULL && r->options->recipe->count != f->feature_count)
        return sotto_json_bad(names, r->diag, SOTTO_ERR(FORGE, CONFLICT),
                              "the model has %zu features without names, the recipe has %zu",
                              f->feature_count, r->options->recipe->count);
    for (size_t i = 0; i < f->feature_count; i++) {
        sotto_span name = {0};
        sotto_status status = named ? sotto_json_as_str(sotto_json_at(names, i), &name, r->diag) : SOTTO_OK;
        if (status != SOTTO_OK)
            return status;
        const char *wrong = named && name.len == 0
                                ? "a feature's name must not be empty"
                                : sotto_forge_name_feature(f, r->options, i, name, &status);
        if (wrong != NULL)
            return sotto_json_bad(sotto_json_at(names, i), r->diag,
                                  status == SOTTO_OK ? SOTTO_ERR(FORGE, RANGE) : status, "%s", wrong);
    }
    return SOTTO_OK;
}

static sotto_status read_features(reader *r, sotto_json_node param)
{
    uint64_t count = 0;
    sotto_status status = get_count(r, param, "num_feature", 0, &count);
    if (status == SOTTO_OK && (count == 0 || count > SOTTO_MODEL_FEATURES_MAX))
        status = sotto_json_bad(param, r->diag, SOTTO_ERR(FORGE, UNSUPPORTED), "num_feature must be 1 to %d",
                                SOTTO_MODEL_FEATURES_MAX);
    sotto_json_node names = sotto_json_member(r->learner, "feature_names");
    if (status == SOTTO_OK && names.val != NULL && sotto_json_count(names) != 0)
        status = sotto_json_as_array(names, (size_t)count, (size_t)count, r->diag);
    if (status == SOTTO_OK)
        status = sotto_forge_take_features(r->forest, (size_t)count, r->diag);
    if (status != SOTTO_OK)
        return status;
    r->used = calloc((size_t)count, 1);
    return r->used == NULL ? sotto_forge_no_memory(r->diag) : take_features(r, names);
}

static sotto_status read_params(reader *r)
{
    sotto_json_node param;
    const objective *o = NULL;
    sotto_status status = get_object(r, r->learner, "learner_model_param", &param);
    if (status == SOTTO_OK)
        status = find_objective(r, &o);
    if (status != SOTTO_OK)
        return status;
    r->forest->link = o->link;
    status = read_outputs(r, param);
    if (status == SOTTO_OK)
        status = read_bias(r, param, o);
    return status == SOTTO_OK ? read_features(r, param) : status;
}

/* Early stopping leaves trees behind its best round; they do not count (XGBoost's Python package predicts so
 * too). */
static sotto_status cut_trees(reader *r, size_t trees)
{
    uint64_t best = 0, parallel = 1;
    r->trees_used = trees;
    sotto_json_node attributes = sotto_json_member(r->learner, "attributes");
    sotto_json_node best_node = sotto_json_member(attributes, "best_iteration");
    if (best_node.val == NULL)
        return SOTTO_OK;
    sotto_status status = get_count(r, attributes, "best_iteration", 0, &best);
    if (status == SOTTO_OK)
        status = get_count(r, sotto_json_member(r->model, "gbtree_model_param"), "num_parallel_tree", 1,
                           &parallel);
    if (status != SOTTO_OK)
        return status;
    if (parallel <= trees)
        parallel *= r->forest->outputs; /* each round grows so many trees for each output */
    if (parallel == 0 || parallel > trees || best >= trees / parallel)
        return sotto_json_bad(best_node, r->diag, SOTTO_ERR(FORGE, RANGE), "there are only %zu trees", trees);
    r->trees_used = (size_t)((best + 1) * parallel);
    return SOTTO_OK;
}

/* tree_info says which output each tree adds to. */
static sotto_status read_output(const reader *r, size_t t, forge_tree *out)
{
    sotto_json_node info = sotto_json_member(r->model, "tree_info");
    int64_t group = 0;
    sotto_status status = SOTTO_OK;
    if (info.val != NULL)
        status =
            sotto_json_as_i64(sotto_json_at(info, t), 0, (int64_t)r->forest->outputs - 1, &group, r->diag);
    else if (r->forest->outputs > 1)
        status = sotto_json_bad(r->model, r->diag, SOTTO_ERR(FORGE, MALFORMED), "tree_info is missing");
    out->output = (uint16_t)group;
    return status;
}

/* dart: XGBoost multiplies a leaf by its tree's weight. */
static sotto_status weigh_tree(const reader *r, size_t t, forge_tree *tree)
{
    sotto_span text;
    float weight = 1;
    sotto_json_node node = sotto_json_at(r->weight_drop, t);
    sotto_status status = sotto_json_as_number_text(node, &text, r->diag);
    if (status == SOTTO_OK && !sotto_forge_parse_float(text, &weight))
        status = sotto_json_bad(node, r->diag, SOTTO_ERR(FORGE, RANGE), "not a finite float32");
    for (uint32_t i = 0; status == SOTTO_OK && i < tree->count; i++)
        tree->nodes[i].leaf *= (double)weight;
    return status;
}

static sotto_status read_tree(const reader *r, size_t t, sotto_json_node json, size_t *nodes)
{
    forge_tree *out = &r->forest->trees[t];
    sotto_json_node param = sotto_json_member(json, "tree_param");
    uint64_t vector = 0;
    sotto_status status = get_count(r, param, "size_leaf_vector", 0, &vector);
    if (status == SOTTO_OK && vector > 1)
        return sotto_json_bad(json, r->diag, SOTTO_ERR(FORGE, UNSUPPORTED), "leaves of several values");
    if (status == SOTTO_OK)
        status = sotto_forge_xgboost_tree(json, r->forest, r->used, out, r->diag);
    *nodes += out->count;
    if (status == SOTTO_OK && *nodes > FORGE_NODES_MAX)
        status = sotto_json_bad(json, r->diag, SOTTO_ERR(FORGE, UNSUPPORTED), "more than %d nodes in all",
                                FORGE_NODES_MAX);
    if (status == SOTTO_OK)
        status = read_output(r, t, out);
    return status == SOTTO_OK && r->weight_drop.val != NULL ? weigh_tree(r, t, out) : status;
}

static sotto_status read_trees(reader *r)
{
    sotto_json_node trees = sotto_json_member(r->model, "trees");
    size_t count = sotto_json_count(trees), nodes = 0;
    if (sotto_json_type(trees) != SOTTO_JSON_ARR || count == 0)
        return sotto_json_bad(r->model, r->diag, SOTTO_ERR(FORGE, MALFORMED), "the model has no trees");
    sotto_json_node info = sotto_json_member(r->model, "tree_info");
    sotto_status status = SOTTO_OK;
    if (info.val != NULL)
        status = sotto_json_as_array(info, count, count, r->diag);
    if (status == SOTTO_OK)
        status = cut_trees(r, count);
    if (status == SOTTO_OK && r->trees_used > SOTTO_MODEL_TREES_MAX)
        status = sotto_json_bad(trees, r->diag, SOTTO_ERR(FORGE, UNSUPPORTED),
                                "%zu trees; at most %d are possible", r->trees_used, SOTTO_MODEL_TREES_MAX);
    if (status == SOTTO_OK)
        status = sotto_forge_take_trees(r->forest, r->trees_used, r->diag);
    for (size_t t = 0; status == SOTTO_OK && t < r->trees_used; t++)
        status = read_tree(r, t, sotto_json_at(trees, t), &nodes);
    return status;
}

/* The attributes that a trainer left. */
static sotto_status read_provenance(reader *r)
{
    sotto_json_node attributes = sotto_json_member(r->learner, "attributes");
    sotto_status status = SOTTO_OK;
    for (size_t i = 0; status == SOTTO_OK && i < sotto_json_count(attributes); i++) {
        sotto_span name, value;
        sotto_json_node node = sotto_json_member_at(attributes, i, &name);
        if (sotto_json_type(node) == SOTTO_JSON_STR && sotto_json_as_str(node, &value, NULL) == SOTTO_OK)
            status = sotto_forge_add_provenance(r->forest, name, value, r->diag);
    }
    return status;
}

/* gblinear: the coefficients of every output, feature after feature, then the biases (XGBoost's
 * src/gbm/gblinear_model.h). A missing value adds nothing. */
static sotto_status read_weights(reader *r)
{
    forge_forest *f = r->forest;
    sotto_json_node weights = sotto_json_member(r->model, "weights");
    size_t outputs = f->outputs, count = (f->feature_count + 1) * outputs;
    sotto_status status = sotto_json_as_array(weights, count, count, r->diag);
    for (size_t i = 0; status == SOTTO_OK && i < count; i++) {
        sotto_span text;
        float v = 0;
        size_t feature = i / outputs, output = i % outputs;
        sotto_json_node node = sotto_json_at(weights, i);
        status = sotto_json_as_number_text(node, &text, r->diag);
        if (status == SOTTO_OK && !sotto_forge_parse_float(text, &v))
            status = sotto_json_bad(node, r->diag, SOTTO_ERR(FORGE, RANGE), "not a finite float32");
        if (status == SOTTO_OK && feature == f->feature_count)
            f->bias[output] += (double)v;
        else if (status == SOTTO_OK)
            status = sotto_forge_add_term(f, (forge_term){(uint32_t)feature, (uint16_t)output, (double)v, 0},
                                          r->diag);
    }
    return status;
}

/* gbtree has its trees in "model", dart in "gbtree" and its weights beside it. */
static sotto_status find_trees(reader *r)
{
    sotto_span name;
    sotto_json_node gbtree = r->booster;
    sotto_status status = sotto_json_get_str(r->booster, "name", &name, r->diag);
    if (status != SOTTO_OK)
        return status;
    if (sotto_span_is(name, "dart")) {
        status = get_object(r, r->booster, "gbtree", &gbtree);
        r->weight_drop = sotto_json_member(r->booster, "weight_drop");
        if (status == SOTTO_OK)
            status = sotto_json_as_array(r->weight_drop, 1, SIZE_MAX, r->diag);
    } else if (sotto_span_is(name, "gblinear")) {
        r->linear = true;
    } else if (!sotto_span_is(name, "gbtree")) {
        status = sotto_json_bad(sotto_json_member(r->booster, "name"), r->diag, SOTTO_ERR(FORGE, UNSUPPORTED),
                                "%.*s cannot be compiled; gbtree, dart and gblinear can",
                                name.len < 40 ? (int)name.len : 40, (const char *)name.ptr);
    }
    return status == SOTTO_OK ? get_object(r, gbtree, "model", &r->model) : status;
}

static sotto_status read_model(reader *r, sotto_json_node root)
{
    sotto_status status = get_object(r, root, "learner", &r->learner);
    if (status == SOTTO_OK)
        status = get_object(r, r->learner, "gradient_booster", &r->booster);
    if (status == SOTTO_OK)
        status = find_trees(r);
    if (status == SOTTO_OK)
        status = read_params(r);
    if (status == SOTTO_OK)
        status = r->linear ? read_weights(r) : read_trees(r);
    return status == SOTTO_OK ? read_provenance(r) : status;
}

static sotto_status read_file(reader *r, sotto_span file)
{
    sotto_json *doc = NULL;
    sotto_vec text;
    sotto_status status = sotto_forge_xgboost_json(&file, &text, r->options->file_name, r->diag);
    if (status == SOTTO_OK)
        status = sotto_json_parse_large(&doc, file, r->options->file_name, r->diag);
    sotto_vec_free(&text);
    if (status == SOTTO_OK)
        status = read_model(r, sotto_json_root(doc));
    sotto_json_free(doc); /* before the layout: it is the larger half of the memory */
    return status;
}

sotto_status sotto_forge_xgboost(sotto_span file, const sotto_forge_options *options, sotto_vec *out,
                                 sotto_forge_report *report, sotto_diag *diag)
{
    forge_forest forest;
    sotto_forge_forest_init(&forest);
    reader r = {.options = options, .forest = &forest, .diag = diag};
    sotto_status status = sotto_forge_check_options(options, diag);
    if (status == SOTTO_OK)
        status = read_file(&r, file);
    if (status == SOTTO_OK)
        status = sotto_forge_finish(&forest, options, out, report, diag);
    free(r.used);
    sotto_forge_forest_free(&forest);
    return status;
}
