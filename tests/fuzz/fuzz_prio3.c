/*
 * Any bytes as what a client sends for Prio3, and as what aggregators send each other. The first byte names
 * the variant; then follow nonce, public share, both input shares, and what is left is a verifier share and
 * an aggregate share. Whatever is accepted stands for a measurement in its range, however it was made.
 */
#include "fuzz.h"

#include "sotto/prio3.h"

#include <string.h>

enum { VARIANTS = 6, BUFFER = 4096 };

static uint8_t states[2][BUFFER], outs[2][BUFFER], shares[2][BUFFER], message[SOTTO_PRIO3_SEED_BYTES];
static _Alignas(max_align_t) uint8_t scratch[1 << 15];

static void make(uint8_t variant, sotto_prio3 *out)
{
    sotto_status status = SOTTO_ERR(PRIVACY, INTERNAL);
    switch (variant % VARIANTS) {
    case 0:
        status = sotto_prio3_count(out, 2, NULL);
        break;
    case 1:
        status = sotto_prio3_sum(out, 2, 100, NULL);
        break;
    case 2:
        status = sotto_prio3_sum_vec(out, 2, 3, 5, 3, NULL);
        break;
    case 3:
        status = sotto_prio3_sum_vec_multiproof(out, 2, 3, 5, 3, 3, NULL);
        break;
    case 4:
        status = sotto_prio3_histogram(out, 2, 5, 2, NULL);
        break;
    default:
        status = sotto_prio3_multihot(out, 2, 5, 2, 3, NULL);
        break;
    }
    require(status == SOTTO_OK);
    require(sotto_prio3_verify_scratch_size(out) <= sizeof scratch);
}

/* The next bytes of the input: len of them, or what there is. */
static sotto_span next(sotto_span *input, size_t len)
{
    sotto_span piece = {input->ptr, len < input->len ? len : input->len};
    input->ptr += piece.len;
    input->len -= piece.len;
    return piece;
}

/* An accepted report: each place of the output in its range, a histogram's one bucket, a multihot's weight.
 */
static void check_output(const sotto_prio3 *p)
{
    uint64_t values[8], sum = 0;
    const sotto_span out[2] = {sotto_span_of(outs[0], sotto_prio3_agg_share_size(p)),
                               sotto_span_of(outs[1], sotto_prio3_agg_share_size(p))};
    require(sotto_prio3_unshard(p, out, 2, values, NULL) == SOTTO_OK);
    for (uint32_t i = 0; i < p->length; i++) {
        require(values[i] <= (p->type == SOTTO_PRIO3_MULTIHOT ? 1 : p->max));
        sum += values[i];
    }
    require(p->type != SOTTO_PRIO3_HISTOGRAM || sum == 1);
    require(p->type != SOTTO_PRIO3_MULTIHOT || sum <= p->max);
}

static bool from_client(const sotto_prio3 *p, sotto_span *input)
{
    static const uint8_t KEY[SOTTO_PRIO3_VERIFY_KEY_BYTES] = "a key of thirty-two bytes, fixed";
    const sotto_span ctx = sotto_span_str("fuzz");
    uint8_t nonce[SOTTO_PRIO3_NONCE_BYTES] = {0};
    sotto_span given = next(input, sizeof nonce), verifiers[2];
    if (given.len > 0)
        memcpy(nonce, given.ptr, given.len);
    sotto_prio3_received received = {nonce, next(input, sotto_prio3_public_share_size(p)), {NULL, 0}};
    bool good = true;
    for (uint32_t i = 0; i < 2; i++) {
        sotto_diag diag = {0};
        received.input_share = next(input, sotto_prio3_input_share_size(p, i));
        sotto_status status = sotto_prio3_verify_init(p, KEY, ctx, i, &received, states[i], shares[i],
                                                      scratch, sizeof scratch, &diag);
        require((status == SOTTO_OK) == (diag.status == SOTTO_OK));
        good = good && status == SOTTO_OK;
        verifiers[i] = sotto_span_of(shares[i], sotto_prio3_verifier_share_size(p));
    }
    if (!good || sotto_prio3_verifier_shares_to_message(p, ctx, verifiers, 2, message, scratch,
                                                        sizeof scratch, NULL) != SOTTO_OK)
        return false;
    sotto_span seed = sotto_span_of(message, sotto_prio3_verifier_message_size(p));
    for (uint32_t i = 0; i < 2; i++)
        if (sotto_prio3_verify_next(p, states[i], seed, outs[i], NULL) != SOTTO_OK)
            return false;
    check_output(p);
    return true;
}

/* What aggregators and collector read. No bytes of somebody else's choice complete a proof. */
static void from_peers(const sotto_prio3 *p, sotto_span *input)
{
    const sotto_span ctx = sotto_span_str("fuzz");
    sotto_span verifiers[2] = {sotto_span_of(shares[0], sotto_prio3_verifier_share_size(p)),
                               next(input, sotto_prio3_verifier_share_size(p))};
    uint8_t agg[BUFFER], kept[BUFFER];
    size_t size = sotto_prio3_agg_share_size(p);
    (void)!sotto_prio3_verifier_shares_to_message(p, ctx, verifiers, 2, message, scratch, sizeof scratch,
                                                  NULL);
    sotto_prio3_agg_init(p, agg);
    memcpy(kept, agg, size);
    sotto_span share = next(input, size);
    if (sotto_prio3_agg_update(p, agg, share, NULL) == SOTTO_OK)
        require(memcmp(agg, share.ptr, size) == 0); /* nothing plus a share is the share: one encoding each */
    else
        require(memcmp(agg, kept, size) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    sotto_span input = sotto_span_of(data, size);
    sotto_span variant = next(&input, 1);
    sotto_prio3 p;
    make(variant.len > 0 ? variant.ptr[0] : 0, &p);
    (void)from_client(&p, &input);
    from_peers(&p, &input);
    return 0;
}
