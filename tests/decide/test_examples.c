/* The example bank of docs/examples: its dictionary, catalogue and policy fit each other, and every campaign
 * can be offered to somebody. */
#include "decide_test.h"

#include <stdio.h>
#include <string.h>

#define BANK SOTTO_SOURCE_DIR "/docs/examples/bank/"

static fixture f;
static sotto_decision out;

static sotto_span read_file(const char *path, char *text, size_t cap)
{
    FILE *file = fopen(path, "rb");
    if (file == NULL)
        fail_msg("%s is missing", path);
    size_t len = fread(text, 1, cap, file);
    (void)fclose(file);
    assert_true(len < cap);
    return sotto_span_of(text, len);
}

static void open_bank(void)
{
    static char dictionary[65536], catalogue[65536], policy[65536];
    sotto_arena_init(&f.arena, f.memory, sizeof f.memory);
    if (sotto_dictionary_load(&f.dictionary, read_file(BANK "dictionary.json", dictionary, sizeof dictionary),
                              "dictionary.json", &f.arena, &f.diag) != SOTTO_OK)
        fail_msg("%s:%d: %s", f.diag.where, (int)f.diag.line, f.diag.text);
    sotto_plan_sources sources = {.dictionary = f.dictionary,
                                  .catalogue = read_file(BANK "catalogue.json", catalogue, sizeof catalogue),
                                  .policy = read_file(BANK "policy.json", policy, sizeof policy),
                                  .catalogue_name = "catalogue.json",
                                  .policy_name = "policy.json"};
    if (sotto_plan_load(&f.plan, &sources, &f.arena, &f.diag) != SOTTO_OK)
        fail_msg("%s:%d: %s", f.diag.where, (int)f.diag.line, f.diag.text);
    assert_int_equal(sotto_profile_init(&f.profile, f.dictionary, &f.arena), SOTTO_OK);
    f.scratch = sotto_arena_take(&f.arena, sotto_decide_scratch_size(f.plan));
    assert_non_null(f.scratch);
}

/* The talk comes after the loan was shown twice; the notice is for those who have one. */
static bool waits(const char *id, enum sotto_exclusion excluded)
{
    return (strcmp(id, "loan-talk") == 0 && excluded == SOTTO_EXCLUDED_JOURNEY_WAITING) ||
           (strcmp(id, "loan-terms") == 0 && excluded == SOTTO_EXCLUDED_NOT_ELIGIBLE);
}

static void test_somebody_gets_every_offer(void **state)
{
    (void)state;
    open_bank();
    static const char *const CUSTOMER[][2] = {
        {"age", "45"},
        {"balance_current", "5000"},
        {"savings_total", "20000"},
        {"overdraft_days_90", "2"},
        {"salary_in", "1"},
        {"occupation", "employee"},
        {"home_owner", "1"},
        {"risk_grade", "5"},
        {"income_month", "3000"},
        {"consent_profiling", "1"},
        {"deposits_7", "6000"},
    };
    for (size_t i = 0; i < SOTTO_COUNT(CUSTOMER); i++)
        set_tag(&f, CUSTOMER[i][0], CUSTOMER[i][1]);
    sotto_decide_request r = {
        .profile = &f.profile, .now_s = NOON_S, .offers_max = SOTTO_OFFERS_MAX, .seed = 1};
    sotto_decide(f.plan, &r, f.scratch, &out);
    for (size_t i = 0; i < sotto_plan_campaigns(f.plan); i++)
        if (out.excluded[i] != SOTTO_EXCLUDED_NONE && out.excluded[i] != SOTTO_EXCLUDED_CAP_CUSTOMER &&
            !waits(sotto_plan_campaign(f.plan, i)->id, out.excluded[i]))
            fail_msg("campaign %zu: %s", i, sotto_exclusion_code(out.excluded[i]));
    assert_int_equal(out.offer_count, 6); /* the customer's cap of a day */
    assert_string_equal(out.offers[0].trigger, "paid_in_more_than_5000_in_7_days"); /* of priority 1 */
}

static void test_somebody_unknown_gets_something(void **state)
{
    (void)state;
    open_bank();
    sotto_decide_request r = {.now_s = NOON_S, .offers_max = SOTTO_OFFERS_MAX, .seed = 1};
    sotto_decide(f.plan, &r, f.scratch, &out);
    assert_int_equal(out.offer_count, 2);
    for (size_t i = 0; i < out.offer_count; i++)
        assert_int_equal(sotto_plan_campaign(f.plan, out.offers[i].campaign)->risk, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_somebody_gets_every_offer),
        cmocka_unit_test(test_somebody_unknown_gets_something),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
