/* What happened at the screen: tags, counters and the counted contribution change together or not at all. */
#include "kiosk_priv.h"

#include <string.h>

#define LATE_MAX_S (31 * 86400)

typedef struct change {
    const kiosk_event *event;
    uint8_t key[SOTTO_CUSTOMER_KEY_BYTES];
    int campaign; /* index into the plan; -1 = the event names none */
    int64_t now_s, at_s;
} change;

static sotto_status check(kiosk_engine *e, change *c, sotto_diag *diag)
{
    const kiosk_event *event = c->event;
    if (e->release.version == 0)
        return sotto_diag_set(diag, SOTTO_ERR(KIOSK, NOT_FOUND),
                              "no release is in use: events have no meaning yet");
    if (event->kind == SOTTO_EVENT_NONE)
        return sotto_diag_set(diag, SOTTO_ERR(KIOSK, MALFORMED), "the event's kind is unknown");
    c->at_s = event->at_s == 0 ? c->now_s : event->at_s;
    if (c->at_s > c->now_s || c->at_s < c->now_s - LATE_MAX_S)
        return sotto_diag_set(diag, SOTTO_ERR(KIOSK, RANGE),
                              "the event's time is in the future or over 31 days old");
    bool needs = event->kind != SOTTO_EVENT_CARD_IN;
    c->campaign = event->campaign.len > 0 ? sotto_plan_find(e->release.plan, event->campaign) : -1;
    if (needs && c->campaign < 0)
        return sotto_diag_set(diag, SOTTO_ERR(KIOSK, NOT_FOUND),
                              "the event names no campaign of the release in use");
    return sotto_vault_customer_key(e->vault, event->customer, c->key);
}

/* Days of tags and caps are the terminal's own days. */
static int64_t local_s(const kiosk_engine *e, int64_t utc_s)
{
    return utc_s + (int64_t)e->config->utc_offset_min * 60;
}

static sotto_status update_profile(kiosk_engine *e, const change *c, sotto_diag *diag)
{
    sotto_buf packed = sotto_buf_of(e->packed, sizeof e->packed);
    sotto_status status = sotto_store_get(e->store, SOTTO_RECORD_PROFILE, c->key, 0, &packed, diag);
    if (sotto_status_cause(status) == SOTTO_CAUSE_NOT_FOUND)
        return sotto_diag_set(diag, SOTTO_ERR(KIOSK, NOT_FOUND), "unknown customer");
    if (status == SOTTO_OK)
        status = sotto_profile_unpack(&e->release.profile, sotto_buf_span(&packed), NULL, diag);
    if (status != SOTTO_OK)
        return status;
    sotto_tags_apply_event(&e->release.profile, c->event->kind, local_s(e, c->at_s));
    /* Text tags still point into packed: the new form goes elsewhere. */
    sotto_buf fresh = sotto_buf_of(e->answer, SOTTO_PROFILE_MAX);
    status = sotto_profile_pack(&e->release.profile, &fresh);
    if (status == SOTTO_OK)
        status = sotto_store_put(e->store, SOTTO_RECORD_PROFILE, c->key, 0, sotto_buf_span(&fresh), diag);
    return status;
}

static sotto_status update_counters(kiosk_engine *e, const change *c, sotto_diag *diag)
{
    if (c->campaign < 0)
        return SOTTO_OK;
    sotto_counters_clear(&e->counters);
    sotto_buf packed = sotto_buf_of(e->packed, sizeof e->packed);
    sotto_status status = sotto_store_get(e->store, SOTTO_RECORD_COUNTERS, c->key, 0, &packed, diag);
    if (status == SOTTO_OK)
        status = sotto_counters_unpack(&e->counters, sotto_buf_span(&packed), diag);
    else if (sotto_status_cause(status) == SOTTO_CAUSE_NOT_FOUND)
        status = SOTTO_OK;
    if (status == SOTTO_OK)
        status = sotto_counters_apply(
            &e->counters, sotto_plan_campaign(e->release.plan, (size_t)c->campaign)->number, c->event->kind,
            c->at_s, (int32_t)sotto_floor_div_i64(local_s(e, c->at_s), 86400));
    packed.len = 0;
    if (status == SOTTO_OK)
        status = sotto_counters_pack(&e->counters, &packed);
    if (status == SOTTO_OK)
        status = sotto_store_put(e->store, SOTTO_RECORD_COUNTERS, c->key, 0, sotto_buf_span(&packed), diag);
    return status;
}

/* The segment by the measurement task's tag; any customer whose tag is absent or may not be counted stands in
 * "other". */
static size_t segment_of(const kiosk_engine *e, int32_t today)
{
    const sotto_task *task = &e->release.task;
    sotto_tag_value value;
    int index = sotto_dictionary_find(e->release.dictionary, sotto_span_str(task->segment_tag));
    if (index < 0)
        return task->segment_count;
    const sotto_tag *tag = sotto_dictionary_at(e->release.dictionary, (size_t)index);
    if (!tag->aggregate || tag->kind != SOTTO_TAG_CHOICE ||
        !sotto_profile_read(&e->release.profile, (size_t)index, SOTTO_PURPOSE_MEASUREMENT, today, &value))
        return task->segment_count;
    return (size_t)sotto_task_segment(task, sotto_span_str(tag->choices[value.num]));
}

static bool may_count(const kiosk_engine *e, int32_t today)
{
    sotto_tag_value value;
    int tag = sotto_plan_measurement_tag(e->release.plan);
    return tag >= 0 &&
           sotto_profile_read(&e->release.profile, (size_t)tag, SOTTO_PURPOSE_SERVICE, today, &value) &&
           value.num != 0;
}

static sotto_status count_event(kiosk_engine *e, const change *c, bool *counted, sotto_diag *diag)
{
    *counted = false;
    bool taken = c->event->kind == SOTTO_EVENT_TAKEN;
    if (!taken && c->event->kind != SOTTO_EVENT_SHOWN)
        return SOTTO_OK;
    int32_t today = (int32_t)sotto_floor_div_i64(local_s(e, c->now_s), 86400);
    int campaign = sotto_task_campaign(&e->release.task, c->event->campaign);
    if (campaign < 0 || !may_count(e, today))
        return SOTTO_OK;
    size_t cell = sotto_task_cell(&e->release.task, (size_t)campaign, segment_of(e, today),
                                  taken ? SOTTO_OUTCOME_TAKEN : SOTTO_OUTCOME_SHOWN);
    return sotto_tally_note(e->store, &e->release.task, c->key, cell, c->at_s, counted, diag);
}

sotto_status kiosk_record(kiosk_engine *e, const kiosk_event *event, bool *counted, sotto_diag *diag)
{
    change c = {.event = event};
    *counted = false;
    sotto_status status = kiosk_now(e, &c.now_s, diag);
    if (status == SOTTO_OK)
        status = check(e, &c, diag);
    if (status == SOTTO_OK)
        status = sotto_store_begin(e->store, diag);
    if (status != SOTTO_OK)
        return status;
    status = update_profile(e, &c, diag);
    if (status == SOTTO_OK)
        status = update_counters(e, &c, diag);
    if (status == SOTTO_OK)
        status = count_event(e, &c, counted, diag);
    if (status == SOTTO_OK)
        status = sotto_store_set_i64(e->store, "time.floor_s", c.now_s, diag);
    if (status == SOTTO_OK)
        status = sotto_store_commit(e->store, diag);
    sotto_wipe(c.key, sizeof c.key);
    if (status != SOTTO_OK) {
        sotto_store_rollback(e->store);
        *counted = false;
        return status;
    }
    e->events++;
    return SOTTO_OK;
}

sotto_status kiosk_forget(kiosk_engine *e, sotto_span customer, sotto_diag *diag)
{
    uint8_t key[SOTTO_CUSTOMER_KEY_BYTES];
    sotto_status status = sotto_vault_customer_key(e->vault, customer, key);
    if (status == SOTTO_OK)
        status = sotto_store_forget(e->store, key, diag);
    sotto_wipe(key, sizeof key);
    if (sotto_status_cause(status) == SOTTO_CAUSE_NOT_FOUND)
        return sotto_diag_set(diag, SOTTO_ERR(KIOSK, NOT_FOUND), "unknown customer");
    return status;
}
