/* One-time codes: what is printed can be typed, also by people. */
#include "../hq_test.h"

static void known_codes(void **state)
{
    (void)state;
    char text[HQ_CODE_TEXT];
    uint8_t zero[HQ_CODE_BYTES] = {0}, ones[HQ_CODE_BYTES], counting[HQ_CODE_BYTES];
    memset(ones, 0xff, sizeof ones);
    for (size_t i = 0; i < sizeof counting; i++)
        counting[i] = (uint8_t)(0x11 * i);
    hq_code_format(zero, text);
    assert_string_equal(text, "0000-0000-0000-0000");
    hq_code_format(ones, text);
    assert_string_equal(text, "ZZZZ-ZZZZ-ZZZZ-ZZZZ");
    /* 00 11 22 33 44 55 66 77 88 99 in groups of five bits */
    hq_code_format(counting, text);
    assert_string_equal(text, "008J-4CT4-ANK7-F24S");
}

static void random_codes_come_back(void **state)
{
    (void)state;
    sotto_entropy entropy = sotto_port_entropy();
    for (int i = 0; i < 2000; i++) {
        uint8_t secret[HQ_CODE_BYTES], back[HQ_CODE_BYTES];
        char text[HQ_CODE_TEXT];
        assert_int_equal(entropy.fill(entropy.ctx, secret, sizeof secret), SOTTO_OK);
        hq_code_format(secret, text);
        assert_int_equal(strlen(text), HQ_CODE_TEXT - 1);
        assert_int_equal(hq_code_parse(sotto_span_str(text), back, NULL), SOTTO_OK);
        assert_memory_equal(secret, back, sizeof secret);
    }
}

static void people_type_differently(void **state)
{
    (void)state;
    uint8_t secret[HQ_CODE_BYTES], back[HQ_CODE_BYTES];
    assert_int_equal(hq_code_parse(sotto_span_str("0111-ABCD-EFGH-JK01"), secret, NULL), SOTTO_OK);
    static const char *const same[] = {"0111ABCDEFGHJK01", "oiL1-abcd-efgh-jkOi", " 0111 abcd efgh jk0l "};
    for (size_t i = 0; i < SOTTO_COUNT(same); i++) {
        assert_int_equal(hq_code_parse(sotto_span_str(same[i]), back, NULL), SOTTO_OK);
        assert_memory_equal(secret, back, sizeof secret);
    }
}

static void what_is_no_code(void **state)
{
    (void)state;
    uint8_t secret[HQ_CODE_BYTES];
    static const char *const wrong[] = {"",
                                        "0111-ABCD-EFGH-JK0",
                                        "0111-ABCD-EFGH-JK011",
                                        "0111-ABCD-EFGH-JK0U",
                                        "0111-ABCD-EFGH-JK0!",
                                        "0111-ABCD-EFGH-JK0\xc3"};
    for (size_t i = 0; i < SOTTO_COUNT(wrong); i++)
        cause_is(hq_code_parse(sotto_span_str(wrong[i]), secret, NULL), MALFORMED);
    cause_is(hq_code_parse(sotto_span_of("0111ABCDEFGHJK0\0", 16), secret, NULL), MALFORMED);
}

static void hashes_differ(void **state)
{
    (void)state;
    uint8_t a[HQ_CODE_BYTES] = {0}, b[HQ_CODE_BYTES] = {0}, hash_a[SOTTO_SHA256_BYTES],
            hash_b[SOTTO_SHA256_BYTES];
    b[HQ_CODE_BYTES - 1] = 1;
    assert_int_equal(hq_code_hash(a, hash_a), SOTTO_OK);
    assert_int_equal(hq_code_hash(b, hash_b), SOTTO_OK);
    assert_memory_not_equal(hash_a, hash_b, sizeof hash_a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_codes),
        cmocka_unit_test(random_codes_come_back),
        cmocka_unit_test(people_type_differently),
        cmocka_unit_test(what_is_no_code),
        cmocka_unit_test(hashes_differ),
    };
    return cmocka_run_group_tests(tests, test_setup, test_teardown);
}
