/*
 * The night on a disk that fails, tears, fills up or loses power at each of its operations. After any of it
 * the period either was not closed (contributions there, nothing debited, no report) or was closed as a
 * whole; the night is run again, and in the end there is exactly one report, one debit each, and the report
 * that was sealed first is the one that leaves: no free look, no second draw, no lost report.
 */
#include "tally_test.h"

#include "fault_vfs.h"

enum { CUSTOMERS = 12, CUTS = 4 };

static struct world w;
static struct opened opened;
static sotto_task task;
static uint8_t template[1 << 20];
static size_t template_len;

static int set_up(void **state)
{
    (void)state;
    fault_vfs_register();
    w = world_make();
    task = task_of(1000000, 4, 1);
    uint64_t seed = 1;
    sotto_tally_result result;
    assert_ok(close_at(&w, &task, DAY, &seed, &result, NULL));
    for (uint32_t n = 0; n < CUSTOMERS; n++)
        for (uint32_t i = 0; i <= n % 4; i++)
            assert_true(note(&w, &task, n, n % task.cells, DAY));
    sotto_store_close(w.store);
    FILE *file = fopen(w.path, "rb");
    assert_non_null(file);
    template_len = fread(template, 1, sizeof template, file);
    fclose(file);
    w.store = NULL;
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    world_remove(&w);
    return 0;
}

static void restore_template(void)
{
    static const char *const SUFFIXES[] = {"", "-wal", "-shm", "-journal", ".lock"};
    char path[128];
    for (size_t i = 0; i < SOTTO_COUNT(SUFFIXES); i++) {
        (void)snprintf(path, sizeof path, "%s%s", w.path, SUFFIXES[i]);
        (void)unlink(path);
    }
    FILE *file = fopen(w.path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(template, 1, template_len, file), template_len);
    fclose(file);
    fault_vfs_reset();
}

static uint64_t reports(uint8_t hash[static SOTTO_SHA256_BYTES])
{
    uint64_t next;
    assert_ok(sotto_store_outbox_head(w.store, &next, hash, NULL));
    return next - 1;
}

/* True when the period is closed as a whole, false when nothing of it is; anything between fails the test. */
static bool is_closed(uint8_t hash[static SOTTO_SHA256_BYTES])
{
    uint64_t left;
    bool closed = reports(hash) == 1;
    assert_true(closed || reports(hash) == 0);
    assert_ok(sotto_store_count(w.store, SOTTO_RECORD_CONTRIBUTION, &left, NULL));
    assert_int_equal(left, closed ? 0 : CUSTOMERS);
    assert_int_equal(open_day(&w, 3), closed ? DAY + 1 : DAY);
    for (uint32_t n = 0; n < CUSTOMERS; n++)
        assert_int_equal(spent(&w, n), closed ? 250000 * (n % 4 + 1) : 0);
    return closed;
}

/* The disk works again: the night runs once more, whatever it finds, with other noise. */
static void recover(bool told_ok)
{
    uint8_t before[SOTTO_SHA256_BYTES], after[SOTTO_SHA256_BYTES];
    uint64_t seed = 999;
    sotto_tally_result result;
    world_open_store(&w);
    bool closed = is_closed(before);
    assert_true(closed || !told_ok);
    assert_ok(close_at(&w, &task, DAY + 1, &seed, &result, NULL));
    assert_int_equal(result.reports, closed ? 0 : 1);
    assert_true(is_closed(after));
    if (closed)
        assert_memory_equal(before, after, sizeof after);
    assert_true(take_report(&w, &opened));
    assert_int_equal(opened.report.period_day, DAY);
    assert_false(take_report(&w, &opened));
    sotto_store_close(w.store);
    w.store = NULL;
}

static bool one_night(enum fault_kind kind, unsigned at, uint64_t cut_seed)
{
    uint64_t seed = 5;
    sotto_tally_result result = {0};
    uint8_t hash[SOTTO_SHA256_BYTES];
    restore_template();
    fault_vfs_arm(kind, at);
    sotto_status status = world_try_open(&w, FAULT_VFS_NAME, NULL);
    if (status == SOTTO_OK)
        status = close_at(&w, &task, DAY + 1, &seed, &result, NULL);
    assert_int_equal(result.reports, w.store != NULL && status == SOTTO_OK);
    if (w.store != NULL && status != SOTTO_OK && kind == FAULT_ONCE)
        (void)is_closed(hash);
    sotto_store_close(w.store);
    w.store = NULL;
    bool fired = fault_vfs_disarm();
    if (kind == FAULT_CUT)
        fault_vfs_power_on(cut_seed);
    recover(status == SOTTO_OK);
    return fired;
}

FAULT_TEST(one_failure, FAULT_ONCE, 1, one_night)
FAULT_TEST(a_dying_disk, FAULT_LAST, 1, one_night)
FAULT_TEST(a_full_disk, FAULT_FULL, 1, one_night)
FAULT_TEST(torn_writes, FAULT_TORN, 1, one_night)
FAULT_TEST(power_cuts, FAULT_CUT, CUTS, one_night)

int main(void)
{
    static const struct CMUnitTest TESTS[] = {
        cmocka_unit_test(one_failure), cmocka_unit_test(a_dying_disk), cmocka_unit_test(a_full_disk),
        cmocka_unit_test(torn_writes), cmocka_unit_test(power_cuts),
    };
    return cmocka_run_group_tests(TESTS, set_up, tear_down);
}
