/* plan-task: what tasks would cost a customer, and how precise their figures would be, before they are
 * published. */
#include "commands.h"
#include "office/args.h"
#include "office/day.h"
#include "office/json.h"
#include "release/bundle.h"
#include "totals/budgets.h"
#include "totals/sums.h"

#include "sotto/port.h"
#include "sotto/split.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { MONTH_DAYS = 30, YEAR_DAYS = 365, CONFIDENCE_PPM = 950000, BATCH_DRAWS = SOTTO_SPLIT_PARTIES };

typedef struct asked {
    const char *tasks;
    int64_t terminals, customers;
    bool as_json;
} asked;

typedef struct plan {
    const sotto_task *task;
    uint64_t cost;    /* of a report with all that a customer may contribute; the noise's own unit */
    uint64_t single;  /* of one event */
    uint64_t reports; /* that a customer can pay for in full, at most the quota */
    size_t rows;      /* of the first table */
    uint64_t width_period, width_month; /* +- of a cell at 95 % */
    double expected; /* counts a row and month if each customer came once a period, evenly */
} plan;

static uint64_t budget_of(const sotto_tasks *tasks, const sotto_task *task)
{
    bool gaussian = task->noise == SOTTO_NOISE_GAUSSIAN;
    uint64_t life = gaussian ? tasks->budget.lifetime_rho_nano : tasks->budget.lifetime_ueps;
    uint64_t quota = gaussian ? task->quota_rho_nano : task->quota_ueps;
    return quota < life ? quota : life;
}

/* Mode A: a draw a terminal and period. Mode B: one batch, with a draw of each aggregator. */
static sotto_status widths(plan *p, uint64_t terminals)
{
    const bool split = p->task->mode == SOTTO_MODE_B;
    uint64_t periods = MONTH_DAYS / p->task->period_days;
    sotto_status status =
        sotto_task_half_width(p->task, split ? BATCH_DRAWS : terminals, CONFIDENCE_PPM, &p->width_period);
    if (status == SOTTO_OK)
        status = sotto_task_half_width(p->task, split ? BATCH_DRAWS : terminals * (periods > 0 ? periods : 1),
                                       CONFIDENCE_PPM, &p->width_month);
    return status;
}

static sotto_status make(plan *p, const sotto_tasks *tasks, const sotto_task *task, const asked *a)
{
    const hq_cut cut = hq_cut_of(&task->table[0]);
    uint32_t events = sotto_task_events_max(task), tables = (uint32_t)task->table_count;
    *p = (plan){.task = task, .rows = cut.rows};
    p->cost = sotto_task_cost(task, events * tables, sotto_task_l2_squared(task));
    p->single = sotto_task_cost(task, tables, tables);
    p->reports = p->cost > 0 ? budget_of(tasks, task) / p->cost : 0;
    uint32_t periods = task->period_days < MONTH_DAYS ? MONTH_DAYS / task->period_days : 1;
    p->expected = (double)a->customers * (double)periods / (double)cut.rows;
    return widths(p, (uint64_t)a->terminals);
}

/* Budget that all Laplace (or all Gaussian) tasks take of somebody who always contributes everything. */
static double daily(const plan *p, size_t count, bool gaussian)
{
    double sum = 0;
    for (size_t i = 0; i < count; i++)
        if ((p[i].task->noise == SOTTO_NOISE_GAUSSIAN) == gaussian)
            sum += (double)p[i].cost / (double)p[i].task->period_days;
    return sum;
}

/* Days until a task leaves such a customer out, published today; INFINITY: not within ten years. */
static double days_left(const hq_budgets *life, bool gaussian)
{
    int64_t ends_day = hq_budgets_end_of(life, gaussian);
    return ends_day == INT64_MAX ? INFINITY : (double)(ends_day - life->today);
}

static void print_plan(const plan *p, const asked *a)
{
    const char *unit = p->task->noise == SOTTO_NOISE_GAUSSIAN ? "rho" : "epsilon";
    double scale = p->task->noise == SOTTO_NOISE_GAUSSIAN ? 1e9 : 1e6;
    printf("\nTask %s (%u), %s: %zu cells, a period of %u day%s, mode %s\n", p->task->name,
           (unsigned)p->task->id, sotto_task_type_name(p->task->type), p->task->cells,
           (unsigned)p->task->period_days, p->task->period_days == 1 ? "" : "s",
           p->task->mode == SOTTO_MODE_B ? "B" : "A");
    if (p->task->type == SOTTO_TASK_HEALTH)
        printf(
            "  cost      none to customers: what befell the terminal; the noise hides a terminal's period at "
            "epsilon %.6g\n",
            (double)p->task->epsilon_ueps / 1e6);
    else
        printf(
            "  cost      %s %.6g for one event, %.6g for all of %u; a customer can pay for %llu full reports "
            "(%.3g years)\n",
            unit, (double)p->single / scale, (double)p->cost / scale,
            (unsigned)sotto_task_events_max(p->task), (unsigned long long)p->reports,
            (double)p->reports * p->task->period_days / 365.25);
    printf("  precision a cell's total over %lld terminal%s: +-%llu a period, +-%llu in %d days (95 %%)\n",
           (long long)a->terminals, a->terminals == 1 ? "" : "s", (unsigned long long)p->width_period,
           (unsigned long long)p->width_month, MONTH_DAYS);
    if (p->task->type != SOTTO_TASK_HEALTH)
        printf(
            "            if %lld customers come once a period, evenly over %zu row%s: %.0f a row in %d days, "
            "+-%.1f %%\n",
            (long long)a->customers, p->rows, p->rows == 1 ? "" : "s", p->expected, MONTH_DAYS,
            100 * (double)p->width_month / p->expected);
}

static void print_budget(const sotto_tasks *tasks, const plan *p, const hq_budgets *life, bool gaussian)
{
    double spent = daily(p, tasks->count, gaussian);
    double scale = gaussian ? 1e9 : 1e6;
    if (spent <= 0)
        return;
    printf("%s: all tasks together take %.6g a day of %.6g from who contributes everything. ",
           gaussian ? "rho" : "epsilon", spent / scale,
           (double)(gaussian ? tasks->budget.lifetime_rho_nano : tasks->budget.lifetime_ueps) / scale);
    hq_budgets_print_end(life, gaussian);
    if (days_left(life, gaussian) < YEAR_DAYS)
        printf(
            "Warning: that is a life's budget in less than a year. Longer periods, a smaller epsilon, fewer "
            "tasks or a renewal\nkeep such a customer in the figures (docs/privacy.md, \"Choosing a "
            "budget\").\n");
}

static void put_plan(sotto_json_writer *w, const plan *p)
{
    double scale = p->task->noise == SOTTO_NOISE_GAUSSIAN ? 1e9 : 1e6;
    sotto_json_obj(w);
    hq_json_u64(w, "task", p->task->id);
    sotto_json_name(w, "name");
    sotto_json_cstr(w, p->task->name);
    sotto_json_name(w, "mode");
    sotto_json_cstr(w, p->task->mode == SOTTO_MODE_B ? "B" : "A");
    sotto_json_name(w, "unit");
    sotto_json_cstr(w, p->task->noise == SOTTO_NOISE_GAUSSIAN ? "rho" : "epsilon");
    hq_json_u64(w, "cells", p->task->cells);
    hq_json_number(w, "cost_of_one_event", (double)p->single / scale);
    hq_json_number(w, "cost_of_full_report", (double)p->cost / scale);
    hq_json_u64(w, "full_reports", p->reports);
    hq_json_u64(w, "plus_minus_period", p->width_period);
    hq_json_u64(w, "plus_minus_30_days", p->width_month);
    if (p->task->type != SOTTO_TASK_HEALTH) /* no customer is in its rows */
        hq_json_number(w, "expected_row_30_days", p->expected);
    sotto_json_obj_end(w);
}

static sotto_status put_all(const sotto_tasks *tasks, const plan *p, const hq_budgets *life, sotto_diag *diag)
{
    hq_json json;
    sotto_status status = hq_json_begin(&json, 4096 + tasks->count * 1024, diag);
    if (status != SOTTO_OK)
        return status;
    sotto_json_obj(&json.w);
    sotto_json_name(&json.w, "tasks");
    sotto_json_arr(&json.w);
    for (size_t i = 0; i < tasks->count; i++)
        put_plan(&json.w, &p[i]);
    sotto_json_arr_end(&json.w);
    bool within_a_year = false;
    for (unsigned g = 0; g < 2; g++) {
        double spent = daily(p, tasks->count, g == 1);
        hq_json_number(&json.w, g == 1 ? "rho_a_day" : "epsilon_a_day", spent / (g == 1 ? 1e9 : 1e6));
        hq_json_number(&json.w, g == 1 ? "rho_lasts_days" : "epsilon_lasts_days", days_left(life, g == 1));
        within_a_year = within_a_year || days_left(life, g == 1) < YEAR_DAYS;
    }
    sotto_json_name(&json.w, "spent_within_a_year");
    sotto_json_bool(&json.w, within_a_year);
    sotto_json_obj_end(&json.w);
    return hq_json_print(&json, diag);
}

static sotto_status answer(const asked *a, const sotto_tasks *tasks, sotto_diag *diag)
{
    plan p[SOTTO_TASKS_MAX];
    hq_budgets life;
    for (size_t i = 0; i < tasks->count; i++) {
        sotto_status status = make(&p[i], tasks, &tasks->task[i], a);
        if (status != SOTTO_OK)
            return sotto_diag_set(diag, status, "task %u: its noise has no width that can be told",
                                  (unsigned)tasks->task[i].id);
    }
    sotto_status status = hq_budgets_plan(&life, tasks, hq_now() / HQ_DAY_S, diag);
    if (status != SOTTO_OK || a->as_json)
        return status == SOTTO_OK ? put_all(tasks, p, &life, diag) : status;
    print_budget(tasks, p, &life, false);
    print_budget(tasks, p, &life, true);
    for (size_t i = 0; i < tasks->count; i++)
        print_plan(&p[i], a);
    return SOTTO_OK;
}

int hq_cmd_plan_task(int argc, char **argv)
{
    sotto_diag diag = {0};
    asked a = {.terminals = 1, .customers = 1000};
    sotto_vec json;
    sotto_arena arena;
    sotto_tasks tasks = {.count = 0};
    const hq_option options[] = {
        {"--tasks", HQ_TEXT, &a.tasks, .required = true},
        {"--terminals", HQ_NUMBER, &a.terminals, .min = 1, .max = 1000000},
        {"--customers", HQ_NUMBER, &a.customers, .min = 1, .max = INT64_C(1000000000)},
        {"--json", HQ_FLAG, &a.as_json, .required = false}};
    if (!hq_options(argc, argv, options, SOTTO_COUNT(options)))
        return 2;
    sotto_vec_init(&json, HQ_FILE_LIMIT);
    sotto_status status = sotto_port_read_file(a.tasks, &json, &diag);
    const size_t size = (512u << 10) + json.len * 16;
    void *memory = malloc(size);
    if (status == SOTTO_OK && memory == NULL)
        status = sotto_diag_set(&diag, SOTTO_ERR(HQ, NO_MEMORY), "no memory for the tasks");
    if (status == SOTTO_OK) {
        sotto_arena_init(&arena, memory, size);
        status = sotto_tasks_load(&tasks, sotto_vec_span(&json), a.tasks, &arena, &diag);
    }
    if (status == SOTTO_OK)
        status = answer(&a, &tasks, &diag);
    free(memory);
    sotto_vec_free(&json);
    return status == SOTTO_OK ? 0 : hq_fail(status, &diag);
}
