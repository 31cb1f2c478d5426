/* Calibration: what is in the file is what is computed, in order, within the stated bound; and what the
 * loader refuses. */
#include "model_test.h"

#include <math.h>

/* A model with this calibration and nothing else changed. */
static uint32_t answer(const calibration *k, enum sotto_calibration_kind kind, int64_t margin_q24)
{
    sotto_model m = {.objective = OBJECTIVE_LOGISTIC, .calibration = *k};
    m.info.calibration = kind;
    return sotto_model_probability_q30(&m, margin_q24);
}

static int64_t random_margin(uint64_t *state, unsigned bits)
{
    return (int64_t)(next_random(state) >> (64 - bits)) - (INT64_C(1) << (bits - 1));
}

static void platt_is_a_sigmoid_within_its_bound(void **state)
{
    (void)state;
    uint64_t random = 11;
    for (int i = 0; i < 20000; i++) {
        double slope = (double)(next_random(&random) % 4000 + 1) / 1000;
        double offset = (double)(next_random(&random) % 8000) / 1000 - 4;
        calibration k = {.slope_q24 = llrint(slope * 16777216), .offset_q24 = llrint(offset * 16777216)};
        int64_t margin = random_margin(&random, 29); /* within 16 */
        double m = (double)margin / 16777216, exact = 1073741824 / (1 + exp(-(slope * m + offset)));
        double got = answer(&k, SOTTO_CALIBRATION_PLATT, margin);
        assert_true(fabs(got - exact) <= 0.68 + 8 * (2 + fabs(m)) + 1e-6);
    }
}

static void probabilities_never_fall(void **state)
{
    (void)state;
    const int64_t at[5] = {-50000000, -1, 0, 1, 70000000};
    const uint32_t p[5] = {10, 10, 500000000, 500000001, SOTTO_PROB_ONE_Q30};
    const calibration kinds[4] = {{.slope_q24 = 1, .offset_q24 = -5},
                                  {.slope_q24 = INT64_C(1) << 30, .offset_q24 = INT64_C(1) << 30},
                                  {.slope_q24 = 12345678, .offset_q24 = -33333333},
                                  {.count = 5, .margin_q24 = at, .p_q30 = p}};
    uint64_t random = 12;
    for (int i = 0; i < 40000; i++) {
        const calibration *k = &kinds[i % 4];
        enum sotto_calibration_kind kind =
            k->count > 0 ? SOTTO_CALIBRATION_ISOTONIC : SOTTO_CALIBRATION_PLATT;
        int64_t a = random_margin(&random, 2 + (unsigned)(next_random(&random) % 62)), step = 1 + i % 3;
        uint32_t low = answer(k, kind, a), high = answer(k, kind, a + step);
        assert_true(low <= high && high <= SOTTO_PROB_ONE_Q30);
    }
    assert_int_equal(answer(&kinds[3], SOTTO_CALIBRATION_ISOTONIC, INT64_MIN), 10);
    assert_int_equal(answer(&kinds[3], SOTTO_CALIBRATION_ISOTONIC, INT64_MAX), SOTTO_PROB_ONE_Q30);
    assert_int_equal(answer(&kinds[1], SOTTO_CALIBRATION_PLATT, INT64_MIN), 0);
}

static void lines_lead_from_point_to_point(void **state)
{
    (void)state;
    int64_t at[50];
    uint32_t p[50];
    uint64_t random = 13;
    calibration k = {.count = 50, .margin_q24 = at, .p_q30 = p};
    for (size_t i = 0; i < 50; i++) {
        at[i] = (i == 0 ? -(INT64_C(1) << 32) : at[i - 1]) + 1 + (int64_t)(next_random(&random) % 170000000);
        p[i] = (i == 0 ? 0 : p[i - 1]) + (uint32_t)(next_random(&random) % 20000000);
    }
    for (int i = 0; i < 20000; i++) {
        size_t n = (size_t)(next_random(&random) % 49);
        int64_t run = at[n + 1] - at[n], margin = at[n] + (int64_t)(next_random(&random) % (uint64_t)run);
        double exact = p[n] + (double)(p[n + 1] - p[n]) * (double)(margin - at[n]) / (double)run;
        assert_true(fabs(answer(&k, SOTTO_CALIBRATION_ISOTONIC, margin) - exact) <= 0.5 + 1e-6);
        assert_int_equal(answer(&k, SOTTO_CALIBRATION_ISOTONIC, at[n]), p[n]);
    }
}

/* Margins, leaves and reasons are those of the model without it. */
static void only_probabilities_change(void **state)
{
    (void)state;
    static const char *const NAMES[] = {"platt.sotto", "isotonic.sotto"};
    test_model plain = open_golden("golden.sotto");
    for (size_t n = 0; n < 2; n++) {
        test_model g = open_golden(NAMES[n]);
        uint64_t random = 3;
        int32_t keys[SOTTO_MODEL_FEATURES_MAX];
        size_t differ = 0;
        assert_int_equal(sotto_model_info_of(g.model)->calibration, (int)n + 1);
        for (int row = 0; row < 500; row++) {
            uint32_t one;
            for (size_t f = 0; f < g.model->info.features; f++)
                keys[f] = random_key(g.model, f, &random);
            int64_t margin = sotto_model_margin_q24(g.model, keys);
            assert_true(margin == sotto_model_margin_q24(plain.model, keys));
            sotto_model_probabilities_q30(g.model, &margin, &one);
            assert_int_equal(one, sotto_model_probability_q30(g.model, margin));
            differ += one != sotto_model_probability_q30(plain.model, margin);
        }
        assert_true(differ > 400);
        close_golden(&g);
    }
    close_golden(&plain);
}

typedef struct change {
    const char *file;
    size_t offset, width;
    uint64_t value;
    sotto_status expected;
} change;

static void each_rule_has_its_cause(void **state)
{
    (void)state;
    static const change CHANGES[] = {
        {"platt.sotto", 0, 2, 0, SOTTO_ERR(MODEL, UNSUPPORTED)},
        {"platt.sotto", 0, 2, 3, SOTTO_ERR(MODEL, UNSUPPORTED)},
        {"platt.sotto", 0, 2, 2, SOTTO_ERR(MODEL, RANGE)}, /* no points */
        {"platt.sotto", 2, 2, 1, SOTTO_ERR(MODEL, MALFORMED)},
        {"platt.sotto", 4, 4, 1, SOTTO_ERR(MODEL, MALFORMED)},
        {"platt.sotto", 8, 8, 0, SOTTO_ERR(MODEL, RANGE)}, /* a slope that does not rise */
        {"platt.sotto", 8, 8, UINT64_MAX, SOTTO_ERR(MODEL, RANGE)},
        {"platt.sotto", 8, 8, (UINT64_C(1) << 30) + 1, SOTTO_ERR(MODEL, RANGE)},
        {"platt.sotto", 16, 8, (UINT64_C(1) << 30) + 1, SOTTO_ERR(MODEL, RANGE)},
        {"platt.sotto", 16, 8, UINT64_C(1) << 63, SOTTO_ERR(MODEL, RANGE)},
        {"isotonic.sotto", 0, 2, 1, SOTTO_ERR(MODEL, MALFORMED)},
        {"isotonic.sotto", 4, 4, 0, SOTTO_ERR(MODEL, RANGE)},
        {"isotonic.sotto", 4, 4, 4097, SOTTO_ERR(MODEL, RANGE)},
        {"isotonic.sotto", 4, 4, 1, SOTTO_ERR(MODEL, MALFORMED)},
        {"isotonic.sotto", 8, 8, UINT64_C(1) << 33, SOTTO_ERR(MODEL, RANGE)},
        {"isotonic.sotto", 8, 8, UINT64_C(1) << 31, SOTTO_ERR(MODEL, MALFORMED)}, /* does not ascend */
    };
    for (size_t i = 0; i < SOTTO_COUNT(CHANGES); i++) {
        const change *c = &CHANGES[i];
        test_file f = read_golden(c->file);
        test_model m = {.memory = NULL};
        size_t len = 0;
        sotto_diag diag = {.status = SOTTO_OK};
        put_le(find_section(&f, "CALI", &len) + c->offset, c->value, c->width);
        fix_crc(f.bytes, f.len);
        sotto_status status = load_into(&m, span_of(&f), &diag);
        if (status != c->expected)
            print_message("change %zu: %s\n", i, diag.text);
        assert_int_equal(status, c->expected);
        free(m.memory);
        free(f.bytes);
    }
}

static void a_falling_probability_is_refused(void **state)
{
    (void)state;
    test_file f = read_golden("isotonic.sotto");
    test_model m = {.memory = NULL};
    size_t len = 0;
    uint8_t *cali = find_section(&f, "CALI", &len);
    put_le(cali + len - 4, 0, 4); /* the last point's */
    fix_crc(f.bytes, f.len);
    assert_int_equal(load_into(&m, span_of(&f), NULL), SOTTO_ERR(MODEL, MALFORMED));
    free(m.memory);
    put_le(cali + len - 4, (uint64_t)SOTTO_PROB_ONE_Q30 + 1, 4);
    fix_crc(f.bytes, f.len);
    assert_int_equal(load_into(&m, span_of(&f), NULL), SOTTO_ERR(MODEL, RANGE));
    free(m.memory);
    free(f.bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(platt_is_a_sigmoid_within_its_bound),
        cmocka_unit_test(probabilities_never_fall),
        cmocka_unit_test(lines_lead_from_point_to_point),
        cmocka_unit_test(only_probabilities_change),
        cmocka_unit_test(each_rule_has_its_cause),
        cmocka_unit_test(a_falling_probability_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
