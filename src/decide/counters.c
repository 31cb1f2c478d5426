/* What one customer was shown, took and dismissed. Days and seconds only go forward: a clock set back finds
 * the counters where they were, so it cannot free a cap. */
#include "decide_priv.h"

#include <assert.h>
#include <string.h>

enum { DAY_S = 86400 };

void sotto_counters_clear(sotto_counters *c)
{
    c->count = 0;
    memset(c->entry, 0, sizeof c->entry);
}

static size_t place_of(const sotto_counters *c, uint16_t campaign)
{
    size_t low = 0, high = c->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (c->entry[middle].campaign < campaign)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

const sotto_counter *sotto_counters_find(const sotto_counters *c, uint16_t campaign)
{
    size_t at = place_of(c, campaign);
    return at < c->count && c->entry[at].campaign == campaign ? &c->entry[at] : NULL;
}

uint32_t sotto_counter_shown(const sotto_counter *counter, int32_t today, unsigned days)
{
    int64_t gone = (int64_t)today - counter->anchor_day;
    uint32_t shown = 0;
    if (gone < 0)
        gone = 0;
    for (int64_t i = 0; i + gone < (int64_t)days && i < SOTTO_COUNTER_DAYS; i++)
        shown += counter->shown_by_day[i];
    return shown;
}

uint32_t sotto_counters_shown_today(const sotto_counters *c, int32_t today)
{
    uint32_t shown = 0;
    for (size_t i = 0; i < c->count; i++)
        shown += sotto_counter_shown(&c->entry[i], today, 1);
    return shown;
}

/* Later of the days on which anything happened. */
static int32_t last_used(const sotto_counter *e)
{
    return e->anchor_day > e->dismissed_day ? e->anchor_day : e->dismissed_day;
}

/* The entry longest unused whose offer was not taken, or count when there is none. */
static size_t find_victim(const sotto_counters *c)
{
    size_t victim = c->count;
    for (size_t i = 0; i < c->count; i++) {
        const sotto_counter *e = &c->entry[i];
        if (e->taken_day == 0 && (victim == c->count || last_used(e) < last_used(&c->entry[victim])))
            victim = i;
    }
    return victim;
}

static void remove_at(sotto_counters *c, size_t at)
{
    c->count--;
    memmove(&c->entry[at], &c->entry[at + 1], (c->count - at) * sizeof c->entry[0]);
    memset(&c->entry[c->count], 0, sizeof c->entry[0]);
}

static sotto_counter *entry_for(sotto_counters *c, uint16_t campaign, int32_t day)
{
    size_t at = place_of(c, campaign);
    if (at < c->count && c->entry[at].campaign == campaign)
        return &c->entry[at];
    if (c->count == SOTTO_CAMPAIGNS_MAX) {
        size_t victim = find_victim(c);
        if (victim == c->count)
            return NULL;
        remove_at(c, victim);
        at = place_of(c, campaign);
    }
    memmove(&c->entry[at + 1], &c->entry[at], (c->count - at) * sizeof c->entry[0]);
    c->count++;
    c->entry[at] =
        (sotto_counter){.campaign = campaign, .anchor_day = day, .last_shown_s = INT64_C(86400) * day};
    return &c->entry[at];
}

static void advance(sotto_counter *e, int32_t day)
{
    int32_t ahead = day - e->anchor_day;
    if (ahead <= 0)
        return;
    if (ahead < SOTTO_COUNTER_DAYS)
        memmove(e->shown_by_day + ahead, e->shown_by_day, SOTTO_COUNTER_DAYS - (size_t)ahead);
    memset(e->shown_by_day, 0, ahead < SOTTO_COUNTER_DAYS ? (size_t)ahead : SOTTO_COUNTER_DAYS);
    e->anchor_day = day;
}

/* Local day and UTC second differ by at most the widest offset; the packed form counts on it. */
static int64_t second_near(int64_t at_s, int32_t day)
{
    int64_t low = INT64_C(86400) * day - 2 * DAY_S, high = INT64_C(86400) * day + 2 * DAY_S;
    return at_s < low ? low : at_s > high ? high : at_s;
}

static void note_shown(sotto_counter *e, int64_t at_s, int32_t day)
{
    advance(e, day);
    if (e->shown_by_day[0] < UINT8_MAX)
        e->shown_by_day[0]++;
    e->shown_total = sotto_add_sat_u32(e->shown_total, 1);
    int64_t second = second_near(at_s, e->anchor_day);
    if (second > e->last_shown_s || e->shown_total == 1)
        e->last_shown_s = second;
}

static void keep_later(int32_t *kept, int32_t day)
{
    if (day > *kept)
        *kept = day;
}

sotto_status sotto_counters_apply(sotto_counters *c, uint16_t campaign, enum sotto_event_kind kind,
                                  int64_t at_s, int32_t day)
{
    if (kind != SOTTO_EVENT_SHOWN && kind != SOTTO_EVENT_TAKEN && kind != SOTTO_EVENT_DISMISSED)
        return SOTTO_OK;
    if (campaign == 0)
        return SOTTO_ERR(DECIDE, USAGE);
    int32_t kept_day = day < 1 ? 1 : day > SOTTO_DECIDE_LAST_DAY ? SOTTO_DECIDE_LAST_DAY : day;
    sotto_counter *e = entry_for(c, campaign, kept_day);
    if (e == NULL)
        return SOTTO_ERR(DECIDE, NO_SPACE);
    if (kind == SOTTO_EVENT_SHOWN)
        note_shown(e, at_s, kept_day);
    else
        keep_later(kind == SOTTO_EVENT_TAKEN ? &e->taken_day : &e->dismissed_day, kept_day);
    return SOTTO_OK;
}
