/* ONNX, scorecards and centroids: good files compile, damaged and hostile ones are refused soon and with a
 * place. */
#include "sotto/forge.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

typedef sotto_status (*compiler)(sotto_span file, const sotto_forge_options *options, sotto_vec *out,
                                 sotto_forge_report *report, sotto_diag *diag);
typedef struct good_file {
    const char *path;
    compiler compile;
    size_t trees, terms, clusters;
    bool any_cut_fails; /* a text cut at a line's end may still be a table */
} good_file;

static const good_file GOOD[] = {
    {"tests/data/model/pipeline.onnx", sotto_forge_onnx, 8, 0, 0, true},
    {"tests/data/model/logistic.onnx", sotto_forge_onnx, 1, 4, 0, true},
    {"tests/data/model/votes.onnx", sotto_forge_onnx, 15, 0, 0, true},
    {"tests/data/model/ordinal.onnx", sotto_forge_onnx, 6, 0, 0, true},
    {"tests/data/model/ordinal_linear.onnx", sotto_forge_onnx, 2, 1, 0, true},
    {"docs/examples/models/scorecard.csv", sotto_forge_scorecard, 2, 1, 0, false},
    {"docs/examples/models/scorecard.json", sotto_forge_scorecard, 2, 1, 0, true},
    {"docs/examples/models/segments.csv", sotto_forge_kmeans, 0, 0, 3, false},
    {"docs/examples/models/segments.json", sotto_forge_kmeans, 0, 0, 3, true},
};

static sotto_span read_file(const char *name)
{
    char path[1024];
    uint8_t *bytes = malloc(1 << 16);
    assert_non_null(bytes);
    (void)snprintf(path, sizeof path, SOTTO_SOURCE_DIR "/%s", name);
    FILE *in = fopen(path, "rb");
    assert_non_null(in);
    size_t len = fread(bytes, 1, 1 << 16, in);
    (void)fclose(in);
    assert_in_range(len, 1, (1 << 16) - 1);
    return sotto_span_of(bytes, len);
}

/* Compiles; a refusal says why and leaves nothing behind. */
static sotto_status try_file(compiler compile, sotto_span file, sotto_forge_report *report, sotto_diag *diag)
{
    const sotto_forge_options options = {.file_name = "model", .model_name = "test"};
    sotto_vec out;
    sotto_vec_init(&out, 1 << 26);
    *diag = (sotto_diag){.status = SOTTO_OK};
    sotto_status status = compile(file, &options, &out, report, diag);
    assert_int_equal(status, diag->status);
    assert_true((status == SOTTO_OK) == (out.len > 0));
    assert_true(status == SOTTO_OK || diag->text[0] != '\0');
    sotto_vec_free(&out);
    return status;
}

static void good_files_compile(void **state)
{
    (void)state;
    for (size_t i = 0; i < SOTTO_COUNT(GOOD); i++) {
        sotto_forge_report report;
        sotto_diag diag;
        sotto_span file = read_file(GOOD[i].path);
        if (try_file(GOOD[i].compile, file, &report, &diag) != SOTTO_OK)
            fail_msg("%s: %s: %s", GOOD[i].path, diag.where, diag.text);
        assert_int_equal(report.trees, GOOD[i].trees);
        assert_int_equal(report.terms, GOOD[i].terms);
        assert_int_equal(report.clusters, GOOD[i].clusters);
        free((void *)(uintptr_t)file.ptr);
    }
}

static size_t stride(size_t len, size_t tries)
{
    return getenv("SOTTO_EMULATED") != NULL ? 1 + len / 40 : 1 + len / tries;
}

static void a_cut_anywhere_is_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < SOTTO_COUNT(GOOD); i++) {
        sotto_forge_report report;
        sotto_diag diag;
        sotto_span file = read_file(GOOD[i].path);
        size_t len = file.len, white = file.ptr[len - 1] == '\n';
        for (size_t n = 0; n < len - white; n += stride(len, 1200)) {
            uint8_t *cut = malloc(n + 1); /* so that reading one byte too many is seen */
            assert_non_null(cut);
            memcpy(cut, file.ptr, n);
            sotto_status status = try_file(GOOD[i].compile, sotto_span_of(cut, n), &report, &diag);
            if (GOOD[i].any_cut_fails && status == SOTTO_OK)
                fail_msg("%s cut at byte %zu compiled", GOOD[i].path, n);
            free(cut);
        }
        free((void *)(uintptr_t)file.ptr);
    }
}

static void a_flipped_byte_is_refused_or_compiled(void **state)
{
    (void)state;
    for (size_t i = 0; i < SOTTO_COUNT(GOOD); i++) {
        sotto_forge_report report;
        sotto_diag diag;
        sotto_span file = read_file(GOOD[i].path);
        uint8_t *bytes = (uint8_t *)(uintptr_t)file.ptr;
        for (size_t n = 0; n < file.len; n += stride(file.len, 300))
            for (unsigned bit = 0; bit < 8; bit += 3) {
                bytes[n] ^= (uint8_t)(1u << bit);
                (void)try_file(GOOD[i].compile, file, &report, &diag);
                bytes[n] ^= (uint8_t)(1u << bit);
            }
        free(bytes);
    }
}

/* OrdinalEncoder's lines, changed into what cannot be read exactly. */
static void other_encoders_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *from, *to, *said;
        size_t len;
    } CASES[] = {{"keys_int64s", "keys_int64x", "no keys", 11},
                 {"values_int64s", "values_int64x", "values_floats", 13},
                 {"values_floats", "values_floatx", "values_floats", 13},
                 {"\x0b"
                  "keys_int64s\x40\x02\x40\x00",
                  "\x0b"
                  "keys_int64s\x40\x07\x40\x00",
                  "category 7 stands twice", 16}};
    for (size_t i = 0; i < SOTTO_COUNT(CASES); i++) {
        sotto_forge_report report;
        sotto_diag diag;
        sotto_span file = read_file("tests/data/model/ordinal.onnx");
        uint8_t *at = memmem(file.ptr, file.len, CASES[i].from, CASES[i].len);
        assert_non_null(at);
        memcpy(at, CASES[i].to, CASES[i].len);
        assert_int_not_equal(try_file(sotto_forge_onnx, file, &report, &diag), SOTTO_OK);
        if (strstr(diag.text, "LabelEncoder") == NULL || strstr(diag.text, CASES[i].said) == NULL)
            fail_msg("case %zu: %s", i, diag.text);
        free((void *)(uintptr_t)file.ptr);
    }
}

/* ---- Hostile ONNX: a writer of what no exporter writes ---- */

static void varint(sotto_vec *v, uint64_t n)
{
    do {
        uint8_t byte = (uint8_t)((n & 0x7f) | (n > 0x7f ? 0x80 : 0));
        assert_int_equal(sotto_vec_put(v, &byte, 1), SOTTO_OK);
        n >>= 7;
    } while (n > 0);
}

static void bytes_field(sotto_vec *v, uint32_t number, const void *bytes, size_t len)
{
    varint(v, (uint64_t)number << 3 | 2);
    varint(v, len);
    assert_int_equal(sotto_vec_put(v, bytes, len), SOTTO_OK);
}

static void vec_field(sotto_vec *v, uint32_t number, sotto_vec *inner)
{
    bytes_field(v, number, inner->ptr, inner->len);
    inner->len = 0;
}

static void attribute(sotto_vec *node, sotto_vec *a)
{
    vec_field(node, 5, a);
}

typedef struct hostile {
    size_t nodes;
    int64_t (*yes)(size_t i);
    int64_t (*no)(size_t i);
    const char *mode; /* of inner nodes */
    float threshold;
    bool every_leaf_own_tree;
} hostile;

static void put_ints(sotto_vec *node, const char *name, const hostile *h,
                     int64_t (*f)(const hostile *h, size_t i))
{
    sotto_vec a, list;
    sotto_vec_init(&a, 1 << 26);
    sotto_vec_init(&list, 1 << 26);
    for (size_t i = 0; i < h->nodes; i++)
        varint(&list, (uint64_t)f(h, i));
    bytes_field(&a, 1, name, strlen(name));
    vec_field(&a, 8, &list);
    attribute(node, &a);
    sotto_vec_free(&a);
    sotto_vec_free(&list);
}

static bool leaf(const hostile *h, size_t i)
{
    return h->every_leaf_own_tree || i + 1 == h->nodes;
}
static int64_t tree_of(const hostile *h, size_t i)
{
    return h->every_leaf_own_tree ? (int64_t)i : 0;
}
static int64_t id_of(const hostile *h, size_t i)
{
    return h->every_leaf_own_tree ? 0 : (int64_t)i;
}
static int64_t zero(const hostile *h, size_t i)
{
    (void)h;
    (void)i;
    return 0;
}
static int64_t yes_of(const hostile *h, size_t i)
{
    return leaf(h, i) ? 0 : h->yes(i);
}
static int64_t no_of(const hostile *h, size_t i)
{
    return leaf(h, i) ? 0 : h->no(i);
}

static void put_floats(sotto_vec *node, const char *name, const hostile *h, float v)
{
    sotto_vec a, list;
    sotto_vec_init(&a, 1 << 26);
    sotto_vec_init(&list, 1 << 26);
    for (size_t i = 0; i < h->nodes; i++)
        assert_int_equal(sotto_vec_put(&list, &v, sizeof v), SOTTO_OK);
    bytes_field(&a, 1, name, strlen(name));
    vec_field(&a, 7, &list);
    attribute(node, &a);
    sotto_vec_free(&a);
    sotto_vec_free(&list);
}

static void put_modes(sotto_vec *node, const hostile *h)
{
    sotto_vec a;
    sotto_vec_init(&a, 1 << 26);
    bytes_field(&a, 1, "nodes_modes", strlen("nodes_modes"));
    for (size_t i = 0; i < h->nodes; i++) {
        const char *mode = leaf(h, i) ? "LEAF" : h->mode;
        bytes_field(&a, 9, mode, strlen(mode));
    }
    attribute(node, &a);
    sotto_vec_free(&a);
}

/* A regressor over one input x of one column; the last node (or every node) is a leaf. */
static void write_hostile(const hostile *h, sotto_vec *out)
{
    static const uint8_t INPUT[] = {0x0a, 1,    'x',  0x12, 0x0c, 0x0a, 0x0a, 0x08, 1,
                                    0x12, 0x06, 0x0a, 0,    0x0a, 2,    0x08, 1};
    sotto_vec node, graph;
    hostile one = *h;
    sotto_vec_init(&node, 1 << 27);
    sotto_vec_init(&graph, 1 << 27);
    bytes_field(&node, 1, "x", 1);
    bytes_field(&node, 2, "y", 1);
    bytes_field(&node, 3, "hostile", 7);
    bytes_field(&node, 4, "TreeEnsembleRegressor", strlen("TreeEnsembleRegressor"));
    put_ints(&node, "nodes_treeids", h, tree_of);
    put_ints(&node, "nodes_nodeids", h, id_of);
    put_ints(&node, "nodes_featureids", h, zero);
    put_ints(&node, "nodes_truenodeids", h, yes_of);
    put_ints(&node, "nodes_falsenodeids", h, no_of);
    put_floats(&node, "nodes_values", h, h->threshold);
    put_modes(&node, h);
    if (!h->every_leaf_own_tree)
        one.nodes = 1; /* one weight, of tree 0's last node */
    put_ints(&node, "target_treeids", &one, tree_of);
    put_ints(&node, "target_ids", &one, zero);
    put_floats(&node, "target_weights", &one, 1.0F);
    sotto_vec a, list;
    sotto_vec_init(&a, 1 << 26);
    sotto_vec_init(&list, 1 << 26);
    for (size_t i = 0; i < one.nodes; i++)
        varint(&list, h->every_leaf_own_tree ? 0 : h->nodes - 1);
    bytes_field(&a, 1, "target_nodeids", strlen("target_nodeids"));
    vec_field(&a, 8, &list);
    attribute(&node, &a);
    vec_field(&graph, 1, &node);
    bytes_field(&graph, 11, INPUT, sizeof INPUT);
    vec_field(out, 7, &graph);
    bytes_field(&node, 1, "ai.onnx.ml", strlen("ai.onnx.ml"));
    vec_field(out, 8, &node);
    sotto_vec_free(&a);
    sotto_vec_free(&list);
    sotto_vec_free(&node);
    sotto_vec_free(&graph);
}

static int64_t next(size_t i)
{
    return (int64_t)i + 1;
}
static int64_t first(size_t i)
{
    (void)i;
    return 0;
}
static int64_t itself(size_t i)
{
    return (int64_t)i;
}

static void hostile_trees_are_refused_with_their_node(void **state)
{
    (void)state;
    const size_t many = getenv("SOTTO_EMULATED") != NULL ? 10000 : 1000000;
    const struct {
        hostile h;
        sotto_status status;
        const char *word;
    } cases[] = {
        {{100000, next, next, "BRANCH_LEQ", 1, false}, SOTTO_ERR(FORGE, UNSUPPORTED), "hostile"},
        {{40, next, next, "BRANCH_LEQ", 1, false}, SOTTO_ERR(FORGE, UNSUPPORTED), "too large"},
        {{400, next, next, "BRANCH_EQ", 1, false}, SOTTO_ERR(FORGE, UNSUPPORTED), "hostile"},
        {{10, next, first, "BRANCH_LEQ", 1, false}, SOTTO_ERR(FORGE, MALFORMED), "root"},
        {{10, next, itself, "BRANCH_LEQ", 1, false}, SOTTO_ERR(FORGE, MALFORMED), "root"},
        {{3, next, next, "BRANCH_LEQ", 0.0F / 0.0F, false}, SOTTO_ERR(FORGE, MALFORMED), "nodes_values"},
        {{3, next, next, "BRANCH_MEMBER", 1, false}, SOTTO_ERR(FORGE, UNSUPPORTED), "nodes_modes"},
        {{many, next, next, "BRANCH_LEQ", 1, true}, SOTTO_ERR(FORGE, UNSUPPORTED), "trees"},
    };
    for (size_t i = 0; i < SOTTO_COUNT(cases); i++) {
        sotto_vec file;
        sotto_forge_report report;
        sotto_diag diag;
        sotto_vec_init(&file, 1 << 28);
        write_hostile(&cases[i].h, &file);
        sotto_status status = try_file(sotto_forge_onnx, sotto_vec_span(&file), &report, &diag);
        if (status != cases[i].status || strstr(diag.text, cases[i].word) == NULL)
            fail_msg("case %zu: %d, %s", i, (int)status, diag.text);
        sotto_vec_free(&file);
    }
    /* and the same writer makes a tree that compiles */
    const hostile fine = {1, next, next, "BRANCH_LEQ", 1, false};
    sotto_vec file;
    sotto_forge_report report;
    sotto_diag diag;
    sotto_vec_init(&file, 1 << 20);
    write_hostile(&fine, &file);
    assert_int_equal(try_file(sotto_forge_onnx, sotto_vec_span(&file), &report, &diag), SOTTO_OK);
    sotto_vec_free(&file);
}

/* x -> LabelEncoder of many keys -> Concat of its column, many times over -> LinearRegressor: a file of half
 * a megabyte that would ask for some hundred million points. */
static void put_list(sotto_vec *node, const char *name, uint32_t field, size_t n)
{
    static const float ONE = 1;
    sotto_vec a, list;
    sotto_vec_init(&a, 1 << 26);
    sotto_vec_init(&list, 1 << 26);
    for (size_t i = 0; i < n; i++)
        if (field == 8)
            varint(&list, i);
        else
            assert_int_equal(sotto_vec_put(&list, &ONE, sizeof ONE), SOTTO_OK);
    bytes_field(&a, 1, name, strlen(name));
    vec_field(&a, field, &list);
    attribute(node, &a);
    sotto_vec_free(&a);
    sotto_vec_free(&list);
}

static void end_node(sotto_vec *graph, sotto_vec *node, const char *out, const char *op)
{
    bytes_field(node, 2, out, strlen(out));
    bytes_field(node, 4, op, strlen(op));
    vec_field(graph, 1, node);
}

static void write_points(size_t keys, size_t columns, sotto_vec *out)
{
    /* ValueInfoProto x: int64, one column. */
    static const uint8_t INPUT[] = {0x0a, 1,    'x',  0x12, 0x0c, 0x0a, 0x0a, 0x08, 7,
                                    0x12, 0x06, 0x0a, 0,    0x0a, 2,    0x08, 1};
    sotto_vec node, graph;
    sotto_vec_init(&node, 1 << 27);
    sotto_vec_init(&graph, 1 << 27);
    bytes_field(&node, 1, "x", 1);
    put_list(&node, "keys_int64s", 8, keys);
    put_list(&node, "values_int64s", 8, keys);
    end_node(&graph, &node, "code", "LabelEncoder");
    for (size_t i = 0; i < columns; i++)
        bytes_field(&node, 1, "code", 4);
    end_node(&graph, &node, "codes", "Concat");
    bytes_field(&node, 1, "codes", 5);
    put_list(&node, "coefficients", 7, columns);
    end_node(&graph, &node, "y", "LinearRegressor");
    bytes_field(&graph, 11, INPUT, sizeof INPUT);
    vec_field(out, 7, &graph);
    bytes_field(&node, 1, "ai.onnx.ml", strlen("ai.onnx.ml"));
    vec_field(out, 8, &node);
    sotto_vec_free(&node);
    sotto_vec_free(&graph);
}

static void codes_without_end_are_refused(void **state)
{
    (void)state;
    static const struct {
        size_t keys, columns;
        sotto_status status;
    } CASES[] = {{5, 3, SOTTO_OK}, {2048, 30, SOTTO_OK}, {2048, 60000, SOTTO_ERR(FORGE, UNSUPPORTED)}};
    for (size_t i = 0; i < SOTTO_COUNT(CASES); i++) {
        sotto_vec file;
        sotto_forge_report report;
        sotto_diag diag;
        sotto_vec_init(&file, 1 << 27);
        write_points(CASES[i].keys, CASES[i].columns, &file);
        sotto_status status = try_file(sotto_forge_onnx, sotto_vec_span(&file), &report, &diag);
        if (status != CASES[i].status)
            fail_msg("case %zu: %s", i, diag.text);
        if (status == SOTTO_OK) /* one leaf a key, one for other values, one for none */
            assert_int_equal(report.leaves, CASES[i].keys + 2);
        else
            assert_non_null(strstr(diag.text, "too many categories"));
        sotto_vec_free(&file);
    }
}

static void bad_tables_are_refused_with_their_line(void **state)
{
    (void)state;
    static const struct {
        compiler compile;
        const char *text, *word;
    } CASES[] = {
        {sotto_forge_scorecard, "feature,points\n", "without features"},
        {sotto_forge_scorecard, "feature,min,max,points\na,,5,1\na,6,,2\n", "must start where"},
        {sotto_forge_scorecard, "feature,min,max,points\na,,5,1\na,4,,2\n", "must start where"},
        {sotto_forge_scorecard, "feature,min,max,points\na,0,5,1\na,5,,2\n", "open below"},
        {sotto_forge_scorecard, "feature,min,max,points\na,,5,1\na,5,7,2\n", "open above"},
        {sotto_forge_scorecard, "feature,min,max,points\na,,nan,1\n", "numbers or empty"},
        {sotto_forge_scorecard, "feature,value,points\na,3,1\na,3,2\n", "twice"},
        {sotto_forge_scorecard, "feature,value,points\na,*,1\na,*,2\na,1,2\n", "two rows"},
        {sotto_forge_scorecard, "feature,coefficient\na,1\na,2\n", "second row"},
        {sotto_forge_scorecard, "feature,coefficient\na,1e301\n", "coefficient"},
        {sotto_forge_scorecard, "feature,coefficient\na,inf\n", "number"},
        {sotto_forge_scorecard, "feature,coefficient\n(pdo),0\na,1\n", "pdo"},
        {sotto_forge_scorecard, "feature,weight\na,1\n", "columns are"},
        {sotto_forge_scorecard, "{\"format\":\"sotto-scorecard-1\",\"features\":[]}", "array"},
        {sotto_forge_scorecard,
         "{\"format\":\"sotto-scorecard-1\",\"features\":[{\"name\":\"a\",\"coefficient\":1},{\"name\":\"a\","
         "\"coefficient\":1}]}",
         "one name"},
        {sotto_forge_kmeans, "a,b\n", "no centroids"},
        {sotto_forge_kmeans, "a,b\n1,nan\n", "number"},
        {sotto_forge_kmeans, "cluster,a\n1,3\n", "cluster 0"},
        {sotto_forge_kmeans, "cluster,a\n(scale),0\n0,3\n", "not 0"},
        {sotto_forge_kmeans, "a,a\n1,2\n", "same name"},
        {sotto_forge_kmeans, "a\n11111111111111111111111\n", "too large"},
        {sotto_forge_kmeans, "{\"format\":\"sotto-kmeans-1\",\"features\":[\"a\"],\"centroids\":[[1,2]]}",
         "1"},
    };
    for (size_t i = 0; i < SOTTO_COUNT(CASES); i++) {
        sotto_forge_report report;
        sotto_diag diag;
        sotto_status status = try_file(CASES[i].compile, sotto_span_str(CASES[i].text), &report, &diag);
        if (status == SOTTO_OK || strstr(diag.text, CASES[i].word) == NULL)
            fail_msg("case %zu: %d, %s", i, (int)status, diag.text);
    }
}

/* Two bins of a card and a second feature of `trees` cards whose points are no multiples of any unit. */
static void write_card(char *out, size_t cap, const char *link, const char *points, int trees)
{
    int at = snprintf(out, cap, "feature,min,max,points\n(link),,,%s\na,,5,%s\na,5,,0.1\n", link, points);
    for (int i = 0; i < trees; i++)
        at += snprintf(out + at, cap - (size_t)at, "b%d,,0,0.1\nb%d,0,,0.3\n", i, i);
    assert_in_range(at, 1, (int)cap - 1);
}

static void a_bound_that_is_not_allowed_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *link, *points;
        int trees;
        double max_error;
        unsigned scale_bits;
        bool good;
    } CASES[] = {
        {"logistic", "0.3", 900, 1e-4, 24, true},  /* 900 halves of 2^-24: 2.7e-5 */
        {"logistic", "0.3", 900, 1e-5, 24, false}, /* and no finer scale is there */
        {"logistic", "127.9", 9, 1e-4, 24, true},  /* the finest that holds the leaf */
        {"logistic", "3000.3", 9, 1e-4, 19, true}, /* 10 halves of 2^-19: 9.5e-6 */
        {"logistic", "3000.3", 900, 1e-4, 19, false},
        {"logistic", "3000.3", 900, 1e-3, 19, true},
        {"logistic", "3000.3", 900, 0, 19, true}, /* not judged */
        {"log", "3000.3", 900, 1e-4, 19, false},
        {"identity", "3000.3", 900, 1e-4, 19, true}, /* of amounts, a part of the largest one */
        {"identity", "3000.3", 900, 1e-8, 19, false},
        {"identity", "0.3", 1, 1e-9, 24, false},
    };
    static char text[1 << 16];
    for (size_t i = 0; i < SOTTO_COUNT(CASES); i++) {
        const sotto_forge_options options = {
            .file_name = "card", .model_name = "test", .max_error = CASES[i].max_error};
        sotto_forge_report report = {.bytes = 0};
        sotto_diag diag = {.status = SOTTO_OK};
        sotto_vec out;
        sotto_vec_init(&out, 1 << 24);
        write_card(text, sizeof text, CASES[i].link, CASES[i].points, CASES[i].trees);
        sotto_status status = sotto_forge_scorecard(sotto_span_str(text), &options, &out, &report, &diag);
        if (status != (CASES[i].good ? SOTTO_OK : SOTTO_ERR(FORGE, RANGE)))
            fail_msg("case %zu: %s", i, diag.text);
        assert_true((out.len > 0) == CASES[i].good);
        if (CASES[i].good) {
            assert_int_equal(report.scale_bits, CASES[i].scale_bits);
            assert_true(report.margin_error_q24 <= report.error_allowed_q24);
        } else {
            assert_non_null(strstr(diag.text, "--max-error"));
        }
        sotto_vec_free(&out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_files_compile),
        cmocka_unit_test(a_cut_anywhere_is_refused),
        cmocka_unit_test(other_encoders_are_refused),
        cmocka_unit_test(a_flipped_byte_is_refused_or_compiled),
        cmocka_unit_test(hostile_trees_are_refused_with_their_node),
        cmocka_unit_test(codes_without_end_are_refused),
        cmocka_unit_test(a_bound_that_is_not_allowed_is_refused),
        cmocka_unit_test(bad_tables_are_refused_with_their_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
