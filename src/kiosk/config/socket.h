/* The two sockets of serve, and a client on one of them: all that other processes see of it. */
#ifndef SOTTO_KIOSK_CONFIG_SOCKET_H
#define SOTTO_KIOSK_CONFIG_SOCKET_H

#include "config/config.h"

#include "sotto/sync.h"

/* Sockets below run_dir. */
#define KIOSK_API_SOCKET  "api/sotto.sock"
#define KIOSK_LINK_SOCKET "link/sotto.sock"

/* A client on one of the sockets. */
SOTTO_MUST_USE sotto_status kiosk_local_client(const kiosk_config *config, const char *socket,
                                               sotto_client **out, sotto_diag *diag);
/* What a request to serve that failed so comes to: NOT_FOUND, with words that say what to do, where nobody
 * answers; else status and its own words. */
SOTTO_MUST_USE sotto_status kiosk_serve_away(sotto_status status, sotto_diag *diag);

#endif
