/*
 * The night while its witness cannot be written: each call of each write fails, once or from then on, is torn
 * in the middle, or is where the process ends; and the file itself is cut at every byte, changed at every
 * byte, or gone. In the end there is one report for the period, one debit each, and the report that was
 * sealed first is the one that leaves; where the witness is damaged, nothing leaves until an operator
 * decides, and then everybody is charged: never a free look, a second draw, or a lost report.
 */
#include "kept_witness.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>

/* X(NAME) - what happens at the n-th call that a witness's write makes. CUT: the process is gone. */
#define FAULTS(X)                                                                                            \
    X(FAIL_ONCE)                                                                                             \
    X(FAIL_FROM)                                                                                             \
    X(TORN_FAIL)                                                                                             \
    X(CUT_BEFORE)                                                                                            \
    X(CUT_TORN)                                                                                              \
    X(CUT_AFTER)
enum fault {
#define X(name) name,
    FAULTS(X)
#undef X
        FAULT_COUNT
};
enum { CUSTOMERS = 6, WITNESS_BYTES = 512 };

static struct world w;
static struct kept_witness kept;
static sotto_task task;
static struct opened opened;
static struct shared { /* with the child */
    bool fired, sealed;
    int status;
} * shared;
static uint8_t store_file[1 << 20], witness_file[WITNESS_BYTES];
static size_t store_len, witness_len;

/* ---- the calls ---- */

static struct {
    bool on; /* within a save of the witness */
    enum fault fault;
    unsigned at, calls;
} armed;

ssize_t __real_write(int fd, const void *bytes, size_t len);
int __real_fsync(int fd);
int __real_fchmod(int fd, mode_t mode);
int __real_renameat2(int from_fd, const char *from, int to_fd, const char *to, unsigned flags);
ssize_t __wrap_write(int fd, const void *bytes, size_t len);
int __wrap_fsync(int fd);
int __wrap_fchmod(int fd, mode_t mode);
int __wrap_renameat2(int from_fd, const char *from, int to_fd, const char *to, unsigned flags);

/* Whether this call is to fail. What is cut does not come back. */
static bool met(void)
{
    if (!armed.on)
        return false;
    armed.calls++;
    bool from_then = armed.fault == FAIL_FROM && armed.calls > armed.at;
    if (armed.calls != armed.at && !from_then)
        return false;
    shared->fired = true;
    if (armed.fault == CUT_BEFORE)
        _exit(0);
    return armed.fault != CUT_AFTER;
}

static void after(void)
{
    if (armed.on && armed.calls == armed.at && armed.fault == CUT_AFTER)
        _exit(0);
}

ssize_t __wrap_write(int fd, const void *bytes, size_t len)
{
    if (met()) {
        if (armed.fault == CUT_TORN || armed.fault == TORN_FAIL)
            (void)!__real_write(fd, bytes, len / 2);
        if (armed.fault == CUT_TORN)
            _exit(0);
        errno = EIO;
        return -1;
    }
    ssize_t done = __real_write(fd, bytes, len);
    after();
    return done;
}

#define WRAPPED(call)                                                                                        \
    do {                                                                                                     \
        if (met()) {                                                                                         \
            if (armed.fault == CUT_TORN)                                                                     \
                _exit(0);                                                                                    \
            errno = EIO;                                                                                     \
            return -1;                                                                                       \
        }                                                                                                    \
        int done = (call);                                                                                   \
        after();                                                                                             \
        return done;                                                                                         \
    } while (0)

int __wrap_fsync(int fd)
{
    WRAPPED(__real_fsync(fd));
}

int __wrap_fchmod(int fd, mode_t mode)
{
    WRAPPED(__real_fchmod(fd, mode));
}

int __wrap_renameat2(int from_fd, const char *from, int to_fd, const char *to, unsigned flags)
{
    WRAPPED(__real_renameat2(from_fd, from, to_fd, to, flags));
}

/* The terminal's own witness; calls count only while it is written. */
static sotto_status load_kept(void *ctx, sotto_tally_mark *out, sotto_diag *diag)
{
    const sotto_tally_witness *real = &kept.engine->witness;
    (void)ctx;
    return real->load(real->ctx, out, diag);
}

static sotto_status save_kept(void *ctx, const sotto_tally_mark *mark, sotto_diag *diag)
{
    const sotto_tally_witness *real = &kept.engine->witness;
    (void)ctx;
    armed.on = armed.at > 0;
    sotto_status status = real->save(real->ctx, mark, diag);
    armed.on = false;
    return status;
}

static const sotto_tally_witness WITNESS = {.load = load_kept, .save = save_kept};

/* ---- what is there before the night: one report, a witness of it, and another day's contributions ---- */

static size_t read_whole(const char *path, uint8_t *out, size_t cap)
{
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    size_t len = fread(out, 1, cap, file);
    fclose(file);
    return len;
}

static void write_whole(const char *path, const uint8_t *bytes, size_t len)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(__real_write(fd, bytes, len), len);
    close(fd);
}

static int set_up(void **state)
{
    (void)state;
    sotto_tally_result result;
    uint64_t seed = 1;
    shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_true(shared != MAP_FAILED);
    w = world_make();
    kept = witness_keep(&w);
    w.witness = &WITNESS;
    task = task_of(1000000, 4, 1);
    assert_ok(close_at(&w, &task, DAY, &seed, &result, NULL));
    assert_true(note(&w, &task, 0, 0, DAY));
    assert_ok(close_at(&w, &task, DAY + 1, &seed, &result, NULL));
    assert_int_equal(result.reports, 1);
    for (uint32_t n = 0; n < CUSTOMERS; n++)
        assert_true(note(&w, &task, n, n, DAY + 1));
    sotto_store_close(w.store);
    w.store = NULL;
    store_len = read_whole(w.path, store_file, sizeof store_file);
    witness_len = read_whole(kept.path, witness_file, sizeof witness_file);
    assert_in_range(witness_len, 100, WITNESS_BYTES - 1);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    witness_forget(&kept);
    world_remove(&w);
    return munmap(shared, sizeof *shared);
}

static void begin_again(void)
{
    static const char *const SUFFIXES[] = {"-wal", "-shm", "-journal"};
    char path[128];
    for (size_t i = 0; i < SOTTO_COUNT(SUFFIXES); i++) {
        (void)snprintf(path, sizeof path, "%s%s", w.path, SUFFIXES[i]);
        (void)unlink(path);
    }
    write_whole(w.path, store_file, store_len);
    write_whole(kept.path, witness_file, witness_len);
    *shared = (struct shared){.fired = false};
}

/* ---- one night with a fault, in a process of its own; then one without ---- */

static void faulty_night(enum fault fault, unsigned at)
{
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        uint64_t seed = 5;
        sotto_tally_result result;
        armed.fault = fault;
        armed.at = at;
        if (world_try_open(&w, NULL, NULL) != SOTTO_OK)
            _exit(3);
        shared->status = close_at(&w, &task, DAY + 2, &seed, &result, NULL);
        shared->sealed = result.reports == 1;
        _exit(0);
    }
    int how = 0;
    assert_int_equal(waitpid(child, &how, 0), child);
    assert_true(WIFEXITED(how) && WEXITSTATUS(how) == 0);
}

static uint64_t reports(uint8_t hash[static SOTTO_SHA256_BYTES])
{
    uint64_t next;
    assert_ok(sotto_store_outbox_head(w.store, &next, hash, NULL));
    return next - 1;
}

static void one_period_one_report(void)
{
    uint8_t before[SOTTO_SHA256_BYTES], after_it[SOTTO_SHA256_BYTES];
    uint64_t seed = 999;
    sotto_tally_result result;
    world_open_store(&w);
    bool closed = reports(before) == 2;
    assert_true(closed || reports(before) == 1);
    assert_true(closed || !shared->sealed);
    assert_ok(sotto_tally_check(w.store, w.witness, NULL));
    assert_ok(close_at(&w, &task, DAY + 2, &seed, &result, NULL));
    assert_int_equal(result.reports, closed ? 0 : 1);
    assert_int_equal(reports(after_it), 2);
    if (closed)
        assert_memory_equal(before, after_it, sizeof before);
    for (uint32_t n = 0; n < CUSTOMERS; n++)
        assert_int_equal(spent(&w, n), 250000 * (n == 0 ? 2 : 1));
    assert_ok(sotto_tally_check(w.store, w.witness, NULL));
    for (int i = 0; i < 2; i++)
        assert_true(take_report(&w, &opened) && opened.report.period_day == DAY + i);
    assert_false(take_report(&w, &opened));
    sotto_store_close(w.store);
    w.store = NULL;
}

static void every_call(void **state)
{
    (void)state;
    for (enum fault fault = 0; fault < FAULT_COUNT; fault++) {
        unsigned at = 1;
        for (;; at++) {
            begin_again();
            faulty_night(fault, at);
            one_period_one_report();
            if (!shared->fired)
                break;
        }
        assert_true(at > 8); /* two writes, at least four calls each */
    }
}

/* ---- a witness that is no longer what was written ---- */

static void nothing_leaves(void)
{
    uint8_t hash[SOTTO_SHA256_BYTES];
    uint64_t seed = 7;
    sotto_tally_result result;
    assert_cause(close_at(&w, &task, DAY + 2, &seed, &result, NULL), CONFLICT);
    assert_true(result.reports == 0 && reports(hash) == 1);
    for (uint32_t n = 0; n < CUSTOMERS; n++)
        assert_int_equal(spent(&w, n), n == 0 ? 250000 : 0);
}

static void damaged(size_t len)
{
    write_whole(kept.path, witness_file, len);
    nothing_leaves();
}

static void every_byte(void **state)
{
    (void)state;
    const size_t step = getenv("SOTTO_EMULATED") != NULL ? 17 : 1;
    begin_again();
    world_open_store(&w);
    for (size_t len = 0; len < witness_len; len += step)
        damaged(len);
    for (size_t i = 0; i < witness_len; i += step) {
        witness_file[i] ^= 1;
        damaged(witness_len);
        witness_file[i] ^= 1;
    }
    (void)unlink(kept.path);
    nothing_leaves();
    write_whole(kept.path, witness_file, witness_len); /* as it was: the night is as if nothing had been */
    sotto_store_close(w.store);
    w.store = NULL;
    one_period_one_report();
}

/* An operator decides: the period is dropped uncounted, everybody is charged for it, what waited still
 * leaves. */
static void gone_and_accepted(void **state)
{
    (void)state;
    uint8_t hash[SOTTO_SHA256_BYTES];
    uint64_t seed = 7;
    sotto_tally_result result;
    sotto_tally_accepted accepted;
    const sotto_tasks tasks = tasks_of(&task);
    begin_again();
    (void)unlink(kept.path);
    world_open_store(&w);
    nothing_leaves();
    assert_ok(sotto_tally_accept(w.store, w.witness, &tasks, AT(DAY + 2), &accepted, NULL));
    assert_true(accepted.periods == 1 && accepted.charged_ueps == 1000000);
    assert_ok(close_at(&w, &task, DAY + 2, &seed, &result, NULL));
    assert_int_equal(result.reports, 0);
    assert_true(take_report(&w, &opened) && opened.report.period_day == DAY);
    assert_false(take_report(&w, &opened));
    assert_ok(close_at(&w, &task, DAY + 3, &seed, &result, NULL));
    assert_true(result.reports == 1 && reports(hash) == 2);
    assert_ok(sotto_tally_check(w.store, w.witness, NULL));
    sotto_store_close(w.store);
    w.store = NULL;
}

int main(void)
{
    static const struct CMUnitTest TESTS[] = {
        cmocka_unit_test(every_call),
        cmocka_unit_test(every_byte),
        cmocka_unit_test(gone_and_accepted),
    };
    return cmocka_run_group_tests(TESTS, set_up, tear_down);
}
