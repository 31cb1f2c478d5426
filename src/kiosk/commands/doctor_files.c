/* doctor: what lies on this machine. Whoever asks sees what he may; root sees all of it, and judges a file by
 * who should have it. */
#include "commands/doctor.h"
#include "commands/parts.h"
#include "config/keys.h"
#include "night/night.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* What head office is told too, it judges by the same numbers (sotto/sync.h). */
#define DISK_LOW_BYTES ((uint64_t)SOTTO_DISK_LOW_MIB << 20)
#define RENEW_LATE_S   (INT64_C(86400) * SOTTO_RENEWAL_LATE_DAYS)
#define RENEW_LAPSED_S (90 * 86400) /* head office renews a lapsed certificate for so long */

static void check_clock(findings *f, const kiosk_config *config)
{
    char text[64];
    sotto_clock clock = kiosk_clock(config);
    int64_t now_s = clock.utc_s(clock.ctx);
    sotto_time_format(now_s, text);
    bool sane = now_s > sotto_time_days_from_civil(2025, 1, 1) * 86400 &&
                now_s < sotto_time_days_from_civil(2080, 1, 1) * 86400;
    kiosk_doctor_tell(f, sane ? GOOD : BAD, CHECK_CLOCK, text,
                      sane ? "" : "set the clock: certificates and caps are judged by it");
}

/* Where the key is no file, its provider answers serve's user alone, the owner of the vault's folder; a
 * program also root. */
static void check_provider(findings *f, const kiosk_config *config)
{
    sotto_diag diag = {0};
    sotto_port_rights vault;
    bool there = false;
    sotto_status looked = sotto_port_rights_of(config->vault_dir, &vault, NULL);
    bool ours = sotto_status_cause(looked) == SOTTO_CAUSE_NOT_FOUND ||
                (looked == SOTTO_OK && vault.owner == geteuid()) ||
                (geteuid() == 0 && config->key.kind == KIOSK_KEY_COMMAND);
    if (!ours) {
        kiosk_doctor_tell(f, UNSEEN, CHECK_KEY, NOT_FOR_THIS_USER, "");
        return;
    }
    bool known = kiosk_key_there(config, &there, &diag) == SOTTO_OK;
    kiosk_doctor_tell(f,
                      there   ? GOOD
                      : known ? UNSEEN
                              : BAD,
                      CHECK_KEY,
                      there   ? "its provider gives it"
                      : known ? "its provider has none for this user"
                              : diag.text,
                      there ? ""
                            : "keyring: load it after each start of the machine; command: run it by hand");
}

/* Whoever asks: the key is well when it belongs to serve's user, who owns its folder too, and nobody else may
 * use it. */
static void judge_key(findings *f, const sotto_port_rights *vault, const sotto_port_rights *key)
{
    char what[128];
    if (sotto_port_shared(key)) {
        kiosk_doctor_tell(f, BAD, CHECK_KEY, "others can read the vault's key",
                          "chmod 600 it, then treat what it protected as read");
    } else if (key->owner != vault->owner) {
        snprintf(what, sizeof what, "belongs to user %llu, its folder to user %llu",
                 (unsigned long long)key->owner, (unsigned long long)vault->owner);
        kiosk_doctor_tell(f, BAD, CHECK_KEY, what, "chown both to the user that serve runs as");
    } else {
        kiosk_doctor_tell(f, GOOD, CHECK_KEY, "there, and private", "");
    }
}

static void check_key(findings *f, const kiosk_config *config)
{
    char path[KIOSK_PATH_MAX];
    sotto_diag diag = {0};
    sotto_port_rights vault, key;
    if (config->key.kind != KIOSK_KEY_FILE) {
        check_provider(f, config);
        return;
    }
    sotto_status status = kiosk_path(config->vault_dir, "root.key", path, &diag);
    if (status == SOTTO_OK)
        status = sotto_port_rights_of(config->vault_dir, &vault, &diag);
    if (status == SOTTO_OK)
        status = sotto_port_rights_of(path, &key, &diag);
    if (status == SOTTO_OK)
        judge_key(f, &vault, &key);
    else if (sotto_status_cause(status) == SOTTO_CAUSE_NOT_FOUND)
        kiosk_doctor_tell(f, UNSEEN, CHECK_KEY, "no key here", "new terminal: sotto init");
    else if (sotto_status_cause(status) == SOTTO_CAUSE_DENIED)
        kiosk_doctor_tell(f, UNSEEN, CHECK_KEY, NOT_FOR_THIS_USER, "");
    else
        kiosk_doctor_tell(f, BAD, CHECK_KEY, diag.text, "look at the disk");
}

static void check_disk(findings *f, const kiosk_config *config)
{
    char text[64];
    uint64_t bytes = 0;
    if (sotto_port_disk_free(config->store_dir, &bytes, NULL) != SOTTO_OK) {
        kiosk_doctor_tell(f, UNSEEN, CHECK_DISK, "the store's folder cannot be looked at", "");
        return;
    }
    snprintf(text, sizeof text, "%llu MiB free", (unsigned long long)(bytes >> 20));
    kiosk_doctor_tell(f, bytes < DISK_LOW_BYTES ? WARN : GOOD, CHECK_DISK, text,
                      bytes < DISK_LOW_BYTES ? "make room: a full disk keeps new events out" : "");
}

/* sync renews it by itself: a person has to act only when that goes on failing, or came too late. */
static void tell_certificate(findings *f, const sotto_cert_info *info)
{
    char text[160], until[21];
    int64_t left_s = info->not_after_s - f->now_s;
    bool late = kiosk_renewal_due(info, f->now_s - RENEW_LATE_S);
    sotto_time_format(info->not_after_s, until);
    snprintf(text, sizeof text, "%s, valid until %s%s", info->common_name, until,
             left_s >= 0 && late ? ", renewal is overdue" : "");
    kiosk_doctor_tell(f,
                      left_s < 0 ? BAD
                      : late     ? WARN
                                 : GOOD,
                      CHECK_CERTIFICATE, text,
                      left_s < -RENEW_LAPSED_S ? "enrol again with a new code"
                      : left_s < 0
                          ? "sotto sync renews it, for 90 days after its end; then only a new code helps"
                      : late ? "sotto sync renews it, and says why when it cannot"
                             : "");
}

/* NOT_FOUND: none; DENIED: not for this user's eyes; any other: damaged. */
static sotto_status read_certificate(const kiosk_config *config, sotto_cert_info *info)
{
    char path[KIOSK_PATH_MAX];
    sotto_vec pem;
    sotto_vec_init(&pem, 65536);
    sotto_status status = kiosk_path(config->sync_dir, "device.pem", path, NULL);
    if (status == SOTTO_OK)
        status = sotto_port_read_file(path, &pem, NULL);
    if (status == SOTTO_OK && sotto_cert_read(sotto_vec_span(&pem), info, NULL) != SOTTO_OK)
        status = SOTTO_ERR(KIOSK, CORRUPT);
    sotto_vec_free(&pem);
    return status;
}

static void check_certificate(findings *f, const kiosk_config *config)
{
    sotto_cert_info info = {0};
    sotto_status status = read_certificate(config, &info);
    if (sotto_status_cause(status) == SOTTO_CAUSE_NOT_FOUND)
        kiosk_doctor_tell(f, UNSEEN, CHECK_CERTIFICATE, "none", "new terminal: sotto enrol CODE");
    else if (sotto_status_cause(status) == SOTTO_CAUSE_DENIED)
        kiosk_doctor_tell(f, UNSEEN, CHECK_CERTIFICATE, NOT_FOR_THIS_USER, "");
    else if (status != SOTTO_OK)
        kiosk_doctor_tell(f, BAD, CHECK_CERTIFICATE, "damaged", "enrol again with a new code");
    else
        tell_certificate(f, &info);
}

sotto_status kiosk_add_certificate(const kiosk_config *config, sotto_vec *answer)
{
    char until[21], text[128];
    sotto_cert_info info = {0};
    sotto_status status = read_certificate(config, &info);
    if (answer->len < 2 || answer->ptr[answer->len - 1] != '}')
        return SOTTO_ERR(KIOSK, MALFORMED);
    answer->len--;
    if (sotto_status_cause(status) == SOTTO_CAUSE_NOT_FOUND ||
        sotto_status_cause(status) == SOTTO_CAUSE_DENIED)
        return sotto_vec_printf(answer, ",\"certificate\":null}");
    if (status != SOTTO_OK)
        return sotto_vec_printf(answer, ",\"certificate\":{\"damaged\":true,\"not_after\":null}}");
    sotto_time_format(info.not_after_s, until);
    snprintf(text, sizeof text, ",\"certificate\":{\"damaged\":false,\"not_after\":\"%s\"}}", until);
    return sotto_vec_put(answer, text, strlen(text));
}

void kiosk_doctor_files(findings *f, const kiosk_config *config)
{
    check_clock(f, config);
    check_key(f, config);
    check_disk(f, config);
    check_certificate(f, config);
}
