/* A line between client and server that dies after so many bytes. */
#include "kit.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { SIDES = 2 };

static bool is_dead(const int64_t *left)
{
    return __atomic_load_n(&left[KIT_FROM_CLIENT], __ATOMIC_SEQ_CST) == 0 ||
           __atomic_load_n(&left[KIT_FROM_SERVER], __ATOMIC_SEQ_CST) == 0;
}

static bool send_all(int to, const uint8_t *bytes, size_t len)
{
    while (len > 0) {
        ssize_t n = send(to, bytes, len, MSG_NOSIGNAL);
        if (n <= 0)
            return false;
        bytes += n;
        len -= (size_t)n;
    }
    return true;
}

/* What is there, of what may still pass. False: that side has ended, or the line is dead now. */
static bool pass(int from, int to, int64_t *left)
{
    uint8_t bytes[16384];
    int64_t may = __atomic_load_n(left, __ATOMIC_SEQ_CST);
    ssize_t n = recv(from, bytes, may < (int64_t)sizeof bytes ? (size_t)may : sizeof bytes, 0);
    if (n <= 0 || !send_all(to, bytes, (size_t)n))
        return false;
    return __atomic_sub_fetch(left, n, __ATOMIC_SEQ_CST) > 0;
}

static void carry(int client, int server, int64_t *left)
{
    struct pollfd both[SIDES] = {{.fd = client, .events = POLLIN}, {.fd = server, .events = POLLIN}};
    bool alive = !is_dead(left);
    while (alive && poll(both, SIDES, -1) > 0)
        for (int side = 0; alive && side < SIDES; side++)
            if (both[side].revents != 0)
                alive = pass(both[side].fd, both[1 - side].fd, &left[side]);
}

static void no_delay(int fd)
{
    int one = 1;
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
}

static void serve(int listener, uint16_t to_port, int64_t *left)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(to_port)};
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    for (;;) {
        int client = accept(listener, NULL, NULL);
        int server = socket(AF_INET, SOCK_STREAM, 0);
        if (client < 0 || server < 0 || connect(server, (struct sockaddr *)&to, sizeof to) != 0)
            _exit(1);
        no_delay(client);
        no_delay(server);
        carry(client, server, left);
        (void)close(client);
        (void)close(server);
    }
}

void kit_line_start(kit_line *line, uint16_t to_port)
{
    int listener = -1;
    *line = (kit_line){0};
    line->left =
        mmap(NULL, SIDES * sizeof *line->left, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_ptr_not_equal(line->left, MAP_FAILED);
    kit_line_mend(line);
    kit_ok(sotto_port_listen_tcp("127.0.0.1", "0", &listener, NULL), NULL);
    kit_ok(sotto_port_local_port(listener, &line->port), NULL);
    line->pid = kit_fork();
    if (line->pid == 0) { /* waits, and does nothing else */
        int flags = 0;
        (void)ioctl(listener, FIONBIO, &flags);
        serve(listener, to_port, line->left);
    }
    sotto_port_close(&listener);
}

void kit_line_stop(kit_line *line)
{
    (void)kill(line->pid, SIGKILL);
    assert_int_equal(waitpid(line->pid, NULL, 0), line->pid);
    (void)munmap(line->left, SIDES * sizeof *line->left);
    *line = (kit_line){0};
}

void kit_line_mend(kit_line *line)
{
    for (int side = 0; side < SIDES; side++)
        __atomic_store_n(&line->left[side], INT64_MAX / 2, __ATOMIC_SEQ_CST);
}

void kit_line_cut_after(kit_line *line, enum kit_side side, int64_t bytes)
{
    __atomic_store_n(&line->left[side], bytes, __ATOMIC_SEQ_CST);
}

bool kit_line_is_dead(const kit_line *line)
{
    return is_dead(line->left);
}
