/* What a terminal says of itself: its next certificate, its continuation token, reports that will not come.
 */
#include "registry/sql.h"

#include <stdio.h>
#include <string.h>

#define DAY_S INT64_C(86400)

/* ---- renewal ---- */

static sotto_status retire_others(hq_registry *registry, const hq_renewal *r, sotto_diag *diag)
{
    sql s = sql_begin(registry,
                      "UPDATE certificate SET replaced_s = ?1 WHERE device = ?2 AND replaced_s = 0 AND "
                      "sha256 IS DISTINCT FROM ?3",
                      diag);
    sql_i64(&s, r->now_s);
    sql_text(&s, r->device);
    sql_blob(&s, r->used, SOTTO_SHA256_BYTES);
    return sql_run(&s);
}

/* What was issued later than now, by a clock that has been put back since, is not counted. */
sotto_status hq_registry_renewal_wait(hq_registry *registry, const char *device, int64_t now_s,
                                      int64_t *wait_s, sotto_diag *diag)
{
    sql s = sql_begin(registry,
                      "SELECT count(*), coalesce(max(issued_s), 0) FROM certificate"
                      " WHERE device = ?1 AND issued_s > ?2 AND issued_s <= ?3",
                      diag);
    *wait_s = 0;
    sql_text(&s, device);
    sql_i64(&s, now_s - DAY_S);
    sql_i64(&s, now_s);
    if (sql_row(&s) && sql_get_i64(&s, 0) >= HQ_RENEW_BURST) {
        int64_t left_s = sql_get_i64(&s, 1) + HQ_RENEW_EVERY_S - now_s;
        *wait_s = left_s > 0 ? left_s : 0;
    }
    return sql_end(&s);
}

static sotto_status judge_rate(hq_registry *registry, const hq_renewal *r, sotto_diag *diag)
{
    int64_t wait_s = 0;
    sotto_status status = hq_registry_renewal_wait(registry, r->device, r->now_s, &wait_s, diag);
    if (r->wait_s != NULL)
        *r->wait_s = wait_s;
    return status == SOTTO_OK && wait_s > 0
               ? sotto_diag_set(diag, SOTTO_ERR(HQ, BUSY), "this device renews its certificate too often")
               : status;
}

static sotto_status put_renewed(hq_registry *registry, const hq_renewal *r, sotto_diag *diag)
{
    sql s = sql_begin(registry,
                      "INSERT INTO certificate(sha256, device, issued_s, not_after_s, replaced_s)"
                      " VALUES(?1, ?2, ?3, ?4, ?5)",
                      diag);
    sql_blob(&s, r->fresh, SOTTO_SHA256_BYTES);
    sql_text(&s, r->device);
    sql_i64(&s, r->now_s);
    sql_i64(&s, r->not_after_s);
    sql_i64(&s, r->unheard ? r->now_s : 0);
    return sql_run(&s);
}

/* What was true when the certificate was recognised may be over: a code, a revocation or a quarantine came in
 * between. Here the device is locked, and it is looked at again. */
static sotto_status renew(hq_registry *registry, const hq_renewal *r, sotto_diag *diag)
{
    hq_device device;
    sotto_status status = hq_registry_recognise(registry, r->device, r->used, &device, diag);
    if (status == SOTTO_OK && !r->unheard)
        status = judge_rate(registry, r, diag);
    if (status == SOTTO_OK && !r->unheard)
        status = retire_others(registry, r, diag);
    return status == SOTTO_OK ? put_renewed(registry, r, diag) : status;
}

sotto_status hq_registry_renew(hq_registry *registry, const hq_renewal *renewal, sotto_diag *diag)
{
    sotto_status status = sql_transaction_of(registry, renewal->device, diag);
    return status == SOTTO_OK ? sql_close(registry, renew(registry, renewal, diag), diag) : status;
}

/* ---- the continuation token ---- */

/* Pairs of a terminal that ended while a bad line still held its words can arrive after newer ones. */
enum { PAIRS_KNOWN = 8 };

typedef struct session {
    bool found;
    char token[65];
    char before[PAIRS_KNOWN * 65]; /* those shown before it, newest first, a space between them */
    int64_t quarantined_s;
} session;

static sotto_status read_session(hq_registry *registry, const char *device, session *out, sotto_diag *diag)
{
    *out = (session){0};
    sql s = sql_begin(registry, "SELECT token, before, quarantined_s FROM session WHERE device = ?1", diag);
    sql_text(&s, device);
    if ((out->found = sql_row(&s))) {
        sql_get_text(&s, 0, out->token, sizeof out->token);
        sql_get_text(&s, 1, out->before, sizeof out->before);
        out->quarantined_s = sql_get_i64(&s, 2);
    }
    return sql_end(&s);
}

static sotto_status write_session(hq_registry *registry, const char *device, const session *x, int64_t now_s,
                                  sotto_diag *diag)
{
    sql s = sql_begin(registry,
                      "INSERT INTO session(device, token, before, shown_s, quarantined_s)"
                      " VALUES(?1, ?2, ?3, ?4, ?5) ON CONFLICT (device) DO UPDATE SET"
                      " token = ?2, before = ?3, shown_s = ?4, quarantined_s = ?5",
                      diag);
    sql_text(&s, device);
    sql_text(&s, x->token);
    sql_text(&s, x->before);
    sql_i64(&s, now_s);
    sql_i64(&s, x->quarantined_s);
    return sql_run(&s);
}

static bool word_is(const char *word, size_t len, const char *token)
{
    return strlen(token) == len && memcmp(word, token, len) == 0;
}

/* Whether this pair was taken already. *newest: as the last one. A copy of a disk that still has such a pair
 * to say learns nothing by it, and is noticed by the next one. */
static bool was_said(const session *x, const char *have, const char *next, bool *newest)
{
    const char *newer = x->token, *older = x->before;
    size_t newer_len = strlen(newer);
    for (*newest = true; x->found && newer_len > 0; *newest = false) {
        size_t older_len = strcspn(older, " ");
        if (word_is(newer, newer_len, next) && word_is(older, older_len, have))
            return true;
        newer = older;
        newer_len = older_len;
        older += older_len + (older[older_len] == ' ');
    }
    return false;
}

/* next becomes the token, the token the newest of those before; the oldest is forgotten. */
static void take_pair(session *x, const char *have, const char *next)
{
    char before[sizeof x->before + sizeof x->token + 1];
    size_t words = 0, len = 0;
    (void)snprintf(before, sizeof before, "%s%s%s", have, x->before[0] != '\0' ? " " : "", x->before);
    while (before[len] != '\0' && words < PAIRS_KNOWN)
        words += before[++len] == ' ';
    (void)snprintf(x->before, sizeof x->before, "%.*s", (int)len, before);
    (void)snprintf(x->token, sizeof x->token, "%s", next);
}

static sotto_status show(hq_registry *registry, const char *device, const char *have, const char *next,
                         int64_t now_s, bool *clone, sotto_diag *diag)
{
    session x;
    sotto_status status = read_session(registry, device, &x, diag);
    if (status == SOTTO_OK && x.quarantined_s != 0)
        status = sotto_diag_set(diag, SOTTO_ERR(HQ, DENIED), HQ_QUARANTINED);
    if (status != SOTTO_OK)
        return status;
    bool newest, said = was_said(&x, have, next, &newest);
    if (said && !newest)
        return SOTTO_OK;
    *clone = x.token[0] != '\0' && !said && strcmp(x.token, have) != 0;
    if (*clone)
        x.quarantined_s = now_s;
    else if (!said)
        take_pair(&x, have, next);
    status = write_session(registry, device, &x, now_s, diag);
    return status == SOTTO_OK && *clone
               ? hq_registry_alarm_raise(registry, device, HQ_ALARM_CLONE, now_s, diag)
               : status;
}

sotto_status hq_registry_session(hq_registry *registry, const char *device, const char *have,
                                 const char *next, int64_t now_s, hq_shown *out, sotto_diag *diag)
{
    hq_health health = {0};
    *out = (hq_shown){0};
    sotto_status status = sql_transaction_of(registry, device, diag);
    if (status != SOTTO_OK)
        return status;
    status = show(registry, device, have, next, now_s, &out->clone, diag);
    if (status == SOTTO_OK)
        status = hq_registry_health(registry, device, &health, diag);
    out->has_health = health.told_s != 0;
    return sql_close(registry, status, diag);
}

sotto_status hq_registry_alarm_clear(hq_registry *registry, const char *device, enum hq_alarm alarm,
                                     sotto_diag *diag)
{
    sql s = sql_begin(registry, "DELETE FROM alarm WHERE device = ?1 AND kind = ?2", diag);
    sql_text(&s, device);
    sql_text(&s, hq_alarm_name(alarm));
    return sql_run(&s);
}

static sotto_status end_quarantine(hq_registry *registry, const char *device, sotto_diag *diag)
{
    session x;
    sotto_status status = read_session(registry, device, &x, diag);
    if (status == SOTTO_OK && x.quarantined_s == 0)
        status = sotto_diag_set(diag, SOTTO_ERR(HQ, NOT_FOUND), "'%.64s' is not quarantined", device);
    if (status != SOTTO_OK)
        return status;
    status = sql_forget_session(registry, device, diag);
    if (status != SOTTO_OK)
        return status;
    return hq_registry_alarm_clear(registry, device, HQ_ALARM_CLONE, diag);
}

sotto_status hq_registry_release_quarantine(hq_registry *registry, const char *device, sotto_diag *diag)
{
    sotto_status status = sql_transaction_of(registry, device, diag);
    return status == SOTTO_OK ? sql_close(registry, end_quarantine(registry, device, diag), diag) : status;
}

sotto_status hq_registry_forget_sessions(hq_registry *registry, uint64_t *count, sotto_diag *diag)
{
    int64_t gone = 0;
    *count = 0;
    sotto_status status = sql_transaction(registry, diag);
    if (status != SOTTO_OK)
        return status;
    sql s = sql_begin(registry, "DELETE FROM session WHERE quarantined_s = 0", diag);
    status = sql_run_changes(&s, &gone);
    if (status == SOTTO_OK)
        status = sql_exec(registry, "DELETE FROM health", diag);
    status = sql_close(registry, status, diag);
    *count = status == SOTTO_OK ? (uint64_t)gone : 0;
    return status;
}

/* ---- reports that will not come ---- */

static sotto_status put_absent(hq_registry *registry, const hq_absence *a, bool *repeated, sotto_diag *diag)
{
    sql s = sql_begin(registry,
                      "INSERT INTO absent(device, chain, seq, sha256, reason, told_s)"
                      " VALUES(?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT DO NOTHING",
                      diag);
    sql_text(&s, a->device);
    sql_i64(&s, a->chain);
    sql_i64(&s, (int64_t)a->seq);
    sql_blob(&s, a->sha256, sizeof a->sha256);
    sql_text(&s, a->reason);
    sql_i64(&s, a->now_s);
    int64_t put;
    sotto_status status = sql_run_changes(&s, &put);
    *repeated = status == SOTTO_OK && put == 0;
    if (status != SOTTO_OK || *repeated)
        return status;
    return hq_registry_alarm_raise(registry, a->device, HQ_ALARM_SET_ASIDE, a->now_s, diag);
}

sotto_status hq_registry_absent(hq_registry *registry, const hq_absence *absence, bool *repeated,
                                sotto_diag *diag)
{
    *repeated = false;
    sotto_status status = sql_transaction(registry, diag);
    return status == SOTTO_OK ? sql_close(registry, put_absent(registry, absence, repeated, diag), diag)
                              : status;
}
