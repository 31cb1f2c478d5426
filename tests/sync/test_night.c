/*
 * The night between a head office and a serve that are other processes: what is done, what is said when one
 * of them misbehaves, and, with every single system call on the network failed once, or the process killed
 * there, that each report counts once, with the same bytes.
 */
#include "kit.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "client_priv.h"

#define REPORTS 2
#define FIRST   41 /* sequence number of the first report */

/* What both servers know, shared with the test. */
typedef struct world {
    /* head office */
    bool have[REPORTS];
    uint8_t sha256[REPORTS][SOTTO_SHA256_BYTES];
    int put, repeated, conflicts;
    /* serve */
    bool acked[REPORTS];
    int wrong_acks, nights;
    uint64_t release;
    /* moods */
    int office_code; /* other than 0: this answer to every PUT */
    int busy;        /* so many PUTs more are answered 503 and a short Retry-After */
    int pauses;
    bool wrong_receipt, sticky_outbox, refuse_release, no_seq;
    int final_seq; /* head office refuses this one for good */
    bool aside[REPORTS], told[REPORTS];
    int absent_told; /* times that head office was told */
    /* sessions */
    char token[33], before[33];
    int nights_said, lose_session; /* the answer to the n-th from now is lost */
    bool clone, revoked;
    /* how it does */
    bool health_lost;    /* head office asks for it */
    bool health_refused; /* the next one does not get through */
    int health_told;
    bool chatters; /* serve, once the reports are away: more than an answer may be */
    char trust[256], release_dir[256], session[256], health[264];
} world;

static world *w;
static repo office_repo;

static void report_bytes(uint64_t seq, uint8_t out[static 5000])
{
    for (size_t i = 0; i < 5000; i++)
        out[i] = (uint8_t)(i * 7 + seq);
}

static void put_json(sotto_reply *reply, int code, const char *json)
{
    reply->code = code;
    kit_ok(sotto_vec_printf(&reply->body, "%s", json), NULL);
}

static bool target_seq(const sotto_http_message *request, const char *before, const char *after,
                       uint64_t *seq)
{
    char target[128], expected[128];
    unsigned long long number;
    if (sotto_span_to_str(request->target, target, sizeof target) != SOTTO_OK)
        return false;
    char form[64];
    (void)snprintf(form, sizeof form, "%s%%llu", before);
    if (sscanf(target, form, &number) != 1)
        return false;
    (void)snprintf(expected, sizeof expected, "%s%llu%s", before, number, after);
    *seq = number;
    return strcmp(target, expected) == 0 && number >= FIRST && number < FIRST + REPORTS;
}

/* ---- head office ---- */

static void take_report(const sotto_http_message *request, uint64_t seq, sotto_reply *reply)
{
    uint8_t digest[SOTTO_SHA256_BYTES];
    char hex[65], json[256];
    size_t i = (size_t)(seq - FIRST);
    kit_ok(sotto_sha256(request->body, digest), NULL);
    bool repeated = w->have[i];
    w->put++;
    if (repeated && memcmp(w->sha256[i], digest, sizeof digest) != 0) {
        w->conflicts++;
        put_json(reply, 409, "{\"error\":{\"text\":\"other bytes\"}}");
        return;
    }
    w->repeated += repeated;
    memcpy(w->sha256[i], digest, sizeof digest);
    w->have[i] = true;
    sotto_hex_encode(sotto_span_of(digest, sizeof digest), hex, sizeof hex);
    if (w->wrong_receipt)
        hex[0] = hex[0] == 'a' ? 'b' : 'a';
    (void)snprintf(json, sizeof json, "{\"seq\":%llu,\"sha256\":\"%s\",\"repeated\":%s}",
                   (unsigned long long)seq, hex, repeated ? "true" : "false");
    put_json(reply, 200, json);
}

/* As the registry does it. */
static void take_session(const sotto_http_message *request, sotto_reply *reply)
{
    char body[160], have[33], next[33];
    kit_ok(sotto_span_to_str(request->body, body, sizeof body), NULL);
    bool form = sscanf(body, "{\"have\":\"%32[^\"]\",\"next\":\"%32[^\"]\"}", have, next) == 2 && !w->revoked;
    bool repeated = strcmp(w->token, next) == 0 && strcmp(w->before, have) == 0;
    w->nights_said++;
    if (!form || (w->token[0] != '\0' && strcmp(w->token, have) != 0 && !repeated)) {
        w->clone = true;
        put_json(reply, 403,
                 w->revoked ? "{\"error\":{\"text\":\"this device was revoked\"}}"
                            : "{\"error\":{\"text\":\"two of you\"}}");
        return;
    }
    memcpy(w->before, have, sizeof have);
    memcpy(w->token, next, sizeof next);
    if (w->lose_session > 0 && --w->lose_session == 0)
        put_json(reply, 500, "{}");
    else /* "{}" is an older head office's */
        put_json(reply, 200, w->health_lost ? "{\"tell_health\":true}" : "{}");
}

static const char *far_too_much(void)
{
    static char text[1 << 20];
    memset(text, ' ', sizeof text - 1);
    return text;
}

static void take_health(sotto_reply *reply)
{
    if (w->health_refused) {
        w->health_refused = false;
        put_json(reply, 500, "{}");
        return;
    }
    w->health_told++;
    w->health_lost = false;
    put_json(reply, 200, "{}");
}

static void office(void *ctx, const sotto_http_message *request, const sotto_peer *peer, sotto_reply *reply)
{
    static const char prefix[] = "/v1/release/";
    char target[512];
    uint64_t seq;
    (void)ctx;
    (void)peer;
    kit_ok(sotto_span_to_str(request->target, target, sizeof target), NULL);
    if (strncmp(target, prefix, sizeof prefix - 1) == 0) {
        repo_file *f = repo_find(&office_repo, target + sizeof prefix - 1);
        reply->code = f == NULL ? 404 : 200;
        reply->content_type = "application/octet-stream";
        if (f != NULL)
            kit_ok(sotto_vec_put(&reply->body, f->bytes.ptr, f->bytes.len), NULL);
    } else if (sotto_span_is(request->target, "/v1/night")) {
        take_session(request, reply);
    } else if (sotto_span_is(request->target, "/v1/health")) {
        take_health(reply);
    } else if (w->busy > 0) {
        w->busy--;
        put_json(reply, 503, "{\"error\":{\"text\":\"too many at once\"}}");
        reply->extra = "Retry-After: 2\r\n";
    } else if (w->office_code != 0) {
        put_json(reply, w->office_code, "{\"error\":{\"text\":\"in a mood\"}}");
        reply->extra = "Retry-After: 120\r\n";
    } else if (target_seq(request, "/v1/reports/", "/absent", &seq)) {
        w->absent_told++;
        put_json(reply, w->aside[seq - FIRST] ? 200 : 400, "{}");
    } else if (w->final_seq != 0 && target_seq(request, "/v1/reports/", "", &seq) &&
               seq == (uint64_t)w->final_seq) {
        put_json(reply, 400, "{\"error\":{\"text\":\"not for us\"}}");
        reply->extra = "Sotto-Final: yes\r\n";
    } else if (sotto_span_is(request->method, "PUT") && target_seq(request, "/v1/reports/", "", &seq)) {
        take_report(request, seq, reply);
    } else {
        put_json(reply, 404, "{}");
    }
}

/* ---- serve ---- */

static void next_of_outbox(sotto_reply *reply)
{
    static char header[64];
    uint8_t bytes[5000];
    for (uint64_t i = 0; i < REPORTS; i++) {
        if ((w->acked[i] && !w->sticky_outbox) || w->aside[i])
            continue;
        report_bytes(FIRST + i, bytes);
        (void)snprintf(header, sizeof header, "Sotto-Seq: %llu\r\n", (unsigned long long)(FIRST + i));
        reply->code = 200;
        reply->content_type = "application/octet-stream";
        reply->extra = w->no_seq ? NULL : header;
        kit_ok(sotto_vec_put(&reply->body, bytes, sizeof bytes), NULL);
        return;
    }
    reply->code = 204;
}

static void next_absent(sotto_reply *reply)
{
    char json[160];
    reply->code = 204;
    for (int i = 0; i < REPORTS; i++) {
        if (!w->aside[i] || w->told[i])
            continue;
        (void)snprintf(json, sizeof json, "{\"seq\":%d,\"sha256\":\"%064d\",\"reason\":\"refused\"}",
                       FIRST + i, 7);
        put_json(reply, 200, json);
        return;
    }
}

static void take_ack(const sotto_http_message *request, uint64_t seq, sotto_reply *reply)
{
    uint8_t bytes[5000], digest[SOTTO_SHA256_BYTES];
    char hex[65], expected[128];
    report_bytes(seq, bytes);
    kit_ok(sotto_sha256(sotto_span_of(bytes, sizeof bytes), digest), NULL);
    sotto_hex_encode(sotto_span_of(digest, sizeof digest), hex, sizeof hex);
    (void)snprintf(expected, sizeof expected, "{\"sha256\":\"%s\"}", hex);
    /* Acknowledged means that head office has it: nothing else may be said to serve. */
    if (!sotto_span_is(request->body, expected) || !w->have[seq - FIRST])
        w->wrong_acks++;
    w->acked[seq - FIRST] = true;
    reply->code = 204;
}

static void take_release(const sotto_http_message *request, sotto_reply *reply)
{
    unsigned long long version = 0;
    char text[64], json[128];
    sotto_diag diag = {0};
    const sotto_tuf_config config = {.metadata_dir = w->trust, .now_s = REPO_NOW_S};
    kit_ok(sotto_span_to_str(request->body, text, sizeof text), NULL);
    bool form = sscanf(text, "{\"version\":%llu}", &version) == 1;
    if (!form || w->refuse_release ||
        sotto_release_verify(w->release_dir, version, &config, &diag) != SOTTO_OK) {
        put_json(reply, 422, "{\"accepted\":false,\"reason\":\"the model does not decide\"}");
        return;
    }
    w->release = version;
    (void)snprintf(json, sizeof json, "{\"accepted\":true,\"version\":%llu}", version);
    put_json(reply, 200, json);
}

static void serve(void *ctx, const sotto_http_message *request, const sotto_peer *peer, sotto_reply *reply)
{
    uint64_t seq;
    (void)ctx;
    (void)peer;
    if (sotto_span_is(request->target, "/v1/outbox/next"))
        next_of_outbox(reply);
    else if (target_seq(request, "/v1/outbox/", "/ack", &seq))
        take_ack(request, seq, reply);
    else if (target_seq(request, "/v1/outbox/", "/refused", &seq))
        w->aside[seq - FIRST] = (reply->code = 204) != 0;
    else if (target_seq(request, "/v1/outbox/", "/told", &seq))
        w->told[seq - FIRST] = (reply->code = 204) != 0;
    else if (sotto_span_is(request->target, "/v1/outbox/absent"))
        next_absent(reply);
    else if (sotto_span_is(request->target, "/v1/health") && w->health[0] != '\0')
        put_json(reply, 200, w->chatters && w->put > 0 ? far_too_much() : "{\"release\":0,\"good\":0}");
    else if (sotto_span_is(request->target, "/v1/release"))
        take_release(request, reply);
    else if (sotto_span_is(request->target, "/v1/night"))
        put_json(reply, 200,
                 w->nights++ == 0 ? "{\"closed\":true,\"seq\":41}" : "{\"closed\":false,\"seq\":0}");
    else
        put_json(reply, 404, "{}");
}

/* ---- the night under test ---- */

typedef struct fixture {
    kit_server office, serve;
    kit_clock clock;
    sotto_client *to_office; /* kept from night to night, with its session; NULL: a new one each */
    sotto_night_result result;
    sotto_diag diag;
} fixture;

static int setup(void **state)
{
    fixture *f = calloc(1, sizeof *f);
    assert_non_null(f);
    w = mmap(NULL, sizeof *w, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_true(w != MAP_FAILED);
    const char *dir = kit_scratch();
    (void)snprintf(w->trust, sizeof w->trust, "%s/trust", dir);
    (void)snprintf(w->release_dir, sizeof w->release_dir, "%s/release", dir);
    (void)snprintf(w->session, sizeof w->session, "%s/session", dir);
    repo_init(&office_repo);
    repo_add_target(&office_repo, "model.sotto", "the model");
    repo_publish(&office_repo, REPO_ROOT);
    repo_publish_day(&office_repo);
    repo_trust(&office_repo, w->trust);
    repo_trust(&office_repo, kit_path(w->release_dir, "metadata"));
    f->clock.utc_s = REPO_NOW_S;
    kit_server_start(&f->office, (sotto_server_config){.handler = office}, NULL, NULL);
    kit_server_start(&f->serve, (sotto_server_config){.handler = serve}, NULL, kit_path(dir, "link.sock"));
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    fixture *f = *state;
    kit_server_stop(&f->office);
    kit_server_stop(&f->serve);
    repo_free(&office_repo);
    (void)munmap(w, sizeof *w);
    free(f);
    return 0;
}

static sotto_status night(fixture *f)
{
    const sotto_client_config to_office = {
        .url = f->office.url, .timeout_ms = 5000, .clock = kit_clock_of(&f->clock)};
    const sotto_client_config to_serve = {
        .url = f->serve.url, .timeout_ms = 5000, .clock = kit_clock_of(&f->clock)};
    sotto_client *office_client = f->to_office, *serve_client = NULL;
    memset(&f->diag, 0, sizeof f->diag);
    if (office_client == NULL)
        kit_ok(sotto_client_new(&office_client, &to_office, &f->diag), &f->diag);
    kit_ok(sotto_client_new(&serve_client, &to_serve, &f->diag), &f->diag);
    const sotto_night_config config = {.head_office = office_client,
                                       .serve = serve_client,
                                       .release_dir = w->release_dir,
                                       .session_path = w->session,
                                       .health_path = w->health[0] != '\0' ? w->health : NULL,
                                       .entropy = sotto_port_entropy(),
                                       .clock = kit_clock_of(&f->clock)};
    sotto_status st = sotto_night_run(&config, &f->result, &f->diag);
    if (office_client != f->to_office)
        sotto_client_free(office_client);
    sotto_client_free(serve_client);
    return st;
}

/* Every report is at head office, once, with its own bytes, and acknowledged. */
static void expect_all_delivered(void)
{
    for (size_t i = 0; i < REPORTS; i++) {
        uint8_t bytes[5000], digest[SOTTO_SHA256_BYTES];
        report_bytes(FIRST + i, bytes);
        kit_ok(sotto_sha256(sotto_span_of(bytes, sizeof bytes), digest), NULL);
        assert_true(w->have[i]);
        assert_true(w->acked[i]);
        assert_memory_equal(w->sha256[i], digest, sizeof digest);
    }
    assert_int_equal(w->conflicts, 0);
    assert_int_equal(w->wrong_acks, 0);
}

static void test_a_night(void **state)
{
    fixture *f = *state;
    uint64_t current = 0;
    kit_ok(night(f), &f->diag);
    assert_int_equal(f->result.reports_sent, REPORTS);
    assert_int_equal(f->result.reports_repeated, 0);
    assert_int_equal(f->result.report_bytes, REPORTS * 5000);
    assert_int_equal(f->result.release_version, 1);
    assert_true(f->result.release_changed && f->result.release_accepted && f->result.night_closed);
    assert_int_equal(w->release, 1);
    kit_ok(sotto_release_current(w->release_dir, &current, NULL), NULL);
    assert_int_equal(current, 1);
    expect_all_delivered();
    assert_int_equal(w->put, REPORTS);
}

static void test_a_second_night_has_nothing_to_do(void **state)
{
    fixture *f = *state;
    kit_ok(night(f), &f->diag);
    kit_ok(night(f), &f->diag);
    assert_int_equal(f->result.reports_sent, 0);
    assert_int_equal(f->result.release_version, 1);
    assert_false(f->result.release_changed || f->result.release_accepted || f->result.night_closed);
    assert_int_equal(w->put, REPORTS);
}

static void test_refused_release_does_not_stop_reports(void **state)
{
    fixture *f = *state;
    uint64_t current;
    w->refuse_release = true;
    kit_cause(night(f), DENIED, &f->diag);
    assert_non_null(strstr(f->diag.text, "the model does not decide"));
    assert_int_equal(f->result.reports_sent, REPORTS);
    kit_cause(sotto_release_current(w->release_dir, &current, NULL), NOT_FOUND, NULL);
    expect_all_delivered();
    /* Offered again the next night. */
    w->refuse_release = false;
    kit_ok(night(f), &f->diag);
    assert_false(f->result.release_changed);
    assert_true(f->result.release_accepted);
}

static void test_expired_release_does_not_stop_reports(void **state)
{
    fixture *f = *state;
    f->clock.utc_s = REPO_NOW_S + 400 * INT64_C(86400);
    kit_cause(night(f), EXPIRED, &f->diag);
    expect_all_delivered();
    assert_int_equal(w->release, 0);
}

static void test_head_office_sheds_load(void **state)
{
    fixture *f = *state;
    w->office_code = 503;
    kit_cause(night(f), BUSY, &f->diag);
    assert_int_equal(f->result.retry_after_s, 120);
    assert_int_equal(f->result.reports_sent, 0);
    assert_int_equal(f->result.release_version, 1);
    w->office_code = 0;
    kit_ok(night(f), &f->diag);
    expect_all_delivered();
}

static sotto_status one_try(void *ctx, int64_t *retry_after_s, sotto_diag *diag)
{
    fixture *f = ctx;
    sotto_status st = night(f);
    *retry_after_s = f->result.retry_after_s;
    *diag = f->diag;
    return st;
}

static void note_the_pause(void *ctx, uint32_t next, int64_t pause_s)
{
    (void)ctx;
    assert_in_range(next, 2, 3);
    assert_in_range(pause_s, 2, SOTTO_NIGHT_PAUSE_MAX_S);
    w->pauses++;
}

/* `sotto sync --until-done`: sent away twice, and the third time everything is brought, each report once. */
static void test_until_done(void **state)
{
    fixture *f = *state;
    sotto_diag diag = {0};
    const sotto_night_tries tries = {.device = "kiosk-0001",
                                     .night = REPO_NOW_S / 86400,
                                     .give_up_ms = 4 * 3600 * 1000,
                                     .clock = kit_clock_of(&f->clock),
                                     .ctx = f,
                                     .run = one_try,
                                     .wait = note_the_pause};
    w->busy = 2;
    kit_ok(sotto_night_until_done(&tries, &diag), &diag);
    assert_int_equal(w->pauses, 2);
    assert_int_equal(f->result.reports_sent, REPORTS);
    assert_int_equal(w->put, REPORTS);
    expect_all_delivered();
}

static void test_refusals_of_head_office(void **state)
{
    fixture *f = *state;
    static const struct {
        int code, cause;
    } answers[] = {{409, SOTTO_CAUSE_EXISTS},  {413, SOTTO_CAUSE_RANGE}, {400, SOTTO_CAUSE_MALFORMED},
                   {500, SOTTO_CAUSE_NETWORK}, {403, SOTTO_CAUSE_AUTH},  {404, SOTTO_CAUSE_NOT_FOUND},
                   {302, SOTTO_CAUSE_PROTOCOL}};
    for (size_t i = 0; i < SOTTO_COUNT(answers); i++) {
        w->office_code = answers[i].code;
        sotto_status st = night(f);
        assert_int_equal(sotto_status_cause(st), answers[i].cause);
        assert_non_null(strstr(f->diag.text, "in a mood"));
        assert_false(w->acked[0]);
    }
}

/* Told once as a failure, then out of the way; a proxy's 400 without head office's own word sets nothing
 * aside (test_refusals_of_head_office). */
static void test_a_report_refused_for_good_blocks_nothing(void **state)
{
    fixture *f = *state;
    w->final_seq = FIRST;
    kit_cause(night(f), MALFORMED, &f->diag);
    assert_non_null(strstr(f->diag.text, "not for us"));
    assert_int_equal(f->result.reports_refused, 1);
    assert_int_equal(f->result.reports_sent, REPORTS - 1);
    assert_true(w->aside[0] && w->told[0] && !w->acked[0]);
    assert_int_equal(w->absent_told, 1);
    kit_ok(night(f), &f->diag);
    assert_int_equal(w->absent_told, 1);
    assert_true(w->acked[1]);
}

/* The disk with the session is copied: whichever calls second is stopped. Lost answers are no copies. */
static void test_a_copied_disk_is_noticed(void **state)
{
    fixture *f = *state;
    kit_ok(night(f), &f->diag);
    w->lose_session = 1;
    kit_cause(night(f), NETWORK, &f->diag);
    kit_ok(night(f), &f->diag);
    assert_false(w->clone);
    sotto_vec copy = kit_read(w->session);
    kit_ok(night(f), &f->diag);
    kit_write(w->session, copy.ptr, copy.len);
    int put = w->put;
    kit_cause(night(f), DENIED, &f->diag);
    assert_true(w->clone);
    assert_int_equal(w->put, put); /* nothing else is done */
    sotto_vec_free(&copy);
}

/* Who was revoked is not told of another machine. */
static void test_why_it_was_stopped(void **state)
{
    fixture *f = *state;
    w->revoked = true;
    kit_cause(night(f), DENIED, &f->diag);
    assert_true(f->result.quarantined);
    assert_non_null(strstr(f->diag.text, "has stopped this terminal: this device was revoked"));
}

/* Once, and again when head office has lost it (an older copy of it was put back), until it has it. */
static void test_how_it_does_is_told_when_asked(void **state)
{
    fixture *f = *state;
    (void)snprintf(w->health, sizeof w->health, "%s.health", w->session);
    kit_ok(night(f), &f->diag);
    kit_ok(night(f), &f->diag);
    assert_int_equal(w->health_told, 1);
    w->health_lost = w->health_refused = true;
    kit_cause(night(f), NETWORK, &f->diag);
    assert_int_equal(w->health_told, 1);
    kit_ok(night(f), &f->diag);
    kit_ok(night(f), &f->diag);
    assert_int_equal(w->health_told, 2);
}

/* What a power cut can leave of the session is one without a token. */
static void test_an_empty_session_is_a_new_one(void **state)
{
    fixture *f = *state;
    kit_write(w->session, "", 0);
    kit_ok(night(f), &f->diag);
    assert_false(w->clone);
}

/* A receipt for other bytes is no receipt. */
static void test_wrong_receipt_is_not_acknowledged(void **state)
{
    fixture *f = *state;
    w->wrong_receipt = true;
    kit_cause(night(f), PROTOCOL, &f->diag);
    assert_false(w->acked[0]);
    w->wrong_receipt = false;
    kit_ok(night(f), &f->diag);
    assert_int_equal(f->result.reports_repeated, 1);
    expect_all_delivered();
}

static void test_outbox_that_never_empties(void **state)
{
    fixture *f = *state;
    w->sticky_outbox = true;
    kit_cause(night(f), PROTOCOL, &f->diag);
    assert_int_equal(f->result.reports_sent, 1);
    w->sticky_outbox = false;
    w->no_seq = true;
    kit_cause(night(f), PROTOCOL, &f->diag);
}

static void test_head_office_is_away(void **state)
{
    fixture *f = *state;
    kit_server_stop(&f->office);
    kit_cause(night(f), NETWORK, &f->diag);
    assert_true(f->result.night_closed);
    assert_false(w->acked[0]);
}

static void test_serve_is_away(void **state)
{
    fixture *f = *state;
    kit_server_stop(&f->serve);
    kit_cause(night(f), NOT_FOUND, &f->diag);
    assert_non_null(strstr(f->diag.text, "start it first"));
    assert_true(f->result.serve_away);
    assert_true(f->result.release_changed); /* it may be what mends serve */
    assert_false(f->result.release_accepted);
    assert_int_equal(w->put, 0);
}

/* Where it is lost in the midst, what was done before is told all the same. */
static void test_serve_is_lost_late(void **state)
{
    fixture *f = *state;
    (void)snprintf(w->health, sizeof w->health, "%s.health", w->session);
    w->chatters = true;
    assert_int_not_equal(night(f), SOTTO_OK);
    assert_int_equal(f->result.reports_sent, REPORTS);
    assert_false(f->result.serve_away);
}

/* ---- every call fails, or is the last ---- */

static long calls_left = -1; /* -1 = none fails */
static bool die;

static bool fails_now(void)
{
    if (calls_left < 0 || calls_left-- > 0)
        return false;
    if (die)
        _exit(0);
    errno = ECONNRESET;
    return true;
}

ssize_t __real_send(int fd, const void *buf, size_t len, int flags);
ssize_t __wrap_send(int fd, const void *buf, size_t len, int flags);
ssize_t __wrap_send(int fd, const void *buf, size_t len, int flags)
{
    return fails_now() ? -1 : __real_send(fd, buf, len, flags);
}

ssize_t __real_recv(int fd, void *buf, size_t len, int flags);
ssize_t __wrap_recv(int fd, void *buf, size_t len, int flags);
ssize_t __wrap_recv(int fd, void *buf, size_t len, int flags)
{
    ssize_t n = __real_recv(fd, buf, len, flags);
    /* What had arrived is lost: the answer was on its way. */
    return n >= 0 && fails_now() ? -1 : n;
}

ssize_t __real_write(int fd, const void *buf, size_t len);
ssize_t __wrap_write(int fd, const void *buf, size_t len);
ssize_t __wrap_write(int fd, const void *buf, size_t len)
{
    if (fd > 2 && fails_now()) {
        errno = EIO;
        return -1;
    }
    return __real_write(fd, buf, len);
}

/* Nothing here loses power, so the real one would only cost time. */
int __wrap_fsync(int fd);
int __wrap_fsync(int fd)
{
    if (fails_now()) {
        errno = EIO;
        return -1;
    }
    (void)fd;
    return 0;
}

static void forget_everything(void)
{
    char trust[256], release_dir[256], session[256];
    memcpy(session, w->session, sizeof session);
    memcpy(trust, w->trust, sizeof trust);
    memcpy(release_dir, w->release_dir, sizeof release_dir);
    memset(w, 0, sizeof *w);
    memcpy(w->trust, trust, sizeof trust);
    memcpy(w->release_dir, release_dir, sizeof release_dir);
    memcpy(w->session, session, sizeof session);
    (void)remove(session);
    kit_remove_tree(w->release_dir);
    repo_trust(&office_repo, kit_path(w->release_dir, "metadata"));
}

/* One night in a child, disturbed at the n-th call; whether that call was reached. */
static bool disturbed_night(fixture *f, long n, bool kill_it)
{
    int status = 0;
    pid_t pid = kit_fork();
    if (pid == 0) {
        calls_left = n;
        die = kill_it;
        sotto_status st = night(f);
        _exit(calls_left >= 0 ? 10 : st == SOTTO_OK ? 11 : 12);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    int code = WEXITSTATUS(status);
    assert_true(code == 0 || code == 10 || code == 11 || code == 12);
    return code != 10;
}

static void each_call(fixture *f, bool kill_it)
{
    long n = 0;
    for (;; n += KIT_STRIDE) {
        forget_everything();
        bool reached = disturbed_night(f, n, kill_it);
        for (size_t i = 0; i < REPORTS; i++)
            assert_true(!w->acked[i] || w->have[i]);
        kit_ok(night(f), &f->diag);
        expect_all_delivered();
        assert_int_equal(w->put - w->repeated, REPORTS);
        assert_int_equal(w->release, 1);
        assert_false(w->clone);
        if (!reached)
            break;
    }
    assert_true(n > 30);
}

static void test_each_call_fails(void **state)
{
    each_call(*state, false);
}

static void test_killed_at_each_call(void **state)
{
    each_call(*state, true);
}

/* ---- the line, cut after every byte ---- */

typedef struct tls_line {
    kit_line line;
    sotto_tls *server, *client;
    kit_server office;
} tls_line;

/* Head office behind TLS, at the end of a line that can be cut; the terminal keeps its session, as from night
 * to night, so that most handshakes are by ticket. */
static void tls_line_open(tls_line *t, fixture *f)
{
    static const char *const names[] = {"localhost"};
    static kit_identity authority, office_identity, device;
    const int64_t from = REPO_NOW_S - 1000, to = REPO_NOW_S + 1000000;
    const sotto_clock clock = kit_clock_of(&f->clock);
    char url[64];
    kit_ok(sotto_vault_start(NULL), NULL);
    kit_authority(&authority, "Bank devices", from, to);
    kit_issue(&office_identity, &authority, SOTTO_CERT_SERVER, "head office", names, 1, from, to);
    kit_issue(&device, &authority, SOTTO_CERT_DEVICE, "kiosk-0001", NULL, 0, from, to);
    t->server = kit_tls(true, &authority, &office_identity, true, clock);
    t->client = kit_tls(false, &authority, &device, false, clock);
    kit_server_start(&t->office, (sotto_server_config){.handler = office}, t->server, NULL);
    kit_line_start(&t->line, t->office.port);
    (void)snprintf(url, sizeof url, "https://localhost:%u", (unsigned)t->line.port);
    const sotto_client_config config = {.url = url, .tls = t->client, .timeout_ms = 5000, .clock = clock};
    kit_ok(sotto_client_new(&f->to_office, &config, NULL), NULL);
}

static void tls_line_close(tls_line *t, fixture *f)
{
    sotto_client_free(f->to_office);
    f->to_office = NULL;
    kit_line_stop(&t->line);
    kit_server_stop(&t->office);
    sotto_tls_free(t->server);
    sotto_tls_free(t->client);
}

static void hang_up(fixture *f)
{
    sync_stream_close(&f->to_office->stream);
    f->to_office->connected = false;
}

/* The night in which the line dies after so many bytes, and one more. False: it is over by then. */
static bool cut_night(tls_line *t, fixture *f, enum kit_side side, int64_t bytes)
{
    forget_everything();
    hang_up(f);
    kit_line_cut_after(&t->line, side, bytes);
    sotto_status st = night(f);
    bool dead = kit_line_is_dead(&t->line);
    assert_true(dead || st == SOTTO_OK);
    for (size_t i = 0; i < REPORTS; i++)
        assert_true(!w->acked[i] || w->have[i]);
    hang_up(f);
    kit_line_mend(&t->line);
    kit_ok(night(f), &f->diag);
    expect_all_delivered();
    assert_int_equal(w->put - w->repeated, REPORTS);
    assert_int_equal(w->release, 1);
    assert_false(w->clone);
    return dead;
}

/* A cut record is one that does not come: each byte of the first of them, then each 127th. All of them:
 * SOTTO_EVERY_BYTE=1. */
static void cut_everywhere(fixture *f, enum kit_side side)
{
    const bool all = getenv("SOTTO_EVERY_BYTE") != NULL;
    tls_line t;
    int64_t at = 0;
    tls_line_open(&t, f);
    kit_ok(night(f), &f->diag);
    while (cut_night(&t, f, side, at))
        at += all || at < 12 ? 1 : 127 * KIT_STRIDE;
    assert_true(at > 3000);
    tls_line_close(&t, f);
}

static void test_line_cut_at_what_the_server_sends(void **state)
{
    cut_everywhere(*state, KIT_FROM_SERVER);
}

static void test_line_cut_at_what_the_client_sends(void **state)
{
    cut_everywhere(*state, KIT_FROM_CLIENT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_a_night, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_second_night_has_nothing_to_do, setup, teardown),
        cmocka_unit_test_setup_teardown(test_refused_release_does_not_stop_reports, setup, teardown),
        cmocka_unit_test_setup_teardown(test_expired_release_does_not_stop_reports, setup, teardown),
        cmocka_unit_test_setup_teardown(test_head_office_sheds_load, setup, teardown),
        cmocka_unit_test_setup_teardown(test_until_done, setup, teardown),
        cmocka_unit_test_setup_teardown(test_refusals_of_head_office, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_report_refused_for_good_blocks_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_copied_disk_is_noticed, setup, teardown),
        cmocka_unit_test_setup_teardown(test_why_it_was_stopped, setup, teardown),
        cmocka_unit_test_setup_teardown(test_how_it_does_is_told_when_asked, setup, teardown),
        cmocka_unit_test_setup_teardown(test_an_empty_session_is_a_new_one, setup, teardown),
        cmocka_unit_test_setup_teardown(test_wrong_receipt_is_not_acknowledged, setup, teardown),
        cmocka_unit_test_setup_teardown(test_outbox_that_never_empties, setup, teardown),
        cmocka_unit_test_setup_teardown(test_head_office_is_away, setup, teardown),
        cmocka_unit_test_setup_teardown(test_serve_is_away, setup, teardown),
        cmocka_unit_test_setup_teardown(test_serve_is_lost_late, setup, teardown),
        cmocka_unit_test_setup_teardown(test_each_call_fails, setup, teardown),
        cmocka_unit_test_setup_teardown(test_killed_at_each_call, setup, teardown),
        cmocka_unit_test_setup_teardown(test_line_cut_at_what_the_server_sends, setup, teardown),
        cmocka_unit_test_setup_teardown(test_line_cut_at_what_the_client_sends, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
