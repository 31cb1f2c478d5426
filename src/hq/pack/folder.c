/* The folder of one device's tag packs, and what the device has said. */
#include "office/day.h"
#include "pack/pack.h"

#include <stdio.h>
#include <string.h>

sotto_status hq_pack_path(const char *dir, const char *device, const char *name, char out[static HQ_PATH_MAX],
                          sotto_diag *diag)
{
    char relative[160];
    (void)snprintf(relative, sizeof relative, name[0] == '\0' ? "packs/%s%s" : "packs/%s/%s", device, name);
    return hq_path(dir, relative, out, diag);
}

static bool missing(sotto_status status)
{
    return sotto_status_cause(status) == SOTTO_CAUSE_NOT_FOUND;
}

static sotto_status put_file(const char *dir, const char *device, const char *name, sotto_span bytes,
                             sotto_diag *diag)
{
    char path[HQ_PATH_MAX];
    sotto_status status = hq_pack_path(dir, device, "", path, diag);
    if (status == SOTTO_OK)
        status = sotto_port_make_dir(path, 0700, diag);
    if (status == SOTTO_OK)
        status = hq_pack_path(dir, device, name, path, diag);
    return status == SOTTO_OK ? sotto_port_write_file(path, bytes, 0600, diag) : status;
}

/* A number and the one character behind it. */
static bool take_number(const char **at, uint64_t *out)
{
    size_t len = strcspn(*at, " \n");
    bool good = (*at)[len] != '\0' && sotto_parse_u64(sotto_span_of(*at, len), out) == SOTTO_OK;
    *at += good ? len + 1 : 0;
    return good;
}

sotto_status hq_pack_next_read(const char *dir, const char *device, hq_pack_next *out, sotto_diag *diag)
{
    char path[HQ_PATH_MAX], text[128] = "";
    sotto_vec file;
    sotto_vec_init(&file, sizeof text - 1);
    *out = (hq_pack_next){0};
    sotto_status status = hq_pack_path(dir, device, "next", path, diag);
    if (status == SOTTO_OK && !sotto_port_exists(path))
        return SOTTO_OK;
    if (status == SOTTO_OK)
        status = sotto_port_read_file(path, &file, diag);
    if (status == SOTTO_OK && file.len > 0) /* an empty file has no bytes to point at */
        memcpy(text, file.ptr, file.len);
    sotto_vec_free(&file);
    const char *at = text;
    if (status == SOTTO_OK && !(take_number(&at, &out->seq) && take_number(&at, &out->base) &&
                                take_number(&at, &out->bytes) && *at == '\0')) {
        *out = (hq_pack_next){0};
        status = sotto_diag_at(diag, SOTTO_ERR(HQ, CORRUPT), path, 1, "is not what was written there");
    }
    return status;
}

sotto_status hq_pack_next_write(const char *dir, const char *device, const hq_pack_next *next,
                                sotto_diag *diag)
{
    char text[80];
    int len = snprintf(text, sizeof text, "%llu %llu %llu\n", (unsigned long long)next->seq,
                       (unsigned long long)next->base, (unsigned long long)next->bytes);
    return put_file(dir, device, "next", sotto_span_of(text, (size_t)len), diag);
}

static sotto_status read_said(const char *dir, const char *device, sotto_vec *file, sotto_diag *diag)
{
    char path[HQ_PATH_MAX];
    sotto_status status = hq_pack_path(dir, device, "said.json", path, diag);
    if (status == SOTTO_OK && !sotto_port_exists(path))
        return SOTTO_ERR(HQ, NOT_FOUND);
    return status == SOTTO_OK ? sotto_port_read_file(path, file, diag) : status;
}

sotto_status hq_pack_said(const char *dir, const char *device, sotto_pack_state *out, sotto_diag *diag)
{
    sotto_vec file;
    sotto_vec_init(&file, SOTTO_PACK_STATE_MAX);
    memset(out, 0, sizeof *out);
    sotto_status status = read_said(dir, device, &file, diag);
    if (missing(status))
        status = sotto_diag_set(diag, status,
                                "%s has not said yet to which key its packs are to be sealed: sotto sync "
                                "there (or sotto pack, and sotto-hq pack accept here)",
                                device);
    else if (status == SOTTO_OK)
        status = sotto_pack_state_read(out, sotto_vec_span(&file), diag);
    sotto_vec_free(&file);
    return status;
}

/* A terminal's clock, set wrong while it was off, may lead it ahead by 45 days, and a rehearsal lives in
 * other days by choice. */
#define AHEAD_MAX_S (45 * HQ_DAY_S)

/* Nothing said later could ever take the place of a statement from the future. */
static bool from_the_future(const sotto_pack_state *state)
{
    return state->said_s > hq_now() + AHEAD_MAX_S;
}

/* A statement counts as known while the terminal's report key is the one that signed it: enrolled anew, a
 * terminal begins anew. */
static bool is_later(sotto_span known_json, const hq_device *device, const sotto_pack_state *state)
{
    sotto_pack_state known;
    if (sotto_pack_state_read(&known, known_json, NULL) != SOTTO_OK ||
        sotto_pack_state_check(&known, device->report_key, NULL) != SOTTO_OK || from_the_future(&known))
        return false;
    return known.said_s > state->said_s || (known.said_s == state->said_s && known.held > state->held);
}

/* Whoever carries statements could bring an old one again, with an old key and an old number. */
static sotto_status check_later(const char *dir, const hq_device *device, const sotto_pack_state *state,
                                sotto_span json, bool *same, sotto_diag *diag)
{
    sotto_vec file;
    if (from_the_future(state))
        return sotto_diag_set(
            diag, SOTTO_ERR(HQ, CONFLICT),
            "the statement is dated more than 45 days from now: is the terminal's clock right?");
    sotto_vec_init(&file, SOTTO_PACK_STATE_MAX);
    sotto_status status = read_said(dir, state->device, &file, diag);
    *same = status == SOTTO_OK && sotto_span_equal(sotto_vec_span(&file), json);
    if (status == SOTTO_OK && !*same && is_later(sotto_vec_span(&file), device, state))
        status = sotto_diag_set(diag, SOTTO_ERR(HQ, CONFLICT), "a later statement of this terminal is known");
    sotto_vec_free(&file);
    return missing(status) ? SOTTO_OK : status;
}

sotto_status hq_pack_take_statement(const char *dir, const hq_device *device, sotto_span json,
                                    sotto_pack_state *out, sotto_diag *diag)
{
    bool same = false;
    sotto_status status = sotto_pack_state_read(out, json, diag);
    if (status == SOTTO_OK && (out->held > HQ_TOLD_MAX || out->refused > HQ_TOLD_MAX))
        status = sotto_diag_set(diag, SOTTO_ERR(HQ, RANGE), "no pack has such a number");
    if (status == SOTTO_OK && strcmp(out->device, device->id) != 0)
        status = sotto_diag_set(diag, SOTTO_ERR(HQ, DENIED), "the statement is another terminal's");
    if (status == SOTTO_OK)
        status = sotto_pack_state_check(out, device->report_key, diag);
    if (status == SOTTO_OK)
        status = check_later(dir, device, out, json, &same, diag);
    if (status != SOTTO_OK || same)
        return status;
    return put_file(dir, device->id, "said.json", json, diag);
}

bool hq_pack_fits(const hq_pack_next *next, const sotto_pack_state *state)
{
    return next->seq > state->held && next->seq > state->refused &&
           (next->base == 0 || next->base == state->held);
}
