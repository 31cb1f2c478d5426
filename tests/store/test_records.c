#include "store_test.h"

static struct place place;

static int set_up(void **state)
{
    place = place_make();
    *state = store_open(&place, true);
    return 0;
}

static int tear_down(void **state)
{
    sotto_store_close(*state);
    place_remove(&place);
    return 0;
}

static void a_record_is_what_was_put(void **state)
{
    sotto_store *store = *state;
    put_text(store, SOTTO_RECORD_PROFILE, 1, 0, "one");
    put_text(store, SOTTO_RECORD_COUNTERS, 1, 0, "two");
    put_text(store, SOTTO_RECORD_CONTRIBUTION, 1, 20000, "three");
    put_text(store, SOTTO_RECORD_CONTRIBUTION, 1, -5, "four");
    put_text(store, SOTTO_RECORD_PROFILE, 2, 0, "");
    assert_string_equal(get_text(store, SOTTO_RECORD_PROFILE, 1, 0).text, "one");
    assert_string_equal(get_text(store, SOTTO_RECORD_COUNTERS, 1, 0).text, "two");
    assert_string_equal(get_text(store, SOTTO_RECORD_CONTRIBUTION, 1, 20000).text, "three");
    assert_string_equal(get_text(store, SOTTO_RECORD_CONTRIBUTION, 1, -5).text, "four");
    put_text(store, SOTTO_RECORD_PROFILE, 1, 0, "five");
    assert_string_equal(get_text(store, SOTTO_RECORD_PROFILE, 1, 0).text, "five");
    sotto_buf empty = sotto_buf_of(NULL, 0);
    assert_ok(sotto_store_get(store, SOTTO_RECORD_PROFILE, customer_of(2).key, 0, &empty, NULL));
    assert_cause(sotto_store_get(store, SOTTO_RECORD_PROFILE, customer_of(3).key, 0, &empty, NULL),
                 NOT_FOUND);
    assert_cause(sotto_store_get(store, SOTTO_RECORD_PROFILE, customer_of(1).key, 1, &empty, NULL),
                 NOT_FOUND);
}

static void get_appends_and_refuses_what_does_not_fit(void **state)
{
    sotto_store *store = *state;
    uint8_t memory[6];
    sotto_buf out = sotto_buf_of(memory, sizeof memory);
    put_text(store, SOTTO_RECORD_PROFILE, 1, 0, "abc");
    assert_ok(sotto_store_get(store, SOTTO_RECORD_PROFILE, customer_of(1).key, 0, &out, NULL));
    assert_ok(sotto_store_get(store, SOTTO_RECORD_PROFILE, customer_of(1).key, 0, &out, NULL));
    assert_memory_equal(memory, "abcabc", 6);
    out.len = 4;
    assert_cause(sotto_store_get(store, SOTTO_RECORD_PROFILE, customer_of(1).key, 0, &out, NULL), NO_SPACE);
    assert_int_equal(out.len, 4);
}

static void large_records_are_kept(void **state)
{
    sotto_store *store = *state;
    static uint8_t in[100000], memory[100000];
    for (size_t i = 0; i < sizeof in; i++)
        in[i] = (uint8_t)(i * 7);
    for (size_t len = 1; len <= sizeof in; len = len * 3 + 1) {
        sotto_buf out = sotto_buf_of(memory, sizeof memory);
        assert_ok(sotto_store_put(store, SOTTO_RECORD_PROFILE, customer_of(1).key, 0, sotto_span_of(in, len),
                                  NULL));
        assert_ok(sotto_store_get(store, SOTTO_RECORD_PROFILE, customer_of(1).key, 0, &out, NULL));
        assert_int_equal(out.len, len);
        assert_memory_equal(memory, in, len);
    }
}

static void drop_takes_one(void **state)
{
    sotto_store *store = *state;
    put_text(store, SOTTO_RECORD_PROFILE, 1, 0, "x");
    put_text(store, SOTTO_RECORD_PROFILE, 2, 0, "y");
    assert_ok(sotto_store_drop(store, SOTTO_RECORD_PROFILE, customer_of(1).key, 0, NULL));
    assert_cause(sotto_store_drop(store, SOTTO_RECORD_PROFILE, customer_of(1).key, 0, NULL), NOT_FOUND);
    assert_string_equal(get_text(store, SOTTO_RECORD_PROFILE, 2, 0).text, "y");
}

static void forget_leaves_the_ledger_only(void **state)
{
    sotto_store *store = *state;
    for (uint32_t n = 1; n <= 2; n++) {
        put_text(store, SOTTO_RECORD_PROFILE, n, 0, "p");
        put_text(store, SOTTO_RECORD_COUNTERS, n, 0, "c");
        put_text(store, SOTTO_RECORD_HISTORY, n, 0, "h");
        put_text(store, SOTTO_RECORD_LEDGER, n, 0, "l");
        for (int64_t day = 20000; day < 20005; day++)
            put_text(store, SOTTO_RECORD_CONTRIBUTION, n, day, "d");
        put_text(store, SOTTO_RECORD_CONTRIBUTION, n, INT64_MAX, "d");
        put_text(store, SOTTO_RECORD_CONTRIBUTION, n, INT64_MIN, "d");
    }
    assert_ok(sotto_store_forget(store, customer_of(1).key, NULL));
    uint64_t count;
    for (enum sotto_record kind = SOTTO_RECORD_PROFILE; kind <= SOTTO_RECORD_HISTORY; kind++) {
        assert_ok(sotto_store_count(store, kind, &count, NULL));
        assert_int_equal(count, kind == SOTTO_RECORD_CONTRIBUTION ? 7 : kind == SOTTO_RECORD_LEDGER ? 2 : 1);
    }
    assert_string_equal(get_text(store, SOTTO_RECORD_LEDGER, 1, 0).text, "l");
    assert_string_equal(get_text(store, SOTTO_RECORD_CONTRIBUTION, 2, 20003).text, "d");
    assert_cause(sotto_store_forget(store, customer_of(1).key, NULL), NOT_FOUND);
    assert_cause(sotto_store_forget(store, customer_of(9).key, NULL), NOT_FOUND);
}

static void forget_truncates_the_log(void **state)
{
    sotto_store *store = *state;
    char log[128];
    (void)snprintf(log, sizeof log, "%s-wal", place.path);
    for (uint32_t n = 1; n < 50; n++)
        put_text(store, SOTTO_RECORD_PROFILE, n, 0, "p");
    FILE *file = fopen(log, "rb");
    assert_non_null(file);
    assert_true(fgetc(file) != EOF);
    fclose(file);
    assert_ok(sotto_store_begin(store, NULL));
    assert_ok(sotto_store_forget(store, customer_of(7).key, NULL));
    assert_ok(sotto_store_commit(store, NULL));
    file = fopen(log, "rb");
    assert_non_null(file);
    assert_int_equal(fgetc(file), EOF);
    fclose(file);
}

struct walk {
    sotto_store *store;
    uint32_t seen, stop_at;
};

static sotto_status visit(void *ctx, const uint8_t *key, sotto_span bytes)
{
    struct walk *walk = ctx;
    struct customer expected = customer_of(++walk->seen);
    assert_memory_equal(key, expected.key, sizeof expected.key);
    /* Records of other kinds may be changed; the bytes in hand stay. */
    assert_ok(sotto_store_put(walk->store, SOTTO_RECORD_LEDGER, key, 0, sotto_span_str("ledger"), NULL));
    assert_true(sotto_span_is(bytes, "contribution"));
    return walk->seen == walk->stop_at ? SOTTO_ERR(TALLY, SPENT) : SOTTO_OK;
}

static void walks_go_in_key_order(void **state)
{
    sotto_store *store = *state;
    enum { CUSTOMERS = 300 };
    assert_ok(sotto_store_begin(store, NULL));
    for (uint32_t n = CUSTOMERS; n >= 1; n--) {
        put_text(store, SOTTO_RECORD_CONTRIBUTION, n, 20000, "contribution");
        put_text(store, SOTTO_RECORD_CONTRIBUTION, n, 20001, "another day");
    }
    assert_ok(sotto_store_commit(store, NULL));
    struct walk walk = {.store = store};
    assert_ok(sotto_store_begin(store, NULL));
    assert_ok(sotto_store_each(store, SOTTO_RECORD_CONTRIBUTION, 20000, visit, &walk, NULL));
    assert_int_equal(walk.seen, CUSTOMERS);
    assert_ok(sotto_store_commit(store, NULL));
    walk = (struct walk){.store = store, .stop_at = 5};
    assert_int_equal(sotto_store_each(store, SOTTO_RECORD_CONTRIBUTION, 20000, visit, &walk, NULL),
                     SOTTO_ERR(TALLY, SPENT));
    assert_int_equal(walk.seen, 5);
    uint64_t count;
    assert_ok(sotto_store_count(store, SOTTO_RECORD_LEDGER, &count, NULL));
    assert_int_equal(count, CUSTOMERS);
}

static void periods_are_found_and_dropped(void **state)
{
    sotto_store *store = *state;
    int64_t sub;
    uint64_t count;
    assert_cause(sotto_store_first_sub(store, SOTTO_RECORD_CONTRIBUTION, &sub, NULL), NOT_FOUND);
    for (uint32_t n = 1; n <= 10; n++)
        for (int64_t day = 3; day >= -1; day -= 2)
            put_text(store, SOTTO_RECORD_CONTRIBUTION, n, day, "c");
    for (int64_t day = -1; day <= 3; day += 2) {
        assert_ok(sotto_store_first_sub(store, SOTTO_RECORD_CONTRIBUTION, &sub, NULL));
        assert_int_equal(sub, day);
        assert_ok(sotto_store_drop_all(store, SOTTO_RECORD_CONTRIBUTION, day, NULL));
        assert_ok(sotto_store_count(store, SOTTO_RECORD_CONTRIBUTION, &count, NULL));
        assert_int_equal(count, (3 - day) / 2 * 10);
    }
    assert_ok(sotto_store_drop_all(store, SOTTO_RECORD_CONTRIBUTION, 3, NULL));
}

static void transactions_are_whole(void **state)
{
    sotto_store *store = *state;
    assert_cause(sotto_store_commit(store, NULL), CONFLICT);
    sotto_store_rollback(store);
    assert_ok(sotto_store_begin(store, NULL));
    assert_cause(sotto_store_begin(store, NULL), CONFLICT);
    put_text(store, SOTTO_RECORD_PROFILE, 1, 0, "lost");
    assert_ok(sotto_store_set_i64(store, "a", 1, NULL));
    sotto_store_rollback(store);
    assert_string_equal(get_text(store, SOTTO_RECORD_PROFILE, 1, 0).text, "");
    assert_ok(sotto_store_begin(store, NULL));
    put_text(store, SOTTO_RECORD_PROFILE, 1, 0, "kept");
    assert_ok(sotto_store_commit(store, NULL));
    assert_string_equal(get_text(store, SOTTO_RECORD_PROFILE, 1, 0).text, "kept");
}

static void named_values(void **state)
{
    sotto_store *store = *state;
    int64_t value;
    uint8_t memory[8];
    sotto_buf out = sotto_buf_of(memory, sizeof memory);
    assert_cause(sotto_store_get_i64(store, "time.floor_s", &value, NULL), NOT_FOUND);
    assert_ok(sotto_store_set_i64(store, "time.floor_s", INT64_MIN, NULL));
    assert_ok(sotto_store_get_i64(store, "time.floor_s", &value, NULL));
    assert_true(value == INT64_MIN);
    assert_ok(sotto_store_set_i64(store, "time.floor_s", 17, NULL));
    assert_ok(sotto_store_get_i64(store, "time.floor_s", &value, NULL));
    assert_int_equal(value, 17);
    assert_cause(sotto_store_get_blob(store, "time.floor_s", &out, NULL), CONFLICT);
    assert_ok(sotto_store_set_blob(store, "b", sotto_span_str("bytes"), NULL));
    assert_ok(sotto_store_get_blob(store, "b", &out, NULL));
    assert_true(sotto_span_is(sotto_buf_span(&out), "bytes"));
    assert_cause(sotto_store_get_blob(store, "b", &out, NULL), NO_SPACE);
    assert_cause(sotto_store_get_i64(store, "b", &value, NULL), CONFLICT);
    assert_ok(sotto_store_set_blob(store, "b", sotto_span_of("", 0), NULL));
    out.len = 0;
    assert_ok(sotto_store_get_blob(store, "b", &out, NULL));
    assert_int_equal(out.len, 0);
}

static void everything_is_there_after_reopening(void **state)
{
    sotto_store *store = *state;
    int64_t value;
    put_text(store, SOTTO_RECORD_PROFILE, 1, 0, "kept");
    assert_ok(sotto_store_set_i64(store, "n", 3, NULL));
    assert_ok(sotto_store_begin(store, NULL));
    put_text(store, SOTTO_RECORD_PROFILE, 2, 0, "not committed");
    sotto_store_close(store);
    *state = store = store_open(&place, false);
    assert_string_equal(get_text(store, SOTTO_RECORD_PROFILE, 1, 0).text, "kept");
    assert_string_equal(get_text(store, SOTTO_RECORD_PROFILE, 2, 0).text, "");
    assert_ok(sotto_store_get_i64(store, "n", &value, NULL));
    assert_int_equal(value, 3);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
    static const struct CMUnitTest TESTS[] = {
        TEST(a_record_is_what_was_put),
        TEST(get_appends_and_refuses_what_does_not_fit),
        TEST(large_records_are_kept),
        TEST(drop_takes_one),
        TEST(forget_leaves_the_ledger_only),
        TEST(forget_truncates_the_log),
        TEST(walks_go_in_key_order),
        TEST(periods_are_found_and_dropped),
        TEST(transactions_are_whole),
        TEST(named_values),
        TEST(everything_is_there_after_reopening),
    };
    return cmocka_run_group_tests(TESTS, NULL, NULL);
}
