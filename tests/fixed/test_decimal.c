#include "fixed_test.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void reads_what_it_should(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        unsigned decimals;
        sotto_status status;
        int64_t mantissa;
    } CASES[] = {
        {"-12.50", 2, SOTTO_OK, -1250},
        {"-12.5", 2, SOTTO_OK, -1250},
        {"12", 2, SOTTO_OK, 1200},
        {"0", 0, SOTTO_OK, 0},
        {"-0", 3, SOTTO_OK, 0},
        {"007", 1, SOTTO_OK, 70},
        {"0.000000000000000001", 18, SOTTO_OK, 1},
        {"9223372036854775807", 0, SOTTO_OK, INT64_MAX},
        {"-9223372036854775808", 0, SOTTO_OK, INT64_MIN},
        {"-9.223372036854775808", 18, SOTTO_OK, INT64_MIN},
        {"000000000000000000000000000000000001", 0, SOTTO_OK, 1},
        {"9223372036854775808", 0, SOTTO_ERR(FIXED, RANGE), 0},
        {"-9223372036854775809", 0, SOTTO_ERR(FIXED, RANGE), 0},
        {"922337203685477580.8", 2, SOTTO_ERR(FIXED, RANGE), 0},
        {"10", 18, SOTTO_ERR(FIXED, RANGE), 0},
        {"1.234", 2, SOTTO_ERR(FIXED, RANGE), 0},
        {"1.200", 2, SOTTO_ERR(FIXED, RANGE), 0},
        {"1.0", 0, SOTTO_ERR(FIXED, RANGE), 0},
        {"", 2, SOTTO_ERR(FIXED, MALFORMED), 0},
        {"-", 2, SOTTO_ERR(FIXED, MALFORMED), 0},
        {".5", 2, SOTTO_ERR(FIXED, MALFORMED), 0},
        {"-.5", 2, SOTTO_ERR(FIXED, MALFORMED), 0},
        {"5.", 2, SOTTO_ERR(FIXED, MALFORMED), 0},
        {"+5", 2, SOTTO_ERR(FIXED, MALFORMED), 0},
        {"--5", 2, SOTTO_ERR(FIXED, MALFORMED), 0},
        {" 5", 2, SOTTO_ERR(FIXED, MALFORMED), 0},
        {"5 ", 2, SOTTO_ERR(FIXED, MALFORMED), 0},
        {"1e3", 2, SOTTO_ERR(FIXED, MALFORMED), 0},
        {"1,5", 2, SOTTO_ERR(FIXED, MALFORMED), 0},
        {"1.2.3", 2, SOTTO_ERR(FIXED, MALFORMED), 0},
        {"nan", 2, SOTTO_ERR(FIXED, MALFORMED), 0},
    };
    for (size_t i = 0; i < SOTTO_COUNT(CASES); i++) {
        int64_t got = 77;
        sotto_status status =
            sotto_fixed_parse_decimal(sotto_span_str(CASES[i].text), CASES[i].decimals, &got);
        if (status != CASES[i].status || got != (status == SOTTO_OK ? CASES[i].mantissa : 77))
            fail_msg("\"%s\" with %u decimals", CASES[i].text, CASES[i].decimals);
    }
    assert_int_equal(sotto_fixed_parse_decimal(sotto_span_of("1\0", 2), 0, &(int64_t){0}),
                     SOTTO_ERR(FIXED, MALFORMED));
}

static void writing_and_reading_agree(void **state)
{
    (void)state;
    uint64_t random = 9;
    char text[24];
    for (unsigned i = 0; i < 500000 / THINNING; i++) {
        uint64_t r = next_random(&random);
        int64_t mantissa = i == 0   ? INT64_MIN
                           : i == 1 ? INT64_MAX
                                    : (int64_t)next_random(&random) >> (r % 64),
                back;
        unsigned decimals = (unsigned)(r >> 32) % 19;
        size_t len = sotto_fixed_format_decimal(mantissa, decimals, text, sizeof text);
        assert_int_equal(len, strlen(text));
        assert_int_equal(sotto_fixed_parse_decimal(sotto_span_of(text, len), decimals, &back), SOTTO_OK);
        assert_true(back == mantissa);
        const char *point = strchr(text, '.');
        assert_true(decimals == 0 ? point == NULL : strlen(point + 1) == decimals);
    }
    (void)sotto_fixed_format_decimal(-5, 2, text, sizeof text);
    assert_string_equal(text, "-0.05");
    (void)sotto_fixed_format_decimal(INT64_MIN, 18, text, sizeof text);
    assert_string_equal(text, "-9.223372036854775808");
    (void)sotto_fixed_format_decimal(0, 0, text, sizeof text);
    assert_string_equal(text, "0");
}

static void binary_fractions_print_exactly(void **state)
{
    (void)state;
    static const struct {
        int64_t v;
        unsigned q;
        const char *text;
    } CASES[] = {
        {0, 30, "0"},
        {3, 0, "3"},
        {-1, 1, "-0.5"},
        {3 << 24, 24, "3"},
        {1, 30, "0.000000000931322574615478515625"},
        {INT64_MIN, 0, "-9223372036854775808"},
        {INT64_MIN, 30, "-8589934592"},
        {INT64_MAX, 30, "8589934591.999999999068677425384521484375"},
        {-1, 30, "-0.000000000931322574615478515625"},
    };
    char text[56];
    for (size_t i = 0; i < SOTTO_COUNT(CASES); i++) {
        size_t len = sotto_fixed_format_q(CASES[i].v, CASES[i].q, text, sizeof text);
        assert_string_equal(text, CASES[i].text);
        assert_int_equal(len, strlen(text));
    }
    uint64_t random = 10;
    for (unsigned i = 0; i < 200000 / THINNING;
         i++) { /* 53 bits: a binary64 holds them, and reads the text back without loss */
        int64_t v = (int64_t)next_random(&random) >> 11;
        unsigned q = i % 31;
        (void)sotto_fixed_format_q(v, q, text, sizeof text);
        assert_true(strtod(text, NULL) == ldexp((double)v, -(int)q));
        assert_true(strchr(text, '.') == NULL || text[strlen(text) - 1] != '0');
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_what_it_should),
        cmocka_unit_test(writing_and_reading_agree),
        cmocka_unit_test(binary_fractions_print_exactly),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
