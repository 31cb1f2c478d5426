/* Keys from float64. LightGBM compares float64: two of them may lie between two float32, so a key of 32 bits
 * cannot tell all of them apart. It need not: all that a score asks of a value is on which side of each
 * threshold it lies. docs/formats/model.md section 10. */
#include "model_priv.h"

#include <assert.h>

enum {
    WIDE_FRACTION = 52,
    WIDE_BIAS = 1023,
    FRACTION = 23,
    FLOAT_BIAS = 127,
    LOST = WIDE_FRACTION - FRACTION
};
static const int64_t WIDE_INFINITY = 0x7ff0000000000000;
static const int32_t INFINITY_KEY = 0x7f800000;
static const int32_t ZERO_KEY = 0x0554ad2e;              /* of 1e-35f, as float32 */
static const int64_t WIDE_ZERO_KEY = 0x38aa95a5c0000000; /* of the same number, as float64 */
static const int64_t WIDE_ONE_KEY = 0x3ff0000000000000;
static const int32_t ONE_KEY = 0x3f800000;

/* Drops n bits (1..62), to nearest, ties to even. */
static uint64_t drop_bits(uint64_t v, unsigned n)
{
    uint64_t half = UINT64_C(1) << (n - 1), rest = v & (2 * half - 1), kept = v >> n;
    return kept + (rest > half || (rest == half && (kept & 1) != 0));
}

/* The key of the float32 nearest to a float64 of magnitude key `wide` (not negative). */
static int32_t narrow_magnitude(uint64_t wide)
{
    int exponent = (int)(wide >> WIDE_FRACTION) - WIDE_BIAS + FLOAT_BIAS;
    uint64_t fraction = wide & ((UINT64_C(1) << WIDE_FRACTION) - 1);
    if (exponent >= 2 * FLOAT_BIAS + 1)
        return INFINITY_KEY;
    if (exponent > 0) /* a carry runs into the exponent, up to infinity, as it should */
        return (int32_t)drop_bits((uint64_t)exponent << WIDE_FRACTION | fraction, LOST);
    unsigned lost = (unsigned)(LOST + 1 - exponent); /* below the normal float32 numbers */
    return lost > 62 ? 0 : (int32_t)drop_bits(fraction | UINT64_C(1) << WIDE_FRACTION, lost);
}

static int32_t narrow_key(int64_t wide)
{
    return wide < 0 ? -narrow_magnitude((uint64_t)-wide) : narrow_magnitude((uint64_t)wide);
}

/* How many of n ascending thresholds are at most key. */
static uint32_t count_wide(const int64_t *t, uint32_t n, int64_t key)
{
    uint32_t low = 0, high = n;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (t[middle] <= key)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* The nearest float32 when that lies on the same side of every threshold, else the nearest key that does. A
 * value that is not zero must not become a zero that is missing. */
static int32_t threshold_key(const sotto_model *m, size_t feature, int64_t wide)
{
    uint32_t first = m->first_threshold[feature], n = m->first_threshold[feature + 1] - first;
    const int32_t *keys = m->thresholds + first;
    uint32_t bin = count_wide(m->wide_thresholds + first, n, wide);
    int32_t key = narrow_key(wide);
    if (m->features[feature].kind == SOTTO_FEATURE_NUMBER_ZERO) {
        if (wide >= -WIDE_ZERO_KEY && wide <= WIDE_ZERO_KEY)
            return 0;
        if (key >= -ZERO_KEY && key <= ZERO_KEY)
            key = wide < 0 ? -ZERO_KEY - 1 : ZERO_KEY + 1;
    }
    if (bin < n && key >= keys[bin])
        return keys[bin] - 1;
    return bin > 0 && key < keys[bin - 1] ? keys[bin - 1] : key;
}

/* The whole part, which rounding to float32 could change: 2.99999999 is category 2. */
static int32_t category_key(int64_t wide)
{
    if (wide < 0)
        return wide > -WIDE_ONE_KEY ? -ONE_KEY / 2 : -ONE_KEY; /* -0.5 or -1: section 9 tells them apart */
    int exponent = (int)(wide >> WIDE_FRACTION) - WIDE_BIAS;
    if (exponent < 0)
        return 0;
    if (exponent > FRACTION)
        return INFINITY_KEY; /* no set reaches there */
    uint64_t mask = (UINT64_C(1) << (WIDE_FRACTION - exponent)) - 1;
    return narrow_key(wide & ~(int64_t)mask);
}

static int32_t key_of(const sotto_model *m, size_t feature, int64_t wide)
{
    if (m->wide_thresholds == NULL)
        return narrow_key(wide);
    return is_category(&m->features[feature]) ? category_key(wide) : threshold_key(m, feature, wide);
}

int32_t sotto_model_key(const sotto_model *m, size_t feature, uint64_t float64_bits)
{
    assert(feature < m->info.features);
    int64_t magnitude = (int64_t)(float64_bits & (uint64_t)INT64_MAX);
    if (magnitude > WIDE_INFINITY)
        return SOTTO_FLOAT_KEY_MISSING;
    return key_of(m, feature, float64_bits >> 63 ? -magnitude : magnitude);
}

/* The key of the float64 nearest to mantissa / 10^decimals, ties to even: a bit of the quotient at a time,
 * until there are two more than a float64 keeps; what is left then only breaks ties. */
static int64_t wide_decimal(int64_t mantissa, unsigned decimals)
{
    uint64_t v = mantissa < 0 ? 0 - (uint64_t)mantissa : (uint64_t)mantissa, d = 1;
    int exponent = WIDE_BIAS + WIDE_FRACTION;
    if (v == 0)
        return 0;
    while (decimals-- > 0)
        d *= 10;
    uint64_t q = v / d, rest = v % d; /* d is at most 10^18: rest can be doubled */
    for (; q < UINT64_C(1) << (WIDE_FRACTION + 3); exponent--) {
        rest *= 2;
        q = q << 1 | (rest >= d);
        rest -= rest >= d ? d : 0;
    }
    unsigned drop = 64 - (unsigned)__builtin_clzll(q) - (WIDE_FRACTION + 1);
    uint64_t kept = drop_bits(q | (rest != 0), drop);
    int64_t wide =
        (int64_t)(kept - (UINT64_C(1) << WIDE_FRACTION)) + ((int64_t)(exponent + (int)drop) << WIDE_FRACTION);
    return mantissa < 0 ? -wide : wide;
}

int32_t sotto_model_attribute_key(const sotto_model *m, size_t feature, int64_t mantissa, unsigned decimals)
{
    if (m->wide_thresholds == NULL)
        return sotto_fixed_decimal_key(mantissa, decimals);
    return key_of(m, feature, wide_decimal(mantissa, decimals));
}
