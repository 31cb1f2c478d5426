/* The same bytes give the same answers on every CPU: hashes over thousands of rows, recorded once. Invariant
 * 3 of docs/design.md rests on this. */
#include "model_test.h"

enum { ROWS = 4096 };

typedef struct golden {
    const char *file;
    uint64_t margins, probabilities, leaves, reasons;
} golden;

/* Recorded on x86-64 with GCC 12; armv7 and aarch64 must give these too. */
static const golden GOLDEN[] = {
    {"golden.sotto", UINT64_C(0x2636d49aaf6b2b90), UINT64_C(0x77f2826b65bef276), UINT64_C(0x0aa47911e4b24be1),
     UINT64_C(0xa87f031552253d68)},
    {"wild.sotto", UINT64_C(0x8eb5bd7d9dd37e66), UINT64_C(0x8accb270e59ebc6d), UINT64_C(0x848aa8cf43b570c7),
     UINT64_C(0x881f9b19a70d63c2)},
    {"categories.sotto", UINT64_C(0xf96e33be66661fd9), UINT64_C(0xcd23deae00166bad),
     UINT64_C(0xe4adc5420438c9ce), UINT64_C(0x71bfa483ca0d7d4b)},
    {"wide.sotto", UINT64_C(0x8749c312164e3ef3), UINT64_C(0xd8cc08181b73d1af), UINT64_C(0x1c9011187e09127f),
     UINT64_C(0x85da42f9896575bc)},
    {"platt.sotto", UINT64_C(0xe9d1bf579cc1fd0d), UINT64_C(0xbdf4be8a1d6960b3), UINT64_C(0x151bb2108598c3cf),
     UINT64_C(0xbde27138f544e567)},
    {"isotonic.sotto", UINT64_C(0x2a8c5af591c6e54c), UINT64_C(0x0212114e631a452e),
     UINT64_C(0x60bd2c9f65e3c311), UINT64_C(0x3b3e39fb93813e27)},
    {"scorecard.sotto", UINT64_C(0x604011556c9bd325), UINT64_C(0xb5b73300aace99f1),
     UINT64_C(0x2ae4ca387df5aa6e), UINT64_C(0xc633e771c02f0dcb)},
    {"segments.sotto", UINT64_C(0xa0059fee708e9ce9), UINT64_C(0xeb05052ea5b62325),
     UINT64_C(0x43404f0c3eec2c1e), UINT64_C(0xbe65f4f6aa6113df)},
    {"logistic.sotto", UINT64_C(0xdd62c6240fd1a095), UINT64_C(0x93572538ec8ff1bd),
     UINT64_C(0x488c2160c6f017d0), UINT64_C(0x359b54ef94e3eb81)},
    {"votes.sotto", UINT64_C(0xfc7826169d41ce36), UINT64_C(0x1ac5d15fa299c28e), UINT64_C(0xacf1ae5941103b56),
     UINT64_C(0x927c3a3837b620e8)},
    {"value.sotto", UINT64_C(0x0d4a3455ff5645d9), UINT64_C(0x0459589275ea7b25), UINT64_C(0x1028552441788cf3),
     UINT64_C(0x55b5a1920c03491a)},
    {"linear3.sotto", UINT64_C(0x2fcb92e407a360af), UINT64_C(0x543f3162ea076563),
     UINT64_C(0x1f40859e5e4f2b60), UINT64_C(0x03433737e1d7b388)},
};

/* Every margin and probability of a model of several outputs, and keys from float64 and decimals. */
static void hash_outputs(const sotto_model *m, const int32_t *keys, golden *h)
{
    int64_t margins[SOTTO_MODEL_OUTPUTS_MAX];
    uint32_t probabilities[SOTTO_MODEL_OUTPUTS_MAX];
    if (m->plain)
        return;
    sotto_model_margins_q24(m, keys, margins);
    sotto_model_probabilities_q30(m, margins, probabilities);
    for (size_t i = 0; i < m->info.outputs; i++) {
        h->margins = hash_u64(h->margins, (uint64_t)margins[i]);
        h->probabilities = hash_u64(h->probabilities, probabilities[i]);
    }
    for (size_t f = 0; f < m->info.features; f++) {
        uint64_t bits = (uint64_t)(int64_t)keys[f] * UINT64_C(0x9e3779b97f4a7c15);
        h->leaves = hash_u64(h->leaves, (uint32_t)sotto_model_key(m, f, bits));
        h->leaves =
            hash_u64(h->leaves, (uint32_t)sotto_model_attribute_key(m, f, (int64_t)bits, (unsigned)f % 19));
    }
}

static void hash_row(const sotto_model *m, const int32_t *keys, golden *h)
{
    static uint32_t leaves[SOTTO_MODEL_TREES_MAX];
    static int64_t parts[SOTTO_MODEL_FEATURES_MAX];
    int64_t margin = sotto_model_margin_q24(m, keys), bias = 0;
    h->margins = hash_u64(h->margins, (uint64_t)margin);
    h->probabilities = hash_u64(h->probabilities, sotto_model_probability_q30(m, margin));
    sotto_model_leaves(m, keys, leaves);
    for (size_t t = 0; t < m->info.trees; t++)
        h->leaves = hash_u64(h->leaves, leaves[t]);
    int64_t sum = 0;
    assert_true(sotto_model_why_q24(m, keys, &bias, parts) == margin);
    h->reasons = hash_u64(h->reasons, (uint64_t)bias);
    for (size_t f = 0; f < m->info.features; f++) {
        h->reasons = hash_u64(h->reasons, (uint64_t)parts[f]);
        sum += parts[f];
    }
    hash_outputs(m, keys, h);
    assert_true(bias + sum == margin); /* reasons add up to the margin, exactly */
}

static void answers_are_those_recorded(void **state)
{
    (void)state;
    for (size_t i = 0; i < SOTTO_COUNT(GOLDEN); i++) {
        test_model g = open_golden(GOLDEN[i].file);
        golden h = {GOLDEN[i].file, HASH_START, HASH_START, HASH_START, HASH_START};
        uint64_t random = 42 + i;
        int32_t keys[SOTTO_MODEL_FEATURES_MAX];
        for (int row = 0; row < ROWS; row++) {
            for (size_t f = 0; f < g.model->info.features; f++)
                keys[f] = random_key(g.model, f, &random);
            hash_row(g.model, keys, &h);
        }
        print_message("%s margins %016llx probabilities %016llx leaves %016llx reasons %016llx\n", h.file,
                      (unsigned long long)h.margins, (unsigned long long)h.probabilities,
                      (unsigned long long)h.leaves, (unsigned long long)h.reasons);
        assert_true(h.margins == GOLDEN[i].margins);
        assert_true(h.probabilities == GOLDEN[i].probabilities);
        assert_true(h.leaves == GOLDEN[i].leaves);
        assert_true(h.reasons == GOLDEN[i].reasons);
        close_golden(&g);
    }
}

/* One score is the same at any address, and while others score. */
static void a_file_at_an_odd_address_scores_the_same(void **state)
{
    (void)state;
    test_model a = open_golden("golden.sotto"), b = {.memory = NULL};
    uint8_t *copy = malloc(a.file.len + 8);
    assert_non_null(copy);
    uint64_t random = 7;
    int32_t keys[SOTTO_MODEL_FEATURES_MAX];
    for (size_t shift = 1; shift < 8; shift++) {
        memcpy(copy + shift, a.file.bytes, a.file.len);
        assert_int_equal(load_into(&b, sotto_span_of(copy + shift, a.file.len), NULL), SOTTO_OK);
        for (size_t f = 0; f < a.model->info.features; f++)
            keys[f] = random_key(a.model, f, &random);
        assert_true(sotto_model_margin_q24(a.model, keys) == sotto_model_margin_q24(b.model, keys));
        free(b.memory);
    }
    free(copy);
    close_golden(&a);
}

static void the_cost_is_known_at_load(void **state)
{
    (void)state;
    test_model g = open_golden("golden.sotto");
    const sotto_model_info *i = sotto_model_info_of(g.model);
    size_t steps = 0;
    for (size_t t = 0; t < i->trees; t++)
        steps += g.model->trees[t].depth;
    assert_int_equal(i->trees, 20);
    assert_int_equal(i->depth, 4);
    assert_int_equal(i->steps_max, steps);
    assert_int_equal(i->leaves * 2 - i->trees, i->nodes);
    assert_int_equal(i->bytes, g.file.len);
    assert_true(i->arena_bytes <= sotto_model_arena_bound(g.file.len));
    assert_string_equal(i->name, "golden");
    assert_string_equal(sotto_model_feature(g.model, 3)->name, "balance");
    close_golden(&g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers_are_those_recorded),
        cmocka_unit_test(a_file_at_an_odd_address_scores_the_same),
        cmocka_unit_test(the_cost_is_known_at_load),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
