/* The line of the audit that goes with a report: kept beside it in the outbox, never sent. */
#include "tally_priv.h"

#include <string.h>

enum { NAMES_BYTES = 100 }; /* of campaigns, as JSON: what the note has room for besides its numbers */

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

/* ---- campaigns that the task counts: the release's, whatever any customer was shown ---- */

static const sotto_dimension *campaigns_of(const sotto_task *task, size_t table)
{
    return sotto_table_dimension(&task->table[table], SOTTO_DIMENSION_CAMPAIGN);
}

/* Whether a table before that one names it, too. */
static bool is_repeated(const sotto_task *task, size_t table, const char *name)
{
    for (size_t t = 0; t < table; t++) {
        const sotto_dimension *d = campaigns_of(task, t);
        for (size_t i = 0; d != NULL && i < d->named; i++)
            if (strcmp(d->names[i], name) == 0)
                return true;
    }
    return false;
}

/* At most: with quotes, a comma, and every byte that JSON may have to escape. */
static size_t json_bytes(const char *text)
{
    size_t bytes = 3;
    for (; *text != '\0'; text++)
        bytes += (unsigned char)*text < ' ' ? 6 : *text == '"' || *text == '\\' ? 2 : 1;
    return bytes;
}

/* Those that fit, in the order of the task; returns how many others there are. */
static uint64_t put_names(sotto_json_writer *w, const sotto_task *task)
{
    size_t used = 0;
    uint64_t more = 0;
    for (size_t t = 0; t < task->table_count; t++) {
        const sotto_dimension *d = campaigns_of(task, t);
        for (size_t i = 0; d != NULL && i < d->named; i++) {
            if (is_repeated(task, t, d->names[i]))
                continue;
            if (more > 0 || used + json_bytes(d->names[i]) > NAMES_BYTES) {
                more++;
                continue;
            }
            used += json_bytes(d->names[i]);
            sotto_json_cstr(w, d->names[i]);
        }
    }
    return more;
}

static void put_campaigns(sotto_json_writer *w, const sotto_task *task)
{
    bool any = false;
    for (size_t t = 0; t < task->table_count; t++)
        any = any || campaigns_of(task, t) != NULL;
    if (!any)
        return;
    sotto_json_name(w, "campaigns");
    sotto_json_arr(w);
    uint64_t more = put_names(w, task);
    sotto_json_arr_end(w);
    if (more > 0)
        put_u64(w, "campaigns_more", more);
}

/* At most some 330 bytes: a name of 64, numbers of 20 digits; and 140 of campaigns. */
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
    put_campaigns(&w, task);
    sotto_json_obj_end(&w);
    sotto_status status = sotto_json_writer_end(&w);
    if (status == SOTTO_OK)
        out[text.len] = '\0';
    return status;
}
