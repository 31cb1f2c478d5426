/* Terminals' requests about tag packs (docs/formats/wire.md, "Tag packs"). */
#include "pack/pack.h"
#include "collector/collect.h"

#include <stdio.h>
#include <string.h>

sotto_status hq_collect_pack(hq_collector *c, const hq_device *device, sotto_span body, sotto_vec *answer,
                             bool *none, sotto_diag *diag)
{
    sotto_pack_state state;
    hq_pack_next next = {0};
    *none = true;
    sotto_status status = hq_pack_take_statement(c->dir, device, body, &state, diag);
    if (status == SOTTO_OK)
        status = hq_pack_next_read(c->dir, device->id, &next, diag);
    if (status != SOTTO_OK || !hq_pack_fits(&next, &state))
        return status;
    *none = false;
    return sotto_vec_printf(answer, "{\"seq\":%llu,\"bytes\":%llu}", (unsigned long long)next.seq,
                            (unsigned long long)next.bytes);
}

static bool two_numbers(sotto_span rest, uint64_t *seq, uint64_t *part)
{
    const uint8_t *slash = rest.len > 0 ? memchr(rest.ptr, '/', rest.len) : NULL;
    if (slash == NULL)
        return false;
    size_t len = (size_t)(slash - rest.ptr);
    return sotto_parse_u64(sotto_span_of(rest.ptr, len), seq) == SOTTO_OK &&
           sotto_parse_u64(sotto_span_of(slash + 1, rest.len - len - 1), part) == SOTTO_OK;
}

static size_t part_length(const hq_pack_next *next, uint64_t part)
{
    uint64_t left = next->bytes - part * HQ_PACK_PART_BYTES;
    return left < HQ_PACK_PART_BYTES ? (size_t)left : HQ_PACK_PART_BYTES;
}

sotto_status hq_collect_pack_part(const hq_collector *c, const hq_device *device, sotto_span rest,
                                  sotto_vec *answer, sotto_diag *diag)
{
    char name[32], path[HQ_PATH_MAX];
    uint64_t seq = 0, part = 0;
    hq_pack_next next = {0};
    if (!two_numbers(rest, &seq, &part))
        return sotto_diag_set(diag, SOTTO_ERR(HQ, NOT_FOUND), "there is nothing under this name");
    sotto_status status = hq_pack_next_read(c->dir, device->id, &next, diag);
    if (status == SOTTO_OK && (next.seq != seq || seq == 0 || part >= next.bytes / HQ_PACK_PART_BYTES + 1 ||
                               part * HQ_PACK_PART_BYTES >= next.bytes))
        return sotto_diag_set(diag, SOTTO_ERR(HQ, NOT_FOUND), "there is no such part of a pack");
    (void)snprintf(name, sizeof name, "%llu.pack", (unsigned long long)seq);
    if (status == SOTTO_OK)
        status = hq_pack_path(c->dir, device->id, name, path, diag);
    answer->limit = HQ_PACK_PART_BYTES;
    if (status == SOTTO_OK)
        status =
            sotto_port_read_part(path, part * HQ_PACK_PART_BYTES, part_length(&next, part), answer, diag);
    /* Where it stands on our disk is nobody's business. */
    if (sotto_status_cause(status) == SOTTO_CAUSE_NOT_FOUND)
        *diag = (sotto_diag){.status = status, .text = "there is no such part of a pack"};
    else if (sotto_status_cause(status) == SOTTO_CAUSE_RANGE) /* no fault of whoever asks */
        status = sotto_diag_set(diag, SOTTO_ERR(HQ, CORRUPT),
                                "pack %llu of %s has been cut short: sotto-hq pack make --full makes another",
                                (unsigned long long)seq, device->id);
    return status;
}
