/* One decision. */
#include "decide_priv.h"

#include <string.h>

enum { DAY_S = 86400 };

/* Local day and minute; a moment outside the years 0 to 9999 is taken as the nearest inside. */
static sotto_model_moment moment_of(int64_t now_s, int32_t utc_offset_min)
{
    static const int64_t FIRST_S = -62167219200, LAST_S = 253402300799;
    int64_t offset_min = utc_offset_min < -1440 ? -1440 : utc_offset_min > 1440 ? 1440 : utc_offset_min;
    int64_t local_s = (now_s < FIRST_S ? FIRST_S : now_s > LAST_S ? LAST_S : now_s) + offset_min * 60;
    int64_t day = sotto_floor_div_i64(local_s, DAY_S);
    return (sotto_model_moment){.today = (int32_t)day, .minute = (uint16_t)((local_s - day * DAY_S) / 60)};
}

static uint32_t bit_of(const sotto_name_set *set, const char *name)
{
    for (size_t i = 0; i < set->count; i++)
        if (strcmp(set->name[i], name) == 0)
            return UINT32_C(1) << i;
    return 0;
}

/* A tag that protects the customer, or `absent`. */
static int64_t read_service(const sotto_profile *profile, int index, int32_t today, int64_t absent)
{
    sotto_tag_value value;
    if (index < 0 || !sotto_profile_read(profile, (size_t)index, SOTTO_PURPOSE_SERVICE, today, &value))
        return absent;
    return value.num;
}

/* Without consent the profile is not there for anything that follows. A profile of another dictionary cannot
 * be read by this plan's indices: that customer is unknown to it. */
static void take_customer(sotto_deciding *d)
{
    const sotto_profile *profile = d->request->profile;
    d->known = profile != NULL && profile->dictionary == d->plan->dictionary;
    if (d->known && read_service(profile, d->plan->profiling_tag, d->moment.today, 0) == 1)
        d->profile = profile;
    d->risk_grade = d->profile == NULL ? 1 : read_service(profile, d->plan->risk_tag, d->moment.today, 1);
    if (d->risk_grade < 1)
        d->risk_grade = 1;
}

static sotto_deciding prepare(const sotto_plan *plan, const sotto_decide_request *request)
{
    sotto_deciding d = {.plan = plan, .request = request, .counters = request->counters};
    d.moment = moment_of(request->now_s, request->utc_offset_min);
    d.slot = bit_of(&plan->slots, request->slot == NULL ? "after_card" : request->slot);
    d.any_channel = request->channel == NULL;
    d.channel = d.any_channel ? 0 : bit_of(&plan->channels, request->channel);
    uint32_t shown = d.counters == NULL ? 0 : sotto_counters_shown_today(d.counters, d.moment.today);
    d.offers_left = shown >= plan->customer_cap_day ? 0 : plan->customer_cap_day - shown;
    take_customer(&d);
    return d;
}

/* Insertion into the first `keep` places, best first; returns the new length. What falls out is ranked lower.
 */
static size_t keep_best(const sotto_plan *plan, sotto_candidate *best, size_t count, size_t keep,
                        const sotto_candidate *next)
{
    size_t at = count;
    while (at > 0 && sotto_rank_before(plan, next, &best[at - 1]))
        at--;
    if (at == keep)
        return count;
    size_t grown = count < keep ? count + 1 : keep;
    memmove(&best[at + 1], &best[at], (grown - at - 1) * sizeof *best);
    best[at] = *next;
    return grown;
}

static size_t offers_wanted(const sotto_decide_request *request)
{
    if (request->offers_max < 1)
        return 1;
    return request->offers_max > SOTTO_OFFERS_MAX ? SOTTO_OFFERS_MAX : request->offers_max;
}

static bool too_unlikely(const sotto_deciding *d, const sotto_candidate *c)
{
    return d->plan->model != NULL && d->profile != NULL &&
           c->propensity_q30 < d->plan->terms[c->campaign].min_propensity_q30;
}

/* What the customer's cap of today leaves of the best. */
static size_t cut_to_cap(const sotto_deciding *d, const sotto_workspace *w, size_t count, sotto_decision *out)
{
    size_t kept = count < d->offers_left ? count : d->offers_left;
    for (size_t i = 0; i < count; i++)
        out->excluded[w->candidates[i].campaign] =
            i < kept ? SOTTO_EXCLUDED_NONE : SOTTO_EXCLUDED_CAP_CUSTOMER;
    return kept;
}

/* Names an exclusion for every campaign that is not among the best. Those are left in w->candidates. */
static size_t choose(const sotto_deciding *d, sotto_workspace *w, sotto_decision *out)
{
    size_t wanted = offers_wanted(d->request), count = 0;
    for (size_t i = 0; i < d->plan->campaign_count; i++) {
        out->excluded[i] = sotto_decide_exclude(d, i);
        if (out->excluded[i] != SOTTO_EXCLUDED_NONE)
            continue;
        sotto_candidate next = sotto_rank_score(d, w, i);
        out->excluded[i] =
            too_unlikely(d, &next) ? SOTTO_EXCLUDED_LOW_PROPENSITY : SOTTO_EXCLUDED_RANKED_LOWER;
        if (out->excluded[i] == SOTTO_EXCLUDED_RANKED_LOWER)
            count = keep_best(d->plan, w->candidates, count, wanted, &next);
    }
    return cut_to_cap(d, w, count, out);
}

static void answer(const sotto_deciding *d, sotto_workspace *w, size_t count, sotto_decision *out)
{
    for (size_t i = 0; i < count; i++) {
        const sotto_candidate *c = &w->candidates[i];
        out->offers[i] = (sotto_offer){.campaign = c->campaign,
                                       .margin_q24 = c->margin_q24,
                                       .propensity_q30 = c->propensity_q30,
                                       .score = c->score};
        sotto_rank_explain(d, w, &out->offers[i]);
    }
    out->offer_count = count;
}

static enum sotto_exclusion commonest(const sotto_decision *decision, size_t campaigns)
{
    uint16_t counts[SOTTO_EXCLUDED_RANKED_LOWER + 1] = {0};
    size_t best = SOTTO_EXCLUDED_NONE;
    for (size_t i = 0; i < campaigns; i++)
        counts[decision->excluded[i]]++;
    counts[SOTTO_EXCLUDED_NONE] = 0;
    for (size_t e = 1; e < SOTTO_COUNT(counts); e++)
        if (counts[e] > counts[best])
            best = e;
    return (enum sotto_exclusion)best;
}

static uint64_t decision_id(const sotto_deciding *d, const sotto_decision *decision)
{
    uint64_t id = sotto_decide_mix(d->request->seed);
    id = sotto_decide_mix(id ^ (uint64_t)d->request->now_s);
    for (size_t i = 0; i < decision->offer_count; i++) {
        id = sotto_decide_mix(id ^ d->plan->campaigns[decision->offers[i].campaign].number);
        id = sotto_decide_mix(id ^ (uint64_t)decision->offers[i].score);
    }
    return sotto_decide_mix(id ^ decision->offer_count);
}

void sotto_decide(const sotto_plan *plan, const sotto_decide_request *request, void *scratch,
                  sotto_decision *out)
{
    sotto_deciding d = prepare(plan, request);
    sotto_workspace w = sotto_workspace_of(plan, scratch);
    memset(out, 0, sizeof *out);
    out->profiled = d.profile != NULL;
    sotto_rank_prepare(&d, &w);
    answer(&d, &w, choose(&d, &w, out), out);
    if (out->offer_count == 0)
        out->nothing_because = commonest(out, plan->campaign_count);
    out->id = decision_id(&d, out);
}
