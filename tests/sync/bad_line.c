/*
 * A bad line between two networks: bad_line NEAR FAR LOSS% DELAY_MS SEED makes two tun devices and carries IP
 * packets between them, each lost with probability LOSS, and each delayed by a time of its own from 0 to
 * DELAY_MS, so that they overtake one another. SIGUSR1 cuts the line, SIGUSR2 mends it, SIGTERM ends it with
 * a line of figures. In user space, since kernels for small machines come without netem.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#define PACKETS    512 /* on the way at once; past that they are lost, as in any queue */
#define PACKET_MAX 2048

typedef struct packet {
    int to; /* 0 = no packet */
    int64_t due_ms;
    size_t len;
    uint8_t bytes[PACKET_MAX];
} packet;

static packet way[PACKETS];
static unsigned long carried, lost, overtaken, swallowed;
static volatile sig_atomic_t cut, ended;

static void on_signal(int number)
{
    if (number == SIGTERM)
        ended = 1;
    else
        cut = number == SIGUSR1;
}

static int64_t now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* xorshift64* (Vigna 2016): the same losses for the same seed, as far as the packets are the same. */
static uint64_t draw(uint64_t *state)
{
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    return (*state * UINT64_C(2685821657736338717)) >> 33;
}

static int open_tun(const char *name)
{
    struct ifreq request = {.ifr_flags = IFF_TUN | IFF_NO_PI};
    int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK);
    snprintf(request.ifr_name, sizeof request.ifr_name, "%s", name);
    if (fd < 0 || ioctl(fd, TUNSETIFF, &request) != 0) {
        perror("bad_line: tun");
        exit(77);
    }
    return fd;
}

static void take(int from, int to, unsigned loss, unsigned delay_ms, uint64_t *state)
{
    uint8_t bytes[PACKET_MAX];
    ssize_t len = read(from, bytes, sizeof bytes);
    if (len <= 0)
        return;
    if (cut) {
        swallowed++;
        return;
    }
    packet *free_one = NULL;
    for (size_t i = 0; i < PACKETS && free_one == NULL; i++)
        free_one = way[i].to == 0 ? &way[i] : NULL;
    if (draw(state) % 100 < loss || free_one == NULL) {
        lost++;
        return;
    }
    free_one->to = to;
    free_one->due_ms = now_ms() + (int64_t)(draw(state) % (delay_ms + 1));
    free_one->len = (size_t)len;
    memcpy(free_one->bytes, bytes, (size_t)len);
    for (size_t i = 0; i < PACKETS; i++)
        overtaken += way[i].to == to && way[i].due_ms > free_one->due_ms;
}

/* Gives out what is due, and says how long until the next one is. */
static int deliver(void)
{
    int64_t now = now_ms(), wait = 1000;
    for (size_t i = 0; i < PACKETS; i++) {
        if (way[i].to == 0)
            continue;
        if (way[i].due_ms > now) {
            wait = way[i].due_ms - now < wait ? way[i].due_ms - now : wait;
            continue;
        }
        if (cut)
            swallowed++;
        else if (write(way[i].to, way[i].bytes, way[i].len) == (ssize_t)way[i].len)
            carried++;
        way[i].to = 0;
    }
    return (int)wait;
}

int main(int argc, char **argv)
{
    if (argc != 6)
        return 2;
    unsigned loss = (unsigned)strtoul(argv[3], NULL, 10), delay_ms = (unsigned)strtoul(argv[4], NULL, 10);
    uint64_t state = strtoull(argv[5], NULL, 10) + 1;
    struct pollfd side[2] = {{.fd = open_tun(argv[1]), .events = POLLIN},
                             {.fd = open_tun(argv[2]), .events = POLLIN}};
    const struct sigaction action = {.sa_handler = on_signal};
    sigaction(SIGUSR1, &action, NULL);
    sigaction(SIGUSR2, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    puts("ready");
    (void)fflush(stdout);
    while (!ended) {
        int wait = deliver();
        if (poll(side, 2, wait) <= 0)
            continue;
        for (int i = 0; i < 2; i++)
            if ((side[i].revents & POLLIN) != 0)
                take(side[i].fd, side[1 - i].fd, loss, delay_ms, &state);
    }
    printf("%lu carried, %lu lost, %lu overtaken, %lu swallowed by the cut\n", carried, lost, overtaken,
           swallowed);
    return 0;
}
