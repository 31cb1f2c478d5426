/* Messages between the parties of mode B: CBOR in the deterministic form that codec writes and demands. */
#include "aggregate/aggregate.h"

#include <stdlib.h>
#include <string.h>

sotto_status agg_message_begin(agg_message *m, size_t cap, sotto_diag *diag)
{
    uint8_t *memory = malloc(cap);
    m->buf = sotto_buf_of(memory, memory == NULL ? 0 : cap);
    m->w = sotto_cbor_writer_of(&m->buf);
    return memory == NULL ? sotto_diag_set(diag, SOTTO_ERR(HQ, NO_MEMORY), "no memory for a message")
                          : SOTTO_OK;
}

sotto_status agg_message_end(agg_message *m, sotto_vec *out, sotto_diag *diag)
{
    m->w.out = &m->buf; /* m may have been moved since it was begun */
    sotto_status status = sotto_cbor_writer_end(&m->w);
    if (status == SOTTO_OK)
        status = sotto_vec_put(out, m->buf.ptr, m->buf.len);
    free(m->buf.ptr);
    *m = (agg_message){0};
    return status == SOTTO_OK ? status : sotto_diag_set(diag, status, "a message could not be written");
}

void agg_read_exact(sotto_cbor_reader *r, uint8_t *out, size_t len)
{
    sotto_span bytes = sotto_cbor_get_bytes(r, len);
    if (bytes.len == len)
        memcpy(out, bytes.ptr, len);
    else if (r->status == SOTTO_OK)
        r->status = SOTTO_ERR(HQ, MALFORMED);
}

void agg_write_about(sotto_cbor_writer *w, const sotto_split_report *r)
{
    sotto_cbor_put_bytes(w, sotto_span_of(r->id, sizeof r->id));
    sotto_cbor_put_text(w, sotto_span_str(r->device));
    sotto_cbor_put_uint(w, r->seq);
    sotto_cbor_put_uint(w, r->release_version);
    sotto_cbor_put_int(w, r->period_day);
    sotto_cbor_put_bytes(w, r->public_share);
}

void agg_read_about(sotto_cbor_reader *r, sotto_split_report *out)
{
    agg_read_exact(r, out->id, sizeof out->id);
    sotto_span device = sotto_cbor_get_text(r, SOTTO_SPLIT_DEVICE_MAX);
    if (r->status == SOTTO_OK)
        r->status = sotto_span_to_str(device, out->device, sizeof out->device);
    out->seq = sotto_cbor_get_uint(r, INT64_MAX); /* SQLite's integers are signed */
    out->release_version = sotto_cbor_get_uint(r, INT64_MAX);
    int64_t day = sotto_cbor_get_int(r);
    if (r->status == SOTTO_OK && (day < INT32_MIN || day > INT32_MAX))
        r->status = SOTTO_ERR(HQ, RANGE);
    out->period_day = (int32_t)day;
    out->public_share = sotto_cbor_get_bytes(r, SOTTO_REPORT_MAX);
}

sotto_status agg_read_end(const sotto_cbor_reader *r, const char *what, sotto_diag *diag)
{
    sotto_status status = sotto_cbor_reader_end(r, diag);
    return status == SOTTO_OK ? status
                              : sotto_diag_set(diag, SOTTO_ERR(HQ, MALFORMED),
                                               "%s is not of its form (docs/formats/aggregate.md)", what);
}
