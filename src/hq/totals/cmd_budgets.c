/* budgets: what all tasks together have cost a customer who contributed everything, and when that ends. */
#include "commands.h"
#include "office/day.h"
#include "office/json.h"
#include "totals/asked.h"
#include "totals/budgets.h"

#include <stdio.h>

static double in_units(uint64_t spent, bool gaussian)
{
    return (double)spent / (gaussian ? 1e9 : 1e6);
}

static double year_of(const hq_budget_task *t)
{
    return t->in_use ? in_units(t->cost, t->gaussian) * 365.25 / t->period_days : 0;
}

static void day_text(int64_t day, char out[static 11])
{
    if (day == INT64_MAX)
        (void)snprintf(out, 11, "-");
    else
        hq_day_format(day, out);
}

/* One budget: epsilon of the Laplace tasks, rho of the Gaussian ones. */
static void print_budget(const hq_budgets *b, bool gaussian)
{
    double year = 0;
    bool any = false;
    char renews[11];
    uint64_t whole = gaussian ? b->policy.lifetime_rho_nano : b->policy.lifetime_ueps;
    for (size_t i = 0; i < b->count; i++) {
        const hq_budget_task *t = &b->task[i];
        if (t->gaussian != gaussian || t->is_health)
            continue;
        any = true;
        year += year_of(t);
    }
    if (!any)
        return;
    day_text(b->renews_day, renews);
    printf("%s: %.6g of %.6g spent today; the tasks in use cost %.6g a year. ", gaussian ? "rho" : "epsilon",
           in_units(b->spent[gaussian], gaussian), in_units(whole, gaussian), year);
    if (b->renews_day != INT64_MAX)
        printf("Next renewal %s. ", renews);
    hq_budgets_print_end(b, gaussian);
}

static void print_task(const hq_budget_task *t)
{
    char ends[11], name[80];
    day_text(t->ends_day, ends);
    (void)snprintf(name, sizeof name, "%s (%u)", t->name, (unsigned)t->id);
    if (t->is_health)
        printf("  %-28s %-4s no customer pays\n", name, t->mode_b ? "B" : "A");
    else
        printf("  %-28s %-4s %8llu %10.4g %10.4g %10.4g %10.4g %9llu  %s\n", name, t->mode_b ? "B" : "A",
               (unsigned long long)t->periods, in_units(t->cost, t->gaussian),
               in_units(t->spent, t->gaussian), year_of(t), in_units(t->quota, t->gaussian),
               (unsigned long long)t->left_out, t->in_use ? ends : "no longer counted");
}

static void print_all(const hq_budgets *b)
{
    char since[11];
    hq_day_format(b->since_day, since);
    printf(
        "What a customer has paid who contributed everything to every period since release 1 (%s), at one\n"
        "terminal that took each release on its day. Who came later renews on other days, who is in one "
        "task\n"
        "alone can have used more of it; what each customer has left only their terminal knows (sotto "
        "status).\n\n",
        since);
    print_budget(b, false);
    print_budget(b, true);
    printf("\n  %-28s %-4s %8s %10s %10s %10s %10s %9s  %s\n", "TASK", "MODE", "PERIODS", "A PERIOD",
           "TO DATE", "A YEAR", "QUOTA", "LEFT OUT", "LEFT OUT FROM");
    for (size_t i = 0; i < b->count; i++)
        print_task(&b->task[i]);
}

/* ---- JSON ---- */

static void put_day(sotto_json_writer *w, const char *name, int64_t day)
{
    sotto_json_name(w, name);
    day == INT64_MAX ? sotto_json_null(w) : hq_json_day(w, day);
}

static void put_text(sotto_json_writer *w, const char *name, const char *text)
{
    sotto_json_name(w, name);
    sotto_json_cstr(w, text);
}

static void put_task(sotto_json_writer *w, const hq_budget_task *t)
{
    sotto_json_obj(w);
    hq_json_u64(w, "task", t->id);
    put_text(w, "name", t->name);
    put_text(w, "mode", t->mode_b ? "B" : "A");
    put_text(w, "unit", t->is_health ? "none" : t->gaussian ? "rho" : "epsilon");
    sotto_json_name(w, "in_use");
    sotto_json_bool(w, t->in_use);
    hq_json_u64(w, "period_days", t->period_days);
    hq_json_u64(w, "periods", t->periods);
    hq_json_number(w, "cost_of_period", in_units(t->cost, t->gaussian));
    hq_json_number(w, "spent_to_date", in_units(t->spent, t->gaussian));
    hq_json_number(w, "cost_of_year", year_of(t));
    hq_json_number(w, "quota", in_units(t->quota, t->gaussian));
    hq_json_u64(w, "periods_left_out", t->left_out);
    put_day(w, "left_out_from", t->ends_day);
    sotto_json_obj_end(w);
}

static sotto_status put_all(const hq_budgets *b, sotto_diag *diag)
{
    hq_json json;
    sotto_status status = hq_json_begin(&json, 4096 + b->count * 1024, diag);
    if (status != SOTTO_OK)
        return status;
    sotto_json_writer *w = &json.w;
    sotto_json_obj(w);
    put_day(w, "since", b->since_day);
    put_day(w, "today", b->today);
    hq_json_number(w, "lifetime_epsilon", in_units(b->policy.lifetime_ueps, false));
    hq_json_number(w, "spent_epsilon", in_units(b->spent[0], false));
    hq_json_number(w, "lifetime_rho", in_units(b->policy.lifetime_rho_nano, true));
    hq_json_number(w, "spent_rho", in_units(b->spent[1], true));
    hq_json_u64(w, "renew_days", b->policy.renew_days);
    put_day(w, "renews", b->renews_day);
    put_day(w, "used_up", b->ends_day);
    sotto_json_name(w, "tasks");
    sotto_json_arr(w);
    for (size_t i = 0; i < b->count; i++)
        put_task(w, &b->task[i]);
    sotto_json_arr_end(w);
    sotto_json_obj_end(w);
    return hq_json_print(&json, diag);
}

int hq_cmd_budgets(int argc, char **argv)
{
    sotto_diag diag = {0};
    hq_asked a = {0};
    hq_budgets b;
    const hq_option options[] = {{"--dir", HQ_TEXT, &a.dir, .required = true},
                                 {"--json", HQ_FLAG, &a.as_json, .required = false}};
    if (!hq_options(argc, argv, options, SOTTO_COUNT(options)))
        return 2;
    sotto_status status = hq_asked_open(&a, &diag);
    if (status == SOTTO_OK)
        status = hq_budgets_make(&b, a.registry, a.newest_release, hq_now(), &diag);
    hq_asked_close(&a);
    if (status == SOTTO_OK && a.as_json)
        status = put_all(&b, &diag);
    else if (status == SOTTO_OK)
        print_all(&b);
    return status == SOTTO_OK ? 0 : hq_fail(status, &diag);
}
