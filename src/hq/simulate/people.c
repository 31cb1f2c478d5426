/* Customers as a terminal holds them: profiles, packed. Generated ones go through the same rows of a table as
 * a bank's own do. */
#include "simulate/simulate.h"

#include <stdlib.h>

enum { VISITS_OF_30 = 4 }; /* of somebody of whom no visits are known */
static const size_t TEXT_MAX = (size_t)1 << 30;

typedef struct reading {
    const sim_input *in;
    const sim_options *o;
    sim_people *people;
    sotto_csv *csv;
    sotto_import_plan plan;
    sotto_profile profile;
    void *memory;
} reading;

static sotto_status write_rows(const sim_options *o, int64_t seed, sim_people *people, sotto_vec *text,
                               sotto_diag *diag)
{
    people->person = eval_array((size_t)o->customers, sizeof *people->person, diag);
    if (people->person == NULL)
        return diag->status;
    sotto_status status = sotto_vec_printf(text, "customer,%s\n", POP_PERSON_HEADER);
    for (size_t i = 0; i < (size_t)o->customers && status == SOTTO_OK; i++) {
        people->person[i] = pop_person_of(seed, i, o->first_day);
        status = sotto_vec_printf(text, "%llu,", (unsigned long long)pop_customer_number(i));
        if (status == SOTTO_OK)
            status = pop_person_write(&people->person[i], text);
        if (status == SOTTO_OK)
            status = sotto_vec_put(text, "\n", 1);
    }
    return status == SOTTO_OK ? status : sotto_diag_set(diag, status, "no memory for so many customers");
}

static size_t count_rows(sotto_span text)
{
    size_t rows = 1;
    for (size_t i = 0; i < text.len; i++)
        rows += text.ptr[i] == '\n';
    return rows;
}

static sotto_status take_memory(sim_people *p, size_t rows, sotto_diag *diag)
{
    sotto_vec_init(&p->packed, (size_t)4 << 30);
    p->at = eval_array(rows + 1, sizeof *p->at, diag);
    p->visit_ppm = eval_array(rows, sizeof *p->visit_ppm, diag);
    p->segment = eval_array(rows, sizeof *p->segment, diag);
    return p->at == NULL || p->visit_ppm == NULL || p->segment == NULL ? SOTTO_ERR(HQ, NO_MEMORY) : SOTTO_OK;
}

/* A simulation serves all purposes that the tag is for. */
static bool read_tag(const reading *r, int tag, sotto_tag_value *value)
{
    return tag >= 0 && sotto_profile_read(&r->profile, (size_t)tag,
                                          sotto_dictionary_at(r->in->in.dictionary, (size_t)tag)->purposes,
                                          r->o->first_day, value);
}

static uint32_t visits_of(const reading *r)
{
    sotto_tag_value value;
    int64_t days = read_tag(r, r->in->visits_tag, &value) ? value.num : VISITS_OF_30;
    return (uint32_t)(days * POP_MILLION / 30);
}

static uint16_t segment_of(const reading *r)
{
    sotto_tag_value value;
    return read_tag(r, r->in->segment_tag, &value) ? (uint16_t)value.num : SIM_SEGMENTS - 1;
}

static sotto_status take_row(reading *r, sotto_diag *diag)
{
    uint8_t memory[SOTTO_PROFILE_MAX];
    sotto_buf packed = sotto_buf_of(memory, sizeof memory);
    sim_people *p = r->people;
    sotto_profile_clear(&r->profile);
    sotto_status status = sotto_import_row(&r->plan, r->csv, r->o->first_day, &r->profile, diag);
    if (status == SOTTO_OK)
        status = sotto_profile_pack(&r->profile, &packed);
    if (status == SOTTO_OK)
        status = sotto_vec_put(&p->packed, packed.ptr, packed.len);
    if (status != SOTTO_OK)
        return diag->status != SOTTO_OK ? status : sotto_diag_set(diag, status, "a profile finds no room");
    p->visit_ppm[p->count] = visits_of(r);
    p->segment[p->count] = segment_of(r);
    p->at[++p->count] = p->packed.len;
    return SOTTO_OK;
}

static sotto_status open_rows(reading *r, sotto_span text, const char *name, sotto_diag *diag)
{
    const sotto_dictionary *d = r->in->in.dictionary;
    size_t size = (sotto_dictionary_count(d) + 1) * sizeof(sotto_tag_value) + 64;
    sotto_arena arena;
    r->csv = malloc(sizeof *r->csv);
    r->memory = malloc(size);
    if (r->csv == NULL || r->memory == NULL)
        return hq_no_memory(diag);
    sotto_arena_init(&arena, r->memory, size);
    sotto_status status = sotto_profile_init(&r->profile, d, &arena);
    if (status == SOTTO_OK)
        status = sotto_csv_open(r->csv, text, name, 0, diag);
    return status == SOTTO_OK ? sotto_import_plan_make(&r->plan, r->csv, d, "customer", NULL, 0, diag)
                              : status;
}

static sotto_status read_rows(reading *r, sotto_span text, const char *name, sotto_diag *diag)
{
    bool more = true;
    sotto_status status = take_memory(r->people, count_rows(text), diag);
    if (status == SOTTO_OK)
        status = open_rows(r, text, name, diag);
    while (status == SOTTO_OK) {
        status = sotto_csv_next(r->csv, &more, diag);
        if (status != SOTTO_OK || !more)
            break;
        status = take_row(r, diag);
    }
    if (status == SOTTO_OK && r->people->count == 0)
        status = sotto_diag_at(diag, SOTTO_ERR(HQ, MALFORMED), name, 0, "there are no customers");
    return status;
}

sotto_status sim_people_make(sim_people *out, const sim_input *in, const sim_options *o, int64_t seed,
                             sotto_diag *diag)
{
    reading r = {.in = in, .o = o, .people = out};
    sotto_vec text;
    sotto_vec_init(&text, TEXT_MAX);
    *out = (sim_people){.count = 0};
    sotto_status status = o->customers > 0 ? write_rows(o, seed, out, &text, diag)
                                           : learn_read_file(o->population, &text, diag);
    if (status == SOTTO_OK)
        status = read_rows(&r, sotto_vec_span(&text),
                           o->customers > 0 ? "the generated customers" : o->population, diag);
    sotto_vec_free(&text);
    free(r.csv);
    free(r.memory);
    return status;
}

void sim_people_free(sim_people *people)
{
    free(people->person);
    free(people->at);
    free(people->visit_ppm);
    free(people->segment);
    sotto_vec_free(&people->packed);
    *people = (sim_people){.count = 0};
}
