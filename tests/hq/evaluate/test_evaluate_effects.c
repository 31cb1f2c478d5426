/* Uplift, policies and customers' value, against answers worked by hand and known ones. */
#include "evaluate/evaluate.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void near(double got, double want)
{
    if (!(fabs(got - want) < 1e-9))
        fail_msg("%.12g instead of %.12g", got, want);
}

static void about(double got, double want, double by)
{
    if (!(fabs(got - want) < by))
        fail_msg("%.8g instead of %.8g", got, want);
}

static eval_trial trial(const double *score, const double *outcome, const uint8_t *treated, size_t n)
{
    sotto_diag diag = {.status = SOTTO_OK};
    eval_trial t = {.rows = n, .score = score, .outcome = outcome, .treated = treated};
    assert_int_equal(eval_trial_init(&t, &diag), SOTTO_OK);
    return t;
}

/* Gains after each row: 1 (no control yet), 1 - 0, 1 - 0, 1 - 1 * 2 / 2 = 0. Area (.5 + 1 + 1 + .5) / 4 =
 * .75, the straight line to 0 has none; two treated. */
static void qini_by_hand(void **state)
{
    (void)state;
    const double score[] = {4, 3, 2, 1}, outcome[] = {1, 0, 0, 1};
    const uint8_t treated[] = {1, 0, 1, 0};
    eval_trial t = trial(score, outcome, treated, 4);
    near(eval_qini(&t, NULL), 0.375);
    near(eval_uplift_of_best(&t, NULL, 0.5), 1);
    near(eval_uplift_of_best(&t, NULL, 1), 0);
    eval_trial_free(&t);
}

/* Twelve rows: the better half has an effect of 2/3, the other of 1/3, all of 1/2: the better half keeps 2/3.
 */
static void what_the_better_half_keeps(void **state)
{
    (void)state;
    const double score[] = {2, 2, 2, 2, 2, 2, 1, 1, 1, 1, 1, 1},
                 outcome[] = {1, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0};
    const uint8_t treated[] = {1, 1, 1, 0, 0, 0, 1, 1, 1, 0, 0, 0};
    const double same[12] = {0};
    eval_trial t = trial(score, outcome, treated, 12), u = trial(same, outcome, treated, 12);
    near(eval_kept(&t, NULL, 0.5), 2.0 / 3);
    near(eval_kept(&t, NULL, 0.25), 1.0 / 3); /* equal scores: equal parts */
    near(eval_kept(&u, NULL, 0.7), 0.7);
    near(eval_qini(&u, NULL), 0);
    eval_trial_free(&t);
    eval_trial_free(&u);
}

static void halves_are_halves(void **state)
{
    (void)state;
    size_t held = 0, both = 0;
    for (size_t i = 0; i < 10000; i++) {
        held += eval_held_out(1, i);
        both += eval_held_out(1, i) && eval_held_out(2, i);
    }
    assert_in_range(held, 4800, 5200);
    assert_in_range(both, 2300, 2700);
}

enum { CUSTOMERS = 8000 };

static eval_column text_column(const char *name, uint32_t *code, const eval_words *words)
{
    return (eval_column){.name = name, .kind = EVAL_CODE, .code = code, .words = words};
}

/* The effect is .4 for those who say "yes" and nothing for the others: half of the customers hold all of it.
 */
static void a_model_finds_who_is_moved(void **state)
{
    (void)state;
    char path[] = "/tmp/sotto-uplift-XXXXXX";
    FILE *f = fdopen(mkstemp(path), "w");
    uint64_t random = 5;
    assert_non_null(f);
    fprintf(f, "says,noise,treated,bought\n");
    for (int i = 0; i < CUSTOMERS; i++) {
        bool says = eval_random(&random) & 1, treated = eval_random(&random) & 1;
        double chance = 0.2 + (says && treated ? 0.4 : 0);
        fprintf(f, "%s,%d,%d,%d\n", says ? "yes" : "no", (int)(eval_random(&random) % 100), treated,
                (double)(eval_random(&random) >> 11) * 0x1p-53 < chance);
    }
    assert_int_equal(fclose(f), 0);
    eval_column c[] = {{.name = "says", .kind = EVAL_CODE},
                       {.name = "noise", .kind = EVAL_CODE},
                       {.name = "treated", .kind = EVAL_LABEL},
                       {.name = "bought", .kind = EVAL_NUMBER}};
    sotto_diag diag = {.status = SOTTO_OK};
    size_t rows = 0, row[CUSTOMERS];
    static double score[CUSTOMERS];
    assert_int_equal(eval_table_read(c, 4, path, &rows, &diag), SOTTO_OK);
    assert_int_equal(remove(path), 0);
    assert_int_equal(rows, CUSTOMERS);
    for (size_t i = 0; i < rows; i++)
        row[i] = i;
    eval_trial t = {.rows = rows, .score = score, .outcome = c[3].number, .treated = c[2].label};
    eval_features features = {.columns = (eval_column[]){text_column("says", c[0].code, c[0].words),
                                                         text_column("noise", c[1].code, c[1].words)},
                              .count = 2,
                              .row = row};
    eval_targeting g;
    assert_int_equal(eval_targeting_init(&g, &t, &features, &diag), SOTTO_OK);
    assert_int_equal(g.table.features, 3); /* says=yes, says=no, noise */
    sotto_status status = eval_targeting_score(&g, &t, EVAL_MODEL_DIFFERENCE, 1, score, &diag);
    if (!learn_booster_there()) {
        assert_int_equal(sotto_status_cause(status), SOTTO_CAUSE_UNSUPPORTED);
    } else {
        assert_int_equal(status, SOTTO_OK);
        assert_int_equal(eval_trial_init(&t, &diag), SOTTO_OK);
        assert_true(eval_kept(&t, NULL, 0.5) > 0.9);
        eval_trial_free(&t);
    }
    eval_targeting_free(&g);
    eval_table_free(c, 4);
}

/* ---- Policies ---- */

/* Uniform over two actions: weights .5 / .8 = .625 three times, .5 / .2 = 2.5. */
static void estimates_by_hand(void **state)
{
    (void)state;
    const uint32_t action[] = {0, 0, 0, 1};
    const double reward[] = {1, 0, 1, 1}, propensity[] = {0.8, 0.8, 0.8, 0.2}, target[] = {0.5, 0.5};
    double out[EVAL_ESTIMATES], zero[4] = {0}, model[] = {1, 0, 1, 1}, expected[] = {0.3, 0.3, 0.3, 0.7};
    eval_logs l = {.rows = 4,
                   .actions = 2,
                   .positions = 1,
                   .action = action,
                   .reward = reward,
                   .propensity = propensity,
                   .target = target,
                   .max_weight = INFINITY};
    eval_estimate(&l, NULL, out);
    near(out[EVAL_IPS], 0.9375);
    near(out[EVAL_SNIPS], 3.75 / 4.375);
    assert_true(isnan(out[EVAL_DR]));
    near(eval_effective_rows(&l), 4.375 * 4.375 / (3 * 0.625 * 0.625 + 6.25));
    l.model = l.expected = zero; /* a model that knows nothing leaves IPS */
    eval_estimate(&l, NULL, out);
    near(out[EVAL_DR], out[EVAL_IPS]);
    l.model = model; /* a model that is never wrong needs no weights */
    l.expected = expected;
    eval_estimate(&l, NULL, out);
    near(out[EVAL_DR], 0.4);
    near(out[EVAL_DM], 0.4);
    l.max_weight = 1;
    eval_estimate(&l, NULL, out);
    near(out[EVAL_IPS], (0.625 * 2 + 1) / 4);
    l.max_weight = INFINITY;
    l.target = NULL; /* what was done: the mean */
    eval_estimate(&l, NULL, out);
    near(out[EVAL_IPS], 0.75);
    near(out[EVAL_SNIPS], 0.75);
}

static void a_policys_own_probabilities(void **state)
{
    (void)state;
    const uint32_t action[] = {0, 1};
    const double reward[] = {1, 3}, propensity[] = {0.5, 0.5}, given[] = {0.25, 0.75};
    double out[EVAL_ESTIMATES];
    eval_logs l = {.rows = 2,
                   .actions = 2,
                   .positions = 1,
                   .action = action,
                   .reward = reward,
                   .propensity = propensity,
                   .given = given,
                   .max_weight = INFINITY};
    eval_estimate(&l, NULL, out);
    near(out[EVAL_IPS], (0.5 * 1 + 1.5 * 3) / 2);
}

enum { SHOWN = 20000 };

/* Two actions in two positions, taken with .1, .2, .3, .4; logged half and half; the judged policy shows the
 * second action nine times in ten: worth (.1 * .1 + .9 * .3 + .1 * .2 + .9 * .4) / 2 = .33. */
static void estimates_find_the_truth(void **state)
{
    (void)state;
    static uint32_t action[SHOWN], position[SHOWN];
    static double reward[SHOWN], propensity[SHOWN], model[SHOWN], expected[SHOWN];
    const double rate[2][2] = {{0.1, 0.2}, {0.3, 0.4}}, target[] = {0.1, 0.1, 0.9, 0.9};
    double out[EVAL_ESTIMATES], before;
    uint64_t random = 3;
    for (size_t i = 0; i < SHOWN; i++) {
        action[i] = eval_random(&random) & 1;
        position[i] = eval_random(&random) & 1;
        reward[i] = (double)(eval_random(&random) >> 11) * 0x1p-53 < rate[action[i]][position[i]];
        propensity[i] = 0.5;
    }
    eval_logs l = {.rows = SHOWN,
                   .actions = 2,
                   .positions = 2,
                   .action = action,
                   .position = position,
                   .reward = reward,
                   .propensity = propensity,
                   .target = target,
                   .max_weight = INFINITY,
                   .model = model,
                   .expected = expected};
    sotto_diag diag = {.status = SOTTO_OK};
    assert_int_equal(eval_reward_model(&l, 100, 5, 1, &diag), SOTTO_OK);
    eval_estimate(&l, NULL, out);
    for (int i = 0; i < EVAL_ESTIMATES; i++)
        about(out[i], 0.33, 0.02);
    /* No row is predicted from itself: its own reward moves others' predictions, not its own. */
    before = model[0];
    reward[0] += 1000;
    assert_int_equal(eval_reward_model(&l, 100, 5, 1, &diag), SOTTO_OK);
    near(model[0], before);
}

/* ---- Value ---- */

static const eval_bgnbd CDNOW = {0.243, 4.414, 0.793, 2.426};

/* Who never came again: ln (alpha / (alpha + T))^r. */
static void likelihood_of_one_buy(void **state)
{
    (void)state;
    eval_buyer c = {.x = 0, .t_x = 0, .T = 39};
    near(eval_bgnbd_log_likelihood(&CDNOW, &c, 1), 0.243 * log(4.414 / 43.414));
}

/* One known answer; without leaving, r / alpha buys a week; and no jump where the formula divides by a - 1.
 */
static void expected_buys(void **state)
{
    (void)state;
    /* Fader, Hardie, Lee, "Implementing the BG/NBD model in Excel" (2005): customer 1 of CDNOW. */
    eval_buyer c = {.x = 2, .t_x = 30.43, .T = 38.86};
    about(eval_bgnbd_expected(&CDNOW, &c, 39), 1.226, 5e-4);
    eval_bgnbd loyal = {0.5, 10, 1e-7, 1};
    eval_buyer fresh = {.x = 0, .t_x = 0, .T = 0};
    about(eval_bgnbd_expected(&loyal, &fresh, 20), 0.5 / 10 * 20, 1e-4);
    eval_bgnbd even = {0.243, 4.414, 1, 2.426}, next = {0.243, 4.414, 1 + 2e-5, 2.426};
    about(eval_bgnbd_expected(&even, &c, 39), eval_bgnbd_expected(&next, &c, 39), 1e-3);
}

static void series_that_are_known(void **state)
{
    (void)state;
    about(eval_hypergeometric(1, 1, 2, 0.5), -log(0.5) / 0.5, 1e-12);
    about(eval_hypergeometric(2.5, 3, 3, 0.9), pow(0.1, -2.5), 1e-6);
    near(eval_hypergeometric(2, 3, 4, 0), 1);
}

/* The density of the mean of x buys integrates to 1, and its mean is p v / (q - 1); midpoints in u = m / (m +
 * 10). */
static void spend_is_a_density(void **state)
{
    (void)state;
    const eval_spend m = {6.25, 3.74, 15.44};
    for (int x = 1; x < 5; x += 3) {
        double sum = 0, mean = 0;
        for (int i = 0; i < 20000; i++) {
            double u = (i + 0.5) / 20000, v = 10 * u / (1 - u);
            eval_buyer c = {.x = x, .mean = v};
            double mass = exp(eval_spend_log_likelihood(&m, &c, 1)) * 10 / ((1 - u) * (1 - u)) / 20000;
            sum += mass;
            mean += mass * v;
        }
        about(sum, 1, 1e-6);
        about(mean, 6.25 * 15.44 / 2.74, 1e-2);
    }
    eval_buyer never = {.x = 0}, often = {.x = 1e6, .mean = 12};
    near(eval_spend_expected(&m, &never), 6.25 * 15.44 / 2.74);
    about(eval_spend_expected(&m, &often), 12, 1e-3);
    const eval_spend heavy = {1, 0.9, 10};
    assert_true(isnan(eval_spend_expected(&heavy, &never)));
}

static double hill(const double *x, size_t n, void *ctx)
{
    (void)ctx;
    double a = log(x[0]) - 1, b = log(x[n - 1]) + 2;
    return 5 - a * a - 2 * b * b;
}

/* The top stands at e and e^-2; the information there is 2 and 4. */
static void a_maximum_and_how_sure_it_is(void **state)
{
    (void)state;
    double x[] = {1, 1}, best = 0, top[] = {exp(1), exp(-2)};
    eval_interval i[2];
    sotto_diag diag = {.status = SOTTO_OK};
    sotto_status status = eval_fit(hill, NULL, x, 2, &best, &diag);
    if (sotto_status_cause(status) == SOTTO_CAUSE_UNSUPPORTED) {
        assert_non_null(strstr(diag.text, "libnlopt-dev"));
    } else {
        assert_int_equal(status, SOTTO_OK);
        about(x[0], top[0], 1e-5);
        about(x[1], top[1], 1e-5);
        about(best, 5, 1e-9);
    }
    eval_curvature(hill, NULL, top, 2, 2, i);
    about(i[0].low, exp(1 - 2 / sqrt(2)), 1e-4);
    about(i[0].high, exp(1 + 2 / sqrt(2)), 1e-4);
    about(i[1].low, exp(-2 - 2 / sqrt(4)), 1e-4);
    double slope[] = {exp(1), 1};
    eval_curvature(hill, NULL, slope, 2, 2, i);
    about(i[1].high, exp(1), 1e-4); /* as curved away from the top: the curve is a parabola */
}

static void buys_and_their_customers(void **state)
{
    (void)state;
    static const char TEXT[] = " customer_id date pieces value\n"
                               " 00007 0001 19970101  1   10.00\n"
                               " 00007 0001 19970101  2    5.00\r\n"
                               "\n"
                               " 00007 19970115  1   20.00\n"
                               " 00007 19980101  1   40.00\n"
                               " 00009 19980102  1    1.00";
    sotto_vec buys;
    sotto_diag diag = {.status = SOTTO_OK};
    eval_customer *c = NULL;
    size_t count = 0;
    int32_t until = 0;
    sotto_vec_init(&buys, 1 << 16);
    assert_int_equal(eval_buys_parse(sotto_span_str(TEXT), "buys", &buys, &diag), SOTTO_OK);
    assert_int_equal(buys.len, 5 * sizeof(eval_buy));
    assert_true(eval_day(sotto_span_str("1997-01-29"), &until));
    assert_int_equal(eval_customers((eval_buy *)(void *)buys.ptr, 5, until, &c, &count, &diag), SOTTO_OK);
    assert_int_equal(count, 1);
    near(c->buyer.x, 1);
    near(c->buyer.t_x, 2);
    near(c->buyer.T, 4);
    near(c->buyer.mean, 20);
    near(c->spend, 35);
    near(c->repeat, 20);
    near(c->later_buys, 1);
    near(c->later_spend, 40);
    free(c);
    sotto_vec_free(&buys);
}

static void bad_buys_say_where(void **state)
{
    (void)state;
    static const char *const BAD[] = {
        "1 19970101 1 10\n1 19970101 1\n",     "1 19970101 1 10\n1 19970230 1 10\n",
        "1 19970101 1 10\nx 19970101 1 10\n",  "1 19970101 1 10\n1 19970101 1 -1\n",
        "1 19970101 1 10\n1 19970101 1 inf\n", "1 19970101 1 10\n1 2 3 19970101 1 10\n"};
    for (size_t i = 0; i < SOTTO_COUNT(BAD); i++) {
        sotto_vec buys;
        sotto_diag diag = {.status = SOTTO_OK};
        sotto_vec_init(&buys, 1 << 16);
        assert_int_equal(sotto_status_cause(eval_buys_parse(sotto_span_str(BAD[i]), "buys", &buys, &diag)),
                         SOTTO_CAUSE_MALFORMED);
        assert_int_equal(diag.line, 2);
        sotto_vec_free(&buys);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(qini_by_hand),
        cmocka_unit_test(what_the_better_half_keeps),
        cmocka_unit_test(halves_are_halves),
        cmocka_unit_test(a_model_finds_who_is_moved),
        cmocka_unit_test(estimates_by_hand),
        cmocka_unit_test(a_policys_own_probabilities),
        cmocka_unit_test(estimates_find_the_truth),
        cmocka_unit_test(likelihood_of_one_buy),
        cmocka_unit_test(expected_buys),
        cmocka_unit_test(series_that_are_known),
        cmocka_unit_test(spend_is_a_density),
        cmocka_unit_test(a_maximum_and_how_sure_it_is),
        cmocka_unit_test(buys_and_their_customers),
        cmocka_unit_test(bad_buys_say_where),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
