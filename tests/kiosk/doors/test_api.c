/* The two doors of serve, on an engine with a fresh store and no release: everything answers, bad input
 * changes nothing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../temp.h"
#include "commands.h"
#include "doors/doors.h"
#include "engine/tell.h"

static kiosk_config config;
static kiosk_engine *engine;

typedef void (*door)(void *ctx, const sotto_http_message *request, const sotto_peer *peer,
                     sotto_reply *reply);

/* Sends one request to a door; answer (NUL-ended, cut to cap) may be NULL. */
static int send_to(door handle, const char *method, const char *target, const char *body, char *answer,
                   size_t cap)
{
    const sotto_http_message request = {.is_request = true,
                                        .method = sotto_span_str(method),
                                        .target = sotto_span_str(target),
                                        .body = sotto_span_str(body)};
    sotto_reply reply = {0};
    sotto_vec_init(&reply.body, 1u << 20);
    handle(engine, &request, NULL, &reply);
    if (answer != NULL)
        snprintf(answer, cap, "%.*s", (int)reply.body.len, (const char *)reply.body.ptr);
    sotto_vec_free(&reply.body);
    return reply.code;
}

static int api(const char *method, const char *target, const char *body, char *answer, size_t cap)
{
    return send_to(kiosk_api_handle, method, target, body, answer, cap);
}

static int ask_link(const char *method, const char *target, const char *body, char *answer, size_t cap)
{
    return send_to(kiosk_link_handle, method, target, body, answer, cap);
}

static void without_a_release_the_answer_is_nothing(void **state)
{
    (void)state;
    char answer[2048];
    assert_int_equal(api("POST", "/v1/decide", "{\"customer\":\"10017\"}", answer, sizeof answer), 200);
    assert_non_null(strstr(answer, "\"offers\":[]"));
    assert_non_null(strstr(answer, "\"code\":\"no_release\""));
    assert_int_equal(api("POST", "/v1/decide", "{}", answer, sizeof answer), 200);
    assert_int_equal(api("POST", "/v1/decide", "{\"customer\":null,\"explain\":true}", answer, sizeof answer),
                     200);
}

static void bad_questions_say_where(void **state)
{
    (void)state;
    static const struct {
        const char *body, *place;
    } bad[] = {
        {"{\"customer\":17}", "customer"},    {"{\"customer\":\"\"}", "customer"},
        {"{\"offers\":0}", "offers"},         {"{\"offers\":17}", "offers"},
        {"{\"offers\":\"3\"}", "offers"},     {"{\"slott\":\"idle\"}", "slott"},
        {"{\"explain\":\"yes\"}", "explain"}, {"{\"slot\":[]}", "slot"},
        {"{\"offers\":1.5}", "offers"},
    };
    for (size_t i = 0; i < SOTTO_COUNT(bad); i++) {
        char answer[2048];
        assert_int_equal(api("POST", "/v1/decide", bad[i].body, answer, sizeof answer), 400);
        assert_non_null(strstr(answer, bad[i].place));
        assert_non_null(strstr(answer, "\"error\""));
    }
}

/* Every byte of the name is escaped as six in the error that quotes it. */
static void an_error_full_of_escapes_is_whole_json(void **state)
{
    (void)state;
    char body[1024] = "{\"", answer[4096];
    for (int i = 0; i < 120; i++)
        strcat(body, "\\u0001");
    strcat(body, "\":1}");
    sotto_json *doc = NULL;
    assert_int_equal(api("POST", "/v1/decide", body, answer, sizeof answer), 400);
    assert_int_equal(sotto_json_parse(&doc, sotto_span_str(answer), "answer", NULL), SOTTO_OK);
    sotto_json_free(doc);
}

static void what_is_no_json_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {"",
                                      "{",
                                      "[]",
                                      "7",
                                      "\"x\"",
                                      "{\"customer\":\"a\"} x",
                                      "{\"customer\":\"\xff\"}",
                                      "{\"customer\":\"a\",\"customer\":\"b\"}",
                                      "null"};
    for (size_t i = 0; i < SOTTO_COUNT(bad); i++) {
        assert_int_equal(api("POST", "/v1/decide", bad[i], NULL, 0), 400);
        assert_int_equal(api("POST", "/v1/events", bad[i], NULL, 0), 400);
        assert_int_equal(api("POST", "/v1/forget", bad[i], NULL, 0), 400);
    }
}

static void unknown_paths_and_methods_are_refused(void **state)
{
    (void)state;
    assert_int_equal(api("GET", "/v1/nothing", "", NULL, 0), 404);
    assert_int_equal(api("GET", "/v1/decide", "", NULL, 0), 400);
    assert_int_equal(api("POST", "/v1/outbox/1/ack", "{}", NULL, 0), 404); /* the other door's */
    assert_int_equal(ask_link("POST", "/v1/decide", "{}", NULL, 0), 404);
    assert_int_equal(ask_link("GET", "/v1/audit", "", NULL, 0), 404);
}

static void events_need_a_release(void **state)
{
    (void)state;
    assert_int_equal(api("POST", "/v1/events", "{\"customer\":\"1\",\"kind\":\"card_in\"}", NULL, 0), 404);
    assert_int_equal(api("POST", "/v1/events", "{\"customer\":\"1\",\"kind\":\"dance\"}", NULL, 0), 400);
    assert_int_equal(
        api("POST", "/v1/events", "{\"customer\":\"1\",\"kind\":\"shown\",\"at\":\"noon\"}", NULL, 0), 400);
    assert_int_equal(
        api("POST", "/v1/events", "{\"customer\":\"1\",\"kind\":\"card_in\",\"decision\":5}", NULL, 0), 400);
    uint64_t count = 1;
    assert_int_equal(sotto_store_count(engine->store, SOTTO_RECORD_PROFILE, &count, NULL), SOTTO_OK);
    assert_int_equal(count, 0);
}

static void an_unknown_customer_cannot_be_forgotten(void **state)
{
    (void)state;
    assert_int_equal(api("POST", "/v1/forget", "{\"customer\":\"1\"}", NULL, 0), 404);
}

static void status_and_audit_are_json(void **state)
{
    (void)state;
    char answer[4096];
    sotto_json *doc;
    assert_int_equal(api("GET", "/v1/status", "", answer, sizeof answer), 200);
    assert_int_equal(sotto_json_parse(&doc, sotto_span_str(answer), "status", NULL), SOTTO_OK);
    int64_t customers = -1;
    assert_int_equal(sotto_json_get_i64(sotto_json_root(doc), "customers", 0, 9, &customers, NULL), SOTTO_OK);
    assert_int_equal(customers, 0);
    const sotto_json_node budget = sotto_json_member(sotto_json_root(doc), "budget");
    assert_int_equal(sotto_json_get_i64(budget, "nothing_left", 0, 0, &customers, NULL), SOTTO_OK);
    int64_t free_bytes = 0;
    assert_int_equal(sotto_json_get_i64(sotto_json_member(sotto_json_root(doc), "disk"), "free_bytes", 1,
                                        INT64_MAX, &free_bytes, NULL),
                     SOTTO_OK);
    assert_int_equal(sotto_json_type(sotto_json_member(sotto_json_root(doc), "night")), SOTTO_JSON_NULL);
    sotto_json_free(doc);
    assert_int_equal(api("GET", "/v1/audit", "", answer, sizeof answer), 200);
    assert_string_equal(answer, "{\"reports\":[]}");
}

/* Years of nights: the audit leaves none of them out, with or without the bytes. */
static void the_audit_of_years_is_whole(void **state)
{
    (void)state;
    enum { NIGHTS = 2000, BYTES = 1000 };
    static const uint8_t sealed[BYTES];
    assert_int_equal(sotto_store_begin(engine->store, NULL), SOTTO_OK);
    for (uint64_t seq = 1; seq <= NIGHTS; seq++) {
        const sotto_outbox_entry entry = {.seq = seq, .sealed_s = 86400, .note = "{}"};
        assert_int_equal(sotto_store_outbox_append(engine->store, &entry, sotto_span_of(sealed, BYTES), NULL),
                         SOTTO_OK);
    }
    sotto_vec answer;
    sotto_vec_init(&answer, 16u << 20);
    for (int with_bytes = 0; with_bytes < 2; with_bytes++) {
        sotto_json *doc;
        answer.len = 0;
        assert_int_equal(kiosk_audit_json(engine, with_bytes == 1, &answer, NULL), SOTTO_OK);
        assert_true(answer.len > (with_bytes == 1 ? 2u * NIGHTS * BYTES : sizeof engine->answer));
        assert_int_equal(sotto_json_parse(&doc, sotto_vec_span(&answer), "audit", NULL), SOTTO_OK);
        assert_int_equal(sotto_json_count(sotto_json_member(sotto_json_root(doc), "reports")), NIGHTS);
        sotto_json_free(doc);
    }
    sotto_vec_free(&answer);
    sotto_store_rollback(engine->store);
}

static void the_link_tells_the_report_key(void **state)
{
    (void)state;
    char answer[1024];
    uint8_t key[SOTTO_PUBLIC_KEY_BYTES];
    char hex[2 * sizeof key + 1];
    assert_int_equal(sotto_vault_report_public_key(engine->vault, key), SOTTO_OK);
    sotto_hex_encode(sotto_span_of(key, sizeof key), hex, sizeof hex);
    assert_int_equal(ask_link("GET", "/v1/identity", "", answer, sizeof answer), 200);
    assert_non_null(strstr(answer, hex));
    assert_int_equal(ask_link("GET", "/v1/outbox/next", "", NULL, 0), 204);
}

static void a_device_is_named_once(void **state)
{
    (void)state;
    char device[65];
    assert_int_equal(sotto_status_cause(kiosk_device_get(engine, device, NULL)), SOTTO_CAUSE_NOT_FOUND);
    assert_int_equal(ask_link("POST", "/v1/identity", "{\"device\":\"\"}", NULL, 0), 400);
    assert_int_equal(ask_link("POST", "/v1/identity", "{\"device\":\"branch-7\"}", NULL, 0), 204);
    assert_int_equal(ask_link("POST", "/v1/identity", "{\"device\":\"branch-7\"}", NULL, 0), 204);
    assert_int_equal(ask_link("POST", "/v1/identity", "{\"device\":\"branch-8\"}", NULL, 0), 409);
    assert_int_equal(kiosk_device_get(engine, device, NULL), SOTTO_OK);
    assert_string_equal(device, "branch-7");
}

static void acknowledgements_must_fit(void **state)
{
    (void)state;
    static const char zeros[] =
        "{\"sha256\":\"0000000000000000000000000000000000000000000000000000000000000000\"}";
    assert_int_equal(ask_link("POST", "/v1/outbox/1/ack", "{\"sha256\":\"12\"}", NULL, 0), 400);
    assert_int_equal(ask_link("POST", "/v1/outbox/1/ack", "{}", NULL, 0), 400);
    assert_int_not_equal(ask_link("POST", "/v1/outbox/1/ack", zeros, NULL, 0), 204);
    assert_int_equal(ask_link("POST", "/v1/outbox/x/ack", zeros, NULL, 0), 404);
    assert_int_equal(ask_link("POST", "/v1/outbox//ack", zeros, NULL, 0), 404);
}

static void a_release_that_is_not_there_is_refused_with_its_reason(void **state)
{
    (void)state;
    char answer[1024];
    assert_int_equal(ask_link("POST", "/v1/release", "{\"version\":3}", answer, sizeof answer), 422);
    assert_non_null(strstr(answer, "\"accepted\":false"));
    assert_int_equal(ask_link("POST", "/v1/release", "{\"version\":-3}", NULL, 0), 400);
    assert_int_equal(engine->release.version, 0);
}

static void the_floor_of_time_holds(void **state)
{
    (void)state;
    int64_t now_s;
    sotto_clock clock = sotto_port_clock();
    int64_t future_s = clock.utc_s(clock.ctx) + 86400;
    assert_int_equal(sotto_store_set_i64(engine->store, "time.floor_s", future_s, NULL), SOTTO_OK);
    assert_int_equal(kiosk_now(engine, &now_s, NULL), SOTTO_OK);
    assert_int_equal(now_s, future_s);
}

static int set_up(void **state)
{
    (void)state;
    char *words[] = {"init", NULL};
    temp_make();
    temp_config(&config);
    sotto_diag diag = {0};
    if (kiosk_cmd_init(&config, 1, words) != 0)
        return 1;
    return kiosk_engine_open(&engine, &config, &diag);
}

static int tear_down(void **state)
{
    (void)state;
    kiosk_engine_close(engine);
    temp_remove();
    return 0;
}

/* Weeks offline, to the end: past the bound nothing is closed and nobody is debited; one acknowledgement
 * makes room again. */
static void a_full_outbox_closes_no_period(void **state)
{
    (void)state;
    static const uint8_t sealed[64];
    uint8_t last[SOTTO_SHA256_BYTES];
    uint64_t next = 0, first = 0;
    sotto_tally_result result;
    sotto_diag diag = {0};
    assert_int_equal(sotto_store_begin(engine->store, NULL), SOTTO_OK);
    assert_int_equal(sotto_store_outbox_head(engine->store, &first, last, NULL), SOTTO_OK);
    for (uint64_t i = 0; i < KIOSK_OUTBOX_MAX; i++) {
        const sotto_outbox_entry entry = {.seq = first + i, .sealed_s = 86400, .note = "{}"};
        assert_int_equal(
            sotto_store_outbox_append(engine->store, &entry, sotto_span_of(sealed, sizeof sealed), NULL),
            SOTTO_OK);
    }
    engine->release.version = 1; /* of no tasks */
    assert_int_equal(sotto_status_cause(kiosk_night(engine, &result, &diag)), SOTTO_CAUSE_FULL);
    assert_non_null(strstr(diag.text, "1000 reports wait"));
    assert_int_equal(sotto_store_outbox_head(engine->store, &next, last, NULL), SOTTO_OK);
    assert_int_equal(next, first + KIOSK_OUTBOX_MAX);
    assert_int_equal(sotto_sha256(sotto_span_of(sealed, sizeof sealed), last), SOTTO_OK);
    assert_int_equal(sotto_store_outbox_ack(engine->store, first, last, 86401, NULL), SOTTO_OK);
    sotto_outbox_sum sum;
    assert_int_equal(sotto_store_outbox_sum(engine->store, &sum, NULL), SOTTO_OK);
    assert_int_equal(sum.waiting, KIOSK_OUTBOX_MAX - 1);
    diag = (sotto_diag){0};
    sotto_status status = kiosk_night(engine, &result, &diag);
    assert_int_not_equal(sotto_status_cause(status), SOTTO_CAUSE_FULL);
    engine->release.version = 0;
    sotto_store_rollback(engine->store);
}

static void init_never_replaces(void **state)
{
    (void)state;
    char *words[] = {"init", NULL};
    assert_int_equal(kiosk_cmd_init(&config, 1, words), 4);
}

static void a_second_engine_is_kept_out(void **state)
{
    (void)state;
    kiosk_engine *second;
    sotto_diag diag = {0};
    assert_int_equal(sotto_status_cause(kiosk_engine_open(&second, &config, &diag)), SOTTO_CAUSE_BUSY);
    assert_null(second);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_a_release_the_answer_is_nothing),
        cmocka_unit_test(bad_questions_say_where),
        cmocka_unit_test(an_error_full_of_escapes_is_whole_json),
        cmocka_unit_test(what_is_no_json_is_refused),
        cmocka_unit_test(unknown_paths_and_methods_are_refused),
        cmocka_unit_test(events_need_a_release),
        cmocka_unit_test(an_unknown_customer_cannot_be_forgotten),
        cmocka_unit_test(status_and_audit_are_json),
        cmocka_unit_test(the_audit_of_years_is_whole),
        cmocka_unit_test(the_link_tells_the_report_key),
        cmocka_unit_test(a_device_is_named_once),
        cmocka_unit_test(acknowledgements_must_fit),
        cmocka_unit_test(a_release_that_is_not_there_is_refused_with_its_reason),
        cmocka_unit_test(the_floor_of_time_holds),
        cmocka_unit_test(a_full_outbox_closes_no_period),
        cmocka_unit_test(init_never_replaces),
        cmocka_unit_test(a_second_engine_is_kept_out),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
