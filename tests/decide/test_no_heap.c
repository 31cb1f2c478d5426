/* A decision allocates nothing, with everything that a policy can ask for at once: the recommender, every
 * method of exploration, triggers, journeys, notices, diversity, budgets, menus and large type. */
#include "decide_test.h"
#include "heap_trap.h"
#include "items_writer.h"

#include <stdio.h>

static fixture f;
static sotto_decision out;
static sotto_terminal terminal;
static const sotto_items *items;

/* %s: an exploration. */
static const char POLICY[] =
    "{\"version\":1,\"profiling_tag\":\"consent\",\"measurement_tag\":\"measure\",\"risk_tag\":\"risk_"
    "grade\","
    "\"large_type_tag\":\"measure\","
    "\"per_answer\":{\"category\":3},\"diversity\":{\"weight\":0.3,\"same_category\":0.5},\"salt\":\"s\","
    "\"holdout\":0.02,"
    "\"menu\":[{\"id\":\"cash\",\"tag\":\"risk_grade\"},{\"id\":\"pay_in\",\"tag\":\"risk_grade\"}],"
    "\"recommender\":{\"segment_tag\":\"segment\"},%s"
    "\"journeys\":[{\"id\":\"j\",\"steps\":[{\"campaign\":\"a\",\"after_shown\":2,\"wait_days\":0},{"
    "\"campaign\":\"b\"}]}],"
    "\"campaigns\":["
    "{\"number\":1,\"id\":\"a\",\"product\":\"saver\",\"who\":{\"and\":[{\">\":[{\"var\":\"age\"},18]},{\"!"
    "\":{\"in\":[{\"var\":"
    "\"segment\"},[\"old\"]]}}]},\"budget\":{\"day\":50,\"total\":5000,\"even\":true},\"holdout\":0.1,"
    "\"explore\":true," WORDS
    ",{\"number\":2,\"id\":\"b\",\"product\":\"saver\",\"hand_over\":\"appointment\"," WORDS
    ",{\"number\":3,\"id\":\"c\",\"product\":\"term\",\"explore\":true,\"triggers\":[{\"id\":\"low\","
    "\"when\":{\"<\":[{\"var\":"
    "\"balance\"},90000]}}],\"caps\":{\"day\":50}," WORDS
    ",{\"number\":4,\"id\":\"d\",\"product\":\"fund\",\"explore\":true,\"day_parts\":[[\"08:00\",\"19:00\"]]"
    "," WORDS ",{\"number\":5,\"id\":\"e\",\"product\":\"card\",\"explore\":true," WORDS
    ",{\"number\":6,\"id\":\"n\",\"product\":\"term\",\"notice\":true,\"needs_profile\":false," WORDS "]}";

static void load(const char *exploration)
{
    sotto_plan_sources sources;
    fixture_open(&f, 60);
    write_items();
    assert_int_equal(sotto_items_load(&items, sotto_buf_span(&items_bytes), &f.arena, &f.diag), SOTTO_OK);
    (void)snprintf(f.policy, sizeof f.policy, POLICY, exploration);
    sources = sources_of(&f);
    sources.items = items;
    if (sotto_plan_load(&f.plan, &sources, &f.arena, &f.diag) != SOTTO_OK)
        fail_msg("%s:%d: %s", f.diag.where, (int)f.diag.line, f.diag.text);
    f.scratch = sotto_arena_take(&f.arena, sotto_decide_scratch_size(f.plan));
    assert_non_null(f.scratch);
    set_tag(&f, "consent", "1");
    set_tag(&f, "risk_grade", "5");
    set_tag(&f, "age", "44");
    set_tag(&f, "balance", "812.50");
    set_tag(&f, "segment", "young");
    sotto_terminal_clear(&terminal);
}

/* Seen over the decisions: what must have happened for the trap to mean something. */
typedef struct seen {
    unsigned explored, triggered, notices, recommended, handed_over, unknown, failed;
} seen;

static void look(seen *s)
{
    for (size_t i = 0; i < out.offer_count; i++) {
        s->explored += out.offers[i].explored;
        s->triggered += out.offers[i].trigger != NULL;
        s->notices += out.offers[i].campaign == 5;
        s->recommended += out.offers[i].factor_q16 != 65536;
        s->handed_over += out.offers[i].campaign == 1;
    }
}

static void decide_often(seen *s)
{
    for (unsigned i = 0; i < 400; i++) {
        sotto_decide_request r = {.profile = i % 5 == 4 ? NULL : &f.profile,
                                  .counters = &f.counters,
                                  .terminal = &terminal,
                                  .now_s = NOON_S + (int64_t)i * 60,
                                  .arm_key = i * 7 + 1,
                                  .offers_max = 1 + i % 4,
                                  .seed = i};
        sotto_decide(f.plan, &r, f.scratch, &out);
        s->unknown += r.profile == NULL && out.offer_count > 0;
        look(s);
        if (out.offer_count == 0)
            continue;
        uint16_t number = (uint16_t)(out.offers[out.offer_count - 1].campaign + 1);
        s->failed += sotto_counters_apply(&f.counters, number, SOTTO_EVENT_SHOWN, r.now_s, TODAY) != SOTTO_OK;
        s->failed += sotto_terminal_apply(&terminal, number, SOTTO_EVENT_SHOWN, TODAY) != SOTTO_OK;
    }
}

static void nothing_is_allocated_whatever_a_policy_asks_for(void **state)
{
    (void)state;
    static const char *const EXPLORATIONS[] = {
        "", "\"exploration\":{\"method\":\"uniform\",\"share\":0.3},",
        "\"exploration\":{\"method\":\"thompson\",\"share\":0.5,\"floor\":0.01},",
        "\"exploration\":{\"method\":\"squarecb\",\"share\":0.5,\"gamma\":100},"};
    for (size_t i = 0; i < SOTTO_COUNT(EXPLORATIONS); i++) {
        seen s = {0};
        load(EXPLORATIONS[i]);
        armed = true;
        decide_often(&s);
        armed = false;
        assert_int_equal(allocations, 0);
        assert_int_equal(s.failed, 0);
        assert_true(s.triggered > 0 && s.notices > 0 && s.recommended > 0 && s.handed_over > 0 &&
                    s.unknown > 0);
        assert_true((s.explored > 0) == (i > 0));
    }
}

static void the_trap_works(void **state)
{
    (void)state;
    void *(*volatile take)(size_t) = malloc; /* a call that is seen through is left out */
    armed = true;
    void *refused = take(8);
    armed = false;
    assert_null(refused);
    assert_int_equal(allocations, 1);
    allocations = 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_trap_works),
        cmocka_unit_test(nothing_is_allocated_whatever_a_policy_asks_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
