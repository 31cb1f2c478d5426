/* What commands take from each other. */
#ifndef SOTTO_KIOSK_COMMANDS_PARTS_H
#define SOTTO_KIOSK_COMMANDS_PARTS_H

#include "config/config.h"
#include "engine/record.h"

/* A CSV of events, through the running daemon or the engine in this process. Batches of rows: each whole or
 * not at all. What went in before an error stays; the same file may be read again, since events are known
 * again. */
SOTTO_MUST_USE sotto_status kiosk_import_events(const kiosk_config *config, const char *path,
                                                kiosk_events_sum *sum, sotto_diag *diag);

/* status --json: the certificate, which serve cannot see: what sync has of it, or null. The answer's object
 * gets one member more; NO_SPACE, NO_MEMORY. */
SOTTO_MUST_USE sotto_status kiosk_add_certificate(const kiosk_config *config, sotto_vec *answer);

/* `audit accept-restore`: the operator's word, told as it is taken (engine/showings.h). The exit code. */
int kiosk_cmd_accept_restore(const kiosk_config *config);

#endif
