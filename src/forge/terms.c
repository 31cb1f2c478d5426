/* Linear terms and centroids on their way into the file. */
#include "forge_priv.h"

#include <math.h>
#include <stdlib.h>

static const double COEFFICIENT_MAX = 1e300;   /* its shift stays within the file's */
static const double MISSING_MAX = 268435456.0; /* 2^28, docs/formats/model.md section 14 */
enum { MANTISSA_BITS = 53, SUM_BITS = 62, REACH_MAX = 30, UNIT_MAX = 64, HEADROOM_BITS = 4 };

sotto_status sotto_forge_add_term(forge_forest *f, forge_term term, sotto_diag *diag)
{
    if (!(fabs(term.coefficient) < COEFFICIENT_MAX) || !(fabs(term.missing) < MISSING_MAX))
        return sotto_diag_set(diag, SOTTO_ERR(FORGE, RANGE), "feature %s: a coefficient of %g (missing: %g)",
                              f->features[term.feature].name, term.coefficient, term.missing);
    if (f->term_count == f->term_cap) {
        size_t cap = f->term_cap == 0 ? 64 : 2 * f->term_cap;
        forge_term *more = realloc(f->terms, cap * sizeof *more);
        if (more == NULL)
            return sotto_forge_no_memory(diag);
        f->terms = more;
        f->term_cap = cap;
    }
    if (fabs(term.coefficient) < 1 / COEFFICIENT_MAX)
        term.coefficient = 0; /* float32 values are below 2^128: the product is nothing */
    f->terms[f->term_count++] = term;
    return SOTTO_OK;
}

static int compare_terms(const void *a, const void *b)
{
    const forge_term *x = a, *y = b;
    if (x->output != y->output)
        return x->output < y->output ? -1 : 1;
    return (x->feature > y->feature) - (x->feature < y->feature);
}

sotto_status sotto_forge_sort_terms(forge_forest *f, const char *file_name, sotto_diag *diag)
{
    if (f->term_count > 0)
        qsort(f->terms, f->term_count, sizeof *f->terms, compare_terms);
    for (size_t i = 1; i < f->term_count; i++)
        if (compare_terms(&f->terms[i], &f->terms[i - 1]) == 0)
            return sotto_diag_at(diag, SOTTO_ERR(FORGE, MALFORMED), file_name, 0,
                                 "feature %s has two coefficients", f->features[f->terms[i].feature].name);
    return SOTTO_OK;
}

double sotto_forge_terms_error(const forge_forest *f)
{
    double worst = 0;
    for (size_t i = 0, run = 0; i < f->term_count; i++) {
        run = i > 0 && f->terms[i].output == f->terms[i - 1].output ? run + 1 : 1;
        worst = fmax(worst, 0.5 * (double)run);
    }
    return worst;
}

sotto_status sotto_forge_take_clusters(forge_forest *f, size_t count, sotto_diag *diag)
{
    forge_clusters *c = &f->clusters;
    c->centroid = calloc(count * f->feature_count, sizeof *c->centroid);
    c->mean = calloc(f->feature_count, sizeof *c->mean);
    c->scale = calloc(f->feature_count, sizeof *c->scale);
    if (c->centroid == NULL || c->mean == NULL || c->scale == NULL)
        return sotto_forge_no_memory(diag);
    c->count = count;
    for (size_t i = 0; i < f->feature_count; i++)
        c->scale[i] = 1;
    return SOTTO_OK;
}

void sotto_forge_split_double(double v, int64_t *mantissa, int *shift)
{
    int exponent = 0;
    *mantissa = (int64_t)ldexp(frexp(v, &exponent), MANTISSA_BITS);
    *shift = MANTISSA_BITS - exponent;
    while (*mantissa != 0 && *mantissa % 2 == 0) {
        *mantissa /= 2;
        --*shift;
    }
    *shift = *mantissa == 0 ? 0 : *shift;
}

/* Centroids get all bits but those that leave room for customers farther out than any centroid. */
sotto_status sotto_forge_cluster_unit(const forge_forest *f, const char *file_name, int *unit,
                                      unsigned *reach, sotto_diag *diag)
{
    double most = 0;
    int exponent = 0, feature_bits = 0;
    for (size_t i = 0; i < f->clusters.count * f->feature_count; i++)
        most = fmax(most, fabs(f->clusters.centroid[i]));
    while (((size_t)1 << feature_bits) < f->feature_count)
        feature_bits++;
    int room = (SUM_BITS - 2 - feature_bits) / 2;
    *reach = (unsigned)(room > REACH_MAX ? REACH_MAX : room);
    (void)frexp(most, &exponent); /* most < 2^exponent */
    *unit = (int)*reach - HEADROOM_BITS - exponent;
    if (*unit > SOTTO_MODEL_SCALE_BITS)
        *unit = SOTTO_MODEL_SCALE_BITS; /* finer than a margin is of no use */
    bool good = *unit >= -UNIT_MAX;
    for (size_t i = 0; good && i < f->feature_count; i++)
        good = fabs(ldexp(f->clusters.mean[i] / f->clusters.scale[i], *unit)) < ldexp(1, 52) &&
               fabs(1 / f->clusters.scale[i]) < 1e200 && fabs(1 / f->clusters.scale[i]) > 1e-200;
    if (!good)
        return sotto_diag_at(diag, SOTTO_ERR(FORGE, RANGE), file_name, 0,
                             "centroids, means or scales are too far apart to be compared in integers");
    return SOTTO_OK;
}
