/* A simulation in words and in JSON. */
#include "simulate/simulate.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static bool has_present(const sim_result *r)
{
    return r->in->plans > 1;
}

/* ---- for people ---- */

static void say_value(const eval_figure *f, bool percent)
{
    double scale = percent ? 100 : 1;
    int digits = percent || fabs(f->value) < 100 ? 2 : 0;
    if (isnan(f->interval.low))
        printf(" %10.*f %-19s", digits, scale * f->value, percent ? "%" : "");
    else
        printf(" %10.*f%s [%.*f, %.*f]", digits, scale * f->value, percent ? " %" : "", digits,
               scale * f->interval.low, digits, scale * f->interval.high);
}

static void say_line(const sim_result *r, const char *words, sim_measure measure, size_t index, bool percent)
{
    eval_figure f = sim_mean(r, SIM_SIDE_NEW, measure, index);
    printf("  %-34.34s", words);
    say_value(&f, percent);
    if (has_present(r)) {
        f = sim_mean(r, SIM_SIDE_PRESENT, measure, index);
        printf("   present %.*f", percent || fabs(f.value) < 100 ? 2 : 0, (percent ? 100 : 1) * f.value);
        f = sim_mean(r, SIM_SIDE_DIFFERENCE, measure, index);
        printf("   more by");
        say_value(&f, percent);
    }
    printf("\n");
}

static void say_head(const sim_result *r)
{
    char customers[32];
    printf("%s: %s customers, %zu terminal%s, %d days, %zu world%s; %s.\n", r->o->policy,
           learn_grouped(r->customers, customers), r->terminals, r->terminals == 1 ? "" : "s",
           (int)r->o->days, r->seeds, r->seeds == 1 ? "" : "s", sim_response_words(r->o));
    if (r->seeds > 1)
        printf("Means over worlds; in brackets where the mean of all such worlds lies, 95 %%.\n");
    if (has_present(r))
        printf("Beside it the present policy, %s, before the same customers.\n", r->o->present);
    printf("\n");
}

static void say_campaigns(const sim_result *r)
{
    const sotto_plan *plan = r->in->plan[SIM_NEW].plan;
    printf("\n  %-24s %10s %10s %8s %9s %12s %10s%s\n", "CAMPAIGN", "REACHED", "SHOWN", "TAKEN", "UPTAKE",
           "WORTH", "CAP HITS", has_present(r) ? "   WORTH MORE THAN AT PRESENT" : "");
    for (size_t i = 0; i < sotto_plan_campaigns(plan); i++) {
        printf("  %-24.24s %10.1f %10.1f %8.1f %7.2f %% %12.0f %10.1f", sotto_plan_campaign(plan, i)->id,
               sim_mean(r, SIM_SIDE_NEW, sim_measure_reached, i).value,
               sim_mean(r, SIM_SIDE_NEW, sim_measure_shown, i).value,
               sim_mean(r, SIM_SIDE_NEW, sim_measure_taken, i).value,
               100 * sim_mean(r, SIM_SIDE_NEW, sim_measure_uptake, i).value,
               sim_mean(r, SIM_SIDE_NEW, sim_measure_revenue, i).value,
               sim_mean(r, SIM_SIDE_NEW, sim_measure_capped, i).value);
        if (has_present(r)) {
            eval_figure f = sim_mean(r, SIM_SIDE_DIFFERENCE, sim_measure_revenue, i);
            say_value(&f, false);
        }
        printf("\n");
    }
}

static void say_frequency(const sim_result *r)
{
    printf("\n  offers seen by a customer who came:");
    for (size_t i = 0; i < SIM_FREQUENCIES; i++)
        printf("  %s %.1f %%", sim_frequency_name(i),
               100 * sim_mean(r, SIM_SIDE_NEW, sim_measure_frequency, i).value);
    printf("\n");
}

static void say_nobody(const sim_result *r)
{
    printf("\n  who came and saw nothing, by segment\n");
    for (size_t i = 0; i < SIM_SEGMENTS; i++)
        if (sim_segment_name(r, i) != NULL)
            say_line(r, sim_segment_name(r, i), sim_measure_nobody, i, true);
}

static void say_exclusions(const sim_result *r)
{
    printf("\n  why campaigns were left out, a world\n");
    for (size_t i = 1; i < SOTTO_EXCLUSION_COUNT; i++)
        if (sim_mean(r, SIM_SIDE_NEW, sim_measure_excluded, i).value > 0 ||
            (has_present(r) && sim_mean(r, SIM_SIDE_PRESENT, sim_measure_excluded, i).value > 0))
            say_line(r, sotto_exclusion_code((enum sotto_exclusion)i), sim_measure_excluded, i, false);
}

sotto_status sim_say(const sim_result *r, sotto_diag *diag)
{
    say_head(r);
    for (size_t i = 0; i < SIM_FIGURE_COUNT; i++)
        say_line(r, sim_figure_named((enum sim_figure)i)->text, sim_measure_figure, i,
                 sim_figure_named((enum sim_figure)i)->percent);
    say_campaigns(r);
    say_frequency(r);
    say_nobody(r);
    say_exclusions(r);
    return learn_flush(diag);
}

/* ---- for programs ---- */

static void put_figure(sotto_json_writer *w, const sim_result *r, const char *name, sim_measure measure,
                       size_t index)
{
    static const char *const SIDES[] = {"new", "present", "difference"};
    sotto_json_name(w, name);
    sotto_json_obj(w);
    for (size_t side = SIM_SIDE_NEW; side <= (has_present(r) ? SIM_SIDE_DIFFERENCE : SIM_SIDE_NEW); side++) {
        eval_figure f = sim_mean(r, (enum sim_side)side, measure, index);
        f.name = SIDES[side];
        eval_json(w, &f);
    }
    sotto_json_obj_end(w);
}

static void put_campaigns(sotto_json_writer *w, const sim_result *r)
{
    const sotto_plan *plan = r->in->plan[SIM_NEW].plan;
    sotto_json_name(w, "campaigns");
    sotto_json_arr(w);
    for (size_t i = 0; i < sotto_plan_campaigns(plan); i++) {
        sotto_json_obj(w);
        eval_json_str(w, "campaign", sotto_plan_campaign(plan, i)->id);
        put_figure(w, r, "reached", sim_measure_reached, i);
        put_figure(w, r, "shown", sim_measure_shown, i);
        put_figure(w, r, "taken", sim_measure_taken, i);
        put_figure(w, r, "uptake", sim_measure_uptake, i);
        put_figure(w, r, "revenue", sim_measure_revenue, i);
        put_figure(w, r, "cap_hits", sim_measure_capped, i);
        sotto_json_obj_end(w);
    }
    sotto_json_arr_end(w);
}

static void put_nobody(sotto_json_writer *w, const sim_result *r)
{
    sotto_json_name(w, "nothing_by_segment");
    sotto_json_obj(w);
    for (size_t i = 0; i < SIM_SEGMENTS; i++)
        if (sim_segment_name(r, i) != NULL)
            put_figure(w, r, sim_segment_name(r, i), sim_measure_nobody, i);
    sotto_json_obj_end(w);
}

static void put_exclusions(sotto_json_writer *w, const sim_result *r, const char *name, sim_measure measure)
{
    sotto_json_name(w, name);
    sotto_json_obj(w);
    for (size_t i = 1; i < SOTTO_EXCLUSION_COUNT; i++)
        if (sim_mean(r, SIM_SIDE_NEW, measure, i).value > 0 ||
            (has_present(r) && sim_mean(r, SIM_SIDE_PRESENT, measure, i).value > 0))
            put_figure(w, r, sotto_exclusion_code((enum sotto_exclusion)i), measure, i);
    sotto_json_obj_end(w);
}

void sim_json(sotto_json_writer *w, const void *result)
{
    const sim_result *r = result;
    eval_json_str(w, "policy", r->o->policy);
    if (has_present(r))
        eval_json_str(w, "present", r->o->present);
    eval_json_str(w, "response", r->o->responds == SIM_TASTE ? "taste" : "model");
    eval_json_u64(w, "customers", r->customers);
    eval_json_u64(w, "terminals", r->terminals);
    eval_json_u64(w, "days", (uint64_t)r->o->days);
    eval_json_u64(w, "seed", (uint64_t)r->o->seed);
    eval_json_u64(w, "seeds", r->seeds);
    for (size_t i = 0; i < SIM_FIGURE_COUNT; i++)
        put_figure(w, r, sim_figure_named((enum sim_figure)i)->name, sim_measure_figure, i);
    put_campaigns(w, r);
    sotto_json_name(w, "frequency_of_offers");
    sotto_json_obj(w);
    for (size_t i = 0; i < SIM_FREQUENCIES; i++)
        put_figure(w, r, sim_frequency_name(i), sim_measure_frequency, i);
    sotto_json_obj_end(w);
    put_nobody(w, r);
    put_exclusions(w, r, "excluded", sim_measure_excluded);
    put_exclusions(w, r, "nothing_because", sim_measure_because);
}
