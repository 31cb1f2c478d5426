/* Derived tags from a history. The formulas are those of docs/formats/dictionary.md; all of them are
 * integers. */
#include "tags_priv.h"

#include <limits.h>

enum { DAY_S = 86400, MONEY_ONE = 1000 };

/* What a rule found. A value is num / den: sums of money in 10^-SOTTO_EVENT_DECIMALS, everything else whole.
 */
typedef struct found {
    bool present;
    int32_t day; /* the latest event that it rests on */
    int64_t num, den;
} found;

typedef struct asking {
    const sotto_history *h;
    int32_t today; /* not before the latest event, nor after the year 9999 */
} asking;

static const found NOTHING = {0};

static found whole(int32_t day, int64_t num)
{
    return (found){.present = true, .day = day, .num = num, .den = 1};
}

/* Totals of several kinds as one; count 0 = none was ever seen. */
static sotto_history_total total_of(const sotto_history *h, unsigned kinds)
{
    sotto_history_total all = {0};
    for (unsigned kind = 1; kind < SOTTO_EVENT_KINDS; kind++) {
        const sotto_history_total *one = &h->totals[kind];
        if ((kinds & 1u << kind) == 0 || one->count == 0)
            continue;
        if (all.count == 0 || one->first_day < all.first_day)
            all.first_day = one->first_day;
        if (all.count == 0 || one->last_day > all.last_day)
            all.last_day = one->last_day;
        all.count = sotto_add_sat_u32(all.count, one->count);
    }
    return all;
}

typedef struct sums {
    int64_t events, days, money;
} sums;

/* Over the days (last - days, last]. */
static sums sum_window(const sotto_history *h, unsigned kinds, int32_t last, unsigned days)
{
    sums s = {0};
    int64_t counted = INT64_MIN;
    for (size_t i = 0; i < h->cell_count; i++) {
        const sotto_history_cell *cell = &h->cells[i];
        if (cell->day > last || cell->day <= last - (int32_t)days || cell->series >= SOTTO_SERIES_BALANCE ||
            (kinds & 1u << cell->series) == 0)
            continue;
        s.events += cell->count;
        s.money = sotto_add_sat_i64(s.money, cell->amount);
        s.days += cell->day != counted;
        counted = cell->day;
    }
    return s;
}

static found find_largest(const asking *x, const sotto_derive *rule)
{
    const sotto_history_total total = total_of(x->h, rule->kinds);
    int64_t largest = 0;
    for (size_t i = 0; i < x->h->cell_count; i++) {
        const sotto_history_cell *cell = &x->h->cells[i];
        if (cell->day <= x->today && cell->day > x->today - (int32_t)rule->days &&
            cell->series > SOTTO_SERIES_LARGEST && cell->series < SOTTO_SERIES_BALANCE &&
            (rule->kinds & 1u << (cell->series - SOTTO_SERIES_LARGEST)) != 0 && cell->amount > largest)
            largest = cell->amount;
    }
    return total.count == 0
               ? NOTHING
               : (found){.present = true, .day = total.last_day, .num = largest, .den = MONEY_ONE};
}

static found find_sums(const asking *x, const sotto_derive *rule)
{
    const sotto_history_total total = total_of(x->h, rule->kinds);
    if (total.count == 0)
        return NOTHING;
    if (rule->rule == SOTTO_DERIVE_LAST)
        return whole(total.last_day, total.last_day);
    if (rule->rule == SOTTO_DERIVE_DAYS_SINCE)
        return whole(total.last_day, x->today - total.last_day);
    if (rule->days == 0)
        return whole(total.last_day, total.count);
    const sums s = sum_window(x->h, rule->kinds, x->today, rule->days);
    if (rule->rule == SOTTO_DERIVE_SUM)
        return (found){.present = true, .day = total.last_day, .num = s.money, .den = MONEY_ONE};
    return whole(total.last_day, rule->rule == SOTTO_DERIVE_COUNT ? s.events : s.days);
}

/* ---- balances ---- */

typedef struct balances {
    int64_t sum; /* of the balance at each day's end */
    int64_t days;
    int32_t latest; /* day of the last balance told */
} balances;

/* The balance told at one moment holds at the end of that day and of all after it, until the next one. Of the
 * days (last - days, last] those before the first balance known are left out. |sum| <= 366 x 10^15. */
static balances sum_balances(const sotto_history *h, int32_t last, unsigned days)
{
    int32_t from = last - (int32_t)days + 1;
    balances b = {.latest = INT32_MIN};
    bool known = h->has_carry;
    int64_t balance = h->carry;
    if (known)
        b.latest = (int32_t)sotto_floor_div_i64(h->carry_s, DAY_S);
    int32_t since = b.latest;
    for (size_t i = 0; i <= h->cell_count; i++) {
        const sotto_history_cell *cell = i < h->cell_count ? &h->cells[i] : NULL;
        if (cell != NULL && (cell->series != SOTTO_SERIES_BALANCE || cell->day > last))
            continue;
        int32_t start = since > from ? since : from, end = cell != NULL ? cell->day : last + 1;
        if (known && end > start) {
            b.sum += balance * (end - start);
            b.days += end - start;
        }
        if (cell == NULL)
            break;
        known = true;
        balance = cell->amount;
        b.latest = since = cell->day;
    }
    return b;
}

static int64_t power_of_ten(unsigned n)
{
    int64_t power = 1;
    while (n-- > 0)
        power *= 10;
    return power;
}

static found find_balance(const asking *x, const sotto_derive *rule, unsigned decimals)
{
    const balances now = sum_balances(x->h, x->today, rule->days);
    if (now.days == 0)
        return NOTHING;
    if (rule->rule == SOTTO_DERIVE_AVERAGE_BALANCE)
        return (found){.present = true, .day = now.latest, .num = now.sum, .den = now.days * MONEY_ONE};
    const balances then = sum_balances(x->h, x->today - (int32_t)rule->days, rule->days);
    int64_t scale = power_of_ten(decimals), a = 0, b = 0;
    if (then.days == 0 || sotto_fixed_mul_div(now.sum, scale, now.days * MONEY_ONE, &a) != SOTTO_OK ||
        sotto_fixed_mul_div(then.sum, scale, then.days * MONEY_ONE, &b) != SOTTO_OK)
        return NOTHING;
    return (found){.present = true, .day = now.latest, .num = a - b, .den = scale};
}

/* ---- products ---- */

static found find_fact(const asking *x, const sotto_tag *tag)
{
    for (size_t i = 0; i < x->h->fact_count; i++) {
        const sotto_history_fact *fact = &x->h->facts[i];
        if (fact->tag == tag->number && fact->value != INT32_MIN)
            return whole((int32_t)sotto_floor_div_i64(fact->at_s, DAY_S), fact->value);
    }
    return NOTHING;
}

/* ---- the stage of a customer's life ---- */

enum { STAGE_NEW, STAGE_RISING, STAGE_STABLE, STAGE_LEAVING };

/* Events of this window (a over N days) beside the one before it (b over the n <= N days since the first
 * event): leaving when a/N < 1/2 b/n or nothing happened, rising when a/N > 3/2 b/n. Counts are below 2^42:
 * no product here passes 2^53. */
static found find_stage(const asking *x, const sotto_derive *rule)
{
    const sotto_history_total total = total_of(x->h, rule->kinds);
    int64_t window = rule->days, age = (int64_t)x->today - total.first_day;
    if (total.count == 0)
        return NOTHING;
    int64_t a = sum_window(x->h, rule->kinds, x->today, rule->days).events;
    int64_t b = sum_window(x->h, rule->kinds, x->today - (int32_t)rule->days, rule->days).events;
    int64_t seen = age + 1 - window < window ? age + 1 - window : window;
    int stage = STAGE_STABLE;
    if (age < window)
        stage = STAGE_NEW;
    else if (a == 0 || 2 * a * seen < b * window)
        stage = STAGE_LEAVING;
    else if (2 * a * seen > 3 * b * window)
        stage = STAGE_RISING;
    return whole(total.last_day, stage);
}

/* ---- the commonest ---- */

/* The rank-th code by count, then by code; -1 = so many there are not. */
static int pick(const uint64_t count[static SOTTO_TAG_CHOICES_MAX], unsigned rank)
{
    uint64_t last = UINT64_MAX;
    int code = -1;
    for (unsigned step = 0; step < rank; step++) {
        int best = -1;
        for (int i = 0; i < SOTTO_TAG_CHOICES_MAX; i++) {
            bool after = count[i] < last || (count[i] == last && i > code);
            if (count[i] > 0 && after && (best < 0 || count[i] > count[best]))
                best = i;
        }
        if (best < 0)
            return -1;
        code = best;
        last = count[best];
    }
    return code;
}

static found find_favourite(const asking *x, const sotto_derive *rule)
{
    uint64_t count[SOTTO_TAG_CHOICES_MAX] = {0};
    int32_t from = sotto_tags_bucket_from(x->today), newest = INT32_MIN;
    for (size_t i = 0; i < x->h->cell_count; i++) {
        const sotto_history_cell *cell = &x->h->cells[i];
        if (cell->series != SOTTO_SERIES_HOUR + (unsigned)rule->of - SOTTO_OF_HOUR || cell->day < from)
            continue;
        count[cell->code] += cell->count;
        newest = cell->day;
    }
    int code = newest == INT32_MIN ? -1 : pick(count, rule->rank);
    int32_t end = newest + SOTTO_HISTORY_BUCKET_DAYS - 1;
    return code < 0 ? NOTHING : whole(end < x->h->latest_day ? end : x->h->latest_day, code);
}

/* ---- values ---- */

static found find(const asking *x, const sotto_tag *tag)
{
    unsigned decimals = tag->derive->grade_count > 0 ? SOTTO_EVENT_DECIMALS : tag->decimals;
    switch (tag->derive->rule) {
    case SOTTO_DERIVE_LAST:
    case SOTTO_DERIVE_DAYS_SINCE:
    case SOTTO_DERIVE_COUNT:
    case SOTTO_DERIVE_DAYS:
    case SOTTO_DERIVE_SUM:
        return find_sums(x, tag->derive);
    case SOTTO_DERIVE_LARGEST:
        return find_largest(x, tag->derive);
    case SOTTO_DERIVE_AVERAGE_BALANCE:
    case SOTTO_DERIVE_BALANCE_CHANGE:
        return find_balance(x, tag->derive, decimals);
    case SOTTO_DERIVE_HOLDS:
    case SOTTO_DERIVE_DUE:
        return find_fact(x, tag);
    case SOTTO_DERIVE_STAGE:
        return find_stage(x, tag->derive);
    case SOTTO_DERIVE_FAVOURITE:
        break;
    }
    return find_favourite(x, tag->derive);
}

/* 1 + the number of bounds that value has reached, from below when they rise, from above when they fall. */
static int64_t grade_of(const sotto_derive *rule, int64_t value)
{
    bool falls = rule->grade_count > 1 && rule->grades[1] < rule->grades[0];
    falls = falls || (rule->grade_count == 1 && rule->rule == SOTTO_DERIVE_DAYS_SINCE);
    int64_t grade = 1;
    for (size_t i = 0; i < rule->grade_count; i++)
        grade += falls ? value <= rule->grades[i] : value >= rule->grades[i];
    return grade;
}

static bool is_money(enum sotto_derive_rule rule)
{
    return rule == SOTTO_DERIVE_SUM || rule == SOTTO_DERIVE_LARGEST || rule == SOTTO_DERIVE_AVERAGE_BALANCE ||
           rule == SOTTO_DERIVE_BALANCE_CHANGE;
}

/* Rounded to nearest, ties to even, once. */
static bool value_of(const sotto_tag *tag, const found *f, int64_t *out)
{
    bool graded = tag->derive->grade_count > 0;
    bool money = is_money(tag->derive->rule);
    unsigned decimals = graded && money ? SOTTO_EVENT_DECIMALS : tag->decimals;
    if (sotto_fixed_mul_div(f->num, money ? power_of_ten(decimals) : 1, f->den, out) != SOTTO_OK)
        return false;
    if (graded)
        *out = grade_of(tag->derive, *out);
    return sotto_tags_in_range(tag, *out);
}

void sotto_history_derive(const sotto_history *h, int32_t today, sotto_profile *profile)
{
    const sotto_dictionary *d = profile->dictionary;
    int32_t day = today < SOTTO_TAGS_DAY_MAX ? today : SOTTO_TAGS_DAY_MAX;
    const asking x = {.h = h, .today = h->latest_day > day ? h->latest_day : day};
    for (size_t i = 0; h->any && i < d->count; i++) {
        int64_t num = 0;
        if (d->tags[i].derive == NULL)
            continue;
        const found f = find(&x, &d->tags[i]);
        if (f.present && value_of(&d->tags[i], &f, &num))
            profile->values[i] = (sotto_tag_value){.present = true, .set_day = f.day, .num = num};
    }
}
