/*
 * The wall at run time (design.md): serve cannot do sync's part, sync cannot do serve's. First the walls
 * themselves, each in a child process of its own, then the two commands: do they build them? Where the kernel
 * (or an emulator) has no such filter the test says skipped.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../temp.h"
#include "commands.h"
#include "config/socket.h"
#include "night/night.h"

#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>

enum { HELD = 0, BROKEN = 1, UNSUPPORTED = 77 };

static int in_child(int (*run)(void))
{
    pid_t pid = fork();
    if (pid == 0)
        _exit(run());
    int status = -1;
    waitpid(pid, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

static kiosk_config config;

static int network_is_gone(void)
{
    enum sotto_port_wall wall;
    if (sotto_port_deny_network(&wall, NULL) != SOTTO_OK)
        return BROKEN;
    if (wall != SOTTO_WALL_ENFORCED)
        return UNSUPPORTED;
    static const int families[] = {AF_INET, AF_INET6, AF_NETLINK, AF_PACKET};
    for (size_t i = 0; i < SOTTO_COUNT(families); i++)
        if (socket(families[i], SOCK_STREAM, 0) >= 0 || socket(families[i], SOCK_DGRAM, 0) >= 0)
            return BROKEN;
    return socket(AF_UNIX, SOCK_STREAM, 0) >= 0 ? HELD : BROKEN;
}

static void serve_has_no_network(void **state)
{
    (void)state;
    int result = in_child(network_is_gone);
    if (result == UNSUPPORTED)
        skip();
    assert_int_equal(result, HELD);
}

static int key_is_out_of_reach(void)
{
    char path[KIOSK_PATH_MAX];
    enum sotto_port_wall wall;
    const sotto_port_grant grants[] = {{config.sync_dir, true}, {config.release_dir, true}, {"/etc", false}};
    if (sotto_port_confine_files(grants, SOTTO_COUNT(grants), &wall, NULL) != SOTTO_OK)
        return BROKEN;
    if (wall != SOTTO_WALL_ENFORCED)
        return UNSUPPORTED;
    sotto_vec bytes;
    sotto_vec_init(&bytes, 4096);
    static const char *const files[] = {"vault/root.key", "store/sotto.db"};
    for (size_t i = 0; i < SOTTO_COUNT(files); i++) {
        temp_path(files[i], path);
        if (sotto_port_read_file(path, &bytes, NULL) == SOTTO_OK)
            return BROKEN;
    }
    return kiosk_check_keyless(&config, NULL) == SOTTO_OK ? HELD : BROKEN;
}

static void sync_has_no_key(void **state)
{
    (void)state;
    int result = in_child(key_is_out_of_reach);
    if (result == UNSUPPORTED)
        skip();
    assert_int_equal(result, HELD);
}

/* Without the wall, and with the key readable by this user, sync must refuse to run. */
static void sync_refuses_when_it_could_read_the_key(void **state)
{
    (void)state;
    sotto_diag diag = {0};
    config.require_walls = true;
    assert_int_equal(sotto_status_cause(kiosk_check_keyless(&config, &diag)), SOTTO_CAUSE_DENIED);
    config.require_walls = false;
    assert_int_equal(kiosk_check_keyless(&config, &diag), SOTTO_OK);
}

/* The command itself: it gets as far as the missing certificate only because its own wall keeps the key from
 * it. */
static int run_sync(void)
{
    char *words[] = {"sync", NULL};
    if (freopen("/dev/null", "w", stderr) == NULL)
        return BROKEN;
    return kiosk_cmd_sync(&config, 1, words);
}

static void the_command_sync_builds_its_wall(void **state)
{
    (void)state;
    if (in_child(key_is_out_of_reach) == UNSUPPORTED)
        skip();
    config.require_walls = true;
    snprintf(config.url, sizeof config.url, "https://127.0.0.1:1");
    temp_path("authority.pem", config.authority);
    assert_int_equal(in_child(run_sync), 4);
    config.url[0] = config.authority[0] = '\0';
    config.require_walls = false;
}

/* What the kernel says of a process: 2 = it has a seccomp filter; -1 = not told. */
static int seccomp_of(pid_t pid)
{
    char path[64], line[256];
    int mode = -1;
    snprintf(path, sizeof path, "/proc/%d/status", (int)pid);
    FILE *file = fopen(path, "re");
    assert_non_null(file);
    while (fgets(line, sizeof line, file) != NULL)
        if (strncmp(line, "Seccomp:", 8) == 0)
            mode = atoi(line + 8);
    (void)fclose(file);
    return mode;
}

/* serve as it runs, started by its command: its sockets answer, and the kernel knows its wall. */
static int run_serve(void)
{
    char *words[] = {"serve", NULL};
    if (freopen("/dev/null", "w", stderr) == NULL)
        return BROKEN;
    return kiosk_cmd_serve(&config, 1, words);
}

static void serve_answers_and_ends_in_order(void **state)
{
    (void)state;
    const bool filters = in_child(network_is_gone) == HELD; /* an emulator has none */
    config.require_walls = filters;
    pid_t pid = fork();
    if (pid == 0)
        _exit(run_serve());
    sotto_client *client = NULL;
    const sotto_http_message *response = NULL;
    sotto_status status = SOTTO_ERR(KIOSK, NOT_FOUND);
    for (int i = 0; i < 200 && status != SOTTO_OK; i++) {
        usleep(50000);
        sotto_client_free(client);
        assert_int_equal(kiosk_local_client(&config, KIOSK_API_SOCKET, &client, NULL), SOTTO_OK);
        status =
            sotto_client_request(client, "GET", "/v1/status", NULL, sotto_span_of(NULL, 0), &response, NULL);
    }
    assert_int_equal(status, SOTTO_OK);
    assert_int_equal(response->code, 200);
    sotto_client_free(client);
    if (filters)
        assert_int_equal(seccomp_of(pid), 2);
    assert_int_equal(kill(pid, SIGTERM), 0);
    int ended = -1;
    waitpid(pid, &ended, 0);
    assert_true(WIFEXITED(ended));
    assert_int_equal(WEXITSTATUS(ended), 0);
    char path[KIOSK_PATH_MAX];
    temp_path("run/" KIOSK_API_SOCKET, path);
    assert_false(sotto_port_exists(path));
}

static int set_up(void **state)
{
    (void)state;
    char *words[] = {"init", NULL};
    temp_make();
    temp_config(&config);
    return kiosk_cmd_init(&config, 1, words);
}

static int tear_down(void **state)
{
    (void)state;
    temp_remove();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(serve_has_no_network),
        cmocka_unit_test(sync_has_no_key),
        cmocka_unit_test(sync_refuses_when_it_could_read_the_key),
        cmocka_unit_test(the_command_sync_builds_its_wall),
        cmocka_unit_test(serve_answers_and_ends_in_order),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
