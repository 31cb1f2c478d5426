/* Prio3, the aggregators: draft-irtf-cfrg-vdaf-20, section "Verification". */
#include "prio3_priv.h"

#include <string.h>

/* Scratch memory of verification. */
typedef struct verifier {
    void *meas;
    void *proofs;
    void *query_rand;
    void *joint_rand;
    void *verifiers; /* this aggregator's, or the sum of all */
    void *other;     /* verifiers to be added; or the output share */
    uint8_t *parts;  /* of the joint randomness */
    void *work;
    size_t proofs_len, verifiers_len; /* elements */
} verifier;

static size_t carve(verifier *work, const sotto_prio3 *prio3, void *memory)
{
    const prio3_engine *engine = prio3_engine_of(prio3);
    prio3_carve carve = {memory, 0};
    size_t element = prio3->field_bytes, proofs = prio3->proofs;
    work->proofs_len = prio3->proof_len * proofs;
    work->verifiers_len = prio3->verifier_len * proofs;
    size_t other = work->verifiers_len > prio3->length ? work->verifiers_len : prio3->length;
    work->meas = prio3_take(&carve, prio3->encoded_len * element);
    work->proofs = prio3_take(&carve, work->proofs_len * element);
    work->query_rand = prio3_take(&carve, prio3->query_rand_len * proofs * element);
    work->joint_rand = prio3_take(&carve, prio3->joint_rand_len * proofs * element);
    work->verifiers = prio3_take(&carve, work->verifiers_len * element);
    work->other = prio3_take(&carve, other * element);
    work->parts = prio3_take(&carve, (size_t)SOTTO_PRIO3_SEED_BYTES * prio3->shares);
    work->work = prio3_take(&carve, engine->query_work(prio3));
    return carve.used;
}

size_t sotto_prio3_verify_scratch_size(const sotto_prio3 *prio3)
{
    verifier work;
    return carve(&work, prio3, NULL);
}

static sotto_status not_below(const char *what, sotto_diag *diag)
{
    return sotto_diag_at(diag, SOTTO_ERR(PRIVACY, MALFORMED), what, 0,
                         "Prio3: an element is not below the field's modulus");
}

static sotto_status read_leader(const prio3_run *run, const verifier *work, const uint8_t *share,
                                sotto_diag *diag)
{
    const sotto_prio3 *prio3 = run->prio3;
    size_t meas_bytes = (size_t)prio3->encoded_len * prio3->field_bytes;
    if (!run->engine->load(work->meas, share, prio3->encoded_len) ||
        !run->engine->load(work->proofs, share + meas_bytes, work->proofs_len))
        return not_below("input share", diag);
    return SOTTO_OK;
}

/* Joint randomness with this aggregator's own part in the place of the one that the client claims; part and
 * seed are written out. */
static void join_randomness(const prio3_run *run, const verifier *work, uint32_t aggregator,
                            const sotto_prio3_received *received, uint8_t *part, uint8_t *seed)
{
    const uint8_t *end = received->input_share.ptr + received->input_share.len;
    prio3_joint_rand_part(run, aggregator, end - SOTTO_PRIO3_SEED_BYTES, work->meas, received->nonce, part);
    memcpy(work->parts, received->public_share.ptr, received->public_share.len);
    memcpy(work->parts + (size_t)SOTTO_PRIO3_SEED_BYTES * aggregator, part, SOTTO_PRIO3_SEED_BYTES);
    prio3_joint_rand_seed(run, work->parts, seed);
    prio3_joint_rands(run, seed, work->joint_rand);
}

static sotto_status verify(const prio3_run *run, const verifier *work, const uint8_t *verify_key,
                           uint32_t aggregator, const sotto_prio3_received *received, uint8_t *state,
                           uint8_t *share, sotto_diag *diag)
{
    const sotto_prio3 *prio3 = run->prio3;
    const uint8_t *input = received->input_share.ptr;
    uint8_t *part = share + work->verifiers_len * prio3->field_bytes;
    if (aggregator == 0) {
        sotto_status status = read_leader(run, work, input, diag);
        if (status != SOTTO_OK)
            return status;
    } else {
        prio3_helper_meas_share(run, aggregator, input, work->meas);
        prio3_helper_proofs_share(run, aggregator, input, work->proofs);
    }
    if (prio3->joint_rand_len > 0)
        join_randomness(run, work, aggregator, received, part, state + sotto_prio3_agg_share_size(prio3));
    prio3_query_rands(run, verify_key, received->nonce, work->query_rand);
    if (!run->engine->query(prio3, work->meas, work->proofs, work->query_rand, work->joint_rand,
                            work->verifiers, work->work))
        return sotto_diag_set(diag, SOTTO_ERR(PRIVACY, AUTH), "Prio3: the test point is a root of unity");
    run->engine->store(share, work->verifiers, work->verifiers_len);
    run->engine->truncate(prio3, work->meas, work->other);
    run->engine->store(state, work->other, prio3->length);
    return SOTTO_OK;
}

static sotto_status check_received(const sotto_prio3 *prio3, sotto_span ctx, uint32_t aggregator,
                                   const sotto_prio3_received *received, sotto_diag *diag)
{
    if (aggregator >= prio3->shares)
        return sotto_diag_set(diag, SOTTO_ERR(PRIVACY, USAGE), "Prio3: aggregator %u of %u",
                              (unsigned)aggregator, (unsigned)prio3->shares);
    sotto_status status = prio3_check_ctx(ctx, diag);
    if (status == SOTTO_OK)
        status = prio3_check_size(received->public_share, sotto_prio3_public_share_size(prio3),
                                  "public share", diag);
    if (status == SOTTO_OK)
        status = prio3_check_size(received->input_share, sotto_prio3_input_share_size(prio3, aggregator),
                                  "input share", diag);
    return status;
}

sotto_status sotto_prio3_verify_init(const sotto_prio3 *prio3,
                                     const uint8_t verify_key[static SOTTO_PRIO3_VERIFY_KEY_BYTES],
                                     sotto_span ctx, uint32_t aggregator,
                                     const sotto_prio3_received *received, uint8_t *state, uint8_t *share,
                                     void *scratch, size_t scratch_len, sotto_diag *diag)
{
    size_t need = sotto_prio3_verify_scratch_size(prio3);
    memset(state, 0, sotto_prio3_verify_state_size(prio3));
    memset(share, 0, sotto_prio3_verifier_share_size(prio3));
    sotto_status status = check_received(prio3, ctx, aggregator, received, diag);
    if (status == SOTTO_OK)
        status = prio3_check_scratch(scratch, scratch_len, need, diag);
    if (status != SOTTO_OK)
        return status;
    prio3_run run = prio3_run_of(prio3, ctx);
    verifier work;
    (void)carve(&work, prio3, scratch);
    status = verify(&run, &work, verify_key, aggregator, received, state, share, diag);
    prio3_wipe(scratch, need);
    if (status != SOTTO_OK) {
        prio3_wipe(state, sotto_prio3_verify_state_size(prio3));
        prio3_wipe(share, sotto_prio3_verifier_share_size(prio3));
    }
    return status;
}

/* The sum of all verifiers, and the parts of the joint randomness. */
static sotto_status combine(const prio3_run *run, const verifier *work, const sotto_span *shares,
                            sotto_diag *diag)
{
    const sotto_prio3 *prio3 = run->prio3;
    size_t bytes = work->verifiers_len * prio3->field_bytes;
    memset(work->verifiers, 0, bytes);
    for (uint32_t i = 0; i < prio3->shares; i++) {
        sotto_status status =
            prio3_check_size(shares[i], sotto_prio3_verifier_share_size(prio3), "verifier share", diag);
        if (status != SOTTO_OK)
            return status;
        if (!run->engine->load(work->other, shares[i].ptr, work->verifiers_len))
            return not_below("verifier share", diag);
        run->engine->add(work->verifiers, work->other, work->verifiers_len);
        if (prio3->joint_rand_len > 0)
            memcpy(work->parts + (size_t)SOTTO_PRIO3_SEED_BYTES * i, shares[i].ptr + bytes,
                   SOTTO_PRIO3_SEED_BYTES);
    }
    return SOTTO_OK;
}

sotto_status sotto_prio3_verifier_shares_to_message(const sotto_prio3 *prio3, sotto_span ctx,
                                                    const sotto_span *shares, size_t count, uint8_t *message,
                                                    void *scratch, size_t scratch_len, sotto_diag *diag)
{
    size_t need = sotto_prio3_verify_scratch_size(prio3);
    if (prio3->joint_rand_len > 0)
        memset(message, 0, SOTTO_PRIO3_SEED_BYTES);
    if (count != prio3->shares)
        return sotto_diag_set(diag, SOTTO_ERR(PRIVACY, USAGE), "Prio3: %zu verifier shares, not %u", count,
                              (unsigned)prio3->shares);
    sotto_status status = prio3_check_ctx(ctx, diag);
    if (status == SOTTO_OK)
        status = prio3_check_scratch(scratch, scratch_len, need, diag);
    if (status != SOTTO_OK)
        return status;
    prio3_run run = prio3_run_of(prio3, ctx);
    verifier work;
    (void)carve(&work, prio3, scratch);
    status = combine(&run, &work, shares, diag);
    if (status == SOTTO_OK && !run.engine->decide(prio3, work.verifiers))
        status = sotto_diag_set(diag, SOTTO_ERR(PRIVACY, AUTH), "Prio3: the proof does not hold");
    if (status == SOTTO_OK && prio3->joint_rand_len > 0)
        prio3_joint_rand_seed(&run, work.parts, message);
    prio3_wipe(scratch, need);
    return status;
}

sotto_status sotto_prio3_verify_next(const sotto_prio3 *prio3, const uint8_t *state, sotto_span message,
                                     uint8_t *out_share, sotto_diag *diag)
{
    size_t bytes = sotto_prio3_agg_share_size(prio3);
    uint8_t different = 0;
    memset(out_share, 0, bytes);
    sotto_status status =
        prio3_check_size(message, sotto_prio3_verifier_message_size(prio3), "verifier message", diag);
    if (status != SOTTO_OK)
        return status;
    for (size_t i = 0; i < message.len; i++)
        different |= (uint8_t)(message.ptr[i] ^ state[bytes + i]);
    if (different != 0)
        return sotto_diag_set(diag, SOTTO_ERR(PRIVACY, AUTH), "Prio3: the joint randomness differs");
    memcpy(out_share, state, bytes);
    return SOTTO_OK;
}
