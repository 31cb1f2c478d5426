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

/* Strictly ascending keys: two float64 thresholds may have one float32 ceiling, and the second then gets the
 * next key; beyond float32's range there is none, and those before give way. sotto_model_key knows how to
 * tell. */
static void spread(int32_t *keys, uint32_t n)
{
    for (uint32_t i = 1; i < n; i++)
        if (keys[i] <= keys[i - 1])
            keys[i] = keys[i - 1] + 1; /* at most 65,534 beyond infinity's key: fits */
    for (uint32_t i = n; i-- > 0;) {
        int32_t most = i + 1 < n ? keys[i + 1] - 1 : KEY_MAX;
        keys[i] = keys[i] > most ? most : keys[i];
    }
}

sotto_status sotto_forge_narrow_cuts(forge_layout *l, const forge_forest *f, sotto_diag *diag)
{
    l->threshold = calloc(l->cut_count == 0 ? 1 : l->cut_count, sizeof *l->threshold);
    if (l->threshold == NULL)
        return sotto_forge_no_memory(diag);
    for (size_t i = 0; i < f->feature_count; i++) {
        uint32_t first = l->first_cut[i], end = l->first_cut[i + 1];
        if (sotto_forge_is_category(&f->features[i]))
            continue;
        for (uint32_t k = first; k < end; k++)
            l->threshold[k] =
                f->wide ? ceiling_key(sotto_forge_key_double(l->cuts[k].key)) : (int32_t)l->cuts[k].key;
        spread(l->threshold + first, end - first);
        l->threshold_count += end - first;
    }
    return SOTTO_OK;
}
