/* Any bytes as packed counters, as they are and with a right checksum: refused with nothing left, or counters
 * that have one form only, that take any event, and that still fit afterwards. */
#include "fuzz.h"

#include <string.h>

#include "sotto/decide.h"

static void check(sotto_span packed)
{
    static sotto_counters c;
    static uint8_t bytes[SOTTO_COUNTERS_MAX];
    sotto_buf out = sotto_buf_of(bytes, sizeof bytes);
    sotto_diag diag = {0};
    sotto_status status = sotto_counters_unpack(&c, packed, &diag);
    require(status == diag.status);
    if (status != SOTTO_OK) {
        require(c.count == 0);
        return;
    }
    require(sotto_counters_pack(&c, &out) == SOTTO_OK);
    require(packed.ptr[0] == 1 ||
            sotto_span_equal(sotto_buf_span(&out), packed)); /* 1 is read, not written */
    static const int64_t TIMES[] = {INT64_MIN, 0, INT64_C(86400) * 20778, INT64_MAX};
    for (size_t i = 0; i < SOTTO_COUNT(TIMES); i++)
        for (int kind = SOTTO_EVENT_SHOWN; kind <= SOTTO_EVENT_DISMISSED; kind++) {
            status = sotto_counters_apply(&c, (uint16_t)(1 + i), (enum sotto_event_kind)kind, TIMES[i],
                                          (int32_t)(TIMES[i] >> 16));
            require(status == SOTTO_OK || sotto_status_cause(status) == SOTTO_CAUSE_NO_SPACE);
            status = sotto_counters_apply_creative(&c, (uint16_t)(1 + i), (uint8_t)kind, TIMES[i],
                                                   (int32_t)(TIMES[i] >> 16));
            require(status == SOTTO_OK || sotto_status_cause(status) == SOTTO_CAUSE_NO_SPACE);
        }
    out.len = 0;
    require(sotto_counters_pack(&c, &out) == SOTTO_OK);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    check(sotto_span_of(data, size));
    uint8_t *sealed = malloc(size + 4);
    require(sealed != NULL);
    sotto_buf buf = sotto_buf_of(sealed, size + 4);
    require(sotto_buf_put(&buf, data, size) == SOTTO_OK);
    require(sotto_put_u32(&buf, sotto_crc32(0, sotto_buf_span(&buf))) == SOTTO_OK);
    check(sotto_buf_span(&buf));
    free(sealed);
    return 0;
}
