/* HTTP as it arrives: in any pieces, with anything wrong. */
#include "codec_test.h"

enum { BODY_MAX = 1000 };

/* Feeds text in pieces of `piece` bytes until a message is complete; *taken is how many bytes were used. */
static sotto_status feed(sotto_http_parser *p, sotto_span text, size_t piece, size_t *taken, bool *done)
{
    *taken = 0;
    *done = false;
    while (*taken < text.len && !*done) {
        size_t used, len = text.len - *taken < piece ? text.len - *taken : piece;
        uint8_t *copy = tight_copy(sotto_span_of(text.ptr + *taken, len));
        sotto_status status = sotto_http_feed(p, sotto_span_of(copy, len), &used, done);
        free(copy);
        if (status != SOTTO_OK)
            return status;
        assert_true(used == len || *done);
        *taken += used;
    }
    return SOTTO_OK;
}

static void assert_header(const sotto_http_message *m, const char *name, const char *value)
{
    sotto_span found;
    assert_true(sotto_http_header_find(m, name, &found));
    assert_true(sotto_span_is(found, value));
}

static const char REQUEST[] =
    "PUT /v1/decide?x=1 HTTP/1.1\r\nHost: kiosk\r\nContent-Type: application/json  \r\n"
    "X-Empty:\r\nContent-Length: 5\r\n\r\nhello";

static void a_request_in_any_pieces(void **state)
{
    (void)state;
    sotto_http_parser *p = sotto_http_parser_new(true, BODY_MAX);
    assert_non_null(p);
    for (size_t piece = 1; piece <= sizeof REQUEST; piece++) {
        size_t taken;
        bool done;
        sotto_http_parser_reset(p);
        assert_int_equal(feed(p, sotto_span_str(REQUEST), piece, &taken, &done), SOTTO_OK);
        assert_true(done && taken == sizeof REQUEST - 1);
        const sotto_http_message *m = sotto_http_message_of(p);
        assert_true(m->is_request && m->keep_alive && m->headers == 4);
        assert_true(sotto_span_is(m->method, "PUT"));
        assert_true(sotto_span_is(m->target, "/v1/decide?x=1"));
        assert_true(sotto_span_is(m->body, "hello"));
        assert_header(m, "HOST", "kiosk");
        assert_header(m, "content-type", "application/json");
        assert_header(m, "x-empty", "");
        sotto_span none;
        assert_false(sotto_http_header_find(m, "x-emp", &none));
    }
    sotto_http_parser_free(p);
    sotto_http_parser_free(NULL);
}

/* Two and a half messages in one buffer: each ends where the next begins. */
static void messages_one_behind_another(void **state)
{
    (void)state;
    static const char TEXT[] =
        "GET /a HTTP/1.1\r\nHost: h\r\n\r\n"
        "POST /b HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;x=y\r\nde\r\n0\r\n"
        "X-Sum: 99\r\n\r\n"
        "GET /c HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"
        "GET /d";
    static const char *const TARGETS[] = {"/a", "/b", "/c"}, *const BODIES[] = {"", "abcde", ""};
    for (size_t piece = 1; piece <= sizeof TEXT; piece += piece < 80 ? 1 : 57) {
        sotto_http_parser *p = sotto_http_parser_new(true, BODY_MAX);
        size_t at = 0, taken;
        bool done;
        for (size_t i = 0; i < 3; i++) {
            assert_int_equal(feed(p, sotto_span_of(TEXT + at, sizeof TEXT - 1 - at), piece, &taken, &done),
                             SOTTO_OK);
            assert_true(done);
            const sotto_http_message *m = sotto_http_message_of(p);
            assert_true(sotto_span_is(m->target, TARGETS[i]));
            assert_true(sotto_span_is(m->body, BODIES[i]));
            assert_true(m->keep_alive == (i != 2));
            assert_int_equal(m->headers, i == 0 ? 1 : 2); /* the trailer is none of them */
            at += taken;
            sotto_http_parser_reset(p);
        }
        assert_string_equal(TEXT + at, "GET /d");
        assert_int_equal(feed(p, sotto_span_str(TEXT + at), piece, &taken, &done), SOTTO_OK);
        assert_false(done);
        assert_int_equal(sotto_http_finish(p, &done), SOTTO_ERR(CODEC, TRUNCATED));
        assert_false(done);
        sotto_http_parser_free(p);
    }
}

static void responses(void **state)
{
    (void)state;
    static const struct {
        const char *text, *body;
        int code;
        bool no_body, at_end, keep_alive;
    } CASES[] = {
        {"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi", "hi", 200, false, false, true},
        {"HTTP/1.1 200 \r\nContent-Length: 0\r\n\r\n", "", 200, false, false, true},
        {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n", "hi", 200, false, false,
         true},
        {"HTTP/1.1 200 OK\r\n\r\nuntil the end", "until the end", 200, false, true, false},
        {"HTTP/1.0 404 Not Found\r\nContent-Length: 1\r\n\r\nx", "x", 404, false, false, false},
        {"HTTP/1.1 204 No Content\r\n\r\n", "", 204, false, false, true},
        {"HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n", "", 304, false, false, true},
        {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", "", 200, true, false, true},
        {"HTTP/1.1 100 Continue\r\nX: 1\r\n\r\nHTTP/1.1 201 Created\r\nContent-Length: 1\r\n\r\ny", "y", 201,
         false, false, true},
        {"HTTP/1.1 103 Early\r\n\r\nHTTP/1.1 102 Wait\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
         "", 200, false, false, true},
        {"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", "", 200, false, false, false},
    };
    for (size_t i = 0; i < SOTTO_COUNT(CASES); i++)
        for (size_t piece = 1; piece < 200; piece += piece < 20 ? 1 : 179) {
            sotto_http_parser *p = sotto_http_parser_new(false, BODY_MAX);
            size_t taken;
            bool done;
            if (CASES[i].no_body)
                sotto_http_parser_no_body(p);
            assert_int_equal(feed(p, sotto_span_str(CASES[i].text), piece, &taken, &done), SOTTO_OK);
            assert_true(done == !CASES[i].at_end);
            assert_int_equal(sotto_http_finish(p, &done), SOTTO_OK);
            assert_true(done && taken == strlen(CASES[i].text));
            const sotto_http_message *m = sotto_http_message_of(p);
            assert_int_equal(m->code, CASES[i].code);
            assert_true(sotto_span_is(m->body, CASES[i].body));
            assert_true(m->keep_alive == CASES[i].keep_alive && !m->is_request);
            sotto_http_parser_free(p);
        }
}

#define HOST "Host: h\r\n"

static const struct {
    bool request;
    const char *text;
} AMBIGUOUS[] = {
    {true, "POST / HTTP/1.1\r\n" HOST "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"},
    {true, "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n"},
    {true, "POST / HTTP/1.1\r\n" HOST "Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc"},
    {true, "POST / HTTP/1.1\r\n" HOST "Content-Length: 3, 3\r\n\r\nabc"},
    {true, "POST / HTTP/1.1\r\n" HOST "Content-Length: +3\r\n\r\nabc"},
    {true, "POST / HTTP/1.1\r\n" HOST "Content-Length: 0x3\r\n\r\nabc"},
    {true, "POST / HTTP/1.1\r\n" HOST "Content-Length: 3 3\r\n\r\nabc"},
    {true, "POST / HTTP/1.1\r\n" HOST "Content-Length: -1\r\n\r\nabc"},
    {true, "POST / HTTP/1.1\r\n" HOST "Content-Length: 99999999999999999999999\r\n\r\nabc"},
    {true, "POST / HTTP/1.1\r\n" HOST "Content-Length : 3\r\n\r\nabc"},
    {true, "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n"},
    {true, "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: identity\r\n\r\nabc"},
    {true,
     "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"},
    {true, "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n"},
    {true, "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n0x1\r\na\r\n0\r\n\r\n"},
    {true, "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n1\r\nab\r\n0\r\n\r\n"},
    {true, "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n-1\r\n\r\n"},
    {true, "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n0\r\nContent-Length: 9\r\n\r\n"},
    {true, "GET / HTTP/1.1\r\n" HOST " folded: x\r\n\r\n"},
    {true, "GET / HTTP/1.1\r\nHost:\r\n h\r\n\r\n"},
    {true, "GET / HTTP/1.1\r\n" HOST "X: a\nY: b\r\n\r\n"},
    {true, "GET / HTTP/1.1\r\n" HOST "X: a\rY: b\r\n\r\n"},
    {true, "GET / HTTP/1.1\r\n" HOST "X: a\x01\r\n\r\n"},
    {true, "GET / HTTP/1.1\r\n" HOST "no colon\r\n\r\n"},
    {true, "GET / HTTP/1.1\r\n" HOST ": empty\r\n\r\n"},
    {true, "GET / HTTP/1.1\r\n" HOST HOST "\r\n"},
    {true, "GET / HTTP/1.1\r\n\r\n"},
    {true, "GET / HTTP/2.0\r\n" HOST "\r\n"},
    {true, "GET / HTTP/0.9\r\n" HOST "\r\n"},
    {true, "GET / HTTP/1.10\r\n" HOST "\r\n"},
    {true, "GET /\r\n\r\n"},
    {true, "GET / x HTTP/1.1\r\n" HOST "\r\n"},
    {true, "GET /\x01 HTTP/1.1\r\n" HOST "\r\n"},
    {true, "get / HTTP/1.1\r\n" HOST "\r\n"},
    {true, "CONNECT h:1 HTTP/1.1\r\n" HOST "\r\n"},
    {true, "HTTP/1.1 200 OK\r\n\r\n"},
    {true, "\x16\x03\x01\x02\x00\x01\x00"},
    {false, "GET / HTTP/1.1\r\n" HOST "\r\n"},
    {false, "HTTP/1.1 2000 OK\r\n\r\n"},
    {false, "HTTP/1.1 OK\r\n\r\n"},
    {false, "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\nabc"},
    {false, "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"},
    {false, "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab"},
    {false, "<html>"},
};

static void what_two_readers_could_read_differently(void **state)
{
    (void)state;
    for (size_t i = 0; i < SOTTO_COUNT(AMBIGUOUS); i++)
        for (size_t piece = 1; piece < 200; piece += 198) {
            sotto_http_parser *p = sotto_http_parser_new(AMBIGUOUS[i].request, BODY_MAX);
            size_t taken;
            bool done;
            if (feed(p, sotto_span_str(AMBIGUOUS[i].text), piece, &taken, &done) !=
                SOTTO_ERR(CODEC, MALFORMED))
                fail_msg("taken: %s", AMBIGUOUS[i].text);
            assert_false(done);
            /* It sticks. */
            assert_int_equal(sotto_http_feed(p, SPAN("x"), &taken, &done), SOTTO_ERR(CODEC, MALFORMED));
            assert_int_equal(sotto_http_finish(p, &done), SOTTO_ERR(CODEC, MALFORMED));
            assert_false(done);
            /* And a reset forgets it. */
            sotto_http_parser_reset(p);
            assert_int_equal(sotto_http_finish(p, &done), SOTTO_OK);
            assert_false(done);
            sotto_http_parser_free(p);
        }
}

static void an_offer_to_upgrade_is_ignored(void **state)
{
    (void)state;
    size_t taken;
    bool done;
    sotto_http_parser *p = sotto_http_parser_new(true, BODY_MAX);
    static const char TEXT[] =
        "POST / HTTP/1.1\r\n" HOST "Connection: Upgrade\r\nUpgrade: h2c\r\nContent-Length: 1\r\n\r\nx";
    assert_int_equal(feed(p, sotto_span_str(TEXT), 1000, &taken, &done), SOTTO_OK);
    assert_true(done && taken == sizeof TEXT - 1);
    assert_true(sotto_span_is(sotto_http_message_of(p)->body, "x"));
    sotto_http_parser_free(p);
}

/* A long text made of a beginning, a middle over and over, and an end. */
static sotto_status feed_many(bool requests, const char *begin, const char *middle, unsigned times,
                              const char *end)
{
    sotto_vec text;
    sotto_vec_init(&text, 4 << 20);
    assert_int_equal(sotto_vec_printf(&text, "%s", begin), SOTTO_OK);
    for (unsigned i = 0; i < times; i++)
        assert_int_equal(sotto_vec_put(&text, middle, strlen(middle)), SOTTO_OK);
    assert_int_equal(sotto_vec_printf(&text, "%s", end), SOTTO_OK);
    sotto_http_parser *p = sotto_http_parser_new(requests, BODY_MAX);
    size_t taken;
    bool done;
    sotto_status status = feed(p, sotto_vec_span(&text), 999, &taken, &done);
    assert_true(status != SOTTO_OK || done);
    sotto_http_parser_free(p);
    sotto_vec_free(&text);
    return status;
}

static void everything_is_bounded(void **state)
{
    (void)state;
    static const char GET[] = "GET / HTTP/1.1\r\n" HOST;
    static const char CHUNKED[] = "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n";
    assert_int_equal(feed_many(true, GET, "A: b\r\n", 31, "\r\n"), SOTTO_OK);
    assert_true(feed_many(true, GET, "A: b\r\n", 32, "\r\n") == SOTTO_ERR(CODEC, RANGE));
    assert_int_equal(feed_many(true, "GET /", "x", 8000, " HTTP/1.1\r\n" HOST "\r\n"), SOTTO_OK);
    assert_true(feed_many(true, "GET /", "x", 9000, " HTTP/1.1\r\n" HOST "\r\n") == SOTTO_ERR(CODEC, RANGE));
    assert_true(feed_many(true, "GET / HTTP/1.1\r\n" HOST "X:", " ", 9000, "\r\n\r\n") ==
                SOTTO_ERR(CODEC, RANGE));
    assert_true(feed_many(true, "", "\r\n", 5000, "GET / HTTP/1.1\r\n" HOST "\r\n") ==
                SOTTO_ERR(CODEC, RANGE));
    assert_int_equal(
        feed_many(true, "POST / HTTP/1.1\r\n" HOST "Content-Length: 1000\r\n\r\n", "x", 1000, ""), SOTTO_OK);
    assert_true(feed_many(true, "POST / HTTP/1.1\r\n" HOST "Content-Length: 1001\r\n\r\n", "x", 0, "") ==
                SOTTO_ERR(CODEC, RANGE)); /* refused before the body comes */
    assert_int_equal(feed_many(true, CHUNKED, "1\r\nx\r\n", 1000, "0\r\n\r\n"), SOTTO_OK);
    assert_int_equal(sotto_status_cause(feed_many(true, CHUNKED, "1\r\nx\r\n", 1001, "0\r\n\r\n")),
                     SOTTO_CAUSE_RANGE);
    assert_true(feed_many(true, CHUNKED,
                          "1;aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
                          "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\nx\r\n",
                          900, "0\r\n\r\n") == SOTTO_ERR(CODEC, RANGE)); /* framing without end */
    assert_true(feed_many(true, "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n0\r\n",
                          "T: v\r\n", 2000, "\r\n") == SOTTO_ERR(CODEC, RANGE));
    assert_true(feed_many(false, "", "HTTP/1.1 100 Continue\r\n\r\n", 1000,
                          "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n") == SOTTO_ERR(CODEC, RANGE));
}

static void changed_everywhere(void **state)
{
    (void)state;
    sotto_http_parser *p = sotto_http_parser_new(true, BODY_MAX);
    char text[sizeof REQUEST];
    memcpy(text, REQUEST, sizeof text);
    for (size_t i = 0; i < sizeof REQUEST - 1; i++)
        for (unsigned c = 0; c < 256; c++) {
            size_t taken;
            bool done;
            text[i] = (char)c;
            sotto_http_parser_reset(p);
            sotto_status status = feed(p, sotto_span_of(text, sizeof REQUEST - 1), 64, &taken, &done);
            assert_true(status == SOTTO_OK || !done);
            if (done) /* never a longer one than was sent */
                assert_true(sotto_http_message_of(p)->body.len <= 5 && taken <= sizeof REQUEST - 1);
            text[i] = REQUEST[i];
        }
    sotto_http_parser_free(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_request_in_any_pieces),
        cmocka_unit_test(messages_one_behind_another),
        cmocka_unit_test(responses),
        cmocka_unit_test(what_two_readers_could_read_differently),
        cmocka_unit_test(an_offer_to_upgrade_is_ignored),
        cmocka_unit_test(everything_is_bounded),
        cmocka_unit_test(changed_everywhere),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
