/*
 * Constant time of Prio3, by valgrind's memory checker: what is secret is marked undefined, and the checker
 * complains of each branch and each address that depends on it (Langley's ctgrind). The library's sources are
 * compiled with this program so that PRIO3_DECLASSIFY becomes a request to the checker; a declassified value
 * is one that the header says may show.
 *
 *     valgrind --error-exitcode=1 prio3_ct            must be silent
 *     valgrind --error-exitcode=1 prio3_ct leak       must complain: the test of the test
 *
 * Secret: measurement, randomness, input shares, verification key, output shares, aggregate shares, noise.
 * Public: parameters, context, nonce, public share, verifier shares and messages once sent. Status 77 when
 * not run under valgrind.
 */
#include <valgrind/memcheck.h>

#include "sotto/prio3.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BUFFER = 1 << 16, SHARES = 3, VALUES = 64 };

typedef struct world {
    uint8_t rand[6 * SOTTO_PRIO3_SEED_BYTES], key[SOTTO_PRIO3_VERIFY_KEY_BYTES];
    uint8_t nonce[SOTTO_PRIO3_NONCE_BYTES], public_share[BUFFER], inputs[SHARES][BUFFER];
    uint8_t states[SHARES][BUFFER], shares[SHARES][BUFFER], message[SOTTO_PRIO3_SEED_BYTES];
    uint8_t outs[SHARES][BUFFER], aggs[SHARES][BUFFER];
    uint64_t measurement[VALUES];
    _Alignas(max_align_t) uint8_t scratch[4 * BUFFER];
} world;

static void secret(const void *bytes, size_t len)
{
    (void)VALGRIND_MAKE_MEM_UNDEFINED(bytes, len);
}

static void known(const void *bytes, size_t len)
{
    (void)VALGRIND_MAKE_MEM_DEFINED(bytes, len);
}

static void must(sotto_status status)
{
    known(&status, sizeof status);
    if (status != SOTTO_OK) {
        (void)fprintf(stderr, "prio3_ct: status %d\n", (int)status);
        exit(2);
    }
}

static void shard(world *w, const sotto_prio3 *p)
{
    uint8_t *const inputs[] = {w->inputs[0], w->inputs[1], w->inputs[2]};
    const sotto_prio3_report report = {w->public_share, inputs};
    for (size_t i = 0; i < sizeof w->rand; i++)
        w->rand[i] = (uint8_t)(i * 29 + 3);
    memset(w->key, 0x77, sizeof w->key);
    for (size_t i = 0; i < VALUES; i++)
        w->measurement[i] = i % 3 == 1;
    secret(w->rand, sizeof w->rand);
    secret(w->key, sizeof w->key);
    secret(w->measurement, sizeof w->measurement);
    must(sotto_prio3_shard(p, sotto_span_str("ct"), w->measurement, p->measurement_len, w->nonce,
                           sotto_span_of(w->rand, sotto_prio3_rand_size(p)), &report, w->scratch,
                           sizeof w->scratch, NULL));
    known(w->public_share, sizeof w->public_share);
}

static void verify(world *w, const sotto_prio3 *p)
{
    sotto_span shares[SHARES];
    for (uint32_t i = 0; i < p->shares; i++) {
        const sotto_prio3_received received = {
            w->nonce, sotto_span_of(w->public_share, sotto_prio3_public_share_size(p)),
            sotto_span_of(w->inputs[i], sotto_prio3_input_share_size(p, i))};
        must(sotto_prio3_verify_init(p, w->key, sotto_span_str("ct"), i, &received, w->states[i],
                                     w->shares[i], w->scratch, sizeof w->scratch, NULL));
        shares[i] = sotto_span_of(w->shares[i], sotto_prio3_verifier_share_size(p));
        known(w->shares[i], shares[i].len); /* sent to the others */
    }
    must(sotto_prio3_verifier_shares_to_message(p, sotto_span_str("ct"), shares, p->shares, w->message,
                                                w->scratch, sizeof w->scratch, NULL));
    sotto_span message = sotto_span_of(w->message, sotto_prio3_verifier_message_size(p));
    size_t agg = sotto_prio3_agg_share_size(p);
    for (uint32_t i = 0; i < p->shares; i++) {
        /* the seed's comparison is told to the client's peers anyway; the output share is not */
        known(w->states[i] + agg, sotto_prio3_verify_state_size(p) - agg);
        must(sotto_prio3_verify_next(p, w->states[i], message, w->outs[i], NULL));
    }
}

static void aggregate(world *w, const sotto_prio3 *p)
{
    static const int64_t NOISE[VALUES] = {5, -7, 0, INT64_MIN, INT64_MAX};
    int64_t noise[VALUES];
    memcpy(noise, NOISE, sizeof noise);
    secret(noise, sizeof noise);
    for (uint32_t i = 0; i < p->shares; i++) {
        sotto_prio3_agg_init(p, w->aggs[i]);
        must(sotto_prio3_agg_update(p, w->aggs[i], sotto_span_of(w->outs[i], sotto_prio3_agg_share_size(p)),
                                    NULL));
        must(sotto_prio3_agg_add(p, w->aggs[i], noise, p->length, NULL));
    }
}

static void run(world *w, const sotto_prio3 *p)
{
    known(w, sizeof *w);
    memset(w, 0, sizeof *w);
    shard(w, p);
    verify(w, p);
    aggregate(w, p);
}

int main(int argc, char **argv)
{
    (void)argv;
    if (!RUNNING_ON_VALGRIND)
        return 77;
    world *w = calloc(1, sizeof *w);
    if (w == NULL)
        return 2;
    sotto_prio3 variants[7];
    must(sotto_prio3_count(&variants[0], 2, NULL));
    must(sotto_prio3_sum(&variants[1], 2, 1337, NULL));
    must(sotto_prio3_sum(&variants[2], 3, 1, NULL));
    must(sotto_prio3_sum_vec(&variants[3], 2, 20, 9, 8, NULL));
    must(sotto_prio3_sum_vec_multiproof(&variants[4], 2, 20, 9, 8, 3, NULL));
    must(sotto_prio3_histogram(&variants[5], 3, 30, 5, NULL));
    must(sotto_prio3_multihot(&variants[6], 2, 30, 20, 5, NULL));
    for (size_t i = 0; i < SOTTO_COUNT(variants); i++)
        run(w, &variants[i]);
    if (argc > 1) { /* what a leak looks like */
        secret(w->rand, 1);
        if (w->rand[0] == 3)
            (void)puts("leak");
    }
    known(w, sizeof *w);
    free(w);
    return 0;
}
