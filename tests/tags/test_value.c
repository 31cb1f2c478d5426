#include "tags_test.h"

typedef struct pair {
    const char *id, *text;
    int64_t num;
} pair;

static void test_good_values(void **state)
{
    (void)state;
    static const pair GOOD[] = {
        {"consent", "1", 1},
        {"consent", "false", 0},
        {"consent", "yes", 1},
        {"consent", "no", 0},
        {"segment", "young", 0},
        {"segment", "old", 1},
        {"age", "41", 41},
        {"age", "-1", -1},
        {"balance", "12.50", 1250},
        {"balance", "-0.5", -50},
        {"balance", "7", 700},
        {"joined", "1970-01-01", 0},
        {"joined", "2026-11-21", TODAY},
        {"joined", "0001-01-01", -719162},
        {"visits", "0", 0},
        {"visits", "3", 7},
        {"visits", "30", (1 << 30) - 1},
        {"nickname", "Zo\xc3\xab", 0},
    };
    fixture f;
    fixture_open(&f);
    for (size_t i = 0; i < SOTTO_COUNT(GOOD); i++) {
        sotto_tag_value value;
        const sotto_tag *tag = sotto_dictionary_at(f.d, tag_index(&f, GOOD[i].id));
        assert_int_equal(sotto_tag_parse(tag, sotto_span_str(GOOD[i].text), TODAY, &value, NULL), SOTTO_OK);
        assert_true(value.present);
        assert_int_equal(value.set_day, TODAY);
        assert_true(value.num == GOOD[i].num);
    }
}

static void test_bad_values(void **state)
{
    (void)state;
    static const pair BAD[] = {
        {"consent", "2", 0},
        {"consent", "Yes", 0},
        {"consent", " 1", 0},
        {"segment", "Old", 0},
        {"segment", "0", 0},
        {"age", "4.0", 0},
        {"age", "1e3", 0},
        {"age", "99999999999999999999", 0},
        {"age", "2000000000000000000", 0},
        {"balance", "12.505", 0},
        {"balance", "12,50", 0},
        {"balance", "+1", 0},
        {"joined", "2026-02-29", 0},
        {"joined", "2026-2-9", 0},
        {"joined", "21.11.2026", 0},
        {"joined", "2026-11-21 ", 0},
        {"visits", "31", 0},
        {"visits", "-1", 0},
        {"nickname", "a\nb", 0},
        {"nickname", "\xff", 0},
    };
    fixture f;
    fixture_open(&f);
    for (size_t i = 0; i < SOTTO_COUNT(BAD); i++) {
        sotto_tag_value value;
        sotto_diag diag = {0};
        const sotto_tag *tag = sotto_dictionary_at(f.d, tag_index(&f, BAD[i].id));
        sotto_status status = sotto_tag_parse(tag, sotto_span_str(BAD[i].text), TODAY, &value, &diag);
        if (status == SOTTO_OK)
            fail_msg("'%s' was taken for %s", BAD[i].text, BAD[i].id);
        assert_true(sotto_status_cause(status) == SOTTO_CAUSE_MALFORMED ||
                    sotto_status_cause(status) == SOTTO_CAUSE_RANGE);
        assert_false(value.present);
        assert_non_null(strstr(diag.text, BAD[i].id)); /* names the tag, */
        if (strlen(BAD[i].text) > 5)
            assert_null(strstr(diag.text, BAD[i].text)); /* never the value */
    }
}

static void test_long_text_is_refused(void **state)
{
    (void)state;
    fixture f;
    fixture_open(&f);
    char text[SOTTO_TAG_TEXT_MAX + 1];
    memset(text, 'x', sizeof text);
    const sotto_tag *tag = sotto_dictionary_at(f.d, tag_index(&f, "nickname"));
    sotto_tag_value value;
    assert_int_equal(sotto_tag_parse(tag, sotto_span_of(text, SOTTO_TAG_TEXT_MAX), TODAY, &value, NULL),
                     SOTTO_OK);
    assert_int_equal(
        sotto_status_cause(sotto_tag_parse(tag, sotto_span_of(text, sizeof text), TODAY, &value, NULL)),
        SOTTO_CAUSE_RANGE);
}

static void test_empty_is_absent(void **state)
{
    (void)state;
    fixture f;
    fixture_open(&f);
    for (size_t i = 0; i < sotto_dictionary_count(f.d); i++) {
        sotto_tag_value value = {.present = true};
        char out[8] = "x";
        assert_int_equal(sotto_tag_parse(sotto_dictionary_at(f.d, i), (sotto_span){0}, TODAY, &value, NULL),
                         SOTTO_OK);
        assert_false(value.present);
        assert_int_equal(sotto_tag_format(sotto_dictionary_at(f.d, i), &value, out, sizeof out), SOTTO_OK);
        assert_string_equal(out, "");
    }
}

/* What format writes, parse reads as the same number, over random values of every kind. */
static void test_round_trip(void **state)
{
    (void)state;
    fixture f;
    fixture_open(&f);
    uint64_t seed = 20261121;
    static const int64_t SPAN[] = {2000000, 200, 2, 2, 1, 40000, 40000, 0, 40000, 1000, 1000};
    for (int round = 0; round < 2000; round++)
        for (size_t i = 0; i < sotto_dictionary_count(f.d); i++) {
            const sotto_tag *tag = sotto_dictionary_at(f.d, i);
            if (SPAN[i] == 0)
                continue;
            sotto_tag_value value = {.present = true, .set_day = TODAY}, back;
            value.num = (int64_t)(next_random(&seed) % (uint64_t)SPAN[i]);
            if (tag->kind == SOTTO_TAG_TEXT)
                value.text = sotto_span_str("a b");
            char out[64];
            assert_int_equal(sotto_tag_format(tag, &value, out, sizeof out), SOTTO_OK);
            assert_int_equal(sotto_tag_parse(tag, sotto_span_str(out), TODAY, &back, NULL), SOTTO_OK);
            assert_true(back.num == value.num && sotto_span_equal(back.text, value.text));
        }
}

static void test_format_needs_room(void **state)
{
    (void)state;
    fixture f;
    fixture_open(&f);
    set_tag(&f, "balance", "1234.50");
    size_t i = tag_index(&f, "balance");
    char out[8];
    assert_int_equal(sotto_tag_format(sotto_dictionary_at(f.d, i), &f.profile.values[i], out, 8), SOTTO_OK);
    assert_string_equal(out, "1234.50");
    assert_int_equal(
        sotto_status_cause(sotto_tag_format(sotto_dictionary_at(f.d, i), &f.profile.values[i], out, 7)),
        SOTTO_CAUSE_NO_SPACE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good_values),          cmocka_unit_test(test_bad_values),
        cmocka_unit_test(test_long_text_is_refused), cmocka_unit_test(test_empty_is_absent),
        cmocka_unit_test(test_round_trip),           cmocka_unit_test(test_format_needs_room),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
