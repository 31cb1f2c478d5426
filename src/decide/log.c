/* Decisions written down whole, so that they can be made again: docs/formats/decision-log.md. */
#include "decide_priv.h"

#include <string.h>

/* Version 1 has no items: it is written where there are none, so that older programs read it. */
enum {
    FILE_VERSION = 2,
    FILE_VERSION_1 = 1,
    PARTS_1 = 4,
    RECORD_VERSION = 1,
    RECORD_UNKNOWN_CAPS = 2,
    CRC_BYTES = 4,
    ABSENT = 0xff
};
static const char MAGIC[] = "SOTTOLOG";

/* ---- the answer as one number ---- */

static uint64_t add(uint64_t hash, uint64_t value)
{
    return sotto_decide_mix(hash ^ value);
}

static uint64_t add_offer(uint64_t hash, const sotto_plan *plan, const sotto_offer *o)
{
    hash = add(hash, plan->campaigns[o->campaign].number);
    hash = add(add(hash, (uint64_t)o->margin_q24), o->propensity_q30);
    hash = add(add(hash, o->chance_q30), (uint64_t)o->score);
    hash = add(add(hash, o->creative), o->explored);
    if (plan->items != NULL)
        hash = add(hash, o->factor_q16);
    if (plan->diversity_q30 > 0)
        hash = add(hash, o->variety_q16);
    for (size_t i = 0; i < o->reason_count; i++)
        hash = add(add(hash, o->reasons[i].tag), (uint64_t)o->reasons[i].contribution_q24);
    return hash;
}

uint64_t sotto_decision_digest(const sotto_plan *plan, const sotto_decision *d)
{
    uint64_t hash = add(d->id, d->offer_count);
    for (size_t i = 0; i < d->offer_count; i++)
        hash = add_offer(hash, plan, &d->offers[i]);
    for (size_t i = 0; i < plan->campaign_count; i++)
        hash = add(hash, d->excluded[i]);
    hash = add(add(hash, d->nothing_because), d->profiled);
    hash = add(hash, d->large_type);
    for (size_t i = 0; i < plan->menu_count; i++)
        hash = add(hash, d->menu_order[i]);
    return hash;
}

/* ---- writing ---- */

static sotto_status put_part(sotto_buf *out, sotto_span bytes)
{
    if (bytes.len > UINT32_MAX)
        return SOTTO_ERR(DECIDE, RANGE);
    sotto_status status = sotto_put_u32(out, (uint32_t)bytes.len);
    return status == SOTTO_OK ? sotto_buf_put(out, bytes.ptr, bytes.len) : status;
}

sotto_status sotto_replay_head(const sotto_span part[static SOTTO_REPLAY_PARTS], sotto_buf *out)
{
    bool items = part[SOTTO_REPLAY_PARTS - 1].len > 0;
    sotto_status status = sotto_buf_put(out, MAGIC, sizeof MAGIC - 1);
    if (status == SOTTO_OK)
        status = sotto_put_u32(out, items ? FILE_VERSION : FILE_VERSION_1);
    for (size_t i = 0; status == SOTTO_OK && i < (items ? SOTTO_REPLAY_PARTS : PARTS_1); i++)
        status = put_part(out, part[i]);
    return status;
}

static sotto_status put_name(sotto_buf *out, const char *name)
{
    if (name == NULL)
        return sotto_put_u8(out, ABSENT);
    size_t len = strlen(name);
    if (len > SOTTO_REPLAY_NAME_MAX)
        return SOTTO_ERR(DECIDE, RANGE);
    sotto_status status = sotto_put_u8(out, (uint8_t)len);
    return status == SOTTO_OK ? sotto_buf_put(out, name, len) : status;
}

static sotto_status put_numbers(sotto_buf *out, const sotto_decide_request *r)
{
    sotto_status status = sotto_put_u64(out, (uint64_t)r->now_s);
    if (status == SOTTO_OK)
        status = sotto_put_u32(out, (uint32_t)r->utc_offset_min);
    if (status == SOTTO_OK)
        status = sotto_put_u64(out, r->seed);
    if (status == SOTTO_OK)
        status = sotto_put_u64(out, r->arm_key);
    return status == SOTTO_OK ? sotto_put_u64(out, r->offers_max) : status;
}

/* A packed piece with its length before it, which is known only afterwards. 0 = there is none. */
static void set_length(sotto_buf *out, size_t at)
{
    uint32_t len = (uint32_t)(out->len - at - 4);
    for (unsigned i = 0; i < 4; i++)
        out->ptr[at + i] = (uint8_t)(len >> 8 * i);
}

static sotto_status put_state(sotto_buf *out, const sotto_plan *plan, const sotto_decide_request *r)
{
    size_t at = out->len;
    sotto_status status = sotto_put_u32(out, 0);
    if (status == SOTTO_OK && r->profile != NULL && r->profile->dictionary == plan->dictionary)
        status = sotto_profile_pack(r->profile, out);
    if (status != SOTTO_OK)
        return status;
    set_length(out, at);
    at = out->len;
    status = sotto_put_u32(out, 0);
    if (status == SOTTO_OK && r->counters != NULL)
        status = sotto_counters_pack(r->counters, out);
    if (status != SOTTO_OK)
        return status;
    set_length(out, at);
    at = out->len;
    status = sotto_put_u32(out, 0);
    if (status == SOTTO_OK && r->terminal != NULL)
        status = sotto_terminal_pack(r->terminal, out);
    if (status == SOTTO_OK)
        set_length(out, at);
    return status;
}

static sotto_status put_body(sotto_buf *out, const sotto_plan *plan, const sotto_decide_request *r,
                             const sotto_decision *decision)
{
    const char *const names[] = {r->slot, r->channel, r->branch_group, r->terminal_model, r->language};
    sotto_status status = sotto_put_u8(out, r->caps_unknown ? RECORD_UNKNOWN_CAPS : RECORD_VERSION);
    if (status == SOTTO_OK)
        status = put_numbers(out, r);
    for (size_t i = 0; status == SOTTO_OK && i < SOTTO_COUNT(names); i++)
        status = put_name(out, names[i]);
    if (status == SOTTO_OK)
        status = put_state(out, plan, r);
    return status == SOTTO_OK ? sotto_put_u64(out, sotto_decision_digest(plan, decision)) : status;
}

sotto_status sotto_replay_put(const sotto_plan *plan, const sotto_decide_request *request,
                              const sotto_decision *decision, sotto_buf *out)
{
    size_t start = out->len;
    sotto_status status = sotto_put_u32(out, 0);
    if (status == SOTTO_OK)
        status = put_body(out, plan, request, decision);
    if (status == SOTTO_OK)
        status =
            sotto_put_u32(out, sotto_crc32(0, sotto_span_of(out->ptr + start + 4, out->len - start - 4)));
    if (status == SOTTO_OK)
        set_length(out, start);
    else
        out->len = start;
    return status;
}

/* ---- reading ---- */

sotto_status sotto_replay_open(sotto_replay *out, sotto_span file, const char *name, sotto_diag *diag)
{
    sotto_cursor c = sotto_cursor_of(file);
    *out = (sotto_replay){.name = name};
    sotto_span magic = sotto_cursor_bytes(&c, sizeof MAGIC - 1);
    if (!sotto_span_is(magic, MAGIC))
        return sotto_diag_at_offset(diag, SOTTO_ERR(DECIDE, MALFORMED), name, 0, "no log of decisions");
    uint32_t version = sotto_cursor_u32(&c);
    if ((version < FILE_VERSION_1 || version > FILE_VERSION) && c.status == SOTTO_OK)
        (void)sotto_cursor_fail(&c, SOTTO_ERR(DECIDE, UNSUPPORTED));
    for (size_t i = 0; i < (version == FILE_VERSION_1 ? PARTS_1 : SOTTO_REPLAY_PARTS); i++)
        out->part[i] = sotto_cursor_bytes(&c, sotto_cursor_u32(&c));
    out->at = sotto_cursor_offset(&c);
    out->file = file;
    if (c.status == SOTTO_OK)
        return SOTTO_OK;
    size_t where = out->at;
    *out = (sotto_replay){.name = name};
    return sotto_diag_at_offset(diag, c.status, name, where, "the head of the log is not of its form");
}

static const char *read_name(sotto_cursor *c, char out[static SOTTO_REPLAY_NAME_MAX + 1])
{
    uint8_t len = sotto_cursor_u8(c);
    if (len == ABSENT || c->status != SOTTO_OK)
        return NULL;
    sotto_status status = len > SOTTO_REPLAY_NAME_MAX
                              ? SOTTO_ERR(DECIDE, MALFORMED)
                              : sotto_span_to_str(sotto_cursor_bytes(c, len), out, SOTTO_REPLAY_NAME_MAX + 1);
    if (status != SOTTO_OK)
        (void)sotto_cursor_fail(c, SOTTO_ERR(DECIDE, MALFORMED));
    return out;
}

static void read_state(sotto_cursor *c, sotto_replay_memory *m, sotto_decide_request *r)
{
    sotto_span profile = sotto_cursor_bytes(c, sotto_cursor_u32(c));
    sotto_span counters = sotto_cursor_bytes(c, sotto_cursor_u32(c));
    sotto_span terminal = sotto_cursor_bytes(c, sotto_cursor_u32(c));
    sotto_status status = c->status;
    if (status == SOTTO_OK && profile.len > 0)
        status = sotto_profile_unpack(m->profile, profile, NULL, NULL);
    if (status == SOTTO_OK && counters.len > 0)
        status = sotto_counters_unpack(&m->counters, counters, NULL);
    if (status == SOTTO_OK && terminal.len > 0)
        status = sotto_terminal_unpack(&m->terminal, terminal, NULL);
    if (status != SOTTO_OK)
        (void)sotto_cursor_fail(c, status);
    r->profile = profile.len > 0 ? m->profile : NULL;
    r->counters = counters.len > 0 ? &m->counters : NULL;
    r->terminal = terminal.len > 0 ? &m->terminal : NULL;
}

static uint64_t read_body(sotto_cursor *c, sotto_replay_memory *m, sotto_decide_request *r)
{
    const char **const names[] = {&r->slot, &r->channel, &r->branch_group, &r->terminal_model, &r->language};
    uint8_t version = sotto_cursor_u8(c);
    r->caps_unknown = version == RECORD_UNKNOWN_CAPS;
    if (version != RECORD_VERSION && version != RECORD_UNKNOWN_CAPS)
        (void)sotto_cursor_fail(c, SOTTO_ERR(DECIDE, UNSUPPORTED));
    r->now_s = sotto_cursor_i64(c);
    r->utc_offset_min = sotto_cursor_i32(c);
    r->seed = sotto_cursor_u64(c);
    r->arm_key = sotto_cursor_u64(c);
    uint64_t offers = sotto_cursor_u64(c);
    r->offers_max = offers > SOTTO_OFFERS_MAX ? SOTTO_OFFERS_MAX : (size_t)offers;
    for (size_t i = 0; i < SOTTO_COUNT(names); i++)
        *names[i] = read_name(c, m->name[i]);
    read_state(c, m, r);
    return sotto_cursor_u64(c);
}

/* The record at log->at, its checksum proven; what follows it is next. */
static sotto_status next_record(sotto_replay *log, sotto_span *record, sotto_diag *diag)
{
    sotto_span rest = sotto_span_of(log->file.ptr + log->at, log->file.len - log->at);
    sotto_cursor c = sotto_cursor_of(rest);
    sotto_span whole = sotto_cursor_bytes(&c, sotto_cursor_u32(&c));
    if (c.status == SOTTO_OK && whole.len < CRC_BYTES)
        (void)sotto_cursor_fail(&c, SOTTO_ERR(DECIDE, TRUNCATED));
    if (c.status != SOTTO_OK)
        return sotto_diag_at_offset(diag, c.status, log->name, log->at, "a record is cut off");
    *record = sotto_span_of(whole.ptr, whole.len - CRC_BYTES);
    sotto_cursor crc = sotto_cursor_of(sotto_span_of(record->ptr + record->len, CRC_BYTES));
    if (sotto_cursor_u32(&crc) != sotto_crc32(0, *record))
        return sotto_diag_at_offset(diag, SOTTO_ERR(DECIDE, CORRUPT), log->name, log->at,
                                    "a record is damaged");
    log->at += sotto_cursor_offset(&c);
    return SOTTO_OK;
}

bool sotto_replay_more(const sotto_replay *log)
{
    return log->at < log->file.len;
}

sotto_status sotto_replay_next(sotto_replay *log, const sotto_plan *plan, sotto_replay_memory *m,
                               void *scratch, bool *same, sotto_diag *diag)
{
    sotto_span record;
    size_t start = log->at;
    *same = false;
    sotto_status status = next_record(log, &record, diag);
    if (status != SOTTO_OK)
        return status;
    sotto_decide_request request = {0};
    sotto_cursor c = sotto_cursor_of(record);
    uint64_t digest = read_body(&c, m, &request);
    status = sotto_cursor_end(&c);
    if (status != SOTTO_OK)
        return sotto_diag_at_offset(diag, status, log->name, start + 4 + sotto_cursor_offset(&c),
                                    "a record is not of its form");
    sotto_decide(plan, &request, scratch, &m->decision);
    *same = sotto_decision_digest(plan, &m->decision) == digest;
    return SOTTO_OK;
}
