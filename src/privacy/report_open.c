/* From sealed bytes back to a report. Nothing inside is believed before the signature was found good. */
#include "privacy_priv.h"

#include <stdlib.h>
#include <string.h>

struct work {
    uint8_t message[REPORT_MESSAGE_MAX];
    uint8_t signed_bytes[REPORT_MESSAGE_MAX];
};

static uint32_t le32(const uint8_t *at)
{
    return (uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

/* A sealed report ends in one skippable frame of zeros (that is how large its size leaves room). Readers of
 * LZ4 pass over such a frame whatever it holds, so its bytes are checked here: a report has one form. Gives
 * where it starts. */
static bool find_padding(sotto_span sealed, size_t *start)
{
    static const uint8_t MAGIC[] = {0x50, 0x2a, 0x4d, 0x18};
    for (size_t used = 8; used <= sealed.len; used++) {
        size_t at = sealed.len - used;
        if (used > 8 && sealed.ptr[at + 8] != 0)
            return false;
        if (memcmp(sealed.ptr + at, MAGIC, sizeof MAGIC) == 0 && le32(sealed.ptr + at + 4) == used - 8) {
            *start = at;
            return true;
        }
    }
    return false;
}

static sotto_status unpack(sotto_span sealed, sotto_buf *message, sotto_diag *diag)
{
    size_t padding = 0;
    if (sealed.len == 0)
        return sotto_diag_set(diag, SOTTO_ERR(PRIVACY, TRUNCATED), "the report is empty");
    if (sealed.len > SOTTO_REPORT_MAX)
        return sotto_diag_set(diag, SOTTO_ERR(PRIVACY, RANGE), "the report has more than %d bytes",
                              SOTTO_REPORT_MAX);
    if (!find_padding(sealed, &padding))
        return sotto_diag_set(diag, SOTTO_ERR(PRIVACY, CORRUPT), "the report does not end in its padding");
    return sotto_lz4_decompress(sotto_span_of(sealed.ptr, padding), message, diag);
}

static uint64_t get_field(sotto_cbor_reader *r, enum report_key key, uint64_t max)
{
    sotto_cbor_want_uint(r, key);
    return sotto_cbor_get_uint(r, max);
}

static void get_device(sotto_cbor_reader *r, sotto_report *out)
{
    sotto_cbor_want_uint(r, REPORT_KEY_DEVICE);
    sotto_span device = sotto_cbor_get_text(r, REPORT_DEVICE_MAX);
    if (r->status == SOTTO_OK)
        r->status = sotto_span_to_str(device, out->device, sizeof out->device);
}

static void get_previous(sotto_cbor_reader *r, sotto_report *out)
{
    sotto_cbor_want_uint(r, REPORT_KEY_PREVIOUS);
    sotto_span previous = sotto_cbor_get_bytes(r, sizeof out->previous);
    if (previous.len == sizeof out->previous)
        memcpy(out->previous, previous.ptr, sizeof out->previous);
    else if (r->status == SOTTO_OK)
        r->status = SOTTO_ERR(PRIVACY, MALFORMED);
}

static sotto_span get_cells(sotto_cbor_reader *r, uint64_t *tag)
{
    sotto_cbor_want_uint(r, REPORT_KEY_CELLS);
    *tag = sotto_cbor_get_tag(r);
    return sotto_cbor_get_bytes(r, SOTTO_TASK_CELLS_MAX * 8);
}

static int64_t cell_at(const uint8_t *at, size_t width)
{
    uint64_t bits = 0;
    for (size_t i = 0; i < width; i++)
        bits = bits << 8 | at[i];
    return width == 4 ? (int32_t)(uint32_t)bits : (int64_t)bits;
}

static sotto_status take_cells(sotto_report *out, sotto_span bytes, uint64_t tag, sotto_arena *arena,
                               sotto_diag *diag)
{
    size_t width = sotto_privacy_cell_width(out->epsilon_ueps, out->bound);
    if (tag != (width == 4 ? CBOR_TAG_SINT32_BE : CBOR_TAG_SINT64_BE) || bytes.len == 0 ||
        bytes.len % width != 0 || bytes.len / width > SOTTO_TASK_CELLS_MAX)
        return sotto_diag_set(diag, SOTTO_ERR(PRIVACY, MALFORMED),
                              "the report's cells are not of the width and number that its task has");
    size_t count = bytes.len / width;
    int64_t *cells = sotto_arena_array(arena, count, sizeof *cells);
    if (cells == NULL)
        return sotto_diag_set(diag, SOTTO_ERR(PRIVACY, NO_SPACE), "the arena cannot hold %zu cells", count);
    for (size_t i = 0; i < count; i++)
        cells[i] = cell_at(bytes.ptr + i * width, width);
    out->cells = cells;
    out->cell_count = count;
    return SOTTO_OK;
}

static void read_fields(sotto_report *out, sotto_cbor_reader *r)
{
    get_device(r, out);
    out->seq = get_field(r, REPORT_KEY_SEQ, UINT64_MAX);
    get_previous(r, out);
    out->task_id = (uint32_t)get_field(r, REPORT_KEY_TASK, UINT32_MAX);
    out->release_version = get_field(r, REPORT_KEY_RELEASE, UINT64_MAX);
    sotto_cbor_want_uint(r, REPORT_KEY_PERIOD_DAY);
    int64_t day = sotto_cbor_get_int(r);
    if (r->status == SOTTO_OK && (day < INT32_MIN || day > INT32_MAX))
        r->status = SOTTO_ERR(PRIVACY, RANGE);
    out->period_day = (int32_t)day;
    out->period_days = (uint32_t)get_field(r, REPORT_KEY_PERIOD_DAYS, REPORT_PERIOD_DAYS_MAX);
    out->epsilon_ueps = get_field(r, REPORT_KEY_EPSILON, UINT64_MAX);
    out->bound = (uint32_t)get_field(r, REPORT_KEY_BOUND, UINT32_MAX);
}

sotto_status sotto_privacy_read_payload(sotto_report *out, sotto_span payload, sotto_arena *arena,
                                        sotto_diag *diag)
{
    sotto_cbor_reader r = sotto_cbor_reader_of(payload);
    uint64_t keys = sotto_cbor_get_map(&r, UINT64_MAX), format = get_field(&r, REPORT_KEY_FORMAT, UINT64_MAX);
    /* The format is judged before the number of keys: a later one may have more. */
    if (r.status == SOTTO_OK && format != REPORT_FORMAT)
        return sotto_diag_set(diag, SOTTO_ERR(PRIVACY, UNSUPPORTED), "report format %llu is not known here",
                              (unsigned long long)format);
    read_fields(out, &r);
    uint64_t tag = 0;
    sotto_span cells = get_cells(&r, &tag);
    sotto_status status = sotto_cbor_reader_end(&r, diag);
    if (status != SOTTO_OK)
        return status;
    if (keys != REPORT_KEYS || out->device[0] == '\0' || out->seq < 1 || out->period_days < 1 ||
        out->epsilon_ueps < 1 || out->bound < 1)
        return sotto_diag_set(diag, SOTTO_ERR(PRIVACY, MALFORMED),
                              "a field of the report is out of its range");
    return take_cells(out, cells, tag, arena, diag);
}

/* What the signature does not cover by itself: that header and payload name one device, and the one size. */
static sotto_status check_frame(const sotto_report *report, sotto_span header, size_t sealed_len,
                                sotto_diag *diag)
{
    sotto_status status = sotto_cose_check_header(report->device, header, diag);
    if (status != SOTTO_OK)
        return status;
    size_t width = sotto_privacy_cell_width(report->epsilon_ueps, report->bound);
    if (sealed_len != sotto_privacy_sealed_size(report->cell_count, width))
        return sotto_diag_set(diag, SOTTO_ERR(PRIVACY, MALFORMED),
                              "the report is not of the size its cells ask for");
    return SOTTO_OK;
}

static sotto_status open_report(sotto_report *out, sotto_span sealed, const uint8_t *public_key,
                                struct work *work, sotto_arena *arena, sotto_diag *diag)
{
    sotto_buf message = sotto_buf_of(work->message, sizeof work->message);
    sotto_buf signed_bytes = sotto_buf_of(work->signed_bytes, sizeof work->signed_bytes);
    cose_parts parts;
    sotto_status status = unpack(sealed, &message, diag);
    if (status == SOTTO_OK)
        status = sotto_cose_split(&parts, sotto_buf_span(&message), REPORT_MESSAGE_MAX, diag);
    if (status == SOTTO_OK)
        status = sotto_cose_verify(&parts, public_key, &signed_bytes, diag);
    if (status == SOTTO_OK)
        status = sotto_privacy_read_payload(out, parts.payload, arena, diag);
    if (status == SOTTO_OK)
        status = check_frame(out, parts.header, sealed.len, diag);
    return status;
}

sotto_status sotto_report_open(sotto_report *out, sotto_span sealed,
                               const uint8_t public_key[static SOTTO_PUBLIC_KEY_BYTES], sotto_arena *arena,
                               sotto_diag *diag)
{
    size_t mark = sotto_arena_mark(arena);
    *out = (sotto_report){0};
    struct work *work = malloc(sizeof *work);
    if (work == NULL)
        return sotto_diag_set(diag, SOTTO_ERR(PRIVACY, NO_MEMORY), "no memory to open a report");
    sotto_status status = open_report(out, sealed, public_key, work, arena, diag);
    free(work);
    if (status != SOTTO_OK) {
        *out = (sotto_report){0};
        sotto_arena_reset(arena, mark);
    }
    return status;
}
