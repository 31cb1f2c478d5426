/* Who may be shown what. The checks stand in the order of SOTTO_EXCLUSIONS; the first that fails is the
 * reason. */
#include "decide_priv.h"

static enum sotto_exclusion exclude_when(const sotto_deciding *d, const sotto_terms *terms)
{
    if (d->moment.today < terms->from_day)
        return SOTTO_EXCLUDED_NOT_STARTED;
    if (d->moment.today > terms->to_day)
        return SOTTO_EXCLUDED_ENDED;
    if (terms->slots != 0 && (terms->slots & d->slot) == 0)
        return SOTTO_EXCLUDED_SLOT;
    if (terms->channels != 0 && !d->any_channel && (terms->channels & d->channel) == 0)
        return SOTTO_EXCLUDED_CHANNEL;
    for (size_t i = 0; i < terms->day_part_count; i++)
        if (d->moment.minute >= terms->day_parts[i].from_minute &&
            d->moment.minute < terms->day_parts[i].to_minute)
            return SOTTO_EXCLUDED_NONE;
    return terms->day_part_count == 0 ? SOTTO_EXCLUDED_NONE : SOTTO_EXCLUDED_DAY_PART;
}

static bool holds(const sotto_deciding *d, const sotto_product *product)
{
    sotto_tag_value value;
    return d->profile != NULL && product->held_tag >= 0 &&
           sotto_profile_read(d->profile, (size_t)product->held_tag, SOTTO_PURPOSE_MARKETING, d->moment.today,
                              &value) &&
           value.num == 1;
}

static enum sotto_exclusion exclude_who(const sotto_deciding *d, const sotto_terms *terms)
{
    const sotto_product *product = &d->plan->products[terms->product];
    if (terms->needs_profile && d->profile == NULL)
        return d->known ? SOTTO_EXCLUDED_NO_CONSENT : SOTTO_EXCLUDED_UNKNOWN_CUSTOMER;
    if (terms->who.count > 0 && !sotto_rule_holds(&terms->who, d->profile, d->moment.today))
        return SOTTO_EXCLUDED_NOT_ELIGIBLE;
    if ((int64_t)product->risk > d->risk_grade)
        return SOTTO_EXCLUDED_UNSUITABLE;
    return holds(d, product) ? SOTTO_EXCLUDED_ALREADY_HELD : SOTTO_EXCLUDED_NONE;
}

static bool dismissed_lately(const sotto_counter *counter, int32_t today, uint32_t days)
{
    int64_t gone = (int64_t)today - counter->dismissed_day;
    return counter->dismissed_day != 0 && (gone < 0 ? 0 : gone) < (int64_t)days;
}

static enum sotto_exclusion exclude_history(const sotto_deciding *d, const sotto_terms *terms,
                                            uint16_t number)
{
    const sotto_counter *counter = d->counters == NULL ? NULL : sotto_counters_find(d->counters, number);
    int32_t today = d->moment.today;
    if (counter == NULL)
        return SOTTO_EXCLUDED_NONE;
    if (counter->taken_day != 0)
        return SOTTO_EXCLUDED_TAKEN;
    if (dismissed_lately(counter, today, terms->dismissed_days))
        return SOTTO_EXCLUDED_DISMISSED;
    if (sotto_counter_shown(counter, today, 1) >= terms->cap_day)
        return SOTTO_EXCLUDED_CAP_DAY;
    if (sotto_counter_shown(counter, today, 7) >= terms->cap_week)
        return SOTTO_EXCLUDED_CAP_WEEK;
    if (sotto_counter_shown(counter, today, 30) >= terms->cap_month)
        return SOTTO_EXCLUDED_CAP_MONTH;
    return counter->shown_total >= terms->cap_total ? SOTTO_EXCLUDED_CAP_TOTAL : SOTTO_EXCLUDED_NONE;
}

enum sotto_exclusion sotto_decide_exclude(const sotto_deciding *d, size_t campaign)
{
    const sotto_terms *terms = &d->plan->terms[campaign];
    enum sotto_exclusion e = exclude_when(d, terms);
    if (e == SOTTO_EXCLUDED_NONE)
        e = exclude_who(d, terms);
    if (e == SOTTO_EXCLUDED_NONE)
        e = exclude_history(d, terms, d->plan->campaigns[campaign].number);
    if (e == SOTTO_EXCLUDED_NONE && d->offers_left == 0)
        e = SOTTO_EXCLUDED_CAP_CUSTOMER;
    return e;
}
