/* Prio3, the client: draft-irtf-cfrg-vdaf-20, section "Sharding". */
#include "prio3_priv.h"
#include "prio3_word.h"

#include <string.h>

/* Scratch memory of sotto_prio3_shard. */
typedef struct sharder {
    void *meas;   /* the encoded measurement */
    void *leader; /* the leader's share of it */
    void *helper; /* a helper's share, of the measurement or of the proofs */
    void *proofs;
    void *prove_rand;
    void *joint_rand;
    void *work;
    size_t proofs_len; /* elements */
} sharder;

/* The randomness, in the order in which the draft takes it. */
typedef struct shard_seeds {
    const uint8_t *helpers; /* each helper's share seed and, with joint randomness, its blind */
    size_t helper_bytes;
    const uint8_t *leader_blind;
    const uint8_t *prove;
} shard_seeds;

static size_t carve(sharder *work, const sotto_prio3 *prio3, void *memory)
{
    const prio3_engine *engine = prio3_engine_of(prio3);
    prio3_carve carve = {memory, 0};
    size_t element = prio3->field_bytes, meas = prio3->encoded_len;
    work->proofs_len = (size_t)prio3->proof_len * prio3->proofs;
    size_t helper = meas > work->proofs_len ? meas : work->proofs_len;
    work->meas = prio3_take(&carve, meas * element);
    work->leader = prio3_take(&carve, meas * element);
    work->helper = prio3_take(&carve, helper * element);
    work->proofs = prio3_take(&carve, work->proofs_len * element);
    work->prove_rand = prio3_take(&carve, (size_t)prio3->arity * prio3->proofs * element);
    work->joint_rand = prio3_take(&carve, (size_t)prio3->joint_rand_len * prio3->proofs * element);
    work->work = prio3_take(&carve, engine->prove_work(prio3));
    return carve.used;
}

size_t sotto_prio3_shard_scratch_size(const sotto_prio3 *prio3)
{
    sharder work;
    return carve(&work, prio3, NULL);
}

static shard_seeds seeds_of(const sotto_prio3 *prio3, const uint8_t *rand)
{
    bool joint = prio3->joint_rand_len > 0;
    shard_seeds seeds = {.helpers = rand, .helper_bytes = SOTTO_PRIO3_SEED_BYTES * (joint ? 2 : 1)};
    rand += seeds.helper_bytes * (prio3->shares - 1);
    seeds.leader_blind = rand;
    seeds.prove = joint ? rand + SOTTO_PRIO3_SEED_BYTES : rand;
    return seeds;
}

/* Shares of the measurement, and with joint randomness the parts of its seed, which are the public share. */
static void share_measurement(const prio3_run *run, const sharder *work, const shard_seeds *seeds,
                              const uint8_t *nonce, uint8_t *parts)
{
    const sotto_prio3 *prio3 = run->prio3;
    bool joint = prio3->joint_rand_len > 0;
    memcpy(work->leader, work->meas, (size_t)prio3->encoded_len * prio3->field_bytes);
    for (uint32_t i = 1; i < prio3->shares; i++) {
        const uint8_t *seed = seeds->helpers + seeds->helper_bytes * (i - 1);
        prio3_helper_meas_share(run, i, seed, work->helper);
        run->engine->subtract(work->leader, work->helper, prio3->encoded_len);
        if (joint)
            prio3_joint_rand_part(run, i, seed + SOTTO_PRIO3_SEED_BYTES, work->helper, nonce,
                                  parts + (size_t)SOTTO_PRIO3_SEED_BYTES * i);
    }
    if (joint)
        prio3_joint_rand_part(run, 0, seeds->leader_blind, work->leader, nonce, parts);
}

static void make_proofs(const prio3_run *run, const sharder *work, const shard_seeds *seeds,
                        const uint8_t *parts)
{
    const sotto_prio3 *prio3 = run->prio3;
    prio3_prove_rands(run, seeds->prove, work->prove_rand);
    if (prio3->joint_rand_len > 0) {
        uint8_t seed[SOTTO_PRIO3_SEED_BYTES];
        prio3_joint_rand_seed(run, parts, seed);
        prio3_joint_rands(run, seed, work->joint_rand);
        prio3_wipe(seed, sizeof seed);
    }
    run->engine->prove(prio3, work->meas, work->prove_rand, work->joint_rand, work->proofs, work->work);
    for (uint32_t i = 1; i < prio3->shares; i++) {
        prio3_helper_proofs_share(run, i, seeds->helpers + seeds->helper_bytes * (i - 1), work->helper);
        run->engine->subtract(work->proofs, work->helper, work->proofs_len);
    }
}

static void write_report(const prio3_run *run, const sharder *work, const shard_seeds *seeds,
                         const sotto_prio3_report *report)
{
    const sotto_prio3 *prio3 = run->prio3;
    uint8_t *leader = report->input_shares[0];
    run->engine->store(leader, work->leader, prio3->encoded_len);
    leader += (size_t)prio3->encoded_len * prio3->field_bytes;
    run->engine->store(leader, work->proofs, work->proofs_len);
    leader += work->proofs_len * prio3->field_bytes;
    if (prio3->joint_rand_len > 0)
        memcpy(leader, seeds->leader_blind, SOTTO_PRIO3_SEED_BYTES);
    for (uint32_t i = 1; i < prio3->shares; i++)
        memcpy(report->input_shares[i], seeds->helpers + seeds->helper_bytes * (i - 1), seeds->helper_bytes);
}

static void clear_report(const sotto_prio3 *prio3, const sotto_prio3_report *report)
{
    if (sotto_prio3_public_share_size(prio3) > 0)
        memset(report->public_share, 0, sotto_prio3_public_share_size(prio3));
    for (uint32_t i = 0; i < prio3->shares; i++)
        memset(report->input_shares[i], 0, sotto_prio3_input_share_size(prio3, i));
}

static sotto_status check_shard(const sotto_prio3 *prio3, sotto_span ctx, size_t measurement_len,
                                sotto_span rand, sotto_diag *diag)
{
    if (measurement_len != prio3->measurement_len)
        return sotto_diag_set(diag, SOTTO_ERR(PRIVACY, USAGE), "Prio3: %zu values in a measurement, not %u",
                              measurement_len, (unsigned)prio3->measurement_len);
    if (rand.len != sotto_prio3_rand_size(prio3))
        return sotto_diag_set(diag, SOTTO_ERR(PRIVACY, USAGE), "Prio3: %zu bytes of randomness, not %zu",
                              rand.len, sotto_prio3_rand_size(prio3));
    return prio3_check_ctx(ctx, diag);
}

sotto_status sotto_prio3_shard(const sotto_prio3 *prio3, sotto_span ctx, const uint64_t *measurement,
                               size_t measurement_len, const uint8_t nonce[static SOTTO_PRIO3_NONCE_BYTES],
                               sotto_span rand, const sotto_prio3_report *report, void *scratch,
                               size_t scratch_len, sotto_diag *diag)
{
    size_t need = sotto_prio3_shard_scratch_size(prio3);
    clear_report(prio3, report);
    sotto_status status = check_shard(prio3, ctx, measurement_len, rand, diag);
    if (status == SOTTO_OK)
        status = prio3_check_scratch(scratch, scratch_len, need, diag);
    if (status != SOTTO_OK)
        return status;
    prio3_run run = prio3_run_of(prio3, ctx);
    shard_seeds seeds = seeds_of(prio3, rand.ptr);
    sharder work;
    (void)carve(&work, prio3, scratch);
    uint64_t valid = run.engine->encode(prio3, measurement, work.meas);
    PRIO3_DECLASSIFY(&valid, sizeof valid); /* an invalid measurement ends here, which its client sees */
    if (valid) {
        share_measurement(&run, &work, &seeds, nonce, report->public_share);
        make_proofs(&run, &work, &seeds, report->public_share);
        write_report(&run, &work, &seeds, report);
    } else {
        status = sotto_diag_set(diag, SOTTO_ERR(PRIVACY, RANGE), "Prio3: the measurement is out of range");
    }
    prio3_wipe(scratch, need);
    return status;
}
