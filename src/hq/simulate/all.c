/* Terminals, policies and seeds, side by side. A job is one terminal under one policy; its customers live
 * nowhere else, so that jobs share nothing but what is read, and their order changes no figure. */
#include "simulate/simulate.h"

#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

enum { THREADS_MAX = 64, CUSTOMERS_A_TERMINAL = 1000 };

typedef struct crew {
    sim_job *job;
    size_t count;
    pthread_mutex_t lock; /* of all below */
    size_t next, done, done_before, total;
    sotto_status status; /* the first failure */
    sotto_diag diag;
} crew;

static sim_job *take(crew *c)
{
    (void)pthread_mutex_lock(&c->lock);
    sim_job *job = c->next < c->count && c->status == SOTTO_OK ? &c->job[c->next++] : NULL;
    (void)pthread_mutex_unlock(&c->lock);
    return job;
}

static void give_back(crew *c, sotto_status status, const sotto_diag *diag)
{
    (void)pthread_mutex_lock(&c->lock);
    if (status != SOTTO_OK && c->status == SOTTO_OK) {
        c->status = status;
        c->diag = *diag;
    }
    learn_progress("simulating", c->done_before + ++c->done, c->total);
    (void)pthread_mutex_unlock(&c->lock);
}

static void *work(void *ctx)
{
    crew *c = ctx;
    for (sim_job *job = take(c); job != NULL; job = take(c)) {
        sotto_diag diag = {0};
        sotto_status status = sim_run(job, &diag);
        give_back(c, status, &diag);
    }
    return NULL;
}

static size_t thread_count(const sim_options *o, size_t jobs)
{
    long cpus = o->threads > 0 ? (long)o->threads : sysconf(_SC_NPROCESSORS_ONLN);
    size_t n = cpus < 1 ? 1 : cpus > THREADS_MAX ? THREADS_MAX : (size_t)cpus;
    return n < jobs ? n : jobs;
}

/* Whoever cannot be hired is done without: this thread works too. */
static void work_all(crew *c, size_t threads)
{
    pthread_t hired[THREADS_MAX];
    size_t n = 0;
    while (n + 1 < threads && pthread_create(&hired[n], NULL, work, c) == 0)
        n++;
    (void)work(c);
    for (size_t i = 0; i < n; i++)
        (void)pthread_join(hired[i], NULL);
}

typedef struct shift { /* one seed */
    sim_people people;
    sim_job *job;
    sim_tally *part;
} shift;

static void fill_jobs(shift *s, const sim_result *r, int64_t seed)
{
    for (size_t i = 0; i < r->in->plans * r->terminals; i++)
        s->job[i] = (sim_job){.o = r->o,
                              .in = r->in,
                              .plan = &r->in->plan[i / r->terminals],
                              .people = &s->people,
                              .seed = seed,
                              .terminal = i % r->terminals,
                              .terminals = r->terminals,
                              .tally = &s->part[i]};
}

static size_t terminals_for(const sim_options *o, size_t customers)
{
    size_t n = o->terminals > 0 ? (size_t)o->terminals
                                : (customers + CUSTOMERS_A_TERMINAL - 1) / CUSTOMERS_A_TERMINAL;
    return n < customers ? n : customers;
}

static sotto_status work_shift(shift *s, sim_result *r, size_t seed, sotto_diag *diag)
{
    size_t jobs = r->in->plans * r->terminals;
    s->job = eval_array(jobs, sizeof *s->job, diag);
    s->part = eval_array(jobs, sizeof *s->part, diag);
    if (s->job == NULL || s->part == NULL)
        return diag->status;
    fill_jobs(s, r, r->o->seed + (int64_t)seed);
    crew c = {.job = s->job, .count = jobs, .done_before = seed * jobs, .total = r->seeds * jobs};
    if (pthread_mutex_init(&c.lock, NULL) != 0)
        return sotto_diag_set(diag, SOTTO_ERR(HQ, NO_MEMORY), "no lock");
    work_all(&c, thread_count(r->o, jobs));
    (void)pthread_mutex_destroy(&c.lock);
    for (size_t i = 0; i < jobs; i++)
        sim_tally_add(&r->tally[seed * SIM_PLANS + i / r->terminals], &s->part[i]);
    if (c.status != SOTTO_OK)
        *diag = c.diag;
    return c.status;
}

static sotto_status run_seed(sim_result *r, size_t seed, sotto_diag *diag)
{
    shift s = {.job = NULL};
    sotto_status status = sim_people_make(&s.people, r->in, r->o, r->o->seed + (int64_t)seed, diag);
    r->customers = s.people.count;
    r->terminals = terminals_for(r->o, s.people.count);
    if (status == SOTTO_OK)
        status = work_shift(&s, r, seed, diag);
    free(s.job);
    free(s.part);
    sim_people_free(&s.people);
    return status;
}

sotto_status sim_all(sim_result *out, const sim_input *in, const sim_options *o, sotto_diag *diag)
{
    *out = (sim_result){.o = o, .in = in, .seeds = (size_t)o->seeds};
    out->tally = eval_array(out->seeds * SIM_PLANS, sizeof *out->tally, diag);
    if (out->tally == NULL)
        return diag->status;
    sotto_status status = SOTTO_OK;
    for (size_t i = 0; i < out->seeds && status == SOTTO_OK; i++)
        status = run_seed(out, i, diag);
    return status;
}

void sim_result_free(sim_result *result)
{
    free(result->tally);
    *result = (sim_result){.tally = NULL};
}
