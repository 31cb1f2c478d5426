/* Totals of offers: shown and taken by campaign and segment, with error bars, small cohorts withheld. One
 * thread an object. */
#ifndef SOTTO_HQ_TOTALS_TOTALS_H
#define SOTTO_HQ_TOTALS_TOTALS_H

#include "totals/sums.h"

typedef struct hq_cell {
    int64_t count[SOTTO_OUTCOMES]; /* sums of noised counts: may be below zero */
    uint64_t half_width;           /* of each of the two */
    hq_rate rate;                  /* taken of shown */
    bool withheld;                 /* a small cohort: nothing of it is shown */
} hq_cell;
/* A table of campaign, perhaps one tag, and outcome: how offers are shown to people. */
typedef struct hq_offers {
    const sotto_table *table; /* NULL: the task has no such table, and no cell below */
    const char *segment_tag;  /* "" = none */
    const char *const *campaigns, *const *segments;
    size_t campaign_count, segment_count;
} hq_offers;
typedef struct hq_totals {
    hq_sums sums;
    hq_offers offers; /* its first table of that form */
    uint32_t confidence_ppm;
    hq_cell *cell; /* campaigns x (segments + 2): the segments, "other", and all of them together */
} hq_totals;
typedef struct hq_totals_request {
    uint32_t task_id; /* 0 = the first task of mode A of the newest release that has one */
    int32_t first_day, last_day;
    uint32_t confidence_ppm;
    hq_collected *collected; /* as in hq_sums_request */
} hq_totals_request;
/* NOT_FOUND when no release has such a task. */
SOTTO_MUST_USE sotto_status hq_totals_make(hq_totals *out, hq_registry *registry, uint64_t newest_release,
                                           const hq_totals_request *request, sotto_diag *diag);
void hq_totals_free(hq_totals *totals);

#endif
