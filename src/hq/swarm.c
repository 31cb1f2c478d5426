/* One process of the swarm: its share of terminals (swarm.h). */
#include "swarm.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define BATCH        50 /* terminals enrolled in one transaction */
#define SLOW_CLOCK_S INT64_C(3600)
#define TIMEOUT_MS   30000
#define PAUSE_MS     200

typedef hq_swarm_terminal terminal;

typedef struct share {
    const hq_swarm *swarm;
    const hq_swarm_twin *twin;
    size_t process, count;
    terminal *terminal;
    sotto_client **idle;
    sotto_tls *idle_tls;
    size_t idle_count;
    int64_t *cells;
    uint8_t *sealed;
} share;

static size_t number_of(const share *s, size_t i)
{
    return s->process + i * (size_t)s->swarm->processes;
}

static void name_of(const share *s, size_t i, char out[static HQ_DEVICE_ID_MAX])
{
    (void)snprintf(out, HQ_DEVICE_ID_MAX, "%s-%06zu", s->swarm->prefix, number_of(s, i));
}

static sotto_status load_root(void *ctx, uint8_t root[static SOTTO_KEY_BYTES], sotto_diag *diag)
{
    (void)diag;
    memcpy(root, ctx, SOTTO_KEY_BYTES);
    return SOTTO_OK;
}

static sotto_status open_vault(terminal *t, sotto_vault **out, sotto_diag *diag)
{
    const sotto_key_provider provider = {.ctx = t->root, .name = "swarm", .load = load_root};
    return sotto_vault_open(out, &provider, diag);
}

/* ---- enrolment, by the authority itself ---- */

static sotto_status issue(const share *s, const char *name, terminal *t, sotto_diag *diag)
{
    char key[SOTTO_PEM_MAX], public_pem[SOTTO_PEM_MAX], cert[SOTTO_PEM_MAX];
    sotto_entropy entropy = sotto_port_entropy();
    int64_t now_s = hq_now();
    sotto_cert_request request = {.use = SOTTO_CERT_DEVICE,
                                  .common_name = name,
                                  .not_before_s = now_s - SLOW_CLOCK_S,
                                  .not_after_s = now_s + HQ_DEVICE_CERT_DAYS * HQ_DAY_S};
    sotto_status status = entropy.fill(entropy.ctx, request.serial, sizeof request.serial);
    request.serial[0] &= 0x7f;
    if (status == SOTTO_OK)
        status = entropy.fill(entropy.ctx, t->root, sizeof t->root);
    if (status == SOTTO_OK)
        status = sotto_keypair_make(&entropy, key, diag);
    if (status == SOTTO_OK)
        status = sotto_keypair_public_pem(key, public_pem, diag);
    if (status == SOTTO_OK)
        status = sotto_cert_issue(&request, sotto_span_str(public_pem), s->swarm->authority_key,
                                  s->swarm->authority_cert, cert, diag);
    if (status != SOTTO_OK)
        return status;
    t->key_pem = strdup(key);
    t->cert_pem = strdup(cert);
    return t->key_pem != NULL && t->cert_pem != NULL ? SOTTO_OK : SOTTO_ERR(HQ, NO_MEMORY);
}

static sotto_status admit(hq_registry *registry, const char *name, terminal *t, sotto_diag *diag)
{
    uint8_t report_key[SOTTO_PUBLIC_KEY_BYTES];
    sotto_vault *vault = NULL;
    sotto_cert_info info;
    int64_t now_s = hq_now();
    sotto_status status = open_vault(t, &vault, diag);
    if (status == SOTTO_OK)
        status = sotto_vault_report_public_key(vault, report_key);
    sotto_vault_close(vault);
    if (status == SOTTO_OK)
        status = sotto_cert_read(sotto_span_str(t->cert_pem), &info, diag);
    /* No code is ever handed out: any 32 bytes that nobody else has do. */
    if (status == SOTTO_OK)
        status = hq_registry_code_put(registry, name, info.sha256, now_s, now_s + HQ_DAY_S, diag);
    if (status != SOTTO_OK)
        return status;
    const hq_admission admission = {.code_hash = info.sha256,
                                    .report_key = report_key,
                                    .cert_sha256 = info.sha256,
                                    .cert_not_after_s = info.not_after_s,
                                    .now_s = now_s};
    return hq_registry_admit(registry, &admission, diag);
}

/* Keys first: the registry's lock is not held while they are made. */
static sotto_status enrol_some(share *s, hq_registry *registry, size_t from, size_t to, sotto_diag *diag)
{
    char name[HQ_DEVICE_ID_MAX];
    sotto_status status = SOTTO_OK;
    for (size_t i = from; i < to && status == SOTTO_OK; i++) {
        name_of(s, i, name);
        status = issue(s, name, &s->terminal[i], diag);
    }
    if (status == SOTTO_OK)
        status = hq_registry_batch_begin(registry, diag);
    if (status != SOTTO_OK)
        return status;
    for (size_t i = from; i < to && status == SOTTO_OK; i++) {
        name_of(s, i, name);
        status = admit(registry, name, &s->terminal[i], diag);
    }
    status = hq_registry_batch_end(registry, status, diag);
    if (status == SOTTO_OK)
        (void)atomic_fetch_add(&s->swarm->shared->enrolled, to - from);
    return status;
}

static sotto_status make_room(share *s, sotto_diag *diag)
{
    s->terminal = calloc(s->count + 1, sizeof *s->terminal);
    s->idle = calloc((size_t)s->swarm->idle + 1, sizeof(sotto_client *));
    s->cells = calloc(s->swarm->task->cells, sizeof *s->cells);
    s->sealed = malloc(SOTTO_REPORT_MAX);
    bool whole = s->terminal != NULL && s->idle != NULL && s->cells != NULL && s->sealed != NULL;
    return whole ? SOTTO_OK : sotto_diag_set(diag, SOTTO_ERR(HQ, NO_MEMORY), "no memory for a swarm");
}

sotto_status hq_swarm_enrol(const hq_swarm *swarm, size_t process, void **own, sotto_diag *diag)
{
    size_t all = (size_t)swarm->terminals, step = (size_t)swarm->processes;
    hq_registry *registry = NULL;
    share *s = calloc(1, sizeof *s);
    *own = s;
    if (s == NULL)
        return sotto_diag_set(diag, SOTTO_ERR(HQ, NO_MEMORY), "no memory for a swarm");
    s->swarm = swarm;
    s->process = process;
    s->count = process < all ? (all - process + step - 1) / step : 0;
    sotto_status status = make_room(s, diag);
    if (status == SOTTO_OK)
        status = hq_office_registry(swarm->dir, &registry, diag);
    for (size_t i = 0; i < s->count && status == SOTTO_OK; i += BATCH)
        status = enrol_some(s, registry, i, i + BATCH < s->count ? i + BATCH : s->count, diag);
    hq_registry_close(registry);
    return status;
}

void hq_swarm_forget(const hq_swarm *swarm, size_t process, void *own)
{
    share *s = own;
    (void)swarm;
    (void)process;
    if (s == NULL)
        return;
    for (size_t i = 0; s->terminal != NULL && i < s->count; i++) {
        free(s->terminal[i].key_pem);
        free(s->terminal[i].cert_pem);
    }
    for (size_t i = 0; i < s->idle_count; i++)
        sotto_client_free(s->idle[i]);
    sotto_tls_free(s->idle_tls);
    free(s->terminal);
    free(s->idle);
    free(s->cells);
    free(s->sealed);
    free(s);
}

/* ---- a night of one terminal ---- */

static sotto_status open_line(const hq_swarm *swarm, const char *url, const terminal *t, sotto_tls **tls,
                              sotto_client **client, sotto_diag *diag)
{
    const sotto_tls_identity identity = {.authority_pem = sotto_span_str(swarm->authority_cert),
                                         .certificate_pem = sotto_span_str(t->cert_pem),
                                         .key_pem = sotto_span_str(t->key_pem),
                                         .clock = hq_clock()};
    *client = NULL;
    sotto_status status = *tls != NULL ? SOTTO_OK : sotto_tls_new(tls, false, &identity, diag);
    const sotto_client_config config = {
        .url = url, .tls = *tls, .timeout_ms = TIMEOUT_MS, .clock = hq_clock()};
    return status == SOTTO_OK ? sotto_client_new(client, &config, diag) : status;
}

/* Small numbers of both signs that the sum gives away when one is lost or counted twice. */
static int64_t fill_cells(const share *s, size_t number, int64_t night)
{
    int64_t sum = 0;
    uint64_t x = (uint64_t)number * 2654435761u + (uint64_t)night + 1;
    for (size_t i = 0; i < s->swarm->task->cells; i++) {
        x = x * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407); /* Knuth's MMIX generator */
        s->cells[i] = (int64_t)(x >> 33) % 16 - 3;
        sum += s->cells[i];
    }
    return sum;
}

static sotto_status seal(share *s, size_t i, int64_t night, sotto_span *out, int64_t *sum, sotto_diag *diag)
{
    terminal *t = &s->terminal[i];
    const sotto_task *task = s->swarm->task;
    sotto_vault *vault = NULL;
    sotto_buf buf = sotto_buf_of(s->sealed, SOTTO_REPORT_MAX);
    *sum = fill_cells(s, number_of(s, i), night);
    sotto_report report = {.seq = (uint64_t)night + 1,
                           .task_id = task->id,
                           .release_version = s->swarm->release,
                           .period_day = s->swarm->first_day + (int32_t)night * (int32_t)task->period_days,
                           .period_days = task->period_days,
                           .epsilon_ueps = task->epsilon_ueps,
                           .bound = task->bound,
                           .cells = s->cells,
                           .cell_count = task->cells};
    name_of(s, i, report.device);
    memcpy(report.previous, t->previous, sizeof report.previous);
    sotto_status status = open_vault(t, &vault, diag);
    if (status == SOTTO_OK)
        status = sotto_report_seal(&report, vault, &buf, diag);
    sotto_vault_close(vault);
    *out = sotto_buf_span(&buf);
    return status == SOTTO_OK ? sotto_sha256(*out, t->previous) : status;
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
    sotto_status status = open_line(swarm, url, t, &tls, &client, diag);
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

static void pause_ms(int64_t ms)
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
        pause_ms(wait_ms < swarm->wait_max_s * 1000 ? wait_ms : swarm->wait_max_s * 1000);
    }
}

/* <save>/<terminal>/<name> */
static sotto_status save_file(const share *s, size_t i, const char *name, sotto_span bytes, sotto_diag *diag)
{
    char device[HQ_DEVICE_ID_MAX], path[HQ_PATH_MAX];
    name_of(s, i, device);
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
    sotto_span body;
    int64_t sum, ms = 0;
    const hq_swarm *swarm = s->swarm;
    sotto_status status = seal(s, i, night, &body, &sum, diag);
    if (s->swarm->save != NULL)
        return status == SOTTO_OK ? save_night(s, i, night, body, diag) : status;
    if (status == SOTTO_OK)
        status = hq_swarm_twin_begin(s->twin, &s->terminal[i], night, body, diag);
    if (status == SOTTO_OK)
        status = hq_swarm_send(swarm, swarm->url, &s->terminal[i], night, body, &ms, diag);
    if (status == SOTTO_OK)
        status = hq_swarm_twin_end(s->twin, diag);
    if (status == SOTTO_OK) {
        size_t place = (size_t)night * (size_t)swarm->terminals + number_of(s, i);
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
        status = open_line(s->swarm, s->swarm->url, &s->terminal[0], &s->idle_tls, &s->idle[i], diag);
        if (status != SOTTO_OK)
            return status;
        s->idle_count++;
        status = sotto_client_request(s->idle[i], "GET", "/v1/release/timestamp.json", NULL,
                                      sotto_span_of(NULL, 0), &response, diag);
        (void)atomic_fetch_add(&s->swarm->shared->idle, status == SOTTO_OK);
    }
    return status;
}

sotto_status hq_swarm_live(const hq_swarm *swarm, const hq_swarm_twin *twin, void *own, sotto_diag *diag)
{
    share *s = own;
    s->twin = twin;
    sotto_status status = open_idle(s, diag);
    for (int64_t night = 0; night < swarm->nights && status == SOTTO_OK; night++)
        for (size_t i = 0; i < s->count && status == SOTTO_OK; i++)
            status = one_night(s, i, night, diag);
    return status;
}
