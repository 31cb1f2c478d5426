/* Nights of nothing but reports: each is a connection of its own (swarm.h). */
#include "swarm/swarm.h"
#include "office/day.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#define TIMEOUT_MS 30000
#define PAUSE_MS   200

typedef hq_swarm_terminal terminal;
typedef hq_swarm_share share;

/* ---- a night of one terminal ---- */

sotto_status hq_swarm_line(const hq_swarm *swarm, const char *url, const terminal *t, sotto_clock clock,
                           sotto_tls **tls, sotto_client **client, sotto_diag *diag)
{
    const sotto_tls_identity identity = {.authority_pem = sotto_span_str(swarm->authority_cert),
                                         .certificate_pem = sotto_span_str(t->cert_pem),
                                         .key_pem = sotto_span_str(t->key_pem),
                                         .clock = clock};
    *client = NULL;
    sotto_status status = *tls != NULL ? SOTTO_OK : sotto_tls_new(tls, false, &identity, diag);
    const sotto_client_config config = {.url = url, .tls = *tls, .timeout_ms = TIMEOUT_MS, .clock = clock};
    return status == SOTTO_OK ? sotto_client_new(client, &config, diag) : status;
}

static bool was_repeated(sotto_span body)
{
    sotto_json *doc = NULL;
    bool repeated = false;
    if (sotto_json_parse(&doc, body, "receipt", NULL) == SOTTO_OK)
        (void)!sotto_json_get_bool(sotto_json_root(doc), "repeated", &repeated, NULL);
    sotto_json_free(doc);
    return repeated;
}

/* One attempt. BUSY with *wait_ms: later; NETWORK, TIMEOUT: nobody there. Anything else is an error of ours.
 */
static sotto_status attempt(const hq_swarm *swarm, const char *url, const terminal *t, const char *target,
                            sotto_span body, int64_t *wait_ms, sotto_diag *diag)
{
    sotto_tls *tls = NULL;
    sotto_client *client = NULL;
    const sotto_http_message *response = NULL;
    hq_swarm_shared *shared = swarm->shared;
    sotto_span header;
    uint64_t seconds = 1;
    *wait_ms = PAUSE_MS;
    sotto_status status = hq_swarm_line(swarm, url, t, hq_clock(), &tls, &client, diag);
    (void)atomic_fetch_add(&shared->sent, 1);
    if (status == SOTTO_OK)
        status =
            sotto_client_request(client, "PUT", target, "application/octet-stream", body, &response, diag);
    if (status == SOTTO_OK && response->code == 200) {
        (void)atomic_fetch_add(&shared->repeated, was_repeated(response->body));
    } else if (status == SOTTO_OK && response->code == 503) {
        if (sotto_http_header_find(response, "retry-after", &header))
            (void)!sotto_parse_u64(header, &seconds);
        *wait_ms = (int64_t)(seconds > 3600 ? 3600 : seconds) * 1000;
        (void)atomic_fetch_add(&shared->busy, 1);
        status = SOTTO_ERR(HQ, BUSY);
    } else if (status == SOTTO_OK) {
        status = sotto_diag_set(diag, SOTTO_ERR(HQ, CONFLICT), "%s was answered %d", target, response->code);
    }
    sotto_client_free(client);
    sotto_tls_free(tls);
    return status;
}

static bool comes_again(sotto_status status)
{
    int cause = sotto_status_cause(status);
    return cause == SOTTO_CAUSE_BUSY || cause == SOTTO_CAUSE_NETWORK || cause == SOTTO_CAUSE_TIMEOUT ||
           cause == SOTTO_CAUSE_PROTOCOL;
}

void hq_swarm_pause(int64_t ms)
{
    struct timespec time = {.tv_sec = (time_t)(ms / 1000), .tv_nsec = (long)(ms % 1000) * 1000000};
    (void)nanosleep(&time, NULL);
}

sotto_status hq_swarm_send(const hq_swarm *swarm, const char *url, const terminal *t, int64_t night,
                           sotto_span body, int64_t *ms, sotto_diag *diag)
{
    char target[48];
    sotto_clock clock = hq_clock();
    int64_t wait_ms, until = clock.mono_ms(clock.ctx) + swarm->patience_s * 1000;
    (void)snprintf(target, sizeof target, "/v1/reports/%lld", (long long)night + 1);
    for (;;) {
        int64_t begin = clock.mono_ms(clock.ctx);
        sotto_diag why = {0};
        sotto_status status = attempt(swarm, url, t, target, body, &wait_ms, &why);
        int64_t end = clock.mono_ms(clock.ctx);
        *ms = end - begin;
        if (status == SOTTO_OK)
            return status;
        if (!comes_again(status) || end > until) {
            *diag = why;
            return status;
        }
        (void)atomic_fetch_add(&swarm->shared->retried, 1);
        hq_swarm_pause(wait_ms < swarm->wait_max_s * 1000 ? wait_ms : swarm->wait_max_s * 1000);
    }
}

/* <save>/<terminal>/<name> */
static sotto_status save_file(const share *s, size_t i, const char *name, sotto_span bytes, sotto_diag *diag)
{
    char device[HQ_DEVICE_ID_MAX], path[HQ_PATH_MAX];
    hq_swarm_name(s->swarm, hq_swarm_number(s->swarm, s->process, i), device);
    int len = snprintf(path, sizeof path, "%s/%s", s->swarm->save, device);
    sotto_status status = len > 0 && (size_t)len + strlen(name) + 2 < sizeof path
                              ? sotto_port_make_dir(path, 0700, diag)
                              : sotto_diag_set(diag, SOTTO_ERR(HQ, RANGE), "the path is too long");
    if (status != SOTTO_OK)
        return status;
    (void)snprintf(path + len, sizeof path - (size_t)len, "/%s", name);
    return sotto_port_write_file(path, bytes, 0600, diag);
}

/* What another client needs to be this terminal. */
static sotto_status save_night(const share *s, size_t i, int64_t night, sotto_span body, sotto_diag *diag)
{
    char name[32];
    const terminal *t = &s->terminal[i];
    sotto_status status = SOTTO_OK;
    if (night == 0)
        status = save_file(s, i, "key.pem", sotto_span_str(t->key_pem), diag);
    if (night == 0 && status == SOTTO_OK)
        status = save_file(s, i, "certificate.pem", sotto_span_str(t->cert_pem), diag);
    (void)snprintf(name, sizeof name, "%lld.report", (long long)night + 1);
    return status == SOTTO_OK ? save_file(s, i, name, body, diag) : status;
}

static sotto_status one_night(share *s, size_t i, int64_t night, sotto_diag *diag)
{
    int64_t sum, ms = 0;
    const hq_swarm *swarm = s->swarm;
    size_t number = hq_swarm_number(swarm, s->process, i);
    sotto_buf buf = sotto_buf_of(s->sealed, SOTTO_REPORT_MAX);
    sotto_status status =
        hq_swarm_seal(swarm, number, night, s->terminal[i].previous, s->cells, &buf, &sum, diag);
    sotto_span body = sotto_buf_span(&buf);
    if (s->swarm->save != NULL)
        return status == SOTTO_OK ? save_night(s, i, night, body, diag) : status;
    if (status == SOTTO_OK)
        status = hq_swarm_twin_begin(s->twin, &s->terminal[i], night, body, diag);
    if (status == SOTTO_OK)
        status = hq_swarm_send(swarm, swarm->url, &s->terminal[i], night, body, &ms, diag);
    if (status == SOTTO_OK)
        status = hq_swarm_twin_end(s->twin, diag);
    if (status == SOTTO_OK) {
        size_t place = (size_t)night * (size_t)swarm->terminals + number;
        atomic_store(&swarm->shared->latency[place], (uint32_t)ms * 10 + 1);
        (void)atomic_fetch_add(&swarm->shared->acknowledged, 1);
        (void)atomic_fetch_add(&swarm->shared->cells, sum);
    }
    return status;
}

/* Connections that ask once and then only stay: what each costs the collector can be seen. */
static sotto_status open_idle(share *s, sotto_diag *diag)
{
    size_t wanted = (size_t)(s->swarm->idle / s->swarm->processes);
    sotto_status status = SOTTO_OK;
    for (size_t i = 0; i < wanted && s->count > 0 && status == SOTTO_OK; i++) {
        const sotto_http_message *response;
        status = hq_swarm_line(s->swarm, s->swarm->url, &s->terminal[0], hq_clock(), &s->idle_tls,
                               &s->idle[i], diag);
        if (status != SOTTO_OK)
            return status;
        s->idle_count++;
        status = sotto_client_request(s->idle[i], "GET", "/v1/release/timestamp.json", NULL,
                                      sotto_span_of(NULL, 0), &response, diag);
        (void)atomic_fetch_add(&s->swarm->shared->idle, status == SOTTO_OK);
    }
    return status;
}

sotto_status hq_swarm_live(const hq_swarm_twin *twin, share *s, sotto_diag *diag)
{
    s->twin = twin;
    sotto_status status = open_idle(s, diag);
    for (int64_t night = 0; night < s->swarm->nights && status == SOTTO_OK; night++)
        for (size_t i = 0; i < s->count && status == SOTTO_OK; i++)
            status = one_night(s, i, night, diag);
    return status;
}
