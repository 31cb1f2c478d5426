/* enrol-code, devices, revoke: the fleet. */
#include "admin/devices.h"
#include "collector/expiry.h"
#include "commands.h"
#include "office/args.h"
#include "office/code.h"
#include "office/day.h"
#include "office/json.h"
#include "pack/pack.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- enrol-code ---- */

static sotto_status make_code(const char *dir, const char *device, int64_t expires_s,
                              char text[static HQ_CODE_TEXT], sotto_diag *diag)
{
    uint8_t secret[HQ_CODE_BYTES], hash[SOTTO_SHA256_BYTES];
    hq_registry *registry = NULL;
    sotto_entropy entropy = sotto_port_entropy();
    sotto_status status = hq_office_own(dir, diag);
    if (status == SOTTO_OK)
        status = sotto_vault_start(diag);
    if (status == SOTTO_OK)
        status = hq_office_registry(dir, &registry, diag);
    if (status == SOTTO_OK)
        status = entropy.fill(entropy.ctx, secret, sizeof secret);
    if (status == SOTTO_OK)
        status = hq_code_hash(secret, hash);
    if (status == SOTTO_OK)
        status = hq_registry_code_put(registry, device, hash, hq_now(), expires_s, diag);
    if (status == SOTTO_OK)
        hq_code_format(secret, text);
    hq_registry_close(registry);
    sotto_wipe(secret, sizeof secret);
    return status;
}

static sotto_status print_code(const char *device, const char *code, int64_t expires_s, bool as_json,
                               sotto_diag *diag)
{
    hq_json json;
    char until[21];
    if (!as_json) {
        sotto_time_format(expires_s, until);
        printf("%s\n", code);
        fprintf(stderr, "One-time code for %s, good until %s. On the terminal: sotto enrol %s\n", device,
                until, code);
        return SOTTO_OK;
    }
    sotto_status status = hq_json_begin(&json, 1024, diag);
    if (status != SOTTO_OK)
        return status;
    sotto_json_obj(&json.w);
    sotto_json_name(&json.w, "device");
    sotto_json_cstr(&json.w, device);
    sotto_json_name(&json.w, "code");
    sotto_json_cstr(&json.w, code);
    sotto_json_name(&json.w, "expires");
    hq_json_time(&json.w, expires_s);
    sotto_json_obj_end(&json.w);
    return hq_json_print(&json, diag);
}

int hq_cmd_enrol_code(int argc, char **argv)
{
    sotto_diag diag = {0};
    const char *dir = NULL, *device = NULL;
    int64_t hours = 72;
    bool as_json = false;
    char code[HQ_CODE_TEXT];
    const hq_option options[] = {{"--dir", HQ_TEXT, &dir, .required = true},
                                 {"--device", HQ_TEXT, &device, .required = true},
                                 {"--valid-hours", HQ_NUMBER, &hours, .min = 1, .max = 24 * 90},
                                 {"--json", HQ_FLAG, &as_json, .required = false}};
    if (!hq_options(argc, argv, options, SOTTO_COUNT(options)))
        return 2;
    int64_t expires_s = hq_now() + hours * 3600;
    sotto_status status = make_code(dir, device, expires_s, code, &diag);
    if (status == SOTTO_OK)
        status = print_code(device, code, expires_s, as_json, &diag);
    sotto_wipe(code, sizeof code);
    return status == SOTTO_OK ? 0 : hq_fail(status, &diag);
}

/* ---- devices ---- */

/* Bytes of one terminal's JSON: every alarm and every finding at once. */
#define ENTRY_MAX 8192

typedef struct listing {
    const char *dir;
    hq_registry *registry;
    hq_json json;
    bool as_json;
    int64_t now_s;
    hq_newest newest;
    size_t devices, enrolled, alarmed, wanting;
    sotto_diag *diag;
} listing;

/* One of them, with what is to be said of it. */
typedef struct entry {
    const hq_device *device;
    hq_health health;
    hq_finding findings[HQ_CHECK_COUNT];
    size_t finding_count;
    hq_alarm_entry alarms[HQ_ALARM_COUNT];
    size_t alarm_count;
} entry;

/* ---- tag packs: what was made for it, and what it says that it holds ---- */

typedef struct packs {
    uint64_t made, held, refused;
    bool wants_full; /* what was made builds on a pack that it does not hold */
    bool said;
} packs;

static packs packs_of(const listing *l, const hq_device *d)
{
    packs p = {0};
    hq_pack_next next;
    sotto_pack_state state;
    if (hq_pack_next_read(l->dir, d->id, &next, NULL) == SOTTO_OK)
        p.made = next.seq;
    p.said = hq_pack_said(l->dir, d->id, &state, NULL) == SOTTO_OK;
    if (p.said) {
        p.held = state.held;
        p.refused = state.refused;
        p.wants_full = p.made > state.held && !hq_pack_fits(&next, &state);
    }
    return p;
}

static void print_packs(const packs *p)
{
    if (p->made == 0)
        return;
    printf("    tag pack %llu of %llu%s\n", (unsigned long long)p->held, (unsigned long long)p->made,
           p->wants_full ? ": the newest is of no use to it, sotto-hq pack make makes another" : "");
}

static void put_packs(sotto_json_writer *w, const packs *p)
{
    sotto_json_name(w, "pack");
    sotto_json_obj(w);
    sotto_json_name(w, "made");
    sotto_json_u64(w, p->made);
    sotto_json_name(w, "held");
    sotto_json_u64(w, p->held);
    sotto_json_name(w, "refused");
    sotto_json_u64(w, p->refused);
    sotto_json_name(w, "wanted");
    sotto_json_bool(w, p->wants_full);
    sotto_json_obj_end(w);
}

static void day_or_dash(int64_t utc_s, char out[static 21])
{
    if (utc_s == 0) {
        memcpy(out, "-", 2);
        return;
    }
    sotto_time_format(utc_s, out);
    out[16] = '\0'; /* to the minute */
    out[10] = ' ';
}

/* 0 is no number of a report and no release: nothing has come yet. */
static void number_or_dash(uint64_t value, char out[static 21])
{
    if (value == 0)
        memcpy(out, "-", 2);
    else
        (void)snprintf(out, 21, "%llu", (unsigned long long)value);
}

/* "8", or "7 < 8" where the newest is another. */
static void release_or_dash(const listing *l, uint64_t used, char out[static 48])
{
    char number[21];
    number_or_dash(used, number);
    if (used != 0 && used < l->newest.release)
        (void)snprintf(out, 48, "%s < %llu", number, (unsigned long long)l->newest.release);
    else
        (void)snprintf(out, 48, "%s", number);
}

/* Of the machine: what waits, free disk (at least so much), its clock. */
static void machine_or_dash(const hq_health *h, char waiting[static 24], char disk[static 24],
                            char clock[static 24])
{
    bool gib = h->disk_free_mib >= 1024;
    (void)snprintf(waiting, 24, "%lld", (long long)h->waiting);
    (void)snprintf(disk, 24, "%lld%c+", (long long)(gib ? h->disk_free_mib / 1024 : h->disk_free_mib),
                   gib ? 'G' : 'M');
    (void)snprintf(clock, 24, "%+lldm", (long long)h->clock_ahead_min);
    if (!h->has_waiting)
        memcpy(waiting, "-", 2);
    if (!h->has_disk)
        memcpy(disk, "-", 2);
    if (!h->has_clock)
        memcpy(clock, "-", 2);
}

#define ROW "%-24s %-9s %-11s %-17s %-17s %6s %9s %7s %8s %7s\n"

static void print_row(const listing *l, const entry *x)
{
    const hq_device *d = x->device;
    char until[21], contact[21], last[21], seq[21], release[48], waiting[24], disk[24], clock[24];
    day_or_dash(d->certificate_until_s, until);
    until[d->certificate_until_s == 0 ? 1 : 10] = '\0';
    day_or_dash(hq_device_contact(d, &x->health), contact);
    day_or_dash(d->last_report, last);
    number_or_dash(d->last_seq, seq);
    release_or_dash(l, hq_device_release(d, &x->health), release);
    machine_or_dash(&x->health, waiting, disk, clock);
    printf(ROW, d->id, hq_device_state_name(d->state), until, contact, last, seq, release, waiting, disk,
           clock);
}

static void print_device(const listing *l, const entry *x)
{
    print_row(l, x);
    for (size_t i = 0; i < x->finding_count; i++)
        printf("    %s: %s\n        do: %s\n", hq_check_name(x->findings[i].check), x->findings[i].text,
               x->findings[i].remedy);
    const packs p = packs_of(l, x->device);
    print_packs(&p);
    for (size_t i = 0; i < x->alarm_count; i++)
        printf("  ! %s (%llu): %s\n", hq_alarm_name(x->alarms[i].alarm),
               (unsigned long long)x->alarms[i].count, hq_alarm_advice(x->alarms[i].alarm));
}

static void put_member_time(sotto_json_writer *w, const char *name, int64_t utc_s)
{
    sotto_json_name(w, name);
    hq_json_time(w, utc_s);
}

static void put_alarms(sotto_json_writer *w, const entry *x)
{
    const hq_alarm_entry *alarms = x->alarms;
    sotto_json_name(w, "alarms");
    sotto_json_arr(w);
    for (size_t i = 0; i < x->alarm_count; i++) {
        sotto_json_obj(w);
        sotto_json_name(w, "alarm");
        sotto_json_cstr(w, hq_alarm_name(alarms[i].alarm));
        sotto_json_name(w, "count");
        sotto_json_u64(w, alarms[i].count);
        put_member_time(w, "first", alarms[i].first_s);
        put_member_time(w, "last", alarms[i].last_s);
        sotto_json_name(w, "advice");
        sotto_json_cstr(w, hq_alarm_advice(alarms[i].alarm));
        sotto_json_obj_end(w);
    }
    sotto_json_arr_end(w);
}

static void put_findings(sotto_json_writer *w, const entry *x)
{
    sotto_json_name(w, "findings");
    sotto_json_arr(w);
    for (size_t i = 0; i < x->finding_count; i++) {
        sotto_json_obj(w);
        sotto_json_name(w, "check");
        sotto_json_cstr(w, hq_check_name(x->findings[i].check));
        sotto_json_name(w, "text");
        sotto_json_cstr(w, x->findings[i].text);
        sotto_json_name(w, "remedy");
        sotto_json_cstr(w, x->findings[i].remedy);
        sotto_json_obj_end(w);
    }
    sotto_json_arr_end(w);
}

/* Null: it did not tell. */
static void put_number(sotto_json_writer *w, const char *name, bool has, int64_t value)
{
    sotto_json_name(w, name);
    if (has)
        sotto_json_i64(w, value);
    else
        sotto_json_null(w);
}

static void put_health(sotto_json_writer *w, const hq_health *h)
{
    sotto_json_name(w, "health");
    if (h->told_s == 0) {
        sotto_json_null(w);
        return;
    }
    sotto_json_obj(w);
    put_member_time(w, "told", h->told_s);
    put_number(w, "release", true, h->release);
    put_number(w, "good", true, h->good);
    put_number(w, "failed", true, h->failed);
    sotto_json_name(w, "why");
    sotto_json_cstr(w, h->why);
    sotto_json_name(w, "program");
    sotto_json_cstr(w, h->program);
    put_number(w, "disk_free_mib", h->has_disk, h->disk_free_mib);
    put_number(w, "waiting", h->has_waiting, h->waiting);
    put_number(w, "clock_ahead_min", h->has_clock, h->clock_ahead_min);
    sotto_json_obj_end(w);
}

static void put_reports(sotto_json_writer *w, const hq_device *d)
{
    put_member_time(w, "last_report", d->last_report);
    sotto_json_name(w, "seq");
    sotto_json_u64(w, d->last_seq);
    sotto_json_name(w, "reports");
    sotto_json_u64(w, d->reports);
    sotto_json_name(w, "missing");
    sotto_json_u64(w, d->last_seq - d->reports - d->absent);
    sotto_json_name(w, "set_aside");
    sotto_json_u64(w, d->absent);
}

static void put_device(listing *l, const entry *x)
{
    const hq_device *d = x->device;
    sotto_json_writer *w = &l->json.w;
    sotto_json_obj(w);
    sotto_json_name(w, "device");
    sotto_json_cstr(w, d->id);
    sotto_json_name(w, "state");
    sotto_json_cstr(w, hq_device_state_name(d->state));
    put_member_time(w, "enrolled", d->enrolled_s);
    put_member_time(w, "certificate_until", d->certificate_until_s);
    put_member_time(w, "last_contact", hq_device_contact(d, &x->health));
    put_reports(w, d);
    put_member_time(w, "quarantined", d->quarantined_s);
    sotto_json_name(w, "release");
    sotto_json_u64(w, hq_device_release(d, &x->health));
    const packs p = packs_of(l, d);
    put_packs(w, &p);
    put_alarms(w, x);
    put_findings(w, x);
    put_health(w, &x->health);
    sotto_json_obj_end(w);
}

/* One by one: a large fleet's list needs no more memory than a small one's. */
static sotto_status print_entry(listing *l, const entry *x)
{
    put_device(l, x);
    if (l->json.w.status != SOTTO_OK)
        return sotto_diag_set(l->diag, l->json.w.status, "the answer could not be written as JSON");
    if (fwrite(l->json.buf.ptr, 1, l->json.buf.len, stdout) != l->json.buf.len)
        return sotto_diag_set(l->diag, SOTTO_ERR(HQ, IO), "standard output could not be written");
    l->json.buf.len = 0;
    return SOTTO_OK;
}

static sotto_status list_device(void *ctx, const hq_device *device)
{
    listing *l = ctx;
    entry x = {.device = device};
    sotto_status status = hq_registry_alarms(l->registry, device, x.alarms, &x.alarm_count, l->diag);
    if (status == SOTTO_OK)
        status = hq_registry_health(l->registry, device->id, &x.health, l->diag);
    if (status != SOTTO_OK)
        return status;
    x.finding_count = hq_device_judge(device, &x.health, &l->newest, l->now_s, x.findings);
    l->devices++;
    l->enrolled += device->state == HQ_DEVICE_ENROLLED;
    l->alarmed += x.alarm_count > 0;
    l->wanting += device->state == HQ_DEVICE_ENROLLED && x.finding_count > 0;
    if (l->as_json)
        return print_entry(l, &x);
    print_device(l, &x);
    return SOTTO_OK;
}

/* Before the fleet: what would stop all of it at once. */
static void tell_expiries(const listing *l)
{
    hq_expiry all[HQ_EXPIRIES];
    char until[21];
    const size_t count = hq_office_expiries(l->dir, l->now_s, all);
    for (size_t i = 0; i < count; i++) {
        if (!all[i].near)
            continue;
        sotto_time_format(all[i].until_s, until);
        if (all[i].until_s == 0)
            printf("! %s of this office cannot be read: %s\n", all[i].what, all[i].remedy);
        else
            printf("! %s of this office %s %.10s: %s\n", all[i].what,
                   all[i].until_s < l->now_s ? "ended on" : "ends on", until, all[i].remedy);
    }
}

static void put_expiries(listing *l)
{
    hq_expiry all[HQ_EXPIRIES];
    const size_t count = hq_office_expiries(l->dir, l->now_s, all);
    sotto_json_writer *w = &l->json.w;
    sotto_json_name(w, "office");
    sotto_json_arr(w);
    for (size_t i = 0; i < count; i++) {
        sotto_json_obj(w);
        sotto_json_name(w, "what");
        sotto_json_cstr(w, all[i].what);
        put_member_time(w, "until", all[i].until_s);
        sotto_json_name(w, "near");
        sotto_json_bool(w, all[i].near);
        sotto_json_name(w, "remedy");
        sotto_json_cstr(w, all[i].near ? all[i].remedy : "");
        sotto_json_obj_end(w);
    }
    sotto_json_arr_end(w);
}

static sotto_status list_text(listing *l, sotto_diag *diag)
{
    tell_expiries(l);
    printf(ROW, "DEVICE", "STATE", "CERTIFICATE", "LAST CONTACT", "LAST REPORT", "SEQ", "RELEASE", "WAITING",
           "DISK", "CLOCK");
    sotto_status status = hq_registry_devices(l->registry, list_device, l, diag);
    if (status == SOTTO_OK)
        printf("%zu device%s, %zu enrolled, %zu with alarms, %zu in want of something. Budgets stay on the "
               "terminals: sotto doctor there.\n",
               l->devices, l->devices == 1 ? "" : "s", l->enrolled, l->alarmed, l->wanting);
    return status;
}

static sotto_status list_json(listing *l, sotto_diag *diag)
{
    sotto_status status = hq_json_begin(&l->json, 8 * ENTRY_MAX, diag); /* what is said of the office, too */
    if (status != SOTTO_OK)
        return status;
    sotto_json_obj(&l->json.w);
    sotto_json_name(&l->json.w, "devices");
    sotto_json_arr(&l->json.w);
    status = hq_registry_devices(l->registry, list_device, l, diag);
    sotto_json_arr_end(&l->json.w);
    put_expiries(l);
    sotto_json_name(&l->json.w, "newest_release");
    sotto_json_u64(&l->json.w, l->newest.release);
    sotto_json_name(&l->json.w, "budget");
    sotto_json_cstr(&l->json.w, "stays on the terminals: sotto doctor there");
    sotto_json_obj_end(&l->json.w);
    if (status == SOTTO_OK)
        return hq_json_print(&l->json, diag);
    hq_json_free(&l->json);
    return status;
}

int hq_cmd_devices(int argc, char **argv)
{
    sotto_diag diag = {0};
    const char *release = NULL;
    listing l = {.now_s = hq_now(), .diag = &diag};
    const hq_option options[] = {{"--dir", HQ_TEXT, &l.dir, .required = true},
                                 {"--release-quarantine", HQ_TEXT, &release, .required = false},
                                 {"--json", HQ_FLAG, &l.as_json, .required = false}};
    if (!hq_options(argc, argv, options, SOTTO_COUNT(options)))
        return 2;
    sotto_status status = sotto_vault_start(&diag);
    if (status == SOTTO_OK && release != NULL)
        status = hq_office_own(l.dir, &diag);
    if (status == SOTTO_OK)
        status = hq_office_registry(l.dir, &l.registry, &diag);
    if (status == SOTTO_OK && release != NULL)
        status = hq_registry_release_quarantine(l.registry, release, &diag);
    if (status == SOTTO_OK)
        hq_newest_read(l.dir, l.registry, &l.newest);
    if (status == SOTTO_OK)
        status = l.as_json ? list_json(&l, &diag) : list_text(&l, &diag);
    hq_registry_close(l.registry);
    return status == SOTTO_OK ? 0 : hq_fail(status, &diag);
}

/* ---- revoke ---- */

int hq_cmd_revoke(int argc, char **argv)
{
    sotto_diag diag = {0};
    const char *dir = NULL, *device = NULL;
    bool as_json = false;
    hq_registry *registry = NULL;
    const hq_option options[] = {{"--dir", HQ_TEXT, &dir, .required = true},
                                 {"--device", HQ_TEXT, &device, .required = true},
                                 {"--json", HQ_FLAG, &as_json, .required = false}};
    if (!hq_options(argc, argv, options, SOTTO_COUNT(options)))
        return 2;
    sotto_status status = hq_office_own(dir, &diag);
    if (status == SOTTO_OK)
        status = hq_office_registry(dir, &registry, &diag);
    if (status == SOTTO_OK)
        status = hq_registry_revoke(registry, device, hq_now(), &diag);
    hq_registry_close(registry);
    if (status != SOTTO_OK)
        return hq_fail(status, &diag);
    if (as_json)
        printf("{\"device\":\"%s\",\"state\":\"revoked\"}\n", device); /* a registered id needs no escapes */
    else
        printf("%s is revoked: it is refused from now on.\n", device);
    return 0;
}
