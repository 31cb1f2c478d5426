/* What head office says that a customer can have paid is what a terminal's own ledger debits who contributes
 * everything: both are followed through two releases and ten years. */
#include "../hq_test.h"
#include "totals/budgets.h"

#include "../../../src/tally/tally_priv.h"

enum { START = 20003, SECOND = START + 200, TODAY = START + 420, MEMORY = 1 << 18 };

#define OFFERS(epsilon, extra)                                                                               \
    "{\"name\":\"offers\",\"id\":1,\"type\":\"offer-counts\",\"mode\":\"one-collector\","                    \
    "\"epsilon\":" epsilon ",\"bound\":8,\"period_days\":7" extra                                            \
    ",\"tables\":[[{\"of\":\"campaign\",\"bins\":[\"a\"]},{\"of\":\"outcome\"}]]}"
#define VISITS                                                                                               \
    "{\"name\":\"visits\",\"id\":2,\"type\":\"funnel\",\"mode\":\"one-collector\",\"epsilon\":0.02,"         \
    "\"bound\":4,\"period_days\":1,\"tables\":[[{\"of\":\"step\"}]]}"
#define GAUSS                                                                                                \
    "{\"name\":\"gauss\",\"id\":3,\"type\":\"offer-counts\",\"mode\":\"one-collector\",\"noise\":"           \
    "\"gaussian\","                                                                                          \
    "\"delta\":0.000001,\"epsilon\":0.5,\"bound\":4,\"period_days\":3,"                                      \
    "\"tables\":[[{\"of\":\"campaign\",\"bins\":[\"a\"]},{\"of\":\"outcome\"}]]}"
#define HEALTH                                                                                               \
    "{\"name\":\"terminals\",\"id\":9,\"type\":\"health\",\"mode\":\"one-collector\",\"epsilon\":8,"         \
    "\"bound\":16,\"period_days\":7,\"tables\":[[{\"of\":\"figure\"}]]}"
#define FILE_OF(budget, tasks) "{\"format\":\"sotto-tasks\",\"version\":2," budget ",\"tasks\":[" tasks "]}"
#define RENEWED                                                                                              \
    "\"lifetime_epsilon\":6,\"lifetime_gaussian\":{\"epsilon\":5,\"delta\":0.000001},"                       \
    "\"renewal\":{\"days\":90,\"epsilon\":2}"

#define YEARLY "\"lifetime_epsilon\":6,\"renewal\":{\"days\":365,\"epsilon\":6}"
#define FOUR_WEEKS(epsilon)                                                                                  \
    "{\"name\":\"visits\",\"id\":2,\"type\":\"funnel\",\"mode\":\"one-collector\",\"epsilon\":" epsilon      \
    ",\"bound\":4,\"period_days\":28,\"tables\":[[{\"of\":\"step\"}]]}"

static const char *const FIRST = FILE_OF(RENEWED, OFFERS("0.3", ",\"quota_epsilon\":3") "," HEALTH);
static const char *const THEN =
    FILE_OF(RENEWED, VISITS "," OFFERS("0.1", ",\"quota_epsilon\":1.5") "," GAUSS "," HEALTH);
static const char *const FOR_LIFE = FILE_OF("\"lifetime_epsilon\":6", VISITS);

static sotto_tasks load(const char *json, uint8_t memory[static MEMORY])
{
    sotto_arena arena;
    sotto_tasks tasks;
    sotto_diag diag = {0};
    sotto_arena_init(&arena, memory, MEMORY);
    ok(sotto_tasks_load(&tasks, sotto_span_str(json), "tasks", &arena, &diag), &diag);
    return tasks;
}

/* ---- the terminal's ledger, day by day ---- */

typedef struct lived {
    sotto_ledger ledger;
    uint64_t spent[10], left_out[10], periods[10];
    int64_t ends[10];
} lived;

static void live(lived *l, const sotto_tasks *tasks, int64_t from, int64_t to)
{
    const sotto_lost nothing = {0};
    for (int64_t day = from + 1; day <= to; day++)
        for (size_t i = 0; i < tasks->count; i++) {
            const sotto_task *task = &tasks->task[i];
            const int64_t first = day - task->period_days;
            uint64_t debited = 0;
            if (task->type == SOTTO_TASK_HEALTH || day % task->period_days != 0)
                continue;
            sotto_ledger tried = l->ledger;
            sotto_ledger_renew(&tried, tasks, first);
            if (tried.spent_ueps == 0 && tried.spent_rho_nano == 0)
                tried.since_day = (int32_t)first;
            const uint32_t events = sotto_task_events_max(task) * (uint32_t)task->table_count;
            enum sotto_debit what =
                sotto_ledger_debit(&tried, tasks, task, &nothing,
                                   sotto_task_cost(task, events, sotto_task_l2_squared(task)), &debited);
            if (debited > 0)
                l->ledger = tried;
            l->periods[task->id]++;
            l->spent[task->id] += debited;
            l->left_out[task->id] += what != SOTTO_DEBIT_PAID;
            if (what != SOTTO_DEBIT_PAID && day > TODAY && l->ends[task->id] == 0)
                l->ends[task->id] = first;
        }
}

static void same_as_the_ledger(const hq_budgets *b, lived *l, const sotto_tasks *newest)
{
    sotto_ledger_renew(&l->ledger, newest, TODAY);
    assert_int_equal(b->spent[0], l->ledger.spent_ueps);
    assert_int_equal(b->spent[1], l->ledger.spent_rho_nano);
    for (size_t i = 0; i < b->count; i++) {
        const hq_budget_task *t = &b->task[i];
        if (t->is_health)
            continue;
        assert_int_equal(t->periods, l->periods[t->id]);
        assert_int_equal(t->spent, l->spent[t->id]);
        assert_int_equal(t->left_out, l->left_out[t->id]);
    }
    live(l, newest, TODAY, TODAY + HQ_BUDGET_HORIZON_DAYS);
    for (size_t i = 0; i < b->count; i++)
        if (!b->task[i].is_health)
            assert_int_equal(b->task[i].ends_day,
                             l->ends[b->task[i].id] != 0 ? l->ends[b->task[i].id] : INT64_MAX);
}

static void the_ledger_debits_the_same(void **state)
{
    (void)state;
    static uint8_t memory[2][MEMORY];
    const sotto_tasks first = load(FIRST, memory[0]), then = load(THEN, memory[1]);
    const hq_budget_rules rules[] = {{START, SECOND, &first}, {SECOND, TODAY, &then}};
    hq_budgets b;
    lived l = {.spent = {0}};
    hq_budgets_begin(&b, START);
    for (size_t i = 0; i < SOTTO_COUNT(rules); i++) {
        ok(hq_budgets_add(&b, &rules[i], NULL), NULL);
        live(&l, rules[i].tasks, rules[i].from_day, rules[i].to_day);
    }
    hq_budgets_end(&b, &then, TODAY);
    assert_true(b.count == 4 && b.spent[1] > 0 && b.task[0].left_out > 0); /* a quota was met */
    assert_int_equal(b.renews_day % 90, (int64_t)l.ledger.since_day % 90);
    same_as_the_ledger(&b, &l, &then);
}

/* Epsilon 0.02 a day of 6 for life, 0.005 of it kept for telling. */
static void a_life_ends(void **state)
{
    (void)state;
    static uint8_t memory[MEMORY];
    const sotto_tasks tasks = load(FOR_LIFE, memory);
    const hq_budget_rules rules = {START, TODAY - 300, &tasks};
    hq_budgets b;
    hq_budgets_begin(&b, START);
    ok(hq_budgets_add(&b, &rules, NULL), NULL);
    hq_budgets_end(&b, &tasks, TODAY - 300);
    assert_true(b.task[0].periods == 120 && b.task[0].spent == 2400000 && b.spent[0] == 2400000);
    assert_int_equal(b.ends_day, START + 299); /* 299 full reports, then what is left is for telling */
    assert_int_equal(b.renews_day, INT64_MAX);
}

/* A plan says what budgets say once it is published; 13.04 periods of 28 days are 14 in some years, and what
 * is kept for telling comes on top: 0.46 a period is more than 6 a year. */
static void a_plan_is_what_follows(void **state)
{
    (void)state;
    static uint8_t memory[2][MEMORY];
    const sotto_tasks greedy = load(FILE_OF(YEARLY, FOUR_WEEKS("0.46")), memory[0]),
                      modest = load(FILE_OF(YEARLY, FOUR_WEEKS("0.4")), memory[1]);
    hq_budgets plan, b;
    const hq_budget_rules rules = {START, TODAY, &greedy};
    ok(hq_budgets_plan(&plan, &greedy, START, NULL), NULL);
    assert_true(plan.ends_day > START && plan.ends_day < START + 366);
    assert_true(hq_budgets_end_of(&plan, false) == plan.ends_day &&
                hq_budgets_end_of(&plan, true) == INT64_MAX);
    hq_budgets_begin(&b, START);
    ok(hq_budgets_add(&b, &rules, NULL), NULL);
    hq_budgets_end(&b, &greedy, TODAY);
    assert_true(b.task[0].left_out > 0);
    for (int64_t today = START; today < START + 28; today++) {
        ok(hq_budgets_plan(&plan, &modest, today, NULL), NULL);
        assert_int_equal(plan.ends_day, INT64_MAX);
    }
}

/* Who contributes everything to the example's tasks is never left out, whenever they are published. */
static void the_example_leaves_nobody_out(void **state)
{
    (void)state;
    static uint8_t memory[MEMORY];
    sotto_vec json;
    hq_budgets plan;
    sotto_diag diag = {0};
    sotto_vec_init(&json, 1 << 16);
    ok(sotto_port_read_file(SOTTO_SOURCE_DIR "/docs/examples/bank/tasks.json", &json, &diag), &diag);
    ok(sotto_vec_put(&json, "", 1), NULL);
    const sotto_tasks tasks = load((const char *)json.ptr, memory);
    sotto_vec_free(&json);
    for (int64_t today = START; today < START + 28; today++) {
        ok(hq_budgets_plan(&plan, &tasks, today, NULL), NULL);
        assert_int_equal(plan.ends_day, INT64_MAX);
    }
}

static void releases_are_read(void **state)
{
    (void)state;
    hq_registry *registry;
    hq_budgets b;
    sotto_diag diag = {0};
    const char *const file[] = {FIRST, THEN};
    ok(hq_registry_create(at("registry.db"), "Test Bank", 1, &diag), &diag);
    ok(hq_registry_open(&registry, at("registry.db"), &diag), &diag);
    cause_is(hq_budgets_make(&b, registry, 0, 0, &diag), NOT_FOUND);
    for (uint64_t i = 0; i < 2; i++) {
        const hq_release release = {.version = i + 1,
                                    .published_s = (START + 200 * (int64_t)i) * HQ_DAY_S + 3600,
                                    .tasks = sotto_span_str(file[i])};
        ok(hq_registry_release_put(registry, &release, &diag), &diag);
    }
    ok(hq_budgets_make(&b, registry, 2, (int64_t)TODAY * HQ_DAY_S + 7200, &diag), &diag);
    assert_true(b.since_day == START && b.today == TODAY && b.count == 4);
    assert_true(b.task[0].id == 1 && b.task[0].in_use && b.task[0].periods == 60);
    assert_true(b.task[1].is_health && b.task[1].spent == 0);
    cause_is(hq_budgets_make(&b, registry, 3, (int64_t)TODAY * HQ_DAY_S, &diag), NOT_FOUND);
    hq_registry_close(registry);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_ledger_debits_the_same),
        cmocka_unit_test(a_life_ends),
        cmocka_unit_test(a_plan_is_what_follows),
        cmocka_unit_test(the_example_leaves_nobody_out),
        cmocka_unit_test_setup_teardown(releases_are_read, test_setup, test_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
