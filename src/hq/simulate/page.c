/* A simulation as a page: what it says in sentences, then plots, then the figures. */
#include "simulate/simulate.h"

#include "page/page.h"

#include <math.h>
#include <stdlib.h>

enum { CELL = 64, SERIES = 2 };

static bool has_present(const sim_result *r)
{
    return r->in->plans > 1;
}

static const char *cell_of(const eval_figure *f, bool percent, char out[static CELL])
{
    double scale = percent ? 100 : 1;
    int digits = percent || fabs(f->value) < 100 ? 2 : 0;
    if (isnan(f->interval.low))
        (void)snprintf(out, CELL, "%.*f%s", digits, scale * f->value, percent ? " %" : "");
    else
        (void)snprintf(out, CELL, "%.*f%s [%.*f, %.*f]", digits, scale * f->value, percent ? " %" : "",
                       digits, scale * f->interval.low, digits, scale * f->interval.high);
    return out;
}

static void row(page *p, const sim_result *r, const char *name, sim_measure measure, size_t index,
                bool percent)
{
    char text[3][CELL];
    const char *cells[4] = {name};
    for (size_t side = SIM_SIDE_NEW; side <= SIM_SIDE_DIFFERENCE; side++) {
        eval_figure f = {.value = 0, .interval = {NAN, NAN}};
        if (side == SIM_SIDE_NEW || has_present(r))
            f = sim_mean(r, (enum sim_side)side, measure, index);
        cells[side + 1] = cell_of(&f, percent, text[side]);
    }
    page_table_row(p, cells, has_present(r) ? 4 : 2);
}

static void begin(page *p, const sim_result *r, const char *caption, const char *first)
{
    const char *heads[] = {first, "This policy", "The present one", "More by"};
    page_table_begin(p, caption, PAGE_FIGURES, heads, has_present(r) ? 4 : 2);
}

/* ---- sentences ---- */

static void say_worth(page *p, const sim_result *r)
{
    eval_figure worth = sim_mean(r, SIM_SIDE_NEW, sim_measure_figure, SIM_REVENUE),
                reach = sim_mean(r, SIM_SIDE_NEW, sim_measure_figure, SIM_REACH),
                nothing = sim_mean(r, SIM_SIDE_NEW, sim_measure_figure, SIM_NOTHING);
    page_say(
        p,
        "Of the customers who came, %.1f %% saw an offer; %.1f %% of visits were shown nothing. What was "
        "taken is worth %.0f.",
        100 * reach.value, 100 * nothing.value, worth.value);
    if (!has_present(r))
        return;
    eval_figure more = sim_mean(r, SIM_SIDE_DIFFERENCE, sim_measure_figure, SIM_REVENUE);
    bool sure = more.interval.low > 0 || more.interval.high < 0;
    page_say(p, "The present policy, before the same customers, is worth %.0f %s%s.", fabs(more.value),
             more.value > 0 ? "less" : "more", sure ? "" : ", which may be chance (95 % interval)");
}

static void say_made(page *p, const sim_result *r)
{
    page_note(p,
              "%zu customers at %zu terminals, %d days, %zu worlds from seed %lld on; %s. Figures are means "
              "over worlds; in brackets Student's 95 %% interval of the mean. Both policies met the same "
              "visits with the same chances. What real customers do is not in these figures.",
              r->customers, r->terminals, (int)r->o->days, r->seeds, (long long)r->o->seed,
              sim_response_words(r->o));
}

/* ---- plots ---- */

/* One series a policy, `count` points each, into y (SERIES x count), with bars for intervals. */
static void draw(page *p, const sim_result *r, page_plot *plot, sim_measure measure, size_t count,
                 enum page_shape shape)
{
    double *y = calloc(SERIES * 3 * count + 1, sizeof *y);
    page_series series[SERIES] = {{.name = "this policy"}, {.name = "the present one"}};
    if (y == NULL)
        return;
    for (size_t s = 0; s < r->in->plans; s++) {
        double *at = y + s * 3 * count;
        for (size_t i = 0; i < count; i++) {
            eval_figure f = sim_mean(r, (enum sim_side)s, measure, i);
            at[i] = f.value;
            at[count + i] = f.interval.low;
            at[2 * count + i] = f.interval.high;
        }
        series[s].shape = shape;
        series[s].count = count;
        series[s].y = at;
        if (r->seeds > 1 && shape == PAGE_BARS) {
            series[s].low = at + count;
            series[s].high = at + 2 * count;
        }
    }
    plot->series = series;
    plot->series_count = r->in->plans;
    page_draw(p, plot);
    free(y);
}

static void draw_frequency(page *p, const sim_result *r)
{
    const char *names[SIM_FREQUENCIES];
    for (size_t i = 0; i < SIM_FREQUENCIES; i++)
        names[i] = sim_frequency_name(i);
    page_plot plot = {.title = "How many offers a customer saw",
                      .words = "Shares of the customers who came, by the number of offers that they saw.",
                      .x = {.name = "offers"},
                      .y = {.name = "share of customers", .unit = PAGE_PERCENT},
                      .categories = names,
                      .category_count = SIM_FREQUENCIES};
    draw(p, r, &plot, sim_measure_frequency, SIM_FREQUENCIES, PAGE_BARS);
}

static void draw_days(page *p, const sim_result *r)
{
    char text[SIM_DAYS_MAX][24];
    const char *names[SIM_DAYS_MAX];
    for (size_t i = 0; i < (size_t)r->o->days; i++) {
        (void)snprintf(text[i], sizeof text[i], "%zu", i + 1);
        names[i] = text[i];
    }
    page_plot plot = {.title = "Offers shown, day by day",
                      .words = "What caps and journeys hold back shows as a fall over the days.",
                      .x = {.name = "day"},
                      .y = {.name = "offers shown"},
                      .categories = names,
                      .category_count = (size_t)r->o->days};
    draw(p, r, &plot, sim_measure_day_shown, (size_t)r->o->days, PAGE_LINE);
}

/* ---- tables ---- */

static void tell_figures(page *p, const sim_result *r)
{
    begin(p, r, "Figures a world", "Figure");
    for (size_t i = 0; i < SIM_FIGURE_COUNT; i++)
        row(p, r, sim_figure_named((enum sim_figure)i)->text, sim_measure_figure, i,
            sim_figure_named((enum sim_figure)i)->percent);
    page_table_end(p);
}

static void tell_campaigns(page *p, const sim_result *r)
{
    static const struct {
        const char *caption;
        sim_measure measure;
        bool percent;
    } TABLES[] = {{"Worth of what was taken", sim_measure_revenue, false},
                  {"Offers shown", sim_measure_shown, false},
                  {"Taken of shown", sim_measure_uptake, true},
                  {"Customers reached", sim_measure_reached, false},
                  {"Visits at which a cap kept it back", sim_measure_capped, false}};
    const sotto_plan *plan = r->in->plan[SIM_NEW].plan;
    page_section(p, "Campaigns");
    for (size_t t = 0; t < SOTTO_COUNT(TABLES); t++) {
        begin(p, r, TABLES[t].caption, "Campaign");
        for (size_t i = 0; i < sotto_plan_campaigns(plan); i++)
            row(p, r, sotto_plan_campaign(plan, i)->id, TABLES[t].measure, i, TABLES[t].percent);
        page_table_end(p);
    }
}

static void tell_nobody(page *p, const sim_result *r)
{
    page_section(p, "Who gets nothing");
    page_say(p, "Shares of the customers of a segment who came and never saw an offer.");
    begin(p, r, "Came and saw nothing", "Segment");
    for (size_t i = 0; i < SIM_SEGMENTS; i++)
        if (sim_segment_name(r, i) != NULL)
            row(p, r, sim_segment_name(r, i), sim_measure_nobody, i, true);
    page_table_end(p);
}

static void tell_exclusions(page *p, const sim_result *r)
{
    page_section(p, "Why campaigns were left out");
    begin(p, r, "Times a world; one reason a visit and campaign", "Reason");
    for (size_t i = 1; i < SOTTO_EXCLUSION_COUNT; i++)
        if (sim_mean(r, SIM_SIDE_NEW, sim_measure_excluded, i).value > 0 ||
            (has_present(r) && sim_mean(r, SIM_SIDE_PRESENT, sim_measure_excluded, i).value > 0))
            row(p, r, sotto_exclusion_text((enum sotto_exclusion)i), sim_measure_excluded, i, false);
    page_table_end(p);
}

sotto_status sim_page(const sim_result *r, const char *path, sotto_diag *diag)
{
    page p;
    page_begin(&p, "A policy, tried before it is published", r->o->policy);
    say_worth(&p, r);
    say_made(&p, r);
    page_section(&p, "The whole");
    tell_figures(&p, r);
    page_pair_begin(&p);
    draw_frequency(&p, r);
    draw_days(&p, r);
    page_pair_end(&p);
    tell_campaigns(&p, r);
    tell_nobody(&p, r);
    tell_exclusions(&p, r);
    sotto_status status = page_end(&p, diag);
    if (status == SOTTO_OK)
        status = sotto_port_write_file(path, sotto_vec_span(&p.html), 0644, diag);
    page_free(&p);
    return status;
}
