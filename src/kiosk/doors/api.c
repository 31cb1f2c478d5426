/* The kiosk application's door: HTTP + JSON (docs/openapi.json). A request is checked whole before anything
 * is changed. */
#include "doors/doors.h"
#include "engine/ask.h"
#include "engine/record.h"
#include "engine/tell.h"

#include <stdio.h>
#include <string.h>

#define BODY_NAME "request"

/* ---- replies ---- */

static int http_code(sotto_status status)
{
    switch (sotto_status_cause(status)) {
    case SOTTO_CAUSE_NOT_FOUND:
        return 404;
    case SOTTO_CAUSE_MALFORMED:
    case SOTTO_CAUSE_TRUNCATED:
    case SOTTO_CAUSE_RANGE:
    case SOTTO_CAUSE_UNSUPPORTED:
    case SOTTO_CAUSE_USAGE:
        return 400;
    case SOTTO_CAUSE_CONFLICT:
    case SOTTO_CAUSE_ROLLBACK:
    case SOTTO_CAUSE_AUTH:
    case SOTTO_CAUSE_EXPIRED:
    case SOTTO_CAUSE_CORRUPT:
        return 409;
    case SOTTO_CAUSE_FULL:
        return 507;
    default:
        return 500;
    }
}

void kiosk_reply_json(sotto_reply *reply, int code, sotto_span json)
{
    reply->code = code;
    reply->content_type = "application/json";
    if (sotto_vec_put(&reply->body, json.ptr, json.len) != SOTTO_OK)
        reply->code = 500;
}

void kiosk_reply_error(sotto_reply *reply, const sotto_diag *diag)
{
    uint8_t memory[KIOSK_ERROR_MAX];
    sotto_buf buf = sotto_buf_of(memory, sizeof memory);
    sotto_json_writer w = sotto_json_writer_of(&buf);
    sotto_json_obj(&w);
    sotto_json_name(&w, "error");
    sotto_json_obj(&w);
    sotto_json_name(&w, "room");
    sotto_json_cstr(&w, sotto_status_room_name(diag->status));
    sotto_json_name(&w, "cause");
    sotto_json_cstr(&w, sotto_status_cause_text(diag->status));
    sotto_json_name(&w, "text");
    sotto_json_cstr(&w, diag->text);
    sotto_json_name(&w, "where");
    sotto_json_cstr(&w, diag->where);
    sotto_json_name(&w, "line");
    sotto_json_u64(&w, diag->line);
    sotto_json_obj_end(&w);
    sotto_json_obj_end(&w);
    reply->body.len = 0;
    /* Half a body would be worse than none: the code alone must do then. */
    bool whole = sotto_json_writer_end(&w) == SOTTO_OK;
    kiosk_reply_json(reply, http_code(diag->status), whole ? sotto_buf_span(&buf) : sotto_span_of(NULL, 0));
}

/* Answers with what was written, or with the error; a diagnosis that a room left empty is filled from the
 * status. */
static void finish(sotto_reply *reply, sotto_status status, sotto_span json, sotto_diag *diag)
{
    if (status == SOTTO_OK) {
        kiosk_reply_json(reply, 200, json);
        return;
    }
    if (diag->status == SOTTO_OK)
        (void)sotto_diag_set(diag, status, "%s", sotto_status_cause_text(status));
    kiosk_reply_error(reply, diag);
}

/* ---- requests ---- */

static sotto_status optional_text(sotto_json_node body, const char *name, char *out, size_t cap,
                                  const char **value, sotto_diag *diag)
{
    sotto_json_node node = sotto_json_member(body, name);
    *value = NULL;
    if (node.val == NULL)
        return SOTTO_OK;
    sotto_span text;
    sotto_status status = sotto_json_as_str(node, &text, diag);
    if (status == SOTTO_OK && sotto_span_to_str(text, out, cap) != SOTTO_OK)
        status =
            sotto_json_bad(node, diag, SOTTO_ERR(KIOSK, RANGE), "%s is longer than %zu bytes", name, cap - 1);
    *value = out;
    return status;
}

static sotto_status decide_from(kiosk_engine *e, sotto_json_node body, sotto_buf *out, sotto_diag *diag)
{
    static const char *const allowed[] = {"customer", "slot", "channel", "offers", "language", "explain"};
    char slot[33], channel[33], language[17];
    int64_t offers = 3;
    kiosk_ask ask = {0};
    sotto_status status = sotto_json_only(body, allowed, SOTTO_COUNT(allowed), diag);
    if (status == SOTTO_OK)
        status = kiosk_customer_of(body, false, &ask.customer, diag);
    if (status == SOTTO_OK)
        status = optional_text(body, "slot", slot, sizeof slot, &ask.slot, diag);
    if (status == SOTTO_OK)
        status = optional_text(body, "channel", channel, sizeof channel, &ask.channel, diag);
    if (status == SOTTO_OK)
        status = optional_text(body, "language", language, sizeof language, &ask.language, diag);
    if (status == SOTTO_OK && sotto_json_member(body, "offers").val != NULL)
        status = sotto_json_get_i64(body, "offers", 1, SOTTO_OFFERS_MAX, &offers, diag);
    if (status == SOTTO_OK && sotto_json_member(body, "explain").val != NULL)
        status = sotto_json_get_bool(body, "explain", &ask.explain, diag);
    ask.offers = (size_t)offers;
    return status == SOTTO_OK ? kiosk_decide(e, &ask, out, diag) : status;
}

static sotto_status forget_from(kiosk_engine *e, sotto_json_node body, sotto_buf *out, sotto_diag *diag)
{
    static const char *const allowed[] = {"customer"};
    sotto_span customer = {0};
    sotto_status status = sotto_json_only(body, allowed, SOTTO_COUNT(allowed), diag);
    if (status == SOTTO_OK)
        status = kiosk_customer_of(body, true, &customer, diag);
    if (status == SOTTO_OK)
        status = kiosk_forget(e, customer, diag);
    return status == SOTTO_OK ? sotto_buf_put(out, "{\"forgotten\":true}", 18) : status;
}

static sotto_status tell_status(kiosk_engine *e, sotto_json_node body, sotto_buf *out, sotto_diag *diag)
{
    (void)body;
    return kiosk_status_json(e, out, diag);
}

/* Straight into the reply: it grows with every night. */
static sotto_status tell_audit(kiosk_engine *e, const sotto_http_message *request, sotto_reply *reply,
                               sotto_diag *diag)
{
    reply->code = 200;
    reply->content_type = "application/json";
    if (sotto_span_is(request->target, "/v1/audit?export"))
        return kiosk_audit_export(e, &reply->body, diag);
    return kiosk_audit_json(e, sotto_span_is(request->target, "/v1/audit?bytes"), &reply->body, diag);
}

typedef struct route {
    const char *method, *target;
    sotto_status (*run)(kiosk_engine *e, sotto_json_node body, sotto_buf *out, sotto_diag *diag);
    /* Instead of run: an answer without a bound. */
    sotto_status (*tell)(kiosk_engine *e, const sotto_http_message *request, sotto_reply *reply,
                         sotto_diag *diag);
} route;

static const route ROUTES[] = {
    {"POST", "/v1/decide", decide_from, NULL},    {"POST", "/v1/events", kiosk_events_from, NULL},
    {"POST", "/v1/forget", forget_from, NULL},    {"GET", "/v1/status", tell_status, NULL},
    {"GET", "/v1/audit", NULL, tell_audit},       {"GET", "/v1/audit?bytes", NULL, tell_audit},
    {"GET", "/v1/audit?export", NULL, tell_audit}};

static const route *find_route(const sotto_http_message *request, sotto_diag *diag)
{
    bool target = false;
    for (size_t i = 0; i < SOTTO_COUNT(ROUTES); i++) {
        if (!sotto_span_is(request->target, ROUTES[i].target))
            continue;
        target = true;
        if (sotto_span_is(request->method, ROUTES[i].method))
            return &ROUTES[i];
    }
    (void)sotto_diag_set(diag, target ? SOTTO_ERR(KIOSK, USAGE) : SOTTO_ERR(KIOSK, NOT_FOUND), "%s",
                         target ? "this path takes another method" : "no such path: see docs/openapi.json");
    return NULL;
}

void kiosk_api_handle(void *ctx, const sotto_http_message *request, const sotto_peer *peer,
                      sotto_reply *reply)
{
    kiosk_engine *e = ctx;
    (void)peer;
    sotto_diag diag = {0};
    const route *found = find_route(request, &diag);
    if (found == NULL) {
        kiosk_reply_error(reply, &diag);
        return;
    }
    sotto_json *doc = NULL;
    sotto_buf out = sotto_buf_of(e->answer, sizeof e->answer);
    sotto_status status = SOTTO_OK;
    if (strcmp(found->method, "POST") == 0) {
        status = sotto_json_parse(&doc, request->body, BODY_NAME, &diag);
        if (status == SOTTO_OK)
            status = sotto_json_as_object(sotto_json_root(doc), &diag);
    }
    if (status == SOTTO_OK && found->tell != NULL)
        status = found->tell(e, request, reply, &diag);
    else if (status == SOTTO_OK)
        status = found->run(e, doc != NULL ? sotto_json_root(doc) : (sotto_json_node){0}, &out, &diag);
    finish(reply, status, sotto_buf_span(&out), &diag);
    sotto_json_free(doc);
}
