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

/* err_fd -1: our own standard error. */
static int spawn(char *const *argv, int in_fd, int out_fd, int err_fd, pid_t *pid)
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
        if (err_fd >= 0)
            error = error != 0 ? error : posix_spawn_file_actions_adddup2(&actions, err_fd, STDERR_FILENO);
        error = error != 0 ? error : posix_spawn(pid, argv[0], &actions, &attr, argv, ENVIRONMENT);
        (void)posix_spawnattr_destroy(&attr);
    }
    (void)posix_spawn_file_actions_destroy(&actions);
    return error;
}

/* The pipe takes this much at once (pipe(7): 4,096 bytes at least), so writing before reading cannot hang. */
static sotto_status say(int fd, sotto_span input)
{
    if (input.len > 4096)
        return SOTTO_ERR(PORT, RANGE);
    return input.len == 0 || write(fd, input.ptr, input.len) == (ssize_t)input.len ? SOTTO_OK
                                                                                   : SOTTO_ERR(PORT, IO);
}

/* Starts it; job->fd is where it speaks, job->err_fd where it speaks aside. */
static sotto_status begin(char *const *argv, sotto_span input, sotto_port_job *job)
{
    int in[2] = {-1, -1}, said[2] = {-1, -1}, aside[2] = {-1, -1};
    pid_t pid = -1;
    bool open = pipe2(in, O_CLOEXEC) == 0 && pipe2(said, O_CLOEXEC) == 0 &&
                (job->aside == NULL || pipe2(aside, O_CLOEXEC) == 0);
    sotto_status status = open ? say(in[1], input) : SOTTO_ERR(PORT, IO);
    int error = status == SOTTO_OK ? spawn(argv, in[0], said[1], aside[1], &pid) : 0;
    if (error != 0)
        status = sotto_port_errno_status(error);
    for (size_t i = 0; i < 2; i++)
        (void)sotto_port_close_fd(in[i]);
    (void)sotto_port_close_fd(said[1]);
    (void)sotto_port_close_fd(aside[1]);
    job->fd = said[0];
    job->err_fd = aside[0];
    job->pid = status == SOTTO_OK ? pid : 0;
    return status;
}

static void close_pipe(int *fd)
{
    if (*fd >= 0)
        (void)sotto_port_close_fd(*fd);
    *fd = -1;
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
        if (got > 0)
            status = sotto_vec_put(out, piece, (size_t)got);
        else if (got == 0)
            close_pipe(&job->fd);
        else if (errno != EINTR)
            status = SOTTO_ERR(PORT, IO);
    }
    explicit_bzero(piece, sizeof piece);
    return status;
}

/* The same of its standard error, where what has no room is dropped: a pipe that is full would hold it up. */
static void hear_aside(sotto_port_job *job)
{
    uint8_t piece[1024];
    for (size_t pieces = 0; pieces < 256 && job->err_fd >= 0 && is_ready(job->err_fd); pieces++) {
        ssize_t got = read(job->err_fd, piece, sizeof piece);
        size_t room = job->aside->limit - job->aside->len;
        if (got > 0)
            (void)!sotto_vec_put(job->aside, piece, (size_t)got < room ? (size_t)got : room);
        else if (got == 0 || errno != EINTR)
            close_pipe(&job->err_fd);
    }
}

/* It is not reaped by this: until it is, nobody else can have its number. */
static bool has_ended(const sotto_port_job *job)
{
    siginfo_t info = {0};
    return waitid(P_PID, (id_t)job->pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid != 0;
}

/* Reaps it. What it started goes with it when it is killed, and when it holds the pipes of one that has
 * ended. */
static void reap(sotto_port_job *job, int *how)
{
    pid_t pid = (pid_t)job->pid;
    close_pipe(&job->fd);
    close_pipe(&job->err_fd);
    job->pid = 0;
    (void)kill(-pid, SIGKILL);
    while (waitpid(pid, how, 0) < 0 && errno == EINTR)
        continue;
}

/* All that it had to say is heard: BUSY until it has ended. */
static sotto_status conclude(sotto_port_job *job, int *how)
{
    pid_t ended = waitpid((pid_t)job->pid, how, WNOHANG);
    if (ended == 0 || (ended < 0 && errno == EINTR))
        return SOTTO_ERR(PORT, BUSY);
    hear_aside(job); /* what it said between the last look and its end */
    close_pipe(&job->err_fd);
    bool reaped = ended == (pid_t)job->pid;
    job->pid = 0; /* otherwise somebody else has reaped it, and its number may be another's */
    return reaped ? SOTTO_OK : SOTTO_ERR(PORT, IO);
}

/* One that has ended is not waited for: whoever still holds its pipe has nothing to say for it. Asked before
 * it is listened to: all of its words lie there then. */
static sotto_status step(sotto_port_job *job, sotto_vec *out, int *how)
{
    bool ended = has_ended(job);
    sotto_status status = hear(job, out);
    hear_aside(job);
    if (status == SOTTO_OK && job->fd < 0)
        status = conclude(job, how);
    else if (status == SOTTO_OK && !ended)
        status = SOTTO_ERR(PORT, BUSY);
    bool late = sotto_status_cause(status) == SOTTO_CAUSE_BUSY && sotto_port_mono_ms() >= job->deadline_ms;
    if (sotto_status_cause(status) == SOTTO_CAUSE_BUSY && !late)
        return status;
    if (job->pid != 0)
        reap(job, how);
    return late ? SOTTO_ERR(PORT, TIMEOUT) : status;
}

sotto_status sotto_port_job_start(sotto_port_job *job, char *const *argv, sotto_span input,
                                  int64_t timeout_ms, sotto_vec *aside, sotto_diag *diag)
{
    *job = (sotto_port_job){
        .fd = -1, .err_fd = -1, .deadline_ms = sotto_port_mono_ms() + timeout_ms, .aside = aside};
    sotto_status status = check_path(argv, diag);
    if (status != SOTTO_OK)
        return status;
    status = begin(argv, input, job);
    if (status == SOTTO_OK)
        return status;
    close_pipe(&job->fd);
    close_pipe(&job->err_fd);
    return not_run(argv[0], status, diag);
}

sotto_status sotto_port_job_step(sotto_port_job *job, sotto_vec *out, int *exit_code, sotto_diag *diag)
{
    int how = 0;
    *exit_code = -1;
    if (job->pid == 0)
        return sotto_diag_set(diag, SOTTO_ERR(PORT, USAGE), "no program was started");
    sotto_status status = step(job, out, &how);
    return sotto_status_cause(status) == SOTTO_CAUSE_BUSY ? status
                                                          : judge("", status, how, 0, out, exit_code, diag);
}

void sotto_port_job_end(sotto_port_job *job)
{
    int how = 0;
    if (job->pid != 0)
        reap(job, &how);
}

void sotto_port_job_wait(const sotto_port_job *job)
{
    struct pollfd waiting[] = {{.fd = job->fd, .events = POLLIN}, {.fd = job->err_fd, .events = POLLIN}};
    (void)poll(waiting, SOTTO_COUNT(waiting), job->fd < 0 ? 5 : 50);
}

sotto_status sotto_port_run(char *const *argv, sotto_span input, int64_t timeout_ms, sotto_vec *out,
                            int *exit_code, sotto_diag *diag)
{
    int how = 0;
    sotto_port_job job;
    const size_t before = out->len;
    *exit_code = -1;
    sotto_status status = sotto_port_job_start(&job, argv, input, timeout_ms, NULL, diag);
    if (status != SOTTO_OK)
        return status;
    while (sotto_status_cause(status = step(&job, out, &how)) == SOTTO_CAUSE_BUSY)
        sotto_port_job_wait(&job);
    return judge(argv[0], status, how, before, out, exit_code, diag);
}
