/* funnel, lift, drift and plan-task: figures of noised counts against figures of the rows themselves. */
#include "../hq_test.h"
#include "evaluate/chances.h"
#include "evaluate/evaluate.h"

#include <math.h>

static hq_collector collector;

static int setup(void **state)
{
    if (test_setup(state) != 0)
        return 1;
    open_published(&collector);
    return 0;
}

static int teardown(void **state)
{
    close_published(&collector);
    return test_teardown(state);
}

/* ---- the statistics ---- */

static void near(double a, double b, double within)
{
    if (!(fabs(a - b) <= within))
        fail_msg("%.9g is not %.9g +- %g", a, b, within);
}

static hq_histogram exact(void)
{
    return (hq_histogram){.bins = 3, .shown = {100, 50, 20}, .taken = {5, 10, 10}};
}

/* Every pair of a taker and a non-taker, one by one. */
static double auc_of_pairs(const hq_histogram *h)
{
    double won = 0, pairs = 0;
    for (size_t i = 0; i < h->bins; i++)
        for (size_t j = 0; j < h->bins; j++) {
            double n = h->taken[i] * (h->shown[j] - h->taken[j]);
            pairs += n;
            won += i > j ? n : i == j ? n / 2 : 0;
        }
    return won / pairs;
}

static void exact_counts_have_no_interval(void **state)
{
    (void)state;
    const hq_histogram h = exact();
    hq_figure f = hq_histogram_auc(&h, 2);
    near(f.value, auc_of_pairs(&h), 1e-12);
    assert_true(f.low == f.value && f.high == f.value);
    near(hq_histogram_gain(&h, 20.0 / 170, 2).value, 0.4, 1e-12);
    near(hq_histogram_gain(&h, 45.0 / 170, 2).value, 0.6, 1e-12); /* half of the middle bin */
    near(hq_histogram_gain(&h, 1, 2).value, 1, 1e-12);
    near(hq_histogram_rate(&h, 1, 2).value, 0.2, 1e-12);
    const hq_histogram empty = {.bins = 3};
    assert_true(isnan(hq_histogram_auc(&empty, 2).value) && isnan(hq_histogram_gain(&empty, .5, 2).value));
}

/* The true AUC lies within as often as is said: noise of the exact sampler, seeded. */
static sotto_status seeded(void *ctx, void *buf, size_t len)
{
    uint64_t *state = ctx;
    for (size_t i = 0; i < len; i++) {
        uint64_t z = (*state += UINT64_C(0x9E3779B97F4A7C15));
        z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
        z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
        ((uint8_t *)buf)[i] = (uint8_t)(z >> 56);
    }
    return SOTTO_OK;
}

static void the_true_auc_lies_within(void **state)
{
    (void)state;
    enum { DRAWS = 400 };
    uint64_t seed = 3;
    const sotto_entropy entropy = {.ctx = &seed, .fill = seeded};
    hq_histogram truth = {.bins = 4, .shown = {900, 600, 300, 200}, .taken = {20, 40, 50, 60}};
    const double auc = hq_histogram_auc(&truth, 0).value, gain = hq_histogram_gain(&truth, 0.25, 0).value;
    const double half = sinh(1.0 / 16), variance = 1 / (2 * half * half); /* scale 8 */
    hq_sums laplace = {.task = {.noise = SOTTO_NOISE_LAPLACE}};
    int auc_within = 0, gain_within = 0;
    for (int d = 0; d < DRAWS; d++) {
        hq_histogram h = truth;
        for (size_t i = 0; i < h.bins; i++) {
            int64_t a, b;
            ok(sotto_noise_laplace(&entropy, 8, 1, &a), NULL);
            ok(sotto_noise_laplace(&entropy, 8, 1, &b), NULL);
            h.shown[i] += (double)a;
            h.taken[i] += (double)b;
            h.shown_variance[i] = h.taken_variance[i] = variance;
        }
        hq_figure f = hq_histogram_auc(&h, hq_sums_deviations(&laplace, 950000));
        auc_within += f.low <= auc && auc <= f.high;
        f = hq_histogram_gain(&h, 0.25, hq_sums_deviations(&laplace, 950000));
        gain_within += f.low <= gain && gain <= f.high;
    }
    /* Of 400 at 95 %, below 370 has a chance of one in two thousand. */
    assert_true(auc_within >= 370 && gain_within >= 370);
}

static void stability(void **state)
{
    (void)state;
    const hq_shares then = {.bins = 2, .count = {5000, 5000}}, same = {.bins = 2, .count = {5010, 4990}},
                    other = {.bins = 2, .count = {8000, 2000}};
    hq_figure f = hq_histogram_psi(&then, &same, 2);
    assert_true(f.value <= f.high);
    f = hq_histogram_psi(&then, &other, 2);
    near(f.value, 0.3 * log(1.6) - 0.3 * log(0.4), 1e-3);
    assert_true(f.value > f.high);
    hq_shares noisy = other;
    noisy.variance[0] = noisy.variance[1] = 1e8; /* noise as large as the counts: nothing can be said */
    f = hq_histogram_psi(&then, &noisy, 2);
    assert_true(f.value <= f.high);
}

/* ---- chances ---- */

/* A fleet whose decisions are drawn with known chances: of 4000 decisions each has its own chance for the
 * campaign, and would be taken or not. What all would have taken is known here, and only here. */
enum { DECISIONS = 4000, BANDS = 5 };
static const double EDGES[BANDS] = {0.0625, 0.125, 0.25, 0.5, 1};
static const double CHANCES[] = {0.07, 0.125, 0.2, 0.3, 0.45, 0.6, 0.9, 1};

static double uniform(uint64_t *state)
{
    uint8_t bytes[8];
    uint64_t bits = 0;
    (void)!seeded(state, bytes, sizeof bytes);
    for (size_t i = 0; i < sizeof bytes; i++)
        bits = bits << 8 | bytes[i];
    return (double)(bits >> 11) / 9007199254740992.0;
}

static size_t band_of(double chance)
{
    size_t band = 0;
    while (band + 1 < BANDS && chance >= EDGES[band + 1])
        band++;
    return band;
}

static void weigh(hq_term term[BANDS])
{
    for (size_t b = 0; b < BANDS; b++)
        term[b] = (hq_term){.low = b + 1 < BANDS ? 1 / EDGES[b + 1] : 1, .high = 1 / EDGES[b], .share = 1};
}

static void add_noise(hq_term term[BANDS], const sotto_entropy *entropy, uint64_t scale)
{
    const double half = sinh(0.5 / (double)scale);
    for (size_t b = 0; b < BANDS; b++) {
        int64_t noise = 0;
        ok(sotto_noise_laplace(entropy, scale, 1, &noise), NULL);
        term[b].count += (double)noise;
        term[b].variance = 1 / (2 * half * half);
    }
}

typedef struct world {
    hq_term shown[BANDS], taken[BANDS];
    double reach, takes; /* the truth */
} world;

static void draw_world(world *w, uint64_t *state, double rate)
{
    *w = (world){.reach = DECISIONS};
    weigh(w->shown);
    weigh(w->taken);
    for (size_t i = 0; i < DECISIONS; i++) {
        const double chance = CHANCES[i % SOTTO_COUNT(CHANCES)];
        /* The less likely it is shown, the likelier it is taken: what was shown says too little. */
        const bool takes = uniform(state) < rate * (2 - chance), shown = uniform(state) < chance;
        w->takes += takes;
        w->shown[band_of(chance)].count += shown;
        w->taken[band_of(chance)].count += shown && takes;
    }
}

static void the_other_policys_truth_lies_within(void **state)
{
    (void)state;
    enum { WORLDS = 300 };
    uint64_t seed = 11;
    const sotto_entropy entropy = {.ctx = &seed, .fill = seeded};
    const hq_sums laplace = {.task = {.noise = SOTTO_NOISE_LAPLACE}};
    const hq_sureness sure = {.noise = hq_sums_deviations(&laplace, 950000), .draw = 1.96, .cluster = 1};
    static const double RATES[] = {0.001, 0.02, 0.3};
    for (size_t r = 0; r < SOTTO_COUNT(RATES); r++) {
        int reach = 0, takes = 0, rate = 0;
        for (int i = 0; i < WORLDS; i++) {
            static world w;
            draw_world(&w, &seed, RATES[r]);
            add_noise(w.shown, &entropy, 8);
            add_noise(w.taken, &entropy, 8);
            const hq_figure n = hq_terms_sum(w.shown, BANDS, &sure), t = hq_terms_sum(w.taken, BANDS, &sure),
                            of = hq_terms_ratio(&t, &n);
            reach += n.low <= w.reach && w.reach <= n.high;
            takes += t.low <= w.takes && w.takes <= t.high;
            rate += of.low <= w.takes / w.reach && w.takes / w.reach <= of.high;
            assert_true(n.low <= n.value && n.value <= n.high && t.low <= t.value && t.value <= t.high);
        }
        /* Of 300 at 95 %, below 275 has a chance of one in four hundred; bands make them wider. */
        if (reach < 275 || takes < 275 || rate < 275)
            fail_msg("rate %g: %d, %d, %d of %d", RATES[r], reach, takes, rate, WORLDS);
    }
}

static void without_noise_and_width_only_the_draw_is_left(void **state)
{
    (void)state;
    hq_term term[] = {{.count = 40, .low = 4, .high = 4, .share = 1},
                      {.count = 7, .low = 1, .high = 1, .share = 0.5}};
    const hq_sureness none = {.noise = 0, .draw = 0, .cluster = 1},
                      sure = {.noise = 2, .draw = 1.96, .cluster = 1},
                      clustered = {.noise = 2, .draw = 1.96, .cluster = 4};
    hq_figure f = hq_terms_sum(term, 2, &none);
    near(f.value, 163.5, 1e-9);
    assert_true(f.low == f.value && f.high == f.value);
    f = hq_terms_sum(term, 2, &sure);
    /* 4 x 1.96 x sqrt(40 x 3/4), about. */
    near((f.high - f.low) / 2, 4 * 1.96 * sqrt(30), 3);
    hq_figure wide = hq_terms_sum(term, 2, &clustered);
    assert_true(wide.low < f.low && wide.high > f.high);
    f = hq_terms_sum(&term[1], 1, &sure); /* what is certain is not drawn */
    assert_true(f.low == f.value && f.high == f.value);
    term[0].high = INFINITY;
    f = hq_terms_sum(term, 2, &sure);
    assert_true(isinf(f.high) && isfinite(f.value));
    term[0].variance = 1000; /* noise explains it */
    f = hq_terms_sum(term, 2, &sure);
    assert_true(isfinite(f.high));
    const hq_figure whole = {10, 0, 20};
    assert_true(isnan(hq_terms_ratio(&f, &whole).value));
}

/* ---- the commands ---- */

static const char FIGURE_TASKS[] =
    "{\"format\":\"sotto-tasks\",\"version\":2,\"lifetime_epsilon\":20,\"tasks\":[\n"
    "{\"name\":\"visits\",\"id\":5,\"type\":\"funnel\",\"mode\":\"one-collector\",\"epsilon\":1,\"bound\":1,"
    "\"period_days\":1,\"smallest_batch\":20,\"tables\":[[{\"of\":\"tag\",\"tag\":\"segment\",\"bins\":["
    "\"young\"]},"
    "{\"of\":\"step\"}]]},\n"
    "{\"name\":\"scores\",\"id\":6,\"type\":\"offer-counts\",\"mode\":\"one-collector\",\"epsilon\":1,"
    "\"bound\":1,"
    "\"period_days\":1,\"tables\":[[{\"of\":\"score\",\"edges\":[0.1,0.5]},{\"of\":\"outcome\"}]]},\n"
    "{\"name\":\"who\",\"id\":7,\"type\":\"tag-counts\",\"mode\":\"one-collector\",\"epsilon\":1,\"bound\":1,"
    "\"period_days\":1,\"tables\":[[{\"of\":\"tag\",\"tag\":\"segment\",\"bins\":[\"young\",\"old\"]}]]}]}\n";

static void report(terminal *t, uint32_t task, int32_t day, const int64_t *cells, size_t count)
{
    memcpy(t->cells, cells, count * sizeof *cells);
    t->report.task_id = task;
    t->report.period_day = day;
    t->report.epsilon_ueps = 1000000;
    t->report.bound = 1;
    t->report.release_version = 2;
    t->report.cell_count = count;
    if (t->seq > 0)
        ok(sotto_sha256(sotto_span_of(t->sealed, t->sealed_len), t->previous), NULL);
    terminal_seal(t, t->seq + 1);
    assert_int_equal(send_report(&collector, t), 200);
}

/* A figure in millionths; -1 for null. */
static int64_t million(sotto_json_node node, const char *name)
{
    int64_t value = -1;
    sotto_json_node member = sotto_json_member(node, name);
    assert_int_not_equal(sotto_json_type(member), SOTTO_JSON_ABSENT);
    if (sotto_json_type(member) != SOTTO_JSON_NULL)
        ok(sotto_json_as_decimal(member, 6, &value, NULL), NULL);
    return value;
}

static terminal *publish_and_enrol(void)
{
    terminal *t = terminal_new("atm-1", 1);
    enrol(&collector, t);
    write_text("tasks.json", FIGURE_TASKS);
    assert_int_equal(publish_files(), 0);
    return t;
}

static void funnel_says_rates(void **state)
{
    (void)state;
    static const int64_t CELLS[] = {0, 1000, 500, 100, 50, 10, 5, 3, 1};
    terminal *t = publish_and_enrol();
    report(t, 5, TEST_PERIOD_DAY, CELLS, SOTTO_COUNT(CELLS));
    assert_int_equal(RUN(hq_cmd_funnel, "funnel", "--dir", at("office")), 0);
    assert_int_equal(RUN(hq_cmd_funnel, "funnel", "--dir", at("office"), "--json"), 0);
    sotto_json *doc = printed();
    sotto_json_node rows = sotto_json_member(sotto_json_root(doc), "rows"), first = sotto_json_at(rows, 0);
    assert_int_equal(sotto_json_count(rows), 3); /* young, other, all */
    assert_int_equal(million(first, "shown_rate"), 500000);
    assert_int_equal(million(first, "taken_rate"), 100000);
    assert_true(million(first, "taken_rate_low") < 100000 && million(first, "taken_rate_high") > 100000);
    bool withheld = false;
    ok(sotto_json_get_bool(sotto_json_at(rows, 1), "withheld", &withheld, NULL), NULL);
    assert_true(withheld);
    assert_int_equal(million(sotto_json_at(rows, 2), "dismissed_rate"), 103 * 1000000 / 505);
    sotto_json_free(doc);
    assert_int_equal(RUN(hq_cmd_funnel, "funnel", "--dir", at("office"), "--task", "6"), 4);
    terminal_free(t);
}

static void lift_says_auc(void **state)
{
    (void)state;
    static const int64_t CELLS[] = {0, 1000, 50, 500, 100, 200, 100, 77, 7};
    const hq_histogram h = {.bins = 3, .shown = {1000, 500, 200}, .taken = {50, 100, 100}};
    terminal *t = publish_and_enrol();
    report(t, 6, TEST_PERIOD_DAY, CELLS, SOTTO_COUNT(CELLS));
    assert_int_equal(RUN(hq_cmd_lift, "lift", "--dir", at("office")), 0);
    assert_int_equal(RUN(hq_cmd_lift, "lift", "--dir", at("office"), "--contacts", "20", "--json"), 0);
    sotto_json *doc = printed();
    sotto_json_node root = sotto_json_root(doc), bins = sotto_json_member(root, "bins");
    int64_t auc = million(root, "auc");
    near((double)auc / 1e6, auc_of_pairs(&h), 1e-6);
    assert_true(million(root, "auc_low") < auc && million(root, "auc_high") > auc);
    near((double)million(root, "gain") / 1e6, (100 + 100 * 140.0 / 500) / 250, 1e-6);
    sotto_span text;
    ok(sotto_json_get_str(sotto_json_at(bins, 0), "calibration", &text, NULL), NULL);
    assert_true(sotto_span_is(text, "as said")); /* 5 % below 0.1 */
    ok(sotto_json_get_str(sotto_json_at(bins, 1), "calibration", &text, NULL), NULL);
    assert_true(sotto_span_is(text, "as said")); /* 20 % in 0.1 .. 0.5 */
    sotto_json_free(doc);
    assert_int_equal(RUN(hq_cmd_lift, "lift", "--dir", at("office"), "--contacts", "100"), 2);
    terminal_free(t);
}

static void write_ages(const char *name, size_t times)
{
    static char table[16384];
    size_t len = (size_t)snprintf(table, sizeof table, "segment,x\n");
    for (size_t i = 0; i < 10 * times; i++)
        len += (size_t)snprintf(table + len, sizeof table - len, "%s,1\n", i % 10 == 0 ? "old" : "young");
    assert_true(len < sizeof table);
    write_text(name, table);
}

static void drift_is_seen(void **state)
{
    (void)state;
    static const int64_t BEFORE[] = {0, 500, 500, 0}, AFTER[] = {0, 900, 100, 0};
    terminal *t = publish_and_enrol();
    report(t, 7, TEST_PERIOD_DAY - 1, BEFORE, SOTTO_COUNT(BEFORE));
    assert_int_equal(RUN(hq_cmd_drift, "drift", "--dir", at("office"), "--task", "7"), 0); /* one period */
    report(t, 7, TEST_PERIOD_DAY, AFTER, SOTTO_COUNT(AFTER));
    assert_int_equal(RUN(hq_cmd_drift, "drift", "--dir", at("office"), "--task", "7"), 0);
    sotto_span text;
    static const char *const VERDICTS[] = {"moved", "too few to say", "as before"};
    for (size_t i = 0; i < 3; i++) {
        if (i == 0)
            assert_int_equal(RUN(hq_cmd_drift, "drift", "--dir", at("office"), "--task", "7", "--json"), 0);
        else { /* nine young to one old is what came: ten rows cannot say so, a thousand can */
            write_ages("table.csv", i == 1 ? 1 : 100);
            assert_int_equal(RUN(hq_cmd_drift, "drift", "--dir", at("office"), "--task", "7", "--json",
                                 "--from", "2026-11-20", "--table", at("table.csv")),
                             0);
        }
        sotto_json *doc = printed();
        sotto_json_node inputs = sotto_json_member(sotto_json_root(doc), "inputs");
        ok(sotto_json_get_str(sotto_json_at(inputs, 0), "verdict", &text, NULL), NULL);
        assert_true(sotto_span_is(text, VERDICTS[i]));
        sotto_json_free(doc);
    }
    assert_int_equal(RUN(hq_cmd_drift, "drift", "--dir", at("office"), "--table", at("none.csv")), 4);
    terminal_free(t);
}

static void plans_are_told(void **state)
{
    (void)state;
    write_text("tasks.json", FIGURE_TASKS);
    assert_int_equal(RUN(hq_cmd_plan_task, "plan-task", "--tasks", at("tasks.json")), 0);
    assert_int_equal(
        RUN(hq_cmd_plan_task, "plan-task", "--tasks", at("tasks.json"), "--terminals", "10", "--json"), 0);
    sotto_json *doc = printed();
    sotto_json_node root = sotto_json_root(doc), first = sotto_json_at(sotto_json_member(root, "tasks"), 0);
    uint64_t width;
    int64_t said;
    assert_int_equal(million(first, "cost_of_full_report"), 1000000);
    ok(sotto_json_get_i64(first, "full_reports", 0, 99, &said, NULL), NULL);
    assert_int_equal(said, 20);
    assert_int_equal(sotto_noise_half_width(1, 1, 300, 950000, &width), SOTTO_OK);
    ok(sotto_json_get_i64(first, "plus_minus_30_days", 0, 9999, &said, NULL), NULL);
    assert_int_equal(said, width);
    assert_int_equal(million(root, "epsilon_a_day"), 3000000);
    /* 15 of 20 after five days; of the rest 3 are kept for counting once who is left out, of each task. */
    assert_int_equal(million(root, "epsilon_lasts_days"), 5000000);
    sotto_json_free(doc);
    write_text("tasks.json", "{}");
    assert_int_equal(RUN(hq_cmd_plan_task, "plan-task", "--tasks", at("tasks.json")), 3);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(exact_counts_have_no_interval),
        cmocka_unit_test(the_true_auc_lies_within),
        cmocka_unit_test(stability),
        cmocka_unit_test(the_other_policys_truth_lies_within),
        cmocka_unit_test(without_noise_and_width_only_the_draw_is_left),
        T(funnel_says_rates),
        T(lift_says_auc),
        T(drift_is_seen),
        T(plans_are_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
