/* Population stability index. */
#include "learn/train.h"

#include <math.h>
#include <stdlib.h>

enum { GROUPS = 10 };

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Cuts at the tenths of the sorted values; a value goes to the group behind the last cut that is below it. */
static size_t group_of(const double *cuts, double v)
{
    size_t group = 0;
    if (isnan(v))
        return GROUPS;
    while (group < GROUPS - 1 && v > cuts[group])
        group++;
    return group;
}

static size_t drop_missing(const double *values, size_t n, double *out)
{
    size_t kept = 0;
    for (size_t i = 0; i < n; i++)
        if (!isnan(values[i]))
            out[kept++] = values[i];
    return kept;
}

double learn_psi(const double *expected, size_t n_expected, const double *actual, size_t n_actual)
{
    double cuts[GROUPS - 1] = {0}, counts[2][GROUPS + 1] = {{0}}, psi = 0;
    double *sorted = n_expected == 0 || n_actual == 0 ? NULL : malloc(n_expected * sizeof *sorted);
    if (sorted == NULL)
        return NAN;
    size_t n = drop_missing(expected, n_expected, sorted);
    qsort(sorted, n, sizeof *sorted, compare);
    for (size_t i = 0; n > 0 && i < GROUPS - 1; i++)
        cuts[i] = sorted[(n - 1) * (i + 1) / GROUPS];
    free(sorted);
    for (size_t i = 0; i < n_expected; i++)
        counts[0][group_of(cuts, expected[i])]++;
    for (size_t i = 0; i < n_actual; i++)
        counts[1][group_of(cuts, actual[i])]++;
    for (size_t i = 0; i <= GROUPS; i++) {
        double e = (counts[0][i] + 0.5) / ((double)n_expected + 0.5 * (GROUPS + 1));
        double a = (counts[1][i] + 0.5) / ((double)n_actual + 0.5 * (GROUPS + 1));
        psi += (a - e) * log(a / e);
    }
    return psi;
}
