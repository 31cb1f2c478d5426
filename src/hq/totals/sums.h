/*
 * sums: what the reports of one task add up to, cell by cell, and how far noise may have moved any sum of its
 * cells. In mode A a report's cell is a clipped count plus one draw of the task's noise, so a sum over n
 * reports carries n draws; in mode B reports are exact and a batch carries two, one of each aggregator. The
 * error bar is theirs alone: what was counted is not a sample.
 */
#ifndef SOTTO_HQ_TOTALS_SUMS_H
#define SOTTO_HQ_TOTALS_SUMS_H

#include "registry/registry.h"

#include "sotto/privacy.h"

#define HQ_SCALES_MAX 32 /* different (epsilon, bound) pairs under one task id */

typedef struct hq_scale {
    uint64_t epsilon_ueps;
    uint32_t bound;
    uint64_t *draws; /* by cell: of noise in its sum */
} hq_scale;
typedef struct hq_width { /* one that was computed before */
    size_t scale;
    uint64_t draws, width;
    uint32_t confidence_ppm; /* 0 = free */
} hq_width;
typedef struct hq_sums {
    sotto_task task; /* as the newest release that has it defines it */
    uint64_t reports, devices, devices_enrolled, periods_missing;
    uint64_t batches;          /* mode B: devices and periods_missing are 0, nobody who adds up knows them */
    uint64_t batches_left_out; /* mode B: they reach over the days asked for, or count other cells */
    int32_t first_day, last_day; /* first days of the periods reported; first > last when none was */
    int64_t *count;              /* task.cells sums of noised counts: may be below zero */
    hq_scale scale[HQ_SCALES_MAX];
    size_t scales;
    hq_width known[8];
    size_t next_known;
    void *memory; /* of the task */
} hq_sums;

/* ---- mode B: the folder of a collector (sotto-hq aggregate init --role collector) ---- */
typedef struct hq_collected hq_collected;
/* dir must stay. USAGE for another party's folder; NOT_FOUND. To be closed when it is OK. */
SOTTO_MUST_USE sotto_status hq_collected_open(hq_collected **out, const char *dir, sotto_diag *diag);
void hq_collected_close(hq_collected *collected); /* wipes; NULL allowed */
/* Ids of the tasks that it knows, ascending, at most SOTTO_TASKS_MAX. NOT_FOUND. */
SOTTO_MUST_USE sotto_status hq_collected_tasks(hq_collected *collected, uint32_t id[static SOTTO_TASKS_MAX],
                                               size_t *count, sotto_diag *diag);

/* Which task: of that id, or with 0 the first one wanted. NULL in wanted: any. */
typedef bool (*hq_task_wanted)(const sotto_task *task);
typedef struct hq_sums_request {
    uint32_t task_id;
    hq_task_wanted wanted;
    const char *what; /* of tasks that are wanted, for the message when there is none */
    int32_t first_day, last_day;
    hq_collected *collected; /* mode B: the batches that it opened. NULL: mode A, the registry's reports */
} hq_sums_request;
/* Adds up. The newest release that has such a task in mode A defines it: later ones only append cells.
 * NOT_FOUND when none has. *out is empty on failure. */
SOTTO_MUST_USE sotto_status hq_sums_make(hq_sums *out, hq_registry *registry, uint64_t newest_release,
                                         const hq_sums_request *request, sotto_diag *diag);
/* The same of request->collected, which hq_sums_make calls when there is one. The newest definition that the
 * collector was told of counts; batches of earlier ones are added where their cells mean the same. */
SOTTO_MUST_USE sotto_status hq_sums_collected(hq_sums *out, const hq_sums_request *request, sotto_diag *diag);
void hq_sums_free(hq_sums *sums);
/* The draws of that noise, none yet when it is new. NULL: no memory, or too many kinds of noise. */
hq_scale *hq_sums_scale(hq_sums *sums, uint64_t epsilon_ueps, uint32_t bound);
/* Ids of the tasks of mode A of the newest release that has any. NOT_FOUND. */
SOTTO_MUST_USE sotto_status hq_sums_tasks(hq_registry *registry, uint64_t newest_release,
                                          uint32_t id[static SOTTO_TASKS_MAX], size_t *count,
                                          sotto_diag *diag);

/* The sum of those cells lies within +- *out of what was counted, with that confidence. Draws of several
 * scales: each group gets its share of what may go wrong, and the bounds add up (the union bound). */
SOTTO_MUST_USE sotto_status hq_sums_width(hq_sums *sums, const size_t *cell, size_t cells,
                                          uint32_t confidence_ppm, uint64_t *out);
/* Variance of the noise in one cell's sum. */
double hq_sums_variance(const hq_sums *sums, size_t cell);
/* The interval's half width for a statistic that moves with the cells, by the delta method, in standard
 * deviations. The larger of the normal's quantile and that of one Laplace draw: a sum of few draws has the
 * heavier tail. */
double hq_sums_deviations(const hq_sums *sums, uint32_t confidence_ppm);

/* ---- A table as people read it: outcome or step, when it has one, across; all other dimensions down ---- */
typedef struct hq_cut {
    const sotto_table *table;
    int across; /* index of that dimension; -1: none, one column */
    size_t rows, columns;
} hq_cut;
hq_cut hq_cut_of(const sotto_table *table);
size_t hq_cut_cell(const hq_cut *cut, size_t row, size_t column);
/* The bin of a row along dimension i, which is not the one across. */
size_t hq_cut_bin(const hq_cut *cut, size_t row, size_t dimension);
/* "saver / under_30"; "all" for a table without other dimensions. */
void hq_cut_label(const hq_cut *cut, size_t row, char *out, size_t cap);
/* Index of the first dimension of that kind; -1. */
int hq_cut_find(const hq_cut *cut, enum sotto_dimension_kind kind);
/* Small cohorts are withheld in mode A (docs/formats/tasks.md): those whose largest count is below the task's
 * smallest batch. In mode B the smallest batch is of reports, and a smaller one was never opened. */
bool hq_withheld(const sotto_task *task, const int64_t *count, size_t columns);

/* A rate of two counts that both lie within their half widths: the extremes of the rectangle they make. All
 * three are -1 when whole is not above its half width. */
typedef struct hq_rate {
    int32_t ppm, low_ppm, high_ppm;
} hq_rate;
hq_rate hq_rate_of(int64_t part, int64_t whole, uint64_t half_width);

/* The tasks of a release, in *memory, which is freed before it is set anew: NULL or an earlier call's. */
SOTTO_MUST_USE sotto_status hq_release_tasks_load(hq_registry *registry, uint64_t version, sotto_tasks *tasks,
                                                  void **memory, sotto_diag *diag);

#endif
