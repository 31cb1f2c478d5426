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

static void contributions_keep_order(void **state)
{
    (void)state;
    static uint8_t memory[CONTRIBUTION_MAX];
    static sotto_contribution full, read;
    sotto_buf record = sotto_buf_of(memory, sizeof memory);
    sotto_contribution part = {.cells = {5, 0, 4095, 5}, .count = 4};
    assert_ok(sotto_contribution_write(&part, &record));
    assert_ok(sotto_contribution_read(&read, sotto_buf_span(&record), NULL));
    assert_int_equal(read.count, 4);
    assert_memory_equal(read.cells, part.cells, 4 * sizeof part.cells[0]);
    record.len = 0;
    full.count = SOTTO_TASK_BOUND_MAX;
    memset(full.cells, 0xff, sizeof full.cells);
    assert_ok(sotto_contribution_write(&full, &record));
}

static void damaged_contributions_are_refused(void **state)
{
    (void)state;
    uint8_t memory[64];
    sotto_buf record = sotto_buf_of(memory, sizeof memory);
    sotto_contribution part = {.cells = {5, 300, 4095}, .count = 3}, read;
    assert_ok(sotto_contribution_write(&part, &record));
    for (size_t len = 0; len < record.len; len++) {
        assert_cause(sotto_contribution_read(&read, sotto_span_of(memory, len), NULL), CORRUPT);
        assert_int_equal(read.count, 0);
    }
    memory[0] = 3;
    assert_cause(sotto_contribution_read(&read, sotto_buf_span(&record), NULL), UNSUPPORTED);
    static const uint8_t MANY[] = {2, 0xe9, 0x07}; /* 1001 cells announced */
    assert_cause(sotto_contribution_read(&read, sotto_span_of(MANY, sizeof MANY), NULL), CORRUPT);
}

static void ledgers_keep_what_was_spent(void **state)
{
    (void)state;
    sotto_ledger in = {.spent_ueps = UINT64_MAX - 1,
                       .spent_rho_nano = 77,
                       .since_day = -3,
                       .count = LEDGER_TASKS_MAX},
                 out;
    for (uint32_t i = 0; i < LEDGER_TASKS_MAX; i++)
        in.task[i] = (sotto_ledger_task){.id = i + 1, .spent = UINT64_MAX - i, .told = i % 2 == 1};
    assert_ok(sotto_ledger_get(w.store, customer_of(1).key, &out, NULL));
    assert_true(out.spent_ueps == 0 && out.since_day == 0);
    assert_ok(sotto_ledger_put(w.store, customer_of(1).key, &in, NULL));
    assert_ok(sotto_ledger_get(w.store, customer_of(1).key, &out, NULL));
    assert_true(out.spent_ueps == in.spent_ueps && out.since_day == in.since_day);
    assert_true(out.spent_rho_nano == 77 && out.count == LEDGER_TASKS_MAX);
    for (uint32_t i = 0; i < LEDGER_TASKS_MAX; i++)
        assert_true(out.task[i].id == i + 1 && out.task[i].spent == UINT64_MAX - i &&
                    out.task[i].told == (i % 2 == 1));
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
    uint64_t ueps, rho;
    static const uint8_t TOO_MANY[22] = {2, [21] = 17}; /* tasks announced */
    sotto_ledger out;
    assert_ok(sotto_store_put(w.store, SOTTO_RECORD_LEDGER, customer_of(1).key, 0,
                              sotto_span_of(TOO_MANY, sizeof TOO_MANY), NULL));
    assert_cause(sotto_ledger_get(w.store, customer_of(1).key, &out, NULL), CORRUPT);
    assert_ok(
        sotto_store_put(w.store, SOTTO_RECORD_LEDGER, customer_of(1).key, 0, sotto_span_of("\3", 1), NULL));
    assert_cause(sotto_tally_spent(w.store, customer_of(1).key, &ueps, &rho, NULL), UNSUPPORTED);
}

#define LONG_NAME "wwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwww" /* 64 */

static sotto_table campaigns_of(const char *const *names, size_t count)
{
    sotto_table table = {.dimensions = 1, .cells = count};
    table.dimension[0] =
        (sotto_dimension){.kind = SOTTO_DIMENSION_CAMPAIGN, .names = names, .named = count, .bins = count};
    return table;
}

static void the_longest_audit_note_fits(void **state)
{
    (void)state;
    sotto_task task = task_of(UINT64_MAX, 1000, 31);
    task.delta_e12 = UINT64_MAX;
    task.has_left_out = true;
    task.id = UINT32_MAX;
    memset(task.name, 'w', sizeof task.name - 1);
    task.cells = SOTTO_TASK_CELLS_MAX;
    static const char *const NAMES[] = {"a\"b", "loan", LONG_NAME, "a-name-of-some-thirty-bytes", "one"},
                             *const AGAIN[] = {"loan", "new"};
    const sotto_table table[] = {campaigns_of(NAMES, SOTTO_COUNT(NAMES)),
                                 campaigns_of(AGAIN, SOTTO_COUNT(AGAIN))};
    task.table = table;
    task.table_count = SOTTO_COUNT(table);
    sotto_audit_note line = {.task = &task,
                             .period_day = INT32_MIN,
                             .behind = 1000000000,
                             .left_out = 1000000000,
                             .told = 1000000000};
    sotto_outbox_entry entry;
    assert_ok(sotto_audit_note_write(&line, entry.note, sizeof entry.note));
    sotto_json *doc = NULL;
    assert_ok(sotto_json_parse(&doc, sotto_span_str(entry.note), "note", NULL));
    sotto_json_node names = sotto_json_member(sotto_json_root(doc), "campaigns");
    assert_int_equal(sotto_json_count(names), 3);
    sotto_span name;
    assert_ok(sotto_json_as_str(sotto_json_at(names, 0), &name, NULL));
    assert_true(sotto_span_is(name, "a\"b"));
    int64_t more = 0;
    assert_ok(sotto_json_get_i64(sotto_json_root(doc), "campaigns_more", 0, 100, &more, NULL));
    assert_int_equal(more, 3); /* "loan" is one campaign in both tables */
    sotto_json_free(doc);
}

/* A task that tells no campaigns apart says nothing of them; one whose names all fit says no "more". */
static void a_note_names_what_is_counted(void **state)
{
    (void)state;
    static const char *const ONE[] = {"loan"};
    const sotto_table table[] = {campaigns_of(ONE, 1), {.dimensions = 0}};
    sotto_task task = task_of(1000000, 8, 1);
    sotto_outbox_entry entry;
    for (size_t first = 0; first < 2; first++) {
        task.table = table + first;
        task.table_count = 1;
        const sotto_audit_note line = {.task = &task};
        assert_ok(sotto_audit_note_write(&line, entry.note, sizeof entry.note));
        assert_true((strstr(entry.note, "\"campaigns\":[\"loan\"]}") != NULL) == (first == 0));
        assert_null(strstr(entry.note, "campaigns_more"));
    }
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
    static const struct CMUnitTest TESTS[] = {
        TEST(contributions_keep_order),    TEST(damaged_contributions_are_refused),
        TEST(ledgers_keep_what_was_spent), TEST(damaged_ledgers_are_refused),
        TEST(the_longest_audit_note_fits), TEST(a_note_names_what_is_counted),
    };
    return cmocka_run_group_tests(TESTS, NULL, NULL);
}
