/* Taking events into a history. Everything here is a sum, a maximum, a minimum or a set that only forgets by
 * the latest day, so that the order of events leaves no trace: tests/tags/test_history.c. */
#include "tags_priv.h"

#include <assert.h>
#include <limits.h>
#include <string.h>

enum { DAY_S = 86400 };

bool sotto_history_needed(const sotto_dictionary *d)
{
    return d->needs.kinds != 0 || d->needs.balance > 0 || d->needs.of != 0 || d->needs.facts > 0;
}

void sotto_history_clear(sotto_history *h)
{
    memset(h, 0, sizeof *h);
}

static int32_t day_of(int64_t at_s)
{
    return (int32_t)sotto_floor_div_i64(at_s, DAY_S);
}

enum sotto_history_outcome sotto_history_look(const sotto_history *h, uint64_t id, int64_t at_s)
{
    for (size_t i = 0; id != 0 && i < h->seen_count; i++)
        if (h->seen[i].id == id)
            return SOTTO_HISTORY_REPEATED;
    return h->any && day_of(at_s) < h->latest_day - SOTTO_HISTORY_LATE_DAYS ? SOTTO_HISTORY_LATE
                                                                            : SOTTO_HISTORY_TAKEN;
}

/* ---- ids ---- */

static void remember_id(sotto_history *h, int32_t day, uint64_t id)
{
    size_t at = h->seen_count;
    while (at > 0 && (h->seen[at - 1].day > day || (h->seen[at - 1].day == day && h->seen[at - 1].id > id)))
        at--;
    if (h->seen_count == SOTTO_HISTORY_IDS_MAX) { /* the earliest makes room, be it this one */
        if (at == 0)
            return;
        memmove(&h->seen[0], &h->seen[1], (at - 1) * sizeof h->seen[0]);
        at--;
    } else {
        memmove(&h->seen[at + 1], &h->seen[at], (h->seen_count - at) * sizeof h->seen[0]);
        h->seen_count++;
    }
    h->seen[at] = (sotto_history_seen){.day = day, .id = id};
}

static void forget_ids(sotto_history *h)
{
    size_t gone = 0;
    while (gone < h->seen_count && h->seen[gone].day < h->latest_day - SOTTO_HISTORY_LATE_DAYS)
        gone++;
    h->seen_count -= gone;
    memmove(&h->seen[0], &h->seen[gone], h->seen_count * sizeof h->seen[0]);
    memset(&h->seen[h->seen_count], 0, gone * sizeof h->seen[0]);
}

/* ---- cells ---- */

/* The first day that a series is kept of; days before it are of no use to any tag. */
static int32_t series_from(const sotto_history *h, const sotto_tags_needs *needs, unsigned series)
{
    if (series == SOTTO_SERIES_BALANCE)
        return needs->balance == 0 ? INT32_MAX : h->latest_day - (int32_t)needs->balance + 1;
    if (series > SOTTO_SERIES_BALANCE) {
        unsigned of = series - SOTTO_SERIES_HOUR + SOTTO_OF_HOUR;
        return (needs->of & 1u << of) == 0 ? INT32_MAX : sotto_tags_bucket_from(h->latest_day);
    }
    if (series > SOTTO_SERIES_LARGEST)
        return (needs->largest_kinds & 1u << (series - SOTTO_SERIES_LARGEST)) == 0
                   ? INT32_MAX
                   : h->latest_day - (int32_t)needs->largest + 1;
    bool needed = needs->days > 0 && (needs->kinds & 1u << series) != 0;
    return needed ? h->latest_day - (int32_t)needs->days + 1 : INT32_MAX;
}

int32_t sotto_tags_bucket_of(int32_t day)
{
    return (int32_t)sotto_floor_div_i64(day, SOTTO_HISTORY_BUCKET_DAYS) * SOTTO_HISTORY_BUCKET_DAYS;
}

int32_t sotto_tags_bucket_from(int32_t today)
{
    return sotto_tags_bucket_of(today) - (SOTTO_HISTORY_BUCKETS - 1) * SOTTO_HISTORY_BUCKET_DAYS;
}

static void carry_balance(sotto_history *h, const sotto_history_cell *cell)
{
    int64_t at_s = (int64_t)cell->day * DAY_S + cell->count;
    if (h->has_carry && (at_s < h->carry_s || (at_s == h->carry_s && cell->amount <= h->carry)))
        return;
    h->has_carry = true;
    h->carry_s = at_s;
    h->carry = cell->amount;
}

/* A balance that leaves is still the balance until the next one. */
static void let_go(sotto_history *h, const sotto_tags_needs *needs, const sotto_history_cell *cell)
{
    if (cell->series == SOTTO_SERIES_BALANCE && needs->balance > 0)
        carry_balance(h, cell);
}

static int compare_cells(const sotto_history_cell *a, const sotto_history_cell *b)
{
    if (a->day != b->day)
        return a->day < b->day ? -1 : 1;
    if (a->series != b->series)
        return a->series < b->series ? -1 : 1;
    return (a->code > b->code) - (a->code < b->code);
}

static bool place_of(const sotto_history *h, const sotto_history_cell *cell, size_t *at)
{
    size_t low = 0, high = h->cell_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (compare_cells(&h->cells[middle], cell) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    *at = low;
    return low < h->cell_count && compare_cells(&h->cells[low], cell) == 0;
}

/* Keeps the cells for which it is true that they are of use, in order. */
static void sweep(sotto_history *h, const sotto_tags_needs *needs)
{
    size_t kept = 0;
    for (size_t i = 0; i < h->cell_count; i++) {
        const sotto_history_cell *cell = &h->cells[i];
        bool floored = h->has_floor && cell->day <= h->floor_day;
        if (!floored && cell->day >= series_from(h, needs, cell->series))
            h->cells[kept++] = *cell;
        else
            let_go(h, needs, cell);
    }
    memset(&h->cells[kept], 0, (h->cell_count - kept) * sizeof h->cells[0]);
    h->cell_count = kept;
}

static void merge(sotto_history_cell *into, const sotto_history_cell *cell)
{
    if (cell->series > SOTTO_SERIES_LARGEST && cell->series < SOTTO_SERIES_BALANCE) {
        into->amount = into->amount > cell->amount ? into->amount : cell->amount;
    } else if (cell->series != SOTTO_SERIES_BALANCE) {
        into->count = sotto_add_sat_u32(into->count, cell->count);
        into->amount = sotto_add_sat_i64(into->amount, cell->amount);
    } else if (cell->count > into->count || (cell->count == into->count && cell->amount > into->amount)) {
        *into = *cell; /* the later of the day */
    }
}

static void add_cell(sotto_history *h, const sotto_tags_needs *needs, const sotto_history_cell *cell)
{
    size_t at;
    if ((h->has_floor && cell->day <= h->floor_day) || cell->day < series_from(h, needs, cell->series)) {
        let_go(h, needs, cell);
    } else if (place_of(h, cell, &at)) {
        merge(&h->cells[at], cell);
    } else if (h->cell_count < SOTTO_HISTORY_CELLS_MAX) {
        memmove(&h->cells[at + 1], &h->cells[at], (h->cell_count - at) * sizeof h->cells[0]);
        h->cells[at] = *cell;
        h->cell_count++;
    } else { /* the earliest day goes, whole and for good: half a day would depend on the order */
        h->floor_day = h->cells[0].day < cell->day ? h->cells[0].day : cell->day;
        h->has_floor = true;
        sweep(h, needs);
        add_cell(h, needs, cell);
    }
}

/* The floor says nothing once every series begins behind it. */
static void lower_floor(sotto_history *h, const sotto_tags_needs *needs)
{
    int32_t first = INT32_MAX;
    for (unsigned series = 1; series <= SOTTO_SERIES_PAGE; series++) {
        int32_t from = series_from(h, needs, series);
        first = from < first ? from : first;
    }
    if (h->has_floor && h->floor_day < first) {
        h->has_floor = false;
        h->floor_day = 0;
    }
}

static void forget_unneeded(sotto_history *h, const sotto_tags_needs *needs)
{
    for (unsigned kind = 1; kind < SOTTO_EVENT_KINDS; kind++)
        if ((needs->kinds & 1u << kind) == 0)
            h->totals[kind] = (sotto_history_total){0};
    if (needs->balance == 0) {
        h->has_carry = false;
        h->carry_s = h->carry = 0;
    }
    sweep(h, needs);
    lower_floor(h, needs);
}

/* ---- what an event adds ---- */

static void add_total(sotto_history_total *total, int32_t day)
{
    if (total->count == 0 || day < total->first_day)
        total->first_day = day;
    if (total->count == 0 || day > total->last_day)
        total->last_day = day;
    total->count = sotto_add_sat_u32(total->count, 1);
}

static void add_choice(sotto_history *h, const sotto_tags_needs *needs, const sotto_tag *tag, uint8_t series,
                       sotto_span name, int32_t day)
{
    int code = tag == NULL || name.len == 0 ? -1 : sotto_tag_choice_find(tag, name);
    const sotto_history_cell cell = {
        .day = sotto_tags_bucket_of(day), .series = series, .code = (uint8_t)code, .count = 1};
    if (code >= 0)
        add_cell(h, needs, &cell);
}

static void add_sums(sotto_history *h, const sotto_tags_needs *needs, const sotto_event *event, int32_t day)
{
    uint32_t second = (uint32_t)(event->at_s - (int64_t)day * DAY_S);
    const sotto_history_cell sum = {
        .day = day, .series = (uint8_t)event->kind, .count = 1, .amount = event->amount};
    add_cell(h, needs, &sum);
    sotto_history_cell largest = sum;
    largest.series = (uint8_t)(SOTTO_SERIES_LARGEST + event->kind);
    add_cell(h, needs, &largest);
    const sotto_history_cell balance = {
        .day = day, .series = SOTTO_SERIES_BALANCE, .count = second, .amount = event->balance};
    if (event->has_balance)
        add_cell(h, needs, &balance);
    const sotto_history_cell hour = {.day = sotto_tags_bucket_of(day),
                                     .series = SOTTO_SERIES_HOUR,
                                     .code = (uint8_t)(second / 3600),
                                     .count = 1};
    if (event->kind == SOTTO_EVENT_CARD_IN)
        add_cell(h, needs, &hour);
    add_choice(h, needs, needs->channel, SOTTO_SERIES_CHANNEL, event->channel, day);
    if (event->kind == SOTTO_EVENT_PAGE)
        add_choice(h, needs, needs->page, SOTTO_SERIES_PAGE, event->page, day);
}

/* The latest word wins; of two in one second the greater. */
static void set_fact(sotto_history *h, uint16_t tag, int64_t at_s, int64_t value)
{
    size_t at = 0;
    while (at < h->fact_count && h->facts[at].tag < tag)
        at++;
    bool known = at < h->fact_count && h->facts[at].tag == tag;
    if (known && (at_s < h->facts[at].at_s || (at_s == h->facts[at].at_s && value <= h->facts[at].value)))
        return;
    if (!known) {
        if (h->fact_count == SOTTO_DERIVE_FACTS_MAX)
            return;
        memmove(&h->facts[at + 1], &h->facts[at], (h->fact_count - at) * sizeof h->facts[0]);
        h->fact_count++;
    }
    h->facts[at] = (sotto_history_fact){.tag = tag, .at_s = at_s, .value = value};
}

static bool is_fact(const sotto_tag *tag)
{
    return tag->derive != NULL &&
           (tag->derive->rule == SOTTO_DERIVE_HOLDS || tag->derive->rule == SOTTO_DERIVE_DUE);
}

static void add_facts(sotto_history *h, const sotto_dictionary *d, const sotto_event *event)
{
    bool bought = event->kind == SOTTO_EVENT_PURCHASE;
    if (event->product.len == 0 || (!bought && event->kind != SOTTO_EVENT_MATURITY))
        return;
    for (size_t i = 0; i < d->count; i++) {
        const sotto_tag *tag = &d->tags[i];
        if (!is_fact(tag) || !sotto_span_is(event->product, tag->derive->product))
            continue;
        bool due = bought && event->has_due;
        int64_t value = tag->derive->rule == SOTTO_DERIVE_HOLDS ? bought : due ? event->due_day : INT32_MIN;
        set_fact(h, tag->number, event->at_s, value);
    }
}

/* Words on tags that the dictionary no longer has make room. */
static void forget_facts(sotto_history *h, const sotto_dictionary *d)
{
    size_t kept = 0;
    for (size_t i = 0; i < h->fact_count; i++) {
        int index = sotto_dictionary_find_number(d, h->facts[i].tag);
        if (index >= 0 && is_fact(&d->tags[index]))
            h->facts[kept++] = h->facts[i];
    }
    memset(&h->facts[kept], 0, (h->fact_count - kept) * sizeof h->facts[0]);
    h->fact_count = kept;
}

/* All but which events were here. */
static void forget_behaviour(sotto_history *h)
{
    h->has_floor = h->has_carry = false;
    h->floor_day = 0;
    h->carry_s = h->carry = 0;
    h->cell_count = h->fact_count = 0;
    memset(h->totals, 0, sizeof h->totals);
    memset(h->cells, 0, sizeof h->cells);
    memset(h->facts, 0, sizeof h->facts);
}

enum sotto_history_outcome sotto_history_apply(sotto_history *h, const sotto_dictionary *d,
                                               const sotto_event *event, bool remember)
{
    int32_t day = day_of(event->at_s);
    assert(event->kind > SOTTO_EVENT_NONE && event->kind < SOTTO_EVENT_KINDS);
    assert(day >= SOTTO_TAGS_DAY_MIN && day <= SOTTO_TAGS_DAY_MAX);
    assert(event->amount >= 0 && event->amount <= SOTTO_EVENT_MONEY_MAX);
    enum sotto_history_outcome outcome = sotto_history_look(h, event->id, event->at_s);
    if (outcome != SOTTO_HISTORY_TAKEN)
        return outcome;
    if (!h->any || day > h->latest_day)
        h->latest_day = day;
    h->any = true;
    forget_ids(h);
    forget_facts(h, d);
    forget_unneeded(h, &d->needs);
    if (!remember)
        forget_behaviour(h);
    if (event->id != 0)
        remember_id(h, day, event->id);
    if (!remember)
        return outcome;
    if ((d->needs.kinds & 1u << event->kind) != 0)
        add_total(&h->totals[event->kind], day);
    add_sums(h, &d->needs, event, day);
    add_facts(h, d, event);
    lower_floor(h, &d->needs);
    return outcome;
}
