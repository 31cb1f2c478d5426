/*
 * The `serve` of a swarm's terminals: what the night's client asks of it (docs/formats/wire.md, "serve's link
 * socket"), for all terminals of one process, one at a time. `POST /swarm {"terminal":3,"night":1}` says
 * whose turn it is. Reports are sealed when the night is closed, and kept as they are until acknowledged.
 */
#include "office/args.h"
#include "office/day.h"
#include "swarm/swarm.h"

#include "sotto/pack.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

typedef struct waiting {
    struct waiting *next;
    uint64_t seq;
    int64_t sum;
    size_t len;
    uint8_t bytes[];
} waiting;

typedef struct seat { /* of one terminal */
    uint8_t previous[SOTTO_SHA256_BYTES];
    int64_t nights; /* closed */
    int64_t sealed; /* reports */
    waiting *first, *last;
} seat;

typedef struct desk {
    const hq_swarm *swarm;
    size_t process, count;
    seat *seat;
    size_t now; /* whose turn it is */
    int64_t night, begun_s;
    uint64_t release; /* that was accepted; 0 = none yet */
    int64_t *cells;
    uint8_t *sealed;
} desk;

sotto_status hq_swarm_path(const hq_swarm *swarm, size_t process, const char *name,
                           char out[static HQ_PATH_MAX], sotto_diag *diag)
{
    char own[HQ_PATH_MAX];
    (void)snprintf(own, sizeof own, "%s-%zu%s%s", swarm->prefix, process, name[0] != '\0' ? "/" : "", name);
    return hq_path(swarm->whole_nights, own, out, diag);
}

/* ---- requests ---- */

static sotto_status take_turn(desk *d, sotto_json_node body, sotto_reply *reply)
{
    int64_t now = 0;
    sotto_status status = sotto_json_get_i64(body, "terminal", 0, (int64_t)d->count - 1, &now, NULL);
    if (status == SOTTO_OK)
        status = sotto_json_get_i64(body, "night", 0, d->swarm->nights - 1, &d->night, NULL);
    d->now = (size_t)now;
    reply->code = 204;
    return status;
}

static sotto_status take_release(desk *d, sotto_json_node body, sotto_reply *reply)
{
    int64_t version = 0;
    sotto_status status = sotto_json_get_i64(body, "version", 1, INT64_MAX, &version, NULL);
    if (status != SOTTO_OK)
        return status;
    d->release = (uint64_t)version;
    reply->code = 200;
    return sotto_vec_printf(&reply->body, "{\"accepted\":true,\"good\":%llu}",
                            (unsigned long long)d->release);
}

static sotto_status tell_health(desk *d, sotto_json_node body, sotto_reply *reply)
{
    (void)body;
    const unsigned long long release = d->release;
    reply->code = 200;
    return sotto_vec_printf(&reply->body,
                            "{\"release\":%llu,\"good\":%llu,\"failed\":0,\"why\":\"none\",\"program\":"
                            "\"swarm\",\"disk_free_mib\":512,\"waiting\":0,\"clock_ahead_min\":0}",
                            release, release);
}

static sotto_status seal_one(desk *d, seat *s)
{
    size_t number = hq_swarm_number(d->swarm, d->process, d->now);
    sotto_buf buf = sotto_buf_of(d->sealed, SOTTO_REPORT_MAX);
    int64_t sum = 0;
    sotto_status status = hq_swarm_seal(d->swarm, number, s->sealed, s->previous, d->cells, &buf, &sum, NULL);
    waiting *w = status == SOTTO_OK ? malloc(sizeof *w + buf.len) : NULL;
    if (w == NULL)
        return status == SOTTO_OK ? SOTTO_ERR(HQ, NO_MEMORY) : status;
    *w = (waiting){.seq = (uint64_t)++s->sealed, .sum = sum, .len = buf.len};
    memcpy(w->bytes, buf.ptr, buf.len);
    if (s->first == NULL)
        s->first = w;
    else
        s->last->next = w;
    s->last = w;
    return SOTTO_OK;
}

/* Closed once a night, however often sync comes. */
static sotto_status close_night(desk *d, sotto_json_node body, sotto_reply *reply)
{
    (void)body;
    seat *s = &d->seat[d->now];
    bool closed = s->nights <= d->night;
    sotto_status status = SOTTO_OK;
    for (int64_t i = 0; closed && i < d->swarm->reports && status == SOTTO_OK; i++)
        status = seal_one(d, s);
    if (status == SOTTO_OK && closed)
        s->nights = d->night + 1;
    reply->code = 200;
    return status == SOTTO_OK
               ? sotto_vec_printf(&reply->body, "{\"closed\":%s,\"reports\":%lld,\"seq\":%lld}",
                                  closed ? "true" : "false", closed ? (long long)d->swarm->reports : 0,
                                  closed ? (long long)s->sealed : 0)
               : status;
}

static sotto_status next_report(desk *d, sotto_json_node body, sotto_reply *reply)
{
    static char seq[64];
    (void)body;
    const waiting *w = d->seat[d->now].first;
    reply->code = w == NULL ? 204 : 200;
    if (w == NULL)
        return SOTTO_OK;
    (void)snprintf(seq, sizeof seq, "Sotto-Seq: %llu\r\n", (unsigned long long)w->seq);
    reply->content_type = "application/octet-stream";
    reply->extra = seq;
    return sotto_vec_put(&reply->body, w->bytes, w->len);
}

static sotto_status acknowledge(desk *d, sotto_reply *reply)
{
    seat *s = &d->seat[d->now];
    waiting *w = s->first;
    s->first = w->next;
    (void)atomic_fetch_add(&d->swarm->shared->acknowledged, 1);
    (void)atomic_fetch_add(&d->swarm->shared->cells, w->sum);
    free(w);
    reply->code = 204;
    return SOTTO_OK;
}

static sotto_status none(desk *d, sotto_json_node body, sotto_reply *reply)
{
    (void)d;
    (void)body;
    reply->code = 204;
    return SOTTO_OK;
}

/* The same bytes every night, as of a terminal that got no pack: its report key stands for a key of packs. */
static sotto_status state_pack(desk *d, sotto_json_node body, sotto_reply *reply)
{
    (void)body;
    char json[SOTTO_PACK_STATE_MAX];
    sotto_buf out = sotto_buf_of(json, sizeof json);
    sotto_pack_state state = {.said_s = d->begun_s};
    sotto_vault *vault = NULL;
    size_t number = hq_swarm_number(d->swarm, d->process, d->now);
    hq_swarm_name(d->swarm, number, state.device);
    sotto_status status = hq_swarm_vault(d->swarm, number, &vault, NULL);
    if (status == SOTTO_OK)
        status = sotto_vault_report_public_key(vault, state.key);
    if (status == SOTTO_OK)
        status = sotto_pack_state_sign(&state, vault, NULL);
    sotto_vault_close(vault);
    if (status == SOTTO_OK)
        status = sotto_pack_state_write(&state, &out);
    reply->code = 200;
    return status == SOTTO_OK ? sotto_vec_put(&reply->body, out.ptr, out.len) : status;
}

static const struct {
    const char *method, *target;
    sotto_status (*run)(desk *d, sotto_json_node body, sotto_reply *reply);
} ROUTES[] = {{"POST", "/swarm", take_turn},           {"GET", "/v1/health", tell_health},
              {"POST", "/v1/release", take_release},   {"POST", "/v1/night", close_night},
              {"GET", "/v1/outbox/next", next_report}, {"GET", "/v1/outbox/absent", none},
              {"GET", "/v1/pack", state_pack}};

static bool acknowledges(const desk *d, const sotto_http_message *request)
{
    char target[64];
    const waiting *w = d->seat[d->now].first;
    (void)snprintf(target, sizeof target, "/v1/outbox/%llu/ack", w != NULL ? (unsigned long long)w->seq : 0);
    return w != NULL && sotto_span_is(request->target, target);
}

static sotto_status run_route(desk *d, const sotto_http_message *request, sotto_json_node body,
                              sotto_reply *reply)
{
    for (size_t i = 0; i < SOTTO_COUNT(ROUTES); i++)
        if (sotto_span_is(request->method, ROUTES[i].method) &&
            sotto_span_is(request->target, ROUTES[i].target))
            return ROUTES[i].run(d, body, reply);
    reply->code = 404;
    return SOTTO_OK;
}

static void handle(void *ctx, const sotto_http_message *request, const sotto_peer *peer, sotto_reply *reply)
{
    desk *d = ctx;
    sotto_json *doc = NULL;
    sotto_span body = request->body.len > 0 ? request->body : sotto_span_str("{}");
    (void)peer;
    sotto_status status = sotto_json_parse(&doc, body, "request", NULL);
    if (status == SOTTO_OK)
        status = acknowledges(d, request) ? acknowledge(d, reply)
                                          : run_route(d, request, sotto_json_root(doc), reply);
    sotto_json_free(doc);
    if (status != SOTTO_OK)
        reply->code = 500;
}

/* ---- the process ---- */

static sotto_status open_desk(desk *d, int fd, sotto_server **server, sotto_diag *diag)
{
    const sotto_listener listener = {.fd = fd};
    const sotto_server_config config = {.listeners = &listener,
                                        .listener_count = 1,
                                        .handler = handle,
                                        .ctx = d,
                                        .idle_ms = INT64_C(3600) * 1000,
                                        .clock = hq_clock()};
    d->count = hq_swarm_count(d->swarm, d->process);
    d->begun_s = hq_now();
    d->seat = calloc(d->count + 1, sizeof *d->seat);
    d->cells = calloc(d->swarm->task->cells, sizeof *d->cells);
    d->sealed = malloc(SOTTO_REPORT_MAX);
    if (d->seat == NULL || d->cells == NULL || d->sealed == NULL)
        return sotto_diag_set(diag, SOTTO_ERR(HQ, NO_MEMORY), "no memory for a swarm");
    sotto_status status = sotto_vault_start(diag);
    return status == SOTTO_OK ? sotto_server_new(server, &config, diag) : status;
}

/* Never returns. */
static void be_serve(const hq_swarm *swarm, size_t process, int fd, pid_t parent)
{
    sotto_diag diag = {0};
    sotto_server *server = NULL;
    desk d = {.swarm = swarm, .process = process};
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(1);
    sotto_status status = open_desk(&d, fd, &server, &diag);
    while (status == SOTTO_OK && getppid() == parent)
        status = sotto_server_step(server, 1000);
    if (status != SOTTO_OK)
        (void)hq_fail(status, &diag);
    (void)fflush(stderr);
    _exit(1);
}

sotto_status hq_swarm_serve_start(const hq_swarm *swarm, size_t process, sotto_diag *diag)
{
    char path[HQ_PATH_MAX];
    int fd = -1;
    pid_t pid = 0, parent = getpid();
    if (swarm->whole_nights == NULL)
        return SOTTO_OK;
    sotto_status status = hq_swarm_path(swarm, process, "", path, diag);
    if (status == SOTTO_OK)
        status = sotto_port_make_dir(path, 0700, diag);
    if (status == SOTTO_OK)
        status = hq_swarm_path(swarm, process, "link", path, diag);
    if (status == SOTTO_OK)
        status = sotto_port_listen_unix(path, 0600, &fd, diag);
    if (status == SOTTO_OK && (pid = fork()) < 0)
        status = sotto_diag_set(diag, SOTTO_ERR(HQ, NO_MEMORY), "no place for a second half");
    if (status == SOTTO_OK && pid == 0)
        be_serve(swarm, process, fd, parent);
    sotto_port_close(&fd);
    return status;
}
