/* The same day for any table with a label: its rows are the customers, the label is the truth. */
#include "learn/learn.h" /* learn_column_id: a column is called here as describe calls it */
#include "population/population.h"

#include <stdlib.h>
#include <string.h>

enum { ARENA_BYTES = 64 << 20, CAMPAIGN_STEP_PPM = 200000 };
static const size_t FILE_MAX = (size_t)1 << 30;

typedef struct table {
    const pop_options *o;
    sotto_vec text;
    sotto_csv csv;
    void *memory;
    sotto_arena arena;
    sotto_dictionary *d;
    int tag_of_column[SOTTO_CSV_FIELDS_MAX]; /* -1: not a tag */
    size_t label, rows, tags;
    int age_column; /* -1: none */
    char positive[65];
    uint8_t *chosen;    /* rows: is a customer */
    uint64_t *customer; /* customers: 1 when the label is positive */
    uint64_t customers;
    sotto_diag *diag;
} table;

static void table_close(table *t)
{
    sotto_vec_free(&t->text);
    free(t->memory);
    free(t->chosen);
    free(t->customer);
    free(t);
}

static sotto_status no_memory(const table *t)
{
    return hq_no_memory(t->diag);
}

static sotto_status read_dictionary(table *t)
{
    sotto_vec text;
    t->memory = malloc(ARENA_BYTES);
    if (t->memory == NULL)
        return no_memory(t);
    sotto_arena_init(&t->arena, t->memory, ARENA_BYTES);
    sotto_status status = pop_read(t->o->dictionary, &text, t->diag);
    if (status == SOTTO_OK)
        status = sotto_dictionary_load(&t->d, sotto_vec_span(&text), t->o->dictionary, &t->arena, t->diag);
    sotto_vec_free(&text);
    return status;
}

static bool is_dropped(const table *t, sotto_span name, const char *id)
{
    for (size_t i = 0; i < t->o->drop.count; i++)
        if (sotto_span_is(name, t->o->drop.item[i]) || strcmp(id, t->o->drop.item[i]) == 0)
            return true;
    return false;
}

static void bind_column(table *t, size_t column)
{
    char id[65];
    sotto_span name = t->csv.field[column];
    learn_column_id(name, id);
    t->tag_of_column[column] = -1;
    if (sotto_span_is(name, t->o->label))
        t->label = column;
    else if (!is_dropped(t, name, id))
        t->tag_of_column[column] = sotto_dictionary_find(t->d, sotto_span_str(id));
    if (t->tag_of_column[column] < 0)
        return;
    t->tags++;
    if (strcmp(id, "age") == 0)
        t->age_column = (int)column;
}

static sotto_status open_table(table *t)
{
    sotto_status status = sotto_csv_open(&t->csv, sotto_vec_span(&t->text), t->o->from, 0, t->diag);
    if (status != SOTTO_OK)
        return status;
    t->label = SIZE_MAX;
    t->age_column = -1;
    t->tags = 0;
    for (size_t i = 0; i < t->csv.columns; i++)
        bind_column(t, i);
    if (t->label == SIZE_MAX)
        return sotto_diag_at(t->diag, SOTTO_ERR(HQ, NOT_FOUND), t->o->from, 1, "the table has no column '%s'",
                             t->o->label);
    if (t->tags == 0)
        return sotto_diag_at(t->diag, SOTTO_ERR(HQ, NOT_FOUND), t->o->from, 1,
                             "no column is a tag of %s: was it made from this table?", t->o->dictionary);
    return SOTTO_OK;
}

/* ---- What a positive label is called ---- */

/* yes, 1, true, y, in any case, unless --positive says it. */
static bool is_yes(sotto_span label)
{
    static const char *const WORDS[] = {"yes", "1", "true", "y"};
    for (size_t i = 0; i < SOTTO_COUNT(WORDS); i++)
        if (label.len == strlen(WORDS[i]) && strncasecmp((const char *)label.ptr, WORDS[i], label.len) == 0)
            return true;
    return false;
}

static bool is_positive(const table *t, sotto_span label)
{
    return t->o->positive != NULL ? sotto_span_is(label, t->o->positive) : is_yes(label);
}

/* ---- contacts.csv: every row ---- */

static sotto_status put_columns(const table *t, sotto_vec *out, bool header, bool *first)
{
    sotto_status status = SOTTO_OK;
    for (size_t i = 0; status == SOTTO_OK && i < t->csv.columns; i++) {
        if (t->tag_of_column[i] < 0)
            continue;
        if (!*first)
            status = pop_put(out, ",");
        *first = false;
        if (status == SOTTO_OK)
            status = header ? pop_put(out, sotto_dictionary_at(t->d, (size_t)t->tag_of_column[i])->id)
                            : pop_put_field(out, t->csv.field[i]);
    }
    return status;
}

static sotto_status put_contact(const table *t, sotto_vec *out, bool header)
{
    bool first = true;
    sotto_status status = put_columns(t, out, header, &first);
    if (status == SOTTO_OK)
        status = pop_put(out, ",");
    if (status == SOTTO_OK)
        status = pop_put_field(out, t->csv.field[t->label]);
    return status == SOTTO_OK ? pop_put(out, "\n") : status;
}

static sotto_status write_contacts(table *t, pop_summary *summary)
{
    sotto_vec out;
    sotto_vec_init(&out, FILE_MAX);
    bool more = true;
    sotto_status status = put_contact(t, &out, true);
    while (status == SOTTO_OK) {
        status = sotto_csv_next(&t->csv, &more, t->diag);
        if (status != SOTTO_OK || !more)
            break;
        t->rows++;
        summary->taken += is_positive(t, t->csv.field[t->label]);
        status = put_contact(t, &out, false);
        pop_progress("rows", t->csv.at, t->text.len);
    }
    summary->contacts = t->rows;
    if (status == SOTTO_OK && (summary->taken == 0 || summary->taken == t->rows))
        status =
            sotto_diag_at(t->diag, SOTTO_ERR(HQ, MALFORMED), t->o->from, 0,
                          "of %zu rows %llu have a positive '%s': say which value that is with --positive",
                          t->rows, (unsigned long long)summary->taken, t->o->label);
    if (status == SOTTO_OK)
        return pop_write(t->o->out, "contacts.csv", &out, t->diag);
    sotto_vec_free(&out);
    return status;
}

/* ---- customers.csv: a sample of the rows ---- */

/* Selection sampling (Knuth, The Art of Computer Programming, volume 2, algorithm S): exactly so many, in
 * order. */
static sotto_status choose_rows(table *t)
{
    pop_random r = pop_random_of(t->o->seed, POP_SAMPLE, 0);
    uint64_t wanted = (uint64_t)t->o->customers < t->rows ? (uint64_t)t->o->customers : t->rows;
    t->customers = wanted;
    t->chosen = calloc(t->rows + 1, 1);
    t->customer = calloc((size_t)wanted + 1, sizeof *t->customer);
    if (t->chosen == NULL || t->customer == NULL)
        return no_memory(t);
    for (size_t row = 0; row < t->rows && wanted > 0; row++) {
        t->chosen[row] = pop_below(&r, (uint32_t)(t->rows - row)) < wanted;
        wanted -= t->chosen[row];
    }
    return SOTTO_OK;
}

static const char *segment_of(const table *t)
{
    int64_t age = 0;
    if (t->age_column < 0)
        return "all";
    sotto_span text = t->csv.field[t->age_column];
    sotto_status status = sotto_fixed_parse_decimal(text, 6, &age);
    return status == SOTTO_OK ? pop_segment_of_age(age / 1000000) : "";
}

static sotto_status put_customer(table *t, uint64_t index, sotto_vec *out, pop_summary *summary)
{
    static const uint32_t GRADES[] = {10, 18, 27, 22, 15, 8};
    static const char *const GRADE[] = {"", "1", "2", "3", "4", "5"};
    pop_random r = pop_random_of(t->o->seed, POP_ROW, index);
    bool profiling = pop_chance(&r, 860000), measurement = pop_chance(&r, 920000), first = false;
    size_t grade = pop_pick(&r, GRADES, SOTTO_COUNT(GRADES));
    summary->unprofiled += !profiling;
    summary->uncounted += !measurement;
    t->customer[index] = is_positive(t, t->csv.field[t->label]);
    sotto_status status = sotto_vec_printf(out, "%llu", (unsigned long long)pop_customer_number(index));
    if (status == SOTTO_OK)
        status = put_columns(t, out, false, &first);
    return status == SOTTO_OK
               ? sotto_vec_printf(out, ",%s,%s,%d,%d\n", segment_of(t), GRADE[grade], profiling, measurement)
               : status;
}

static sotto_status put_customers(table *t, sotto_vec *out, pop_summary *summary)
{
    bool first = false, more = true;
    uint64_t index = 0;
    sotto_status status = pop_put(out, "customer");
    if (status == SOTTO_OK)
        status = put_columns(t, out, true, &first);
    if (status == SOTTO_OK)
        status = pop_put(out, ",age_segment,risk_grade,consent_profiling,consent_measurement\n");
    for (size_t row = 0; status == SOTTO_OK && row < t->rows; row++) {
        status = sotto_csv_next(&t->csv, &more, t->diag);
        if (status == SOTTO_OK && t->chosen[row])
            status = put_customer(t, index++, out, summary);
    }
    return status;
}

static sotto_status write_customers(table *t, pop_summary *summary)
{
    sotto_vec out;
    sotto_vec_init(&out, FILE_MAX);
    sotto_status status = choose_rows(t);
    if (status == SOTTO_OK)
        status = open_table(t); /* from its start again */
    if (status == SOTTO_OK)
        status = put_customers(t, &out, summary);
    summary->customers = t->customers;
    summary->columns = t->tags + 4;
    if (status == SOTTO_OK)
        return pop_write(t->o->out, "customers.csv", &out, t->diag);
    sotto_vec_free(&out);
    return status;
}

/* ---- arrivals.csv ---- */

/* Who said yes in the table takes the first offer three times in ten, the others once in forty; each further
 * campaign a little less. */
static int64_t truth_ppm(bool positive, size_t campaign)
{
    int64_t ppm = positive ? 300000 : 25000;
    for (size_t i = 0; i < campaign && i < 8; i++)
        ppm -= ppm * CAMPAIGN_STEP_PPM / POP_MILLION;
    return ppm;
}

static sotto_status put_arrival(const table *t, const pop_offers *offers, const pop_arrival *a,
                                sotto_vec *out)
{
    uint64_t number = a->unknown ? UINT64_C(9900000000) + a->minute : pop_customer_number(a->person);
    sotto_status status = sotto_vec_printf(out, "%u,%llu", a->minute, (unsigned long long)number);
    for (size_t i = 0; status == SOTTO_OK && i < offers->count; i++)
        status = sotto_vec_printf(out, ",%lld",
                                  (long long)truth_ppm(!a->unknown && t->customer[a->person] != 0, i));
    return status == SOTTO_OK ? pop_put(out, "\n") : status;
}

static sotto_status write_arrivals(const table *t, const pop_offers *offers, pop_summary *summary)
{
    pop_arrival *day;
    sotto_vec out;
    sotto_vec_init(&out, FILE_MAX);
    sotto_status status = pop_day_make(t->o, t->customers, &day, summary, t->diag);
    if (status == SOTTO_OK)
        status = pop_arrivals_header(offers, &out);
    for (size_t i = 0; status == SOTTO_OK && i < summary->arrivals; i++)
        status = put_arrival(t, offers, &day[i], &out);
    free(day);
    if (status == SOTTO_OK)
        return pop_write(t->o->out, "arrivals.csv", &out, t->diag);
    sotto_vec_free(&out);
    return status;
}

static sotto_status write_dictionary(const table *t)
{
    sotto_vec out;
    sotto_vec_init(&out, FILE_MAX);
    sotto_status status = pop_dictionary_write(t->d, t->o->dictionary, &out, t->diag);
    if (status == SOTTO_OK)
        return pop_write(t->o->out, "dictionary.json", &out, t->diag);
    sotto_vec_free(&out);
    return status;
}

static sotto_status run(table *t, const pop_offers *offers, pop_summary *summary)
{
    sotto_status status = read_dictionary(t);
    if (status == SOTTO_OK)
        status = pop_read(t->o->from, &t->text, t->diag);
    if (status == SOTTO_OK)
        status = open_table(t);
    if (status == SOTTO_OK)
        status = write_dictionary(t);
    if (status == SOTTO_OK)
        status = write_contacts(t, summary);
    if (status == SOTTO_OK)
        status = write_customers(t, summary);
    return status == SOTTO_OK ? write_arrivals(t, offers, summary) : status;
}

sotto_status pop_table(const pop_options *o, pop_summary *summary, sotto_diag *diag)
{
    pop_offers offers;
    table *t = calloc(1, sizeof *t);
    if (t == NULL)
        return hq_no_memory(diag);
    t->o = o;
    t->diag = diag;
    sotto_vec_init(&t->text, FILE_MAX);
    sotto_status status = pop_offers_read(o->examples, &offers, diag);
    if (status == SOTTO_OK)
        status = run(t, &offers, summary);
    pop_offers_free(&offers);
    table_close(t);
    if (status != SOTTO_OK && diag->status == SOTTO_OK)
        (void)sotto_diag_set(diag, status, "%s", sotto_status_cause_text(status));
    return status;
}
