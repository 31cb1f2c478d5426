/* Prio3 with each message cut short, too long or changed, and with arguments that no caller should give. */
#include "prio3_session.h"

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

int main(void)
{
    static const struct CMUnitTest TESTS[] = {
        cmocka_unit_test_setup(changed_messages_are_refused, seed_random),
        cmocka_unit_test_setup(another_context_is_refused, seed_random),
        cmocka_unit_test_setup(wrong_lengths_are_refused, seed_random),
        cmocka_unit_test_setup(wrong_lengths_between_aggregators, seed_random),
        cmocka_unit_test_setup(wrong_use, seed_random),
        cmocka_unit_test_setup(bad_aggregate_shares, seed_random)};
    return cmocka_run_group_tests(TESTS, NULL, NULL);
}
