/* The words of a campaign, in languages and arms: docs/formats/policy.md. */
#include "decide_priv.h"

#include <string.h>

enum { TITLE_BYTES = 128, TEXT_BYTES = 512, WHY_BYTES = 256 };

/* A tag of BCP 47 in shape: letters, digits, hyphens. */
static sotto_status load_language(const sotto_plan_loading *l, sotto_json_node creative, const char **out)
{
    sotto_json_node node;
    sotto_status status = sotto_decide_required(l, creative, "language", &node);
    if (status == SOTTO_OK)
        status = sotto_decide_text(l, node, 35, out);
    if (status != SOTTO_OK)
        return status;
    for (const char *c = *out; *c != '\0'; c++)
        if (!(*c >= '0' && *c <= '9') && !((*c | 0x20) >= 'a' && (*c | 0x20) <= 'z') && *c != '-')
            return sotto_json_bad(node, l->diag, SOTTO_ERR(DECIDE, MALFORMED),
                                  "a language such as \"en\" or \"pt-BR\"");
    return SOTTO_OK;
}

static sotto_status load_words(const sotto_plan_loading *l, sotto_json_node creative, const char *name,
                               size_t max, const char **out)
{
    sotto_json_node node;
    sotto_status status = sotto_decide_required(l, creative, name, &node);
    return status == SOTTO_OK ? sotto_decide_text(l, node, max, out) : status;
}

/* An arm, its weight, a reason and caps: all may be absent. Caps need a number, since counters call the
 * creative by it. */
static sotto_status load_variant(const sotto_plan_loading *l, sotto_json_node node, sotto_creative *out)
{
    sotto_json_node arm = sotto_json_member(node, "arm"), caps_node = sotto_json_member(node, "caps"),
                    why = sotto_json_member(node, "why");
    sotto_caps caps;
    int64_t number = 0, weight = 0;
    sotto_status status = sotto_decide_number(l, node, "number", 1, UINT8_MAX, 0, &number);
    if (status == SOTTO_OK)
        status = sotto_decide_number(l, node, "weight", 1, 1000, 1, &weight);
    if (status == SOTTO_OK && !sotto_decide_absent(arm))
        status = sotto_decide_id(l, arm, &out->arm);
    if (status == SOTTO_OK && !sotto_decide_absent(why))
        status = sotto_decide_text(l, why, WHY_BYTES, &out->why);
    if (status == SOTTO_OK)
        status = sotto_decide_caps(l, caps_node, sotto_decide_cap_names, 5, &caps);
    if (status != SOTTO_OK)
        return status;
    if (!sotto_decide_absent(caps_node) && number == 0)
        return sotto_json_bad(caps_node, l->diag, SOTTO_ERR(DECIDE, CONFLICT),
                              "a creative with caps needs a number");
    out->number = (uint8_t)number;
    out->weight = (uint16_t)weight;
    out->cap_hour = caps.hour;
    out->cap_day = caps.day;
    out->cap_week = caps.week;
    out->cap_month = caps.month;
    out->cap_total = caps.total;
    return SOTTO_OK;
}

static sotto_status load_creative(const sotto_plan_loading *l, sotto_json_node node, sotto_creative *out)
{
    static const char *const MEMBERS[] = {"language", "title",  "text", "large_type", "number",
                                          "arm",      "weight", "why",  "caps"};
    sotto_status status = sotto_json_only(node, MEMBERS, SOTTO_COUNT(MEMBERS), l->diag);
    if (status == SOTTO_OK)
        status = load_language(l, node, &out->language);
    if (status == SOTTO_OK)
        status = load_words(l, node, "title", TITLE_BYTES, &out->title);
    if (status == SOTTO_OK)
        status = load_words(l, node, "text", TEXT_BYTES, &out->text);
    if (status == SOTTO_OK)
        status = sotto_decide_flag(l, node, "large_type", false, &out->large_type);
    return status == SOTTO_OK ? load_variant(l, node, out) : status;
}

static bool same_arm(const sotto_creative *a, const sotto_creative *b)
{
    return a->arm == NULL || b->arm == NULL ? a->arm == b->arm : strcmp(a->arm, b->arm) == 0;
}

static sotto_status check_unique(const sotto_plan_loading *l, sotto_json_node node,
                                 const sotto_creative *creatives, size_t index)
{
    const sotto_creative *c = &creatives[index];
    for (size_t i = 0; i < index; i++) {
        if (strcmp(creatives[i].language, c->language) == 0 && same_arm(&creatives[i], c))
            return sotto_json_bad(node, l->diag, SOTTO_ERR(DECIDE, CONFLICT),
                                  "language '%s' is there already", c->language);
        if (c->number != 0 && creatives[i].number == c->number)
            return sotto_json_bad(sotto_json_member(node, "number"), l->diag, SOTTO_ERR(DECIDE, CONFLICT),
                                  "number %u is used already", (unsigned)c->number);
    }
    return SOTTO_OK;
}

sotto_status sotto_creatives_load(const sotto_plan_loading *l, sotto_json_node node, sotto_campaign *campaign)
{
    sotto_json_node list;
    sotto_status status = sotto_decide_required(l, node, "creatives", &list);
    if (status == SOTTO_OK)
        status = sotto_json_as_array(list, 1, SOTTO_DECIDE_CREATIVES_MAX, l->diag);
    if (status != SOTTO_OK)
        return status;
    sotto_creative *creatives = sotto_arena_array(l->arena, sotto_json_count(list), sizeof *creatives);
    if (creatives == NULL)
        return sotto_decide_no_space(l, list);
    campaign->creatives = creatives;
    for (size_t i = 0; status == SOTTO_OK && i < sotto_json_count(list); i++) {
        status = load_creative(l, sotto_json_at(list, i), &creatives[i]);
        if (status == SOTTO_OK)
            status = check_unique(l, sotto_json_at(list, i), creatives, i);
        campaign->creative_count = i + 1;
    }
    return status;
}
