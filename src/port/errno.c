#include "port_priv.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

sotto_status sotto_port_errno_status(int error)
{
    switch (error) {
    case ENOENT:
    case ENOTDIR:
        return SOTTO_ERR(PORT, NOT_FOUND);
    case EEXIST:
        return SOTTO_ERR(PORT, EXISTS);
    case EACCES:
    case EPERM:
    case EROFS:
        return SOTTO_ERR(PORT, DENIED);
    case ENOSPC:
    case EDQUOT:
        return SOTTO_ERR(PORT, FULL);
    case ENOMEM:
        return SOTTO_ERR(PORT, NO_MEMORY);
    case ENAMETOOLONG:
        return SOTTO_ERR(PORT, RANGE);
    case ECONNREFUSED:
    case ECONNRESET:
    case ECONNABORTED:
    case EHOSTUNREACH:
    case ENETUNREACH:
    case ENETDOWN:
    case ENOTCONN:
    case EPIPE:
    case EADDRNOTAVAIL:
        return SOTTO_ERR(PORT, NETWORK);
    case EADDRINUSE:
        return SOTTO_ERR(PORT, BUSY);
    case ETIMEDOUT:
        return SOTTO_ERR(PORT, TIMEOUT);
    default:
        return SOTTO_ERR(PORT, IO);
    }
}

sotto_status sotto_port_fail(sotto_diag *diag, int error, const char *path, const char *what)
{
    return sotto_diag_at(diag, sotto_port_errno_status(error), path, 0, "cannot %s: %s", what,
                         strerror(error));
}

/* Some file systems (network and shared ones) know no fsync of a folder and say EINVAL; they keep names in
 * their own way, and refusing to write there would help nobody. */
int sotto_port_sync_folder(int fd)
{
    int done = fsync(fd);
    return done != 0 && errno == EINVAL ? 0 : done;
}

int sotto_port_close_fd(int fd)
{
    return fd < 0 ? 0 : close(fd);
}
