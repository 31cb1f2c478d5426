/* What the tests of Prio3 share: one client, its aggregators and a collector in one memory. */
#ifndef PRIO3_SESSION_H
#define PRIO3_SESSION_H

#include "sotto/prio3.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { SHARES_MAX = 5 };

/* xorshift64*, Vigna 2016: deterministic, the same everywhere. */
static uint64_t random_state;

static inline uint64_t random_word(void)
{
    random_state ^= random_state >> 12;
    random_state ^= random_state << 25;
    random_state ^= random_state >> 27;
    return random_state * UINT64_C(0x2545f4914f6cdd1d);
}

static inline void random_bytes(uint8_t *out, size_t len)
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

static inline void *memory(size_t bytes)
{
    void *block = malloc(bytes > 0 ? bytes : 1);
    assert_non_null(block);
    memset(block, 0xa5, bytes);
    return block;
}

static inline session *open_session(const sotto_prio3 *prio3)
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

static inline void close_session(session *s)
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

static inline sotto_status shard(session *s)
{
    const sotto_prio3_report report = {s->public_share, s->inputs};
    random_bytes(s->rand, sotto_prio3_rand_size(&s->prio3));
    random_bytes(s->nonce, sizeof s->nonce);
    return sotto_prio3_shard(&s->prio3, s->ctx, s->measurement, s->prio3.measurement_len, s->nonce,
                             sotto_span_of(s->rand, sotto_prio3_rand_size(&s->prio3)), &report,
                             s->shard_scratch, sotto_prio3_shard_scratch_size(&s->prio3), NULL);
}

static inline sotto_prio3_received received(const session *s, uint32_t i)
{
    return (sotto_prio3_received){s->nonce,
                                  sotto_span_of(s->public_share, sotto_prio3_public_share_size(&s->prio3)),
                                  sotto_span_of(s->inputs[i], sotto_prio3_input_share_size(&s->prio3, i))};
}

static inline sotto_status verify_init(session *s, uint32_t i)
{
    const sotto_prio3_received from_client = received(s, i);
    return sotto_prio3_verify_init(&s->prio3, s->keys[i], s->ctx, i, &from_client, s->states[i], s->shares[i],
                                   s->verify_scratch, sotto_prio3_verify_scratch_size(&s->prio3), NULL);
}

static inline sotto_status to_message(session *s)
{
    sotto_span shares[SHARES_MAX];
    for (uint32_t i = 0; i < s->prio3.shares; i++)
        shares[i] = sotto_span_of(s->shares[i], sotto_prio3_verifier_share_size(&s->prio3));
    return sotto_prio3_verifier_shares_to_message(&s->prio3, s->ctx, shares, s->prio3.shares, s->message,
                                                  s->verify_scratch,
                                                  sotto_prio3_verify_scratch_size(&s->prio3), NULL);
}

static inline sotto_status verify_next(session *s, uint32_t i)
{
    sotto_span message = sotto_span_of(s->message, sotto_prio3_verifier_message_size(&s->prio3));
    return sotto_prio3_verify_next(&s->prio3, s->states[i], message, s->outs[i], NULL);
}

static inline sotto_status finish(session *s)
{
    sotto_status status = to_message(s);
    for (uint32_t i = 0; i < s->prio3.shares && status == SOTTO_OK; i++)
        status = verify_next(s, i);
    return status;
}

/* All of verification; the first refusal. */
static inline sotto_status verify(session *s)
{
    sotto_status status = SOTTO_OK;
    for (uint32_t i = 0; i < s->prio3.shares && status == SOTTO_OK; i++)
        status = verify_init(s, i);
    return status == SOTTO_OK ? finish(s) : status;
}

static inline void aggregate(session *s)
{
    size_t size = sotto_prio3_agg_share_size(&s->prio3);
    for (uint32_t i = 0; i < s->prio3.shares; i++)
        assert_int_equal(sotto_prio3_agg_update(&s->prio3, s->aggs[i], sotto_span_of(s->outs[i], size), NULL),
                         SOTTO_OK);
}

static inline sotto_status unshard(session *s)
{
    sotto_span shares[SHARES_MAX];
    for (uint32_t i = 0; i < s->prio3.shares; i++)
        shares[i] = sotto_span_of(s->aggs[i], sotto_prio3_agg_share_size(&s->prio3));
    return sotto_prio3_unshard(&s->prio3, shares, s->prio3.shares, s->result, NULL);
}

/* A valid measurement: the smallest, the largest, or any. Adds it to the total. */
static inline void measure(session *s, unsigned kind)
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

static inline bool is_zero(const uint8_t *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (bytes[i] != 0)
            return false;
    return true;
}

static inline void small_variants(sotto_prio3 out[6])
{
    assert_int_equal(sotto_prio3_count(&out[0], 2, NULL), SOTTO_OK);
    assert_int_equal(sotto_prio3_sum(&out[1], 2, 1337, NULL), SOTTO_OK);
    assert_int_equal(sotto_prio3_sum_vec(&out[2], 2, 3, 5, 3, NULL), SOTTO_OK);
    assert_int_equal(sotto_prio3_sum_vec_multiproof(&out[3], 3, 3, 5, 3, 3, NULL), SOTTO_OK);
    assert_int_equal(sotto_prio3_histogram(&out[4], 2, 5, 2, NULL), SOTTO_OK);
    assert_int_equal(sotto_prio3_multihot(&out[5], 3, 5, 3, 2, NULL), SOTTO_OK);
}

static inline int seed_random(void **state)
{
    (void)state;
    random_state = UINT64_C(0x243f6a8885a308d3);
    return 0;
}

#endif
