/* What the files of the population share. Everything is integers, so that a seed gives the same bytes on
 * every machine; probabilities are in parts per million, logits in thousandths, money in the smallest unit.
 */
#ifndef SOTTO_HQ_POPULATION_POPULATION_H
#define SOTTO_HQ_POPULATION_POPULATION_H

#include "office/args.h"

#include "sotto/decide.h"

#define POP_MILLION 1000000

typedef struct pop_options {
    const char *examples, *out, *from, *label, *positive, *dictionary, *today;
    int64_t customers, seed, days, arrivals;
    hq_list drop;
    bool json;
    int32_t today_day;
} pop_options;
typedef struct pop_summary {
    uint64_t customers, unprofiled, uncounted; /* without the one consent, without the other */
    uint64_t contacts, taken;
    uint64_t arrivals, arriving, unknown; /* cards in, different customers, numbers that are no customer's */
    size_t columns;                       /* tags a customer */
} pop_summary;

/* ---- random: PCG32 (O'Neill 2014), one stream a purpose and index ---- */

enum pop_stream { POP_PERSON = 1, POP_CONTACT, POP_DAY, POP_ROW, POP_SAMPLE };
typedef struct pop_random {
    uint64_t state, increment; /* odd */
} pop_random;
/* The same three numbers give the same stream, whatever else was drawn. */
pop_random pop_random_of(int64_t seed, enum pop_stream stream, uint64_t index);
uint32_t pop_next(pop_random *r);
uint32_t pop_below(pop_random *r, uint32_t n); /* 0 .. n-1, without bias; n >= 1 */
int64_t pop_between(pop_random *r, int64_t low, int64_t high);
bool pop_chance(pop_random *r, int64_t ppm);
/* Bell-shaped around 0 with standard deviation `spread` (sum of 12 uniforms), never beyond 6 of them. */
int32_t pop_bell(pop_random *r, int32_t spread);
/* median x e^(z / 1000), rounded; |z| beyond 8000 is taken as 8000. */
int64_t pop_scale(int64_t median, int32_t z_milli);
/* Index drawn by weights that sum to less than 2^32. */
size_t pop_pick(pop_random *r, const uint32_t *weights, size_t n);

/* ---- person ---- */

enum pop_occupation { POP_STUDENT, POP_EMPLOYEE, POP_PUBLIC, POP_SELF, POP_HOME, POP_RETIRED };
enum pop_household { POP_SINGLE, POP_COUPLE, POP_FAMILY, POP_SHARED };
enum pop_interest { POP_SAVING, POP_INVESTING, POP_TRAVEL, POP_HOUSE, POP_CHILDREN, POP_NO_INTEREST };
enum pop_holding {
    POP_HAS_SAVINGS,
    POP_HAS_TERM,
    POP_HAS_FUND,
    POP_HAS_CARD,
    POP_HAS_LOAN,
    POP_HAS_HOME_INSURANCE,
    POP_HAS_TRAVEL_INSURANCE,
    POP_HOLDINGS
};
typedef struct pop_person {
    int age, household, children, occupation, education, region, language;
    int32_t since_day;
    bool home_owner, salary_in, income_known;
    int64_t income, balance, average_90, change_30, savings, loan_left; /* smallest unit */
    int overdraft_days, payments, withdrawals, online, standing_orders, visits;
    int64_t travel, home, leisure;
    bool has[POP_HOLDINGS];
    int interest, risk_grade; /* risk_grade 0 = never asked */
    bool consent_profiling, consent_measurement;
    int32_t mood[8]; /* hidden: what no tag tells, one a product, thousandths of a logit */
} pop_person;
pop_person pop_person_of(int64_t seed, uint64_t index, int32_t today);
/* The same person as things stood on another day: money and habits differ a little. */
void pop_person_drift(pop_person *p, pop_random *r);
uint64_t pop_customer_number(uint64_t index); /* ten digits, different for each index below 10^8 */
const char *pop_segment_of_age(int64_t age);
/* Comma-separated ids of the tags of a person, and their values. */
extern const char POP_PERSON_HEADER[];
SOTTO_MUST_USE sotto_status pop_person_write(const pop_person *p, sotto_vec *out);

/* ---- taste: the hidden truth ---- */

/* Which product of the generated bank an id names; POP_NO_PRODUCT for any other. */
enum pop_product {
    POP_SAVER,
    POP_TERM,
    POP_FUND_MIXED,
    POP_FUND_WORLD,
    POP_CARD,
    POP_LOAN,
    POP_COVER_HOME,
    POP_COVER_TRAVEL,
    POP_NO_PRODUCT
};
enum pop_product pop_product_find(sotto_span id);
void pop_hold(pop_person *p, enum pop_product product); /* has it from now on */
bool pop_holds(const pop_person *p, enum pop_product product);
/* Probability, in ppm, that the person takes the product when it is shown at that hour. */
int64_t pop_taste_ppm(const pop_person *p, enum pop_product product, int hour);

/* ---- day: who comes to the terminal ---- */

typedef struct pop_arrival {
    uint32_t minute;
    uint64_t person; /* index; meaningless when unknown */
    bool unknown;    /* a number that is no customer's */
} pop_arrival;
/* Sorted by minute; heap, freed by the caller. A few customers come back again and again, a few are unknown.
 */
SOTTO_MUST_USE sotto_status pop_day_make(const pop_options *o, uint64_t customers, pop_arrival **out,
                                         pop_summary *summary, sotto_diag *diag);

/* ---- file ---- */

SOTTO_MUST_USE sotto_status pop_read(const char *path, sotto_vec *out, sotto_diag *diag);
/* out folder "/" name; vec is freed in any case. */
SOTTO_MUST_USE sotto_status pop_write(const char *folder, const char *name, sotto_vec *vec, sotto_diag *diag);
/* A field, quoted where RFC 4180 wants it. */
SOTTO_MUST_USE sotto_status pop_put_field(sotto_vec *out, sotto_span field);
SOTTO_MUST_USE sotto_status pop_put(sotto_vec *out, const char *text);
void pop_progress(const char *what, uint64_t done, uint64_t total);

/* What a policy and its catalogue say that matters here. */
typedef struct pop_campaign {
    char id[65], product[65];
} pop_campaign;
typedef struct pop_offers {
    sotto_json *catalogue, *policy;
    pop_campaign campaign[SOTTO_CAMPAIGNS_MAX];
    size_t count;
} pop_offers;
SOTTO_MUST_USE sotto_status pop_offers_read(const char *examples, pop_offers *out, sotto_diag *diag);
void pop_offers_free(pop_offers *offers);
/* "minute,customer,<campaign>,..." */
SOTTO_MUST_USE sotto_status pop_arrivals_header(const pop_offers *offers, sotto_vec *out);

/* ---- the two kinds of population ---- */

SOTTO_MUST_USE sotto_status pop_bank(const pop_options *o, pop_summary *summary, sotto_diag *diag);
SOTTO_MUST_USE sotto_status pop_table(const pop_options *o, pop_summary *summary, sotto_diag *diag);
/* The dictionary of a table's columns and the tags that every policy needs, as JSON. CONFLICT when a column
 * has the name of such a tag. */
SOTTO_MUST_USE sotto_status pop_dictionary_write(const sotto_dictionary *d, const char *name, sotto_vec *out,
                                                 sotto_diag *diag);

#endif
