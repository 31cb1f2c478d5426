/* Exclusions of campaigns beyond the first: places, peace, triggers, journeys, budgets, limits, notices. Each
 * is shown to bite and to let go. */
#include "decide_test.h"

#include <stdio.h>

static fixture f;
static sotto_decision out;
static sotto_terminal terminal;

static void load(const char *head, const char *campaigns)
{
    load_policy(&f, head, campaigns);
    sotto_terminal_clear(&terminal);
    set_tag(&f, "consent", "1");
    set_tag(&f, "risk_grade", "5");
}

static sotto_decide_request request(void)
{
    return (sotto_decide_request){.profile = &f.profile,
                                  .counters = &f.counters,
                                  .terminal = &terminal,
                                  .now_s = NOON_S,
                                  .offers_max = 8,
                                  .seed = 1};
}

static const char *why(const sotto_decide_request *r, size_t campaign)
{
    sotto_decide(f.plan, r, f.scratch, &out);
    size_t excluded = 0;
    for (size_t i = 0; i < sotto_plan_campaigns(f.plan); i++)
        excluded += out.excluded[i] != SOTTO_EXCLUDED_NONE;
    assert_int_equal(excluded + out.offer_count, sotto_plan_campaigns(f.plan));
    return sotto_exclusion_code(out.excluded[campaign]);
}

static const char *now(size_t campaign)
{
    sotto_decide_request r = request();
    return why(&r, campaign);
}

static const char *at(size_t campaign, int64_t later_s)
{
    sotto_decide_request r = request();
    r.now_s += later_s;
    return why(&r, campaign);
}

static void happen(uint16_t campaign, enum sotto_event_kind kind, int64_t later_s)
{
    int64_t at_s = NOON_S + later_s;
    int32_t day = (int32_t)sotto_floor_div_i64(at_s, 86400);
    assert_int_equal(sotto_counters_apply(&f.counters, campaign, kind, at_s, day), SOTTO_OK);
    assert_int_equal(sotto_terminal_apply(&terminal, campaign, kind, day), SOTTO_OK);
}

#define ONE(more)  "{\"number\":1,\"id\":\"a\",\"product\":\"card\"," more WORDS
#define TWO(more)  "{\"number\":2,\"id\":\"b\",\"product\":\"saver\"," more WORDS
#define TERM(more) "{\"number\":3,\"id\":\"c\",\"product\":\"term\"," more WORDS

static void test_places(void **state)
{
    (void)state;
    load("", ONE("\"branch_groups\":[\"city\"],\"terminal_models\":[\"m5\",\"m7\"],"));
    assert_string_equal(now(0), "none"); /* not said: any */
    sotto_decide_request r = request();
    r.branch_group = "rural";
    assert_string_equal(why(&r, 0), "branch_group");
    r.branch_group = "city";
    r.terminal_model = "m6";
    assert_string_equal(why(&r, 0), "terminal_model");
    r.terminal_model = "m7";
    assert_string_equal(why(&r, 0), "none");
}

static void test_quiet_hours_and_wait(void **state)
{
    (void)state;
    load("\"quiet_hours\":[[\"13:00\",\"14:00\"]],\"min_wait_minutes\":30,",
         ONE("") "," TWO("\"notice\":true,"));
    assert_string_equal(at(0, 3599), "none");
    assert_string_equal(at(0, 3600), "quiet_hours");
    assert_string_equal(at(1, 3600), "none"); /* a notice is said all the same */
    happen(2, SOTTO_EVENT_SHOWN, 0);          /* and does not count */
    assert_string_equal(now(0), "none");
    happen(1, SOTTO_EVENT_SHOWN, 0);
    assert_string_equal(at(0, 1799), "min_wait");
    assert_string_equal(at(0, 1800), "none");
    assert_string_equal(at(0, -90000), "min_wait"); /* a clock set back frees nothing */
    assert_string_equal(at(1, -90000), "none");
}

static void test_special_care(void **state)
{
    (void)state;
    load("\"vulnerable_tag\":\"measure\",", ONE("") "," TWO("\"vulnerable\":true,"));
    set_tag(&f, "measure", "1"); /* any flag for the purpose service */
    assert_string_equal(now(0), "vulnerable");
    assert_string_equal(now(1), "none");
    set_tag(&f, "measure", "0");
    assert_string_equal(now(0), "none");
}

static void test_cooling_off(void **state)
{
    (void)state;
    load("\"cooling_off\":{\"purchase_days\":7},", ONE("") "," TWO(""));
    happen(2, SOTTO_EVENT_TAKEN, 0);
    assert_string_equal(at(0, 6 * 86400), "cooling_purchase");
    assert_string_equal(at(0, 7 * 86400), "none");
    assert_string_equal(at(0, -86400), "cooling_purchase");
    assert_string_equal(at(1, 7 * 86400), "taken");
}

/* "Balance below Y", "matures in N days", "joined within N days", and which one it was. */
static void test_triggers(void **state)
{
    (void)state;
    load("", ONE("\"triggers\":[{\"id\":\"low\",\"when\":{\"<\":[{\"var\":\"balance\"},100]}},"
                 "{\"id\":\"ends\",\"when\":{\"matures_in\":[{\"var\":\"left\"},30]}},"
                 "{\"id\":\"new\",\"when\":{\"within_days\":[{\"var\":\"joined\"},7]}}],"));
    assert_string_equal(now(0), "no_trigger");
    set_tag(&f, "balance", "99.99");
    assert_string_equal(now(0), "none");
    assert_string_equal(out.offers[0].trigger, "low");
    set_tag(&f, "balance", "100");
    static const struct {
        const char *tag, *date, *trigger;
    } DAYS[] = {{"left", "2026-11-20", NULL},    {"left", "2026-11-21", "ends"},
                {"left", "2026-12-21", "ends"},  {"left", "2026-12-22", NULL},
                {"joined", "2026-11-22", NULL},  {"joined", "2026-11-21", "new"},
                {"joined", "2026-11-15", "new"}, {"joined", "2026-11-14", NULL}};
    for (size_t i = 0; i < SOTTO_COUNT(DAYS); i++) {
        set_tag(&f, DAYS[i].tag, DAYS[i].date);
        assert_string_equal(now(0), DAYS[i].trigger == NULL ? "no_trigger" : "none");
        if (DAYS[i].trigger != NULL)
            assert_string_equal(out.offers[0].trigger, DAYS[i].trigger);
    }
}

static void test_at_least_days(void **state)
{
    (void)state;
    load("", ONE("\"who\":{\"at_least_days\":[{\"var\":\"joined\"},30]},"));
    assert_string_equal(now(0), "not_eligible"); /* absent */
    set_tag(&f, "joined", "2026-10-23");
    assert_string_equal(now(0), "not_eligible");
    set_tag(&f, "joined", "2026-10-22");
    assert_string_equal(now(0), "none");
}

static void test_disliked_category(void **state)
{
    (void)state;
    load("\"categories\":[{\"id\":\"savings\",\"dismissals\":2,\"dismissals_days\":20,"
         "\"disliked_tag\":\"has_card\"}],",
         ONE("") "," TWO("\"dismissed_days\":5,") "," TERM("\"dismissed_days\":5,"));
    happen(2, SOTTO_EVENT_DISMISSED, 0);
    assert_string_equal(now(1), "dismissed");
    assert_string_equal(now(2), "none");
    happen(3, SOTTO_EVENT_DISMISSED, 86400);
    assert_string_equal(at(1, 6 * 86400), "disliked_category");
    assert_string_equal(at(2, 19 * 86400), "disliked_category");
    assert_string_equal(at(2, 20 * 86400), "none");
    assert_string_equal(at(0, 6 * 86400), "none");
    set_tag(&f, "has_card", "1");
    assert_string_equal(at(2, 20 * 86400), "disliked_category");
}

/* Shown twice, not taken: offer an appointment, after two days. */
static void test_journey(void **state)
{
    (void)state;
    load("\"journeys\":[{\"id\":\"j\",\"steps\":[{\"campaign\":\"a\",\"after_shown\":2,\"wait_days\":2},"
         "{\"campaign\":\"b\",\"after_dismissed\":true},{\"campaign\":\"c\"}]}],",
         ONE("") "," TWO("\"hand_over\":\"appointment\",") "," TERM(""));
    assert_string_equal(now(0), "none");
    assert_string_equal(now(1), "journey_waiting");
    assert_string_equal(now(2), "journey_waiting");
    happen(1, SOTTO_EVENT_SHOWN, 0);
    assert_string_equal(now(0), "none");
    happen(1, SOTTO_EVENT_SHOWN, 60);
    assert_string_equal(now(0), "journey_over");
    assert_string_equal(at(1, 86400), "journey_waiting");
    assert_string_equal(at(1, 2 * 86400), "none");
    assert_string_equal(sotto_plan_campaign(f.plan, 1)->hand_over, "appointment");
    assert_string_equal(at(2, 2 * 86400), "journey_waiting");
    happen(2, SOTTO_EVENT_DISMISSED, 2 * 86400);
    assert_string_equal(at(1, 2 * 86400), "journey_over");
    assert_string_equal(at(2, 2 * 86400), "none");
    happen(1, SOTTO_EVENT_TAKEN, 3 * 86400); /* taken late: the journey is at its end */
    assert_string_equal(at(2, 3 * 86400), "journey_over");
}

static void test_hour_cap(void **state)
{
    (void)state;
    load("", ONE("\"caps\":{\"hour\":2},"));
    happen(1, SOTTO_EVENT_SHOWN, 0);
    happen(1, SOTTO_EVENT_SHOWN, 1000);
    assert_string_equal(at(0, 1000), "cap_hour");
    assert_string_equal(at(0, 3599), "cap_hour");
    assert_string_equal(at(0, 3600), "none");
    assert_string_equal(at(0, -100000), "cap_hour");
}

static void test_creative_caps(void **state)
{
    (void)state;
    load("", "{\"number\":1,\"id\":\"a\",\"product\":\"card\",\"own_language\":true,\"creatives\":["
             "{\"number\":1,\"language\":\"en\",\"title\":\"T\",\"text\":\"W\",\"caps\":{\"day\":1}},"
             "{\"language\":\"de\",\"title\":\"T\",\"text\":\"W\"}]}");
    sotto_decide_request r = request();
    r.language = "en";
    assert_string_equal(why(&r, 0), "none");
    assert_int_equal(out.offers[0].creative, 0);
    assert_int_equal(sotto_counters_apply_creative(&f.counters, 1, 1, NOON_S, TODAY), SOTTO_OK);
    assert_string_equal(why(&r, 0), "cap_creative");
    r.language = "de";
    assert_string_equal(why(&r, 0), "none");
    assert_int_equal(out.offers[0].creative, 1);
    r.language = "fr";
    assert_string_equal(why(&r, 0), "language");
    r.language = NULL; /* not said: what is left */
    assert_string_equal(why(&r, 0), "none");
    assert_int_equal(out.offers[0].creative, 1);
}

static void test_product_and_category_caps(void **state)
{
    (void)state;
    load("\"products\":[{\"id\":\"card\",\"caps\":{\"week\":2}}],"
         "\"categories\":[{\"id\":\"savings\",\"caps\":{\"day\":2}}],",
         ONE("") "," TWO("") "," TERM("") ",{\"number\":4,\"id\":\"d\",\"product\":\"card\"," WORDS);
    happen(1, SOTTO_EVENT_SHOWN, 0);
    assert_string_equal(now(3), "none");
    happen(4, SOTTO_EVENT_SHOWN, 0);
    assert_string_equal(now(0), "cap_product");
    assert_string_equal(now(3), "cap_product");
    assert_string_equal(at(3, 7 * 86400), "none");
    happen(2, SOTTO_EVENT_SHOWN, 0);
    happen(3, SOTTO_EVENT_SHOWN, 0);
    assert_string_equal(now(1), "cap_category");
    assert_string_equal(at(1, 86400), "none");
}

/* Every cell of the matrix: what is limited x over how long. Two showings reach it; the last second before
 * the end of its time it still holds, then no more. */
static const struct {
    const char *head, *campaign, *code[5]; /* %s stands for the caps */
} LIMITED[] = {
    {"%s", ONE("\"caps\":%s,"), {"cap_hour", "cap_day", "cap_week", "cap_month", "cap_total"}},
    {"%s",
     "{\"number\":1,\"id\":\"a\",\"product\":\"card\",\"creatives\":[{\"language\":\"en\",\"title\":\"T\","
     "\"text\":"
     "\"W\",\"number\":7,\"caps\":%s}]}",
     {"cap_creative", "cap_creative", "cap_creative", "cap_creative", "cap_creative"}},
    {"\"products\":[{\"id\":\"card\",\"caps\":%s}],",
     ONE("%s"),
     {"cap_product", "cap_product", "cap_product", "cap_product", "cap_product"}},
    {"\"categories\":[{\"id\":\"pay\",\"caps\":%s}],",
     ONE("%s"),
     {"cap_category", "cap_category", "cap_category", "cap_category", "cap_category"}},
    {"\"customer_caps\":%s,",
     ONE("%s"),
     {"cap_customer_hour", "cap_customer", "cap_customer_week", "cap_customer_month", "cap_customer_total"}},
};
static const struct {
    const char *name;
    int64_t free_s; /* after the showings, which were at noon; 0 = never */
} SPANS[] = {{"hour", 3600},
             {"day", 43200},
             {"week", 7 * 86400 - 43200},
             {"month", 30 * INT64_C(86400) - 43200},
             {"total", 0}};

/* A template with one %s for the caps, or for nothing. */
static void fill(const char *template, const char *caps, char *text, size_t cap)
{
    const char *at = strstr(template, "%s");
    assert_non_null(at);
    assert_true((size_t)snprintf(text, cap, "%.*s%s%s", (int)(at - template), template, caps, at + 2) < cap);
}

static void load_limited(size_t what, const char *span)
{
    char caps[32], head[256], campaign[512];
    (void)snprintf(caps, sizeof caps, "{\"%s\":2}", span);
    bool in_head = LIMITED[what].head[0] != '%';
    fill(LIMITED[what].head, in_head ? caps : "", head, sizeof head);
    fill(LIMITED[what].campaign, in_head ? "" : caps, campaign, sizeof campaign);
    load(head, campaign);
}

static void test_every_cap_of_the_matrix(void **state)
{
    (void)state;
    for (size_t what = 0; what < SOTTO_COUNT(LIMITED); what++)
        for (size_t i = 0; i < SOTTO_COUNT(SPANS); i++) {
            load_limited(what, SPANS[i].name);
            for (int times = 0; times < 2; times++) {
                assert_string_equal(now(0), "none");
                happen(1, SOTTO_EVENT_SHOWN, 0);
                assert_int_equal(sotto_counters_apply_creative(&f.counters, 1, 7, NOON_S, TODAY), SOTTO_OK);
            }
            assert_string_equal(now(0), LIMITED[what].code[i]);
            assert_string_equal(at(0, -86400), LIMITED[what].code[i]); /* a clock set back */
            int64_t free_s = SPANS[i].free_s != 0 ? SPANS[i].free_s : 4000 * INT64_C(86400);
            assert_string_equal(at(0, free_s - 1), LIMITED[what].code[i]);
            assert_string_equal(at(0, free_s), SPANS[i].free_s != 0 ? "none" : LIMITED[what].code[i]);
        }
}

/* Nobody knows what was shown: only what must be shown is. */
static void test_unknown_caps_leave_notices(void **state)
{
    (void)state;
    load("", ONE("") "," TWO("\"needs_profile\":false,") "," TERM("\"notice\":true,"));
    sotto_decide_request r = request();
    r.caps_unknown = true;
    assert_string_equal(why(&r, 0), "store_restored");
    assert_string_equal(why(&r, 1), "store_restored");
    assert_string_equal(why(&r, 2), "none");
    assert_int_equal(out.offer_count, 1);
    r.profile = NULL;
    assert_string_equal(why(&r, 1), "store_restored");
    assert_int_equal(out.nothing_because, SOTTO_EXCLUDED_STORE_RESTORED);
}

static void test_customer_caps(void **state)
{
    (void)state;
    static const struct {
        const char *head, *code;
        int64_t free_at_s;
    } CAPS[] = {{"\"customer_caps\":{\"hour\":2},", "cap_customer_hour", 3600},
                {"\"customer_caps\":{\"day\":2},", "cap_customer", 43200},
                {"\"customer_caps\":{\"week\":2},", "cap_customer_week", 7 * 86400},
                {"\"customer_caps\":{\"month\":2},", "cap_customer_month", 30 * 86400}};
    for (size_t i = 0; i < SOTTO_COUNT(CAPS); i++) {
        load(CAPS[i].head, ONE("") "," TWO("") "," TERM("\"notice\":true,"));
        happen(3, SOTTO_EVENT_SHOWN, 0); /* a notice is not counted */
        happen(1, SOTTO_EVENT_SHOWN, 0);
        (void)now(0);
        assert_int_equal(out.offer_count, 2); /* the notice and one offer */
        happen(2, SOTTO_EVENT_SHOWN, 0);
        assert_string_equal(now(0), CAPS[i].code);
        assert_string_equal(now(2), "none");
        assert_string_equal(at(0, CAPS[i].free_at_s), "none");
    }
}

/* A budget of ten a day over 10:00 to 20:00: one an hour, and one to begin with. */
static void test_budget_and_pacing(void **state)
{
    (void)state;
    load("", ONE("\"day_parts\":[[\"10:00\",\"15:00\"],[\"15:00\",\"20:00\"]],"
                 "\"budget\":{\"day\":10,\"total\":13,\"even\":true},"));
    unsigned shown = 0;
    for (int64_t minute = 600; minute < 1200; minute++) {
        int64_t later_s = minute * 60 - 43200;
        while (strcmp(at(0, later_s), "none") == 0) {
            happen(1, SOTTO_EVENT_SHOWN, later_s);
            shown++;
        }
        unsigned expected = (unsigned)(minute - 600) / 60 + 1;
        assert_int_equal(shown, expected < 10 ? expected : 10);
        assert_string_equal(at(0, later_s), shown < 10 ? "paced" : "budget_day");
    }
    assert_string_equal(at(0, -3600), "budget_day"); /* the morning again: a clock set back */
    for (int i = 0; i < 3; i++)
        happen(1, SOTTO_EVENT_SHOWN, 86400);
    assert_string_equal(at(0, 86400 + 7 * 3600), "budget_total");
}

static void test_stock(void **state)
{
    (void)state;
    fixture_open(&f, 0);
    sotto_terminal_clear(&terminal);
    set_campaigns(&f, ONE("\"needs_profile\":false,"));
    sotto_plan_sources sources = sources_of(&f);
    sources.catalogue = sotto_span_str("{\"version\":1,\"currency\":\"EUR\",\"products\":[{\"id\":\"card\","
                                       "\"risk\":1,\"value\":1,\"price\":\"4.90\",\"stock\":2}]}");
    assert_int_equal(sotto_plan_load(&f.plan, &sources, &f.arena, &f.diag), SOTTO_OK);
    f.scratch = sotto_arena_take(&f.arena, sotto_decide_scratch_size(f.plan));
    assert_int_equal(sotto_plan_campaign(f.plan, 0)->price_minor, 490);
    assert_int_equal(sotto_terminal_apply(&terminal, 1, SOTTO_EVENT_TAKEN, TODAY), SOTTO_OK);
    assert_string_equal(now(0), "none");
    assert_int_equal(sotto_terminal_apply(&terminal, 1, SOTTO_EVENT_TAKEN, TODAY), SOTTO_OK);
    assert_string_equal(now(0), "out_of_stock");
}

static void test_notices_come_first(void **state)
{
    (void)state;
    load("\"customer_caps\":{\"day\":1},",
         ONE("\"priority\":3,") "," TWO("\"notice\":true,") "," TERM(
             "\"notice\":true,\"priority\":1,") ",{\"number\":4,\"id\":\"d\",\"product\":\"fund\","
                                                "\"notice\":true,\"caps\":{\"total\":1}," WORDS
                                                ",{\"number\":5,\"id\":\"e\",\"product\":\"fund\","
                                                "\"priority\":2," WORDS);
    set_tag(&f, "risk_grade", "1");
    assert_string_equal(now(4), "unsuitable");
    assert_int_equal(out.offer_count, 4);
    assert_int_equal(out.offers[0].campaign, 2); /* its priority */
    assert_int_equal(out.offers[1].campaign, 3); /* then value; a notice asks for no risk grade */
    assert_int_equal(out.offers[2].campaign, 1);
    assert_int_equal(out.offers[3].campaign, 0);
    happen(1, SOTTO_EVENT_SHOWN, 0);
    happen(4, SOTTO_EVENT_SHOWN, 0);
    assert_string_equal(now(0), "cap_customer");
    assert_string_equal(now(3), "cap_total");
    assert_int_equal(out.offer_count, 2);
}

static void test_priority_before_score(void **state)
{
    (void)state;
    load("", ONE("") "," TERM("") "," TWO("\"priority\":1,"));
    (void)now(0);
    assert_int_equal(out.offers[0].campaign, 2); /* saver, worth least */
    assert_int_equal(out.offers[1].campaign, 1);
}

static void test_variety(void **state)
{
    (void)state;
    load("\"per_answer\":{\"product\":1,\"category\":2},",
         TWO("") "," TERM("") ",{\"number\":4,\"id\":\"d\",\"product\":\"term\"," WORDS
                              ",{\"number\":5,\"id\":\"e\",\"product\":\"saver\"," WORDS "," ONE(""));
    (void)now(0);
    assert_int_equal(out.offer_count, 3);
    unsigned crowded = 0;
    for (size_t i = 0; i < 5; i++)
        crowded += out.excluded[i] == SOTTO_EXCLUDED_SAME_PRODUCT;
    assert_int_equal(crowded, 2);
    load("\"per_answer\":{\"category\":1},", TWO("") "," TERM("") "," ONE(""));
    assert_string_equal(now(0), "same_category"); /* term is worth more */
    assert_int_equal(out.offer_count, 2);
}

static const char LIKE[] = "{\"number\":1,\"id\":\"t\",\"product\":\"term\",\"priority\":1," WORDS
                           ",{\"number\":2,\"id\":\"u\",\"product\":\"term\"," WORDS
                           ",{\"number\":3,\"id\":\"s\",\"product\":\"saver\"," WORDS
                           ",{\"number\":4,\"id\":\"c\",\"product\":\"card\"," WORDS;

/* Worth 90, 90, 40 and 60. Beside the first, the second keeps .4 of its worth (36) and the saver, of the same
 * category, .7 (28); the card keeps all. */
static void test_diversity(void **state)
{
    (void)state;
    load("\"diversity\":{\"weight\":0.6},", LIKE);
    (void)now(0);
    static const size_t ORDER[] = {0, 3, 1, 2};
    static const uint32_t KEPT[] = {65536, 65536, 65536 - 39321, 65536 - 19660};
    assert_int_equal(out.offer_count, 4);
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(out.offers[i].campaign, ORDER[i]);
        assert_int_equal(out.offers[i].variety_q16, KEPT[i]);
        assert_int_equal(out.offers[i].alike, 0); /* of the last two */
    }
    assert_int_equal(out.offers[2].score, INT64_C(9000) << 20); /* as it was */
    uint64_t with = sotto_decision_digest(f.plan, &out);
    out.offers[3].variety_q16--;
    assert_true(sotto_decision_digest(f.plan, &out) != with);
    sotto_decide_request two = request();
    two.offers_max = 2;
    assert_string_equal(why(&two, 1), "too_alike");
    assert_string_equal(why(&two, 2), "ranked_lower");
    two.offers_max = 1;
    assert_string_equal(why(&two, 1), "ranked_lower"); /* the first place is the best one's */
    load("\"diversity\":{\"weight\":1,\"same_category\":0},", LIKE);
    (void)now(0);
    assert_int_equal(out.offers[2].campaign, 2); /* the saver keeps all */
    assert_int_equal(out.offers[3].variety_q16, 0);
    load("", LIKE);
    (void)now(0);
    assert_int_equal(out.offers[1].campaign, 1);
}

static void test_diversity_and_notices(void **state)
{
    (void)state;
    load("\"diversity\":{\"weight\":1},",
         "{\"number\":9,\"id\":\"n\",\"product\":\"term\",\"notice\":true," WORDS
         ",{\"number\":1,\"id\":\"t\",\"product\":\"term\"," WORDS
         ",{\"number\":2,\"id\":\"m\",\"product\":\"term\",\"notice\":true," WORDS);
    (void)now(0);
    assert_int_equal(out.offer_count, 3);
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(out.offers[i].variety_q16, 65536);
}

static void test_menu_and_type(void **state)
{
    (void)state;
    load("\"large_type_tag\":\"measure\",\"menu\":[{\"id\":\"cash\",\"tag\":\"risk_grade\"},"
         "{\"id\":\"pay\",\"tag\":\"risk_grade\"}],",
         ONE(""));
    set_tag(&f, "measure", "1");
    (void)now(0);
    assert_true(out.large_type);
    assert_int_equal(sotto_plan_menu(f.plan), 2);
    assert_string_equal(sotto_plan_menu_item(f.plan, out.menu_order[0]), "cash");
    sotto_decide_request r = request();
    r.profile = NULL;
    (void)why(&r, 0);
    assert_false(out.large_type);
    assert_int_equal(out.menu_order[1], 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_places),
        cmocka_unit_test(test_quiet_hours_and_wait),
        cmocka_unit_test(test_special_care),
        cmocka_unit_test(test_cooling_off),
        cmocka_unit_test(test_triggers),
        cmocka_unit_test(test_at_least_days),
        cmocka_unit_test(test_disliked_category),
        cmocka_unit_test(test_journey),
        cmocka_unit_test(test_hour_cap),
        cmocka_unit_test(test_creative_caps),
        cmocka_unit_test(test_product_and_category_caps),
        cmocka_unit_test(test_every_cap_of_the_matrix),
        cmocka_unit_test(test_unknown_caps_leave_notices),
        cmocka_unit_test(test_customer_caps),
        cmocka_unit_test(test_budget_and_pacing),
        cmocka_unit_test(test_stock),
        cmocka_unit_test(test_notices_come_first),
        cmocka_unit_test(test_priority_before_score),
        cmocka_unit_test(test_variety),
        cmocka_unit_test(test_diversity),
        cmocka_unit_test(test_diversity_and_notices),
        cmocka_unit_test(test_menu_and_type),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
