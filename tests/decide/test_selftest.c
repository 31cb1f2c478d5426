/* The self-test of a release: what was made is found the same, on every CPU; another model, another policy, a
 * changed byte and a cut are noticed. */
#include "decide_test.h"

#include "sotto/selftest.h"

#include <stdio.h>

static fixture f;
static sotto_selftest_work work;
static sotto_selftest_sum sum;
static uint8_t file[SOTTO_SELFTEST_MAX], bad[SOTTO_SELFTEST_MAX];
static size_t file_len;

#ifdef SOTTO_EMULATED
static const size_t step = 397;
#else
static const size_t step = 41;
#endif

static const char CAMPAIGNS[] =
    "{\"number\":1,\"id\":\"a\",\"product\":\"saver\",\"caps\":{\"day\":1}," WORDS
    ",\n{\"number\":2,\"id\":\"b\",\"product\":\"term\",\"who\":{\">=\":[{\"var\":\"balance\"},200]}," WORDS
    ",\n{\"number\":3,\"id\":\"c\",\"product\":\"card\"," WORDS
    ",\n{\"number\":4,\"id\":\"d\",\"product\":\"saver\",\"needs_profile\":false," WORDS;

static sotto_selftest_release release_of(fixture *x)
{
    return (sotto_selftest_release){.dictionary = x->dictionary,
                                    .model = x->model,
                                    .plan = x->plan,
                                    .profile = &x->profile,
                                    .scratch = x->scratch};
}

static sotto_status run(sotto_span bytes)
{
    sotto_selftest_release release = release_of(&f);
    f.diag = (sotto_diag){0};
    return sotto_selftest_run(bytes, "selftest.sotto", &release, &work, &sum, &f.diag);
}

static void make(void)
{
    sotto_buf out = sotto_buf_of(file, sizeof file);
    sotto_selftest_release release = release_of(&f);
    assert_int_equal(sotto_selftest_make(&release, NOON_S, &work, &out, &f.diag), SOTTO_OK);
    file_len = out.len;
}

static int set_up(void **state)
{
    (void)state;
    fixture_open(&f, 40);
    load_campaigns(&f, CAMPAIGNS);
    make();
    return 0;
}

static void test_the_same_again(void **state)
{
    (void)state;
    assert_int_equal(run(sotto_span_of(file, file_len)), SOTTO_OK);
    assert_true(sum.rows == 64 && sum.decisions == 36);
    memcpy(bad, file, file_len);
    size_t len = file_len;
    make();
    assert_true(len == file_len && memcmp(bad, file, len) == 0);
}

/* Half the margins of a self-test of few distinct rows would prove little. */
static void test_rows_reach_many_leaves(void **state)
{
    (void)state;
    size_t features = sotto_model_info_of(f.model)->features, width = 4 * features + 8, distinct = 0;
    const uint8_t *rows = file + 8 + 4 + 8;
    for (size_t i = 0; i < 64; i++) {
        bool seen = false;
        for (size_t k = 0; k < i && !seen; k++)
            seen = memcmp(rows + i * width + 4 * features, rows + k * width + 4 * features, 8) == 0;
        distinct += !seen;
    }
    assert_true(distinct > 48);
}

/* FNV-1a of the file: written on x86-64; other CPUs must write the same. */
static const uint64_t GOLDEN = UINT64_C(0x46e7081dabdca501);

static void test_the_same_bytes_on_every_cpu(void **state)
{
    (void)state;
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    for (size_t i = 0; i < file_len; i++)
        hash = (hash ^ file[i]) * UINT64_C(0x100000001b3);
    if (hash != GOLDEN)
        fail_msg("hash 0x%016llx of %zu bytes", (unsigned long long)hash, file_len);
}

static void test_another_release_is_noticed(void **state)
{
    (void)state;
    static fixture other;
    fixture_open(&other, 41);
    load_campaigns(&other, CAMPAIGNS);
    sotto_selftest_release release = release_of(&other);
    sotto_diag diag = {0};
    assert_int_equal(
        sotto_selftest_run(sotto_span_of(file, file_len), "selftest.sotto", &release, &work, &sum, &diag),
        SOTTO_ERR(DECIDE, CONFLICT));
    assert_non_null(strstr(diag.text, "row"));
    char less[sizeof CAMPAIGNS];
    fixture_open(&other, 40);
    memcpy(less, CAMPAIGNS, sizeof less);
    *strchr(less, '>') = '<'; /* the rule turned round */
    load_campaigns(&other, less);
    release = release_of(&other);
    diag = (sotto_diag){0};
    assert_int_equal(
        sotto_selftest_run(sotto_span_of(file, file_len), "selftest.sotto", &release, &work, &sum, &diag),
        SOTTO_ERR(DECIDE, CONFLICT));
    assert_non_null(strstr(diag.text, "decision"));
    assert_int_equal(sum.rows, 64);
}

/* A cut between two decisions is a shorter self-test; the release's signature is what keeps it whole. */
static void test_cuts_and_changes(void **state)
{
    (void)state;
    size_t passed = 0;
    for (size_t len = 0; len < file_len; len += len < 64 ? 1 : step)
        passed += run(sotto_span_of(file, len)) == SOTTO_OK;
    assert_true(passed <= 37);
    memcpy(bad, file, file_len);
    for (size_t at = 0; at < file_len; at += at < 64 ? 1 : step) {
        bad[at] ^= 0x55;
        /* A key's bit may lie on the same side of all thresholds. */
        if (run(sotto_span_of(bad, file_len)) == SOTTO_OK)
            assert_true(at >= 20 && at < 20 + 64 * (4 * sotto_model_info_of(f.model)->features + 8));
        bad[at] ^= 0x55;
    }
}

static void test_no_room(void **state)
{
    (void)state;
    sotto_selftest_release release = release_of(&f);
    for (size_t cap = 3; cap < file_len; cap += 1 + cap / 3) {
        sotto_buf out = sotto_buf_of(bad, cap);
        assert_int_equal(sotto_buf_put(&out, "abc", 3), SOTTO_OK);
        assert_true(sotto_selftest_make(&release, NOON_S, &work, &out, NULL) != SOTTO_OK);
        assert_int_equal(out.len, 3);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_the_same_again),
                                       cmocka_unit_test(test_rows_reach_many_leaves),
                                       cmocka_unit_test(test_the_same_bytes_on_every_cpu),
                                       cmocka_unit_test(test_another_release_is_noticed),
                                       cmocka_unit_test(test_cuts_and_changes),
                                       cmocka_unit_test(test_no_room)};
    return cmocka_run_group_tests(tests, set_up, NULL);
}
