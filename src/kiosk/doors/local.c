/* The command line's way to the engine: the running daemon when there is one, else the engine in this
 * process. One handler serves both. */
#include "doors/local.h"
#include "config/socket.h"
#include "doors/doors.h"

#include <stdlib.h>

struct kiosk_local {
    sotto_client *client; /* a daemon answers */
    kiosk_engine *engine; /* or we do */
};

static bool daemon_answers(const kiosk_config *config, const char *path)
{
    sotto_clock clock = kiosk_clock(config);
    int fd = -1;
    if (sotto_port_connect_unix(path, clock.mono_ms(clock.ctx) + 1000, &fd, NULL) != SOTTO_OK)
        return false;
    sotto_port_close(&fd);
    return true;
}

sotto_status kiosk_local_open(kiosk_local **out, const kiosk_config *config, sotto_diag *diag)
{
    *out = NULL;
    kiosk_local *local = calloc(1, sizeof *local);
    if (local == NULL)
        return sotto_diag_set(diag, SOTTO_ERR(KIOSK, NO_MEMORY), "out of memory");
    char path[KIOSK_PATH_MAX];
    sotto_status status = kiosk_path(config->run_dir, KIOSK_API_SOCKET, path, diag);
    if (status == SOTTO_OK && daemon_answers(config, path))
        status = kiosk_local_client(config, KIOSK_API_SOCKET, &local->client, diag);
    else if (status == SOTTO_OK)
        status = kiosk_engine_open(&local->engine, config, diag);
    if (status != SOTTO_OK) {
        kiosk_local_close(local);
        return status;
    }
    *out = local;
    return SOTTO_OK;
}

void kiosk_local_close(kiosk_local *local)
{
    if (local == NULL)
        return;
    sotto_client_free(local->client);
    kiosk_engine_close(local->engine);
    free(local);
}

static sotto_status ask_daemon(kiosk_local *local, const char *method, const char *target, sotto_span body,
                               int *code, sotto_vec *answer, sotto_diag *diag)
{
    const sotto_http_message *response;
    sotto_status status =
        sotto_client_request(local->client, method, target, "application/json", body, &response, diag);
    if (status != SOTTO_OK)
        return status;
    *code = response->code;
    return sotto_vec_put(answer, response->body.ptr, response->body.len);
}

sotto_status kiosk_local_ask(kiosk_local *local, const char *method, const char *target, sotto_span body,
                             int *code, sotto_vec *answer, sotto_diag *diag)
{
    answer->len = 0;
    if (local->client != NULL)
        return ask_daemon(local, method, target, body, code, answer, diag);
    const sotto_http_message request = {
        .is_request = true, .method = sotto_span_str(method), .target = sotto_span_str(target), .body = body};
    sotto_reply reply = {.body = *answer};
    kiosk_api_handle(local->engine, &request, NULL, &reply);
    *answer = reply.body;
    *code = reply.code;
    return SOTTO_OK;
}
