/* Draws of discrete Laplace noise a second, and bytes of entropy a draw, from the system's entropy. */
#include "sotto/port.h"
#include "sotto/privacy.h"

#include <stdio.h>
#include <time.h>

struct counted {
    sotto_entropy entropy;
    uint64_t fills;
};

static sotto_status counted_fill(void *ctx, void *buf, size_t len)
{
    struct counted *c = ctx;
    c->fills++;
    return c->entropy.fill(c->entropy.ctx, buf, len);
}

static double now_s(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

int main(void)
{
    static const uint64_t SCALES[][2] = {{1, 4}, {1, 1}, {16, 1}, {1000000, 1}};
    enum { DRAWS = 200000 };
    for (size_t i = 0; i < SOTTO_COUNT(SCALES); i++) {
        struct counted counted = {.entropy = sotto_port_entropy()};
        sotto_entropy entropy = {.ctx = &counted, .fill = counted_fill};
        int64_t out = 0;
        double start = now_s();
        for (int n = 0; n < DRAWS; n++)
            if (sotto_noise_laplace(&entropy, SCALES[i][0], SCALES[i][1], &out) != SOTTO_OK)
                return 1;
        double seconds = now_s() - start;
        (void)printf("scale %llu/%llu: %.0f draws/s, %.3f pieces of 64 bytes a draw\n",
                     (unsigned long long)SCALES[i][0], (unsigned long long)SCALES[i][1], DRAWS / seconds,
                     (double)counted.fills / DRAWS);
    }
    return 0;
}
