/* A terminal's side of mode B: count, cut, seal twice, sign. */
#include "privacy_priv.h"
#include "split_priv.h"

#include <stdlib.h>
#include <string.h>

/* Memory for one report, wiped before it is given back: it holds counts and shares in the open. */
struct work {
    const sotto_split_task *task;
    const sotto_entropy *entropy;
    sotto_prio3 prio3;
    sotto_split_report report;
    size_t bytes; /* of this block */
    uint64_t *counts;
    uint8_t *rand, *public_share, *input[SOTTO_SPLIT_PARTIES], *sealed[SOTTO_SPLIT_PARTIES];
    uint8_t *payload, *message;
    void *scratch;
    size_t message_cap;
};

size_t split_size(size_t shares)
{
    return (SPLIT_OVERHEAD + shares + SPLIT_SIZE_STEP - 1) / SPLIT_SIZE_STEP * SPLIT_SIZE_STEP;
}

static size_t share_bytes(const sotto_prio3 *prio3)
{
    size_t bytes = sotto_prio3_public_share_size(prio3);
    for (uint32_t i = 0; i < SOTTO_SPLIT_PARTIES; i++)
        bytes += sotto_prio3_input_share_size(prio3, i) + SOTTO_HPKE_OVERHEAD;
    return bytes;
}

size_t sotto_split_report_size(const sotto_split_task *task)
{
    sotto_prio3 prio3;
    return sotto_split_prio3(task, &prio3, NULL) == SOTTO_OK ? split_size(share_bytes(&prio3)) : 0;
}

void split_info(const sotto_split_report *report, unsigned party, uint8_t info[static SPLIT_INFO_BYTES])
{
    sotto_split_ctx(report->digest, info);
    info[SOTTO_SPLIT_CTX_BYTES] = (uint8_t)party;
}

sotto_status split_aad(const sotto_split_report *report, sotto_buf *out)
{
    sotto_cbor_writer w = sotto_cbor_writer_of(out);
    sotto_cbor_put_array(&w, 6);
    sotto_cbor_put_bytes(&w, sotto_span_of(report->id, sizeof report->id));
    sotto_cbor_put_text(&w, sotto_span_str(report->device));
    sotto_cbor_put_uint(&w, report->seq);
    sotto_cbor_put_uint(&w, report->release_version);
    sotto_cbor_put_int(&w, report->period_day);
    sotto_cbor_put_bytes(&w, report->public_share);
    return sotto_cbor_writer_end(&w);
}

/* ---- one block of memory ---- */

/* The first of two passes only adds sizes up (base NULL). */
static void *piece(uint8_t *base, size_t *at, size_t bytes)
{
    void *here = base == NULL ? NULL : base + *at;
    *at += (bytes + 15) / 16 * 16;
    return here;
}

static size_t lay_out(struct work *w, uint8_t *base)
{
    size_t at = 0;
    const sotto_prio3 *p = &w->prio3;
    w->message_cap = split_size(share_bytes(p)) + SPLIT_SIZE_STEP;
    w->scratch = piece(base, &at, sotto_prio3_shard_scratch_size(p));
    w->counts = piece(base, &at, p->measurement_len * sizeof *w->counts);
    w->rand = piece(base, &at, sotto_prio3_rand_size(p));
    w->public_share = piece(base, &at, sotto_prio3_public_share_size(p));
    for (uint32_t i = 0; i < SOTTO_SPLIT_PARTIES; i++) {
        w->input[i] = piece(base, &at, sotto_prio3_input_share_size(p, i));
        w->sealed[i] = piece(base, &at, sotto_prio3_input_share_size(p, i) + SOTTO_HPKE_OVERHEAD);
    }
    w->payload = piece(base, &at, w->message_cap);
    w->message = piece(base, &at, w->message_cap);
    return at;
}

/* ---- the steps ---- */

static sotto_status check_head(const sotto_split_task *task, const sotto_report *head, sotto_diag *diag)
{
    size_t device_len = strnlen(head->device, sizeof head->device);
    if (head->task_id != task->task_id || head->epsilon_ueps != task->epsilon_ueps ||
        head->bound != task->bound || head->period_days != task->period_days ||
        head->cell_count != task->cells)
        return sotto_diag_set(diag, SOTTO_ERR(PRIVACY, USAGE), "the report is not one of the task");
    if (device_len < 1 || device_len > SOTTO_SPLIT_DEVICE_MAX || head->seq < 1)
        return sotto_diag_set(diag, SOTTO_ERR(PRIVACY, RANGE),
                              "device or sequence number of the report is out of range");
    if (sotto_split_report_size(task) > SOTTO_REPORT_MAX)
        return sotto_diag_set(diag, SOTTO_ERR(PRIVACY, RANGE),
                              "%u cells of %u bits make a report of more than %d bytes",
                              (unsigned)task->cells, (unsigned)task->cell_bits, SOTTO_REPORT_MAX);
    return SOTTO_OK;
}

static void take_counts(struct work *w, const int64_t *cells)
{
    const int64_t max = (INT64_C(1) << w->task->cell_bits) - 1;
    for (size_t i = 0; i < w->task->cells; i++)
        w->counts[i] = (uint64_t)(cells[i] < 0 ? 0 : cells[i] > max ? max : cells[i]);
}

static sotto_status describe(struct work *w, const sotto_report *head, sotto_diag *diag)
{
    w->report.seq = head->seq;
    w->report.release_version = head->release_version;
    w->report.period_day = head->period_day;
    sotto_status status =
        sotto_span_to_str(sotto_span_str(head->device), w->report.device, sizeof w->report.device);
    if (status == SOTTO_OK)
        status = sotto_split_task_digest(w->task, w->report.digest, diag);
    if (status == SOTTO_OK)
        status = w->entropy->fill(w->entropy->ctx, w->report.id, sizeof w->report.id);
    return status;
}

static sotto_status cut(struct work *w, sotto_diag *diag)
{
    uint8_t ctx[SOTTO_SPLIT_CTX_BYTES];
    const sotto_prio3 *p = &w->prio3;
    size_t rand_size = sotto_prio3_rand_size(p);
    const sotto_prio3_report shares = {.public_share = w->public_share, .input_shares = w->input};
    sotto_split_ctx(w->report.digest, ctx);
    w->report.public_share = sotto_span_of(w->public_share, sotto_prio3_public_share_size(p));
    sotto_status status = w->entropy->fill(w->entropy->ctx, w->rand, rand_size);
    if (status != SOTTO_OK)
        return sotto_diag_set(diag, status, "no randomness for the shares, so nothing leaves");
    return sotto_prio3_shard(p, sotto_span_of(ctx, sizeof ctx), w->counts, p->measurement_len, w->report.id,
                             sotto_span_of(w->rand, rand_size), &shares, w->scratch,
                             sotto_prio3_shard_scratch_size(p), diag);
}

static sotto_status seal_share(struct work *w, unsigned party)
{
    uint8_t info[SPLIT_INFO_BYTES], aad_bytes[SPLIT_AAD_MAX];
    sotto_buf aad = sotto_buf_of(aad_bytes, sizeof aad_bytes);
    size_t plain = sotto_prio3_input_share_size(&w->prio3, party);
    sotto_buf out = sotto_buf_of(w->sealed[party], plain + SOTTO_HPKE_OVERHEAD);
    split_info(&w->report, party, info);
    sotto_status status = split_aad(&w->report, &aad);
    if (status == SOTTO_OK)
        status = sotto_hpke_seal(w->task->key[party], sotto_span_of(info, sizeof info), sotto_buf_span(&aad),
                                 sotto_span_of(w->input[party], plain), w->entropy, &out);
    w->report.share[party] = sotto_buf_span(&out);
    return status;
}

static void put_bytes(sotto_cbor_writer *w, enum split_key key, const void *bytes, size_t len)
{
    sotto_cbor_put_uint(w, key);
    sotto_cbor_put_bytes(w, sotto_span_of(bytes, len));
}

static void put_number(sotto_cbor_writer *w, enum split_key key, uint64_t value)
{
    sotto_cbor_put_uint(w, key);
    sotto_cbor_put_uint(w, value);
}

static void put_head(sotto_cbor_writer *c, const sotto_report *head)
{
    put_number(c, SPLIT_KEY_FORMAT, SPLIT_FORMAT);
    sotto_cbor_put_uint(c, SPLIT_KEY_DEVICE);
    sotto_cbor_put_text(c, sotto_span_str(head->device));
    put_number(c, SPLIT_KEY_SEQ, head->seq);
    put_bytes(c, SPLIT_KEY_PREVIOUS, head->previous, sizeof head->previous);
    put_number(c, SPLIT_KEY_TASK, head->task_id);
    put_number(c, SPLIT_KEY_RELEASE, head->release_version);
    sotto_cbor_put_uint(c, SPLIT_KEY_PERIOD_DAY);
    sotto_cbor_put_int(c, head->period_day);
    put_number(c, SPLIT_KEY_PERIOD_DAYS, head->period_days);
    put_number(c, SPLIT_KEY_EPSILON, head->epsilon_ueps);
    put_number(c, SPLIT_KEY_BOUND, head->bound);
}

/* padding: zeros, from memory that nothing else uses any more. */
static sotto_status write_payload(struct work *w, const sotto_report *head, size_t padding, sotto_buf *out)
{
    static const uint8_t zeros[SPLIT_OVERHEAD + 2 * SPLIT_SIZE_STEP];
    sotto_cbor_writer c = sotto_cbor_writer_of(out);
    const sotto_split_report *r = &w->report;
    if (padding > sizeof zeros)
        return SOTTO_ERR(PRIVACY, INTERNAL);
    sotto_cbor_put_map(&c, SPLIT_KEYS);
    put_head(&c, head);
    put_bytes(&c, SPLIT_KEY_DIGEST, r->digest, sizeof r->digest);
    put_bytes(&c, SPLIT_KEY_ID, r->id, sizeof r->id);
    put_bytes(&c, SPLIT_KEY_PUBLIC, r->public_share.ptr, r->public_share.len);
    put_bytes(&c, SPLIT_KEY_LEADER, r->share[0].ptr, r->share[0].len);
    put_bytes(&c, SPLIT_KEY_HELPER, r->share[1].ptr, r->share[1].len);
    put_bytes(&c, SPLIT_KEY_PADDING, zeros, padding);
    return sotto_cbor_writer_end(&c);
}

static sotto_status sign(struct work *w, const sotto_report *head, const sotto_vault *vault, size_t padding,
                         sotto_buf *message)
{
    sotto_buf payload = sotto_buf_of(w->payload, w->message_cap);
    *message = sotto_buf_of(w->message, w->message_cap);
    sotto_status status = write_payload(w, head, padding, &payload);
    return status == SOTTO_OK ? sotto_cose_sign(head->device, sotto_buf_span(&payload), vault, message)
                              : status;
}

static sotto_status make(struct work *w, const sotto_report *head, const sotto_vault *vault,
                         sotto_buf *message, sotto_diag *diag)
{
    take_counts(w, head->cells);
    sotto_status status = describe(w, head, diag);
    if (status == SOTTO_OK)
        status = cut(w, diag);
    for (unsigned i = 0; i < SOTTO_SPLIT_PARTIES && status == SOTTO_OK; i++)
        status = seal_share(w, i);
    /* Once to see how long it is, once more with the padding that makes it as long as all others. */
    if (status == SOTTO_OK)
        status = sign(w, head, vault, SPLIT_PADDING_MIN, message);
    if (status == SOTTO_OK)
        status = sign(w, head, vault, SPLIT_PADDING_MIN + split_size(share_bytes(&w->prio3)) - message->len,
                      message);
    return status;
}

sotto_status sotto_report_split(const sotto_split_task *task, const sotto_report *head,
                                const sotto_vault *vault, const sotto_entropy *entropy, sotto_buf *out,
                                sotto_diag *diag)
{
    struct work w = {.task = task, .entropy = entropy};
    sotto_buf message = {0};
    sotto_status status = sotto_split_prio3(task, &w.prio3, diag);
    if (status == SOTTO_OK)
        status = check_head(task, head, diag);
    if (status != SOTTO_OK)
        return status;
    w.bytes = lay_out(&w, NULL);
    uint8_t *memory = malloc(w.bytes);
    if (memory == NULL)
        return sotto_diag_set(diag, SOTTO_ERR(PRIVACY, NO_MEMORY), "no memory to split a report");
    (void)lay_out(&w, memory);
    status = make(&w, head, vault, &message, diag);
    if (status == SOTTO_OK)
        status = sotto_buf_put(out, message.ptr, message.len);
    sotto_wipe(memory, w.bytes);
    free(memory);
    if (status != SOTTO_OK && (diag == NULL || diag->status == SOTTO_OK))
        return sotto_diag_set(diag, status, "the report could not be split");
    return status;
}
