#include "sotto/privacy.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static uint8_t memory[1 << 17];

static sotto_status load(const char *json, sotto_task *out, sotto_diag *diag)
{
    sotto_arena arena;
    sotto_arena_init(&arena, memory, sizeof memory);
    sotto_status status = sotto_task_load(out, sotto_span_str(json), "tasks.json", &arena, diag);
    if (status != SOTTO_OK) {
        assert_int_equal(arena.used, 0);
        assert_null(out->campaigns);
    }
    return status;
}

/* A file with one task; each argument is the text of its member. */
#define TASKS(lifetime, members)                                                                             \
    "{\"format\":\"sotto-tasks\",\"version\":1,\"lifetime_epsilon\":" lifetime ",\n\"tasks\":[\n{" members   \
    "}]}"
#define MEMBERS(name, id, type, mode, epsilon, bound, days, campaigns, rest)                                 \
    "\"name\":" name ",\"id\":" id ",\"type\":" type ",\"mode\":" mode ",\"epsilon\":" epsilon               \
    ",\"bound\":" bound ",\"period_days\":" days ",\"campaigns\":" campaigns rest
#define GOOD_SEGMENTS ",\"segments\":{\"tag\":\"age_band\",\"choices\":[\"18-29\",\"30+\"]}"

static void reads_every_member(void **state)
{
    (void)state;
    sotto_task task;
    assert_int_equal(load(TASKS("20", MEMBERS("\"offers\"", "3", "\"offer-counts\"", "\"one-collector\"",
                                              "0.5", "8", "7", "[\"gold\",\"spär\"]", GOOD_SEGMENTS)),
                          &task, NULL),
                     SOTTO_OK);
    assert_string_equal(task.name, "offers");
    assert_string_equal(task.segment_tag, "age_band");
    assert_true(task.id == 3 && task.epsilon_ueps == 500000 && task.lifetime_ueps == 20000000);
    assert_true(task.bound == 8 && task.period_days == 7);
    assert_true(task.campaign_count == 2 && task.segment_count == 2 && task.cells == 2 * 3 * 2);
    assert_int_equal(sotto_task_campaign(&task, sotto_span_str("spär")), 1);
    assert_int_equal(sotto_task_campaign(&task, sotto_span_str("gol")), -1);
    assert_int_equal(sotto_task_segment(&task, sotto_span_str("30+")), 1);
    assert_int_equal(sotto_task_segment(&task, sotto_span_str("")), 2);
}

static void cells_are_numbered_without_gaps(void **state)
{
    (void)state;
    sotto_task task;
    assert_int_equal(load(TASKS("1", MEMBERS("\"o\"", "1", "\"offer-counts\"", "\"one-collector\"", "1", "1",
                                             "1", "[\"a\",\"b\",\"c\"]", GOOD_SEGMENTS)),
                          &task, NULL),
                     SOTTO_OK);
    size_t expected = 0;
    for (size_t campaign = 0; campaign < 3; campaign++)
        for (size_t segment = 0; segment <= 2; segment++)
            for (int outcome = 0; outcome < SOTTO_OUTCOMES; outcome++)
                assert_int_equal(sotto_task_cell(&task, campaign, segment, (enum sotto_outcome)outcome),
                                 expected++);
    assert_int_equal(expected, task.cells);
}

static void segments_may_be_absent(void **state)
{
    (void)state;
    sotto_task task;
    assert_int_equal(load(TASKS("1", MEMBERS("\"o\"", "1", "\"offer-counts\"", "\"one-collector\"",
                                             "0.000001", "1000", "31", "[\"a\"]", "")),
                          &task, NULL),
                     SOTTO_OK);
    assert_true(task.cells == 2 && task.segment_count == 0 && task.segment_tag[0] == '\0');
    assert_int_equal(sotto_task_segment(&task, sotto_span_str("any")), 0);
    assert_true(task.epsilon_ueps == 1);
}

#define WITH(name, id, type, mode, epsilon, bound, days, campaigns, rest)                                    \
    TASKS("20", MEMBERS(name, id, type, mode, epsilon, bound, days, campaigns, rest))

static void bad_members_are_named(void **state)
{
    (void)state;
    static const struct {
        const char *json, *where;
        int cause;
    } CASES[] = {
        {"", NULL, SOTTO_CAUSE_MALFORMED},
        {"[]", NULL, SOTTO_CAUSE_MALFORMED},
        {"{\"format\":\"x\",\"version\":1}", "format", SOTTO_CAUSE_UNSUPPORTED},
        {"{\"format\":\"sotto-tasks\",\"version\":3,\"new\":1}", "version", SOTTO_CAUSE_UNSUPPORTED},
        {"{\"format\":\"sotto-tasks\",\"version\":1,\"new\":1}", "new", SOTTO_CAUSE_MALFORMED},
        {TASKS("0", ""), "lifetime_epsilon", SOTTO_CAUSE_RANGE},
        {TASKS("1000001", ""), "lifetime_epsilon", SOTTO_CAUSE_RANGE},
        {TASKS("1", ""), "type", SOTTO_CAUSE_MALFORMED},
        {WITH("\"o\"", "1", "\"sum\"", "\"one-collector\"", "1", "1", "1", "[\"a\"]", ""), "type",
         SOTTO_CAUSE_UNSUPPORTED},
        {WITH("\"o\"", "1", "\"offer-counts\"", "\"two-aggregators\"", "1", "1", "1", "[\"a\"]", ""), "mode",
         SOTTO_CAUSE_UNSUPPORTED},
        {WITH("\"a b\"", "1", "\"offer-counts\"", "\"one-collector\"", "1", "1", "1", "[\"a\"]", ""), "name",
         SOTTO_CAUSE_MALFORMED},
        {WITH("\"\"", "1", "\"offer-counts\"", "\"one-collector\"", "1", "1", "1", "[\"a\"]", ""), "name",
         SOTTO_CAUSE_RANGE},
        {WITH("\"o\"", "0", "\"offer-counts\"", "\"one-collector\"", "1", "1", "1", "[\"a\"]", ""), "id",
         SOTTO_CAUSE_RANGE},
        {WITH("\"o\"", "1", "\"offer-counts\"", "\"one-collector\"", "0.0000001", "1", "1", "[\"a\"]", ""),
         "epsilon", SOTTO_CAUSE_RANGE},
        {WITH("\"o\"", "1", "\"offer-counts\"", "\"one-collector\"", "-1", "1", "1", "[\"a\"]", ""),
         "epsilon", SOTTO_CAUSE_RANGE},
        {WITH("\"o\"", "1", "\"offer-counts\"", "\"one-collector\"", "101", "1", "1", "[\"a\"]", ""),
         "epsilon", SOTTO_CAUSE_RANGE},
        {WITH("\"o\"", "1", "\"offer-counts\"", "\"one-collector\"", "1", "1001", "1", "[\"a\"]", ""),
         "bound", SOTTO_CAUSE_RANGE},
        {WITH("\"o\"", "1", "\"offer-counts\"", "\"one-collector\"", "1", "1", "32", "[\"a\"]", ""),
         "period_days", SOTTO_CAUSE_RANGE},
        {WITH("\"o\"", "1", "\"offer-counts\"", "\"one-collector\"", "1", "1", "1", "[]", ""), "campaigns",
         SOTTO_CAUSE_RANGE},
        {WITH("\"o\"", "1", "\"offer-counts\"", "\"one-collector\"", "1", "1", "1", "[\"a\",\"a\"]", ""),
         "campaigns[1]", SOTTO_CAUSE_MALFORMED},
        {WITH("\"o\"", "1", "\"offer-counts\"", "\"one-collector\"", "1", "1", "1", "[\"a\\n\"]", ""),
         "campaigns[0]", SOTTO_CAUSE_MALFORMED},
        {WITH("\"o\"", "1", "\"offer-counts\"", "\"one-collector\"", "1", "1", "1", "[\"a\"]",
              ",\"segments\":{}"),
         "tag", SOTTO_CAUSE_MALFORMED},
        {WITH("\"o\"", "1", "\"offer-counts\"", "\"one-collector\"", "1", "1", "1", "[\"a\"]",
              ",\"segments\":{\"tag\":\"Age\",\"choices\":[\"a\"]}"),
         "segments.tag", SOTTO_CAUSE_MALFORMED},
        {WITH("\"o\"", "1", "\"offer-counts\"", "\"one-collector\"", "1", "1", "1", "[\"a\"]",
              ",\"sgements\":{}"),
         "sgements", SOTTO_CAUSE_MALFORMED},
    };
    for (size_t i = 0; i < SOTTO_COUNT(CASES); i++) {
        sotto_task task;
        sotto_diag diag = {0};
        char text[512];
        sotto_status status = load(CASES[i].json, &task, &diag);
        (void)sotto_diag_format(&diag, text, sizeof text);
        if (sotto_status_cause(status) != CASES[i].cause ||
            (CASES[i].where != NULL && strstr(text, CASES[i].where) == NULL))
            fail_msg("case %zu: %s", i, text);
    }
}

static void several_tasks_are_for_later(void **state)
{
    (void)state;
    sotto_task task;
    assert_int_equal(
        load("{\"format\":\"sotto-tasks\",\"version\":1,\"lifetime_epsilon\":1,\"tasks\":[{},{}]}", &task,
             NULL),
        SOTTO_ERR(PRIVACY, UNSUPPORTED));
}

/* 2048 campaigns without segments are the most; with one segment each they are too many cells. */
static char *many_campaigns(size_t count, const char *rest)
{
    char *json = malloc(1 << 16);
    assert_non_null(json);
    int at =
        sprintf(json, "%s",
                "{\"format\":\"sotto-tasks\",\"version\":1,\"lifetime_epsilon\":1,\"tasks\":[{\"name\":\"o\","
                "\"id\":1,\"type\":\"offer-counts\",\"mode\":\"one-collector\",\"epsilon\":1,\"bound\":1,"
                "\"period_days\":1,\"campaigns\":[");
    for (size_t i = 0; i < count; i++)
        at += sprintf(json + at, "%s\"c%zu\"", i > 0 ? "," : "", i);
    (void)sprintf(json + at, "]%s}]}", rest);
    return json;
}

static void cells_have_a_limit(void **state)
{
    (void)state;
    static const struct {
        size_t campaigns;
        const char *rest;
        sotto_status expected;
    } CASES[] = {{2048, "", SOTTO_OK},
                 {2049, "", SOTTO_ERR(CODEC, RANGE)},
                 {682, GOOD_SEGMENTS, SOTTO_OK},
                 {683, GOOD_SEGMENTS, SOTTO_ERR(PRIVACY, RANGE)}};
    for (size_t i = 0; i < SOTTO_COUNT(CASES); i++) {
        sotto_task task;
        char *json = many_campaigns(CASES[i].campaigns, CASES[i].rest);
        assert_int_equal(load(json, &task, NULL), CASES[i].expected);
        free(json);
    }
}

static void every_truncation_is_refused(void **state)
{
    (void)state;
    const char *json =
        WITH("\"o\"", "1", "\"offer-counts\"", "\"one-collector\"", "1", "1", "1", "[\"a\"]", GOOD_SEGMENTS);
    for (size_t len = 0; len < strlen(json); len++) {
        sotto_task task;
        sotto_arena arena;
        sotto_arena_init(&arena, memory, sizeof memory);
        assert_int_not_equal(sotto_task_load(&task, sotto_span_of(json, len), "tasks.json", &arena, NULL),
                             SOTTO_OK);
    }
}

static void a_small_arena_is_an_error(void **state)
{
    (void)state;
    const char *json = WITH("\"o\"", "1", "\"offer-counts\"", "\"one-collector\"", "1", "1", "1",
                            "[\"a\",\"b\"]", GOOD_SEGMENTS);
    sotto_status status = SOTTO_ERR(PRIVACY, NO_SPACE);
    for (size_t cap = 0; status != SOTTO_OK; cap++) {
        sotto_task task;
        sotto_arena arena;
        sotto_arena_init(&arena, memory, cap);
        status = sotto_task_load(&task, sotto_span_str(json), "tasks.json", &arena, NULL);
        assert_true(status == SOTTO_OK || status == SOTTO_ERR(PRIVACY, NO_SPACE));
        assert_true(cap < 4000);
    }
}

int main(void)
{
    static const struct CMUnitTest TESTS[] = {
        cmocka_unit_test(reads_every_member),          cmocka_unit_test(cells_are_numbered_without_gaps),
        cmocka_unit_test(segments_may_be_absent),      cmocka_unit_test(bad_members_are_named),
        cmocka_unit_test(several_tasks_are_for_later), cmocka_unit_test(cells_have_a_limit),
        cmocka_unit_test(every_truncation_is_refused), cmocka_unit_test(a_small_arena_is_an_error),
    };
    return cmocka_run_group_tests(TESTS, NULL, NULL);
}
