/* What a policy does for the customer: special care, cooling-off, large type, the order of the menu.
 * docs/formats/policy.md. These tags are read for the purpose "service". */
#include "decide_priv.h"

#include <string.h>

enum { DAYS_MAX = 36500 };

static sotto_status optional_tag(const sotto_plan_loading *l, sotto_json_node obj, const char *name,
                                 enum sotto_tag_kind kind, int *out)
{
    sotto_json_node node = sotto_json_member(obj, name);
    *out = -1;
    return sotto_decide_absent(node) ? SOTTO_OK : sotto_decide_tag(l, node, kind, SOTTO_PURPOSE_SERVICE, out);
}

static sotto_status load_cooling_off(const sotto_plan_loading *l, sotto_json_node root)
{
    static const char *const MEMBERS[] = {"complaint_tag", "complaint_days", "purchase_tag", "purchase_days"};
    sotto_plan *plan = l->plan;
    sotto_json_node node = sotto_json_member(root, "cooling_off");
    int64_t complaint = 0, purchase = 0;
    plan->complaint_tag = plan->purchase_tag = -1;
    if (sotto_decide_absent(node))
        return SOTTO_OK;
    sotto_status status = sotto_json_only(node, MEMBERS, SOTTO_COUNT(MEMBERS), l->diag);
    if (status == SOTTO_OK)
        status = optional_tag(l, node, "complaint_tag", SOTTO_TAG_DATE, &plan->complaint_tag);
    if (status == SOTTO_OK)
        status = optional_tag(l, node, "purchase_tag", SOTTO_TAG_DATE, &plan->purchase_tag);
    if (status == SOTTO_OK)
        status = sotto_decide_number(l, node, "complaint_days", 0, DAYS_MAX, 60, &complaint);
    if (status == SOTTO_OK)
        status = sotto_decide_number(l, node, "purchase_days", 0, DAYS_MAX, 0, &purchase);
    plan->complaint_days = (uint32_t)complaint;
    plan->purchase_days = (uint32_t)purchase;
    return status;
}

static sotto_status load_menu_item(const sotto_plan_loading *l, sotto_json_node node, size_t index)
{
    static const char *const MEMBERS[] = {"id", "tag"};
    sotto_menu_item *item = &l->plan->menu[index];
    sotto_json_node id, tag;
    sotto_status status = sotto_json_only(node, MEMBERS, SOTTO_COUNT(MEMBERS), l->diag);
    if (status == SOTTO_OK)
        status = sotto_decide_required(l, node, "id", &id);
    if (status == SOTTO_OK)
        status = sotto_decide_id(l, id, &item->id);
    for (size_t i = 0; status == SOTTO_OK && i < index; i++)
        if (strcmp(l->plan->menu[i].id, item->id) == 0)
            return sotto_json_bad(id, l->diag, SOTTO_ERR(DECIDE, CONFLICT), "'%s' is there already",
                                  item->id);
    if (status == SOTTO_OK)
        status = sotto_decide_required(l, node, "tag", &tag);
    return status == SOTTO_OK ? sotto_decide_tag(l, tag, SOTTO_TAG_COUNT, SOTTO_PURPOSE_SERVICE, &item->tag)
                              : status;
}

static sotto_status load_menu(const sotto_plan_loading *l, sotto_json_node root)
{
    sotto_json_node list = sotto_json_member(root, "menu");
    if (sotto_decide_absent(list))
        return SOTTO_OK;
    sotto_status status = sotto_json_as_array(list, 1, SOTTO_MENU_MAX, l->diag);
    for (size_t i = 0; status == SOTTO_OK && i < sotto_json_count(list); i++) {
        status = load_menu_item(l, sotto_json_at(list, i), i);
        l->plan->menu_count = i + 1;
    }
    return status;
}

sotto_status sotto_policy_care_load(const sotto_plan_loading *l, sotto_json_node root)
{
    sotto_status status = optional_tag(l, root, "vulnerable_tag", SOTTO_TAG_FLAG, &l->plan->vulnerable_tag);
    if (status == SOTTO_OK)
        status = optional_tag(l, root, "large_type_tag", SOTTO_TAG_FLAG, &l->plan->large_type_tag);
    if (status == SOTTO_OK)
        status = load_cooling_off(l, root);
    return status == SOTTO_OK ? load_menu(l, root) : status;
}
