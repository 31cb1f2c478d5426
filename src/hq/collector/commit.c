/*
 * Reports that were opened and verified, and continuation tokens, put down together: one transaction, one
 * write to the disk, then all answers. A report of a batch that cannot be kept takes no other one with it; a
 * commit that fails fails all of them, and every terminal keeps its report. Another collector may put down
 * the same report at the same moment: the database lets one of them do it, and the other looks again, in a
 * transaction that sees it.
 */
#include "collector/collect.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* By device: two collectors that lock devices in one order cannot wait for each other. */
static int by_device(const void *a, const void *b)
{
    const hq_pending *const *x = a, *const *y = b;
    int order = strcmp((*x)->device.id, (*y)->device.id);
    if (order == 0 && (*x)->report.seq != (*y)->report.seq)
        order = (*x)->report.seq < (*y)->report.seq ? -1 : 1; /* a token has none, and comes first */
    return order != 0 ? order : *x < *y ? -1 : 1;             /* as they came */
}

static void put_one(hq_collector *c, hq_pending *p)
{
    if (p->night) {
        p->status = hq_registry_session(c->registry, p->device.id, p->have, p->next, p->received_s, &p->shown,
                                        &p->diag);
        return;
    }
    const hq_report_entry entry = {.device = p->device.id,
                                   .chain = p->device.chain,
                                   .report = &p->report,
                                   .sealed = p->sealed,
                                   .sha256 = p->sha256,
                                   .received_s = p->received_s,
                                   .clock_ahead = p->clock_ahead};
    p->status = hq_registry_report_put(c->registry, &entry, &p->repeated, &p->alarms, &p->diag);
}

/* The store itself failed: what else is in this batch would meet the same. */
static bool is_fatal(sotto_status status)
{
    if (status == SOTTO_OK)
        return false;
    switch (sotto_status_cause(status)) {
    case SOTTO_CAUSE_EXISTS:
    case SOTTO_CAUSE_RANGE:
    case SOTTO_CAUSE_CONFLICT:
    case SOTTO_CAUSE_DENIED:  /* a device in quarantine */
    case SOTTO_CAUSE_NETWORK: /* one partition's server is away; others are not */
        return false;
    default:
        return true;
    }
}

static sotto_status put_all(hq_collector *c, hq_pending **list, size_t count, sotto_diag *diag)
{
    sotto_status status = hq_registry_batch_begin(c->registry, diag);
    if (status != SOTTO_OK)
        return status;
    for (size_t i = 0; i < count && status == SOTTO_OK; i++) {
        put_one(c, list[i]);
        if (is_fatal(list[i]->status)) {
            status = list[i]->status;
            *diag = list[i]->diag;
        }
    }
    return hq_registry_batch_end(c->registry, status, diag);
}

/* Alone, and once. */
static void put_again(hq_collector *c, hq_pending *p)
{
    p->diag = (sotto_diag){0};
    put_one(c, p);
}

static void settle_report(hq_collector *c, hq_pending *p)
{
    /* The registry's own two words about a report (registry.h). */
    p->final = sotto_status_cause(p->status) == SOTTO_CAUSE_EXISTS ||
               sotto_status_cause(p->status) == SOTTO_CAUSE_RANGE;
    if (sotto_status_cause(p->status) == SOTTO_CAUSE_EXISTS)
        hq_collect_accuse(c, &p->device, p->report.seq, HQ_ALARM_CONFLICT);
    if (p->status != SOTTO_OK)
        p->alarms = 0;
    hq_collect_tell(c, &p->device, p->report.seq, p->alarms);
    if (p->status == SOTTO_OK && p->repeated)
        HQ_ADD(c->metrics, repeated, 1);
    else if (p->status == SOTTO_OK)
        HQ_ADD(c->metrics, accepted, 1);
    if (p->status == SOTTO_OK)
        HQ_ADD(c->metrics, report_bytes, p->sealed.len);
}

static void settle(hq_collector *c, hq_pending *p)
{
    if (sotto_status_cause(p->status) == SOTTO_CAUSE_CONFLICT)
        put_again(c, p);
    if (!p->night)
        settle_report(c, p);
    if (p->reply != NULL)
        hq_collect_answer(c, p);
    free(p->cells);
    p->cells = NULL;
}

void hq_collect_settle(hq_collector *c, hq_pending *pending, size_t count)
{
    hq_pending *list[SOTTO_SERVER_BATCH_MAX];
    sotto_diag diag = {0};
    assert(count <= SOTTO_COUNT(list));
    for (size_t i = 0; i < count; i++)
        list[i] = &pending[i];
    qsort(list, count, sizeof list[0], by_device);
    int64_t start_ms = c->clock.mono_ms(c->clock.ctx);
    sotto_status status = SOTTO_OK;
    if (count == 1) /* it is a transaction by itself */
        put_one(c, list[0]);
    else
        status = put_all(c, list, count, &diag);
    HQ_ADD(c->metrics, commits, 1);
    HQ_ADD(c->metrics, commit_ms, (uint64_t)(c->clock.mono_ms(c->clock.ctx) - start_ms));
    for (size_t i = 0; i < count; i++) {
        if (status != SOTTO_OK) {
            list[i]->status = status;
            list[i]->diag = diag;
        }
        settle(c, list[i]);
    }
}

void hq_collect_commit(void *ctx)
{
    hq_collector *c = ctx;
    size_t count = c->pending_count;
    c->pending_count = 0;
    if (count > 0)
        hq_collect_settle(c, c->pending, count);
}
