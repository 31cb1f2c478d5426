#include "decide_test.h"
#include "heap_trap.h"

#include <stdio.h>

static fixture f;
static sotto_decision out;

/* ---- Helpers ---- */

static sotto_decide_request request(void)
{
    return (sotto_decide_request){
        .profile = &f.profile, .counters = &f.counters, .now_s = NOON_S, .offers_max = 3, .seed = 1};
}

static void decide(const sotto_decide_request *r)
{
    sotto_decide(f.plan, r, f.scratch, &out);
    size_t excluded = 0;
    for (size_t i = 0; i < sotto_plan_campaigns(f.plan); i++)
        excluded += out.excluded[i] != SOTTO_EXCLUDED_NONE;
    assert_int_equal(excluded + out.offer_count,
                     sotto_plan_campaigns(f.plan)); /* every exclusion has a name */
}

static const char *why(size_t campaign)
{
    return sotto_exclusion_code(out.excluded[campaign]);
}

static void good_customer(void)
{
    set_tag(&f, "consent", "1");
    set_tag(&f, "risk_grade", "5");
    set_tag(&f, "age", "41");
    set_tag(&f, "balance", "5000");
    set_tag(&f, "segment", "old");
    set_tag(&f, "joined", "2020-01-01");
}

static void open_one(const char *more, size_t trees)
{
    char campaign[1024] = "{\"number\":1,\"id\":\"a\",\"product\":\"card\",";
    fixture_open(&f, trees);
    strcat(campaign, more);
    strcat(campaign, WORDS);
    load_campaigns(&f, campaign);
    good_customer();
}

static void happen(uint16_t campaign, enum sotto_event_kind kind, int32_t day)
{
    assert_int_equal(sotto_counters_apply(&f.counters, campaign, kind, INT64_C(86400) * day, day), SOTTO_OK);
}

/* ---- Exclusions, one by one ---- */

static void test_dates(void **state)
{
    (void)state;
    open_one("\"from\":\"2026-11-21\",\"to\":\"2026-11-21\",", 0);
    sotto_decide_request r = request();
    decide(&r);
    assert_int_equal(out.offer_count, 1);
    r.now_s = INT64_C(86400) * TODAY - 1;
    decide(&r);
    assert_string_equal(why(0), "not_started");
    r.utc_offset_min = 1; /* local midnight has passed */
    decide(&r);
    assert_int_equal(out.offer_count, 1);
    r.now_s = INT64_C(86400) * (TODAY + 1);
    decide(&r);
    assert_string_equal(why(0), "ended");
    r.utc_offset_min = -60;
    decide(&r);
    assert_int_equal(out.offer_count, 1);
}

static void test_slot_and_channel(void **state)
{
    (void)state;
    open_one("\"slots\":[\"idle\",\"after_card\"],\"channels\":[\"atm\"],", 0);
    sotto_decide_request r = request();
    decide(&r);
    assert_int_equal(out.offer_count, 1); /* no slot is after_card; no channel is any */
    r.slot = "idle";
    r.channel = "atm";
    decide(&r);
    assert_int_equal(out.offer_count, 1);
    r.slot = "receipt";
    decide(&r);
    assert_string_equal(why(0), "slot");
    r.slot = "idle";
    r.channel = "kiosk";
    decide(&r);
    assert_string_equal(why(0), "channel");
}

static void test_day_part(void **state)
{
    (void)state;
    open_one("\"day_parts\":[[\"08:00\",\"12:00\"],[\"20:00\",\"24:00\"]],", 0);
    static const struct {
        int minute;
        bool inside;
    } AT[] = {{0, false},   {479, false},  {480, true},  {719, true},
              {720, false}, {1199, false}, {1200, true}, {1439, true}};
    for (size_t i = 0; i < SOTTO_COUNT(AT); i++) {
        sotto_decide_request r = request();
        r.now_s = INT64_C(86400) * TODAY + AT[i].minute * 60;
        decide(&r);
        assert_string_equal(why(0), AT[i].inside ? "none" : "day_part");
    }
}

static void test_consent(void **state)
{
    (void)state;
    fixture_open(&f, 0);
    load_campaigns(&f, "{\"number\":1,\"id\":\"a\",\"product\":\"saver\"," WORDS ",\n"
                       "{\"number\":2,\"id\":\"b\",\"product\":\"term\",\"needs_profile\":false," WORDS);
    good_customer();
    sotto_decide_request r = request();
    decide(&r);
    assert_int_equal(out.offer_count, 2);
    assert_true(out.profiled);
    set_tag(&f, "consent", "0");
    decide(&r);
    assert_false(out.profiled);
    assert_string_equal(why(0), "no_consent");
    assert_int_equal(out.offers[0].campaign, 1);
    set_tag(&f, "consent", "");
    decide(&r);
    assert_string_equal(why(0), "no_consent");
    r.profile = NULL;
    decide(&r);
    assert_string_equal(why(0), "unknown_customer");
    assert_int_equal(out.offer_count, 1);
}

/* A profile made with another dictionary would be read at wrong places: it is no profile. */
static void test_profile_of_another_dictionary(void **state)
{
    (void)state;
    open_one("", 0);
    fixture *other = malloc(sizeof *other);
    fixture_open(other, 0);
    sotto_decide_request r = request();
    r.profile = &other->profile;
    decide(&r);
    assert_string_equal(why(0), "unknown_customer");
    free(other);
}

static void test_rule_risk_held(void **state)
{
    (void)state;
    fixture_open(&f, 0);
    load_campaigns(
        &f, "{\"number\":1,\"id\":\"a\",\"product\":\"saver\",\"who\":{\">\":[{\"var\":\"age\"},50]}," WORDS
            ",\n{\"number\":2,\"id\":\"b\",\"product\":\"fund\"," WORDS
            ",\n{\"number\":3,\"id\":\"c\",\"product\":\"card\"," WORDS
            ",\n{\"number\":4,\"id\":\"d\",\"product\":\"fund\",\"needs_profile\":false," WORDS);
    good_customer();
    set_tag(&f, "has_card", "1");
    sotto_decide_request r = request();
    decide(&r);
    assert_string_equal(why(0), "not_eligible");
    assert_string_equal(why(1), "none");
    assert_string_equal(why(2), "already_held");
    set_tag(&f, "risk_grade", "3");
    decide(&r);
    assert_string_equal(why(1), "unsuitable");
    set_tag(&f, "risk_grade", "4");
    decide(&r);
    assert_string_equal(why(1), "none");
    set_tag(&f, "risk_grade", "");
    decide(&r);
    assert_string_equal(why(1), "unsuitable");
    set_tag(&f, "risk_grade", "5");
    set_tag(&f, "consent", "0"); /* nothing is known of the customer: only what is safe for everybody */
    decide(&r);
    assert_string_equal(why(3), "unsuitable");
}

static void test_taken_and_dismissed(void **state)
{
    (void)state;
    open_one("\"dismissed_days\":10,", 0);
    sotto_decide_request r = request();
    happen(1, SOTTO_EVENT_DISMISSED, TODAY - 9);
    decide(&r);
    assert_string_equal(why(0), "dismissed");
    r.now_s += 86400;
    decide(&r);
    assert_string_equal(why(0), "none");
    r.now_s -= 100 * 86400; /* clock set back */
    decide(&r);
    assert_string_equal(why(0), "dismissed");
    happen(1, SOTTO_EVENT_TAKEN, TODAY);
    decide(&r);
    assert_string_equal(why(0), "taken");
    r.counters = NULL;
    decide(&r);
    assert_string_equal(why(0), "none");
}

static void test_caps(void **state)
{
    (void)state;
    open_one("\"caps\":{\"day\":2,\"week\":4,\"month\":5,\"total\":6},", 0);
    static const struct {
        int32_t day;
        const char *before;
    } SHOWN[] = {
        {0, "none"},    {0, "none"},       {0, "cap_day"},     {1, "none"}, {1, "none"},
        {1, "cap_day"}, {2, "cap_week"},   {6, "cap_week"},    {8, "none"}, {9, "cap_month"},
        {31, "none"},   {40, "cap_total"}, {400, "cap_total"},
    };
    for (size_t i = 0; i < SOTTO_COUNT(SHOWN); i++) {
        sotto_decide_request r = request();
        r.now_s = NOON_S + 86400 * SHOWN[i].day;
        decide(&r);
        if (strcmp(why(0), SHOWN[i].before) != 0)
            fail_msg("step %zu, day %d: %s", i, (int)SHOWN[i].day, why(0));
        if (out.offer_count == 1)
            happen(1, SOTTO_EVENT_SHOWN, TODAY + SHOWN[i].day);
    }
}

static void test_cap_of_the_customer(void **state)
{
    (void)state;
    char campaigns[4096] = "";
    for (int i = 1; i <= 9; i++) {
        char one[256];
        (void)snprintf(one, sizeof one, "%s{\"number\":%d,\"id\":\"c%d\",\"product\":\"saver\"," WORDS,
                       i == 1 ? "" : ",\n", i, i);
        strcat(campaigns, one);
    }
    fixture_open(&f, 0);
    load_campaigns(&f, campaigns);
    good_customer();
    sotto_decide_request r = request();
    for (int i = 0; i < 4; i++)
        happen((uint16_t)(1000 + i), SOTTO_EVENT_SHOWN, TODAY); /* of earlier releases: they count as well */
    decide(&r);
    assert_int_equal(out.offer_count, 2); /* 6 a day, 4 shown */
    size_t capped = 0, lower = 0;
    for (size_t i = 0; i < 9; i++) {
        capped += out.excluded[i] == SOTTO_EXCLUDED_CAP_CUSTOMER;
        lower += out.excluded[i] == SOTTO_EXCLUDED_RANKED_LOWER;
    }
    assert_int_equal(capped, 1);
    assert_int_equal(lower, 6);
    happen(1, SOTTO_EVENT_SHOWN, TODAY);
    happen(1, SOTTO_EVENT_SHOWN, TODAY);
    decide(&r);
    assert_int_equal(out.offer_count, 0);
    assert_int_equal(out.nothing_because, SOTTO_EXCLUDED_CAP_CUSTOMER);
    r.now_s += 86400;
    decide(&r);
    assert_int_equal(out.offer_count, 3);
}

/* ---- Ranking ---- */

static void test_by_value_without_a_profile(void **state)
{
    (void)state;
    fixture_open(&f, 20);
    load_campaigns(&f, "{\"number\":1,\"id\":\"a\",\"product\":\"saver\",\"needs_profile\":false," WORDS
                       ",\n{\"number\":2,\"id\":\"b\",\"product\":\"term\",\"needs_profile\":false," WORDS
                       ",\n{\"number\":3,\"id\":\"c\",\"product\":\"card\",\"needs_profile\":false," WORDS);
    sotto_decide_request r = request();
    r.profile = NULL;
    decide(&r);
    assert_int_equal(out.offer_count, 3);
    assert_int_equal(out.offers[0].campaign, 1);
    assert_int_equal(out.offers[1].campaign, 2);
    assert_int_equal(out.offers[2].campaign, 0);
    assert_int_equal(out.offers[0].propensity_q30, 0);
    assert_int_equal(out.offers[0].reason_count, 0);
    assert_true(out.offers[0].score == INT64_C(9000) << 20);
}

/* The score is propensity x value >> 10 in exact integers, and the margin and reasons are the model's. */
static void test_by_propensity_and_value(void **state)
{
    (void)state;
    fixture_open(&f, 60);
    load_campaigns(&f, "{\"number\":1,\"id\":\"a\",\"product\":\"saver\"," WORDS
                       ",\n{\"number\":2,\"id\":\"b\",\"product\":\"term\"," WORDS
                       ",\n{\"number\":3,\"id\":\"c\",\"product\":\"card\"," WORDS
                       ",\n{\"number\":4,\"id\":\"d\",\"product\":\"term\"," WORDS);
    good_customer();
    sotto_decide_request r = request();
    r.offers_max = 16;
    decide(&r);
    assert_int_equal(out.offer_count, 4);
    for (size_t i = 0; i < 4; i++) {
        const sotto_offer *o = &out.offers[i];
        const sotto_campaign *c = sotto_plan_campaign(f.plan, o->campaign);
        assert_true(o->score == (int64_t)(((uint64_t)o->propensity_q30 * (uint64_t)c->value_minor) >> 10));
        assert_int_equal(o->propensity_q30, sotto_model_probability_q30(f.model, o->margin_q24));
        if (i > 0)
            assert_true(out.offers[i - 1].score >= o->score);
        assert_in_range(o->reason_count, 1, SOTTO_REASONS_MAX);
        for (size_t k = 1; k < o->reason_count; k++)
            assert_true(llabs(o->reasons[k - 1].contribution_q24) >= llabs(o->reasons[k].contribution_q24));
    }
}

/* p x value >> 10 with p <= 2^30 and value < 2^40, in 64 bits. */
static int64_t product_shifted(uint64_t p, uint64_t value)
{
    return (int64_t)(p * (value >> 10) + (p * (value & 1023) >> 10));
}

/* A product with a value_tag is worth what the customer's tag says, within bounds; else its value. */
static void test_by_the_customers_own_value(void **state)
{
    (void)state;
    static const struct {
        const char *savings;
        int64_t value;
    } CASES[] = {{"", 4000},
                 {"0", 0},
                 {"-12.50", 0},
                 {"123.45", 12345},
                 {"10000000000.00", SOTTO_DECIDE_VALUE_MAX},
                 {"10000000000.01", SOTTO_DECIDE_VALUE_MAX}};
    fixture_open(&f, 60);
    set_campaigns(&f, "{\"number\":1,\"id\":\"a\",\"product\":\"saver\",\"needs_profile\":false," WORDS);
    sotto_plan_sources sources = sources_of(&f);
    sources.catalogue = sotto_span_str(
        "{\"version\":1,\"currency\":\"EUR\",\"products\":[{\"id\":\"saver\",\"risk\":1,"
        "\"value\":40,\"value_tag\":\"savings\",\"attributes\":{\"rate\":1.5,\"months\":6}}]}");
    assert_int_equal(sotto_plan_load(&f.plan, &sources, &f.arena, &f.diag), SOTTO_OK);
    f.scratch = sotto_arena_take(&f.arena, sotto_decide_scratch_size(f.plan));
    good_customer();
    sotto_decide_request r = request();
    for (size_t i = 0; i < SOTTO_COUNT(CASES); i++) {
        set_tag(&f, "savings", CASES[i].savings);
        assert_true(sotto_plan_value_minor(f.plan, 0, &f.profile, TODAY) == CASES[i].value);
        decide(&r);
        assert_int_equal(out.offer_count, 1);
        assert_true(out.offers[0].propensity_q30 > 0);
        assert_true(out.offers[0].score ==
                    product_shifted(out.offers[0].propensity_q30, (uint64_t)CASES[i].value));
    }
    set_tag(&f, "consent", "0"); /* what is not agreed to is not used */
    decide(&r);
    assert_true(out.offers[0].score == INT64_C(4000) << 20);
}

/* Reasons are complete: with fewer tags than places, bias and reasons add up to the margin. */
static void test_reasons_add_up(void **state)
{
    (void)state;
    static const written_feature TWO[] = {
        {SOTTO_SOURCE_TAG, SOTTO_TRANSFORM_VALUE, 1, NULL, 0, 18, 90},
        {SOTTO_SOURCE_TAG, SOTTO_TRANSFORM_CODE, 3, NULL, 0, 0, 2},
        {SOTTO_SOURCE_TAG, SOTTO_TRANSFORM_IS, 3, NULL, 2, 0, 1},
        {SOTTO_SOURCE_PRODUCT, SOTTO_TRANSFORM_VALUE, 0, "rate", 0, 0, 5},
        {SOTTO_SOURCE_TIME, SOTTO_TRANSFORM_VALUE, 0, "hour", 0, 0, 23},
    };
    fixture_open(&f, 0);
    size_t len = write_model(f.model_file, sizeof f.model_file, TWO, SOTTO_COUNT(TWO), 40, 4, 5);
    assert_int_equal(sotto_model_load(&f.model, sotto_span_of(f.model_file, len), &f.arena, &f.diag),
                     SOTTO_OK);
    load_campaigns(&f, "{\"number\":1,\"id\":\"a\",\"product\":\"saver\"," WORDS);
    good_customer();
    sotto_decide_request r = request();
    decide(&r);
    assert_int_equal(out.offer_count, 1);
    int32_t keys[SOTTO_COUNT(TWO)];
    int64_t contribution[SOTTO_COUNT(TWO)], bias, sum;
    sotto_model_moment moment = {.today = TODAY, .minute = 720};
    sotto_model_customer_keys(f.model, &f.profile, &moment, keys);
    keys[3] = sotto_fixed_decimal_key(15, 1); /* saver's rate, 1.5 */
    assert_true(sotto_model_why_q24(f.model, keys, &bias, contribution) == out.offers[0].margin_q24);
    sum = bias;
    bool product_or_time = false;
    for (size_t i = 0; i < out.offers[0].reason_count; i++) {
        sum += out.offers[0].reasons[i].contribution_q24;
        product_or_time |= out.offers[0].reasons[i].tag == UINT16_MAX;
    }
    assert_true(sum == out.offers[0].margin_q24);
    assert_true(product_or_time);
    assert_in_range(out.offers[0].reason_count, 1,
                    3); /* age, segment, product or time: two features are one tag */
}

static void test_least_propensity(void **state)
{
    (void)state;
    open_one("\"min_propensity\":0.999999,", 20);
    sotto_decide_request r = request();
    decide(&r);
    assert_string_equal(why(0), "low_propensity");
    assert_int_equal(out.nothing_because, SOTTO_EXCLUDED_LOW_PROPENSITY);
}

/* Equal scores: the seed decides, each order comes up, and the order in the file does not matter. */
static void test_ties(void **state)
{
    (void)state;
    static const char *const FILES[] = {"{\"number\":1,\"id\":\"a\",\"product\":\"saver\"," WORDS
                                        ",\n{\"number\":2,\"id\":\"b\",\"product\":\"saver\"," WORDS
                                        ",\n{\"number\":3,\"id\":\"c\",\"product\":\"saver\"," WORDS,
                                        "{\"number\":3,\"id\":\"c\",\"product\":\"saver\"," WORDS
                                        ",\n{\"number\":1,\"id\":\"a\",\"product\":\"saver\"," WORDS
                                        ",\n{\"number\":2,\"id\":\"b\",\"product\":\"saver\"," WORDS};
    static uint16_t first[2][600];
    unsigned times[4] = {0};
    for (size_t file = 0; file < 2; file++) {
        fixture_open(&f, 0);
        load_campaigns(&f, FILES[file]);
        good_customer();
        sotto_decide_request r = request();
        r.offers_max = 1;
        for (uint64_t seed = 0; seed < SOTTO_COUNT(first[0]); seed++) {
            r.seed = seed;
            decide(&r);
            first[file][seed] = sotto_plan_campaign(f.plan, out.offers[0].campaign)->number;
            times[first[file][seed]]++;
        }
    }
    assert_memory_equal(first[0], first[1], sizeof first[0]);
    for (unsigned number = 1; number <= 3;
         number++) /* 1200 draws, 400 expected, deviation 16: within 6 of them */
        assert_in_range(times[number], 300, 500);
}

static void test_same_input_same_answer(void **state)
{
    (void)state;
    static sotto_decision again;
    fixture_open(&f, 30);
    load_campaigns(&f, "{\"number\":1,\"id\":\"a\",\"product\":\"saver\"," WORDS
                       ",\n{\"number\":2,\"id\":\"b\",\"product\":\"term\"," WORDS);
    good_customer();
    sotto_decide_request r = request();
    decide(&r);
    memset(f.scratch, 0xa5, sotto_decide_scratch_size(f.plan)); /* nothing may be left over in the scratch */
    memset(&again, 0x5a, sizeof again);
    sotto_decide(f.plan, &r, f.scratch, &again);
    assert_memory_equal(&out, &again, sizeof out);
    uint64_t id = out.id;
    r.seed++;
    decide(&r);
    assert_true(out.id != id);
    r.seed--;
    r.now_s++;
    decide(&r);
    assert_true(out.id != id);
}

static void test_odd_requests(void **state)
{
    (void)state;
    open_one("", 10);
    sotto_decide_request r = request();
    static const int64_t TIMES[] = {INT64_MIN, INT64_MAX, 0, -1};
    static const int32_t OFFSETS[] = {INT32_MIN, INT32_MAX, 0};
    for (size_t i = 0; i < SOTTO_COUNT(TIMES); i++)
        for (size_t k = 0; k < SOTTO_COUNT(OFFSETS); k++) {
            r.now_s = TIMES[i];
            r.utc_offset_min = OFFSETS[k];
            r.offers_max = i % 2 == 0 ? 0 : SIZE_MAX;
            decide(&r);
            assert_int_equal(out.offer_count, 1);
        }
}

static void test_no_campaigns(void **state)
{
    (void)state;
    fixture_open(&f, 0);
    load_campaigns(&f, "");
    sotto_decide_request r = request();
    decide(&r);
    assert_int_equal(out.offer_count, 0);
    assert_int_equal(out.nothing_because, SOTTO_EXCLUDED_NONE);
}

static void test_why_nothing(void **state)
{
    (void)state;
    fixture_open(&f, 0);
    load_campaigns(&f, "{\"number\":1,\"id\":\"a\",\"product\":\"saver\",\"to\":\"2020-01-01\"," WORDS
                       ",\n{\"number\":2,\"id\":\"b\",\"product\":\"fund\"," WORDS
                       ",\n{\"number\":3,\"id\":\"c\",\"product\":\"fund\"," WORDS);
    good_customer();
    set_tag(&f, "risk_grade", "2");
    sotto_decide_request r = request();
    decide(&r);
    assert_int_equal(out.nothing_because, SOTTO_EXCLUDED_UNSUITABLE);
    load_campaigns(&f, "{\"number\":1,\"id\":\"a\",\"product\":\"fund\"," WORDS
                       ",\n{\"number\":2,\"id\":\"b\",\"product\":\"saver\",\"to\":\"2020-01-01\"," WORDS);
    decide(&r);
    assert_int_equal(out.nothing_because, SOTTO_EXCLUDED_ENDED); /* a tie: the lowest number */
}

static void test_nothing_is_allocated(void **state)
{
    (void)state;
    fixture_open(&f, 60);
    load_campaigns(
        &f, "{\"number\":1,\"id\":\"a\",\"product\":\"saver\",\"who\":{\">\":[{\"var\":\"age\"},18]}," WORDS
            ",\n{\"number\":2,\"id\":\"b\",\"product\":\"term\"," WORDS
            ",\n{\"number\":3,\"id\":\"c\",\"product\":\"fund\"," WORDS);
    good_customer();
    sotto_decide_request r = request();
    void *probe = malloc(8);
    unsigned failed = 0;
    armed = true;
    void *refused = malloc(8);
    assert_null(refused);
    assert_int_equal(allocations, 1); /* the trap works */
    allocations = 0;
    for (int i = 0; i < 100; i++) {
        r.seed++;
        sotto_decide(f.plan, &r, f.scratch, &out);
        failed += sotto_counters_apply(&f.counters, (uint16_t)(i + 1), SOTTO_EVENT_SHOWN, r.now_s, TODAY) !=
                  SOTTO_OK;
    }
    armed = false;
    assert_int_equal(failed, 0);
    free(probe);
    assert_int_equal(allocations, 0);
}

/* Loading with every single allocation failing once: told as such, nothing kept; then it succeeds. */
static void test_loading_when_memory_fails(void **state)
{
    (void)state;
    fixture_open(&f, 3);
    set_campaigns(
        &f, "{\"number\":1,\"id\":\"a\",\"product\":\"saver\",\"who\":{\">\":[{\"var\":\"age\"},18]}," WORDS);
    size_t used = f.arena.used;
    long n = 0;
    for (;; n++) {
        allocations_left = n;
        sotto_status status = load_plan(&f);
        bool all_passed = allocations_left >= 0;
        allocations_left = -1;
        if (status == SOTTO_OK && all_passed)
            break;
        if (status != SOTTO_OK) {
            assert_int_equal(sotto_status_cause(status), SOTTO_CAUSE_NO_MEMORY);
            assert_true(f.plan == NULL && f.arena.used == used);
        }
        sotto_arena_reset(&f.arena, used);
    }
    assert_in_range(n, 2, 1000); /* at least one for each of the two files */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_dates),
        cmocka_unit_test(test_slot_and_channel),
        cmocka_unit_test(test_day_part),
        cmocka_unit_test(test_consent),
        cmocka_unit_test(test_profile_of_another_dictionary),
        cmocka_unit_test(test_rule_risk_held),
        cmocka_unit_test(test_taken_and_dismissed),
        cmocka_unit_test(test_caps),
        cmocka_unit_test(test_cap_of_the_customer),
        cmocka_unit_test(test_by_value_without_a_profile),
        cmocka_unit_test(test_by_the_customers_own_value),
        cmocka_unit_test(test_by_propensity_and_value),
        cmocka_unit_test(test_reasons_add_up),
        cmocka_unit_test(test_least_propensity),
        cmocka_unit_test(test_ties),
        cmocka_unit_test(test_same_input_same_answer),
        cmocka_unit_test(test_odd_requests),
        cmocka_unit_test(test_no_campaigns),
        cmocka_unit_test(test_why_nothing),
        cmocka_unit_test(test_nothing_is_allocated),
        cmocka_unit_test(test_loading_when_memory_fails),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
