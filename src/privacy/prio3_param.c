/* Prio3's parameters and sizes: draft-irtf-cfrg-vdaf-20, sections "Variants" and "FLP Specification". */
#include "prio3_priv.h"

#include <string.h>

/* The draft leaves the multiproof variant unnumbered; its test vectors use the number kept for tests. */
#define ALGORITHM_MULTIPROOF UINT32_C(0xffffffff)

static uint32_t bit_length(uint64_t x)
{
    return x == 0 ? 0 : 64 - (uint32_t)__builtin_clzll(x);
}

static uint32_t next_power_of_two(uint32_t x)
{
    return x <= 1 ? 1 : UINT32_C(1) << bit_length(x - 1);
}

static bool has_chunks(const sotto_prio3 *prio3)
{
    return prio3->type >= SOTTO_PRIO3_SUM_VEC;
}

/* Values that the circuit gives back (EVAL_OUTPUT_LEN). */
static uint32_t outputs(const sotto_prio3 *prio3)
{
    switch (prio3->type) {
    case SOTTO_PRIO3_SUM:
        return prio3->bits;
    case SOTTO_PRIO3_HISTOGRAM:
    case SOTTO_PRIO3_MULTIHOT:
        return 2; /* the range check, and the check of the sum */
    case SOTTO_PRIO3_COUNT:
    case SOTTO_PRIO3_SUM_VEC:
        break;
    }
    return 1;
}

/* What follows from the circuit and its gadget, which has degree 2 in every variant. */
static void derive(sotto_prio3 *prio3)
{
    if (has_chunks(prio3)) {
        prio3->calls = (prio3->encoded_len + prio3->chunk - 1) / prio3->chunk;
        prio3->arity = 2 * prio3->chunk;
        prio3->joint_rand_len = prio3->calls;
    } else {
        prio3->chunk = 1;
        prio3->calls = prio3->type == SOTTO_PRIO3_SUM ? prio3->bits : 1;
        prio3->arity = prio3->type == SOTTO_PRIO3_SUM ? 1 : 2;
    }
    prio3->wire_len = next_power_of_two(1 + prio3->calls);
    prio3->proof_len = prio3->arity + 2 * (prio3->wire_len - 1) + 1;
    prio3->verifier_len = 1 + prio3->arity + 1;
    prio3->query_rand_len = 1 + (outputs(prio3) > 1 ? outputs(prio3) : 0);
    prio3_engine_of(prio3)->share_inverse(prio3->shares, prio3->share_inverse);
}

static sotto_status refuse(sotto_prio3 *out, sotto_diag *diag, const char *what)
{
    memset(out, 0, sizeof *out);
    return sotto_diag_set(diag, SOTTO_ERR(PRIVACY, RANGE), "Prio3: %s is out of range", what);
}

/* Checks what all variants share and completes *out. The measurement has encoded_len elements. */
static sotto_status finish(sotto_prio3 *out, uint64_t encoded_len, sotto_diag *diag)
{
    if (out->shares < 2 || out->shares > SOTTO_PRIO3_SHARES_MAX)
        return refuse(out, diag, "number of shares");
    if (out->length < 1 || encoded_len > SOTTO_PRIO3_ENCODED_MAX)
        return refuse(out, diag, "length");
    if (has_chunks(out) && (out->chunk < 1 || out->chunk > SOTTO_PRIO3_ENCODED_MAX))
        return refuse(out, diag, "chunk length");
    if (out->proofs < 1 || out->proofs > 255)
        return refuse(out, diag, "number of proofs");
    out->encoded_len = (uint32_t)encoded_len;
    derive(out);
    /* keeps every size below 2^31 bytes, for 32-bit machines */
    if ((uint64_t)out->proofs * (out->proof_len + out->encoded_len) > 8 * SOTTO_PRIO3_ENCODED_MAX)
        return refuse(out, diag, "number of proofs");
    return SOTTO_OK;
}

sotto_status sotto_prio3_count(sotto_prio3 *out, uint32_t shares, sotto_diag *diag)
{
    *out = (sotto_prio3){.type = SOTTO_PRIO3_COUNT,
                         .algorithm = SOTTO_PRIO3_COUNT,
                         .shares = shares,
                         .proofs = 1,
                         .field_bytes = 8,
                         .length = 1,
                         .max = 1,
                         .bits = 1,
                         .measurement_len = 1};
    return finish(out, 1, diag);
}

sotto_status sotto_prio3_sum(sotto_prio3 *out, uint32_t shares, uint64_t max, sotto_diag *diag)
{
    if (max < 1 || bit_length(max) > 63)
        return refuse(out, diag, "largest value");
    *out = (sotto_prio3){.type = SOTTO_PRIO3_SUM,
                         .algorithm = SOTTO_PRIO3_SUM,
                         .shares = shares,
                         .proofs = 1,
                         .field_bytes = 8,
                         .length = 1,
                         .max = max,
                         .bits = bit_length(max),
                         .measurement_len = 1};
    return finish(out, out->bits, diag);
}

sotto_status sotto_prio3_sum_vec(sotto_prio3 *out, uint32_t shares, uint32_t length, uint64_t max,
                                 uint32_t chunk, sotto_diag *diag)
{
    if (max < 1)
        return refuse(out, diag, "largest value");
    *out = (sotto_prio3){.type = SOTTO_PRIO3_SUM_VEC,
                         .algorithm = SOTTO_PRIO3_SUM_VEC,
                         .shares = shares,
                         .proofs = 1,
                         .field_bytes = 16,
                         .length = length,
                         .max = max,
                         .bits = bit_length(max),
                         .chunk = chunk,
                         .measurement_len = length};
    return finish(out, (uint64_t)length * out->bits, diag);
}

sotto_status sotto_prio3_sum_vec_multiproof(sotto_prio3 *out, uint32_t shares, uint32_t length, uint64_t max,
                                            uint32_t chunk, uint32_t proofs, sotto_diag *diag)
{
    if (max < 1 || bit_length(max) > 63)
        return refuse(out, diag, "largest value");
    *out = (sotto_prio3){.type = SOTTO_PRIO3_SUM_VEC,
                         .algorithm = ALGORITHM_MULTIPROOF,
                         .shares = shares,
                         .proofs = proofs,
                         .field_bytes = 8,
                         .length = length,
                         .max = max,
                         .bits = bit_length(max),
                         .chunk = chunk,
                         .measurement_len = length};
    return finish(out, (uint64_t)length * out->bits, diag);
}

sotto_status sotto_prio3_histogram(sotto_prio3 *out, uint32_t shares, uint32_t length, uint32_t chunk,
                                   sotto_diag *diag)
{
    *out = (sotto_prio3){.type = SOTTO_PRIO3_HISTOGRAM,
                         .algorithm = SOTTO_PRIO3_HISTOGRAM,
                         .shares = shares,
                         .proofs = 1,
                         .field_bytes = 16,
                         .length = length,
                         .max = 1,
                         .bits = 1,
                         .chunk = chunk,
                         .measurement_len = 1};
    return finish(out, length, diag);
}

sotto_status sotto_prio3_multihot(sotto_prio3 *out, uint32_t shares, uint32_t length, uint32_t max_weight,
                                  uint32_t chunk, sotto_diag *diag)
{
    if (max_weight < 1 || max_weight > length)
        return refuse(out, diag, "largest weight");
    *out = (sotto_prio3){.type = SOTTO_PRIO3_MULTIHOT,
                         .algorithm = SOTTO_PRIO3_MULTIHOT,
                         .shares = shares,
                         .proofs = 1,
                         .field_bytes = 16,
                         .length = length,
                         .max = max_weight,
                         .bits = bit_length(max_weight),
                         .chunk = chunk,
                         .measurement_len = length};
    return finish(out, (uint64_t)length + out->bits, diag);
}

/* A proof has 2 chunk + 2 (wire_len - 1) + 1 elements. For each wire_len the shortest chunk that needs at
 * most wire_len - 1 calls is the best. */
uint32_t sotto_prio3_best_chunk(uint32_t encoded_len)
{
    uint32_t best = 1;
    uint64_t best_len = UINT64_MAX;
    for (uint64_t wire_len = 2; wire_len <= UINT64_C(1) << 32; wire_len *= 2) {
        uint64_t chunk = (encoded_len + wire_len - 2) / (wire_len - 1);
        if (chunk == 0)
            chunk = 1;
        if (2 * chunk + 2 * wire_len <= best_len) {
            best_len = 2 * chunk + 2 * wire_len;
            best = (uint32_t)chunk;
        }
    }
    return best;
}

/* ---- sizes ---- */

size_t sotto_prio3_rand_size(const sotto_prio3 *prio3)
{
    return (size_t)SOTTO_PRIO3_SEED_BYTES * prio3->shares * (prio3->joint_rand_len > 0 ? 2 : 1);
}

size_t sotto_prio3_public_share_size(const sotto_prio3 *prio3)
{
    return prio3->joint_rand_len > 0 ? (size_t)SOTTO_PRIO3_SEED_BYTES * prio3->shares : 0;
}

static size_t seed_if_joint(const sotto_prio3 *prio3)
{
    return prio3->joint_rand_len > 0 ? SOTTO_PRIO3_SEED_BYTES : 0;
}

size_t sotto_prio3_input_share_size(const sotto_prio3 *prio3, uint32_t aggregator)
{
    if (aggregator >= prio3->shares)
        return 0;
    if (aggregator > 0)
        return SOTTO_PRIO3_SEED_BYTES + seed_if_joint(prio3);
    size_t elements = prio3->encoded_len + (size_t)prio3->proof_len * prio3->proofs;
    return elements * prio3->field_bytes + seed_if_joint(prio3);
}

size_t sotto_prio3_verify_state_size(const sotto_prio3 *prio3)
{
    return sotto_prio3_agg_share_size(prio3) + seed_if_joint(prio3);
}

size_t sotto_prio3_verifier_share_size(const sotto_prio3 *prio3)
{
    return (size_t)prio3->verifier_len * prio3->proofs * prio3->field_bytes + seed_if_joint(prio3);
}

size_t sotto_prio3_verifier_message_size(const sotto_prio3 *prio3)
{
    return seed_if_joint(prio3);
}

size_t sotto_prio3_agg_share_size(const sotto_prio3 *prio3)
{
    return (size_t)prio3->length * prio3->field_bytes;
}

/* ---- checks of arguments ---- */

sotto_status prio3_check_scratch(const void *scratch, size_t len, size_t need, sotto_diag *diag)
{
    if (scratch == NULL || len < need)
        return sotto_diag_set(diag, SOTTO_ERR(PRIVACY, USAGE), "Prio3: %zu bytes of scratch memory, not %zu",
                              need, scratch == NULL ? 0 : len);
    if ((uintptr_t)scratch % _Alignof(max_align_t) != 0)
        return sotto_diag_set(diag, SOTTO_ERR(PRIVACY, USAGE), "Prio3: scratch memory is not aligned");
    return SOTTO_OK;
}

sotto_status prio3_check_ctx(sotto_span ctx, sotto_diag *diag)
{
    if (ctx.len > SOTTO_PRIO3_CTX_MAX)
        return sotto_diag_set(diag, SOTTO_ERR(PRIVACY, RANGE), "Prio3: the context has %zu bytes", ctx.len);
    return SOTTO_OK;
}

sotto_status prio3_check_size(sotto_span span, size_t size, const char *what, sotto_diag *diag)
{
    if (span.len < size)
        return sotto_diag_at_offset(diag, SOTTO_ERR(PRIVACY, TRUNCATED), what, span.len,
                                    "Prio3: %zu bytes, not %zu", span.len, size);
    if (span.len > size)
        return sotto_diag_at_offset(diag, SOTTO_ERR(PRIVACY, MALFORMED), what, size,
                                    "Prio3: %zu bytes, not %zu", span.len, size);
    return SOTTO_OK;
}
