/* Where trust in head office's releases begins. */
#ifndef SOTTO_KIOSK_CONFIG_TRUST_H
#define SOTTO_KIOSK_CONFIG_TRUST_H

#include "config/config.h"

/* Trust in head office's signing keys from the installed file, for serve (dir: store_dir) or sync (dir:
 * release_dir), unless that one trusts a root already. */
SOTTO_MUST_USE sotto_status kiosk_trust_root(const kiosk_config *config, const char *dir, sotto_diag *diag);

#endif
