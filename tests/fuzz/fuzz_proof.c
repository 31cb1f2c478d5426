/* The second reading of a trained model: whatever the compiler takes it reads too, or says why not, and every
 * row of it ends at a leaf. */
#include "fuzz.h"

#include "learn/learn.h"

#include <math.h>

enum { ROWS = 4 };

/* Rows of nothing, of zeros, of small whole numbers in turn, and out of every reach. */
static double value_of(size_t row, size_t feature)
{
    const double values[ROWS] = {NAN, 0, (double)(feature % 7), feature % 2 ? -INFINITY : INFINITY};
    return values[row];
}

static void walk(const learn_walker *w, const sotto_model *m)
{
    const sotto_model_info *info = sotto_model_info_of(m);
    learn_walked walked = {.leaves = calloc(info->trees + 1, sizeof *walked.leaves)};
    double *x = calloc(info->features + 1, sizeof *x);
    for (size_t row = 0; walked.leaves != NULL && x != NULL && row < ROWS; row++) {
        for (size_t i = 0; i < info->features; i++)
            x[i] = value_of(row, i);
        learn_walker_row(w, x, &walked);
    }
    free(walked.leaves);
    free(x);
}

static void read_again(const learn_source_kind *kind, sotto_span file, const sotto_model *m)
{
    const learn_origin origin = {.source = kind->walker, .file = file, .name = "model"};
    learn_walker *w = NULL;
    sotto_diag diag = {.status = SOTTO_OK};
    sotto_status status = learn_walker_load(&w, &origin, m, &diag);
    require((status == SOTTO_OK) == (w != NULL));
    require(status == SOTTO_OK || diag.text[0] != '\0');
    if (w != NULL)
        walk(w, m);
    learn_walker_free(w);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const sotto_forge_options OPTIONS = {.file_name = "model", .model_name = "fuzz"};
    sotto_span file = sotto_span_of(data, size);
    const learn_source_kind *kind = learn_source_guess(file);
    learn_input in = {.memory = NULL};
    sotto_forge_report report;
    sotto_diag diag = {.status = SOTTO_OK};
    if (kind == NULL)
        return 0;
    sotto_vec_init(&in.model_file, 1 << 24);
    if (kind->compile(file, &OPTIONS, &in.model_file, &report, &diag) == SOTTO_OK &&
        learn_input_load(&in, &diag) == SOTTO_OK)
        read_again(kind, file, in.model);
    learn_input_free(&in);
    return 0;
}
