/* XGBoost's files: what is taken, and what is refused with which words. */
#include "random_forest.h"

enum { TEXT_MAX = 1 << 20 };

typedef struct text_file {
    char *text;
    size_t len;
} text_file;

static text_file read_golden(const char *name)
{
    char path[1024];
    text_file f = {.text = malloc(TEXT_MAX)};
    snprintf(path, sizeof path, SOTTO_SOURCE_DIR "/tests/data/model/%s", name);
    FILE *in = fopen(path, "rb");
    assert_non_null(in);
    assert_non_null(f.text);
    f.len = fread(f.text, 1, TEXT_MAX - 1, in);
    f.text[f.len] = '\0';
    fclose(in);
    return f;
}

static sotto_span span_of(const text_file *f)
{
    return sotto_span_of(f->text, f->len);
}

static sotto_status compile_text(const char *text, size_t len, sotto_vec *out, sotto_forge_report *report,
                                 sotto_diag *diag)
{
    sotto_forge_options options = {.file_name = "model.json", .model_name = "test"};
    sotto_vec_init(out, 1 << 24);
    return sotto_forge_xgboost(sotto_span_of(text, len), &options, out, report, diag);
}

/* The trained model, with its recipe, gives the very file that the tests of model read. */
static void the_golden_model_is_still_the_same(void **state)
{
    (void)state;
    text_file json = read_golden("golden.json"), recipe_text = read_golden("recipe.json");
    text_file dictionary_text = read_golden("dictionary.json"), golden = read_golden("golden.sotto");
    static uint8_t memory[1 << 16];
    uint8_t digest[32];
    for (size_t i = 0; i < sizeof digest; i++)
        digest[i] = (uint8_t)i;
    sotto_arena arena;
    sotto_arena_init(&arena, memory, sizeof memory);
    sotto_dictionary *dictionary = NULL;
    sotto_recipe recipe;
    assert_int_equal(
        sotto_dictionary_load(&dictionary, span_of(&dictionary_text), "dictionary.json", &arena, NULL),
        SOTTO_OK);
    assert_int_equal(
        sotto_recipe_load(&recipe, span_of(&recipe_text), "recipe.json", dictionary, &arena, NULL), SOTTO_OK);
    sotto_forge_options options = {
        .file_name = "golden.json", .model_name = "golden", .recipe = &recipe, .source_sha256 = digest};
    sotto_forge_report report;
    sotto_vec out;
    sotto_vec_init(&out, 1 << 20);
    assert_int_equal(sotto_forge_xgboost(span_of(&json), &options, &out, &report, NULL), SOTTO_OK);
    if (getenv("SOTTO_WRITE_GOLDEN") != NULL) {
        FILE *file = fopen(SOTTO_SOURCE_DIR "/tests/data/model/golden.sotto", "wb");
        assert_non_null(file);
        assert_int_equal(fwrite(out.ptr, 1, out.len, file), out.len);
        fclose(file);
        golden.len = out.len;
        memcpy(golden.text, out.ptr, out.len);
    }
    assert_int_equal(out.len, golden.len);
    assert_memory_equal(out.ptr, golden.text, out.len);
    assert_int_equal(report.trees, 20);
    sotto_vec_free(&out);
    free(json.text);
    free(recipe_text.text);
    free(dictionary_text.text);
    free(golden.text);
}

/* Replaces the first `from` by `to`. */
static void change(char *text, const char *from, const char *to)
{
    char *at = strstr(text, from);
    assert_non_null(at);
    size_t tail = strlen(at + strlen(from)) + 1;
    memmove(at + strlen(to), at + strlen(from), tail);
    memcpy(at, to, strlen(to));
}

typedef struct refusal {
    const char *from, *to;
    sotto_status expected;
    const char *says; /* in the text or the place */
} refusal;

static const refusal REFUSED[] = {
    {"\"gbtree\"", "\"gbforest\"", SOTTO_ERR(FORGE, UNSUPPORTED), "gbforest"},
    {"\"gbtree\"", "\"dart\"", SOTTO_ERR(FORGE, MALFORMED), "gbtree is missing"},
    {"binary:logistic", "multi:softprob", SOTTO_ERR(FORGE, UNSUPPORTED), "softmax"},
    {"binary:logistic", "binary:hinge", SOTTO_ERR(FORGE, UNSUPPORTED), "binary:hinge"},
    {"\"num_class\":\"0\"", "\"num_class\":\"3\"", SOTTO_ERR(FORGE, UNSUPPORTED), "num_class"},
    {"\"num_target\":\"1\"", "\"num_target\":\"257\"", SOTTO_ERR(FORGE, UNSUPPORTED), "num_target"},
    {"\"tree_info\":[0", "\"tree_info\":[1", SOTTO_ERR(CODEC, RANGE), "tree_info[0]"},
    {"\"split_type\":[0", "\"split_type\":[1", SOTTO_ERR(FORGE, MALFORMED), "trees[0].split_type"},
    {"\"split_conditions\":[", "\"split_conditions\":[NaN,", SOTTO_ERR(CODEC, RANGE), "split_conditions"},
    {"\"left_children\":[1", "\"left_children\":[NaN", SOTTO_ERR(CODEC, MALFORMED), "left_children[0]"},
    {"\"size_leaf_vector\":\"0\"}}", "\"size_leaf_vector\":\"2\"}}", SOTTO_ERR(FORGE, UNSUPPORTED),
     "several values"},
    {"\"base_score\":\"5E-1\"", "\"base_score\":\"0\"", SOTTO_ERR(FORGE, RANGE), "base_score"},
    {"\"base_score\":\"5E-1\"", "\"base_score\":\"1\"", SOTTO_ERR(FORGE, RANGE), "base_score"},
    {"\"base_score\":\"5E-1\"", "\"base_score\":\"nan\"", SOTTO_ERR(FORGE, RANGE), "base_score"},
    {"\"base_score\":\"5E-1\"", "\"base_score\":\"[5E-1,5E-1]\"", SOTTO_ERR(FORGE, RANGE), "base_score"},
    {"\"base_score\":\"5E-1\"", "\"base_score\":0.5", SOTTO_ERR(CODEC, MALFORMED), "base_score"},
    {"\"learner\"", "\"lerner\"", SOTTO_ERR(FORGE, MALFORMED), "learner"},
    {"\"trees\"", "\"treees\"", SOTTO_ERR(FORGE, MALFORMED), "no trees"},
    {"\"left_children\":[1", "\"left_children\":[0", SOTTO_ERR(FORGE, MALFORMED), "tree 0, node 0"},
    {"\"left_children\":[1", "\"left_children\":[2", SOTTO_ERR(FORGE, MALFORMED), "tree 0, node 0"},
    {"\"left_children\":[1", "\"left_children\":[-1", SOTTO_ERR(FORGE, MALFORMED), "one child"},
    {"\"left_children\":[1", "\"left_children\":[99999", SOTTO_ERR(CODEC, RANGE), "left_children[0]"},
    {"\"left_children\":[1,", "\"left_children\":[", SOTTO_ERR(CODEC, RANGE), "right_children"},
    {"\"left_children\"", "\"left\"", SOTTO_ERR(FORGE, MALFORMED), "left_children"},
    {"\"sum_hessian\":[", "\"sum_hessian\":[-1,", SOTTO_ERR(CODEC, RANGE), "sum_hessian"},
    {"\"split_indices\":[", "\"split_indices\":[8,", SOTTO_ERR(CODEC, RANGE), "split_indices"},
    {"\"split_conditions\":[", "\"split_conditions\":[1e39,", SOTTO_ERR(CODEC, RANGE), "split_conditions"},
    {"\"feature_names\":[\"age\",\"job\"", "\"feature_names\":[\"age\",\"age\"", SOTTO_ERR(FORGE, MALFORMED),
     "two features"},
    {"\"feature_names\":[\"age\"", "\"feature_names\":[\"\"", SOTTO_ERR(FORGE, RANGE), "feature_names[0]"},
    {"\"num_feature\":\"8\",\"num_target", "\"num_feature\":\"0\",\"num_target",
     SOTTO_ERR(FORGE, UNSUPPORTED), "num_feature"},
    {"\"num_feature\":\"8\",\"num_target", "\"num_feature\":\"1025\",\"num_target",
     SOTTO_ERR(FORGE, UNSUPPORTED), "num_feature"},
    {"\"num_feature\":\"8\",\"num_target", "\"num_feature\":\"eight\",\"num_target",
     SOTTO_ERR(FORGE, MALFORMED), "num_feature"},
    {"\"attributes\":{", "\"attributes\":{\"best_iteration\":\"20\",", SOTTO_ERR(FORGE, RANGE), "20 trees"},
    {"\"attributes\":{", "\"attributes\":{\"best_iteration\":\"-1\",", SOTTO_ERR(FORGE, MALFORMED),
     "best_iteration"},
};

static void what_would_not_score_exactly_is_refused(void **state)
{
    (void)state;
    text_file golden = read_golden("golden.json");
    char *text = malloc(TEXT_MAX);
    assert_non_null(text);
    for (size_t i = 0; i < SOTTO_COUNT(REFUSED); i++) {
        sotto_diag diag = {.status = SOTTO_OK};
        sotto_forge_report report;
        sotto_vec out;
        memcpy(text, golden.text, golden.len + 1);
        change(text, REFUSED[i].from, REFUSED[i].to);
        sotto_status status = compile_text(text, strlen(text), &out, &report, &diag);
        if (status != REFUSED[i].expected ||
            (strstr(diag.text, REFUSED[i].says) == NULL && strstr(diag.where, REFUSED[i].says) == NULL))
            print_message("case %zu: status %d, where '%s', text '%s'\n", i, (int)status, diag.where,
                          diag.text);
        assert_int_equal(status, REFUSED[i].expected);
        assert_true(strstr(diag.text, REFUSED[i].says) != NULL ||
                    strstr(diag.where, REFUSED[i].says) != NULL);
        assert_int_equal(out.len, 0);
        sotto_vec_free(&out);
    }
    free(text);
    free(golden.text);
}

/* A number of one node: a leaf too large names tree and node. */
static void a_leaf_out_of_range_names_tree_and_node(void **state)
{
    (void)state;
    random_forest *f = grow_forest(5, 2, 3, 4);
    f->tree[1].count = 1;
    f->tree[1].nodes[0] = (random_node){.left = -1, .right = -1, .condition = -8388608.0F};
    sotto_diag diag = {.status = SOTTO_OK};
    sotto_forge_report report;
    sotto_vec json, out;
    sotto_vec_init(&json, 1 << 20);
    put_forest(f, "", &json);
    assert_int_equal(compile_text((const char *)json.ptr, json.len, &out, &report, &diag),
                     SOTTO_ERR(FORGE, RANGE));
    assert_non_null(strstr(diag.text, "tree 1, node 0"));
    assert_string_equal(diag.where, "model.json");
    sotto_vec_free(&json);
    sotto_vec_free(&out);
    free(f);
}

static void a_tree_too_deep_is_refused(void **state)
{
    (void)state;
    random_forest *f = grow_forest(6, 1, 1, 0);
    size_t depth = 513;
    f->tree[0].count = 2 * depth + 1;
    for (size_t i = 0; i <= 2 * depth; i++) {
        bool inner = i % 2 == 0 && i < 2 * depth;
        f->tree[0].nodes[i] =
            (random_node){.left = inner ? (int)i + 1 : -1, .right = inner ? (int)i + 2 : -1};
    }
    for (size_t cut = 0; cut < 2; cut++) {
        sotto_diag diag = {.status = SOTTO_OK};
        sotto_forge_report report;
        sotto_vec json, out;
        sotto_vec_init(&json, 1 << 20);
        if (cut == 1) { /* one test less: as deep as it may be */
            f->tree[0].nodes[2 * depth - 2].left = f->tree[0].nodes[2 * depth - 2].right = -1;
            f->tree[0].count -= 2;
        }
        put_forest(f, "", &json);
        sotto_status status = compile_text((const char *)json.ptr, json.len, &out, &report, &diag);
        assert_int_equal(status, cut == 1 ? SOTTO_OK : SOTTO_ERR(FORGE, UNSUPPORTED));
        sotto_vec_free(&json);
        sotto_vec_free(&out);
    }
    free(f);
}

static void the_best_iteration_cuts_the_trees(void **state)
{
    (void)state;
    random_forest *f = grow_forest(7, 3, 9, 6);
    sotto_forge_report report;
    sotto_vec json, out;
    sotto_vec_init(&json, 1 << 20);
    put_forest(f, "\"attributes\":{\"best_iteration\":\"3\",\"note\":\"a=b\"},", &json);
    assert_int_equal(compile_text((const char *)json.ptr, json.len, &out, &report, NULL), SOTTO_OK);
    assert_int_equal(report.trees, 4);
    static uint8_t memory[1 << 16];
    sotto_arena arena;
    sotto_arena_init(&arena, memory, sizeof memory);
    const sotto_model *model;
    assert_int_equal(sotto_model_load(&model, sotto_vec_span(&out), &arena, NULL), SOTTO_OK);
    assert_true(sotto_span_is(sotto_model_provenance(model), "best_iteration=3\nnote=a=b\n"));
    sotto_vec_free(&json);
    sotto_vec_free(&out);
    free(f);
}

static void both_ways_to_write_a_base_score_give_one_bias(void **state)
{
    (void)state;
    int64_t bias[2];
    for (size_t way = 0; way < 2; way++) {
        random_forest *f = grow_forest(8, 3, 2, 3);
        sotto_forge_report report;
        sotto_vec json, out;
        f->list_score = way == 1;
        sotto_vec_init(&json, 1 << 20);
        put_forest(f, "", &json);
        assert_int_equal(compile_text((const char *)json.ptr, json.len, &out, &report, NULL), SOTTO_OK);
        static uint8_t memory[1 << 16];
        sotto_arena arena;
        sotto_arena_init(&arena, memory, sizeof memory);
        const sotto_model *model;
        assert_int_equal(sotto_model_load(&model, sotto_vec_span(&out), &arena, NULL), SOTTO_OK);
        bias[way] = sotto_model_info_of(model)->bias_q24;
        sotto_vec_free(&json);
        sotto_vec_free(&out);
        free(f);
    }
    assert_true(bias[0] == bias[1]);
    assert_true(llabs(bias[0] + 18431656) <=
                2); /* ln(1/3) x 2^24 = -18431655.7, and a float32 there has steps of 2 */
}

/* Names come from a recipe: in any order, one too many is no harm, one too few is. */
static void a_recipe_must_know_every_feature(void **state)
{
    (void)state;
    random_forest *f = grow_forest(9, 2, 2, 3);
    sotto_feature features[3] = {{.name = "other"}, {.name = "column 1"}, {.name = "column 0"}};
    for (size_t i = 0; i < 3; i++) {
        features[i].source = SOTTO_SOURCE_TIME;
        snprintf(features[i].attribute, sizeof features[i].attribute, i == 1 ? "weekday" : "hour");
    }
    sotto_recipe recipe = {.features = features, .count = 3};
    sotto_forge_options options = {.file_name = "model.json", .model_name = "test", .recipe = &recipe};
    sotto_forge_report report;
    sotto_diag diag = {.status = SOTTO_OK};
    for (size_t way = 0; way < 3; way++) {
        sotto_vec json, out;
        sotto_vec_init(&json, 1 << 20);
        sotto_vec_init(&out, 1 << 20);
        f->named = way < 2;
        if (way == 1)
            features[1].name[0] = 'x';
        put_forest(f, "", &json);
        sotto_status status = sotto_forge_xgboost(sotto_vec_span(&json), &options, &out, &report, &diag);
        const sotto_status expected[] = {SOTTO_OK, SOTTO_ERR(FORGE, NOT_FOUND), SOTTO_ERR(FORGE, CONFLICT)};
        assert_int_equal(status, expected[way]);
        sotto_vec_free(&json);
        sotto_vec_free(&out);
    }
    free(f);
}

static void every_truncation_of_a_file_is_refused(void **state)
{
    (void)state;
    random_forest *f = grow_forest(10, 3, 2, 5);
    sotto_vec json, out;
    sotto_forge_report report;
    sotto_vec_init(&json, 1 << 20);
    put_forest(f, "", &json);
    for (size_t len = 0; len < json.len; len++) {
        sotto_diag diag = {.status = SOTTO_OK};
        assert_int_not_equal(compile_text((const char *)json.ptr, len, &out, &report, &diag), SOTTO_OK);
        assert_true(diag.text[0] != '\0');
        sotto_vec_free(&out);
    }
    sotto_vec_free(&json);
    free(f);
}

static void numbers_are_read_as_strtof_does_and_nothing_else(void **state)
{
    (void)state;
    static const char *const GOOD[] = {"0",     "-0",   "1.5", "5E-1", "4.8000002E-1", "3.4028235e38",
                                       "1e-45", "7E-46"};
    static const char *const BAD[] = {"", "nan", "inf", "0x10", "1e39", "1.5 ", " 1", "1,5", "--1", "e5"};
    float v;
    for (size_t i = 0; i < SOTTO_COUNT(GOOD); i++) {
        assert_true(sotto_forge_parse_float(sotto_span_str(GOOD[i]), &v));
        float expected = strtof(GOOD[i], NULL);
        assert_memory_equal(&v, &expected, sizeof v);
    }
    for (size_t i = 0; i < SOTTO_COUNT(BAD); i++)
        assert_false(sotto_forge_parse_float(sotto_span_str(BAD[i]), &v));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_golden_model_is_still_the_same),
        cmocka_unit_test(what_would_not_score_exactly_is_refused),
        cmocka_unit_test(a_leaf_out_of_range_names_tree_and_node),
        cmocka_unit_test(a_tree_too_deep_is_refused),
        cmocka_unit_test(the_best_iteration_cuts_the_trees),
        cmocka_unit_test(both_ways_to_write_a_base_score_give_one_bias),
        cmocka_unit_test(a_recipe_must_know_every_feature),
        cmocka_unit_test(every_truncation_of_a_file_is_refused),
        cmocka_unit_test(numbers_are_read_as_strtof_does_and_nothing_else),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
