/* Reports of mode B as others read them: the collector its outside, an aggregator its own share. */
#include "privacy_priv.h"
#include "split_priv.h"

#include <stdlib.h>
#include <string.h>

enum { COSE_FIRST_BYTE = 0xc0 | COSE_SIGN1_TAG }; /* an LZ4 frame, mode A, begins with 0x04 */

bool sotto_split_is(sotto_span sealed)
{
    return sealed.len > 0 && sealed.ptr[0] == COSE_FIRST_BYTE;
}

static sotto_status take_apart(sotto_span message, cose_parts *parts, sotto_diag *diag)
{
    if (message.len > SOTTO_REPORT_MAX)
        return sotto_diag_set(diag, SOTTO_ERR(PRIVACY, RANGE), "the report has more than %d bytes",
                              SOTTO_REPORT_MAX);
    return sotto_cose_split(parts, message, SOTTO_REPORT_MAX, diag);
}

static sotto_status verify(const cose_parts *parts, const uint8_t *public_key, sotto_diag *diag)
{
    size_t cap = parts->header.len + parts->payload.len + COSE_SIGNED_EXTRA;
    uint8_t *bytes = malloc(cap);
    if (bytes == NULL)
        return sotto_diag_set(diag, SOTTO_ERR(PRIVACY, NO_MEMORY), "no memory to verify a report");
    sotto_buf scratch = sotto_buf_of(bytes, cap);
    sotto_status status = sotto_cose_verify(parts, public_key, &scratch, diag);
    free(bytes);
    return status;
}

/* ---- payload ---- */

static uint64_t get_number(sotto_cbor_reader *r, enum split_key key, uint64_t max)
{
    sotto_cbor_want_uint(r, key);
    return sotto_cbor_get_uint(r, max);
}

static sotto_span get_bytes(sotto_cbor_reader *r, enum split_key key)
{
    sotto_cbor_want_uint(r, key);
    return sotto_cbor_get_bytes(r, SOTTO_REPORT_MAX);
}

static void get_exact(sotto_cbor_reader *r, enum split_key key, uint8_t *out, size_t len)
{
    sotto_span bytes = get_bytes(r, key);
    if (bytes.len == len)
        memcpy(out, bytes.ptr, len);
    else if (r->status == SOTTO_OK)
        r->status = SOTTO_ERR(PRIVACY, MALFORMED);
}

static int32_t get_day(sotto_cbor_reader *r)
{
    sotto_cbor_want_uint(r, SPLIT_KEY_PERIOD_DAY);
    int64_t day = sotto_cbor_get_int(r);
    if (r->status == SOTTO_OK && (day < INT32_MIN || day > INT32_MAX))
        r->status = SOTTO_ERR(PRIVACY, RANGE);
    return (int32_t)day;
}

static void read_head(sotto_report *head, sotto_cbor_reader *r)
{
    sotto_cbor_want_uint(r, SPLIT_KEY_DEVICE);
    sotto_span device = sotto_cbor_get_text(r, SOTTO_SPLIT_DEVICE_MAX);
    if (r->status == SOTTO_OK)
        r->status = sotto_span_to_str(device, head->device, sizeof head->device);
    head->seq = get_number(r, SPLIT_KEY_SEQ, UINT64_MAX);
    get_exact(r, SPLIT_KEY_PREVIOUS, head->previous, sizeof head->previous);
    head->task_id = (uint32_t)get_number(r, SPLIT_KEY_TASK, UINT32_MAX);
    head->release_version = get_number(r, SPLIT_KEY_RELEASE, UINT64_MAX);
    head->period_day = get_day(r);
    head->period_days = (uint32_t)get_number(r, SPLIT_KEY_PERIOD_DAYS, REPORT_PERIOD_DAYS_MAX);
    head->epsilon_ueps = get_number(r, SPLIT_KEY_EPSILON, UINT64_MAX);
    head->bound = (uint32_t)get_number(r, SPLIT_KEY_BOUND, UINT32_MAX);
}

static void read_shares(sotto_split_report *out, sotto_cbor_reader *r)
{
    get_exact(r, SPLIT_KEY_DIGEST, out->digest, sizeof out->digest);
    get_exact(r, SPLIT_KEY_ID, out->id, sizeof out->id);
    out->public_share = get_bytes(r, SPLIT_KEY_PUBLIC);
    out->share[0] = get_bytes(r, SPLIT_KEY_LEADER);
    out->share[1] = get_bytes(r, SPLIT_KEY_HELPER);
}

static bool all_zero(sotto_span bytes)
{
    uint8_t any = 0;
    for (size_t i = 0; i < bytes.len; i++)
        any |= bytes.ptr[i];
    return any == 0;
}

static bool is_whole(const sotto_split_report *r, const sotto_report *head, sotto_span padding, size_t size)
{
    return head->device[0] != '\0' && head->seq >= 1 && head->period_days >= 1 && head->epsilon_ueps >= 1 &&
           head->bound >= 1 && padding.len >= SPLIT_PADDING_MIN && all_zero(padding) &&
           size == split_size(r->public_share.len + r->share[0].len + r->share[1].len);
}

static sotto_status read_payload(sotto_split_report *out, sotto_report *head, sotto_span payload, size_t size,
                                 sotto_diag *diag)
{
    sotto_cbor_reader r = sotto_cbor_reader_of(payload);
    uint64_t keys = sotto_cbor_get_map(&r, UINT64_MAX);
    uint64_t format = get_number(&r, SPLIT_KEY_FORMAT, UINT64_MAX);
    if (r.status == SOTTO_OK && format != SPLIT_FORMAT)
        return sotto_diag_set(diag, SOTTO_ERR(PRIVACY, UNSUPPORTED), "report format %llu is not known here",
                              (unsigned long long)format);
    read_head(head, &r);
    read_shares(out, &r);
    sotto_span padding = get_bytes(&r, SPLIT_KEY_PADDING);
    sotto_status status = sotto_cbor_reader_end(&r, diag);
    if (status == SOTTO_OK && (keys != SPLIT_KEYS || !is_whole(out, head, padding, size)))
        status = sotto_diag_set(diag, SOTTO_ERR(PRIVACY, MALFORMED),
                                "a field of the report is out of its range, or its size is not its shares'");
    return status;
}

/* public_key NULL: verified before. */
static sotto_status open_or_read(sotto_split_report *out, sotto_report *head, sotto_span sealed,
                                 const uint8_t *public_key, sotto_diag *diag)
{
    cose_parts parts;
    *out = (sotto_split_report){0};
    *head = (sotto_report){0};
    sotto_status status = take_apart(sealed, &parts, diag);
    if (status == SOTTO_OK && public_key != NULL)
        status = verify(&parts, public_key, diag);
    if (status == SOTTO_OK)
        status = read_payload(out, head, parts.payload, sealed.len, diag);
    if (status == SOTTO_OK)
        status = sotto_cose_check_header(head->device, parts.header, diag);
    if (status == SOTTO_OK) {
        memcpy(out->device, head->device, sizeof out->device);
        out->seq = head->seq;
        out->release_version = head->release_version;
        out->period_day = head->period_day;
        return SOTTO_OK;
    }
    *out = (sotto_split_report){0};
    *head = (sotto_report){0};
    return status;
}

sotto_status sotto_split_open(sotto_split_report *out, sotto_report *head, sotto_span sealed,
                              const uint8_t public_key[static SOTTO_PUBLIC_KEY_BYTES], sotto_diag *diag)
{
    return open_or_read(out, head, sealed, public_key, diag);
}

sotto_status sotto_split_read(sotto_split_report *out, sotto_report *head, sotto_span sealed,
                              sotto_diag *diag)
{
    return open_or_read(out, head, sealed, NULL, diag);
}

sotto_status sotto_split_share_open(const sotto_split_report *report, unsigned party,
                                    const uint8_t private_key[static SOTTO_HPKE_PRIVATE_BYTES],
                                    sotto_buf *out, sotto_diag *diag)
{
    uint8_t info[SPLIT_INFO_BYTES], aad_bytes[SPLIT_AAD_MAX];
    sotto_buf aad = sotto_buf_of(aad_bytes, sizeof aad_bytes);
    if (party >= SOTTO_SPLIT_PARTIES || split_aad(report, &aad) != SOTTO_OK)
        return sotto_diag_set(diag, SOTTO_ERR(PRIVACY, RANGE), "a field of the report is out of its range");
    split_info(report, party, info);
    sotto_status status = sotto_hpke_open(private_key, sotto_span_of(info, sizeof info), sotto_buf_span(&aad),
                                          report->share[party], out);
    if (status != SOTTO_OK)
        return sotto_diag_set(diag, status, "the sealed share cannot be opened for this report");
    return SOTTO_OK;
}
