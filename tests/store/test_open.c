/* What is not this store, or not whole, is refused with a clear cause, and left as it was. */
#include "store_test.h"

#include <sys/wait.h>

static struct place place, spoiled;
static uint8_t original[1 << 20];
static size_t original_len;

struct bytes {
    uint8_t *ptr;
    size_t len;
};

static struct bytes read_all(const char *path)
{
    struct bytes b = {malloc(1 << 20), 0};
    FILE *file = fopen(path, "rb");
    assert_true(b.ptr != NULL && file != NULL);
    b.len = fread(b.ptr, 1, 1 << 20, file);
    fclose(file);
    return b;
}

static void write_all(const char *path, const uint8_t *bytes, size_t len)
{
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, len, file), len);
    fclose(file);
}

static void same_as(const char *path, const uint8_t *bytes, size_t len)
{
    struct bytes now = read_all(path);
    assert_int_equal(now.len, len);
    assert_memory_equal(now.ptr, bytes, len);
    free(now.ptr);
}

enum { CUSTOMERS = 200 };

static int set_up(void **state)
{
    (void)state;
    place = place_make();
    spoiled = place_make();
    sotto_store *store = store_open(&place, true);
    assert_ok(sotto_store_begin(store, NULL));
    for (uint32_t n = 0; n < CUSTOMERS; n++)
        put_text(store, SOTTO_RECORD_PROFILE, n, 0,
                 "a profile that is long enough to fill some pages of the file");
    assert_ok(sotto_store_commit(store, NULL));
    sotto_store_close(store);
    struct bytes b = read_all(place.path);
    assert_true(b.len > 8 * 4096);
    memcpy(original, b.ptr, b.len);
    original_len = b.len;
    free(b.ptr);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    place_remove(&place);
    place_remove(&spoiled);
    return 0;
}

static sotto_status try_open(const struct place *p, bool create, sotto_diag *diag)
{
    sotto_store *store = NULL;
    sotto_store_config config = config_of(p, create);
    sotto_status status = sotto_store_open(&store, &config, diag);
    assert_true((status == SOTTO_OK) == (store != NULL));
    sotto_store_close(store);
    return status;
}

static void spoil(const uint8_t *bytes, size_t len)
{
    place_empty(&spoiled);
    write_all(spoiled.path, bytes, len);
}

static void a_new_store_is_private_and_its_key_is_wiped(void **state)
{
    (void)state;
    sotto_store *store = NULL;
    static const uint8_t ZEROS[SOTTO_KEY_BYTES] = {0};
    place_empty(&spoiled);
    sotto_store_config config = config_of(&spoiled, true);
    assert_ok(sotto_store_open(&store, &config, NULL));
    assert_memory_equal(config.key, ZEROS, sizeof ZEROS);
    sotto_store_close(store);
    assert_ok(sotto_port_check_private(spoiled.path, NULL));
    config = config_of(&spoiled, true);
    memset(config.key, 1, sizeof config.key);
    assert_cause(sotto_store_open(&store, &config, NULL), AUTH);
    assert_memory_equal(config.key, ZEROS, sizeof ZEROS);
}

static void a_missing_store_is_not_made_unasked(void **state)
{
    (void)state;
    place_empty(&spoiled);
    assert_cause(try_open(&spoiled, false, NULL), NOT_FOUND);
    assert_int_not_equal(access(spoiled.path, F_OK), 0);
    assert_ok(try_open(&spoiled, true, NULL));
    assert_ok(try_open(&spoiled, false, NULL));
}

/* The bytes of a store that was cut off by power: file and log as they lie on the disk while it is open. */
static void leave_hot(void)
{
    char log[128], hot[128];
    sotto_store *store = store_open(&place, false);
    static int64_t times; /* SQLite does not write what is there already */
    put_text(store, SOTTO_RECORD_PROFILE, 1, 0, "in the log");
    assert_ok(sotto_store_set_i64(store, "times", ++times, NULL));
    (void)snprintf(log, sizeof log, "%s-wal", place.path);
    (void)snprintf(hot, sizeof hot, "%s-wal", spoiled.path);
    struct bytes main_file = read_all(place.path), log_file = read_all(log);
    assert_true(log_file.len > 0);
    spoil(main_file.ptr, main_file.len);
    write_all(hot, log_file.ptr, log_file.len);
    free(main_file.ptr);
    free(log_file.ptr);
    sotto_store_close(store);
}

static void a_wrong_key_changes_nothing(void **state)
{
    (void)state;
    sotto_store *store = NULL;
    sotto_diag diag = {0};
    char hot[128];
    leave_hot();
    (void)snprintf(hot, sizeof hot, "%s-wal", spoiled.path);
    struct bytes main_file = read_all(spoiled.path), log_file = read_all(hot);
    sotto_store_config config = config_of(&spoiled, true);
    config.key[31] ^= 1;
    assert_cause(sotto_store_open(&store, &config, &diag), AUTH);
    assert_non_null(strstr(diag.text, "key"));
    same_as(spoiled.path, main_file.ptr, main_file.len);
    same_as(hot, log_file.ptr, log_file.len);
    free(main_file.ptr);
    free(log_file.ptr);
    store = store_open(&spoiled, false);
    assert_string_equal(get_text(store, SOTTO_RECORD_PROFILE, 1, 0).text, "in the log");
    sotto_store_close(store);
}

static void every_truncation_is_refused(void **state)
{
    (void)state;
    for (size_t len = 0; len < original_len; len += len % 4096 == 0 ? 1 : len % 4096 == 1 ? 4094 : 1) {
        spoil(original, len);
        sotto_diag diag = {0};
        sotto_status status = try_open(&spoiled, len % 2 == 0, &diag);
        assert_cause(status, CORRUPT);
        assert_true(diag.text[0] != '\0');
        same_as(spoiled.path, original, len);
    }
}

static void what_is_no_database_is_refused(void **state)
{
    (void)state;
    static uint8_t junk[8192];
    memset(junk, 'x', sizeof junk);
    spoil(junk, sizeof junk);
    assert_cause(try_open(&spoiled, true, NULL), AUTH);
    same_as(spoiled.path, junk, sizeof junk);
    sqlite3 *db = NULL;
    place_empty(&spoiled);
    assert_int_equal(sqlite3_open(spoiled.path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, "CREATE TABLE records (x)", NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
    struct bytes plain = read_all(spoiled.path);
    assert_cause(try_open(&spoiled, true, NULL), AUTH);
    same_as(spoiled.path, plain.ptr, plain.len);
    free(plain.ptr);
}

/* A flipped byte anywhere: the store is refused, or that page is, and what can be read is right. */
static void flipped_bytes_are_noticed(void **state)
{
    (void)state;
    unsigned refused = 0, noticed = 0;
    for (size_t page = 0; page < original_len / 4096; page++) {
        static uint8_t bytes[sizeof original];
        memcpy(bytes, original, original_len);
        bytes[page * 4096 + page * 997 % 4096] ^= 0x10;
        spoil(bytes, original_len);
        sotto_store *store = NULL;
        sotto_store_config config = config_of(&spoiled, false);
        sotto_status status = sotto_store_open(&store, &config, NULL);
        if (status != SOTTO_OK) {
            assert_true(sotto_status_cause(status) == SOTTO_CAUSE_AUTH ||
                        sotto_status_cause(status) == SOTTO_CAUSE_CORRUPT);
            refused++;
            continue;
        }
        for (uint32_t n = 0; n < CUSTOMERS && status == SOTTO_OK; n++) {
            char text[128] = "";
            sotto_buf out = sotto_buf_of(text, sizeof text);
            status = sotto_store_get(store, SOTTO_RECORD_PROFILE, customer_of(n).key, 0, &out, NULL);
            if (status == SOTTO_OK)
                assert_memory_equal(text, "a profile that", 14);
        }
        if (status != SOTTO_OK)
            assert_cause(status, CORRUPT);
        noticed += status != SOTTO_OK;
        sotto_store_close(store);
    }
    assert_true(refused >= 1 && noticed >= 4);
}

static void a_log_without_its_store_is_refused(void **state)
{
    (void)state;
    leave_hot();
    assert_int_equal(unlink(spoiled.path), 0);
    sotto_diag diag = {0};
    assert_cause(try_open(&spoiled, true, &diag), CORRUPT);
    assert_non_null(strstr(diag.text, "-wal"));
    assert_int_not_equal(access(spoiled.path, F_OK), 0);
}

static void one_process_at_a_time(void **state)
{
    (void)state;
    sotto_store *store = store_open(&place, false);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        sotto_store *second = NULL;
        sotto_store_config config = config_of(&place, true);
        _exit(sotto_status_cause(sotto_store_open(&second, &config, NULL)));
    }
    int how = 0;
    assert_int_equal(waitpid(child, &how, 0), child);
    assert_true(WIFEXITED(how));
    assert_int_equal(WEXITSTATUS(how), SOTTO_CAUSE_BUSY);
    sotto_store_close(store);
    assert_ok(try_open(&place, false, NULL));
}

/* ---- Schema ---- */

static sqlite3 *open_raw(bool fresh)
{
    sqlite3 *db = NULL;
    uint8_t key[SOTTO_KEY_BYTES];
    memset(key, TEST_KEY_BYTE, sizeof key);
    if (fresh)
        place_empty(&spoiled);
    assert_int_equal(sqlite3_open(spoiled.path, &db), SQLITE_OK);
    assert_ok(sotto_store_set_key(db, key, NULL));
    return db;
}

static int64_t query(sqlite3 *db, const char *sql)
{
    int64_t value;
    assert_ok(sotto_store_query_i64(db, sql, &value, NULL));
    return value;
}

static const sotto_store_step STEPS[] = {
    {"CREATE TABLE a (x INTEGER); INSERT INTO a VALUES (1)"},
    {"ALTER TABLE a ADD COLUMN y INTEGER DEFAULT 7; INSERT INTO a VALUES (2, 8)"},
    {"CREATE TABLE b (z INTEGER); INSERT INTO b SELECT sum(y) FROM a"},
    {"CREATE TABLE c (z INTEGER); this is not SQL"},
};

static void an_older_schema_is_brought_up(void **state)
{
    (void)state;
    for (size_t from = 0; from <= 3; from++) {
        sqlite3 *db = open_raw(true);
        assert_ok(sotto_store_migrate(db, STEPS, from, NULL));
        assert_int_equal(query(db, "PRAGMA user_version"), from);
        assert_int_equal(sqlite3_close(db), SQLITE_OK);
        db = open_raw(false);
        assert_ok(sotto_store_migrate(db, STEPS, 3, NULL));
        assert_int_equal(query(db, "PRAGMA user_version"), 3);
        assert_int_equal(query(db, "SELECT z FROM b"), 15);
        assert_ok(sotto_store_migrate(db, STEPS, 3, NULL));
        assert_int_equal(query(db, "SELECT count(*) FROM b"), 1);
        assert_int_equal(sqlite3_close(db), SQLITE_OK);
    }
}

static void a_failed_migration_changes_nothing(void **state)
{
    (void)state;
    sqlite3 *db = open_raw(true);
    assert_ok(sotto_store_migrate(db, STEPS, 1, NULL));
    assert_int_not_equal(sotto_store_migrate(db, STEPS, 4, NULL), SOTTO_OK);
    assert_int_equal(query(db, "PRAGMA user_version"), 1);
    assert_int_equal(query(db, "SELECT count(*) FROM sqlite_master"), 1);
    assert_ok(sotto_store_migrate(db, STEPS, 3, NULL));
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

static void a_newer_schema_is_refused(void **state)
{
    (void)state;
    char sql[64];
    sotto_diag diag = {0};
    spoil(original, original_len);
    sqlite3 *db = open_raw(false);
    (void)snprintf(sql, sizeof sql, "PRAGMA user_version = %zu", sotto_store_step_count + 1);
    assert_ok(sotto_store_exec(db, sql, "test", NULL));
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
    assert_cause(try_open(&spoiled, true, &diag), UNSUPPORTED);
    assert_non_null(strstr(diag.text, "newer"));
}

static void anothers_database_is_refused(void **state)
{
    (void)state;
    sqlite3 *db = open_raw(true);
    assert_ok(sotto_store_exec(db, "CREATE TABLE t (x); PRAGMA user_version = 1", "test", NULL));
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
    assert_cause(try_open(&spoiled, false, NULL), CORRUPT);
    db = open_raw(true);
    assert_ok(sotto_store_exec(db, "CREATE TABLE t (x)", "test", NULL));
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
    assert_cause(try_open(&spoiled, false, NULL), CORRUPT);
}

/* The file is SQLCipher's format 4, whoever's cryptography wrote it. */
static void the_stock_program_reads_it(void **state)
{
    (void)state;
    if (system("sqlcipher --version 2>/dev/null | grep -q 'SQLCipher 4'") != 0)
        skip();
    char command[512], key[65], answer[64] = "";
    for (int i = 0; i < 32; i++)
        (void)snprintf(key + 2 * i, 3, "%02x", TEST_KEY_BYTE);
    (void)snprintf(
        command, sizeof command,
        "sqlcipher -batch %s \"PRAGMA key = \\\"x'%s'\\\"; SELECT 'rows', count(*) FROM records;\"",
        place.path, key);
    FILE *pipe = popen(command, "r");
    assert_non_null(pipe);
    bool found = false;
    while (fgets(answer, sizeof answer, pipe) != NULL)
        found = found || strcmp(answer, "rows|200\n") == 0;
    assert_int_equal(pclose(pipe), 0);
    assert_true(found);
}

int main(void)
{
    static const struct CMUnitTest TESTS[] = {
        cmocka_unit_test(a_new_store_is_private_and_its_key_is_wiped),
        cmocka_unit_test(a_missing_store_is_not_made_unasked),
        cmocka_unit_test(a_wrong_key_changes_nothing),
        cmocka_unit_test(every_truncation_is_refused),
        cmocka_unit_test(what_is_no_database_is_refused),
        cmocka_unit_test(flipped_bytes_are_noticed),
        cmocka_unit_test(a_log_without_its_store_is_refused),
        cmocka_unit_test(one_process_at_a_time),
        cmocka_unit_test(an_older_schema_is_brought_up),
        cmocka_unit_test(a_failed_migration_changes_nothing),
        cmocka_unit_test(a_newer_schema_is_refused),
        cmocka_unit_test(anothers_database_is_refused),
        cmocka_unit_test(the_stock_program_reads_it),
    };
    return cmocka_run_group_tests(TESTS, set_up, tear_down);
}
