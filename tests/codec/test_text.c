#include "codec_test.h"

/* Encodes a code point the way the definition says, without asking whether it may be encoded. */
static size_t encode(uint32_t point, unsigned len, uint8_t out[static 4])
{
    static const uint8_t LEAD[] = {0, 0x00, 0xc0, 0xe0, 0xf0};
    for (unsigned i = len; i-- > 1; point >>= 6)
        out[i] = (uint8_t)(0x80 | (point & 0x3f));
    out[0] = (uint8_t)(LEAD[len] | point);
    return len;
}

static unsigned shortest(uint32_t point)
{
    return point < 0x80 ? 1 : point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
}

/* Every code point there could be, in every length it could be written in: only the shortest of the allowed
 * ones is good. */
static void utf8_of_every_code_point(void **state)
{
    (void)state;
    for (uint32_t point = 0; point < 0x200000; point++)
        for (unsigned len = shortest(point); len <= 4; len++) {
            uint8_t bytes[4];
            sotto_span text = sotto_span_of(bytes, encode(point, len, bytes));
            bool good = len == shortest(point) && point <= 0x10ffff && (point < 0xd800 || point > 0xdfff);
            if (sotto_utf8_valid(text, NULL) != good)
                fail_msg("U+%04X in %u bytes", point, len);
        }
}

static void utf8_says_where_it_is_bad(void **state)
{
    (void)state;
    size_t at = 99;
    assert_true(sotto_utf8_valid(SPAN("plain text, and \xe2\x82\xac"), &at));
    assert_int_equal(at, 99);
    assert_false(sotto_utf8_valid(SPAN("0123456789abcdef\xe2\x82"), &at));
    assert_int_equal(at, 16);
    assert_false(sotto_utf8_valid(SPAN("\xc3\xa9\x80"), &at));
    assert_int_equal(at, 2);
    assert_true(sotto_utf8_valid(sotto_span_of(NULL, 0), NULL));
    for (size_t pad = 0; pad < 20; pad++) { /* wherever the eight-byte steps fall */
        char text[24] = "xxxxxxxxxxxxxxxxxxxxxxx";
        text[pad] = (char)0xff;
        assert_false(sotto_utf8_valid(sotto_span_of(text, pad + 1), &at));
        assert_int_equal(at, pad);
    }
}

static void hex_there_and_back(void **state)
{
    (void)state;
    uint8_t bytes[256], back[256];
    char text[513];
    for (unsigned i = 0; i < 256; i++)
        bytes[i] = (uint8_t)i;
    sotto_hex_encode(sotto_span_of(bytes, 256), text, sizeof text);
    assert_memory_equal(text, "000102030405060708090a0b", 24);
    assert_int_equal(sotto_hex_decode(sotto_span_str(text), back, 256), SOTTO_OK);
    assert_memory_equal(bytes, back, 256);
    assert_int_equal(sotto_hex_decode(SPAN("aBCd"), back, 2), SOTTO_OK);
    assert_memory_equal(back, "\xab\xcd", 2);
    static const char *const BAD[] = {"", "a", "abc", "abcde", "ag12", "0x12", "ab 1", "ab\xff\x31"};
    for (size_t i = 0; i < SOTTO_COUNT(BAD); i++)
        assert_int_equal(sotto_hex_decode(sotto_span_str(BAD[i]), back, 2), SOTTO_ERR(CODEC, MALFORMED));
}

/* RFC 4648, section 10. */
static void base64_vectors(void **state)
{
    (void)state;
    static const char *const PLAIN[] = {"", "f", "fo", "foo", "foob", "fooba", "foobar"};
    static const char *const CODED[] = {"", "Zg==", "Zm8=", "Zm9v", "Zm9vYg==", "Zm9vYmE=", "Zm9vYmFy"};
    for (size_t i = 0; i < SOTTO_COUNT(PLAIN); i++) {
        char text[16];
        uint8_t bytes[16];
        size_t len;
        size_t room = strlen(CODED[i]) + 1;
        assert_int_equal(sotto_base64_encode(sotto_span_str(PLAIN[i]), text, room - 1),
                         SOTTO_ERR(CODEC, NO_SPACE));
        assert_int_equal(sotto_base64_encode(sotto_span_str(PLAIN[i]), text, room), SOTTO_OK);
        assert_string_equal(text, CODED[i]);
        assert_int_equal(sotto_base64_decode(sotto_span_str(CODED[i]), bytes, strlen(PLAIN[i]), &len),
                         SOTTO_OK);
        assert_true(sotto_span_is(sotto_span_of(bytes, len), PLAIN[i]));
        if (len > 0)
            assert_int_equal(sotto_base64_decode(sotto_span_str(CODED[i]), bytes, len - 1, &len),
                             SOTTO_ERR(CODEC, NO_SPACE));
    }
}

static void base64_has_one_spelling(void **state)
{
    (void)state;
    static const char *const BAD[] = {"Zg=",  "Zg",    "Zh==", "Zm9=", "Z===",   "====", "Zg==Zg==",
                                      "Zm 9", "Zm9\n", "Zm-_", "=Zm9", "Zm9v\n", "Z=m9", "Zg=A"};
    for (size_t i = 0; i < SOTTO_COUNT(BAD); i++) {
        uint8_t bytes[16];
        size_t len;
        if (sotto_base64_decode(sotto_span_str(BAD[i]), bytes, sizeof bytes, &len) !=
            SOTTO_ERR(CODEC, MALFORMED))
            fail_msg("\"%s\" was taken", BAD[i]);
    }
}

static void integers(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        sotto_status i64, u64;
        int64_t value;
    } CASES[] = {
        {"0", 0, 0, 0},
        {"-0", 0, SOTTO_ERR(CODEC, MALFORMED), 0},
        {"0042", 0, 0, 42},
        {"9223372036854775807", 0, 0, INT64_MAX},
        {"-9223372036854775808", 0, SOTTO_ERR(CODEC, MALFORMED), INT64_MIN},
        {"9223372036854775808", SOTTO_ERR(CODEC, RANGE), 0, INT64_MIN},
        {"-9223372036854775809", SOTTO_ERR(CODEC, RANGE), SOTTO_ERR(CODEC, MALFORMED), 0},
        {"18446744073709551615", SOTTO_ERR(CODEC, RANGE), 0, -1},
        {"18446744073709551616", SOTTO_ERR(CODEC, RANGE), SOTTO_ERR(CODEC, RANGE), 0},
        {"99999999999999999999999", SOTTO_ERR(CODEC, RANGE), SOTTO_ERR(CODEC, RANGE), 0},
        {"99999999999999999999999x", SOTTO_ERR(CODEC, MALFORMED), SOTTO_ERR(CODEC, MALFORMED), 0},
        {"", SOTTO_ERR(CODEC, MALFORMED), SOTTO_ERR(CODEC, MALFORMED), 0},
        {"-", SOTTO_ERR(CODEC, MALFORMED), SOTTO_ERR(CODEC, MALFORMED), 0},
        {"+1", SOTTO_ERR(CODEC, MALFORMED), SOTTO_ERR(CODEC, MALFORMED), 0},
        {" 1", SOTTO_ERR(CODEC, MALFORMED), SOTTO_ERR(CODEC, MALFORMED), 0},
        {"1.0", SOTTO_ERR(CODEC, MALFORMED), SOTTO_ERR(CODEC, MALFORMED), 0},
    };
    for (size_t i = 0; i < SOTTO_COUNT(CASES); i++) {
        int64_t v = 7;
        uint64_t u = 7;
        assert_int_equal(sotto_parse_i64(sotto_span_str(CASES[i].text), &v), CASES[i].i64);
        assert_int_equal(sotto_parse_u64(sotto_span_str(CASES[i].text), &u), CASES[i].u64);
        assert_true(v == (CASES[i].i64 == SOTTO_OK ? CASES[i].value : 7));
        assert_true(u == (CASES[i].u64 == SOTTO_OK ? (uint64_t)CASES[i].value : 7));
    }
    int64_t v;
    assert_int_equal(sotto_parse_i64(sotto_span_of(NULL, 0), &v), SOTTO_ERR(CODEC, MALFORMED));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(utf8_of_every_code_point), cmocka_unit_test(utf8_says_where_it_is_bad),
        cmocka_unit_test(hex_there_and_back),       cmocka_unit_test(base64_vectors),
        cmocka_unit_test(base64_has_one_spelling),  cmocka_unit_test(integers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
