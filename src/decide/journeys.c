/* Journeys: campaigns as ordered steps. Which step has come follows from the customer's counters alone, so
 * there is no other state to lose. docs/formats/policy.md. */
#include "decide_priv.h"

#include <string.h>

enum { SHOWN_MAX = 1000000, DAYS_MAX = 36500 };

/* ---- loading ---- */

static sotto_status load_step_campaign(const sotto_plan_loading *l, sotto_json_node node, size_t journey,
                                       size_t step)
{
    sotto_json_node place;
    sotto_span id;
    sotto_status status = sotto_decide_required(l, node, "campaign", &place);
    if (status == SOTTO_OK)
        status = sotto_json_as_str(place, &id, l->diag);
    if (status != SOTTO_OK)
        return status;
    int campaign = sotto_plan_find(l->plan, id);
    if (campaign < 0)
        return sotto_json_bad(place, l->diag, SOTTO_ERR(DECIDE, NOT_FOUND),
                              "the policy has no such campaign");
    sotto_terms *terms = &l->plan->terms[campaign];
    if (terms->journey >= 0)
        return sotto_json_bad(place, l->diag, SOTTO_ERR(DECIDE, CONFLICT),
                              "the campaign is a step of a journey already");
    terms->journey = (int16_t)journey;
    terms->step = (uint8_t)step;
    l->plan->journeys[journey].step[step].campaign = (uint16_t)campaign;
    return SOTTO_OK;
}

static sotto_status load_step(const sotto_plan_loading *l, sotto_json_node node, size_t journey, size_t step,
                              bool last)
{
    static const char *const MEMBERS[] = {"campaign", "after_shown", "after_dismissed", "after_taken",
                                          "wait_days"};
    sotto_journey_step *out = &l->plan->journeys[journey].step[step];
    int64_t shown = 0, days = 0;
    sotto_status status = sotto_json_only(node, MEMBERS, SOTTO_COUNT(MEMBERS), l->diag);
    if (status == SOTTO_OK)
        status = load_step_campaign(l, node, journey, step);
    if (status == SOTTO_OK)
        status = sotto_decide_number(l, node, "after_shown", 1, SHOWN_MAX, UINT32_MAX, &shown);
    if (status == SOTTO_OK)
        status = sotto_decide_number(l, node, "wait_days", 0, DAYS_MAX, 0, &days);
    if (status == SOTTO_OK)
        status = sotto_decide_flag(l, node, "after_dismissed", false, &out->after_dismissed);
    if (status == SOTTO_OK)
        status = sotto_decide_flag(l, node, "after_taken", false, &out->after_taken);
    out->after_shown = (uint32_t)shown;
    out->wait_days = (uint32_t)days;
    if (status == SOTTO_OK && !last && shown == UINT32_MAX && !out->after_dismissed && !out->after_taken)
        status = sotto_json_bad(node, l->diag, SOTTO_ERR(DECIDE, CONFLICT),
                                "nothing ends this step, so the next one would never come");
    return status;
}

static sotto_status load_journey(const sotto_plan_loading *l, sotto_json_node node, size_t index)
{
    static const char *const MEMBERS[] = {"id", "steps"};
    sotto_journey *out = &l->plan->journeys[index];
    sotto_json_node id, steps;
    sotto_status status = sotto_json_only(node, MEMBERS, SOTTO_COUNT(MEMBERS), l->diag);
    if (status == SOTTO_OK)
        status = sotto_decide_required(l, node, "id", &id);
    if (status == SOTTO_OK)
        status = sotto_decide_id(l, id, &out->id);
    if (status == SOTTO_OK)
        status = sotto_decide_required(l, node, "steps", &steps);
    if (status == SOTTO_OK)
        status = sotto_json_as_array(steps, 2, SOTTO_DECIDE_STEPS_MAX, l->diag);
    if (status != SOTTO_OK)
        return status;
    out->count = sotto_json_count(steps);
    for (size_t i = 0; status == SOTTO_OK && i < out->count; i++)
        status = load_step(l, sotto_json_at(steps, i), index, i, i + 1 == out->count);
    return status;
}

sotto_status sotto_journeys_load(const sotto_plan_loading *l, sotto_json_node root)
{
    sotto_json_node list = sotto_json_member(root, "journeys");
    if (sotto_decide_absent(list))
        return SOTTO_OK;
    sotto_status status = sotto_json_as_array(list, 1, SOTTO_DECIDE_JOURNEYS_MAX, l->diag);
    if (status != SOTTO_OK)
        return status;
    l->plan->journey_count = sotto_json_count(list);
    l->plan->journeys = sotto_arena_array(l->arena, l->plan->journey_count, sizeof *l->plan->journeys);
    if (l->plan->journeys == NULL)
        return sotto_decide_no_space(l, list);
    for (size_t i = 0; status == SOTTO_OK && i < l->plan->journey_count; i++)
        status = load_journey(l, sotto_json_at(list, i), i);
    return status;
}

/* ---- deciding ---- */

/* Over, and the next step may come: never so for what was taken, unless the step says so. */
static bool is_over(const sotto_journey_step *step, const sotto_counter *c)
{
    if (c == NULL)
        return false;
    if (c->taken_day != 0)
        return step->after_taken;
    return c->shown_total >= step->after_shown || (step->after_dismissed && c->dismissed_day != 0);
}

/* Days since the step was last shown, waved away or taken; a clock set back counts as the same day. */
static bool has_waited(const sotto_journey_step *step, const sotto_counter *c, int32_t today)
{
    int32_t last = c->anchor_day > c->dismissed_day ? c->anchor_day : c->dismissed_day;
    if (c->taken_day > last)
        last = c->taken_day;
    return (int64_t)today - last >= (int64_t)step->wait_days;
}

/* A campaign comes when every step before it is over and has waited, and goes when it is over itself. */
enum sotto_exclusion sotto_decide_journey(const sotto_deciding *d, const sotto_terms *terms)
{
    if (terms->journey < 0)
        return SOTTO_EXCLUDED_NONE;
    const sotto_journey *journey = &d->plan->journeys[terms->journey];
    for (size_t i = 0; i <= terms->step; i++) {
        const sotto_journey_step *step = &journey->step[i];
        uint16_t number = d->plan->campaigns[step->campaign].number;
        const sotto_counter *c = d->counters == NULL ? NULL : sotto_counters_find(d->counters, number);
        bool own = i == terms->step, over = is_over(step, c);
        if (own)
            return over ? SOTTO_EXCLUDED_JOURNEY_OVER : SOTTO_EXCLUDED_NONE;
        if (!over && c != NULL && c->taken_day != 0)
            return SOTTO_EXCLUDED_JOURNEY_OVER; /* taken: the journey has reached its end */
        if (!over || !has_waited(step, c, d->moment.today))
            return SOTTO_EXCLUDED_JOURNEY_WAITING;
    }
    return SOTTO_EXCLUDED_NONE;
}
