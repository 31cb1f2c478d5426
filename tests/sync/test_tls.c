/* TLS 1.3: who is let in, who is not, and what is said about it; resumption; peers that break off at every
 * byte. */
#include "kit.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "client_priv.h"

#define NOW_S   INT64_C(1795000000)
#define YEAR_S  (365 * INT64_C(86400))
#define TIMEOUT 5000

static kit_identity authority, other_authority;
static kit_identity server_ok, server_expired, server_future, server_other_name, server_of_other;
static kit_identity device_ok, device_expired, device_of_other, device_as_server;
static kit_clock clock_now = {NOW_S};

static int make_all(void **state)
{
    static const char *const names[] = {"localhost", "127.0.0.1"};
    static const char *const other[] = {"elsewhere.example", "127.0.0.2"};
    sotto_diag diag = {0};
    int64_t from = NOW_S - YEAR_S, to = NOW_S + YEAR_S;
    (void)state;
    kit_ok(sotto_vault_start(&diag), &diag);
    kit_authority(&authority, "Bank devices", from, to);
    kit_authority(&other_authority, "Other devices", from, to);
    kit_issue(&server_ok, &authority, SOTTO_CERT_SERVER, "head office", names, 2, from, to);
    kit_issue(&server_expired, &authority, SOTTO_CERT_SERVER, "head office", names, 2, from, NOW_S - 86400);
    kit_issue(&server_future, &authority, SOTTO_CERT_SERVER, "head office", names, 2, NOW_S + 86400, to);
    kit_issue(&server_other_name, &authority, SOTTO_CERT_SERVER, "localhost", other, 2, from, to);
    kit_issue(&server_of_other, &other_authority, SOTTO_CERT_SERVER, "head office", names, 2, from, to);
    kit_issue(&device_ok, &authority, SOTTO_CERT_DEVICE, "kiosk-0001", NULL, 0, from, to);
    kit_issue(&device_expired, &authority, SOTTO_CERT_DEVICE, "kiosk-0002", NULL, 0, from, NOW_S - 86400);
    kit_issue(&device_of_other, &other_authority, SOTTO_CERT_DEVICE, "kiosk-0003", NULL, 0, from, to);
    kit_issue(&device_as_server, &authority, SOTTO_CERT_SERVER, "kiosk-0004", names, 1, from, to);
    return 0;
}

static void who(void *ctx, const sotto_http_message *request, const sotto_peer *peer, sotto_reply *reply)
{
    char hex[65];
    (void)ctx;
    sotto_hex_encode(sotto_span_of(peer->cert_sha256, sizeof peer->cert_sha256), hex, sizeof hex);
    reply->code = 200;
    reply->content_type = "text/plain";
    kit_ok(sotto_vec_printf(&reply->body, "%s %.8s %zu", peer->common_name, hex, request->body.len), NULL);
}

typedef struct pair {
    kit_server server;
    sotto_tls *server_tls, *client_tls;
    sotto_client *client;
    sotto_diag diag;
} pair;

static void pair_start_at(pair *p, const kit_identity *server, bool mutual, const kit_identity *client,
                          const char *host, sotto_clock server_clock)
{
    char url[160];
    sotto_clock clock = kit_clock_of(&clock_now);
    memset(p, 0, sizeof *p);
    p->server_tls = kit_tls(true, &authority, server, mutual, server_clock);
    p->client_tls = kit_tls(false, &authority, client, false, clock);
    const sotto_server_config config = {.handler = who, .idle_ms = 3000};
    kit_server_start(&p->server, config, p->server_tls, NULL);
    (void)snprintf(url, sizeof url, "https://%s:%u", host, (unsigned)p->server.port);
    const sotto_client_config client_config = {
        .url = url, .tls = p->client_tls, .timeout_ms = TIMEOUT, .clock = clock};
    kit_ok(sotto_client_new(&p->client, &client_config, &p->diag), &p->diag);
}

static void pair_start(pair *p, const kit_identity *server, bool mutual, const kit_identity *client,
                       const char *host)
{
    pair_start_at(p, server, mutual, client, host, kit_clock_of(&clock_now));
}

static void pair_stop(pair *p)
{
    sotto_client_free(p->client);
    kit_server_stop(&p->server);
    sotto_tls_free(p->server_tls);
    sotto_tls_free(p->client_tls);
}

static sotto_status pair_ask(pair *p, const char *method, size_t len, const sotto_http_message **response)
{
    uint8_t *body = calloc(1, len + 1);
    assert_non_null(body);
    memset(&p->diag, 0, sizeof p->diag);
    sotto_status st =
        sotto_client_request(p->client, method, "/", NULL, sotto_span_of(body, len), response, &p->diag);
    free(body);
    return st;
}

/* One request; its status, and the words in the diagnosis. */
static void expect(const kit_identity *server, bool mutual, const kit_identity *client, const char *host,
                   int cause, const char *words)
{
    pair p;
    const sotto_http_message *response;
    pair_start(&p, server, mutual, client, host);
    sotto_status st = pair_ask(&p, "GET", 0, &response);
    if (sotto_status_cause(st) != cause || (words != NULL && strstr(p.diag.text, words) == NULL))
        print_error("status \"%s\": %s\n", sotto_status_cause_text(st), p.diag.text);
    assert_int_equal(sotto_status_cause(st), cause);
    if (words != NULL)
        assert_non_null(strstr(p.diag.text, words));
    pair_stop(&p);
}

static void test_mutual(void **state)
{
    pair p;
    const sotto_http_message *r;
    sotto_cert_info info;
    char hex[65], text[128];
    (void)state;
    kit_ok(sotto_cert_read(sotto_span_str(device_ok.cert), &info, NULL), NULL);
    sotto_hex_encode(sotto_span_of(info.sha256, sizeof info.sha256), hex, sizeof hex);
    pair_start(&p, &server_ok, true, &device_ok, "localhost");
    kit_ok(pair_ask(&p, "GET", 0, &r), &p.diag);
    (void)snprintf(text, sizeof text, "kiosk-0001 %.8s 0", hex);
    assert_true(sotto_span_is(r->body, text));
    kit_ok(pair_ask(&p, "PUT", 200000, &r), &p.diag);
    (void)snprintf(text, sizeof text, "kiosk-0001 %.8s 200000", hex);
    assert_true(sotto_span_is(r->body, text));
    pair_stop(&p);
}

static void test_by_address(void **state)
{
    (void)state;
    expect(&server_ok, true, &device_ok, "127.0.0.1", 0, NULL);
    expect(&server_other_name, true, &device_ok, "127.0.0.1", SOTTO_CAUSE_AUTH, "for another name than");
}

static void test_server_only(void **state)
{
    pair p;
    const sotto_http_message *r;
    (void)state;
    pair_start(&p, &server_ok, false, NULL, "localhost");
    kit_ok(pair_ask(&p, "POST", 10, &r), &p.diag);
    assert_true(sotto_span_is(r->body, " 00000000 10"));
    pair_stop(&p);
}

static void test_server_certificates_refused(void **state)
{
    (void)state;
    expect(&server_expired, true, &device_ok, "localhost", SOTTO_CAUSE_EXPIRED,
           "server certificate expired on 2026-11-17T");
    expect(&server_future, true, &device_ok, "localhost", SOTTO_CAUSE_EXPIRED,
           "server certificate is not valid before 2026-11-19T");
    expect(&server_other_name, true, &device_ok, "localhost", SOTTO_CAUSE_AUTH,
           "for another name than \"localhost\"");
    expect(&server_of_other, true, &device_ok, "localhost", SOTTO_CAUSE_AUTH,
           "not from the trusted authority");
}

static void test_client_certificates_refused(void **state)
{
    (void)state;
    expect(&server_ok, true, NULL, "localhost", SOTTO_CAUSE_AUTH, "demands a certificate");
    expect(&server_ok, true, &device_expired, "localhost", SOTTO_CAUSE_EXPIRED,
           "our certificate has expired");
    expect(&server_ok, true, &device_of_other, "localhost", SOTTO_CAUSE_AUTH,
           "does not trust our certificate");
    expect(&server_ok, true, &device_as_server, "localhost", SOTTO_CAUSE_AUTH, "refuses our certificate");
}

/* The given clock decides, not the system's: a terminal that believes it is 1970 or 2090. */
static void test_clock_decides(void **state)
{
    (void)state;
    clock_now.utc_s = 0;
    expect(&server_ok, true, &device_ok, "localhost", SOTTO_CAUSE_EXPIRED,
           "server certificate is not valid before");
    clock_now.utc_s = INT64_C(3786912000);
    expect(&server_ok, true, &device_ok, "localhost", SOTTO_CAUSE_EXPIRED, "server certificate expired on");
    clock_now.utc_s = NOW_S;
    expect(&server_ok, true, &device_ok, "localhost", 0, NULL);
}

static void test_bad_identities(void **state)
{
    sotto_tls *tls = NULL;
    sotto_diag diag = {0};
    sotto_tls_identity id = {.authority_pem = sotto_span_str(authority.cert),
                             .certificate_pem = sotto_span_str(server_ok.cert),
                             .key_pem = sotto_span_str(device_ok.key),
                             .clock = kit_clock_of(&clock_now)};
    (void)state;
    kit_cause(sotto_tls_new(&tls, true, &id, &diag), AUTH, &diag);
    id.key_pem = sotto_span_str("no key");
    kit_cause(sotto_tls_new(&tls, true, &id, &diag), MALFORMED, &diag);
    id.key_pem = sotto_span_str(server_ok.key);
    id.certificate_pem = sotto_span_str("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
    kit_cause(sotto_tls_new(&tls, true, &id, &diag), MALFORMED, &diag);
    id.certificate_pem = sotto_span_of(NULL, 0);
    kit_cause(sotto_tls_new(&tls, true, &id, &diag), USAGE, &diag);
    id.authority_pem = sotto_span_str("");
    kit_cause(sotto_tls_new(&tls, false, &id, &diag), MALFORMED, &diag);
    assert_null(tls);
}

/* ---- resumption ---- */

static bool resumed(const pair *p)
{
    /* Only a full handshake shows a certificate. */
    return p->client->connected && !p->client->stream.verified;
}

static void reconnect(pair *p)
{
    sync_stream_close(&p->client->stream);
    p->client->connected = false;
}

static void test_resumption_keeps_the_identity(void **state)
{
    pair p;
    const sotto_http_message *r;
    char first[128];
    (void)state;
    pair_start(&p, &server_ok, true, &device_ok, "localhost");
    kit_ok(pair_ask(&p, "GET", 0, &r), &p.diag);
    (void)snprintf(first, sizeof first, "%.*s", (int)r->body.len, (const char *)r->body.ptr);
    assert_false(resumed(&p));
    for (int i = 0; i < 3; i++) {
        assert_non_null(p.client->ticket);
        reconnect(&p);
        kit_ok(pair_ask(&p, "GET", 0, &r), &p.diag);
        assert_true(resumed(&p));
        assert_true(sotto_span_is(r->body, first));
    }
    pair_stop(&p);
}

/* A ticket of another server (another key) is of no use, and does no harm. */
static void test_foreign_ticket_means_full_handshake(void **state)
{
    pair a, b;
    const sotto_http_message *r;
    (void)state;
    pair_start(&a, &server_ok, true, &device_ok, "localhost");
    kit_ok(pair_ask(&a, "GET", 0, &r), &a.diag);
    assert_non_null(a.client->ticket);
    pair_start(&b, &server_ok, true, &device_ok, "localhost");
    (void)snprintf(a.client->url.port, sizeof a.client->url.port, "%s", b.client->url.port);
    reconnect(&a);
    kit_ok(pair_ask(&a, "GET", 0, &r), &a.diag);
    assert_false(resumed(&a));
    pair_stop(&a);
    pair_stop(&b);
}

/* The server's day and its age in the child process that serves: what the test moves must be shared with it.
 */
typedef struct moving_clock {
    int64_t utc_s, ahead_ms;
} moving_clock;

static int64_t moving_utc(void *ctx)
{
    return ((const moving_clock *)ctx)->utc_s;
}

static int64_t moving_mono(void *ctx)
{
    sotto_clock clock = sotto_port_clock();
    return clock.mono_ms(clock.ctx) + ((const moving_clock *)ctx)->ahead_ms;
}

static moving_clock *moving_start(pair *p)
{
    moving_clock *moving =
        mmap(NULL, sizeof *moving, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_ptr_not_equal(moving, MAP_FAILED);
    *moving = (moving_clock){.utc_s = NOW_S};
    const sotto_clock clock = {.ctx = moving, .utc_s = moving_utc, .mono_ms = moving_mono};
    pair_start_at(p, &server_ok, true, &device_ok, "localhost", clock);
    return moving;
}

static bool asks_again_resumed(pair *p)
{
    const sotto_http_message *r;
    assert_non_null(p->client->ticket);
    reconnect(p);
    kit_ok(pair_ask(p, "GET", 0, &r), &p->diag);
    return resumed(p);
}

/* The key of tickets is another one each day; that of the day before still opens what it sealed, and then it
 * is gone. */
static void test_tickets_outlive_one_key_and_not_two(void **state)
{
    enum { DAY_MS = 24 * 3600 * 1000 };
    pair p;
    const sotto_http_message *r;
    (void)state;
    moving_clock *moving = moving_start(&p);
    kit_ok(pair_ask(&p, "GET", 0, &r), &p.diag);
    assert_false(resumed(&p));
    assert_true(asks_again_resumed(&p));
    for (int day = 0; day < 3; day++) { /* each night's ticket is of that day's key */
        moving->ahead_ms += DAY_MS;
        assert_true(asks_again_resumed(&p));
    }
    moving->ahead_ms += 2 * (int64_t)DAY_MS;
    assert_false(asks_again_resumed(&p));
    assert_true(asks_again_resumed(&p));
    pair_stop(&p);
    (void)munmap(moving, sizeof *moving);
}

/* The device is let in by its ticket for as long as its certificate lasts, by the server's clock. */
static void test_tickets_end_with_the_certificate(void **state)
{
    pair p;
    const sotto_http_message *r;
    (void)state;
    moving_clock *moving = moving_start(&p);
    kit_ok(pair_ask(&p, "GET", 0, &r), &p.diag);
    moving->utc_s = NOW_S + YEAR_S - 60;
    assert_true(asks_again_resumed(&p));
    moving->utc_s = NOW_S + YEAR_S + 60;
    reconnect(&p);
    kit_cause(pair_ask(&p, "GET", 0, &r), EXPIRED, &p.diag);
    pair_stop(&p);
    (void)munmap(moving, sizeof *moving);
}

/* Another client of the same server and certificate goes on by it; one that shows another certificate is not
 * taken for the first. */
static void test_a_ticket_goes_to_the_next_client(void **state)
{
    pair p, other;
    const sotto_http_message *r;
    (void)state;
    pair_start(&p, &server_ok, true, &device_ok, "localhost");
    pair_start(&other, &server_ok, true, &device_expired, "localhost");
    kit_ok(pair_ask(&p, "GET", 0, &r), &p.diag);
    sotto_ticket *ticket = sotto_client_take_ticket(p.client);
    assert_non_null(ticket);
    assert_null(sotto_client_take_ticket(p.client));
    const sotto_client_config config = {
        .url = p.server.url, .tls = p.client_tls, .timeout_ms = TIMEOUT, .clock = kit_clock_of(&clock_now)};
    sotto_client_free(p.client);
    kit_ok(sotto_client_new(&p.client, &config, &p.diag), &p.diag);
    sotto_client_give_ticket(p.client, ticket);
    sotto_client_give_ticket(p.client, NULL);
    kit_ok(pair_ask(&p, "GET", 0, &r), &p.diag);
    assert_true(resumed(&p));
    sotto_client_give_ticket(other.client, sotto_client_take_ticket(p.client));
    assert_null(other.client->ticket);
    pair_stop(&p);
    pair_stop(&other);
}

/* A server that shows no certificate is judged by the one it showed: at once, and when the time is only
 * learnt over that connection. */
static void test_resumption_ends_with_the_servers_certificate(void **state)
{
    pair p;
    const sotto_http_message *r;
    (void)state;
    pair_start(&p, &server_ok, true, &device_ok, "localhost");
    for (int late = 0; late < 2; late++) {
        clock_now.utc_s = NOW_S;
        kit_ok(pair_ask(&p, "GET", 0, &r), &p.diag);
        sotto_tls_time_unknown(p.client_tls);
        assert_true(asks_again_resumed(&p));
        clock_now.utc_s = late == 1 ? INT64_C(3786912000) : NOW_S;
        assert_int_equal(sotto_status_cause(sotto_tls_time_known(p.client_tls, NULL)),
                         late == 1 ? SOTTO_CAUSE_EXPIRED : 0);
    }
    reconnect(&p);
    kit_cause(pair_ask(&p, "GET", 0, &r), EXPIRED, &p.diag);
    assert_non_null(strstr(p.diag.text, "server certificate expired on"));
    assert_null(p.client->ticket);
    clock_now.utc_s = NOW_S;
    pair_stop(&p);
}

/* ---- stock peers ---- */

static void read_text(const char *path, char out[static SOTTO_PEM_MAX])
{
    sotto_vec bytes = kit_read(path);
    assert_in_range(bytes.len, 1, SOTTO_PEM_MAX - 1);
    memcpy(out, bytes.ptr, bytes.len);
    out[bytes.len] = '\0';
    sotto_vec_free(&bytes);
}

static int run(const char *command)
{
    int status = system(command);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void test_openssl_client(void **state)
{
    pair p;
    char command[1024];
    (void)state;
    if (run("command -v openssl >/dev/null 2>&1") != 0)
        skip();
    const char *dir = kit_scratch();
    kit_write(kit_path(dir, "ca.pem"), authority.cert, strlen(authority.cert));
    kit_write(kit_path(dir, "cert.pem"), device_ok.cert, strlen(device_ok.cert));
    kit_write(kit_path(dir, "key.pem"), device_ok.key, strlen(device_ok.key));
    kit_write(kit_path(dir, "expired.pem"), device_expired.cert, strlen(device_expired.cert));
    kit_write(kit_path(dir, "expired.key"), device_expired.key, strlen(device_expired.key));
    kit_write(kit_path(dir, "other.pem"), device_of_other.cert, strlen(device_of_other.cert));
    kit_write(kit_path(dir, "other.key"), device_of_other.key, strlen(device_of_other.key));
    pair_start(&p, &server_ok, true, &device_ok, "localhost");
    /* What must be in its output: our answer, or the alert's name. */
    static const char *const cases[][2] = {
        {"-tls1_3 -cert cert.pem -key key.pem", "kiosk-0001"},
        {"-tls1_3 -groups X25519:P-256 -cert cert.pem -key key.pem", "kiosk-0001"},
        {"-tls1_2 -cert cert.pem -key key.pem", "alert protocol version"},
        {"-tls1_3", "certificate required"}, /* RFC 8446 section 4.4.2.4; src/sync/stream.c */
        {"-tls1_3 -cert expired.pem -key expired.key", "alert certificate expired"},
        {"-tls1_3 -cert other.pem -key other.key", "alert unknown ca"}};
    for (size_t i = 0; i < SOTTO_COUNT(cases); i++) {
        (void)snprintf(
            command, sizeof command,
            "cd %s && printf 'GET / HTTP/1.1\\r\\nHost: a\\r\\nConnection: close\\r\\n\\r\\n' | timeout 10 "
            "openssl s_client -quiet -ign_eof -connect 127.0.0.1:%u -servername localhost -CAfile ca.pem "
            "-attime %lld -verify_return_error %s > out 2>&1; grep -q '%s' out",
            dir, (unsigned)p.server.port, (long long)NOW_S, cases[i][0], cases[i][1]);
        int got = run(command);
        if (got != 0) {
            print_error("openssl s_client %s\n", cases[i][0]);
            (void)snprintf(command, sizeof command, "cat %s/out >&2", dir);
            (void)run(command);
        }
        assert_int_equal(got, 0);
    }
    pair_stop(&p);
}

/* A common name is not a host's name: a certificate without subjectAltName (vault makes none such) is
 * refused. */
static void test_common_name_is_no_host_name(void **state)
{
    char command[512];
    (void)state;
    if (run("command -v openssl >/dev/null 2>&1") != 0)
        skip();
    const char *dir = kit_scratch();
    (void)snprintf(
        command, sizeof command,
        "cd %s && openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout key.pem "
        "-out cert.pem -subj /CN=localhost -days 3650 >/dev/null 2>&1",
        dir);
    assert_int_equal(run(command), 0);
    kit_identity kept = authority, server;
    read_text(kit_path(dir, "cert.pem"), server.cert);
    read_text(kit_path(dir, "key.pem"), server.key);
    sotto_cert_info info;
    kit_ok(sotto_cert_read(sotto_span_str(server.cert), &info, NULL), NULL);
    clock_now.utc_s = info.not_before_s + 60;
    authority = server;
    expect(&server, false, NULL, "localhost", SOTTO_CAUSE_AUTH, "for another name than \"localhost\"");
    authority = kept;
    clock_now.utc_s = NOW_S;
}

/* ---- peers that break off, hang or talk nonsense ---- */

/* A server between: passes bytes on to the true one, and cuts after `limit` bytes of the one side or the
 * other. */
static pid_t cutting_proxy(uint16_t to_port, bool cut_client, size_t limit, bool hang, uint16_t *port)
{
    int listener = -1;
    char to[8];
    kit_ok(sotto_port_listen_tcp("127.0.0.1", "0", &listener, NULL), NULL);
    kit_ok(sotto_port_local_port(listener, port), NULL);
    (void)snprintf(to, sizeof to, "%u", (unsigned)to_port);
    pid_t pid = kit_fork();
    if (pid != 0) {
        sotto_port_close(&listener);
        return pid;
    }
    sotto_clock clock = sotto_port_clock();
    int64_t end = clock.mono_ms(clock.ctx) + 10000;
    int client = -1, server = -1;
    if (sotto_port_wait(listener, false, end) != SOTTO_OK)
        _exit(0);
    client = accept(listener, NULL, NULL);
    if (sotto_port_connect_tcp("127.0.0.1", to, end, &server, NULL) != SOTTO_OK)
        _exit(0);
    int side[2] = {client, server};
    for (;;) {
        struct pollfd fds[2] = {{client, POLLIN, 0}, {server, POLLIN, 0}};
        if (poll(fds, 2, 10000) <= 0)
            _exit(0);
        for (int i = 0; i < 2; i++) {
            char buf[4096];
            bool counted = (i == 0) == cut_client;
            if (fds[i].revents == 0)
                continue;
            ssize_t n = recv(side[i], buf, counted && limit < sizeof buf ? limit : sizeof buf, 0);
            if (n <= 0)
                _exit(0);
            (void)send(side[1 - i], buf, (size_t)n, MSG_NOSIGNAL);
            limit -= counted ? (size_t)n : 0;
            if (limit == 0) {
                if (hang)
                    (void)poll(NULL, 0, 10000);
                _exit(0);
            }
        }
    }
}

static sotto_status ask_through_proxy(pair *p, bool cut_client, size_t limit, bool hang, int64_t timeout_ms)
{
    int status;
    uint16_t port = 0;
    const sotto_http_message *r;
    pid_t pid = cutting_proxy(p->server.port, cut_client, limit, hang, &port);
    reconnect(p);
    sotto_ticket_free(sotto_client_take_ticket(p->client));
    (void)snprintf(p->client->url.port, sizeof p->client->url.port, "%u", (unsigned)port);
    p->client->timeout_ms = timeout_ms;
    sotto_status st = pair_ask(p, "GET", 0, &r);
    (void)kill(pid, SIGKILL);
    (void)waitpid(pid, &status, 0);
    return st;
}

static void test_server_cut_at_many_bytes(void **state)
{
    pair p;
    size_t limit = 1;
    (void)state;
    pair_start(&p, &server_ok, true, &device_ok, "localhost");
    for (;; limit += limit < 150 ? 7 : 41) {
        sotto_status st = ask_through_proxy(&p, false, limit, false, TIMEOUT);
        if (st == SOTTO_OK)
            break;
        int cause = sotto_status_cause(st);
        if (cause != SOTTO_CAUSE_NETWORK && cause != SOTTO_CAUSE_PROTOCOL)
            print_error("at %zu: %s\n", limit, p.diag.text);
        assert_true(cause == SOTTO_CAUSE_NETWORK || cause == SOTTO_CAUSE_PROTOCOL);
        assert_true(p.diag.text[0] != '\0');
    }
    assert_true(limit > 800); /* the certificate alone is longer */
    pair_stop(&p);
}

/* The same towards the server: it stays, whatever it is left with. */
static void test_client_cut_at_many_bytes(void **state)
{
    pair p;
    const sotto_http_message *r;
    char port[8];
    size_t limit = 1;
    (void)state;
    pair_start(&p, &server_ok, true, &device_ok, "localhost");
    (void)snprintf(port, sizeof port, "%s", p.client->url.port);
    while (ask_through_proxy(&p, true, limit, false, TIMEOUT) != SOTTO_OK)
        limit += limit < 60 ? 1 : 23 * KIT_STRIDE;
    assert_true(limit > 600);
    (void)snprintf(p.client->url.port, sizeof p.client->url.port, "%s", port);
    reconnect(&p);
    kit_ok(pair_ask(&p, "GET", 0, &r), &p.diag);
    pair_stop(&p);
}

static void test_server_hangs_in_the_handshake(void **state)
{
    pair p;
    (void)state;
    pair_start(&p, &server_ok, true, &device_ok, "localhost");
    kit_cause(ask_through_proxy(&p, false, 100, true, 300), TIMEOUT, &p.diag);
    kit_cause(ask_through_proxy(&p, false, 700, true, 300), TIMEOUT, &p.diag);
    pair_stop(&p);
}

/* What comes after is served; the server's memory is watched by the sanitizers. */
static void test_client_sends_nonsense(void **state)
{
    pair p;
    const sotto_http_message *r;
    (void)state;
    pair_start(&p, &server_ok, true, &device_ok, "localhost");
    uint8_t bytes[600];
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)(i * 37 + 11);
    static const uint8_t hello[] = {0x16, 0x03, 0x01, 0x02, 0x00, 0x01, 0x00, 0x01, 0xfc, 0x03, 0x03};
    for (size_t len = 0; len < sizeof bytes; len += 23) {
        char port[8];
        int fd = -1;
        size_t n = 0;
        memcpy(bytes, hello, len % 2 == 0 ? sizeof hello : 5);
        (void)snprintf(port, sizeof port, "%u", (unsigned)p.server.port);
        sotto_clock clock = sotto_port_clock();
        kit_ok(sotto_port_connect_tcp("127.0.0.1", port, clock.mono_ms(clock.ctx) + 3000, &fd, NULL), NULL);
        if (sotto_port_send(fd, bytes, len + 1, &n) != SOTTO_OK)
            fail();
        sotto_port_close(&fd);
    }
    kit_ok(pair_ask(&p, "GET", 0, &r), &p.diag);
    pair_stop(&p);
}

/* Plain HTTP on a TLS port, TLS on a plain one. */
static void test_wrong_kind_of_port(void **state)
{
    pair p;
    kit_server plain;
    char url[64];
    sotto_client *client = NULL;
    const sotto_http_message *r;
    sotto_diag diag = {0};
    (void)state;
    pair_start(&p, &server_ok, true, &device_ok, "localhost");
    (void)snprintf(url, sizeof url, "http://127.0.0.1:%u", (unsigned)p.server.port);
    const sotto_client_config to_tls = {.url = url, .timeout_ms = TIMEOUT, .clock = sotto_port_clock()};
    kit_ok(sotto_client_new(&client, &to_tls, &diag), &diag);
    sotto_status st = sotto_client_request(client, "GET", "/", NULL, sotto_span_of(NULL, 0), &r, &diag);
    assert_true(st != SOTTO_OK);
    sotto_client_free(client);
    kit_server_start(&plain, (sotto_server_config){.handler = who, .idle_ms = 500}, NULL, NULL);
    (void)snprintf(p.client->url.port, sizeof p.client->url.port, "%u", (unsigned)plain.port);
    kit_cause(pair_ask(&p, "GET", 0, &r), PROTOCOL, &p.diag);
    kit_server_stop(&plain);
    pair_stop(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_mutual),
        cmocka_unit_test(test_by_address),
        cmocka_unit_test(test_server_only),
        cmocka_unit_test(test_server_certificates_refused),
        cmocka_unit_test(test_client_certificates_refused),
        cmocka_unit_test(test_clock_decides),
        cmocka_unit_test(test_bad_identities),
        cmocka_unit_test(test_resumption_keeps_the_identity),
        cmocka_unit_test(test_foreign_ticket_means_full_handshake),
        cmocka_unit_test(test_tickets_outlive_one_key_and_not_two),
        cmocka_unit_test(test_tickets_end_with_the_certificate),
        cmocka_unit_test(test_a_ticket_goes_to_the_next_client),
        cmocka_unit_test(test_resumption_ends_with_the_servers_certificate),
        cmocka_unit_test(test_openssl_client),
        cmocka_unit_test(test_common_name_is_no_host_name),
        cmocka_unit_test(test_server_cut_at_many_bytes),
        cmocka_unit_test(test_client_cut_at_many_bytes),
        cmocka_unit_test(test_server_hangs_in_the_handshake),
        cmocka_unit_test(test_client_sends_nonsense),
        cmocka_unit_test(test_wrong_kind_of_port),
    };
    return cmocka_run_group_tests(tests, make_all, NULL);
}
