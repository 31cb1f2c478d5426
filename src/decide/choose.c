/* From all campaigns to the few of one answer. */
#include "decide_priv.h"

#include <string.h>

static size_t offers_wanted(const sotto_decide_request *request)
{
    if (request->offers_max < 1)
        return 1;
    return request->offers_max > SOTTO_OFFERS_MAX ? SOTTO_OFFERS_MAX : request->offers_max;
}

static bool too_unlikely(const sotto_deciding *d, const sotto_candidate *c)
{
    return d->plan->model != NULL && d->profile != NULL && !c->notice &&
           c->propensity_q30 < d->plan->terms[c->campaign].min_propensity_q30;
}

/* Names an exclusion for every campaign; those that may be shown go into w->candidates (and are ranked lower
 * until they are chosen). */
static size_t collect(const sotto_deciding *d, sotto_workspace *w, sotto_decision *out)
{
    size_t count = 0;
    for (size_t i = 0; i < d->plan->campaign_count; i++) {
        uint8_t creative = 0;
        out->excluded[i] = sotto_decide_exclude(d, i, &creative);
        if (out->excluded[i] != SOTTO_EXCLUDED_NONE)
            continue;
        sotto_candidate next = sotto_rank_score(d, w, i);
        next.creative = creative;
        out->excluded[i] =
            too_unlikely(d, &next) ? SOTTO_EXCLUDED_LOW_PROPENSITY : SOTTO_EXCLUDED_RANKED_LOWER;
        if (out->excluded[i] == SOTTO_EXCLUDED_RANKED_LOWER)
            w->candidates[count++] = next;
    }
    return count;
}

static void swap(sotto_candidate *a, sotto_candidate *b)
{
    sotto_candidate keep = *a;
    *a = *b;
    *b = keep;
}

/* Brings the best of c[from..count) to c[from], and so on for `places` places. */
static void bring_forward(const sotto_plan *plan, sotto_candidate *c, size_t from, size_t count,
                          size_t places)
{
    for (size_t at = from; at < count && at - from < places; at++) {
        size_t best = at;
        for (size_t i = at + 1; i < count; i++)
            if (sotto_rank_before(plan, &c[i], &c[best]))
                best = i;
        swap(&c[at], &c[best]);
    }
}

/* Exploration chooses the first offer after the notices; it then stands before all others. */
static void explore(const sotto_deciding *d, sotto_workspace *w, size_t count)
{
    const sotto_exploration *e = &d->plan->explore;
    sotto_candidate *c = w->candidates;
    size_t notices = 0;
    if (e->method == SOTTO_EXPLORE_NONE || e->share_q30 == 0)
        return;
    for (size_t i = 0; i < count; i++)
        if (c[i].notice)
            swap(&c[notices++], &c[i]);
    if (notices == count)
        return;
    bring_forward(d->plan, c, notices, count, SOTTO_EXPLORE_MAX);
    size_t chosen = notices + sotto_explore(d, c + notices, count - notices, w->explore);
    c[chosen].rank = SOTTO_RANK_EXPLORED;
}

static const sotto_product *product_of(const sotto_plan *plan, const sotto_candidate *c)
{
    return &plan->products[plan->terms[c->campaign].product];
}

/* Whether another of its product or category may join the `chosen` first of c: variety of one answer. */
static enum sotto_exclusion crowded(const sotto_plan *plan, const sotto_candidate *c, size_t chosen,
                                    const sotto_candidate *next)
{
    const sotto_product *own = product_of(plan, next);
    uint32_t products = 0, categories = 0;
    if (next->notice || (plan->per_product == UINT32_MAX && plan->per_category == UINT32_MAX))
        return SOTTO_EXCLUDED_NONE;
    for (size_t i = 0; i < chosen; i++) {
        const sotto_product *other = product_of(plan, &c[i]);
        products += !c[i].notice && other == own;
        categories += !c[i].notice && own->category[0] != '\0' && strcmp(other->category, own->category) == 0;
    }
    if (products >= plan->per_product)
        return SOTTO_EXCLUDED_SAME_PRODUCT;
    return categories >= plan->per_category ? SOTTO_EXCLUDED_SAME_CATEGORY : SOTTO_EXCLUDED_NONE;
}

/* The best that may stand at place `at`, brought there; false when there is none. Its chance is shared with
 * those that score the same: the seed alone puts it before them. */
static bool fill_place(const sotto_plan *plan, sotto_candidate *c, size_t at, size_t count)
{
    size_t best = count;
    uint32_t ties = 0;
    for (size_t i = at; i < count; i++) {
        if (crowded(plan, c, at, &c[i]) != SOTTO_EXCLUDED_NONE)
            continue;
        bool equal = best < count && c[i].rank == c[best].rank && c[i].placed == c[best].placed;
        if (best == count || sotto_rank_before(plan, &c[i], &c[best])) {
            ties = equal ? ties + 1 : 1;
            best = i;
        } else {
            ties += equal;
        }
    }
    if (best == count)
        return false;
    swap(&c[at], &c[best]);
    if (c[at].chance_q30 == 0)
        c[at].chance_q30 = SOTTO_PROB_ONE_Q30 / ties;
    sotto_diversify(plan, &c[at], c + at + 1, count - at - 1);
    return true;
}

/* Whether it would stand before the last that was chosen, were it not so like others. */
static bool too_alike(const sotto_candidate *last, const sotto_candidate *c)
{
    return c->variety_q16 < SOTTO_ITEMS_FACTOR_ONE_Q16 && c->rank == last->rank && c->score > last->placed;
}

/* Offers beyond the customer's caps fall away; notices stand first and are not counted. */
static size_t cut_to_caps(const sotto_deciding *d, sotto_candidate *c, size_t chosen, sotto_decision *out)
{
    size_t kept = 0;
    uint32_t left = d->offers_left;
    for (size_t i = 0; i < chosen; i++) {
        bool keep = c[i].notice || left > 0;
        out->excluded[c[i].campaign] = keep ? SOTTO_EXCLUDED_NONE : d->customer_cap;
        left -= keep && !c[i].notice;
        kept += keep;
    }
    return kept;
}

size_t sotto_choose(const sotto_deciding *d, sotto_workspace *w, sotto_decision *out)
{
    size_t count = collect(d, w, out), wanted = offers_wanted(d->request), chosen = 0;
    explore(d, w, count);
    while (chosen < wanted && fill_place(d->plan, w->candidates, chosen, count))
        chosen++;
    for (size_t i = chosen; chosen > 0 && i < count; i++) {
        enum sotto_exclusion e = crowded(d->plan, w->candidates, chosen, &w->candidates[i]);
        if (e != SOTTO_EXCLUDED_NONE)
            out->excluded[w->candidates[i].campaign] = e;
        else if (too_alike(&w->candidates[chosen - 1], &w->candidates[i]))
            out->excluded[w->candidates[i].campaign] = SOTTO_EXCLUDED_TOO_ALIKE;
    }
    return cut_to_caps(d, w->candidates, chosen, out);
}
