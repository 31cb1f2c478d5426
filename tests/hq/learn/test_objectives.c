/* Every objective and booster of XGBoost's: the compiled model gives its margins and its answers, or is
 * refused by the objective's name. Objectives that this XGBoost does not have yet are passed over. */
#include "learn/learn.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <xgboost/c_api.h>

#include <cmocka.h>

enum { ROWS = 240, COLUMNS = 4, CLASSES = 3, GROUP = 12, ROUNDS = 6 };

/* What an objective learns from, and what its answers are. */
enum target { BINARY, UNIT, COUNT, POSITIVE, REAL, CLASS, RELEVANCE };
typedef struct objective {
    const char *name;
    enum target target;
    enum sotto_model_link link;
} objective;

static const objective OBJECTIVES[] = {{"binary:logistic", BINARY, SOTTO_LINK_LOGISTIC},
                                       {"binary:logitraw", BINARY, SOTTO_LINK_IDENTITY},
                                       {"reg:logistic", UNIT, SOTTO_LINK_LOGISTIC},
                                       {"reg:squarederror", REAL, SOTTO_LINK_IDENTITY},
                                       {"reg:squaredlogerror", POSITIVE, SOTTO_LINK_IDENTITY},
                                       {"reg:absoluteerror", REAL, SOTTO_LINK_IDENTITY},
                                       {"reg:pseudohubererror", REAL, SOTTO_LINK_IDENTITY},
                                       {"count:poisson", COUNT, SOTTO_LINK_EXP},
                                       {"reg:tweedie", POSITIVE, SOTTO_LINK_EXP},
                                       {"reg:gamma", POSITIVE, SOTTO_LINK_EXP},
                                       {"survival:cox", POSITIVE, SOTTO_LINK_EXP},
                                       {"rank:pairwise", RELEVANCE, SOTTO_LINK_IDENTITY},
                                       {"rank:ndcg", RELEVANCE, SOTTO_LINK_IDENTITY},
                                       {"rank:map", BINARY, SOTTO_LINK_IDENTITY},
                                       {"multi:softprob", CLASS, SOTTO_LINK_SOFTMAX},
                                       {"multi:softmax", CLASS, SOTTO_LINK_SOFTMAX}};
static const char *const BOOSTERS[] = {"gbtree", "dart", "gblinear"};

static float rows[ROWS * COLUMNS], targets[ROWS];
static int32_t keys[ROWS * COLUMNS];

static uint64_t random_state = 11;
static double next_random(void)
{
    random_state = random_state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (double)(random_state >> 40) / 16777216.0;
}

static void make_rows(void)
{
    for (size_t i = 0; i < ROWS * COLUMNS; i++) {
        uint32_t bits;
        rows[i] = next_random() < 0.1 ? NAN : (float)(floor(next_random() * 400) / 16 - 12);
        memcpy(&bits, &rows[i], sizeof bits);
        keys[i] = sotto_fixed_float_key(bits);
    }
}

static void make_targets(enum target target)
{
    for (size_t i = 0; i < ROWS; i++) {
        const float *x = rows + i * COLUMNS;
        double s = (isnan(x[0]) ? 0 : (double)x[0] / 8) + (isnan(x[1]) ? 0 : (double)x[1] / 16) +
                   next_random() - 0.5;
        targets[i] = (float)(target == BINARY      ? s > 0
                             : target == UNIT      ? 1 / (1 + exp(-s))
                             : target == COUNT     ? floor(exp(s))
                             : target == POSITIVE  ? exp(s) + 0.1
                             : target == CLASS     ? (s > -0.4) + (s > 0.4)
                             : target == RELEVANCE ? (s > -0.4) + (s > 0) + (s > 0.6)
                                                   : 3 * s);
    }
}

static DMatrixHandle make_matrix(enum target target)
{
    DMatrixHandle m = NULL;
    unsigned groups[ROWS / GROUP];
    make_targets(target);
    assert_int_equal(XGDMatrixCreateFromMat(rows, ROWS, COLUMNS, NAN, &m), 0);
    assert_int_equal(XGDMatrixSetFloatInfo(m, "label", targets, ROWS), 0);
    for (size_t i = 0; i < ROWS / GROUP; i++)
        groups[i] = GROUP;
    if (target == RELEVANCE || target == BINARY)
        assert_int_equal(XGDMatrixSetUIntInfo(m, "group", groups, ROWS / GROUP), 0);
    return m;
}

/* NULL: this XGBoost does not know the objective. */
static BoosterHandle train(DMatrixHandle m, const char *booster, const objective *o)
{
    const char *settings[][2] = {{"objective", o->name}, {"booster", booster},  {"max_depth", "3"},
                                 {"eta", "0.4"},         {"base_score", "0.3"}, {"nthread", "1"},
                                 {"verbosity", "0"},     {"rate_drop", "0.4"},  {"seed", "3"},
                                 {"num_class", "3"}};
    BoosterHandle b = NULL;
    size_t n = SOTTO_COUNT(settings) - (o->link != SOTTO_LINK_SOFTMAX);
    bool good = XGBoosterCreate(&m, 1, &b) == 0;
    for (size_t i = 0; i < n; i++)
        good = good && XGBoosterSetParam(b, settings[i][0], settings[i][1]) == 0;
    for (int i = 0; good && i < ROUNDS; i++)
        good = XGBoosterUpdateOneIter(b, i, m) == 0;
    if (good)
        return b;
    (void)XGBoosterFree(b);
    return NULL;
}

static learn_input compile(sotto_span file, const char *what)
{
    learn_input in = {.memory = NULL};
    sotto_forge_options options = {.file_name = what, .model_name = "test"};
    sotto_forge_report report;
    sotto_diag diag = {.status = SOTTO_OK};
    sotto_vec_init(&in.model_file, 1 << 24);
    if (sotto_forge_xgboost(file, &options, &in.model_file, &report, &diag) != SOTTO_OK)
        fail_msg("%s: %s: %s", what, diag.where, diag.text);
    assert_int_equal(learn_input_load(&in, &diag), SOTTO_OK);
    return in;
}

static const float *predict(BoosterHandle b, DMatrixHandle m, int margins, int rounds)
{
    char config[128];
    const bst_ulong *shape;
    bst_ulong dims;
    const float *out = NULL;
    (void)snprintf(config, sizeof config,
                   "{\"type\": %d, \"training\": false, \"iteration_begin\": 0, \"iteration_end\": %d, "
                   "\"strict_shape\": true}",
                   margins, rounds);
    assert_int_equal(XGBoosterPredictFromDMatrix(b, m, config, &shape, &dims, &out), 0);
    return out;
}

static bool near(double a, double b)
{
    return fabs(a - b) <= 2e-5 * fmax(1, fmax(fabs(a), fabs(b)));
}

/* As the model's link says, beside XGBoost's own answer. */
static bool same_answer(const sotto_model *m, const int64_t *margins, const float *theirs, bool label)
{
    uint32_t p[SOTTO_MODEL_OUTPUTS_MAX];
    double margin = (double)margins[0] / 16777216.0;
    const sotto_model_info *info = sotto_model_info_of(m);
    size_t best = 0;
    if (info->link == SOTTO_LINK_IDENTITY)
        return near(margin, (double)theirs[0]);
    if (info->link == SOTTO_LINK_EXP)
        return near(exp(margin), (double)theirs[0]);
    sotto_model_probabilities_q30(m, margins, p);
    for (size_t k = 0; k < info->outputs; k++) {
        best = p[k] > p[best] ? k : best;
        if (!label && !near((double)p[k] / 1073741824.0, (double)theirs[k]))
            return false;
    }
    return !label || best == (size_t)theirs[0];
}

static void compare(const char *what, const objective *o, const sotto_model *m, BoosterHandle b,
                    DMatrixHandle matrix, int rounds)
{
    size_t outputs = sotto_model_info_of(m)->outputs;
    bool label = strcmp(o->name, "multi:softmax") == 0;
    float theirs[ROWS * CLASSES];
    int64_t ours[ROWS * CLASSES];
    assert_int_equal(outputs, o->link == SOTTO_LINK_SOFTMAX ? CLASSES : 1);
    assert_int_equal(sotto_model_info_of(m)->link, o->link);
    memcpy(theirs, predict(b, matrix, 1, rounds), ROWS * outputs * sizeof *theirs);
    for (size_t i = 0; i < ROWS; i++) {
        sotto_model_margins_q24(m, keys + i * COLUMNS, ours + i * outputs);
        for (size_t k = 0; k < outputs; k++)
            if (!near((double)ours[i * outputs + k] / 16777216.0, (double)theirs[i * outputs + k]))
                fail_msg("%s: row %zu, output %zu", what, i, k);
    }
    const float *answers = predict(b, matrix, 0, rounds);
    for (size_t i = 0; i < ROWS; i++)
        if (!same_answer(m, ours + i * outputs, answers + i * (label ? 1 : outputs), label))
            fail_msg("%s: answer of row %zu", what, i);
}

/* JSON and UBJSON say the same. rounds 0: all. */
static void check_saved(const char *what, const objective *o, BoosterHandle b, DMatrixHandle matrix,
                        int rounds)
{
    static const char *const FORMATS[] = {"{\"format\": \"json\"}", "{\"format\": \"ubj\"}"};
    for (size_t i = 0; i < SOTTO_COUNT(FORMATS); i++) {
        char const *bytes = NULL;
        bst_ulong len = 0;
        assert_int_equal(XGBoosterSaveModelToBuffer(b, FORMATS[i], &len, &bytes), 0);
        learn_input in = compile(sotto_span_of(bytes, (size_t)len), what);
        compare(what, o, in.model, b, matrix, rounds);
        learn_input_free(&in);
    }
}

static void every_objective_gives_its_own_answers(void **state)
{
    (void)state;
    size_t compared = 0;
    for (size_t k = 0; k < SOTTO_COUNT(BOOSTERS); k++)
        for (size_t i = 0; i < SOTTO_COUNT(OBJECTIVES); i++) {
            char what[80];
            DMatrixHandle m = make_matrix(OBJECTIVES[i].target);
            BoosterHandle b = train(m, BOOSTERS[k], &OBJECTIVES[i]);
            (void)snprintf(what, sizeof what, "%s, %s", BOOSTERS[k], OBJECTIVES[i].name);
            if (b != NULL) {
                check_saved(what, &OBJECTIVES[i], b, m, 0);
                compared++;
                (void)XGBoosterFree(b);
            }
            (void)XGDMatrixFree(m);
        }
    assert_true(compared >= 40);
}

/* Of dart too, whose weights beyond the best round stay in the file. */
static void the_best_round_is_the_last(void **state)
{
    (void)state;
    for (size_t k = 0; k < 2; k++)
        for (size_t i = 0; i < SOTTO_COUNT(OBJECTIVES); i += SOTTO_COUNT(OBJECTIVES) - 2) {
            DMatrixHandle m = make_matrix(OBJECTIVES[i].target);
            BoosterHandle b = train(m, BOOSTERS[k], &OBJECTIVES[i]);
            assert_non_null(b);
            assert_int_equal(XGBoosterSetAttr(b, "best_iteration", "2"), 0);
            check_saved(BOOSTERS[k], &OBJECTIVES[i], b, m, 3);
            (void)XGBoosterFree(b);
            (void)XGDMatrixFree(m);
        }
}

static void other_objectives_are_refused_by_name(void **state)
{
    (void)state;
    static const objective REFUSED[] = {{"binary:hinge", BINARY, SOTTO_LINK_IDENTITY}};
    for (size_t i = 0; i < SOTTO_COUNT(REFUSED); i++) {
        DMatrixHandle m = make_matrix(REFUSED[i].target);
        BoosterHandle b = train(m, "gbtree", &REFUSED[i]);
        char const *bytes = NULL;
        bst_ulong len = 0;
        sotto_vec out;
        sotto_diag diag = {.status = SOTTO_OK};
        sotto_forge_report report;
        sotto_forge_options options = {.file_name = "model.json", .model_name = "test"};
        assert_non_null(b);
        assert_int_equal(XGBoosterSaveModelToBuffer(b, "{\"format\": \"json\"}", &len, &bytes), 0);
        sotto_vec_init(&out, 1 << 24);
        assert_int_equal(
            sotto_forge_xgboost(sotto_span_of(bytes, (size_t)len), &options, &out, &report, &diag),
            SOTTO_ERR(FORGE, UNSUPPORTED));
        assert_non_null(strstr(diag.text, REFUSED[i].name));
        assert_int_equal(out.len, 0);
        sotto_vec_free(&out);
        (void)XGBoosterFree(b);
        (void)XGDMatrixFree(m);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_objective_gives_its_own_answers),
        cmocka_unit_test(the_best_round_is_the_last),
        cmocka_unit_test(other_objectives_are_refused_by_name),
    };
    make_rows();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
