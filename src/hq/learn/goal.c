/* Figures of what is neither yes nor no. Deviances: Jorgensen, The Theory of Dispersion Models, 1997; NDCG:
 * Jarvelin and Kekalainen 2002, with the gain 2^relevance - 1 of Burges et al. 2005. */
#include "learn/goal.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { NDCG_AT = 10, RELEVANCE_MAX = 31, CLASS_MAX = SOTTO_MODEL_OUTPUTS_MAX - 1 };
#define NUMBER_MAX 1e30

static const learn_goal GOALS[] = {
    {LEARN_GOAL_REGRESSION,
     "regression",
     "reg:squarederror",
     {"RMSE", "mean absolute error"},
     {"rmse", "mae"},
     -NUMBER_MAX,
     NUMBER_MAX,
     false},
    {LEARN_GOAL_COUNT,
     "count",
     "count:poisson",
     {"Poisson deviance", "mean absolute error"},
     {"deviance", "mae"},
     0,
     NUMBER_MAX,
     false},
    {LEARN_GOAL_AMOUNT,
     "amount",
     "reg:tweedie",
     {"Tweedie deviance (power 1.5)", "mean absolute error"},
     {"deviance", "mae"},
     0,
     NUMBER_MAX,
     false},
    {LEARN_GOAL_MULTICLASS,
     "multiclass",
     "multi:softprob",
     {"log loss", "share of wrong classes"},
     {"mlogloss", "error"},
     0,
     CLASS_MAX,
     true},
    {LEARN_GOAL_RANK, "rank", "rank:ndcg", {"NDCG@10", "NDCG"}, {"ndcg10", "ndcg"}, 0, RELEVANCE_MAX, true},
};

const learn_goal *learn_goal_find(const char *name)
{
    for (size_t i = 0; i < SOTTO_COUNT(GOALS); i++)
        if (strcmp(GOALS[i].name, name) == 0)
            return &GOALS[i];
    return NULL;
}

static void softmax(double *row, size_t n)
{
    double most = row[0], sum = 0;
    for (size_t i = 1; i < n; i++)
        most = fmax(most, row[i]);
    for (size_t i = 0; i < n; i++)
        sum += row[i] = exp(row[i] - most);
    for (size_t i = 0; i < n; i++)
        row[i] /= sum;
}

void learn_goal_answers(const learn_goal *g, double *margins, size_t n, size_t outputs)
{
    for (size_t i = 0; i < n; i++) {
        if (g->kind == LEARN_GOAL_MULTICLASS)
            softmax(margins + i * outputs, outputs);
        else if (g->kind == LEARN_GOAL_COUNT || g->kind == LEARN_GOAL_AMOUNT)
            margins[i] = exp(margins[i]);
    }
}

/* What one row adds to the first figure; RMSE is rooted behind. */
static double loss_of(enum learn_goal_kind kind, double y, double mu)
{
    static const double LEAST = 1e-30; /* an answer is e^margin: only a margin below -69 is less */
    double m = fmax(mu, LEAST);
    if (kind == LEARN_GOAL_COUNT)
        return 2 * ((y > 0 ? y * log(y / m) : 0) - (y - mu));
    if (kind == LEARN_GOAL_AMOUNT) /* the unit deviance of power 1.5 */
        return 4 * (y / sqrt(m) + sqrt(m) - 2 * sqrt(y));
    return (y - mu) * (y - mu);
}

static void judge_numbers(const learn_goal *g, const double *answers, const double *targets, size_t n,
                          double *out)
{
    out[0] = out[1] = 0;
    for (size_t i = 0; i < n; i++) {
        out[0] += loss_of(g->kind, targets[i], answers[i]) / (double)n;
        out[1] += fabs(targets[i] - answers[i]) / (double)n;
    }
    if (g->kind == LEARN_GOAL_REGRESSION)
        out[0] = sqrt(out[0]);
}

static void judge_classes(const double *answers, const double *targets, size_t n, size_t outputs, double *out)
{
    static const double EDGE = 1e-15;
    out[0] = out[1] = 0;
    for (size_t i = 0; i < n; i++) {
        const double *row = answers + i * outputs;
        size_t class = (size_t)targets[i], best = 0;
        for (size_t k = 1; k < outputs; k++)
            best = row[k] > row[best] ? k : best;
        out[0] -= log(fmax(row[class], EDGE)) / (double)n;
        out[1] += (best != class) / (double)n;
    }
}

/* One row of a group. */
typedef struct ranked {
    double score, target;
    size_t row;
} ranked;

static int by_score(const void *a, const void *b)
{
    const ranked *x = a, *y = b;
    int order = (x->score < y->score) - (x->score > y->score);
    return order != 0 ? order : (x->row > y->row) - (x->row < y->row);
}

static int by_target(const void *a, const void *b)
{
    const ranked *x = a, *y = b;
    return (x->target < y->target) - (x->target > y->target);
}

static double gain(const ranked *rows, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += (exp2(rows[i].target) - 1) / log2((double)i + 2);
    return sum;
}

/* Adds a group's NDCG@10 and NDCG. False when nothing in it is relevant: then no order is better. */
static bool add_group(ranked *rows, size_t n, double *out)
{
    size_t first = n < NDCG_AT ? n : NDCG_AT;
    qsort(rows, n, sizeof *rows, by_score);
    double got[2] = {gain(rows, first), gain(rows, n)};
    qsort(rows, n, sizeof *rows, by_target);
    double best[2] = {gain(rows, first), gain(rows, n)};
    for (int i = 0; i < 2 && best[0] > 0; i++)
        out[i] += got[i] / best[i];
    return best[0] > 0;
}

static void judge_order(const double *answers, const double *targets, const uint32_t *groups, size_t n,
                        double *out)
{
    ranked *rows = calloc(n, sizeof *rows);
    size_t counted = 0;
    out[0] = out[1] = 0;
    for (size_t start = 0, end; rows != NULL && start < n; start = end) {
        for (end = start; end < n && groups[end] == groups[start]; end++)
            rows[end] = (ranked){answers[end], targets[end], end};
        counted += add_group(rows + start, end - start, out);
    }
    out[0] = counted > 0 ? out[0] / (double)counted : NAN;
    out[1] = counted > 0 ? out[1] / (double)counted : NAN;
    free(rows);
}

void learn_goal_judge(const learn_goal *g, const double *answers, const double *targets,
                      const uint32_t *groups, size_t n, size_t outputs, double out[LEARN_GOAL_FIGURES])
{
    if (n == 0)
        out[0] = out[1] = NAN;
    else if (g->kind == LEARN_GOAL_MULTICLASS)
        judge_classes(answers, targets, n, outputs, out);
    else if (g->kind == LEARN_GOAL_RANK)
        judge_order(answers, targets, groups, n, out);
    else
        judge_numbers(g, answers, targets, n, out);
}
