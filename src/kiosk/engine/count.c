/* What an event adds to the measurement: for each task of the release, the bins that it falls into. Only here
 * do tags, scores and the clock meet a task; a customer who does not agree to be measured, or whose home is
 * another terminal, adds nothing. */
#include "engine/record.h"

#include <string.h>

/* ---- scores and chances: what was offered lately, in memory only (a chance that was shown lives on with the
 * customer's counters) ---- */

void kiosk_recent_note(kiosk_engine *e, const uint8_t key[static SOTTO_CUSTOMER_KEY_BYTES], int32_t today)
{
    bool drawn = false;
    for (size_t i = 0; i < e->decision.offer_count; i++) {
        const sotto_offer *offer = &e->decision.offers[i];
        bool notice = sotto_plan_campaign(e->release.plan, offer->campaign)->notice;
        kiosk_recent *slot = &e->recent[e->recent_at++ % KIOSK_RECENT_MAX];
        memcpy(slot->key, key, SOTTO_CUSTOMER_KEY_BYTES);
        slot->campaign = offer->campaign;
        slot->propensity_q30 = offer->propensity_q30;
        slot->chance_q30 = drawn || notice ? 0 : offer->chance_q30;
        slot->decision = e->decision.id;
        slot->day = today;
        slot->used = true;
        drawn = drawn || !notice;
    }
}

void kiosk_recent_forget(kiosk_engine *e, const uint8_t key[static SOTTO_CUSTOMER_KEY_BYTES])
{
    for (size_t i = 0; i < KIOSK_RECENT_MAX; i++)
        if (memcmp(e->recent[i].key, key, SOTTO_CUSTOMER_KEY_BYTES) == 0)
            sotto_wipe(&e->recent[i], sizeof e->recent[i]);
}

void kiosk_recent_clear(kiosk_engine *e)
{
    sotto_wipe(e->recent, sizeof e->recent);
    e->recent_at = 0;
}

static bool is_of(const kiosk_recent *slot, const uint8_t *key, int campaign)
{
    return slot->used && campaign >= 0 && slot->campaign == (size_t)campaign &&
           memcmp(slot->key, key, SOTTO_CUSTOMER_KEY_BYTES) == 0;
}

/* back: 1 is the last that was noted. */
static const kiosk_recent *recent(const kiosk_engine *e, size_t back)
{
    return &e->recent[(e->recent_at + KIOSK_RECENT_MAX - back) % KIOSK_RECENT_MAX];
}

/* The newest answer of that offer to that customer; NULL when it is not known (any more). */
static const kiosk_recent *newest(const kiosk_engine *e, const uint8_t *key, int campaign)
{
    for (size_t back = 1; back <= KIOSK_RECENT_MAX; back++)
        if (is_of(recent(e, back), key, campaign))
            return recent(e, back);
    return NULL;
}

/* Another day's answer was another draw. */
uint32_t kiosk_recent_chance(const kiosk_engine *e, const uint8_t *key, int campaign,
                             const kiosk_event *event, int32_t day)
{
    for (size_t back = 1; back <= KIOSK_RECENT_MAX; back++) {
        const kiosk_recent *slot = recent(e, back);
        if (is_of(slot, key, campaign) &&
            (event->has_decision ? slot->decision == event->decision : slot->day == day))
            return slot->chance_q30;
    }
    return 0;
}

/* Rounded down to millionths: an edge has no more digits, so nothing changes its side. */
static int64_t millionths(uint32_t q30)
{
    return (int64_t)((uint64_t)q30 * 1000000 >> 30);
}

/* The last bin where there is no such number. */
static int by_q30(const sotto_dimension *d, uint32_t q30)
{
    return q30 == 0 ? (int)d->bins - 1 : (int)sotto_dimension_by_value(d, millionths(q30));
}

static uint32_t score_of(const kiosk_engine *e, const kiosk_counted *c)
{
    const kiosk_recent *slot = newest(e, c->key, c->campaign);
    return slot == NULL ? 0 : slot->propensity_q30;
}

/* ---- tags ---- */

static bool read_tag(const kiosk_engine *e, const char *id, unsigned purpose, int32_t today,
                     const sotto_tag **tag, sotto_tag_value *value)
{
    int index = sotto_dictionary_find(e->release.dictionary, sotto_span_str(id));
    if (index < 0)
        return false;
    *tag = sotto_dictionary_at(e->release.dictionary, (size_t)index);
    return sotto_profile_read(&e->release.profile, (size_t)index, purpose, today, value);
}

static int64_t value_e6(const sotto_tag *tag, int64_t num)
{
    int64_t scale = 1000000, out;
    for (unsigned i = 0; i < tag->decimals && tag->kind == SOTTO_TAG_AMOUNT; i++)
        scale /= 10;
    return sotto_mul_i64(num, scale, &out) ? out : num < 0 ? INT64_MIN : INT64_MAX;
}

/* A tag that is absent or may not be counted stands in the last bin. */
static size_t tag_bin(const kiosk_engine *e, const sotto_dimension *d, int32_t today)
{
    const sotto_tag *tag = NULL;
    sotto_tag_value value;
    char text[80];
    if (!read_tag(e, d->tag, SOTTO_PURPOSE_MEASUREMENT, today, &tag, &value) || !tag->aggregate)
        return d->bins - 1;
    if (d->edges_e6 != NULL)
        return sotto_dimension_by_value(d, value_e6(tag, value.num));
    if (sotto_tag_format(tag, &value, text, sizeof text) != SOTTO_OK)
        return d->bins - 1;
    return (size_t)sotto_dimension_by_name(d, sotto_span_str(text));
}

/* ---- bins ---- */

static int step_of(enum sotto_event_kind kind)
{
    switch (kind) {
    case SOTTO_EVENT_CARD_IN:
        return SOTTO_STEP_CARD_IN;
    case SOTTO_EVENT_SHOWN:
        return SOTTO_STEP_SHOWN;
    case SOTTO_EVENT_DISMISSED:
        return SOTTO_STEP_DISMISSED;
    case SOTTO_EVENT_TAKEN:
        return SOTTO_STEP_TAKEN;
    default:
        return -1;
    }
}

static int campaign_bin(const kiosk_engine *e, const kiosk_counted *c, const sotto_dimension *d)
{
    return c->campaign < 0
               ? -1
               : sotto_dimension_by_name(
                     d, sotto_span_str(sotto_plan_campaign(e->release.plan, (size_t)c->campaign)->id));
}

/* The arm that the customer was drawn into, of the release in use: a restart forgets no arm. */
static int arm_bin(const kiosk_engine *e, const kiosk_counted *c, const sotto_dimension *d)
{
    const char *arm = c->campaign < 0
                          ? NULL
                          : sotto_plan_arm(e->release.plan, (size_t)c->campaign, kiosk_arm_key(e, c->key));
    return sotto_dimension_by_name(d, sotto_span_str(arm != NULL ? arm : ""));
}

/* The event's place along one dimension; -1: the table does not count it. */
static int bin_of(const kiosk_engine *e, const kiosk_counted *c, const sotto_dimension *d)
{
    switch (d->kind) {
    case SOTTO_DIMENSION_CAMPAIGN:
        return campaign_bin(e, c, d);
    case SOTTO_DIMENSION_ARM:
        return arm_bin(e, c, d);
    case SOTTO_DIMENSION_OUTCOME:
        return c->kind == SOTTO_EVENT_TAKEN ? SOTTO_OUTCOME_TAKEN : SOTTO_OUTCOME_SHOWN;
    case SOTTO_DIMENSION_STEP:
        return step_of(c->kind);
    case SOTTO_DIMENSION_HOUR:
        return (int)sotto_dimension_by_value(d, c->hour * INT64_C(1000000));
    case SOTTO_DIMENSION_SCORE:
        return by_q30(d, score_of(e, c));
    case SOTTO_DIMENSION_CHANCE:
        return by_q30(d, c->chance_q30);
    default:
        return (int)tag_bin(e, d, c->today);
    }
}

static bool is_counted(enum sotto_task_type type, enum sotto_event_kind kind)
{
    switch (type) {
    case SOTTO_TASK_OFFERS:
        return kind == SOTTO_EVENT_SHOWN || kind == SOTTO_EVENT_TAKEN;
    case SOTTO_TASK_FUNNEL:
        return step_of(kind) >= 0;
    case SOTTO_TASK_HEALTH:
        return false; /* nothing that a customer does */
    default:
        return kind == SOTTO_EVENT_CARD_IN;
    }
}

static void find_cells(const kiosk_engine *e, const kiosk_counted *c, const sotto_task *task,
                       sotto_tally_cells *out)
{
    out->count = 0;
    for (size_t t = 0; t < task->table_count; t++) {
        const sotto_table *table = &task->table[t];
        size_t bin[SOTTO_DIMENSIONS_MAX];
        bool fits = true;
        for (size_t i = 0; i < table->dimensions && fits; i++) {
            int at = bin_of(e, c, &table->dimension[i]);
            fits = at >= 0;
            bin[i] = fits ? (size_t)at : 0;
        }
        if (fits)
            out->cell[out->count++] = sotto_table_cell(table, bin);
    }
}

/* ---- who is counted ---- */

static bool agrees(const kiosk_engine *e, int32_t today)
{
    sotto_tag_value value;
    int tag = sotto_plan_measurement_tag(e->release.plan);
    return tag >= 0 &&
           sotto_profile_read(&e->release.profile, (size_t)tag, SOTTO_PURPOSE_SERVICE, today, &value) &&
           value.num != 0;
}

/* Several terminals that counted one customer would each spend a budget. */
static bool is_home(kiosk_engine *e, int32_t today)
{
    const sotto_tasks *tasks = &e->release.tasks;
    const sotto_tag *tag = NULL;
    sotto_tag_value value;
    char device[65];
    if (tasks->home_tag[0] == '\0')
        return true;
    if (!read_tag(e, tasks->home_tag, SOTTO_PURPOSE_SERVICE, today, &tag, &value) ||
        tag->kind != SOTTO_TAG_TEXT || value.text.len == 0)
        return tasks->home_unknown == SOTTO_HOME_UNKNOWN_COUNTS;
    return kiosk_device_get(e, device, NULL) == SOTTO_OK && sotto_span_is(value.text, device);
}

sotto_status kiosk_count(kiosk_engine *e, const kiosk_counted *c, bool *counted, sotto_diag *diag)
{
    sotto_status status = SOTTO_OK;
    *counted = false;
    if (!agrees(e, c->today) || !is_home(e, c->today))
        return SOTTO_OK;
    for (size_t i = 0; i < e->release.tasks.count && status == SOTTO_OK; i++) {
        const sotto_task *task = &e->release.tasks.task[i];
        sotto_tally_cells cells;
        bool one = false;
        if (!is_counted(task->type, c->kind))
            continue;
        find_cells(e, c, task, &cells);
        status = sotto_tally_note(e->store, task, c->key, &cells, c->at_s, &one, diag);
        *counted = *counted || one;
    }
    return status;
}

/* ---- the terminal itself ---- */

static sotto_status note_figure(kiosk_engine *e, const sotto_task *task, enum sotto_figure figure,
                                sotto_diag *diag)
{
    /* A key that no customer has: theirs are hashes. */
    static const uint8_t TERMINAL[SOTTO_CUSTOMER_KEY_BYTES];
    sotto_tally_cells cells = {.count = 0};
    int64_t now_s = 0;
    bool counted = false;
    sotto_status status = kiosk_now(e, &now_s, diag);
    if (status != SOTTO_OK)
        return status;
    const int64_t here_s = now_s + 60 * (int64_t)e->config->utc_offset_min;
    const int64_t hour = (here_s - sotto_floor_div_i64(here_s, 86400) * 86400) / 3600;
    for (size_t t = 0; t < task->table_count; t++) {
        size_t bin[SOTTO_DIMENSIONS_MAX] = {0};
        for (size_t i = 0; i < task->table[t].dimensions; i++) {
            const sotto_dimension *d = &task->table[t].dimension[i];
            bin[i] = d->kind == SOTTO_DIMENSION_FIGURE ? (size_t)figure
                                                       : sotto_dimension_by_value(d, hour * 1000000);
        }
        cells.cell[cells.count++] = sotto_table_cell(&task->table[t], bin);
    }
    return sotto_tally_note(e->store, task, TERMINAL, &cells, now_s, &counted, diag);
}

void kiosk_befell(kiosk_engine *e, enum sotto_figure figure)
{
    for (size_t i = 0; i < e->release.tasks.count; i++) {
        sotto_diag diag = {0};
        const sotto_task *task = &e->release.tasks.task[i];
        if (task->type == SOTTO_TASK_HEALTH && note_figure(e, task, figure, &diag) != SOTTO_OK)
            sotto_log_event(&e->log, SOTTO_LOG_WARN, "health.not_counted", "figure=%d reason=\"%s\"",
                            (int)figure, diag.text);
    }
}
