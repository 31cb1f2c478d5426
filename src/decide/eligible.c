/* Who may be shown what. The checks stand in the order of docs/formats/policy.md; the first that fails is the
 * reason. A notice is asked only what concerns itself, not what keeps offers from a customer. */
#include "decide_priv.h"

static bool in_parts(const sotto_day_part *parts, size_t count, unsigned minute)
{
    for (size_t i = 0; i < count; i++)
        if (minute >= parts[i].from_minute && minute < parts[i].to_minute)
            return true;
    return false;
}

static bool elsewhere(uint32_t wanted, uint32_t here)
{
    return wanted != 0 && (wanted & here) == 0;
}

static enum sotto_exclusion exclude_when(const sotto_deciding *d, const sotto_terms *terms, bool notice)
{
    const sotto_plan *plan = d->plan;
    if (d->moment.today < terms->from_day)
        return SOTTO_EXCLUDED_NOT_STARTED;
    if (d->moment.today > terms->to_day)
        return SOTTO_EXCLUDED_ENDED;
    if (elsewhere(terms->slots, d->slot))
        return SOTTO_EXCLUDED_SLOT;
    if (elsewhere(terms->channels, d->channel))
        return SOTTO_EXCLUDED_CHANNEL;
    if (elsewhere(terms->groups, d->group))
        return SOTTO_EXCLUDED_BRANCH_GROUP;
    if (elsewhere(terms->models, d->model))
        return SOTTO_EXCLUDED_TERMINAL_MODEL;
    if (terms->day_part_count > 0 && !in_parts(terms->day_parts, terms->day_part_count, d->moment.minute))
        return SOTTO_EXCLUDED_DAY_PART;
    return !notice && in_parts(plan->quiet_hours, plan->quiet_hour_count, d->moment.minute)
               ? SOTTO_EXCLUDED_QUIET_HOURS
               : SOTTO_EXCLUDED_NONE;
}

static bool flag(const sotto_profile *profile, int tag, unsigned purpose, int32_t today)
{
    sotto_tag_value value;
    return profile != NULL && tag >= 0 && sotto_profile_read(profile, (size_t)tag, purpose, today, &value) &&
           value.num == 1;
}

const char *sotto_decide_trigger(const sotto_deciding *d, const sotto_terms *terms)
{
    for (size_t i = 0; d->profile != NULL && i < terms->trigger_count; i++)
        if (sotto_rule_holds(&terms->triggers[i].when, d->profile, d->moment.today))
            return terms->triggers[i].id;
    return NULL;
}

/* Whether a customer needs special care is read for the purpose service: it protects, so it needs no consent.
 */
static bool needs_care(const sotto_deciding *d)
{
    return d->known &&
           flag(d->request->profile, d->plan->vulnerable_tag, SOTTO_PURPOSE_SERVICE, d->moment.today);
}

static enum sotto_exclusion exclude_who(const sotto_deciding *d, const sotto_terms *terms, bool notice)
{
    const sotto_product *product = &d->plan->products[terms->product];
    if (terms->needs_profile && d->profile == NULL)
        return d->known ? SOTTO_EXCLUDED_NO_CONSENT : SOTTO_EXCLUDED_UNKNOWN_CUSTOMER;
    if (!notice && !terms->vulnerable && needs_care(d))
        return SOTTO_EXCLUDED_VULNERABLE;
    if (terms->who.count > 0 && !sotto_rule_holds(&terms->who, d->profile, d->moment.today))
        return SOTTO_EXCLUDED_NOT_ELIGIBLE;
    if (terms->trigger_count > 0 && sotto_decide_trigger(d, terms) == NULL)
        return SOTTO_EXCLUDED_NO_TRIGGER;
    if (notice)
        return SOTTO_EXCLUDED_NONE;
    if ((int64_t)product->risk > d->risk_grade)
        return SOTTO_EXCLUDED_UNSUITABLE;
    return flag(d->profile, product->held_tag, SOTTO_PURPOSE_MARKETING, d->moment.today)
               ? SOTTO_EXCLUDED_ALREADY_HELD
               : SOTTO_EXCLUDED_NONE;
}

static bool dismissed_lately(const sotto_counter *counter, int32_t today, uint32_t days)
{
    int64_t gone = (int64_t)today - counter->dismissed_day;
    return counter->dismissed_day != 0 && (gone < 0 ? 0 : gone) < (int64_t)days;
}

enum sotto_exclusion sotto_decide_cap_of(const sotto_deciding *d, const sotto_counter *counter,
                                         const sotto_caps *caps)
{
    int32_t today = d->moment.today;
    if (sotto_counter_shown_hour(counter, d->now_s) >= caps->hour)
        return SOTTO_EXCLUDED_CAP_HOUR;
    if (sotto_counter_shown(counter, today, 1) >= caps->day)
        return SOTTO_EXCLUDED_CAP_DAY;
    if (sotto_counter_shown(counter, today, 7) >= caps->week)
        return SOTTO_EXCLUDED_CAP_WEEK;
    if (sotto_counter_shown(counter, today, 30) >= caps->month)
        return SOTTO_EXCLUDED_CAP_MONTH;
    return counter->shown_total >= caps->total ? SOTTO_EXCLUDED_CAP_TOTAL : SOTTO_EXCLUDED_NONE;
}

static enum sotto_exclusion exclude_history(const sotto_deciding *d, const sotto_terms *terms,
                                            const sotto_counter *counter)
{
    if (counter != NULL && counter->taken_day != 0)
        return SOTTO_EXCLUDED_TAKEN;
    enum sotto_exclusion e = sotto_decide_journey(d, terms);
    if (e == SOTTO_EXCLUDED_NONE && counter != NULL &&
        dismissed_lately(counter, d->moment.today, terms->dismissed_days))
        e = SOTTO_EXCLUDED_DISMISSED;
    return e;
}

/* What limits offers and no notice. */
static enum sotto_exclusion exclude_offer(const sotto_deciding *d, size_t campaign, const sotto_terms *terms)
{
    enum sotto_exclusion e = d->peace;
    if (e == SOTTO_EXCLUDED_NONE)
        e = sotto_decide_limits(d, &d->plan->products[terms->product]);
    return e == SOTTO_EXCLUDED_NONE ? sotto_decide_holdout(d, campaign) : e;
}

enum sotto_exclusion sotto_decide_exclude(const sotto_deciding *d, size_t campaign, uint8_t *creative)
{
    const sotto_terms *terms = &d->plan->terms[campaign];
    const sotto_campaign *face = &d->plan->campaigns[campaign];
    const sotto_counter *counter =
        d->counters == NULL ? NULL : sotto_counters_find(d->counters, face->number);
    if (d->request->caps_unknown && !face->notice)
        return SOTTO_EXCLUDED_STORE_RESTORED;
    enum sotto_exclusion e = exclude_when(d, terms, face->notice);
    if (e == SOTTO_EXCLUDED_NONE)
        e = exclude_who(d, terms, face->notice);
    if (e == SOTTO_EXCLUDED_NONE)
        e = exclude_history(d, terms, counter);
    if (e == SOTTO_EXCLUDED_NONE && counter != NULL)
        e = sotto_decide_cap_of(d, counter, &terms->caps);
    if (e == SOTTO_EXCLUDED_NONE)
        e = sotto_decide_creative(d, campaign, creative);
    if (e == SOTTO_EXCLUDED_NONE)
        e = sotto_decide_budget(d, campaign);
    if (e == SOTTO_EXCLUDED_NONE && !face->notice)
        e = exclude_offer(d, campaign, terms);
    if (e == SOTTO_EXCLUDED_NONE && !face->notice && d->offers_left == 0)
        e = d->customer_cap;
    return e;
}
