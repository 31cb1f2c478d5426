/* The hidden truth: who takes what. A logit in thousandths for each product, out of tags, their interactions,
 * and a mood that no tag tells. Models see the tags only. */
#include "population/population.h"

#define EURO INT64_C(100)

enum pop_product pop_product_find(sotto_span id)
{
    static const char *const IDS[] = {"saver",     "term_12", "fund_mixed", "fund_world",
                                      "card_gold", "loan",    "cover_home", "cover_travel"};
    for (size_t i = 0; i < SOTTO_COUNT(IDS); i++)
        if (sotto_span_is(id, IDS[i]))
            return (enum pop_product)i;
    return POP_NO_PRODUCT;
}

static const enum pop_holding HOLDING[] = {
    POP_HAS_SAVINGS, POP_HAS_TERM, POP_HAS_FUND,           POP_HAS_FUND,
    POP_HAS_CARD,    POP_HAS_LOAN, POP_HAS_HOME_INSURANCE, POP_HAS_TRAVEL_INSURANCE};

void pop_hold(pop_person *p, enum pop_product product)
{
    if (product < POP_NO_PRODUCT)
        p->has[HOLDING[product]] = true;
}

bool pop_holds(const pop_person *p, enum pop_product product)
{
    return product < POP_NO_PRODUCT && p->has[HOLDING[product]];
}

static int when(bool condition, int milli)
{
    return condition ? milli : 0;
}

/* Straight between two points, flat outside: 0 at low, milli at high. */
static int slope(int64_t v, int64_t low, int64_t high, int milli)
{
    if (v <= low)
        return 0;
    return v >= high ? milli : (int)(milli * (v - low) / (high - low));
}

static int saver(const pop_person *p)
{
    return slope(p->balance, 500 * EURO, 6000 * EURO, 1500) + when(p->change_30 > 0, 350) +
           when(p->household == POP_FAMILY && p->age < 50, 700) + when(p->interest == POP_SAVING, 900) +
           when(p->overdraft_days > 8, -1300) + when(p->occupation == POP_STUDENT, 500) +
           when(p->has[POP_HAS_TERM], -600);
}

static int term(const pop_person *p)
{
    return slope(p->savings, 3000 * EURO, 25000 * EURO, 1900) + slope(p->age, 35, 68, 1200) +
           when(p->interest == POP_SAVING, 900) + when(p->age > 60 && p->balance > 3000 * EURO, 800) +
           when(p->overdraft_days > 8, -1200) + when(p->has[POP_HAS_FUND], -400);
}

static int fund(const pop_person *p)
{
    bool bold = p->risk_grade >= 4, rich = p->savings > 8000 * EURO;
    return when(bold, 900) + slope(p->savings, 4000 * EURO, 30000 * EURO, 1300) +
           when(p->education == 3, 500) + when(p->interest == POP_INVESTING, 1500) + when(bold && rich, 700) +
           when(p->online > 15, 400) + when(p->age > 68, -900) + when(p->has[POP_HAS_LOAN], -400);
}

static int card(const pop_person *p)
{
    return slope(p->travel, 200 * EURO, 1200 * EURO, 1400) + slope(p->payments, 15, 60, 900) +
           when(p->interest == POP_TRAVEL, 900) + when(p->salary_in && p->age < 45, 600) +
           when(p->overdraft_days > 20, 300) + when(p->age > 65, -800) +
           when(p->income_known && p->income > 3500 * EURO, 500);
}

static int loan(const pop_person *p)
{
    bool moving = p->interest == POP_HOUSE || p->home > 900 * EURO;
    return slope(p->overdraft_days, 3, 40, 1500) + when(p->age >= 25 && p->age <= 48, 700) +
           when(moving, 800) + when(p->household == POP_FAMILY && moving, 700) +
           slope(p->savings, 4000 * EURO, 20000 * EURO, -1300) + when(p->change_30 < -400 * EURO, 500);
}

static int cover_home(const pop_person *p)
{
    return when(p->home_owner, 1100) + slope(p->home, 300 * EURO, 1500 * EURO, 1100) +
           when(p->household == POP_FAMILY, 500) + when(p->interest == POP_HOUSE, 800) +
           when(p->home_owner && p->age < 45, 500) + when(p->standing_orders > 8, 300);
}

static int cover_travel(const pop_person *p)
{
    return slope(p->travel, 150 * EURO, 1000 * EURO, 1700) + when(p->interest == POP_TRAVEL, 1000) +
           when(p->age > 55 && p->travel > 400 * EURO, 700) + when(p->children > 0, 300) +
           when(p->has[POP_HAS_CARD], -700);
}

/* People take more in the hours without a queue, and less when they stand here every other day. */
static int moment(const pop_person *p, int hour)
{
    return when(hour >= 10 && hour <= 15, 250) + when(hour >= 17, -200) + slope(p->visits, 6, 20, -500);
}

/* What the tags say for and against. */
static int effect(const pop_person *p, enum pop_product product)
{
    switch (product) {
    case POP_SAVER:
        return saver(p);
    case POP_TERM:
        return term(p);
    case POP_FUND_MIXED:
        return fund(p) + when(p->risk_grade <= 3, 500);
    case POP_FUND_WORLD:
        return fund(p) + when(p->age < 40, 500);
    case POP_CARD:
        return card(p);
    case POP_LOAN:
        return loan(p);
    case POP_COVER_HOME:
        return cover_home(p);
    case POP_COVER_TRAVEL:
        return cover_travel(p);
    case POP_NO_PRODUCT:
        break;
    }
    return 0;
}

int64_t pop_taste_ppm(const pop_person *p, enum pop_product product, int hour)
{
    /* Where nothing speaks for it; the last for a product that this bank does not know. */
    static const int BASE[] = {-3400, -4500, -4900, -5000, -4100, -4300, -4500, -4100, -3500};
    int64_t milli = BASE[product] + effect(p, product) * 8 / 5 + moment(p, hour);
    if (product < POP_NO_PRODUCT)
        milli += p->mood[product];
    if (pop_holds(p, product))
        milli -= 3000;
    return ((int64_t)sotto_fixed_sigmoid_q30(milli * (INT64_C(1) << 24) / 1000) * POP_MILLION) >> 30;
}
