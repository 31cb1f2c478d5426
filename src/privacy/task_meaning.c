/* What the cells of a task mean, as one hash: so that two who add up the same cells mean the same by them
 * (docs/formats/split.md). */
#include "sotto/privacy.h"

#include <stdio.h>
#include <string.h>

/* Words of any bytes, each after its length: no two lists are written alike. */
static sotto_status put(sotto_sha256_stream *s, const char *word)
{
    char head[24];
    int len = snprintf(head, sizeof head, "%zu:", strlen(word));
    sotto_status status = sotto_sha256_update(s, sotto_span_of(head, (size_t)len));
    return status == SOTTO_OK ? sotto_sha256_update(s, sotto_span_str(word)) : status;
}

static sotto_status put_number(sotto_sha256_stream *s, int64_t number)
{
    char text[24];
    (void)snprintf(text, sizeof text, "%lld", (long long)number);
    return put(s, text);
}

static sotto_status put_dimension(sotto_sha256_stream *s, const sotto_dimension *d)
{
    sotto_status status = put(s, sotto_dimension_name(d->kind));
    if (status == SOTTO_OK)
        status = put(s, d->tag);
    if (status == SOTTO_OK)
        status = put(s, d->names != NULL ? "bins" : "edges");
    if (status == SOTTO_OK)
        status = put_number(s, (int64_t)d->named);
    for (size_t i = 0; i < d->named && status == SOTTO_OK; i++)
        status = d->names != NULL ? put(s, d->names[i]) : put_number(s, d->edges_e6[i]);
    return status;
}

static sotto_status put_task(sotto_sha256_stream *s, const sotto_task *task)
{
    sotto_status status = put(s, sotto_task_type_name(task->type));
    if (status == SOTTO_OK)
        status = put(s, task->has_left_out ? "left out" : "");
    for (size_t t = 0; t < task->table_count && status == SOTTO_OK; t++) {
        const sotto_table *table = &task->table[t];
        status = put(s, "table");
        for (size_t i = 0; i < table->dimensions && status == SOTTO_OK; i++)
            status = put_dimension(s, &table->dimension[i]);
    }
    return status;
}

sotto_status sotto_task_meaning(const sotto_task *task, uint8_t out[static SOTTO_SHA256_BYTES])
{
    sotto_sha256_stream *s = NULL;
    uint8_t hash[SOTTO_SHA256_BYTES] = {0};
    memset(out, 0, SOTTO_SHA256_BYTES);
    sotto_status status = sotto_sha256_begin(&s);
    if (status != SOTTO_OK)
        return status;
    status = put_task(s, task);
    sotto_status ended = sotto_sha256_end(s, hash);
    if (status == SOTTO_OK)
        status = ended;
    if (status == SOTTO_OK)
        memcpy(out, hash, sizeof hash);
    return status;
}
