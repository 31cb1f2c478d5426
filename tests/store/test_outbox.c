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

static sotto_status append(sotto_store *store, uint64_t seq, const char *sealed)
{
    sotto_outbox_entry entry = {.seq = seq, .sealed_s = 1000 + (int64_t)seq, .note = "{\"task\":\"offers\"}"};
    return sotto_store_outbox_append(store, &entry, sotto_span_str(sealed), NULL);
}

static void next_is(sotto_store *store, uint64_t seq, const char *sealed)
{
    sotto_outbox_entry entry;
    sotto_vec bytes;
    uint8_t hash[SOTTO_SHA256_BYTES];
    sotto_vec_init(&bytes, 1 << 16);
    assert_ok(sotto_store_outbox_next(store, &entry, &bytes, NULL));
    assert_int_equal(entry.seq, seq);
    assert_int_equal(entry.sealed_s, 1000 + (int64_t)seq);
    assert_int_equal(entry.acked_s, 0);
    assert_int_equal(entry.bytes, strlen(sealed));
    assert_string_equal(entry.note, "{\"task\":\"offers\"}");
    assert_true(sotto_span_is(sotto_vec_span(&bytes), sealed));
    assert_ok(sotto_sha256(sotto_span_str(sealed), hash));
    assert_memory_equal(hash, entry.sha256, sizeof hash);
    sotto_vec_free(&bytes);
}

static sotto_status ack(sotto_store *store, uint64_t seq, const char *sealed)
{
    uint8_t hash[SOTTO_SHA256_BYTES];
    assert_ok(sotto_sha256(sotto_span_str(sealed), hash));
    return sotto_store_outbox_ack(store, seq, hash, 5000, NULL);
}

static void nothing_waits(sotto_store *store)
{
    sotto_outbox_entry entry;
    sotto_vec bytes;
    sotto_vec_init(&bytes, 1 << 16);
    assert_cause(sotto_store_outbox_next(store, &entry, &bytes, NULL), NOT_FOUND);
    assert_int_equal(bytes.len, 0);
}

static void sum_is(sotto_store *store, sotto_outbox_sum expected)
{
    sotto_outbox_sum sum;
    assert_ok(sotto_store_outbox_sum(store, &sum, NULL));
    assert_int_equal(sum.reports, expected.reports);
    assert_int_equal(sum.waiting, expected.waiting);
    assert_int_equal(sum.set_aside, expected.set_aside);
    assert_int_equal(sum.last_ack_s, expected.last_ack_s);
}

static void reports_leave_in_sequence(void **state)
{
    sotto_store *store = *state;
    nothing_waits(store);
    sum_is(store, (sotto_outbox_sum){0});
    assert_ok(append(store, 1, "first"));
    assert_ok(append(store, 2, "second"));
    next_is(store, 1, "first");
    next_is(store, 1, "first"); /* the same bytes until acknowledged */
    assert_cause(ack(store, 1, "other bytes"), CONFLICT);
    assert_cause(ack(store, 3, "third"), CONFLICT);
    assert_cause(ack(store, 0, "first"), CONFLICT);
    assert_cause(ack(store, UINT64_MAX, "first"), CONFLICT);
    next_is(store, 1, "first");
    assert_ok(ack(store, 1, "first"));
    assert_ok(ack(store, 1, "first"));
    assert_cause(ack(store, 1, "second"), CONFLICT);
    next_is(store, 2, "second");
    assert_ok(ack(store, 2, "second"));
    nothing_waits(store);
}

static void sequence_has_no_gaps(void **state)
{
    sotto_store *store = *state;
    uint64_t next;
    uint8_t previous[SOTTO_SHA256_BYTES], expected[SOTTO_SHA256_BYTES] = {0};
    assert_ok(sotto_store_outbox_head(store, &next, previous, NULL));
    assert_int_equal(next, 1);
    assert_memory_equal(previous, expected, sizeof expected);
    assert_cause(append(store, 2, "x"), CONFLICT);
    assert_cause(append(store, 0, "x"), CONFLICT);
    assert_ok(append(store, 1, "x"));
    assert_cause(append(store, 1, "x"), CONFLICT);
    assert_ok(sotto_store_outbox_head(store, &next, previous, NULL));
    assert_int_equal(next, 2);
    assert_ok(sotto_sha256(sotto_span_str("x"), expected));
    assert_memory_equal(previous, expected, sizeof expected);
}

static sotto_status count_entry(void *ctx, const sotto_outbox_entry *entry, sotto_span sealed)
{
    uint64_t *seen = ctx;
    assert_int_equal(entry->seq, ++*seen);
    assert_int_equal(entry->bytes, sealed.len);
    assert_int_equal(entry->acked_s, entry->seq == 1 ? 5000 : entry->seq == 2 ? -1 : 0);
    return SOTTO_OK;
}

/* A damaged report must not stop those behind it. */
static void damaged_reports_are_set_aside(void **state)
{
    sotto_store *store = *state;
    sotto_outbox_entry entry;
    sotto_vec bytes;
    sotto_diag diag = {0};
    uint64_t seen = 0;
    assert_ok(append(store, 1, "first"));
    assert_ok(append(store, 2, "second"));
    assert_ok(append(store, 3, "third"));
    assert_ok(ack(store, 1, "first"));
    assert_ok(sotto_store_exec(store->db, "UPDATE outbox SET sealed = x'00' WHERE seq = 2", "damage", NULL));
    sotto_vec_init(&bytes, 1 << 16);
    assert_ok(sotto_store_outbox_next(store, &entry, &bytes, &diag));
    assert_non_null(strstr(diag.text, "report 2"));
    assert_int_equal(entry.seq, 3);
    sotto_vec_free(&bytes);
    next_is(store, 3, "third");
    assert_ok(sotto_store_outbox_each(store, count_entry, &seen, NULL));
    assert_int_equal(seen, 3);
    sum_is(store, (sotto_outbox_sum){.reports = 3, .waiting = 1, .set_aside = 1, .last_ack_s = 5000});
}

static sotto_status stop(void *ctx, const sotto_outbox_entry *entry, sotto_span sealed)
{
    (void)sealed;
    *(uint64_t *)ctx = entry->seq;
    return SOTTO_ERR(KIOSK, IO);
}

static void a_walk_can_be_ended(void **state)
{
    sotto_store *store = *state;
    uint64_t seen = 0;
    assert_ok(append(store, 1, "first"));
    assert_ok(append(store, 2, "second"));
    assert_int_equal(sotto_store_outbox_each(store, stop, &seen, NULL), SOTTO_ERR(KIOSK, IO));
    assert_int_equal(seen, 1);
    assert_int_equal(sotto_store_outbox_each(store, stop, &seen, NULL), SOTTO_ERR(KIOSK, IO));
}

static void a_report_larger_than_the_buffer_waits(void **state)
{
    sotto_store *store = *state;
    sotto_outbox_entry entry;
    sotto_vec bytes;
    assert_ok(append(store, 1, "first"));
    sotto_vec_init(&bytes, 3);
    assert_cause(sotto_store_outbox_next(store, &entry, &bytes, NULL), RANGE);
    sotto_vec_free(&bytes);
    next_is(store, 1, "first");
}

static void told_is(sotto_store *store, uint64_t seq, int64_t acked_s)
{
    sotto_outbox_entry entry;
    assert_ok(sotto_store_outbox_untold(store, &entry, NULL));
    assert_int_equal(entry.seq, seq);
    assert_int_equal(entry.acked_s, acked_s);
}

/* Refused by head office: behind it the next one leaves; head office is told once; it can be sent again. */
static void refused_reports_are_set_aside(void **state)
{
    sotto_store *store = *state;
    sotto_outbox_entry entry;
    uint8_t hash[SOTTO_SHA256_BYTES];
    assert_ok(append(store, 1, "first"));
    assert_ok(append(store, 2, "second"));
    assert_ok(append(store, 3, "third"));
    assert_cause(sotto_store_outbox_untold(store, &entry, NULL), NOT_FOUND);
    assert_ok(sotto_sha256(sotto_span_str("second"), hash));
    assert_cause(sotto_store_outbox_refuse(store, 1, hash, NULL), CONFLICT);
    assert_cause(sotto_store_outbox_refuse(store, 9, hash, NULL), CONFLICT);
    assert_ok(sotto_store_outbox_refuse(store, 2, hash, NULL));
    assert_ok(sotto_store_outbox_refuse(store, 2, hash, NULL));
    assert_ok(sotto_sha256(sotto_span_str("first"), hash));
    assert_ok(sotto_store_outbox_refuse(store, 1, hash, NULL));
    next_is(store, 3, "third");
    sum_is(store, (sotto_outbox_sum){.reports = 3, .waiting = 1, .set_aside = 2});
    told_is(store, 1, -3);
    assert_cause(sotto_store_outbox_told(store, 2, NULL), CONFLICT); /* oldest first */
    assert_ok(sotto_store_outbox_told(store, 1, NULL));
    assert_ok(sotto_store_outbox_told(store, 1, NULL));
    told_is(store, 2, -3);
    assert_ok(sotto_store_outbox_told(store, 2, NULL));
    assert_cause(sotto_store_outbox_untold(store, &entry, NULL), NOT_FOUND);
    sum_is(store, (sotto_outbox_sum){.reports = 3, .waiting = 1, .set_aside = 2});
    assert_ok(sotto_store_outbox_again(store, NULL));
    next_is(store, 1, "first");
    sum_is(store, (sotto_outbox_sum){.reports = 3, .waiting = 3});
    assert_ok(ack(store, 1, "first"));
    assert_ok(sotto_store_outbox_refuse(store, 1, hash, NULL)); /* acknowledged stays so */
    assert_cause(sotto_store_outbox_untold(store, &entry, NULL), NOT_FOUND);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
    static const struct CMUnitTest TESTS[] = {
        TEST(reports_leave_in_sequence),     TEST(sequence_has_no_gaps),
        TEST(damaged_reports_are_set_aside), TEST(refused_reports_are_set_aside),
        TEST(a_walk_can_be_ended),           TEST(a_report_larger_than_the_buffer_waits),
    };
    return cmocka_run_group_tests(TESTS, NULL, NULL);
}
