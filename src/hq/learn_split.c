/* Which rows are held out. A pure function of seed and row number, so that `model compile` finds the same
 * rows again. */
#include "learn_priv.h"

#include <string.h>

enum { WATCH_SALT = 77 };

/* SplitMix64 (Steele, Lea, Flood, "Fast splittable pseudorandom number generators", 2014): the finaliser as a
 * hash. */
static uint64_t mix(uint64_t v)
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
    return mix(mix((uint64_t)s->seed) ^ row) % 100 < (uint64_t)s->holdout_percent;
}

bool learn_split_watched(const learn_split *s, size_t row, size_t rows)
{
    if (learn_split_held_out(s, row, rows))
        return false;
    if (s->kind == LEARN_SPLIT_TIME)
        return row >= tail_start(tail_start(rows, s->holdout_percent), 10);
    return mix(mix((uint64_t)s->seed + WATCH_SALT) ^ row) % 10 == 0;
}
