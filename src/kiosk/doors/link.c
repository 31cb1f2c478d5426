/* The door of `sotto sync`, which has the network and no key: sealed bytes out, acknowledgements, release
 * numbers and a name in. */
#include "doors/doors.h"
#include "engine/record.h"
#include "engine/tell.h"

#include <stdio.h>
#include <string.h>

static void fail(sotto_reply *reply, sotto_status status, sotto_diag *diag)
{
    if (diag->status == SOTTO_OK)
        (void)sotto_diag_set(diag, status, "%s", sotto_status_cause_text(status));
    kiosk_reply_error(reply, diag);
}

static void reply_text(sotto_reply *reply, int code, const char *json)
{
    kiosk_reply_json(reply, code, sotto_span_str(json));
}

static sotto_status get_identity(kiosk_engine *e, sotto_json_node body, sotto_reply *reply, sotto_diag *diag)
{
    (void)body;
    uint8_t key[SOTTO_PUBLIC_KEY_BYTES];
    char hex[2 * SOTTO_PUBLIC_KEY_BYTES + 1], device[65] = "", json[512];
    sotto_status status = sotto_vault_report_public_key(e->vault, key);
    if (status != SOTTO_OK)
        return sotto_diag_set(diag, status, "the report key cannot be read");
    sotto_hex_encode(sotto_span_of(key, sizeof key), hex, sizeof hex);
    if (kiosk_device_get(e, device, NULL) != SOTTO_OK)
        device[0] = '\0';
    snprintf(json, sizeof json, "{\"report_key\":\"%s\",\"device\":\"%s\"}", hex, device);
    reply_text(reply, 200, json);
    return SOTTO_OK;
}

static sotto_status post_identity(kiosk_engine *e, sotto_json_node body, sotto_reply *reply, sotto_diag *diag)
{
    sotto_span text;
    char device[65];
    sotto_status status = sotto_json_get_str(body, "device", &text, diag);
    if (status == SOTTO_OK && (text.len == 0 || sotto_span_to_str(text, device, sizeof device) != SOTTO_OK))
        status = sotto_diag_set(diag, SOTTO_ERR(KIOSK, RANGE), "a device id has 1 to 64 bytes");
    if (status == SOTTO_OK)
        status = kiosk_device_set(e, device, diag);
    if (status == SOTTO_OK)
        reply->code = 204;
    return status;
}

static sotto_status post_release(kiosk_engine *e, sotto_json_node body, sotto_reply *reply, sotto_diag *diag)
{
    int64_t version;
    sotto_status status = sotto_json_get_i64(body, "version", 1, INT64_MAX, &version, diag);
    if (status != SOTTO_OK)
        return status;
    char json[KIOSK_ERROR_MAX], reason[512];
    bool known = false;
    status = kiosk_release_accept(e, (uint64_t)version, &known, diag);
    if (status == SOTTO_OK) {
        snprintf(json, sizeof json, "{\"accepted\":true,\"version\":%lld,\"good\":%llu}", (long long)version,
                 (unsigned long long)e->health.good);
        reply_text(reply, 200, json);
        return SOTTO_OK;
    }
    if (diag->status == SOTTO_OK)
        (void)sotto_diag_set(diag, status, "%s", sotto_status_cause_text(status));
    sotto_diag_format(diag, reason, sizeof reason);
    sotto_log_event(&e->log, SOTTO_LOG_WARN, "release.refused", "version=%lld reason=\"%s\"",
                    (long long)version, reason);
    kiosk_befell(e, SOTTO_FIGURE_RELEASE_REFUSED);
    sotto_buf out = sotto_buf_of(json, sizeof json);
    sotto_json_writer w = sotto_json_writer_of(&out);
    sotto_json_obj(&w);
    sotto_json_name(&w, "accepted");
    sotto_json_bool(&w, false);
    sotto_json_name(&w, "reason");
    sotto_json_cstr(&w, reason);
    sotto_json_name(&w, "known");
    sotto_json_bool(&w, known);
    sotto_json_obj_end(&w);
    status = sotto_json_writer_end(&w);
    if (status == SOTTO_OK)
        kiosk_reply_json(reply, 422, sotto_buf_span(&out));
    return status;
}

static sotto_status get_health(kiosk_engine *e, sotto_json_node body, sotto_reply *reply, sotto_diag *diag)
{
    (void)body;
    char json[320];
    sotto_buf out = sotto_buf_of(json, sizeof json);
    sotto_status status = kiosk_health_json(e, &out);
    if (status != SOTTO_OK)
        return sotto_diag_set(diag, status, "health cannot be told");
    kiosk_reply_json(reply, 200, sotto_buf_span(&out));
    return SOTTO_OK;
}

static sotto_status post_night(kiosk_engine *e, sotto_json_node body, sotto_reply *reply, sotto_diag *diag)
{
    (void)body;
    sotto_tally_result result;
    sotto_status status = kiosk_time_keep(e, diag);
    if (status == SOTTO_OK)
        status = kiosk_night(e, &result, diag);
    if (status != SOTTO_OK)
        return status;
    char json[128];
    snprintf(json, sizeof json, "{\"closed\":%s,\"reports\":%llu,\"seq\":%llu}",
             result.reports > 0 ? "true" : "false", (unsigned long long)result.reports,
             (unsigned long long)result.last_seq);
    reply_text(reply, 200, json);
    sotto_log_event(&e->log, SOTTO_LOG_INFO, "night.closed", "reports=%llu seq=%llu",
                    (unsigned long long)result.reports, (unsigned long long)result.last_seq);
    return SOTTO_OK;
}

static sotto_status get_time(kiosk_engine *e, sotto_json_node body, sotto_reply *reply, sotto_diag *diag)
{
    (void)body;
    uint8_t nonce[SOTTO_TIME_NONCE_BYTES];
    char hex[2 * SOTTO_TIME_NONCE_BYTES + 1], json[64];
    sotto_status status = kiosk_time_nonce(e, nonce, diag);
    if (status != SOTTO_OK)
        return status;
    sotto_hex_encode(sotto_span_of(nonce, sizeof nonce), hex, sizeof hex);
    snprintf(json, sizeof json, "{\"nonce\":\"%s\"}", hex);
    reply_text(reply, 200, json);
    return SOTTO_OK;
}

static sotto_status post_time(kiosk_engine *e, sotto_span body, sotto_reply *reply, sotto_diag *diag)
{
    sotto_time_word word;
    sotto_status status = sotto_time_read(&word, body, diag);
    if (status == SOTTO_OK)
        status = kiosk_time_take(e, &word, diag);
    if (status == SOTTO_OK)
        reply->code = 204;
    return status;
}

static sotto_status get_next(kiosk_engine *e, sotto_json_node body, sotto_reply *reply, sotto_diag *diag)
{
    static char seq[64];
    (void)body;
    sotto_outbox_entry entry;
    sotto_status status = sotto_store_outbox_next(e->store, &entry, &reply->body, diag);
    if (sotto_status_cause(status) == SOTTO_CAUSE_NOT_FOUND) {
        reply->code = 204;
        return SOTTO_OK;
    }
    if (status != SOTTO_OK)
        return status;
    snprintf(seq, sizeof seq, "Sotto-Seq: %llu\r\n", (unsigned long long)entry.seq);
    reply->code = 200;
    reply->content_type = "application/octet-stream";
    reply->extra = seq;
    return SOTTO_OK;
}

static sotto_status post_ack(kiosk_engine *e, uint64_t seq, sotto_json_node body, sotto_reply *reply,
                             sotto_diag *diag)
{
    sotto_span text;
    uint8_t sha256[SOTTO_SHA256_BYTES];
    int64_t now_s = 0;
    sotto_status status = sotto_json_get_str(body, "sha256", &text, diag);
    if (status == SOTTO_OK && sotto_hex_decode(text, sha256, sizeof sha256) != SOTTO_OK)
        status = sotto_diag_set(diag, SOTTO_ERR(KIOSK, MALFORMED), "sha256 must be 64 hexadecimal digits");
    if (status == SOTTO_OK)
        status = kiosk_now(e, &now_s, diag);
    if (status == SOTTO_OK)
        status = sotto_store_outbox_ack(e->store, seq, sha256, now_s, diag);
    if (status == SOTTO_OK)
        reply->code = 204;
    return status;
}

static sotto_status post_refused(kiosk_engine *e, uint64_t seq, sotto_json_node body, sotto_reply *reply,
                                 sotto_diag *diag)
{
    sotto_span text;
    uint8_t sha256[SOTTO_SHA256_BYTES];
    sotto_status status = sotto_json_get_str(body, "sha256", &text, diag);
    if (status == SOTTO_OK && sotto_hex_decode(text, sha256, sizeof sha256) != SOTTO_OK)
        status = sotto_diag_set(diag, SOTTO_ERR(KIOSK, MALFORMED), "sha256 must be 64 hexadecimal digits");
    if (status == SOTTO_OK)
        status = sotto_store_outbox_refuse(e->store, seq, sha256, diag);
    if (status != SOTTO_OK)
        return status;
    reply->code = 204;
    sotto_log_event(&e->log, SOTTO_LOG_WARN, "report.set_aside", "seq=%llu why=refused",
                    (unsigned long long)seq);
    kiosk_befell(e, SOTTO_FIGURE_REPORT_REFUSED);
    return SOTTO_OK;
}

static sotto_status post_told(kiosk_engine *e, uint64_t seq, sotto_json_node body, sotto_reply *reply,
                              sotto_diag *diag)
{
    (void)body;
    sotto_status status = sotto_store_outbox_told(e->store, seq, diag);
    if (status == SOTTO_OK)
        reply->code = 204;
    return status;
}

static sotto_status get_absent(kiosk_engine *e, sotto_json_node body, sotto_reply *reply, sotto_diag *diag)
{
    (void)body;
    sotto_outbox_entry entry;
    char hex[2 * SOTTO_SHA256_BYTES + 1], json[192];
    sotto_status status = sotto_store_outbox_untold(e->store, &entry, diag);
    if (sotto_status_cause(status) == SOTTO_CAUSE_NOT_FOUND) {
        reply->code = 204;
        return SOTTO_OK;
    }
    if (status != SOTTO_OK)
        return status;
    sotto_hex_encode(sotto_span_of(entry.sha256, sizeof entry.sha256), hex, sizeof hex);
    snprintf(json, sizeof json, "{\"seq\":%llu,\"sha256\":\"%s\",\"reason\":\"%s\"}",
             (unsigned long long)entry.seq, hex, entry.acked_s == -1 ? "damaged" : "refused");
    reply_text(reply, 200, json);
    return SOTTO_OK;
}

static sotto_status post_again(kiosk_engine *e, sotto_json_node body, sotto_reply *reply, sotto_diag *diag)
{
    (void)body;
    sotto_status status = sotto_store_outbox_again(e->store, diag);
    if (status == SOTTO_OK)
        reply->code = 204;
    return status;
}

/* "/v1/outbox/<seq>" and tail */
static bool outbox_target(sotto_span target, const char *tail, uint64_t *seq)
{
    static const char head[] = "/v1/outbox/";
    size_t tail_len = strlen(tail), fixed = sizeof head - 1 + tail_len;
    if (target.len <= fixed || memcmp(target.ptr, head, sizeof head - 1) != 0 ||
        memcmp(target.ptr + target.len - tail_len, tail, tail_len) != 0)
        return false;
    return sotto_parse_u64(sotto_span_of(target.ptr + sizeof head - 1, target.len - fixed), seq) == SOTTO_OK;
}

typedef struct route {
    const char *method, *target;
    sotto_status (*run)(kiosk_engine *e, sotto_json_node body, sotto_reply *reply, sotto_diag *diag);
} route;

static const route ROUTES[] = {
    {"GET", "/v1/identity", get_identity},      {"POST", "/v1/identity", post_identity},
    {"POST", "/v1/release", post_release},      {"GET", "/v1/health", get_health},
    {"POST", "/v1/night", post_night},          {"GET", "/v1/time", get_time},
    {"GET", "/v1/outbox/next", get_next},       {"GET", "/v1/outbox/absent", get_absent},
    {"POST", "/v1/outbox/again", post_again},   {"GET", "/v1/pack", kiosk_link_get_pack},
    {"POST", "/v1/pack", kiosk_link_post_pack}, {"POST", "/v1/pack/restate", kiosk_link_post_restate}};

/* POST on one report. */
static const struct {
    const char *tail;
    sotto_status (*run)(kiosk_engine *e, uint64_t seq, sotto_json_node body, sotto_reply *reply,
                        sotto_diag *diag);
} REPORT_ROUTES[] = {{"/ack", post_ack}, {"/refused", post_refused}, {"/told", post_told}};

static sotto_status run_route(kiosk_engine *e, const sotto_http_message *request, sotto_json_node body,
                              sotto_reply *reply, sotto_diag *diag)
{
    uint64_t seq;
    for (size_t i = 0; i < SOTTO_COUNT(REPORT_ROUTES); i++)
        if (sotto_span_is(request->method, "POST") &&
            outbox_target(request->target, REPORT_ROUTES[i].tail, &seq))
            return REPORT_ROUTES[i].run(e, seq, body, reply, diag);
    if (sotto_span_is(request->method, "POST") && sotto_span_is(request->target, "/v1/time"))
        return post_time(e, request->body, reply, diag);
    for (size_t i = 0; i < SOTTO_COUNT(ROUTES); i++)
        if (sotto_span_is(request->target, ROUTES[i].target) &&
            sotto_span_is(request->method, ROUTES[i].method))
            return ROUTES[i].run(e, body, reply, diag);
    return sotto_diag_set(diag, SOTTO_ERR(KIOSK, NOT_FOUND), "no such request: see docs/formats/wire.md");
}

void kiosk_link_handle(void *ctx, const sotto_http_message *request, const sotto_peer *peer,
                       sotto_reply *reply)
{
    kiosk_engine *e = ctx;
    (void)peer;
    sotto_diag diag = {0};
    sotto_json *doc = NULL;
    sotto_status status = SOTTO_OK;
    if (request->body.len > 0)
        status = sotto_json_parse(&doc, request->body, "request", &diag);
    if (status == SOTTO_OK)
        status =
            run_route(e, request, doc != NULL ? sotto_json_root(doc) : (sotto_json_node){0}, reply, &diag);
    if (status != SOTTO_OK)
        fail(reply, status, &diag);
    sotto_json_free(doc);
}
