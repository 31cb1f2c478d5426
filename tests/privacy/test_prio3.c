/* Prio3 through its public header: every variant round and round, at its limits, with bad arguments, and with
 * each message cut short, too long or changed. The bytes themselves are held by vdaf-vectors. */
#include "sotto/prio3.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { SHARES_MAX = 5 };

/* xorshift64*, Vigna 2016: deterministic, the same everywhere. */
static uint64_t random_state;

static uint64_t random_word(void)
{
    random_state ^= random_state >> 12;
    random_state ^= random_state << 25;
    random_state ^= random_state >> 27;
    return random_state * UINT64_C(0x2545f4914f6cdd1d);
}

static void random_bytes(uint8_t *out, size_t len)
{
    for (size_t i = 0; i < len; i++)
        out[i] = (uint8_t)(random_word() >> 32);
}

/* One instance with memory of exactly the sizes it asks for, so that AddressSanitizer sees a step beyond. */
typedef struct session {
    sotto_prio3 prio3;
    sotto_span ctx;
    uint8_t *rand, *public_share, *inputs[SHARES_MAX], *states[SHARES_MAX], *shares[SHARES_MAX], *message;
    uint8_t *outs[SHARES_MAX], *aggs[SHARES_MAX];
    uint8_t nonce[SOTTO_PRIO3_NONCE_BYTES], keys[SHARES_MAX][SOTTO_PRIO3_VERIFY_KEY_BYTES];
    uint64_t *measurement, *total, *result;
    void *shard_scratch, *verify_scratch;
} session;

static void *memory(size_t bytes)
{
    void *block = malloc(bytes > 0 ? bytes : 1);
    assert_non_null(block);
    memset(block, 0xa5, bytes);
    return block;
}

static session *open_session(const sotto_prio3 *prio3)
{
    session *s = calloc(1, sizeof *s);
    assert_non_null(s);
    assert_true(prio3->shares <= SHARES_MAX);
    s->prio3 = *prio3;
    s->ctx = sotto_span_str("test");
    s->rand = memory(sotto_prio3_rand_size(prio3));
    s->public_share = memory(sotto_prio3_public_share_size(prio3));
    s->message = memory(sotto_prio3_verifier_message_size(prio3));
    for (uint32_t i = 0; i < prio3->shares; i++) {
        s->inputs[i] = memory(sotto_prio3_input_share_size(prio3, i));
        s->states[i] = memory(sotto_prio3_verify_state_size(prio3));
        s->shares[i] = memory(sotto_prio3_verifier_share_size(prio3));
        s->outs[i] = memory(sotto_prio3_agg_share_size(prio3));
        s->aggs[i] = memory(sotto_prio3_agg_share_size(prio3));
        sotto_prio3_agg_init(prio3, s->aggs[i]);
        memset(s->keys[i], 0x6b, sizeof s->keys[i]);
    }
    s->measurement = calloc(prio3->measurement_len, sizeof *s->measurement);
    s->total = calloc(prio3->length, sizeof *s->total);
    s->result = memory(prio3->length * sizeof *s->result);
    s->shard_scratch = memory(sotto_prio3_shard_scratch_size(prio3));
    s->verify_scratch = memory(sotto_prio3_verify_scratch_size(prio3));
    assert_true(s->measurement != NULL && s->total != NULL);
    return s;
}

static void close_session(session *s)
{
    for (uint32_t i = 0; i < s->prio3.shares; i++) {
        free(s->inputs[i]);
        free(s->states[i]);
        free(s->shares[i]);
        free(s->outs[i]);
        free(s->aggs[i]);
    }
    free(s->rand);
    free(s->public_share);
    free(s->message);
    free(s->measurement);
    free(s->total);
    free(s->result);
    free(s->shard_scratch);
    free(s->verify_scratch);
    free(s);
}

static sotto_status shard(session *s)
{
    const sotto_prio3_report report = {s->public_share, s->inputs};
    random_bytes(s->rand, sotto_prio3_rand_size(&s->prio3));
    random_bytes(s->nonce, sizeof s->nonce);
    return sotto_prio3_shard(&s->prio3, s->ctx, s->measurement, s->prio3.measurement_len, s->nonce,
                             sotto_span_of(s->rand, sotto_prio3_rand_size(&s->prio3)), &report,
                             s->shard_scratch, sotto_prio3_shard_scratch_size(&s->prio3), NULL);
}

static sotto_prio3_received received(const session *s, uint32_t i)
{
    return (sotto_prio3_received){s->nonce,
                                  sotto_span_of(s->public_share, sotto_prio3_public_share_size(&s->prio3)),
                                  sotto_span_of(s->inputs[i], sotto_prio3_input_share_size(&s->prio3, i))};
}

static sotto_status verify_init(session *s, uint32_t i)
{
    const sotto_prio3_received from_client = received(s, i);
    return sotto_prio3_verify_init(&s->prio3, s->keys[i], s->ctx, i, &from_client, s->states[i], s->shares[i],
                                   s->verify_scratch, sotto_prio3_verify_scratch_size(&s->prio3), NULL);
}

static sotto_status to_message(session *s)
{
    sotto_span shares[SHARES_MAX];
    for (uint32_t i = 0; i < s->prio3.shares; i++)
        shares[i] = sotto_span_of(s->shares[i], sotto_prio3_verifier_share_size(&s->prio3));
    return sotto_prio3_verifier_shares_to_message(&s->prio3, s->ctx, shares, s->prio3.shares, s->message,
                                                  s->verify_scratch,
                                                  sotto_prio3_verify_scratch_size(&s->prio3), NULL);
}

static sotto_status verify_next(session *s, uint32_t i)
{
    sotto_span message = sotto_span_of(s->message, sotto_prio3_verifier_message_size(&s->prio3));
    return sotto_prio3_verify_next(&s->prio3, s->states[i], message, s->outs[i], NULL);
}

static sotto_status finish(session *s)
{
    sotto_status status = to_message(s);
    for (uint32_t i = 0; i < s->prio3.shares && status == SOTTO_OK; i++)
        status = verify_next(s, i);
    return status;
}

/* All of verification; the first refusal. */
static sotto_status verify(session *s)
{
    sotto_status status = SOTTO_OK;
    for (uint32_t i = 0; i < s->prio3.shares && status == SOTTO_OK; i++)
        status = verify_init(s, i);
    return status == SOTTO_OK ? finish(s) : status;
}

static void aggregate(session *s)
{
    size_t size = sotto_prio3_agg_share_size(&s->prio3);
    for (uint32_t i = 0; i < s->prio3.shares; i++)
        assert_int_equal(sotto_prio3_agg_update(&s->prio3, s->aggs[i], sotto_span_of(s->outs[i], size), NULL),
                         SOTTO_OK);
}

static sotto_status unshard(session *s)
{
    sotto_span shares[SHARES_MAX];
    for (uint32_t i = 0; i < s->prio3.shares; i++)
        shares[i] = sotto_span_of(s->aggs[i], sotto_prio3_agg_share_size(&s->prio3));
    return sotto_prio3_unshard(&s->prio3, shares, s->prio3.shares, s->result, NULL);
}

/* A valid measurement: the smallest, the largest, or any. Adds it to the total. */
static void measure(session *s, unsigned kind)
{
    const sotto_prio3 *p = &s->prio3;
    uint64_t weight = 0;
    for (uint32_t i = 0; i < p->measurement_len; i++) {
        uint64_t limit = p->type == SOTTO_PRIO3_HISTOGRAM  ? p->length - 1
                         : p->type == SOTTO_PRIO3_MULTIHOT ? weight < p->max
                                                           : p->max;
        uint64_t any = limit == UINT64_MAX ? random_word() : random_word() % (limit + 1);
        s->measurement[i] = kind == 0 ? 0 : kind == 1 ? limit : any;
        weight += s->measurement[i];
    }
    if (p->type == SOTTO_PRIO3_HISTOGRAM)
        s->total[s->measurement[0]]++;
    else
        for (uint32_t i = 0; i < p->length; i++)
            s->total[i] += s->measurement[i];
}

static void round_trip(const sotto_prio3 *prio3, unsigned reports)
{
    session *s = open_session(prio3);
    for (unsigned i = 0; i < reports; i++) {
        measure(s, i);
        assert_int_equal(shard(s), SOTTO_OK);
        assert_int_equal(verify(s), SOTTO_OK);
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

static bool is_zero(const uint8_t *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (bytes[i] != 0)
            return false;
    return true;
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

/* ---- messages that somebody changed ---- */

static void small_variants(sotto_prio3 out[6])
{
    assert_int_equal(sotto_prio3_count(&out[0], 2, NULL), SOTTO_OK);
    assert_int_equal(sotto_prio3_sum(&out[1], 2, 1337, NULL), SOTTO_OK);
    assert_int_equal(sotto_prio3_sum_vec(&out[2], 2, 3, 5, 3, NULL), SOTTO_OK);
    assert_int_equal(sotto_prio3_sum_vec_multiproof(&out[3], 3, 3, 5, 3, 3, NULL), SOTTO_OK);
    assert_int_equal(sotto_prio3_histogram(&out[4], 2, 5, 2, NULL), SOTTO_OK);
    assert_int_equal(sotto_prio3_multihot(&out[5], 3, 5, 3, 2, NULL), SOTTO_OK);
}

/* Each byte of a message changed in one bit and in all: never does verification end well. */
static void changed(session *s, uint8_t *bytes, size_t len, sotto_status (*step)(session *))
{
    for (size_t i = 0; i < len; i++) {
        const uint8_t changes[] = {(uint8_t)(1u << i % 8), 0xff};
        for (size_t c = 0; c < SOTTO_COUNT(changes); c++) {
            bytes[i] ^= changes[c];
            sotto_status status = step(s);
            int cause = sotto_status_cause(status);
            if (cause != SOTTO_CAUSE_AUTH && cause != SOTTO_CAUSE_MALFORMED)
                fail_msg("byte %zu of %zu: status %d", i, len, (int)status);
            bytes[i] ^= changes[c];
        }
    }
    assert_int_equal(step(s), SOTTO_OK);
}

static sotto_status all_next(session *s)
{
    sotto_status status = SOTTO_OK;
    for (uint32_t i = 0; i < s->prio3.shares && status == SOTTO_OK; i++)
        status = verify_next(s, i);
    return status;
}

static void changed_messages_are_refused(void **state)
{
    sotto_prio3 variants[6];
    (void)state;
    small_variants(variants);
    for (size_t v = 0; v < SOTTO_COUNT(variants); v++) {
        const sotto_prio3 *p = &variants[v];
        session *s = open_session(p);
        measure(s, 2);
        assert_int_equal(shard(s), SOTTO_OK);
        changed(s, s->public_share, sotto_prio3_public_share_size(p), verify);
        for (uint32_t i = 0; i < p->shares; i++)
            changed(s, s->inputs[i], sotto_prio3_input_share_size(p, i), verify);
        changed(s, s->keys[1], sizeof s->keys[1], verify);
        if (p->joint_rand_len > 0)
            changed(s, s->nonce, sizeof s->nonce, verify);
        for (uint32_t i = 0; i < p->shares; i++)
            changed(s, s->shares[i], sotto_prio3_verifier_share_size(p), finish);
        changed(s, s->message, sotto_prio3_verifier_message_size(p), all_next);
        close_session(s);
    }
}

static void another_context_is_refused(void **state)
{
    sotto_prio3 variants[6];
    (void)state;
    small_variants(variants);
    for (size_t v = 0; v < SOTTO_COUNT(variants); v++) {
        session *s = open_session(&variants[v]);
        measure(s, 1);
        assert_int_equal(shard(s), SOTTO_OK);
        s->ctx = sotto_span_str("tesu");
        assert_int_equal(verify(s), SOTTO_ERR(PRIVACY, AUTH));
        close_session(s);
    }
}

static void expect_length(session *s, uint32_t i, sotto_prio3_received from_client, sotto_status want)
{
    sotto_diag diag = {0};
    assert_int_equal(sotto_prio3_verify_init(&s->prio3, s->keys[i], s->ctx, i, &from_client, s->states[i],
                                             s->shares[i], s->verify_scratch,
                                             sotto_prio3_verify_scratch_size(&s->prio3), &diag),
                     want);
    assert_int_equal(diag.status, want);
    assert_true(diag.where[0] != '\0');
    assert_true(is_zero(s->states[i], sotto_prio3_verify_state_size(&s->prio3)));
    assert_true(is_zero(s->shares[i], sotto_prio3_verifier_share_size(&s->prio3)));
}

/* Every length but the right one, of all that a client sends. */
static void wrong_lengths_are_refused(void **state)
{
    sotto_prio3 variants[6];
    (void)state;
    small_variants(variants);
    for (size_t v = 0; v < SOTTO_COUNT(variants); v++) {
        session *s = open_session(&variants[v]);
        measure(s, 1);
        assert_int_equal(shard(s), SOTTO_OK);
        for (uint32_t i = 0; i < s->prio3.shares; i++) {
            sotto_prio3_received right = received(s, i), wrong = right;
            for (size_t len = 0; len < right.input_share.len; len++) {
                wrong.input_share.len = len;
                expect_length(s, i, wrong, SOTTO_ERR(PRIVACY, TRUNCATED));
            }
            wrong.input_share.len = right.input_share.len + 1;
            expect_length(s, i, wrong, SOTTO_ERR(PRIVACY, MALFORMED));
            wrong = right;
            wrong.public_share.len++;
            expect_length(s, i, wrong, SOTTO_ERR(PRIVACY, MALFORMED));
            for (size_t len = 0; len < right.public_share.len; len++) {
                wrong.public_share.len = len;
                expect_length(s, i, wrong, SOTTO_ERR(PRIVACY, TRUNCATED));
            }
        }
        close_session(s);
    }
}

static void wrong_lengths_between_aggregators(void **state)
{
    sotto_prio3 variants[6];
    (void)state;
    small_variants(variants);
    for (size_t v = 0; v < SOTTO_COUNT(variants); v++) {
        const sotto_prio3 *p = &variants[v];
        session *s = open_session(p);
        size_t size = sotto_prio3_verifier_share_size(p), scratch = sotto_prio3_verify_scratch_size(p);
        size_t message = sotto_prio3_verifier_message_size(p);
        sotto_span shares[SHARES_MAX];
        measure(s, 1);
        assert_int_equal(shard(s), SOTTO_OK);
        assert_int_equal(verify(s), SOTTO_OK);
        for (uint32_t i = 0; i < p->shares; i++)
            shares[i] = sotto_span_of(s->shares[i], size);
        for (size_t len = 0; len <= size + 1; len++) {
            shares[1].len = len;
            assert_int_equal(sotto_status_cause(sotto_prio3_verifier_shares_to_message(
                                 p, s->ctx, shares, p->shares, s->message, s->verify_scratch, scratch, NULL)),
                             len < size   ? SOTTO_CAUSE_TRUNCATED
                             : len > size ? SOTTO_CAUSE_MALFORMED
                                          : 0);
        }
        for (size_t len = 0; len <= message + 1; len++)
            assert_int_equal(sotto_status_cause(sotto_prio3_verify_next(
                                 p, s->states[0], sotto_span_of(s->message, len), s->outs[0], NULL)),
                             len < message   ? SOTTO_CAUSE_TRUNCATED
                             : len > message ? SOTTO_CAUSE_MALFORMED
                             : message > 0   ? SOTTO_CAUSE_AUTH
                                             : 0); /* the message is zeros by now */
        close_session(s);
    }
}

/* ---- arguments, aggregation, noise ---- */

static void wrong_use(void **state)
{
    sotto_prio3 prio3;
    const sotto_status USAGE = SOTTO_ERR(PRIVACY, USAGE), RANGE = SOTTO_ERR(PRIVACY, RANGE);
    (void)state;
    assert_int_equal(sotto_prio3_histogram(&prio3, 2, 10, 3, NULL), SOTTO_OK);
    session *s = open_session(&prio3);
    const sotto_prio3_report report = {s->public_share, s->inputs};
    size_t need = sotto_prio3_shard_scratch_size(&prio3),
           verify_need = sotto_prio3_verify_scratch_size(&prio3);
    sotto_span rand = sotto_span_of(s->rand, sotto_prio3_rand_size(&prio3)), cut = rand;
    sotto_span ctx = sotto_span_of(s->ctx.ptr, SOTTO_PRIO3_CTX_MAX + 1);
    cut.len--;
    assert_int_equal(shard(s), SOTTO_OK);
#define SHARD(ctx, count, rand, scratch, len)                                                                \
    sotto_prio3_shard(&prio3, ctx, s->measurement, count, s->nonce, rand, &report, scratch, len, NULL)
    assert_int_equal(SHARD(s->ctx, 2, rand, s->shard_scratch, need), USAGE);
    assert_int_equal(SHARD(s->ctx, 1, cut, s->shard_scratch, need), USAGE);
    assert_int_equal(SHARD(s->ctx, 1, rand, s->shard_scratch, need - 1), USAGE);
    assert_int_equal(SHARD(s->ctx, 1, rand, NULL, need), USAGE);
    assert_int_equal(SHARD(s->ctx, 1, rand, (uint8_t *)s->shard_scratch + 1, need), USAGE);
    assert_int_equal(SHARD(ctx, 1, rand, s->shard_scratch, need), RANGE);
#undef SHARD
    assert_true(is_zero(s->inputs[0], sotto_prio3_input_share_size(&prio3, 0)));
    assert_int_equal(shard(s), SOTTO_OK);
    sotto_prio3_received from_client = received(s, 1);
    assert_int_equal(sotto_prio3_verify_init(&prio3, s->keys[0], s->ctx, 2, &from_client, s->states[0],
                                             s->shares[0], s->verify_scratch, verify_need, NULL),
                     USAGE);
    assert_int_equal(sotto_prio3_verify_init(&prio3, s->keys[0], s->ctx, 1, &from_client, s->states[0],
                                             s->shares[0], s->verify_scratch, verify_need - 1, NULL),
                     USAGE);
    assert_int_equal(sotto_prio3_verify_init(&prio3, s->keys[0], ctx, 1, &from_client, s->states[0],
                                             s->shares[0], s->verify_scratch, verify_need, NULL),
                     RANGE);
    assert_int_equal(sotto_prio3_input_share_size(&prio3, 2), 0);
    sotto_span one = sotto_span_of(s->shares[0], sotto_prio3_verifier_share_size(&prio3));
    assert_int_equal(sotto_prio3_verifier_shares_to_message(&prio3, s->ctx, &one, 1, s->message,
                                                            s->verify_scratch, verify_need, NULL),
                     USAGE);
    assert_int_equal(sotto_prio3_unshard(&prio3, &one, 1, s->result, NULL), USAGE);
    const int64_t noise[1] = {0};
    assert_int_equal(sotto_prio3_agg_add(&prio3, s->aggs[0], noise, 1, NULL), USAGE);
    close_session(s);
}

/* An aggregate share is left as it was by anything that is refused. */
static void bad_aggregate_shares(void **state)
{
    sotto_prio3 variants[6];
    (void)state;
    small_variants(variants);
    for (size_t v = 0; v < SOTTO_COUNT(variants); v++) {
        const sotto_prio3 *p = &variants[v];
        session *s = open_session(p);
        size_t size = sotto_prio3_agg_share_size(p);
        uint8_t *kept = memory(size), *bad = memory(size);
        random_bytes(s->aggs[0], size);
        for (size_t i = p->field_bytes - 1; i < size; i += p->field_bytes)
            s->aggs[0][i] &= 0x7f;
        memcpy(kept, s->aggs[0], size);
        memset(bad, 0, size);
        memset(bad + size - p->field_bytes, 0xff, p->field_bytes);
        assert_int_equal(sotto_prio3_agg_update(p, s->aggs[0], sotto_span_of(bad, size), NULL),
                         SOTTO_ERR(PRIVACY, MALFORMED));
        assert_int_equal(sotto_prio3_agg_update(p, s->aggs[0], sotto_span_of(kept, size - 1), NULL),
                         SOTTO_ERR(PRIVACY, TRUNCATED));
        assert_int_equal(sotto_prio3_agg_update(p, s->aggs[0], sotto_span_of(kept, size + 1), NULL),
                         SOTTO_ERR(PRIVACY, MALFORMED));
        assert_memory_equal(s->aggs[0], kept, size);
        int64_t *noise = calloc(p->length, sizeof *noise);
        assert_int_equal(sotto_prio3_agg_add(p, bad, noise, p->length, NULL), SOTTO_ERR(PRIVACY, MALFORMED));
        sotto_prio3_agg_init(p, s->aggs[0]);
        memcpy(s->aggs[1], bad, size);
        assert_int_equal(unshard(s), SOTTO_ERR(PRIVACY, MALFORMED));
        assert_true(is_zero((uint8_t *)s->result, p->length * sizeof *s->result));
        free(noise);
        free(kept);
        free(bad);
        close_session(s);
    }
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

static int seed_random(void **state)
{
    (void)state;
    random_state = UINT64_C(0x243f6a8885a308d3);
    return 0;
}

int main(void)
{
    static const struct CMUnitTest TESTS[] = {
        cmocka_unit_test_setup(counts_and_sums, seed_random),
        cmocka_unit_test_setup(vectors, seed_random),
        cmocka_unit_test_setup(histograms_and_multihots, seed_random),
        cmocka_unit_test(parameters_out_of_range),
        cmocka_unit_test(best_chunks),
        cmocka_unit_test_setup(measurements_out_of_range, seed_random),
        cmocka_unit_test_setup(changed_messages_are_refused, seed_random),
        cmocka_unit_test_setup(another_context_is_refused, seed_random),
        cmocka_unit_test_setup(wrong_lengths_are_refused, seed_random),
        cmocka_unit_test_setup(wrong_lengths_between_aggregators, seed_random),
        cmocka_unit_test_setup(wrong_use, seed_random),
        cmocka_unit_test_setup(bad_aggregate_shares, seed_random),
        cmocka_unit_test_setup(noise_is_added, seed_random),
        cmocka_unit_test_setup(totals_at_the_ends, seed_random),
        cmocka_unit_test_setup(merging_is_adding, seed_random)};
    return cmocka_run_group_tests(TESTS, NULL, NULL);
}
