/*
 * The witness of the last report, in a folder of its own beside the key: an old copy of the store that is put
 * back does not bring it along. A text of four lines under a key of the vault (docs/formats/witness.md).
 */
#include "kiosk_priv.h"

#include <stdio.h>
#include <string.h>

enum { WITNESS_MAX = 512, HEX_MAX = 2 * SOTTO_SHA256_BYTES + 1 };

static sotto_status path_of(const kiosk_engine *e, char out[static KIOSK_PATH_MAX], sotto_diag *diag)
{
    char dir[KIOSK_PATH_MAX];
    sotto_status status = kiosk_path(e->config->vault_dir, KIOSK_WITNESS_DIR, dir, diag);
    return status == SOTTO_OK ? kiosk_path(dir, "last-report", out, diag) : status;
}

static sotto_status mac_of(const kiosk_engine *e, sotto_span text, char hex[static HEX_MAX])
{
    uint8_t key[SOTTO_KEY_BYTES], mac[SOTTO_SHA256_BYTES];
    sotto_status status = sotto_vault_derive(e->vault, "witness", key, sizeof key);
    if (status == SOTTO_OK)
        status = sotto_hmac_sha256(sotto_span_of(key, sizeof key), text, mac);
    sotto_wipe(key, sizeof key);
    if (status == SOTTO_OK)
        sotto_hex_encode(sotto_span_of(mac, sizeof mac), hex, HEX_MAX);
    return status;
}

static sotto_status write_text(const kiosk_engine *e, const sotto_tally_mark *mark,
                               char out[static WITNESS_MAX])
{
    char hash[HEX_MAX], mac[HEX_MAX] = "";
    sotto_hex_encode(sotto_span_of(mark->sha256, sizeof mark->sha256), hash, sizeof hash);
    int len = snprintf(out, WITNESS_MAX, "sotto witness 1\nreport %llu %s\nsha256 %s\n",
                       (unsigned long long)mark->seq, mark->intent ? "intent" : "done", hash);
    sotto_status status = mac_of(e, sotto_span_of(out, (size_t)len), mac);
    (void)snprintf(out + len, (size_t)(WITNESS_MAX - len), "mac %s\n", mac);
    return status;
}

static sotto_status save(void *ctx, const sotto_tally_mark *mark, sotto_diag *diag)
{
    char path[KIOSK_PATH_MAX], text[WITNESS_MAX];
    sotto_status status = path_of(ctx, path, diag);
    if (status == SOTTO_OK)
        status = write_text(ctx, mark, text);
    return status == SOTTO_OK ? sotto_port_write_file(path, sotto_span_str(text), 0600, diag) : status;
}

/* Reads the numbers, and takes them only when writing them again gives the same bytes. */
static bool parse(const kiosk_engine *e, const char *text, sotto_tally_mark *out)
{
    uint64_t seq = 0;
    char number[20] = "", state[8] = "", hash[HEX_MAX] = "", again[WITNESS_MAX];
    if (sscanf(text, "sotto witness 1\nreport %19s %7s\nsha256 %64s\n", number, state, hash) != 3 ||
        sotto_parse_u64(sotto_span_str(number), &seq) != SOTTO_OK ||
        sotto_hex_decode(sotto_span_str(hash), out->sha256, sizeof out->sha256) != SOTTO_OK)
        return false;
    out->seq = seq;
    out->intent = strcmp(state, "intent") == 0;
    if (write_text(e, out, again) != SOTTO_OK || strlen(text) != strlen(again))
        return false;
    return sotto_equal_secret(text, again, strlen(again)); /* a MAC is in it */
}

static sotto_status load(void *ctx, sotto_tally_mark *out, sotto_diag *diag)
{
    char path[KIOSK_PATH_MAX];
    sotto_vec text;
    *out = (sotto_tally_mark){0};
    sotto_vec_init(&text, WITNESS_MAX);
    sotto_status status = path_of(ctx, path, diag);
    if (status == SOTTO_OK)
        status = sotto_port_read_file(path, &text, diag);
    if (status == SOTTO_OK)
        status = sotto_vec_put(&text, "", 1);
    if (status == SOTTO_OK && !parse(ctx, (const char *)text.ptr, out)) {
        *out = (sotto_tally_mark){0};
        status = sotto_diag_at(diag, SOTTO_ERR(KIOSK, NOT_FOUND), path, 0, "the witness is damaged");
    }
    sotto_vec_free(&text);
    return status;
}

sotto_status kiosk_witness_open(kiosk_engine *e, sotto_diag *diag)
{
    char dir[KIOSK_PATH_MAX];
    e->witness = (sotto_tally_witness){.ctx = e, .load = load, .save = save};
    sotto_status status = kiosk_path(e->config->vault_dir, KIOSK_WITNESS_DIR, dir, diag);
    return status == SOTTO_OK ? sotto_port_make_dir(dir, 0700, diag) : status;
}

sotto_status kiosk_accept_restore(kiosk_engine *e, uint64_t *lost, sotto_diag *diag)
{
    int64_t now_s = 0;
    *lost = 0;
    if (e->release.version == 0)
        return sotto_diag_set(diag, SOTTO_ERR(KIOSK, NOT_FOUND),
                              "no release is in use: its tasks say what to charge");
    sotto_status status = kiosk_now(e, &now_s, diag);
    if (status == SOTTO_OK)
        status = sotto_tally_accept(e->store, &e->witness, &e->release.tasks, now_s, lost, diag);
    if (status == SOTTO_OK)
        sotto_log_event(&e->log, SOTTO_LOG_WARN, "restore.accepted", "lost=%llu", (unsigned long long)*lost);
    return status;
}
