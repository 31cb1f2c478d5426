/* The two records as bytes: what is written is read, damage and newer versions are refused. */
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

static void contributions_keep_order_and_other_tasks(void **state)
{
    (void)state;
    uint8_t first_memory[CONTRIBUTION_MAX], second_memory[CONTRIBUTION_MAX];
    sotto_buf first = sotto_buf_of(first_memory, sizeof first_memory);
    sotto_buf second = sotto_buf_of(second_memory, sizeof second_memory);
    sotto_contribution a = {.cells = {5, 0, 4095, 5}, .count = 4}, b = {.cells = {1}, .count = 1}, read;
    assert_ok(sotto_contribution_write(&a, 7, sotto_span_of("", 0), &first, NULL));
    assert_ok(sotto_contribution_write(&b, UINT32_MAX, sotto_buf_span(&first), &second, NULL));
    assert_ok(sotto_contribution_read(&read, sotto_buf_span(&second), 7, NULL));
    assert_int_equal(read.count, 4);
    assert_memory_equal(read.cells, a.cells, 4 * sizeof a.cells[0]);
    assert_ok(sotto_contribution_read(&read, sotto_buf_span(&second), UINT32_MAX, NULL));
    assert_int_equal(read.count, 1);
    assert_ok(sotto_contribution_read(&read, sotto_buf_span(&second), 8, NULL));
    assert_int_equal(read.count, 0);
    first.len = 0;
    b.cells[b.count++] = 2;
    assert_ok(sotto_contribution_write(&b, UINT32_MAX, sotto_buf_span(&second), &first, NULL));
    assert_ok(sotto_contribution_read(&read, sotto_buf_span(&first), UINT32_MAX, NULL));
    assert_int_equal(read.count, 2);
    assert_ok(sotto_contribution_read(&read, sotto_buf_span(&first), 7, NULL));
    assert_int_equal(read.count, 4);
}

static void largest_contribution_fits(void **state)
{
    (void)state;
    static uint8_t memory[2][CONTRIBUTION_MAX];
    static sotto_contribution part;
    sotto_buf buf[2] = {sotto_buf_of(memory[0], CONTRIBUTION_MAX), sotto_buf_of(memory[1], CONTRIBUTION_MAX)};
    part.count = TALLY_BOUND_MAX;
    memset(part.cells, 0xff, sizeof part.cells);
    for (uint32_t task = 0; task < CONTRIBUTION_TASKS_MAX; task++) {
        sotto_buf *from = &buf[task % 2], *to = &buf[1 - task % 2];
        to->len = 0;
        assert_ok(sotto_contribution_write(&part, UINT32_MAX - task, sotto_buf_span(from), to, NULL));
    }
}

static void damaged_contributions_are_refused(void **state)
{
    (void)state;
    uint8_t memory[64];
    sotto_buf record = sotto_buf_of(memory, sizeof memory);
    sotto_contribution part = {.cells = {5, 300, 4095}, .count = 3}, read;
    assert_ok(sotto_contribution_write(&part, 300, sotto_span_of("", 0), &record, NULL));
    for (size_t len = 0; len < record.len; len++) {
        if (len == 1)
            continue; /* the version alone: no parts */
        assert_cause(sotto_contribution_read(&read, sotto_span_of(memory, len), 300, NULL), CORRUPT);
        assert_int_equal(read.count, 0);
    }
    memory[0] = 2;
    assert_cause(sotto_contribution_read(&read, sotto_buf_span(&record), 300, NULL), UNSUPPORTED);
    static const uint8_t MANY[] = {1, 3, 0xe9, 0x07}; /* 1001 cells announced */
    assert_cause(sotto_contribution_read(&read, sotto_span_of(MANY, sizeof MANY), 3, NULL), CORRUPT);
}

static void ledgers_keep_what_was_spent(void **state)
{
    (void)state;
    sotto_ledger in = {.spent_ueps = UINT64_MAX - 1, .since_day = -3}, out;
    assert_ok(sotto_ledger_get(w.store, customer_of(1).key, &out, NULL));
    assert_true(out.spent_ueps == 0 && out.since_day == 0);
    assert_ok(sotto_ledger_put(w.store, customer_of(1).key, &in, NULL));
    assert_ok(sotto_ledger_get(w.store, customer_of(1).key, &out, NULL));
    assert_true(out.spent_ueps == in.spent_ueps && out.since_day == in.since_day);
    assert_int_equal(spent(&w, 2), 0);
}

/* A record that cannot be read must never look like an unspent budget. */
static void damaged_ledgers_are_refused(void **state)
{
    (void)state;
    static const uint8_t RECORD[14] = {1, 9};
    for (size_t len = 0; len <= sizeof RECORD; len++) {
        sotto_ledger out;
        assert_ok(sotto_store_put(w.store, SOTTO_RECORD_LEDGER, customer_of(1).key, 0,
                                  sotto_span_of(RECORD, len), NULL));
        sotto_status status = sotto_ledger_get(w.store, customer_of(1).key, &out, NULL);
        assert_int_equal(sotto_status_cause(status), len == 13 ? 0 : SOTTO_CAUSE_CORRUPT);
    }
    uint64_t ueps;
    assert_ok(
        sotto_store_put(w.store, SOTTO_RECORD_LEDGER, customer_of(1).key, 0, sotto_span_of("\2", 1), NULL));
    assert_cause(sotto_tally_spent(w.store, customer_of(1).key, &ueps, NULL), UNSUPPORTED);
}

static void the_longest_audit_note_fits(void **state)
{
    (void)state;
    sotto_task task = task_of(UINT64_MAX, 1000, 31);
    memset(task.name, 'w', sizeof task.name - 1);
    task.cells = SOTTO_TASK_CELLS_MAX;
    sotto_audit_note line = {.task = &task,
                             .period_day = INT32_MIN,
                             .behind = 1000000000,
                             .left_out = 1000000000,
                             .bytes = SOTTO_REPORT_MAX};
    sotto_outbox_entry entry;
    assert_ok(sotto_audit_note_write(&line, entry.note, sizeof entry.note));
    sotto_json *doc = NULL;
    assert_ok(sotto_json_parse(&doc, sotto_span_str(entry.note), "note", NULL));
    sotto_json_free(doc);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
    static const struct CMUnitTest TESTS[] = {
        TEST(contributions_keep_order_and_other_tasks),
        TEST(largest_contribution_fits),
        TEST(damaged_contributions_are_refused),
        TEST(ledgers_keep_what_was_spent),
        TEST(damaged_ledgers_are_refused),
        TEST(the_longest_audit_note_fits),
    };
    return cmocka_run_group_tests(TESTS, NULL, NULL);
}
