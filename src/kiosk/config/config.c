/* The configuration: each member named, bounded and refused by its line. */

#include "config/keys.h"

#include "sotto/sync.h"

#include <stdio.h>
#include <string.h>

static const char *const TOP[] = {"version",
                                  "vault",
                                  "key",
                                  "device_key",
                                  "store",
                                  "release",
                                  "sync",
                                  "run",
                                  "head_office",
                                  "channel",
                                  "cache_kib",
                                  "customer_column",
                                  "utc_offset_min",
                                  "clock_offset_s",
                                  "require_walls",
                                  "branch_group",
                                  "terminal_model",
                                  "night",
                                  "release_memory_kib"};
static const char *const OFFICE[] = {"url", "enrol_url", "authority", "root", "proxy", "proxy_credentials"};

static const char *const NIGHT[] = {"max_bytes_per_s"};

static void defaults(kiosk_config *c)
{
    *c = (kiosk_config){.cache_kib = 2048, .release_memory_kib = 65536, .require_walls = true};
    snprintf(c->channel, sizeof c->channel, "kiosk");
    snprintf(c->customer_column, sizeof c->customer_column, "customer");
}

/* Copies a text member into out; a member that is absent leaves out as it is, unless it is required. */
static sotto_status text(sotto_json_node obj, const char *name, bool required, char *out, size_t cap,
                         sotto_diag *diag)
{
    sotto_json_node node = sotto_json_member(obj, name);
    if (node.val == NULL && !required)
        return SOTTO_OK;
    sotto_span value;
    sotto_status status = sotto_json_get_str(obj, name, &value, diag);
    if (status != SOTTO_OK)
        return status;
    if (value.len == 0 || sotto_span_to_str(value, out, cap) != SOTTO_OK)
        return sotto_json_bad(node, diag, SOTTO_ERR(KIOSK, RANGE), "%s must have 1 to %zu bytes", name,
                              cap - 1);
    return SOTTO_OK;
}

static sotto_status number(sotto_json_node obj, const char *name, int64_t min, int64_t max, int64_t *out,
                           sotto_diag *diag)
{
    if (sotto_json_member(obj, name).val == NULL)
        return SOTTO_OK;
    return sotto_json_get_i64(obj, name, min, max, out, diag);
}

static sotto_status read_folders(sotto_json_node root, kiosk_config *c, sotto_diag *diag)
{
    struct {
        const char *name;
        char *out;
    } const folder[] = {{"vault", c->vault_dir},
                        {"store", c->store_dir},
                        {"release", c->release_dir},
                        {"sync", c->sync_dir},
                        {"run", c->run_dir}};
    for (size_t i = 0; i < SOTTO_COUNT(folder); i++) {
        sotto_status status = text(root, folder[i].name, true, folder[i].out, KIOSK_PATH_MAX, diag);
        if (status != SOTTO_OK)
            return status;
    }
    return SOTTO_OK;
}

static sotto_status read_office(sotto_json_node root, kiosk_config *c, sotto_diag *diag)
{
    sotto_json_node office = sotto_json_member(root, "head_office");
    if (office.val == NULL)
        return SOTTO_OK; /* a terminal that never syncs still decides */
    sotto_status status = sotto_json_only(office, OFFICE, SOTTO_COUNT(OFFICE), diag);
    if (status == SOTTO_OK)
        status = text(office, "url", true, c->url, sizeof c->url, diag);
    if (status == SOTTO_OK)
        status = text(office, "enrol_url", true, c->enrol_url, sizeof c->enrol_url, diag);
    if (status == SOTTO_OK)
        status = text(office, "authority", true, c->authority, sizeof c->authority, diag);
    if (status == SOTTO_OK)
        status = text(office, "root", true, c->root, sizeof c->root, diag);
    if (status == SOTTO_OK)
        status = text(office, "proxy", false, c->proxy, sizeof c->proxy, diag);
    if (status == SOTTO_OK)
        status =
            text(office, "proxy_credentials", false, c->proxy_credentials, sizeof c->proxy_credentials, diag);
    return status;
}

static sotto_status read_night(sotto_json_node root, kiosk_config *c, sotto_diag *diag)
{
    int64_t rate = 0;
    sotto_json_node night = sotto_json_member(root, "night");
    if (night.val == NULL)
        return SOTTO_OK;
    sotto_status status = sotto_json_only(night, NIGHT, SOTTO_COUNT(NIGHT), diag);
    if (status == SOTTO_OK)
        status = number(night, "max_bytes_per_s", SOTTO_CLIENT_RATE_MIN, 1000000000, &rate, diag);
    c->max_bytes_per_s = (uint32_t)rate;
    return status;
}

static sotto_status read_rest(sotto_json_node root, kiosk_config *c, sotto_diag *diag)
{
    int64_t version = 1, offset = 0, cache = c->cache_kib, memory = c->release_memory_kib;
    sotto_status status = sotto_json_get_i64(root, "version", 1, 1, &version, diag);
    if (status == SOTTO_OK)
        status = text(root, "channel", false, c->channel, sizeof c->channel, diag);
    if (status == SOTTO_OK)
        status = text(root, "branch_group", false, c->branch_group, sizeof c->branch_group, diag);
    if (status == SOTTO_OK)
        status = text(root, "terminal_model", false, c->terminal_model, sizeof c->terminal_model, diag);
    if (status == SOTTO_OK)
        status = text(root, "customer_column", false, c->customer_column, sizeof c->customer_column, diag);
    if (status == SOTTO_OK)
        status = kiosk_key_read(root, "key", &c->key, diag);
    if (status == SOTTO_OK)
        status = kiosk_key_read(root, "device_key", &c->device_key, diag);
    if (status == SOTTO_OK)
        status = number(root, "utc_offset_min", -1440, 1440, &offset, diag);
    if (status == SOTTO_OK)
        status = number(root, "clock_offset_s", -4000000000, 4000000000, &c->clock_offset_s, diag);
    if (status == SOTTO_OK)
        status = number(root, "cache_kib", 64, 1048576, &cache, diag);
    if (status == SOTTO_OK && sotto_json_member(root, "require_walls").val != NULL)
        status = sotto_json_get_bool(root, "require_walls", &c->require_walls, diag);
    c->utc_offset_min = (int32_t)offset;
    if (status == SOTTO_OK)
        status = number(root, "release_memory_kib", 1024, 2097152, &memory, diag);
    c->cache_kib = (uint32_t)cache;
    c->release_memory_kib = (uint32_t)memory;
    return status;
}

sotto_status kiosk_config_load(kiosk_config *out, const char *path, sotto_diag *diag)
{
    defaults(out);
    sotto_vec file;
    sotto_vec_init(&file, 65536);
    sotto_json *doc = NULL;
    sotto_status status = sotto_port_read_file(path, &file, diag);
    if (status == SOTTO_OK)
        status = sotto_json_parse(&doc, sotto_vec_span(&file), path, diag);
    if (status == SOTTO_OK) {
        sotto_json_node root = sotto_json_root(doc);
        status = sotto_json_only(root, TOP, SOTTO_COUNT(TOP), diag);
        if (status == SOTTO_OK)
            status = read_folders(root, out, diag);
        if (status == SOTTO_OK)
            status = read_office(root, out, diag);
        if (status == SOTTO_OK)
            status = read_night(root, out, diag);
        if (status == SOTTO_OK)
            status = read_rest(root, out, diag);
    }
    sotto_json_free(doc);
    sotto_vec_free(&file);
    return status;
}

sotto_status kiosk_path(const char *dir, const char *name, char out[static KIOSK_PATH_MAX], sotto_diag *diag)
{
    int len = snprintf(out, KIOSK_PATH_MAX, "%s/%s", dir, name);
    if (len < 0 || len >= KIOSK_PATH_MAX)
        return sotto_diag_set(diag, SOTTO_ERR(KIOSK, RANGE), "a path below %s is too long", dir);
    return SOTTO_OK;
}

sotto_clock kiosk_clock(const kiosk_config *config)
{
    return config->clock_offset_s == 0 ? sotto_port_clock()
                                       : sotto_port_clock_shifted(&config->clock_offset_s);
}
