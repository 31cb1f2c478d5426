/* Lists, customer by customer: where the first thing stands that was wanted, and how much of it stands above.
 */
#include "evaluate/evaluate.h"

#include <math.h>
#include <stdlib.h>

typedef struct place {
    uint32_t customer;
    double key;   /* small first */
    uint64_t lot; /* among equal keys */
    uint8_t label;
} place;

static int compare_places(const void *a, const void *b)
{
    const place *x = a, *y = b;
    if (x->customer != y->customer)
        return x->customer < y->customer ? -1 : 1;
    int by_key = (x->key > y->key) - (x->key < y->key);
    return by_key != 0 ? by_key : (x->lot > y->lot) - (x->lot < y->lot);
}

/* Gains are 0 or 1, the discount is 1 / log2(place + 1) (Burges et al., "Learning to rank using gradient
 * descent", ICML 2005, after Jarvelin and Kekalainen, ACM TOIS 20, 2002). */
static eval_list judge(const place *list, size_t len, size_t n)
{
    eval_list l = {.reciprocal = 0};
    double gain = 0, best = 0;
    size_t found = 0;
    for (size_t i = 0; i < len; i++) {
        if (!list[i].label)
            continue;
        if (found++ == 0)
            l.reciprocal = 1 / (double)(i + 1);
        if (i < n)
            gain += 1 / log2((double)i + 2);
        if (found <= n)
            best += 1 / log2((double)found + 1);
    }
    l.hit = gain > 0;
    l.reciprocal_at = gain > 0 ? l.reciprocal : 0;
    l.ndcg = found > 0 ? gain / best : 0;
    return l;
}

sotto_status eval_rank(const eval_scored *s, const double *rank, size_t n, int64_t seed, eval_list *out,
                       size_t *count, sotto_diag *diag)
{
    place *places = eval_array(s->rows, sizeof *places, diag);
    *count = 0;
    if (places == NULL)
        return diag->status;
    for (size_t i = 0; i < s->rows; i++)
        places[i] =
            (place){s->unit[i], rank == NULL ? -s->score[i] : rank[i], eval_hash(seed, i), s->label[i]};
    qsort(places, s->rows, sizeof *places, compare_places);
    for (size_t at = 0, end; at < s->rows; at = end) {
        for (end = at; end < s->rows && places[end].customer == places[at].customer;)
            end++;
        eval_list l = judge(places + at, end - at, n);
        if (l.reciprocal > 0)
            out[(*count)++] = l;
    }
    free(places);
    return SOTTO_OK;
}
