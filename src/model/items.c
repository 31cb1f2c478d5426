/* Item x item: scores, popularity and factors. docs/recommend.md has the formulas. */
#include "items_priv.h"

#include <assert.h>

size_t sotto_items_count(const sotto_items *t)
{
    return t->count;
}

const char *sotto_items_id(const sotto_items *t, size_t item)
{
    assert(item < t->count);
    return t->id[item];
}

static int find(const char *const *names, size_t count, sotto_span name)
{
    for (size_t i = 0; i < count; i++)
        if (sotto_span_is(name, names[i]))
            return (int)i;
    return -1;
}

int sotto_items_find(const sotto_items *t, sotto_span id)
{
    return find(t->id, t->count, id);
}

size_t sotto_items_segments(const sotto_items *t)
{
    return t->segments;
}

int sotto_items_segment_find(const sotto_items *t, sotto_span name)
{
    return find(t->segment, t->segments, name);
}

const char *sotto_items_source(const sotto_items *t)
{
    return t->source;
}

/* 2^(-age / half-life) = e^(-age x decay); the product stays below 2^31 x 2^24. */
uint16_t sotto_items_weight_q15(const sotto_items *t, int32_t age_days)
{
    if (age_days < 0)
        return t->held_q15;
    int64_t x_q24 = -(int64_t)age_days * (int64_t)t->decay_q24;
    return (uint16_t)sotto_fixed_round_shift(sotto_fixed_exp_neg_q30(x_q24), 15);
}

/* |weight| <= 2^15 and the entry <= 2^15: the product is within 2^30, and 512 of them within 2^39. */
static int64_t part_q24(const sotto_items *t, const sotto_items_held *h, size_t item)
{
    assert(h->item < t->count && h->weight_q15 <= SOTTO_ITEMS_ONE_Q15);
    int64_t product = (int64_t)t->row[h->item * t->count + item] * h->weight_q15;
    return sotto_fixed_round_shift(product, t->shift[h->item]);
}

int64_t sotto_items_score_q24(const sotto_items *t, const sotto_items_held *held, size_t count, size_t item,
                              int *because)
{
    assert(item < t->count && count <= SOTTO_ITEMS_MAX);
    int64_t sum = t->constant_q24[item], most = 0;
    int who = -1;
    for (size_t i = 0; i < count; i++) {
        int64_t part = part_q24(t, &held[i], item);
        who = part > most ? (int)i : who;
        most = part > most ? part : most;
        sum += part;
    }
    if (because != NULL)
        *because = who;
    return sum;
}

void sotto_items_scores_q24(const sotto_items *t, const sotto_items_held *held, size_t count, int64_t *out)
{
    assert(count <= SOTTO_ITEMS_MAX);
    for (size_t item = 0; item < t->count; item++)
        out[item] = t->constant_q24[item];
    for (size_t i = 0; i < count; i++)
        for (size_t item = 0; item < t->count; item++)
            out[item] += part_q24(t, &held[i], item);
}

uint32_t sotto_items_popular_q30(const sotto_items *t, int segment, size_t item)
{
    assert(item < t->count && segment < (int)t->segments);
    return t->popular_q30[(size_t)(segment + 1) * t->count + item];
}

/* part / whole as a factor; part within 2^46, so times 2^16 within 2^62. */
static uint32_t factor_of(int64_t part, int64_t whole)
{
    int64_t most = INT64_C(1) << 46;
    if (part <= 0)
        return SOTTO_ITEMS_FACTOR_MIN_Q16;
    part = part > most ? most : part;
    int64_t factor = part * SOTTO_ITEMS_FACTOR_ONE_Q16 / (whole > 0 ? whole : 1);
    return factor < SOTTO_ITEMS_FACTOR_MIN_Q16   ? SOTTO_ITEMS_FACTOR_MIN_Q16
           : factor > SOTTO_ITEMS_FACTOR_MAX_Q16 ? SOTTO_ITEMS_FACTOR_MAX_Q16
                                                 : (uint32_t)factor;
}

/* Of a score within 2^40 (constant and 512 parts). */
uint32_t sotto_items_factor_q16(const sotto_items *t, size_t item, int64_t score_q24)
{
    assert(score_q24 < INT64_C(1) << 40);
    return factor_of(score_q24 <= 0 ? 0 : score_q24 << 6, sotto_items_popular_q30(t, -1, item));
}

uint32_t sotto_items_segment_factor_q16(const sotto_items *t, size_t item, int segment)
{
    if (segment < 0)
        return SOTTO_ITEMS_FACTOR_ONE_Q16;
    return factor_of(sotto_items_popular_q30(t, segment, item), sotto_items_popular_q30(t, -1, item));
}
