/* A customer who contributes everything, followed through the releases day by day. */
#include "totals/budgets.h"
#include "office/day.h"
#include "totals/sums.h"

#include <stdio.h>
#include <stdlib.h>

/* ---- the customer's ledger, by the rules of docs/formats/tasks.md, "What a customer pays" ---- */

/* floor(part * amount / whole), bit by bit since the product may not fit. amount <= whole < 2^62. */
static uint64_t share_of(uint64_t part, uint64_t amount, uint64_t whole)
{
    uint64_t quotient = 0, rest = 0;
    for (int bit = 63; bit >= 0; bit--) {
        rest = 2 * rest + (part >> bit & 1) * amount; /* < 3 * whole */
        quotient = 2 * quotient + rest / whole;
        rest %= whole;
    }
    return quotient;
}

static void forgive(uint64_t *spent, uint64_t less)
{
    *spent -= less < *spent ? less : *spent;
}

static void renew(hq_budgets *b, const sotto_budget_policy *p, int64_t day)
{
    if (p->renew_days == 0 || (b->spent[0] == 0 && b->spent[1] == 0))
        return;
    for (; day - b->debited_since >= (int64_t)p->renew_days; b->debited_since += p->renew_days) {
        forgive(&b->spent[0], p->renew_ueps);
        forgive(&b->spent[1], share_of(p->lifetime_rho_nano, p->renew_ueps, p->lifetime_ueps));
        for (size_t i = 0; i < b->count; i++) {
            forgive(&b->task[i].open,
                    b->task[i].in_use ? share_of(b->task[i].quota, p->renew_ueps, p->lifetime_ueps) : 0);
            b->task[i].told = false;
        }
    }
}

static uint64_t left(uint64_t whole, uint64_t gone)
{
    return gone < whole ? whole - gone : 0;
}

/* What is kept back for tasks that have not yet counted the customer as left out. */
static uint64_t reserved(const hq_budgets *b, bool gaussian)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < b->count; i++)
        if (b->task[i].in_use && b->task[i].gaussian == gaussian && !b->task[i].told)
            sum += b->task[i].telling;
    return sum;
}

/* What is taken: a report's cost, or once what it costs to be counted as left out (the same where one count
 * is all that a customer may contribute), or nothing. */
static uint64_t debit(hq_budgets *b, hq_budget_task *t, const sotto_budget_policy *p, bool *paid)
{
    uint64_t *spent = &b->spent[t->gaussian], taken = 0;
    const uint64_t in_all = left(t->gaussian ? p->lifetime_rho_nano : p->lifetime_ueps, *spent),
                   in_quota = left(t->quota, t->open);
    *paid = t->cost <= left(in_all, reserved(b, t->gaussian)) &&
            t->cost <= left(in_quota, t->told ? 0 : t->telling);
    if (*paid) {
        taken = t->cost;
    } else if (!t->told && t->telling > 0 && t->telling <= in_all && t->telling <= in_quota) {
        taken = t->telling;
        t->told = true;
    }
    *spent += taken;
    t->open += taken;
    return taken;
}

/* ---- tasks ---- */

/* A new task takes the place of one that is no longer counted: what that one had of its quota is forgotten.
 */
static hq_budget_task *entry_of(hq_budgets *b, uint32_t id)
{
    for (size_t i = 0; i < b->count; i++)
        if (b->task[i].id == id)
            return &b->task[i];
    if (b->count == HQ_BUDGET_TASKS_MAX)
        return NULL;
    for (size_t i = 0; i < b->count; i++)
        if (!b->task[i].in_use)
            b->task[i].open = 0, b->task[i].told = false;
    b->task[b->count] = (hq_budget_task){.id = id, .ends_day = INT64_MAX};
    return &b->task[b->count++];
}

static void describe(hq_budget_task *t, const sotto_task *task)
{
    (void)snprintf(t->name, sizeof t->name, "%s", task->name);
    t->gaussian = task->noise == SOTTO_NOISE_GAUSSIAN;
    t->mode_b = task->mode == SOTTO_MODE_B;
    t->is_health = task->type == SOTTO_TASK_HEALTH;
    t->period_days = task->period_days;
    t->quota = t->gaussian ? task->quota_rho_nano : task->quota_ueps;
    t->telling = task->has_left_out ? sotto_task_cost(task, 1, 1) : 0;
    t->cost = sotto_task_cost(task, sotto_task_events_max(task) * (uint32_t)task->table_count,
                              sotto_task_l2_squared(task));
}

static sotto_status take_tasks(hq_budgets *b, const sotto_tasks *tasks, sotto_diag *diag)
{
    for (size_t i = 0; i < b->count; i++)
        b->task[i].in_use = sotto_tasks_find(tasks, b->task[i].id) != NULL;
    for (size_t i = 0; i < tasks->count; i++) {
        hq_budget_task *t = entry_of(b, tasks->task[i].id);
        if (t == NULL)
            return sotto_diag_set(diag, SOTTO_ERR(HQ, NO_SPACE), "more than %d tasks over all releases",
                                  HQ_BUDGET_TASKS_MAX);
        describe(t, &tasks->task[i]);
        t->in_use = true;
    }
    return SOTTO_OK;
}

/* The period that ends with the day before `day`, as a terminal closes it that night. */
static void close_period(hq_budgets *b, hq_budget_task *t, const sotto_budget_policy *p, int64_t day,
                         bool ahead)
{
    const int64_t first = day - (int64_t)t->period_days;
    renew(b, p, first);
    const bool fresh = b->spent[0] == 0 && b->spent[1] == 0;
    bool paid = false;
    uint64_t taken = debit(b, t, p, &paid);
    if (taken > 0 && fresh)
        b->debited_since = first;
    if (!ahead) {
        t->periods++;
        t->spent += taken;
        t->left_out += !paid;
    } else if (!paid && t->ends_day == INT64_MAX) {
        t->ends_day = first;
    }
}

static void live_day(hq_budgets *b, const sotto_tasks *tasks, int64_t day, bool ahead)
{
    for (size_t i = 0; i < tasks->count; i++) {
        hq_budget_task *t = entry_of(b, tasks->task[i].id);
        if (t != NULL && !t->is_health && day % (int64_t)t->period_days == 0)
            close_period(b, t, &tasks->budget, day, ahead);
    }
}

void hq_budgets_begin(hq_budgets *out, int64_t since_day)
{
    *out = (hq_budgets){
        .since_day = since_day, .debited_since = INT64_MIN, .ends_day = INT64_MAX, .renews_day = INT64_MAX};
}

sotto_status hq_budgets_add(hq_budgets *out, const hq_budget_rules *rules, sotto_diag *diag)
{
    sotto_status status = take_tasks(out, rules->tasks, diag);
    for (int64_t day = rules->from_day + 1; status == SOTTO_OK && day <= rules->to_day; day++)
        live_day(out, rules->tasks, day, false);
    return status;
}

void hq_budgets_end(hq_budgets *out, const sotto_tasks *newest, int64_t today)
{
    out->policy = newest->budget;
    out->today = today;
    renew(out, &newest->budget, today);
    hq_budgets ahead = *out; /* goes on living where `out` stays */
    for (int64_t day = today + 1; day <= today + HQ_BUDGET_HORIZON_DAYS; day++)
        live_day(&ahead, newest, day, true);
    for (size_t i = 0; i < out->count; i++) {
        out->task[i].ends_day = ahead.task[i].ends_day;
        out->ends_day = ahead.task[i].ends_day < out->ends_day ? ahead.task[i].ends_day : out->ends_day;
    }
    if (newest->budget.renew_days > 0 && (out->spent[0] > 0 || out->spent[1] > 0))
        out->renews_day = out->debited_since + newest->budget.renew_days;
}

sotto_status hq_budgets_plan(hq_budgets *out, const sotto_tasks *tasks, int64_t today, sotto_diag *diag)
{
    const hq_budget_rules none = {.from_day = today, .to_day = today, .tasks = tasks};
    hq_budgets_begin(out, today);
    sotto_status status = hq_budgets_add(out, &none, diag);
    if (status == SOTTO_OK)
        hq_budgets_end(out, tasks, today);
    return status;
}

int64_t hq_budgets_end_of(const hq_budgets *b, bool gaussian)
{
    int64_t ends_day = INT64_MAX;
    for (size_t i = 0; i < b->count; i++)
        if (b->task[i].gaussian == gaussian && b->task[i].ends_day < ends_day)
            ends_day = b->task[i].ends_day;
    return ends_day;
}

void hq_budgets_print_end(const hq_budgets *b, bool gaussian)
{
    char ends[11];
    const int64_t ends_day = hq_budgets_end_of(b, gaussian);
    if (ends_day == INT64_MAX) {
        printf("Not used up within ten years.\n");
        return;
    }
    hq_day_format(ends_day, ends);
    printf("Used up %s: who contributes everything is left out of a task from then on.\n", ends);
}

/* ---- from the registry ---- */

static int64_t clamp_day(int64_t utc_s)
{
    int64_t day = sotto_floor_div_i64(utc_s, HQ_DAY_S);
    return day < 0 ? 0 : day > 10000000 ? 10000000 : day;
}

static sotto_status add_release(hq_budgets *out, hq_registry *registry, uint64_t version, bool newest,
                                int64_t today, sotto_diag *diag)
{
    void *memory = NULL;
    sotto_tasks tasks = {.count = 0};
    int64_t from_s = 0, to_s = today * HQ_DAY_S;
    sotto_status status = hq_release_tasks_load(registry, version, &tasks, &memory, diag);
    if (status == SOTTO_OK)
        status = hq_registry_release_published(registry, version, &from_s, diag);
    if (status == SOTTO_OK && !newest)
        status = hq_registry_release_published(registry, version + 1, &to_s, diag);
    if (status == SOTTO_OK && version == 1)
        hq_budgets_begin(out, clamp_day(from_s));
    const hq_budget_rules rules = {.from_day = clamp_day(from_s), .to_day = clamp_day(to_s), .tasks = &tasks};
    if (status == SOTTO_OK)
        status = hq_budgets_add(out, &rules, diag);
    if (status == SOTTO_OK && newest)
        hq_budgets_end(out, &tasks, today);
    free(memory);
    return status;
}

sotto_status hq_budgets_make(hq_budgets *out, hq_registry *registry, uint64_t newest_release, int64_t now_s,
                             sotto_diag *diag)
{
    sotto_status status = newest_release > 0
                              ? SOTTO_OK
                              : sotto_diag_set(diag, SOTTO_ERR(HQ, NOT_FOUND), "nothing was published yet");
    hq_budgets_begin(out, 0);
    for (uint64_t version = 1; version <= newest_release && status == SOTTO_OK; version++)
        status = add_release(out, registry, version, version == newest_release, clamp_day(now_s), diag);
    return status;
}
