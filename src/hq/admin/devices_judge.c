#include "admin/devices.h"
#include "collector/collect.h"
#include "office/day.h"
#include "release/repo.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TASK_MEMORY   (1u << 20)
#define DISK_FULL_MIB 8 /* a terminal with less closes no period */
#define NIGHT_S       HQ_DAY_S

const char *hq_check_name(enum hq_check check)
{
    static const char *const names[] = {
#define X(name, text) text,
        HQ_CHECKS(X)
#undef X
    };
    return names[check];
}

/* ---- the newest release ---- */

/* A terminal sends a report for each period of each task, also when nothing happened. */
static uint32_t days_between_reports(hq_registry *registry, uint64_t release)
{
    sotto_arena arena;
    sotto_vec json;
    sotto_tasks tasks = {0};
    uint32_t days = 0;
    void *memory = malloc(TASK_MEMORY);
    sotto_vec_init(&json, HQ_FILE_LIMIT);
    sotto_arena_init(&arena, memory, memory != NULL ? TASK_MEMORY : 0);
    sotto_status status = hq_registry_release_tasks(registry, release, &json, NULL);
    if (status == SOTTO_OK)
        status = sotto_tasks_load(&tasks, sotto_vec_span(&json), "tasks.json", &arena, NULL);
    for (size_t i = 0; status == SOTTO_OK && i < tasks.count; i++)
        if (days == 0 || tasks.task[i].period_days < days)
            days = tasks.task[i].period_days;
    sotto_vec_free(&json);
    free(memory);
    return days;
}

void hq_newest_read(const char *dir, hq_registry *registry, hq_newest *out)
{
    hq_repo repo = {0};
    *out = (hq_newest){0};
    if (hq_repo_read(&repo, dir, NULL) == SOTTO_OK)
        out->release = repo.role[HQ_ROLE_TARGETS].version;
    hq_repo_free(&repo);
    if (out->release == 0)
        return;
    if (hq_registry_release_published(registry, out->release, &out->published_s, NULL) != SOTTO_OK)
        out->published_s = 0;
    out->days = days_between_reports(registry, out->release);
}

/* ---- what is known of one ---- */

uint64_t hq_device_release(const hq_device *device, const hq_health *health)
{
    return health->told_s != 0 ? (uint64_t)health->release : device->release;
}

int64_t hq_device_contact(const hq_device *device, const hq_health *health)
{
    int64_t at_s = device->contact_s;
    if (health->told_s > at_s)
        at_s = health->told_s;
    return device->last_report > at_s ? device->last_report : at_s;
}

/* ---- judging ---- */

typedef struct judged {
    const hq_device *device;
    const hq_health *health;
    const hq_newest *newest;
    int64_t now_s, contact_s;
    hq_finding *out;
    size_t count;
} judged;

SOTTO_PRINTF(4, 5)
static void find(judged *j, enum hq_check check, const char *remedy, const char *format, ...)
{
    hq_finding *f = &j->out[j->count++];
    va_list args;
    f->check = check;
    f->remedy = remedy;
    va_start(args, format);
    (void)vsnprintf(f->text, sizeof f->text, format, args);
    va_end(args);
}

static long long days_since(const judged *j, int64_t then_s)
{
    return (long long)((j->now_s - then_s) / HQ_DAY_S);
}

static void judge_clock(judged *j)
{
    int64_t ahead_min = j->health->clock_ahead_min;
    if (j->health->has_clock && llabs(ahead_min) > SOTTO_CLOCK_OFF_MIN)
        find(j, HQ_CHECK_CLOCK, "set it; meanwhile the terminal keeps to the time that head office tells",
             "its clock is %lld days %s", llabs(ahead_min) / (24 * 60), ahead_min > 0 ? "ahead" : "behind");
}

static void judge_disk(judged *j)
{
    int64_t mib = j->health->disk_free_mib;
    if (j->health->has_disk && mib < SOTTO_DISK_LOW_MIB)
        find(j, HQ_CHECK_DISK,
             mib < DISK_FULL_MIB
                 ? "make room: a full disk keeps new events out, and no period is closed there"
                 : "make room: a full disk keeps new events out",
             "less than %lld MiB free", mib > 0 ? 2 * (long long)mib : 1LL);
}

static void judge_certificate(judged *j)
{
    const hq_device *d = j->device;
    int64_t until_s = d->certificate_until_s;
    if (until_s < j->now_s && until_s + HQ_RENEW_GRACE_DAYS * HQ_DAY_S > j->now_s)
        find(j, HQ_CHECK_CERTIFICATE, "sotto sync there renews it, for 90 days after its end", "has ended");
    else if (until_s < j->now_s)
        find(j, HQ_CHECK_CERTIFICATE, "enrol-code here, then sotto enrol there", "ended long ago");
    else if (sotto_renewal_due(d->certificate_from_s, until_s, j->now_s - SOTTO_RENEWAL_LATE_DAYS * HQ_DAY_S))
        find(j, HQ_CHECK_CERTIFICATE, "sotto sync there renews it, and says why when it cannot",
             "its renewal is overdue: it ends in %lld days", -days_since(j, until_s));
}

/* A terminal that has not called since is a matter of its line, and one that failed it rings. */
static void judge_release(judged *j)
{
    uint64_t used = hq_device_release(j->device, j->health);
    const hq_newest *n = j->newest;
    uint64_t failed = (uint64_t)j->health->failed, held = failed > used ? failed : used;
    if (n->release != 0 && held > n->release) {
        find(
            j, HQ_CHECK_RELEASE,
            "an older copy of this office was put back, or the terminal is another office's: it takes nothing "
            "until its number is passed. sotto-hq publish until then, with the same tasks under the same ids",
            "it holds release %llu, and this office has published none after %llu", (unsigned long long)held,
            (unsigned long long)n->release);
        return;
    }
    if (n->release == 0 || failed == n->release)
        return;
    if (j->health->told_s != 0 && used == 0)
        find(j, HQ_CHECK_RELEASE, "sotto sync there says why; until it has one it shows nothing",
             "it uses none");
    else if (used != 0 && used < n->release && n->published_s != 0 && j->contact_s > n->published_s + NIGHT_S)
        find(j, HQ_CHECK_RELEASE, "sotto sync there says why it did not take the newest",
             "%llu is in use, %llu is the newest and was there when it called", (unsigned long long)used,
             (unsigned long long)n->release);
}

static bool silent(const judged *j)
{
    int64_t since_s = j->contact_s != 0 ? j->contact_s : j->device->enrolled_s;
    return since_s < j->now_s - SOTTO_SILENT_DAYS * HQ_DAY_S;
}

static void judge_sync(judged *j)
{
    static const char remedy[] =
        "look at its power and line; sotto sync there says why; see that its timer runs";
    if (j->contact_s == 0)
        find(j, HQ_CHECK_SYNC, silent(j) ? remedy : "its next night will; sotto sync there does it now",
             "has not called since it was enrolled, %lld days ago", days_since(j, j->device->enrolled_s));
    else if (silent(j))
        find(j, HQ_CHECK_SYNC, remedy, "has not called for %lld days", days_since(j, j->contact_s));
}

/* What waits there, and what should have come by now: of a terminal that calls. */
static void judge_outbox(judged *j)
{
    const hq_device *d = j->device;
    int64_t last_s = d->last_report > d->enrolled_s ? d->last_report : d->enrolled_s;
    int64_t due_s = last_s + (2 * (int64_t)j->newest->days + SOTTO_SILENT_DAYS) * HQ_DAY_S;
    if (j->health->has_waiting && j->health->waiting > SOTTO_WAITING_MANY)
        find(j, HQ_CHECK_OUTBOX,
             "its nights get through and its reports do not: sotto sync there, and report.refused in the log "
             "here, say why",
             "%lld reports wait there", (long long)j->health->waiting);
    else if (j->newest->days != 0 && due_s < j->now_s && j->contact_s != 0 && !silent(j))
        find(j, HQ_CHECK_OUTBOX, "it calls: sotto doctor there says why no period is closed",
             d->last_report == 0 ? "has sent no report since it was enrolled, %lld days ago"
                                 : "has sent no report for %lld days",
             days_since(j, last_s));
}

size_t hq_device_judge(const hq_device *device, const hq_health *health, const hq_newest *newest,
                       int64_t now_s, hq_finding out[static HQ_CHECK_COUNT])
{
    judged j = {.device = device,
                .health = health,
                .newest = newest,
                .now_s = now_s,
                .contact_s = hq_device_contact(device, health),
                .out = out};
    if (device->state == HQ_DEVICE_INVITED)
        find(&j, HQ_CHECK_STATE, "sotto enrol CODE on the terminal", "waits for its code");
    if (device->state != HQ_DEVICE_ENROLLED)
        return j.count;
    if (device->quarantined_s != 0)
        find(&j, HQ_CHECK_STATE,
             "look at the machine; then sotto-hq devices --release-quarantine, or a new code",
             "quarantined: it is refused until somebody has looked");
    judge_clock(&j);
    judge_disk(&j);
    judge_certificate(&j);
    judge_release(&j);
    if (device->quarantined_s == 0)
        judge_sync(&j);
    judge_outbox(&j);
    return j.count;
}
