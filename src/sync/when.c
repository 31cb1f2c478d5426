/*
 * When a terminal speaks to head office. Everything is drawn by hash of the device's name, so that terminals
 * made from one disk image (with one machine-id, and a random generator that was seeded alike) still come at
 * different moments.
 */
#include <stdio.h>

#include "sotto/sync.h"

#define FIRST_PAUSE_S INT64_C(30)

/* 48 bits of SHA-256, modulo n < 2^32: what the remainder prefers, it prefers by less than 2^-16. */
static sotto_status draw(const char *what, const char *device, int64_t number, uint32_t attempt, int64_t n,
                         int64_t *out)
{
    char text[160];
    uint8_t digest[SOTTO_SHA256_BYTES];
    uint64_t bits = 0;
    int len = snprintf(text, sizeof text, "sotto %s 1\n%s\n%lld\n%lu\n", what, device, (long long)number,
                       (unsigned long)attempt);
    if (len < 0 || (size_t)len >= sizeof text)
        return SOTTO_ERR(SYNC, RANGE);
    sotto_status st = sotto_sha256(sotto_span_of(text, (size_t)len), digest);
    for (size_t i = 0; i < 6; i++)
        bits = bits << 8 | digest[i];
    *out = (int64_t)(bits % (uint64_t)n);
    return st;
}

sotto_status sotto_night_start(const char *device, int64_t night, int64_t window_s, int64_t *delay_s)
{
    *delay_s = 0;
    if (window_s < 0 || window_s > SOTTO_NIGHT_WINDOW_MAX_S)
        return SOTTO_ERR(SYNC, RANGE);
    return window_s == 0 ? SOTTO_OK : draw("night", device, night, 0, window_s, delay_s);
}

/* Half of the pause is drawn: exponential backoff with jitter, as in "Exponential Backoff And Jitter" (AWS
 * Architecture Blog, 2015; there "equal jitter"). It grows fourfold, not twofold: a fleet that waits tries as
 * often in an hour as it has steps in that hour, and the night is long (tests/bench/stampede.c). Twofold when
 * head office answered: then it is there, and says by itself how long. */
sotto_status sotto_night_pause(const char *device, int64_t night, uint32_t attempt, int64_t retry_after_s,
                               int64_t *pause_s)
{
    int64_t least = FIRST_PAUSE_S, jitter = 0;
    *pause_s = SOTTO_NIGHT_PAUSE_MAX_S;
    if (retry_after_s < 0)
        return SOTTO_ERR(SYNC, RANGE);
    for (uint32_t i = 0; i < attempt && least < SOTTO_NIGHT_PAUSE_MAX_S / 2; i++)
        least *= retry_after_s > 0 ? 2 : 4;
    if (least > SOTTO_NIGHT_PAUSE_MAX_S / 2)
        least = SOTTO_NIGHT_PAUSE_MAX_S / 2;
    sotto_status st = draw("pause", device, night, attempt, least + 1, &jitter);
    if (st == SOTTO_OK)
        *pause_s = (retry_after_s > least ? retry_after_s : least) + jitter;
    return st;
}

bool sotto_night_again(sotto_status status)
{
    switch (sotto_status_cause(status)) {
    case SOTTO_CAUSE_NETWORK:
    case SOTTO_CAUSE_TIMEOUT:
    case SOTTO_CAUSE_BUSY:
        return true;
    default:
        return false;
    }
}

sotto_status sotto_night_until_done(const sotto_night_tries *tries, sotto_diag *diag)
{
    const sotto_clock *clock = &tries->clock;
    const int64_t begun_ms = clock->mono_ms(clock->ctx);
    for (uint32_t attempt = 0;; attempt++) {
        int64_t retry_after_s = 0, pause_s = 0;
        if (diag != NULL)
            *diag = (sotto_diag){0};
        sotto_status st = tries->run(tries->ctx, &retry_after_s, diag);
        if (!sotto_night_again(st))
            return st;
        (void)!sotto_night_pause(tries->device, tries->night, attempt, retry_after_s,
                                 &pause_s); /* a long one on failure */
        if (clock->mono_ms(clock->ctx) - begun_ms + pause_s * 1000 > tries->give_up_ms)
            return st;
        tries->wait(tries->ctx, attempt + 2, pause_s);
    }
}
