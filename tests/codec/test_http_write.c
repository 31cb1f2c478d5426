#include "codec_test.h"

static void a_request_is_read_back(void **state)
{
    (void)state;
    char memory[512];
    sotto_buf out = sotto_buf_of(memory, sizeof memory);
    assert_int_equal(sotto_http_write_request(&out, "PUT", "/r/1?x", "hq.example:8443", "application/cbor", 2,
                                              "X-Sequence: 7\r\nConnection: close\r\n"),
                     SOTTO_OK);
    assert_true(
        sotto_span_is(sotto_buf_span(&out),
                      "PUT /r/1?x HTTP/1.1\r\nHost: hq.example:8443\r\nContent-Type: application/cbor\r\n"
                      "Content-Length: 2\r\nX-Sequence: 7\r\nConnection: close\r\n\r\n"));
    assert_int_equal(sotto_buf_put(&out, "hi", 2), SOTTO_OK);
    sotto_http_parser *p = sotto_http_parser_new(true, 10);
    size_t used;
    bool done;
    assert_int_equal(sotto_http_feed(p, sotto_buf_span(&out), &used, &done), SOTTO_OK);
    assert_true(done && used == out.len && !sotto_http_message_of(p)->keep_alive);
    assert_true(sotto_span_is(sotto_http_message_of(p)->body, "hi"));
    sotto_http_parser_free(p);
}

static void responses_are_read_back(void **state)
{
    (void)state;
    static const int CODES[] = {200, 201, 202, 204, 304, 400, 401, 403, 404, 405, 408, 409,
                                410, 411, 413, 415, 422, 429, 431, 500, 501, 503, 507, 599};
    for (size_t i = 0; i < SOTTO_COUNT(CODES); i++) {
        char memory[512];
        sotto_buf out = sotto_buf_of(memory, sizeof memory);
        bool bodiless = CODES[i] == 204 || CODES[i] == 304;
        assert_int_equal(sotto_http_write_response(&out, CODES[i], bodiless ? NULL : "text/plain",
                                                   bodiless ? 0 : 1, i % 2, i % 3 ? NULL : "Allow: GET\r\n"),
                         SOTTO_OK);
        if (!bodiless)
            assert_int_equal(sotto_buf_put(&out, "x", 1), SOTTO_OK);
        sotto_http_parser *p = sotto_http_parser_new(false, 10);
        size_t used;
        bool done;
        assert_int_equal(sotto_http_feed(p, sotto_buf_span(&out), &used, &done), SOTTO_OK);
        assert_true(done && used == out.len);
        assert_int_equal(sotto_http_message_of(p)->code, CODES[i]);
        assert_true(sotto_http_message_of(p)->keep_alive == (i % 2 == 1));
        sotto_http_parser_free(p);
        assert_true(strlen(sotto_http_reason(CODES[i])) > 0);
    }
}

static void nothing_can_be_smuggled_into_a_head(void **state)
{
    (void)state;
    char memory[512];
    sotto_buf out = sotto_buf_of(memory, sizeof memory);
    static const struct {
        const char *method, *target, *host, *type, *extra;
    } CASES[] = {
        {"GET", "/a b", "h", NULL, NULL},  {"GET", "/a\r\nX: y", "h", NULL, NULL},
        {"GET", "", "h", NULL, NULL},      {"", "/", "h", NULL, NULL},
        {"G T", "/", "h", NULL, NULL},     {"GET", "/", "h\nX", NULL, NULL},
        {"GET", "/", "h", "a\rb", NULL},   {"GET", "/", "h", NULL, "X: y"},
        {"GET", "/", "h", NULL, "X: y\n"}, {"GET", "/", "h", NULL, "X: y\r\n\r\nGET /"},
        {"GET", "/", "h", NULL, "\r\n"},
    };
    for (size_t i = 0; i < SOTTO_COUNT(CASES); i++) {
        assert_int_equal(sotto_http_write_request(&out, CASES[i].method, CASES[i].target, CASES[i].host,
                                                  CASES[i].type, 0, CASES[i].extra),
                         SOTTO_ERR(CODEC, MALFORMED));
        assert_int_equal(out.len, 0);
    }
    assert_int_equal(sotto_http_write_response(&out, 200, "a\nb", 0, true, NULL),
                     SOTTO_ERR(CODEC, MALFORMED));
    assert_int_equal(sotto_http_write_response(&out, 99, NULL, 0, true, NULL), SOTTO_ERR(CODEC, MALFORMED));
    assert_int_equal(sotto_http_write_response(&out, 204, NULL, 1, true, NULL), SOTTO_ERR(CODEC, USAGE));
    assert_int_equal(out.len, 0);
}

static void no_buffer_is_overrun(void **state)
{
    (void)state;
    char whole[512];
    sotto_buf full = sotto_buf_of(whole, sizeof whole);
    assert_int_equal(sotto_http_write_response(&full, 404, "text/plain", 12, true, "A: b\r\n"), SOTTO_OK);
    for (size_t cap = 0; cap < full.len; cap++) {
        uint8_t *memory = tight_copy(sotto_span_of(whole, cap));
        sotto_buf out = sotto_buf_of(memory, cap);
        assert_int_equal(sotto_http_write_response(&out, 404, "text/plain", 12, true, "A: b\r\n"),
                         SOTTO_ERR(BASE, NO_SPACE));
        assert_int_equal(out.len, 0);
        free(memory);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_request_is_read_back),
        cmocka_unit_test(responses_are_read_back),
        cmocka_unit_test(nothing_can_be_smuggled_into_a_head),
        cmocka_unit_test(no_buffer_is_overrun),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
