/* Campaigns beside their goals, from noised totals (docs/simulate.md).
 *
 *   advise  the command
 *   read    goals of a policy; totals of a file or of the registry
 *   judge   forecast, chance, and what a shift of showings would do
 *   say     in words and in JSON
 */
#ifndef SOTTO_HQ_ADVISE_ADVISE_H
#define SOTTO_HQ_ADVISE_ADVISE_H

#include "evaluate/evaluate.h"

#include "sotto/decide.h"

enum advise_verdict {
    ADVISE_NO_TOTALS, /* the totals do not name it */
    ADVISE_REACHED,   /* in what was counted already, whatever the noise (at the confidence) */
    ADVISE_MISSED,    /* its day is over */
    ADVISE_BEHIND,    /* the chance is below `alarm` */
    ADVISE_ON_PLAN,   /* above 100 - alarm */
    ADVISE_OPEN       /* between: the evidence is not enough */
};
typedef struct advise_goal {
    char id[65];
    int64_t taken; /* to be taken by that day, its own included */
    int32_t by, from;
    bool has_from; /* the campaign's first day */
    bool known;    /* in the totals */
    double shown_count, taken_count;
    /* judged */
    double days, left; /* counted; to come */
    double noise;      /* standard deviation of each count */
    double forecast, deviation, chance;
    double uptake, uptake_deviation; /* NAN: too little was shown to say */
    double pace, needed; /* showings a day: so far; for the goal at this uptake (NAN without one) */
    enum advise_verdict verdict;
    /* proposed, to one that is behind */
    size_t giver; /* index; SIZE_MAX = none */
    double moved; /* showings a day, from giver; on the giver: all that it gives, less than 0 */
    double chance_after;
} advise_goal;
typedef struct advise_totals {
    int32_t from, to;
    double confidence; /* percent, of plus_minus */
} advise_totals;
typedef struct advise {
    const char *policy, *totals, *dir, *collected;
    int64_t task;
    double alarm; /* percent */
    bool json;
    advise_totals measured;
    advise_goal goal[SOTTO_CAMPAIGNS_MAX];
    size_t count;
} advise;

/* Every campaign with a goal. NOT_FOUND when none has one. */
SOTTO_MUST_USE sotto_status advise_read_goals(advise *a, sotto_diag *diag);
/* What `sotto-hq totals --json` printed, the registry's, or what a collector opened. */
SOTTO_MUST_USE sotto_status advise_read_totals(advise *a, sotto_diag *diag);
void advise_judge(advise *a);
void advise_say(const advise *a);
void advise_json(sotto_json_writer *w, const void *advise);

#endif
