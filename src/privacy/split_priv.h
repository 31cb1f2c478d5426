/* What the files about reports of mode B share (docs/formats/split.md). */
#ifndef SOTTO_PRIVACY_SPLIT_PRIV_H
#define SOTTO_PRIVACY_SPLIT_PRIV_H

#include "sotto/split.h"

enum {
    SPLIT_FORMAT = 2,
    SPLIT_OVERHEAD = 768, /* bytes of a message beside public share and sealed shares, with 256 of padding */
    SPLIT_SIZE_STEP = 512,
    SPLIT_PADDING_MIN = 256, /* so that the padding's length always takes two bytes */
    SPLIT_AAD_MAX = 512,
    SPLIT_INFO_BYTES = SOTTO_SPLIT_CTX_BYTES + 1
};

/* Keys of the payload's map. 0 to 9 are those of mode A's report. */
enum split_key {
    SPLIT_KEY_FORMAT,
    SPLIT_KEY_DEVICE,
    SPLIT_KEY_SEQ,
    SPLIT_KEY_PREVIOUS,
    SPLIT_KEY_TASK,
    SPLIT_KEY_RELEASE,
    SPLIT_KEY_PERIOD_DAY,
    SPLIT_KEY_PERIOD_DAYS,
    SPLIT_KEY_EPSILON,
    SPLIT_KEY_BOUND,
    SPLIT_KEY_DIGEST,
    SPLIT_KEY_ID,
    SPLIT_KEY_PUBLIC,
    SPLIT_KEY_LEADER,
    SPLIT_KEY_HELPER,
    SPLIT_KEY_PADDING,
    SPLIT_KEYS
};

/* Bytes of a report whose public share and sealed shares have that many bytes together. */
size_t split_size(size_t shares);
/* What a share is sealed for (HPKE's info), and with (associated data). */
void split_info(const sotto_split_report *report, unsigned party, uint8_t info[static SPLIT_INFO_BYTES]);
SOTTO_MUST_USE sotto_status split_aad(const sotto_split_report *report, sotto_buf *out);

#endif
