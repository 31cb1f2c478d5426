/* The proof that a compiled model is the trained one: every row's leaves, the largest difference of a margin,
 * and the figures of both on rows that were held out. */
#include "learn_priv.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCK_ROWS = 2048 };
static const double ONE_Q24 = 16777216.0;

/* What one proof works with. Arrays of a block: BLOCK_ROWS rows. */
typedef struct proving {
    learn_proof *proof;
    const sotto_model *model;
    const learn_table *table;
    learn_walker *walker;
    learn_booster *booster; /* NULL: not here, or it refuses the rows */
    uint32_t *ours, *theirs, *walked;
    double *row;
    float *tool_margin;
    double *margin_float, *margin_integer; /* of all rows, first output */
    size_t outputs;
    int64_t bias_q24[SOTTO_MODEL_OUTPUTS_MAX], margins[SOTTO_MODEL_OUTPUTS_MAX]; /* one an output */
    double sums[SOTTO_MODEL_OUTPUTS_MAX], sizes[SOTTO_MODEL_OUTPUTS_MAX];
    double bound; /* of a margin */
    const char *name;
    sotto_diag *diag;
} proving;

void learn_provenance(const sotto_model *m, const char *name, char *out, size_t cap)
{
    sotto_span all = sotto_model_provenance(m);
    size_t len = strlen(name), at = 0;
    out[0] = '\0';
    while (at < all.len) {
        const uint8_t *end = memchr(all.ptr + at, '\n', all.len - at);
        size_t stop = end == NULL ? all.len : (size_t)(end - all.ptr);
        if (stop - at > len && memcmp(all.ptr + at, name, len) == 0 && all.ptr[at + len] == '=') {
            sotto_span value = sotto_span_of(all.ptr + at + len + 1, stop - at - len - 1);
            if (sotto_span_to_str(value, out, cap) != SOTTO_OK)
                out[0] = '\0';
            return;
        }
        at = stop + 1;
    }
}

static sotto_status take_memory(proving *p)
{
    size_t trees = p->proof->trees, rows = p->table->rows;
    p->ours = calloc(trees + 1, sizeof *p->ours); /* a linear model has none */
    p->walked = calloc(trees + 1, sizeof *p->walked);
    p->theirs = calloc((trees + 1) * BLOCK_ROWS, sizeof *p->theirs);
    p->row = calloc(p->table->features, sizeof *p->row);
    p->tool_margin = calloc(BLOCK_ROWS * p->outputs, sizeof *p->tool_margin);
    p->margin_float = calloc(rows, sizeof *p->margin_float);
    p->margin_integer = calloc(rows, sizeof *p->margin_integer);
    if (p->ours == NULL || p->walked == NULL || p->theirs == NULL || p->row == NULL ||
        p->tool_margin == NULL || p->margin_float == NULL || p->margin_integer == NULL)
        return sotto_diag_set(p->diag, SOTTO_ERR(HQ, NO_MEMORY), "out of memory");
    return SOTTO_OK;
}

static void free_memory(proving *p)
{
    free(p->ours);
    free(p->walked);
    free(p->theirs);
    free(p->row);
    free(p->tool_margin);
    free(p->margin_float);
    free(p->margin_integer);
    learn_walker_free(p->walker);
    learn_booster_free(p->booster);
}

static void compare_leaves(proving *p, size_t row, size_t in_block)
{
    learn_proof *proof = p->proof;
    for (size_t t = 0; t < proof->trees; t++) {
        uint32_t theirs = p->booster == NULL ? p->walked[t] : p->theirs[in_block * proof->trees + t];
        if (p->ours[t] == theirs && p->ours[t] == p->walked[t])
            continue;
        if (proof->leaves_differ++ == 0) {
            proof->differs_row = row;
            proof->differs_tree = t;
            proof->leaf_ours = p->ours[t];
            proof->leaf_theirs = p->ours[t] == theirs ? p->walked[t] : theirs;
        }
    }
}

static sotto_status too_far(const proving *p, size_t row, size_t output, double ours, double theirs,
                            double allowed, const char *whose)
{
    return sotto_diag_at(
        p->diag, SOTTO_ERR(HQ, INTERNAL), p->name, 0,
        "row %zu, output %zu: the margin is %.9g, %s %.9g: further apart than %.3g, so nothing was "
        "written",
        row, output, ours, whose, theirs, allowed);
}

/* A term is held within 2^28 (docs/formats/model.md, LINR): beyond, there is no bound. */
static sotto_status compare_sums(proving *p, size_t row)
{
    static const double TERM_MAX = 268435456.0;
    for (size_t i = 0; i < p->outputs; i++) {
        double ours = (double)(p->margins[i] - p->bias_q24[i]) / ONE_Q24,
               difference = fabs(ours - p->sums[i]);
        if (!(p->sizes[i] < TERM_MAX))
            continue;
        /* The sum of doubles was itself rounded, 4,096 times at most. */
        double allowed = p->bound + p->sizes[i] * ldexp(1, -40);
        if (!(difference <= allowed))
            return too_far(p, row, i, ours, p->sums[i], allowed, "the exact sum without bias");
        p->proof->margin_difference = fmax(p->proof->margin_difference, difference);
    }
    return SOTTO_OK;
}

/* Adding n float32 is off by at most n u / (1 - n u) of the sum of their magnitudes, u = 2^-24 (Higham,
 * "Accuracy and Stability of Numerical Algorithms", 2002, section 4.2); products and the bias are four
 * roundings more. */
static sotto_status compare_tool(proving *p, size_t row, size_t in_block)
{
    static const double TERM_MAX = 268435456.0;
    double n = (double)(p->proof->trees + sotto_model_info_of(p->model)->terms + 4) / ONE_Q24;
    for (size_t i = 0; i < p->outputs; i++) {
        double ours = (double)p->margins[i] / ONE_Q24, bias = (double)p->bias_q24[i] / ONE_Q24;
        double own = (double)p->tool_margin[in_block * p->outputs + i], difference = fabs(ours - own);
        if (!(p->sizes[i] < TERM_MAX))
            continue;
        double allowed = p->bound + n / (1 - n) * (p->sizes[i] + fabs(bias));
        if (!(difference <= allowed))
            return too_far(p, row, i, ours, own, allowed, "XGBoost's own");
        p->proof->tool_difference = fmax(p->proof->tool_difference, difference);
    }
    return SOTTO_OK;
}

static sotto_status prove_row(proving *p, size_t row, size_t in_block)
{
    const int32_t *keys = p->table->keys + row * p->table->features;
    for (size_t f = 0; f < p->table->features; f++)
        p->row[f] = p->table->values != NULL ? p->table->values[row * p->table->features + f]
                                             : (double)learn_key_float(keys[f]);
    memset(p->sums, 0, sizeof p->sums);
    memset(p->sizes, 0, sizeof p->sizes);
    learn_walker_row(p->walker, p->row, p->walked, p->sums, p->sizes);
    sotto_model_leaves(p->model, keys, p->ours);
    sotto_model_margins_q24(p->model, keys, p->margins);
    compare_leaves(p, row, in_block);
    p->margin_integer[row] = (double)p->margins[0] / ONE_Q24;
    p->margin_float[row] = p->booster != NULL ? (double)p->tool_margin[in_block * p->outputs]
                                              : p->sums[0] + (double)p->bias_q24[0] / ONE_Q24;
    if (p->proof->leaves_differ > 0)
        return SOTTO_OK; /* said by the caller: the sums differ then, of course */
    sotto_status status = compare_sums(p, row);
    return status == SOTTO_OK && p->booster != NULL ? compare_tool(p, row, in_block) : status;
}

static sotto_status prove_block(proving *p, size_t first, size_t n)
{
    sotto_status status = SOTTO_OK;
    if (p->booster != NULL && p->proof->trees > 0)
        status = learn_booster_leaves(p->booster, p->table, first, n, p->proof->trees, p->theirs, p->diag);
    if (status == SOTTO_OK && p->booster != NULL)
        status = learn_booster_outputs(p->booster, p->table, first, n, p->outputs, p->tool_margin, p->diag);
    for (size_t i = 0; status == SOTTO_OK && i < n; i++)
        status = prove_row(p, first + i, i);
    return status;
}

static sotto_status prove_rows(proving *p)
{
    size_t rows = p->table->rows;
    sotto_status status = SOTTO_OK;
    for (size_t first = 0; status == SOTTO_OK && first < rows; first += BLOCK_ROWS) {
        size_t n = rows - first < BLOCK_ROWS ? rows - first : BLOCK_ROWS;
        status = prove_block(p, first, n);
        learn_progress("comparing rows", first + n, rows);
    }
    return status;
}

/* Moves the held-out rows to the front of both margins and takes their figures. */
static sotto_status measure(proving *p, const learn_split *split)
{
    size_t n = 0, rows = p->table->rows;
    uint8_t *labels = calloc(rows, 1);
    if (labels == NULL)
        return sotto_diag_set(p->diag, SOTTO_ERR(HQ, NO_MEMORY), "out of memory");
    for (size_t row = 0; row < rows; row++) {
        if (split != NULL && !learn_split_held_out(split, row, rows))
            continue;
        labels[n] = p->table->labels[row];
        p->margin_float[n] = p->margin_float[row];
        p->margin_integer[n++] = p->margin_integer[row];
    }
    p->proof->has_auc = n > 0;
    p->proof->held_out = n;
    p->proof->auc_float = learn_auc(p->margin_float, labels, n);
    p->proof->auc_integer = learn_auc(p->margin_integer, labels, n);
    p->proof->logloss_float = learn_logloss(p->margin_float, labels, n);
    p->proof->logloss_integer = learn_logloss(p->margin_integer, labels, n);
    free(labels);
    return SOTTO_OK;
}

/* XGBoost refuses infinite values; the walker does not. */
static bool has_infinity(const learn_table *t)
{
    for (size_t i = 0; i < t->rows * t->features; i++)
        if (isinf(learn_key_float(t->keys[i])))
            return true;
    return false;
}

sotto_status learn_prove(learn_proof *p, const sotto_model *m, enum learn_source source, sotto_span json,
                         const char *json_name, const learn_table *t, const learn_split *split,
                         sotto_diag *diag)
{
    *p = (learn_proof){.rows = t->rows, .trees = sotto_model_info_of(m)->trees, .tool_difference = NAN};
    proving work = {.proof = p, .model = m, .table = t, .diag = diag};
    work.outputs = sotto_model_info_of(m)->outputs;
    work.bound = (double)sotto_model_info_of(m)->margin_error_q24 / ONE_Q24;
    work.name = json_name;
    sotto_model_biases_q24(m, work.bias_q24);
    sotto_status status = take_memory(&work);
    if (status == SOTTO_OK)
        status = learn_walker_load(&work.walker, source, json, json_name, sotto_model_info_of(m), diag);
    if (status == SOTTO_OK && source == LEARN_SOURCE_XGBOOST && learn_booster_there() && !has_infinity(t)) {
        status = learn_booster_load(&work.booster, json, diag);
        p->by_tool = work.booster != NULL;
        p->tool_difference = p->by_tool ? 0 : NAN;
    }
    if (status == SOTTO_OK)
        status = prove_rows(&work);
    if (status == SOTTO_OK && t->labels != NULL && sotto_model_info_of(m)->link == SOTTO_LINK_LOGISTIC)
        status = measure(&work, split);
    free_memory(&work);
    return status;
}
