/* One decision. */
#include "decide_priv.h"

#include <string.h>

enum { DAY_S = 86400 };

/* A moment outside the years 0 to 9999 is taken as the nearest inside. */
static int64_t second_of(int64_t now_s)
{
    static const int64_t FIRST_S = -62167219200, LAST_S = 253402300799;
    return now_s < FIRST_S ? FIRST_S : now_s > LAST_S ? LAST_S : now_s;
}

/* Local day and minute. */
static sotto_model_moment moment_of(int64_t now_s, int32_t utc_offset_min)
{
    int64_t offset_min = utc_offset_min < -1440 ? -1440 : utc_offset_min > 1440 ? 1440 : utc_offset_min;
    int64_t local_s = now_s + offset_min * 60;
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

/* What the request does not say could be anywhere. */
static uint32_t here(const sotto_name_set *set, const char *name)
{
    return name == NULL ? UINT32_MAX : bit_of(set, name);
}

static sotto_deciding prepare(const sotto_plan *plan, const sotto_decide_request *request,
                              const sotto_workspace *w)
{
    sotto_deciding d = {.plan = plan, .request = request, .counters = request->counters};
    d.now_s = second_of(request->now_s);
    d.moment = moment_of(d.now_s, request->utc_offset_min);
    d.slot = bit_of(&plan->slots, request->slot == NULL ? "after_card" : request->slot);
    d.channel = here(&plan->channels, request->channel);
    d.group = here(&plan->groups, request->branch_group);
    d.model = here(&plan->models, request->terminal_model);
    take_customer(&d);
    sotto_decide_customer(&d);
    d.seen = w->seen;
    sotto_decide_count_seen(&d, w->seen);
    return d;
}

static void answer(const sotto_deciding *d, sotto_workspace *w, size_t count, sotto_decision *out)
{
    for (size_t i = 0; i < count; i++) {
        const sotto_candidate *c = &w->candidates[i];
        sotto_offer *offer = &out->offers[i];
        offer->campaign = c->campaign;
        offer->margin_q24 = c->margin_q24;
        offer->propensity_q30 = c->propensity_q30;
        offer->chance_q30 = c->chance_q30;
        offer->explored = c->explored;
        offer->creative = c->creative;
        offer->trigger = sotto_decide_trigger(d, &d->plan->terms[c->campaign]);
        offer->score = c->score;
        offer->factor_q16 = c->factor_q16;
        offer->because = c->because;
        offer->variety_q16 = c->variety_q16;
        offer->alike = c->alike;
        sotto_rank_explain(d, w, offer);
    }
    out->offer_count = count;
}

static enum sotto_exclusion commonest(const sotto_decision *decision, size_t campaigns)
{
    uint16_t counts[SOTTO_EXCLUSION_COUNT] = {0};
    size_t best = SOTTO_EXCLUDED_NONE;
    for (size_t i = 0; i < campaigns; i++)
        counts[decision->excluded[i]]++;
    counts[SOTTO_EXCLUDED_NONE] = 0;
    for (size_t e = 1; e < SOTTO_COUNT(counts); e++)
        if (counts[e] > counts[best])
            best = e;
    return (enum sotto_exclusion)best;
}

/* The most used item first; items used as often stay in the policy's order. */
static void suggest(const sotto_deciding *d, sotto_decision *out)
{
    const sotto_plan *plan = d->plan;
    const sotto_profile *profile = d->known ? d->request->profile : NULL;
    int64_t used[SOTTO_MENU_MAX];
    out->large_type = profile != NULL && read_service(profile, plan->large_type_tag, d->moment.today, 0) == 1;
    for (size_t i = 0; i < plan->menu_count; i++) {
        int64_t times = profile == NULL ? 0 : read_service(profile, plan->menu[i].tag, d->moment.today, 0);
        size_t at = i;
        for (; at > 0 && used[at - 1] < times; at--) {
            used[at] = used[at - 1];
            out->menu_order[at] = out->menu_order[at - 1];
        }
        used[at] = times;
        out->menu_order[at] = (uint8_t)i;
    }
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
    sotto_workspace w = sotto_workspace_of(plan, scratch);
    sotto_deciding d = prepare(plan, request, &w);
    memset(out, 0, sizeof *out);
    out->profiled = d.profile != NULL;
    sotto_rank_prepare(&d, &w);
    answer(&d, &w, sotto_choose(&d, &w, out), out);
    suggest(&d, out);
    if (out->offer_count == 0)
        out->nothing_because = commonest(out, plan->campaign_count);
    out->id = decision_id(&d, out);
}
