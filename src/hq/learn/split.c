/* Which rows are held out. A pure function of seed and row number, so that `model compile` finds the same
 * rows again. */
#include "learn/learn.h"

#include <string.h>

enum { WATCH_SALT = 77, FOLD_SALT = 1999 };

/* SplitMix64 (Steele, Lea, Flood, "Fast splittable pseudorandom number generators", 2014): the finaliser as a
 * hash. */
uint64_t learn_mix(uint64_t v)
{
    v += UINT64_C(0x9e3779b97f4a7c15);
    v = (v ^ v >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    v = (v ^ v >> 27) * UINT64_C(0x94d049bb133111eb);
    return v ^ v >> 31;
}

const char *learn_split_name(enum learn_split_kind kind)
{
    return kind == LEARN_SPLIT_TIME ? "time" : "random";
}

bool learn_split_find(const char *name, enum learn_split_kind *out)
{
    bool time = strcmp(name, "time") == 0;
    *out = time ? LEARN_SPLIT_TIME : LEARN_SPLIT_RANDOM;
    return time || strcmp(name, "random") == 0;
}

/* The first row of the last `percent` of n rows. */
static size_t tail_start(size_t n, int64_t percent)
{
    return n - (size_t)((uint64_t)n * (uint64_t)percent / 100);
}

bool learn_split_held_out(const learn_split *s, size_t row, size_t rows)
{
    if (s->kind == LEARN_SPLIT_TIME)
        return row >= tail_start(rows, s->holdout_percent);
    return learn_mix(learn_mix((uint64_t)s->seed) ^ row) % 100 < (uint64_t)s->holdout_percent;
}

bool learn_split_watched(const learn_split *s, size_t row, size_t rows)
{
    if (learn_split_held_out(s, row, rows))
        return false;
    if (s->kind == LEARN_SPLIT_TIME)
        return row >= tail_start(tail_start(rows, s->holdout_percent), 10);
    return learn_mix(learn_mix((uint64_t)s->seed + WATCH_SALT) ^ row) % 10 == 0;
}

static size_t count_pool(const uint8_t *pool, size_t rows)
{
    size_t n = 0;
    for (size_t row = 0; row < rows; row++)
        n += pool[row] != 0;
    return n;
}

void learn_folds_use(const learn_folds *f, size_t fold, const uint8_t *pool, size_t rows, uint8_t *use)
{
    size_t n = count_pool(pool, rows), index = 0;
    size_t start = n * (fold + 1) / (f->count + 1), end = n * (fold + 2) / (f->count + 1);
    for (size_t row = 0; row < rows; row++) {
        if (pool[row] == 0) {
            use[row] = LEARN_LEFT_OUT;
            continue;
        }
        size_t i = index++;
        if (f->kind == LEARN_SPLIT_TIME)
            use[row] = i < start ? LEARN_TRAINED : i < end ? LEARN_JUDGED : LEARN_LEFT_OUT;
        else
            use[row] = learn_mix(learn_mix((uint64_t)f->seed + FOLD_SALT) ^ row) % f->count == fold
                           ? LEARN_JUDGED
                           : LEARN_TRAINED;
    }
}

void learn_watch(enum learn_split_kind kind, int64_t seed, size_t rows, uint8_t *use)
{
    size_t n = 0, index = 0;
    for (size_t row = 0; row < rows; row++)
        n += use[row] == LEARN_TRAINED;
    for (size_t row = 0; row < rows; row++) {
        if (use[row] != LEARN_TRAINED)
            continue;
        bool late = index++ >= tail_start(n, 10);
        bool drawn = learn_mix(learn_mix((uint64_t)seed + WATCH_SALT) ^ row) % 10 == 0;
        if (kind == LEARN_SPLIT_TIME ? late : drawn)
            use[row] = LEARN_WATCHED;
    }
}
