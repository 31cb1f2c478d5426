#include "sotto/base.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

static void spans_compare_by_bytes(void **state)
{
    (void)state;
    sotto_span nothing = sotto_span_of(NULL, 0);
    assert_true(sotto_span_equal(nothing, sotto_span_str("")));
    assert_true(sotto_span_is(sotto_span_of("abc", 2), "ab"));
    assert_false(sotto_span_is(sotto_span_of("abc", 3), "ab"));
    assert_false(sotto_span_equal(sotto_span_str("ab"), sotto_span_str("ac")));
    assert_false(sotto_span_equal(nothing, sotto_span_str("a")));
}

static void a_buffer_takes_all_or_nothing(void **state)
{
    (void)state;
    uint8_t memory[4] = {9, 9, 9, 9};
    sotto_buf buf = sotto_buf_of(memory, 3);
    assert_int_equal(sotto_buf_put(&buf, "ab", 2), SOTTO_OK);
    assert_int_equal(sotto_buf_put(&buf, "cd", 2), SOTTO_ERR(BASE, NO_SPACE));
    assert_int_equal(sotto_buf_put(&buf, "cd", SIZE_MAX), SOTTO_ERR(BASE, NO_SPACE));
    assert_int_equal(buf.len, 2);
    assert_int_equal(memory[2], 9);
    assert_int_equal(sotto_buf_put(&buf, "c", 1), SOTTO_OK);
    assert_int_equal(sotto_buf_put(&buf, NULL, 0), SOTTO_OK);
    assert_true(sotto_span_is(sotto_buf_span(&buf), "abc"));
    assert_int_equal(memory[3], 9);
}

static void strings_are_whole_or_empty(void **state)
{
    (void)state;
    char out[4];
    assert_int_equal(sotto_span_to_str(sotto_span_str("abc"), out, sizeof out), SOTTO_OK);
    assert_string_equal(out, "abc");
    assert_int_equal(sotto_span_to_str(sotto_span_str("abcd"), out, sizeof out), SOTTO_ERR(BASE, NO_SPACE));
    assert_string_equal(out, "");
    assert_int_equal(sotto_span_to_str(sotto_span_of("a\0b", 3), out, sizeof out),
                     SOTTO_ERR(BASE, MALFORMED));
    assert_string_equal(out, "");
    assert_int_equal(sotto_span_to_str(sotto_span_of(NULL, 0), out, 1), SOTTO_OK);
    assert_string_equal(out, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(spans_compare_by_bytes),
        cmocka_unit_test(a_buffer_takes_all_or_nothing),
        cmocka_unit_test(strings_are_whole_or_empty),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
