/* CBOR against the examples of RFC 8949 and against the library that knows nothing of our subset. */
#include "codec_test.h"

#include <cbor.h>

/* RFC 8949, appendix A: the rows that the subset has. */
static const struct {
    int64_t value;
    const char *bytes;
    size_t len;
} INTEGERS[] = {
    {0, "\x00", 1},
    {1, "\x01", 1},
    {23, "\x17", 1},
    {24, "\x18\x18", 2},
    {100, "\x18\x64", 2},
    {1000, "\x19\x03\xe8", 3},
    {1000000, "\x1a\x00\x0f\x42\x40", 5},
    {1000000000000, "\x1b\x00\x00\x00\xe8\xd4\xa5\x10\x00", 9},
    {-1, "\x20", 1},
    {-10, "\x29", 1},
    {-100, "\x38\x63", 2},
    {-1000, "\x39\x03\xe7", 3},
    {INT64_MAX, "\x1b\x7f\xff\xff\xff\xff\xff\xff\xff", 9},
    {INT64_MIN, "\x3b\x7f\xff\xff\xff\xff\xff\xff\xff", 9},
};

static void integers_of_the_rfc(void **state)
{
    (void)state;
    for (size_t i = 0; i < SOTTO_COUNT(INTEGERS); i++) {
        uint8_t memory[16];
        sotto_buf out = sotto_buf_of(memory, sizeof memory);
        sotto_cbor_writer w = sotto_cbor_writer_of(&out);
        sotto_cbor_put_int(&w, INTEGERS[i].value);
        assert_int_equal(sotto_cbor_writer_end(&w), SOTTO_OK);
        assert_true(
            sotto_span_equal(sotto_buf_span(&out), sotto_span_of(INTEGERS[i].bytes, INTEGERS[i].len)));
        sotto_cbor_reader r = sotto_cbor_reader_of(sotto_buf_span(&out));
        assert_true(sotto_cbor_get_int(&r) == INTEGERS[i].value);
        assert_int_equal(sotto_cbor_reader_end(&r, NULL), SOTTO_OK);
        r = sotto_cbor_reader_of(sotto_buf_span(&out));
        uint64_t v = sotto_cbor_get_uint(&r, UINT64_MAX);
        assert_true(INTEGERS[i].value < 0 ? r.status == SOTTO_ERR(CODEC, MALFORMED)
                                          : v == (uint64_t)INTEGERS[i].value);
    }
}

static void write_sample(sotto_cbor_writer *w)
{
    sotto_cbor_put_tag(w, 55799);
    sotto_cbor_put_map(w, 3);
    sotto_cbor_put_uint(w, 1);
    sotto_cbor_put_array(w, 3);
    sotto_cbor_put_array(w, 0);
    sotto_cbor_put_map(w, 0);
    sotto_cbor_put_int(w, -70000);
    sotto_cbor_put_uint(w, 2);
    sotto_cbor_put_text(w, SPAN("w\xc3\xa9"));
    sotto_cbor_put_uint(w, UINT64_MAX);
    sotto_cbor_put_bytes(w, SPAN("\0\1\2"));
}

static sotto_status read_sample(sotto_span in, sotto_diag *diag)
{
    sotto_cbor_reader r = sotto_cbor_reader_of(in);
    (void)sotto_cbor_get_tag(&r);
    bool counts = sotto_cbor_get_map(&r, 3) == 3; /* counts are the reader's caller's to judge */
    sotto_cbor_want_uint(&r, 1);
    counts = sotto_cbor_get_array(&r, 3) == 3 && counts;
    (void)sotto_cbor_get_array(&r, 0);
    (void)sotto_cbor_get_map(&r, 0);
    (void)sotto_cbor_get_int(&r);
    sotto_cbor_want_uint(&r, 2);
    (void)sotto_cbor_get_text(&r, 3);
    sotto_cbor_want_uint(&r, UINT64_MAX);
    (void)sotto_cbor_get_bytes(&r, 3);
    sotto_status status = sotto_cbor_reader_end(&r, diag);
    return status == SOTTO_OK && !counts ? SOTTO_ERR(CODEC, MALFORMED) : status;
}

static size_t make_sample(uint8_t *memory, size_t cap)
{
    sotto_buf out = sotto_buf_of(memory, cap);
    sotto_cbor_writer w = sotto_cbor_writer_of(&out);
    write_sample(&w);
    assert_int_equal(sotto_cbor_writer_end(&w), SOTTO_OK);
    return out.len;
}

static bool is_canonical(const uint8_t *bytes, size_t len)
{
    CborParser parser;
    CborValue value;
    return cbor_parser_init(bytes, len, 0, &parser, &value) == CborNoError &&
           cbor_value_validate(&value, (uint32_t)CborValidateCanonicalFormat |
                                           (uint32_t)CborValidateCompleteData) == CborNoError;
}

static void what_is_written_is_canonical_for_others(void **state)
{
    (void)state;
    uint8_t memory[64];
    size_t len = make_sample(memory, sizeof memory);
    assert_true(is_canonical(memory, len));
    assert_int_equal(read_sample(sotto_span_of(memory, len), NULL), SOTTO_OK);
}

/* Cut at every byte: truncated, with the offset of the item that is not whole. Changed in any byte: taken
 * only when it is still the one canonical form of some value. */
static void cut_and_changed_everywhere(void **state)
{
    (void)state;
    uint8_t memory[64];
    size_t len = make_sample(memory, sizeof memory);
    for (size_t cut = 0; cut < len; cut++) {
        sotto_diag diag = {0};
        uint8_t *copy = tight_copy(sotto_span_of(memory, cut));
        assert_int_equal(read_sample(sotto_span_of(copy, cut), &diag), SOTTO_ERR(CODEC, TRUNCATED));
        assert_true(diag.has_offset && diag.offset <= cut);
        free(copy);
    }
    for (size_t i = 0; i < len; i++)
        for (unsigned c = 0; c < 256; c++) {
            uint8_t *copy = tight_copy(sotto_span_of(memory, len));
            copy[i] = (uint8_t)c;
            if (read_sample(sotto_span_of(copy, len), NULL) == SOTTO_OK && !is_canonical(copy, len))
                fail_msg("byte %zu = %02x: taken, and not canonical", i, c);
            free(copy);
        }
}

static void no_buffer_is_overrun(void **state)
{
    (void)state;
    uint8_t whole[64];
    size_t len = make_sample(whole, sizeof whole);
    for (size_t cap = 0; cap < len; cap++) {
        uint8_t *memory = tight_copy(sotto_span_of(whole, cap));
        sotto_buf out = sotto_buf_of(memory, cap);
        sotto_cbor_writer w = sotto_cbor_writer_of(&out);
        write_sample(&w);
        assert_int_equal(sotto_cbor_writer_end(&w), SOTTO_ERR(CODEC, NO_SPACE));
        assert_true(out.len <= cap);
        assert_memory_equal(memory, whole, out.len);
        free(memory);
    }
}

static void other_forms_are_refused(void **state)
{
    (void)state;
    static const struct {
        sotto_span in;
        sotto_status status;
    } CASES[] = {
        {{(const uint8_t *)"\x18\x17", 2}, SOTTO_ERR(CODEC, MALFORMED)},             /* 23 in two bytes */
        {{(const uint8_t *)"\x19\x00\xff", 3}, SOTTO_ERR(CODEC, MALFORMED)},         /* 255 in three */
        {{(const uint8_t *)"\x1a\x00\x00\xff\xff", 5}, SOTTO_ERR(CODEC, MALFORMED)}, /* 65535 in five */
        {{(const uint8_t *)"\x1b\0\0\0\0\xff\xff\xff\xff", 9}, SOTTO_ERR(CODEC, MALFORMED)},
        {{(const uint8_t *)"\x1c", 1}, SOTTO_ERR(CODEC, MALFORMED)}, /* reserved */
        {{(const uint8_t *)"\x1f", 1}, SOTTO_ERR(CODEC, MALFORMED)},
        {{(const uint8_t *)"\xf5", 1}, SOTTO_ERR(CODEC, MALFORMED)},         /* true */
        {{(const uint8_t *)"\xf9\x3c\x00", 3}, SOTTO_ERR(CODEC, MALFORMED)}, /* 1.0 */
        {{(const uint8_t *)"\xff", 1}, SOTTO_ERR(CODEC, MALFORMED)},         /* break */
        {{(const uint8_t *)"\x00\x00", 2}, SOTTO_ERR(CODEC, MALFORMED)},     /* a byte too many */
        {{(const uint8_t *)"\x18\x2b", 2}, SOTTO_ERR(CODEC, RANGE)},         /* 43, where 42 is the most */
        {{(const uint8_t *)"\x18\x2a", 2}, SOTTO_OK},
    };
    for (size_t i = 0; i < SOTTO_COUNT(CASES); i++) {
        sotto_cbor_reader r = sotto_cbor_reader_of(CASES[i].in);
        (void)sotto_cbor_get_uint(&r, 42);
        assert_int_equal(sotto_cbor_reader_end(&r, NULL), CASES[i].status);
    }
    static const char *const STRINGS[] = {"\x5f\x41z\xff", "\x58\x01z", "\x7f\x61z\xff", "\x78\x01z",
                                          "\x61\xff",      "\x9f\xff",  "\x98\x01",      "\xbf\xff"};
    for (size_t i = 0; i < SOTTO_COUNT(STRINGS); i++) {
        sotto_cbor_reader r = sotto_cbor_reader_of(sotto_span_str(STRINGS[i]));
        switch ((uint8_t)STRINGS[i][0] >> 5) {
        case 2:
            (void)sotto_cbor_get_bytes(&r, 9);
            break;
        case 3:
            (void)sotto_cbor_get_text(&r, 9);
            break;
        case 4:
            (void)sotto_cbor_get_array(&r, 9);
            break;
        default:
            (void)sotto_cbor_get_map(&r, 9);
        }
        assert_int_equal(sotto_cbor_reader_end(&r, NULL), SOTTO_ERR(CODEC, MALFORMED));
    }
}

static void huge_lengths_are_only_numbers(void **state)
{
    (void)state;
    sotto_cbor_reader r = sotto_cbor_reader_of(SPAN("\x5b\xff\xff\xff\xff\xff\xff\xff\xffz"));
    assert_int_equal(sotto_cbor_get_bytes(&r, SIZE_MAX).len, 0);
    assert_true(r.status == SOTTO_ERR(CODEC, TRUNCATED));
    r = sotto_cbor_reader_of(SPAN("\x9b\xff\xff\xff\xff\xff\xff\xff\xff"));
    assert_int_equal(sotto_cbor_get_array(&r, 1000), 0);
    assert_true(r.status == SOTTO_ERR(CODEC, RANGE));
    r = sotto_cbor_reader_of(SPAN("\x3b\x80\0\0\0\0\0\0\0")); /* -2^63 - 1 */
    assert_int_equal(sotto_cbor_get_int(&r), 0);
    assert_true(r.status == SOTTO_ERR(CODEC, RANGE));
}

static void containers_hold_what_they_announce(void **state)
{
    (void)state;
    uint8_t memory[128];
    sotto_buf out = sotto_buf_of(memory, sizeof memory);
    sotto_cbor_writer w = sotto_cbor_writer_of(&out);
    sotto_cbor_put_map(&w, 2);
    sotto_cbor_put_uint(&w, 1);
    sotto_cbor_put_array(&w, 1);
    sotto_cbor_put_uint(&w, 1);
    sotto_cbor_put_uint(&w, 2);
    assert_int_equal(sotto_cbor_writer_end(&w), SOTTO_ERR(CODEC, USAGE));
    sotto_cbor_put_bytes(&w, sotto_span_of(NULL, 0));
    assert_int_equal(sotto_cbor_writer_end(&w), SOTTO_OK);
    for (unsigned i = 0; i <= SOTTO_CBOR_DEPTH_MAX; i++)
        sotto_cbor_put_array(&w, 1);
    assert_int_equal(sotto_cbor_writer_end(&w), SOTTO_ERR(CODEC, RANGE));
    w = sotto_cbor_writer_of(&out);
    sotto_cbor_put_text(&w, SPAN("\xff"));
    assert_int_equal(sotto_cbor_writer_end(&w), SOTTO_ERR(CODEC, MALFORMED));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(integers_of_the_rfc),
        cmocka_unit_test(what_is_written_is_canonical_for_others),
        cmocka_unit_test(cut_and_changed_everywhere),
        cmocka_unit_test(no_buffer_is_overrun),
        cmocka_unit_test(other_forms_are_refused),
        cmocka_unit_test(huge_lengths_are_only_numbers),
        cmocka_unit_test(containers_hold_what_they_announce),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
