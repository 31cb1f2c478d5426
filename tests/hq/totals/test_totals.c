/* Totals: exact sums, honest error bars, missing periods. */
#include "../hq_test.h"
#include "totals/totals.h"

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

static hq_totals totals_of(uint64_t newest, const hq_totals_request *request)
{
    hq_totals totals;
    sotto_diag diag = {0};
    ok(hq_totals_make(&totals, collector.registry, newest, request, &diag), &diag);
    return totals;
}

static const hq_totals_request ALL = {
    .first_day = INT32_MIN, .last_day = INT32_MAX, .confidence_ppm = 950000};

static const hq_cell *cell(const hq_totals *t, size_t campaign, size_t segment)
{
    return &t->cell[campaign * (t->offers.segment_count + 2) + segment];
}

static void nothing_yet(void **state)
{
    (void)state;
    hq_totals totals = totals_of(1, &ALL);
    assert_int_equal(totals.sums.reports, 0);
    assert_true(totals.sums.first_day > totals.sums.last_day);
    assert_int_equal(cell(&totals, 0, 0)->half_width, 0);
    assert_int_equal(cell(&totals, 0, 0)->rate.ppm, -1);
    hq_totals_free(&totals);
    sotto_diag diag = {0};
    cause_is(hq_totals_make(&totals, collector.registry, 0, &ALL, &diag), NOT_FOUND);
    hq_totals_request other = ALL;
    other.task_id = 77;
    cause_is(hq_totals_make(&totals, collector.registry, 1, &other, &diag), NOT_FOUND);
}

/* Cells 100 + index from one terminal, 1000 + index from another, over some periods. */
static void sums_and_filters(void **state)
{
    (void)state;
    terminal *one = terminal_new("atm-1", 1), *two = terminal_new("atm-2", 2);
    enrol(&collector, one);
    enrol(&collector, two);
    for (int i = 0; i < TEST_CELLS; i++) {
        one->cells[i] = 100 + i;
        two->cells[i] = 1000 - i;
    }
    terminal_seal(one, 1);
    assert_int_equal(send_report(&collector, one), 200);
    terminal_next(one);
    assert_int_equal(send_report(&collector, one), 200);
    terminal_next(one); /* never sent: missing */
    terminal_next(one);
    assert_int_equal(send_report(&collector, one), 200);
    two->report.period_day++;
    terminal_seal(two, 1);
    assert_int_equal(send_report(&collector, two), 200); /* began a day later, and two days are missing */
    hq_totals totals = totals_of(1, &ALL);
    assert_int_equal(totals.sums.reports, 4);
    assert_int_equal(totals.sums.devices, 2);
    assert_int_equal(totals.sums.devices_enrolled, 2);
    assert_int_equal(totals.sums.first_day, TEST_PERIOD_DAY);
    assert_int_equal(totals.sums.last_day, TEST_PERIOD_DAY + 3);
    assert_int_equal(totals.sums.periods_missing, 1 + 2);
    for (size_t c = 0; c < 2; c++)
        for (size_t g = 0; g < 3; g++)
            for (size_t o = 0; o < 2; o++) {
                int64_t i = (int64_t)((c * 3 + g) * 2 + o);
                assert_int_equal(cell(&totals, c, g)->count[o], 3 * (100 + i) + 1000 - i);
            }
    assert_int_equal(cell(&totals, 1, 3)->count[1], 3 * (107 + 109 + 111) + (3000 - 7 - 9 - 11));
    hq_totals_free(&totals);
    hq_totals_request narrow = {
        .first_day = TEST_PERIOD_DAY + 1, .last_day = TEST_PERIOD_DAY + 2, .confidence_ppm = 990000};
    totals = totals_of(1, &narrow);
    assert_int_equal(totals.sums.reports, 2);
    assert_int_equal(cell(&totals, 0, 0)->count[0], 1100);
    assert_int_equal(totals.sums.periods_missing, 0);
    hq_totals_free(&totals);
    terminal_free(one);
    terminal_free(two);
}

/* The error bar is that of the sum of the draws, from privacy's own bound; the rate's rectangle is at least
 * as wide. */
static void error_bars(void **state)
{
    (void)state;
    uint64_t expected;
    terminal *one = terminal_new("atm-1", 1);
    enrol(&collector, one);
    one->cells[0] = 1000;
    one->cells[1] = 100;
    terminal_seal(one, 1);
    for (int i = 1; i <= 10; i++) {
        assert_int_equal(send_report(&collector, one), 200);
        terminal_next(one);
    }
    hq_totals totals = totals_of(1, &ALL);
    assert_int_equal(sotto_noise_half_width(8, 1, 10, 950000, &expected),
                     SOTTO_OK); /* bound 4, epsilon 0.5 */
    assert_int_equal(cell(&totals, 0, 0)->half_width, expected);
    assert_int_equal(sotto_noise_half_width(8, 1, 30, 950000, &expected), SOTTO_OK);
    assert_int_equal(cell(&totals, 0, 3)->half_width, expected); /* young, old, other */
    const hq_cell *c = cell(&totals, 0, 0);
    assert_int_equal(c->rate.ppm, 100000);
    assert_true(c->rate.low_ppm < 100000 && c->rate.high_ppm > 100000);
    int64_t w = (int64_t)c->half_width;
    assert_true(c->rate.low_ppm <= (1000 - w) * 1000000 / (10000 + w));
    assert_true(c->rate.high_ppm >= (1000 + w) * 1000000 / (10000 - w));
    assert_int_equal(cell(&totals, 1, 0)->rate.ppm, -1);
    hq_totals_free(&totals);
    terminal_free(one);
}

/* Bytes of a seeded generator (SplitMix64): a test of chances falls the same way every time. */
static sotto_status seeded_fill(void *ctx, void *buf, size_t len)
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

/* At 90 %, no more than the stated share of the truths lies outside. The sums of one cell hang together, so
 * that of 300 rather more or fewer than 30 may: hence a seed, and twice that as the limit. */
static void truth_is_within(void **state)
{
    (void)state;
    enum { TRUTH = 40, REPORTS = 25 };
    uint64_t seed = 1;
    sotto_entropy entropy = {.ctx = &seed, .fill = seeded_fill};
    int outside = 0;
    terminal *t = terminal_new("atm-1", 1);
    enrol(&collector, t);
    for (int i = 1; i <= REPORTS; i++) {
        for (size_t k = 0; k < TEST_CELLS; k++) {
            assert_int_equal(sotto_noise_laplace(&entropy, 8, 1, &t->cells[k]), SOTTO_OK);
            t->cells[k] += TRUTH;
        }
        if (i == 1)
            terminal_seal(t, 1);
        else
            terminal_next(t);
        assert_int_equal(send_report(&collector, t), 200);
        hq_totals_request request = ALL;
        request.confidence_ppm = 900000;
        hq_totals totals = totals_of(1, &request);
        for (size_t c = 0; c < 2; c++)
            for (size_t g = 0; g < 3; g++)
                for (size_t o = 0; o < 2; o++)
                    outside += llabs(cell(&totals, c, g)->count[o] - TRUTH * i) >
                               (int64_t)cell(&totals, c, g)->half_width;
        hq_totals_free(&totals);
    }
    assert_true(outside <= 60); /* 30 expected at worst; the sums of one cell hang together */
    terminal_free(t);
}

/* A release that appends a campaign and changes epsilon: one total, two kinds of noise, each campaign with
 * the draws it has. */
static void over_releases(void **state)
{
    (void)state;
    char changed[4096];
    uint64_t a, b;
    terminal *one = terminal_new("atm-1", 1);
    enrol(&collector, one);
    one->cells[0] = 10;
    terminal_seal(one, 1);
    assert_int_equal(send_report(&collector, one), 200);
    const char *epsilon = strstr(TASKS, "0.5");
    snprintf(changed, sizeof changed, "%.*s0.25%s", (int)(epsilon - TASKS), TASKS, epsilon + 3);
    write_text("tasks.json", changed);
    assert_int_equal(publish_files(), 0);
    one->report.release_version = 2;
    one->report.epsilon_ueps = 250000;
    terminal_next(one);
    assert_int_equal(send_report(&collector, one), 200);
    hq_totals totals = totals_of(2, &ALL);
    assert_int_equal(totals.sums.reports, 2);
    assert_int_equal(cell(&totals, 0, 0)->count[0], 20);
    assert_int_equal(sotto_noise_half_width(8, 1, 1, 975000, &a), SOTTO_OK);
    assert_int_equal(sotto_noise_half_width(16, 1, 1, 975000, &b), SOTTO_OK);
    assert_int_equal(cell(&totals, 0, 0)->half_width, a + b);
    hq_totals_free(&totals);
    terminal_free(one);
}

static void printed_both_ways(void **state)
{
    (void)state;
    sotto_diag diag = {0};
    terminal *one = terminal_new("atm-1", 1);
    enrol(&collector, one);
    one->cells[0] = 500;
    one->cells[1] = 50;
    one->cells[3] = -7;
    terminal_seal(one, 1);
    assert_int_equal(send_report(&collector, one), 200);
    assert_int_equal(RUN(hq_cmd_totals, "totals", "--dir", at("office")), 0);
    assert_int_equal(RUN(hq_cmd_totals, "totals", "--dir", at("office"), "--json", "--from", "2026-11-20",
                         "--to", "2026-11-20"),
                     0);
    sotto_json *doc = printed();
    sotto_json_node rows = sotto_json_member(sotto_json_root(doc), "rows");
    assert_int_equal(sotto_json_count(rows), 2 * 4);
    int64_t shown, reports;
    ok(sotto_json_get_i64(sotto_json_at(rows, 0), "shown", 0, 1000, &shown, &diag), &diag);
    assert_int_equal(shown, 500);
    ok(sotto_json_get_i64(sotto_json_root(doc), "reports", 0, 1000, &reports, &diag), &diag);
    assert_int_equal(reports, 1);
    sotto_json_free(doc);
    assert_int_equal(RUN(hq_cmd_totals, "totals", "--dir", at("office"), "--from", "20.11.2026"), 2);
    assert_int_equal(
        RUN(hq_cmd_totals, "totals", "--dir", at("office"), "--from", "2026-11-21", "--to", "2026-11-20"), 2);
    assert_int_equal(RUN(hq_cmd_totals, "totals", "--dir", at("office"), "--confidence", "100"), 2);
    assert_int_equal(RUN(hq_cmd_totals, "totals", "--dir", at("nowhere")), 4);
    terminal_free(one);
}

/* Two tasks with several dimensions: a line each, customers left out, small rows withheld. */
static const char TWO_TASKS[] =
    "{\"format\":\"sotto-tasks\",\"version\":2,\"lifetime_epsilon\":20,\"tasks\":[\n"
    "{\"name\":\"visits\",\"id\":5,\"type\":\"funnel\",\"mode\":\"one-collector\",\"epsilon\":0.5,\"bound\":"
    "4,"
    "\"period_days\":1,\"smallest_batch\":50,\"tables\":[[{\"of\":\"tag\",\"tag\":\"segment\",\"bins\":["
    "\"young\"]},"
    "{\"of\":\"step\"}]]},\n"
    "{\"name\":\"scores\",\"id\":6,\"type\":\"offer-counts\",\"mode\":\"one-collector\",\"epsilon\":0.5,"
    "\"bound\":4,"
    "\"period_days\":1,\"tables\":[[{\"of\":\"score\",\"edges\":[0.1,0.5]},{\"of\":\"outcome\"}]]}]}\n";

static void every_task(void **state)
{
    (void)state;
    sotto_vec text;
    terminal *one = terminal_new("atm-1", 1);
    enrol(&collector, one);
    write_text("tasks.json", TWO_TASKS);
    assert_int_equal(publish_files(), 0);
    static const int64_t CELLS[] = {3, 400, 300, 100, 60, 40, 30, 20, 10};
    memcpy(one->cells, CELLS, sizeof CELLS);
    one->report.task_id = 5;
    one->report.release_version = 2;
    one->report.cell_count = SOTTO_COUNT(CELLS);
    terminal_seal(one, 1);
    assert_int_equal(send_report(&collector, one), 200);
    assert_int_equal(RUN(hq_cmd_totals, "totals", "--dir", at("office")), 0);
    sotto_vec_init(&text, 1 << 16);
    ok(sotto_port_read_file(at("stdout"), &text, NULL), NULL);
    assert_int_equal(sotto_vec_put(&text, "", 1), SOTTO_OK);
    assert_non_null(strstr((char *)text.ptr, "withheld: fewer than 50"));
    assert_non_null(strstr((char *)text.ptr, "Left out: 3 customers"));
    assert_non_null(strstr((char *)text.ptr, "Task scores (6)"));
    assert_null(strstr((char *)text.ptr, " 40 "));
    sotto_vec_free(&text);
    assert_int_equal(RUN(hq_cmd_totals, "totals", "--dir", at("office"), "--task", "5", "--json"), 0);
    sotto_json *doc = printed();
    sotto_json_node root = sotto_json_root(doc), rows = sotto_json_at(sotto_json_member(root, "tables"), 0);
    int64_t count = 0;
    ok(sotto_json_get_i64(root, "left_out", 0, 99, &count, NULL), NULL);
    assert_int_equal(count, 3);
    ok(sotto_json_get_i64(sotto_json_at(rows, 0), "taken", 0, 99, &count, NULL), NULL);
    assert_int_equal(count, 60);
    assert_int_equal(sotto_json_type(sotto_json_member(sotto_json_at(rows, 1), "card_in")), SOTTO_JSON_NULL);
    sotto_json_free(doc);
    terminal_free(one);
}

static void devices_listed(void **state)
{
    (void)state;
    sotto_diag diag = {0};
    terminal *one = terminal_new("atm-1", 1);
    enrol(&collector, one);
    terminal_seal(one, 3);
    assert_int_equal(send_report(&collector, one), 200);
    assert_int_equal(
        RUN(hq_cmd_enrol_code, "enrol-code", "--dir", at("office"), "--device", "atm-0", "--json"), 0);
    assert_int_equal(RUN(hq_cmd_devices, "devices", "--dir", at("office")), 0);
    assert_int_equal(RUN(hq_cmd_devices, "devices", "--dir", at("office"), "--json"), 0);
    sotto_json *doc = printed();
    sotto_json_node list = sotto_json_member(sotto_json_root(doc), "devices"),
                    second = sotto_json_at(list, 1);
    sotto_span text;
    int64_t missing;
    assert_int_equal(sotto_json_count(list), 2);
    ok(sotto_json_get_str(sotto_json_at(list, 0), "state", &text, &diag), &diag);
    assert_true(sotto_span_is(text, "invited"));
    ok(sotto_json_get_i64(second, "missing", 0, 99, &missing, &diag), &diag);
    assert_int_equal(missing, 2);
    ok(sotto_json_get_str(sotto_json_at(sotto_json_member(second, "alarms"), 0), "alarm", &text, &diag),
       &diag);
    assert_true(sotto_span_is(text, "gap"));
    sotto_json_free(doc);
    terminal_free(one);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
int main(void)
{
    const struct CMUnitTest tests[] = {
        T(nothing_yet),   T(sums_and_filters),  T(error_bars), T(truth_is_within),
        T(over_releases), T(printed_both_ways), T(every_task), T(devices_listed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
