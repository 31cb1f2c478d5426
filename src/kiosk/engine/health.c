/*
 * Which release may be used. A release is tried before people meet it: its files fit together, its memory is
 * within bounds, its self-test comes out the same. One that does not pass is remembered with the reason,
 * never tried again by this version of the program, and the one that was in use before it stays, or comes
 * back.
 *
 * Before a release is tried that this program never tried, the store says so, and afterwards that it is over:
 * whoever finds the mark of TRIES_MAX tries knows that serve did not survive them. Three, because a power cut
 * in that moment leaves a mark as well.
 */
#include "engine/health.h"

#include <string.h>

#define HEALTH_NAME    "release.health"
#define HEALTH_VERSION 1
#define HEALTH_MAX     128
#define TRIES_MAX      3

static const struct {
    const char *code, *text;
} UNWELL[] = {
#define X(name, code, text) {code, text},
    KIOSK_UNWELL(X)
#undef X
};

const char *kiosk_unwell_code(enum kiosk_unwell why)
{
    return UNWELL[why].code;
}

const char *kiosk_unwell_text(enum kiosk_unwell why)
{
    return UNWELL[why].text;
}

/* ---- in the store ---- */

static void read_program(sotto_cursor *c, char out[static KIOSK_PROGRAM_MAX])
{
    sotto_span text = sotto_cursor_bytes(c, sotto_cursor_u8(c));
    if (c->status != SOTTO_OK || sotto_span_to_str(text, out, KIOSK_PROGRAM_MAX) != SOTTO_OK)
        out[0] = '\0';
}

/* What is not understood is as if nothing were known: every release is then tried again. */
sotto_status kiosk_health_read(sotto_store *store, kiosk_health *out, sotto_diag *diag)
{
    uint8_t bytes[HEALTH_MAX];
    sotto_buf buf = sotto_buf_of(bytes, sizeof bytes);
    *out = (kiosk_health){0};
    sotto_status status = sotto_store_get_blob(store, HEALTH_NAME, &buf, NULL);
    if (sotto_status_cause(status) == SOTTO_CAUSE_NOT_FOUND)
        return SOTTO_OK;
    if (status != SOTTO_OK)
        return sotto_diag_set(diag, status, "what is known of releases cannot be read from the store");
    sotto_cursor c = sotto_cursor_of(sotto_buf_span(&buf));
    uint8_t version = sotto_cursor_u8(&c);
    out->trying = sotto_cursor_u64(&c);
    out->tries = sotto_cursor_u8(&c);
    out->good = sotto_cursor_u64(&c);
    out->failed = sotto_cursor_u64(&c);
    uint8_t why = sotto_cursor_u8(&c);
    out->why = why < KIOSK_UNWELL_COUNT ? (enum kiosk_unwell)why : KIOSK_UNWELL_LOAD;
    read_program(&c, out->failed_by);
    read_program(&c, out->passed_by);
    if (version != HEALTH_VERSION || sotto_cursor_end(&c) != SOTTO_OK)
        *out = (kiosk_health){0};
    return SOTTO_OK;
}

static sotto_status put_program(sotto_buf *out, const char *text)
{
    sotto_status status = sotto_put_u8(out, (uint8_t)strlen(text));
    return status == SOTTO_OK ? sotto_buf_put(out, text, strlen(text)) : status;
}

sotto_status kiosk_health_write(sotto_store *store, const kiosk_health *health, sotto_diag *diag)
{
    uint8_t bytes[HEALTH_MAX];
    sotto_buf out = sotto_buf_of(bytes, sizeof bytes);
    sotto_status status = sotto_put_u8(&out, HEALTH_VERSION);
    if (status == SOTTO_OK)
        status = sotto_put_u64(&out, health->trying);
    if (status == SOTTO_OK)
        status = sotto_put_u8(&out, health->tries);
    if (status == SOTTO_OK)
        status = sotto_put_u64(&out, health->good);
    if (status == SOTTO_OK)
        status = sotto_put_u64(&out, health->failed);
    if (status == SOTTO_OK)
        status = sotto_put_u8(&out, (uint8_t)health->why);
    if (status == SOTTO_OK)
        status = put_program(&out, health->failed_by);
    if (status == SOTTO_OK)
        status = put_program(&out, health->passed_by);
    return status == SOTTO_OK ? sotto_store_set_blob(store, HEALTH_NAME, sotto_buf_span(&out), diag) : status;
}

/* ---- judging ---- */

static void name_program(char out[static KIOSK_PROGRAM_MAX])
{
    _Static_assert(sizeof SOTTO_VERSION <= KIOSK_PROGRAM_MAX, "the program's version has room");
    memcpy(out, SOTTO_VERSION, sizeof SOTTO_VERSION);
}

bool kiosk_health_failed(const kiosk_health *health, uint64_t version)
{
    return health->failed == version && strcmp(health->failed_by, SOTTO_VERSION) == 0;
}

sotto_status kiosk_health_try(sotto_store *store, kiosk_health *health, uint64_t version, sotto_diag *diag)
{
    if (health->trying != version)
        health->tries = 0;
    health->trying = version;
    if (health->tries >= TRIES_MAX)
        return kiosk_health_fail(store, health, version, KIOSK_UNWELL_CRASH, diag);
    health->tries++;
    return kiosk_health_write(store, health, diag);
}

sotto_status kiosk_health_fail(sotto_store *store, kiosk_health *health, uint64_t version,
                               enum kiosk_unwell why, sotto_diag *diag)
{
    health->trying = 0;
    health->tries = 0;
    health->failed = version;
    health->why = why;
    name_program(health->failed_by);
    return kiosk_health_write(store, health, diag);
}

sotto_status kiosk_health_pass(sotto_store *store, kiosk_health *health, uint64_t version, sotto_diag *diag)
{
    health->trying = 0;
    health->tries = 0;
    if (health->failed <= version)
        health->failed = 0, health->why = KIOSK_UNWELL_NONE;
    name_program(health->passed_by);
    return kiosk_health_write(store, health, diag);
}

sotto_status kiosk_health_leave(sotto_store *store, kiosk_health *health, sotto_diag *diag)
{
    if (health->trying == 0)
        return SOTTO_OK;
    health->trying = 0;
    health->tries = 0;
    return kiosk_health_write(store, health, diag);
}
