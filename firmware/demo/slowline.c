/*
 * A slow line: relays TCP connections, and while a file exists holds back what comes down for a while, as a
 * line over a bad modem does.
 *
 *   slowline LISTEN_PORT TARGET_PORT SLOW_FILE DELAY_MS
 *
 * Loopback only. The demo cuts the terminal's power while an acknowledgement is still on its way; this is the
 * way it is still on.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static struct sockaddr_in loopback(long port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
}

static bool pass(int from, int to)
{
    char bytes[16384];
    ssize_t got = read(from, bytes, sizeof bytes);
    for (ssize_t at = 0; at < got;) {
        ssize_t put = write(to, bytes + at, (size_t)(got - at));
        if (put <= 0)
            return false;
        at += put;
    }
    return got > 0;
}

static void hold(const char *slow_file, long delay_ms)
{
    const struct timespec delay = {.tv_sec = delay_ms / 1000, .tv_nsec = delay_ms % 1000 * 1000000};
    if (access(slow_file, F_OK) == 0)
        nanosleep(&delay, NULL);
}

static void relay(int up, int down, const char *slow_file, long delay_ms)
{
    struct pollfd fds[2] = {{.fd = up, .events = POLLIN}, {.fd = down, .events = POLLIN}};
    for (;;) {
        if (poll(fds, 2, -1) < 0 && errno != EINTR)
            return;
        if (fds[0].revents != 0 && !pass(up, down))
            return;
        if (fds[1].revents == 0)
            continue;
        hold(slow_file, delay_ms);
        if (!pass(down, up))
            return;
    }
}

static int serve_one(int client, long target, const char *slow_file, long delay_ms)
{
    struct sockaddr_in address = loopback(target);
    int server = socket(AF_INET, SOCK_STREAM, 0);
    if (server < 0 || connect(server, (struct sockaddr *)&address, sizeof address) != 0)
        return 1;
    relay(client, server, slow_file, delay_ms);
    return 0;
}

int main(int argc, char **argv)
{
    if (argc != 5) {
        fprintf(stderr, "usage: slowline LISTEN_PORT TARGET_PORT SLOW_FILE DELAY_MS\n");
        return 2;
    }
    int yes = 1, door = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in address = loopback(strtol(argv[1], NULL, 10));
    setsockopt(door, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    if (door < 0 || bind(door, (struct sockaddr *)&address, sizeof address) != 0 || listen(door, 16) != 0) {
        perror("slowline");
        return 1;
    }
    signal(SIGCHLD, SIG_IGN);
    signal(SIGPIPE, SIG_IGN);
    for (;;) {
        int client = accept(door, NULL, NULL);
        if (client < 0)
            continue;
        if (fork() == 0)
            _exit(serve_one(client, strtol(argv[2], NULL, 10), argv[3], strtol(argv[4], NULL, 10)));
        close(client);
    }
}
