/* Every status prints as its room and cause, and ends a program with its own exit code. */
#include "sotto/base.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

static void ok_is_zero_and_says_so(void **state)
{
    (void)state;
    assert_int_equal(sotto_status_cause(SOTTO_OK), 0);
    assert_int_equal(sotto_status_exit_code(SOTTO_OK), 0);
    assert_string_equal(sotto_status_cause_text(SOTTO_OK), "ok");
}

static void every_room_and_cause_is_named(void **state)
{
    (void)state;
#define R(name, number, text)                                                                                \
    assert_string_equal(sotto_status_room_name(SOTTO_ERR(name, IO)), text);                                  \
    assert_int_equal(sotto_status_cause(SOTTO_ERR(name, IO)), SOTTO_CAUSE_IO);
    SOTTO_ROOMS(R)
#undef R
#define C(name, number, exit_code, text)                                                                     \
    assert_true(SOTTO_ERR(STORE, name) < 0);                                                                 \
    assert_string_equal(sotto_status_cause_text(SOTTO_ERR(STORE, name)), text);                              \
    assert_int_equal(sotto_status_exit_code(SOTTO_ERR(STORE, name)), exit_code);
    SOTTO_CAUSES(C)
#undef C
}

static void unknown_numbers_are_failures_without_a_name(void **state)
{
    (void)state;
    static const sotto_status STRANGE[] = {-255, -(200 << 8 | 1), INT32_MIN, 1, INT32_MAX};
    for (size_t i = 0; i < SOTTO_COUNT(STRANGE); i++) {
        assert_string_equal(sotto_status_room_name(STRANGE[i]), "?");
        assert_true(sotto_status_exit_code(STRANGE[i]) != 0);
        assert_true(strlen(sotto_status_cause_text(STRANGE[i])) > 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ok_is_zero_and_says_so),
        cmocka_unit_test(every_room_and_cause_is_named),
        cmocka_unit_test(unknown_numbers_are_failures_without_a_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
