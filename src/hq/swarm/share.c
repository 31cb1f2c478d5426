/* A process's share of the swarm: its terminals, their keys, certificates and places in the registry. */
#include "collector/collect.h"
#include "office/day.h"
#include "swarm/swarm.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BEGIN_TRIES  20
#define BATCH        50 /* terminals enrolled in one transaction */
#define SLOW_CLOCK_S INT64_C(3600)

typedef hq_swarm_terminal terminal;
typedef hq_swarm_share share;

size_t hq_swarm_number(const hq_swarm *swarm, size_t process, size_t i)
{
    return process + i * (size_t)swarm->processes;
}

size_t hq_swarm_count(const hq_swarm *swarm, size_t process)
{
    size_t all = (size_t)swarm->terminals, step = (size_t)swarm->processes;
    return process < all ? (all - process + step - 1) / step : 0;
}

void hq_swarm_name(const hq_swarm *swarm, size_t number, char out[static HQ_DEVICE_ID_MAX])
{
    (void)snprintf(out, HQ_DEVICE_ID_MAX, "%s-%06zu", swarm->prefix, number);
}

static size_t number_of(const share *s, size_t i)
{
    return hq_swarm_number(s->swarm, s->process, i);
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

static sotto_status admit(const share *s, hq_registry *registry, size_t i, sotto_diag *diag)
{
    char name[HQ_DEVICE_ID_MAX];
    uint8_t report_key[SOTTO_PUBLIC_KEY_BYTES];
    sotto_vault *vault = NULL;
    sotto_cert_info info;
    int64_t now_s = hq_now();
    hq_swarm_name(s->swarm, number_of(s, i), name);
    sotto_status status = hq_swarm_vault(s->swarm, number_of(s, i), &vault, diag);
    if (status == SOTTO_OK)
        status = sotto_vault_report_public_key(vault, report_key);
    sotto_vault_close(vault);
    if (status == SOTTO_OK)
        status = sotto_cert_read(sotto_span_str(s->terminal[i].cert_pem), &info, diag);
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

/* Many processes enrol at once, and a file has one writer. */
static sotto_status begin_in_turn(hq_registry *registry, sotto_diag *diag)
{
    sotto_status status = SOTTO_ERR(HQ, BUSY);
    for (int i = 0; i < BEGIN_TRIES && sotto_status_cause(status) == SOTTO_CAUSE_BUSY; i++) {
        *diag = (sotto_diag){0};
        status = hq_registry_batch_begin(registry, diag);
    }
    return status;
}

/* Keys first: the registry's lock is not held while they are made. */
static sotto_status enrol_some(share *s, hq_registry *registry, size_t from, size_t to, sotto_diag *diag)
{
    char name[HQ_DEVICE_ID_MAX];
    sotto_status status = SOTTO_OK;
    for (size_t i = from; i < to && status == SOTTO_OK; i++) {
        hq_swarm_name(s->swarm, number_of(s, i), name);
        status = issue(s, name, &s->terminal[i], diag);
    }
    if (status == SOTTO_OK)
        status = begin_in_turn(registry, diag);
    if (status != SOTTO_OK)
        return status;
    for (size_t i = from; i < to && status == SOTTO_OK; i++)
        status = admit(s, registry, i, diag);
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

sotto_status hq_swarm_enrol(const hq_swarm *swarm, size_t process, share **own, sotto_diag *diag)
{
    hq_registry *registry = NULL;
    share *s = calloc(1, sizeof *s);
    *own = s;
    if (s == NULL)
        return sotto_diag_set(diag, SOTTO_ERR(HQ, NO_MEMORY), "no memory for a swarm");
    s->swarm = swarm;
    s->process = process;
    s->count = hq_swarm_count(swarm, process);
    sotto_status status = make_room(s, diag);
    if (status == SOTTO_OK)
        status = hq_office_registry(swarm->dir, &registry, diag);
    for (size_t i = 0; i < s->count && status == SOTTO_OK; i += BATCH)
        status = enrol_some(s, registry, i, i + BATCH < s->count ? i + BATCH : s->count, diag);
    hq_registry_close(registry);
    return status;
}

void hq_swarm_forget(share *s)
{
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
