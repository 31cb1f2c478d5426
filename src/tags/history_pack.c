/* The packed history: docs/formats/history.md. */
#include "tags_priv.h"

#include <limits.h>

enum { PACKED_FIRST = 1, PACKED_LARGEST = 2, CRC_BYTES = 4, ANY = 1, FLOOR = 2, CARRY = 4, DAY_S = 86400 };

/* ---- writing ---- */

/* The first failure sticks, so that a row of writes is checked once. */
typedef struct writer {
    sotto_buf *out;
    sotto_status status;
} writer;

static void put_byte(writer *w, unsigned v)
{
    if (w->status == SOTTO_OK)
        w->status = sotto_put_u8(w->out, (uint8_t)v);
}

static void put_uint(writer *w, uint64_t v)
{
    if (w->status == SOTTO_OK)
        w->status = sotto_put_uvarint(w->out, v);
}

static void put_int(writer *w, int64_t v)
{
    if (w->status == SOTTO_OK)
        w->status = sotto_put_svarint(w->out, v);
}

static bool is_largest(unsigned series)
{
    return series == SOTTO_SERIES_LARGEST + SOTTO_EVENT_DEPOSIT ||
           series == SOTTO_SERIES_LARGEST + SOTTO_EVENT_WITHDRAWAL ||
           series == SOTTO_SERIES_LARGEST + SOTTO_EVENT_PURCHASE;
}

/* The first version that knows all its cells, so that a program that knows only those reads it. */
static unsigned version_of(const sotto_history *h)
{
    for (size_t i = 0; i < h->cell_count; i++)
        if (is_largest(h->cells[i].series))
            return PACKED_LARGEST;
    return PACKED_FIRST;
}

static bool has_amount(unsigned series)
{
    return is_largest(series) || series == SOTTO_EVENT_DEPOSIT || series == SOTTO_EVENT_WITHDRAWAL ||
           series == SOTTO_EVENT_PURCHASE || series == SOTTO_SERIES_BALANCE;
}

static void put_totals(writer *w, const sotto_history *h)
{
    unsigned count = 0;
    for (unsigned kind = 1; kind < SOTTO_EVENT_KINDS; kind++)
        count += h->totals[kind].count > 0;
    put_uint(w, count);
    for (unsigned kind = 1; kind < SOTTO_EVENT_KINDS; kind++) {
        const sotto_history_total *t = &h->totals[kind];
        if (t->count == 0)
            continue;
        put_byte(w, kind);
        put_int(w, t->first_day);
        put_uint(w, (uint64_t)((int64_t)t->last_day - t->first_day));
        put_uint(w, t->count);
    }
}

static void put_cells(writer *w, const sotto_history *h)
{
    int32_t day = SOTTO_HISTORY_DAY_MIN;
    put_uint(w, h->cell_count);
    for (size_t i = 0; i < h->cell_count; i++) {
        const sotto_history_cell *cell = &h->cells[i];
        put_uint(w, (uint64_t)((int64_t)cell->day - day));
        day = cell->day;
        put_byte(w, cell->series);
        if (cell->series > SOTTO_SERIES_BALANCE)
            put_byte(w, cell->code);
        put_uint(w, cell->count);
        if (has_amount(cell->series))
            put_int(w, cell->amount);
    }
}

static void put_seen(writer *w, const sotto_history *h)
{
    int32_t day = SOTTO_HISTORY_DAY_MIN;
    put_uint(w, h->seen_count);
    for (size_t i = 0; i < h->seen_count; i++) {
        put_uint(w, (uint64_t)((int64_t)h->seen[i].day - day));
        day = h->seen[i].day;
        if (w->status == SOTTO_OK)
            w->status = sotto_put_u64(w->out, h->seen[i].id);
    }
}

static void put_facts(writer *w, const sotto_history *h)
{
    uint16_t tag = 0;
    put_uint(w, h->fact_count);
    for (size_t i = 0; i < h->fact_count; i++) {
        put_uint(w, (uint64_t)(h->facts[i].tag - tag));
        tag = h->facts[i].tag;
        put_int(w, h->facts[i].at_s);
        put_int(w, h->facts[i].value);
    }
}

static void put_head(writer *w, const sotto_history *h)
{
    put_byte(w, version_of(h));
    put_byte(w, (h->any ? ANY : 0u) | (h->has_floor ? FLOOR : 0u) | (h->has_carry ? CARRY : 0u));
    put_int(w, h->latest_day);
    if (h->has_floor)
        put_int(w, h->floor_day);
    if (h->has_carry) {
        put_int(w, h->carry_s);
        put_int(w, h->carry);
    }
}

sotto_status sotto_history_pack(const sotto_history *h, sotto_buf *out)
{
    size_t start = out->len;
    writer w = {.out = out};
    put_head(&w, h);
    put_totals(&w, h);
    put_cells(&w, h);
    put_seen(&w, h);
    put_facts(&w, h);
    if (w.status == SOTTO_OK)
        w.status = sotto_put_u32(out, sotto_crc32(0, sotto_span_of(out->ptr + start, out->len - start)));
    if (w.status != SOTTO_OK)
        out->len = start;
    return w.status;
}

/* ---- reading ---- */

static void bad_when(sotto_cursor *c, bool bad)
{
    if (bad)
        (void)sotto_cursor_fail(c, SOTTO_ERR(TAGS, MALFORMED));
}

static int64_t take_int(sotto_cursor *c, int64_t min, int64_t max)
{
    int64_t v = sotto_cursor_svarint(c);
    bool bad = v < min || v > max;
    bad_when(c, bad);
    return bad ? min : v;
}

static uint64_t take_uint(sotto_cursor *c, uint64_t min, uint64_t max)
{
    uint64_t v = sotto_cursor_uvarint(c);
    bool bad = v < min || v > max;
    bad_when(c, bad);
    return bad ? min : v;
}

static int32_t take_day(sotto_cursor *c)
{
    return (int32_t)take_int(c, SOTTO_HISTORY_DAY_MIN, SOTTO_TAGS_DAY_MAX);
}

/* A day not before the one given. */
static int32_t take_step(sotto_cursor *c, int32_t day)
{
    return (int32_t)(day + (int64_t)take_uint(c, 0, (uint64_t)(SOTTO_TAGS_DAY_MAX - day)));
}

static int64_t take_second(sotto_cursor *c)
{
    return take_int(c, SOTTO_HISTORY_DAY_MIN * INT64_C(86400),
                    SOTTO_TAGS_DAY_MAX * INT64_C(86400) + DAY_S - 1);
}

static unsigned take_head(sotto_history *h, sotto_cursor *c)
{
    unsigned version = sotto_cursor_u8(c);
    if (version < PACKED_FIRST || version > PACKED_LARGEST)
        (void)sotto_cursor_fail(c, SOTTO_ERR(TAGS, UNSUPPORTED));
    unsigned flags = sotto_cursor_u8(c);
    bad_when(c, flags > (ANY | FLOOR | CARRY) || (flags & ANY) == 0);
    h->any = (flags & ANY) != 0;
    h->has_floor = (flags & FLOOR) != 0;
    h->has_carry = (flags & CARRY) != 0;
    h->latest_day = take_day(c);
    if (h->has_floor)
        h->floor_day = take_day(c);
    if (h->has_carry) {
        h->carry_s = take_second(c);
        h->carry = take_int(c, -SOTTO_EVENT_MONEY_MAX, SOTTO_EVENT_MONEY_MAX);
    }
    return version;
}

static void take_totals(sotto_history *h, sotto_cursor *c)
{
    uint64_t count = take_uint(c, 0, SOTTO_EVENT_KINDS - 1);
    unsigned last = 0;
    for (uint64_t i = 0; i < count && c->status == SOTTO_OK; i++) {
        unsigned kind = sotto_cursor_u8(c);
        bad_when(c, kind <= last || kind >= SOTTO_EVENT_KINDS);
        if (c->status != SOTTO_OK)
            return;
        sotto_history_total *t = &h->totals[kind];
        t->first_day = take_day(c);
        t->last_day = take_step(c, t->first_day);
        t->count = (uint32_t)take_uint(c, 1, UINT32_MAX);
        bad_when(c, t->last_day > h->latest_day);
        last = kind;
    }
}

static bool follows(const sotto_history_cell *before, const sotto_history_cell *cell)
{
    if (cell->day != before->day)
        return cell->day > before->day;
    if (cell->series != before->series)
        return cell->series > before->series;
    return cell->code > before->code;
}

static void take_cell(sotto_history_cell *cell, int32_t day, sotto_cursor *c)
{
    cell->day = take_step(c, day);
    cell->series = sotto_cursor_u8(c);
    unsigned series = cell->series;
    bool balance = series == SOTTO_SERIES_BALANCE, bucket = series > SOTTO_SERIES_BALANCE;
    bad_when(c, series == 0 || series > SOTTO_SERIES_PAGE ||
                    (series >= SOTTO_EVENT_KINDS && series < SOTTO_SERIES_BALANCE && !is_largest(series)));
    if (bucket)
        cell->code = sotto_cursor_u8(c);
    bad_when(c, bucket && cell->day != sotto_tags_bucket_of(cell->day));
    bad_when(c, series == SOTTO_SERIES_HOUR && cell->code > 23);
    cell->count = (uint32_t)take_uint(c, balance ? 0 : 1,
                                      balance              ? DAY_S - 1
                                      : is_largest(series) ? 1
                                                           : UINT32_MAX);
    if (is_largest(series))
        cell->amount = take_int(c, 0, SOTTO_EVENT_MONEY_MAX);
    else if (balance)
        cell->amount = take_int(c, -SOTTO_EVENT_MONEY_MAX, SOTTO_EVENT_MONEY_MAX);
    else if (has_amount(series))
        cell->amount = take_int(c, 0, INT64_MAX);
}

static void take_cells(sotto_history *h, sotto_cursor *c)
{
    int32_t day = SOTTO_HISTORY_DAY_MIN;
    uint64_t count = take_uint(c, 0, SOTTO_HISTORY_CELLS_MAX);
    for (size_t i = 0; i < count && c->status == SOTTO_OK; i++) {
        take_cell(&h->cells[i], day, c);
        day = h->cells[i].day;
        bad_when(c, day > h->latest_day || (i > 0 && !follows(&h->cells[i - 1], &h->cells[i])));
        h->cell_count = i + 1;
    }
}

static void take_seen(sotto_history *h, sotto_cursor *c)
{
    int32_t day = SOTTO_HISTORY_DAY_MIN;
    uint64_t count = take_uint(c, 0, SOTTO_HISTORY_IDS_MAX);
    for (size_t i = 0; i < count && c->status == SOTTO_OK; i++) {
        sotto_history_seen *seen = &h->seen[i];
        seen->day = take_step(c, day);
        seen->id = sotto_cursor_u64(c);
        bool follows_on = i == 0 || seen->day > day || seen->id > h->seen[i - 1].id;
        bad_when(c, seen->id == 0 || seen->day > h->latest_day || !follows_on);
        day = seen->day;
        h->seen_count = i + 1;
    }
}

static void take_facts(sotto_history *h, sotto_cursor *c)
{
    uint64_t count = take_uint(c, 0, SOTTO_DERIVE_FACTS_MAX), tag = 0;
    for (size_t i = 0; i < count && c->status == SOTTO_OK; i++) {
        tag += take_uint(c, 1, UINT16_MAX - tag);
        h->facts[i].tag = (uint16_t)tag;
        h->facts[i].at_s = take_second(c);
        h->facts[i].value = take_int(c, INT32_MIN, SOTTO_TAGS_DAY_MAX);
        h->fact_count = i + 1;
    }
}

static sotto_status check_crc(sotto_span packed, sotto_span *body)
{
    if (packed.len < CRC_BYTES)
        return SOTTO_ERR(TAGS, TRUNCATED);
    *body = sotto_span_of(packed.ptr, packed.len - CRC_BYTES);
    sotto_cursor tail = sotto_cursor_of(sotto_span_of(packed.ptr + body->len, CRC_BYTES));
    return sotto_cursor_u32(&tail) == sotto_crc32(0, *body) ? SOTTO_OK : SOTTO_ERR(TAGS, CORRUPT);
}

sotto_status sotto_history_unpack(sotto_history *h, sotto_span packed, sotto_diag *diag)
{
    sotto_span body = {0};
    sotto_history_clear(h);
    sotto_status status = check_crc(packed, &body);
    if (status != SOTTO_OK)
        return sotto_diag_set(diag, status, "a packed history of %zu bytes is damaged", packed.len);
    sotto_cursor c = sotto_cursor_of(body);
    unsigned version = take_head(h, &c);
    take_totals(h, &c);
    take_cells(h, &c);
    take_seen(h, &c);
    take_facts(h, &c);
    bad_when(&c, version != version_of(h)); /* one form */
    status = sotto_cursor_end(&c);
    if (status == SOTTO_OK)
        return SOTTO_OK;
    sotto_history_clear(h);
    return sotto_diag_at_offset(diag, status, "history", sotto_cursor_offset(&c),
                                "a packed history is not of its form");
}
