/*
 * The terminal's two doors. First byte: 'a' for the kiosk application's, anything else for the one of sync;
 * then a line "METHOD TARGET", then the body. Behind them stands a real engine without a release, with one
 * report in its outbox (fuzz_requests asks a terminal that has a release). Whatever comes, the answer is one
 * of the documented codes and whole JSON; nobody is known afterwards, and the report waits until it is
 * acknowledged by its hash.
 */
#include "doors.h"
#include "doors/doors.h"

static void make_terminal(void)
{
    const sotto_outbox_entry report = {.seq = 1, .sealed_s = 1, .note = "{}"};
    open_terminal();
    require(sotto_store_outbox_append(engine->store, &report, sotto_span_str("sealed"), NULL) == SOTTO_OK);
}

static void check_code(int code, bool api)
{
    static const int both[] = {200, 400, 404, 409}, link_only[] = {204, 422};
    bool known = false;
    for (size_t i = 0; i < SOTTO_COUNT(both); i++)
        known = known || code == both[i];
    for (size_t i = 0; i < SOTTO_COUNT(link_only); i++)
        known = known || (!api && code == link_only[i]);
    require(known);
}

/* No request can make a customer, lose the report, or acknowledge other bytes. */
static void check_store(void)
{
    uint64_t customers = 1;
    sotto_outbox_sum sum;
    require(sotto_store_count(engine->store, SOTTO_RECORD_PROFILE, &customers, NULL) == SOTTO_OK);
    require(sotto_store_outbox_sum(engine->store, &sum, NULL) == SOTTO_OK);
    require(customers == 0 && sum.reports == 1 && sum.set_aside == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (dir[0] == '\0')
        make_terminal();
    if (size == 0)
        return 0;
    bool api = data[0] == 'a';
    sotto_span rest = sotto_span_of(data + 1, size - 1), line = until(&rest, '\n');
    sotto_http_message request = {.is_request = true};
    request.method = until(&line, ' ');
    request.target = line;
    request.body = rest;
    sotto_reply reply = {0};
    sotto_vec_init(&reply.body, 1u << 20);
    (api ? kiosk_api_handle : kiosk_link_handle)(engine, &request, NULL, &reply);
    check_code(reply.code, api);
    check_body(&reply);
    check_store();
    sotto_vec_free(&reply.body);
    return 0;
}
