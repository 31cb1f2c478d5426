/* What the commands that tell of one task are asked: totals, funnel, lift, drift. */
#ifndef SOTTO_HQ_TOTALS_ASKED_H
#define SOTTO_HQ_TOTALS_ASKED_H

#include "office/args.h"
#include "totals/sums.h"

typedef struct hq_asked {
    const char *dir, *collected_dir, *from, *to, *confidence;
    int64_t task;
    bool as_json;
    /* by hq_asked_open: the registry of dir or the folder of a collector of mode B, one of the two */
    int32_t first_day, last_day;
    uint32_t confidence_ppm;
    hq_registry *registry;
    uint64_t newest_release;
    hq_collected *collected;
} hq_asked;
#define HQ_ASKED_OPTIONS(a)                                                                                  \
    {"--dir", HQ_TEXT, &(a).dir, .required = false},                                                         \
        {"--collected", HQ_TEXT, &(a).collected_dir, .required = false},                                     \
        {"--task", HQ_NUMBER, &(a).task, .min = 1, .max = INT32_MAX},                                        \
        {"--from", HQ_TEXT, &(a).from, .required = false}, {"--to", HQ_TEXT, &(a).to, .required = false},    \
        {"--confidence", HQ_TEXT, &(a).confidence, .required = false},                                       \
    {                                                                                                        \
        "--json", HQ_FLAG, &(a).as_json, .required = false                                                   \
    }
/* Reads what was given (percent: 95 unless given) and opens what it names. USAGE, NOT_FOUND. To be closed in
 * any case.
 */
SOTTO_MUST_USE sotto_status hq_asked_open(hq_asked *asked, sotto_diag *diag);
void hq_asked_close(hq_asked *asked);
/* The whole of a command that tells of one task: opens what is asked, adds the task up, lets say tell it, and
 * closes. what: tasks that are wanted, for the message when there is none. The exit code. */
typedef sotto_status (*hq_asked_say)(hq_sums *sums, const hq_asked *asked, void *ctx, sotto_diag *diag);
SOTTO_MUST_USE int hq_asked_run(hq_asked *asked, hq_task_wanted wanted, const char *what, hq_asked_say say,
                                void *ctx);
/* What every figure's page begins with: the task, its noise, who reported. False when no report has come: a
 * table of zeros would look like an answer. */
bool hq_sums_head(const hq_sums *sums, uint32_t confidence_ppm);
/* The same as members of an object that is open. */
void hq_sums_head_json(sotto_json_writer *w, const hq_sums *sums, uint32_t confidence_ppm);

#endif
