/* XGBoost through its C interface (xgboost/c_api.h, 1.7 and later): train, load, predict margins and leaves.
 */
#include "learn/learn.h"
#include "office/args.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <xgboost/c_api.h>

struct learn_booster {
    BoosterHandle handle;
    int rounds;    /* that count */
    double *curve; /* heap; learn_booster_curve */
};

bool learn_booster_there(void)
{
    return true;
}

/* One translation of XGBoost's failures: its text up to the first line's end (a stack trace follows). */
static sotto_status translate(int result, const char *doing, sotto_diag *diag)
{
    if (result == 0)
        return SOTTO_OK;
    const char *text = XGBGetLastError(), *colon = strstr(text, "] ");
    if (colon != NULL)
        text = colon + 2; /* behind "[time] file:line: " there is the cause */
    return sotto_diag_set(diag, SOTTO_ERR(HQ, INTERNAL), "XGBoost failed while %s: %.*s", doing,
                          (int)strcspn(text, "\n"), text);
}

/* Rows of floats as a matrix, with one thread: see choose_threads. NaN is missing. */
static sotto_status wrap_rows(const float *data, size_t rows, size_t columns, DMatrixHandle *out,
                              sotto_diag *diag)
{
    char array[256]; /* NumPy's array interface, version 3, as the C interface wants it */
    (void)snprintf(array, sizeof array,
                   "{\"data\": [%" PRIuPTR
                   ", true], \"shape\": [%zu, %zu], \"typestr\": \"<f4\", \"version\": 3}",
                   (uintptr_t)data, rows, columns);
    return translate(XGDMatrixCreateFromDense(array, "{\"missing\": NaN, \"nthread\": 1}", out),
                     "reading rows", diag);
}

static void fill_rows(const learn_table *t, const uint8_t *use, uint8_t wanted, float *data, float *labels,
                      float *weights)
{
    for (size_t row = 0; row < t->rows; row++) {
        if (use[row] != wanted)
            continue;
        for (size_t f = 0; f < t->features; f++)
            *data++ = learn_key_float(t->keys[row * t->features + f]);
        *labels++ = t->targets == NULL ? (float)t->labels[row] : t->targets[row];
        *weights++ = t->weights == NULL ? 1.0F : t->weights[row];
    }
}

static size_t count_use(const learn_table *t, const uint8_t *use, uint8_t wanted)
{
    size_t n = 0;
    for (size_t row = 0; row < t->rows; row++)
        n += use[row] == wanted;
    return n;
}

/* Sizes of the groups of the rows where use[row] == wanted: what is ranked together. */
static sotto_status set_groups(const learn_table *t, const uint8_t *use, uint8_t wanted, DMatrixHandle matrix,
                               sotto_diag *diag)
{
    unsigned *sizes = calloc(t->group_count, sizeof *sizes);
    size_t n = 0;
    if (sizes == NULL)
        return hq_no_memory(diag);
    for (size_t row = 0; row < t->rows; row++)
        sizes[t->groups[row]] += use[row] == wanted;
    for (size_t i = 0; i < t->group_count; i++)
        if (sizes[i] > 0)
            sizes[n++] = sizes[i];
    sotto_status status = translate(XGDMatrixSetUIntInfo(matrix, "group", sizes, n), "reading groups", diag);
    free(sizes);
    return status;
}

/* A matrix with labels of the rows where use[row] == wanted; *out is NULL when there are none. */
static sotto_status make_matrix(const learn_table *t, const uint8_t *use, uint8_t wanted, DMatrixHandle *out,
                                sotto_diag *diag)
{
    size_t n = count_use(t, use, wanted);
    *out = NULL;
    if (n == 0)
        return SOTTO_OK;
    float *data = calloc(n * t->features, sizeof *data), *labels = calloc(n, sizeof *labels);
    float *weights = calloc(n, sizeof *weights);
    sotto_status status = SOTTO_OK;
    if (data == NULL || labels == NULL || weights == NULL)
        status = hq_no_memory(diag);
    if (status == SOTTO_OK) {
        fill_rows(t, use, wanted, data, labels, weights);
        status = wrap_rows(data, n, t->features, out, diag);
    }
    if (status == SOTTO_OK)
        status = translate(XGDMatrixSetFloatInfo(*out, "label", labels, n), "reading labels", diag);
    if (status == SOTTO_OK && t->weights != NULL)
        status = translate(XGDMatrixSetFloatInfo(*out, "weight", weights, n), "reading weights", diag);
    if (status == SOTTO_OK && t->groups != NULL)
        status = set_groups(t, use, wanted, *out, diag);
    free(data);
    free(labels);
    free(weights);
    return status;
}

static sotto_status set_param(BoosterHandle booster, const char *name, sotto_diag *diag, double value)
{
    char text[40];
    (void)snprintf(text, sizeof text, "%.17g", value);
    return translate(XGBoosterSetParam(booster, name, text), name, diag);
}

/* XGBoost's threads spin while they wait for each other. On a machine that does anything else, two of them
 * took eight times as long as one for 24,000 rows of 41 features; only work that is long enough is worth
 * sharing. */
static double choose_threads(const learn_settings *s, size_t fields)
{
    static const size_t FIELDS_WORTH_SHARING = 10000000;
    return s->threads > 0 ? (double)s->threads : fields < FIELDS_WORTH_SHARING ? 1 : 0;
}

/* "(1,0,-1)" */
static sotto_status set_monotone(BoosterHandle booster, const int8_t *monotone, size_t features,
                                 sotto_diag *diag)
{
    size_t cap = 4 * features + 2, len = 0;
    char *text = monotone == NULL ? NULL : malloc(cap);
    if (monotone == NULL)
        return SOTTO_OK;
    if (text == NULL)
        return hq_no_memory(diag);
    for (size_t i = 0; i < features; i++)
        len += (size_t)snprintf(text + len, cap - len, "%c%d", i == 0 ? '(' : ',', (int)monotone[i]);
    (void)snprintf(text + len, cap - len, ")");
    sotto_status status =
        translate(XGBoosterSetParam(booster, "monotone_constraints", text), "setting what is monotone", diag);
    free(text);
    return status;
}

static sotto_status set_binary(BoosterHandle booster, const learn_settings *s, double positive_weight,
                               sotto_diag *diag)
{
    const char *metric = s->watch && s->by_auc ? "auc" : "logloss";
    sotto_status status = set_param(booster, "scale_pos_weight", diag, positive_weight);
    if (status == SOTTO_OK)
        status = set_param(booster, "base_score", diag, 0.5);
    return status == SOTTO_OK
               ? translate(XGBoosterSetParam(booster, "eval_metric", metric), "setting a metric", diag)
               : status;
}

/* Rounds are watched by the metric that XGBoost has for the objective. */
static sotto_status set_goal(BoosterHandle booster, const learn_settings *s, sotto_diag *diag)
{
    sotto_status status = set_param(booster, "base_score", diag, s->base_score);
    if (status == SOTTO_OK && s->classes > 1)
        status = set_param(booster, "num_class", diag, (double)s->classes);
    return status;
}

static sotto_status set_params(BoosterHandle booster, const learn_settings *s, size_t fields,
                               double positive_weight, sotto_diag *diag)
{
    const struct {
        const char *name;
        double value;
    } numbers[] = {{"max_depth", (double)s->depth},
                   {"eta", s->eta},
                   {"min_child_weight", s->min_child_weight},
                   {"subsample", s->subsample},
                   {"colsample_bytree", s->colsample},
                   {"lambda", s->lambda},
                   {"seed", (double)s->seed},
                   {"nthread", choose_threads(s, fields)},
                   {"verbosity", 1}};
    const char *const WORDS[][2] = {{"objective", s->objective == NULL ? "binary:logistic" : s->objective},
                                    {"tree_method", "hist"}};
    sotto_status status = SOTTO_OK;
    for (size_t i = 0; status == SOTTO_OK && i < SOTTO_COUNT(WORDS); i++)
        status = translate(XGBoosterSetParam(booster, WORDS[i][0], WORDS[i][1]), WORDS[i][0], diag);
    for (size_t i = 0; status == SOTTO_OK && i < SOTTO_COUNT(numbers); i++)
        status = set_param(booster, numbers[i].name, diag, numbers[i].value);
    if (status != SOTTO_OK)
        return status;
    return s->objective == NULL ? set_binary(booster, s, positive_weight, diag) : set_goal(booster, s, diag);
}

static sotto_status set_names(BoosterHandle booster, const sotto_feature *features, size_t n,
                              sotto_diag *diag)
{
    const char **names = calloc(n, sizeof *names);
    if (names == NULL)
        return hq_no_memory(diag);
    for (size_t i = 0; i < n; i++)
        names[i] = features[i].name;
    sotto_status status =
        translate(XGBoosterSetStrFeatureInfo(booster, "feature_name", names, n), "naming features", diag);
    free(names);
    return status;
}

/* "[12]\twatched-logloss:0.2773" */
static sotto_status watch(BoosterHandle booster, int round, DMatrixHandle watched, double *loss,
                          sotto_diag *diag)
{
    static const char *NAMES[] = {"watched"};
    const char *line = "";
    sotto_status status =
        translate(XGBoosterEvalOneIter(booster, round, &watched, NAMES, 1, &line), "evaluating", diag);
    const char *colon = strrchr(line, ':');
    *loss = colon == NULL ? NAN : strtod(colon + 1, NULL);
    if (strstr(line, "-ndcg") != NULL)
        *loss = -*loss;
    return status;
}

/* Takes what a round brought. True when it is time to stop. */
static bool stop_after(learn_booster *b, int round, double loss, double *best_loss, const learn_settings *s)
{
    if (b->curve != NULL) {
        b->curve[round] = s->by_auc ? -loss : loss;
        return false;
    }
    if (loss < *best_loss) {
        *best_loss = loss;
        b->rounds = round + 1;
    }
    return round + 1 - b->rounds >= s->early_stop;
}

static sotto_status run_rounds(learn_booster *b, DMatrixHandle train, DMatrixHandle watched,
                               const learn_settings *s, sotto_diag *diag)
{
    double best_loss = INFINITY;
    sotto_status status = SOTTO_OK;
    b->rounds = (int)s->rounds;
    for (int round = 0; status == SOTTO_OK && round < s->rounds; round++) {
        double loss = 0;
        status = translate(XGBoosterUpdateOneIter(b->handle, round, train), "training", diag);
        if (status == SOTTO_OK && watched != NULL)
            status = watch(b->handle, round, watched, &loss, diag);
        if (!s->quiet)
            learn_progress("training", (size_t)round + 1, (size_t)s->rounds);
        if (status == SOTTO_OK && watched != NULL && stop_after(b, round, loss, &best_loss, s))
            break;
    }
    if (!s->quiet)
        learn_progress("training", 1, 1);
    return status;
}

/* The attribute by which every reader of the file, XGBoost's own too, knows where to stop. */
static sotto_status set_best(const learn_booster *b, sotto_diag *diag)
{
    char text[16];
    (void)snprintf(text, sizeof text, "%d", b->rounds - 1);
    return translate(XGBoosterSetAttr(b->handle, "best_iteration", text), "naming the best round", diag);
}

static sotto_status train_on(learn_booster *b, DMatrixHandle train, DMatrixHandle watched,
                             const sotto_feature *features, size_t feature_count, const learn_settings *s,
                             double positive_weight, sotto_diag *diag)
{
    bst_ulong rows = 0;
    DMatrixHandle known[2] = {train, watched};
    sotto_status status =
        translate(XGBoosterCreate(known, watched == NULL ? 1 : 2, &b->handle), "starting", diag);
    if (status == SOTTO_OK)
        status = translate(XGDMatrixNumRow(train, &rows), "counting rows", diag);
    if (status == SOTTO_OK)
        status = set_params(b->handle, s, (size_t)rows * feature_count, positive_weight, diag);
    if (status == SOTTO_OK)
        status = set_monotone(b->handle, s->monotone, feature_count, diag);
    if (status == SOTTO_OK)
        status = run_rounds(b, train, watched, s, diag);
    if (status == SOTTO_OK)
        status = set_names(b->handle, features, feature_count, diag);
    if (status == SOTTO_OK && watched != NULL && !s->watch)
        status = set_best(b, diag);
    return status;
}

/* As given, or what makes both classes of the rows that are trained on weigh the same. */
static double weigh_positives(const learn_table *t, const uint8_t *use, const learn_settings *s)
{
    size_t positives = 0, rows = 0;
    for (size_t row = 0; t->labels != NULL && row < t->rows; row++)
        if (use[row] == LEARN_TRAINED) {
            rows++;
            positives += t->labels[row];
        }
    if (s->positive_weight > 0 || t->labels == NULL)
        return s->positive_weight;
    return positives == 0 ? 1 : (double)(rows - positives) / (double)positives;
}

sotto_status learn_booster_train(learn_booster **out, const learn_table *t, const uint8_t *use,
                                 const sotto_feature *features, const learn_settings *s, sotto_diag *diag)
{
    DMatrixHandle train = NULL, watched = NULL;
    *out = NULL;
    learn_booster *b = calloc(1, sizeof *b);
    if (b == NULL)
        return hq_no_memory(diag);
    sotto_status status = make_matrix(t, use, LEARN_TRAINED, &train, diag);
    if (status == SOTTO_OK && train == NULL)
        status = sotto_diag_set(diag, SOTTO_ERR(HQ, RANGE), "no rows are left to train on");
    if (status == SOTTO_OK && (s->early_stop > 0 || s->watch))
        status = make_matrix(t, use, LEARN_WATCHED, &watched, diag);
    if (status == SOTTO_OK && s->watch) {
        b->curve = calloc((size_t)s->rounds, sizeof *b->curve);
        if (b->curve == NULL)
            status = hq_no_memory(diag);
    }
    if (status == SOTTO_OK)
        status = train_on(b, train, watched, features, t->features, s, weigh_positives(t, use, s), diag);
    if (train != NULL)
        XGDMatrixFree(train);
    if (watched != NULL)
        XGDMatrixFree(watched);
    if (status == SOTTO_OK)
        *out = b;
    else
        learn_booster_free(b);
    return status;
}

static sotto_status read_rounds(learn_booster *b, sotto_diag *diag)
{
    const char *text = NULL;
    int there = 0;
    sotto_status status =
        translate(XGBoosterGetAttr(b->handle, "best_iteration", &text, &there), "reading a model", diag);
    if (status == SOTTO_OK && there) {
        b->rounds = (int)strtol(text, NULL, 10) + 1;
        return SOTTO_OK;
    }
    return status == SOTTO_OK
               ? translate(XGBoosterBoostedRounds(b->handle, &b->rounds), "reading a model", diag)
               : status;
}

sotto_status learn_booster_load(learn_booster **out, sotto_span json, sotto_diag *diag)
{
    *out = NULL;
    learn_booster *b = calloc(1, sizeof *b);
    if (b == NULL)
        return hq_no_memory(diag);
    sotto_status status = translate(XGBoosterCreate(NULL, 0, &b->handle), "starting", diag);
    if (status == SOTTO_OK)
        status =
            translate(XGBoosterLoadModelFromBuffer(b->handle, json.ptr, json.len), "loading a model", diag);
    if (status == SOTTO_OK)
        status = set_param(b->handle, "nthread", diag, 1);
    if (status == SOTTO_OK)
        status = read_rounds(b, diag);
    if (status == SOTTO_OK)
        *out = b;
    else
        learn_booster_free(b);
    return status;
}

size_t learn_booster_trees(const learn_booster *b)
{
    return (size_t)b->rounds;
}

const double *learn_booster_curve(const learn_booster *b)
{
    return b->curve;
}

sotto_status learn_booster_set(learn_booster *b, const learn_pair *attributes, size_t n, sotto_diag *diag)
{
    sotto_status status = SOTTO_OK;
    for (size_t i = 0; status == SOTTO_OK && i < n; i++)
        status = translate(XGBoosterSetAttr(b->handle, attributes[i].name, attributes[i].value),
                           "writing attributes", diag);
    return status;
}

sotto_status learn_booster_json(learn_booster *b, sotto_vec *out, sotto_diag *diag)
{
    bst_ulong len = 0;
    const char *bytes = NULL;
    sotto_status status = translate(
        XGBoosterSaveModelToBuffer(b->handle, "{\"format\": \"json\"}", &len, &bytes), "saving", diag);
    return status == SOTTO_OK ? sotto_vec_put(out, bytes, len) : status;
}

/* Runs a prediction of one type (1 margin, 6 leaves) over rows [first, first + n). out: count floats. */
static sotto_status predict(learn_booster *b, const learn_table *t, size_t first, size_t n, int type,
                            size_t count, float *out, sotto_diag *diag)
{
    DMatrixHandle rows = NULL;
    const bst_ulong *shape = NULL;
    const float *result = NULL;
    bst_ulong dims = 0, total = 1;
    char config[160];
    float *data = calloc(n * t->features, sizeof *data);
    if (data == NULL)
        return hq_no_memory(diag);
    for (size_t i = 0; i < n * t->features; i++)
        data[i] = learn_key_float(t->keys[first * t->features + i]);
    (void)snprintf(config, sizeof config,
                   "{\"type\": %d, \"training\": false, \"iteration_begin\": 0, \"iteration_end\": %d, "
                   "\"strict_shape\": false}",
                   type, b->rounds);
    sotto_status status = wrap_rows(data, n, t->features, &rows, diag);
    free(data);
    if (status == SOTTO_OK)
        status = translate(XGBoosterPredictFromDMatrix(b->handle, rows, config, &shape, &dims, &result),
                           "predicting", diag);
    for (bst_ulong d = 0; status == SOTTO_OK && d < dims; d++)
        total *= shape[d];
    if (status == SOTTO_OK && total != count)
        status = sotto_diag_set(diag, SOTTO_ERR(HQ, INTERNAL), "XGBoost gave %llu values, not %zu",
                                (unsigned long long)total, count);
    if (status == SOTTO_OK)
        memcpy(out, result, count * sizeof *out);
    if (rows != NULL)
        XGDMatrixFree(rows);
    return status;
}

sotto_status learn_booster_margins(learn_booster *b, const learn_table *t, size_t first, size_t n, float *out,
                                   sotto_diag *diag)
{
    return predict(b, t, first, n, 1, n, out, diag);
}

sotto_status learn_booster_outputs(learn_booster *b, const learn_table *t, size_t first, size_t n,
                                   size_t outputs, float *out, sotto_diag *diag)
{
    return predict(b, t, first, n, 1, n * outputs, out, diag);
}

sotto_status learn_booster_leaves(learn_booster *b, const learn_table *t, size_t first, size_t n,
                                  size_t trees, uint32_t *out, sotto_diag *diag)
{
    float *leaves = calloc(n * trees, sizeof *leaves);
    if (leaves == NULL)
        return hq_no_memory(diag);
    sotto_status status = predict(b, t, first, n, 6, n * trees, leaves, diag);
    for (size_t i = 0; status == SOTTO_OK && i < n * trees; i++)
        out[i] = (uint32_t)leaves[i];
    free(leaves);
    return status;
}

void learn_booster_free(learn_booster *b)
{
    if (b == NULL)
        return;
    if (b->handle != NULL)
        XGBoosterFree(b->handle);
    free(b->curve);
    free(b);
}
