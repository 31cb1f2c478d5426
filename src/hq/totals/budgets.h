/*
 * budgets: what the tasks of all releases so far have cost one customer, and when that ends. Head office
 * knows no customer's ledger: it follows one who contributed everything to every period since the first
 * release, at one terminal that took each release on its day, by the rules that terminals debit by
 * (docs/formats/tasks.md). It is no bound on all others: docs/sotto-hq.md, "Budgets", has the cases.
 */
#ifndef SOTTO_HQ_TOTALS_BUDGETS_H
#define SOTTO_HQ_TOTALS_BUDGETS_H

#include "registry/registry.h"

#include "sotto/privacy.h"

#define HQ_BUDGET_TASKS_MAX    64   /* different task ids over all releases */
#define HQ_BUDGET_HORIZON_DAYS 3653 /* ten years ahead, for when a budget is used up */

typedef struct hq_budget_task {
    uint32_t id;
    char name[65];
    bool in_use, gaussian, mode_b, is_health; /* as the newest release that has it says */
    uint32_t period_days;
    uint64_t cost;     /* of a period with all that a customer may contribute: micro-epsilon or nano-rho */
    uint64_t quota;    /* as `cost` */
    uint64_t periods;  /* that ended while it was in use */
    uint64_t spent;    /* by who contributed everything: in all, renewals or not */
    uint64_t left_out; /* of those periods: not paid for in full, the quota or the budget being spent */
    int64_t ends_day;  /* first day on which such a customer is left out from now on; INT64_MAX: not within
                          the horizon */
    uint64_t open;     /* of `spent`, what no renewal has forgiven */
    uint64_t telling;  /* what it costs to be counted as left out; 0: the task counts nobody so */
    bool told;         /* was, since the last renewal */
} hq_budget_task;
typedef struct hq_budgets {
    sotto_budget_policy policy; /* of the newest release */
    int64_t since_day, today;
    uint64_t spent[2];     /* micro-epsilon, nano-rho; today, renewals taken off */
    int64_t debited_since; /* the first debit, moved on by each renewal; INT64_MIN: none yet */
    int64_t ends_day;      /* the smallest of the tasks'; INT64_MAX */
    int64_t renews_day;    /* the next renewal; INT64_MAX: none */
    hq_budget_task task[HQ_BUDGET_TASKS_MAX];
    size_t count;
} hq_budgets;

/* What holds from a day on. */
typedef struct hq_budget_rules {
    int64_t from_day, to_day; /* periods that end in from_day + 1 .. to_day */
    const sotto_tasks *tasks;
} hq_budget_rules;
/* Releases one after the other, the oldest first; then hq_budgets_end with the newest one's tasks. NO_SPACE:
 * more than HQ_BUDGET_TASKS_MAX ids. Days: 0 .. 10^7. */
void hq_budgets_begin(hq_budgets *out, int64_t since_day);
SOTTO_MUST_USE sotto_status hq_budgets_add(hq_budgets *out, const hq_budget_rules *rules, sotto_diag *diag);
void hq_budgets_end(hq_budgets *out, const sotto_tasks *newest, int64_t today);
/* The same for tasks that are not published yet, as if they were today and nothing before them. */
SOTTO_MUST_USE sotto_status hq_budgets_plan(hq_budgets *out, const sotto_tasks *tasks, int64_t today,
                                            sotto_diag *diag);
/* All of it from the registry's releases. NOT_FOUND: nothing was published. */
SOTTO_MUST_USE sotto_status hq_budgets_make(hq_budgets *out, hq_registry *registry, uint64_t newest_release,
                                            int64_t now_s, sotto_diag *diag);
/* The first day on which a task of one budget (epsilon, or rho) leaves such a customer out; INT64_MAX: not
 * within the horizon. */
int64_t hq_budgets_end_of(const hq_budgets *b, bool gaussian);
/* The sentence about it, one for plans and for what was published, and a new line. */
void hq_budgets_print_end(const hq_budgets *b, bool gaussian);

#endif
