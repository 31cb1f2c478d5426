/* Any bytes as measurement tasks. What is accepted numbers its cells without gaps and finds its own names. */
#include "fuzz.h"

#include "sotto/privacy.h"

static void check_task(const sotto_task *task)
{
    require(task->cells >= 1 && task->cells <= SOTTO_TASK_CELLS_MAX);
    require(task->epsilon_ueps >= 1 && task->lifetime_ueps >= 1 && task->bound >= 1 && task->bound <= 1000);
    require(task->period_days >= 1 && task->period_days <= 31 && task->id >= 1 && task->name[0] != '\0');
    require(sotto_task_cell(task, 0, 0, SOTTO_OUTCOME_SHOWN) == 0);
    require(sotto_task_cell(task, task->campaign_count - 1, task->segment_count, SOTTO_OUTCOME_TAKEN) ==
            task->cells - 1);
    for (size_t i = 0; i < task->campaign_count; i++)
        require(sotto_task_campaign(task, sotto_span_str(task->campaigns[i])) == (int)i);
    for (size_t i = 0; i < task->segment_count; i++)
        require(sotto_task_segment(task, sotto_span_str(task->segments[i])) == (int)i);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t memory[1 << 18];
    sotto_arena arena;
    sotto_task task;
    sotto_diag diag = {0};
    sotto_arena_init(&arena, memory, sizeof memory);
    sotto_status status = sotto_task_load(&task, sotto_span_of(data, size), "fuzz", &arena, &diag);
    if (status == SOTTO_OK)
        check_task(&task);
    else
        require(diag.status != SOTTO_OK && arena.used == 0 && task.campaigns == NULL);
    return 0;
}
