#include "port_priv.h"

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

sotto_status sotto_port_wait(int fd, bool want_write, int64_t deadline_ms)
{
    struct pollfd one = {.fd = fd, .events = want_write ? POLLOUT : POLLIN};
    for (;;) {
        int64_t now_ms = sotto_port_mono_ms();
        int64_t left_ms = deadline_ms > now_ms ? deadline_ms - now_ms : 0;
        int ready = poll(&one, 1, left_ms > INT_MAX ? INT_MAX : (int)left_ms);
        if (ready > 0)
            /* Errors and hang-ups count as ready: the next recv or send says which it is. */
            return (one.revents & POLLNVAL) != 0 ? SOTTO_ERR(PORT, IO) : SOTTO_OK;
        if (ready < 0 && errno != EINTR)
            return SOTTO_ERR(PORT, IO);
        if (ready == 0 && left_ms <= INT_MAX)
            return SOTTO_ERR(PORT, TIMEOUT);
    }
}

/* What a failed or blocked transfer means. EWOULDBLOCK is EAGAIN on Linux. */
static sotto_status transfer_status(int error)
{
    return error == EAGAIN ? SOTTO_ERR(PORT, BUSY) : SOTTO_ERR(PORT, NETWORK);
}

sotto_status sotto_port_recv(int fd, void *buf, size_t cap, size_t *n)
{
    assert(cap > 0); /* 0 bytes would look like the end of the stream */
    ssize_t got = 0;
    *n = 0;
    do
        got = recv(fd, buf, cap, 0);
    while (got < 0 && errno == EINTR);
    if (got < 0)
        return transfer_status(errno);
    *n = (size_t)got;
    return SOTTO_OK;
}

sotto_status sotto_port_send(int fd, const void *buf, size_t len, size_t *n)
{
    ssize_t done = 0;
    *n = 0;
    do
        done = send(fd, buf, len, MSG_NOSIGNAL); /* a peer that went away is an error, not a signal */
    while (done < 0 && errno == EINTR);
    if (done < 0)
        return transfer_status(errno);
    *n = (size_t)done;
    return SOTTO_OK;
}

sotto_status sotto_port_local_port(int fd, uint16_t *port)
{
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
        struct sockaddr_storage room;
    } address = {0};
    socklen_t len = sizeof address;
    if (getsockname(fd, &address.any, &len) != 0)
        return SOTTO_ERR(PORT, IO);
    if (address.any.sa_family == AF_INET)
        *port = ntohs(address.v4.sin_port);
    else if (address.any.sa_family == AF_INET6)
        *port = ntohs(address.v6.sin6_port);
    else
        return SOTTO_ERR(PORT, USAGE);
    return SOTTO_OK;
}

void sotto_port_close(int *fd)
{
    (void)sotto_port_close_fd(*fd);
    *fd = -1;
}
