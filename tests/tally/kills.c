/*
 * kills N [SEED]: N kills (SIGKILL) of a process that counts, debits, seals and sends, at random moments.
 * Every ROUND_KILLS of them it is let run to the end of a day, and then everything must be as in a life
 * without a kill, lived by another process from the same events: every report there once, with the same
 * cells, in one chain; the same spent budget for each customer; nothing left to send. A report sent twice
 * must be the same bytes, also of the task with real noise. Head office is this program, at the other end of
 * two pipes. The witness is the terminal's own file.
 */
#include "kept_witness.h"

#include "sotto/port.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>

enum {
    ROUND_KILLS = 250,
    PER_DAY = 10,
    CUSTOMERS = 12,
    REPORTS_MAX = 40000,
    CELLS = 8,
    TASKS = 3,
    NOISY = 2, /* index of the task with real noise */
    OPENED = 0 /* a frame without bytes: the store is open */
};
#define NEXT "kills.next"

/* X(NAME, "where a kill met the process") */
#define PHASES(X)                                                                                            \
    X(OPEN, "opening")                                                                                       \
    X(NOTE, "counting")                                                                                      \
    X(CLOSE, "closing: debit, noise, seal, append")                                                          \
    X(SEND, "sending and acknowledging")
enum phase {
#define X(name, text) PHASE_##name,
    PHASES(X)
#undef X
        PHASE_COUNT
};

typedef struct received {
    uint8_t sha256[SOTTO_SHA256_BYTES], previous[SOTTO_SHA256_BYTES];
    uint32_t task_id;
    int32_t period_day;
    int64_t cells[CELLS];
} received;
typedef struct office {
    received report[REPORTS_MAX]; /* by number, from 1 */
    uint64_t reports, repeats;
} office;

static volatile enum phase *phase; /* shared with the child */
static sotto_task task[TASKS];
static sotto_tasks tasks;
static office *killed, *quiet;
static uint64_t randomness;

static uint32_t draw(uint32_t below)
{
    uint64_t value = 0;
    (void)seeded_fill(&randomness, &value, 4);
    return (uint32_t)value % below;
}

/* Budgets for about ten days: some customers are spent while it runs, and are counted as left out. */
static void make_tasks(void)
{
    const uint64_t epsilon = 4 * (uint64_t)NOISELESS_PER_EVENT_UEPS;
    for (size_t i = 0; i < TASKS; i++) {
        task[i] = task_of(i == NOISY ? 500000 : epsilon, 4, i == 1 ? 3 : 1);
        task[i].id = (uint32_t)(i + 1);
        task[i].quota_ueps = 30 * epsilon;
        task[i].has_left_out = true;
        task[i].table = table_at(1, CELLS - 1);
        task[i].cells = CELLS;
    }
    tasks = (sotto_tasks){.budget = {.lifetime_ueps = 40 * epsilon}, .task = task, .count = TASKS};
}

/* ---- the process that is killed ---- */

typedef struct life {
    struct world *w;
    int up, down;
    uint64_t noise;
} life;

static void leave(int code)
{
    _exit(code);
}

static void need(sotto_status status, int code)
{
    if (status != SOTTO_OK)
        leave(sotto_status_cause(status) == SOTTO_CAUSE_CONFLICT ? 90 : code);
}

static void put(int fd, const void *bytes, size_t len)
{
    const uint8_t *at = bytes;
    while (len > 0) {
        ssize_t n = write(fd, at, len);
        if (n <= 0)
            leave(10);
        at += n;
        len -= (size_t)n;
    }
}

static void send_all(life *l)
{
    for (;;) {
        sotto_outbox_entry entry;
        sotto_vec sealed;
        uint64_t ack = 0;
        sotto_vec_init(&sealed, SOTTO_REPORT_MAX);
        sotto_status status = sotto_store_outbox_next(l->w->store, &entry, &sealed, NULL);
        if (sotto_status_cause(status) == SOTTO_CAUSE_NOT_FOUND) {
            sotto_vec_free(&sealed);
            return;
        }
        need(status, 11);
        uint32_t len = (uint32_t)sealed.len;
        put(l->up, &len, sizeof len);
        put(l->up, sealed.ptr, sealed.len);
        if (read(l->down, &ack, sizeof ack) != sizeof ack || ack != entry.seq)
            leave(12);
        need(sotto_store_outbox_ack(l->w->store, entry.seq, entry.sha256, AT(DAY), NULL), 13);
        sotto_vec_free(&sealed);
    }
}

static void night(life *l, int64_t day)
{
    sotto_tally_result result;
    *phase = PHASE_CLOSE;
    need(close_tasks(l->w, &tasks, day, &l->noise, &result, NULL), 14);
    *phase = PHASE_SEND;
    send_all(l);
}

/* Event i is counted in each task, and the number of the next one set, in one transaction. */
static void one_event(life *l, int64_t i)
{
    uint64_t hash = (uint64_t)(i + 1) * UINT64_C(0x9E3779B97F4A7C15);
    const sotto_tally_cells event = {.cell = {1 + (uint32_t)((hash >> 40) % (CELLS - 1))}, .count = 1};
    bool counted;
    need(sotto_store_begin(l->w->store, NULL), 15);
    for (size_t t = 0; t < TASKS; t++)
        need(sotto_tally_note(l->w->store, &task[t], customer_of((uint32_t)((hash >> 20) % CUSTOMERS)).key,
                              &event, AT(DAY + i / PER_DAY), &counted, NULL),
             16);
    need(sotto_store_set_i64(l->w->store, NEXT, i + 1, NULL), 17);
    need(sotto_store_commit(l->w->store, NULL), 18);
}

static int64_t next_event(sotto_store *store)
{
    int64_t next = 0;
    sotto_status status = sotto_store_get_i64(store, NEXT, &next, NULL);
    return status == SOTTO_OK || sotto_status_cause(status) == SOTTO_CAUSE_NOT_FOUND ? next : -1;
}

/* Lives up to event `end`, where a day ends; INT64_MAX: until killed. */
static void live(life *l, int64_t end)
{
    const uint32_t opened = OPENED;
    need(world_try_open(l->w, NULL, NULL), 19);
    put(l->up, &opened, sizeof opened);
    for (int64_t i = next_event(l->w->store); i >= 0; i++) {
        if (i % PER_DAY == 0)
            night(l, DAY + i / PER_DAY);
        if (i >= end)
            leave(0);
        *phase = PHASE_NOTE;
        one_event(l, i);
    }
    leave(20);
}

/* ---- head office ---- */

static bool take(int fd, void *out, size_t len)
{
    uint8_t *at = out;
    while (len > 0) {
        ssize_t n = read(fd, at, len);
        if (n <= 0)
            return false; /* cut off: what came of it is no report */
        at += n;
        len -= (size_t)n;
    }
    return true;
}

static void keep(office *o, const struct world *w, sotto_span sealed, uint64_t *seq)
{
    sotto_arena arena;
    sotto_report report;
    static uint8_t memory[4096];
    received *r, fresh = {.task_id = 0};
    sotto_arena_init(&arena, memory, sizeof memory);
    assert_ok(sotto_report_open(&report, sealed, w->public_key, &arena, NULL));
    assert_ok(sotto_sha256(sealed, fresh.sha256));
    *seq = report.seq;
    assert_true(report.seq >= 1 && report.seq < REPORTS_MAX && report.cell_count == CELLS);
    r = &o->report[report.seq];
    if (report.seq <= o->reports) {
        o->repeats++;
        assert_memory_equal(r->sha256, fresh.sha256, sizeof r->sha256); /* one draw of noise, one report */
        return;
    }
    assert_int_equal(report.seq, o->reports + 1);
    memcpy(fresh.previous, report.previous, sizeof fresh.previous);
    memcpy(fresh.cells, report.cells, sizeof fresh.cells);
    fresh.task_id = report.task_id;
    fresh.period_day = report.period_day;
    *r = fresh;
    o->reports++;
}

/* One frame, and its acknowledgement. */
static bool serve(office *o, const struct world *w, int up, int down, bool *opened)
{
    static uint8_t bytes[SOTTO_REPORT_MAX];
    uint32_t len;
    uint64_t seq;
    if (!take(up, &len, sizeof len) || len > sizeof bytes || !take(up, bytes, len))
        return false;
    if (len == OPENED) {
        *opened = true;
        return true;
    }
    keep(o, w, sotto_span_of(bytes, len), &seq);
    return write(down, &seq, sizeof seq) == sizeof seq || errno == EPIPE;
}

static int64_t now_us(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static bool readable(int fd, int64_t until_us)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};
    int64_t left = until_us - now_us();
    struct timespec wait = {.tv_sec = 0, .tv_nsec = left > 0 ? (long)(left * 1000) : 0};
    return ppoll(&p, 1, &wait, NULL) > 0;
}

/* Serves until the moment comes: counted from the fork (one kill in four), or from the opened store. */
static void serve_until(office *o, const struct world *w, int up, int down, uint32_t delay_us, bool early)
{
    bool opened = early;
    while (!opened && serve(o, w, up, down, &opened))
        ;
    int64_t until_us = now_us() + delay_us;
    while (readable(up, until_us) && now_us() < until_us && serve(o, w, up, down, &opened))
        ;
}

/* One life: killed at a random moment (end INT64_MAX), or to its end. */
static void one_life(office *o, struct world *w, int64_t end)
{
    int up[2], down[2], how = 0;
    bool opened;
    assert_true(pipe(up) == 0 && pipe(down) == 0);
    uint64_t noise = randomness | 1;
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        close(up[0]);
        close(down[1]);
        life l = {.w = w, .up = up[1], .down = down[0], .noise = noise};
        *phase = PHASE_OPEN;
        live(&l, end);
    }
    close(up[1]);
    close(down[0]);
    if (end == INT64_MAX) {
        bool early = draw(4) == 0;
        serve_until(o, w, up[0], down[1], draw(12000), early);
        assert_int_equal(kill(child, SIGKILL), 0);
    }
    while (serve(o, w, up[0], down[1], &opened))
        ;
    close(up[0]);
    close(down[1]);
    assert_int_equal(waitpid(child, &how, 0), child);
    if (end != INT64_MAX || !WIFSIGNALED(how))
        assert_int_equal(WIFEXITED(how) ? WEXITSTATUS(how) : 99, 0);
}

/* ---- a round ---- */

typedef struct place {
    struct world w;
    struct kept_witness kept; /* the terminal's own file: docs/formats/witness.md */
} place;

static void place_open(place *p)
{
    p->w = world_make();
    sotto_store_close(p->w.store);
    p->w.store = NULL;
    p->kept = witness_keep(&p->w);
}

static void same_reports(const struct world *w)
{
    (void)w;
    assert_int_equal(killed->reports, quiet->reports);
    for (uint64_t i = 1; i <= killed->reports; i++) {
        const received *a = &killed->report[i], *b = &quiet->report[i];
        assert_true(a->task_id == b->task_id && a->period_day == b->period_day);
        if (a->task_id != NOISY + 1)
            assert_memory_equal(a->cells, b->cells, sizeof a->cells);
        if (i > 1)
            assert_memory_equal(a->previous, killed->report[i - 1].sha256, sizeof a->previous);
    }
}

static void same_ledgers(struct world *a, struct world *b)
{
    for (uint32_t n = 0; n < CUSTOMERS; n++)
        assert_int_equal(spent(a, n), spent(b, n));
    sotto_outbox_sum sum;
    assert_ok(sotto_store_outbox_sum(a->store, &sum, NULL));
    assert_true(sum.reports == killed->reports && sum.waiting == 0 && sum.set_aside == 0);
    assert_ok(sotto_tally_check(a->store, a->witness, NULL));
}

static void one_round(uint32_t kills, uint64_t met[static PHASE_COUNT], uint64_t sums[static 3])
{
    place a, b;
    memset(killed, 0, sizeof *killed);
    memset(quiet, 0, sizeof *quiet);
    place_open(&a);
    place_open(&b);
    for (uint32_t k = 0; k < kills; k++) {
        one_life(killed, &a.w, INT64_MAX);
        met[*phase]++;
    }
    world_open_store(&a.w);
    int64_t end = (next_event(a.w.store) / PER_DAY + 4) * PER_DAY; /* the longest period ends too */
    sotto_store_close(a.w.store);
    one_life(killed, &a.w, end);
    one_life(quiet, &b.w, end);
    world_open_store(&a.w);
    world_open_store(&b.w);
    same_reports(&a.w);
    same_ledgers(&a.w, &b.w);
    sums[0] += killed->reports;
    sums[1] += killed->repeats;
    sums[2] += (uint64_t)end;
    witness_forget(&a.kept);
    witness_forget(&b.kept);
    world_remove(&a.w);
    world_remove(&b.w);
}

static uint32_t wanted_kills = 100;

static void everything_is_exact(void **state)
{
    (void)state;
    static const char *const NAMES[] = {
#define X(name, text) text,
        PHASES(X)
#undef X
    };
    uint64_t met[PHASE_COUNT] = {0}, sums[3] = {0};
    for (uint32_t left = wanted_kills; left > 0;) {
        uint32_t now = left < ROUND_KILLS ? left : ROUND_KILLS;
        one_round(now, met, sums);
        left -= now;
        if (isatty(STDOUT_FILENO))
            printf("%u kills to come\n", left);
    }
    printf("%u kills; %llu events, %llu reports, %llu of them sent again as the same bytes\n", wanted_kills,
           (unsigned long long)sums[2], (unsigned long long)sums[0], (unsigned long long)sums[1]);
    for (size_t i = 0; i < PHASE_COUNT; i++)
        printf("  %6llu while %s\n", (unsigned long long)met[i], NAMES[i]);
}

static void *shared(size_t bytes)
{
    void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED)
        exit(6);
    return memory;
}

int main(int argc, char **argv)
{
    static const struct CMUnitTest TEST[] = {cmocka_unit_test(everything_is_exact)};
    if (argc > 1)
        wanted_kills = (uint32_t)strtoul(argv[1], NULL, 10);
    randomness = argc > 2 ? strtoull(argv[2], NULL, 10) : (uint64_t)time(NULL);
    randomness = randomness * 2 + 1;
    (void)signal(SIGPIPE, SIG_IGN);
    phase = shared(sizeof *phase);
    killed = shared(sizeof *killed);
    quiet = shared(sizeof *quiet);
    make_tasks();
    return cmocka_run_group_tests(TEST, NULL, NULL);
}
