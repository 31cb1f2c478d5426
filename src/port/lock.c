#include "port_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <unistd.h>

/* Who holds the lock is written into the file: "in use by process 812" helps a field operator more than
 * "busy". The number is for reading only; the lock itself is the kernel's and ends with the process. */
static long read_holder(int fd)
{
    char text[24] = {0};
    if (pread(fd, text, sizeof text - 1, 0) <= 0)
        return 0;
    return strtol(text, NULL, 10);
}

/* A lock without the number is still a lock. */
static void write_holder(int fd)
{
    char text[24];
    int len = snprintf(text, sizeof text, "%ld\n", (long)getpid());
    if (len > 0 && ftruncate(fd, 0) == 0)
        (void)!pwrite(fd, text, (size_t)len, 0);
}

static sotto_status refuse(int fd, const char *path, sotto_diag *diag)
{
    if (errno != EWOULDBLOCK)
        return sotto_port_fail(diag, errno, path, "lock");
    long pid = read_holder(fd);
    if (pid > 0)
        return sotto_diag_at(diag, SOTTO_ERR(PORT, BUSY), path, 0, "in use by process %ld", pid);
    return sotto_diag_at(diag, SOTTO_ERR(PORT, BUSY), path, 0, "in use by another process");
}

sotto_status sotto_port_lock_take(sotto_port_lock *lock, const char *path, sotto_diag *diag)
{
    lock->fd = -1;
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY, 0600);
    if (fd < 0)
        return sotto_port_fail(diag, errno, path, "open the lock");
    if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        sotto_status status = refuse(fd, path, diag);
        (void)sotto_port_close_fd(fd);
        return status;
    }
    write_holder(fd);
    lock->fd = fd;
    return SOTTO_OK;
}

void sotto_port_lock_drop(sotto_port_lock *lock)
{
    (void)sotto_port_close_fd(lock->fd);
    lock->fd = -1;
}
