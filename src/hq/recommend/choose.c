/* Which method and settings: those that would have been best on the last part of the log. */
#include "recommend/recommend.h"

#include <stdlib.h>
#include <string.h>

/* At the counter some products are held already or not on offer. The log does not say which; so each list is
 * judged ROUNDS times with every item that was not bought left out with chance 1/3. Without this only the few
 * most popular items would ever matter. */
enum { ROUNDS = 4, LEFT_OUT_OF = 3, AT = 3 };

typedef struct judging {
    const rec_log *log;
    size_t from;
    int64_t seed;
    const rec_matrix *matrix; /* constants and rows of the known */
    const rec_settings *settings;
    double score[SOTTO_ITEMS_MAX];
    rec_held held[SOTTO_ITEMS_MAX];
} judging;

static bool bought(const rec_log *log, const rec_basket *b, size_t item)
{
    for (size_t i = 0; i < b->count; i++)
        if (log->item[b->first + i] == item)
            return true;
    return false;
}

static bool is_there(const judging *j, size_t basket, size_t round, size_t item)
{
    uint64_t number = ((uint64_t)basket * ROUNDS + round) * SOTTO_ITEMS_MAX + item;
    return eval_hash(j->seed, number) % LEFT_OUT_OF != 0 || bought(j->log, &j->log->basket[basket], item);
}

/* Place (0, 1, 2) of the first thing bought, or AT: one pass that keeps the best three. */
static size_t place_of(const judging *j, size_t basket, size_t round)
{
    size_t best[AT] = {0}, count = 0;
    for (size_t i = 0; i < j->matrix->items; i++) {
        if (!is_there(j, basket, round, i))
            continue;
        size_t at = count < AT ? count++ : AT;
        for (; at > 0 && j->score[i] > j->score[best[at - 1]]; at--)
            if (at < AT)
                best[at] = best[at - 1];
        if (at < AT)
            best[at] = i;
    }
    for (size_t at = 0; at < count; at++)
        if (bought(j->log, &j->log->basket[basket], best[at]))
            return at;
    return AT;
}

static void add_basket(judging *j, size_t basket, rec_quality *q)
{
    for (size_t round = 0; round < ROUNDS; round++) {
        size_t at = place_of(j, basket, round);
        q->lists++;
        q->hit += at < AT;
        q->reciprocal += at < AT ? 1 / (double)(at + 1) : 0;
    }
}

static void finish(rec_quality *q)
{
    double lists = q->lists > 0 ? (double)q->lists : 1;
    q->hit /= lists;
    q->reciprocal /= lists;
    q->lists /= ROUNDS;
}

/* Lists by popularity, of the known or of the new. */
static rec_quality judge_popular(judging *j, bool known)
{
    rec_quality q = {.lists = 0};
    for (size_t i = 0; i < j->matrix->items; i++)
        j->score[i] = j->matrix->popular[i];
    for (size_t b = j->from; b < j->log->count; b++)
        if ((j->log->basket[b].before != REC_NONE) == known)
            add_basket(j, b, &q);
    finish(&q);
    return q;
}

static rec_quality judge_known(judging *j)
{
    const rec_matrix *m = j->matrix;
    rec_quality q = {.lists = 0};
    for (size_t b = j->from; b < j->log->count; b++) {
        if (j->log->basket[b].before == REC_NONE)
            continue;
        size_t count = rec_history(j->log, b, j->held);
        for (size_t i = 0; i < m->items; i++)
            j->score[i] = m->constant[i];
        for (size_t h = 0; h < count; h++) {
            double w = rec_weight(j->held[h].age_days, j->settings->history_days);
            for (size_t i = 0; i < m->items; i++)
                j->score[i] += w * m->row[j->held[h].item * m->items + i];
        }
        add_basket(j, b, &q);
    }
    finish(&q);
    return q;
}

static double merit(const rec_quality *q)
{
    return q->hit + q->reciprocal;
}

static void choose_popular(rec_choice *out, judging *j, rec_matrix *m, const rec_log *log)
{
    static const double DAYS[] = {0, 7, 14, 30, 60, 90, 180, 365};
    for (size_t i = 0; i < SOTTO_COUNT(DAYS); i++) {
        const rec_settings s = {.popular_days = DAYS[i]};
        rec_learn_popular(m, log, j->from, &s);
        rec_quality q = judge_popular(j, false);
        if (i == 0) {
            out->fresh = out->fresh_plain = q;
            out->known_popular = judge_popular(j, true);
        }
        if (i == 0 || merit(&q) > merit(&out->fresh)) {
            out->fresh = q;
            out->best.popular_days = DAYS[i];
        }
    }
}

/* Settings to be tried of one method; 0 ends a list of strengths. */
static const double STRENGTH[REC_METHODS][5] = {
    {1}, {3, 10, 30, 100}, {50, 200, 500, 2000}, {10, 50, 200, 1000}};
static const double HISTORY[] = {0, 30, 90, 180, 365}, EVENTS[] = {0, 60, 180};

static sotto_status try_one(rec_choice *out, judging *j, rec_matrix *m, const rec_settings *s, bool *first,
                            sotto_diag *diag)
{
    sotto_status status = rec_learn(m, j->log, j->from, s, diag);
    if (status != SOTTO_OK)
        return status;
    j->settings = s;
    rec_quality q = judge_known(j);
    out->tried++;
    if (*first || merit(&q) > merit(&out->known)) {
        out->known = q;
        out->best = *s;
    }
    *first = false;
    return SOTTO_OK;
}

static sotto_status choose_matrix(rec_choice *out, judging *j, rec_matrix *m, enum rec_method only,
                                  sotto_diag *diag)
{
    bool first = true;
    double popular_days = out->best.popular_days;
    sotto_status status = SOTTO_OK;
    for (size_t k = 0; k < REC_METHODS; k++) {
        if (only != REC_METHODS && only != k)
            continue;
        size_t histories = k == REC_POPULAR ? 1 : SOTTO_COUNT(HISTORY);
        for (size_t a = 0; a < SOTTO_COUNT(STRENGTH[k]) && STRENGTH[k][a] > 0; a++)
            for (size_t h = 0; h < histories; h++)
                for (size_t e = 0; status == SOTTO_OK && e < (k == REC_POPULAR ? 1 : SOTTO_COUNT(EVENTS));
                     e++) {
                    const rec_settings s = {.method = (enum rec_method)k,
                                            .strength = STRENGTH[k][a],
                                            .history_days = HISTORY[h],
                                            .event_days = EVENTS[e],
                                            .popular_days = popular_days};
                    status = try_one(out, j, m, &s, &first, diag);
                    learn_progress("settings", out->tried,
                                   only == REC_METHODS   ? 181
                                   : only == REC_POPULAR ? 1
                                                         : 60);
                }
    }
    return status;
}

/* The dimensions that do best with the settings chosen, or those asked for, judged. */
static void try_dims(rec_choice *out, judging *j, rec_matrix *reduced, const rec_factors *f, size_t asked)
{
    static const size_t DIMS[] = {1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 16, 20, 24, 32, 48, SOTTO_ITEMS_DIMS_MAX};
    j->matrix = reduced;
    for (size_t i = 0; i < SOTTO_COUNT(DIMS) && (i == 0 || (asked == 0 && DIMS[i] <= f->items)); i++) {
        size_t dims = asked > 0 ? asked : DIMS[i];
        rec_reduce(f, dims, reduced);
        rec_quality q = judge_known(j);
        if (i == 0 || merit(&q) > merit(&out->embedded)) {
            out->embedded = q;
            out->dims = dims;
        }
    }
}

static sotto_status choose_dims(rec_choice *out, judging *j, rec_matrix *m, const rec_wish *wish,
                                sotto_diag *diag)
{
    rec_matrix reduced;
    rec_factors f = {.items = 0};
    if (wish->dims > m->items)
        return sotto_diag_set(diag, SOTTO_ERR(HQ, RANGE), "%zu dimensions, and there are only %zu items",
                              wish->dims, m->items);
    sotto_status status = rec_matrix_init(&reduced, m->items, 0, diag);
    if (status == SOTTO_OK)
        status = rec_learn(m, j->log, j->from, &out->best, diag);
    if (status == SOTTO_OK)
        status = rec_factors_init(&f, m, diag);
    j->settings = &out->best;
    if (status == SOTTO_OK) {
        memcpy(reduced.popular, m->popular, m->items * sizeof *m->popular);
        try_dims(out, j, &reduced, &f, wish->dims);
    }
    rec_factors_free(&f);
    rec_matrix_free(&reduced);
    return status;
}

sotto_status rec_choose(rec_choice *out, const rec_log *log, const rec_wish *wish, sotto_diag *diag)
{
    *out = (rec_choice){.tried = 0};
    rec_matrix m;
    judging *j = eval_array(1, sizeof *j, diag);
    sotto_status status = j == NULL ? diag->status : rec_matrix_init(&m, log->items, 0, diag);
    if (status == SOTTO_OK) {
        size_t judged = (size_t)((uint64_t)log->count * (uint64_t)wish->percent / 100);
        *j = (judging){.log = log, .from = log->count - judged, .seed = wish->seed, .matrix = &m};
        if (judged == 0 || j->from == 0)
            status = sotto_diag_set(diag, SOTTO_ERR(HQ, RANGE), "too few purchases to choose settings by");
        if (status == SOTTO_OK)
            choose_popular(out, j, &m, log);
        if (status == SOTTO_OK)
            status = choose_matrix(out, j, &m, wish->only, diag);
        if (status == SOTTO_OK && wish->width > 0)
            status = choose_dims(out, j, &m, wish, diag);
        rec_matrix_free(&m);
    }
    free(j);
    return status;
}
