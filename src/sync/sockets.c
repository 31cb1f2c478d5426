/* Waiting on many sockets at once (epoll: the cost is that of the busy ones), accepting, half-closing. */
#include <errno.h>
#include <limits.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "tls_priv.h"

sotto_status sync_epoll_new(int *epoll)
{
    *epoll = epoll_create1(EPOLL_CLOEXEC);
    return *epoll >= 0 ? SOTTO_OK : SOTTO_ERR(SYNC, NO_MEMORY);
}

sotto_status sync_epoll_set(int epoll, int fd, void *ptr, unsigned before, unsigned mask)
{
    uint32_t events = ((mask & SYNC_READ) != 0 ? EPOLLIN : 0) | ((mask & SYNC_WRITE) != 0 ? EPOLLOUT : 0) |
                      ((mask & SYNC_SHARED) != 0 ? EPOLLEXCLUSIVE : 0);
    struct epoll_event event = {.events = events, .data.ptr = ptr};
    int how = before == 0 ? EPOLL_CTL_ADD : mask == 0 ? EPOLL_CTL_DEL : EPOLL_CTL_MOD;
    return epoll_ctl(epoll, how, fd, &event) == 0 ? SOTTO_OK : SOTTO_ERR(SYNC, IO);
}

sotto_status sync_epoll_wait(int epoll, void *ready[static SYNC_EPOLL_EVENTS], size_t *count, int64_t wait_ms)
{
    struct epoll_event events[SYNC_EPOLL_EVENTS];
    int timeout = wait_ms < 0 ? -1 : wait_ms > INT_MAX ? INT_MAX : (int)wait_ms;
    int n = epoll_wait(epoll, events, SYNC_EPOLL_EVENTS, timeout);
    *count = 0;
    if (n < 0 && errno != EINTR)
        return SOTTO_ERR(SYNC, IO);
    for (int i = 0; i < n; i++)
        ready[(*count)++] = events[i].data.ptr;
    return SOTTO_OK;
}

void sync_no_delay(int fd)
{
    int on = 1;
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

void sync_receive_little(int fd, uint32_t bytes)
{
    int size = bytes > INT_MAX / 2 ? INT_MAX / 2 : (int)bytes;
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
}

void sync_pause(int64_t ms)
{
    (void)poll(NULL, 0, ms > INT_MAX ? INT_MAX : (int)ms);
}

sotto_status sync_accept(int listener, int *fd)
{
    *fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (*fd < 0) {
        bool full = errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS;
        bool later = errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR || errno == ECONNABORTED;
        return full ? SOTTO_ERR(SYNC, FULL) : later ? SOTTO_ERR(SYNC, BUSY) : SOTTO_ERR(SYNC, IO);
    }
    return SOTTO_OK;
}

void sync_shutdown_write(int fd)
{
    (void)shutdown(fd, SHUT_WR);
}

bool sync_is_gone(int fd)
{
    struct pollfd peer = {.fd = fd, .events = POLLRDHUP};
    return poll(&peer, 1, 0) > 0 && (peer.revents & (POLLRDHUP | POLLHUP | POLLERR | POLLNVAL)) != 0;
}
