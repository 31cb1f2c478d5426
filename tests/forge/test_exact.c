/* Compiled forests take the leaf that the floats take, on every row; margins are within the stated bound. */
#include "random_forest.h"

typedef struct compiled {
    sotto_vec json, file;
    sotto_forge_report report;
    void *memory;
    const sotto_model *model;
} compiled;

static void compile(compiled *c, const random_forest *f)
{
    sotto_diag diag = {.status = SOTTO_OK};
    sotto_forge_options options = {.file_name = "random.json", .model_name = "random"};
    sotto_vec_init(&c->json, 1 << 26);
    sotto_vec_init(&c->file, 1 << 26);
    put_forest(f, "", &c->json);
    sotto_status status =
        sotto_forge_xgboost(sotto_vec_span(&c->json), &options, &c->file, &c->report, &diag);
    if (status != SOTTO_OK)
        print_message("%s: %s\n", diag.where, diag.text);
    assert_int_equal(status, SOTTO_OK);
    size_t cap = sotto_model_arena_bound(c->file.len);
    c->memory = malloc(cap);
    sotto_arena arena;
    sotto_arena_init(&arena, c->memory, cap);
    assert_int_equal(sotto_model_load(&c->model, sotto_vec_span(&c->file), &arena, NULL), SOTTO_OK);
}

static void release(compiled *c)
{
    free(c->memory);
    sotto_vec_free(&c->json);
    sotto_vec_free(&c->file);
}

/* In units of 2^-24, a sum of float32 leaves below 1: exact in a double. */
static void compare_row(const compiled *c, const random_forest *f, const float *x)
{
    int32_t keys[SOTTO_MODEL_FEATURES_MAX];
    uint32_t leaves[RANDOM_TREES_MAX];
    static int64_t parts[SOTTO_MODEL_FEATURES_MAX];
    double exact = (double)-logf(1.0F / 0.25F - 1.0F) * 16777216.0;
    for (size_t i = 0; i < f->features; i++)
        keys[i] = key_of(x[i]);
    sotto_model_leaves(c->model, keys, leaves);
    for (size_t t = 0; t < f->trees; t++) {
        size_t expected = random_leaf_of(f, t, x);
        assert_int_equal(leaves[t], expected);
        exact += (double)f->tree[t].nodes[expected].condition * 16777216.0;
    }
    int64_t margin = sotto_model_margin_q24(c->model, keys), bias = 0;
    assert_true(fabs((double)margin - exact) <= (double)c->report.margin_error_q24);
    assert_true(sotto_model_why_q24(c->model, keys, &bias, parts) == margin);
    for (size_t i = 0; i < f->features; i++)
        bias += parts[i];
    assert_true(bias == margin);
}

static void compare_grown(random_forest *f, size_t rows)
{
    size_t features = f->features, trees = f->trees;
    compiled c = {.model = NULL};
    float *x = calloc(features, sizeof *x);
    assert_non_null(x);
    compile(&c, f);
    assert_int_equal(c.report.trees, trees);
    assert_int_equal(c.report.features, features);
    assert_int_equal(c.report.bytes, c.file.len);
    assert_true(c.report.margin_error_q24 <= (int64_t)trees / 2 + 2);
    for (size_t row = 0; row < rows; row++) {
        for (size_t i = 0; i < features; i++)
            x[i] = random_value(f, i);
        compare_row(&c, f, x);
    }
    release(&c);
    free(x);
    free(f);
}

static void compare_forest(uint64_t seed, size_t features, size_t trees, size_t splits, size_t rows)
{
    compare_grown(grow_forest(seed, features, trees, splits), rows);
}

static void forests_with_categories(void **state)
{
    (void)state;
    for (uint64_t seed = 3001; seed <= 3080; seed++) {
        random_forest *f = grow_forest(seed, 3 + seed % 9, 1 + seed % 13, seed % 23);
        add_categories(f);
        compare_grown(f, 100);
    }
}

static void small_forests(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 150; seed++)
        compare_forest(seed, 1 + seed % 9, 1 + seed % 13, seed % 23, 60);
}

static void large_forests(void **state)
{
    (void)state;
    compare_forest(1001, 3, 64, 400, 300);   /* few features, many thresholds each */
    compare_forest(1002, 1024, 32, 300, 50); /* as many features as there may be */
}

static void stumps_without_a_test(void **state)
{
    (void)state;
    compare_forest(2001, 2, 9, 0, 5); /* every tree one leaf: no threshold at all */
}

/* The file that the tests of model read on every CPU is this forest, to the byte. */
static void compare_golden(random_forest *f, const char *path)
{
    compiled c = {.model = NULL};
    compile(&c, f);
    uint8_t *golden = malloc(1 << 16);
    assert_non_null(golden);
    if (getenv("SOTTO_WRITE_GOLDEN") != NULL) {
        FILE *out = fopen(path, "wb");
        assert_non_null(out);
        assert_int_equal(fwrite(c.file.ptr, 1, c.file.len, out), c.file.len);
        fclose(out);
    }
    FILE *in = fopen(path, "rb");
    assert_non_null(in);
    assert_int_equal(fread(golden, 1, 1 << 16, in), c.file.len);
    fclose(in);
    assert_memory_equal(golden, c.file.ptr, c.file.len);
    free(golden);
    release(&c);
    free(f);
}

static void the_golden_forest_is_still_the_same(void **state)
{
    (void)state;
    compare_golden(grow_forest(20261121, 5, 6, 9), SOTTO_SOURCE_DIR "/tests/data/model/wild.sotto");
}

static void the_golden_forest_with_categories_is_still_the_same(void **state)
{
    (void)state;
    random_forest *f = grow_forest(20261122, 6, 6, 9);
    add_categories(f);
    compare_golden(f, SOTTO_SOURCE_DIR "/tests/data/model/categories.sotto");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(small_forests),
        cmocka_unit_test(large_forests),
        cmocka_unit_test(stumps_without_a_test),
        cmocka_unit_test(forests_with_categories),
        cmocka_unit_test(the_golden_forest_with_categories_is_still_the_same),
        cmocka_unit_test(the_golden_forest_is_still_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
