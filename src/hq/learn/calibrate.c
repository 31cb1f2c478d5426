/* sotto-hq model calibrate: probabilities that mean what they say, fitted on rows that were not trained on.
 */
#include "learn/calibrate.h"
#include "office/args.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const char HELP[] =
    "sotto-hq model calibrate: makes a model's probabilities mean what they say\n"
    "\n"
    "  sotto-hq model calibrate model.sotto contacts.csv --method isotonic \\\n"
    "           --dictionary dictionary.json -o calibrated.sotto\n"
    "\n"
    "  The margins stay as they are, and so does the order of what is ranked.\n"
    "\n"
    "  --method platt|isotonic  a sigmoid of two numbers, or steps joined by lines, for many rows (platt)\n"
    "  --rows held-out|all  which rows of the table: those that training held out, or each (held-out when\n"
    "                       the table is the one that the model was trained on)\n"
    "  --holdout PERCENT    how many of these are not fitted on, but judge before and after, 1 to 90\n"
    "                       (50); the last ones when the model was split by time, else by --seed N (1)\n"
    "  --dictionary FILE    the table holds tags: features are computed by the model's recipe\n"
    "  --label COLUMN, --positive WORD    as in training, when the model knows\n"
    "  --today DATE, --date-column NAME   the day of each row, for recipes with ages\n"
    "  -o FILE              where the calibrated model goes\n"
    "  --json               the figures as JSON\n";

enum { ECE_BINS = 15 };
static const double ONE_Q30 = 1073741824.0;

typedef struct calibrate_options {
    const char *model, *table, *method, *rows, *dictionary, *label, *positive, *today, *date_column, *out;
    int64_t holdout, seed;
    bool json;
} calibrate_options;

/* Of the rows that judge, by the probabilities of one model. */
typedef struct quality {
    double mean, ece, brier, logloss;
} quality;

typedef struct calibrating {
    const calibrate_options *o;
    learn_input in;
    char label[256], positive[256], today[256], date_column[256], data[256];
    learn_split trained; /* which rows training held out */
    bool held_out_only;
    learn_table table;
    int64_t *margin_q24; /* of the rows that take part: first those that fit, then those that judge */
    uint8_t *labels;
    size_t fitted, judged;
    learn_calibration calibration;
    sotto_vec file;
    quality before, after;
    double share; /* of positives in the rows that judge */
} calibrating;

static sotto_status parse(calibrate_options *o, int argc, char **argv, sotto_diag *diag)
{
    const hq_option options[] = {{"the model's file", HQ_POSITION, &o->model, true, 0, 0},
                                 {"the table's file", HQ_POSITION, &o->table, true, 0, 0},
                                 {"--method", HQ_TEXT, &o->method, false, 0, 0},
                                 {"--rows", HQ_TEXT, &o->rows, false, 0, 0},
                                 {"--dictionary", HQ_TEXT, &o->dictionary, false, 0, 0},
                                 {"--label", HQ_TEXT, &o->label, false, 0, 0},
                                 {"--positive", HQ_TEXT, &o->positive, false, 0, 0},
                                 {"--today", HQ_TEXT, &o->today, false, 0, 0},
                                 {"--date-column", HQ_TEXT, &o->date_column, false, 0, 0},
                                 {"-o", HQ_TEXT, &o->out, true, 0, 0},
                                 {"--holdout", HQ_NUMBER, &o->holdout, false, 1, 90},
                                 {"--seed", HQ_NUMBER, &o->seed, false, 0, INT32_MAX},
                                 {"--json", HQ_FLAG, &o->json, false, 0, 0}};
    sotto_status status = hq_parse(argc, argv, options, SOTTO_COUNT(options), diag);
    if (status == SOTTO_OK && strcmp(o->method, "platt") != 0 && strcmp(o->method, "isotonic") != 0)
        status = sotto_diag_set(diag, SOTTO_ERR(HQ, USAGE), "--method is platt or isotonic");
    if (status == SOTTO_OK && o->rows != NULL && strcmp(o->rows, "held-out") != 0 &&
        strcmp(o->rows, "all") != 0)
        status = sotto_diag_set(diag, SOTTO_ERR(HQ, USAGE), "--rows is held-out or all");
    return status;
}

static bool read_whole(const sotto_model *m, const char *name, int64_t *out)
{
    char text[256];
    learn_provenance(m, name, text, sizeof text);
    return sotto_parse_i64(sotto_span_str(text), out) == SOTTO_OK;
}

/* Rows that a model was trained on would make it look better than it is. */
static sotto_status choose_rows(calibrating *w, sotto_diag *diag)
{
    char split[256];
    const sotto_model *m = w->in.model;
    learn_choose(NULL, m, "sotto.data", w->data);
    learn_choose(NULL, m, "sotto.split", split);
    bool known = learn_split_find(split, &w->trained.kind) &&
                 read_whole(m, "sotto.holdout", &w->trained.holdout_percent) &&
                 read_whole(m, "sotto.seed", &w->trained.seed) && w->trained.holdout_percent >= 0 &&
                 w->trained.holdout_percent <= 90;
    bool same_table = strcmp(w->data, learn_file_name(w->o->table)) == 0;
    w->held_out_only = w->o->rows == NULL ? same_table : strcmp(w->o->rows, "held-out") == 0;
    if (!w->held_out_only || (known && w->trained.holdout_percent > 0))
        return SOTTO_OK;
    return sotto_diag_at(
        diag, SOTTO_ERR(HQ, RANGE), w->o->model, 0,
        "no rows are known that this model was not trained on: calibrate by another table, or "
        "with --rows all");
}

static sotto_status read_rows(calibrating *w, sotto_diag *diag)
{
    const calibrate_options *o = w->o;
    learn_choose(o->label, w->in.model, "sotto.label", w->label);
    learn_choose(o->label != NULL && o->positive == NULL ? "" : o->positive, w->in.model, "sotto.positive",
                 w->positive);
    learn_choose(o->today, w->in.model, "sotto.today", w->today);
    learn_choose(o->date_column, w->in.model, "sotto.date_column", w->date_column);
    sotto_status status = hq_need(w->label[0] == '\0' ? NULL : w->label, "--label COLUMN", diag);
    learn_plan plan = {.model = w->in.model,
                       .features = sotto_model_feature(w->in.model, 0),
                       .feature_count = sotto_model_info_of(w->in.model)->features,
                       .dictionary = w->in.dictionary,
                       .label = w->label,
                       .positive = w->positive[0] == '\0' ? NULL : w->positive,
                       .today = w->today[0] == '\0' ? NULL : w->today,
                       .date_column = w->date_column[0] == '\0' ? NULL : w->date_column};
    return status == SOTTO_OK ? learn_table_read(&w->table, &plan, o->table, diag) : status;
}

/* Takes margins and labels of the rows whose part (fits, judges) is wanted, behind those already taken. */
static size_t take_rows(calibrating *w, const size_t *rows, size_t n, bool judges, size_t at)
{
    learn_split half = {.kind = w->held_out_only ? w->trained.kind : LEARN_SPLIT_RANDOM,
                        .seed = w->o->seed + 7, /* not the draw that held the rows out */
                        .holdout_percent = w->o->holdout};
    size_t taken = 0;
    for (size_t i = 0; i < n; i++)
        if (learn_split_held_out(&half, i, n) == judges) {
            w->margin_q24[at + taken] =
                sotto_model_margin_q24(w->in.model, w->table.keys + rows[i] * w->table.features);
            w->labels[at + taken++] = w->table.labels[rows[i]];
        }
    return taken;
}

static sotto_status check_classes(const calibrating *w, sotto_diag *diag)
{
    size_t positives[2] = {0, 0};
    for (size_t i = 0; i < w->fitted + w->judged; i++)
        positives[i >= w->fitted] += w->labels[i];
    if (positives[0] > 0 && positives[0] < w->fitted && positives[1] > 0 && positives[1] < w->judged)
        return SOTTO_OK;
    return sotto_diag_at(diag, SOTTO_ERR(HQ, RANGE), w->o->table, 0,
                         "of the %zu rows to fit on and the %zu to judge by, some need each label", w->fitted,
                         w->judged);
}

static sotto_status part_rows(calibrating *w, sotto_diag *diag)
{
    size_t n = 0, *rows = calloc(w->table.rows, sizeof *rows);
    w->margin_q24 = calloc(w->table.rows, sizeof *w->margin_q24);
    w->labels = calloc(w->table.rows, 1);
    sotto_status status = SOTTO_OK;
    if (rows == NULL || w->margin_q24 == NULL || w->labels == NULL)
        status = hq_no_memory(diag);
    for (size_t row = 0; status == SOTTO_OK && row < w->table.rows; row++)
        if (!w->held_out_only || learn_split_held_out(&w->trained, row, w->table.rows))
            rows[n++] = row;
    if (status == SOTTO_OK) {
        w->fitted = take_rows(w, rows, n, false, 0);
        w->judged = take_rows(w, rows, n, true, w->fitted);
        status = check_classes(w, diag);
    }
    free(rows);
    return status;
}

static sotto_status judge(const calibrating *w, const sotto_model *m, quality *q, sotto_diag *diag)
{
    double *p = calloc(w->judged, sizeof *p);
    const uint8_t *labels = w->labels + w->fitted;
    if (p == NULL)
        return hq_no_memory(diag);
    q->mean = 0;
    for (size_t i = 0; i < w->judged; i++) {
        p[i] = (double)sotto_model_probability_q30(m, w->margin_q24[w->fitted + i]) / ONE_Q30;
        q->mean += p[i] / (double)w->judged;
    }
    q->ece = learn_ece(p, labels, w->judged, ECE_BINS);
    q->brier = learn_brier(p, labels, w->judged);
    q->logloss = learn_logloss_of(p, labels, w->judged);
    free(p);
    return SOTTO_OK;
}

static sotto_status write_model(calibrating *w, sotto_diag *diag)
{
    sotto_vec lines;
    sotto_vec_init(&lines, 4096);
    sotto_status status = sotto_vec_printf(
        &lines, "sotto.calibration=%s\nsotto.calibration_data=%s\nsotto.calibration_rows=%zu\n", w->o->method,
        learn_file_name(w->o->table), w->fitted);
    if (status == SOTTO_OK)
        status = sotto_forge_calibrate(sotto_vec_span(&w->in.model_file), &w->calibration.c,
                                       sotto_vec_span(&lines), &w->file, diag);
    sotto_vec_free(&lines);
    return learn_place(status, w->o->model, diag);
}

/* The new model as a terminal will load it judges the rows that it was not fitted on. */
static sotto_status judge_both(calibrating *w, sotto_diag *diag)
{
    learn_input after = {.model_file = w->file}; /* borrowed */
    for (size_t i = 0; i < w->judged; i++)
        w->share += (double)w->labels[w->fitted + i] / (double)w->judged;
    sotto_status status = judge(w, w->in.model, &w->before, diag);
    if (status == SOTTO_OK)
        status = learn_input_load(&after, diag);
    if (status == SOTTO_OK)
        status = judge(w, after.model, &w->after, diag);
    free(after.model_memory);
    return status;
}

static void print_quality(const char *when, const quality *q)
{
    printf("  %-7s mean probability %.4f, calibration error %.4f, Brier %.4f, log loss %.4f\n", when, q->mean,
           q->ece, q->brier, q->logloss);
}

/* Worse by the log loss of rows that it was not fitted on: too few rows, or none were needed. */
static bool is_worse(const calibrating *w)
{
    return w->after.logloss > w->before.logloss;
}

static sotto_status say_text(const calibrating *w, sotto_diag *diag)
{
    char fitted[32], judged[32];
    printf("%s: %s fitted on %s rows", w->o->out, w->o->method, learn_grouped(w->fitted, fitted));
    if (w->calibration.c.kind == SOTTO_CALIBRATION_PLATT)
        printf(": the sigmoid of %.6f x margin %+.6f\n", (double)w->calibration.c.slope_q24 / 16777216.0,
               (double)w->calibration.c.offset_q24 / 16777216.0);
    else
        printf(": %zu points\n", w->calibration.c.points);
    printf("on %s other rows, %.2f %% of them positive:\n", learn_grouped(w->judged, judged), 100 * w->share);
    print_quality("before:", &w->before);
    print_quality("after:", &w->after);
    if (is_worse(w))
        printf("  Worse than before on rows that it was not fitted on: keep the model as it was, or fit on "
               "more rows%s.\n",
               w->calibration.c.kind == SOTTO_CALIBRATION_ISOTONIC ? ", or by --method platt" : "");
    return learn_flush(diag);
}

static void json_quality(sotto_json_writer *w, const char *name, const quality *q)
{
    sotto_json_name(w, name);
    sotto_json_obj(w);
    learn_json_real(w, "mean", q->mean, 6);
    learn_json_real(w, "ece", q->ece, 6);
    learn_json_real(w, "brier", q->brier, 6);
    learn_json_real(w, "logloss", q->logloss, 6);
    sotto_json_obj_end(w);
}

static sotto_status say_json(const calibrating *w, sotto_diag *diag)
{
    uint8_t memory[2048];
    sotto_buf buf = sotto_buf_of(memory, sizeof memory);
    sotto_json_writer j = sotto_json_writer_of(&buf);
    sotto_json_obj(&j);
    sotto_json_name(&j, "file");
    sotto_json_cstr(&j, w->o->out);
    sotto_json_name(&j, "method");
    sotto_json_cstr(&j, w->o->method);
    sotto_json_name(&j, "fitted");
    sotto_json_u64(&j, w->fitted);
    sotto_json_name(&j, "judged");
    sotto_json_u64(&j, w->judged);
    sotto_json_name(&j, "points");
    sotto_json_u64(&j, w->calibration.c.points);
    learn_json_real(&j, "positive_share", w->share, 6);
    json_quality(&j, "before", &w->before);
    json_quality(&j, "after", &w->after);
    sotto_json_name(&j, "worse");
    sotto_json_bool(&j, is_worse(w));
    sotto_json_obj_end(&j);
    return learn_json_print(&j, diag);
}

static sotto_status check_model(const calibrating *w, sotto_diag *diag)
{
    const sotto_model_info *i = sotto_model_info_of(w->in.model);
    if (i->link == SOTTO_LINK_LOGISTIC && i->outputs == 1)
        return SOTTO_OK;
    return sotto_diag_at(diag, SOTTO_ERR(HQ, UNSUPPORTED), w->o->model, 0,
                         "only a model with one probability can be calibrated");
}

static sotto_status run(calibrating *w, sotto_diag *diag)
{
    sotto_status status = learn_input_init(&w->in, diag);
    if (status == SOTTO_OK)
        status = learn_input_read(&w->in, w->o->dictionary, NULL, diag);
    if (status == SOTTO_OK)
        status = learn_input_model(&w->in, w->o->model, diag);
    if (status == SOTTO_OK)
        status = check_model(w, diag);
    if (status == SOTTO_OK)
        status = choose_rows(w, diag);
    if (status == SOTTO_OK)
        status = read_rows(w, diag);
    if (status == SOTTO_OK)
        status = part_rows(w, diag);
    if (status == SOTTO_OK)
        status = learn_place((strcmp(w->o->method, "platt") == 0 ? learn_fit_platt : learn_fit_isotonic)(
                                 &w->calibration, w->margin_q24, w->labels, w->fitted, diag),
                             w->o->table, diag);
    if (status == SOTTO_OK)
        status = write_model(w, diag);
    if (status == SOTTO_OK)
        status = judge_both(w, diag);
    if (status == SOTTO_OK)
        status = sotto_port_write_file(w->o->out, sotto_vec_span(&w->file), 0644, diag);
    if (status == SOTTO_OK)
        status = w->o->json ? say_json(w, diag) : say_text(w, diag);
    return status;
}

int learn_cmd_calibrate(int argc, char **argv)
{
    sotto_diag diag = {.status = SOTTO_OK};
    calibrate_options o = {.method = "platt", .holdout = 50, .seed = 1};
    calibrating w = {.o = &o};
    if (hq_help(argc, argv, HELP))
        return 0;
    sotto_vec_init(&w.file, (size_t)1 << 30);
    sotto_status status = parse(&o, argc, argv, &diag);
    if (status == SOTTO_OK)
        status = run(&w, &diag);
    learn_calibration_free(&w.calibration);
    learn_table_free(&w.table);
    sotto_vec_free(&w.file);
    learn_input_free(&w.in);
    free(w.margin_q24);
    free(w.labels);
    return learn_finish(status, &diag);
}
