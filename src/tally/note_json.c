/* The line of the audit that goes with a report: kept beside it in the outbox, never sent. */
#include "tally_priv.h"

static void put_u64(sotto_json_writer *w, const char *name, uint64_t value)
{
    sotto_json_name(w, name);
    sotto_json_u64(w, value);
}

static void put_text(sotto_json_writer *w, const char *name, const char *value)
{
    sotto_json_name(w, name);
    sotto_json_cstr(w, value);
}

/* At most some 330 bytes: a name of 64, numbers of 20 digits. */
sotto_status sotto_audit_note_write(const sotto_audit_note *note, char *out, size_t cap)
{
    const sotto_task *task = note->task;
    sotto_buf text = sotto_buf_of(out, cap - 1);
    sotto_json_writer w = sotto_json_writer_of(&text);
    out[0] = '\0';
    sotto_json_obj(&w);
    put_text(&w, "task", task->name);
    put_u64(&w, "id", task->id);
    put_text(&w, "type", sotto_task_type_name(task->type));
    put_text(&w, "mode", task->mode == SOTTO_MODE_A ? "A" : "B");
    sotto_json_name(&w, "day");
    sotto_json_i64(&w, note->period_day);
    put_u64(&w, "days", task->period_days);
    put_u64(&w, "epsilon_ueps", task->epsilon_ueps);
    if (task->delta_e12 > 0)
        put_u64(&w, "delta_e12", task->delta_e12);
    put_u64(&w, "bound", task->bound);
    put_u64(&w, "cells", task->cells);
    put_u64(&w, "behind", note->behind);
    put_u64(&w, "left_out", note->left_out);
    if (task->has_left_out)
        put_u64(&w, "told", note->told);
    sotto_json_obj_end(&w);
    sotto_status status = sotto_json_writer_end(&w);
    if (status == SOTTO_OK)
        out[text.len] = '\0';
    return status;
}
