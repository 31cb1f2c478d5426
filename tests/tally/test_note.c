#include "tally_test.h"

static struct world w;

static int set_up(void **state)
{
    (void)state;
    w = world_make();
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    world_remove(&w);
    return 0;
}

static uint32_t counted_on(uint32_t n, int64_t period, const sotto_task *task)
{
    uint8_t memory[CONTRIBUTION_MAX];
    sotto_buf record = sotto_buf_of(memory, sizeof memory);
    sotto_contribution part;
    sotto_status status = sotto_store_get(w.store, SOTTO_RECORD_CONTRIBUTION, customer_of(n).key,
                                          sotto_tally_sub(task->id, period), &record, NULL);
    if (sotto_status_cause(status) == SOTTO_CAUSE_NOT_FOUND)
        return 0;
    assert_ok(status);
    assert_ok(sotto_contribution_read(&part, sotto_buf_span(&record), NULL));
    return part.count;
}

static void events_past_the_bound_are_dropped(void **state)
{
    (void)state;
    sotto_task task = task_of(1000000, 3, 1);
    for (size_t i = 0; i < 3; i++)
        assert_true(note(&w, &task, 1, i, DAY));
    assert_false(note(&w, &task, 1, 3, DAY));
    assert_int_equal(counted_on(1, DAY, &task), 3);
    assert_true(note(&w, &task, 1, 3, DAY + 1));
    assert_true(note(&w, &task, 2, 3, DAY));
}

/* An event counts in each table or in none. */
static void an_event_counts_whole(void **state)
{
    (void)state;
    sotto_task task = task_of(1000000, 5, 1);
    const sotto_tally_cells event = {.cell = {1, 7}, .count = 2};
    for (int i = 0; i < 3; i++) {
        bool counted = false;
        assert_ok(sotto_tally_note(w.store, &task, customer_of(1).key, &event, AT(DAY), &counted, NULL));
        assert_int_equal(counted, i < 2);
    }
    assert_int_equal(counted_on(1, DAY, &task), 4);
}

static void periods_are_counted_from_1970(void **state)
{
    (void)state;
    sotto_task week = task_of(1000000, 8, 7);
    const int64_t first = DAY / 7 * 7;
    assert_true(note(&w, &week, 1, 0, first));
    assert_true(note(&w, &week, 1, 0, first + 6));
    assert_true(note(&w, &week, 1, 0, first + 7));
    assert_int_equal(counted_on(1, first, &week), 2);
    assert_int_equal(counted_on(1, first + 7, &week), 1);
    assert_int_equal(sotto_tally_period_of(&week, -1), -7);
    assert_int_equal(sotto_tally_day_of(-1), -1);
    assert_int_equal(sotto_tally_day_of(86399), 0);
    for (int64_t day = -3; day <= 3; day++) {
        int64_t sub = sotto_tally_sub(7, day * 1000000);
        assert_true(sotto_tally_sub_task(sub) == 7 && sotto_tally_sub_day(sub) == day * 1000000);
        assert_true(sub > sotto_tally_sub(6, INT32_MAX) && sub < sotto_tally_sub(8, INT32_MIN));
    }
}

static void closed_periods_take_nothing(void **state)
{
    (void)state;
    sotto_task task = task_of(1000000, 8, 1);
    assert_ok(sotto_store_set_i64(w.store, SOTTO_TALLY_NEXT_DAY, DAY, NULL));
    assert_false(note(&w, &task, 1, 0, DAY - 1));
    assert_true(note(&w, &task, 1, 0, DAY));
    assert_int_equal(counted_on(1, DAY - 1, &task), 0);
}

static void a_note_is_part_of_the_callers_transaction(void **state)
{
    (void)state;
    sotto_task task = task_of(1000000, 8, 1);
    assert_ok(sotto_store_begin(w.store, NULL));
    assert_true(note(&w, &task, 1, 0, DAY));
    sotto_store_rollback(w.store);
    assert_int_equal(counted_on(1, DAY, &task), 0);
    assert_ok(sotto_store_begin(w.store, NULL));
    assert_true(note(&w, &task, 1, 0, DAY));
    assert_ok(sotto_store_commit(w.store, NULL));
    assert_int_equal(counted_on(1, DAY, &task), 1);
}

static void an_unreadable_record_is_left_alone(void **state)
{
    (void)state;
    sotto_task task = task_of(1000000, 8, 1);
    bool counted = true;
    assert_ok(sotto_store_put(w.store, SOTTO_RECORD_CONTRIBUTION, customer_of(1).key, sotto_tally_sub(3, DAY),
                              sotto_span_of("\3x", 2), NULL));
    const sotto_tally_cells event = {.cell = {0}, .count = 1};
    assert_cause(sotto_tally_note(w.store, &task, customer_of(1).key, &event, AT(DAY), &counted, NULL),
                 UNSUPPORTED);
    assert_false(counted);
    uint8_t memory[8];
    sotto_buf record = sotto_buf_of(memory, sizeof memory);
    assert_ok(sotto_store_get(w.store, SOTTO_RECORD_CONTRIBUTION, customer_of(1).key, sotto_tally_sub(3, DAY),
                              &record, NULL));
    assert_true(sotto_span_is(sotto_buf_span(&record), "\3x"));
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
    static const struct CMUnitTest TESTS[] = {
        TEST(events_past_the_bound_are_dropped),
        TEST(an_event_counts_whole),
        TEST(periods_are_counted_from_1970),
        TEST(closed_periods_take_nothing),
        TEST(a_note_is_part_of_the_callers_transaction),
        TEST(an_unreadable_record_is_left_alone),
    };
    return cmocka_run_group_tests(TESTS, NULL, NULL);
}
