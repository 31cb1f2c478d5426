/* Everything that is derived from a seed: draft-irtf-cfrg-vdaf-20, section "Auxiliary Functions" of Prio3. */
#include "prio3_priv.h"

#include <string.h>

prio3_run prio3_run_of(const sotto_prio3 *prio3, sotto_span ctx)
{
    return (prio3_run){prio3, prio3_engine_of(prio3), {prio3->algorithm, ctx.ptr, ctx.len}};
}

/* n elements from a seed, an usage and a binder. */
static void expand(const prio3_run *run, enum prio3_usage usage, const uint8_t *seed, const uint8_t *binder,
                   size_t binder_len, void *out, size_t n)
{
    prio3_xof xof;
    prio3_xof_begin(&xof, &run->tag, usage, seed);
    prio3_turboshake_absorb(&xof, binder, binder_len);
    prio3_xof_start(&xof);
    run->engine->expand(out, n, &xof);
    prio3_xof_wipe(&xof);
}

void prio3_helper_meas_share(const prio3_run *run, uint32_t aggregator, const uint8_t *seed, void *out)
{
    const uint8_t binder[] = {(uint8_t)aggregator};
    expand(run, PRIO3_USAGE_MEAS_SHARE, seed, binder, sizeof binder, out, run->prio3->encoded_len);
}

void prio3_helper_proofs_share(const prio3_run *run, uint32_t aggregator, const uint8_t *seed, void *out)
{
    const uint8_t binder[] = {(uint8_t)run->prio3->proofs, (uint8_t)aggregator};
    expand(run, PRIO3_USAGE_PROOF_SHARE, seed, binder, sizeof binder, out,
           (size_t)run->prio3->proof_len * run->prio3->proofs);
}

void prio3_prove_rands(const prio3_run *run, const uint8_t *seed, void *out)
{
    const uint8_t binder[] = {(uint8_t)run->prio3->proofs};
    expand(run, PRIO3_USAGE_PROVE_RANDOMNESS, seed, binder, sizeof binder, out,
           (size_t)run->prio3->arity * run->prio3->proofs);
}

void prio3_query_rands(const prio3_run *run, const uint8_t *verify_key, const uint8_t *nonce, void *out)
{
    uint8_t binder[1 + SOTTO_PRIO3_NONCE_BYTES] = {(uint8_t)run->prio3->proofs};
    memcpy(binder + 1, nonce, SOTTO_PRIO3_NONCE_BYTES);
    expand(run, PRIO3_USAGE_QUERY_RANDOMNESS, verify_key, binder, sizeof binder, out,
           (size_t)run->prio3->query_rand_len * run->prio3->proofs);
}

void prio3_joint_rand_part(const prio3_run *run, uint32_t aggregator, const uint8_t *blind, const void *meas,
                           const uint8_t *nonce, uint8_t *part)
{
    const uint8_t head[] = {(uint8_t)aggregator};
    prio3_xof xof;
    prio3_xof_begin(&xof, &run->tag, PRIO3_USAGE_JOINT_RAND_PART, blind);
    prio3_turboshake_absorb(&xof, head, sizeof head);
    prio3_turboshake_absorb(&xof, nonce, SOTTO_PRIO3_NONCE_BYTES);
    run->engine->absorb(&xof, meas, run->prio3->encoded_len);
    prio3_xof_start(&xof);
    prio3_turboshake_squeeze(&xof, part, SOTTO_PRIO3_SEED_BYTES);
    prio3_xof_wipe(&xof);
}

void prio3_joint_rand_seed(const prio3_run *run, const uint8_t *parts, uint8_t *seed)
{
    static const uint8_t ZEROS[SOTTO_PRIO3_SEED_BYTES];
    prio3_xof xof;
    prio3_xof_begin(&xof, &run->tag, PRIO3_USAGE_JOINT_RAND_SEED, ZEROS);
    prio3_turboshake_absorb(&xof, parts, (size_t)SOTTO_PRIO3_SEED_BYTES * run->prio3->shares);
    prio3_xof_start(&xof);
    prio3_turboshake_squeeze(&xof, seed, SOTTO_PRIO3_SEED_BYTES);
    prio3_xof_wipe(&xof);
}

void prio3_joint_rands(const prio3_run *run, const uint8_t *seed, void *out)
{
    const uint8_t binder[] = {(uint8_t)run->prio3->proofs};
    expand(run, PRIO3_USAGE_JOINT_RANDOMNESS, seed, binder, sizeof binder, out,
           (size_t)run->prio3->joint_rand_len * run->prio3->proofs);
}
