/* One customer of the generated bank: docs/population.md says how likely what is. */
#include "office/day.h"
#include "population/population.h"

#define EURO INT64_C(100)

static int age_of(pop_random *r)
{
    static const uint32_t WEIGHTS[] = {9,  14, 18, 17,
                                       17, 14, 8,  3}; /* 16, 20, 30, 40, 50, 60, 70, 80 and more */
    static const int FROM[] = {16, 20, 30, 40, 50, 60, 70, 80, 95};
    size_t band = pop_pick(r, WEIGHTS, SOTTO_COUNT(WEIGHTS));
    return (int)pop_between(r, FROM[band], FROM[band + 1] - 1);
}

static int occupation_of(pop_random *r, int age)
{
    static const uint32_t YOUNG[] = {60, 25, 4, 3, 8, 0}, MIDDLE[] = {3, 58, 15, 13, 11, 0},
                          LATE[] = {0, 44, 13, 11, 9, 23}, OLD[] = {0, 2, 0, 3, 2, 93};
    const uint32_t *weights = age < 24 ? YOUNG : age < 55 ? MIDDLE : age < 66 ? LATE : OLD;
    return (int)pop_pick(r, weights, 6);
}

static void draw_life(pop_person *p, pop_random *r, int32_t today)
{
    static const uint32_t REGION[] = {18, 22, 17, 21, 22}, LANGUAGE[] = {62, 27, 11};
    static const uint32_t HOME_YOUNG[] = {35, 15, 5, 45}, HOME_MIDDLE[] = {22, 28, 43, 7},
                          HOME_OLD[] = {38, 53, 7, 2};
    static const uint32_t SCHOOL[] = {22, 36, 20, 22};
    p->age = age_of(r);
    p->occupation = occupation_of(r, p->age);
    p->household = (int)pop_pick(r, p->age < 27 ? HOME_YOUNG : p->age < 56 ? HOME_MIDDLE : HOME_OLD, 4);
    p->children = p->household == POP_FAMILY ? (int)pop_between(r, 1, 3) : 0;
    p->education = (int)pop_pick(r, SCHOOL, SOTTO_COUNT(SCHOOL));
    p->region = (int)pop_pick(r, REGION, SOTTO_COUNT(REGION));
    p->language = (int)pop_pick(r, LANGUAGE, SOTTO_COUNT(LANGUAGE));
    int64_t years = pop_below(r, (uint32_t)(p->age - 14 < 35 ? p->age - 14 : 35));
    p->since_day = today - (int32_t)(years * 365 + pop_between(r, 20, 384));
    p->home_owner = pop_chance(r, p->age < 18                  ? 0
                                  : p->age < 28                ? 60000
                                  : p->household == POP_FAMILY ? 560000
                                                               : 420000);
}

static void draw_money(pop_person *p, pop_random *r)
{
    static const int64_t INCOME[] = {650 * EURO,  2500 * EURO, 2800 * EURO,
                                     2900 * EURO, 700 * EURO,  1700 * EURO};
    int32_t means = pop_bell(r, 450) + (p->education - 1) * 120;
    p->income = pop_scale(INCOME[p->occupation], means);
    p->salary_in = pop_chance(r, p->occupation == POP_SELF || p->occupation == POP_HOME ? 250000 : 720000);
    p->income_known = p->salary_in || pop_chance(r, 350000);
    int32_t thrift = pop_bell(r, 700);
    p->balance = pop_scale(p->income, thrift + pop_bell(r, 500));
    if (pop_chance(r, thrift < -400 ? 420000 : 60000))
        p->balance = -pop_scale(p->income / 3, pop_bell(r, 500));
    p->average_90 = p->balance + pop_scale(p->income / 4, pop_bell(r, 500)) - p->income / 4;
    p->change_30 = pop_scale(p->income / 5, pop_bell(r, 600)) * (pop_chance(r, 540000) ? 1 : -1);
    p->savings = pop_scale(p->income * (p->age > 45 ? 5 : 2), thrift + pop_bell(r, 800));
    p->overdraft_days =
        p->balance < 0 ? (int)pop_between(r, 8, 70) : (int)pop_below(r, thrift < -200 ? 14 : 3);
}

static void draw_habits(pop_person *p, pop_random *r)
{
    int busy = p->age < 60 ? 30 : 14;
    p->payments = (int)pop_scale(busy, pop_bell(r, 500));
    p->withdrawals = (int)pop_scale(p->age < 40 ? 3 : 6, pop_bell(r, 600));
    p->online = (int)pop_scale(p->age < 50 ? 14 : 4, pop_bell(r, 800));
    p->standing_orders = (int)pop_scale(p->home_owner ? 7 : 4, pop_bell(r, 400));
    p->travel = pop_scale(p->income / 5, pop_bell(r, 1100));
    p->home = pop_scale(p->home_owner ? p->income / 4 : p->income / 9, pop_bell(r, 900));
    p->leisure = pop_scale(p->income / 6, pop_bell(r, 700));
    p->visits = (int)pop_scale(p->withdrawals + 1, pop_bell(r, 300));
    if (p->visits > 30)
        p->visits = 30;
}

static void draw_holdings(pop_person *p, pop_random *r)
{
    bool rich = p->savings > 15000 * EURO;
    p->has[POP_HAS_SAVINGS] = pop_chance(r, p->savings > 3000 * EURO ? 640000 : 280000);
    p->has[POP_HAS_TERM] = pop_chance(r, rich ? 260000 : 50000);
    p->has[POP_HAS_FUND] = pop_chance(r, rich ? 300000 : 50000);
    p->has[POP_HAS_CARD] = pop_chance(r, p->salary_in ? 420000 : 160000);
    p->has[POP_HAS_LOAN] = pop_chance(r, p->age > 22 && p->age < 62 ? 210000 : 40000);
    p->has[POP_HAS_HOME_INSURANCE] = pop_chance(r, p->home_owner ? 480000 : 130000);
    p->has[POP_HAS_TRAVEL_INSURANCE] = pop_chance(r, 140000);
    if (p->age < 18)
        p->has[POP_HAS_FUND] = p->has[POP_HAS_CARD] = p->has[POP_HAS_LOAN] = p->has[POP_HAS_HOME_INSURANCE] =
            false;
    p->loan_left = p->has[POP_HAS_LOAN] ? pop_scale(6000 * EURO, pop_bell(r, 700)) : 0;
}

/* What only the customer knows, and what the bank has asked. */
static void draw_mind(pop_person *p, pop_random *r)
{
    static const uint32_t INTEREST[] = {20, 12, 18, 14, 10, 26};
    for (size_t i = 0; i < SOTTO_COUNT(p->mood); i++)
        p->mood[i] = pop_bell(r, 400);
    p->interest = (int)pop_pick(r, INTEREST, SOTTO_COUNT(INTEREST));
    if (p->interest == POP_CHILDREN && p->children == 0)
        p->interest = POP_NO_INTEREST;
    int nerve = 300 + pop_bell(r, 110) - (p->age - 45) * 2 + (p->savings > 15000 * EURO ? 60 : 0);
    p->risk_grade = pop_chance(r, 120000) ? 0
                    : nerve < 150         ? 1
                    : nerve < 260         ? 2
                    : nerve < 350         ? 3
                    : nerve < 440         ? 4
                                          : 5;
    p->consent_profiling = pop_chance(r, 860000);
    p->consent_measurement = pop_chance(r, 920000);
}

pop_person pop_person_of(int64_t seed, uint64_t index, int32_t today)
{
    pop_random r = pop_random_of(seed, POP_PERSON, index);
    pop_person p = {0};
    draw_life(&p, &r, today);
    draw_money(&p, &r);
    draw_habits(&p, &r);
    draw_holdings(&p, &r);
    draw_mind(&p, &r);
    return p;
}

void pop_person_drift(pop_person *p, pop_random *r)
{
    p->balance = pop_scale(p->balance, pop_bell(r, 250));
    p->average_90 = pop_scale(p->average_90, pop_bell(r, 150));
    p->change_30 = pop_scale(p->change_30, pop_bell(r, 400)) * (pop_chance(r, 200000) ? -1 : 1);
    p->savings = pop_scale(p->savings, pop_bell(r, 150));
    p->payments = (int)pop_scale(p->payments, pop_bell(r, 200));
    p->withdrawals = (int)pop_scale(p->withdrawals, pop_bell(r, 200));
    p->travel = pop_scale(p->travel, pop_bell(r, 400));
    p->leisure = pop_scale(p->leisure, pop_bell(r, 300));
    p->visits = (int)pop_below(r, (uint32_t)p->withdrawals + 3);
    if (p->visits > 30)
        p->visits = 30;
}

/* A permutation of the indices below 10^8 (37579 shares no factor with 10^8), so that numbers say nothing of
 * the order in which customers were made. */
uint64_t pop_customer_number(uint64_t index)
{
    return UINT64_C(4000000000) + (index * 37579 + 20260713) % 100000000;
}

const char *pop_segment_of_age(int64_t age)
{
    return age < 30 ? "under_30" : age < 45 ? "30_44" : age < 60 ? "45_59" : "60_up";
}

/* ---- As a row ---- */

const char POP_PERSON_HEADER[] =
    "age,segment,household,children,occupation,education,region,language,customer_since,home_owner,income_"
    "month,"
    "salary_in,balance_current,balance_average_90,balance_change_30,savings_total,loan_left,overdraft_days_"
    "90,"
    "payments_30,withdrawals_30,online_30,standing_orders,spend_travel_90,spend_home_90,spend_leisure_90,"
    "has_savings,has_term,has_fund,has_card,has_loan,has_home_insurance,has_travel_insurance,interest,risk_"
    "grade,"
    "consent_profiling,consent_measurement,visits_30";

static sotto_status put_life(const pop_person *p, sotto_vec *out)
{
    static const char *const HOUSEHOLD[] = {"single", "couple", "family", "shared"};
    static const char *const OCCUPATION[] = {"student",       "employee", "public_service",
                                             "self_employed", "at_home",  "retired"};
    static const char *const EDUCATION[] = {"school", "apprenticeship", "college", "university"};
    static const char *const REGION[] = {"north", "south", "east", "west", "capital"};
    static const char *const LANGUAGE[] = {"en", "de", "fr"};
    char since[11];
    hq_day_format(p->since_day, since);
    return sotto_vec_printf(out, "%d,%s,%s,%d,%s,%s,%s,%s,%s,%d,", p->age, pop_segment_of_age(p->age),
                            HOUSEHOLD[p->household], p->children, OCCUPATION[p->occupation],
                            EDUCATION[p->education], REGION[p->region], LANGUAGE[p->language], since,
                            p->home_owner);
}

static sotto_status put_amount(sotto_vec *out, bool known, int64_t minor)
{
    char text[32];
    (void)sotto_fixed_format_decimal(minor, 2, text, sizeof text);
    return sotto_vec_printf(out, "%s,", known ? text : "");
}

static sotto_status put_money(const pop_person *p, sotto_vec *out)
{
    sotto_status status = put_amount(out, p->income_known, p->income);
    if (status == SOTTO_OK)
        status = sotto_vec_printf(out, "%d,", p->salary_in);
    const int64_t amounts[] = {p->balance, p->average_90, p->change_30, p->savings, p->loan_left};
    for (size_t i = 0; status == SOTTO_OK && i < SOTTO_COUNT(amounts); i++)
        status = put_amount(out, true, amounts[i]);
    return status;
}

static sotto_status put_habits(const pop_person *p, sotto_vec *out)
{
    sotto_status status = sotto_vec_printf(out, "%d,%d,%d,%d,%d,", p->overdraft_days, p->payments,
                                           p->withdrawals, p->online, p->standing_orders);
    const int64_t amounts[] = {p->travel, p->home, p->leisure};
    for (size_t i = 0; status == SOTTO_OK && i < SOTTO_COUNT(amounts); i++)
        status = put_amount(out, true, amounts[i]);
    for (size_t i = 0; status == SOTTO_OK && i < POP_HOLDINGS; i++)
        status = pop_put(out, p->has[i] ? "1," : "0,");
    return status;
}

sotto_status pop_person_write(const pop_person *p, sotto_vec *out)
{
    static const char *const INTEREST[] = {"saving", "investing", "travel", "home", "family", ""};
    static const char *const GRADE[] = {"", "1", "2", "3", "4", "5"};
    sotto_status status = put_life(p, out);
    if (status == SOTTO_OK)
        status = put_money(p, out);
    if (status == SOTTO_OK)
        status = put_habits(p, out);
    return status == SOTTO_OK
               ? sotto_vec_printf(out, "%s,%s,%d,%d,%d", INTEREST[p->interest], GRADE[p->risk_grade],
                                  p->consent_profiling, p->consent_measurement, p->visits)
               : status;
}
