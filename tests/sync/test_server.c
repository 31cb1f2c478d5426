/* The server's rounds: answers that wait for one commit, more requests than a commit holds, 503 for whoever
 * waited too long or came when it is crowded, an orderly end. The loop runs in this process, step by step. */
#include "kit.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#define PEERS 300

static const char REQUEST[] = "PUT /x HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi";

typedef struct office {
    kit_clock utc;
    int64_t mono_ms;
    sotto_server *server;
    char path[200];
    size_t calls, commits, largest, since;
    sotto_reply *held[SOTTO_SERVER_BATCH_MAX];
    bool fails;
} office;

static int64_t mono(void *ctx)
{
    return ((office *)ctx)->mono_ms;
}
static int64_t utc(void *ctx)
{
    return ((office *)ctx)->utc.utc_s;
}

static void hold(void *ctx, const sotto_http_message *request, const sotto_peer *peer, sotto_reply *reply)
{
    office *o = ctx;
    (void)peer;
    assert_true(sotto_span_is(request->body, "hi"));
    assert_true(o->since < SOTTO_SERVER_BATCH_MAX);
    o->held[o->since++] = reply;
    o->calls++;
    reply->hold = true;
}

/* Its answer is not known yet. */
static void put_off(void *ctx, const sotto_http_message *request, const sotto_peer *peer, sotto_reply *reply)
{
    office *o = ctx;
    (void)request, (void)peer;
    reply->later = ++o->calls;
}

static void commit(void *ctx)
{
    office *o = ctx;
    o->commits++;
    o->largest = o->since > o->largest ? o->since : o->largest;
    for (size_t i = 0; i < o->since; i++) {
        o->held[i]->code = o->fails ? 503 : 200;
        o->held[i]->extra = o->fails ? "Retry-After: 60\r\n" : NULL;
        kit_ok(sotto_vec_printf(&o->held[i]->body, "%zu", i), NULL);
    }
    o->since = 0;
}

static void open_office_of(office *o, size_t connections, bool sheds, sotto_handler handler)
{
    sotto_listener listener = {.fd = -1};
    *o = (office){.mono_ms = 1000};
    (void)snprintf(o->path, sizeof o->path, "%s/door", kit_scratch());
    kit_ok(sotto_port_listen_unix(o->path, 0600, &listener.fd, NULL), NULL);
    const sotto_server_config config = {.listeners = &listener,
                                        .listener_count = 1,
                                        .handler = handler,
                                        .commit = commit,
                                        .ctx = o,
                                        .connections_max = connections,
                                        .patience_ms = 5000,
                                        .sheds = sheds,
                                        .clock = {.ctx = o, .utc_s = utc, .mono_ms = mono}};
    kit_ok(sotto_server_new(&o->server, &config, NULL), NULL);
}

static void open_office(office *o, size_t connections, bool sheds)
{
    open_office_of(o, connections, sheds, hold);
}

/* Connects with one round of the server in between, so that the backlog never fills. */
static int call(office *o)
{
    int fd = -1;
    sotto_clock clock = sotto_port_clock();
    kit_ok(sotto_port_connect_unix(o->path, clock.mono_ms(clock.ctx) + 1000, &fd, NULL), NULL);
    kit_ok(sotto_server_step(o->server, 0), NULL);
    return fd;
}

static void say(int fd, const char *text, size_t len)
{
    size_t n = 0;
    kit_ok(sotto_port_send(fd, text, len, &n), NULL);
    assert_int_equal(n, len);
}

static void steps(office *o, int count)
{
    for (int i = 0; i < count; i++)
        kit_ok(sotto_server_step(o->server, 0), NULL);
}

/* What has come, "" when nothing has. */
static const char *heard(int fd)
{
    static char text[4096];
    ssize_t n = recv(fd, text, sizeof text - 1, MSG_DONTWAIT);
    text[n < 0 ? 0 : n] = '\0';
    return text;
}

static void assert_answer(int fd, const char *begin)
{
    const char *text = heard(fd);
    if (strncmp(text, begin, strlen(begin)) != 0)
        fail_msg("'%s' does not begin with '%s'", text, begin);
}

static void close_all(int *fd, size_t count)
{
    for (size_t i = 0; i < count; i++)
        sotto_port_close(&fd[i]);
}

static void test_one_commit_for_many(void **state)
{
    (void)state;
    office o;
    int fd[PEERS];
    open_office(&o, 2 * PEERS, false);
    for (size_t i = 0; i < PEERS; i++)
        fd[i] = call(&o);
    for (size_t i = 0; i < PEERS; i++)
        say(fd[i], REQUEST, sizeof REQUEST - 1);
    steps(&o, 6);
    assert_int_equal(o.calls, PEERS);
    assert_int_equal(o.largest, SOTTO_SERVER_BATCH_MAX);
    assert_true(o.commits < 6);
    for (size_t i = 0; i < PEERS; i++)
        assert_answer(fd[i], "HTTP/1.1 200");
    close_all(fd, PEERS);
    steps(&o, 3);
    assert_int_equal(sotto_server_stats_of(o.server).open, 0);
    assert_int_equal(sotto_server_stats_of(o.server).requests, PEERS);
    sotto_server_free(o.server);
}

/* Nothing is acknowledged that the commit did not take. */
static void test_failed_commit(void **state)
{
    (void)state;
    office o;
    open_office(&o, 8, false);
    int fd = call(&o);
    o.fails = true;
    say(fd, REQUEST, sizeof REQUEST - 1);
    steps(&o, 2);
    const char *text = heard(fd);
    assert_memory_equal(text, "HTTP/1.1 503", 12);
    assert_non_null(strstr(text, "Retry-After: 60\r\n"));
    o.fails = false; /* the connection lives on */
    say(fd, REQUEST, sizeof REQUEST - 1);
    steps(&o, 2);
    assert_answer(fd, "HTTP/1.1 200");
    sotto_port_close(&fd);
    sotto_server_free(o.server);
}

/* Pipelined requests of one peer take turns with the others'. */
static void test_pipelined_take_turns(void **state)
{
    (void)state;
    office o;
    open_office(&o, 8, false);
    int greedy = call(&o), modest = call(&o);
    for (int i = 0; i < 20; i++)
        say(greedy, REQUEST, sizeof REQUEST - 1);
    say(modest, REQUEST, sizeof REQUEST - 1);
    steps(&o, 1);
    assert_int_equal(o.calls, 2);
    assert_answer(modest, "HTTP/1.1 200");
    steps(&o, 25);
    assert_int_equal(o.calls, 21);
    sotto_port_close(&greedy);
    sotto_port_close(&modest);
    sotto_server_free(o.server);
}

/* The clock jumps while requests wait for the second round: as when a commit took that long. */
static void slow_commit(void *ctx)
{
    commit(ctx);
    ((office *)ctx)->mono_ms += 6000;
}

static void test_late_ones_are_shed(void **state)
{
    (void)state;
    office o;
    int fd[SOTTO_SERVER_BATCH_MAX + 5];
    sotto_listener listener = {.fd = -1};
    o = (office){.mono_ms = 1000};
    (void)snprintf(o.path, sizeof o.path, "%s/door", kit_scratch());
    kit_ok(sotto_port_listen_unix(o.path, 0600, &listener.fd, NULL), NULL);
    const sotto_server_config config = {.listeners = &listener,
                                        .listener_count = 1,
                                        .handler = hold,
                                        .commit = slow_commit,
                                        .ctx = &o,
                                        .connections_max = 400,
                                        .clock = {.ctx = &o, .utc_s = utc, .mono_ms = mono}};
    kit_ok(sotto_server_new(&o.server, &config, NULL), NULL);
    for (size_t i = 0; i < SOTTO_COUNT(fd); i++)
        fd[i] = call(&o);
    for (size_t i = 0; i < SOTTO_COUNT(fd); i++)
        say(fd[i], REQUEST, sizeof REQUEST - 1);
    steps(&o, 3);
    assert_int_equal(sotto_server_stats_of(o.server).shed, 5);
    size_t busy = 0;
    for (size_t i = 0; i < SOTTO_COUNT(fd); i++) {
        const char *text = heard(fd[i]);
        busy += strncmp(text, "HTTP/1.1 503", 12) == 0 && strstr(text, "Retry-After: ") != NULL;
    }
    assert_int_equal(busy, 5);
    close_all(fd, SOTTO_COUNT(fd));
    sotto_server_free(o.server);
}

static void test_crowded(void **state)
{
    (void)state;
    office o;
    int fd[32];
    open_office(&o, 32, true);
    for (size_t i = 0; i < SOTTO_COUNT(fd); i++)
        fd[i] = call(&o);
    say(fd[31], REQUEST, sizeof REQUEST - 1);
    steps(&o, 3);
    assert_answer(fd[31], "HTTP/1.1 503");
    close_all(fd, 20);
    sotto_port_close(&fd[31]);
    steps(&o, 3);
    say(fd[30], REQUEST, sizeof REQUEST - 1);
    steps(&o, 3);
    assert_answer(fd[30], "HTTP/1.1 200");
    close_all(fd + 20, 11);
    sotto_server_free(o.server);
}

/* Told to stop: a request half sent is still answered, whoever is silent is let go, nobody new gets in. */
static void test_drain(void **state)
{
    (void)state;
    office o;
    open_office(&o, 8, false);
    int silent = call(&o), half = call(&o), fd = -1;
    say(half, REQUEST, 20);
    steps(&o, 2);
    sotto_server_drain(o.server);
    sotto_clock clock = sotto_port_clock();
    kit_cause(sotto_port_connect_unix(o.path, clock.mono_ms(clock.ctx) + 100, &fd, NULL), NETWORK, NULL);
    char byte;
    assert_int_equal(recv(silent, &byte, 1, MSG_DONTWAIT), 0);
    assert_int_equal(sotto_server_stats_of(o.server).open, 2);
    say(half, REQUEST + 20, sizeof REQUEST - 1 - 20);
    sotto_port_close(&silent);
    steps(&o, 3);
    const char *text = heard(half);
    assert_memory_equal(text, "HTTP/1.1 200", 12);
    assert_non_null(strstr(text, "onnection: close"));
    sotto_port_close(&half);
    steps(&o, 3);
    assert_int_equal(sotto_server_stats_of(o.server).open, 0);
    sotto_server_free(o.server);
}

static bool answer(office *o, uint64_t later, int code)
{
    sotto_reply reply = {.code = code};
    sotto_vec_init(&reply.body, 64);
    kit_ok(sotto_vec_printf(&reply.body, "%d", (int)later), NULL);
    return sotto_server_answer(o->server, later, &reply);
}

/* What comes later holds up nobody, comes to who asked, and once; who waited too long is let go. */
static void test_later(void **state)
{
    (void)state;
    office o;
    open_office_of(&o, 8, false, put_off);
    int one = call(&o), two = call(&o), three = call(&o);
    say(one, REQUEST, sizeof REQUEST - 1);
    steps(&o, 3);
    say(two, REQUEST, sizeof REQUEST - 1);
    say(two, REQUEST, sizeof REQUEST - 1); /* pipelined: its turn comes after the first one's answer */
    say(three, REQUEST, sizeof REQUEST - 1);
    steps(&o, 3);
    assert_int_equal(o.calls, 3);
    assert_string_equal(heard(one), "");
    assert_true(sotto_server_waits(o.server, 2));
    assert_false(answer(&o, 9, 200));
    assert_true(answer(&o, 2, 200));
    assert_answer(two, "HTTP/1.1 200");
    assert_false(answer(&o, 2, 200));
    steps(&o, 3);
    assert_int_equal(o.calls, 4);
    assert_true(answer(&o, 1, 403));
    assert_answer(one, "HTTP/1.1 403");
    o.mono_ms += SOTTO_SERVER_LATER_MS + 1;
    steps(&o, 3);
    assert_false(answer(&o, 3, 200));
    char byte;
    assert_int_equal(recv(three, &byte, 1, MSG_DONTWAIT), 0);
    sotto_port_close(&one);
    sotto_port_close(&two);
    sotto_port_close(&three);
    steps(&o, 2);
    sotto_server_free(o.server);
}

/* Who has left while its answer was made does not wait for it, whatever lies unread; who is there does. */
static void test_left(void **state)
{
    (void)state;
    office o;
    open_office_of(&o, 8, false, put_off);
    int gone = call(&o), half = call(&o), there = call(&o);
    say(gone, REQUEST, sizeof REQUEST - 1);
    steps(&o, 3);
    say(half, REQUEST, sizeof REQUEST - 1);
    steps(&o, 3);
    say(there, REQUEST, sizeof REQUEST - 1);
    steps(&o, 3);
    assert_int_equal(o.calls, 3);
    for (uint64_t i = 1; i <= 3; i++)
        assert_true(sotto_server_waits(o.server, i));
    say(gone, "more", 4);
    say(there, "more", 4);
    sotto_port_close(&gone);
    assert_int_equal(shutdown(half, SHUT_WR), 0);
    steps(&o, 2);
    assert_false(sotto_server_waits(o.server, 1));
    assert_false(sotto_server_waits(o.server, 2));
    assert_true(sotto_server_waits(o.server, 3));
    assert_true(answer(&o, 3, 200));
    assert_answer(there, "HTTP/1.1 200");
    sotto_port_close(&half);
    sotto_port_close(&there);
    steps(&o, 2);
    sotto_server_free(o.server);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_commit_for_many),
        cmocka_unit_test(test_failed_commit),
        cmocka_unit_test(test_pipelined_take_turns),
        cmocka_unit_test(test_late_ones_are_shed),
        cmocka_unit_test(test_crowded),
        cmocka_unit_test(test_drain),
        cmocka_unit_test(test_later),
        cmocka_unit_test(test_left),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
