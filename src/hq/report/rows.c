/* The rows that are judged: those that training held out, where the model tells which; else all of the table.
 */
#include "report/report.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Rows of another split than training's are not those that it left out. */
static bool as_trained(const report *r, const char *split)
{
    char trained[256];
    learn_provenance(r->model, "sotto.split", trained, sizeof trained);
    return strcmp(trained, split) == 0 &&
           r->split.seed == learn_choose_number(-1, r->model, "sotto.seed", 1) &&
           r->split.holdout_percent == learn_choose_number(-1, r->model, "sotto.holdout", 20);
}

static void choose_split(report *r)
{
    char split[256];
    learn_choose(r->o->split, r->model, "sotto.split", split);
    r->split.holdout_percent = learn_choose_number(r->o->holdout, r->model, "sotto.holdout", 20);
    r->split.seed = learn_choose_number(r->o->seed, r->model, "sotto.seed", 1);
    r->held_out = strcmp(split, "all") != 0 && learn_split_find(split, &r->split.kind) &&
                  r->split.holdout_percent > 0 && r->split.holdout_percent <= 90;
    r->unseen = r->held_out && as_trained(r, split);
}

/* What a column holds that is neither yes nor no. */
static void plan_target(const report *r, learn_plan *plan)
{
    static const double AMOUNT_MAX = 1e30;
    bool classes = r->kind == REPORT_CLASSES;
    plan->label = plan->positive = NULL;
    if (r->kind == REPORT_CLUSTERS)
        return;
    plan->target = r->label;
    plan->target_least = classes ? 0 : -AMOUNT_MAX;
    plan->target_most = classes ? (double)(r->info->outputs - 1) : AMOUNT_MAX;
    plan->target_whole = classes;
}

static sotto_status read_table(report *r, sotto_diag *diag)
{
    char positive[256], today[256], date_column[256];
    const report_options *o = r->o;
    learn_choose(o->label, r->model, r->kind == REPORT_YES_NO ? "sotto.label" : "sotto.target", r->label);
    learn_choose(o->label != NULL && o->positive == NULL ? "" : o->positive, r->model, "sotto.positive",
                 positive);
    learn_choose(o->today, r->model, "sotto.today", today);
    learn_choose(o->date_column, r->model, "sotto.date_column", date_column);
    if (r->label[0] == '\0' && r->kind != REPORT_CLUSTERS)
        return sotto_diag_set(diag, SOTTO_ERR(HQ, USAGE),
                              "--label COLUMN is needed: the model does not say what it was trained on");
    learn_plan plan = {.model = r->model,
                       .features = sotto_model_feature(r->model, 0),
                       .feature_count = r->info->features,
                       .dictionary = r->dictionary,
                       .label = r->label,
                       .positive = positive[0] == '\0' ? NULL : positive,
                       .today = today[0] == '\0' ? NULL : today,
                       .date_column = date_column[0] == '\0' ? NULL : date_column};
    if (r->kind != REPORT_YES_NO)
        plan_target(r, &plan);
    return learn_table_read(&r->table, &plan, o->table, diag);
}

static sotto_status read_columns(report *r, sotto_diag *diag)
{
    eval_column columns[2] = {{.name = r->o->time_column, .kind = EVAL_CODE},
                              {.name = r->o->known_column, .kind = EVAL_CODE}};
    size_t rows = 0;
    if (r->o->time_column == NULL && r->o->known_column == NULL)
        return SOTTO_OK;
    sotto_status status = eval_table_read(columns, 2, r->o->table, &rows, diag);
    r->time = columns[0];
    r->known = columns[1];
    return status;
}

static sotto_status take_rows(report *r, sotto_diag *diag)
{
    size_t all = r->table.rows;
    r->row = eval_array(all, sizeof *r->row, diag);
    r->score = eval_array(all, sizeof *r->score, diag);
    r->judged_label = eval_array(all, 1, diag);
    r->margin = eval_array(all, sizeof *r->margin, diag);
    if (r->row == NULL || r->score == NULL || r->judged_label == NULL || r->margin == NULL)
        return diag->status;
    for (size_t i = 0; i < all; i++)
        if (!r->held_out || learn_split_held_out(&r->split, i, all))
            r->row[r->scored.rows++] = i;
    return SOTTO_OK;
}

/* Of a margin that is a probability: votes of a forest, which may be none or all. */
static double log_odds(int64_t margin_q24)
{
    double edge = ldexp(1, -SOTTO_MODEL_SCALE_BITS), p = ldexp((double)margin_q24, -SOTTO_MODEL_SCALE_BITS);
    p = fmin(fmax(p, edge), 1 - edge);
    return log(p / (1 - p));
}

static void score_row(report *r, size_t i)
{
    const int32_t *keys = r->table.keys + r->row[i] * r->table.features;
    int64_t margin = sotto_model_margin_q24(r->model, keys);
    r->score[i] = ldexp((double)sotto_model_probability_q30(r->model, margin), -30);
    r->margin[i] = r->info->link == SOTTO_LINK_LOGISTIC ? ldexp((double)margin, -SOTTO_MODEL_SCALE_BITS)
                                                        : log_odds(margin);
    r->judged_label[i] = r->table.labels[r->row[i]];
    r->positives += r->judged_label[i];
    double exact = 1 / (1 + exp(-r->margin[i]));
    if (r->info->calibration == SOTTO_CALIBRATION_NONE && r->info->link == SOTTO_LINK_LOGISTIC)
        r->sigmoid_worst = fmax(r->sigmoid_worst, fabs(r->score[i] - exact));
    else
        r->sigmoid_worst = NAN;
}

sotto_status report_rows(report *r, sotto_diag *diag)
{
    choose_split(r);
    sotto_status status = read_table(r, diag);
    if (status == SOTTO_OK)
        status = read_columns(r, diag);
    if (status == SOTTO_OK)
        status = take_rows(r, diag);
    if (status != SOTTO_OK)
        return status;
    if (r->kind != REPORT_YES_NO)
        return SOTTO_OK;
    for (size_t i = 0; i < r->scored.rows; i++)
        score_row(r, i);
    r->scored.score = r->margin;
    r->scored.label = r->judged_label;
    r->said = r->scored;
    r->said.score = r->score;
    if (r->positives == 0 || r->positives == r->scored.rows)
        return sotto_diag_set(diag, SOTTO_ERR(HQ, RANGE),
                              "every judged row has the same label: nothing can be said of the model");
    status = eval_scored_init(&r->scored, diag);
    return status == SOTTO_OK ? eval_scored_init(&r->said, diag) : status;
}

void report_rows_free(report *r)
{
    eval_column columns[2] = {r->time, r->known};
    learn_table_free(&r->table);
    eval_table_free(columns, 2);
    eval_scored_free(&r->scored);
    free(r->row);
    free(r->score);
    free(r->judged_label);
    free(r->margin);
    eval_scored_free(&r->said);
    free(r->weight);
}

void report_rows_name(const report *r, char *out, size_t cap)
{
    char rows[32];
    learn_grouped(r->scored.rows, rows);
    if (!r->held_out)
        (void)snprintf(out, cap, "all %s rows of the table (those that it was trained on may be among them)",
                       rows);
    else if (!r->unseen)
        (void)snprintf(out, cap, "%s rows of the table (those that it was trained on may be among them)",
                       rows);
    else if (r->split.kind == LEARN_SPLIT_TIME)
        (void)snprintf(out, cap, "%s rows that training did not see, the last of the table", rows);
    else
        (void)snprintf(out, cap, "%s rows that training did not see, drawn at random", rows);
}
