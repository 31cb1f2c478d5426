/* A line to a peer: HTTPS by our client, both certificates. */
#include "aggregate/aggregate.h"
#include "office/day.h"

#include <stdio.h>

#define TIMEOUT_MS 60000

sotto_status agg_line_open(agg_line *line, const char *dir, enum agg_role peer, const char *url,
                           sotto_diag *diag)
{
    agg_party party;
    *line = (agg_line){0};
    sotto_status status = agg_party_peer(dir, peer, &party, diag);
    if (status == SOTTO_OK)
        status = agg_party_tls(dir, false, &party, 1, &line->tls, diag);
    const sotto_client_config config = {.url = url,
                                        .tls = line->tls,
                                        .timeout_ms = TIMEOUT_MS,
                                        .body_max = AGG_BODY_MAX,
                                        .clock = hq_clock()};
    if (status == SOTTO_OK)
        status = sotto_client_new(&line->client, &config, diag);
    if (status != SOTTO_OK)
        agg_line_close(line);
    return status;
}

void agg_line_close(agg_line *line)
{
    sotto_client_free(line->client);
    sotto_tls_free(line->tls);
    *line = (agg_line){0};
}

/* The peer's own words, where it gave any. */
static sotto_status told(const sotto_http_message *response, sotto_diag *diag)
{
    sotto_json *doc = NULL;
    sotto_span text = sotto_span_str("it gave no reason");
    sotto_status status = response->code == 409   ? SOTTO_ERR(HQ, CONFLICT)
                          : response->code == 403 ? SOTTO_ERR(HQ, DENIED)
                          : response->code == 404 ? SOTTO_ERR(HQ, NOT_FOUND)
                          : response->code >= 500 ? SOTTO_ERR(HQ, BUSY)
                                                  : SOTTO_ERR(HQ, PROTOCOL);
    if (sotto_json_parse(&doc, response->body, "answer", NULL) == SOTTO_OK &&
        sotto_json_get_str(sotto_json_root(doc), "error", &text, NULL) != SOTTO_OK)
        text = sotto_span_str("it gave no reason");
    (void)sotto_diag_set(diag, status, "%.*s", (int)text.len, (const char *)text.ptr);
    sotto_json_free(doc);
    return status;
}

sotto_status agg_line_ask(void *ctx, const char *target, sotto_span body, sotto_vec *answer, bool *answered,
                          sotto_diag *diag)
{
    agg_line *line = ctx;
    const sotto_http_message *response;
    sotto_status status =
        sotto_client_request(line->client, "POST", target, "application/cbor", body, &response, diag);
    if (answered != NULL)
        *answered = status == SOTTO_OK;
    if (status != SOTTO_OK)
        return status;
    return response->code == 200 ? sotto_vec_put(answer, response->body.ptr, response->body.len)
                                 : told(response, diag);
}
