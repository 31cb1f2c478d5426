/* What the recommender says of a customer: docs/formats/policy.md, "Recommender". */
#include "decide_priv.h"

#include <string.h>

enum { NOT_HELD = INT32_MIN, SINCE_UNKNOWN = -1 };

/* ---- Loading ---- */

static sotto_status bind_segments(const sotto_plan_loading *l, sotto_json_node node)
{
    sotto_plan *plan = l->plan;
    plan->segment_tag = -1;
    if (sotto_decide_absent(node))
        return SOTTO_OK;
    sotto_status status =
        sotto_decide_tag(l, node, SOTTO_TAG_CHOICE, SOTTO_PURPOSE_MARKETING, &plan->segment_tag);
    if (status != SOTTO_OK)
        return status;
    const sotto_tag *tag = sotto_dictionary_at(plan->dictionary, (size_t)plan->segment_tag);
    plan->segment_of = sotto_arena_array(l->arena, tag->choice_count, sizeof *plan->segment_of);
    if (plan->segment_of == NULL)
        return sotto_decide_no_space(l, node);
    plan->choice_count = tag->choice_count;
    for (size_t i = 0; i < tag->choice_count; i++)
        plan->segment_of[i] = (int16_t)sotto_items_segment_find(plan->items, sotto_span_str(tag->choices[i]));
    return SOTTO_OK;
}

/* Products and items that know each other, by id; and the rarest item's share, for products it does not know.
 */
static sotto_status bind_items(const sotto_plan_loading *l, sotto_json_node node)
{
    sotto_plan *plan = l->plan;
    size_t items = sotto_items_count(plan->items);
    plan->item_of = sotto_arena_array(l->arena, plan->product_count, sizeof *plan->item_of);
    plan->product_of = sotto_arena_array(l->arena, items, sizeof *plan->product_of);
    if (plan->item_of == NULL || plan->product_of == NULL)
        return sotto_decide_no_space(l, node);
    plan->rarest_q30 = SOTTO_PROB_ONE_Q30;
    for (size_t i = 0; i < items; i++) {
        uint32_t share = sotto_items_popular_q30(plan->items, -1, i);
        plan->rarest_q30 = share < plan->rarest_q30 ? share : plan->rarest_q30;
        plan->product_of[i] = -1;
    }
    for (size_t p = 0; p < plan->product_count; p++) {
        int item = sotto_items_find(plan->items, sotto_span_str(plan->products[p].id));
        plan->item_of[p] = (int16_t)item;
        if (item >= 0)
            plan->product_of[item] = (int16_t)p;
    }
    return SOTTO_OK;
}

sotto_status sotto_policy_recommend_load(const sotto_plan_loading *l, sotto_json_node root)
{
    static const char *const MEMBERS[] = {"segment_tag"};
    sotto_json_node node = sotto_json_member(root, "recommender");
    if (sotto_decide_absent(node)) {
        l->plan->items = NULL; /* a release may carry items that its policy does not use */
        return SOTTO_OK;
    }
    sotto_status status = sotto_json_only(node, MEMBERS, SOTTO_COUNT(MEMBERS), l->diag);
    if (status == SOTTO_OK && l->plan->items == NULL)
        status = sotto_json_bad(node, l->diag, SOTTO_ERR(DECIDE, CONFLICT),
                                "the policy wants a recommender and the release has no items.sotto");
    if (status == SOTTO_OK)
        status = bind_segments(l, sotto_json_member(node, "segment_tag"));
    return status == SOTTO_OK ? bind_items(l, node) : status;
}

/* ---- Deciding ---- */

static bool read_tag(const sotto_deciding *d, int tag, int64_t *value)
{
    sotto_tag_value v;
    if (tag < 0 || !sotto_profile_read(d->profile, (size_t)tag, SOTTO_PURPOSE_MARKETING, d->moment.today, &v))
        return false;
    *value = v.num;
    return true;
}

/* By the bank's own tag: held, since nobody knows when. */
static void note_tags(const sotto_deciding *d, int32_t *age)
{
    const sotto_plan *plan = d->plan;
    for (size_t i = 0; i < sotto_items_count(plan->items); i++) {
        int64_t held = 0;
        age[i] = NOT_HELD;
        if (plan->product_of[i] >= 0 && read_tag(d, plan->products[plan->product_of[i]].held_tag, &held) &&
            held == 1)
            age[i] = SINCE_UNKNOWN;
    }
}

/* Taken here: the day is known, and the latest counts. */
static void note_taken(const sotto_deciding *d, int32_t *age)
{
    const sotto_plan *plan = d->plan;
    for (size_t i = 0; d->counters != NULL && i < plan->campaign_count; i++) {
        int item = plan->item_of[plan->terms[i].product];
        const sotto_counter *c =
            item < 0 ? NULL : sotto_counters_find(d->counters, plan->campaigns[i].number);
        if (c == NULL || c->taken_day == 0)
            continue;
        int32_t days = d->moment.today > c->taken_day ? d->moment.today - c->taken_day : 0;
        if (age[item] < 0 || days < age[item])
            age[item] = days;
    }
}

void sotto_recommend_prepare(const sotto_deciding *d, sotto_workspace *w)
{
    const sotto_plan *plan = d->plan;
    int64_t choice = 0;
    w->held_count = 0;
    w->segment = -1;
    if (plan->items == NULL || d->profile == NULL)
        return;
    note_tags(d, w->held_age);
    note_taken(d, w->held_age);
    for (size_t i = 0; i < sotto_items_count(plan->items); i++)
        if (w->held_age[i] != NOT_HELD)
            w->held[w->held_count++] = (sotto_items_held){
                .item = (uint16_t)i, .weight_q15 = sotto_items_weight_q15(plan->items, w->held_age[i])};
    sotto_items_customer_of(plan->items, w->held, w->held_count, &w->customer);
    if (read_tag(d, plan->segment_tag, &choice) && choice >= 0 && (size_t)choice < plan->choice_count)
        w->segment = plan->segment_of[choice];
}

uint32_t sotto_recommend_popular_q30(const sotto_plan *plan, size_t product)
{
    int item = plan->item_of[product];
    return item < 0 ? plan->rarest_q30 : sotto_items_popular_q30(plan->items, -1, (size_t)item);
}

uint32_t sotto_recommend_factor_q16(const sotto_plan *plan, const sotto_workspace *w, size_t product,
                                    const char **because)
{
    int item = plan->item_of[product], who = -1;
    *because = NULL;
    if (item < 0)
        return SOTTO_ITEMS_FACTOR_ONE_Q16;
    if (w->held_count == 0)
        return sotto_items_segment_factor_q16(plan->items, (size_t)item, w->segment);
    int64_t score = sotto_items_score_q24(plan->items, &w->customer, (size_t)item, NULL);
    uint32_t factor = sotto_items_factor_q16(plan->items, (size_t)item, score);
    if (factor <= SOTTO_ITEMS_FACTOR_ONE_Q16)
        return factor;
    (void)sotto_items_score_q24(plan->items, &w->customer, (size_t)item, &who);
    if (who >= 0)
        *because = sotto_items_id(plan->items, w->held[who].item);
    return factor;
}
