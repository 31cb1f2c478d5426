/* ECDSA P-256 with SHA-256 on keys that PSA holds; signatures are r || s, 32 bytes each. */
#ifndef SOTTO_VAULT_REPORT_KEY_H
#define SOTTO_VAULT_REPORT_KEY_H

#include "vault_priv.h"

SOTTO_MUST_USE sotto_status sotto_vault_report_import(const uint8_t scalar[static 32], psa_key_id_t *key);
SOTTO_MUST_USE sotto_status sotto_vault_report_key_sign(psa_key_id_t key, sotto_span message,
                                                        uint8_t signature[static SOTTO_SIGNATURE_BYTES]);

#endif
