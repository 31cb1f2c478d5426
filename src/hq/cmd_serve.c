/* serve: the collector. Two doors with TLS, and a plain one on loopback for whoever watches over it. */
#include "hq_priv.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define STEP_MS         1000
#define REFRESH_EVERY_S 3600
#define BODY_MAX        (SOTTO_REPORT_MAX + 4096)

typedef struct service {
    const char *dir, *listen, *enrol_listen, *health;
    int64_t connections;
    int fd[HQ_LISTENER_COUNT];
    uint16_t port[HQ_LISTENER_COUNT];
    sotto_tls *tls[2];
    sotto_server *server;
    hq_collector collector;
    sotto_log log;
    char server_key[SOTTO_PEM_MAX], server_cert[SOTTO_PEM_MAX];
    int64_t next_refresh_s;
} service;

static volatile sig_atomic_t told_to_stop;

static void on_signal(int number)
{
    (void)number;
    told_to_stop = 1;
}

static void catch_signals(void)
{
    struct sigaction stop = {.sa_handler = on_signal}, ignore = {.sa_handler = SIG_IGN};
    (void)sigaction(SIGTERM, &stop, NULL); /* no SA_RESTART: the wait ends at once */
    (void)sigaction(SIGINT, &stop, NULL);
    (void)sigaction(SIGPIPE, &ignore, NULL);
}

/* "HOST:PORT", "[v6 address]:PORT". */
static sotto_status open_door(const char *where, int *fd, uint16_t *port, sotto_diag *diag)
{
    char host[128];
    const char *colon = strrchr(where, ':');
    size_t len = colon == NULL ? 0 : (size_t)(colon - where);
    if (len >= 2 && where[0] == '[' && where[len - 1] == ']') {
        where++;
        len -= 2;
    }
    if (colon == NULL || len == 0 || len >= sizeof host || colon[1] == '\0')
        return sotto_diag_set(diag, SOTTO_ERR(HQ, USAGE), "'%.60s' is not HOST:PORT such as 127.0.0.1:8443",
                              where);
    memcpy(host, where, len);
    host[len] = '\0';
    sotto_status status = sotto_port_listen_tcp(host, colon + 1, fd, diag);
    return status == SOTTO_OK ? sotto_port_local_port(*fd, port) : status;
}

static sotto_status open_tls(service *s, sotto_diag *diag)
{
    sotto_status status = hq_office_key(s->dir, "authority/server.key", s->server_key, diag);
    if (status == SOTTO_OK)
        status = hq_office_pem(s->dir, "authority/server.pem", s->server_cert, diag);
    sotto_tls_identity identity = {.authority_pem = sotto_span_str(s->collector.authority_cert),
                                   .certificate_pem = sotto_span_str(s->server_cert),
                                   .key_pem = sotto_span_str(s->server_key),
                                   .peer_must_identify = true,
                                   .clock = s->collector.clock};
    if (status == SOTTO_OK)
        status = sotto_tls_new(&s->tls[HQ_LISTENER_DEVICES], true, &identity, diag);
    identity.peer_must_identify = false;
    if (status == SOTTO_OK)
        status = sotto_tls_new(&s->tls[HQ_LISTENER_ENROL], true, &identity, diag);
    sotto_wipe(s->server_key, sizeof s->server_key);
    return status;
}

static sotto_status open_doors(service *s, sotto_diag *diag)
{
    const char *const where[HQ_LISTENER_COUNT] = {s->listen, s->enrol_listen, s->health};
    sotto_status status = SOTTO_OK;
    for (size_t i = 0; i < HQ_LISTENER_COUNT && status == SOTTO_OK; i++)
        if (where[i] != NULL)
            status = open_door(where[i], &s->fd[i], &s->port[i], diag);
    return status;
}

static sotto_status open_server(service *s, sotto_diag *diag)
{
    sotto_listener listeners[HQ_LISTENER_COUNT];
    for (size_t i = 0; i < HQ_LISTENER_COUNT; i++)
        listeners[i] = (sotto_listener){.fd = s->fd[i], .tls = i < SOTTO_COUNT(s->tls) ? s->tls[i] : NULL};
    const sotto_server_config config = {.listeners = listeners,
                                        .listener_count = s->health != NULL ? HQ_LISTENER_COUNT : 2,
                                        .handler = hq_collect,
                                        .ctx = &s->collector,
                                        .connections_max = (size_t)s->connections,
                                        .body_max = BODY_MAX,
                                        .clock = s->collector.clock,
                                        .log = &s->log};
    return sotto_server_new(&s->server, &config, diag);
}

static sotto_status open_service(service *s, sotto_diag *diag)
{
    sotto_status status = sotto_vault_start(diag);
    if (status == SOTTO_OK)
        status = hq_collector_open(&s->collector, s->dir, &s->log, diag);
    if (status == SOTTO_OK)
        status = open_tls(s, diag);
    if (status == SOTTO_OK)
        status = open_doors(s, diag);
    if (status != SOTTO_OK)
        return status;
    status = open_server(s, diag);
    if (status == SOTTO_OK)
        for (size_t i = 0; i < HQ_LISTENER_COUNT; i++)
            s->fd[i] = -1; /* the server's now */
    return status;
}

/* A timestamp that expires would stop every terminal's updates: it is signed anew at half of its life. */
static void keep_fresh(service *s)
{
    sotto_diag diag = {0};
    hq_publication out;
    int64_t now_s = hq_now();
    if (now_s < s->next_refresh_s)
        return;
    s->next_refresh_s = now_s + REFRESH_EVERY_S;
    if (!hq_repo_stale(s->dir, now_s))
        return;
    if (hq_repo_refresh(s->dir, &out, &diag) == SOTTO_OK)
        sotto_log_event(&s->log, SOTTO_LOG_INFO, "release.refreshed", "release=%llu",
                        (unsigned long long)out.release);
    else
        sotto_log_event(&s->log, SOTTO_LOG_ERROR, "release.refresh_failed", "text=\"%s\"", diag.text);
}

/* One line that scripts can wait for. */
static void announce(const service *s)
{
    printf("listening devices=%u enrol=%u", s->port[HQ_LISTENER_DEVICES], s->port[HQ_LISTENER_ENROL]);
    if (s->health != NULL)
        printf(" health=%u", s->port[HQ_LISTENER_HEALTH]);
    printf(" dir=%s\n", s->dir);
    (void)fflush(stdout);
    sotto_log_event(&s->log, SOTTO_LOG_INFO, "serve.start", "devices=%u enrol=%u pid=%ld",
                    s->port[HQ_LISTENER_DEVICES], s->port[HQ_LISTENER_ENROL], (long)getpid());
}

static sotto_status run(service *s)
{
    sotto_status status = SOTTO_OK;
    while (told_to_stop == 0 && status == SOTTO_OK) {
        keep_fresh(s);
        status = sotto_server_step(s->server, STEP_MS);
    }
    sotto_log_event(&s->log, SOTTO_LOG_INFO, "serve.stop", "%s",
                    status == SOTTO_OK ? "asked=true" : "asked=false");
    return status;
}

static void close_service(service *s)
{
    sotto_server_free(s->server);
    for (size_t i = 0; i < HQ_LISTENER_COUNT; i++)
        sotto_port_close(&s->fd[i]);
    for (size_t i = 0; i < SOTTO_COUNT(s->tls); i++)
        sotto_tls_free(s->tls[i]);
    hq_collector_close(&s->collector);
    sotto_wipe(s, sizeof *s);
    free(s);
}

static bool is_loopback(const char *where)
{
    return strncmp(where, "127.", 4) == 0 || strncmp(where, "[::1]:", 6) == 0 ||
           strncmp(where, "localhost:", 10) == 0;
}

static sotto_status serve(service *s, sotto_diag *diag)
{
    catch_signals();
    sotto_port_harden_process();
    sotto_status status = open_service(s, diag);
    if (status != SOTTO_OK)
        return status;
    announce(s);
    return run(s);
}

int hq_cmd_serve(int argc, char **argv)
{
    sotto_diag diag = {0};
    service *s = calloc(1, sizeof *s);
    if (s == NULL)
        return hq_fail(SOTTO_ERR(HQ, NO_MEMORY), &diag);
    *s = (service){.listen = "127.0.0.1:8443",
                   .enrol_listen = "127.0.0.1:8444",
                   .connections = 256,
                   .fd = {-1, -1, -1},
                   .log = {.fd = 2, .level = SOTTO_LOG_INFO, .clock = hq_clock(), .program = "sotto-hq"}};
    const hq_option options[] = {{"--dir", HQ_TEXT, &s->dir, .required = true},
                                 {"--listen", HQ_TEXT, &s->listen, .required = false},
                                 {"--enrol-listen", HQ_TEXT, &s->enrol_listen, .required = false},
                                 {"--health", HQ_TEXT, &s->health, .required = false},
                                 {"--connections", HQ_NUMBER, &s->connections, .min = 1, .max = 500}};
    int code = 2;
    if (!hq_options(argc, argv, options, SOTTO_COUNT(options))) {
        code = 2;
    } else if (s->health != NULL && !is_loopback(s->health)) {
        code = hq_usage(argv[0], "--health has no TLS and is for this machine only: 127.0.0.1:PORT");
    } else {
        sotto_status status = serve(s, &diag);
        code = status == SOTTO_OK ? 0 : hq_fail(status, &diag);
    }
    close_service(s);
    return code;
}
