/* The registry: what is no registry, what older and newer programs made, and a disk that fails at every call.
 */
#include "../hq_test.h"

#include "registry/sql.h"

#include <errno.h>
#include <fcntl.h>

static hq_registry *open_new(void)
{
    sotto_diag diag = {0};
    hq_registry *registry;
    ok(hq_registry_create(at("registry.db"), "Test Bank", 1000, &diag), &diag);
    ok(hq_registry_open(&registry, at("registry.db"), &diag), &diag);
    return registry;
}

static void made_once(void **state)
{
    (void)state;
    char name[65];
    sotto_diag diag = {0};
    hq_registry *registry;
    cause_is(hq_registry_open(&registry, at("registry.db"), &diag), NOT_FOUND);
    registry = open_new();
    ok(hq_registry_office(registry, name, &diag), &diag);
    assert_string_equal(name, "Test Bank");
    hq_registry_close(registry);
    cause_is(hq_registry_create(at("registry.db"), "Other Bank", 1000, &diag), EXISTS);
}

static void change_file(const char *sql_text_of_change)
{
    sqlite3 *db;
    assert_int_equal(sqlite3_open(at("registry.db"), &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, sql_text_of_change, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
}

/* Its bytes are as they were: nothing was opened over. */
static void assert_refused(int cause)
{
    sotto_diag diag = {0};
    hq_registry *registry;
    sotto_vec before, after;
    sotto_vec_init(&before, 1 << 24);
    sotto_vec_init(&after, 1 << 24);
    ok(sotto_port_read_file(at("registry.db"), &before, &diag), &diag);
    assert_int_equal(sotto_status_cause(hq_registry_open(&registry, at("registry.db"), &diag)), cause);
    assert_null(registry);
    ok(sotto_port_read_file(at("registry.db"), &after, &diag), &diag);
    assert_true(sotto_span_equal(sotto_vec_span(&before), sotto_vec_span(&after)));
    sotto_vec_free(&before);
    sotto_vec_free(&after);
}

static void what_is_no_registry(void **state)
{
    (void)state;
    write_text("registry.db", "this is no database, however long it goes on about it; "
                              "it only has to be longer than the hundred bytes of a header, which it is");
    assert_refused(SOTTO_CAUSE_CORRUPT);
    write_text("registry.db", "");
    assert_refused(SOTTO_CAUSE_CORRUPT);
    assert_int_equal(remove(at("registry.db")), 0);
    change_file("CREATE TABLE somebody_elses(x)");
    assert_refused(SOTTO_CAUSE_CORRUPT);
    assert_int_equal(remove(at("registry.db")), 0);
    hq_registry_close(open_new());
    change_file("PRAGMA user_version = 5");
    assert_refused(SOTTO_CAUSE_UNSUPPORTED);
}

static void an_older_schema_is_brought_up_to_date(void **state)
{
    (void)state;
    hq_shown shown = {.clone = true};
    sotto_diag diag = {0};
    uint8_t hash[SOTTO_SHA256_BYTES] = {1};
    hq_registry *registry = open_new();
    ok(hq_registry_code_put(registry, "atm-1", hash, 1000, 2000, &diag), &diag);
    hq_registry_close(registry);
    change_file("DROP TABLE health; DROP TABLE absent; DROP TABLE session; DROP TABLE report_key; "
                "PRAGMA user_version = 1");
    ok(hq_registry_open(&registry, at("registry.db"), &diag), &diag);
    ok(hq_registry_session(registry, "atm-1", "", "a", 1000, &shown, &diag), &diag);
    assert_false(shown.clone || shown.has_health);
    hq_registry_close(registry);
    change_file("DROP TABLE health; PRAGMA user_version = 3");
    ok(hq_registry_open(&registry, at("registry.db"), &diag), &diag);
    hq_health h = {.told_s = 5, .release = 3, .has_waiting = true, .waiting = 2};
    ok(hq_registry_health_put(registry, "atm-1", &h, &diag), &diag);
    ok(hq_registry_health(registry, "atm-1", &h, &diag), &diag);
    assert_true(h.told_s == 5 && h.release == 3 && h.waiting == 2 && h.has_waiting && !h.has_disk);
    hq_registry_close(registry);
}

static void truncated(void **state)
{
    (void)state;
    sotto_diag diag = {0};
    hq_registry *registry = open_new();
    ok(hq_registry_code_put(registry, "atm-1", (const uint8_t[SOTTO_SHA256_BYTES]){1}, 1, 2, &diag), &diag);
    hq_registry_close(registry);
    sotto_vec whole;
    sotto_vec_init(&whole, 1 << 24);
    ok(sotto_port_read_file(at("registry.db"), &whole, &diag), &diag);
    /* Within its last page SQLite notices only when it reads that page: a write cut short may leave it so,
     * and the log then has it whole. */
    for (size_t len = 0; len + 4096 <= whole.len; len += 509) {
        hq_device device;
        sotto_status status = SOTTO_OK;
        ok(sotto_port_write_file(at("registry.db"), sotto_span_of(whole.ptr, len), 0600, &diag), &diag);
        status = hq_registry_open(&registry, at("registry.db"), &diag);
        if (status == SOTTO_OK) /* the header and the pages looked at may be whole */
            status = hq_registry_device(registry, "atm-1", &device, &diag);
        assert_int_not_equal(status, SOTTO_OK);
        hq_registry_close(registry);
    }
    sotto_vec_free(&whole);
}

static void ids(void **state)
{
    (void)state;
    static const char *const good[] = {"a", "atm-1", "Branch_12.atm", "0"};
    static const char *const bad[] = {"",
                                      ".x",
                                      "-x",
                                      "a b",
                                      "a/b",
                                      "caf\xc3\xa9",
                                      "12345678901234567890123456789012345678901234567890123456789012345"};
    hq_registry *registry = open_new();
    for (size_t i = 0; i < SOTTO_COUNT(good); i++)
        assert_true(hq_device_id_valid(good[i]));
    for (size_t i = 0; i < SOTTO_COUNT(bad); i++)
        cause_is(hq_registry_code_put(registry, bad[i], (const uint8_t[SOTTO_SHA256_BYTES]){1}, 1, 2, NULL),
                 USAGE);
    hq_registry_close(registry);
}

/* Another process holds the write lock: BUSY after the wait, nothing changed. */
static void busy(void **state)
{
    (void)state;
    hq_registry *registry = open_new();
    sqlite3 *other;
    (void)sqlite3_busy_timeout(registry->db, 50);
    assert_int_equal(sqlite3_open(at("registry.db"), &other), SQLITE_OK);
    assert_int_equal(sqlite3_exec(other, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
    cause_is(hq_registry_code_put(registry, "atm-1", (const uint8_t[SOTTO_SHA256_BYTES]){1}, 1, 2, NULL),
             BUSY);
    hq_device device;
    cause_is(hq_registry_device(registry, "atm-1", &device, NULL), NOT_FOUND);
    sqlite3_close(other);
    assert_int_equal(
        hq_registry_code_put(registry, "atm-1", (const uint8_t[SOTTO_SHA256_BYTES]){1}, 1, 2, NULL),
        SOTTO_OK);
    hq_registry_close(registry);
}

/* ---- moved away ---- */

static int put_code(hq_registry *registry, const char *device, uint8_t first)
{
    uint8_t hash[SOTTO_SHA256_BYTES] = {first};
    return sotto_status_cause(hq_registry_code_put(registry, device, hash, 1000, 2000, NULL));
}

static const char *target(void)
{
    static char path[4096];
    (void)snprintf(path, sizeof path, "%s", at("moved.db"));
    return path;
}

static int move_to(const char *where, bool *moved)
{
    return sotto_status_cause(hq_registry_move(at("registry.db"), where, moved, NULL));
}

/* Whoever has the file open can neither write nor read it any more, and it never comes alive again. */
static void moved_once(void **state)
{
    (void)state;
    bool moved;
    char other[4096];
    hq_device device;
    hq_registry *running = open_new(), *now;
    (void)snprintf(other, sizeof other, "%s", at("other.db"));
    assert_int_equal(put_code(running, "atm-1", 1), 0);
    assert_int_equal(move_to(target(), &moved), 0);
    assert_true(moved);
    assert_int_equal(put_code(running, "atm-2", 2), SOTTO_CAUSE_IO);
    cause_is(hq_registry_device(running, "atm-1", &device, NULL), IO);
    cause_is(hq_registry_alarm_raise(running, "atm-1", HQ_ALARM_CONFLICT, 1, NULL), IO);
    cause_is(hq_registry_batch_begin(running, NULL), IO);
    hq_registry_close(running);
    cause_is(hq_registry_open(&running, at("registry.db"), NULL), NOT_FOUND);
    assert_int_equal(move_to(target(), &moved), 0);
    assert_false(moved);
    assert_int_equal(move_to(other, &moved), SOTTO_CAUSE_NOT_FOUND);
    ok(hq_registry_open(&now, target(), NULL), NULL);
    ok(hq_registry_device(now, "atm-1", &device, NULL), NULL);
    assert_int_equal(put_code(now, "atm-2", 2), 0);
    hq_registry_close(now);
}

/* Cut off before and after the other store had it all. */
static void a_move_cut_off_is_ended(void **state)
{
    (void)state;
    bool moved;
    hq_device device;
    hq_registry *registry = open_new();
    assert_int_equal(put_code(registry, "atm-1", 1), 0);
    for (int i = 0; i < 2; i++) {
        change_file("PRAGMA user_version = 1000004");
        assert_int_equal(put_code(registry, "atm-2", 2), SOTTO_CAUSE_IO);
        assert_int_equal(move_to(target(), &moved), 0);
        assert_true(moved);
        assert_int_equal(put_code(registry, "atm-2", 2), SOTTO_CAUSE_IO);
    }
    hq_registry_close(registry);
    ok(hq_registry_open(&registry, target(), NULL), NULL);
    ok(hq_registry_device(registry, "atm-1", &device, NULL), NULL);
    hq_registry_close(registry);
}

/* A store that holds another office: the file serves on. */
static void a_move_refused_changes_nothing(void **state)
{
    (void)state;
    bool moved;
    hq_registry *registry = open_new();
    ok(hq_registry_create(target(), "Other Bank", 1000, NULL), NULL);
    assert_int_equal(move_to(target(), &moved), SOTTO_CAUSE_CONFLICT);
    assert_false(moved);
    assert_int_equal(put_code(registry, "atm-1", 1), 0);
    hq_registry_close(registry);
}

/* ---- a disk that fails: SQLite's own table of system calls is replaced ---- */

static int fault_at = -1, fault_calls, fault_errno;

static bool fails(void)
{
    return fault_at >= 0 && fault_calls++ >= fault_at;
}

static ssize_t fault_pwrite(int fd, const void *bytes, size_t len, off_t offset)
{
    if (!fails())
        return pwrite(fd, bytes, len, offset);
    if (fault_calls == fault_at + 1 && len > 1) /* torn: the first half is written */
        (void)!pwrite(fd, bytes, len / 2, offset);
    errno = fault_errno;
    return -1;
}

static ssize_t fault_write(int fd, const void *bytes, size_t len)
{
    if (!fails())
        return write(fd, bytes, len);
    errno = fault_errno;
    return -1;
}

static int fault_fsync(int fd)
{
    if (!fails())
        return fsync(fd);
    errno = EIO;
    return -1;
}

static int fault_truncate(int fd, off_t len)
{
    if (!fails())
        return ftruncate(fd, len);
    errno = fault_errno;
    return -1;
}

static void replace_calls(bool faulty)
{
    sqlite3_vfs *vfs = sqlite3_vfs_find(NULL);
    const struct {
        const char *name;
        sqlite3_syscall_ptr call;
    } calls[] = {
        {"pwrite", (sqlite3_syscall_ptr)fault_pwrite},      {"pwrite64", (sqlite3_syscall_ptr)fault_pwrite},
        {"write", (sqlite3_syscall_ptr)fault_write},        {"fsync", (sqlite3_syscall_ptr)fault_fsync},
        {"ftruncate", (sqlite3_syscall_ptr)fault_truncate},
    };
    for (size_t i = 0; i < SOTTO_COUNT(calls); i++)
        if (vfs->xGetSystemCall(vfs, calls[i].name) != NULL)
            assert_int_equal(vfs->xSetSystemCall(vfs, calls[i].name, faulty ? calls[i].call : NULL),
                             SQLITE_OK);
}

/* Acknowledged means there; not acknowledged means there whole or not at all, and the next try goes through.
 */
static void reports_on_a_failing_disk(int error)
{
    hq_collector collector;
    open_published(&collector);
    terminal *t = terminal_new("atm-1", 1);
    enrol(&collector, t);
    fault_errno = error;
    uint64_t reports = 0;
    int failures = 0;
    terminal_seal(t, 1);
    for (int n = 0, clean = 0; clean < 1; n++) {
        hq_device device;
        sotto_diag diag = {0};
        char path[HQ_PATH_MAX];
        /* A fresh connection, so that each round opens, writes and closes; closing moves the log into the
         * file. */
        hq_registry_close(collector.registry);
        snprintf(path, sizeof path, "%s/office/registry.db", test_dir);
        ok(hq_registry_open(&collector.registry, path, &diag), &diag);
        replace_calls(true);
        fault_at = n;
        fault_calls = 0;
        int code = send_report(&collector, t);
        clean = fault_calls <= n;
        hq_registry_close(collector.registry);
        fault_at = -1;
        replace_calls(false);
        assert_true(code == 200 || code == 503);
        ok(hq_registry_open(&collector.registry, path, &diag), &diag);
        ok(hq_registry_device(collector.registry, "atm-1", &device, &diag), &diag);
        if (code == 200)
            assert_int_equal(device.reports, reports + 1);
        else
            assert_true(device.reports == reports || device.reports == reports + 1);
        failures += code != 200;
        assert_int_equal(send_report(&collector, t), 200);
        ok(hq_registry_device(collector.registry, "atm-1", &device, &diag), &diag);
        assert_int_equal(device.reports, reports + 1);
        assert_int_equal(device.last_seq, reports + 1);
        reports = device.reports;
        terminal_next(t);
    }
    assert_true(failures >= 2);
    print_message("%llu reports, %d failures\n", (unsigned long long)reports, failures);
    terminal_free(t);
    close_published(&collector);
}

static void disk_errors(void **state)
{
    (void)state;
    reports_on_a_failing_disk(EIO);
}

static void disk_full(void **state)
{
    (void)state;
    reports_on_a_failing_disk(ENOSPC);
}

/* A code is either used up with its device admitted, or still good. */
/* Our disk that may not be written, and a release of ours that cannot be read, are no words about a report:
 * it is not set aside, and kept when that is mended. */
static void our_faults_are_not_final(void **state)
{
    (void)state;
    hq_collector collector;
    sotto_reply reply;
    open_published(&collector);
    terminal *t = terminal_new("atm-1", 1);
    enrol(&collector, t);
    terminal_seal(t, 1);
    const sotto_span sealed = sotto_span_of(t->sealed, t->sealed_len);
    const char *const faults[] = {"PRAGMA query_only = 1", "CREATE TABLE kept AS SELECT tasks FROM release;"
                                                           "UPDATE release SET tasks = x'7b'"};
    const char *const mended[] = {"PRAGMA query_only = 0",
                                  "UPDATE release SET tasks = (SELECT tasks FROM kept)"};
    for (size_t i = 0; i < SOTTO_COUNT(faults); i++) {
        ok(sql_exec(collector.registry, faults[i], NULL), NULL);
        collector.tasks_release = 0; /* as one that starts anew */
        int code = ask(&collector, HQ_LISTENER_DEVICES, t, "PUT", "/v1/reports/1", sealed, &reply);
        assert_int_equal(code, i == 0 ? 503 : 400);
        assert_true(reply.extra == NULL || strstr(reply.extra, "Sotto-Final") == NULL);
        sotto_vec_free(&reply.body);
        ok(sql_exec(collector.registry, mended[i], NULL), NULL);
    }
    assert_int_equal(send_report(&collector, t), 200);
    terminal_free(t);
    close_published(&collector);
}

static void enrolment_on_a_failing_disk(void **state)
{
    (void)state;
    hq_collector collector;
    open_published(&collector);
    fault_errno = EIO;
    int refused = 0;
    for (int n = 0, clean = 0; clean < 1; n++) {
        char code[HQ_CODE_TEXT], id[16];
        hq_device device;
        snprintf(id, sizeof id, "atm-%d", n);
        terminal *t = terminal_new(id, 1);
        new_code(collector.registry, id, hq_now(), hq_now() + 60, code);
        replace_calls(true);
        fault_at = n;
        fault_calls = 0;
        int answer = enrol_with(&collector, t, code);
        clean = fault_calls <= n;
        fault_at = -1;
        replace_calls(false);
        ok(hq_registry_device(collector.registry, id, &device, NULL), NULL);
        if (answer == 200) {
            assert_int_equal(device.state, HQ_DEVICE_ENROLLED);
        } else {
            refused++;
            assert_int_equal(answer, 503);
            assert_int_equal(device.state, HQ_DEVICE_INVITED);
            assert_int_equal(enrol_with(&collector, t, code), 200);
        }
        terminal_seal(t, 1);
        assert_int_equal(send_report(&collector, t), 200);
        terminal_free(t);
    }
    assert_true(refused >= 1);
    close_published(&collector);
}

#define T(name) cmocka_unit_test_setup_teardown(name, test_setup, test_teardown)
int main(void)
{
    const struct CMUnitTest tests[] = {
        T(made_once),
        T(what_is_no_registry),
        T(truncated),
        T(ids),
        T(an_older_schema_is_brought_up_to_date),
        T(busy),
        T(moved_once),
        T(a_move_cut_off_is_ended),
        T(a_move_refused_changes_nothing),
        T(disk_errors),
        T(disk_full),
        T(our_faults_are_not_final),
        T(enrolment_on_a_failing_disk),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
