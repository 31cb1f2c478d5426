/* Models that answer neither yes nor no: classes, amounts, clusters. What their reports share. */
#include "report/report.h"

#include <math.h>
#include <stdlib.h>

static double q24(int64_t v)
{
    return ldexp((double)v, -SOTTO_MODEL_SCALE_BITS);
}

/* Answers of one row behind those of the rows before. */
static void answer_classes(report *r, size_t i, const int32_t *keys)
{
    int64_t margins[SOTTO_MODEL_OUTPUTS_MAX];
    uint32_t p[SOTTO_MODEL_OUTPUTS_MAX];
    size_t outputs = r->info->outputs, best = 0;
    sotto_model_margins_q24(r->model, keys, margins);
    sotto_model_probabilities_q30(r->model, margins, p);
    for (size_t k = 0; k < outputs; k++) {
        r->answer[i * outputs + k] = ldexp((double)p[k], -30);
        best = p[k] > p[best] ? k : best;
    }
    r->chosen[i] = (uint32_t)best;
}

static void answer_amount(report *r, size_t i, const int32_t *keys)
{
    int64_t margins[SOTTO_MODEL_OUTPUTS_MAX];
    sotto_model_margins_q24(r->model, keys, margins);
    double v = q24(margins[r->output]);
    r->answer[i] = r->info->link == SOTTO_LINK_EXP ? exp(v) : v;
}

static void answer_cluster(report *r, size_t i, const int32_t *keys)
{
    sotto_model_leaves(r->model, keys, &r->chosen[i]);
    r->answer[i] = sqrt(fmax(0, q24(-sotto_model_margin_q24(r->model, keys))));
}

static void answer_row(report *r, size_t i)
{
    const int32_t *keys = r->table.keys + r->row[i] * r->table.features;
    if (r->table.targets != NULL)
        r->happened[i] = (double)r->table.targets[r->row[i]];
    if (r->kind == REPORT_CLASSES)
        answer_classes(r, i, keys);
    else if (r->kind == REPORT_AMOUNT)
        answer_amount(r, i, keys);
    else
        answer_cluster(r, i, keys);
}

sotto_status report_other(report *r, sotto_diag *diag)
{
    size_t rows = r->scored.rows, columns = r->kind == REPORT_CLASSES ? r->info->outputs : 1;
    if (rows == 0)
        return sotto_diag_set(diag, SOTTO_ERR(HQ, RANGE), "no rows to judge");
    r->answer = eval_array(rows * columns, sizeof *r->answer, diag);
    r->happened = eval_array(rows, sizeof *r->happened, diag);
    r->chosen = eval_array(rows, sizeof *r->chosen, diag);
    if (r->answer == NULL || r->happened == NULL || r->chosen == NULL)
        return diag->status;
    for (size_t i = 0; i < rows; i++)
        answer_row(r, i);
    sotto_status status = r->kind == REPORT_CLASSES  ? report_judge_classes(r, diag)
                          : r->kind == REPORT_AMOUNT ? report_judge_amounts(r, diag)
                                                     : report_judge_clusters(r, diag);
    return status == SOTTO_OK ? report_weights(r, diag) : status;
}

void report_other_free(report *r)
{
    free(r->answer);
    free(r->happened);
    free(r->chosen);
    free(r->clusters.cluster);
    free(r->clusters.feature);
}

void report_other_page(const report *r, page *p)
{
    if (r->kind == REPORT_CLASSES)
        report_page_classes(r, p);
    else if (r->kind == REPORT_AMOUNT)
        report_page_amounts(r, p);
    else
        report_page_clusters(r, p);
}

void report_other_json(const report *r, sotto_json_writer *w)
{
    eval_json_u64(w, "rows", r->scored.rows);
    eval_json_str(w, "split", r->held_out ? learn_split_name(r->split.kind) : "all");
    sotto_json_name(w, "unseen");
    sotto_json_bool(w, r->unseen);
    if (r->kind == REPORT_CLASSES)
        report_json_classes(r, w);
    else if (r->kind == REPORT_AMOUNT)
        report_json_amounts(r, w);
    else
        report_json_clusters(r, w);
}

void report_other_say(const report *r)
{
    if (r->kind == REPORT_CLASSES)
        printf("  the right class in %.2f %% of rows; log loss %.5f (the classes' shares: %.5f)\n",
               100 * r->classes.right, r->classes.logloss, r->classes.base_logloss);
    else if (r->kind == REPORT_AMOUNT)
        printf("  off by %.6g on average (one answer for all: %.6g); RMSE %.6g (%.6g)\n", r->amounts.mae,
               r->amounts.mae_constant, r->amounts.rmse, r->amounts.rmse_constant);
    else
        printf("  %zu clusters, %zu of them empty; %.6g from the nearest centroid on average\n",
               r->info->clusters, r->clusters.empty, r->clusters.mean);
}
