/* Clusters: how many rows each has, how near they are, and what they are like. */
#include "report/report.h"

#include <math.h>
#include <stdlib.h>

enum { DECIMALS = 8, DRAWN = 40, FEATURES_SHOWN = 20 };

static int compare_numbers(const void *a, const void *b)
{
    const double *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

/* distance: of the cluster's rows; they are sorted. */
static void measure(report_cluster *c, double *distance)
{
    if (c->rows == 0)
        return;
    qsort(distance, c->rows, sizeof *distance, compare_numbers);
    for (size_t i = 0; i < c->rows; i++)
        c->mean += distance[i] / (double)c->rows;
    c->median = distance[c->rows / 2];
    c->far = distance[c->rows * 9 / 10];
}

/* Distances of each cluster's rows side by side; start: where each begins, one more entry than clusters. */
static void measure_all(report *r, double *distance, size_t *start)
{
    size_t k = r->info->clusters;
    for (size_t i = 0; i < r->scored.rows; i++)
        r->clusters.cluster[r->chosen[i]].rows++;
    for (size_t c = 0; c < k; c++)
        start[c + 1] = start[c] + r->clusters.cluster[c].rows;
    for (size_t i = 0; i < r->scored.rows; i++)
        distance[start[r->chosen[i]]++] = r->answer[i];
    for (size_t c = 0; c < k; c++) {
        report_cluster *one = &r->clusters.cluster[c];
        measure(one, distance + (start[c] - one->rows));
        r->clusters.mean += one->mean * (double)one->rows / (double)r->scored.rows;
        r->clusters.empty += one->rows == 0;
    }
}

static sotto_status average_features(report *r, sotto_diag *diag)
{
    size_t features = r->info->features, cells = r->info->clusters * features;
    double *there = eval_array(cells, sizeof *there, diag);
    if (there == NULL)
        return diag->status;
    for (size_t i = 0; i < r->scored.rows; i++)
        for (size_t f = 0; f < features; f++) {
            size_t at = r->chosen[i] * features + f;
            double v = (double)learn_key_float(r->table.keys[r->row[i] * features + f]);
            r->clusters.feature[at] += isnan(v) ? 0 : v;
            there[at] += !isnan(v);
        }
    for (size_t at = 0; at < cells; at++)
        r->clusters.feature[at] = there[at] > 0 ? r->clusters.feature[at] / there[at] : (double)NAN;
    free(there);
    return SOTTO_OK;
}

sotto_status report_judge_clusters(report *r, sotto_diag *diag)
{
    size_t k = r->info->clusters;
    r->clusters.cluster = eval_array(k, sizeof *r->clusters.cluster, diag);
    r->clusters.feature = eval_array(k * r->info->features, sizeof *r->clusters.feature, diag);
    double *distance = eval_array(r->scored.rows, sizeof *distance, diag);
    size_t *start = eval_array(k + 1, sizeof *start, diag);
    bool good =
        r->clusters.cluster != NULL && r->clusters.feature != NULL && distance != NULL && start != NULL;
    if (good)
        measure_all(r, distance, start);
    free(distance);
    free(start);
    return good ? average_features(r, diag) : diag->status;
}

static void draw_sizes(const report *r, page *p)
{
    const char *names[DRAWN];
    char name[DRAWN][24];
    double size[DRAWN], distance[DRAWN], far[DRAWN];
    size_t n = r->info->clusters < DRAWN ? r->info->clusters : DRAWN;
    for (size_t c = 0; c < n; c++) {
        const report_cluster *one = &r->clusters.cluster[c];
        (void)snprintf(name[c], sizeof name[c], "%zu", c);
        names[c] = name[c];
        size[c] = (double)one->rows / (double)r->scored.rows;
        distance[c] = one->rows > 0 ? one->median : (double)NAN;
        far[c] = one->rows > 0 ? one->far : (double)NAN;
    }
    const page_series sizes = {.name = "share of the rows", .shape = PAGE_BARS, .count = n, .y = size};
    const page_series distances[] = {
        {.name = "half are nearer", .shape = PAGE_DOTS, .count = n, .y = distance},
        {.name = "90 % are nearer", .shape = PAGE_DOTS, .count = n, .y = far}};
    page_plot plot = {.title = "Sizes",
                      .words = "The share of the rows that are nearest to each centroid.",
                      .x = {.name = "cluster"},
                      .y = {.name = "share of the rows", .unit = PAGE_PERCENT},
                      .categories = names,
                      .category_count = n,
                      .series = &sizes,
                      .series_count = 1};
    page_pair_begin(p);
    page_draw(p, &plot);
    plot.title = "Distances";
    plot.words = "How far a cluster's rows are from its centroid, in the scaled space.";
    plot.y = (page_axis){.name = "distance"};
    plot.series = distances;
    plot.series_count = 2;
    page_draw(p, &plot);
    page_pair_end(p);
}

static void table_sizes(const report *r, page *p)
{
    static const char *const HEADS[] = {
        "cluster", "rows", "share", "mean distance", "half nearer than", "90 % nearer than"};
    char cell[6][48];
    page_table_begin(p, "Each cluster", PAGE_FIGURES, HEADS, SOTTO_COUNT(HEADS));
    for (size_t c = 0; c < r->info->clusters; c++) {
        const report_cluster *one = &r->clusters.cluster[c];
        (void)snprintf(cell[0], sizeof cell[0], "%zu", c);
        (void)snprintf(cell[1], sizeof cell[1], "%zu", one->rows);
        (void)snprintf(cell[2], sizeof cell[2], "%.2f %%", 100 * (double)one->rows / (double)r->scored.rows);
        (void)snprintf(cell[3], sizeof cell[3], one->rows == 0 ? "–" : "%.6g", one->mean);
        (void)snprintf(cell[4], sizeof cell[4], one->rows == 0 ? "–" : "%.6g", one->median);
        (void)snprintf(cell[5], sizeof cell[5], one->rows == 0 ? "–" : "%.6g", one->far);
        const char *const cells[] = {cell[0], cell[1], cell[2], cell[3], cell[4], cell[5]};
        page_table_row(p, cells, SOTTO_COUNT(cells));
    }
    page_table_end(p);
}

static void table_features(const report *r, page *p)
{
    const char *heads[FEATURES_SHOWN + 1] = {"cluster"}, *cells[FEATURES_SHOWN + 1];
    char cell[FEATURES_SHOWN + 1][32];
    size_t n = r->info->features < FEATURES_SHOWN ? r->info->features : FEATURES_SHOWN;
    for (size_t f = 0; f < n; f++)
        heads[f + 1] = sotto_model_feature(r->model, f)->name;
    page_table_begin(p, "What its rows are like: means of the features", PAGE_FIGURES, heads, n + 1);
    for (size_t c = 0; c < r->info->clusters; c++) {
        (void)snprintf(cell[0], sizeof cell[0], "%zu", c);
        cells[0] = cell[0];
        for (size_t f = 0; f < n; f++) {
            double v = r->clusters.feature[c * r->info->features + f];
            (void)snprintf(cell[f + 1], sizeof cell[f + 1], isnan(v) ? "–" : "%.5g", v);
            cells[f + 1] = cell[f + 1];
        }
        page_table_row(p, cells, n + 1);
    }
    page_table_end(p);
}

void report_page_clusters(const report *r, page *p)
{
    size_t most = 0;
    for (size_t c = 0; c < r->info->clusters; c++)
        most = r->clusters.cluster[c].rows > r->clusters.cluster[most].rows ? c : most;
    char rows[128];
    report_rows_name(r, rows, sizeof rows);
    page_say(p,
             "This model names the nearest of %zu centroids. The largest cluster (%zu) has %.1f %% of the "
             "rows, and %zu "
             "%s none. Rows are %.6g from their centroid on average, in the space that the model scales to. "
             "It is judged here on %s.",
             r->info->clusters, most, 100 * (double)r->clusters.cluster[most].rows / (double)r->scored.rows,
             r->clusters.empty, r->clusters.empty == 1 ? "has" : "have", r->clusters.mean, rows);
    page_section(p, "How large and how dense the clusters are");
    draw_sizes(r, p);
    table_sizes(r, p);
    page_section(p, "What they are like");
    table_features(r, p);
}

void report_json_clusters(const report *r, sotto_json_writer *w)
{
    eval_json_str(w, "judged_as", "clusters");
    learn_json_real(w, "mean_distance", r->clusters.mean, DECIMALS);
    sotto_json_name(w, "clusters");
    sotto_json_arr(w);
    for (size_t c = 0; c < r->info->clusters; c++) {
        const report_cluster *one = &r->clusters.cluster[c];
        double none = one->rows == 0 ? (double)NAN : 0;
        sotto_json_obj(w);
        eval_json_u64(w, "cluster", c);
        eval_json_u64(w, "rows", one->rows);
        learn_json_real(w, "mean_distance", one->mean + none, DECIMALS);
        learn_json_real(w, "median_distance", one->median + none, DECIMALS);
        learn_json_real(w, "distance_of_90_percent", one->far + none, DECIMALS);
        sotto_json_obj_end(w);
    }
    sotto_json_arr_end(w);
}
