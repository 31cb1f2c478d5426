/* Item x item and embeddings: scores, popularity and factors. docs/formats/items.md has the formulas. */
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

size_t sotto_items_dims(const sotto_items *t)
{
    return t->dims;
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

static int64_t number_at(const sotto_items *t, const void *vectors, size_t at)
{
    return t->width == 1 ? ((const int8_t *)vectors)[at] : ((const int16_t *)vectors)[at];
}

/* One held item's part of the customer's vector, in units of 2^-22: |weight| <= 2^15, and a number is at most
 * 2^7 (shift from 0) or 2^15 (shift from 8): within 2^22, and 512 of them within an int32. */
static int32_t share_q22(const sotto_items *t, const sotto_items_held *h, size_t dim)
{
    assert(h->item < t->count && h->weight_q15 <= SOTTO_ITEMS_ONE_Q15);
    unsigned base = t->width == 1 ? ITEMS_HELD_SHIFT_8 : ITEMS_HELD_SHIFT_16;
    int64_t weighed = number_at(t, t->held, h->item * t->dims + dim) * h->weight_q15;
    return (int32_t)sotto_fixed_round_shift(weighed, t->shift[h->item] + base);
}

void sotto_items_customer_of(const sotto_items *t, const sotto_items_held *held, size_t count,
                             sotto_items_customer *out)
{
    assert(count <= SOTTO_ITEMS_MAX);
    out->held = held;
    out->count = count;
    for (size_t dim = 0; dim < t->dims; dim++)
        out->vector_q22[dim] = 0;
    for (size_t i = 0; i < count; i++)
        for (size_t dim = 0; dim < t->dims; dim++)
            out->vector_q22[dim] += share_q22(t, &held[i], dim);
}

/* The loader has seen that the numbers of a wanted vector add up to at most 2^(8 + shift): with a customer
 * within 2^31 the product, shifted, is within 2^39. */
static int64_t product(const sotto_items *t, const int32_t *vector, size_t item)
{
    const size_t first = item * t->dims;
    int64_t sum = 0;
    if (t->width == 1)
        for (size_t dim = 0; dim < t->dims; dim++)
            sum += (int64_t)vector[dim] * ((const int8_t *)t->wanted)[first + dim];
    else
        for (size_t dim = 0; dim < t->dims; dim++)
            sum += (int64_t)vector[dim] * ((const int16_t *)t->wanted)[first + dim];
    return sum;
}

/* What one thing held adds to one item's score: a part of the sum, in the matrix's Q24 or before the shift.
 */
static int64_t part_of(const sotto_items *t, const sotto_items_held *h, size_t item)
{
    int32_t vector[SOTTO_ITEMS_DIMS_MAX];
    if (t->dims == 0)
        return part_q24(t, h, item);
    for (size_t dim = 0; dim < t->dims; dim++)
        vector[dim] = share_q22(t, h, dim);
    return product(t, vector, item);
}

static int raised_most(const sotto_items *t, const sotto_items_customer *c, size_t item)
{
    int64_t most = 0;
    int who = -1;
    for (size_t i = 0; i < c->count; i++) {
        int64_t part = part_of(t, &c->held[i], item);
        who = part > most ? (int)i : who;
        most = part > most ? part : most;
    }
    return who;
}

int64_t sotto_items_score_q24(const sotto_items *t, const sotto_items_customer *c, size_t item, int *because)
{
    assert(item < t->count && c->count <= SOTTO_ITEMS_MAX);
    int64_t sum = t->constant_q24[item];
    if (t->dims > 0)
        sum += sotto_fixed_round_shift(product(t, c->vector_q22, item), t->wanted_shift[item]);
    for (size_t i = 0; t->dims == 0 && i < c->count; i++)
        sum += part_q24(t, &c->held[i], item);
    if (because != NULL)
        *because = raised_most(t, c, item);
    return sum;
}

void sotto_items_scores_q24(const sotto_items *t, const sotto_items_held *held, size_t count, int64_t *out)
{
    sotto_items_customer c;
    sotto_items_customer_of(t, held, count, &c);
    for (size_t item = 0; item < t->count; item++)
        out[item] = t->dims > 0 ? sotto_items_score_q24(t, &c, item, NULL) : t->constant_q24[item];
    for (size_t i = 0; t->dims == 0 && i < count; i++) /* row by row, so that memory is read in its order */
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

/* Of a score within 2^40 (constant and 512 parts, or a product). */
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
