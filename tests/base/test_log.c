/* Lines of the log, read back from a pipe as they were written. */
#include "sotto/base.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <string.h>
#include <unistd.h>

static int pipe_fds[2];

static int open_pipe(void **state)
{
    (void)state;
    return pipe(pipe_fds);
}

static int close_pipe(void **state)
{
    (void)state;
    return close(pipe_fds[0]) | close(pipe_fds[1]);
}

static int64_t a_moment(void *ctx)
{
    (void)ctx;
    return 1795287723;
}

static size_t read_line(char *out, size_t cap)
{
    ssize_t n = read(pipe_fds[0], out, cap - 1);
    assert_true(n > 0);
    out[n] = '\0';
    return (size_t)n;
}

static void a_line_has_time_level_program_event_and_values(void **state)
{
    (void)state;
    char line[2048];
    sotto_log log = {.fd = pipe_fds[1], .level = SOTTO_LOG_INFO, .clock.utc_s = a_moment, .program = "sotto"};
    sotto_log_event(&log, SOTTO_LOG_INFO, "serve.start", "pid=%d", 12);
    (void)read_line(line, sizeof line);
    assert_string_equal(line, "2026-11-21T19:02:03Z info sotto serve.start pid=12\n");
    log.clock.utc_s = NULL;
    log.program = NULL;
    sotto_log_event(&log, SOTTO_LOG_ERROR, "disk.full", "%s", "");
    (void)read_line(line, sizeof line);
    assert_string_equal(line, "error disk.full\n");
}

static void what_is_below_the_level_is_silent(void **state)
{
    (void)state;
    char line[2048];
    sotto_log log = {.fd = pipe_fds[1], .level = SOTTO_LOG_WARN};
    sotto_log_event(&log, SOTTO_LOG_INFO, "a", "b");
    sotto_log_event(&log, SOTTO_LOG_DEBUG, "a", "b");
    sotto_log_event(NULL, SOTTO_LOG_ERROR, "a", "b");
    sotto_log_event(&(sotto_log){.fd = -1}, SOTTO_LOG_ERROR, "a", "b");
    sotto_log_event(&log, SOTTO_LOG_WARN, "only.this", "b=1");
    (void)read_line(line, sizeof line);
    assert_string_equal(line, "warn only.this b=1\n");
}

static void a_value_cannot_make_a_second_line(void **state)
{
    (void)state;
    char line[2048];
    sotto_log log = {.fd = pipe_fds[1], .level = SOTTO_LOG_INFO};
    sotto_log_event(&log, SOTTO_LOG_INFO, "x", "name=%s", "a\n2026 error forged");
    (void)read_line(line, sizeof line);
    assert_string_equal(line, "info x name=a?2026 error forged\n");
}

static void a_long_line_is_cut_and_still_one_line(void **state)
{
    (void)state;
    char big[3000], line[4096];
    memset(big, 'v', sizeof big - 1);
    big[sizeof big - 1] = '\0';
    sotto_log log = {.fd = pipe_fds[1], .level = SOTTO_LOG_INFO};
    for (size_t event_len = 1000; event_len < 1040; event_len++) {
        sotto_log_event(&log, SOTTO_LOG_INFO, big + sizeof big - 1 - event_len, "v=%s", big);
        size_t n = read_line(line, sizeof line);
        assert_true(n <= 1025 && n >= 1000);
        assert_ptr_equal(strchr(line, '\n'), line + n - 1);
    }
}

static void errno_survives_a_log_that_is_gone(void **state)
{
    (void)state;
    sotto_log log = {.fd = 1000000, .level = SOTTO_LOG_INFO};
    errno = ENOSPC;
    sotto_log_event(&log, SOTTO_LOG_INFO, "x", "y=1");
    assert_int_equal(errno, ENOSPC);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_line_has_time_level_program_event_and_values),
        cmocka_unit_test(what_is_below_the_level_is_silent),
        cmocka_unit_test(a_value_cannot_make_a_second_line),
        cmocka_unit_test(a_long_line_is_cut_and_still_one_line),
        cmocka_unit_test(errno_survives_a_log_that_is_gone),
    };
    return cmocka_run_group_tests(tests, open_pipe, close_pipe);
}
