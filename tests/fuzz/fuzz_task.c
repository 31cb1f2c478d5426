/* Any bytes as measurement tasks. What is accepted numbers its cells without gaps and finds its own names. */
#include "fuzz.h"

#include "sotto/privacy.h"

static void check_dimension(const sotto_dimension *d)
{
    char label[128];
    require(d->bins >= d->named && d->bins <= SOTTO_TASK_CELLS_MAX &&
            (d->names == NULL) != (d->edges_e6 == NULL));
    for (size_t i = 0; d->names != NULL && i < d->named; i++)
        require(sotto_dimension_by_name(d, sotto_span_str(d->names[i])) == (int)i);
    for (size_t i = 0; d->edges_e6 != NULL && i < d->named; i++)
        require(sotto_dimension_by_value(d, d->edges_e6[i]) == i + 1);
    for (size_t i = 0; i < d->bins; i++)
        sotto_dimension_label(d, i, label, sizeof label);
}

static void check_task(const sotto_task *task)
{
    size_t cells = task->has_left_out ? 1 : 0;
    require(task->cells >= 1 && task->cells <= SOTTO_TASK_CELLS_MAX);
    require(task->epsilon_ueps >= 1 && task->bound >= 1 && task->bound <= SOTTO_TASK_BOUND_MAX);
    require(task->period_days >= 1 && task->period_days <= 31 && task->id >= 1 && task->name[0] != '\0');
    require((task->noise == SOTTO_NOISE_GAUSSIAN) == (task->rho_nano > 0));
    require((task->mode == SOTTO_MODE_B) == (task->cell_bits > 0));
    require(sotto_task_cost(task, task->bound, sotto_task_l2_squared(task)) ==
            (task->noise == SOTTO_NOISE_GAUSSIAN ? task->rho_nano : task->epsilon_ueps));
    for (size_t t = 0; t < task->table_count; t++) {
        size_t zeros[SOTTO_DIMENSIONS_MAX] = {0};
        require(task->table[t].first_cell == cells && sotto_table_cell(&task->table[t], zeros) == cells);
        cells += task->table[t].cells;
        for (size_t i = 0; i < task->table[t].dimensions; i++)
            check_dimension(&task->table[t].dimension[i]);
    }
    require(cells == task->cells && sotto_task_continues(task, task));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t memory[1 << 20];
    sotto_arena arena;
    sotto_tasks tasks;
    sotto_diag diag = {0};
    sotto_arena_init(&arena, memory, sizeof memory);
    sotto_status status = sotto_tasks_load(&tasks, sotto_span_of(data, size), "fuzz", &arena, &diag);
    require((status == SOTTO_OK) == (tasks.count > 0));
    require(status == SOTTO_OK || (diag.status != SOTTO_OK && arena.used == 0));
    for (size_t i = 0; i < tasks.count; i++)
        check_task(&tasks.task[i]);
    return 0;
}
