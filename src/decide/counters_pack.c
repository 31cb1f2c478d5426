/* The packed counters: docs/formats/counters.md. Worst case 54 bytes an entry, so 256 of them fit
 * SOTTO_COUNTERS_MAX. */
#include "decide_priv.h"

#include <assert.h>

enum { PACKED_VERSION = 1, CRC_BYTES = 4, SECONDS_MAX = 2 * 86400 };

static int64_t second_of_anchor(const sotto_counter *e)
{
    return e->last_shown_s - INT64_C(86400) * e->anchor_day;
}

static bool day_ok(int64_t day, int64_t min)
{
    return day >= min && day <= SOTTO_DECIDE_LAST_DAY;
}

static bool entry_ok(const sotto_counter *e)
{
    int64_t second = second_of_anchor(e);
    return day_ok(e->taken_day, 0) && day_ok(e->dismissed_day, 0) && day_ok(e->anchor_day, 1) &&
           second >= -SECONDS_MAX && second <= SECONDS_MAX;
}

static sotto_status pack_days(const sotto_counter *e, sotto_buf *out)
{
    uint32_t present = 0;
    for (size_t i = 0; i < SOTTO_COUNTER_DAYS; i++)
        present |= (uint32_t)(e->shown_by_day[i] != 0) << i;
    sotto_status status = sotto_put_u32(out, present);
    for (size_t i = 0; status == SOTTO_OK && i < SOTTO_COUNTER_DAYS; i++)
        if (e->shown_by_day[i] != 0)
            status = sotto_put_u8(out, e->shown_by_day[i]);
    return status;
}

static sotto_status pack_entry(const sotto_counter *e, uint16_t previous, sotto_buf *out)
{
    if (e->campaign <= previous || !entry_ok(e))
        return SOTTO_ERR(DECIDE, RANGE);
    sotto_status status = sotto_put_uvarint(out, (uint64_t)(e->campaign - previous));
    if (status == SOTTO_OK)
        status = sotto_put_uvarint(out, e->shown_total);
    if (status == SOTTO_OK)
        status = sotto_put_uvarint(out, (uint64_t)e->anchor_day);
    if (status == SOTTO_OK)
        status = sotto_put_svarint(out, second_of_anchor(e));
    if (status == SOTTO_OK)
        status = sotto_put_uvarint(out, (uint64_t)e->taken_day);
    if (status == SOTTO_OK)
        status = sotto_put_uvarint(out, (uint64_t)e->dismissed_day);
    return status == SOTTO_OK ? pack_days(e, out) : status;
}

sotto_status sotto_counters_pack(const sotto_counters *c, sotto_buf *out)
{
    assert(c->count <= SOTTO_CAMPAIGNS_MAX);
    size_t start = out->len;
    sotto_status status = sotto_put_u8(out, PACKED_VERSION);
    if (status == SOTTO_OK)
        status = sotto_put_uvarint(out, c->count);
    uint16_t previous = 0;
    for (size_t i = 0; status == SOTTO_OK && i < c->count; i++) {
        status = pack_entry(&c->entry[i], previous, out);
        previous = c->entry[i].campaign;
    }
    if (status == SOTTO_OK)
        status = sotto_put_u32(out, sotto_crc32(0, sotto_span_of(out->ptr + start, out->len - start)));
    if (status != SOTTO_OK)
        out->len = start;
    return status;
}

static int32_t unpack_day(sotto_cursor *c)
{
    uint64_t day = sotto_cursor_uvarint(c);
    if (day > SOTTO_DECIDE_LAST_DAY)
        (void)sotto_cursor_fail(c, SOTTO_ERR(DECIDE, MALFORMED));
    return day > SOTTO_DECIDE_LAST_DAY ? 0 : (int32_t)day;
}

static void unpack_days(sotto_cursor *c, sotto_counter *e)
{
    uint32_t present = sotto_cursor_u32(c);
    if (present >> SOTTO_COUNTER_DAYS != 0)
        (void)sotto_cursor_fail(c, SOTTO_ERR(DECIDE, MALFORMED));
    for (size_t i = 0; i < SOTTO_COUNTER_DAYS; i++) {
        if ((present >> i & 1) == 0)
            continue;
        e->shown_by_day[i] = sotto_cursor_u8(c);
        if (e->shown_by_day[i] == 0)
            (void)sotto_cursor_fail(c, SOTTO_ERR(DECIDE, MALFORMED));
    }
}

static void unpack_entry(sotto_cursor *c, uint16_t previous, sotto_counter *e)
{
    uint64_t step = sotto_cursor_uvarint(c), total = sotto_cursor_uvarint(c);
    bool good = step >= 1 && step <= (uint64_t)(UINT16_MAX - previous) && total <= UINT32_MAX;
    e->campaign = (uint16_t)(good ? previous + step : 0);
    e->shown_total = (uint32_t)total;
    e->anchor_day = unpack_day(c);
    int64_t second = sotto_cursor_svarint(c);
    good = good && second >= -SECONDS_MAX && second <= SECONDS_MAX;
    e->last_shown_s = INT64_C(86400) * e->anchor_day + (good ? second : 0);
    e->taken_day = unpack_day(c);
    e->dismissed_day = unpack_day(c);
    unpack_days(c, e);
    if (!good || !entry_ok(e))
        (void)sotto_cursor_fail(c, SOTTO_ERR(DECIDE, MALFORMED));
}

static void unpack_entries(sotto_counters *counters, sotto_cursor *c)
{
    uint16_t previous = 0;
    if (sotto_cursor_u8(c) != PACKED_VERSION)
        (void)sotto_cursor_fail(c, SOTTO_ERR(DECIDE, UNSUPPORTED));
    uint64_t count = sotto_cursor_uvarint(c);
    if (count > SOTTO_CAMPAIGNS_MAX)
        (void)sotto_cursor_fail(c, SOTTO_ERR(DECIDE, MALFORMED));
    for (uint64_t i = 0; i < count && c->status == SOTTO_OK; i++) {
        unpack_entry(c, previous, &counters->entry[i]);
        previous = counters->entry[i].campaign;
        counters->count = (size_t)i + 1;
    }
}

sotto_status sotto_counters_unpack(sotto_counters *c, sotto_span packed, sotto_diag *diag)
{
    sotto_counters_clear(c);
    if (packed.len < CRC_BYTES)
        return sotto_diag_set(diag, SOTTO_ERR(DECIDE, TRUNCATED), "packed counters of %zu bytes", packed.len);
    sotto_span body = sotto_span_of(packed.ptr, packed.len - CRC_BYTES);
    sotto_cursor tail = sotto_cursor_of(sotto_span_of(packed.ptr + body.len, CRC_BYTES));
    if (sotto_cursor_u32(&tail) != sotto_crc32(0, body))
        return sotto_diag_set(diag, SOTTO_ERR(DECIDE, CORRUPT), "packed counters of %zu bytes are damaged",
                              packed.len);
    sotto_cursor cursor = sotto_cursor_of(body);
    unpack_entries(c, &cursor);
    sotto_status status = sotto_cursor_end(&cursor);
    if (status != SOTTO_OK) {
        sotto_counters_clear(c);
        return sotto_diag_at_offset(diag, status, "counters", sotto_cursor_offset(&cursor),
                                    "packed counters are not of their form");
    }
    return SOTTO_OK;
}
