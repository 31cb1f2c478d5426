/* Counters of the collector (metrics.h). Format: prometheus.io/docs/instrumenting/exposition_formats, text
 * format 0.0.4. */
#include "collector/metrics.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

hq_metrics *hq_metrics_new(void)
{
    void *memory = mmap(NULL, sizeof(hq_metrics), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    return memory == MAP_FAILED ? NULL : memory; /* zeros */
}

void hq_metrics_free(hq_metrics *metrics)
{
    if (metrics != NULL)
        (void)munmap(metrics, sizeof *metrics);
}

/* proc(5): statm's second number is the resident set in pages. */
static uint64_t resident_bytes(void)
{
    char line[128] = "", *end = NULL;
    FILE *file = fopen("/proc/self/statm", "re");
    if (file == NULL)
        return 0;
    bool found = fgets(line, sizeof line, file) != NULL;
    (void)fclose(file);
    if (!found)
        return 0;
    (void)strtoull(line, &end, 10);
    return strtoull(end, NULL, 10) * (uint64_t)sysconf(_SC_PAGESIZE);
}

void hq_metrics_take(hq_metrics *metrics, size_t worker, const sotto_server *server, sotto_server_stats *last)
{
    sotto_server_stats now = sotto_server_stats_of(server);
    HQ_ADD(metrics, connections, now.accepted - last->accepted);
    HQ_ADD(metrics, handshakes, now.handshakes - last->handshakes);
    HQ_ADD(metrics, tls_refused, now.refused - last->refused);
    HQ_ADD(metrics, requests, now.requests - last->requests);
    HQ_ADD(metrics, shed, now.shed - last->shed);
    HQ_ADD(metrics, timeouts, now.timeouts - last->timeouts);
    HQ_ADD(metrics, bytes_in, now.bytes_in - last->bytes_in);
    HQ_ADD(metrics, bytes_out, now.bytes_out - last->bytes_out);
    *last = now;
    if (metrics != NULL && worker < HQ_WORKERS_MAX)
        atomic_store(&metrics->worker[worker].open, now.open);
}

void hq_metrics_take_memory(hq_metrics *metrics, size_t worker)
{
    if (metrics != NULL && worker < HQ_WORKERS_MAX)
        atomic_store(&metrics->worker[worker].resident, resident_bytes());
}

static sotto_status put(sotto_vec *out, const char *name, const char *help, const char *type, uint64_t value)
{
    return sotto_vec_printf(out, "# HELP %s %s\n# TYPE %s %s\n%s %llu\n", name, help, name, type, name,
                            (unsigned long long)value);
}

static sotto_status put_alarms(const hq_metrics *metrics, sotto_vec *out)
{
    sotto_status status = sotto_vec_printf(out, "# HELP sotto_alarms_total Alarms raised, by kind\n"
                                                "# TYPE sotto_alarms_total counter\n");
    for (int i = 0; i < HQ_ALARM_COUNT && status == SOTTO_OK; i++)
        status =
            sotto_vec_printf(out, "sotto_alarms_total{kind=\"%s\"} %llu\n", hq_alarm_name((enum hq_alarm)i),
                             (unsigned long long)atomic_load(&metrics->alarm[i]));
    return status;
}

sotto_status hq_metrics_print(const hq_metrics *metrics, sotto_vec *out)
{
    uint64_t open = 0, resident = 0;
    sotto_status status = SOTTO_OK;
#define X(field, name, help)                                                                                 \
    if (status == SOTTO_OK)                                                                                  \
        status = put(out, name, help, "counter", atomic_load(&metrics->field));
    HQ_COUNTERS(X)
#undef X
    for (size_t i = 0; i < HQ_WORKERS_MAX; i++) {
        open += atomic_load(&metrics->worker[i].open);
        resident += atomic_load(&metrics->worker[i].resident);
    }
    if (status == SOTTO_OK)
        status = put(out, "sotto_connections_open", "Connections now", "gauge", open);
    if (status == SOTTO_OK)
        status = put(out, "sotto_resident_bytes", "Memory of all workers", "gauge", resident);
    return status == SOTTO_OK ? put_alarms(metrics, out) : status;
}
