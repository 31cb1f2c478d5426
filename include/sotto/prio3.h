/*
 * prio3: verifiable distributed aggregation, draft-irtf-cfrg-vdaf-20 (VERSION 18 in the domain separation
 * tag), the Prio3 family. A client splits a measurement into shares, one for each aggregator; the aggregators
 * check together that it is a valid one and add it up, and neither learns more than the total.
 *
 * Layouts, sizes and sources: docs/formats/prio3.md.
 *
 * Every function is pure: it allocates nothing, keeps no state and does no input or output. All memory is the
 * caller's; beside every output stands its _size(). A size function never fails for parameters made by one of
 * the makers below. Functions may run in several threads at once as long as they do not write the same
 * memory. Outputs must not overlap inputs or the scratch memory.
 *
 * What travels or is stored is bytes in the draft's encoding, everywhere; there is no second form. Inputs are
 * checked (length, and that each field element is below the modulus) before they are used.
 *
 * A failed function has set all of its outputs to zeros. Scratch memory is wiped before return. Scratch
 * memory is aligned like malloc's (_Alignof(max_align_t)).
 *
 * Time: what depends on measurements, shares, seeds and keys runs in constant time: no branch, no index, no
 * division (tests/privacy/prio3_ct.c under valgrind). Three things show, none of them by design more than a
 * yes or no: whether a measurement is in its range; whether an input is well formed; and, with a chance below
 * 2^-31 for each element, that a piece of the seeds' expansion had to be drawn again (it is then not used).
 * Multiplication of machine words is taken to have constant time, which holds for the processors that Sotto
 * runs on and not for small ones (Cortex-M3). The verifier message and what is made from it is public.
 *
 * Multiples of SOTTO_PRIO3_SEED_BYTES of randomness come from the caller; they must be fresh, uniform and
 * secret. The nonce must be random and public; an aggregator must refuse a nonce that it has seen (draft,
 * "The Nonce"). The verification key is shared by the aggregators, kept from clients, and made before any
 * report that it verifies.
 */
#ifndef SOTTO_PRIO3_H
#define SOTTO_PRIO3_H

#include "sotto/base.h"

#define SOTTO_PRIO3_VERSION          18
#define SOTTO_PRIO3_SEED_BYTES       32
#define SOTTO_PRIO3_NONCE_BYTES      16
#define SOTTO_PRIO3_VERIFY_KEY_BYTES 32
#define SOTTO_PRIO3_CTX_MAX          65527 /* bytes: the tag's length has 16 bits, and 8 bytes stand before ctx */
#define SOTTO_PRIO3_SHARES_MAX       255       /* aggregators; 2 or more */
#define SOTTO_PRIO3_ENCODED_MAX      (1 << 20) /* field elements of one encoded measurement */

/* ---- Parameters: which statistic. Made by one of the makers, then only read; a plain value that can be
 * copied. Client and aggregators must agree on all of them: the protocol does not bind them (draft,
 * "Defense-in-Depth Measures"), so put what tells tasks apart into ctx. ---- */

enum sotto_prio3_type {
    SOTTO_PRIO3_COUNT = 1, /* draft's algorithm number as well */
    SOTTO_PRIO3_SUM = 2,
    SOTTO_PRIO3_SUM_VEC = 3,
    SOTTO_PRIO3_HISTOGRAM = 4,
    SOTTO_PRIO3_MULTIHOT = 5
};

typedef struct sotto_prio3 {
    enum sotto_prio3_type type;
    uint32_t algorithm;        /* number in the domain separation tag */
    uint32_t shares;           /* aggregators; number 0 is the leader */
    uint32_t proofs;           /* 1 but for the multiproof variant */
    uint32_t field_bytes;      /* 8 = Field64, 16 = Field128 */
    uint32_t length;           /* values in a measurement's vector and in the result; 1 for count and sum */
    uint64_t max;              /* largest value: of a sum, of a vector's element, of a multihot's weight */
    uint32_t bits;             /* field elements that encode one value of 0..max */
    uint32_t chunk;            /* products in one call of the gadget; 1 where the circuit has no chunks */
    uint32_t encoded_len;      /* field elements of an encoded measurement (MEAS_LEN) */
    uint32_t calls;            /* of the gadget */
    uint32_t arity;            /* wires of the gadget */
    uint32_t wire_len;         /* points of a wire polynomial, a power of two */
    uint32_t proof_len;        /* field elements of one proof */
    uint32_t verifier_len;     /* field elements of one proof's verifier */
    uint32_t joint_rand_len;   /* field elements, 0 = no joint randomness */
    uint32_t query_rand_len;   /* field elements */
    uint32_t measurement_len;  /* values that shard takes */
    uint64_t share_inverse[2]; /* 1 / shares in the field, low word first */
} sotto_prio3;

/* Makers. shares in 2 .. 255. On failure *out is zeros. RANGE with the parameter in diag. */
/* Is it so? Measurement: one value, 0 or 1. Result: how many 1. */
SOTTO_MUST_USE sotto_status sotto_prio3_count(sotto_prio3 *out, uint32_t shares, sotto_diag *diag);
/* Measurement: one value in 0 .. max. max in 1 .. 2^63 - 1. Result: the sum. */
SOTTO_MUST_USE sotto_status sotto_prio3_sum(sotto_prio3 *out, uint32_t shares, uint64_t max,
                                            sotto_diag *diag);
/* Measurement: length values, each in 0 .. max; max >= 1. Result: the sum of each. chunk >= 1; length * bits
 * of max is at most SOTTO_PRIO3_ENCODED_MAX, as is chunk. */
SOTTO_MUST_USE sotto_status sotto_prio3_sum_vec(sotto_prio3 *out, uint32_t shares, uint32_t length,
                                                uint64_t max, uint32_t chunk, sotto_diag *diag);
/* The same over Field64 with several proofs (1 .. 255), draft section "Multiple Proofs"; max below 2^63. The
 * draft gives it no number: 0xFFFFFFFF, for experiments. Below three proofs it is not sound enough for use.
 */
SOTTO_MUST_USE sotto_status sotto_prio3_sum_vec_multiproof(sotto_prio3 *out, uint32_t shares, uint32_t length,
                                                           uint64_t max, uint32_t chunk, uint32_t proofs,
                                                           sotto_diag *diag);
/* Measurement: one value, the bucket 0 .. length - 1. Result: how many in each. */
SOTTO_MUST_USE sotto_status sotto_prio3_histogram(sotto_prio3 *out, uint32_t shares, uint32_t length,
                                                  uint32_t chunk, sotto_diag *diag);
/* Measurement: length values of 0 or 1, at most max_weight of them 1. max_weight in 1 .. length. Result: how
 * many 1 in each place. */
SOTTO_MUST_USE sotto_status sotto_prio3_multihot(sotto_prio3 *out, uint32_t shares, uint32_t length,
                                                 uint32_t max_weight, uint32_t chunk, sotto_diag *diag);
/* The chunk length with the shortest proof for a measurement of encoded_len field elements (length * bits;
 * length; length + bits), the smallest such. In 1 .. encoded_len; encoded_len 0 gives 1. */
uint32_t sotto_prio3_best_chunk(uint32_t encoded_len);

/* ---- Sizes in bytes ---- */
size_t sotto_prio3_rand_size(const sotto_prio3 *prio3);         /* randomness that shard takes */
size_t sotto_prio3_public_share_size(const sotto_prio3 *prio3); /* 0 for count and sum */
/* aggregator in 0 .. shares - 1 (0 is returned for any other). */
size_t sotto_prio3_input_share_size(const sotto_prio3 *prio3, uint32_t aggregator);
size_t sotto_prio3_verify_state_size(const sotto_prio3 *prio3); /* an aggregator's own, never sent */
size_t sotto_prio3_verifier_share_size(const sotto_prio3 *prio3);
size_t sotto_prio3_verifier_message_size(const sotto_prio3 *prio3); /* 0 for count and sum */
/* Output shares and aggregate shares have one layout. */
size_t sotto_prio3_agg_share_size(const sotto_prio3 *prio3);
size_t sotto_prio3_shard_scratch_size(const sotto_prio3 *prio3);
size_t sotto_prio3_verify_scratch_size(const sotto_prio3 *prio3);

/* ---- Client ---- */

/* One client's report, in memory of the caller of exactly the sizes above (capacities are not passed). */
typedef struct sotto_prio3_report {
    uint8_t *public_share;        /* public_share_size bytes; may be NULL when that is 0 */
    uint8_t *const *input_shares; /* `shares` pointers to input_share_size(i) bytes; each goes to aggregator
                                     i alone, over a channel that hides it */
} sotto_prio3_report;

/* Splits a measurement. measurement: prio3->measurement_len values; rand: rand_size bytes; scratch:
 * shard_scratch_size bytes or more. RANGE: measurement outside its range, ctx too long. USAGE: wrong length
 * of measurement or rand, scratch too small or not aligned. The report is zeros then. */
SOTTO_MUST_USE sotto_status sotto_prio3_shard(const sotto_prio3 *prio3, sotto_span ctx,
                                              const uint64_t *measurement, size_t measurement_len,
                                              const uint8_t nonce[static SOTTO_PRIO3_NONCE_BYTES],
                                              sotto_span rand, const sotto_prio3_report *report,
                                              void *scratch, size_t scratch_len, sotto_diag *diag);

/* ---- Aggregators: one round. Each makes a verifier share from its input share; these are exchanged; all
 * make the same verifier message of them; each ends with an output share or refuses the report. ---- */

/* What an aggregator knows of a report. */
typedef struct sotto_prio3_received {
    const uint8_t *nonce; /* SOTTO_PRIO3_NONCE_BYTES */
    sotto_span public_share;
    sotto_span input_share;
} sotto_prio3_received;

/* Begins verification. state: verify_state_size bytes, secret; share: verifier_share_size bytes, goes to the
 * other aggregators. scratch: verify_scratch_size bytes or more.
 * USAGE: aggregator not below shares, scratch. RANGE: ctx too long. TRUNCATED, MALFORMED (too long, or an
 * element not below the modulus): the report is refused, with the place in diag. AUTH: the test point is one
 * of the proof's own points (chance below 2^-40 for an honest key): the report is refused. state and share
 * are zeros then. */
SOTTO_MUST_USE sotto_status sotto_prio3_verify_init(
    const sotto_prio3 *prio3, const uint8_t verify_key[static SOTTO_PRIO3_VERIFY_KEY_BYTES], sotto_span ctx,
    uint32_t aggregator, const sotto_prio3_received *received, uint8_t *state, uint8_t *share, void *scratch,
    size_t scratch_len, sotto_diag *diag);

/* Combines the verifier shares of all aggregators, in their order: shares[0 .. prio3->shares). message:
 * verifier_message_size bytes (may be NULL when 0). scratch: verify_scratch_size bytes or more.
 * AUTH: the proof does not hold, the report is refused. TRUNCATED, MALFORMED: a share is not well formed.
 * USAGE: count is not prio3->shares, scratch. RANGE: ctx too long. message is zeros then. */
SOTTO_MUST_USE sotto_status sotto_prio3_verifier_shares_to_message(const sotto_prio3 *prio3, sotto_span ctx,
                                                                   const sotto_span *shares, size_t count,
                                                                   uint8_t *message, void *scratch,
                                                                   size_t scratch_len, sotto_diag *diag);

/* Ends verification: out_share, agg_share_size bytes, is this aggregator's share of the measurement.
 * AUTH: the client lied about the joint randomness, the report is refused. TRUNCATED, MALFORMED: message has
 * another length. out_share is zeros then. state (verify_state_size bytes) is the caller's to wipe, and must
 * not be used again. */
SOTTO_MUST_USE sotto_status sotto_prio3_verify_next(const sotto_prio3 *prio3, const uint8_t *state,
                                                    sotto_span message, uint8_t *out_share, sotto_diag *diag);

/* The aggregate share of nothing: agg_share_size zeros. */
void sotto_prio3_agg_init(const sotto_prio3 *prio3, uint8_t *agg_share);
/* Adds an output share, or another aggregate share (merging), into agg_share, of which both have
 * agg_share_size bytes. The one function that leaves agg_share as it was on failure: TRUNCATED, MALFORMED
 * (length, or an element of either not below the modulus). */
SOTTO_MUST_USE sotto_status sotto_prio3_agg_update(const sotto_prio3 *prio3, uint8_t *agg_share,
                                                   sotto_span share, sotto_diag *diag);
/* Adds signed integers, one to each of prio3->length places: noise, before the share is opened. Also leaves
 * agg_share as it was on failure: MALFORMED; USAGE when count is not prio3->length. Constant time. */
SOTTO_MUST_USE sotto_status sotto_prio3_agg_add(const sotto_prio3 *prio3, uint8_t *agg_share,
                                                const int64_t *values, size_t count, sotto_diag *diag);

/* ---- Collector ---- */

/* Opens the aggregate: shares[0 .. prio3->shares) of all aggregators; result: prio3->length values.
 * TRUNCATED, MALFORMED; USAGE: count is not prio3->shares; RANGE: a total does not fit. result is zeros
 * then. */
SOTTO_MUST_USE sotto_status sotto_prio3_unshard(const sotto_prio3 *prio3, const sotto_span *shares,
                                                size_t count, uint64_t *result, sotto_diag *diag);
/* The same for totals that noise can have taken below zero: the upper half of the field counts as negative.
 */
SOTTO_MUST_USE sotto_status sotto_prio3_unshard_signed(const sotto_prio3 *prio3, const sotto_span *shares,
                                                       size_t count, int64_t *result, sotto_diag *diag);

#endif
