/* Prio3 through its public header: every variant round and round, at its limits, and its totals. The bytes
 * themselves are held by vdaf-vectors. */
#include "prio3_session.h"

static void round_trip(const sotto_prio3 *prio3, unsigned reports)
{
    session *s = open_session(prio3);
    for (unsigned i = 0; i < reports; i++) {
        measure(s, i);
        assert_int_equal(shard(s), SOTTO_OK);
        assert_int_equal(verify(s), SOTTO_OK);
        assert_true(is_zero(s->shard_scratch, sotto_prio3_shard_scratch_size(prio3)));
        assert_true(is_zero(s->verify_scratch, sotto_prio3_verify_scratch_size(prio3)));
        aggregate(s);
    }
    assert_int_equal(unshard(s), SOTTO_OK);
    assert_memory_equal(s->result, s->total, prio3->length * sizeof *s->total);
    close_session(s);
}

static void counts_and_sums(void **state)
{
    static const uint64_t MAX[] = {
        1, 2, 3, 4, 7, 8, 100, 255, 256, 1337, UINT32_MAX, (UINT64_C(1) << 62) - 1, UINT64_C(1) << 60};
    (void)state;
    for (uint32_t shares = 2; shares <= SHARES_MAX; shares++) {
        sotto_prio3 prio3;
        assert_int_equal(sotto_prio3_count(&prio3, shares, NULL), SOTTO_OK);
        round_trip(&prio3, 5);
        for (size_t i = 0; i < SOTTO_COUNT(MAX); i++) {
            assert_int_equal(sotto_prio3_sum(&prio3, shares, MAX[i], NULL), SOTTO_OK);
            round_trip(&prio3, 5);
        }
    }
    sotto_prio3 prio3;
    assert_int_equal(sotto_prio3_sum(&prio3, 2, INT64_MAX, NULL), SOTTO_OK);
    round_trip(&prio3, 2);
}

static void vectors(void **state)
{
    static const struct {
        uint32_t shares, length, chunk;
        uint64_t max;
    } CASES[] = {{2, 1, 1, 1},
                 {2, 1, 5, 1},
                 {3, 1, 1, 2},
                 {2, 3, 2, 5},
                 {2, 10, 9, 255},
                 {3, 3, 7, 32000},
                 {2, 7, 4, UINT64_MAX / 8},
                 {5, 17, 3, 6},
                 {2, 40, 1, 3},
                 {2, 2, 64, 1000},
                 {2, 1000, 33, 1}};
    sotto_prio3 prio3;
    (void)state;
    for (size_t i = 0; i < SOTTO_COUNT(CASES); i++) {
        assert_int_equal(
            sotto_prio3_sum_vec(&prio3, CASES[i].shares, CASES[i].length, CASES[i].max, CASES[i].chunk, NULL),
            SOTTO_OK);
        round_trip(&prio3, 4);
        assert_int_equal(sotto_prio3_sum_vec_multiproof(&prio3, CASES[i].shares, CASES[i].length,
                                                        CASES[i].max, CASES[i].chunk, 1 + i % 4, NULL),
                         SOTTO_OK);
        round_trip(&prio3, 4);
    }
    assert_int_equal(sotto_prio3_sum_vec(&prio3, 2, 3, UINT64_MAX, 8, NULL), SOTTO_OK);
    round_trip(&prio3, 2);
}

static void histograms_and_multihots(void **state)
{
    static const uint32_t LENGTHS[] = {1, 2, 3, 10, 31, 100};
    sotto_prio3 prio3;
    (void)state;
    for (size_t i = 0; i < SOTTO_COUNT(LENGTHS); i++)
        for (uint32_t chunk = 1; chunk <= LENGTHS[i] + 1; chunk += 1 + LENGTHS[i] / 4) {
            uint32_t n = LENGTHS[i], shares = 2 + chunk % 3;
            assert_int_equal(sotto_prio3_histogram(&prio3, shares, n, chunk, NULL), SOTTO_OK);
            round_trip(&prio3, 4);
            assert_int_equal(sotto_prio3_multihot(&prio3, shares, n, 1 + n / 2, chunk, NULL), SOTTO_OK);
            round_trip(&prio3, 4);
            assert_int_equal(sotto_prio3_multihot(&prio3, shares, n, n, chunk, NULL), SOTTO_OK);
            round_trip(&prio3, 4);
        }
}

static void parameters_out_of_range(void **state)
{
    sotto_prio3 prio3;
    sotto_diag diag = {0};
    const sotto_prio3 zeros = {0};
    (void)state;
    const sotto_status RANGE = SOTTO_ERR(PRIVACY, RANGE);
    assert_int_equal(sotto_prio3_count(&prio3, 1, &diag), RANGE);
    assert_memory_equal(&prio3, &zeros, sizeof prio3);
    assert_string_equal(diag.text, "Prio3: number of shares is out of range");
    assert_int_equal(sotto_prio3_count(&prio3, 256, NULL), RANGE);
    assert_int_equal(sotto_prio3_sum(&prio3, 2, 0, NULL), RANGE);
    assert_int_equal(sotto_prio3_sum(&prio3, 2, UINT64_C(1) << 63, NULL), RANGE);
    assert_int_equal(sotto_prio3_sum_vec(&prio3, 2, 0, 1, 1, NULL), RANGE);
    assert_int_equal(sotto_prio3_sum_vec(&prio3, 2, 1, 0, 1, NULL), RANGE);
    assert_int_equal(sotto_prio3_sum_vec(&prio3, 2, 1, 1, 0, NULL), RANGE);
    assert_int_equal(sotto_prio3_sum_vec(&prio3, 2, 1 << 20, 2, 1, NULL), RANGE);
    assert_int_equal(sotto_prio3_sum_vec(&prio3, 2, UINT32_MAX, UINT64_MAX, 1, NULL), RANGE);
    assert_int_equal(sotto_prio3_sum_vec(&prio3, 2, 5, 1, (1 << 20) + 1, NULL), RANGE);
    assert_int_equal(sotto_prio3_sum_vec(&prio3, 2, 1 << 20, 1, 1 << 10, NULL), SOTTO_OK);
    assert_int_equal(sotto_prio3_sum_vec_multiproof(&prio3, 2, 5, UINT64_C(1) << 63, 2, 3, NULL), RANGE);
    assert_int_equal(sotto_prio3_sum_vec_multiproof(&prio3, 2, 5, 1, 2, 0, NULL), RANGE);
    assert_int_equal(sotto_prio3_sum_vec_multiproof(&prio3, 2, 5, 1, 2, 256, NULL), RANGE);
    assert_int_equal(sotto_prio3_sum_vec_multiproof(&prio3, 2, 1 << 20, 1, 1 << 10, 255, NULL), RANGE);
    assert_int_equal(sotto_prio3_histogram(&prio3, 2, 0, 1, NULL), RANGE);
    assert_int_equal(sotto_prio3_histogram(&prio3, 2, 1, 0, NULL), RANGE);
    assert_int_equal(sotto_prio3_multihot(&prio3, 2, 4, 0, 1, NULL), RANGE);
    assert_int_equal(sotto_prio3_multihot(&prio3, 2, 4, 5, 1, NULL), RANGE);
    assert_int_equal(sotto_prio3_multihot(&prio3, 2, 0, 0, 1, NULL), RANGE);
}

static void best_chunks(void **state)
{
    sotto_prio3 best, other;
    (void)state;
    assert_int_equal(sotto_prio3_best_chunk(0), 1);
    assert_int_equal(sotto_prio3_best_chunk(1), 1);
    assert_int_equal(sotto_prio3_best_chunk(1000), 33);
    assert_true(sotto_prio3_best_chunk(UINT32_MAX) < 1 << 17);
    for (uint32_t length = 1; length < 200; length++) {
        uint32_t chunk = sotto_prio3_best_chunk(length);
        assert_int_equal(sotto_prio3_histogram(&best, 2, length, chunk, NULL), SOTTO_OK);
        for (uint32_t c = 1; c <= length; c++) {
            assert_int_equal(sotto_prio3_histogram(&other, 2, length, c, NULL), SOTTO_OK);
            assert_true(other.proof_len > best.proof_len ||
                        (other.proof_len == best.proof_len && c >= chunk));
        }
    }
}

static void refused_measurement(session *s)
{
    assert_int_equal(shard(s), SOTTO_ERR(PRIVACY, RANGE));
    assert_true(is_zero(s->public_share, sotto_prio3_public_share_size(&s->prio3)));
    for (uint32_t i = 0; i < s->prio3.shares; i++)
        assert_true(is_zero(s->inputs[i], sotto_prio3_input_share_size(&s->prio3, i)));
    assert_true(is_zero(s->shard_scratch, sotto_prio3_shard_scratch_size(&s->prio3)));
}

static void measurements_out_of_range(void **state)
{
    sotto_prio3 prio3;
    (void)state;
    assert_int_equal(sotto_prio3_count(&prio3, 2, NULL), SOTTO_OK);
    session *s = open_session(&prio3);
    static const uint64_t NOT_A_BIT[] = {2, 3, UINT64_C(1) << 32, UINT64_MAX - 1, UINT64_MAX};
    for (size_t i = 0; i < SOTTO_COUNT(NOT_A_BIT); i++) {
        s->measurement[0] = NOT_A_BIT[i];
        refused_measurement(s);
    }
    close_session(s);
    assert_int_equal(sotto_prio3_sum(&prio3, 2, 1337, NULL), SOTTO_OK);
    s = open_session(&prio3);
    s->measurement[0] = 1338;
    refused_measurement(s);
    close_session(s);
    assert_int_equal(sotto_prio3_histogram(&prio3, 3, 10, 3, NULL), SOTTO_OK);
    s = open_session(&prio3);
    s->measurement[0] = 10;
    refused_measurement(s);
    s->measurement[0] = UINT64_C(1) << 32;
    refused_measurement(s);
    close_session(s);
    assert_int_equal(sotto_prio3_sum_vec(&prio3, 2, 4, 5, 3, NULL), SOTTO_OK);
    s = open_session(&prio3);
    s->measurement[3] = 6;
    refused_measurement(s);
    close_session(s);
    assert_int_equal(sotto_prio3_multihot(&prio3, 2, 4, 2, 3, NULL), SOTTO_OK);
    s = open_session(&prio3);
    s->measurement[0] = s->measurement[1] = s->measurement[2] = 1; /* one too many */
    refused_measurement(s);
    s->measurement[1] = s->measurement[2] = 0;
    s->measurement[0] = 2;
    refused_measurement(s);
    s->measurement[0] = UINT64_MAX;
    refused_measurement(s);
    close_session(s);
}

static sotto_status unshard_signed(session *s, int64_t *result)
{
    sotto_span shares[SHARES_MAX];
    for (uint32_t i = 0; i < s->prio3.shares; i++)
        shares[i] = sotto_span_of(s->aggs[i], sotto_prio3_agg_share_size(&s->prio3));
    return sotto_prio3_unshard_signed(&s->prio3, shares, s->prio3.shares, result, NULL);
}

static void noise_is_added(void **state)
{
    sotto_prio3 variants[2];
    static const int64_t NOISE[2][5] = {{-3, 0, 5, -(INT64_C(1) << 40), 7}, {2, -1, -5, 0, INT32_MAX}};
    (void)state;
    assert_int_equal(sotto_prio3_sum_vec(&variants[0], 2, 5, 9, 3, NULL), SOTTO_OK);
    assert_int_equal(sotto_prio3_sum_vec_multiproof(&variants[1], 2, 5, 9, 3, 3, NULL), SOTTO_OK);
    for (size_t v = 0; v < 2; v++) {
        session *s = open_session(&variants[v]);
        int64_t result[5];
        measure(s, 2);
        assert_int_equal(shard(s), SOTTO_OK);
        assert_int_equal(verify(s), SOTTO_OK);
        aggregate(s);
        for (uint32_t i = 0; i < 2; i++)
            assert_int_equal(sotto_prio3_agg_add(&s->prio3, s->aggs[i], NOISE[i], 5, NULL), SOTTO_OK);
        assert_int_equal(unshard_signed(s, result), SOTTO_OK);
        for (size_t i = 0; i < 5; i++)
            assert_true(result[i] == (int64_t)s->total[i] + NOISE[0][i] + NOISE[1][i]);
        close_session(s);
    }
}

/* The ends of what a total can be. */
static void totals_at_the_ends(void **state)
{
    sotto_prio3 prio3;
    int64_t value = INT64_MIN, result;
    (void)state;
    assert_int_equal(sotto_prio3_sum_vec(&prio3, 2, 1, 1, 1, NULL), SOTTO_OK);
    session *s = open_session(&prio3);
    assert_int_equal(sotto_prio3_agg_add(&prio3, s->aggs[0], &value, 1, NULL), SOTTO_OK);
    assert_int_equal(unshard_signed(s, &result), SOTTO_ERR(PRIVACY, RANGE));
    assert_true(result == 0);
    assert_int_equal(unshard(s), SOTTO_ERR(PRIVACY, RANGE));
    value = 1;
    assert_int_equal(sotto_prio3_agg_add(&prio3, s->aggs[1], &value, 1, NULL), SOTTO_OK);
    assert_int_equal(unshard_signed(s, &result), SOTTO_OK);
    assert_true(result == INT64_MIN + 1);
    for (unsigned i = 0; i < 4; i++) {
        value = INT64_MAX;
        assert_int_equal(sotto_prio3_agg_add(&prio3, s->aggs[i % 2], &value, 1, NULL), SOTTO_OK);
    }
    assert_int_equal(unshard(s), SOTTO_ERR(PRIVACY, RANGE)); /* 3 * 2^63 */
    sotto_prio3_agg_init(&prio3, s->aggs[0]);
    sotto_prio3_agg_init(&prio3, s->aggs[1]);
    for (unsigned i = 0; i < 2; i++)
        assert_int_equal(sotto_prio3_agg_add(&prio3, s->aggs[i], &value, 1, NULL), SOTTO_OK);
    assert_int_equal(unshard(s), SOTTO_OK);
    assert_true(s->result[0] == UINT64_MAX - 1);
    assert_int_equal(unshard_signed(s, &result), SOTTO_ERR(PRIVACY, RANGE));
    close_session(s);
}

static void merging_is_adding(void **state)
{
    sotto_prio3 prio3;
    (void)state;
    assert_int_equal(sotto_prio3_histogram(&prio3, 2, 10, 3, NULL), SOTTO_OK);
    session *s = open_session(&prio3);
    uint8_t *other[2] = {memory(sotto_prio3_agg_share_size(&prio3)),
                         memory(sotto_prio3_agg_share_size(&prio3))};
    for (unsigned batch = 0; batch < 2; batch++) {
        for (unsigned i = 0; i < 6; i++) {
            measure(s, 2);
            assert_int_equal(shard(s), SOTTO_OK);
            assert_int_equal(verify(s), SOTTO_OK);
            aggregate(s);
        }
        if (batch == 0)
            for (unsigned i = 0; i < 2; i++) {
                memcpy(other[i], s->aggs[i], sotto_prio3_agg_share_size(&prio3));
                sotto_prio3_agg_init(&prio3, s->aggs[i]);
            }
    }
    for (unsigned i = 0; i < 2; i++) {
        sotto_span share = sotto_span_of(other[i], sotto_prio3_agg_share_size(&prio3));
        assert_int_equal(sotto_prio3_agg_update(&prio3, s->aggs[i], share, NULL), SOTTO_OK);
        free(other[i]);
    }
    assert_int_equal(unshard(s), SOTTO_OK);
    assert_memory_equal(s->result, s->total, prio3.length * sizeof *s->total);
    close_session(s);
}

int main(void)
{
    static const struct CMUnitTest TESTS[] = {cmocka_unit_test_setup(counts_and_sums, seed_random),
                                              cmocka_unit_test_setup(vectors, seed_random),
                                              cmocka_unit_test_setup(histograms_and_multihots, seed_random),
                                              cmocka_unit_test_setup(parameters_out_of_range, seed_random),
                                              cmocka_unit_test_setup(best_chunks, seed_random),
                                              cmocka_unit_test_setup(measurements_out_of_range, seed_random),
                                              cmocka_unit_test_setup(noise_is_added, seed_random),
                                              cmocka_unit_test_setup(totals_at_the_ends, seed_random),
                                              cmocka_unit_test_setup(merging_is_adding, seed_random)};
    return cmocka_run_group_tests(TESTS, NULL, NULL);
}
