/* What totals, funnel, lift and drift are asked, and the head of what they answer. */
#include "totals/asked.h"
#include "office/day.h"
#include "office/json.h"
#include "release/repo.h"

#include <stdio.h>

/* Percent with up to four digits behind the point: 95, 99.9. */
static sotto_status read_confidence(const char *text, uint32_t *ppm, sotto_diag *diag)
{
    int64_t value = 0;
    sotto_status status = sotto_fixed_parse_decimal(sotto_span_str(text), 4, &value);
    if (status != SOTTO_OK || value < 500000 || value > 999999)
        return sotto_diag_set(diag, SOTTO_ERR(HQ, USAGE), "--confidence takes percent from 50 to 99.9999");
    *ppm = (uint32_t)value;
    return SOTTO_OK;
}

static sotto_status read_words(hq_asked *a, sotto_diag *diag)
{
    a->first_day = INT32_MIN;
    a->last_day = INT32_MAX;
    sotto_status status =
        read_confidence(a->confidence != NULL ? a->confidence : "95", &a->confidence_ppm, diag);
    if (status == SOTTO_OK && a->from != NULL)
        status = hq_day_parse(a->from, &a->first_day, diag);
    if (status == SOTTO_OK && a->to != NULL)
        status = hq_day_parse(a->to, &a->last_day, diag);
    if (status == SOTTO_OK && a->first_day > a->last_day)
        status = sotto_diag_set(diag, SOTTO_ERR(HQ, USAGE), "--from is after --to");
    return status;
}

static sotto_status one_of_both(const hq_asked *a, sotto_diag *diag)
{
    if (a->dir == NULL && a->collected_dir == NULL)
        return sotto_diag_set(diag, SOTTO_ERR(HQ, USAGE),
                              "--dir is missing (or --collected, for what mode B opened)");
    if (a->dir != NULL && a->collected_dir != NULL)
        return sotto_diag_set(diag, SOTTO_ERR(HQ, USAGE), "--dir is mode A, --collected mode B: give one");
    return SOTTO_OK;
}

sotto_status hq_asked_open(hq_asked *asked, sotto_diag *diag)
{
    hq_repo repo = {0};
    sotto_status status = one_of_both(asked, diag);
    if (status == SOTTO_OK)
        status = read_words(asked, diag);
    if (status == SOTTO_OK && asked->collected_dir != NULL)
        return hq_collected_open(&asked->collected, asked->collected_dir, diag);
    if (status == SOTTO_OK)
        status = hq_office_registry(asked->dir, &asked->registry, diag);
    if (status == SOTTO_OK)
        status = hq_repo_read(&repo, asked->dir, diag);
    asked->newest_release = repo.role[HQ_ROLE_TARGETS].version;
    hq_repo_free(&repo);
    return status;
}

void hq_asked_close(hq_asked *asked)
{
    hq_registry_close(asked->registry);
    hq_collected_close(asked->collected);
    asked->registry = NULL;
    asked->collected = NULL;
}

int hq_asked_run(hq_asked *asked, hq_task_wanted wanted, const char *what, hq_asked_say say, void *ctx)
{
    sotto_diag diag = {.status = SOTTO_OK};
    hq_sums sums = {0};
    sotto_status status = hq_asked_open(asked, &diag);
    const hq_sums_request request = {.task_id = (uint32_t)asked->task,
                                     .wanted = wanted,
                                     .what = what,
                                     .first_day = asked->first_day,
                                     .last_day = asked->last_day,
                                     .collected = asked->collected};
    if (status == SOTTO_OK)
        status = hq_sums_make(&sums, asked->registry, asked->newest_release, &request, &diag);
    if (status == SOTTO_OK)
        status = say(&sums, asked, ctx, &diag);
    hq_sums_free(&sums);
    hq_asked_close(asked);
    return status == SOTTO_OK ? 0 : hq_fail(status, &diag);
}

static void print_no_reports(const hq_sums *s)
{
    if (s->task.mode == SOTTO_MODE_B)
        printf("No batch of these periods was opened yet.\n");
    else
        printf("No reports yet; terminals enrolled: %llu.\n", (unsigned long long)s->devices_enrolled);
}

/* Who reported, and how much of it was asked for. */
static void print_reports(const hq_sums *s)
{
    char first[11], last[11];
    hq_day_format(s->first_day, first);
    hq_day_format(s->last_day, last);
    printf("%llu report%s ", (unsigned long long)s->reports, sotto_plural(s->reports));
    if (s->task.mode == SOTTO_MODE_B)
        printf("in %llu batch%s with the noise of both aggregators, periods from %s to %s.\n",
               (unsigned long long)s->batches, s->batches == 1 ? "" : "es", first, last);
    else
        printf("from %llu of %llu terminal%s, periods from %s to %s, %llu missing.\n",
               (unsigned long long)s->devices, (unsigned long long)s->devices_enrolled,
               sotto_plural(s->devices_enrolled), first, last, (unsigned long long)s->periods_missing);
}

bool hq_sums_head(const hq_sums *s, uint32_t confidence_ppm)
{
    char epsilon[32];
    (void)sotto_fixed_format_decimal((int64_t)s->task.epsilon_ueps, 6, epsilon, sizeof epsilon);
    printf("Task %s (%u): epsilon %s a report, at most %u event%s a customer and period of %u day%s.\n",
           s->task.name, (unsigned)s->task.id, epsilon, (unsigned)s->task.bound, sotto_plural(s->task.bound),
           (unsigned)s->task.period_days, sotto_plural(s->task.period_days));
    if (s->batches_left_out > 0)
        printf("Batches left out, since they reach over these days or count other cells: %llu.\n",
               (unsigned long long)s->batches_left_out);
    if (s->reports == 0) {
        print_no_reports(s);
        return false;
    }
    print_reports(s);
    printf("Error bars: %.4g %% of the time the truth is within +- of each count.\n", confidence_ppm / 1e4);
    return true;
}

void hq_sums_head_json(sotto_json_writer *w, const hq_sums *s, uint32_t confidence_ppm)
{
    hq_json_u64(w, "task", s->task.id);
    sotto_json_name(w, "name");
    sotto_json_cstr(w, s->task.name);
    sotto_json_name(w, "type");
    sotto_json_cstr(w, sotto_task_type_name(s->task.type));
    sotto_json_name(w, "confidence_percent");
    sotto_json_decimal(w, confidence_ppm, 4);
    sotto_json_name(w, "epsilon");
    sotto_json_decimal(w, (int64_t)s->task.epsilon_ueps, 6);
    hq_json_u64(w, "bound", s->task.bound);
    hq_json_u64(w, "period_days", s->task.period_days);
    hq_json_u64(w, "smallest_batch", s->task.smallest_batch);
    sotto_json_name(w, "mode");
    sotto_json_cstr(w, s->task.mode == SOTTO_MODE_B ? "B" : "A");
    hq_json_u64(w, "reports", s->reports);
    if (s->task.mode == SOTTO_MODE_B) {
        hq_json_u64(w, "batches", s->batches);
        hq_json_u64(w, "batches_left_out", s->batches_left_out);
    } else {
        hq_json_u64(w, "devices", s->devices);
        hq_json_u64(w, "devices_enrolled", s->devices_enrolled);
        hq_json_u64(w, "periods_missing", s->periods_missing);
    }
    sotto_json_name(w, "from");
    s->reports > 0 ? hq_json_day(w, s->first_day) : sotto_json_null(w);
    sotto_json_name(w, "to");
    s->reports > 0 ? hq_json_day(w, s->last_day) : sotto_json_null(w);
}
