#include "evaluate/chances.h"

#include <math.h>

/* Score limits of a Poisson mean (k + z^2/2 +- z sqrt(k + z^2/4)) for events that come in clusters: how far
 * its upper and its lower end lie from k. */
static double upward(double k, double z, double cluster)
{
    double zz = z * z * cluster;
    return zz / 2 + sqrt(zz * (k + zz / 4));
}

static double downward(double k, double z, double cluster)
{
    double zz = z * z * cluster;
    return sqrt(zz * (k + zz / 4)) - zz / 2;
}

/* A showing of chance p = 1 / weight is there or not: of a Poisson count's variance the part 1 - p. */
static double by_chance(double width, double weight)
{
    return weight > 1 ? width * sqrt(1 - 1 / weight) : 0;
}

static double square(double x)
{
    return x * x;
}

/* Whether there is more than noise. */
static bool is_there(const hq_term *t, const hq_sureness *sure)
{
    return t->count > sure->noise * sqrt(t->variance);
}

hq_figure hq_terms_sum(const hq_term *term, size_t terms, const hq_sureness *sure)
{
    double value = 0, low = 0, high = 0, below = 0, above = 0;
    bool bounded = true;
    for (size_t i = 0; i < terms; i++) {
        const hq_term *t = &term[i];
        if (isinf(t->high)) {
            bounded = bounded && !(t->share > 0 && is_there(t, sure));
            continue;
        }
        const double k = fmax(0, t->count), noise = square(sure->noise) * t->variance;
        const double least = t->share * t->low, most = t->share * t->high;
        value += t->share * t->count * sqrt(t->low * t->high);
        low += fmin(least * t->count, most * t->count);
        high += fmax(least * t->count, most * t->count);
        below += square(least) * (square(by_chance(downward(k, sure->draw, sure->cluster), t->low)) + noise);
        above += square(most) * (square(by_chance(upward(k, sure->draw, sure->cluster), t->high)) + noise);
    }
    return (hq_figure){
        .value = value, .low = low - sqrt(below), .high = bounded ? high + sqrt(above) : INFINITY};
}

hq_figure hq_terms_ratio(const hq_figure *part, const hq_figure *whole)
{
    if (!(whole->low > 0))
        return (hq_figure){NAN, NAN, NAN};
    return (hq_figure){.value = fmax(0, part->value) / whole->value,
                       .low = fmax(0, part->low) / whole->high,
                       .high = fmax(0, part->high) / whole->low};
}
