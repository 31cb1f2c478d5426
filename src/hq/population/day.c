/* Who comes to the terminal, and when. */
#include "population/population.h"

#include <stdlib.h>

/* Of a hundred arrivals, three are of unknown numbers and fifteen of regulars, five times each. */
enum { UNKNOWN_PPM = 30000, REGULAR_PPM = 150000, TIMES = 5, DAY_MINUTES = 1440, OPEN = 480, CLOSE = 1140 };

/* Two draws' mean: fuller around noon. */
static uint32_t minute_of(pop_random *r, int64_t day)
{
    return (uint32_t)(day * DAY_MINUTES +
                      (pop_between(r, OPEN, CLOSE - 1) + pop_between(r, OPEN, CLOSE - 1)) / 2);
}

/* By minute; equal ones by person, so that no order of sorting shows. */
static int compare(const void *left, const void *right)
{
    const pop_arrival *a = left, *b = right;
    if (a->minute != b->minute)
        return a->minute < b->minute ? -1 : 1;
    return (a->person > b->person) - (a->person < b->person);
}

static pop_arrival draw(pop_random *r, const uint64_t *regulars, size_t regular_count, uint64_t customers,
                        int64_t days)
{
    pop_arrival a = {.minute = minute_of(r, pop_below(r, (uint32_t)days))};
    uint32_t kind = pop_below(r, POP_MILLION);
    a.unknown = kind < UNKNOWN_PPM;
    if (!a.unknown && kind < UNKNOWN_PPM + REGULAR_PPM && regular_count > 0)
        a.person = regulars[pop_below(r, (uint32_t)regular_count)];
    else
        a.person = pop_below(r, (uint32_t)customers);
    return a;
}

static uint64_t *draw_regulars(pop_random *r, size_t count, uint64_t customers)
{
    uint64_t *regulars = malloc((count + 1) * sizeof *regulars);
    for (size_t i = 0; regulars != NULL && i < count; i++)
        regulars[i] = pop_below(r, (uint32_t)customers);
    return regulars;
}

static int compare_person(const void *left, const void *right)
{
    const uint64_t *a = left, *b = right;
    return (*a > *b) - (*a < *b);
}

static sotto_status count_people(const pop_arrival *day, size_t n, pop_summary *summary)
{
    uint64_t *people = malloc((n + 1) * sizeof *people);
    size_t known = 0;
    if (people == NULL)
        return SOTTO_ERR(HQ, NO_MEMORY);
    for (size_t i = 0; i < n; i++)
        if (!day[i].unknown)
            people[known++] = day[i].person;
    qsort(people, known, sizeof *people, compare_person);
    for (size_t i = 0; i < known; i++)
        summary->arriving += i == 0 || people[i] != people[i - 1];
    summary->arrivals = n;
    summary->unknown = n - known;
    free(people);
    return SOTTO_OK;
}

sotto_status pop_day_make(const pop_options *o, uint64_t customers, pop_arrival **out, pop_summary *summary,
                          sotto_diag *diag)
{
    pop_random r = pop_random_of(o->seed, POP_DAY, 0);
    size_t n = (size_t)(o->arrivals * o->days);
    size_t regular_count = n * REGULAR_PPM / POP_MILLION / TIMES;
    uint64_t *regulars = draw_regulars(&r, regular_count, customers);
    pop_arrival *day = calloc(n + 1, sizeof *day);
    *out = day;
    if (regulars == NULL || day == NULL) {
        free(regulars);
        return hq_no_memory(diag);
    }
    for (size_t i = 0; i < n; i++)
        day[i] = draw(&r, regulars, regular_count, customers, o->days);
    free(regulars);
    qsort(day, n, sizeof *day, compare);
    return count_people(day, n, summary);
}
