/* Devices, their certificates and their one-time codes. */
#include "registry/sql.h"

#include <string.h>

const char *hq_device_state_name(enum hq_device_state state)
{
    switch (state) {
#define X(name, number, text)                                                                                \
    case HQ_DEVICE_##name:                                                                                   \
        return text;
        HQ_DEVICE_STATES(X)
#undef X
    }
    return "?";
}

bool hq_device_id_valid(const char *id)
{
    static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-";
    size_t len = strlen(id);
    return len > 0 && len < HQ_DEVICE_ID_MAX && strspn(id, allowed) == len && id[0] != '.' && id[0] != '-';
}

#define IDENTITY_COLUMNS                                                                                     \
    "id, state, invited_s, enrolled_s, revoked_s, report_key, chain,"                                        \
    " (SELECT coalesce(max(not_after_s), 0) FROM certificate c WHERE c.device = d.id AND replaced_s = 0),"   \
    " (SELECT coalesce(max(quarantined_s), 0) FROM session x WHERE x.device = d.id)"
/* For every request: what does not grow with the number of reports; and whether certificate ?2 serves. */
#define SELECT_CALLER                                                                                        \
    "SELECT " IDENTITY_COLUMNS ", (SELECT count(*) FROM certificate c WHERE c.sha256 = ?2 AND"               \
    " c.device = d.id AND c.replaced_s = 0) FROM device d WHERE id = ?1"
#define CALLER_CERTIFICATE 9 /* column */
#define OF_ITS_CHAIN       "FROM report r WHERE r.device = d.id AND r.chain = d.chain"
#define ABSENT_OF_IT       "FROM absent a WHERE a.device = d.id AND a.chain = d.chain"
#define REPORT_COLUMNS                                                                                       \
    "(SELECT count(*) " OF_ITS_CHAIN "), (SELECT coalesce(max(seq), 0) " OF_ITS_CHAIN "),"                   \
    " (SELECT coalesce(max(received_s), 0) " OF_ITS_CHAIN "),"                                               \
    " (SELECT release " OF_ITS_CHAIN " ORDER BY seq DESC LIMIT 1),"                                          \
    " (SELECT count(*) " ABSENT_OF_IT " AND NOT EXISTS(SELECT 1 " OF_ITS_CHAIN " AND r.seq = a.seq)),"       \
    " (SELECT coalesce(max(seq), 0) " ABSENT_OF_IT "),"                                                      \
    " (SELECT coalesce(max(issued_s), 0) FROM certificate c WHERE c.device = d.id AND replaced_s = 0),"      \
    " (SELECT coalesce(max(shown_s), 0) FROM session x WHERE x.device = d.id)"
#define SELECT_DEVICE "SELECT " IDENTITY_COLUMNS ", " REPORT_COLUMNS " FROM device d"

static void read_identity(sql *s, hq_device *out)
{
    *out = (hq_device){.state = (enum hq_device_state)sql_get_i64(s, 1),
                       .invited_s = sql_get_i64(s, 2),
                       .enrolled_s = sql_get_i64(s, 3),
                       .revoked_s = sql_get_i64(s, 4),
                       .chain = (uint32_t)sql_get_i64(s, 6),
                       .certificate_until_s = sql_get_i64(s, 7),
                       .quarantined_s = sql_get_i64(s, 8)};
    sql_get_text(s, 0, out->id, sizeof out->id);
    if (out->enrolled_s != 0)
        sql_get_bytes(s, 5, out->report_key, sizeof out->report_key);
}

static void read_device(sql *s, hq_device *out)
{
    int64_t held = sql_get_i64(s, 10), told_absent = sql_get_i64(s, 14);
    read_identity(s, out);
    out->reports = (uint64_t)sql_get_i64(s, 9);
    out->last_seq = (uint64_t)(held > told_absent ? held : told_absent);
    out->last_report = sql_get_i64(s, 11);
    out->release = (uint64_t)sql_get_i64(s, 12);
    out->absent = (uint64_t)sql_get_i64(s, 13);
    out->certificate_from_s = sql_get_i64(s, 15);
    out->contact_s = sql_get_i64(s, 16);
}

sotto_status hq_registry_device(hq_registry *registry, const char *id, hq_device *out, sotto_diag *diag)
{
    *out = (hq_device){0};
    sql s = sql_begin(registry, SELECT_DEVICE " WHERE id = ?1", diag);
    sql_text(&s, id);
    bool found = sql_row(&s);
    if (found)
        read_device(&s, out);
    sotto_status status = sql_end(&s);
    if (status == SOTTO_OK && !found)
        status = sotto_diag_set(diag, SOTTO_ERR(HQ, NOT_FOUND), "no device '%.64s' is registered", id);
    return status;
}

sotto_status hq_registry_devices(hq_registry *registry, hq_device_visit visit, void *ctx, sotto_diag *diag)
{
    hq_device device;
    sotto_status visited = SOTTO_OK;
    sql s = sql_begin_walk(registry, SELECT_DEVICE " ORDER BY id", diag);
    while (visited == SOTTO_OK && sql_row(&s)) {
        read_device(&s, &device);
        if (s.status == SOTTO_OK)
            visited = visit(ctx, &device);
    }
    sotto_status status = sql_end(&s);
    return status != SOTTO_OK ? status : visited;
}

/* ---- one-time codes ---- */

static sotto_status put_code(hq_registry *registry, const char *device, const uint8_t *hash, int64_t now_s,
                             int64_t expires_s, sotto_diag *diag)
{
    sql s = sql_begin(
        registry, "INSERT INTO device(id, state, invited_s) VALUES(?1, 0, ?2) ON CONFLICT DO NOTHING", diag);
    sql_text(&s, device);
    sql_i64(&s, now_s);
    sotto_status status = sql_run(&s);
    if (status != SOTTO_OK)
        return status;
    s = sql_begin(registry,
                  "INSERT INTO code(device, hash, made_s, expires_s) VALUES(?1, ?2, ?3, ?4)"
                  " ON CONFLICT (device) DO UPDATE SET hash = ?2, made_s = ?3, expires_s = ?4, used_s = 0",
                  diag);
    sql_text(&s, device);
    sql_blob(&s, hash, SOTTO_SHA256_BYTES);
    sql_i64(&s, now_s);
    sql_i64(&s, expires_s);
    return sql_run(&s);
}

sotto_status hq_registry_code_put(hq_registry *registry, const char *device,
                                  const uint8_t code_hash[static SOTTO_SHA256_BYTES], int64_t now_s,
                                  int64_t expires_s, sotto_diag *diag)
{
    if (!hq_device_id_valid(device))
        return sotto_diag_set(
            diag, SOTTO_ERR(HQ, USAGE),
            "a device's id has 1 to 64 of A-Z a-z 0-9 . _ - and begins with a letter, digit or _");
    sotto_status status = sql_transaction_of(registry, device, diag);
    if (status != SOTTO_OK)
        return status;
    return sql_close(registry, put_code(registry, device, code_hash, now_s, expires_s, diag), diag);
}

static sotto_status judge_code(int64_t expires_s, int64_t used_s, int64_t now_s, sotto_diag *diag)
{
    if (used_s != 0)
        return sotto_diag_set(diag, SOTTO_ERR(HQ, CONFLICT),
                              "this code has been used: ask head office for another");
    if (now_s >= expires_s)
        return sotto_diag_set(diag, SOTTO_ERR(HQ, EXPIRED),
                              "this code is no longer valid: ask head office for another");
    return SOTTO_OK;
}

sotto_status hq_registry_code_find(hq_registry *registry, const uint8_t code_hash[static SOTTO_SHA256_BYTES],
                                   int64_t now_s, char device[static HQ_DEVICE_ID_MAX], sotto_diag *diag)
{
    int64_t expires_s = 0, used_s = 0;
    device[0] = '\0';
    sql s = sql_begin(registry, "SELECT device, expires_s, used_s FROM code WHERE hash = ?1", diag);
    sql_blob(&s, code_hash, SOTTO_SHA256_BYTES);
    bool found = sql_row(&s);
    if (found) {
        sql_get_text(&s, 0, device, HQ_DEVICE_ID_MAX);
        expires_s = sql_get_i64(&s, 1);
        used_s = sql_get_i64(&s, 2);
    }
    sotto_status status = sql_end(&s);
    if (status == SOTTO_OK && !found)
        status = sotto_diag_set(diag, SOTTO_ERR(HQ, AUTH), "this code is not known");
    return status == SOTTO_OK ? judge_code(expires_s, used_s, now_s, diag) : status;
}

/* ---- admission ---- */

/* Another collector may have used it since it was looked at: the database says who was first. */
static sotto_status use_code(hq_registry *registry, const hq_admission *a, sotto_diag *diag)
{
    int64_t changed;
    sql s = sql_begin(registry, "UPDATE code SET used_s = ?1 WHERE hash = ?2 AND used_s = 0", diag);
    sql_i64(&s, a->now_s);
    sql_blob(&s, a->code_hash, SOTTO_SHA256_BYTES);
    sotto_status status = sql_run_changes(&s, &changed);
    return status == SOTTO_OK && changed == 0 ? judge_code(INT64_MAX, a->now_s, a->now_s, diag) : status;
}

/* A report key that it never had is a new store, whose reports begin at 1 again. One that it had goes on
 * where it was: the same bytes sent again are then the report that is held. */
static sotto_status number_key(hq_registry *registry, const char *device, const hq_admission *a,
                               sotto_diag *diag)
{
    sql s = sql_begin(registry,
                      "INSERT INTO report_key(device, public_key, chain)"
                      " SELECT ?1, ?2, coalesce(max(chain), 0) + 1 FROM report_key WHERE device = ?1"
                      " ON CONFLICT (device, public_key) DO NOTHING",
                      diag);
    sql_text(&s, device);
    sql_blob(&s, a->report_key, SOTTO_PUBLIC_KEY_BYTES);
    return sql_run(&s);
}

static sotto_status enrol_device(hq_registry *registry, const char *device, const hq_admission *a,
                                 sotto_diag *diag)
{
    sotto_status status = number_key(registry, device, a, diag);
    if (status != SOTTO_OK)
        return status;
    sql s = sql_begin(registry,
                      "UPDATE device SET state = 1, enrolled_s = ?1, revoked_s = 0, report_key = ?2, chain ="
                      " (SELECT k.chain FROM report_key k WHERE k.device = ?3 AND k.public_key = ?2)"
                      " WHERE id = ?3",
                      diag);
    sql_i64(&s, a->now_s);
    sql_blob(&s, a->report_key, SOTTO_PUBLIC_KEY_BYTES);
    sql_text(&s, device);
    return sql_run(&s);
}

static sotto_status replace_certificates(hq_registry *registry, const char *device, int64_t now_s,
                                         sotto_diag *diag)
{
    sql s = sql_begin(registry, "UPDATE certificate SET replaced_s = ?1 WHERE device = ?2 AND replaced_s = 0",
                      diag);
    sql_i64(&s, now_s);
    sql_text(&s, device);
    return sql_run(&s);
}

static sotto_status put_certificate(hq_registry *registry, const char *device, const hq_admission *a,
                                    sotto_diag *diag)
{
    sql s = sql_begin(registry,
                      "INSERT INTO certificate(sha256, device, issued_s, not_after_s) VALUES(?1, ?2, ?3, ?4)",
                      diag);
    sql_blob(&s, a->cert_sha256, SOTTO_SHA256_BYTES);
    sql_text(&s, device);
    sql_i64(&s, a->now_s);
    sql_i64(&s, a->cert_not_after_s);
    return sql_run(&s);
}

/* What was odd about the machine before says nothing about the one that is enrolled now. */
static sotto_status forget_alarms(hq_registry *registry, const char *device, sotto_diag *diag)
{
    sql s = sql_begin(registry, "DELETE FROM alarm WHERE device = ?1", diag);
    sql_text(&s, device);
    return sql_run(&s);
}

sotto_status sql_forget_session(hq_registry *registry, const char *device, sotto_diag *diag)
{
    sql s = sql_begin(registry, "DELETE FROM session WHERE device = ?1", diag);
    sql_text(&s, device);
    sotto_status status = sql_run(&s);
    if (status != SOTTO_OK)
        return status;
    s = sql_begin(registry, "DELETE FROM health WHERE device = ?1", diag);
    sql_text(&s, device);
    return sql_run(&s);
}

static sotto_status admit(hq_registry *registry, const hq_admission *a, sotto_diag *diag)
{
    char device[HQ_DEVICE_ID_MAX];
    sotto_status status = hq_registry_code_find(registry, a->code_hash, a->now_s, device, diag);
    if (status == SOTTO_OK)
        status = use_code(registry, a, diag);
    if (status == SOTTO_OK)
        status = enrol_device(registry, device, a, diag);
    if (status == SOTTO_OK)
        status = replace_certificates(registry, device, a->now_s, diag);
    if (status == SOTTO_OK)
        status = put_certificate(registry, device, a, diag);
    if (status == SOTTO_OK)
        status = sql_forget_session(registry, device, diag); /* a code is a person's word for this machine */
    return status == SOTTO_OK ? forget_alarms(registry, device, diag) : status;
}

sotto_status hq_registry_admit(hq_registry *registry, const hq_admission *admission, sotto_diag *diag)
{
    char device[HQ_DEVICE_ID_MAX];
    sotto_status status =
        hq_registry_code_find(registry, admission->code_hash, admission->now_s, device, diag);
    /* The device first, as everywhere else: two that lock in other orders wait for each other. */
    if (status == SOTTO_OK)
        status = sql_transaction_of(registry, device, diag);
    if (status != SOTTO_OK)
        return status;
    return sql_close(registry, admit(registry, admission, diag), diag);
}

sotto_status hq_registry_recognise(hq_registry *registry, const char *common_name,
                                   const uint8_t cert_sha256[static SOTTO_SHA256_BYTES], hq_device *out,
                                   sotto_diag *diag)
{
    *out = (hq_device){0};
    sql s = sql_begin(registry, SELECT_CALLER, diag);
    sql_text(&s, common_name);
    sql_blob(&s, cert_sha256, SOTTO_SHA256_BYTES);
    bool found = sql_row(&s), serves = found && sql_get_i64(&s, CALLER_CERTIFICATE) > 0;
    if (found)
        read_identity(&s, out);
    sotto_status status = sql_end(&s);
    if (status == SOTTO_OK && !found)
        return sotto_diag_set(diag, SOTTO_ERR(HQ, DENIED), "this device is not registered here");
    if (status != SOTTO_OK)
        return status;
    if (out->state == HQ_DEVICE_REVOKED)
        return sotto_diag_set(diag, SOTTO_ERR(HQ, DENIED), "this device was revoked");
    if (out->quarantined_s != 0)
        return sotto_diag_set(diag, SOTTO_ERR(HQ, DENIED), HQ_QUARANTINED);
    return serves ? SOTTO_OK
                  : sotto_diag_set(diag, SOTTO_ERR(HQ, DENIED), "this certificate was replaced: enrol again");
}

static sotto_status revoke(hq_registry *registry, const char *device, int64_t now_s, sotto_diag *diag)
{
    hq_device found;
    sotto_status status = hq_registry_device(registry, device, &found, diag);
    if (status != SOTTO_OK || found.state == HQ_DEVICE_REVOKED)
        return status;
    sql s = sql_begin(registry, "UPDATE device SET state = 2, revoked_s = ?1 WHERE id = ?2", diag);
    sql_i64(&s, now_s);
    sql_text(&s, device);
    status = sql_run(&s);
    if (status == SOTTO_OK)
        status = replace_certificates(registry, device, now_s, diag);
    if (status != SOTTO_OK)
        return status;
    s = sql_begin(registry, "DELETE FROM code WHERE device = ?1", diag);
    sql_text(&s, device);
    return sql_run(&s);
}

sotto_status hq_registry_revoke(hq_registry *registry, const char *device, int64_t now_s, sotto_diag *diag)
{
    sotto_status status = sql_transaction_of(registry, device, diag);
    if (status != SOTTO_OK)
        return status;
    return sql_close(registry, revoke(registry, device, now_s, diag), diag);
}
