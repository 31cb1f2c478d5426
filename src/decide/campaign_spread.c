/* What calls for a campaign and how it is spread: triggers, budget, priority, hand-over, comparison groups.
 * docs/formats/policy.md. */
#include "decide_priv.h"

#include <string.h>

enum { HAND_OVER_BYTES = 32, PRIORITY_MAX = 9, BUDGET_MAX = 1000000000 };

static sotto_status load_trigger(sotto_plan_loading *l, sotto_json_node node, sotto_trigger *out)
{
    static const char *const MEMBERS[] = {"id", "when"};
    sotto_json_node id, when;
    sotto_status status = sotto_json_only(node, MEMBERS, SOTTO_COUNT(MEMBERS), l->diag);
    if (status == SOTTO_OK)
        status = sotto_decide_required(l, node, "id", &id);
    if (status == SOTTO_OK)
        status = sotto_decide_id(l, id, &out->id);
    if (status == SOTTO_OK)
        status = sotto_decide_required(l, node, "when", &when);
    return status == SOTTO_OK ? sotto_rule_compile(l, when, &out->when) : status;
}

static sotto_status load_triggers(sotto_plan_loading *l, sotto_json_node node, sotto_terms *terms)
{
    sotto_json_node list = sotto_json_member(node, "triggers");
    if (sotto_decide_absent(list))
        return SOTTO_OK;
    sotto_status status = sotto_json_as_array(list, 1, SOTTO_DECIDE_TRIGGERS_MAX, l->diag);
    if (status != SOTTO_OK)
        return status;
    terms->trigger_count = sotto_json_count(list);
    terms->triggers = sotto_arena_array(l->arena, terms->trigger_count, sizeof *terms->triggers);
    if (terms->triggers == NULL)
        return sotto_decide_no_space(l, list);
    for (size_t i = 0; status == SOTTO_OK && i < terms->trigger_count; i++)
        status = load_trigger(l, sotto_json_at(list, i), &terms->triggers[i]);
    return status;
}

static sotto_status load_budget(const sotto_plan_loading *l, sotto_json_node node, sotto_terms *terms)
{
    static const char *const MEMBERS[] = {"day", "total", "even"};
    sotto_json_node budget = sotto_json_member(node, "budget");
    int64_t day = UINT32_MAX, total = UINT32_MAX;
    terms->budget_day = terms->budget_total = UINT32_MAX;
    if (sotto_decide_absent(budget))
        return SOTTO_OK;
    sotto_status status = sotto_json_only(budget, MEMBERS, SOTTO_COUNT(MEMBERS), l->diag);
    if (status == SOTTO_OK)
        status = sotto_decide_number(l, budget, "day", 1, BUDGET_MAX, UINT32_MAX, &day);
    if (status == SOTTO_OK)
        status = sotto_decide_number(l, budget, "total", 1, BUDGET_MAX, UINT32_MAX, &total);
    if (status == SOTTO_OK)
        status = sotto_decide_flag(l, budget, "even", false, &terms->paced);
    if (status == SOTTO_OK && terms->paced && day == UINT32_MAX)
        status = sotto_json_bad(sotto_json_member(budget, "even"), l->diag, SOTTO_ERR(DECIDE, CONFLICT),
                                "only a budget of the day can be spread over it");
    terms->budget_day = (uint32_t)day;
    terms->budget_total = (uint32_t)total;
    return status;
}

static sotto_status load_notice(const sotto_plan_loading *l, sotto_json_node node, sotto_campaign *campaign)
{
    sotto_plan *plan = l->plan;
    sotto_status status = sotto_decide_flag(l, node, "notice", false, &campaign->notice);
    if (status != SOTTO_OK || !campaign->notice)
        return status;
    if (plan->notice_count == SOTTO_DECIDE_NOTICES_MAX)
        return sotto_json_bad(sotto_json_member(node, "notice"), l->diag, SOTTO_ERR(DECIDE, RANGE),
                              "more than %d notices in the policy", SOTTO_DECIDE_NOTICES_MAX);
    plan->notice[plan->notice_count++] = campaign->number;
    return SOTTO_OK;
}

static sotto_status load_flags(const sotto_plan_loading *l, sotto_json_node node, sotto_terms *terms)
{
    sotto_status status = sotto_decide_flag(l, node, "own_language", false, &terms->own_words);
    if (status == SOTTO_OK)
        status = sotto_decide_flag(l, node, "vulnerable", false, &terms->vulnerable);
    return status == SOTTO_OK ? sotto_decide_flag(l, node, "explore", true, &terms->explore) : status;
}

sotto_status sotto_campaign_spread_load(sotto_plan_loading *l, sotto_json_node node, sotto_campaign *campaign,
                                        sotto_terms *terms)
{
    sotto_json_node hand_over = sotto_json_member(node, "hand_over");
    int64_t priority = 0;
    terms->journey = -1;
    sotto_status status = load_triggers(l, node, terms);
    if (status == SOTTO_OK)
        status = load_budget(l, node, terms);
    if (status == SOTTO_OK)
        status = load_notice(l, node, campaign);
    if (status == SOTTO_OK)
        status = load_flags(l, node, terms);
    if (status == SOTTO_OK)
        status = sotto_decide_number(l, node, "priority", 0, PRIORITY_MAX, 0, &priority);
    if (status == SOTTO_OK)
        status = sotto_decide_share(l, node, "holdout", 1000000, 0, &terms->holdout_q30);
    if (status == SOTTO_OK && !sotto_decide_absent(hand_over))
        status = sotto_decide_text(l, hand_over, HAND_OVER_BYTES, &campaign->hand_over);
    terms->priority = (uint8_t)priority;
    return status;
}
