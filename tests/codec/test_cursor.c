#include "codec_test.h"

static void numbers_are_little_endian(void **state)
{
    (void)state;
    static const uint8_t BYTES[] = {0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0xfe, 0xff, 0xff,
                                    0xff, 0x08, 0x09, 0x0a, 0x0b, 0x0c, 0x0d, 0x0e, 0x0f};
    sotto_cursor c = sotto_cursor_of(sotto_span_of(BYTES, sizeof BYTES));
    assert_int_equal(sotto_cursor_u8(&c), 0x01);
    assert_int_equal(sotto_cursor_u16(&c), 0x0302);
    assert_int_equal(sotto_cursor_u32(&c), 0x07060504);
    assert_int_equal(sotto_cursor_offset(&c), 7);
    assert_int_equal(sotto_cursor_i32(&c), -2);
    assert_true(sotto_cursor_u64(&c) == UINT64_C(0x0f0e0d0c0b0a0908));
    assert_int_equal(sotto_cursor_left(&c), 0);
    assert_int_equal(sotto_cursor_end(&c), SOTTO_OK);
}

static void the_first_failure_sticks(void **state)
{
    (void)state;
    sotto_cursor c = sotto_cursor_of(SPAN("\x01\x02\x03"));
    assert_int_equal(sotto_cursor_u32(&c), 0);
    assert_int_equal(sotto_cursor_u8(&c), 0); /* it would fit, but the sequence has failed */
    assert_int_equal(sotto_cursor_bytes(&c, 0).len, 0);
    assert_int_equal(sotto_cursor_fail(&c, SOTTO_ERR(CODEC, RANGE)), SOTTO_ERR(CODEC, TRUNCATED));
    assert_int_equal(sotto_cursor_end(&c), SOTTO_ERR(CODEC, TRUNCATED));
    assert_int_equal(sotto_cursor_offset(&c), 0);
}

static void every_byte_must_be_used(void **state)
{
    (void)state;
    sotto_cursor c = sotto_cursor_of(SPAN("ab"));
    (void)sotto_cursor_u8(&c);
    assert_int_equal(sotto_cursor_end(&c), SOTTO_ERR(CODEC, MALFORMED));
    c = sotto_cursor_of(sotto_span_of(NULL, 0));
    assert_int_equal(sotto_cursor_end(&c), SOTTO_OK);
    assert_int_equal(sotto_cursor_u8(&c), 0);
    assert_int_equal(sotto_cursor_end(&c), SOTTO_ERR(CODEC, TRUNCATED));
}

/* Around every power of two, both signs. */
static void varints_come_back_in_their_shortest_form(void **state)
{
    (void)state;
    for (unsigned bit = 0; bit < 64; bit++)
        for (int delta = -2; delta <= 2; delta++) {
            uint64_t v = (UINT64_C(1) << bit) + (uint64_t)(int64_t)delta;
            uint8_t memory[20];
            sotto_buf b = sotto_buf_of(memory, sizeof memory);
            assert_int_equal(sotto_put_uvarint(&b, v), SOTTO_OK);
            size_t bits = v == 0 ? 1 : 64 - (size_t)__builtin_clzll(v);
            assert_int_equal(b.len, (bits + 6) / 7);
            assert_int_equal(sotto_put_svarint(&b, (int64_t)v), SOTTO_OK);
            sotto_cursor c = sotto_cursor_of(sotto_buf_span(&b));
            assert_true(sotto_cursor_uvarint(&c) == v);
            assert_true(sotto_cursor_svarint(&c) == (int64_t)v);
            assert_int_equal(sotto_cursor_end(&c), SOTTO_OK);
        }
}

static void zigzag_is_the_known_one(void **state)
{
    (void)state;
    static const int64_t VALUES[] = {0, -1, 1, -2, 2};
    uint8_t memory[8];
    sotto_buf b = sotto_buf_of(memory, sizeof memory);
    for (size_t i = 0; i < SOTTO_COUNT(VALUES); i++)
        assert_int_equal(sotto_put_svarint(&b, VALUES[i]), SOTTO_OK);
    assert_memory_equal(memory, "\0\1\2\3\4", 5);
}

static void other_spellings_of_a_varint_are_refused(void **state)
{
    (void)state;
    static const struct {
        sotto_span bytes;
        sotto_status status;
    } CASES[] = {
        {{(const uint8_t *)"\x80\x00", 2}, SOTTO_ERR(CODEC, MALFORMED)},
        {{(const uint8_t *)"\xff\x80\x00", 3}, SOTTO_ERR(CODEC, MALFORMED)},
        {{(const uint8_t *)"\x80\x80\x80\x80\x80\x80\x80\x80\x80\x02", 10}, SOTTO_ERR(CODEC, MALFORMED)},
        {{(const uint8_t *)"\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01", 11}, SOTTO_ERR(CODEC, MALFORMED)},
        {{(const uint8_t *)"\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01", 10}, SOTTO_OK},
        {{(const uint8_t *)"\x80", 1}, SOTTO_ERR(CODEC, TRUNCATED)},
        {{(const uint8_t *)"", 0}, SOTTO_ERR(CODEC, TRUNCATED)},
    };
    for (size_t i = 0; i < SOTTO_COUNT(CASES); i++) {
        sotto_cursor c = sotto_cursor_of(CASES[i].bytes);
        (void)sotto_cursor_uvarint(&c);
        assert_int_equal(sotto_cursor_end(&c), CASES[i].status);
    }
}

static void blobs_are_bounded(void **state)
{
    (void)state;
    uint8_t memory[8];
    sotto_buf b = sotto_buf_of(memory, sizeof memory);
    assert_int_equal(sotto_put_blob(&b, SPAN("abc")), SOTTO_OK);
    assert_int_equal(sotto_put_blob(&b, SPAN("defg")), SOTTO_ERR(BASE, NO_SPACE));
    assert_int_equal(b.len, 4);
    sotto_cursor c = sotto_cursor_of(sotto_buf_span(&b));
    assert_true(sotto_span_is(sotto_cursor_blob(&c, 3), "abc"));
    c = sotto_cursor_of(sotto_buf_span(&b));
    assert_int_equal(sotto_cursor_blob(&c, 2).len, 0);
    assert_int_equal(sotto_cursor_end(&c), SOTTO_ERR(CODEC, RANGE));
    c = sotto_cursor_of(SPAN("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01z")); /* a length of 2^64 - 1 */
    assert_int_equal(sotto_cursor_blob(&c, SIZE_MAX).len, 0);
    assert_true(sotto_cursor_end(&c) != SOTTO_OK);
}

static void writers_stop_at_the_end(void **state)
{
    (void)state;
    for (size_t cap = 0; cap < 16; cap++) {
        uint8_t *memory = tight_copy(sotto_span_of("0123456789abcdef", cap));
        sotto_buf b = sotto_buf_of(memory, cap);
        sotto_status status[] = {sotto_put_u8(&b, 1), sotto_put_u16(&b, 2), sotto_put_u32(&b, 3),
                                 sotto_put_u64(&b, 4)};
        size_t len = 0;
        for (size_t i = 0; i < 4; i++) {
            size_t width = (size_t)1 << i;
            bool fits = len + width <= cap;
            assert_int_equal(status[i], fits ? SOTTO_OK : SOTTO_ERR(BASE, NO_SPACE));
            len += fits ? width : 0;
        }
        assert_int_equal(b.len, len);
        free(memory);
    }
}

/* The check value of the CRC catalogues, and one sum in two pieces. */
static void crc_is_the_usual_one(void **state)
{
    (void)state;
    assert_true(sotto_crc32(0, SPAN("123456789")) == 0xcbf43926);
    assert_true(sotto_crc32(sotto_crc32(0, SPAN("1234")), SPAN("56789")) == 0xcbf43926);
    assert_true(sotto_crc32(0, SPAN("")) == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_are_little_endian),
        cmocka_unit_test(the_first_failure_sticks),
        cmocka_unit_test(every_byte_must_be_used),
        cmocka_unit_test(varints_come_back_in_their_shortest_form),
        cmocka_unit_test(zigzag_is_the_known_one),
        cmocka_unit_test(other_spellings_of_a_varint_are_refused),
        cmocka_unit_test(blobs_are_bounded),
        cmocka_unit_test(writers_stop_at_the_end),
        cmocka_unit_test(crc_is_the_usual_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
