/* The engine: what `serve` holds while it runs. Opening, closing, time, the device's name, the release in
 * use. */
#include "config/keys.h"
#include "engine/record.h"
#include "engine/showings.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RELEASE_NAME "release.version"
#define DEVICE_NAME  "device.id"

sotto_status kiosk_device_get(kiosk_engine *e, char device[static 65], sotto_diag *diag)
{
    sotto_buf buf = sotto_buf_of(device, 64);
    sotto_status status = sotto_store_get_blob(e->store, DEVICE_NAME, &buf, NULL);
    device[buf.len] = '\0';
    if (sotto_status_cause(status) == SOTTO_CAUSE_NOT_FOUND)
        return sotto_diag_set(diag, SOTTO_ERR(KIOSK, NOT_FOUND),
                              "this terminal is not enrolled: sotto enrol CODE");
    return status == SOTTO_OK ? status
                              : sotto_diag_set(diag, status, "the device id cannot be read from the store");
}

sotto_status kiosk_device_set(kiosk_engine *e, const char *device, sotto_diag *diag)
{
    char present[65];
    if (kiosk_device_get(e, present, NULL) == SOTTO_OK && strcmp(present, device) != 0)
        return sotto_diag_set(diag, SOTTO_ERR(KIOSK, CONFLICT), "this terminal is enrolled as %s already",
                              present);
    return sotto_store_set_blob(e->store, DEVICE_NAME, sotto_span_str(device), diag);
}

/* ---- the release ---- */

/* serve does not believe sync: it verifies what lies in the release folder itself, from its own trusted root.
 */
static sotto_status verified_load(kiosk_engine *e, uint64_t version, kiosk_release *out,
                                  enum kiosk_unwell *why, sotto_diag *diag)
{
    char dir[KIOSK_PATH_MAX];
    int64_t now_s = 0;
    *why = KIOSK_UNWELL_NONE;
    sotto_status status = kiosk_path(e->config->store_dir, "tuf", dir, diag);
    if (status == SOTTO_OK)
        status = kiosk_now(e, &now_s, diag);
    const sotto_tuf_config config = {.metadata_dir = dir, .now_s = now_s};
    if (status != SOTTO_OK)
        return status;
    return kiosk_release_load(out, e->config->release_dir, version, &config,
                              (size_t)e->config->release_memory_kib << 10, why, diag);
}

/* Tries a release that this program has not tried before; the verdict is in the store when it returns. */
static sotto_status tried_load(kiosk_engine *e, uint64_t version, kiosk_release *out, sotto_diag *diag)
{
    enum kiosk_unwell why;
    kiosk_health *health = &e->health;
    sotto_status status = kiosk_health_try(e->store, health, version, diag);
    if (status != SOTTO_OK)
        return status;
    if (kiosk_health_failed(health, version))
        return sotto_diag_set(diag, SOTTO_ERR(KIOSK, CONFLICT), "%s", kiosk_unwell_text(health->why));
    status = verified_load(e, version, out, &why, diag);
    if (status == SOTTO_OK)
        return SOTTO_OK;
    /* A verdict that cannot be written is no verdict: the release is tried again. */
    sotto_status kept = why == KIOSK_UNWELL_NONE ? kiosk_health_leave(e->store, health, NULL)
                                                 : kiosk_health_fail(e->store, health, version, why, NULL);
    if (kept == SOTTO_OK && why != KIOSK_UNWELL_NONE)
        sotto_log_event(&e->log, SOTTO_LOG_ERROR, "release.failed", "version=%llu why=%s",
                        (unsigned long long)version, kiosk_unwell_code(why));
    return why == KIOSK_UNWELL_NONE ? status : SOTTO_ERR(KIOSK, CONFLICT);
}

/* The number that nothing goes below, the one to go back to and the verdict, as one. */
static sotto_status keep_accepted(kiosk_engine *e, uint64_t version, sotto_diag *diag)
{
    kiosk_health health = e->health;
    if (e->release.version != 0)
        health.good = e->release.version;
    sotto_status status = sotto_store_begin(e->store, diag);
    if (status == SOTTO_OK)
        status = sotto_store_set_i64(e->store, RELEASE_NAME, (int64_t)version, diag);
    if (status == SOTTO_OK)
        status = kiosk_health_pass(e->store, &health, version, diag);
    if (status == SOTTO_OK)
        status = sotto_store_commit(e->store, diag);
    sotto_store_rollback(e->store);
    if (status == SOTTO_OK)
        e->health = health;
    return status;
}

sotto_status kiosk_release_accept(kiosk_engine *e, uint64_t version, bool *known, sotto_diag *diag)
{
    *known = kiosk_health_failed(&e->health, version);
    /* The store remembers across a restart what was in use, also a release that no longer loads. */
    int64_t accepted = 0;
    sotto_status status = sotto_store_get_i64(e->store, RELEASE_NAME, &accepted, NULL);
    if (status != SOTTO_OK && sotto_status_cause(status) != SOTTO_CAUSE_NOT_FOUND)
        return sotto_diag_set(diag, status, "the release in use cannot be read from the store");
    if (version == e->release.version)
        return SOTTO_OK;
    if (version > INT64_MAX || (int64_t)version < accepted)
        return sotto_diag_set(diag, SOTTO_ERR(KIOSK, ROLLBACK),
                              "release %llu is older than release %lld, which was accepted before",
                              (unsigned long long)version, (long long)accepted);
    if (*known)
        return sotto_diag_set(diag, SOTTO_ERR(KIOSK, CONFLICT), "release %llu failed here before: %s",
                              (unsigned long long)version, kiosk_unwell_text(e->health.why));
    kiosk_release fresh = {0};
    status = tried_load(e, version, &fresh, diag);
    if (status == SOTTO_OK)
        status = keep_accepted(e, version, diag);
    if (status != SOTTO_OK) {
        kiosk_release_free(&fresh);
        return status;
    }
    kiosk_release_free(&e->release);
    e->release = fresh;
    kiosk_recent_clear(e); /* its campaigns have other places now */
    sotto_log_event(&e->log, SOTTO_LOG_INFO, "release.accepted", "version=%llu", (unsigned long long)version);
    kiosk_befell(e, SOTTO_FIGURE_RELEASE_TAKEN);
    return SOTTO_OK;
}

static void tell_unusable(kiosk_engine *e, uint64_t version, const sotto_diag *diag)
{
    char text[512];
    sotto_diag_format(diag, text, sizeof text);
    sotto_log_event(&e->log, SOTTO_LOG_ERROR, "release.unusable", "version=%llu reason=\"%s\"",
                    (unsigned long long)version, text);
}

/* The one that was in use before the one that failed: signed, and never below the floor that it set itself.
 */
static void fall_back(kiosk_engine *e)
{
    sotto_diag diag = {0};
    enum kiosk_unwell why;
    if (e->health.good == 0)
        return;
    if (verified_load(e, e->health.good, &e->release, &why, &diag) != SOTTO_OK) {
        tell_unusable(e, e->health.good, &diag);
        return;
    }
    sotto_log_event(&e->log, SOTTO_LOG_WARN, "release.fallback", "version=%llu failed=%llu why=%s",
                    (unsigned long long)e->release.version, (unsigned long long)e->health.failed,
                    kiosk_unwell_code(e->health.why));
}

/* A release that this very program passed is loaded without a mark in the store; the check is made again all
 * the same: the machine under it may have changed. */
static sotto_status reload(kiosk_engine *e, uint64_t version, sotto_diag *diag)
{
    enum kiosk_unwell why;
    if (strcmp(e->health.passed_by, SOTTO_VERSION) != 0 || e->health.trying == version) {
        sotto_status status = tried_load(e, version, &e->release, diag);
        return status == SOTTO_OK ? kiosk_health_pass(e->store, &e->health, version, diag) : status;
    }
    sotto_status status = verified_load(e, version, &e->release, &why, diag);
    if (why == KIOSK_UNWELL_NONE)
        return status;
    (void)!kiosk_health_fail(e->store, &e->health, version, why, NULL); /* found again at the next start */
    return SOTTO_ERR(KIOSK, CONFLICT);
}

/* The release that was in use before the restart. One that cannot be verified is told and left: the terminal
 * then answers "nothing". One that is unfit gives way to the one before. */
static void reload_release(kiosk_engine *e)
{
    int64_t version = 0;
    sotto_diag diag = {0};
    if (sotto_store_get_i64(e->store, RELEASE_NAME, &version, NULL) != SOTTO_OK || version <= 0)
        return;
    if (kiosk_health_read(e->store, &e->health, &diag) != SOTTO_OK)
        tell_unusable(e, (uint64_t)version, &diag);
    bool failed_before = e->health.failed == (uint64_t)version;
    if (!kiosk_health_failed(&e->health, (uint64_t)version)) {
        sotto_status status = reload(e, (uint64_t)version, &diag);
        if (status == SOTTO_OK)
            return;
        tell_unusable(e, (uint64_t)version, &diag);
        failed_before = failed_before || sotto_status_cause(status) == SOTTO_CAUSE_CONFLICT;
    }
    if (failed_before)
        fall_back(e);
}

/* ---- open and close ---- */

static sotto_status open_vault(kiosk_engine *e, sotto_diag *diag)
{
    kiosk_key_memory memory;
    const sotto_key_provider provider = kiosk_key_provider(e->config, &e->config->key, &memory);
    sotto_status status = sotto_vault_start(diag);
    if (status == SOTTO_OK)
        status = sotto_vault_open(&e->vault, &provider, diag);
    if (status == SOTTO_OK)
        status = sotto_vault_derive(e->vault, "decide seed", e->seed_key, sizeof e->seed_key);
    if (status == SOTTO_OK)
        status = sotto_vault_derive(e->vault, "decide arm", e->arm_key, sizeof e->arm_key);
    return status;
}

/* "in use by process 812" is mostly serve, which whoever asked has to stop. */
static sotto_status tell_holder(sotto_status status, sotto_diag *diag)
{
    char words[128];
    if (diag == NULL || sotto_status_cause(status) != SOTTO_CAUSE_BUSY)
        return status;
    snprintf(words, sizeof words, "%.100s", diag->text);
    return sotto_diag_set(diag, status, "%s: stop sotto serve first, one process holds the store", words);
}

static sotto_status open_store(kiosk_engine *e, sotto_diag *diag)
{
    char path[KIOSK_PATH_MAX];
    sotto_store_config config = {.path = path, .cache_kib = e->config->cache_kib};
    sotto_status status = kiosk_path(e->config->store_dir, "sotto.db", path, diag);
    if (status == SOTTO_OK)
        status = sotto_vault_store_key(e->vault, config.key);
    if (status == SOTTO_OK)
        status = sotto_store_open(&e->store, &config, diag);
    sotto_wipe(config.key, sizeof config.key);
    return tell_holder(status, diag);
}

sotto_status kiosk_engine_open(kiosk_engine **out, const kiosk_config *config, sotto_diag *diag)
{
    *out = NULL;
    kiosk_engine *e = calloc(1, sizeof *e);
    if (e == NULL)
        return sotto_diag_set(diag, SOTTO_ERR(KIOSK, NO_MEMORY), "out of memory");
    e->config = config;
    e->clock = kiosk_clock(config);
    e->entropy = sotto_port_entropy();
    e->log = (sotto_log){.fd = 2, .level = SOTTO_LOG_INFO, .clock = e->clock, .program = "sotto"};
    sotto_status status = open_vault(e, diag);
    if (status == SOTTO_OK)
        status = open_store(e, diag);
    if (status == SOTTO_OK)
        status = kiosk_witness_open(e, diag);
    if (status == SOTTO_OK)
        status = kiosk_time_open(e, diag);
    if (status != SOTTO_OK) {
        kiosk_engine_close(e);
        return status;
    }
    kiosk_showings_open(e);
    reload_release(e);
    *out = e;
    return SOTTO_OK;
}

void kiosk_engine_close(kiosk_engine *engine)
{
    if (engine == NULL)
        return;
    kiosk_release_free(&engine->release);
    sotto_vec_free(&engine->time.authority);
    sotto_store_close(engine->store);
    sotto_vault_close(engine->vault);
    sotto_wipe(engine, sizeof *engine); /* the last customer's tags stood here */
    free(engine);
}

/* ---- the night ---- */

/* A report that could not be kept must not be paid for: past either bound no period is closed. Its events
 * wait in the store, and tally leaves out those that have become too old, before anybody is debited. */
static sotto_status check_room(kiosk_engine *e, sotto_diag *diag)
{
    sotto_outbox_sum sum;
    uint64_t free_bytes = 0;
    sotto_status status = sotto_store_outbox_sum(e->store, &sum, diag);
    if (status == SOTTO_OK && sum.waiting >= KIOSK_OUTBOX_MAX)
        return sotto_diag_set(diag, SOTTO_ERR(KIOSK, FULL),
                              "%llu reports wait for head office: no period is closed until it takes them",
                              (unsigned long long)sum.waiting);
    if (status == SOTTO_OK)
        status = sotto_port_disk_free(e->config->store_dir, &free_bytes, diag);
    if (status == SOTTO_OK && free_bytes < KIOSK_DISK_SPARE)
        status = sotto_diag_set(
            diag, SOTTO_ERR(KIOSK, FULL),
            "the store's disk is full (%llu KiB are left): no period is closed until there is room",
            (unsigned long long)free_bytes >> 10);
    return status;
}

/* Either witness will do: a ledger that is known to be old hands out no budget. */
static sotto_status old_copy(kiosk_engine *e, sotto_diag *diag)
{
    sotto_status status = sotto_tally_check(e->store, &e->witness, diag);
    return status != SOTTO_OK
               ? status
               : sotto_diag_set(diag, SOTTO_ERR(KIOSK, CONFLICT),
                                "an old copy of the store is in use, by the witness of showings: "
                                "nothing leaves until `sotto audit accept-restore`");
}

sotto_status kiosk_night(kiosk_engine *e, sotto_tally_result *result, sotto_diag *diag)
{
    *result = (sotto_tally_result){0};
    if (e->release.version == 0)
        return sotto_diag_set(diag, SOTTO_ERR(KIOSK, NOT_FOUND),
                              "no release is in use: there is nothing to measure");
    char device[65];
    int64_t now_s = 0;
    sotto_status status = e->caps_unknown ? old_copy(e, diag) : SOTTO_OK;
    if (status == SOTTO_OK)
        status = kiosk_device_get(e, device, diag);
    if (status == SOTTO_OK)
        status = check_room(e, diag);
    if (status == SOTTO_OK)
        status = kiosk_now(e, &now_s, diag);
    if (status != SOTTO_OK)
        return status;
    const sotto_tally_config config = {.tasks = &e->release.tasks,
                                       .vault = e->vault,
                                       .entropy = &e->entropy,
                                       .witness = &e->witness,
                                       .device = device,
                                       .release_version = e->release.version,
                                       .now_s = now_s};
    status = sotto_tally_close(e->store, &config, result, diag);
    if (status != SOTTO_OK) {
        kiosk_befell(e, SOTTO_FIGURE_NIGHT_STOPPED);
        if (sotto_status_cause(status) == SOTTO_CAUSE_CONFLICT)
            kiosk_showings_open(e); /* store and witness do not fit */
    }
    if (result->reports > 0)
        e->night = (kiosk_night_sum){now_s, result->reports, result->spent_out};
    return status;
}
