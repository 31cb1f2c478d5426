/* Several classes: which are confused, and each against the rest. */
#include "report/report.h"

#include <math.h>
#include <stdlib.h>

enum { DECIMALS = 8 };
static const double EDGE = 1e-15; /* a probability that is logarithmed */

static size_t shown(const report *r)
{
    return r->info->outputs < REPORT_CLASSES_SHOWN ? r->info->outputs : REPORT_CLASSES_SHOWN;
}

static void count_rows(report *r)
{
    report_classes *c = &r->classes;
    size_t outputs = r->info->outputs;
    double n = (double)r->scored.rows;
    for (size_t i = 0; i < r->scored.rows; i++) {
        size_t is = (size_t)r->happened[i], chosen = r->chosen[i];
        c->class[is].rows++;
        c->class[chosen].chosen++;
        c->class[is].right += is == chosen;
        c->right += (double)(is == chosen) / n;
        c->logloss -= log(fmax(r->answer[i * outputs + is], EDGE)) / n;
        for (size_t k = 0; k < outputs; k++)
            c->class[k].said += r->answer[i * outputs + k] / n;
        if (is < REPORT_CLASSES_SHOWN && chosen < REPORT_CLASSES_SHOWN)
            c->confused[is][chosen]++;
    }
    for (size_t k = 0; k < outputs; k++)
        if (c->class[k].rows > 0)
            c->base_logloss -= (double)c->class[k].rows / n * log((double)c->class[k].rows / n);
}

/* One class against the rest. score, label: room for the rows. */
static sotto_status judge_class(report *r, size_t k, double *score, uint8_t *label, sotto_diag *diag)
{
    report_class *c = &r->classes.class[k];
    eval_scored s = {.rows = r->scored.rows, .score = score, .label = label};
    c->auc = NAN;
    if (c->rows == 0 || c->rows == s.rows)
        return SOTTO_OK;
    for (size_t i = 0; i < s.rows; i++) {
        score[i] = r->answer[i * r->info->outputs + k];
        label[i] = (size_t)r->happened[i] == k;
    }
    sotto_status status = eval_scored_init(&s, diag);
    if (status == SOTTO_OK) {
        c->auc = eval_auc(&s, NULL);
        c->auc_interval = eval_normal(c->auc, eval_auc_variance(&s), eval_z(r->o->confidence));
        c->auc_interval.high = fmin(1, c->auc_interval.high);
    }
    if (status == SOTTO_OK && k < REPORT_CLASSES_SHOWN)
        report_roc(&r->classes.roc[k], &s, c->rows);
    eval_scored_free(&s);
    return status;
}

sotto_status report_judge_classes(report *r, sotto_diag *diag)
{
    double *score = eval_array(r->scored.rows, sizeof *score, diag);
    uint8_t *label = eval_array(r->scored.rows, 1, diag);
    sotto_status status = score == NULL || label == NULL ? diag->status : SOTTO_OK;
    count_rows(r);
    for (size_t k = 0; status == SOTTO_OK && k < r->info->outputs; k++)
        status = judge_class(r, k, score, label, diag);
    free(score);
    free(label);
    return status;
}

static void draw_roc(const report *r, page *p)
{
    static const double ENDS[2] = {0, 1};
    page_series series[PAGE_SERIES_MAX];
    char name[PAGE_SERIES_MAX][32];
    size_t n = 0;
    for (size_t k = 0; k < shown(r) && n + 1 < PAGE_SERIES_MAX; k++) {
        const report_curve *c = &r->classes.roc[k];
        if (c->points == 0)
            continue;
        (void)snprintf(name[n], sizeof name[n], "class %zu", k);
        series[n] = (page_series){.name = name[n], .count = c->points, .x = c->x, .y = c->y};
        n++;
    }
    series[n++] = (page_series){.name = "chance", .shape = PAGE_DASHED, .count = 2, .x = ENDS, .y = ENDS};
    page_plot plot = {
        .title = "ROC of each class against the rest",
        .words = "How many of a class are found by so many of the others, in order of its probability.",
        .x = {.name = "share of the others", .unit = PAGE_PERCENT, .bounded = true, .max = 1},
        .y = {.name = "share of the class", .unit = PAGE_PERCENT, .bounded = true, .max = 1},
        .square = true,
        .series = series,
        .series_count = n};
    page_draw(p, &plot);
}

static void table_confusions(const report *r, page *p)
{
    const char *heads[REPORT_CLASSES_SHOWN + 1] = {"happened"}, *cells[REPORT_CLASSES_SHOWN + 1];
    char name[REPORT_CLASSES_SHOWN][32], cell[REPORT_CLASSES_SHOWN][24];
    for (size_t k = 0; k < shown(r); k++) {
        (void)snprintf(name[k], sizeof name[k], "class %zu", k);
        heads[k + 1] = name[k];
    }
    page_table_begin(p, "Rows by what happened (down) and what was chosen (across)", PAGE_FIGURES, heads,
                     shown(r) + 1);
    for (size_t is = 0; is < shown(r); is++) {
        cells[0] = name[is];
        for (size_t k = 0; k < shown(r); k++) {
            (void)snprintf(cell[k], sizeof cell[k], "%zu", r->classes.confused[is][k]);
            cells[k + 1] = cell[k];
        }
        page_table_row(p, cells, shown(r) + 1);
    }
    page_table_end(p);
    if (shown(r) < r->info->outputs)
        page_note(p, "Only the first %zu of %zu classes are in this table.", shown(r), r->info->outputs);
}

static void share(char out[static 48], size_t part, size_t whole)
{
    if (whole == 0)
        (void)snprintf(out, 48, "–");
    else
        (void)snprintf(out, 48, "%.2f %%", 100 * (double)part / (double)whole);
}

static void table_classes(const report *r, page *p)
{
    static const char *const HEADS[] = {"class",       "rows",           "said",    "found",
                                        "chosen well", "area under ROC", "interval"};
    char cell[7][48];
    page_table_begin(p, "Each class", PAGE_FIGURES, HEADS, SOTTO_COUNT(HEADS));
    for (size_t k = 0; k < r->info->outputs; k++) {
        const report_class *c = &r->classes.class[k];
        (void)snprintf(cell[0], sizeof cell[0], "class %zu", k);
        (void)snprintf(cell[1], sizeof cell[1], "%zu", c->rows);
        (void)snprintf(cell[2], sizeof cell[2], "%.2f %%", 100 * c->said);
        share(cell[3], c->right, c->rows);
        share(cell[4], c->right, c->chosen);
        (void)snprintf(cell[5], sizeof cell[5], isnan(c->auc) ? "–" : "%.4f", c->auc);
        (void)snprintf(cell[6], sizeof cell[6], isnan(c->auc) ? "–" : "%.4f to %.4f", c->auc_interval.low,
                       c->auc_interval.high);
        const char *const cells[] = {cell[0], cell[1], cell[2], cell[3], cell[4], cell[5], cell[6]};
        page_table_row(p, cells, SOTTO_COUNT(cells));
    }
    page_table_end(p);
    page_note(p, "Found: of the rows of a class, how many were given to it (recall). Chosen well: of the "
                 "rows given to "
                 "it, how many are of it (precision). Said: its probability on average.");
}

void report_page_classes(const report *r, page *p)
{
    size_t most = 0;
    for (size_t k = 0; k < r->info->outputs; k++)
        most = r->classes.class[k].rows > r->classes.class[most].rows ? k : most;
    char rows[128];
    report_rows_name(r, rows, sizeof rows);
    page_say(
        p,
        "This model says which of %zu classes \"%s\" is. The class that it holds for the likeliest is "
        "the right "
        "one in %.2f %% of rows; always saying class %zu would be right in %.2f %%. It is judged here on %s.",
        r->info->outputs, r->label, 100 * r->classes.right, most,
        100 * (double)r->classes.class[most].rows / (double)r->scored.rows, rows);
    page_section(p, "How well it tells the classes apart");
    page_say(p, "Logarithmic loss %.5f (saying the classes' shares to everybody: %.5f).", r->classes.logloss,
             r->classes.base_logloss);
    draw_roc(r, p);
    table_classes(r, p);
    table_confusions(r, p);
}

static void put_class(const report *r, size_t k, sotto_json_writer *w)
{
    const report_class *c = &r->classes.class[k];
    eval_figure auc = {.name = "auc", .value = c->auc, .interval = c->auc_interval};
    sotto_json_obj(w);
    eval_json_u64(w, "class", k);
    eval_json_u64(w, "rows", c->rows);
    eval_json_u64(w, "chosen", c->chosen);
    eval_json_u64(w, "right", c->right);
    learn_json_real(w, "said", c->said, DECIMALS);
    eval_json(w, &auc);
    sotto_json_obj_end(w);
}

void report_json_classes(const report *r, sotto_json_writer *w)
{
    eval_json_str(w, "judged_as", "classes");
    learn_json_real(w, "right", r->classes.right, DECIMALS);
    learn_json_real(w, "logloss", r->classes.logloss, DECIMALS);
    learn_json_real(w, "logloss_of_the_shares", r->classes.base_logloss, DECIMALS);
    sotto_json_name(w, "classes");
    sotto_json_arr(w);
    for (size_t k = 0; k < r->info->outputs; k++)
        put_class(r, k, w);
    sotto_json_arr_end(w);
    sotto_json_name(w, "confusions");
    sotto_json_arr(w);
    for (size_t is = 0; is < shown(r); is++) {
        sotto_json_arr(w);
        for (size_t k = 0; k < shown(r); k++)
            sotto_json_u64(w, r->classes.confused[is][k]);
        sotto_json_arr_end(w);
    }
    sotto_json_arr_end(w);
}
