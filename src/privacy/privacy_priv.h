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
    COSE_HEADER_ALG = 1, /* RFC 9052 section 3.1 */
    COSE_HEADER_KID = 4,
    COSE_ALG_ES256 = -7,     /* RFC 9053 section 2.1 */
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
/* Sig_structure of RFC 9052 section 4.4 for COSE_Sign1 without external data: what is signed. */
SOTTO_MUST_USE sotto_status sotto_privacy_signed_bytes(sotto_span protected_header, sotto_span payload,
                                                       sotto_buf *out);
/* The protected header {1: -7, 4: device}. */
SOTTO_MUST_USE sotto_status sotto_privacy_protected_header(const char *device, sotto_buf *out);
/* A payload whose signature was found good. Cells into arena. */
SOTTO_MUST_USE sotto_status sotto_privacy_read_payload(sotto_report *out, sotto_span payload,
                                                       sotto_arena *arena, sotto_diag *diag);

#endif
