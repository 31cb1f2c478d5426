/* Every allocation fails once: the compiler says so, leaks nothing, and leaves what was there. */
#include "random_lightgbm.h"

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *old, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *old, size_t size);

static long allowed = -1; /* allocations before one fails; -1: none fails */

static bool fails(void)
{
    if (allowed < 0)
        return false;
    if (allowed > 0) {
        allowed--;
        return false;
    }
    return true;
}

void *__wrap_malloc(size_t size)
{
    return fails() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
    return fails() ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *old, size_t size)
{
    return fails() ? NULL : __real_realloc(old, size);
}

typedef sotto_status (*compiler)(sotto_span file, const sotto_forge_options *options, sotto_vec *out,
                                 sotto_forge_report *report, sotto_diag *diag);

static void fail_each_allocation(compiler compile, const sotto_vec *file)
{
    sotto_vec out;
    sotto_forge_options options = {.file_name = "model", .model_name = "test"};
    sotto_forge_report report;
    sotto_status status = SOTTO_ERR(FORGE, INTERNAL);
    long failures = 0;
    for (; status != SOTTO_OK; failures++) {
        sotto_diag diag = {.status = SOTTO_OK};
        assert_true(failures < 10000);
        sotto_vec_init(&out, 1 << 20);
        assert_int_equal(sotto_vec_put(&out, "kept", 4), SOTTO_OK);
        allowed = failures;
        status = compile(sotto_vec_span(file), &options, &out, &report, &diag);
        allowed = -1;
        if (status != SOTTO_OK) {
            assert_int_equal(sotto_status_cause(status), SOTTO_CAUSE_NO_MEMORY);
            assert_true(diag.text[0] != '\0');
            assert_int_equal(out.len, 4);
        }
        assert_memory_equal(out.ptr, "kept", 4);
        sotto_vec_free(&out);
    }
    assert_true(failures > 5);
    print_message("%ld allocations, each failed once\n", failures - 1);
}

static void each_allocation_fails_once(void **state)
{
    (void)state;
    for (int categories = 0; categories < 2; categories++) {
        random_forest *f = grow_forest(11, 3, 4, 6);
        sotto_vec json;
        sotto_vec_init(&json, 1 << 20);
        if (categories)
            add_categories(f);
        put_forest(f, "\"attributes\":{\"note\":\"text\"},", &json);
        fail_each_allocation(sotto_forge_xgboost, &json);
        sotto_vec_free(&json);
        free(f);
    }
}

static void each_allocation_of_a_text_fails_once(void **state)
{
    (void)state;
    lgb_forest *f = lgb_grow(11, 4, 4, 3, 12);
    sotto_vec text;
    sotto_vec_init(&text, 1 << 20);
    lgb_put(f, &text);
    fail_each_allocation(sotto_forge_lightgbm, &text);
    sotto_vec_free(&text);
    free(f);
}

static sotto_vec read_file(const char *name)
{
    char path[1024];
    uint8_t piece[4096];
    sotto_vec out;
    size_t n;
    sotto_vec_init(&out, 1 << 20);
    (void)snprintf(path, sizeof path, SOTTO_SOURCE_DIR "/%s", name);
    FILE *in = fopen(path, "rb");
    assert_non_null(in);
    while ((n = fread(piece, 1, sizeof piece, in)) > 0)
        assert_int_equal(sotto_vec_put(&out, piece, n), SOTTO_OK);
    (void)fclose(in);
    return out;
}

static void each_allocation_of_an_import_fails_once(void **state)
{
    (void)state;
    static const struct {
        const char *path;
        compiler compile;
    } FILES[] = {{"tests/data/model/pipeline.onnx", sotto_forge_onnx},
                 {"tests/data/model/logistic.onnx", sotto_forge_onnx},
                 {"tests/data/model/votes.onnx", sotto_forge_onnx},
                 {"tests/data/model/linear3.json", sotto_forge_xgboost},
                 {"docs/examples/models/scorecard.csv", sotto_forge_scorecard},
                 {"docs/examples/models/scorecard.json", sotto_forge_scorecard},
                 {"docs/examples/models/segments.csv", sotto_forge_kmeans},
                 {"docs/examples/models/segments.json", sotto_forge_kmeans}};
    for (size_t i = 0; i < SOTTO_COUNT(FILES); i++) {
        sotto_vec file = read_file(FILES[i].path);
        fail_each_allocation(FILES[i].compile, &file);
        sotto_vec_free(&file);
    }
}

static sotto_vec propensity;

static sotto_status combine(sotto_span file, const sotto_forge_options *options, sotto_vec *out,
                            sotto_forge_report *report, sotto_diag *diag)
{
    return sotto_forge_combine(sotto_vec_span(&propensity), file, "amount", options, out, report, diag);
}

static void each_allocation_of_two_steps_fails_once(void **state)
{
    (void)state;
    sotto_vec amount, csv = read_file("docs/examples/models/amount.csv");
    sotto_forge_options options = {.file_name = "amount.csv", .model_name = "amount"};
    sotto_forge_report report;
    propensity = read_file("tests/data/model/scorecard.sotto");
    sotto_vec_init(&amount, 1 << 20);
    assert_int_equal(sotto_forge_scorecard(sotto_vec_span(&csv), &options, &amount, &report, NULL), SOTTO_OK);
    fail_each_allocation(combine, &amount);
    sotto_vec_free(&csv);
    sotto_vec_free(&amount);
    sotto_vec_free(&propensity);
}

static sotto_status calibrate(sotto_span file, const sotto_forge_options *options, sotto_vec *out,
                              sotto_forge_report *report, sotto_diag *diag)
{
    static const int64_t MARGINS[3] = {-100, 5, 77};
    static const uint32_t PROBABILITIES[3] = {1, 1, 1 << 30};
    const sotto_calibration c = {
        .kind = SOTTO_CALIBRATION_ISOTONIC, .points = 3, .margin_q24 = MARGINS, .p_q30 = PROBABILITIES};
    (void)options, (void)report;
    return sotto_forge_calibrate(file, &c, sotto_span_str("sotto.calibration=test\n"), out, diag);
}

static void compile_one(sotto_vec *out)
{
    random_forest *f = grow_forest(11, 3, 4, 6);
    sotto_vec json;
    sotto_forge_options options = {.file_name = "model.json", .model_name = "test"};
    sotto_forge_report report;
    sotto_vec_init(&json, 1 << 20);
    sotto_vec_init(out, 1 << 20);
    put_forest(f, "\"attributes\":{\"note\":\"text\"},", &json);
    assert_int_equal(sotto_forge_xgboost(sotto_vec_span(&json), &options, out, &report, NULL), SOTTO_OK);
    sotto_vec_free(&json);
    free(f);
}

static void each_allocation_of_a_calibration_fails_once(void **state)
{
    (void)state;
    sotto_vec model;
    compile_one(&model);
    fail_each_allocation(calibrate, &model);
    sotto_vec_free(&model);
}

/* What goes in comes out again, and the provenance with it. */
static void a_calibration_taken_away_leaves_the_model_that_was(void **state)
{
    (void)state;
    const sotto_calibration platt = {.kind = SOTTO_CALIBRATION_PLATT, .slope_q24 = 5}, none = {.points = 0};
    const sotto_calibration wrong = {.kind = SOTTO_CALIBRATION_PLATT, .slope_q24 = 0};
    sotto_span line = sotto_span_str("sotto.calibration=platt\n"), nothing = sotto_span_of(NULL, 0);
    sotto_vec model, once, twice, back;
    compile_one(&model);
    sotto_vec_init(&once, 1 << 20);
    sotto_vec_init(&twice, 1 << 20);
    sotto_vec_init(&back, 1 << 20);
    assert_int_equal(sotto_forge_calibrate(sotto_vec_span(&model), &platt, line, &once, NULL), SOTTO_OK);
    assert_int_equal(sotto_forge_calibrate(sotto_vec_span(&once), &platt, line, &twice, NULL), SOTTO_OK);
    assert_int_equal(sotto_forge_calibrate(sotto_vec_span(&twice), &none, nothing, &back, NULL), SOTTO_OK);
    assert_true(once.len > model.len && twice.len == once.len && back.len == model.len);
    assert_memory_equal(once.ptr, twice.ptr, once.len);
    assert_memory_equal(back.ptr, model.ptr, model.len);
    assert_int_equal(sotto_forge_calibrate(sotto_vec_span(&model), &wrong, line, &once, NULL),
                     SOTTO_ERR(MODEL, RANGE));
    assert_int_equal(once.len, twice.len);
    sotto_vec_free(&model);
    sotto_vec_free(&once);
    sotto_vec_free(&twice);
    sotto_vec_free(&back);
}

static void a_result_that_does_not_fit_leaves_nothing(void **state)
{
    (void)state;
    random_forest *f = grow_forest(12, 3, 4, 6);
    sotto_vec json, out;
    sotto_vec_init(&json, 1 << 20);
    put_forest(f, "", &json);
    sotto_forge_options options = {.file_name = "model.json", .model_name = "test"};
    sotto_forge_report report;
    sotto_vec_init(&out, 1 << 20);
    assert_int_equal(sotto_forge_xgboost(sotto_vec_span(&json), &options, &out, &report, NULL), SOTTO_OK);
    size_t needed = out.len;
    sotto_vec_free(&out);
    for (size_t limit = 0; limit < needed; limit += 13) {
        sotto_vec_init(&out, limit);
        sotto_status status = sotto_forge_xgboost(sotto_vec_span(&json), &options, &out, &report, NULL);
        assert_int_equal(sotto_status_cause(status), SOTTO_CAUSE_RANGE);
        assert_int_equal(out.len, 0);
        sotto_vec_free(&out);
    }
    sotto_vec_free(&json);
    free(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_allocation_fails_once),
        cmocka_unit_test(each_allocation_of_a_text_fails_once),
        cmocka_unit_test(each_allocation_of_an_import_fails_once),
        cmocka_unit_test(each_allocation_of_two_steps_fails_once),
        cmocka_unit_test(each_allocation_of_a_calibration_fails_once),
        cmocka_unit_test(a_calibration_taken_away_leaves_the_model_that_was),
        cmocka_unit_test(a_result_that_does_not_fit_leaves_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
