/* Figures of a simulation, and how sure they are: each seed is one world, and worlds differ. */
#include "simulate/simulate.h"

#include <math.h>
#include <string.h>

const eval_figure *sim_figure_named(enum sim_figure figure)
{
    static const eval_figure FIGURES[] = {
#define X(id, short_name, words, in_percent) {.name = short_name, .text = words, .percent = in_percent},
        SIM_FIGURES(X)
#undef X
    };
    return &FIGURES[figure];
}

/* Two-sided 95 % points of Student's t by degrees of freedom (Fisher, Statistical Methods, table IV); beyond
 * the table the normal one with the first term of its expansion, z + (z^3 + z) / 4n. */
static double student(size_t freedom)
{
    static const double T[] = {12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228,
                               2.201,  2.179, 2.160, 2.145, 2.131, 2.120, 2.110, 2.101, 2.093, 2.086};
    static const double Z = 1.959964;
    if (freedom == 0)
        return NAN;
    return freedom <= SOTTO_COUNT(T) ? T[freedom - 1] : Z + (Z * Z * Z + Z) / (4 * (double)freedom);
}

static const sim_tally *tally_of(const sim_result *r, size_t seed, size_t plan)
{
    return &r->tally[seed * SIM_PLANS + plan];
}

/* index of the present policy's campaign that is the new one's; SIZE_MAX when there is none */
static size_t present_index(const sim_result *r, sim_measure measure, size_t index)
{
    bool by_campaign = measure == sim_measure_shown || measure == sim_measure_taken ||
                       measure == sim_measure_revenue || measure == sim_measure_reached ||
                       measure == sim_measure_uptake || measure == sim_measure_capped;
    if (!by_campaign)
        return index;
    const char *id = sotto_plan_campaign(r->in->plan[SIM_NEW].plan, index)->id;
    int other = sotto_plan_find(r->in->plan[SIM_PRESENT].plan, sotto_span_str(id));
    return other < 0 ? SIZE_MAX : (size_t)other;
}

static double value_of(const sim_result *r, enum sim_side side, sim_measure measure, size_t index,
                       size_t seed)
{
    double fresh = side == SIM_SIDE_PRESENT ? 0 : measure(r, tally_of(r, seed, SIM_NEW), index);
    if (side == SIM_SIDE_NEW)
        return fresh;
    size_t other = present_index(r, measure, index);
    double present = other == SIZE_MAX ? 0 : measure(r, tally_of(r, seed, SIM_PRESENT), other);
    return side == SIM_SIDE_PRESENT ? present : fresh - present;
}

/* A mean of shares is one: its interval ends at 1. */
static bool is_share(sim_measure measure, size_t index)
{
    return (measure == sim_measure_figure && sim_figure_named((enum sim_figure)index)->percent) ||
           measure == sim_measure_frequency || measure == sim_measure_nobody ||
           measure == sim_measure_because || measure == sim_measure_uptake;
}

eval_figure sim_mean(const sim_result *r, enum sim_side side, sim_measure measure, size_t index)
{
    double sum = 0, squares = 0, n = (double)r->seeds;
    for (size_t i = 0; i < r->seeds; i++)
        sum += value_of(r, side, measure, index, i);
    for (size_t i = 0; i < r->seeds; i++)
        squares += pow(value_of(r, side, measure, index, i) - sum / n, 2);
    double half = r->seeds < 2 ? NAN : student(r->seeds - 1) * sqrt(squares / (n - 1) / n);
    eval_figure f = {.value = sum / n, .interval = {sum / n - half, sum / n + half}};
    if (side == SIM_SIDE_DIFFERENCE || isnan(half))
        return f;
    f.interval.low = fmax(f.interval.low, 0); /* nothing that is counted here can be below 0 */
    if (is_share(measure, index))
        f.interval.high = fmin(f.interval.high, 1);
    return f;
}

static double ratio(double part, double whole)
{
    return whole > 0 ? part / whole : 0;
}

/* Money of the catalogue's currency. */
static double money(const sim_result *r, int64_t minor)
{
    return (double)minor / pow(10, sotto_plan_currency_decimals(r->in->plan[SIM_NEW].plan));
}

double sim_measure_figure(const sim_result *r, const sim_tally *t, size_t figure)
{
    double visitors = (double)t->visitors, visits = (double)t->visits, shown = (double)t->shown;
    const double value[SIM_FIGURE_COUNT] = {
        [SIM_VISITORS] = visitors,
        [SIM_VISITS] = visits,
        [SIM_REACH] = ratio(visitors - (double)t->nobody, visitors),
        [SIM_FREQUENCY] = ratio(shown, visitors - (double)t->nobody),
        [SIM_SHOWN] = shown,
        [SIM_TAKEN] = (double)t->taken,
        [SIM_UPTAKE] = ratio((double)t->taken, shown),
        [SIM_REVENUE] = money(r, t->revenue),
        [SIM_NOTHING] = ratio((double)t->nothing, visits),
        [SIM_CAPPED] = ratio((double)t->capped, visits),
        [SIM_EXPLORED] = ratio((double)t->explored, shown),
        [SIM_DISMISSED] = ratio((double)t->dismissed, shown),
    };
    return value[figure];
}

double sim_measure_shown(const sim_result *r, const sim_tally *t, size_t campaign)
{
    (void)r;
    return (double)t->campaign[campaign].shown;
}

double sim_measure_taken(const sim_result *r, const sim_tally *t, size_t campaign)
{
    (void)r;
    return (double)t->campaign[campaign].taken;
}

double sim_measure_revenue(const sim_result *r, const sim_tally *t, size_t campaign)
{
    return money(r, t->campaign[campaign].revenue);
}

double sim_measure_reached(const sim_result *r, const sim_tally *t, size_t campaign)
{
    (void)r;
    return (double)t->campaign[campaign].reached;
}

double sim_measure_uptake(const sim_result *r, const sim_tally *t, size_t campaign)
{
    (void)r;
    return ratio((double)t->campaign[campaign].taken, (double)t->campaign[campaign].shown);
}

double sim_measure_capped(const sim_result *r, const sim_tally *t, size_t campaign)
{
    (void)r;
    return (double)t->campaign[campaign].capped;
}

double sim_measure_frequency(const sim_result *r, const sim_tally *t, size_t bin)
{
    (void)r;
    return ratio((double)t->frequency[bin], (double)t->visitors);
}

double sim_measure_excluded(const sim_result *r, const sim_tally *t, size_t exclusion)
{
    (void)r;
    return (double)t->excluded[exclusion];
}

double sim_measure_because(const sim_result *r, const sim_tally *t, size_t exclusion)
{
    (void)r;
    return ratio((double)t->because[exclusion], (double)t->visits);
}

double sim_measure_nobody(const sim_result *r, const sim_tally *t, size_t segment)
{
    (void)r;
    return ratio((double)t->segment_nobody[segment], (double)t->segment_visitors[segment]);
}

double sim_measure_day_shown(const sim_result *r, const sim_tally *t, size_t day)
{
    (void)r;
    return (double)t->day_shown[day];
}

const char *sim_frequency_name(size_t bin)
{
    static const char *const NAMES[SIM_FREQUENCIES] = {"none", "1", "2", "3", "4-5", "6-10", "11-20", "more"};
    return NAMES[bin];
}

const char *sim_segment_name(const sim_result *r, size_t segment)
{
    uint64_t visitors = 0;
    for (size_t i = 0; i < r->seeds; i++)
        visitors += tally_of(r, i, SIM_NEW)->segment_visitors[segment];
    if (visitors == 0)
        return NULL;
    if (segment == SIM_SEGMENTS - 1)
        return r->in->segment_tag < 0 ? "everybody" : "not known";
    return sotto_dictionary_at(r->in->in.dictionary, (size_t)r->in->segment_tag)->choices[segment];
}
