/*
 * Hostile peers of TLS, in one process and with a clock of the test's own, so that many bytes can be tried
 * and no deadline is waited for. Here: the client's first flight cut at, and changed in, every byte; the
 * server's and the client's second one cut at each byte of what is in the open and many of what is sealed;
 * the whole handshake one byte at a time; lengths that lie in records and messages; empty records and crumbs;
 * what a stranger may hold of memory and time, in TLS and in HTTP. HTTP cut at every byte, lengths that lie,
 * pipelined, slow and endless requests and answers: test_http.c, test_server.c. Both behind a relay in
 * another process, and servers that hang: test_tls.c.
 */
#include "kit_talk.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

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
    for (size_t len = 0; len < talk_hello_len; len++) {
        int cut = call(&o), silent = call(&o);
        assert_int_equal(send(cut, talk_hello, len, MSG_NOSIGNAL), len);
        assert_int_equal(send(silent, talk_hello, len, MSG_NOSIGNAL), len);
        assert_int_equal(shutdown(cut, SHUT_WR), 0);
        steps(&o, 3);
        assert_int_equal(open_now(&o), 1);
        o.mono_ms += TALK_IDLE + 1;
        steps(&o, 3);
        o.mono_ms += TALK_IDLE + 1; /* the polite end takes a while, but not for ever */
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
    while (open_now(&o) == 1 && sent < talk_hello_len) {
        if (send(fd, talk_hello + sent, 1, MSG_NOSIGNAL) != 1)
            break;
        sent++;
        o.mono_ms += 1000;
        steps(&o, 2);
    }
    assert_in_range(sent, TALK_IDLE / 1000 - 1, TALK_IDLE / 1000 + 4);
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
        o->mono_ms += TALK_IDLE + 1;
        steps(o, 3);
    }
    assert_int_equal(open_now(o), 0);
    sotto_port_close(&fd);
}

/* Every byte of the talk_hello changed: refused, or left waiting for what is not to come; never a request. */
static void test_client_hello_with_every_byte_changed(void **state)
{
    (void)state;
    office o;
    uint8_t changed[sizeof talk_hello];
    office_open(&o);
    for (size_t at = 0; at < talk_hello_len; at += KIT_STRIDE) {
        memcpy(changed, talk_hello, talk_hello_len);
        changed[at] = (uint8_t)(changed[at] ^ (at % 2 == 0 ? 0xff : 0x01));
        offer(&o, changed, talk_hello_len);
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
            memcpy(bytes, talk_hello, talk_hello_len);
            bytes[message ? 7 : 3] = (uint8_t)(LENGTHS[i] >> 8);
            bytes[message ? 8 : 4] = (uint8_t)LENGTHS[i];
            bytes[6] = message && i % 2 == 1 ? 0xff : bytes[6];
            offer(&o, bytes, talk_hello_len);
            offer(&o, bytes, sizeof bytes);
        }
    }
    assert_unharmed(&o);
}

/* A talk_hello in crumbs, a record a byte: more records than bytes are worth, and still one deadline. */
static void test_hello_in_crumbs(void **state)
{
    (void)state;
    uint8_t crumbs[6 * sizeof talk_hello];
    size_t len = 0;
    office o;
    office_open(&o);
    for (size_t at = 5; at < talk_hello_len; at++) {
        const uint8_t record[6] = {0x16, 3, 1, 0, 1, talk_hello[at]};
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

/* Each byte of the first records' heads and of the server's talk_hello; further on, where all is sealed and a
 * cut record is one that does not come, each 29th. All of them: SOTTO_EVERY_BYTE=1. */
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

enum { STRANGERS = KIT_STRIDE == 1 ? 48 : 12, LEFT = 16 * 1024 };

/* Every stranger says the same and falls silent; what each then holds, and that it goes with him. */
static size_t held_by_each(office *o, const void *said, size_t len)
{
    int fd[STRANGERS];
    const size_t before = heap_now();
    for (size_t i = 0; i < STRANGERS; i++) {
        const uint8_t *at = said;
        fd[i] = call(o);
        for (size_t sent = 0; sent < len;) {
            ssize_t n = send(fd[i], at + sent, len - sent, MSG_NOSIGNAL | MSG_DONTWAIT);
            sent += n > 0 ? (size_t)n : 0;
            steps(o, 1);
        }
    }
    steps(o, 4);
    assert_int_equal(open_now(o), STRANGERS);
    const size_t each = (heap_now() - before) / STRANGERS;
    for (int i = 0; i < 3; i++) {
        o->mono_ms += TALK_IDLE + 1;
        steps(o, 3);
    }
    assert_int_equal(open_now(o), 0);
    for (size_t i = 0; i < STRANGERS; i++)
        sotto_port_close(&fd[i]);
    assert_in_range(heap_now(), 0, before + LEFT); /* PSA's table of keys grew once */
    return each;
}

/* A place that a silent or chattering stranger holds costs what a TLS connection costs, however much comes.
 */
static void test_memory_of_a_stranger_is_bounded(void **state)
{
    (void)state;
    enum { BYTES_EACH = 96 * 1024 };
    uint8_t said[5 + sizeof talk_hello] = {0x16, 3, 1, 0x40, 0x00};
    office o;
    office_open(&o);
    assert_served(&o, 16384);
    memcpy(said + 5, talk_hello, talk_hello_len);
    assert_in_range(held_by_each(&o, talk_hello, talk_hello_len), 1024,
                    BYTES_EACH); /* answered, and silent */
    assert_in_range(held_by_each(&o, said, 5 + talk_hello_len), 1024, BYTES_EACH);
    sotto_server_free(o.server);
}

/* HTTP: a head that lacks its end; a body that is promised and does not come; one that lacks a byte; crumbs
 * of a chunked one. No more than was sent is held, but for the buffers of a connection and a doubling. */
static void test_memory_of_a_request_is_bounded(void **state)
{
    (void)state;
    enum { BUFFERS = 48 * 1024, BODY = 1024 * 1024 /* the server's default bound */ };
    static char said[2 * BODY];
    office o;
    office_open_plain(&o);
    memset(said, 'a', sizeof said);
    int len = snprintf(said, sizeof said, "GET / HTTP/1.1\r\nHost: a\r\nX: ");
    said[len] = 'a';
    assert_in_range(held_by_each(&o, said, 8000), 1024, BUFFERS);
    len = snprintf(said, sizeof said, "PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n", BODY);
    said[len] = 'a';
    assert_in_range(held_by_each(&o, said, (size_t)len), 1024, BUFFERS);
    assert_in_range(held_by_each(&o, said, (size_t)len + 100), 1024, BUFFERS);
    assert_in_range(held_by_each(&o, said, (size_t)len + BODY - 1), BODY - 1, 2 * BODY + BUFFERS);
    len = snprintf(said, sizeof said, "PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n");
    for (int i = 0; i < 20000; i++)
        len += snprintf(said + len, sizeof said - (size_t)len, "1\r\na\r\n");
    assert_in_range(held_by_each(&o, said, (size_t)len), 1024, BUFFERS + 2 * 20000);
    assert_int_equal(o.calls, 0);
    sotto_server_free(o.server);
}

/* Our own side of a handshake, whatever part of the server's flight is there, and when a record promises the
 * longest message that there can be. */
static void test_memory_of_our_handshake_is_bounded(void **state)
{
    (void)state;
    enum { BYTES = 96 * 1024 };
    static uint8_t flight[8192], longest[16384 + 5] = {0x16, 3, 3, 0x40, 0x00, 2, 0, 0x3f, 0xff};
    office o;
    caller c;
    office_open(&o);
    for (size_t at = 0, len = SIZE_MAX; at < len; at += 97 * KIT_STRIDE) {
        const size_t before = heap_now();
        caller_open(&c);
        int fd = call(&o);
        len = first_flight(&o, &c, fd, flight, sizeof flight);
        sotto_port_close(&fd);
        steps(&o, 3);
        assert_int_equal(open_now(&o), 0);
        assert_int_equal(send(c.line, flight, at < len ? at : len, MSG_NOSIGNAL), at < len ? at : len);
        (void)!sync_stream_handshake(&c.stream, NULL);
        assert_in_range(heap_now() - before, 1024, BYTES);
        caller_close(&c);
        assert_in_range(heap_now(), 0, before + 4096);
    }
    const size_t before = heap_now();
    caller_open(&c);
    kit_cause(sync_stream_handshake(&c.stream, NULL), BUSY, NULL);
    assert_int_equal(send(c.line, longest, sizeof longest - 1, MSG_NOSIGNAL), sizeof longest - 1);
    kit_cause(sync_stream_handshake(&c.stream, NULL), BUSY, NULL);
    assert_in_range(heap_now() - before, 1024, BYTES);
    caller_close(&c);
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
        cmocka_unit_test(test_memory_of_a_request_is_bounded),
        cmocka_unit_test(test_memory_of_our_handshake_is_bounded),
    };
    return cmocka_run_group_tests(tests, talk_make, talk_free);
}
