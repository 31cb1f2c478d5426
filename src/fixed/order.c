#include "fixed_priv.h"

#include <assert.h>

/* IEEE 754 binary32: sign, 8 bits of exponent, 23 of fraction. Without the sign the bits already have the
 * order of the values; infinity has the exponent's bits all set, a NaN lies above it. */
enum { FRACTION_BITS = 23, BIAS = 127, SIGN_SHIFT = 31 };
#define INFINITY_BITS  UINT32_C(0x7f800000)
#define QUIET_NAN_BITS UINT32_C(0x7fc00000)

int32_t sotto_fixed_float_key(uint32_t float32_bits)
{
    uint32_t magnitude = float32_bits & ~(UINT32_C(1) << SIGN_SHIFT);
    if (magnitude > INFINITY_BITS)
        return SOTTO_FLOAT_KEY_MISSING;
    return float32_bits >> SIGN_SHIFT ? -(int32_t)magnitude : (int32_t)magnitude;
}

uint32_t sotto_fixed_float_bits(int32_t key)
{
    if (key < -(int32_t)INFINITY_BITS || key > (int32_t)INFINITY_BITS)
        return QUIET_NAN_BITS;
    return key < 0 ? (uint32_t)-key | UINT32_C(1) << SIGN_SHIFT : (uint32_t)key;
}

static uint64_t power_of_ten(unsigned n)
{
    uint64_t p = 1;
    while (n-- > 0)
        p *= 10;
    return p;
}

static unsigned bit_length(uint64_t v)
{
    return v == 0 ? 0 : 64 - (unsigned)__builtin_clzll(v);
}

/* v / d as q * 2^-shift plus a rest below one unit of q; q gets at least 25 bits (24 to keep and one to round
 * by). Each turn brings as many bits as the divisor leaves room for: the rest is below d, so it can be
 * shifted by d's leading zeros. */
static uint64_t divide_bits(uint64_t v, uint64_t d, unsigned *shift, bool *inexact)
{
    uint64_t q = v / d, rest = v % d;
    unsigned room = (unsigned)__builtin_clzll(d);
    if (room > 32)
        room = 32; /* q has at most 24 bits before a turn, 56 after it */
    *shift = 0;
    while (bit_length(q) < FRACTION_BITS + 2) {
        rest <<= room;
        q = q << room | rest / d;
        rest %= d;
        *shift += room;
    }
    *inexact = rest != 0;
    return q;
}

int32_t sotto_fixed_decimal_key(int64_t mantissa, unsigned decimals)
{
    assert(decimals <= 18);
    if (mantissa == 0)
        return 0;
    unsigned shift;
    bool inexact;
    uint64_t q = divide_bits(sotto_fixed_magnitude(mantissa), power_of_ten(decimals), &shift, &inexact);
    unsigned drop = bit_length(q) - (FRACTION_BITS + 1);
    uint64_t half = UINT64_C(1) << (drop - 1), rest = q & (2 * half - 1), kept = q >> drop;
    kept += rest > half || (rest == half && (inexact || (kept & 1) != 0));
    /* value = kept * 2^(drop - shift), kept in [2^23, 2^24]; its leading bit is the one that the format
     * leaves out, and a carry to 2^24 runs into the exponent, as it should. 10^-18 .. 2^63 is all within the
     * normal numbers. */
    int32_t exponent = (int32_t)drop - (int32_t)shift + FRACTION_BITS + BIAS;
    assert(exponent > 0 && exponent < 2 * BIAS);
    int32_t magnitude = (int32_t)(kept - (UINT64_C(1) << FRACTION_BITS)) + exponent * (1 << FRACTION_BITS);
    return mantissa < 0 ? -magnitude : magnitude;
}
