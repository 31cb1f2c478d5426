/* Reasons that are as large as a file can make them: refused where they would not fit, exact where they do
 * (run under UBSan, which sees an overflow). */
#include "model_test.h"

enum { FEATURES = SOTTO_MODEL_FEATURES_MAX, NODES_A_TREE = 2 * DEPTH_MAX + 1, SCALE = SCALE_MIN, SHIFT = 16 };
static const int64_t BIAS = INT64_C(1) << 56, TERM = INT64_C(1) << 52;

/* Appends to a file of sections; the table has room for COUNT entries. */
typedef struct building {
    uint8_t *bytes;
    size_t len, sections;
} building;

static void add(building *b, const char *type, const uint8_t *section, size_t len)
{
    uint8_t *entry = b->bytes + FRAME_BYTES + b->sections++ * ENTRY_BYTES;
    b->len = (b->len + 15) / 16 * 16;
    memcpy(entry, type, 4);
    put_le(entry + 4, 1, 4);
    put_le(entry + 8, b->len, 4);
    put_le(entry + 12, len, 4);
    if (len > 0)
        memcpy(b->bytes + b->len, section, len);
    b->len += len;
}

static void add_head(building *b, size_t trees, unsigned objective)
{
    uint8_t head[HEAD_BYTES] = {0};
    put_le(head, SOTTO_MODEL_SUM, 2);
    put_le(head + 2, objective, 2);
    put_le(head + 4, SCALE, 1);
    put_le(head + 8, FEATURES, 4);
    put_le(head + 12, 2, 4);
    put_le(head + 16, trees, 4);
    put_le(head + 20, trees * NODES_A_TREE, 4);
    put_le(head + 24, (uint64_t)BIAS, 8);
    memcpy(head + 72, "far apart", 9);
    add(b, "HEAD", head, sizeof head);
}

/* Features 0 and 1 have a threshold each, at 0. */
static void add_features(building *b)
{
    static uint8_t features[FEATURES * FEAT_BYTES];
    static const uint8_t THRESHOLDS[8];
    for (size_t f = 0; f < FEATURES; f++) {
        put_le(features + f * FEAT_BYTES + 8, f < 2, 4);
        (void)snprintf((char *)features + f * FEAT_BYTES + 16, 64, "f%zu", f);
    }
    add(b, "FEAT", features, sizeof features);
    add(b, "THRS", THRESHOLDS, sizeof THRESHOLDS);
}

/* A chain to the right: features 0 and 1 in turn, the least and the largest value in turn. */
static void add_trees(building *b, size_t trees, size_t outputs)
{
    uint8_t *roots = calloc(trees, 8), *nodes = calloc(trees * NODES_A_TREE, 8);
    uint8_t *values = calloc(trees * NODES_A_TREE, 4);
    assert_true(roots != NULL && nodes != NULL && values != NULL);
    for (size_t t = 0; t < trees; t++) {
        size_t root = t * NODES_A_TREE;
        put_le(roots + t * 8, root, 4);
        put_le(roots + t * 8 + 4, DEPTH_MAX, 2);
        put_le(roots + t * 8 + 6, t % outputs, 2);
        for (size_t i = 0; i < NODES_A_TREE; i++) {
            bool inner = i % 2 == 0 && i + 1 < NODES_A_TREE;
            uint8_t *at = nodes + (root + i) * 8;
            put_le(at, inner ? 2 * (i / 2 % 2) : 0, 2);
            put_le(at + 2, inner ? 0 : LEAF_BIN, 2);
            put_le(at + 4, inner ? root + i + 1 : root + i, 4);
            put_le(values + (root + i) * 4, (i + 1) / 2 % 2 == 0 ? 0x80000000u : 0x7fffffffu, 4);
        }
    }
    add(b, "TREE", roots, trees * 8);
    add(b, "NODE", nodes, trees * NODES_A_TREE * 8);
    add(b, "VALU", values, trees * NODES_A_TREE * 4);
    free(roots);
    free(nodes);
    free(values);
}

static void add_terms(building *b, size_t outputs)
{
    uint8_t *terms = calloc(outputs * FEATURES, 24);
    assert_non_null(terms);
    for (size_t i = 0; i < outputs * FEATURES; i++) {
        put_le(terms + i * 24, i % FEATURES, 2);
        put_le(terms + i * 24 + 2, i / FEATURES, 2);
        put_le(terms + i * 24 + 4, (uint64_t)-2048, 2);
        put_le(terms + i * 24 + 8, UINT64_C(1) << 53, 8);
        put_le(terms + i * 24 + 16, (uint64_t)TERM, 8);
    }
    add(b, "LINR", terms, outputs * FEATURES * 24);
    free(terms);
}

static test_file build(size_t trees, unsigned objective)
{
    size_t outputs = objective == OBJECTIVE_VALUE ? 2 : 1;
    size_t cap = (1 << 20) + trees * NODES_A_TREE * 12;
    building b = {.bytes = calloc(1, cap), .len = FRAME_BYTES + (size_t)(7 + outputs - 1) * ENTRY_BYTES};
    uint8_t bias[8];
    assert_non_null(b.bytes);
    add_head(&b, trees, objective);
    add_features(&b);
    add_trees(&b, trees, outputs);
    put_le(bias, (uint64_t)BIAS, 8);
    if (outputs == 2)
        add(&b, "OUTS", bias, sizeof bias);
    add_terms(&b, outputs);
    memcpy(b.bytes, "SOTTOMDL", 8);
    put_le(b.bytes + 8, 1, 2);
    put_le(b.bytes + 12, b.sections, 4);
    b.len = (b.len + 7) / 8 * 8 + TRAILER_BYTES;
    put_le(b.bytes + 16, b.len, 4);
    assert_true(b.len <= cap);
    fix_crc(b.bytes, b.len);
    return (test_file){.bytes = b.bytes, .len = b.len};
}

static void set_keys(int32_t *keys)
{
    for (size_t f = 0; f < FEATURES; f++)
        keys[f] = f < 2 ? 5 : SOTTO_FLOAT_KEY_MISSING;
    keys[0] = INT32_C(0x3f800000);
    keys[1] = INT32_C(0x3f800000);
}

static void the_largest_reasons_are_exact(void **state)
{
    (void)state;
    static int32_t keys[FEATURES];
    static int64_t parts[FEATURES];
    const size_t TREES = 48;
    test_model m = {.file = build(TREES, OBJECTIVE_MARGIN)};
    sotto_diag diag = {.status = SOTTO_OK};
    if (load_into(&m, span_of(&m.file), &diag) != SOTTO_OK)
        fail_msg("%s", diag.text);
    set_keys(keys);
    int64_t bias, swing = (INT64_C(1) << 32) - 1, all = (int64_t)TREES * DEPTH_MAX / 2 * swing * (1 << SHIFT);
    int64_t margin = sotto_model_why_q24(m.model, keys, &bias, parts);
    assert_true(margin == sotto_model_margin_q24(m.model, keys));
    assert_true(margin == BIAS - (int64_t)TREES * (INT64_C(1) << (31 + SHIFT)) + FEATURES * TERM);
    assert_true(parts[0] == all + TERM && parts[1] == TERM - all);
    int64_t sum = bias;
    for (size_t f = 0; f < FEATURES; f++)
        sum += parts[f];
    assert_true(sum == margin);
    close_golden(&m);
}

static void larger_ones_are_refused(void **state)
{
    (void)state;
    test_model m = {.file = build(49, OBJECTIVE_MARGIN)};
    sotto_diag diag = {.status = SOTTO_OK};
    assert_int_equal(load_into(&m, span_of(&m.file), &diag), SOTTO_ERR(MODEL, RANGE));
    assert_non_null(strstr(diag.text, "reasons would not fit"));
    close_golden(&m);
}

/* Two steps whose parts nearly cancel: the shares are held, and still add up. */
static void reasons_of_an_expected_value_add_up(void **state)
{
    (void)state;
    static int32_t keys[FEATURES];
    static int64_t parts[FEATURES];
    test_model m = {.file = build(48, OBJECTIVE_VALUE)};
    sotto_diag diag = {.status = SOTTO_OK};
    if (load_into(&m, span_of(&m.file), &diag) != SOTTO_OK)
        fail_msg("%s", diag.text);
    for (int row = 0; row < 4; row++) {
        set_keys(keys);
        keys[row % 2] = row < 2 ? SOTTO_FLOAT_KEY_MISSING : -5;
        int64_t bias, margin = sotto_model_why_q24(m.model, keys, &bias, parts);
        assert_true(margin == sotto_model_margin_q24(m.model, keys));
        for (size_t f = 0; f < FEATURES; f++)
            bias += parts[f];
        assert_true(bias == margin);
    }
    close_golden(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_largest_reasons_are_exact),
        cmocka_unit_test(larger_ones_are_refused),
        cmocka_unit_test(reasons_of_an_expected_value_add_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
