/* sotto-hq train: a propensity model from a table with a label, through XGBoost. */
#include "learn_priv.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const char HELP[] =
    "sotto-hq train: trains a propensity model (gradient-boosted trees) on a table with a label\n"
    "\n"
    "  sotto-hq train --data contacts.csv --dictionary dictionary.json --recipe recipe.json --label taken -o "
    "model.json\n"
    "\n"
    "  --data FILE          table with a header; , ; or tab, also .xz\n"
    "  --dictionary FILE    the tags: how columns are read\n"
    "  --recipe FILE        which tags become which features\n"
    "  --label COLUMN       what is to be predicted; 0/1, no/yes or false/true\n"
    "  --positive WORD      the label's value that counts as yes, when it is another one\n"
    "  -o FILE              where the trained model goes (XGBoost's JSON)\n"
    "  --split random|time  which rows are held out for the figures: any, or the last ones (random)\n"
    "  --holdout PERCENT    how many rows are held out, 0 to 90 (20)\n"
    "  --time-order         the rows are in order of time: report the time split too\n"
    "  --early-stop N       stop when N rounds brought nothing on a tenth of the training rows\n"
    "  --today DATE, --date-column NAME   the day of each row, for recipes with ages\n"
    "  --rounds N (300)  --depth N (6)  --eta X (0.05)  --seed N (1)  --threads N (1; all for large tables)\n"
    "  --min-child-weight X (1)  --subsample X (1)  --colsample X (1)  --lambda X (1)\n"
    "  --json               the figures as JSON\n";

typedef struct train_options {
    const char *data, *dictionary, *recipe, *label, *positive, *out, *split, *today, *date_column;
    int64_t holdout;
    bool time_order, json, help;
    learn_settings settings;
} train_options;

/* Figures of one split. */
typedef struct figures {
    size_t trained, held_out;
    double auc, logloss;
    size_t trees;
} figures;

static sotto_status parse(train_options *o, int argc, char **argv, sotto_diag *diag)
{
    learn_settings *s = &o->settings;
    const learn_option options[] = {{"--data", LEARN_TEXT, &o->data, 0, 0},
                                    {"--dictionary", LEARN_TEXT, &o->dictionary, 0, 0},
                                    {"--recipe", LEARN_TEXT, &o->recipe, 0, 0},
                                    {"--label", LEARN_TEXT, &o->label, 0, 0},
                                    {"--positive", LEARN_TEXT, &o->positive, 0, 0},
                                    {"-o", LEARN_TEXT, &o->out, 0, 0},
                                    {"--split", LEARN_TEXT, &o->split, 0, 0},
                                    {"--today", LEARN_TEXT, &o->today, 0, 0},
                                    {"--date-column", LEARN_TEXT, &o->date_column, 0, 0},
                                    {"--holdout", LEARN_NUMBER, &o->holdout, 0, 90},
                                    {"--time-order", LEARN_FLAG, &o->time_order, 0, 0},
                                    {"--json", LEARN_FLAG, &o->json, 0, 0},
                                    {"--rounds", LEARN_NUMBER, &s->rounds, 1, SOTTO_MODEL_TREES_MAX},
                                    {"--depth", LEARN_NUMBER, &s->depth, 1, 20},
                                    {"--seed", LEARN_NUMBER, &s->seed, 0, INT32_MAX},
                                    {"--threads", LEARN_NUMBER, &s->threads, 0, 1024},
                                    {"--early-stop", LEARN_NUMBER, &s->early_stop, 0, SOTTO_MODEL_TREES_MAX},
                                    {"--eta", LEARN_REAL, &s->eta, 1e-6, 1},
                                    {"--min-child-weight", LEARN_REAL, &s->min_child_weight, 0, 1e9},
                                    {"--subsample", LEARN_REAL, &s->subsample, 0.01, 1},
                                    {"--colsample", LEARN_REAL, &s->colsample, 0.01, 1},
                                    {"--lambda", LEARN_REAL, &s->lambda, 0, 1e9}};
    sotto_status status = learn_parse_args(argc, argv, options, SOTTO_COUNT(options), NULL, 0, NULL, diag);
    const struct {
        const char *value, *name;
    } needed[] = {{o->data, "--data FILE"},
                  {o->dictionary, "--dictionary FILE"},
                  {o->recipe, "--recipe FILE"},
                  {o->label, "--label COLUMN"},
                  {o->out, "-o FILE"}};
    for (size_t i = 0; status == SOTTO_OK && i < SOTTO_COUNT(needed); i++)
        status = learn_need(needed[i].value, needed[i].name, diag);
    return status;
}

/* 1 trained on, 2 watched for early stopping, 0 held out. */
static uint8_t *assign_rows(const learn_table *t, const learn_split *split, bool watch, sotto_diag *diag)
{
    uint8_t *use = malloc(t->rows);
    if (use == NULL)
        (void)sotto_diag_set(diag, SOTTO_ERR(HQ, NO_MEMORY), "out of memory");
    for (size_t row = 0; use != NULL && row < t->rows; row++) {
        bool held_out = learn_split_held_out(split, row, t->rows);
        use[row] = held_out ? 0 : watch && learn_split_watched(split, row, t->rows) ? 2 : 1;
    }
    return use;
}

/* Figures on the held-out rows. */
static sotto_status evaluate(learn_booster *b, const learn_table *t, const uint8_t *use, figures *out,
                             sotto_diag *diag)
{
    float *all = calloc(t->rows, sizeof *all);
    double *margin = calloc(t->rows, sizeof *margin);
    uint8_t *labels = calloc(t->rows, 1);
    sotto_status status = SOTTO_OK;
    size_t n = 0;
    if (all == NULL || margin == NULL || labels == NULL)
        status = sotto_diag_set(diag, SOTTO_ERR(HQ, NO_MEMORY), "out of memory");
    if (status == SOTTO_OK)
        status = learn_booster_margins(b, t, 0, t->rows, all, diag);
    for (size_t row = 0; status == SOTTO_OK && row < t->rows; row++)
        if (use[row] == 0) {
            margin[n] = (double)all[row];
            labels[n++] = t->labels[row];
        }
    *out = (figures){.trained = t->rows - n,
                     .held_out = n,
                     .auc = learn_auc(margin, labels, n),
                     .logloss = learn_logloss(margin, labels, n),
                     .trees = learn_booster_trees(b)};
    free(all);
    free(margin);
    free(labels);
    return status;
}

static sotto_status train_split(learn_booster **out, const learn_table *t, const learn_split *split,
                                const sotto_feature *features, const learn_settings *s, figures *f,
                                sotto_diag *diag)
{
    *out = NULL;
    uint8_t *use = assign_rows(t, split, s->early_stop > 0, diag);
    if (use == NULL)
        return diag->status;
    sotto_status status = learn_booster_train(out, t, use, features, s, diag);
    if (status == SOTTO_OK)
        status = evaluate(*out, t, use, f, diag);
    free(use);
    return status;
}

static void add_pair(learn_pair *pairs, size_t *n, const char *name, const char *value)
{
    pairs[*n].name = name;
    (void)snprintf(pairs[(*n)++].value, sizeof pairs->value, "%s", value);
}

static void add_number(learn_pair *pairs, size_t *n, const char *name, double value)
{
    char text[40];
    (void)snprintf(text, sizeof text, "%.10g", value);
    add_pair(pairs, n, name, text);
}

/* The data's name without the folder: a path of this machine is nobody else's business. */
static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash == NULL ? path : slash + 1;
}

/* Every setting goes into the model: who compiles it later can find the held-out rows again. */
static sotto_status stamp(learn_booster *b, const train_options *o, const learn_split *split,
                          const figures *f, sotto_diag *diag)
{
    learn_pair pairs[24];
    size_t n = 0;
    const learn_settings *s = &o->settings;
    add_pair(pairs, &n, "sotto.data", base_name(o->data));
    add_pair(pairs, &n, "sotto.label", o->label);
    add_pair(pairs, &n, "sotto.positive", o->positive == NULL ? "" : o->positive);
    add_pair(pairs, &n, "sotto.today", o->today == NULL ? "" : o->today);
    add_pair(pairs, &n, "sotto.date_column", o->date_column == NULL ? "" : o->date_column);
    add_pair(pairs, &n, "sotto.split", learn_split_name(split->kind));
    add_number(pairs, &n, "sotto.holdout", (double)split->holdout_percent);
    add_number(pairs, &n, "sotto.seed", (double)s->seed);
    add_number(pairs, &n, "sotto.rounds", (double)s->rounds);
    add_number(pairs, &n, "sotto.depth", (double)s->depth);
    add_number(pairs, &n, "sotto.early_stop", (double)s->early_stop);
    add_number(pairs, &n, "sotto.eta", s->eta);
    add_number(pairs, &n, "sotto.min_child_weight", s->min_child_weight);
    add_number(pairs, &n, "sotto.subsample", s->subsample);
    add_number(pairs, &n, "sotto.colsample", s->colsample);
    add_number(pairs, &n, "sotto.lambda", s->lambda);
    add_number(pairs, &n, "sotto.rows_trained", (double)f->trained);
    add_number(pairs, &n, "sotto.rows_held_out", (double)f->held_out);
    if (f->held_out > 0) {
        add_number(pairs, &n, "sotto.auc", f->auc);
        add_number(pairs, &n, "sotto.logloss", f->logloss);
    }
    return learn_booster_set(b, pairs, n, diag);
}

static sotto_status save(learn_booster *b, const char *path, size_t *bytes, sotto_diag *diag)
{
    sotto_vec json;
    sotto_vec_init(&json, SIZE_MAX / 4);
    sotto_status status = learn_booster_json(b, &json, diag);
    if (status == SOTTO_OK)
        status = sotto_port_write_file(path, sotto_vec_span(&json), 0644, diag);
    *bytes = json.len;
    sotto_vec_free(&json);
    return status;
}

static void print_split(const char *name, const figures *f)
{
    char trained[32], held_out[32];
    if (f->held_out == 0)
        return;
    printf("  %-6s split: trained on %s rows, %zu trees; on %s held-out rows AUC %.4f, log loss %.4f\n", name,
           learn_grouped(f->trained, trained), f->trees, learn_grouped(f->held_out, held_out), f->auc,
           f->logloss);
}

static void json_split(sotto_json_writer *w, const char *name, const figures *f)
{
    sotto_json_name(w, name);
    sotto_json_obj(w);
    sotto_json_name(w, "trained");
    sotto_json_u64(w, f->trained);
    sotto_json_name(w, "held_out");
    sotto_json_u64(w, f->held_out);
    sotto_json_name(w, "trees");
    sotto_json_u64(w, f->trees);
    learn_json_real(w, "auc", f->auc, 6);
    learn_json_real(w, "logloss", f->logloss, 6);
    sotto_json_obj_end(w);
}

static sotto_status report_json(const train_options *o, const learn_table *t, const figures f[2],
                                const learn_split *split, size_t bytes, sotto_diag *diag)
{
    uint8_t memory[2048];
    sotto_buf buf = sotto_buf_of(memory, sizeof memory);
    sotto_json_writer w = sotto_json_writer_of(&buf);
    sotto_json_obj(&w);
    sotto_json_name(&w, "rows");
    sotto_json_u64(&w, t->rows);
    sotto_json_name(&w, "positives");
    sotto_json_u64(&w, t->positives);
    sotto_json_name(&w, "features");
    sotto_json_u64(&w, t->features);
    sotto_json_name(&w, "model_split");
    sotto_json_cstr(&w, learn_split_name(split->kind));
    for (int kind = 0; kind < 2; kind++)
        if (f[kind].held_out > 0)
            json_split(&w, learn_split_name((enum learn_split_kind)kind), &f[kind]);
    sotto_json_name(&w, "bytes");
    sotto_json_u64(&w, bytes);
    sotto_json_name(&w, "file");
    sotto_json_cstr(&w, o->out);
    sotto_json_obj_end(&w);
    return learn_json_print(&w, diag);
}

static sotto_status report(const train_options *o, const learn_table *t, const figures f[2],
                           const learn_split *split, size_t bytes, sotto_diag *diag)
{
    char rows[32], positives[32], size[32];
    if (o->json)
        return report_json(o, t, f, split, bytes, diag);
    printf("%s rows, %s of them positive (%.2f %%), %zu features\n", learn_grouped(t->rows, rows),
           learn_grouped(t->positives, positives), 100.0 * (double)t->positives / (double)t->rows,
           t->features);
    for (int kind = 0; kind < 2; kind++)
        print_split(learn_split_name((enum learn_split_kind)kind), &f[kind]);
    printf("model of the %s split, %zu trees: %s (%s bytes)\n", learn_split_name(split->kind),
           f[split->kind].trees, o->out, learn_grouped(bytes, size));
    return learn_flush(diag);
}

/* The model comes from one split. The other one, when asked for, is trained anew on its own rows: its figures
 * would mean nothing for a model that has seen them. */
static sotto_status train_all(const train_options *o, const learn_table *t, const sotto_feature *features,
                              learn_split split, sotto_diag *diag)
{
    figures f[2] = {{.trained = 0}, {.trained = 0}};
    learn_booster *model = NULL, *other = NULL;
    size_t bytes = 0;
    sotto_status status = train_split(&model, t, &split, features, &o->settings, &f[split.kind], diag);
    if (status == SOTTO_OK && o->time_order && split.holdout_percent > 0) {
        learn_split second = split;
        second.kind = split.kind == LEARN_SPLIT_TIME ? LEARN_SPLIT_RANDOM : LEARN_SPLIT_TIME;
        status = train_split(&other, t, &second, features, &o->settings, &f[second.kind], diag);
    }
    if (status == SOTTO_OK)
        status = stamp(model, o, &split, &f[split.kind], diag);
    if (status == SOTTO_OK)
        status = save(model, o->out, &bytes, diag);
    if (status == SOTTO_OK)
        status = report(o, t, f, &split, bytes, diag);
    learn_booster_free(model);
    learn_booster_free(other);
    return status;
}

static sotto_status run(const train_options *o, learn_input *in, sotto_diag *diag)
{
    learn_split split = {.seed = o->settings.seed, .holdout_percent = o->holdout};
    if (!learn_split_find(o->split, &split.kind))
        return sotto_diag_set(diag, SOTTO_ERR(HQ, USAGE), "--split is random or time");
    sotto_status status = learn_input_read(in, o->dictionary, o->recipe, diag);
    if (status != SOTTO_OK)
        return status;
    learn_table table;
    learn_plan plan = {.features = in->recipe.features,
                       .feature_count = in->recipe.count,
                       .dictionary = in->dictionary,
                       .label = o->label,
                       .positive = o->positive,
                       .today = o->today,
                       .date_column = o->date_column};
    status = learn_table_read(&table, &plan, o->data, diag);
    if (status == SOTTO_OK && (table.positives == 0 || table.positives == table.rows))
        status = sotto_diag_at(diag, SOTTO_ERR(HQ, RANGE), o->data, 0,
                               "every row has the same label; --positive names the word that counts as yes");
    if (status == SOTTO_OK)
        status = train_all(o, &table, in->recipe.features, split, diag);
    learn_table_free(&table);
    return status;
}

int sotto_hq_cmd_train(int argc, char **argv)
{
    sotto_diag diag = {.status = SOTTO_OK};
    learn_input in = {.memory = NULL};
    train_options o = {.split = "random", .holdout = 20, .settings = {.rounds = 300, .depth = 6, .seed = 1}};
    o.settings.eta = 0.05;
    o.settings.min_child_weight = o.settings.subsample = o.settings.colsample = o.settings.lambda = 1;
    if (learn_help(argc, argv, HELP))
        return 0;
    sotto_status status = parse(&o, argc, argv, &diag);
    if (status == SOTTO_OK)
        status = learn_input_init(&in, &diag);
    if (status == SOTTO_OK)
        status = run(&o, &in, &diag);
    learn_input_free(&in);
    return learn_finish(status, &diag);
}
