/* One-time codes of enrolment: 16 characters of Crockford's base 32, 80 bits. Pure functions. */
#ifndef SOTTO_HQ_OFFICE_CODE_H
#define SOTTO_HQ_OFFICE_CODE_H

#include "sotto/vault.h"

#define HQ_CODE_BYTES 10
#define HQ_CODE_TEXT  20 /* "7KQ2-M8XD-R4TP-0C9V" and a NUL */
void hq_code_format(const uint8_t secret[static HQ_CODE_BYTES], char out[static HQ_CODE_TEXT]);
/* As people type it: any case, with or without dashes and spaces, O for 0, I and L for 1. MALFORMED. */
SOTTO_MUST_USE sotto_status hq_code_parse(sotto_span text, uint8_t secret[static HQ_CODE_BYTES],
                                          sotto_diag *diag);
/* What the registry keeps instead of it. */
SOTTO_MUST_USE sotto_status hq_code_hash(const uint8_t secret[static HQ_CODE_BYTES],
                                         uint8_t out[static SOTTO_SHA256_BYTES]);

#endif
