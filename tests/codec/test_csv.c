#include "codec_test.h"

static sotto_csv csv; /* 80 KiB: too large for a stack */

/* All rows as "a|b|c/" each, the header first; the status of the first failure. */
static sotto_status read_all(sotto_span text, uint8_t delimiter, char *out, size_t cap, sotto_diag *diag)
{
    sotto_buf b = sotto_buf_of(out, cap - 1);
    sotto_status status = sotto_csv_open(&csv, text, "t.csv", delimiter, diag);
    for (bool more = true; status == SOTTO_OK && more;) {
        for (size_t i = 0; i < csv.count; i++) {
            assert_int_equal(sotto_buf_put(&b, "|", i > 0), SOTTO_OK);
            assert_int_equal(sotto_buf_put(&b, csv.field[i].ptr, csv.field[i].len), SOTTO_OK);
        }
        assert_int_equal(sotto_buf_put(&b, "/", 1), SOTTO_OK);
        status = sotto_csv_next(&csv, &more, diag);
    }
    out[b.len] = '\0';
    return status;
}

static void assert_reads(sotto_span text, const char *expected)
{
    char out[512];
    sotto_diag diag = {0};
    uint8_t *copy = tight_copy(text);
    if (read_all(sotto_span_of(copy, text.len), 0, out, sizeof out, &diag) != SOTTO_OK)
        fail_msg("line %u: %s", (unsigned)diag.line, diag.text);
    assert_string_equal(out, expected);
    free(copy);
}

static void good_files(void **state)
{
    (void)state;
    assert_reads(SPAN("a,b\n1,2\n"), "a|b/1|2/");
    assert_reads(SPAN("a,b\r\n1,2\r\n3,4"), "a|b/1|2/3|4/");
    assert_reads(SPAN("a;b\n1,5;2\n"), "a|b/1,5|2/");
    assert_reads(SPAN("a\tb\n1;;;\t2\n"), "a|b/1;;;|2/");
    assert_reads(SPAN("\"a;x;y\",b\n1,2\n"), "a;x;y|b/1|2/");
    assert_reads(SPAN("\xef\xbb\xbf\"a\",b\n,\n"), "a|b/|/");
    assert_reads(SPAN("a,b\n\"x\"\"y\",\"\"\"\"\n"), "a|b/x\"y|\"/");
    assert_reads(SPAN("a,b\n\"1\n2\",\"3\r\n4\"\n5,6\n"), "a|b/1\n2|3\r\n4/5|6/");
    assert_reads(SPAN("a,b\n\"\",\"\"\n"), "a|b/|/");
    assert_reads(SPAN("a,b\n1,2\n\n"), "a|b/1|2/");
    assert_reads(SPAN("a,b\n1,2\n\r\n"), "a|b/1|2/");
    assert_reads(SPAN("a"), "a/");
    assert_reads(SPAN("a\n1\n\"\"\n2\n"), "a/1//2/");
    assert_reads(SPAN("\xc3\xa9,b\n\xe2\x82\xac,2\n"), "\xc3\xa9|b/\xe2\x82\xac|2/");
}

static void lines_are_counted_through_quotes(void **state)
{
    (void)state;
    static const uint64_t LINES[] = {1, 3, 6};
    bool more = true;
    assert_int_equal(sotto_csv_open(&csv, SPAN("a,\"b\nc\"\n1,\"2\n\n3\"\n4,5\n"), NULL, ',', NULL),
                     SOTTO_OK);
    for (size_t i = 0; i < SOTTO_COUNT(LINES); i++) {
        assert_true(more);
        assert_int_equal(csv.line, LINES[i]);
        assert_int_equal(sotto_csv_next(&csv, &more, NULL), SOTTO_OK);
    }
    assert_false(more);
}

static void bad_files_say_the_line(void **state)
{
    (void)state;
    static const struct {
        sotto_span text;
        uint64_t line;
        const char *says;
    } CASES[] = {
        {{(const uint8_t *)"", 0}, 1, "empty"},
        {{(const uint8_t *)"\xef\xbb\xbf", 3}, 1, "empty"},
        {{(const uint8_t *)"a,b\n1,2\n3\n4,5\n", 15}, 3, "1 fields, where the header has 2"},
        {{(const uint8_t *)"a,b\n1,2,3\n", 10}, 2, "3 fields"},
        {{(const uint8_t *)"a,b\n1,2\n\n3,4\n", 13}, 3, "1 fields"},
        {{(const uint8_t *)"a,b\n1,2\n\n\n", 10}, 3, "1 fields"},
        {{(const uint8_t *)"a,b\n1,x\"y\n", 10}, 2, "a quote inside field 2"},
        {{(const uint8_t *)"a,b\n\"x\"y,2\n", 11}, 2, "after the closing quote of field 1"},
        {{(const uint8_t *)"a,b\n1,2\n3,\"x\n\n\n", 15}, 3, "field 2 opens a quote"},
        {{(const uint8_t *)"a,b\n1,2\r3,4\n", 12}, 2, "carriage return"},
        {{(const uint8_t *)"a,b\n1,2\r", 8}, 2, "carriage return"},
        {{(const uint8_t *)"a,b\n1,\xff\n", 8}, 2, "not UTF-8 at byte 6"},
        {{(const uint8_t *)"a,b\n\"1\n\",\xc3\n", 11}, 2, "not UTF-8 at byte 9"},
        {{(const uint8_t *)"a,b\n1,\0\n", 8}, 2, "zero byte"},
        {{(const uint8_t *)"\xff\xfe"
                           "a\0,\0",
          6},
         1,
         "not UTF-8"},
        {{(const uint8_t *)"a,b,a\n1,2,3\n", 12}, 1, "columns 1 and 3"},
        {{(const uint8_t *)"a,b\n1,\"2\n", 9}, 2, "never closed"},
    };
    for (size_t i = 0; i < SOTTO_COUNT(CASES); i++) {
        char out[512];
        sotto_diag diag = {0};
        sotto_status status = read_all(CASES[i].text, ',', out, sizeof out, &diag);
        assert_int_equal(status, SOTTO_ERR(CODEC, MALFORMED));
        assert_int_equal(diag.status, status);
        assert_string_equal(diag.where, "t.csv");
        if (diag.line != CASES[i].line || strstr(diag.text, CASES[i].says) == NULL)
            fail_msg("case %zu: line %u: %s", i, (unsigned)diag.line, diag.text);
    }
}

static void the_reader_stays_at_a_bad_row(void **state)
{
    (void)state;
    bool more;
    sotto_diag diag = {0};
    assert_int_equal(sotto_csv_open(&csv, SPAN("a,b\n1,2\n3\n"), "t.csv", 0, NULL), SOTTO_OK);
    assert_int_equal(sotto_csv_next(&csv, &more, NULL), SOTTO_OK);
    size_t at = csv.at;
    for (unsigned again = 0; again < 3; again++) {
        assert_int_equal(sotto_csv_next(&csv, &more, &diag), SOTTO_ERR(CODEC, MALFORMED));
        assert_false(more);
        assert_int_equal(csv.count, 0);
        assert_int_equal(csv.at, at);
        assert_int_equal(diag.line, 3);
    }
}

static void rows_and_fields_are_bounded(void **state)
{
    (void)state;
    static char text[SOTTO_CSV_ROW_MAX + 64];
    sotto_diag diag = {0};
    bool more;
    memset(text, ',', SOTTO_CSV_FIELDS_MAX);
    assert_int_equal(sotto_csv_open(&csv, sotto_span_of(text, SOTTO_CSV_FIELDS_MAX), NULL, ',', &diag),
                     SOTTO_ERR(CODEC, RANGE));
    for (unsigned quoted = 0; quoted < 2; quoted++)
        for (size_t len = SOTTO_CSV_ROW_MAX - 6; len < SOTTO_CSV_ROW_MAX + 8; len++) {
            memset(text, 'x', sizeof text);
            memcpy(text, "a\n", 2);
            text[2] = quoted ? '"' : 'x';
            text[2 + len - 2] = quoted ? '"' : 'x';
            text[2 + len - 1] = '\n';
            memcpy(text + 2 + len, "1\n", 2);
            assert_int_equal(sotto_csv_open(&csv, sotto_span_of(text, len + 4), NULL, ',', NULL), SOTTO_OK);
            sotto_status status = sotto_csv_next(&csv, &more, &diag);
            assert_int_equal(status, len <= SOTTO_CSV_ROW_MAX ? SOTTO_OK : SOTTO_ERR(CODEC, RANGE));
            assert_true(status == SOTTO_OK || diag.line == 2);
        }
    memset(text, '"', sizeof text); /* a quote that opens and never closes, all of it doubled */
    memcpy(text, "a\n", 2);
    assert_int_equal(sotto_csv_open(&csv, sotto_span_of(text, sizeof text), NULL, ',', NULL), SOTTO_OK);
    assert_int_equal(sotto_csv_next(&csv, &more, NULL), SOTTO_ERR(CODEC, RANGE));
}

/* Cut anywhere, with any byte turned into any other: an answer, and never a byte beyond the end
 * (AddressSanitizer watches). */
static void any_change_gives_an_answer(void **state)
{
    (void)state;
    static const char GOOD[] = "a,\"b\"\"c\",d\r\n1,\"x\ny\",\xc3\xa9\r\n,,\n";
    char out[512];
    for (size_t len = 0; len < sizeof GOOD; len++) {
        uint8_t *copy = tight_copy(sotto_span_of(GOOD, len));
        (void)read_all(sotto_span_of(copy, len), 0, out, sizeof out, NULL);
        for (size_t i = 0; i < len; i++)
            for (unsigned c = 0; c < 256; c += len + 1 == sizeof GOOD ? 1 : 17) {
                uint8_t kept = copy[i];
                copy[i] = (uint8_t)c;
                (void)read_all(sotto_span_of(copy, len), ',', out, sizeof out, NULL);
                copy[i] = kept;
            }
        free(copy);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_files),
        cmocka_unit_test(lines_are_counted_through_quotes),
        cmocka_unit_test(bad_files_say_the_line),
        cmocka_unit_test(the_reader_stays_at_a_bad_row),
        cmocka_unit_test(rows_and_fields_are_bounded),
        cmocka_unit_test(any_change_gives_an_answer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
