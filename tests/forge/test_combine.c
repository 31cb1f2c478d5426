/* Two steps: the combined model against its two parts, feature by feature and to the last bit. */
#include "random_forest.h"
#include "random_lightgbm.h"

#include "sotto/model.h"

#include <float.h>
#include <math.h>

enum { ROWS = 400 };

typedef struct loaded {
    sotto_vec file;
    void *memory;
    const sotto_model *model;
    sotto_forge_report report;
} loaded;

static void load(loaded *l)
{
    size_t cap = sotto_model_arena_bound(l->file.len);
    sotto_arena arena;
    sotto_diag diag = {.status = SOTTO_OK};
    l->memory = malloc(cap);
    assert_non_null(l->memory);
    sotto_arena_init(&arena, l->memory, cap);
    if (sotto_model_load(&l->model, sotto_vec_span(&l->file), &arena, &diag) != SOTTO_OK)
        fail_msg("%s", diag.text);
}

static void unload(loaded *l)
{
    free(l->memory);
    sotto_vec_free(&l->file);
}

static const sotto_forge_options OPTIONS = {.file_name = "p.sotto", .model_name = "two steps"};

typedef sotto_status (*compiler)(sotto_span file, const sotto_forge_options *options, sotto_vec *out,
                                 sotto_forge_report *report, sotto_diag *diag);

static loaded compile(compiler run, sotto_span file)
{
    loaded l = {.memory = NULL};
    sotto_diag diag = {.status = SOTTO_OK};
    sotto_vec_init(&l.file, 1 << 24);
    if (run(file, &OPTIONS, &l.file, &l.report, &diag) != SOTTO_OK)
        fail_msg("%s: %s", diag.where, diag.text);
    load(&l);
    return l;
}

/* Exchanges one piece of a text that ends in NUL for another that is no longer. */
static void exchange(char *text, const char *from, const char *to)
{
    char *at = strstr(text, from);
    assert_non_null(at);
    assert_true(strlen(to) <= strlen(from));
    memmove(at + strlen(to), at + strlen(from), strlen(at + strlen(from)) + 1);
    memcpy(at, to, strlen(to));
}

/* A random forest of XGBoost's; objective may be another one than its own. */
static loaded random_xgboost(uint32_t seed, bool categories, const char *objective)
{
    random_forest *f = grow_forest(seed, 7, 5, 5);
    sotto_vec json;
    sotto_vec_init(&json, 1 << 20);
    if (categories)
        add_categories(f);
    put_forest(f, "\"attributes\":{\"note\":\"text\"},", &json);
    assert_int_equal(sotto_vec_put(&json, "", 1), SOTTO_OK);
    exchange((char *)json.ptr, "binary:logistic", objective);
    loaded l = compile(sotto_forge_xgboost, sotto_span_str((const char *)json.ptr));
    sotto_vec_free(&json);
    free(f);
    return l;
}

/* A random forest of LightGBM's that says an amount. Its feature c2, with NaN as missing, may have another
 * name. */
static loaded random_lightgbm(uint32_t seed, const char *c2)
{
    lgb_forest *f = lgb_grow(seed, 6, 4, 1, 12);
    sotto_vec text;
    sotto_vec_init(&text, 1 << 20);
    lgb_put(f, &text);
    assert_int_equal(sotto_vec_put(&text, "", 1), SOTTO_OK);
    exchange((char *)text.ptr, "binary sigmoid:1", "regression");
    exchange((char *)text.ptr, "c2 ", c2);
    loaded l = compile(sotto_forge_lightgbm, sotto_span_str((const char *)text.ptr));
    sotto_vec_free(&text);
    free(f);
    return l;
}

static loaded combine(const loaded *p, const loaded *a)
{
    loaded l = {.memory = NULL};
    sotto_diag diag = {.status = SOTTO_OK};
    sotto_vec_init(&l.file, 1 << 24);
    if (sotto_forge_combine(sotto_vec_span(&p->file), sotto_vec_span(&a->file), "a.sotto", &OPTIONS, &l.file,
                            &l.report, &diag) != SOTTO_OK)
        fail_msg("%s: %s", diag.where, diag.text);
    load(&l);
    return l;
}

/* Thresholds as the random forests have them, their neighbours, and the float64 where rounding to float32
 * turns. */
static double value_of(uint64_t seed)
{
    static random_forest f; /* large: not cleared each time */
    f.state = seed | 1;
    float v = random_threshold(&f);
    double up = v == FLT_MAX ? 0x1p128 : (double)nextafterf(v, INFINITY), middle = ((double)v + up) / 2;
    switch (random_below(&f, 9)) {
    case 0:
        return NAN;
    case 1:
        return random_below(&f, 2) ? INFINITY : -INFINITY;
    case 2:
        return middle;
    case 3:
        return nextafter(middle, INFINITY);
    case 4:
        return nextafter(middle, -INFINITY);
    case 5:
        return (double)random_below(&f, 40);
    case 6:
        return up;
    default:
        return (double)v;
    }
}

static size_t feature_named(const sotto_model *m, const char *name)
{
    size_t i = 0;
    while (strcmp(sotto_model_feature(m, i)->name, name) != 0)
        i++; /* asserted in range */
    return i;
}

/* A value for each feature of the combined model, in float64; the parts' keys are of the same values. */
static void fill_keys(const loaded *v, const loaded *part, uint64_t seed, int32_t *keys)
{
    for (size_t f = 0; f < sotto_model_info_of(part->model)->features; f++) {
        uint64_t bits;
        double x = value_of(seed + 977 * feature_named(v->model, sotto_model_feature(part->model, f)->name));
        memcpy(&bits, &x, sizeof bits);
        keys[f] = sotto_model_key(part->model, f, bits);
    }
}

static void compare_row(const loaded *v, const loaded *p, const loaded *a, uint64_t seed)
{
    static int32_t keys[3][SOTTO_MODEL_FEATURES_MAX];
    static uint32_t leaves[3][SOTTO_MODEL_TREES_MAX];
    static int64_t parts[SOTTO_MODEL_FEATURES_MAX];
    const loaded *all[3] = {v, p, a};
    for (size_t k = 0; k < 3; k++) {
        fill_keys(v, all[k], seed, keys[k]);
        sotto_model_leaves(all[k]->model, keys[k], leaves[k]);
    }
    size_t p_trees = sotto_model_info_of(p->model)->trees, a_trees = sotto_model_info_of(a->model)->trees;
    assert_memory_equal(leaves[0], leaves[1], p_trees * sizeof *leaves[0]);
    assert_memory_equal(leaves[0] + p_trees, leaves[2], a_trees * sizeof *leaves[0]);
    int64_t margin = sotto_model_margin_q24(v->model, keys[0]),
            amount = sotto_model_margin_q24(a->model, keys[2]);
    double probability =
        (double)sotto_model_probability_q30(p->model, sotto_model_margin_q24(p->model, keys[1])) / 0x1p30;
    bool is_exp = sotto_model_info_of(v->model)->link == SOTTO_LINK_VALUE_EXP;
    double money = is_exp ? exp((double)amount / 0x1p24) * 0x1p24 : (double)amount;
    double slack = is_exp ? 1.5 + money * 4 / 0x1p30 : 0.501;
    assert_true(fabs((double)margin - money * probability) <= slack);
    int64_t bias;
    assert_true(sotto_model_why_q24(v->model, keys[0], &bias, parts) == margin);
    for (size_t f = 0; f < sotto_model_info_of(v->model)->features; f++)
        bias += parts[f];
    assert_true(bias == margin);
}

static void compare(loaded p, loaded a, enum sotto_model_link link)
{
    loaded v = combine(&p, &a);
    const sotto_model_info *i = sotto_model_info_of(v.model);
    assert_int_equal(i->link, link);
    assert_int_equal(i->outputs, 1);
    assert_int_equal(i->calibration, sotto_model_info_of(p.model)->calibration);
    assert_true(i->margin_error_q24 > 0 && v.report.margin_error_q24 == i->margin_error_q24);
    for (uint64_t row = 1; row <= ROWS; row++)
        compare_row(&v, &p, &a, row * UINT64_C(0x9e3779b97f4a7c15));
    unload(&v);
    unload(&p);
    unload(&a);
}

static void a_value_is_probability_times_amount(void **state)
{
    (void)state;
    compare(random_xgboost(1, false, "binary:logistic"), random_xgboost(2, false, "reg:linear"),
            SOTTO_LINK_VALUE);
    compare(random_xgboost(3, true, "binary:logistic"), random_xgboost(3, true, "reg:gamma"),
            SOTTO_LINK_VALUE_EXP);
}

/* Thresholds of float32 beside those of float64. */
static void sources_may_differ(void **state)
{
    (void)state;
    for (uint32_t seed = 1; seed < 9; seed++)
        compare(random_xgboost(seed, seed % 2 == 0, "binary:logistic"),
                random_lightgbm(seed, seed % 2 == 0 ? "c2 " : "f2 "), SOTTO_LINK_VALUE);
}

static void a_calibration_stays(void **state)
{
    (void)state;
    static const int64_t MARGINS[3] = {-(1 << 24), 5, 1 << 23};
    static const uint32_t PROBABILITIES[3] = {1 << 20, 1 << 28, 1 << 29};
    const sotto_calibration kinds[2] = {
        {.kind = SOTTO_CALIBRATION_PLATT, .slope_q24 = 1 << 23, .offset_q24 = -12345},
        {.kind = SOTTO_CALIBRATION_ISOTONIC, .points = 3, .margin_q24 = MARGINS, .p_q30 = PROBABILITIES}};
    for (size_t k = 0; k < 2; k++) {
        loaded plain = random_xgboost(6, false, "binary:logistic"), p = {.memory = NULL};
        sotto_vec_init(&p.file, 1 << 24);
        assert_int_equal(sotto_forge_calibrate(sotto_vec_span(&plain.file), &kinds[k],
                                               sotto_span_str("sotto.calibration=x\n"), &p.file, NULL),
                         SOTTO_OK);
        load(&p);
        unload(&plain);
        compare(p, random_xgboost(7, false, "reg:linear"), SOTTO_LINK_VALUE);
    }
}

static const char AMOUNT[] = "feature,min,max,points,coefficient\n(link),,,identity,\n(intercept),,,1000,\n"
                             "f1,,0.5,250,\nf1,0.5,,3000,\nf9,,,,12.5\n";

/* Leaves of thousands take a coarser scale for all: the bound says so. */
static void points_and_terms(void **state)
{
    (void)state;
    loaded a = compile(sotto_forge_scorecard, sotto_span_str(AMOUNT));
    loaded p = random_xgboost(8, false, "binary:logistic"), v = combine(&p, &a);
    const sotto_model_info *i = sotto_model_info_of(v.model);
    assert_int_equal(i->terms, 1);
    double least = (double)sotto_model_info_of(a.model)->margin_error_q24;
    assert_true((double)i->margin_error_q24 > least);
    unload(&v);
    unload(&p);
    unload(&a);
}

/* An amount beyond what is held stays at the most, whatever e^ its margin is. */
static void amounts_end_at_the_most(void **state)
{
    (void)state;
    static const char *const MARGINS[] = {"19.5", "20", "21", "23", "24", "27", "28", "29", "60"};
    loaded p =
        compile(sotto_forge_scorecard,
                sotto_span_str("feature,points,coefficient\n(link),logistic,\n(intercept),30,\nf1,,0\n"));
    for (size_t i = 0; i < SOTTO_COUNT(MARGINS); i++) {
        char card[128];
        int32_t keys[1] = {0};
        (void)snprintf(card, sizeof card, "feature,points,coefficient\n(link),log,\n(intercept),%s,\nf1,,0\n",
                       MARGINS[i]);
        loaded a = compile(sotto_forge_scorecard, sotto_span_str(card)), v = combine(&p, &a);
        assert_int_equal(sotto_model_margin_q24(v.model, keys), INT64_C(1) << 52);
        unload(&v);
        unload(&a);
    }
    unload(&p);
}

static void refused(const loaded *p, const loaded *a, sotto_status expected, const char *said)
{
    sotto_vec out;
    sotto_forge_report report;
    sotto_diag diag = {.status = SOTTO_OK};
    sotto_vec_init(&out, 1 << 24);
    sotto_status status = sotto_forge_combine(sotto_vec_span(&p->file), sotto_vec_span(&a->file), "a.sotto",
                                              &OPTIONS, &out, &report, &diag);
    assert_int_equal(status, expected);
    if (strstr(diag.text, said) == NULL || diag.where[0] == '\0')
        fail_msg("%s: %s", diag.where, diag.text);
    assert_int_equal(out.len, 0);
    sotto_vec_free(&out);
}

static void what_does_not_go_together_is_refused(void **state)
{
    (void)state;
    loaded p = random_xgboost(9, false, "binary:logistic"), a = random_xgboost(10, false, "reg:linear");
    loaded sets = random_xgboost(9, true, "reg:linear"), wide = random_lightgbm(5, "f2 ");
    loaded terms = compile(sotto_forge_scorecard, sotto_span_str("feature,coefficient\nf1,2\n"));
    loaded segments = compile(sotto_forge_kmeans, sotto_span_str("f1\n1\n2\n")), v = combine(&p, &a);
    refused(&a, &a, SOTTO_ERR(FORGE, UNSUPPORTED), "must say a probability");
    refused(&p, &p, SOTTO_ERR(FORGE, UNSUPPORTED), "must say an amount");
    refused(&p, &v, SOTTO_ERR(FORGE, UNSUPPORTED), "must say an amount");
    refused(&p, &segments, SOTTO_ERR(FORGE, UNSUPPORTED), "one output");
    refused(&p, &sets, SOTTO_ERR(FORGE, CONFLICT), "otherwise than in p.sotto");
    refused(&terms, &wide, SOTTO_ERR(FORGE, UNSUPPORTED), "linear terms do not go");
    loaded cut = a;
    cut.file.len = 40;
    refused(&p, &cut, SOTTO_ERR(MODEL, TRUNCATED), "");
    loaded *all[] = {&p, &a, &sets, &wide, &terms, &segments, &v};
    for (size_t k = 0; k < SOTTO_COUNT(all); k++)
        unload(all[k]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_value_is_probability_times_amount),
        cmocka_unit_test(sources_may_differ),
        cmocka_unit_test(a_calibration_stays),
        cmocka_unit_test(points_and_terms),
        cmocka_unit_test(amounts_end_at_the_most),
        cmocka_unit_test(what_does_not_go_together_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
