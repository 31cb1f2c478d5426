/* sotto-hq train: a propensity model from a table with a label, through XGBoost. */
#include "commands.h"
#include "learn/goal.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const char HELP[] =
    "sotto-hq train: trains a propensity model (gradient-boosted trees) on a table with a label\n"
    "\n"
    "  sotto-hq train --data contacts.csv --dictionary dictionary.json --recipe recipe.json \\\n"
    "           --label taken -o model.json\n"
    "\n"
    "  --data FILE          table with a header; , ; or tab, also .xz\n"
    "  --dictionary FILE    the tags: how columns are read\n"
    "  --recipe FILE        which tags become which features\n"
    "  --label COLUMN       what is to be predicted; 0/1, no/yes or false/true\n"
    "  --objective WORD     binary (as above), or of a label that is a number: regression, count, amount\n"
    "                       (0 or more, many zeros), multiclass (0, 1, 2, ...), rank (0 to 31, within\n"
    "                       groups)\n"
    "  --group COLUMN       of rank: what is ranked together; its rows stand together\n"
    "  --positive WORD      the label's value that counts as yes, when it is another one\n"
    "  -o FILE              where the trained model goes (XGBoost's JSON)\n"
    "  --split random|time  which rows are held out for the figures: any, or the last ones (random)\n"
    "  --holdout PERCENT    how many rows are held out, 0 to 90 (20)\n"
    "  --time-order         the rows are in order of time: report the time split too, and drift\n"
    "  --cv K               cross-validate as well: K folds, 2 to 50; with time-order also rolling in\n"
    "                       time\n"
    "  --tune N             search: N draws of depth, eta, rounds, weights, shares and lambda, judged\n"
    "                       by folds inside the training rows; with --cv anew in every fold\n"
    "  --tune-by auc|logloss  what the search wants (auc)\n"
    "  --contacted PERCENT  the figures say which share of the positives the best so many per cent hold\n"
    "                       (38)\n"
    "  --early-stop N       stop when N rounds brought nothing on a tenth of the training rows\n"
    "  --weight COLUMN      what each row weighs in training, 0 to 1e+06; the figures count each row once\n"
    "  --class-weight X|balanced   weight of a positive row (1)\n"
    "  --monotone FEATURE=up|down  the score never falls (rises) as the feature grows; may stand again\n"
    "  --today DATE, --date-column NAME   the day of each row, for recipes with ages\n"
    "  --rounds N (300)  --depth N (6)  --eta X (0.05)  --seed N (1)\n"
    "  --threads N (1; all for large tables)\n"
    "  --min-child-weight X (1)  --subsample X (1)  --colsample X (1)  --lambda X (1)\n"
    "  --json               the figures as JSON\n";

static sotto_status parse(learn_train_options *o, int argc, char **argv, sotto_diag *diag)
{
    learn_settings *s = &o->settings;
    const hq_option options[] = {{"--data", HQ_TEXT, &o->data, true, 0, 0},
                                 {"--dictionary", HQ_TEXT, &o->dictionary, true, 0, 0},
                                 {"--recipe", HQ_TEXT, &o->recipe, true, 0, 0},
                                 {"--label", HQ_TEXT, &o->label, true, 0, 0},
                                 {"--objective", HQ_TEXT, &o->objective, false, 0, 0},
                                 {"--group", HQ_TEXT, &o->group, false, 0, 0},
                                 {"--positive", HQ_TEXT, &o->positive, false, 0, 0},
                                 {"-o", HQ_TEXT, &o->out, true, 0, 0},
                                 {"--split", HQ_TEXT, &o->split, false, 0, 0},
                                 {"--today", HQ_TEXT, &o->today, false, 0, 0},
                                 {"--date-column", HQ_TEXT, &o->date_column, false, 0, 0},
                                 {"--holdout", HQ_NUMBER, &o->holdout, false, 0, 90},
                                 {"--time-order", HQ_FLAG, &o->time_order, false, 0, 0},
                                 {"--cv", HQ_NUMBER, &o->folds, false, 2, LEARN_FOLDS_MAX},
                                 {"--tune", HQ_NUMBER, &o->tries, false, 1, 10000},
                                 {"--tune-by", HQ_TEXT, &o->tune_by, false, 0, 0},
                                 {"--contacted", HQ_REAL, &o->contacted, false, 0.1, 100},
                                 {"--weight", HQ_TEXT, &o->weight, false, 0, 0},
                                 {"--class-weight", HQ_TEXT, &o->class_weight, false, 0, 0},
                                 {"--monotone", HQ_LIST, &o->monotone, false, 0, 0},
                                 {"--json", HQ_FLAG, &o->json, false, 0, 0},
                                 {"--rounds", HQ_NUMBER, &s->rounds, false, 1, SOTTO_MODEL_TREES_MAX},
                                 {"--depth", HQ_NUMBER, &s->depth, false, 1, 20},
                                 {"--seed", HQ_NUMBER, &s->seed, false, 0, INT32_MAX},
                                 {"--threads", HQ_NUMBER, &s->threads, false, 0, 1024},
                                 {"--early-stop", HQ_NUMBER, &s->early_stop, false, 0, SOTTO_MODEL_TREES_MAX},
                                 {"--eta", HQ_REAL, &s->eta, false, 1e-6, 1},
                                 {"--min-child-weight", HQ_REAL, &s->min_child_weight, false, 0, 1e9},
                                 {"--subsample", HQ_REAL, &s->subsample, false, 0.01, 1},
                                 {"--colsample", HQ_REAL, &s->colsample, false, 0.01, 1},
                                 {"--lambda", HQ_REAL, &s->lambda, false, 0, 1e9}};
    return hq_parse(argc, argv, options, SOTTO_COUNT(options), diag);
}

/* 1 trained on, 2 watched for early stopping, 0 held out. */
static uint8_t *assign_rows(const learn_table *t, const learn_split *split, bool watch, sotto_diag *diag)
{
    uint8_t *use = malloc(t->rows);
    if (use == NULL)
        (void)hq_no_memory(diag);
    for (size_t row = 0; use != NULL && row < t->rows; row++) {
        bool held_out = learn_split_held_out(split, row, t->rows);
        use[row] = held_out                                            ? LEARN_JUDGED
                   : watch && learn_split_watched(split, row, t->rows) ? LEARN_WATCHED
                                                                       : LEARN_TRAINED;
    }
    return use;
}

static sotto_status train_split(learn_booster **out, const learn_job *job, const learn_split *split,
                                const learn_settings *s, learn_figures *f, sotto_diag *diag)
{
    *out = NULL;
    uint8_t *use = assign_rows(job->table, split, s->early_stop > 0, diag);
    if (use == NULL)
        return diag->status;
    sotto_status status = learn_fit(out, job, use, s, f, NULL, diag);
    free(use);
    return status;
}

sotto_status learn_booster_save(learn_booster *b, const char *path, size_t *bytes, sotto_diag *diag)
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

/* The search sees the rows that are trained on, and no others. */
static sotto_status tune(const learn_train_options *o, const learn_job *job, learn_outcome *r,
                         sotto_diag *diag)
{
    learn_search search = {.tries = o->tries, .seed = o->settings.seed, .kind = r->split.kind};
    search.by_logloss = strcmp(o->tune_by, "logloss") == 0;
    if (o->tries == 0)
        return SOTTO_OK;
    uint8_t *pool = assign_rows(job->table, &r->split, false, diag);
    if (pool == NULL)
        return diag->status;
    sotto_status status = learn_tune(&r->settings, &r->tuned, job, pool, &search, diag);
    free(pool);
    return status;
}

static sotto_status cross_validate(const learn_train_options *o, const learn_job *job, learn_outcome *r,
                                   sotto_diag *diag)
{
    learn_search search = {.tries = o->tries, .seed = o->settings.seed};
    search.by_logloss = strcmp(o->tune_by, "logloss") == 0;
    sotto_status status = SOTTO_OK;
    for (int kind = 0; status == SOTTO_OK && o->folds > 0 && kind < 2; kind++) {
        if ((int)r->split.kind != kind && !o->time_order)
            continue;
        r->cv[kind].folds = (learn_folds){
            .kind = (enum learn_split_kind)kind, .seed = o->settings.seed, .count = (size_t)o->folds};
        status = learn_cross_validate(&r->cv[kind], job, &o->settings, &search, diag);
        r->has_cv[kind] = status == SOTTO_OK;
    }
    return status;
}

/* What says how good the model is on rows that it has not seen. */
static sotto_status report_others(const learn_train_options *o, const learn_job *job, learn_outcome *r,
                                  sotto_diag *diag)
{
    learn_booster *other = NULL;
    sotto_status status = SOTTO_OK;
    if (o->time_order && o->holdout > 0) {
        learn_split second = r->split;
        second.kind = second.kind == LEARN_SPLIT_TIME ? LEARN_SPLIT_RANDOM : LEARN_SPLIT_TIME;
        status = train_split(&other, job, &second, &r->settings, &r->split_figures[second.kind], diag);
        if (status == SOTTO_OK)
            status = learn_drift_measure(&r->drift, job, &r->settings, o->holdout, diag);
        r->has_drift = status == SOTTO_OK;
    }
    learn_booster_free(other);
    return status == SOTTO_OK ? cross_validate(o, job, r, diag) : status;
}

/* The model comes from one split. The other one, when asked for, is trained anew on its own rows: its figures
 * would mean nothing for a model that has seen them. */
static sotto_status train_all(const learn_train_options *o, const learn_job *job, learn_outcome *r,
                              sotto_diag *diag)
{
    learn_booster *model = NULL;
    sotto_status status = tune(o, job, r, diag);
    if (status == SOTTO_OK)
        status = train_split(&model, job, &r->split, &r->settings, &r->split_figures[r->split.kind], diag);
    if (status == SOTTO_OK)
        status = report_others(o, job, r, diag);
    if (status == SOTTO_OK)
        status = learn_train_stamp(model, o, r, diag);
    if (status == SOTTO_OK)
        status = learn_booster_save(model, o->out, &r->bytes, diag);
    if (status == SOTTO_OK)
        status = learn_train_say(o, job, r, diag);
    learn_booster_free(model);
    return status;
}

static sotto_status read_class_weight(const learn_train_options *o, learn_settings *s, sotto_diag *diag)
{
    char *end = NULL;
    if (strcmp(o->class_weight, "balanced") == 0) {
        s->positive_weight = 0;
        return SOTTO_OK;
    }
    s->positive_weight = strtod(o->class_weight, &end);
    if (end == o->class_weight || *end != '\0' || !(s->positive_weight >= 1e-6 && s->positive_weight <= 1e6))
        return sotto_diag_set(diag, SOTTO_ERR(HQ, USAGE),
                              "--class-weight must be balanced, or a number from 1e-06 to 1e+06");
    return SOTTO_OK;
}

static int find_feature(const sotto_recipe *recipe, const char *name, size_t len)
{
    for (size_t i = 0; i < recipe->count; i++)
        if (strlen(recipe->features[i].name) == len && memcmp(recipe->features[i].name, name, len) == 0)
            return (int)i;
    return -1;
}

/* "income=up": the last = divides, names may hold others. */
static sotto_status read_monotone(const hq_list *list, const sotto_recipe *recipe, int8_t *out,
                                  sotto_diag *diag)
{
    for (size_t i = 0; i < list->count; i++) {
        const char *item = list->item[i], *equals = strrchr(item, '=');
        bool up = equals != NULL && strcmp(equals, "=up") == 0;
        if (!up && (equals == NULL || strcmp(equals, "=down") != 0))
            return sotto_diag_set(diag, SOTTO_ERR(HQ, USAGE), "--monotone %.80s: FEATURE=up or FEATURE=down",
                                  item);
        int feature = find_feature(recipe, item, (size_t)(equals - item));
        if (feature < 0)
            return sotto_diag_set(diag, SOTTO_ERR(HQ, NOT_FOUND),
                                  "--monotone %.80s: the recipe has no such feature", item);
        if (out[feature] != 0)
            return sotto_diag_set(diag, SOTTO_ERR(HQ, USAGE), "--monotone %.80s: stands twice", item);
        out[feature] = up ? 1 : -1;
    }
    return SOTTO_OK;
}

static sotto_status check_words(const learn_train_options *o, learn_outcome *r, sotto_diag *diag)
{
    if (!learn_split_find(o->split, &r->split.kind))
        return sotto_diag_set(diag, SOTTO_ERR(HQ, USAGE), "--split is random or time");
    if (strcmp(o->tune_by, "auc") != 0 && strcmp(o->tune_by, "logloss") != 0)
        return sotto_diag_set(diag, SOTTO_ERR(HQ, USAGE), "--tune-by is auc or logloss");
    bool binary = strcmp(o->objective, "binary") == 0;
    if (!binary && learn_goal_find(o->objective) == NULL)
        return sotto_diag_set(diag, SOTTO_ERR(HQ, USAGE),
                              "--objective is binary, regression, count, amount, multiclass or rank");
    if (binary && o->group != NULL)
        return sotto_diag_set(diag, SOTTO_ERR(HQ, USAGE), "--group is for --objective rank");
    return SOTTO_OK;
}

static sotto_status read_and_train(const learn_train_options *o, const learn_input *in, learn_outcome *r,
                                   sotto_diag *diag)
{
    learn_table table;
    learn_plan plan = {.features = in->recipe.features,
                       .feature_count = in->recipe.count,
                       .dictionary = in->dictionary,
                       .label = o->label,
                       .weight = o->weight,
                       .positive = o->positive,
                       .today = o->today,
                       .date_column = o->date_column};
    sotto_status status = learn_table_read(&table, &plan, o->data, diag);
    if (status == SOTTO_OK && (table.positives == 0 || table.positives == table.rows))
        status = sotto_diag_at(diag, SOTTO_ERR(HQ, RANGE), o->data, 0,
                               "every row has the same label; --positive names the word that counts as yes");
    learn_job job = {.table = &table, .recipe = &in->recipe, .contacted = o->contacted / 100};
    if (status == SOTTO_OK)
        status = train_all(o, &job, r, diag);
    learn_table_free(&table);
    return status;
}

static sotto_status run(learn_train_options *o, learn_input *in, learn_outcome *r, sotto_diag *diag)
{
    int8_t monotone[SOTTO_MODEL_FEATURES_MAX] = {0};
    r->split = (learn_split){.seed = o->settings.seed, .holdout_percent = o->holdout};
    sotto_status status = check_words(o, r, diag);
    if (status == SOTTO_OK)
        status = read_class_weight(o, &o->settings, diag);
    if (status == SOTTO_OK)
        status = learn_input_read(in, o->dictionary, o->recipe, diag);
    if (status == SOTTO_OK && in->recipe.count > SOTTO_MODEL_FEATURES_MAX)
        status =
            sotto_diag_at(diag, SOTTO_ERR(HQ, RANGE), o->recipe, 0, "%zu features; a model has at most %d",
                          in->recipe.count, SOTTO_MODEL_FEATURES_MAX);
    if (status == SOTTO_OK)
        status = read_monotone(&o->monotone, &in->recipe, monotone, diag);
    if (o->monotone.count > 0)
        o->settings.monotone = monotone;
    r->settings = o->settings;
    r->tuned = NAN;
    const learn_goal *goal = learn_goal_find(o->objective);
    if (status == SOTTO_OK && goal != NULL)
        return learn_goal_train(o, in, goal, r->split.kind, diag);
    return status == SOTTO_OK ? read_and_train(o, in, r, diag) : status;
}

int hq_cmd_train(int argc, char **argv)
{
    sotto_diag diag = {.status = SOTTO_OK};
    learn_input in = {.memory = NULL};
    learn_train_options o = {.split = "random",
                             .class_weight = "1",
                             .tune_by = "auc",
                             .objective = "binary",
                             .holdout = 20,
                             .contacted = 38,
                             .settings = {.rounds = 300, .depth = 6, .seed = 1}};
    o.settings.eta = 0.05;
    o.settings.min_child_weight = o.settings.subsample = o.settings.colsample = o.settings.lambda = 1;
    if (hq_help(argc, argv, HELP))
        return 0;
    learn_outcome *r = calloc(1, sizeof *r);
    sotto_status status = r == NULL ? hq_no_memory(&diag) : parse(&o, argc, argv, &diag);
    if (status == SOTTO_OK)
        status = learn_input_init(&in, &diag);
    if (status == SOTTO_OK)
        status = run(&o, &in, r, &diag);
    learn_input_free(&in);
    free(r);
    return learn_finish(status, &diag);
}
