/* What a terminal says of itself at night: that it is still the only one, and which reports will not come. */
#include "collector/collect.h"

#include <stdio.h>
#include <string.h>

/* 32 hexadecimal digits, or "-" for none, which becomes "". */
static sotto_status read_token(sotto_json_node body, const char *name, bool required,
                               char out[static HQ_TOKEN_HEX + 1], sotto_diag *diag)
{
    sotto_span text;
    uint8_t bytes[HQ_TOKEN_HEX / 2];
    out[0] = '\0';
    sotto_status status = sotto_json_get_str(body, name, &text, diag);
    if (status != SOTTO_OK || (!required && sotto_span_is(text, "-")))
        return status;
    if (text.len != HQ_TOKEN_HEX || sotto_hex_decode(text, bytes, sizeof bytes) != SOTTO_OK)
        return sotto_json_bad(sotto_json_member(body, name), diag, SOTTO_ERR(HQ, MALFORMED),
                              "must be 32 hexadecimal digits");
    return sotto_span_to_str(text, out, HQ_TOKEN_HEX + 1);
}

sotto_status hq_collect_night(const hq_collector *c, const hq_device *device, sotto_span body,
                              hq_pending *out, sotto_diag *diag)
{
    static const char *const members[] = {"have", "next"};
    sotto_json *doc = NULL;
    *out = (hq_pending){.device = *device, .night = true, .received_s = c->clock.utc_s(c->clock.ctx)};
    sotto_status status = sotto_json_parse(&doc, body, "night", diag);
    if (status == SOTTO_OK)
        status = sotto_json_only(sotto_json_root(doc), members, SOTTO_COUNT(members), diag);
    if (status == SOTTO_OK)
        status = read_token(sotto_json_root(doc), "have", false, out->have, diag);
    if (status == SOTTO_OK)
        status = read_token(sotto_json_root(doc), "next", true, out->next, diag);
    sotto_json_free(doc);
    return status;
}

static sotto_status read_absence(sotto_json_node body, hq_absence *a, sotto_diag *diag)
{
    static const char *const members[] = {"seq", "sha256", "reason"};
    int64_t seq = 0;
    sotto_span text, reason = {0};
    sotto_status status = sotto_json_only(body, members, SOTTO_COUNT(members), diag);
    if (status == SOTTO_OK)
        status = sotto_json_get_i64(body, "seq", 1, HQ_TOLD_MAX, &seq, diag);
    if (status == SOTTO_OK)
        status = sotto_json_get_str(body, "sha256", &text, diag);
    if (status == SOTTO_OK && sotto_hex_decode(text, a->sha256, sizeof a->sha256) != SOTTO_OK)
        status = sotto_json_bad(sotto_json_member(body, "sha256"), diag, SOTTO_ERR(HQ, MALFORMED),
                                "must be 64 hexadecimal digits");
    if (status == SOTTO_OK)
        status = sotto_json_get_str(body, "reason", &reason, diag);
    a->reason = sotto_span_is(reason, "damaged") ? "damaged" : "refused";
    if (status == SOTTO_OK && !sotto_span_is(reason, a->reason))
        status = sotto_json_bad(sotto_json_member(body, "reason"), diag, SOTTO_ERR(HQ, MALFORMED),
                                "is refused or damaged");
    if (status == SOTTO_OK && (uint64_t)seq != a->seq)
        status = sotto_diag_set(diag, SOTTO_ERR(HQ, MALFORMED), "the number is not the path's");
    return status;
}

sotto_status hq_collect_absent(hq_collector *c, const hq_device *device, uint64_t seq, sotto_span body,
                               bool *repeated, sotto_diag *diag)
{
    sotto_json *doc = NULL;
    hq_absence absence = {
        .device = device->id, .chain = device->chain, .seq = seq, .now_s = c->clock.utc_s(c->clock.ctx)};
    *repeated = false;
    sotto_status status = sotto_json_parse(&doc, body, "absent", diag);
    if (status == SOTTO_OK)
        status = read_absence(sotto_json_root(doc), &absence, diag);
    if (status == SOTTO_OK)
        status = hq_registry_absent(c->registry, &absence, repeated, diag);
    sotto_json_free(doc);
    if (status == SOTTO_OK && !*repeated)
        sotto_log_event(c->log, SOTTO_LOG_WARN, "report.absent", "device=%s seq=%llu reason=%s", device->id,
                        (unsigned long long)seq, absence.reason);
    return status;
}

/* ---- how it does ---- */

/* Words go into the log: short, and nothing but letters, digits, '.', '_', '-', '+'. */
static sotto_status read_word(sotto_json_node body, const char *name, char *out, size_t cap, sotto_diag *diag)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-+";
    sotto_span text;
    sotto_status status = sotto_json_get_str(body, name, &text, diag);
    if (status == SOTTO_OK &&
        (sotto_span_to_str(text, out, cap) != SOTTO_OK || strspn(out, allowed) != text.len))
        status = sotto_json_bad(sotto_json_member(body, name), diag, SOTTO_ERR(HQ, MALFORMED),
                                "is a word of at most %zu letters", cap - 1);
    return status;
}

/* A number of the machine, which older terminals do not tell. */
static sotto_status read_number(sotto_json_node body, const char *name, int64_t min, int64_t max, bool *has,
                                int64_t *out, sotto_diag *diag)
{
    *has = sotto_json_type(sotto_json_member(body, name)) != SOTTO_JSON_ABSENT;
    return *has ? sotto_json_get_i64(body, name, min, max, out, diag) : SOTTO_OK;
}

static sotto_status read_machine(sotto_json_node body, hq_health *h, sotto_diag *diag)
{
    sotto_status status =
        read_number(body, "disk_free_mib", 0, HQ_TOLD_MAX, &h->has_disk, &h->disk_free_mib, diag);
    if (status == SOTTO_OK)
        status = read_number(body, "waiting", 0, HQ_TOLD_MAX, &h->has_waiting, &h->waiting, diag);
    if (status == SOTTO_OK)
        status = read_number(body, "clock_ahead_min", -HQ_TOLD_MAX, HQ_TOLD_MAX, &h->has_clock,
                             &h->clock_ahead_min, diag);
    return status;
}

static sotto_status read_health(sotto_json_node body, hq_health *h, sotto_diag *diag)
{
    static const char *const members[] = {"release", "good",          "failed",  "why",
                                          "program", "disk_free_mib", "waiting", "clock_ahead_min"};
    sotto_status status = sotto_json_only(body, members, SOTTO_COUNT(members), diag);
    if (status == SOTTO_OK)
        status = sotto_json_get_i64(body, "release", 0, HQ_TOLD_MAX, &h->release, diag);
    if (status == SOTTO_OK)
        status = sotto_json_get_i64(body, "good", 0, HQ_TOLD_MAX, &h->good, diag);
    if (status == SOTTO_OK)
        status = sotto_json_get_i64(body, "failed", 0, HQ_TOLD_MAX, &h->failed, diag);
    if (status == SOTTO_OK)
        status = read_word(body, "why", h->why, sizeof h->why, diag);
    if (status == SOTTO_OK)
        status = read_word(body, "program", h->program, sizeof h->program, diag);
    return status == SOTTO_OK ? read_machine(body, h, diag) : status;
}

/* Those that it told. */
static void log_health(const sotto_log *log, const char *device, const hq_health *h)
{
    char machine[128] = "";
    size_t len = 0;
    if (h->has_disk)
        len += (size_t)snprintf(machine, sizeof machine, " disk_free_mib=%lld", (long long)h->disk_free_mib);
    if (h->has_waiting)
        len += (size_t)snprintf(machine + len, sizeof machine - len, " waiting=%lld", (long long)h->waiting);
    if (h->has_clock)
        (void)snprintf(machine + len, sizeof machine - len, " clock_ahead_min=%lld",
                       (long long)h->clock_ahead_min);
    sotto_log_event(log, h->failed != 0 ? SOTTO_LOG_WARN : SOTTO_LOG_INFO, "release.health",
                    "device=%s release=%lld good=%lld failed=%lld why=%s program=%s%s", device,
                    (long long)h->release, (long long)h->good, (long long)h->failed, h->why, h->program,
                    machine);
}

sotto_status hq_collect_health(hq_collector *c, const hq_device *device, sotto_span body, sotto_diag *diag)
{
    sotto_json *doc = NULL;
    hq_health h = {.told_s = c->clock.utc_s(c->clock.ctx)};
    sotto_status status = sotto_json_parse(&doc, body, "health", diag);
    if (status == SOTTO_OK)
        status = read_health(sotto_json_root(doc), &h, diag);
    sotto_json_free(doc);
    if (status == SOTTO_OK)
        status = hq_registry_health_put(c->registry, device->id, &h, diag);
    if (status == SOTTO_OK)
        log_health(c->log, device->id, &h);
    return status;
}
