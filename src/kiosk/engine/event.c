/* Events as the kiosk application and the bank's files tell them: one, or a list that goes in whole. */
#include "engine/record.h"
#include "engine/showings.h"

#include <string.h>

/* What each kind must say (NEEDS) and may say (the rest is refused: a misplaced amount is a mistake). */
enum { AMOUNT = 1, BALANCE = 2, PRODUCT = 4, DUE = 8, PAGE = 16, CAMPAIGN = 32 };
static const struct {
    unsigned needs, may;
} SAYS[SOTTO_EVENT_KINDS] = {
    [SOTTO_EVENT_CARD_IN] = {0, BALANCE | CAMPAIGN},
    [SOTTO_EVENT_SHOWN] = {CAMPAIGN, CAMPAIGN},
    [SOTTO_EVENT_TAKEN] = {CAMPAIGN, CAMPAIGN},
    [SOTTO_EVENT_DISMISSED] = {CAMPAIGN, CAMPAIGN},
    [SOTTO_EVENT_BALANCE] = {BALANCE, BALANCE},
    [SOTTO_EVENT_DEPOSIT] = {AMOUNT, AMOUNT | BALANCE},
    [SOTTO_EVENT_WITHDRAWAL] = {AMOUNT, AMOUNT | BALANCE},
    [SOTTO_EVENT_PURCHASE] = {AMOUNT, AMOUNT | BALANCE | PRODUCT | DUE},
    [SOTTO_EVENT_MATURITY] = {PRODUCT, PRODUCT | BALANCE},
    [SOTTO_EVENT_PAGE] = {PAGE, PAGE},
};
static const struct {
    const char *name;
    unsigned bit;
} MEMBERS[] = {{"amount", AMOUNT}, {"balance", BALANCE}, {"product", PRODUCT},
               {"due", DUE},       {"page", PAGE},       {"campaign", CAMPAIGN}};

static bool has(sotto_json_node body, const char *name)
{
    return sotto_json_member(body, name).val != NULL;
}

static sotto_status check_members(sotto_json_node body, enum sotto_event_kind kind, sotto_diag *diag)
{
    for (size_t i = 0; i < SOTTO_COUNT(MEMBERS); i++) {
        bool said = has(body, MEMBERS[i].name);
        /* A campaign that is not named is the record's to refuse: it knows the release. */
        if (!said && (SAYS[kind].needs & MEMBERS[i].bit & ~(unsigned)CAMPAIGN) != 0)
            return sotto_json_bad(body, diag, SOTTO_ERR(KIOSK, MALFORMED), "a %s must say its %s",
                                  sotto_event_name(kind), MEMBERS[i].name);
        if (said && (SAYS[kind].may & MEMBERS[i].bit) == 0)
            return sotto_json_bad(sotto_json_member(body, MEMBERS[i].name), diag, SOTTO_ERR(KIOSK, MALFORMED),
                                  "a %s has no %s", sotto_event_name(kind), MEMBERS[i].name);
    }
    return SOTTO_OK;
}

static sotto_status take_at(sotto_json_node body, int64_t *at_s, sotto_diag *diag)
{
    sotto_json_node node = sotto_json_member(body, "at");
    if (node.val == NULL)
        return SOTTO_OK;
    sotto_span text;
    sotto_status status = sotto_json_as_str(node, &text, diag);
    if (status == SOTTO_OK && sotto_time_parse(text, at_s) != SOTTO_OK)
        status =
            sotto_json_bad(node, diag, SOTTO_ERR(KIOSK, MALFORMED), "at must be like 2026-11-21T19:02:03Z");
    if (status == SOTTO_OK && *at_s == 0)
        *at_s = 1; /* 0 stands for now, and the first second of 1970 is as old as the second one */
    return status;
}

static sotto_status take_text(sotto_json_node body, const char *name, sotto_span *out, sotto_diag *diag)
{
    sotto_json_node node = sotto_json_member(body, name);
    if (node.val == NULL)
        return SOTTO_OK;
    sotto_status status = sotto_json_as_str(node, out, diag);
    if (status == SOTTO_OK && (out->len == 0 || out->len > SOTTO_EVENT_TEXT_MAX))
        status = sotto_json_bad(node, diag, SOTTO_ERR(KIOSK, RANGE), "%s must have 1 to %d bytes", name,
                                SOTTO_EVENT_TEXT_MAX);
    return status;
}

static sotto_status take_money(sotto_json_node body, const char *name, int64_t min, int64_t *out,
                               sotto_diag *diag)
{
    sotto_json_node node = sotto_json_member(body, name);
    if (node.val == NULL)
        return SOTTO_OK;
    sotto_status status = sotto_json_as_decimal(node, SOTTO_EVENT_DECIMALS, out, diag);
    if (status == SOTTO_OK && (*out < min || *out > SOTTO_EVENT_MONEY_MAX))
        status = sotto_json_bad(node, diag, SOTTO_ERR(KIOSK, RANGE), "%s must be %s 10^12", name,
                                min < 0 ? "within" : "0 to");
    return status;
}

static sotto_status take_due(sotto_json_node body, sotto_event *event, sotto_diag *diag)
{
    char stamp[] = "YYYY-MM-DDT00:00:00Z";
    sotto_json_node node = sotto_json_member(body, "due");
    sotto_span text = {0};
    int64_t at_s = 0;
    if (node.val == NULL)
        return SOTTO_OK;
    sotto_status status = sotto_json_as_str(node, &text, diag);
    if (status != SOTTO_OK)
        return status;
    if (text.len == 10)
        memcpy(stamp, text.ptr, text.len);
    if (text.len != 10 || sotto_time_parse(sotto_span_str(stamp), &at_s) != SOTTO_OK)
        return sotto_json_bad(node, diag, SOTTO_ERR(KIOSK, MALFORMED), "due must be a date YYYY-MM-DD");
    event->has_due = true;
    event->due_day = (int32_t)sotto_floor_div_i64(at_s, 86400);
    return SOTTO_OK;
}

static sotto_status take_kind(sotto_json_node body, kiosk_event *event, sotto_diag *diag)
{
    sotto_span kind = {0};
    sotto_status status = sotto_json_get_str(body, "kind", &kind, diag);
    if (status == SOTTO_OK && (event->what.kind = sotto_event_find(kind)) == SOTTO_EVENT_NONE)
        status = sotto_json_bad(sotto_json_member(body, "kind"), diag, SOTTO_ERR(KIOSK, MALFORMED),
                                "unknown kind of event");
    return status == SOTTO_OK ? check_members(body, event->what.kind, diag) : status;
}

static sotto_status take_details(sotto_json_node body, sotto_event *what, sotto_diag *diag)
{
    sotto_status status = take_money(body, "amount", 0, &what->amount, diag);
    if (status == SOTTO_OK)
        status = take_money(body, "balance", -SOTTO_EVENT_MONEY_MAX, &what->balance, diag);
    what->has_balance = has(body, "balance");
    if (status == SOTTO_OK)
        status = take_text(body, "product", &what->product, diag);
    if (status == SOTTO_OK)
        status = take_text(body, "channel", &what->channel, diag);
    if (status == SOTTO_OK)
        status = take_text(body, "page", &what->page, diag);
    return status == SOTTO_OK ? take_due(body, what, diag) : status;
}

/* As an answer writes it. Another text is the application's own affair, and of no answer that is known here.
 */
static sotto_status take_decision(sotto_json_node body, kiosk_event *event, sotto_diag *diag)
{
    uint8_t id[sizeof event->decision];
    sotto_span text;
    sotto_status status = sotto_json_get_str(body, "decision", &text, diag);
    if (status != SOTTO_OK)
        return status;
    event->has_decision = true;
    if (text.len == 2 * sizeof id && sotto_hex_decode(text, id, sizeof id) == SOTTO_OK)
        for (size_t i = 0; i < sizeof id; i++)
            event->decision = event->decision << 8 | id[i];
    return SOTTO_OK;
}

sotto_status kiosk_customer_of(sotto_json_node body, bool required, sotto_span *out, sotto_diag *diag)
{
    sotto_json_node node = sotto_json_member(body, "customer");
    *out = sotto_span_of(NULL, 0);
    if (!required && (node.val == NULL || sotto_json_type(node) == SOTTO_JSON_NULL))
        return SOTTO_OK;
    sotto_status status = sotto_json_get_str(body, "customer", out, diag);
    if (status == SOTTO_OK && (out->len == 0 || out->len > KIOSK_CUSTOMER_MAX))
        status = sotto_json_bad(node, diag, SOTTO_ERR(KIOSK, RANGE), "customer must have 1 to %d bytes",
                                KIOSK_CUSTOMER_MAX);
    return status;
}

sotto_status kiosk_event_parse(kiosk_event *event, sotto_json_node body, sotto_diag *diag)
{
    static const char *const ALLOWED[] = {"creative", "customer", "kind",   "campaign", "decision",
                                          "at",       "id",       "amount", "balance",  "product",
                                          "channel",  "page",     "due"};
    *event = (kiosk_event){0};
    sotto_status status = sotto_json_only(body, ALLOWED, SOTTO_COUNT(ALLOWED), diag);
    if (status == SOTTO_OK)
        status = take_kind(body, event, diag);
    if (status == SOTTO_OK)
        status = kiosk_customer_of(body, !kiosk_event_uses_up(event->what.kind), &event->customer, diag);
    if (status == SOTTO_OK)
        status = take_text(body, "campaign", &event->campaign, diag);
    if (status == SOTTO_OK && has(body, "creative")) {
        int64_t creative = 0;
        status = sotto_json_get_i64(body, "creative", 1, UINT8_MAX, &creative, diag);
        event->creative = (uint8_t)creative;
    }
    if (status == SOTTO_OK && has(body, "decision"))
        status = take_decision(body, event, diag);
    if (status == SOTTO_OK)
        status = take_at(body, &event->at_s, diag);
    if (status == SOTTO_OK)
        status = take_text(body, "id", &event->id, diag);
    return status == SOTTO_OK ? take_details(body, &event->what, diag) : status;
}

/* ---- one ---- */

static void put_bool(sotto_json_writer *w, const char *name, bool value)
{
    sotto_json_name(w, name);
    sotto_json_bool(w, value);
}

static sotto_status one_event(kiosk_engine *e, sotto_json_node body, sotto_buf *out, sotto_diag *diag)
{
    kiosk_event event;
    kiosk_recorded recorded = {0};
    sotto_status status = kiosk_event_parse(&event, body, diag);
    if (status == SOTTO_OK)
        status = kiosk_record(e, &event, &recorded, diag);
    if (status != SOTTO_OK)
        return status;
    sotto_json_writer w = sotto_json_writer_of(out);
    sotto_json_obj(&w);
    put_bool(&w, "counted", recorded.counted);
    if (recorded.repeated)
        put_bool(&w, "repeated", true);
    if (recorded.late)
        put_bool(&w, "late", true);
    if (recorded.unknown)
        put_bool(&w, "unknown", true);
    sotto_json_obj_end(&w);
    return sotto_json_writer_end(&w);
}

/* ---- many ---- */

static sotto_status add_event(kiosk_engine *e, sotto_json_node node, kiosk_events_sum *sum, sotto_diag *diag)
{
    kiosk_event event;
    kiosk_recorded recorded = {0};
    bool unknown = false;
    sotto_diag detail = {0};
    sotto_status status = sotto_json_as_object(node, diag);
    if (status == SOTTO_OK)
        status = kiosk_event_parse(&event, node, diag);
    if (status != SOTTO_OK)
        return status;
    event.old = true;
    status = kiosk_record_one(e, &event, &recorded, &unknown, &detail);
    sum->rows++;
    sum->unknown += unknown;
    sum->repeated += recorded.repeated;
    sum->late += recorded.late;
    sum->counted += recorded.counted;
    sum->recorded += status == SOTTO_OK && !recorded.repeated && !recorded.late;
    if (status == SOTTO_OK || unknown)
        return SOTTO_OK;
    return sotto_json_bad(node, diag, status, "%s",
                          detail.text[0] != '\0' ? detail.text : sotto_status_cause_text(status));
}

static sotto_status add_events(kiosk_engine *e, sotto_json_node list, kiosk_events_sum *sum, sotto_diag *diag)
{
    int64_t now_s = 0;
    sotto_status status = kiosk_now(e, &now_s, diag);
    for (size_t i = 0; status == SOTTO_OK && i < sotto_json_count(list); i++)
        status = add_event(e, sotto_json_at(list, i), sum, diag);
    return status == SOTTO_OK ? sotto_store_set_i64(e->store, "time.floor_s", now_s, diag) : status;
}

static sotto_status tell_sum(const kiosk_events_sum *sum, sotto_buf *out)
{
    const struct {
        const char *name;
        uint64_t value;
    } parts[] = {{"recorded", sum->recorded},
                 {"repeated", sum->repeated},
                 {"late", sum->late},
                 {"unknown", sum->unknown},
                 {"counted", sum->counted}};
    sotto_json_writer w = sotto_json_writer_of(out);
    sotto_json_obj(&w);
    for (size_t i = 0; i < SOTTO_COUNT(parts); i++) {
        sotto_json_name(&w, parts[i].name);
        sotto_json_u64(&w, parts[i].value);
    }
    sotto_json_obj_end(&w);
    return sotto_json_writer_end(&w);
}

static sotto_status many_events(kiosk_engine *e, sotto_json_node body, sotto_buf *out, sotto_diag *diag)
{
    static const char *const ALLOWED[] = {"events"};
    kiosk_events_sum sum = {0};
    sotto_json_node list = sotto_json_member(body, "events");
    sotto_status status = sotto_json_only(body, ALLOWED, SOTTO_COUNT(ALLOWED), diag);
    if (status == SOTTO_OK)
        status = sotto_json_as_array(list, 1, KIOSK_EVENTS_MAX, diag);
    if (status == SOTTO_OK)
        status = sotto_store_begin(e->store, diag);
    if (status != SOTTO_OK)
        return status;
    status = add_events(e, list, &sum, diag);
    if (status == SOTTO_OK)
        status = sotto_store_commit(e->store, diag);
    if (status != SOTTO_OK) {
        sotto_store_rollback(e->store);
        return status;
    }
    e->events += sum.recorded;
    kiosk_showings_keep(e);
    return tell_sum(&sum, out);
}

sotto_status kiosk_events_from(kiosk_engine *e, sotto_json_node body, sotto_buf *out, sotto_diag *diag)
{
    return has(body, "events") ? many_events(e, body, out, diag) : one_event(e, body, out, diag);
}
