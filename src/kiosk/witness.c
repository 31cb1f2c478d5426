/*
 * The witness of the last report, in a folder of its own beside the key: an old copy of the store that is put
 * back does not bring it along. A text of five lines under a key of the vault (docs/formats/witness.md).
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
    int len = snprintf(out, WITNESS_MAX, "sotto witness 2\nreport %llu %s\nsha256 %s\ncost %llu %llu\n",
                       (unsigned long long)mark->seq, mark->intent ? "intent" : "done", hash,
                       (unsigned long long)mark->cost_ueps, (unsigned long long)mark->cost_rho_nano);
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

sotto_status kiosk_accept_restore(kiosk_engine *e, sotto_tally_accepted *out, sotto_diag *diag)
{
    int64_t now_s = 0;
    *out = (sotto_tally_accepted){0};
    if (e->release.version == 0)
        return sotto_diag_set(diag, SOTTO_ERR(KIOSK, NOT_FOUND),
                              "no release is in use: its tasks say what to charge");
    sotto_status status = kiosk_now(e, &now_s, diag);
    if (status == SOTTO_OK)
        status = sotto_tally_accept(e->store, &e->witness, &e->release.tasks, now_s, out, diag);
    if (status == SOTTO_OK)
        sotto_log_event(&e->log, SOTTO_LOG_WARN, "restore.accepted", "lost=%llu periods=%llu",
                        (unsigned long long)out->lost, (unsigned long long)out->periods);
    return status;
}

/* ---- audit accept-restore ---- */

static void show_accepted(const sotto_tally_accepted *a)
{
    char epsilon[32], rho[32];
    (void)sotto_fixed_format_decimal((int64_t)a->charged_ueps, 6, epsilon, sizeof epsilon);
    (void)sotto_fixed_format_decimal((int64_t)a->charged_rho_nano, 9, rho, sizeof rho);
    printf("Reports may go on. ");
    if (a->lost > 0)
        printf("%llu report%s left this terminal that the store does not know.\n",
               (unsigned long long)a->lost, a->lost == 1 ? "" : "s");
    else if (a->periods > 0)
        printf("Nobody can say what left after this copy was made: %llu period%s could have.\n",
               (unsigned long long)a->periods, a->periods == 1 ? "" : "s");
    else
        printf("No period is over that this store does not know.\n");
    if (a->charged_ueps > 0 || a->charged_rho_nano > 0)
        printf("Every customer is charged epsilon %s%s%s for it, and periods that are over are not told "
               "again.\n",
               epsilon, a->charged_rho_nano > 0 ? " and rho " : "", a->charged_rho_nano > 0 ? rho : "");
}

/* An operator's decision, made while serve is stopped: not the kiosk application's to ask for. */
int kiosk_cmd_accept_restore(const kiosk_config *config)
{
    kiosk_engine *e = NULL;
    sotto_diag diag = {0};
    sotto_tally_accepted accepted;
    sotto_status status = kiosk_engine_open(&e, config, &diag);
    if (status == SOTTO_OK)
        status = kiosk_accept_restore(e, &accepted, &diag);
    if (status == SOTTO_OK)
        show_accepted(&accepted);
    kiosk_engine_close(e);
    return status == SOTTO_OK ? 0 : kiosk_fail_status(status, &diag);
}
