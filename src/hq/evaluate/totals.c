/* sotto-hq evaluate policy --totals: what another policy would have had, from terminals' totals alone. */
#include "evaluate/chances.h"
#include "evaluate/evaluate.h"
#include "office/json.h"
#include "totals/asked.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LABEL_MAX = 400 };
static const double MILLION = 1e6, MOST = 9e18; /* within an int64_t */

typedef struct judging {
    hq_sums *s;
    const hq_asked *asked;
    const char *target;
    hq_cut cut;
    size_t campaign, chance; /* dimensions of the table */
    size_t groups;           /* all other dimensions together: a campaign, or a campaign in a context */
    double *share;           /* of each campaign */
    hq_term *term;           /* one list at a time */
    hq_sureness sure;
    bool same;
    hq_figure decisions, logged, takes, reach, ips, snips, undrawn;
} judging;

static bool wanted_table(const sotto_table *table)
{
    return sotto_table_dimension(table, SOTTO_DIMENSION_CAMPAIGN) != NULL &&
           sotto_table_dimension(table, SOTTO_DIMENSION_CHANCE) != NULL &&
           sotto_table_dimension(table, SOTTO_DIMENSION_OUTCOME) != NULL;
}

static const sotto_table *table_of(const sotto_task *task)
{
    for (size_t i = 0; i < task->table_count; i++)
        if (wanted_table(&task->table[i]))
            return &task->table[i];
    return NULL;
}

static bool is_wanted(const sotto_task *task)
{
    return table_of(task) != NULL;
}

/* ---- rows of the table as terms ---- */

static const sotto_dimension *dimension(const judging *j, size_t at)
{
    return &j->cut.table->dimension[at];
}

static size_t group_of(const judging *j, size_t row)
{
    size_t group = 0;
    for (size_t i = 0; i < j->cut.table->dimensions; i++)
        if (i != j->chance && (int)i != j->cut.across)
            group = group * dimension(j, i)->bins + hq_cut_bin(&j->cut, row, i);
    return group;
}

/* Of the band that a row stands in; false: it was not drawn. */
static bool weigh(const judging *j, size_t row, bool flat, hq_term *out)
{
    const sotto_dimension *d = dimension(j, j->chance);
    const size_t band = hq_cut_bin(&j->cut, row, j->chance);
    if (band > d->named)
        return false;
    out->low = flat || band == d->named ? 1 : MILLION / (double)d->edges_e6[band];
    out->high = flat ? 1 : band == 0 ? INFINITY : MILLION / (double)d->edges_e6[band - 1];
    return true;
}

/* Rows of one group (SIZE_MAX: all) with their outcome. flat: each counts once, whatever its chance was.
 * judged: each campaign by its share of the target. */
static size_t collect(judging *j, size_t group, enum sotto_outcome outcome, bool flat, bool judged)
{
    size_t n = 0;
    for (size_t row = 0; row < j->cut.rows; row++) {
        const size_t cell = hq_cut_cell(&j->cut, row, outcome);
        hq_term *t = &j->term[n];
        if ((group != SIZE_MAX && group_of(j, row) != group) || !weigh(j, row, flat, t))
            continue;
        t->count = (double)j->s->count[cell];
        t->variance = hq_sums_variance(j->s, cell);
        t->share = judged ? j->share[hq_cut_bin(&j->cut, row, j->campaign)] : 1;
        n++;
    }
    return n;
}

/* A customer's showings of one day hang on one draw; what is taken is not shown again. */
static hq_figure sum(judging *j, size_t group, enum sotto_outcome outcome, bool flat, bool judged)
{
    const size_t n = collect(j, group, outcome, flat, judged);
    j->sure.cluster = outcome == SOTTO_OUTCOME_SHOWN ? (double)sotto_task_events_max(&j->s->task) : 1;
    return hq_terms_sum(j->term, n, &j->sure);
}

static double count_undrawn(const judging *j)
{
    double count = 0;
    for (size_t row = 0; row < j->cut.rows; row++)
        if (hq_cut_bin(&j->cut, row, j->chance) > dimension(j, j->chance)->named)
            count += (double)j->s->count[hq_cut_cell(&j->cut, row, SOTTO_OUTCOME_SHOWN)];
    return count;
}

/* Two figures make a rate: each is given half of what may go wrong. */
static void judge(judging *j)
{
    const uint32_t joint = j->asked->confidence_ppm + (1000000 - j->asked->confidence_ppm) / 2;
    j->sure = (hq_sureness){.noise = hq_sums_deviations(j->s, joint), .draw = eval_z(joint / 1e4)};
    j->decisions = sum(j, SIZE_MAX, SOTTO_OUTCOME_SHOWN, true, false);
    const hq_figure taken = sum(j, SIZE_MAX, SOTTO_OUTCOME_TAKEN, true, false);
    j->logged = hq_terms_ratio(&taken, &j->decisions);
    j->takes = j->same ? taken : sum(j, SIZE_MAX, SOTTO_OUTCOME_TAKEN, false, true);
    j->reach = j->same ? j->decisions : sum(j, SIZE_MAX, SOTTO_OUTCOME_SHOWN, false, true);
    j->ips = hq_terms_ratio(&j->takes, &j->decisions);
    j->snips = hq_terms_ratio(&j->takes, &j->reach);
    j->undrawn.value = count_undrawn(j);
}

/* ---- the judged policy ---- */

static sotto_status bad_target(const char *why, sotto_diag *diag)
{
    return sotto_diag_set(diag, SOTTO_ERR(HQ, USAGE), "--target %s", why);
}

/* ID=SHARE with six digits behind the point. */
static sotto_status take_share(judging *j, sotto_span word, int64_t *left_e6, sotto_diag *diag)
{
    const uint8_t *equals = word.len == 0 ? NULL : memchr(word.ptr, '=', word.len);
    int64_t share_e6 = 0;
    if (equals == NULL)
        return bad_target("is uniform, same, or ID=SHARE,ID=SHARE...", diag);
    const size_t len = (size_t)(equals - word.ptr);
    const int at = sotto_dimension_by_name(dimension(j, j->campaign), sotto_span_of(word.ptr, len));
    if (at < 0)
        return bad_target("names a campaign that the task does not count", diag);
    if (j->share[at] > 0)
        return bad_target("names a campaign twice", diag);
    if (sotto_fixed_parse_decimal(sotto_span_of(equals + 1, word.len - len - 1), 6, &share_e6) != SOTTO_OK ||
        share_e6 <= 0 || share_e6 > *left_e6)
        return bad_target("takes shares above 0 that add up to at most 1", diag);
    *left_e6 -= share_e6;
    j->share[at] = (double)share_e6 / MILLION;
    return SOTTO_OK;
}

static sotto_status read_target(judging *j, sotto_diag *diag)
{
    const sotto_dimension *campaigns = dimension(j, j->campaign);
    sotto_span rest = sotto_span_str(j->target);
    int64_t left_e6 = 1000000;
    sotto_status status = SOTTO_OK;
    j->same = strcmp(j->target, "same") == 0;
    if (j->same)
        return SOTTO_OK;
    if (strcmp(j->target, "uniform") == 0) {
        for (size_t i = 0; i < campaigns->named; i++)
            j->share[i] = 1 / (double)campaigns->named;
        return SOTTO_OK;
    }
    while (status == SOTTO_OK) {
        const uint8_t *comma = rest.len == 0 ? NULL : memchr(rest.ptr, ',', rest.len);
        const size_t len = comma == NULL ? rest.len : (size_t)(comma - rest.ptr);
        status = take_share(j, sotto_span_of(rest.ptr, len), &left_e6, diag);
        if (comma == NULL)
            break;
        rest = sotto_span_of(comma + 1, rest.len - len - 1);
    }
    return status;
}

/* ---- one campaign, in one context ---- */

typedef struct line {
    char label[LABEL_MAX];
    double shown;
    hq_figure reach, takes, rate;
    bool withheld;
} line;

static void name_group(const judging *j, size_t group, char *out, size_t cap)
{
    size_t bin[SOTTO_DIMENSIONS_MAX] = {0}, len = 0;
    for (size_t i = j->cut.table->dimensions; i-- > 0;) {
        if (i == j->chance || (int)i == j->cut.across)
            continue;
        bin[i] = group % dimension(j, i)->bins;
        group /= dimension(j, i)->bins;
    }
    out[0] = '\0';
    for (size_t i = 0; i < j->cut.table->dimensions && len < cap; i++) {
        char text[96];
        if (i == j->chance || (int)i == j->cut.across)
            continue;
        sotto_dimension_label(dimension(j, i), bin[i], text, sizeof text);
        int put = snprintf(out + len, cap - len, "%s%s", len > 0 ? " / " : "", text);
        len += put > 0 ? (size_t)put : 0;
    }
}

static line line_of(judging *j, size_t group)
{
    line l = {.reach = sum(j, group, SOTTO_OUTCOME_SHOWN, false, false),
              .takes = sum(j, group, SOTTO_OUTCOME_TAKEN, false, false),
              .shown = sum(j, group, SOTTO_OUTCOME_SHOWN, true, false).value};
    const int64_t count[] = {(int64_t)fmin(fmax(l.shown, -MOST), MOST)};
    l.rate = hq_terms_ratio(&l.takes, &l.reach);
    l.withheld = hq_withheld(&j->s->task, count, SOTTO_COUNT(count));
    name_group(j, group, l.label, sizeof l.label);
    return l;
}

/* ---- saying ---- */

static void print_rate(const char *words, const hq_figure *f)
{
    if (!isfinite(f->value))
        printf("  %-44s too few to say\n", words);
    else if (isfinite(f->high))
        printf("  %-44s %8.4f %%  (%.4f .. %.4f)\n", words, f->value * 100, f->low * 100, f->high * 100);
    else
        printf("  %-44s %8.4f %%  (%.4f or more)\n", words, f->value * 100, f->low * 100);
}

static void print_line(const judging *j, const line *l)
{
    if (l->withheld)
        printf("  %-32s withheld: fewer than %u\n", l->label, (unsigned)j->s->task.smallest_batch);
    else if (isfinite(l->rate.value))
        printf("  %-32s %9.0f %10.0f %9.1f  %7.3f %% (%.3f .. %.3f)\n", l->label, l->shown, l->reach.value,
               l->takes.value, l->rate.value * 100, l->rate.low * 100, l->rate.high * 100);
    else
        printf("  %-32s %9.0f %10.0f %9.1f  too few to say\n", l->label, l->shown, l->reach.value,
               l->takes.value);
}

static void print_all(judging *j)
{
    if (!hq_sums_head(j->s, j->asked->confidence_ppm))
        return;
    printf("Judged: %s. Of %.0f showings in a first place that was drawn (%.0f others are not in these "
           "figures);\nintervals hold the noise, the width of the chances' bands and what the draws leave to "
           "chance.\n\n",
           j->target, j->decisions.value, j->undrawn.value);
    print_rate("taken of what stood first:", &j->logged);
    print_rate("judged, of all decisions (IPS):", &j->ips);
    print_rate("judged, of those where it shows (SNIPS):", &j->snips);
    printf("\n  %-32s %9s %10s %9s  %s\n", "SHOWN WHEREVER IT COULD BE", "SHOWN", "COULD BE", "TAKEN",
           "TAKEN OF THAT");
    for (size_t g = 0; g < j->groups; g++) {
        const line l = line_of(j, g);
        print_line(j, &l);
    }
}

static void put_figure(sotto_json_writer *w, const char *name, const hq_figure *f)
{
    sotto_json_name(w, name);
    sotto_json_obj(w);
    hq_json_number(w, "value", f->value);
    hq_json_number(w, "low", f->low);
    hq_json_number(w, "high", f->high);
    sotto_json_obj_end(w);
}

static void put_line(sotto_json_writer *w, const line *l)
{
    sotto_json_obj(w);
    sotto_json_name(w, "row");
    sotto_json_cstr(w, l->label);
    sotto_json_name(w, "withheld");
    sotto_json_bool(w, l->withheld);
    if (!l->withheld) {
        hq_json_number(w, "shown", l->shown);
        put_figure(w, "could_be", &l->reach);
        put_figure(w, "taken", &l->takes);
        put_figure(w, "rate", &l->rate);
    }
    sotto_json_obj_end(w);
}

static sotto_status put_all(judging *j, sotto_diag *diag)
{
    hq_json json;
    sotto_status status = hq_json_begin(&json, 8192 + j->groups * 2048, diag);
    if (status != SOTTO_OK)
        return status;
    sotto_json_obj(&json.w);
    hq_sums_head_json(&json.w, j->s, j->asked->confidence_ppm);
    sotto_json_name(&json.w, "target");
    sotto_json_cstr(&json.w, j->target);
    hq_json_number(&json.w, "not_drawn", j->undrawn.value);
    put_figure(&json.w, "decisions", &j->decisions);
    put_figure(&json.w, "logged", &j->logged);
    put_figure(&json.w, "ips", &j->ips);
    put_figure(&json.w, "snips", &j->snips);
    sotto_json_name(&json.w, "rows");
    sotto_json_arr(&json.w);
    for (size_t g = 0; g < j->groups; g++) {
        const line l = line_of(j, g);
        put_line(&json.w, &l);
    }
    sotto_json_arr_end(&json.w);
    sotto_json_obj_end(&json.w);
    return hq_json_print(&json, diag);
}

static sotto_status say(hq_sums *sums, const hq_asked *asked, void *ctx, sotto_diag *diag)
{
    judging *j = ctx;
    j->s = sums;
    j->asked = asked;
    j->cut = hq_cut_of(table_of(&j->s->task));
    j->campaign = (size_t)hq_cut_find(&j->cut, SOTTO_DIMENSION_CAMPAIGN);
    j->chance = (size_t)hq_cut_find(&j->cut, SOTTO_DIMENSION_CHANCE);
    j->groups = j->cut.rows / dimension(j, j->chance)->bins;
    j->share = calloc(dimension(j, j->campaign)->bins, sizeof *j->share);
    j->term = calloc(j->cut.rows, sizeof *j->term);
    sotto_status status = SOTTO_OK;
    if (j->share == NULL || j->term == NULL)
        status = sotto_diag_set(diag, SOTTO_ERR(HQ, NO_MEMORY), "no memory for the figures");
    if (status == SOTTO_OK)
        status = read_target(j, diag);
    if (status == SOTTO_OK) {
        judge(j);
        if (j->asked->as_json)
            status = put_all(j, diag);
        else
            print_all(j);
    }
    free(j->share);
    free(j->term);
    return status;
}

int eval_cmd_policy_totals(int argc, char **argv)
{
    hq_asked a = {0};
    judging j = {.target = NULL};
    const hq_option options[] = {{"--totals", HQ_TEXT, &a.dir, .required = true},
                                 {"--target", HQ_TEXT, &j.target, .required = true},
                                 {"--task", HQ_NUMBER, &a.task, .min = 1, .max = INT32_MAX},
                                 {"--from", HQ_TEXT, &a.from, .required = false},
                                 {"--to", HQ_TEXT, &a.to, .required = false},
                                 {"--confidence", HQ_TEXT, &a.confidence, .required = false},
                                 {"--json", HQ_FLAG, &a.as_json, .required = false}};
    if (!hq_options(argc, argv, options, SOTTO_COUNT(options)))
        return 2;
    return hq_asked_run(&a, is_wanted, "table of campaign, chance and outcome of mode A", say, &j);
}
