/* The first thing that is asked of head office: what time it is. sync needs it to judge certificates, serve
 * to stamp and to close periods; each checks the signature for itself. */
#include "night/night.h"

#include <stdio.h>
#include <string.h>

/* serve's number; without serve one of our own. */
static sotto_status take_nonce(sotto_client *serve, uint8_t nonce[static SOTTO_TIME_NONCE_BYTES],
                               bool *serves)
{
    const sotto_http_message *response;
    sotto_json *doc = NULL;
    sotto_span text;
    sotto_status status =
        sotto_client_request(serve, "GET", "/v1/time", NULL, sotto_span_of(NULL, 0), &response, NULL);
    if (status == SOTTO_OK)
        status = sotto_json_parse(&doc, response->body, "serve", NULL);
    if (status == SOTTO_OK)
        status = sotto_json_get_str(sotto_json_root(doc), "nonce", &text, NULL);
    if (status == SOTTO_OK)
        status = text.len == 2 * SOTTO_TIME_NONCE_BYTES
                     ? sotto_hex_decode(text, nonce, SOTTO_TIME_NONCE_BYTES)
                     : SOTTO_ERR(KIOSK, MALFORMED);
    sotto_json_free(doc);
    *serves = status == SOTTO_OK;
    if (*serves)
        return SOTTO_OK;
    sotto_entropy entropy = sotto_port_entropy();
    return entropy.fill(entropy.ctx, nonce, SOTTO_TIME_NONCE_BYTES);
}

static sotto_status hand_on(sotto_client *serve, const sotto_time_word *word, sotto_diag *diag)
{
    uint8_t body[SOTTO_TIME_WORD_MAX];
    sotto_buf out = sotto_buf_of(body, sizeof body);
    const sotto_http_message *response;
    sotto_status status = sotto_time_write(word, &out);
    if (status == SOTTO_OK)
        status = sotto_client_request(serve, "POST", "/v1/time", "application/json", sotto_buf_span(&out),
                                      &response, diag);
    if (status == SOTTO_OK && response->code != 204)
        status = sotto_diag_set(diag, SOTTO_ERR(KIOSK, CONFLICT), "serve did not take the time: %.*s",
                                (int)(response->body.len < 200 ? response->body.len : 200),
                                (const char *)response->body.ptr);
    return status;
}

sotto_status kiosk_learn_time(const kiosk_config *config, sotto_time *time, sotto_client *office,
                              sotto_client *serve, sotto_span authority, sotto_diag *diag)
{
    char path[KIOSK_PATH_MAX];
    uint8_t nonce[SOTTO_TIME_NONCE_BYTES];
    sotto_time_word word;
    bool serves = false;
    sotto_status status = kiosk_path(config->sync_dir, "time", path, diag);
    if (status == SOTTO_OK)
        status = take_nonce(serve, nonce, &serves);
    if (status == SOTTO_OK)
        status = sotto_time_ask(office, nonce, &word, diag);
    if (sotto_status_cause(status) == SOTTO_CAUSE_UNSUPPORTED) {
        *diag = (sotto_diag){0};
        return SOTTO_OK;
    }
    if (status == SOTTO_OK)
        status = sotto_time_check(&word, nonce, authority, diag);
    if (status == SOTTO_OK)
        status = sotto_time_take(time, &word, path, diag);
    return status == SOTTO_OK && serves ? hand_on(serve, &word, diag) : status;
}
