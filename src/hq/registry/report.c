/* Releases, reports and alarms. */
#include "registry/sql.h"

#include <stdlib.h>
#include <string.h>

#define SEQ_MAX         INT64_MAX /* SQLite's integers are signed */
#define PERIOD_DAYS_MAX 31        /* docs/formats/tasks.md: no earlier period can reach further */

const char *hq_alarm_name(enum hq_alarm alarm)
{
    static const char *const names[] = {
#define X(name, text, advice) text,
        HQ_ALARMS(X)
#undef X
    };
    return alarm < HQ_ALARM_COUNT ? names[alarm] : "?";
}

const char *hq_alarm_advice(enum hq_alarm alarm)
{
    static const char *const advices[] = {
#define X(name, text, advice) advice,
        HQ_ALARMS(X)
#undef X
    };
    return alarm < HQ_ALARM_COUNT ? advices[alarm] : "?";
}

/* ---- releases ---- */

static sotto_status put_release(hq_registry *registry, const hq_release *release, sotto_diag *diag)
{
    /* One that has reports has been current: what they were counted by is not rewritten. */
    sql s = sql_begin(registry,
                      "INSERT INTO release(version, published_s, tasks) VALUES(?1, ?2, ?3)"
                      " ON CONFLICT (version) DO UPDATE SET published_s = ?2, tasks = ?3"
                      " WHERE NOT EXISTS(SELECT 1 FROM report r WHERE r.release = ?1)",
                      diag);
    sql_i64(&s, (int64_t)release->version);
    sql_i64(&s, release->published_s);
    sql_blob(&s, release->tasks.ptr, release->tasks.len);
    int64_t put;
    sotto_status status = sql_run_changes(&s, &put);
    if (status == SOTTO_OK && put != 1)
        status = sotto_diag_set(diag, SOTTO_ERR(HQ, CONFLICT),
                                "release %llu has reports already: the repository is older than the registry",
                                (unsigned long long)release->version);
    return status;
}

sotto_status hq_registry_release_put(hq_registry *registry, const hq_release *release, sotto_diag *diag)
{
    sotto_status status = sql_transaction(registry, diag);
    return status == SOTTO_OK ? sql_close(registry, put_release(registry, release, diag), diag) : status;
}

sotto_status hq_registry_release_tasks(hq_registry *registry, uint64_t version, sotto_vec *tasks,
                                       sotto_diag *diag)
{
    sotto_status put = SOTTO_OK;
    bool found = false;
    sql s = sql_begin(registry, "SELECT tasks FROM release WHERE version = ?1", diag);
    sql_i64(&s, version > SEQ_MAX ? -1 : (int64_t)version);
    if ((found = sql_row(&s))) {
        sotto_span text = sql_get_span(&s, 0);
        put = sotto_vec_put(tasks, text.ptr, text.len);
    }
    sotto_status status = sql_end(&s);
    if (status != SOTTO_OK)
        return status;
    if (!found)
        return sotto_diag_set(diag, SOTTO_ERR(HQ, NOT_FOUND), "release %llu was never published here",
                              (unsigned long long)version);
    return put;
}

sotto_status hq_registry_release_published(hq_registry *registry, uint64_t version, int64_t *utc_s,
                                           sotto_diag *diag)
{
    sql s = sql_begin(registry, "SELECT published_s FROM release WHERE version = ?1", diag);
    sql_i64(&s, version > SEQ_MAX ? -1 : (int64_t)version);
    bool found = sql_row(&s);
    *utc_s = found ? sql_get_i64(&s, 0) : 0;
    sotto_status status = sql_end(&s);
    if (status == SOTTO_OK && !found)
        return sotto_diag_set(diag, SOTTO_ERR(HQ, NOT_FOUND), "release %llu was never published here",
                              (unsigned long long)version);
    return status;
}

/* ---- one report ---- */

/* What is held of a chain at one place: found false when nothing is. */
typedef struct held {
    bool found;
    uint8_t sha256[SOTTO_SHA256_BYTES], previous[SOTTO_SHA256_BYTES];
} held;

static sotto_status look_up(hq_registry *registry, const hq_report_entry *e, uint64_t seq, held *out,
                            sotto_diag *diag)
{
    *out = (held){0};
    sql s = sql_begin(
        registry, "SELECT sha256, previous FROM report WHERE device = ?1 AND chain = ?2 AND seq = ?3", diag);
    sql_text(&s, e->device);
    sql_i64(&s, e->chain);
    sql_i64(&s, (int64_t)seq);
    if ((out->found = sql_row(&s))) {
        sql_get_bytes(&s, 0, out->sha256, sizeof out->sha256);
        sql_get_bytes(&s, 1, out->previous, sizeof out->previous);
    }
    return sql_end(&s);
}

/* What stands in the place of a report that will not come. Its hash may have been lost with it: zeros. */
static sotto_status look_up_absent(hq_registry *registry, const hq_report_entry *e, uint64_t seq, held *out,
                                   bool *known, sotto_diag *diag)
{
    static const uint8_t none[SOTTO_SHA256_BYTES];
    sql s =
        sql_begin(registry, "SELECT sha256 FROM absent WHERE device = ?1 AND chain = ?2 AND seq = ?3", diag);
    sql_text(&s, e->device);
    sql_i64(&s, e->chain);
    sql_i64(&s, (int64_t)seq);
    if ((out->found = sql_row(&s)))
        sql_get_bytes(&s, 0, out->sha256, sizeof out->sha256);
    *known = memcmp(out->sha256, none, sizeof none) != 0;
    return sql_end(&s);
}

/* Both neighbours, where they are held, must fit. The first one of a chain follows 32 zeros. */
static sotto_status judge_chain(hq_registry *registry, const hq_report_entry *e, unsigned *alarms,
                                sotto_diag *diag)
{
    static const uint8_t none[SOTTO_SHA256_BYTES];
    held before = {.found = true}, after;
    bool known = true;
    const uint8_t *expected = none;
    sotto_status status = SOTTO_OK;
    if (e->report->seq > 1) {
        status = look_up(registry, e, e->report->seq - 1, &before, diag);
        if (status == SOTTO_OK && !before.found)
            status = look_up_absent(registry, e, e->report->seq - 1, &before, &known, diag);
        expected = before.sha256;
    }
    if (status == SOTTO_OK)
        status = look_up(registry, e, e->report->seq + 1, &after, diag);
    if (status != SOTTO_OK)
        return status;
    if (!before.found)
        *alarms |= HQ_ALARM_BIT(GAP);
    else if (known && memcmp(e->report->previous, expected, SOTTO_SHA256_BYTES) != 0)
        *alarms |= HQ_ALARM_BIT(BROKEN_CHAIN);
    if (after.found && memcmp(after.previous, e->sha256, SOTTO_SHA256_BYTES) != 0)
        *alarms |= HQ_ALARM_BIT(BROKEN_CHAIN);
    return SOTTO_OK;
}

static sotto_status judge_period(hq_registry *registry, const hq_report_entry *e, unsigned *alarms,
                                 sotto_diag *diag)
{
    sql s = sql_begin(registry,
                      "SELECT 1 FROM report WHERE device = ?1 AND chain = ?2 AND task = ?3 AND counts = 1"
                      " AND period_day > ?4 - ?6 AND period_day < ?4 + ?5 AND period_day + period_days > ?4",
                      diag);
    sql_text(&s, e->device);
    sql_i64(&s, e->chain);
    sql_i64(&s, e->report->task_id);
    sql_i64(&s, e->report->period_day);
    sql_i64(&s, e->report->period_days);
    sql_i64(&s, PERIOD_DAYS_MAX);
    if (sql_row(&s))
        *alarms |= HQ_ALARM_BIT(PERIOD_REPEATED);
    return sql_end(&s);
}

/* Cells as 8 bytes each, little-endian: for a database's own tools, and equal on every CPU. */
static uint8_t *pack_cells(const sotto_report *report)
{
    uint8_t *bytes = malloc(report->cell_count * 8 + 1);
    for (size_t i = 0; bytes != NULL && i < report->cell_count; i++)
        for (unsigned b = 0; b < 8; b++)
            bytes[i * 8 + b] = (uint8_t)((uint64_t)report->cells[i] >> (8 * b));
    return bytes;
}

static sotto_status insert_report(hq_registry *registry, const hq_report_entry *e, unsigned alarms,
                                  sotto_diag *diag)
{
    const sotto_report *r = e->report;
    uint8_t *cells = pack_cells(r);
    if (cells == NULL)
        return sotto_diag_set(diag, SOTTO_ERR(HQ, NO_MEMORY), "no memory for a report");
    sql s = sql_begin(registry,
                      "INSERT INTO report(device, chain, seq, sha256, previous, received_s, release, task,"
                      " period_day, period_days, epsilon_ueps, bound, alarms, counts, cells, sealed)"
                      " VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16)",
                      diag);
    sql_text(&s, e->device);
    sql_i64(&s, e->chain);
    sql_i64(&s, (int64_t)r->seq);
    sql_blob(&s, e->sha256, SOTTO_SHA256_BYTES);
    sql_blob(&s, r->previous, SOTTO_SHA256_BYTES);
    sql_i64(&s, e->received_s);
    sql_i64(&s, (int64_t)r->release_version);
    sql_i64(&s, r->task_id);
    sql_i64(&s, r->period_day);
    sql_i64(&s, r->period_days);
    sql_i64(&s, (int64_t)r->epsilon_ueps);
    sql_i64(&s, r->bound);
    sql_i64(&s, alarms);
    sql_i64(&s, (alarms & HQ_ALARM_BIT(PERIOD_REPEATED)) == 0);
    sql_blob(&s, cells, r->cell_count * 8);
    sql_blob(&s, e->sealed.ptr, e->sealed.len);
    sotto_status status = sql_run(&s);
    free(cells);
    return status;
}

static sotto_status count_alarm(hq_registry *registry, const char *device, enum hq_alarm alarm, int64_t now_s,
                                sotto_diag *diag)
{
    char id[HQ_DEVICE_ID_MAX] = {0};
    strncpy(id, device, sizeof id - 1);
    sql s = sql_begin(registry,
                      "INSERT INTO alarm(device, kind, count, first_s, last_s) VALUES(?1, ?2, 1, ?3, ?3)"
                      " ON CONFLICT (device, kind) DO UPDATE SET count = alarm.count + 1, last_s = ?3",
                      diag);
    sql_text(&s, id);
    sql_text(&s, hq_alarm_name(alarm));
    sql_i64(&s, now_s);
    return sql_run(&s);
}

static sotto_status count_alarms(hq_registry *registry, const hq_report_entry *e, unsigned alarms,
                                 sotto_diag *diag)
{
    sotto_status status = SOTTO_OK;
    for (unsigned i = 0; i < HQ_ALARM_COUNT && status == SOTTO_OK; i++)
        if (i != HQ_ALARM_GAP && (alarms & (1u << i)) != 0)
            status = count_alarm(registry, e->device, (enum hq_alarm)i, e->received_s, diag);
    return status;
}

static sotto_status put_report(hq_registry *registry, const hq_report_entry *e, bool *repeated,
                               unsigned *alarms, sotto_diag *diag)
{
    held same;
    sotto_status status = look_up(registry, e, e->report->seq, &same, diag);
    if (status != SOTTO_OK)
        return status;
    if (same.found && memcmp(same.sha256, e->sha256, SOTTO_SHA256_BYTES) != 0)
        return sotto_diag_set(diag, SOTTO_ERR(HQ, EXISTS), "other bytes were acknowledged for report %llu",
                              (unsigned long long)e->report->seq);
    *repeated = same.found;
    if (same.found)
        return SOTTO_OK;
    *alarms = e->clock_ahead ? HQ_ALARM_BIT(CLOCK_AHEAD) : 0;
    status = judge_chain(registry, e, alarms, diag);
    if (status == SOTTO_OK)
        status = judge_period(registry, e, alarms, diag);
    if (status == SOTTO_OK)
        status = insert_report(registry, e, *alarms, diag);
    return status == SOTTO_OK ? count_alarms(registry, e, *alarms, diag) : status;
}

sotto_status hq_registry_report_put(hq_registry *registry, const hq_report_entry *entry, bool *repeated,
                                    unsigned *alarms, sotto_diag *diag)
{
    *repeated = false;
    *alarms = 0;
    if (entry->report->seq >= SEQ_MAX || entry->report->release_version > SEQ_MAX ||
        entry->report->epsilon_ueps > SEQ_MAX)
        return sotto_diag_set(diag, SOTTO_ERR(HQ, RANGE), "a number in the report is too large");
    /* The device is locked: of two reports whose periods overlap, the second sees the first. */
    sotto_status status = sql_transaction_of(registry, entry->device, diag);
    if (status != SOTTO_OK)
        return status;
    return sql_close(registry, put_report(registry, entry, repeated, alarms, diag), diag);
}

/* ---- alarms ---- */

sotto_status hq_registry_alarm_raise(hq_registry *registry, const char *device, enum hq_alarm alarm,
                                     int64_t now_s, sotto_diag *diag)
{
    return count_alarm(registry, device, alarm, now_s, diag);
}

static int alarm_of(const char *name)
{
    for (int i = 0; i < HQ_ALARM_COUNT; i++)
        if (strcmp(name, hq_alarm_name((enum hq_alarm)i)) == 0)
            return i;
    return -1;
}

sotto_status hq_registry_alarms(hq_registry *registry, const hq_device *device,
                                hq_alarm_entry out[static HQ_ALARM_COUNT], size_t *count, sotto_diag *diag)
{
    char name[32];
    *count = 0;
    /* Not kept but seen: it is over when the missing reports have come. */
    if (device->last_seq > device->reports + device->absent)
        out[(*count)++] = (hq_alarm_entry){.alarm = HQ_ALARM_GAP,
                                           .count = device->last_seq - device->reports - device->absent,
                                           .first_s = device->last_report,
                                           .last_s = device->last_report};
    sql s = sql_begin(registry, "SELECT kind, count, first_s, last_s FROM alarm WHERE device = ?1", diag);
    sql_text(&s, device->id);
    while (*count < HQ_ALARM_COUNT && sql_row(&s)) {
        sql_get_text(&s, 0, name, sizeof name);
        int alarm = alarm_of(name);
        if (alarm >= 0 && alarm != HQ_ALARM_GAP)
            out[(*count)++] = (hq_alarm_entry){.alarm = (enum hq_alarm)alarm,
                                               .count = (uint64_t)sql_get_i64(&s, 1),
                                               .first_s = sql_get_i64(&s, 2),
                                               .last_s = sql_get_i64(&s, 3)};
    }
    return sql_end(&s);
}

/* ---- walking the reports ---- */

static int64_t cell_at(const uint8_t *at)
{
    uint64_t bits = 0;
    for (unsigned b = 0; b < 8; b++)
        bits |= (uint64_t)at[b] << (8 * b);
    return (int64_t)bits;
}

static size_t unpack_cells(sotto_span bytes, int64_t *cells)
{
    size_t count = bytes.len / 8;
    for (size_t i = 0; i < count && i < SOTTO_TASK_CELLS_MAX; i++)
        cells[i] = cell_at(bytes.ptr + i * 8);
    return count < SOTTO_TASK_CELLS_MAX ? count : SOTTO_TASK_CELLS_MAX;
}

static sotto_status walk(sql *s, int64_t *cells, hq_report_visit visit, void *ctx)
{
    char device[HQ_DEVICE_ID_MAX];
    sotto_status visited = SOTTO_OK;
    while (visited == SOTTO_OK && sql_row(s)) {
        sql_get_text(s, 0, device, sizeof device);
        const hq_report_row row = {.device = device,
                                   .chain = (uint32_t)sql_get_i64(s, 1),
                                   .seq = (uint64_t)sql_get_i64(s, 2),
                                   .task_id = (uint32_t)sql_get_i64(s, 3),
                                   .release = (uint64_t)sql_get_i64(s, 4),
                                   .period_day = (int32_t)sql_get_i64(s, 5),
                                   .period_days = (uint32_t)sql_get_i64(s, 6),
                                   .epsilon_ueps = (uint64_t)sql_get_i64(s, 7),
                                   .bound = (uint32_t)sql_get_i64(s, 8),
                                   .cells = cells,
                                   .cell_count = unpack_cells(sql_get_span(s, 9), cells)};
        visited = visit(ctx, &row);
    }
    sotto_status status = sql_end(s);
    return status != SOTTO_OK ? status : visited;
}

sotto_status hq_registry_reports(hq_registry *registry, const hq_report_filter *filter, hq_report_visit visit,
                                 void *ctx, sotto_diag *diag)
{
    int64_t *cells = calloc(SOTTO_TASK_CELLS_MAX, sizeof *cells);
    if (cells == NULL)
        return sotto_diag_set(diag, SOTTO_ERR(HQ, NO_MEMORY), "no memory for a report's cells");
    sql s = sql_begin_walk(
        registry,
        "SELECT device, chain, seq, task, release, period_day, period_days, epsilon_ueps, bound,"
        " cells FROM report WHERE counts = 1 AND length(cells) > 0 AND (?1 = 0 OR task = ?1)"
        " AND period_day BETWEEN ?2 AND ?3 ORDER BY device, period_day, chain",
        diag);
    sql_i64(&s, filter->task_id);
    sql_i64(&s, filter->first_day);
    sql_i64(&s, filter->last_day);
    sotto_status status = walk(&s, cells, visit, ctx);
    free(cells);
    return status;
}

sotto_status hq_registry_sealed(hq_registry *registry, int64_t row, size_t limit, hq_sealed_visit visit,
                                void *ctx, sotto_diag *diag)
{
    int64_t last;
    sotto_status visited = sql_horizon(registry, &last, diag);
    if (visited != SOTTO_OK)
        return visited;
    sql s = sql_begin(registry,
                      "SELECT rowid, sealed FROM report WHERE counts = 1 AND rowid > ?1 AND rowid <= ?2"
                      " ORDER BY rowid LIMIT ?3",
                      diag);
    sql_i64(&s, row);
    sql_i64(&s, last);
    sql_i64(&s, (int64_t)limit);
    while (visited == SOTTO_OK && sql_row(&s))
        visited = visit(ctx, sql_get_i64(&s, 0), sql_get_span(&s, 1));
    sotto_status status = sql_end(&s);
    return status != SOTTO_OK ? status : visited;
}
