/*
 * prio3 [SECONDS]: microseconds to shard a measurement and to verify it (both aggregators: two verify_init,
 * one verifier_shares_to_message, two verify_next), and the bytes that travel, for the rows that libprio-rs
 * is compared in. Each row runs for SECONDS (default 0.5) in batches; the median batch and the fastest are
 * shown, and beside them the median that libprio-rs 0.17 has on a quiet machine of another day (at its best
 * chunk): for a look, not for a ratio. `prio3 once` runs each row once and stops: for instruction counts
 * under an emulator.
 */
#include "sotto/prio3.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { BATCHES_MAX = 4096, VALUES_MAX = 1000 };

typedef struct row {
    const char *name;
    const char *libprio; /* shard / both prepares */
    sotto_prio3 prio3;
} row;

typedef struct bench {
    const sotto_prio3 *prio3;
    uint64_t measurement[VALUES_MAX];
    uint8_t rand[4 * SOTTO_PRIO3_SEED_BYTES], nonce[SOTTO_PRIO3_NONCE_BYTES];
    uint8_t key[SOTTO_PRIO3_VERIFY_KEY_BYTES];
    uint8_t *public_share, *inputs[2], *states[2], *shares[2], *message, *out;
    void *scratch;
    size_t scratch_len;
} bench;

static void must(bool good)
{
    if (!good) {
        (void)fprintf(stderr, "prio3: a step failed\n");
        exit(1);
    }
}

static void *memory(size_t bytes)
{
    void *block = calloc(1, bytes + 1);
    must(block != NULL);
    return block;
}

static double now_us(void)
{
    struct timespec t;
    must(clock_gettime(CLOCK_MONOTONIC, &t) == 0);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static void open_bench(bench *b, const sotto_prio3 *prio3)
{
    memset(b, 0, sizeof *b);
    b->prio3 = prio3;
    for (size_t i = 0; i < sizeof b->rand; i++)
        b->rand[i] = (uint8_t)(i * 7 + 1);
    b->measurement[0] = 1;
    b->public_share = memory(sotto_prio3_public_share_size(prio3));
    for (uint32_t i = 0; i < 2; i++) {
        b->inputs[i] = memory(sotto_prio3_input_share_size(prio3, i));
        b->states[i] = memory(sotto_prio3_verify_state_size(prio3));
        b->shares[i] = memory(sotto_prio3_verifier_share_size(prio3));
    }
    b->message = memory(sotto_prio3_verifier_message_size(prio3));
    b->out = memory(sotto_prio3_agg_share_size(prio3));
    size_t shard = sotto_prio3_shard_scratch_size(prio3), verify = sotto_prio3_verify_scratch_size(prio3);
    b->scratch_len = shard > verify ? shard : verify;
    b->scratch = memory(b->scratch_len);
}

static void close_bench(bench *b)
{
    free(b->public_share);
    for (uint32_t i = 0; i < 2; i++) {
        free(b->inputs[i]);
        free(b->states[i]);
        free(b->shares[i]);
    }
    free(b->message);
    free(b->out);
    free(b->scratch);
}

static void shard(bench *b)
{
    const sotto_prio3_report report = {b->public_share, b->inputs};
    must(sotto_prio3_shard(b->prio3, sotto_span_str("bench"), b->measurement, b->prio3->measurement_len,
                           b->nonce, sotto_span_of(b->rand, sotto_prio3_rand_size(b->prio3)), &report,
                           b->scratch, b->scratch_len, NULL) == SOTTO_OK);
}

static void verify(bench *b)
{
    const sotto_prio3 *prio3 = b->prio3;
    const sotto_span ctx = sotto_span_str("bench");
    sotto_span shares[2];
    for (uint32_t i = 0; i < 2; i++) {
        const sotto_prio3_received received = {
            b->nonce, sotto_span_of(b->public_share, sotto_prio3_public_share_size(prio3)),
            sotto_span_of(b->inputs[i], sotto_prio3_input_share_size(prio3, i))};
        must(sotto_prio3_verify_init(prio3, b->key, ctx, i, &received, b->states[i], b->shares[i], b->scratch,
                                     b->scratch_len, NULL) == SOTTO_OK);
        shares[i] = sotto_span_of(b->shares[i], sotto_prio3_verifier_share_size(prio3));
    }
    must(sotto_prio3_verifier_shares_to_message(prio3, ctx, shares, 2, b->message, b->scratch, b->scratch_len,
                                                NULL) == SOTTO_OK);
    sotto_span message = sotto_span_of(b->message, sotto_prio3_verifier_message_size(prio3));
    for (uint32_t i = 0; i < 2; i++)
        must(sotto_prio3_verify_next(prio3, b->states[i], message, b->out, NULL) == SOTTO_OK);
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Median and fastest of batches of some 200 microseconds. */
static void measure(bench *b, void (*step)(bench *), double seconds, double out[2])
{
    static double times[BATCHES_MAX];
    size_t batches = 0, n = 1;
    double begin = now_us();
    for (;;) {
        double start = now_us();
        for (size_t i = 0; i < n; i++)
            step(b);
        double end = now_us();
        if (end - start < 100 && batches == 0) {
            n *= 2;
            continue;
        }
        times[batches++] = (end - start) / (double)n;
        if (batches == BATCHES_MAX || end - begin > seconds * 1e6)
            break;
    }
    qsort(times, batches, sizeof times[0], by_value);
    out[0] = times[batches / 2];
    out[1] = times[0];
}

static void run_row(const row *r, bool once, bool half, double seconds)
{
    bench b;
    open_bench(&b, &r->prio3);
    shard(&b);
    if (!half)
        verify(&b);
    if (!once) {
        double sharding[2], verifying[2];
        measure(&b, shard, seconds, sharding);
        measure(&b, verify, seconds, verifying);
        printf("%-24s %8.1f %8.1f %8.1f %8.1f %8zu %8zu %8zu %8zu %8zu  %s\n", r->name, sharding[0],
               sharding[1], verifying[0], verifying[1], sotto_prio3_public_share_size(&r->prio3),
               sotto_prio3_input_share_size(&r->prio3, 0), sotto_prio3_input_share_size(&r->prio3, 1),
               sotto_prio3_verifier_share_size(&r->prio3), b.scratch_len, r->libprio);
    }
    close_bench(&b);
}

int main(int argc, char **argv)
{
    static row rows[] = {{.name = "Count", .libprio = "4.5 / 8.9"},
                         {.name = "Sum 255", .libprio = "10 / 18"},
                         {.name = "Sum 2^32-1", .libprio = "27 / 44"},
                         {.name = "Histogram 10", .libprio = "20 / 37"},
                         {.name = "Histogram 100", .libprio = "52 / 75"},
                         {.name = "Histogram 1000", .libprio = "449 / 407"},
                         {.name = "SumVec 1000 x 1 bit", .libprio = "469 / 438"},
                         {.name = "SumVec 1000, 3 x Field64", .libprio = ""}};
    bool once = argc > 1 && strcmp(argv[1], "once") == 0;
    const char *only = argc > 2 ? argv[2] : NULL;
    double seconds = argc > 1 && !once ? strtod(argv[1], NULL) : 0.5;
    must(sotto_prio3_count(&rows[0].prio3, 2, NULL) == SOTTO_OK);
    must(sotto_prio3_sum(&rows[1].prio3, 2, 255, NULL) == SOTTO_OK);
    must(sotto_prio3_sum(&rows[2].prio3, 2, UINT32_MAX, NULL) == SOTTO_OK);
    must(sotto_prio3_histogram(&rows[3].prio3, 2, 10, sotto_prio3_best_chunk(10), NULL) == SOTTO_OK);
    must(sotto_prio3_histogram(&rows[4].prio3, 2, 100, sotto_prio3_best_chunk(100), NULL) == SOTTO_OK);
    must(sotto_prio3_histogram(&rows[5].prio3, 2, 1000, 33, NULL) == SOTTO_OK);
    must(sotto_prio3_sum_vec(&rows[6].prio3, 2, 1000, 1, 33, NULL) == SOTTO_OK);
    must(sotto_prio3_sum_vec_multiproof(&rows[7].prio3, 2, 1000, 1, 33, 3, NULL) == SOTTO_OK);
    if (!once)
        printf("%-24s %17s %17s %44s\n%-24s %8s %8s %8s %8s %8s %8s %8s %8s %8s  %s\n", "", "shard, us",
               "verify (both), us", "bytes", "", "median", "fastest", "median", "fastest", "public", "leader",
               "helper", "verifier", "scratch", "libprio-rs: shard / both prepares, us");
    for (size_t i = 0; i < SOTTO_COUNT(rows); i++)
        if (only == NULL || strcmp(only, rows[i].name) == 0)
            run_row(&rows[i], once, argc > 3, seconds);
    return 0;
}
