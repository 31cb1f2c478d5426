/* Enrolment: a one-time code and a signing request in, a certificate out. The code is used up in the
 * transaction that admits the device, before the answer leaves. */
#include "collector/signer.h"
#include "office/code.h"
#include "office/day.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Certificates begin a little in the past: a terminal's clock may be slow. */
#define SLOW_CLOCK_S INT64_C(3600)

static sotto_status read_code(sotto_json_node body, hq_enrolment *x, sotto_diag *diag)
{
    sotto_span text;
    uint8_t secret[HQ_CODE_BYTES];
    sotto_status status = sotto_json_get_str(body, "code", &text, diag);
    if (status != SOTTO_OK)
        return status;
    if (hq_code_parse(text, secret, NULL) != SOTTO_OK)
        return sotto_diag_set(diag, SOTTO_ERR(HQ, AUTH), "this code is not known");
    status = hq_code_hash(secret, x->code_hash);
    sotto_wipe(secret, sizeof secret);
    return status;
}

static sotto_status read_report_key(sotto_json_node body, hq_enrolment *x, sotto_diag *diag)
{
    sotto_span text;
    sotto_status status = sotto_json_get_str(body, "report_key", &text, diag);
    if (status == SOTTO_OK &&
        (sotto_hex_decode(text, x->report_key, sizeof x->report_key) != SOTTO_OK || x->report_key[0] != 0x04))
        status = sotto_json_bad(sotto_json_member(body, "report_key"), diag, SOTTO_ERR(HQ, MALFORMED),
                                "must be an uncompressed P-256 point in 130 hexadecimal digits");
    return status;
}

static sotto_status read_csr(sotto_json_node body, hq_enrolment *x, sotto_diag *diag)
{
    sotto_span csr;
    sotto_status status = sotto_json_get_str(body, "csr", &csr, diag);
    if (status != SOTTO_OK)
        return status;
    status = sotto_csr_check(csr, x->public_pem, diag);
    /* A request not signed by its own key is a bad request, and no word about a code. */
    if (sotto_status_cause(status) == SOTTO_CAUSE_AUTH)
        return SOTTO_ERR(HQ, MALFORMED);
    /* What the terminal wrote around it is not for the bank's PKI. */
    return status == SOTTO_OK ? sotto_csr_copy(csr, x->csr, diag) : status;
}

/* The code is judged first: to somebody without one, nothing else of the request is worth an answer. */
static sotto_status read_members(const hq_collector *c, sotto_json_node body, int64_t now_s, hq_enrolment *x,
                                 sotto_diag *diag)
{
    static const char *const members[] = {"code", "csr", "report_key"};
    sotto_status status = sotto_json_only(body, members, SOTTO_COUNT(members), diag);
    if (status == SOTTO_OK)
        status = read_code(body, x, diag);
    if (status == SOTTO_OK)
        status = hq_registry_code_find(c->registry, x->code_hash, now_s, x->device, diag);
    if (status == SOTTO_OK)
        status = read_report_key(body, x, diag);
    return status == SOTTO_OK ? read_csr(body, x, diag) : status;
}

/* ---- the certificate ---- */

/* Not longer than the authority itself. */
static sotto_status issue(const hq_collector *c, int64_t now_s, hq_enrolment *x, sotto_diag *diag)
{
    const int64_t year_s = now_s + HQ_DEVICE_CERT_DAYS * HQ_DAY_S;
    sotto_cert_request request = {.use = SOTTO_CERT_DEVICE,
                                  .common_name = x->device,
                                  .not_before_s = now_s - SLOW_CLOCK_S,
                                  .not_after_s =
                                      year_s < c->authority_until_s ? year_s : c->authority_until_s};
    sotto_status status = c->entropy.fill(c->entropy.ctx, request.serial, sizeof request.serial);
    request.serial[0] &= 0x7f;
    if (status == SOTTO_OK)
        status = sotto_cert_issue(&request, sotto_span_str(x->public_pem), c->authority_key,
                                  c->authority_cert, x->certificate, diag);
    return status == SOTTO_OK ? sotto_cert_read(sotto_span_str(x->certificate), &x->info, diag) : status;
}

static sotto_status write_answer(const hq_enrolment *x, sotto_vec *answer)
{
    uint8_t *memory = malloc(2 * SOTTO_PEM_MAX);
    if (memory == NULL)
        return SOTTO_ERR(HQ, NO_MEMORY);
    sotto_buf out = sotto_buf_of(memory, 2 * SOTTO_PEM_MAX);
    sotto_json_writer w = sotto_json_writer_of(&out);
    sotto_json_obj(&w);
    sotto_json_name(&w, "device");
    sotto_json_cstr(&w, x->device);
    sotto_json_name(&w, "certificate");
    sotto_json_cstr(&w, x->certificate);
    sotto_json_obj_end(&w);
    sotto_status status = sotto_json_writer_end(&w);
    if (status == SOTTO_OK)
        status = sotto_vec_put(answer, out.ptr, out.len);
    free(memory);
    return status;
}

static hq_renewal renewal_of(const hq_enrolment *x, int64_t now_s, int64_t *wait_s)
{
    return (hq_renewal){.device = x->device,
                        .used = x->used,
                        .fresh = x->info.sha256,
                        .not_after_s = x->info.not_after_s,
                        .now_s = now_s,
                        .wait_s = wait_s};
}

/* The whole of the pause, however much of it is over: nobody has to hurry. */
static void too_often(const hq_collector *c, const char *device, sotto_reply *reply)
{
    reply->code = 429;
    reply->extra = "Retry-After: 3600\r\n";
    sotto_log_event(c->log, SOTTO_LOG_WARN, "renew.too_often", "device=%s", device);
}
_Static_assert(HQ_RENEW_EVERY_S == 3600, "what Retry-After says");

/* What can fail for want of memory fails before a code is used up. */
sotto_status hq_enrolment_finish(hq_collector *c, const hq_enrolment *x, sotto_reply *reply, sotto_diag *diag)
{
    const int64_t now_s = c->clock.utc_s(c->clock.ctx);
    int64_t wait_s = 0;
    const hq_admission admission = {.code_hash = x->code_hash,
                                    .report_key = x->report_key,
                                    .cert_sha256 = x->info.sha256,
                                    .cert_not_after_s = x->info.not_after_s,
                                    .now_s = now_s};
    const hq_renewal renewal = renewal_of(x, now_s, &wait_s);
    sotto_status status = write_answer(x, &reply->body);
    if (status == SOTTO_OK)
        status = x->renewal ? hq_registry_renew(c->registry, &renewal, diag)
                            : hq_registry_admit(c->registry, &admission, diag);
    if (status != SOTTO_OK) {
        reply->body.len = 0;
        if (wait_s > 0)
            too_often(c, x->device, reply);
        return status;
    }
    sotto_log_event(c->log, SOTTO_LOG_INFO, x->renewal ? "renew.accepted" : "enrol.accepted", "device=%s",
                    x->device);
    return SOTTO_OK;
}

void hq_enrolment_unheard(hq_collector *c, const hq_enrolment *x)
{
    hq_renewal renewal = renewal_of(x, c->clock.utc_s(c->clock.ctx), NULL);
    renewal.unheard = true;
    if (x->renewal)
        (void)!hq_registry_renew(c->registry, &renewal, NULL); /* of one that is revoked meanwhile, no more */
}

/* From here, or from an authority elsewhere, whose answer takes its time. */
static sotto_status give(hq_collector *c, hq_enrolment *x, sotto_reply *reply, sotto_diag *diag)
{
    if (c->signer != NULL)
        return hq_signer_begin(c->signer, x, &reply->later, diag);
    sotto_status status = issue(c, c->clock.utc_s(c->clock.ctx), x, diag);
    return status == SOTTO_OK ? hq_enrolment_finish(c, x, reply, diag) : status;
}

/* ---- renewal ---- */

static sotto_status renew(hq_collector *c, const char *device, const uint8_t used[static SOTTO_SHA256_BYTES],
                          hq_enrolment *x, sotto_reply *reply, sotto_diag *diag)
{
    int64_t wait_s = 0;
    (void)snprintf(x->device, sizeof x->device, "%s", device);
    memcpy(x->used, used, sizeof x->used);
    x->renewal = true;
    /* Before anybody signs; the registry judges it once more when it takes the certificate. */
    sotto_status status =
        hq_registry_renewal_wait(c->registry, device, c->clock.utc_s(c->clock.ctx), &wait_s, diag);
    if (status != SOTTO_OK || wait_s == 0)
        return status == SOTTO_OK ? give(c, x, reply, diag) : status;
    too_often(c, device, reply);
    return sotto_diag_set(diag, SOTTO_ERR(HQ, BUSY), "this device renews its certificate too often");
}

sotto_status hq_collect_renew(hq_collector *c, const hq_device *device,
                              const uint8_t used[static SOTTO_SHA256_BYTES], sotto_span body,
                              sotto_reply *reply, sotto_diag *diag)
{
    static const char *const members[] = {"csr"};
    sotto_json *doc = NULL;
    hq_enrolment *x = calloc(1, sizeof *x);
    if (x == NULL)
        return sotto_diag_set(diag, SOTTO_ERR(HQ, NO_MEMORY), "no memory to renew a certificate");
    sotto_status status = sotto_json_parse(&doc, body, "renewal", diag);
    if (status == SOTTO_OK)
        status = sotto_json_only(sotto_json_root(doc), members, SOTTO_COUNT(members), diag);
    if (status == SOTTO_OK)
        status = read_csr(sotto_json_root(doc), x, diag);
    if (status == SOTTO_OK)
        status = renew(c, device->id, used, x, reply, diag);
    sotto_json_free(doc);
    free(x);
    return status;
}

/* The request is signed by its own key, so by the certificate's when the two are one: that, and the
 * registry's word that this certificate serves, is as much as a handshake would prove. Replayed, it gives
 * whoever sent it a certificate for a key that he does not have. */
static sotto_status check_lapsed(hq_collector *c, sotto_span certificate, const char *csr_public_pem,
                                 hq_device *device, sotto_cert_info *info, sotto_diag *diag)
{
    char public_pem[SOTTO_PEM_MAX];
    sotto_status status = sotto_cert_read(certificate, info, diag);
    if (status == SOTTO_OK)
        status = hq_registry_recognise(c->registry, info->common_name, info->sha256, device, diag);
    if (status == SOTTO_OK)
        status = sotto_cert_public_pem(certificate, public_pem, diag);
    if (status == SOTTO_OK && strcmp(public_pem, csr_public_pem) != 0)
        status =
            sotto_diag_set(diag, SOTTO_ERR(HQ, AUTH), "the request is not signed by the certificate's key");
    if (status == SOTTO_OK &&
        c->clock.utc_s(c->clock.ctx) > info->not_after_s + HQ_RENEW_GRACE_DAYS * HQ_DAY_S)
        status = sotto_diag_set(diag, SOTTO_ERR(HQ, EXPIRED),
                                "the certificate lapsed more than %d days ago: ask head office for a code",
                                HQ_RENEW_GRACE_DAYS);
    return status;
}

static sotto_status recover(hq_collector *c, sotto_json_node body, hq_enrolment *x, sotto_reply *reply,
                            sotto_diag *diag)
{
    static const char *const members[] = {"csr", "certificate"};
    hq_device device;
    sotto_cert_info used;
    sotto_span certificate;
    sotto_status status = sotto_json_only(body, members, SOTTO_COUNT(members), diag);
    if (status == SOTTO_OK)
        status = sotto_json_get_str(body, "certificate", &certificate, diag);
    if (status == SOTTO_OK)
        status = read_csr(body, x, diag);
    if (status == SOTTO_OK)
        status = check_lapsed(c, certificate, x->public_pem, &device, &used, diag);
    return status == SOTTO_OK ? renew(c, device.id, used.sha256, x, reply, diag) : status;
}

sotto_status hq_collect_recover(hq_collector *c, sotto_span body, sotto_reply *reply, sotto_diag *diag)
{
    sotto_json *doc = NULL;
    hq_enrolment *x = calloc(1, sizeof *x);
    if (x == NULL)
        return sotto_diag_set(diag, SOTTO_ERR(HQ, NO_MEMORY), "no memory to renew a certificate");
    sotto_status status = sotto_json_parse(&doc, body, "renewal", diag);
    if (status == SOTTO_OK)
        status = recover(c, sotto_json_root(doc), x, reply, diag);
    sotto_json_free(doc);
    free(x);
    return status;
}

/* ---- enrolment ---- */

static sotto_status enrol(hq_collector *c, sotto_json_node body, hq_enrolment *x, sotto_reply *reply,
                          sotto_diag *diag)
{
    sotto_status status = read_members(c, body, c->clock.utc_s(c->clock.ctx), x, diag);
    return status == SOTTO_OK ? give(c, x, reply, diag) : status;
}

sotto_status hq_collect_enrol(hq_collector *c, sotto_span body, sotto_reply *reply, sotto_diag *diag)
{
    sotto_json *doc = NULL;
    hq_enrolment *x = calloc(1, sizeof *x);
    if (x == NULL)
        return sotto_diag_set(diag, SOTTO_ERR(HQ, NO_MEMORY), "no memory to enrol a device");
    sotto_status status = sotto_json_parse(&doc, body, "enrolment", diag);
    if (status == SOTTO_OK)
        status = sotto_json_as_object(sotto_json_root(doc), diag);
    if (status == SOTTO_OK)
        status = enrol(c, sotto_json_root(doc), x, reply, diag);
    sotto_json_free(doc);
    free(x);
    return status;
}
