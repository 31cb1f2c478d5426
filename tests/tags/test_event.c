#include "tags_test.h"

#define DAY_S 86400

static void event(fixture *f, enum sotto_event_kind kind, int32_t day, int32_t second)
{
    sotto_tags_apply_event(&f->profile, kind, (int64_t)day * DAY_S + second);
}

static int64_t visits(const fixture *f, int32_t today)
{
    sotto_tag_value v;
    return sotto_profile_read(&f->profile, tag_index(f, "visits"), SOTTO_PURPOSE_MARKETING, today, &v) ? v.num
                                                                                                       : -1;
}

static void test_by_hand(void **state)
{
    (void)state;
    fixture f;
    fixture_open(&f);
    char text[160];
    assert_int_equal(visits(&f, TODAY), -1);
    event(&f, SOTTO_EVENT_CARD_IN, TODAY, 0);
    event(&f, SOTTO_EVENT_CARD_IN, TODAY, DAY_S - 1); /* the same day counts once */
    event(&f, SOTTO_EVENT_CARD_IN, TODAY + 3, 5);
    assert_string_equal(get_tag(&f, "visit_last", text), "2026-11-24");
    assert_int_equal(visits(&f, TODAY + 3), 2);
    assert_int_equal(visits(&f, TODAY + 29), 2);
    assert_int_equal(visits(&f, TODAY + 30), 1); /* the first one is 30 days ago */
    assert_int_equal(visits(&f, TODAY + 33), 0);
    assert_int_equal(visits(&f, TODAY - 500), 2); /* a clock set back */
    event(&f, SOTTO_EVENT_CARD_IN, TODAY + 1, 0); /* late */
    assert_int_equal(visits(&f, TODAY + 3), 3);
    assert_string_equal(get_tag(&f, "visit_last", text), "2026-11-24");
    event(&f, SOTTO_EVENT_SHOWN, TODAY, 0);
    event(&f, SOTTO_EVENT_SHOWN, TODAY - 9, 0);
    event(&f, SOTTO_EVENT_TAKEN, TODAY, 0);
    event(&f, SOTTO_EVENT_DISMISSED, TODAY, 0);
    assert_string_equal(get_tag(&f, "offer_last", text), "2026-11-21");
    assert_string_equal(get_tag(&f, "offers", text), "2");
    assert_string_equal(get_tag(&f, "taken", text), "1");
}

static void test_days_before_1970_and_far_away(void **state)
{
    (void)state;
    fixture f;
    fixture_open(&f);
    char text[160];
    sotto_tags_apply_event(&f.profile, SOTTO_EVENT_CARD_IN, -1);
    assert_string_equal(get_tag(&f, "visit_last", text), "1969-12-31");
    sotto_tags_apply_event(&f.profile, SOTTO_EVENT_CARD_IN, INT64_MAX);
    sotto_tags_apply_event(&f.profile, SOTTO_EVENT_CARD_IN, INT64_MIN);
    assert_string_equal(get_tag(&f, "visit_last", text), "1969-12-31");
}

typedef struct happening {
    enum sotto_event_kind kind;
    int32_t day;
} happening;

static void shuffle(happening *events, size_t n, uint64_t *seed)
{
    for (size_t i = n; i > 1; i--) {
        size_t j = (size_t)(next_random(seed) % i);
        happening swap = events[i - 1];
        events[i - 1] = events[j];
        events[j] = swap;
    }
}

/* Straight from the definition, without the bitmap. */
static int64_t visits_by_definition(const happening *events, size_t n, int32_t today)
{
    int64_t days = 0;
    for (int32_t day = today - 29; day <= today; day++)
        for (size_t i = 0; i < n; i++)
            if (events[i].kind == SOTTO_EVENT_CARD_IN && events[i].day == day) {
                days++;
                break;
            }
    return days;
}

/* Property: any order of the same events, early, late or on one day, gives the same packed bytes. */
static void test_order_does_not_matter(void **state)
{
    (void)state;
    uint64_t seed = 4711;
    fixture f, g;
    fixture_open(&f);
    fixture_open(&g);
    for (int round = 0; round < 3000; round++) {
        happening events[40];
        size_t n = (size_t)(next_random(&seed) % SOTTO_COUNT(events)) + 1;
        int32_t reach = (int32_t)(next_random(&seed) % 90) + 1, last = INT32_MIN;
        for (size_t i = 0; i < n; i++) {
            events[i].kind = (enum sotto_event_kind)(next_random(&seed) % 4 + 1);
            events[i].day = TODAY - (int32_t)(next_random(&seed) % (uint64_t)reach);
            if (events[i].kind == SOTTO_EVENT_CARD_IN && events[i].day > last)
                last = events[i].day;
        }
        sotto_profile_clear(&f.profile);
        sotto_profile_clear(&g.profile);
        for (size_t i = 0; i < n; i++)
            event(&f, events[i].kind, events[i].day, (int32_t)(next_random(&seed) % DAY_S));
        shuffle(events, n, &seed);
        for (size_t i = 0; i < n; i++)
            event(&g, events[i].kind, events[i].day, (int32_t)(next_random(&seed) % DAY_S));
        uint8_t a[256], b[256];
        sotto_buf one = sotto_buf_of(a, sizeof a), two = sotto_buf_of(b, sizeof b);
        assert_int_equal(sotto_profile_pack(&f.profile, &one), SOTTO_OK);
        assert_int_equal(sotto_profile_pack(&g.profile, &two), SOTTO_OK);
        assert_true(sotto_span_equal(sotto_buf_span(&one), sotto_buf_span(&two)));
        for (int32_t today = last; last != INT32_MIN && today < last + 35; today++)
            assert_int_equal(visits(&f, today), visits_by_definition(events, n, today));
    }
}

static void test_names(void **state)
{
    (void)state;
    for (int kind = SOTTO_EVENT_CARD_IN; kind <= SOTTO_EVENT_DISMISSED; kind++)
        assert_int_equal(sotto_event_find(sotto_span_str(sotto_event_name((enum sotto_event_kind)kind))),
                         kind);
    assert_int_equal(sotto_event_find(sotto_span_str("?")), SOTTO_EVENT_NONE);
    assert_int_equal(sotto_event_find(sotto_span_str("")), SOTTO_EVENT_NONE);
    assert_string_equal(sotto_event_name((enum sotto_event_kind)99), "?");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_by_hand),
        cmocka_unit_test(test_days_before_1970_and_far_away),
        cmocka_unit_test(test_order_does_not_matter),
        cmocka_unit_test(test_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
