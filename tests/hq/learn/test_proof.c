/* The proof against the trained model: it passes for the very file, and refuses another one with row and
 * output. */
#include "learn/learn.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { ROWS = 300 };

typedef sotto_status (*compiler)(sotto_span file, const sotto_forge_options *options, sotto_vec *out,
                                 sotto_forge_report *report, sotto_diag *diag);

static uint64_t next_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

static learn_input compile(compiler compile_file, sotto_span file)
{
    learn_input in = {.memory = NULL};
    sotto_forge_options options = {.file_name = "model", .model_name = "test"};
    sotto_forge_report report;
    sotto_diag diag = {.status = SOTTO_OK};
    sotto_vec_init(&in.model_file, 1 << 26);
    if (compile_file(file, &options, &in.model_file, &report, &diag) != SOTTO_OK)
        fail_msg("%s: %s", diag.where, diag.text);
    assert_int_equal(learn_input_load(&in, &diag), SOTTO_OK);
    return in;
}

static learn_table make_table(size_t features)
{
    learn_table t = {.rows = ROWS, .features = features};
    uint64_t random = 5;
    t.keys = calloc(ROWS * features, sizeof *t.keys);
    assert_non_null(t.keys);
    for (size_t i = 0; i < ROWS * features; i++) {
        uint64_t r = next_random(&random);
        t.keys[i] = r % 9 == 0 ? SOTTO_FLOAT_KEY_MISSING
                               : sotto_fixed_decimal_key((int64_t)(r >> 8) % 20000 - 5000, 2);
    }
    return t;
}

static sotto_status prove(learn_proof *p, const learn_input *in, enum learn_source source, sotto_span file,
                          sotto_diag *diag)
{
    learn_table t = make_table(sotto_model_info_of(in->model)->features);
    *diag = (sotto_diag){.status = SOTTO_OK};
    const learn_origin origin = {.source = source, .file = file, .name = "model"};
    sotto_status status = learn_prove(p, in->model, &origin, &t, NULL, diag);
    free(t.keys);
    return status;
}

static sotto_vec read_file(const char *name)
{
    char path[1024];
    sotto_vec file;
    (void)snprintf(path, sizeof path, SOTTO_SOURCE_DIR "/%s", name);
    assert_int_equal(learn_read_file(path, &file, NULL), SOTTO_OK);
    return file;
}

/* The same file with one piece of text, which must be there, exchanged for one as long. */
static sotto_vec exchange(const sotto_vec *file, const char *from, const char *to)
{
    sotto_vec out;
    size_t len = strlen(from), at = 0;
    assert_int_equal(strlen(to), len);
    sotto_vec_init(&out, 1 << 26);
    assert_int_equal(sotto_vec_put(&out, file->ptr, file->len), SOTTO_OK);
    while (at + len <= out.len && memcmp(out.ptr + at, from, len) != 0)
        at++;
    assert_true(at + len <= out.len);
    memcpy(out.ptr + at, to, len);
    return out;
}

typedef struct proof_case {
    const char *path;
    compiler compile;
    enum learn_source source;
    const char *from, *to; /* what another model has there: text, or the bytes of a float32 */
    const char *said;      /* of the other model; NULL: leaves differ */
} proof_case;

static const proof_case CASES[] = {
    {"tests/data/model/linear.json", sotto_forge_xgboost, LEARN_SOURCE_XGBOOST, "-1.062422E-1",
     "-1.062425E-1", "output 0"},
    {"tests/data/model/linear3.json", sotto_forge_xgboost, LEARN_SOURCE_XGBOOST, "7.1259458E-3",
     "7.1289458E-3", "output 2"},
    {"tests/data/model/logistic.onnx", sotto_forge_onnx, LEARN_SOURCE_ONNX, "\x09\xda\xb2\xbc",
     "\x09\xda\xb3\xbc", "output 0"},
    {"tests/data/model/pipeline.onnx", sotto_forge_onnx, LEARN_SOURCE_ONNX, "\xba\x13\xc8\x3e",
     "\xba\x13\xc8\x40", NULL},
    {"tests/data/model/votes.onnx", sotto_forge_onnx, LEARN_SOURCE_ONNX, "\x5e\xba\x39\xc0",
     "\x5e\xba\xb9\xc0", NULL},
    {"docs/examples/models/scorecard.csv", sotto_forge_scorecard, LEARN_SOURCE_SCORECARD, "age,25,40,,3,,",
     "age,25,40,,4,,", "output 0"},
    {"docs/examples/models/scorecard.json", sotto_forge_scorecard, LEARN_SOURCE_SCORECARD,
     "\"intercept\": 512", "\"intercept\": 513", "output 0"},
    {"docs/examples/models/amount.csv", sotto_forge_scorecard, LEARN_SOURCE_SCORECARD, "0.031,60", "0.031,61",
     "output 0"},
    {"docs/examples/models/segments.csv", sotto_forge_kmeans, LEARN_SOURCE_KMEANS, "2,1.3,1.85", "2,1.3,1.86",
     "the distance"},
    {"docs/examples/models/segments.json", sotto_forge_kmeans, LEARN_SOURCE_KMEANS, "43.5", "99.5", NULL},
};

static void the_same_file_is_proven(void **state)
{
    (void)state;
    for (size_t i = 0; i < SOTTO_COUNT(CASES); i++) {
        sotto_vec file = read_file(CASES[i].path);
        learn_input in = compile(CASES[i].compile, sotto_vec_span(&file));
        learn_proof p;
        sotto_diag diag;
        if (prove(&p, &in, CASES[i].source, sotto_vec_span(&file), &diag) != SOTTO_OK)
            fail_msg("%s: %s", CASES[i].path, diag.text);
        assert_int_equal(p.rows, ROWS);
        assert_int_equal(p.leaves_differ, 0);
        assert_true(p.margin_difference > 0 || p.trees > 0);
        learn_input_free(&in);
        sotto_vec_free(&file);
    }
}

static void another_model_is_not(void **state)
{
    (void)state;
    for (size_t i = 0; i < SOTTO_COUNT(CASES); i++) {
        sotto_vec file = read_file(CASES[i].path), other = exchange(&file, CASES[i].from, CASES[i].to);
        learn_input in = compile(CASES[i].compile, sotto_vec_span(&other));
        learn_proof p;
        sotto_diag diag;
        sotto_status status = prove(&p, &in, CASES[i].source, sotto_vec_span(&file), &diag);
        if (CASES[i].said == NULL) {
            assert_int_equal(status, SOTTO_OK);
            assert_true(p.leaves_differ > 0);
        } else {
            if (status != SOTTO_ERR(HQ, INTERNAL))
                fail_msg("%s: another model passed: %g, %zu held", CASES[i].path, p.margin_difference,
                         p.held);
            assert_non_null(strstr(diag.text, "row "));
            assert_non_null(strstr(diag.text, CASES[i].said));
        }
        learn_input_free(&in);
        sotto_vec_free(&file);
        sotto_vec_free(&other);
    }
}

#define HEADER                                                                                               \
    "tree\nversion=v4\nnum_class=1\nnum_tree_per_iteration=1\nmax_feature_idx=1\nobjective=binary "          \
    "sigmoid:1\n"                                                                                            \
    "feature_names=a b\n\n"
#define COUNTS "Tree=0\nnum_leaves=3\n"
#define NODES  "split_feature=0 1\nthreshold=1.5 0\n"
#define REST                                                                                                 \
    "decision_type=2 1\nleft_child=-1 -2\nright_child=1 -3\nleaf_value=0.1 0.2 -0.3\nnum_cat=1\n"            \
    "cat_boundaries=0 1\ncat_threshold=6\n\n"
#define END "end of trees\n"
static const char FOREST[] = HEADER COUNTS NODES REST END;

/* What the compiler would not take, and what another file than the compiled one may hold. */
static void a_second_reading_that_finds_less_says_so(void **state)
{
    (void)state;
    static const char NO_TREES[] = HEADER END, NO_OUTPUTS[] = "tree\n" COUNTS NODES REST END,
                      CUT_BETWEEN[] = HEADER COUNTS NODES "x\0y\n" REST END,
                      CUT_BEFORE[] = HEADER COUNTS "x\0y\n" NODES REST END,
                      CUT_HEADER[] = "tree\n\0" HEADER COUNTS NODES REST END;
    const sotto_span cases[] = {
        sotto_span_of(NO_TREES, sizeof NO_TREES - 1),       sotto_span_of(NO_OUTPUTS, sizeof NO_OUTPUTS - 1),
        sotto_span_of(CUT_BETWEEN, sizeof CUT_BETWEEN - 1), sotto_span_of(CUT_BEFORE, sizeof CUT_BEFORE - 1),
        sotto_span_of(CUT_HEADER, sizeof CUT_HEADER - 1),
    };
    learn_input in = compile(sotto_forge_lightgbm, sotto_span_str(FOREST));
    for (size_t i = 0; i < SOTTO_COUNT(cases); i++) {
        learn_proof p;
        sotto_diag diag;
        assert_int_equal(prove(&p, &in, LEARN_SOURCE_LIGHTGBM, cases[i], &diag), SOTTO_ERR(HQ, INTERNAL));
        assert_non_null(strstr(diag.text, "second reading"));
    }
    learn_input_free(&in);
}

/* Lines behind the end of the trees are how it was trained: none of them is the last tree's. */
static void lines_behind_the_trees_are_no_trees(void **state)
{
    (void)state;
    static const char BEHIND[] =
        HEADER "Tree=0\nnum_leaves=2\nsplit_feature=0\nthreshold=1.5\nleft_child=-1\n"
               "right_child=-2\nleaf_value=0.1 0.2\n\nend of trees\r\n"
               "num_cat=-1\ndecision_type=1\n";
    learn_input in = compile(sotto_forge_lightgbm, sotto_span_str(BEHIND));
    learn_proof p;
    sotto_diag diag;
    assert_int_equal(prove(&p, &in, LEARN_SOURCE_LIGHTGBM, sotto_span_str(BEHIND), &diag), SOTTO_OK);
    assert_int_equal(p.leaves_differ, 0);
    learn_input_free(&in);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_same_file_is_proven),
        cmocka_unit_test(another_model_is_not),
        cmocka_unit_test(a_second_reading_that_finds_less_says_so),
        cmocka_unit_test(lines_behind_the_trees_are_no_trees),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
