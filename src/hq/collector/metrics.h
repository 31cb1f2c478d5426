/*
 * metrics: what the collector counts, in memory that its workers share, and the page that Prometheus reads.
 * Counters only: no device's name, no value of a report.
 */
#ifndef SOTTO_HQ_COLLECTOR_METRICS_H
#define SOTTO_HQ_COLLECTOR_METRICS_H

#include "registry/registry.h"

#include "sotto/sync.h"

#include <stdatomic.h>

#define HQ_WORKERS_MAX 16

/* X(field, "metric", "help") - counters that all workers add to. */
#define HQ_COUNTERS(X)                                                                                       \
    X(accepted, "sotto_reports_accepted_total", "Reports committed for the first time")                      \
    X(repeated, "sotto_reports_repeated_total", "Reports held already, acknowledged again")                  \
    X(refused, "sotto_reports_refused_total", "Reports refused for what they are")                           \
    X(report_bytes, "sotto_report_bytes_total", "Bytes of reports committed")                                \
    X(files, "sotto_release_files_total", "Files of releases handed out")                                    \
    X(file_bytes, "sotto_release_bytes_total", "Bytes of releases handed out")                               \
    X(enrolled, "sotto_enrolments_total", "Devices enrolled")                                                \
    X(enrol_refused, "sotto_enrolments_refused_total", "Enrolments refused")                                 \
    X(renewed, "sotto_renewals_total", "Certificates renewed")                                               \
    X(renew_refused, "sotto_renewals_refused_total", "Renewals refused, also for coming too often")          \
    X(devices_refused, "sotto_devices_refused_total", "Requests of unknown or revoked devices")              \
    X(failed, "sotto_requests_failed_total", "Requests that failed by our own fault (5xx)")                  \
    X(commits, "sotto_commits_total", "Transactions that committed reports and nights")                      \
    X(commit_ms, "sotto_commit_milliseconds_total", "Time spent in them")                                    \
    X(connections, "sotto_connections_total", "Connections accepted")                                        \
    X(handshakes, "sotto_tls_handshakes_total", "TLS handshakes finished")                                   \
    X(tls_refused, "sotto_tls_refused_total", "TLS handshakes refused")                                      \
    X(requests, "sotto_requests_total", "Whole requests")                                                    \
    X(shed, "sotto_requests_shed_total", "Requests answered 503 under load")                                 \
    X(timeouts, "sotto_connections_timed_out_total", "Connections ended by a deadline")                      \
    X(bytes_in, "sotto_tls_received_bytes_total", "Bytes received on TLS connections that have ended")       \
    X(bytes_out, "sotto_tls_sent_bytes_total", "Bytes sent on TLS connections that have ended")              \
    X(restarts, "sotto_worker_restarts_total", "Workers that ended by themselves and were started again")

typedef struct hq_metrics {
#define X(field, name, help) _Atomic uint64_t field;
    HQ_COUNTERS(X)
#undef X
    _Atomic uint64_t alarm[HQ_ALARM_COUNT];
    struct {
        _Atomic uint64_t open, resident; /* connections; bytes */
    } worker[HQ_WORKERS_MAX];
} hq_metrics;

/* Of a collector or any other place that may have none. */
#define HQ_ADD(metrics, field, n)                                                                            \
    do {                                                                                                     \
        if ((metrics) != NULL)                                                                               \
            (void)atomic_fetch_add_explicit(&(metrics)->field, (n), memory_order_relaxed);                   \
    } while (0)

/* Memory that this process and its children share. NULL without. */
hq_metrics *hq_metrics_new(void);
void hq_metrics_free(hq_metrics *metrics); /* NULL allowed */
/* Adds what the server counted since `last`, which is brought up to date. */
void hq_metrics_take(hq_metrics *metrics, size_t worker, const sotto_server *server,
                     sotto_server_stats *last);
/* This worker's memory as the kernel counts it: once in a while, it is read from a file. */
void hq_metrics_take_memory(hq_metrics *metrics, size_t worker);
/* Text format 0.0.4 of Prometheus. */
#define HQ_METRICS_TYPE "text/plain; version=0.0.4; charset=utf-8"
SOTTO_MUST_USE sotto_status hq_metrics_print(const hq_metrics *metrics, sotto_vec *out);

#endif
