/* Linear terms: a coefficient times a value, exact, then rounded once. docs/formats/model.md section 14.
 *
 * A coefficient is a float64 (53 bits), a value a float32 (24 bits): their product has 77 bits and is held in
 * two limbs. The result is within 2^52 units of 2^-24; 1,024 terms, trees (2^59) and bias (2^56) stay within
 * 2^63. */
#include "model_priv.h"

enum {
    FRACTION_BITS = 23,
    FLOAT_BIAS = 127,
    LIMB_BITS = 26,
    RESULT_BITS = 52,
    MANTISSA_BITS = 53,
    SHIFT_MAX = 2048
};
static const uint64_t RESULT_MAX = UINT64_C(1) << RESULT_BITS;
static const uint64_t LIMB_MASK = (UINT64_C(1) << LIMB_BITS) - 1;
static const uint32_t INFINITY_BITS = 0x7f800000;

/* high x 2^26 + low. high < 2^52, low < 2^26. */
typedef struct wide_product {
    uint64_t high, low;
} wide_product;

static wide_product multiply(uint64_t mantissa, uint32_t value)
{
    uint64_t low = (mantissa & LIMB_MASK) * value; /* < 2^50 */
    return (wide_product){(mantissa >> LIMB_BITS) * value + (low >> LIMB_BITS), low & LIMB_MASK};
}

/* v is below 2^bits only if it may be shifted left by 52 - bits. */
static uint64_t shift_left(uint64_t v, unsigned by)
{
    return by > RESULT_BITS || v >> (RESULT_BITS - by) != 0 ? RESULT_MAX : v << by;
}

static uint64_t round_up(uint64_t kept, uint64_t rest, uint64_t half, bool more)
{
    return kept + (rest > half || (rest == half && (more || (kept & 1) != 0)));
}

/* p x 2^-by, by >= 0, to nearest, ties to even. */
static uint64_t shift_right(wide_product p, unsigned by)
{
    if (by > LIMB_BITS + RESULT_BITS + 1)
        return 0;
    if (by > LIMB_BITS) {
        unsigned n = by - LIMB_BITS; /* 1 .. 53 */
        uint64_t half = UINT64_C(1) << (n - 1);
        return round_up(p.high >> n, p.high & (2 * half - 1), half, p.low != 0);
    }
    uint64_t high = shift_left(p.high, LIMB_BITS - by);
    if (by == 0 || high == RESULT_MAX)
        return high == RESULT_MAX ? high : high | p.low;
    uint64_t half = UINT64_C(1) << (by - 1);
    return round_up(high | p.low >> by, p.low & (2 * half - 1), half, false);
}

static uint64_t scale_product(wide_product p, int exponent)
{
    if (exponent < 0)
        return shift_right(p, (unsigned)-exponent);
    if (p.high > LIMB_MASK)
        return RESULT_MAX;
    return shift_left(p.high << LIMB_BITS | p.low, (unsigned)exponent);
}

static uint64_t magnitude(uint64_t mantissa, int shift, uint32_t bits)
{
    int exponent = (int)(bits >> FRACTION_BITS);
    uint32_t value = bits & ((UINT32_C(1) << FRACTION_BITS) - 1);
    if (mantissa == 0 || bits == 0)
        return 0;
    if (bits >= INFINITY_BITS)
        return RESULT_MAX;
    if (exponent > 0)
        value |= UINT32_C(1) << FRACTION_BITS;
    else
        exponent = 1; /* below the normal numbers */
    return scale_product(multiply(mantissa, value),
                         exponent - FLOAT_BIAS - FRACTION_BITS + SOTTO_MODEL_SCALE_BITS - shift);
}

int64_t sotto_model_product_q24(int64_t mantissa, int shift, int32_t key)
{
    uint64_t m = mantissa < 0 ? 0 - (uint64_t)mantissa : (uint64_t)mantissa;
    uint64_t size = magnitude(m, shift, key < 0 ? 0 - (uint32_t)key : (uint32_t)key);
    if (size > RESULT_MAX)
        size = RESULT_MAX;
    return (mantissa < 0) == (key < 0) ? (int64_t)size : -(int64_t)size;
}

int64_t sotto_model_sum_terms(const sotto_model *m, const int32_t *keys, size_t part,
                              int64_t *contribution_q24)
{
    int64_t sum = 0;
    for (size_t i = 0; i < m->info.terms; i++) {
        const term *t = &m->terms[i];
        if (t->output != part)
            continue;
        int32_t key = keys[t->feature];
        int64_t v = key == SOTTO_FLOAT_KEY_MISSING ? t->missing_q24
                                                   : sotto_model_product_q24(t->mantissa, t->shift, key);
        sum += v;
        if (contribution_q24 != NULL)
            contribution_q24[t->feature] += v;
    }
    return sum;
}

static sotto_status check_term(const loader *l, const term *t, const term *before)
{
    int64_t most = INT64_C(1) << MANTISSA_BITS, missing = (int64_t)RESULT_MAX;
    if (t->feature >= l->model->info.features || t->output >= l->model->parts)
        return sotto_model_bad(l, t, SOTTO_ERR(MODEL, RANGE), "a term of feature %u and output %u",
                               (unsigned)t->feature, (unsigned)t->output);
    if (is_category(&l->model->features[t->feature]))
        return sotto_model_bad(l, t, SOTTO_ERR(MODEL, MALFORMED), "a term of a feature of categories");
    if (t->shift > SHIFT_MAX || t->shift < -SHIFT_MAX || t->mantissa > most || t->mantissa < -most ||
        t->missing_q24 > missing || t->missing_q24 < -missing)
        return sotto_model_bad(l, t, SOTTO_ERR(MODEL, RANGE), "a term's number is out of range");
    bool ascends = before == NULL || before->output < t->output ||
                   (before->output == t->output && before->feature < t->feature);
    if (t->reserved != 0 || !ascends)
        return sotto_model_bad(l, t, SOTTO_ERR(MODEL, MALFORMED), "terms do not ascend");
    return SOTTO_OK;
}

sotto_status sotto_model_read_terms(loader *l)
{
    sotto_model *m = l->model;
    sotto_span s = l->section[SECTION_LINR];
    if (s.ptr == NULL)
        return SOTTO_OK;
    const term *terms = (const term *)(const void *)s.ptr;
    size_t n = s.len / sizeof *terms;
    /* A key that was moved to its side of a float64 threshold is no value to multiply with. */
    if (s.len % sizeof *terms != 0 || m->info.kind != SOTTO_MODEL_SUM || m->wide_thresholds != NULL)
        return sotto_model_bad(l, s.ptr, SOTTO_ERR(MODEL, MALFORMED), "LINR does not belong here");
    for (size_t i = 0; i < n; i++) {
        sotto_status status = check_term(l, &terms[i], i == 0 ? NULL : &terms[i - 1]);
        if (status != SOTTO_OK)
            return status;
    }
    m->terms = terms;
    m->info.terms = n;
    m->info.steps_max += n;
    m->plain = false;
    return SOTTO_OK;
}
