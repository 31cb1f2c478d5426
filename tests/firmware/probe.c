/*
 * probe: what tests/firmware/boot.sh runs inside the emulated terminal.
 *
 *   probe write FILE         appends numbered records, each made durable before it is announced, for ever
 *   probe verify FILE        prints how many records stand in FILE, whole and in order
 *   probe talk ADDRESS PORT  sends a line, ends its side, prints what comes back until the other side ends
 *   probe --config F serve   a socket at /run/sotto/api/probe until SIGTERM: stands in for `sotto serve`
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

enum { RECORD_WORDS = 125 };

typedef struct {
    uint32_t number;
    uint32_t filler[RECORD_WORDS];
    uint32_t check;
} record;

static int fail(const char *what)
{
    fprintf(stderr, "probe: %s: %s\n", what, strerror(errno));
    return 1;
}

static void record_make(record *r, uint32_t number)
{
    r->number = number;
    r->check = number;
    for (uint32_t i = 0; i < RECORD_WORDS; i++) {
        r->filler[i] = number * 2654435761U + i;
        r->check = r->check * 31U + r->filler[i];
    }
}

static int write_for_ever(const char *path)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_APPEND, 0600);
    if (fd < 0)
        return fail(path);
    for (uint32_t number = 1;; number++) {
        record r;
        record_make(&r, number);
        if (write(fd, &r, sizeof r) != (ssize_t)sizeof r || fsync(fd) != 0)
            return fail(path);
        printf("durable %u\n", number);
        fflush(stdout);
    }
}

static int verify(const char *path)
{
    FILE *file = fopen(path, "rb");
    if (!file)
        return fail(path);
    uint32_t count = 0;
    record got, want;
    while (fread(&got, sizeof got, 1, file) == 1) {
        record_make(&want, count + 1);
        if (memcmp(&got, &want, sizeof got) != 0)
            break;
        count++;
    }
    fclose(file);
    printf("records %u\n", count);
    return 0;
}

static int talk_on(int fd)
{
    static const char line[] = "a line from the terminal\n";
    if (write(fd, line, sizeof line - 1) != (ssize_t)sizeof line - 1 || shutdown(fd, SHUT_WR) != 0)
        return fail("send");
    char buffer[512];
    ssize_t got;
    size_t total = 0;
    while ((got = read(fd, buffer, sizeof buffer)) > 0) {
        fwrite(buffer, 1, (size_t)got, stdout);
        total += (size_t)got;
    }
    if (got < 0 || total == 0)
        return fail("receive");
    return 0;
}

static int talk(const char *address, const char *port)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(port))};
    struct timeval patience = {.tv_sec = 3};
    if (inet_pton(AF_INET, address, &to.sin_addr) != 1)
        return fail(address);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (fd < 0)
        return fail("socket");
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    int status = connect(fd, (struct sockaddr *)&to, sizeof to) == 0 ? talk_on(fd) : fail("connect");
    close(fd);
    return status;
}

static int serve(void)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX, .sun_path = "/run/sotto/api/probe"};
    sigset_t wanted;
    sigemptyset(&wanted);
    sigaddset(&wanted, SIGTERM);
    sigprocmask(SIG_BLOCK, &wanted, NULL);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&at, sizeof at) != 0 || listen(fd, 1) != 0)
        return fail(at.sun_path);
    int got = 0;
    sigwait(&wanted, &got);
    unlink(at.sun_path);
    return 7;
}

int main(int argc, char **argv)
{
    if (argc == 3 && strcmp(argv[1], "write") == 0)
        return write_for_ever(argv[2]);
    if (argc == 3 && strcmp(argv[1], "verify") == 0)
        return verify(argv[2]);
    if (argc == 4 && strcmp(argv[1], "talk") == 0)
        return talk(argv[2], argv[3]);
    if (argc == 4 && strcmp(argv[1], "--config") == 0 && strcmp(argv[3], "serve") == 0)
        return serve();
    fprintf(stderr, "usage: probe write FILE | verify FILE | talk ADDRESS PORT | --config FILE serve\n");
    return 2;
}
