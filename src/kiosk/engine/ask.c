/* One customer, one question: profile and counters out of the store, decide's pure answer, JSON. */
#include "engine/ask.h"
#include "engine/record.h"

#include <stdio.h>
#include <string.h>

static bool absent(sotto_status status)
{
    return sotto_status_cause(status) == SOTTO_CAUSE_NOT_FOUND;
}

/* The terminal's own day. */
static int32_t today_of(const kiosk_engine *e, int64_t now_s)
{
    return (int32_t)sotto_floor_div_i64(now_s + (int64_t)e->config->utc_offset_min * 60, 86400);
}

/* Tags and counters of a customer; *known false when there is no profile. Damaged counters are an error: caps
 * must hold. */
static sotto_status load_customer(kiosk_engine *e, const uint8_t *key, int32_t today, bool *known,
                                  sotto_diag *diag)
{
    *known = false;
    sotto_counters_clear(&e->counters);
    sotto_buf packed = sotto_buf_of(e->packed, sizeof e->packed);
    sotto_status status = sotto_store_get(e->store, SOTTO_RECORD_PROFILE, key, 0, &packed, diag);
    if (status != SOTTO_OK)
        return absent(status) ? SOTTO_OK : status;
    status = sotto_profile_unpack(&e->release.profile, sotto_buf_span(&packed), NULL, diag);
    if (status != SOTTO_OK)
        return status;
    if (sotto_history_needed(e->release.dictionary)) {
        status = kiosk_load_history(e, key, diag);
        if (status != SOTTO_OK)
            return status;
        sotto_history_derive(&e->history, today, &e->release.profile);
    }
    kiosk_release_derive(&e->release, today);
    *known = true;
    sotto_buf counters =
        sotto_buf_of(e->packed, sizeof e->packed); /* text tags pointed into it: decide reads none */
    status = sotto_store_get(e->store, SOTTO_RECORD_COUNTERS, key, 0, &counters, diag);
    if (status != SOTTO_OK)
        return absent(status) ? SOTTO_OK : status;
    return sotto_counters_unpack(&e->counters, sotto_buf_span(&counters), diag);
}

/* 64 bits of a keyed hash of the customer's key and a number. */
static uint64_t keyed(const uint8_t secret[static SOTTO_KEY_BYTES], const uint8_t *key, uint64_t number)
{
    uint8_t in[SOTTO_CUSTOMER_KEY_BYTES + 8], mac[SOTTO_SHA256_BYTES] = {0};
    sotto_buf buf = sotto_buf_of(in, sizeof in);
    sotto_status status = sotto_buf_put(&buf, key, SOTTO_CUSTOMER_KEY_BYTES);
    if (status == SOTTO_OK)
        status = sotto_put_u64(&buf, number);
    if (status == SOTTO_OK)
        status = sotto_hmac_sha256(sotto_span_of(secret, SOTTO_KEY_BYTES), sotto_buf_span(&buf), mac);
    sotto_wipe(in, sizeof in);
    sotto_cursor c = sotto_cursor_of(sotto_span_of(mac, 8));
    return status == SOTTO_OK ? sotto_cursor_u64(&c) : 0;
}

/* The seed breaks ties and draws what is explored the same way for a customer all day (the terminal's own
 * day: UTC's may end while the branch is open), and differently for the next customer and day. */
static uint64_t seed_of(const kiosk_engine *e, const uint8_t *key, int64_t now_s)
{
    int64_t local_s = now_s + (int64_t)e->config->utc_offset_min * 60;
    return keyed(e->seed_key, key, (uint64_t)sotto_floor_div_i64(local_s, 86400));
}

/* A Q-number as a JSON number with six digits: for people; the exact integer stands beside it. */
static void put_q(sotto_json_writer *w, const char *name, int64_t value, unsigned q)
{
    int64_t micro = 0;
    if (sotto_fixed_mul_div(value, 1000000, (int64_t)1 << q, &micro) != SOTTO_OK)
        micro = value < 0 ? INT64_MIN : INT64_MAX;
    sotto_json_name(w, name);
    sotto_json_decimal(w, micro, 6);
}

static void put_reasons(sotto_json_writer *w, const kiosk_engine *e, const sotto_offer *offer)
{
    sotto_json_name(w, "reasons");
    sotto_json_arr(w);
    for (size_t i = 0; i < offer->reason_count; i++) {
        const sotto_reason *reason = &offer->reasons[i];
        bool is_tag = reason->tag != UINT16_MAX;
        const sotto_tag *tag = is_tag ? sotto_dictionary_at(e->release.dictionary, reason->tag) : NULL;
        sotto_json_obj(w);
        sotto_json_name(w, "tag");
        sotto_json_cstr(w, is_tag ? tag->id : "product");
        sotto_json_name(w, "name");
        sotto_json_cstr(w, is_tag ? tag->name : "The product itself");
        put_q(w, "contribution", reason->contribution_q24, SOTTO_MODEL_SCALE_BITS);
        sotto_json_name(w, "contribution_q24");
        sotto_json_i64(w, reason->contribution_q24);
        sotto_json_obj_end(w);
    }
    sotto_json_arr_end(w);
}

/* Members that only some offers have. */
static void put_more(sotto_json_writer *w, const kiosk_engine *e, const sotto_campaign *campaign,
                     const sotto_offer *offer)
{
    const sotto_creative *creative = &campaign->creatives[offer->creative];
    const struct {
        const char *name, *text;
    } texts[] = {{"why", creative->why},
                 {"arm", creative->arm},
                 {"trigger", offer->trigger},
                 {"because", offer->because},
                 {"hand_over", campaign->hand_over}};
    for (size_t i = 0; i < SOTTO_COUNT(texts); i++) {
        if (texts[i].text == NULL)
            continue;
        sotto_json_name(w, texts[i].name);
        sotto_json_cstr(w, texts[i].text);
    }
    if (offer->variety_q16 < SOTTO_ITEMS_FACTOR_ONE_Q16) {
        put_q(w, "variety", offer->variety_q16, 16);
        sotto_json_name(w, "alike");
        sotto_json_cstr(w, sotto_plan_campaign(e->release.plan, offer->alike)->id);
    }
    if (creative->number != 0) {
        sotto_json_name(w, "creative");
        sotto_json_u64(w, creative->number);
    }
    if (campaign->price_minor >= 0) {
        sotto_json_name(w, "price");
        sotto_json_decimal(w, campaign->price_minor, sotto_plan_currency_decimals(e->release.plan));
    }
}

static void put_offer(sotto_json_writer *w, const kiosk_engine *e, const sotto_offer *offer)
{
    const sotto_campaign *campaign = sotto_plan_campaign(e->release.plan, offer->campaign);
    const sotto_creative *creative = &campaign->creatives[offer->creative];
    sotto_json_obj(w);
    sotto_json_name(w, "campaign");
    sotto_json_cstr(w, campaign->id);
    sotto_json_name(w, "product");
    sotto_json_cstr(w, campaign->product);
    sotto_json_name(w, "title");
    sotto_json_cstr(w, creative->title);
    sotto_json_name(w, "text");
    sotto_json_cstr(w, creative->text);
    sotto_json_name(w, "language");
    sotto_json_cstr(w, creative->language);
    sotto_json_name(w, "large_type");
    sotto_json_bool(w, creative->large_type);
    sotto_json_name(w, "notice");
    sotto_json_bool(w, campaign->notice);
    put_more(w, e, campaign, offer);
    put_q(w, "propensity", offer->propensity_q30, 30);
    put_q(w, "chance", offer->chance_q30, 30);
    sotto_json_name(w, "chance_q30");
    sotto_json_u64(w, offer->chance_q30);
    sotto_json_name(w, "explored");
    sotto_json_bool(w, offer->explored);
    sotto_json_name(w, "margin_q24");
    sotto_json_i64(w, offer->margin_q24);
    sotto_json_name(w, "score");
    sotto_json_i64(w, offer->score);
    put_q(w, "factor", offer->factor_q16, 16);
    put_reasons(w, e, offer);
    sotto_json_obj_end(w);
}

static void put_code(sotto_json_writer *w, const char *name, const char *code, const char *sentence)
{
    sotto_json_name(w, name);
    sotto_json_obj(w);
    sotto_json_name(w, "code");
    sotto_json_cstr(w, code);
    sotto_json_name(w, "text");
    sotto_json_cstr(w, sentence);
    sotto_json_obj_end(w);
}

static void put_excluded(sotto_json_writer *w, const kiosk_engine *e)
{
    sotto_json_name(w, "excluded");
    sotto_json_arr(w);
    for (size_t i = 0; i < sotto_plan_campaigns(e->release.plan); i++) {
        enum sotto_exclusion why = e->decision.excluded[i];
        if (why == SOTTO_EXCLUDED_NONE)
            continue;
        sotto_json_obj(w);
        sotto_json_name(w, "campaign");
        sotto_json_cstr(w, sotto_plan_campaign(e->release.plan, i)->id);
        put_code(w, "because", sotto_exclusion_code(why), sotto_exclusion_text(why));
        sotto_json_obj_end(w);
    }
    sotto_json_arr_end(w);
}

/* What the policy suggests for the screen itself. */
static void put_screen(sotto_json_writer *w, const kiosk_engine *e)
{
    const sotto_plan *plan = e->release.plan;
    sotto_json_name(w, "large_type");
    sotto_json_bool(w, e->decision.large_type);
    if (sotto_plan_menu(plan) == 0)
        return;
    sotto_json_name(w, "menu");
    sotto_json_arr(w);
    for (size_t i = 0; i < sotto_plan_menu(plan); i++)
        sotto_json_cstr(w, sotto_plan_menu_item(plan, e->decision.menu_order[i]));
    sotto_json_arr_end(w);
}

static sotto_status put_answer(const kiosk_engine *e, const kiosk_ask *ask, bool known, sotto_buf *json)
{
    const sotto_decision *d = &e->decision;
    char id[17];
    snprintf(id, sizeof id, "%016llx", (unsigned long long)d->id);
    sotto_json_writer w = sotto_json_writer_of(json);
    sotto_json_obj(&w);
    sotto_json_name(&w, "decision");
    sotto_json_cstr(&w, id);
    sotto_json_name(&w, "release");
    sotto_json_u64(&w, e->release.version);
    sotto_json_name(&w, "known");
    sotto_json_bool(&w, known);
    sotto_json_name(&w, "profiled");
    sotto_json_bool(&w, d->profiled);
    sotto_json_name(&w, "offers");
    sotto_json_arr(&w);
    for (size_t i = 0; i < d->offer_count; i++)
        put_offer(&w, e, &d->offers[i]);
    sotto_json_arr_end(&w);
    if (e->release.version == 0)
        put_code(&w, "nothing_because", "no_release", "no release has been accepted yet");
    else if (d->offer_count == 0)
        put_code(&w, "nothing_because", sotto_exclusion_code(d->nothing_because),
                 sotto_exclusion_text(d->nothing_because));
    if (e->release.version != 0)
        put_screen(&w, e);
    if (ask->explain && e->release.version != 0)
        put_excluded(&w, e);
    sotto_json_obj_end(&w);
    return sotto_json_writer_end(&w);
}

/* Comparison groups must not change with time: a key of its own, and nothing but the customer in it. 0 would
 * mean nobody. */
uint64_t kiosk_arm_key(const kiosk_engine *e, const uint8_t key[static SOTTO_CUSTOMER_KEY_BYTES])
{
    return keyed(e->arm_key, key, 0) | 1;
}

static const char *named(const char *text)
{
    return text[0] == '\0' ? NULL : text;
}

/* Texts point into memory that was used again since; decide reads none, and a log must not hold what is there
 * now. */
static void drop_texts(kiosk_engine *e)
{
    for (size_t i = 0; i < sotto_dictionary_count(e->release.dictionary); i++)
        if (sotto_dictionary_at(e->release.dictionary, i)->kind == SOTTO_TAG_TEXT)
            e->release.profile.values[i] = (sotto_tag_value){0};
}

static sotto_status decide_now(kiosk_engine *e, const kiosk_ask *ask, bool *known, sotto_diag *diag)
{
    uint8_t key[SOTTO_CUSTOMER_KEY_BYTES] = {0};
    int64_t now_s = 0;
    sotto_status status = kiosk_now(e, &now_s, diag);
    if (status == SOTTO_OK && ask->customer.len > 0)
        status = sotto_vault_customer_key(e->vault, ask->customer, key);
    if (status == SOTTO_OK && ask->customer.len > 0)
        status = load_customer(e, key, today_of(e, now_s), known, diag);
    if (status == SOTTO_OK)
        status = kiosk_load_terminal(e, diag);
    if (status != SOTTO_OK)
        return status;
    const sotto_decide_request request = {.profile = *known ? &e->release.profile : NULL,
                                          .counters = &e->counters,
                                          .terminal = &e->terminal,
                                          .now_s = now_s,
                                          .utc_offset_min = e->config->utc_offset_min,
                                          .slot = ask->slot,
                                          .channel = ask->channel != NULL ? ask->channel : e->config->channel,
                                          .branch_group = named(e->config->branch_group),
                                          .terminal_model = named(e->config->terminal_model),
                                          .language = ask->language,
                                          .arm_key = ask->customer.len == 0 ? 0 : kiosk_arm_key(e, key),
                                          .offers_max = ask->offers,
                                          .seed = seed_of(e, key, now_s),
                                          .caps_unknown = e->caps_unknown};
    if (ask->log != NULL)
        drop_texts(e);
    sotto_decide(e->release.plan, &request, e->release.scratch, &e->decision);
    if (*known)
        kiosk_recent_note(e, key, today_of(e, now_s));
    sotto_wipe(key, sizeof key);
    return ask->log == NULL ? SOTTO_OK : sotto_replay_put(e->release.plan, &request, &e->decision, ask->log);
}

sotto_status kiosk_decide(kiosk_engine *e, const kiosk_ask *ask, sotto_buf *json, sotto_diag *diag)
{
    bool known = false;
    sotto_counters_clear(&e->counters);
    e->decision.offer_count = 0;
    e->decision.profiled = false;
    e->decision.id = 0;
    e->decisions++;
    sotto_status status = SOTTO_OK;
    if (e->release.version != 0)
        status = decide_now(e, ask, &known, diag);
    return status == SOTTO_OK ? put_answer(e, ask, known, json) : status;
}
