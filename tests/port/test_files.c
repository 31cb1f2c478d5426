#include "port_test.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>

static unsigned mode_of(const char *path)
{
    struct stat info;
    assert_int_equal(stat(path, &info), 0);
    return (unsigned)(info.st_mode & 07777);
}

static void reads_a_whole_file(void **state)
{
    (void)state;
    test_place place = place_make();
    const char *path = place_path(&place, "f");
    enum { LEN = 20000 };
    uint8_t *bytes = malloc(LEN);
    assert_non_null(bytes);
    for (size_t i = 0; i < LEN; i++)
        bytes[i] = (uint8_t)(i * 31 >> 3);
    for (size_t len = 0; len <= LEN; len = len * 3 + 1) {
        sotto_vec got;
        sotto_vec_init(&got, LEN);
        assert_ok(sotto_port_write_file(path, sotto_span_of(bytes, len), 0600, NULL));
        assert_ok(sotto_port_read_file(path, &got, NULL));
        assert_true(sotto_span_equal(sotto_vec_span(&got), sotto_span_of(bytes, len)));
        sotto_vec_free(&got);
    }
    free(bytes);
    assert_int_equal(unlink(path), 0);
    place_remove(&place);
}

static void a_file_too_large_changes_nothing(void **state)
{
    (void)state;
    test_place place = place_make();
    const char *path = place_path(&place, "f");
    sotto_vec got;
    sotto_diag diag = {0};
    put_text(path, "12345678");
    sotto_vec_init(&got, 10);
    assert_ok(sotto_vec_put(&got, "abc", 3));
    assert_cause(sotto_port_read_file(path, &got, &diag), RANGE);
    assert_true(sotto_span_is(sotto_vec_span(&got), "abc"));
    assert_string_equal(diag.where, path);
    put_text(path, "1234567");
    assert_ok(sotto_port_read_file(path, &got, NULL)); /* appends, exactly up to the limit */
    assert_true(sotto_span_is(sotto_vec_span(&got), "abc1234567"));
    sotto_vec_free(&got);
    assert_int_equal(unlink(path), 0);
    place_remove(&place);
}

static void missing_files_and_folders_are_told(void **state)
{
    (void)state;
    test_place place = place_make();
    sotto_vec got;
    sotto_diag diag = {0};
    const char *absent = place_path(&place, "absent");
    sotto_vec_init(&got, 100);
    assert_cause(sotto_port_read_file(absent, &got, &diag), NOT_FOUND);
    assert_string_equal(diag.where, absent);
    assert_cause(sotto_port_read_file(place.folder, &got, NULL), IO); /* a folder is not a file */
    assert_cause(sotto_port_remove_file(absent, NULL), NOT_FOUND);
    assert_cause(sotto_port_check_private(absent, NULL), NOT_FOUND);
    const char *deep = place_path(&place, "absent/f");
    assert_cause(sotto_port_write_file(deep, sotto_span_str("x"), 0600, &diag), NOT_FOUND);
    assert_string_equal(diag.where, deep);
    assert_cause(sotto_port_write_file(place_path(&place, ""), sotto_span_str("x"), 0600, NULL), USAGE);
    assert_false(sotto_port_exists(absent));
    assert_true(sotto_port_exists(place.folder));
    assert_null(got.ptr);
    place_remove(&place);
}

static void replaces_content_and_mode(void **state)
{
    (void)state;
    test_place place = place_make();
    const char *path = place_path(&place, "f");
    mode_t old_mask = umask(0777); /* the mode must not depend on it */
    assert_ok(sotto_port_write_file(path, sotto_span_str("one"), 0640, NULL));
    assert_int_equal(mode_of(path), 0640);
    assert_ok(sotto_port_write_file(path, sotto_span_str("second"), 0600, NULL));
    (void)umask(old_mask);
    assert_int_equal(mode_of(path), 0600);
    assert_file_is(path, "second");
    assert_ok(sotto_port_write_file(path, sotto_span_of(NULL, 0), 0600, NULL));
    assert_file_is(path, "");
    assert_ok(sotto_port_remove_file(path, NULL));
    place_remove(&place);
}

static void writes_beside_the_working_folder(void **state)
{
    (void)state;
    test_place place = place_make();
    char before[256];
    assert_non_null(getcwd(before, sizeof before));
    assert_int_equal(chdir(place.folder), 0);
    assert_ok(sotto_port_write_file("plain-name", sotto_span_str("here"), 0600, NULL));
    assert_file_is("plain-name", "here");
    assert_ok(sotto_port_remove_file("plain-name", NULL));
    assert_int_equal(chdir(before), 0);
    place_remove(&place);
}

static void creates_but_never_replaces(void **state)
{
    (void)state;
    test_place place = place_make();
    const char *path = place_path(&place, "f"), *link_path = place_path(&place, "link");
    sotto_diag diag = {0};
    assert_ok(sotto_port_create_file(path, sotto_span_str("mine"), 0400, NULL));
    assert_int_equal(mode_of(path), 0400);
    assert_cause(sotto_port_create_file(path, sotto_span_str("other"), 0600, &diag), EXISTS);
    assert_string_equal(diag.where, path);
    assert_file_is(path, "mine");
    assert_int_equal(symlink("nowhere", link_path), 0); /* a dangling link is there, too */
    assert_cause(sotto_port_create_file(link_path, sotto_span_str("x"), 0600, NULL), EXISTS);
    assert_ok(sotto_port_remove_file(link_path, NULL));
    assert_ok(sotto_port_remove_file(path, NULL));
    place_remove(&place);
}

/* What a power cut left under the temporary name is used up by the next write, whatever it is. */
static void leftovers_do_not_pile_up(void **state)
{
    (void)state;
    test_place place = place_make();
    const char *path = place_path(&place, "f"), *left = place_path(&place, "f.new");
    put_text(left, "half a file that is longer than the new one");
    assert_ok(sotto_port_write_file(path, sotto_span_str("whole"), 0600, NULL));
    assert_file_is(path, "whole");
    assert_false(sotto_port_exists(left));
    /* A second name of the real file under the temporary name must not be truncated through it. */
    assert_int_equal(link(path, left), 0);
    assert_cause(sotto_port_write_file(path, sotto_span_str("x"), 0600, NULL), BUSY);
    assert_file_is(path, "whole");
    assert_int_equal(unlink(left), 0);
    assert_int_equal(symlink(path, left), 0); /* nor through a link */
    assert_cause(sotto_port_write_file(path, sotto_span_str("x"), 0600, NULL), IO);
    assert_file_is(path, "whole");
    assert_int_equal(unlink(left), 0);
    assert_int_equal(unlink(path), 0);
    place_remove(&place);
}

static void two_writers_do_not_mix(void **state)
{
    (void)state;
    test_place place = place_make();
    const char *path = place_path(&place, "f"), *temporary = place_path(&place, "f.new");
    put_text(path, "old");
    put_text(temporary, "the other writer's half");
    int fd = open(temporary, O_RDWR | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(flock(fd, LOCK_EX), 0);
    assert_cause(sotto_port_write_file(path, sotto_span_str("x"), 0600, NULL), BUSY);
    assert_file_is(path, "old");
    assert_file_is(temporary, "the other writer's half");
    assert_int_equal(close(fd), 0);
    assert_ok(sotto_port_write_file(path, sotto_span_str("new"), 0600, NULL));
    assert_file_is(path, "new");
    assert_int_equal(unlink(path), 0);
    place_remove(&place);
}

static void makes_folders_down_to_the_last(void **state)
{
    (void)state;
    test_place place = place_make();
    const char *deep = place_path(&place, "a//b/c/"), *file = place_path(&place, "a/f");
    mode_t old_mask = umask(077);
    assert_ok(sotto_port_make_dir(deep, 0750, NULL));
    (void)umask(old_mask);
    assert_int_equal(mode_of(place_path(&place, "a")), 0750);
    assert_int_equal(mode_of(deep), 0750);
    assert_int_equal(chmod(place_path(&place, "a"), 0700), 0);
    assert_ok(sotto_port_make_dir(deep, 0755, NULL));
    assert_int_equal(mode_of(place_path(&place, "a")), 0700); /* what is there keeps its mode */
    assert_int_equal(mode_of(deep), 0750);
    put_text(file, "x");
    assert_cause(sotto_port_make_dir(file, 0700, NULL), EXISTS);
    assert_cause(sotto_port_make_dir(place_path(&place, "a/f/g"), 0700, NULL), EXISTS);
    assert_cause(sotto_port_make_dir("", 0700, NULL), NOT_FOUND);
    assert_ok(sotto_port_make_dir("/", 0700, NULL));
    assert_ok(sotto_port_make_dir("/tmp", 0700, NULL));
    assert_int_equal(unlink(file), 0);
    assert_int_equal(rmdir(deep), 0);
    assert_int_equal(rmdir(place_path(&place, "a/b")), 0);
    assert_int_equal(rmdir(place_path(&place, "a")), 0);
    place_remove(&place);
}

static void private_means_nobody_else(void **state)
{
    (void)state;
    test_place place = place_make();
    const char *path = place_path(&place, "key");
    sotto_port_rights rights = {0};
    put_text(path, "k");
    for (unsigned mode = 0; mode < 01000; mode++) {
        sotto_diag diag = {0};
        assert_int_equal(chmod(path, (mode_t)mode), 0);
        if ((mode & 077) == 0) {
            assert_ok(sotto_port_check_private(path, &diag));
        } else {
            assert_cause(sotto_port_check_private(path, &diag), DENIED);
            assert_string_equal(diag.where, path);
        }
        assert_ok(sotto_port_rights_of(path, &rights, NULL));
        assert_int_equal(sotto_port_shared(&rights), (mode & 077) != 0);
    }
    assert_int_equal(chmod(path, 0600), 0);
    assert_ok(sotto_port_rights_of(path, &rights, NULL));
    assert_int_equal(rights.owner, geteuid());
    assert_int_equal(rights.mode, 0600);
    assert_false(sotto_port_shared(&rights));
    assert_cause(sotto_port_rights_of(place_path(&place, "absent"), &rights, NULL), NOT_FOUND);
    if (geteuid() == 0) { /* another user's file is not private for us, and is so for him */
        assert_int_equal(chown(path, 12345, (gid_t)-1), 0);
        assert_ok(sotto_port_rights_of(path, &rights, NULL));
        assert_int_equal(rights.owner, 12345);
        assert_false(sotto_port_shared(&rights));
        assert_cause(sotto_port_check_private(path, NULL), DENIED);
    }
    assert_int_equal(unlink(path), 0);
    place_remove(&place);
}

static void tells_free_disk(void **state)
{
    (void)state;
    uint64_t bytes = 0;
    sotto_diag diag = {0};
    assert_ok(sotto_port_disk_free("/tmp", &bytes, NULL));
    assert_true(bytes > 4096);
    assert_cause(sotto_port_disk_free("/absent/folder", &bytes, &diag), NOT_FOUND);
    assert_string_equal(diag.where, "/absent/folder");
}

static void endless_input_is_bounded(void **state)
{
    (void)state;
    sotto_vec got;
    sotto_vec_init(&got, 10000);
    assert_cause(sotto_port_read_file("/dev/zero", &got, NULL), RANGE);
    assert_int_equal(got.len, 0);
    sotto_vec_free(&got);
}

/* Nobody writes into it: a reader that waited would wait for ever. */
static void a_pipe_is_not_a_file(void **state)
{
    (void)state;
    test_place place = place_make();
    const char *path = place_path(&place, "pipe");
    sotto_vec got;
    sotto_diag diag = {0};
    sotto_vec_init(&got, 100);
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_cause(sotto_port_read_file(path, &got, &diag), MALFORMED);
    assert_string_equal(diag.where, path);
    assert_int_equal(unlink(path), 0);
    place_remove(&place);
}

static void lock_is_held_by_one(void **state)
{
    (void)state;
    test_place place = place_make();
    const char *path = place_path(&place, "lock");
    sotto_port_lock first, second;
    sotto_diag diag = {0};
    char expected[64];
    assert_ok(sotto_port_lock_take(&first, path, NULL));
    assert_cause(sotto_port_lock_take(&second, path, &diag), BUSY);
    assert_int_equal(second.fd, -1);
    (void)snprintf(expected, sizeof expected, "in use by process %ld", (long)getpid());
    assert_string_equal(diag.text, expected);
    sotto_port_lock_drop(&second); /* harmless */
    sotto_port_lock_drop(&first);
    assert_int_equal(first.fd, -1);
    assert_ok(sotto_port_lock_take(&second, path, NULL));
    sotto_port_lock_drop(&second);
    assert_cause(sotto_port_lock_take(&first, "/absent/lock", NULL), NOT_FOUND);
    assert_int_equal(unlink(path), 0);
    place_remove(&place);
}

static void lock_ends_with_its_process(void **state)
{
    (void)state;
    test_place place = place_make();
    const char *path = place_path(&place, "lock");
    int ready[2];
    char byte = 0;
    sotto_port_lock lock;
    assert_int_equal(pipe(ready), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        bool took = sotto_port_lock_take(&lock, path, NULL) == SOTTO_OK;
        if (!took || write(ready[1], "x", 1) != 1)
            _exit(1);
        for (;;)
            (void)pause();
    }
    assert_int_equal(read(ready[0], &byte, 1), 1);
    assert_cause(sotto_port_lock_take(&lock, path, NULL), BUSY);
    assert_int_equal(kill(child, SIGKILL), 0);
    assert_int_equal(waitpid(child, NULL, 0), child);
    assert_ok(sotto_port_lock_take(&lock, path, NULL));
    sotto_port_lock_drop(&lock);
    assert_int_equal(close(ready[0]) + close(ready[1]), 0);
    assert_int_equal(unlink(path), 0);
    place_remove(&place);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_a_whole_file),
        cmocka_unit_test(a_file_too_large_changes_nothing),
        cmocka_unit_test(missing_files_and_folders_are_told),
        cmocka_unit_test(replaces_content_and_mode),
        cmocka_unit_test(writes_beside_the_working_folder),
        cmocka_unit_test(creates_but_never_replaces),
        cmocka_unit_test(leftovers_do_not_pile_up),
        cmocka_unit_test(two_writers_do_not_mix),
        cmocka_unit_test(makes_folders_down_to_the_last),
        cmocka_unit_test(private_means_nobody_else),
        cmocka_unit_test(tells_free_disk),
        cmocka_unit_test(endless_input_is_bounded),
        cmocka_unit_test(a_pipe_is_not_a_file),
        cmocka_unit_test(lock_is_held_by_one),
        cmocka_unit_test(lock_ends_with_its_process),
    };
    return cmocka_run_group_tests_name("port.files", tests, NULL, NULL);
}
