/*
 * swarm: many terminals in a few processes, for load tests. Each has its own report key, TLS key and
 * certificate, each night is a TLS connection of its own with sealed reports of a valid chain. What was
 * sent is known, so that what was counted can be held against it. A night is nothing but its report
 * (swarm.c), or a whole one: all that a terminal asks, by the functions that it asks with (night.c).
 */
#ifndef SOTTO_HQ_SWARM_SWARM_H
#define SOTTO_HQ_SWARM_SWARM_H

#include "office/office.h"

#include "sotto/sync.h"

#include <stdatomic.h>
#include <sys/types.h>

#define HQ_SWARM_PROCESSES_MAX 256

typedef struct hq_swarm_shared { /* by all processes of the swarm */
    _Atomic uint64_t enrolled, sent, acknowledged, repeated, busy, retried, idle, failed;
    _Atomic int64_t cells;               /* sum of all cells of acknowledged reports */
    _Atomic uint64_t arrived, opened;    /* whole nights: processes before a night; nights that began */
    _Atomic int64_t begin_ms;            /* of the night opened last */
    _Atomic uint64_t late_ms, latest_ms; /* after the moments that were drawn: sum, largest */
    _Atomic uint64_t given_up;           /* terminals that ended a night without having said all */
    _Atomic uint32_t latency[];          /* of night * terminals + terminal, in tenths of a millisecond */
} hq_swarm_shared;

typedef struct hq_swarm {
    const char *dir, *url;
    const char *also; /* a second collector that gets every report at the same time; NULL = none */
    const char *save; /* folder: keys, certificates and reports are written there, and nothing is sent */
    const char *whole_nights; /* folder for what terminals keep; NULL = nights are nothing but reports */
    const char *between;      /* the shell runs it before the first whole night and after each */
    int64_t terminals, nights, processes, idle, patience_s;
    int64_t wait_max_s;        /* Retry-After is obeyed up to here */
    int64_t reports;           /* a night */
    int64_t window_s, night_s; /* whole nights: drawn in a window, which passes in night_s; 0 = all at once */
    uint8_t seed[SOTTO_KEY_BYTES]; /* of all terminals' root secrets */
    char prefix[24];               /* of the terminals' ids */
    uint64_t release;
    const sotto_task *task;
    int32_t first_day;
    const char *authority_key, *authority_cert;
    hq_swarm_shared *shared;
} hq_swarm;

typedef struct hq_swarm_terminal {
    char *key_pem, *cert_pem;
    uint8_t previous[SOTTO_SHA256_BYTES]; /* of the report sealed last */
} hq_swarm_terminal;

typedef struct hq_swarm_twin hq_swarm_twin;
typedef struct hq_swarm_share { /* of one process */
    const hq_swarm *swarm;
    const hq_swarm_twin *twin;
    size_t process, count;
    hq_swarm_terminal *terminal;
    sotto_client **idle;
    sotto_tls *idle_tls;
    size_t idle_count;
    int64_t *cells;
    uint8_t *sealed;
} hq_swarm_share;

/* Of terminal i of a process. */
size_t hq_swarm_number(const hq_swarm *swarm, size_t process, size_t i);
size_t hq_swarm_count(const hq_swarm *swarm, size_t process);
void hq_swarm_name(const hq_swarm *swarm, size_t number, char out[static HQ_DEVICE_ID_MAX]);
SOTTO_MUST_USE sotto_status hq_swarm_vault(const hq_swarm *swarm, size_t number, sotto_vault **out,
                                           sotto_diag *diag);
/* Report `index` (from 0) of a terminal, appended to out; `previous` goes on to it. *sum: of its cells, for
 * which `cells` is room. */
SOTTO_MUST_USE sotto_status hq_swarm_seal(const hq_swarm *swarm, size_t number, int64_t index,
                                          uint8_t previous[static SOTTO_SHA256_BYTES], int64_t *cells,
                                          sotto_buf *out, int64_t *sum, sotto_diag *diag);
/* A terminal's own TLS and its line to head office, not connected yet. *tls is made when it is NULL. */
SOTTO_MUST_USE sotto_status hq_swarm_line(const hq_swarm *swarm, const char *url, const hq_swarm_terminal *t,
                                          sotto_clock clock, sotto_tls **tls, sotto_client **client,
                                          sotto_diag *diag);
void hq_swarm_pause(int64_t ms);

/* The same bytes to one collector until they are acknowledged, or patience ends. *ms: of the attempt that
 * was. */
SOTTO_MUST_USE sotto_status hq_swarm_send(const hq_swarm *swarm, const char *url, const hq_swarm_terminal *t,
                                          int64_t night, sotto_span body, int64_t *ms, sotto_diag *diag);

/* The other half of a process: sends what it is handed to `also`. It is forked before a random number was
 * drawn. Without `also` nothing is there, and begin and end do nothing. */
struct hq_swarm_twin {
    int to, from; /* pipes */
    pid_t pid;    /* 0 = none */
};
SOTTO_MUST_USE sotto_status hq_swarm_twin_start(const hq_swarm *swarm, hq_swarm_twin *out, sotto_diag *diag);
/* Hands it a report; it begins at once. */
SOTTO_MUST_USE sotto_status hq_swarm_twin_begin(const hq_swarm_twin *twin, const hq_swarm_terminal *t,
                                                int64_t night, sotto_span body, sotto_diag *diag);
/* Waits for it. NETWORK when it gave up; it has said why. */
SOTTO_MUST_USE sotto_status hq_swarm_twin_end(const hq_swarm_twin *twin, sotto_diag *diag);
void hq_swarm_twin_stop(hq_swarm_twin *twin);

/* Whole nights: the `serve` of a process's terminals, which seals and keeps their reports, behind the socket
 * `link` in their folder. Forked before a random number was drawn; ends with its process. */
SOTTO_MUST_USE sotto_status hq_swarm_serve_start(const hq_swarm *swarm, size_t process, sotto_diag *diag);
/* FOLDER/<prefix>-<process>/<name>; "" is the folder itself. RANGE. */
SOTTO_MUST_USE sotto_status hq_swarm_path(const hq_swarm *swarm, size_t process, const char *name,
                                          char out[static HQ_PATH_MAX], sotto_diag *diag);

/* One process: enrols its share in the registry, says so through `shared`, and then lives all nights. */
SOTTO_MUST_USE sotto_status hq_swarm_enrol(const hq_swarm *swarm, size_t process, hq_swarm_share **own,
                                           sotto_diag *diag);
SOTTO_MUST_USE sotto_status hq_swarm_live(const hq_swarm_twin *twin, hq_swarm_share *own, sotto_diag *diag);
SOTTO_MUST_USE sotto_status hq_swarm_live_whole(hq_swarm_share *own, sotto_diag *diag);
void hq_swarm_forget(hq_swarm_share *own);

/* Prints it. *once: every report counts, and once. */
SOTTO_MUST_USE sotto_status hq_swarm_tell(const hq_swarm *swarm, double seconds, bool as_json, bool *once,
                                          sotto_diag *diag);

#endif
