/* The release on disk: fetched, interrupted, damaged, verified by somebody else, swapped, forgotten. */
#include "kit.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

typedef struct fixture {
    repo r;
    char dir[200], metadata[220], trust[220]; /* release folder; sync's trust; serve's own trust */
    sotto_release_update update;
    sotto_diag diag;
} fixture;

static int setup(void **state)
{
    fixture *f = calloc(1, sizeof *f);
    assert_non_null(f);
    repo_init(&f->r);
    repo_add_target(&f->r, "model.sotto", "the model");
    repo_add_target(&f->r, "catalogue.json", "{\"products\":[]}");
    repo_publish(&f->r, REPO_ROOT);
    repo_publish_day(&f->r);
    const char *scratch = kit_scratch();
    (void)snprintf(f->dir, sizeof f->dir, "%s/release", scratch);
    (void)snprintf(f->metadata, sizeof f->metadata, "%s/metadata", f->dir);
    (void)snprintf(f->trust, sizeof f->trust, "%s/serve", scratch);
    repo_trust(&f->r, f->metadata);
    repo_trust(&f->r, f->trust);
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

static sotto_status fetch(fixture *f)
{
    const sotto_tuf_config config = {.fetch = repo_fetch, .fetch_ctx = &f->r, .now_s = REPO_NOW_S};
    memset(&f->diag, 0, sizeof f->diag);
    f->r.fetched[0] = '\0';
    return sotto_release_fetch(f->dir, &config, &f->update, &f->diag);
}

/* Long after every expiry: verification does not judge it. */
static sotto_status verify(fixture *f, uint64_t version)
{
    const sotto_tuf_config config = {.metadata_dir = f->trust, .now_s = REPO_NOW_S + 900 * INT64_C(86400)};
    memset(&f->diag, 0, sizeof f->diag);
    return sotto_release_verify(f->dir, version, &config, &f->diag);
}

static void expect_file(fixture *f, const char *name, const char *content)
{
    sotto_vec bytes = kit_read(kit_path(f->dir, name));
    assert_true(sotto_span_is(sotto_vec_span(&bytes), content));
    sotto_vec_free(&bytes);
}

static void test_fetch_and_verify(void **state)
{
    fixture *f = *state;
    kit_cause(verify(f, 1), NOT_FOUND, &f->diag);
    kit_ok(fetch(f), &f->diag);
    assert_int_equal(f->update.version, 1);
    assert_true(f->update.changed);
    assert_true(f->update.bytes > 24);
    expect_file(f, "1/model.sotto", "the model");
    kit_ok(verify(f, 1), &f->diag);
    kit_cause(verify(f, 2), NOT_FOUND, &f->diag);
    kit_ok(fetch(f), &f->diag);
    assert_false(f->update.changed);
    assert_int_equal(f->update.version, 1);
    assert_string_equal(f->r.fetched, "2.root.json timestamp.json ");
}

static sotto_status read_them(fixture *f, const char *second, size_t need, size_t limit, sotto_vec files[2])
{
    const char *const names[] = {"catalogue.json", second};
    const sotto_tuf_config config = {.metadata_dir = f->trust, .now_s = REPO_NOW_S};
    memset(&f->diag, 0, sizeof f->diag);
    sotto_vec_init(&files[0], 1000);
    sotto_vec_init(&files[1], limit);
    return sotto_release_read(f->dir, 1, &config, names, need, 2, files, &f->diag);
}

static sotto_status read_two(fixture *f, const char *second, size_t limit, sotto_vec files[2])
{
    return read_them(f, second, 2, limit, files);
}

static void expect_nothing_read(fixture *f, const char *second, size_t limit, enum sotto_cause cause)
{
    sotto_vec files[2];
    assert_int_equal(sotto_status_cause(read_two(f, second, limit, files)), cause);
    assert_null(files[0].ptr);
    assert_null(files[1].ptr);
}

/* What is handed out is what was checked; whatever sync puts in a file's place, the reader neither takes it
 * nor waits for it. */
static void test_read_is_what_was_checked(void **state)
{
    fixture *f = *state;
    sotto_vec files[2];
    kit_ok(fetch(f), &f->diag);
    kit_ok(read_two(f, "model.sotto", 9, files), &f->diag);
    assert_true(sotto_span_is(sotto_vec_span(&files[0]), "{\"products\":[]}"));
    assert_true(sotto_span_is(sotto_vec_span(&files[1]), "the model"));
    sotto_vec_free(&files[0]);
    sotto_vec_free(&files[1]);
    expect_nothing_read(f, "model.sotto", 8, SOTTO_CAUSE_RANGE);
    expect_nothing_read(f, "other.json", 1000, SOTTO_CAUSE_NOT_FOUND);
    char model[240];
    (void)snprintf(model, sizeof model, "%s/1/model.sotto", f->dir);
    kit_write(model, "the MODEL", 9);
    expect_nothing_read(f, "model.sotto", 1000, SOTTO_CAUSE_CORRUPT);
    assert_int_equal(unlink(model), 0);
    assert_int_equal(mkfifo(model, 0600), 0);
    expect_nothing_read(f, "model.sotto", 1000, SOTTO_CAUSE_MALFORMED);
    kit_cause(verify(f, 1), MALFORMED, &f->diag);
    kit_ok(fetch(f), &f->diag);
    kit_ok(verify(f, 1), &f->diag);
}

/* A file that need not be there is left out by the signed list, and by nobody who can remove files. */
static void test_read_without_a_file(void **state)
{
    fixture *f = *state;
    sotto_vec files[2];
    kit_ok(fetch(f), &f->diag);
    kit_ok(read_them(f, "selftest.sotto", 1, 1000, files), &f->diag);
    assert_int_equal(files[0].len, 15);
    assert_int_equal(files[1].len, 0);
    sotto_vec_free(&files[0]);
    assert_int_equal(unlink(kit_path(f->dir, "1/model.sotto")), 0);
    kit_cause(read_them(f, "model.sotto", 1, 1000, files), CORRUPT, &f->diag);
    kit_cause(read_them(f, "model.sotto", 2, 1000, files), CORRUPT, &f->diag);
    assert_null(files[0].ptr);
    assert_int_equal(unlink(kit_path(f->dir, "1/targets.json")), 0);
    kit_cause(read_them(f, "selftest.sotto", 1, 1000, files), NOT_FOUND, &f->diag);
}

static void next_release(fixture *f, const char *model)
{
    f->r.targets[0] = '\0';
    repo_add_target(&f->r, "model.sotto", model);
    repo_add_target(&f->r, "catalogue.json", "{\"products\":[]}");
    repo_next_day(&f->r);
}

static void test_interrupted_at_each_fetch(void **state)
{
    fixture *f = *state;
    kit_ok(fetch(f), &f->diag);
    next_release(f, "the second model");
    int failures = 0;
    for (int n = 1;; n++) {
        f->r.fail_fetch = n;
        if (fetch(f) == SOTTO_OK)
            break;
        failures++;
        assert_int_equal(f->update.version, 0);
        assert_false(sotto_port_exists(kit_path(f->dir, "2/targets.json")));
        kit_ok(verify(f, 1), &f->diag);
    }
    f->r.fail_fetch = 0;
    assert_true(failures >= 4);
    kit_ok(verify(f, 2), &f->diag);
    kit_ok(verify(f, 1), &f->diag);
}

static void test_continues_where_it_stopped(void **state)
{
    fixture *f = *state;
    f->r.fail_fetch = 6; /* root, timestamp, snapshot, targets, first file, second file */
    kit_cause(fetch(f), NETWORK, &f->diag);
    f->r.fail_fetch = 0;
    kit_ok(fetch(f), &f->diag);
    assert_int_equal(f->r.fetches, 6 + 3);
}

static void test_damage_is_noticed_and_mended(void **state)
{
    fixture *f = *state;
    kit_ok(fetch(f), &f->diag);
    static const char *const files[] = {"1/model.sotto", "1/catalogue.json"};
    for (size_t i = 0; i < SOTTO_COUNT(files); i++) {
        kit_write(kit_path(f->dir, files[i]), "the mobel", 9);
        kit_cause(verify(f, 1), CORRUPT, &f->diag);
        assert_non_null(strstr(f->diag.where, files[i]));
        kit_ok(fetch(f), &f->diag);
        assert_true(f->update.changed);
        kit_ok(verify(f, 1), &f->diag);
        (void)unlink(kit_path(f->dir, files[i]));
        kit_cause(verify(f, 1), NOT_FOUND, &f->diag);
        kit_ok(fetch(f), &f->diag);
    }
}

/* Every byte of the signed list, and every shortening of it. */
static void test_list_bytes(void **state)
{
    fixture *f = *state;
    kit_ok(fetch(f), &f->diag);
    const char *path = kit_path(f->dir, "1/targets.json");
    sotto_vec good = kit_read(path);
    char list[300];
    (void)snprintf(list, sizeof list, "%s", path);
    for (size_t i = 0; i < good.len; i += 3 * KIT_STRIDE) {
        uint8_t kept = good.ptr[i];
        good.ptr[i] ^= 1;
        kit_write(list, good.ptr, good.len);
        good.ptr[i] = kept;
        assert_true(verify(f, 1) != SOTTO_OK);
        kit_write(list, good.ptr, i);
        assert_true(verify(f, 1) != SOTTO_OK);
    }
    kit_write(list, good.ptr, good.len);
    kit_ok(verify(f, 1), &f->diag);
    sotto_vec_free(&good);
}

/* A list of another version cannot pass for this one. */
static void test_list_of_another_version(void **state)
{
    fixture *f = *state;
    kit_ok(fetch(f), &f->diag);
    next_release(f, "the second model");
    kit_ok(fetch(f), &f->diag);
    static const char *const files[] = {"targets.json", "model.sotto", "catalogue.json"};
    for (size_t i = 0; i < SOTTO_COUNT(files); i++) {
        char from[64], to[64];
        (void)snprintf(from, sizeof from, "1/%s", files[i]);
        (void)snprintf(to, sizeof to, "2/%s", files[i]);
        sotto_vec bytes = kit_read(kit_path(f->dir, from));
        kit_write(kit_path(f->dir, to), bytes.ptr, bytes.len);
        sotto_vec_free(&bytes);
    }
    kit_cause(verify(f, 2), CORRUPT, &f->diag);
    kit_ok(verify(f, 1), &f->diag);
}

/* serve has its own root, and follows the chain that sync kept; what sync's folder says without the old
 * root's signature does not move it. */
static void test_verifier_follows_roots(void **state)
{
    fixture *f = *state;
    const int five[REPO_KEYS] = {5, -1}, old_new[REPO_KEYS] = {0, 4, -1}, four[REPO_KEYS] = {4, -1};
    memcpy(f->r.keys[REPO_ROOT], four, sizeof four);
    memcpy(f->r.signers[REPO_ROOT], old_new, sizeof old_new);
    memcpy(f->r.keys[REPO_TARGETS], five, sizeof five);
    memcpy(f->r.signers[REPO_TARGETS], five, sizeof five);
    f->r.version[REPO_ROOT] = 2;
    repo_publish(&f->r, REPO_ROOT);
    repo_next_day(&f->r);
    kit_ok(fetch(f), &f->diag);
    kit_ok(verify(f, 2), &f->diag);
    assert_int_equal(repo_version_on_disk(f->trust, "root"), 2);
    kit_ok(verify(f, 2), &f->diag);
    /* A forged third root in sync's folder. */
    const int forged[REPO_KEYS] = {6, -1};
    memcpy(f->r.keys[REPO_ROOT], forged, sizeof forged);
    memcpy(f->r.signers[REPO_ROOT], forged, sizeof forged);
    f->r.version[REPO_ROOT] = 3;
    repo_publish(&f->r, REPO_ROOT);
    repo_file *root = repo_find(&f->r, "3.root.json");
    kit_write(kit_path(f->dir, "metadata/roots/3.root.json"), root->bytes.ptr, root->bytes.len);
    kit_cause(verify(f, 2), AUTH, &f->diag);
    assert_int_equal(repo_version_on_disk(f->trust, "root"), 2);
}

/* A release signed by keys that were rotated away is no longer good. */
static void test_revoked_targets_keys(void **state)
{
    fixture *f = *state;
    const int five[REPO_KEYS] = {5, -1};
    kit_ok(fetch(f), &f->diag);
    kit_ok(verify(f, 1), &f->diag);
    memcpy(f->r.keys[REPO_TARGETS], five, sizeof five);
    memcpy(f->r.signers[REPO_TARGETS], five, sizeof five);
    f->r.version[REPO_ROOT] = 2;
    repo_publish(&f->r, REPO_ROOT);
    repo_next_day(&f->r);
    kit_ok(fetch(f), &f->diag);
    kit_ok(verify(f, 2), &f->diag);
    kit_cause(verify(f, 1), AUTH, &f->diag);
}

static void test_names_that_are_no_file_names(void **state)
{
    fixture *f = *state;
    static const char *const names[] = {"../model.sotto", "/etc/x", ".hidden", "a/b", "targets.json", "a b",
                                        "a\\u0007",       "x.new",  ""};
    for (size_t i = 0; i < SOTTO_COUNT(names); i++) {
        f->r.targets[0] = '\0';
        repo_target_json(names[i], "content", f->r.targets, sizeof f->r.targets);
        repo_next_day(&f->r);
        kit_cause(fetch(f), MALFORMED, &f->diag);
        assert_int_equal(f->update.version, 0);
        assert_null(strstr(f->r.fetched, "targets/"));
    }
}

static void test_current_and_forgetting(void **state)
{
    fixture *f = *state;
    uint64_t version = 7;
    kit_cause(sotto_release_current(f->dir, &version, &f->diag), NOT_FOUND, &f->diag);
    for (uint64_t v = 1; v <= 4; v++) {
        if (v > 1)
            next_release(f, v % 2 == 0 ? "even model" : "odd model");
        kit_ok(fetch(f), &f->diag);
        kit_ok(sotto_release_set_current(f->dir, v, 0, &f->diag), &f->diag);
        kit_ok(sotto_release_set_current(f->dir, v, 0, &f->diag), &f->diag);
        kit_ok(sotto_release_current(f->dir, &version, &f->diag), &f->diag);
        assert_int_equal(version, v);
    }
    assert_false(sotto_port_exists(kit_path(f->dir, "1")));
    assert_false(sotto_port_exists(kit_path(f->dir, "2")));
    kit_ok(verify(f, 3), &f->diag);
    kit_ok(verify(f, 4), &f->diag);
    kit_write(kit_path(f->dir, "current"), "four\n", 5);
    kit_cause(sotto_release_current(f->dir, &version, &f->diag), MALFORMED, &f->diag);
}

/* serve went back to the release before: the one that failed there stays on the disk, or it would be fetched
 * again every night. */
static void test_going_back(void **state)
{
    fixture *f = *state;
    kit_ok(fetch(f), &f->diag);
    kit_ok(sotto_release_set_current(f->dir, 1, 0, &f->diag), &f->diag);
    next_release(f, "a model that is unfit");
    kit_ok(fetch(f), &f->diag);
    kit_ok(sotto_release_set_current(f->dir, 2, 1, &f->diag), &f->diag);
    kit_ok(sotto_release_set_current(f->dir, 1, 1, &f->diag), &f->diag);
    kit_ok(verify(f, 1), &f->diag);
    kit_ok(verify(f, 2), &f->diag);
    memset(f->r.fetched, 0, sizeof f->r.fetched);
    kit_ok(fetch(f), &f->diag);
    assert_false(f->update.changed);
    assert_null(strstr(f->r.fetched, "targets/"));
    next_release(f, "a good model");
    kit_ok(fetch(f), &f->diag);
    assert_false(sotto_port_exists(kit_path(f->dir, "2")));
    kit_ok(verify(f, 1), &f->diag);
    kit_ok(verify(f, 3), &f->diag);
}

/* Releases that were never used, whole or half, do not pile up. */
static void test_the_unused_are_collected(void **state)
{
    fixture *f = *state;
    kit_ok(fetch(f), &f->diag);
    kit_ok(sotto_release_set_current(f->dir, 1, 0, &f->diag), &f->diag);
    for (int i = 0; i < 3; i++) {
        next_release(f, i % 2 == 0 ? "even model" : "odd model");
        kit_ok(fetch(f), &f->diag);
    }
    kit_write(kit_path(f->dir, "note"), "mine\n", 5);
    kit_ok(sotto_port_make_dir(kit_path(kit_path(f->dir, "part"), "old.model.sotto"), 0750, &f->diag),
           &f->diag);
    kit_write(kit_path(kit_path(kit_path(f->dir, "part"), "old.model.sotto"), "0"), "half", 4);
    kit_ok(sotto_port_make_dir(kit_path(f->dir, "3"), 0750, &f->diag), &f->diag);
    kit_write(kit_path(kit_path(f->dir, "3"), "model.sotto.new"), "half", 4);
    next_release(f, "the last model");
    kit_ok(fetch(f), &f->diag);
    assert_false(sotto_port_exists(kit_path(f->dir, "2")));
    assert_false(sotto_port_exists(kit_path(f->dir, "3")));
    assert_false(sotto_port_exists(kit_path(f->dir, "4")));
    assert_true(sotto_port_exists(kit_path(f->dir, "note")));
    assert_false(sotto_port_exists(kit_path(kit_path(f->dir, "part"), "old.model.sotto")));
    kit_ok(verify(f, 1), &f->diag);
    kit_ok(verify(f, 5), &f->diag);
}

/* ---- disk ---- */

static uint64_t pretended_free = UINT64_MAX;

sotto_status __real_sotto_port_disk_free(const char *path, uint64_t *bytes, sotto_diag *diag);
sotto_status __wrap_sotto_port_disk_free(const char *path, uint64_t *bytes, sotto_diag *diag);
sotto_status __wrap_sotto_port_disk_free(const char *path, uint64_t *bytes, sotto_diag *diag)
{
    sotto_status st = __real_sotto_port_disk_free(path, bytes, diag);
    if (pretended_free != UINT64_MAX)
        *bytes = pretended_free;
    return st;
}

static void test_no_room_is_said_before_the_first_byte(void **state)
{
    fixture *f = *state;
    pretended_free = 1024 * 1024 + 10;
    kit_cause(fetch(f), FULL, &f->diag);
    pretended_free = UINT64_MAX;
    assert_null(strstr(f->r.fetched, "targets/"));
    kit_ok(fetch(f), &f->diag);
}

static long calls_until_failure = -1;

static bool fails_now(void)
{
    if (calls_until_failure < 0 || calls_until_failure-- > 0)
        return false;
    errno = ENOSPC;
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

static void test_each_write_fails(void **state)
{
    fixture *f = *state;
    kit_ok(fetch(f), &f->diag);
    next_release(f, "the second model");
    for (long n = 0;; n++) {
        calls_until_failure = n;
        sotto_status st = fetch(f);
        bool reached = calls_until_failure < 0;
        calls_until_failure = -1;
        kit_ok(verify(f, 1), &f->diag);
        /* Either not there, or whole. */
        sotto_status second = verify(f, 2);
        assert_true(second == SOTTO_OK || sotto_status_cause(second) == SOTTO_CAUSE_NOT_FOUND);
        if (!reached) {
            kit_ok(st, &f->diag);
            kit_ok(second, &f->diag);
            assert_true(n > 0);
            break;
        }
        kit_cause(st, FULL, &f->diag);
    }
}

/* The swap on sync's side: at every write that fails the current release is the old or the new one, and it
 * and the one to go back to are whole. */
static void test_each_write_of_the_swap_fails(void **state)
{
    fixture *f = *state;
    kit_ok(fetch(f), &f->diag);
    kit_ok(sotto_release_set_current(f->dir, 1, 0, &f->diag), &f->diag);
    for (uint64_t v = 2; v <= 3; v++) {
        next_release(f, v == 2 ? "the second model" : "the third model");
        kit_ok(fetch(f), &f->diag);
        for (long n = 0;; n++) {
            uint64_t current = 0;
            calls_until_failure = n;
            sotto_status st = sotto_release_set_current(f->dir, v, v - 1, &f->diag);
            bool reached = calls_until_failure < 0;
            calls_until_failure = -1;
            kit_ok(sotto_release_current(f->dir, &current, &f->diag), &f->diag);
            assert_true(current == v || current == v - 1);
            kit_ok(verify(f, v), &f->diag);
            kit_ok(verify(f, v - 1), &f->diag);
            if (!reached) {
                kit_ok(st, &f->diag);
                assert_int_equal(current, v);
                break;
            }
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_fetch_and_verify, setup, teardown),
        cmocka_unit_test_setup_teardown(test_read_is_what_was_checked, setup, teardown),
        cmocka_unit_test_setup_teardown(test_read_without_a_file, setup, teardown),
        cmocka_unit_test_setup_teardown(test_interrupted_at_each_fetch, setup, teardown),
        cmocka_unit_test_setup_teardown(test_continues_where_it_stopped, setup, teardown),
        cmocka_unit_test_setup_teardown(test_damage_is_noticed_and_mended, setup, teardown),
        cmocka_unit_test_setup_teardown(test_list_bytes, setup, teardown),
        cmocka_unit_test_setup_teardown(test_list_of_another_version, setup, teardown),
        cmocka_unit_test_setup_teardown(test_verifier_follows_roots, setup, teardown),
        cmocka_unit_test_setup_teardown(test_revoked_targets_keys, setup, teardown),
        cmocka_unit_test_setup_teardown(test_names_that_are_no_file_names, setup, teardown),
        cmocka_unit_test_setup_teardown(test_current_and_forgetting, setup, teardown),
        cmocka_unit_test_setup_teardown(test_no_room_is_said_before_the_first_byte, setup, teardown),
        cmocka_unit_test_setup_teardown(test_each_write_fails, setup, teardown),
        cmocka_unit_test_setup_teardown(test_each_write_of_the_swap_fails, setup, teardown),
        cmocka_unit_test_setup_teardown(test_going_back, setup, teardown),
        cmocka_unit_test_setup_teardown(test_the_unused_are_collected, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
