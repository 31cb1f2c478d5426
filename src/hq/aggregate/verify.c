/* One report through Prio3, as one of the two aggregators goes through it. */
#include "aggregate/aggregate.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Whether a failure is the report's own fault: it is refused, and the others go on. */
static bool its_fault(sotto_status status)
{
    switch (sotto_status_cause(status)) {
    case SOTTO_CAUSE_AUTH:
    case SOTTO_CAUSE_MALFORMED:
    case SOTTO_CAUSE_TRUNCATED:
    case SOTTO_CAUSE_RANGE:
        return true;
    default:
        return false;
    }
}

void agg_judge(agg_report *report, sotto_status *status, const sotto_diag *diag)
{
    if (*status == SOTTO_OK || !its_fault(*status))
        return;
    report->state = AGG_REFUSED;
    (void)snprintf(report->why, sizeof report->why, "%.150s",
                   diag->text[0] != '\0' ? diag->text : sotto_status_cause_text(*status));
    *status = SOTTO_OK;
}

sotto_status agg_task_key(const uint8_t *leader_part, const uint8_t *helper_part, const uint8_t *digest,
                          uint8_t key[static SOTTO_PRIO3_VERIFY_KEY_BYTES])
{
    uint8_t secret[2 * AGG_PART_BYTES], info[24 + SOTTO_SHA256_BYTES] = "sotto split verify key 1";
    memcpy(secret, leader_part, AGG_PART_BYTES);
    memcpy(secret + AGG_PART_BYTES, helper_part, AGG_PART_BYTES);
    memcpy(info + 24, digest, SOTTO_SHA256_BYTES);
    sotto_status status =
        sotto_hkdf_sha256(sotto_span_of(secret, sizeof secret), sotto_span_of(NULL, 0),
                          sotto_span_of(info, sizeof info), key, SOTTO_PRIO3_VERIFY_KEY_BYTES);
    sotto_wipe(secret, sizeof secret);
    return status;
}

static sotto_status no_memory(sotto_diag *diag)
{
    return sotto_diag_set(diag, SOTTO_ERR(HQ, NO_MEMORY), "no memory to verify a report");
}

static sotto_status take_memory(const agg_task *task, agg_report *report, sotto_diag *diag)
{
    const sotto_prio3 *p = &task->prio3;
    report->state_size = sotto_prio3_verify_state_size(p);
    report->share_size = sotto_prio3_agg_share_size(p);
    report->verify_state = calloc(1, report->state_size);
    report->verifier = calloc(1, sotto_prio3_verifier_share_size(p));
    report->out_share = calloc(1, report->share_size);
    bool all = report->verify_state != NULL && report->verifier != NULL && report->out_share != NULL;
    return all ? SOTTO_OK : no_memory(diag);
}

static sotto_status begin(const aggregator *a, const agg_task *task, agg_report *report, sotto_buf *share,
                          void *scratch, sotto_diag *diag)
{
    uint8_t ctx[SOTTO_SPLIT_CTX_BYTES];
    sotto_split_ctx(task->digest, ctx);
    sotto_status status = sotto_split_share_open(&report->r, a->role, a->hpke, share, diag);
    if (sotto_status_cause(status) == SOTTO_CAUSE_NO_SPACE)
        return sotto_diag_set(diag, SOTTO_ERR(HQ, MALFORMED), "the sealed share is longer than the task's");
    if (status != SOTTO_OK)
        return status;
    const sotto_prio3_received received = {report->r.id, report->r.public_share, sotto_buf_span(share)};
    return sotto_prio3_verify_init(&task->prio3, task->key, sotto_span_of(ctx, sizeof ctx), a->role,
                                   &received, report->verify_state, report->verifier, scratch,
                                   sotto_prio3_verify_scratch_size(&task->prio3), diag);
}

sotto_status agg_verify_begin(const aggregator *a, const agg_task *task, agg_report *report, sotto_diag *diag)
{
    size_t room = sotto_prio3_input_share_size(&task->prio3, a->role);
    sotto_status status = take_memory(task, report, diag);
    if (status != SOTTO_OK)
        return status;
    uint8_t *share_bytes = malloc(room);
    void *scratch = malloc(sotto_prio3_verify_scratch_size(&task->prio3));
    sotto_buf share = sotto_buf_of(share_bytes, room);
    status = share_bytes != NULL && scratch != NULL ? begin(a, task, report, &share, scratch, diag)
                                                    : no_memory(diag);
    if (share_bytes != NULL)
        sotto_wipe(share_bytes, room);
    free(share_bytes);
    free(scratch);
    return status;
}

sotto_status agg_verify_combine(const agg_task *task, sotto_span leader, sotto_span helper,
                                uint8_t message[static SOTTO_PRIO3_SEED_BYTES], sotto_diag *diag)
{
    uint8_t ctx[SOTTO_SPLIT_CTX_BYTES];
    const sotto_span shares[SOTTO_SPLIT_PARTIES] = {leader, helper};
    size_t size = sotto_prio3_verify_scratch_size(&task->prio3);
    void *scratch = malloc(size);
    if (scratch == NULL)
        return no_memory(diag);
    sotto_split_ctx(task->digest, ctx);
    sotto_status status =
        sotto_prio3_verifier_shares_to_message(&task->prio3, sotto_span_of(ctx, sizeof ctx), shares,
                                               SOTTO_SPLIT_PARTIES, message, scratch, size, diag);
    free(scratch);
    return status;
}

sotto_status agg_verify_end(const agg_task *task, agg_report *report, sotto_diag *diag)
{
    sotto_status status = sotto_prio3_verify_next(
        &task->prio3, report->verify_state,
        sotto_span_of(report->message, sotto_prio3_verifier_message_size(&task->prio3)), report->out_share,
        diag);
    if (status == SOTTO_OK)
        report->state = AGG_VERIFIED;
    return status;
}
