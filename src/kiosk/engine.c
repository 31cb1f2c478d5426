/* The engine: what `serve` holds while it runs. Opening, closing, time, the device's name, the release in
 * use. */
#include "kiosk_priv.h"

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
static sotto_status verified_load(kiosk_engine *e, uint64_t version, kiosk_release *out, sotto_diag *diag)
{
    char dir[KIOSK_PATH_MAX];
    int64_t now_s = 0;
    sotto_status status = kiosk_path(e->config->store_dir, "tuf", dir, diag);
    if (status == SOTTO_OK)
        status = kiosk_now(e, &now_s, diag);
    const sotto_tuf_config config = {.metadata_dir = dir, .now_s = now_s};
    return status == SOTTO_OK ? kiosk_release_load(out, e->config->release_dir, version, &config, diag)
                              : status;
}

sotto_status kiosk_release_accept(kiosk_engine *e, uint64_t version, sotto_diag *diag)
{
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
    kiosk_release fresh = {0};
    status = verified_load(e, version, &fresh, diag);
    if (status == SOTTO_OK)
        status = sotto_store_set_i64(e->store, RELEASE_NAME, (int64_t)version, diag);
    if (status != SOTTO_OK) {
        kiosk_release_free(&fresh);
        return status;
    }
    kiosk_release_free(&e->release);
    e->release = fresh;
    kiosk_recent_clear(e); /* its campaigns have other places now */
    sotto_log_event(&e->log, SOTTO_LOG_INFO, "release.accepted", "version=%llu", (unsigned long long)version);
    return SOTTO_OK;
}

/* The release that was in use before the restart. One that no longer loads is told and left: the terminal
 * then answers "nothing". */
static void reload_release(kiosk_engine *e)
{
    int64_t version = 0;
    if (sotto_store_get_i64(e->store, RELEASE_NAME, &version, NULL) != SOTTO_OK || version <= 0)
        return;
    sotto_diag diag = {0};
    if (verified_load(e, (uint64_t)version, &e->release, &diag) == SOTTO_OK)
        return;
    char text[512];
    sotto_diag_format(&diag, text, sizeof text);
    sotto_log_event(&e->log, SOTTO_LOG_ERROR, "release.unusable", "version=%lld reason=\"%s\"",
                    (long long)version, text);
}

/* ---- open and close ---- */

static sotto_status open_vault(kiosk_engine *e, char *path, sotto_diag *diag)
{
    sotto_status status = kiosk_path(e->config->vault_dir, "root.key", path, diag);
    const sotto_key_provider provider = sotto_key_provider_file(path);
    if (status == SOTTO_OK)
        status = sotto_vault_start(diag);
    if (status == SOTTO_OK)
        status = sotto_vault_open(&e->vault, &provider, diag);
    if (status == SOTTO_OK)
        status = sotto_vault_derive(e->vault, "decide seed", e->seed_key, sizeof e->seed_key);
    if (status == SOTTO_OK)
        status = sotto_vault_derive(e->vault, "decide arm", e->arm_key, sizeof e->arm_key);
    return status;
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
    return status;
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
    char path[KIOSK_PATH_MAX];
    sotto_status status = open_vault(e, path, diag);
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
        status =
            sotto_diag_set(diag, SOTTO_ERR(KIOSK, FULL),
                           "%llu KiB are left on the store's disk: no period is closed until there is room",
                           (unsigned long long)free_bytes >> 10);
    return status;
}

sotto_status kiosk_night(kiosk_engine *e, sotto_tally_result *result, sotto_diag *diag)
{
    *result = (sotto_tally_result){0};
    if (e->release.version == 0)
        return sotto_diag_set(diag, SOTTO_ERR(KIOSK, NOT_FOUND),
                              "no release is in use: there is nothing to measure");
    char device[65];
    int64_t now_s = 0;
    sotto_status status = kiosk_device_get(e, device, diag);
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
    return sotto_tally_close(e->store, &config, result, diag);
}
