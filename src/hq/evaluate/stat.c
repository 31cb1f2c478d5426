/* What chance may have done: intervals by formula and by bootstrap. */
#include "evaluate/evaluate.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { STRATA = 256 };

static uint64_t finalise(uint64_t v)
{
    v = (v ^ v >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    v = (v ^ v >> 27) * UINT64_C(0x94d049bb133111eb);
    return v ^ v >> 31;
}

uint64_t eval_random(uint64_t *state)
{
    return finalise(*state += UINT64_C(0x9e3779b97f4a7c15));
}

uint64_t eval_hash(int64_t seed, uint64_t n)
{
    uint64_t state = (uint64_t)seed;
    state = eval_random(&state) ^ n;
    return eval_random(&state);
}

/* The inverse of erfc by bisection: 80 halvings of [0, 40] reach the last bit. */
double eval_z(double confidence)
{
    double low = 0, high = 40, outside = 1 - confidence / 100;
    for (int i = 0; i < 80; i++) {
        double middle = (low + high) / 2;
        if (erfc(middle / sqrt(2)) > outside)
            low = middle;
        else
            high = middle;
    }
    return (low + high) / 2;
}

eval_interval eval_normal(double value, double variance, double z)
{
    double half = z * sqrt(variance);
    return (eval_interval){value - half, value + half};
}

eval_interval eval_wilson(double successes, double n, double z)
{
    if (!(n > 0))
        return (eval_interval){NAN, NAN};
    double p = successes / n, zz = z * z / n;
    double middle = (p + zz / 2) / (1 + zz), half = z * sqrt(p * (1 - p) / n + zz / (4 * n)) / (1 + zz);
    return (eval_interval){fmax(0, middle - half), fmin(1, middle + half)};
}

eval_interval eval_newcombe(double s1, double n1, double s0, double n0, double z)
{
    double p1 = s1 / n1, p0 = s0 / n0;
    eval_interval w1 = eval_wilson(s1, n1, z), w0 = eval_wilson(s0, n0, z);
    return (eval_interval){p1 - p0 - hypot(p1 - w1.low, w0.high - p0),
                           p1 - p0 + hypot(w1.high - p1, p0 - w0.low)};
}

void *eval_array(size_t count, size_t size, sotto_diag *diag)
{
    void *memory = calloc(count == 0 ? 1 : count, size);
    if (memory == NULL)
        (void)hq_no_memory(diag);
    return memory;
}

static int compare_doubles(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Between the two nearest order statistics. */
static double percentile(const double *sorted, size_t n, double share)
{
    double at = share * (double)(n - 1);
    size_t i = (size_t)at;
    double next = sorted[i + 1 < n ? i + 1 : i];
    return sorted[i] + (at - (double)i) * (next - sorted[i]);
}

eval_interval eval_percentiles(double *values, size_t n, double confidence)
{
    size_t kept = 0;
    for (size_t i = 0; i < n; i++)
        if (!isnan(values[i]))
            values[kept++] = values[i];
    if (kept < 2)
        return (eval_interval){NAN, NAN};
    qsort(values, kept, sizeof *values, compare_doubles);
    double outside = (1 - confidence / 100) / 2;
    return (eval_interval){percentile(values, kept, outside), percentile(values, kept, 1 - outside)};
}

/* Units grouped by stratum: member[start[s] .. start[s + 1]). */
typedef struct groups {
    size_t start[STRATA + 1];
    size_t *member;
} groups;

static sotto_status group_units(const eval_sample *s, groups *g, sotto_diag *diag)
{
    size_t fill[STRATA];
    g->member = eval_array(s->units, sizeof *g->member, diag);
    if (g->member == NULL)
        return diag->status;
    memset(g->start, 0, sizeof g->start);
    for (size_t i = 0; i < s->units; i++)
        g->start[(s->stratum == NULL ? 0 : s->stratum[i]) + 1]++;
    for (size_t k = 0; k < STRATA; k++) {
        fill[k] = g->start[k];
        g->start[k + 1] += g->start[k];
    }
    for (size_t i = 0; i < s->units; i++)
        g->member[fill[s->stratum == NULL ? 0 : s->stratum[i]]++] = i;
    return SOTTO_OK;
}

/* As many draws from each stratum as it has units. A draw is the upper half of 32 random bits times the
 * stratum's size: off by less than one in 2^32 / size. */
static void draw(const eval_sample *s, const groups *g, uint64_t *random, double *weight)
{
    memset(weight, 0, s->units * sizeof *weight);
    for (size_t k = 0; k < STRATA; k++) {
        uint64_t size = g->start[k + 1] - g->start[k];
        for (uint64_t i = 0; i < size; i++)
            weight[g->member[g->start[k] + (size_t)((eval_random(random) >> 32) * size >> 32)]] += 1;
    }
}

typedef struct boot_memory {
    double *weight, *out, *draws; /* draws: figures x rounds */
    groups groups;
} boot_memory;

static sotto_status take_memory(boot_memory *m, const eval_sample *s, size_t rounds, size_t count,
                                sotto_diag *diag)
{
    m->weight = eval_array(s->units, sizeof *m->weight, diag);
    m->out = eval_array(count, sizeof *m->out, diag);
    m->draws = eval_array(rounds * count, sizeof *m->draws, diag);
    if (m->weight == NULL || m->out == NULL || m->draws == NULL)
        return diag->status;
    return group_units(s, &m->groups, diag);
}

static void run_rounds(boot_memory *m, const eval_sample *s, const eval_chance *chance, size_t count)
{
    uint64_t random = (uint64_t)chance->seed;
    size_t rounds = (size_t)chance->rounds;
    for (size_t round = 0; round < rounds; round++) {
        draw(s, &m->groups, &random, m->weight);
        s->statistic(s->ctx, m->weight, m->out);
        for (size_t i = 0; i < count; i++)
            m->draws[i * rounds + round] = m->out[i];
        if (round % 10 == 9 || round + 1 == rounds)
            learn_progress("bootstrap", round + 1, rounds);
    }
}

sotto_status eval_bootstrap(const eval_sample *s, const eval_chance *chance, eval_figure *figures,
                            size_t count, sotto_diag *diag)
{
    size_t rounds = (size_t)chance->rounds;
    boot_memory m = {.weight = NULL};
    sotto_status status = take_memory(&m, s, rounds, count, diag);
    if (status == SOTTO_OK) {
        for (size_t i = 0; i < s->units; i++)
            m.weight[i] = 1;
        s->statistic(s->ctx, m.weight, m.out);
        for (size_t i = 0; i < count; i++)
            figures[i].value = m.out[i];
        run_rounds(&m, s, chance, count);
        for (size_t i = 0; i < count; i++)
            figures[i].interval = eval_percentiles(m.draws + i * rounds, rounds, chance->confidence);
    }
    free(m.weight);
    free(m.out);
    free(m.draws);
    free(m.groups.member);
    return status;
}
