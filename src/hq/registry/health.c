/* How a terminal does, as it told last. */
#include "registry/sql.h"

/* Columns that an older terminal does not fill hold this: no number of theirs can be. */
#define NOT_TOLD INT64_MIN

static int64_t told(bool has, int64_t value)
{
    return has ? value : NOT_TOLD;
}

static sotto_status write_health(hq_registry *registry, const char *device, const hq_health *h,
                                 sotto_diag *diag)
{
    sql s = sql_begin(registry,
                      "INSERT INTO health(device, told_s, release, good, failed, why, program, disk_free_mib,"
                      " waiting, clock_ahead_min) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)"
                      " ON CONFLICT (device) DO UPDATE SET told_s = ?2, release = ?3, good = ?4, failed = ?5,"
                      " why = ?6, program = ?7, disk_free_mib = ?8, waiting = ?9, clock_ahead_min = ?10",
                      diag);
    sql_text(&s, device);
    sql_i64(&s, h->told_s);
    sql_i64(&s, h->release);
    sql_i64(&s, h->good);
    sql_i64(&s, h->failed);
    sql_text(&s, h->why);
    sql_text(&s, h->program);
    sql_i64(&s, told(h->has_disk, h->disk_free_mib));
    sql_i64(&s, told(h->has_waiting, h->waiting));
    sql_i64(&s, told(h->has_clock, h->clock_ahead_min));
    return sql_run(&s);
}

static sotto_status put_health(hq_registry *registry, const char *device, const hq_health *h,
                               sotto_diag *diag)
{
    sotto_status status = write_health(registry, device, h, diag);
    if (status != SOTTO_OK)
        return status;
    return h->failed != 0
               ? hq_registry_alarm_raise(registry, device, HQ_ALARM_RELEASE_FAILED, h->told_s, diag)
               : hq_registry_alarm_clear(registry, device, HQ_ALARM_RELEASE_FAILED, diag);
}

sotto_status hq_registry_health_put(hq_registry *registry, const char *device, const hq_health *health,
                                    sotto_diag *diag)
{
    sotto_status status = sql_transaction_of(registry, device, diag);
    return status == SOTTO_OK ? sql_close(registry, put_health(registry, device, health, diag), diag)
                              : status;
}

static bool read_number(sql *s, int column, int64_t *out)
{
    int64_t value = sql_get_i64(s, column);
    *out = value == NOT_TOLD ? 0 : value;
    return value != NOT_TOLD;
}

sotto_status hq_registry_health(hq_registry *registry, const char *device, hq_health *out, sotto_diag *diag)
{
    *out = (hq_health){0};
    sql s = sql_begin(registry,
                      "SELECT told_s, release, good, failed, why, program, disk_free_mib, waiting,"
                      " clock_ahead_min FROM health WHERE device = ?1",
                      diag);
    sql_text(&s, device);
    if (sql_row(&s)) {
        out->told_s = sql_get_i64(&s, 0);
        out->release = sql_get_i64(&s, 1);
        out->good = sql_get_i64(&s, 2);
        out->failed = sql_get_i64(&s, 3);
        sql_get_text(&s, 4, out->why, sizeof out->why);
        sql_get_text(&s, 5, out->program, sizeof out->program);
        out->has_disk = read_number(&s, 6, &out->disk_free_mib);
        out->has_waiting = read_number(&s, 7, &out->waiting);
        out->has_clock = read_number(&s, 8, &out->clock_ahead_min);
    }
    return sql_end(&s);
}
