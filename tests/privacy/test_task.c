#include "sotto/privacy.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static uint8_t memory[1 << 17];

static sotto_tasks file;

/* The first task of the file. */
static sotto_status load(const char *json, sotto_task *out, sotto_diag *diag)
{
    sotto_arena arena;
    sotto_arena_init(&arena, memory, sizeof memory);
    sotto_status status = sotto_tasks_load(&file, sotto_span_str(json), "tasks.json", &arena, diag);
    if (status != SOTTO_OK) {
        assert_int_equal(arena.used, 0);
        assert_true(file.count == 0 && file.task == NULL);
    }
    *out = status == SOTTO_OK ? file.task[0] : (sotto_task){0};
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
    const sotto_dimension *d = task.table[0].dimension;
    assert_true(task.table_count == 1 && task.table[0].dimensions == 3 && !task.has_left_out);
    assert_string_equal(d[1].tag, "age_band");
    assert_true(task.id == 3 && task.epsilon_ueps == 500000 && file.budget.lifetime_ueps == 20000000);
    assert_true(task.quota_ueps == 20000000 && file.budget.renew_days == 0);
    assert_true(task.bound == 8 && task.period_days == 7);
    assert_true(d[0].named == 2 && d[1].named == 2 && d[1].bins == 3 && task.cells == 2 * 3 * 2);
    assert_int_equal(sotto_dimension_by_name(&d[0], sotto_span_str("spär")), 1);
    assert_int_equal(sotto_dimension_by_name(&d[0], sotto_span_str("gol")), -1);
    assert_int_equal(sotto_dimension_by_name(&d[1], sotto_span_str("30+")), 1);
    assert_int_equal(sotto_dimension_by_name(&d[1], sotto_span_str("")), 2);
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
                assert_int_equal(
                    sotto_table_cell(&task.table[0], (size_t[]){campaign, segment, (size_t)outcome}),
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
    assert_true(task.cells == 2 && task.table[0].dimensions == 2);
    assert_true(task.epsilon_ueps == 1);
}

#define WITH(name, id, type, mode, epsilon, bound, days, campaigns, rest)                                    \
    TASKS("20", MEMBERS(name, id, type, mode, epsilon, bound, days, campaigns, rest))

static const struct {
    const char *json, *where;
    int cause;
} BAD_MEMBERS[] = {
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
    {WITH("\"o\"", "1", "\"offer-counts\"", "\"one-collector\"", "-1", "1", "1", "[\"a\"]", ""), "epsilon",
     SOTTO_CAUSE_RANGE},
    {WITH("\"o\"", "1", "\"offer-counts\"", "\"one-collector\"", "101", "1", "1", "[\"a\"]", ""), "epsilon",
     SOTTO_CAUSE_RANGE},
    {WITH("\"o\"", "1", "\"offer-counts\"", "\"one-collector\"", "1", "1001", "1", "[\"a\"]", ""), "bound",
     SOTTO_CAUSE_RANGE},
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

static void bad_members_are_named(void **state)
{
    (void)state;
    for (size_t i = 0; i < SOTTO_COUNT(BAD_MEMBERS); i++) {
        sotto_task task;
        sotto_diag diag = {0};
        char text[512];
        sotto_status status = load(BAD_MEMBERS[i].json, &task, &diag);
        (void)sotto_diag_format(&diag, text, sizeof text);
        if (sotto_status_cause(status) != BAD_MEMBERS[i].cause ||
            (BAD_MEMBERS[i].where != NULL && strstr(text, BAD_MEMBERS[i].where) == NULL))
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
        sotto_tasks task;
        sotto_arena arena;
        sotto_arena_init(&arena, memory, sizeof memory);
        assert_int_not_equal(sotto_tasks_load(&task, sotto_span_of(json, len), "tasks.json", &arena, NULL),
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
        sotto_tasks task;
        sotto_arena arena;
        sotto_arena_init(&arena, memory, cap);
        status = sotto_tasks_load(&task, sotto_span_str(json), "tasks.json", &arena, NULL);
        assert_true(status == SOTTO_OK || status == SOTTO_ERR(PRIVACY, NO_SPACE));
        assert_true(cap < 4000);
    }
}

#define VERSION_2(head, tasks)                                                                               \
    "{\"format\":\"sotto-tasks\",\"version\":2,\"lifetime_epsilon\":20" head ",\"tasks\":[" tasks "]}"
#define TASK_2(id, type, mode, rest, tables)                                                                 \
    "{\"name\":\"t" id "\",\"id\":" id ",\"type\":\"" type "\",\"mode\":\"" mode                             \
    "\",\"epsilon\":1,\"bound\":8,\"period_days\":1" rest ",\"tables\":[" tables "]}"
#define OUTCOME    "{\"of\":\"outcome\"}"
#define SCORES     "{\"of\":\"score\",\"edges\":[0.01,0.05]}"
#define CHANCES(e) "{\"of\":\"chance\",\"edges\":[" e "]}"
#define KEY(c)     "\"04" c c c c c c c c c c c c c c c c "\""
#define KEYS       ",\"aggregators\":{\"leader\":" KEY("aaaaaaaa") ",\"helper\":" KEY("bbbbbbbb") "}"
#define GAUSSIAN   ",\"lifetime_gaussian\":{\"epsilon\":8,\"delta\":0.000001}"
#define RENEWAL    ",\"renewal\":{\"days\":365,\"epsilon\":5}"
#define HOME       ",\"home\":{\"tag\":\"home\",\"unknown\":\"skipped\"}"
#define QUOTA      ",\"quota_epsilon\":7,\"smallest_batch\":30"
#define COUNTS     TASK_2("1", "offer-counts", "one-collector", QUOTA, "[" SCORES "," OUTCOME "]")
#define STEPS      "[{\"of\":\"step\"}],[{\"of\":\"hour\",\"edges\":[12,18]},{\"of\":\"step\"}]"
#define FUNNEL     TASK_2("2", "funnel", "two-aggregators", ",\"cell_bits\":12", STEPS)
#define AGE        "[{\"of\":\"tag\",\"tag\":\"age\",\"edges\":[30,45.5]}]"
#define JOB        "[{\"of\":\"tag\",\"tag\":\"job\",\"bins\":[\"a\",\"b\"]}]"
#define DELTA      ",\"noise\":\"gaussian\",\"delta\":0.000001"
#define ARM        "{\"of\":\"arm\",\"bins\":[\"x\",\"y\"]}"
#define CAMPAIGN   "{\"of\":\"campaign\",\"bins\":[\"a\",\"b\"]}"
#define TAG_COUNTS TASK_2("3", "tag-counts", "one-collector", DELTA, AGE "," JOB)

static void version_2_has_several_tasks_of_any_shape(void **state)
{
    (void)state;
    sotto_task task;
    const char *json = VERSION_2(KEYS GAUSSIAN RENEWAL HOME, COUNTS "," FUNNEL "," TAG_COUNTS);
    sotto_diag diag = {0};
    if (load(json, &task, &diag) != SOTTO_OK)
        fail_msg("%s at line %u", diag.text, (unsigned)diag.line);
    assert_true(file.count == 3 && file.has_aggregators && file.home_unknown == SOTTO_HOME_UNKNOWN_SKIPPED);
    assert_true(file.budget.renew_days == 365 && file.budget.renew_ueps == 5000000);
    assert_true(task.has_left_out && task.quota_ueps == 7000000 && task.smallest_batch == 30);
    /* Cell 0 counts customers left out; scores have bins < .01, .01 .., .05 .., unknown. */
    assert_true(task.table[0].first_cell == 1 && task.cells == 1 + 4 * 2);
    assert_int_equal(sotto_dimension_by_value(&task.table[0].dimension[0], 10000), 1);
    assert_int_equal(sotto_dimension_by_value(&task.table[0].dimension[0], 9999), 0);
    const sotto_task *funnel = sotto_tasks_find(&file, 2), *tags = sotto_tasks_find(&file, 3);
    assert_true(funnel->mode == SOTTO_MODE_B && funnel->cell_bits == 12 && funnel->cells == 1 + 4 + 3 * 4);
    assert_true(sotto_task_events_max(funnel) == 4 && sotto_task_l2_squared(funnel) == 2 * 16);
    assert_true(tags->rho_nano > 0 && tags->quota_rho_nano == file.budget.lifetime_rho_nano);
    assert_true(tags->cells == 1 + 4 + 3 && tags->table[1].first_cell == 5);
    char label[64];
    sotto_dimension_label(&tags->table[0].dimension[0], 1, label, sizeof label);
    assert_string_equal(label, "30 .. 45.5");
    sotto_dimension_label(&tags->table[1].dimension[0], 2, label, sizeof label);
    assert_string_equal(label, "other");
    assert_int_equal(sotto_task_cost(tags, 8, 32), tags->rho_nano);
    assert_int_equal(sotto_task_cost(tags, 2, 2), (tags->rho_nano * 2 + 31) / 32);
}

static void chances_have_bands_and_a_cell_for_what_was_not_drawn(void **state)
{
    (void)state;
    sotto_task task;
    char label[64];
    const char *json = VERSION_2("", TASK_2("1", "offer-counts", "one-collector", "",
                                            "[" CAMPAIGN "," CHANCES("0.125,1") "," OUTCOME "]"));
    assert_int_equal(load(json, &task, NULL), SOTTO_OK);
    const sotto_dimension *d = sotto_table_dimension(task.table, SOTTO_DIMENSION_CHANCE);
    assert_non_null(d);
    assert_int_equal(d->bins, 4);
    assert_int_equal(sotto_dimension_by_value(d, 999999), 1);
    assert_int_equal(sotto_dimension_by_value(d, 1000000), 2);
    sotto_dimension_label(d, 2, label, sizeof label);
    assert_string_equal(label, ">= 1");
    sotto_dimension_label(d, 3, label, sizeof label);
    assert_string_equal(label, "not drawn");
}

static const struct {
    const char *json;
    int cause;
} BAD_FILES[] = {
    {VERSION_2("", TASK_2("1", "offer-counts", "two-aggregators", ",\"cell_bits\":8", "[" OUTCOME "]")),
     SOTTO_CAUSE_MALFORMED}, /* no aggregators */
    {VERSION_2(KEYS, TASK_2("1", "offer-counts", "two-aggregators", "", "[" OUTCOME "]")),
     SOTTO_CAUSE_MALFORMED}, /* no bits */
    {VERSION_2("", TASK_2("1", "offer-counts", "one-collector", ",\"cell_bits\":8", "[" OUTCOME "]")),
     SOTTO_CAUSE_MALFORMED},
    {VERSION_2("", TASK_2("1", "offer-counts", "one-collector", ",\"delta\":0.000001", "[" OUTCOME "]")),
     SOTTO_CAUSE_MALFORMED},
    {VERSION_2("", TASK_2("1", "offer-counts", "one-collector", ",\"noise\":\"gaussian\",\"delta\":0.000001",
                          "[" OUTCOME "]")),
     SOTTO_CAUSE_MALFORMED}, /* no budget of that kind */
    {VERSION_2("", TASK_2("1", "offer-counts", "one-collector", "", "[" CHANCES("0,0.5") "," OUTCOME "]")),
     SOTTO_CAUSE_RANGE},
    {VERSION_2("",
               TASK_2("1", "offer-counts", "one-collector", "", "[" CHANCES("0.5,1.000001") "," OUTCOME "]")),
     SOTTO_CAUSE_RANGE},
    {VERSION_2("", TASK_2("1", "funnel", "one-collector", "", "[" CHANCES("0.5") ",{\"of\":\"step\"}]")),
     SOTTO_CAUSE_MALFORMED},
    {VERSION_2("", TASK_2("1", "offer-counts", "one-collector", "", "[" SCORES "]")), SOTTO_CAUSE_MALFORMED},
    {VERSION_2("", TASK_2("1", "funnel", "one-collector", "", "[{\"of\":\"step\"}," SCORES "]")),
     SOTTO_CAUSE_MALFORMED},
    {VERSION_2("", TASK_2("1", "funnel", "one-collector", "", "[{\"of\":\"step\"},{\"of\":\"step\"}]")),
     SOTTO_CAUSE_MALFORMED},
    {VERSION_2("", TASK_2("1", "tag-counts", "one-collector", "",
                          "[{\"of\":\"tag\",\"tag\":\"age\",\"edges\":[5,5]}]")),
     SOTTO_CAUSE_RANGE},
    {VERSION_2("", TASK_2("1", "offer-counts", "one-collector", "", "[" OUTCOME "]") "," TASK_2(
                       "1", "offer-counts", "one-collector", "", "[" OUTCOME "]")),
     SOTTO_CAUSE_CONFLICT},
    {VERSION_2("", TASK_2("1", "mood", "one-collector", "", "[" OUTCOME "]")), SOTTO_CAUSE_UNSUPPORTED},
    {VERSION_2("", TASK_2("1", "health", "one-collector", "", "[" OUTCOME "]")), SOTTO_CAUSE_MALFORMED},
    {VERSION_2("", TASK_2("1", "health", "one-collector", "", "[{\"of\":\"hour\",\"edges\":[5]}]")),
     SOTTO_CAUSE_MALFORMED}, /* no figure */
    {VERSION_2("", TASK_2("1", "offer-counts", "one-collector", "", "[" ARM "," OUTCOME "]")),
     SOTTO_CAUSE_MALFORMED}, /* an arm of what? */
    {VERSION_2("", TASK_2("1", "funnel", "one-collector", "", "[" ARM ",{\"of\":\"step\"}]")),
     SOTTO_CAUSE_MALFORMED},
    {VERSION_2(",\"aggregators\":{\"leader\":" KEY("aaaaaaaa") ",\"helper\":" KEY("aaaaaaaa") "}",
               TASK_2("1", "offer-counts", "one-collector", "", "[" OUTCOME "]")),
     SOTTO_CAUSE_CONFLICT},
    {VERSION_2(",\"renewal\":{\"days\":1,\"epsilon\":21}",
               TASK_2("1", "offer-counts", "one-collector", "", "[" OUTCOME "]")),
     SOTTO_CAUSE_RANGE},
};

static void bad_files_of_version_2_are_named(void **state)
{
    (void)state;
    for (size_t i = 0; i < SOTTO_COUNT(BAD_FILES); i++) {
        sotto_task task;
        sotto_diag diag = {0};
        if (sotto_status_cause(load(BAD_FILES[i].json, &task, &diag)) != BAD_FILES[i].cause)
            fail_msg("case %zu: %s", i, diag.text);
        assert_true(diag.text[0] != '\0');
    }
}

static void an_arm_is_of_a_campaign(void **state)
{
    (void)state;
    sotto_task task;
    assert_int_equal(load(VERSION_2("", TASK_2("1", "offer-counts", "one-collector", "",
                                               "[" CAMPAIGN "," ARM "," OUTCOME "]")),
                          &task, NULL),
                     SOTTO_OK);
    const sotto_dimension *arm = &task.table[0].dimension[1];
    assert_true(arm->kind == SOTTO_DIMENSION_ARM && arm->bins == 3 && task.cells == 1 + 2 * 3 * 2);
    assert_int_equal(sotto_dimension_by_name(arm, sotto_span_str("y")), 1);
    assert_int_equal(sotto_dimension_by_name(arm, sotto_span_str("")), 2);
    assert_int_equal(sotto_dimension_by_name(arm, sotto_span_str("z")), 2);
}

/* Nobody pays for what befell the machine, and nobody is left out of it. */
static void health_costs_no_customer(void **state)
{
    (void)state;
    sotto_task task;
    assert_int_equal(
        load(VERSION_2("", TASK_2("1", "health", "one-collector", "", "[{\"of\":\"figure\"}]")), &task, NULL),
        SOTTO_OK);
    assert_true(!task.has_left_out && task.cells == SOTTO_FIGURE_COUNT && task.table[0].first_cell == 0);
    assert_int_equal(sotto_task_cost(&task, task.bound, sotto_task_l2_squared(&task)), 0);
}

/* Whatever a cell is called by moves the hash; what only costs does not. */
static void the_meaning_is_in_the_hash(void **state)
{
    (void)state;
    static const char *const TABLES[] = {
        "[" CAMPAIGN "," OUTCOME "]",
        "[{\"of\":\"campaign\",\"bins\":[\"b\",\"a\"]}," OUTCOME "]",
        "[{\"of\":\"campaign\",\"bins\":[\"a\",\"bb\"]}," OUTCOME "]",
        "[{\"of\":\"campaign\",\"bins\":[\"ab\",\"b\"]}," OUTCOME "]",
        "[" OUTCOME "," CAMPAIGN "]",
        "[" CAMPAIGN "," OUTCOME "],[" OUTCOME "]",
        "[" SCORES "," OUTCOME "]",
        "[{\"of\":\"score\",\"edges\":[0.01,0.06]}," OUTCOME "]",
        "[" CHANCES("0.01,0.05") "," OUTCOME "]",
        "[{\"of\":\"tag\",\"tag\":\"job\",\"bins\":[\"a\",\"b\"]}," OUTCOME "]",
        "[{\"of\":\"tag\",\"tag\":\"jobs\",\"bins\":[\"a\",\"b\"]}," OUTCOME "]",
    };
    uint8_t hash[SOTTO_COUNT(TABLES)][SOTTO_SHA256_BYTES], again[SOTTO_SHA256_BYTES];
    char json[1024];
    sotto_task task;
    assert_int_equal(sotto_vault_start(NULL), SOTTO_OK);
    for (size_t i = 0; i < SOTTO_COUNT(TABLES); i++) {
        (void)snprintf(json, sizeof json,
                       VERSION_2("", TASK_2("1", "offer-counts", "one-collector", "", "%s")), TABLES[i]);
        assert_int_equal(load(json, &task, NULL), SOTTO_OK);
        assert_int_equal(sotto_task_meaning(&task, hash[i]), SOTTO_OK);
        for (size_t j = 0; j < i; j++)
            assert_memory_not_equal(hash[i], hash[j], sizeof hash[i]);
    }
    task.epsilon_ueps /= 2;
    assert_int_equal(sotto_task_meaning(&task, again), SOTTO_OK);
    assert_memory_equal(again, hash[SOTTO_COUNT(TABLES) - 1], sizeof again);
}

/* Only campaigns may grow, and only where they are the slowest index. */
static void cells_keep_their_meaning(void **state)
{
    (void)state;
    static uint8_t other[1 << 15];
    sotto_tasks later;
    sotto_arena arena;
    static const char *const CAMPAIGNS[] = {"[\"a\"]", "[\"a\",\"b\"]", "[\"b\",\"a\"]"};
    for (int i = 0; i < 3; i++)
        for (int j = 0; j < 3; j++) {
            char json[2][512];
            sotto_task task;
            for (int k = 0; k < 2; k++)
                (void)snprintf(json[k], sizeof json[k],
                               VERSION_2("", TASK_2("1", "offer-counts", "one-collector", "",
                                                    "[{\"of\":\"campaign\",\"bins\":%s}," OUTCOME "]")),
                               CAMPAIGNS[k == 0 ? i : j]);
            assert_int_equal(load(json[0], &task, NULL), SOTTO_OK);
            sotto_arena_init(&arena, other, sizeof other);
            assert_int_equal(sotto_tasks_load(&later, sotto_span_str(json[1]), "t", &arena, NULL), SOTTO_OK);
            assert_int_equal(sotto_task_continues(later.task, &task), i == j || (i == 0 && j == 1));
        }
}

int main(void)
{
    static const struct CMUnitTest TESTS[] = {
        cmocka_unit_test(reads_every_member),
        cmocka_unit_test(cells_are_numbered_without_gaps),
        cmocka_unit_test(segments_may_be_absent),
        cmocka_unit_test(bad_members_are_named),
        cmocka_unit_test(several_tasks_are_for_later),
        cmocka_unit_test(cells_have_a_limit),
        cmocka_unit_test(version_2_has_several_tasks_of_any_shape),
        cmocka_unit_test(chances_have_bands_and_a_cell_for_what_was_not_drawn),
        cmocka_unit_test(bad_files_of_version_2_are_named),
        cmocka_unit_test(an_arm_is_of_a_campaign),
        cmocka_unit_test(health_costs_no_customer),
        cmocka_unit_test(the_meaning_is_in_the_hash),
        cmocka_unit_test(cells_keep_their_meaning),
        cmocka_unit_test(every_truncation_is_refused),
        cmocka_unit_test(a_small_arena_is_an_error),
    };
    return cmocka_run_group_tests(TESTS, NULL, NULL);
}
