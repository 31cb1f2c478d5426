/* The policy's head: docs/formats/policy.md. Its campaigns are in campaign.c. */
#include "decide_priv.h"

static sotto_status load_tag(const sotto_plan_loading *l, sotto_json_node root, const char *name,
                             enum sotto_tag_kind kind, int *out)
{
    sotto_json_node node = sotto_json_member(root, name);
    *out = -1;
    if (sotto_decide_absent(node))
        return SOTTO_OK;
    return sotto_decide_tag(l, node, kind, SOTTO_PURPOSE_SERVICE, out);
}

/* Consent and risk grade protect the customer: they are read for the purpose "service", which needs no
 * consent. */
static sotto_status load_head(const sotto_plan_loading *l, sotto_json_node root)
{
    sotto_plan *plan = l->plan;
    sotto_status status = load_tag(l, root, "profiling_tag", SOTTO_TAG_FLAG, &plan->profiling_tag);
    if (status == SOTTO_OK)
        status = load_tag(l, root, "measurement_tag", SOTTO_TAG_FLAG, &plan->measurement_tag);
    if (status == SOTTO_OK)
        status = load_tag(l, root, "risk_tag", SOTTO_TAG_COUNT, &plan->risk_tag);
    if (status == SOTTO_OK)
        status = sotto_policy_limits_load(l, root);
    if (status == SOTTO_OK)
        status = sotto_policy_care_load(l, root);
    if (status == SOTTO_OK)
        status = sotto_policy_explore_load(l, root);
    return status == SOTTO_OK ? sotto_policy_recommend_load(l, root) : status;
}

static sotto_status load_campaigns(sotto_plan_loading *l, sotto_json_node list)
{
    sotto_plan *plan = l->plan;
    sotto_status status = sotto_json_as_array(list, 0, SOTTO_CAMPAIGNS_MAX, l->diag);
    if (status != SOTTO_OK)
        return status;
    plan->campaign_count = sotto_json_count(list);
    plan->campaigns = sotto_arena_array(l->arena, plan->campaign_count, sizeof *plan->campaigns);
    plan->terms = sotto_arena_array(l->arena, plan->campaign_count, sizeof *plan->terms);
    if (plan->campaigns == NULL || plan->terms == NULL)
        return sotto_decide_no_space(l, list);
    for (size_t i = 0; status == SOTTO_OK && i < plan->campaign_count; i++)
        status = sotto_campaign_load(l, sotto_json_at(list, i), i);
    return status;
}

sotto_status sotto_policy_load(sotto_plan_loading *l, sotto_json_node root)
{
    static const char *const MEMBERS[] = {
        "version",     "profiling_tag", "measurement_tag",  "risk_tag",       "customer_cap_day",
        "campaigns",   "customer_caps", "min_wait_minutes", "quiet_hours",    "per_answer",
        "products",    "categories",    "vulnerable_tag",   "large_type_tag", "cooling_off",
        "menu",        "salt",          "holdout",          "exploration",    "journeys",
        "recommender", "diversity"};
    sotto_json_node list = {0};
    sotto_status status = sotto_decide_version(l, root);
    if (status == SOTTO_OK)
        status = sotto_json_only(root, MEMBERS, SOTTO_COUNT(MEMBERS), l->diag);
    if (status == SOTTO_OK)
        status = load_head(l, root);
    if (status == SOTTO_OK)
        status = sotto_decide_required(l, root, "campaigns", &list);
    if (status == SOTTO_OK)
        status = load_campaigns(l, list);
    return status == SOTTO_OK ? sotto_journeys_load(l, root) : status;
}
