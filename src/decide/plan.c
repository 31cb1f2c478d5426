/* A plan: the parts of one release, checked against each other. */
#include "decide_priv.h"

#include <assert.h>
#include <string.h>

/* ---- The model's features: which tag each comes from, and the keys of the products, computed once ---- */

static bool find_attribute(void *ctx, const char *name, int64_t *mantissa, unsigned *decimals)
{
    const sotto_product *product = ctx;
    for (size_t i = 0; i < product->attribute_count; i++)
        if (strcmp(product->attributes[i].name, name) == 0) {
            *mantissa = product->attributes[i].mantissa;
            *decimals = product->attributes[i].decimals;
            return true;
        }
    return false;
}

static bool some_product_has(sotto_plan *plan, const char *attribute)
{
    int64_t mantissa;
    unsigned decimals;
    for (size_t i = 0; i < plan->product_count; i++)
        if (find_attribute(&plan->products[i], attribute, &mantissa, &decimals))
            return true;
    return false;
}

/* A model that asks for an attribute which no product has was not made for this catalogue. */
static sotto_status note_feature(sotto_plan *plan, size_t index, const char *catalogue_name, sotto_diag *diag)
{
    const sotto_feature *feature = sotto_model_feature(plan->model, index);
    plan->tag_of_feature[index] = UINT16_MAX;
    if (feature->source == SOTTO_SOURCE_TAG)
        plan->tag_of_feature[index] =
            (uint16_t)sotto_dictionary_find_number(plan->dictionary, feature->tag_number);
    if (feature->source != SOTTO_SOURCE_PRODUCT)
        return SOTTO_OK;
    if (!some_product_has(plan, feature->attribute))
        return sotto_diag_at(diag, SOTTO_ERR(DECIDE, CONFLICT), catalogue_name, 0,
                             "the model needs the attribute '%s' and no product has it", feature->attribute);
    plan->product_feature[plan->product_feature_count++] = (uint16_t)index;
    return SOTTO_OK;
}

static sotto_status take_product_keys(sotto_plan *plan, sotto_arena *arena)
{
    size_t per_product = plan->product_feature_count;
    plan->product_keys = sotto_arena_array(arena, plan->product_count * per_product, sizeof(int32_t));
    size_t mark = sotto_arena_mark(arena);
    int32_t *keys = sotto_arena_array(arena, plan->feature_count, sizeof *keys);
    if (plan->product_keys == NULL || keys == NULL)
        return SOTTO_ERR(DECIDE, NO_SPACE);
    for (size_t p = 0; p < plan->product_count; p++) {
        sotto_model_product_keys(plan->model, find_attribute, &plan->products[p], keys);
        for (size_t f = 0; f < per_product; f++)
            plan->product_keys[p * per_product + f] = keys[plan->product_feature[f]];
    }
    sotto_arena_reset(arena, mark);
    return SOTTO_OK;
}

/* Only a faster way to the same margins: where there is no room for it, the plan goes without. */
static void take_ranking(sotto_plan *plan, sotto_arena *arena)
{
    size_t bound = sotto_model_rank_bound(plan->model, plan->product_count, plan->product_feature_count);
    const sotto_rank_shelf shelf = {.products = plan->product_count,
                                    .product_feature = plan->product_feature,
                                    .product_feature_count = plan->product_feature_count,
                                    .product_keys = plan->product_keys};
    if (bound > SOTTO_DECIDE_RANKING_MAX || bound > arena->cap - sotto_arena_mark(arena) ||
        sotto_model_rank_prepare(&plan->ranking, plan->model, &shelf, arena, NULL) != SOTTO_OK)
        plan->ranking = NULL;
}

static sotto_status take_features(sotto_plan *plan, const char *catalogue_name, sotto_arena *arena,
                                  sotto_diag *diag)
{
    if (plan->model == NULL)
        return SOTTO_OK;
    sotto_status status = sotto_model_bind(plan->model, plan->dictionary, diag);
    if (status != SOTTO_OK)
        return status;
    plan->feature_count = sotto_model_info_of(plan->model)->features;
    plan->tag_of_feature = sotto_arena_array(arena, plan->feature_count, sizeof *plan->tag_of_feature);
    plan->product_feature = sotto_arena_array(arena, plan->feature_count, sizeof *plan->product_feature);
    if (plan->tag_of_feature == NULL || plan->product_feature == NULL)
        return sotto_diag_set(diag, SOTTO_ERR(DECIDE, NO_SPACE),
                              "the memory given for the plan is too small");
    for (size_t i = 0; status == SOTTO_OK && i < plan->feature_count; i++)
        status = note_feature(plan, i, catalogue_name, diag);
    if (status == SOTTO_OK && (status = take_product_keys(plan, arena)) != SOTTO_OK)
        status = sotto_diag_set(diag, status, "the memory given for the plan is too small");
    if (status == SOTTO_OK)
        take_ranking(plan, arena);
    return status;
}

/* ---- Loading ---- */

typedef sotto_status (*load_file)(sotto_plan_loading *l, sotto_json_node root);

static sotto_status load_json(sotto_plan_loading *l, sotto_span text, const char *name, load_file load)
{
    sotto_json *doc;
    sotto_status status = sotto_json_parse(&doc, text, name, l->diag);
    if (status != SOTTO_OK)
        return status;
    status = load(l, sotto_json_root(doc));
    sotto_json_free(doc);
    return status;
}

static sotto_status load_all(sotto_plan_loading *l, const sotto_plan_sources *sources)
{
    l->plan = sotto_arena_take(l->arena, sizeof *l->plan);
    if (l->plan == NULL)
        return sotto_diag_set(l->diag, SOTTO_ERR(DECIDE, NO_SPACE),
                              "the memory given for the plan is too small");
    l->plan->dictionary = sources->dictionary;
    l->plan->model = sources->model;
    l->plan->items = sources->items;
    sotto_status status = load_json(l, sources->catalogue, sources->catalogue_name, sotto_catalogue_load);
    if (status == SOTTO_OK)
        status = load_json(l, sources->policy, sources->policy_name, sotto_policy_load);
    if (status == SOTTO_OK)
        status = take_features(l->plan, sources->catalogue_name, l->arena, l->diag);
    return status;
}

sotto_status sotto_plan_load(const sotto_plan **out, const sotto_plan_sources *sources, sotto_arena *arena,
                             sotto_diag *diag)
{
    sotto_plan_loading l = {.arena = arena, .diag = diag};
    size_t mark = sotto_arena_mark(arena);
    sotto_status status = load_all(&l, sources);
    if (status != SOTTO_OK)
        sotto_arena_reset(arena, mark);
    *out = status == SOTTO_OK ? l.plan : NULL;
    return status;
}

static size_t ranking_bound(const sotto_model *model, size_t products, size_t product_features)
{
    if (model == NULL)
        return SOTTO_DECIDE_RANKING_MAX;
    size_t bound = sotto_model_rank_bound(model, products, product_features);
    return bound > SOTTO_DECIDE_RANKING_MAX ? SOTTO_DECIDE_RANKING_MAX : bound;
}

/* Each thing taken stands in the text: the densest are true (5 bytes with its comma; two steps of 24), list
 * entries (2 bytes; 8) and attributes ("a":1, 6 bytes; a struct of 24 and a name of 16). So twelve times the
 * text is enough; test_plan tries such texts. A product takes at least 30 bytes of text. */
size_t sotto_plan_arena_bound(const sotto_plan_sources *sources)
{
    enum { PRODUCT_FEATURES_UNKNOWN = 64, PRODUCT_TEXT_MIN = 30 };
    bool unknown = sources->model == NULL;
    size_t features = unknown ? SOTTO_MODEL_FEATURES_MAX : sotto_model_info_of(sources->model)->features;
    size_t product_features = unknown ? PRODUCT_FEATURES_UNKNOWN : 0;
    for (size_t i = 0; !unknown && i < features; i++)
        product_features += sotto_model_feature(sources->model, i)->source == SOTTO_SOURCE_PRODUCT;
    size_t products = sources->catalogue.len / PRODUCT_TEXT_MIN + 1;
    if (products > SOTTO_PRODUCTS_MAX)
        products = SOTTO_PRODUCTS_MAX;
    return sizeof(sotto_plan) + 1024 + SOTTO_TAG_CHOICES_MAX +
           12 * (sources->catalogue.len + sources->policy.len) + 8 * features +
           4 * product_features * products + sizeof(int16_t) * (products + SOTTO_ITEMS_MAX) +
           ranking_bound(sources->model, products, product_features);
}

/* ---- What a plan says ---- */

size_t sotto_plan_campaigns(const sotto_plan *plan)
{
    return plan->campaign_count;
}

const sotto_campaign *sotto_plan_campaign(const sotto_plan *plan, size_t index)
{
    assert(index < plan->campaign_count);
    return &plan->campaigns[index];
}

int sotto_plan_find(const sotto_plan *plan, sotto_span id)
{
    for (size_t i = 0; i < plan->campaign_count; i++)
        if (sotto_span_is(id, plan->campaigns[i].id))
            return (int)i;
    return -1;
}

int sotto_plan_profiling_tag(const sotto_plan *plan)
{
    return plan->profiling_tag;
}

int sotto_plan_measurement_tag(const sotto_plan *plan)
{
    return plan->measurement_tag;
}

unsigned sotto_plan_currency_decimals(const sotto_plan *plan)
{
    return plan->currency_decimals;
}

size_t sotto_plan_menu(const sotto_plan *plan)
{
    return plan->menu_count;
}

const char *sotto_plan_menu_item(const sotto_plan *plan, size_t index)
{
    assert(index < plan->menu_count);
    return plan->menu[index].id;
}
