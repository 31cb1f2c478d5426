/* Advice in words and in JSON. */
#include "advise/advise.h"
#include "office/day.h"
#include "office/json.h"

#include <math.h>

static const char *verdict_name(enum advise_verdict v)
{
    static const char *const NAMES[] = {"no_totals", "reached", "missed", "behind", "on_plan", "open"};
    return NAMES[v];
}

static const char *verdict_words(enum advise_verdict v)
{
    static const char *const WORDS[] = {
        "the totals do not name it", "reached", "missed: its day is over",
        "BEHIND its plan",           "on plan", "open: the evidence is not enough to say"};
    return WORDS[v];
}

static void say_proposal(const advise *a, const advise_goal *g)
{
    if (g->verdict != ADVISE_BEHIND)
        return;
    if (isnan(g->uptake))
        printf("    too little was shown to know how often it is taken: no shift is proposed\n");
    else if (g->giver == SIZE_MAX)
        printf("    needs %.0f showings a day instead of %.0f; no campaign can spare enough of them that it "
               "helps\n",
               g->needed, g->pace);
    else
        printf("    shift %.0f showings a day from %s (its goal stands): %.0f a day instead of %.0f, of %.0f "
               "needed; "
               "the chance rises to %.0f %%\n",
               g->moved, a->goal[g->giver].id, g->pace + g->moved, g->pace, g->needed, 100 * g->chance_after);
}

static void say_goal(const advise *a, const advise_goal *g)
{
    char by[11];
    double z = eval_z(a->measured.confidence);
    hq_day_format(g->by, by);
    printf("%s: %lld taken by %s: %s\n", g->id, (long long)g->taken, by, verdict_words(g->verdict));
    if (!g->known)
        return;
    printf("    counted %.0f +- %.0f in %.0f days, %.0f days left; at this pace %.0f [%.0f, %.0f], chance "
           "%.0f %%\n",
           g->taken_count, z * g->noise, g->days, g->left, g->forecast, g->forecast - z * g->deviation,
           g->forecast + z * g->deviation, 100 * g->chance);
    say_proposal(a, g);
}

void advise_say(const advise *a)
{
    char from[11], to[11];
    hq_day_format(a->measured.from, from);
    hq_day_format(a->measured.to, to);
    printf("Counted from %s to %s; intervals of %.4g %%; an alarm when the chance is below %.3g %%.\n", from,
           to, a->measured.confidence, a->alarm);
    printf("Counts hold those customers who agree to be counted, each with at most the task's events a "
           "period.\n\n");
    for (size_t i = 0; i < a->count; i++)
        say_goal(a, &a->goal[i]);
}

static void put_goal(sotto_json_writer *w, const advise *a, const advise_goal *g)
{
    double z = eval_z(a->measured.confidence);
    eval_figure taken = {
        "taken", NULL, g->taken_count, {g->taken_count - z * g->noise, g->taken_count + z * g->noise}, false};
    eval_figure sum = {"forecast",
                       NULL,
                       g->forecast,
                       {g->forecast - z * g->deviation, g->forecast + z * g->deviation},
                       false};
    sotto_json_obj(w);
    eval_json_str(w, "campaign", g->id);
    eval_json_str(w, "verdict", verdict_name(g->verdict));
    eval_json_u64(w, "goal", (uint64_t)g->taken);
    sotto_json_name(w, "by");
    hq_json_day(w, g->by);
    if (g->known) {
        eval_json(w, &taken);
        eval_json(w, &sum);
        learn_json_real(w, "chance", g->chance, 6);
        learn_json_real(w, "uptake", g->uptake, 6);
        learn_json_real(w, "showings_a_day", g->pace, 2);
        learn_json_real(w, "showings_a_day_needed", g->needed, 2);
    }
    if (g->giver != SIZE_MAX) {
        eval_json_str(w, "shift_from", a->goal[g->giver].id);
        learn_json_real(w, "shift_showings_a_day", g->moved, 2);
        learn_json_real(w, "chance_after", g->chance_after, 6);
    }
    sotto_json_obj_end(w);
}

void advise_json(sotto_json_writer *w, const void *advice)
{
    const advise *a = advice;
    sotto_json_name(w, "from");
    hq_json_day(w, a->measured.from);
    sotto_json_name(w, "to");
    hq_json_day(w, a->measured.to);
    learn_json_real(w, "confidence_percent", a->measured.confidence, 4);
    learn_json_real(w, "alarm_percent", a->alarm, 4);
    sotto_json_name(w, "campaigns");
    sotto_json_arr(w);
    for (size_t i = 0; i < a->count; i++)
        put_goal(w, a, &a->goal[i]);
    sotto_json_arr_end(w);
}
