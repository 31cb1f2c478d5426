/* From baskets to a matrix: popularity; NEXT; EASE; kNN. docs/recommend.md has the formulas and sources. */
#include "recommend/recommend.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

const char *const rec_method_names[REC_METHODS] = {"popular", "next", "ease", "knn"};

enum { SEGMENT_PRIOR = 50 }; /* baskets of all customers that are mixed into a segment's shares */

double rec_weight(double age_days, double half_life_days)
{
    return half_life_days > 0 ? exp2(-age_days / half_life_days) : 1;
}

sotto_status rec_matrix_init(rec_matrix *m, size_t items, size_t segments, sotto_diag *diag)
{
    *m = (rec_matrix){.items = items, .segments = segments};
    m->popular = eval_array((1 + segments) * items, sizeof(double), diag);
    m->constant = eval_array(items, sizeof(double), diag);
    m->row = eval_array(items * items, sizeof(double), diag);
    m->together = eval_array(items * items, sizeof(double), diag);
    m->mean = eval_array(items, sizeof(double), diag);
    return m->popular == NULL || m->constant == NULL || m->row == NULL || m->together == NULL ||
                   m->mean == NULL
               ? SOTTO_ERR(HQ, NO_MEMORY)
               : SOTTO_OK;
}

void rec_matrix_free(rec_matrix *m)
{
    free(m->popular);
    free(m->constant);
    free(m->row);
    free(m->together);
    free(m->mean);
    *m = (rec_matrix){.items = 0};
}

/* Shares of baskets with the item; half a basket more, so that none is 0. */
void rec_learn_popular(rec_matrix *m, const rec_log *log, size_t count, const rec_settings *s)
{
    double total[1 + SOTTO_ITEMS_SEGMENTS_MAX] = {0};
    int32_t end = log->basket[count - 1].day;
    memset(m->popular, 0, (1 + m->segments) * m->items * sizeof(double));
    for (size_t b = 0; b < count; b++) {
        const rec_basket *basket = &log->basket[b];
        double w = rec_weight(end - basket->day, s->popular_days);
        for (size_t k = 0; k <= (m->segments > 0); k++) {
            size_t line = k == 0 ? 0 : 1 + basket->segment;
            total[line] += w;
            for (size_t i = 0; i < basket->count; i++)
                m->popular[line * m->items + log->item[basket->first + i]] += w;
        }
    }
    for (size_t line = 0; line <= m->segments; line++)
        for (size_t i = 0; i < m->items; i++) {
            double *p = &m->popular[line * m->items + i];
            *p = line == 0 ? (*p + .5) / (total[0] + 1)
                           : (*p + SEGMENT_PRIOR * m->popular[i]) / (total[line] + SEGMENT_PRIOR);
        }
}

/* One basket with a history: what was held (weights), what was bought, and what it counts. */
typedef struct lesson {
    rec_held held[SOTTO_ITEMS_MAX];
    double weight[SOTTO_ITEMS_MAX];
    size_t count;
    const uint16_t *bought;
    size_t bought_count;
    double worth;
} lesson;

static bool take_lesson(lesson *l, const rec_log *log, size_t basket, int32_t end, const rec_settings *s)
{
    const rec_basket *b = &log->basket[basket];
    if (b->before == REC_NONE)
        return false;
    l->count = rec_history(log, basket, l->held);
    for (size_t i = 0; i < l->count; i++)
        l->weight[i] = rec_weight(l->held[i].age_days, s->history_days);
    l->bought = log->item + b->first;
    l->bought_count = b->count;
    l->worth = rec_weight(end - b->day, s->event_days);
    return true;
}

typedef struct work {
    lesson lesson;
    double *gram, *cross; /* (items + 1)^2, (items + 1) x items: place 0 is the constant */
    double total, held, held_count;
} work;

/* Sums of h'h and h'y over lessons, h = (1, weights of what was held), y = what was bought. */
static void add_lesson(work *w, size_t items)
{
    const lesson *l = &w->lesson;
    size_t n = items + 1;
    for (size_t i = 0; i <= l->count; i++) {
        size_t at = i == 0 ? 0 : 1u + l->held[i - 1].item;
        double x = l->worth * (i == 0 ? 1 : l->weight[i - 1]);
        for (size_t k = 0; k <= l->count; k++)
            w->gram[at * n + (k == 0 ? 0 : 1u + l->held[k - 1].item)] += x * (k == 0 ? 1 : l->weight[k - 1]);
        for (size_t k = 0; k < l->bought_count; k++)
            w->cross[at * items + l->bought[k]] += x;
    }
    w->total += l->worth;
    for (size_t i = 0; i < l->count; i++)
        w->held += l->weight[i];
    w->held_count += (double)l->count;
}

/* What embeddings are judged by. */
static void note_together(rec_matrix *m, const work *w)
{
    size_t n = m->items, wide = n + 1;
    double total = w->total > 0 ? w->total : 1;
    for (size_t i = 0; i < n; i++) {
        m->mean[i] = w->gram[1 + i] / total;
        for (size_t k = 0; k < n; k++)
            m->together[i * n + k] =
                w->gram[(1 + i) * wide + 1 + k] - w->gram[1 + i] * w->gram[1 + k] / total;
    }
}

/* NEXT: ridge regression of what is bought on what was held before, in closed form; the constant is free of
 * the ridge (but for a trace that keeps the system definite). */
static bool learn_next(rec_matrix *m, work *w, const rec_settings *s)
{
    size_t n = m->items + 1;
    for (size_t i = 0; i < n; i++)
        w->gram[i * n + i] += i == 0 ? 1e-6 : s->strength;
    if (!rec_solve(w->gram, n, w->cross, m->items))
        return false;
    memcpy(m->constant, w->cross, m->items * sizeof(double));
    memcpy(m->row, w->cross + m->items, m->items * m->items * sizeof(double));
    return true;
}

/* Items together in a customer's hands: counts[i][j] customers have both. */
static sotto_status count_pairs(const rec_log *log, size_t count, size_t items, double *pairs,
                                sotto_diag *diag)
{
    uint8_t *later = eval_array(count, 1, diag);
    rec_held *held = eval_array(SOTTO_ITEMS_MAX, sizeof *held, diag);
    for (size_t b = 0; later != NULL && b < count; b++)
        if (log->basket[b].before != REC_NONE)
            later[log->basket[b].before] = 1;
    for (size_t b = 0; later != NULL && held != NULL && b < count; b++) {
        if (later[b])
            continue; /* a customer is counted once, with the last basket */
        const rec_basket *basket = &log->basket[b];
        size_t n = rec_history(log, b, held), before = n;
        for (size_t i = 0; i < basket->count; i++) {
            bool there = false;
            for (size_t k = 0; k < before; k++)
                there = there || held[k].item == log->item[basket->first + i];
            if (!there)
                held[n++] = (rec_held){.item = log->item[basket->first + i]};
        }
        for (size_t i = 0; i < n; i++)
            for (size_t k = 0; k < n; k++)
                pairs[held[i].item * items + held[k].item] += 1;
    }
    free(later);
    free(held);
    return diag->status;
}

/* kNN by cosine with shrinkage: c_ij / (sqrt(c_i c_j) + strength). */
static void similar(double *pairs, size_t n, double strength, double *row)
{
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < n; k++)
            row[i * n + k] = i == k || pairs[i * n + k] == 0
                                 ? 0
                                 : pairs[i * n + k] / (sqrt(pairs[i * n + i] * pairs[k * n + k]) + strength);
}

/* EASE: P = (X'X + strength I)^-1, B_ij = -P_ij / P_jj, B_jj = 0. */
static bool shallow(double *pairs, size_t n, double strength, double *row, double *inverse)
{
    memset(inverse, 0, n * n * sizeof(double));
    for (size_t i = 0; i < n; i++) {
        pairs[i * n + i] += strength;
        inverse[i * n + i] = 1;
    }
    if (!rec_solve(pairs, n, inverse, n))
        return false;
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < n; k++)
            row[i * n + k] = i == k ? 0 : -inverse[i * n + k] / inverse[k * n + k];
    return true;
}

/* EASE and kNN say what goes together on a scale of their own: one factor f and a constant each item bring it
 * to shares, by least squares over the same lessons as NEXT. With S the rows and sums G = h'h, C = h'y of the
 * lessons, all centred: f = trace(S'C) / trace(S'G S). */
static void to_shares(rec_matrix *m, const work *w)
{
    size_t n = m->items, wide = n + 1;
    double above = 0, below = 0, total = w->total > 0 ? w->total : 1;
    for (size_t i = 0; i < n; i++)
        for (size_t y = 0; y < n; y++) {
            double c = w->cross[(1 + i) * n + y] - w->gram[1 + i] * w->cross[y] / total, gs = 0;
            for (size_t k = 0; k < n; k++)
                gs += (w->gram[(1 + i) * wide + 1 + k] - w->gram[1 + i] * w->gram[1 + k] / total) *
                      m->row[k * n + y];
            above += m->row[i * n + y] * c;
            below += m->row[i * n + y] * gs;
        }
    double f = below > 0 && above > 0 ? above / below : 0;
    for (size_t i = 0; i < n * n; i++)
        m->row[i] *= f;
    for (size_t y = 0; y < n; y++) {
        m->constant[y] = w->cross[y] / total;
        for (size_t i = 0; i < n; i++)
            m->constant[y] -= w->gram[1 + i] / total * m->row[i * n + y];
    }
}

static sotto_status learn_together(rec_matrix *m, work *w, const rec_log *log, size_t count,
                                   const rec_settings *s, sotto_diag *diag)
{
    size_t n = m->items;
    double *pairs = eval_array(n * n, sizeof *pairs, diag);
    double *inverse = eval_array(n * n, sizeof *inverse, diag);
    sotto_status status = diag->status;
    if (status == SOTTO_OK)
        status = count_pairs(log, count, n, pairs, diag);
    if (status == SOTTO_OK && s->method == REC_KNN)
        similar(pairs, n, s->strength, m->row);
    else if (status == SOTTO_OK && s->method == REC_EASE && !shallow(pairs, n, s->strength, m->row, inverse))
        status = sotto_diag_set(diag, SOTTO_ERR(HQ, RANGE), "the ridge %g is too small", s->strength);
    if (status == SOTTO_OK)
        to_shares(m, w);
    free(pairs);
    free(inverse);
    return status;
}

static sotto_status learn(rec_matrix *m, work *w, const rec_log *log, size_t count, const rec_settings *s,
                          sotto_diag *diag)
{
    int32_t end = log->basket[count - 1].day;
    for (size_t b = 0; b < count; b++)
        if (take_lesson(&w->lesson, log, b, end, s))
            add_lesson(w, m->items);
    m->held = w->held_count > 0 ? w->held / w->held_count : 1;
    note_together(m, w);
    if (s->method == REC_NEXT)
        return learn_next(m, w, s)
                   ? SOTTO_OK
                   : sotto_diag_set(diag, SOTTO_ERR(HQ, RANGE), "the ridge %g is too small", s->strength);
    memset(m->row, 0, m->items * m->items * sizeof(double));
    if (s->method != REC_POPULAR)
        return learn_together(m, w, log, count, s, diag);
    memcpy(m->constant, m->popular, m->items * sizeof(double));
    return SOTTO_OK;
}

sotto_status rec_learn(rec_matrix *m, const rec_log *log, size_t count, const rec_settings *s,
                       sotto_diag *diag)
{
    size_t n = m->items;
    work *w = eval_array(1, sizeof *w, diag);
    if (w == NULL)
        return diag->status;
    w->gram = eval_array((n + 1) * (n + 1), sizeof(double), diag);
    w->cross = eval_array((n + 1) * n, sizeof(double), diag);
    sotto_status status = diag->status;
    rec_learn_popular(m, log, count, s);
    if (status == SOTTO_OK)
        status = learn(m, w, log, count, s, diag);
    free(w->gram);
    free(w->cross);
    free(w);
    return status;
}
