/* Showing now and then what is not the best, to learn. Each method gives every candidate an exact chance in
 * integers that add up to 2^30; then one draw of 30 bits decides. So the chance that is kept with the offer
 * is the very one it was drawn by, on every CPU. */
#include "decide_priv.h"

#include <assert.h>

enum { POINTS = SOTTO_EXPLORE_POINTS, EVIDENCE_MAX = 1000, CANDIDATES = SOTTO_EXPLORE_MAX };

typedef struct drawing {
    const sotto_deciding *d;
    const sotto_candidate *best; /* in order of score */
    size_t order[CANDIDATES];    /* places in best, by campaign number: nothing may hang on how ties stand */
    size_t count;
    uint32_t chance_q30[CANDIDATES]; /* of order[i], by the method */
    bool explored[CANDIDATES];       /* whether the method may choose it */
    size_t explored_count;
    int64_t *work;
} drawing;

static uint16_t number_of(const drawing *g, size_t place)
{
    return g->d->plan->campaigns[g->best[place].campaign].number;
}

/* Candidates of the first one's rank; the others stand behind them whatever their score is. */
static drawing drawing_of(const sotto_deciding *d, const sotto_candidate *best, size_t count, int64_t *work)
{
    drawing g = {.d = d, .best = best, .work = work};
    for (size_t i = 0; i < count && g.count < CANDIDATES && best[i].rank == best[0].rank; i++) {
        size_t at = g.count++;
        for (; at > 0 && number_of(&g, g.order[at - 1]) > number_of(&g, i); at--)
            g.order[at] = g.order[at - 1];
        g.order[at] = i;
    }
    for (size_t i = 0; i < g.count; i++) {
        g.explored[i] = d->plan->terms[best[g.order[i]].campaign].explore;
        g.explored_count += g.explored[i];
    }
    return g;
}

static int64_t score_of(const drawing *g, size_t i)
{
    return g->best[g->order[i]].score;
}

/* The explored candidate with the best score; the lowest number on ties. */
static size_t leader_of(const drawing *g)
{
    size_t leader = g->count;
    for (size_t i = 0; i < g->count; i++)
        if (g->explored[i] && (leader == g->count || score_of(g, i) > score_of(g, leader)))
            leader = i;
    return leader;
}

/* What the others leave of 2^30 goes to the leader. */
static void give_rest(drawing *g, size_t leader)
{
    uint32_t sum = 0;
    for (size_t i = 0; i < g->count; i++)
        sum += i == leader ? 0 : g->chance_q30[i];
    assert(sum <= SOTTO_PROB_ONE_Q30);
    g->chance_q30[leader] = SOTTO_PROB_ONE_Q30 - sum;
}

static void uniform(drawing *g)
{
    for (size_t i = 0; i < g->count; i++)
        g->chance_q30[i] = g->explored[i] ? SOTTO_PROB_ONE_Q30 / (uint32_t)g->explored_count : 0;
}

/* SquareCB (Foster, Rakhlin, "Beyond UCB", 2020): 1 / (K + gamma x gap), gap = how much worse than the
 * leader, as a part of the leader's score. K 2^30 + gamma gap <= 8 x 2^30 + 10^6 x 2^30 < 2^50. */
static void squarecb(drawing *g, size_t leader)
{
    const uint64_t one = SOTTO_PROB_ONE_Q30;
    for (size_t i = 0; i < g->count; i++) {
        int64_t part_q30 = (int64_t)one;
        if (!g->explored[i] || i == leader)
            continue;
        if (score_of(g, leader) > 0 &&
            sotto_fixed_mul_div(score_of(g, i), (int64_t)one, score_of(g, leader), &part_q30) != SOTTO_OK)
            part_q30 = 0;
        uint64_t gap_q30 = one - (uint64_t)part_q30;
        g->chance_q30[i] =
            (uint32_t)((one << 30) / (g->explored_count * one + g->d->plan->explore.gamma * gap_q30));
    }
}

/* ---- Thompson sampling, by the chance that each is the best ----
 *
 * To draw a rate from each candidate's Beta distribution and to take the best is to take each with the chance
 * that it is the best. That chance is computed here over POINTS rates, and drawn once: the same distribution,
 * with its chances known. */

/* Beta(a, b) of a candidate in 16 bits behind the point: the prior's word is worth `strength` showings, then
 * what this terminal has seen, at most EVIDENCE_MAX showings of it so that a change of taste is learnt. */
static void posterior(const drawing *g, const sotto_candidate *c, int64_t *a_q16, int64_t *b_q16)
{
    const sotto_exploration *e = &g->d->plan->explore;
    const sotto_terminal *t = g->d->request->terminal;
    const sotto_terminal_count *seen =
        t == NULL ? NULL : sotto_terminal_find(t, g->d->plan->campaigns[c->campaign].number);
    uint64_t shown = seen == NULL ? 0 : seen->shown, taken = seen == NULL ? 0 : seen->taken;
    if (taken > shown)
        taken = shown;
    if (shown > EVIDENCE_MAX) {
        taken = taken * EVIDENCE_MAX / shown;
        shown = EVIDENCE_MAX;
    }
    bool modelled = g->d->plan->model != NULL && g->d->profile != NULL;
    int64_t mean_q30 = modelled ? c->propensity_q30 : e->prior_q30, weight = e->strength;
    *a_q16 = (mean_q30 * weight >> 14) + (int64_t)(taken << 16);
    *b_q16 = (((int64_t)SOTTO_PROB_ONE_Q30 - mean_q30) * weight >> 14) + (int64_t)((shown - taken) << 16);
}

/* The chance of each point, adding up to about 2^24: density x width, the widths being 3i^2 + 3i + 1.
 * |a| < 2^30 (11,000 showings), |ln| < 2^29 (rates above 2^-24): the products stay below 2^60. */
static void mass_of(const drawing *g, const sotto_candidate *c, int64_t mass[static POINTS])
{
    const sotto_exploration *e = &g->d->plan->explore;
    int64_t a_q16, b_q16, top = INT64_MIN, sum = 0;
    posterior(g, c, &a_q16, &b_q16);
    for (int64_t i = 0; i < POINTS; i++) {
        mass[i] = (((a_q16 - 65536) * e->ln_q24[i]) >> 16) + (((b_q16 - 65536) * e->ln_not_q24[i]) >> 16) +
                  sotto_fixed_ln_q24((uint64_t)(3 * i * i + 3 * i + 1));
        top = mass[i] > top ? mass[i] : top;
    }
    for (size_t i = 0; i < POINTS; i++) {
        mass[i] = sotto_fixed_exp_neg_q30(mass[i] - top);
        sum += mass[i];
    }
    for (size_t i = 0; i < POINTS; i++)
        mass[i] = (mass[i] << 24) / sum;
}

static uint64_t cube(size_t point)
{
    uint64_t up = 2 * (uint64_t)point + 1;
    return up * up * up;
}

/* Multiplies into win[i] the chance that `other` is worth less than `own` at point i; equal ones are shared.
 * (2i+1)^3 < 2^24 and value <= 10^12 < 2^40: no product passes 2^64. */
static void beat(const int64_t *other, uint64_t other_value, uint64_t own_value, int64_t win[static POINTS])
{
    int64_t below = 0;
    size_t k = 0;
    for (size_t i = 0; i < POINTS; i++) {
        uint64_t own = cube(i) * own_value;
        while (k < POINTS && cube(k) * other_value < own)
            below += other[k++];
        int64_t equal = k < POINTS && cube(k) * other_value == own ? other[k] / 2 : 0;
        win[i] = win[i] * (below + equal) >> 24;
    }
}

static uint64_t value_of(const drawing *g, size_t i)
{
    return (uint64_t)g->best[g->order[i]].value_minor;
}

static int64_t chance_of_best(const drawing *g, size_t own, int64_t win[static POINTS])
{
    const int64_t *mass = g->work + own * POINTS;
    int64_t chance = 0;
    for (size_t i = 0; i < POINTS; i++)
        win[i] = mass[i];
    for (size_t other = 0; other < g->count; other++)
        if (other != own && g->explored[other])
            beat(g->work + other * POINTS, value_of(g, other), value_of(g, own), win);
    for (size_t i = 0; i < POINTS; i++)
        chance += win[i];
    return chance;
}

static void thompson(drawing *g)
{
    int64_t chance[CANDIDATES] = {0}, sum = 0;
    for (size_t i = 0; i < g->count; i++)
        if (g->explored[i])
            mass_of(g, &g->best[g->order[i]], g->work + i * POINTS);
    for (size_t i = 0; i < g->count; i++) {
        chance[i] = g->explored[i] ? chance_of_best(g, i, g->work + CANDIDATES * POINTS) : 0;
        sum += chance[i];
    }
    for (size_t i = 0; i < g->count; i++)
        g->chance_q30[i] =
            sum == 0 ? 0 : (uint32_t)((uint64_t)chance[i] * SOTTO_PROB_ONE_Q30 / (uint64_t)sum);
}

/* ---- the draw ---- */

/* Floor first: each gets it, and the method shares out what is left. */
static void apply_floor(drawing *g)
{
    uint64_t floor_q30 = g->d->plan->explore.floor_q30;
    uint64_t left_q30 = SOTTO_PROB_ONE_Q30 - floor_q30 * g->explored_count;
    for (size_t i = 0; i < g->count; i++)
        if (g->explored[i])
            g->chance_q30[i] = (uint32_t)(floor_q30 + (left_q30 * g->chance_q30[i] >> 30));
}

static void by_method(drawing *g)
{
    size_t leader = leader_of(g);
    if (leader == g->count)
        return;
    switch (g->d->plan->explore.method) {
    case SOTTO_EXPLORE_NONE:
        break;
    case SOTTO_EXPLORE_UNIFORM:
        uniform(g);
        break;
    case SOTTO_EXPLORE_THOMPSON:
        thompson(g);
        break;
    case SOTTO_EXPLORE_SQUARECB:
        squarecb(g, leader);
        break;
    }
    give_rest(g, leader);
    apply_floor(g);
    give_rest(g, leader);
}

/* share x the method's chance, and the rest to the best (in equal parts when several are best). */
static void mix_in(drawing *g)
{
    uint32_t share_q30 = g->explored_count == 0 ? 0 : g->d->plan->explore.share_q30, ties = 0, sum = 0;
    size_t first = g->count;
    for (size_t i = 0; i < g->count; i++)
        ties += score_of(g, i) == g->best[0].score;
    for (size_t i = 0; i < g->count; i++) {
        bool best = score_of(g, i) == g->best[0].score;
        uint64_t chance = (uint64_t)share_q30 * g->chance_q30[i] >> 30;
        if (best)
            chance += (SOTTO_PROB_ONE_Q30 - share_q30) / ties;
        if (best && first == g->count)
            first = i;
        g->chance_q30[i] = (uint32_t)chance;
        sum += (uint32_t)chance;
    }
    g->chance_q30[first] += SOTTO_PROB_ONE_Q30 - sum;
}

size_t sotto_explore(const sotto_deciding *d, sotto_candidate *best, size_t count, int64_t *work)
{
    static const uint64_t OWN = UINT64_C(0x6578706c6f726521); /* apart from the draws that break ties */
    assert(count > 0);
    drawing g = drawing_of(d, best, count, work);
    by_method(&g);
    mix_in(&g);
    uint32_t at = (uint32_t)(sotto_decide_mix(sotto_decide_mix(d->request->seed ^ OWN)) >> 34);
    size_t i = 0;
    while (i + 1 < g.count && at >= g.chance_q30[i])
        at -= g.chance_q30[i++];
    sotto_candidate *chosen = &best[g.order[i]];
    chosen->chance_q30 = g.chance_q30[i];
    chosen->explored = chosen->score != best[0].score;
    return g.order[i];
}
