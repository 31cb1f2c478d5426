/*
 * Every write, sync, truncate, delete and creating open of a transaction on ledger and outbox fails once,
 * tears, finds the disk full, or is the last before a power cut. Whatever happens, the store opens again and
 * the transaction is there as a whole or not at all; and what returned OK is there.
 */
#include "store_test.h"

#include "fault_vfs.h"

enum { CUSTOMERS = 20, PERIOD = 20000, CUTS = 4 };

static struct place place, template;

static void copy_file(const char *from, const char *to)
{
    static uint8_t bytes[1 << 20];
    FILE *in = fopen(from, "rb"), *out = fopen(to, "wb");
    assert_true(in != NULL && out != NULL);
    size_t len = fread(bytes, 1, sizeof bytes, in);
    assert_true(len > 0 && len < sizeof bytes && fwrite(bytes, 1, len, out) == len);
    fclose(in);
    fclose(out);
}

static int set_up(void **state)
{
    (void)state;
    place = place_make();
    template = place_make();
    fault_vfs_register();
    sotto_store *store = store_open(&template, true);
    assert_ok(sotto_store_begin(store, NULL));
    for (uint32_t n = 0; n < CUSTOMERS; n++) {
        put_text(store, SOTTO_RECORD_LEDGER, n, 0, "before");
        put_text(store, SOTTO_RECORD_PROFILE, n, 0, "profile");
        put_text(store, SOTTO_RECORD_CONTRIBUTION, n, PERIOD, "counted");
    }
    assert_ok(sotto_store_set_i64(store, "tally.next_day", PERIOD, NULL));
    assert_ok(sotto_store_commit(store, NULL));
    sotto_store_close(store);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    place_remove(&place);
    place_remove(&template);
    return 0;
}

static sotto_status open_faulty(sotto_store **store)
{
    sotto_store_config config = config_of(&place, false);
    config.vfs = FAULT_VFS_NAME;
    return sotto_store_open(store, &config, NULL);
}

/* The transaction of the night: debit, append, delete what was counted, move on. */
static sotto_status night(sotto_store *store)
{
    static const uint8_t SEALED[3000] = "sealed";
    sotto_outbox_entry entry = {.seq = 1, .sealed_s = 5};
    sotto_status status = sotto_store_begin(store, NULL);
    for (uint32_t n = 0; n < CUSTOMERS && status == SOTTO_OK; n++)
        status =
            sotto_store_put(store, SOTTO_RECORD_LEDGER, customer_of(n).key, 0, sotto_span_str("after"), NULL);
    if (status == SOTTO_OK)
        status = sotto_store_outbox_append(store, &entry, sotto_span_of(SEALED, sizeof SEALED), NULL);
    if (status == SOTTO_OK)
        status = sotto_store_drop_all(store, SOTTO_RECORD_CONTRIBUTION, PERIOD, NULL);
    if (status == SOTTO_OK)
        status = sotto_store_set_i64(store, "tally.next_day", PERIOD + 1, NULL);
    if (status == SOTTO_OK)
        return sotto_store_commit(store, NULL);
    sotto_store_rollback(store);
    return status;
}

/* True when the night is in the store, false when it is not; anything between fails the test. */
static bool has_happened(sotto_store *store)
{
    uint64_t next, count;
    uint8_t previous[SOTTO_SHA256_BYTES];
    int64_t day;
    assert_ok(sotto_store_outbox_head(store, &next, previous, NULL));
    bool after = next == 2;
    for (uint32_t n = 0; n < CUSTOMERS; n++) {
        assert_string_equal(get_text(store, SOTTO_RECORD_LEDGER, n, 0).text, after ? "after" : "before");
        assert_string_equal(get_text(store, SOTTO_RECORD_PROFILE, n, 0).text, "profile");
    }
    assert_ok(sotto_store_count(store, SOTTO_RECORD_CONTRIBUTION, &count, NULL));
    assert_int_equal(count, after ? 0 : CUSTOMERS);
    assert_ok(sotto_store_get_i64(store, "tally.next_day", &day, NULL));
    assert_int_equal(day, after ? PERIOD + 1 : PERIOD);
    return after;
}

static void check(bool told_ok)
{
    int64_t problems = -1;
    sotto_store *store = store_open(&place, false);
    bool happened = has_happened(store);
    assert_true(happened || !told_ok);
    assert_ok(sotto_store_query_i64(
        store->db, "SELECT count(*) FROM pragma_integrity_check WHERE integrity_check <> 'ok'", &problems,
        NULL));
    assert_int_equal(problems, 0);
    if (!happened)
        assert_ok(night(store));
    assert_true(has_happened(store));
    sotto_store_close(store);
}

/* One night with one fault. False when the fault was not reached. */
static bool one_night(enum fault_kind kind, unsigned at, uint64_t seed, bool from_open)
{
    sotto_store *store = NULL;
    place_empty(&place);
    copy_file(template.path, place.path);
    fault_vfs_reset();
    if (from_open)
        fault_vfs_arm(kind, at);
    sotto_status status = open_faulty(&store);
    if (!from_open)
        fault_vfs_arm(kind, at);
    if (status == SOTTO_OK)
        status = night(store);
    if (status != SOTTO_OK && store != NULL && kind == FAULT_ONCE)
        (void)has_happened(store); /* readable at once, and whole */
    sotto_store_close(store);
    bool fired = fault_vfs_disarm();
    if (kind == FAULT_CUT)
        fault_vfs_power_on(seed);
    check(status == SOTTO_OK);
    return fired;
}

static bool from_open(enum fault_kind kind, unsigned at, uint64_t seed)
{
    return one_night(kind, at, seed, true);
}

static bool once_open(enum fault_kind kind, unsigned at, uint64_t seed)
{
    return one_night(kind, at, seed, false);
}

FAULT_TEST(one_failure_from_open, FAULT_ONCE, 1, from_open)
FAULT_TEST(one_failure_once_open, FAULT_ONCE, 1, once_open)
FAULT_TEST(a_dying_disk_from_open, FAULT_LAST, 1, from_open)
FAULT_TEST(a_dying_disk_once_open, FAULT_LAST, 1, once_open)
FAULT_TEST(a_full_disk_from_open, FAULT_FULL, 1, from_open)
FAULT_TEST(a_full_disk_once_open, FAULT_FULL, 1, once_open)
FAULT_TEST(torn_writes_from_open, FAULT_TORN, 1, from_open)
FAULT_TEST(torn_writes_once_open, FAULT_TORN, 1, once_open)
FAULT_TEST(power_cuts_from_open, FAULT_CUT, CUTS, from_open)
FAULT_TEST(power_cuts_once_open, FAULT_CUT, CUTS, once_open)

/* A full disk has a name of its own, and the transaction cannot go on by half. */
static void a_full_disk_is_told(void **state)
{
    (void)state;
    sotto_store *store = NULL;
    place_empty(&place);
    copy_file(template.path, place.path);
    fault_vfs_reset();
    assert_ok(open_faulty(&store));
    fault_vfs_arm(FAULT_FULL, 1);
    assert_cause(night(store), FULL);
    assert_ok(sotto_store_begin(store, NULL));
    sotto_status status = SOTTO_OK;
    static uint8_t large[1 << 20];
    for (uint32_t n = 0; n < 8 && status == SOTTO_OK; n++) /* more than the page cache: it spills */
        status = sotto_store_put(store, SOTTO_RECORD_PROFILE, customer_of(n).key, 0,
                                 sotto_span_of(large, sizeof large), NULL);
    assert_cause(status, FULL);
    assert_cause(sotto_store_set_i64(store, "x", 1, NULL), CONFLICT);
    assert_cause(
        sotto_store_put(store, SOTTO_RECORD_PROFILE, customer_of(1).key, 0, sotto_span_str("x"), NULL),
        CONFLICT);
    assert_cause(sotto_store_commit(store, NULL), CONFLICT);
    (void)fault_vfs_disarm();
    assert_false(has_happened(store));
    assert_ok(night(store)); /* there is room again */
    sotto_store_close(store);
    check(true);
}

/* Making a new store: at its path there is a whole one or none. */
static void creation_is_whole(void **state)
{
    (void)state;
    for (enum fault_kind kind = FAULT_ONCE; kind < FAULT_CUT; kind++) {
        bool fired = true;
        for (unsigned at = 1; fired; at++) {
            sotto_store *store = NULL;
            place_empty(&place);
            fault_vfs_reset();
            fault_vfs_arm(kind, at);
            sotto_store_config config = config_of(&place, true);
            config.vfs = FAULT_VFS_NAME;
            sotto_status status = sotto_store_open(&store, &config, NULL);
            sotto_store_close(store);
            fired = fault_vfs_disarm();
            assert_true(fired || status == SOTTO_OK);
            store = store_open(&place, true);
            put_text(store, SOTTO_RECORD_PROFILE, 1, 0, "works");
            sotto_store_close(store);
        }
    }
}

int main(void)
{
    static const struct CMUnitTest TESTS[] = {
        cmocka_unit_test(one_failure_from_open),  cmocka_unit_test(one_failure_once_open),
        cmocka_unit_test(a_dying_disk_from_open), cmocka_unit_test(a_dying_disk_once_open),
        cmocka_unit_test(a_full_disk_from_open),  cmocka_unit_test(a_full_disk_once_open),
        cmocka_unit_test(torn_writes_from_open),  cmocka_unit_test(torn_writes_once_open),
        cmocka_unit_test(power_cuts_from_open),   cmocka_unit_test(power_cuts_once_open),
        cmocka_unit_test(a_full_disk_is_told),    cmocka_unit_test(creation_is_whole),
    };
    return cmocka_run_group_tests(TESTS, set_up, tear_down);
}
