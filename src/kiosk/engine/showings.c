/*
 * How many events caps hang on there ever were, in the store and in a file beside the key: an old copy of the
 * store that is put back knows of fewer (docs/formats/witness.md). Then nobody knows what a customer has
 * seen, and no offer is made until an operator accepts the copy.
 */
#include "engine/showings.h"

#include <stdio.h>
#include <string.h>

enum { TEXT_MAX = 160 };
#define COUNT_NAME    "witness.showings" /* in the store */
#define UNKNOWN_NAME  "witness.caps_unknown"
#define TIMES_NAME    "restore.times"
#define LAST_NAME     "restore.last_s"
#define SHOWINGS_NAME "restore.showings"

static sotto_status path_of(const kiosk_engine *e, char out[static KIOSK_PATH_MAX], sotto_diag *diag)
{
    char dir[KIOSK_PATH_MAX];
    sotto_status status = kiosk_path(e->config->vault_dir, KIOSK_WITNESS_DIR, dir, diag);
    return status == SOTTO_OK ? kiosk_path(dir, "showings", out, diag) : status;
}

static sotto_status write_text(const kiosk_engine *e, uint64_t count, char out[static TEXT_MAX])
{
    char mac[KIOSK_MAC_HEX] = "";
    int len = snprintf(out, TEXT_MAX, "sotto showings 1\ncount %llu\n", (unsigned long long)count);
    sotto_status status = kiosk_witness_mac(e, sotto_span_of(out, (size_t)len), mac);
    (void)snprintf(out + len, (size_t)(TEXT_MAX - len), "mac %s\n", mac);
    return status;
}

static sotto_status save(const kiosk_engine *e, uint64_t count, sotto_diag *diag)
{
    char path[KIOSK_PATH_MAX], text[TEXT_MAX];
    sotto_status status = path_of(e, path, diag);
    if (status == SOTTO_OK)
        status = write_text(e, count, text);
    return status == SOTTO_OK ? sotto_port_write_file(path, sotto_span_str(text), 0600, diag) : status;
}

/* Taken only when writing the number again gives the same bytes. NOT_FOUND: it is damaged, or made up. */
static sotto_status parse(const kiosk_engine *e, const char *text, uint64_t *count)
{
    char number[21] = "", again[TEXT_MAX];
    if (sscanf(text, "sotto showings 1\ncount %20s\n", number) != 1 ||
        sotto_parse_u64(sotto_span_str(number), count) != SOTTO_OK)
        return SOTTO_ERR(KIOSK, NOT_FOUND);
    sotto_status status = write_text(e, *count, again);
    if (status != SOTTO_OK)
        return status;
    bool same = strlen(text) == strlen(again) && sotto_equal_secret(text, again, strlen(again));
    return same ? SOTTO_OK : SOTTO_ERR(KIOSK, NOT_FOUND);
}

/* NOT_FOUND: there is none, or it is damaged. Other errors say nothing about it. */
static sotto_status load(const kiosk_engine *e, uint64_t *count)
{
    char path[KIOSK_PATH_MAX];
    sotto_vec text;
    *count = 0;
    sotto_vec_init(&text, TEXT_MAX);
    sotto_status status = path_of(e, path, NULL);
    if (status == SOTTO_OK)
        status = sotto_port_read_file(path, &text, NULL);
    if (status == SOTTO_OK)
        status = sotto_vec_put(&text, "", 1);
    if (status == SOTTO_OK)
        status = parse(e, (const char *)text.ptr, count);
    else if (sotto_status_cause(status) == SOTTO_CAUSE_RANGE) /* longer than any that is ours */
        status = SOTTO_ERR(KIOSK, NOT_FOUND);
    if (status != SOTTO_OK)
        *count = 0;
    sotto_vec_free(&text);
    return status;
}

static sotto_status number(kiosk_engine *e, const char *name, int64_t *out, sotto_diag *diag)
{
    sotto_status status = sotto_store_get_i64(e->store, name, out, NULL);
    if (sotto_status_cause(status) == SOTTO_CAUSE_NOT_FOUND) {
        *out = 0;
        return SOTTO_OK;
    }
    return status == SOTTO_OK ? status
                              : sotto_diag_set(diag, status, "%s cannot be read from the store", name);
}

static sotto_status add(kiosk_engine *e, const char *name, uint64_t more, sotto_diag *diag)
{
    int64_t have = 0;
    sotto_status status = number(e, name, &have, diag);
    if (status != SOTTO_OK)
        return status;
    have = sotto_add_sat_i64(have, more > INT64_MAX ? INT64_MAX : (int64_t)more);
    return sotto_store_set_i64(e->store, name, have, diag);
}

/* ---- noticing ---- */

/* That of the reports judges too: what it calls an old copy is one. */
static bool is_old(kiosk_engine *e, uint64_t known, bool has_file)
{
    sotto_status fits = sotto_tally_check(e->store, &e->witness, NULL);
    return (!has_file && known > 0) || e->showings_kept > known ||
           sotto_status_cause(fits) == SOTTO_CAUSE_CONFLICT;
}

/* Before the first showing: power that fails between it and its witness must not look like a lost one. */
static void begin(kiosk_engine *e)
{
    sotto_diag diag = {0};
    if (save(e, 0, &diag) != SOTTO_OK)
        sotto_log_event(&e->log, SOTTO_LOG_WARN, "witness.not_written", "reason=\"%s\"", diag.text);
}

static uint64_t missing(const kiosk_engine *e, int64_t known)
{
    return e->showings_kept > (uint64_t)known ? e->showings_kept - (uint64_t)known : 0;
}

/* Events go on being counted, and one day there will be as many as were lost: how many are missing is written
 * down now, plus one. */
static void note_old(kiosk_engine *e, int64_t known)
{
    int64_t gap = missing(e, known) < INT64_MAX ? (int64_t)missing(e, known) : INT64_MAX - 1;
    sotto_log_event(&e->log, SOTTO_LOG_ERROR, "store.restored", "witnessed=%llu known=%lld",
                    (unsigned long long)e->showings_kept, (long long)known);
    if (sotto_store_set_i64(e->store, UNKNOWN_NAME, gap + 1, NULL) != SOTTO_OK)
        sotto_log_event(&e->log, SOTTO_LOG_ERROR, "store.restored", "not_noted=1");
}

static void begin_witnesses(kiosk_engine *e, bool has_file)
{
    sotto_diag diag = {0};
    if (!has_file)
        begin(e);
    if (sotto_tally_begin(e->store, &e->witness, &diag) != SOTTO_OK)
        sotto_log_event(&e->log, SOTTO_LOG_WARN, "witness.not_written", "reason=\"%s\"", diag.text);
}

/* What cannot be read of store or witness lets no offer pass, as nobody can say that caps hold; but it is not
 * written down as an old copy. Only a person takes back what was once noticed. */
void kiosk_showings_open(kiosk_engine *e)
{
    int64_t known = 0, unknown = 0;
    sotto_status found = load(e, &e->showings_kept);
    bool has_file = found == SOTTO_OK;
    sotto_status status = sotto_status_cause(found) == SOTTO_CAUSE_NOT_FOUND ? SOTTO_OK : found;
    if (status == SOTTO_OK)
        status = number(e, COUNT_NAME, &known, NULL);
    if (status == SOTTO_OK)
        status = number(e, UNKNOWN_NAME, &unknown, NULL);
    if (status != SOTTO_OK) {
        e->caps_unknown = true;
        sotto_log_event(&e->log, SOTTO_LOG_ERROR, "witness.not_read", "status=%d", (int)status);
        return;
    }
    bool old = is_old(e, (uint64_t)known, has_file);
    if (old && unknown == 0)
        note_old(e, known);
    e->caps_unknown = e->caps_unknown || old || unknown != 0;
    if (!e->caps_unknown)
        begin_witnesses(e, has_file);
}

sotto_status kiosk_showings_note(kiosk_engine *e, sotto_diag *diag)
{
    return add(e, COUNT_NAME, 1, diag);
}

void kiosk_showings_keep(kiosk_engine *e)
{
    int64_t known = 0;
    sotto_diag diag = {0};
    if (e->caps_unknown)
        return; /* the file is the evidence */
    sotto_status status = number(e, COUNT_NAME, &known, &diag);
    if (status == SOTTO_OK && (uint64_t)known <= e->showings_kept)
        return;
    if (status == SOTTO_OK)
        status = save(e, (uint64_t)known, &diag);
    if (status == SOTTO_OK)
        e->showings_kept = (uint64_t)known;
    else
        sotto_log_event(&e->log, SOTTO_LOG_WARN, "witness.not_written", "reason=\"%s\"", diag.text);
}

/* ---- accepting ---- */

/* The count goes on from the higher one: the next old copy is measured by it. */
static sotto_status note_accepted(kiosk_engine *e, const kiosk_accepted *a, int64_t now_s, sotto_diag *diag)
{
    sotto_status status = add(e, COUNT_NAME, a->showings, diag);
    if (status == SOTTO_OK)
        status = sotto_store_set_i64(e->store, UNKNOWN_NAME, 0, diag);
    if (status == SOTTO_OK)
        status = add(e, TIMES_NAME, 1, diag);
    if (status == SOTTO_OK)
        status = sotto_store_set_i64(e->store, LAST_NAME, now_s, diag);
    return status == SOTTO_OK ? add(e, SHOWINGS_NAME, a->showings, diag) : status;
}

static sotto_status accept_caps(kiosk_engine *e, kiosk_accepted *a, int64_t now_s, sotto_diag *diag)
{
    int64_t known = 0, noted = 0;
    sotto_status status = number(e, COUNT_NAME, &known, diag);
    if (status == SOTTO_OK)
        status = number(e, UNKNOWN_NAME, &noted, diag);
    a->caps = true;
    a->showings = noted > 0 ? (uint64_t)noted - 1 : missing(e, known);
    if (status == SOTTO_OK)
        status = sotto_store_begin(e->store, diag);
    if (status != SOTTO_OK)
        return status;
    status = note_accepted(e, a, now_s, diag);
    if (status == SOTTO_OK)
        status = sotto_store_commit(e->store, diag);
    if (status != SOTTO_OK) {
        sotto_store_rollback(e->store);
        return status;
    }
    status = save(e, (uint64_t)known + a->showings, diag);
    e->showings_kept = (uint64_t)known + a->showings;
    e->caps_unknown = false;
    return status;
}

sotto_status kiosk_accept_restore(kiosk_engine *e, kiosk_accepted *out, sotto_diag *diag)
{
    int64_t now_s = 0;
    *out = (kiosk_accepted){.caps = false};
    if (e->release.version == 0)
        return sotto_diag_set(diag, SOTTO_ERR(KIOSK, NOT_FOUND),
                              "no release is in use: its tasks say what to charge");
    sotto_status status = kiosk_now(e, &now_s, diag);
    if (status == SOTTO_OK)
        status = sotto_tally_accept(e->store, &e->witness, &e->release.tasks, now_s, &out->reports, diag);
    if (status == SOTTO_OK && e->caps_unknown)
        status = accept_caps(e, out, now_s, diag);
    if (status == SOTTO_OK)
        sotto_log_event(&e->log, SOTTO_LOG_WARN, "restore.accepted", "lost=%llu periods=%llu showings=%llu",
                        (unsigned long long)out->reports.lost, (unsigned long long)out->reports.periods,
                        (unsigned long long)out->showings);
    return status;
}

sotto_status kiosk_restores_read(kiosk_engine *e, kiosk_restores *out, sotto_diag *diag)
{
    const struct {
        const char *name;
        int64_t *value;
    } parts[] = {{TIMES_NAME, &out->times},
                 {LAST_NAME, &out->last_s},
                 {SOTTO_TALLY_LOST_REPORTS, &out->reports},
                 {SHOWINGS_NAME, &out->showings}};
    sotto_status status = SOTTO_OK;
    *out = (kiosk_restores){0};
    for (size_t i = 0; i < SOTTO_COUNT(parts) && status == SOTTO_OK; i++)
        status = number(e, parts[i].name, parts[i].value, diag);
    return status;
}
