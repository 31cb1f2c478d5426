/* Any bytes as packed counts of a terminal, as they are and with a right checksum: refused with nothing left,
 * or counts that have one form only, that take any event, and that still fit afterwards. */
#include "fuzz.h"

#include <string.h>

#include "sotto/decide.h"

static void check(sotto_span packed)
{
    static sotto_terminal c;
    static uint8_t bytes[SOTTO_TERMINAL_MAX];
    sotto_buf out = sotto_buf_of(bytes, sizeof bytes);
    sotto_diag diag = {0};
    sotto_status status = sotto_terminal_unpack(&c, packed, &diag);
    require(status == diag.status);
    if (status != SOTTO_OK) {
        require(c.count == 0);
        return;
    }
    require(sotto_terminal_pack(&c, &out) == SOTTO_OK);
    require(sotto_span_equal(sotto_buf_span(&out), packed));
    static const int32_t DAYS[] = {INT32_MIN, 0, 20778, INT32_MAX};
    for (size_t i = 0; i < SOTTO_COUNT(DAYS); i++)
        for (int kind = SOTTO_EVENT_SHOWN; kind <= SOTTO_EVENT_DISMISSED; kind++)
            require(sotto_terminal_apply(&c, (uint16_t)(1 + i), (enum sotto_event_kind)kind, DAYS[i]) ==
                    SOTTO_OK);
    out.len = 0;
    require(sotto_terminal_pack(&c, &out) == SOTTO_OK);
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
