/* What the files of this room share about the sealed report (docs/formats/report.md). */
#ifndef SOTTO_PRIVACY_PRIV_H
#define SOTTO_PRIVACY_PRIV_H

#include "sotto/privacy.h"

enum {
    REPORT_FORMAT = 1,
    REPORT_DEVICE_MAX = 64,
    REPORT_OVERHEAD_MAX = 384, /* bytes of a COSE message beside its cells; counted in report.md */
    REPORT_MESSAGE_MAX = REPORT_OVERHEAD_MAX + SOTTO_TASK_CELLS_MAX * 8,
    REPORT_PERIOD_DAYS_MAX = 31,
    COSE_SIGN1_TAG = 18, /* RFC 9052 section 2 */
    COSE_HEADER_MAX = REPORT_DEVICE_MAX + 16,
    COSE_SIGNED_EXTRA = 64,  /* what is signed beside header and payload: under 30 bytes */
    CBOR_TAG_SINT32_BE = 74, /* typed arrays, RFC 8746 section 2.1 */
    CBOR_TAG_SINT64_BE = 75
};

/* Keys of the payload's map. */
enum report_key {
    REPORT_KEY_FORMAT,
    REPORT_KEY_DEVICE,
    REPORT_KEY_SEQ,
    REPORT_KEY_PREVIOUS,
    REPORT_KEY_TASK,
    REPORT_KEY_RELEASE,
    REPORT_KEY_PERIOD_DAY,
    REPORT_KEY_PERIOD_DAYS,
    REPORT_KEY_EPSILON,
    REPORT_KEY_BOUND,
    REPORT_KEY_CELLS,
    REPORT_KEYS
};

/* Bytes a cell: 4, or 8 when noise of this scale could need more. Depends on the task only. */
size_t sotto_privacy_cell_width(uint64_t epsilon_ueps, uint32_t bound);
/* Bytes of a sealed report of that many cells of that width. */
size_t sotto_privacy_sealed_size(size_t cells, size_t width);
/* ---- cose.c: the signed envelope of both modes ---- */
typedef struct cose_parts { /* point into the message */
    sotto_span header, payload, signature;
} cose_parts;
/* The protected header {1: -7, 4: device}. */
SOTTO_MUST_USE sotto_status sotto_cose_header(const char *device, sotto_buf *out);
/* Sig_structure of RFC 9052 section 4.4 for COSE_Sign1 without external data: what is signed. */
SOTTO_MUST_USE sotto_status sotto_cose_signed_bytes(sotto_span header, sotto_span payload, sotto_buf *out);
/* The message, in the place of what `message` holds; payload lies elsewhere. NO_SPACE; vault's own errors. */
SOTTO_MUST_USE sotto_status sotto_cose_sign(const char *device, sotto_span payload, const sotto_vault *vault,
                                            sotto_buf *message);
/* MALFORMED, TRUNCATED, RANGE. Nothing is known to be true yet. */
SOTTO_MUST_USE sotto_status sotto_cose_split(cose_parts *out, sotto_span message, size_t payload_max,
                                             sotto_diag *diag);
/* AUTH: another key's. scratch: room for header, payload and COSE_SIGNED_EXTRA bytes (MALFORMED otherwise).
 */
SOTTO_MUST_USE sotto_status sotto_cose_verify(const cose_parts *parts,
                                              const uint8_t public_key[static SOTTO_PUBLIC_KEY_BYTES],
                                              sotto_buf *scratch, sotto_diag *diag);
/* MALFORMED when header is not that of device. */
SOTTO_MUST_USE sotto_status sotto_cose_check_header(const char *device, sotto_span header, sotto_diag *diag);

/* A payload whose signature was found good. Cells into arena. */
SOTTO_MUST_USE sotto_status sotto_privacy_read_payload(sotto_report *out, sotto_span payload,
                                                       sotto_arena *arena, sotto_diag *diag);

#endif
