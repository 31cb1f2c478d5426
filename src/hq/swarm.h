/*
 * swarm: many terminals in a few processes, for load tests. Each has its own report key, TLS key and
 * certificate, each night is a TLS connection of its own with a sealed report of a valid chain. What was
 * sent is known, so that what was counted can be held against it.
 */
#ifndef SOTTO_HQ_SWARM_H
#define SOTTO_HQ_SWARM_H

#include "hq_priv.h"

#include <stdatomic.h>
#include <sys/types.h>

#define HQ_SWARM_PROCESSES_MAX 256

typedef struct hq_swarm_shared { /* by all processes of the swarm */
    _Atomic uint64_t enrolled, sent, acknowledged, repeated, busy, retried, idle, failed;
    _Atomic int64_t cells;      /* sum of all cells of acknowledged reports */
    _Atomic uint32_t latency[]; /* of report night * terminals + terminal, in tenths of a millisecond */
} hq_swarm_shared;

typedef struct hq_swarm {
    const char *dir, *url;
    const char *also; /* a second collector that gets every report at the same time; NULL = none */
    const char *save; /* folder: keys, certificates and reports are written there, and nothing is sent */
    int64_t terminals, nights, processes, idle, patience_s;
    int64_t wait_max_s; /* Retry-After is obeyed up to here */
    char prefix[24];    /* of the terminals' ids */
    uint64_t release;
    const sotto_task *task;
    int32_t first_day;
    const char *authority_key, *authority_cert;
    hq_swarm_shared *shared;
} hq_swarm;

typedef struct hq_swarm_terminal {
    char *key_pem, *cert_pem;
    uint8_t root[SOTTO_KEY_BYTES];
    uint8_t previous[SOTTO_SHA256_BYTES]; /* of the report sealed last */
} hq_swarm_terminal;
/* The same bytes to one collector until they are acknowledged, or patience ends. *ms: of the attempt that
 * was. */
SOTTO_MUST_USE sotto_status hq_swarm_send(const hq_swarm *swarm, const char *url, const hq_swarm_terminal *t,
                                          int64_t night, sotto_span body, int64_t *ms, sotto_diag *diag);

/* The other half of a process: sends what it is handed to `also`. It is forked before a random number was
 * drawn. Without `also` nothing is there, and begin and end do nothing. */
typedef struct hq_swarm_twin {
    int to, from; /* pipes */
    pid_t pid;    /* 0 = none */
} hq_swarm_twin;
SOTTO_MUST_USE sotto_status hq_swarm_twin_start(const hq_swarm *swarm, hq_swarm_twin *out, sotto_diag *diag);
/* Hands it a report; it begins at once. */
SOTTO_MUST_USE sotto_status hq_swarm_twin_begin(const hq_swarm_twin *twin, const hq_swarm_terminal *t,
                                                int64_t night, sotto_span body, sotto_diag *diag);
/* Waits for it. NETWORK when it gave up; it has said why. */
SOTTO_MUST_USE sotto_status hq_swarm_twin_end(const hq_swarm_twin *twin, sotto_diag *diag);
void hq_swarm_twin_stop(hq_swarm_twin *twin);

/* One process: enrols its share in the registry, says so through `shared`, waits for `go`, and then lives
 * all nights. */
SOTTO_MUST_USE sotto_status hq_swarm_enrol(const hq_swarm *swarm, size_t process, void **own,
                                           sotto_diag *diag);
SOTTO_MUST_USE sotto_status hq_swarm_live(const hq_swarm *swarm, const hq_swarm_twin *twin, void *own,
                                          sotto_diag *diag);
void hq_swarm_forget(const hq_swarm *swarm, size_t process, void *own);

int hq_cmd_swarm(int argc, char **argv);

#endif
