#include "port_priv.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { BACKLOG = 64, PLACE_BYTES = 128 };

static void place_of(const char *host, const char *port, char out[static PLACE_BYTES])
{
    bool v6 = strchr(host, ':') != NULL;
    (void)snprintf(out, PLACE_BYTES, v6 ? "[%s]:%s" : "%s:%s", host, port);
}

static sotto_status lookup_failed(int code, const char *place, sotto_diag *diag)
{
    if (code == EAI_SYSTEM)
        return sotto_port_fail(diag, errno, place, "look up");
    sotto_status status = code == EAI_MEMORY ? SOTTO_ERR(PORT, NO_MEMORY) : SOTTO_ERR(PORT, NETWORK);
    return sotto_diag_at(diag, status, place, 0, "cannot look up: %s", gai_strerror(code));
}

/* getaddrinfo tells a bad port and an unknown host by the same number, so the port is looked at first. */
static bool is_port(const char *text)
{
    unsigned value = 0;
    size_t i = 0;
    for (; text[i] >= '0' && text[i] <= '9' && value <= UINT16_MAX; i++)
        value = value * 10 + (unsigned)(text[i] - '0');
    return i > 0 && text[i] == '\0' && value <= UINT16_MAX;
}

/* An address in digits is taken as it is; only names go to the resolver, which may take its own time. */
static sotto_status look_up(const char *host, const char *port, int flags, struct addrinfo **list,
                            const char *place, sotto_diag *diag)
{
    struct addrinfo hints = {.ai_family = AF_UNSPEC,
                             .ai_socktype = SOCK_STREAM,
                             .ai_flags = flags | AI_NUMERICSERV | AI_NUMERICHOST};
    *list = NULL;
    if (!is_port(port))
        return sotto_diag_at(diag, SOTTO_ERR(PORT, USAGE), place, 0, "a port is a number from 0 to 65535");
    int code = getaddrinfo(host, port, &hints, list);
    if (code == EAI_NONAME) {
        hints.ai_flags &= ~AI_NUMERICHOST;
        code = getaddrinfo(host, port, &hints, list);
    }
    return code == 0 ? SOTTO_OK : lookup_failed(code, place, diag);
}

static int open_socket(const struct addrinfo *at)
{
    return socket(at->ai_family, at->ai_socktype | SOCK_NONBLOCK | SOCK_CLOEXEC, at->ai_protocol);
}

/* 0 and a listening socket, or an errno. */
static int listen_at(const struct addrinfo *at, int *fd)
{
    int yes = 1;
    int made = open_socket(at);
    if (made < 0)
        return errno;
    /* Without SO_REUSEADDR a restarted server waits for the old connections' TIME_WAIT to pass. */
    if (setsockopt(made, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes) == 0 &&
        bind(made, at->ai_addr, at->ai_addrlen) == 0 && listen(made, BACKLOG) == 0) {
        *fd = made;
        return 0;
    }
    int error = errno;
    (void)sotto_port_close_fd(made);
    return error;
}

sotto_status sotto_port_listen_tcp(const char *host, const char *port, int *fd, sotto_diag *diag)
{
    char place[PLACE_BYTES];
    struct addrinfo *list = NULL;
    *fd = -1;
    place_of(host, port, place);
    sotto_status status = look_up(host, port, AI_PASSIVE, &list, place, diag);
    if (status != SOTTO_OK)
        return status;
    int error = EADDRNOTAVAIL;
    for (const struct addrinfo *at = list; at != NULL && error != 0; at = at->ai_next)
        error = listen_at(at, fd);
    freeaddrinfo(list);
    return error == 0 ? SOTTO_OK : sotto_port_fail(diag, error, place, "listen at");
}

/* The result of a connection that was under way. */
static int connect_result(int fd)
{
    int error = 0;
    socklen_t len = sizeof error;
    return getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) == 0 ? error : errno;
}

static int finish_connect(int fd, int64_t deadline_ms)
{
    sotto_status status = sotto_port_wait(fd, true, deadline_ms);
    if (status != SOTTO_OK)
        return sotto_status_cause(status) == SOTTO_CAUSE_TIMEOUT ? ETIMEDOUT : EIO;
    return connect_result(fd);
}

/* 0 and a connected socket, or an errno. */
static int connect_to(const struct addrinfo *at, int64_t deadline_ms, int *fd)
{
    int yes = 1;
    int made = open_socket(at);
    if (made < 0)
        return errno;
    int error = connect(made, at->ai_addr, at->ai_addrlen) == 0 ? 0 : errno;
    if (error == EINPROGRESS || error == EINTR)
        error = finish_connect(made, deadline_ms);
    if (error != 0) {
        (void)sotto_port_close_fd(made);
        return error;
    }
    /* Requests and answers are written whole: waiting to fill a segment only adds delay. */
    (void)setsockopt(made, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    *fd = made;
    return 0;
}

/* Tries each address in the resolver's order; each gets an even share of what is left of the time, so that
 * one dead address does not use up all of it. */
static int connect_any(const struct addrinfo *list, int64_t deadline_ms, int *fd)
{
    int64_t count = 0;
    int error = EADDRNOTAVAIL;
    for (const struct addrinfo *at = list; at != NULL; at = at->ai_next)
        count++;
    for (const struct addrinfo *at = list; at != NULL && error != 0; at = at->ai_next, count--) {
        int64_t now_ms = sotto_port_mono_ms();
        if (now_ms >= deadline_ms)
            return ETIMEDOUT;
        error = connect_to(at, now_ms + (deadline_ms - now_ms) / count, fd);
    }
    return error;
}

sotto_status sotto_port_connect_tcp(const char *host, const char *port, int64_t deadline_ms, int *fd,
                                    sotto_diag *diag)
{
    char place[PLACE_BYTES];
    struct addrinfo *list = NULL;
    *fd = -1;
    place_of(host, port, place);
    sotto_status status = look_up(host, port, 0, &list, place, diag);
    if (status != SOTTO_OK)
        return status;
    int error = connect_any(list, deadline_ms, fd);
    freeaddrinfo(list);
    return error == 0 ? SOTTO_OK : sotto_port_fail(diag, error, place, "connect");
}
