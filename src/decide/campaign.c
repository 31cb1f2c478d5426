/* One campaign of a policy: docs/formats/policy.md. */
#include "decide_priv.h"

#include <string.h>

enum { NAME_BYTES = 32, TITLE_BYTES = 128, TEXT_BYTES = 512, DAYS_MAX = 36500, SHOWN_MAX = 1000000 };

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
    if (!terms->needs_profile && !sotto_decide_absent(sotto_json_member(node, "who")))
        return sotto_json_bad(place, l->diag, SOTTO_ERR(DECIDE, CONFLICT),
                              "a campaign with a rule in \"who\" needs a profile");
    if (campaign->risk > 1 && l->plan->risk_tag < 0)
        return sotto_json_bad(sotto_json_member(node, "product"), l->diag, SOTTO_ERR(DECIDE, CONFLICT),
                              "a product of risk %u needs a policy with a risk_tag", campaign->risk);
    return SOTTO_OK;
}

static sotto_status load_dates(const sotto_plan_loading *l, sotto_json_node node, sotto_terms *terms)
{
    int64_t from = INT32_MIN, to = INT32_MAX;
    sotto_json_node from_node = sotto_json_member(node, "from"), to_node = sotto_json_member(node, "to");
    sotto_status status = SOTTO_OK;
    if (!sotto_decide_absent(from_node))
        status = sotto_decide_date(l, from_node, &from);
    if (status == SOTTO_OK && !sotto_decide_absent(to_node))
        status = sotto_decide_date(l, to_node, &to);
    if (status == SOTTO_OK && to < from)
        status = sotto_json_bad(to_node, l->diag, SOTTO_ERR(DECIDE, CONFLICT), "ends before it begins");
    terms->from_day = (int32_t)from;
    terms->to_day = (int32_t)to;
    return status;
}

/* The bit of a slot or channel; names are collected over the policy, so that a decision compares bits. */
static sotto_status load_name(const sotto_plan_loading *l, sotto_json_node node, sotto_name_set *set,
                              uint32_t *bit)
{
    sotto_span name;
    sotto_status status = sotto_json_as_str(node, &name, l->diag);
    if (status != SOTTO_OK)
        return status;
    for (size_t i = 0; i < set->count; i++)
        if (sotto_span_is(name, set->name[i])) {
            *bit = UINT32_C(1) << i;
            return SOTTO_OK;
        }
    if (set->count == SOTTO_DECIDE_NAMES_MAX)
        return sotto_json_bad(node, l->diag, SOTTO_ERR(DECIDE, RANGE),
                              "more than %d different names in the policy", SOTTO_DECIDE_NAMES_MAX);
    *bit = UINT32_C(1) << set->count;
    status = sotto_decide_text(l, node, NAME_BYTES, &set->name[set->count]);
    set->count += status == SOTTO_OK;
    return status;
}

static sotto_status load_names(const sotto_plan_loading *l, sotto_json_node list, sotto_name_set *set,
                               uint32_t *mask)
{
    *mask = 0;
    if (sotto_decide_absent(list))
        return SOTTO_OK;
    sotto_status status = sotto_json_as_array(list, 1, SOTTO_DECIDE_NAMES_MAX, l->diag);
    for (size_t i = 0; status == SOTTO_OK && i < sotto_json_count(list); i++) {
        uint32_t bit = 0;
        status = load_name(l, sotto_json_at(list, i), set, &bit);
        if (status == SOTTO_OK && (*mask & bit) != 0)
            status =
                sotto_json_bad(sotto_json_at(list, i), l->diag, SOTTO_ERR(DECIDE, CONFLICT), "named twice");
        *mask |= bit;
    }
    return status;
}

static bool is_digit(uint8_t c)
{
    return c >= '0' && c <= '9';
}

/* "HH:MM" from 00:00 to 24:00. */
static sotto_status load_minute(const sotto_plan_loading *l, sotto_json_node node, uint16_t *minute)
{
    sotto_span t;
    sotto_status status = sotto_json_as_str(node, &t, l->diag);
    if (status != SOTTO_OK)
        return status;
    bool good = t.len == 5 && is_digit(t.ptr[0]) && is_digit(t.ptr[1]) && t.ptr[2] == ':' &&
                is_digit(t.ptr[3]) && is_digit(t.ptr[4]);
    unsigned hour = good ? (unsigned)(t.ptr[0] - '0') * 10 + (unsigned)(t.ptr[1] - '0') : 0;
    unsigned past = good ? (unsigned)(t.ptr[3] - '0') * 10 + (unsigned)(t.ptr[4] - '0') : 0;
    if (!good || past > 59 || hour * 60 + past > 1440)
        return sotto_json_bad(node, l->diag, SOTTO_ERR(DECIDE, MALFORMED), "not a time from 00:00 to 24:00");
    *minute = (uint16_t)(hour * 60 + past);
    return SOTTO_OK;
}

static sotto_status load_day_part(const sotto_plan_loading *l, sotto_json_node pair, sotto_day_part *out)
{
    sotto_status status = sotto_json_as_array(pair, 2, 2, l->diag);
    if (status == SOTTO_OK)
        status = load_minute(l, sotto_json_at(pair, 0), &out->from_minute);
    if (status == SOTTO_OK)
        status = load_minute(l, sotto_json_at(pair, 1), &out->to_minute);
    if (status == SOTTO_OK && out->to_minute <= out->from_minute)
        status = sotto_json_bad(pair, l->diag, SOTTO_ERR(DECIDE, CONFLICT),
                                "ends before it begins; a part over midnight is written as two");
    return status;
}

static sotto_status load_day_parts(const sotto_plan_loading *l, sotto_json_node node, sotto_terms *terms)
{
    sotto_json_node list = sotto_json_member(node, "day_parts");
    if (sotto_decide_absent(list))
        return SOTTO_OK;
    sotto_status status = sotto_json_as_array(list, 1, SOTTO_DECIDE_DAY_PARTS_MAX, l->diag);
    if (status != SOTTO_OK)
        return status;
    terms->day_part_count = sotto_json_count(list);
    terms->day_parts = sotto_arena_array(l->arena, terms->day_part_count, sizeof *terms->day_parts);
    if (terms->day_parts == NULL)
        return sotto_decide_no_space(l, list);
    for (size_t i = 0; status == SOTTO_OK && i < terms->day_part_count; i++)
        status = load_day_part(l, sotto_json_at(list, i), &terms->day_parts[i]);
    return status;
}

static sotto_status load_cap(const sotto_plan_loading *l, sotto_json_node caps, const char *name, int64_t max,
                             uint32_t *out)
{
    int64_t cap = 0;
    sotto_json_node node = sotto_json_member(caps, name);
    sotto_status status = sotto_decide_number(l, caps, name, 0, max, UINT32_MAX, &cap);
    if (status == SOTTO_OK && cap == 0)
        return sotto_json_bad(node, l->diag, SOTTO_ERR(DECIDE, RANGE),
                              "a cap of 0 would never show the campaign: leave the campaign out instead");
    *out = (uint32_t)cap;
    return status;
}

static sotto_status load_caps(const sotto_plan_loading *l, sotto_json_node node, sotto_terms *terms)
{
    static const char *const MEMBERS[] = {"day", "week", "month", "total"};
    sotto_json_node caps = sotto_json_member(node, "caps");
    sotto_status status = SOTTO_OK;
    if (!sotto_decide_absent(caps))
        status = sotto_json_as_object(caps, l->diag);
    if (status == SOTTO_OK && !sotto_decide_absent(caps))
        status = sotto_json_only(caps, MEMBERS, SOTTO_COUNT(MEMBERS), l->diag);
    if (status == SOTTO_OK) /* a day's counter stops at 255, so a larger cap would never bite */
        status = load_cap(l, caps, "day", UINT8_MAX, &terms->cap_day);
    if (status == SOTTO_OK)
        status = load_cap(l, caps, "week", 7 * UINT8_MAX, &terms->cap_week);
    if (status == SOTTO_OK)
        status = load_cap(l, caps, "month", 30 * UINT8_MAX, &terms->cap_month);
    if (status == SOTTO_OK)
        status = load_cap(l, caps, "total", SHOWN_MAX, &terms->cap_total);
    return status;
}

static sotto_status load_limits(const sotto_plan_loading *l, sotto_json_node node, sotto_terms *terms)
{
    enum { MILLION = 1000000 };
    int64_t dismissed = 0, ppm = 0;
    sotto_json_node least = sotto_json_member(node, "min_propensity");
    sotto_status status = sotto_decide_number(l, node, "dismissed_days", 0, DAYS_MAX, 30, &dismissed);
    terms->dismissed_days = (uint32_t)dismissed;
    if (status == SOTTO_OK && !sotto_decide_absent(least))
        status = sotto_json_as_decimal(least, 6, &ppm, l->diag);
    if (status == SOTTO_OK && (ppm < 0 || ppm > MILLION))
        status = sotto_json_bad(least, l->diag, SOTTO_ERR(DECIDE, RANGE), "a probability from 0 to 1");
    if (status == SOTTO_OK)
        terms->min_propensity_q30 = (uint32_t)(ppm * SOTTO_PROB_ONE_Q30 / MILLION);
    return status;
}

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
        if (!is_digit((uint8_t)*c) && !((*c | 0x20) >= 'a' && (*c | 0x20) <= 'z') && *c != '-')
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

static sotto_status load_creative(const sotto_plan_loading *l, sotto_json_node node, sotto_creative *out)
{
    static const char *const MEMBERS[] = {"language", "title", "text", "large_type"};
    sotto_status status = sotto_json_as_object(node, l->diag);
    if (status == SOTTO_OK)
        status = sotto_json_only(node, MEMBERS, SOTTO_COUNT(MEMBERS), l->diag);
    if (status == SOTTO_OK)
        status = load_language(l, node, &out->language);
    if (status == SOTTO_OK)
        status = load_words(l, node, "title", TITLE_BYTES, &out->title);
    if (status == SOTTO_OK)
        status = load_words(l, node, "text", TEXT_BYTES, &out->text);
    if (status == SOTTO_OK)
        status = sotto_decide_flag(l, node, "large_type", false, &out->large_type);
    return status;
}

static sotto_status load_creatives(const sotto_plan_loading *l, sotto_json_node node,
                                   sotto_campaign *campaign)
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
        for (size_t other = 0; status == SOTTO_OK && other < i; other++)
            if (strcmp(creatives[other].language, creatives[i].language) == 0)
                status = sotto_json_bad(sotto_json_at(list, i), l->diag, SOTTO_ERR(DECIDE, CONFLICT),
                                        "language '%s' is there already", creatives[i].language);
        campaign->creative_count = i + 1;
    }
    return status;
}

static sotto_status load_when_and_where(const sotto_plan_loading *l, sotto_json_node node, sotto_terms *terms)
{
    sotto_status status = load_dates(l, node, terms);
    if (status == SOTTO_OK)
        status = load_names(l, sotto_json_member(node, "slots"), &l->plan->slots, &terms->slots);
    if (status == SOTTO_OK)
        status = load_names(l, sotto_json_member(node, "channels"), &l->plan->channels, &terms->channels);
    if (status == SOTTO_OK)
        status = load_day_parts(l, node, terms);
    if (status == SOTTO_OK)
        status = load_caps(l, node, terms);
    return status == SOTTO_OK ? load_limits(l, node, terms) : status;
}

sotto_status sotto_campaign_load(sotto_plan_loading *l, sotto_json_node node, size_t index)
{
    static const char *const MEMBERS[] = {
        "number", "id",       "product",   "who",  "needs_profile",  "from",           "to",
        "slots",  "channels", "day_parts", "caps", "dismissed_days", "min_propensity", "creatives"};
    sotto_campaign *campaign = &l->plan->campaigns[index];
    sotto_terms *terms = &l->plan->terms[index];
    sotto_status status = sotto_json_as_object(node, l->diag);
    if (status == SOTTO_OK)
        status = sotto_json_only(node, MEMBERS, SOTTO_COUNT(MEMBERS), l->diag);
    if (status == SOTTO_OK)
        status = load_identity(l, node, index);
    if (status == SOTTO_OK)
        status = load_product(l, node, campaign, terms);
    if (status == SOTTO_OK)
        status = load_profile_need(l, node, campaign, terms);
    if (status == SOTTO_OK)
        status = load_when_and_where(l, node, terms);
    sotto_json_node who = sotto_json_member(node, "who");
    if (status == SOTTO_OK && !sotto_decide_absent(who))
        status = sotto_rule_compile(l, who, &terms->who);
    return status == SOTTO_OK ? load_creatives(l, node, campaign) : status;
}
