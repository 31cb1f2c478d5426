/* Has the world moved since the model was trained? Scores and inputs of later rows against those of the
 * training time, and what the area under the ROC curve became. The first two need no labels: they can warn
 * before the answers are in. */
#include "learn/train.h"

#include <math.h>
#include <stdlib.h>

/* The rows of the reference or of one slice, and room for a column of each. */
typedef struct measuring {
    const learn_job *job;
    const double *scores;
    size_t *rows; /* of the slice */
    size_t n;
    size_t *reference;
    size_t n_reference;
    double *now, *then; /* a column */
    uint8_t *labels;
} measuring;

static void take_column(const measuring *m, size_t feature, const size_t *rows, size_t n, double *out)
{
    const learn_table *t = m->job->table;
    for (size_t i = 0; i < n; i++)
        out[i] = (double)learn_key_float(t->keys[rows[i] * t->features + feature]);
}

static void take_scores(const measuring *m, const size_t *rows, size_t n, double *out)
{
    for (size_t i = 0; i < n; i++)
        out[i] = m->scores[rows[i]];
}

static void measure_inputs(const measuring *m, learn_slice *s)
{
    for (size_t f = 0; f < m->job->table->features; f++) {
        take_column(m, f, m->reference, m->n_reference, m->then);
        take_column(m, f, m->rows, m->n, m->now);
        double psi = learn_psi(m->then, m->n_reference, m->now, m->n);
        s->moved += psi > LEARN_PSI_WARNS;
        if (f == 0 || psi > s->psi_input) {
            s->psi_input = psi;
            s->input = f;
        }
    }
}

static void measure_slice(const measuring *m, learn_slice *s)
{
    *s = (learn_slice){.rows = m->n};
    for (size_t i = 0; i < m->n; i++) {
        m->labels[i] = m->job->table->labels[m->rows[i]];
        s->positives += m->labels[i];
    }
    measure_inputs(m, s);
    take_scores(m, m->reference, m->n_reference, m->then);
    take_scores(m, m->rows, m->n, m->now);
    s->psi_score = learn_psi(m->then, m->n_reference, m->now, m->n);
    s->auc = learn_auc(m->now, m->labels, m->n);
    s->auc_error = learn_auc_error(m->now, m->labels, m->n);
}

static sotto_status take_memory(measuring *m, sotto_diag *diag)
{
    size_t n = m->job->table->rows;
    m->rows = calloc(n, sizeof *m->rows);
    m->reference = calloc(n, sizeof *m->reference);
    m->now = calloc(n, sizeof *m->now);
    m->then = calloc(n, sizeof *m->then);
    m->labels = calloc(n, 1);
    if (m->rows == NULL || m->reference == NULL || m->now == NULL || m->then == NULL || m->labels == NULL)
        return hq_no_memory(diag);
    return SOTTO_OK;
}

static void free_memory(measuring *m)
{
    free(m->rows);
    free(m->reference);
    free(m->now);
    free(m->then);
    free(m->labels);
}

/* Rows from `from` on are the slices; of the others those that were not trained on are the reference. */
static void measure_all(measuring *m, learn_drift *d, const uint8_t *use, size_t from)
{
    size_t rows = m->job->table->rows;
    for (size_t row = 0; row < from; row++)
        if (use[row] == LEARN_JUDGED)
            m->rows[m->n++] = m->reference[m->n_reference++] = row;
    measure_slice(m, &d->reference);
    for (size_t slice = 0; slice < LEARN_SLICES; slice++) {
        size_t start = from + (rows - from) * slice / LEARN_SLICES;
        size_t end = from + (rows - from) * (slice + 1) / LEARN_SLICES;
        m->n = end - start;
        for (size_t i = 0; i < m->n; i++)
            m->rows[i] = start + i;
        measure_slice(m, &d->slices[slice]);
    }
}

/* Of the rows before the held-out ones a fifth, by a hash, is the reference: later rows are compared with
 * rows that the model has not seen either. */
static size_t assign(uint8_t *use, size_t rows, int64_t holdout_percent, int64_t seed)
{
    learn_split tail = {.kind = LEARN_SPLIT_TIME, .holdout_percent = holdout_percent};
    learn_split kept = {.kind = LEARN_SPLIT_RANDOM, .seed = seed + 1, .holdout_percent = 20};
    size_t from = rows;
    for (size_t row = rows; row-- > 0;) {
        bool late = learn_split_held_out(&tail, row, rows);
        from = late ? row : from;
        use[row] = late || learn_split_held_out(&kept, row, rows) ? LEARN_JUDGED : LEARN_TRAINED;
    }
    return from;
}

sotto_status learn_drift_measure(learn_drift *d, const learn_job *job, const learn_settings *s,
                                 int64_t holdout_percent, sotto_diag *diag)
{
    size_t rows = job->table->rows;
    uint8_t *use = malloc(rows);
    double *scores = calloc(rows, sizeof *scores);
    learn_booster *b = NULL;
    learn_figures f;
    learn_settings quiet = *s;
    measuring m = {.job = job, .scores = scores};
    sotto_status status = take_memory(&m, diag);
    quiet.quiet = true;
    quiet.early_stop = 0;
    if (status == SOTTO_OK && (use == NULL || scores == NULL))
        status = hq_no_memory(diag);
    if (status == SOTTO_OK) {
        size_t from = assign(use, rows, holdout_percent, s->seed);
        status = learn_fit(&b, job, use, &quiet, &f, scores, diag);
        if (status == SOTTO_OK)
            measure_all(&m, d, use, from);
    }
    learn_booster_free(b);
    free_memory(&m);
    free(use);
    free(scores);
    return status;
}
