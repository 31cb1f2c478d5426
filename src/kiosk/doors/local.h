/* The command line's way to the engine: the running daemon, or without one the engine in this process. */
#ifndef SOTTO_KIOSK_DOORS_LOCAL_H
#define SOTTO_KIOSK_DOORS_LOCAL_H

#include "config/config.h"

typedef struct kiosk_local kiosk_local;
SOTTO_MUST_USE sotto_status kiosk_local_open(kiosk_local **out, const kiosk_config *config, sotto_diag *diag);
/* *code: an HTTP code; answer: its JSON body (what was in it is dropped). */
SOTTO_MUST_USE sotto_status kiosk_local_ask(kiosk_local *local, const char *method, const char *target,
                                            sotto_span body, int *code, sotto_vec *answer, sotto_diag *diag);
void kiosk_local_close(kiosk_local *local);

#endif
