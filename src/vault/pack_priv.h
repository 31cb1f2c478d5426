/* What reader and writer of tag packs share: docs/formats/tag-pack.md. */
#ifndef SOTTO_VAULT_PACK_PRIV_H
#define SOTTO_VAULT_PACK_PRIV_H

#include "sotto/codec.h"
#include "sotto/pack.h"

#include <stdlib.h>

#define PACK_MAGIC "SOTTOPCK"
/* Each with its NUL: no label begins another. */
#define PACK_SIGN_LABEL "sotto tag pack signature 1"
#define PACK_SEAL_LABEL "sotto tag pack 1"
#define PACK_VERSION    1
#define PACK_AHEAD_S    INT64_C(86400)

enum {
    PACK_DEVICE_BYTES = 64,
    PACK_BOUND_BYTES = 144, /* what the seal is bound to: everything before `chunks` */
    PACK_CERTIFICATE_AT = 245,
    PACK_INFO_BYTES = sizeof PACK_SEAL_LABEL + PACK_BOUND_BYTES,
    PACK_AAD_BYTES = 5
};

/* RANGE for numbers that no pack can have. */
SOTTO_MUST_USE sotto_status pack_head_check(const sotto_pack_head *head, sotto_diag *diag);
SOTTO_MUST_USE sotto_status pack_message(sotto_span signed_part, sotto_buf *out);
SOTTO_MUST_USE sotto_status pack_info(sotto_span bound, uint8_t out[static PACK_INFO_BYTES]);
void pack_aad(uint32_t index, bool last, uint8_t out[static PACK_AAD_BYTES]);

#endif
