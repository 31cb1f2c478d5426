/* What one customer was shown, took and dismissed. Days and seconds only go forward: a clock set back finds
 * the counters where they were, so it cannot free a cap. */
#include "decide_priv.h"

#include <assert.h>
#include <string.h>

enum { DAY_S = 86400, HOUR_S = 3600 };

void sotto_counters_clear(sotto_counters *c)
{
    c->count = 0;
    memset(c->entry, 0, sizeof c->entry);
}

/* What the table is sorted by. */
static uint32_t key_of(uint16_t campaign, uint8_t creative)
{
    return (uint32_t)campaign << 8 | creative;
}

static size_t place_of(const sotto_counters *c, uint32_t key)
{
    size_t low = 0, high = c->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (key_of(c->entry[middle].campaign, c->entry[middle].creative) < key)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static bool is_at(const sotto_counters *c, size_t at, uint32_t key)
{
    return at < c->count && key_of(c->entry[at].campaign, c->entry[at].creative) == key;
}

const sotto_counter *sotto_counters_find_creative(const sotto_counters *c, uint16_t campaign,
                                                  uint8_t creative)
{
    uint32_t key = key_of(campaign, creative);
    size_t at = place_of(c, key);
    return is_at(c, at, key) ? &c->entry[at] : NULL;
}

const sotto_counter *sotto_counters_find(const sotto_counters *c, uint16_t campaign)
{
    return sotto_counters_find_creative(c, campaign, 0);
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

/* A moment before the last showing is taken as that showing: a clock set back frees no cap. */
uint32_t sotto_counter_shown_hour(const sotto_counter *counter, int64_t now_s)
{
    int64_t gone = counter->shown_total == 0 ? HOUR_S : now_s - counter->last_shown_s;
    uint32_t shown = 0;
    if (gone < 0)
        gone = 0;
    shown += gone < HOUR_S;
    for (size_t i = 0; i < counter->recent_count; i++)
        shown += gone + counter->recent_ago_s[i] < HOUR_S;
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

static sotto_counter *entry_for(sotto_counters *c, uint16_t campaign, uint8_t creative, int32_t day)
{
    uint32_t key = key_of(campaign, creative);
    size_t at = place_of(c, key);
    if (is_at(c, at, key))
        return &c->entry[at];
    if (c->count == SOTTO_COUNTER_ENTRIES_MAX) {
        size_t victim = find_victim(c);
        if (victim == c->count)
            return NULL;
        remove_at(c, victim);
        at = place_of(c, key);
    }
    memmove(&c->entry[at + 1], &c->entry[at], (c->count - at) * sizeof c->entry[0]);
    c->count++;
    c->entry[at] = (sotto_counter){
        .campaign = campaign, .creative = creative, .anchor_day = day, .last_shown_s = INT64_C(86400) * day};
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

/* Into the list of showings of the last hour, latest first; what no longer fits is the oldest, and a cap of
 * more than the list holds is not accepted. */
static void insert_recent(sotto_counter *e, int64_t ago_s)
{
    size_t at = e->recent_count;
    if (ago_s >= HOUR_S)
        return;
    while (at > 0 && e->recent_ago_s[at - 1] > ago_s)
        at--;
    if (at == SOTTO_COUNTER_RECENT)
        return;
    size_t grown = e->recent_count < SOTTO_COUNTER_RECENT ? e->recent_count + 1u : SOTTO_COUNTER_RECENT;
    memmove(&e->recent_ago_s[at + 1], &e->recent_ago_s[at], (grown - at - 1) * sizeof e->recent_ago_s[0]);
    e->recent_ago_s[at] = (uint16_t)ago_s;
    e->recent_count = (uint8_t)grown;
}

/* A later last showing moves the others back; those that fall out of its hour are forgotten. */
static void shift_recent(sotto_counter *e, int64_t by_s)
{
    uint8_t kept = 0;
    for (size_t i = 0; i < e->recent_count && e->recent_ago_s[i] + by_s < HOUR_S; i++)
        e->recent_ago_s[kept++] = (uint16_t)(e->recent_ago_s[i] + by_s);
    memset(&e->recent_ago_s[kept], 0, (SOTTO_COUNTER_RECENT - kept) * sizeof e->recent_ago_s[0]);
    e->recent_count = kept;
}

static void note_second(sotto_counter *e, int64_t second)
{
    if (e->shown_total == 0) {
        e->last_shown_s = second;
    } else if (second > e->last_shown_s) {
        int64_t by_s = second - e->last_shown_s;
        shift_recent(e, by_s);
        insert_recent(e, by_s);
        e->last_shown_s = second;
    } else {
        insert_recent(e, e->last_shown_s - second);
    }
}

static void note_shown(sotto_counter *e, int64_t at_s, int32_t day)
{
    advance(e, day);
    if (e->shown_by_day[0] < UINT8_MAX)
        e->shown_by_day[0]++;
    note_second(e, second_near(at_s, e->anchor_day));
    e->shown_total = sotto_add_sat_u32(e->shown_total, 1);
    e->chance_q30 = 0;
}

static void keep_later(int32_t *kept, int32_t day)
{
    if (day > *kept)
        *kept = day;
}

static sotto_status apply(sotto_counters *c, uint16_t campaign, uint8_t creative, enum sotto_event_kind kind,
                          int64_t at_s, int32_t day)
{
    if (campaign == 0)
        return SOTTO_ERR(DECIDE, USAGE);
    int32_t kept_day = day < 1 ? 1 : day > SOTTO_DECIDE_LAST_DAY ? SOTTO_DECIDE_LAST_DAY : day;
    sotto_counter *e = entry_for(c, campaign, creative, kept_day);
    if (e == NULL)
        return SOTTO_ERR(DECIDE, NO_SPACE);
    if (kind == SOTTO_EVENT_SHOWN)
        note_shown(e, at_s, kept_day);
    else
        keep_later(kind == SOTTO_EVENT_TAKEN ? &e->taken_day : &e->dismissed_day, kept_day);
    if (kind == SOTTO_EVENT_TAKEN)
        e->chance_q30 = 0;
    return SOTTO_OK;
}

sotto_status sotto_counters_apply(sotto_counters *c, uint16_t campaign, enum sotto_event_kind kind,
                                  int64_t at_s, int32_t day)
{
    if (kind != SOTTO_EVENT_SHOWN && kind != SOTTO_EVENT_TAKEN && kind != SOTTO_EVENT_DISMISSED)
        return SOTTO_OK;
    return apply(c, campaign, 0, kind, at_s, day);
}

sotto_status sotto_counters_apply_creative(sotto_counters *c, uint16_t campaign, uint8_t creative,
                                           int64_t at_s, int32_t day)
{
    return creative == 0 ? SOTTO_OK : apply(c, campaign, creative, SOTTO_EVENT_SHOWN, at_s, day);
}

void sotto_counters_drawn(sotto_counters *c, uint16_t campaign, int64_t at_s, uint32_t chance_q30)
{
    uint32_t key = key_of(campaign, 0);
    size_t at = place_of(c, key);
    assert(chance_q30 <= SOTTO_PROB_ONE_Q30);
    if (is_at(c, at, key) && c->entry[at].shown_total > 0 && c->entry[at].last_shown_s == at_s)
        c->entry[at].chance_q30 = chance_q30;
}

uint32_t sotto_counters_chance(const sotto_counters *c, uint16_t campaign)
{
    const sotto_counter *e = sotto_counters_find(c, campaign);
    return e == NULL ? 0 : e->chance_q30;
}
