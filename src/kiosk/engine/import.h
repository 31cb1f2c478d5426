/* Customers' tags: of a file, and of one customer. */
#ifndef SOTTO_KIOSK_ENGINE_IMPORT_H
#define SOTTO_KIOSK_ENGINE_IMPORT_H

#include "engine/engine.h"

/* All rows of a CSV file or none. *rows: customers read; *repeated: this very file was imported before and
 * nothing was done. */
SOTTO_MUST_USE sotto_status kiosk_import(kiosk_engine *e, const char *path, uint64_t *rows, bool *repeated,
                                         sotto_diag *diag);
/* A customer's tags into e->release.profile, none when there is no record, and back. */
SOTTO_MUST_USE sotto_status kiosk_load_profile(kiosk_engine *e,
                                               const uint8_t key[static SOTTO_CUSTOMER_KEY_BYTES],
                                               sotto_diag *diag);
SOTTO_MUST_USE sotto_status kiosk_save_profile(kiosk_engine *e,
                                               const uint8_t key[static SOTTO_CUSTOMER_KEY_BYTES],
                                               sotto_diag *diag);

#endif
