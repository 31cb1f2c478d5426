/* Tags that follow from events. Each rule is a maximum, a union of days or a sum, so the order of events does
 * not matter. */
#include "tags_priv.h"

static const char *const NAMES[] = {"?",
#define X(name, text) text,
                                    SOTTO_EVENTS(X)
#undef X
};

const char *sotto_event_name(enum sotto_event_kind kind)
{
    return (size_t)kind < SOTTO_COUNT(NAMES) ? NAMES[kind] : NAMES[0];
}

enum sotto_event_kind sotto_event_find(sotto_span name)
{
    for (size_t i = 1; i < SOTTO_COUNT(NAMES); i++)
        if (sotto_span_is(name, NAMES[i]))
            return (enum sotto_event_kind)i;
    return SOTTO_EVENT_NONE;
}

static void keep_latest(sotto_tag_value *value, int32_t day)
{
    if (!value->present || day > value->num)
        *value = (sotto_tag_value){.present = true, .set_day = day, .num = day};
}

static void count_one(const sotto_tag *tag, sotto_tag_value *value, int32_t day)
{
    if (!value->present)
        *value = (sotto_tag_value){.present = true, .set_day = day};
    if (sotto_tags_in_range(tag, value->num + 1))
        value->num++;
    if (day > value->set_day)
        value->set_day = day;
}

/* Bit i is a card-in i days before set_day; set_day is the latest day seen. */
static void note_visit(sotto_tag_value *value, int32_t day)
{
    const int64_t mask = (INT64_C(1) << SOTTO_TAGS_VISIT_DAYS) - 1;
    if (!value->present)
        *value = (sotto_tag_value){.present = true, .set_day = day};
    int64_t ahead = (int64_t)day - value->set_day;
    if (ahead > 0) {
        value->num = ahead < SOTTO_TAGS_VISIT_DAYS ? (value->num << ahead) & mask : 0;
        value->set_day = day;
        ahead = 0;
    }
    if (ahead > -SOTTO_TAGS_VISIT_DAYS)
        value->num |= INT64_C(1) << -ahead;
}

static void apply_rule(const sotto_tag *tag, sotto_tag_value *value, enum sotto_event_kind kind, int32_t day)
{
    if (tag->from == SOTTO_FROM_VISIT_LAST && kind == SOTTO_EVENT_CARD_IN)
        keep_latest(value, day);
    else if (tag->from == SOTTO_FROM_VISIT_DAYS_30 && kind == SOTTO_EVENT_CARD_IN)
        note_visit(value, day);
    else if (tag->from == SOTTO_FROM_OFFER_LAST && kind == SOTTO_EVENT_SHOWN)
        keep_latest(value, day);
    else if (tag->from == SOTTO_FROM_OFFER_COUNT && kind == SOTTO_EVENT_SHOWN)
        count_one(tag, value, day);
    else if (tag->from == SOTTO_FROM_TAKEN_COUNT && kind == SOTTO_EVENT_TAKEN)
        count_one(tag, value, day);
}

void sotto_tags_apply_event(sotto_profile *profile, enum sotto_event_kind kind, int64_t at_s)
{
    int64_t day = sotto_floor_div_i64(at_s, 86400);
    if (day < SOTTO_TAGS_DAY_MIN || day > SOTTO_TAGS_DAY_MAX)
        return;
    for (size_t i = 0; i < profile->dictionary->count; i++)
        if (profile->dictionary->tags[i].from != SOTTO_FROM_IMPORT)
            apply_rule(&profile->dictionary->tags[i], &profile->values[i], kind, (int32_t)day);
}
