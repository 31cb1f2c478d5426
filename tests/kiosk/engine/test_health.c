/* What the store remembers of releases that passed and failed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../temp.h"
#include "engine/health.h"

#define SEVEN UINT64_C(7)

static sotto_store *store;

static sotto_store *open_store(bool create)
{
    char path[KIOSK_PATH_MAX];
    temp_path("sotto.db", path);
    sotto_store_config config = {.path = path, .key = {1, 2, 3}, .create = create};
    sotto_store *out = NULL;
    assert_int_equal(sotto_store_open(&out, &config, NULL), SOTTO_OK);
    return out;
}

static int set_up(void **state)
{
    (void)state;
    temp_make();
    assert_int_equal(sotto_vault_start(NULL), SOTTO_OK);
    store = open_store(true);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    sotto_store_close(store);
    temp_remove();
    return 0;
}

static kiosk_health read_again(void)
{
    kiosk_health h;
    sotto_store_close(store);
    store = open_store(false);
    assert_int_equal(kiosk_health_read(store, &h, NULL), SOTTO_OK);
    return h;
}

static void nothing_is_known_at_first(void **state)
{
    (void)state;
    kiosk_health h = read_again();
    assert_true(h.trying == 0 && h.good == 0 && h.failed == 0 && h.why == KIOSK_UNWELL_NONE);
    assert_false(kiosk_health_failed(&h, SEVEN));
}

/* A power cut leaves a mark like a crash does: only several of them in a row are a verdict. */
static void three_tries_without_an_end_are_a_crash(void **state)
{
    (void)state;
    for (int i = 0; i < 3; i++) {
        kiosk_health h = read_again();
        assert_int_equal(kiosk_health_try(store, &h, SEVEN, NULL), SOTTO_OK);
        assert_false(kiosk_health_failed(&h, SEVEN));
    }
    kiosk_health h = read_again();
    assert_int_equal(kiosk_health_try(store, &h, SEVEN, NULL), SOTTO_OK);
    h = read_again();
    assert_true(kiosk_health_failed(&h, SEVEN));
    assert_int_equal(h.why, KIOSK_UNWELL_CRASH);
    assert_string_equal(kiosk_unwell_code(h.why), "crash");
}

static void a_try_that_ended_counts_no_more(void **state)
{
    (void)state;
    for (int i = 0; i < 9; i++) {
        kiosk_health h = read_again();
        assert_int_equal(kiosk_health_try(store, &h, SEVEN, NULL), SOTTO_OK);
        h = read_again();
        assert_int_equal(kiosk_health_leave(store, &h, NULL), SOTTO_OK);
    }
    kiosk_health h = read_again();
    assert_false(kiosk_health_failed(&h, SEVEN));
    /* Nor do tries of another release. */
    for (uint64_t v = 8; v < 20; v++)
        assert_int_equal(kiosk_health_try(store, &h, v, NULL), SOTTO_OK);
    assert_int_equal(h.failed, 0);
}

static void a_verdict_holds_for_this_program(void **state)
{
    (void)state;
    kiosk_health h = read_again();
    h.good = 6;
    assert_int_equal(kiosk_health_fail(store, &h, SEVEN, KIOSK_UNWELL_MEMORY, NULL), SOTTO_OK);
    h = read_again();
    assert_true(kiosk_health_failed(&h, SEVEN) && h.good == 6 && h.why == KIOSK_UNWELL_MEMORY);
    assert_false(kiosk_health_failed(&h, 8));
    snprintf(h.failed_by, sizeof h.failed_by, "0.0.1"); /* an update may understand it */
    assert_false(kiosk_health_failed(&h, SEVEN));
    assert_int_equal(kiosk_health_pass(store, &h, 8, NULL), SOTTO_OK);
    h = read_again();
    assert_true(h.failed == 0 && h.why == KIOSK_UNWELL_NONE && h.good == 6);
    assert_string_equal(h.passed_by, SOTTO_VERSION);
}

/* Every byte of it changed, and cut off anywhere: what is not understood is as nothing. */
static void damage_is_as_nothing(void **state)
{
    (void)state;
    uint8_t bytes[128];
    kiosk_health h = {.good = 5, .failed = 7, .why = KIOSK_UNWELL_LOAD, .failed_by = "1", .passed_by = "2"};
    assert_int_equal(kiosk_health_write(store, &h, NULL), SOTTO_OK);
    sotto_buf whole = sotto_buf_of(bytes, sizeof bytes);
    assert_int_equal(sotto_store_get_blob(store, "release.health", &whole, NULL), SOTTO_OK);
    for (size_t len = 0; len < whole.len; len++) {
        assert_int_equal(sotto_store_set_blob(store, "release.health", sotto_span_of(bytes, len), NULL),
                         SOTTO_OK);
        assert_int_equal(kiosk_health_read(store, &h, NULL), SOTTO_OK);
        assert_true(h.good == 0 && h.failed == 0);
    }
    for (size_t at = 0; at < whole.len; at++) {
        bytes[at] ^= 0xff;
        assert_int_equal(sotto_store_set_blob(store, "release.health", sotto_span_of(bytes, whole.len), NULL),
                         SOTTO_OK);
        assert_int_equal(kiosk_health_read(store, &h, NULL), SOTTO_OK);
        assert_true(h.why < KIOSK_UNWELL_COUNT);
        bytes[at] ^= 0xff;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(nothing_is_known_at_first, set_up, tear_down),
        cmocka_unit_test_setup_teardown(three_tries_without_an_end_are_a_crash, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_try_that_ended_counts_no_more, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_verdict_holds_for_this_program, set_up, tear_down),
        cmocka_unit_test_setup_teardown(damage_is_as_nothing, set_up, tear_down)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
