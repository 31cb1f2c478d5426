/* The proof that a compiled model is the trained one: every row's leaves, the largest difference of a margin,
 * and the figures of both on rows that were held out. */
#include "learn/walker.h"
#include "office/args.h"

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
    uint32_t *ours, *theirs;
    learn_walked walked;
    double *row;
    float *tool_margin;
    double *margin_float, *margin_integer; /* of all rows, first output */
    size_t outputs;
    int64_t bias_q24[SOTTO_MODEL_OUTPUTS_MAX], margins[SOTTO_MODEL_OUTPUTS_MAX]; /* one an output */
    double bound; /* of a margin, or of a distance */
    const char *name;
    sotto_diag *diag;
} proving;

static sotto_status take_memory(proving *p)
{
    size_t trees = sotto_model_info_of(p->model)->trees, rows = p->table->rows;
    p->ours = calloc(trees + 1, sizeof *p->ours); /* a linear model has none */
    p->walked.leaves = calloc(trees + 1, sizeof *p->walked.leaves);
    p->theirs = calloc((trees + 1) * BLOCK_ROWS, sizeof *p->theirs);
    p->row = calloc(p->table->features, sizeof *p->row);
    p->tool_margin = calloc(BLOCK_ROWS * p->outputs, sizeof *p->tool_margin);
    p->margin_float = calloc(rows, sizeof *p->margin_float);
    p->margin_integer = calloc(rows, sizeof *p->margin_integer);
    if (p->ours == NULL || p->walked.leaves == NULL || p->theirs == NULL || p->row == NULL ||
        p->tool_margin == NULL || p->margin_float == NULL || p->margin_integer == NULL)
        return hq_no_memory(p->diag);
    return SOTTO_OK;
}

static void free_memory(proving *p)
{
    free(p->ours);
    free(p->walked.leaves);
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
        uint32_t theirs = p->booster == NULL ? p->walked.leaves[t] : p->theirs[in_block * proof->trees + t];
        if (p->ours[t] == theirs && p->ours[t] == p->walked.leaves[t])
            continue;
        if (proof->leaves_differ++ == 0) {
            proof->differs_row = row;
            proof->differs_tree = t;
            proof->leaf_ours = p->ours[t];
            proof->leaf_theirs = p->ours[t] == theirs ? p->walked.leaves[t] : theirs;
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
static const double TERM_MAX = 268435456.0;

static sotto_status compare_sums(proving *p, size_t row)
{
    const learn_walked *there = &p->walked;
    for (size_t i = 0; i < p->outputs; i++) {
        int64_t bias = p->walker->has_bias ? 0 : p->bias_q24[i];
        double ours = (double)(p->margins[i] - bias) / ONE_Q24, difference = fabs(ours - there->sums[i]);
        if (!(there->sizes[i] < TERM_MAX)) {
            p->proof->held++;
            continue;
        }
        /* The sum of doubles was itself rounded, 4,096 times at most. */
        double allowed = p->bound + there->sizes[i] * ldexp(1, -40);
        if (!(difference <= allowed))
            return too_far(p, row, i, ours, there->sums[i], allowed,
                           p->walker->has_bias ? "the exact sum" : "the exact sum without bias");
        p->proof->margin_difference = fmax(p->proof->margin_difference, difference);
    }
    return SOTTO_OK;
}

/* The bound is of a distance; the margin, minus its square, is rounded to 2^-24 besides. */
static sotto_status compare_distance(proving *p, size_t row)
{
    double ours = sqrt((double)-p->margins[0] / ONE_Q24), there = sqrt(-p->walked.sums[0]);
    double squares = fabs(ours * ours - there * there);
    if (!isfinite(p->walked.sizes[0])) {
        p->proof->held++;
        return SOTTO_OK;
    }
    double allowed = p->bound * (2 * there + p->bound) + 1 / ONE_Q24 + there * there * ldexp(1, -40);
    if (!(squares <= allowed))
        return too_far(p, row, 0, ours, there, p->bound, "the distance");
    p->proof->margin_difference = fmax(p->proof->margin_difference, fabs(ours - there));
    return SOTTO_OK;
}

/* Adding n float32 is off by at most n u / (1 - n u) of the sum of their magnitudes, u = 2^-24 (Higham,
 * "Accuracy and Stability of Numerical Algorithms", 2002, section 4.2); products and the bias are four
 * roundings more. */
static sotto_status compare_tool(proving *p, size_t row, const double *tool)
{
    const sotto_model_info *info = sotto_model_info_of(p->model);
    double n = (double)(info->trees + info->terms + p->walker->roundings + 4) / ONE_Q24;
    for (size_t i = 0; i < p->outputs; i++) {
        double ours = (double)p->margins[i] / ONE_Q24, bias = (double)p->bias_q24[i] / ONE_Q24;
        double own = tool[i], difference = fabs(ours - own);
        if (!(p->walked.sizes[i] < TERM_MAX) || isnan(own))
            continue;
        double allowed = p->bound + n / (1 - n) * (p->walked.sizes[i] + fabs(bias));
        if (!(difference <= allowed))
            return too_far(p, row, i, ours, own, allowed, p->proof->tool);
        p->proof->tool_difference = fmax(p->proof->tool_difference, difference);
    }
    return SOTTO_OK;
}

static bool has_tool(const proving *p)
{
    return p->booster != NULL || p->walker->graph != NULL;
}

/* What the source's runtime has, where it is known: XGBoost's own, or ONNX's float32 sum. */
static const double *tool_sums(proving *p, size_t in_block)
{
    for (size_t i = 0; p->booster != NULL && i < p->outputs; i++)
        p->walked.own[i] = (double)p->tool_margin[in_block * p->outputs + i];
    return p->walked.own;
}

static sotto_status compare_margins(proving *p, size_t row, size_t in_block)
{
    if (p->walker->means != NULL)
        return compare_distance(p, row);
    sotto_status status = compare_sums(p, row);
    return status == SOTTO_OK && has_tool(p) ? compare_tool(p, row, tool_sums(p, in_block)) : status;
}

static void read_row(proving *p, size_t row)
{
    const learn_table *t = p->table;
    for (size_t f = 0; f < t->features; f++)
        p->row[f] = t->values != NULL ? t->values[row * t->features + f]
                                      : (double)learn_key_float(t->keys[row * t->features + f]);
}

static sotto_status prove_row(proving *p, size_t row, size_t in_block)
{
    const int32_t *keys = p->table->keys + row * p->table->features;
    read_row(p, row);
    learn_walker_row(p->walker, p->row, &p->walked);
    sotto_model_leaves(p->model, keys, p->ours);
    sotto_model_margins_q24(p->model, keys, p->margins);
    /* Of two centroids that are nearly as near either is right. */
    bool near = p->walker->means != NULL && !(p->walked.gap > 2 * p->bound && isfinite(p->walked.sizes[0]));
    p->proof->near += near;
    if (!near)
        compare_leaves(p, row, in_block);
    p->margin_integer[row] = (double)p->margins[0] / ONE_Q24;
    double own = has_tool(p) ? tool_sums(p, in_block)[0] : NAN;
    p->margin_float[row] =
        !isnan(own) ? own : p->walked.sums[0] + (p->walker->has_bias ? 0 : (double)p->bias_q24[0] / ONE_Q24);
    if (p->proof->leaves_differ > 0)
        return SOTTO_OK; /* said by the caller: the sums differ then, of course */
    return compare_margins(p, row, in_block);
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
        return hq_no_memory(p->diag);
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

static sotto_status load_tool(proving *p, const learn_origin *o)
{
    learn_proof *proof = p->proof;
    sotto_status status = SOTTO_OK;
    if (o->source == LEARN_SOURCE_XGBOOST && learn_booster_there() && !has_infinity(p->table)) {
        status = learn_booster_load(&p->booster, o->file, p->diag);
        proof->by_tool = p->booster != NULL;
    }
    proof->tool = proof->by_tool                   ? "XGBoost's own float32 sum"
                  : o->source == LEARN_SOURCE_ONNX ? "the float32 sum that ONNX's operators give"
                                                   : NULL;
    proof->tool_difference = proof->tool != NULL ? 0 : NAN;
    if (p->walker->no_leaves)
        proof->trees = 0;
    return status;
}

sotto_status learn_prove(learn_proof *p, const sotto_model *m, const learn_origin *origin,
                         const learn_table *t, const learn_split *split, sotto_diag *diag)
{
    const sotto_model_info *info = sotto_model_info_of(m);
    *p = (learn_proof){.rows = t->rows, .trees = info->trees};
    proving work = {.proof = p, .model = m, .table = t, .diag = diag};
    work.outputs = info->outputs;
    work.bound = (double)info->margin_error_q24 / ONE_Q24;
    work.name = origin->name;
    sotto_model_biases_q24(m, work.bias_q24);
    sotto_status status = take_memory(&work);
    if (status == SOTTO_OK)
        status = learn_walker_load(&work.walker, origin, m, diag);
    if (status == SOTTO_OK)
        status = load_tool(&work, origin);
    if (status == SOTTO_OK)
        status = prove_rows(&work);
    if (status == SOTTO_OK && t->labels != NULL && info->link == SOTTO_LINK_LOGISTIC && info->outputs == 1)
        status = measure(&work, split);
    free_memory(&work);
    return status;
}
