/* What holds for all offers of one customer: caps over all campaigns, peace after a complaint or a purchase,
 * and what was shown of each product and category. Notices are neither limited nor counted. */
#include "decide_priv.h"

static bool is_notice(const sotto_plan *plan, uint16_t number)
{
    for (size_t i = 0; i < plan->notice_count; i++)
        if (plan->notice[i] == number)
            return true;
    return false;
}

typedef struct history {
    sotto_seen seen;
    int64_t last_shown_s;
    bool shown;
    int32_t taken_day;
} history;

static void add_counter(sotto_seen *seen, const sotto_counter *c, const sotto_deciding *d)
{
    seen->hour += sotto_counter_shown_hour(c, d->now_s);
    seen->day += sotto_counter_shown(c, d->moment.today, 1);
    seen->week += sotto_counter_shown(c, d->moment.today, 7);
    seen->month += sotto_counter_shown(c, d->moment.today, 30);
    seen->total = sotto_add_sat_u32(seen->total, c->shown_total);
}

static history history_of(const sotto_deciding *d)
{
    history h = {0};
    for (size_t i = 0; d->counters != NULL && i < d->counters->count; i++) {
        const sotto_counter *c = &d->counters->entry[i];
        if (c->creative != 0 || is_notice(d->plan, c->campaign))
            continue;
        add_counter(&h.seen, c, d);
        if (c->shown_total > 0 && (!h.shown || c->last_shown_s > h.last_shown_s)) {
            h.last_shown_s = c->last_shown_s;
            h.shown = true;
        }
        if (c->taken_day > h.taken_day)
            h.taken_day = c->taken_day;
    }
    return h;
}

static void take_caps(sotto_deciding *d, const sotto_seen *seen)
{
    const sotto_caps *caps = &d->plan->customer_caps;
    const struct {
        uint32_t cap, shown;
        enum sotto_exclusion code;
    } limit[] = {{caps->day, seen->day, SOTTO_EXCLUDED_CAP_CUSTOMER},
                 {caps->hour, seen->hour, SOTTO_EXCLUDED_CAP_CUSTOMER_HOUR},
                 {caps->week, seen->week, SOTTO_EXCLUDED_CAP_CUSTOMER_WEEK},
                 {caps->month, seen->month, SOTTO_EXCLUDED_CAP_CUSTOMER_MONTH},
                 {caps->total, seen->total, SOTTO_EXCLUDED_CAP_CUSTOMER_TOTAL}};
    d->offers_left = UINT32_MAX;
    d->customer_cap = SOTTO_EXCLUDED_CAP_CUSTOMER;
    for (size_t i = 0; i < SOTTO_COUNT(limit); i++) {
        uint32_t left = limit[i].shown >= limit[i].cap ? 0 : limit[i].cap - limit[i].shown;
        if (left >= d->offers_left)
            continue;
        d->offers_left = left;
        d->customer_cap = limit[i].code;
    }
}

/* A day in the future (a clock set back) counts as today. */
static bool within(int64_t today, int64_t day, uint32_t days)
{
    int64_t gone = today - day;
    return (gone < 0 ? 0 : gone) < (int64_t)days;
}

static bool tag_within(const sotto_deciding *d, int tag, uint32_t days)
{
    sotto_tag_value value;
    return d->known && tag >= 0 &&
           sotto_profile_read(d->request->profile, (size_t)tag, SOTTO_PURPOSE_SERVICE, d->moment.today,
                              &value) &&
           within(d->moment.today, value.num, days);
}

void sotto_decide_customer(sotto_deciding *d)
{
    const sotto_plan *plan = d->plan;
    history h = history_of(d);
    take_caps(d, &h.seen);
    int64_t gone_s = d->now_s - h.last_shown_s;
    d->peace = SOTTO_EXCLUDED_NONE;
    if (tag_within(d, plan->complaint_tag, plan->complaint_days))
        d->peace = SOTTO_EXCLUDED_COOLING_COMPLAINT;
    else if (tag_within(d, plan->purchase_tag, plan->purchase_days) ||
             (h.taken_day != 0 && within(d->moment.today, h.taken_day, plan->purchase_days)))
        d->peace = SOTTO_EXCLUDED_COOLING_PURCHASE;
    else if (h.shown && (gone_s < 0 ? 0 : gone_s) < plan->min_wait_s)
        d->peace = SOTTO_EXCLUDED_MIN_WAIT;
}

static void count_for(const sotto_deciding *d, const sotto_counter *c, int limits, sotto_seen *seen)
{
    if (limits < 0)
        return;
    const sotto_limits *l = &d->plan->limits[limits];
    add_counter(&seen[limits], c, d);
    seen[limits].dismissed +=
        c->dismissed_day != 0 && within(d->moment.today, c->dismissed_day, l->dismissals_days);
}

void sotto_decide_count_seen(const sotto_deciding *d, sotto_seen *seen)
{
    for (size_t i = 0; i < d->plan->limit_count; i++)
        seen[i] = (sotto_seen){0};
    if (d->counters == NULL || d->plan->limit_count == 0)
        return;
    for (size_t i = 0; i < d->plan->campaign_count; i++) {
        const sotto_campaign *campaign = &d->plan->campaigns[i];
        const sotto_product *product = &d->plan->products[d->plan->terms[i].product];
        if (campaign->notice || (product->limits < 0 && product->category_limits < 0))
            continue;
        const sotto_counter *c = sotto_counters_find(d->counters, campaign->number);
        if (c == NULL)
            continue;
        count_for(d, c, product->limits, seen);
        count_for(d, c, product->category_limits, seen);
    }
}

static bool reached(const sotto_caps *caps, const sotto_seen *seen)
{
    return seen->hour >= caps->hour || seen->day >= caps->day || seen->week >= caps->week ||
           seen->month >= caps->month || seen->total >= caps->total;
}

static bool disliked(const sotto_deciding *d, const sotto_limits *l, const sotto_seen *seen)
{
    sotto_tag_value value;
    if (l->dismissals != 0 && seen->dismissed >= l->dismissals)
        return true;
    return d->profile != NULL && l->disliked_tag >= 0 &&
           sotto_profile_read(d->profile, (size_t)l->disliked_tag, SOTTO_PURPOSE_MARKETING, d->moment.today,
                              &value) &&
           value.num == 1;
}

enum sotto_exclusion sotto_decide_limits(const sotto_deciding *d, const sotto_product *product)
{
    const sotto_limits *all = d->plan->limits;
    int own = product->limits, category = product->category_limits;
    if (category >= 0 && disliked(d, &all[category], &d->seen[category]))
        return SOTTO_EXCLUDED_DISLIKED_CATEGORY;
    if (own >= 0 && reached(&all[own].caps, &d->seen[own]))
        return SOTTO_EXCLUDED_CAP_PRODUCT;
    if (category >= 0 && reached(&all[category].caps, &d->seen[category]))
        return SOTTO_EXCLUDED_CAP_CATEGORY;
    return SOTTO_EXCLUDED_NONE;
}
