#include "sotto/base.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

static void nobody_needs_to_ask_for_a_diagnosis(void **state)
{
    (void)state;
    sotto_status status = SOTTO_ERR(CODEC, RANGE);
    assert_int_equal(sotto_diag_set(NULL, status, "x"), status);
    assert_int_equal(sotto_diag_at(NULL, status, "f", 1, "x"), status);
    assert_int_equal(sotto_diag_at_offset(NULL, status, "f", 1, "x"), status);
}

static void assert_formats(const sotto_diag *diag, const char *expected)
{
    char text[512];
    size_t len = sotto_diag_format(diag, text, sizeof text);
    assert_string_equal(text, expected);
    assert_int_equal(len, strlen(expected));
}

static void the_place_comes_first(void **state)
{
    (void)state;
    sotto_diag diag = {0};
    sotto_status status = SOTTO_ERR(CODEC, MALFORMED);
    assert_int_equal(sotto_diag_at(&diag, status, "a.csv", 7, "%d fields", 3), status);
    assert_formats(&diag, "a.csv:7: 3 fields (codec: input is not of the form it must have)");
    assert_int_equal(sotto_diag_at_offset(&diag, SOTTO_ERR(MODEL, CORRUPT), "m.sotto", 0, "bad"),
                     SOTTO_ERR(MODEL, CORRUPT));
    assert_formats(&diag, "m.sotto: byte 0: bad (model: a checksum, page or chain does not match)");
    assert_int_equal(sotto_diag_at(&diag, SOTTO_ERR(STORE, FULL), "", 0, "no"), SOTTO_ERR(STORE, FULL));
    assert_formats(&diag, "no (store: disk full)");
}

static void a_later_message_keeps_the_place(void **state)
{
    (void)state;
    sotto_diag diag = {0};
    assert_true(sotto_diag_at(&diag, SOTTO_ERR(CODEC, RANGE), "p.json: cap", 3, "too large") < 0);
    assert_true(sotto_diag_set(&diag, SOTTO_ERR(DECIDE, RANGE), "policy refused: %s", diag.text) < 0);
    assert_formats(&diag, "p.json: cap:3: policy refused: too large (decide: a value is outside its range)");
}

static void input_cannot_break_the_line(void **state)
{
    (void)state;
    sotto_diag diag = {0};
    assert_true(sotto_diag_at(&diag, SOTTO_ERR(CODEC, RANGE), "a\nb", 0, "x\r\n\x1b[31m\x7fy") < 0);
    assert_string_equal(diag.where, "a?b");
    assert_string_equal(diag.text, "x???[31m?y");
}

static void long_texts_are_cut_between_characters(void **state)
{
    (void)state;
    char big[600];
    for (size_t i = 0; i + 2 < sizeof big; i += 2)
        memcpy(big + i, "\xc3\xa9", 2); /* e with an accent: an even cut would fall inside one */
    big[sizeof big - 2] = '\0';
    sotto_diag diag = {0};
    assert_true(sotto_diag_at(&diag, SOTTO_ERR(CODEC, RANGE), big, 0, "%s", big) < 0);
    assert_int_equal(strlen(diag.where), sizeof diag.where - 2);
    assert_int_equal(strlen(diag.text), sizeof diag.text - 2);
}

static void any_capacity_is_kept(void **state)
{
    (void)state;
    sotto_diag diag = {0};
    assert_true(sotto_diag_at(&diag, SOTTO_ERR(CODEC, RANGE), "file", 12, "something") < 0);
    char whole[256], part[256];
    size_t full = sotto_diag_format(&diag, whole, sizeof whole);
    assert_int_equal(sotto_diag_format(&diag, part, 0), 0);
    for (size_t cap = 1; cap <= full + 2; cap++) {
        memset(part, 'z', sizeof part);
        size_t len = sotto_diag_format(&diag, part, cap);
        assert_int_equal(len, cap - 1 < full ? cap - 1 : full);
        assert_int_equal(strlen(part), len);
        assert_memory_equal(part, whole, len);
        assert_int_equal(part[cap], 'z');
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nobody_needs_to_ask_for_a_diagnosis),
        cmocka_unit_test(the_place_comes_first),
        cmocka_unit_test(a_later_message_keeps_the_place),
        cmocka_unit_test(input_cannot_break_the_line),
        cmocka_unit_test(long_texts_are_cut_between_characters),
        cmocka_unit_test(any_capacity_is_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
