/* When, where and how often: dates, day parts, names of places, caps. docs/formats/policy.md. */
#include "decide_priv.h"

enum { NAME_BYTES = 32, SHOWN_MAX = 1000000 };

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

sotto_status sotto_decide_names(const sotto_plan_loading *l, sotto_json_node list, sotto_name_set *set,
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

sotto_status sotto_decide_day_parts(const sotto_plan_loading *l, sotto_json_node list, sotto_day_part **out,
                                    size_t *count)
{
    if (sotto_decide_absent(list))
        return SOTTO_OK;
    sotto_status status = sotto_json_as_array(list, 1, SOTTO_DECIDE_DAY_PARTS_MAX, l->diag);
    if (status != SOTTO_OK)
        return status;
    *count = sotto_json_count(list);
    *out = sotto_arena_array(l->arena, *count, sizeof **out);
    if (*out == NULL)
        return sotto_decide_no_space(l, list);
    for (size_t i = 0; status == SOTTO_OK && i < *count; i++)
        status = load_day_part(l, sotto_json_at(list, i), &(*out)[i]);
    return status;
}

/* ---- caps ---- */

const char *const sotto_decide_cap_names[] = {"hour", "day", "week", "month", "total"};

/* A day's counter stops at 255 and an hour's list at its end, so a larger cap would never bite. */
static const int64_t CAP_MAX[] = {SOTTO_COUNTER_RECENT + 1, UINT8_MAX, 7 * UINT8_MAX, 30 * UINT8_MAX,
                                  SHOWN_MAX};

static sotto_status load_cap(const sotto_plan_loading *l, sotto_json_node caps, size_t which, uint32_t *out)
{
    int64_t cap = 0;
    const char *name = sotto_decide_cap_names[which];
    sotto_status status = sotto_decide_number(l, caps, name, 0, CAP_MAX[which], UINT32_MAX, &cap);
    if (status == SOTTO_OK && cap == 0)
        return sotto_json_bad(sotto_json_member(caps, name), l->diag, SOTTO_ERR(DECIDE, RANGE),
                              "a cap of 0 would never show it: leave it out instead");
    *out = (uint32_t)cap;
    return status;
}

sotto_status sotto_decide_caps(const sotto_plan_loading *l, sotto_json_node caps, const char *const *names,
                               size_t n, sotto_caps *out)
{
    uint32_t *const cap[] = {&out->hour, &out->day, &out->week, &out->month, &out->total};
    *out = (sotto_caps){UINT32_MAX, UINT32_MAX, UINT32_MAX, UINT32_MAX, UINT32_MAX};
    if (sotto_decide_absent(caps))
        return SOTTO_OK;
    sotto_status status = sotto_json_only(caps, names, n, l->diag);
    for (size_t i = 0; status == SOTTO_OK && i < SOTTO_COUNT(cap); i++)
        status = load_cap(l, caps, i, cap[i]);
    return status;
}

static sotto_status load_caps(const sotto_plan_loading *l, sotto_json_node node, sotto_terms *terms)
{
    return sotto_decide_caps(l, sotto_json_member(node, "caps"), sotto_decide_cap_names, SOTTO_COUNT(CAP_MAX),
                             &terms->caps);
}

sotto_status sotto_campaign_when_load(const sotto_plan_loading *l, sotto_json_node node, sotto_terms *terms)
{
    const struct {
        const char *name;
        sotto_name_set *set;
        uint32_t *mask;
    } names[] = {{"slots", &l->plan->slots, &terms->slots},
                 {"channels", &l->plan->channels, &terms->channels},
                 {"branch_groups", &l->plan->groups, &terms->groups},
                 {"terminal_models", &l->plan->models, &terms->models}};
    sotto_status status = load_dates(l, node, terms);
    for (size_t i = 0; status == SOTTO_OK && i < SOTTO_COUNT(names); i++)
        status = sotto_decide_names(l, sotto_json_member(node, names[i].name), names[i].set, names[i].mask);
    if (status == SOTTO_OK)
        status = sotto_decide_day_parts(l, sotto_json_member(node, "day_parts"), &terms->day_parts,
                                        &terms->day_part_count);
    return status == SOTTO_OK ? load_caps(l, node, terms) : status;
}
