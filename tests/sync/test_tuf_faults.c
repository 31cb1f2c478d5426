/*
 * The TUF client under damage: every byte of every metadata file changed or cut off, every fetch, every
 * system call of a write failed once. Whatever happens, what is trusted stays a state that the workflow could
 * have left, and the next undisturbed refresh succeeds.
 */
#include "kit.h"
#include "tuf_priv.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef struct fixture {
    repo r;
    char dir[256];
    sotto_diag diag;
} fixture;

static int setup(void **state)
{
    fixture *f = calloc(1, sizeof *f);
    assert_non_null(f);
    repo_init(&f->r);
    repo_add_target(&f->r, "model.sotto", "the model");
    repo_publish(&f->r, REPO_ROOT);
    repo_publish_day(&f->r);
    (void)snprintf(f->dir, sizeof f->dir, "%s", kit_path(kit_scratch(), "metadata"));
    repo_trust(&f->r, f->dir);
    kit_ok(repo_refresh(&f->r, f->dir, REPO_NOW_S, &f->diag), &f->diag);
    /* Version 2 of everything, the root too. */
    f->r.version[REPO_ROOT] = 2;
    repo_publish(&f->r, REPO_ROOT);
    repo_next_day(&f->r);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    fixture *f = *state;
    repo_free(&f->r);
    free(f);
    return 0;
}

/* ---- bytes ---- */

/* Tries one wrong form of a file; the trusted version of its role must stay 1. */
static void try_wrong(fixture *f, const char *path, const char *role, const uint8_t *bytes, size_t len)
{
    repo_put(&f->r, path, bytes, len);
    memset(&f->diag, 0, sizeof f->diag);
    sotto_status st = repo_refresh(&f->r, f->dir, REPO_NOW_S, &f->diag);
    if (st == SOTTO_OK)
        print_error("%s: a wrong form of %zu bytes was accepted\n", path, len);
    assert_true(st != SOTTO_OK);
    assert_true(f->diag.text[0] != '\0');
    assert_int_equal(repo_version_on_disk(f->dir, role), 1);
}

/* The same below the workflow: parsing and the signature must not both pass. (A whole refresh for each byte
 * would take minutes on an emulated terminal.) */
static void try_wrong_alone(const tuf_meta *root, enum tuf_type type, const uint8_t *bytes, size_t len)
{
    sotto_vec copy;
    tuf_meta meta;
    sotto_diag diag = {0};
    sotto_vec_init(&copy, 1u << 20);
    kit_ok(sotto_vec_put(&copy, bytes, len), NULL);
    sotto_status st = tuf_meta_parse(&meta, type, &copy, "file", &diag);
    if (st == SOTTO_OK)
        st = tuf_verify_top(root, type, &meta, &diag);
    if (st == SOTTO_OK)
        print_error("a wrong form of %zu bytes was accepted\n", len);
    assert_true(st != SOTTO_OK);
    assert_true(diag.text[0] != '\0');
    tuf_meta_free(&meta);
}

/* The files made here hold no white space between tokens and no letters in a signature that may change case:
 * there is no byte whose change would leave the meaning. */
static void each_byte(fixture *f, const char *path, enum tuf_type type)
{
    repo_file *file = repo_find(&f->r, path);
    sotto_vec good = file->bytes, root_bytes = kit_read(kit_path(f->dir, "root.json"));
    tuf_meta root;
    kit_ok(tuf_meta_parse(&root, TUF_ROOT, &root_bytes, "root.json", NULL), NULL);
    uint8_t *copy = malloc(good.len);
    assert_non_null(copy);
    memset(&file->bytes, 0, sizeof file->bytes);
    sotto_vec_init(&file->bytes, 1u << 24);
    for (size_t i = 0; i < good.len; i += KIT_STRIDE) {
        memcpy(copy, good.ptr, good.len);
        copy[i] ^= (uint8_t)(i % 7 == 0 ? 0x20 : 0x01);
        try_wrong_alone(&root, type, copy, good.len);
        try_wrong_alone(&root, type, good.ptr, i);
        if (i % 61 < KIT_STRIDE) {
            try_wrong(f, path, tuf_type_name(type), copy, good.len);
            try_wrong(f, path, tuf_type_name(type), good.ptr, i);
        }
    }
    repo_put(&f->r, path, good.ptr, good.len);
    sotto_vec_free(&good);
    tuf_meta_free(&root);
    free(copy);
}

static void test_root_bytes(void **state)
{
    each_byte(*state, "2.root.json", TUF_ROOT);
}

/* Without listed hashes, so that it is the signature that must notice. */
static void test_timestamp_bytes(void **state)
{
    each_byte(*state, "timestamp.json", TUF_TIMESTAMP);
}

static void unlisted(fixture *f)
{
    f->r.list_hashes = false;
    repo_publish_day(&f->r);
}

static void test_snapshot_bytes(void **state)
{
    unlisted(*state);
    each_byte(*state, "2.snapshot.json", TUF_SNAPSHOT);
}

static void test_targets_bytes(void **state)
{
    unlisted(*state);
    each_byte(*state, "2.targets.json", TUF_TARGETS);
}

/* ---- fetches ---- */

static void check_consistent(fixture *f)
{
    int64_t root = repo_version_on_disk(f->dir, "root"),
            timestamp = repo_version_on_disk(f->dir, "timestamp");
    int64_t snapshot = repo_version_on_disk(f->dir, "snapshot"),
            targets = repo_version_on_disk(f->dir, "targets");
    assert_in_range(root, 1, 2);
    assert_in_range(timestamp, 1, root);
    assert_in_range(snapshot, 1, timestamp);
    assert_in_range(targets, 1, snapshot);
}

static void test_each_fetch_fails(void **state)
{
    fixture *f = *state;
    int failures = 0;
    /* What was verified before a failure is kept, so each round gets further with fewer fetches. */
    for (int n = 1;; n++) {
        f->r.fail_fetch = n;
        sotto_status st = repo_refresh(&f->r, f->dir, REPO_NOW_S, &f->diag);
        check_consistent(f);
        if (st == SOTTO_OK)
            break;
        kit_cause(st, NETWORK, &f->diag);
        failures++;
    }
    assert_true(failures >= 3);
    f->r.fail_fetch = 0;
    kit_ok(repo_refresh(&f->r, f->dir, REPO_NOW_S, &f->diag), &f->diag);
    assert_int_equal(repo_version_on_disk(f->dir, "targets"), 2);
}

/* ---- system calls ---- */

static long calls_until_failure = -1; /* -1 = never */
static int failure_errno;

static bool fails_now(void)
{
    if (calls_until_failure < 0)
        return false;
    if (calls_until_failure-- > 0)
        return false;
    errno = failure_errno;
    return true;
}

ssize_t __real_write(int fd, const void *buf, size_t len);
ssize_t __wrap_write(int fd, const void *buf, size_t len);
ssize_t __wrap_write(int fd, const void *buf, size_t len)
{
    return fd > 2 && fails_now() ? -1 : __real_write(fd, buf, len);
}

/* Nothing here loses power, so the real one would only cost time. */
int __wrap_fsync(int fd);
int __wrap_fsync(int fd)
{
    (void)fd;
    return fails_now() ? -1 : 0;
}

int __real_renameat2(int from_fd, const char *from, int to_fd, const char *to, unsigned flags);
int __wrap_renameat2(int from_fd, const char *from, int to_fd, const char *to, unsigned flags);
int __wrap_renameat2(int from_fd, const char *from, int to_fd, const char *to, unsigned flags)
{
    return fails_now() ? -1 : __real_renameat2(from_fd, from, to_fd, to, flags);
}

static void fail_each_call(fixture *f, int error, int cause)
{
    long n = 0;
    for (;; n++) {
        calls_until_failure = n;
        failure_errno = error;
        memset(&f->diag, 0, sizeof f->diag);
        sotto_status st = repo_refresh(&f->r, f->dir, REPO_NOW_S, &f->diag);
        bool reached = calls_until_failure < 0;
        calls_until_failure = -1;
        check_consistent(f);
        if (!reached) {
            kit_ok(st, &f->diag);
            break;
        }
        /* The version on disk may be the new one although the call failed (the last fsync): then the refresh
         * says so and the next one finds it. */
        assert_int_equal(sotto_status_cause(st), cause);
    }
    assert_true(n > 0);
    assert_int_equal(repo_version_on_disk(f->dir, "targets"), 2);
}

static void test_each_write_fails(void **state)
{
    fail_each_call(*state, EIO, SOTTO_CAUSE_IO);
}

static void test_disk_full(void **state)
{
    fail_each_call(*state, ENOSPC, SOTTO_CAUSE_FULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_root_bytes, setup, teardown),
        cmocka_unit_test_setup_teardown(test_timestamp_bytes, setup, teardown),
        cmocka_unit_test_setup_teardown(test_snapshot_bytes, setup, teardown),
        cmocka_unit_test_setup_teardown(test_targets_bytes, setup, teardown),
        cmocka_unit_test_setup_teardown(test_each_fetch_fails, setup, teardown),
        cmocka_unit_test_setup_teardown(test_each_write_fails, setup, teardown),
        cmocka_unit_test_setup_teardown(test_disk_full, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
