/* A customer's counted events of one period (docs/formats/store.md, "Contribution"). */
#include "tally_priv.h"

#include <assert.h>
#include <string.h>

enum { CONTRIBUTION_VERSION = 1 };

/* One task's part; its cells are left in the cursor's place. */
struct part {
    uint32_t task_id, count;
};

static struct part read_head(sotto_cursor *c)
{
    uint64_t task_id = sotto_cursor_uvarint(c), count = sotto_cursor_uvarint(c);
    if (task_id > UINT32_MAX || count > TALLY_BOUND_MAX)
        (void)sotto_cursor_fail(c, SOTTO_ERR(TALLY, CORRUPT));
    return c->status == SOTTO_OK ? (struct part){(uint32_t)task_id, (uint32_t)count} : (struct part){0, 0};
}

static void read_cells(sotto_cursor *c, uint32_t count, uint32_t *cells)
{
    for (uint32_t i = 0; i < count; i++) {
        uint64_t cell = sotto_cursor_uvarint(c);
        if (cell > UINT32_MAX)
            (void)sotto_cursor_fail(c, SOTTO_ERR(TALLY, CORRUPT));
        cells[i] = (uint32_t)cell;
    }
}

static sotto_status check_version(sotto_cursor *c, sotto_diag *diag)
{
    uint8_t version = sotto_cursor_u8(c);
    if (c->status != SOTTO_OK || version == CONTRIBUTION_VERSION)
        return SOTTO_OK; /* an empty record is told at its end */
    return sotto_diag_set(diag, SOTTO_ERR(TALLY, UNSUPPORTED),
                          "a contribution of version %u, made by a newer program", version);
}

static sotto_status check_end(const sotto_cursor *c, sotto_diag *diag)
{
    if (sotto_cursor_end(c) == SOTTO_OK)
        return SOTTO_OK;
    return sotto_diag_at_offset(diag, SOTTO_ERR(TALLY, CORRUPT), "contribution", sotto_cursor_offset(c),
                                "the record is damaged");
}

sotto_status sotto_contribution_read(sotto_contribution *out, sotto_span record, uint32_t task_id,
                                     sotto_diag *diag)
{
    sotto_cursor c = sotto_cursor_of(record);
    uint32_t others[TALLY_BOUND_MAX];
    out->count = 0;
    sotto_status status = check_version(&c, diag);
    if (status != SOTTO_OK)
        return status;
    while (c.status == SOTTO_OK && sotto_cursor_left(&c) > 0) {
        struct part part = read_head(&c);
        bool wanted = part.task_id == task_id;
        read_cells(&c, part.count, wanted ? out->cells : others);
        if (wanted)
            out->count = part.count;
    }
    status = check_end(&c, diag);
    if (status != SOTTO_OK)
        out->count = 0;
    return status;
}

static sotto_status put_part(const uint32_t *cells, uint32_t count, uint32_t task_id, sotto_buf *out)
{
    sotto_status status = sotto_put_uvarint(out, task_id);
    if (status == SOTTO_OK)
        status = sotto_put_uvarint(out, count);
    for (uint32_t i = 0; i < count && status == SOTTO_OK; i++)
        status = sotto_put_uvarint(out, cells[i]);
    return status;
}

/* The parts of other tasks in record. */
static sotto_status copy_others(sotto_span record, uint32_t task_id, sotto_buf *out, sotto_diag *diag)
{
    sotto_cursor c = sotto_cursor_of(record);
    uint32_t cells[TALLY_BOUND_MAX];
    sotto_status status = check_version(&c, diag);
    while (status == SOTTO_OK && c.status == SOTTO_OK && sotto_cursor_left(&c) > 0) {
        struct part part = read_head(&c);
        read_cells(&c, part.count, cells);
        if (c.status == SOTTO_OK && part.task_id != task_id)
            status = put_part(cells, part.count, part.task_id, out);
    }
    return status != SOTTO_OK ? status : check_end(&c, diag);
}

sotto_status sotto_contribution_write(const sotto_contribution *part, uint32_t task_id, sotto_span record,
                                      sotto_buf *out, sotto_diag *diag)
{
    assert(part->count <= TALLY_BOUND_MAX);
    sotto_status status = sotto_put_u8(out, CONTRIBUTION_VERSION);
    if (status == SOTTO_OK && record.len > 0)
        status = copy_others(record, task_id, out, diag);
    if (status == SOTTO_OK)
        status = put_part(part->cells, part->count, task_id, out);
    return status;
}
