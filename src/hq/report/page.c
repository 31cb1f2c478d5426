/* The report as a page: what it says in sentences first, then the plots, then what the model is made of. */
#include "report/report.h"

#include <math.h>

static double q24(int64_t v)
{
    return ldexp((double)v, -SOTTO_MODEL_SCALE_BITS);
}

static void say_made_of(const report *r, page *p)
{
    char bytes[32], nodes[32], rows[128];
    report_rows_name(r, rows, sizeof rows);
    page_say(p,
             "This model answers how likely \"%s\" is. It is %zu decision trees, of at most %zu tests each, "
             "over %zu "
             "features: %s nodes in %s bytes of integers, which give the same answer on every processor to "
             "the last "
             "bit. It is judged here on %s.",
             r->label, r->info->trees, r->info->depth, r->info->features,
             learn_grouped(r->info->nodes, nodes), learn_grouped(r->info->bytes, bytes), rows);
}

static void say_order(const report *r, page *p)
{
    page_say(p,
             "Put in order by score, the best %.3g %% of contacts reach %.3g %% of the buyers (those with "
             "\"%s\"), and "
             "the best %.1f %% are enough to reach %.3g %% of them. Of a buyer and another customer drawn at "
             "random, "
             "the buyer has the higher score in %.1f %% of cases.",
             r->o->contacts, 100 * r->reached, r->label, 100 * r->share_for_reach, r->o->reach, 100 * r->auc);
}

static void say_calibration(const report *r, page *p)
{
    page_say(p,
             "It expected %.1f %% buyers on average, and %.1f %% were. In %zu of %zu groups by score what "
             "happened is "
             "within chance (at %g %%) of what was said%s",
             100 * r->mean_score, 100 * r->rate, r->bins - r->bins_off, r->bins, r->o->confidence,
             2 * r->bins_off > r->bins
                 ? ": its order may be used, but its probabilities should not be taken at their word."
                 : ".");
}

/* Of clusters the bound is of a distance, and of linear terms there are no leaves. */
static void say_exact_otherwise(const report *r, page *p)
{
    char near[32], rows[32], leaves[32];
    learn_grouped(r->proof.rows, rows);
    learn_grouped((uint64_t)r->proof.rows * r->proof.trees, leaves);
    double bound = q24(r->info->margin_error_q24), most = r->proof.margin_difference;
    if (r->kind == REPORT_CLUSTERS)
        page_say(
            p,
            "As integers it is still the trained model: over all %s rows of the table no distance differs by "
            "more than %.2g (%.2g is the bound for any row within reach, before the squared distance is "
            "rounded "
            "to 2^-24), and the nearest centroid is the trained model's but for %s rows that are as near to "
            "another.",
            rows, most, bound, learn_grouped(r->proof.near, near));
    else if (r->proof.trees == 0)
        page_say(p,
                 "As integers it is still the trained model: over all %s rows of the table no score differs "
                 "by more "
                 "than %.2g (%.2g is the bound for any row).",
                 rows, most, bound);
    else
        page_say(p,
                 "As integers it is still the trained model: all %s leaves that the rows of the table reach "
                 "are the "
                 "same, and no score differs by more than %.2g (%.2g is the bound for any row).",
                 leaves, most, bound);
}

static void say_exact(const report *r, page *p)
{
    char leaves[32];
    uint64_t all = (uint64_t)r->proof.rows * r->proof.trees;
    if (r->has_source && r->proof.leaves_differ == 0 && (r->proof.trees == 0 || r->kind != REPORT_YES_NO))
        say_exact_otherwise(r, p);
    else if (!r->has_source)
        page_say(p,
                 "A score in integers differs from the trained model's, before it becomes a probability, by "
                 "at most "
                 "%.2g, whatever the row.",
                 q24(r->info->margin_error_q24));
    else if (r->proof.leaves_differ == 0)
        page_say(p,
                 "As integers it is still the trained model: all %s leaves that the rows of the table reach "
                 "are the "
                 "same, and no score differs by more than %.2g before it becomes a probability (%.2g is the "
                 "bound for "
                 "any row).",
                 learn_grouped(all, leaves), r->proof.margin_difference, q24(r->info->margin_error_q24));
    else
        page_say(p, "It is not the trained model: %zu of %s leaves differ. Do not use it.",
                 r->proof.leaves_differ, learn_grouped(all, leaves));
}

/* Intervals that do not touch: a difference that chance seldom makes. */
static void say_time(const report *r, page *p)
{
    const report_slices *s = &r->by_time;
    if (s->count < 2)
        return;
    const report_slice *first = &s->slice[0], *last = &s->slice[s->count - 1];
    double low = INFINITY, high = -INFINITY;
    for (size_t i = 0; i < s->count; i++) {
        low = fmin(low, isnan(s->slice[i].auc) ? low : s->slice[i].auc);
        high = fmax(high, isnan(s->slice[i].auc) ? high : s->slice[i].auc);
    }
    if (!isfinite(low))
        return;
    bool rates = first->rate_interval.low > last->rate_interval.high ||
                 first->rate_interval.high < last->rate_interval.low;
    page_say(p,
             "%s the area under the ROC curve lies between %.3f and %.3f%s. The share of buyers goes from "
             "%.1f %% to "
             "%.1f %%%s",
             r->time.code != NULL ? "From slice to slice in time" : "From the first rows to the last", low,
             high,
             first->auc_interval.low > last->auc_interval.high
                 ? ", and the last slice is worse than the first by more than chance: train again"
                 : "",
             100 * (double)first->positives / (double)first->rows,
             100 * (double)last->positives / (double)last->rows,
             rates ? ", more than chance: probabilities drift even where the order holds." : ".");
}

static void say_first(const report *r, page *p)
{
    char auc[48], interval[64], reach[64], share[32], share_name[64], size[32], error[64];
    (void)snprintf(auc, sizeof auc, "%.4f", r->auc);
    (void)snprintf(interval, sizeof interval, "%g %%: %.4f to %.4f", r->o->confidence, r->auc_interval.low,
                   r->auc_interval.high);
    (void)snprintf(reach, sizeof reach, "Buyers reached by %.3g %% of contacts", r->o->contacts);
    (void)snprintf(share, sizeof share, "%.1f %%", 100 * r->reached);
    (void)snprintf(share_name, sizeof share_name, "%.1f times what chance reaches",
                   r->reached / (r->o->contacts / 100));
    learn_grouped(r->info->bytes, size);
    (void)snprintf(error, sizeof error, "%zu trees; off by %.1e at most", r->info->trees,
                   q24(r->info->margin_error_q24));
    char happened[64], identical[64], leaves[48] = "–";
    (void)snprintf(happened, sizeof happened, "%.1f %%", 100 * r->mean_score);
    (void)snprintf(identical, sizeof identical, "happened: %.1f %%", 100 * r->rate);
    double all = (double)r->proof.rows * (double)r->proof.trees;
    if (r->has_source && r->proof.trees > 0)
        (void)snprintf(leaves, sizeof leaves, "%s%.6g %%", "",
                       100 * (1 - (double)r->proof.leaves_differ / all));
    const page_fact facts[] = {{"Area under the ROC curve", auc, interval},
                               {reach, share, share_name},
                               {"Expected, on average", happened, identical},
                               {"Leaves as in the trained model", leaves,
                                !r->has_source       ? "not compared: no --source"
                                : r->proof.trees > 0 ? "every tree, every row of the table"
                                                     : "none: it has linear terms"},
                               {"Bytes", size, error}};
    page_facts(p, facts, SOTTO_COUNT(facts));
}

/* The first sentences and figures of a model that answers neither yes nor no come with what was judged. */
static void say_other(const report *r, page *p)
{
    char size[32], error[64], trees[96];
    learn_grouped(r->info->bytes, size);
    (void)snprintf(error, sizeof error, "a %s is off by %.1e at most",
                   r->kind == REPORT_CLUSTERS ? "distance" : "score", q24(r->info->margin_error_q24));
    (void)snprintf(trees, sizeof trees, "%zu trees, %zu linear terms, %zu clusters", learn_trees_of(r->info),
                   r->info->terms, r->info->clusters);
    const page_fact facts[] = {{"Bytes", size, error}, {"Made of", learn_kind_name(r->info), trees}};
    report_other_page(r, p);
    page_section(p, "Whether it is still the trained model");
    say_exact(r, p);
    page_facts(p, facts, SOTTO_COUNT(facts));
}

static void write_judged(const report *r, page *p)
{
    page_section(p, "How well it puts customers in order");
    page_pair_begin(p);
    report_draw_gain(r, p);
    report_draw_roc(r, p);
    page_pair_end(p);
    report_draw_lift(r, p);
    page_section(p, "Whether its probabilities can be taken at their word");
    page_say(p, "Logarithmic loss %.5f (saying %.1f %% to everybody: %.5f), Brier score %.5f.", r->logloss,
             100 * r->rate, r->base_logloss, r->brier);
    page_pair_begin(p);
    report_draw_calibration(r, p);
    report_draw_distribution(r, p);
    page_pair_end(p);
    page_section(p, r->time.code != NULL ? "From one time to the next" : "From the first rows to the last");
    if (r->time.code == NULL)
        page_note(p, "No --time-column was given: parts follow the order of the table's rows, which is time "
                     "only where rows stand in order of time.");
    report_draw_slices(&r->by_time, PAGE_TRACK, r->time.code != NULL ? "by time" : "by place in the table",
                       p);
    report_table_slices(&r->by_time, "Parts in order", p);
    if (r->by_known.count > 0) {
        page_section(p, "New and known customers");
        page_say(p, "Grouped by the column \"%s\".", r->o->known_column);
        report_draw_slices(&r->by_known, PAGE_DOTS, "by group", p);
        report_table_slices(&r->by_known, "Groups", p);
    }
}

static void write_machine(const report *r, page *p)
{
    page_section(p, "What moves it");
    report_draw_weights(r, p);
    page_section(p, "What each step from floats to integers cost");
    report_table_steps(r, p);
    if (r->has_source) {
        report_say_floats(r, p);
    }
    if (r->has_scales) {
        report_draw_scales(r, p);
        report_table_scales(r, p);
    }
    page_section(p, "What it takes on a terminal");
    report_table_targets(r, p);
    if (r->counts > 0)
        report_table_counts(r, p);
    page_section(p, "What it is made of");
    report_table_made_of(r, p);
    report_table_features(r, p);
    report_table_provenance(r, p);
}

sotto_status report_page(const report *r, page *p, sotto_diag *diag)
{
    char title[128];
    (void)snprintf(title, sizeof title, "Model report: %s", r->info->name);
    page_begin(p, title, NULL);
    if (r->kind == REPORT_YES_NO) {
        say_made_of(r, p);
        say_order(r, p);
        say_calibration(r, p);
        say_time(r, p);
        say_exact(r, p);
        say_first(r, p);
        write_judged(r, p);
    } else {
        say_other(r, p);
    }
    write_machine(r, p);
    return page_end(p, diag);
}
