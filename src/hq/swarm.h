/*
 * swarm: many terminals in a few processes, for load tests. Each has its own report key, TLS key and
 * certificate, each night is a TLS connection of its own with a sealed report of a valid chain. What was
 * sent is known, so that what was counted can be held against it.
 */
#ifndef SOTTO_HQ_SWARM_H
#define SOTTO_HQ_SWARM_H

#include "hq_priv.h"

#include <stdatomic.h>

#define HQ_SWARM_PROCESSES_MAX 256

typedef struct hq_swarm_shared { /* by all processes of the swarm */
    _Atomic uint64_t enrolled, sent, acknowledged, repeated, busy, retried, idle, failed;
    _Atomic int64_t cells;      /* sum of all cells of acknowledged reports */
    _Atomic uint32_t latency[]; /* of report night * terminals + terminal, in tenths of a millisecond */
} hq_swarm_shared;

typedef struct hq_swarm {
    const char *dir, *url;
    int64_t terminals, nights, processes, idle, patience_s;
    char prefix[24]; /* of the terminals' ids */
    uint64_t release;
    const sotto_task *task;
    int32_t first_day;
    const char *authority_key, *authority_cert;
    hq_swarm_shared *shared;
} hq_swarm;

/* One process: enrols its share in the registry, says so through `shared`, waits for `go`, and then lives
 * all nights. */
SOTTO_MUST_USE sotto_status hq_swarm_enrol(const hq_swarm *swarm, size_t process, void **own,
                                           sotto_diag *diag);
SOTTO_MUST_USE sotto_status hq_swarm_live(const hq_swarm *swarm, size_t process, void *own, sotto_diag *diag);
void hq_swarm_forget(const hq_swarm *swarm, size_t process, void *own);

int hq_cmd_swarm(int argc, char **argv);

#endif
