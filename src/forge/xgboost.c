/* XGBoost's JSON, versions 1.x to 3.x: learner, booster, features, trees (its doc/model.schema and
 * doc/tutorials/saving_model). What would not score exactly as there is refused. */
#include "forge_priv.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

typedef struct reader {
    const sotto_forge_options *options;
    forge_forest *forest;
    sotto_json_node learner, booster, model;
    size_t trees_used;
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

/* A member that must hold this text, as far as it is there. */
static sotto_status demand(const reader *r, sotto_json_node parent, const char *name, const char *wanted)
{
    sotto_span text;
    sotto_status status = sotto_json_get_str(parent, name, &text, r->diag);
    if (status == SOTTO_OK && !sotto_span_is(text, wanted))
        status = sotto_json_bad(sotto_json_member(parent, name), r->diag, SOTTO_ERR(FORGE, UNSUPPORTED),
                                "%.*s cannot be compiled; only %s can", text.len < 40 ? (int)text.len : 40,
                                (const char *)text.ptr, wanted);
    return status;
}

/* 0 or 1: what is not of one output is refused. */
static sotto_status demand_single(const reader *r, sotto_json_node parent, const char *name)
{
    uint64_t n = 0;
    sotto_status status = get_count(r, parent, name, 0, &n);
    if (status == SOTTO_OK && n > 1)
        status = sotto_json_bad(sotto_json_member(parent, name), r->diag, SOTTO_ERR(FORGE, UNSUPPORTED),
                                "more than one output cannot be compiled");
    return status;
}

/* base_score is a probability, "5E-1", or since 3.1 a list of one, "[5E-1]". The margin is what XGBoost makes
 * of it, in its own float32 arithmetic (src/objective/regression_loss.h: -log(1 / p - 1)). */
static sotto_status read_bias(reader *r, sotto_json_node param)
{
    sotto_span text;
    sotto_status status = sotto_json_get_str(param, "base_score", &text, r->diag);
    if (status != SOTTO_OK)
        return status;
    if (text.len >= 2 && text.ptr[0] == '[' && text.ptr[text.len - 1] == ']')
        text = sotto_span_of(text.ptr + 1, text.len - 2);
    float p = 0;
    if (!sotto_forge_parse_float(text, &p) || !(p > 0.0F && p < 1.0F))
        return sotto_json_bad(sotto_json_member(param, "base_score"), r->diag, SOTTO_ERR(FORGE, RANGE),
                              "not one probability between 0 and 1");
    r->forest->bias = -logf(1.0F / p - 1.0F);
    return SOTTO_OK;
}

static sotto_status name_feature(const reader *r, sotto_json_node names, size_t i, sotto_feature *f)
{
    sotto_span text;
    sotto_status status = sotto_json_as_str(sotto_json_at(names, i), &text, r->diag);
    if (status == SOTTO_OK && (text.len == 0 || sotto_span_to_str(text, f->name, sizeof f->name) != SOTTO_OK))
        status = sotto_json_bad(sotto_json_at(names, i), r->diag, SOTTO_ERR(FORGE, RANGE),
                                "a feature's name must have 1 to %zu bytes", sizeof f->name - 1);
    return status;
}

static sotto_status demand_new_name(const reader *r, sotto_json_node names, size_t i)
{
    for (size_t k = 0; k < i; k++)
        if (strcmp(r->forest->features[k].name, r->forest->features[i].name) == 0)
            return sotto_json_bad(sotto_json_at(names, i), r->diag, SOTTO_ERR(FORGE, MALFORMED),
                                  "two features of one name");
    return SOTTO_OK;
}

static const sotto_feature *recipe_find(const sotto_recipe *recipe, const char *name)
{
    for (size_t i = 0; i < recipe->count; i++)
        if (strcmp(recipe->features[i].name, name) == 0)
            return &recipe->features[i];
    return NULL;
}

/* Features without a recipe: plain columns, f0, f1, ... when the file has no names. */
static sotto_status take_columns(const reader *r, sotto_json_node names)
{
    forge_forest *f = r->forest;
    bool named = sotto_json_count(names) > 0;
    sotto_status status = SOTTO_OK;
    for (size_t i = 0; status == SOTTO_OK && i < f->feature_count; i++) {
        f->features[i].source = SOTTO_SOURCE_COLUMN;
        if (named)
            status = name_feature(r, names, i, &f->features[i]);
        else
            (void)snprintf(f->features[i].name, sizeof f->features[i].name, "f%zu", i);
        if (status == SOTTO_OK)
            status = demand_new_name(r, names, i);
    }
    return status;
}

/* Features of a recipe, in the file's order: by name, or as they stand when the file has no names. */
static sotto_status take_recipe(const reader *r, sotto_json_node names)
{
    forge_forest *f = r->forest;
    const sotto_recipe *recipe = r->options->recipe;
    bool named = sotto_json_count(names) > 0;
    if (!named && recipe->count != f->feature_count)
        return sotto_json_bad(names, r->diag, SOTTO_ERR(FORGE, CONFLICT),
                              "the model has %zu features without names, the recipe has %zu",
                              f->feature_count, recipe->count);
    for (size_t i = 0; i < f->feature_count; i++) {
        sotto_feature named_so = {.bins = 0};
        sotto_status status = named ? name_feature(r, names, i, &named_so) : SOTTO_OK;
        if (status != SOTTO_OK)
            return status;
        const sotto_feature *found = named ? recipe_find(recipe, named_so.name) : &recipe->features[i];
        if (found == NULL)
            return sotto_json_bad(sotto_json_at(names, i), r->diag, SOTTO_ERR(FORGE, NOT_FOUND),
                                  "the recipe has no feature of this name");
        f->features[i] = *found;
        status = demand_new_name(r, names, i);
        if (status != SOTTO_OK)
            return status;
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
    return r->options->recipe != NULL ? take_recipe(r, names) : take_columns(r, names);
}

static sotto_status read_params(reader *r)
{
    sotto_json_node param, objective;
    sotto_status status = get_object(r, r->learner, "learner_model_param", &param);
    if (status == SOTTO_OK)
        status = get_object(r, r->learner, "objective", &objective);
    if (status == SOTTO_OK)
        status = demand(r, objective, "name", "binary:logistic");
    if (status == SOTTO_OK)
        status = demand_single(r, param, "num_class");
    if (status == SOTTO_OK)
        status = demand_single(r, param, "num_target");
    if (status == SOTTO_OK)
        status = read_bias(r, param);
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
    if (parallel == 0 || parallel > trees || best >= trees / parallel)
        return sotto_json_bad(best_node, r->diag, SOTTO_ERR(FORGE, RANGE), "there are only %zu trees", trees);
    r->trees_used = (size_t)((best + 1) * parallel);
    return SOTTO_OK;
}

/* Which output each tree adds to: all to the first. */
static sotto_status check_tree_info(const reader *r, size_t trees)
{
    sotto_json_node info = sotto_json_member(r->model, "tree_info");
    int64_t group = 0;
    sotto_status status = SOTTO_OK;
    if (info.val != NULL)
        status = sotto_json_as_array(info, trees, trees, r->diag);
    for (size_t i = 0; status == SOTTO_OK && i < sotto_json_count(info); i++) {
        status = sotto_json_as_i64(sotto_json_at(info, i), 0, INT32_MAX, &group, r->diag);
        if (status == SOTTO_OK && group != 0)
            status = sotto_json_bad(sotto_json_at(info, i), r->diag, SOTTO_ERR(FORGE, UNSUPPORTED),
                                    "more than one output cannot be compiled");
    }
    return status;
}

static sotto_status read_tree(const reader *r, sotto_json_node json, forge_tree *out, size_t *nodes)
{
    sotto_json_node param = sotto_json_member(json, "tree_param");
    uint64_t vector = 0;
    sotto_status status = get_count(r, param, "size_leaf_vector", 0, &vector);
    if (status == SOTTO_OK && vector > 1)
        return sotto_json_bad(json, r->diag, SOTTO_ERR(FORGE, UNSUPPORTED), "leaves of several values");
    if (status == SOTTO_OK)
        status = sotto_forge_xgboost_tree(json, r->forest->feature_count, out, r->diag);
    *nodes += out->count;
    if (status == SOTTO_OK && *nodes > FORGE_NODES_MAX)
        status = sotto_json_bad(json, r->diag, SOTTO_ERR(FORGE, UNSUPPORTED), "more than %d nodes in all",
                                FORGE_NODES_MAX);
    return status;
}

static sotto_status read_trees(reader *r)
{
    sotto_json_node trees = sotto_json_member(r->model, "trees");
    size_t count = sotto_json_count(trees), nodes = 0;
    if (sotto_json_type(trees) != SOTTO_JSON_ARR || count == 0)
        return sotto_json_bad(r->model, r->diag, SOTTO_ERR(FORGE, MALFORMED), "the model has no trees");
    sotto_status status = check_tree_info(r, count);
    if (status == SOTTO_OK)
        status = cut_trees(r, count);
    if (status == SOTTO_OK && r->trees_used > SOTTO_MODEL_TREES_MAX)
        status = sotto_json_bad(trees, r->diag, SOTTO_ERR(FORGE, UNSUPPORTED),
                                "%zu trees; at most %d are possible", r->trees_used, SOTTO_MODEL_TREES_MAX);
    if (status == SOTTO_OK)
        status = sotto_forge_take_trees(r->forest, r->trees_used, r->diag);
    for (size_t t = 0; status == SOTTO_OK && t < r->trees_used; t++)
        status = read_tree(r, sotto_json_at(trees, t), &r->forest->trees[t], &nodes);
    return status;
}

/* Text that fits a line of name=value. */
static bool is_plain(sotto_span text)
{
    for (size_t i = 0; i < text.len; i++)
        if (text.ptr[i] < 0x20)
            return false;
    return true;
}

/* The attributes that a trainer left. What does not fit is left out: it changes no score. */
static sotto_status read_provenance(reader *r)
{
    sotto_json_node attributes = sotto_json_member(r->learner, "attributes");
    sotto_vec *out = &r->forest->provenance;
    for (size_t i = 0; i < sotto_json_count(attributes); i++) {
        sotto_span name, value;
        sotto_json_node node = sotto_json_member_at(attributes, i, &name);
        if (sotto_json_type(node) != SOTTO_JSON_STR || sotto_json_as_str(node, &value, NULL) != SOTTO_OK)
            continue;
        if (!is_plain(name) || !is_plain(value) || name.len + value.len + 2 > out->limit - out->len)
            continue;
        if (sotto_vec_put(out, name.ptr, name.len) != SOTTO_OK || sotto_vec_put(out, "=", 1) != SOTTO_OK ||
            sotto_vec_put(out, value.ptr, value.len) != SOTTO_OK || sotto_vec_put(out, "\n", 1) != SOTTO_OK)
            return sotto_forge_no_memory(r->diag);
    }
    return SOTTO_OK;
}

static sotto_status read_model(reader *r, sotto_json_node root)
{
    sotto_status status = get_object(r, root, "learner", &r->learner);
    if (status == SOTTO_OK)
        status = get_object(r, r->learner, "gradient_booster", &r->booster);
    if (status == SOTTO_OK)
        status = demand(r, r->booster, "name", "gbtree");
    if (status == SOTTO_OK)
        status = get_object(r, r->booster, "model", &r->model);
    if (status == SOTTO_OK)
        status = read_params(r);
    if (status == SOTTO_OK)
        status = read_trees(r);
    return status == SOTTO_OK ? read_provenance(r) : status;
}

static void fill_report(sotto_forge_report *report, const forge_forest *f, const forge_layout *l,
                        size_t bytes)
{
    *report = (sotto_forge_report){.trees = f->tree_count,
                                   .nodes = l->node_count,
                                   .leaves = l->leaves,
                                   .features = f->feature_count,
                                   .thresholds = l->cut_count,
                                   .margin_error_q24 = l->margin_error_q24,
                                   .bytes = bytes};
}

static sotto_status compile(forge_forest *f, const sotto_forge_options *o, sotto_vec *out,
                            sotto_forge_report *report, sotto_diag *diag)
{
    forge_layout l;
    size_t start = out->len;
    sotto_status status = sotto_forge_layout_make(&l, f, o->file_name, diag);
    if (status == SOTTO_OK)
        status = sotto_forge_write(f, &l, o, out, diag);
    if (status == SOTTO_OK)
        fill_report(report, f, &l, out->len - start);
    sotto_forge_layout_free(&l);
    return status;
}

static sotto_status check_options(const sotto_forge_options *o, sotto_diag *diag)
{
    size_t len = strlen(o->model_name);
    if (len > 64 || !sotto_utf8_valid(sotto_span_str(o->model_name), NULL))
        return sotto_diag_set(diag, SOTTO_ERR(FORGE, RANGE), "a model's name has at most 64 bytes of UTF-8");
    return SOTTO_OK;
}

sotto_status sotto_forge_xgboost(sotto_span json, const sotto_forge_options *options, sotto_vec *out,
                                 sotto_forge_report *report, sotto_diag *diag)
{
    sotto_json *doc = NULL;
    forge_forest forest;
    sotto_forge_forest_init(&forest);
    reader r = {.options = options, .forest = &forest, .diag = diag};
    sotto_status status = check_options(options, diag);
    if (status == SOTTO_OK)
        status = sotto_json_parse(&doc, json, options->file_name, diag);
    if (status == SOTTO_OK)
        status = read_model(&r, sotto_json_root(doc));
    sotto_json_free(doc); /* before the layout: it is the larger half of the memory */
    if (status == SOTTO_OK)
        status = compile(&forest, options, out, report, diag);
    sotto_forge_forest_free(&forest);
    return status;
}
