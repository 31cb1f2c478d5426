/*
 * A disk with a volatile write cache, and a power cut: what the emulated terminal of power-cuts.sh writes to.
 *
 *   cutdisk SOCKET IMAGE SEED CUT_AT PID_FILE
 *
 * Serves IMAGE to one QEMU over NBD. What is written waits in memory until the guest flushes; only a flush
 * brings it into IMAGE. Just before the step CUT_AT (writes and flushes are counted; 0: never) the process in
 * PID_FILE is killed, and of the writes still waiting each is kept, lost, or torn sector by sector, by the
 * seeded coin: a real drive's cache may write any of them, in any order. Says at the end what happened, in
 * one line.
 *
 * NBD protocol: https://github.com/NetworkBlockDevice/nbd/blob/master/doc/proto.md, fixed newstyle, simple
 * replies.
 */
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define SECTOR             512
#define REQUEST_MAX        (64u << 20)
#define MAGIC_INIT         UINT64_C(0x4e42444d41474943) /* "NBDMAGIC" */
#define MAGIC_OPTION       UINT64_C(0x49484156454f5054) /* "IHAVEOPT" */
#define MAGIC_OPTION_REPLY UINT64_C(0x0003e889045565a9)
#define MAGIC_REQUEST      0x25609513u
#define MAGIC_REPLY        0x67446698u
enum { OPT_ABORT = 2, OPT_GO = 7, REP_ACK = 1, REP_INFO = 3 };
#define REP_UNSUPPORTED 0x80000001u
enum { FLAG_HAS = 1, FLAG_SEND_FLUSH = 4 };
enum { CMD_READ = 0, CMD_WRITE = 1, CMD_DISC = 2, CMD_FLUSH = 3 };

typedef struct waiting {
    struct waiting *next;
    uint64_t at;
    uint32_t len;
    uint8_t data[];
} waiting;

typedef struct disk {
    int line;
    uint8_t *view;   /* what the guest reads: all that it wrote */
    uint8_t *stable; /* what outlives a cut: IMAGE */
    uint64_t size;
    waiting *first, **last;
    uint64_t coin, steps, flushes, cut_at, in_cache, lost, torn;
    const char *pid_file;
} disk;

/* xorshift64* (Vigna 2016): the same cuts from the same seed and the same writes. */
static uint32_t toss(disk *d)
{
    d->coin ^= d->coin >> 12;
    d->coin ^= d->coin << 25;
    d->coin ^= d->coin >> 27;
    return (uint32_t)((d->coin * 0x2545F4914F6CDD1Dull) >> 32);
}

static bool get(int line, void *bytes, size_t len)
{
    for (uint8_t *at = bytes; len > 0;) {
        ssize_t got = read(line, at, len);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return false;
        at += got;
        len -= (size_t)got;
    }
    return true;
}

static bool put(int line, const void *bytes, size_t len)
{
    for (const uint8_t *at = bytes; len > 0;) {
        ssize_t gone = send(line, at, len, MSG_NOSIGNAL);
        if (gone < 0 && errno == EINTR)
            continue;
        if (gone <= 0)
            return false;
        at += gone;
        len -= (size_t)gone;
    }
    return true;
}

/* ---- the greeting ---- */

static bool answer_option(int line, uint32_t option, uint32_t type, const void *data, uint32_t len)
{
    uint64_t magic = htobe64(MAGIC_OPTION_REPLY);
    uint32_t rest[3] = {htobe32(option), htobe32(type), htobe32(len)};
    return put(line, &magic, sizeof magic) && put(line, rest, sizeof rest) && put(line, data, len);
}

static bool answer_go(disk *d)
{
    uint8_t info[12] = {0}; /* NBD_INFO_EXPORT: type 0, size, flags */
    uint64_t size = htobe64(d->size);
    memcpy(info + 2, &size, 8);
    info[11] = FLAG_HAS | FLAG_SEND_FLUSH;
    return answer_option(d->line, OPT_GO, REP_INFO, info, sizeof info) &&
           answer_option(d->line, OPT_GO, REP_ACK, "", 0);
}

static bool greet(disk *d)
{
    uint64_t hello[2] = {htobe64(MAGIC_INIT), htobe64(MAGIC_OPTION)};
    uint16_t flags = htobe16(3); /* fixed newstyle, no zeroes */
    uint32_t client, head[2];
    uint64_t magic;
    uint8_t text[4096];
    if (!put(d->line, hello, sizeof hello) || !put(d->line, &flags, sizeof flags) ||
        !get(d->line, &client, 4))
        return false;
    for (;;) {
        if (!get(d->line, &magic, 8) || be64toh(magic) != MAGIC_OPTION || !get(d->line, head, sizeof head))
            return false;
        uint32_t option = be32toh(head[0]), len = be32toh(head[1]);
        if (len > sizeof text || !get(d->line, text, len) || option == OPT_ABORT)
            return false;
        if (option == OPT_GO)
            return answer_go(d);
        if (!answer_option(d->line, option, REP_UNSUPPORTED, "", 0))
            return false;
    }
}

/* ---- the cache ---- */

static void settle(disk *d)
{
    while (d->first != NULL) {
        waiting *w = d->first;
        memcpy(d->stable + w->at, w->data, w->len);
        d->first = w->next;
        free(w);
    }
    d->last = &d->first;
}

static void tear(disk *d, const waiting *w)
{
    for (uint32_t at = 0; at < w->len; at += SECTOR) {
        uint32_t len = w->len - at < SECTOR ? w->len - at : SECTOR;
        if (toss(d) % 2 != 0)
            memcpy(d->stable + w->at + at, w->data + at, len);
    }
}

/* A third of the cuts lose all that waits; of the others each write's fate is its own. */
static void lose_power(disk *d)
{
    bool all = toss(d) % 3 == 0;
    for (waiting *w = d->first; w != NULL; w = w->next) {
        uint32_t fate = all ? 0 : toss(d) % 3;
        d->in_cache++;
        d->lost += fate == 0;
        d->torn += fate == 1;
        if (fate == 1)
            tear(d, w);
        else if (fate == 2)
            memcpy(d->stable + w->at, w->data, w->len);
    }
}

/* The guest must not live on without its disk: it could still talk to head office. */
static void kill_guest(const disk *d)
{
    long pid = 0;
    FILE *file = fopen(d->pid_file, "r");
    if (file == NULL || fscanf(file, "%ld", &pid) != 1 || pid == 0 || labs(pid) == 1 ||
        kill((pid_t)pid, SIGKILL) != 0)
        fprintf(stderr, "cutdisk: cannot kill the process in %s\n", d->pid_file);
    if (file != NULL)
        fclose(file);
}

static bool keep_write(disk *d, uint64_t at, uint32_t len)
{
    waiting *w = malloc(sizeof *w + len);
    if (w == NULL || !get(d->line, w->data, len)) {
        free(w);
        return false;
    }
    w->next = NULL;
    w->at = at;
    w->len = len;
    memcpy(d->view + at, w->data, len);
    *d->last = w;
    d->last = &w->next;
    return true;
}

/* ---- requests ---- */

typedef struct __attribute__((packed)) request {
    uint32_t magic;
    uint16_t flags, type;
    uint64_t handle, at;
    uint32_t len;
} request;

static bool reply(disk *d, uint64_t handle, const void *data, uint32_t len)
{
    uint32_t head[2] = {htobe32(MAGIC_REPLY), 0};
    return put(d->line, head, sizeof head) && put(d->line, &handle, sizeof handle) && put(d->line, data, len);
}

/* CUT: the step that was to come did not happen. END: the guest went away. */
typedef enum outcome { GOES_ON, END, CUT } outcome;

static outcome serve_one(disk *d)
{
    request r;
    if (!get(d->line, &r, sizeof r))
        return CUT; /* killed by somebody else: what waited is at risk all the same */
    uint16_t type = be16toh(r.type);
    uint64_t at = be64toh(r.at);
    uint32_t len = be32toh(r.len);
    if (be32toh(r.magic) != MAGIC_REQUEST || len > REQUEST_MAX || at > d->size || len > d->size - at ||
        type > CMD_FLUSH)
        return END;
    if (type == CMD_DISC)
        return END;
    if (type == CMD_READ)
        return reply(d, r.handle, d->view + at, len) ? GOES_ON : CUT;
    if (++d->steps == d->cut_at) {
        kill_guest(d);
        return CUT;
    }
    if (type == CMD_FLUSH) {
        d->flushes++;
        settle(d);
    } else if (!keep_write(d, at, len)) {
        return CUT;
    }
    return reply(d, r.handle, "", 0) ? GOES_ON : CUT;
}

static bool open_image(disk *d, const char *path)
{
    struct stat facts;
    int file = open(path, O_RDWR | O_CLOEXEC);
    if (file < 0 || fstat(file, &facts) != 0)
        return false;
    d->size = (uint64_t)facts.st_size;
    d->view = mmap(NULL, (size_t)d->size, PROT_READ | PROT_WRITE, MAP_PRIVATE, file, 0);
    d->stable = mmap(NULL, (size_t)d->size, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    close(file);
    return d->view != MAP_FAILED && d->stable != MAP_FAILED;
}

static int open_line(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int door = socket(AF_UNIX, SOCK_STREAM, 0);
    if (door < 0 || strlen(path) >= sizeof address.sun_path)
        return -1;
    memcpy(address.sun_path, path, strlen(path));
    unlink(path);
    if (bind(door, (struct sockaddr *)&address, sizeof address) != 0 || listen(door, 1) != 0)
        return -1;
    int line = accept(door, NULL, NULL);
    close(door);
    return line;
}

int main(int argc, char **argv)
{
    if (argc != 6) {
        fprintf(stderr, "usage: cutdisk SOCKET IMAGE SEED CUT_AT PID_FILE\n");
        return 2;
    }
    disk d = {.coin = strtoull(argv[3], NULL, 10) * 0x9E3779B97F4A7C15ull | 1,
              .cut_at = strtoull(argv[4], NULL, 10)};
    d.pid_file = argv[5];
    d.last = &d.first;
    if (!open_image(&d, argv[2]) || (d.line = open_line(argv[1])) < 0 || !greet(&d)) {
        fprintf(stderr, "cutdisk: %s or %s does not serve: %s\n", argv[2], argv[1], strerror(errno));
        return 1;
    }
    outcome last;
    while ((last = serve_one(&d)) == GOES_ON)
        continue;
    if (last == CUT)
        lose_power(&d);
    else
        settle(&d);
    printf("%s steps %llu flushes %llu cached %llu lost %llu torn %llu\n", last == CUT ? "cut" : "whole",
           (unsigned long long)d.steps, (unsigned long long)d.flushes, (unsigned long long)d.in_cache,
           (unsigned long long)d.lost, (unsigned long long)d.torn);
    return 0;
}
