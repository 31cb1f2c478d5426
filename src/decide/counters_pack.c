/* The packed counters: docs/formats/counters.md. Worst case 76 bytes an entry, so 512 of them fit
 * SOTTO_COUNTERS_MAX. Version 1 (no creatives, no list of the last hour) is still read; version 2 (no
 * chances) is written where there are none, so that older programs read it. */
#include "decide_priv.h"

#include <assert.h>

enum {
    FIRST_VERSION = 1,
    SECOND_VERSION = 2,
    PACKED_VERSION = 3,
    CRC_BYTES = 4,
    SECONDS_MAX = 2 * 86400,
    HOUR_S = 3600
};
#define RECENT_BIT (UINT32_C(1) << SOTTO_COUNTER_DAYS)

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
           second >= -SECONDS_MAX && second <= SECONDS_MAX && e->recent_count <= SOTTO_COUNTER_RECENT &&
           e->chance_q30 <= (e->shown_total > 0 ? SOTTO_PROB_ONE_Q30 : 0);
}

static uint32_t key_of(const sotto_counter *e)
{
    return (uint32_t)e->campaign << 8 | e->creative;
}

static sotto_status pack_recent(const sotto_counter *e, sotto_buf *out)
{
    uint16_t previous = 0;
    if (e->recent_count == 0)
        return SOTTO_OK;
    sotto_status status = sotto_put_u8(out, e->recent_count);
    for (size_t i = 0; status == SOTTO_OK && i < e->recent_count; i++) {
        if (e->recent_ago_s[i] < previous || e->recent_ago_s[i] >= HOUR_S)
            return SOTTO_ERR(DECIDE, RANGE);
        status = sotto_put_uvarint(out, (uint64_t)(e->recent_ago_s[i] - previous));
        previous = e->recent_ago_s[i];
    }
    return status;
}

static sotto_status pack_days(const sotto_counter *e, sotto_buf *out)
{
    uint32_t present = e->recent_count != 0 ? RECENT_BIT : 0;
    for (size_t i = 0; i < SOTTO_COUNTER_DAYS; i++)
        present |= (uint32_t)(e->shown_by_day[i] != 0) << i;
    sotto_status status = sotto_put_u32(out, present);
    for (size_t i = 0; status == SOTTO_OK && i < SOTTO_COUNTER_DAYS; i++)
        if (e->shown_by_day[i] != 0)
            status = sotto_put_u8(out, e->shown_by_day[i]);
    return status == SOTTO_OK ? pack_recent(e, out) : status;
}

static sotto_status pack_entry(const sotto_counter *e, uint32_t previous, uint8_t version, sotto_buf *out)
{
    if (key_of(e) <= previous || e->campaign == 0 || !entry_ok(e))
        return SOTTO_ERR(DECIDE, RANGE);
    sotto_status status = sotto_put_uvarint(out, key_of(e) - previous);
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
    if (status == SOTTO_OK)
        status = pack_days(e, out);
    return status == SOTTO_OK && version == PACKED_VERSION ? sotto_put_uvarint(out, e->chance_q30) : status;
}

static uint8_t version_of(const sotto_counters *c)
{
    for (size_t i = 0; i < c->count; i++)
        if (c->entry[i].chance_q30 != 0)
            return PACKED_VERSION;
    return SECOND_VERSION;
}

sotto_status sotto_counters_pack(const sotto_counters *c, sotto_buf *out)
{
    assert(c->count <= SOTTO_COUNTER_ENTRIES_MAX);
    size_t start = out->len;
    uint8_t version = version_of(c);
    sotto_status status = sotto_put_u8(out, version);
    if (status == SOTTO_OK)
        status = sotto_put_uvarint(out, c->count);
    uint32_t previous = 0;
    for (size_t i = 0; status == SOTTO_OK && i < c->count; i++) {
        status = pack_entry(&c->entry[i], previous, version, out);
        previous = key_of(&c->entry[i]);
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

static void unpack_recent(sotto_cursor *c, sotto_counter *e)
{
    uint8_t count = sotto_cursor_u8(c);
    uint64_t ago = 0;
    if (count == 0 || count > SOTTO_COUNTER_RECENT || e->shown_total == 0)
        (void)sotto_cursor_fail(c, SOTTO_ERR(DECIDE, MALFORMED));
    for (size_t i = 0; i < count && c->status == SOTTO_OK; i++) {
        uint64_t step = sotto_cursor_uvarint(c);
        ago += step < HOUR_S ? step : HOUR_S;
        if (ago >= HOUR_S)
            (void)sotto_cursor_fail(c, SOTTO_ERR(DECIDE, MALFORMED));
        e->recent_ago_s[i] = (uint16_t)ago;
        e->recent_count = (uint8_t)(i + 1);
    }
}

static void unpack_days(sotto_cursor *c, uint8_t version, sotto_counter *e)
{
    uint32_t present = sotto_cursor_u32(c);
    if (version == FIRST_VERSION && (present & RECENT_BIT) != 0)
        (void)sotto_cursor_fail(c, SOTTO_ERR(DECIDE, MALFORMED));
    for (size_t i = 0; i < SOTTO_COUNTER_DAYS; i++) {
        if ((present >> i & 1) == 0)
            continue;
        e->shown_by_day[i] = sotto_cursor_u8(c);
        if (e->shown_by_day[i] == 0)
            (void)sotto_cursor_fail(c, SOTTO_ERR(DECIDE, MALFORMED));
    }
    if ((present & RECENT_BIT) != 0)
        unpack_recent(c, e);
}

static uint32_t unpack_chance(sotto_cursor *c)
{
    uint64_t chance_q30 = sotto_cursor_uvarint(c);
    if (chance_q30 > SOTTO_PROB_ONE_Q30)
        (void)sotto_cursor_fail(c, SOTTO_ERR(DECIDE, MALFORMED));
    return chance_q30 > SOTTO_PROB_ONE_Q30 ? 0 : (uint32_t)chance_q30;
}

/* In version 1 a step counts campaigns; since then campaigns x 256 + creative. */
static void unpack_entry(sotto_cursor *c, uint32_t previous, uint8_t version, sotto_counter *e)
{
    uint64_t step = sotto_cursor_uvarint(c), total = sotto_cursor_uvarint(c);
    if (version == FIRST_VERSION)
        step = step > UINT16_MAX ? UINT64_MAX : step << 8;
    bool good = step >= 1 && step <= UINT32_C(0xffffff) - previous && total <= UINT32_MAX;
    uint32_t key = good ? previous + (uint32_t)step : 0;
    e->campaign = (uint16_t)(key >> 8);
    e->creative = (uint8_t)key;
    good = good && e->campaign != 0;
    e->shown_total = (uint32_t)total;
    e->anchor_day = unpack_day(c);
    int64_t second = sotto_cursor_svarint(c);
    good = good && second >= -SECONDS_MAX && second <= SECONDS_MAX;
    e->last_shown_s = INT64_C(86400) * e->anchor_day + (good ? second : 0);
    e->taken_day = unpack_day(c);
    e->dismissed_day = unpack_day(c);
    unpack_days(c, version, e);
    e->chance_q30 = version == PACKED_VERSION ? unpack_chance(c) : 0;
    if (!good || !entry_ok(e))
        (void)sotto_cursor_fail(c, SOTTO_ERR(DECIDE, MALFORMED));
}

static void unpack_entries(sotto_counters *counters, sotto_cursor *c)
{
    uint32_t previous = 0;
    uint8_t version = sotto_cursor_u8(c);
    if (version < FIRST_VERSION || version > PACKED_VERSION)
        (void)sotto_cursor_fail(c, SOTTO_ERR(DECIDE, UNSUPPORTED));
    uint64_t count = sotto_cursor_uvarint(c);
    if (count > SOTTO_COUNTER_ENTRIES_MAX)
        (void)sotto_cursor_fail(c, SOTTO_ERR(DECIDE, MALFORMED));
    for (uint64_t i = 0; i < count && c->status == SOTTO_OK; i++) {
        unpack_entry(c, previous, version, &counters->entry[i]);
        previous = key_of(&counters->entry[i]);
        counters->count = (size_t)i + 1;
    }
    if (version == PACKED_VERSION && version_of(counters) != PACKED_VERSION)
        (void)sotto_cursor_fail(c, SOTTO_ERR(DECIDE, MALFORMED)); /* what has no chance has the older form */
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
