/* Another program, run without a shell, with a deadline, its words kept apart from ours: for secrets that lie
 * behind a program of the bank's choice. */
#include "port_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* Nothing of our environment goes along: not even a path that others may have set. */
static char *const ENVIRONMENT[] = {(char[]){"PATH=/usr/sbin:/usr/bin:/sbin:/bin"}, (char[]){"LC_ALL=C"},
                                    NULL};

static int spawn(char *const *argv, int in_fd, int out_fd, pid_t *pid)
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attr;
    sigset_t all, none;
    /* A process group of its own: it is killed with its children. */
    const short flags = POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETPGROUP;
    sigfillset(&all);
    sigemptyset(&none);
    int error = posix_spawn_file_actions_init(&actions);
    if (error != 0)
        return error;
    error = posix_spawnattr_init(&attr);
    if (error == 0) {
        error = posix_spawnattr_setsigdefault(&attr, &all);
        error = error != 0 ? error : posix_spawnattr_setsigmask(&attr, &none);
        error = error != 0 ? error : posix_spawnattr_setflags(&attr, flags);
        error = error != 0 ? error : posix_spawn_file_actions_adddup2(&actions, in_fd, STDIN_FILENO);
        error = error != 0 ? error : posix_spawn_file_actions_adddup2(&actions, out_fd, STDOUT_FILENO);
        error = error != 0 ? error : posix_spawn(pid, argv[0], &actions, &attr, argv, ENVIRONMENT);
        (void)posix_spawnattr_destroy(&attr);
    }
    (void)posix_spawn_file_actions_destroy(&actions);
    return error;
}

/* What it says until it ends its output; more than out takes is RANGE. */
static sotto_status listen_to(int fd, int64_t deadline_ms, sotto_vec *out)
{
    uint8_t piece[256];
    sotto_status status = SOTTO_OK;
    ssize_t got = 1;
    while (status == SOTTO_OK && got != 0) {
        struct pollfd waiting = {.fd = fd, .events = POLLIN};
        int64_t left_ms = deadline_ms - sotto_port_mono_ms();
        int ready = left_ms <= 0 ? 0 : poll(&waiting, 1, (int)(left_ms < 60000 ? left_ms : 60000));
        if (left_ms <= 0)
            status = SOTTO_ERR(PORT, TIMEOUT);
        else if (ready < 0 && errno != EINTR)
            status = SOTTO_ERR(PORT, IO);
        else if (ready <= 0) /* interrupted: a read now could outlast the deadline */
            continue;
        else if ((got = read(fd, piece, sizeof piece)) > 0)
            status = sotto_vec_put(out, piece, (size_t)got);
        else if (got < 0 && errno != EINTR)
            status = SOTTO_ERR(PORT, IO);
    }
    explicit_bzero(piece, sizeof piece);
    return status;
}

/* Waits for its end; one that does not come to it in time is killed, and what it started. */
static sotto_status wait_until(pid_t pid, int64_t deadline_ms, bool hurry, int *how)
{
    /* Before it is reaped, while nobody else can have its number: what it started may outlive it. */
    bool killed = hurry && kill(-pid, SIGKILL) == 0;
    for (;;) {
        pid_t ended = waitpid(pid, how, WNOHANG);
        if (ended == pid)
            return killed && !hurry ? SOTTO_ERR(PORT, TIMEOUT) : SOTTO_OK;
        if (ended < 0 && errno != EINTR)
            return SOTTO_ERR(PORT, IO);
        if (!killed && sotto_port_mono_ms() >= deadline_ms)
            killed = kill(-pid, SIGKILL) == 0;
        (void)poll(NULL, 0, 5);
    }
}

/* The pipe takes this much at once (pipe(7): 4,096 bytes at least), so writing before reading cannot hang. */
static sotto_status say(int fd, sotto_span input)
{
    if (input.len > 4096)
        return SOTTO_ERR(PORT, RANGE);
    return input.len == 0 || write(fd, input.ptr, input.len) == (ssize_t)input.len ? SOTTO_OK
                                                                                   : SOTTO_ERR(PORT, IO);
}

/* Starts it; *fd is where it speaks. */
static sotto_status begin(char *const *argv, sotto_span input, int *fd, pid_t *pid)
{
    int in[2] = {-1, -1}, said[2] = {-1, -1};
    *pid = -1;
    sotto_status status =
        pipe2(in, O_CLOEXEC) == 0 && pipe2(said, O_CLOEXEC) == 0 ? say(in[1], input) : SOTTO_ERR(PORT, IO);
    int error = status == SOTTO_OK ? spawn(argv, in[0], said[1], pid) : 0;
    if (error != 0)
        status = sotto_port_errno_status(error);
    for (size_t i = 0; i < 2; i++)
        (void)sotto_port_close_fd(in[i]);
    (void)sotto_port_close_fd(said[1]);
    if (status != SOTTO_OK)
        (void)sotto_port_close_fd(said[0]);
    *fd = status == SOTTO_OK ? said[0] : -1;
    return status;
}

static sotto_status converse(char *const *argv, sotto_span input, int64_t deadline_ms, sotto_vec *out,
                             int *how)
{
    int fd = -1;
    pid_t pid = -1;
    *how = 0;
    sotto_status status = begin(argv, input, &fd, &pid);
    if (status != SOTTO_OK)
        return status;
    status = listen_to(fd, deadline_ms, out);
    (void)sotto_port_close_fd(fd);
    sotto_status ended = wait_until(pid, deadline_ms, status != SOTTO_OK, how);
    return status != SOTTO_OK ? status : ended;
}

static sotto_status check_path(char *const *argv, sotto_diag *diag)
{
    if (argv[0] == NULL || argv[0][0] != '/')
        return sotto_diag_set(diag, SOTTO_ERR(PORT, USAGE), "a program is named by its whole path");
    return SOTTO_OK;
}

static sotto_status not_run(const char *program, sotto_status status, sotto_diag *diag)
{
    return sotto_diag_at(diag, status, program, 0,
                         sotto_status_cause(status) == SOTTO_CAUSE_TIMEOUT ? "did not end within its time"
                                                                           : "could not be run");
}

/* What a program said that did not end well is nobody's; program "": a job, whose owner knows its name. */
static sotto_status judge(const char *program, sotto_status status, int how, size_t before, sotto_vec *out,
                          int *exit_code, sotto_diag *diag)
{
    *exit_code = status == SOTTO_OK && WIFEXITED(how) ? WEXITSTATUS(how) : -1;
    if (*exit_code >= 0)
        return SOTTO_OK;
    if (out->ptr != NULL)
        explicit_bzero(out->ptr + before, out->len - before);
    out->len = before;
    if (status != SOTTO_OK)
        return not_run(program, status, diag);
    return sotto_diag_at(diag, SOTTO_ERR(PORT, IO), program, 0, "was stopped by signal %d",
                         WIFSIGNALED(how) ? WTERMSIG(how) : 0);
}

sotto_status sotto_port_run(char *const *argv, sotto_span input, int64_t timeout_ms, sotto_vec *out,
                            int *exit_code, sotto_diag *diag)
{
    int how = 0;
    const size_t before = out->len;
    *exit_code = -1;
    sotto_status status = check_path(argv, diag);
    if (status != SOTTO_OK)
        return status;
    status = converse(argv, input, sotto_port_mono_ms() + timeout_ms, out, &how);
    return judge(argv[0], status, how, before, out, exit_code, diag);
}

/* ---- for who must not wait ---- */

sotto_status sotto_port_job_start(sotto_port_job *job, char *const *argv, sotto_span input,
                                  int64_t timeout_ms, sotto_diag *diag)
{
    pid_t pid = -1;
    *job = (sotto_port_job){.fd = -1, .deadline_ms = sotto_port_mono_ms() + timeout_ms};
    sotto_status status = check_path(argv, diag);
    if (status != SOTTO_OK)
        return status;
    status = begin(argv, input, &job->fd, &pid);
    if (status != SOTTO_OK)
        return not_run(argv[0], status, diag);
    job->pid = pid;
    return SOTTO_OK;
}

static bool is_ready(int fd)
{
    struct pollfd waiting = {.fd = fd, .events = POLLIN};
    return poll(&waiting, 1, 0) > 0;
}

/* What lies there now; at the end of its words the pipe is closed. */
static sotto_status hear(sotto_port_job *job, sotto_vec *out)
{
    uint8_t piece[1024];
    sotto_status status = SOTTO_OK;
    while (status == SOTTO_OK && job->fd >= 0 && is_ready(job->fd)) {
        ssize_t got = read(job->fd, piece, sizeof piece);
        if (got > 0) {
            status = sotto_vec_put(out, piece, (size_t)got);
        } else if (got == 0) {
            (void)sotto_port_close_fd(job->fd);
            job->fd = -1;
        } else if (errno != EINTR) {
            status = SOTTO_ERR(PORT, IO);
        }
    }
    explicit_bzero(piece, sizeof piece);
    return status;
}

/* Kills it, with what it started, where it has not ended; it is reaped in any case. */
static void reap(sotto_port_job *job, int *how)
{
    pid_t pid = (pid_t)job->pid;
    if (job->fd >= 0)
        (void)sotto_port_close_fd(job->fd);
    job->fd = -1;
    job->pid = 0;
    (void)kill(-pid, SIGKILL);
    while (waitpid(pid, how, 0) < 0 && errno == EINTR)
        continue;
}

sotto_status sotto_port_job_step(sotto_port_job *job, sotto_vec *out, int *exit_code, sotto_diag *diag)
{
    int how = 0;
    *exit_code = -1;
    if (job->pid == 0)
        return sotto_diag_set(diag, SOTTO_ERR(PORT, USAGE), "no program was started");
    sotto_status status = hear(job, out);
    pid_t ended = status == SOTTO_OK && job->fd < 0 ? waitpid((pid_t)job->pid, &how, WNOHANG) : 0;
    if (ended == (pid_t)job->pid) {
        job->pid = 0;
        return judge("", SOTTO_OK, how, 0, out, exit_code, diag);
    }
    if (ended < 0 && errno != EINTR) { /* somebody else has reaped it, and its number may be another's */
        job->pid = 0;
        return judge("", SOTTO_ERR(PORT, IO), 0, 0, out, exit_code, diag);
    }
    if (status == SOTTO_OK && sotto_port_mono_ms() < job->deadline_ms)
        return SOTTO_ERR(PORT, BUSY);
    reap(job, &how);
    return judge("", status == SOTTO_OK ? SOTTO_ERR(PORT, TIMEOUT) : status, how, 0, out, exit_code, diag);
}

void sotto_port_job_end(sotto_port_job *job)
{
    int how = 0;
    if (job->pid != 0)
        reap(job, &how);
}
