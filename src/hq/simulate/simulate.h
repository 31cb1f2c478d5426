/* A policy tried on customers before it is published (docs/simulate.md). What decides, counts and derives
 * tags is the terminal's own code; only who comes and who takes what is made up here, by rules that are said.
 *
 *   simulate  the command
 *   input    dictionary, model, catalogue, the policy and perhaps the present one
 *   people   customers: generated, or the rows of a table
 *   answer   who comes, and who takes what is shown: the response
 *   run      one terminal's days
 *   all      terminals, policies and seeds, in threads
 *   sum      figures and their intervals over seeds
 *   say, page   what is said
 */
#ifndef SOTTO_HQ_SIMULATE_SIMULATE_H
#define SOTTO_HQ_SIMULATE_SIMULATE_H

#include "evaluate/evaluate.h"
#include "population/population.h"
#include "recommend/recommend.h"

#include "sotto/decide.h"
#include "sotto/history.h"
#include "sotto/model_tag.h"

#define SIM_DAYS_MAX    366
#define SIM_SEEDS_MAX   200
#define SIM_SEGMENTS    (SOTTO_TAG_CHOICES_MAX + 1) /* the last: without a value */
#define SIM_FREQUENCIES 8                           /* 0, 1, 2, 3, 4-5, 6-10, 11-20, more */

enum sim_response { SIM_TASTE, SIM_MODEL };
typedef struct sim_options {
    const char *policy, *present, *catalogue, *model, *items, *segments, *value, *dictionary, *population,
        *response, *segment, *today;
    const char *html, *channel, *slot, *branch_group, *terminal_model;
    int64_t days, seed, seeds, terminals, offers, threads;
    double base, dismissed, wear; /* percent */
    bool json;
    int32_t first_day;
    int64_t customers; /* generated; 0 = the population is a file */
    enum sim_response responds;
} sim_options;

/* ---- input ---- */

typedef struct sim_plan {
    const char *path;
    sotto_vec text;
    void *memory;
    sotto_arena arena;
    const sotto_plan *plan;
    int held[SOTTO_CAMPAIGNS_MAX]; /* tag that says who has the product; -1 = none */
    enum pop_product product[SOTTO_CAMPAIGNS_MAX];
} sim_plan;
enum { SIM_NEW, SIM_PRESENT, SIM_PLANS };
typedef struct sim_input {
    learn_input in; /* dictionary, model */
    rec_file items; /* the recommender's, when it was given */
    struct sim_model_tag {
        sotto_vec file; /* the same */
        void *memory;
        sotto_model_tag model; /* each terminal has keys of its own */
    } segments, value;
    sotto_vec catalogue;
    sim_plan plan[SIM_PLANS];
    size_t plans;
    int segment_tag, visits_tag; /* -1 = none */
} sim_input;
/* What sotto_plan_load refuses is refused, with file, path and line. Give back also after a failure. */
SOTTO_MUST_USE sotto_status sim_input_read(sim_input *in, const sim_options *o, sotto_diag *diag);
void sim_input_free(sim_input *in);

/* ---- people ---- */

typedef struct sim_people {
    size_t count;
    pop_person *person;  /* NULL: from a table, their taste is not known */
    sotto_vec packed;    /* profiles, one after the other */
    size_t *at;          /* count + 1 offsets into packed */
    uint32_t *visit_ppm; /* that they come on a day */
    uint16_t *segment;   /* < SIM_SEGMENTS */
} sim_people;
SOTTO_MUST_USE sotto_status sim_people_make(sim_people *out, const sim_input *in, const sim_options *o,
                                            int64_t seed, sotto_diag *diag);
void sim_people_free(sim_people *people);

/* ---- answer: the same chances whatever the policy, so that policies differ by what they do alone ---- */

/* Up to two minutes of the day, ascending, at which a customer comes. Returns how many. */
size_t sim_visits(int64_t seed, uint32_t visit_ppm, size_t person, int32_t day, uint32_t minute[static 2]);
/* TAKEN, DISMISSED or NONE for an offer that is shown. */
enum sotto_event_kind sim_answer(const sim_options *o, int64_t seed, size_t person, int64_t at_s,
                                 sotto_span product, int64_t chance_ppm);

/* ---- run ---- */

typedef struct sim_campaign {
    uint64_t shown, taken, reached, capped;
    int64_t revenue;
} sim_campaign;
typedef struct sim_tally {
    uint64_t visitors, visits, nothing, nobody; /* answers with nothing; visitors who never saw an offer */
    uint64_t nobody_unprofiled;                 /* of these, without consent to profiling */
    uint64_t shown, taken, dismissed, explored, notices, capped; /* capped: answers that a cap changed */
    int64_t revenue;
    uint64_t frequency[SIM_FREQUENCIES]; /* visitors by how many offers they saw */
    uint64_t excluded[SOTTO_EXCLUSION_COUNT], because[SOTTO_EXCLUSION_COUNT];
    uint64_t segment_visitors[SIM_SEGMENTS], segment_nobody[SIM_SEGMENTS];
    uint64_t day_shown[SIM_DAYS_MAX], day_taken[SIM_DAYS_MAX];
    sim_campaign campaign[SOTTO_CAMPAIGNS_MAX];
} sim_tally;
void sim_tally_add(sim_tally *sum, const sim_tally *part);

/* The customers of terminal `terminal` of `terminals`, under one plan. Adds to tally. */
typedef struct sim_job {
    const sim_options *o;
    const sim_input *in;
    const sim_plan *plan;
    const sim_people *people;
    int64_t seed;
    size_t terminal, terminals;
    sim_tally *tally;
} sim_job;
SOTTO_MUST_USE sotto_status sim_run(const sim_job *job, sotto_diag *diag);

/* ---- all ---- */

typedef struct sim_result {
    const sim_options *o;
    const sim_input *in;
    size_t seeds, customers, terminals;
    sim_tally *tally; /* [seed * SIM_PLANS + plan] */
} sim_result;
SOTTO_MUST_USE sotto_status sim_all(sim_result *out, const sim_input *in, const sim_options *o,
                                    sotto_diag *diag);
void sim_result_free(sim_result *result);

/* ---- sum ---- */

/* X(NAME, "name", "words", percent) */
#define SIM_FIGURES(X)                                                                                       \
    X(VISITORS, "visitors", "customers who came", false)                                                     \
    X(VISITS, "visits", "visits", false)                                                                     \
    X(REACH, "reach", "of them saw an offer", true)                                                          \
    X(FREQUENCY, "frequency", "offers a customer reached", false)                                            \
    X(SHOWN, "shown", "offers shown", false)                                                                 \
    X(TAKEN, "taken", "offers taken", false)                                                                 \
    X(UPTAKE, "uptake", "taken of shown", true)                                                              \
    X(REVENUE, "revenue", "worth of what was taken", false)                                                  \
    X(NOTHING, "nothing", "visits that were shown nothing", true)                                            \
    X(CAPPED, "cap_hits", "visits at which a cap held", true)                                                \
    X(EXPLORED, "explored", "of the offers shown to learn", true)                                            \
    X(DISMISSED, "dismissed", "of the offers waved away", true)
enum sim_figure {
#define X(name, id, words, percent) SIM_##name,
    SIM_FIGURES(X)
#undef X
        SIM_FIGURE_COUNT
};
const eval_figure *sim_figure_named(enum sim_figure figure); /* names and words */
/* Mean over seeds with Student's 95 % interval; of the difference new - present when difference. */
typedef double (*sim_measure)(const sim_result *r, const sim_tally *t, size_t index);
enum sim_side { SIM_SIDE_NEW, SIM_SIDE_PRESENT, SIM_SIDE_DIFFERENCE };
eval_figure sim_mean(const sim_result *r, enum sim_side side, sim_measure measure, size_t index);
double sim_measure_figure(const sim_result *r, const sim_tally *t, size_t figure);
double sim_measure_shown(const sim_result *r, const sim_tally *t, size_t campaign);
double sim_measure_taken(const sim_result *r, const sim_tally *t, size_t campaign);
double sim_measure_revenue(const sim_result *r, const sim_tally *t, size_t campaign);
double sim_measure_reached(const sim_result *r, const sim_tally *t, size_t campaign);
double sim_measure_uptake(const sim_result *r, const sim_tally *t, size_t campaign);
double sim_measure_capped(const sim_result *r, const sim_tally *t, size_t campaign);
double sim_measure_frequency(const sim_result *r, const sim_tally *t, size_t bin); /* share of visitors */
double sim_measure_excluded(const sim_result *r, const sim_tally *t, size_t exclusion);
double sim_measure_because(const sim_result *r, const sim_tally *t, size_t exclusion);
double sim_measure_nobody(const sim_result *r, const sim_tally *t, size_t segment); /* share of visitors */
double sim_measure_day_shown(const sim_result *r, const sim_tally *t, size_t day);
const char *sim_frequency_name(size_t bin);
/* NULL: nobody of that segment came. */
const char *sim_segment_name(const sim_result *r, size_t segment);

/* ---- saying ---- */

SOTTO_MUST_USE sotto_status sim_say(const sim_result *r, sotto_diag *diag);
void sim_json(sotto_json_writer *w, const void *result);
SOTTO_MUST_USE sotto_status sim_page(const sim_result *r, const char *path, sotto_diag *diag);
/* "taste": how customers were made up to answer, in a sentence. */
const char *sim_response_words(const sim_options *o);

#endif
