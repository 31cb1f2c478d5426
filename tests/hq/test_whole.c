/*
 * Head office whole: `serve` as a process of its own, TLS over loopback, the terminal's own client, its
 * enrolment and its night. Only the terminal's `serve` is played, by a child process that hands out sealed
 * reports.
 */
#include "hq_test.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>

enum { REPORTS = 3 };

/* ---- processes ---- */

typedef struct office {
    pid_t pid;
    unsigned devices, enrol;
} office;

/* Serves in a child; the ports come from the line that it prints when it is ready. */
static void office_start(office *o)
{
    int line[2];
    char text[256] = {0};
    assert_int_equal(pipe(line), 0);
    fflush(stdout);
    o->pid = fork();
    assert_true(o->pid >= 0);
    if (o->pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        char dir[HQ_PATH_MAX];
        char *argv[] = {"serve", "--dir", dir, "--listen", "127.0.0.1:0", "--enrol-listen=127.0.0.1:0", NULL};
        snprintf(dir, sizeof dir, "%s/office", test_dir);
        dup2(line[1], STDOUT_FILENO);
        dup2(open(at("serve.log"), O_WRONLY | O_CREAT | O_APPEND, 0600), STDERR_FILENO);
        close(line[0]);
        _exit(hq_cmd_serve((int)SOTTO_COUNT(argv) - 1, argv));
    }
    close(line[1]);
    assert_true(read(line[0], text, sizeof text - 1) > 0);
    close(line[0]);
    assert_int_equal(sscanf(text, "listening devices=%u enrol=%u", &o->devices, &o->enrol), 2);
}

/* SIGTERM: an orderly end, exit code 0. */
static void office_stop(office *o)
{
    int status;
    assert_int_equal(kill(o->pid, SIGTERM), 0);
    assert_int_equal(waitpid(o->pid, &status, 0), o->pid);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

static void office_kill(office *o)
{
    assert_int_equal(kill(o->pid, SIGKILL), 0);
    assert_int_equal(waitpid(o->pid, NULL, 0), o->pid);
}

/* ---- the terminal's serve, played: an outbox of sealed reports ---- */

typedef struct outbox {
    struct {
        uint8_t bytes[SOTTO_REPORT_MAX];
        size_t len;
        bool acknowledged;
    } report[REPORTS];
} outbox;

static void outbox_handle(void *ctx, const sotto_http_message *request, const sotto_peer *peer,
                          sotto_reply *reply)
{
    static char extra[40];
    outbox *box = ctx;
    unsigned seq = 0;
    (void)peer;
    reply->code = 200;
    if (sotto_span_is(request->target, "/v1/outbox/next")) {
        while (seq < REPORTS && box->report[seq].acknowledged)
            seq++;
        reply->code = seq < REPORTS ? 200 : 204;
        if (seq == REPORTS)
            return;
        snprintf(extra, sizeof extra, "Sotto-Seq: %u\r\n", seq + 1);
        reply->extra = extra;
        reply->content_type = "application/octet-stream";
        (void)!sotto_vec_put(&reply->body, box->report[seq].bytes, box->report[seq].len);
    } else if (sotto_span_is(request->target, "/v1/release")) {
        (void)!sotto_vec_printf(&reply->body, "{\"accepted\":true,\"version\":1}");
    } else if (sotto_span_is(request->target, "/v1/night")) {
        (void)!sotto_vec_printf(&reply->body, "{\"closed\":false,\"seq\":0}");
    } else if (sscanf((const char *)request->target.ptr, "/v1/outbox/%u/ack", &seq) == 1 && seq >= 1 &&
               seq <= REPORTS) {
        box->report[seq - 1].acknowledged = true;
        reply->code = 204;
    } else {
        reply->code = 404;
    }
}

static pid_t outbox_start(outbox *box)
{
    int fd;
    sotto_diag diag = {0};
    ok(sotto_port_listen_unix(at("link.sock"), 0600, &fd, &diag), &diag);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid > 0) {
        close(fd);
        return pid;
    }
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    const sotto_listener listener = {.fd = fd};
    const sotto_server_config config = {.listeners = &listener,
                                        .listener_count = 1,
                                        .handler = outbox_handle,
                                        .ctx = box,
                                        .clock = sotto_port_clock()};
    sotto_server *server;
    if (sotto_server_new(&server, &config, NULL) != SOTTO_OK)
        _exit(1);
    while (sotto_server_step(server, -1) == SOTTO_OK)
        ;
    _exit(1);
}

static void outbox_stop(pid_t pid)
{
    assert_int_equal(kill(pid, SIGKILL), 0);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
}

/* ---- the terminal's sync ---- */

static sotto_tls *terminal_tls(const terminal *t, const char *authority)
{
    sotto_tls *tls;
    sotto_diag diag = {0};
    sotto_vec ca;
    sotto_vec_init(&ca, SOTTO_PEM_MAX);
    ok(sotto_port_read_file(at(authority), &ca, &diag), &diag);
    sotto_tls_identity identity = {.authority_pem = sotto_vec_span(&ca), .clock = sotto_port_clock()};
    if (t != NULL && t->cert_pem[0] != '\0') {
        identity.certificate_pem = sotto_span_str(t->cert_pem);
        identity.key_pem = sotto_span_str(t->key_pem);
    }
    ok(sotto_tls_new(&tls, false, &identity, &diag), &diag);
    sotto_vec_free(&ca);
    return tls;
}

static sotto_client *client_to(unsigned port, sotto_tls *tls)
{
    char url[64];
    sotto_client *client;
    sotto_diag diag = {0};
    snprintf(url, sizeof url, "https://127.0.0.1:%u", port);
    const sotto_client_config config = {
        .url = url, .tls = tls, .timeout_ms = 10000, .clock = sotto_port_clock()};
    ok(sotto_client_new(&client, &config, &diag), &diag);
    return client;
}

static sotto_status enrol_over(const office *o, terminal *t, const char *code, sotto_diag *diag)
{
    char device[65];
    sotto_tls *tls = terminal_tls(NULL, "office/authority/ca.pem");
    sotto_client *client = client_to(o->enrol, tls);
    const sotto_enrolment enrolment = {
        .code = code, .csr_pem = t->csr_pem, .report_public_key = t->report_key};
    sotto_status status = sotto_enrol(client, &enrolment, t->cert_pem, device, diag);
    if (status == SOTTO_OK)
        assert_string_equal(device, t->id);
    sotto_client_free(client);
    sotto_tls_free(tls);
    return status;
}

static sotto_status night(const office *o, const terminal *t, sotto_night_result *result, sotto_diag *diag)
{
    char url[HQ_PATH_MAX];
    sotto_client *serve;
    sotto_tls *tls = terminal_tls(t, "office/authority/ca.pem");
    sotto_client *head_office = client_to(o->devices, tls);
    snprintf(url, sizeof url, "unix:%s/link.sock", test_dir);
    const sotto_client_config link = {.url = url, .timeout_ms = 10000, .clock = sotto_port_clock()};
    ok(sotto_client_new(&serve, &link, diag), diag);
    const sotto_night_config config = {.head_office = head_office,
                                       .serve = serve,
                                       .release_dir = at("terminal"),
                                       .clock = sotto_port_clock()};
    sotto_status status = sotto_night_run(&config, result, diag);
    sotto_client_free(serve);
    sotto_client_free(head_office);
    sotto_tls_free(tls);
    return status;
}

/* ---- the tests ---- */

static office hq;
static terminal *one;
static outbox *box;

static char code_one[HQ_CODE_TEXT];

static void new_code_for(const char *device, char code[static HQ_CODE_TEXT])
{
    hq_registry *registry;
    sotto_diag diag = {0};
    ok(hq_registry_open(&registry, at("office/registry.db"), &diag), &diag);
    new_code(registry, device, hq_now(), hq_now() + 3600, code);
    hq_registry_close(registry);
}

static void trust_root(void)
{
    sotto_vec root;
    sotto_diag diag = {0};
    sotto_vec_init(&root, 1 << 16);
    ok(sotto_port_read_file(at("office/repo/1.root.json"), &root, &diag), &diag);
    ok(sotto_port_make_dir(at("terminal/metadata"), 0700, &diag), &diag);
    ok(sotto_tuf_init(at("terminal/metadata"), sotto_vec_span(&root), &diag), &diag);
    sotto_vec_free(&root);
}

static int setup(void **state)
{
    if (test_setup(state) != 0)
        return 1;
    make_office();
    write_release();
    assert_int_equal(publish_files(), 0);
    one = terminal_new("atm-1", 1);
    box = calloc(1, sizeof *box);
    assert_non_null(box);
    for (size_t i = 0; i < REPORTS; i++) {
        if (i == 0)
            terminal_seal(one, 1);
        else
            terminal_next(one);
        memcpy(box->report[i].bytes, one->sealed, one->sealed_len);
        box->report[i].len = one->sealed_len;
    }
    trust_root();
    new_code_for("atm-1", code_one);
    office_start(&hq);
    return 0;
}

static int teardown(void **state)
{
    office_stop(&hq);
    terminal_free(one);
    free(box);
    return test_teardown(state);
}

static void assert_held(uint64_t reports)
{
    hq_registry *registry;
    hq_device device;
    sotto_diag diag = {0};
    ok(hq_registry_open(&registry, at("office/registry.db"), &diag), &diag);
    ok(hq_registry_device(registry, "atm-1", &device, &diag), &diag);
    assert_int_equal(device.reports, reports);
    assert_int_equal(device.last_seq, reports);
    assert_int_equal(alarm_count(registry, "atm-1", HQ_ALARM_BROKEN_CHAIN), 0);
    hq_registry_close(registry);
}

static void a_night(void **state)
{
    (void)state;
    sotto_diag diag = {0};
    sotto_night_result result;
    cause_is(enrol_over(&hq, one, "0000-0000-0000-0000", &diag), AUTH);
    diag = (sotto_diag){0};
    ok(enrol_over(&hq, one, code_one, &diag), &diag);
    pid_t serve = outbox_start(box);
    ok(night(&hq, one, &result, &diag), &diag);
    assert_int_equal(result.release_version, 1);
    assert_true(result.release_changed);
    assert_int_equal(result.reports_sent, REPORTS);
    assert_int_equal(result.reports_repeated, 0);
    assert_held(REPORTS);
    outbox_stop(serve);
    /* Its acknowledgements were lost: the same bytes again. */
    serve = outbox_start(box);
    ok(night(&hq, one, &result, &diag), &diag);
    assert_false(result.release_changed);
    assert_int_equal(result.reports_sent, REPORTS);
    assert_int_equal(result.reports_repeated, REPORTS);
    assert_held(REPORTS);
    outbox_stop(serve);
}

/* Killed at some moment of every night, ten times; in the end each report is held once. */
static void killed_collector(void **state)
{
    (void)state;
    sotto_diag diag = {0};
    sotto_night_result result;
    ok(enrol_over(&hq, one, code_one, &diag), &diag);
    for (int i = 0; i < 10; i++) {
        pid_t serve = outbox_start(box);
        pid_t killer = fork();
        if (killer == 0) {
            usleep((useconds_t)(i * 9000));
            _exit(kill(hq.pid, SIGKILL));
        }
        sotto_diag any = {0};
        (void)!night(&hq, one, &result, &any);
        waitpid(killer, NULL, 0);
        waitpid(hq.pid, NULL, 0);
        outbox_stop(serve);
        office_start(&hq);
    }
    pid_t serve = outbox_start(box);
    ok(night(&hq, one, &result, &diag), &diag);
    assert_int_equal(result.reports_sent, REPORTS);
    assert_held(REPORTS);
    outbox_stop(serve);
}

/* What the doors refuse, seen by the terminal's client. */
static void strangers(void **state)
{
    (void)state;
    sotto_diag diag = {0};
    const sotto_http_message *answer;
    terminal *stranger = terminal_new("atm-1", 9);
    /* No certificate at the devices' door: the handshake fails, or the first bytes after it. */
    sotto_tls *tls = terminal_tls(NULL, "office/authority/ca.pem");
    sotto_client *client = client_to(hq.devices, tls);
    assert_int_not_equal(sotto_client_request(client, "GET", "/v1/release/timestamp.json", NULL,
                                              (sotto_span){0}, &answer, &diag),
                         SOTTO_OK);
    sotto_client_free(client);
    sotto_tls_free(tls);
    /* A certificate of another authority; and that authority's idea of this server. */
    assert_int_equal(RUN(hq_cmd_init, "init", "--dir", at("other")), 0);
    char key[SOTTO_PEM_MAX], cert[SOTTO_PEM_MAX], public_pem[SOTTO_PEM_MAX];
    ok(hq_office_key(at("other"), "authority/ca.key", key, &diag), &diag);
    ok(hq_office_pem(at("other"), "authority/ca.pem", cert, &diag), &diag);
    ok(sotto_keypair_public_pem(stranger->key_pem, public_pem, &diag), &diag);
    const sotto_cert_request request = {.use = SOTTO_CERT_DEVICE,
                                        .common_name = "atm-1",
                                        .not_before_s = hq_now() - 60,
                                        .not_after_s = hq_now() + 3600,
                                        .serial = {1}};
    ok(sotto_cert_issue(&request, sotto_span_str(public_pem), key, cert, stranger->cert_pem, &diag), &diag);
    tls = terminal_tls(stranger, "office/authority/ca.pem");
    client = client_to(hq.devices, tls);
    assert_int_not_equal(sotto_client_request(client, "GET", "/v1/release/timestamp.json", NULL,
                                              (sotto_span){0}, &answer, &diag),
                         SOTTO_OK);
    sotto_client_free(client);
    sotto_tls_free(tls);
    tls = terminal_tls(NULL, "other/authority/ca.pem");
    client = client_to(hq.enrol, tls);
    diag = (sotto_diag){0};
    cause_is(sotto_client_request(client, "POST", "/v1/enrol", NULL, (sotto_span){0}, &answer, &diag), AUTH);
    sotto_client_free(client);
    sotto_tls_free(tls);
    terminal_free(stranger);
}

static void second_collector_on_a_port(void **state)
{
    (void)state;
    char where[32];
    snprintf(where, sizeof where, "127.0.0.1:%u", hq.devices);
    assert_int_not_equal(
        RUN(hq_cmd_serve, "serve", "--dir", at("office"), "--listen", where, "--enrol-listen", "127.0.0.1:0"),
        0);
    assert_int_equal(RUN(hq_cmd_serve, "serve", "--dir", at("office"), "--listen", "nonsense"), 2);
    assert_int_equal(RUN(hq_cmd_serve, "serve", "--dir", at("office"), "--health", "0.0.0.0:80"), 2);
    assert_int_equal(RUN(hq_cmd_serve, "serve", "--dir", at("nowhere")), 4);
    office_kill(&hq); /* nobody needs to have been told */
    office_start(&hq);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
int main(void)
{
    const struct CMUnitTest tests[] = {T(a_night), T(killed_collector), T(strangers),
                                       T(second_collector_on_a_port)};
    signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
