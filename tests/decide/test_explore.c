/* Exploration and comparison groups: chances are exact, add up, and are what the draws show. */
#include "decide_test.h"

#include <math.h>
#include <stdio.h>

static fixture f;
static sotto_decision out;
static sotto_terminal terminal;

/* "SipHash: a fast short-input PRF", appendix A; and the first of the reference vectors (no bytes). */
static void test_siphash_vectors(void **state)
{
    (void)state;
    uint8_t bytes[15];
    for (uint8_t i = 0; i < sizeof bytes; i++)
        bytes[i] = i;
    const uint64_t k0 = UINT64_C(0x0706050403020100), k1 = UINT64_C(0x0f0e0d0c0b0a0908);
    assert_true(sotto_decide_siphash(k0, k1, sotto_span_of(bytes, 15)) == UINT64_C(0xa129ca6149be45e5));
    assert_true(sotto_decide_siphash(k0, k1, sotto_span_of(bytes, 0)) == UINT64_C(0x726fdb47dd0e0e31));
}

static void load(const char *head, const char *campaigns)
{
    load_policy(&f, head, campaigns);
    sotto_terminal_clear(&terminal);
}

static sotto_decide_request request(uint64_t seed)
{
    return (sotto_decide_request){
        .counters = &f.counters, .terminal = &terminal, .now_s = NOON_S, .offers_max = 1, .seed = seed};
}

static size_t first(uint64_t seed)
{
    sotto_decide_request r = request(seed);
    sotto_decide(f.plan, &r, f.scratch, &out);
    assert_int_equal(out.offer_count, 1);
    return out.offers[0].campaign;
}

#define OPEN(number, id, product, more)                                                                      \
    "{\"number\":" number ",\"id\":\"" id "\",\"product\":\"" product "\",\"needs_profile\":false," more WORDS
#define THREE OPEN("1", "a", "saver", "") "," OPEN("2", "b", "term", "") "," OPEN("3", "c", "card", "")

enum { DRAWS = 5000 };

/* Draws over many seeds against the chance that each draw gave: within five standard deviations; and the
 * chances of all that came up add up to one. */
static void check_draws(size_t campaigns, uint32_t chance_q30[])
{
    unsigned times[8] = {0};
    uint64_t sum = 0;
    memset(chance_q30, 0, campaigns * sizeof *chance_q30);
    for (uint64_t seed = 0; seed < DRAWS; seed++) {
        size_t c = first(seed);
        times[c]++;
        assert_true(out.offers[0].chance_q30 > 0);
        if (chance_q30[c] != 0)
            assert_int_equal(chance_q30[c], out.offers[0].chance_q30);
        chance_q30[c] = out.offers[0].chance_q30;
    }
    for (size_t i = 0; i < campaigns; i++) {
        double p = chance_q30[i] / 1073741824.0, expected = p * DRAWS;
        sum += chance_q30[i];
        if (fabs(times[i] - expected) > 5 * sqrt(expected * (1 - p)) + 1)
            fail_msg("campaign %zu: %u draws, %.1f expected", i, times[i], expected);
    }
    assert_true(sum == SOTTO_PROB_ONE_Q30);
}

static void test_without_exploration_the_best_is_certain(void **state)
{
    (void)state;
    load("", THREE);
    assert_int_equal(first(7), 1); /* term: worth most */
    assert_int_equal(out.offers[0].chance_q30, SOTTO_PROB_ONE_Q30);
    load("", OPEN("1", "a", "term", "") "," OPEN("2", "b", "term", ""));
    (void)first(7);
    assert_int_equal(out.offers[0].chance_q30, SOTTO_PROB_ONE_Q30 / 2); /* a tie */
}

static void test_uniform(void **state)
{
    (void)state;
    uint32_t chance[3];
    load("\"exploration\":{\"method\":\"uniform\",\"share\":0.3},", THREE);
    check_draws(3, chance);
    assert_int_equal(chance[0], (uint64_t)322122547 * (SOTTO_PROB_ONE_Q30 / 3) >> 30);
    assert_int_equal(chance[0], chance[2]);
    load("\"exploration\":{\"method\":\"uniform\",\"share\":0.3},",
         OPEN("1", "a", "saver", "\"explore\":false,") "," OPEN("2", "b", "term", "") "," OPEN("3", "c",
                                                                                               "card", ""));
    for (uint64_t seed = 0; seed < 2000; seed++) {
        size_t c = first(seed);
        assert_int_not_equal(c, 0); /* it asked to be left out */
        assert_int_equal(out.offers[0].explored, c == 2);
    }
}

/* Foster and Rakhlin's rule by hand: values 40, 90, 60; gaps 50/90 and 30/90 of 1; gamma 10; K 3. */
static void test_squarecb_by_hand(void **state)
{
    (void)state;
    uint32_t chance[3];
    load("\"exploration\":{\"method\":\"squarecb\",\"share\":1,\"gamma\":10},", THREE);
    check_draws(3, chance);
    assert_true(fabs(chance[0] / 1073741824.0 - 1 / (3 + 10 * 50.0 / 90)) < 1e-8);
    assert_true(fabs(chance[2] / 1073741824.0 - 1 / (3 + 10 * 30.0 / 90)) < 1e-8);
}

static void seen(uint16_t campaign, unsigned shown, unsigned taken)
{
    for (unsigned i = 0; i < shown; i++)
        assert_int_equal(sotto_terminal_apply(&terminal, campaign, SOTTO_EVENT_SHOWN, TODAY), SOTTO_OK);
    for (unsigned i = 0; i < taken; i++)
        assert_int_equal(sotto_terminal_apply(&terminal, campaign, SOTTO_EVENT_TAKEN, TODAY), SOTTO_OK);
}

/* Two campaigns of one product, prior 0.5 worth 2 showings (Beta(1, 1)), against numerical integration of
 * x > y with far more points than explore.c has. */
static double beats_by_integration(double a1, double b1, double a2, double b2)
{
    enum { STEPS = 200000 };
    double below = 0, won = 0, all1 = 0;
    for (int i = 0; i < STEPS; i++) {
        double x = (i + 0.5) / STEPS;
        double d2 = exp((a2 - 1) * log(x) + (b2 - 1) * log1p(-x));
        double d1 = exp((a1 - 1) * log(x) + (b1 - 1) * log1p(-x));
        won += d1 * (below + d2 / 2);
        below += d2;
        all1 += d1;
    }
    return won / all1 / below;
}

static void test_thompson_against_integration(void **state)
{
    (void)state;
    static const unsigned SEEN[][4] = {{0, 0, 0, 0},     {10, 2, 10, 1},   {40, 4, 50, 3},
                                       {100, 5, 100, 9}, {300, 6, 200, 6}, {900, 30, 900, 20}};
    for (size_t i = 0; i < SOTTO_COUNT(SEEN); i++) {
        load("\"exploration\":{\"method\":\"thompson\",\"share\":1,\"prior\":0.5,\"strength\":2},",
             OPEN("1", "a", "term", "") "," OPEN("2", "b", "term", ""));
        seen(1, SEEN[i][0], SEEN[i][1]);
        seen(2, SEEN[i][2], SEEN[i][3]);
        uint64_t seed = 0;
        while (first(seed) != 0)
            seed++;
        double expected = beats_by_integration(1 + SEEN[i][1], 1.0 + SEEN[i][0] - SEEN[i][1], 1 + SEEN[i][3],
                                               1.0 + SEEN[i][2] - SEEN[i][3]);
        double got = out.offers[0].chance_q30 / 1073741824.0;
        if (fabs(got - expected) > 0.01)
            fail_msg("case %zu: chance %f, %f expected", i, got, expected);
    }
}

static void test_thompson_draws_and_floor(void **state)
{
    (void)state;
    uint32_t chance[3];
    load("\"exploration\":{\"method\":\"thompson\",\"share\":0.5,\"floor\":0.02,\"strength\":100},", THREE);
    seen(1, 200, 1);
    seen(2, 200, 6);
    seen(3, 200, 9);
    check_draws(3, chance);
    for (size_t i = 0; i < 3; i++)
        assert_true(chance[i] >= SOTTO_PROB_ONE_Q30 / 100 - 2); /* half of the floor of 0.02 */
    assert_true(chance[1] > SOTTO_PROB_ONE_Q30 / 2);            /* the best by score keeps its half */
    assert_true(chance[2] > chance[0]);
}

/* What is learnt moves the draws: after many takings of the one worth least, it is the one explored. */
static void test_thompson_learns(void **state)
{
    (void)state;
    uint32_t before[3], after[3];
    static const char HEAD[] = "\"exploration\":{\"method\":\"thompson\",\"share\":1},";
    load(HEAD, THREE);
    check_draws(3, before);
    seen(1, 500, 150);
    seen(2, 500, 5);
    seen(3, 500, 5);
    check_draws(3, after);
    assert_true(after[0] > SOTTO_PROB_ONE_Q30 / 100 * 99 && before[0] < SOTTO_PROB_ONE_Q30 / 2);
}

/* The order of the file and how ties stand are of no meaning to a draw. */
static void test_order_of_the_file(void **state)
{
    (void)state;
    static const char HEAD[] = "\"exploration\":{\"method\":\"thompson\",\"share\":0.6,\"floor\":0.01},";
    static uint16_t number[2][500];
    static uint32_t chance[2][500];
    for (size_t file = 0; file < 2; file++) {
        load(HEAD,
             file == 0
                 ? OPEN("1", "a", "term", "") "," OPEN("2", "b", "term", "") "," OPEN("3", "c", "card", "")
                 : OPEN("3", "c", "card", "") "," OPEN("2", "b", "term", "") "," OPEN("1", "a", "term", ""));
        for (uint64_t seed = 0; seed < 500; seed++) {
            number[file][seed] = sotto_plan_campaign(f.plan, first(seed))->number;
            chance[file][seed] = out.offers[0].chance_q30;
        }
    }
    assert_memory_equal(number[0], number[1], sizeof number[0]);
    assert_memory_equal(chance[0], chance[1], sizeof chance[0]);
}

static void test_holdout(void **state)
{
    (void)state;
    load("\"salt\":\"2026-q4\",\"holdout\":0.1,",
         OPEN("1", "a", "term", "\"holdout\":0.2,") "," OPEN("2", "b", "card", "\"notice\":true,") "," OPEN(
             "3", "c", "saver", ""));
    unsigned all = 0, own = 0;
    static bool held[4000];
    for (uint64_t key = 1; key <= SOTTO_COUNT(held); key++) {
        sotto_decide_request r = request(1);
        r.offers_max = 3;
        r.arm_key = sotto_decide_mix(key);
        sotto_decide(f.plan, &r, f.scratch, &out);
        assert_int_equal(out.excluded[1], SOTTO_EXCLUDED_NONE); /* a notice is for everybody */
        held[key - 1] = out.excluded[2] == SOTTO_EXCLUDED_HOLDOUT;
        all += held[key - 1];
        own += out.excluded[0] == SOTTO_EXCLUDED_HOLDOUT;
    }
    assert_in_range(all, 400 - 95, 400 + 95);     /* 0.1, five deviations of 19 */
    assert_in_range(own, 1120 - 142, 1120 + 142); /* 1 - 0.9 x 0.8 */
    /* Another release with other campaigns and the same salt: the same people. */
    load("\"salt\":\"2026-q4\",\"holdout\":0.1,", OPEN("9", "z", "saver", ""));
    for (uint64_t key = 1; key <= SOTTO_COUNT(held); key++) {
        sotto_decide_request r = request(99);
        r.arm_key = sotto_decide_mix(key);
        sotto_decide(f.plan, &r, f.scratch, &out);
        assert_int_equal(out.excluded[0] == SOTTO_EXCLUDED_HOLDOUT, held[key - 1]);
    }
    assert_int_equal(first(3), 0); /* nobody identified: nobody to hold out */
}

static void test_arms(void **state)
{
    (void)state;
    load("\"salt\":\"s\",",
         "{\"number\":1,\"id\":\"a\",\"product\":\"term\",\"needs_profile\":false,\"creatives\":["
         "{\"language\":\"en\",\"arm\":\"plain\",\"weight\":3,\"title\":\"T\",\"text\":\"W\"},"
         "{\"language\":\"en\",\"arm\":\"warm\",\"title\":\"T\",\"text\":\"W\",\"why\":\"You saved\"},"
         "{\"language\":\"de\",\"arm\":\"warm\",\"title\":\"T\",\"text\":\"W\"},"
         "{\"language\":\"de\",\"title\":\"T\",\"text\":\"W\"}]}");
    unsigned warm = 0;
    for (uint64_t key = 1; key <= 4000; key++) {
        sotto_decide_request r = request(key);
        r.arm_key = key;
        r.language = "en";
        sotto_decide(f.plan, &r, f.scratch, &out);
        bool is_warm = out.offers[0].creative == 1;
        warm += is_warm;
        r.seed++;
        r.language = "de";
        sotto_decide(f.plan, &r, f.scratch, &out);
        assert_int_equal(out.offers[0].creative, is_warm ? 2 : 3); /* the same arm, or words for every arm */
    }
    assert_in_range(warm, 1000 - 137, 1000 + 137);
    assert_string_equal(sotto_plan_campaign(f.plan, 0)->creatives[1].why, "You saved");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_siphash_vectors),
        cmocka_unit_test(test_without_exploration_the_best_is_certain),
        cmocka_unit_test(test_uniform),
        cmocka_unit_test(test_squarecb_by_hand),
        cmocka_unit_test(test_thompson_against_integration),
        cmocka_unit_test(test_thompson_draws_and_floor),
        cmocka_unit_test(test_thompson_learns),
        cmocka_unit_test(test_order_of_the_file),
        cmocka_unit_test(test_holdout),
        cmocka_unit_test(test_arms),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
