/* What this terminal has shown and sold, by campaign: docs/formats/terminal-counts.md. Days only go forward.
 */
#include "decide_priv.h"

#include <assert.h>
#include <string.h>

enum { PACKED_VERSION = 1, CRC_BYTES = 4 };

void sotto_terminal_clear(sotto_terminal *t)
{
    t->count = 0;
    memset(t->entry, 0, sizeof t->entry);
}

static size_t place_of(const sotto_terminal *t, uint16_t campaign)
{
    size_t low = 0, high = t->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (t->entry[middle].campaign < campaign)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

const sotto_terminal_count *sotto_terminal_find(const sotto_terminal *t, uint16_t campaign)
{
    size_t at = place_of(t, campaign);
    return at < t->count && t->entry[at].campaign == campaign ? &t->entry[at] : NULL;
}

static void drop_longest_unused(sotto_terminal *t)
{
    size_t oldest = 0;
    for (size_t i = 1; i < t->count; i++)
        if (t->entry[i].day < t->entry[oldest].day)
            oldest = i;
    t->count--;
    memmove(&t->entry[oldest], &t->entry[oldest + 1], (t->count - oldest) * sizeof t->entry[0]);
    memset(&t->entry[t->count], 0, sizeof t->entry[0]);
}

static sotto_terminal_count *entry_for(sotto_terminal *t, uint16_t campaign, int32_t day)
{
    size_t at = place_of(t, campaign);
    if (at < t->count && t->entry[at].campaign == campaign)
        return &t->entry[at];
    if (t->count == SOTTO_TERMINAL_ENTRIES_MAX)
        drop_longest_unused(t);
    at = place_of(t, campaign);
    memmove(&t->entry[at + 1], &t->entry[at], (t->count - at) * sizeof t->entry[0]);
    t->count++;
    t->entry[at] = (sotto_terminal_count){.campaign = campaign, .day = day};
    return &t->entry[at];
}

sotto_status sotto_terminal_apply(sotto_terminal *t, uint16_t campaign, enum sotto_event_kind kind,
                                  int32_t day)
{
    if (kind != SOTTO_EVENT_SHOWN && kind != SOTTO_EVENT_TAKEN)
        return SOTTO_OK;
    if (campaign == 0)
        return SOTTO_ERR(DECIDE, USAGE);
    int32_t kept_day = day < 1 ? 1 : day > SOTTO_DECIDE_LAST_DAY ? SOTTO_DECIDE_LAST_DAY : day;
    sotto_terminal_count *e = entry_for(t, campaign, kept_day);
    if (kept_day > e->day) {
        e->day = kept_day;
        e->shown_today = 0;
    }
    if (kind == SOTTO_EVENT_TAKEN) {
        e->taken = sotto_add_sat_u32(e->taken, 1);
    } else {
        e->shown = sotto_add_sat_u32(e->shown, 1);
        e->shown_today = sotto_add_sat_u32(e->shown_today, 1);
    }
    return SOTTO_OK;
}

/* ---- packed ---- */

static bool entry_ok(const sotto_terminal_count *e, uint16_t previous)
{
    return e->campaign > previous && e->day >= 1 && e->day <= SOTTO_DECIDE_LAST_DAY &&
           e->shown_today <= e->shown;
}

static sotto_status pack_entry(const sotto_terminal_count *e, uint16_t previous, sotto_buf *out)
{
    if (!entry_ok(e, previous))
        return SOTTO_ERR(DECIDE, RANGE);
    sotto_status status = sotto_put_uvarint(out, (uint64_t)(e->campaign - previous));
    if (status == SOTTO_OK)
        status = sotto_put_uvarint(out, (uint64_t)e->day);
    if (status == SOTTO_OK)
        status = sotto_put_uvarint(out, e->shown);
    if (status == SOTTO_OK)
        status = sotto_put_uvarint(out, e->taken);
    return status == SOTTO_OK ? sotto_put_uvarint(out, e->shown_today) : status;
}

sotto_status sotto_terminal_pack(const sotto_terminal *t, sotto_buf *out)
{
    assert(t->count <= SOTTO_TERMINAL_ENTRIES_MAX);
    size_t start = out->len;
    uint16_t previous = 0;
    sotto_status status = sotto_put_u8(out, PACKED_VERSION);
    if (status == SOTTO_OK)
        status = sotto_put_uvarint(out, t->count);
    for (size_t i = 0; status == SOTTO_OK && i < t->count; i++) {
        status = pack_entry(&t->entry[i], previous, out);
        previous = t->entry[i].campaign;
    }
    if (status == SOTTO_OK)
        status = sotto_put_u32(out, sotto_crc32(0, sotto_span_of(out->ptr + start, out->len - start)));
    if (status != SOTTO_OK)
        out->len = start;
    return status;
}

static uint32_t unpack_u32(sotto_cursor *c)
{
    uint64_t v = sotto_cursor_uvarint(c);
    if (v > UINT32_MAX)
        (void)sotto_cursor_fail(c, SOTTO_ERR(DECIDE, MALFORMED));
    return v > UINT32_MAX ? 0 : (uint32_t)v;
}

static void unpack_entry(sotto_cursor *c, uint16_t previous, sotto_terminal_count *e)
{
    uint64_t step = sotto_cursor_uvarint(c), day = sotto_cursor_uvarint(c);
    bool good = step <= (uint64_t)(UINT16_MAX - previous) && day <= SOTTO_DECIDE_LAST_DAY;
    e->campaign = (uint16_t)(good ? previous + step : 0);
    e->day = (int32_t)(good ? day : 0);
    e->shown = unpack_u32(c);
    e->taken = unpack_u32(c);
    e->shown_today = unpack_u32(c);
    if (!entry_ok(e, previous))
        (void)sotto_cursor_fail(c, SOTTO_ERR(DECIDE, MALFORMED));
}

static void unpack_entries(sotto_terminal *t, sotto_cursor *c)
{
    uint16_t previous = 0;
    if (sotto_cursor_u8(c) != PACKED_VERSION)
        (void)sotto_cursor_fail(c, SOTTO_ERR(DECIDE, UNSUPPORTED));
    uint64_t count = sotto_cursor_uvarint(c);
    if (count > SOTTO_TERMINAL_ENTRIES_MAX)
        (void)sotto_cursor_fail(c, SOTTO_ERR(DECIDE, MALFORMED));
    for (uint64_t i = 0; i < count && c->status == SOTTO_OK; i++) {
        unpack_entry(c, previous, &t->entry[i]);
        previous = t->entry[i].campaign;
        t->count = (size_t)i + 1;
    }
}

sotto_status sotto_terminal_unpack(sotto_terminal *t, sotto_span packed, sotto_diag *diag)
{
    sotto_terminal_clear(t);
    if (packed.len < CRC_BYTES)
        return sotto_diag_set(diag, SOTTO_ERR(DECIDE, TRUNCATED), "packed terminal counts of %zu bytes",
                              packed.len);
    sotto_span body = sotto_span_of(packed.ptr, packed.len - CRC_BYTES);
    sotto_cursor tail = sotto_cursor_of(sotto_span_of(packed.ptr + body.len, CRC_BYTES));
    if (sotto_cursor_u32(&tail) != sotto_crc32(0, body))
        return sotto_diag_set(diag, SOTTO_ERR(DECIDE, CORRUPT),
                              "packed terminal counts of %zu bytes are damaged", packed.len);
    sotto_cursor cursor = sotto_cursor_of(body);
    unpack_entries(t, &cursor);
    sotto_status status = sotto_cursor_end(&cursor);
    if (status == SOTTO_OK)
        return SOTTO_OK;
    sotto_terminal_clear(t);
    return sotto_diag_at_offset(diag, status, "terminal", sotto_cursor_offset(&cursor),
                                "packed terminal counts are not of their form");
}

/* ---- deciding ---- */

/* Minutes of the campaign's day parts before `minute`; all of them for minute 1440. */
static uint32_t minutes_before(const sotto_terms *terms, uint32_t minute)
{
    uint32_t sum = 0;
    for (size_t i = 0; i < terms->day_part_count; i++) {
        const sotto_day_part *part = &terms->day_parts[i];
        if (minute > part->from_minute)
            sum += (minute < part->to_minute ? minute : part->to_minute) - part->from_minute;
    }
    return terms->day_part_count == 0 ? minute : sum;
}

/* What even pacing allows by now: the share of the day's minutes that is over, and one to begin with. */
static uint32_t allowance(const sotto_terms *terms, uint32_t minute)
{
    uint64_t all = minutes_before(terms, 1440), gone = minutes_before(terms, minute);
    uint64_t allowed = (uint64_t)terms->budget_day * gone / all + 1;
    return allowed < terms->budget_day ? (uint32_t)allowed : terms->budget_day;
}

static uint64_t sold(const sotto_deciding *d, size_t product)
{
    uint64_t taken = 0;
    for (size_t i = 0; i < d->plan->campaign_count; i++) {
        if (d->plan->terms[i].product != product)
            continue;
        const sotto_terminal_count *e =
            sotto_terminal_find(d->request->terminal, d->plan->campaigns[i].number);
        taken += e == NULL ? 0 : e->taken;
    }
    return taken;
}

static enum sotto_exclusion exclude_count(const sotto_deciding *d, const sotto_terms *terms,
                                          const sotto_terminal_count *e)
{
    uint32_t today = e == NULL || e->day < d->moment.today ? 0 : e->shown_today;
    if (e != NULL && e->shown >= terms->budget_total)
        return SOTTO_EXCLUDED_BUDGET_TOTAL;
    if (today >= terms->budget_day)
        return SOTTO_EXCLUDED_BUDGET_DAY;
    if (terms->paced && today >= allowance(terms, d->moment.minute))
        return SOTTO_EXCLUDED_PACED;
    return SOTTO_EXCLUDED_NONE;
}

enum sotto_exclusion sotto_decide_budget(const sotto_deciding *d, size_t campaign)
{
    const sotto_terms *terms = &d->plan->terms[campaign];
    uint32_t stock = d->plan->products[terms->product].stock;
    if (stock == 0)
        return SOTTO_EXCLUDED_OUT_OF_STOCK;
    if (d->request->terminal == NULL)
        return SOTTO_EXCLUDED_NONE;
    if (stock != UINT32_MAX && sold(d, terms->product) >= stock)
        return SOTTO_EXCLUDED_OUT_OF_STOCK;
    return exclude_count(d, terms,
                         sotto_terminal_find(d->request->terminal, d->plan->campaigns[campaign].number));
}
