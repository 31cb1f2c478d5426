/* Waiting on many sockets at once, accepting, half-closing. */
#include <errno.h>
#include <limits.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "tls_priv.h"

sotto_status sync_poll_wait(sync_poll *list, size_t count, int64_t wait_ms)
{
    struct pollfd fds[512];
    if (count > SOTTO_COUNT(fds))
        return SOTTO_ERR(SYNC, RANGE);
    for (size_t i = 0; i < count; i++) {
        int events = (list[i].read ? POLLIN : 0) | (list[i].write ? POLLOUT : 0);
        fds[i] = (struct pollfd){.fd = list[i].fd, .events = (short)events};
    }
    int timeout = wait_ms < 0 ? -1 : wait_ms > INT_MAX ? INT_MAX : (int)wait_ms;
    int n = poll(fds, (nfds_t)count, timeout);
    if (n < 0 && errno != EINTR)
        return SOTTO_ERR(SYNC, IO);
    for (size_t i = 0; i < count; i++) {
        int got = n > 0 ? fds[i].revents : 0;
        list[i].readable = (got & (POLLIN | POLLOUT | POLLHUP | POLLERR)) != 0;
        list[i].ended = (got & (POLLERR | POLLNVAL)) != 0;
    }
    return SOTTO_OK;
}

void sync_no_delay(int fd)
{
    int on = 1;
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

sotto_status sync_accept(int listener, int *fd)
{
    *fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (*fd < 0) {
        /* Out of descriptors is load, not the end: whoever waits stays in the backlog. */
        bool later = errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR || errno == ECONNABORTED ||
                     errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS;
        return later ? SOTTO_ERR(SYNC, BUSY) : SOTTO_ERR(SYNC, IO);
    }
    return SOTTO_OK;
}

void sync_shutdown_write(int fd)
{
    (void)shutdown(fd, SHUT_WR);
}
