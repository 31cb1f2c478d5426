#include "sotto/base.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <time.h>

static bool is_leap(int64_t year)
{
    return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

/* A calendar kept by hand, one day after another, through more than two whole cycles of 400 years. */
static void every_day_of_a_thousand_years(void **state)
{
    (void)state;
    static const unsigned LENGTH[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    int64_t days = -719528; /* 0000-01-01 */
    for (int64_t year = 0; year < 1000; year++)
        for (unsigned month = 1; month <= 12; month++)
            for (unsigned day = 1; day <= LENGTH[month - 1] + (month == 2 && is_leap(year)); day++, days++) {
                int64_t y;
                unsigned m, d;
                sotto_time_civil_from_days(days, &y, &m, &d);
                assert_true(y == year && m == month && d == day);
                assert_true(sotto_time_days_from_civil(year, month, day) == days);
            }
    assert_int_equal(sotto_time_days_from_civil(1970, 1, 1), 0);
    assert_int_equal(sotto_time_days_from_civil(-1, 12, 31), -719529);
}

/* The C library is the other witness; steps of a prime number of seconds meet every hour and date. */
static void agrees_with_the_c_library(void **state)
{
    (void)state;
    for (int64_t t = -62167219200; t <= 253402300799; t += 98765431) {
        time_t when = (time_t)t;
        struct tm tm;
        char expected[40], got[21];
        assert_true((int64_t)when == t && gmtime_r(&when, &tm) != NULL);
        (void)snprintf(expected, sizeof expected, "%04d-%02d-%02dT%02d:%02d:%02dZ", tm.tm_year + 1900,
                       tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec);
        sotto_time_format(t, got);
        assert_string_equal(got, expected);
        int64_t back;
        assert_int_equal(sotto_time_parse(sotto_span_str(got), &back), SOTTO_OK);
        assert_true(back == t);
    }
}

static void years_of_more_than_four_digits_are_clamped(void **state)
{
    (void)state;
    char text[21];
    sotto_time_format(INT64_MIN, text);
    assert_string_equal(text, "0000-01-01T00:00:00Z");
    sotto_time_format(INT64_MAX, text);
    assert_string_equal(text, "9999-12-31T23:59:59Z");
}

static void bad_times_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        sotto_status status;
    } CASES[] = {
        {"", SOTTO_ERR(BASE, MALFORMED)},
        {"2026-11-21", SOTTO_ERR(BASE, MALFORMED)},
        {"2026-11-21 19:02:03Z", SOTTO_ERR(BASE, MALFORMED)},
        {"2026-11-21T19:02:03z", SOTTO_ERR(BASE, MALFORMED)},
        {"2026-11-21T19:02:03", SOTTO_ERR(BASE, MALFORMED)},
        {"2026-11-21T19:02:03Z ", SOTTO_ERR(BASE, MALFORMED)},
        {"+026-11-21T19:02:03Z", SOTTO_ERR(BASE, MALFORMED)},
        {"2026-00-21T19:02:03Z", SOTTO_ERR(BASE, RANGE)},
        {"2026-13-21T19:02:03Z", SOTTO_ERR(BASE, RANGE)},
        {"2026-11-00T19:02:03Z", SOTTO_ERR(BASE, RANGE)},
        {"2026-11-31T19:02:03Z", SOTTO_ERR(BASE, RANGE)},
        {"2026-02-29T19:02:03Z", SOTTO_ERR(BASE, RANGE)},
        {"2100-02-29T19:02:03Z", SOTTO_ERR(BASE, RANGE)},
        {"2026-11-21T24:02:03Z", SOTTO_ERR(BASE, RANGE)},
        {"2026-11-21T19:60:03Z", SOTTO_ERR(BASE, RANGE)},
        {"2026-11-21T19:02:60Z", SOTTO_ERR(BASE, RANGE)},
        {"2024-02-29T00:00:00Z", SOTTO_OK},
    };
    for (size_t i = 0; i < SOTTO_COUNT(CASES); i++) {
        int64_t t = 42;
        assert_int_equal(sotto_time_parse(sotto_span_str(CASES[i].text), &t), CASES[i].status);
        assert_true(CASES[i].status == SOTTO_OK || t == 42);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_day_of_a_thousand_years),
        cmocka_unit_test(agrees_with_the_c_library),
        cmocka_unit_test(years_of_more_than_four_digits_are_clamped),
        cmocka_unit_test(bad_times_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
