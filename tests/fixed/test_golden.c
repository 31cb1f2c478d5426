/* The same bits on every CPU: hashes of results over dense ranges, taken once on x86-64. A machine that
 * disagrees about any one of these values has another hash. When a function is changed on purpose, the
 * printed hash is the new one, and models, reports and replays made before the change no longer agree: see
 * docs/formats/fixed-point.md. */
#include "fixed_test.h"

#define MARGIN_END (INT64_C(25) << 24)

static uint64_t hash_sigmoid(void)
{
    uint64_t hash = HASH_START;
    for (int64_t margin = -MARGIN_END; margin <= MARGIN_END; margin += 769)
        hash = hash_value(hash, sotto_fixed_sigmoid_q30(margin));
    return hash;
}

static uint64_t hash_exp(void)
{
    uint64_t hash = HASH_START;
    for (int64_t x = -MARGIN_END; x <= 0; x += 389)
        hash = hash_value(hash, sotto_fixed_exp_neg_q30(x));
    return hash;
}

static uint64_t hash_ln(void)
{
    uint64_t hash = HASH_START, random = 11;
    for (uint64_t v = 1; v < 300000; v++)
        hash = hash_value(hash, (uint64_t)sotto_fixed_ln_q24(v));
    for (unsigned i = 0; i < 300000; i++)
        hash = hash_value(hash, (uint64_t)sotto_fixed_ln_q24(next_random(&random) >> (i % 64) | 1));
    return hash;
}

static uint64_t hash_logit(void)
{
    uint64_t hash = HASH_START;
    for (uint32_t p = 1; p < SOTTO_PROB_ONE_Q30; p += 1987)
        hash = hash_value(hash, (uint64_t)sotto_fixed_logit_q24(p));
    return hash;
}

static uint64_t hash_mul_div(void)
{
    uint64_t hash = HASH_START, random = 12;
    for (unsigned i = 0; i < 300000; i++) {
        int64_t a = (int64_t)next_random(&random) >> (i % 63), b = (int64_t)next_random(&random) >> (i % 61);
        int64_t c = (int64_t)(next_random(&random) >> (1 + i % 62)) | 1, out = 0;
        sotto_status status = sotto_fixed_mul_div(a, b, c, &out);
        hash = hash_value(hash_value(hash, (uint64_t)status), (uint64_t)out);
    }
    return hash;
}

static uint64_t hash_decimal_key(void)
{
    uint64_t hash = HASH_START, random = 13;
    for (unsigned i = 0; i < 300000; i++)
        hash = hash_value(
            hash, (uint64_t)sotto_fixed_decimal_key((int64_t)next_random(&random) >> (i % 64), i % 19));
    return hash;
}

static const struct {
    const char *name;
    uint64_t (*run)(void);
    uint64_t expected;
} GOLDEN[] = {
    {"sigmoid", hash_sigmoid, UINT64_C(0x5cf97dabdae80ca5)},
    {"exp", hash_exp, UINT64_C(0xcef10f35eb96c11d)},
    {"ln", hash_ln, UINT64_C(0x38aac6863aed0cfd)},
    {"logit", hash_logit, UINT64_C(0x74685bd3d905a9d1)},
    {"mul_div", hash_mul_div, UINT64_C(0x15969d5e01788657)},
    {"decimal_key", hash_decimal_key, UINT64_C(0x005dc0bf623d45b9)},
};

static void every_machine_gives_the_same_bits(void **state)
{
    (void)state;
    unsigned wrong = 0;
    for (size_t i = 0; i < SOTTO_COUNT(GOLDEN); i++) {
        uint64_t got = GOLDEN[i].run();
        if (got == GOLDEN[i].expected)
            continue;
        print_error("%s: 0x%016llx\n", GOLDEN[i].name, (unsigned long long)got);
        wrong++;
    }
    assert_int_equal(wrong, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_machine_gives_the_same_bits)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
