/*
 * Floods: bytes without end of which nothing comes. TLS 1.3 lets a ChangeCipherSpec record pass unread until
 * the handshake is over (RFC 8446 section 5), Mbed TLS at any time and warnings besides, each time looking
 * for the next record at once. So a peer that is nobody yet could keep our thread for as long as it has
 * bytes: deadlines are judged between two reads only. Here: at our server and at our client, in the handshake
 * and after it, and with crumbs of data in between.
 */
#include "kit_talk.h"

#include <mbedtls/ssl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "server_priv.h"

#define TURN    STREAM_TURN_BYTES
#define ENDLESS ((size_t)8 << 20) /* whoever takes that much would take any */

typedef struct record {
    uint8_t bytes[8];
    size_t len;
} record;

static const record change_cipher_spec = {{0x14, 3, 3, 0, 1, 1}, 6};
static const record warning = {{0x15, 3, 3, 0, 2, 1, 90}, 7};

/* As many whole records as the line takes, at most `max` bytes. */
static size_t pour(int fd, const record *r, size_t max)
{
    uint8_t many[6 * 7 * 100];
    size_t sent = 0;
    for (size_t at = 0; at < sizeof many; at += r->len)
        memcpy(many + at, r->bytes, r->len);
    while (sent < max) {
        size_t want = max - sent < sizeof many ? max - sent : sizeof many;
        /* A Unix socket takes the piece whole or not at all, so records stay whole. */
        ssize_t n = send(fd, many, want - want % r->len, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n <= 0)
            break;
        sent += (size_t)n;
    }
    return sent;
}

static size_t unread(int fd)
{
    int n = 0;
    assert_int_equal(ioctl(fd, FIONREAD, &n), 0);
    return (size_t)n;
}

/* ---- at our server ---- */

/* Without end, until the server hangs up. Between two turns of this one everybody has his. */
static void flood_server(office *o, int fd, const record *r)
{
    const conn *c = o->server->conn[0];
    size_t poured = 0, n;
    while (c->state != CONN_DRAIN && (n = pour(fd, r, 2 * TURN)) > 0) {
        const size_t waiting = unread(c->stream.fd);
        steps(o, 1);
        if (open_now(o) == 0)
            break;
        if (c->state != CONN_DRAIN)
            assert_in_range(waiting - unread(c->stream.fd), 0, TURN);
        poured += n;
        assert_in_range(poured, 0, ENDLESS);
    }
    o->mono_ms += TALK_IDLE + 1; /* the polite end */
    steps(o, 2);
    assert_int_equal(open_now(o), 0);
}

static void test_server_in_the_handshake(void **state)
{
    (void)state;
    static const record *const kinds[] = {&change_cipher_spec, &warning};
    office o;
    office_open(&o);
    for (size_t i = 0; i < SOTTO_COUNT(kinds); i++) {
        int fd = call(&o);
        assert_int_equal(send(fd, talk_hello, talk_hello_len, MSG_NOSIGNAL), talk_hello_len);
        flood_server(&o, fd, kinds[i]);
        sotto_port_close(&fd);
    }
    assert_unharmed(&o);
}

static void test_server_after_the_handshake(void **state)
{
    (void)state;
    office o;
    caller c;
    office_open(&o);
    int fd = call(&o);
    caller_open(&c);
    shake_hands(&o, &c, fd, 16384);
    (void)carry(c.line, fd, 16384);
    steps(&o, 2);
    assert_int_equal(sotto_server_stats_of(o.server).handshakes, 1);
    flood_server(&o, fd, &change_cipher_spec);
    caller_close(&c);
    sotto_port_close(&fd);
    assert_unharmed(&o);
}

/* More than a turn of them, and no more than are borne: what is left in the socket has its turn although
 * nothing new comes, and the handshake goes well. */
static void test_a_few_are_passed_over(void **state)
{
    (void)state;
    office o;
    caller c;
    uint8_t flight[8192];
    office_open(&o);
    int fd = call(&o);
    caller_open(&c);
    size_t len = first_flight(&o, &c, fd, flight, sizeof flight);
    assert_int_equal(send(c.line, flight, len, MSG_NOSIGNAL), len);
    kit_ok(sync_stream_handshake(&c.stream, NULL), NULL);
    assert_in_range(pour(fd, &change_cipher_spec, TURN + TURN / 2), TURN, 2 * TURN);
    (void)carry(c.line, fd, 16384);
    steps(&o, 4);
    assert_int_equal(sotto_server_stats_of(o.server).handshakes, 1);
    caller_close(&c);
    sotto_port_close(&fd);
    steps(&o, 2);
    assert_unharmed(&o);
}

/* A crumb of data buys bytes for itself, not for a flood, and not another turn. */
static void test_crumbs_between(void **state)
{
    (void)state;
    office o;
    caller c;
    size_t n;
    office_open(&o);
    int fd = call(&o);
    caller_open(&c);
    shake_hands(&o, &c, fd, 16384);
    (void)carry(c.line, fd, 16384);
    steps(&o, 2);
    const conn *served = o.server->conn[0];
    size_t poured = 0, said = 0;
    while (open_now(&o) == 1 && served->state == CONN_READ) {
        for (int i = 0; i < 4; i++) {
            kit_ok(sync_stream_write(&c.stream, said < 5 ? &"GET /"[said] : "a", 1, &n, NULL), NULL);
            said++;
            (void)carry(c.line, fd, 16384);
            poured += pour(fd, &change_cipher_spec, TURN / 2);
        }
        const size_t waiting = unread(served->stream.fd);
        steps(&o, 1);
        if (open_now(&o) == 1 && served->state == CONN_READ)
            assert_in_range(waiting - unread(served->stream.fd), 0, TURN);
        assert_in_range(poured, 0, ENDLESS);
    }
    assert_in_range(said, 4, 64); /* it was the flood that ended it, not what was asked */
    caller_close(&c);
    sotto_port_close(&fd);
    o.mono_ms += TALK_IDLE + 1;
    steps(&o, 2);
    assert_unharmed(&o);
}

/* ---- at our client ---- */

/* Until the client gives up; each call of it ends, flood or none. */
static sotto_status flood_caller(caller *c, bool ready, sotto_diag *diag)
{
    sotto_status st = SOTTO_ERR(SYNC, BUSY);
    for (size_t poured = 0; sotto_status_cause(st) == SOTTO_CAUSE_BUSY;) {
        uint8_t byte;
        size_t got;
        poured += pour(c->line, &change_cipher_spec, 2 * TURN);
        const size_t waiting = unread(c->stream.fd);
        st = ready ? sync_stream_read(&c->stream, &byte, 1, &got, diag)
                   : sync_stream_handshake(&c->stream, diag);
        assert_in_range(waiting - unread(c->stream.fd), 0, TURN);
        assert_in_range(poured, 0, ENDLESS);
    }
    return st;
}

static void test_client_in_the_handshake(void **state)
{
    (void)state;
    office o;
    caller c;
    uint8_t flight[8192];
    sotto_diag diag = {0};
    office_open(&o);
    int fd = call(&o);
    caller_open(&c);
    (void)first_flight(&o, &c, fd, flight, sizeof flight);
    size_t first = 5 + ((size_t)flight[3] << 8) + flight[4]; /* the server's hello, all that is in the open */
    assert_int_equal(send(c.line, flight, first, MSG_NOSIGNAL), first);
    kit_cause(flood_caller(&c, false, &diag), PROTOCOL, &diag);
    assert_non_null(strstr(diag.text, "nothing comes of"));
    caller_close(&c);
    sotto_port_close(&fd);
    steps(&o, 2);
    assert_unharmed(&o);
}

static void test_client_after_the_handshake(void **state)
{
    (void)state;
    office o;
    caller c;
    sotto_diag diag = {0};
    office_open(&o);
    int fd = call(&o);
    caller_open(&c);
    shake_hands(&o, &c, fd, 16384);
    kit_cause(flood_caller(&c, true, &diag), PROTOCOL, &diag);
    caller_close(&c);
    sotto_port_close(&fd);
    steps(&o, 2);
    assert_unharmed(&o);
}

/* A client and a server face to face, the test between them. */
static void connect_both(caller *c, sync_stream *server, int *line)
{
    int pair[2];
    sotto_diag diag = {0};
    sotto_status one = SOTTO_ERR(SYNC, BUSY), other = one;
    caller_open(c);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair), 0);
    *line = pair[1];
    kit_ok(sync_stream_open(server, pair[0], talk_server_tls, NULL, NULL, NULL), NULL);
    for (int i = 0; i < 100 && (one != SOTTO_OK || other != SOTTO_OK); i++) {
        one = sync_stream_handshake(&c->stream, &diag);
        (void)carry(c->line, *line, 16384);
        other = sync_stream_handshake(server, NULL);
        (void)carry(*line, c->line, 16384);
    }
    kit_ok(one, &diag);
    kit_ok(other, NULL);
}

/* The server says one byte, behind so many tickets: does the client come to read it? */
static sotto_status read_behind_tickets(uint16_t count, sotto_diag *diag)
{
    sync_stream server;
    caller c;
    int line = -1;
    size_t n = 0;
    uint8_t byte = 0;
    sotto_status st = SOTTO_ERR(SYNC, BUSY);
    mbedtls_ssl_conf_new_session_tickets(&talk_server_tls->conf, count);
    connect_both(&c, &server, &line);
    for (int i = 0; i < 4000 && sotto_status_cause(st) == SOTTO_CAUSE_BUSY; i++) {
        if (n == 0)
            (void)!sync_stream_write(&server, "x", 1, &n, NULL);
        (void)carry(line, c.line, 4096);
        size_t got = 0;
        st = sync_stream_read(&c.stream, &byte, 1, &got, diag);
    }
    assert_true(c.stream.new_ticket);
    assert_true(st != SOTTO_OK || byte == 'x');
    caller_close(&c);
    sync_stream_close(&server);
    sotto_port_close(&line);
    mbedtls_ssl_conf_new_session_tickets(&talk_server_tls->conf, 1);
    return st;
}

/* Tickets are real messages, and a server may give several; not thousands. */
static void test_client_given_tickets_without_end(void **state)
{
    (void)state;
    sotto_diag diag = {0};
    kit_ok(read_behind_tickets(9, &diag), &diag);
    kit_cause(read_behind_tickets(2000, &diag), PROTOCOL, &diag);
    kit_ok(read_behind_tickets(1, &diag), &diag);
}

/* ---- the whole client, and somebody on the line who lets the server's hello through and then floods ---- */

static void pass_and_flood(int client, uint16_t to_port)
{
    char port[8];
    uint8_t bytes[16384];
    int server = -1;
    sotto_clock clock = sotto_port_clock();
    (void)snprintf(port, sizeof port, "%u", (unsigned)to_port);
    if (sotto_port_connect_tcp("127.0.0.1", port, clock.mono_ms(clock.ctx) + 60000, &server, NULL) !=
        SOTTO_OK)
        _exit(1);
    ssize_t n = recv(client, bytes, sizeof bytes, 0);
    if (n <= 0 || send(server, bytes, (size_t)n, MSG_NOSIGNAL) != n ||
        sotto_port_wait(server, false, clock.mono_ms(clock.ctx) + 60000) != SOTTO_OK)
        _exit(1);
    n = recv(server, bytes, sizeof bytes, 0);
    if (n < 5 || send(client, bytes, 5 + ((size_t)bytes[3] << 8) + bytes[4], MSG_NOSIGNAL) < 5)
        _exit(1);
    while (send(client, change_cipher_spec.bytes, change_cipher_spec.len, MSG_NOSIGNAL) > 0)
        ;
    _exit(0);
}

static void say_nothing(void *ctx, const sotto_http_message *request, const sotto_peer *peer,
                        sotto_reply *reply)
{
    (void)ctx;
    (void)request;
    (void)peer;
    reply->code = 204;
}

/* No deadline ends this one: it is an hour away. */
static void test_whole_client(void **state)
{
    (void)state;
    kit_server s;
    char url[64];
    int listener = -1, status = 0;
    uint16_t port = 0;
    sotto_client *client = NULL;
    sotto_diag diag = {0};
    const sotto_http_message *response;
    kit_server_start(&s, (sotto_server_config){.handler = say_nothing}, talk_server_tls, NULL);
    kit_ok(sotto_port_listen_tcp("127.0.0.1", "0", &listener, NULL), NULL);
    kit_ok(sotto_port_local_port(listener, &port), NULL);
    pid_t flooder = kit_fork();
    if (flooder == 0) {
        int block = 0;
        (void)ioctl(listener, FIONBIO, &block);
        pass_and_flood(accept(listener, NULL, NULL), s.port);
    }
    (void)snprintf(url, sizeof url, "https://localhost:%u", (unsigned)port);
    const sotto_client_config config = {
        .url = url, .tls = talk_client_tls, .timeout_ms = 3600 * 1000, .clock = sotto_port_clock()};
    kit_ok(sotto_client_new(&client, &config, &diag), &diag);
    kit_cause(sotto_client_request(client, "GET", "/", NULL, sotto_span_of(NULL, 0), &response, &diag),
              PROTOCOL, &diag);
    assert_non_null(strstr(diag.text, "nothing comes of"));
    sotto_client_free(client);
    assert_int_equal(waitpid(flooder, &status, 0), flooder);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    sotto_port_close(&listener);
    kit_server_stop(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_server_in_the_handshake),
        cmocka_unit_test(test_server_after_the_handshake),
        cmocka_unit_test(test_a_few_are_passed_over),
        cmocka_unit_test(test_crumbs_between),
        cmocka_unit_test(test_client_in_the_handshake),
        cmocka_unit_test(test_client_after_the_handshake),
        cmocka_unit_test(test_client_given_tickets_without_end),
        cmocka_unit_test(test_whole_client),
    };
    return cmocka_run_group_tests(tests, talk_make, talk_free);
}
