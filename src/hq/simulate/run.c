/* One terminal's days under one policy: for each visit what a terminal does, with the terminal's functions
 * and on the packed records that it keeps. */
#include "simulate/simulate.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { DAY_S = 86400, SHOWN_S = 5, ANSWERED_S = 20 }; /* seconds after the card went in */

typedef struct records { /* of one customer */
    sotto_vec profile, counters, history;
    uint32_t visits, seen;
    bool agrees; /* to be profiled */
} records;
typedef struct visit {
    uint32_t minute;
    size_t customer; /* index into records */
} visit;
typedef struct terminal {
    const sim_job *job;
    records *customer;
    pop_person *person; /* as they become; NULL: not known */
    size_t customers;
    visit *visits; /* of the day */
    size_t visit_count;
    /* What a terminal's engine holds for the customer before it. */
    sotto_profile stored, seen; /* as kept; as decide sees it, with derived tags */
    sotto_counters counters;
    sotto_terminal shown_here;
    sotto_history history;
    sotto_model_tag segments, value;
    sotto_decision decision;
    void *scratch, *values[2];
    uint8_t packed[SOTTO_COUNTERS_MAX > SOTTO_HISTORY_MAX ? SOTTO_COUNTERS_MAX : SOTTO_HISTORY_MAX];
} terminal;

static size_t person_of(const terminal *t, size_t customer)
{
    return t->job->terminal + customer * t->job->terminals;
}

static const sotto_dictionary *dictionary_of(const terminal *t)
{
    return t->job->in->in.dictionary;
}

/* ---- records ---- */

static sotto_status keep(sotto_vec *where, const sotto_buf *packed)
{
    where->len = 0;
    return sotto_vec_put(where, packed->ptr, packed->len);
}

static sotto_status open_customer(terminal *t, records *r, sotto_diag *diag)
{
    sotto_counters_clear(&t->counters);
    sotto_history_clear(&t->history);
    sotto_status status = sotto_profile_unpack(&t->stored, sotto_vec_span(&r->profile), NULL, diag);
    if (status == SOTTO_OK && r->counters.len > 0)
        status = sotto_counters_unpack(&t->counters, sotto_vec_span(&r->counters), diag);
    if (status == SOTTO_OK && r->history.len > 0)
        status = sotto_history_unpack(&t->history, sotto_vec_span(&r->history), diag);
    return status;
}

static sotto_status close_customer(terminal *t, records *r)
{
    sotto_buf buf = sotto_buf_of(t->packed, sizeof t->packed);
    sotto_status status = sotto_profile_pack(&t->stored, &buf);
    if (status == SOTTO_OK)
        status = keep(&r->profile, &buf);
    buf.len = 0;
    if (status == SOTTO_OK)
        status = sotto_counters_pack(&t->counters, &buf);
    if (status == SOTTO_OK)
        status = keep(&r->counters, &buf);
    if (status != SOTTO_OK || !sotto_history_needed(dictionary_of(t)))
        return status;
    buf.len = 0;
    status = sotto_history_pack(&t->history, &buf);
    return status == SOTTO_OK ? keep(&r->history, &buf) : status;
}

/* The bank brings its tags every night: none of them dies of age while it stands in the file. */
static void bring_tags(terminal *t, int32_t day)
{
    for (size_t i = 0; i < sotto_dictionary_count(dictionary_of(t)); i++)
        if (t->stored.values[i].present &&
            sotto_dictionary_at(dictionary_of(t), i)->from == SOTTO_FROM_IMPORT)
            t->stored.values[i].set_day = day;
}

static bool agrees(terminal *t, int32_t day)
{
    sotto_tag_value value;
    int tag = sotto_plan_profiling_tag(t->job->plan->plan);
    return tag >= 0 && sotto_profile_read(&t->stored, (size_t)tag, SOTTO_PURPOSE_SERVICE, day, &value) &&
           value.num != 0;
}

/* ---- events ---- */

static sotto_status note(terminal *t, records *r, enum sotto_event_kind kind, int campaign, int64_t at_s)
{
    const sotto_plan *plan = t->job->plan->plan;
    int32_t day = (int32_t)(at_s / DAY_S);
    const sotto_event event = {.kind = kind, .at_s = at_s, .channel = {0}};
    sotto_tags_apply_event(&t->stored, kind, at_s);
    if (sotto_history_needed(dictionary_of(t)))
        (void)sotto_history_apply(&t->history, dictionary_of(t), &event, r->agrees);
    if (campaign < 0)
        return SOTTO_OK;
    uint16_t number = sotto_plan_campaign(plan, (size_t)campaign)->number;
    sotto_status status = sotto_counters_apply(&t->counters, number, kind, at_s, day);
    return status == SOTTO_OK ? sotto_terminal_apply(&t->shown_here, number, kind, day) : status;
}

/* What is had is offered no more, and wanted less. */
static void have(terminal *t, size_t customer, size_t campaign, int32_t day)
{
    int tag = t->job->plan->held[campaign];
    enum pop_product product = t->job->plan->product[campaign];
    if (tag >= 0 && sotto_dictionary_at(dictionary_of(t), (size_t)tag)->kind == SOTTO_TAG_FLAG)
        t->stored.values[tag] = (sotto_tag_value){.present = true, .set_day = day, .num = 1};
    if (t->person != NULL)
        pop_hold(&t->person[customer], product);
}

/* ---- an answer ---- */

static int64_t fresh_ppm(const terminal *t, const sotto_offer *offer, size_t customer, int64_t at_s)
{
    if (t->job->o->responds == SIM_TASTE)
        return pop_taste_ppm(&t->person[customer], t->job->plan->product[offer->campaign],
                             (int)(at_s % DAY_S / 3600));
    if (offer->propensity_q30 == 0)
        return (int64_t)(t->job->o->base * POP_MILLION / 100);
    return (int64_t)((uint64_t)offer->propensity_q30 * POP_MILLION >> 30);
}

/* Each showing before this one took its part of the chance (--wear). */
static int64_t chance_ppm(const terminal *t, const sotto_offer *offer, size_t customer, int64_t at_s)
{
    uint16_t number = sotto_plan_campaign(t->job->plan->plan, offer->campaign)->number;
    double left = 1;
    for (size_t k = 0; k < t->counters.count; k++)
        if (t->counters.entry[k].campaign == number && t->counters.entry[k].creative == 0)
            left = pow(1 - t->job->o->wear / 100, (double)t->counters.entry[k].shown_total - 1);
    return (int64_t)((double)fresh_ppm(t, offer, customer, at_s) * left);
}

/* As it was ranked: without consent no tag says it. */
static int64_t worth_of(const terminal *t, size_t campaign, int64_t at_s)
{
    return sotto_plan_value_minor(t->job->plan->plan, campaign, t->decision.profiled ? &t->seen : NULL,
                                  (int32_t)(at_s / DAY_S));
}

static sotto_status respond(terminal *t, size_t customer, const sotto_offer *offer, int64_t at_s)
{
    const sotto_campaign *c = sotto_plan_campaign(t->job->plan->plan, offer->campaign);
    records *r = &t->customer[customer];
    sim_tally *sum = t->job->tally;
    if (c->notice) /* read, not wanted */
        return SOTTO_OK;
    enum sotto_event_kind kind = sim_answer(t->job->o, t->job->seed, person_of(t, customer), at_s,
                                            sotto_span_str(c->product), chance_ppm(t, offer, customer, at_s));
    if (kind == SOTTO_EVENT_NONE)
        return SOTTO_OK;
    sum->dismissed += kind == SOTTO_EVENT_DISMISSED;
    if (kind == SOTTO_EVENT_TAKEN) {
        sum->taken++;
        sum->day_taken[at_s / DAY_S - t->job->o->first_day]++;
        int64_t value = worth_of(t, offer->campaign, at_s);
        sum->revenue += value;
        sum->campaign[offer->campaign].taken++;
        sum->campaign[offer->campaign].revenue += value;
        have(t, customer, offer->campaign, (int32_t)(at_s / DAY_S));
    }
    return note(t, r, kind, (int)offer->campaign, at_s + ANSWERED_S);
}

static sotto_status show(terminal *t, size_t customer, const sotto_offer *offer, int64_t at_s)
{
    const sotto_campaign *c = sotto_plan_campaign(t->job->plan->plan, offer->campaign);
    records *r = &t->customer[customer];
    sim_tally *sum = t->job->tally;
    sum->campaign[offer->campaign].shown++;
    sum->notices += c->notice;
    sum->shown += !c->notice;
    sum->explored += offer->explored;
    sum->day_shown[at_s / DAY_S - t->job->o->first_day] += !c->notice;
    r->seen += !c->notice;
    sotto_status status = note(t, r, SOTTO_EVENT_SHOWN, (int)offer->campaign, at_s + SHOWN_S);
    if (status == SOTTO_OK)
        status = sotto_counters_apply_creative(&t->counters, c->number, c->creatives[offer->creative].number,
                                               at_s + SHOWN_S, (int32_t)(at_s / DAY_S));
    return status == SOTTO_OK ? respond(t, customer, offer, at_s) : status;
}

static bool is_cap(enum sotto_exclusion e)
{
    return strncmp(sotto_exclusion_code(e), "cap_", 4) == 0;
}

static void count_answer(terminal *t)
{
    const sotto_decision *d = &t->decision;
    sim_tally *sum = t->job->tally;
    bool capped = false;
    for (size_t i = 0; i < sotto_plan_campaigns(t->job->plan->plan); i++) {
        bool cap = d->excluded[i] != SOTTO_EXCLUDED_NONE && is_cap(d->excluded[i]);
        sum->excluded[d->excluded[i]]++;
        sum->campaign[i].capped += cap;
        capped = capped || cap;
    }
    sum->capped += capped;
    sum->nothing += d->offer_count == 0;
    sum->because[d->offer_count == 0 ? d->nothing_because : SOTTO_EXCLUDED_NONE]++;
}

/* As a terminal draws: once a customer and day, apart from what else is drawn of them. */
static uint64_t seed_of(const sim_job *job, size_t person, int64_t at_s)
{
    static const uint64_t OWN = UINT64_C(0x6465636964652121);
    return eval_hash((int64_t)eval_hash(job->seed, person), OWN ^ (uint64_t)(at_s / DAY_S));
}

static void decide(terminal *t, size_t customer, int64_t at_s)
{
    const sim_job *job = t->job;
    size_t person = person_of(t, customer);
    memcpy(t->seen.values, t->stored.values,
           sotto_dictionary_count(dictionary_of(t)) * sizeof *t->seen.values);
    if (sotto_history_needed(dictionary_of(t)))
        sotto_history_derive(&t->history, (int32_t)(at_s / DAY_S), &t->seen);
    int profiling = sotto_plan_profiling_tag(job->plan->plan);
    sotto_model_tag_derive(&t->segments, profiling, (int32_t)(at_s / DAY_S), &t->seen);
    sotto_model_tag_derive(&t->value, profiling, (int32_t)(at_s / DAY_S), &t->seen);
    const sotto_decide_request request = {.profile = &t->seen,
                                          .counters = &t->counters,
                                          .terminal = &t->shown_here,
                                          .now_s = at_s,
                                          .slot = job->o->slot,
                                          .channel = job->o->channel,
                                          .branch_group = job->o->branch_group,
                                          .terminal_model = job->o->terminal_model,
                                          .arm_key = eval_hash(job->seed, person) | 1,
                                          .offers_max = (size_t)job->o->offers,
                                          .seed = seed_of(job, person, at_s)};
    sotto_decide(job->plan->plan, &request, t->scratch, &t->decision);
}

static sotto_status come(terminal *t, const visit *v, int32_t day, sotto_diag *diag)
{
    records *r = &t->customer[v->customer];
    int64_t at_s = (int64_t)day * DAY_S + v->minute * INT64_C(60);
    sotto_status status = open_customer(t, r, diag);
    if (status != SOTTO_OK)
        return status;
    bring_tags(t, day);
    r->agrees = agrees(t, day);
    r->visits++;
    t->job->tally->visits++;
    status = note(t, r, SOTTO_EVENT_CARD_IN, -1, at_s);
    decide(t, v->customer, at_s);
    count_answer(t);
    for (size_t i = 0; i < t->decision.offer_count && status == SOTTO_OK; i++)
        status = show(t, v->customer, &t->decision.offers[i], at_s);
    return status == SOTTO_OK ? close_customer(t, r) : status;
}

/* ---- days ---- */

static int compare(const void *left, const void *right)
{
    const visit *a = left, *b = right;
    if (a->minute != b->minute)
        return a->minute < b->minute ? -1 : 1;
    return (a->customer > b->customer) - (a->customer < b->customer);
}

static sotto_status live_day(terminal *t, int32_t day, sotto_diag *diag)
{
    sotto_status status = SOTTO_OK;
    t->visit_count = 0;
    for (size_t i = 0; i < t->customers; i++) {
        size_t person = person_of(t, i);
        uint32_t minute[2];
        size_t n = sim_visits(t->job->seed, t->job->people->visit_ppm[person], person, day, minute);
        for (size_t k = 0; k < n; k++)
            t->visits[t->visit_count++] = (visit){.minute = minute[k], .customer = i};
    }
    qsort(t->visits, t->visit_count, sizeof *t->visits, compare);
    for (size_t i = 0; i < t->visit_count && status == SOTTO_OK; i++)
        status = come(t, &t->visits[i], day, diag);
    return status;
}

static size_t frequency_bin(uint32_t seen)
{
    static const uint32_t LOW[SIM_FREQUENCIES] = {0, 1, 2, 3, 4, 6, 11, 21};
    size_t bin = 0;
    while (bin + 1 < SIM_FREQUENCIES && seen >= LOW[bin + 1])
        bin++;
    return bin;
}

static sotto_status count_reached(terminal *t, const records *r, sotto_diag *diag)
{
    sotto_status status = r->counters.len == 0
                              ? SOTTO_OK
                              : sotto_counters_unpack(&t->counters, sotto_vec_span(&r->counters), diag);
    for (size_t i = 0; i < sotto_plan_campaigns(t->job->plan->plan) && status == SOTTO_OK; i++)
        for (size_t k = 0; k < t->counters.count; k++)
            t->job->tally->campaign[i].reached +=
                t->counters.entry[k].campaign == sotto_plan_campaign(t->job->plan->plan, i)->number &&
                t->counters.entry[k].creative == 0 && t->counters.entry[k].shown_total > 0;
    return status;
}

static sotto_status count_customer(terminal *t, size_t customer, sotto_diag *diag)
{
    const records *r = &t->customer[customer];
    sim_tally *sum = t->job->tally;
    uint16_t segment = t->job->people->segment[person_of(t, customer)];
    if (r->visits == 0)
        return SOTTO_OK;
    sum->visitors++;
    sum->nobody += r->seen == 0;
    sum->nobody_unprofiled += r->seen == 0 && !r->agrees;
    sum->segment_visitors[segment]++;
    sum->segment_nobody[segment] += r->seen == 0;
    sum->frequency[frequency_bin(r->seen)]++;
    return count_reached(t, r, diag);
}

/* ---- memory ---- */

static sotto_status bring_customers(terminal *t, sotto_diag *diag)
{
    const sim_people *p = t->job->people;
    sotto_status status = SOTTO_OK;
    for (size_t i = 0; i < t->customers && status == SOTTO_OK; i++) {
        records *r = &t->customer[i];
        size_t person = person_of(t, i);
        sotto_vec_init(&r->profile, SOTTO_PROFILE_MAX);
        sotto_vec_init(&r->counters, SOTTO_COUNTERS_MAX);
        sotto_vec_init(&r->history, SOTTO_HISTORY_MAX);
        status = sotto_vec_put(&r->profile, p->packed.ptr + p->at[person], p->at[person + 1] - p->at[person]);
        if (t->person != NULL)
            t->person[i] = p->person[person];
    }
    return status == SOTTO_OK ? status : sotto_diag_set(diag, status, "out of memory");
}

static sotto_model_tag own_keys(const sotto_model_tag *from, sotto_diag *diag)
{
    sotto_model_tag t = *from;
    t.keys = eval_array(t.model == NULL ? 1 : sotto_model_info_of(t.model)->features, sizeof *t.keys, diag);
    return t;
}

static sotto_status open_terminal(terminal *t, sotto_diag *diag)
{
    const sim_job *job = t->job;
    size_t values = (sotto_dictionary_count(dictionary_of(t)) + 1) * sizeof(sotto_tag_value);
    t->customers = (job->people->count - job->terminal + job->terminals - 1) / job->terminals;
    t->customer = eval_array(t->customers, sizeof *t->customer, diag);
    t->visits = eval_array(2 * t->customers, sizeof *t->visits, diag);
    t->scratch = eval_array(sotto_decide_scratch_size(job->plan->plan), 1, diag);
    t->person = job->people->person == NULL ? NULL : eval_array(t->customers, sizeof *t->person, diag);
    t->values[0] = eval_array(values, 1, diag);
    t->values[1] = eval_array(values, 1, diag);
    t->segments = own_keys(&job->in->segments.model, diag);
    t->value = own_keys(&job->in->value.model, diag);
    if (diag->status != SOTTO_OK)
        return diag->status;
    t->stored = (sotto_profile){.dictionary = dictionary_of(t), .values = t->values[0]};
    t->seen = (sotto_profile){.dictionary = dictionary_of(t), .values = t->values[1]};
    return bring_customers(t, diag);
}

static void close_terminal(terminal *t)
{
    for (size_t i = 0; i < t->customers && t->customer != NULL; i++) {
        sotto_vec_free(&t->customer[i].profile);
        sotto_vec_free(&t->customer[i].counters);
        sotto_vec_free(&t->customer[i].history);
    }
    free(t->customer);
    free(t->person);
    free(t->visits);
    free(t->scratch);
    free(t->segments.keys);
    free(t->value.keys);
    free(t->values[0]);
    free(t->values[1]);
    free(t);
}

sotto_status sim_run(const sim_job *job, sotto_diag *diag)
{
    terminal *t = eval_array(1, sizeof *t, diag);
    if (t == NULL)
        return diag->status;
    t->job = job;
    sotto_status status = open_terminal(t, diag);
    for (int32_t d = 0; d < job->o->days && status == SOTTO_OK; d++)
        status = live_day(t, job->o->first_day + d, diag);
    for (size_t i = 0; i < t->customers && status == SOTTO_OK; i++)
        status = count_customer(t, i, diag);
    close_terminal(t);
    return status;
}

/* ---- sums ---- */

static void add(uint64_t *sum, const uint64_t *part, size_t n)
{
    for (size_t i = 0; i < n; i++)
        sum[i] += part[i];
}

static void add_campaign(sim_campaign *sum, const sim_campaign *part)
{
    sum->shown += part->shown;
    sum->taken += part->taken;
    sum->reached += part->reached;
    sum->capped += part->capped;
    sum->revenue += part->revenue;
}

void sim_tally_add(sim_tally *sum, const sim_tally *part)
{
    sum->visitors += part->visitors;
    sum->visits += part->visits;
    sum->nothing += part->nothing;
    sum->nobody += part->nobody;
    sum->nobody_unprofiled += part->nobody_unprofiled;
    sum->shown += part->shown;
    sum->taken += part->taken;
    sum->dismissed += part->dismissed;
    sum->explored += part->explored;
    sum->notices += part->notices;
    sum->capped += part->capped;
    sum->revenue += part->revenue;
    add(sum->frequency, part->frequency, SIM_FREQUENCIES);
    add(sum->excluded, part->excluded, SOTTO_EXCLUSION_COUNT);
    add(sum->because, part->because, SOTTO_EXCLUSION_COUNT);
    add(sum->segment_visitors, part->segment_visitors, SIM_SEGMENTS);
    add(sum->segment_nobody, part->segment_nobody, SIM_SEGMENTS);
    add(sum->day_shown, part->day_shown, SIM_DAYS_MAX);
    add(sum->day_taken, part->day_taken, SIM_DAYS_MAX);
    for (size_t i = 0; i < SOTTO_CAMPAIGNS_MAX; i++)
        add_campaign(&sum->campaign[i], &part->campaign[i]);
}
