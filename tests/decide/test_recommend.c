/* The recommender in a decision: what is held, segments, popularity and factors, worked by hand. */
#include "decide_test.h"
#include "items_writer.h"

#include <stdio.h>

static fixture f;
static sotto_decision out;
static uint8_t log_file[1 << 16];
static const sotto_items *items;

static const char CAMPAIGNS[] =
    "{\"number\":1,\"id\":\"s\",\"product\":\"saver\",\"needs_profile\":false," WORDS
    ",\n{\"number\":2,\"id\":\"t\",\"product\":\"term\"," WORDS
    ",\n{\"number\":3,\"id\":\"f\",\"product\":\"fund\"," WORDS
    ",\n{\"number\":4,\"id\":\"c\",\"product\":\"card\"," WORDS;
enum { SAVER, TERM, FUND, CARD };

static void set_policy(const char *recommender)
{
    (void)snprintf(
        f.policy, sizeof f.policy,
        "{\"version\":1,\"profiling_tag\":\"consent\",\"risk_tag\":\"risk_grade\",\n%s\"campaigns\":[\n%s]}",
        recommender, CAMPAIGNS);
}

static sotto_status load(bool with_items)
{
    sotto_plan_sources sources = sources_of(&f);
    sources.items = with_items ? items : NULL;
    f.diag = (sotto_diag){0};
    sotto_status status = sotto_plan_load(&f.plan, &sources, &f.arena, &f.diag);
    if (status == SOTTO_OK)
        f.scratch = sotto_arena_take(&f.arena, sotto_decide_scratch_size(f.plan));
    return status;
}

static void open_bank(size_t trees, const char *recommender)
{
    fixture_open(&f, trees);
    write_items();
    assert_int_equal(sotto_items_load(&items, sotto_buf_span(&items_bytes), &f.arena, &f.diag), SOTTO_OK);
    set_policy(recommender);
    if (load(true) != SOTTO_OK)
        fail_msg("%s:%d: %s", f.diag.where, (int)f.diag.line, f.diag.text);
    set_tag(&f, "consent", "1");
    set_tag(&f, "risk_grade", "5");
}

#define RECOMMENDER "\"recommender\":{\"segment_tag\":\"segment\"},\n"

static sotto_decide_request request(void)
{
    return (sotto_decide_request){
        .profile = &f.profile, .counters = &f.counters, .now_s = NOON_S, .offers_max = 4, .seed = 1};
}

static void decide(void)
{
    sotto_decide_request r = request();
    sotto_decide(f.plan, &r, f.scratch, &out);
}

static const sotto_offer *offer_of(size_t campaign)
{
    for (size_t i = 0; i < out.offer_count; i++)
        if (out.offers[i].campaign == campaign)
            return &out.offers[i];
    fail_msg("campaign %d is not offered", (int)campaign);
    return NULL;
}

static void what_is_held_moves_the_others(void **state)
{
    (void)state;
    open_bank(0, RECOMMENDER);
    set_tag(&f, "has_card", "1");
    decide();
    assert_int_equal(out.offer_count, 3);
    assert_int_equal(out.offers[0].campaign,
                     TERM); /* .25 x 90 x 1.5, before .125 x 250.5 and .5 x 40 x .75 */
    assert_int_equal(out.offers[1].campaign, FUND);
    assert_int_equal(out.offers[2].campaign, SAVER);
    assert_int_equal(offer_of(TERM)->factor_q16, 65536 * 3 / 2);
    assert_int_equal(offer_of(TERM)->score, INT64_C(13500) << 18);
    assert_string_equal(offer_of(TERM)->because, "card");
    assert_int_equal(offer_of(SAVER)->factor_q16, 65536 * 3 / 4);
    assert_int_equal(offer_of(SAVER)->score, INT64_C(6000) << 18);
    assert_null(offer_of(SAVER)->because);
    assert_int_equal(offer_of(FUND)->factor_q16, 65536); /* not among the items: as rare as the rarest */
    assert_int_equal(offer_of(FUND)->score, INT64_C(25050) << 17);
}

static void taken_here_counts_by_its_day(void **state)
{
    (void)state;
    open_bank(0, RECOMMENDER);
    set_tag(&f, "has_card", "1"); /* the counter knows better */
    assert_int_equal(sotto_counters_apply(&f.counters, 4, SOTTO_EVENT_TAKEN, NOON_S, TODAY), SOTTO_OK);
    decide();
    assert_int_equal(offer_of(TERM)->factor_q16, 65536 * 2);
    assert_int_equal(offer_of(SAVER)->factor_q16, 65536 / 2);
    sotto_decide_request r = request();
    r.now_s += INT64_C(30) * 86400;
    sotto_decide(f.plan, &r, f.scratch, &out);
    assert_int_equal(offer_of(TERM)->factor_q16, 65536 * 3 / 2);
}

static void a_new_customer_is_like_the_segment(void **state)
{
    (void)state;
    open_bank(0, RECOMMENDER);
    set_tag(&f, "segment", "young");
    decide();
    assert_int_equal(offer_of(SAVER)->factor_q16, 65536 / 2);
    assert_int_equal(offer_of(TERM)->factor_q16, 65536);
    assert_int_equal(offer_of(CARD)->factor_q16, 65536 * 2);
    assert_null(offer_of(CARD)->because);
    set_tag(&f, "segment", "old"); /* the items know no such segment */
    decide();
    assert_int_equal(offer_of(CARD)->factor_q16, 65536);
}

static void without_consent_only_popularity(void **state)
{
    (void)state;
    open_bank(0, RECOMMENDER);
    set_tag(&f, "has_card", "1");
    set_tag(&f, "consent", "0");
    assert_int_equal(sotto_counters_apply(&f.counters, 2, SOTTO_EVENT_DISMISSED, NOON_S, TODAY), SOTTO_OK);
    decide();
    assert_int_equal(offer_of(SAVER)->factor_q16, 65536);
    assert_int_equal(offer_of(SAVER)->score, INT64_C(4000) << 19);
    assert_null(offer_of(SAVER)->because);
}

/* With a model: propensity x value x factor, to the bit. */
static void a_propensity_is_multiplied(void **state)
{
    (void)state;
    open_bank(20, "");
    set_tag(&f, "has_card", "1");
    decide();
    int64_t plain = offer_of(TERM)->score, saver = offer_of(SAVER)->score;
    assert_int_equal(offer_of(TERM)->factor_q16, 65536);
    open_bank(20, RECOMMENDER);
    set_tag(&f, "has_card", "1");
    decide();
    assert_int_equal(offer_of(TERM)->score, plain * 3 / 2);
    assert_int_equal(offer_of(SAVER)->score, saver * 3 / 4);
}

static void a_policy_that_wants_what_is_not_there(void **state)
{
    (void)state;
    open_bank(0, "");
    set_policy("\"recommender\":{},\n");
    assert_int_equal(load(true), SOTTO_OK);
    assert_int_equal(sotto_status_cause(load(false)), SOTTO_CAUSE_CONFLICT);
    assert_true(ends_with(f.diag.where, "recommender"));
    assert_int_equal(f.diag.line, 2);
    set_policy("\"recommender\":{\"segment_tag\":\"age\"},\n");
    assert_int_equal(sotto_status_cause(load(true)), SOTTO_CAUSE_CONFLICT);
    set_policy("\"recommender\":{\"tag\":\"segment\"},\n");
    assert_int_equal(sotto_status_cause(load(true)), SOTTO_CAUSE_MALFORMED);
}

/* A log that carries the items: made again with them it is the same, without them it is not. */
static void a_log_carries_the_items(void **state)
{
    (void)state;
    static sotto_replay_memory memory;
    sotto_buf b = sotto_buf_of(log_file, sizeof log_file);
    sotto_replay log;
    bool same;
    open_bank(0, RECOMMENDER);
    set_tag(&f, "has_card", "1");
    const sotto_span part[] = {sotto_span_str(DICTIONARY),
                               {0},
                               sotto_span_str(CATALOGUE),
                               sotto_span_str(f.policy),
                               sotto_buf_span(&items_bytes)};
    sotto_decide_request r = request();
    decide();
    assert_int_equal(sotto_replay_head(part, &b), SOTTO_OK);
    assert_int_equal(sotto_replay_put(f.plan, &r, &out, &b), SOTTO_OK);
    memory.profile = &f.profile;
    assert_int_equal(sotto_replay_open(&log, sotto_buf_span(&b), "log", &f.diag), SOTTO_OK);
    assert_true(sotto_span_equal(log.part[4], sotto_buf_span(&items_bytes)));
    assert_int_equal(sotto_replay_next(&log, f.plan, &memory, f.scratch, &same, &f.diag), SOTTO_OK);
    assert_true(same);
    set_policy("");
    assert_int_equal(load(true), SOTTO_OK);
    assert_int_equal(sotto_replay_open(&log, sotto_buf_span(&b), "log", &f.diag), SOTTO_OK);
    assert_int_equal(sotto_replay_next(&log, f.plan, &memory, f.scratch, &same, &f.diag), SOTTO_OK);
    assert_false(same);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(what_is_held_moves_the_others),
                                       cmocka_unit_test(taken_here_counts_by_its_day),
                                       cmocka_unit_test(a_new_customer_is_like_the_segment),
                                       cmocka_unit_test(without_consent_only_popularity),
                                       cmocka_unit_test(a_propensity_is_multiplied),
                                       cmocka_unit_test(a_policy_that_wants_what_is_not_there),
                                       cmocka_unit_test(a_log_carries_the_items)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
