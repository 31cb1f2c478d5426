/* What the terminal says of itself: status for the operator, audit for the privacy officer. */
#include "engine/tell.h"
#include "engine/showings.h"

#include <stdio.h>
#include <string.h>

static void put_time(sotto_json_writer *w, const char *name, int64_t utc_s)
{
    char text[21];
    sotto_json_name(w, name);
    if (utc_s <= 0) {
        sotto_json_null(w);
        return;
    }
    sotto_time_format(utc_s, text);
    sotto_json_cstr(w, text);
}

static void put_model(sotto_json_writer *w, const kiosk_engine *e)
{
    const sotto_model_info *info = sotto_model_info_of(e->release.model);
    sotto_json_name(w, "model");
    sotto_json_obj(w);
    sotto_json_name(w, "name");
    sotto_json_cstr(w, info->name);
    sotto_json_name(w, "trees");
    sotto_json_u64(w, info->trees);
    sotto_json_name(w, "steps_max");
    sotto_json_u64(w, info->steps_max);
    sotto_json_obj_end(w);
}

static void put_outbox(sotto_json_writer *w, const sotto_outbox_sum *sum)
{
    sotto_json_name(w, "outbox");
    sotto_json_obj(w);
    sotto_json_name(w, "reports");
    sotto_json_u64(w, sum->reports);
    sotto_json_name(w, "waiting");
    sotto_json_u64(w, sum->waiting);
    sotto_json_name(w, "set_aside");
    sotto_json_u64(w, sum->set_aside);
    put_time(w, "last_acknowledged", sum->last_ack_s);
    sotto_json_obj_end(w);
}

/* Why no report may leave, or no offer be made, or null. */
static void put_stopped(kiosk_engine *e, sotto_json_writer *w)
{
    sotto_diag why = {0};
    sotto_json_name(w, "stopped");
    if (sotto_tally_check(e->store, &e->witness, &why) != SOTTO_OK)
        sotto_json_cstr(w, why.text);
    else if (e->caps_unknown)
        sotto_json_cstr(w, "an old copy of the store was put back: only notices are shown until `sotto audit "
                           "accept-restore`");
    else
        sotto_json_null(w);
}

/* Where now comes from: the newest time that head office told, and how far the machine's clock is off. */
static void put_clock(sotto_json_writer *w, const kiosk_engine *e, int64_t now_s)
{
    sotto_json_name(w, "clock");
    sotto_json_obj(w);
    put_time(w, "told", e->time.known_s);
    sotto_json_name(w, "told_since_start");
    sotto_json_bool(w, e->time.told);
    sotto_json_name(w, "machine_ahead_s");
    sotto_json_i64(w, e->clock.utc_s(e->clock.ctx) - now_s);
    sotto_json_obj_end(w);
}

static void put_health_members(sotto_json_writer *w, const kiosk_engine *e)
{
    const kiosk_health *h = &e->health;
    sotto_json_name(w, "good");
    sotto_json_u64(w, h->good);
    sotto_json_name(w, "failed");
    sotto_json_u64(w, h->failed);
    sotto_json_name(w, "why");
    sotto_json_cstr(w, kiosk_unwell_code(h->why));
}

/* Coarse, so that most nights have nothing new to tell: a power of two not above it. */
static uint64_t coarse(uint64_t value)
{
    uint64_t power = 1;
    while (power <= value / 2)
        power *= 2;
    return value == 0 ? 0 : power;
}

/* Numbers of the machine; what cannot be had is left out. */
static void put_machine(sotto_json_writer *w, kiosk_engine *e)
{
    uint64_t free_bytes = 0;
    int64_t now_s = 0;
    sotto_outbox_sum sum;
    if (sotto_port_disk_free(e->config->store_dir, &free_bytes, NULL) == SOTTO_OK) {
        sotto_json_name(w, "disk_free_mib");
        sotto_json_u64(w, coarse(free_bytes >> 20));
    }
    if (sotto_store_outbox_sum(e->store, &sum, NULL) == SOTTO_OK) {
        sotto_json_name(w, "waiting");
        sotto_json_u64(w, sum.waiting);
    }
    if (kiosk_now(e, &now_s, NULL) == SOTTO_OK) {
        sotto_json_name(w, "clock_ahead_min");
        sotto_json_i64(w, (e->clock.utc_s(e->clock.ctx) - now_s) / 60);
    }
}

sotto_status kiosk_health_json(kiosk_engine *e, sotto_buf *json)
{
    sotto_json_writer w = sotto_json_writer_of(json);
    sotto_json_obj(&w);
    sotto_json_name(&w, "release");
    sotto_json_u64(&w, e->release.version);
    put_health_members(&w, e);
    sotto_json_name(&w, "program");
    sotto_json_cstr(&w, SOTTO_VERSION);
    put_machine(&w, e);
    sotto_json_obj_end(&w);
    return sotto_json_writer_end(&w);
}

/* Releases here: the one to go back to, the newest that failed. */
static void put_health(sotto_json_writer *w, const kiosk_engine *e)
{
    sotto_json_name(w, "releases");
    sotto_json_obj(w);
    put_health_members(w, e);
    sotto_json_name(w, "text");
    sotto_json_cstr(w, e->health.failed != 0 ? kiosk_unwell_text(e->health.why) : "");
    sotto_json_obj_end(w);
}

/* Room for the store to grow; null when the folder cannot be looked at. */
static void put_disk(sotto_json_writer *w, const kiosk_engine *e)
{
    uint64_t bytes = 0;
    sotto_json_name(w, "disk");
    if (sotto_port_disk_free(e->config->store_dir, &bytes, NULL) != SOTTO_OK) {
        sotto_json_null(w);
        return;
    }
    sotto_json_obj(w);
    sotto_json_name(w, "free_bytes");
    sotto_json_u64(w, bytes);
    sotto_json_obj_end(w);
}

/* What the last night of this run closed, or null. */
static void put_night(sotto_json_writer *w, const kiosk_night_sum *night)
{
    sotto_json_name(w, "night");
    if (night->at_s == 0) {
        sotto_json_null(w);
        return;
    }
    sotto_json_obj(w);
    put_time(w, "closed_at", night->at_s);
    sotto_json_name(w, "reports");
    sotto_json_u64(w, night->reports);
    sotto_json_name(w, "left_out");
    sotto_json_u64(w, night->left_out);
    sotto_json_obj_end(w);
}

static bool count_budgets(kiosk_engine *e, int64_t now_s, uint64_t reports)
{
    kiosk_budget_sum *b = &e->budgets;
    const int64_t day = sotto_floor_div_i64(now_s, 86400);
    if (b->counted && b->day == day && b->release == e->release.version && b->reports == reports)
        return true;
    sotto_diag diag = {0};
    b->counted = sotto_tally_budgets_of(e->store, &e->release.tasks, now_s, &b->sum, &diag) == SOTTO_OK;
    b->day = day;
    b->release = e->release.version;
    b->reports = reports;
    if (!b->counted)
        sotto_log_event(&e->log, SOTTO_LOG_WARN, "budget.not_counted", "reason=\"%s\"", diag.text);
    return b->counted;
}

const char *const KIOSK_QUARTER[SOTTO_TALLY_QUARTERS] = {"below_quarter", "quarter", "half",
                                                         "three_quarters"};

/* Null: the ledger cannot be read. Exact numbers, for the operator of this terminal only. */
static void put_budget(sotto_json_writer *w, kiosk_engine *e, int64_t now_s, uint64_t reports)
{
    sotto_json_name(w, "budget");
    if (!count_budgets(e, now_s, reports)) {
        sotto_json_null(w);
        return;
    }
    sotto_json_obj(w);
    sotto_json_name(w, "charged");
    sotto_json_u64(w, e->budgets.sum.charged);
    sotto_json_name(w, "nothing_left");
    sotto_json_u64(w, e->budgets.sum.nothing_left);
    sotto_json_name(w, "left");
    sotto_json_obj(w);
    for (size_t i = 0; i < SOTTO_TALLY_QUARTERS; i++) {
        sotto_json_name(w, KIOSK_QUARTER[i]);
        sotto_json_u64(w, e->budgets.sum.left[i]);
    }
    sotto_json_obj_end(w);
    sotto_json_name(w, "nobody_can_pay");
    sotto_json_bool(w, e->budgets.sum.nobody_can_pay);
    sotto_json_obj_end(w);
}

sotto_status kiosk_status_json(kiosk_engine *e, sotto_buf *json, sotto_diag *diag)
{
    char device[65] = "";
    uint64_t customers = 0;
    int64_t now_s = 0;
    sotto_outbox_sum sum = {0};
    sotto_status status = kiosk_now(e, &now_s, diag);
    if (status == SOTTO_OK)
        status = sotto_store_count(e->store, SOTTO_RECORD_PROFILE, &customers, diag);
    if (status == SOTTO_OK)
        status = sotto_store_outbox_sum(e->store, &sum, diag);
    if (status != SOTTO_OK)
        return status;
    bool enrolled = kiosk_device_get(e, device, NULL) == SOTTO_OK;
    sotto_json_writer w = sotto_json_writer_of(json);
    sotto_json_obj(&w);
    sotto_json_name(&w, "version");
    sotto_json_cstr(&w, SOTTO_VERSION);
    sotto_json_name(&w, "device");
    if (enrolled)
        sotto_json_cstr(&w, device);
    else
        sotto_json_null(&w);
    put_time(&w, "now", now_s);
    put_clock(&w, e, now_s);
    sotto_json_name(&w, "release");
    sotto_json_u64(&w, e->release.version);
    if (e->release.version != 0)
        put_model(&w, e);
    put_health(&w, e);
    sotto_json_name(&w, "customers");
    sotto_json_u64(&w, customers);
    sotto_json_name(&w, "decisions");
    sotto_json_u64(&w, e->decisions);
    sotto_json_name(&w, "events");
    sotto_json_u64(&w, e->events);
    put_outbox(&w, &sum);
    put_night(&w, &e->night);
    put_budget(&w, e, now_s, sum.reports);
    put_disk(&w, e);
    put_stopped(e, &w);
    sotto_json_obj_end(&w);
    return sotto_json_writer_end(&w);
}

typedef struct audit_walk {
    kiosk_engine *engine;
    sotto_vec *json;
    bool with_bytes, any;
} audit_walk;

static void put_bytes(sotto_json_writer *w, sotto_span sealed)
{
    static char text[2 * SOTTO_REPORT_MAX + 1];
    sotto_hex_encode(sealed, text, sizeof text);
    sotto_json_name(w, "sealed");
    sotto_json_cstr(w, text);
}

static void write_report(sotto_json_writer *w, const sotto_outbox_entry *entry, sotto_span sealed,
                         bool with_bytes)
{
    char hash[2 * SOTTO_SHA256_BYTES + 1];
    sotto_hex_encode(sotto_span_of(entry->sha256, sizeof entry->sha256), hash, sizeof hash);
    sotto_json_obj(w);
    sotto_json_name(w, "seq");
    sotto_json_u64(w, entry->seq);
    put_time(w, "sealed_at", entry->sealed_s);
    put_time(w, "acknowledged_at", entry->acked_s);
    sotto_json_name(w, "damaged");
    sotto_json_bool(w, entry->acked_s < 0);
    sotto_json_name(w, "bytes");
    sotto_json_u64(w, entry->bytes);
    sotto_json_name(w, "sha256");
    sotto_json_cstr(w, hash);
    sotto_json_name(w, "what");
    sotto_json_raw(w, sotto_span_str(entry->note));
    if (with_bytes && sealed.len <= SOTTO_REPORT_MAX)
        put_bytes(w, sealed);
    sotto_json_obj_end(w);
}

static sotto_status put_report(void *ctx, const sotto_outbox_entry *entry, sotto_span sealed)
{
    audit_walk *walk = ctx;
    sotto_buf one = sotto_buf_of(walk->engine->answer, sizeof walk->engine->answer);
    sotto_json_writer w = sotto_json_writer_of(&one);
    write_report(&w, entry, sealed, walk->with_bytes);
    sotto_status status = sotto_json_writer_end(&w);
    if (status == SOTTO_OK && walk->any)
        status = sotto_vec_put(walk->json, ",", 1);
    if (status == SOTTO_OK)
        status = sotto_vec_put(walk->json, one.ptr, one.len);
    walk->any = true;
    return status;
}

static sotto_status put_reports(kiosk_engine *e, bool with_bytes, sotto_vec *json, sotto_diag *diag)
{
    static const char head[] = "\"reports\":[", tail[] = "]}";
    audit_walk walk = {.engine = e, .json = json, .with_bytes = with_bytes};
    sotto_status status = sotto_vec_put(json, head, sizeof head - 1);
    if (status == SOTTO_OK)
        status = sotto_store_outbox_each(e->store, put_report, &walk, diag);
    return status == SOTTO_OK ? sotto_vec_put(json, tail, sizeof tail - 1) : status;
}

/* Old copies of the store that somebody accepted: what they lost is in no report and no cap. */
static sotto_status put_restores(kiosk_engine *e, sotto_vec *json, sotto_diag *diag)
{
    kiosk_restores r;
    char last[21];
    sotto_status status = kiosk_restores_read(e, &r, diag);
    if (status != SOTTO_OK || r.times == 0)
        return status;
    sotto_time_format(r.last_s, last);
    return sotto_vec_printf(json,
                            "\"restores\":{\"accepted\":%lld,\"last_at\":\"%s\",\"reports\":%lld,"
                            "\"showings\":%lld},",
                            (long long)r.times, last, (long long)r.reports, (long long)r.showings);
}

sotto_status kiosk_audit_json(kiosk_engine *e, bool with_bytes, sotto_vec *json, sotto_diag *diag)
{
    sotto_status status = sotto_vec_put(json, "{", 1);
    if (status == SOTTO_OK)
        status = put_restores(e, json, diag);
    return status == SOTTO_OK ? put_reports(e, with_bytes, json, diag) : status;
}

/* Who says it, when, and by which key: the first members of the statement. */
static sotto_status put_head(kiosk_engine *e, sotto_vec *out, sotto_diag *diag)
{
    uint8_t key[SOTTO_PUBLIC_KEY_BYTES];
    char device[65], hex[2 * SOTTO_PUBLIC_KEY_BYTES + 1], text[512], made[21];
    int64_t now_s = 0;
    sotto_status status = kiosk_device_get(e, device, diag);
    if (status == SOTTO_OK)
        status = kiosk_now(e, &now_s, diag);
    if (status == SOTTO_OK)
        status = sotto_vault_report_public_key(e->vault, key);
    if (status != SOTTO_OK)
        return status;
    sotto_hex_encode(sotto_span_of(key, sizeof key), hex, sizeof hex);
    sotto_time_format(now_s, made);
    int len = snprintf(text, sizeof text,
                       "{\"format\":\"sotto-audit\",\"version\":1,\"device\":\"%s\",\"report_key\":\"%s\","
                       "\"made_at\":\"%s\",",
                       device, hex, made);
    return sotto_vec_put(out, text, (size_t)len);
}

sotto_status kiosk_audit_export(kiosk_engine *e, sotto_vec *out, sotto_diag *diag)
{
    uint8_t signature[SOTTO_SIGNATURE_BYTES];
    char hex[2 * SOTTO_SIGNATURE_BYTES + 1], line[2 * SOTTO_SIGNATURE_BYTES + 32];
    sotto_status status = put_head(e, out, diag);
    if (status == SOTTO_OK)
        status = put_reports(e, true, out, diag);
    if (status == SOTTO_OK)
        status = sotto_vault_report_sign(e->vault, sotto_vec_span(out), signature);
    if (status != SOTTO_OK)
        return status;
    sotto_hex_encode(sotto_span_of(signature, sizeof signature), hex, sizeof hex);
    int len = snprintf(line, sizeof line, "\n{\"signature\":\"%s\"}\n", hex);
    return sotto_vec_put(out, line, (size_t)len);
}
