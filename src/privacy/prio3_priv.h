/* Prio3, inside: what the layer of messages (prio3_*.c) and the two fields' arithmetic (prio3_engine*.c) say
 * to each other. Vectors of field elements are opaque here: n elements take n * field_bytes bytes. */
#ifndef SOTTO_PRIO3_PRIV_H
#define SOTTO_PRIO3_PRIV_H

#include "prio3_xof.h"
#include "sotto/prio3.h"

/* The arithmetic over one field. Pointers are never NULL; vectors have the lengths of prio3's members. work
 * is memory of prove_work or query_work bytes, aligned as scratch memory is. */
typedef struct prio3_engine {
    /* 1 / shares, as the two words of an element. */
    void (*share_inverse)(uint32_t shares, uint64_t out[2]);
    /* Draws n elements by rejection (draft, "Extendable Output Functions", next_vec). */
    void (*expand)(void *out, size_t n, prio3_xof *xof);
    /* Absorbs n elements in their encoding. */
    void (*absorb)(prio3_xof *xof, const void *vec, size_t n);
    void (*subtract)(void *vec, const void *other, size_t n);
    void (*add)(void *vec, const void *other, size_t n);
    void (*store)(uint8_t *out, const void *vec, size_t n);
    /* False when an element is not below the modulus. */
    bool (*load)(void *out, const uint8_t *bytes, size_t n);

    /* 1 when the measurement is valid, without a branch on it; out is complete in either case. */
    uint64_t (*encode)(const sotto_prio3 *prio3, const uint64_t *measurement, void *out);
    /* An encoded measurement (or a share of one) to the output, prio3->length elements (FLP: truncate). */
    void (*truncate)(const sotto_prio3 *prio3, const void *meas, void *out);

    size_t (*prove_work)(const sotto_prio3 *prio3);
    size_t (*query_work)(const sotto_prio3 *prio3);
    /* All proofs of an encoded measurement of which encode said 1 (FLP: prove). */
    void (*prove)(const sotto_prio3 *prio3, const void *meas, const void *prove_rand, const void *joint_rand,
                  void *proofs, void *work);
    /* All verifiers (FLP: query). False when a test point is a root of unity of the proof. */
    bool (*query)(const sotto_prio3 *prio3, const void *meas, const void *proofs, const void *query_rand,
                  const void *joint_rand, void *verifiers, void *work);
    /* Whether all combined verifiers are good (FLP: decide). */
    bool (*decide)(const sotto_prio3 *prio3, const void *verifiers);

    /* On encoded vectors of n elements, element by element; false, and nothing changed, when an element is
     * not below the modulus. */
    bool (*agg_update)(uint8_t *agg, const uint8_t *share, size_t n);
    bool (*agg_add)(uint8_t *agg, const int64_t *values, size_t n);
    /* The two words of the sum over all shares at one place; false when an element is not below the modulus.
     * With fold, a sum in the upper half of the field gives its negative and *negative. */
    bool (*open)(const sotto_span *shares, size_t count, size_t place, bool fold, uint64_t out[2],
                 bool *negative);
} prio3_engine;

extern const prio3_engine prio3_engine64, prio3_engine128;

static inline const prio3_engine *prio3_engine_of(const sotto_prio3 *prio3)
{
    return prio3->field_bytes == 8 ? &prio3_engine64 : &prio3_engine128;
}

/* Takes bytes from memory, in steps of 16. With base NULL it only counts. */
typedef struct prio3_carve {
    uint8_t *base;
    size_t used;
} prio3_carve;

static inline void *prio3_take(prio3_carve *carve, size_t bytes)
{
    uint8_t *at = carve->base == NULL ? NULL : carve->base + carve->used;
    carve->used += (bytes + 15) & ~(size_t)15;
    return at;
}

/* prio3_param.c */
sotto_status prio3_check_scratch(const void *scratch, size_t len, size_t need, sotto_diag *diag);
sotto_status prio3_check_ctx(sotto_span ctx, sotto_diag *diag);
/* Whether span has exactly size bytes: TRUNCATED, MALFORMED. */
sotto_status prio3_check_size(sotto_span span, size_t size, const char *what, sotto_diag *diag);

/* prio3_rand.c: what is derived from seeds, in the order of draft section "Auxiliary Functions". A vector is
 * expanded into out. */
typedef struct prio3_run {
    const sotto_prio3 *prio3;
    const prio3_engine *engine;
    prio3_tag tag;
} prio3_run;

prio3_run prio3_run_of(const sotto_prio3 *prio3, sotto_span ctx);
void prio3_helper_meas_share(const prio3_run *run, uint32_t aggregator, const uint8_t *seed, void *out);
void prio3_helper_proofs_share(const prio3_run *run, uint32_t aggregator, const uint8_t *seed, void *out);
void prio3_prove_rands(const prio3_run *run, const uint8_t *seed, void *out);
void prio3_query_rands(const prio3_run *run, const uint8_t *verify_key, const uint8_t *nonce, void *out);
void prio3_joint_rand_part(const prio3_run *run, uint32_t aggregator, const uint8_t *blind, const void *meas,
                           const uint8_t *nonce, uint8_t *part);
/* parts: prio3->shares of them, one after the other. */
void prio3_joint_rand_seed(const prio3_run *run, const uint8_t *parts, uint8_t *seed);
void prio3_joint_rands(const prio3_run *run, const uint8_t *seed, void *out);

#endif
