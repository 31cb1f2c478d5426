/* Reports and tasks of mode B: whatever is read keeps its sizes, and a task that is read is written the same.
 */
#include "fuzz.h"

#include "sotto/split.h"

#include <string.h>

static void try_task(sotto_span input)
{
    uint8_t bytes[SOTTO_SPLIT_TASK_MAX];
    sotto_buf out = sotto_buf_of(bytes, sizeof bytes);
    sotto_split_task task;
    sotto_prio3 prio3;
    if (sotto_split_task_read(&task, input, NULL) != SOTTO_OK)
        return;
    require(sotto_split_task_write(&task, &out, NULL) == SOTTO_OK);
    require(sotto_span_equal(sotto_buf_span(&out), input));
    require(sotto_split_prio3(&task, &prio3, NULL) == SOTTO_OK && prio3.length == task.cells);
    require(sotto_split_report_size(&task) > 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    sotto_split_report report;
    sotto_report head;
    sotto_span input = sotto_span_of(data, size);
    require(sotto_vault_start(NULL) == SOTTO_OK);
    try_task(input);
    if (sotto_split_read(&report, &head, input, NULL) != SOTTO_OK) {
        require(report.public_share.ptr == NULL && head.seq == 0);
        return 0;
    }
    require(sotto_split_is(input) && report.device[0] != '\0' && report.seq >= 1);
    require(report.public_share.len + report.share[0].len + report.share[1].len < size);
    uint8_t key[SOTTO_HPKE_PRIVATE_BYTES] = {1}, room[64];
    sotto_buf out = sotto_buf_of(room, sizeof room);
    require(sotto_split_share_open(&report, 0, key, &out, NULL) != SOTTO_OK && out.len == 0);
    return 0;
}
