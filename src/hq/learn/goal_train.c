/* sotto-hq train --objective: models of amounts, counts, classes and order. */
#include "learn/goal.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { PAIRS_MAX = 32, JSON_BYTES = 16 << 10 };

/* Figures of one split: by XGBoost's floats, by the compiled integers, and of one answer for all rows. */
typedef struct goal_split {
    bool there;
    size_t trained, held_out, rounds;
    double by_float[LEARN_GOAL_FIGURES], by_integer[LEARN_GOAL_FIGURES], constant[LEARN_GOAL_FIGURES];
} goal_split;

/* One command. */
typedef struct goal_run {
    const learn_train_options *o;
    const learn_goal *goal;
    learn_job job;
    learn_settings settings;
    size_t outputs;
    uint8_t *use;                      /* a row each */
    double *answers, *targets, *means; /* of judged rows: outputs each, one each; outputs */
    uint32_t *groups;                  /* of judged rows */
    enum learn_split_kind kind;
    goal_split split[2];
    size_t bytes;
    sotto_diag *diag;
} goal_run;

/* A group is held out whole: an order is judged within it. */
static void assign_rows(goal_run *w, enum learn_split_kind kind)
{
    const learn_table *t = w->job.table;
    learn_split split = {.kind = kind, .seed = w->o->settings.seed, .holdout_percent = w->o->holdout};
    size_t units = t->groups == NULL ? t->rows : t->group_count;
    for (size_t row = 0; row < t->rows; row++) {
        size_t unit = t->groups == NULL ? row : t->groups[row];
        bool watched = w->settings.early_stop > 0 && learn_split_watched(&split, unit, units);
        w->use[row] = learn_split_held_out(&split, unit, units) ? LEARN_JUDGED
                      : watched                                 ? LEARN_WATCHED
                                                                : LEARN_TRAINED;
    }
}

/* Mean of the targets that are trained on, or the share of each class: where boosting starts, and what the
 * model must beat. */
static void take_means(goal_run *w)
{
    const learn_table *t = w->job.table;
    double rows = 0;
    for (size_t k = 0; k < w->outputs; k++)
        w->means[k] = 0;
    for (size_t row = 0; row < t->rows; row++) {
        if (w->use[row] == LEARN_JUDGED)
            continue;
        double target = (double)t->targets[row], weight = t->weights == NULL ? 1 : (double)t->weights[row];
        bool class = w->goal->kind == LEARN_GOAL_MULTICLASS;
        w->means[class ? (size_t)target : 0] += class ? weight : weight * target;
        rows += weight;
    }
    for (size_t k = 0; k < w->outputs && rows > 0; k++)
        w->means[k] /= rows;
}

/* Targets and groups of the judged rows. Returns how many they are. */
static size_t take_judged(goal_run *w)
{
    const learn_table *t = w->job.table;
    size_t n = 0;
    for (size_t row = 0; row < t->rows; row++) {
        if (w->use[row] != LEARN_JUDGED)
            continue;
        w->groups[n] = t->groups == NULL ? 0 : t->groups[row];
        w->targets[n++] = (double)t->targets[row];
    }
    return n;
}

static void judge_constant(goal_run *w, goal_split *s)
{
    for (size_t i = 0; i < s->held_out; i++)
        for (size_t k = 0; k < w->outputs; k++)
            w->answers[i * w->outputs + k] = w->means[k];
    learn_goal_judge(w->goal, w->answers, w->targets, w->groups, s->held_out, w->outputs, s->constant);
}

static sotto_status judge_floats(goal_run *w, learn_booster *b, goal_split *s)
{
    const learn_table *t = w->job.table;
    size_t n = 0;
    float *all = calloc(t->rows * w->outputs, sizeof *all);
    sotto_status status = all == NULL ? hq_no_memory(w->diag)
                                      : learn_booster_outputs(b, t, 0, t->rows, w->outputs, all, w->diag);
    for (size_t row = 0; status == SOTTO_OK && row < t->rows; row++)
        for (size_t k = 0; w->use[row] == LEARN_JUDGED && k < w->outputs; k++)
            w->answers[n++] = (double)all[row * w->outputs + k];
    free(all);
    learn_goal_answers(w->goal, w->answers, s->held_out, w->outputs);
    learn_goal_judge(w->goal, w->answers, w->targets, w->groups, s->held_out, w->outputs, s->by_float);
    return status;
}

static void score_integers(goal_run *w, const sotto_model *m, const size_t *column)
{
    const learn_table *t = w->job.table;
    int32_t keys[SOTTO_MODEL_FEATURES_MAX];
    int64_t margins[SOTTO_MODEL_OUTPUTS_MAX];
    size_t n = 0;
    for (size_t row = 0; row < t->rows; row++) {
        if (w->use[row] != LEARN_JUDGED)
            continue;
        for (size_t i = 0; i < sotto_model_info_of(m)->features; i++)
            keys[i] = t->keys[row * t->features + column[i]];
        sotto_model_margins_q24(m, keys, margins);
        for (size_t k = 0; k < w->outputs; k++)
            w->answers[n++] = (double)margins[k] / 16777216.0;
    }
}

static sotto_status judge_integers(goal_run *w, learn_booster *b, goal_split *s)
{
    size_t column[SOTTO_MODEL_FEATURES_MAX];
    learn_input in = {.memory = NULL};
    sotto_status status = learn_compile_booster(b, &w->job, &in, w->diag);
    if (status == SOTTO_OK && sotto_model_info_of(in.model)->outputs != w->outputs)
        status = sotto_diag_set(w->diag, SOTTO_ERR(HQ, INTERNAL), "the compiled model has other outputs");
    if (status == SOTTO_OK)
        status = learn_order_features(in.model, &w->job, column, w->diag);
    if (status == SOTTO_OK)
        score_integers(w, in.model, column);
    learn_input_free(&in);
    learn_goal_answers(w->goal, w->answers, s->held_out, w->outputs);
    learn_goal_judge(w->goal, w->answers, w->targets, w->groups, s->held_out, w->outputs, s->by_integer);
    return status;
}

static sotto_status train_split(goal_run *w, enum learn_split_kind kind, learn_booster **out)
{
    goal_split *s = &w->split[kind];
    assign_rows(w, kind);
    take_means(w);
    s->there = true;
    s->held_out = take_judged(w);
    s->trained = w->job.table->rows - s->held_out;
    bool mean = w->goal->kind != LEARN_GOAL_MULTICLASS && w->goal->kind != LEARN_GOAL_RANK;
    w->settings.base_score = mean ? w->means[0] : 0.5;
    if ((w->goal->kind == LEARN_GOAL_COUNT || w->goal->kind == LEARN_GOAL_AMOUNT) && !(w->means[0] > 0))
        return sotto_diag_set(w->diag, SOTTO_ERR(HQ, RANGE), "nothing to learn: every target is 0");
    judge_constant(w, s);
    sotto_status status =
        learn_booster_train(out, w->job.table, w->use, w->job.recipe->features, &w->settings, w->diag);
    if (status != SOTTO_OK)
        return status;
    s->rounds = learn_booster_trees(*out);
    status = judge_floats(w, *out, s);
    return status == SOTTO_OK ? judge_integers(w, *out, s) : status;
}

/* ---- What the model and the person are told ---- */

static void add_text(learn_pair *pair, size_t *n, const char *name, const char *value)
{
    pair[*n].name = name;
    (void)snprintf(pair[(*n)++].value, sizeof pair->value, "%s", value == NULL ? "" : value);
}

static void add_number(learn_pair *pair, size_t *n, const char *name, double value)
{
    char text[40];
    (void)snprintf(text, sizeof text, "%.10g", value);
    add_text(pair, n, name, text);
}

/* The label is called target here: `compile --data` judges a label of yes and no, and proves the rest. */
static sotto_status stamp(const goal_run *w, learn_booster *b)
{
    const learn_settings *s = &w->settings;
    const goal_split *f = &w->split[w->kind];
    const char *slash = strrchr(w->o->data, '/');
    learn_pair pair[PAIRS_MAX];
    size_t n = 0;
    add_text(pair, &n, "sotto.data", slash == NULL ? w->o->data : slash + 1);
    add_text(pair, &n, "sotto.objective", w->goal->name);
    add_text(pair, &n, "sotto.target", w->o->label);
    if (w->o->group != NULL)
        add_text(pair, &n, "sotto.group", w->o->group);
    if (w->o->weight != NULL)
        add_text(pair, &n, "sotto.weight", w->o->weight);
    add_text(pair, &n, "sotto.today", w->o->today);
    add_text(pair, &n, "sotto.date_column", w->o->date_column);
    add_text(pair, &n, "sotto.split", learn_split_name(w->kind));
    const struct {
        const char *name;
        double value;
    } numbers[] = {{"sotto.holdout", (double)w->o->holdout},
                   {"sotto.seed", (double)s->seed},
                   {"sotto.rounds", (double)s->rounds},
                   {"sotto.depth", (double)s->depth},
                   {"sotto.early_stop", (double)s->early_stop},
                   {"sotto.eta", s->eta},
                   {"sotto.min_child_weight", s->min_child_weight},
                   {"sotto.subsample", s->subsample},
                   {"sotto.colsample", s->colsample},
                   {"sotto.lambda", s->lambda},
                   {"sotto.rows_trained", (double)f->trained},
                   {"sotto.rows_held_out", (double)f->held_out}};
    for (size_t i = 0; i < SOTTO_COUNT(numbers); i++)
        add_number(pair, &n, numbers[i].name, numbers[i].value);
    char name[LEARN_GOAL_FIGURES][40];
    for (size_t i = 0; f->held_out > 0 && i < LEARN_GOAL_FIGURES; i++) {
        (void)snprintf(name[i], sizeof name[i], "sotto.%s", w->goal->key[i]);
        add_number(pair, &n, name[i], f->by_float[i]);
    }
    return learn_booster_set(b, pair, n, w->diag);
}

static void print_split(const goal_run *w, enum learn_split_kind kind)
{
    const goal_split *s = &w->split[kind];
    char trained[32], held_out[32];
    if (!s->there || s->held_out == 0)
        return;
    printf("  %-6s split: trained on %s rows, %zu rounds; on %s held-out rows\n", learn_split_name(kind),
           learn_grouped(s->trained, trained), s->rounds, learn_grouped(s->held_out, held_out));
    for (size_t i = 0; i < LEARN_GOAL_FIGURES; i++)
        printf("    %s %.6g, as integers %.6g; %s %.6g\n", w->goal->figure[i], s->by_float[i],
               s->by_integer[i],
               w->goal->kind == LEARN_GOAL_RANK ? "the table's own order" : "one answer for all",
               s->constant[i]);
}

static sotto_status say_text(const goal_run *w)
{
    char rows[32], size[32];
    printf("%s rows, %zu features, objective %s", learn_grouped(w->job.table->rows, rows),
           w->job.table->features, w->goal->name);
    if (w->goal->kind == LEARN_GOAL_MULTICLASS)
        printf(", %zu classes", w->outputs);
    if (w->job.table->groups != NULL)
        printf(", %zu groups", w->job.table->group_count);
    putchar('\n');
    print_split(w, LEARN_SPLIT_RANDOM);
    print_split(w, LEARN_SPLIT_TIME);
    printf("model of the %s split: %s (%s bytes)\n", learn_split_name(w->kind), w->o->out,
           learn_grouped(w->bytes, size));
    return learn_flush(w->diag);
}

static void json_u64(sotto_json_writer *j, const char *name, uint64_t v)
{
    sotto_json_name(j, name);
    sotto_json_u64(j, v);
}

static void json_split(const goal_run *w, sotto_json_writer *j, enum learn_split_kind kind)
{
    const goal_split *s = &w->split[kind];
    char name[64];
    if (!s->there || s->held_out == 0)
        return;
    sotto_json_name(j, learn_split_name(kind));
    sotto_json_obj(j);
    json_u64(j, "trained", s->trained);
    json_u64(j, "held_out", s->held_out);
    json_u64(j, "rounds", s->rounds);
    for (size_t i = 0; i < LEARN_GOAL_FIGURES; i++) {
        learn_json_real(j, w->goal->key[i], s->by_float[i], 6);
        (void)snprintf(name, sizeof name, "%s_integer", w->goal->key[i]);
        learn_json_real(j, name, s->by_integer[i], 6);
        (void)snprintf(name, sizeof name, "%s_constant", w->goal->key[i]);
        learn_json_real(j, name, s->constant[i], 6);
    }
    sotto_json_obj_end(j);
}

static sotto_status say_json(const goal_run *w)
{
    uint8_t *memory = malloc(JSON_BYTES);
    if (memory == NULL)
        return hq_no_memory(w->diag);
    sotto_buf buf = sotto_buf_of(memory, JSON_BYTES);
    sotto_json_writer j = sotto_json_writer_of(&buf);
    sotto_json_obj(&j);
    sotto_json_name(&j, "objective");
    sotto_json_cstr(&j, w->goal->name);
    json_u64(&j, "rows", w->job.table->rows);
    json_u64(&j, "features", w->job.table->features);
    json_u64(&j, "outputs", w->outputs);
    json_u64(&j, "groups", w->job.table->group_count);
    sotto_json_name(&j, "model_split");
    sotto_json_cstr(&j, learn_split_name(w->kind));
    json_split(w, &j, LEARN_SPLIT_RANDOM);
    json_split(w, &j, LEARN_SPLIT_TIME);
    json_u64(&j, "bytes", w->bytes);
    sotto_json_name(&j, "file");
    sotto_json_cstr(&j, w->o->out);
    sotto_json_obj_end(&j);
    sotto_status status = learn_json_print(&j, w->diag);
    free(memory);
    return status;
}

/* ---- The command ---- */

static sotto_status train_all(goal_run *w)
{
    learn_booster *model = NULL, *other = NULL;
    sotto_status status = train_split(w, w->kind, &model);
    if (status == SOTTO_OK && w->o->time_order && w->o->holdout > 0)
        status = train_split(w, w->kind == LEARN_SPLIT_TIME ? LEARN_SPLIT_RANDOM : LEARN_SPLIT_TIME, &other);
    if (status == SOTTO_OK)
        status = stamp(w, model);
    if (status == SOTTO_OK)
        status = learn_booster_save(model, w->o->out, &w->bytes, w->diag);
    if (status == SOTTO_OK)
        status = w->o->json ? say_json(w) : say_text(w);
    learn_booster_free(model);
    learn_booster_free(other);
    return status;
}

/* Classes are 0 to the largest; every one of them adds trees. */
static sotto_status count_outputs(goal_run *w)
{
    double most = 0;
    for (size_t row = 0; row < w->job.table->rows; row++)
        most = fmax(most, (double)w->job.table->targets[row]);
    w->outputs = w->goal->kind == LEARN_GOAL_MULTICLASS ? (size_t)most + 1 : 1;
    if (w->goal->kind == LEARN_GOAL_MULTICLASS && w->outputs < 2)
        return sotto_diag_at(w->diag, SOTTO_ERR(HQ, RANGE), w->o->data, 0, "every row has class 0");
    if (w->outputs * (size_t)w->settings.rounds > SOTTO_MODEL_TREES_MAX)
        return sotto_diag_set(w->diag, SOTTO_ERR(HQ, RANGE), "%d rounds of %zu classes: over %d trees",
                              (int)w->settings.rounds, w->outputs, SOTTO_MODEL_TREES_MAX);
    w->settings.classes = w->outputs;
    return SOTTO_OK;
}

static sotto_status train_table(goal_run *w)
{
    size_t rows = w->job.table->rows;
    sotto_status status = count_outputs(w);
    if (status != SOTTO_OK)
        return status;
    w->use = malloc(rows);
    w->answers = calloc(rows * w->outputs, sizeof *w->answers);
    w->targets = calloc(rows, sizeof *w->targets);
    w->groups = calloc(rows, sizeof *w->groups);
    w->means = calloc(w->outputs, sizeof *w->means);
    bool room = w->use != NULL && w->answers != NULL && w->targets != NULL && w->groups != NULL;
    status = room && w->means != NULL ? train_all(w) : hq_no_memory(w->diag);
    free(w->use);
    free(w->answers);
    free(w->targets);
    free(w->groups);
    free(w->means);
    return status;
}

/* What only a model of yes and no can be asked for. */
static sotto_status check_options(const learn_train_options *o, const learn_goal *g, sotto_diag *diag)
{
    const struct {
        bool there;
        const char *name;
    } foreign[] = {{o->positive != NULL, "--positive"},
                   {o->folds > 0, "--cv"},
                   {o->tries > 0, "--tune"},
                   {strcmp(o->class_weight, "1") != 0, "--class-weight"}};
    for (size_t i = 0; i < SOTTO_COUNT(foreign); i++)
        if (foreign[i].there)
            return sotto_diag_set(diag, SOTTO_ERR(HQ, USAGE), "%s is for --objective binary",
                                  foreign[i].name);
    bool rank = g->kind == LEARN_GOAL_RANK;
    if (rank != (o->group != NULL))
        return sotto_diag_set(diag, SOTTO_ERR(HQ, USAGE),
                              "--objective rank needs --group COLUMN, and no other objective has one");
    if (rank && o->weight != NULL)
        return sotto_diag_set(diag, SOTTO_ERR(HQ, USAGE), "--weight weighs rows; an order is one of groups");
    return SOTTO_OK;
}

sotto_status learn_goal_train(const learn_train_options *o, const learn_input *in, const learn_goal *g,
                              enum learn_split_kind kind, sotto_diag *diag)
{
    learn_table table = {.rows = 0};
    learn_plan plan = {.features = in->recipe.features,
                       .feature_count = in->recipe.count,
                       .dictionary = in->dictionary,
                       .target = o->label,
                       .target_least = g->least,
                       .target_most = g->most,
                       .target_whole = g->whole,
                       .group = o->group,
                       .weight = o->weight,
                       .today = o->today,
                       .date_column = o->date_column};
    goal_run w = {.o = o, .goal = g, .settings = o->settings, .kind = kind, .diag = diag};
    w.job = (learn_job){.table = &table, .recipe = &in->recipe};
    w.settings.objective = g->objective;
    sotto_status status = check_options(o, g, diag);
    if (status == SOTTO_OK)
        status = learn_table_read(&table, &plan, o->data, diag);
    if (status == SOTTO_OK)
        status = train_table(&w);
    learn_table_free(&table);
    return status;
}
