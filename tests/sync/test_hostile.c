/*
 * Hostile peers of TLS, in one process and with a clock of the test's own, so that many bytes can be tried
 * and no deadline is waited for. Here: the client's first flight cut at, and changed in, every byte; the
 * server's and the client's second one cut at each byte of what is in the open and many of what is sealed;
 * the whole handshake one byte at a time; lengths that lie in records and messages; empty records and crumbs;
 * what a stranger may hold of memory and time. HTTP cut at every byte, lengths that lie, pipelined, slow and
 * endless requests and answers: test_http.c, test_server.c. Both behind a relay in another process, and
 * servers that hang: test_tls.c.
 */
#include "kit.h"

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "client_priv.h"

#define NOW_S  INT64_C(1795000000)
#define YEAR_S (365 * INT64_C(86400))
#define IDLE   15000

static kit_identity authority, server_identity, device_identity;
static kit_clock clock_now = {NOW_S};
static sotto_tls *server_tls, *client_tls;
static uint8_t hello[2048]; /* a true client's first flight */
static size_t hello_len;

typedef struct office {
    int64_t mono_ms;
    sotto_server *server;
    char path[200];
    size_t calls;
} office;

static int64_t mono(void *ctx)
{
    return ((office *)ctx)->mono_ms;
}
static int64_t utc(void *ctx)
{
    (void)ctx;
    return NOW_S;
}

static void answer(void *ctx, const sotto_http_message *request, const sotto_peer *peer, sotto_reply *reply)
{
    (void)request;
    assert_string_equal(peer->common_name, "kiosk-0001");
    ((office *)ctx)->calls++;
    reply->code = 204;
}

static void office_open(office *o)
{
    sotto_listener listener = {.fd = -1, .tls = server_tls};
    *o = (office){.mono_ms = 1000};
    (void)snprintf(o->path, sizeof o->path, "%s/door", kit_scratch());
    kit_ok(sotto_port_listen_unix(o->path, 0600, &listener.fd, NULL), NULL);
    const sotto_server_config config = {.listeners = &listener,
                                        .listener_count = 1,
                                        .handler = answer,
                                        .ctx = o,
                                        .connections_max = 64,
                                        .idle_ms = IDLE,
                                        .clock = {.ctx = o, .utc_s = utc, .mono_ms = mono}};
    kit_ok(sotto_server_new(&o->server, &config, NULL), NULL);
}

static void steps(office *o, int count)
{
    for (int i = 0; i < count; i++)
        kit_ok(sotto_server_step(o->server, 0), NULL);
}

static int call(office *o)
{
    int fd = -1;
    sotto_clock clock = sotto_port_clock();
    kit_ok(sotto_port_connect_unix(o->path, clock.mono_ms(clock.ctx) + 1000, &fd, NULL), NULL);
    steps(o, 1);
    return fd;
}

static size_t open_now(const office *o)
{
    return sotto_server_stats_of(o->server).open;
}

/* Bytes move from one socket to another, at most `max`; returns how many. */
static size_t carry(int from, int to, size_t max)
{
    uint8_t bytes[16384];
    ssize_t n = recv(from, bytes, max < sizeof bytes ? max : sizeof bytes, MSG_DONTWAIT);
    if (n <= 0)
        return 0;
    assert_int_equal(send(to, bytes, (size_t)n, MSG_NOSIGNAL), n);
    return (size_t)n;
}

/* A true client on one end of a pair; the test carries what is said at the other one. */
typedef struct caller {
    sync_stream stream;
    int line;
} caller;

static void caller_open(caller *c)
{
    int pair[2];
    sotto_diag diag = {0};
    memset(c, 0, sizeof *c);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair), 0);
    c->line = pair[1];
    kit_ok(sync_stream_open(&c->stream, pair[0], client_tls, "localhost", NULL, &diag), &diag);
}

static void caller_close(caller *c)
{
    sync_stream_close(&c->stream);
    sotto_port_close(&c->line);
}

static int make_all(void **state)
{
    static const char *const names[] = {"localhost"};
    sotto_diag diag = {0};
    caller c;
    (void)state;
    kit_ok(sotto_vault_start(&diag), &diag);
    kit_authority(&authority, "Bank devices", NOW_S - YEAR_S, NOW_S + YEAR_S);
    kit_issue(&server_identity, &authority, SOTTO_CERT_SERVER, "head office", names, 1, NOW_S - YEAR_S,
              NOW_S + YEAR_S);
    kit_issue(&device_identity, &authority, SOTTO_CERT_DEVICE, "kiosk-0001", NULL, 0, NOW_S - YEAR_S,
              NOW_S + YEAR_S);
    server_tls = kit_tls(true, &authority, &server_identity, true, kit_clock_of(&clock_now));
    client_tls = kit_tls(false, &authority, &device_identity, false, kit_clock_of(&clock_now));
    caller_open(&c);
    kit_cause(sync_stream_handshake(&c.stream, NULL), BUSY, NULL);
    ssize_t n = recv(c.line, hello, sizeof hello, MSG_DONTWAIT);
    assert_in_range(n, 100, sizeof hello - 1);
    hello_len = (size_t)n;
    caller_close(&c);
    return 0;
}

static int free_all(void **state)
{
    (void)state;
    sotto_tls_free(server_tls);
    sotto_tls_free(client_tls);
    return 0;
}

/* Carries both ways until the client is ready, `step` bytes at a time. */
static void shake_hands(office *o, caller *c, int fd, size_t step)
{
    sotto_diag diag = {0};
    sotto_status st = SOTTO_ERR(SYNC, BUSY);
    for (int i = 0; i < 20000 && st != SOTTO_OK; i++) {
        st = sync_stream_handshake(&c->stream, &diag);
        if (st != SOTTO_OK)
            kit_cause(st, BUSY, &diag);
        (void)carry(c->line, fd, step);
        steps(o, 1);
        (void)carry(fd, c->line, step);
    }
    kit_ok(st, &diag);
}

/* A client that keeps to the rules is served: whoever was here before did no harm. */
static void assert_served(office *o, size_t step)
{
    static const char request[] = "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";
    caller c;
    char text[256] = "";
    size_t n = 0, calls = o->calls;
    int fd = call(o);
    caller_open(&c);
    shake_hands(o, &c, fd, step);
    kit_ok(sync_stream_write(&c.stream, request, sizeof request - 1, &n, NULL), NULL);
    for (int i = 0; i < 20000 && n != 0 && text[0] == '\0'; i++) {
        size_t got = 0;
        (void)carry(c.line, fd, step);
        steps(o, 1);
        (void)carry(fd, c.line, step);
        if (sync_stream_read(&c.stream, text, sizeof text - 1, &got, NULL) != SOTTO_OK)
            text[0] = '\0';
    }
    assert_memory_equal(text, "HTTP/1.1 204", 12);
    assert_int_equal(o->calls, calls + 1);
    caller_close(&c);
    sotto_port_close(&fd);
    steps(o, 3);
    assert_int_equal(open_now(o), 0);
}

/* No request came of all that was tried, and the end of it. */
static void assert_unharmed(office *o)
{
    assert_int_equal(o->calls, 0);
    assert_served(o, 16384);
    sotto_server_free(o->server);
}

/* ---- against our server ---- */

static void test_one_byte_at_a_time(void **state)
{
    (void)state;
    office o;
    office_open(&o);
    assert_served(&o, 1);
    assert_served(&o, 16384);
    sotto_server_free(o.server);
}

/* Cut after every byte; and left there, silent, until the time for a handshake is over. */
static void test_client_hello_cut_at_every_byte(void **state)
{
    (void)state;
    office o;
    office_open(&o);
    for (size_t len = 0; len < hello_len; len++) {
        int cut = call(&o), silent = call(&o);
        assert_int_equal(send(cut, hello, len, MSG_NOSIGNAL), len);
        assert_int_equal(send(silent, hello, len, MSG_NOSIGNAL), len);
        assert_int_equal(shutdown(cut, SHUT_WR), 0);
        steps(&o, 3);
        assert_int_equal(open_now(&o), 1);
        o.mono_ms += IDLE + 1;
        steps(&o, 3);
        o.mono_ms += IDLE + 1; /* the polite end takes a while, but not for ever */
        steps(&o, 3);
        assert_int_equal(open_now(&o), 0);
        sotto_port_close(&cut);
        sotto_port_close(&silent);
    }
    assert_unharmed(&o);
}

/* One byte a second does not buy time: the deadline is the whole handshake's. */
static void test_slow_hello_has_one_deadline(void **state)
{
    (void)state;
    office o;
    office_open(&o);
    int fd = call(&o);
    size_t sent = 0;
    while (open_now(&o) == 1 && sent < hello_len) {
        if (send(fd, hello + sent, 1, MSG_NOSIGNAL) != 1)
            break;
        sent++;
        o.mono_ms += 1000;
        steps(&o, 2);
    }
    assert_in_range(sent, IDLE / 1000 - 1, IDLE / 1000 + 4);
    sotto_port_close(&fd);
    assert_unharmed(&o);
}

/* Sends bytes as a first flight; in the end the place is free again, whatever they were. */
static void offer(office *o, const uint8_t *bytes, size_t len)
{
    int fd = call(o);
    size_t sent = 0;
    for (int i = 0; i < 64 && sent < len; i++) {
        ssize_t n = send(fd, bytes + sent, len - sent, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n > 0)
            sent += (size_t)n;
        steps(o, 2);
    }
    for (int i = 0; i < 3; i++) {
        o->mono_ms += IDLE + 1;
        steps(o, 3);
    }
    assert_int_equal(open_now(o), 0);
    sotto_port_close(&fd);
}

/* Every byte of the hello changed: refused, or left waiting for what is not to come; never a request. */
static void test_client_hello_with_every_byte_changed(void **state)
{
    (void)state;
    office o;
    uint8_t changed[sizeof hello];
    office_open(&o);
    for (size_t at = 0; at < hello_len; at += KIT_STRIDE) {
        memcpy(changed, hello, hello_len);
        changed[at] = (uint8_t)(changed[at] ^ (at % 2 == 0 ? 0xff : 0x01));
        offer(&o, changed, hello_len);
    }
    assert_unharmed(&o);
}

/* Lengths of the record (RFC 8446 section 5.1, at 3) and of the message (section 4, at 6) that lie, both
 * ways; and as much behind them as a record may hold and more. */
static void test_lengths_that_lie(void **state)
{
    (void)state;
    static const uint32_t LENGTHS[] = {0, 1, 3, 4, 5, 255, 256, 16383, 16384, 16385, 16640, 16641, 65535};
    static uint8_t bytes[200000];
    office o;
    office_open(&o);
    for (size_t i = 0; i < SOTTO_COUNT(LENGTHS); i++) {
        for (int message = 0; message < 2; message++) {
            memset(bytes, 0x16, sizeof bytes);
            memcpy(bytes, hello, hello_len);
            bytes[message ? 7 : 3] = (uint8_t)(LENGTHS[i] >> 8);
            bytes[message ? 8 : 4] = (uint8_t)LENGTHS[i];
            bytes[6] = message && i % 2 == 1 ? 0xff : bytes[6];
            offer(&o, bytes, hello_len);
            offer(&o, bytes, sizeof bytes);
        }
    }
    assert_unharmed(&o);
}

/* A hello in crumbs, a record a byte: more records than bytes are worth, and still one deadline. */
static void test_hello_in_crumbs(void **state)
{
    (void)state;
    uint8_t crumbs[6 * sizeof hello];
    size_t len = 0;
    office o;
    office_open(&o);
    for (size_t at = 5; at < hello_len; at++) {
        const uint8_t record[6] = {0x16, 3, 1, 0, 1, hello[at]};
        memcpy(crumbs + len, record, sizeof record);
        len += sizeof record;
    }
    offer(&o, crumbs, len);
    memset(crumbs, 0, sizeof crumbs);
    for (size_t at = 0; at + 5 <= sizeof crumbs; at += 5) /* empty records, which section 5.1 forbids */
        memcpy(crumbs + at, "\x16\x03\x01\x00\x00", 5);
    offer(&o, crumbs, sizeof crumbs);
    assert_unharmed(&o);
}

/* ---- against our client ---- */

/* The server's first flight, answered to this very caller. */
static size_t first_flight(office *o, caller *c, int fd, uint8_t *out, size_t cap)
{
    size_t len = 0;
    kit_cause(sync_stream_handshake(&c->stream, NULL), BUSY, NULL);
    (void)carry(c->line, fd, 16384);
    for (int i = 0; i < 4; i++) {
        steps(o, 1);
        ssize_t n = recv(fd, out + len, cap - len, MSG_DONTWAIT);
        len += n > 0 ? (size_t)n : 0;
    }
    return len;
}

/* What is left of the flight reaches the client, and then the line ends: it says so and stops. False: the
 * flight is no longer than that. */
static bool answer_client(office *o, size_t limit, size_t change)
{
    uint8_t flight[8192];
    caller c;
    sotto_diag diag = {0};
    int fd = call(o);
    caller_open(&c);
    size_t len = first_flight(o, &c, fd, flight, sizeof flight);
    assert_in_range(len, 700, sizeof flight - 1);
    if (change < len)
        flight[change] ^= 0x41;
    const bool inside = limit < len || change < len;
    size_t sent = limit < len ? limit : len;
    assert_int_equal(send(c.line, flight, sent, MSG_NOSIGNAL), sent);
    assert_int_equal(shutdown(c.line, SHUT_WR), 0);
    sotto_status st = sync_stream_handshake(&c.stream, &diag);
    int cause = sotto_status_cause(st);
    if (!inside)
        kit_ok(st, &diag);
    else if (cause != SOTTO_CAUSE_NETWORK && cause != SOTTO_CAUSE_PROTOCOL && cause != SOTTO_CAUSE_AUTH)
        fail_msg("cut at %zu, changed at %zu: %s", limit, change, diag.text);
    else
        assert_true(diag.text[0] != '\0');
    caller_close(&c);
    sotto_port_close(&fd);
    steps(o, 3);
    assert_int_equal(open_now(o), 0);
    return inside;
}

/* Each byte of the first records' heads and of the server's hello; further on, where all is sealed and a cut
 * record is one that does not come, each 29th. All of them: SOTTO_EVERY_BYTE=1. */
static size_t next_byte(size_t at)
{
    return getenv("SOTTO_EVERY_BYTE") != NULL || at < 12 ? at + 1 : at + (at < 150 ? 3u : 29u) * KIT_STRIDE;
}

static void test_server_hello_cut(void **state)
{
    (void)state;
    office o;
    office_open(&o);
    for (size_t at = 0; answer_client(&o, at, SIZE_MAX); at = next_byte(at))
        assert_true(at < 8192);
    assert_unharmed(&o);
}

static void test_server_hello_changed(void **state)
{
    (void)state;
    office o;
    office_open(&o);
    for (size_t at = 0; answer_client(&o, SIZE_MAX, at); at = next_byte(at))
        assert_true(at < 8192);
    assert_unharmed(&o);
}

/* The client's second flight, with its certificate, cut: no peer was ever let in. */
static bool cut_second_flight(office *o, size_t limit)
{
    uint8_t flight[8192];
    caller c;
    sotto_diag diag = {0};
    int fd = call(o);
    caller_open(&c);
    size_t len = first_flight(o, &c, fd, flight, sizeof flight);
    assert_int_equal(send(c.line, flight, len, MSG_NOSIGNAL), len);
    kit_ok(sync_stream_handshake(&c.stream, &diag), &diag);
    ssize_t second = recv(c.line, flight, sizeof flight, MSG_DONTWAIT);
    assert_in_range(second, 600, sizeof flight - 1);
    const bool inside = limit < (size_t)second;
    if (inside) {
        const uint64_t let_in = sotto_server_stats_of(o->server).handshakes;
        assert_int_equal(send(fd, flight, limit, MSG_NOSIGNAL), limit);
        assert_int_equal(shutdown(fd, SHUT_WR), 0);
        steps(o, 3);
        assert_int_equal(sotto_server_stats_of(o->server).handshakes, let_in);
    }
    caller_close(&c);
    sotto_port_close(&fd);
    steps(o, 3);
    assert_int_equal(open_now(o), 0);
    return inside;
}

static void test_client_certificate_cut(void **state)
{
    (void)state;
    office o;
    size_t at = 0;
    office_open(&o);
    while (cut_second_flight(&o, at))
        at = next_byte(at);
    assert_in_range(at, 600, 8192);
    assert_unharmed(&o);
}

/* ---- memory ---- */

/* A place that a silent or chattering stranger holds costs what a TLS connection costs, however much comes.
 */
static void test_memory_of_a_stranger_is_bounded(void **state)
{
    (void)state;
    enum { STRANGERS = 48, BYTES_EACH = 96 * 1024 };
    office o;
    int fd[STRANGERS];
    static const uint8_t record[5] = {0x16, 3, 1, 0x40, 0x00};
    office_open(&o);
    assert_served(&o, 16384);
    const size_t before = mallinfo2().uordblks;
    for (size_t i = 0; i < STRANGERS; i++) {
        fd[i] = call(&o);
        assert_int_equal(send(fd[i], record, sizeof record, MSG_NOSIGNAL), sizeof record);
        assert_int_equal(send(fd[i], hello, hello_len, MSG_NOSIGNAL), hello_len);
    }
    steps(&o, 4);
    assert_int_equal(open_now(&o), STRANGERS);
    const size_t each = (mallinfo2().uordblks - before) / STRANGERS;
    if (before != 0) /* the sanitizer's allocator does not count for mallinfo */
        assert_in_range(each, 0, BYTES_EACH);
    for (int i = 0; i < 3; i++) {
        o.mono_ms += IDLE + 1;
        steps(&o, 3);
    }
    assert_int_equal(open_now(&o), 0);
    for (size_t i = 0; i < STRANGERS; i++)
        sotto_port_close(&fd[i]);
    sotto_server_free(o.server);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_byte_at_a_time),
        cmocka_unit_test(test_client_hello_cut_at_every_byte),
        cmocka_unit_test(test_slow_hello_has_one_deadline),
        cmocka_unit_test(test_client_hello_with_every_byte_changed),
        cmocka_unit_test(test_lengths_that_lie),
        cmocka_unit_test(test_hello_in_crumbs),
        cmocka_unit_test(test_server_hello_cut),
        cmocka_unit_test(test_server_hello_changed),
        cmocka_unit_test(test_client_certificate_cut),
        cmocka_unit_test(test_memory_of_a_stranger_is_bounded),
    };
    return cmocka_run_group_tests(tests, make_all, free_all);
}
