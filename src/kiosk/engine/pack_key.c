/*
 * The key that tag packs are sealed to, and what this terminal says of itself to head office. The key is
 * drawn here, lies in the encrypted store alone, and is erased when it has been replaced: packs of older days
 * can then be opened by nobody, whoever takes the terminal.
 */
#include "engine/pack.h"

#include <string.h>

#define KEY_NAME     "pack.key" /* one or two of: made_s, 8 bytes; private key, 32 bytes. Newest first */
#define HELD_NAME    "pack.held"
#define REFUSED_NAME "pack.refused"
#define SAID_NAME    "pack.said_s"
#define ENTRY_BYTES  (8 + SOTTO_HPKE_PRIVATE_BYTES)

typedef struct pack_keys {
    struct {
        int64_t made_s;
        uint8_t secret[SOTTO_HPKE_PRIVATE_BYTES];
    } key[2];
    size_t count;
} pack_keys;

static bool missing(sotto_status status)
{
    return sotto_status_cause(status) == SOTTO_CAUSE_NOT_FOUND;
}

static sotto_status get_number(kiosk_engine *e, const char *name, uint64_t *out, sotto_diag *diag)
{
    int64_t value = 0;
    sotto_status status = sotto_store_get_i64(e->store, name, &value, diag);
    *out = status == SOTTO_OK && value > 0 ? (uint64_t)value : 0;
    if (missing(status) && diag != NULL)
        *diag = (sotto_diag){0};
    return missing(status) ? SOTTO_OK : status;
}

static sotto_status load(kiosk_engine *e, pack_keys *keys, sotto_diag *diag)
{
    uint8_t bytes[2 * ENTRY_BYTES];
    sotto_buf buf = sotto_buf_of(bytes, sizeof bytes);
    memset(keys, 0, sizeof *keys);
    sotto_status status = sotto_store_get_blob(e->store, KEY_NAME, &buf, diag);
    if (missing(status)) {
        if (diag != NULL)
            *diag = (sotto_diag){0};
        return SOTTO_OK;
    }
    sotto_cursor c = sotto_cursor_of(sotto_buf_span(&buf));
    while (status == SOTTO_OK && sotto_cursor_left(&c) > 0) {
        keys->key[keys->count].made_s = sotto_cursor_i64(&c);
        sotto_span secret = sotto_cursor_bytes(&c, SOTTO_HPKE_PRIVATE_BYTES);
        if (c.status != SOTTO_OK)
            status = sotto_diag_set(diag, SOTTO_ERR(KIOSK, CORRUPT), "the store's pack key is damaged");
        else
            memcpy(keys->key[keys->count++].secret, secret.ptr, secret.len);
    }
    sotto_wipe(bytes, sizeof bytes);
    return status;
}

static sotto_status keep(kiosk_engine *e, const pack_keys *keys, sotto_diag *diag)
{
    uint8_t bytes[2 * ENTRY_BYTES];
    sotto_buf buf = sotto_buf_of(bytes, sizeof bytes);
    sotto_status status = SOTTO_OK;
    for (size_t i = 0; i < keys->count && status == SOTTO_OK; i++) {
        status = sotto_put_u64(&buf, (uint64_t)keys->key[i].made_s);
        if (status == SOTTO_OK)
            status = sotto_buf_put(&buf, keys->key[i].secret, SOTTO_HPKE_PRIVATE_BYTES);
    }
    if (status == SOTTO_OK)
        status = sotto_store_set_blob(e->store, KEY_NAME, sotto_buf_span(&buf), diag);
    sotto_wipe(bytes, sizeof bytes);
    return status;
}

/* Ends a transaction that `status` says has gone well or not. */
static sotto_status finish(kiosk_engine *e, sotto_status status, sotto_diag *diag)
{
    if (status == SOTTO_OK)
        status = sotto_store_commit(e->store, diag);
    if (status != SOTTO_OK)
        sotto_store_rollback(e->store);
    return status;
}

static sotto_status draw(kiosk_engine *e, pack_keys *keys, int64_t now_s, sotto_diag *diag)
{
    uint8_t ignored[SOTTO_HPKE_PUBLIC_BYTES];
    keys->key[1] = keys->key[0];
    keys->count = keys->count == 0 ? 1 : 2;
    keys->key[0].made_s = now_s;
    sotto_status status = sotto_hpke_keypair(&e->entropy, keys->key[0].secret, ignored);
    if (status != SOTTO_OK)
        return sotto_diag_set(diag, status, "no key for tag packs can be made");
    status = sotto_store_begin(e->store, diag);
    if (status != SOTTO_OK)
        return status;
    status = keep(e, keys, diag);
    if (status == SOTTO_OK)
        status = sotto_store_set_i64(e->store, SAID_NAME, now_s, diag);
    return finish(e, status, diag);
}

/* The present key, made when there is none and replaced when it is old. The one before stays until a pack for
 * the new one has come: one may be on its way. */
static sotto_status present(kiosk_engine *e, pack_keys *keys, sotto_diag *diag)
{
    int64_t now_s = 0;
    sotto_status status = kiosk_now(e, &now_s, diag);
    if (status == SOTTO_OK)
        status = load(e, keys, diag);
    if (status != SOTTO_OK)
        return status;
    /* Made by a clock that was wrong, it would not grow old for years. */
    const int64_t day_s = 86400, made_s = keys->key[0].made_s;
    bool old = keys->count > 0 && (made_s < now_s - KIOSK_PACK_KEY_DAYS * day_s || made_s > now_s + day_s);
    return keys->count == 0 || old ? draw(e, keys, now_s, diag) : SOTTO_OK;
}

static sotto_status fill(kiosk_engine *e, const pack_keys *keys, sotto_pack_state *state, sotto_diag *diag)
{
    uint64_t said_s = 0;
    sotto_status status = sotto_hpke_public_key(keys->key[0].secret, state->key);
    if (status == SOTTO_OK)
        status = get_number(e, HELD_NAME, &state->held, diag);
    if (status == SOTTO_OK)
        status = get_number(e, REFUSED_NAME, &state->refused, diag);
    if (status == SOTTO_OK)
        status = get_number(e, SAID_NAME, &said_s, diag);
    state->said_s = (int64_t)said_s;
    return status == SOTTO_OK ? sotto_pack_state_sign(state, e->vault, diag) : status;
}

sotto_status kiosk_pack_state(kiosk_engine *e, sotto_pack_state *state, sotto_diag *diag)
{
    pack_keys keys = {0};
    memset(state, 0, sizeof *state);
    sotto_status status = kiosk_device_get(e, state->device, diag);
    if (missing(status))
        return sotto_diag_set(diag, status, "this terminal is not enrolled: sotto enrol CODE");
    if (status == SOTTO_OK)
        status = present(e, &keys, diag);
    if (status == SOTTO_OK)
        status = fill(e, &keys, state, diag);
    sotto_wipe(&keys, sizeof keys);
    return status;
}

sotto_status kiosk_pack_restate(kiosk_engine *e, sotto_diag *diag)
{
    int64_t now_s = 0;
    sotto_status status = kiosk_now(e, &now_s, diag);
    return status == SOTTO_OK ? sotto_store_set_i64(e->store, SAID_NAME, now_s, diag) : status;
}

sotto_status kiosk_pack_held(kiosk_engine *e, uint64_t *seq, sotto_diag *diag)
{
    return get_number(e, HELD_NAME, seq, diag);
}

sotto_status kiosk_pack_secret(kiosk_engine *e, const sotto_pack_head *head,
                               uint8_t out[static SOTTO_HPKE_PRIVATE_BYTES], bool *newest, sotto_diag *diag)
{
    pack_keys keys;
    uint8_t public_key[SOTTO_HPKE_PUBLIC_BYTES], sha256[SOTTO_SHA256_BYTES];
    bool found = false;
    sotto_status status = load(e, &keys, diag);
    for (size_t i = 0; status == SOTTO_OK && i < keys.count && !found; i++) {
        status = sotto_hpke_public_key(keys.key[i].secret, public_key);
        if (status == SOTTO_OK)
            status = sotto_sha256(sotto_span_of(public_key, sizeof public_key), sha256);
        found = status == SOTTO_OK && memcmp(sha256, head->recipient_sha256, sizeof sha256) == 0;
        *newest = i == 0;
        if (found)
            memcpy(out, keys.key[i].secret, SOTTO_HPKE_PRIVATE_BYTES);
    }
    sotto_wipe(&keys, sizeof keys);
    if (status == SOTTO_OK && !found)
        status = sotto_diag_set(diag, SOTTO_ERR(KIOSK, AUTH),
                                "the pack is sealed to a key that this terminal does not have");
    return status;
}

/* Inside the transaction that applies the pack. */
sotto_status kiosk_pack_note(kiosk_engine *e, uint64_t seq, bool newest, int64_t now_s, sotto_diag *diag)
{
    pack_keys keys;
    sotto_status status = load(e, &keys, diag);
    if (status == SOTTO_OK && newest && keys.count == 2) {
        keys.count = 1;
        status = keep(e, &keys, diag);
    }
    sotto_wipe(&keys, sizeof keys);
    if (status == SOTTO_OK)
        status = sotto_store_set_i64(e->store, HELD_NAME, (int64_t)seq, diag);
    return status == SOTTO_OK ? sotto_store_set_i64(e->store, SAID_NAME, now_s, diag) : status;
}

sotto_status kiosk_pack_refuse(kiosk_engine *e, uint64_t seq, sotto_diag *diag)
{
    int64_t now_s = 0;
    sotto_status status = kiosk_now(e, &now_s, diag);
    if (status == SOTTO_OK)
        status = sotto_store_begin(e->store, diag);
    if (status != SOTTO_OK)
        return status;
    status = sotto_store_set_i64(e->store, REFUSED_NAME, (int64_t)seq, diag);
    if (status == SOTTO_OK)
        status = sotto_store_set_i64(e->store, SAID_NAME, now_s, diag);
    return finish(e, status, diag);
}
