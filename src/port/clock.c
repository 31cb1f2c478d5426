#include "port_priv.h"

#include <assert.h>
#include <time.h>

static int64_t read_utc_s(void *ctx)
{
    struct timespec now = {0};
    int failed = clock_gettime(CLOCK_REALTIME, &now);
    assert(failed == 0); /* only a wrong clock id fails */
    (void)failed;
    const int64_t *offset_s = ctx;
    int64_t utc_s = (int64_t)now.tv_sec;
    return offset_s == NULL ? utc_s : sotto_add_sat_i64(utc_s, *offset_s);
}

int64_t sotto_port_mono_ms(void)
{
    struct timespec now = {0};
    int failed = clock_gettime(CLOCK_MONOTONIC, &now);
    assert(failed == 0);
    (void)failed;
    return (int64_t)now.tv_sec * 1000 + (int64_t)now.tv_nsec / 1000000;
}

static int64_t read_mono_ms(void *ctx)
{
    (void)ctx;
    return sotto_port_mono_ms();
}

sotto_clock sotto_port_clock(void)
{
    return (sotto_clock){.ctx = NULL, .utc_s = read_utc_s, .mono_ms = read_mono_ms};
}

/* A clock's ctx is not const because other clocks have state; this one only reads through it. */
static void *ctx_of(const int64_t *offset_s)
{
    union {
        const int64_t *in;
        void *out;
    } cast = {.in = offset_s};
    return cast.out;
}

sotto_clock sotto_port_clock_shifted(const int64_t *offset_s)
{
    assert(offset_s != NULL);
    return (sotto_clock){.ctx = ctx_of(offset_s), .utc_s = read_utc_s, .mono_ms = read_mono_ms};
}
