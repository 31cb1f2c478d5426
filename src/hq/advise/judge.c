/* How likely a goal is reached, and what a shift of showings would do.
 *
 * What was counted is T + noise over `days` days; noises of many reports add up to a normal one with the
 * totals' own standard deviation s. Takes come as a Poisson process of rate r = T / days. The sum on the
 * goal's day, seen from here, is T + r left with variance
 *     s^2 (1 + left / days)^2 + T (left / days)^2 + r left :
 * the noise, the rate's error, and chance to come. */
#include "advise/advise.h"

#include <math.h>

/* Below it a shift is not worth proposing. */
#define BETTER 0.1

static double larger(double a, double b)
{
    return a > b ? a : b;
}

/* P(a count with that mean and deviation >= goal), with the half of a step that a count is from a normal. */
static double chance_of(double mean, double deviation, double goal)
{
    if (deviation <= 0)
        return mean >= goal ? 1 : 0;
    return 0.5 * erfc((goal - 0.5 - mean) / deviation / sqrt(2));
}

static void judge_uptake(const advise *a, advise_goal *g)
{
    double shown = g->shown_count, taken = larger(g->taken_count, 1);
    g->uptake = g->uptake_deviation = g->needed = NAN;
    g->pace = larger(shown, 0) / g->days;
    if (shown < 2 * eval_z(a->measured.confidence) * g->noise || g->taken_count < 1 || shown < 1)
        return;
    g->uptake = g->taken_count / shown;
    g->uptake_deviation = sqrt(taken + g->noise * g->noise * (1 + g->uptake * g->uptake)) / shown;
    if (g->left > 0)
        g->needed = larger(((double)g->taken - g->taken_count) / g->left, 0) / g->uptake;
}

static void forecast(advise_goal *g)
{
    double taken = larger(g->taken_count, 0), ahead = g->left / g->days;
    g->forecast = g->taken_count + taken * ahead;
    g->deviation = sqrt(pow(g->noise * (1 + ahead), 2) + taken * ahead * ahead + taken * ahead);
    g->chance = chance_of(g->forecast, g->deviation, (double)g->taken);
}

static enum advise_verdict verdict_of(const advise *a, const advise_goal *g)
{
    double sure = g->taken_count - eval_z(a->measured.confidence) * g->noise;
    if (sure >= (double)g->taken)
        return ADVISE_REACHED;
    if (g->chance < a->alarm / 100)
        return g->left <= 0 ? ADVISE_MISSED : ADVISE_BEHIND;
    return g->chance > 1 - a->alarm / 100 ? ADVISE_ON_PLAN : ADVISE_OPEN;
}

static void judge_goal(const advise *a, advise_goal *g)
{
    int32_t from = g->has_from && g->from > a->measured.from ? g->from : a->measured.from;
    g->chance_after = NAN;
    g->days = larger((double)a->measured.to - from + 1, 1);
    g->left = larger((double)g->by - a->measured.to, 0);
    forecast(g);
    judge_uptake(a, g);
    g->verdict = verdict_of(a, g);
}

/* With `pace` showings a day from now on: the chance of a goal. */
static double chance_at(const advise_goal *g, double pace)
{
    double showings = pace * g->left, takes = g->uptake * showings;
    double deviation = sqrt(g->noise * g->noise + pow(g->uptake_deviation * showings, 2) + larger(takes, 0));
    return chance_of(g->taken_count + takes, deviation, (double)g->taken);
}

/* Showings a day that it can give and still be on plan, by halving. */
static double to_spare(const advise *a, const advise_goal *g)
{
    double low = 0, high = g->pace;
    if (isnan(g->uptake) || (g->verdict != ADVISE_ON_PLAN && g->verdict != ADVISE_REACHED))
        return 0;
    if (g->verdict == ADVISE_REACHED)
        return g->pace + g->moved;
    for (int i = 0; i < 40; i++) {
        double middle = (low + high) / 2;
        if (chance_at(g, g->pace - middle) > 1 - a->alarm / 100)
            low = middle;
        else
            high = middle;
    }
    return larger(low + g->moved, 0);
}

/* One giver a campaign that is behind: the one with most to spare. */
static void propose(advise *a, advise_goal *g)
{
    double best = 0;
    size_t giver = SIZE_MAX;
    for (size_t i = 0; i < a->count; i++) {
        double spare = a->goal[i].known && &a->goal[i] != g ? to_spare(a, &a->goal[i]) : 0;
        giver = spare > best ? i : giver;
        best = spare > best ? spare : best;
    }
    if (giver == SIZE_MAX || isnan(g->uptake) || isnan(g->needed))
        return;
    /* Up to the pace at which it would be on plan, and a tenth of it for the uptake's error. */
    double wanted = larger(g->needed * 1.1 - g->pace, 0), moved = wanted < best ? wanted : best;
    double after = chance_at(g, g->pace + moved);
    if (moved < 1 || after < g->chance + BETTER)
        return;
    g->giver = giver;
    g->moved = moved;
    g->chance_after = after;
    a->goal[giver].moved -= moved;
}

void advise_judge(advise *a)
{
    for (size_t i = 0; i < a->count; i++)
        if (a->goal[i].known)
            judge_goal(a, &a->goal[i]);
    for (size_t i = 0; i < a->count; i++)
        if (a->goal[i].known && a->goal[i].verdict == ADVISE_BEHIND)
            propose(a, &a->goal[i]);
}
