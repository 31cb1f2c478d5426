/* Propensity x value, and the tags that made the propensity. */
#include "decide_priv.h"

#include <assert.h>

typedef struct layout {
    size_t keys, contribution, by_tag, margin, scored, candidates, seen, explore, held_age, held, ranking,
        total;
} layout;

/* Pieces in descending need of alignment would save a few bytes; 16 for each is simpler to see right. */
static size_t place(size_t *total, size_t count, size_t size)
{
    size_t at = *total;
    *total = (at + count * size + 15) & ~(size_t)15;
    return at;
}

static layout lay_out(const sotto_plan *plan)
{
    layout y = {0};
    y.keys = place(&y.total, plan->feature_count, sizeof(int32_t));
    y.contribution = place(&y.total, plan->feature_count, sizeof(int64_t));
    y.by_tag = place(&y.total, sotto_dictionary_count(plan->dictionary) + 1, sizeof(int64_t));
    y.margin = place(&y.total, plan->product_count, sizeof(int64_t));
    y.scored = place(&y.total, plan->product_count, sizeof(uint8_t));
    y.candidates = place(&y.total, plan->campaign_count, sizeof(sotto_candidate));
    y.seen = place(&y.total, plan->limit_count, sizeof(sotto_seen));
    y.explore = place(&y.total, plan->explore.method == SOTTO_EXPLORE_THOMPSON ? SOTTO_EXPLORE_WORK : 0,
                      sizeof(int64_t));
    size_t items = plan->items == NULL ? 0 : sotto_items_count(plan->items);
    y.held_age = place(&y.total, items, sizeof(int32_t));
    y.held = place(&y.total, items, sizeof(sotto_items_held));
    y.ranking = place(&y.total, plan->ranking == NULL ? 0 : sotto_model_rank_scratch_size(plan->ranking), 1);
    return y;
}

size_t sotto_decide_scratch_size(const sotto_plan *plan)
{
    return lay_out(plan).total;
}

sotto_workspace sotto_workspace_of(const sotto_plan *plan, void *scratch)
{
    layout y = lay_out(plan);
    uint8_t *base = scratch;
    assert(((uintptr_t)scratch & 15) == 0);
    sotto_workspace w = {.keys = (int32_t *)(void *)(base + y.keys),
                         .contribution_q24 = (int64_t *)(void *)(base + y.contribution),
                         .by_tag_q24 = (int64_t *)(void *)(base + y.by_tag),
                         .margin_q24 = (int64_t *)(void *)(base + y.margin),
                         .scored = base + y.scored,
                         .candidates = (sotto_candidate *)(void *)(base + y.candidates),
                         .seen = (sotto_seen *)(void *)(base + y.seen),
                         .explore = (int64_t *)(void *)(base + y.explore),
                         .held_age = (int32_t *)(void *)(base + y.held_age),
                         .held = (sotto_items_held *)(void *)(base + y.held),
                         .ranking = base + y.ranking};
    for (size_t i = 0; i < plan->product_count; i++)
        w.scored[i] = 0;
    return w;
}

static bool uses_model(const sotto_deciding *d)
{
    return d->plan->model != NULL && d->profile != NULL;
}

void sotto_rank_prepare(const sotto_deciding *d, sotto_workspace *w)
{
    if (uses_model(d))
        sotto_model_customer_keys(d->plan->model, d->profile, &d->moment, w->keys);
    sotto_recommend_prepare(d, w);
}

static void set_product_keys(const sotto_plan *plan, sotto_workspace *w, size_t product)
{
    const int32_t *keys = plan->product_keys + product * plan->product_feature_count;
    for (size_t i = 0; i < plan->product_feature_count; i++)
        w->keys[plan->product_feature[i]] = keys[i];
}

/* Ranking the whole shelf costs about as much as this many products one at a time: scoring so many alone
 * first, and then all, is never more than twice the cheaper way. */
static size_t alone_at_most(const sotto_plan *plan)
{
    return 4 + plan->product_count / 16;
}

static void rank_all(const sotto_deciding *d, sotto_workspace *w)
{
    sotto_model_rank_q24(d->plan->ranking, w->keys, w->ranking, w->margin_q24);
    for (size_t i = 0; i < d->plan->product_count; i++)
        w->scored[i] = 1;
}

static void score_alone(const sotto_deciding *d, sotto_workspace *w, size_t product)
{
    set_product_keys(d->plan, w, product);
    w->margin_q24[product] = sotto_model_margin_q24(d->plan->model, w->keys);
    w->scored[product] = 1;
    w->alone++;
}

/* One evaluation a product, however many campaigns offer it. */
static int64_t margin_of(const sotto_deciding *d, sotto_workspace *w, size_t product)
{
    if (w->scored[product])
        return w->margin_q24[product];
    if (d->plan->ranking != NULL && w->alone >= alone_at_most(d->plan))
        rank_all(d, w);
    else
        score_alone(d, w, product);
    return w->margin_q24[product];
}

/* floor(propensity x value / 2^10), exactly: value = high x 2^10 + low. propensity <= 2^30 and value <= 10^12
 * < 2^40, so no term passes 2^60. */
static int64_t expected_value(uint32_t propensity_q30, int64_t value_minor)
{
    assert(value_minor >= 0 && value_minor <= SOTTO_DECIDE_VALUE_MAX);
    return (int64_t)propensity_q30 * (value_minor >> 10) +
           ((int64_t)propensity_q30 * (value_minor & 1023) >> 10);
}

int64_t sotto_plan_value_minor(const sotto_plan *plan, size_t index, const sotto_profile *profile,
                               int32_t today)
{
    sotto_tag_value value;
    int tag = plan->products[plan->terms[index].product].value_tag;
    if (tag < 0 || profile == NULL ||
        !sotto_profile_read(profile, (size_t)tag, SOTTO_PURPOSE_MARKETING, today, &value))
        return plan->campaigns[index].value_minor;
    return value.num < 0 ? 0 : value.num > SOTTO_DECIDE_VALUE_MAX ? SOTTO_DECIDE_VALUE_MAX : value.num;
}

/* floor(score x factor / 2^16), exactly. score <= 2^60 and factor <= 2^18, so no term passes 2^62. */
int64_t sotto_rank_multiply(int64_t score, uint32_t factor_q16)
{
    return (score >> 16) * (int64_t)factor_q16 + ((score & 65535) * (int64_t)factor_q16 >> 16);
}

static void recommend(const sotto_deciding *d, const sotto_workspace *w, sotto_candidate *out)
{
    out->factor_q16 = SOTTO_ITEMS_FACTOR_ONE_Q16;
    if (d->plan->items == NULL || out->notice)
        return;
    size_t product = d->plan->terms[out->campaign].product;
    if (!uses_model(d))
        out->score = expected_value(sotto_recommend_popular_q30(d->plan, product), out->value_minor);
    out->factor_q16 = sotto_recommend_factor_q16(d->plan, w, product, &out->because);
    out->score = sotto_rank_multiply(out->score, out->factor_q16);
}

/* Without a model, or without a profile to give it, value alone ranks: as if everybody took everything; with
 * a recommender, as if everybody were like all the others. */
sotto_candidate sotto_rank_score(const sotto_deciding *d, sotto_workspace *w, size_t campaign)
{
    const sotto_campaign *c = &d->plan->campaigns[campaign];
    sotto_candidate out = {.campaign = campaign,
                           .tie = sotto_decide_mix(sotto_decide_mix(d->request->seed) ^ c->number),
                           .notice = c->notice,
                           .value_minor =
                               sotto_plan_value_minor(d->plan, campaign, d->profile, d->moment.today),
                           .rank = d->plan->terms[campaign].priority};
    if (c->notice)
        out.rank = (uint8_t)(out.rank + SOTTO_RANK_NOTICE);
    if (uses_model(d)) {
        out.margin_q24 = margin_of(d, w, d->plan->terms[campaign].product);
        out.propensity_q30 = sotto_model_probability_q30(d->plan->model, out.margin_q24);
        out.score = expected_value(out.propensity_q30, out.value_minor);
    } else {
        out.score = expected_value(SOTTO_PROB_ONE_Q30, out.value_minor);
    }
    recommend(d, w, &out);
    out.placed = out.score;
    out.variety_q16 = SOTTO_ITEMS_FACTOR_ONE_Q16;
    return out;
}

bool sotto_rank_before(const sotto_plan *plan, const sotto_candidate *a, const sotto_candidate *b)
{
    if (a->rank != b->rank)
        return a->rank > b->rank;
    if (a->placed != b->placed)
        return a->placed > b->placed;
    if (a->tie != b->tie)
        return a->tie > b->tie;
    return plan->campaigns[a->campaign].number < plan->campaigns[b->campaign].number;
}

static uint64_t size_of(int64_t v)
{
    return v < 0 ? 0 - (uint64_t)v : (uint64_t)v;
}

/* Insertion into at most SOTTO_REASONS_MAX reasons, largest first; equal ones in the order of the dictionary.
 */
static void add_reason(sotto_offer *offer, uint16_t tag, int64_t contribution_q24)
{
    size_t at = offer->reason_count;
    while (at > 0 && size_of(offer->reasons[at - 1].contribution_q24) < size_of(contribution_q24))
        at--;
    if (at == SOTTO_REASONS_MAX)
        return;
    if (offer->reason_count < SOTTO_REASONS_MAX)
        offer->reason_count++;
    for (size_t i = offer->reason_count - 1; i > at; i--)
        offer->reasons[i] = offer->reasons[i - 1];
    offer->reasons[at] = (sotto_reason){.tag = tag, .contribution_q24 = contribution_q24};
}

/* Features of one tag are one reason. */
void sotto_rank_explain(const sotto_deciding *d, sotto_workspace *w, sotto_offer *offer)
{
    const sotto_plan *plan = d->plan;
    size_t tags = sotto_dictionary_count(plan->dictionary);
    int64_t bias_q24;
    if (!uses_model(d))
        return;
    set_product_keys(plan, w, plan->terms[offer->campaign].product);
    (void)sotto_model_why_q24(plan->model, w->keys, &bias_q24, w->contribution_q24);
    for (size_t i = 0; i <= tags; i++)
        w->by_tag_q24[i] = 0;
    for (size_t i = 0; i < plan->feature_count; i++) {
        size_t slot = plan->tag_of_feature[i] == UINT16_MAX ? tags : plan->tag_of_feature[i];
        w->by_tag_q24[slot] += w->contribution_q24[i];
    }
    for (size_t i = 0; i <= tags; i++)
        if (w->by_tag_q24[i] != 0)
            add_reason(offer, i == tags ? UINT16_MAX : (uint16_t)i, w->by_tag_q24[i]);
}
