/*
 * The witness of the last report, in a folder of its own beside the key: an old copy of the store that is put
 * back does not bring it along. A text of five lines under a key of the vault (docs/formats/witness.md). What
 * it says of showings stands in showings.c.
 */
#include "engine/showings.h"

#include <stdio.h>
#include <string.h>

enum { WITNESS_MAX = 512, HEX_MAX = KIOSK_MAC_HEX };

static sotto_status path_of(const kiosk_engine *e, char out[static KIOSK_PATH_MAX], sotto_diag *diag)
{
    char dir[KIOSK_PATH_MAX];
    sotto_status status = kiosk_path(e->config->vault_dir, KIOSK_WITNESS_DIR, dir, diag);
    return status == SOTTO_OK ? kiosk_path(dir, "last-report", out, diag) : status;
}

sotto_status kiosk_witness_mac(const kiosk_engine *e, sotto_span text, char hex[static KIOSK_MAC_HEX])
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
    int len = snprintf(out, WITNESS_MAX, "sotto witness 2\nreport %llu %s\nsha256 %s\ncost %llu %llu\n",
                       (unsigned long long)mark->seq, mark->intent ? "intent" : "done", hash,
                       (unsigned long long)mark->cost_ueps, (unsigned long long)mark->cost_rho_nano);
    sotto_status status = kiosk_witness_mac(e, sotto_span_of(out, (size_t)len), mac);
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
    char number[3][21] = {"", "", ""}, state[8] = "", hash[HEX_MAX] = "", again[WITNESS_MAX];
    if (sscanf(text, "sotto witness 2\nreport %20s %7s\nsha256 %64s\ncost %20s %20s\n", number[0], state,
               hash, number[1], number[2]) != 5 ||
        sotto_parse_u64(sotto_span_str(number[0]), &out->seq) != SOTTO_OK ||
        sotto_parse_u64(sotto_span_str(number[1]), &out->cost_ueps) != SOTTO_OK ||
        sotto_parse_u64(sotto_span_str(number[2]), &out->cost_rho_nano) != SOTTO_OK ||
        sotto_hex_decode(sotto_span_str(hash), out->sha256, sizeof out->sha256) != SOTTO_OK)
        return false;
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
