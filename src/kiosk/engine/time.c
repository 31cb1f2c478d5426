/*
 * serve's time. Caps, periods and stamps need one that never goes back and that no wrong clock can carry
 * away.
 *
 * known:  the newest time that head office's authority signed for this terminal; durable.
 * proved: known plus the milliseconds that this terminal has counted since; durable each night. It can lag (a
 *         terminal that is off counts nothing), never lead.
 * floor:  the newest time that anything was stamped with; durable. Now is never before it.
 *
 * After a start the machine's clock is believed as far as AHEAD_MAX_S beyond what is proved, and from the
 * next signed time on no more. A terminal that head office never told the time (it has none, or it is not
 * enrolled yet) has only its clock; what it stamped until then does not bind the first signed time.
 */
#include "engine/engine.h"

#include <string.h>

#define FLOOR_NAME  "time.floor_s"
#define KNOWN_NAME  "time.known_s"
#define PROVED_NAME "time.proved_s"
/* How long a terminal may have been switched off since the last signed time and still be believed: six weeks.
 * So far, too, a wrong clock can carry it. */
#define AHEAD_MAX_S (INT64_C(45) * 86400)
#define BACK_S      INT64_C(3600)
#define ANSWER_MS   INT64_C(60000) /* a later answer would be an older time */

static int64_t mono_ms(const kiosk_engine *e)
{
    return e->clock.mono_ms(e->clock.ctx);
}

static int64_t proved_now(const kiosk_engine *e)
{
    return e->time.proved_s + (mono_ms(e) - e->time.proved_mono_ms) / 1000;
}

static sotto_status read_floor(kiosk_engine *e, int64_t *floor_s, sotto_diag *diag)
{
    *floor_s = 0;
    sotto_status status = sotto_store_get_i64(e->store, FLOOR_NAME, floor_s, NULL);
    if (status == SOTTO_OK || sotto_status_cause(status) == SOTTO_CAUSE_NOT_FOUND)
        return SOTTO_OK;
    return sotto_diag_set(diag, status, "the time of the last change cannot be read from the store");
}

static int64_t judge(const kiosk_engine *e, int64_t floor_s)
{
    int64_t now_s = e->clock.utc_s(e->clock.ctx);
    if (e->time.known_s != 0) {
        int64_t proved_s = proved_now(e);
        if (e->time.told || now_s < proved_s || now_s - proved_s > AHEAD_MAX_S)
            now_s = proved_s;
    }
    return now_s > floor_s ? now_s : floor_s;
}

sotto_status kiosk_now(kiosk_engine *e, int64_t *now_s, sotto_diag *diag)
{
    int64_t floor_s = 0;
    sotto_status status = read_floor(e, &floor_s, diag);
    *now_s = judge(e, floor_s);
    return status;
}

static sotto_status read_or_zero(kiosk_engine *e, const char *name, int64_t *value, sotto_diag *diag)
{
    sotto_status status = sotto_store_get_i64(e->store, name, value, NULL);
    if (sotto_status_cause(status) == SOTTO_CAUSE_NOT_FOUND) {
        *value = 0;
        return SOTTO_OK;
    }
    return status == SOTTO_OK ? status : sotto_diag_set(diag, status, "the store cannot say what time it is");
}

sotto_status kiosk_time_open(kiosk_engine *e, sotto_diag *diag)
{
    memset(&e->time, 0, sizeof e->time);
    sotto_vec_init(&e->time.authority, 65536);
    /* Without it no signed time can be taken; that is said when one comes. */
    if (e->config->authority[0] != '\0')
        (void)!sotto_port_read_file(e->config->authority, &e->time.authority, NULL);
    sotto_status status = read_or_zero(e, KNOWN_NAME, &e->time.known_s, diag);
    if (status == SOTTO_OK)
        status = read_or_zero(e, PROVED_NAME, &e->time.proved_s, diag);
    e->time.proved_mono_ms = mono_ms(e);
    return status;
}

static sotto_status write_times(kiosk_engine *e, int64_t known_s, int64_t proved_s, int64_t floor_s,
                                sotto_diag *diag)
{
    sotto_status status = sotto_store_begin(e->store, diag);
    if (status != SOTTO_OK)
        return status;
    status = sotto_store_set_i64(e->store, KNOWN_NAME, known_s, diag);
    if (status == SOTTO_OK)
        status = sotto_store_set_i64(e->store, PROVED_NAME, proved_s, diag);
    if (status == SOTTO_OK)
        status = sotto_store_set_i64(e->store, FLOOR_NAME, floor_s, diag);
    if (status == SOTTO_OK)
        return sotto_store_commit(e->store, diag);
    sotto_store_rollback(e->store);
    return status;
}

sotto_status kiosk_time_keep(kiosk_engine *e, sotto_diag *diag)
{
    int64_t now_s = 0;
    if (e->time.known_s == 0)
        return SOTTO_OK;
    sotto_status status = kiosk_now(e, &now_s, diag);
    return status == SOTTO_OK ? write_times(e, e->time.known_s, proved_now(e), now_s, diag) : status;
}

sotto_status kiosk_time_nonce(kiosk_engine *e, uint8_t nonce[static SOTTO_TIME_NONCE_BYTES], sotto_diag *diag)
{
    sotto_status status = e->entropy.fill(e->entropy.ctx, e->time.nonce, sizeof e->time.nonce);
    e->time.asked = status == SOTTO_OK;
    e->time.asked_mono_ms = mono_ms(e);
    memcpy(nonce, e->time.nonce, sizeof e->time.nonce);
    return status == SOTTO_OK ? status
                              : sotto_diag_set(diag, status, "no number for the question of the time");
}

/* The floor after the first signed time is that time, also when an unproved clock had run ahead of it. */
static sotto_status adopt(kiosk_engine *e, int64_t told_s, sotto_diag *diag)
{
    int64_t floor_s = 0;
    bool first = e->time.known_s == 0;
    sotto_status status = read_floor(e, &floor_s, diag);
    if (status != SOTTO_OK)
        return status;
    if (told_s < e->time.known_s)
        told_s = e->time.known_s;
    if (first && floor_s > told_s)
        sotto_log_event(&e->log, SOTTO_LOG_WARN, "time.set_back", "ahead_s=%lld",
                        (long long)(floor_s - told_s));
    if (first || floor_s < told_s)
        floor_s = told_s;
    status = write_times(e, told_s, told_s, floor_s, diag);
    if (status != SOTTO_OK)
        return status;
    e->time.known_s = e->time.proved_s = told_s;
    e->time.proved_mono_ms = mono_ms(e);
    e->time.told = true;
    return SOTTO_OK;
}

sotto_status kiosk_time_take(kiosk_engine *e, const sotto_time_word *word, sotto_diag *diag)
{
    bool asked = e->time.asked, late = mono_ms(e) - e->time.asked_mono_ms > ANSWER_MS;
    int64_t told_s = word->utc_s + e->config->clock_offset_s;
    e->time.asked = false; /* one answer to one question */
    if (!asked)
        return sotto_diag_set(diag, SOTTO_ERR(KIOSK, CONFLICT), "nobody asked for the time");
    if (late)
        return sotto_diag_set(diag, SOTTO_ERR(KIOSK, TIMEOUT), "the answer took more than a minute");
    if (e->time.authority.len == 0)
        return sotto_diag_set(diag, SOTTO_ERR(KIOSK, UNSUPPORTED),
                              "serve cannot read head office's authority, so it cannot check the time");
    sotto_status status = sotto_time_check(word, e->time.nonce, sotto_vec_span(&e->time.authority), diag);
    if (status == SOTTO_OK && told_s < e->time.known_s - BACK_S)
        status = sotto_diag_set(diag, SOTTO_ERR(KIOSK, ROLLBACK),
                                "head office tells a time before one that it told earlier");
    return status == SOTTO_OK ? adopt(e, told_s, diag) : status;
}
