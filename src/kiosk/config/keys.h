/* Where the terminal's two secrets rest: serve's root secret and the device's TLS key. */
#ifndef SOTTO_KIOSK_CONFIG_KEYS_H
#define SOTTO_KIOSK_CONFIG_KEYS_H

#include "config/config.h"

#include "sotto/codec.h"
#include "sotto/vault.h"

typedef struct kiosk_key_memory { /* what a provider points into */
    kiosk_key key;
    sotto_key_command command;
    char path[KIOSK_PATH_MAX + 16];
} kiosk_key_memory;
/* {"provider":"file"}, {"provider":"keyring","name":..} or {"provider":"command","load":[..],"create":[..]};
 * absent: file. */
SOTTO_MUST_USE sotto_status kiosk_key_read(sotto_json_node root, const char *member, kiosk_key *key,
                                           sotto_diag *diag);
/* memory must outlive the provider. */
sotto_key_provider kiosk_key_provider(const kiosk_config *config, const kiosk_key *key,
                                      kiosk_key_memory *memory);
/* Whether the root secret was created. An error: nobody can tell now. */
SOTTO_MUST_USE sotto_status kiosk_key_there(const kiosk_config *config, bool *there, sotto_diag *diag);
/* The device's TLS key; `make`: created where there is none. Wipe out. */
SOTTO_MUST_USE sotto_status kiosk_device_key(const kiosk_config *config, bool make,
                                             char out[static SOTTO_PEM_MAX], sotto_diag *diag);

#endif
