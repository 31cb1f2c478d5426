/* Enrolment against a head office that issues, refuses, or talks nonsense. */
#include "kit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NOW_S INT64_C(1795000000)

static kit_identity authority;
static const char *answer_body; /* set before the server starts: it is another process */
static int answer_code;

/* Checks the request as head office would, and issues. */
static void issue(const sotto_http_message *request, sotto_reply *reply)
{
    static char public_pem[SOTTO_PEM_MAX], cert[SOTTO_PEM_MAX];
    sotto_json *doc = NULL;
    sotto_span code, csr, key;
    uint8_t point[SOTTO_PUBLIC_KEY_BYTES];
    uint8_t json[SOTTO_PEM_MAX * 2];
    sotto_buf out = sotto_buf_of(json, sizeof json);
    kit_ok(sotto_json_parse(&doc, request->body, "request", NULL), NULL);
    sotto_json_node top = sotto_json_root(doc);
    kit_ok(sotto_json_get_str(top, "code", &code, NULL), NULL);
    kit_ok(sotto_json_get_str(top, "csr", &csr, NULL), NULL);
    kit_ok(sotto_json_get_str(top, "report_key", &key, NULL), NULL);
    kit_ok(sotto_hex_decode(key, point, sizeof point), NULL);
    assert_int_equal(point[0], 4);
    kit_ok(sotto_csr_check(csr, public_pem, NULL), NULL);
    if (!sotto_span_is(code, "GOOD \"CODE\"")) {
        reply->code = 403;
        kit_ok(sotto_vec_printf(&reply->body, "%s", "{\"error\":{\"text\":\"this code was used before\"}}"),
               NULL);
        sotto_json_free(doc);
        return;
    }
    sotto_cert_request cert_request = {.use = SOTTO_CERT_DEVICE,
                                       .common_name = "kiosk-0042",
                                       .not_before_s = NOW_S - 60,
                                       .not_after_s = NOW_S + 86400,
                                       .serial = {1}};
    kit_ok(sotto_cert_issue(&cert_request, sotto_span_str(public_pem), authority.key, authority.cert, cert,
                            NULL),
           NULL);
    sotto_json_writer w = sotto_json_writer_of(&out);
    sotto_json_obj(&w);
    sotto_json_name(&w, "device");
    sotto_json_cstr(&w, answer_body == NULL ? "kiosk-0042" : answer_body);
    sotto_json_name(&w, "certificate");
    sotto_json_cstr(&w, cert);
    sotto_json_obj_end(&w);
    kit_ok(sotto_json_writer_end(&w), NULL);
    kit_ok(sotto_vec_put(&reply->body, out.ptr, out.len), NULL);
    reply->code = 200;
    sotto_json_free(doc);
}

static void office(void *ctx, const sotto_http_message *request, const sotto_peer *peer, sotto_reply *reply)
{
    (void)ctx;
    (void)peer;
    if (answer_code != 0) {
        reply->code = answer_code;
        reply->extra = answer_code == 429 ? "Retry-After: 3600\r\n" : NULL;
        kit_ok(sotto_vec_printf(&reply->body, "%s", answer_body), NULL);
    } else if (sotto_span_is(request->method, "POST") && sotto_span_is(request->target, "/v1/enrol")) {
        issue(request, reply);
    } else {
        reply->code = 404;
    }
}

typedef struct result {
    char cert[SOTTO_PEM_MAX], device[65];
    sotto_diag diag;
} result;

static sotto_status enrol(const char *code, result *r)
{
    static char key[SOTTO_PEM_MAX], csr[SOTTO_PEM_MAX];
    uint8_t report_key[SOTTO_PUBLIC_KEY_BYTES] = {4, 1, 2, 3};
    sotto_entropy entropy = sotto_port_entropy();
    kit_server server;
    sotto_client *client = NULL;
    memset(r, 0x55, sizeof *r);
    memset(&r->diag, 0, sizeof r->diag);
    kit_ok(sotto_keypair_make(&entropy, key, &r->diag), &r->diag);
    kit_ok(sotto_csr_make(key, "new kiosk", csr, &r->diag), &r->diag);
    kit_server_start(&server, (sotto_server_config){.handler = office}, NULL, NULL);
    const sotto_client_config config = {.url = server.url, .timeout_ms = 5000, .clock = sotto_port_clock()};
    kit_ok(sotto_client_new(&client, &config, &r->diag), &r->diag);
    const sotto_enrolment enrolment = {.code = code, .csr_pem = csr, .report_public_key = report_key};
    sotto_status st = sotto_enrol(client, &enrolment, r->cert, r->device, &r->diag);
    sotto_client_free(client);
    kit_server_stop(&server);
    return st;
}

/* A certificate that is asked for too often: when to come back. */
static void test_renewed_too_often(void **state)
{
    (void)state;
    char fresh[SOTTO_PEM_MAX];
    int64_t retry_after_s = -1;
    kit_server server;
    sotto_client *client = NULL;
    sotto_diag diag = {0};
    answer_code = 429;
    answer_body = "{}";
    kit_server_start(&server, (sotto_server_config){.handler = office}, NULL, NULL);
    const sotto_client_config config = {.url = server.url, .timeout_ms = 5000, .clock = sotto_port_clock()};
    kit_ok(sotto_client_new(&client, &config, &diag), &diag);
    sotto_status st =
        sotto_renew(client, "a request", sotto_span_str(authority.cert), true, fresh, &retry_after_s, &diag);
    assert_int_equal(sotto_status_cause(st), SOTTO_CAUSE_BUSY);
    assert_int_equal(retry_after_s, 3600);
    assert_string_equal(fresh, "");
    sotto_client_free(client);
    kit_server_stop(&server);
}

static int setup(void **state)
{
    (void)state;
    answer_body = NULL;
    answer_code = 0;
    kit_ok(sotto_vault_start(NULL), NULL);
    if (authority.cert[0] == '\0')
        kit_authority(&authority, "Bank devices", NOW_S - 86400, NOW_S + 86400);
    return 0;
}

static void test_good_code(void **state)
{
    result r;
    sotto_cert_info info;
    (void)state;
    kit_ok(enrol("GOOD \"CODE\"", &r), &r.diag);
    assert_string_equal(r.device, "kiosk-0042");
    kit_ok(sotto_cert_read(sotto_span_str(r.cert), &info, NULL), NULL);
    assert_string_equal(info.common_name, "kiosk-0042");
}

static void test_used_code(void **state)
{
    result r;
    (void)state;
    kit_cause(enrol("OLD", &r), AUTH, &r.diag);
    assert_non_null(strstr(r.diag.text, "this code was used before"));
    assert_string_equal(r.cert, "");
    assert_string_equal(r.device, "");
}

static void test_certificate_of_another_device(void **state)
{
    result r;
    (void)state;
    answer_body = "kiosk-0043";
    kit_cause(enrol("GOOD \"CODE\"", &r), PROTOCOL, &r.diag);
    assert_string_equal(r.cert, "");
}

static void test_nonsense(void **state)
{
    static const char long_device[] =
        "{\"device\":\"01234567890123456789012345678901234567890123456789012345678901234\","
        "\"certificate\":\"x\"}";
    static const char *const bodies[] = {"",
                                         "[]",
                                         "{\"device\":\"a\"}",
                                         "{\"device\":1,\"certificate\":\"x\"}",
                                         "{\"device\":\"a\",\"certificate\":\"x\"}",
                                         long_device};
    result r;
    (void)state;
    answer_code = 200;
    for (size_t i = 0; i < SOTTO_COUNT(bodies); i++) {
        answer_body = bodies[i];
        assert_true(enrol("GOOD \"CODE\"", &r) != SOTTO_OK);
        assert_string_equal(r.cert, "");
        assert_string_equal(r.device, "");
        assert_true(r.diag.text[0] != '\0');
    }
}

static void test_code_too_long(void **state)
{
    static char code[3 * SOTTO_PEM_MAX];
    result r;
    (void)state;
    memset(code, 'A', sizeof code - 1);
    kit_cause(enrol(code, &r), RANGE, &r.diag);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_good_code, setup),
        cmocka_unit_test_setup(test_used_code, setup),
        cmocka_unit_test_setup(test_certificate_of_another_device, setup),
        cmocka_unit_test_setup(test_nonsense, setup),
        cmocka_unit_test_setup(test_code_too_long, setup),
        cmocka_unit_test_setup(test_renewed_too_often, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
