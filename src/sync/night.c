/*
 * The night: release down, period closed, reports up, tag pack down. It keeps no state of its own: serve's
 * outbox and head office's registry do, and both are asked again after any interruption. A report is the same
 * bytes under the same sequence number however often it is sent, so sending it twice is harmless, and it is
 * acknowledged to serve only after head office has named its hash.
 */
#include <stdio.h>
#include <string.h>

#include "client_priv.h"
#include "fetch_priv.h"

#define REPORT_MAX ((size_t)16 * 1024 * 1024)
#define ANSWER_MAX ((size_t)64 * 1024)
#define HEALTH_MAX ((size_t)1024)

typedef struct night {
    const sotto_night_config *config;
    sotto_night_result *result;
    bool tell_health;   /* head office asks for it, though nothing may be new */
    sotto_status first; /* failure */
    sotto_diag *diag;   /* of the first failure */
} night;

/* Keeps the first failure, and logs every one. */
static void note(night *n, const char *part, sotto_status st, const sotto_diag *diag)
{
    char words[400];
    if (st == SOTTO_OK)
        return;
    (void)sotto_diag_format(diag, words, sizeof words);
    if (n->first != SOTTO_OK || !n->result->serve_away)
        sotto_log_event(n->config->log, SOTTO_LOG_ERROR, "sync.failed", "part=%s reason=\"%s\"", part, words);
    if (n->first != SOTTO_OK)
        return;
    n->first = st;
    if (n->diag != NULL)
        *n->diag = *diag;
}

static sotto_status request(sotto_client *client, const char *method, const char *target, const char *type,
                            sotto_span body, size_t max, const sotto_http_message **response,
                            sotto_diag *diag)
{
    return client_request(client, method, target, type, body, max, response, diag);
}

/* ---- The release ---- */

/* 422 {"accepted":false,"reason":"...","known":false}: serve's words go into the diagnosis. What it has known
 * since another night is no failure of this one. */
static sotto_status refused_by_serve(night *n, const sotto_http_message *response, sotto_diag *diag)
{
    bool known = false;
    sotto_json *doc = NULL;
    sotto_span reason = {0};
    char words[160] = "";
    if (sotto_json_parse(&doc, response->body, "answer", NULL) == SOTTO_OK &&
        sotto_json_get_str(sotto_json_root(doc), "reason", &reason, NULL) == SOTTO_OK)
        (void)snprintf(words, sizeof words, "%.*s",
                       (int)(reason.len < sizeof words ? reason.len : sizeof words - 1),
                       (const char *)reason.ptr);
    if (doc != NULL && sotto_json_get_bool(sotto_json_root(doc), "known", &known, NULL) != SOTTO_OK)
        known = false;
    sotto_json_free(doc);
    n->result->release_failed = known;
    if (known) {
        sotto_log_event(n->config->log, SOTTO_LOG_WARN, "sync.release_unfit", "reason=\"%s\"", words);
        return SOTTO_OK;
    }
    return sotto_diag_set(diag, SOTTO_ERR(SYNC, DENIED), "serve refuses the release: %s",
                          words[0] == '\0' ? "no reason given" : words);
}

/* The release that serve would go back to; 0 when it does not say. */
static uint64_t good_of(sotto_span body)
{
    sotto_json *doc = NULL;
    int64_t good = 0;
    if (sotto_json_parse(&doc, body, "answer", NULL) != SOTTO_OK ||
        sotto_json_get_i64(sotto_json_root(doc), "good", 0, INT64_MAX, &good, NULL) != SOTTO_OK)
        good = 0;
    sotto_json_free(doc);
    return (uint64_t)good;
}

static sotto_status offer_release(night *n, uint64_t version, sotto_diag *diag)
{
    char body[64];
    const sotto_http_message *response;
    int len = snprintf(body, sizeof body, "{\"version\":%llu}", (unsigned long long)version);
    sotto_status st = request(n->config->serve, "POST", "/v1/release", "application/json",
                              sotto_span_of(body, (size_t)len), ANSWER_MAX, &response, diag);
    if (st != SOTTO_OK)
        return st;
    if (response->code == 422)
        return refused_by_serve(n, response, diag);
    if (response->code != 200)
        return client_refusal(n->config->serve, response, diag);
    n->result->release_accepted = true;
    sotto_log_event(n->config->log, SOTTO_LOG_INFO, "sync.release_accepted", "version=%llu",
                    (unsigned long long)version);
    return sotto_release_set_current(n->config->release_dir, version, good_of(response->body), diag);
}

/* Said once, by who asked for the night: nothing more is wanted of serve then. */
static sotto_status miss_serve(night *n, sotto_status st, sotto_diag *diag)
{
    int cause = sotto_status_cause(st);
    n->result->serve_away = true;
    if (cause != SOTTO_CAUSE_NOT_FOUND && cause != SOTTO_CAUSE_NETWORK)
        return st; /* another user's socket, one that hangs: the words say it */
    return sotto_diag_set(diag, SOTTO_ERR(SYNC, NOT_FOUND), "sotto serve does not answer: start it first");
}

/* What serve says of releases, as JSON; *known false from one that says nothing. */
static sotto_status ask_health(night *n, sotto_vec *health, bool *known, sotto_diag *diag)
{
    const sotto_http_message *response;
    sotto_vec_init(health, HEALTH_MAX);
    sotto_status st = request(n->config->serve, "GET", "/v1/health", NULL, sotto_span_of(NULL, 0), ANSWER_MAX,
                              &response, diag);
    *known = st == SOTTO_OK && response->code == 200;
    if (st != SOTTO_OK)
        return miss_serve(n, st, diag);
    if (response->code == 404)
        return st;
    if (response->code != 200)
        return client_refusal(n->config->serve, response, diag);
    st = sotto_vec_put(health, response->body.ptr, response->body.len);
    return st == SOTTO_OK ? st : sotto_diag_set(diag, st, "serve says too much of its health");
}

/* serve may have taken a release over and the answer was lost, or gone back to the one before. */
static sotto_status follow_serve(night *n, sotto_diag *diag)
{
    sotto_vec health;
    sotto_json *doc = NULL;
    bool known = false;
    int64_t release = 0;
    sotto_status st = ask_health(n, &health, &known, diag);
    if (st == SOTTO_OK && known)
        st = sotto_json_parse(&doc, sotto_vec_span(&health), "/v1/health", diag);
    if (st == SOTTO_OK && known)
        st = sotto_json_get_i64(sotto_json_root(doc), "release", 0, INT64_MAX, &release, diag);
    if (st == SOTTO_OK && release != 0)
        st = sotto_release_set_current(n->config->release_dir, (uint64_t)release,
                                       good_of(sotto_vec_span(&health)), diag);
    sotto_json_free(doc);
    sotto_vec_free(&health);
    return st;
}

static void get_release(night *n)
{
    sotto_diag diag = {0};
    sotto_release_update update = {0};
    uint64_t current = 0;
    fetch_source source = {.office = n->config->head_office,
                           .release_dir = n->config->release_dir,
                           .retry_after_s = &n->result->retry_after_s,
                           .wire_bytes = &n->result->release_bytes};
    const sotto_tuf_config config = {.fetch = fetch_from_office,
                                     .fetch_ctx = &source,
                                     .now_s = n->config->clock.utc_s(n->config->clock.ctx)};
    sotto_status st = follow_serve(n, &diag);
    note(n, "health", st, &diag);
    memset(&diag, 0, sizeof diag);
    st = sotto_release_fetch(n->config->release_dir, &config, &update, &diag);
    n->result->release_version = update.version;
    n->result->release_changed = update.changed;
    note(n, "release", st, &diag);
    if (st != SOTTO_OK)
        return;
    sotto_log_event(n->config->log, SOTTO_LOG_INFO, "sync.release",
                    "version=%llu changed=%d bytes=%llu wire=%llu", (unsigned long long)update.version,
                    (int)update.changed, (unsigned long long)update.bytes,
                    (unsigned long long)n->result->release_bytes);
    /* Offered as long as serve has not taken it: the answer may have been lost last night. */
    if (sotto_release_current(n->config->release_dir, &current, NULL) == SOTTO_OK &&
        current == update.version)
        return;
    if (n->result->serve_away)
        return;
    memset(&diag, 0, sizeof diag);
    st = offer_release(n, update.version, &diag);
    note(n, "offer", st, &diag);
}

/* ---- The period ---- */

static sotto_status close_night(night *n, sotto_diag *diag)
{
    const sotto_http_message *response;
    sotto_json *doc = NULL;
    sotto_status st = request(n->config->serve, "POST", "/v1/night", "application/json", sotto_span_str("{}"),
                              ANSWER_MAX, &response, diag);
    if (st != SOTTO_OK)
        return st;
    if (response->code != 200)
        return client_refusal(n->config->serve, response, diag);
    st = sotto_json_parse(&doc, response->body, "/v1/night", diag);
    if (st == SOTTO_OK)
        st = sotto_json_get_bool(sotto_json_root(doc), "closed", &n->result->night_closed, diag);
    sotto_json_free(doc);
    return st;
}

/* ---- The reports ---- */

typedef struct report {
    uint64_t seq;
    sotto_vec bytes;
    char sha256[2 * SOTTO_SHA256_BYTES + 1];
} report;

/* *empty when the outbox is. */
static sotto_status next_report(night *n, report *r, bool *empty, sotto_diag *diag)
{
    const sotto_http_message *response;
    uint8_t digest[SOTTO_SHA256_BYTES];
    sotto_span seq;
    *empty = false;
    sotto_status st = request(n->config->serve, "GET", "/v1/outbox/next", NULL, sotto_span_of(NULL, 0),
                              REPORT_MAX, &response, diag);
    if (st != SOTTO_OK)
        return st;
    *empty = response->code == 204;
    if (*empty)
        return SOTTO_OK;
    if (response->code != 200)
        return client_refusal(n->config->serve, response, diag);
    if (!sotto_http_header_find(response, "sotto-seq", &seq) || sotto_parse_u64(seq, &r->seq) != SOTTO_OK)
        return sotto_diag_at(diag, SOTTO_ERR(SYNC, PROTOCOL), "/v1/outbox/next", 0, "no header Sotto-Seq");
    sotto_vec_free(&r->bytes);
    st = sotto_vec_put(&r->bytes, response->body.ptr, response->body.len);
    if (st == SOTTO_OK)
        st = sotto_sha256(sotto_vec_span(&r->bytes), digest);
    if (st != SOTTO_OK)
        return sotto_diag_set(diag, st, "report %llu cannot be taken", (unsigned long long)r->seq);
    sotto_hex_encode(sotto_span_of(digest, sizeof digest), r->sha256, sizeof r->sha256);
    return SOTTO_OK;
}

/* Head office must name the very bytes it was sent, or nothing is acknowledged. */
static sotto_status check_receipt(const report *r, sotto_span body, bool *repeated, sotto_diag *diag)
{
    sotto_json *doc = NULL;
    sotto_span sha256 = {0};
    int64_t seq = 0;
    sotto_status st = sotto_json_parse(&doc, body, "receipt", diag);
    sotto_json_node top = {0};
    if (st == SOTTO_OK) {
        top = sotto_json_root(doc);
        st = sotto_json_get_i64(top, "seq", 0, INT64_MAX, &seq, diag);
    }
    if (st == SOTTO_OK)
        st = sotto_json_get_str(top, "sha256", &sha256, diag);
    if (st == SOTTO_OK && sotto_json_get_bool(top, "repeated", repeated, NULL) != SOTTO_OK)
        *repeated = false;
    if (st == SOTTO_OK && ((uint64_t)seq != r->seq || !sotto_span_is(sha256, r->sha256)))
        st = sotto_diag_at(diag, SOTTO_ERR(SYNC, PROTOCOL), "receipt", 0,
                           "it is for another report than %llu", (unsigned long long)r->seq);
    sotto_json_free(doc);
    return st;
}

/* *final: these bytes will never be taken. Only head office itself says so, not a proxy on the way. */
static sotto_status send_report(night *n, const report *r, bool *repeated, bool *final, sotto_diag *diag)
{
    char target[64];
    const sotto_http_message *response;
    sotto_span mark;
    *repeated = *final = false;
    (void)snprintf(target, sizeof target, "/v1/reports/%llu", (unsigned long long)r->seq);
    sotto_status st = request(n->config->head_office, "PUT", target, "application/octet-stream",
                              sotto_vec_span(&r->bytes), ANSWER_MAX, &response, diag);
    if (st != SOTTO_OK)
        return st;
    if (response->code == 503 || response->code == 429)
        n->result->retry_after_s = client_retry_after_s(response);
    *final = response->code >= 400 && response->code < 500 &&
             sotto_http_header_find(response, "sotto-final", &mark);
    if (response->code != 200)
        return client_refusal(n->config->head_office, response, diag);
    return check_receipt(r, response->body, repeated, diag);
}

/* POST /v1/outbox/<seq>/<verb> to serve, with the hash of what is spoken of. */
static sotto_status tell_serve(night *n, uint64_t seq, const char *verb, const char *sha256, sotto_diag *diag)
{
    char target[64], body[2 * SOTTO_SHA256_BYTES + 32];
    const sotto_http_message *response;
    (void)snprintf(target, sizeof target, "/v1/outbox/%llu/%s", (unsigned long long)seq, verb);
    int len = snprintf(body, sizeof body, "{\"sha256\":\"%s\"}", sha256);
    sotto_status st = request(n->config->serve, "POST", target, "application/json",
                              sotto_span_of(body, (size_t)len), ANSWER_MAX, &response, diag);
    if (st == SOTTO_OK && response->code != 204 && response->code != 200)
        st = client_refusal(n->config->serve, response, diag);
    return st;
}

/* Refused for good: told here as the night's failure, set aside, and the next one has its turn. */
static sotto_status set_aside(night *n, const report *r, sotto_status why, const sotto_diag *refusal,
                              sotto_diag *diag)
{
    note(n, "report", why, refusal);
    sotto_status st = tell_serve(n, r->seq, "refused", r->sha256, diag);
    n->result->reports_refused += st == SOTTO_OK;
    return st;
}

static sotto_status deliver(night *n, const report *r, sotto_diag *diag)
{
    bool repeated = false, final = false;
    sotto_diag refusal = {0};
    sotto_status st = send_report(n, r, &repeated, &final, &refusal);
    if (final)
        return set_aside(n, r, st, &refusal, diag);
    if (st != SOTTO_OK)
        *diag = refusal;
    if (st == SOTTO_OK)
        st = tell_serve(n, r->seq, "ack", r->sha256, diag);
    if (st != SOTTO_OK)
        return st;
    n->result->reports_sent++;
    n->result->reports_repeated += repeated;
    n->result->report_bytes += r->bytes.len;
    sotto_log_event(n->config->log, SOTTO_LOG_INFO, "sync.report_sent", "seq=%llu bytes=%zu repeated=%d",
                    (unsigned long long)r->seq, r->bytes.len, (int)repeated);
    return SOTTO_OK;
}

static sotto_status empty_outbox(night *n, sotto_diag *diag)
{
    report r = {0};
    bool empty = false, any = false;
    uint64_t last = 0;
    sotto_status st = SOTTO_OK;
    sotto_vec_init(&r.bytes, REPORT_MAX);
    while (st == SOTTO_OK) {
        st = next_report(n, &r, &empty, diag);
        if (st != SOTTO_OK || empty)
            break;
        /* An outbox that hands out what was acknowledged would keep this loop for ever. */
        if (any && r.seq <= last)
            st = sotto_diag_at(diag, SOTTO_ERR(SYNC, PROTOCOL), "/v1/outbox/next", 0,
                               "report %llu comes after report %llu", (unsigned long long)r.seq,
                               (unsigned long long)last);
        if (st == SOTTO_OK)
            st = deliver(n, &r, diag);
        any = true;
        last = r.seq;
    }
    sotto_vec_free(&r.bytes);
    return st;
}

/* ---- What was set aside ---- */

/* Head office learns which number will not come, and the hash that the chain goes on from. */
static sotto_status tell_absent(night *n, sotto_span body, uint64_t *seq, sotto_diag *diag)
{
    char target[64];
    const sotto_http_message *response;
    sotto_json *doc = NULL;
    int64_t number = 0;
    sotto_status st = sotto_json_parse(&doc, body, "/v1/outbox/absent", diag);
    if (st == SOTTO_OK)
        st = sotto_json_get_i64(sotto_json_root(doc), "seq", 1, INT64_MAX, &number, diag);
    sotto_json_free(doc);
    *seq = (uint64_t)number;
    if (st != SOTTO_OK)
        return st;
    (void)snprintf(target, sizeof target, "/v1/reports/%llu/absent", (unsigned long long)*seq);
    st =
        request(n->config->head_office, "PUT", target, "application/json", body, ANSWER_MAX, &response, diag);
    if (st == SOTTO_OK && response->code != 200)
        st = client_refusal(n->config->head_office, response, diag);
    return st;
}

static sotto_status tell_all_absent(night *n, sotto_diag *diag)
{
    const sotto_http_message *response;
    uint64_t seq = 0, last = 0;
    uint8_t copy[256];
    for (;;) {
        sotto_status st = request(n->config->serve, "GET", "/v1/outbox/absent", NULL, sotto_span_of(NULL, 0),
                                  ANSWER_MAX, &response, diag);
        if (st != SOTTO_OK || response->code == 204 || response->code == 404)
            return st;
        if (response->code != 200 || response->body.len > sizeof copy)
            return client_refusal(n->config->serve, response, diag);
        size_t len = response->body.len;
        if (len > 0)
            memcpy(copy, response->body.ptr, len);
        st = tell_absent(n, sotto_span_of(copy, len), &seq, diag);
        if (st == SOTTO_OK && seq <= last)
            st = sotto_diag_at(diag, SOTTO_ERR(SYNC, PROTOCOL), "/v1/outbox/absent", 0,
                               "report %llu comes again", (unsigned long long)seq);
        if (st == SOTTO_OK)
            st = tell_serve(n, seq, "told", "", diag);
        if (st != SOTTO_OK)
            return st;
        last = seq;
    }
}

/* ---- How releases do here ---- */

static bool was_told(const char *path, sotto_span health)
{
    sotto_vec told;
    sotto_vec_init(&told, HEALTH_MAX);
    bool same = sotto_port_read_file(path, &told, NULL) == SOTTO_OK &&
                sotto_span_equal(sotto_vec_span(&told), health);
    sotto_vec_free(&told);
    return same;
}

/* Told when it is another than what was told last, or head office has lost it: most nights say nothing. */
static sotto_status tell_health(night *n, sotto_diag *diag)
{
    const sotto_http_message *response;
    sotto_vec health;
    bool known = false;
    if (n->config->health_path == NULL)
        return SOTTO_OK;
    sotto_status st = ask_health(n, &health, &known, diag);
    n->result->serve_away = false; /* it was there when the night began, and reports were sent */
    sotto_span body = sotto_vec_span(&health);
    if (st == SOTTO_OK && known && (n->tell_health || !was_told(n->config->health_path, body))) {
        st = request(n->config->head_office, "PUT", "/v1/health", "application/json", body, ANSWER_MAX,
                     &response, diag);
        if (st == SOTTO_OK && response->code != 200 && response->code != 404)
            st = client_refusal(n->config->head_office, response, diag);
        if (st == SOTTO_OK && response->code == 200)
            st = sotto_port_write_file(n->config->health_path, body, 0600, diag);
    }
    sotto_vec_free(&health);
    return st;
}

static void part(night *n, const char *name, sotto_status (*run)(night *, sotto_diag *))
{
    sotto_diag diag = {0};
    note(n, name, run(n, &diag), &diag);
}

/* Head office that sheds load is left alone; serve is not. */
static bool left_alone(const night *n)
{
    return sotto_status_cause(n->first) == SOTTO_CAUSE_BUSY && n->result->retry_after_s > 0;
}

static sotto_status get_pack(night *n, sotto_diag *diag)
{
    sotto_status st = pack_night(n->config, n->result, diag);
    if (n->result->pack_seq != 0)
        sotto_log_event(n->config->log, SOTTO_LOG_INFO, "sync.pack", "seq=%llu",
                        (unsigned long long)n->result->pack_seq);
    return st;
}

static sotto_status begin(night *n, sotto_diag *diag)
{
    session_answer answer = {0};
    if (n->config->session_path == NULL)
        return SOTTO_OK;
    sotto_status st =
        session_begin(n->config->head_office, n->config->session_path, &n->config->entropy, &answer, diag);
    n->result->retry_after_s = answer.retry_after_s;
    n->tell_health = answer.tell_health;
    return st;
}

sotto_status sotto_night_run(const sotto_night_config *config, sotto_night_result *result, sotto_diag *diag)
{
    night n = {.config = config, .result = result, .first = SOTTO_OK, .diag = diag};
    memset(result, 0, sizeof *result);
    part(&n, "session", begin);
    result->quarantined = sotto_status_cause(n.first) == SOTTO_CAUSE_DENIED;
    if (result->quarantined)
        return n.first;
    if (!left_alone(&n))
        get_release(&n);
    if (result->serve_away)
        return n.first;
    part(&n, "night", close_night);
    if (!left_alone(&n))
        part(&n, "reports", empty_outbox);
    if (!left_alone(&n))
        part(&n, "absent", tell_all_absent);
    if (!left_alone(&n))
        part(&n, "health", tell_health);
    if (!left_alone(&n)) /* last: it may be long, and what it forgets has been counted by now */
        part(&n, "pack", get_pack);
    return n.first;
}
