/* LightGBM's text: every value takes the leaf that LightGBM's own rules give it; what would not is refused.
 */
#include "random_lightgbm.h"

#define VECTORS SOTTO_DATA_DIR "/vectors/lightgbm/"

typedef struct compiled {
    sotto_vec text, file;
    sotto_forge_report report;
    void *memory;
    const sotto_model *model;
} compiled;

static sotto_status compile_text(sotto_span text, sotto_vec *out, sotto_forge_report *report,
                                 sotto_diag *diag)
{
    static const sotto_forge_options OPTIONS = {.file_name = "model.txt", .model_name = "test"};
    sotto_vec_init(out, 1 << 26);
    return sotto_forge_lightgbm(text, &OPTIONS, out, report, diag);
}

static void load(compiled *c)
{
    sotto_diag diag = {.status = SOTTO_OK};
    sotto_status status = compile_text(sotto_vec_span(&c->text), &c->file, &c->report, &diag);
    if (status != SOTTO_OK)
        print_message("%s:%llu: %s\n", diag.where, (unsigned long long)diag.line, diag.text);
    assert_int_equal(status, SOTTO_OK);
    size_t cap = sotto_model_arena_bound(c->file.len);
    sotto_arena arena;
    c->memory = malloc(cap);
    sotto_arena_init(&arena, c->memory, cap);
    assert_int_equal(sotto_model_load(&c->model, sotto_vec_span(&c->file), &arena, NULL), SOTTO_OK);
}

static void release(compiled *c)
{
    free(c->memory);
    sotto_vec_free(&c->text);
    sotto_vec_free(&c->file);
}

static int32_t wide_key(const sotto_model *m, size_t feature, double v)
{
    uint64_t bits;
    memcpy(&bits, &v, sizeof bits);
    return sotto_model_key(m, feature, bits);
}

static void compare_row(const compiled *c, const lgb_forest *f, const double *x)
{
    int32_t keys[64];
    uint32_t leaves[LGB_TREES_MAX];
    int64_t margins[3], parts[64], bias = 0;
    double exact[3] = {0};
    for (unsigned i = 0; i < f->features; i++)
        keys[i] = wide_key(c->model, i, x[i]);
    sotto_model_leaves(c->model, keys, leaves);
    for (size_t t = 0; t < f->trees; t++) {
        int expected = lgb_leaf_of(&f->tree[t], x);
        assert_int_equal(leaves[t], expected);
        exact[t % f->classes] += f->tree[t].leaf[expected] * 16777216.0;
    }
    sotto_model_margins_q24(c->model, keys, margins);
    for (size_t i = 0; i < f->classes; i++)
        assert_true(fabs((double)margins[i] - exact[i]) <= (double)c->report.margin_error_q24 + 1e-6);
    assert_true(sotto_model_margin_q24(c->model, keys) == margins[0]);
    assert_true(sotto_model_why_q24(c->model, keys, &bias, parts) == margins[0]);
    for (unsigned i = 0; i < f->features; i++)
        bias += parts[i];
    assert_true(bias == margins[0]);
}

static void every_value_takes_its_leaf(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 60; seed++) {
        lgb_forest *f = lgb_grow(seed, 1 + (unsigned)seed % 9, 1 + seed % 8, seed % 5 == 0 ? 3 : 1, 40);
        compiled c = {.model = NULL};
        double x[64];
        sotto_vec_init(&c.text, 1 << 22);
        lgb_put(f, &c.text);
        load(&c);
        assert_true(sotto_model_info_of(c.model)->has_wide_thresholds);
        for (int row = 0; row < 200; row++) {
            for (unsigned i = 0; i < f->features; i++)
                x[i] = lgb_value(f, i);
            compare_row(&c, f, x);
        }
        release(&c);
        free(f);
    }
}

/* What a terminal knows as a decimal is the number that LightGBM read from the same text. */
static void decimals_are_those_of_strtod(void **state)
{
    (void)state;
    lgb_forest *f = lgb_grow(77, 3, 8, 1, 40);
    compiled c = {.model = NULL};
    sotto_vec_init(&c.text, 1 << 22);
    lgb_put(f, &c.text);
    load(&c);
    for (int i = 0; i < 20000; i++) {
        char text[64];
        unsigned decimals = (unsigned)lgb_below(f, 19);
        int64_t mantissa = (int64_t)(random_next(&f->state) >> lgb_below(f, 64));
        mantissa = lgb_below(f, 2) ? mantissa : -(mantissa / 2);
        if (i % 3 == 0) { /* an amount beside a threshold */
            decimals = 2;
            mantissa = 123456700 + (int64_t)lgb_below(f, 400);
        }
        snprintf(text, sizeof text, "%llde-%u", (long long)mantissa, decimals);
        double nearest = strtod(text, NULL);
        assert_int_equal(sotto_model_attribute_key(c.model, 2, mantissa, decimals),
                         wide_key(c.model, 2, nearest));
    }
    release(&c);
    free(f);
}

/* The file that the tests of model read on every CPU: three classes, every kind of missing, float64. */
static void the_golden_model_is_still_the_same(void **state)
{
    (void)state;
    static const char PATH[] = SOTTO_SOURCE_DIR "/tests/data/model/wide.sotto";
    static uint8_t golden[1 << 16];
    lgb_forest *f = lgb_grow(20261123, 7, 4, 3, 12);
    compiled c = {.model = NULL};
    sotto_vec_init(&c.text, 1 << 22);
    lgb_put(f, &c.text);
    load(&c);
    if (getenv("SOTTO_WRITE_GOLDEN") != NULL) {
        FILE *out = fopen(PATH, "wb");
        assert_non_null(out);
        assert_int_equal(fwrite(c.file.ptr, 1, c.file.len, out), c.file.len);
        fclose(out);
    }
    FILE *in = fopen(PATH, "rb");
    assert_non_null(in);
    assert_int_equal(fread(golden, 1, sizeof golden, in), c.file.len);
    fclose(in);
    assert_memory_equal(golden, c.file.ptr, c.file.len);
    release(&c);
    free(f);
}

static size_t read_text(const char *name, char *out, size_t cap)
{
    char path[1024];
    snprintf(path, sizeof path, VECTORS "%s", name);
    FILE *in = fopen(path, "rb");
    if (in == NULL)
        return 0;
    size_t len = fread(out, 1, cap - 1, in);
    out[len] = '\0';
    fclose(in);
    return len;
}

/* Rows are "label 0:a 1:b"; predictions one a line. */
static void a_model_of_lightgbm_gives_its_own_margins_back(void **state)
{
    (void)state;
    static char model[1 << 16], rows[1 << 16], predictions[1 << 16];
    size_t len = read_text("toy_categorical_model.txt", model, sizeof model);
    if (len == 0 || read_text("toy_categorical.test", rows, sizeof rows) == 0 ||
        read_text("toy_categorical.test.pred", predictions, sizeof predictions) == 0) {
        print_message("skipped: no vectors of LightGBM here\n");
        skip();
    }
    compiled c = {.model = NULL};
    sotto_vec_init(&c.text, 1 << 20);
    assert_int_equal(sotto_vec_put(&c.text, model, len), SOTTO_OK);
    load(&c);
    const char *row = rows, *prediction = predictions;
    int count = 0;
    for (double label, a, b; sscanf(row, "%lf 0:%lf 1:%lf", &label, &a, &b) == 3; count++) {
        char *end = NULL;
        double expected = strtod(prediction, &end);
        int32_t keys[2] = {wide_key(c.model, 0, a), wide_key(c.model, 1, b)};
        double margin = (double)sotto_model_margin_q24(c.model, keys);
        assert_true(fabs(margin - expected * 16777216.0) <= (double)c.report.margin_error_q24);
        row = strchr(row, '\n') + 1;
        prediction = end;
    }
    assert_int_equal(count, 180);
    release(&c);
}

typedef struct refusal {
    const char *from, *to;
    sotto_status expected;
    const char *says;
} refusal;

static const char SMALL[] =
    "tree\nversion=v4\nnum_class=1\nnum_tree_per_iteration=1\nmax_feature_idx=1\nobjective=binary sigmoid:1\n"
    "feature_names=a b\n\nTree=0\nnum_leaves=3\nnum_cat=1\nsplit_feature=0 1\nthreshold=0.5 0\n"
    "decision_type=10 1\nleft_child=1 -1\nright_child=-3 -2\nleaf_value=0.25 -0.5 1\nleaf_count=1 2 3\n"
    "internal_count=6 3\ncat_boundaries=0 1\ncat_threshold=5\nis_linear=0\nshrinkage=1\n\nend of trees\n";

static void what_would_not_score_exactly_is_refused(void **state)
{
    (void)state;
    static const refusal CASES[] = {
        {"tree\n", "trees\n", SOTTO_ERR(FORGE, MALFORMED), "first line"},
        {"version=v4\n", "version=v4\naverage_output\n", SOTTO_ERR(FORGE, UNSUPPORTED), "random forest"},
        {"num_class=1", "num_class=3", SOTTO_ERR(FORGE, UNSUPPORTED), "3 classes"},
        {"num_class=1\n", "", SOTTO_ERR(FORGE, MALFORMED), "num_class is missing"},
        {"num_class=1\n", "num_class=1\nnum_class=1\n", SOTTO_ERR(FORGE, MALFORMED), "twice"},
        {"max_feature_idx=1", "max_feature_idx=5000", SOTTO_ERR(FORGE, RANGE), "max_feature_idx"},
        {"max_feature_idx=1", "max_feature_idx=2", SOTTO_ERR(FORGE, MALFORMED), "feature names"},
        {"feature_names=a b", "feature_names=a a", SOTTO_ERR(FORGE, MALFORMED), "two features"},
        {"sigmoid:1", "sigmoid:2", SOTTO_ERR(FORGE, UNSUPPORTED), "slope"},
        {"binary sigmoid:1", "cross_entropy_lambda", SOTTO_ERR(FORGE, UNSUPPORTED), "cross_entropy_lambda"},
        {"binary sigmoid:1", "multiclass", SOTTO_ERR(FORGE, UNSUPPORTED), "do not fit the objective"},
        {"binary sigmoid:1", "multiclassova", SOTTO_ERR(FORGE, UNSUPPORTED), "multiclassova"},
        {"binary sigmoid:1", "regression sqrt", SOTTO_ERR(FORGE, UNSUPPORTED), "reg_sqrt"},
        {"is_linear=0", "is_linear=1", SOTTO_ERR(FORGE, UNSUPPORTED), "tree 0 is linear"},
        {"threshold=0.5", "threshold=nan", SOTTO_ERR(FORGE, RANGE), "threshold[0]"},
        {"threshold=0.5", "threshold=inf", SOTTO_ERR(FORGE, RANGE), "threshold[0]"},
        {"threshold=0.5 0", "threshold=0.5 1", SOTTO_ERR(FORGE, RANGE), "threshold[1]"},
        {"threshold=0.5 0", "threshold=0.5", SOTTO_ERR(FORGE, MALFORMED), "threshold[1] is missing"},
        {"threshold=0.5 0", "threshold=0.5 0 0", SOTTO_ERR(FORGE, MALFORMED), "one too many"},
        {"split_feature=0 1", "split_feature=0 2", SOTTO_ERR(FORGE, RANGE), "split_feature[1]"},
        {"split_feature=0 1", "split_feature=0 0", SOTTO_ERR(FORGE, UNSUPPORTED), "decision_type[1]"},
        {"decision_type=10", "decision_type=12", SOTTO_ERR(FORGE, RANGE), "decision_type[0]"},
        {"left_child=1", "left_child=0", SOTTO_ERR(FORGE, MALFORMED), "reached twice"},
        {"left_child=1", "left_child=2", SOTTO_ERR(FORGE, RANGE), "left_child[0]"},
        {"left_child=1", "left_child=-4", SOTTO_ERR(FORGE, RANGE), "left_child[0]"},
        {"left_child=1 -1", "left_child=1 -2", SOTTO_ERR(FORGE, MALFORMED), "reached twice"},
        {"leaf_value=0.25", "leaf_value=9e6", SOTTO_ERR(FORGE, RANGE), "leaf"},
        {"leaf_value=0.25", "leaf_value=1e400", SOTTO_ERR(FORGE, RANGE), "leaf_value[0]"},
        {"leaf_count=1", "leaf_count=-1", SOTTO_ERR(FORGE, RANGE), "leaf_count[0]"},
        {"cat_boundaries=0 1", "cat_boundaries=1 1", SOTTO_ERR(FORGE, RANGE), "cat_boundaries[0]"},
        {"cat_boundaries=0 1", "cat_boundaries=0 2", SOTTO_ERR(FORGE, MALFORMED), "cat_threshold[1]"},
        {"cat_boundaries=0 1", "cat_boundaries=0 0", SOTTO_ERR(FORGE, MALFORMED), "one too many"},
        {"cat_threshold=5", "cat_threshold=4294967296", SOTTO_ERR(FORGE, RANGE), "cat_threshold[0]"},
        {"num_leaves=3", "num_leaves=8000000", SOTTO_ERR(FORGE, MALFORMED), "leaf_value"},
        {"num_leaves=3", "num_leaves=0", SOTTO_ERR(FORGE, RANGE), "num_leaves"},
        {"end of trees\n", "", SOTTO_ERR(FORGE, TRUNCATED), "end of trees"},
        {"Tree=0", "tree=0", SOTTO_ERR(FORGE, UNSUPPORTED), "0 trees"},
    };
    for (size_t i = 0; i < SOTTO_COUNT(CASES); i++) {
        char text[2 * sizeof SMALL];
        sotto_diag diag = {.status = SOTTO_OK};
        sotto_forge_report report;
        sotto_vec out;
        const char *at = strstr(SMALL, CASES[i].from);
        assert_non_null(at);
        snprintf(text, sizeof text, "%.*s%s%s", (int)(at - SMALL), SMALL, CASES[i].to,
                 at + strlen(CASES[i].from));
        sotto_status status = compile_text(sotto_span_str(text), &out, &report, &diag);
        if (status != CASES[i].expected || strstr(diag.text, CASES[i].says) == NULL)
            print_message("case %zu: status %d line %d '%s'\n", i, (int)status, (int)diag.line, diag.text);
        assert_int_equal(status, CASES[i].expected);
        assert_non_null(strstr(diag.text, CASES[i].says));
        assert_int_equal(out.len, 0);
        sotto_vec_free(&out);
    }
}

/* What LightGBM's ConvertOutput makes of a score (its src/objective), by the objective's word. */
static void every_objective_has_its_link(void **state)
{
    (void)state;
    static const struct {
        const char *objective;
        enum sotto_model_link link;
    } CASES[] = {{"regression", SOTTO_LINK_IDENTITY},
                 {"regression_l1", SOTTO_LINK_IDENTITY},
                 {"huber", SOTTO_LINK_IDENTITY},
                 {"fair", SOTTO_LINK_IDENTITY},
                 {"quantile alpha:0.5", SOTTO_LINK_IDENTITY},
                 {"mape", SOTTO_LINK_IDENTITY},
                 {"lambdarank", SOTTO_LINK_IDENTITY},
                 {"rank_xendcg", SOTTO_LINK_IDENTITY},
                 {"custom", SOTTO_LINK_IDENTITY},
                 {"poisson", SOTTO_LINK_EXP},
                 {"gamma", SOTTO_LINK_EXP},
                 {"tweedie tweedie_variance_power:1.5", SOTTO_LINK_EXP},
                 {"binary sigmoid:1", SOTTO_LINK_LOGISTIC},
                 {"cross_entropy", SOTTO_LINK_LOGISTIC}};
    for (size_t i = 0; i < SOTTO_COUNT(CASES); i++) {
        char text[2 * sizeof SMALL];
        static uint8_t memory[1 << 16];
        sotto_arena arena;
        sotto_diag diag = {.status = SOTTO_OK};
        sotto_forge_report report;
        sotto_vec out;
        const sotto_model *m = NULL;
        const char *at = strstr(SMALL, "binary sigmoid:1");
        assert_non_null(at);
        snprintf(text, sizeof text, "%.*s%s%s", (int)(at - SMALL), SMALL, CASES[i].objective,
                 at + strlen("binary sigmoid:1"));
        if (compile_text(sotto_span_str(text), &out, &report, &diag) != SOTTO_OK)
            fail_msg("%s: %s", CASES[i].objective, diag.text);
        sotto_arena_init(&arena, memory, sizeof memory);
        assert_int_equal(sotto_model_load(&m, sotto_vec_span(&out), &arena, &diag), SOTTO_OK);
        assert_int_equal(sotto_model_info_of(m)->link, CASES[i].link);
        sotto_vec_free(&out);
    }
}

static void every_truncation_is_refused(void **state)
{
    (void)state;
    for (size_t len = 0; len < sizeof SMALL - 2; len++) {
        sotto_diag diag = {.status = SOTTO_OK};
        sotto_forge_report report;
        sotto_vec out;
        assert_int_not_equal(compile_text(sotto_span_of(SMALL, len), &out, &report, &diag), SOTTO_OK);
        assert_true(diag.text[0] != '\0');
        sotto_vec_free(&out);
    }
}

/* Text has no NUL byte: a reader of C strings would end there, a reader of spans not. */
static void a_nul_byte_anywhere_is_refused(void **state)
{
    (void)state;
    for (size_t at = 0; at < sizeof SMALL - 1; at++) {
        char text[sizeof SMALL + 1];
        char place[32];
        sotto_diag diag = {.status = SOTTO_OK};
        sotto_forge_report report;
        sotto_vec out;
        memcpy(text, SMALL, at);
        text[at] = '\0';
        memcpy(text + at + 1, SMALL + at, sizeof SMALL - 1 - at);
        assert_int_equal(compile_text(sotto_span_of(text, sizeof SMALL), &out, &report, &diag),
                         SOTTO_ERR(FORGE, MALFORMED));
        snprintf(place, sizeof place, "NUL byte at %zu:", at);
        assert_non_null(strstr(diag.text, place));
        assert_int_equal(out.len, 0);
        sotto_vec_free(&out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_value_takes_its_leaf),
        cmocka_unit_test(the_golden_model_is_still_the_same),
        cmocka_unit_test(decimals_are_those_of_strtod),
        cmocka_unit_test(a_model_of_lightgbm_gives_its_own_margins_back),
        cmocka_unit_test(what_would_not_score_exactly_is_refused),
        cmocka_unit_test(every_objective_has_its_link),
        cmocka_unit_test(every_truncation_is_refused),
        cmocka_unit_test(a_nul_byte_anywhere_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
