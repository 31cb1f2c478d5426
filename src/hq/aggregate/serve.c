/* The process of an aggregator: one door with TLS for its peers; the leader also works through what waits. */
#include "aggregate/aggregate.h"
#include "office/day.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define STEP_MS  200
#define RETRY_MS 2000
#define AGAIN_MS 600000 /* what was set aside is tried once more */
#define PEERS    2

typedef struct process {
    const char *dir, *role, *listen, *peer_url;
    aggregator a;
    agg_party peer[PEERS];
    agg_line line; /* leader: to the helper */
    sotto_tls *tls;
    sotto_server *server;
    sotto_log log;
    sotto_clock clock;
    uint16_t port;
    int64_t not_before_ms; /* the helper was not there: not asked again before */
    int64_t again_ms;      /* the next time for what was set aside; at once when it starts */
} process;

static volatile sig_atomic_t told_to_stop;

static void on_signal(int number)
{
    (void)number;
    told_to_stop = 1;
}

static void catch_signals(void)
{
    struct sigaction stop = {.sa_handler = on_signal}, ignore = {.sa_handler = SIG_IGN};
    (void)sigaction(SIGTERM, &stop, NULL);
    (void)sigaction(SIGINT, &stop, NULL);
    (void)sigaction(SIGPIPE, &ignore, NULL);
}

/* ---- requests ---- */

static int code_of(sotto_status status)
{
    switch (sotto_status_cause(status)) {
    case SOTTO_CAUSE_NOT_FOUND:
        return 404;
    case SOTTO_CAUSE_CONFLICT:
    case SOTTO_CAUSE_EXISTS:
        return 409;
    case SOTTO_CAUSE_DENIED:
        return 403;
    case SOTTO_CAUSE_MALFORMED:
    case SOTTO_CAUSE_RANGE:
    case SOTTO_CAUSE_TRUNCATED:
    case SOTTO_CAUSE_UNSUPPORTED:
        return 400;
    default:
        return 503;
    }
}

static void reply_error(const process *p, sotto_reply *reply, sotto_status status, const sotto_diag *diag)
{
    uint8_t memory[512];
    sotto_buf out = sotto_buf_of(memory, sizeof memory);
    sotto_json_writer w = sotto_json_writer_of(&out);
    sotto_json_obj(&w);
    sotto_json_name(&w, "error");
    sotto_json_cstr(&w, diag->text[0] != '\0' ? diag->text : sotto_status_cause_text(status));
    sotto_json_obj_end(&w);
    reply->code = code_of(status);
    reply->body.len = 0;
    if (sotto_json_writer_end(&w) == SOTTO_OK)
        (void)!sotto_vec_put(&reply->body, out.ptr, out.len);
    sotto_log_event(&p->log, SOTTO_LOG_WARN, "request.refused", "code=%d text=\"%s\"", reply->code,
                    diag->text);
}

/* Whose certificate it is, by its hash alone: names in it decide nothing. */
static enum agg_role role_of(const process *p, const sotto_peer *peer)
{
    for (size_t i = 0; i < PEERS; i++)
        if (memcmp(p->peer[i].client, peer->cert_sha256, SOTTO_SHA256_BYTES) == 0)
            return p->peer[i].role;
    return AGG_ROLE_COUNT;
}

static void handle(void *ctx, const sotto_http_message *request, const sotto_peer *peer, sotto_reply *reply)
{
    process *p = ctx;
    sotto_diag diag = {0};
    sotto_status status = SOTTO_ERR(HQ, DENIED);
    enum agg_role from = role_of(p, peer);
    reply->content_type = "application/cbor";
    if (from == AGG_ROLE_COUNT)
        (void)sotto_diag_set(&diag, status, "this certificate is none of a party here");
    else if (!sotto_span_is(request->method, "POST"))
        status = sotto_diag_set(&diag, SOTTO_ERR(HQ, NOT_FOUND), "there is nothing under this name");
    else
        status = agg_handle(&p->a, from, request->target, request->body, &reply->body, &diag);
    if (status == SOTTO_OK)
        reply->code = 200;
    else
        reply_error(p, reply, status, &diag);
}

/* ---- start ---- */

static sotto_status open_door(process *p, int *fd, sotto_diag *diag)
{
    char host[128];
    const char *colon = strrchr(p->listen, ':');
    size_t len = colon == NULL ? 0 : (size_t)(colon - p->listen);
    if (colon == NULL || len == 0 || len >= sizeof host || colon[1] == '\0')
        return sotto_diag_set(diag, SOTTO_ERR(HQ, USAGE), "'%.60s' is not HOST:PORT such as 127.0.0.1:8453",
                              p->listen);
    memcpy(host, p->listen, len);
    host[len] = '\0';
    sotto_status status = sotto_port_listen_tcp(host, colon + 1, fd, diag);
    return status == SOTTO_OK ? sotto_port_local_port(*fd, &p->port) : status;
}

static sotto_status open_server(process *p, sotto_diag *diag)
{
    int fd = -1;
    sotto_status status = agg_party_tls(p->dir, true, p->peer, PEERS, &p->tls, diag);
    if (status == SOTTO_OK)
        status = open_door(p, &fd, diag);
    if (status != SOTTO_OK)
        return status;
    const sotto_listener listener = {.fd = fd, .tls = p->tls};
    const sotto_server_config config = {.listeners = &listener,
                                        .listener_count = 1,
                                        .handler = handle,
                                        .ctx = p,
                                        .connections_max = 16,
                                        .body_max = AGG_BODY_MAX,
                                        .clock = p->clock,
                                        .log = &p->log};
    status = sotto_server_new(&p->server, &config, diag);
    if (status != SOTTO_OK)
        sotto_port_close(&fd);
    return status;
}

static sotto_status load_parties(process *p, sotto_diag *diag)
{
    agg_party own;
    sotto_status status = agg_party_own(p->dir, &own, diag);
    if (status == SOTTO_OK && strcmp(agg_role_name(own.role), p->role) != 0)
        status = sotto_diag_at(diag, SOTTO_ERR(HQ, USAGE), p->dir, 0, "the party here is a %s, not a %.20s",
                               agg_role_name(own.role), p->role);
    p->a.role = own.role;
    if (status == SOTTO_OK)
        status = agg_party_peer(p->dir, own.role == AGG_LEADER ? AGG_HELPER : AGG_LEADER, &p->peer[0], diag);
    if (status == SOTTO_OK)
        status = agg_party_peer(p->dir, AGG_COLLECTOR, &p->peer[1], diag);
    memcpy(p->a.collector, p->peer[1].hpke, sizeof p->a.collector);
    return status;
}

static sotto_status open_process(process *p, sotto_diag *diag)
{
    sotto_status status = sotto_vault_start(diag);
    if (status == SOTTO_OK)
        status = load_parties(p, diag);
    if (status == SOTTO_OK)
        status = agg_party_hpke(p->dir, p->a.hpke, diag);
    if (status == SOTTO_OK)
        status = agg_party_db(p->dir, false, &p->a.db, diag);
    if (status == SOTTO_OK && p->a.role == AGG_LEADER)
        status = agg_line_open(&p->line, p->dir, AGG_HELPER, p->peer_url, diag);
    p->a.helper = (agg_peer){.ctx = &p->line, .ask = agg_line_ask};
    return status == SOTTO_OK ? open_server(p, diag) : status;
}

/* ---- run ---- */

/* One job of what waits; true when there may be more. Between two jobs the door is served, so nobody waits
 * for longer than one. */
static bool work(process *p)
{
    size_t done = 0;
    sotto_diag diag = {0};
    int64_t now_ms = p->clock.mono_ms(p->clock.ctx);
    if (p->a.role != AGG_LEADER || now_ms < p->not_before_ms)
        return false;
    if (now_ms >= p->again_ms) {
        agg_leader_again(&p->a);
        p->again_ms = now_ms + AGAIN_MS;
    }
    if (agg_leader_work(&p->a, &done, &diag) == SOTTO_OK)
        return done > 0;
    p->not_before_ms = now_ms + RETRY_MS;
    sotto_log_event(&p->log, SOTTO_LOG_WARN, "job.put_off", "text=\"%s\"", diag.text);
    return false;
}

static sotto_status run(process *p)
{
    sotto_status status = SOTTO_OK;
    bool more = false;
    printf("listening port=%u role=%s dir=%s\n", p->port, p->role, p->dir);
    (void)fflush(stdout);
    while (told_to_stop == 0 && status == SOTTO_OK) {
        status = sotto_server_step(p->server, more ? 0 : STEP_MS);
        more = work(p);
    }
    sotto_log_event(&p->log, SOTTO_LOG_INFO, "aggregate.stop", "role=%s", p->role);
    return status;
}

static void close_process(process *p)
{
    sotto_server_free(p->server);
    sotto_tls_free(p->tls);
    agg_line_close(&p->line);
    hq_registry_close(p->a.db);
    sotto_wipe(p, sizeof *p);
    free(p);
}

static sotto_status start(process *p, sotto_diag *diag)
{
    catch_signals();
    sotto_port_harden_process();
    sotto_status status = open_process(p, diag);
    return status == SOTTO_OK ? run(p) : status;
}

int agg_cmd_run(int argc, char **argv)
{
    sotto_diag diag = {0};
    process *p = calloc(1, sizeof *p);
    if (p == NULL)
        return hq_fail(SOTTO_ERR(HQ, NO_MEMORY), &diag);
    p->listen = "127.0.0.1:8453";
    p->clock = hq_clock();
    p->log = (sotto_log){.fd = 2, .level = SOTTO_LOG_INFO, .clock = p->clock, .program = "sotto-hq"};
    p->a.entropy = sotto_port_entropy();
    p->a.log = &p->log;
    const hq_option options[] = {{"--dir", HQ_TEXT, &p->dir, .required = true},
                                 {"--role", HQ_TEXT, &p->role, .required = true},
                                 {"--listen", HQ_TEXT, &p->listen, .required = false},
                                 {"--peer", HQ_TEXT, &p->peer_url, .required = false}};
    int code = 2;
    if (!hq_options(argc, argv, options, SOTTO_COUNT(options))) {
        code = 2;
    } else if (strcmp(p->role, "leader") != 0 && strcmp(p->role, "helper") != 0) {
        code = hq_usage(argv[0], "--role is leader or helper: who runs an aggregator");
    } else if (strcmp(p->role, "leader") == 0 && p->peer_url == NULL) {
        code = hq_usage(argv[0], "a leader needs --peer, the helper's URL");
    } else {
        sotto_status status = start(p, &diag);
        code = status == SOTTO_OK ? 0 : hq_fail(status, &diag);
    }
    close_process(p);
    return code;
}
