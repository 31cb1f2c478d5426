/* k-means centroids from CSV or JSON. docs/formats/kmeans.md. */
#include "scorecard.h"

#include <math.h>
#include <stdlib.h>

enum { CLUSTERS_MAX = 4096 };

typedef struct reader {
    const sotto_forge_options *options;
    forge_forest *forest;
    sotto_diag *diag;
} reader;

static sotto_status add_feature(const reader *r, sotto_span name, sotto_status *status, const char **wrong)
{
    uint32_t at = 0;
    size_t before = r->forest->feature_count;
    *status = sotto_forge_find_feature(r->forest, r->options, name, SOTTO_MODEL_FEATURES_MAX, &at, wrong);
    if (*status == SOTTO_OK && r->forest->feature_count == before) {
        *status = SOTTO_ERR(FORGE, MALFORMED);
        *wrong = "two features of one name";
    }
    return *status;
}

static bool put_number(double v, double *at, bool is_scale)
{
    *at = v;
    return fabs(v) < 1e200 && (!is_scale || fabs(v) > 1e-200);
}

/* ---- CSV: a column a feature, perhaps "cluster" before them; rows (mean) and (scale), and a row a centroid
 * ---- */

typedef struct table {
    sotto_csv *csv;
    size_t first; /* 1 with a column of numbers */
    size_t centroids, rows;
} table;

static sotto_status read_header(const reader *r, table *t)
{
    const char *wrong;
    sotto_status status = SOTTO_OK;
    t->first = sotto_span_is(t->csv->field[0], "cluster") ? 1 : 0;
    for (size_t i = t->first; status == SOTTO_OK && i < t->csv->columns; i++)
        if (add_feature(r, t->csv->field[i], &status, &wrong) != SOTTO_OK)
            return sotto_diag_at(r->diag, status, t->csv->name, 1, "column %zu: %s", i + 1, wrong);
    if (r->forest->feature_count == 0)
        return sotto_diag_at(r->diag, SOTTO_ERR(FORGE, MALFORMED), t->csv->name, 1, "no features");
    return SOTTO_OK;
}

static sotto_status read_cells(const reader *r, const table *t, double *out, bool is_scale)
{
    for (size_t i = t->first; i < t->csv->columns; i++) {
        double v = 0;
        if (!sotto_forge_parse_double(t->csv->field[i], &v) || !put_number(v, &out[i - t->first], is_scale))
            return sotto_diag_at(r->diag, SOTTO_ERR(FORGE, MALFORMED), t->csv->name, t->csv->line,
                                 "column %s: a number is needed%s", r->forest->features[i - t->first].name,
                                 is_scale ? ", not 0" : "");
    }
    return SOTTO_OK;
}

/* Centroids are numbered as they stand; a number in the first column must agree. */
static sotto_status read_csv_row(const reader *r, table *t)
{
    forge_clusters *c = &r->forest->clusters;
    sotto_span word = t->first == 1 ? t->csv->field[0] : sotto_span_of(NULL, 0);
    uint64_t number = 0;
    if (sotto_span_is(word, "(mean)"))
        return read_cells(r, t, c->mean, false);
    if (sotto_span_is(word, "(scale)"))
        return read_cells(r, t, c->scale, true);
    if (t->first == 1 && (sotto_parse_u64(word, &number) != SOTTO_OK || number != t->centroids))
        return sotto_diag_at(r->diag, SOTTO_ERR(FORGE, MALFORMED), t->csv->name, t->csv->line,
                             "cluster %zu must stand here, or (mean) or (scale)", t->centroids);
    if (t->centroids == CLUSTERS_MAX)
        return sotto_diag_at(r->diag, SOTTO_ERR(FORGE, RANGE), t->csv->name, t->csv->line,
                             "more than %d clusters", CLUSTERS_MAX);
    return read_cells(r, t, c->centroid + t->centroids++ * r->forest->feature_count, false);
}

static sotto_status read_csv(const reader *r, sotto_span text)
{
    table t = {.csv = malloc(sizeof *t.csv)};
    bool more = true;
    if (t.csv == NULL)
        return sotto_forge_no_memory(r->diag);
    sotto_status status = sotto_csv_open(t.csv, text, r->options->file_name, 0, r->diag);
    if (status == SOTTO_OK)
        status = read_header(r, &t);
    if (status == SOTTO_OK)
        status = sotto_forge_take_clusters(r->forest, CLUSTERS_MAX, r->diag);
    while (status == SOTTO_OK && more) {
        status = sotto_csv_next(t.csv, &more, r->diag);
        if (status == SOTTO_OK && more)
            status = read_csv_row(r, &t);
    }
    r->forest->clusters.count = t.centroids;
    free(t.csv);
    return status;
}

/* ---- JSON ---- */

static sotto_status read_numbers(const reader *r, sotto_json_node list, double *out, bool is_scale)
{
    size_t n = r->forest->feature_count;
    sotto_status status = sotto_json_as_array(list, n, n, r->diag);
    for (size_t i = 0; status == SOTTO_OK && i < n; i++) {
        sotto_span text;
        double v = 0;
        sotto_json_node node = sotto_json_at(list, i);
        status = sotto_json_as_number_text(node, &text, r->diag);
        if (status == SOTTO_OK && (!sotto_forge_parse_double(text, &v) || !put_number(v, &out[i], is_scale)))
            status =
                sotto_json_bad(node, r->diag, SOTTO_ERR(FORGE, RANGE), "a number that cannot be used here");
    }
    return status;
}

static sotto_status json_names(const reader *r, sotto_json_node names)
{
    sotto_status status = sotto_json_as_array(names, 1, SOTTO_MODEL_FEATURES_MAX, r->diag);
    for (size_t i = 0; status == SOTTO_OK && i < sotto_json_count(names); i++) {
        sotto_span name;
        const char *wrong;
        status = sotto_json_as_str(sotto_json_at(names, i), &name, r->diag);
        if (status == SOTTO_OK && add_feature(r, name, &status, &wrong) != SOTTO_OK)
            return sotto_json_bad(sotto_json_at(names, i), r->diag, status, "%s", wrong);
    }
    return status;
}

static sotto_status json_centroids(const reader *r, sotto_json_node root)
{
    forge_clusters *c = &r->forest->clusters;
    sotto_json_node list = sotto_json_member(root, "centroids"), mean = sotto_json_member(root, "mean"),
                    scale = sotto_json_member(root, "scale");
    sotto_status status = sotto_json_as_array(list, 1, CLUSTERS_MAX, r->diag);
    if (status == SOTTO_OK)
        status = sotto_forge_take_clusters(r->forest, sotto_json_count(list), r->diag);
    if (status == SOTTO_OK && mean.val != NULL)
        status = read_numbers(r, mean, c->mean, false);
    if (status == SOTTO_OK && scale.val != NULL)
        status = read_numbers(r, scale, c->scale, true);
    for (size_t i = 0; status == SOTTO_OK && i < c->count; i++)
        status = read_numbers(r, sotto_json_at(list, i), c->centroid + i * r->forest->feature_count, false);
    return status;
}

static sotto_status read_json(const reader *r, sotto_span text)
{
    static const char *const ALLOWED[] = {"format", "features", "mean", "scale", "centroids"};
    sotto_json *doc = NULL;
    sotto_span format;
    sotto_status status = sotto_json_parse(&doc, text, r->options->file_name, r->diag);
    if (status != SOTTO_OK)
        return status;
    sotto_json_node root = sotto_json_root(doc);
    status = sotto_json_only(root, ALLOWED, SOTTO_COUNT(ALLOWED), r->diag);
    if (status == SOTTO_OK)
        status = sotto_json_get_str(root, "format", &format, r->diag);
    if (status == SOTTO_OK && !sotto_span_is(format, "sotto-kmeans-1"))
        status = sotto_json_bad(sotto_json_member(root, "format"), r->diag, SOTTO_ERR(FORGE, UNSUPPORTED),
                                "sotto-kmeans-1 is read");
    if (status == SOTTO_OK)
        status = json_names(r, sotto_json_member(root, "features"));
    if (status == SOTTO_OK)
        status = json_centroids(r, root);
    sotto_json_free(doc);
    return status;
}

sotto_status sotto_forge_kmeans(sotto_span file, const sotto_forge_options *options, sotto_vec *out,
                                sotto_forge_report *report, sotto_diag *diag)
{
    forge_forest forest;
    sotto_forge_forest_init(&forest);
    reader r = {.options = options, .forest = &forest, .diag = diag};
    sotto_status status = sotto_forge_check_options(options, diag);
    if (status == SOTTO_OK)
        status = sotto_forge_take_features(&forest, SOTTO_MODEL_FEATURES_MAX, diag);
    forest.feature_count = 0;
    if (status == SOTTO_OK)
        status = sotto_forge_looks_like_json(file) ? read_json(&r, file) : read_csv(&r, file);
    if (status == SOTTO_OK && forest.clusters.count == 0)
        status = sotto_diag_at(diag, SOTTO_ERR(FORGE, MALFORMED), options->file_name, 0, "no centroids");
    if (status == SOTTO_OK)
        status = sotto_forge_finish(&forest, options, out, report, diag);
    sotto_forge_forest_free(&forest);
    return status;
}
