#include "port_test.h"

#include <fcntl.h>
#include <netdb.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

static int64_t now_ms(void)
{
    sotto_clock clock = sotto_port_clock();
    return clock.mono_ms(clock.ctx);
}

static void assert_flags(int fd)
{
    assert_true((fcntl(fd, F_GETFL) & O_NONBLOCK) != 0);
    assert_true((fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0);
}

/* A machine as bare as a container may have no /etc/hosts. */
static bool resolves(const char *host)
{
    struct addrinfo *list = NULL;
    bool known = getaddrinfo(host, NULL, NULL, &list) == 0;
    if (known)
        freeaddrinfo(list);
    return known;
}

/* Accepts one waiting connection; the accepting programs do this in their own poll loop. */
static int accept_one(int listener)
{
    assert_ok(sotto_port_wait(listener, false, now_ms() + 2000));
    int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    assert_true(fd >= 0);
    return fd;
}

/* Bytes there and back, then the end of the stream. */
static void talk(int a, int b)
{
    char buf[16];
    size_t n = 99;
    assert_cause(sotto_port_recv(b, buf, sizeof buf, &n), BUSY);
    assert_int_equal(n, 0);
    assert_ok(sotto_port_send(a, "hello", 5, &n));
    assert_int_equal(n, 5);
    assert_ok(sotto_port_wait(b, false, now_ms() + 2000));
    assert_ok(sotto_port_recv(b, buf, sizeof buf, &n));
    assert_int_equal(n, 5);
    assert_memory_equal(buf, "hello", 5);
    assert_int_equal(shutdown(a, SHUT_WR), 0);
    assert_ok(sotto_port_wait(b, false, now_ms() + 2000));
    assert_ok(sotto_port_recv(b, buf, sizeof buf, &n));
    assert_int_equal(n, 0);
}

static void unix_sockets_talk(void **state)
{
    (void)state;
    test_place place = place_make();
    const char *path = place_path(&place, "s");
    struct stat info;
    int listener = -1, a = -1;
    mode_t old_mask = umask(077);
    assert_ok(sotto_port_listen_unix(path, 0660, &listener, NULL));
    (void)umask(old_mask);
    assert_int_equal(stat(path, &info), 0);
    assert_int_equal(info.st_mode & 07777, 0660);
    assert_ok(sotto_port_connect_unix(path, now_ms() + 1000, &a, NULL));
    int b = accept_one(listener);
    assert_flags(listener);
    assert_flags(a);
    talk(a, b);
    sotto_port_close(&a);
    sotto_port_close(&b);
    sotto_port_close(&listener);
    assert_int_equal(listener, -1);
    sotto_port_close(&listener); /* harmless */
    assert_int_equal(unlink(path), 0);
    place_remove(&place);
}

static void a_stale_socket_is_replaced_and_a_live_one_is_not(void **state)
{
    (void)state;
    test_place place = place_make();
    const char *path = place_path(&place, "s");
    int first = -1, second = -1, a = -1;
    sotto_diag diag = {0};
    assert_ok(sotto_port_listen_unix(path, 0600, &first, NULL));
    assert_cause(sotto_port_listen_unix(path, 0600, &second, &diag), BUSY);
    assert_int_equal(second, -1);
    assert_string_equal(diag.where, path);
    assert_ok(sotto_port_connect_unix(path, now_ms() + 1000, &a, NULL)); /* the live one still lives */
    sotto_port_close(&a);
    sotto_port_close(&first);
    assert_cause(sotto_port_connect_unix(path, now_ms() + 1000, &a, NULL), NETWORK);
    assert_ok(sotto_port_listen_unix(path, 0600, &second, NULL));
    sotto_port_close(&second);
    assert_int_equal(unlink(path), 0);
    place_remove(&place);
}

static void other_files_are_never_replaced_by_a_socket(void **state)
{
    (void)state;
    test_place place = place_make();
    const char *path = place_path(&place, "f");
    char long_path[300];
    int fd = -1;
    put_text(path, "precious");
    assert_cause(sotto_port_listen_unix(path, 0600, &fd, NULL), EXISTS);
    assert_file_is(path, "precious");
    assert_int_equal(unlink(path), 0);
    assert_cause(sotto_port_connect_unix(path, now_ms() + 1000, &fd, NULL), NOT_FOUND);
    memset(long_path, 'x', sizeof long_path);
    long_path[sizeof long_path - 1] = '\0';
    assert_cause(sotto_port_listen_unix(long_path, 0600, &fd, NULL), RANGE);
    assert_cause(sotto_port_connect_unix(long_path, 0, &fd, NULL), RANGE);
    assert_cause(sotto_port_connect_unix("", 0, &fd, NULL), RANGE);
    assert_int_equal(fd, -1);
    place_remove(&place);
}

/* Nobody accepts: once the queue is full, connecting waits until its deadline and not longer. */
static void a_full_queue_times_out(void **state)
{
    (void)state;
    enum { MANY = 64 };
    test_place place = place_make();
    const char *path = place_path(&place, "s");
    int listener = -1, fds[MANY], n = 0;
    sotto_status status = SOTTO_OK;
    assert_ok(sotto_port_listen_unix(path, 0600, &listener, NULL));
    int64_t start_ms = 0;
    while (n < MANY && status == SOTTO_OK) {
        start_ms = now_ms();
        status = sotto_port_connect_unix(path, start_ms + 100, &fds[n], NULL);
        n += status == SOTTO_OK;
    }
    int64_t took_ms = now_ms() - start_ms;
    assert_cause(status, TIMEOUT);
    assert_true(took_ms >= 99 && took_ms < 2000);
    while (n > 0)
        sotto_port_close(&fds[--n]);
    sotto_port_close(&listener);
    assert_int_equal(unlink(path), 0);
    place_remove(&place);
}

static void tcp_sockets_talk(void **state)
{
    (void)state;
    static const char *const HOSTS[] = {"127.0.0.1", "localhost"};
    for (size_t i = 0; i < SOTTO_COUNT(HOSTS); i++) {
        int listener = -1, a = -1;
        uint16_t port = 0;
        char text[8];
        if (!resolves(HOSTS[i]))
            continue;
        assert_ok(sotto_port_listen_tcp(HOSTS[i], "0", &listener, NULL));
        assert_ok(sotto_port_local_port(listener, &port));
        assert_true(port > 0);
        (void)snprintf(text, sizeof text, "%u", port);
        assert_ok(sotto_port_connect_tcp(HOSTS[i], text, now_ms() + 2000, &a, NULL));
        int b = accept_one(listener), second = -1;
        assert_flags(listener);
        assert_flags(a);
        talk(a, b);
        assert_cause(sotto_port_listen_tcp(HOSTS[i], text, &second, NULL), BUSY);
        sotto_port_close(&a);
        sotto_port_close(&b);
        sotto_port_close(&listener);
        assert_cause(sotto_port_connect_tcp(HOSTS[i], text, now_ms() + 2000, &a, NULL), NETWORK);
        assert_ok(sotto_port_listen_tcp(HOSTS[i], text, &listener, NULL)); /* again at once */
        sotto_port_close(&listener);
    }
}

static void bad_places_are_told(void **state)
{
    (void)state;
    int fd = -1;
    sotto_diag diag = {0};
    assert_cause(sotto_port_connect_tcp("127.0.0.1", "not-a-port", now_ms() + 100, &fd, &diag), USAGE);
    assert_string_equal(diag.where, "127.0.0.1:not-a-port");
    assert_cause(sotto_port_connect_tcp("127.0.0.1", "65536", now_ms() + 100, &fd, NULL), USAGE);
    assert_cause(sotto_port_connect_tcp("127.0.0.1", "", now_ms() + 100, &fd, NULL), USAGE);
    assert_cause(sotto_port_connect_tcp("no-such-host.invalid", "9", now_ms() + 100, &fd, NULL), NETWORK);
    assert_cause(sotto_port_connect_tcp("::1", "x", now_ms() + 100, &fd, &diag), USAGE);
    assert_string_equal(diag.where, "[::1]:x");
    assert_cause(sotto_port_listen_tcp("203.0.113.7", "0", &fd, NULL), NETWORK); /* not an address of ours */
    assert_int_equal(fd, -1);
}

static void waiting_ends_at_the_deadline(void **state)
{
    (void)state;
    int ends[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    int64_t start_ms = now_ms();
    assert_cause(sotto_port_wait(ends[0], false, start_ms + 50), TIMEOUT);
    int64_t took_ms = now_ms() - start_ms;
    assert_true(took_ms >= 49 && took_ms < 2000);
    assert_cause(sotto_port_wait(ends[0], false, start_ms - 1000), TIMEOUT);
    assert_cause(sotto_port_wait(ends[0], false, INT64_MIN), TIMEOUT);
    assert_ok(sotto_port_wait(ends[0], true, INT64_MAX));
    assert_ok(sotto_port_wait(ends[0], true, start_ms)); /* late, but ready at once */
    assert_cause(sotto_port_wait(1000, true, INT64_MAX), IO);
    assert_int_equal(close(ends[1]), 0);
    assert_ok(sotto_port_wait(ends[0], false, INT64_MAX)); /* the end of the stream can be read */
    assert_int_equal(close(ends[0]), 0);
}

/* A peer that went away is an error of the call and no SIGPIPE. */
static void a_peer_that_went_away_is_an_error(void **state)
{
    (void)state;
    int ends[2];
    size_t n = 99;
    char buf[4];
    (void)signal(SIGPIPE, SIG_DFL);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends), 0);
    assert_int_equal(close(ends[1]), 0);
    assert_cause(sotto_port_send(ends[0], "x", 1, &n), NETWORK);
    assert_int_equal(n, 0);
    assert_ok(sotto_port_recv(ends[0], buf, sizeof buf, &n));
    assert_int_equal(n, 0);
    assert_int_equal(close(ends[0]), 0);
    assert_cause(sotto_port_recv(ends[0], buf, sizeof buf, &n), NETWORK);
}

static void a_slow_reader_blocks_the_sender(void **state)
{
    (void)state;
    static char block[65536];
    int ends[2];
    size_t n = 0, sent = 0;
    sotto_status status = SOTTO_OK;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends), 0);
    while (status == SOTTO_OK && sent < (64u << 20)) {
        status = sotto_port_send(ends[0], block, sizeof block, &n);
        sent += n;
    }
    assert_cause(status, BUSY);
    assert_cause(sotto_port_wait(ends[0], true, now_ms() + 20), TIMEOUT);
    while (sotto_port_recv(ends[1], block, sizeof block, &n) == SOTTO_OK)
        sent -= n;
    assert_int_equal(sent, 0);
    assert_ok(sotto_port_wait(ends[0], true, now_ms() + 20));
    assert_int_equal(close(ends[0]) + close(ends[1]), 0);
}

static void tells_who_started_it(void **state)
{
    (void)state;
    test_place place = place_make();
    const char *path = place_path(&place, "notify");
    union {
        struct sockaddr any;
        struct sockaddr_un un;
    } address = {.un = {.sun_family = AF_UNIX}};
    char got[16] = "";
    memcpy(address.un.sun_path, path, strlen(path) + 1);
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(fd, &address.any, sizeof address.un), 0);
    sotto_port_tell_ready(); /* nobody asked */
    assert_int_equal(recv(fd, got, sizeof got, 0), -1);
    assert_int_equal(setenv("NOTIFY_SOCKET", path, 1), 0);
    sotto_port_tell_ready();
    assert_int_equal(recv(fd, got, sizeof got, 0), 7);
    assert_memory_equal(got, "READY=1", 7);
    close(fd);
    assert_int_equal(unlink(path), 0);
    sotto_port_tell_ready(); /* nobody there any more */
    assert_int_equal(unsetenv("NOTIFY_SOCKET"), 0);
    place_remove(&place);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(unix_sockets_talk),
        cmocka_unit_test(a_stale_socket_is_replaced_and_a_live_one_is_not),
        cmocka_unit_test(other_files_are_never_replaced_by_a_socket),
        cmocka_unit_test(a_full_queue_times_out),
        cmocka_unit_test(tcp_sockets_talk),
        cmocka_unit_test(bad_places_are_told),
        cmocka_unit_test(waiting_ends_at_the_deadline),
        cmocka_unit_test(a_peer_that_went_away_is_an_error),
        cmocka_unit_test(a_slow_reader_blocks_the_sender),
        cmocka_unit_test(tells_who_started_it),
    };
    return cmocka_run_group_tests_name("port.sockets", tests, NULL, NULL);
}
