/* Requests of terminals (docs/formats/wire.md). Who may do what is decided here; what is kept, in the
 * registry. */
#include "collector/signer.h"
#include "office/day.h"
#include "pack/pack.h"

#include <stdlib.h>
#include <string.h>

#define RELEASE_PREFIX "/v1/release/"
#define REPORT_PREFIX  "/v1/reports/"
#define TIME_PREFIX    "/v1/time/"
#define PACK_PREFIX    "/v1/pack/"

/* An authority elsewhere is asked by the signer, and its key, should it lie here all the same, is not read.
 */
static sotto_status open_authority(hq_collector *c, const char *sign_command, sotto_diag *diag)
{
    sotto_cert_info info;
    sotto_status status = SOTTO_OK;
    if (sign_command == NULL)
        status = hq_office_key(c->dir, "authority/ca.key", c->authority_key, diag);
    if (sotto_status_cause(status) == SOTTO_CAUSE_NOT_FOUND)
        return sotto_diag_at(
            diag, status, c->dir, 0,
            "authority/ca.key is not here: have the bank's PKI sign, --sign-command PROGRAM");
    if (status == SOTTO_OK && sign_command != NULL && (c->signer = calloc(1, sizeof *c->signer)) == NULL)
        status = sotto_diag_set(diag, SOTTO_ERR(HQ, NO_MEMORY), "no memory to serve");
    if (c->signer != NULL)
        c->signer->program = sign_command;
    if (status == SOTTO_OK)
        status = hq_office_pem(c->dir, "authority/ca.pem", c->authority_cert, diag);
    if (status == SOTTO_OK)
        status = sotto_cert_read(sotto_span_str(c->authority_cert), &info, diag);
    if (status == SOTTO_OK)
        c->authority_until_s = info.not_after_s;
    return status;
}

sotto_status hq_collector_open_for(hq_collector *out, const char *dir, const char *sign_command,
                                   const sotto_log *log, sotto_diag *diag)
{
    *out = (hq_collector){
        .dir = dir, .clock = hq_clock(), .entropy = sotto_port_entropy(), .log = log, .memory = NULL};
    sotto_status status = hq_office_registry(dir, &out->registry, diag);
    if (status == SOTTO_OK)
        status = open_authority(out, sign_command, diag);
    if (status == SOTTO_OK && (out->memory = malloc(HQ_REPORT_MEMORY)) == NULL)
        status = sotto_diag_set(diag, SOTTO_ERR(HQ, NO_MEMORY), "no memory to serve");
    if (status != SOTTO_OK)
        hq_collector_close(out);
    return status;
}

sotto_status hq_collector_open(hq_collector *out, const char *dir, const sotto_log *log, sotto_diag *diag)
{
    sotto_status status = hq_collector_open_for(out, dir, NULL, log, diag);
    if (status == SOTTO_OK)
        hq_collect_time_keep(out, true, true);
    return status;
}

void hq_collector_close(hq_collector *collector)
{
    hq_registry_close(collector->registry);
    if (collector->signer != NULL)
        hq_signer_close(collector->signer);
    free(collector->signer);
    free(collector->memory);
    free(collector->pending);
    sotto_wipe(collector, sizeof *collector);
}

/* ---- replies ---- */

static int code_of(sotto_status status)
{
    switch (sotto_status_cause(status)) {
    case SOTTO_CAUSE_NOT_FOUND:
        return 404;
    case SOTTO_CAUSE_EXISTS:
    case SOTTO_CAUSE_CONFLICT:
        return 409;
    case SOTTO_CAUSE_DENIED:
    case SOTTO_CAUSE_EXPIRED:
        return 403;
    case SOTTO_CAUSE_USAGE:
    case SOTTO_CAUSE_MALFORMED:
    case SOTTO_CAUSE_TRUNCATED:
    case SOTTO_CAUSE_RANGE:
    case SOTTO_CAUSE_UNSUPPORTED:
    case SOTTO_CAUSE_AUTH:
        return 400;
    case SOTTO_CAUSE_BUSY:
    case SOTTO_CAUSE_FULL:
    case SOTTO_CAUSE_NO_MEMORY:
    case SOTTO_CAUSE_IO:
    case SOTTO_CAUSE_NETWORK:
        return 503; /* ours to repair; the terminal keeps its report and comes again */
    default:
        return 500;
    }
}

static void write_error(sotto_json_writer *w, const sotto_diag *diag)
{
    sotto_json_obj(w);
    sotto_json_name(w, "error");
    sotto_json_obj(w);
    sotto_json_name(w, "room");
    sotto_json_cstr(w, sotto_status_room_name(diag->status));
    sotto_json_name(w, "cause");
    sotto_json_cstr(w, sotto_status_cause_text(diag->status));
    sotto_json_name(w, "text");
    sotto_json_cstr(w, diag->text);
    sotto_json_name(w, "where");
    sotto_json_cstr(w, diag->where);
    sotto_json_obj_end(w);
    sotto_json_obj_end(w);
}

/* A store that is away is away for all: they come back one after the other. */
static const char *come_again(const hq_collector *c)
{
    static const char *const later[] = {"Retry-After: 40\r\n", "Retry-After: 50\r\n", "Retry-After: 60\r\n",
                                        "Retry-After: 70\r\n", "Retry-After: 80\r\n"};
    return later[(uint64_t)c->clock.mono_ms(c->clock.ctx) % SOTTO_COUNT(later)];
}

static void reply_error(hq_collector *c, sotto_reply *reply, int code, sotto_status status,
                        const sotto_diag *given)
{
    uint8_t memory[1024];
    sotto_buf out = sotto_buf_of(memory, sizeof memory);
    sotto_json_writer w = sotto_json_writer_of(&out);
    sotto_diag diag = *given;
    if (diag.status == SOTTO_OK)
        (void)sotto_diag_set(&diag, status, "%s", sotto_status_cause_text(status));
    reply->code = code;
    if (code == 503)
        reply->extra = come_again(c);
    write_error(&w, &diag);
    reply->body.len = 0;
    if (sotto_json_writer_end(&w) == SOTTO_OK)
        (void)!sotto_vec_put(&reply->body, out.ptr, out.len); /* the code alone must do */
    if (code >= 500) {
        HQ_ADD(c->metrics, failed, 1);
        sotto_log_event(c->log, SOTTO_LOG_ERROR, "collect.failed", "text=\"%s\"", diag.text);
    }
}

static void reply_status(hq_collector *c, sotto_reply *reply, sotto_status status, const sotto_diag *diag)
{
    reply_error(c, reply, code_of(status), status, diag);
}

static bool is_method(const sotto_http_message *request, const char *name)
{
    return sotto_span_is(request->method, name);
}

static bool after_prefix(sotto_span target, const char *prefix, sotto_span *rest)
{
    size_t len = strlen(prefix);
    if (target.len < len || memcmp(target.ptr, prefix, len) != 0)
        return false;
    *rest = sotto_span_of(target.ptr + len, target.len - len);
    return true;
}

/* ---- releases ---- */

static void get_release(hq_collector *c, const sotto_http_message *request, sotto_span name,
                        sotto_reply *reply)
{
    sotto_diag diag = {0};
    sotto_status status = hq_collect_release(c, request, name, reply, &diag);
    if (status != SOTTO_OK)
        reply_status(c, reply, status, &diag);
}

/* Asked and answered with nothing to add. */
static void reply_done(hq_collector *c, sotto_reply *reply, sotto_status status, const sotto_diag *diag)
{
    if (status == SOTTO_OK)
        status = sotto_vec_printf(&reply->body, "{}");
    if (status == SOTTO_OK)
        reply->code = 200;
    else
        reply_status(c, reply, status, diag);
}

/* ---- what is settled with others of its round ---- */

static hq_pending *next_pending(const hq_collector *c, hq_pending *alone)
{
    return c->pending != NULL ? &c->pending[c->pending_count] : alone;
}

static void settle_together(hq_collector *c, hq_pending *pending, sotto_reply *reply)
{
    pending->reply = reply;
    reply->hold = c->pending != NULL;
    if (reply->hold)
        c->pending_count++; /* the server calls hq_collect_commit before there can be one too many */
    else
        hq_collect_settle(c, pending, 1);
}

/* ---- reports ---- */

/* final: it will be refused again however often it is sent, so the terminal sets it aside. */
static void refuse_report(hq_collector *c, const hq_device *device, uint64_t seq, size_t bytes,
                          sotto_status status, bool final, const sotto_diag *diag, sotto_reply *reply)
{
    sotto_log_event(c->log, SOTTO_LOG_WARN, "report.refused", "device=%s seq=%llu bytes=%zu cause=\"%s\"",
                    device->id, (unsigned long long)seq, bytes, sotto_status_cause_text(status));
    reply_status(c, reply, status, diag);
    if (final)
        reply->extra = "Sotto-Final: yes\r\n";
    if (reply->code < 500)
        HQ_ADD(c->metrics, refused, 1);
}

static void answer_night(hq_collector *c, hq_pending *p)
{
    if (p->status == SOTTO_OK && p->shown.clone) {
        sotto_log_event(c->log, SOTTO_LOG_WARN, "device.quarantined", "device=%s", p->device.id);
        p->status = sotto_diag_set(&p->diag, SOTTO_ERR(HQ, DENIED), HQ_QUARANTINED);
    }
    if (p->status == SOTTO_OK)
        p->status =
            sotto_vec_printf(&p->reply->body, "{\"tell_health\":%s}", p->shown.has_health ? "false" : "true");
    p->reply->code = 200;
    if (p->status != SOTTO_OK)
        reply_status(c, p->reply, p->status, &p->diag);
}

void hq_collect_answer(hq_collector *c, hq_pending *p)
{
    char hex[2 * SOTTO_SHA256_BYTES + 1];
    const char *repeated = p->repeated ? "true" : "false";
    unsigned long long seq = p->report.seq;
    if (p->night) {
        answer_night(c, p);
        return;
    }
    if (p->status != SOTTO_OK) {
        refuse_report(c, &p->device, p->report.seq, p->sealed.len, p->status, p->final, &p->diag, p->reply);
        return;
    }
    sotto_log_event(c->log, SOTTO_LOG_INFO, "report.accepted", "device=%s seq=%llu bytes=%zu repeated=%s",
                    p->device.id, seq, p->sealed.len, repeated);
    sotto_hex_encode(sotto_span_of(p->sha256, sizeof p->sha256), hex, sizeof hex);
    p->reply->code = 200;
    sotto_status status = sotto_vec_printf(
        &p->reply->body, "{\"seq\":%llu,\"sha256\":\"%s\",\"repeated\":%s}", seq, hex, repeated);
    if (status != SOTTO_OK) /* it is kept; the terminal asks again and is told "repeated" */
        reply_status(c, p->reply, status, &p->diag);
}

static void put_report(hq_collector *c, const hq_device *device, sotto_span number, sotto_span body,
                       sotto_reply *reply)
{
    uint64_t seq;
    hq_pending alone, *pending = next_pending(c, &alone);
    sotto_diag diag = {0};
    if (sotto_parse_u64(number, &seq) != SOTTO_OK || seq == 0 || seq > HQ_TOLD_MAX) {
        sotto_status status = sotto_diag_set(&diag, SOTTO_ERR(HQ, NOT_FOUND), "not a report's number");
        reply_status(c, reply, status, &diag);
        return;
    }
    sotto_status status = hq_collect_open(c, device, seq, body, pending, &diag);
    if (status != SOTTO_OK) {
        refuse_report(c, device, seq, body.len, status, pending->final, &diag, reply);
        return;
    }
    settle_together(c, pending, reply);
}

/* "<seq>/absent" */
static bool absent_target(sotto_span number, uint64_t *seq)
{
    static const char tail[] = "/absent";
    size_t len = sizeof tail - 1;
    return number.len > len && memcmp(number.ptr + number.len - len, tail, len) == 0 &&
           sotto_parse_u64(sotto_span_of(number.ptr, number.len - len), seq) == SOTTO_OK;
}

static void put_absent(hq_collector *c, const hq_device *device, uint64_t seq, sotto_span body,
                       sotto_reply *reply)
{
    bool repeated = false;
    sotto_diag diag = {0};
    sotto_status status = hq_collect_absent(c, device, seq, body, &repeated, &diag);
    if (status == SOTTO_OK)
        status = sotto_vec_printf(&reply->body, "{\"seq\":%llu,\"repeated\":%s}", (unsigned long long)seq,
                                  repeated ? "true" : "false");
    if (status == SOTTO_OK)
        reply->code = 200;
    else
        reply_status(c, reply, status, &diag);
}

/* ---- night and renewal ---- */

static void post_night(hq_collector *c, const hq_device *device, sotto_span body, sotto_reply *reply)
{
    hq_pending alone, *pending = next_pending(c, &alone);
    sotto_diag diag = {0};
    sotto_status status = hq_collect_night(c, device, body, pending, &diag);
    if (status == SOTTO_OK)
        settle_together(c, pending, reply);
    else
        reply_status(c, reply, status, &diag);
}

static void put_health(hq_collector *c, const hq_device *device, sotto_span body, sotto_reply *reply)
{
    sotto_diag diag = {0};
    reply_done(c, reply, hq_collect_health(c, device, body, &diag), &diag);
}

static void reply_renewed(hq_collector *c, sotto_reply *reply, sotto_status status, const sotto_diag *diag)
{
    if (status == SOTTO_OK) {
        HQ_ADD(c->metrics, renewed, 1);
        reply->code = 200;
        return;
    }
    HQ_ADD(c->metrics, renew_refused, 1);
    if (reply->code == 429) { /* told already */
        reply_error(c, reply, 429, status, diag);
        return;
    }
    sotto_log_event(c->log, SOTTO_LOG_WARN, "renew.refused", "cause=\"%s\"", sotto_status_cause_text(status));
    reply_error(c, reply, sotto_status_cause(status) == SOTTO_CAUSE_AUTH ? 403 : code_of(status), status,
                diag);
}

static void post_renew(hq_collector *c, const hq_device *device, const sotto_peer *peer, sotto_span body,
                       sotto_reply *reply)
{
    sotto_diag diag = {0};
    sotto_status status = device != NULL ? hq_collect_renew(c, device, peer->cert_sha256, body, reply, &diag)
                                         : hq_collect_recover(c, body, reply, &diag);
    if (reply->later == 0)
        reply_renewed(c, reply, status, &diag);
}

/* ---- time ---- */

static void get_time(hq_collector *c, sotto_span nonce, sotto_reply *reply)
{
    sotto_diag diag = {0};
    sotto_status status = hq_collect_time(c, nonce, &reply->body, &diag);
    if (status == SOTTO_OK)
        reply->code = 200;
    else if (sotto_status_cause(status) == SOTTO_CAUSE_UNSUPPORTED)
        reply_error(c, reply, 501, status, &diag);
    else
        reply_status(c, reply, status, &diag);
}

/* ---- tag packs ---- */

static void post_pack(hq_collector *c, const hq_device *device, sotto_span body, sotto_reply *reply)
{
    sotto_diag diag = {0};
    bool none = true;
    sotto_status status = hq_collect_pack(c, device, body, &reply->body, &none, &diag);
    if (status == SOTTO_OK)
        reply->code = none ? 204 : 200;
    else
        reply_status(c, reply, status, &diag);
}

static void get_pack_part(hq_collector *c, const hq_device *device, sotto_span rest, sotto_reply *reply)
{
    sotto_diag diag = {0};
    sotto_status status = hq_collect_pack_part(c, device, rest, &reply->body, &diag);
    if (status != SOTTO_OK) {
        reply_status(c, reply, status, &diag);
        return;
    }
    HQ_ADD(c->metrics, file_bytes, reply->body.len);
    reply->code = 200;
    reply->content_type = "application/octet-stream";
}

/* ---- doors ---- */

static void no_such(hq_collector *c, sotto_reply *reply)
{
    sotto_diag diag = {0};
    sotto_status status = sotto_diag_set(&diag, SOTTO_ERR(HQ, NOT_FOUND), "there is nothing under this name");
    reply_status(c, reply, status, &diag);
}

static void refuse_device(hq_collector *c, const sotto_peer *peer, const hq_device *device,
                          sotto_status status, const sotto_diag *diag, sotto_reply *reply)
{
    if (sotto_status_cause(status) == SOTTO_CAUSE_DENIED) {
        HQ_ADD(c->metrics, devices_refused, 1);
        sotto_log_event(c->log, SOTTO_LOG_WARN, "device.refused", "device=\"%s\" reason=\"%s\"",
                        hq_device_id_valid(peer->common_name) ? peer->common_name : "?", diag->text);
        if (device->state == HQ_DEVICE_REVOKED)
            (void)!hq_registry_alarm_raise(c->registry, device->id, HQ_ALARM_REVOKED,
                                           c->clock.utc_s(c->clock.ctx), NULL);
    }
    reply_status(c, reply, status, diag);
}

static void from_device(hq_collector *c, const sotto_http_message *request, const sotto_peer *peer,
                        sotto_reply *reply)
{
    hq_device device;
    sotto_span rest;
    uint64_t seq;
    sotto_diag diag = {0};
    sotto_status status =
        hq_registry_recognise(c->registry, peer->common_name, peer->cert_sha256, &device, &diag);
    if (status != SOTTO_OK)
        refuse_device(c, peer, &device, status, &diag, reply);
    else if (is_method(request, "GET") && after_prefix(request->target, RELEASE_PREFIX, &rest))
        get_release(c, request, rest, reply);
    else if (is_method(request, "POST") && sotto_span_is(request->target, "/v1/night"))
        post_night(c, &device, request->body, reply);
    else if (is_method(request, "PUT") && sotto_span_is(request->target, "/v1/health"))
        put_health(c, &device, request->body, reply);
    else if (is_method(request, "POST") && sotto_span_is(request->target, "/v1/renew"))
        post_renew(c, &device, peer, request->body, reply);
    else if (is_method(request, "PUT") && after_prefix(request->target, REPORT_PREFIX, &rest) &&
             absent_target(rest, &seq))
        put_absent(c, &device, seq, request->body, reply);
    else if (is_method(request, "PUT") && after_prefix(request->target, REPORT_PREFIX, &rest))
        put_report(c, &device, rest, request->body, reply);
    else if (is_method(request, "GET") && after_prefix(request->target, TIME_PREFIX, &rest))
        get_time(c, rest, reply);
    else if (is_method(request, "POST") && sotto_span_is(request->target, "/v1/pack"))
        post_pack(c, &device, request->body, reply);
    else if (is_method(request, "GET") && after_prefix(request->target, PACK_PREFIX, &rest))
        get_pack_part(c, &device, rest, reply);
    else
        no_such(c, reply);
}

static void reply_enrolled(hq_collector *c, sotto_reply *reply, sotto_status status, const sotto_diag *diag)
{
    if (status == SOTTO_OK) {
        HQ_ADD(c->metrics, enrolled, 1);
        reply->code = 200;
        return;
    }
    HQ_ADD(c->metrics, enrol_refused, 1);
    int cause = sotto_status_cause(status);
    /* A code that is wrong, used or late is one answer to whoever tries. */
    bool refused = cause == SOTTO_CAUSE_AUTH || cause == SOTTO_CAUSE_CONFLICT || cause == SOTTO_CAUSE_EXPIRED;
    sotto_log_event(c->log, SOTTO_LOG_WARN, "enrol.refused", "cause=\"%s\"", sotto_status_cause_text(status));
    reply_error(c, reply, refused ? 403 : code_of(status), status, diag);
}

static void from_newcomer(hq_collector *c, const sotto_http_message *request, sotto_reply *reply)
{
    sotto_diag diag = {0};
    sotto_span nonce;
    if (is_method(request, "GET") && after_prefix(request->target, TIME_PREFIX, &nonce)) {
        get_time(c, nonce, reply);
        return;
    }
    if (is_method(request, "POST") && sotto_span_is(request->target, "/v1/renew")) {
        post_renew(c, NULL, NULL, request->body, reply);
        return;
    }
    if (!is_method(request, "POST") || !sotto_span_is(request->target, "/v1/enrol")) {
        no_such(c, reply);
        return;
    }
    sotto_status status = hq_collect_enrol(c, request->body, reply, &diag);
    if (reply->later == 0)
        reply_enrolled(c, reply, status, &diag);
}

/* ---- what the signer has ended ---- */

static sotto_status settle_signed(hq_collector *c, const hq_sign_job *job, bool waits, sotto_status status,
                                  sotto_reply *reply, sotto_diag *diag)
{
    bool failed = status != SOTTO_OK;
    if (!failed && job->about.use == HQ_SIGN_TIME) {
        status = hq_time_take(c, job->about.certificate, diag);
        failed = status != SOTTO_OK; /* nobody else would hear of it */
    } else if (!failed && waits) {   /* nobody's code is used up for an answer that nobody hears */
        status = hq_enrolment_finish(c, &job->about, reply, diag);
    } else if (!failed) {
        hq_enrolment_unheard(c, &job->about);
    }
    if (failed)
        sotto_log_event(c->log, SOTTO_LOG_ERROR, "sign.failed", "device=\"%s\" text=\"%s\"",
                        job->about.device, diag->text);
    return status;
}

bool hq_collect_signed(hq_collector *c, sotto_server *server)
{
    sotto_diag diag = {0};
    sotto_status status = SOTTO_OK;
    hq_sign_job *job;
    while (c->signer != NULL &&
           (job = hq_signer_next(c->signer, c->authority_cert, c->clock.utc_s(c->clock.ctx), &status,
                                 &diag)) != NULL) {
        sotto_reply reply = {.code = 503}; /* where nobody hears it any more */
        sotto_vec_init(&reply.body, SIZE_MAX);
        bool waits = sotto_server_waits(server, job->later);
        hq_sign_tell(c->log, job->about.device, sotto_vec_span(&job->aside), status != SOTTO_OK);
        status = settle_signed(c, job, waits, status, &reply, &diag);
        if (waits && job->about.renewal)
            reply_renewed(c, &reply, status, &diag);
        else if (waits)
            reply_enrolled(c, &reply, status, &diag);
        (void)sotto_server_answer(server, job->later, &reply);
        hq_signer_done(job);
        diag = (sotto_diag){0};
    }
    return c->signer != NULL && hq_signer_running(c->signer);
}

/* ---- whoever watches over it ---- */

static sotto_status say(hq_collector *c, sotto_reply *reply, const char *text)
{
    (void)c;
    return sotto_vec_printf(&reply->body, "{\"status\":\"%s\"}", text);
}

/* Ready: a terminal that came now could be served. The store answers, and this worker is not on its way out.
 */
static sotto_status ready(hq_collector *c, sotto_reply *reply, sotto_diag *diag)
{
    char name[65];
    if (c->stopping)
        return sotto_diag_set(diag, SOTTO_ERR(HQ, BUSY), "stopping");
    sotto_status status = hq_registry_office(c->registry, name, diag);
    return status == SOTTO_OK ? say(c, reply, "ready") : status;
}

static sotto_status metrics(const hq_collector *c, sotto_reply *reply, sotto_diag *diag)
{
    if (c->metrics == NULL)
        return sotto_diag_set(diag, SOTTO_ERR(HQ, NOT_FOUND), "nothing is counted here");
    reply->content_type = HQ_METRICS_TYPE;
    return hq_metrics_print(c->metrics, &reply->body);
}

static void watched(hq_collector *c, const sotto_http_message *request, sotto_reply *reply)
{
    sotto_diag diag = {0};
    sotto_status status = SOTTO_OK;
    if (!is_method(request, "GET"))
        status = SOTTO_ERR(HQ, NOT_FOUND);
    else if (sotto_span_is(request->target, "/healthz")) /* alive: restarting it would not help a store */
        status = say(c, reply, "ok");
    else if (sotto_span_is(request->target, "/readyz"))
        status = ready(c, reply, &diag);
    else if (sotto_span_is(request->target, "/metrics"))
        status = metrics(c, reply, &diag);
    else
        status = SOTTO_ERR(HQ, NOT_FOUND);
    if (status == SOTTO_OK) {
        reply->code = 200;
        return;
    }
    reply->content_type = NULL;
    reply_error(c, reply, sotto_status_cause(status) == SOTTO_CAUSE_NOT_FOUND ? 404 : 503, status, &diag);
}

void hq_collect(void *ctx, const sotto_http_message *request, const sotto_peer *peer, sotto_reply *reply)
{
    hq_collector *c = ctx;
    if (peer->listener == HQ_LISTENER_DEVICES)
        from_device(c, request, peer, reply);
    else if (peer->listener == HQ_LISTENER_ENROL)
        from_newcomer(c, request, reply);
    else
        watched(c, request, reply);
}
