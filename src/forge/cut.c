/* Cuts as the file holds them: sets of categories numbered by content, float64 thresholds as float32 keys. */
#include "forge_priv.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const int32_t KEY_MAX = 0x7f800000; /* of infinity */

/* One set to be sorted: qsort has no room for a context. */
typedef struct item {
    const uint32_t *words;
    uint32_t count, set;
} item;

/* Sets in the order of their numbers as integers: by length, as the last word is not zero, then from the end.
 */
static int compare_sets(const void *a, const void *b)
{
    const item *x = a, *y = b;
    if (x->count != y->count)
        return x->count < y->count ? -1 : 1;
    for (uint32_t i = x->count; i-- > 0;)
        if (x->words[i] != y->words[i])
            return x->words[i] < y->words[i] ? -1 : 1;
    return 0;
}

static void number_sets(forge_layout *l, const item *items, size_t count)
{
    uint32_t rank = 0;
    for (size_t i = 0; i < count; i++) {
        if (i > 0 && compare_sets(&items[i], &items[i - 1]) != 0)
            rank++;
        l->set_rank[items[i].set] = rank;
        l->rank_set[rank] = items[i].set;
    }
}

sotto_status sotto_forge_rank_sets(forge_layout *l, const forge_forest *f, sotto_diag *diag)
{
    size_t count = f->sets.count;
    if (count == 0)
        return SOTTO_OK;
    item *items = calloc(count, sizeof *items);
    l->set_rank = calloc(count, sizeof *l->set_rank);
    l->rank_set = calloc(count, sizeof *l->rank_set);
    if (items == NULL || l->set_rank == NULL || l->rank_set == NULL) {
        free(items);
        return sotto_forge_no_memory(diag);
    }
    for (size_t i = 0; i < count; i++)
        items[i] =
            (item){f->sets.words + f->sets.starts[i], f->sets.starts[i + 1] - f->sets.starts[i], (uint32_t)i};
    qsort(items, count, sizeof *items, compare_sets);
    number_sets(l, items, count);
    free(items);
    return SOTTO_OK;
}

/* The key of the smallest float32 that is not below v: x < v and x < that are the same for every float32. */
static int32_t ceiling_key(double v)
{
    float f = (float)v;
    return sotto_forge_float_key((double)f < v ? nextafterf(f, INFINITY) : f);
}

/* Two float64 thresholds may have one float32 ceiling; the second one gets the next key, which
 * sotto_model_key knows how to tell. */
sotto_status sotto_forge_narrow_cuts(forge_layout *l, const forge_forest *f, const char *file_name,
                                     sotto_diag *diag)
{
    l->threshold = calloc(l->cut_count == 0 ? 1 : l->cut_count, sizeof *l->threshold);
    if (l->threshold == NULL)
        return sotto_forge_no_memory(diag);
    for (size_t i = 0; i < l->cut_count; i++) {
        const forge_cut *c = &l->cuts[i];
        if (sotto_forge_is_category(&f->features[c->feature]))
            continue;
        int32_t key = f->wide ? ceiling_key(sotto_forge_key_double(c->key)) : (int32_t)c->key;
        bool follows = i > 0 && l->cuts[i - 1].feature == c->feature;
        if (follows && key <= l->threshold[i - 1])
            key = l->threshold[i - 1] + 1;
        if (key > KEY_MAX)
            return sotto_diag_at(diag, SOTTO_ERR(FORGE, UNSUPPORTED), file_name, 0,
                                 "feature %s has thresholds too close to each other beyond float32's range",
                                 f->features[c->feature].name);
        l->threshold[i] = key;
        l->threshold_count++;
    }
    return SOTTO_OK;
}
