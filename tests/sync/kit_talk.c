/* The office in this process and its callers. */
#include "kit_talk.h"

#include <errno.h>
#include <malloc.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#define YEAR_S (365 * INT64_C(86400))

static kit_identity authority, server_identity, device_identity;
static kit_clock clock_now = {TALK_NOW_S};
sotto_tls *talk_server_tls, *talk_client_tls;
uint8_t talk_hello[2048];
size_t talk_hello_len;

static int64_t mono(void *ctx)
{
    return ((office *)ctx)->mono_ms;
}
static int64_t utc(void *ctx)
{
    (void)ctx;
    return TALK_NOW_S;
}

static void answer(void *ctx, const sotto_http_message *request, const sotto_peer *peer, sotto_reply *reply)
{
    (void)request;
    office *o = ctx;
    assert_string_equal(peer->common_name, o->plain ? "" : "kiosk-0001");
    o->calls++;
    reply->code = 204;
}

static void open_door(office *o, sotto_tls *tls)
{
    sotto_listener listener = {.fd = -1, .tls = tls};
    *o = (office){.mono_ms = 1000, .plain = tls == NULL};
    (void)snprintf(o->path, sizeof o->path, "%s/door", kit_scratch());
    kit_ok(sotto_port_listen_unix(o->path, 0600, &listener.fd, NULL), NULL);
    const sotto_server_config config = {.listeners = &listener,
                                        .listener_count = 1,
                                        .handler = answer,
                                        .ctx = o,
                                        .connections_max = 64,
                                        .idle_ms = TALK_IDLE,
                                        .clock = {.ctx = o, .utc_s = utc, .mono_ms = mono}};
    kit_ok(sotto_server_new(&o->server, &config, NULL), NULL);
}

void office_open(office *o)
{
    open_door(o, talk_server_tls);
}

void office_open_plain(office *o)
{
    open_door(o, NULL);
}

void steps(office *o, int count)
{
    for (int i = 0; i < count; i++)
        kit_ok(sotto_server_step(o->server, 0), NULL);
}

int call(office *o)
{
    int fd = -1;
    sotto_clock clock = sotto_port_clock();
    kit_ok(sotto_port_connect_unix(o->path, clock.mono_ms(clock.ctx) + 1000, &fd, NULL), NULL);
    steps(o, 1);
    return fd;
}

size_t open_now(const office *o)
{
    return sotto_server_stats_of(o->server).open;
}

size_t carry(int from, int to, size_t max)
{
    uint8_t bytes[16384];
    ssize_t n = recv(from, bytes, max < sizeof bytes ? max : sizeof bytes, MSG_DONTWAIT | MSG_PEEK);
    if (n <= 0)
        return 0;
    n = send(to, bytes, (size_t)n, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (n < 0) /* no room there yet: it stays here */
        assert_int_equal(errno, EAGAIN);
    else
        assert_int_equal(recv(from, bytes, (size_t)n, 0), n);
    return n < 0 ? 0 : (size_t)n;
}

void caller_open(caller *c)
{
    int pair[2];
    sotto_diag diag = {0};
    memset(c, 0, sizeof *c);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair), 0);
    c->line = pair[1];
    kit_ok(sync_stream_open(&c->stream, pair[0], talk_client_tls, "localhost", NULL, &diag), &diag);
}

void caller_close(caller *c)
{
    sync_stream_close(&c->stream);
    sotto_port_close(&c->line);
}

int talk_make(void **state)
{
    static const char *const names[] = {"localhost"};
    sotto_diag diag = {0};
    caller c;
    (void)state;
    kit_ok(sotto_vault_start(&diag), &diag);
    kit_authority(&authority, "Bank devices", TALK_NOW_S - YEAR_S, TALK_NOW_S + YEAR_S);
    kit_issue(&server_identity, &authority, SOTTO_CERT_SERVER, "head office", names, 1, TALK_NOW_S - YEAR_S,
              TALK_NOW_S + YEAR_S);
    kit_issue(&device_identity, &authority, SOTTO_CERT_DEVICE, "kiosk-0001", NULL, 0, TALK_NOW_S - YEAR_S,
              TALK_NOW_S + YEAR_S);
    talk_server_tls = kit_tls(true, &authority, &server_identity, true, kit_clock_of(&clock_now));
    talk_client_tls = kit_tls(false, &authority, &device_identity, false, kit_clock_of(&clock_now));
    caller_open(&c);
    kit_cause(sync_stream_handshake(&c.stream, NULL), BUSY, NULL);
    ssize_t n = recv(c.line, talk_hello, sizeof talk_hello, MSG_DONTWAIT);
    assert_in_range(n, 100, sizeof talk_hello - 1);
    talk_hello_len = (size_t)n;
    caller_close(&c);
    return 0;
}

int talk_free(void **state)
{
    (void)state;
    sotto_tls_free(talk_server_tls);
    sotto_tls_free(talk_client_tls);
    return 0;
}

void shake_hands(office *o, caller *c, int fd, size_t step)
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

void assert_served(office *o, size_t step)
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

size_t first_flight(office *o, caller *c, int fd, uint8_t *out, size_t cap)
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

void assert_unharmed(office *o)
{
    assert_int_equal(o->calls, 0);
    assert_served(o, 16384);
    sotto_server_free(o->server);
}

/* The sanitizer's allocator says nothing to mallinfo; it has a count of its own. */
extern size_t __sanitizer_get_current_allocated_bytes(void) __attribute__((weak));

size_t heap_now(void)
{
    if (__sanitizer_get_current_allocated_bytes != NULL)
        return __sanitizer_get_current_allocated_bytes();
    const struct mallinfo2 heap = mallinfo2();
    return heap.uordblks + heap.hblkhd; /* long blocks are mapped, and counted apart */
}
