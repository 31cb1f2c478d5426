/* Chances and figures of a simulation, against what was worked by hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "simulate/simulate.h"

#include <math.h>

#define NEAR(a, b, e) assert_true(fabs((a) - (b)) <= (e))

/* Ten customers in thirty come, one in ten of them again: binomial, four standard deviations. */
static void test_visits_come_as_often_as_said(void **state)
{
    size_t days = 0, visits = 0;
    uint32_t minute[2];
    (void)state;
    for (size_t person = 0; person < 3000; person++) {
        size_t n = sim_visits(7, 333333, person, 20000, minute);
        days += n > 0;
        visits += n;
        assert_true(n < 1 || (minute[0] >= 480 && minute[0] < 1140));
        assert_true(n < 2 || (minute[0] < minute[1] && minute[1] < 1140));
    }
    NEAR((double)days, 1000, 4 * sqrt(3000 * 2.0 / 9));
    NEAR((double)(visits - days), 100, 4 * sqrt(1000 * 0.09));
}

static void test_answers_are_as_likely_as_said(void **state)
{
    sim_options o = {.dismissed = 20};
    size_t count[SOTTO_EVENT_KINDS] = {0};
    (void)state;
    for (size_t person = 0; person < 4000; person++) {
        sotto_span loan = sotto_span_str("loan");
        count[sim_answer(&o, 3, person, 1000, loan, 250000)]++;
        assert_int_equal(sim_answer(&o, 3, person, 1000, loan, POP_MILLION), SOTTO_EVENT_TAKEN);
        assert_int_not_equal(sim_answer(&o, 3, person, 1000, loan, 0), SOTTO_EVENT_TAKEN);
        /* Less likely, never taken where it was not: the same draw stands behind both. */
        if (sim_answer(&o, 3, person, 1000, loan, 250000) != SOTTO_EVENT_TAKEN)
            assert_int_not_equal(sim_answer(&o, 3, person, 1000, loan, 100000), SOTTO_EVENT_TAKEN);
    }
    NEAR((double)count[SOTTO_EVENT_TAKEN], 1000, 4 * sqrt(4000 * 0.25 * 0.75));
    NEAR((double)count[SOTTO_EVENT_DISMISSED], 600, 4 * sqrt(3000 * 0.2 * 0.8));
}

/* Three worlds with 10, 20 and 60 visitors: mean 30, standard error sqrt(700 / 3), t(2) = 4.303. */
static void test_intervals_are_student_s(void **state)
{
    static sim_tally tally[3 * SIM_PLANS];
    sim_input in = {.plans = 2};
    sim_result r = {.in = &in, .seeds = 3, .tally = tally};
    (void)state;
    tally[0].visitors = tally[1].visitors = 10;
    tally[2].visitors = tally[3].visitors = 20;
    tally[4].visitors = 60;
    tally[5].visitors = 57;
    tally[0].frequency[2] = 5;
    tally[2].frequency[2] = 10;
    tally[4].frequency[2] = 60;
    eval_figure f = sim_mean(&r, SIM_SIDE_NEW, sim_measure_frequency, 2); /* shares 1/2, 1/2, 1 */
    NEAR(f.value, 2.0 / 3, 1e-12);
    NEAR(f.interval.low, 0, 1e-12); /* 2/3 -+ 4.303 / 6, which leaves what shares can be */
    NEAR(f.interval.high, 1, 1e-12);
    f = sim_mean(&r, SIM_SIDE_PRESENT, sim_measure_frequency, 2);
    NEAR(f.value, 0, 1e-12);
    f = sim_mean(&r, SIM_SIDE_DIFFERENCE, sim_measure_frequency, 2);
    NEAR(f.interval.high, 2.0 / 3 + 4.303 / 6, 1e-9);
    r.seeds = 1;
    f = sim_mean(&r, SIM_SIDE_NEW, sim_measure_frequency, 2);
    assert_true(isnan(f.interval.low));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_visits_come_as_often_as_said),
                                       cmocka_unit_test(test_answers_are_as_likely_as_said),
                                       cmocka_unit_test(test_intervals_are_student_s)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
