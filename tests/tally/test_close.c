#include "tally_test.h"

static struct world w;
static struct opened opened;
static uint64_t seed;

static int set_up(void **state)
{
    (void)state;
    w = world_make();
    seed = 42;
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    world_remove(&w);
    return 0;
}

/* Noise is 0 in every draw, so that cells can be compared; lifetime is ten full contributions. */
static sotto_task exact_task(uint32_t bound, uint32_t period_days)
{
    return task_of((uint64_t)NOISELESS_PER_EVENT_UEPS * bound, bound, period_days);
}

static sotto_tally_result close_ok(const sotto_task *task, int64_t day)
{
    sotto_tally_result result;
    sotto_diag diag = {0};
    if (close_at(&w, task, day, &seed, &result, &diag) != SOTTO_OK)
        fail_msg("close: %s", diag.text);
    return result;
}

static void a_new_store_only_learns_where_periods_begin(void **state)
{
    (void)state;
    sotto_task task = exact_task(4, 1);
    assert_int_equal(close_ok(&task, DAY).reports, 0);
    assert_int_equal(open_day(&w, 3), DAY);
    assert_false(take_report(&w, &opened));
    assert_int_equal(close_ok(&task, DAY).reports, 0);
    assert_int_equal(close_ok(&task, DAY + 1).reports, 1);
}

static void counts_debits_and_deletes(void **state)
{
    (void)state;
    sotto_task task = exact_task(4, 1);
    assert_true(note(&w, &task, 1, 0, DAY) && note(&w, &task, 1, 0, DAY) && note(&w, &task, 1, 17, DAY));
    assert_true(note(&w, &task, 2, 0, DAY));
    assert_true(note(&w, &task, 3, 5, DAY + 1));
    sotto_tally_result result = close_ok(&task, DAY + 1);
    assert_true(result.reports == 1 && result.last_seq == 1 && result.customers == 2 &&
                result.spent_out == 0);
    assert_true(result.debited_ueps == 4 * (uint64_t)NOISELESS_PER_EVENT_UEPS && result.skipped_periods == 0);
    assert_true(take_report(&w, &opened));
    const sotto_report *r = &opened.report;
    assert_true(r->seq == 1 && r->task_id == 3 && r->release_version == 9 && r->period_day == DAY);
    assert_true(r->period_days == 1 && r->bound == 4 && r->epsilon_ueps == task.epsilon_ueps);
    assert_string_equal(r->device, "kiosk-1");
    assert_int_equal(r->cell_count, task.cells);
    for (size_t i = 0; i < task.cells; i++)
        assert_int_equal(r->cells[i], i == 0 ? 3 : i == 17 ? 1 : 0);
    assert_int_equal(spent(&w, 1), 3 * (uint64_t)NOISELESS_PER_EVENT_UEPS);
    assert_int_equal(spent(&w, 2), NOISELESS_PER_EVENT_UEPS);
    assert_int_equal(spent(&w, 3), 0);
    uint64_t left;
    assert_ok(sotto_store_count(w.store, SOTTO_RECORD_CONTRIBUTION, &left, NULL));
    assert_int_equal(left, 1); /* of the running period */
    assert_non_null(strstr(opened.entry.note, "\"behind\":2"));
    assert_non_null(strstr(opened.entry.note, "\"task\":\"offers\""));
}

/* A report for every period, also for those in which nothing happened, chained by hashes. */
static void empty_periods_report_too(void **state)
{
    (void)state;
    sotto_task task = exact_task(4, 1);
    uint8_t previous[SOTTO_SHA256_BYTES] = {0};
    size_t bytes = 0;
    assert_true(note(&w, &task, 1, 0, DAY));
    sotto_tally_result result = close_ok(&task, DAY + 5);
    assert_true(result.reports == 5 && result.last_seq == 5 && result.customers == 1);
    for (int day = DAY; day < DAY + 5; day++) {
        assert_true(take_report(&w, &opened));
        assert_int_equal(opened.report.period_day, day);
        assert_memory_equal(opened.report.previous, previous, sizeof previous);
        memcpy(previous, opened.entry.sha256, sizeof previous);
        assert_true(bytes == 0 || opened.entry.bytes == bytes);
        bytes = opened.entry.bytes;
    }
    assert_false(take_report(&w, &opened));
}

static void a_spent_customer_counts_as_nothing(void **state)
{
    (void)state;
    sotto_task task = exact_task(4, 1);
    task.quota_ueps = 7 * (uint64_t)NOISELESS_PER_EVENT_UEPS;
    for (int day = DAY; day < DAY + 3; day++)
        for (int i = 0; i < 4; i++)
            assert_true(note(&w, &task, 1, 0, day));
    assert_true(note(&w, &task, 1, 0, DAY + 3)); /* a smaller one still fits */
    assert_true(note(&w, &task, 2, 1, DAY + 1));
    sotto_tally_result result = close_ok(&task, DAY + 4);
    assert_true(result.reports == 4 && result.customers == 3 && result.spent_out == 2);
    static const int64_t EXPECTED[4][2] = {{4, 0}, {0, 1}, {0, 0}, {1, 0}};
    for (int day = 0; day < 4; day++) {
        assert_true(take_report(&w, &opened));
        assert_int_equal(opened.report.cells[0], EXPECTED[day][0]);
        assert_int_equal(opened.report.cells[1], EXPECTED[day][1]);
    }
    assert_int_equal(spent(&w, 1), 5 * (uint64_t)NOISELESS_PER_EVENT_UEPS);
}

/* The budget is one for all tasks: what another task spent counts. */
static void the_budget_is_shared_by_tasks(void **state)
{
    (void)state;
    sotto_task first = exact_task(4, 1), second = exact_task(4, 1);
    second.id = 4;
    second.quota_ueps = 6 * (uint64_t)NOISELESS_PER_EVENT_UEPS;
    for (int i = 0; i < 4; i++)
        assert_true(note(&w, &first, 1, 0, DAY));
    assert_int_equal(close_ok(&first, DAY + 1).customers, 1);
    for (int i = 0; i < 4; i++)
        assert_true(note(&w, &second, 1, 0, DAY + 1));
    assert_int_equal(close_ok(&second, DAY + 2).spent_out, 1);
    assert_int_equal(spent(&w, 1), 4 * (uint64_t)NOISELESS_PER_EVENT_UEPS);
}

static void the_forgotten_count_nothing_but_stay_debited(void **state)
{
    (void)state;
    sotto_task task = exact_task(4, 1);
    assert_true(note(&w, &task, 1, 0, DAY) && note(&w, &task, 1, 0, DAY + 1) &&
                note(&w, &task, 2, 0, DAY + 1));
    assert_int_equal(close_ok(&task, DAY + 1).customers, 1);
    assert_ok(sotto_store_forget(w.store, customer_of(1).key, NULL));
    assert_int_equal(close_ok(&task, DAY + 2).customers, 1);
    assert_true(take_report(&w, &opened) && take_report(&w, &opened));
    assert_int_equal(opened.report.cells[0], 1);
    assert_int_equal(spent(&w, 1), NOISELESS_PER_EVENT_UEPS);
}

/* A release in the middle of a period: fewer cells, a smaller bound, another id. Nobody pays for what is not
 * counted. */
static void a_changed_task_clips_what_was_noted(void **state)
{
    (void)state;
    sotto_task before = exact_task(4, 1), after = exact_task(2, 1);
    after.table = table_at(0, 6);
    after.cells = 6;
    assert_true(note(&w, &before, 1, 17, DAY));
    for (size_t cell = 0; cell < 3; cell++)
        assert_true(note(&w, &before, 1, cell, DAY));
    assert_true(note(&w, &before, 2, 17, DAY));
    sotto_tally_result result = close_ok(&after, DAY + 1);
    assert_true(result.customers == 1 && result.spent_out == 0);
    assert_true(take_report(&w, &opened));
    assert_int_equal(opened.report.cell_count, 6);
    for (size_t i = 0; i < 6; i++)
        assert_int_equal(opened.report.cells[i], i < 2);
    assert_int_equal(spent(&w, 1), 2 * (uint64_t)NOISELESS_PER_EVENT_UEPS);
    assert_int_equal(spent(&w, 2), 0);
    assert_true(note(&w, &before, 1, 0, DAY + 1));
    after.id = 99;
    assert_int_equal(close_ok(&after, DAY + 2).customers, 0);
    assert_int_equal(spent(&w, 1), 2 * (uint64_t)NOISELESS_PER_EVENT_UEPS);
}

static void longer_periods_begin_whole(void **state)
{
    (void)state;
    const int64_t week_day = DAY / 7 * 7;
    sotto_task daily = exact_task(4, 1), weekly = exact_task(4, 7);
    assert_int_equal(close_ok(&daily, week_day + 2).reports, 0);
    assert_true(note(&w, &daily, 1, 0, week_day + 2));
    assert_int_equal(close_ok(&daily, week_day + 3).reports, 1);
    assert_false(note(&w, &weekly, 1, 0, week_day + 3)); /* its week began before */
    assert_int_equal(close_ok(&weekly, week_day + 7).reports, 0);
    assert_true(note(&w, &weekly, 1, 0, week_day + 8));
    assert_int_equal(close_ok(&weekly, week_day + 13).reports, 0);
    assert_int_equal(close_ok(&weekly, week_day + 14).reports, 1);
    uint64_t left;
    assert_ok(sotto_store_count(w.store, SOTTO_RECORD_CONTRIBUTION, &left, NULL));
    assert_int_equal(left, 0);
}

static void a_clock_set_back_opens_nothing(void **state)
{
    (void)state;
    sotto_task task = exact_task(4, 1);
    assert_true(note(&w, &task, 1, 0, DAY));
    assert_int_equal(close_ok(&task, DAY + 3).reports, 3);
    uint64_t before = spent(&w, 1);
    for (int64_t day = DAY - 2; day <= DAY + 3; day++) {
        assert_int_equal(close_ok(&task, day).reports, 0);
        assert_int_equal(note(&w, &task, 1, 0, day), day == DAY + 3);
    }
    assert_int_equal(spent(&w, 1), before);
    assert_int_equal(close_ok(&task, DAY + 4).reports, 1);
}

static void a_clock_far_ahead_skips_the_oldest(void **state)
{
    (void)state;
    sotto_task task = exact_task(4, 1);
    assert_true(note(&w, &task, 1, 0, DAY) && note(&w, &task, 2, 0, DAY + 40));
    sotto_tally_result result;
    sotto_diag diag = {0};
    assert_ok(close_at(&w, &task, DAY + 100, &seed, &result, &diag));
    assert_true(result.reports == 62 && result.skipped_periods == 38 && result.customers == 1);
    assert_non_null(strstr(diag.text, "38 periods"));
    assert_int_equal(spent(&w, 1), 0);
    assert_true(take_report(&w, &opened));
    assert_int_equal(opened.report.period_day, DAY + 38);
}

static void unusable_clocks_and_tasks_are_refused(void **state)
{
    (void)state;
    sotto_tally_result result;
    sotto_task task = exact_task(4, 1), bad = task;
    assert_cause(close_at(&w, &task, -1, &seed, &result, NULL), RANGE);
    assert_cause(close_at(&w, &task, INT64_MAX / 86400 - 1, &seed, &result, NULL), RANGE);
    bad.bound = 1001;
    assert_cause(close_at(&w, &bad, DAY, &seed, &result, NULL), RANGE);
    bad = task;
    bad.cells = SOTTO_TASK_CELLS_MAX + 1;
    assert_cause(close_at(&w, &bad, DAY, &seed, &result, NULL), RANGE);
    assert_ok(sotto_store_begin(w.store, NULL));
    assert_true(note(&w, &task, 1, 0, DAY));
    assert_cause(close_at(&w, &task, DAY + 1, &seed, &result, NULL), CONFLICT);
    sotto_store_rollback(w.store);
}

struct failing {
    uint64_t seed;
    size_t left; /* good answers before the first failure */
};

static sotto_status failing_fill(void *ctx, void *buf, size_t len)
{
    struct failing *failing = ctx;
    return failing->left-- == 0 ? SOTTO_ERR(PORT, IO) : seeded_fill(&failing->seed, buf, len);
}

/* Entropy that fails at any draw: nobody is debited and no report exists. */
static void nothing_leaves_without_noise(void **state)
{
    (void)state;
    sotto_task task = exact_task(4, 1);
    assert_true(note(&w, &task, 1, 0, DAY));
    for (size_t good = 0; good < task.cells; good++) {
        struct failing failing = {.seed = 1, .left = good};
        sotto_entropy entropy = {.ctx = &failing, .fill = failing_fill};
        sotto_tasks tasks = tasks_of(&task);
        sotto_tally_config config = {.tasks = &tasks,
                                     .vault = w.vault,
                                     .entropy = &entropy,
                                     .device = "kiosk-1",
                                     .release_version = 9,
                                     .now_s = AT(DAY + 1)};
        sotto_tally_result result;
        assert_int_equal(sotto_tally_close(w.store, &config, &result, NULL), SOTTO_ERR(PORT, IO));
        assert_int_equal(result.reports, 0);
        assert_int_equal(spent(&w, 1), 0);
        assert_false(take_report(&w, &opened));
    }
    assert_int_equal(close_ok(&task, DAY + 1).customers, 1);
}

/* The noise is there, is drawn once, and has the variance of its scale: 2 s^2 for s well above 1. */
static void noise_has_its_scale(void **state)
{
    (void)state;
    sotto_task task = task_of(1000000, 8, 1);
    double sum = 0, squares = 0, n = 0;
    assert_true(note(&w, &task, 1, 0, DAY));
    assert_int_equal(close_ok(&task, DAY + 60).reports, 60);
    while (take_report(&w, &opened))
        for (size_t i = 1; i < task.cells; i++, n++) {
            sum += (double)opened.report.cells[i];
            squares += (double)opened.report.cells[i] * (double)opened.report.cells[i];
        }
    assert_true(n == 60 * 17);
    assert_true(sum / n > -2 && sum / n < 2);                       /* standard error .35 */
    assert_true(squares / n > 128 * .7 && squares / n < 128 * 1.3); /* standard error 7 % */
}

static void an_unreadable_record_stops_the_period(void **state)
{
    (void)state;
    sotto_task task = exact_task(4, 1);
    sotto_tally_result result;
    assert_true(note(&w, &task, 1, 0, DAY) && note(&w, &task, 2, 0, DAY));
    assert_ok(
        sotto_store_put(w.store, SOTTO_RECORD_LEDGER, customer_of(2).key, 0, sotto_span_of("\1", 1), NULL));
    assert_cause(close_at(&w, &task, DAY + 1, &seed, &result, NULL), CORRUPT);
    assert_int_equal(spent(&w, 1), 0);
    assert_false(take_report(&w, &opened));
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
    static const struct CMUnitTest TESTS[] = {
        TEST(a_new_store_only_learns_where_periods_begin),
        TEST(counts_debits_and_deletes),
        TEST(empty_periods_report_too),
        TEST(a_spent_customer_counts_as_nothing),
        TEST(the_budget_is_shared_by_tasks),
        TEST(the_forgotten_count_nothing_but_stay_debited),
        TEST(a_changed_task_clips_what_was_noted),
        TEST(longer_periods_begin_whole),
        TEST(a_clock_set_back_opens_nothing),
        TEST(a_clock_far_ahead_skips_the_oldest),
        TEST(unusable_clocks_and_tasks_are_refused),
        TEST(nothing_leaves_without_noise),
        TEST(noise_has_its_scale),
        TEST(an_unreadable_record_stops_the_period),
    };
    return cmocka_run_group_tests(TESTS, NULL, NULL);
}
