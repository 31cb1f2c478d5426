/* What moves the scores: the mean of |reason| over the judged rows, tag by tag, from the model's exact
 * integer parts. */
#include "report/report.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* What a person calls the thing behind a feature: the tag's id, or the feature's name. */
static const char *name_of(const report *r, size_t feature)
{
    const sotto_feature *f = sotto_model_feature(r->model, feature);
    if (r->dictionary == NULL || f->source != SOTTO_SOURCE_TAG)
        return f->name;
    int tag = sotto_dictionary_find_number(r->dictionary, f->tag_number);
    return tag < 0 ? f->name : sotto_dictionary_at(r->dictionary, (size_t)tag)->id;
}

/* Features of one tag are one reason: their parts are summed before the sign is dropped. */
static size_t *make_groups(report *r, sotto_diag *diag)
{
    size_t *group_of = eval_array(r->info->features, sizeof *group_of, diag);
    for (size_t i = 0; group_of != NULL && i < r->info->features; i++) {
        const char *name = name_of(r, i);
        size_t g = 0;
        while (g < r->weights && strcmp(r->weight[g].name, name) != 0)
            g++;
        if (g == r->weights)
            r->weight[r->weights++] = (report_weight){.name = name};
        r->weight[g].features++;
        group_of[i] = g;
    }
    return group_of;
}

static int compare_falling(const void *a, const void *b)
{
    const report_weight *x = a, *y = b;
    int by_mean = (y->mean > x->mean) - (y->mean < x->mean);
    return by_mean != 0 ? by_mean : strcmp(x->name, y->name);
}

/* Over all classes; of several amounts only the one that is judged. */
static void sum_rows(report *r, const size_t *group_of, int64_t *part, int64_t *sum)
{
    size_t outputs = r->kind == REPORT_CLASSES ? r->info->outputs : 1;
    double one = ldexp(1, -SOTTO_MODEL_SCALE_BITS) / (double)r->scored.rows / (double)outputs;
    for (size_t i = 0; i < r->scored.rows * outputs; i++) {
        const int32_t *keys = r->table.keys + r->row[i / outputs] * r->table.features;
        int64_t bias = 0;
        if (r->info->outputs == 1)
            (void)sotto_model_why_q24(r->model, keys, &bias, part);
        else
            (void)sotto_model_why_output_q24(r->model, keys, outputs > 1 ? i % outputs : r->output, &bias,
                                             part);
        memset(sum, 0, r->weights * sizeof *sum);
        for (size_t f = 0; f < r->info->features; f++)
            sum[group_of[f]] += part[f];
        for (size_t g = 0; g < r->weights; g++)
            r->weight[g].mean += fabs((double)sum[g]) * one;
    }
}

sotto_status report_weights(report *r, sotto_diag *diag)
{
    r->weight = eval_array(r->info->features, sizeof *r->weight, diag);
    int64_t *part = eval_array(r->info->features, sizeof *part, diag);
    int64_t *sum = eval_array(r->info->features, sizeof *sum, diag);
    size_t *group_of = r->weight == NULL ? NULL : make_groups(r, diag);
    sotto_status status = part == NULL || sum == NULL || group_of == NULL ? diag->status : SOTTO_OK;
    if (status == SOTTO_OK) {
        sum_rows(r, group_of, part, sum);
        qsort(r->weight, r->weights, sizeof *r->weight, compare_falling);
    }
    free(part);
    free(sum);
    free(group_of);
    return status;
}
