/*
 * Whole nights: what `sotto sync` asks of head office, in its order and by its functions: a full handshake,
 * the time with its check, the continuation token, the release's newest metadata, the reports, health, the
 * statement on tag packs (src/kiosk/night/cmd_sync.c, src/sync/night.c). Moments and pauses are the
 * terminal's own as well; a window passes in fewer seconds than it has, all of its moments drawn together by
 * one factor.
 *
 * Where it differs: terminals of one process share the folder of the release, so that only the first of them
 * fetches it, and no wall is built around a process that is many terminals.
 */
#include "office/args.h"
#include "office/day.h"
#include "release/bundle.h"
#include "swarm/swarm.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define GIVE_UP_S (INT64_C(4) * 3600) /* of `sotto sync --until-done` */
#define FOREVER   INT64_MAX
#define POLL_MS   20

typedef struct plan { /* of one terminal */
    int64_t first_ms, due_ms;
    uint32_t attempt;
} plan;

typedef struct night {
    hq_swarm_share *s;
    const hq_swarm *swarm;
    int64_t number, begin_ms;
    int64_t day; /* as `sotto sync` counts nights */
    sotto_clock clock;
    sotto_client *serve;
    plan *plan;
} night;

static int64_t now_ms(const night *n)
{
    return n->clock.mono_ms(n->clock.ctx);
}

/* Milliseconds here of seconds in the night's window. */
static int64_t here_ms(const hq_swarm *swarm, int64_t seconds)
{
    return swarm->window_s > 0 ? seconds * 1000 * swarm->night_s / swarm->window_s : seconds * 1000;
}

/* ---- one call ---- */

static sotto_status own_path(const night *n, size_t i, const char *what, char out[static HQ_PATH_MAX],
                             sotto_diag *diag)
{
    char name[64];
    (void)snprintf(name, sizeof name, "%zu.%s", i, what);
    return hq_swarm_path(n->swarm, n->s->process, name, out, diag);
}

static sotto_status take_turn(const night *n, size_t i, sotto_diag *diag)
{
    char body[80];
    const sotto_http_message *response;
    int len = snprintf(body, sizeof body, "{\"terminal\":%zu,\"night\":%lld}", i, (long long)n->number);
    sotto_status status = sotto_client_request(n->serve, "POST", "/swarm", "application/json",
                                               sotto_span_of(body, (size_t)len), &response, diag);
    if (status == SOTTO_OK && response->code != 204)
        status = sotto_diag_set(diag, SOTTO_ERR(HQ, CONFLICT), "the swarm's serve knows no such terminal");
    return status;
}

static sotto_status learn_time(const night *n, sotto_time *time, const char *path, sotto_client *office,
                               sotto_diag *diag)
{
    uint8_t nonce[SOTTO_TIME_NONCE_BYTES];
    sotto_time_word word;
    sotto_entropy entropy = sotto_port_entropy();
    sotto_status status = entropy.fill(entropy.ctx, nonce, sizeof nonce);
    if (status == SOTTO_OK)
        status = sotto_time_ask(office, nonce, &word, diag);
    if (sotto_status_cause(status) == SOTTO_CAUSE_UNSUPPORTED)
        return SOTTO_OK;
    if (status == SOTTO_OK)
        status = sotto_time_check(&word, nonce, sotto_span_str(n->swarm->authority_cert), diag);
    return status == SOTTO_OK ? sotto_time_take(time, &word, path, diag) : status;
}

static sotto_status run_night(const night *n, size_t i, sotto_client *office, sotto_clock clock,
                              sotto_night_result *result, sotto_diag *diag)
{
    char session[HQ_PATH_MAX], health[HQ_PATH_MAX], release[HQ_PATH_MAX];
    sotto_status status = own_path(n, i, "session", session, diag);
    if (status == SOTTO_OK)
        status = own_path(n, i, "health", health, diag);
    if (status == SOTTO_OK)
        status = hq_swarm_path(n->swarm, n->s->process, "release", release, diag);
    const sotto_night_config config = {.head_office = office,
                                       .serve = n->serve,
                                       .release_dir = release,
                                       .session_path = session,
                                       .health_path = health,
                                       .entropy = sotto_port_entropy(),
                                       .clock = clock};
    return status == SOTTO_OK ? sotto_night_run(&config, result, diag) : status;
}

/* As a new process of `sotto sync` does it: nothing is left of an earlier call but files, and a time that
 * could not be learned stops nothing but a certificate that has lapsed. */
static sotto_status call(const night *n, size_t i, sotto_night_result *result, sotto_diag *diag)
{
    char path[HQ_PATH_MAX];
    sotto_tls *tls = NULL;
    sotto_client *office = NULL;
    sotto_time time;
    *result = (sotto_night_result){0};
    sotto_status status = hq_swarm_path(n->swarm, n->s->process, "time", path, diag);
    if (status != SOTTO_OK)
        return status;
    sotto_time_open(&time, n->clock, 0, path);
    sotto_clock clock = sotto_time_clock(&time);
    status = hq_swarm_line(n->swarm, n->swarm->url, &n->s->terminal[i], clock, &tls, &office, diag);
    if (status == SOTTO_OK)
        status = take_turn(n, i, diag);
    if (status == SOTTO_OK) {
        sotto_tls_time_unknown(tls);
        status = learn_time(n, &time, path, office, diag);
        if (sotto_status_cause(status) != SOTTO_CAUSE_EXPIRED)
            status = SOTTO_OK;
    }
    if (status == SOTTO_OK)
        status = sotto_tls_time_known(tls, diag);
    if (status == SOTTO_OK)
        status = run_night(n, i, office, clock, result, diag);
    sotto_client_free(office);
    sotto_tls_free(tls);
    return status;
}

/* ---- one terminal's night ---- */

static void give_up(const night *n, plan *p, sotto_status status, const sotto_diag *diag)
{
    sotto_diag why = *diag;
    p->due_ms = FOREVER;
    if (atomic_fetch_add(&n->swarm->shared->given_up, 1) < 10)
        (void)hq_fail(status, &why);
}

/* The terminal's own pause; without a window in the seconds that it has, up to --wait-at-most. */
static void come_again(const night *n, size_t i, const sotto_night_result *result, sotto_status status,
                       const sotto_diag *diag)
{
    char name[HQ_DEVICE_ID_MAX];
    plan *p = &n->plan[i];
    int64_t pause_s = 0, most_ms = n->swarm->patience_s * 1000;
    hq_swarm_name(n->swarm, hq_swarm_number(n->swarm, n->s->process, i), name);
    (void)!sotto_night_pause(name, n->day, p->attempt++, result->retry_after_s, &pause_s);
    if (n->swarm->window_s > 0)
        most_ms = here_ms(n->swarm, GIVE_UP_S);
    else if (pause_s > n->swarm->wait_max_s)
        pause_s = n->swarm->wait_max_s;
    p->due_ms = now_ms(n) + here_ms(n->swarm, pause_s);
    if (!sotto_night_again(status) || p->due_ms - p->first_ms > most_ms)
        give_up(n, p, status, diag);
    else
        (void)atomic_fetch_add(&n->swarm->shared->retried, 1);
}

static void count_late(const night *n, const plan *p)
{
    hq_swarm_shared *shared = n->swarm->shared;
    uint64_t late = (uint64_t)(now_ms(n) - p->due_ms), before = atomic_load(&shared->latest_ms);
    (void)atomic_fetch_add(&shared->late_ms, late);
    while (late > before && !atomic_compare_exchange_weak(&shared->latest_ms, &before, late))
        ;
}

static void live(const night *n, size_t i)
{
    sotto_diag diag = {0};
    sotto_night_result result;
    plan *p = &n->plan[i];
    hq_swarm_shared *shared = n->swarm->shared;
    if (p->attempt == 0)
        count_late(n, p);
    int64_t begin = now_ms(n);
    sotto_status status = call(n, i, &result, &diag);
    size_t number = hq_swarm_number(n->swarm, n->s->process, i);
    size_t place = (size_t)n->number * (size_t)n->swarm->terminals + number;
    (void)atomic_fetch_add(&shared->sent, 1);
    (void)atomic_fetch_add(&shared->repeated, result.reports_repeated);
    (void)atomic_fetch_add(&shared->busy, result.retry_after_s > 0);
    p->due_ms = FOREVER;
    if (status == SOTTO_OK)
        atomic_store(&shared->latency[place], (uint32_t)(now_ms(n) - begin) * 10 + 1);
    else
        come_again(n, i, &result, status, &diag);
}

/* ---- all of them ---- */

static sotto_status draw_moments(night *n, sotto_diag *diag)
{
    char name[HQ_DEVICE_ID_MAX];
    sotto_status status = SOTTO_OK;
    for (size_t i = 0; i < n->s->count && status == SOTTO_OK; i++) {
        int64_t delay_s = 0;
        hq_swarm_name(n->swarm, hq_swarm_number(n->swarm, n->s->process, i), name);
        status = sotto_night_start(name, n->day, n->swarm->window_s, &delay_s);
        n->plan[i] = (plan){.due_ms = n->begin_ms + here_ms(n->swarm, delay_s)};
        n->plan[i].first_ms = n->plan[i].due_ms;
    }
    return status == SOTTO_OK ? status : sotto_diag_set(diag, status, "no moment for %s", name);
}

static size_t earliest(const night *n)
{
    size_t best = 0;
    for (size_t i = 1; i < n->s->count; i++)
        if (n->plan[i].due_ms < n->plan[best].due_ms)
            best = i;
    return best;
}

/* All processes begin a night together. */
static sotto_status wait_for_night(night *n, sotto_diag *diag)
{
    hq_swarm_shared *shared = n->swarm->shared;
    (void)atomic_fetch_add(&shared->arrived, 1);
    while (atomic_load(&shared->opened) <= (uint64_t)n->number) {
        if (atomic_load(&shared->failed) > 0)
            return sotto_diag_set(diag, SOTTO_ERR(HQ, BUSY), "another part of the swarm has failed");
        hq_swarm_pause(POLL_MS);
    }
    n->begin_ms = atomic_load(&shared->begin_ms);
    return SOTTO_OK;
}

static sotto_status live_night(night *n, sotto_diag *diag)
{
    sotto_status status = wait_for_night(n, diag);
    if (status == SOTTO_OK)
        status = draw_moments(n, diag);
    while (status == SOTTO_OK && n->s->count > 0) {
        size_t i = earliest(n);
        if (n->plan[i].due_ms == FOREVER)
            break;
        if (n->plan[i].due_ms > now_ms(n))
            hq_swarm_pause(n->plan[i].due_ms - now_ms(n));
        live(n, i);
    }
    return status;
}

/* What enrolment leaves on a terminal: the root that it trusts. */
static sotto_status trust_root(const night *n, sotto_diag *diag)
{
    char path[HQ_PATH_MAX];
    sotto_vec root;
    sotto_vec_init(&root, HQ_FILE_LIMIT);
    sotto_status status = hq_path(n->swarm->dir, "repo/1.root.json", path, diag);
    if (status == SOTTO_OK)
        status = sotto_port_read_file(path, &root, diag);
    for (int i = 0; i < 2 && status == SOTTO_OK; i++) {
        status = hq_swarm_path(n->swarm, n->s->process, i == 0 ? "release" : "release/metadata", path, diag);
        if (status == SOTTO_OK)
            status = sotto_port_make_dir(path, 0700, diag);
    }
    if (status == SOTTO_OK)
        status = sotto_tuf_init(path, sotto_vec_span(&root), diag);
    sotto_vec_free(&root);
    return status;
}

static sotto_status open_serve(night *n, sotto_diag *diag)
{
    char path[HQ_PATH_MAX], url[HQ_PATH_MAX + 8];
    sotto_status status = hq_swarm_path(n->swarm, n->s->process, "link", path, diag);
    (void)snprintf(url, sizeof url, "unix:%s", path);
    const sotto_client_config config = {.url = url, .clock = n->clock};
    return status == SOTTO_OK ? sotto_client_new(&n->serve, &config, diag) : status;
}

sotto_status hq_swarm_live_whole(hq_swarm_share *own, sotto_diag *diag)
{
    night n = {.s = own, .swarm = own->swarm, .clock = hq_clock()};
    n.plan = calloc(own->count + 1, sizeof *n.plan);
    sotto_status status = n.plan != NULL ? trust_root(&n, diag) : SOTTO_ERR(HQ, NO_MEMORY);
    if (status == SOTTO_OK)
        status = open_serve(&n, diag);
    for (; n.number < own->swarm->nights && status == SOTTO_OK; n.number++) {
        n.day = hq_now() / HQ_DAY_S + n.number; /* each night other moments */
        status = live_night(&n, diag);
    }
    sotto_client_free(n.serve);
    free(n.plan);
    return status;
}
