/* The line of the audit that goes with a report: kept beside it in the outbox, never sent. */
#include "tally_priv.h"

static void put_u64(sotto_json_writer *w, const char *name, uint64_t value)
{
    sotto_json_name(w, name);
    sotto_json_u64(w, value);
}

sotto_status sotto_audit_note_write(const sotto_audit_note *note, char *out, size_t cap)
{
    sotto_buf text = sotto_buf_of(out, cap - 1);
    sotto_json_writer w = sotto_json_writer_of(&text);
    out[0] = '\0';
    sotto_json_obj(&w);
    sotto_json_name(&w, "task");
    sotto_json_cstr(&w, note->task->name);
    sotto_json_name(&w, "day");
    sotto_json_i64(&w, note->period_day);
    put_u64(&w, "days", note->task->period_days);
    put_u64(&w, "epsilon_ueps", note->task->epsilon_ueps);
    put_u64(&w, "bound", note->task->bound);
    put_u64(&w, "cells", note->task->cells);
    put_u64(&w, "campaigns", note->task->campaign_count);
    put_u64(&w, "behind", note->behind);
    put_u64(&w, "left_out", note->left_out);
    put_u64(&w, "bytes", note->bytes);
    sotto_json_obj_end(&w);
    sotto_status status = sotto_json_writer_end(&w);
    if (status == SOTTO_OK)
        out[text.len] = '\0';
    return status;
}
