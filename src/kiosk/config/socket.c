/* A client on a socket of serve. */
#include "config/socket.h"

#include <stdio.h>
#include <unistd.h>

sotto_status kiosk_local_client(const kiosk_config *config, const char *socket, sotto_client **out,
                                sotto_diag *diag)
{
    char path[KIOSK_PATH_MAX], here[KIOSK_PATH_MAX] = "", url[2 * KIOSK_PATH_MAX + 8];
    sotto_status status = kiosk_path(config->run_dir, socket, path, diag);
    if (status == SOTTO_OK && path[0] != '/' && getcwd(here, sizeof here - 1) == NULL)
        status = sotto_diag_set(diag, SOTTO_ERR(KIOSK, RANGE), "the current folder's path is too long");
    if (status != SOTTO_OK)
        return status;
    /* A URL's path is absolute; a folder in the configuration need not be. */
    snprintf(url, sizeof url, "unix:%s%s%s", here, here[0] != '\0' ? "/" : "", path);
    const sotto_client_config client = {.url = url, .timeout_ms = 30000, .clock = kiosk_clock(config)};
    return sotto_client_new(out, &client, diag);
}

sotto_status kiosk_serve_away(sotto_status status, sotto_diag *diag)
{
    int cause = sotto_status_cause(status);
    if (cause != SOTTO_CAUSE_NOT_FOUND && cause != SOTTO_CAUSE_NETWORK)
        return status;
    return sotto_diag_set(diag, SOTTO_ERR(KIOSK, NOT_FOUND), "sotto serve does not answer: start it first");
}
