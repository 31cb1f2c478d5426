#include "fixed_priv.h"

#include <assert.h>

int64_t sotto_fixed_round_shift(int64_t v, unsigned n)
{
    assert(n <= 62);
    if (n == 0)
        return v;
    int64_t half = INT64_C(1) << (n - 1);
    int64_t floor = v >> n; /* arithmetic, by GCC's and clang's definition */
    int64_t rest = v & (2 * half - 1);
    return floor + (rest > half || (rest == half && (floor & 1) != 0));
}

typedef struct wide {
    uint64_t high, low;
} wide;

/* 64 x 64 -> 128 bits by 32-bit halves: the terminal's compiler has no 128-bit type. */
static wide multiply(uint64_t a, uint64_t b)
{
    uint64_t a0 = (uint32_t)a, a1 = a >> 32, b0 = (uint32_t)b, b1 = b >> 32;
    uint64_t low = a0 * b0;
    uint64_t mid = a1 * b0 + (low >> 32); /* at most (2^32-1)^2 + 2^32-1 < 2^64 */
    uint64_t mid2 = a0 * b1 + (uint32_t)mid;
    return (wide){.high = a1 * b1 + (mid >> 32) + (mid2 >> 32), .low = mid2 << 32 | (uint32_t)low};
}

/* n / c by shift and subtract, for n.high < c (so that the quotient fits 64 bits) and c <= 2^63 (so that the
 * remainder can be doubled). */
static uint64_t divide(wide n, uint64_t c, uint64_t *rest)
{
    assert(n.high < c && c <= UINT64_C(1) << 63);
    uint64_t r = n.high, q = 0;
    for (unsigned i = 64; i-- > 0;) {
        r = r << 1 | (n.low >> i & 1);
        q <<= 1;
        if (r >= c) {
            r -= c;
            q |= 1;
        }
    }
    *rest = r;
    return q;
}

sotto_status sotto_fixed_mul_div(int64_t a, int64_t b, int64_t c, int64_t *out)
{
    assert(c > 0);
    bool negative = (a < 0) != (b < 0);
    uint64_t divisor = (uint64_t)c, rest;
    wide product = multiply(sotto_fixed_magnitude(a), sotto_fixed_magnitude(b));
    if (product.high >= divisor)
        return SOTTO_ERR(FIXED, RANGE);
    uint64_t q;
    if (product.high == 0) {
        q = product.low / divisor;
        rest = product.low % divisor;
    } else {
        q = divide(product, divisor, &rest);
    }
    /* Ties to even is symmetric in the sign, so the magnitude may be rounded. rest < c < 2^63: twice it fits.
     */
    uint64_t up = 2 * rest > divisor || (2 * rest == divisor && (q & 1) != 0);
    if (q > (uint64_t)INT64_MAX + negative - up)
        return SOTTO_ERR(FIXED, RANGE);
    q += up;
    *out = negative ? (int64_t)(0 - q) : (int64_t)q;
    return SOTTO_OK;
}
