/* A seeded source of entropy for tests: the key stream of ChaCha20 (RFC 8439 section 2.3), key = 32 times the
 * seed. */
#ifndef SOTTO_TESTS_PRIVACY_DRBG_H
#define SOTTO_TESTS_PRIVACY_DRBG_H

#include "sotto/base.h"

#include <string.h>

struct drbg {
    uint32_t key_word;
    uint32_t counter;
    uint8_t pool[64];
    size_t at;
    unsigned fills;
    unsigned fail_at; /* this call of fill fails; 0 = none */
};

__attribute__((no_sanitize("address", "undefined"))) static void drbg_quarter(uint32_t *w, int a, int b,
                                                                              int c, int d)
{
#define ROTATE(v, n) ((v) << (n) | (v) >> (32 - (n)))
    w[a] += w[b], w[d] = ROTATE(w[d] ^ w[a], 16);
    w[c] += w[d], w[b] = ROTATE(w[b] ^ w[c], 12);
    w[a] += w[b], w[d] = ROTATE(w[d] ^ w[a], 8);
    w[c] += w[d], w[b] = ROTATE(w[b] ^ w[c], 7);
#undef ROTATE
}

static void drbg_block(struct drbg *g)
{
    uint32_t start[16] = {0x61707865, 0x3320646e, 0x79622d32, 0x6b206574}, w[16];
    for (int i = 4; i < 12; i++)
        start[i] = g->key_word;
    start[12] = g->counter++;
    memcpy(w, start, sizeof w);
    for (int round = 0; round < 10; round++) {
        drbg_quarter(w, 0, 4, 8, 12), drbg_quarter(w, 1, 5, 9, 13);
        drbg_quarter(w, 2, 6, 10, 14), drbg_quarter(w, 3, 7, 11, 15);
        drbg_quarter(w, 0, 5, 10, 15), drbg_quarter(w, 1, 6, 11, 12);
        drbg_quarter(w, 2, 7, 8, 13), drbg_quarter(w, 3, 4, 9, 14);
    }
    for (int i = 0; i < 16; i++)
        for (int b = 0; b < 4; b++)
            g->pool[4 * i + b] = (uint8_t)((w[i] + start[i]) >> (8 * b));
    g->at = 0;
}

static sotto_status drbg_fill(void *ctx, void *buf, size_t len)
{
    struct drbg *g = ctx;
    if (++g->fills == g->fail_at)
        return SOTTO_ERR(PORT, IO);
    for (uint8_t *out = buf; len > 0;) {
        if (g->at == sizeof g->pool)
            drbg_block(g);
        size_t n = len < sizeof g->pool - g->at ? len : sizeof g->pool - g->at;
        memcpy(out, g->pool + g->at, n);
        g->at += n, out += n, len -= n;
    }
    return SOTTO_OK;
}

static inline struct drbg drbg_of(uint8_t seed)
{
    return (struct drbg){.key_word = seed * 0x01010101u, .at = 64};
}

static inline sotto_entropy drbg_entropy(struct drbg *g)
{
    return (sotto_entropy){.ctx = g, .fill = drbg_fill};
}

#endif
