#include "codec_test.h"

static void write_sample(sotto_json_writer *w)
{
    sotto_json_obj(w);
    sotto_json_name(w, "n\"1");
    sotto_json_arr(w);
    sotto_json_i64(w, INT64_MIN);
    sotto_json_u64(w, UINT64_MAX);
    sotto_json_bool(w, true);
    sotto_json_bool(w, false);
    sotto_json_null(w);
    sotto_json_arr(w);
    sotto_json_arr_end(w);
    sotto_json_obj(w);
    sotto_json_obj_end(w);
    sotto_json_arr_end(w);
    sotto_json_name(w, "d");
    sotto_json_decimal(w, -5, 2);
    sotto_json_name(w, "e");
    sotto_json_decimal(w, INT64_MIN, 0);
    sotto_json_name(w, "f");
    sotto_json_decimal(w, INT64_MIN, 18);
    sotto_json_name(w, "s");
    sotto_json_str(w, SPAN("\x01\x1f\n\t\r\b\f\"\\/\x7f\xc3\xa9\0z"));
    sotto_json_name(w, "r");
    sotto_json_raw(w, SPAN("{\"x\":1}"));
    sotto_json_obj_end(w);
}

static const char SAMPLE[] =
    "{\"n\\\"1\":[-9223372036854775808,18446744073709551615,true,false,null,[],{}],\"d\":-0.05,"
    "\"e\":-9223372036854775808,\"f\":-9.223372036854775808,"
    "\"s\":\"\\u0001\\u001f\\n\\t\\r\\b\\f\\\"\\\\/\x7f\xc3\xa9\\u0000z\",\"r\":{\"x\":1}}";

static void values_commas_and_escapes(void **state)
{
    (void)state;
    char memory[1024];
    sotto_buf out = sotto_buf_of(memory, sizeof memory);
    sotto_json_writer w = sotto_json_writer_of(&out);
    write_sample(&w);
    assert_int_equal(sotto_json_writer_end(&w), SOTTO_OK);
    memory[out.len] = '\0';
    assert_string_equal(memory, SAMPLE);
    sotto_json *doc;
    assert_int_equal(sotto_json_parse(&doc, sotto_buf_span(&out), NULL, NULL), SOTTO_OK);
    sotto_json_free(doc);
}

static void no_buffer_is_overrun(void **state)
{
    (void)state;
    for (size_t cap = 0; cap < sizeof SAMPLE - 1; cap++) {
        uint8_t *memory = tight_copy(sotto_span_of(SAMPLE, cap));
        sotto_buf out = sotto_buf_of(memory, cap);
        sotto_json_writer w = sotto_json_writer_of(&out);
        write_sample(&w);
        assert_int_equal(sotto_json_writer_end(&w), SOTTO_ERR(BASE, NO_SPACE));
        assert_true(out.len <= cap);
        assert_memory_equal(memory, SAMPLE, out.len);
        free(memory);
    }
}

/* Bytes that are no UTF-8 become U+FFFD, one for each, and the rest stays. */
static void bad_utf8_is_replaced(void **state)
{
    (void)state;
    char memory[64];
    sotto_buf out = sotto_buf_of(memory, sizeof memory);
    sotto_json_writer w = sotto_json_writer_of(&out);
    sotto_json_str(&w, SPAN("a\xff\xc3(\xe2\x82"));
    assert_int_equal(sotto_json_writer_end(&w), SOTTO_OK);
    assert_true(
        sotto_span_is(sotto_buf_span(&out), "\"a\xef\xbf\xbd\xef\xbf\xbd(\xef\xbf\xbd\xef\xbf\xbd\""));
}

static void wrong_use_is_refused(void **state)
{
    (void)state;
    char memory[256];
    sotto_buf out = sotto_buf_of(memory, sizeof memory);
    sotto_json_writer w = sotto_json_writer_of(&out);
    assert_int_equal(sotto_json_writer_end(&w), SOTTO_ERR(CODEC, USAGE)); /* nothing written */
    sotto_json_arr(&w);
    assert_int_equal(sotto_json_writer_end(&w), SOTTO_ERR(CODEC, USAGE)); /* not closed */
    sotto_json_arr_end(&w);
    assert_int_equal(sotto_json_writer_end(&w), SOTTO_OK);
    sotto_json_null(&w);
    assert_int_equal(sotto_json_writer_end(&w), SOTTO_ERR(CODEC, USAGE)); /* a second value */
    w = sotto_json_writer_of(&out);
    sotto_json_obj_end(&w);
    assert_int_equal(sotto_json_writer_end(&w), SOTTO_ERR(CODEC, USAGE)); /* closed too often */
    w = sotto_json_writer_of(&out);
    sotto_json_raw(&w, SPAN(""));
    assert_int_equal(sotto_json_writer_end(&w), SOTTO_ERR(CODEC, USAGE));
    w = sotto_json_writer_of(&out);
    sotto_json_decimal(&w, 1, 19);
    assert_int_equal(sotto_json_writer_end(&w), SOTTO_ERR(CODEC, RANGE));
    w = sotto_json_writer_of(&out);
    for (unsigned i = 0; i < 65; i++)
        sotto_json_arr(&w);
    assert_int_equal(sotto_json_writer_end(&w), SOTTO_ERR(CODEC, RANGE));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_commas_and_escapes),
        cmocka_unit_test(no_buffer_is_overrun),
        cmocka_unit_test(bad_utf8_is_replaced),
        cmocka_unit_test(wrong_use_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
