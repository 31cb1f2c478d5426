#include "decide_test.h"

static sotto_counters c, d;

static void shown(uint16_t campaign, int32_t day, unsigned times)
{
    while (times-- > 0)
        assert_int_equal(
            sotto_counters_apply(&c, campaign, SOTTO_EVENT_SHOWN, INT64_C(86400) * day + 36000, day),
            SOTTO_OK);
}

static uint32_t count(uint16_t campaign, int32_t today, unsigned days)
{
    const sotto_counter *e = sotto_counters_find(&c, campaign);
    return e == NULL ? 0 : sotto_counter_shown(e, today, days);
}

static void test_windows(void **state)
{
    (void)state;
    sotto_counters_clear(&c);
    shown(5, TODAY, 2);
    shown(5, TODAY + 1, 1);
    shown(5, TODAY + 6, 1);
    assert_int_equal(count(5, TODAY + 6, 1), 1);
    assert_int_equal(count(5, TODAY + 6, 7), 4);
    assert_int_equal(count(5, TODAY + 7, 7), 2);
    assert_int_equal(count(5, TODAY + 7, 1), 0);
    assert_int_equal(count(5, TODAY + 29, 30), 4);
    assert_int_equal(count(5, TODAY + 30, 30), 2);
    assert_int_equal(count(5, TODAY + 400, 30), 0);
    assert_int_equal(sotto_counters_find(&c, 5)->shown_total, 4);
    assert_int_equal(sotto_counters_find(&c, 5)->last_shown_s, INT64_C(86400) * (TODAY + 6) + 36000);
    assert_null(sotto_counters_find(&c, 4));
}

/* Straight from a list of days. */
static void test_windows_by_definition(void **state)
{
    (void)state;
    uint64_t seed = 77;
    for (int round = 0; round < 300; round++) {
        int32_t days[60], day = TODAY;
        size_t n = 0;
        sotto_counters_clear(&c);
        for (; n < SOTTO_COUNT(days); n++) {
            day += (int32_t)(writer_random(&seed) % 5 == 0 ? writer_random(&seed) % 40 : 0);
            days[n] = day;
            shown(9, day, 1);
        }
        for (int32_t today = day; today < day + 40; today++)
            for (unsigned window = 1; window <= 30; window++) {
                uint32_t expected = 0;
                for (size_t i = 0; i < n; i++)
                    expected += days[i] > today - (int32_t)window && days[i] <= today;
                assert_int_equal(count(9, today, window), expected);
            }
    }
}

static void test_a_clock_set_back_frees_nothing(void **state)
{
    (void)state;
    sotto_counters_clear(&c);
    shown(1, TODAY, 3);
    assert_int_equal(count(1, TODAY - 300, 1), 3);
    shown(1, TODAY - 300, 1); /* counted on the last day known */
    assert_int_equal(count(1, TODAY, 1), 4);
    assert_int_equal(sotto_counters_find(&c, 1)->anchor_day, TODAY);
    assert_int_equal(sotto_counters_apply(&c, 1, SOTTO_EVENT_TAKEN, 0, TODAY), SOTTO_OK);
    assert_int_equal(sotto_counters_apply(&c, 1, SOTTO_EVENT_TAKEN, 0, TODAY - 9), SOTTO_OK);
    assert_int_equal(sotto_counters_find(&c, 1)->taken_day, TODAY);
    assert_int_equal(count(1, TODAY - 1, 1), 4);
}

static void test_other_events_change_nothing(void **state)
{
    (void)state;
    sotto_counters_clear(&c);
    assert_int_equal(sotto_counters_apply(&c, 1, SOTTO_EVENT_CARD_IN, NOON_S, TODAY), SOTTO_OK);
    assert_int_equal(sotto_counters_apply(&c, 1, SOTTO_EVENT_NONE, NOON_S, TODAY), SOTTO_OK);
    assert_int_equal(c.count, 0);
    assert_int_equal(sotto_status_cause(sotto_counters_apply(&c, 0, SOTTO_EVENT_SHOWN, NOON_S, TODAY)),
                     SOTTO_CAUSE_USAGE);
    assert_int_equal(c.count, 0);
}

static void test_counts_stop_at_their_ends(void **state)
{
    (void)state;
    sotto_counters_clear(&c);
    shown(1, TODAY, 300);
    assert_int_equal(count(1, TODAY, 1), 255);
    assert_int_equal(sotto_counters_find(&c, 1)->shown_total, 300);
}

static void test_a_full_table_gives_up_the_longest_unused(void **state)
{
    (void)state;
    sotto_counters_clear(&c);
    for (uint16_t i = 1; i <= SOTTO_COUNTER_ENTRIES_MAX; i++)
        shown((uint16_t)(i * 3), TODAY + i, 1);
    assert_int_equal(sotto_counters_apply(&c, 3, SOTTO_EVENT_TAKEN, NOON_S, TODAY + 1), SOTTO_OK);
    assert_int_equal(sotto_counters_apply(&c, 6, SOTTO_EVENT_DISMISSED, NOON_S, TODAY + 500), SOTTO_OK);
    shown(5000, TODAY + 600, 1);
    assert_int_equal(c.count, SOTTO_COUNTER_ENTRIES_MAX);
    assert_non_null(sotto_counters_find(&c, 3)); /* oldest, but taken */
    assert_non_null(sotto_counters_find(&c, 6)); /* dismissed lately */
    assert_null(sotto_counters_find(&c, 9));
    assert_int_equal(count(5000, TODAY + 600, 1), 1);
    for (size_t i = 0; i + 1 < c.count; i++)
        assert_true(c.entry[i].campaign < c.entry[i + 1].campaign);
    for (size_t i = 0; i < c.count; i++)
        assert_int_equal(sotto_counters_apply(&c, c.entry[i].campaign, SOTTO_EVENT_TAKEN, NOON_S, TODAY),
                         SOTTO_OK);
    d = c;
    assert_int_equal(sotto_status_cause(sotto_counters_apply(&c, 6000, SOTTO_EVENT_SHOWN, NOON_S, TODAY)),
                     SOTTO_CAUSE_NO_SPACE);
    assert_memory_equal(&c, &d, sizeof c);
}

/* Any events whatever give counters that pack, fit, and come back the same. */
static void test_round_trip_of_anything(void **state)
{
    (void)state;
    static uint8_t bytes[SOTTO_COUNTERS_MAX];
    uint64_t seed = 31;
    for (int round = 0; round < 40; round++) {
        sotto_counters_clear(&c);
        for (int i = 0; i < 4000; i++) {
            uint16_t campaign = (uint16_t)(writer_random(&seed) % (round < 20 ? 300 : 65535) + 1);
            enum sotto_event_kind kind = (enum sotto_event_kind)(writer_random(&seed) % 5);
            int64_t at_s = (int64_t)(writer_random(&seed) >> (writer_random(&seed) % 64));
            int32_t day = (int32_t)(writer_random(&seed) >> (32 + writer_random(&seed) % 32));
            sotto_status status = sotto_counters_apply(&c, campaign, kind, (i & 1) != 0 ? -at_s : at_s, day);
            assert_true(status == SOTTO_OK || sotto_status_cause(status) == SOTTO_CAUSE_NO_SPACE);
            if (round % 2 == 0)
                sotto_counters_drawn(&c, campaign, (i & 1) != 0 ? -at_s : at_s,
                                     (uint32_t)(writer_random(&seed) >> 34) + 1);
            status =
                sotto_counters_apply_creative(&c, campaign, (uint8_t)(writer_random(&seed) % 3), at_s, day);
            assert_true(status == SOTTO_OK || sotto_status_cause(status) == SOTTO_CAUSE_NO_SPACE);
        }
        sotto_buf out = sotto_buf_of(bytes, sizeof bytes);
        assert_int_equal(sotto_counters_pack(&c, &out), SOTTO_OK);
        assert_int_equal(sotto_counters_unpack(&d, sotto_buf_span(&out), NULL), SOTTO_OK);
        assert_int_equal(c.count, d.count);
        assert_memory_equal(&c, &d, sizeof c);
    }
}

/* The format document's worked example. */
static void test_bytes_of_the_document(void **state)
{
    (void)state;
    uint8_t bytes[64];
    sotto_counters_clear(&c);
    shown(3, TODAY, 2);
    assert_int_equal(sotto_counters_apply(&c, 3, SOTTO_EVENT_DISMISSED, NOON_S, TODAY), SOTTO_OK);
    sotto_buf out = sotto_buf_of(bytes, sizeof bytes);
    assert_int_equal(sotto_counters_pack(&c, &out), SOTTO_OK);
    static const uint8_t EXPECTED[] = {0x02, 0x01, 0x80, 0x06, 0x02, 0xaa, 0xa2, 0x01, 0xc0, 0xb2, 0x04,
                                       0x00, 0xaa, 0xa2, 0x01, 0x01, 0x00, 0x00, 0x80, 0x02, 0x01, 0x00};
    assert_int_equal(out.len, sizeof EXPECTED + 4);
    assert_memory_equal(bytes, EXPECTED, sizeof EXPECTED);
}

/* The chance of the last showing stays with it, through the store, until it is taken or shown again. */
static void test_a_chance_is_kept_with_its_showing(void **state)
{
    (void)state;
    uint8_t bytes[128];
    for (int again = 0; again < 2; again++) {
        sotto_counters_clear(&c);
        sotto_counters_drawn(&c, 5, NOON_S, 77); /* never shown */
        assert_int_equal(c.count, 0);
        shown(5, TODAY, 1);
        assert_int_equal(sotto_counters_chance(&c, 5), 0);
        sotto_counters_drawn(&c, 5, sotto_counters_find(&c, 5)->last_shown_s - 1, 77); /* a late event */
        assert_int_equal(sotto_counters_chance(&c, 5), 0);
        sotto_counters_drawn(&c, 5, sotto_counters_find(&c, 5)->last_shown_s, SOTTO_PROB_ONE_Q30);
        assert_int_equal(sotto_counters_apply(&c, 5, SOTTO_EVENT_DISMISSED, NOON_S, TODAY), SOTTO_OK);
        sotto_buf out = sotto_buf_of(bytes, sizeof bytes);
        assert_int_equal(sotto_counters_pack(&c, &out), SOTTO_OK);
        assert_int_equal(bytes[0], 3);
        assert_int_equal(sotto_counters_unpack(&d, sotto_buf_span(&out), NULL), SOTTO_OK);
        assert_memory_equal(&c, &d, sizeof c);
        assert_int_equal(sotto_counters_chance(&d, 5), SOTTO_PROB_ONE_Q30);
        assert_int_equal(
            sotto_counters_apply(&d, 5, again ? SOTTO_EVENT_SHOWN : SOTTO_EVENT_TAKEN, NOON_S, TODAY),
            SOTTO_OK);
        assert_int_equal(sotto_counters_chance(&d, 5), 0);
        out.len = 0;
        assert_int_equal(sotto_counters_pack(&d, &out), SOTTO_OK);
        assert_int_equal(bytes[0], 2); /* as an older program reads it */
    }
}

/* What the first version of the program wrote. */
static void test_the_first_version_is_still_read(void **state)
{
    (void)state;
    static const uint8_t FIRST[] = {0x01, 0x01, 0x03, 0x02, 0xaa, 0xa2, 0x01, 0xc0, 0xb2, 0x04,
                                    0x00, 0xaa, 0xa2, 0x01, 0x01, 0x00, 0x00, 0x00, 0x02};
    uint8_t bytes[64];
    sotto_buf out = sotto_buf_of(bytes, sizeof bytes);
    assert_int_equal(sotto_buf_put(&out, FIRST, sizeof FIRST), SOTTO_OK);
    assert_int_equal(sotto_put_u32(&out, sotto_crc32(0, sotto_buf_span(&out))), SOTTO_OK);
    assert_int_equal(sotto_counters_unpack(&c, sotto_buf_span(&out), NULL), SOTTO_OK);
    assert_int_equal(c.count, 1);
    assert_int_equal(c.entry[0].campaign, 3);
    assert_int_equal(c.entry[0].creative, 0);
    assert_int_equal(count(3, TODAY, 1), 2);
    assert_int_equal(c.entry[0].dismissed_day, TODAY);
    shown(3, TODAY, 1); /* and goes on in the new form */
    out.len = 0;
    assert_int_equal(sotto_counters_pack(&c, &out), SOTTO_OK);
    assert_int_equal(bytes[0], 2);
}

/* The last hour straight from a list of seconds; late events and a clock set back included. */
static void test_the_last_hour_by_definition(void **state)
{
    (void)state;
    uint64_t seed = 9;
    for (int round = 0; round < 40; round++) {
        int64_t at[24], last = 0;
        size_t n = 1 + (size_t)(writer_random(&seed) % SOTTO_COUNT(at));
        sotto_counters_clear(&c);
        for (size_t i = 0; i < n; i++) {
            at[i] = NOON_S + (int64_t)(writer_random(&seed) % 9000);
            last = at[i] > last ? at[i] : last;
            assert_int_equal(sotto_counters_apply(&c, 4, SOTTO_EVENT_SHOWN, at[i], TODAY), SOTTO_OK);
        }
        for (int64_t now = last - 60; now < last + 4000; now += 7) {
            int64_t seen_from = now < last ? last : now;
            uint32_t expected = 0;
            for (size_t i = 0; i < n; i++)
                expected += seen_from - at[i] < 3600;
            if (expected > SOTTO_COUNTER_RECENT + 1)
                expected = SOTTO_COUNTER_RECENT + 1;
            assert_int_equal(sotto_counter_shown_hour(sotto_counters_find(&c, 4), now), expected);
        }
    }
}

static void test_creatives_have_counters_of_their_own(void **state)
{
    (void)state;
    sotto_counters_clear(&c);
    shown(7, TODAY, 1);
    assert_int_equal(sotto_counters_apply_creative(&c, 7, 2, NOON_S, TODAY), SOTTO_OK);
    assert_int_equal(sotto_counters_apply_creative(&c, 7, 0, NOON_S, TODAY), SOTTO_OK);
    assert_int_equal(c.count, 2);
    assert_int_equal(sotto_counters_find(&c, 7)->shown_total, 1);
    assert_int_equal(sotto_counters_find_creative(&c, 7, 2)->shown_total, 1);
    assert_null(sotto_counters_find_creative(&c, 7, 1));
    assert_int_equal(count(7, TODAY, 1), 1); /* one offer, not two */
}

static void test_every_flip_and_cut_is_refused(void **state)
{
    (void)state;
    uint8_t bytes[256], bad[256];
    sotto_counters_clear(&c);
    for (uint16_t i = 1; i < 6; i++)
        shown(i, TODAY + i, i);
    sotto_buf out = sotto_buf_of(bytes, sizeof bytes);
    assert_int_equal(sotto_counters_pack(&c, &out), SOTTO_OK);
    for (size_t i = 0; i < out.len; i++)
        for (unsigned bit = 0; bit < 8; bit++) {
            memcpy(bad, bytes, out.len);
            bad[i] ^= (uint8_t)(1u << bit);
            assert_int_equal(sotto_status_cause(sotto_counters_unpack(&d, sotto_span_of(bad, out.len), NULL)),
                             SOTTO_CAUSE_CORRUPT);
            assert_int_equal(d.count, 0);
        }
    for (size_t len = 0; len < out.len; len++)
        assert_true(sotto_counters_unpack(&d, sotto_span_of(bytes, len), NULL) < 0);
    size_t need = out.len;
    for (size_t cap = 0; cap < need; cap++) {
        out = sotto_buf_of(bad, cap);
        assert_int_equal(sotto_status_cause(sotto_counters_pack(&c, &out)), SOTTO_CAUSE_NO_SPACE);
        assert_int_equal(out.len, 0);
    }
}

/* A right checksum over senseless fields. */
static void test_hostile_bodies(void **state)
{
    (void)state;
    static const struct {
        uint8_t bytes[24];
        size_t len;
        enum sotto_cause cause;
    } BODIES[] = {
        {{4, 0}, 2, SOTTO_CAUSE_UNSUPPORTED},
        {{3, 1, 0x80, 2, 1, 1, 0, 0, 0, 0, 0, 0, 0}, 13, SOTTO_CAUSE_TRUNCATED}, /* no chance */
        {{3, 1, 0x80, 2, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0x81, 0x80, 0x80, 0x80, 4},
         18,
         SOTTO_CAUSE_MALFORMED},                                                    /* 2^30 + 1 */
        {{3, 1, 0x80, 2, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0}, 14, SOTTO_CAUSE_MALFORMED}, /* has the older form */
        {{3, 1, 0x80, 2, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1}, 14, SOTTO_CAUSE_MALFORMED}, /* of no showing */
        {{1, 0x81, 0x04}, 3, SOTTO_CAUSE_MALFORMED},                                /* 513 entries */
        {{1, 1, 0, 1, 1, 0, 0, 0, 0, 0, 0, 0}, 12, SOTTO_CAUSE_MALFORMED},          /* campaign 0 */
        {{1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0}, 12, SOTTO_CAUSE_MALFORMED},          /* anchor 0 */
        {{1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0x80}, 12, SOTTO_CAUSE_MALFORMED},       /* a 32nd day */
        {{1, 1, 1, 1, 1, 0, 0, 0, 1, 0, 0, 0, 0}, 13, SOTTO_CAUSE_MALFORMED},       /* a day present with 0 */
        {{1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 9}, 13, SOTTO_CAUSE_MALFORMED},       /* bytes left */
        {{1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0}, 11, SOTTO_CAUSE_TRUNCATED},
    };
    for (size_t i = 0; i < SOTTO_COUNT(BODIES); i++) {
        uint8_t bytes[32];
        sotto_buf out = sotto_buf_of(bytes, sizeof bytes);
        assert_int_equal(sotto_buf_put(&out, BODIES[i].bytes, BODIES[i].len), SOTTO_OK);
        assert_int_equal(sotto_put_u32(&out, sotto_crc32(0, sotto_buf_span(&out))), SOTTO_OK);
        sotto_status status = sotto_counters_unpack(&d, sotto_buf_span(&out), NULL);
        if (sotto_status_cause(status) != (int)BODIES[i].cause)
            fail_msg("body %zu: %s", i, sotto_status_cause_text(status));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_windows),
        cmocka_unit_test(test_windows_by_definition),
        cmocka_unit_test(test_a_clock_set_back_frees_nothing),
        cmocka_unit_test(test_other_events_change_nothing),
        cmocka_unit_test(test_counts_stop_at_their_ends),
        cmocka_unit_test(test_a_full_table_gives_up_the_longest_unused),
        cmocka_unit_test(test_round_trip_of_anything),
        cmocka_unit_test(test_bytes_of_the_document),
        cmocka_unit_test(test_a_chance_is_kept_with_its_showing),
        cmocka_unit_test(test_the_first_version_is_still_read),
        cmocka_unit_test(test_the_last_hour_by_definition),
        cmocka_unit_test(test_creatives_have_counters_of_their_own),
        cmocka_unit_test(test_every_flip_and_cut_is_refused),
        cmocka_unit_test(test_hostile_bodies),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
