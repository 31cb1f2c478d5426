/* Whom to treat: two propensity models, of treated and of control, and their difference (Hansotia, Rukstales,
 * J. Interactive Marketing 16, 2002). Trained with XGBoost through the learning commands' functions. */
#include "evaluate/evaluate.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { SPLIT_SALT = 31, TEXTS_MAX = 64 };

bool eval_held_out(int64_t seed, size_t row)
{
    return (eval_hash(seed + SPLIT_SALT, row) & 1) != 0;
}

static bool all_numbers(const eval_words *words)
{
    double v;
    for (size_t i = 0; i < eval_words_count(words); i++)
        if (!eval_number(sotto_span_str(eval_words_at(words, i)), &v))
            return false;
    return true;
}

/* Features a column becomes: one, or one a text. */
static size_t width_of(const eval_column *c)
{
    return all_numbers(c->words) ? 1 : eval_words_count(c->words);
}

static sotto_status count_features(const eval_features *f, size_t *count, sotto_diag *diag)
{
    *count = 0;
    for (size_t i = 0; i < f->count; i++) {
        size_t width = width_of(&f->columns[i]);
        if (width > TEXTS_MAX)
            return sotto_diag_set(diag, SOTTO_ERR(HQ, RANGE), "column %s has over %d different texts",
                                  f->columns[i].name, TEXTS_MAX);
        *count += width;
    }
    return SOTTO_OK;
}

static int32_t order_key(double v)
{
    float narrow = (float)v;
    uint32_t bits;
    memcpy(&bits, &narrow, sizeof bits);
    return sotto_fixed_float_key(bits);
}

static void fill_column(const eval_features *f, const eval_column *c, size_t width, size_t at,
                        learn_table *table)
{
    for (size_t i = 0; i < table->rows; i++) {
        uint32_t code = c->code[f->row[i]];
        int32_t *keys = table->keys + i * table->features + at;
        double v = 0;
        if (width == 1)
            (void)eval_number(sotto_span_str(eval_words_at(c->words, code)), &v);
        for (size_t k = 0; k < width; k++)
            keys[k] = order_key(width == 1 ? v : code == k);
    }
}

static void fill_table(learn_table *table, const eval_trial *t, const eval_features *f)
{
    for (size_t i = 0; i < t->rows; i++)
        table->labels[i] = t->outcome[i] > 0;
    for (size_t i = 0, at = 0; i < f->count; i++) {
        size_t width = width_of(&f->columns[i]);
        fill_column(f, &f->columns[i], width, at, table);
        at += width;
    }
}

sotto_status eval_targeting_init(eval_targeting *g, const eval_trial *t, const eval_features *f,
                                 sotto_diag *diag)
{
    *g = (eval_targeting){.table = {.rows = t->rows}};
    sotto_status status = count_features(f, &g->table.features, diag);
    if (status != SOTTO_OK)
        return status;
    g->table.keys = eval_array(t->rows * g->table.features, sizeof *g->table.keys, diag);
    g->table.labels = eval_array(t->rows, 1, diag);
    g->names = eval_array(g->table.features, sizeof *g->names, diag);
    if (g->table.keys == NULL || g->table.labels == NULL || g->names == NULL)
        return diag->status;
    for (size_t i = 0; i < g->table.features; i++)
        (void)snprintf(g->names[i].name, sizeof g->names[i].name, "f%zu", i);
    fill_table(&g->table, t, f);
    return SOTTO_OK;
}

void eval_targeting_free(eval_targeting *g)
{
    learn_table_free(&g->table);
    free(g->names);
    g->names = NULL;
}

/* Small trees, few of them: an effect is a difference of two rates, and much fainter than either. */
static const learn_settings SETTINGS = {.rounds = 60,
                                        .depth = 2,
                                        .seed = 1,
                                        .threads = 1,
                                        .eta = 0.05,
                                        .min_child_weight = 20,
                                        .subsample = 1,
                                        .colsample = 1,
                                        .lambda = 1,
                                        .quiet = true};

/* Adds sign times the probability by a model of the rows that may[treated] allows. */
static sotto_status add_model(const eval_targeting *g, const eval_trial *t, const bool may[static 2],
                              double sign, int64_t seed, double *score, sotto_diag *diag)
{
    learn_booster *b = NULL;
    uint8_t *use = eval_array(t->rows, 1, diag);
    float *margin = eval_array(t->rows, sizeof *margin, diag);
    sotto_status status = use == NULL || margin == NULL ? diag->status : SOTTO_OK;
    for (size_t i = 0; status == SOTTO_OK && i < t->rows; i++)
        use[i] = may[t->treated[i]] && !eval_held_out(seed, i);
    if (status == SOTTO_OK)
        status = learn_booster_train(&b, &g->table, use, g->names, &SETTINGS, diag);
    if (status == SOTTO_OK)
        status = learn_booster_margins(b, &g->table, 0, t->rows, margin, diag);
    for (size_t i = 0; status == SOTTO_OK && i < t->rows; i++)
        score[i] += sign / (1 + exp(-(double)margin[i]));
    learn_booster_free(b);
    free(use);
    free(margin);
    return status;
}

static void turn_control(const eval_targeting *g, const eval_trial *t)
{
    for (size_t i = 0; i < t->rows; i++)
        g->table.labels[i] ^= !t->treated[i];
}

/* One model of Z = outcome of the treated, no outcome of control: with arms of equal size P(Z) = (1 + effect)
 * / 2 (Jaskowski and Jaroszewicz, "Uplift modeling for clinical trial data", 2012). All rows are fitted to
 * the effect itself. */
static sotto_status add_turned(const eval_targeting *g, const eval_trial *t, int64_t seed, double *score,
                               sotto_diag *diag)
{
    static const bool BOTH[2] = {true, true};
    turn_control(g, t);
    sotto_status status = add_model(g, t, BOTH, 1, seed, score, diag);
    turn_control(g, t);
    return status;
}

sotto_status eval_targeting_score(const eval_targeting *g, const eval_trial *t, enum eval_model model,
                                  int64_t seed, double *score, sotto_diag *diag)
{
    static const bool CONTROL[2] = {true, false}, TREATED[2] = {false, true}, BOTH[2] = {true, true};
    memset(score, 0, t->rows * sizeof *score);
    if (model == EVAL_MODEL_PROPENSITY)
        return add_model(g, t, BOTH, 1, seed, score, diag);
    if (model == EVAL_MODEL_TURNED)
        return add_turned(g, t, seed, score, diag);
    sotto_status status = add_model(g, t, TREATED, 1, seed, score, diag);
    return status == SOTTO_OK ? add_model(g, t, CONTROL, -1, seed, score, diag) : status;
}
