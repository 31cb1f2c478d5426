/* What is known about a customer is in no byte on the disk: file, log, lock, before and after closing. */
#include "store_test.h"

static const char *const CANARIES[] = {"CANARY-TAG-VALUE-7319", "4929-0000-1234-5678", "canary.name",
                                       "canary-note"};

static bool contains(const char *path, const char *what)
{
    static char bytes[1 << 22];
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    size_t len = fread(bytes, 1, sizeof bytes, file);
    fclose(file);
    assert_true(len < sizeof bytes);
    return memmem(bytes, len, what, strlen(what)) != NULL;
}

/* Looks through every file of the folder; returns how many there were. */
static unsigned search(const struct place *p)
{
    unsigned files = 0;
    DIR *dir = opendir(p->folder);
    assert_non_null(dir);
    for (struct dirent *entry; (entry = readdir(dir)) != NULL;) {
        char path[400];
        if (entry->d_name[0] == '.')
            continue;
        (void)snprintf(path, sizeof path, "%s/%s", p->folder, entry->d_name);
        for (size_t i = 0; i < SOTTO_COUNT(CANARIES); i++)
            assert_false(contains(path, CANARIES[i]));
        assert_false(contains(path, "SQLite format 3"));
        assert_false(contains(path, "CREATE TABLE"));
        files++;
    }
    closedir(dir);
    return files;
}

static void canaries_are_not_on_the_disk(void **state)
{
    (void)state;
    struct place p = place_make();
    sotto_store *store = store_open(&p, true);
    sotto_outbox_entry entry = {.seq = 1, .note = "canary-note"};
    put_text(store, SOTTO_RECORD_PROFILE, 1, 0, CANARIES[0]);
    put_text(store, SOTTO_RECORD_COUNTERS, 1, 0, CANARIES[1]);
    assert_ok(sotto_store_set_blob(store, CANARIES[2], sotto_span_str(CANARIES[1]), NULL));
    assert_ok(sotto_store_outbox_append(store, &entry, sotto_span_str(CANARIES[0]), NULL));
    assert_true(search(&p) >= 3); /* file, log, lock */
    assert_ok(sotto_store_begin(store, NULL));
    for (uint32_t n = 2; n < 5000; n++) /* more than the page cache: dirty pages spill */
        put_text(store, SOTTO_RECORD_PROFILE, n, 0,
                 "CANARY-TAG-VALUE-7319 4929-0000-1234-5678 CANARY-TAG-VALUE-7319 4929-0000-1234-5678");
    assert_true(search(&p) >= 3);
    assert_ok(sotto_store_commit(store, NULL));
    assert_ok(sotto_store_forget(store, customer_of(1).key, NULL));
    assert_true(search(&p) >= 2);
    sotto_store_close(store);
    assert_true(search(&p) >= 1);
    place_remove(&p);
}

/* The search itself finds what is there. */
static void the_search_works(void **state)
{
    (void)state;
    struct place p = place_make();
    FILE *file = fopen(p.path, "wb");
    assert_non_null(file);
    (void)fprintf(file, "xx%sxx", CANARIES[0]);
    fclose(file);
    assert_true(contains(p.path, CANARIES[0]));
    assert_false(contains(p.path, CANARIES[1]));
    place_remove(&p);
}

int main(void)
{
    static const struct CMUnitTest TESTS[] = {cmocka_unit_test(canaries_are_not_on_the_disk),
                                              cmocka_unit_test(the_search_works)};
    return cmocka_run_group_tests(TESTS, NULL, NULL);
}
