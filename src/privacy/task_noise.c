/* What one report of a task costs, and the noise that pays for it. */
#include "sotto/privacy.h"

#include <assert.h>

uint32_t sotto_task_events_max(const sotto_task *task)
{
    uint32_t tables = task->table_count > 0 ? (uint32_t)task->table_count : 1;
    return task->bound / tables;
}

uint64_t sotto_task_l2_squared(const sotto_task *task)
{
    uint64_t events = sotto_task_events_max(task), tables = task->table_count > 0 ? task->table_count : 1;
    return tables * events * events;
}

uint64_t sotto_task_cost(const sotto_task *task, uint32_t l1, uint64_t l2_squared)
{
    if (task->type == SOTTO_TASK_HEALTH)
        return 0;
    if (task->noise == SOTTO_NOISE_LAPLACE)
        return sotto_budget_cost_ueps(task->epsilon_ueps, l1, task->bound);
    uint64_t whole = sotto_task_l2_squared(task); /* at most 10^6 */
    assert(l2_squared <= whole);
    /* rho (l2 / L2)^2, rounded up; rho <= 10^11, so the product is below 2^57. */
    return (task->rho_nano * l2_squared + whole - 1) / whole;
}

sotto_status sotto_task_noise(const sotto_task *task, const sotto_entropy *entropy, int64_t *out)
{
    uint64_t num, den;
    *out = 0;
    if (task->noise == SOTTO_NOISE_LAPLACE) {
        sotto_budget_scale(task->epsilon_ueps, task->bound, &num, &den);
        return sotto_noise_laplace(entropy, num, den, out);
    }
    if (!sotto_budget_variance(task->rho_nano, sotto_task_l2_squared(task), &num, &den))
        return SOTTO_ERR(PRIVACY, RANGE);
    return sotto_noise_gaussian(entropy, num, den, out);
}

sotto_status sotto_task_half_width(const sotto_task *task, uint64_t draws, uint32_t confidence_ppm,
                                   uint64_t *out)
{
    uint64_t num, den;
    *out = 0;
    if (task->noise == SOTTO_NOISE_LAPLACE) {
        sotto_budget_scale(task->epsilon_ueps, task->bound, &num, &den);
        return sotto_noise_half_width(num, den, draws, confidence_ppm, out);
    }
    if (!sotto_budget_variance(task->rho_nano, sotto_task_l2_squared(task), &num, &den))
        return SOTTO_ERR(PRIVACY, RANGE);
    return sotto_noise_gaussian_half_width(num, den, draws, confidence_ppm, out);
}
