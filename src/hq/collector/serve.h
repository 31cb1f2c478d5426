/*
 * serve: a warden opens the doors and starts workers, which are processes of one thread each. What breaks in
 * one takes no other with it, and mbedTLS needs no locks. The warden itself touches no key: it is forked
 * from before any random number was drawn, so that no two workers share one.
 */
#ifndef SOTTO_HQ_COLLECTOR_SERVE_H
#define SOTTO_HQ_COLLECTOR_SERVE_H

#include "collector/collect.h"

#include <sys/types.h>

typedef struct hq_service {
    const char *dir, *listen, *enrol_listen, *health;
    const char *sign_command;     /* NULL: authority/ca.key issues */
    int64_t connections, workers; /* connections: of each worker */
    int fd[HQ_LISTENER_COUNT];    /* -1 = not wanted */
    uint16_t port[HQ_LISTENER_COUNT];
    uint8_t ticket_seed[SOTTO_KEY_BYTES]; /* workers take each other's session tickets */
    hq_metrics *metrics;
    int worker_code; /* exit code of a worker that could not begin and has said why; 0 = none */
    sotto_log log;
} hq_service;

/* Opens the doors, keeps the workers alive, until SIGTERM or SIGINT. SIGHUP: new workers with what lies in
 * the folder now; the old ones finish what they have begun. */
SOTTO_MUST_USE sotto_status hq_warden_run(hq_service *service, sotto_diag *diag);
/* One worker, in a process of its own: says '!' into `ready` when it can serve; returns when told to stop. */
SOTTO_MUST_USE sotto_status hq_worker_run(const hq_service *service, size_t number, int ready,
                                          sotto_diag *diag);

#endif
