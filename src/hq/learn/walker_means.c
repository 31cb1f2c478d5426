/* A second reading of k-means centroids (docs/formats/kmeans.md), in doubles. */
#include "learn/walker.h"
#include "office/args.h"

#include <math.h>
#include <stdlib.h>

static const double HEADROOM = 8; /* docs/formats/kmeans.md: as far out as that is compared */

typedef struct reading {
    learn_walker *walker;
    int *feature; /* of each column; -1: it is none */
    size_t columns;
    sotto_vec centroids; /* doubles */
    sotto_diag *diag;
} reading;

/* Values of a row, by feature. */
static void spread(const reading *r, const double *cells, double *out)
{
    for (size_t i = 0; i < r->columns; i++)
        if (r->feature[i] >= 0)
            out[r->feature[i]] = cells[i];
}

static sotto_status add_centroid(reading *r, const double *cells)
{
    double *row = calloc(r->walker->features, sizeof *row);
    if (row != NULL)
        spread(r, cells, row);
    bool good =
        row != NULL && sotto_vec_put(&r->centroids, row, r->walker->features * sizeof *row) == SOTTO_OK;
    free(row);
    return good ? SOTTO_OK : hq_no_memory(r->diag);
}

/* ---- CSV ---- */

static sotto_status csv_row(reading *r, const sotto_csv *csv)
{
    double *cells = calloc(r->columns, sizeof *cells);
    sotto_status status = SOTTO_OK;
    if (cells == NULL)
        return hq_no_memory(r->diag);
    for (size_t i = 0; i < r->columns; i++)
        cells[i] = r->feature[i] < 0 ? 0 : learn_field_value(csv->field[i]);
    if (r->feature[0] < 0 && sotto_span_is(csv->field[0], "(mean)"))
        spread(r, cells, r->walker->means->mean);
    else if (r->feature[0] < 0 && sotto_span_is(csv->field[0], "(scale)"))
        spread(r, cells, r->walker->means->scale);
    else
        status = add_centroid(r, cells);
    free(cells);
    return status;
}

static sotto_status csv_header(reading *r, const sotto_csv *csv)
{
    r->columns = csv->columns;
    r->feature = calloc(r->columns, sizeof *r->feature);
    for (size_t i = 0; r->feature != NULL && i < r->columns; i++)
        r->feature[i] = i == 0 && sotto_span_is(csv->field[0], "cluster")
                            ? -1
                            : learn_walker_feature(r->walker, csv->field[i]);
    return r->feature == NULL ? hq_no_memory(r->diag) : SOTTO_OK;
}

static sotto_status read_csv(reading *r, sotto_span file, const char *name)
{
    bool more = true;
    sotto_csv *csv = malloc(sizeof *csv);
    if (csv == NULL)
        return hq_no_memory(r->diag);
    sotto_status status = sotto_csv_open(csv, file, name, 0, r->diag);
    if (status == SOTTO_OK)
        status = csv_header(r, csv);
    while (status == SOTTO_OK && more) {
        status = sotto_csv_next(csv, &more, r->diag);
        if (status == SOTTO_OK && more)
            status = csv_row(r, csv);
    }
    free(csv);
    return status;
}

/* ---- JSON ---- */

static void json_numbers(const reading *r, sotto_json_node list, double *out)
{
    for (size_t i = 0; i < r->columns; i++) {
        sotto_span text = {0};
        out[i] = sotto_json_as_number_text(sotto_json_at(list, i), &text, NULL) == SOTTO_OK
                     ? learn_field_value(text)
                     : 0;
    }
}

static sotto_status json_names(reading *r, sotto_json_node names)
{
    sotto_status status = SOTTO_OK;
    r->columns = sotto_json_count(names);
    r->feature = calloc(r->columns + 1, sizeof *r->feature);
    for (size_t i = 0; r->feature != NULL && status == SOTTO_OK && i < r->columns; i++) {
        sotto_span name = {0};
        status = sotto_json_as_str(sotto_json_at(names, i), &name, r->diag);
        r->feature[i] = learn_walker_feature(r->walker, name);
    }
    return r->feature == NULL ? hq_no_memory(r->diag) : status;
}

static sotto_status json_rows(reading *r, sotto_json_node root)
{
    sotto_json_node list = sotto_json_member(root, "centroids"), mean = sotto_json_member(root, "mean"),
                    scale = sotto_json_member(root, "scale");
    double *cells = calloc(r->columns + 1, sizeof *cells);
    sotto_status status = cells == NULL ? hq_no_memory(r->diag) : SOTTO_OK;
    if (status == SOTTO_OK && mean.val != NULL) {
        json_numbers(r, mean, cells);
        spread(r, cells, r->walker->means->mean);
    }
    if (status == SOTTO_OK && scale.val != NULL) {
        json_numbers(r, scale, cells);
        spread(r, cells, r->walker->means->scale);
    }
    for (size_t i = 0; status == SOTTO_OK && i < sotto_json_count(list); i++) {
        json_numbers(r, sotto_json_at(list, i), cells);
        status = add_centroid(r, cells);
    }
    free(cells);
    return status;
}

static sotto_status read_json(reading *r, sotto_span file, const char *name)
{
    sotto_json *doc = NULL;
    sotto_status status = sotto_json_parse(&doc, file, name, r->diag);
    if (status == SOTTO_OK)
        status = json_names(r, sotto_json_member(sotto_json_root(doc), "features"));
    if (status == SOTTO_OK)
        status = json_rows(r, sotto_json_root(doc));
    sotto_json_free(doc);
    return status;
}

static sotto_status take_means(reading *r)
{
    walker_means *m = calloc(1, sizeof *m);
    r->walker->means = m;
    if (m == NULL)
        return hq_no_memory(r->diag);
    m->mean = calloc(r->walker->features, sizeof *m->mean);
    m->scale = calloc(r->walker->features, sizeof *m->scale);
    for (size_t i = 0; m->scale != NULL && i < r->walker->features; i++)
        m->scale[i] = 1;
    return m->mean == NULL || m->scale == NULL ? hq_no_memory(r->diag) : SOTTO_OK;
}

sotto_status learn_walker_load_means(learn_walker *w, sotto_span file, const char *name, sotto_diag *diag)
{
    reading r = {.walker = w, .diag = diag};
    size_t i = file.len >= 3 && file.ptr[0] == 0xef ? 3 : 0;
    while (i < file.len && file.ptr[i] <= ' ')
        i++;
    sotto_vec_init(&r.centroids, (size_t)1 << 28);
    sotto_status status = take_means(&r);
    if (status == SOTTO_OK)
        status = i < file.len && file.ptr[i] == '{' ? read_json(&r, file, name) : read_csv(&r, file, name);
    free(r.feature);
    if (w->means == NULL) {
        sotto_vec_free(&r.centroids);
        return status;
    }
    w->has_bias = true;
    w->means->centroid = (double *)(void *)r.centroids.ptr;
    w->means->count = r.centroids.len / sizeof(double) / w->features;
    for (size_t k = 0; k < w->means->count * w->features; k++)
        w->means->reach = fmax(w->means->reach, HEADROOM * fabs(w->means->centroid[k]));
    return status;
}

void learn_walker_means_free(walker_means *m)
{
    if (m == NULL)
        return;
    free(m->mean);
    free(m->scale);
    free(m->centroid);
    free(m);
}

static double coordinate(const walker_means *m, size_t feature, double v)
{
    return (v - m->mean[feature]) / m->scale[feature];
}

/* sizes is infinite where the compiled model would hold a coordinate: nothing can be compared then. */
void learn_walker_means_row(const learn_walker *w, const double *x, learn_walked *out)
{
    const walker_means *m = w->means;
    double nearest = INFINITY, second = INFINITY;
    for (size_t k = 0; k < m->count; k++) {
        double sum = 0;
        for (size_t f = 0; f < w->features; f++) {
            double d = isnan(x[f]) ? 0 : coordinate(m, f, x[f]) - m->centroid[k * w->features + f];
            sum += d * d;
        }
        if (sum < nearest) {
            second = nearest;
            nearest = sum;
            out->leaves[0] = (uint32_t)k;
        } else {
            second = fmin(second, sum);
        }
    }
    out->sums[0] = -nearest;
    out->sizes[0] = nearest;
    out->gap = sqrt(second) - sqrt(nearest);
    for (size_t f = 0; f < w->features; f++)
        if (!isnan(x[f]) && !(fabs(coordinate(m, f, x[f])) < m->reach))
            out->sizes[0] = INFINITY;
}
