#include "privacy_priv.h"

#include <stdlib.h>
#include <string.h>

/* One block of memory for the three forms that a report passes through. */
struct work {
    uint8_t payload[REPORT_MESSAGE_MAX];
    uint8_t message[REPORT_MESSAGE_MAX]; /* first the bytes to be signed, then the COSE message */
    uint8_t frame[SOTTO_REPORT_MAX + SOTTO_REPORT_MAX / 2];
};

static sotto_status check_report(const sotto_report *report, sotto_diag *diag)
{
    size_t device_len = strnlen(report->device, sizeof report->device);
    if (device_len < 1 || device_len > REPORT_DEVICE_MAX)
        return sotto_diag_set(diag, SOTTO_ERR(PRIVACY, RANGE), "a device id has 1 to %d bytes",
                              REPORT_DEVICE_MAX);
    if (report->cell_count < 1 || report->cell_count > SOTTO_TASK_CELLS_MAX)
        return sotto_diag_set(diag, SOTTO_ERR(PRIVACY, RANGE), "a report has 1 to %d cells",
                              SOTTO_TASK_CELLS_MAX);
    if (report->seq < 1 || report->epsilon_ueps < 1 || report->bound < 1 || report->period_days < 1 ||
        report->period_days > REPORT_PERIOD_DAYS_MAX)
        return sotto_diag_set(diag, SOTTO_ERR(PRIVACY, RANGE),
                              "sequence number, epsilon, bound or period of the report is out of range");
    return SOTTO_OK;
}

/* Two's complement, big-endian, cut off at the ends of the width. */
static void put_cell(uint8_t *at, int64_t cell, size_t width)
{
    if (width == 4)
        cell = cell > INT32_MAX ? INT32_MAX : cell < INT32_MIN ? INT32_MIN : cell;
    uint64_t bits = (uint64_t)cell;
    for (size_t i = 0; i < width; i++)
        at[i] = (uint8_t)(bits >> (8 * (width - 1 - i)));
}

/* scratch: cell_count * width bytes. */
static void put_cells(sotto_cbor_writer *w, const sotto_report *report, size_t width, uint8_t *scratch)
{
    for (size_t i = 0; i < report->cell_count; i++)
        put_cell(scratch + i * width, report->cells[i], width);
    sotto_cbor_put_uint(w, REPORT_KEY_CELLS);
    sotto_cbor_put_tag(w, width == 4 ? CBOR_TAG_SINT32_BE : CBOR_TAG_SINT64_BE);
    sotto_cbor_put_bytes(w, sotto_span_of(scratch, report->cell_count * width));
}

static void put_field(sotto_cbor_writer *w, enum report_key key, uint64_t value)
{
    sotto_cbor_put_uint(w, key);
    sotto_cbor_put_uint(w, value);
}

static sotto_status write_payload(const sotto_report *report, size_t width, uint8_t *scratch, sotto_buf *out)
{
    sotto_cbor_writer w = sotto_cbor_writer_of(out);
    sotto_cbor_put_map(&w, REPORT_KEYS);
    put_field(&w, REPORT_KEY_FORMAT, REPORT_FORMAT);
    sotto_cbor_put_uint(&w, REPORT_KEY_DEVICE);
    sotto_cbor_put_text(&w, sotto_span_str(report->device));
    put_field(&w, REPORT_KEY_SEQ, report->seq);
    sotto_cbor_put_uint(&w, REPORT_KEY_PREVIOUS);
    sotto_cbor_put_bytes(&w, sotto_span_of(report->previous, sizeof report->previous));
    put_field(&w, REPORT_KEY_TASK, report->task_id);
    put_field(&w, REPORT_KEY_RELEASE, report->release_version);
    sotto_cbor_put_uint(&w, REPORT_KEY_PERIOD_DAY);
    sotto_cbor_put_int(&w, report->period_day);
    put_field(&w, REPORT_KEY_PERIOD_DAYS, report->period_days);
    put_field(&w, REPORT_KEY_EPSILON, report->epsilon_ueps);
    put_field(&w, REPORT_KEY_BOUND, report->bound);
    put_cells(&w, report, width, scratch);
    return sotto_cbor_writer_end(&w);
}

static sotto_status make_message(const sotto_report *report, size_t width, const sotto_vault *vault,
                                 struct work *work, sotto_buf *message)
{
    sotto_buf payload = sotto_buf_of(work->payload, sizeof work->payload);
    *message = sotto_buf_of(work->message, sizeof work->message);
    sotto_status status = write_payload(report, width, work->frame, &payload);
    return status == SOTTO_OK ? sotto_cose_sign(report->device, sotto_buf_span(&payload), vault, message)
                              : status;
}

static sotto_status seal(const sotto_report *report, const sotto_vault *vault, struct work *work,
                         sotto_buf *out, sotto_diag *diag)
{
    size_t width = sotto_privacy_cell_width(report->epsilon_ueps, report->bound);
    size_t size = sotto_privacy_sealed_size(report->cell_count, width);
    sotto_buf message, frame = sotto_buf_of(work->frame, sizeof work->frame);
    sotto_status status = make_message(report, width, vault, work, &message);
    if (status == SOTTO_OK)
        status = sotto_lz4_compress(sotto_buf_span(&message), &frame);
    if (status == SOTTO_OK)
        status = sotto_lz4_pad(&frame, &size, 1);
    if (status == SOTTO_OK)
        status = sotto_buf_put(out, frame.ptr, frame.len);
    if (status != SOTTO_OK)
        return sotto_diag_set(diag, status, "the report could not be sealed");
    return SOTTO_OK;
}

sotto_status sotto_report_seal(const sotto_report *report, const sotto_vault *vault, sotto_buf *out,
                               sotto_diag *diag)
{
    sotto_status status = check_report(report, diag);
    if (status != SOTTO_OK)
        return status;
    struct work *work = malloc(sizeof *work);
    if (work == NULL)
        return sotto_diag_set(diag, SOTTO_ERR(PRIVACY, NO_MEMORY), "no memory to seal a report");
    status = seal(report, vault, work, out, diag);
    free(work);
    return status;
}
