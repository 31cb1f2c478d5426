/* The report as JSON: every figure of the page. */
#include "report/report.h"

#include <math.h>

enum { DECIMALS = 8, FINE = 14 };

static void put_slices(sotto_json_writer *w, const char *name, const report_slices *s)
{
    sotto_json_name(w, name);
    sotto_json_arr(w);
    for (size_t i = 0; i < s->count; i++) {
        const report_slice *one = &s->slice[i];
        eval_figure auc = {.name = "auc", .value = one->auc, .interval = one->auc_interval};
        eval_figure rate = {.name = "rate",
                            .value = (double)one->positives / (double)one->rows,
                            .interval = one->rate_interval};
        sotto_json_obj(w);
        eval_json_str(w, "part", one->name);
        eval_json_u64(w, "rows", one->rows);
        eval_json_u64(w, "positives", one->positives);
        learn_json_real(w, "score", one->score, DECIMALS);
        eval_json(w, &rate);
        eval_json(w, &auc);
        sotto_json_obj_end(w);
    }
    sotto_json_arr_end(w);
}

static void put_curve(sotto_json_writer *w, const char *name, const char *x_name, const double *x,
                      const char *y_name, const double *y, size_t n)
{
    sotto_json_name(w, name);
    sotto_json_arr(w);
    for (size_t i = 0; i < n; i++) {
        sotto_json_obj(w);
        learn_json_real(w, x_name, x[i], DECIMALS);
        learn_json_real(w, y_name, y[i], DECIMALS);
        sotto_json_obj_end(w);
    }
    sotto_json_arr_end(w);
}

static void put_calibration(sotto_json_writer *w, const report *r)
{
    double z = eval_z(r->o->confidence);
    sotto_json_name(w, "calibration");
    sotto_json_arr(w);
    for (size_t i = 0; i < r->bins; i++) {
        const eval_bin *b = &r->bin[i];
        eval_figure rate = {.name = "rate",
                            .value = (double)b->positives / (double)b->rows,
                            .interval = eval_wilson((double)b->positives, (double)b->rows, z)};
        sotto_json_obj(w);
        eval_json_u64(w, "rows", b->rows);
        learn_json_real(w, "score", b->score, DECIMALS);
        eval_json(w, &rate);
        sotto_json_obj_end(w);
    }
    sotto_json_arr_end(w);
}

static void put_distribution(sotto_json_writer *w, const report *r)
{
    sotto_json_name(w, "distribution");
    sotto_json_arr(w);
    for (size_t i = 0; i < REPORT_SCORE_BINS; i++) {
        sotto_json_obj(w);
        learn_json_real(w, "score", r->score_at[i], DECIMALS);
        learn_json_real(w, "positives", r->score_yes[i], DECIMALS);
        learn_json_real(w, "negatives", r->score_no[i], DECIMALS);
        sotto_json_obj_end(w);
    }
    sotto_json_arr_end(w);
}

static void put_weights(sotto_json_writer *w, const report *r)
{
    sotto_json_name(w, "importance");
    sotto_json_arr(w);
    for (size_t i = 0; i < r->weights; i++) {
        sotto_json_obj(w);
        eval_json_str(w, "name", r->weight[i].name);
        eval_json_u64(w, "features", r->weight[i].features);
        learn_json_real(w, r->kind == REPORT_YES_NO ? "mean_abs_log_odds" : "mean_abs", r->weight[i].mean,
                        FINE);
        sotto_json_obj_end(w);
    }
    sotto_json_arr_end(w);
}

static void put_model(sotto_json_writer *w, const report *r)
{
    size_t bins = 0;
    for (size_t i = 0; i < r->info->features; i++)
        bins += sotto_model_feature(r->model, i)->bins;
    sotto_json_name(w, "model");
    sotto_json_obj(w);
    eval_json_str(w, "name", r->info->name);
    eval_json_str(w, "answers", learn_kind_name(r->info));
    eval_json_str(w, "link", learn_link_name(r->info->link));
    eval_json_u64(w, "outputs", r->info->outputs);
    eval_json_u64(w, "terms", r->info->terms);
    eval_json_u64(w, "clusters", r->info->clusters);
    eval_json_u64(w, "trees", learn_trees_of(r->info));
    eval_json_u64(w, "depth", r->info->depth);
    eval_json_u64(w, "nodes", r->info->nodes);
    eval_json_u64(w, "leaves", r->info->leaves);
    eval_json_u64(w, "features", r->info->features);
    eval_json_u64(w, "bins", bins);
    eval_json_u64(w, "bytes", r->info->bytes);
    eval_json_u64(w, "arena_bytes", r->info->arena_bytes);
    eval_json_u64(w, "steps_max", r->info->steps_max);
    learn_json_real(w, "margin_error", ldexp((double)r->info->margin_error_q24, -SOTTO_MODEL_SCALE_BITS),
                    FINE);
    sotto_json_obj_end(w);
}

static void put_source(sotto_json_writer *w, const report *r)
{
    sotto_json_name(w, "source");
    if (!r->has_source) {
        sotto_json_null(w);
        return;
    }
    sotto_json_obj(w);
    eval_json_u64(w, "bytes", r->source_bytes);
    eval_json_u64(w, "rows", r->proof.rows);
    eval_json_u64(w, "leaves", (uint64_t)r->proof.rows * r->proof.trees);
    eval_json_u64(w, "leaves_differ", r->proof.leaves_differ);
    eval_json_str(w, "against", r->proof.by_tool ? "xgboost" : "float traversal");
    learn_json_real(w, "margin_difference", r->proof.margin_difference, FINE);
    learn_json_real(w, "margin_difference_xgboost", r->proof.by_tool ? r->proof.tool_difference : (double)NAN,
                    FINE);
    learn_json_real(w, "margin_difference_runtime", r->proof.tool_difference, FINE);
    eval_json_u64(w, "near", r->proof.near);
    eval_json_u64(w, "not_compared", r->proof.held);
    learn_json_real(w, "float32_sum_difference", r->float32_worst, FINE);
    learn_json_real(w, "auc_float", r->proof.has_auc ? r->proof.auc_float : (double)NAN, DECIMALS);
    learn_json_real(w, "auc_integer", r->proof.has_auc ? r->proof.auc_integer : (double)NAN, DECIMALS);
    sotto_json_name(w, "scales");
    sotto_json_arr(w);
    for (size_t i = 0; r->has_scales && i < REPORT_SCALES; i++) {
        sotto_json_obj(w);
        eval_json_u64(w, "bits", r->scale[i].bits);
        learn_json_real(w, "bound", r->scale[i].bound, FINE);
        learn_json_real(w, "worst", r->scale[i].worst, FINE);
        learn_json_real(w, "auc", r->scale[i].auc, DECIMALS);
        sotto_json_obj_end(w);
    }
    sotto_json_arr_end(w);
    sotto_json_obj_end(w);
}

static void put_counts(sotto_json_writer *w, const report *r)
{
    sotto_json_name(w, "instructions_armv7");
    sotto_json_arr(w);
    for (size_t i = 0; i < r->counts; i++) {
        sotto_json_obj(w);
        eval_json_u64(w, "candidates", r->count[i].products);
        eval_json_str(w, "way", r->count[i].way);
        learn_json_real(w, "a_candidate_and_tree", r->count[i].instructions, 4);
        sotto_json_obj_end(w);
    }
    sotto_json_arr_end(w);
}

static void put_targets(sotto_json_writer *w, const report *r)
{
    sotto_json_name(w, "targets");
    sotto_json_arr(w);
    for (size_t i = 0; i < REPORT_TARGETS; i++) {
        const report_target *t = report_target_at(i);
        double estimate = report_target_estimate(r, t);
        sotto_json_obj(w);
        eval_json_str(w, "target", t->name);
        eval_json_u64(w, "bytes", r->info->bytes);
        eval_json_u64(w, "tests_at_most", r->info->steps_max);
        learn_json_real(w, "instructions_estimated", estimate, 0);
        if (!isnan(estimate))
            eval_json_str(w, "estimated_from", t->command);
        sotto_json_obj_end(w);
    }
    sotto_json_arr_end(w);
}

static void put_judged(sotto_json_writer *w, const report *r)
{
    eval_figure auc = {.name = "auc", .value = r->auc, .interval = r->auc_interval};
    eval_json_u64(w, "rows", r->scored.rows);
    eval_json_u64(w, "positives", r->positives);
    eval_json_str(w, "split", r->held_out ? learn_split_name(r->split.kind) : "all");
    sotto_json_name(w, "unseen");
    sotto_json_bool(w, r->unseen);
    learn_json_real(w, "confidence_percent", r->o->confidence, 2);
    eval_json(w, &auc);
    learn_json_real(w, "logloss", r->logloss, DECIMALS);
    learn_json_real(w, "logloss_of_the_rate", r->base_logloss, DECIMALS);
    learn_json_real(w, "brier", r->brier, DECIMALS);
    learn_json_real(w, "mean_score", r->mean_score, DECIMALS);
    learn_json_real(w, "rate", r->rate, DECIMALS);
    learn_json_real(w, "contacts_percent", r->o->contacts, 4);
    learn_json_real(w, "reached", r->reached, DECIMALS);
    learn_json_real(w, "reach_percent", r->o->reach, 4);
    learn_json_real(w, "contacts_for_reach", r->share_for_reach, DECIMALS);
    learn_json_real(w, "probability_error", r->sigmoid_worst, FINE);
}

void report_json(sotto_json_writer *w, const void *report_)
{
    const report *r = report_;
    eval_json_str(w, "kind", "model report");
    put_model(w, r);
    if (r->kind != REPORT_YES_NO) {
        report_other_json(r, w);
        put_weights(w, r);
        put_source(w, r);
        put_targets(w, r);
        put_counts(w, r);
        return;
    }
    put_judged(w, r);
    put_curve(w, "roc", "negatives", r->roc.x, "positives", r->roc.y, r->roc.points);
    put_curve(w, "gain", "contacts", r->contact, "positives", r->gain, REPORT_GAIN_POINTS);
    put_calibration(w, r);
    put_distribution(w, r);
    put_slices(w, "by_time", &r->by_time);
    put_slices(w, "by_known", &r->by_known);
    put_weights(w, r);
    put_source(w, r);
    put_targets(w, r);
    put_counts(w, r);
}
