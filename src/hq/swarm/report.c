/* The secrets of a swarm's terminals, and what they report. */
#include "swarm/swarm.h"

#include <string.h>

/* Each process finds them again by itself. */
static sotto_status load_root(void *ctx, uint8_t root[static SOTTO_KEY_BYTES], sotto_diag *diag)
{
    (void)diag;
    return sotto_sha256(sotto_span_of(ctx, SOTTO_KEY_BYTES + sizeof(uint64_t)), root);
}

sotto_status hq_swarm_vault(const hq_swarm *swarm, size_t number, sotto_vault **out, sotto_diag *diag)
{
    uint8_t from[SOTTO_KEY_BYTES + sizeof(uint64_t)];
    const uint64_t wide = number;
    memcpy(from, swarm->seed, SOTTO_KEY_BYTES);
    memcpy(from + SOTTO_KEY_BYTES, &wide, sizeof wide);
    const sotto_key_provider provider = {.ctx = from, .name = "swarm", .load = load_root};
    return sotto_vault_open(out, &provider, diag);
}

/* Small numbers of both signs that the sum gives away when one is lost or counted twice. */
static int64_t fill_cells(size_t number, int64_t index, int64_t *cells, size_t count)
{
    int64_t sum = 0;
    uint64_t x = (uint64_t)number * 2654435761u + (uint64_t)index + 1;
    for (size_t i = 0; i < count; i++) {
        x = x * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407); /* Knuth's MMIX generator */
        cells[i] = (int64_t)(x >> 33) % 16 - 3;
        sum += cells[i];
    }
    return sum;
}

sotto_status hq_swarm_seal(const hq_swarm *swarm, size_t number, int64_t index,
                           uint8_t previous[static SOTTO_SHA256_BYTES], int64_t *cells, sotto_buf *out,
                           int64_t *sum, sotto_diag *diag)
{
    const sotto_task *task = swarm->task;
    sotto_vault *vault = NULL;
    size_t begin = out->len;
    sotto_report report = {.seq = (uint64_t)index + 1,
                           .task_id = task->id,
                           .release_version = swarm->release,
                           .period_day = swarm->first_day + (int32_t)index * (int32_t)task->period_days,
                           .period_days = task->period_days,
                           .epsilon_ueps = task->epsilon_ueps,
                           .bound = task->bound,
                           .cells = cells,
                           .cell_count = task->cells};
    *sum = fill_cells(number, index, cells, task->cells);
    hq_swarm_name(swarm, number, report.device);
    memcpy(report.previous, previous, sizeof report.previous);
    sotto_status status = hq_swarm_vault(swarm, number, &vault, diag);
    if (status == SOTTO_OK)
        status = sotto_report_seal(&report, vault, out, diag);
    sotto_vault_close(vault);
    return status == SOTTO_OK ? sotto_sha256(sotto_span_of(out->ptr + begin, out->len - begin), previous)
                              : status;
}
