/* Any bytes as an event in JSON: refused with words, or an event within the ranges that a history takes,
 * which it takes once. */
#include "engine/record.h"
#include "fuzz.h"

static void check_ranges(const kiosk_event *event)
{
    const sotto_event *what = &event->what;
    require(what->kind > SOTTO_EVENT_NONE && what->kind < SOTTO_EVENT_KINDS);
    require(event->customer.len > 0 || kiosk_event_uses_up(what->kind)); /* shown to nobody in particular */
    require(event->customer.len <= KIOSK_CUSTOMER_MAX);
    require(what->amount >= 0 && what->amount <= SOTTO_EVENT_MONEY_MAX);
    require(what->balance >= -SOTTO_EVENT_MONEY_MAX && what->balance <= SOTTO_EVENT_MONEY_MAX);
    require(what->product.len <= SOTTO_EVENT_TEXT_MAX && what->page.len <= SOTTO_EVENT_TEXT_MAX);
    require(what->channel.len <= SOTTO_EVENT_TEXT_MAX && event->id.len <= SOTTO_EVENT_TEXT_MAX);
    require(event->campaign.len <= SOTTO_EVENT_TEXT_MAX && !event->old);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    sotto_json *doc = NULL;
    kiosk_event event;
    if (sotto_json_parse(&doc, sotto_span_of(data, size), "event", NULL) != SOTTO_OK)
        return 0;
    sotto_diag diag = {0};
    sotto_status status = sotto_json_as_object(sotto_json_root(doc), &diag);
    if (status == SOTTO_OK)
        status = kiosk_event_parse(&event, sotto_json_root(doc), &diag);
    require(status == diag.status && (status == SOTTO_OK || diag.text[0] != '\0'));
    if (status == SOTTO_OK)
        check_ranges(&event);
    sotto_json_free(doc);
    return 0;
}
