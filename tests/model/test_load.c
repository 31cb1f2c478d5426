/* Hostile and broken files: refused with the right cause, or safe to score; never read out of bounds (run
 * under ASan). */
#include "model_test.h"

static void try_outputs(const sotto_model *m, int32_t *keys)
{
    int64_t margins[SOTTO_MODEL_OUTPUTS_MAX];
    uint32_t probabilities[SOTTO_MODEL_OUTPUTS_MAX];
    for (size_t f = 0; f < m->info.features; f++)
        keys[f] = sotto_model_key(m, f, (uint64_t)(int64_t)keys[f] << 29);
    sotto_model_margins_q24(m, keys, margins);
    sotto_model_probabilities_q30(m, margins, probabilities);
    for (size_t i = 0; i < m->info.outputs; i++)
        assert_in_range(probabilities[i], 0, SOTTO_PROB_ONE_Q30);
}

static sotto_status try_load(uint8_t *bytes, size_t len, sotto_diag *diag)
{
    /* Exactly len bytes on the heap, so that the sanitizer sees the first byte behind them. */
    uint8_t *exact = malloc(len == 0 ? 1 : len);
    assert_non_null(exact);
    memcpy(exact, bytes, len);
    test_model m = {.memory = NULL};
    sotto_status status = load_into(&m, sotto_span_of(exact, len), diag);
    assert_true((status == SOTTO_OK) == (m.model != NULL));
    if (status == SOTTO_OK) { /* what is accepted must be safe to score */
        static int32_t keys[SOTTO_MODEL_FEATURES_MAX];
        static int64_t parts[SOTTO_MODEL_FEATURES_MAX];
        static uint32_t leaves[SOTTO_MODEL_TREES_MAX];
        uint64_t random = 3;
        int64_t bias;
        for (int row = 0; row < 4; row++) {
            for (size_t f = 0; f < m.model->info.features; f++)
                keys[f] = random_key(m.model, f, &random);
            int64_t margin = sotto_model_margin_q24(m.model, keys);
            sotto_model_leaves(m.model, keys, leaves);
            assert_true(sotto_model_why_q24(m.model, keys, &bias, parts) == margin);
            assert_in_range(sotto_model_probability_q30(m.model, margin), 0, SOTTO_PROB_ONE_Q30);
            try_outputs(m.model, keys);
        }
    }
    free(m.memory);
    free(exact);
    return status;
}

static void every_truncation_is_refused(void **state)
{
    (void)state;
    test_file f = read_golden("wild.sotto");
    for (size_t len = 0; len < f.len; len++) {
        sotto_diag diag = {.status = SOTTO_OK};
        sotto_status status = try_load(f.bytes, len, &diag);
        assert_int_equal(sotto_status_cause(status), SOTTO_CAUSE_TRUNCATED);
        assert_int_equal(diag.status, status);
        assert_true(diag.has_offset && diag.offset == len);
    }
    free(f.bytes);
}

static void every_flipped_bit_is_refused(void **state)
{
    (void)state;
    test_file f = read_golden("wild.sotto");
    for (size_t i = 0; i < f.len; i++)
        for (unsigned bit = 0; bit < 8; bit++) {
            f.bytes[i] ^= (uint8_t)(1u << bit);
            assert_int_not_equal(try_load(f.bytes, f.len, NULL), SOTTO_OK);
            f.bytes[i] ^= (uint8_t)(1u << bit);
        }
    assert_int_equal(try_load(f.bytes, f.len, NULL), SOTTO_OK);
    free(f.bytes);
}

/* Of a field of `width` bytes: the k-th boundary value, or what stands there, one more or less or with every
 * bit turned. False behind the last. */
static bool boundary_value(size_t k, uint64_t present, size_t width, uint64_t *out)
{
    static const uint64_t VALUES[] = {0,          1,         2,          0x7f,       0x80,
                                      0xff,       0x100,     0x7fff,     0x8000,     0xfffe,
                                      0xffff,     0x10000,   0x7fffffff, 0x80000000, 0xfffffffe,
                                      0xffffffff, INT64_MAX, 1u << 24,   UINT64_MAX};
    const uint64_t near[] = {present + 1, present - 1, ~present, UINT64_C(1) << (8 * width - 1)};
    if (k >= SOTTO_COUNT(VALUES) + SOTTO_COUNT(near))
        return false;
    uint64_t all = UINT64_MAX >> (64 - 8 * width);
    *out = k < SOTTO_COUNT(VALUES) ? VALUES[k] : near[k - SOTTO_COUNT(VALUES)] & all;
    return true;
}

/* Every aligned field of 1, 2, 4 and 8 bytes set to boundary values, with a checksum that fits. */
static void try_hostile_fields(const char *name, size_t stride)
{
    test_file f = read_golden(name);
    uint8_t *copy = malloc(f.len);
    assert_non_null(copy);
    size_t accepted = 0;
    for (size_t width = 1; width <= 8; width *= 2)
        for (size_t at = 0; at + width <= f.len - 4; at += stride * width) {
            uint64_t value = 0, present = get_le(f.bytes + at, width);
            for (size_t k = 0; boundary_value(k, present, width, &value); k++) {
                if (width < 8 && value >> (8 * width) != 0)
                    continue; /* it does not fit */
                memcpy(copy, f.bytes, f.len);
                put_le(copy + at, value, width);
                fix_crc(copy, f.len);
                accepted += try_load(copy, f.len, NULL) == SOTTO_OK;
            }
        }
    assert_true(accepted > 0); /* leaf values, names, digests may be anything */
    free(copy);
    free(f.bytes);
}

static void hostile_fields_are_refused_or_safe(void **state)
{
    (void)state;
#ifdef SOTTO_EMULATED
    enum { THIN = 5 };
#else
    enum { THIN = 1 };
#endif
    try_hostile_fields("wild.sotto", THIN);
    try_hostile_fields("categories.sotto", 2 * THIN);
    try_hostile_fields("wide.sotto", 5 * THIN);
    try_hostile_fields("platt.sotto", 61 * THIN); /* CALI itself: test_calibrate.c */
    try_hostile_fields("isotonic.sotto", 61 * THIN);
}

/* A node that points back, at itself, at another tree or outside. */
static void graphs_that_are_no_trees_are_refused(void **state)
{
    (void)state;
    test_file f = read_golden("wild.sotto");
    size_t len = 0;
    uint8_t *nodes = find_section(&f, "NODE", &len);
    size_t inner = 0;
    for (size_t i = 0; i * 8 < len; i++) {
        uint32_t child = (uint32_t)get_le(nodes + i * 8 + 4, 4);
        bool leaf = child == i;
        inner += !leaf;
        const uint32_t wrong[] = {0,         1,         (uint32_t)i,         child + 1,
                                  child - 1, child + 2, (uint32_t)(len / 8), UINT32_MAX};
        for (size_t k = 0; k < SOTTO_COUNT(wrong); k++) {
            if (wrong[k] == child)
                continue;
            put_le(nodes + i * 8 + 4, wrong[k], 4);
            fix_crc(f.bytes, f.len);
            assert_int_not_equal(try_load(f.bytes, f.len, NULL), SOTTO_OK);
        }
        put_le(nodes + i * 8 + 4, child, 4);
    }
    assert_true(inner > 0);
    free(f.bytes);
}

/* Builds a copy of the file with one section more at the end. */
static test_file add_section(const test_file *f, const char *type, uint32_t flags)
{
    static const uint8_t BODY[5] = {1, 2, 3, 4, 5};
    size_t count = (size_t)get_le(f->bytes + 12, 4), old_table = FRAME_BYTES + count * ENTRY_BYTES;
    /* One entry is 16 bytes: every section moves by as much and stays aligned. */
    size_t body = f->len - TRAILER_BYTES + ENTRY_BYTES;
    size_t at = (body + 15) / 16 * 16, end = (at + sizeof BODY + 7) / 8 * 8;
    test_file out = {.bytes = calloc(1, end + TRAILER_BYTES), .len = end + TRAILER_BYTES};
    assert_non_null(out.bytes);
    memcpy(out.bytes, f->bytes, old_table);
    memcpy(out.bytes + old_table + ENTRY_BYTES, f->bytes + old_table, f->len - TRAILER_BYTES - old_table);
    for (size_t i = 0; i < count; i++) {
        uint8_t *entry = out.bytes + FRAME_BYTES + i * ENTRY_BYTES;
        put_le(entry + 8, get_le(entry + 8, 4) + ENTRY_BYTES, 4);
    }
    memcpy(out.bytes + old_table, type, 4);
    put_le(out.bytes + old_table + 4, flags, 4);
    put_le(out.bytes + old_table + 8, at, 4);
    put_le(out.bytes + old_table + 12, sizeof BODY, 4);
    memcpy(out.bytes + at, BODY, sizeof BODY);
    put_le(out.bytes + 12, count + 1, 4);
    put_le(out.bytes + 16, out.len, 4);
    fix_crc(out.bytes, out.len);
    return out;
}

static void unknown_sections_are_refused_when_critical_and_skipped_otherwise(void **state)
{
    (void)state;
    test_file f = read_golden("wild.sotto");
    test_file skipped = add_section(&f, "NEWS", 0), needed = add_section(&f, "NEED", 1),
              twice = add_section(&f, "VALU", 1);
    sotto_diag diag = {.status = SOTTO_OK};
    assert_int_equal(try_load(skipped.bytes, skipped.len, &diag), SOTTO_OK);
    assert_int_equal(try_load(needed.bytes, needed.len, &diag), SOTTO_ERR(MODEL, UNSUPPORTED));
    assert_int_equal(try_load(twice.bytes, twice.len, &diag), SOTTO_ERR(MODEL, MALFORMED));
    free(skipped.bytes);
    free(needed.bytes);
    free(twice.bytes);
    free(f.bytes);
}

typedef struct change {
    const char *section; /* NULL: the frame */
    size_t offset, width;
    uint64_t value;
    sotto_status expected;
} change;

static const change CHANGES[] = {
    {NULL, 0, 1, 'X', SOTTO_ERR(MODEL, MALFORMED)},
    {NULL, 8, 2, 2, SOTTO_ERR(MODEL, UNSUPPORTED)}, /* major version */
    {NULL, 10, 2, 9, SOTTO_OK},                     /* minor version */
    {NULL, 12, 4, 0, SOTTO_ERR(MODEL, RANGE)},      /* no sections */
    {NULL, 12, 4, 65, SOTTO_ERR(MODEL, RANGE)},
    {NULL, 20, 1, 1, SOTTO_ERR(MODEL, MALFORMED)},    /* reserved */
    {"HEAD", 0, 2, 3, SOTTO_ERR(MODEL, UNSUPPORTED)}, /* kind */
    {"HEAD", 2, 2, 7, SOTTO_ERR(MODEL, UNSUPPORTED)}, /* objective */
    {"HEAD", 2, 2, 0, SOTTO_OK},                      /* the margin is the answer */
    {"HEAD", 4, 1, 20, SOTTO_OK},                     /* a coarser scale */
    {"HEAD", 4, 1, 7, SOTTO_ERR(MODEL, UNSUPPORTED)},
    {"HEAD", 4, 1, 25, SOTTO_ERR(MODEL, UNSUPPORTED)},
    {"HEAD", 8, 4, 0, SOTTO_ERR(MODEL, RANGE)},
    {"HEAD", 8, 4, 1025, SOTTO_ERR(MODEL, RANGE)},
    {"HEAD", 8, 4, 1, SOTTO_ERR(MODEL, MALFORMED)}, /* not what FEAT holds */
    {"HEAD", 16, 4, 4097, SOTTO_ERR(MODEL, RANGE)},
    {"HEAD", 24, 8, UINT64_C(1) << 41, SOTTO_ERR(MODEL, RANGE)}, /* bias */
    {"HEAD", 32, 8, UINT64_MAX, SOTTO_ERR(MODEL, RANGE)},        /* negative error */
    {"HEAD", 72, 1, 0xff, SOTTO_ERR(MODEL, MALFORMED)},          /* a name that is not UTF-8 */
    {"HEAD", 175, 1, 1, SOTTO_ERR(MODEL, MALFORMED)},
    {"FEAT", 0, 1, 4, SOTTO_ERR(MODEL, UNSUPPORTED)},
    {"FEAT", 0, 1, 1, SOTTO_ERR(MODEL, MALFORMED)}, /* a tag without a number */
    {"FEAT", 1, 1, 1, SOTTO_ERR(MODEL, MALFORMED)}, /* a column with a transform */
    {"FEAT", 8, 4, 65535, SOTTO_ERR(MODEL, RANGE)},
    {"FEAT", 16, 1, 0, SOTTO_ERR(MODEL, MALFORMED)}, /* no name */
    {"THRS", 0, 4, 0x80000000u, SOTTO_ERR(MODEL, RANGE)},
    {"THRS", 0, 4, 0x7f800000u, SOTTO_ERR(MODEL, MALFORMED)}, /* does not ascend */
    {"TREE", 0, 4, 1, SOTTO_ERR(MODEL, MALFORMED)},
    {"TREE", 4, 2, 513, SOTTO_ERR(MODEL, RANGE)},
    {"TREE", 4, 2, 0, SOTTO_ERR(MODEL, MALFORMED)},    /* not its depth: scoring would stop too early */
    {"TREE", 6, 2, 1, SOTTO_ERR(MODEL, RANGE)},        /* an output that is not there */
    {"FEAT", 12, 1, 1, SOTTO_OK},                      /* zero is missing too */
    {"FEAT", 12, 1, 2, SOTTO_ERR(MODEL, MALFORMED)},   /* categories without sets */
    {"FEAT", 12, 1, 4, SOTTO_ERR(MODEL, UNSUPPORTED)}, /* kind */
    {"FEAT", 13, 1, 1, SOTTO_ERR(MODEL, MALFORMED)},
    {"NODE", 0, 2, 2048, SOTTO_ERR(MODEL, RANGE)},
    {"NODE", 2, 2, 65534, SOTTO_ERR(MODEL, RANGE)},
    {"VALU", 0, 4, 0x80000000u, SOTTO_OK},
};

static void each_rule_has_its_cause(void **state)
{
    (void)state;
    test_file f = read_golden("wild.sotto");
    for (size_t i = 0; i < SOTTO_COUNT(CHANGES); i++) {
        const change *c = &CHANGES[i];
        size_t len = 0;
        uint8_t *base = c->section == NULL ? f.bytes : find_section(&f, c->section, &len);
        uint64_t before = get_le(base + c->offset, c->width);
        sotto_diag diag = {.status = SOTTO_OK};
        put_le(base + c->offset, c->value, c->width);
        fix_crc(f.bytes, f.len);
        sotto_status status = try_load(f.bytes, f.len, &diag);
        if (status != c->expected)
            print_message("change %zu (%s + %zu): %s\n", i, c->section == NULL ? "frame" : c->section,
                          c->offset, diag.text);
        assert_int_equal(status, c->expected);
        put_le(base + c->offset, before, c->width);
    }
    free(f.bytes);
}

static void too_little_memory_takes_nothing(void **state)
{
    (void)state;
    test_file f = read_golden("golden.sotto");
    size_t cap = sotto_model_arena_bound(f.len);
    uint8_t *memory = malloc(cap);
    assert_non_null(memory);
    const sotto_model *model = NULL;
    sotto_arena arena;
    size_t needed = 0;
    for (size_t size = 0; model == NULL && size <= cap; size++) {
        sotto_arena_init(&arena, memory, size);
        sotto_status status = sotto_model_load(&model, span_of(&f), &arena, NULL);
        if (status != SOTTO_OK) {
            assert_int_equal(status, SOTTO_ERR(MODEL, NO_SPACE));
            assert_int_equal(sotto_arena_mark(&arena), 0);
        }
        needed = size;
    }
    assert_non_null(model);
    assert_true(needed < f.len / 2); /* nodes are read where they stand */
    free(memory);
    free(f.bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_truncation_is_refused),
        cmocka_unit_test(every_flipped_bit_is_refused),
        cmocka_unit_test(hostile_fields_are_refused_or_safe),
        cmocka_unit_test(graphs_that_are_no_trees_are_refused),
        cmocka_unit_test(unknown_sections_are_refused_when_critical_and_skipped_otherwise),
        cmocka_unit_test(each_rule_has_its_cause),
        cmocka_unit_test(too_little_memory_takes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
