#include "port_test.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>

static bool have_xz(void)
{
    int how = system("command -v xz >/dev/null 2>&1");
    return WIFEXITED(how) && WEXITSTATUS(how) == 0;
}

/* Packs path into path.xz and removes path. */
static void pack(const char *path)
{
    char command[256];
    (void)snprintf(command, sizeof command, "xz -T1 -0 -f '%s'", path);
    assert_int_equal(system(command), 0);
}

static int need_xz(void **state)
{
    *state = have_xz() ? (void *)1 : NULL;
    return 0;
}

static void plain_names_are_read_as_they_are(void **state)
{
    (void)state;
    test_place place = place_make();
    const char *path = place_path(&place, "rows.csv");
    sotto_vec got;
    sotto_vec_init(&got, 100);
    put_text(path, "a;b\n1;2\n");
    assert_ok(sotto_port_read_data_file(path, &got, NULL));
    assert_true(sotto_span_is(sotto_vec_span(&got), "a;b\n1;2\n"));
    sotto_vec_free(&got);
    assert_int_equal(unlink(path), 0);
    place_remove(&place);
}

static void packed_names_are_unpacked(void **state)
{
    if (*state == NULL)
        skip();
    test_place place = place_make();
    const char *path = place_path(&place, "-c; touch x.csv"),
               *packed = place_path(&place, "-c; touch x.csv.xz");
    sotto_vec got;
    sotto_vec_init(&got, 100);
    put_text(path, "a;b\n1;2\n");
    pack(path);
    assert_ok(sotto_port_read_data_file(packed, &got, NULL));
    assert_true(sotto_span_is(sotto_vec_span(&got), "a;b\n1;2\n"));
    sotto_vec_free(&got);
    assert_int_equal(unlink(packed), 0);
    place_remove(&place);
}

/* 64 MB of zeros in 10 KB: reading stops at the limit, and xz with it, even when SIGPIPE is ignored here. */
static void a_bomb_stops_at_the_limit(void **state)
{
    if (*state == NULL)
        skip();
    test_place place = place_make();
    const char *path = place_path(&place, "zeros"), *packed = place_path(&place, "zeros.xz");
    sotto_vec got;
    sotto_diag diag = {0};
    put_text(path, "");
    assert_int_equal(truncate(path, 64 << 20), 0);
    pack(path);
    void (*before)(int) = signal(SIGPIPE, SIG_IGN);
    sotto_vec_init(&got, 1 << 20);
    assert_cause(sotto_port_read_data_file(packed, &got, &diag), RANGE);
    assert_int_equal(got.len, 0);
    assert_string_equal(diag.where, packed);
    (void)signal(SIGPIPE, before);
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1); /* no child is left */
    sotto_vec_free(&got);
    assert_int_equal(unlink(packed), 0);
    place_remove(&place);
}

static void damage_is_told(void **state)
{
    if (*state == NULL)
        skip();
    test_place place = place_make();
    const char *path = place_path(&place, "f"), *packed = place_path(&place, "f.xz");
    sotto_vec whole, got;
    sotto_diag diag = {0};
    sotto_vec_init(&whole, 4096);
    sotto_vec_init(&got, 4096);
    put_text(path, "some rows of a table");
    pack(path);
    assert_ok(sotto_port_read_file(packed, &whole, NULL));
    for (size_t cut = 1; cut < whole.len; cut += 5) {
        assert_ok(sotto_port_write_file(packed, sotto_span_of(whole.ptr, cut), 0600, NULL));
        assert_cause(sotto_port_read_data_file(packed, &got, &diag), CORRUPT);
        assert_int_equal(got.len, 0);
        assert_string_equal(diag.where, packed);
    }
    put_text(packed, "not packed at all");
    assert_cause(sotto_port_read_data_file(packed, &got, NULL), CORRUPT);
    assert_int_equal(unlink(packed), 0);
    assert_cause(sotto_port_read_data_file(packed, &got, NULL), NOT_FOUND);
    sotto_vec_free(&got);
    sotto_vec_free(&whole);
    place_remove(&place);
}

static void a_machine_without_xz_gets_a_hint(void **state)
{
    (void)state;
    test_place place = place_make();
    const char *packed = place_path(&place, "f.xz");
    sotto_vec got;
    sotto_diag diag = {0};
    const char *path_now = getenv("PATH");
    char *before = strdup(path_now == NULL ? "" : path_now);
    assert_non_null(before);
    put_text(packed, "x");
    assert_int_equal(setenv("PATH", place.folder, 1), 0);
    sotto_vec_init(&got, 100);
    assert_cause(sotto_port_read_data_file(packed, &got, &diag), NOT_FOUND);
    assert_non_null(strstr(diag.text, "xz-utils"));
    assert_int_equal(setenv("PATH", before, 1), 0);
    free(before);
    sotto_vec_free(&got);
    assert_int_equal(unlink(packed), 0);
    place_remove(&place);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plain_names_are_read_as_they_are),
        cmocka_unit_test_setup(packed_names_are_unpacked, need_xz),
        cmocka_unit_test_setup(a_bomb_stops_at_the_limit, need_xz),
        cmocka_unit_test_setup(damage_is_told, need_xz),
        cmocka_unit_test(a_machine_without_xz_gets_a_hint),
    };
    return cmocka_run_group_tests_name("port.data_file", tests, NULL, NULL);
}
