/* Which releases passed and failed here, as the store remembers it. */
#ifndef SOTTO_KIOSK_ENGINE_HEALTH_H
#define SOTTO_KIOSK_ENGINE_HEALTH_H

#include "engine/release.h"

#include "sotto/store.h"

#define KIOSK_PROGRAM_MAX 24
typedef struct kiosk_health {
    uint64_t trying; /* 0 = none */
    uint8_t tries;   /* that did not come to an end */
    uint64_t good;   /* in use before the one accepted last: what is gone back to; 0 = none */
    uint64_t failed; /* the newest that failed; 0 = none */
    enum kiosk_unwell why;
    char failed_by[KIOSK_PROGRAM_MAX], passed_by[KIOSK_PROGRAM_MAX]; /* version of the program */
} kiosk_health;
/* All zero when there is nothing, or nothing that is understood. */
SOTTO_MUST_USE sotto_status kiosk_health_read(sotto_store *store, kiosk_health *out, sotto_diag *diag);
SOTTO_MUST_USE sotto_status kiosk_health_write(sotto_store *store, const kiosk_health *health,
                                               sotto_diag *diag);
/* Whether this version of the program found it unfit. */
bool kiosk_health_failed(const kiosk_health *health, uint64_t version);
/* Before a try, durable when it returns. The release counts as failed (CRASH) when too many tries had no end.
 */
SOTTO_MUST_USE sotto_status kiosk_health_try(sotto_store *store, kiosk_health *health, uint64_t version,
                                             sotto_diag *diag);
SOTTO_MUST_USE sotto_status kiosk_health_fail(sotto_store *store, kiosk_health *health, uint64_t version,
                                              enum kiosk_unwell why, sotto_diag *diag);
SOTTO_MUST_USE sotto_status kiosk_health_pass(sotto_store *store, kiosk_health *health, uint64_t version,
                                              sotto_diag *diag);
/* The try ended without a verdict. */
SOTTO_MUST_USE sotto_status kiosk_health_leave(sotto_store *store, kiosk_health *health, sotto_diag *diag);

#endif
