/* The same figures for parts of the rows: one after the other in time, and by known and new customers. */
#include "report/report.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { TIME_SLICES = 8 };

/* A judged row with what orders it. */
typedef struct placed {
    double number;
    const char *word; /* NULL: by number */
    size_t index;
} placed;

static int compare_placed(const void *a, const void *b)
{
    const placed *x = a, *y = b;
    int order =
        x->word != NULL ? strcmp(x->word, y->word) : (x->number > y->number) - (x->number < y->number);
    return order != 0 ? order : (x->index > y->index) - (x->index < y->index);
}

static bool same_place(const placed *x, const placed *y)
{
    return x->word != NULL ? strcmp(x->word, y->word) == 0
                           : !(x->number < y->number) && !(x->number > y->number);
}

/* order: indices of n judged rows. */
static sotto_status slice_of(const report *r, const size_t *order, size_t n, report_slice *out,
                             sotto_diag *diag)
{
    double *score = eval_array(n, sizeof *score, diag);
    uint8_t *label = eval_array(n, 1, diag);
    eval_scored part = {.rows = n, .score = score, .label = label};
    sotto_status status = score == NULL || label == NULL ? diag->status : SOTTO_OK;
    double z = eval_z(r->o->confidence);
    for (size_t i = 0; status == SOTTO_OK && i < n; i++) {
        score[i] = r->margin[order[i]];
        label[i] = r->judged_label[order[i]];
        out->score += r->score[order[i]] / (double)n;
        out->positives += label[i];
    }
    out->rows = n;
    if (status == SOTTO_OK)
        status = eval_scored_init(&part, diag);
    if (status == SOTTO_OK) {
        double variance = eval_auc_variance(&part);
        out->auc = isnan(variance) ? (double)NAN : eval_auc(&part, NULL);
        out->auc_interval = eval_normal(out->auc, variance, z);
        out->auc_interval.high = fmin(1, out->auc_interval.high);
        out->auc_interval.low = fmax(0, out->auc_interval.low);
        out->rate_interval = eval_wilson((double)out->positives, (double)n, z);
    }
    eval_scored_free(&part);
    free(score);
    free(label);
    return status;
}

/* Numbers are ordered as numbers when every word of the column is one; dates as YYYY-MM-DD are in order as
 * texts. */
static bool all_numbers(const eval_words *words)
{
    double number;
    for (size_t i = 0; i < eval_words_count(words); i++)
        if (!eval_number(sotto_span_str(eval_words_at(words, i)), &number))
            return false;
    return true;
}

static void place_rows(const report *r, const eval_column *c, placed *rows)
{
    bool numbers = c->code != NULL && all_numbers(c->words);
    for (size_t i = 0; i < r->scored.rows; i++) {
        rows[i] = (placed){.number = (double)(r->row[i] + 1), .index = i};
        if (c->code == NULL)
            continue;
        const char *word = eval_words_at(c->words, c->code[r->row[i]]);
        if (!numbers)
            rows[i].word = word;
        else
            (void)eval_number(sotto_span_str(word), &rows[i].number);
    }
    qsort(rows, r->scored.rows, sizeof *rows, compare_placed);
}

static void name_slice(const eval_column *c, const placed *first, const placed *last, report_slice *out)
{
    char from[32], to[32];
    if (c->code == NULL)
        (void)snprintf(out->name, sizeof out->name, "%s to %s", learn_grouped((uint64_t)first->number, from),
                       learn_grouped((uint64_t)last->number, to));
    else if (first->word != NULL && same_place(first, last))
        (void)snprintf(out->name, sizeof out->name, "%.90s", first->word);
    else if (first->word != NULL)
        (void)snprintf(out->name, sizeof out->name, "%.40s to %.40s", first->word, last->word);
    else if (same_place(first, last))
        (void)snprintf(out->name, sizeof out->name, "%g", first->number);
    else
        (void)snprintf(out->name, sizeof out->name, "%g to %g", first->number, last->number);
}

static size_t count_places(const placed *rows, size_t n)
{
    size_t count = n > 0;
    for (size_t i = 1; i < n; i++)
        count += !same_place(&rows[i - 1], &rows[i]);
    return count;
}

/* The end of the slice that starts at `start`: a place of its own each when there are few, else about n /
 * wanted rows; rows of one place stay together. */
static size_t slice_end(const placed *rows, size_t n, size_t start, size_t slice, size_t wanted, bool each)
{
    size_t end = each ? start + 1 : (slice + 1) * n / wanted;
    end = end <= start ? start + 1 : end;
    while (end < n && same_place(&rows[end - 1], &rows[end]))
        end++;
    return end;
}

static sotto_status cut(const report *r, const eval_column *c, const placed *rows, size_t *order,
                        report_slices *out, sotto_diag *diag)
{
    size_t n = r->scored.rows;
    bool each = count_places(rows, n) <= REPORT_SLICES_MAX;
    sotto_status status = SOTTO_OK;
    for (size_t i = 0; i < n; i++)
        order[i] = rows[i].index;
    for (size_t start = 0, end; status == SOTTO_OK && start < n; start = end) {
        end = slice_end(rows, n, start, out->count, TIME_SLICES, each);
        report_slice *s = &out->slice[out->count++];
        name_slice(c, &rows[start], &rows[end - 1], s);
        status = slice_of(r, order + start, end - start, s, diag);
    }
    return status;
}

static sotto_status slices_by(const report *r, const eval_column *c, report_slices *out, sotto_diag *diag)
{
    placed *rows = eval_array(r->scored.rows, sizeof *rows, diag);
    size_t *order = eval_array(r->scored.rows, sizeof *order, diag);
    sotto_status status = rows == NULL || order == NULL ? diag->status : SOTTO_OK;
    if (status == SOTTO_OK) {
        place_rows(r, c, rows);
        status = cut(r, c, rows, order, out, diag);
    }
    free(rows);
    free(order);
    return status;
}

/* A column of many words would print what customers have, one by one. */
static sotto_status check_known(const report *r, sotto_diag *diag)
{
    size_t words = eval_words_count(r->known.words);
    if (words <= REPORT_SLICES_MAX)
        return SOTTO_OK;
    return sotto_diag_set(diag, SOTTO_ERR(HQ, RANGE),
                          "--known-column %.64s has %zu different values; a report shows at most %d groups",
                          r->o->known_column, words, REPORT_SLICES_MAX);
}

sotto_status report_slices_of(report *r, sotto_diag *diag)
{
    sotto_status status = slices_by(r, &r->time, &r->by_time, diag);
    if (status != SOTTO_OK || r->known.code == NULL)
        return status;
    status = check_known(r, diag);
    return status == SOTTO_OK ? slices_by(r, &r->known, &r->by_known, diag) : status;
}
