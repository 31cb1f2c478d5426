/* One worker of the collector: two doors with TLS, and a plain one on loopback for whoever watches over it.
 */
#include "collector/serve.h"
#include "office/day.h"
#include "release/repo.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <unistd.h>

#define STEP_MS         1000
#define SIGNING_STEP_MS 20 /* while the signer works: its end wakes nobody */
#define DRAIN_MS        10000
#define BODY_MAX        (SOTTO_REPORT_MAX + 4096)

typedef struct worker {
    const hq_service *service;
    size_t number;
    sotto_tls *tls[2];
    sotto_server *server;
    sotto_server_stats last;
    hq_collector collector;
    char server_key[SOTTO_PEM_MAX], server_cert[SOTTO_PEM_MAX];
    int64_t next_refresh_s, next_memory_s;
} worker;

static volatile sig_atomic_t told_to_stop;

static void on_signal(int number)
{
    (void)number;
    told_to_stop = 1;
}

static void catch_signals(void)
{
    struct sigaction stop = {.sa_handler = on_signal}, ignore = {.sa_handler = SIG_IGN};
    struct sigaction usual = {.sa_handler = SIG_DFL};
    sigset_t all;
    (void)sigaction(SIGTERM, &stop, NULL); /* no SA_RESTART: the wait ends at once */
    (void)sigaction(SIGINT, &stop, NULL);
    (void)sigaction(SIGPIPE, &ignore, NULL);
    (void)sigaction(SIGCHLD, &usual,
                    NULL); /* who started serve may have had it ignored: then nobody can be waited for */
    (void)sigaction(SIGHUP, &ignore, NULL);
    (void)sigemptyset(&all);
    (void)sigprocmask(SIG_SETMASK, &all, NULL);
}

static sotto_status open_tls(worker *w, sotto_diag *diag)
{
    const hq_service *s = w->service;
    sotto_status status = hq_office_key(s->dir, "authority/server.key", w->server_key, diag);
    if (status == SOTTO_OK)
        status = hq_office_pem(s->dir, "authority/server.pem", w->server_cert, diag);
    sotto_tls_identity identity = {.authority_pem = sotto_span_str(w->collector.authority_cert),
                                   .certificate_pem = sotto_span_str(w->server_cert),
                                   .key_pem = sotto_span_str(w->server_key),
                                   .peer_must_identify = true,
                                   .ticket_seed = sotto_span_of(s->ticket_seed, sizeof s->ticket_seed),
                                   .clock = w->collector.clock};
    if (status == SOTTO_OK)
        status = sotto_tls_new(&w->tls[HQ_LISTENER_DEVICES], true, &identity, diag);
    identity.peer_must_identify = false;
    identity.ticket_seed = sotto_span_of(NULL, 0); /* a newcomer comes once */
    if (status == SOTTO_OK)
        status = sotto_tls_new(&w->tls[HQ_LISTENER_ENROL], true, &identity, diag);
    sotto_wipe(w->server_key, sizeof w->server_key);
    return status;
}

static sotto_status open_server(worker *w, sotto_diag *diag)
{
    const hq_service *s = w->service;
    sotto_listener listeners[HQ_LISTENER_COUNT];
    for (size_t i = 0; i < HQ_LISTENER_COUNT; i++)
        listeners[i] = (sotto_listener){.fd = s->fd[i], .tls = i < SOTTO_COUNT(w->tls) ? w->tls[i] : NULL};
    const sotto_server_config config = {.listeners = listeners,
                                        .listener_count = s->health != NULL ? HQ_LISTENER_COUNT : 2,
                                        .handler = hq_collect,
                                        .commit = hq_collect_commit,
                                        .ctx = &w->collector,
                                        .connections_max = (size_t)s->connections,
                                        .body_max = BODY_MAX,
                                        .sheds = true,
                                        .clock = w->collector.clock,
                                        .log = &s->log};
    return sotto_server_new(&w->server, &config, diag);
}

static sotto_status open_worker(worker *w, sotto_diag *diag)
{
    sotto_status status = sotto_vault_start(diag);
    if (status == SOTTO_OK)
        status = hq_collector_open_for(&w->collector, w->service->dir, w->service->sign_command,
                                       &w->service->log, diag);
    if (status != SOTTO_OK)
        return status;
    hq_collect_time_keep(&w->collector, w->number == 0, true); /* the others are started after it */
    w->collector.metrics = w->service->metrics;
    w->collector.pending = calloc(SOTTO_SERVER_BATCH_MAX, sizeof *w->collector.pending);
    if (w->collector.pending == NULL)
        return sotto_diag_set(diag, SOTTO_ERR(HQ, NO_MEMORY), "no memory to serve");
    status = open_tls(w, diag);
    return status == SOTTO_OK ? open_server(w, diag) : status;
}

/* A timestamp that expires would stop every terminal's updates: it is signed anew at half of its life. One
 * worker is enough for that. */
static void keep_fresh(worker *w)
{
    sotto_diag diag = {0};
    hq_publication out;
    int64_t now_s = hq_now();
    if (now_s < w->next_refresh_s)
        return;
    hq_collect_time_keep(&w->collector, w->number == 0, false);
    w->next_refresh_s = now_s + hq_collect_look_every_s(&w->collector);
    if (w->number != 0 || !hq_repo_stale(w->service->dir, now_s))
        return;
    if (hq_repo_refresh(w->service->dir, &out, &diag) == SOTTO_OK)
        sotto_log_event(&w->service->log, SOTTO_LOG_INFO, "release.refreshed", "release=%llu",
                        (unsigned long long)out.release);
    else
        sotto_log_event(&w->service->log, SOTTO_LOG_ERROR, "release.refresh_failed", "text=\"%s\"",
                        diag.text);
}

static sotto_status step(worker *w)
{
    bool signing = hq_collect_signed(&w->collector, w->server);
    sotto_status status = sotto_server_step(w->server, signing ? SIGNING_STEP_MS : STEP_MS);
    int64_t now_s = hq_now();
    hq_metrics_take(w->service->metrics, w->number, w->server, &w->last);
    if (now_s >= w->next_memory_s) {
        hq_metrics_take_memory(w->service->metrics, w->number);
        w->next_memory_s = now_s + 1;
    }
    return status;
}

/* What has begun is answered; nobody waits for those who are slow. */
static sotto_status drain(worker *w)
{
    sotto_clock clock = w->collector.clock;
    int64_t until_ms = clock.mono_ms(clock.ctx) + DRAIN_MS;
    sotto_status status = SOTTO_OK;
    w->collector.stopping = true;
    sotto_server_drain(w->server);
    while (status == SOTTO_OK && sotto_server_stats_of(w->server).open > 0 &&
           clock.mono_ms(clock.ctx) < until_ms)
        status = step(w);
    return status;
}

static void close_worker(worker *w)
{
    sotto_server_free(w->server);
    for (size_t i = 0; i < SOTTO_COUNT(w->tls); i++)
        sotto_tls_free(w->tls[i]);
    hq_collector_close(&w->collector);
    sotto_wipe(w, sizeof *w);
    free(w);
}

static sotto_status serve(worker *w)
{
    sotto_status status = SOTTO_OK;
    while (told_to_stop == 0 && status == SOTTO_OK) {
        keep_fresh(w);
        status = step(w);
    }
    return status == SOTTO_OK ? drain(w) : status;
}

sotto_status hq_worker_run(const hq_service *service, size_t number, int ready, sotto_diag *diag)
{
    worker *w = calloc(1, sizeof *w);
    if (w == NULL)
        return sotto_diag_set(diag, SOTTO_ERR(HQ, NO_MEMORY), "no memory to serve");
    w->service = service;
    w->number = number;
    catch_signals();
    sotto_port_harden_process();
    sotto_status status = open_worker(w, diag);
    if (status == SOTTO_OK) {
        bool told = write(ready, "!", 1) == 1; /* the warden may be gone; then there is nobody to tell */
        (void)close(ready);
        status = told ? serve(w) : SOTTO_ERR(HQ, IO);
    }
    close_worker(w);
    return status;
}
