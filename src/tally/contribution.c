/* A customer's counts of one task and period (docs/formats/store.md, "Contribution"). */
#include "tally_priv.h"

#include <assert.h>

enum { CONTRIBUTION_VERSION = 2 };

static sotto_status damaged(sotto_diag *diag, const sotto_cursor *c)
{
    return sotto_diag_at_offset(diag, SOTTO_ERR(TALLY, CORRUPT), "contribution", sotto_cursor_offset(c),
                                "the record is damaged");
}

sotto_status sotto_contribution_read(sotto_contribution *out, sotto_span record, sotto_diag *diag)
{
    sotto_cursor c = sotto_cursor_of(record);
    uint8_t version = sotto_cursor_u8(&c);
    out->count = 0;
    if (c.status == SOTTO_OK && version != CONTRIBUTION_VERSION)
        return sotto_diag_set(diag, SOTTO_ERR(TALLY, UNSUPPORTED),
                              "a contribution of version %u, made by another program", version);
    uint64_t count = sotto_cursor_uvarint(&c);
    if (count > SOTTO_TASK_BOUND_MAX)
        return damaged(diag, &c);
    for (uint64_t i = 0; i < count; i++) {
        uint64_t cell = sotto_cursor_uvarint(&c);
        if (cell > UINT32_MAX)
            return damaged(diag, &c);
        out->cells[i] = (uint32_t)cell;
    }
    if (sotto_cursor_end(&c) != SOTTO_OK)
        return damaged(diag, &c);
    out->count = (uint32_t)count;
    return SOTTO_OK;
}

sotto_status sotto_contribution_write(const sotto_contribution *part, sotto_buf *out)
{
    assert(part->count <= SOTTO_TASK_BOUND_MAX);
    sotto_status status = sotto_put_u8(out, CONTRIBUTION_VERSION);
    if (status == SOTTO_OK)
        status = sotto_put_uvarint(out, part->count);
    for (uint32_t i = 0; i < part->count && status == SOTTO_OK; i++)
        status = sotto_put_uvarint(out, part->cells[i]);
    return status;
}
