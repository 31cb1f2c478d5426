/* A terminal's exported audit, judged (docs/formats/audit.md). */
#ifndef SOTTO_HQ_TOTALS_AUDIT_H
#define SOTTO_HQ_TOTALS_AUDIT_H

#include "registry/registry.h"

#include "sotto/vault.h"

typedef struct hq_audit {
    const char *path; /* named in errors */
    char device[HQ_DEVICE_ID_MAX], made_at[32];
    bool key_known; /* it is the one that head office holds, not only the statement's own word */
    uint64_t reports, waiting, set_aside;
    /* while it is judged: */
    sotto_span statement;
    uint8_t key[SOTTO_PUBLIC_KEY_BYTES], signature[SOTTO_SIGNATURE_BYTES];
    uint64_t last_seq;
    uint8_t last_sha256[SOTTO_SHA256_BYTES];
} hq_audit;
/* Judges the file's bytes; *a zeroed but for path. dir: an office whose registry knows the key, NULL: whose
 * key it is is not asked. MALFORMED (not two lines of that form), AUTH (a signature, a key), CORRUPT (a
 * report and what is said of it), CONFLICT and others of the registry: the line in diag, and the report where
 * there is one. */
SOTTO_MUST_USE sotto_status hq_audit_judge(hq_audit *a, sotto_span file, const char *dir, sotto_diag *diag);

#endif
