/* One campaign of a policy: docs/formats/policy.md. */
#include "decide_priv.h"

#include <string.h>

enum { DAYS_MAX = 36500 };

static sotto_status load_product(const sotto_plan_loading *l, sotto_json_node node, sotto_campaign *campaign,
                                 sotto_terms *terms)
{
    sotto_span id;
    sotto_status status = sotto_json_get_str(node, "product", &id, l->diag);
    if (status != SOTTO_OK)
        return status;
    for (size_t i = 0; i < l->plan->product_count; i++) {
        const sotto_product *product = &l->plan->products[i];
        if (!sotto_span_is(id, product->id))
            continue;
        terms->product = i;
        campaign->product = product->id;
        campaign->category = product->category;
        campaign->value_minor = product->value_minor;
        campaign->risk = product->risk;
        campaign->price_minor = product->price_minor;
        return SOTTO_OK;
    }
    return sotto_json_bad(sotto_json_member(node, "product"), l->diag, SOTTO_ERR(DECIDE, NOT_FOUND),
                          "the catalogue has no product '%.*s'", (int)(id.len < 64 ? id.len : 64),
                          (const char *)id.ptr);
}

static sotto_status load_identity(const sotto_plan_loading *l, sotto_json_node node, size_t index)
{
    sotto_campaign *campaign = &l->plan->campaigns[index];
    int64_t number = 0;
    sotto_json_node id;
    sotto_status status = sotto_json_get_i64(node, "number", 1, UINT16_MAX, &number, l->diag);
    if (status == SOTTO_OK)
        status = sotto_decide_required(l, node, "id", &id);
    if (status == SOTTO_OK)
        status = sotto_decide_id(l, id, &campaign->id);
    campaign->number = (uint16_t)number;
    for (size_t i = 0; status == SOTTO_OK && i < index; i++) {
        const sotto_campaign *other = &l->plan->campaigns[i];
        if (other->number == campaign->number)
            return sotto_json_bad(sotto_json_member(node, "number"), l->diag, SOTTO_ERR(DECIDE, CONFLICT),
                                  "number %d is used by campaign '%s' already", (int)number, other->id);
        if (strcmp(other->id, campaign->id) == 0)
            return sotto_json_bad(id, l->diag, SOTTO_ERR(DECIDE, CONFLICT), "campaign '%s' is there already",
                                  other->id);
    }
    return status;
}

/* Without a profile no rule can be asked and no risk grade is known: such a campaign could never be shown as
 * meant. */
static sotto_status load_profile_need(const sotto_plan_loading *l, sotto_json_node node,
                                      const sotto_campaign *campaign, sotto_terms *terms)
{
    sotto_json_node place = sotto_json_member(node, "needs_profile");
    sotto_status status = sotto_decide_flag(l, node, "needs_profile", true, &terms->needs_profile);
    if (status != SOTTO_OK)
        return status;
    if (terms->needs_profile && l->plan->profiling_tag < 0)
        return sotto_json_bad(sotto_decide_absent(place) ? node : place, l->diag, SOTTO_ERR(DECIDE, CONFLICT),
                              "the campaign needs a profile and the policy names no profiling_tag");
    if (!terms->needs_profile && !(sotto_decide_absent(sotto_json_member(node, "who")) &&
                                   sotto_decide_absent(sotto_json_member(node, "triggers"))))
        return sotto_json_bad(place, l->diag, SOTTO_ERR(DECIDE, CONFLICT),
                              "a campaign with a rule in \"who\" or \"triggers\" needs a profile");
    if (campaign->risk > 1 && l->plan->risk_tag < 0)
        return sotto_json_bad(sotto_json_member(node, "product"), l->diag, SOTTO_ERR(DECIDE, CONFLICT),
                              "a product of risk %u needs a policy with a risk_tag", campaign->risk);
    return SOTTO_OK;
}

static sotto_status load_patience(const sotto_plan_loading *l, sotto_json_node node, sotto_terms *terms)
{
    int64_t dismissed = 0;
    sotto_status status = sotto_decide_number(l, node, "dismissed_days", 0, DAYS_MAX, 30, &dismissed);
    terms->dismissed_days = (uint32_t)dismissed;
    return status == SOTTO_OK
               ? sotto_decide_share(l, node, "min_propensity", 1000000, 0, &terms->min_propensity_q30)
               : status;
}

/* A plan of head office's (sotto-hq advise); nothing is decided by it. */
static sotto_status check_goal(const sotto_plan_loading *l, sotto_json_node node)
{
    static const char *const MEMBERS[] = {"taken", "by"};
    sotto_json_node goal = sotto_json_member(node, "goal");
    int64_t taken, by;
    if (sotto_decide_absent(goal))
        return SOTTO_OK;
    sotto_status status = sotto_json_only(goal, MEMBERS, SOTTO_COUNT(MEMBERS), l->diag);
    if (status == SOTTO_OK)
        status = sotto_json_get_i64(goal, "taken", 1, 1000000000, &taken, l->diag);
    sotto_json_node day = {0};
    if (status == SOTTO_OK)
        status = sotto_decide_required(l, goal, "by", &day);
    return status == SOTTO_OK ? sotto_decide_date(l, day, &by) : status;
}

sotto_status sotto_campaign_load(sotto_plan_loading *l, sotto_json_node node, size_t index)
{
    static const char *const MEMBERS[] = {
        "number",    "id",           "product",        "who",       "needs_profile",
        "from",      "to",           "slots",          "channels",  "branch_groups",
        "day_parts", "caps",         "dismissed_days", "creatives", "min_propensity",
        "triggers",  "budget",       "notice",         "priority",  "terminal_models",
        "hand_over", "own_language", "holdout",        "explore",   "vulnerable",
        "goal"};
    sotto_campaign *campaign = &l->plan->campaigns[index];
    sotto_terms *terms = &l->plan->terms[index];
    sotto_status status = sotto_json_only(node, MEMBERS, SOTTO_COUNT(MEMBERS), l->diag);
    if (status == SOTTO_OK)
        status = load_identity(l, node, index);
    if (status == SOTTO_OK)
        status = load_product(l, node, campaign, terms);
    if (status == SOTTO_OK)
        status = load_profile_need(l, node, campaign, terms);
    if (status == SOTTO_OK)
        status = sotto_campaign_when_load(l, node, terms);
    if (status == SOTTO_OK)
        status = load_patience(l, node, terms);
    if (status == SOTTO_OK)
        status = sotto_campaign_spread_load(l, node, campaign, terms);
    if (status == SOTTO_OK)
        status = check_goal(l, node);
    sotto_json_node who = sotto_json_member(node, "who");
    if (status == SOTTO_OK && !sotto_decide_absent(who))
        status = sotto_rule_compile(l, who, &terms->who);
    return status == SOTTO_OK ? sotto_creatives_load(l, node, campaign) : status;
}
