#include "sotto/base.h"

#include "base_priv.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { LINE_MAX_BYTES = 1024 };

static const char *level_name(enum sotto_log_level level)
{
    static const char *const NAMES[] = {"error", "warn", "info", "debug"};
    return (unsigned)level < SOTTO_COUNT(NAMES) ? NAMES[level] : "?";
}

/* "time level program event", each that is there followed by a space. */
static size_t put_head(char *line, size_t cap, const sotto_log *log, enum sotto_log_level level,
                       const char *event)
{
    char stamp[22] = "";
    if (log->clock.utc_s != NULL) {
        sotto_time_format(log->clock.utc_s(log->clock.ctx), stamp);
        memcpy(stamp + 20, " ", 2);
    }
    const char *program = log->program != NULL ? log->program : "";
    int n =
        snprintf(line, cap, "%s%s %s%s%s", stamp, level_name(level), program, program[0] ? " " : "", event);
    return n < 0 ? 0 : (size_t)n < cap ? (size_t)n : cap - 1;
}

/* One write(2) a line, so that lines of several processes do not mix. What the log cannot take is lost:
 * logging must never stop the work. */
static void write_line(int fd, const char *line, size_t len)
{
    ssize_t n;
    do
        n = write(fd, line, len);
    while (n < 0 && errno == EINTR);
}

void sotto_log_event(const sotto_log *log, enum sotto_log_level level, const char *event, const char *format,
                     ...)
{
    if (log == NULL || log->fd < 0 || level > log->level)
        return;
    int saved_errno = errno;
    char line[LINE_MAX_BYTES + 1];
    size_t len = put_head(line, LINE_MAX_BYTES, log, level, event), head = len;
    va_list args;
    va_start(args, format);
    int n = format[0] == '\0' ? 0 : vsnprintf(line + len + 1, LINE_MAX_BYTES - len - 1, format, args);
    va_end(args);
    if (n > 0 && head + 2 < LINE_MAX_BYTES) {
        line[len] = ' ';
        len += 1 + strnlen(line + len + 1, LINE_MAX_BYTES - len - 1);
    }
    len = sotto_base_clean_line(line, len);
    line[len] = '\n';
    write_line(log->fd, line, len + 1);
    errno = saved_errno;
}
