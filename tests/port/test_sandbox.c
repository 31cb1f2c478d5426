/*
 * The walls stay for the life of a process, so each test stands in a child, which answers by its exit status:
 * 0 all as expected, 77 the kernel has no such wall (emulated machines), any other number the line that
 * failed.
 */
#include "port_test.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>

enum { NO_WALL = 77 };

static int child_end;

/* In the child: says which line failed on standard error, and ends. */
#define CHECK(condition)                                                                                     \
    do {                                                                                                     \
        if (!(condition)) {                                                                                  \
            fprintf(stderr, "line %d: %s (errno %d)\n", __LINE__, #condition, errno);                        \
            _exit(1);                                                                                        \
        }                                                                                                    \
    } while (0)

static void in_child(void (*body)(test_place *), test_place *place)
{
    int how = 0;
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        body(place);
        _exit(0);
    }
    assert_int_equal(waitpid(child, &how, 0), child);
    child_end = how;
    assert_true(WIFEXITED(how));
    if (WEXITSTATUS(how) != NO_WALL)
        assert_int_equal(WEXITSTATUS(how), 0);
}

static bool was_unsupported(void)
{
    return WIFEXITED(child_end) && WEXITSTATUS(child_end) == NO_WALL;
}

static void raise_network_wall(void)
{
    enum sotto_port_wall wall = SOTTO_WALL_UNSUPPORTED;
    CHECK(sotto_port_deny_network(&wall, NULL) == SOTTO_OK);
    if (wall != SOTTO_WALL_ENFORCED)
        _exit(NO_WALL);
}

static bool denied(int fd)
{
    return fd < 0 && errno == EACCES;
}

static void only_unix_sockets(test_place *place)
{
    static const int DOMAINS[] = {AF_INET, AF_INET6, AF_NETLINK, AF_PACKET, AF_UNSPEC, 40 /* AF_VSOCK */};
    int ends[2];
    (void)place;
    raise_network_wall();
    for (size_t i = 0; i < SOTTO_COUNT(DOMAINS); i++) {
        CHECK(denied(socket(DOMAINS[i], SOCK_STREAM, 0)));
        CHECK(denied(socket(DOMAINS[i], SOCK_DGRAM, 0)));
        CHECK(denied(socketpair(DOMAINS[i], SOCK_STREAM, 0, ends)));
    }
    /* The kernel takes the low 32 bits for the domain: high ones must not lead past the filter. */
    errno = 0;
    CHECK(syscall(SYS_socket, (long)((uintptr_t)AF_INET | (uintptr_t)(UINT64_C(1) << 32)), SOCK_STREAM, 0) <
              0 &&
          errno == EACCES);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    CHECK(fd >= 0);
    CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
    CHECK(write(ends[0], "x", 1) == 1);
}

static void other_ways_are_shut(test_place *place)
{
    char ring[120] = {0};
    (void)place;
    raise_network_wall();
    CHECK(syscall(425 /* io_uring_setup */, 1, ring) < 0 && errno == EPERM);
    CHECK(syscall(438 /* pidfd_getfd */, -1, 0, 0) < 0 && errno == EPERM);
#if defined(__x86_64__)
    errno = 0;
    CHECK(syscall(0x40000000L + 41 /* socket by x32's number */, AF_INET, SOCK_STREAM, 0) < 0 &&
          errno == ENOSYS);
#endif
    raise_network_wall(); /* a second wall may stand before the first */
}

static void *try_a_socket(void *out)
{
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    *(int *)out = fd < 0 ? errno : 0;
    return NULL;
}

static int start_gate[2];

static void *wait_then_try(void *out)
{
    char byte;
    if (read(start_gate[0], &byte, 1) != 1)
        return NULL;
    return try_a_socket(out);
}

/* Threads that run already and children that come later stand behind the wall as well. */
static void threads_and_children_too(test_place *place)
{
    pthread_t before, after;
    int from_before = 0, from_after = 0, how = 0;
    (void)place;
    CHECK(pipe(start_gate) == 0);
    CHECK(pthread_create(&before, NULL, wait_then_try, &from_before) == 0);
    raise_network_wall();
    CHECK(write(start_gate[1], "x", 1) == 1);
    CHECK(pthread_create(&after, NULL, try_a_socket, &from_after) == 0);
    CHECK(pthread_join(before, NULL) == 0 && pthread_join(after, NULL) == 0);
    CHECK(from_before == EACCES && from_after == EACCES);
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0)
        _exit(denied(socket(AF_INET, SOCK_STREAM, 0)) ? 0 : 1);
    CHECK(waitpid(child, &how, 0) == child && WIFEXITED(how) && WEXITSTATUS(how) == 0);
}

static void our_own_functions_say_denied(test_place *place)
{
    int fd = -1, listener = -1;
    sotto_diag diag = {0};
    raise_network_wall();
    CHECK(sotto_status_cause(sotto_port_connect_tcp("127.0.0.1", "9", INT64_MAX, &fd, &diag)) ==
          SOTTO_CAUSE_DENIED);
    CHECK(sotto_status_cause(sotto_port_listen_tcp("127.0.0.1", "0", &fd, NULL)) == SOTTO_CAUSE_DENIED);
    const char *path = place_path(place, "s");
    CHECK(sotto_port_listen_unix(path, 0600, &listener, NULL) == SOTTO_OK);
    CHECK(sotto_port_connect_unix(path, INT64_MAX, &fd, NULL) == SOTTO_OK);
    CHECK(unlink(path) == 0);
}

static bool can_open(test_place *place, const char *name, int flags)
{
    int fd = open(place_path(place, name), flags | O_CLOEXEC, 0600);
    if (fd >= 0)
        (void)close(fd);
    return fd >= 0;
}

static void raise_file_wall(test_place *place)
{
    const sotto_port_grant grants[] = {{place_path(place, "open"), true},
                                       {place_path(place, "read"), false},
                                       {place_path(place, "absent"), true},
                                       {place_path(place, "closed/one"), false}};
    enum sotto_port_wall wall = SOTTO_WALL_UNSUPPORTED;
    CHECK(sotto_port_confine_files(grants, SOTTO_COUNT(grants), &wall, NULL) == SOTTO_OK);
    if (wall != SOTTO_WALL_ENFORCED)
        _exit(NO_WALL);
}

/* Runs as root in the usual test machine: the wall holds for root as well. */
static void only_granted_files(test_place *place)
{
    int kept = open(place_path(place, "closed/f"), O_RDWR | O_CLOEXEC);
    char byte = 0;
    CHECK(kept >= 0);
    raise_file_wall(place);
    CHECK(can_open(place, "open/f", O_RDWR));
    CHECK(can_open(place, "open/new", O_RDWR | O_CREAT));
    CHECK(rename(place_path(place, "open/new"), place_path(place, "open/newer")) == 0);
    CHECK(mkdir(place_path(place, "open/dir"), 0700) == 0 && rmdir(place_path(place, "open/dir")) == 0);
    CHECK(unlink(place_path(place, "open/newer")) == 0);
    CHECK(can_open(place, "read/f", O_RDONLY));
    CHECK(!can_open(place, "read/f", O_RDWR) && errno == EACCES);
    CHECK(!can_open(place, "read/new", O_RDWR | O_CREAT));
    CHECK(!can_open(place, "closed/f", O_RDONLY) && errno == EACCES);
    CHECK(can_open(place, "closed/one", O_RDONLY));
    CHECK(!can_open(place, "open/../closed/f", O_RDONLY));
    CHECK(!can_open(place, "open/to-closed", O_RDONLY)); /* a symbolic link leads out and is stopped there */
    CHECK(link(place_path(place, "closed/f"), place_path(place, "open/hard")) != 0);
    CHECK(rename(place_path(place, "closed/f"), place_path(place, "open/moved")) != 0);
    CHECK(unlink(place_path(place, "closed/f")) != 0);
    CHECK(open("/etc/passwd", O_RDONLY) < 0);
    CHECK(read(kept, &byte, 1) == 1 && byte == 's'); /* what was open stays open */
}

static void files_of_port_work_inside(test_place *place)
{
    sotto_vec got;
    raise_file_wall(place);
    sotto_vec_init(&got, 100);
    CHECK(sotto_port_write_file(place_path(place, "open/f"), sotto_span_str("new"), 0600, NULL) == SOTTO_OK);
    CHECK(sotto_port_read_file(place_path(place, "open/f"), &got, NULL) == SOTTO_OK);
    CHECK(sotto_span_is(sotto_vec_span(&got), "new"));
    sotto_vec_free(&got);
    CHECK(sotto_status_cause(sotto_port_write_file(place_path(place, "read/f"), sotto_span_str("x"), 0600,
                                                   NULL)) == SOTTO_CAUSE_DENIED);
}

static void unix_sockets_stay(test_place *place)
{
    int listener = -1, fd = -1;
    CHECK(sotto_port_listen_unix(place_path(place, "closed/s"), 0600, &listener, NULL) == SOTTO_OK);
    raise_file_wall(place);
    CHECK(sotto_port_connect_unix(place_path(place, "closed/s"), INT64_MAX, &fd, NULL) == SOTTO_OK);
    CHECK(sotto_port_listen_unix(place_path(place, "open/s"), 0600, &listener, NULL) == SOTTO_OK);
    CHECK(sotto_port_connect_unix(place_path(place, "open/s"), INT64_MAX, &fd, NULL) == SOTTO_OK);
    CHECK(unlink(place_path(place, "open/s")) == 0);
}

static void hardening_holds(test_place *place)
{
    struct rlimit core;
    (void)place;
    sotto_port_harden_process();
    CHECK(getrlimit(RLIMIT_CORE, &core) == 0 && core.rlim_cur == 0 && core.rlim_max == 0);
    CHECK(prctl(PR_GET_DUMPABLE) == 0);
}

#define IN_CHILD(name)                                                                                       \
    static void test_##name(void **state)                                                                    \
    {                                                                                                        \
        test_place place = place_make();                                                                     \
        (void)state;                                                                                         \
        in_child(name, &place);                                                                              \
        place_remove(&place);                                                                                \
        if (was_unsupported())                                                                               \
            skip();                                                                                          \
    }

IN_CHILD(only_unix_sockets)
IN_CHILD(other_ways_are_shut)
IN_CHILD(threads_and_children_too)
IN_CHILD(our_own_functions_say_denied)
IN_CHILD(hardening_holds)

static const char *const FOLDERS[] = {"open", "read", "closed"};
static const char *const FILES[] = {"open/f", "read/f", "closed/f", "closed/one"};

static void make_tree(test_place *place)
{
    for (size_t i = 0; i < SOTTO_COUNT(FOLDERS); i++)
        assert_ok(sotto_port_make_dir(place_path(place, FOLDERS[i]), 0700, NULL));
    for (size_t i = 0; i < SOTTO_COUNT(FILES); i++)
        put_text(place_path(place, FILES[i]), "secret");
    assert_int_equal(symlink(place_path(place, "closed/f"), place_path(place, "open/to-closed")), 0);
}

static void remove_tree(test_place *place)
{
    (void)unlink(place_path(place, "closed/s"));
    assert_int_equal(unlink(place_path(place, "open/to-closed")), 0);
    for (size_t i = 0; i < SOTTO_COUNT(FILES); i++)
        assert_int_equal(unlink(place_path(place, FILES[i])), 0);
    for (size_t i = 0; i < SOTTO_COUNT(FOLDERS); i++)
        assert_int_equal(rmdir(place_path(place, FOLDERS[i])), 0);
    place_remove(place);
}

#define IN_CHILD_WITH_TREE(name)                                                                             \
    static void test_##name(void **state)                                                                    \
    {                                                                                                        \
        test_place place = place_make();                                                                     \
        (void)state;                                                                                         \
        make_tree(&place);                                                                                   \
        in_child(name, &place);                                                                              \
        remove_tree(&place);                                                                                 \
        if (was_unsupported())                                                                               \
            skip();                                                                                          \
    }

IN_CHILD_WITH_TREE(only_granted_files)
IN_CHILD_WITH_TREE(files_of_port_work_inside)
IN_CHILD_WITH_TREE(unix_sockets_stay)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_only_unix_sockets),         cmocka_unit_test(test_other_ways_are_shut),
        cmocka_unit_test(test_threads_and_children_too),  cmocka_unit_test(test_our_own_functions_say_denied),
        cmocka_unit_test(test_hardening_holds),           cmocka_unit_test(test_only_granted_files),
        cmocka_unit_test(test_files_of_port_work_inside), cmocka_unit_test(test_unix_sockets_stay),
    };
    return cmocka_run_group_tests_name("port.sandbox", tests, NULL, NULL);
}
