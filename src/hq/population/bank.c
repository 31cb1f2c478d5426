/* The generated bank: customers, two years of contacts, a day. */
#include "office/day.h"
#include "population/population.h"

#include <stdlib.h>
#include <string.h>

enum { CONTACTS_A_CUSTOMER = 6, CONTACTS_MIN = 30000, HISTORY_DAYS = 720, ATTRIBUTES_MAX = 64 };
static const size_t FILE_MAX = (size_t)1 << 30;

/* Products of the catalogue and the union of their attributes, in order of appearance. */
typedef struct shelf {
    sotto_json_node products;
    sotto_span attribute[ATTRIBUTES_MAX];
    size_t attribute_count;
} shelf;

static void note_attribute(shelf *s, sotto_span name)
{
    for (size_t i = 0; i < s->attribute_count; i++)
        if (sotto_span_equal(s->attribute[i], name))
            return;
    if (s->attribute_count < ATTRIBUTES_MAX)
        s->attribute[s->attribute_count++] = name;
}

static sotto_status shelf_read(const pop_offers *offers, shelf *out, sotto_diag *diag)
{
    *out = (shelf){.products = sotto_json_member(sotto_json_root(offers->catalogue), "products")};
    sotto_status status = sotto_json_as_array(out->products, 1, SOTTO_PRODUCTS_MAX, diag);
    for (size_t i = 0; status == SOTTO_OK && i < sotto_json_count(out->products); i++) {
        sotto_json_node attributes = sotto_json_member(sotto_json_at(out->products, i), "attributes");
        for (size_t k = 0; k < sotto_json_count(attributes); k++) {
            sotto_span name;
            (void)sotto_json_member_at(attributes, k, &name);
            note_attribute(out, name);
        }
    }
    return status;
}

/* ---- customers.csv ---- */

static sotto_status put_customer(const pop_options *o, uint64_t index, sotto_vec *out, pop_summary *summary)
{
    pop_person p = pop_person_of(o->seed, index, o->today_day);
    summary->unprofiled += !p.consent_profiling;
    summary->uncounted += !p.consent_measurement;
    sotto_status status = sotto_vec_printf(out, "%llu,", (unsigned long long)pop_customer_number(index));
    if (status == SOTTO_OK)
        status = pop_person_write(&p, out);
    return status == SOTTO_OK ? pop_put(out, "\n") : status;
}

static sotto_status write_customers(const pop_options *o, pop_summary *summary, sotto_diag *diag)
{
    sotto_vec out;
    sotto_vec_init(&out, FILE_MAX);
    sotto_status status = sotto_vec_printf(&out, "customer,%s\n", POP_PERSON_HEADER);
    for (int64_t i = 0; status == SOTTO_OK && i < o->customers; i++) {
        status = put_customer(o, (uint64_t)i, &out, summary);
        pop_progress("customers", (uint64_t)i + 1, (uint64_t)o->customers);
    }
    summary->customers = (uint64_t)o->customers;
    for (const char *c = POP_PERSON_HEADER; *c != '\0'; c++)
        summary->columns += *c == ',';
    summary->columns++;
    if (status == SOTTO_OK)
        return pop_write(o->out, "customers.csv", &out, diag);
    sotto_vec_free(&out);
    return sotto_diag_set(diag, status, "customers.csv would be too large");
}

/* ---- contacts.csv ---- */

typedef struct contact {
    pop_person person;
    sotto_json_node product;
    sotto_span product_id;
    int hour;
    bool taken;
} contact;

/* Somebody who does not hold the product that is offered. */
static sotto_status draw_contact(const pop_options *o, const shelf *s, pop_random *r, contact *c,
                                 sotto_diag *diag)
{
    enum pop_product product;
    do {
        c->product = sotto_json_at(s->products, pop_below(r, (uint32_t)sotto_json_count(s->products)));
        sotto_status status = sotto_json_get_str(c->product, "id", &c->product_id, diag);
        if (status != SOTTO_OK)
            return status;
        product = pop_product_find(c->product_id);
        c->person = pop_person_of(o->seed, pop_below(r, (uint32_t)o->customers), o->today_day);
    } while (pop_holds(&c->person, product));
    pop_person_drift(&c->person, r);
    c->hour = (int)pop_between(r, 8, 18);
    c->taken = pop_chance(r, pop_taste_ppm(&c->person, product, c->hour));
    return SOTTO_OK;
}

static sotto_status put_attributes(const shelf *s, const contact *c, sotto_vec *out)
{
    sotto_json_node attributes = sotto_json_member(c->product, "attributes");
    sotto_status status = SOTTO_OK;
    for (size_t i = 0; status == SOTTO_OK && i < s->attribute_count; i++) {
        char name[65];
        sotto_span text = {0};
        if (sotto_span_to_str(s->attribute[i], name, sizeof name) == SOTTO_OK &&
            sotto_json_as_number_text(sotto_json_member(attributes, name), &text, NULL) != SOTTO_OK)
            text = (sotto_span){0}; /* a product without it: missing */
        status = pop_put(out, ",");
        if (status == SOTTO_OK)
            status = sotto_vec_put(out, text.ptr, text.len);
    }
    return status;
}

static sotto_status put_contact(const shelf *s, const contact *c, int32_t day, sotto_vec *out)
{
    char date[11];
    hq_day_format(day, date);
    sotto_status status = sotto_vec_printf(out, "%s,%d,", date, c->hour);
    if (status == SOTTO_OK)
        status = pop_person_write(&c->person, out);
    if (status == SOTTO_OK)
        status = pop_put(out, ",");
    if (status == SOTTO_OK)
        status = pop_put_field(out, c->product_id);
    if (status == SOTTO_OK)
        status = put_attributes(s, c, out);
    return status == SOTTO_OK ? pop_put(out, c->taken ? ",1\n" : ",0\n") : status;
}

static sotto_status put_contacts_header(const shelf *s, sotto_vec *out)
{
    sotto_status status = sotto_vec_printf(out, "date,hour,%s,product", POP_PERSON_HEADER);
    for (size_t i = 0; status == SOTTO_OK && i < s->attribute_count; i++) {
        status = pop_put(out, ",");
        if (status == SOTTO_OK)
            status = pop_put_field(out, s->attribute[i]);
    }
    return status == SOTTO_OK ? pop_put(out, ",taken\n") : status;
}

static sotto_status put_contacts(const pop_options *o, const shelf *s, sotto_vec *out, pop_summary *summary,
                                 sotto_diag *diag)
{
    uint64_t n = (uint64_t)o->customers * CONTACTS_A_CUSTOMER;
    if (n < CONTACTS_MIN)
        n = CONTACTS_MIN;
    sotto_status status = put_contacts_header(s, out);
    for (uint64_t i = 0; status == SOTTO_OK && i < n; i++) {
        pop_random r = pop_random_of(o->seed, POP_CONTACT, i);
        contact c;
        status = draw_contact(o, s, &r, &c, diag);
        if (status == SOTTO_OK)
            status = put_contact(s, &c, o->today_day - HISTORY_DAYS + (int32_t)(i * HISTORY_DAYS / n), out);
        summary->taken += status == SOTTO_OK && c.taken;
        pop_progress("contacts", i + 1, n);
    }
    summary->contacts = n;
    return status;
}

static sotto_status write_contacts(const pop_options *o, const pop_offers *offers, pop_summary *summary,
                                   sotto_diag *diag)
{
    shelf s;
    sotto_vec out;
    sotto_vec_init(&out, FILE_MAX);
    sotto_status status = shelf_read(offers, &s, diag);
    if (status == SOTTO_OK)
        status = put_contacts(o, &s, &out, summary, diag);
    if (status == SOTTO_OK)
        return pop_write(o->out, "contacts.csv", &out, diag);
    sotto_vec_free(&out);
    return diag->status != SOTTO_OK ? status
                                    : sotto_diag_set(diag, status, "contacts.csv would be too large");
}

/* ---- arrivals.csv ---- */

/* An unknown number: the truth is that of somebody of whom nothing is known. */
static uint64_t number_of(const pop_arrival *a)
{
    return a->unknown ? UINT64_C(9900000000) + a->minute : pop_customer_number(a->person);
}

static sotto_status put_arrival(const pop_options *o, const pop_offers *offers, const pop_arrival *a,
                                sotto_vec *out)
{
    pop_person p = pop_person_of(o->seed, a->person, o->today_day);
    int hour = (int)(a->minute % 1440 / 60);
    sotto_status status = sotto_vec_printf(out, "%u,%llu", a->minute, (unsigned long long)number_of(a));
    for (size_t i = 0; status == SOTTO_OK && i < offers->count; i++) {
        int64_t ppm = pop_taste_ppm(&p, pop_product_find(sotto_span_str(offers->campaign[i].product)), hour);
        status = sotto_vec_printf(out, ",%lld", (long long)ppm);
    }
    return status == SOTTO_OK ? pop_put(out, "\n") : status;
}

static sotto_status write_arrivals(const pop_options *o, const pop_offers *offers, pop_summary *summary,
                                   sotto_diag *diag)
{
    pop_arrival *day;
    sotto_vec out;
    sotto_vec_init(&out, FILE_MAX);
    sotto_status status = pop_day_make(o, (uint64_t)o->customers, &day, summary, diag);
    if (status == SOTTO_OK)
        status = pop_arrivals_header(offers, &out);
    for (size_t i = 0; status == SOTTO_OK && i < summary->arrivals; i++)
        status = put_arrival(o, offers, &day[i], &out);
    free(day);
    if (status == SOTTO_OK)
        return pop_write(o->out, "arrivals.csv", &out, diag);
    sotto_vec_free(&out);
    return diag->status != SOTTO_OK ? status
                                    : sotto_diag_set(diag, status, "arrivals.csv would be too large");
}

sotto_status pop_bank(const pop_options *o, pop_summary *summary, sotto_diag *diag)
{
    pop_offers offers;
    sotto_status status = pop_offers_read(o->examples, &offers, diag);
    if (status == SOTTO_OK)
        status = write_customers(o, summary, diag);
    if (status == SOTTO_OK)
        status = write_contacts(o, &offers, summary, diag);
    if (status == SOTTO_OK)
        status = write_arrivals(o, &offers, summary, diag);
    pop_offers_free(&offers);
    return status;
}
