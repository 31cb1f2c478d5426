/* Requests of `sync` about tag packs (docs/formats/wire.md): a signed statement out, a sealed file in. */
#include "doors/doors.h"
#include "engine/pack.h"

#include <stdio.h>

sotto_status kiosk_link_get_pack(kiosk_engine *e, sotto_json_node body, sotto_reply *reply, sotto_diag *diag)
{
    (void)body;
    sotto_pack_state state;
    char json[SOTTO_PACK_STATE_MAX];
    sotto_buf out = sotto_buf_of(json, sizeof json);
    sotto_status status = kiosk_pack_state(e, &state, diag);
    if (status == SOTTO_OK)
        status = sotto_pack_state_write(&state, &out);
    if (status == SOTTO_OK)
        kiosk_reply_json(reply, 200, sotto_buf_span(&out));
    return status;
}

sotto_status kiosk_link_post_restate(kiosk_engine *e, sotto_json_node body, sotto_reply *reply,
                                     sotto_diag *diag)
{
    (void)body;
    sotto_status status = kiosk_pack_restate(e, diag);
    if (status == SOTTO_OK)
        reply->code = 204;
    return status;
}

/* 422 {"accepted":false,"reason":"..."} */
static sotto_status refuse(kiosk_engine *e, int64_t seq, sotto_status why, sotto_reply *reply,
                           sotto_diag *diag)
{
    char json[KIOSK_ERROR_MAX], reason[512];
    if (diag->status == SOTTO_OK)
        (void)sotto_diag_set(diag, why, "%s", sotto_status_cause_text(why));
    sotto_diag_format(diag, reason, sizeof reason);
    sotto_log_event(&e->log, SOTTO_LOG_WARN, "pack.refused", "seq=%lld reason=\"%s\"", (long long)seq,
                    reason);
    sotto_buf out = sotto_buf_of(json, sizeof json);
    sotto_json_writer w = sotto_json_writer_of(&out);
    sotto_json_obj(&w);
    sotto_json_name(&w, "accepted");
    sotto_json_bool(&w, false);
    sotto_json_name(&w, "reason");
    sotto_json_cstr(&w, reason);
    sotto_json_obj_end(&w);
    sotto_status status = sotto_json_writer_end(&w);
    if (status == SOTTO_OK)
        kiosk_reply_json(reply, 422, sotto_buf_span(&out));
    return status;
}

/* What may be gone next time: the pack is kept, and offered again. */
static bool is_passing(sotto_status status)
{
    switch (sotto_status_cause(status)) {
    case SOTTO_CAUSE_IO:
    case SOTTO_CAUSE_FULL:
    case SOTTO_CAUSE_NO_MEMORY:
    case SOTTO_CAUSE_BUSY:
        return true;
    default:
        return false;
    }
}

sotto_status kiosk_link_post_pack(kiosk_engine *e, sotto_json_node body, sotto_reply *reply, sotto_diag *diag)
{
    int64_t seq;
    char name[64], path[KIOSK_PATH_MAX], json[160];
    kiosk_pack_sum sum = {0};
    sotto_status status = sotto_json_get_i64(body, "seq", 1, INT64_MAX, &seq, diag);
    if (status != SOTTO_OK)
        return status;
    snprintf(name, sizeof name, KIOSK_PACK_FOLDER "/%lld.pack", (long long)seq);
    status = kiosk_path(e->config->release_dir, name, path, diag);
    if (status == SOTTO_OK)
        status = kiosk_pack_apply(e, path, &sum, diag);
    if (status != SOTTO_OK)
        return sum.waits || is_passing(status) ? status : refuse(e, seq, status, reply, diag);
    const unsigned long long customers = sum.customers, forgotten = sum.forgotten;
    snprintf(json, sizeof json, "{\"accepted\":true,\"seq\":%lld,\"customers\":%llu,\"forgotten\":%llu}",
             (long long)seq, customers, forgotten);
    kiosk_reply_json(reply, 200, sotto_span_str(json));
    sotto_log_event(&e->log, SOTTO_LOG_INFO, "pack.applied", "seq=%lld customers=%llu forgotten=%llu",
                    (long long)seq, customers, forgotten);
    return SOTTO_OK;
}
