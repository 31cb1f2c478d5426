/* sotto-hq evaluate policy: what another policy would have earned, from a log with propensities. */
#include "evaluate/evaluate.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const char HELP[] =
    "sotto-hq evaluate policy: what another policy would have earned, from a log with propensities\n"
    "\n"
    "  sotto-hq evaluate policy LOG.csv --target uniform\n"
    "  sotto-hq evaluate policy random_men.csv.xz --action item_id --reward click \\\n"
    "           --propensity propensity_score \\\n"
    "           --position position --target log --log-of-target bts_men.csv.xz\n"
    "\n"
    "  LOG.csv               a table with a header, a row for each thing shown; also .xz\n"
    "  --action COLUMN       what was shown (action)\n"
    "  --reward COLUMN       what came of it, a number (reward)\n"
    "  --propensity COLUMN   with what probability it was shown, above 0 (propensity)\n"
    "  --position COLUMN     in which place, when places differ (position, when there)\n"
    "  --target uniform      judged is the policy that shows each action of the log equally often\n"
    "  --target log          judged is the policy of another log, by its shares of actions\n"
    "                        (--log-of-target)\n"
    "  --target same         judged is the policy that was at work\n"
    "  --target-column NAME  judged is a policy whose probability of what was shown stands in this column\n"
    "  --log-of-target FILE  a log of the judged policy itself: its own mean is printed beside\n"
    "  --max-weight X        weights are cut here: less spread, some bias (none)\n"
    "  --prior ROWS          the reward model's means are drawn to their position's mean as by so many\n"
    "                        rows (100)\n"
    "  --folds N             parts for the reward model: a row is never predicted from itself (5)\n"
    "  --bootstrap N (1000)  --seed N (1)  --confidence PERCENT (95)  --json\n"
    "\n"
    "From what terminals report, without a row of anybody:\n"
    "\n"
    "  sotto-hq evaluate policy --totals DIR --target uniform\n"
    "  sotto-hq evaluate policy --totals /srv/sotto-hq --target saver=0.7,loan=0.3 --from 2026-11-01\n"
    "\n"
    "  --totals DIR          head office's folder; read is a task with a table of campaign, chance and\n"
    "                        outcome\n"
    "  --target uniform      judged is the policy that draws each campaign of the table equally often;\n"
    "  --target same         what was at work; --target ID=SHARE,...: draws these campaigns. One that\n"
    "                        cannot be shown to a customer leaves the first place empty\n"
    "  --task ID  --from DATE  --to DATE  --confidence PERCENT (95)  --json\n";

enum { COLUMN_ACTION, COLUMN_REWARD, COLUMN_PROPENSITY, COLUMN_POSITION, COLUMN_TARGET, COLUMNS };
enum { ACTIONS_MAX = 100000, POSITIONS_MAX = 1000, ENOUGH_ROWS = 100 };

typedef struct options {
    const char *file, *action, *reward, *propensity, *position, *target, *target_column, *other;
    double max_weight, prior;
    int64_t folds;
    bool json;
    eval_chance chance;
} options;

typedef struct report {
    const options *o;
    eval_column column[COLUMNS], other[COLUMNS];
    size_t rows, other_rows, unknown; /* unknown: rows of the other log whose action the log never shows */
    eval_logs logs;
    double *target, *model, *expected;
    eval_figure estimate[EVAL_ESTIMATES], logged, truth;
    double effective, largest;
} report;

static sotto_status check_options(const options *o, sotto_diag *diag)
{
    if (o->target_column != NULL && o->target != NULL)
        return sotto_diag_set(diag, SOTTO_ERR(HQ, USAGE), "either --target or --target-column");
    if (o->target_column == NULL && o->target == NULL)
        return hq_need(NULL, "--target uniform, log or same, or --target-column", diag);
    if (o->target_column != NULL)
        return SOTTO_OK;
    if (strcmp(o->target, "uniform") != 0 && strcmp(o->target, "log") != 0 && strcmp(o->target, "same") != 0)
        return sotto_diag_set(diag, SOTTO_ERR(HQ, USAGE), "--target is uniform, log or same");
    return strcmp(o->target, "log") == 0 ? hq_need(o->other, "--log-of-target FILE", diag) : SOTTO_OK;
}

static sotto_status parse(options *o, int argc, char **argv, sotto_diag *diag)
{
    const hq_option table[] = {{"a file", HQ_POSITION, &o->file, true, 0, 0},
                               {"--action", HQ_TEXT, &o->action, false, 0, 0},
                               {"--reward", HQ_TEXT, &o->reward, false, 0, 0},
                               {"--propensity", HQ_TEXT, &o->propensity, false, 0, 0},
                               {"--position", HQ_TEXT, &o->position, false, 0, 0},
                               {"--target", HQ_TEXT, &o->target, false, 0, 0},
                               {"--target-column", HQ_TEXT, &o->target_column, false, 0, 0},
                               {"--log-of-target", HQ_TEXT, &o->other, false, 0, 0},
                               {"--max-weight", HQ_REAL, &o->max_weight, false, 1e-3, 1e12},
                               {"--prior", HQ_REAL, &o->prior, false, 0, 1e9},
                               {"--folds", HQ_NUMBER, &o->folds, false, 2, 100},
                               {"--json", HQ_FLAG, &o->json, false, 0, 0},
                               EVAL_CHANCE_OPTIONS(&o->chance)};
    sotto_status status = hq_parse(argc, argv, table, SOTTO_COUNT(table), diag);
    return status == SOTTO_OK ? check_options(o, diag) : status;
}

static sotto_status read_log(const options *o, const char *path, bool judged, eval_column *c, size_t *rows,
                             sotto_diag *diag)
{
    c[COLUMN_ACTION] = (eval_column){.name = o->action, .kind = EVAL_CODE};
    c[COLUMN_REWARD] = (eval_column){.name = o->reward, .kind = EVAL_NUMBER};
    c[COLUMN_PROPENSITY] = (eval_column){.name = judged ? NULL : o->propensity, .kind = EVAL_NUMBER};
    c[COLUMN_POSITION] = (eval_column){.name = o->position == NULL ? "position" : o->position,
                                       .kind = EVAL_CODE,
                                       .optional = o->position == NULL};
    c[COLUMN_TARGET] = (eval_column){.name = judged ? NULL : o->target_column, .kind = EVAL_NUMBER};
    return eval_table_read(c, COLUMNS, path, rows, diag);
}

/* Row numbers are data rows from 1; the header is line 1 of most files. */
static sotto_status check_log(const report *r, sotto_diag *diag)
{
    const eval_logs *l = &r->logs;
    for (size_t i = 0; i < l->rows; i++) {
        if (!(l->propensity[i] > 0 && l->propensity[i] <= 1))
            return sotto_diag_at(diag, SOTTO_ERR(HQ, RANGE), r->o->file, 0,
                                 "row %zu: column %s must be above 0 and at most 1", i + 1, r->o->propensity);
        if (l->given != NULL && !(l->given[i] >= 0 && l->given[i] <= 1))
            return sotto_diag_at(diag, SOTTO_ERR(HQ, RANGE), r->o->file, 0,
                                 "row %zu: column %s must be from 0 to 1", i + 1, r->o->target_column);
    }
    if (l->actions > ACTIONS_MAX || l->positions > POSITIONS_MAX)
        return sotto_diag_at(diag, SOTTO_ERR(HQ, RANGE), r->o->file, 0, "over %d actions or %d positions",
                             ACTIONS_MAX, POSITIONS_MAX);
    return SOTTO_OK;
}

static void bind_log(report *r)
{
    const eval_column *c = r->column;
    r->logs = (eval_logs){.rows = r->rows,
                          .action = c[COLUMN_ACTION].code,
                          .position = c[COLUMN_POSITION].code,
                          .reward = c[COLUMN_REWARD].number,
                          .propensity = c[COLUMN_PROPENSITY].number,
                          .given = c[COLUMN_TARGET].number,
                          .max_weight = r->o->max_weight,
                          .actions = eval_words_count(c[COLUMN_ACTION].words),
                          .positions = 1};
    if (r->logs.position != NULL)
        r->logs.positions = eval_words_count(c[COLUMN_POSITION].words);
}

/* The cell of one row of the other log in the numbers of the first; -1: the first never shows it. */
static int64_t cell_of(const report *r, size_t row)
{
    const eval_column *here = r->column, *there = r->other;
    int64_t action = eval_words_find(
        here[COLUMN_ACTION].words, eval_words_at(there[COLUMN_ACTION].words, there[COLUMN_ACTION].code[row]));
    int64_t position = 0;
    if (r->logs.position != NULL)
        position = there[COLUMN_POSITION].code == NULL
                       ? -1
                       : eval_words_find(
                             here[COLUMN_POSITION].words,
                             eval_words_at(there[COLUMN_POSITION].words, there[COLUMN_POSITION].code[row]));
    return action < 0 || position < 0 ? -1 : action * (int64_t)r->logs.positions + position;
}

/* Shares of actions by position. weight NULL: every row of the other log once. */
static void share_target(const report *r, const double *weight, const int64_t *cell, double *target)
{
    size_t positions = r->logs.positions, cells = r->logs.actions * positions;
    memset(target, 0, cells * sizeof *target);
    for (size_t i = 0; i < r->other_rows; i++)
        if (cell[i] >= 0)
            target[cell[i]] += weight == NULL ? 1 : weight[i];
    for (size_t p = 0; p < positions; p++) {
        double total = 0;
        for (size_t a = p; a < cells; a += positions)
            total += target[a];
        for (size_t a = p; a < cells && total > 0; a += positions)
            target[a] /= total;
    }
}

/* Two samples in one: units are the rows of the log, then those of the judged policy's own log, from whose
 * draws its shares are made anew. */
typedef struct estimating {
    report *r;
    int64_t *cell; /* of the other log's rows; NULL: shares are not from there */
} estimating;

static void estimate(void *ctx, const double *weight, double *out)
{
    const estimating *e = ctx;
    if (e->cell != NULL)
        share_target(e->r, weight + e->r->rows, e->cell, e->r->target);
    eval_estimate(&e->r->logs, weight, out);
}

static sotto_status find_cells(report *r, int64_t **out, sotto_diag *diag)
{
    int64_t *cell = *out = eval_array(r->other_rows, sizeof *cell, diag);
    for (size_t i = 0; cell != NULL && i < r->other_rows; i++) {
        cell[i] = cell_of(r, i);
        r->unknown += cell[i] < 0;
    }
    if (cell != NULL && r->unknown == r->other_rows)
        return sotto_diag_set(diag, SOTTO_ERR(HQ, CONFLICT),
                              "the two logs have no action and position in common");
    return cell == NULL ? diag->status : SOTTO_OK;
}

static sotto_status make_target(report *r, int64_t **cell, sotto_diag *diag)
{
    size_t cells = r->logs.actions * r->logs.positions;
    const char *target = r->o->target;
    if (target == NULL || strcmp(target, "same") == 0)
        return SOTTO_OK;
    r->logs.target = r->target = eval_array(cells, sizeof *r->target, diag);
    if (r->target == NULL)
        return diag->status;
    for (size_t i = 0; i < cells; i++)
        r->target[i] = 1 / (double)r->logs.actions;
    sotto_status status = strcmp(target, "log") == 0 ? find_cells(r, cell, diag) : SOTTO_OK;
    if (status == SOTTO_OK && *cell != NULL)
        share_target(r, NULL, *cell, r->target);
    return status;
}

/* No model for a policy of which only the probability of what was shown is known: its mean over the other
 * actions is not. */
static sotto_status make_model(report *r, sotto_diag *diag)
{
    if (r->logs.given != NULL)
        return SOTTO_OK;
    r->logs.model = r->model = eval_array(r->rows, sizeof *r->model, diag);
    r->logs.expected = r->expected = eval_array(r->rows, sizeof *r->expected, diag);
    if (r->model == NULL || r->expected == NULL)
        return diag->status;
    return eval_reward_model(&r->logs, r->o->prior, (size_t)r->o->folds, r->o->chance.seed, diag);
}

static void name_estimates(report *r)
{
    static const char *const NAMES[] = {"ips", "snips", "dm", "dr"};
    static const char *const WORDS[] = {"IPS", "SNIPS", "reward model alone (how wrong: unknown)",
                                        "doubly robust"};
    for (size_t i = 0; i < EVAL_ESTIMATES; i++)
        r->estimate[i] = (eval_figure){.name = NAMES[i], .text = WORDS[i], .percent = true};
}

/* Mean of a log's rewards: a share's interval when they are 0 or 1. */
static eval_figure mean_reward(const double *reward, size_t n, double z)
{
    double sum = 0, squares = 0;
    bool counts = true;
    for (size_t i = 0; i < n; i++) {
        sum += reward[i];
        squares += reward[i] * reward[i];
        counts = counts && (reward[i] <= 0 || reward[i] >= 1) && reward[i] >= 0 && reward[i] <= 1;
    }
    double mean = sum / (double)n, variance = (squares / (double)n - mean * mean) / ((double)n - 1);
    return (eval_figure){.value = mean,
                         .percent = true,
                         .interval = counts ? eval_wilson(sum, (double)n, z)
                                            : eval_normal(mean, fmax(0, variance), z)};
}

static sotto_status run_bootstrap(report *r, estimating *e, sotto_diag *diag)
{
    size_t units = r->rows + (e->cell == NULL ? 0 : r->other_rows);
    uint8_t *stratum = eval_array(units, 1, diag);
    if (stratum == NULL)
        return diag->status;
    memset(stratum + r->rows, 1, units - r->rows);
    eval_sample sample = {.units = units, .stratum = stratum, .statistic = estimate, .ctx = e};
    sotto_status status = eval_bootstrap(&sample, &r->o->chance, r->estimate, EVAL_ESTIMATES, diag);
    /* How the rows were drawn says nothing of how wrong the model is. */
    r->estimate[EVAL_DM].interval = (eval_interval){NAN, NAN};
    free(stratum);
    return status;
}

static sotto_status judge(report *r, sotto_diag *diag)
{
    estimating e = {.r = r};
    double z = eval_z(r->o->chance.confidence);
    bind_log(r);
    name_estimates(r);
    sotto_status status = check_log(r, diag);
    if (status == SOTTO_OK)
        status = make_target(r, &e.cell, diag);
    if (status == SOTTO_OK)
        status = make_model(r, diag);
    if (status == SOTTO_OK) {
        r->effective = eval_effective_rows(&r->logs);
        for (size_t i = 0; i < r->rows; i++)
            r->largest = fmax(r->largest, eval_weight(&r->logs, i));
        r->logged = mean_reward(r->logs.reward, r->rows, z);
        r->logged.name = "logged";
        status = run_bootstrap(r, &e, diag);
    }
    if (status == SOTTO_OK && r->o->other != NULL)
        r->truth = mean_reward(r->other[COLUMN_REWARD].number, r->other_rows, z);
    r->truth.name = "on_policy";
    free(e.cell);
    return status;
}

static void fill(sotto_json_writer *w, const void *ctx)
{
    const report *r = ctx;
    eval_json_str(w, "kind", "policy");
    eval_json_str(w, "target", r->o->target == NULL ? "column" : r->o->target);
    eval_json_u64(w, "rows", r->rows);
    eval_json_u64(w, "actions", r->logs.actions);
    eval_json_u64(w, "positions", r->logs.positions);
    learn_json_real(w, "effective_rows", r->effective, 2);
    learn_json_real(w, "largest_weight", r->largest, 4);
    learn_json_real(w, "confidence_percent", r->o->chance.confidence, 2);
    eval_json(w, &r->logged);
    for (size_t i = 0; i < EVAL_ESTIMATES; i++)
        eval_json(w, &r->estimate[i]);
    if (r->o->other == NULL)
        return;
    eval_json(w, &r->truth);
    eval_json_u64(w, "on_policy_rows", r->other_rows);
    eval_json_u64(w, "on_policy_rows_without_counterpart", r->unknown);
}

static const char *verdict(const report *r, const eval_figure *f)
{
    const eval_interval *truth = &r->truth.interval;
    if (r->o->other == NULL || isnan(f->interval.low))
        return "";
    if (f->value >= truth->low && f->value <= truth->high)
        return "    inside the on-policy interval";
    return f->interval.high >= truth->low && f->interval.low <= truth->high
               ? "    the two intervals meet"
               : "    apart from the on-policy interval";
}

static sotto_status tell(report *r, sotto_diag *diag)
{
    char rows[32];
    if (r->o->json)
        return eval_json_report(fill, r, diag);
    printf(
        "%s rows, %zu actions, %zu positions; judged: %s; worth %.0f rows, largest weight %.3g; intervals at "
        "%g %%\n",
        learn_grouped(r->rows, rows), r->logs.actions, r->logs.positions,
        r->o->target == NULL ? r->o->target_column : r->o->target, r->effective, r->largest,
        r->o->chance.confidence);
    r->logged.text = "what the log's own policy earned";
    eval_tell(&r->logged);
    r->truth.text = "what the judged policy earned in its own log";
    if (r->o->other != NULL)
        eval_tell(&r->truth);
    for (size_t i = 0; i < EVAL_ESTIMATES; i++) {
        eval_tell(&r->estimate[i]);
        if (*verdict(r, &r->estimate[i]) != '\0')
            printf("%s\n", verdict(r, &r->estimate[i]));
    }
    if (r->effective < (double)ENOUGH_ROWS)
        printf("  few rows look like what the judged policy would do: this log cannot judge it (--max-weight "
               "cuts the "
               "largest, at the price of bias)\n");
    if (r->unknown > 0)
        printf("  %zu rows of the judged policy's log show what this log never shows: they are left out\n",
               r->unknown);
    return learn_flush(diag);
}

static sotto_status run(const options *o, sotto_diag *diag)
{
    report *r = eval_array(1, sizeof *r, diag);
    if (r == NULL)
        return diag->status;
    r->o = o;
    sotto_status status = read_log(o, o->file, false, r->column, &r->rows, diag);
    if (status == SOTTO_OK && o->other != NULL)
        status = read_log(o, o->other, true, r->other, &r->other_rows, diag);
    if (status == SOTTO_OK)
        status = judge(r, diag);
    if (status == SOTTO_OK)
        status = tell(r, diag);
    eval_table_free(r->column, COLUMNS);
    eval_table_free(r->other, COLUMNS);
    free(r->target);
    free(r->model);
    free(r->expected);
    free(r);
    return learn_place(status, o->file, diag);
}

static bool from_totals(int argc, char **argv)
{
    for (int i = 1; i < argc; i++)
        if (strncmp(argv[i], "--totals", 8) == 0)
            return true;
    return false;
}

int eval_cmd_policy(int argc, char **argv)
{
    sotto_diag diag = {.status = SOTTO_OK};
    options o = {.action = "action",
                 .reward = "reward",
                 .propensity = "propensity",
                 .max_weight = INFINITY,
                 .prior = 100,
                 .folds = 5,
                 .chance = EVAL_CHANCE_DEFAULT};
    if (hq_help(argc, argv, HELP))
        return 0;
    if (from_totals(argc, argv))
        return eval_cmd_policy_totals(argc, argv);
    sotto_status status = parse(&o, argc, argv, &diag);
    if (status == SOTTO_OK)
        status = run(&o, &diag);
    return learn_finish(status, &diag);
}
