/* Head office behind a proxy: TLS ends where it would without one, and a proxy that refuses, stalls, breaks
 * off or talks nonsense is named as what it is. */
#include "kit.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define NOW_S  INT64_C(1795000000)
#define YEAR_S (365 * INT64_C(86400))

static kit_identity authority, office, device;
static kit_clock clock_now = {NOW_S};

static int make_all(void **state)
{
    static const char *const names[] = {"localhost", "127.0.0.1"};
    (void)state;
    kit_ok(sotto_vault_start(NULL), NULL);
    kit_authority(&authority, "Bank devices", NOW_S - YEAR_S, NOW_S + YEAR_S);
    kit_issue(&office, &authority, SOTTO_CERT_SERVER, "head office", names, 2, NOW_S - YEAR_S,
              NOW_S + YEAR_S);
    kit_issue(&device, &authority, SOTTO_CERT_DEVICE, "kiosk-0001", NULL, 0, NOW_S - YEAR_S, NOW_S + YEAR_S);
    return 0;
}

/* ---- a proxy in a process of its own ---- */

typedef struct proxy {
    const char *answer; /* to CONNECT; NULL = 200 when the request is as wanted, 407 otherwise */
    const char *wanted; /* must stand in the request */
    size_t cut;         /* the connection is closed after so many bytes of the answer; 0 = all */
    bool slow, endless; /* a byte each 5 ms; no end of the head */
    uint16_t port;
    pid_t pid;
} proxy;

static void send_text(int fd, const char *text, size_t len, bool slow)
{
    for (size_t i = 0; slow && i < len; i++) {
        (void)!send(fd, text + i, 1, MSG_NOSIGNAL);
        (void)poll(NULL, 0, 5);
    }
    if (!slow)
        (void)!send(fd, text, len, MSG_NOSIGNAL);
}

/* No more comes, and what still came is read: closed before that, TCP's reset would overtake the answer. */
static void leave(int fd)
{
    char rest[4096];
    (void)shutdown(fd, SHUT_WR);
    while (recv(fd, rest, sizeof rest, 0) > 0)
        continue;
}

static void relay(int a, int b)
{
    char bytes[4096];
    struct pollfd fds[2] = {{.fd = a, .events = POLLIN}, {.fd = b, .events = POLLIN}};
    for (;;) {
        (void)poll(fds, 2, -1);
        for (int i = 0; i < 2; i++) {
            if ((fds[i].revents & (POLLIN | POLLHUP | POLLERR)) == 0)
                continue;
            ssize_t n = recv(fds[i].fd, bytes, sizeof bytes, MSG_DONTWAIT);
            if (n <= 0 || send(fds[1 - i].fd, bytes, (size_t)n, MSG_NOSIGNAL) != n)
                return;
        }
    }
}

static void pass_on(const char *target, int fd)
{
    char port[8];
    int to = -1;
    sotto_clock clock = sotto_port_clock();
    const char *colon = strchr(target, ':');
    (void)snprintf(port, sizeof port, "%.*s", (int)strcspn(colon + 1, " "), colon + 1);
    if (sotto_port_connect_tcp("127.0.0.1", port, clock.mono_ms(clock.ctx) + 5000, &to, NULL) != SOTTO_OK)
        return;
    relay(fd, to);
    sotto_port_close(&to);
}

static void serve_one(const proxy *p, int fd)
{
    char head[4096] = "";
    size_t have = 0;
    while (strstr(head, "\r\n\r\n") == NULL && have < sizeof head - 1) {
        ssize_t n = recv(fd, head + have, sizeof head - 1 - have, 0);
        if (n <= 0)
            return;
        have += (size_t)n;
        head[have] = '\0';
    }
    bool good = strncmp(head, "CONNECT ", 8) == 0 && (p->wanted == NULL || strstr(head, p->wanted) != NULL);
    const char *text = p->answer != NULL ? p->answer
                       : good            ? "HTTP/1.1 200 Connection established\r\nVia: 1.1 test\r\n\r\n"
                                         : "HTTP/1.1 407 Proxy Authentication Required\r\n\r\n";
    send_text(fd, text, p->cut > 0 ? p->cut : strlen(text), p->slow);
    for (int i = 0; p->endless && i < 4096; i++)
        send_text(fd, "X: y\r\n", 6, false);
    if (p->answer == NULL && good && p->cut == 0)
        pass_on(head + 8, fd);
    else
        leave(fd);
}

static void start_proxy(proxy *p)
{
    int listener = -1;
    kit_ok(sotto_port_listen_tcp("127.0.0.1", "0", &listener, NULL), NULL);
    kit_ok(sotto_port_local_port(listener, &p->port), NULL);
    p->pid = kit_fork();
    if (p->pid != 0) {
        sotto_port_close(&listener);
        return;
    }
    for (;;) {
        struct pollfd wait = {.fd = listener, .events = POLLIN};
        (void)poll(&wait, 1, -1);
        int fd = accept(listener, NULL, NULL);
        if (fd >= 0) {
            serve_one(p, fd);
            (void)close(fd);
        }
    }
}

static void stop_proxy(proxy *p)
{
    kit_server as_server = {.pid = p->pid};
    kit_server_stop(&as_server);
}

/* ---- the terminal's side ---- */

static void who(void *ctx, const sotto_http_message *request, const sotto_peer *peer, sotto_reply *reply)
{
    (void)ctx;
    reply->code = 200;
    kit_ok(sotto_vec_printf(&reply->body, "%s %zu", peer->common_name, request->body.len), NULL);
}

static sotto_status ask_through(proxy *p, const char *credentials, int64_t timeout_ms, char said[static 64],
                                sotto_diag *diag)
{
    char url[64], proxy_url[64];
    uint8_t body[3000] = {0};
    sotto_client *client = NULL;
    kit_server server = {0};
    const sotto_http_message *response;
    sotto_clock clock = kit_clock_of(&clock_now);
    sotto_tls *server_tls = kit_tls(true, &authority, &office, true, clock);
    sotto_tls *client_tls = kit_tls(false, &authority, &device, false, clock);
    const sotto_server_config config = {.handler = who, .idle_ms = 5000};
    kit_server_start(&server, config, server_tls, NULL);
    start_proxy(p);
    (void)snprintf(url, sizeof url, "https://localhost:%u", (unsigned)server.port);
    (void)snprintf(proxy_url, sizeof proxy_url, "http://127.0.0.1:%u", (unsigned)p->port);
    const sotto_client_config wanted = {.url = url,
                                        .tls = client_tls,
                                        .timeout_ms = timeout_ms,
                                        .proxy = proxy_url,
                                        .proxy_credentials = credentials,
                                        .clock = clock};
    *diag = (sotto_diag){0};
    kit_ok(sotto_client_new(&client, &wanted, diag), diag);
    sotto_status st = SOTTO_OK;
    said[0] = '\0';
    for (int i = 0; i < 2 && st == SOTTO_OK; i++) {
        st = sotto_client_request(client, "PUT", "/x", NULL, sotto_span_of(body, sizeof body), &response,
                                  diag);
        if (st == SOTTO_OK)
            kit_ok(sotto_span_to_str(response->body, said, 64), NULL);
    }
    sotto_client_free(client);
    stop_proxy(p);
    kit_server_stop(&server);
    sotto_tls_free(server_tls);
    sotto_tls_free(client_tls);
    return st;
}

static void expect(proxy p, const char *credentials, int cause, const char *words)
{
    char said[64];
    sotto_diag diag;
    sotto_status st = ask_through(&p, credentials, 2000, said, &diag);
    if (sotto_status_cause(st) != cause || (words != NULL && strstr(diag.text, words) == NULL))
        fail_msg("ended as \"%s\": %s", sotto_status_cause_text(st), diag.text);
}

static void test_end_to_end(void **state)
{
    (void)state;
    char said[64];
    sotto_diag diag;
    proxy plain = {.wanted = "\r\nHost: localhost:"};
    kit_ok(ask_through(&plain, NULL, 5000, said, &diag), &diag);
    assert_string_equal(said, "kiosk-0001 3000"); /* whose certificate head office saw */
    proxy slow = {.slow = true};
    kit_ok(ask_through(&slow, "", 5000, said, &diag), &diag);
    assert_string_equal(said, "kiosk-0001 3000");
}

/* RFC 7617 section 2's own example of a user and a password. */
static void test_credentials(void **state)
{
    (void)state;
    const proxy locked = {.wanted = "\r\nProxy-Authorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==\r\n"};
    expect(locked, "Aladdin:open sesame", 0, NULL);
    expect(locked, NULL, SOTTO_CAUSE_AUTH, "demands credentials");
    expect(locked, "Aladdin:close", SOTTO_CAUSE_AUTH, "does not take our credentials");
}

static void test_refusals(void **state)
{
    (void)state;
    expect((proxy){.answer = "HTTP/1.1 403 Forbidden\r\n\r\n"}, NULL, SOTTO_CAUSE_AUTH, "answered 403");
    expect((proxy){.answer = "HTTP/1.0 401 Unauthorized\r\n\r\n"}, "a:b", SOTTO_CAUSE_AUTH,
           "our credentials");
    expect((proxy){.answer = "HTTP/1.0 502 Bad Gateway\r\n\r\n"}, NULL, SOTTO_CAUSE_NETWORK, "answered 502");
    expect((proxy){.answer = "HTTP/1.1 99 No\r\n\r\n"}, NULL, SOTTO_CAUSE_PROTOCOL, "no HTTP proxy");
    expect((proxy){.answer = "SSH-2.0-OpenSSH_9.2\r\n\r\n"}, NULL, SOTTO_CAUSE_PROTOCOL, "no HTTP proxy");
    expect((proxy){.answer = "HTTP/1.1 200 OK\r\n\r\nHTTP/1.1 200 OK\r\n\r\n"}, NULL, SOTTO_CAUSE_PROTOCOL,
           NULL);
    expect((proxy){.answer = "HTTP/1.1 200 OK\r\n", .endless = true}, NULL, SOTTO_CAUSE_PROTOCOL, "too long");
}

static void test_cut_at_each_byte(void **state)
{
    (void)state;
    static const char answer[] = "HTTP/1.1 200 Connection established\r\nVia: a\r\n\r\n";
#ifdef SOTTO_EMULATED
    const size_t pace = 7;
#else
    const size_t pace = 1;
#endif
    for (size_t cut = 1; cut < sizeof answer; cut += pace)
        expect((proxy){.answer = answer, .cut = cut}, NULL, SOTTO_CAUSE_NETWORK,
               cut + 1 < sizeof answer ? "the proxy closed" : NULL);
}

static void test_silent(void **state)
{
    (void)state;
    sotto_diag diag = {0};
    uint16_t port;
    int listener = -1;
    sotto_client *client = NULL;
    const sotto_http_message *response;
    char url[64];
    kit_ok(sotto_port_listen_tcp("127.0.0.1", "0", &listener, NULL), NULL); /* accepts nobody */
    kit_ok(sotto_port_local_port(listener, &port), NULL);
    (void)snprintf(url, sizeof url, "http://127.0.0.1:%u", (unsigned)port);
    sotto_tls *tls = kit_tls(false, &authority, &device, false, kit_clock_of(&clock_now));
    const sotto_client_config config = {.url = "https://hq.example.org",
                                        .tls = tls,
                                        .timeout_ms = 300,
                                        .proxy = url,
                                        .clock = sotto_port_clock()};
    kit_ok(sotto_client_new(&client, &config, NULL), NULL);
    sotto_status st =
        sotto_client_request(client, "GET", "/", NULL, sotto_span_of(NULL, 0), &response, &diag);
    kit_cause(st, TIMEOUT, &diag);
    sotto_client_free(client);
    sotto_tls_free(tls);
    sotto_port_close(&listener);
}

static void test_wrong_use(void **state)
{
    (void)state;
    static const char *const urls[] = {"https://p:1", "unix:/p", "p:1", "http://"};
    sotto_client *client = NULL;
    char much[SOTTO_PROXY_CREDENTIALS_MAX + 2];
    sotto_tls *tls = kit_tls(false, &authority, &device, false, kit_clock_of(&clock_now));
    sotto_client_config config = {.url = "https://hq:1", .tls = tls, .clock = sotto_port_clock()};
    for (size_t i = 0; i < SOTTO_COUNT(urls); i++) {
        config.proxy = urls[i];
        assert_int_not_equal(sotto_client_new(&client, &config, NULL), SOTTO_OK);
    }
    config.proxy = "http://p:3128";
    config.proxy_credentials = "no colon";
    kit_cause(sotto_client_new(&client, &config, NULL), USAGE, NULL);
    memset(much, ':', sizeof much - 1);
    much[sizeof much - 1] = '\0';
    config.proxy_credentials = much;
    kit_cause(sotto_client_new(&client, &config, NULL), USAGE, NULL);
    config.proxy_credentials = NULL;
    config.url = "http://hq:1";
    kit_cause(sotto_client_new(&client, &config, NULL), USAGE, NULL);
    assert_null(client);
    sotto_tls_free(tls);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_end_to_end), cmocka_unit_test(test_credentials),
        cmocka_unit_test(test_refusals),   cmocka_unit_test(test_cut_at_each_byte),
        cmocka_unit_test(test_silent),     cmocka_unit_test(test_wrong_use),
    };
    return cmocka_run_group_tests(tests, make_all, NULL);
}
