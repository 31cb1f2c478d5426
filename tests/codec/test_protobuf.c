/* The wire format by its own examples (protobuf.dev, "Encoding"), every truncation, and what no message may
 * hold. */
#include "sotto/codec/protobuf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* Exactly len bytes on the heap, so that the sanitizer sees one read too many. */
static uint8_t *copy_of(const uint8_t *bytes, size_t len)
{
    uint8_t *copy = malloc(len == 0 ? 1 : len);
    assert_non_null(copy);
    if (len > 0)
        memcpy(copy, bytes, len);
    return copy;
}

static void every_wire_type_is_read(void **state)
{
    (void)state;
    static const uint8_t MESSAGE[] = {0x08, 0x96, 0x01,                                     /* 1: 150 */
                                      0x12, 0x07, 't',  'e',  's',  't',  'i',  'n',  'g',  /* 2: "testing" */
                                      0x1d, 0x01, 0x02, 0x03, 0x04,                         /* 3: fixed32 */
                                      0x21, 0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x88, /* 4: fixed64 */
                                      0xf8, 0xff, 0xff, 0xff, 0x0f, 0x00,                   /* 2^29 - 1: 0 */
                                      0x32, 0x00};                                          /* 6: no bytes */
    uint8_t *bytes = copy_of(MESSAGE, sizeof MESSAGE);
    sotto_cursor c = sotto_cursor_of(sotto_span_of(bytes, sizeof MESSAGE));
    sotto_protobuf_field f;
    assert_true(sotto_protobuf_next(&c, &f) && f.number == 1 && f.wire == SOTTO_PROTOBUF_VARINT &&
                f.value == 150);
    assert_true(sotto_protobuf_next(&c, &f) && f.number == 2 && sotto_span_is(f.bytes, "testing"));
    assert_true(sotto_protobuf_next(&c, &f) && f.number == 3 && f.value == 0x04030201);
    assert_true(sotto_protobuf_next(&c, &f) && f.number == 4 && f.value == UINT64_C(0x8807060504030201));
    assert_true(sotto_protobuf_next(&c, &f) && f.number == (1u << 29) - 1 && f.value == 0);
    assert_true(sotto_protobuf_next(&c, &f) && f.number == 6 && f.bytes.len == 0);
    assert_false(sotto_protobuf_next(&c, &f));
    assert_int_equal(c.status, SOTTO_OK);
    free(bytes);
}

static void a_cut_field_is_an_error(void **state)
{
    (void)state;
    static const uint8_t FIELDS[][10] = {
        {0x08, 0x96, 0x01}, {0x12, 0x03, 1, 2, 3}, {0x1d, 1, 2, 3, 4}, {0x21, 1, 2, 3, 4, 5, 6, 7, 8}};
    static const size_t LENGTHS[] = {3, 5, 5, 9};
    for (size_t i = 0; i < SOTTO_COUNT(LENGTHS); i++)
        for (size_t len = 1; len < LENGTHS[i]; len++) {
            uint8_t *bytes = copy_of(FIELDS[i], len);
            sotto_cursor c = sotto_cursor_of(sotto_span_of(bytes, len));
            sotto_protobuf_field f;
            assert_false(sotto_protobuf_next(&c, &f));
            assert_int_not_equal(c.status, SOTTO_OK);
            assert_false(sotto_protobuf_next(&c, &f)); /* it stays so */
            free(bytes);
        }
}

static sotto_status status_of(const uint8_t *message, size_t len)
{
    uint8_t *bytes = copy_of(message, len);
    sotto_cursor c = sotto_cursor_of(sotto_span_of(bytes, len));
    sotto_protobuf_field f;
    while (sotto_protobuf_next(&c, &f))
        assert_in_range(f.number, 1, (1u << 29) - 1);
    free(bytes);
    return c.status;
}

static void what_no_message_holds_is_refused(void **state)
{
    (void)state;
    static const uint8_t NUMBER_0[] = {0x00, 0x01}, GROUP[] = {0x0b}, GROUP_END[] = {0x0c}, WIRE_6[] = {0x0e},
                         WIRE_7[] = {0x0f};
    static const uint8_t NUMBER_2_29[] = {0x80, 0x80, 0x80, 0x80, 0x10, 0x00};
    static const uint8_t ELEVEN[] = {0x08, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x80, 0x00};
    static const uint8_t TOO_LARGE[] = {0x08, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02};
    static const uint8_t LONG[] = {0x12, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01, 0x00};
    const struct {
        const uint8_t *bytes;
        size_t len;
    } BAD[] = {{NUMBER_0, sizeof NUMBER_0}, {GROUP, sizeof GROUP},        {GROUP_END, sizeof GROUP_END},
               {WIRE_6, sizeof WIRE_6},     {WIRE_7, sizeof WIRE_7},      {NUMBER_2_29, sizeof NUMBER_2_29},
               {ELEVEN, sizeof ELEVEN},     {TOO_LARGE, sizeof TOO_LARGE}};
    for (size_t i = 0; i < SOTTO_COUNT(BAD); i++)
        assert_int_equal(status_of(BAD[i].bytes, BAD[i].len), SOTTO_ERR(CODEC, MALFORMED));
    assert_int_equal(status_of(LONG, sizeof LONG), SOTTO_ERR(CODEC, TRUNCATED)); /* 2^64 - 1 bytes */
}

static void packed_varints_are_read_to_their_end(void **state)
{
    (void)state;
    static const uint8_t LIST[] = {0x03, 0x8e, 0x02, 0x9e, 0xa7, 0x05, 0xff, 0xff,
                                   0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01};
    static const uint64_t VALUES[] = {3, 270, 86942, UINT64_MAX};
    sotto_cursor c = sotto_cursor_of(sotto_span_of(LIST, sizeof LIST));
    uint64_t v;
    for (size_t i = 0; i < SOTTO_COUNT(VALUES); i++)
        assert_true(sotto_protobuf_varint(&c, &v) && v == VALUES[i]);
    assert_false(sotto_protobuf_varint(&c, &v));
    assert_int_equal(c.status, SOTTO_OK);
    c = sotto_cursor_of(sotto_span_of(LIST, 2));
    assert_true(sotto_protobuf_varint(&c, &v) && v == 3);
    assert_false(sotto_protobuf_varint(&c, &v));
    assert_int_not_equal(c.status, SOTTO_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_wire_type_is_read),
        cmocka_unit_test(a_cut_field_is_an_error),
        cmocka_unit_test(what_no_message_holds_is_refused),
        cmocka_unit_test(packed_varints_are_read_to_their_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
