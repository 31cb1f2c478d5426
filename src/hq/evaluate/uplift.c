/* sotto-hq evaluate uplift: what a randomised experiment says. */
#include "evaluate/evaluate.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const char HELP[] =
    "sotto-hq evaluate uplift: what a randomised experiment says\n"
    "\n"
    "  sotto-hq evaluate uplift hillstrom.csv.xz --treatment segment --control 'No E-Mail' \\\n"
    "           --outcome visit\n"
    "  sotto-hq evaluate uplift hillstrom.csv.xz --treatment segment --control 'No E-Mail' \\\n"
    "           --outcome visit \\\n"
    "           --arm 'Mens E-Mail' --feature recency --feature history --feature mens --feature womens\n"
    "\n"
    "  FILE.csv            a table with a header, a row for each customer; also .xz\n"
    "  --treatment COLUMN  what the customer was given, by chance (treatment)\n"
    "  --control WORD      the treatment's value that means nothing was given (control)\n"
    "  --outcome COLUMN    what happened, a number; may be repeated, the first is for curves and\n"
    "                      targeting\n"
    "  --arm WORD          the treatment for curves and targeting (the only one, when there is one)\n"
    "  --score COLUMN      a score to target by: Qini and what is kept; may be repeated\n"
    "  --feature COLUMN    for a targeting model, trained on one half, judged on the other; may be\n"
    "                      repeated\n"
    "  --share PERCENT     how many may be treated (70)\n"
    "  --keep PERCENT      how much of the effect should remain (90)\n"
    "  --repeats N         how many ways of halving (20)\n"
    "  --bootstrap N (1000)  --seed N (1)  --confidence PERCENT (95)  --json\n";

enum { OUTCOMES_MAX = 8, SCORES_MAX = 8, FEATURES_MAX = 64, ARMS_MAX = 16, GRID = 20 };
enum { COLUMNS_MAX = 1 + OUTCOMES_MAX + SCORES_MAX + FEATURES_MAX };
enum { SCORE_QINI, SCORE_BEST, SCORE_KEPT, SCORE_FIGURES };

typedef struct options {
    const char *file, *treatment, *control, *arm;
    hq_list outcome, score, feature;
    double share, keep;
    int64_t repeats;
    bool json;
    eval_chance chance;
} options;

/* One outcome of one arm. */
typedef struct cell {
    double n, sum, squares;
    eval_figure rate, difference; /* of control: no difference */
} cell;

/* What one model keeps, over the ways of halving. */
typedef struct targeting {
    eval_figure kept;         /* of the first halving */
    double mean, worst, best; /* at the share, over all */
    double curve[GRID + 1];   /* mean, at i / GRID of the customers */
    double needed;            /* least share of the curve that keeps enough */
} targeting;

typedef struct report {
    const options *o;
    eval_column column[COLUMNS_MAX];
    size_t rows, columns, arms;
    const eval_column *treatment, *outcome, *score, *feature;
    int64_t control, arm;      /* codes; arm -1: none chosen */
    bool counts[OUTCOMES_MAX]; /* the outcome is 0 or 1 */
    cell cell[OUTCOMES_MAX][ARMS_MAX];
    eval_figure by_score[SCORES_MAX][SCORE_FIGURES];
    targeting by_model[EVAL_MODELS];
    char words[2][64];
    size_t *row; /* of the trial */
    eval_trial trial;
} report;

static const char *const MODEL_NAMES[EVAL_MODELS] = {"difference", "propensity", "turned"};
static const char *const MODEL_WORDS[EVAL_MODELS] = {"difference of two models", "one model of the outcome",
                                                     "one model of the effect"};

static sotto_status parse(options *o, int argc, char **argv, sotto_diag *diag)
{
    const hq_option table[] = {{"a file", HQ_POSITION, &o->file, true, 0, 0},
                               {"--treatment", HQ_TEXT, &o->treatment, false, 0, 0},
                               {"--control", HQ_TEXT, &o->control, false, 0, 0},
                               {"--outcome", HQ_LIST, &o->outcome, true, 0, 0},
                               {"--arm", HQ_TEXT, &o->arm, false, 0, 0},
                               {"--score", HQ_LIST, &o->score, false, 0, 0},
                               {"--feature", HQ_LIST, &o->feature, false, 0, 0},
                               {"--share", HQ_REAL, &o->share, false, 1, 99},
                               {"--keep", HQ_REAL, &o->keep, false, 1, 100},
                               {"--repeats", HQ_NUMBER, &o->repeats, false, 1, 1000},
                               {"--json", HQ_FLAG, &o->json, false, 0, 0},
                               EVAL_CHANCE_OPTIONS(&o->chance)};
    sotto_status status = hq_parse(argc, argv, table, SOTTO_COUNT(table), diag);
    if (status == SOTTO_OK &&
        (o->outcome.count > OUTCOMES_MAX || o->score.count > SCORES_MAX || o->feature.count > FEATURES_MAX))
        return sotto_diag_set(diag, SOTTO_ERR(HQ, USAGE), "at most %d outcomes, %d scores and %d features",
                              OUTCOMES_MAX, SCORES_MAX, FEATURES_MAX);
    return status;
}

/* Adds a column each; returns the first of them. */
static const eval_column *add_columns(report *r, const hq_list *names, enum eval_kind kind)
{
    eval_column *first = &r->column[r->columns];
    for (size_t i = 0; i < names->count; i++)
        r->column[r->columns++] = (eval_column){.name = names->item[i], .kind = kind};
    return first;
}

static sotto_status read_file(report *r, sotto_diag *diag)
{
    hq_list treatment = {.item = {r->o->treatment}, .count = 1};
    r->treatment = add_columns(r, &treatment, EVAL_CODE);
    r->outcome = add_columns(r, &r->o->outcome, EVAL_NUMBER);
    r->score = add_columns(r, &r->o->score, EVAL_NUMBER);
    r->feature = add_columns(r, &r->o->feature, EVAL_CODE);
    return eval_table_read(r->column, r->columns, r->o->file, &r->rows, diag);
}

/* The code of the arm that --arm names, or of the only one. */
static sotto_status find_arm(report *r, sotto_diag *diag)
{
    const options *o = r->o;
    r->arm = o->arm != NULL ? eval_words_find(r->treatment->words, o->arm) : r->arms == 2 ? !r->control : -1;
    if (o->arm != NULL && (r->arm < 0 || r->arm == r->control))
        return sotto_diag_set(diag, SOTTO_ERR(HQ, NOT_FOUND), "column %s never says %s, or --control does",
                              o->treatment, o->arm);
    if (r->arm < 0 && o->score.count + o->feature.count > 0)
        return sotto_diag_set(diag, SOTTO_ERR(HQ, USAGE), "several treatments: --arm says which to target");
    return SOTTO_OK;
}

static sotto_status find_arms(report *r, sotto_diag *diag)
{
    const options *o = r->o;
    r->arms = eval_words_count(r->treatment->words);
    r->control = eval_words_find(r->treatment->words, o->control);
    if (r->control < 0)
        return sotto_diag_set(diag, SOTTO_ERR(HQ, NOT_FOUND), "column %s never says %s: --control names it",
                              o->treatment, o->control);
    if (r->arms < 2 || r->arms > ARMS_MAX)
        return sotto_diag_set(diag, SOTTO_ERR(HQ, RANGE), "column %s has %zu different values, not 2 to %d",
                              o->treatment, r->arms, ARMS_MAX);
    return find_arm(r, diag);
}

static void add_outcome(report *r, size_t k)
{
    r->counts[k] = true;
    for (size_t i = 0; i < r->rows; i++) {
        double v = r->outcome[k].number[i];
        cell *c = &r->cell[k][r->treatment->code[i]];
        c->n += 1;
        c->sum += v;
        c->squares += v * v;
        r->counts[k] = r->counts[k] && (v <= 0 || v >= 1) && v >= 0 && v <= 1;
    }
}

/* Variance of the mean. */
static double mean_variance(const cell *c)
{
    double mean = c->sum / c->n;
    return fmax(0, c->squares / c->n - mean * mean) / (c->n - 1);
}

static void judge_cell(const report *r, size_t k, cell *c, const cell *control)
{
    double z = eval_z(r->o->chance.confidence), mean = c->sum / c->n, base = control->sum / control->n;
    bool counts = r->counts[k];
    c->rate = (eval_figure){.name = "mean", .text = "", .value = mean, .percent = counts};
    c->difference = (eval_figure){.name = "difference", .text = "", .value = mean - base, .percent = counts};
    if (counts) {
        c->rate.interval = eval_wilson(c->sum, c->n, z);
        c->difference.interval = eval_newcombe(c->sum, c->n, control->sum, control->n, z);
    } else {
        c->rate.interval = eval_normal(mean, mean_variance(c), z);
        c->difference.interval = eval_normal(mean - base, mean_variance(c) + mean_variance(control), z);
    }
}

static void judge_arms(report *r)
{
    for (size_t k = 0; k < r->o->outcome.count; k++) {
        add_outcome(r, k);
        for (size_t arm = 0; arm < r->arms; arm++)
            judge_cell(r, k, &r->cell[k][arm], &r->cell[k][r->control]);
    }
}

/* The rows of the arm and of control. */
static sotto_status make_trial(report *r, double **score, double **outcome, uint8_t **treated,
                               sotto_diag *diag)
{
    size_t n = 0;
    r->row = eval_array(r->rows, sizeof *r->row, diag);
    *score = eval_array(r->rows, sizeof **score, diag);
    *outcome = eval_array(r->rows, sizeof **outcome, diag);
    *treated = eval_array(r->rows, 1, diag);
    r->trial = (eval_trial){.score = *score, .outcome = *outcome, .treated = *treated};
    if (r->row == NULL || *score == NULL || *outcome == NULL || *treated == NULL)
        return diag->status;
    for (size_t i = 0; i < r->rows; i++) {
        int64_t code = r->treatment->code[i];
        if (code != r->arm && code != r->control)
            continue;
        r->row[n] = i;
        (*outcome)[n] = r->outcome[0].number[i];
        (*treated)[n++] = code == r->arm;
    }
    r->trial.rows = n;
    return SOTTO_OK;
}

typedef struct scored_trial {
    const eval_trial *trial;
    double share;
} scored_trial;

static void score_figures(void *ctx, const double *weight, double *out)
{
    const scored_trial *s = ctx;
    out[SCORE_QINI] = eval_qini(s->trial, weight);
    out[SCORE_BEST] = eval_uplift_of_best(s->trial, weight, s->share);
    out[SCORE_KEPT] = s->share * out[SCORE_BEST] / eval_uplift_of_best(s->trial, weight, 1);
}

static void name_score_figures(report *r, eval_figure *f)
{
    bool counts = r->counts[0];
    (void)snprintf(r->words[0], sizeof r->words[0], "effect among the best %g %%", r->o->share);
    (void)snprintf(r->words[1], sizeof r->words[1], "of the whole effect they hold");
    f[SCORE_QINI] = (eval_figure){.name = "qini", .text = "Qini coefficient"};
    f[SCORE_BEST] = (eval_figure){.name = "effect_of_best", .text = r->words[0], .percent = counts};
    f[SCORE_KEPT] = (eval_figure){.name = "kept", .text = r->words[1], .percent = true};
}

static sotto_status judge_trial(eval_trial *t, const report *r, eval_figure *figures, sotto_diag *diag)
{
    scored_trial scored = {t, r->o->share / 100};
    eval_sample sample = {
        .units = t->rows, .stratum = t->treated, .statistic = score_figures, .ctx = &scored};
    sotto_status status = eval_trial_init(t, diag);
    if (status == SOTTO_OK)
        status = eval_bootstrap(&sample, &r->o->chance, figures, SCORE_FIGURES, diag);
    eval_trial_free(t);
    return status;
}

static sotto_status judge_scores(report *r, double *score, sotto_diag *diag)
{
    sotto_status status = SOTTO_OK;
    for (size_t k = 0; status == SOTTO_OK && k < r->o->score.count; k++) {
        for (size_t i = 0; i < r->trial.rows; i++)
            score[i] = r->score[k].number[r->row[i]];
        name_score_figures(r, r->by_score[k]);
        status = judge_trial(&r->trial, r, r->by_score[k], diag);
    }
    return status;
}

/* The half that was held out, as a trial of its own. */
static sotto_status hold_out(const eval_trial *t, int64_t seed, eval_trial *half, sotto_diag *diag)
{
    double *score = eval_array(t->rows, sizeof *score, diag),
           *outcome = eval_array(t->rows, sizeof *outcome, diag);
    uint8_t *treated = eval_array(t->rows, 1, diag);
    size_t n = 0;
    *half = (eval_trial){.score = score, .outcome = outcome, .treated = treated};
    if (score == NULL || outcome == NULL || treated == NULL)
        return diag->status;
    for (size_t i = 0; i < t->rows; i++) {
        if (!eval_held_out(seed, i))
            continue;
        score[n] = t->score[i];
        outcome[n] = t->outcome[i];
        treated[n++] = t->treated[i];
    }
    half->rows = n;
    return SOTTO_OK;
}

static void free_half(eval_trial *half)
{
    free((void *)(uintptr_t)half->score);
    free((void *)(uintptr_t)half->outcome);
    free((void *)(uintptr_t)half->treated);
}

static void add_curve(targeting *g, const eval_trial *half, double share, int64_t repeat, int64_t repeats)
{
    double kept = eval_kept(half, NULL, share);
    g->mean += kept / (double)repeats;
    g->worst = repeat == 0 ? kept : fmin(g->worst, kept);
    g->best = repeat == 0 ? kept : fmax(g->best, kept);
    for (size_t i = 1; i <= GRID; i++)
        g->curve[i] += eval_kept(half, NULL, (double)i / (double)GRID) / (double)repeats;
}

static sotto_status judge_half(report *r, targeting *g, const eval_trial *trial, int64_t repeat,
                               sotto_diag *diag)
{
    eval_trial half;
    sotto_status status = hold_out(trial, r->o->chance.seed + repeat, &half, diag);
    if (status == SOTTO_OK && repeat == 0) {
        eval_figure figures[SCORE_FIGURES];
        name_score_figures(r, figures);
        status = judge_trial(&half, r, figures, diag);
        g->kept = figures[SCORE_KEPT];
    }
    if (status == SOTTO_OK)
        status = eval_trial_init(&half, diag);
    if (status == SOTTO_OK)
        add_curve(g, &half, r->o->share / 100, repeat, r->o->repeats);
    eval_trial_free(&half);
    free_half(&half);
    return status;
}

static sotto_status repeat_model(report *r, const eval_targeting *t, enum eval_model model, double *score,
                                 sotto_diag *diag)
{
    targeting *g = &r->by_model[model];
    sotto_status status = SOTTO_OK;
    for (int64_t i = 0; status == SOTTO_OK && i < r->o->repeats; i++) {
        status = eval_targeting_score(t, &r->trial, model, r->o->chance.seed + i, score, diag);
        if (status == SOTTO_OK)
            status = judge_half(r, g, &r->trial, i, diag);
        learn_progress(MODEL_WORDS[model], (size_t)i + 1, (size_t)r->o->repeats);
    }
    g->needed = 1;
    for (size_t i = GRID; i > 0 && g->curve[i] >= r->o->keep / 100; i--)
        g->needed = (double)i / (double)GRID;
    return status;
}

static sotto_status judge_models(report *r, double *score, sotto_diag *diag)
{
    eval_targeting t;
    eval_features features = {.columns = r->feature, .count = r->o->feature.count, .row = r->row};
    if (features.count == 0)
        return SOTTO_OK;
    sotto_status status = eval_targeting_init(&t, &r->trial, &features, diag);
    for (int model = 0; status == SOTTO_OK && model < EVAL_MODELS; model++)
        status = repeat_model(r, &t, (enum eval_model)model, score, diag);
    eval_targeting_free(&t);
    return status;
}

static sotto_status judge_targets(report *r, sotto_diag *diag)
{
    double *score = NULL, *outcome = NULL;
    uint8_t *treated = NULL;
    if (r->o->score.count + r->o->feature.count == 0)
        return SOTTO_OK;
    sotto_status status = make_trial(r, &score, &outcome, &treated, diag);
    if (status == SOTTO_OK)
        status = judge_scores(r, score, diag);
    if (status == SOTTO_OK)
        status = judge_models(r, score, diag);
    free(score);
    free(outcome);
    free(treated);
    free(r->row);
    return status;
}

static void fill_arms(sotto_json_writer *w, const report *r, size_t k)
{
    sotto_json_name(w, r->o->outcome.item[k]);
    sotto_json_arr(w);
    for (size_t arm = 0; arm < r->arms; arm++) {
        const cell *c = &r->cell[k][arm];
        sotto_json_obj(w);
        eval_json_str(w, "arm", eval_words_at(r->treatment->words, arm));
        eval_json_u64(w, "rows", (uint64_t)c->n);
        eval_json(w, &c->rate);
        if ((int64_t)arm != r->control)
            eval_json(w, &c->difference);
        sotto_json_obj_end(w);
    }
    sotto_json_arr_end(w);
}

static void fill_models(sotto_json_writer *w, const report *r)
{
    sotto_json_name(w, "targeting");
    sotto_json_arr(w);
    for (size_t m = 0; m < EVAL_MODELS; m++) {
        const targeting *g = &r->by_model[m];
        sotto_json_obj(w);
        eval_json_str(w, "model", MODEL_NAMES[m]);
        eval_json(w, &g->kept);
        learn_json_real(w, "mean", g->mean, 8);
        learn_json_real(w, "worst", g->worst, 8);
        learn_json_real(w, "best", g->best, 8);
        learn_json_real(w, "share_needed", g->needed, 4);
        sotto_json_obj_end(w);
    }
    sotto_json_arr_end(w);
}

static void fill(sotto_json_writer *w, const void *ctx)
{
    const report *r = ctx;
    eval_json_str(w, "kind", "uplift");
    eval_json_u64(w, "rows", r->rows);
    learn_json_real(w, "confidence_percent", r->o->chance.confidence, 2);
    sotto_json_name(w, "outcomes");
    sotto_json_obj(w);
    for (size_t k = 0; k < r->o->outcome.count; k++)
        fill_arms(w, r, k);
    sotto_json_obj_end(w);
    sotto_json_name(w, "scores");
    sotto_json_obj(w);
    for (size_t k = 0; k < r->o->score.count; k++) {
        sotto_json_name(w, r->o->score.item[k]);
        sotto_json_obj(w);
        for (size_t i = 0; i < SCORE_FIGURES; i++)
            eval_json(w, &r->by_score[k][i]);
        sotto_json_obj_end(w);
    }
    sotto_json_obj_end(w);
    if (r->o->feature.count > 0)
        fill_models(w, r);
}

static void tell_arms(const report *r, size_t k)
{
    printf("%s\n", r->o->outcome.item[k]);
    for (size_t arm = 0; arm < r->arms; arm++) {
        const cell *c = &r->cell[k][arm];
        eval_figure rate = c->rate, difference = c->difference;
        char words[64];
        (void)snprintf(words, sizeof words, "%.30s, %.0f rows", eval_words_at(r->treatment->words, arm),
                       c->n);
        rate.text = words;
        eval_tell(&rate);
        difference.text = "  more than control";
        if ((int64_t)arm != r->control)
            eval_tell(&difference);
    }
}

static void tell_models(const report *r)
{
    const options *o = r->o;
    printf("targeting %s for %s: %g %% of customers, by %zu features, on the held-out half\n",
           eval_words_at(r->treatment->words, (size_t)r->arm), o->outcome.item[0], o->share,
           o->feature.count);
    for (size_t m = 0; m < EVAL_MODELS; m++) {
        const targeting *g = &r->by_model[m];
        eval_figure kept = g->kept;
        char words[64];
        (void)snprintf(words, sizeof words, "%s keeps", MODEL_WORDS[m]);
        kept.text = words;
        eval_tell(&kept);
        printf("    over %lld ways of halving: mean %.1f %%, %.1f to %.1f %%; chance keeps %g %%\n",
               (long long)o->repeats, 100 * g->mean, 100 * g->worst, 100 * g->best, o->share);
        printf("    %g %% of the effect with at most %g %% treated: %s; on average it takes %.0f %%\n",
               o->keep, o->share, g->mean >= o->keep / 100 ? "yes" : "no", 100 * g->needed);
    }
}

static sotto_status tell(const report *r, sotto_diag *diag)
{
    char rows[32];
    if (r->o->json)
        return eval_json_report(fill, r, diag);
    printf("%s rows, %zu arms; intervals at %g %%\n", learn_grouped(r->rows, rows), r->arms,
           r->o->chance.confidence);
    for (size_t k = 0; k < r->o->outcome.count; k++)
        tell_arms(r, k);
    for (size_t k = 0; k < r->o->score.count; k++) {
        printf("by %s, for %s\n", r->o->score.item[k], r->o->outcome.item[0]);
        for (size_t i = 0; i < SCORE_FIGURES; i++)
            eval_tell(&r->by_score[k][i]);
    }
    if (r->o->feature.count > 0)
        tell_models(r);
    return learn_flush(diag);
}

static sotto_status run(const options *o, sotto_diag *diag)
{
    report *r = eval_array(1, sizeof *r, diag);
    if (r == NULL)
        return diag->status;
    r->o = o;
    sotto_status status = read_file(r, diag);
    if (status == SOTTO_OK)
        status = find_arms(r, diag);
    if (status == SOTTO_OK) {
        judge_arms(r);
        status = judge_targets(r, diag);
    }
    if (status == SOTTO_OK)
        status = tell(r, diag);
    eval_table_free(r->column, r->columns);
    free(r);
    return learn_place(status, o->file, diag);
}

int eval_cmd_uplift(int argc, char **argv)
{
    sotto_diag diag = {.status = SOTTO_OK};
    options o = {.treatment = "treatment",
                 .control = "control",
                 .share = 70,
                 .keep = 90,
                 .repeats = 20,
                 .chance = EVAL_CHANCE_DEFAULT};
    if (hq_help(argc, argv, HELP))
        return 0;
    sotto_status status = parse(&o, argc, argv, &diag);
    if (status == SOTTO_OK)
        status = run(&o, &diag);
    return learn_finish(status, &diag);
}
