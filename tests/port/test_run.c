/* Programs that give secrets, and the kernel's keyring: bounded in time and size, nothing of ours handed on.
 */
#include "port_priv.h"
#include "port_test.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/time.h>
#include <unistd.h>

static sotto_status run(const char *script, const char *input, int64_t timeout_ms, size_t limit, char *said,
                        int *code)
{
    char *argv[] = {(char[]){"/bin/sh"}, (char[]){"-c"}, NULL, NULL};
    char text[256];
    sotto_vec out;
    snprintf(text, sizeof text, "%s", script);
    argv[2] = text;
    sotto_vec_init(&out, limit);
    sotto_status status = sotto_port_run(argv, sotto_span_str(input), timeout_ms, &out, code, NULL);
    snprintf(said, 256, "%.*s", (int)out.len, out.ptr == NULL ? "" : (const char *)out.ptr);
    sotto_vec_free(&out);
    return status;
}

static void what_it_says_and_how_it_ends(void **state)
{
    (void)state;
    char said[256];
    int code;
    assert_int_equal(run("tr a-z A-Z; exit 3", "secret", 20000, 64, said, &code), SOTTO_OK);
    assert_string_equal(said, "SECRET");
    assert_int_equal(code, 3);
    assert_int_equal(run("", "not read", 20000, 64, said, &code), SOTTO_OK);
    assert_int_equal(code, 0);
    assert_int_equal(sotto_status_cause(run("kill -9 $$", "", 20000, 64, said, &code)), SOTTO_CAUSE_IO);
    assert_int_equal(code, -1);
}

static void it_is_bounded(void **state)
{
    (void)state;
    char said[256];
    int code;
    assert_int_equal(sotto_status_cause(run("exec sleep 60", "", 200, 64, said, &code)), SOTTO_CAUSE_TIMEOUT);
    assert_int_equal(sotto_status_cause(run("exec >&-; exec sleep 60", "", 200, 64, said, &code)),
                     SOTTO_CAUSE_TIMEOUT);
    assert_int_equal(sotto_status_cause(run("while :; do echo much; done", "", 20000, 64, said, &code)),
                     SOTTO_CAUSE_RANGE);
    assert_string_equal(said, "");
}

static void on_alarm(int number)
{
    (void)number;
}

static void a_signal_does_not_lift_the_deadline(void **state)
{
    (void)state;
    char said[256];
    int code;
    struct sigaction action = {.sa_handler = on_alarm}, before;
    const struct itimerval soon = {.it_value = {.tv_usec = 100000}};
    const int64_t begin_ms = sotto_port_mono_ms();
    assert_int_equal(sigaction(SIGALRM, &action, &before), 0);
    assert_int_equal(setitimer(ITIMER_REAL, &soon, NULL), 0);
    assert_int_equal(sotto_status_cause(run("exec sleep 90", "", 500, 64, said, &code)), SOTTO_CAUSE_TIMEOUT);
    assert_int_equal(sigaction(SIGALRM, &before, NULL), 0);
    assert_true(sotto_port_mono_ms() - begin_ms < 60000);
}

/* Whoever still runs holds the writing end of a pipe. */
static void its_children_end_with_it(void **state)
{
    (void)state;
    static const char *const scripts[] = {"sleep 90 & exec sleep 90", "sleep 90 & exit 0"};
    for (size_t i = 0; i < SOTTO_COUNT(scripts); i++) {
        char said[256], byte;
        int code, ends[2];
        assert_int_equal(pipe(ends), 0);
        assert_int_equal(fcntl(ends[0], F_SETFD, FD_CLOEXEC), 0);
        if (i == 0)
            assert_int_equal(sotto_status_cause(run(scripts[i], "", 300, 64, said, &code)),
                             SOTTO_CAUSE_TIMEOUT);
        else /* it has ended, whoever holds its pipe */
            assert_int_equal(run(scripts[i], "", 80000, 64, said, &code), SOTTO_OK);
        assert_int_equal(close(ends[1]), 0);
        struct pollfd ended = {.fd = ends[0], .events = POLLIN};
        assert_int_equal(poll(&ended, 1, 60000), 1);
        assert_int_equal(read(ends[0], &byte, 1), 0);
        assert_int_equal(close(ends[0]), 0);
    }
}

static void nothing_of_ours_goes_along(void **state)
{
    (void)state;
    char said[256];
    int code;
    assert_int_equal(setenv("SOTTO_SECRET", "in the environment", 1), 0);
    assert_int_equal(run("printf %s \"$SOTTO_SECRET\"", "", 20000, 64, said, &code), SOTTO_OK);
    assert_string_equal(said, "");
}

static void programs_are_named_by_their_path(void **state)
{
    (void)state;
    char *bare[] = {(char[]){"sh"}, NULL}, *none[] = {(char[]){"/no/such/program"}, NULL}, *empty[] = {NULL};
    sotto_vec out;
    int code;
    sotto_vec_init(&out, 64);
    const sotto_span nothing = sotto_span_of(NULL, 0);
    assert_int_equal(sotto_status_cause(sotto_port_run(bare, nothing, 1000, &out, &code, NULL)),
                     SOTTO_CAUSE_USAGE);
    assert_int_equal(sotto_status_cause(sotto_port_run(empty, nothing, 1000, &out, &code, NULL)),
                     SOTTO_CAUSE_USAGE);
    assert_int_not_equal(sotto_port_run(none, nothing, 20000, &out, &code, NULL) == SOTTO_OK && code == 0, 1);
    sotto_vec_free(&out);
}

static void the_keyring_keeps_and_never_replaces(void **state)
{
    (void)state;
    char name[64];
    sotto_vec out;
    sotto_vec_init(&out, 64);
    snprintf(name, sizeof name, "sotto-test-port-%ld", (long)getpid());
    sotto_status status = sotto_port_keyring_read(name, &out, NULL);
    if (sotto_status_cause(status) != SOTTO_CAUSE_NOT_FOUND)
        skip(); /* a kernel or a sandbox without keyrings */
    status = sotto_port_keyring_add(name, sotto_span_str("first"), NULL);
    if (sotto_status_cause(status) == SOTTO_CAUSE_DENIED || sotto_status_cause(status) == SOTTO_CAUSE_FULL)
        skip();
    assert_int_equal(status, SOTTO_OK);
    assert_int_equal(sotto_status_cause(sotto_port_keyring_add(name, sotto_span_str("second"), NULL)),
                     SOTTO_CAUSE_EXISTS);
    assert_int_equal(sotto_port_keyring_read(name, &out, NULL), SOTTO_OK);
    assert_int_equal(out.len, 5);
    assert_memory_equal(out.ptr, "first", 5);
    sotto_vec_free(&out);
}

/* Parts of a file: written where the one before ended, read back, and never past a gap. */
static void a_file_grows_by_parts(void **state)
{
    (void)state;
    char path[] = "/tmp/sotto-part-XXXXXX";
    uint64_t size = 0;
    sotto_vec out;
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(close(fd), 0);
    sotto_vec_init(&out, 64);
    assert_int_equal(sotto_port_append_file(path, 0, sotto_span_str("hello, "), 0600, NULL), SOTTO_OK);
    assert_int_equal(sotto_port_append_file(path, 7, sotto_span_str("wo cut off"), 0600, NULL), SOTTO_OK);
    assert_int_equal(sotto_port_append_file(path, 7, sotto_span_str("world"), 0600, NULL), SOTTO_OK);
    assert_int_equal(sotto_status_cause(sotto_port_append_file(path, 13, sotto_span_str("x"), 0600, NULL)),
                     SOTTO_CAUSE_CONFLICT);
    assert_int_equal(sotto_port_file_size(path, &size, NULL), SOTTO_OK);
    assert_int_equal(size, 12);
    assert_int_equal(sotto_port_read_part(path, 7, 3, &out, NULL), SOTTO_OK);
    assert_int_equal(out.len, 3);
    assert_memory_equal(out.ptr, "wor", 3);
    assert_int_equal(sotto_port_read_part(path, 10, 2, &out, NULL), SOTTO_OK);
    assert_int_equal(out.len, 5);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(sotto_status_cause(sotto_port_read_part(path, 0, 1, &out, NULL)), SOTTO_CAUSE_NOT_FOUND);
    assert_int_equal(sotto_status_cause(sotto_port_file_size(path, &size, NULL)), SOTTO_CAUSE_NOT_FOUND);
    sotto_vec_free(&out);
}

/* ---- for who must not wait ---- */

static sotto_status run_job(const char *script, int64_t timeout_ms, size_t limit, char *said, int *code)
{
    char *argv[] = {(char[]){"/bin/sh"}, (char[]){"-c"}, NULL, NULL};
    char text[256];
    sotto_vec out;
    sotto_port_job job;
    snprintf(text, sizeof text, "%s", script);
    argv[2] = text;
    sotto_vec_init(&out, limit);
    sotto_status status = sotto_port_job_start(&job, argv, sotto_span_str("secret"), timeout_ms, NULL, NULL);
    assert_int_equal(status, SOTTO_OK);
    while (sotto_status_cause(status = sotto_port_job_step(&job, &out, code, NULL)) == SOTTO_CAUSE_BUSY)
        (void)poll(NULL, 0, 2);
    assert_int_equal(job.pid, 0);
    sotto_port_job_end(&job); /* nothing is left to end */
    snprintf(said, 256, "%.*s", (int)out.len, out.ptr == NULL ? "" : (const char *)out.ptr);
    sotto_vec_free(&out);
    return status;
}

static void a_job_ends_as_a_run_does(void **state)
{
    (void)state;
    char said[256];
    int code;
    assert_int_equal(run_job("tr a-z A-Z; exit 3", 20000, 64, said, &code), SOTTO_OK);
    assert_string_equal(said, "SECRET");
    assert_int_equal(code, 3);
    assert_int_equal(run_job("exec >&-; exit 0", 20000, 64, said, &code), SOTTO_OK);
    assert_int_equal(sotto_status_cause(run_job("kill -9 $$", 20000, 64, said, &code)), SOTTO_CAUSE_IO);
    assert_int_equal(code, -1);
    assert_int_equal(sotto_status_cause(run_job("sleep 90 & exec sleep 60", 200, 64, said, &code)),
                     SOTTO_CAUSE_TIMEOUT);
    assert_int_equal(sotto_status_cause(run_job("exec >&-; exec sleep 60", 200, 64, said, &code)),
                     SOTTO_CAUSE_TIMEOUT);
    assert_int_equal(sotto_status_cause(run_job("while :; do echo much; done", 20000, 64, said, &code)),
                     SOTTO_CAUSE_RANGE);
    assert_string_equal(said, "");
}

static void a_job_can_be_ended(void **state)
{
    (void)state;
    char *argv[] = {(char[]){"/bin/sleep"}, (char[]){"90"}, NULL}, *bare[] = {(char[]){"sleep"}, NULL};
    sotto_port_job job;
    sotto_vec out;
    int code;
    sotto_vec_init(&out, 64);
    assert_int_equal(sotto_port_job_start(&job, argv, sotto_span_of(NULL, 0), 90000, NULL, NULL), SOTTO_OK);
    assert_int_equal(sotto_status_cause(sotto_port_job_step(&job, &out, &code, NULL)), SOTTO_CAUSE_BUSY);
    sotto_port_job_end(&job);
    assert_int_equal(sotto_status_cause(sotto_port_job_step(&job, &out, &code, NULL)), SOTTO_CAUSE_USAGE);
    assert_int_equal(
        sotto_status_cause(sotto_port_job_start(&job, bare, sotto_span_of(NULL, 0), 1, NULL, NULL)),
        SOTTO_CAUSE_USAGE);
    sotto_vec_free(&out);
}

/* One that has ended is not waited for: what it left behind, holding its output, goes as well. */
static void a_helper_that_holds_the_pipe(void **state)
{
    (void)state;
    char said[256];
    int code;
    const int64_t begin_ms = sotto_port_mono_ms();
    assert_int_equal(run_job("echo word; sleep 90 & exit 3", 80000, 64, said, &code), SOTTO_OK);
    assert_string_equal(said, "word\n");
    assert_int_equal(code, 3);
    assert_int_equal(run("echo word; sleep 90 & exit 3", "", 80000, 64, said, &code), SOTTO_OK);
    assert_string_equal(said, "word\n");
    assert_int_equal(code, 3);
    assert_true(sotto_port_mono_ms() - begin_ms < 60000);
}

/* Beside its words, and bounded: more than is kept does not hold it up. */
static void what_a_job_says_aside(void **state)
{
    (void)state;
    char script[] = "echo aside >&2; echo word; head -c 200000 /dev/zero >&2; exit 0";
    char *argv[] = {(char[]){"/bin/sh"}, (char[]){"-c"}, script, NULL};
    sotto_vec out, aside;
    sotto_port_job job;
    sotto_status status;
    int code;
    sotto_vec_init(&out, 64);
    sotto_vec_init(&aside, 100);
    assert_int_equal(sotto_port_job_start(&job, argv, sotto_span_of(NULL, 0), 80000, &aside, NULL), SOTTO_OK);
    while (sotto_status_cause(status = sotto_port_job_step(&job, &out, &code, NULL)) == SOTTO_CAUSE_BUSY)
        sotto_port_job_wait(&job);
    assert_int_equal(status, SOTTO_OK);
    assert_int_equal(code, 0);
    assert_int_equal(out.len, 5);
    assert_int_equal(aside.len, 100);
    assert_memory_equal(aside.ptr, "aside\n", 6);
    sotto_vec_free(&out);
    sotto_vec_free(&aside);
}

/* Where ended programs are reaped by the system there is nobody to wait for: an error at once, nobody killed.
 */
static void an_end_that_nobody_tells_of(void **state)
{
    (void)state;
    char said[256];
    int code;
    struct sigaction ignore = {.sa_handler = SIG_IGN}, before;
    assert_int_equal(sigaction(SIGCHLD, &ignore, &before), 0);
    assert_int_equal(sotto_status_cause(run_job("exit 0", 20000, 64, said, &code)), SOTTO_CAUSE_IO);
    assert_int_equal(code, -1);
    assert_int_equal(sigaction(SIGCHLD, &before, NULL), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_it_says_and_how_it_ends),
        cmocka_unit_test(it_is_bounded),
        cmocka_unit_test(an_end_that_nobody_tells_of),
        cmocka_unit_test(a_signal_does_not_lift_the_deadline),
        cmocka_unit_test(its_children_end_with_it),
        cmocka_unit_test(nothing_of_ours_goes_along),
        cmocka_unit_test(programs_are_named_by_their_path),
        cmocka_unit_test(a_job_ends_as_a_run_does),
        cmocka_unit_test(a_job_can_be_ended),
        cmocka_unit_test(a_helper_that_holds_the_pipe),
        cmocka_unit_test(what_a_job_says_aside),
        cmocka_unit_test(the_keyring_keeps_and_never_replaces),
        cmocka_unit_test(a_file_grows_by_parts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
