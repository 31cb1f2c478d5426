/* Client and server over plain sockets: what is exchanged, what is refused, and peers that are slow, silent,
 * early to close or talk nonsense. */
#include "kit.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- the handler of the tests: says back what it was asked ---- */

static void echo(void *ctx, const sotto_http_message *request, const sotto_peer *peer, sotto_reply *reply)
{
    (void)ctx;
    reply->code = 200;
    if (sotto_span_is(request->target, "/none")) {
        reply->code = 204;
        return;
    }
    if (sotto_span_is(request->target, "/zero")) {
        reply->code = 0;
        return;
    }
    if (sotto_span_is(request->target, "/big") || sotto_span_is(request->target, "/half")) {
        static const uint8_t block[4096] = {'x'};
        for (int i = 0; i < (request->target.len == 4 ? 1024 : 128); i++)
            kit_ok(sotto_vec_put(&reply->body, block, sizeof block), NULL);
        return;
    }
    reply->content_type = "text/plain";
    reply->extra = "Sotto-Seq: 7\r\n";
    kit_ok(sotto_vec_printf(&reply->body, "%d %.*s %.*s %zu", peer->listener, (int)request->method.len,
                            (const char *)request->method.ptr, (int)request->target.len,
                            (const char *)request->target.ptr, request->body.len),
           NULL);
}

typedef struct fixture {
    kit_server server;
    sotto_client *client;
    sotto_diag diag;
} fixture;

static void start(fixture *f, sotto_server_config config, const char *unix_path)
{
    sotto_diag diag = {0};
    config.handler = echo;
    kit_server_start(&f->server, config, NULL, unix_path);
    const sotto_client_config client = {
        .url = f->server.url, .timeout_ms = 5000, .clock = sotto_port_clock()};
    kit_ok(sotto_client_new(&f->client, &client, &diag), &diag);
}

static int setup(void **state)
{
    fixture *f = calloc(1, sizeof *f);
    assert_non_null(f);
    start(f, (sotto_server_config){.body_max = 100000, .idle_ms = 400}, NULL);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    fixture *f = *state;
    sotto_client_free(f->client);
    kit_server_stop(&f->server);
    free(f);
    return 0;
}

static const sotto_http_message *ask(fixture *f, const char *method, const char *target, size_t body_len)
{
    const sotto_http_message *response = NULL;
    uint8_t *body = calloc(1, body_len + 1);
    assert_non_null(body);
    memset(&f->diag, 0, sizeof f->diag);
    kit_ok(sotto_client_request(f->client, method, target, "text/plain", sotto_span_of(body, body_len),
                                &response, &f->diag),
           &f->diag);
    free(body);
    return response;
}

static void expect_body(const sotto_http_message *response, const char *text)
{
    if (!sotto_span_is(response->body, text))
        print_error("got \"%.*s\"\n", (int)response->body.len, (const char *)response->body.ptr);
    assert_true(sotto_span_is(response->body, text));
}

static void test_requests_in_sequence(void **state)
{
    fixture *f = *state;
    sotto_span seq;
    const sotto_http_message *r = ask(f, "GET", "/a?b=c", 0);
    assert_int_equal(r->code, 200);
    expect_body(r, "0 GET /a?b=c 0");
    assert_true(sotto_http_header_find(r, "sotto-seq", &seq));
    assert_true(sotto_span_is(seq, "7"));
    expect_body(ask(f, "PUT", "/p", 99999), "0 PUT /p 99999");
    assert_int_equal(ask(f, "POST", "/none", 3)->code, 204);
    assert_int_equal(ask(f, "POST", "/zero", 3)->code, 500);
    r = ask(f, "HEAD", "/h", 0);
    assert_int_equal(r->code, 200);
    assert_int_equal(r->body.len, 0);
    assert_int_equal(ask(f, "GET", "/big", 0)->body.len, 4096 * 1024);
    expect_body(ask(f, "GET", "/again", 0), "0 GET /again 0");
}

static void test_over_unix_socket(void **state)
{
    fixture f = {0};
    (void)state;
    start(&f, (sotto_server_config){0}, kit_path(kit_scratch(), "s.sock"));
    expect_body(ask(&f, "GET", "/u", 0), "0 GET /u 0");
    sotto_client_free(f.client);
    kit_server_stop(&f.server);
}

static void test_body_too_long_is_413(void **state)
{
    fixture *f = *state;
    const sotto_http_message *r = ask(f, "PUT", "/p", 100001);
    assert_int_equal(r->code, 413);
    assert_int_equal(ask(f, "PUT", "/p", 8000000)->code, 413);
    expect_body(ask(f, "GET", "/after", 0), "0 GET /after 0");
}

static void test_reconnects_after_idle_close(void **state)
{
    fixture *f = *state;
    expect_body(ask(f, "GET", "/one", 0), "0 GET /one 0");
    (void)poll(NULL, 0, 700);
    expect_body(ask(f, "POST", "/two", 1), "0 POST /two 1");
}

static void test_nobody_there(void **state)
{
    fixture *f = *state;
    const sotto_http_message *response;
    kit_server_stop(&f->server);
    sotto_status st =
        sotto_client_request(f->client, "GET", "/", NULL, sotto_span_of(NULL, 0), &response, &f->diag);
    kit_cause(st, NETWORK, &f->diag);
    assert_null(response);
}

static void test_urls(void **state)
{
    static const char *const bad[] = {"",
                                      "localhost:1",
                                      "ftp://a:1",
                                      "http://",
                                      "http://:80",
                                      "http://a:0",
                                      "http://a:65536",
                                      "http://a:1/x",
                                      "http://a b:1",
                                      "http://a\r\nX: y:1",
                                      "http://[::1",
                                      "http://a:1x",
                                      "unix:relative",
                                      "https://a:1"};
    (void)state;
    for (size_t i = 0; i < SOTTO_COUNT(bad); i++) {
        sotto_client *client = NULL;
        sotto_diag diag = {0};
        const sotto_client_config config = {.url = bad[i], .clock = sotto_port_clock()};
        sotto_status st = sotto_client_new(&client, &config, &diag);
        if (st == SOTTO_OK)
            print_error("accepted: %s\n", bad[i]);
        assert_true(st != SOTTO_OK);
        assert_null(client);
        assert_true(diag.text[0] != '\0');
    }
}

/* ---- raw bytes to the server ---- */

static int raw_connect(const kit_server *s)
{
    char port[8];
    int fd = -1;
    sotto_clock clock = sotto_port_clock();
    (void)snprintf(port, sizeof port, "%u", (unsigned)s->port);
    kit_ok(sotto_port_connect_tcp("127.0.0.1", port, clock.mono_ms(clock.ctx) + 3000, &fd, NULL), NULL);
    return fd;
}

static void raw_send(int fd, const void *bytes, size_t len)
{
    const uint8_t *at = bytes;
    sotto_clock clock = sotto_port_clock();
    while (len > 0) {
        size_t n = 0;
        sotto_status st = sotto_port_send(fd, at, len, &n);
        if (sotto_status_cause(st) == SOTTO_CAUSE_BUSY)
            st = sotto_port_wait(fd, true, clock.mono_ms(clock.ctx) + 3000);
        if (st != SOTTO_OK)
            return; /* the server has hung up: what it said is looked at next */
        at += n;
        len -= n;
    }
}

/* Everything until the server closes; -1 when it does not within wait_ms. */
static ssize_t raw_receive(int fd, char *out, size_t cap, int64_t wait_ms)
{
    sotto_clock clock = sotto_port_clock();
    int64_t end = clock.mono_ms(clock.ctx) + wait_ms;
    size_t len = 0;
    for (;;) {
        size_t n = 0;
        sotto_status st = sotto_port_recv(fd, out + len, cap - 1 - len, &n);
        if (sotto_status_cause(st) == SOTTO_CAUSE_BUSY) {
            if (sotto_port_wait(fd, false, end) != SOTTO_OK)
                return -1;
            continue;
        }
        len += n;
        out[len] = '\0';
        if (st != SOTTO_OK || n == 0 || len == cap - 1)
            return (ssize_t)len;
    }
}

static size_t count_of(const char *text, const char *word)
{
    size_t n = 0;
    for (const char *at = strstr(text, word); at != NULL; at = strstr(at + 1, word))
        n++;
    return n;
}

static void test_pipelined(void **state)
{
    fixture *f = *state;
    static char out[65536];
    char request[64 * 40] = "";
    for (int i = 0; i < 40; i++)
        (void)snprintf(request + strlen(request), sizeof request - strlen(request),
                       "GET /%d HTTP/1.1\r\nHost: a\r\n%s\r\n", i, i == 39 ? "Connection: close\r\n" : "");
    int fd = raw_connect(&f->server);
    raw_send(fd, request, strlen(request));
    assert_true(raw_receive(fd, out, sizeof out, 3000) > 0);
    assert_int_equal(count_of(out, "HTTP/1.1 200 OK"), 40);
    const char *last = strstr(out, "GET /38 ");
    assert_non_null(last);
    assert_non_null(strstr(last, "GET /39 "));
    sotto_port_close(&fd);
}

static void test_nonsense_is_400(void **state)
{
    fixture *f = *state;
    static const char *const nonsense[] = {
        "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", /* a TLS client hello */
        "HELLO\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "GET / HTTP/1.1\r\nHost : a\r\n\r\n",
    };
    for (size_t i = 0; i < SOTTO_COUNT(nonsense); i++) {
        char out[4096] = "";
        int fd = raw_connect(&f->server);
        raw_send(fd, nonsense[i], strlen(nonsense[i]));
        assert_true(raw_receive(fd, out, sizeof out, 3000) >= 0);
        if (strncmp(out, "HTTP/1.1 400 ", 13) != 0)
            print_error("%zu: %s\n", i, out);
        assert_int_equal(strncmp(out, "HTTP/1.1 400 ", 13), 0);
        assert_non_null(strstr(out, "{\"error\":{\"room\":\"sync\""));
        sotto_port_close(&fd);
    }
}

static void test_cut_at_every_byte(void **state)
{
    fixture *f = *state;
    static const char request[] = "POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nabcde";
    for (size_t len = 0; len < sizeof request - 1; len++) {
        char out[4096];
        int fd = raw_connect(&f->server);
        raw_send(fd, request, len);
        (void)shutdown(fd, SHUT_WR);
        assert_int_equal(raw_receive(fd, out, sizeof out, 3000), 0);
        sotto_port_close(&fd);
    }
    expect_body(ask(f, "GET", "/after", 0), "0 GET /after 0");
}

/* The same in chunks (RFC 9112 section 7.1): nothing is answered before the last byte is there. */
static void test_chunked_cut_at_every_byte(void **state)
{
    fixture *f = *state;
    static const char request[] = "POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
                                  "3\r\nabc\r\n000c;a=b\r\ndefghijklmno\r\n0\r\nX: y\r\n\r\n";
    char out[4096] = "";
    for (size_t len = 0; len <= sizeof request - 1; len++) {
        int fd = raw_connect(&f->server);
        raw_send(fd, request, len);
        (void)shutdown(fd, SHUT_WR);
        ssize_t n = raw_receive(fd, out, sizeof out, 10000);
        if (len < sizeof request - 1)
            assert_int_equal(n, 0);
        else
            assert_true(n > 0);
        sotto_port_close(&fd);
    }
    assert_memory_equal(out, "HTTP/1.1 200", 12);
    assert_non_null(strstr(out, "0 POST /x 15"));
}

static void test_endless_head(void **state)
{
    fixture *f = *state;
    static char junk[200000];
    char out[4096] = "";
    memset(junk, 'a', sizeof junk);
    memcpy(junk, "GET /", 5);
    int fd = raw_connect(&f->server);
    raw_send(fd, junk, sizeof junk);
    assert_true(raw_receive(fd, out, sizeof out, 3000) >= 0);
    assert_int_equal(strncmp(out, "HTTP/1.1 4", 10), 0);
    sotto_port_close(&fd);
}

/* One byte every 100 ms: the whole request has 400 ms. */
static void test_slow_sender_is_closed(void **state)
{
    fixture *f = *state;
    static const char request[] = "GET /slow HTTP/1.1\r\nHost: a\r\n\r\n";
    char out[4096];
    int fd = raw_connect(&f->server);
    for (int i = 0; i < 7; i++) {
        raw_send(fd, request + i, 1);
        (void)poll(NULL, 0, 100);
    }
    assert_int_equal(raw_receive(fd, out, sizeof out, 1000), 0);
    sotto_port_close(&fd);
    expect_body(ask(f, "GET", "/after", 0), "0 GET /after 0");
}

/* A reader that takes nothing is given up, and others are served meanwhile. */
static void test_slow_reader_does_not_block(void **state)
{
    fixture *f = *state;
    static const char request[] = "GET /big HTTP/1.1\r\nHost: a\r\n\r\n";
    int fd = raw_connect(&f->server);
    raw_send(fd, request, sizeof request - 1);
    expect_body(ask(f, "GET", "/other", 0), "0 GET /other 0");
    sotto_port_close(&fd);
}

static void test_connections_are_bounded(void **state)
{
    fixture f = {0};
    int fds[8];
    (void)state;
    start(&f, (sotto_server_config){.connections_max = 4, .idle_ms = 300}, NULL);
    for (size_t i = 0; i < SOTTO_COUNT(fds); i++)
        fds[i] = raw_connect(&f.server);
    /* All places are taken by silent peers; when their time is up, ours comes. */
    expect_body(ask(&f, "GET", "/patient", 0), "0 GET /patient 0");
    for (size_t i = 0; i < SOTTO_COUNT(fds); i++)
        sotto_port_close(&fds[i]);
    sotto_client_free(f.client);
    kit_server_stop(&f.server);
}

/* Silent peers at one door take no place from the other: sync must not be able to keep the kiosk from
 * deciding.
 */
static void test_one_listener_does_not_starve_another(void **state)
{
    (void)state;
    static const char request[] = "GET /none HTTP/1.1\r\nHost: a\r\n\r\n";
    sotto_listener listeners[2] = {{.fd = -1}, {.fd = -1}};
    sotto_server *server = NULL;
    const char *scratch = kit_scratch();
    char path[2][200], reply[512] = "";
    int silent[12], fd = -1;
    for (size_t i = 0; i < 2; i++) {
        (void)snprintf(path[i], sizeof path[i], "%s/door%zu.sock", scratch, i);
        kit_ok(sotto_port_listen_unix(path[i], 0600, &listeners[i].fd, NULL), NULL);
    }
    sotto_clock clock = sotto_port_clock();
    const sotto_server_config config = {
        .listeners = listeners, .listener_count = 2, .handler = echo, .connections_max = 4, .clock = clock};
    kit_ok(sotto_server_new(&server, &config, NULL), NULL);
    for (size_t i = 0; i < SOTTO_COUNT(silent); i++)
        kit_ok(sotto_port_connect_unix(path[0], clock.mono_ms(clock.ctx) + 1000, &silent[i], NULL), NULL);
    kit_ok(sotto_server_step(server, 100), NULL);
    kit_ok(sotto_port_connect_unix(path[1], clock.mono_ms(clock.ctx) + 1000, &fd, NULL), NULL);
    raw_send(fd, request, sizeof request - 1);
    for (int i = 0; i < 3; i++)
        kit_ok(sotto_server_step(server, 100), NULL);
    assert_true(recv(fd, reply, sizeof reply - 1, MSG_DONTWAIT) > 0);
    assert_memory_equal(reply, "HTTP/1.1 204", 12);
    sotto_port_close(&fd);
    for (size_t i = 0; i < SOTTO_COUNT(silent); i++)
        sotto_port_close(&silent[i]);
    sotto_server_free(server);
}

/* ---- the client against bad servers ---- */

/* What a bad server says to whoever comes, and what it does then. */
typedef struct script {
    const char *bytes;
    size_t len;
    enum {
        CLOSE,
        HANG,
        REPEAT /* the tail, for ever */,
        DRIP /* the whole and the tail, byte by byte */
    } then;
    const char *tail;
} script;

static void drip(int peer, const char *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (send(peer, bytes + i, 1, MSG_NOSIGNAL) != 1)
            return;
        (void)poll(NULL, 0, 20);
    }
}

static void play(int peer, const script *s)
{
    if (s->then == DRIP)
        drip(peer, s->bytes, s->len);
    else
        (void)send(peer, s->bytes, s->len, MSG_NOSIGNAL);
    while (s->then == REPEAT && send(peer, s->tail, strlen(s->tail), MSG_NOSIGNAL) > 0)
        ;
    for (int i = 0; s->then == DRIP && i < 1000; i++)
        drip(peer, s->tail, strlen(s->tail));
    if (s->then != HANG)
        (void)close(peer);
}

/* A child that accepts connections and plays the same to each. */
static pid_t bad_server(char url[static 128], const script *s)
{
    int fd = -1;
    uint16_t port = 0;
    kit_ok(sotto_port_listen_tcp("127.0.0.1", "0", &fd, NULL), NULL);
    kit_ok(sotto_port_local_port(fd, &port), NULL);
    (void)snprintf(url, 128, "http://127.0.0.1:%u", (unsigned)port);
    pid_t pid = kit_fork();
    if (pid != 0) {
        sotto_port_close(&fd);
        return pid;
    }
    for (;;) {
        sotto_clock clock = sotto_port_clock();
        char request[8192];
        if (sotto_port_wait(fd, false, clock.mono_ms(clock.ctx) + 60000) != SOTTO_OK)
            _exit(0);
        int peer = accept(fd, NULL, NULL);
        (void)recv(peer, request, sizeof request, 0);
        play(peer, s);
    }
}

/* body: what came, as text. */
static sotto_status ask_script(const script *s, int64_t timeout_ms, char body[static 64], sotto_diag *diag)
{
    char url[128];
    int status;
    sotto_client *client = NULL;
    const sotto_http_message *response;
    pid_t pid = bad_server(url, s);
    const sotto_client_config config = {
        .url = url, .timeout_ms = timeout_ms, .body_max = 1000, .clock = sotto_port_clock()};
    memset(diag, 0, sizeof *diag);
    body[0] = '\0';
    kit_ok(sotto_client_new(&client, &config, diag), diag);
    sotto_status st = sotto_client_request(client, "GET", "/", NULL, sotto_span_of(NULL, 0), &response, diag);
    if (st == SOTTO_OK && response->body.len < 64)
        kit_ok(sotto_span_to_str(response->body, body, 64), NULL);
    sotto_client_free(client);
    (void)kill(pid, SIGKILL);
    (void)waitpid(pid, &status, 0);
    return st;
}

static sotto_status ask_bad(const char *bytes, size_t len, bool hang, int64_t timeout_ms, sotto_diag *diag)
{
    char body[64];
    const script s = {.bytes = bytes, .len = len, .then = hang ? HANG : CLOSE};
    return ask_script(&s, timeout_ms, body, diag);
}

static void test_server_hangs(void **state)
{
    static const char half[] = "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc";
    sotto_diag diag;
    sotto_clock clock = sotto_port_clock();
    (void)state;
    for (size_t len = 0; len < sizeof half; len += 9) {
        int64_t before = clock.mono_ms(clock.ctx);
        kit_cause(ask_bad(half, len, true, 200, &diag), TIMEOUT, &diag);
        assert_in_range(clock.mono_ms(clock.ctx) - before, 150, 2000);
    }
}

static void test_server_closes_early(void **state)
{
    static const char whole[] = "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabcdefghij";
    sotto_diag diag;
    (void)state;
    for (size_t len = 0; len < sizeof whole - 1; len++)
        kit_cause(ask_bad(whole, len, false, 3000, &diag), NETWORK, &diag);
    kit_ok(ask_bad(whole, sizeof whole - 1, false, 3000, &diag), &diag);
}

static void test_server_talks_nonsense(void **state)
{
    static const char *const nonsense[] = {
        "SSH-2.0-OpenSSH_9.2\r\n", "HTTP/1.1 abc\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nab", "<html>"};
    sotto_diag diag;
    (void)state;
    for (size_t i = 0; i < SOTTO_COUNT(nonsense); i++) {
        sotto_status st = ask_bad(nonsense[i], strlen(nonsense[i]), false, 3000, &diag);
        if (sotto_status_cause(st) != SOTTO_CAUSE_PROTOCOL)
            print_error("nonsense %zu\n", i);
        kit_cause(st, PROTOCOL, &diag);
    }
}

static void test_answer_too_long(void **state)
{
    sotto_diag diag;
    char endless[4096];
    (void)state;
    memset(endless, 'a', sizeof endless);
    memcpy(endless, "HTTP/1.1 200 OK\r\n\r\n", 19);
    kit_cause(ask_bad("HTTP/1.1 200 OK\r\nContent-Length: 1001\r\n\r\n", 41, false, 3000, &diag), RANGE,
              &diag);
    kit_cause(ask_bad(endless, sizeof endless, true, 3000, &diag), RANGE, &diag);
}

/* A byte now and then is no progress: the deadline is the whole request's. */
static void test_server_drips(void **state)
{
    static const char *const heads[] = {"", "HTTP/1.1 200 OK\r\n",
                                        "HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\n",
                                        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"};
    static const char *const tails[] = {"HTTP/1.1 100 Continue\r\n\r\n", "X: y\r\n", "abc", "1\r\na\r\n"};
    char body[64];
    sotto_diag diag;
    sotto_clock clock = sotto_port_clock();
    (void)state;
    for (size_t i = 0; i < SOTTO_COUNT(heads); i++) {
        const script s = {.bytes = heads[i], .len = strlen(heads[i]), .then = DRIP, .tail = tails[i]};
        int64_t before = clock.mono_ms(clock.ctx);
        kit_cause(ask_script(&s, 400, body, &diag), TIMEOUT, &diag);
        assert_in_range(clock.mono_ms(clock.ctx) - before, 350, 10000);
    }
}

/* Whatever it is that does not end, there is an end to it, and not by the deadline. */
static void test_server_does_not_end(void **state)
{
    static const char *const endless[][2] = {
        {"HTTP/1.1 200 O", "KKKKKKKKKKKKKKKK"},
        {"HTTP/1.1 200 OK\r\n", "X: y\r\n"},
        {"HTTP/1.1 200 OK\r\nX: ", "yyyyyyyyyyyyyyyy"},
        {"\r\n", "\r\n"},
        {"HTTP/1.1 100 Continue\r\n\r\n", "HTTP/1.1 100 Continue\r\n\r\n"},
        {"HTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\n", "HTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\n"},
        {"HTTP/1.1 200 OK\r\n\r\n", "abcdefghijklmnop"},
        {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "1\r\na\r\n"},
        {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;a=", "bbbbbbbbbbbbbbbb"},
        {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n", "X: y\r\n"},
    };
    char body[64];
    sotto_diag diag;
    (void)state;
    for (size_t i = 0; i < SOTTO_COUNT(endless); i++) {
        const script s = {
            .bytes = endless[i][0], .len = strlen(endless[i][0]), .then = REPEAT, .tail = endless[i][1]};
        sotto_status st = ask_script(&s, 3600 * 1000, body, &diag);
        int cause = sotto_status_cause(st);
        if (cause != SOTTO_CAUSE_RANGE && cause != SOTTO_CAUSE_PROTOCOL)
            print_error("endless %zu\n", i);
        assert_true(cause == SOTTO_CAUSE_RANGE || cause == SOTTO_CAUSE_PROTOCOL);
    }
}

/* Chunks (RFC 9112 section 7.1), with an extension and a trailer. */
static void test_chunked_answer_cut_at_every_byte(void **state)
{
    static const char whole[] = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                                "3\r\nabc\r\n000c;a=b\r\ndefghijklmno\r\n0\r\nX: y\r\n\r\n";
    char body[64];
    sotto_diag diag;
    script s = {.bytes = whole};
    (void)state;
    for (s.len = 0; s.len < sizeof whole - 1; s.len++)
        kit_cause(ask_script(&s, 20000, body, &diag), NETWORK, &diag);
    kit_ok(ask_script(&s, 20000, body, &diag), &diag);
    assert_string_equal(body, "abcdefghijklmno");
}

static void test_chunks_that_lie(void **state)
{
    static const char *const lies[] = {"-1\r\na\r\n0\r\n\r\n",
                                       "fffffffffffffffff\r\na\r\n0\r\n\r\n",
                                       "ffffffffffffffff\r\na\r\n0\r\n\r\n",
                                       "3e9\r\n",
                                       "0x1\r\na\r\n0\r\n\r\n",
                                       "2\r\na\r\n0\r\n\r\n",
                                       "1\r\nab\r\n0\r\n\r\n",
                                       "\r\na\r\n0\r\n\r\n"};
    char text[256], body[64];
    sotto_diag diag;
    (void)state;
    for (size_t i = 0; i < SOTTO_COUNT(lies); i++) {
        int len =
            snprintf(text, sizeof text, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n%s", lies[i]);
        const script s = {.bytes = text, .len = (size_t)len, .then = CLOSE};
        int cause = sotto_status_cause(ask_script(&s, 20000, body, &diag));
        if (cause != SOTTO_CAUSE_PROTOCOL && cause != SOTTO_CAUSE_RANGE && cause != SOTTO_CAUSE_NETWORK)
            fail_msg("lie %zu: \"%s\" %s", i, body, diag.text);
    }
}

static void test_answer_until_close(void **state)
{
    static const char answer[] = "HTTP/1.0 200 OK\r\n\r\nabc";
    sotto_diag diag;
    (void)state;
    kit_ok(ask_bad(answer, sizeof answer - 1, false, 3000, &diag), &diag);
}

/* Half a MiB at half a MiB a second, read to the last byte though a request may take less than that time. */
static void test_reads_no_faster_than_told(void **state)
{
    (void)state;
    fixture f = {0};
    const sotto_http_message *response;
    start(&f, (sotto_server_config){0}, NULL);
    sotto_client_free(f.client);
    sotto_client_config config = {.url = f.server.url,
                                  .timeout_ms = 600,
                                  .max_bytes_per_s = SOTTO_CLIENT_RATE_MIN - 1,
                                  .clock = sotto_port_clock()};
    kit_cause(sotto_client_new(&f.client, &config, &f.diag), USAGE, &f.diag);
    assert_null(f.client);
    config.max_bytes_per_s = 512 * 1024;
    kit_ok(sotto_client_new(&f.client, &config, &f.diag), &f.diag);
    for (int i = 0; i < 2; i++) { /* the second time: nothing was saved up, and the connection is the same */
        int64_t from_ms = config.clock.mono_ms(config.clock.ctx);
        kit_ok(
            sotto_client_request(f.client, "GET", "/half", NULL, sotto_span_of(NULL, 0), &response, &f.diag),
            &f.diag);
        assert_int_equal(response->code, 200);
        assert_int_equal(response->body.len, 512 * 1024);
        assert_true(config.clock.mono_ms(config.clock.ctx) - from_ms >= 960);
    }
    sotto_client_free(f.client);
    kit_server_stop(&f.server);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_requests_in_sequence, setup, teardown),
        cmocka_unit_test(test_over_unix_socket),
        cmocka_unit_test_setup_teardown(test_body_too_long_is_413, setup, teardown),
        cmocka_unit_test_setup_teardown(test_reconnects_after_idle_close, setup, teardown),
        cmocka_unit_test_setup_teardown(test_nobody_there, setup, teardown),
        cmocka_unit_test(test_urls),
        cmocka_unit_test_setup_teardown(test_pipelined, setup, teardown),
        cmocka_unit_test_setup_teardown(test_nonsense_is_400, setup, teardown),
        cmocka_unit_test_setup_teardown(test_cut_at_every_byte, setup, teardown),
        cmocka_unit_test_setup_teardown(test_chunked_cut_at_every_byte, setup, teardown),
        cmocka_unit_test_setup_teardown(test_endless_head, setup, teardown),
        cmocka_unit_test_setup_teardown(test_slow_sender_is_closed, setup, teardown),
        cmocka_unit_test_setup_teardown(test_slow_reader_does_not_block, setup, teardown),
        cmocka_unit_test(test_one_listener_does_not_starve_another),
        cmocka_unit_test(test_connections_are_bounded),
        cmocka_unit_test(test_server_hangs),
        cmocka_unit_test(test_server_closes_early),
        cmocka_unit_test(test_server_talks_nonsense),
        cmocka_unit_test(test_answer_too_long),
        cmocka_unit_test(test_server_drips),
        cmocka_unit_test(test_server_does_not_end),
        cmocka_unit_test(test_chunked_answer_cut_at_every_byte),
        cmocka_unit_test(test_chunks_that_lie),
        cmocka_unit_test(test_answer_until_close),
        cmocka_unit_test(test_reads_no_faster_than_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
