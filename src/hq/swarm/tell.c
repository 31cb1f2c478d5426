/* What came of a swarm's nights: what was sent, held against what the registry counts. */
#include "office/json.h"
#include "swarm/swarm.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct outcome {
    uint64_t counted; /* reports of the swarm that the registry counts */
    int64_t cells;    /* sum of their cells */
    const char *prefix;
    size_t prefix_len;
    double seconds;
    uint32_t p50, p99, largest; /* tenths of a millisecond */
    bool counts_once;
} outcome;

static int by_number(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return x < y ? -1 : x > y;
}

static sotto_status take_latencies(const hq_swarm *swarm, outcome *out, sotto_diag *diag)
{
    size_t all = (size_t)(swarm->terminals * swarm->nights), count = 0;
    uint32_t *list = calloc(all + 1, sizeof *list);
    if (list == NULL)
        return sotto_diag_set(diag, SOTTO_ERR(HQ, NO_MEMORY), "no memory for the figures");
    for (size_t i = 0; i < all; i++) {
        uint32_t value = atomic_load(&swarm->shared->latency[i]);
        if (value != 0)
            list[count++] = value;
    }
    qsort(list, count, sizeof *list, by_number);
    if (count > 0) {
        out->p50 = list[count / 2];
        out->p99 = list[count - 1 - count / 100];
        out->largest = list[count - 1];
    }
    free(list);
    return SOTTO_OK;
}

static sotto_status count_row(void *ctx, const hq_report_row *row)
{
    outcome *out = ctx;
    if (strncmp(row->device, out->prefix, out->prefix_len) != 0)
        return SOTTO_OK;
    out->counted++;
    for (size_t i = 0; i < row->cell_count; i++)
        out->cells += row->cells[i];
    return SOTTO_OK;
}

static sotto_status look(const hq_swarm *swarm, outcome *out, sotto_diag *diag)
{
    hq_registry *registry = NULL;
    const hq_report_filter all = {.first_day = INT32_MIN, .last_day = INT32_MAX};
    out->prefix = swarm->prefix;
    out->prefix_len = strlen(swarm->prefix);
    sotto_status status = hq_office_registry(swarm->dir, &registry, diag);
    if (status == SOTTO_OK)
        status = hq_registry_reports(registry, &all, count_row, out, diag);
    hq_registry_close(registry);
    if (status == SOTTO_OK)
        status = take_latencies(swarm, out, diag);
    out->counts_once = out->counted == (uint64_t)(swarm->terminals * swarm->nights * swarm->reports) &&
                       out->cells == atomic_load(&swarm->shared->cells) &&
                       atomic_load(&swarm->shared->failed) == 0;
    return status;
}

static uint64_t figure(const _Atomic uint64_t *value)
{
    return atomic_load(value);
}

/* Seconds in the night's window. */
static double in_window(const hq_swarm *swarm, uint64_t ms)
{
    double factor = swarm->night_s > 0 ? (double)swarm->window_s / (double)swarm->night_s : 1;
    return (double)ms / 1000 * factor;
}

static double mean_late_s(const hq_swarm *swarm)
{
    return in_window(swarm, figure(&swarm->shared->late_ms)) / (double)(swarm->terminals * swarm->nights);
}

static sotto_status tell_json(const hq_swarm *swarm, const outcome *out, sotto_diag *diag)
{
    hq_json json;
    const hq_swarm_shared *shared = swarm->shared;
    const struct {
        const char *name;
        uint64_t value;
    } figures[] = {{"terminals", (uint64_t)swarm->terminals},
                   {"nights", (uint64_t)swarm->nights},
                   {"sent", figure(&shared->sent)},
                   {"acknowledged", figure(&shared->acknowledged)},
                   {"repeated", figure(&shared->repeated)},
                   {"busy", figure(&shared->busy)},
                   {"retried", figure(&shared->retried)},
                   {"given_up", figure(&shared->given_up)},
                   {"late_mean_s", (uint64_t)mean_late_s(swarm)},
                   {"late_max_s", (uint64_t)in_window(swarm, figure(&shared->latest_ms))},
                   {"idle_connections", figure(&shared->idle)},
                   {"counted", out->counted},
                   {"milliseconds", (uint64_t)(out->seconds * 1000)},
                   {"p50_us", (uint64_t)out->p50 * 100},
                   {"p99_us", (uint64_t)out->p99 * 100},
                   {"max_us", (uint64_t)out->largest * 100}};
    sotto_status status = hq_json_begin(&json, 4096, diag);
    if (status != SOTTO_OK)
        return status;
    sotto_json_obj(&json.w);
    for (size_t i = 0; i < SOTTO_COUNT(figures); i++) {
        sotto_json_name(&json.w, figures[i].name);
        sotto_json_i64(&json.w, (int64_t)figures[i].value);
    }
    sotto_json_name(&json.w, "counted_once");
    sotto_json_bool(&json.w, out->counts_once);
    sotto_json_obj_end(&json.w);
    return hq_json_print(&json, diag);
}

static void tell(const hq_swarm *swarm, const outcome *out)
{
    const hq_swarm_shared *shared = swarm->shared;
    double seconds = out->seconds > 0 ? out->seconds : 1;
    printf("%lld terminals, %lld nights: %llu reports acknowledged, %llu counted\n",
           (long long)swarm->terminals, (long long)swarm->nights,
           (unsigned long long)figure(&shared->acknowledged), (unsigned long long)out->counted);
    printf("sent %llu times, %llu had been held already, %llu told to come later\n",
           (unsigned long long)figure(&shared->sent), (unsigned long long)figure(&shared->repeated),
           (unsigned long long)figure(&shared->busy));
    printf("%.0f a second with enrolment; connection, handshake and all: %.1f ms median, %.1f ms of 99 in "
           "100, %.1f ms at most\n",
           (double)figure(&shared->acknowledged) / seconds, out->p50 / 10.0, out->p99 / 10.0,
           out->largest / 10.0);
    if (swarm->whole_nights != NULL)
        printf("begun %.0f s after the moment that was drawn, in the mean, %.0f s at most; %llu gave a night "
               "up\n",
               mean_late_s(swarm), in_window(swarm, figure(&shared->latest_ms)),
               (unsigned long long)figure(&shared->given_up));
    printf("%s\n", out->counts_once ? "every report is counted once, to the last cell"
                                    : "NOT every report is counted once");
}

sotto_status hq_swarm_tell(const hq_swarm *swarm, double seconds, bool as_json, bool *once, sotto_diag *diag)
{
    outcome out = {.seconds = seconds};
    sotto_status status = look(swarm, &out, diag);
    *once = status == SOTTO_OK && out.counts_once;
    if (status == SOTTO_OK && as_json)
        return tell_json(swarm, &out, diag);
    if (status == SOTTO_OK)
        tell(swarm, &out);
    return status;
}
