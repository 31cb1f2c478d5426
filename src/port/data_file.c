/* Data sets as they are published: plain, or packed by xz. Only head office reads these, so the program xz(1)
 * is used as it is instead of a library that every terminal would carry. No shell is involved. */
#include "port_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static sotto_status no_xz(const char *path, sotto_diag *diag)
{
    return sotto_diag_at(diag, SOTTO_ERR(PORT, NOT_FOUND), path, 0,
                         "the program xz is needed to unpack it: install the package xz-utils");
}

/* xz -dc with the open file as its input (so that no file name is ever taken for an option) and the pipe as
 * its output; what it says is told in our words instead. Returns an errno. */
static int spawn_xz(int in_fd, int out_fd, pid_t *pid)
{
    char program[] = "xz", flags[] = "-dcqq";
    char *argv[] = {program, flags, NULL};
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attr;
    sigset_t all;
    sigfillset(&all);
    int error = posix_spawn_file_actions_init(&actions);
    if (error != 0)
        return error;
    error = posix_spawnattr_init(&attr);
    if (error == 0) {
        /* A parent that ignores SIGPIPE must not give that to xz: it would not end when we stop reading. */
        error = posix_spawnattr_setsigdefault(&attr, &all);
        error = error != 0 ? error : posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGDEF);
        error = error != 0 ? error : posix_spawn_file_actions_adddup2(&actions, in_fd, STDIN_FILENO);
        error = error != 0 ? error : posix_spawn_file_actions_adddup2(&actions, out_fd, STDOUT_FILENO);
        error = error != 0 ? error : posix_spawnp(pid, program, &actions, &attr, argv, environ);
        (void)posix_spawnattr_destroy(&attr);
    }
    (void)posix_spawn_file_actions_destroy(&actions);
    return error;
}

static int wait_for(pid_t pid)
{
    int how = 0;
    while (waitpid(pid, &how, 0) < 0)
        if (errno != EINTR)
            return -1;
    return how;
}

/* What xz's end means; 127 is what a child says whose exec failed where the C library cannot tell the parent.
 */
static sotto_status judge_end(int how, const char *path, sotto_diag *diag)
{
    if (how == 0)
        return SOTTO_OK;
    if (how >= 0 && WIFEXITED(how) && WEXITSTATUS(how) == 127)
        return no_xz(path, diag);
    if (how >= 0 && WIFEXITED(how))
        return sotto_diag_at(diag, SOTTO_ERR(PORT, CORRUPT), path, 0, "xz cannot unpack it (exit code %d)",
                             WEXITSTATUS(how));
    return sotto_diag_at(diag, SOTTO_ERR(PORT, IO), path, 0, "xz was stopped by signal %d",
                         how >= 0 && WIFSIGNALED(how) ? WTERMSIG(how) : 0);
}

static sotto_status unpack(int in_fd, const char *path, sotto_vec *out, sotto_diag *diag)
{
    int ends[2];
    pid_t pid = -1;
    size_t len_before = out->len;
    if (pipe2(ends, O_CLOEXEC) != 0)
        return sotto_port_fail(diag, errno, path, "make a pipe for");
    int error = spawn_xz(in_fd, ends[1], &pid);
    (void)sotto_port_close_fd(ends[1]);
    sotto_status status = SOTTO_OK;
    if (error == ENOENT)
        status = no_xz(path, diag);
    else if (error != 0)
        status = sotto_port_fail(diag, error, path, "start xz for");
    else
        status = sotto_port_read_fd(ends[0], path, out, diag);
    (void)sotto_port_close_fd(ends[0]); /* xz gets SIGPIPE when we stopped before its end */
    int how = error == 0 ? wait_for(pid) : 0;
    if (status == SOTTO_OK)
        status = judge_end(how, path, diag);
    if (status != SOTTO_OK)
        out->len = len_before;
    return status;
}

static bool is_packed(const char *path)
{
    size_t len = strlen(path);
    return len > 3 && strcmp(path + len - 3, ".xz") == 0;
}

sotto_status sotto_port_read_data_file(const char *path, sotto_vec *out, sotto_diag *diag)
{
    if (!is_packed(path))
        return sotto_port_read_file(path, out, diag);
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (fd < 0)
        return sotto_port_fail(diag, errno, path, "open");
    sotto_status status = unpack(fd, path, out, diag);
    (void)sotto_port_close_fd(fd);
    return status;
}
