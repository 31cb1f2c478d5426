#include "port_priv.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum { BACKLOG = 16, RETRY_MS = 5 };

typedef union unix_address {
    struct sockaddr any;
    struct sockaddr_un un;
} unix_address;

static sotto_status address_of(const char *path, unix_address *out, sotto_diag *diag)
{
    size_t len = strlen(path);
    *out = (unix_address){.un = {.sun_family = AF_UNIX}};
    if (len == 0 || len >= sizeof out->un.sun_path)
        return sotto_diag_at(diag, SOTTO_ERR(PORT, RANGE), path, 0, "a socket's path has 1 to %zu bytes",
                             sizeof out->un.sun_path - 1);
    memcpy(out->un.sun_path, path, len + 1);
    return SOTTO_OK;
}

static int open_socket(void)
{
    return socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
}

/* OK when path is free, or held a socket that nobody listens on any more (then it is removed). */
static sotto_status make_way(const char *path, const unix_address *address, sotto_diag *diag)
{
    struct stat info;
    if (lstat(path, &info) != 0)
        return errno == ENOENT ? SOTTO_OK : sotto_port_fail(diag, errno, path, "look at");
    if (!S_ISSOCK(info.st_mode))
        return sotto_diag_at(diag, SOTTO_ERR(PORT, EXISTS), path, 0, "is there and is not a socket");
    int fd = open_socket();
    if (fd < 0)
        return sotto_port_fail(diag, errno, path, "open a socket for");
    int error = connect(fd, &address->any, sizeof address->un) == 0 ? 0 : errno;
    (void)sotto_port_close_fd(fd);
    if (error == 0 || error == EAGAIN) /* EAGAIN: it listens and is busy */
        return sotto_diag_at(diag, SOTTO_ERR(PORT, BUSY), path, 0, "another process listens there");
    if (error != ECONNREFUSED)
        return sotto_port_fail(diag, error, path, "ask who listens at");
    return unlink(path) == 0 ? SOTTO_OK : sotto_port_fail(diag, errno, path, "remove the old socket");
}

/* Nobody can connect before listen(2), so the mode holds from the first connection on. */
static sotto_status bind_and_listen(int fd, const char *path, const unix_address *address, unsigned mode,
                                    sotto_diag *diag)
{
    if (bind(fd, &address->any, sizeof address->un) != 0)
        return sotto_port_fail(diag, errno, path, "make a socket at");
    if (chmod(path, (mode_t)mode) != 0)
        return sotto_port_fail(diag, errno, path, "set the mode of");
    return listen(fd, BACKLOG) == 0 ? SOTTO_OK : sotto_port_fail(diag, errno, path, "listen at");
}

sotto_status sotto_port_listen_unix(const char *path, unsigned mode, int *fd, sotto_diag *diag)
{
    unix_address address;
    *fd = -1;
    sotto_status status = address_of(path, &address, diag);
    if (status == SOTTO_OK)
        status = make_way(path, &address, diag);
    if (status != SOTTO_OK)
        return status;
    int made = open_socket();
    if (made < 0)
        return sotto_port_fail(diag, errno, path, "open a socket for");
    status = bind_and_listen(made, path, &address, mode, diag);
    if (status != SOTTO_OK) {
        (void)sotto_port_close_fd(made);
        return status;
    }
    *fd = made;
    return SOTTO_OK;
}

static void pause_ms(int64_t ms)
{
    struct timespec some = {.tv_sec = 0, .tv_nsec = (long)(ms * 1000000)};
    (void)nanosleep(&some, NULL);
}

/* A Unix stream socket connects at once or not at all; EAGAIN says that the listener's queue is full, and
 * nothing tells when it has room again (connect(2)). */
static int connect_patiently(int fd, const unix_address *address, int64_t deadline_ms)
{
    for (;;) {
        if (connect(fd, &address->any, sizeof address->un) == 0)
            return 0;
        if (errno != EAGAIN && errno != EINTR)
            return errno;
        if (sotto_port_mono_ms() >= deadline_ms)
            return ETIMEDOUT;
        pause_ms(RETRY_MS);
    }
}

sotto_status sotto_port_connect_unix(const char *path, int64_t deadline_ms, int *fd, sotto_diag *diag)
{
    unix_address address;
    *fd = -1;
    sotto_status status = address_of(path, &address, diag);
    if (status != SOTTO_OK)
        return status;
    int made = open_socket();
    if (made < 0)
        return sotto_port_fail(diag, errno, path, "open a socket for");
    int error = connect_patiently(made, &address, deadline_ms);
    if (error != 0) {
        (void)sotto_port_close_fd(made);
        return sotto_port_fail(diag, error, path, "connect");
    }
    *fd = made;
    return SOTTO_OK;
}

void sotto_port_tell_ready(void)
{
    static const char READY[] = "READY=1";
    const char *path = getenv("NOTIFY_SOCKET");
    unix_address address;
    if (path == NULL || address_of(path, &address, NULL) != SOTTO_OK)
        return;
    if (path[0] == '@') /* a name that is no file's: unix(7), "abstract" */
        address.un.sun_path[0] = '\0';
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return;
    socklen_t len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path));
    (void)sendto(fd, READY, sizeof READY - 1, MSG_NOSIGNAL, &address.any, len);
    (void)sotto_port_close_fd(fd);
}
