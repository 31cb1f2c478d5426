/* Products: docs/formats/catalogue.md. */
#include "decide_priv.h"

#include <string.h>

enum { NAME_BYTES = 128, ATTRIBUTE_NAME_BYTES = 32, ATTRIBUTE_DECIMALS = 9 };

/* 12.50 or "12.50": exact either way. The string is for tools that would turn the number into a double. */
static sotto_status load_value(const sotto_plan_loading *l, sotto_json_node node, unsigned decimals,
                               int64_t *out)
{
    sotto_span text;
    sotto_status status;
    if (sotto_json_type(node) != SOTTO_JSON_STR)
        status = sotto_json_as_decimal(node, decimals, out, l->diag);
    else if ((status = sotto_json_as_str(node, &text, l->diag)) == SOTTO_OK &&
             (status = sotto_fixed_parse_decimal(text, decimals, out)) != SOTTO_OK)
        return sotto_json_bad(node, l->diag, SOTTO_ERR(DECIDE, MALFORMED),
                              "not a decimal number with at most %u digits behind the point", decimals);
    if (status == SOTTO_OK && (*out < 0 || *out > SOTTO_DECIDE_VALUE_MAX))
        return sotto_json_bad(node, l->diag, SOTTO_ERR(DECIDE, RANGE),
                              "a value from 0 to %lld of the smallest unit",
                              (long long)SOTTO_DECIDE_VALUE_MAX);
    return status;
}

/* Kept with as few decimals as the number needs: what a model sees is the number, not how it was written. */
static void trim(sotto_attribute *a)
{
    while (a->decimals > 0 && a->mantissa % 10 == 0) {
        a->mantissa /= 10;
        a->decimals--;
    }
}

static sotto_status load_attribute(const sotto_plan_loading *l, sotto_json_node attributes, size_t i,
                                   sotto_attribute *out)
{
    sotto_span name;
    sotto_json_node node = sotto_json_member_at(attributes, i, &name);
    if (name.len == 0 || name.len > ATTRIBUTE_NAME_BYTES)
        return sotto_json_bad(node, l->diag, SOTTO_ERR(DECIDE, RANGE),
                              "an attribute's name has 1 to %d bytes", ATTRIBUTE_NAME_BYTES);
    out->decimals = ATTRIBUTE_DECIMALS;
    sotto_status status = sotto_json_as_decimal(node, ATTRIBUTE_DECIMALS, &out->mantissa, l->diag);
    if (status != SOTTO_OK)
        return status;
    trim(out);
    out->name = sotto_arena_str(l->arena, name);
    return out->name == NULL ? sotto_decide_no_space(l, node) : SOTTO_OK;
}

static sotto_status load_attributes(const sotto_plan_loading *l, sotto_json_node product, sotto_product *out)
{
    sotto_json_node attributes = sotto_json_member(product, "attributes");
    if (sotto_decide_absent(attributes))
        return SOTTO_OK;
    sotto_status status = sotto_json_as_object(attributes, l->diag);
    size_t count = sotto_json_count(attributes);
    if (status == SOTTO_OK && count > SOTTO_DECIDE_ATTRIBUTES_MAX)
        status = sotto_json_bad(attributes, l->diag, SOTTO_ERR(DECIDE, RANGE), "at most %d attributes",
                                SOTTO_DECIDE_ATTRIBUTES_MAX);
    if (status != SOTTO_OK)
        return status;
    out->attributes = sotto_arena_array(l->arena, count, sizeof *out->attributes);
    if (out->attributes == NULL)
        return sotto_decide_no_space(l, attributes);
    for (size_t i = 0; status == SOTTO_OK && i < count; i++)
        status = load_attribute(l, attributes, i, &out->attributes[i]);
    out->attribute_count = count;
    return status;
}

static sotto_status load_names(const sotto_plan_loading *l, sotto_json_node node, sotto_product *out)
{
    sotto_json_node id, name = sotto_json_member(node, "name"),
                        category = sotto_json_member(node, "category");
    sotto_status status = sotto_decide_required(l, node, "id", &id);
    if (status == SOTTO_OK)
        status = sotto_decide_id(l, id, &out->id);
    out->name = out->id;
    out->category = "";
    if (status == SOTTO_OK && !sotto_decide_absent(name))
        status = sotto_decide_text(l, name, NAME_BYTES, &out->name);
    if (status == SOTTO_OK && !sotto_decide_absent(category))
        status = sotto_decide_id(l, category, &out->category);
    return status;
}

static sotto_status load_held(const sotto_plan_loading *l, sotto_json_node node, sotto_product *out)
{
    sotto_json_node held = sotto_json_member(node, "held_tag");
    out->held_tag = -1;
    if (sotto_decide_absent(held))
        return SOTTO_OK;
    return sotto_decide_tag(l, held, SOTTO_TAG_FLAG, SOTTO_PURPOSE_MARKETING, &out->held_tag);
}

/* What it is worth by each customer; the tag counts in the currency's smallest unit, so nothing is rounded.
 */
static sotto_status load_value_tag(const sotto_plan_loading *l, sotto_json_node node, unsigned decimals,
                                   sotto_product *out)
{
    sotto_json_node value = sotto_json_member(node, "value_tag");
    out->value_tag = -1;
    if (sotto_decide_absent(value))
        return SOTTO_OK;
    sotto_status status =
        sotto_decide_tag(l, value, SOTTO_TAG_AMOUNT, SOTTO_PURPOSE_MARKETING, &out->value_tag);
    if (status != SOTTO_OK)
        return status;
    const sotto_tag *tag = sotto_dictionary_at(l->plan->dictionary, (size_t)out->value_tag);
    if (tag->decimals != decimals)
        return sotto_json_bad(value, l->diag, SOTTO_ERR(DECIDE, CONFLICT),
                              "tag '%s' has %u decimals, the currency %u", tag->id, tag->decimals, decimals);
    return SOTTO_OK;
}

/* What the customer pays, and how many of it a terminal may sell. */
static sotto_status load_offer(const sotto_plan_loading *l, sotto_json_node node, unsigned decimals,
                               sotto_product *out)
{
    sotto_json_node price = sotto_json_member(node, "price");
    int64_t stock = 0;
    out->price_minor = -1;
    out->limits = out->category_limits = -1;
    sotto_status status = sotto_decide_number(l, node, "stock", 0, 1000000000, UINT32_MAX, &stock);
    out->stock = (uint32_t)stock;
    if (status == SOTTO_OK && !sotto_decide_absent(price))
        status = load_value(l, price, decimals, &out->price_minor);
    return status;
}

static sotto_status load_product(const sotto_plan_loading *l, sotto_json_node node, unsigned decimals,
                                 size_t index)
{
    static const char *const MEMBERS[] = {"id",       "name",       "category", "risk",  "value",
                                          "held_tag", "attributes", "price",    "stock", "value_tag"};
    sotto_product *out = &l->plan->products[index];
    int64_t risk = 0;
    sotto_json_node value;
    sotto_status status = sotto_json_only(node, MEMBERS, SOTTO_COUNT(MEMBERS), l->diag);
    if (status == SOTTO_OK)
        status = load_names(l, node, out);
    for (size_t i = 0; status == SOTTO_OK && i < index; i++)
        if (strcmp(l->plan->products[i].id, out->id) == 0)
            return sotto_json_bad(sotto_json_member(node, "id"), l->diag, SOTTO_ERR(DECIDE, CONFLICT),
                                  "product '%s' is there already", out->id);
    if (status == SOTTO_OK)
        status = sotto_json_get_i64(node, "risk", 1, SOTTO_DECIDE_RISK_MAX, &risk, l->diag);
    out->risk = (unsigned)risk;
    if (status == SOTTO_OK)
        status = sotto_decide_required(l, node, "value", &value);
    if (status == SOTTO_OK)
        status = load_value(l, value, decimals, &out->value_minor);
    if (status == SOTTO_OK)
        status = load_offer(l, node, decimals, out);
    if (status == SOTTO_OK)
        status = load_held(l, node, out);
    if (status == SOTTO_OK)
        status = load_value_tag(l, node, decimals, out);
    return status == SOTTO_OK ? load_attributes(l, node, out) : status;
}

/* ISO 4217 letters; how many digits the smallest unit has is said beside it, so no table is needed. */
static sotto_status load_currency(const sotto_plan_loading *l, sotto_json_node root, int64_t *decimals)
{
    sotto_span currency;
    sotto_status status = sotto_json_get_str(root, "currency", &currency, l->diag);
    if (status != SOTTO_OK)
        return status;
    bool good = currency.len == 3;
    for (size_t i = 0; good && i < 3; i++)
        good = currency.ptr[i] >= 'A' && currency.ptr[i] <= 'Z';
    if (!good)
        return sotto_json_bad(sotto_json_member(root, "currency"), l->diag, SOTTO_ERR(DECIDE, MALFORMED),
                              "three capital letters of ISO 4217, such as EUR");
    return sotto_decide_number(l, root, "currency_decimals", 0, 4, 2, decimals);
}

sotto_status sotto_catalogue_load(sotto_plan_loading *l, sotto_json_node root)
{
    static const char *const MEMBERS[] = {"version", "currency", "currency_decimals", "products"};
    sotto_json_node products = {0};
    int64_t decimals = 0;
    sotto_status status = sotto_decide_version(l, root);
    if (status == SOTTO_OK)
        status = sotto_json_only(root, MEMBERS, SOTTO_COUNT(MEMBERS), l->diag);
    if (status == SOTTO_OK)
        status = load_currency(l, root, &decimals);
    if (status == SOTTO_OK)
        status = sotto_decide_required(l, root, "products", &products);
    if (status == SOTTO_OK)
        status = sotto_json_as_array(products, 1, SOTTO_PRODUCTS_MAX, l->diag);
    if (status != SOTTO_OK)
        return status;
    l->plan->currency_decimals = (unsigned)decimals;
    l->plan->product_count = sotto_json_count(products);
    l->plan->products = sotto_arena_array(l->arena, l->plan->product_count, sizeof *l->plan->products);
    if (l->plan->products == NULL)
        return sotto_decide_no_space(l, products);
    for (size_t i = 0; status == SOTTO_OK && i < l->plan->product_count; i++)
        status = load_product(l, sotto_json_at(products, i), (unsigned)decimals, i);
    return status;
}
