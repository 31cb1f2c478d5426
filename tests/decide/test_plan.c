#include "decide_test.h"

#include <stdio.h>

static fixture f;

static void test_what_a_plan_says(void **state)
{
    (void)state;
    fixture_open(&f, 3);
    load_campaigns(&f, "{\"number\":7,\"id\":\"save\",\"product\":\"saver\"," WORDS ",\n"
                       "{\"number\":2,\"id\":\"invest\",\"product\":\"fund\",\"creatives\":["
                       "{\"language\":\"en\",\"title\":\"T\",\"text\":\"W\",\"large_type\":true},"
                       "{\"language\":\"pt-BR\",\"title\":\"U\",\"text\":\"V\"}]}");
    assert_int_equal(sotto_plan_campaigns(f.plan), 2);
    const sotto_campaign *save = sotto_plan_campaign(f.plan, 0), *invest = sotto_plan_campaign(f.plan, 1);
    assert_int_equal(save->number, 7);
    assert_string_equal(save->id, "save");
    assert_string_equal(save->product, "saver");
    assert_string_equal(save->category, "savings");
    assert_int_equal(save->value_minor, 4000);
    assert_int_equal(save->risk, 1);
    assert_int_equal(invest->value_minor, 25050);
    assert_int_equal(invest->risk, 4);
    assert_int_equal(invest->creative_count, 2);
    assert_true(invest->creatives[0].large_type);
    assert_string_equal(invest->creatives[1].language, "pt-BR");
    assert_int_equal(sotto_plan_find(f.plan, sotto_span_str("invest")), 1);
    assert_int_equal(sotto_plan_find(f.plan, sotto_span_str("fund")), -1);
    assert_int_equal(sotto_plan_profiling_tag(f.plan), 3);
    assert_int_equal(sotto_plan_measurement_tag(f.plan), 4);
}

#define ONE(more) "{\"number\":1,\"id\":\"a\",\"product\":\"saver\",\n" more WORDS
#define TWO(more) ONE("") ",\n" more

typedef struct bad {
    const char *campaigns;
    enum sotto_cause cause;
    uint64_t line;
    const char *where;
} bad;

static const bad BAD[] = {
    {"5", SOTTO_CAUSE_MALFORMED, 3, "campaigns[0]"},
    {ONE("\"colour\":1,"), SOTTO_CAUSE_MALFORMED, 4, "campaigns[0].colour"},
    {TWO("{\"number\":1,\"id\":\"b\",\"product\":\"saver\"," WORDS), SOTTO_CAUSE_CONFLICT, 5,
     "campaigns[1].number"},
    {TWO("{\"number\":2,\"id\":\"a\",\"product\":\"saver\"," WORDS), SOTTO_CAUSE_CONFLICT, 5,
     "campaigns[1].id"},
    {"{\"number\":65536,\"id\":\"a\",\"product\":\"saver\"," WORDS, SOTTO_CAUSE_RANGE, 3,
     "campaigns[0].number"},
    {"{\"number\":1,\"id\":\"A\",\"product\":\"saver\"," WORDS, SOTTO_CAUSE_MALFORMED, 3, "campaigns[0].id"},
    {"{\"number\":1,\"id\":\"a\",\n\"product\":\"boat\"," WORDS, SOTTO_CAUSE_NOT_FOUND, 4,
     "campaigns[0].product"},
    {"{\"number\":1,\"id\":\"a\"," WORDS, SOTTO_CAUSE_MALFORMED, 3, "campaigns[0]"},
    {ONE("\"who\":{\"==\":[{\"var\":\"shoe\"},1]},"), SOTTO_CAUSE_NOT_FOUND, 4, "campaigns[0].who.==[0].var"},
    {ONE("\"needs_profile\":false,\"who\":true,"), SOTTO_CAUSE_CONFLICT, 4, "campaigns[0].needs_profile"},
    {ONE("\"needs_profile\":\"no\","), SOTTO_CAUSE_MALFORMED, 4, "campaigns[0].needs_profile"},
    {ONE("\"from\":\"2026-12-01\",\n\"to\":\"2026-11-30\","), SOTTO_CAUSE_CONFLICT, 5, "campaigns[0].to"},
    {ONE("\"from\":\"2026-13-01\","), SOTTO_CAUSE_MALFORMED, 4, "campaigns[0].from"},
    {ONE("\"to\":20261201,"), SOTTO_CAUSE_MALFORMED, 4, "campaigns[0].to"},
    {ONE("\"slots\":[],"), SOTTO_CAUSE_RANGE, 4, "campaigns[0].slots"},
    {ONE("\"slots\":[\"idle\",\"idle\"],"), SOTTO_CAUSE_CONFLICT, 4, "campaigns[0].slots[1]"},
    {ONE("\"channels\":\"atm\","), SOTTO_CAUSE_MALFORMED, 4, "campaigns[0].channels"},
    {ONE("\"channels\":[\"\"],"), SOTTO_CAUSE_RANGE, 4, "campaigns[0].channels[0]"},
    {ONE("\"day_parts\":[[\"08:00\"]],"), SOTTO_CAUSE_RANGE, 4, "campaigns[0].day_parts[0]"},
    {ONE("\"day_parts\":[[\"08:00\",\"24:01\"]],"), SOTTO_CAUSE_MALFORMED, 4, "campaigns[0].day_parts[0][1]"},
    {ONE("\"day_parts\":[[\"08:60\",\"12:00\"]],"), SOTTO_CAUSE_MALFORMED, 4, "campaigns[0].day_parts[0][0]"},
    {ONE("\"day_parts\":[[\"8:00\",\"12:00\"]],"), SOTTO_CAUSE_MALFORMED, 4, "campaigns[0].day_parts[0][0]"},
    {ONE("\"day_parts\":[[\"22:00\",\"06:00\"]],"), SOTTO_CAUSE_CONFLICT, 4, "campaigns[0].day_parts[0]"},
    {ONE("\"caps\":{\"day\":0},"), SOTTO_CAUSE_RANGE, 4, "campaigns[0].caps.day"},
    {ONE("\"caps\":{\"total\":0},"), SOTTO_CAUSE_RANGE, 4, "campaigns[0].caps.total"},
    {ONE("\"caps\":{\"day\":256},"), SOTTO_CAUSE_RANGE, 4, "campaigns[0].caps.day"},
    {ONE("\"caps\":{\"year\":1},"), SOTTO_CAUSE_MALFORMED, 4, "campaigns[0].caps.year"},
    {ONE("\"caps\":3,"), SOTTO_CAUSE_MALFORMED, 4, "campaigns[0].caps"},
    {ONE("\"dismissed_days\":-1,"), SOTTO_CAUSE_RANGE, 4, "campaigns[0].dismissed_days"},
    {ONE("\"min_propensity\":1.5,"), SOTTO_CAUSE_RANGE, 4, "campaigns[0].min_propensity"},
    {ONE("\"min_propensity\":0.0000001,"), SOTTO_CAUSE_RANGE, 4, "campaigns[0].min_propensity"},
    {"{\"number\":1,\"id\":\"a\",\"product\":\"saver\"}", SOTTO_CAUSE_MALFORMED, 3, "campaigns[0]"},
    {"{\"number\":1,\"id\":\"a\",\"product\":\"saver\",\"creatives\":[]}", SOTTO_CAUSE_RANGE, 3,
     "campaigns[0].creatives"},
    {"{\"number\":1,\"id\":\"a\",\"product\":\"saver\",\"creatives\":[\n{\"language\":\"en\",\"title\":\"T\"}"
     "]}",
     SOTTO_CAUSE_MALFORMED, 4, "campaigns[0].creatives[0]"},
    {"{\"number\":1,\"id\":\"a\",\"product\":\"saver\",\"creatives\":[\n{\"language\":\"en\",\"title\":\"T\","
     "\"text\":\"\"}]}",
     SOTTO_CAUSE_RANGE, 4, "campaigns[0].creatives[0].text"},
    {"{\"number\":1,\"id\":\"a\",\"product\":\"saver\",\"creatives\":[{\"language\":\"e n\",\"title\":\"T\","
     "\"text\":\"W\"}]}",
     SOTTO_CAUSE_MALFORMED, 3, "campaigns[0].creatives[0].language"},
    {"{\"number\":1,\"id\":\"a\",\"product\":\"saver\",\"creatives\":[{\"language\":\"en\",\"title\":\"T\","
     "\"text\":\"W\"},\n{\"language\":\"en\",\"title\":\"T\",\"text\":\"W\"}]}",
     SOTTO_CAUSE_CONFLICT, 4, "campaigns[0].creatives[1]"},
};

static void expect_refused(const bad *b, const char *text)
{
    size_t used = f.arena.used;
    f.plan = (const sotto_plan *)f.memory;
    sotto_status status = load_plan(&f);
    if (sotto_status_cause(status) != (int)b->cause || f.diag.line != b->line ||
        !ends_with(f.diag.where, b->where))
        fail_msg("%s: cause %d, '%s' line %d: %s", text, sotto_status_cause(status), f.diag.where,
                 (int)f.diag.line, f.diag.text);
    assert_null(f.plan);
    assert_int_equal(f.arena.used, used);
}

static void test_bad_campaigns(void **state)
{
    (void)state;
    fixture_open(&f, 0);
    for (size_t i = 0; i < SOTTO_COUNT(BAD); i++) {
        set_campaigns(&f, BAD[i].campaigns);
        expect_refused(&BAD[i], BAD[i].campaigns);
    }
}

#define FUND "\"campaigns\":[{\"number\":1,\"id\":\"a\",\"product\":\"fund\"," WORDS "]}"
static const bad BAD_POLICIES[] = {
    {"{}", SOTTO_CAUSE_MALFORMED, 1, "policy.json"},
    {"[]", SOTTO_CAUSE_MALFORMED, 1, "policy.json"},
    {"{\"version\":2}", SOTTO_CAUSE_UNSUPPORTED, 1, "version"},
    {"{\"version\":1}", SOTTO_CAUSE_MALFORMED, 1, "policy.json"},
    {"{\"version\":1,\n\"budget\":1}", SOTTO_CAUSE_MALFORMED, 2, "budget"},
    {"{\"version\":1,\n\"profiling_tag\":\"shoe\",\"campaigns\":[]}", SOTTO_CAUSE_NOT_FOUND, 2,
     "profiling_tag"},
    {"{\"version\":1,\n\"profiling_tag\":\"age\",\"campaigns\":[]}", SOTTO_CAUSE_CONFLICT, 2,
     "profiling_tag"},
    {"{\"version\":1,\n\"profiling_tag\":\"has_card\",\"campaigns\":[]}", SOTTO_CAUSE_CONFLICT, 2,
     "profiling_tag"},
    {"{\"version\":1,\n\"risk_tag\":\"age\",\"campaigns\":[]}", SOTTO_CAUSE_CONFLICT, 2, "risk_tag"},
    {"{\"version\":1,\n\"customer_cap_day\":0,\"campaigns\":[]}", SOTTO_CAUSE_RANGE, 2, "customer_cap_day"},
    {"{\"version\":1,\n" FUND, SOTTO_CAUSE_CONFLICT, 2,
     "campaigns[0]"}, /* needs a profile, no profiling_tag */
    {"{\"version\":1,\"profiling_tag\":\"consent\",\n" FUND, SOTTO_CAUSE_CONFLICT, 2, "campaigns[0].product"},
};

static void test_bad_policies(void **state)
{
    (void)state;
    fixture_open(&f, 0);
    for (size_t i = 0; i < SOTTO_COUNT(BAD_POLICIES); i++) {
        strcpy(f.policy, BAD_POLICIES[i].campaigns);
        expect_refused(&BAD_POLICIES[i], BAD_POLICIES[i].campaigns);
    }
}

#define PRODUCT(more)                                                                                        \
    "{\"version\":1,\"currency\":\"EUR\",\"products\":[\n{\"id\":\"p\",\"risk\":1,\"value\":1" more "}]}"
static const bad BAD_CATALOGUES[] = {
    {"", SOTTO_CAUSE_MALFORMED, 1, ""},
    {"{\"version\":1}", SOTTO_CAUSE_MALFORMED, 1, "catalogue.json"},
    {"{\"version\":3}", SOTTO_CAUSE_UNSUPPORTED, 1, "version"},
    {"{\"version\":1,\n\"currency\":\"euro\"}", SOTTO_CAUSE_MALFORMED, 2, "currency"},
    {"{\"version\":1,\"currency\":\"EUR\",\n\"currency_decimals\":5}", SOTTO_CAUSE_RANGE, 2,
     "currency_decimals"},
    {"{\"version\":1,\"currency\":\"EUR\",\n\"products\":[]}", SOTTO_CAUSE_RANGE, 2, "products"},
    {"{\"version\":1,\"currency\":\"EUR\",\n\"goods\":[]}", SOTTO_CAUSE_MALFORMED, 2, "goods"},
    {PRODUCT(",\"prise\":1"), SOTTO_CAUSE_MALFORMED, 2, "products[0].prise"},
    {PRODUCT("},\n{\"id\":\"p\",\"risk\":1,\"value\":1"), SOTTO_CAUSE_CONFLICT, 3, "products[1].id"},
    {PRODUCT("},\n{\"id\":\"q\",\"risk\":0,\"value\":1"), SOTTO_CAUSE_RANGE, 3, "products[1].risk"},
    {PRODUCT("},\n{\"id\":\"q\",\"risk\":6,\"value\":1"), SOTTO_CAUSE_RANGE, 3, "products[1].risk"},
    {PRODUCT("},\n{\"id\":\"q\",\"risk\":1"), SOTTO_CAUSE_MALFORMED, 3, "products[1]"},
    {PRODUCT("},\n{\"id\":\"q\",\"risk\":1,\"value\":1.005"), SOTTO_CAUSE_RANGE, 3, "products[1].value"},
    {PRODUCT("},\n{\"id\":\"q\",\"risk\":1,\"value\":\"1,50\""), SOTTO_CAUSE_MALFORMED, 3,
     "products[1].value"},
    {PRODUCT("},\n{\"id\":\"q\",\"risk\":1,\"value\":-1"), SOTTO_CAUSE_RANGE, 3, "products[1].value"},
    {PRODUCT("},\n{\"id\":\"q\",\"risk\":1,\"value\":10000000001"), SOTTO_CAUSE_RANGE, 3,
     "products[1].value"},
    {PRODUCT(",\"held_tag\":\"shoe\""), SOTTO_CAUSE_NOT_FOUND, 2, "products[0].held_tag"},
    {PRODUCT(",\"held_tag\":\"age\""), SOTTO_CAUSE_CONFLICT, 2, "products[0].held_tag"},
    {PRODUCT(",\"value_tag\":\"shoe\""), SOTTO_CAUSE_NOT_FOUND, 2, "products[0].value_tag"},
    {PRODUCT(",\"value_tag\":\"age\""), SOTTO_CAUSE_CONFLICT, 2, "products[0].value_tag"},
    {"{\"version\":1,\"currency\":\"JPY\",\"currency_decimals\":0,\n\"products\":[{\"id\":\"p\",\"risk\":1,"
     "\"value\":1,"
     "\"value_tag\":\"savings\"}]}",
     SOTTO_CAUSE_CONFLICT, 2, "products[0].value_tag"}, /* it has two decimals */
    {PRODUCT(",\"attributes\":[1]"), SOTTO_CAUSE_MALFORMED, 2, "products[0].attributes"},
    {PRODUCT(",\"attributes\":{\"rate\":\"3\"}"), SOTTO_CAUSE_MALFORMED, 2, "products[0].attributes.rate"},
    {PRODUCT(",\"attributes\":{\"a name that is too long for an attribute\":3}"), SOTTO_CAUSE_RANGE, 2,
     "an attribute"},
    {PRODUCT(",\"category\":\"Big Things\""), SOTTO_CAUSE_MALFORMED, 2, "products[0].category"},
};

static void test_bad_catalogues(void **state)
{
    (void)state;
    fixture_open(&f, 0);
    set_campaigns(&f, "");
    for (size_t i = 0; i < SOTTO_COUNT(BAD_CATALOGUES); i++) {
        const bad *b = &BAD_CATALOGUES[i];
        sotto_plan_sources sources = sources_of(&f);
        sources.catalogue = sotto_span_str(b->campaigns);
        size_t used = f.arena.used;
        memset(&f.diag, 0, sizeof f.diag);
        sotto_status status = sotto_plan_load(&f.plan, &sources, &f.arena, &f.diag);
        bool long_path = strncmp(b->where, "an attribute", 12) == 0;
        if (sotto_status_cause(status) != (int)b->cause || f.diag.line != b->line ||
            (!long_path && !ends_with(f.diag.where, b->where)))
            fail_msg("%s: cause %d, '%s' line %d: %s", b->campaigns, sotto_status_cause(status), f.diag.where,
                     (int)f.diag.line, f.diag.text);
        assert_null(f.plan);
        assert_int_equal(f.arena.used, used);
    }
}

static const char GOOD[] =
    "{\"number\":7,\"id\":\"save\",\"product\":\"saver\",\"who\":{\"and\":[{\">\":[{\"var\":\"age\"},18]},"
    "{\"in\":[{\"var\":\"segment\"},[\"young\",\"old\"]]}]},\"from\":\"2026-01-01\",\"to\":\"2026-12-31\","
    "\"slots\":[\"idle\"],\"channels\":[\"atm\"],\"day_parts\":[[\"08:00\",\"12:00\"]],\"caps\":{\"day\":1},"
    "\"min_propensity\":0.01," WORDS;

static void test_cut_anywhere_is_refused(void **state)
{
    (void)state;
    fixture_open(&f, 0);
    set_campaigns(&f, GOOD);
    size_t whole = strlen(f.policy);
    size_t used = f.arena.used;
    for (size_t len = 0; len < whole; len++) {
        sotto_plan_sources sources = sources_of(&f);
        sources.policy.len = len;
        assert_true(sotto_plan_load(&f.plan, &sources, &f.arena, &f.diag) < 0);
        assert_true(f.plan == NULL && f.arena.used == used);
    }
    for (size_t len = 0; len + 1 < sizeof CATALOGUE; len++) {
        sotto_plan_sources sources = sources_of(&f);
        sources.catalogue.len = len;
        assert_true(sotto_plan_load(&f.plan, &sources, &f.arena, &f.diag) < 0);
        assert_true(f.plan == NULL && f.arena.used == used);
    }
}

static void test_every_size_of_arena(void **state)
{
    (void)state;
    static uint8_t memory[65536];
    fixture_open(&f, 2);
    set_campaigns(&f, GOOD);
    sotto_plan_sources sources = sources_of(&f);
    size_t bound = sotto_plan_arena_bound(&sources);
    assert_true(bound <= sizeof memory);
    for (size_t cap = 0; cap <= bound; cap++) {
        sotto_arena arena;
        sotto_arena_init(&arena, memory, cap);
        sotto_status status = sotto_plan_load(&f.plan, &sources, &arena, &f.diag);
        if (status != SOTTO_OK) {
            assert_int_equal(sotto_status_cause(status), SOTTO_CAUSE_NO_SPACE);
            assert_null(f.plan);
        }
        if (status == SOTTO_OK)
            break; /* enough from here on */
    }
    assert_non_null(f.plan);
}

static void put(sotto_vec *v, const char *text)
{
    assert_int_equal(sotto_vec_put(v, text, strlen(text)), SOTTO_OK);
}

static void load_within_bound(const sotto_plan_sources *sources)
{
    size_t bound = sotto_plan_arena_bound(sources);
    void *memory = malloc(bound);
    sotto_arena arena;
    sotto_arena_init(&arena, memory, bound);
    if (sotto_plan_load(&f.plan, sources, &arena, &f.diag) != SOTTO_OK)
        fail_msg("%s: %s", f.diag.where, f.diag.text);
    free(memory);
}

/* The texts that take the most memory for their length. */
static void test_bound_holds_for_dense_texts(void **state)
{
    (void)state;
    fixture_open(&f, 2);
    sotto_vec catalogue, policy;
    sotto_vec_init(&catalogue, 4 << 20);
    sotto_vec_init(&policy, 1 << 20);
    put(&catalogue, "{\"version\":1,\"currency\":\"EUR\",\"products\":[");
    for (int p = 0; p < SOTTO_PRODUCTS_MAX; p++) {
        assert_int_equal(sotto_vec_printf(&catalogue,
                                          "%s{\"id\":\"%x\",\"risk\":1,\"value\":0,\"attributes\":{",
                                          p == 0 ? "" : ",", (unsigned)p),
                         SOTTO_OK);
        put(&catalogue, "\"rate\":1,\"months\":1");
        for (char name = 'a'; p % 2 == 0 && name <= 'z'; name++)
            assert_int_equal(sotto_vec_printf(&catalogue, ",\"%c\":1", name), SOTTO_OK);
        put(&catalogue, "}}");
    }
    put(&catalogue, "]}");
    put(&policy, "{\"version\":1,\"profiling_tag\":\"consent\",\"campaigns\":[");
    for (int i = 1; i <= SOTTO_CAMPAIGNS_MAX; i++) {
        assert_int_equal(sotto_vec_printf(&policy,
                                          "%s{\"number\":%d,\"id\":\"%x\",\"product\":\"0\",\"who\":",
                                          i == 1 ? "" : ",", i, (unsigned)i),
                         SOTTO_OK);
        put(&policy, i % 2 == 0 ? "{\"or\":[true" : "{\"in\":[{\"var\":\"age\"},[1");
        for (int n = 0; n < 80; n++)
            put(&policy, i % 2 == 0 ? ",true" : ",1");
        put(&policy, i % 2 == 0 ? "]}" : "]]}");
        put(&policy, ",\"creatives\":[{\"language\":\"e\",\"title\":\"t\",\"text\":\"x\"}]}");
    }
    put(&policy, "]}");
    sotto_plan_sources sources = sources_of(&f);
    sources.catalogue = sotto_vec_span(&catalogue);
    sources.policy = sotto_vec_span(&policy);
    load_within_bound(&sources);
    sources.policy = sotto_span_str("{\"version\":1,\"campaigns\":[]}");
    load_within_bound(&sources);
    sotto_vec_free(&catalogue);
    sotto_vec_free(&policy);
}

static void test_a_model_for_another_catalogue(void **state)
{
    (void)state;
    fixture_open(&f, 2);
    set_campaigns(&f, "");
    sotto_plan_sources sources = sources_of(&f);
    sources.catalogue = sotto_span_str(
        "{\"version\":1,\"currency\":\"EUR\",\"products\":[{\"id\":\"p\",\"risk\":1,\"value\":1,"
        "\"attributes\":{\"rate\":1}}]}");
    assert_int_equal(sotto_status_cause(sotto_plan_load(&f.plan, &sources, &f.arena, &f.diag)),
                     SOTTO_CAUSE_CONFLICT);
    assert_non_null(strstr(f.diag.text, "'months'"));
}

static void test_codes_of_exclusions(void **state)
{
    (void)state;
    assert_string_equal(sotto_exclusion_code(SOTTO_EXCLUDED_NONE), "none");
    assert_string_equal(sotto_exclusion_code(SOTTO_EXCLUDED_CAP_DAY), "cap_day");
    assert_string_equal(sotto_exclusion_text(SOTTO_EXCLUDED_RANKED_LOWER), "others came first");
    assert_string_equal(sotto_exclusion_code((enum sotto_exclusion)99), "?");
}

/* Rules that are each as dear as may be, and cheap enough alone: together they are refused. */
static void test_a_policy_too_slow_as_a_whole(void **state)
{
    (void)state;
    enum { EACH = 255, FIT = SOTTO_DECIDE_POLICY_COST_MAX / (EACH + 1) };
    static char policy[1 << 18];
    static uint8_t plan_memory[4 << 20];
    for (size_t campaigns = FIT; campaigns <= FIT + 1; campaigns++) {
        size_t len = (size_t)snprintf(policy, sizeof policy, "%s", POLICY_HEAD);
        for (size_t i = 0; i < campaigns; i++) {
            len += (size_t)snprintf(policy + len, sizeof policy - len,
                                    "%s{\"number\":%zu,\"id\":\"c%zu\",\"product\":\"saver\"," WORDS,
                                    i == 0 ? "" : ",\n", i + 1, i);
            len--; /* the rule goes before the end of the campaign */
            len +=
                (size_t)snprintf(policy + len, sizeof policy - len, ",\"who\":{\"in\":[{\"var\":\"age\"},[7");
            for (size_t k = 1; k < EACH; k++)
                len += (size_t)snprintf(policy + len, sizeof policy - len, ",7");
            len += (size_t)snprintf(policy + len, sizeof policy - len, "]]}}");
        }
        (void)snprintf(policy + len, sizeof policy - len, "%s", POLICY_TAIL);
        fixture_open(&f, 0);
        sotto_plan_sources sources = sources_of(&f);
        sources.policy = sotto_span_str(policy);
        sotto_arena arena;
        sotto_arena_init(&arena, plan_memory, sizeof plan_memory);
        sotto_status status = sotto_plan_load(&f.plan, &sources, &arena, &f.diag);
        assert_int_equal(sotto_status_cause(status), campaigns == FIT ? 0 : (int)SOTTO_CAUSE_RANGE);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_a_plan_says),
        cmocka_unit_test(test_a_policy_too_slow_as_a_whole),
        cmocka_unit_test(test_bad_campaigns),
        cmocka_unit_test(test_bad_policies),
        cmocka_unit_test(test_bad_catalogues),
        cmocka_unit_test(test_cut_anywhere_is_refused),
        cmocka_unit_test(test_every_size_of_arena),
        cmocka_unit_test(test_bound_holds_for_dense_texts),
        cmocka_unit_test(test_a_model_for_another_catalogue),
        cmocka_unit_test(test_codes_of_exclusions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
