/* What happened at the screen: tags, counters and the counted contribution change together or not at all. */
#include "engine/record.h"
#include "engine/showings.h"

#include <string.h>

#define LATE_MAX_S   (31 * 86400)
#define YEAR_10000_S INT64_C(253402300800)

typedef struct change {
    const kiosk_event *event;
    uint8_t key[SOTTO_CUSTOMER_KEY_BYTES];
    int campaign; /* index into the plan; -1 = the event names none */
    int64_t now_s, at_s;
    uint64_t id; /* 0 = nothing tells it from another */
} change;

static bool missing(sotto_status status)
{
    return sotto_status_cause(status) == SOTTO_CAUSE_NOT_FOUND;
}

/* Days of tags and caps are the terminal's own days. */
static int64_t local_s(const kiosk_engine *e, int64_t utc_s)
{
    return utc_s + (int64_t)e->config->utc_offset_min * 60;
}

/* Everything that an event says, so that only the same event says it again. */
static sotto_status put_content(const change *c, sotto_buf *out)
{
    const sotto_event *what = &c->event->what;
    const sotto_span texts[] = {c->event->campaign, what->product, what->channel, what->page};
    const int64_t numbers[] = {what->kind,    c->at_s,       what->amount, what->has_balance,
                               what->balance, what->has_due, what->due_day};
    sotto_status status = sotto_put_u8(out, 'c');
    for (size_t i = 0; status == SOTTO_OK && i < SOTTO_COUNT(numbers); i++)
        status = sotto_put_svarint(out, numbers[i]);
    for (size_t i = 0; status == SOTTO_OK && i < SOTTO_COUNT(texts); i++)
        status = sotto_put_blob(out, texts[i]);
    if (status == SOTTO_OK && c->event->creative != 0) /* one that has no number says what it always said */
        status = sotto_put_u8(out, c->event->creative);
    return status;
}

/* An event without a name and without a time cannot be told from the next one like it. */
static sotto_status identify(change *c)
{
    uint8_t memory[1024], sha256[SOTTO_SHA256_BYTES];
    sotto_buf buf = sotto_buf_of(memory, sizeof memory);
    sotto_status status = SOTTO_OK;
    if (c->event->id.len == 0 && c->event->at_s == 0)
        return SOTTO_OK;
    if (c->event->id.len == 0) {
        status = put_content(c, &buf);
    } else {
        status = sotto_put_u8(&buf, 'i');
        if (status == SOTTO_OK)
            status = sotto_put_blob(&buf, c->event->id);
    }
    if (status == SOTTO_OK)
        status = sotto_sha256(sotto_buf_span(&buf), sha256);
    if (status != SOTTO_OK)
        return status;
    sotto_cursor cursor = sotto_cursor_of(sotto_span_of(sha256, 8));
    uint64_t id = sotto_cursor_u64(&cursor);
    c->id = id == 0 ? 1 : id;
    return SOTTO_OK;
}

static sotto_status check_time(kiosk_engine *e, change *c, bool names, sotto_diag *diag)
{
    c->at_s = c->event->at_s == 0 ? c->now_s : c->event->at_s;
    int64_t first = c->event->old && !names ? 0 : c->now_s - LATE_MAX_S;
    if (c->at_s <= c->now_s && c->at_s >= first && local_s(e, c->at_s) < YEAR_10000_S)
        return SOTTO_OK;
    return sotto_diag_set(diag, SOTTO_ERR(KIOSK, RANGE), "the event's time is in the future or %s",
                          first == 0 ? "before 1970" : "over 31 days old");
}

static sotto_status check(kiosk_engine *e, change *c, sotto_diag *diag)
{
    const kiosk_event *event = c->event;
    if (e->release.version == 0)
        return sotto_diag_set(diag, SOTTO_ERR(KIOSK, NOT_FOUND),
                              "no release is in use: events have no meaning yet");
    if (event->what.kind == SOTTO_EVENT_NONE)
        return sotto_diag_set(diag, SOTTO_ERR(KIOSK, MALFORMED), "the event's kind is unknown");
    bool needs = event->what.kind == SOTTO_EVENT_SHOWN || event->what.kind == SOTTO_EVENT_TAKEN ||
                 event->what.kind == SOTTO_EVENT_DISMISSED;
    sotto_status status = check_time(e, c, needs, diag);
    if (status != SOTTO_OK)
        return status;
    c->campaign = event->campaign.len > 0 ? sotto_plan_find(e->release.plan, event->campaign) : -1;
    if (needs && c->campaign < 0)
        return sotto_diag_set(diag, SOTTO_ERR(KIOSK, NOT_FOUND),
                              "the event names no campaign of the release in use");
    status = identify(c);
    if (status != SOTTO_OK || event->customer.len == 0)
        return status;
    return sotto_vault_customer_key(e->vault, event->customer, c->key);
}

/* Without a customer there is none, under whatever key. */
static sotto_status load_profile(kiosk_engine *e, const change *c, bool *unknown, sotto_diag *diag)
{
    sotto_buf packed = sotto_buf_of(e->packed, sizeof e->packed);
    sotto_status status = c->event->customer.len == 0
                              ? SOTTO_ERR(KIOSK, NOT_FOUND)
                              : sotto_store_get(e->store, SOTTO_RECORD_PROFILE, c->key, 0, &packed, diag);
    *unknown = missing(status);
    if (*unknown)
        return SOTTO_OK;
    return status == SOTTO_OK ? sotto_profile_unpack(&e->release.profile, sotto_buf_span(&packed), NULL, diag)
                              : status;
}

static sotto_status update_profile(kiosk_engine *e, const change *c, sotto_diag *diag)
{
    sotto_tags_apply_event(&e->release.profile, c->event->what.kind, local_s(e, c->at_s));
    /* Text tags still point into packed: the new form goes elsewhere. */
    sotto_buf fresh = sotto_buf_of(e->answer, SOTTO_PROFILE_MAX);
    sotto_status status = sotto_profile_pack(&e->release.profile, &fresh);
    if (status == SOTTO_OK)
        status = sotto_store_put(e->store, SOTTO_RECORD_PROFILE, c->key, 0, sotto_buf_span(&fresh), diag);
    return status;
}

sotto_status kiosk_load_history(kiosk_engine *e, const uint8_t *key, sotto_diag *diag)
{
    sotto_buf packed = sotto_buf_of(e->packed, sizeof e->packed);
    sotto_history_clear(&e->history);
    sotto_status status = sotto_store_get(e->store, SOTTO_RECORD_HISTORY, key, 0, &packed, diag);
    if (status == SOTTO_OK)
        return sotto_history_unpack(&e->history, sotto_buf_span(&packed), diag);
    return missing(status) ? SOTTO_OK : status;
}

/* The record is not written where it would say nothing: no tag follows from it and nothing can come again. */
static sotto_status update_history(kiosk_engine *e, const change *c, sotto_diag *diag)
{
    sotto_tag_value agrees;
    int32_t today = (int32_t)sotto_floor_div_i64(local_s(e, c->now_s), 86400);
    int tag = sotto_plan_profiling_tag(e->release.plan);
    bool remember =
        tag >= 0 &&
        sotto_profile_read(&e->release.profile, (size_t)tag, SOTTO_PURPOSE_SERVICE, today, &agrees) &&
        agrees.num != 0;
    if (c->id == 0 && !sotto_history_needed(e->release.dictionary))
        return SOTTO_OK;
    sotto_event event = c->event->what;
    event.id = c->id;
    event.at_s = local_s(e, c->at_s);
    (void)sotto_history_apply(&e->history, e->release.dictionary, &event, remember);
    sotto_history_derive(&e->history, today, &e->release.profile);
    sotto_buf packed = sotto_buf_of(e->answer, SOTTO_HISTORY_MAX);
    sotto_status status = sotto_history_pack(&e->history, &packed);
    if (status == SOTTO_OK)
        status = sotto_store_put(e->store, SOTTO_RECORD_HISTORY, c->key, 0, sotto_buf_span(&packed), diag);
    return status;
}

static int32_t day_of(const kiosk_engine *e, const change *c)
{
    return (int32_t)sotto_floor_div_i64(local_s(e, c->at_s), 86400);
}

static uint16_t number_of(const kiosk_engine *e, const change *c)
{
    return sotto_plan_campaign(e->release.plan, (size_t)c->campaign)->number;
}

/* Text tags still point into packed: the counters come in by another way. */
static sotto_status load_counters(kiosk_engine *e, const change *c, sotto_diag *diag)
{
    sotto_counters_clear(&e->counters);
    if (c->campaign < 0)
        return SOTTO_OK;
    sotto_buf packed = sotto_buf_of(e->answer, SOTTO_COUNTERS_MAX);
    sotto_status status = sotto_store_get(e->store, SOTTO_RECORD_COUNTERS, c->key, 0, &packed, diag);
    if (status == SOTTO_OK)
        return sotto_counters_unpack(&e->counters, sotto_buf_span(&packed), diag);
    return missing(status) ? SOTTO_OK : status;
}

/* Of a showing: as it was drawn a moment ago; of what was taken: as it was kept with its showing. */
static uint32_t chance_of(const kiosk_engine *e, const change *c)
{
    if (c->campaign < 0)
        return 0;
    return c->event->what.kind == SOTTO_EVENT_SHOWN
               ? kiosk_recent_chance(e, c->key, c->campaign, c->event, day_of(e, c))
               : sotto_counters_chance(&e->counters, number_of(e, c));
}

static sotto_status apply_counters(kiosk_engine *e, const change *c)
{
    const uint16_t number = number_of(e, c);
    const bool shown = c->event->what.kind == SOTTO_EVENT_SHOWN;
    sotto_status status = sotto_counters_apply_creative(&e->counters, number, shown ? c->event->creative : 0,
                                                        c->at_s, day_of(e, c));
    if (status == SOTTO_OK)
        status = sotto_counters_apply(&e->counters, number, c->event->what.kind, c->at_s, day_of(e, c));
    if (status == SOTTO_OK && shown)
        sotto_counters_drawn(&e->counters, number, c->at_s, chance_of(e, c));
    return status;
}

static sotto_status update_counters(kiosk_engine *e, const change *c, sotto_diag *diag)
{
    sotto_buf packed = sotto_buf_of(e->answer, SOTTO_COUNTERS_MAX);
    if (c->campaign < 0)
        return SOTTO_OK;
    sotto_status status = apply_counters(e, c);
    if (status == SOTTO_OK)
        status = sotto_counters_pack(&e->counters, &packed);
    if (status == SOTTO_OK)
        status = sotto_store_put(e->store, SOTTO_RECORD_COUNTERS, c->key, 0, sotto_buf_span(&packed), diag);
    return status;
}

bool kiosk_event_uses_up(enum sotto_event_kind kind)
{
    return kind == SOTTO_EVENT_SHOWN || kind == SOTTO_EVENT_TAKEN;
}

/* Out of the store each time: what a transaction rolled back was never counted. Counts that cannot be read
 * are an error, not a new beginning: budgets must hold. */
sotto_status kiosk_load_terminal(kiosk_engine *e, sotto_diag *diag)
{
    sotto_buf packed = sotto_buf_of(e->packed, sizeof e->packed);
    sotto_terminal_clear(&e->terminal);
    sotto_status status = sotto_store_get_blob(e->store, KIOSK_TERMINAL_NAME, &packed, NULL);
    if (missing(status))
        return SOTTO_OK;
    if (status != SOTTO_OK)
        return sotto_diag_set(diag, status, "what was shown here cannot be read from the store");
    return sotto_terminal_unpack(&e->terminal, sotto_buf_span(&packed), diag);
}

/* Budgets, stock and what exploration learns: for everybody together, so nothing of the customer is in it. */
static sotto_status update_terminal(kiosk_engine *e, const change *c, sotto_diag *diag)
{
    if (c->campaign < 0)
        return SOTTO_OK;
    sotto_status status = kiosk_load_terminal(e, diag);
    if (status == SOTTO_OK)
        status = sotto_terminal_apply(&e->terminal, number_of(e, c), c->event->what.kind, day_of(e, c));
    sotto_buf packed = sotto_buf_of(e->packed, sizeof e->packed);
    if (status == SOTTO_OK)
        status = sotto_terminal_pack(&e->terminal, &packed);
    if (status == SOTTO_OK)
        status = sotto_store_set_blob(e->store, KIOSK_TERMINAL_NAME, sotto_buf_span(&packed), diag);
    return status == SOTTO_OK ? kiosk_showings_note(e, diag) : status;
}

static sotto_status count_event(kiosk_engine *e, const change *c, bool *counted, sotto_diag *diag)
{
    int64_t here_s = local_s(e, c->at_s);
    const kiosk_counted event = {.key = c->key,
                                 .kind = c->event->what.kind,
                                 .campaign = c->campaign,
                                 .today = (int32_t)sotto_floor_div_i64(local_s(e, c->now_s), 86400),
                                 .hour = (int)((here_s - sotto_floor_div_i64(here_s, 86400) * 86400) / 3600),
                                 .at_s = c->at_s,
                                 .chance_q30 = chance_of(e, c)};
    return kiosk_count(e, &event, counted, diag);
}

static sotto_status change_all(kiosk_engine *e, const change *c, bool *counted, sotto_diag *diag)
{
    sotto_status status = update_profile(e, c, diag);
    if (status == SOTTO_OK)
        status = update_history(e, c, diag);
    if (status == SOTTO_OK)
        kiosk_release_derive(&e->release, (int32_t)sotto_floor_div_i64(local_s(e, c->now_s), 86400));
    if (status == SOTTO_OK)
        status = load_counters(e, c, diag);
    if (status == SOTTO_OK)
        status = count_event(e, c, counted, diag); /* while text tags still point into what they came from */
    if (status == SOTTO_OK)
        status = update_counters(e, c, diag);
    return status == SOTTO_OK ? update_terminal(e, c, diag) : status;
}

/* Somebody without a profile: nothing is kept of him, but what was shown and sold is. In a bank's own books,
 * which may be read twice, such an event cannot be known again and is passed over. */
static sotto_status change_unknown(kiosk_engine *e, const change *c, kiosk_recorded *recorded,
                                   sotto_diag *diag)
{
    if (c->event->old || !kiosk_event_uses_up(c->event->what.kind))
        return sotto_diag_set(diag, SOTTO_ERR(KIOSK, NOT_FOUND), "unknown customer");
    recorded->unknown = true;
    return update_terminal(e, c, diag);
}

static sotto_status change_known(kiosk_engine *e, const change *c, kiosk_recorded *recorded, sotto_diag *diag)
{
    enum sotto_history_outcome outcome = sotto_history_look(&e->history, c->id, local_s(e, c->at_s));
    recorded->repeated = outcome == SOTTO_HISTORY_REPEATED;
    recorded->late = outcome == SOTTO_HISTORY_LATE;
    return outcome == SOTTO_HISTORY_TAKEN ? change_all(e, c, &recorded->counted, diag) : SOTTO_OK;
}

sotto_status kiosk_record_one(kiosk_engine *e, const kiosk_event *event, kiosk_recorded *recorded,
                              bool *unknown, sotto_diag *diag)
{
    change c = {.event = event};
    *recorded = (kiosk_recorded){0};
    *unknown = false;
    sotto_status status = kiosk_now(e, &c.now_s, diag);
    if (status == SOTTO_OK)
        status = check(e, &c, diag);
    if (status == SOTTO_OK)
        status = kiosk_load_history(e, c.key, diag);
    if (status == SOTTO_OK)
        status = load_profile(e, &c, unknown, diag);
    if (status == SOTTO_OK)
        status = *unknown ? change_unknown(e, &c, recorded, diag) : change_known(e, &c, recorded, diag);
    sotto_wipe(c.key, sizeof c.key);
    return status;
}

sotto_status kiosk_record(kiosk_engine *e, const kiosk_event *event, kiosk_recorded *recorded,
                          sotto_diag *diag)
{
    bool unknown = false;
    int64_t now_s = 0;
    *recorded = (kiosk_recorded){0};
    sotto_status status = kiosk_now(e, &now_s, diag);
    if (status == SOTTO_OK)
        status = sotto_store_begin(e->store, diag);
    if (status != SOTTO_OK)
        return status;
    status = kiosk_record_one(e, event, recorded, &unknown, diag);
    if (status == SOTTO_OK)
        status = sotto_store_set_i64(e->store, "time.floor_s", now_s, diag);
    if (status == SOTTO_OK)
        status = sotto_store_commit(e->store, diag);
    if (status != SOTTO_OK) {
        sotto_store_rollback(e->store);
        *recorded = (kiosk_recorded){0};
        return status;
    }
    e->events++;
    kiosk_showings_keep(e);
    return SOTTO_OK;
}

sotto_status kiosk_forget(kiosk_engine *e, sotto_span customer, sotto_diag *diag)
{
    uint8_t key[SOTTO_CUSTOMER_KEY_BYTES];
    sotto_status status = sotto_vault_customer_key(e->vault, customer, key);
    if (status == SOTTO_OK)
        status = sotto_store_forget(e->store, key, diag);
    if (status == SOTTO_OK)
        kiosk_recent_forget(e, key);
    sotto_wipe(key, sizeof key);
    if (sotto_status_cause(status) == SOTTO_CAUSE_NOT_FOUND)
        return sotto_diag_set(diag, SOTTO_ERR(KIOSK, NOT_FOUND), "unknown customer");
    return status;
}
