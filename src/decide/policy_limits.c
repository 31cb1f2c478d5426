/* Limits of a policy over all its campaigns: the customer's caps and peace, products, categories, and what
 * one answer may hold. docs/formats/policy.md. */
#include "decide_priv.h"

#include <string.h>

enum { DAYS_MAX = 36500, WAIT_MINUTES_MAX = 10080 };

/* customer_cap_day is customer_caps.day by its first name. */
static sotto_status load_customer(const sotto_plan_loading *l, sotto_json_node root)
{
    sotto_caps *caps = &l->plan->customer_caps;
    sotto_json_node node = sotto_json_member(root, "customer_caps");
    int64_t day = 0, minutes = 0;
    sotto_status status = sotto_decide_caps(l, node, sotto_decide_cap_names, 5, caps);
    if (status == SOTTO_OK)
        status = sotto_decide_number(l, root, "customer_cap_day", 1, 1000, UINT32_MAX, &day);
    if (status == SOTTO_OK && day != UINT32_MAX && caps->day != UINT32_MAX)
        return sotto_json_bad(sotto_json_member(node, "day"), l->diag, SOTTO_ERR(DECIDE, CONFLICT),
                              "\"customer_cap_day\" says it already");
    if (status == SOTTO_OK && day != UINT32_MAX)
        caps->day = (uint32_t)day;
    if (status == SOTTO_OK)
        status = sotto_decide_number(l, root, "min_wait_minutes", 0, WAIT_MINUTES_MAX, 0, &minutes);
    l->plan->min_wait_s = minutes * 60;
    return status;
}

static sotto_status load_per_answer(const sotto_plan_loading *l, sotto_json_node root)
{
    static const char *const MEMBERS[] = {"product", "category"};
    sotto_json_node node = sotto_json_member(root, "per_answer");
    int64_t product = UINT32_MAX, category = UINT32_MAX;
    l->plan->per_product = l->plan->per_category = UINT32_MAX;
    if (sotto_decide_absent(node))
        return SOTTO_OK;
    sotto_status status = sotto_json_only(node, MEMBERS, SOTTO_COUNT(MEMBERS), l->diag);
    if (status == SOTTO_OK)
        status = sotto_decide_number(l, node, "product", 1, SOTTO_OFFERS_MAX, UINT32_MAX, &product);
    if (status == SOTTO_OK)
        status = sotto_decide_number(l, node, "category", 1, SOTTO_OFFERS_MAX, UINT32_MAX, &category);
    l->plan->per_product = (uint32_t)product;
    l->plan->per_category = (uint32_t)category;
    return status;
}

/* What the customer waved away, or said of it in a tag. */
static sotto_status load_dislike(const sotto_plan_loading *l, sotto_json_node node, sotto_limits *out)
{
    sotto_json_node tag = sotto_json_member(node, "disliked_tag");
    int64_t dismissals = 0, days = 0;
    sotto_status status = SOTTO_OK;
    if (!sotto_decide_absent(tag))
        status = sotto_decide_tag(l, tag, SOTTO_TAG_FLAG, SOTTO_PURPOSE_MARKETING, &out->disliked_tag);
    if (status == SOTTO_OK)
        status = sotto_decide_number(l, node, "dismissals", 1, SOTTO_CAMPAIGNS_MAX, 0, &dismissals);
    if (status == SOTTO_OK)
        status = sotto_decide_number(l, node, "dismissals_days", 1, DAYS_MAX, 90, &days);
    out->dismissals = (uint32_t)dismissals;
    out->dismissals_days = (uint32_t)days;
    return status;
}

/* Gives the limits at `index` to the products that have this id or category. Whether there was one, and none
 * of them had such limits already. */
static sotto_status give(const sotto_plan_loading *l, sotto_json_node id, bool category, int index)
{
    sotto_span name;
    bool found = false;
    sotto_status status = sotto_json_as_str(id, &name, l->diag);
    for (size_t i = 0; status == SOTTO_OK && i < l->plan->product_count; i++) {
        sotto_product *p = &l->plan->products[i];
        int *slot = category ? &p->category_limits : &p->limits;
        if (!sotto_span_is(name, category ? p->category : p->id))
            continue;
        if (*slot >= 0)
            return sotto_json_bad(id, l->diag, SOTTO_ERR(DECIDE, CONFLICT), "limited twice");
        *slot = index;
        found = true;
    }
    if (status == SOTTO_OK && !found)
        status = sotto_json_bad(id, l->diag, SOTTO_ERR(DECIDE, NOT_FOUND), "the catalogue has no such %s",
                                category ? "category" : "product");
    return status;
}

static sotto_status load_limit(const sotto_plan_loading *l, sotto_json_node node, bool category)
{
    static const char *const MEMBERS[] = {"id", "caps", "disliked_tag", "dismissals", "dismissals_days"};
    sotto_limits *out = &l->plan->limits[l->plan->limit_count];
    sotto_json_node id;
    *out = (sotto_limits){.disliked_tag = -1, .category = category};
    sotto_status status = sotto_json_only(node, MEMBERS, category ? SOTTO_COUNT(MEMBERS) : 2, l->diag);
    if (status == SOTTO_OK)
        status = sotto_decide_required(l, node, "id", &id);
    if (status == SOTTO_OK)
        status = give(l, id, category, (int)l->plan->limit_count);
    if (status == SOTTO_OK)
        status = sotto_decide_caps(l, sotto_json_member(node, "caps"), sotto_decide_cap_names, 5, &out->caps);
    if (status == SOTTO_OK && category)
        status = load_dislike(l, node, out);
    l->plan->limit_count++;
    return status;
}

static sotto_status load_limits(const sotto_plan_loading *l, sotto_json_node root, const char *name,
                                bool category)
{
    sotto_json_node list = sotto_json_member(root, name);
    if (sotto_decide_absent(list))
        return SOTTO_OK;
    sotto_status status = sotto_json_as_array(list, 1, SOTTO_DECIDE_LIMITS_MAX, l->diag);
    for (size_t i = 0; status == SOTTO_OK && i < sotto_json_count(list); i++)
        status = load_limit(l, sotto_json_at(list, i), category);
    return status;
}

sotto_status sotto_policy_limits_load(const sotto_plan_loading *l, sotto_json_node root)
{
    sotto_status status = load_customer(l, root);
    if (status == SOTTO_OK)
        status = sotto_decide_day_parts(l, sotto_json_member(root, "quiet_hours"), &l->plan->quiet_hours,
                                        &l->plan->quiet_hour_count);
    if (status == SOTTO_OK)
        status = load_per_answer(l, root);
    if (status == SOTTO_OK)
        status = sotto_policy_diversity_load(l, root);
    if (status == SOTTO_OK)
        status = load_limits(l, root, "products", false);
    return status == SOTTO_OK ? load_limits(l, root, "categories", true) : status;
}
