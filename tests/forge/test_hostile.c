/* Hostile files of the trees' other formats: XGBoost's JSON and UBJSON, LightGBM's text; and tables without
 * end. Refused soon, with a cause and nothing written; ONNX's are in test_import.c. */
#include "sotto/forge.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

typedef sotto_status (*compiler)(sotto_span file, const sotto_forge_options *options, sotto_vec *out,
                                 sotto_forge_report *report, sotto_diag *diag);

static sotto_status try_file(compiler compile, sotto_span file, sotto_diag *diag)
{
    const sotto_forge_options options = {.file_name = "model", .model_name = "test"};
    sotto_forge_report report;
    sotto_vec out;
    sotto_vec_init(&out, 1 << 26);
    *diag = (sotto_diag){.status = SOTTO_OK};
    sotto_status status = compile(file, &options, &out, &report, diag);
    assert_true((status == SOTTO_OK) == (out.len > 0));
    assert_true(status == SOTTO_OK || diag->text[0] != '\0');
    sotto_vec_free(&out);
    return status;
}

/* Emulated runs are about widths of types, not about size. */
static size_t many(size_t n)
{
    return getenv("SOTTO_EMULATED") != NULL ? n / 100 : n;
}

/* ---- One document, written as JSON or as UBJSON ---- */

typedef struct writer {
    sotto_vec out;
    bool binary, first;
} writer;

static void put(writer *w, const void *bytes, size_t len)
{
    assert_int_equal(sotto_vec_put(&w->out, bytes, len), SOTTO_OK);
}

static void text(writer *w, const char *s)
{
    put(w, s, strlen(s));
}

static void big_endian(writer *w, uint64_t v, unsigned bytes)
{
    for (unsigned i = bytes; i-- > 0;) {
        uint8_t byte = (uint8_t)(v >> 8 * i);
        put(w, &byte, 1);
    }
}

static void separate(writer *w)
{
    if (!w->binary && !w->first)
        text(w, ",");
    w->first = false;
}

static void open_with(writer *w, const char *bracket)
{
    text(w, bracket);
    w->first = true;
}

static void close_with(writer *w, const char *bracket)
{
    text(w, bracket);
    w->first = false;
}

static void key(writer *w, const char *name)
{
    separate(w);
    if (w->binary) {
        text(w, "L");
        big_endian(w, strlen(name), 8);
        text(w, name);
    } else {
        text(w, "\"");
        text(w, name);
        text(w, "\":");
    }
}

static void string(writer *w, const char *s)
{
    if (w->binary) {
        text(w, "SL");
        big_endian(w, strlen(s), 8);
        text(w, s);
    } else {
        text(w, "\"");
        text(w, s);
        text(w, "\"");
    }
}

static void member(writer *w, const char *name, const char *value)
{
    key(w, name);
    string(w, value);
}

static void whole(writer *w, int32_t v)
{
    char digits[16];
    separate(w);
    if (w->binary) {
        text(w, "l");
        big_endian(w, (uint32_t)v, 4);
    } else {
        (void)snprintf(digits, sizeof digits, "%d", (int)v);
        text(w, digits);
    }
}

static void real(writer *w, float v)
{
    char digits[32];
    uint32_t bits;
    memcpy(&bits, &v, sizeof bits);
    separate(w);
    if (w->binary) {
        text(w, "d");
        big_endian(w, bits, 4);
    } else if (isnan(v)) {
        text(w, "NaN"); /* as XGBoost writes it */
    } else {
        (void)snprintf(digits, sizeof digits, "%.9g", (double)v);
        text(w, digits);
    }
}

/* A tree of `inner` tests, one below the other: node 2i tests, 2i + 1 is its leaf. */
typedef struct tree {
    size_t inner;
    int32_t back; /* not -1: where the last test leads instead of down */
    float threshold;
    bool twice; /* a member stands twice */
} tree;

static void wholes(writer *w, const char *name, const tree *t, int32_t (*of)(const tree *t, size_t i))
{
    key(w, name);
    open_with(w, "[");
    for (size_t i = 0; i <= 2 * t->inner; i++)
        whole(w, of(t, i));
    close_with(w, "]");
}

static bool is_test(const tree *t, size_t i)
{
    return i % 2 == 0 && i < 2 * t->inner;
}
static int32_t left_of(const tree *t, size_t i)
{
    return is_test(t, i) ? (int32_t)i + 1 : -1;
}
static int32_t right_of(const tree *t, size_t i)
{
    if (t->back >= 0 && i + 2 == 2 * t->inner)
        return t->back;
    return is_test(t, i) ? (int32_t)i + 2 : -1;
}
static int32_t zero(const tree *t, size_t i)
{
    (void)t;
    (void)i;
    return 0;
}

static void put_tree(writer *w, const tree *t)
{
    open_with(w, "{");
    wholes(w, "left_children", t, left_of);
    wholes(w, "right_children", t, right_of);
    wholes(w, "split_indices", t, zero);
    wholes(w, "default_left", t, zero);
    if (t->twice)
        wholes(w, "default_left", t, zero);
    key(w, "split_conditions");
    open_with(w, "[");
    for (size_t i = 0; i <= 2 * t->inner; i++)
        real(w, is_test(t, i) ? t->threshold : 0.5F);
    close_with(w, "]");
    key(w, "sum_hessian");
    open_with(w, "[");
    for (size_t i = 0; i <= 2 * t->inner; i++)
        real(w, 1);
    close_with(w, "]");
    key(w, "tree_param");
    open_with(w, "{");
    member(w, "size_leaf_vector", "0");
    close_with(w, "}");
    close_with(w, "}");
}

/* trees: how many; all but the first are empty objects. */
static void put_model(writer *w, const tree *t, size_t trees)
{
    open_with(w, "{");
    key(w, "learner");
    open_with(w, "{");
    key(w, "gradient_booster");
    open_with(w, "{");
    key(w, "model");
    open_with(w, "{");
    key(w, "trees");
    open_with(w, "[");
    for (size_t i = 0; i < trees; i++) {
        separate(w);
        if (i == 0)
            put_tree(w, t);
        else {
            open_with(w, "{");
            close_with(w, "}");
        }
    }
    close_with(w, "]");
    close_with(w, "}");
    member(w, "name", "gbtree");
    close_with(w, "}");
    key(w, "learner_model_param");
    open_with(w, "{");
    member(w, "base_score", "5E-1");
    member(w, "num_class", "0");
    member(w, "num_feature", "1");
    member(w, "num_target", "1");
    close_with(w, "}");
    key(w, "objective");
    open_with(w, "{");
    member(w, "name", "reg:squarederror");
    close_with(w, "}");
    close_with(w, "}");
    close_with(w, "}");
}

static void start(writer *w, bool binary)
{
    *w = (writer){.binary = binary, .first = true};
    sotto_vec_init(&w->out, 1 << 28);
}

static void xgboost_of_any_form_is_refused(void **state)
{
    (void)state;
    const struct {
        tree tree;
        size_t trees;
        const char *said; /* NULL: it compiles */
    } cases[] = {
        {{3, -1, 1, false}, 1, NULL},
        {{3, -1, 1, false}, many(1000000), "trees"},
        {{many(100000), -1, 1, false}, 1, "deep"},
        {{4, 0, 1, false}, 1, "twice"},
        {{4, 6, 1, false}, 1, "twice"},
        {{3, -1, NAN, false}, 1, "number"},
        {{3, -1, 1, true}, 1, "default_left"},
    };
    for (size_t i = 0; i < SOTTO_COUNT(cases); i++)
        for (int binary = 0; binary < 2; binary++) {
            writer w;
            sotto_diag diag;
            start(&w, binary == 1);
            put_model(&w, &cases[i].tree, cases[i].trees);
            sotto_status status = try_file(sotto_forge_xgboost, sotto_vec_span(&w.out), &diag);
            const char *said = cases[i].said;
            if ((status == SOTTO_OK) != (said == NULL) ||
                (said != NULL && strstr(diag.text, said) == NULL && strstr(diag.where, said) == NULL))
                fail_msg("case %zu, form %d: %d, %s: %s", i, binary, (int)status, diag.where, diag.text);
            sotto_vec_free(&w.out);
        }
}

static void every_cut_of_ubjson_is_refused(void **state)
{
    (void)state;
    writer w;
    const tree t = {3, -1, 1, false};
    start(&w, true);
    put_model(&w, &t, 1);
    for (size_t n = 0; n < w.out.len; n++) {
        sotto_diag diag;
        uint8_t *cut = malloc(n + 1); /* so that reading one byte too many is seen */
        assert_non_null(cut);
        memcpy(cut, w.out.ptr, n);
        if (try_file(sotto_forge_xgboost, sotto_span_of(cut, n), &diag) == SOTTO_OK)
            fail_msg("cut at byte %zu", n);
        free(cut);
    }
    sotto_vec_free(&w.out);
}

static void every_flipped_byte_of_ubjson_ends(void **state)
{
    (void)state;
    writer w;
    const tree t = {3, -1, 1, false};
    start(&w, true);
    put_model(&w, &t, 1);
    for (size_t n = 0; n < w.out.len; n++)
        for (unsigned bit = 0; bit < 8; bit++) {
            sotto_diag diag;
            w.out.ptr[n] ^= (uint8_t)(1u << bit);
            (void)try_file(sotto_forge_xgboost, sotto_vec_span(&w.out), &diag);
            w.out.ptr[n] ^= (uint8_t)(1u << bit);
        }
    sotto_vec_free(&w.out);
}

/* Brackets without end, for everything that reads JSON. */
static void nesting_without_end_is_refused(void **state)
{
    (void)state;
    static const compiler READERS[] = {sotto_forge_xgboost, sotto_forge_scorecard, sotto_forge_kmeans};
    static const char *const STARTS[] = {"{\"learner\":", "{L\0\0\0\0\0\0\0\7learner"};
    const size_t depth = 100000;
    for (size_t i = 0; i < SOTTO_COUNT(READERS); i++)
        for (size_t k = 0; k < SOTTO_COUNT(STARTS); k++) {
            size_t len = k == 0 ? strlen(STARTS[0]) : 17;
            sotto_diag diag;
            char *file = malloc(len + depth);
            assert_non_null(file);
            memcpy(file, STARTS[k], len);
            memset(file + len, '[', depth);
            assert_int_not_equal(try_file(READERS[i], sotto_span_of(file, len + depth), &diag), SOTTO_OK);
            free(file);
        }
}

/* ---- LightGBM ---- */

static void list(sotto_vec *out, const char *name, size_t n, const char *value)
{
    assert_int_equal(sotto_vec_printf(out, "%s=", name), SOTTO_OK);
    for (size_t i = 0; i < n; i++)
        assert_int_equal(sotto_vec_printf(out, i == 0 ? "%s" : " %s", value), SOTTO_OK);
    assert_int_equal(sotto_vec_printf(out, "\n"), SOTTO_OK);
}

/* A chain of `inner` tests; back not -1: the last leads there. */
static void put_lightgbm(sotto_vec *out, size_t inner, long back, const char *threshold, size_t trees)
{
    assert_int_equal(sotto_vec_printf(out, "tree\nversion=v4\nnum_class=1\nnum_tree_per_iteration=1\n"
                                           "max_feature_idx=0\nobjective=regression\nfeature_names=a\n\n"),
                     SOTTO_OK);
    for (size_t t = 1; t < trees; t++)
        assert_int_equal(sotto_vec_printf(out, "Tree=0\nnum_leaves=1\n"), SOTTO_OK);
    assert_int_equal(sotto_vec_printf(out, "Tree=0\nnum_leaves=%zu\nnum_cat=0\n", inner + 1), SOTTO_OK);
    list(out, "split_feature", inner, "0");
    list(out, "threshold", inner, threshold);
    list(out, "decision_type", inner, "2");
    assert_int_equal(sotto_vec_printf(out, "left_child="), SOTTO_OK);
    for (size_t i = 0; i < inner; i++)
        assert_int_equal(sotto_vec_printf(out, "-%zu ", i + 1), SOTTO_OK);
    assert_int_equal(sotto_vec_printf(out, "\nright_child="), SOTTO_OK);
    for (size_t i = 0; i + 1 < inner; i++)
        assert_int_equal(sotto_vec_printf(out, "%zu ", i + 1), SOTTO_OK);
    assert_int_equal(sotto_vec_printf(out, "%ld\n", back >= 0 ? back : -(long)inner - 1), SOTTO_OK);
    list(out, "leaf_value", inner + 1, "0.25");
    assert_int_equal(sotto_vec_printf(out, "shrinkage=1\n\nend of trees\n"), SOTTO_OK);
}

static void lightgbm_is_refused(void **state)
{
    (void)state;
    const struct {
        size_t inner;
        long back;
        const char *threshold;
        size_t trees;
        const char *said; /* NULL: it compiles */
    } cases[] = {{3, -1, "0.5", 1, NULL},
                 {3, -1, "0.5", many(1000000), "trees"},
                 {many(100000), -1, "0.5", 1, "deep"},
                 {3, 0, "0.5", 1, "twice"},
                 {3, 2, "0.5", 1, "twice"},
                 {3, -1, "nan", 1, "threshold"}};
    for (size_t i = 0; i < SOTTO_COUNT(cases); i++) {
        sotto_vec file;
        sotto_diag diag;
        sotto_vec_init(&file, 1 << 28);
        put_lightgbm(&file, cases[i].inner, cases[i].back, cases[i].threshold, cases[i].trees);
        sotto_status status = try_file(sotto_forge_lightgbm, sotto_vec_span(&file), &diag);
        const char *said = cases[i].said;
        if ((status == SOTTO_OK) != (said == NULL) || (said != NULL && strstr(diag.text, said) == NULL))
            fail_msg("case %zu: %d, %s", i, (int)status, diag.text);
        sotto_vec_free(&file);
    }
}

/* ---- Tables ---- */

static void tables_without_end_are_refused(void **state)
{
    (void)state;
    const struct {
        compiler compile;
        const char *head, *row;
        size_t rows;
        const char *said;
    } cases[] = {
        {sotto_forge_scorecard, "feature,value,points\n", "a,1,2\n", (1 << 20) + 1, "more than 1048576"},
        {sotto_forge_scorecard, "feature,value,points\n", "a,1,2\n", 1 << 16, "twice"},
        {sotto_forge_kmeans, "a,b\n", "1,2\n", 100000, "more than 4096"},
        {sotto_forge_kmeans, "{\"format\":\"sotto-kmeans-1\",\"features\":[\"a\"],\"features\":[\"b\"],", "",
         0, "JSON"},
        {sotto_forge_kmeans,
         "{\"format\":\"sotto-kmeans-1\",\"features\":[\"a\"],\"features\":[\"b\"],\"centroids\":[[1]]}", "",
         0, "features"},
        {sotto_forge_scorecard,
         "{\"format\":\"sotto-scorecard-1\",\"features\":[{\"name\":\"a\",\"coefficient\":1,\"coefficient\":"
         "2}]}",
         "", 0, "coefficient"},
    };
    for (size_t i = 0; i < SOTTO_COUNT(cases); i++) {
        sotto_vec file;
        sotto_diag diag;
        if (cases[i].rows > 1 << 17 && getenv("SOTTO_EMULATED") != NULL)
            continue;
        sotto_vec_init(&file, 1 << 28);
        assert_int_equal(sotto_vec_put(&file, cases[i].head, strlen(cases[i].head)), SOTTO_OK);
        for (size_t k = 0; k < cases[i].rows; k++)
            assert_int_equal(sotto_vec_put(&file, cases[i].row, strlen(cases[i].row)), SOTTO_OK);
        if (try_file(cases[i].compile, sotto_vec_span(&file), &diag) == SOTTO_OK ||
            (strstr(diag.text, cases[i].said) == NULL && strstr(diag.where, cases[i].said) == NULL))
            fail_msg("case %zu: %s: %s", i, diag.where, diag.text);
        sotto_vec_free(&file);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(xgboost_of_any_form_is_refused),
        cmocka_unit_test(every_cut_of_ubjson_is_refused),
        cmocka_unit_test(every_flipped_byte_of_ubjson_ends),
        cmocka_unit_test(nesting_without_end_is_refused),
        cmocka_unit_test(lightgbm_is_refused),
        cmocka_unit_test(tables_without_end_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
